//! The hosts of a document, gathered while the scan runs and sorted when it ends.

use std::time::SystemTime;

use scanner_core::{HostResult, HostStatus, PortState, ScanEvent, ScanReport};

/// Up to this many targets every host that answered, or has a name, is in a document; beyond, only those with an open port
/// or a verdict, so that memory stays bounded.
const EVERY_HOST: u128 = 4_096;

/// The hosts of a document.
#[derive(Debug)]
pub(crate) struct Collected {
    open_only: bool,
    targets: u128,
    hosts: Vec<(HostResult, SystemTime)>,
}

impl Collected {
    pub(crate) const fn new(open_only: bool, targets: u128) -> Self {
        Self { open_only, targets, hosts: Vec::new() }
    }

    /// Keeps the host that the event is about, where it is to be in the document.
    pub(crate) fn event(&mut self, event: &ScanEvent, at: SystemTime) {
        if let ScanEvent::Host(finished) = event
            && self.is_kept(&finished.host)
        {
            self.hosts.push((finished.host.clone(), at));
        }
    }

    /// Every host of the document by address, with the time at which it was finished; those that only the report has take the
    /// time of its end.
    pub(crate) fn take(&mut self, report: &ScanReport, end: SystemTime) -> Vec<(HostResult, SystemTime)> {
        let mut hosts = std::mem::take(&mut self.hosts);
        hosts.extend(report.hosts.iter().filter(|host| !self.is_kept(host)).map(|host| (host.clone(), end)));
        hosts.sort_by_key(|(host, _)| host.ip);
        if self.open_only {
            hosts.retain(|(host, _)| host.open().next().is_some());
            for (host, _) in &mut hosts {
                host.results.retain(|result| result.state == PortState::Open);
            }
        }
        hosts
    }

    /// Whether the host is in the document though nothing is open there.
    pub(crate) fn is_kept(&self, host: &HostResult) -> bool {
        self.targets <= EVERY_HOST
            && (host.status == HostStatus::Up || !host.names.is_empty() || self.targets == 1)
    }
}
