//! `Ledger`: every (host, port) settles exactly once, the counters add up, and the report is what they counted.

use std::collections::BTreeMap;
use std::time::Duration;

use scanner_core::{
    AddrSet, Completion, HostFinished, HostResult, HostStatus, Note, PortResult, PortSettled, PortState,
    Progress, Reason, ScanEnd, ScanEvent, ScanNote, ScanReport, ScanStart,
};

use super::host::Host;
use super::rules::Job;
use super::time::ScanTime;
use crate::config::PortDetail;

#[derive(Debug)]
pub(crate) struct Ledger {
    scan_id: String,
    seed: u64,
    detail: PortDetail,
    counts: Progress,
    /// Attempts that stayed silent on ports not settled yet: work that is done and does not show in the counters.
    silent: u64,
    rate: Rate,
    pace: Rate,
    not_measured: BTreeMap<Reason, u64>,
    stopped: Option<Reason>,
    hosts: Vec<HostResult>,
    up_nothing_open: AddrSet,
    down: AddrSet,
    no_answer: AddrSet,
    not_measured_hosts: AddrSet,
    notes: Vec<Note>,
}

/// A port that gets its final state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled {
    pub(crate) port: u16,
    pub(crate) reason: Reason,
    pub(crate) rtt: Option<Duration>,
    pub(crate) attempts: u8,
    /// How many of the attempts stayed without answer.
    pub(crate) silent: u8,
}

impl Ledger {
    pub(crate) fn new(job: &Job, detail: PortDetail) -> Self {
        let targets = u64::try_from(job.targets.len()).unwrap_or(u64::MAX);
        let counts = Progress { targets, probes: job.probes, ..Progress::default() };
        Self {
            scan_id: job.scan_id.clone(),
            seed: job.seed,
            detail,
            counts,
            silent: 0,
            rate: Rate::default(),
            pace: Rate::default(),
            not_measured: BTreeMap::new(),
            stopped: None,
            hosts: Vec::new(),
            up_nothing_open: AddrSet::default(),
            down: AddrSet::default(),
            no_answer: AddrSet::default(),
            not_measured_hosts: AddrSet::default(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn start_event(&self, job: &Job) -> ScanEvent {
        ScanEvent::ScanStart(ScanStart {
            scan_id: self.scan_id.clone(),
            seed: self.seed,
            targets: job.targets.len(),
            ports: job.ports_each,
        })
    }

    /// A connection attempt goes out.
    pub(crate) fn sent(&mut self, now: ScanTime) {
        self.counts.sent += 1;
        self.rate.count(now, 1);
    }

    /// An attempt stayed silent.
    pub(crate) fn silent(&mut self) {
        self.silent += 1;
    }

    /// Attempts that stayed silent, on a port that is not to be settled.
    pub(crate) fn silence_is_over(&mut self, attempts: u8) {
        self.silent = self.silent.saturating_sub(attempts.into());
    }

    /// One more host answered.
    pub(crate) fn host_up(&mut self) {
        self.counts.targets_up += 1;
    }

    /// Ports of a host that was judged down or silent before they were asked.
    pub(crate) fn not_asked(&mut self, ports: u32) {
        self.counts.not_asked += u64::from(ports);
    }

    /// Gives a port its final state; the event, where it is to be reported one by one.
    pub(crate) fn settle(&mut self, host: &mut Host, names: &[String], port: Settled) -> Option<ScanEvent> {
        let Settled { port, reason, rtt, attempts, silent } = port;
        let state = reason.state();
        self.counts.count(state, 1);
        self.silent = self.silent.saturating_sub(silent.into());
        if state == PortState::Unknown {
            *self.not_measured.entry(reason).or_default() += 1;
        }
        host.settle(port, reason);
        // Only here, as most ports are closed and the name of a service is of no interest for them.
        (state == PortState::Open || self.detail == PortDetail::All).then(|| {
            let result = PortResult::new(port, reason, rtt, attempts);
            host.keep(result.clone());
            ScanEvent::Port(PortSettled {
                scan_id: self.scan_id.clone(),
                ip: host.addr,
                names: names.to_vec(),
                result,
            })
        })
    }

    /// A host is finished: keeps it in full where there is something to tell, else only its address.
    pub(crate) fn finish(&mut self, host: HostResult) -> ScanEvent {
        self.counts.targets_done += 1;
        let open = host.ports.count(PortState::Open) > 0;
        let measured = host.ports.count(PortState::Closed) + host.ports.count(PortState::Filtered) > 0;
        if open || host.verdict.is_some() {
            self.hosts.push(host.clone());
        } else {
            let set = match host.status {
                HostStatus::Up => &mut self.up_nothing_open,
                HostStatus::Down => &mut self.down,
                HostStatus::Unknown if measured || host.not_asked > 0 => &mut self.no_answer,
                HostStatus::Unknown => &mut self.not_measured_hosts,
            };
            set.insert(host.ip);
        }
        ScanEvent::Host(HostFinished { scan_id: self.scan_id.clone(), host })
    }

    /// The scan ends before these targets were begun.
    pub(crate) fn never_started(&mut self, reason: Reason) {
        self.stopped = Some(reason);
        let rest = self.counts.pending();
        if rest > 0 {
            *self.not_measured.entry(reason).or_default() += rest;
            self.counts.count(PortState::Unknown, rest);
        }
    }

    /// Notes something once per code.
    pub(crate) fn note(&mut self, note: Note) -> Option<ScanEvent> {
        if self.notes.iter().any(|old| old.code == note.code) {
            return None;
        }
        self.notes.push(note.clone());
        Some(ScanEvent::Note(ScanNote { scan_id: self.scan_id.clone(), note }))
    }

    pub(crate) fn end_event(&self, progress: Progress) -> ScanEvent {
        ScanEvent::ScanEnd(ScanEnd {
            scan_id: self.scan_id.clone(),
            completion: self.completion(),
            elapsed: progress.elapsed,
            not_measured: self.not_measured.clone(),
        })
    }

    fn completion(&self) -> Completion {
        match self.stopped {
            Some(Reason::Cancelled) => Completion::Cancelled,
            Some(Reason::Deadline) => Completion::Deadline,
            Some(_) => Completion::Incomplete,
            None if self.counts.unknown > 0 => Completion::Incomplete,
            None => Completion::Complete,
        }
    }

    pub(crate) fn progress(&mut self, now: ScanTime, in_flight: u32, window: u32) -> Progress {
        let settled = self.counts.settled() + self.counts.not_asked;
        let pending = self.counts.pending();
        let done = settled.saturating_add((self.silent / 2).min(pending));
        let most = if pending == 0 { 1000 } else { 999 };
        let eta = self.eta(now, done);
        Progress {
            elapsed: now.elapsed(),
            in_flight,
            window,
            rate: self.rate.per_second(now),
            done_permille: permille(done, self.counts.probes).min(most),
            eta,
            ..self.counts
        }
    }

    /// Time left at the pace of the last seconds; only after 2 s and a hundredth of the work is there enough to tell.
    fn eta(&mut self, now: ScanTime, done: u64) -> Option<Duration> {
        let left = self.counts.probes.saturating_sub(done);
        if self.counts.pending() == 0 {
            return Some(Duration::ZERO);
        }
        self.pace.set_total(now, done);
        let enough = now.elapsed() >= Duration::from_secs(2) && permille(done, self.counts.probes) >= 10;
        let pace = u64::from(self.pace.average(now)).max(u64::from(self.pace.per_second(now)) / 2);
        (enough && pace > 0 && left > 0).then(|| Duration::from_millis(left.saturating_mul(1000) / pace))
    }

    /// The report as far as it goes, with what is known of hosts that are not finished.
    pub(crate) fn report(&self, progress: Progress, begun: impl Iterator<Item = HostResult>) -> ScanReport {
        let mut hosts = self.hosts.clone();
        hosts.extend(begun);
        hosts.sort_unstable_by_key(|host| host.ip);
        ScanReport {
            scan_id: self.scan_id.clone(),
            seed: self.seed,
            // Whatever comes, it has not come yet.
            completion: if progress.pending() > 0 { Completion::Incomplete } else { self.completion() },
            progress,
            hosts,
            up_nothing_open: self.up_nothing_open.clone(),
            down: self.down.clone(),
            no_answer: self.no_answer.clone(),
            not_measured_hosts: self.not_measured_hosts.clone(),
            not_measured: self.not_measured.clone(),
            notes: self.notes.clone(),
        }
    }
}

fn permille(part: u64, whole: u64) -> u16 {
    if whole == 0 {
        return 1000;
    }
    u16::try_from(u128::from(part) * 1000 / u128::from(whole)).map_or(1000, |share| share.min(1000))
}

/// Counts per second, over the last full second.
#[derive(Debug)]
struct Rate {
    total: u64,
    second: u64,
    /// When the second after it begins.
    next: ScanTime,
    at_second_start: u64,
    last: u32,
}

impl Default for Rate {
    fn default() -> Self {
        let next = ScanTime::after(Duration::from_secs(1));
        Self { total: 0, second: 0, next, at_second_start: 0, last: 0 }
    }
}

impl Rate {
    fn count(&mut self, now: ScanTime, n: u64) {
        self.roll(now);
        self.total += n;
    }

    fn set_total(&mut self, now: ScanTime, total: u64) {
        self.roll(now);
        self.total = self.total.max(total);
    }

    fn roll(&mut self, now: ScanTime) {
        if now >= self.next {
            let second = now.elapsed().as_secs();
            let counted = (self.total - self.at_second_start) / (second - self.second);
            self.last = u32::try_from(counted).unwrap_or(u32::MAX);
            self.at_second_start = self.total;
            self.second = second;
            self.next = ScanTime::after(Duration::from_secs(second + 1));
        }
    }

    /// Over the last full second; over the first one, what came so far.
    fn per_second(&mut self, now: ScanTime) -> u32 {
        self.roll(now);
        if self.second == 0 { self.average(now) } else { self.last }
    }

    /// Over the whole time.
    fn average(&self, now: ScanTime) -> u32 {
        let millis = u64::try_from(now.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        u32::try_from(self.total.saturating_mul(1000) / millis).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_full_second() {
        let mut rate = Rate::default();
        let at = |ms| ScanTime::after(Duration::from_millis(ms));
        rate.count(at(100), 50);
        assert_eq!(rate.per_second(at(500)), 100, "so far");
        rate.count(at(900), 50);
        assert_eq!(rate.per_second(at(1500)), 100);
        assert_eq!(rate.per_second(at(2500)), 0);
        assert_eq!(rate.average(at(2000)), 50);
    }

    #[test]
    fn a_share_is_a_share() {
        assert_eq!(permille(0, 0), 1000);
        assert_eq!(permille(1, 3), 333);
        assert_eq!(permille(u64::MAX, u64::MAX), 1000);
    }
}
