//! A program without an asynchronous runtime: the scan has a thread of its own, and this one waits for it.
//!
//! Asks ten ports of 127.0.0.1 that it opens itself, twice: once event by event, once for the report alone.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;

use scanner_core::{PortSet, ScanEvent, Target};
use scanner_net::{CancellationToken, ProgressCallback, ScanConfig, ScanPlan, Scanner};

fn main() -> Result<(), Box<dyn Error>> {
    let listeners: Vec<_> =
        (0..10).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let ports: PortSet = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|addr| addr.port()))
        .collect::<Result<_, _>>()?;
    let plan = ScanPlan::for_host(&Target::from(IpAddr::V4(Ipv4Addr::LOCALHOST)), &ports);
    let scanner = Scanner::new(ScanConfig::default())?;

    let mut scan = scanner.start(plan.clone(), CancellationToken::new())?;
    let mut open = 0;
    while let Some(event) = scan.next_event_blocking() {
        if let ScanEvent::Port(found) = event {
            println!("{}:{} {}", found.ip, found.result.port, found.result.state);
            open += 1;
        }
    }
    assert_eq!(open, listeners.len());

    // The callback runs on a thread of its own, at most ten times a second; the scan never waits for it.
    let progress: ProgressCallback =
        Arc::new(|progress| println!("{} of {} ports", progress.settled(), progress.probes));
    let report = scanner.start_with(plan, CancellationToken::new(), Some(progress))?.finish_blocking()?;
    println!("{}: {} open ports", report.completion, report.open_ports().count());
    assert_eq!(report.open_ports().count(), listeners.len());
    Ok(())
}
