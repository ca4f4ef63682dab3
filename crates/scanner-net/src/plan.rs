//! `ScanPlan`: what to scan. Targets × ports, never written out as a list.

use scanner_core::{PortSet, Target, TargetSet};
use serde::{Deserialize, Serialize};

/// Targets × ports. Costs memory for the ranges it is made of, not for the probes it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScanPlan {
    /// The addresses, each with its names.
    pub targets: TargetSet,
    /// The ports of each.
    pub ports: PortSet,
}

impl ScanPlan {
    /// Every port of `ports` on every address of `targets`.
    pub const fn new(targets: TargetSet, ports: PortSet) -> Self {
        Self { targets, ports }
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

    /// How many pairs of address and port there are; saturates at the largest `u128`.
    pub fn probes(&self) -> u128 {
        self.targets.len().saturating_mul(self.ports.len() as u128)
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
}
