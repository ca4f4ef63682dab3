//! `Listeners`: ports that are open for as long as this value lives.

use std::io::{self, PipeReader, PipeWriter};
use std::net::{IpAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::namespace::Namespace;

/// Where all tests share one process, the usual soft limit of 1,024 is not enough.
const DESCRIPTORS: u64 = 16_384;

/// Accepts every connection and drops it, so that no queue of connections ever fills.
#[derive(Debug)]
pub(crate) struct Listeners {
    running: Option<(PipeWriter, JoinHandle<()>)>,
}

impl Listeners {
    /// Listens on each of `ports` of `ip`.
    pub(crate) fn new(namespace: &Namespace, ip: IpAddr, ports: &[u16]) -> Self {
        rlimit::increase_nofile_limit(DESCRIPTORS).unwrap();
        let listeners: Vec<_> =
            namespace.run(|| ports.iter().map(|port| TcpListener::bind((ip, *port)).unwrap()).collect());
        let (stopped, stop) = io::pipe().unwrap();
        let thread = thread::spawn(move || accept(&listeners, &stopped));
        Self { running: Some((stop, thread)) }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of the thread has been printed.
            drop(thread.join());
        }
    }
}

fn accept(listeners: &[TcpListener], stopped: &PipeReader) {
    for listener in listeners {
        listener.set_nonblocking(true).unwrap();
    }
    let interest = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let mut fds: Vec<_> = listeners.iter().map(|listener| interest(listener.as_fd())).collect();
    fds.push(interest(stopped.as_fd()));
    loop {
        let polled = poll(&mut fds, PollTimeout::NONE);
        assert!(polled.is_ok() || polled == Err(nix::Error::EINTR), "poll: {polled:?}");
        let ready = |fd: &PollFd| fd.any().unwrap_or(false);
        if fds.last().is_some_and(ready) {
            return;
        }
        for (listener, _) in listeners.iter().zip(&fds).filter(|(_, fd)| ready(fd)) {
            while listener.accept().is_ok() {}
        }
    }
}

/// Different ports, the same for the same seed.
pub(crate) fn seeded_ports(seed: u64, count: usize) -> Vec<u16> {
    let mut state = seed;
    let mut ports = std::collections::BTreeSet::new();
    while ports.len() < count {
        // Knuth's MMIX generator; its high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ports.extend(u16::try_from(state >> 48).ok().filter(|port| *port > 0));
    }
    ports.into_iter().collect()
}
