//! `Neighbourhood`: which targets are on this machine's own networks, and how many of them it may look for at once.
//!
//! Before the first packet to a neighbour the kernel asks for its hardware address, and remembers whom it asked for in a table of
//! limited size, which all programs of the machine share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use scanner_core::{HostAddr, MacAddr};

use super::pacer::Pacer;
use super::time::ScanTime;
use crate::config::defaults::{
    NEIGHBOUR_LATE, NEIGHBOUR_UNANSWERED, NEIGHBOURS_PER_SECOND, NEIGHBOURS_WHEN_FULL, RESOLUTION,
    TABLE_FULL_FOR, TABLE_FULL_PAUSE,
};

/// What the kernel knows of a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) state: NeighbourState,
    pub(crate) mac: Option<MacAddr>,
}

/// How sure the kernel is that a neighbour is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(any(test, target_os = "linux")),
    expect(dead_code, reason = "other systems are not asked for it")
)]
pub(crate) enum NeighbourState {
    /// It was asked for and has not answered yet.
    Asked,
    /// It answered a moment ago; Linux counts on it for half a minute or so.
    Confirmed,
    /// It was there once. Who sends to it makes the kernel ask it again, some seconds later.
    Stale,
    /// It did not answer.
    Failed,
    /// Someone wrote the entry by hand, which says nothing about who is there.
    Fixed,
}

/// The tables at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    pub(crate) links: Links,
    pub(crate) neighbours: BTreeMap<HostAddr, Neighbour>,
    /// How many neighbours without an answer this machine's table should hold at most.
    pub(crate) limit: u32,
    /// How often the table was full since the machine started.
    pub(crate) times_full: u64,
}

/// Which addresses this machine reaches without a router, the longest prefixes first. Empty where the platform does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Links(pub(crate) Vec<Route>);

/// One line of a routing table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) network: IpAddr,
    /// In bits.
    pub(crate) prefix: u8,
    /// Without a next hop, and by a device that resolves neighbours.
    pub(crate) resolves: bool,
}

impl Links {
    /// Whether the address is resolved as a neighbour. One with a scope always is, as it means nothing beyond its link.
    pub(crate) fn is_on_link(&self, addr: HostAddr) -> bool {
        let ip = addr.ip();
        addr.scope_id() != 0
            || self.0.iter().find(|route| route.contains(ip)).is_some_and(|route| route.resolves)
    }
}

impl Route {
    fn contains(&self, ip: IpAddr) -> bool {
        let differ = match (self.network, ip) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => u128::from(network.to_bits() ^ ip.to_bits()) << 96,
            (IpAddr::V6(network), IpAddr::V6(ip)) => network.to_bits() ^ ip.to_bits(),
            _ => return false,
        };
        differ.leading_zeros() >= self.prefix.into()
    }
}

/// Whether one more neighbour may be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Now,
    /// Not before this moment.
    At(ScanTime),
    /// Not before one of those that are looked for is found or given up.
    Later,
}

#[derive(Debug)]
pub(crate) struct Neighbourhood {
    reading: Reading,
    /// When the tables were read last.
    read: Option<ScanTime>,
    /// When they should be read.
    wanted: Option<ScanTime>,
    limit: u32,
    pacer: Pacer,
    /// Neighbours that active hosts wait for.
    resolving: u32,
    /// Until when the kernel looks for others, that no host waits for any more.
    left: BinaryHeap<Reverse<ScanTime>>,
    /// When the table was last seen to have been full.
    full: Option<ScanTime>,
    /// Some neighbour answered only the second request, or a later one.
    someone_was_late: bool,
}

impl Neighbourhood {
    pub(crate) fn new() -> Self {
        Self {
            reading: Reading::default(),
            read: None,
            wanted: Some(ScanTime::ZERO),
            limit: 0,
            pacer: Pacer::new(NonZeroU32::new(NEIGHBOURS_PER_SECOND)),
            resolving: 0,
            left: BinaryHeap::new(),
            full: None,
            someone_was_late: false,
        }
    }

    /// When the tables should be read, if at all.
    pub(crate) const fn wanted(&self) -> Option<ScanTime> {
        self.wanted
    }

    /// They should be read at this moment, or before.
    pub(crate) fn want(&mut self, at: ScanTime) {
        self.wanted = Some(self.wanted.map_or(at, |earlier| earlier.min(at)));
    }

    /// They should be read as soon as that makes sense: not twice within `pause`.
    pub(crate) fn want_soon(&mut self, now: ScanTime, pause: Duration) {
        self.want(self.read.map_or(now, |read| read + pause).max(now));
    }

    /// Someone reads them now.
    pub(crate) const fn is_being_read(&mut self) {
        self.wanted = None;
    }

    /// Takes a reading; whether the table was full since the one before.
    pub(crate) fn take(&mut self, now: ScanTime, reading: Reading) -> bool {
        let is_first = self.read.is_none();
        let was_full = !is_first && reading.times_full > self.reading.times_full;
        if was_full {
            self.limit = (self.limit / 2).max(NEIGHBOURS_WHEN_FULL).min(reading.limit);
            self.full = Some(now);
        } else if self.full.is_none_or(|full| now.since(full) >= TABLE_FULL_FOR) {
            self.limit = reading.limit;
        }
        self.read = Some(now);
        self.reading = reading;
        was_full
    }

    pub(crate) fn is_on_link(&self, addr: HostAddr) -> bool {
        self.reading.links.is_on_link(addr)
    }

    /// What the kernel knew of a neighbour when it was last asked.
    pub(crate) fn get(&self, addr: HostAddr) -> Option<Neighbour> {
        self.reading.neighbours.get(&addr).copied()
    }

    /// How many neighbours active hosts wait for.
    pub(crate) const fn resolving(&self) -> u32 {
        self.resolving
    }

    /// Whether one more neighbour may be looked for.
    pub(crate) fn room(&mut self, now: ScanTime) -> Room {
        while self.left.peek().is_some_and(|Reverse(until)| *until <= now) {
            self.left.pop();
        }
        if let Some(full) = self.full
            && now.since(full) < TABLE_FULL_PAUSE
        {
            return Room::At(full + TABLE_FULL_PAUSE);
        }
        let others = u32::try_from(self.left.len()).unwrap_or(u32::MAX);
        if self.resolving.saturating_add(others) >= self.limit.max(1) {
            return self.left.peek().map_or(Room::Later, |Reverse(until)| Room::At(*until));
        }
        self.pacer.ready_at(now).map_or(Room::Now, Room::At)
    }

    /// The kernel will be made to look for one more.
    pub(crate) fn begin(&mut self) {
        self.pacer.take();
        self.resolving += 1;
    }

    /// Nobody waits any more for a neighbour that was looked for from `since` on: it answered, or it was given up, by the kernel
    /// or before.
    pub(crate) fn end(&mut self, now: ScanTime, since: ScanTime, answered: bool) {
        self.resolving -= 1;
        if answered {
            self.someone_was_late |= now.since(since) >= NEIGHBOUR_LATE;
        } else if now < since + RESOLUTION {
            self.left.push(Reverse(since + RESOLUTION));
        }
    }

    /// Whether the table was full at some moment since then.
    pub(crate) fn was_full_since(&self, since: ScanTime) -> bool {
        self.full.is_some_and(|full| full >= since)
    }

    /// Whether a neighbour that was looked for from `since` on, and has not answered, is not there: two requests a second apart
    /// went unanswered. Where some neighbour answered only its second request, packets get lost or devices sleep, and the
    /// kernel's own verdict is waited for, after the third.
    pub(crate) fn is_missing(&self, now: ScanTime, since: ScanTime) -> bool {
        !self.someone_was_late && now.since(since) >= NEIGHBOUR_UNANSWERED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    fn reading(limit: u32, times_full: u64) -> Reading {
        Reading { limit, times_full, ..Reading::default() }
    }

    /// How many may begin within a span of time, with none ending.
    fn begun(neighbours: &mut Neighbourhood, from: ScanTime, until: ScanTime) -> u32 {
        let (mut now, mut begun) = (from, 0);
        while now < until {
            match neighbours.room(now) {
                Room::Now => {
                    neighbours.begin();
                    begun += 1;
                }
                Room::At(later) => now = later,
                Room::Later => break,
            }
        }
        begun
    }

    #[test]
    fn neighbours_are_begun_at_a_rate_and_up_to_a_number() {
        let mut neighbours = Neighbourhood::new();
        neighbours.take(at(0), reading(500, 0));
        let first = begun(&mut neighbours, at(0), at(500));
        assert!((195..=210).contains(&first), "{first}");
        assert_eq!(first + begun(&mut neighbours, at(500), at(60_000)), 500);
        assert_eq!(neighbours.room(at(60_000)), Room::Later);
    }

    #[test]
    fn one_that_was_given_up_early_counts_until_the_kernel_gives_it_up() {
        let mut neighbours = Neighbourhood::new();
        neighbours.take(at(0), reading(1, 0));
        neighbours.begin();
        neighbours.end(at(1_250), at(0), false);
        assert_eq!(neighbours.room(at(1_250)), Room::At(at(3_000)));
        assert_eq!(neighbours.room(at(3_000)), Room::Now);
        neighbours.begin();
        neighbours.end(at(3_010), at(3_000), true);
        assert_eq!(neighbours.room(at(4_000)), Room::Now, "the table holds it as known");
    }

    #[test]
    fn a_full_table_halves_the_number_and_pauses_and_is_tried_again() {
        let mut neighbours = Neighbourhood::new();
        assert!(!neighbours.take(at(0), reading(512, 700)), "what was before the scan is no news");
        assert!(neighbours.take(at(100), reading(512, 701)));
        assert!(neighbours.was_full_since(at(100)) && !neighbours.was_full_since(at(101)));
        assert_eq!(neighbours.room(at(100)), Room::At(at(1_100)));
        assert_eq!(begun(&mut neighbours, at(1_100), at(60_000)), 256);
        assert!(!neighbours.take(at(9_000), reading(512, 701)));
        assert_eq!(begun(&mut neighbours, at(9_000), at(60_000)), 256);
    }

    #[test]
    fn two_unanswered_requests_are_enough_where_nobody_needed_two() {
        let mut neighbours = Neighbourhood::new();
        neighbours.take(at(0), reading(512, 0));
        neighbours.begin();
        neighbours.end(at(40), at(0), true);
        assert!(!neighbours.is_missing(at(1_200), at(0)));
        assert!(neighbours.is_missing(at(1_250), at(0)));
        neighbours.begin();
        neighbours.end(at(1_010), at(0), true);
        assert!(!neighbours.is_missing(at(2_900), at(0)));
    }

    #[test]
    fn the_longest_prefix_says_who_is_a_neighbour() {
        let route =
            |network: &str, prefix, resolves| Route { network: network.parse().unwrap(), prefix, resolves };
        let links = Links(vec![
            route("10.9.0.1", 32, false),
            route("10.9.0.0", 24, true),
            route("fd07::", 64, true),
            route("0.0.0.0", 0, false),
        ]);
        for (addr, on_link) in [
            ("10.9.0.7", true),
            ("10.9.0.1", false),
            ("10.9.1.7", false),
            ("fd07::9", true),
            ("fd08::9", false),
            ("fe80::9%2", true),
        ] {
            assert_eq!(links.is_on_link(addr.parse().unwrap()), on_link, "{addr}");
        }
        assert!(!Links::default().is_on_link("10.9.0.7".parse().unwrap()));
    }

    #[test]
    fn a_reading_is_wanted_at_the_earliest_moment_that_was_asked_for() {
        let mut neighbours = Neighbourhood::new();
        assert_eq!(neighbours.wanted(), Some(at(0)), "before anything else");
        neighbours.is_being_read();
        assert_eq!(neighbours.wanted(), None);
        neighbours.want(at(900));
        neighbours.want(at(700));
        neighbours.want(at(800));
        assert_eq!(neighbours.wanted(), Some(at(700)));

        neighbours.is_being_read();
        neighbours.want_soon(at(300), Duration::from_millis(250));
        assert_eq!(neighbours.wanted(), Some(at(300)), "none was read yet");
        neighbours.take(at(310), reading(512, 0));
        neighbours.is_being_read();
        neighbours.want_soon(at(400), Duration::from_millis(250));
        assert_eq!(neighbours.wanted(), Some(at(560)), "not twice within the pause");
        neighbours.is_being_read();
        neighbours.want_soon(at(600), Duration::from_millis(250));
        assert_eq!(neighbours.wanted(), Some(at(600)));
    }

    #[test]
    fn the_number_after_a_full_table_has_bounds_and_comes_back() {
        let mut neighbours = Neighbourhood::new();
        neighbours.take(at(0), reading(512, 0));
        let mut limits = Vec::new();
        for turn in 1..=9 {
            assert!(neighbours.take(at(turn), reading(512, turn)));
            limits.push(neighbours.limit);
        }
        let least = NEIGHBOURS_WHEN_FULL;
        let halves = [256, 128, 64, 32, 16, 8, 4, 2, 1];
        assert_eq!(limits, halves.map(|half| half.max(least)));
        assert!(neighbours.take(at(10), reading(1, 10)));
        assert_eq!(neighbours.limit, 1, "never more than the table should hold");
        let over = at(10) + TABLE_FULL_FOR;
        neighbours.take(at(11), reading(512, 10));
        assert_eq!(neighbours.limit, 1);
        neighbours.take(over, reading(512, 10));
        assert_eq!(neighbours.limit, 512);
        assert_eq!(neighbours.room(at(10) + TABLE_FULL_PAUSE), Room::Now);
    }

    #[test]
    fn an_answer_to_the_second_request_is_a_late_one() {
        for (after, late) in [(Duration::from_millis(949), false), (NEIGHBOUR_LATE, true)] {
            let mut neighbours = Neighbourhood::new();
            neighbours.take(at(0), reading(512, 0));
            neighbours.begin();
            assert_eq!(neighbours.resolving(), 1);
            neighbours.end(at(7) + after, at(7), true);
            assert_eq!(neighbours.resolving(), 0);
            assert_eq!(neighbours.is_missing(at(0) + NEIGHBOUR_UNANSWERED, at(0)), !late, "{after:?}");
        }
    }

    #[test]
    fn a_neighbour_that_the_kernel_gave_up_leaves_nothing_behind() {
        let mut neighbours = Neighbourhood::new();
        neighbours.take(at(0), reading(1, 0));
        neighbours.begin();
        neighbours.end(at(0) + RESOLUTION, at(0), false);
        assert_eq!(neighbours.room(at(0) + RESOLUTION), Room::Now);
    }

    #[test]
    fn every_bit_of_the_prefix_counts() {
        let on = |network: &str, prefix, addr: &str| {
            let network = network.parse().unwrap();
            let links = Links(vec![Route { network, prefix, resolves: true }]);
            let mut neighbours = Neighbourhood::new();
            neighbours.take(at(0), Reading { links, ..Reading::default() });
            neighbours.is_on_link(addr.parse().unwrap())
        };
        assert!(on("10.9.0.128", 25, "10.9.0.255") && !on("10.9.0.128", 25, "10.9.0.127"));
        assert!(on("10.9.0.1", 32, "10.9.0.1") && !on("10.9.0.1", 32, "10.9.0.0"));
        assert!(on("fd07::2", 127, "fd07::3") && !on("fd07::2", 127, "fd07::1"));
        assert!(!on("::", 0, "10.9.0.1") && !on("0.0.0.0", 0, "fd07::1"), "of the other family");
    }
}
