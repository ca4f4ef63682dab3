//! The file form of a simulated network.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use scanner_core::{HostAddr, PortMap, PortSet, TargetSet};
use serde::Deserialize;

use super::super::ScanTime;
use crate::config::ScanConfig;
use crate::plan::ScanPlan;

/// One network and one scan of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    /// Addresses 10.0.0.1 onwards; every `live_every`-th of them is there.
    pub(crate) hosts: u32,
    pub(crate) live_every: u32,
    /// They are on link: this machine resolves them first, and gives dead ones up after 3 s.
    pub(crate) neighbours: bool,
    /// How many entries the neighbour table has room for.
    pub(crate) table: Option<u32>,
    /// How late a neighbour answers ARP.
    pub(crate) arp_ms: f64,
    /// Entries that are out of date stand in the table from before; who is there confirms its own after 5 s.
    pub(crate) stale: bool,
    pub(crate) ports: PortSet,
    /// The ports of hosts that have their own.
    pub(crate) own_ports: PortMap,
    pub(crate) open: PortSet,
    /// Those of them whose queue is full but for 300 of every 1,300 ms, each with a phase of its own.
    pub(crate) slow: PortSet,
    pub(crate) drop: PortSet,
    pub(crate) reject: PortSet,
    pub(crate) prohibit: PortSet,
    /// What every other port does.
    pub(crate) rest: Answer,
    pub(crate) rtt_ms: f64,
    /// Uniform, around the round-trip time.
    pub(crate) jitter_ms: f64,
    /// Share of packets lost each way.
    pub(crate) loss: f64,
    /// Mean length of a loss burst; independent loss without it.
    pub(crate) burst_ms: Option<f64>,
    /// What all packets to the hosts pass.
    pub(crate) queue: Option<Bottleneck>,
    pub(crate) policer: Option<Limit>,
    pub(crate) rst_limit: Option<Limit>,
    pub(crate) icmp_limit: Option<Limit>,
    /// When the hosts do not answer.
    pub(crate) away: Option<Span>,
    /// A router says so by ICMP host-unreachable.
    pub(crate) router_speaks: bool,
    pub(crate) slower: Option<Slower>,
    /// How many sockets this machine gives.
    pub(crate) descriptors: Option<u32>,
    /// When this machine's network is down.
    pub(crate) network_down: Option<Span>,
    /// When there is no route to the targets.
    pub(crate) no_route: Option<Span>,
    /// What this machine's own firewall rejects.
    pub(crate) own_firewall: Option<OwnFirewall>,
    /// When this process is stopped while the network goes on: whatever happens meanwhile is seen all at once when it wakes.
    pub(crate) stopped: Option<Span>,
    /// When nobody reads what the scan says, so that nothing new is begun.
    pub(crate) unread: Option<Span>,
    /// The budget of an automatic limit.
    pub(crate) auto_cap: u32,
    pub(crate) config: ScanConfig,
}

/// What a port does with a SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Open,
    Closed,
    Drop,
    Reject,
    Prohibit,
}

/// Packets per second, and how many at once.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    pub(crate) rate: f64,
    pub(crate) burst: f64,
}

/// A queue with tail drop: how fast packets leave it, and how many it holds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bottleneck {
    pub(crate) packets_per_second: f64,
    pub(crate) length: f64,
}

/// A span of time; without an end it lasts.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: Option<u64>,
}

impl Span {
    pub(crate) fn contains(self, now: ScanTime) -> bool {
        let after = |ms| now >= ScanTime::after(Duration::from_millis(ms));
        after(self.from_ms) && !self.to_ms.is_some_and(after)
    }

    /// The end of it at a moment within, where it has one.
    pub(crate) fn left_at(self, now: ScanTime) -> Option<ScanTime> {
        let end = self.to_ms.filter(|_| self.contains(now));
        end.map(|ms| ScanTime::after(Duration::from_millis(ms)))
    }
}

/// Rejects by this machine. The kernel limits the messages by which it says so; a probe without one is dropped in silence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnFirewall {
    pub(crate) ports: PortSet,
    pub(crate) when: Span,
    pub(crate) messages: Limit,
}

/// The path gets slower half way.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slower {
    from_ms: u64,
    pub(crate) rtt_ms: f64,
}

impl Slower {
    pub(crate) const fn from(self) -> ScanTime {
        ScanTime::after(Duration::from_millis(self.from_ms))
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            hosts: 1,
            live_every: 1,
            neighbours: false,
            table: None,
            arp_ms: 0.1,
            stale: false,
            ports: PortSet::from_range(1, 1000),
            own_ports: PortMap::new(),
            open: PortSet::from_iter([22, 80, 443]),
            slow: PortSet::EMPTY,
            drop: PortSet::EMPTY,
            reject: PortSet::EMPTY,
            prohibit: PortSet::EMPTY,
            rest: Answer::Closed,
            rtt_ms: 10.0,
            jitter_ms: 0.0,
            loss: 0.0,
            burst_ms: None,
            queue: None,
            policer: None,
            rst_limit: None,
            icmp_limit: None,
            away: None,
            router_speaks: false,
            slower: None,
            descriptors: None,
            network_down: None,
            no_route: None,
            own_firewall: None,
            stopped: None,
            unread: None,
            auto_cap: 10_000,
            config: ScanConfig::default(),
        }
    }
}

const FIRST: u32 = 0x0a00_0001;

impl Scenario {
    pub(crate) fn plan(&self) -> ScanPlan {
        let mut targets = TargetSet::new();
        let address = |n: u32| HostAddr::from(Ipv4Addr::from(FIRST + n));
        targets.insert_range(address(0), address(self.hosts - 1));
        ScanPlan::new(targets, self.ports.clone()).with_own_ports(self.own_ports.clone())
    }

    /// The ports that a host is to be asked for.
    pub(crate) fn ports_of(&self, host: HostAddr) -> &PortSet {
        self.own_ports.get(host).unwrap_or(&self.ports)
    }

    pub(crate) fn is_live(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => (u32::from(ip) - FIRST).is_multiple_of(self.live_every),
            IpAddr::V6(_) => false,
        }
    }

    /// What a port of a live host does.
    pub(crate) fn truth(&self, port: u16) -> Answer {
        let special = [
            (&self.open, Answer::Open),
            (&self.drop, Answer::Drop),
            (&self.reject, Answer::Reject),
            (&self.prohibit, Answer::Prohibit),
        ];
        special.iter().find(|(ports, _)| ports.contains(port)).map_or(self.rest, |(_, answer)| *answer)
    }

    /// Whether a slow listener has room in its queue.
    pub(crate) fn accepts(&self, port: u16, now: ScanTime) -> bool {
        let phase = u128::from(port) * 211;
        !self.slow.contains(port) || (now.elapsed().as_millis() + phase) % 1_300 < 300
    }

    /// Whether nothing but chance keeps packets of a host that is there from being answered.
    pub(crate) const fn loses_by_chance_alone(&self) -> bool {
        self.burst_ms.is_none()
            && self.queue.is_none()
            && self.policer.is_none()
            && self.rst_limit.is_none()
            && self.icmp_limit.is_none()
            && self.away.is_none()
            && self.config.retries.is_none()
    }

    /// When this process sees what happens at this moment.
    pub(crate) fn seen_at(&self, time: ScanTime) -> ScanTime {
        self.stopped.and_then(|span| span.left_at(time)).unwrap_or(time)
    }

    /// Whether this process wakes at this moment.
    pub(crate) fn is_wake(&self, time: ScanTime) -> bool {
        self.stopped.and_then(|span| span.to_ms).is_some_and(|ms| time.elapsed() == Duration::from_millis(ms))
    }

    pub(crate) fn truth_of(&self, host: HostAddr, port: u16) -> Answer {
        if self.is_live(host.ip()) { self.truth(port) } else { Answer::Drop }
    }
}
