//! The thin half of the engine: does what the controller wants and tells it what happened, one input at a time.

mod clock;
mod publish;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::task::{Context, Waker};
use std::time::Duration;

use scanner_core::{HostAddr, Reason, ScanEvent, ScanReport};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use self::clock::Clock;
pub use self::publish::ProgressCallback;
pub(crate) use self::publish::ProgressPublisher;
use crate::connect::{Connect, NeighbourTable, Permits};
use crate::control::{Controller, Input, Outcome, Output, Probe, ProbeId, ScanTime};

/// What the handles of a running scan ask of it.
#[derive(Debug)]
pub(crate) enum Command {
    Pause,
    Resume,
    SkipHost(HostAddr),
    MaxRate(Option<NonZeroU32>),
    Snapshot(oneshot::Sender<ScanReport>),
    Slowest(oneshot::Sender<Option<HostAddr>>),
}

/// Attempts made before the driver looks at outcomes, commands and cancellation again; the clock is read as often.
pub(crate) const TURN: usize = 16;

/// Of so many turns that end with more to do, one lets the runtime look at everything else as well; after the others it is enough
/// to see what is there, as the runtime would cost more than the attempts.
const THROUGH_RUNTIME: u32 = 8;

pub(crate) struct Driver {
    pub(crate) controller: Controller,
    pub(crate) connect: Box<dyn Connect + Send>,
    pub(crate) clock: Clock,
    pub(crate) neighbours: NeighbourTable,
    pub(crate) permits: Permits,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) events: mpsc::Sender<ScanEvent>,
    pub(crate) progress: ProgressPublisher,
    pub(crate) cancel: CancellationToken,
    /// Attempts that are under way.
    pub(crate) open: u32,
    /// Turns so far.
    pub(crate) turns: u32,
    /// The scan was cancelled.
    pub(crate) stopped: bool,
    /// Events that are not out yet. They go at the end of a turn, so that whoever waits for them is woken once for all of them; while they
    /// find no room nothing new is begun.
    pub(crate) held_back: VecDeque<ScanEvent>,
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

impl Driver {
    /// Runs the scan to its end. Sockets may still be open then; they close when the driver is dropped.
    pub(crate) async fn run(&mut self) -> ScanReport {
        let mut outcomes = Vec::new();
        if self.cancel.is_cancelled() {
            self.stop();
        }
        loop {
            let turn = self.turn();
            let now = self.clock.now();
            self.connect.end_turn(now);
            self.progress.publish(now, || self.controller.progress(now));
            let happened = match turn {
                Turn::Done => break,
                Turn::More if !self.turns.is_multiple_of(THROUGH_RUNTIME) => self.glance(&mut outcomes),
                Turn::More | Turn::Until(_) | Turn::Full => {
                    self.give_up_what_others_need(&turn);
                    self.happens(&turn, now, &mut outcomes).await
                }
            };
            match happened {
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
                Happened::Permit(permit) => self.permits.keep(permit),
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

    /// Drains the controller, up to a bound, and hands over what it has to tell.
    fn turn(&mut self) -> Turn {
        self.turns = self.turns.wrapping_add(1);
        if !self.flush() {
            return Turn::Full;
        }
        let now = self.clock.now();
        self.refresh_budget(now);
        let turn = self.drain(now);
        if self.flush() { turn } else { Turn::Full }
    }

    fn drain(&mut self, now: ScanTime) -> Turn {
        let mut attempts = 0;
        loop {
            match self.controller.poll_output(now) {
                Output::Connect(probe) => {
                    attempts += usize::from(self.connect(probe, now));
                    if attempts == TURN {
                        return Turn::More;
                    }
                }
                Output::Release(_) if self.stopped => {}
                Output::Release(id) => self.open -= u32::from(self.connect.release(id)),
                Output::ReadNeighbours => {
                    let reading = self.neighbours.read(now);
                    self.feed(Input::Neighbours(reading));
                }
                Output::Event(event) => {
                    self.held_back.push_back(*event);
                    if self.held_back.len() >= TURN && !self.flush() {
                        return Turn::Full;
                    }
                }
                Output::Wait(until) => return Turn::Until(until),
                Output::Done => return Turn::Done,
            }
        }
    }

    /// Makes an attempt; whether it was made on this thread.
    fn connect(&mut self, probe: Probe, now: ScanTime) -> bool {
        self.open += 1;
        let start = self.connect.start(probe, now, &mut self.permits);
        if let Some(outcome) = start.outcome {
            self.open -= 1;
            self.controller.handle_input(now, Input::Outcome(probe.id, outcome));
            if outcome == Outcome::NoPermit {
                self.refresh_budget(now);
            }
        }
        start.here
    }

    /// Sees what is there, without waiting.
    fn glance(&mut self, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Happened {
        if self.cancel.is_cancelled() && !self.stopped {
            return Happened::Cancelled;
        }
        if let Ok(command) = self.commands.try_recv() {
            return Happened::Command(Some(command));
        }
        let ready = self.connect.poll_outcomes(&mut Context::from_waker(Waker::noop()), outcomes).is_ready();
        if ready { Happened::Outcomes } else { Happened::Time }
    }

    /// Gives back the permits that this scan has no use for while it waits, where another may have.
    fn give_up_what_others_need(&mut self, turn: &Turn) {
        let waits_for_answers = matches!(turn, Turn::Until(_)) && self.open > 0;
        if matches!(turn, Turn::More) || waits_for_answers && self.permits.free() > 0 {
            return;
        }
        self.permits.put_back();
        if self.connect.kept_permits() > 0 {
            self.connect.give_up_idle();
        }
    }

    /// Waits for the first thing that happens. Cancellation and commands come before anything else, as they are rare.
    async fn happens(
        &mut self,
        turn: &Turn,
        now: ScanTime,
        outcomes: &mut Vec<(ProbeId, Outcome)>,
    ) -> Happened {
        let until = match turn {
            Turn::Until(until) => *until,
            Turn::More | Turn::Full | Turn::Done => None,
        };
        let wake = self.wake_in(until, now);
        let permit = self.permits.wait(self.controller.wants_permit());
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

    /// How long to sleep at most: to the controller's next moment, the next attempt that expires, or the next value of the
    /// progress.
    fn wake_in(&self, until: Option<ScanTime>, now: ScanTime) -> Duration {
        let expiry = self.connect.next_expiry().filter(|_| !self.stopped);
        let wakes = [until, expiry].into_iter().flatten().map(|until| until.since(now));
        wakes.fold(self.progress.due_in(now), Duration::min)
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
            Command::Slowest(reply) => drop(reply.send(self.controller.slowest_host())),
        }
    }

    fn feed(&mut self, input: Input) {
        let now = self.clock.now();
        self.controller.handle_input(now, input);
    }

    /// Tells the controller how many sockets it may have, given what other scans of the process hold.
    fn refresh_budget(&mut self, now: ScanTime) {
        let budget = self.open + self.connect.kept_permits() + self.permits.free();
        self.controller.handle_input(now, Input::Budget(budget));
    }

    /// Hands over the events that wait; whether none waits any more.
    fn flush(&mut self) -> bool {
        while let Some(event) = self.held_back.pop_front() {
            // A consumer that went away has no use for events.
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                self.held_back.push_front(event);
                return false;
            }
        }
        true
    }
}
