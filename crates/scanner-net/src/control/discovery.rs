//! Hosts on this machine's own networks: how they are looked for, and what the neighbour table says of them.

use scanner_core::{HostAddr, Reason};

use super::flights::Flight;
use super::host::Phase;
use super::neighbours::{NeighbourState, Reading, Room};
use super::presence::Link;
use super::{Controller, Outcome, Output, ScanTime};
use crate::config::defaults::{NEIGHBOUR_TRIES, RESOLUTION, STALE_FOR, TABLE_PAUSE, TABLE_SHORT_PAUSE};

impl Controller {
    /// How this machine comes to a target that is about to be begun; `None` while the neighbour table has no room for it.
    pub(super) fn link_to(&mut self, addr: HostAddr, now: ScanTime) -> Option<Link> {
        if !self.neighbours.is_on_link(addr) {
            return Some(Link::Elsewhere);
        }
        if self.neighbours.room(now) != Room::Now {
            return None;
        }
        self.neighbours.begin();
        self.neighbours.want(now + TABLE_PAUSE);
        Some(Link::Resolving(now))
    }

    /// When the next neighbour may be begun, where that is only a matter of time.
    pub(super) fn next_neighbour(&mut self, now: ScanTime) -> Option<ScanTime> {
        let addr = self.next_addr()?;
        match self.neighbours.room(now) {
            Room::At(later) if self.neighbours.is_on_link(addr) => Some(later),
            Room::At(_) | Room::Now | Room::Later => None,
        }
    }

    /// The tables were read.
    pub(super) fn on_neighbours(&mut self, now: ScanTime, reading: Reading) {
        if self.neighbours.take(now, reading) {
            self.note(
                "neighbour-table",
                "this machine's neighbour table was full: the scan looks for fewer hosts at once".to_owned(),
            );
        }
        let asks = self.hosts.iter().filter(|(_, host)| host.presence.asks_table());
        for slot in asks.map(|(slot, _)| slot).collect::<Vec<_>>() {
            self.look_up(slot, now);
            self.conclude(slot, now);
        }
        if self.hosts.iter().any(|(_, host)| host.presence.asks_table()) {
            self.neighbours.want(now + TABLE_PAUSE);
        }
    }

    /// Sees what the table says of a host.
    fn look_up(&mut self, slot: usize, now: ScanTime) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        let neighbour = self.neighbours.get(host.addr);
        host.presence.looked_up(neighbour);
        let link = host.presence.link;
        let state = neighbour.map(|neighbour| neighbour.state);
        match (link, state) {
            (Link::Resolving(since), Some(NeighbourState::Confirmed)) => {
                host.presence.resolution.sample(now.since(since));
                self.found(slot, now, since, Link::Neighbour);
                self.is_there(slot);
            }
            (Link::Stale(_), Some(NeighbourState::Confirmed)) => {
                host.presence.link = Link::Neighbour;
                self.is_there(slot);
            }
            (Link::Resolving(since), Some(NeighbourState::Stale)) => {
                self.found(slot, now, since, Link::Stale(now + STALE_FOR));
                // It was there, and most who were still are: its ports are asked while the kernel finds out.
                if !self.rules.sequential {
                    self.begin_all_ports(slot);
                }
            }
            (Link::Resolving(since), Some(NeighbourState::Fixed)) => {
                self.found(slot, now, since, Link::Neighbour);
            }
            // What was in the table before the kernel was made to ask says nothing.
            (Link::Resolving(since), Some(NeighbourState::Failed)) if now.since(since) >= RESOLUTION / 2 => {
                self.is_missing(slot, now);
            }
            (Link::Resolving(since), Some(NeighbourState::Asked))
                if self.rules.has_discovery() && self.neighbours.is_missing(now, since) =>
            {
                self.is_missing(slot, now);
            }
            (Link::Stale(_), Some(NeighbourState::Failed)) if !host.is_there() => self.is_missing(slot, now),
            (Link::Stale(until), _) if now >= until || host.is_there() => {
                host.presence.link = Link::Neighbour;
            }
            _ => {}
        }
    }

    /// A neighbour was found: what waited for that is asked like any host's ports from here on.
    fn found(&mut self, slot: usize, now: ScanTime, since: ScanTime, link: Link) {
        self.recall(|flight| flight.host == slot);
        self.neighbours.end(now, since, true);
        if let Some(host) = self.hosts.get_mut(slot) {
            host.presence.link = link;
        }
    }

    /// Something is there, even if no port ever answers.
    fn is_there(&mut self, slot: usize) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        if !host.is_there() {
            self.ledger.host_up();
            tracing::debug!(host = %host.addr, "answers as a neighbour");
        }
        host.presence.is_neighbour();
        self.begin_all_ports(slot);
    }

    /// Not only a few ports are asked from here on, where ports are what the scan is for.
    pub(super) fn begin_all_ports(&mut self, slot: usize) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        if matches!(host.phase, Phase::Discovery | Phase::Search) && !self.rules.discover_only {
            host.phase = Phase::Ready;
            self.ready.push_back(slot);
            self.start_ready();
        }
    }

    /// Nobody has the address.
    pub(super) fn is_missing(&mut self, slot: usize, now: ScanTime) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        host.presence.answered(Reason::NoNeighbour);
        for (id, flight) in self.flights.take(|flight| flight.host == slot) {
            self.outbox.push_back(Output::Release(id));
            if let Some(host) = self.hosts.get_mut(slot) {
                host.taken_back(flight.sent, flight.ask);
            }
            self.settle(slot, flight.ask, Reason::NoNeighbour, None);
        }
        self.now = now;
        self.finish_host(slot, Some(Reason::NoNeighbour), None);
    }

    /// What the outcome of a probe means for a neighbour that is looked for; whether that is all it means.
    pub(super) fn on_resolution(&mut self, now: ScanTime, flight: Flight, outcome: Outcome) -> bool {
        let slot = flight.host;
        let Some(host) = self.hosts.get_mut(slot) else { return true };
        let Link::Resolving(since) = host.presence.link else { return false };
        let answered = match outcome {
            Outcome::Answered { reason: Reason::NoNeighbour, .. } | Outcome::TimedOut => false,
            Outcome::Answered { reason, .. } => reason.is_answer_of_host(),
            Outcome::NoRoute | Outcome::LocalLimit | Outcome::NetworkDown | Outcome::NoPermit => {
                return false;
            }
        };
        // A table without room for the neighbour has nobody asked for: silence says nothing.
        if !answered && self.neighbours.was_full_since(since) {
            self.put_back(slot, flight.ask);
            self.look_again(slot, now);
            return true;
        }
        host.presence.link = Link::Neighbour;
        self.neighbours.end(now, since, answered);
        false
    }

    /// Looks for a neighbour anew, a bounded number of times.
    fn look_again(&mut self, slot: usize, now: ScanTime) {
        let Some(host) = self.hosts.get_mut(slot) else { return };
        host.presence.tries += 1;
        if host.presence.tries < NEIGHBOUR_TRIES {
            host.presence.link = Link::Resolving(now);
        } else {
            self.finish_host(slot, Some(Reason::LocalLimit), None);
        }
    }

    /// Whether a host that is done must wait for its hardware address to be looked up.
    pub(super) fn waits_for_mac(&mut self, slot: usize, now: ScanTime) -> bool {
        let waits = self.hosts.get(slot).is_some_and(|host| host.presence.lacks_mac());
        if waits {
            self.neighbours.want_soon(now, TABLE_SHORT_PAUSE);
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::super::steps::{Steps, at};
    use super::*;

    /// A neighbour that is looked for from 0 on, with its first probe out.
    fn resolving(config: &str) -> Steps {
        let mut steps = Steps::of(&format!("neighbours = true\nports = '1-100'\nconfig = {{ {config} }}"));
        assert_eq!(steps.probes(at(0)).len(), 1, "one is enough to have it looked for");
        assert_eq!(steps.host().unwrap().presence.link, Link::Resolving(at(0)));
        steps
    }

    #[test]
    fn what_the_table_says_of_a_neighbour() {
        use NeighbourState::{Asked, Confirmed, Failed, Fixed, Stale};
        let (since, until) = (Link::Resolving(at(0)), Link::Stale(at(9_000)));
        // The link after it, and whether the host is known to be there; `None` where it is finished.
        for (link, state, ms, config, after) in [
            (since, Some(Confirmed), 7, "", Some((Link::Neighbour, true))),
            (until, Some(Confirmed), 7, "", Some((Link::Neighbour, true))),
            (since, Some(Stale), 50, "", Some((Link::Stale(at(9_050)), false))),
            (until, Some(Stale), 50, "", Some((until, false))),
            (since, Some(Fixed), 50, "", Some((Link::Neighbour, false))),
            (since, Some(Failed), 1_499, "skip_discovery = true", Some((since, false))),
            (since, Some(Failed), 1_500, "skip_discovery = true", None),
            (until, Some(Failed), 50, "", None),
            (since, Some(Asked), 1_249, "", Some((since, false))),
            (since, Some(Asked), 1_250, "", None),
            (since, Some(Asked), 2_900, "skip_discovery = true", Some((since, false))),
            (since, None, 2_900, "", Some((since, false))),
            (until, Some(Asked), 8_999, "", Some((until, false))),
            (until, Some(Asked), 9_000, "", Some((Link::Neighbour, false))),
            (until, None, 9_000, "", Some((Link::Neighbour, false))),
        ] {
            let mut steps = resolving(config);
            steps.host().unwrap().presence.link = link;
            if link != since {
                steps.controller.neighbours.end(at(0), at(0), true);
            }
            steps.reads(at(ms), state);
            let is_waited_for = after.is_some_and(|(link, _)| link == since);
            assert_eq!(
                steps.controller.neighbours.resolving(),
                u32::from(is_waited_for),
                "{link:?} {state:?}"
            );
            let seen = steps.host().map(|host| (host.presence.link, host.is_there()));
            assert_eq!(seen, after, "{link:?} {state:?} after {ms} ms, {config}");
        }
    }

    #[test]
    fn a_host_that_answered_needs_no_word_of_the_table() {
        for state in [None, Some(NeighbourState::Failed), Some(NeighbourState::Stale)] {
            let mut steps = resolving("");
            steps.reads(at(50), Some(NeighbourState::Stale));
            let probe = steps.probes(at(50))[0];
            steps.answer(at(60), probe, Reason::Rst);
            steps.reads(at(110), state);
            assert_eq!(steps.host().unwrap().presence.link, Link::Neighbour, "{state:?}");
        }
    }

    #[test]
    fn the_ports_of_a_neighbour_that_is_missing_are_asked_or_not_as_all_would_be() {
        for (ports, asked, not_asked) in [(15, 15, 0), (16, 16, 0), (17, 1, 16)] {
            let mut steps = Steps::of(&format!("neighbours = true\nports = '1-{ports}'"));
            steps.probes(at(0));
            steps.reads(at(1_250), Some(NeighbourState::Asked));
            let [host] = steps.finished(at(1_250)) else { panic!("not finished") };
            let missing = host.ports.get(Reason::NoNeighbour).map_or(0, scanner_core::PortSet::len);
            assert_eq!((missing, host.not_asked), (asked, not_asked), "{ports} ports");
        }
    }

    #[test]
    fn one_that_was_there_once_is_scanned_at_once_where_it_takes_nobody_elses_turn() {
        for (ports, phase) in [(1_000, Phase::Scanning), (1_001, Phase::Discovery)] {
            let mut steps = Steps::of(&format!("neighbours = true\nports = '1-{ports}'"));
            steps.probes(at(0));
            steps.reads(at(50), Some(NeighbourState::Stale));
            assert_eq!(steps.host().unwrap().phase, phase, "{ports} ports");
        }
    }
}
