//! What a host is asked next, when, and for how long an answer is waited for.

use std::time::Duration;

use super::super::{Job, Rules};
use super::{Ask, Host, Phase};
use crate::config::defaults::{RAMP_EVERY, RESOLUTION, RESOLVING_TIMEOUT, UNHEARD_RETRY_TIMEOUT};
use crate::control::port_bits::PortBits;
use crate::control::presence::Link;
use crate::control::rtt::Rtt;
use crate::control::time::ScanTime;
use crate::control::window::Window;

/// With fewer silent attempts than this, what gets lost is seen well enough from the others.
const SILENT_THAT_MATTER: u32 = 16;

/// After this many silent attempts the kernel has long given its verdict on the neighbour; no need to wait for it again.
const SURELY_RESOLVED: u32 = 64;

/// How often the ramp went up since `from`.
fn ramp_steps(from: ScanTime, now: ScanTime) -> u32 {
    u32::try_from(now.since(from).as_millis() / RAMP_EVERY.as_millis()).unwrap_or(u32::MAX - 1)
}

impl Host {
    /// How many probes may wait. One is enough to have a neighbour looked for, and nothing goes out before it is found.
    fn room(&self, rules: &Rules, now: ScanTime) -> u32 {
        if matches!(self.presence.link, Link::Resolving(_)) {
            1
        } else {
            self.window.size().max(self.ramp(rules, now))
        }
    }

    /// How many probes may wait where nothing tells yet how long an answer takes, so that a window learns from silence only a second
    /// later: twice as many every [`RAMP_EVERY`], up to the bound of a host that never answered.
    pub(crate) fn ramp(&self, rules: &Rules, now: ScanTime) -> u32 {
        let Some(from) = self.asked_from.filter(|_| self.is_on_ramp()) else { return 0 };
        let first = Window::new(rules.first_window, rules.per_host).size();
        (first << ramp_steps(from, now).min(16)).min(rules.unheard_per_host)
    }

    fn is_on_ramp(&self) -> bool {
        !self.rtt.is_known()
            && self.alive.canary().is_none()
            && matches!(self.phase, Phase::Scanning | Phase::Search)
    }

    /// When the ramp goes up again.
    fn ramp_tick(&self, rules: &Rules, now: ScanTime) -> Option<ScanTime> {
        let from = self.asked_from.filter(|_| self.is_on_ramp())?;
        if self.ramp(rules, now) >= rules.unheard_per_host || !self.has_ports_to_ask(rules) {
            return None;
        }
        Some(from + RAMP_EVERY * (ramp_steps(from, now) + 1))
    }

    /// Whether nothing is left to be found out.
    fn is_found(&self, rules: &Rules) -> bool {
        rules.discover_only && self.is_there()
    }

    /// The next thing to ask, where the window has room.
    pub(crate) fn next(&mut self, job: &Job, rules: &Rules, group: &Rtt, now: ScanTime) -> Option<Ask> {
        if self.phase == Phase::Ready
            || self.is_found(rules)
            || self.in_flight >= self.room(rules, now)
            || self.delivery.wait_until(now).is_some()
        {
            return None;
        }
        if self.is_on_ramp() {
            self.window.raise(self.ramp(rules, now));
        }
        if let Some(port) = self.echo_due(rules, now) {
            return Some(Ask { port, attempt: 0, is_echo: true, timeout: self.timeout(1, rules, group) });
        }
        if self.is_canary_due(rules, now)
            && let Some(port) = self.alive.canary()
        {
            self.alive.canary_is_out(now);
            let timeout = self.alive.canary_timeout(self.timeout(1, rules, group)).min(rules.max_timeout);
            return Some(Ask { port, attempt: 0, is_echo: false, timeout });
        }
        if self.alive.in_doubt() {
            return None;
        }
        let (port, attempt) = self.next_port(job, rules)?;
        Some(Ask { port, attempt, is_echo: false, timeout: self.timeout(attempt, rules, group) })
    }

    /// Whether [`next`](Self::next) would find something to ask.
    pub(crate) fn can_ask(&self, rules: &Rules, now: ScanTime) -> bool {
        self.has_something_to_ask(rules, now) && self.delivery.wait_until(now).is_none()
    }

    /// Until when nothing but the time keeps the host from being asked.
    pub(crate) fn waits_until(&self, rules: &Rules, now: ScanTime) -> Option<ScanTime> {
        if self.delivery.is_in_charge() && self.has_something_to_ask(rules, now) {
            self.delivery.wait_until(now)
        } else if self.is_on_ramp() && !self.has_something_to_ask(rules, now) {
            self.ramp_tick(rules, now)
        } else {
            None
        }
    }

    fn has_something_to_ask(&self, rules: &Rules, now: ScanTime) -> bool {
        self.phase != Phase::Ready
            && self.in_flight < self.room(rules, now)
            && !self.is_found(rules)
            && (self.has_ports_to_ask(rules) && !self.alive.in_doubt()
                || self.is_canary_due(rules, now)
                || self.echo_due(rules, now).is_some())
    }

    /// The listener to ask for an echo, where one is due.
    fn echo_due(&self, rules: &Rules, now: ScanTime) -> Option<u16> {
        if self.alive.in_doubt() {
            return None;
        }
        let due = if self.delivery.is_in_charge() {
            let idle =
                self.delivery.is_measuring() && !self.has_ports_to_ask(rules) && self.is_silence_open();
            self.delivery.echo_due(now, idle)
        } else {
            self.silent_attempts >= SILENT_THAT_MATTER
                && self.attempts.is_vague()
                && self.delivery.sample_due(now)
        };
        due.then(|| self.alive.listener()).flatten()
    }

    fn is_canary_due(&self, rules: &Rules, now: ScanTime) -> bool {
        // Echoes say more, as long as the host is there and somebody is known to listen.
        let has_use = || self.has_ports_to_ask(rules) || self.is_silence_open();
        if self.delivery.is_measuring()
            && !self.alive.in_doubt()
            && self.alive.listener().is_some()
            && has_use()
        {
            return false;
        }
        let idle = || self.in_flight == 0 && !self.has_ports_to_ask(rules);
        self.alive.canary_due(now, idle) || self.alive.canary_would_tell() && self.is_under_load()
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
        match self.phase {
            Phase::Discovery => rules.discovery_ports,
            Phase::Search => rules.searched_ports.min(self.ports),
            Phase::Ready | Phase::Scanning => self.ports,
        }
    }

    fn has_ports_to_ask(&self, rules: &Rules) -> bool {
        self.next_fresh < self.fresh_limit(rules)
            || self.silent.iter().take(self.attempts_allowed()).any(|bits| !bits.is_empty())
    }

    /// How often a silent port may have been asked by now.
    pub(super) fn attempts_allowed(&self) -> usize {
        usize::from(self.attempts.needed()) + usize::from(self.patience.rounds())
    }

    /// With everything else done: when the silent ports are asked once more, by what their number says; `now` is at once.
    pub(crate) fn next_round(&mut self, rules: &Rules, now: ScanTime) -> Option<ScanTime> {
        if rules.retries.is_some() || !self.is_up() || self.is_limited() {
            return None;
        }
        let silent = self.silent.iter().map(PortBits::len).sum();
        let of_host = self.settled.iter().filter(|(reason, _)| reason.is_answer_of_host());
        let answering = of_host.map(|(_, ports)| ports.len()).sum();
        self.patience.next_round(now, (silent, answering), self.attempts.loss().of_path().seen())
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
            && !(self.delivery.lacks_echoes() && self.alive.listener().is_some() && self.is_silence_open())
    }

    /// Whether there is silence that a limit on the path would explain: where every port answered, none has to be found.
    fn is_silence_open(&self) -> bool {
        self.silent.iter().any(|bits| !bits.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use scanner_core::Reason;

    use super::*;
    use crate::control::steps::{Steps, at};

    impl Steps {
        /// What the only host asks next.
        fn next(&mut self, now: ScanTime) -> Option<Ask> {
            let controller = &mut self.controller;
            let (_, host) = controller.hosts.iter_mut().next()?;
            host.next(&controller.job, &controller.rules, &controller.group, now)
        }
    }

    #[test]
    fn a_host_that_waits_for_its_turn_or_was_found_is_asked_nothing() {
        for (config, phase, asks) in [
            ("", Phase::Scanning, true),
            ("", Phase::Ready, false),
            ("discover_only = true", Phase::Discovery, false),
        ] {
            let mut steps = Steps::of(&format!("ports = '1-100'\nconfig = {{ {config} }}"));
            steps.probes(at(0));
            let host = steps.host().unwrap();
            host.in_flight -= 1;
            host.presence.answered(Reason::Rst);
            host.phase = phase;
            assert_eq!(steps.next(at(1)).is_some(), asks, "{config} {phase:?}");
        }
    }

    #[test]
    fn the_last_silent_ports_are_waited_for_where_the_user_and_the_host_leave_it_open() {
        let cases: [(&str, Reason, bool, bool); 4] = [
            ("", Reason::Rst, false, true),
            ("retries = 1", Reason::Rst, false, false),
            ("", Reason::Prohibited, false, false),
            ("", Reason::Rst, true, false),
        ];
        for (config, reason, limited, waits) in cases {
            let mut steps = Steps::of(&format!("ports = '1-5'\nconfig = {{ {config} }}"));
            for probe in steps.probes(at(0)) {
                match probe.addr.port() {
                    5 => steps.host().unwrap().asked_in_vain(5, 2),
                    _ => steps.answer(at(5), probe, reason),
                }
            }
            let controller = &mut steps.controller;
            let (_, host) = controller.hosts.iter_mut().next().unwrap();
            if limited {
                host.limit_refusals();
            }
            let next = host.next_round(&controller.rules, at(9));
            assert_eq!(next.is_some(), waits, "{config} {reason} {limited}");
        }
    }

    #[test]
    fn how_long_an_answer_is_waited_for() {
        let second = Duration::from_secs(1);
        for (attempt, silent_attempts, max_timeout, timeout) in [
            (1, 0, 3 * second, second),
            (2, 0, 3 * second, UNHEARD_RETRY_TIMEOUT),
            (2, SURELY_RESOLVED - 1, 3 * second, UNHEARD_RETRY_TIMEOUT),
            (2, SURELY_RESOLVED, 3 * second, second),
            (2, 0, 2 * second, 2 * second),
        ] {
            let mut steps = Steps::of("ports = '1-10'");
            steps.probes(at(0));
            steps.controller.rules.max_timeout = max_timeout;
            let rules = steps.controller.rules.clone();
            let host = steps.host().unwrap();
            host.silent_attempts = silent_attempts;
            assert_eq!(
                host.timeout(attempt, &rules, &Rtt::default()),
                timeout,
                "{attempt} {silent_attempts}"
            );
        }
        for (max_timeout, timeout) in [(RESOLUTION, RESOLVING_TIMEOUT), (2 * second, second)] {
            let mut steps = Steps::of("ports = '1-10'\nneighbours = true");
            steps.probes(at(0));
            steps.controller.rules.max_timeout = max_timeout;
            let rules = steps.controller.rules.clone();
            let host = steps.host().unwrap();
            assert_eq!(
                host.timeout(1, &rules, &Rtt::default()),
                timeout,
                "of a neighbour that is looked for"
            );
        }
    }
}
