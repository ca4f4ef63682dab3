//! Manners: what is asked before a scan that strangers or an administrator would notice.

use std::time::Duration;

use scanner_core::{HostAddr, TargetSet, count_public};
use scanner_net::ScanPlan;

use crate::output::words::{counted, duration, number};

/// More public addresses than this are asked about: a /20.
const PUBLIC_ADDRESSES: u128 = 4_096;
/// More public probes than this are asked about.
const PUBLIC_PROBES: u128 = 1 << 20;
/// More addresses in one IPv6 range than a /112 are asked about: nobody means a whole subnet.
const IPV6_RANGE: u128 = 1 << 16;
/// A longer scan is asked about.
const LONGEST: Duration = Duration::from_hours(24);

/// What has to be confirmed before the plan is carried out; nothing for an everyday scan.
pub(crate) fn concerns(plan: &ScanPlan, estimate: Duration) -> Vec<String> {
    let mut concerns = Vec::new();
    let public = count_public(&plan.targets);
    let probes = public_probes(plan, public);
    if public > PUBLIC_ADDRESSES {
        concerns.push(format!("{} public addresses", number(public)));
    } else if probes > PUBLIC_PROBES {
        concerns.push(format!("{} ports on public addresses", number(probes)));
    }
    if let Some((first, last)) = plan.targets.ranges().find(is_wide_ipv6) {
        let mut wide = TargetSet::new();
        wide.insert_range(first, last);
        concerns.push(format!("the IPv6 range {wide}, wider than a /112"));
    }
    if estimate > LONGEST {
        concerns.push(format!("about {}", duration(estimate)));
    }
    concerns
}

/// How many ports of the plan are on its `public` addresses.
fn public_probes(plan: &ScanPlan, public: u128) -> u128 {
    let (mut probes, mut others) = (0_u128, public);
    for (ports, targets) in plan.own_ports.by_count() {
        let public = count_public(&targets);
        probes = probes.saturating_add(public.saturating_mul(ports as u128));
        others = others.saturating_sub(public);
    }
    probes.saturating_add(others.saturating_mul(plan.ports.len() as u128))
}

/// The reminder that the Internet belongs to other people.
pub(crate) fn reminder(targets: &TargetSet) -> Option<String> {
    let public = count_public(targets);
    let what = match (public, targets.len()) {
        (0, _) => return None,
        (1, 1) => format!("{} is a public address", targets.iter().next()?),
        _ => format!("{} can be reached from the Internet", counted(public, "target", "targets")),
    };
    Some(format!("{what}; scan only what you own or have permission for"))
}

fn is_wide_ipv6((first, last): &(HostAddr, HostAddr)) -> bool {
    let number = |addr: &HostAddr| match addr.ip() {
        std::net::IpAddr::V4(_) => 0,
        std::net::IpAddr::V6(ip) => ip.to_bits(),
    };
    number(last) - number(first) >= IPV6_RANGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(targets: &str, ports: &str, hours: u64) -> String {
        let plan = ScanPlan::new(targets.parse().unwrap(), ports.parse().unwrap());
        concerns(&plan, Duration::from_hours(hours)).join("; ")
    }

    #[test]
    fn an_everyday_scan_is_not_asked_about() {
        for (targets, ports) in [
            ("192.168.0.0/16", "full"),
            ("10.0.0.0/8", "22"),
            ("8.8.8.8", "full"),
            ("9.0.0.0/20", "1-256"),
            ("2001:db8::/112", "22"),
        ] {
            assert_eq!(asked(targets, ports, 24), "", "{targets} {ports}");
        }
    }

    #[test]
    fn a_large_one_is() {
        insta::assert_snapshot!(asked("9.0.0.0/19", "22", 1), @"8,192 public addresses");
        insta::assert_snapshot!(asked("9.0.0.0/20", "1-257", 1), @"1,052,672 ports on public addresses");
        insta::assert_snapshot!(asked("2001:db8::/111", "22", 1), @"the IPv6 range 2001:db8::/111, wider than a /112");
        insta::assert_snapshot!(asked("10.0.0.0/8", "full", 25), @"about 1 day 1 h");
    }

    #[test]
    fn ports_of_their_own_are_counted() {
        let own = |targets: &str, ports: &str| (targets.parse().unwrap(), ports.parse().unwrap());
        let asked = |targets: &str, groups: Vec<_>| {
            let plan = ScanPlan::new(targets.parse().unwrap(), "22".parse().unwrap())
                .with_own_ports(groups.into_iter().collect());
            concerns(&plan, Duration::from_hours(1)).join("; ")
        };
        assert_eq!(asked("9.0.0.0/28", vec![own("9.0.0.0/28", "full")]), "");
        let many = vec![own("9.0.0.0/28", "full"), own("9.0.0.16/31", "1-4000"), own("10.0.0.0/8", "full")];
        insta::assert_snapshot!(asked("9.0.0.0/20,10.0.0.0/8", many), @"1,060,638 ports on public addresses");
    }

    #[test]
    fn strangers_are_mentioned_once() {
        let reminder = |targets: &str| reminder(&targets.parse().unwrap()).unwrap_or_default();
        assert_eq!(reminder("192.168.1.0/24"), "");
        insta::assert_snapshot!(reminder("8.8.8.8"), @"8.8.8.8 is a public address; scan only what you own or have permission for");
        insta::assert_snapshot!(reminder("8.8.8.8,192.168.1.0/24"), @"1 target can be reached from the Internet; scan only what you own or have permission for");
    }
}
