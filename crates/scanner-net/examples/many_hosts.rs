//! Many hosts: a stream of events, in the order in which things settle, and the report at the end.
//!
//! Opens a listener on each loopback address that this machine has, and asks each address for its own port.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use futures_util::StreamExt;
use scanner_core::{HostAddr, HostFinished, PortSet, PortSettled, ScanEvent, TargetSet};
use scanner_net::{CancellationToken, ScanConfig, ScanPlan, Scanner};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let addresses = (1..=8).map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)));
    let addresses = addresses.chain([IpAddr::V6(Ipv6Addr::LOCALHOST)]);
    // Linux has all of them, other systems the first, and not every machine has IPv6.
    let listeners: Vec<_> = addresses.filter_map(|ip| TcpListener::bind((ip, 0)).ok()).collect();

    let mut targets = TargetSet::new();
    let mut own_ports = Vec::new();
    for listener in &listeners {
        let addr = listener.local_addr()?;
        let host = HostAddr::from(addr.ip());
        targets.insert(host);
        own_ports.push((TargetSet::from_iter([host]), PortSet::from_range(addr.port(), addr.port())));
    }
    // With the same ports for all it is only ScanPlan::new("192.0.2.0/24".parse()?, "22,80".parse()?).
    let plan = ScanPlan::new(targets, PortSet::EMPTY).with_own_ports(own_ports.into_iter().collect());
    println!("{} probes", plan.probes());

    let mut scan = Scanner::new(ScanConfig::default())?.start(plan, CancellationToken::new())?;
    while let Some(event) = scan.next().await {
        match event {
            ScanEvent::ScanStart(start) => println!("scan {} of {} hosts", start.scan_id, start.targets),
            ScanEvent::Port(PortSettled { ip, result, .. }) => {
                println!("{ip} port {} {}", result.port, result.state);
            }
            ScanEvent::Host(HostFinished { host, .. }) => {
                println!("{} is {}, finished", host.ip, host.status);
            }
            ScanEvent::Note(note) => println!("note: {}", note.note.message),
            ScanEvent::ScanEnd(end) => println!("{} after {:?}", end.completion, end.elapsed),
            // There will be more kinds of events.
            _ => {}
        }
    }
    let report = scan.finish().await?;

    assert_eq!(report.open_ports().count(), listeners.len());
    Ok(())
}
