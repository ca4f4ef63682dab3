//! `Patience`: the last silent ports of a host that answers are asked a few times more, spread over a second and a half.
//!
//! A listener whose queue is full drops SYNs until its program accepts again, and looks like a firewall meanwhile. Where silent ports
//! are few among many that answer, a server that has fallen behind is likely enough to wait for; where they are many a firewall is,
//! and waiting would only cost time.

use super::time::ScanTime;
use crate::config::defaults::{
    LEAST_PATIENCE_ROUNDS, PATIENCE_EVERY, PATIENCE_PORTS, PATIENCE_ROUNDS, PATIENCE_SHARE,
};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Patience {
    rounds: u8,
    /// When the first could begin.
    from: Option<ScanTime>,
    /// When the last round began, or, before the first, when everything else was done.
    last: Option<ScanTime>,
}

impl Patience {
    /// Rounds begun so far: as many attempts more does a silent port get.
    pub(crate) const fn rounds(self) -> u8 {
        self.rounds
    }

    /// Everything else is done. The moment of the next round, for a host with `silent` ports and `answering` ones: `now` begins it.
    /// `None` where there is none. On a `lossy` path the last silent ports are likely those of many that got lost time and again, so the
    /// first round is begun at once.
    pub(crate) fn next_round(
        &mut self,
        now: ScanTime,
        (silent, answering): (usize, usize),
        lossy: bool,
    ) -> Option<ScanTime> {
        let pays = silent > 0 && silent <= PATIENCE_PORTS && silent * PATIENCE_SHARE <= answering;
        if !pays {
            return None;
        }
        let waited = now.since(*self.from.get_or_insert(now));
        let is_long = waited > PATIENCE_EVERY * u32::from(PATIENCE_ROUNDS);
        if self.rounds >= if is_long { LEAST_PATIENCE_ROUNDS } else { PATIENCE_ROUNDS } {
            return None;
        }
        let due = match self.last {
            None if lossy => now,
            _ => *self.last.get_or_insert(now) + PATIENCE_EVERY,
        };
        if due > now {
            return Some(due);
        }
        self.rounds += 1;
        self.last = Some(now);
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn only_where_nothing_gets_lost_the_first_round_waits() {
        let first = |lossy| Patience::default().next_round(at(1000), (3, 100), lossy);
        assert_eq!(first(true), Some(at(1000)));
        assert_eq!(first(false), Some(at(1000) + PATIENCE_EVERY));
        let mut patience = Patience::default();
        patience.next_round(at(1000), (3, 100), true);
        assert_eq!(patience.next_round(at(1100), (3, 100), true), Some(at(1000) + PATIENCE_EVERY));
    }

    #[test]
    fn the_rounds_are_spread_and_end() {
        let mut patience = Patience::default();
        let mut begun = Vec::new();
        let mut now = at(1000);
        while let Some(due) = patience.next_round(now, (3, 100), false) {
            if due == now {
                begun.push(now);
                now = now + Duration::from_millis(100);
            } else {
                now = due;
            }
        }
        let expected: Vec<_> = (1..=12).map(|round| at(1000 + 125 * round)).collect();
        assert_eq!(begun, expected);
        assert_eq!(patience.rounds(), 12);
    }

    #[test]
    fn rounds_that_take_longer_are_fewer() {
        for (takes, rounds) in [(100, 12), (200, 7), (300, 6), (5_000, 6)] {
            let mut patience = Patience::default();
            let mut now = at(1000);
            while let Some(due) = patience.next_round(now, (3, 100), false) {
                now = if due == now { now + Duration::from_millis(takes) } else { due };
            }
            assert_eq!(patience.rounds(), rounds, "{takes} ms each");
        }
    }

    #[test]
    fn a_firewall_is_not_waited_for() {
        for (silent, answering) in [(0, 100), (65, 1_000), (3, 11), (100, 0)] {
            assert_eq!(
                Patience::default().next_round(at(0), (silent, answering), false),
                None,
                "{silent}, {answering}"
            );
        }
    }

    #[test]
    fn few_silent_ports_among_many_are_waited_for() {
        let due = at(0) + PATIENCE_EVERY;
        for (silent, answering) in [(1, 4), (3, 12), (64, 256)] {
            let next = Patience::default().next_round(at(0), (silent, answering), false);
            assert_eq!(next, Some(due), "{silent}, {answering}");
        }
        assert_eq!(Patience::default().next_round(at(0), (65, 260), false), None);
    }
}
