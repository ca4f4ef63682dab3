//! `Permits`: the right of one scan to hold sockets, out of the budget that clones of a `Scanner` share.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right to hold one socket.
pub(crate) type Permit = OwnedSemaphorePermit;

#[derive(Debug)]
pub(crate) struct Permits {
    shared: Arc<Semaphore>,
    /// A permit that was waited for and is not used yet.
    spare: Option<Permit>,
}

impl Permits {
    pub(crate) const fn new(shared: Arc<Semaphore>) -> Self {
        Self { shared, spare: None }
    }

    /// A permit, if there is one now.
    pub(crate) fn take(&mut self) -> Option<Permit> {
        self.spare.take().or_else(|| Arc::clone(&self.shared).try_acquire_owned().ok())
    }

    /// How many there are now.
    pub(crate) fn free(&self) -> u32 {
        let free = self.shared.available_permits() + usize::from(self.spare.is_some());
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    /// Keeps a permit that was waited for.
    pub(crate) fn keep(&mut self, permit: Permit) {
        self.spare = Some(permit);
    }

    /// Gives back the permit that was waited for and found no use.
    pub(crate) fn put_back(&mut self) {
        self.spare = None;
    }

    /// A permit as soon as another scan frees one; never, where none is wanted.
    pub(crate) fn wait(&self, wanted: bool) -> impl Future<Output = Permit> + use<> {
        let shared = (wanted && self.spare.is_none()).then(|| Arc::clone(&self.shared));
        async move {
            if let Some(shared) = shared
                && let Ok(permit) = shared.acquire_owned().await
            {
                return permit;
            }
            pending().await
        }
    }
}
