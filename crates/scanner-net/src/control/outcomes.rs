//! What an outcome does to a host: settles a port, has it asked again, or ends the host.

use std::time::Duration;

use scanner_core::{PortState, Reason, Verdict};

use super::flights::Flight;
use super::host::{Ask, Phase, is_beyond};
use super::ledger::Settled;
use super::liveness::{Refused, Strike};
use super::local::Trouble;
use super::presence::Link;
use super::{Controller, Outcome, Output, ProbeId, ScanTime};
use crate::config::defaults::{MIN_TIMEOUT, TABLE_PAUSE};

/// With fewer probes than this under way it does not pay to look at all of them.
const MANY: u32 = 128;

impl Controller {
    pub(super) fn on_outcome(&mut self, now: ScanTime, id: ProbeId, outcome: Outcome) {
        let Some(flight) = self.flights.remove(id) else { return };
        let slot = flight.host;
        let Some(host) = self.hosts.get_mut(slot) else { return };
        if matches!(outcome, Outcome::Answered { .. } | Outcome::TimedOut) {
            self.local.worked();
            host.landed(flight.sent, flight.ask);
            host.went_out();
        } else {
            host.taken_back(flight.sent, flight.ask);
        }
        if self.on_resolution(now, flight, outcome) {
            self.conclude(slot, now);
            return;
        }
        let Some(host) = self.hosts.get_mut(slot) else { return };
        let answered = matches!(outcome, Outcome::Answered { reason, .. } if reason.is_answer_of_host());
        let came_back = matches!(outcome, Outcome::Answered { .. } | Outcome::TimedOut);
        let counts = came_back && host.is_paced();
        match outcome {
            // A limit of this machine is back-pressure, whatever meets it.
            _ if flight.ask.is_copy() && outcome != Outcome::LocalLimit => self.on_copy(now, flight, outcome),
            Outcome::Answered { reason, .. } if host.is_doubtful(reason) => {
                host.path_said(flight.ask, reason);
                self.on_silence(now, flight);
            }
            Outcome::Answered { reason: Reason::NoNeighbour, .. } => {
                if host.presence.link == Link::Elsewhere {
                    self.window.grow(1, true);
                }
                self.settle(slot, flight.ask, Reason::NoNeighbour, None);
                self.is_missing(slot, now);
            }
            Outcome::Answered { reason, .. } if reason.state() == PortState::Unknown => {
                host.rejected_here();
                self.local.rejected(now);
                if flight.ask.attempt == 0 {
                    host.alive.drop_canary();
                } else {
                    self.settle(slot, flight.ask, reason, None);
                }
            }
            // The path, not the host, answered the port that shows whether the host is there.
            Outcome::Answered { reason, .. } if flight.ask.attempt == 0 && !reason.is_answer_of_host() => {
                self.on_silence(now, flight);
            }
            Outcome::Answered { reason, rtt } => self.on_answer(now, flight, reason, rtt),
            Outcome::TimedOut => self.on_silence(now, flight),
            Outcome::NoRoute => self.on_no_route(now, slot, flight.ask),
            Outcome::LocalLimit => self.on_trouble(now, slot, flight.ask, Trouble::Limit),
            Outcome::NetworkDown => self.on_network_down(now, slot, flight.ask),
            Outcome::NoPermit => self.put_back(slot, flight.ask),
        }
        if counts {
            self.on_delivery(now, flight, answered);
        }
        self.conclude(slot, now);
    }

    fn on_answer(&mut self, now: ScanTime, flight: Flight, reason: Reason, rtt: Duration) {
        let slot = flight.host;
        let Some(host) = self.hosts.get_mut(slot) else { return };
        let (was_heard, was_there, was_up) = (host.is_heard(), host.is_there(), host.is_up());
        let was_known = host.rtt.is_known();
        let told = host.as_far_as_it_tells(flight.ask, flight.sent);
        let confirmed = host.answered(now, told, reason, rtt);
        if reason.is_answer_of_host() {
            self.group.sample(rtt);
        }
        if !was_known && let Some(due) = host.first_answer(now) {
            self.timers.insert((due, slot));
        }
        // When silent ports are asked again every answer is one to a repetition: alone, it says nothing about the pace.
        let light = host.is_loss_light();
        if host.is_limited() {
            host.window.absolve();
        }
        if told.attempt > 1 && !light && !host.is_paced() && host.shows_loss(reason) {
            // What got lost was sent a time-out before the attempt that shows it, at least.
            let waited = MIN_TIMEOUT.min(self.rules.max_timeout);
            if host.window.reduce(flight.sent.before(waited), now) {
                let (window, attempts) = (host.window.size(), host.attempts_needed());
                tracing::debug!(host = %host.addr, window, attempts, "many packets get lost");
                host.slowed_down(now);
            }
        } else if !is_beyond(reason) {
            let answers = confirmed + host.stride();
            host.window.grow(answers, light);
            self.window.grow(answers, true);
        }
        if flight.ask.attempt == 0 {
            tracing::trace!(host = %host.addr, confirmed, window = host.window.size(), ?rtt, "the canary answered");
        }
        self.unheard -= usize::from(!was_heard);
        if !was_heard {
            tracing::debug!(host = %host.addr, port = flight.ask.port, %reason, ?rtt, "first answer");
        }
        if host.is_there() && !was_there {
            self.ledger.host_up();
        }
        if host.presence.lacks_mac() {
            self.neighbours.want_soon(now, TABLE_PAUSE);
        }
        if !is_beyond(reason) {
            self.begin_all_ports(slot);
        }
        if flight.ask.attempt > 0 {
            self.settle(slot, flight.ask, reason, Some(rtt));
        }
        if !was_up {
            self.give_up_overdue(slot, now);
        }
    }

    /// A copy brings an answer or nothing: its silence is that of the attempt.
    #[cold]
    fn on_copy(&mut self, now: ScanTime, flight: Flight, outcome: Outcome) {
        let Outcome::Answered { reason, rtt } = outcome else { return };
        let Some(host) = self.hosts.get_mut(flight.host) else { return };
        if reason.is_answer_of_host() && host.wants_copy(flight.ask.port) {
            let silent = host.is_silent_no_more(flight.ask.port).map(|silent| silent.saturating_add(1));
            let under_way = self.release(flight.host, flight.ask.port);
            let attempt = silent.or(under_way).unwrap_or(flight.ask.attempt);
            self.on_answer(now, Flight { ask: Ask { attempt, ..flight.ask }, ..flight }, reason, rtt);
        }
    }

    /// Ends all that is under way to a port which is answered. Which of its attempts that was, copies apart.
    // Hardly ever, and must not make a longer way of what is done for every port.
    #[cold]
    fn release(&mut self, slot: usize, port: u16) -> Option<u8> {
        let of_port =
            |flight: &Flight| flight.host == slot && flight.ask.port == port && flight.ask.attempt > 0;
        let mut attempt = None;
        for (id, flight) in self.flights.take(of_port) {
            self.outbox.push_back(Output::Release(id));
            attempt = attempt.or((!flight.ask.is_copy()).then_some(flight.ask.attempt));
            if let Some(host) = self.hosts.get_mut(slot) {
                host.released(flight.sent, flight.ask);
            }
        }
        attempt
    }

    /// Gives up the probes of a host that wait for longer than an answer takes: they were sent before that was known.
    fn give_up_overdue(&mut self, slot: usize, now: ScanTime) {
        let Some(host) = self.hosts.get(slot).filter(|host| host.in_flight >= MANY) else { return };
        let Some(timeout) = host.rtt.timeout() else { return };
        self.give_up(slot, now, |flight| now.since(flight.sent) >= timeout);
    }

    /// Gives up all that were sent before it was known how long an answer takes.
    pub(super) fn give_up_early(&mut self, slot: usize, now: ScanTime) {
        let Some(early) = self.hosts.get_mut(slot).and_then(|host| host.early.as_mut()) else { return };
        if let Some(due) = early.put_off(now) {
            self.timers.insert((due, slot));
            return;
        }
        let early = *early;
        self.give_up(slot, now, |flight| early.includes(flight.sent));
    }

    fn give_up(&mut self, slot: usize, now: ScanTime, chosen: impl Fn(&Flight) -> bool) {
        let flights = self.flights.take(|flight| {
            flight.host == slot && flight.ask.attempt > 0 && !flight.ask.is_copy() && chosen(flight)
        });
        for (id, flight) in flights {
            self.outbox.push_back(Output::Release(id));
            let Some(host) = self.hosts.get_mut(slot) else { return };
            host.landed(flight.sent, flight.ask);
            let counts = host.is_paced();
            self.on_silence(now, flight);
            if counts {
                self.on_delivery(now, flight, false);
            }
        }
    }

    /// Counts what gets through.
    fn on_delivery(&mut self, now: ScanTime, flight: Flight, answered: bool) {
        let Some(host) = self.hosts.get_mut(flight.host) else { return };
        if let Some(rate) = host.came_back(now, flight.sent, flight.ask, answered) {
            let addr = host.addr;
            tracing::debug!(host = %addr, rate, "a limit on the path");
            self.note(
                "paced",
                format!("about {rate:.0} connections per second get through to {addr}: it is asked no faster than that"),
            );
        }
    }

    fn on_silence(&mut self, now: ScanTime, flight: Flight) {
        let slot = flight.host;
        let Some(host) = self.hosts.get_mut(slot) else { return };
        let Ask { port, attempt, .. } = flight.ask;
        if flight.ask.is_echo() {
            host.echo_was_lost();
            if !host.is_paced() && host.alive.is_loss_heavy() {
                host.measure_delivery(now);
            }
            return;
        }
        if attempt > 0 {
            host.silent(port, attempt, flight.sent);
            host.begin_search(&self.rules, now);
            self.ledger.silent();
            if host.alive.canary().is_none() {
                // Nothing will ever confirm this silence; it may be asked about faster, up to a bound.
                host.window.grow_below(self.rules.unheard_per_host);
                self.window.grow_below(self.rules.unheard_window);
            }
            return;
        }
        if !host.alive.is_lost() {
            host.canary_was_lost();
        }
        match host.canary_silent(now) {
            Strike::Loss => {
                if host.alive.is_loss_heavy()
                    && !host.measure_delivery(now)
                    && !host.is_paced()
                    && !host.loses_by_chance()
                    && host.window.reduce(flight.sent, now)
                {
                    host.alive.forget_loss();
                }
                tracing::debug!(host = %host.addr, window = host.window.size(), "a canary stayed silent");
            }
            Strike::Lost(again) => {
                tracing::debug!(host = %host.addr, last_answer = ?host.alive.last_answer().elapsed(), "stopped answering");
                host.stopped_answering();
                self.timers.insert((again, slot));
            }
            Strike::GaveUp => self.finish_host(slot, Some(Reason::HostLost), Some(Verdict::HostLost)),
        }
    }

    /// Without a route nothing can be measured of a host that never answered. Some rules are about ports, so several are tried.
    fn on_no_route(&mut self, now: ScanTime, slot: usize, ask: Ask) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        let is_heard = host.is_heard();
        if !is_heard && host.alive.refused_unheard(ask.port) {
            self.put_back(slot, ask);
            self.finish_host(slot, Some(Reason::NoRoute), None);
            return;
        }
        if is_heard && ask.attempt == 0 {
            self.put_back(slot, ask);
            self.on_cut_off(now, slot);
            return;
        }
        let refused = if is_heard { host.alive.refused_here(now, ask.port) } else { Refused::Port };
        match refused {
            // Nothing was sent.
            Refused::Port => {
                let ask = Ask { attempt: ask.attempt.saturating_sub(1), ..ask };
                self.settle(slot, ask, Reason::NoRoute, None);
            }
            Refused::Host(strike) => {
                self.put_back(slot, ask);
                if let Strike::Lost(again) = strike {
                    self.timers.insert((again, slot));
                }
            }
        }
    }

    /// The network of this machine is down, or the part of it that leads to this host.
    fn on_network_down(&mut self, now: ScanTime, slot: usize, ask: Ask) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        if host.is_heard() {
            self.put_back(slot, ask);
            self.on_cut_off(now, slot);
        } else if host.is_down_for_good(now) {
            self.put_back(slot, ask);
            self.finish_host(slot, Some(Reason::NetworkDown), None);
        } else {
            self.on_trouble(now, slot, ask, Trouble::NetworkDown);
        }
    }

    /// A host that had answered cannot be reached from here any more. The others are not slowed down for it.
    fn on_cut_off(&mut self, now: ScanTime, slot: usize) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        match host.alive.cut_off(now) {
            Strike::Lost(again) => {
                tracing::debug!(host = %host.addr, "cut off");
                self.timers.insert((again, slot));
            }
            Strike::GaveUp | Strike::Loss => self.finish_host(slot, Some(Reason::NetworkDown), None),
        }
    }

    /// This machine failed: nothing was learnt about the target. Wait, shrink, try again; not for ever.
    fn on_trouble(&mut self, now: ScanTime, slot: usize, ask: Ask, trouble: Trouble) {
        self.put_back(slot, ask);
        tracing::debug!(?trouble, in_flight = self.flights.len(), "this machine refused an attempt");
        if trouble == Trouble::Limit {
            let message = match self.flights.len() {
                0 => "this machine refused a connection: the scan waits and tries again".to_owned(),
                sockets => {
                    format!(
                        "this machine allowed only {sockets} connections at once: the scan waits for them"
                    )
                }
            };
            self.note("local-limit", message);
        }
        if self.local.failed(now, trouble, self.flights.len()) {
            self.stop(now, trouble.reason());
        }
    }

    /// Takes probes back as if they had never been sent; their sockets are to be closed.
    pub(super) fn recall(&mut self, chosen: impl Fn(&Flight) -> bool) {
        for (id, flight) in self.flights.take(chosen) {
            self.outbox.push_back(Output::Release(id));
            self.put_back(flight.host, flight.ask);
            if let Some(host) = self.hosts.get_mut(flight.host) {
                host.taken_back(flight.sent, flight.ask);
            }
        }
    }

    pub(super) fn put_back(&mut self, slot: usize, ask: Ask) {
        let Some(host) = self.hosts.get_mut(slot).filter(|_| !ask.is_copy()) else { return };
        match ask.attempt.checked_sub(1) {
            Some(attempts) => host.asked_in_vain(ask.port, attempts),
            None if ask.is_echo() => {}
            None => host.alive.canary_returned(),
        }
    }

    /// Ends a host that has nothing left to ask, or gives it its next turn.
    pub(super) fn conclude(&mut self, slot: usize, now: ScanTime) {
        // What waits for its turn is looked at then: answers come in batches.
        let Some(host) = self.hosts.get_mut(slot).filter(|host| !host.queued) else { return };
        if host.is_done(&self.rules) {
            match host.next_round(&self.rules, now) {
                None if self.waits_for_mac(slot, now) => {}
                None => self.finish_host(slot, None, None),
                Some(due) if due > now => drop(self.timers.insert((due, slot))),
                Some(_) => self.enqueue(slot),
            }
        } else if host.can_ask(&self.rules, now) {
            self.enqueue(slot);
        } else if let Some(due) = host.waits_until(&self.rules, now) {
            self.timers.insert((due, slot));
        }
    }

    /// Settles what is left of a host and forgets it. `rest` is the reason for ports that were not measured.
    pub(super) fn finish_host(&mut self, slot: usize, rest: Option<Reason>, verdict: Option<Verdict>) {
        if self.hosts.get(slot).is_some_and(|host| host.in_flight > 0) {
            self.recall(|flight| flight.host == slot);
        }
        let Some(mut host) = self.hosts.try_remove(slot) else { return };
        // A host that was given up only because this machine let nothing out was not measured.
        let rest = rest.or_else(|| host.is_shut_off_here().then_some(Reason::LocalPolicy));
        if host.queued {
            self.turns.retain(|&other| other != slot);
        }
        if let Some(limit) = self.rules.host_timeout {
            self.timers.remove(&(host.started + limit, slot));
        }
        self.unheard -= usize::from(!host.is_heard());
        if let Link::Resolving(since) = host.presence.link {
            self.neighbours.end(self.now, since, false);
        }
        match host.phase {
            Phase::Scanning => self.scanning -= 1,
            Phase::Ready => self.ready.retain(|&other| other != slot),
            Phase::Discovery | Phase::Search => {}
        }
        let mut not_asked = host.unreported;
        for left in host.take_unsettled(&self.job, rest) {
            match left.reason {
                // With all ports to be asked on request, there was nothing to be learnt by asking.
                Some(Reason::NoNeighbour) if left.attempts == 0 && host.has_discovery(&self.rules) => {
                    not_asked += 1;
                }
                Some(reason) if self.rules.discover_only && reason.state() != PortState::Unknown => {
                    self.ledger.silence_is_over(left.attempts);
                    not_asked += 1;
                }
                Some(reason) => {
                    let (port, attempts) = (left.port, left.attempts);
                    let settled = Settled { port, reason, rtt: None, attempts, silent: attempts };
                    let event = self.ledger.settle(&mut host, &self.job.targets, settled);
                    self.outbox.extend(event.map(|event| Output::Event(Box::new(event))));
                }
                None => not_asked += 1,
            }
        }
        self.ledger.not_asked(not_asked);
        let names = self.job.targets.names_of(host.addr);
        let result = host.into_result(names, verdict, not_asked);
        tracing::debug!(host = %result.ip, status = %result.status, ?rest, not_asked, rtt = ?result.rtt, "host finished");
        let event = self.ledger.finish(result);
        self.publish(event);
        self.start_ready();
    }

    #[inline]
    pub(super) fn settle(&mut self, slot: usize, ask: Ask, reason: Reason, rtt: Option<Duration>) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        let had_copies = host.end_copies(ask.port);
        if self.rules.discover_only && reason.state() != PortState::Unknown {
            host.unreported += 1;
            return;
        }
        let Ask { port, attempt: attempts, .. } = ask;
        let settled = Settled { port, reason, rtt, attempts, silent: attempts.saturating_sub(1) };
        if let Some(event) = self.ledger.settle(host, &self.job.targets, settled) {
            self.publish(event);
        }
        if had_copies {
            self.release(slot, port);
        }
    }

    /// Lets hosts that are there begin, one at a time with sequential hosts.
    pub(super) fn start_ready(&mut self) {
        while !(self.rules.sequential && self.scanning > 0)
            && let Some(slot) = self.ready.pop_front()
        {
            if let Some(host) = self.hosts.get_mut(slot) {
                host.phase = Phase::Scanning;
                self.scanning += 1;
                // The time in which it only waited for the host before it does not count.
                if let Some(limit) = self.rules.host_timeout {
                    self.timers.remove(&(host.started + limit, slot));
                    host.started = self.now;
                    self.timers.insert((self.now + limit, slot));
                }
                self.enqueue(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use scanner_core::{HostResult, PortSet};

    use super::super::host::Role;
    use super::super::steps::{Steps, at, first};
    use super::*;

    /// Many probes wait for a time-out of a second when the first answer tells how long one takes.
    #[test]
    fn what_waits_for_longer_than_an_answer_takes_is_given_up() {
        for turns in [2, 5] {
            let mut steps = Steps::of(
                "hosts = 2\nports = '1-1000'\nconfig = { limit = { fixed = 1000 }, skip_discovery = true }",
            );
            let mut of_first = BTreeMap::new();
            for ms in (0..=turns).map(|turn| turn * 100).chain([turns * 100 + 1]) {
                for probe in steps.probes(at(ms)) {
                    if probe.addr.ip() == first().ip() {
                        of_first.insert(probe.id, (ms, probe));
                    }
                }
            }
            let (_, (_, answered)) = of_first.pop_last().unwrap();
            let many = of_first.len() + 1 >= MANY as usize;
            assert_eq!(many, turns == 5);
            steps.answer(at(turns * 100 + 100), answered, Reason::Rst);
            let overdue = of_first.iter().filter(|(_, (sent, _))| many && *sent <= turns * 100);
            let overdue: Vec<_> = overdue.map(|(id, _)| Output::Release(*id)).collect();
            let released = steps.controller.outbox.iter().filter(|it| matches!(it, Output::Release(_)));
            let mut released: Vec<_> = released.cloned().collect();
            released.sort_by_key(|it| if let Output::Release(id) = it { Some(*id) } else { None });
            assert_eq!(released, overdue);
            let in_flight: u32 = steps.controller.hosts.iter().map(|(_, host)| host.in_flight).sum();
            assert_eq!(in_flight, steps.controller.flights.len());
        }
    }

    /// The attempts that show what got lost are answered soon, each after another was sent.
    #[test]
    fn what_gets_lost_within_a_time_out_makes_the_window_smaller_once() {
        let mut steps = Steps::of("ports = '1-2000'");
        let mut lost = steps.probes(at(0));
        let answered = lost.pop().unwrap();
        steps.answer(at(10), answered, Reason::Handshake);
        for ms in 10..110 {
            lost.extend(steps.probes(at(ms)));
        }
        assert!(lost.len() > 10);
        for probe in lost {
            steps.comes(at(110), probe, Outcome::TimedOut);
        }
        let mut sizes = Vec::new();
        for ms in 110..205 {
            for probe in steps.probes(at(ms)) {
                steps.answer(at(ms), probe, Reason::Rst);
                sizes.extend(steps.host().map(|host| host.window.size()));
            }
        }
        assert!(sizes.len() > 10, "{sizes:?}");
        let smaller = sizes.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert_eq!(smaller, 1, "{sizes:?}");
    }

    #[test]
    fn a_network_that_was_up_in_between_was_not_down_for_good() {
        for (went_out, is_over) in [(false, true), (true, false)] {
            let mut steps = Steps::of("ports = '80'");
            let outcomes = [
                (0, Outcome::NetworkDown),
                (7_000, if went_out { Outcome::TimedOut } else { Outcome::NetworkDown }),
                (14_999, Outcome::NetworkDown),
                (15_500, Outcome::NetworkDown),
            ];
            for (ms, outcome) in outcomes {
                let probe = steps.probes(at(ms))[0];
                steps.comes(at(ms), probe, outcome);
                assert!(ms > 15_000 || steps.host().is_some(), "{ms}");
            }
            assert_eq!(steps.host().is_none(), is_over);
        }
    }

    /// A host next door with a listener at 80 and a port at 81 of which something else is said.
    fn says(reason: Reason) -> Vec<HostResult> {
        let mut steps = Steps::of("ports = '80,81'");
        let mut now = at(0);
        for _ in 0..100 {
            let probes = steps.probes(now);
            now = now + Duration::from_millis(10);
            for probe in probes {
                let reason = if probe.addr.port() == 80 { Reason::Handshake } else { reason };
                steps.answer(now, probe, reason);
            }
            if steps.controller.hosts.is_empty() {
                return steps.finished(now).to_vec();
            }
        }
        panic!("does not end");
    }

    #[test]
    fn what_the_path_says_of_a_port_of_a_host_that_answers_is_of_the_port() {
        for reason in [Reason::HostUnreachable, Reason::NetUnreachable, Reason::Prohibited, Reason::Rst] {
            let [host] = &says(reason)[..] else { panic!("one host") };
            assert_eq!(host.ports.get(reason).map(PortSet::len), Some(1), "{reason}");
            assert_eq!((host.verdict, host.not_asked), (None, 0));
        }
        let [host] = &says(Reason::NoNeighbour)[..] else { panic!("one host") };
        assert!(
            host.ports.get(Reason::NoReply).is_some(),
            "that a host is not there is no word about a port"
        );
    }

    /// A firewall on the way, say, that has had enough of us.
    #[test]
    fn a_canary_that_the_path_answers_is_as_good_as_silent() {
        let mut steps = Steps::of("ports = '80,81'");
        for probe in steps.probes(at(0)) {
            match probe.addr.port() {
                80 => steps.answer(at(10), probe, Reason::Handshake),
                _ => steps.comes(at(10), probe, Outcome::TimedOut),
            }
        }
        for (reason, answered) in
            [(Reason::Prohibited, false), (Reason::HostUnreachable, false), (Reason::Rst, true)]
        {
            let last = steps.host().unwrap().alive.last_answer();
            let now = last + Duration::from_secs(2);
            let canary = steps.probes(now).into_iter().find(|probe| probe.addr.port() == 80).unwrap();
            steps.answer(now, canary, reason);
            assert_eq!(steps.host().unwrap().alive.last_answer() == now, answered, "{reason}");
            assert_eq!(steps.host().unwrap().alive.is_confirmed(), answered, "{reason}");
        }
    }

    #[test]
    fn an_attempt_that_never_went_out_is_none() {
        let mut steps = Steps::of("ports = '1-5'\nconfig = { detail = 'all' }");
        let probe = steps.probes(at(0))[0];
        steps.comes(at(0), probe, Outcome::NoRoute);
        let results = steps.host().unwrap().so_far(&[]).results;
        let told: Vec<_> = results.iter().map(|result| (result.reason, result.attempts)).collect();
        assert_eq!(told, [(Reason::NoRoute, 0)]);
    }

    #[test]
    fn an_echo_that_comes_back_unsent_leaves_the_canary_out() {
        for (role, is_due) in [(Role::Echo, false), (Role::Canary, true)] {
            let mut steps = Steps::of("ports = '1-5'");
            let probe = steps.probes(at(0))[0];
            steps.answer(at(5), probe, Reason::Handshake);
            let alive = &mut steps.host().unwrap().alive;
            alive.silent(81, 1);
            alive.canary_is_out(at(6));
            let ask = Ask { port: probe.addr.port(), attempt: 0, role, timeout: Duration::from_secs(1) };
            steps.controller.put_back(0, ask);
            assert_eq!(steps.host().unwrap().alive.canary_due(at(7), || true), is_due, "{role:?}");
        }
    }
}
