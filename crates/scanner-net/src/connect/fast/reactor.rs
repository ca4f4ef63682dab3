//! `Reactor`: a private readiness set, sockets that serve one attempt after the other, one timer structure.
//!
//! What counts is the number of system calls. A refused socket may connect again, so that a refused port costs three: `connect()`,
//! `TCP_INFO` to tell a RST from an ICMP message, and the second `connect()` that fetches the refusal and frees the socket. After
//! silence `connect(AF_UNSPEC)` frees it. After an ICMP error it is closed, as the kernel keeps the error and would give it to a later
//! attempt; after success too: a segment of the connection that another processor handles just then is counted by the attempt that
//! follows (seen on Linux 6.18), and what was counted is what tells a RST.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use scanner_core::Reason;
use slab::Slab;
use socket2::Socket;

use super::index::Index;
use super::wheel::Wheel;
use crate::connect::classify::{Meaning, Observation, classify, refused_by_kernel};
use crate::connect::permits::Permit;
use crate::connect::sys::{self, Neighbours, TcpInfo};
use crate::connect::verdict::{Asked, Look, failed_here, outcome};
use crate::control::{Outcome, Probe, ProbeId, ScanTime};
use crate::driver::Clock;

/// Outcomes given in one batch, so that the driver looks at everything else in between.
pub(super) const BATCH: usize = 64;

/// The number by which the readiness set calls the bell of a worker; sockets have smaller ones.
pub(super) const BELL: u64 = u64::MAX;

pub(super) struct Reactor {
    clock: Clock,
    neighbours: Arc<Neighbours>,
    readiness: Arc<OwnedFd>,
    sockets: Slab<Slot>,
    /// Sockets that serve no attempt, by family.
    idle: [Vec<u32>; 2],
    /// At least as many as there are sockets.
    permits: Vec<Permit>,
    under_way: Index,
    expiries: Wheel,
    haste: Haste,
    pace: Pace,
    /// How often the readiness set was found empty. What is ready before the next time was so when its `connect()` returned.
    drained: u64,
}

struct Slot {
    socket: Socket,
    /// Where it waits for its next attempt; `None` where it can serve only one.
    pool: Option<usize>,
    /// It is in the readiness set.
    watched: bool,
    /// The attempt that waits for an answer.
    asked: Option<Asked>,
    /// [`Reactor::drained`] when the attempt began.
    since: u64,
    /// Until then an answer to an attempt before may still be counted by the one that is under way.
    in_doubt_until: ScanTime,
}

/// How long a segment may take from the network device to its socket, at the very most: processors of virtual machines stand still
/// for some ten milliseconds.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// The kernel sends its second SYN 1 s after the first; from then on there may be two answers.
const SECOND_SYN: Duration = Duration::from_millis(990);

/// A look at a socket.
#[derive(Debug, Clone, Copy)]
struct Glance {
    /// What the kernel told; `None` where it did not.
    info: Option<TcpInfo>,
    look: Look,
    now: ScanTime,
    /// The round-trip time of an answer, where the kernel does not tell.
    rtt: Duration,
}

/// What becomes of a socket after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// The kernel has freed it.
    Free,
    /// It must be disconnected first.
    Disconnect,
    Close,
}

impl Reactor {
    pub(super) fn new(clock: Clock, neighbours: Arc<Neighbours>) -> io::Result<Self> {
        Ok(Self {
            clock,
            neighbours,
            readiness: Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?),
            sockets: Slab::new(),
            idle: [Vec::new(), Vec::new()],
            permits: Vec::new(),
            under_way: Index::default(),
            expiries: Wheel::new(),
            haste: Haste::default(),
            pace: Pace::default(),
            drained: 0,
        })
    }

    /// The readiness set, to wait for.
    pub(super) const fn readiness(&self) -> &Arc<OwnedFd> {
        &self.readiness
    }

    /// How many attempts wait for an answer.
    pub(super) const fn waiting(&self) -> u32 {
        self.expiries.len()
    }

    /// When the first of them expires.
    pub(super) fn next_expiry(&self) -> Option<ScanTime> {
        self.expiries.next()
    }

    /// Takes over the right to one more socket.
    pub(super) fn add_permit(&mut self, permit: Permit) {
        self.permits.push(permit);
    }

    /// How many permits are not in use by an attempt.
    pub(super) fn kept_permits(&self) -> u32 {
        u32::try_from(self.permits.len()).unwrap_or(u32::MAX).saturating_sub(self.waiting())
    }

    /// Makes an attempt; the outcome where it is known at once. A permit is asked for where the attempt needs one more socket.
    pub(super) fn start(
        &mut self,
        probe: Probe,
        now: ScanTime,
        permit: impl FnOnce() -> Option<Permit>,
    ) -> Option<Outcome> {
        self.pace.began(now);
        let key = match self.connect(probe.addr, permit) {
            Ok(key) => key,
            Err(outcome) => return Some(outcome),
        };
        let asked = Asked { probe, started: now };
        if self.haste.looks_at_once() {
            let outcome = self.look_at_once(key, asked);
            self.haste.saw(outcome.is_some());
            if outcome.is_some() {
                return outcome;
            }
        }
        self.await_answer(key, asked)
    }

    /// The driver's turn is over.
    pub(super) fn end_turn(&mut self, now: ScanTime) {
        self.pace.ended(now);
    }

    /// Appends the outcomes that are there, at most a batch or so; whether there may be more.
    pub(super) fn poll(&mut self, outcomes: &mut Vec<(ProbeId, Outcome)>) -> bool {
        // Without an attempt that waits there is nothing to be heard, not even a bell.
        self.waiting() > 0 && self.take(Some(Timespec::default()), outcomes)
    }

    /// Waits until a socket is ready, an attempt expires, or the bell rings; then the same.
    pub(super) fn wait(&mut self, outcomes: &mut Vec<(ProbeId, Outcome)>) {
        let timeout = self.next_expiry().map(|expiry| {
            let wait = expiry.since(self.clock.now());
            let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            Timespec { tv_sec: seconds, tv_nsec: wait.subsec_nanos().into() }
        });
        self.take(timeout, outcomes);
    }

    fn take(&mut self, timeout: Option<Timespec>, outcomes: &mut Vec<(ProbeId, Outcome)>) -> bool {
        let (now, more) = self.harvest(timeout.as_ref(), outcomes);
        if more {
            return true;
        }
        // Only now, as what arrived in time must not be taken for silence.
        for _ in 0..BATCH {
            let Some(key) = self.expiries.pop(now) else { return false };
            outcomes.extend(self.expire(key, now));
        }
        true
    }

    /// Closes the socket of an attempt; whether it was under way.
    pub(super) fn release(&mut self, id: ProbeId) -> bool {
        let Some(key) = self.under_way.take(id) else { return false };
        self.expiries.clear(key);
        self.close(key);
        true
    }

    /// Closes the sockets that serve no attempt, and gives back their permits until as many are left as `attempts` need.
    pub(super) fn give_up_idle(&mut self, attempts: u32) {
        for key in std::mem::take(&mut self.idle).concat() {
            self.sockets.remove(key as usize);
        }
        self.permits.truncate(attempts.max(self.waiting()) as usize);
    }

    /// Closes every socket.
    pub(super) fn close_all(&mut self) {
        self.sockets.clear();
        self.idle = [Vec::new(), Vec::new()];
        self.permits.clear();
        self.under_way = Index::default();
        self.expiries = Wheel::new();
    }

    /// Starts a handshake, with a socket that has served before or with a new one.
    fn connect(
        &mut self,
        target: SocketAddr,
        permit: impl FnOnce() -> Option<Permit>,
    ) -> Result<u32, Outcome> {
        let pool = pool_of(target);
        if let Some(key) = pool.and_then(|pool| self.idle[pool].pop()) {
            if connect(&self.sockets[key as usize].socket, target).is_ok() {
                return Ok(key);
            }
            // What a socket did before must not decide anything: a fresh one tells what is wrong.
            self.close(key);
        }
        if self.sockets.len() >= self.permits.len() {
            match self.idle.iter_mut().find_map(Vec::pop) {
                Some(other) => self.close(other),
                None => self.permits.push(permit().ok_or(Outcome::NoPermit)?),
            }
        }
        let socket = new_socket(target).map_err(|error| nothing_sent(&error))?;
        connect(&socket, target).map_err(|error| nothing_sent(&error))?;
        let slot =
            Slot { socket, pool, watched: false, asked: None, since: 0, in_doubt_until: ScanTime::ZERO };
        u32::try_from(self.sockets.insert(slot)).map_err(|_| Outcome::LocalLimit)
    }

    /// Looks for an answer that came inside `connect()`. One that is not plain is left to the readiness set.
    fn look_at_once(&mut self, key: u32, asked: Asked) -> Option<Outcome> {
        let info = sys::tcp_info(&self.sockets[key as usize].socket).ok()?;
        if info.is_closed() && info.segments > 0 || info.is_established() {
            let now = asked.started;
            let rtt = self.pace.per_attempt(|| self.clock.now().since(now));
            return self.conclude(key, asked, Glance { info: Some(info), look: Look::First, now, rtt });
        }
        None
    }

    /// Waits for an answer.
    fn await_answer(&mut self, key: u32, asked: Asked) -> Option<Outcome> {
        let slot = &mut self.sockets[key as usize];
        slot.asked = Some(asked);
        slot.since = self.drained;
        if !slot.watched {
            let edges = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            if epoll::add(&*self.readiness, &slot.socket, EventData::new_u64(key.into()), edges).is_err() {
                self.close(key);
                return Some(Outcome::LocalLimit);
            }
            slot.watched = true;
        }
        self.under_way.insert(asked.probe.id, key);
        self.expiries.set(key, asked.started + asked.probe.timeout);
        None
    }

    /// Looks at the sockets that are ready; the time, and whether there may be more.
    fn harvest(
        &mut self,
        timeout: Option<&Timespec>,
        outcomes: &mut Vec<(ProbeId, Outcome)>,
    ) -> (ScanTime, bool) {
        let mut events = [const { MaybeUninit::uninit() }; BATCH];
        let Ok((ready, _)) = epoll::wait(&*self.readiness, &mut events[..], timeout) else {
            // Interrupted, or worse: whatever is ready is still so at the next look, and a socket whose time is over is asked itself.
            return (self.clock.now(), false);
        };
        let now = self.clock.now();
        for event in &*ready {
            // The bell has no socket.
            let Ok(key) = u32::try_from(event.data.u64()) else { continue };
            outcomes.extend(self.look(key, now));
        }
        let more = ready.len() == BATCH;
        self.drained += u64::from(!more);
        (now, more)
    }

    /// Looks at a socket that is ready, or was: an edge may be of the attempt before.
    fn look(&mut self, key: u32, now: ScanTime) -> Option<(ProbeId, Outcome)> {
        let slot = self.sockets.get(key as usize)?;
        let asked = slot.asked?;
        // Resolution of a neighbour takes a second at the very least.
        let at_once = slot.since == self.drained && now.since(asked.started) < Duration::from_secs(1);
        let look = if at_once { Look::First } else { Look::Later };
        let info = sys::tcp_info(&slot.socket).ok();
        self.settle(key, asked, Glance { info, look, now, rtt: now.since(asked.started) })
    }

    /// Asks a socket once more whose time is over, so that this machine's own delay is never taken for silence.
    fn expire(&mut self, key: u32, now: ScanTime) -> Option<(ProbeId, Outcome)> {
        let slot = self.sockets.get(key as usize)?;
        let asked = slot.asked?;
        let info = sys::tcp_info(&slot.socket).ok();
        if info.is_none_or(|info| info.is_closed() || info.is_established()) {
            let glance = Glance { info, look: Look::Later, now, rtt: now.since(asked.started) };
            if let Some(settled) = self.settle(key, asked, glance) {
                return Some(settled);
            }
        }
        let outcome = self.silence(key, asked, now);
        self.under_way.take(asked.probe.id);
        Some((asked.probe.id, outcome))
    }

    /// What an attempt without an answer came to.
    fn silence(&mut self, key: u32, asked: Asked, now: ScanTime) -> Outcome {
        let socket = &self.sockets[key as usize].socket;
        let local = || Some(socket.local_addr().ok()?.as_socket()?.ip());
        let silence = asked.silence(now, &self.neighbours, local);
        self.sockets[key as usize].in_doubt_until = now + ON_ITS_WAY;
        self.retire(key, After::Disconnect);
        silence
    }

    /// The outcome of an attempt that waited, where there is one.
    fn settle(&mut self, key: u32, asked: Asked, glance: Glance) -> Option<(ProbeId, Outcome)> {
        let outcome = self.conclude(key, asked, glance)?;
        self.under_way.take(asked.probe.id);
        self.expiries.clear(key);
        Some((asked.probe.id, outcome))
    }

    /// Reads the socket and says what it means; `None` while there is no answer.
    fn conclude(&mut self, key: u32, asked: Asked, glance: Glance) -> Option<Outcome> {
        let Slot { socket, in_doubt_until, .. } = &self.sockets[key as usize];
        let target = asked.probe.addr;
        let certain = asked.started >= *in_doubt_until;
        let ended = |info: TcpInfo| certain && info.is_closed() && info.segments > 0;
        let fetched = glance.info.filter(|info| ended(*info)).and_then(|_| fetch_error(socket, target));
        let read = match (glance.info, fetched) {
            (Some(TcpInfo { segments, .. }), Some(error)) => {
                let (segments, error) = (Some(segments), Some(error));
                Some((
                    Observation { established: false, to_itself: false, segments, error, icmp: None },
                    None,
                ))
            }
            (info, _) => info.and_then(|info| sys::observe_after(info, socket, target).ok()),
        };
        let Some((seen, kernel_rtt)) = read else {
            // What the kernel does not tell may have been an answer.
            self.retire(key, After::Close);
            return Some(Outcome::LocalLimit);
        };
        let meaning = classify(&seen);
        let times = (glance.now, kernel_rtt.unwrap_or(glance.rtt));
        let outcome = outcome(meaning, glance.look, target.ip(), &self.neighbours, times)?;
        let late = glance.now.since(asked.started) >= SECOND_SYN;
        let after = if meaning == Meaning::Settled(Reason::Rst) && fetched.is_some() && !late {
            After::Free
        } else {
            After::Close
        };
        self.retire(key, after);
        Some(outcome)
    }

    /// What becomes of a socket whose attempt is over.
    fn retire(&mut self, key: u32, after: After) {
        let slot = &mut self.sockets[key as usize];
        slot.asked = None;
        let free = match after {
            After::Free => true,
            After::Disconnect => disconnect(&slot.socket),
            After::Close => false,
        };
        match slot.pool.filter(|_| free) {
            Some(pool) => self.idle[pool].push(key),
            None => self.close(key),
        }
    }

    fn close(&mut self, key: u32) {
        self.sockets.remove(key as usize);
    }
}

/// A socket that closes with a RST: nothing stays half-open there, and no `TIME_WAIT` here.
fn new_socket(target: SocketAddr) -> io::Result<Socket> {
    let socket = sys::socket(target)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(socket)
}

/// Starts a handshake. A refusal that comes at once is no error: the socket tells what it was.
fn connect(socket: &Socket, target: SocketAddr) -> io::Result<()> {
    match rustix::net::connect(socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::CONNREFUSED) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The error that ended the attempt. The second `connect()` fetches it and frees the socket. An error that may be about this
/// `connect()` itself counts for nothing: the socket still has its own.
fn fetch_error(socket: &Socket, target: SocketAddr) -> Option<i32> {
    match rustix::net::connect(socket, &target) {
        Err(error @ (Errno::CONNREFUSED | Errno::CONNRESET | Errno::TIMEDOUT)) => Some(error.raw_os_error()),
        _ => None,
    }
}

/// Frees a socket of an attempt that brought no error; whether that worked. An ICMP message that came in the last moment would be
/// given to the next attempt, so the error queue must be empty once no further one can reach it.
fn disconnect(socket: &Socket) -> bool {
    rustix::net::connect_unspec(socket).is_ok()
        && sys::error_queue_is_empty(socket)
        // The kernel leaves ECONNRESET behind, about the connection that was given up here.
        && rustix::net::sockopt::socket_error(socket).is_ok()
}

/// The pool of the sockets that can serve a target. A link-local address binds a socket to its device for good.
fn pool_of(target: SocketAddr) -> Option<usize> {
    match target {
        SocketAddr::V4(_) => Some(0),
        SocketAddr::V6(addr) => (addr.scope_id() == 0).then_some(1),
    }
}

fn nothing_sent(error: &io::Error) -> Outcome {
    failed_here(refused_by_kernel(error.raw_os_error()))
}

/// Whether answers come so fast that it pays to look for them right after `connect()`: on loopback and to hosts next door that
/// saves the readiness set, to all others the look is a wasted system call.
#[derive(Debug, Default)]
struct Haste {
    /// Looks in vain, one after the other.
    missed: u8,
    /// Attempts left without a look.
    rest: u8,
}

/// After this many looks in vain …
const PATIENCE: u8 = 8;
/// … only one attempt in so many gets one.
const REST: u8 = 64;

impl Haste {
    fn looks_at_once(&mut self) -> bool {
        let rests = self.rest > 0;
        self.rest = self.rest.saturating_sub(1);
        !rests
    }

    fn saw(&mut self, answer: bool) {
        self.missed = if answer { 0 } else { self.missed.saturating_add(1) };
        if self.missed >= PATIENCE {
            self.rest = REST;
        }
    }
}

/// The time that one attempt took, over the turn before: the round-trip time of an answer that came inside `connect()`, without
/// reading the clock for each.
#[derive(Debug, Default)]
struct Pace {
    per_attempt: Option<Duration>,
    began: ScanTime,
    attempts: u32,
}

impl Pace {
    const fn began(&mut self, now: ScanTime) {
        if self.attempts == 0 {
            self.began = now;
        }
        self.attempts += 1;
    }

    fn ended(&mut self, now: ScanTime) {
        if let Some(took) = now.since(self.began).checked_div(self.attempts) {
            self.per_attempt = Some(took);
        }
        self.attempts = 0;
    }

    fn per_attempt(&self, measure: impl FnOnce() -> Duration) -> Duration {
        self.per_attempt.unwrap_or_else(measure)
    }
}
