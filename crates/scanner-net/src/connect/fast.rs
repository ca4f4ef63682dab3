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

/// Turns of the driver in a row that were full, before the first worker is started: 3,200 attempts and nothing else, 5 to 10 ms. The
/// window of one host is filled by fewer, and while a path is waited for a second thread would cost more than it brings.
const BUSY_TURNS: u32 = 200;

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
        // A worker without a permit to spare gets one only where there is one: the next reactor may have what it takes.
        let fits = |worker: &Worker| worker.has_room() && (worker.kept_permits() > 0 || permits.free() > 0);
        if let Some(owner) = self.workers.iter().position(fits) {
            if !self.workers[owner].start(probe, || permits.take()) {
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
        Started::here(self.own.start(probe, now, || permits.take()))
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use scanner_core::Reason;
    use tokio::sync::Semaphore;

    use super::*;

    /// A port that nobody listens on, as it was free a moment ago.
    fn refused() -> SocketAddr {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    }

    fn probe(serial: u32) -> Probe {
        let id = ProbeId::new(0, serial);
        Probe { id, addr: refused(), timeout: Duration::from_secs(9), unresolved_from: None }
    }

    #[test]
    fn an_attempt_goes_where_a_permit_is() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let clock = Clock::start();
        let mut connect = FastConnect::new(clock, NonZeroU32::MIN.saturating_add(1)).unwrap();
        let budget = Arc::new(Semaphore::new(1));
        let mut permits = Permits::new(Arc::clone(&budget));
        let refused = |started: Started| match started.outcome {
            Some(Outcome::Answered { reason, .. }) => reason == Reason::Rst,
            _ => false,
        };
        assert!(refused(connect.start(probe(1), clock.now(), &mut permits)));
        assert_eq!((connect.kept_permits(), permits.free()), (1, 0), "its socket serves again");
        connect.busy_turns = BUSY_TURNS;
        connect.hire();
        assert_eq!(connect.workers.len(), 1);
        assert!(refused(connect.start(probe(2), clock.now(), &mut permits)), "the worker has no permit");
        connect.give_up_idle();
        assert_eq!((connect.kept_permits(), permits.free()), (0, 1));
        let started = connect.start(probe(3), clock.now(), &mut permits);
        assert!(!started.here && started.outcome.is_none(), "the worker's");
        drop(connect);
        assert_eq!(budget.available_permits(), 1);
    }
}
