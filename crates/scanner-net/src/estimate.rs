//! How long a scan may take, from the plan and the configuration alone.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::ScanConfig;
use crate::config::defaults::{INITIAL_TIMEOUT, UNHEARD_RETRY_TIMEOUT};
use crate::control::Rules;
use crate::limits::socket_budget;
use crate::plan::ScanPlan;

/// Attempts to a silent port without measured loss.
const ATTEMPTS: u32 = 2;

/// Two bounds, and what they are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Estimate {
    /// If no host answers anything.
    pub silent: Duration,
    /// How many ports of a host that answers nothing are asked at most.
    pub silent_ports: usize,
    /// If every host is there and drops every probe, without measured loss.
    pub at_most: Duration,
    /// Attempts to each silent port, 1 or more; measured loss may call for more.
    pub attempts: u32,
    /// The longest wait for the answer to one.
    pub timeout: Duration,
    /// Connections at once, at most; 1 or more.
    pub connections: u32,
    /// Attempts per second, at most; `None` where nothing but the path limits them.
    pub rate: Option<NonZeroU32>,
}

impl ScanPlan {
    /// How long a scan of this plan may take. Nothing is sent; with [`ConnectionLimit::Auto`](crate::ConnectionLimit::Auto) the
    /// descriptor limit of this process counts.
    pub fn estimate(&self, config: &ScanConfig) -> Estimate {
        Estimate::within(self, config, socket_budget(config))
    }
}

impl Estimate {
    /// The same for a process that can spend `budget` sockets on it.
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    pub fn within(plan: &ScanPlan, config: &ScanConfig, budget: u32) -> Self {
        let rules = Rules::new(config, plan, budget);
        let hosts = plan.targets.len() as f64;
        let most = (f64::from(rules.per_host) * hosts).min(plan.probes() as f64);
        let connections = at_once(rules.window_cap, most);
        let attempts = config.retries.map_or(ATTEMPTS, |retries| u32::from(retries) + 1);
        let bound = |attempts: f64, waiting: f64| {
            let by_rate = config.max_rate.map_or(0.0, |rate| attempts / f64::from(rate.get()));
            let bound = Duration::try_from_secs_f64(waiting.max(by_rate)).unwrap_or(Duration::MAX);
            config.deadline.map_or(bound, |deadline| bound.min(deadline))
        };
        let sent = plan.probes() as f64 * f64::from(attempts);
        let one_port = f64::from(attempts) * config.timeout.as_secs_f64();
        let at_most = bound(sent, (one_port * plan.probes() as f64 / f64::from(connections)).max(one_port));
        let silent_ports = rules.discovery_ports.max(rules.searched_ports).min(plan.most_ports());
        let waits =
            [INITIAL_TIMEOUT, UNHEARD_RETRY_TIMEOUT].map(|wait| wait.min(config.timeout).as_secs_f64());
        let silent = if rules.has_discovery() && silent_ports > rules.discovery_ports {
            // The search begins with the first silence, and its last attempts are waited for like any.
            let searched = plan.probes_up_to(silent_ports) as f64 * f64::from(attempts);
            let a_host = f64::from(rules.unheard_per_host) * hosts;
            let at_once = f64::from(connections.min(rules.unheard_window)).min(a_host);
            bound(searched, waits[0] + waits.iter().sum::<f64>() + searched * waits[0] / at_once).min(at_most)
        } else if rules.has_discovery() {
            let first = plan.probes_up_to(rules.discovery_ports) as f64;
            let sockets = f64::from(connections.min(rules.unheard_window));
            let at_once = (sockets * hosts / first.max(1.0)).min(rules.max_unheard as f64).max(1.0);
            bound(first * waits.len() as f64, hosts * waits.iter().sum::<f64>() / at_once).min(at_most)
        } else {
            at_most
        };
        let at_most = if rules.discover_only { silent } else { at_most };
        Self {
            silent,
            silent_ports,
            at_most,
            attempts,
            timeout: config.timeout,
            connections,
            rate: config.max_rate,
        }
    }
}

/// The connections that a scan can have at once, by its limit and by what its hosts take.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than the limit, a u32")]
fn at_once(limit: u32, hosts_take: f64) -> u32 {
    f64::from(limit).min(hosts_take).max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConnectionLimit;

    fn plan(targets: &str, ports: &str) -> ScanPlan {
        ScanPlan::new(targets.parse().unwrap(), ports.parse().unwrap())
    }

    #[test]
    fn bounds_follow_the_pace() {
        let plan = plan("10.0.0.0/24", "1-1000");
        let fixed = ScanConfig::default();
        let estimate = Estimate::within(&plan, &fixed, 100);
        assert_eq!(estimate.at_most, Duration::from_secs_f64(256_000.0 * 2.0 * 3.0 / 100.0));
        assert_eq!(estimate.silent, Duration::from_secs_f64(256.0 * 3.7 / (100.0 / 6.0)));
        let auto = Estimate::within(&plan, &fixed.clone().with_limit(ConnectionLimit::Auto), 960);
        assert_eq!(auto.connections, 960);
        assert_eq!(auto.silent, Duration::from_secs_f64(256.0 * 3.7 / 160.0));
        let rate = fixed.clone().with_max_rate(NonZeroU32::new(10).unwrap());
        assert_eq!(Estimate::within(&plan, &rate, 100).at_most, Duration::from_secs(256_000 * 2 / 10));
        let ended = fixed.clone().with_deadline(Duration::from_mins(1));
        assert_eq!(Estimate::within(&plan, &ended, 100).at_most, Duration::from_mins(1));
        let every = Estimate::within(&plan, &fixed.with_skip_discovery(true), 100);
        assert_eq!(every.silent, every.at_most);
    }

    #[test]
    fn a_few_hosts_are_searched_before_they_are_given_up() {
        let auto = ScanConfig::default().with_limit(ConnectionLimit::Auto);
        // Simulated: 5.0 s, 4.7 s, and 33.7 s for the scenario `dead_alone`.
        for (targets, ports, silent_ports, seconds) in [
            ("10.0.0.1", "1-1000", 1_000, 6.0),
            ("10.0.0.1", "1-20", 20, 6.0),
            ("10.0.0.1", "1-65535", 16_384, 4.7 + 32_768.0 / 1_024.0),
            ("10.0.0.0/28", "1-65535", 1_024, 4.7 + 32_768.0 / 1_536.0),
            ("10.0.0.1", "1-16", 16, 3.7),
            ("10.0.0.0/24", "1-1000", 6, 256.0 * 3.7 / 256.0),
        ] {
            let estimate = Estimate::within(&plan(targets, ports), &auto, 19_000);
            assert_eq!(estimate.silent_ports, silent_ports, "{targets} {ports}");
            let difference = (estimate.silent.as_secs_f64() - seconds).abs();
            assert!(difference < 0.01, "{targets} {ports}: {:?}, not {seconds}", estimate.silent);
        }
    }

    #[test]
    fn a_host_takes_only_so_many_connections() {
        let gentle = ScanConfig::default().with_max_per_host(NonZeroU32::new(3).unwrap());
        assert_eq!(Estimate::within(&plan("10.0.0.1-10.0.0.2", "1-1000"), &gentle, 100).connections, 6);
    }

    #[test]
    fn no_scan_is_shorter_than_the_attempts_to_one_silent_port() {
        let auto = ScanConfig::default().with_limit(ConnectionLimit::Auto);
        let estimate = Estimate::within(&plan("10.0.0.0/28", "1-1000"), &auto, 20_000);
        assert_eq!((estimate.connections, estimate.at_most), (16_000, Duration::from_secs(6)));
    }

    #[test]
    fn nothing_overflows() {
        let plan = plan("::/0", "full");
        let slow = ScanConfig::default().with_max_per_host(NonZeroU32::MIN).with_max_rate(NonZeroU32::MIN);
        assert_eq!(Estimate::within(&plan, &slow, 1).at_most, Duration::MAX);
    }
}
