//! `ScanEvent`: the facts that a running scan publishes, in the order in which they settle.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host_addr::HostAddr;
use crate::outcome::Reason;
use crate::report::{Completion, HostResult, Note, PortResult};

/// One fact of a running scan. Tagged by `type` on the wire; every event carries `scan_id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScanEvent {
    /// The scan began.
    ScanStart(ScanStart),
    /// A port was settled: an open one, or any where the configuration asks for all.
    Port(PortSettled),
    /// A host is finished; nothing more will come about it.
    Host(HostFinished),
    /// Something about the scan itself.
    Note(ScanNote),
    /// The scan ended; the last event.
    ScanEnd(ScanEnd),
}

/// The scan began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanStart {
    /// The identifier that every event of the scan carries.
    pub scan_id: String,
    /// The seed of the order of probes, a string on the wire.
    #[serde(with = "crate::wire::text")]
    pub seed: u64,
    /// How many addresses will be scanned, a string on the wire.
    #[serde(with = "crate::wire::text")]
    pub targets: u128,
    /// How many ports of each; `None` where that differs.
    pub ports: Option<u32>,
}

/// A port was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSettled {
    /// The scan it belongs to.
    pub scan_id: String,
    /// The address.
    pub ip: HostAddr,
    /// Every name that led to the address.
    pub names: Vec<String>,
    /// The answer.
    #[serde(flatten)]
    pub result: PortResult,
}

/// A host is finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostFinished {
    /// The scan it belongs to.
    pub scan_id: String,
    /// All that was found out about the host.
    #[serde(flatten)]
    pub host: HostResult,
}

/// Something about the scan itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanNote {
    /// The scan it belongs to.
    pub scan_id: String,
    /// What there is to know.
    #[serde(flatten)]
    pub note: Note,
}

/// The scan ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanEnd {
    /// The scan it belongs to.
    pub scan_id: String,
    /// How it ended.
    pub completion: Completion,
    /// How long it took, in milliseconds on the wire.
    #[serde(rename = "elapsed_ms", with = "crate::wire::millis")]
    pub elapsed: Duration,
    /// Ports that could not be measured, by reason.
    pub not_measured: BTreeMap<Reason, u64>,
}
