//! What the page sees. Its script has the same types: `ui/types.d.ts` is made from these, and a test keeps it so.

use std::num::NonZeroU32;
use std::time::Duration;

use scanner_core::{
    Completion, HostResult, HostStatus, PortResult, PortState, Progress, ScanEvent, SpecError,
};
use scanner_net::ScanError;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What to scan, as it was typed.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ScanRequest {
    /// Addresses, networks and ranges, separated by commas.
    pub targets: String,
    /// Ports, ranges and names of services, separated by commas.
    pub ports: String,
    /// The most connection attempts per second; null: as the path allows.
    #[ts(type = "number | null")]
    pub max_rate: Option<NonZeroU32>,
}

/// A scan in the list.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ScanView {
    pub id: String,
    pub targets: String,
    pub ports: String,
    pub state: ScanState,
    pub progress: ProgressView,
}

/// How a scan stands, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ScanState {
    Running,
    Paused,
    Complete,
    Incomplete,
    Deadline,
    Cancelled,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, Serialize, TS)]
pub struct ProgressView {
    /// In thousandths.
    pub done_permille: u16,
    pub hosts: u64,
    pub hosts_done: u64,
    pub hosts_up: u64,
    pub open: u64,
    pub closed: u64,
    pub filtered: u64,
    /// Ports that this machine failed to measure.
    pub unknown: u64,
    pub eta_ms: Option<u64>,
}

/// What came of a host: once of each that is finished, and in a snapshot of those with something to show.
#[derive(Debug, Clone, Serialize, TS)]
pub struct HostView {
    pub ip: String,
    pub names: Vec<String>,
    pub status: Status,
    pub rtt_us: Option<u64>,
    /// What the host does as a whole, where that changes how its ports are to be read.
    pub verdict: Option<String>,
    pub open: Vec<PortView>,
    pub closed: usize,
    pub filtered: usize,
    pub unknown: usize,
}

/// Whether a host is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Up,
    Down,
    Unknown,
}

/// An open port.
#[derive(Debug, Clone, Serialize, TS)]
pub struct PortView {
    pub port: u16,
    /// Guessed from the number.
    pub service: Option<String>,
    pub rtt_us: Option<u64>,
}

/// What a scan has found so far. Updates that come later may repeat some of it.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Snapshot {
    pub scan: ScanView,
    pub hosts: Vec<HostView>,
    /// What was said about the scan itself.
    pub notes: Vec<String>,
}

/// Updates of one scan, in the order in which things happened.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Batch {
    pub scan_id: String,
    pub updates: Vec<Update>,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Update {
    /// A port is open.
    Port { ip: String, names: Vec<String>, port: PortView },
    /// A host is finished.
    Host(HostView),
    /// How far the scan is, at most ten times a second.
    Progress(ProgressView),
    /// Something about the scan itself.
    Note { message: String },
    /// Nothing more comes of this scan.
    End { state: ScanState },
}

/// Why a command did nothing.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Failure {
    /// A stable word.
    pub code: String,
    pub message: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

/// What the page is told of an event, if anything.
pub fn update(event: ScanEvent) -> Option<Update> {
    match event {
        ScanEvent::Port(found) if found.result.state == PortState::Open => {
            let port = PortView::from(&found.result);
            Some(Update::Port { ip: found.ip.to_string(), names: found.names, port })
        }
        ScanEvent::Host(finished) => Some(Update::Host((&finished.host).into())),
        ScanEvent::Note(note) => Some(Update::Note { message: note.note.message }),
        _ => None,
    }
}

impl From<Completion> for ScanState {
    fn from(completion: Completion) -> Self {
        match completion {
            Completion::Complete => Self::Complete,
            Completion::Incomplete => Self::Incomplete,
            Completion::Deadline => Self::Deadline,
            Completion::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        Self {
            done_permille: progress.done_permille,
            hosts: progress.targets,
            hosts_done: progress.targets_done,
            hosts_up: progress.targets_up,
            open: progress.open,
            closed: progress.closed,
            filtered: progress.filtered,
            unknown: progress.unknown,
            eta_ms: progress.eta.map(|eta| u64::try_from(eta.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl From<&HostResult> for HostView {
    fn from(host: &HostResult) -> Self {
        Self {
            ip: host.ip.to_string(),
            names: host.names.clone(),
            status: match host.status {
                HostStatus::Up => Status::Up,
                HostStatus::Down => Status::Down,
                HostStatus::Unknown => Status::Unknown,
            },
            rtt_us: micros(host.rtt),
            verdict: host.verdict.map(|verdict| verdict.to_string()),
            open: host.open().map(PortView::from).collect(),
            closed: host.ports.count(PortState::Closed),
            filtered: host.ports.count(PortState::Filtered),
            unknown: host.ports.count(PortState::Unknown),
        }
    }
}

impl From<&PortResult> for PortView {
    fn from(result: &PortResult) -> Self {
        Self { port: result.port, service: result.service.clone(), rtt_us: micros(result.rtt) }
    }
}

fn micros(duration: Option<Duration>) -> Option<u64> {
    duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

impl Failure {
    /// What was typed into `field` cannot be understood.
    pub fn of_text(field: &str, error: &SpecError) -> Self {
        let hint = error.hint().map(str::to_owned);
        Self { code: format!("bad-{field}"), message: error.to_string(), hint }
    }

    /// There is no such scan.
    pub fn gone() -> Self {
        Self { code: "no-such-scan".into(), message: "this scan was forgotten".into(), hint: None }
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let message = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let message = message.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self { code: error.code().into(), message, hint: error.hint().map(Into::into) }
    }
}
