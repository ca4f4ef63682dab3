//! `Ledger`: every (host, port) settles exactly once, the counters add up, and the report is what they counted.

use std::collections::BTreeMap;
use std::time::Duration;

use scanner_core::{
    AddrSet, Completion, HostFinished, HostResult, HostStatus, Note, PortResult, PortSettled, PortState,
    Progress, Reason, ScanEnd, ScanEvent, ScanNote, ScanReport, ScanStart, TargetSet,
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
    pub(crate) fn settle(
        &mut self,
        host: &mut Host,
        targets: &TargetSet,
        port: Settled,
    ) -> Option<ScanEvent> {
        let Settled { port, reason, rtt, attempts, silent } = port;
        let state = reason.state();
        self.counts.count(state, 1);
        self.silent = self.silent.saturating_sub(silent.into());
        if state == PortState::Unknown {
            *self.not_measured.entry(reason).or_default() += 1;
        }
        host.settle(port, reason);
        // Only here, as most ports are closed and their names are of no interest.
        (state == PortState::Open || self.detail == PortDetail::All).then(|| {
            let result = PortResult::new(port, reason, rtt, attempts);
            host.keep(result.clone());
            ScanEvent::Port(PortSettled {
                scan_id: self.scan_id.clone(),
                ip: host.addr,
                names: targets.names_of(host.addr).to_vec(),
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

    /// How far the scan is; `at_work` is the time without pauses.
    pub(crate) fn progress(
        &mut self,
        now: ScanTime,
        at_work: ScanTime,
        in_flight: u32,
        window: u32,
    ) -> Progress {
        let settled = self.counts.settled() + self.counts.not_asked;
        let pending = self.counts.pending();
        let done = settled.saturating_add((self.silent / 2).min(pending));
        let most = if pending == 0 { 1000 } else { 999 };
        let eta = self.eta(at_work, done);
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
    use scanner_core::{HostAddr, PortSet, Target, Verdict};

    use super::*;
    use crate::plan::ScanPlan;

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

    #[test]
    fn a_rate_over_several_seconds_is_spread_over_them() {
        let mut rate = Rate::default();
        rate.count(at(1_200), 30);
        rate.count(at(1_900), 30);
        assert_eq!(rate.per_second(at(1_999)), 0, "the first second had none");
        assert_eq!(rate.per_second(at(2_000)), 60);
        rate.count(at(2_500), 90);
        assert_eq!(rate.per_second(at(5_000)), 30, "three seconds had 90");
        assert_eq!(rate.average(at(5_000)), 30);
        rate.set_total(at(6_100), 100);
        assert_eq!(rate.total, 150, "never less than was counted");
        rate.set_total(at(6_200), 400);
        assert_eq!(rate.per_second(at(7_000)), 250);
    }

    /// Of 1,000 ports, 250 on each of four hosts.
    fn ledger() -> Ledger {
        let targets = "10.0.0.0/30".parse().unwrap();
        let plan = ScanPlan::new(targets, PortSet::from_range(1, 250));
        Ledger::new(&Job::new(plan, "test".into(), 1), PortDetail::Open)
    }

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn what_is_left_is_told_once_there_is_enough_to_tell() {
        for (ms, closed, eta) in [
            (1_999, 100, None),
            (2_000, 9, None),
            (2_000, 10, Some(198_000)),
            (2_000, 100, Some(18_000)),
            (4_000, 999, Some(4)),
            (20_000, 10, None),
            (1, 1_000, Some(0)),
        ] {
            let mut ledger = ledger();
            ledger.counts.count(PortState::Closed, closed);
            let progress = ledger.progress(at(ms), at(ms), 7, 9);
            assert_eq!(progress.eta, eta.map(Duration::from_millis), "{closed} in {ms} ms");
            assert_eq!((progress.elapsed, progress.in_flight, progress.window), (at(ms).elapsed(), 7, 9));
        }
    }

    #[test]
    fn a_pause_does_not_count_for_what_is_left() {
        let mut ledger = ledger();
        ledger.counts.count(PortState::Closed, 100);
        let progress = ledger.progress(at(60_000), at(2_000), 0, 0);
        assert_eq!(progress.eta, Some(Duration::from_secs(18)), "a hundred in two seconds");
        assert_eq!(progress.elapsed, Duration::from_mins(1));
    }

    #[test]
    fn what_was_silent_so_far_counts_by_half() {
        let mut ledger = ledger();
        ledger.counts.count(PortState::Closed, 400);
        ledger.not_asked(100);
        (0..200).for_each(|_| ledger.silent());
        assert_eq!(ledger.progress(at(0), at(0), 0, 0).done_permille, 600);
        ledger.silence_is_over(20);
        assert_eq!(ledger.progress(at(0), at(0), 0, 0).done_permille, 590);
        (0..2_000).for_each(|_| ledger.silent());
        assert_eq!(ledger.progress(at(0), at(0), 0, 0).done_permille, 999, "something is left");
        assert_eq!(
            ledger.progress(at(5_000), at(5_000), 0, 0).eta,
            None,
            "and how long it takes is not known"
        );
        ledger.counts.count(PortState::Closed, 500);
        assert_eq!(ledger.progress(at(0), at(0), 0, 0).done_permille, 1_000);
    }

    #[test]
    fn attempts_and_hosts_are_counted() {
        let mut ledger = ledger();
        (0..30).for_each(|n| ledger.sent(at(n * 10)));
        ledger.host_up();
        ledger.host_up();
        let progress = ledger.progress(at(500), at(500), 0, 0);
        assert_eq!((progress.sent, progress.rate, progress.targets_up), (30, 60, 2));
        assert_eq!((progress.targets, progress.probes), (4, 1_000));
    }

    #[test]
    fn what_was_never_begun_is_not_measured() {
        let mut ledger = ledger();
        ledger.counts.count(PortState::Closed, 900);
        assert_eq!(ledger.completion(), Completion::Complete);
        ledger.never_started(Reason::Deadline);
        ledger.never_started(Reason::Deadline);
        assert_eq!(ledger.not_measured, BTreeMap::from([(Reason::Deadline, 100)]));
        assert_eq!((ledger.counts.unknown, ledger.counts.pending()), (100, 0));
    }

    #[test]
    fn the_end_says_how_it_came() {
        for (stopped, unknown, completion) in [
            (None, 0, Completion::Complete),
            (None, 1, Completion::Incomplete),
            (Some(Reason::Cancelled), 0, Completion::Cancelled),
            (Some(Reason::Deadline), 1, Completion::Deadline),
            (Some(Reason::NetworkDown), 0, Completion::Incomplete),
        ] {
            let mut ledger = ledger();
            ledger.counts.count(PortState::Unknown, unknown);
            ledger.stopped = stopped;
            assert_eq!(ledger.completion(), completion, "{stopped:?}, {unknown} unknown");
            let progress = ledger.progress(at(1), at(1), 0, 0);
            let so_far = ledger.report(progress, std::iter::empty()).completion;
            assert_eq!(so_far, Completion::Incomplete, "999 ports and more are left");
        }
    }

    #[test]
    fn hosts_without_anything_to_tell_are_kept_as_addresses() {
        use HostStatus::{Down, Unknown, Up};
        let host = |last, status, ports: &[Reason]| {
            let target = Target::new(HostAddr::from(std::net::Ipv4Addr::new(10, 0, 0, last)));
            let mut host = HostResult { status, ..HostResult::unknown(&target) };
            for (port, &reason) in (1..).zip(ports) {
                host.ports.add(reason, &PortSet::from_range(port, port));
            }
            host
        };
        let mut ledger = ledger();
        ledger.finish(host(9, Up, &[Reason::Handshake]));
        ledger.finish(host(1, Up, &[Reason::Rst]));
        ledger.finish(host(2, Down, &[Reason::NoNeighbour]));
        ledger.finish(host(3, Unknown, &[Reason::NoReply]));
        ledger.finish(host(4, Unknown, &[Reason::Refused, Reason::LocalLimit]));
        ledger.finish(HostResult { not_asked: 5, ..host(5, Unknown, &[]) });
        ledger.finish(host(6, Unknown, &[Reason::LocalLimit]));
        ledger.finish(HostResult { verdict: Some(Verdict::HostLost), ..host(7, Up, &[Reason::HostLost]) });
        let progress = ledger.progress(at(1), at(1), 0, 0);
        assert_eq!(progress.targets_done, 8);
        let report = ledger.report(progress, std::iter::once(host(8, Up, &[])));
        let in_full: Vec<_> = report.hosts.iter().map(|host| host.ip.to_string()).collect();
        assert_eq!(in_full, ["10.0.0.7", "10.0.0.8", "10.0.0.9"]);
        let sets = [report.up_nothing_open, report.down, report.no_answer, report.not_measured_hosts];
        let sets = sets.map(|set| set.to_string());
        assert_eq!(sets, ["10.0.0.1", "10.0.0.2", "10.0.0.3-10.0.0.5", "10.0.0.6"]);
    }

    #[test]
    fn a_note_is_made_once() {
        let mut ledger = ledger();
        let note = |code: &str, message: &str| Note { code: code.into(), message: message.into() };
        assert!(ledger.note(note("a", "one")).is_some());
        assert!(ledger.note(note("a", "two")).is_none());
        assert!(ledger.note(note("b", "one")).is_some());
        assert_eq!(ledger.notes, [note("a", "one"), note("b", "one")]);
    }

    #[test]
    fn what_becomes_of_a_port_is_counted_and_told_where_it_is_of_interest() {
        use crate::control::steps::Steps;
        for (reason, detail, is_told, unknown) in [
            (Reason::Handshake, PortDetail::Open, true, 0),
            (Reason::Rst, PortDetail::Open, false, 0),
            (Reason::NoReply, PortDetail::Open, false, 0),
            (Reason::LocalLimit, PortDetail::Open, false, 1),
            (Reason::Handshake, PortDetail::All, true, 0),
            (Reason::Rst, PortDetail::All, true, 0),
            (Reason::LocalLimit, PortDetail::All, true, 1),
        ] {
            let mut steps = Steps::of("ports = '1-10'");
            steps.probes(at(0));
            let host = steps.host().unwrap();
            let mut ledger = Ledger { detail, ..ledger() };
            let settled = Settled { port: 7, reason, rtt: None, attempts: 1, silent: 0 };
            let event = ledger.settle(host, &TargetSet::default(), settled);
            assert_eq!(event.is_some(), is_told, "{reason} {detail:?}");
            assert_eq!(host.so_far(&[]).results.len(), usize::from(is_told), "and kept for the report");
            assert_eq!((ledger.counts.settled(), ledger.counts.unknown), (1, unknown), "{reason}");
            let why: Vec<_> = ledger.not_measured.into_iter().collect();
            assert_eq!(why, if unknown > 0 { vec![(reason, 1)] } else { vec![] });
        }
    }

    #[test]
    fn where_everything_was_measured_nothing_was_not() {
        let mut ledger = ledger();
        ledger.counts.count(PortState::Closed, 1_000);
        ledger.never_started(Reason::Cancelled);
        assert_eq!(ledger.not_measured, BTreeMap::new());
    }

    /// Half of the pace of the last second counts where the whole was slower.
    #[test]
    fn what_is_left_is_told_by_the_last_second_where_that_was_faster() {
        let mut ledger = ledger();
        ledger.progress(at(9_000), at(9_000), 0, 0);
        ledger.counts.count(PortState::Closed, 400);
        ledger.progress(at(9_500), at(9_500), 0, 0);
        assert_eq!(
            ledger.progress(at(10_000), at(10_000), 0, 0).eta,
            Some(Duration::from_secs(3)),
            "600 at 200 per second"
        );
    }
}
