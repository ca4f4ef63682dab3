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
