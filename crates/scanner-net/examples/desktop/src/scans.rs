//! `Scans`: the scans of the program, by their identifiers, and the one window that watches them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::StreamExt;
use scanner_core::{Completion, PortSet, Progress, ScanEvent, TargetSet, remove_unscannable};
use scanner_net::{CancellationToken, Scan, ScanConfig, ScanControl, ScanError, ScanPlan, Scanner};
use tauri::async_runtime;
use tauri::ipc::Channel;
use tokio::sync::watch;

use crate::view::{self, Batch, Failure, ScanRequest, ScanState, ScanView, Snapshot, Update};

/// Events that go to the page together: as many as are there, up to so many.
const BATCH: usize = 256;

/// The scans of the program. They share the sockets that a library takes by default.
pub struct Scans {
    scanner: Scanner,
    running: Mutex<Vec<Arc<Running>>>,
    window: Window,
}

/// Where updates go; nowhere while no page is there to read them.
type Window = Arc<Mutex<Option<Channel<Batch>>>>;

/// A scan that was started, and is perhaps over.
struct Running {
    targets: String,
    ports: String,
    control: ScanControl,
    progress: watch::Receiver<Progress>,
    paused: AtomicBool,
    ended: OnceLock<Completion>,
}

impl Scans {
    /// No scans yet, and a budget of sockets for all that come.
    ///
    /// # Errors
    /// The configuration is out of its range.
    pub fn new() -> Result<Self, ScanError> {
        let scanner = Scanner::new(ScanConfig::default())?;
        Ok(Self { scanner, running: Mutex::default(), window: Window::default() })
    }

    pub(crate) fn start(&self, request: &ScanRequest) -> Result<ScanView, Failure> {
        let mut targets: TargetSet =
            request.targets.parse().map_err(|error| Failure::of_text("targets", &error))?;
        let ports: PortSet = request.ports.parse().map_err(|error| Failure::of_text("ports", &error))?;
        remove_unscannable(&mut targets);
        let (shown_targets, shown_ports) = (targets.to_string(), ports.to_string());
        let config = request
            .max_rate
            .map_or_else(ScanConfig::default, |rate| ScanConfig::default().with_max_rate(rate));
        let scanner = self.scanner.with_config(config)?;
        let scan = scanner.start(ScanPlan::new(targets, ports), CancellationToken::new())?;
        let running = Arc::new(Running {
            targets: shown_targets,
            ports: shown_ports,
            control: scan.control(),
            progress: scan.progress(),
            paused: AtomicBool::new(false),
            ended: OnceLock::new(),
        });
        locked(&self.running).push(Arc::clone(&running));
        let started = running.view();
        async_runtime::spawn(pump(scan, running, Arc::clone(&self.window)));
        Ok(started)
    }

    /// From now on updates go into this channel.
    pub fn watch(&self, updates: Channel<Batch>) {
        *locked(&self.window) = Some(updates);
    }

    pub(crate) fn list(&self) -> Vec<ScanView> {
        locked(&self.running).iter().map(|running| running.view()).collect()
    }

    pub(crate) async fn snapshot(&self, id: &str) -> Result<Snapshot, Failure> {
        let running = self.find(id)?;
        let report = running.control.snapshot().await.ok_or_else(Failure::gone)?;
        Ok(Snapshot {
            scan: ScanView { progress: report.progress.into(), ..running.view() },
            hosts: report.hosts.iter().map(Into::into).collect(),
            notes: report.notes.into_iter().map(|note| note.message).collect(),
        })
    }

    pub(crate) fn pause(&self, id: &str, pause: bool) -> Result<ScanView, Failure> {
        let running = self.find(id)?;
        if pause {
            running.control.pause()
        } else {
            running.control.resume()
        }
        running.paused.store(pause, Ordering::Relaxed);
        Ok(running.view())
    }

    pub(crate) fn cancel(&self, id: &str) -> Result<(), Failure> {
        self.find(id)?.control.cancel();
        Ok(())
    }

    pub(crate) fn forget(&self, id: &str) -> Result<(), Failure> {
        self.find(id)?.control.cancel();
        locked(&self.running).retain(|running| running.control.id() != id);
        Ok(())
    }

    fn find(&self, id: &str) -> Result<Arc<Running>, Failure> {
        let running = locked(&self.running).iter().find(|running| running.control.id() == id).cloned();
        running.ok_or_else(Failure::gone)
    }
}

impl Running {
    fn view(&self) -> ScanView {
        let state = match (self.ended.get(), self.paused.load(Ordering::Relaxed)) {
            (Some(completion), _) => ScanState::from(*completion),
            (None, true) => ScanState::Paused,
            (None, false) => ScanState::Running,
        };
        ScanView {
            id: self.control.id().to_owned(),
            targets: self.targets.clone(),
            ports: self.ports.clone(),
            state,
            progress: (*self.progress.borrow()).into(),
        }
    }
}

/// Carries what a scan publishes to the window, to the end of the scan: also while nobody watches, as an unread scan stands still.
async fn pump(scan: Scan, running: Arc<Running>, window: Window) {
    let mut progress = scan.progress();
    let mut events = scan.ready_chunks(BATCH);
    let send = |updates: Vec<Update>| {
        let batch = Batch { scan_id: running.control.id().to_owned(), updates };
        // A channel whose page is gone takes nothing more.
        locked(&window).take_if(|channel| channel.send(batch).is_err());
    };
    loop {
        let updates: Vec<Update> = tokio::select! {
            events = events.next() => {
                let Some(events) = events else { break };
                for event in &events {
                    if let ScanEvent::ScanEnd(end) = event {
                        // It ends once.
                        let _first = running.ended.set(end.completion);
                    }
                }
                events.into_iter().filter_map(view::update).collect()
            }
            Ok(()) = progress.changed() => vec![Update::Progress((*progress.borrow_and_update()).into())],
        };
        if !updates.is_empty() {
            send(updates);
        }
    }
    // The last counters are published after the last event.
    let last = Update::Progress((*progress.borrow()).into());
    let completion = *running.ended.get_or_init(|| Completion::Incomplete);
    send(vec![last, Update::End { state: completion.into() }]);
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
