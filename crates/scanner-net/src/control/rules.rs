//! What a configuration and a plan mean for the controller.

use std::num::NonZeroU32;
use std::time::Duration;

use scanner_core::{Permutation, PortOrder, TargetSet};

use crate::config::defaults::{
    ACTIVE_HOSTS, AUTO_PER_HOST, AUTO_START, DISCOVERY_PORTS, INITIAL_WINDOW, PARALLEL_PORTS, UNHEARD_HOSTS,
    UNHEARD_PER_HOST, UNHEARD_WINDOW, WIDE_DISCOVERY_PORTS, WIDE_TARGETS, WIDE_WINDOW,
};
use crate::config::{ConnectionLimit, PortDetail, ScanConfig};
use crate::plan::ScanPlan;

/// What is to be scanned, and in which order.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) scan_id: String,
    pub(crate) seed: u64,
    pub(crate) targets: TargetSet,
    pub(crate) permutation: Permutation,
    pub(crate) order: PortOrder,
}

impl Job {
    pub(crate) fn new(plan: ScanPlan, scan_id: String, seed: u64) -> Self {
        Self {
            permutation: Permutation::new(plan.targets.len(), seed),
            order: PortOrder::new(&plan.ports, seed),
            targets: plan.targets,
            scan_id,
            seed,
        }
    }

    /// Makes the port order of one target its own.
    #[expect(clippy::cast_possible_truncation, reason = "a salt need not hold the whole index")]
    pub(crate) const fn salt(&self, index: u128) -> u64 {
        self.seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The limits within which the controller decides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rules {
    /// How many ports each host has.
    pub(crate) ports: usize,
    /// How many of them find out whether the host is there; `ports` where all are asked anyway.
    pub(crate) discovery_ports: usize,
    /// One host after another, once they are known to be there.
    pub(crate) sequential: bool,
    /// The global window at the beginning.
    pub(crate) window_start: u32,
    /// The most sockets at once.
    pub(crate) window_cap: u32,
    /// How far silence of hosts never heard of may widen the global window.
    pub(crate) unheard_window: u32,
    /// The window of a host before its first answer.
    pub(crate) first_window: f64,
    /// How far a host's own silence may widen its window before its first answer.
    pub(crate) unheard_per_host: u32,
    /// How many hosts that never answered may be asked at once.
    pub(crate) max_unheard: usize,
    /// The most sockets to one host at once.
    pub(crate) per_host: u32,
    pub(crate) retries: Option<u8>,
    pub(crate) max_timeout: Duration,
    pub(crate) max_rate: Option<NonZeroU32>,
    pub(crate) host_timeout: Option<Duration>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) detail: PortDetail,
}

impl Rules {
    /// Whether a few ports decide if the others are asked at all.
    pub(crate) const fn has_discovery(&self) -> bool {
        self.discovery_ports < self.ports
    }

    /// `auto_cap` is the most sockets that this process may spend with [`ConnectionLimit::Auto`].
    pub(crate) fn new(config: &ScanConfig, plan: &ScanPlan, auto_cap: u32) -> Self {
        let ports = plan.ports.len();
        let (start, cap, sequential, max_unheard) = match config.limit {
            ConnectionLimit::Fixed(n) => (n.get(), n.get(), ports > PARALLEL_PORTS, ACTIVE_HOSTS),
            ConnectionLimit::Auto => (AUTO_START.min(auto_cap), auto_cap, false, UNHEARD_HOSTS),
        };
        let wide = plan.targets.len() > WIDE_TARGETS;
        let tier = if wide { WIDE_DISCOVERY_PORTS } else { DISCOVERY_PORTS };
        let per_host = config.max_per_host.map_or(AUTO_PER_HOST, NonZeroU32::get).min(cap);
        Self {
            ports,
            discovery_ports: if config.skip_discovery { ports } else { tier.min(ports) },
            sequential,
            window_start: start,
            window_cap: cap,
            first_window: if wide { WIDE_WINDOW } else { INITIAL_WINDOW },
            unheard_window: UNHEARD_WINDOW.min(cap),
            unheard_per_host: UNHEARD_PER_HOST.min(per_host),
            max_unheard,
            per_host,
            retries: config.retries,
            max_timeout: config.timeout,
            max_rate: config.max_rate,
            host_timeout: config.host_timeout,
            deadline: config.deadline,
            detail: config.detail,
        }
    }
}
