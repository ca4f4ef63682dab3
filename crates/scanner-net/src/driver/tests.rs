//! The driver over a connector that makes no sockets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use scanner_core::{Completion, PortSet, Reason, ScanReport, Target};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::*;
use crate::config::ScanConfig;
use crate::connect::{NeighbourTable, Started};
use crate::control::{Job, Rules};
use crate::plan::ScanPlan;

/// Gives every attempt the same outcome, all that wait in one batch.
struct Batches {
    waiting: Vec<(ProbeId, OwnedSemaphorePermit)>,
    outcome: Outcome,
    started: Arc<AtomicU32>,
}

impl Connect for Batches {
    fn start(&mut self, probe: Probe, _: ScanTime, permits: &mut Permits) -> Started {
        self.started.fetch_add(1, Ordering::Relaxed);
        let permit = permits.take().unwrap();
        self.waiting.push((probe.id, permit));
        Started::here(None)
    }

    fn end_turn(&mut self, _: ScanTime) {}

    fn release(&mut self, id: ProbeId) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != id);
        self.waiting.len() < before
    }

    fn poll_outcomes(&mut self, _: &mut Context<'_>, outcomes: &mut Vec<(ProbeId, Outcome)>) -> Poll<()> {
        outcomes.extend(self.waiting.drain(..).map(|(id, _)| (id, self.outcome)));
        if outcomes.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn next_expiry(&self) -> Option<ScanTime> {
        None
    }

    fn kept_permits(&self) -> u32 {
        0
    }

    fn give_up_idle(&mut self) {}

    fn close_all(&mut self) {
        self.waiting.clear();
    }
}

fn scan(outcome: Outcome) -> (ScanReport, usize) {
    let (report, events, _) = scan_until(outcome, CancellationToken::new());
    (report, events)
}

/// The report, how many events there were, and how many attempts.
fn scan_until(outcome: Outcome, cancel: CancellationToken) -> (ScanReport, usize, u32) {
    let plan = ScanPlan::for_host(&Target::new(std::net::Ipv4Addr::LOCALHOST), &PortSet::from_range(1, 50));
    let (_commands, command_queue) = mpsc::unbounded_channel();
    let (events, mut unread) = mpsc::channel(1024);
    let (progress, _values) = ProgressPublisher::new(None).unwrap();
    let rules = Rules::new(&ScanConfig::default(), &plan, 100);
    let permits = Arc::new(Semaphore::new(100));
    let started = Arc::<AtomicU32>::default();
    let mut driver = Driver {
        controller: Controller::new(Job::new(plan, "test".into(), 1), rules),
        connect: Box::new(Batches { waiting: Vec::new(), outcome, started: Arc::clone(&started) }),
        clock: Clock::start(),
        neighbours: NeighbourTable::default(),
        permits: Permits::new(Arc::clone(&permits)),
        commands: command_queue,
        events,
        progress,
        cancel,
        open: 0,
        turns: 0,
        stopped: false,
        held_back: VecDeque::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let report = runtime.block_on(driver.run());
    assert_eq!(driver.open, 0, "every socket is accounted for");
    drop(driver);
    let mut events = 0;
    while unread.try_recv().is_ok() {
        events += 1;
    }
    assert_eq!(permits.available_permits(), 100, "every permit is back");
    (report, events, started.load(Ordering::Relaxed))
}

#[test]
fn a_scan_that_is_cancelled_before_it_begins_sends_nothing() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let (report, _, started) = scan_until(Outcome::TimedOut, cancel);
    assert_eq!((report.completion, started), (Completion::Cancelled, 0));
    assert_eq!(report.not_measured[&Reason::Cancelled], 50);
}

#[test]
fn a_batch_whose_first_outcome_ends_the_host_counts_no_socket_twice() {
    let (report, _) = scan(Outcome::Answered { reason: Reason::NoNeighbour, rtt: Duration::ZERO });
    assert_eq!(report.completion, Completion::Complete);
    assert_eq!(report.down.len(), 1);
    assert!(report.progress.not_asked > 0);
}

#[test]
fn what_the_connector_says_is_what_the_report_says() {
    let (report, events) = scan(Outcome::Answered { reason: Reason::Rst, rtt: Duration::from_millis(1) });
    assert_eq!(report.progress.closed, 50);
    assert_eq!(events, 3, "the start, the host, the end");
    let (report, events) =
        scan(Outcome::Answered { reason: Reason::Handshake, rtt: Duration::from_millis(1) });
    assert_eq!((report.progress.open, events), (50, 53));
    let (report, _) = scan(Outcome::NoRoute);
    assert_eq!(report.completion, Completion::Incomplete);
    assert_eq!(report.not_measured[&Reason::NoRoute], 50);
}
