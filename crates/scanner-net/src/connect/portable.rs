//! The portable connector: a socket of its own for each attempt, awaited by tokio.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use scanner_core::Reason;
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::classify::{Meaning, classify, refused_by_kernel};
use super::sys::{self, Neighbours};
use super::verdict::{Asked, Look, failed_here, outcome};
use super::{Connect, Permits, Started};
use crate::control::{Outcome, Probe, ProbeId, ScanTime};
use crate::driver::Clock;

type Attempt = Pin<Box<dyn Future<Output = (ProbeId, Outcome)> + Send>>;

/// Outcomes given in one batch, so that the driver looks at everything else in between.
const BATCH: usize = 64;

/// Makes attempts with plain sockets. Must be used inside a tokio runtime with I/O and time.
pub(crate) struct PortableConnect {
    clock: Clock,
    neighbours: Arc<Neighbours>,
    attempts: FuturesUnordered<Abortable<Attempt>>,
    handles: HashMap<ProbeId, AbortHandle>,
}

impl PortableConnect {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, neighbours: Arc::default(), attempts: FuturesUnordered::new(), handles: HashMap::new() }
    }
}

impl Connect for PortableConnect {
    fn start(&mut self, probe: Probe, _: ScanTime, permits: &mut Permits) -> Started {
        let Some(permit) = permits.take() else { return Started::here(Some(Outcome::NoPermit)) };
        let started = self.clock.now();
        let Begun { socket, refused } = match begin(probe.addr) {
            Ok(begun) => begun,
            Err(code) => return Started::here(Some(failed_here(refused_by_kernel(code)))),
        };
        if refused && cfg!(not(target_os = "linux")) {
            let rtt = self.clock.now().since(started);
            return Started::here(Some(Outcome::Answered { reason: Reason::Refused, rtt }));
        }
        let (clock, neighbours) = (self.clock, Arc::clone(&self.neighbours));
        let connecting = Connecting { socket, asked: Asked { probe, started }, clock, neighbours };
        // On loopback and to refusing neighbours the answer is there already, which saves the registration.
        if let Some(outcome) = connecting.ask() {
            return Started::here(Some(outcome));
        }
        let wait: Attempt = Box::pin(async move {
            let outcome = connecting.wait().await;
            drop(permit);
            (probe.id, outcome)
        });
        let (attempt, handle) = futures_util::future::abortable(wait);
        self.handles.insert(probe.id, handle);
        self.attempts.push(attempt);
        Started::here(None)
    }

    fn end_turn(&mut self, _: ScanTime) {}

    fn release(&mut self, id: ProbeId) -> bool {
        self.handles.remove(&id).inspect(AbortHandle::abort).is_some()
    }

    fn poll_outcomes(&mut self, cx: &mut Context<'_>, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Poll<()> {
        let before = outcomes.len();
        while outcomes.len() - before < BATCH {
            match self.attempts.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok((id, outcome)))) => {
                    self.handles.remove(&id);
                    outcomes.push((id, outcome));
                }
                // A released attempt: its socket is closed with it.
                Poll::Ready(Some(Err(_))) => {}
                // `None` only says that nothing is under way; the next attempt wakes nobody, but the driver polls after it.
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if outcomes.len() > before { Poll::Ready(()) } else { Poll::Pending }
    }

    fn next_expiry(&self) -> Option<ScanTime> {
        None
    }

    fn kept_permits(&self) -> u32 {
        0
    }

    fn give_up_idle(&mut self) {}

    fn close_all(&mut self) {
        self.handles.clear();
        self.attempts.clear();
    }
}

/// A handshake that was started.
struct Begun {
    socket: Socket,
    /// `connect()` itself said that the port is closed, as some platforms do on loopback; the socket has no error then. On Linux it
    /// has, and tells what it was.
    refused: bool,
}

/// Starts the handshake; the error code of the operating system where nothing was sent.
fn begin(target: SocketAddr) -> Result<Begun, Option<i32>> {
    let start = || -> io::Result<Begun> {
        let socket = sys::socket(target)?;
        match socket.connect(&target.into()) {
            Err(error) if is_refusal(&error) => Ok(Begun { socket, refused: true }),
            Err(error) if !is_in_progress(&error) => Err(error),
            _ => Ok(Begun { socket, refused: false }),
        }
    };
    start().map_err(|error| error.raw_os_error())
}

/// A socket on its way to a connection.
struct Connecting<S> {
    socket: S,
    asked: Asked,
    clock: Clock,
    neighbours: Arc<Neighbours>,
}

impl Connecting<Socket> {
    /// What came back while the SYN was on its way out, if anything.
    fn ask(&self) -> Option<Outcome> {
        self.interpret(&self.socket, Look::First)
    }

    /// Waits for an answer; when the time is over the socket is asked once more, so that this machine's own delay is never
    /// taken for silence.
    async fn wait(self) -> Outcome {
        let Self { socket, asked, clock, neighbours } = self;
        match TcpStream::from_std(socket.into()) {
            Ok(socket) => Connecting { socket, asked, clock, neighbours }.wait_on_stream().await,
            // Whatever the reason, the SYN went out and the target may have answered.
            Err(_) => Outcome::LocalLimit,
        }
    }
}

impl Connecting<TcpStream> {
    async fn wait_on_stream(self) -> Outcome {
        let ask = || self.interpret(&SockRef::from(&self.socket), Look::Later);
        let answer = async {
            loop {
                if self.socket.ready(Interest::WRITABLE).await.is_err() {
                    return Outcome::LocalLimit;
                }
                if let Some(outcome) = ask() {
                    return outcome;
                }
                // A readiness that says nothing: clear it and wait for the next.
                let again = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                drop(self.socket.try_io(Interest::WRITABLE, again));
            }
        };
        let silence = || {
            let local = || Some(self.socket.local_addr().ok()?.ip());
            self.asked.silence(self.clock.now(), &self.neighbours, local)
        };
        match tokio::time::timeout(self.asked.probe.timeout, answer).await {
            Ok(outcome) => outcome,
            Err(_) => ask().unwrap_or_else(silence),
        }
    }
}

impl<S> Connecting<S> {
    /// Reads the socket and says what it means; `None` while there is no answer.
    fn interpret(&self, socket: &Socket, look: Look) -> Option<Outcome> {
        // What the system does not tell may have been an answer.
        let Ok((seen, kernel_rtt)) = sys::observe(socket, self.asked.probe.addr) else {
            return Some(Outcome::LocalLimit);
        };
        let meaning = classify(&seen);
        if meaning == Meaning::Settled(Reason::Handshake) {
            // RST on close: nothing stays half-open there, and no TIME_WAIT here. If it fails the connection still closes.
            drop(socket.set_linger(Some(Duration::ZERO)));
        }
        let now = self.clock.now();
        let rtt = kernel_rtt.unwrap_or(now.since(self.asked.started));
        outcome(meaning, look, self.asked.probe.addr.ip(), &self.neighbours, (now, rtt))
    }
}

/// The kernel has sent the SYN, or will as soon as the neighbour is resolved.
fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let in_progress = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(not(unix))]
    let in_progress = error.kind() == io::ErrorKind::WouldBlock;
    in_progress
}

/// The peer refuses, and `connect()` itself says so.
fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}
