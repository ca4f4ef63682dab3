//! What a configuration and a plan mean for the controller.

use std::num::NonZeroU32;
use std::time::Duration;

use scanner_core::{HostAddr, Permutation, PortMap, PortOrder, TargetSet};

use crate::config::defaults::{
    ACTIVE_HOSTS, AUTO_PER_HOST, AUTO_START, DISCOVERY_PORTS, INITIAL_WINDOW, PARALLEL_PORTS, SEARCHED_PORTS,
    UNHEARD_HOSTS, UNHEARD_PER_HOST, UNHEARD_WINDOW, WIDE_DISCOVERY_PORTS, WIDE_TARGETS, WIDE_WINDOW,
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
    /// How many pairs of address and port there are.
    pub(crate) probes: u64,
    /// How many ports each target has, where they all have as many.
    pub(crate) ports_each: Option<u32>,
    own_ports: PortMap,
    /// The order of the ports of a target without its own, then those of each set in `own_ports`.
    orders: Vec<PortOrder>,
}

impl Job {
    /// The job of a tidied plan.
    pub(crate) fn new(plan: ScanPlan, scan_id: String, seed: u64) -> Self {
        let own = plan.own_ports.sets().map(|(ports, _)| ports);
        Self {
            permutation: Permutation::new(plan.targets.len(), seed),
            probes: u64::try_from(plan.probes()).unwrap_or(u64::MAX),
            ports_each: plan.ports_each().and_then(|ports| u32::try_from(ports).ok()),
            orders: std::iter::once(&plan.ports)
                .chain(own)
                .map(|ports| PortOrder::new(ports, seed))
                .collect(),
            own_ports: plan.own_ports,
            targets: plan.targets,
            scan_id,
            seed,
        }
    }

    /// Which of the orders of ports a target has.
    pub(crate) fn order_of(&self, addr: HostAddr) -> usize {
        self.own_ports.position(addr).map_or(0, |position| position + 1)
    }

    /// An order of ports, by its number.
    pub(crate) fn order(&self, number: usize) -> &PortOrder {
        &self.orders[number]
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
    /// How many ports of a host with more find out whether it is there; `usize::MAX` where all are asked anyway.
    pub(crate) discovery_ports: usize,
    /// How many ports of a host are searched for one that answers, where those were silent; 0 for none.
    pub(crate) searched_ports: usize,
    /// Hosts with a discovery tier are scanned one after another, once they are known to be there.
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
    /// Only find out which hosts are there.
    pub(crate) discover_only: bool,
}

impl Rules {
    /// Whether hosts that answer nothing are given up after a few ports, where they have more.
    pub(crate) const fn has_discovery(&self) -> bool {
        self.discovery_ports < usize::MAX
    }

    /// `auto_cap` is the most sockets that this process may spend with [`ConnectionLimit::Auto`].
    pub(crate) fn new(config: &ScanConfig, plan: &ScanPlan, auto_cap: u32) -> Self {
        let (start, cap, sequential, max_unheard) = match config.limit {
            ConnectionLimit::Fixed(n) => (n.get(), n.get(), plan.most_ports() > PARALLEL_PORTS, ACTIVE_HOSTS),
            ConnectionLimit::Auto => (AUTO_START.min(auto_cap), auto_cap, false, UNHEARD_HOSTS),
        };
        let wide = plan.targets.len() > WIDE_TARGETS;
        let tier = if wide { WIDE_DISCOVERY_PORTS } else { DISCOVERY_PORTS };
        let per_host = config.max_per_host.map_or(AUTO_PER_HOST, NonZeroU32::get).min(cap);
        Self {
            discovery_ports: if config.skip_discovery && !config.discover_only { usize::MAX } else { tier },
            searched_ports: if wide || config.limit != ConnectionLimit::Auto {
                0
            } else {
                SEARCHED_PORTS / usize::try_from(plan.targets.len()).unwrap_or(usize::MAX).max(1)
            },
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
            discover_only: config.discover_only,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_target_has_a_port_order_of_its_own_which_the_seed_decides() {
        let salts: BTreeSet<_> = (1..=4)
            .flat_map(|seed| {
                let plan =
                    ScanPlan::new("10.0.0.0/30".parse().unwrap(), scanner_core::PortSet::from_range(1, 9));
                let job = Job::new(plan, "test".into(), seed);
                (0..4).map(move |index| job.salt(index))
            })
            .collect();
        assert_eq!(salts.len(), 16);
    }

    #[test]
    fn who_skips_discovery_asks_all_ports_but_where_discovery_is_all_there_is() {
        for (skip_discovery, discover_only, has_discovery) in
            [(false, false, true), (true, false, false), (false, true, true), (true, true, true)]
        {
            let config = ScanConfig { skip_discovery, discover_only, ..ScanConfig::default() };
            let plan =
                ScanPlan::new("10.0.0.0/30".parse().unwrap(), scanner_core::PortSet::from_range(1, 99));
            assert_eq!(Rules::new(&config, &plan, 100).has_discovery(), has_discovery, "{config:?}");
        }
    }
}
