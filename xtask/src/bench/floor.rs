//! `cargo xtask floor`: the bare connect loop that every other figure is compared with. It does what no scanner can do with
//! less: two system calls per refused port on sockets that are kept, one readiness set per thread, no pace, no retries, no
//! reasons. It is no scanner: it forgets what it was not asked for, and believes every silence.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::errno::Errno;
use nix::libc::linger;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect, getsockname, setsockopt, socket, sockopt,
};

use super::errand::{Hosts, Ports};

/// Probes that a thread takes from the common work at a time.
const CHUNK: u64 = 64;

/// Sockets at once where nothing else is said.
pub(super) const WINDOW: usize = 256;

/// Events read from the kernel in one call.
const BATCH: usize = 64;

/// After so many answers that were not there at once the loop stops asking at once.
const PATIENCE: u32 = 16;

/// What to ask, and how much at once.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Options {
    /// An address or a network
    hosts: Hosts,
    /// One port or a range
    ports: Ports,
    /// Sockets in all
    #[arg(long, default_value_t = WINDOW)]
    window: usize,
    /// Threads, each with its share of the sockets
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Milliseconds until a port is silent
    #[arg(long, default_value_t = 1000)]
    timeout: u64,
}

/// Asks everything and prints the open ports, one a line, and the counts to standard error.
pub(crate) fn run(options: &Options) -> Result<()> {
    let threads = options.threads.max(1);
    let work = Work { options: *options, next: AtomicU64::new(0) };
    let others = 1..threads;
    let tallies: Result<Vec<Tally>> = thread::scope(|scope| {
        let others: Vec<_> = others.map(|_| scope.spawn(|| Lane::new(&work)?.run())).collect();
        let own = Lane::new(&work)?.run();
        let others = others.into_iter().map(|other| other.join().unwrap_or(Err(Errno::ECANCELED)));
        [own].into_iter().chain(others).map(|tally| tally.context("the connect loop")).collect()
    });
    let mut all = Tally::default();
    for tally in tallies? {
        all.add(tally);
    }
    all.open.sort_unstable();
    for open in &all.open {
        println!("{open}");
    }
    eprintln!(
        "refused {}, open {}, silent {}, failed {}",
        all.refused,
        all.open.len(),
        all.silent,
        all.failed
    );
    ensure!(all.failed == 0, "{} attempts failed", all.failed);
    Ok(())
}

struct Work {
    options: Options,
    next: AtomicU64,
}

impl Work {
    fn total(&self) -> u64 {
        self.options.hosts.count() * self.options.ports.count()
    }

    fn claim(&self) -> std::ops::Range<u64> {
        let first = self.next.fetch_add(CHUNK, Ordering::Relaxed);
        first..(first + CHUNK).min(self.total())
    }

    fn at(&self, index: u64) -> SocketAddrV4 {
        let Options { hosts, ports, .. } = &self.options;
        SocketAddrV4::new(hosts.at(index / ports.count()), ports.at(index % ports.count()))
    }
}

#[derive(Default)]
struct Tally {
    open: Vec<SocketAddrV4>,
    refused: u64,
    silent: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.open.extend(other.open);
        self.refused += other.refused;
        self.silent += other.silent;
        self.failed += other.failed;
    }
}

/// A socket that is used again and again.
struct Slot {
    socket: OwnedFd,
    registered: bool,
    /// What it waits for; nothing when it is idle, so that an edge that comes late is told from an answer.
    waits_for: Option<SocketAddrV4>,
    /// Counts what it asked, to tell which time-outs are over.
    serial: u32,
}

impl Slot {
    fn new() -> nix::Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
        Ok(Self { socket, registered: false, waits_for: None, serial: 0 })
    }

    fn replace(&mut self) -> nix::Result<()> {
        let serial = self.serial;
        *self = Self { serial, ..Self::new()? };
        Ok(())
    }
}

/// One thread with its sockets.
struct Lane<'a> {
    work: &'a Work,
    claimed: std::ops::Range<u64>,
    epoll: Epoll,
    slots: Vec<Slot>,
    waiting: usize,
    timeouts: VecDeque<(Instant, usize, u32)>,
    now: Instant,
    late_answers: u32,
    tally: Tally,
}

impl<'a> Lane<'a> {
    fn new(work: &'a Work) -> nix::Result<Self> {
        Ok(Self {
            work,
            claimed: 0..0,
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            slots: Vec::new(),
            waiting: 0,
            timeouts: VecDeque::new(),
            now: read_clock(),
            late_answers: 0,
            tally: Tally::default(),
        })
    }

    fn run(mut self) -> nix::Result<Tally> {
        let window = (self.work.options.window / self.work.options.threads.max(1)).max(1);
        for slot in 0..window {
            self.slots.push(Slot::new()?);
            self.ask(slot)?;
            if self.slots.len() > self.waiting {
                // Nothing is left to ask.
                break;
            }
        }
        let mut events = [EpollEvent::empty(); BATCH];
        while self.waiting > 0 {
            let count = match self.epoll.wait(&mut events, self.until_timeout()) {
                Err(Errno::EINTR) => 0,
                other => other?,
            };
            self.now = read_clock();
            for event in &events[..count] {
                self.on_event(usize::try_from(event.data()).unwrap_or(usize::MAX))?;
            }
            self.expire()?;
        }
        Ok(self.tally)
    }

    fn next(&mut self) -> Option<SocketAddrV4> {
        if self.claimed.is_empty() {
            self.claimed = self.work.claim();
        }
        self.claimed.next().map(|index| self.work.at(index))
    }

    /// Asks one port after the other until an answer has to be awaited, or nothing is left.
    fn ask(&mut self, slot: usize) -> nix::Result<()> {
        while let Some(addr) = self.next() {
            let fd = self.slots[slot].socket.as_raw_fd();
            let mut answer = connect(fd, &SockaddrIn::from(addr));
            if answer == Err(Errno::EINPROGRESS) && self.late_answers < PATIENCE {
                // Without delay the answer is there already: this fetches it and makes the socket usable again.
                answer = connect(fd, &SockaddrIn::from(addr));
                self.late_answers += u32::from(answer == Err(Errno::EALREADY));
            }
            if matches!(answer, Err(Errno::EINPROGRESS | Errno::EALREADY)) {
                return self.wait(slot, addr);
            }
            self.settle(slot, addr, answer)?;
        }
        Ok(())
    }

    fn wait(&mut self, index: usize, addr: SocketAddrV4) -> nix::Result<()> {
        let slot = &mut self.slots[index];
        slot.waits_for = Some(addr);
        slot.serial = slot.serial.wrapping_add(1);
        if !slot.registered {
            slot.registered = true;
            let interest = EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
            self.epoll.add(&slot.socket, EpollEvent::new(interest, index as u64))?;
        }
        let until = self.now + Duration::from_millis(self.work.options.timeout);
        self.timeouts.push_back((until, index, slot.serial));
        self.waiting += 1;
        Ok(())
    }

    fn on_event(&mut self, index: usize) -> nix::Result<()> {
        let Some(slot) = self.slots.get(index) else { return Ok(()) };
        let Some(addr) = slot.waits_for else { return Ok(()) };
        let answer = connect(slot.socket.as_raw_fd(), &SockaddrIn::from(addr));
        if answer == Err(Errno::EALREADY) {
            // An edge of what this socket asked before.
            return Ok(());
        }
        self.answered(index, addr, answer)
    }

    fn answered(&mut self, index: usize, addr: SocketAddrV4, answer: nix::Result<()>) -> nix::Result<()> {
        self.slots[index].waits_for = None;
        self.waiting -= 1;
        self.settle(index, addr, answer)?;
        self.ask(index)
    }

    fn settle(&mut self, index: usize, addr: SocketAddrV4, answer: nix::Result<()>) -> nix::Result<()> {
        let slot = &mut self.slots[index];
        match answer {
            Err(Errno::ECONNREFUSED) => {
                self.tally.refused += 1;
                return Ok(());
            }
            Ok(()) | Err(Errno::EISCONN) => {
                let to_itself = addr.ip().is_loopback() && is_own_address(slot, addr)?;
                if to_itself {
                    self.tally.refused += 1;
                } else {
                    self.tally.open.push(addr);
                }
                // An RST instead of a farewell: nothing stays behind on either side.
                setsockopt(&slot.socket, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 })?;
            }
            Err(Errno::ETIMEDOUT) => self.tally.silent += 1,
            Err(_) => self.tally.failed += 1,
        }
        slot.replace()
    }

    fn expire(&mut self) -> nix::Result<()> {
        while let Some(&(until, index, serial)) = self.timeouts.front() {
            let slot = &self.slots[index];
            let over = slot.serial != serial || slot.waits_for.is_none();
            if !over && until > self.now {
                break;
            }
            self.timeouts.pop_front();
            if let (false, Some(addr)) = (over, slot.waits_for) {
                self.answered(index, addr, Err(Errno::ETIMEDOUT))?;
            }
        }
        Ok(())
    }

    fn until_timeout(&self) -> EpollTimeout {
        let Some((until, ..)) = self.timeouts.front() else { return EpollTimeout::NONE };
        let left = until.saturating_duration_since(self.now).as_millis() + 1;
        EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX)
    }
}

/// Whether the connection is one of the socket with itself: both ends were given the same port, and nobody listens.
fn is_own_address(slot: &Slot, addr: SocketAddrV4) -> nix::Result<bool> {
    let local: SockaddrIn = getsockname(slot.socket.as_raw_fd())?;
    Ok(local == SockaddrIn::from(addr))
}

#[expect(clippy::disallowed_methods, reason = "the loop keeps its own time-outs")]
fn read_clock() -> Instant {
    Instant::now()
}
