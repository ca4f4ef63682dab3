//! `TunWire`: a TUN device in each of two namespaces, and a thread that carries packets from one to the other as a [`Link`] says
//! for each direction. The kernel's own means for that (`netem`) are missing from many machines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::{TimeSpec, TimeValLike as _};

use crate::error::LabError;
use crate::link::{Fate, Lane, Link};
use crate::namespace::Namespace;
use crate::tun::open_device;

/// The largest packet of a device with the default MTU of 1,500 bytes, and some room.
const LARGEST_PACKET: usize = 2_048;

/// Packets that a device holds for the thread; the kernel's default of 500 is less than a scanner sends at once.
const DEVICE_QUEUE: u32 = 20_000;

/// Packets that are read from one end before the other end has its turn.
const BATCH: usize = 64;

/// The thread wakes for packets that are due within this time, so that it does not wake for each of them.
const GRAIN: Duration = Duration::from_micros(50);

/// The wire; dropping it ends the thread, and the devices with it.
#[derive(Debug)]
pub(crate) struct TunWire {
    running: Option<(PipeWriter, JoinHandle<()>)>,
}

impl TunWire {
    /// Makes a device called `name` at each end; packets from the first end travel by the first of `links`.
    pub(crate) fn new(
        ends: [&Namespace; 2],
        name: &str,
        links: [Link; 2],
        seed: u64,
    ) -> Result<Self, LabError> {
        let open = |end: &Namespace| {
            let device = end.run(|| open_device(name))?;
            let device = device.map_err(|error| LabError::unavailable("no TUN device", &error))?;
            end.ip(&format!("link set {name} txqueuelen {DEVICE_QUEUE}"))?;
            Ok::<_, LabError>(device)
        };
        let devices = [open(ends[0])?, open(ends[1])?];
        let (stopped, stop) = io::pipe().map_err(LabError::io("make a pipe"))?;
        let thread = thread::spawn(move || {
            let [near, far] = &devices;
            let there = Cable::new(near, far, Lane::new(links[0], seed, "there"));
            let back = Cable::new(far, near, Lane::new(links[1], seed, "back"));
            carry([there, back], &stopped);
        });
        Ok(Self { running: Some((stop, thread)) })
    }
}

impl Drop for TunWire {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of the thread has been printed, and whoever waits has lost its wire.
            drop(thread.join());
        }
    }
}

fn carry(mut cables: [Cable<'_>; 2], stopped: &PipeReader) {
    let started = now();
    loop {
        let mut more = false;
        for cable in &mut cables {
            more |= cable.collect(started.elapsed());
            cable.deliver(started.elapsed());
        }
        let due = cables.iter().filter_map(Cable::next_due).min();
        let wait =
            if more { Some(Duration::ZERO) } else { due.map(|due| due.saturating_sub(started.elapsed())) };
        if !wait_for_packets(&cables, stopped, wait) {
            return;
        }
    }
}

/// False when the end has come.
fn wait_for_packets(cables: &[Cable<'_>; 2], stopped: &PipeReader, wait: Option<Duration>) -> bool {
    let wait = wait.map(|wait| {
        let wait = if wait.is_zero() { wait } else { wait.max(GRAIN) };
        TimeSpec::nanoseconds(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX))
    });
    let [near, far] = cables.each_ref().map(|cable| cable.from.as_fd());
    let mut fds = [near, far, stopped.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    let polled = ppoll(&mut fds, wait, None);
    assert!(polled.is_ok() || polled == Err(Errno::EINTR), "wait for packets: {polled:?}");
    !fds[2].any().unwrap_or(false)
}

/// One direction: a lane between two devices, and the packets on it.
struct Cable<'a> {
    from: &'a File,
    to: &'a File,
    lane: Lane,
    waiting: BinaryHeap<Reverse<Packet>>,
    sent: u64,
}

/// Ordered by arrival, then as sent.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    arrival: Duration,
    number: u64,
    bytes: Box<[u8]>,
}

impl<'a> Cable<'a> {
    fn new(from: &'a File, to: &'a File, lane: Lane) -> Self {
        Self { from, to, lane, waiting: BinaryHeap::new(), sent: 0 }
    }

    /// Takes packets off the device; true where there may be more.
    fn collect(&mut self, now: Duration) -> bool {
        let mut packet = [0; LARGEST_PACKET];
        for _ in 0..BATCH {
            // A device that is down has nothing.
            let Ok(length) = self.from.read(&mut packet) else { return false };
            if let Fate::Arrives(arrival) = self.lane.send(now) {
                self.sent += 1;
                let bytes = packet[..length].into();
                self.waiting.push(Reverse(Packet { arrival, number: self.sent, bytes }));
            }
        }
        true
    }

    /// Hands over what is due.
    fn deliver(&mut self, now: Duration) {
        while let Some(Reverse(packet)) = self.waiting.peek()
            && packet.arrival <= now
        {
            // A device that is down or full loses packets, as wires do.
            drop(self.to.write(&packet.bytes));
            self.waiting.pop();
        }
    }

    fn next_due(&self) -> Option<Duration> {
        self.waiting.peek().map(|Reverse(packet)| packet.arrival)
    }
}

#[expect(clippy::disallowed_methods, reason = "a wire with a delay needs a clock")]
fn now() -> Instant {
    Instant::now()
}
