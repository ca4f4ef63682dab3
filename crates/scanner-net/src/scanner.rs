//! `Scanner`: holds a configuration and a budget of sockets, starts scans.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

#[cfg(target_os = "linux")]
use crate::config::Connector;
use crate::config::ScanConfig;
use crate::config::defaults::EVENT_CAPACITY;
#[cfg(target_os = "linux")]
use crate::connect::FastConnect;
use crate::connect::{Connect, NeighbourTable, Permits, PortableConnect};
use crate::control::{Controller, Job, Rules};
use crate::driver::{Clock, Driver, ProgressCallback, ProgressPublisher};
use crate::error::ScanError;
#[cfg(target_os = "linux")]
use crate::limits::reactors;
use crate::limits::socket_budget;
use crate::plan::ScanPlan;
use crate::scan::{Final, Scan, ScanControl};

/// Starts scans. Clones share one budget of sockets, so that several scans of a program stay within it together.
///
/// ```
/// use scanner_core::{PortSet, Target};
/// use scanner_net::{CancellationToken, ScanConfig, ScanPlan, Scanner};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
/// let plan = ScanPlan::for_host(&Target::new(listener.local_addr()?.ip()), &PortSet::from_range(port, port));
///
/// let scan = Scanner::new(ScanConfig::default())?.start(plan, CancellationToken::new())?;
/// let report = scan.finish_blocking()?;
/// assert_eq!(report.open_ports().count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Scanner {
    config: ScanConfig,
    budget: u32,
    permits: Arc<Semaphore>,
}

impl Scanner {
    /// A scanner with a budget of its own, as large as the configuration's limit allows. Another [`Scanner::new`] has another budget;
    /// clones share this one.
    ///
    /// # Errors
    /// A value of the configuration is out of its range.
    pub fn new(config: ScanConfig) -> Result<Self, ScanError> {
        config.validate()?;
        let budget = socket_budget(&config);
        let permits = Arc::new(Semaphore::new(usize::try_from(budget).unwrap_or(Semaphore::MAX_PERMITS)));
        Ok(Self { config, budget, permits })
    }

    /// A scanner that scans otherwise out of the same budget, of which its own limit may be less.
    ///
    /// # Errors
    /// A value of the configuration is out of its range.
    pub fn with_config(&self, config: ScanConfig) -> Result<Self, ScanError> {
        config.validate()?;
        let budget = self.budget.min(socket_budget(&config));
        Ok(Self { config, budget, permits: Arc::clone(&self.permits) })
    }

    /// The configuration.
    pub const fn config(&self) -> &ScanConfig {
        &self.config
    }

    /// Starts a scan on a thread of its own. Returns at once, works without a runtime and inside any, and never panics.
    ///
    /// Cancelling `cancel`, or dropping the [`Scan`], ends the scan.
    ///
    /// # Errors
    /// The plan is empty or too large to count, or the operating system refuses a thread or a readiness set.
    pub fn start(&self, plan: ScanPlan, cancel: CancellationToken) -> Result<Scan, ScanError> {
        self.start_with(plan, cancel, None)
    }

    /// The same as [`start`](Self::start), with a callback for progress: called at most ten times a second, one call at a time, on a
    /// thread of its own. The last call comes before the scan is over, unless an earlier one takes longer than 100 ms.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    #[expect(clippy::needless_pass_by_value, reason = "a token is handed over, as everywhere")]
    pub fn start_with(
        &self,
        plan: ScanPlan,
        cancel: CancellationToken,
        progress: Option<ProgressCallback>,
    ) -> Result<Scan, ScanError> {
        let plan = plan.tidied();
        check(&plan)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ScanError::Start)?;
        let (progress, progress_values) = ProgressPublisher::new(progress).map_err(ScanError::Start)?;
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (events, event_queue) = mpsc::channel(EVENT_CAPACITY);
        let (done, is_done) = oneshot::channel();
        let cancel = cancel.child_token();
        let result = Final::default();
        let id = format!("{:016x}", random());
        let control = ScanControl::new(id.as_str().into(), commands, cancel.clone(), Arc::clone(&result));
        let seed = self.config.seed.unwrap_or_else(random);
        let rules = Rules::new(&self.config, &plan, self.budget);
        let job = Job::new(plan, id, seed);
        let clock = Clock::start();
        let span = tracing::debug_span!("scan", id = %job.scan_id, seed, targets = %job.targets.len(), probes = job.probes);
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let driver = Driver {
            controller: Controller::new(job, rules),
            connect: self.connector(&runtime, clock).map_err(ScanError::Start)?,
            clock,
            neighbours: NeighbourTable::default(),
            permits: Permits::new(Arc::clone(&self.permits)),
            commands: command_queue,
            events,
            progress,
            cancel,
            open: 0,
            turns: 0,
            stopped: false,
            held_back: VecDeque::new(),
        };
        let thread = thread::Builder::new()
            .name("scan-engine".into())
            .spawn(move || {
                // The caller's subscriber and span hold in this thread as well.
                tracing::dispatcher::with_default(&dispatch, || {
                    span.in_scope(|| run(&runtime, driver, &result, done));
                });
            })
            .map_err(ScanError::Start)?;
        Ok(Scan::new(event_queue, progress_values, control, is_done, thread))
    }

    /// What makes the connections, to be polled inside the runtime.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(clippy::unnecessary_wraps, reason = "only the fast connector, of Linux, can fail to be made")
    )]
    fn connector(&self, runtime: &Runtime, clock: Clock) -> io::Result<Box<dyn Connect + Send>> {
        #[cfg(target_os = "linux")]
        if self.config.connector == Connector::Fast {
            let _inside = runtime.enter();
            return Ok(Box::new(FastConnect::new(clock, reactors(&self.config))?));
        }
        // Only the fast one waits for a descriptor of its own.
        let _ = (self, runtime);
        Ok(Box::new(PortableConnect::new(clock)))
    }
}

fn check(plan: &ScanPlan) -> Result<(), ScanError> {
    if plan.targets.is_empty() {
        return Err(ScanError::EmptyPlan("target"));
    }
    if plan.port_sets().any(|(ports, _)| ports.is_empty()) {
        return Err(ScanError::EmptyPlan("port"));
    }
    if plan.probes() > u128::from(u64::MAX) {
        return Err(ScanError::PlanTooLarge(plan.probes()));
    }
    Ok(())
}

/// The engine's thread: the report goes out before the sockets are closed, as closing thousands of them takes its time.
fn run(
    runtime: &Runtime,
    mut driver: Driver,
    result: &OnceLock<Arc<scanner_core::ScanReport>>,
    done: oneshot::Sender<()>,
) {
    let mut report = runtime.block_on(driver.run());
    let Driver { connect, events, progress, commands, .. } = driver;
    drop(events);
    if progress.close() {
        report.notes.push(scanner_core::Note {
            code: "callback-panicked".into(),
            message: "the progress callback panicked and was not called again".into(),
        });
    }
    // Nobody else sets it; the first value stays.
    drop(result.set(Arc::new(report)));
    // Fails where nobody waits any more.
    let _waited_for = done.send(());
    drop(commands);
    // Sockets are taken out of the runtime's readiness set, so it must still be there.
    let _inside = runtime.enter();
    drop(connect);
}

/// A number that differs from run to run, from the standard library's hasher keys, which the operating system seeds.
fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}
