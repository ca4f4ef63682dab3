//! A reactor on a thread of its own, for scans that keep one processor busy.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use futures_util::task::AtomicWaker;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use super::reactor::{BELL, Reactor};
use crate::connect::permits::Permit;
use crate::connect::sys::Neighbours;
use crate::control::{Outcome, Probe, ProbeId};
use crate::driver::Clock;

/// Attempts that a worker has been given and has not begun, at most: enough that it does not run dry while the driver makes
/// attempts of its own.
const QUEUE: usize = 64;

/// Attempts between two looks at the readiness set.
const TURN: usize = 16;

/// The driver's end of a worker. Dropping it closes all sockets and waits for the thread.
pub(super) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    orders: Vec<Order>,
    /// Permits given.
    permits: u32,
    /// Attempts whose outcomes have not come back.
    waiting: u32,
    /// Attempts that may still be given in this turn.
    room: usize,
}

enum Order {
    Start(Probe, Option<Permit>),
    Release(ProbeId),
    /// Keep no more permits than so many attempts need.
    GiveUpIdle(u32),
    CloseAll,
}

struct Shared {
    orders: Mutex<Vec<Order>>,
    outcomes: Mutex<Vec<(ProbeId, Outcome)>>,
    /// Attempts given and not begun.
    backlog: AtomicUsize,
    /// The worker waits, and must be woken by the bell.
    asleep: AtomicBool,
    ended: AtomicBool,
    bell: OwnedFd,
    /// Who waits for outcomes.
    waker: Arc<AtomicWaker>,
}

impl Worker {
    pub(super) fn spawn(
        clock: Clock,
        neighbours: Arc<Neighbours>,
        waker: Arc<AtomicWaker>,
    ) -> io::Result<Self> {
        let reactor = Reactor::new(clock, neighbours)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // By edges, each ring is heard once and the counter need not be read.
        epoll::add(&**reactor.readiness(), &bell, EventData::new_u64(BELL), EventFlags::IN | EventFlags::ET)?;
        let shared = Arc::new(Shared {
            orders: Mutex::default(),
            outcomes: Mutex::default(),
            backlog: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            bell,
            waker,
        });
        let run = {
            let shared = Arc::clone(&shared);
            move || serve(&shared, reactor, clock)
        };
        let thread = thread::Builder::new().name("scan-reactor".into()).spawn(run)?;
        Ok(Self { shared, thread: Some(thread), orders: Vec::new(), permits: 0, waiting: 0, room: QUEUE })
    }

    /// Whether the worker should get the next attempt.
    pub(super) const fn has_room(&self) -> bool {
        self.room > 0
    }

    /// Gives it an attempt; `false` where there is no permit for one more socket.
    pub(super) fn start(&mut self, probe: Probe, permit: impl FnOnce() -> Option<Permit>) -> bool {
        let permit = if self.waiting < self.permits {
            None
        } else {
            let Some(permit) = permit() else { return false };
            self.permits += 1;
            Some(permit)
        };
        self.room = self.room.saturating_sub(1);
        self.waiting += 1;
        self.shared.backlog.fetch_add(1, Ordering::Relaxed);
        self.orders.push(Order::Start(probe, permit));
        true
    }

    pub(super) fn release(&mut self, id: ProbeId) {
        self.waiting -= 1;
        self.orders.push(Order::Release(id));
    }

    /// An outcome came back.
    pub(super) const fn came_back(&mut self) {
        self.waiting -= 1;
    }

    /// How many permits it has that no attempt needs.
    pub(super) const fn kept_permits(&self) -> u32 {
        self.permits - self.waiting
    }

    pub(super) fn give_up_idle(&mut self) {
        self.permits = self.waiting;
        self.orders.push(Order::GiveUpIdle(self.permits));
        self.send();
    }

    pub(super) fn close_all(&mut self) {
        (self.permits, self.waiting) = (0, 0);
        self.orders.push(Order::CloseAll);
        self.send();
    }

    /// Hands over what was ordered, and sees how much more may be.
    pub(super) fn send(&mut self) {
        if !self.orders.is_empty() {
            lock(&self.shared.orders).append(&mut self.orders);
            self.shared.ring();
        }
        self.room = QUEUE.saturating_sub(self.shared.backlog.load(Ordering::Relaxed));
    }

    /// Takes the outcomes that have come back.
    pub(super) fn take_outcomes(&self, into: &mut Vec<(ProbeId, Outcome)>) {
        std::mem::swap(&mut *lock(&self.shared.outcomes), into);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.shared.asleep.store(true, Ordering::SeqCst);
        self.shared.ring();
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, its sockets are closed all the same.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn ring(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // The counter cannot overflow before 2^64 rings.
            let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        }
    }
}

/// The worker's thread.
fn serve(shared: &Shared, mut reactor: Reactor, clock: Clock) {
    let (mut orders, mut outcomes) = (Vec::new(), Vec::new());
    while !shared.ended.load(Ordering::Acquire) {
        std::mem::swap(&mut *lock(&shared.orders), &mut orders);
        let idle = orders.is_empty();
        obey(shared, &mut reactor, clock, &mut orders, &mut outcomes);
        let more = reactor.poll(&mut outcomes);
        if publish(shared, &mut outcomes) || more || !idle {
            continue;
        }
        shared.asleep.store(true, Ordering::SeqCst);
        if lock(&shared.orders).is_empty() && !shared.ended.load(Ordering::Acquire) {
            reactor.wait(&mut outcomes);
        }
        shared.asleep.store(false, Ordering::SeqCst);
    }
}

fn obey(
    shared: &Shared,
    reactor: &mut Reactor,
    clock: Clock,
    orders: &mut Vec<Order>,
    outcomes: &mut Vec<(ProbeId, Outcome)>,
) {
    let mut attempts = 0;
    let mut now = clock.now();
    for order in orders.drain(..) {
        match order {
            Order::Start(probe, permit) => {
                if let Some(permit) = permit {
                    reactor.add_permit(permit);
                }
                // The driver has given a permit for each socket that its attempts need.
                if let Some(outcome) = reactor.start(probe, now, || None) {
                    outcomes.push((probe.id, outcome));
                }
                shared.backlog.fetch_sub(1, Ordering::Relaxed);
                attempts += 1;
                if attempts % TURN == 0 {
                    now = clock.now();
                    reactor.end_turn(now);
                    reactor.poll(outcomes);
                    publish(shared, outcomes);
                }
            }
            Order::Release(id) => drop(reactor.release(id)),
            Order::GiveUpIdle(attempts) => reactor.give_up_idle(attempts),
            Order::CloseAll => reactor.close_all(),
        }
    }
    reactor.end_turn(clock.now());
}

/// Hands over outcomes; whether there were any.
fn publish(shared: &Shared, outcomes: &mut Vec<(ProbeId, Outcome)>) -> bool {
    if outcomes.is_empty() {
        return false;
    }
    lock(&shared.outcomes).append(outcomes);
    shared.waker.wake();
    true
}

/// A panic of another holder leaves a list that is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
