//! `Tally`: the report of a scan, made again from its hosts.

use std::time::Duration;

use scanner_core::{AddrSet, Completion, HostResult, HostStatus, PortState, Progress, Reason, ScanReport};

use crate::networks::{Interface, Networks};
use crate::output::record::{EndFields, Role};

/// What adds up while the hosts of a file go by.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) report: ScanReport,
    pub(super) networks: Networks,
    pub(super) addr_width: usize,
}

impl Tally {
    pub(super) fn new(scan_id: String, seed: u64) -> Self {
        let report = ScanReport {
            scan_id,
            seed,
            completion: Completion::Complete,
            progress: Progress::default(),
            hosts: Vec::new(),
            up_nothing_open: AddrSet::new(),
            down: AddrSet::new(),
            no_answer: AddrSet::new(),
            not_measured_hosts: AddrSet::new(),
            not_measured: std::collections::BTreeMap::new(),
            notes: Vec::new(),
        };
        Self { report, networks: Networks::default(), addr_width: 0 }
    }

    pub(super) fn add(&mut self, host: &HostResult, role: Option<Role>) {
        self.addr_width = self.addr_width.max(host.ip.to_string().len());
        match role {
            Some(Role::Gateway) => self.networks.gateways.push(host.ip.ip()),
            Some(Role::ThisMachine) => {
                let own = Interface {
                    name: String::new(),
                    index: None,
                    ip: host.ip.ip(),
                    prefix: u8::MAX,
                    is_up: true,
                    is_point_to_point: false,
                };
                self.networks.interfaces.push(own);
            }
            None => {}
        }
        self.count(host);
        let report = &mut self.report;
        if host.open().next().is_some() || host.verdict.is_some() {
            report.hosts.push(host.clone());
            return;
        }
        let measured = host.ports.count(PortState::Closed) + host.ports.count(PortState::Filtered) > 0;
        let set = match host.status {
            HostStatus::Up => &mut report.up_nothing_open,
            HostStatus::Down => &mut report.down,
            HostStatus::Unknown if measured || host.not_asked > 0 => &mut report.no_answer,
            HostStatus::Unknown => &mut report.not_measured_hosts,
        };
        set.insert(host.ip);
    }

    fn count(&mut self, host: &HostResult) {
        let Progress { targets_done, targets_up, not_asked, .. } = &mut self.report.progress;
        *targets_done += 1;
        *targets_up += u64::from(host.status == HostStatus::Up);
        *not_asked += u64::from(host.not_asked);
        for (reason, ports) in host.ports.iter() {
            self.report.progress.count(reason.state(), ports.len() as u64);
            if reason.state() == PortState::Unknown {
                *self.report.not_measured.entry(reason).or_default() += ports.len() as u64;
            }
        }
    }

    /// The end as the file has it: it also counts what no host stands for.
    pub(super) fn end(&mut self, end: &EndFields, targets: u128) {
        self.report.hosts.sort_by_key(|host| host.ip);
        self.report.completion = end.completion;
        self.report.not_measured.clone_from(&end.not_measured);
        // A file of an early version has no counters.
        if end.counters.targets > 0 {
            self.report.progress = end.counters;
        } else {
            self.report.progress.targets = u64::try_from(targets).unwrap_or(u64::MAX);
        }
        self.report.progress.elapsed = duration(end.elapsed_ms);
    }

    /// The end of a file that has none: what is not in it was not measured.
    pub(super) fn cut_off(&mut self, targets: u128, ports: Option<usize>, elapsed: Duration) {
        self.report.hosts.sort_by_key(|host| host.ip);
        self.report.completion = Completion::Cancelled;
        let progress = &mut self.report.progress;
        progress.elapsed = elapsed;
        progress.targets = u64::try_from(targets).unwrap_or(u64::MAX);
        let settled = progress.settled() + progress.not_asked;
        // Where hosts have ports of their own it is not known how many are missing.
        progress.probes = ports.map_or(settled, |ports| progress.targets.saturating_mul(ports as u64));
        let left = progress.pending();
        progress.unknown += left;
        if left > 0 {
            *self.report.not_measured.entry(Reason::Cancelled).or_default() += left;
        }
    }
}

pub(super) const fn duration(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
