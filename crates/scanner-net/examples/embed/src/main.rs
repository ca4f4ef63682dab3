//! Embeds the engine: a stream of events, a progress callback, and a cancel from another task.
//!
//! Scans ten listeners that it opens itself on 127.0.0.1, and then cancels a scan that would take long.

use std::error::Error;
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use scanner_core::{Completion, PortSet, ScanEvent, Target};
use scanner_net::{CancellationToken, ProgressCallback, ScanConfig, ScanPlan, Scanner, scan_host_ports};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut listeners = Vec::new();
    for _ in 0..10 {
        listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
    }
    let ports = listeners.iter().map(|listener| listener.local_addr().map(|addr| addr.port()));
    let ports: PortSet = ports.collect::<Result<_, _>>()?;
    let target = Target::from(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST)).with_name("this machine");

    let open = stream(&target, &ports).await?;
    println!("stream: {open} open ports");
    with_progress(&target, &ports).await?;
    cancelled(&target, &ports).await?;
    if open == listeners.len() { Ok(()) } else { Err("a listener was not found".into()) }
}

/// Reads events as things settle.
async fn stream(target: &Target, ports: &PortSet) -> Result<usize, Box<dyn Error>> {
    let scanner = Scanner::new(ScanConfig::default())?;
    let mut scan = scanner.start(ScanPlan::for_host(target, ports), CancellationToken::new())?;
    let mut open = 0;
    while let Some(event) = scan.next().await {
        match event {
            ScanEvent::Port(found) => {
                open += 1;
                println!("{}:{} {}", found.ip, found.result.port, found.result.state);
            }
            ScanEvent::ScanEnd(end) => println!("{} after {:?}", end.completion, end.elapsed),
            _ => {}
        }
    }
    scan.finish().await?;
    Ok(open)
}

/// Gets the progress on a thread of its own; the scan never waits for it.
async fn with_progress(target: &Target, ports: &PortSet) -> Result<(), Box<dyn Error>> {
    let callback: ProgressCallback = Arc::new(|progress| {
        println!("progress: {} of {} ports", progress.settled(), progress.probes);
    });
    let cancel = CancellationToken::new();
    let host = scan_host_ports(target, ports, &ScanConfig::default(), &cancel, Some(callback)).await?;
    println!("{} is {}, {} ports open", host.names.join(" "), host.status, host.open().count());
    Ok(())
}

/// Stops a scan from another task and keeps what it found.
async fn cancelled(target: &Target, ports: &PortSet) -> Result<(), Box<dyn Error>> {
    let slow = ScanConfig::default().with_max_rate(NonZeroU32::MIN);
    let scan = Scanner::new(slow)?.start(ScanPlan::for_host(target, ports), CancellationToken::new())?;
    let control = scan.control();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        control.cancel();
    });
    let report = scan.finish().await?;
    println!("{}: {} of {} ports", report.completion, report.progress.open, report.progress.probes);
    if report.completion == Completion::Cancelled { Ok(()) } else { Err("it was not cancelled".into()) }
}
