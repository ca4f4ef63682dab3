//! From what a socket means to what came of the attempt: the part that is the same for every connector.

use std::net::IpAddr;
use std::time::Duration;

use scanner_core::Reason;

use super::classify::Meaning;
use super::sys::Neighbours;
use crate::control::{Outcome, Probe, ScanTime};

/// When a socket is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Right after `connect()` returned.
    First,
    /// When something happened, or the time is over.
    Later,
}

/// An attempt that went out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) probe: Probe,
    pub(crate) started: ScanTime,
}

impl Asked {
    /// What an attempt without any answer came to: silence, or a neighbour that was never there. The kernel says so by ICMP to
    /// itself, of which it sends a limited number per second, so its table is read instead. `local` tells the socket's own address.
    pub(crate) fn silence(
        &self,
        now: ScanTime,
        neighbours: &Neighbours,
        local: impl FnOnce() -> Option<IpAddr>,
    ) -> Outcome {
        let target = self.probe.addr.ip();
        let resolution_is_over = self.probe.unresolved_from.is_some_and(|from| now >= from);
        // This machine is no neighbour of its own, and where it does not tell who it is that may be so.
        let is_elsewhere = || local().is_some_and(|local| local != target);
        if resolution_is_over && neighbours.never_resolved(target, now) && is_elsewhere() {
            return Outcome::Answered { reason: Reason::NoNeighbour, rtt: now.since(self.started) };
        }
        Outcome::TimedOut
    }
}

/// What a look at a socket came to, with the round-trip time that `rtt` tells; `None` while there is no answer.
pub(crate) fn outcome(
    meaning: Meaning,
    look: Look,
    target: IpAddr,
    neighbours: &Neighbours,
    (now, rtt): (ScanTime, Duration),
) -> Option<Outcome> {
    let reason = match meaning {
        Meaning::Nothing => return None,
        Meaning::Settled(reason) => reason,
        // A firewall of this machine rejects while the SYN is on its way out, inside connect(); neighbour resolution fails
        // only after its probes went unanswered.
        Meaning::OwnUnreachable if look == Look::First => Reason::LocalPolicy,
        Meaning::OwnUnreachable => match neighbours.unresolved(target, now) {
            Some(true) => Reason::NoNeighbour,
            // The neighbour is known, and still this machine says that the host is unreachable: a rule of its firewall.
            Some(false) => Reason::LocalPolicy,
            // The target is not on link; the next hop to it did not answer.
            None => return Some(Outcome::NoRoute),
        },
        local @ (Meaning::NoRoute | Meaning::LocalLimit | Meaning::NetworkDown) => {
            return Some(failed_here(local));
        }
    };
    Some(Outcome::Answered { reason, rtt })
}

/// What a failure on this machine came to.
pub(crate) const fn failed_here(meaning: Meaning) -> Outcome {
    match meaning {
        Meaning::NoRoute => Outcome::NoRoute,
        Meaning::NetworkDown => Outcome::NetworkDown,
        Meaning::Settled(reason) => Outcome::Answered { reason, rtt: Duration::ZERO },
        Meaning::LocalLimit | Meaning::OwnUnreachable | Meaning::Nothing => Outcome::LocalLimit,
    }
}
