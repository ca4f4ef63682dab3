//! `Target`: one address and the names that led to it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::host_addr::HostAddr;

/// One address to scan, with every name that the user typed for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The address.
    pub addr: HostAddr,
    /// The names that led to the address, in the order in which they were given.
    #[serde(default)]
    pub names: Vec<String>,
}

impl Target {
    /// An address that was given as such.
    pub fn new(addr: impl Into<HostAddr>) -> Self {
        Self { addr: addr.into(), names: Vec::new() }
    }

    /// The same address under one more name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }
}

impl From<IpAddr> for Target {
    fn from(ip: IpAddr) -> Self {
        Self::new(ip)
    }
}

impl From<HostAddr> for Target {
    fn from(addr: HostAddr) -> Self {
        Self::new(addr)
    }
}
