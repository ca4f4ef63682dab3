//! Signals: the first one cancels the scan, so that everything found is written; a second one ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::exit::ExitStatus;
use crate::keys;

/// How long a second signal waits for the progress line to go away.
const LAST_TOUCH: Duration = Duration::from_millis(50);

/// The numbers of the signals that end a program politely, as every system numbers them; Windows has only the second.
#[cfg(unix)]
const HANGUP: u8 = 1;
const INTERRUPT: u8 = 2;
#[cfg(unix)]
const TERMINATE: u8 = 15;

/// Which signal came, if any.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt {
    signal: Arc<AtomicU8>,
    cancel: CancellationToken,
}

impl Interrupt {
    /// Starts listening on the current runtime, on a worker of its own: a scan that is stuck on a full pipe must still
    /// end on a second signal.
    pub(crate) fn listen(cancel: &CancellationToken, console: &Console) -> io::Result<Self> {
        let interrupt = Self { signal: Arc::default(), cancel: cancel.clone() };
        let signals = Signals::new()?;
        tokio::spawn(interrupt.clone().watch(signals, console.clone()));
        Ok(interrupt)
    }

    /// The exit status of the signal that came.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        match self.signal.load(Ordering::Acquire) {
            0 => None,
            number => Some(ExitStatus::Signal(number)),
        }
    }

    /// Waits until a signal comes.
    pub(crate) async fn came(&self) -> ExitStatus {
        self.cancel.cancelled().await;
        match self.status() {
            Some(status) => status,
            None => std::future::pending().await,
        }
    }

    async fn watch(self, mut signals: Signals, console: Console) {
        let first = signals.next().await;
        self.signal.store(first, Ordering::Release);
        self.cancel.cancel();
        let second = signals.next().await;
        // The progress line may be locked by a write to a pipe that nobody reads.
        let cleared = tokio::task::spawn_blocking(move || console.clear());
        let _in_time = tokio::time::timeout(LAST_TOUCH, cleared).await;
        end_now(second);
    }
}

#[expect(clippy::exit, reason = "the user insists: nothing more is written, nothing is waited for")]
pub(crate) fn end_now(signal: u8) -> ! {
    keys::give_back();
    std::process::exit(ExitStatus::Signal(signal).code().into())
}

#[cfg(unix)]
struct Signals {
    hangup: Option<tokio::signal::unix::Signal>,
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // What the caller ignores on our behalf (nohup, a background job of a script) stays ignored.
        let ignored = ignored_signals();
        let listen = |number: u8| {
            let heard = ignored & (1 << (number - 1)) == 0;
            heard.then(|| signal(SignalKind::from_raw(number.into()))).transpose()
        };
        Ok(Self { hangup: listen(HANGUP)?, interrupt: listen(INTERRUPT)?, terminate: listen(TERMINATE)? })
    }

    async fn next(&mut self) -> u8 {
        tokio::select! {
            () = received(&mut self.interrupt) => INTERRUPT,
            () = received(&mut self.terminate) => TERMINATE,
            () = received(&mut self.hangup) => HANGUP,
        }
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    let heard = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

/// The signals that this process was started to ignore, bit `n - 1` for signal `n`; none where the system does not tell.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => INTERRUPT,
            Err(_) => std::future::pending().await,
        }
    }
}
