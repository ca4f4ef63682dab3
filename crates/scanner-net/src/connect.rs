//! The seam between the driver and the operating system: how a connection attempt is made.

mod classify;
#[cfg(target_os = "linux")]
mod neighbours;
mod portable;
#[cfg_attr(target_os = "linux", path = "connect/sys_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "connect/sys_portable.rs")]
mod sys;

use std::task::{Context, Poll};

use tokio::sync::OwnedSemaphorePermit;

use crate::control::{Outcome, Probe, ProbeId};

pub(crate) use self::portable::PortableConnect;

/// A way to make connection attempts. Each attempt holds one socket and its permit until its outcome is known.
pub(crate) trait Connect {
    /// Makes an attempt. The outcome, where it is known at once; otherwise [`poll_outcomes`](Self::poll_outcomes) gives it,
    /// exactly once.
    fn start(&mut self, probe: Probe, permit: OwnedSemaphorePermit) -> Option<Outcome>;

    /// Closes the socket of an attempt and forgets its outcome. Whether the attempt was still under way: its outcome may have
    /// been given in the same batch as the one that made it pointless.
    fn release(&mut self, id: ProbeId) -> bool;

    /// Appends the outcomes that are there, at most a batch; ready as soon as there is one.
    fn poll_outcomes(&mut self, cx: &mut Context<'_>, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Poll<()>;

    /// Closes every socket.
    fn close_all(&mut self);
}
