//! `Scan`: the handle of a running scan, and `ScanControl`, which steers it from elsewhere.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use futures_core::Stream;
use scanner_core::{HostAddr, Progress, ScanEvent, ScanReport};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::block_on::block_on;
use crate::driver::Command;
use crate::error::ScanError;

/// Where the report stands once the scan is over.
pub(crate) type Final = Arc<OnceLock<Arc<ScanReport>>>;

/// A running scan: a stream of events in the order in which things settle.
///
/// A stream that is not read pauses the scan before new probes, and distorts no measurement. Dropping the handle cancels the
/// scan and does not wait for it.
#[derive(Debug)]
pub struct Scan {
    events: mpsc::Receiver<ScanEvent>,
    progress: watch::Receiver<Progress>,
    control: ScanControl,
    done: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Scan {
    pub(crate) const fn new(
        events: mpsc::Receiver<ScanEvent>,
        progress: watch::Receiver<Progress>,
        control: ScanControl,
        done: oneshot::Receiver<()>,
        thread: JoinHandle<()>,
    ) -> Self {
        Self { events, progress, control, done: Some(done), thread: Some(thread) }
    }

    /// The identifier that every event of the scan carries, and its report.
    pub fn id(&self) -> &str {
        self.control.id()
    }

    /// The next event; `None` after the last. The same as the stream, without its trait.
    pub async fn next_event(&mut self) -> Option<ScanEvent> {
        self.events.recv().await
    }

    /// [`next_event`](Self::next_event) for a thread without a runtime: parks it until there is one.
    pub fn next_event_blocking(&mut self) -> Option<ScanEvent> {
        block_on(self.next_event())
    }

    /// The progress of the scan, at most ten new values per second.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// A handle to steer the scan from elsewhere.
    pub fn control(&self) -> ScanControl {
        self.control.clone()
    }

    /// Reads the stream to its end and returns the report. A cancelled scan returns what it found.
    ///
    /// # Errors
    /// [`ScanError::Stopped`] where the engine ended without a report.
    pub async fn finish(mut self) -> Result<ScanReport, ScanError> {
        while self.events.recv().await.is_some() {}
        if let Some(done) = self.done.take() {
            done.await.map_err(|_| ScanError::Stopped)?;
        }
        // After a cancellation the engine still closes its sockets; that is not waited for.
        if !self.control.cancel.is_cancelled()
            && let Some(thread) = self.thread.take()
        {
            thread.join().map_err(|_| ScanError::Stopped)?;
        }
        self.control.result.get().map(|report| ScanReport::clone(report)).ok_or(ScanError::Stopped)
    }

    /// [`finish`](Self::finish) for a thread without a runtime: parks it until the scan is over.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_blocking(self) -> Result<ScanReport, ScanError> {
        block_on(self.finish())
    }
}

impl Stream for Scan {
    type Item = ScanEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ScanEvent>> {
        self.events.poll_recv(cx)
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        self.control.cancel.cancel();
    }
}

/// Steers a running scan from anywhere. On a scan that is over, everything but [`snapshot`](Self::snapshot) does nothing.
#[derive(Debug, Clone)]
pub struct ScanControl {
    id: Arc<str>,
    commands: mpsc::UnboundedSender<Command>,
    cancel: CancellationToken,
    result: Final,
}

impl ScanControl {
    pub(crate) const fn new(
        id: Arc<str>,
        commands: mpsc::UnboundedSender<Command>,
        cancel: CancellationToken,
        result: Final,
    ) -> Self {
        Self { id, commands, cancel, result }
    }

    /// The identifier of the scan that it steers.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Ends the scan now; what was found is kept, what is open becomes `unknown/cancelled`.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// No new probes until [`resume`](Self::resume); answers that are on their way still count. The deadline of the scan runs on, the
    /// time of a host stands still.
    pub fn pause(&self) {
        self.send(Command::Pause);
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.send(Command::Resume);
    }

    /// Finishes one host now, if it is being scanned: what is open of it becomes `unknown/skipped`.
    pub fn skip_host(&self, addr: impl Into<HostAddr>) {
        self.send(Command::SkipHost(addr.into()));
    }

    /// Changes the limit on connection attempts per second, from the next attempt on; `None` lifts it.
    pub fn set_max_rate(&self, rate: Option<NonZeroU32>) {
        self.send(Command::MaxRate(rate));
    }

    /// The report so far: the finished hosts, and of the others those with an open port, with the ports that are settled. While
    /// the scan runs its completion is [`Incomplete`](scanner_core::Completion::Incomplete). Once the scan is over, the final
    /// report; `None` if the engine ended without one.
    ///
    /// Commands are obeyed in the order in which they are given: what comes after [`pause`](Self::pause) shows the paused scan.
    /// Every open port whose event came before is in it: who takes a snapshot and reads the events from then on misses none, and
    /// may see some twice.
    pub async fn snapshot(&self) -> Option<ScanReport> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Snapshot(reply));
        match answer.await {
            Ok(report) => Some(report),
            Err(_) => self.result.get().map(|report| ScanReport::clone(report)),
        }
    }

    /// The host that keeps the scan waiting: of those that fell silent the one that is silent longest, else the one that is being
    /// scanned longest. `None` where no host is being scanned, or the scan is over.
    pub async fn slowest_host(&self) -> Option<HostAddr> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Slowest(reply));
        answer.await.ok().flatten()
    }

    fn send(&self, command: Command) {
        // Fails only when the scan is over; then there is nothing to steer.
        drop(self.commands.send(command));
    }
}
