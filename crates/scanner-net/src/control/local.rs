//! `Local`: this machine's own failures, as back-pressure. They never become facts about the network.

use std::time::Duration;

use scanner_core::Reason;

use super::time::ScanTime;
use crate::config::defaults::{DOWN_PATIENCE, DOWN_PAUSE, LOCAL_PATIENCE, LOCAL_PAUSE, LOCAL_PAUSE_MAX};

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

#[derive(Debug, Default)]
pub(crate) struct Local {
    cap: Option<u32>,
    worked: u32,
    /// Since when nothing but failures.
    since: Option<ScanTime>,
    pause: Duration,
    until: Option<ScanTime>,
    /// Rejects by a firewall of this machine since the last breath taken for them.
    rejects: u32,
}

/// After this many attempts that went out, one more socket is tried: the limit may have been lifted.
const REGROW_AFTER: u32 = 64;

/// Linux sends at most 50 ICMP messages at once and 1,000 per second (`icmp_msgs_burst`, `icmp_msgs_per_sec`), for the whole
/// machine. With these two a scan takes half of that.
const REJECTS_AT_ONCE: u32 = 20;
const REJECTS_PAUSE: Duration = Duration::from_millis(40);

impl Local {
    /// How many sockets this machine seems to allow.
    pub(crate) fn cap(&self) -> u32 {
        self.cap.unwrap_or(u32::MAX)
    }

    /// An attempt really went out.
    pub(crate) fn worked(&mut self) {
        self.since = None;
        self.pause = Duration::ZERO;
        self.worked += 1;
        if self.worked >= REGROW_AFTER {
            self.worked = 0;
            self.cap = self.cap.map(|cap| cap.saturating_add(1));
        }
    }

    /// An attempt failed here while `in_flight` others were out; whether patience is at its end.
    pub(crate) fn failed(&mut self, now: ScanTime, trouble: Trouble, in_flight: u32) -> bool {
        if trouble == Trouble::Limit {
            self.cap = Some(in_flight.clamp(1, self.cap()));
            self.worked = 0;
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
        in_flight == 0 && now.since(since) >= trouble.patience()
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
        ScanTime(Duration::from_millis(ms))
    }

    #[test]
    fn a_limit_caps_and_pauses_and_is_tried_again() {
        let mut local = Local::default();
        assert!(!local.failed(at(0), Trouble::Limit, 50));
        assert_eq!(local.cap(), 50);
        assert_eq!(local.paused_until(at(0)), Some(at(20)));
        assert_eq!(local.paused_until(at(20)), None);
        for _ in 0..REGROW_AFTER {
            local.worked();
        }
        assert_eq!(local.cap(), 51);
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
        assert!(local.failed(at(80_000), Trouble::Limit, 0));
        assert_eq!(local.cap(), 1, "never none at all");
    }
}
