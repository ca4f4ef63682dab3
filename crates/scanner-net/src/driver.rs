//! The thin half of the engine: does what the controller wants and tells it what happened, one input at a time.

mod clock;
mod publish;
#[cfg(test)]
mod tests;

use std::future::{Future, pending, poll_fn};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use scanner_core::{HostAddr, Reason, ScanEvent, ScanReport};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use self::clock::Clock;
pub use self::publish::ProgressCallback;
pub(crate) use self::publish::ProgressPublisher;
use crate::connect::Connect;
use crate::control::{Controller, Input, Outcome, Output, Probe, ProbeId, ScanTime};

/// What the handles of a running scan ask of it.
#[derive(Debug)]
pub(crate) enum Command {
    Pause,
    Resume,
    SkipHost(HostAddr),
    MaxRate(Option<NonZeroU32>),
    Snapshot(oneshot::Sender<ScanReport>),
}

/// Attempts made before the driver looks at outcomes, commands and cancellation again; the clock is read as often.
const TURN: usize = 16;

pub(crate) struct Driver<C> {
    pub(crate) controller: Controller,
    pub(crate) connect: C,
    pub(crate) clock: Clock,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) events: mpsc::Sender<ScanEvent>,
    pub(crate) progress: ProgressPublisher,
    pub(crate) cancel: CancellationToken,
    /// Sockets that are open for this scan.
    pub(crate) open: u32,
    /// A permit that was waited for and is not used yet.
    pub(crate) spare: Option<OwnedSemaphorePermit>,
    /// The scan was cancelled.
    pub(crate) stopped: bool,
    /// An event that found no room yet. Until it is out nothing new is begun.
    pub(crate) held_back: Option<ScanEvent>,
}

/// How a turn ended.
enum Turn {
    /// There is more to do at once.
    More,
    /// Nothing to do before an outcome, or this moment.
    Until(Option<ScanTime>),
    /// The consumer has to make room first.
    Full,
    Done,
}

/// What the driver waited for.
enum Happened {
    Cancelled,
    Command(Option<Command>),
    Outcomes,
    Room,
    Permit(OwnedSemaphorePermit),
    Time,
}

impl<C: Connect> Driver<C> {
    /// Runs the scan to its end. Sockets may still be open then; they close when the driver is dropped.
    pub(crate) async fn run(&mut self) -> ScanReport {
        let mut outcomes = Vec::new();
        if self.cancel.is_cancelled() {
            self.stop();
        }
        loop {
            self.refresh_budget();
            let turn = self.turn();
            let now = self.clock.now();
            self.progress.publish(now, || self.controller.progress(now));
            if matches!(turn, Turn::Done) {
                break;
            }
            match self.happens(&turn, &mut outcomes).await {
                Happened::Cancelled => self.stop(),
                // From here on only the consumer is waited for, and it takes its time.
                Happened::Time if self.stopped => self.connect.close_all(),
                Happened::Command(Some(command)) => self.obey(command),
                Happened::Outcomes => {
                    let now = self.clock.now();
                    for (id, outcome) in outcomes.drain(..) {
                        self.open -= 1;
                        self.controller.handle_input(now, Input::Outcome(id, outcome));
                    }
                }
                Happened::Permit(permit) => self.spare = Some(permit),
                Happened::Command(None) | Happened::Room | Happened::Time => {}
            }
        }
        let now = self.clock.now();
        let report = self.controller.report(now);
        self.progress.publish_last(report.progress);
        report
    }

    /// Ends the scan. Its sockets are left alone until the report is out, as closing thousands of them takes its time.
    fn stop(&mut self) {
        self.stopped = true;
        self.feed(Input::Stop(Reason::Cancelled));
    }

    /// Drains the controller, up to a bound.
    fn turn(&mut self) -> Turn {
        if !self.flush() {
            self.spare = None;
            return Turn::Full;
        }
        let mut attempts = 0;
        let now = self.clock.now();
        loop {
            match self.controller.poll_output(now) {
                Output::Connect(probe) => {
                    self.connect(probe, now);
                    attempts += 1;
                    if attempts == TURN {
                        return Turn::More;
                    }
                }
                Output::Release(_) if self.stopped => {}
                Output::Release(id) => self.open -= u32::from(self.connect.release(id)),
                Output::Event(event) => {
                    self.held_back = Some(*event);
                    if !self.flush() {
                        // Who waits for its reader must not keep a permit from others.
                        self.spare = None;
                        return Turn::Full;
                    }
                }
                Output::Wait(until) => {
                    self.spare = None;
                    return Turn::Until(until);
                }
                Output::Done => return Turn::Done,
            }
        }
    }

    fn connect(&mut self, probe: Probe, now: ScanTime) {
        let permit = self.spare.take().or_else(|| Arc::clone(&self.permits).try_acquire_owned().ok());
        let outcome = match permit {
            None => Some(Outcome::NoPermit),
            Some(permit) => {
                self.open += 1;
                let outcome = self.connect.start(probe, permit);
                self.open -= u32::from(outcome.is_some());
                outcome
            }
        };
        if let Some(outcome) = outcome {
            self.controller.handle_input(now, Input::Outcome(probe.id, outcome));
            if outcome == Outcome::NoPermit {
                self.refresh_budget();
            }
        }
    }

    /// Waits for the first thing that happens. Cancellation and commands come before anything else, as they are rare.
    async fn happens(&mut self, turn: &Turn, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Happened {
        let until = match turn {
            Turn::Until(until) => *until,
            Turn::More | Turn::Full | Turn::Done => None,
        };
        let wake = self.wake_in(until);
        let permit = acquire(&self.permits, self.controller.wants_permit() && self.spare.is_none());
        let connect = &mut self.connect;
        tokio::select! {
            biased;
            () = self.cancel.cancelled(), if !self.stopped => Happened::Cancelled,
            command = self.commands.recv(), if !self.commands.is_closed() => Happened::Command(command),
            () = poll_fn(|cx| connect.poll_outcomes(cx, outcomes)), if !self.stopped => Happened::Outcomes,
            _ = self.events.reserve(), if matches!(turn, Turn::Full) => Happened::Room,
            permit = permit => Happened::Permit(permit),
            () = tokio::task::yield_now(), if matches!(turn, Turn::More) => Happened::Time,
            () = tokio::time::sleep(wake) => Happened::Time,
        }
    }

    /// How long to sleep at most: to the controller's next moment, or the next value of the progress.
    fn wake_in(&self, until: Option<ScanTime>) -> Duration {
        let now = self.clock.now();
        let progress = self.progress.due_in(now);
        until.map_or(progress, |until| until.since(now).min(progress))
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Pause => self.feed(Input::Pause),
            Command::Resume => self.feed(Input::Resume),
            Command::SkipHost(addr) => self.feed(Input::SkipHost(addr)),
            Command::MaxRate(rate) => self.feed(Input::Rate(rate)),
            Command::Snapshot(reply) => {
                let now = self.clock.now();
                // Who asked may have gone; then nobody wants the answer.
                drop(reply.send(self.controller.report(now)));
            }
        }
    }

    fn feed(&mut self, input: Input) {
        let now = self.clock.now();
        self.controller.handle_input(now, input);
    }

    /// Tells the controller how many sockets it may have, given what other scans of the process hold.
    fn refresh_budget(&mut self) {
        let free = self.permits.available_permits() + usize::from(self.spare.is_some());
        let budget = self.open.saturating_add(u32::try_from(free).unwrap_or(u32::MAX));
        let now = self.clock.now();
        self.controller.handle_input(now, Input::Budget(budget));
    }

    /// Hands over the event that waits; whether nothing waits any more.
    fn flush(&mut self) -> bool {
        let Some(event) = self.held_back.take() else { return true };
        match self.events.try_send(event) {
            // A consumer that went away has no use for events.
            Ok(()) | Err(TrySendError::Closed(_)) => true,
            Err(TrySendError::Full(event)) => {
                self.held_back = Some(event);
                false
            }
        }
    }
}

/// A permit as soon as another scan frees one; never, where none is wanted.
fn acquire(permits: &Arc<Semaphore>, wanted: bool) -> impl Future<Output = OwnedSemaphorePermit> + use<> {
    let permits = Arc::clone(permits);
    async move {
        if wanted && let Ok(permit) = permits.acquire_owned().await {
            return permit;
        }
        pending().await
    }
}
