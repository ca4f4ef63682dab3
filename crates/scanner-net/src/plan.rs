//! `ScanPlan`: what to scan. Targets × ports, never written out as a list.

use scanner_core::{HostAddr, PortMap, PortSet, Target, TargetSet};
use serde::{Deserialize, Serialize};

/// Targets × ports. Costs memory for the ranges it is made of, not for the probes it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScanPlan {
    /// The addresses, each with its names.
    pub targets: TargetSet,
    /// The ports of each address that is not in [`own_ports`](Self::own_ports).
    pub ports: PortSet,
    /// The ports of addresses that have their own; addresses that are no target do not count.
    #[serde(default, skip_serializing_if = "PortMap::is_empty")]
    pub own_ports: PortMap,
}

impl ScanPlan {
    /// Every port of `ports` on every address of `targets`.
    pub const fn new(targets: TargetSet, ports: PortSet) -> Self {
        Self { targets, ports, own_ports: PortMap::new() }
    }

    /// The same with other ports for some addresses.
    #[must_use]
    pub fn with_own_ports(mut self, own_ports: PortMap) -> Self {
        self.own_ports = own_ports;
        self.tidied()
    }

    /// A plan for one host.
    pub fn for_host(target: &Target, ports: &PortSet) -> Self {
        let mut targets = TargetSet::new();
        targets.insert(target.addr);
        for name in &target.names {
            targets.add_name(target.addr, name);
        }
        Self::new(targets, ports.clone())
    }

    /// The ports of an address.
    pub fn ports_of(&self, addr: HostAddr) -> &PortSet {
        self.own_ports.get(addr).unwrap_or(&self.ports)
    }

    /// How many pairs of address and port there are; saturates at the largest `u128`.
    pub fn probes(&self) -> u128 {
        self.probes_up_to(usize::MAX)
    }

    /// The same with at most so many ports of each address.
    pub(crate) fn probes_up_to(&self, most: usize) -> u128 {
        let probes = |(ports, count): (&PortSet, u128)| count.saturating_mul(ports.len().min(most) as u128);
        self.port_sets().map(probes).fold(0, u128::saturating_add)
    }

    /// The sets of ports that targets have, each with the number of these.
    pub fn port_sets(&self) -> impl Iterator<Item = (&PortSet, u128)> {
        let others = self.targets.len().saturating_sub(self.own_ports.len());
        let default = (others > 0).then_some((&self.ports, others));
        default.into_iter().chain(self.own_ports.sets())
    }

    /// The most ports that any target has.
    pub fn most_ports(&self) -> usize {
        self.port_sets().map(|(ports, _)| ports.len()).max().unwrap_or_default()
    }

    /// How many ports each target has; `None` where that differs.
    pub fn ports_each(&self) -> Option<usize> {
        let mut counts = self.port_sets().map(|(ports, _)| ports.len());
        let first = counts.next()?;
        counts.all(|count| count == first).then_some(first)
    }

    /// The same plan without ports of addresses that are no target.
    pub(crate) fn tidied(mut self) -> Self {
        if !self.own_ports.is_empty() {
            self.own_ports.retain(&self.targets);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_shape_is_ranges_and_names() {
        let target = Target::new(std::net::Ipv4Addr::new(192, 0, 2, 9)).with_name("nas.lan");
        let plan = ScanPlan::for_host(&target, &PortSet::from_range(22, 80));
        let text = serde_json::to_string(&plan).unwrap();
        insta::assert_snapshot!(text, @r#"{"targets":{"ranges":"192.0.2.9","names":{"192.0.2.9":["nas.lan"]}},"ports":"22-80"}"#);
        assert_eq!(serde_json::from_str::<ScanPlan>(&text).unwrap(), plan);
        assert_eq!(plan.probes(), 59);
    }

    #[test]
    fn some_targets_have_ports_of_their_own() {
        let own = |targets: &str, ports: &str| (targets.parse().unwrap(), ports.parse().unwrap());
        let groups = [own("192.0.2.7,198.51.100.1", "80,443"), own("192.0.2.8/31", "22")];
        let plan = ScanPlan::new("192.0.2.0/29,192.0.2.8".parse().unwrap(), PortSet::from_range(1, 100))
            .with_own_ports(groups.into_iter().collect());
        let text = serde_json::to_string(&plan).unwrap();
        insta::assert_snapshot!(text, @r#"{"targets":{"ranges":"192.0.2.0-192.0.2.8","names":{}},"ports":"1-100","own_ports":[{"targets":"192.0.2.7","ports":"80,443"},{"targets":"192.0.2.8","ports":"22"}]}"#);
        assert_eq!(serde_json::from_str::<ScanPlan>(&text).unwrap(), plan);
        assert_eq!((plan.probes(), plan.probes_up_to(2), plan.most_ports()), (703, 17, 100));
        assert_eq!(plan.ports_of("192.0.2.7".parse().unwrap()).to_string(), "80,443");
        assert_eq!(plan.ports_of("192.0.2.6".parse().unwrap()).len(), 100);
        assert_eq!(plan.ports_each(), None);
    }

    #[test]
    fn the_number_of_ports_can_be_the_same_where_the_ports_are_not() {
        let one = |target: &str, ports: &str| (target.parse().unwrap(), ports.parse().unwrap());
        let groups = [one("192.0.2.7", "80"), one("192.0.2.8", "22")];
        let plan = ScanPlan::new("192.0.2.7,192.0.2.8".parse().unwrap(), PortSet::all())
            .with_own_ports(groups.into_iter().collect());
        assert_eq!((plan.ports_each(), plan.probes()), (Some(1), 2));
    }
}
