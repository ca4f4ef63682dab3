//! Pairs of simulated networks that differ in one mechanism: what the controller makes of it, and that it is nothing else.

use std::time::Duration;

use scanner_core::{Progress, Verdict};

use super::scenarios::scan;
use super::sim::Run;

/// What most of these networks have in common: a host 10 ms away.
const HOST: &str = "ports = '1-3000'\nopen = '22,80,443,2222'\ndrop = '500-530'\nconfig = { limit = 'auto' }";

/// The same farther away, so that something can happen while it is scanned.
const FAR: &str =
    "ports = '1-3000'\nopen = '22,80,443,2222'\ndrop = '500-530'\nrtt_ms = 50.0\nconfig = { limit = 'auto' }";

/// A host next door behind a firewall that lets 1,000 connections per second through.
const POLICED: &str = "ports = '1-10000'\nopen = '22,80,443,3306,8080'\nrtt_ms = 1.0\njitter_ms = 0.2\npolicer = { rate = 1000.0, burst = 100.0 }\nconfig = { limit = 'auto' }";

/// What the ports were called.
fn states(run: &Run) -> (u64, u64, u64, u64) {
    let Progress { open, closed, filtered, unknown, .. } = run.report().progress;
    (open, closed, filtered, unknown)
}

fn verdict(run: &Run) -> Option<Verdict> {
    run.report().hosts.first().and_then(|host| host.verdict)
}

fn has_note(run: &Run, code: &str) -> bool {
    run.report().notes.iter().any(|note| note.code == code)
}

fn rtt(run: &Run) -> Option<Duration> {
    run.report().hosts.first().and_then(|host| host.rtt)
}

fn sent(run: &Run) -> u64 {
    run.report().progress.sent
}

/// Nothing becomes wrong by a queue, and it does not stand empty: what was sent too fast is asked again, which may take three times as
/// long as one packet for each port, and no more.
fn fills_a_narrow_queue(without: &Run, with: &Run, packets_per_second: f64) {
    assert_eq!(states(without), states(with), "{}", with.summary());
    assert_eq!(with.misclassified, 0, "{}", with.summary());
    #[expect(clippy::cast_precision_loss, reason = "a few thousand ports")]
    let least = without.report().progress.probes as f64 / packets_per_second;
    assert!(with.took.as_secs_f64() < 4.0 * least, "{}", with.summary());
}

/// What one mechanism does: the same network with the one and with the other added to it, by five draws of its luck.
fn differ(base: &str, one: &str, other: &str, check: fn(&Run, &Run)) {
    assert_ne!(one, other, "nothing differs");
    for seed in 1..=5 {
        let [one, other] = [one, other].map(|added| scan(&format!("seed = {seed}\n{added}\n{base}")));
        for run in [&one, &other] {
            assert_eq!((run.missed, run.phantom), (0, 0), "seed {seed}: {}", run.summary());
        }
        check(&one, &other);
    }
}

/// One test for each: what the two networks have in common, what each has of its own, and what must hold of both.
macro_rules! pairs {
    ($($name:ident: $base:expr, $one:expr, $other:expr, $check:expr;)*) => {
        $(
            #[test]
            fn $name() {
                differ($base, $one, $other, $check);
            }
        )*
    };
}

pairs! {
    jitter: HOST, "", "jitter_ms = 8.0", |without, with| {
        assert_eq!(states(without), states(with));
    };
    distance: HOST, "rtt_ms = 0.05", "rtt_ms = 200.0", |near, far| {
        assert_eq!(states(near), (4, 2965, 31, 0));
        assert_eq!(states(near), states(far));
        assert!(far.took > near.took);
    };
    loss: HOST, "", "loss = 0.05", |without, with| {
        assert_eq!(verdict(with), None);
        assert!(with.misclassified <= 1, "{}", with.summary());
        assert!(sent(with) > sent(without));
        assert!(!has_note(with, "paced"));
    };
    loss_in_bursts: HOST, "", "loss = 0.05\nburst_ms = 30.0", |_, with| {
        assert_eq!(verdict(with), None);
        assert!(with.misclassified <= 1, "{}", with.summary());
    };
    a_policer: HOST, "", "policer = { rate = 500.0, burst = 50.0 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert_eq!((verdict(with), has_note(without, "paced"), has_note(with, "paced")), (None, false, true));
    };
    a_narrow_queue: HOST, "", "queue = { packets_per_second = 1000, length = 50 }", |without, with| {
        fills_a_narrow_queue(without, with, 1_000.0);
    };
    a_narrow_queue_far_away:
        "ports = '1-3000'\nopen = '22,80,443,2222'\ndrop = '500-530'\nrtt_ms = 200.0\njitter_ms = 5.0\nconfig = { limit = 'auto' }",
        "", "queue = { packets_per_second = 1000, length = 50 }", |without, with| {
        fills_a_narrow_queue(without, with, 1_000.0);
    };
    a_queue_of_seconds: HOST, "", "queue = { packets_per_second = 500, length = 2000 }", |without, with| {
        fills_a_narrow_queue(without, with, 500.0);
        assert_eq!(verdict(with), None);
    };
    a_queue_for_three_packets: HOST, "", "queue = { packets_per_second = 1000, length = 3 }", |without, with| {
        fills_a_narrow_queue(without, with, 1_000.0);
    };
    a_narrow_queue_against_a_policer:
        HOST, "queue = { packets_per_second = 1000, length = 50 }", "policer = { rate = 1000.0, burst = 50.0 }", |queue, policer| {
        assert_eq!(states(queue), states(policer), "{}{}", queue.summary(), policer.summary());
    };
    a_limit_on_refusals: HOST, "", "rst_limit = { rate = 200.0, burst = 50.0 }", |_, with| {
        assert_eq!(verdict(with), Some(Verdict::ResponseLimited));
        assert_eq!(with.misclassified, 0);
        assert!(!has_note(with, "paced"));
    };
    a_limit_on_refusals_against_a_policer:
        "ports = '1-10000'\nopen = '22,80'\nrtt_ms = 0.02\nconfig = { limit = 'auto' }",
        "policer = { rate = 1000.0, burst = 200.0 }", "rst_limit = { rate = 200.0, burst = 50.0 }", |policed, limited| {
        assert_eq!((verdict(policed), verdict(limited)), (None, Some(Verdict::ResponseLimited)));
        assert_eq!((has_note(policed, "paced"), has_note(limited, "paced")), (true, false));
    };
    a_policer_against_loss:
        "ports = '1-8000'\nopen = '22,80,443'\ndrop = '1000-4000'\nrtt_ms = 20.0\nconfig = { limit = 'auto' }",
        "policer = { rate = 1000.0, burst = 100.0 }", "loss = 0.2", |policed, lossy| {
        assert_eq!((has_note(policed, "paced"), has_note(lossy, "paced")), (true, false));
    };
    a_policer_before_a_firewall:
        "ports = '1-3000'\nrest = 'drop'\nrtt_ms = 0.05\nopen = '22,80,443,2020'\nconfig = { limit = 'auto', skip_discovery = true }",
        "", "policer = { rate = 1000.0, burst = 100.0 }", |_, policed| {
        let loss = policed.report().hosts[0].loss.unwrap();
        assert!(loss < 0.05, "a pace that is kept loses {loss}");
        // Two or three attempts to each port, and what it took to find the rate.
        assert!(policed.took.as_secs_f64() < 15.0, "{:?}", policed.took);
    };
    rejects: HOST, "", "reject = '600-900'", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered + 301, unknown));
    };
    rejects_that_are_limited:
        HOST, "reject = '600-900'", "reject = '600-900'\nicmp_limit = { rate = 10.0, burst = 6.0 }", |without, with| {
        assert_eq!(states(without), states(with), "silent or rejected, filtered it is");
    };
    prohibitions: HOST, "", "prohibit = '600-900'", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered + 301, unknown));
    };
    silence_instead_of_refusals: HOST, "", "rest = 'drop'", |_, with| {
        assert_eq!(states(with), (4, 0, 2996, 0));
    };
    full_queues: HOST, "", "slow = '80,443'", |without, with| {
        assert_eq!(states(without), states(with));
    };
    a_host_that_dies: FAR, "", "away = { from_ms = 400 }", |without, with| {
        assert_eq!(states(without).3, 0);
        assert_eq!(states(with).2, 0, "unknown, not filtered: {}", with.summary());
        assert!(states(with).3 > 0);
        assert_eq!(verdict(with), Some(Verdict::HostLost));
        assert_eq!(with.misclassified, 0, "{}", with.summary());
    };
    a_router_that_speaks_for_a_host_that_dies:
        FAR, "away = { from_ms = 400 }",
        "away = { from_ms = 400 }\nrouter_speaks = true\nicmp_limit = { rate = 10.0, burst = 5.0 }", |silent, with| {
        assert_eq!(verdict(silent), verdict(with));
        assert_eq!(verdict(with), Some(Verdict::HostLost));
        assert_eq!(with.misclassified, 0, "what a router says is no word about a port: {}", with.summary());
    };
    a_host_that_comes_back: FAR, "", "away = { from_ms = 400, to_ms = 5000 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert_eq!(verdict(with), None);
    };
    a_path_that_gets_slower: HOST, "", "slower = { from_ms = 100, rtt_ms = 300.0 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert!(with.took > without.took);
    };
    few_descriptors: HOST, "", "descriptors = 3", |without, with| {
        assert_eq!(states(without), states(with));
        assert_eq!(with.peak, 3);
        assert!(with.took > without.took);
        assert!(has_note(with, "local-limit"));
    };
    a_network_that_goes_away: FAR, "", "network_down = { from_ms = 300, to_ms = 10300 }", |without, with| {
        assert_eq!(states(without), states(with));
    };
    a_route_that_goes_away: FAR, "", "no_route = { from_ms = 300 }", |_, with| {
        assert!(states(with).3 > 0);
        assert_eq!(with.misclassified, 0);
    };
    a_firewall_of_this_machine: HOST, "", "own_firewall = { ports = '600-900', when = { from_ms = 0 }, messages = { rate = 1e6, burst = 1e6 } }", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered, unknown + 301));
    };
    a_stop: FAR, "", "stopped = { from_ms = 400, to_ms = 5400 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert_eq!((sent(without), verdict(with)), (sent(with), None), "all that was out had been answered");
        assert!(with.took < without.took + Duration::from_millis(5_500), "{}", with.summary());
    };
    a_stop_of_half_a_second: FAR, "", "stopped = { from_ms = 400, to_ms = 900 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert!(with.took < without.took + Duration::from_millis(2_500), "{}", with.summary());
    };
    a_stop_by_which_all_answers_are_lost:
        FAR, "", "stopped = { from_ms = 400, to_ms = 60400 }\naway = { from_ms = 400, to_ms = 60400 }", |without, with| {
        assert_eq!(states(without), states(with), "{}", with.summary());
        assert_eq!((with.misclassified, verdict(with)), (0, None), "{}", with.summary());
    };
    a_stop_while_a_rate_is_measured: POLICED, "", "stopped = { from_ms = 500, to_ms = 5500 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert!(with.took < without.took + Duration::from_secs(10), "{}", with.summary());
    };
    a_stop_of_a_machine_without_network:
        FAR, "network_down = { from_ms = 300, to_ms = 65300 }", "network_down = { from_ms = 300, to_ms = 65300 }\nstopped = { from_ms = 1000, to_ms = 64000 }", |without, with| {
        assert!(states(without).3 > 0, "it was away for too long");
        assert_eq!(states(with), (4, 2965, 31, 0), "most of the time nobody looked: {}", with.summary());
    };
    a_reader_that_pauses: FAR, "", "unread = { from_ms = 400, to_ms = 2400 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert!(sent(with) <= sent(without) + 2, "nothing is lost; a canary more, perhaps");
        assert_eq!(rtt(without), rtt(with));
        assert!(with.took < without.took + Duration::from_millis(2_500), "{}", with.summary());
    };
    a_reader_that_pauses_on_a_lossy_path: FAR, "loss = 0.05", "loss = 0.05\nunread = { from_ms = 400, to_ms = 2400 }", |_, with| {
        assert_eq!(verdict(with), None);
        assert!(with.misclassified <= 1, "{}", with.summary());
    };
    a_reader_that_pauses_while_a_rate_is_measured: POLICED, "", "unread = { from_ms = 500, to_ms = 2500 }", |without, with| {
        assert_eq!(states(without), states(with), "{}{}", without.summary(), with.summary());
        assert!(with.took < without.took + Duration::from_secs(7), "{}", with.summary());
    };
    dead_hosts_between: "hosts = 16\nopen = '22,80,443'\nconfig = { limit = 'auto' }", "", "live_every = 4", |without, with| {
        assert_eq!(states(without).0, 16 * 3);
        assert_eq!(states(with).0, 4 * 3);
        assert_eq!(with.report().progress.targets_up, 4);
    };
}
