//! The pure half of the engine: decides which probe goes next and what an outcome means.
//!
//! No sockets, no runtime, no clock, no randomness except the seed. One law: *take one input, then drain the outputs* until
//! [`Output::Wait`] or [`Output::Done`].

mod contrast;
mod delivery;
mod discovery;
mod early;
mod flights;
mod hedge;
mod host;
mod ledger;
mod liveness;
mod local;
mod neighbours;
mod outcomes;
mod pacer;
mod patience;
mod port_bits;
mod presence;
mod retry;
mod rtt;
mod rules;
mod time;
mod window;

#[cfg(test)]
mod pairs;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod sim;
#[cfg(test)]
mod steps;

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use scanner_core::{HostAddr, Note, Progress, Reason, ScanEvent, ScanReport};
use slab::Slab;

use self::flights::{Flight, Flights};
pub(crate) use self::flights::{Probe, ProbeId};
use self::host::{Host, Phase};
use self::ledger::Ledger;
use self::local::Local;
use self::neighbours::Neighbourhood;
pub(crate) use self::neighbours::Reading;
#[cfg(any(test, target_os = "linux"))]
pub(crate) use self::neighbours::{Links, Neighbour, NeighbourState, Route};
use self::pacer::Pacer;
use self::rtt::Rtt;
pub(crate) use self::rules::{Job, Rules};
pub(crate) use self::time::ScanTime;
use self::window::Window;
use crate::config::defaults::{ACTIVE_HOSTS, DISCOVERY_AHEAD};

/// What came of one connection attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer from the host or the path, or a verdict of this machine that settles the port (`local-policy`).
    Answered { reason: Reason, rtt: Duration },
    /// No answer in the time given, and the socket was asked once more.
    TimedOut,
    /// This machine has no route to the target.
    NoRoute,
    /// This machine ran out of something; nothing was sent.
    LocalLimit,
    /// This machine's network is down; nothing was sent.
    NetworkDown,
    /// Another scan holds the socket permits; nothing was sent.
    NoPermit,
}

/// What can happen to the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A probe came to something.
    Outcome(ProbeId, Outcome),
    /// No new probes until [`Input::Resume`].
    Pause,
    /// Go on after [`Input::Pause`].
    Resume,
    /// Finish this host now; what is open becomes `unknown/skipped`.
    SkipHost(HostAddr),
    /// A new limit on probes per second.
    Rate(Option<NonZeroU32>),
    /// How many sockets this scan may hold now.
    Budget(u32),
    /// The neighbour table, as [`Output::ReadNeighbours`] asked for.
    Neighbours(Reading),
    /// End the scan; what is open becomes `unknown` with this reason.
    Stop(Reason),
}

/// What the controller wants done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// Start a connection attempt, and report its outcome exactly once unless released.
    Connect(Probe),
    /// Close the socket of this probe; its outcome is of no interest any more.
    Release(ProbeId),
    /// Read the neighbour table and hand it in at once.
    ReadNeighbours,
    /// Publish.
    Event(Box<ScanEvent>),
    /// Nothing to do until an outcome arrives, or until this moment.
    Wait(Option<ScanTime>),
    /// The scan is over.
    Done,
}

pub(crate) struct Controller {
    job: Job,
    rules: Rules,
    next_target: u128,
    hosts: Slab<Box<Host>>,
    /// Hosts that may have something to ask, in turn.
    turns: VecDeque<usize>,
    /// Hosts that are there and wait for the one before them, with sequential hosts.
    ready: VecDeque<usize>,
    scanning: usize,
    unheard: usize,
    flights: Flights,
    window: Window,
    budget: u32,
    budget_short: bool,
    pacer: Pacer,
    local: Local,
    neighbours: Neighbourhood,
    group: Rtt,
    timers: BTreeSet<(ScanTime, usize)>,
    outbox: VecDeque<Output>,
    ledger: Ledger,
    now: ScanTime,
    paused: Option<ScanTime>,
    /// How long all pauses took that are over.
    away: Duration,
    ended: bool,
}

impl Controller {
    /// A controller at the beginning of a scan.
    pub(crate) fn new(job: Job, rules: Rules) -> Self {
        let ledger = Ledger::new(&job, rules.detail);
        let mut controller = Self {
            next_target: 0,
            hosts: Slab::new(),
            turns: VecDeque::new(),
            ready: VecDeque::new(),
            scanning: 0,
            unheard: 0,
            flights: Flights::default(),
            window: Window::new(f64::from(rules.window_start), rules.window_cap),
            budget: rules.window_cap,
            budget_short: false,
            pacer: Pacer::new(rules.max_rate),
            local: Local::default(),
            neighbours: Neighbourhood::new(),
            group: Rtt::default(),
            timers: BTreeSet::new(),
            outbox: VecDeque::new(),
            now: ScanTime::ZERO,
            paused: None,
            away: Duration::ZERO,
            ended: false,
            ledger,
            job,
            rules,
        };
        let start = controller.ledger.start_event(&controller.job);
        controller.publish(start);
        controller
    }

    /// Takes one input. The outputs must be drained afterwards.
    // A call of its own in every build: `cargo xtask bench --check` finds it in a profile.
    #[inline(never)]
    pub(crate) fn handle_input(&mut self, now: ScanTime, input: Input) {
        if self.ended {
            return;
        }
        self.now = now;
        match input {
            Input::Outcome(id, outcome) => self.on_outcome(now, id, outcome),
            Input::Pause => self.paused = self.paused.or(Some(now)),
            Input::Resume => self.resume(),
            Input::SkipHost(addr) => {
                if let Some((slot, _)) = self.hosts.iter().find(|(_, host)| host.addr == addr) {
                    self.finish_host(slot, Some(Reason::Skipped), None);
                }
            }
            Input::Rate(rate) => {
                self.rules.max_rate = rate;
                self.pacer.set_rate(rate, now);
            }
            Input::Budget(sockets) => self.budget = sockets,
            Input::Neighbours(reading) => self.on_neighbours(now, reading),
            Input::Stop(reason) => self.stop(now, reason),
        }
    }

    /// The next thing to do. To be called until [`Output::Wait`] or [`Output::Done`].
    // Like [`Controller::handle_input`], a call of its own in every build.
    #[inline(never)]
    pub(crate) fn poll_output(&mut self, now: ScanTime) -> Output {
        if let Some(output) = self.outbox.pop_front() {
            return output;
        }
        if self.ended {
            return Output::Done;
        }
        self.now = now;
        self.fire_timers(now);
        if self.neighbours.wanted().is_some_and(|at| at <= now) && !self.ended {
            self.neighbours.is_being_read();
            return Output::ReadNeighbours;
        }
        let probe = if self.ended { None } else { self.next_probe(now) };
        if let Some(probe) = probe {
            return Output::Connect(probe);
        }
        if !self.ended && self.is_finished() {
            self.end(now);
        }
        // The end of a scan is an event.
        match self.outbox.pop_front() {
            Some(output) => output,
            None => Output::Wait(self.next_wake(now)),
        }
    }

    /// Whether another socket permit would let the scan go on faster.
    pub(crate) const fn wants_permit(&self) -> bool {
        self.budget_short
    }

    /// How far the scan is.
    pub(crate) fn progress(&mut self, now: ScanTime) -> Progress {
        let window = self.allowed();
        let at_work = self.paused.unwrap_or(now).before(self.away);
        self.ledger.progress(now, at_work, self.flights.len(), window)
    }

    /// The report as far as it goes: of the hosts that are not finished, those with an open port are in it.
    pub(crate) fn report(&mut self, now: ScanTime) -> ScanReport {
        let progress = self.progress(now);
        let begun = self.hosts.iter().map(|(_, host)| host).filter(|host| host.has_open());
        self.ledger.report(progress, begun.map(|host| host.so_far(self.job.targets.names_of(host.addr))))
    }

    /// The host that keeps the scan waiting: one that fell silent, else one that is asked, and of these the first.
    pub(crate) fn slowest_host(&self) -> Option<HostAddr> {
        let active = self.hosts.iter().map(|(_, host)| &**host).filter(|host| host.phase != Phase::Ready);
        let patience = |host: &&Host| {
            let is_silent = host.alive.in_doubt();
            (!is_silent, if is_silent { host.alive.last_answer() } else { host.started }, host.addr)
        };
        active.min_by_key(patience).map(|host| host.addr)
    }

    /// Adds something that the reader of the report should know, once per code.
    fn note(&mut self, code: &str, message: String) {
        if let Some(event) = self.ledger.note(Note { code: code.to_owned(), message }) {
            self.publish(event);
        }
    }

    /// How many sockets may be open now, by everything this side knows.
    fn allowed(&self) -> u32 {
        // What waits for a neighbour to be found is not on the way.
        let window =
            self.window.size().saturating_add(self.neighbours.resolving()).min(self.rules.window_cap);
        window.min(self.local.cap()).min(self.budget.max(1))
    }

    fn next_probe(&mut self, now: ScanTime) -> Option<Probe> {
        self.budget_short = false;
        if self.paused.is_some() || self.local.paused_until(now).is_some() {
            return None;
        }
        let in_flight = self.flights.len();
        if in_flight >= self.allowed() || self.budget == 0 {
            self.budget_short =
                in_flight >= self.budget && in_flight < self.window.size().min(self.local.cap());
            self.await_ramp(now);
            return None;
        }
        if self.pacer.ready_at(now).is_some() {
            return None;
        }
        loop {
            while let Some(slot) = self.turns.pop_front() {
                if let Some(probe) = self.next_probe_of(slot, now) {
                    return Some(probe);
                }
            }
            if !self.admit(now) {
                return None;
            }
        }
    }

    /// Where hosts of which nothing was heard yet fill the window, it grows with the ramp of the one whose turn it is.
    fn await_ramp(&mut self, now: ScanTime) {
        let turn = self.turns.front().and_then(|&slot| Some((slot, self.hosts.get(slot)?)));
        if let Some((slot, host)) = turn
            && self.window.size() < self.rules.unheard_window
            && let Some(due) = host.ramp_tick(&self.rules, now)
        {
            self.timers.insert((due, slot));
        }
    }

    fn next_probe_of(&mut self, slot: usize, now: ScanTime) -> Option<Probe> {
        let host = self.hosts.get_mut(slot)?;
        host.queued = false;
        let Some(ask) = host.next(&self.job, &self.rules, &self.group, now) else {
            self.conclude(slot, now);
            return None;
        };
        host.sent(now, ask);
        self.window.sent(self.flights.len() + 1);
        let addr = host.addr.socket_addr(ask.port);
        let unresolved_from = host.unresolved_from();
        if host.can_ask(&self.rules, now) {
            self.enqueue(slot);
        } else if let Some(due) = host.waits_until(&self.rules, now) {
            self.timers.insert((due, slot));
        }
        self.pacer.take();
        self.ledger.sent(now);
        let id = self.flights.insert(Flight { host: slot, ask, sent: now });
        Some(Probe { id, addr, timeout: ask.timeout, unresolved_from })
    }

    fn enqueue(&mut self, slot: usize) {
        if let Some(host) = self.hosts.get_mut(slot)
            && !host.queued
        {
            host.queued = true;
            self.turns.push_back(slot);
        }
    }

    /// Takes one more target into the active set, where there is one and room for it.
    fn admit(&mut self, now: ScanTime) -> bool {
        let ahead = if self.rules.sequential { DISCOVERY_AHEAD } else { ACTIVE_HOSTS };
        let crowded = self.unheard >= self.rules.max_unheard.min(ahead) || self.ready.len() >= ahead;
        if crowded || self.hosts.len() >= ACTIVE_HOSTS || self.next_target >= self.job.targets.len() {
            return false;
        }
        // Without a discovery tier a sequential scan takes the next host only when the one before is finished.
        if self.rules.sequential && !self.rules.has_discovery() && !self.hosts.is_empty() {
            return false;
        }
        let index = self.job.permutation.get(self.next_target);
        let Some(addr) = self.job.targets.get(index) else {
            self.next_target += 1;
            return true;
        };
        let Some(link) = self.link_to(addr, now) else { return false };
        self.next_target += 1;
        let host = Host::new(&self.job, index, (addr, link), &self.rules, now);
        self.scanning += usize::from(host.phase == Phase::Scanning);
        self.unheard += 1;
        let slot = self.hosts.insert(Box::new(host));
        if let Some(limit) = self.rules.host_timeout {
            self.timers.insert((now + limit, slot));
        }
        self.enqueue(slot);
        true
    }

    /// The target that is begun next.
    fn next_addr(&self) -> Option<HostAddr> {
        let is_one = self.next_target < self.job.targets.len();
        is_one.then(|| self.job.targets.get(self.job.permutation.get(self.next_target)))?
    }

    fn stop(&mut self, now: ScanTime, reason: Reason) {
        // In one pass: thousands of hosts that each look for their own probes and turns would take too long.
        self.recall(|_| true);
        self.turns.clear();
        let slots: Vec<usize> = self.hosts.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.finish_host(slot, Some(reason), None);
        }
        self.ledger.never_started(reason);
        self.next_target = self.job.targets.len();
        self.end(now);
    }

    fn is_finished(&self) -> bool {
        self.hosts.is_empty() && self.next_target >= self.job.targets.len()
    }

    fn end(&mut self, now: ScanTime) {
        self.ended = true;
        let progress = self.progress(now);
        let event = self.ledger.end_event(progress);
        self.publish(event);
    }

    fn fire_timers(&mut self, now: ScanTime) {
        if self.rules.deadline.is_some_and(|deadline| now.elapsed() >= deadline) {
            self.stop(now, Reason::Deadline);
            return;
        }
        if self.paused.is_some() {
            return;
        }
        while let Some(&(due, slot)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            // A host that waits for its turn gets a new timer when it begins.
            let Some(host) = self.hosts.get(slot).filter(|host| host.phase != Phase::Ready) else { continue };
            if self.rules.host_timeout.is_some_and(|limit| now.since(host.started) >= limit) {
                self.finish_host(slot, Some(Reason::Deadline), None);
            } else {
                let ramp = host.ramp(&self.rules, now);
                if host.early_due().is_some_and(|due| due <= now) {
                    self.give_up_early(slot, now);
                }
                self.window.raise(ramp.min(self.rules.unheard_window));
                self.enqueue(slot);
            }
        }
    }

    /// Goes on after a pause. The hosts' clocks stood still meanwhile.
    fn resume(&mut self) {
        let Some(since) = self.paused.take() else { return };
        let away = self.now.since(since);
        self.away += away;
        self.timers = self.timers.iter().map(|&(due, slot)| (due + away, slot)).collect();
        for (_, host) in &mut self.hosts {
            host.started = host.started + away;
            host.alive.shift(away);
        }
    }

    /// When there is something to do without any outcome.
    fn next_wake(&mut self, now: ScanTime) -> Option<ScanTime> {
        let deadline = self.rules.deadline.map(ScanTime::after);
        if self.paused.is_some() {
            return deadline;
        }
        let timer = self.timers.first().map(|(due, _)| *due);
        let local = self.local.paused_until(now);
        let may_send = self.may_send();
        let paced = self.pacer.ready_at(now).filter(|_| may_send);
        let neighbour = if may_send { self.next_neighbour(now) } else { None };
        [deadline, timer, local, paced, neighbour, self.neighbours.wanted()].into_iter().flatten().min()
    }

    fn may_send(&self) -> bool {
        self.flights.len() < self.allowed()
    }

    fn publish(&mut self, event: ScanEvent) {
        self.outbox.push_back(Output::Event(Box::new(event)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::liveness::Strike;
    use super::steps::{Steps, at};
    use super::*;

    #[test]
    fn several_silent_hosts_are_asked_as_fast_as_one() {
        let under_way = |hosts| {
            let mut steps = Steps::of(&format!(
                "hosts = {hosts}\nports = '1-5000'\nconfig = {{ limit = 'auto', skip_discovery = true }}"
            ));
            (0..95).map(|turn| steps.probes(at(turn * 10)).len()).sum::<usize>()
        };
        let alone = under_way(1);
        assert!(alone > 1_000, "{alone}");
        for hosts in [2, 5] {
            assert!(under_way(hosts) >= alone, "{hosts}: {} of {alone}", under_way(hosts));
        }
    }

    #[test]
    fn what_is_left_does_not_grow_while_the_scan_pauses() {
        let mut steps = Steps::of("ports = '1-1000'\nconfig = { max_rate = 100 }");
        for ms in (0..2_500).step_by(10) {
            for probe in steps.probes(at(ms)) {
                steps.answer(at(ms), probe, Reason::Rst);
            }
        }
        let left = steps.controller.progress(at(2_500)).eta;
        assert!(left.is_some());
        steps.controller.handle_input(at(2_500), Input::Pause);
        assert_eq!(steps.controller.progress(at(60_000)).eta, left);
        steps.controller.handle_input(at(60_000), Input::Resume);
        assert_eq!(steps.controller.progress(at(60_000)).eta, left);
        steps.controller.handle_input(at(60_000), Input::Pause);
        assert_eq!(steps.controller.progress(at(70_000)).eta, left, "nor in a second pause");
    }

    #[test]
    fn a_new_rate_is_known_to_all_that_ask_for_it() {
        let mut steps = Steps::of("ports = '1-1000'");
        for rate in [NonZeroU32::new(50), None] {
            steps.controller.handle_input(at(0), Input::Rate(rate));
            assert_eq!(steps.controller.rules.max_rate, rate);
            assert_eq!(steps.probes(at(0)).len() < 5, rate.is_some(), "{rate:?}");
        }
    }

    #[test]
    fn another_permit_would_help_only_where_nothing_else_limits() {
        for (budget, local_cap, probes, wants) in [
            (3, None, 3, true),
            (0, None, 0, true),
            (20, None, 20, false),
            (50, None, 20, false),
            (3, Some(3), 3, false),
        ] {
            let mut steps = Steps::of("hosts = 4\nconfig = { limit = { fixed = 20 } }");
            steps.controller.handle_input(at(0), Input::Budget(budget));
            if let Some(in_flight) = local_cap {
                steps.controller.local.failed(at(0), local::Trouble::Limit, in_flight);
            }
            assert_eq!(steps.probes(at(1_000)).len(), probes, "{budget}, {local_cap:?}");
            assert_eq!(steps.controller.wants_permit(), wants, "{budget}, {local_cap:?}");
            steps.controller.handle_input(at(1_000), Input::Pause);
            steps.probes(at(1_000));
            assert!(!steps.controller.wants_permit(), "nothing is begun");
        }
    }

    #[test]
    fn the_slowest_host_is_one_that_fell_silent_else_the_first() {
        let mut steps = Steps::of("hosts = 3\nports = '1-10'");
        steps.probes(at(0));
        let mut hosts = steps.controller.hosts.iter_mut().map(|(_, host)| &mut **host);
        let [one, two, three] = [(); 3].map(|()| hosts.next().unwrap());
        (one.started, two.started, three.started) = (at(30), at(20), at(10));
        let addrs = [one.addr, two.addr, three.addr];
        three.phase = Phase::Ready;
        assert_eq!(
            steps.controller.slowest_host(),
            Some(addrs[1]),
            "whoever waits for its turn keeps nobody waiting"
        );
        let silent = |steps: &mut Steps, n: usize, last_answer| {
            let host = steps.controller.hosts.iter_mut().find(|(_, host)| host.addr == addrs[n]).unwrap().1;
            host.phase = Phase::Scanning;
            host.alive.answered(last_answer, 80, Reason::Handshake, false);
            (0..2).for_each(|_| assert_eq!(host.alive.canary_silent(last_answer, 2), Strike::Loss));
            steps.controller.slowest_host()
        };
        assert_eq!(silent(&mut steps, 0, at(40)), Some(addrs[0]), "it fell silent");
        assert_eq!(silent(&mut steps, 2, at(35)), Some(addrs[2]), "and this one before it");
    }

    #[test]
    fn the_report_so_far_has_what_was_found_on_hosts_that_are_not_finished() {
        let mut steps = Steps::of("hosts = 2\nports = '80,81,82'");
        let probes = steps.probes(at(0));
        let (first, other): (Vec<Probe>, Vec<Probe>) =
            probes.into_iter().partition(|probe| probe.addr.ip() == steps::first().ip());
        assert_eq!((first.len(), other.len()), (3, 3));
        for probe in first {
            match probe.addr.port() {
                80 => steps.answer(at(10), probe, Reason::Handshake),
                81 => steps.answer(at(10), probe, Reason::Rst),
                _ => {}
            }
        }
        steps.answer(at(10), other[0], Reason::Rst);
        let report = steps.controller.report(at(10));
        let [host] = report.hosts.as_slice() else { panic!("{:?}", report.hosts) };
        assert_eq!((host.ip, host.status), (steps::first(), scanner_core::HostStatus::Up));
        assert!(host.evidence.is_some());
        assert_eq!(host.rtt, Some(Duration::from_millis(10)));
        assert_eq!(host.results.iter().map(|result| result.port).collect::<Vec<_>>(), [80]);
        let ports: Vec<_> = host.ports.iter().map(|(reason, ports)| (reason, ports.to_string())).collect();
        assert_eq!(ports, [(Reason::Handshake, "80".to_owned()), (Reason::Rst, "81".to_owned())]);
        assert_eq!(report.completion, scanner_core::Completion::Incomplete);
    }

    #[test]
    fn a_host_that_is_skipped_takes_nobody_elses_turn() {
        let mut steps = Steps::of("hosts = 4\nports = '1-3'");
        for probe in steps.probes(at(0)) {
            steps.comes(at(1_000), probe, Outcome::TimedOut);
        }
        assert_eq!(steps.controller.turns.len(), 4, "all want to ask again");
        let skipped = steps.controller.hosts[steps.controller.turns[1]].addr;
        steps.controller.handle_input(at(1_000), Input::SkipHost(skipped));
        let mut asked: BTreeMap<_, u32> = BTreeMap::new();
        for probe in steps.probes(at(1_000)) {
            *asked.entry(probe.addr.ip()).or_default() += 1;
        }
        assert_eq!(asked.into_values().collect::<Vec<_>>(), [3, 3, 3]);
    }

    #[test]
    fn a_limit_of_time_is_kept_to_the_millisecond() {
        for limit in ["host_timeout_ms", "deadline_ms"] {
            let mut steps = Steps::of(&format!("ports = '1-10'\nconfig = {{ {limit} = 1500 }}"));
            assert_eq!(steps.probes(at(0)).len(), 10);
            assert_eq!(steps.probes(at(1_499)), []);
            assert_eq!(steps.controller.poll_output(at(1_499)), Output::Wait(Some(at(1_500))), "{limit}");
            let [host] = steps.finished(at(1_500)) else { panic!("{limit} is over") };
            assert_eq!(host.ports.get(Reason::Deadline).map(scanner_core::PortSet::len), Some(10), "{limit}");
            assert_eq!(steps.controller.poll_output(at(1_500)), Output::Done);
        }
    }
}
