//! The fast connector (Linux): one reactor on the engine's own thread, and workers with a reactor each where a scan keeps that
//! thread busy.

mod index;
mod inner_set;
mod reactor;
mod wheel;
mod worker;

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use self::index::Index;
use self::inner_set::InnerSet;
use self::reactor::Reactor;
use self::worker::Worker;
use super::sys::Neighbours;
use super::{Connect, Permits, Started};
use crate::control::{Outcome, Probe, ProbeId, ScanTime};
use crate::driver::{Clock, TURN};

/// Turns of the driver in a row that were full, before the first worker is started: a millisecond or so of nothing but attempts.
const BUSY_TURNS: u32 = 32;

/// Makes attempts with sockets that serve one after the other.
pub(crate) struct FastConnect {
    clock: Clock,
    neighbours: Arc<Neighbours>,
    own: Reactor,
    inner_set: InnerSet,
    workers: Vec<Worker>,
    /// How many workers there may be.
    allowed: usize,
    busy_turns: u32,
    /// Which worker has an attempt.
    owners: Index,
    waker: Arc<AtomicWaker>,
    /// Outcomes that came back and were not given yet.
    came_back: Vec<(ProbeId, Outcome)>,
    /// Attempts made here in this turn.
    attempts: u32,
}

impl FastConnect {
    /// A connector of so many reactors at most. Must be made inside the tokio runtime that it is polled in.
    ///
    /// # Errors
    /// The operating system refuses a readiness set.
    pub(crate) fn new(clock: Clock, reactors: NonZeroU32) -> io::Result<Self> {
        let neighbours = Arc::<Neighbours>::default();
        let own = Reactor::new(clock, Arc::clone(&neighbours))?;
        Ok(Self {
            clock,
            neighbours,
            inner_set: InnerSet::new(Arc::clone(own.readiness()))?,
            own,
            workers: Vec::new(),
            allowed: reactors.get() as usize - 1,
            busy_turns: 0,
            owners: Index::default(),
            waker: Arc::default(),
            came_back: Vec::new(),
            attempts: 0,
        })
    }

    /// Starts one more worker where the engine's thread has long been busy. Where the system refuses one, it stays as it is.
    fn hire(&mut self) {
        if self.workers.len() < self.allowed && self.busy_turns >= BUSY_TURNS {
            self.busy_turns = 0;
            match Worker::spawn(self.clock, Arc::clone(&self.neighbours), Arc::clone(&self.waker)) {
                Ok(worker) => self.workers.push(worker),
                Err(error) => {
                    tracing::debug!(%error, "no further reactor");
                    self.allowed = self.workers.len();
                }
            }
        }
    }

    /// Gives what the workers found to the driver, but for attempts that were released meanwhile.
    fn collect(&mut self, outcomes: &mut Vec<(ProbeId, Outcome)>) {
        for worker in &mut self.workers {
            worker.take_outcomes(&mut self.came_back);
            for (id, outcome) in self.came_back.drain(..) {
                if self.owners.take(id).is_some() {
                    worker.came_back();
                    outcomes.push((id, outcome));
                }
            }
        }
    }
}

impl Connect for FastConnect {
    fn start(&mut self, probe: Probe, now: ScanTime, permits: &mut Permits) -> Started {
        let mut permit = || permits.take();
        let with_room = self.workers.iter_mut().enumerate().find(|(_, worker)| worker.has_room());
        if let Some((owner, worker)) = with_room {
            if !worker.start(probe, permit) {
                return Started::here(Some(Outcome::NoPermit));
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "one of at most as many as there are threads"
            )]
            self.owners.insert(probe.id, owner as u32);
            return Started { outcome: None, here: false };
        }
        self.attempts += 1;
        Started::here(self.own.start(probe, now, &mut permit))
    }

    fn end_turn(&mut self, now: ScanTime) {
        self.own.end_turn(now);
        let busy = self.attempts as usize >= TURN;
        self.busy_turns = if busy { self.busy_turns + 1 } else { 0 };
        self.attempts = 0;
        self.hire();
        for worker in &mut self.workers {
            worker.send();
        }
    }

    fn release(&mut self, id: ProbeId) -> bool {
        match self.owners.take(id) {
            Some(owner) => {
                self.workers[owner as usize].release(id);
                true
            }
            None => self.own.release(id),
        }
    }

    fn poll_outcomes(&mut self, cx: &mut Context<'_>, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Poll<()> {
        // Before the look, so that what comes after it wakes the driver.
        if !self.workers.is_empty() {
            self.waker.register(cx.waker());
        }
        self.collect(outcomes);
        loop {
            let more = self.own.poll(outcomes);
            if !outcomes.is_empty() {
                return Poll::Ready(());
            }
            // The set was found empty before its readiness is cleared, so that no edge is lost.
            if !more && self.inner_set.poll_clear(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn next_expiry(&self) -> Option<ScanTime> {
        self.own.next_expiry()
    }

    fn kept_permits(&self) -> u32 {
        self.own.kept_permits() + self.workers.iter().map(Worker::kept_permits).sum::<u32>()
    }

    fn give_up_idle(&mut self) {
        self.own.give_up_idle(0);
        for worker in &mut self.workers {
            worker.give_up_idle();
        }
    }

    fn close_all(&mut self) {
        self.own.close_all();
        for worker in &mut self.workers {
            worker.close_all();
        }
        self.owners = Index::default();
    }
}
