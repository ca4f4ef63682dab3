//! `InnerSet`: the readiness set of a reactor, seen from the tokio runtime that the driver waits in.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(super) struct InnerSet {
    set: AsyncFd<Arc<OwnedFd>>,
}

impl InnerSet {
    /// Must be called inside the runtime.
    #[expect(unsafe_code, reason = "tokio has no safe way any more to wait for a descriptor of one's own")]
    pub(super) fn new(set: Arc<OwnedFd>) -> io::Result<Self> {
        // SAFETY: the descriptor is owned by the `Arc`, which the `AsyncFd` keeps until it is dropped; an `Arc` always gives the
        // same value, and an `OwnedFd` always the same open descriptor.
        let set = unsafe { AsyncFd::register_with_interest(set, Interest::READABLE)? };
        Ok(Self { set })
    }

    /// Waits until something is ready in the set, and forgets that it was: the set must be looked at afterwards.
    pub(super) fn poll_clear(&self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.set.poll_read_ready(cx)) {
            Ok(mut guard) => {
                guard.clear_ready();
                Poll::Ready(())
            }
            // Only while the runtime shuts down.
            Err(_) => Poll::Pending,
        }
    }
}
