//! `Local`: this machine's own failures, as back-pressure. They never become facts about the network.

use std::time::Duration;

use scanner_core::Reason;

use super::time::ScanTime;
use crate::config::defaults::{
    DOWN_PATIENCE, DOWN_PAUSE, LOCAL_PATIENCE, LOCAL_PAUSE, LOCAL_PAUSE_MAX, PATIENT_TRIES,
};

/// What this machine failed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Out of descriptors, buffers, source ports or neighbour entries.
    Limit,
    /// The network is down, or the route to a host that had answered is gone.
    NetworkDown,
}

impl Trouble {
    /// What a port is left with when patience ends.
    pub(crate) const fn reason(self) -> Reason {
        match self {
            Self::Limit => Reason::LocalLimit,
            Self::NetworkDown => Reason::NetworkDown,
        }
    }

    const fn patience(self) -> Duration {
        match self {
            Self::Limit => LOCAL_PATIENCE,
            Self::NetworkDown => DOWN_PATIENCE,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Local {
    cap: Option<u32>,
    /// Attempts that went out since the cap was last changed, and how many of them let it grow.
    worked: u32,
    regrow_after: u32,
    /// The cap grew since the last failure.
    grown: bool,
    /// Since when nothing but failures, and how often that was waited for.
    since: Option<ScanTime>,
    failures: u32,
    pause: Duration,
    until: Option<ScanTime>,
    /// Rejects by a firewall of this machine since the last breath taken for them.
    rejects: u32,
}

/// After so many attempts that went out more sockets are tried, a quarter of those that are allowed: a failure that has passed must not
/// hold a scan at one socket. Each further failure doubles the number, up to the second, so that a limit that
/// stays is met once in a thousand; growth without a failure halves it.
const REGROW_FIRST: u32 = 8;
const REGROW_MOST: u32 = 1_024;

/// Linux sends at most 50 ICMP messages at once and 1,000 per second (`icmp_msgs_burst`, `icmp_msgs_per_sec`), for the whole
/// machine. With these two a scan takes half of that.
const REJECTS_AT_ONCE: u32 = 20;
const REJECTS_PAUSE: Duration = Duration::from_millis(40);

impl Default for Local {
    fn default() -> Self {
        Self {
            cap: None,
            worked: 0,
            regrow_after: REGROW_FIRST,
            grown: false,
            since: None,
            failures: 0,
            pause: Duration::ZERO,
            until: None,
            rejects: 0,
        }
    }
}

impl Local {
    /// How many sockets this machine seems to allow.
    pub(crate) fn cap(&self) -> u32 {
        self.cap.unwrap_or(u32::MAX)
    }

    /// An attempt really went out.
    pub(crate) fn worked(&mut self) {
        self.since = None;
        self.failures = 0;
        self.pause = Duration::ZERO;
        self.worked += 1;
        if self.worked >= self.regrow_after {
            self.worked = 0;
            if std::mem::replace(&mut self.grown, true) {
                self.regrow_after = (self.regrow_after / 2).max(REGROW_FIRST);
            }
            self.cap = self.cap.map(|cap| cap.saturating_add((cap / 4).max(1)));
        }
    }

    /// An attempt failed here while `in_flight` others were out; whether patience is at its end.
    pub(crate) fn failed(&mut self, now: ScanTime, trouble: Trouble, in_flight: u32) -> bool {
        if trouble == Trouble::Limit {
            self.cap = Some(in_flight.clamp(1, self.cap()));
            self.worked = 0;
            self.grown = false;
            self.regrow_after = (self.regrow_after * 2).min(REGROW_MOST);
        }
        let already_waiting = self.until.is_some_and(|until| until > now);
        if !already_waiting {
            self.pause = match trouble {
                Trouble::Limit => (self.pause * 2).clamp(LOCAL_PAUSE, LOCAL_PAUSE_MAX),
                Trouble::NetworkDown => DOWN_PAUSE,
            };
            self.until = Some(now + self.pause);
        }
        let since = *self.since.get_or_insert(now);
        self.failures += u32::from(!already_waiting);
        in_flight == 0 && self.failures >= PATIENT_TRIES && now.since(since) >= trouble.patience()
    }

    /// A firewall of this machine rejected a probe, and the kernel said so by ICMP to itself. It sends a limited number of these;
    /// a reject without one would look like silence, so they are kept below the limit.
    pub(crate) fn rejected(&mut self, now: ScanTime) {
        self.rejects += 1;
        if self.rejects >= REJECTS_AT_ONCE {
            self.rejects = 0;
            self.until = self.until.max(Some(now + REJECTS_PAUSE));
        }
    }

    /// Until when nothing is to be sent; `None` is now.
    pub(crate) fn paused_until(&self, now: ScanTime) -> Option<ScanTime> {
        self.until.filter(|&until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn a_limit_caps_and_pauses_and_is_tried_again() {
        let mut local = Local::default();
        assert!(!local.failed(at(0), Trouble::Limit, 50));
        assert_eq!(local.cap(), 50);
        assert_eq!(local.paused_until(at(0)), Some(at(20)));
        assert_eq!(local.paused_until(at(20)), None);
        for _ in 0..2 * REGROW_FIRST {
            local.worked();
        }
        assert_eq!(local.cap(), 62, "a quarter more");
    }

    /// How many of so many attempts fail where this machine gives `limit` sockets.
    fn failures(local: &mut Local, attempts: u32, limit: u32) -> u32 {
        let mut failures = 0;
        for _ in 0..attempts {
            if local.cap() > limit {
                failures += 1;
                local.failed(at(0), Trouble::Limit, limit);
            } else {
                local.worked();
            }
        }
        failures
    }

    #[test]
    fn a_limit_that_stays_is_met_ever_more_rarely() {
        let mut local = Local::default();
        assert!(failures(&mut local, 2_000, 20) <= 10);
        assert!(failures(&mut local, 10_000, 20) <= 11);
    }

    #[test]
    fn a_failure_that_has_passed_is_soon_forgotten() {
        let mut local = Local::default();
        local.failed(at(0), Trouble::Limit, 0);
        assert_eq!(local.cap(), 1);
        assert_eq!(failures(&mut local, 400, u32::MAX), 0);
        assert!(local.cap() > 100, "{}", local.cap());
    }

    #[test]
    fn rejects_stay_below_the_kernels_limit() {
        let (mut local, mut now, mut rejects) = (Local::default(), at(0), 0);
        while now < at(1000) {
            if let Some(until) = local.paused_until(now) {
                now = until;
            } else {
                local.rejected(now);
                rejects += 1;
            }
        }
        assert!((400..=520).contains(&rejects), "{rejects}");
    }

    #[test]
    fn patience_ends_only_when_nothing_works_any_more() {
        let mut local = Local::default();
        assert!(!local.failed(at(0), Trouble::Limit, 1));
        assert!(!local.failed(at(60_000), Trouble::Limit, 1), "one socket is out and may come back");
        local.worked();
        assert!(!local.failed(at(60_001), Trouble::Limit, 0), "something worked since");
        assert!(!local.failed(at(80_000), Trouble::Limit, 0), "nobody was there to try");
        let tries = (0..PATIENT_TRIES)
            .filter(|n| !local.failed(at(81_000 + u64::from(*n) * 1_000), Trouble::Limit, 0));
        assert!(tries.count() < PATIENT_TRIES as usize);
        assert_eq!(local.cap(), 1, "never none at all");
    }

    #[test]
    fn pauses_grow_up_to_a_second_and_are_not_drawn_out() {
        let (mut local, mut now) = (Local::default(), at(0));
        for pause in [20, 40, 80, 160, 320, 640, 1_000, 1_000] {
            local.failed(now, Trouble::Limit, 9);
            let until = now + Duration::from_millis(pause);
            assert_eq!(local.paused_until(now), Some(until), "{pause}");
            local.failed(now + Duration::from_millis(1), Trouble::Limit, 8);
            assert_eq!(local.paused_until(now), Some(until), "others of the same moment");
            now = until;
        }
        local.worked();
        local.failed(now, Trouble::Limit, 9);
        assert_eq!(local.paused_until(now), Some(now + LOCAL_PAUSE), "short again after something worked");
    }

    #[test]
    fn a_network_that_is_down_caps_nothing_and_is_asked_evenly() {
        let mut local = Local::default();
        for turn in 0..u64::from(PATIENT_TRIES) - 1 {
            let now = at(500 * turn);
            assert!(!local.failed(now, Trouble::NetworkDown, 3));
            assert_eq!(local.paused_until(now), Some(now + DOWN_PAUSE));
        }
        assert_eq!(local.cap(), u32::MAX);
        assert!(!local.failed(at(14_999), Trouble::NetworkDown, 0));
        assert!(local.failed(at(15_000), Trouble::NetworkDown, 0));
        assert_eq!(Trouble::NetworkDown.reason(), Reason::NetworkDown);
        assert_eq!(Trouble::Limit.reason(), Reason::LocalLimit);
    }

    #[test]
    fn growth_comes_faster_the_longer_nothing_fails() {
        let mut local = Local::default();
        for _ in 0..2 {
            local.failed(at(0), Trouble::Limit, 40);
        }
        assert_eq!(local.regrow_after, 4 * REGROW_FIRST);
        let mut caps = Vec::new();
        for attempts in [32, 32, 16, 8, 8] {
            (1..attempts).for_each(|_| local.worked());
            let before = local.cap();
            local.worked();
            assert_ne!(local.cap(), before, "after {attempts} attempts that went out");
            caps.push(local.cap());
        }
        assert_eq!(caps, [50, 62, 77, 96, 120]);
        local.failed(at(0), Trouble::Limit, 500);
        assert_eq!(local.cap(), 120, "more that are out do not raise it");
    }

    #[test]
    fn a_breath_is_taken_for_every_twentieth_reject() {
        let mut local = Local::default();
        (1..REJECTS_AT_ONCE).for_each(|_| local.rejected(at(5)));
        assert_eq!(local.paused_until(at(5)), None);
        local.rejected(at(5));
        assert_eq!(local.paused_until(at(5)), Some(at(45)));
        assert_eq!(local.paused_until(at(45)), None);
    }
}
