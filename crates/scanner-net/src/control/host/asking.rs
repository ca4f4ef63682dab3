//! What a host is asked next, when, and for how long an answer is waited for.

use std::time::Duration;

use super::super::{Job, Rules};
use super::{Ask, Host, Phase, Role};
use crate::config::defaults::{
    RAMP_EVERY, REPETITIONS_THAT_TELL, RESOLUTION, RESOLVING_TIMEOUT, UNHEARD_RETRY_TIMEOUT,
};
use crate::control::hedge::{self, number};
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
    pub(crate) fn ramp_tick(&self, rules: &Rules, now: ScanTime) -> Option<ScanTime> {
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
            return Some(Ask { port, attempt: 0, role: Role::Echo, timeout: self.timeout(1, rules, group) });
        }
        if self.is_canary_due(rules, now)
            && let Some(port) = self.alive.canary()
        {
            self.alive.canary_is_out(now);
            let timeout = self.alive.canary_timeout(self.timeout(1, rules, group)).min(rules.max_timeout);
            return Some(Ask { port, attempt: 0, role: Role::Canary, timeout });
        }
        if self.alive.in_doubt() {
            return None;
        }
        let ((port, attempt), role) = match self.next_port(job, rules) {
            Some(next) => (next, Role::Port),
            None => (self.hedge.next()?, Role::Copy),
        };
        Some(Ask { port, attempt, role, timeout: self.timeout(attempt, rules, group) })
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
        // With nothing under way a measurement cannot end by itself: its last attempts were taken back.
        let measures = self.delivery.lacks_echoes() || self.delivery.is_measuring() && self.in_flight > 0;
        if measures && !self.alive.in_doubt() && self.alive.listener().is_some() && has_use() {
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
        self.next_again(rules)
    }

    // Apart, so that the first attempts, of which there are many more, have a short way.
    #[inline(never)]
    fn next_again(&mut self, rules: &Rules) -> Option<(u16, u8)> {
        let eligible = self.attempts_allowed().min(self.silent.len());
        let (attempts, bits) =
            self.silent.iter_mut().take(eligible).enumerate().find(|(_, b)| !b.is_empty())?;
        let (port, attempt) = (bits.pop()?, u8::try_from(attempts).unwrap_or(u8::MAX).saturating_add(1));
        if attempt > 1 {
            let copies = self.copies(attempt, rules);
            self.hedge.add(port, attempt, copies);
        }
        Some((port, attempt))
    }

    /// How many copies of a repeated attempt are to be sent, once there is nothing else to ask.
    fn copies(&self, attempt: u8, rules: &Rules) -> usize {
        // At a rate that the user set they would cost more time than they save.
        if rules.retries.is_some()
            || rules.max_rate.is_some()
            || self.is_limited()
            || !self.delivery.has_room_for_copies()
        {
            return 0;
        }
        let (left, answered) = (self.left_silent(), self.answering());
        // While a rate is measured nothing goes out any faster for them.
        if self.is_loss_light() || self.loses_by_chance() || self.delivery.is_measuring() {
            return hedge::copies(attempt, left, answered, self.chance_of_silence());
        }
        let (_, repetitions) = self.repetitions;
        let timeout = self.rtt.timeout().filter(|_| repetitions < REPETITIONS_THAT_TELL);
        timeout.map_or(0, |timeout| hedge::copies_on_suspicion(attempt, left, answered, timeout))
    }

    /// The share of all attempts so far that stayed silent.
    fn silent_share(&self) -> f64 {
        let silent = f64::from(self.silent_attempts);
        silent / (silent + number(self.answering())).max(1.0)
    }

    /// The chance that an attempt to a port which answers stays silent. At first it is better told by all silence, as far as repetitions show
    /// that it is that of such ports: the loss that answers tell of lacks those that are still to come.
    fn chance_of_silence(&self) -> f64 {
        let (answered, all) = self.repetitions;
        let told = self.attempts.loss().of_path().share().unwrap_or(0.0);
        told.max(self.silent_share() * f64::from(answered) / f64::from(all.max(1)))
    }

    /// How many ports are silent, the one that is now asked among them, if as many of those under way stay so as did until now.
    fn left_silent(&self) -> f64 {
        let silent: usize = self.silent.iter().take(self.attempts_allowed()).map(PortBits::len).sum();
        number(silent + 1) + f64::from(self.originals_in_flight()) * self.silent_share()
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
            || !self.hedge.is_empty()
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
        self.patience.next_round(now, (silent, self.answering()), self.attempts.loss().of_path().seen())
    }

    /// How many ports were answered by the host.
    fn answering(&self) -> usize {
        let of_host = self.settled.iter().filter(|(reason, _)| reason.is_answer_of_host());
        of_host.map(|(_, ports)| ports.len()).sum()
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
    use std::num::NonZeroU32;

    use scanner_core::{PortSet, Reason};

    use super::*;
    use crate::control::steps::{Steps, at};
    use crate::control::{Outcome, Probe};

    use crate::control::host::tests::lose_by_chance;
    use crate::control::retry::Answerer;

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

    /// Port 5 of ten was silent once and is asked again, with a copy; the others refuse. The attempt and the copy.
    fn hedged() -> (Steps, [Probe; 2]) {
        let mut steps = Steps::of("ports = '1-10'");
        for probe in steps.probes(at(0)) {
            match probe.addr.port() {
                5 => steps.comes(at(100), probe, Outcome::TimedOut),
                _ => steps.answer(at(10), probe, Reason::Rst),
            }
        }
        steps.host().unwrap().hedge.add(5, 2, 1);
        let probes = steps.probes(at(100)).into_iter().filter(|probe| probe.addr.port() == 5);
        let probes: Vec<_> = probes.collect();
        (steps, probes.try_into().expect("the attempt and its copy"))
    }

    #[test]
    fn the_first_answer_of_an_attempt_and_its_copies_counts() {
        for answered in [0, 1] {
            let (mut steps, probes) = hedged();
            steps.answer(at(110), probes[answered], Reason::Rst);
            steps.answer(at(110), probes[1 - answered], Reason::Rst);
            let ports = steps.finished(at(110))[0].ports.clone();
            assert_eq!(ports.get(Reason::Rst).map_or(0, PortSet::len), 10, "the other was released");
            assert_eq!(steps.controller.progress(at(110)).in_flight, 0);
        }
    }

    #[test]
    fn a_copy_that_answers_later_than_the_attempt_was_given_up_answers_for_the_port() {
        let (mut steps, [attempt, copy]) = hedged();
        steps.comes(at(200), attempt, Outcome::TimedOut);
        steps.answer(at(205), copy, Reason::Handshake);
        let result = steps.finished(at(205))[0].results[0].clone();
        assert_eq!((result.port, result.reason, result.attempts), (5, Reason::Handshake, 3));
    }

    #[test]
    fn where_an_attempt_and_its_copy_are_silent_both_are() {
        let (mut steps, [attempt, copy]) = hedged();
        steps.comes(at(200), attempt, Outcome::TimedOut);
        steps.comes(at(200), copy, Outcome::TimedOut);
        assert_eq!(steps.host().unwrap().repetitions, (0, 2));
    }

    #[test]
    fn a_copy_without_an_answer_is_none() {
        for outcome in [Outcome::TimedOut, Outcome::NoPermit, Outcome::LocalLimit, Outcome::NoRoute] {
            let (mut steps, [attempt, copy]) = hedged();
            let asked = steps.host().unwrap().silent_attempts;
            steps.comes(at(200), copy, outcome);
            assert_eq!(steps.host().unwrap().silent_attempts, asked, "{outcome:?}");
            assert_eq!(
                steps.host().unwrap().silent.iter().map(PortBits::len).sum::<usize>(),
                0,
                "{outcome:?}"
            );
            steps.answer(at(201), attempt, Reason::Rst);
            let ports = steps.finished(at(201))[0].ports.clone();
            assert_eq!(ports.get(Reason::Rst).map_or(0, PortSet::len), 10, "{outcome:?}");
        }
    }

    /// What is known of the way to a far host.
    fn far() -> Rtt {
        let mut rtt = Rtt::default();
        rtt.sample(Duration::from_millis(200));
        rtt
    }

    /// A limit of fifty attempts per second was measured.
    fn keep_a_pace(host: &mut Host) {
        let (mut now, mut last) = (at(10), at(10));
        assert!(host.delivery.measure(now, 0.5));
        while host.delivery.is_measuring() {
            now = host.delivery.wait_until(now).unwrap_or(now);
            let is_echo = host.delivery.echo_due(now, true);
            host.delivery.sent(now, is_echo);
            let passes = now >= last + Duration::from_millis(20);
            last = if passes { now } else { last };
            host.delivery.came_back(now, now, is_echo, passes);
            assert!(now < at(100_000), "no limit was found");
        }
    }

    /// The rate is measured, from that many attempts per second on.
    fn measure(host: &mut Host, rate: u64) {
        (1..=rate).for_each(|n| host.delivery.sent(at(10_000 + n * 1_000 / rate), false));
        assert!(host.delivery.measure(at(11_001), 1.0));
        lose_repetitions(host);
    }

    fn lose_repetitions(host: &mut Host) {
        (1..=10).for_each(|port| host.attempts.answered(Answerer::Listener, port, 2));
        host.repetitions = (1, 100);
    }

    #[test]
    fn copies_are_made_where_repetitions_are_answered_and_nothing_else_limits() {
        type Change = fn(&mut Host, &mut Rules);
        let cases: [(&str, Change, usize); 14] = [
            ("loss by chance", |_, _| {}, 1),
            ("as many of those under way are silent as were before", |host, _| host.in_flight = 60, 2),
            (
                "a fifth of the repetitions are silent because the ports are",
                |host, _| (host.repetitions, host.silent_attempts, host.in_flight) = ((80, 100), 20, 40),
                2,
            ),
            (
                "none of them is",
                |host, _| (host.repetitions, host.silent_attempts, host.in_flight) = ((100, 100), 20, 40),
                3,
            ),
            ("far, and no repetition is over", |host, _| (host.repetitions, host.rtt) = ((0, 0), far()), 1),
            ("near, and no repetition is over", |host, _| host.repetitions = (0, 0), 0),
            ("far, and repetitions get lost", |host, _| (host.repetitions, host.rtt) = ((1, 16), far()), 0),
            ("the user says how often", |_, rules| rules.retries = Some(3), 0),
            ("the user says how fast", |_, rules| rules.max_rate = NonZeroU32::new(100), 0),
            ("refusals are limited", |host, _| host.limit_refusals(), 0),
            ("a rate is measured, and repetitions get lost", |host, _| measure(host, 1_000), 1),
            ("a low rate is measured", |host, _| measure(host, 100), 0),
            ("a rate was found", |host, _| keep_a_pace(host), 0),
            (
                "loss is by chance, and repetitions get lost",
                |host, _| {
                    lose_by_chance(host);
                    lose_repetitions(host);
                },
                1,
            ),
        ];
        for (case, change, copies) in cases {
            let mut steps = Steps::of("ports = '1-100'");
            for _ in 0..3 {
                for probe in steps.probes(at(0)) {
                    steps.answer(at(0), probe, Reason::Rst);
                }
            }
            let mut rules = steps.controller.rules.clone();
            let host = steps.host().unwrap();
            (host.in_flight, host.repetitions, host.silent_attempts) = (1, (100, 100), 10);
            host.asked_in_vain(50, 1);
            change(host, &mut rules);
            assert_eq!(host.copies(2, &rules), copies, "{case}");
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
    fn a_measurement_with_nothing_under_way_keeps_no_canary_back() {
        for (in_flight, is_due) in [(1, false), (0, true)] {
            let mut steps = Steps::of("ports = '1-100'");
            let probe = steps.probes(at(0))[0];
            steps.answer(at(5), probe, Reason::Handshake);
            let rules = steps.controller.rules.clone();
            let host = steps.host().unwrap();
            assert!(host.delivery.measure(at(5), 0.5));
            (1..=100).for_each(|n| host.delivery.sent(at(5 + n * 10), true));
            assert!(host.delivery.is_measuring() && !host.delivery.lacks_echoes());
            host.silent(50, 1, at(5));
            host.in_flight = in_flight;
            assert_eq!(host.is_canary_due(&rules, at(2_000)), is_due, "{in_flight} under way");
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
