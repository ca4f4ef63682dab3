//! `Host`: what is known of one host while it is in the active set, and what to ask it next.

mod ending;

use std::collections::BTreeMap;
use std::time::Duration;

use scanner_core::{HostAddr, Permutation, PortResult, Reason};

use super::delivery::{Delivery, Found};
use super::liveness::{Confirmed, Liveness, SilentPort};
use super::patience::Patience;
use super::port_bits::PortBits;
use super::presence::{Link, Presence};
use super::retry::{Answerer, Attempts, HostLoss};
use super::rtt::Rtt;
use super::time::ScanTime;
use super::window::Window;
use super::{Job, Rules};
use crate::config::defaults::{
    DOWN_PATIENCE, HEAVY_LOSS_PERCENT, REPETITIONS_THAT_TELL, RESOLUTION, RESOLVING_TIMEOUT,
    UNHEARD_RETRY_TIMEOUT,
};

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) addr: HostAddr,
    pub(crate) phase: Phase,
    pub(crate) started: ScanTime,
    pub(crate) in_flight: u32,
    pub(crate) window: Window,
    pub(crate) rtt: Rtt,
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
    settled: BTreeMap<Reason, PortBits>,
    results: Vec<PortResult>,
    /// Ports that were answered while only the host was asked about.
    pub(crate) unreported: u32,
    /// Attempts that stayed silent.
    silent_attempts: u32,
    /// Since when this machine's network is down for the host.
    down_since: Option<ScanTime>,
    /// A firewall of this machine rejected some probe.
    rejected_here: bool,
    attempts: Attempts,
    /// Of the last attempts that were not a port's first: how many were answered, and how many there were.
    repetitions: (u32, u32),
    patience: Patience,
    delivery: Delivery,
    /// The loss estimate before the canary's first strike: a lost host says nothing about the path's loss.
    loss_before_strikes: HostLoss,
}

/// After this many silent attempts the kernel has long given its verdict on the neighbour; no need to wait for it again.
const SURELY_RESOLVED: u32 = 64;

/// How far a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A few likely ports find out whether it is there.
    Discovery,
    /// It is there, and waits for its turn to be scanned in full.
    Ready,
    /// All its ports are being asked.
    Scanning,
}

/// One thing to ask a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) port: u16,
    /// 1 for the first attempt; 0 for a canary.
    pub(crate) attempt: u8,
    /// A canary that only counts how much gets through.
    pub(crate) is_echo: bool,
    pub(crate) timeout: Duration,
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
            alive: Liveness::default(),
            presence: Presence::new(link),
            queued: false,
            order,
            permutation: job.order(order).permutation(job.salt(index)),
            ports,
            next_fresh: 0,
            silent: Vec::new(),
            settled: BTreeMap::new(),
            results: Vec::new(),
            unreported: 0,
            silent_attempts: 0,
            down_since: None,
            rejected_here: false,
            attempts: Attempts::new(rules.retries),
            repetitions: (0, 0),
            patience: Patience::default(),
            delivery: Delivery::default(),
            loss_before_strikes: HostLoss::default(),
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

    /// How many probes may wait. One is enough to have a neighbour looked for, and nothing goes out before it is found.
    fn room(&self) -> u32 {
        if matches!(self.presence.link, Link::Resolving(_)) { 1 } else { self.window.size() }
    }

    /// Whether nothing is left to be found out.
    fn is_found(&self, rules: &Rules) -> bool {
        rules.discover_only && self.is_there()
    }

    /// The next thing to ask, where the window has room.
    pub(crate) fn next(&mut self, job: &Job, rules: &Rules, group: &Rtt, now: ScanTime) -> Option<Ask> {
        if self.phase == Phase::Ready
            || self.is_found(rules)
            || self.in_flight >= self.room()
            || self.delivery.wait_until(now).is_some()
        {
            return None;
        }
        if let Some(port) = self.echo_due(rules, now) {
            return Some(Ask { port, attempt: 0, is_echo: true, timeout: self.timeout(1, rules, group) });
        }
        let under_load = self.is_under_load();
        if self.is_canary_due(rules, now)
            && let Some(port) = self.alive.canary()
        {
            self.alive.canary_is_out(now, under_load);
            let timeout = self.alive.canary_timeout(self.timeout(1, rules, group)).min(rules.max_timeout);
            return Some(Ask { port, attempt: 0, is_echo: false, timeout });
        }
        if self.alive.in_doubt() {
            return None;
        }
        let (port, attempt) = self.next_port(job, rules)?;
        Some(Ask { port, attempt, is_echo: false, timeout: self.timeout(attempt, rules, group) })
    }

    /// Whether an answer to a repeated attempt shows that a packet was lost. A late refusal of a host that limits its refusals, or
    /// a late ICMP message, only says that it was its turn.
    pub(crate) fn shows_loss(&self, reason: Reason) -> bool {
        Answerer::of(reason).is_some_and(Answerer::tells_loss) && !self.is_limited()
    }

    /// Whether repetitions are answered as those on a path that loses packets by chance are: then loss says nothing about the pace.
    /// Behind a firewall that limits what passes, repetitions get lost as the first attempts did.
    pub(crate) const fn is_loss_light(&self) -> bool {
        let (answered, all) = self.repetitions;
        all >= REPETITIONS_THAT_TELL && answered * 100 >= all * (100 - HEAVY_LOSS_PERCENT)
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

    /// Whether [`next`](Self::next) would find something to ask.
    pub(crate) fn can_ask(&self, rules: &Rules, now: ScanTime) -> bool {
        self.has_something_to_ask(rules, now) && self.delivery.wait_until(now).is_none()
    }

    /// Until when only its pace keeps the host from being asked.
    pub(crate) fn paced_until(&self, rules: &Rules, now: ScanTime) -> Option<ScanTime> {
        self.delivery.wait_until(now).filter(|_| self.has_something_to_ask(rules, now))
    }

    fn has_something_to_ask(&self, rules: &Rules, now: ScanTime) -> bool {
        self.phase != Phase::Ready
            && self.in_flight < self.room()
            && !self.is_found(rules)
            && (self.is_canary_due(rules, now)
                || self.echo_due(rules, now).is_some()
                || self.has_ports_to_ask(rules) && !self.alive.in_doubt())
    }

    /// The listener to ask for an echo, where one is due.
    fn echo_due(&self, rules: &Rules, now: ScanTime) -> Option<u16> {
        if !self.delivery.is_in_charge() || self.alive.in_doubt() {
            return None;
        }
        let idle = self.delivery.is_measuring() && !self.has_ports_to_ask(rules);
        self.delivery.echo_due(now, idle).then(|| self.alive.listener()).flatten()
    }

    fn is_canary_due(&self, rules: &Rules, now: ScanTime) -> bool {
        // Echoes say more, as long as the host is there.
        if self.delivery.is_measuring() && !self.alive.in_doubt() {
            return false;
        }
        let idle = self.in_flight == 0 && !self.has_ports_to_ask(rules);
        self.alive.canary_due(now, idle) || self.is_under_load() && self.alive.canary_would_tell()
    }

    /// Whether nearly as many probes wait as may: whatever limits there are on the way are at work now.
    fn is_under_load(&self) -> bool {
        self.in_flight * 4 >= self.window.size() * 3
    }

    fn next_port(&mut self, job: &Job, rules: &Rules) -> Option<(u16, u8)> {
        if self.next_fresh < self.fresh_limit(rules) {
            let port = job.order(self.order).get_in(self.next_fresh, &self.permutation);
            self.next_fresh += 1;
            return Some((port, 1));
        }
        let eligible = self.attempts_allowed().min(self.silent.len());
        let (attempts, bits) =
            self.silent.iter_mut().take(eligible).enumerate().find(|(_, b)| !b.is_empty())?;
        Some((bits.pop()?, u8::try_from(attempts).unwrap_or(u8::MAX).saturating_add(1)))
    }

    fn fresh_limit(&self, rules: &Rules) -> usize {
        if self.phase == Phase::Discovery { rules.discovery_ports } else { self.ports }
    }

    fn has_ports_to_ask(&self, rules: &Rules) -> bool {
        self.next_fresh < self.fresh_limit(rules)
            || self.silent.iter().take(self.attempts_allowed()).any(|bits| !bits.is_empty())
    }

    /// How often a silent port may have been asked by now.
    fn attempts_allowed(&self) -> usize {
        usize::from(self.attempts.needed()) + usize::from(self.patience.rounds())
    }

    /// With everything else done: when the silent ports are asked once more, by what their number says; `now` is at once.
    pub(crate) fn next_round(&mut self, rules: &Rules, now: ScanTime) -> Option<ScanTime> {
        if rules.retries.is_some() || !self.is_up() || self.is_limited() {
            return None;
        }
        let silent = self.silent.iter().map(PortBits::len).sum();
        let of_host = self.settled.iter().filter(|(reason, _)| reason.is_answer_of_host());
        self.patience.next_round(now, silent, of_host.map(|(_, ports)| ports.len()).sum())
    }

    /// How long to wait for an answer.
    fn timeout(&self, attempt: u8, rules: &Rules, group: &Rtt) -> Duration {
        if matches!(self.presence.link, Link::Resolving(_)) && rules.max_timeout >= RESOLUTION {
            return RESOLVING_TIMEOUT;
        }
        let timeout = match self.rtt.timeout() {
            Some(measured) => measured,
            // Nothing of that silence is the kernel's search for the neighbour.
            None if self.is_there() => Rtt::borrowed_timeout(&self.presence.resolution),
            None if attempt > 1 && self.silent_attempts < SURELY_RESOLVED => UNHEARD_RETRY_TIMEOUT,
            None => Rtt::borrowed_timeout(group),
        };
        timeout.min(rules.max_timeout)
    }

    /// Whether every port was asked often enough, and their silence is confirmed.
    pub(crate) fn is_done(&self, rules: &Rules) -> bool {
        if self.is_found(rules) {
            return true;
        }
        self.phase != Phase::Ready
            && !matches!(self.presence.link, Link::Stale(_))
            && self.in_flight == 0
            && !self.has_ports_to_ask(rules)
            && self.alive.is_confirmed()
            && !self.alive.in_doubt()
            && !(self.delivery.lacks_echoes() && self.alive.listener().is_some())
    }

    /// An attempt is made, one of `in_flight` that wait.
    pub(crate) fn sent(&mut self, now: ScanTime, ask: Ask) {
        self.in_flight += 1;
        self.presence.sent(now);
        self.window.sent(self.in_flight);
        self.delivery.sent(now, ask.is_echo);
    }

    /// An attempt that was made at `sent` is taken back.
    pub(crate) fn taken_back(&mut self, sent: ScanTime, ask: Ask) {
        self.in_flight -= 1;
        self.delivery.taken_back(sent, ask.is_echo);
    }

    /// An attempt came to something. Where a measurement of what gets through ended with it: the rate it found.
    pub(crate) fn came_back(
        &mut self,
        now: ScanTime,
        sent: ScanTime,
        ask: Ask,
        answered: bool,
    ) -> Option<f64> {
        let found = self.delivery.came_back(now, sent, ask.is_echo, answered)?;
        self.alive.forget_loss();
        match found {
            Found::Rate { rate, voids } => {
                if voids {
                    self.forget_silence();
                }
                Some(rate)
            }
            Found::NoLimit => None,
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
        self.attempts.restore(HostLoss::default());
        self.loss_before_strikes = HostLoss::default();
        self.repetitions = (0, 0);
    }

    /// Listeners stopped answering under load: whether the rate that gets through is measured now.
    pub(crate) fn measure_delivery(&mut self, now: ScanTime) -> bool {
        if self.is_limited()
            || self.alive.listener().is_none()
            || !self.delivery.measure(now, self.alive.passing())
        {
            return false;
        }
        self.alive.absolve();
        true
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

    /// A port was answered: `attempt` is 0 for a canary. Returns how many silent ports the answer confirmed.
    pub(crate) fn answered(&mut self, now: ScanTime, ask: Ask, reason: Reason, rtt: Duration) -> u32 {
        self.presence.answered(reason);
        if self.is_up() && !reason.is_answer_of_host() {
            // The path speaks, not the host: that it is still there must be seen from an answer of its own.
            if is_beyond(reason) {
                self.alive.called_unreachable();
            }
            return 0;
        }
        self.rtt.sample(rtt);
        if ask.attempt > 1 && self.shows_loss(reason) {
            self.repeated(true);
        }
        if ask.attempt == 0 && !ask.is_echo && self.alive.canary_was_under_load() {
            self.attempts.listener_under_load(true);
        }
        match self.alive.answered(now, ask.port, reason, ask.attempt == 0 && !ask.is_echo) {
            Confirmed::Silence(n) => {
                // What answers only when it is waited for was slow, not lost.
                if let Some(answerer) = Answerer::of(reason).filter(|_| ask.attempt <= self.attempts.needed())
                {
                    self.attempts.answered_after(answerer, u32::from(ask.attempt.saturating_sub(1)));
                }
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
                self.asked_in_vain(silent.port, 0);
            }
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
        self.attempts.known_port_silent(Answerer::Listener);
    }

    /// The canary stayed silent on a host that is not lost yet.
    pub(crate) fn canary_was_lost(&mut self) {
        if self.alive.strikes() == 0 {
            self.loss_before_strikes = self.attempts.loss();
        }
        if self.alive.canary_was_under_load() {
            self.attempts.listener_under_load(false);
        }
        if let Some(answerer) = self.alive.canary_reason().and_then(Answerer::of) {
            self.attempts.known_port_silent(answerer);
        }
    }

    /// The host stopped answering: what the canary's silence said about loss is void.
    pub(crate) fn stopped_answering(&mut self) {
        self.attempts.restore(self.loss_before_strikes);
    }

    /// Gives a port its final state.
    pub(crate) fn settle(&mut self, port: u16, reason: Reason) {
        self.settled.entry(reason).or_default().insert(port);
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
