//! What must hold on every network, whatever happens while it is scanned. Most of it is asserted in the simulation itself.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use scanner_core::{Completion, HostAddr, PortMap, PortSet, Reason};

use super::sim::{Answer, Bottleneck, Limit, OwnFirewall, Run, Scenario, Span, run};
use super::{Input, ScanTime};
use crate::config::{ConnectionLimit, PortDetail, ScanConfig};

fn limit() -> impl Strategy<Value = Option<Limit>> {
    prop::option::weighted(
        0.3,
        (5.0..2000.0_f64, 1.0..50.0_f64).prop_map(|(rate, burst)| Limit { rate, burst }),
    )
}

fn queue() -> impl Strategy<Value = Option<Bottleneck>> {
    prop::option::weighted(
        0.2,
        (20.0..5000.0_f64, 1.0..500.0_f64)
            .prop_map(|(packets_per_second, length)| Bottleneck { packets_per_second, length }),
    )
}

fn span() -> impl Strategy<Value = Option<Span>> {
    let span = (0..3_000_u64, prop::option::of(1..20_000_u64));
    prop::option::weighted(
        0.2,
        span.prop_map(|(from_ms, len)| Span { from_ms, to_ms: len.map(|len| from_ms + len) }),
    )
}

/// A span with an end.
fn pause() -> impl Strategy<Value = Option<Span>> {
    let span = (0..3_000_u64, 1..20_000_u64);
    prop::option::weighted(0.2, span.prop_map(|(from_ms, len)| Span { from_ms, to_ms: Some(from_ms + len) }))
}

fn config() -> impl Strategy<Value = ScanConfig> {
    let limit = prop_oneof![
        (1..200_u32).prop_map(|n| ConnectionLimit::Fixed(NonZeroU32::new(n).unwrap())),
        Just(ConnectionLimit::Auto),
    ];
    let rate = prop::option::weighted(0.2, 20..5000_u32);
    let per_host = prop::option::weighted(0.2, 1..50_u32);
    (limit, rate, per_host, prop::option::weighted(0.3, 0..4_u8), any::<bool>(), any::<bool>()).prop_map(
        |(limit, rate, per_host, retries, skip, all)| ScanConfig {
            limit,
            max_rate: rate.and_then(NonZeroU32::new),
            max_per_host: per_host.and_then(NonZeroU32::new),
            retries,
            skip_discovery: skip,
            detail: if all { PortDetail::All } else { PortDetail::Open },
            ..ScanConfig::default()
        },
    )
}

/// Ports of their own for some of the hosts, few and many, and for addresses that are no target.
fn own_ports() -> impl Strategy<Value = PortMap> {
    let group = (0..6_u32, 1..120_u16, 0..60_u16).prop_map(|(n, first, more)| {
        let host = HostAddr::from(std::net::Ipv4Addr::from(0x0a00_0001 + n));
        (std::iter::once(host).collect(), PortSet::from_range(first, first + more))
    });
    prop::option::weighted(0.4, prop::collection::vec(group, 1..5))
        .prop_map(|groups| groups.into_iter().flatten().collect())
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let rest =
        prop_oneof![Just(Answer::Closed), Just(Answer::Drop), Just(Answer::Reject), Just(Answer::Open)];
    let hosts = (any::<u64>(), 1..5_u32, 1..4_u32, 1..150_u16, own_ports(), rest);
    let path = (0.1..200.0_f64, 0.0..0.5_f64, prop_oneof![Just(0.0), 0.0..0.3_f64], queue());
    let local = (prop::option::weighted(0.3, 1..40_u32), 1..300_u32, any::<bool>());
    let firewall = prop::option::weighted(0.2, (1..100_u16, span(), limit())).prop_map(|it| {
        let (last, when, messages) = it?;
        let messages = messages.unwrap_or(Limit { rate: 1e6, burst: 1e6 });
        Some(OwnFirewall { ports: PortSet::from_range(1, last), when: when?, messages })
    });
    let gaps = (pause(), pause());
    let events = (span(), span(), span(), firewall);
    let all = (hosts, path, (limit(), limit(), limit()), (local, gaps), events, config());
    all.prop_map(
        |(hosts, path, limits, (local, gaps), (away, network_down, no_route, own_firewall), config)| {
            let (seed, count, live_every, ports, own_ports, rest) = hosts;
            let (rtt_ms, jitter, loss, queue) = path;
            Scenario {
                seed,
                hosts: count,
                live_every,
                ports: PortSet::from_range(1, ports),
                own_ports,
                open: PortSet::from_iter([2, 22, 80, 99]),
                drop: PortSet::from_range(30, 60),
                rest,
                rtt_ms,
                jitter_ms: rtt_ms * jitter,
                loss,
                queue,
                policer: limits.0,
                rst_limit: limits.1,
                icmp_limit: limits.2,
                descriptors: local.0,
                auto_cap: local.1,
                neighbours: local.2,
                away,
                router_speaks: seed % 2 == 0,
                network_down,
                no_route,
                own_firewall,
                stopped: gaps.0,
                unread: gaps.1,
                config,
                ..Scenario::default()
            }
        },
    )
}

/// Things done to a scan from outside, each at a moment.
fn meddling() -> impl Strategy<Value = Vec<(u64, Input)>> {
    let skip =
        (0..5_u32).prop_map(|n| Input::SkipHost(HostAddr::from(std::net::Ipv4Addr::from(0x0a00_0001 + n))));
    let input = prop_oneof![
        3 => Just(Input::Pause),
        5 => Just(Input::Resume),
        2 => skip,
        2 => (1..100_u32).prop_map(Input::Budget),
        2 => prop::option::of(50..1000_u32).prop_map(|rate| Input::Rate(rate.and_then(NonZeroU32::new))),
        1 => Just(Input::Stop(Reason::Cancelled)),
    ];
    prop::collection::vec((0..8_000_u64, input), 0..6).prop_map(|mut inputs| {
        inputs.sort_by_key(|(at, _)| *at);
        inputs
    })
}

/// Runs with the meddling; a pause is lifted in the end, or the scan would rightly wait for ever.
fn meddled(scenario: &Scenario, inputs: &[(u64, Input)]) -> Run {
    let mut left = inputs.iter().cloned().chain([(8_000, Input::Resume)]).peekable();
    let mut paused = false;
    run(scenario, &mut |now: ScanTime| {
        let due =
            left.peek().is_some_and(|(at, _)| now >= ScanTime::after(Duration::from_millis(*at)) || paused);
        let (_, input) = left.next_if(|_| due)?;
        paused = match input {
            Input::Pause => true,
            Input::Resume | Input::Stop(_) => false,
            Input::SkipHost(_)
            | Input::Rate(_)
            | Input::Budget(_)
            | Input::Outcome(..)
            | Input::Neighbours(_) => paused,
        };
        Some(input)
    })
}

proptest! {
    #[test]
    fn every_port_settles_once_and_nothing_stalls(scenario in scenario(), inputs in meddling()) {
        let run = meddled(&scenario, &inputs);
        prop_assert_eq!(run.phantom, 0);
        let progress = run.report().progress;
        prop_assert_eq!(u128::from(progress.probes), scenario.plan().probes());
        let cancelled = inputs.iter().any(|(_, input)| matches!(input, Input::Stop(_)));
        if !cancelled {
            prop_assert_ne!(run.report().completion, Completion::Cancelled);
        }
        prop_assert_eq!(run.report().completion == Completion::Complete, progress.unknown == 0 && run.report().completion != Completion::Cancelled);
    }

    #[test]
    fn without_loss_or_limits_nothing_is_missed(scenario in scenario()) {
        let kind = Scenario { loss: 0.0, queue: None, policer: None, rst_limit: None, icmp_limit: None, jitter_ms: 0.0, live_every: 1, away: None, network_down: None, no_route: None, own_firewall: None, ..scenario };
        let run = run(&kind, &mut |_| None);
        prop_assert_eq!((run.missed, run.misclassified, run.phantom), (0, 0, 0));
        prop_assert_eq!(run.report().progress.unknown, 0, "a local limit never becomes a fact");
    }

    #[test]
    fn the_same_seed_gives_the_same_scan(scenario in scenario()) {
        let (one, two) = (run(&scenario, &mut |_| None), run(&scenario, &mut |_| None));
        prop_assert_eq!(one.trace, two.trace);
    }
}
