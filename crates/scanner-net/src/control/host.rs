//! `Host`: what is known of one host while it is in the active set, and what to ask it next.

mod asking;
mod ending;

use std::collections::BTreeMap;
use std::time::Duration;

use scanner_core::{HostAddr, Permutation, PortResult, Reason};

use super::delivery::{Delivery, Found};
use super::early::Early;
use super::hedge::Hedge;
use super::liveness::{Confirmed, Liveness, SilentPort, Strike};
use super::patience::Patience;
use super::port_bits::{ByReason, PortBits};
use super::presence::{Link, Presence};
use super::retry::{Answerer, Attempts, HostLoss};
use super::rtt::Rtt;
use super::time::ScanTime;
use super::window::Window;
use super::{Job, Rules};
use crate::config::defaults::{
    DOWN_PATIENCE, FIRST_STRIDE, HEAVY_LOSS_PERCENT, INITIAL_TIMEOUT, LONGEST_STRIDE, PORTS_WORTH_MEASURING,
    REDUCTIONS_THAT_TELL, REPETITIONS_THAT_TELL, RESOLUTION, SMALL_WINDOW,
};

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) addr: HostAddr,
    pub(crate) phase: Phase,
    pub(crate) started: ScanTime,
    pub(crate) in_flight: u32,
    pub(crate) window: Window,
    pub(crate) rtt: Rtt,
    /// Once an answer told how long one takes: what was sent before.
    pub(crate) early: Option<Early>,
    pub(crate) alive: Liveness,
    pub(crate) presence: Presence,
    /// Whether the host waits in the queue of turns.
    pub(crate) queued: bool,
    /// Which of the job's orders of ports is the host's.
    order: usize,
    /// And how it goes through them.
    permutation: Permutation,
    /// How many ports it has.
    ports: usize,
    next_fresh: usize,
    /// Ports by how many of their attempts stayed silent. Fresh ones to be asked anew are at 0.
    silent: Vec<PortBits>,
    settled: ByReason,
    /// What the path said of ports of a host that had answered.
    said: BTreeMap<Reason, PortBits>,
    results: Vec<PortResult>,
    /// Ports that were answered while only the host was asked about.
    pub(crate) unreported: u32,
    /// Attempts that stayed silent.
    silent_attempts: u32,
    /// At the end: how often each of the ports was asked, at least, that are called silent.
    asked_at_least: Option<u8>,
    /// Since when its ports are asked.
    asked_from: Option<ScanTime>,
    /// Since when this machine's network is down for the host.
    down_since: Option<ScanTime>,
    /// A firewall of this machine rejected some probe.
    rejected_here: bool,
    attempts: Attempts,
    /// Of the last attempts that were not a port's first: how many were answered, and how many there were.
    repetitions: (u32, u32),
    /// How often their loss made the window smaller since the rate was measured.
    reductions: u32,
    hedge: Hedge,
    patience: Patience,
    delivery: Delivery,
    /// The loss estimate at the last answer: a lost host says nothing about the path's loss.
    loss_when_heard: HostLoss,
}

/// How far a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A few likely ports find out whether it is there.
    Discovery,
    /// These were silent, and more ports are asked for any that answers.
    Search,
    /// It is there, and waits for its turn to be scanned in full.
    Ready,
    /// All its ports are being asked.
    Scanning,
}

/// One thing to ask a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) port: u16,
    /// 1 for the first attempt; 0 for a canary or an echo.
    pub(crate) attempt: u8,
    pub(crate) role: Role,
    pub(crate) timeout: Duration,
}

/// What the answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// To find out about the port.
    Port,
    /// The same, beside an attempt that is under way.
    Copy,
    /// To know whether the host is still there.
    Canary,
    /// To count how much gets through.
    Echo,
}

impl Ask {
    pub(crate) const fn is_copy(&self) -> bool {
        matches!(self.role, Role::Copy)
    }

    pub(crate) const fn is_echo(&self) -> bool {
        matches!(self.role, Role::Echo)
    }
}

impl Host {
    /// The target of a job with this index and address.
    pub(crate) fn new(
        job: &Job,
        index: u128,
        (addr, link): (HostAddr, Link),
        rules: &Rules,
        now: ScanTime,
    ) -> Self {
        let order = job.order_of(addr);
        let ports = job.order(order).len();
        Self {
            addr,
            phase: if ports > rules.discovery_ports { Phase::Discovery } else { Phase::Scanning },
            started: now,
            in_flight: 0,
            window: Window::new(rules.first_window, rules.per_host),
            rtt: Rtt::default(),
            early: None,
            alive: Liveness::default(),
            presence: Presence::new(link),
            queued: false,
            order,
            permutation: job.order(order).permutation(job.salt(index)),
            ports,
            next_fresh: 0,
            silent: Vec::new(),
            settled: ByReason::default(),
            said: BTreeMap::new(),
            results: Vec::new(),
            unreported: 0,
            silent_attempts: 0,
            asked_at_least: None,
            asked_from: None,
            down_since: None,
            rejected_here: false,
            attempts: Attempts::new(rules.retries),
            repetitions: (0, 0),
            reductions: 0,
            hedge: Hedge::default(),
            patience: Patience::default(),
            delivery: Delivery::default(),
            loss_when_heard: HostLoss::default(),
        }
    }

    /// Whether a few of its ports decide if the others are asked at all.
    pub(crate) const fn has_discovery(&self, rules: &Rules) -> bool {
        self.ports > rules.discovery_ports
    }

    /// Whether the host itself answered, on a port.
    pub(crate) const fn is_up(&self) -> bool {
        self.presence.is_up()
    }

    /// Whether anything shows that the host is there.
    pub(crate) fn is_there(&self) -> bool {
        self.presence.is_there()
    }

    /// Whether anything came back, from the host or from the path to it.
    pub(crate) const fn is_heard(&self) -> bool {
        self.presence.is_heard()
    }

    /// From when on silence may be that of a neighbour that was never there.
    pub(crate) fn unresolved_from(&self) -> Option<ScanTime> {
        let since = if let Link::Resolving(since) = self.presence.link { since } else { self.started };
        (!self.is_heard()).then(|| since + RESOLUTION)
    }

    /// Whether an answer to a repeated attempt shows that a packet was lost. A late refusal of a host that limits its refusals, or
    /// a late ICMP message, only says that it was its turn.
    pub(crate) fn shows_loss(&self, reason: Reason) -> bool {
        Answerer::of(reason).is_some_and(Answerer::tells_loss) && !self.is_limited()
    }

    /// Whether repetitions are answered as those on a path that loses packets by chance are: then loss says nothing about the pace.
    /// Behind a firewall that limits what passes, repetitions get lost as the first attempts did. Where most ports are silent, those that
    /// are known to answer tell.
    pub(crate) const fn is_loss_light(&self) -> bool {
        let (answered, all) = self.repetitions;
        let by_repetitions =
            all >= REPETITIONS_THAT_TELL && answered * 100 >= all * (100 - HEAVY_LOSS_PERCENT);
        by_repetitions || self.alive.is_loss_light()
    }

    fn repeated(&mut self, answered: bool) {
        let (yes, all) = &mut self.repetitions;
        if *all >= 4 * REPETITIONS_THAT_TELL {
            // What was long ago counts less.
            (*yes, *all) = (*yes / 2, *all / 2);
        }
        *yes += u32::from(answered);
        *all += 1;
    }

    /// By how much an answer widens the window: by more than one on a far path, as long as nearly every attempt is answered.
    pub(crate) fn stride(&self) -> u32 {
        let longest = if self.window.size() < SMALL_WINDOW { FIRST_STRIDE } else { LONGEST_STRIDE };
        let stride = self.rtt.stride(longest);
        let is_smooth =
            || !self.window.was_reduced() && self.silent_attempts <= self.attempts.loss().known() / 8;
        if stride > 1 && is_smooth() { stride } else { 1 }
    }

    /// Whether the host limits how often it refuses.
    pub(crate) fn is_limited(&self) -> bool {
        self.attempts.loss().is_limited()
    }

    /// The loss measured so far.
    #[cfg(test)]
    pub(crate) const fn loss(&self) -> HostLoss {
        self.attempts.loss()
    }

    /// How many attempts a silent port gets, by the loss measured so far.
    pub(crate) const fn attempts_needed(&self) -> u8 {
        self.attempts.needed()
    }

    /// An attempt is made, one of `in_flight` that wait.
    pub(crate) fn sent(&mut self, now: ScanTime, ask: Ask) {
        self.in_flight += 1;
        if !matches!(self.presence.link, Link::Resolving(_)) {
            self.asked_from.get_or_insert(now);
        }
        self.presence.sent(now);
        if ask.is_echo() {
            self.alive.echo_is_out();
            self.attempts.echo_is_out();
        } else if ask.is_copy() {
            self.hedge.sent();
            self.delivery.copy_is_out();
        } else if ask.attempt > 0 {
            self.attempts.sent(ask.port, ask.attempt);
        }
        self.window.sent(self.in_flight);
        self.delivery.sent(now, ask.is_echo());
    }

    /// An attempt that was made at `sent` is over.
    pub(crate) fn landed(&mut self, sent: ScanTime, ask: Ask) {
        self.in_flight -= 1;
        if ask.is_copy() {
            self.hedge.landed();
        }
        if let Some(early) = &mut self.early {
            early.landed(sent);
            self.early = self.early.filter(|early| early.due().is_some());
        }
    }

    /// The first answer told how long one takes: when to give up what was sent before it, if that is not over by then.
    pub(crate) fn first_answer(&mut self, now: ScanTime) -> Option<ScanTime> {
        self.early = Some(Early::new(now, self.rtt.timeout()?, self.in_flight));
        self.early_due()
    }

    /// When attempts of before the first answer are given up.
    pub(crate) fn early_due(&self) -> Option<ScanTime> {
        self.early?.due()
    }

    /// An attempt that was made at `sent` is taken back.
    pub(crate) fn taken_back(&mut self, sent: ScanTime, ask: Ask) {
        self.landed(sent, ask);
        self.delivery.taken_back(sent, ask.is_echo());
    }

    /// An attempt that was made at `sent` is given up, as a copy of it was answered, or the other way round.
    pub(crate) fn released(&mut self, sent: ScanTime, ask: Ask) {
        self.landed(sent, ask);
        self.delivery.released(sent);
    }

    /// An attempt came to something. Where a measurement of what gets through ended with it: the rate it found.
    pub(crate) fn came_back(
        &mut self,
        now: ScanTime,
        sent: ScanTime,
        ask: Ask,
        answered: bool,
    ) -> Option<f64> {
        let found = self.delivery.came_back(now, sent, ask.is_echo(), answered)?;
        self.alive.forget_loss();
        match found {
            Found::Rate { rate, voids } => {
                self.hedge.call_off();
                if voids {
                    self.forget_silence();
                }
                Some(rate)
            }
            Found::NoLimit { rate } => {
                // Loss is the same at that rate as at a lower one: to be slower would be in vain.
                let timeout = self.rtt.timeout().unwrap_or(INITIAL_TIMEOUT);
                self.window.hold(rate * timeout.as_secs_f64());
                None
            }
            Found::Nothing => {
                self.window.reduce(now, now);
                None
            }
        }
    }

    /// What stayed silent while more was sent than gets through says nothing about the ports, nor about the loss of the path.
    fn forget_silence(&mut self) {
        for bits in std::mem::take(&mut self.silent) {
            for port in bits.to_set().iter() {
                self.asked_in_vain(port, 0);
            }
        }
        drop(self.alive.take_unconfirmed());
        self.attempts.forget_all();
        self.loss_when_heard = HostLoss::default();
        self.repetitions = (0, 0);
    }

    /// How many ports are to be asked, or asked again, or are being asked.
    fn left_to_ask(&self) -> usize {
        let again = self.silent.iter().take(self.attempts_allowed()).map(PortBits::len);
        self.ports - self.next_fresh + again.sum::<usize>() + self.originals_in_flight() as usize
    }

    /// How many probes wait that are no copy of another.
    fn originals_in_flight(&self) -> u32 {
        self.in_flight - self.hedge.under_way()
    }

    /// Listeners stopped answering under load: whether the rate that gets through is measured now.
    pub(crate) fn measure_delivery(&mut self, now: ScanTime) -> bool {
        if self.is_limited()
            || self.left_to_ask() < PORTS_WORTH_MEASURING
            || self.alive.listener().is_none()
            || !self.alive.was_heard_lately()
            || !self.delivery.measure(now, self.alive.passing())
        {
            return false;
        }
        self.alive.absolve();
        self.reductions = 0;
        let timeout = self.rtt.timeout().unwrap_or(INITIAL_TIMEOUT);
        self.window.raise(self.delivery.window(timeout));
        true
    }

    /// Heavy loss of repetitions made the window smaller. Where that happens time and again a limit may be at work that no canary meets, as
    /// it is asked when there is room, and the rate is measured.
    pub(crate) fn slowed_down(&mut self, now: ScanTime) {
        self.reductions += 1;
        if self.reductions >= REDUCTIONS_THAT_TELL && !self.loses_by_chance() {
            self.measure_delivery(now);
        }
    }

    /// Whether the loss was found to be the same at a lower rate.
    pub(crate) const fn loses_by_chance(&self) -> bool {
        self.delivery.found_no_limit()
    }

    /// Whether a pace, rather than the window, keeps loss low.
    pub(crate) const fn is_paced(&self) -> bool {
        self.delivery.is_in_charge()
    }

    /// The pace that is kept, in attempts per second.
    #[cfg(test)]
    pub(crate) const fn pace(&self) -> Option<f64> {
        self.delivery.rate()
    }

    /// An attempt that was made at `sent`, without the ones before it where their silence says nothing.
    pub(crate) fn as_far_as_it_tells(&self, ask: Ask, sent: ScanTime) -> Ask {
        if self.delivery.is_void(sent) { Ask { attempt: ask.attempt.min(1), ..ask } } else { ask }
    }

    /// A port was answered: `attempt` is 0 for a canary. Returns how many silent ports the answer confirmed.
    pub(crate) fn answered(&mut self, now: ScanTime, ask: Ask, reason: Reason, rtt: Duration) -> u32 {
        self.presence.answered(reason);
        if self.is_up() && !reason.is_answer_of_host() {
            // The path speaks, not the host: that it is still there must be seen from an answer of its own.
            return 0;
        }
        self.rtt.sample(rtt);
        if ask.attempt > 1 && self.shows_loss(reason) {
            self.repeated(true);
        }
        if ask.is_echo() {
            self.alive.remember_canary(false);
            self.attempts.echo(true);
        }
        match self.alive.answered(now, ask.port, reason, ask.role == Role::Canary) {
            Confirmed::Silence(n) => {
                // What answers only when it is waited for was slow, not lost.
                if let Some(answerer) = Answerer::of(reason).filter(|_| ask.attempt <= self.attempts.needed())
                {
                    self.attempts.answered(answerer, ask.port, ask.attempt);
                }
                self.loss_when_heard = self.attempts.loss();
                n
            }
            Confirmed::CameBack(ports) => {
                tracing::debug!(host = %self.addr, again = ports.len(), "answers again");
                self.ask_anew(&ports);
                0
            }
        }
    }

    fn ask_anew(&mut self, ports: &[SilentPort]) {
        for silent in ports {
            if self.silent.get_mut(usize::from(silent.attempts)).is_some_and(|bits| bits.remove(silent.port))
            {
                self.attempts.forget(silent.port);
                self.asked_in_vain(silent.port, 0);
            }
        }
    }

    /// Goes on to ask more ports, where the first were silent and it is worth while.
    pub(crate) fn begin_search(&mut self, rules: &Rules, now: ScanTime) {
        let is_silent = self.phase == Phase::Discovery && self.presence.evidence().is_none();
        if is_silent && rules.searched_ports > 0 && !rules.discover_only {
            self.phase = Phase::Search;
            self.asked_from = Some(now);
        }
    }

    /// A port stayed silent on its `attempt`-th attempt, made at `sent`.
    pub(crate) fn silent(&mut self, port: u16, attempt: u8, sent: ScanTime) {
        if self.delivery.is_void(sent) {
            self.asked_in_vain(port, 0);
            return;
        }
        self.asked_in_vain(port, attempt);
        if attempt > 1 {
            self.repeated(false);
            if self.hedge.is_open(port) {
                // One answer of the two would have counted as one; so does the silence of each.
                self.repeated(false);
            }
        }
        self.alive.silent(port, attempt);
        self.silent_attempts = self.silent_attempts.saturating_add(1);
    }

    /// A port must be asked again, `attempts` of its attempts counted.
    pub(crate) fn asked_in_vain(&mut self, port: u16, attempts: u8) {
        let at = usize::from(attempts);
        if self.silent.len() <= at {
            self.silent.resize_with(at + 1, PortBits::default);
        }
        self.silent[at].insert(port);
    }

    /// Whether the path speaks, and what it says is for an answer of the host to put right: that a host which had answered cannot be
    /// reached is as good as silence until then, whether it was found as a neighbour or by its ports.
    pub(crate) fn is_doubtful(&self, reason: Reason) -> bool {
        (reason == Reason::NoNeighbour && (self.is_heard() || self.is_there()))
            || (is_beyond(reason) && self.is_up())
    }

    /// The path said this instead of the host, of some port: a firewall may mean the port by it.
    pub(crate) fn path_said(&mut self, ask: Ask, reason: Reason) {
        if ask.attempt > 0 && is_beyond(reason) {
            self.said.entry(reason).or_default().insert(ask.port);
        }
    }

    /// This machine's network is down for the host; whether it has been for too long.
    pub(crate) fn is_down_for_good(&mut self, now: ScanTime) -> bool {
        now.since(*self.down_since.get_or_insert(now)) >= DOWN_PATIENCE
    }

    /// An attempt to the host went out.
    pub(crate) fn went_out(&mut self) {
        self.down_since = None;
    }

    /// A firewall of this machine rejected a probe.
    pub(crate) fn rejected_here(&mut self) {
        self.rejected_here = true;
    }

    /// Whether a firewall of this machine let no probe to the host out.
    pub(crate) const fn is_shut_off_here(&self) -> bool {
        self.rejected_here && !self.is_heard() && self.silent_attempts == 0
    }

    /// An echo stayed silent.
    pub(crate) fn echo_was_lost(&mut self) {
        self.alive.remember_canary(true);
        self.attempts.echo(false);
        self.attempts.known_port_silent(Answerer::Listener);
    }

    /// The canary stayed silent on a host that is not lost yet.
    pub(crate) fn canary_was_lost(&mut self) {
        if let Some(answerer) = self.alive.canary_reason().and_then(Answerer::of) {
            self.attempts.known_port_silent(answerer);
        }
    }

    /// The canary stayed silent. What the path lost until the last answer tells how often in a row that is nothing but chance.
    pub(crate) fn canary_silent(&mut self, now: ScanTime) -> Strike {
        let by_chance = self.loss_when_heard.of_path().attempts_needed(None);
        self.alive.canary_silent(now, u32::from(by_chance))
    }

    /// The host stopped answering: what the canary's silence said about loss is void.
    pub(crate) fn stopped_answering(&mut self) {
        self.attempts.restore(self.loss_when_heard);
    }

    /// Whether an answer to a copy says something new.
    pub(crate) fn wants_copy(&self, port: u16) -> bool {
        self.hedge.is_open(port)
    }

    /// A port that stayed silent is answered after all: after how many attempts.
    pub(crate) fn is_silent_no_more(&mut self, port: u16) -> Option<u8> {
        let attempts = self.silent.iter_mut().position(|bits| bits.remove(port))?;
        u8::try_from(attempts).ok()
    }

    /// A port is settled; whether copies of its attempts may be under way.
    pub(crate) fn end_copies(&mut self, port: u16) -> bool {
        self.hedge.settled(port)
    }

    /// Most of its refusals get lost, while listeners answer.
    #[cfg(test)]
    pub(crate) fn limit_refusals(&mut self) {
        self.attempts.echo_is_out();
        for port in 1..=8 {
            self.attempts.sent(port, 1);
            self.attempts.answered(Answerer::Closed, port, 2);
            self.attempts.echo(true);
        }
        assert!(self.is_limited());
    }

    /// Gives a port its final state.
    pub(crate) fn settle(&mut self, port: u16, reason: Reason) {
        self.settled.insert(reason, port);
    }

    /// Keeps the result of a port that is reported by itself.
    pub(crate) fn keep(&mut self, result: PortResult) {
        self.results.push(result);
    }
}

/// Whether the path says that the host itself, not a port of it, cannot be reached.
pub(crate) const fn is_beyond(reason: Reason) -> bool {
    matches!(reason, Reason::HostUnreachable | Reason::NetUnreachable)
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::super::steps::{Steps, at};
    use super::*;

    #[test]
    fn a_late_answer_shows_loss_where_nothing_else_makes_it_late() {
        for (reason, shows) in [
            (Reason::Handshake, true),
            (Reason::Rst, true),
            (Reason::PortUnreachable, false),
            (Reason::HostUnreachable, false),
        ] {
            let mut steps = Steps::of("ports = '1-10'");
            steps.probes(at(0));
            let host = steps.host().unwrap();
            assert_eq!(host.shows_loss(reason), shows, "{reason}");
            host.limit_refusals();
            assert!(!host.shows_loss(reason), "{reason} of a host that limits its refusals");
        }
    }

    #[test]
    fn what_gets_through_is_measured_by_listeners_that_answer() {
        type Change = fn(&mut Host);
        let cases: [(&str, Change, bool); 5] = [
            ("a listener", |_| {}, true),
            ("refusals are limited", Host::limit_refusals, false),
            ("no listener", |host| host.alive.drop_canary(), false),
            ("none answers any more", |host| (0..4).for_each(|_| host.alive.remember_canary(true)), false),
            ("it is being measured", |host| assert!(host.delivery.measure(at(5), 0.5)), false),
        ];
        for (case, change, measures) in cases {
            let mut steps = Steps::of("ports = '1-100'");
            let probe = steps.probes(at(0))[0];
            steps.answer(at(5), probe, Reason::Handshake);
            let host = steps.host().unwrap();
            change(host);
            assert_eq!(host.measure_delivery(at(5)), measures, "{case}");
        }
    }

    #[test]
    fn silence_may_be_the_neighbours_until_something_is_heard() {
        for (scenario, from) in [("ports = '1-10'", 0), ("ports = '1-10'\nneighbours = true", 700)] {
            let mut steps = Steps::of(scenario);
            for probe in steps.probes(at(0)) {
                assert_eq!(probe.unresolved_from, Some(at(0) + RESOLUTION), "{scenario}");
                steps.comes(at(200), probe, Outcome::NoPermit);
            }
            let probe = steps.probes(at(700))[0];
            assert_eq!(probe.unresolved_from, Some(at(from) + RESOLUTION), "{scenario}");
            steps.answer(at(900), probe, Reason::Prohibited);
            assert!(steps.probes(at(900)).iter().all(|probe| probe.unresolved_from.is_none()), "{scenario}");
        }
    }

    #[test]
    fn what_the_path_says_of_a_host_is_doubted_where_the_host_was_seen() {
        type Change = fn(&mut Presence);
        let (gone, far, firewall) = (Reason::NoNeighbour, Reason::HostUnreachable, Reason::Prohibited);
        let cases: [(&str, Change, [bool; 3]); 4] = [
            ("nothing is known", |_| {}, [false, false, false]),
            ("heard from the path", |it| it.answered(Reason::Prohibited), [true, false, false]),
            ("found as a neighbour", Presence::is_neighbour, [true, false, false]),
            ("it answered", |it| it.answered(Reason::Rst), [true, true, false]),
        ];
        for (case, change, doubtful) in cases {
            let mut steps = Steps::of("ports = '1-10'");
            steps.probes(at(0));
            let host = steps.host().unwrap();
            change(&mut host.presence);
            assert_eq!([gone, far, firewall].map(|reason| host.is_doubtful(reason)), doubtful, "{case}");
        }
    }

    #[test]
    fn ports_are_searched_where_a_few_silent_hosts_are_scanned_at_an_automatic_limit() {
        for (config, unreachable, phase) in [
            ("limit = 'auto'", false, Phase::Search),
            ("limit = 'auto'", true, Phase::Discovery),
            ("limit = 'auto', discover_only = true", false, Phase::Discovery),
            ("limit = 'auto', skip_discovery = true", false, Phase::Scanning),
            ("limit = { fixed = 100 }", false, Phase::Discovery),
        ] {
            let mut steps = Steps::of(&format!("ports = '1-100'\nconfig = {{ {config} }}"));
            let probes = steps.probes(at(0));
            if unreachable {
                steps.answer(at(5), probes[1], Reason::HostUnreachable);
            }
            steps.comes(at(1_000), probes[0], Outcome::TimedOut);
            assert_eq!(steps.host().unwrap().phase, phase, "{config}");
        }
    }

    #[test]
    fn what_gets_through_is_not_measured_for_a_few_ports() {
        for (ports, measures) in [(PORTS_WORTH_MEASURING, false), (PORTS_WORTH_MEASURING + 1, true)] {
            let mut steps = Steps::of(&format!("ports = '1-{ports}'"));
            let probe = steps.probes(at(0))[0];
            steps.answer(at(5), probe, Reason::Handshake);
            let host = steps.host().unwrap();
            assert_eq!(host.left_to_ask(), ports - 1);
            assert_eq!(host.measure_delivery(at(5)), measures, "{ports} ports, one of them answered");
        }
    }

    #[test]
    fn copies_are_no_more_ports_to_ask() {
        let mut steps = Steps::of("ports = '1-64'");
        let probe = steps.probes(at(0))[0];
        steps.answer(at(5), probe, Reason::Handshake);
        let host = steps.host().unwrap();
        let copy = Ask { port: 5, attempt: 2, role: Role::Copy, timeout: Duration::from_secs(1) };
        (0..10).for_each(|_| host.sent(at(5), copy));
        assert_eq!(host.left_to_ask(), 63);
        host.landed(at(5), copy);
        host.taken_back(at(5), copy);
        assert_eq!((host.in_flight - host.originals_in_flight(), host.left_to_ask()), (8, 63));
    }

    /// A measurement of it found that all gets through.
    pub(super) fn lose_by_chance(host: &mut Host) {
        assert!(host.delivery.measure(at(5), 1.0));
        for n in 0..1_000 {
            host.delivery.sent(at(5 + n * 10), true);
            host.delivery.came_back(at(5 + n * 10), at(5 + n * 10), true, true);
        }
        assert!(host.loses_by_chance());
    }

    #[test]
    fn what_is_lost_time_and_again_is_measured_unless_it_was_found_to_be_chance() {
        for (times, by_chance, is_measured) in [
            (REDUCTIONS_THAT_TELL, false, true),
            (REDUCTIONS_THAT_TELL - 1, false, false),
            (REDUCTIONS_THAT_TELL, true, false),
        ] {
            let mut steps = Steps::of("ports = '1-100'");
            let probe = steps.probes(at(0))[0];
            steps.answer(at(5), probe, Reason::Handshake);
            let host = steps.host().unwrap();
            if by_chance {
                lose_by_chance(host);
            }
            (0..times).for_each(|_| host.slowed_down(at(20_000)));
            assert_eq!(host.delivery.is_measuring(), is_measured, "{times} times, by chance: {by_chance}");
        }
    }

    #[test]
    fn an_answer_from_afar_widens_the_window_by_more_until_something_gets_lost() {
        type Change = fn(&mut Host);
        let losses: [(&str, Change); 2] = [
            ("the window was made smaller", |host| assert!(host.window.reduce(at(5), at(5)))),
            ("many stayed silent", |host| host.silent_attempts = 1_000),
        ];
        for (loss, lose) in losses {
            let mut steps = Steps::of("ports = '1-10'");
            steps.probes(at(0));
            let host = steps.host().unwrap();
            host.rtt.sample(Duration::from_millis(80));
            assert_eq!(host.stride(), 3, "80 ms");
            lose(host);
            assert_eq!(host.stride(), 1, "{loss}");
        }
    }
}
