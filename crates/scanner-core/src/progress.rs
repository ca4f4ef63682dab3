//! `Progress`: how far a scan is. The counters always add up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outcome::PortState;

/// How far a scan is, at one moment.
///
/// `open + closed + filtered + unknown + not_asked + pending() = probes`, at every moment. Counters stay below 2^53 in
/// any scan that can finish, so they are plain numbers on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Time since the scan began, in milliseconds on the wire.
    #[serde(rename = "elapsed_ms", with = "crate::wire::millis")]
    pub elapsed: Duration,
    /// Addresses to scan.
    pub targets: u64,
    /// Addresses that are finished.
    pub targets_done: u64,
    /// Addresses that have answered so far.
    pub targets_up: u64,
    /// Pairs of address and port to settle.
    pub probes: u64,
    /// Ports found open.
    pub open: u64,
    /// Ports found closed.
    pub closed: u64,
    /// Ports found filtered.
    pub filtered: u64,
    /// Ports that could not be measured.
    pub unknown: u64,
    /// Ports of hosts that were judged down before these ports were asked.
    pub not_asked: u64,
    /// Connection attempts made: retries, their copies and canaries among them.
    pub sent: u64,
    /// Connection attempts that wait for an answer now.
    pub in_flight: u32,
    /// How many may wait for an answer now.
    pub window: u32,
    /// Connection attempts per second, over the last full second.
    pub rate: u32,
    /// The share of the work that is done, in thousandths; 1,000 only when nothing is pending. Attempts to ports that are silent so far count in part.
    pub done_permille: u16,
    /// Time until the scan is done, in milliseconds on the wire; `None` while there is not enough to tell.
    #[serde(rename = "eta_ms", with = "crate::wire::millis_opt")]
    pub eta: Option<Duration>,
}

impl Progress {
    /// Pairs that have their final state.
    pub const fn settled(&self) -> u64 {
        self.open + self.closed + self.filtered + self.unknown
    }

    /// Pairs that are neither settled nor given up.
    pub const fn pending(&self) -> u64 {
        self.probes.saturating_sub(self.settled() + self.not_asked)
    }

    /// Counts `n` more ports in `state`.
    pub const fn count(&mut self, state: PortState, n: u64) {
        match state {
            PortState::Open => self.open += n,
            PortState::Closed => self.closed += n,
            PortState::Filtered => self.filtered += n,
            PortState::Unknown => self.unknown += n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_settled_given_up_or_pending() {
        let mut progress = Progress { probes: 1_000, not_asked: 100, ..Progress::default() };
        let states = [PortState::Open, PortState::Closed, PortState::Filtered, PortState::Unknown];
        for (state, n) in states.into_iter().zip([2, 30, 400, 5]) {
            progress.count(state, n);
            progress.count(state, 1);
        }
        let counted = (progress.open, progress.closed, progress.filtered, progress.unknown);
        assert_eq!(counted, (3, 31, 401, 6));
        assert_eq!((progress.settled(), progress.pending()), (441, 459));
        progress.count(PortState::Closed, 500);
        assert_eq!(progress.pending(), 0, "never less than nothing");
    }
}
