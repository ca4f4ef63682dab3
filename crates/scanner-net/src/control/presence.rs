//! `Presence`: whether a host is there, and what shows it.

use scanner_core::{Evidence, HostStatus, MacAddr, Reason};

use super::neighbours::Neighbour;
use super::rtt::Rtt;
use super::time::ScanTime;

/// How this machine reaches a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// By a router, or it is this machine itself: there is no neighbour to look for.
    Elsewhere,
    /// It is a neighbour that this machine has been looking for since then. Until it is found, nothing reaches it.
    Resolving(ScanTime),
    /// It is a neighbour whose hardware address is known, but may be out of date until then: the kernel is asking.
    Stale(ScanTime),
    /// It is a neighbour, and there is nothing to wait for.
    Neighbour,
}

#[derive(Debug)]
pub(crate) struct Presence {
    pub(crate) link: Link,
    evidence: Option<Evidence>,
    mac: Option<MacAddr>,
    /// How long it took at most to find the neighbour.
    pub(crate) resolution: Rtt,
    heard: bool,
    /// The neighbour table was read since the host answered.
    looked_up: bool,
    /// How often the neighbour was looked for anew because the table had been full.
    pub(crate) tries: u8,
}

impl Presence {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            evidence: None,
            mac: None,
            resolution: Rtt::default(),
            heard: false,
            looked_up: false,
            tries: 0,
        }
    }

    /// A probe is sent. The kernel looks for a neighbour from then on: what was refused before it went out did not make it.
    pub(crate) fn sent(&mut self, now: ScanTime) {
        if matches!(self.link, Link::Resolving(_)) {
            self.link = Link::Resolving(now);
        }
    }

    /// Something came back from a port.
    pub(crate) fn answered(&mut self, reason: Reason) {
        // That nobody is there is not heard from the host.
        self.heard |= reason != Reason::NoNeighbour;
        let is_told = matches!(self.evidence, Some(Evidence::Port(old)) if old.is_answer_of_host());
        if self.evidence.is_none() || reason.is_answer_of_host() && !is_told {
            self.evidence = Some(reason.into());
        }
    }

    /// The neighbour table has it.
    pub(crate) fn is_neighbour(&mut self) {
        if !self.evidence.is_some_and(Evidence::is_of_host) {
            self.evidence = Some(Evidence::Neighbour);
        }
    }

    /// What the neighbour table says of it, if anything, was read.
    pub(crate) fn looked_up(&mut self, neighbour: Option<Neighbour>) {
        self.looked_up |= self.is_up();
        self.mac = neighbour.and_then(|neighbour| neighbour.mac).or(self.mac);
    }

    /// Whether the neighbour table may have something new to tell.
    pub(crate) fn asks_table(&self) -> bool {
        match self.link {
            Link::Elsewhere => false,
            Link::Resolving(_) | Link::Stale(_) => true,
            Link::Neighbour => self.lacks_mac(),
        }
    }

    /// Whether the hardware address was not looked up yet, of a neighbour that answered.
    pub(crate) fn lacks_mac(&self) -> bool {
        self.link != Link::Elsewhere && self.is_up() && !self.looked_up
    }

    /// Whether the host itself answered, on a port.
    pub(crate) const fn is_up(&self) -> bool {
        matches!(self.evidence, Some(Evidence::Port(reason)) if reason.is_answer_of_host())
    }

    /// Whether anything shows that the host is there.
    pub(crate) fn is_there(&self) -> bool {
        self.evidence.is_some_and(Evidence::is_of_host)
    }

    /// Whether anything came back, from the host or from the path to it.
    pub(crate) const fn is_heard(&self) -> bool {
        self.heard
    }

    pub(crate) fn status(&self) -> HostStatus {
        match self.evidence {
            Some(evidence) if evidence.is_of_host() => HostStatus::Up,
            Some(Evidence::Port(Reason::NoNeighbour | Reason::HostUnreachable | Reason::NetUnreachable)) => {
                HostStatus::Down
            }
            Some(_) | None => HostStatus::Unknown,
        }
    }

    pub(crate) const fn evidence(&self) -> Option<Evidence> {
        self.evidence
    }

    /// The hardware address of a host that is there; that of one that is not is of who was there before.
    pub(crate) fn mac(&self) -> Option<MacAddr> {
        self.mac.filter(|_| self.is_there())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::neighbours::NeighbourState;
    use super::*;

    #[test]
    fn what_the_host_says_itself_is_the_best_evidence() {
        for (seen, status, evidence) in [
            (vec![], HostStatus::Unknown, None),
            (vec![Some(Reason::NoNeighbour)], HostStatus::Down, Some("no-neighbour")),
            (vec![Some(Reason::HostUnreachable)], HostStatus::Down, Some("host-unreachable")),
            (vec![Some(Reason::Prohibited)], HostStatus::Unknown, Some("prohibited")),
            (vec![None], HostStatus::Up, Some("neighbour")),
            (vec![None, Some(Reason::Prohibited)], HostStatus::Up, Some("neighbour")),
            (vec![None, Some(Reason::Rst), Some(Reason::Handshake)], HostStatus::Up, Some("rst")),
            (vec![Some(Reason::PortUnreachable), None], HostStatus::Up, Some("port-unreachable")),
            (vec![Some(Reason::Prohibited), Some(Reason::Rst)], HostStatus::Up, Some("rst")),
        ] {
            let mut presence = Presence::new(Link::Neighbour);
            for reason in &seen {
                match reason {
                    Some(reason) => presence.answered(*reason),
                    None => presence.is_neighbour(),
                }
            }
            let found = (presence.status(), presence.evidence().map(Evidence::as_str));
            assert_eq!(found, (status, evidence), "{seen:?}");
        }
    }

    #[test]
    fn the_table_is_asked_while_it_may_have_news() {
        let (since, mac) = (ScanTime::ZERO, Some("02:00:00:00:00:01".parse().unwrap()));
        let found = Neighbour { state: NeighbourState::Confirmed, mac };
        for (link, before, after) in [
            (Link::Elsewhere, false, false),
            (Link::Resolving(since), true, true),
            (Link::Stale(since), true, true),
            (Link::Neighbour, false, true),
        ] {
            let mut presence = Presence::new(link);
            assert_eq!(presence.asks_table(), before, "{link:?}, not heard of yet");
            presence.looked_up(Some(found));
            presence.answered(Reason::Rst);
            assert_eq!(presence.asks_table(), after, "{link:?}, and answered");
            assert_eq!(presence.lacks_mac(), link != Link::Elsewhere, "{link:?}");
            presence.looked_up(None);
            assert!(!presence.lacks_mac(), "{link:?}, looked up since it answered");
            assert_eq!(presence.mac(), mac, "what was known stays");
        }
    }

    #[test]
    fn who_is_not_there_has_no_hardware_address_and_was_not_heard() {
        let mut presence = Presence::new(Link::Neighbour);
        let mac = Some("02:00:00:00:00:01".parse().unwrap());
        presence.looked_up(Some(Neighbour { state: NeighbourState::Stale, mac }));
        presence.answered(Reason::NoNeighbour);
        assert_eq!((presence.mac(), presence.is_heard(), presence.is_there()), (None, false, false));
        presence.answered(Reason::Prohibited);
        assert_eq!((presence.is_heard(), presence.is_up()), (true, false), "heard from the path");
        presence.answered(Reason::Handshake);
        assert_eq!((presence.mac(), presence.is_there(), presence.is_up()), (mac, true, true));
    }

    #[test]
    fn the_search_for_a_neighbour_begins_with_what_is_sent() {
        let (then, now) = (ScanTime::ZERO, ScanTime::after(Duration::from_secs(1)));
        for (link, sent) in
            [(Link::Resolving(then), Link::Resolving(now)), (Link::Stale(then), Link::Stale(then))]
        {
            let mut presence = Presence::new(link);
            presence.sent(now);
            assert_eq!(presence.link, sent);
        }
    }
}
