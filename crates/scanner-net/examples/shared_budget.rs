//! Several scans at once that share one budget of sockets: clones of a `Scanner` never have more open than it allows.
//!
//! Three scans of 127.0.0.1, each of 20 ports that it opens itself, with 8 sockets among them.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::num::NonZeroU32;

use futures_util::future::try_join_all;
use scanner_core::{PortSet, Target};
use scanner_net::{CancellationToken, ConnectionLimit, Scan, ScanConfig, ScanPlan, Scanner};

const SOCKETS: NonZeroU32 = NonZeroU32::new(8).unwrap();

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // One for the whole program, kept where its tasks find it. A second `Scanner::new` would have a budget of its own.
    let scanner = Scanner::new(ScanConfig::default().with_limit(ConnectionLimit::Fixed(SOCKETS)))?;
    // One token ends them all; each scan can be cancelled by itself through its control.
    let cancel = CancellationToken::new();
    let target = Target::from(IpAddr::V4(Ipv4Addr::LOCALHOST));

    let mut listeners = Vec::new();
    let mut scans = Vec::new();
    for _ in 0..3 {
        let opened: Vec<_> =
            (0..20).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
        let ports: PortSet = opened
            .iter()
            .map(|listener| listener.local_addr().map(|addr| addr.port()))
            .collect::<Result<_, _>>()?;
        listeners.push(opened);
        scans.push(scanner.clone().start(ScanPlan::for_host(&target, &ports), cancel.clone())?);
    }

    let reports = try_join_all(scans.into_iter().map(Scan::finish)).await?;
    for report in &reports {
        println!("scan {}: {} open ports", report.scan_id, report.progress.open);
        assert_eq!(report.progress.open, 20);
    }
    Ok(())
}
