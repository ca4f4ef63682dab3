//! Progress, published at most ten times per second; a callback gets it on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::Duration;

use scanner_core::Progress;
use tokio::sync::watch;

use crate::block_on::block_on;
use crate::config::defaults::{LAST_CALLBACK, PROGRESS_INTERVAL};
use crate::control::ScanTime;

/// Receives the progress of a scan, one call at a time, on a thread of its own. The latest value wins: a slow callback skips
/// values and never delays the scan.
pub type ProgressCallback = Arc<dyn Fn(Progress) + Send + Sync>;

/// Publishes the progress of one scan.
#[derive(Debug)]
pub(crate) struct ProgressPublisher {
    values: watch::Sender<Progress>,
    next: ScanTime,
    callback: Option<CallbackThread>,
}

#[derive(Debug)]
struct CallbackThread {
    /// Whether the callback panicked; sent when the last call has returned.
    ended: std_mpsc::Receiver<bool>,
}

impl ProgressPublisher {
    /// A publisher, and where its values are to be read. Without a thread for the callback there are no calls.
    pub(crate) fn new(
        callback: Option<ProgressCallback>,
    ) -> std::io::Result<(Self, watch::Receiver<Progress>)> {
        let (values, reader) = watch::channel(Progress::default());
        let callback =
            callback.map(|callback| CallbackThread::start(callback, values.subscribe())).transpose()?;
        Ok((Self { values, next: ScanTime::ZERO, callback }, reader))
    }

    /// Publishes the progress where it is time to.
    pub(crate) fn publish(&mut self, now: ScanTime, progress: impl FnOnce() -> Progress) {
        if now >= self.next {
            self.next = now + PROGRESS_INTERVAL;
            self.values.send_replace(progress());
        }
    }

    /// Publishes the final progress.
    pub(crate) fn publish_last(&mut self, progress: Progress) {
        self.values.send_replace(progress);
    }

    /// How long until it is time to publish again.
    pub(crate) const fn due_in(&self, now: ScanTime) -> Duration {
        self.next.since(now)
    }

    /// Ends the publishing: waits a moment for the callback's last call. Whether the callback panicked.
    pub(crate) fn close(self) -> bool {
        drop(self.values);
        self.callback.is_some_and(|thread| thread.ended.recv_timeout(LAST_CALLBACK).unwrap_or(false))
    }
}

impl CallbackThread {
    fn start(callback: ProgressCallback, values: watch::Receiver<Progress>) -> std::io::Result<Self> {
        let (tell, ended) = std_mpsc::channel();
        thread::Builder::new().name("scan-progress".into()).spawn(move || {
            let panicked = call_until_closed(&callback, values);
            // Fails where the scan did not wait for a slow last call.
            let _waited_for = tell.send(panicked);
        })?;
        Ok(Self { ended })
    }
}

/// Calls back with every value that is new when the call before has returned, the last one in any case.
fn call_until_closed(callback: &ProgressCallback, mut values: watch::Receiver<Progress>) -> bool {
    loop {
        let open = block_on(values.changed()).is_ok();
        let fresh = open || values.has_changed().is_err();
        let value = *values.borrow_and_update();
        if fresh && catch_unwind(AssertUnwindSafe(|| callback(value))).is_err() {
            tracing::warn!("the progress callback panicked and is not called any more");
            return true;
        }
        if !open {
            return false;
        }
    }
}
