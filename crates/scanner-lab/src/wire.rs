//! A wire with a delay: a TUN device in each of two namespaces, and a thread that carries packets from one to the other. The
//! kernel's own delay (`netem`) is missing from many machines.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::tun::open_device;

/// The largest packet of a device with the default MTU of 1,500 bytes, and some room.
const LARGEST_PACKET: usize = 2_048;

/// The wire; dropping it ends the thread, and the devices with it.
#[derive(Debug)]
pub(crate) struct DelayedWire {
    running: Option<(PipeWriter, JoinHandle<()>)>,
}

impl DelayedWire {
    /// Makes a device called `name` at each end; each packet arrives `delay` after it was sent.
    pub(crate) fn new(ends: [&Namespace; 2], name: &str, delay: Duration) -> Result<Self, LabError> {
        let open = |end: &Namespace| {
            end.run(|| open_device(name))?.map_err(|error| LabError::unavailable("no TUN device", &error))
        };
        let devices = [open(ends[0])?, open(ends[1])?];
        let (stopped, stop) = io::pipe().map_err(LabError::io("make a pipe"))?;
        let thread = thread::spawn(move || carry(&devices, &stopped, delay));
        Ok(Self { running: Some((stop, thread)) })
    }
}

impl Drop for DelayedWire {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of the thread has been printed, and the test has failed without its wire.
            drop(thread.join());
        }
    }
}

fn carry(devices: &[File; 2], stopped: &PipeReader, delay: Duration) {
    let [near, far] = devices;
    let mut lanes = [Lane::new(near, far), Lane::new(far, near)];
    loop {
        let due = lanes.iter_mut().filter_map(|lane| lane.deliver(now())).min();
        let wait = due.map_or(PollTimeout::NONE, |due| whole_millis(due.saturating_duration_since(now())));
        let mut fds =
            [near.as_fd(), far.as_fd(), stopped.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let polled = poll(&mut fds, wait);
        assert!(polled.is_ok() || polled == Err(nix::Error::EINTR), "poll: {polled:?}");
        if fds[2].any().unwrap_or(false) {
            return;
        }
        for lane in &mut lanes {
            lane.collect(now() + delay);
        }
    }
}

/// One direction. All packets are held for the same time, so the first to come is the first to go.
struct Lane<'a> {
    from: &'a File,
    to: &'a File,
    waiting: VecDeque<(Instant, Vec<u8>)>,
}

impl<'a> Lane<'a> {
    fn new(from: &'a File, to: &'a File) -> Self {
        Self { from, to, waiting: VecDeque::new() }
    }

    fn collect(&mut self, due: Instant) {
        let mut packet = [0; LARGEST_PACKET];
        while let Ok(length) = self.from.read(&mut packet) {
            self.waiting.push_back((due, packet[..length].to_vec()));
        }
    }

    /// Hands over what is due and says when the next is.
    fn deliver(&mut self, now: Instant) -> Option<Instant> {
        while let Some((due, packet)) = self.waiting.front() {
            if *due > now {
                return Some(*due);
            }
            // A device that is down or full loses packets, as wires do.
            drop(self.to.write(packet));
            self.waiting.pop_front();
        }
        None
    }
}

fn whole_millis(wait: Duration) -> PollTimeout {
    PollTimeout::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(PollTimeout::MAX)
}

#[expect(clippy::disallowed_methods, reason = "a wire with a delay needs a clock")]
fn now() -> Instant {
    Instant::now()
}
