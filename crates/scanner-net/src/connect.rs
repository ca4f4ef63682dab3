//! The seam between the driver and the operating system: how a connection attempt is made.

mod classify;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod conformance;
#[cfg(target_os = "linux")]
mod fast;
#[cfg(target_os = "linux")]
mod neighbours;
mod permits;
mod portable;
#[cfg_attr(target_os = "linux", path = "connect/sys_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "connect/sys_portable.rs")]
mod sys;
mod verdict;

use std::task::{Context, Poll};

#[cfg(target_os = "linux")]
pub(crate) use self::fast::FastConnect;
pub(crate) use self::permits::Permits;
pub(crate) use self::portable::PortableConnect;
pub(crate) use self::sys::NeighbourTable;
use crate::control::{Outcome, Probe, ProbeId, ScanTime};

/// What became of an attempt at its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Started {
    /// The outcome, where it is known at once; otherwise [`Connect::poll_outcomes`] gives it, exactly once.
    pub(crate) outcome: Option<Outcome>,
    /// The attempt took this thread's time.
    pub(crate) here: bool,
}

impl Started {
    /// An attempt made on this thread.
    pub(crate) const fn here(outcome: Option<Outcome>) -> Self {
        Self { outcome, here: true }
    }
}

/// A way to make connection attempts. Each socket holds one permit from when it is made until it is closed.
pub(crate) trait Connect {
    /// Makes an attempt. `now` was read for this turn of the driver.
    fn start(&mut self, probe: Probe, now: ScanTime, permits: &mut Permits) -> Started;

    /// The driver ends its turn: what was put off during it is done now. `now` was read at its end.
    fn end_turn(&mut self, now: ScanTime);

    /// Closes the socket of an attempt and forgets its outcome. Whether the attempt was still under way: its outcome may have
    /// been given in the same batch as the one that made it pointless.
    fn release(&mut self, id: ProbeId) -> bool;

    /// Appends the outcomes that are there, at most a batch; ready as soon as there is one.
    fn poll_outcomes(&mut self, cx: &mut Context<'_>, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Poll<()>;

    /// When an outcome will be there for want of an answer, at the latest; the connector must then be polled. `None` where it wakes
    /// the driver by itself.
    fn next_expiry(&self) -> Option<ScanTime>;

    /// How many permits are kept beyond those of the attempts under way, with sockets that can serve again.
    fn kept_permits(&self) -> u32;

    /// Gives up the sockets that serve no attempt, with their permits.
    fn give_up_idle(&mut self);

    /// Closes every socket.
    fn close_all(&mut self);
}
