//! `Worker`: a thread inside a namespace that ends when its owner goes.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::LabError;
use crate::namespace::Namespace;

#[derive(Debug)]
pub(crate) struct Worker {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

/// The worker's side.
#[derive(Debug)]
pub(crate) struct Owner(Receiver<()>);

impl Worker {
    pub(crate) fn start(
        namespace: &Namespace,
        task: impl FnOnce(&Owner) + Send + 'static,
    ) -> Result<Self, LabError> {
        let (here, gone) = mpsc::channel();
        let thread = namespace.start(move || task(&Owner(gone)))?;
        Ok(Self { running: Some((here, thread)) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some((here, thread)) = self.running.take() {
            drop(here);
            // A panic of the thread has been printed.
            drop(thread.join());
        }
    }
}

impl Owner {
    /// Waits for so long; true as soon as the owner is gone.
    pub(crate) fn gone_within(&self, wait: Duration) -> bool {
        self.0.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
    }
}
