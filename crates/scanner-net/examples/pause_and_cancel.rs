//! Steering a scan from another task: pause, look, go on, cancel. What was found until then is kept.
//!
//! Asks 50 ports of 127.0.0.1 that it opens itself, so slowly that there is time to interfere.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::num::NonZeroU32;
use std::time::Duration;

use scanner_core::{Completion, PortSet, ScanReport, Target};
use scanner_net::{CancellationToken, ScanConfig, ScanControl, ScanPlan, Scanner};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listeners: Vec<_> =
        (0..50).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let ports: PortSet = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|addr| addr.port()))
        .collect::<Result<_, _>>()?;
    let target = Target::from(IpAddr::V4(Ipv4Addr::LOCALHOST));

    let slow = ScanConfig::default().with_max_rate(NonZeroU32::MIN);
    let scan = Scanner::new(slow)?.start(ScanPlan::for_host(&target, &ports), CancellationToken::new())?;
    // The control can be cloned and sent anywhere; the scan itself stays with whoever reads its events.
    let steering = tokio::spawn(steer(scan.control()));
    let report = scan.finish().await?;
    let seen = steering.await?.ok_or("the scan ended before it could be steered")?;

    println!(
        "{}: {} of {} ports were asked",
        report.completion, report.progress.open, report.progress.probes
    );
    assert_eq!(report.completion, Completion::Cancelled);
    // Every port has a state: what was not asked is `unknown`, because it was cancelled.
    assert_eq!(report.progress.pending(), 0);
    assert!(report.progress.open >= seen.progress.open);
    Ok(())
}

/// Pauses for a moment, goes on, and cancels as soon as more is found. Returns what was there when it resumed.
async fn steer(control: ScanControl) -> Option<ScanReport> {
    control.pause();
    // Commands are obeyed in order: this one is answered when the scan is paused.
    let paused = control.snapshot().await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let still = control.snapshot().await?;
    println!(
        "paused with {} attempts made, and {} a moment later",
        paused.progress.sent, still.progress.sent
    );
    assert_eq!(still.progress.sent, paused.progress.sent);

    control.set_max_rate(NonZeroU32::new(20));
    control.resume();
    while control.snapshot().await?.progress.open <= still.progress.open {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    control.cancel();
    Some(still)
}
