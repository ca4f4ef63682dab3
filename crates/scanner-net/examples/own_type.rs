//! Results in an application's own type: here an inventory of which service runs where.
//!
//! Asks ports of 127.0.0.1 that it opens itself, and calls two of them what the application calls them.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use scanner_core::{Completion, HostAddr, HostResult, PortSet, ScanReport, TargetSet};
use scanner_net::{CancellationToken, ScanConfig, ScanPlan, scan_multiple_hosts};

/// What the application knows about the ports of its network.
#[derive(Debug, Default, PartialEq, Eq)]
struct Inventory {
    machines: BTreeMap<HostAddr, Machine>,
    /// Whether a machine that is not listed is really not there: not so after a scan that did not measure everything.
    is_complete: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Machine {
    name: String,
    ports: BTreeSet<u16>,
}

impl From<&HostResult> for Machine {
    fn from(host: &HostResult) -> Self {
        let name = host.names.first().cloned().unwrap_or_else(|| host.ip.to_string());
        Self { name, ports: host.open().map(|open| open.port).collect() }
    }
}

impl From<&ScanReport> for Inventory {
    fn from(report: &ScanReport) -> Self {
        Self {
            machines: report.hosts.iter().map(|host| (host.ip, Machine::from(host))).collect(),
            is_complete: report.completion == Completion::Complete,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listeners: Vec<_> =
        (0..4).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let ports: PortSet = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|addr| addr.port()))
        .collect::<Result<_, _>>()?;

    let mut targets = TargetSet::new();
    targets.add_name(IpAddr::V4(Ipv4Addr::LOCALHOST).into(), "build server");
    let plan = ScanPlan::new(targets, ports.clone());
    let report = scan_multiple_hosts(plan, &ScanConfig::default(), &CancellationToken::new(), None).await?;

    let inventory = Inventory::from(&report);
    println!("{inventory:#?}");
    let here =
        inventory.machines.get(&IpAddr::V4(Ipv4Addr::LOCALHOST).into()).ok_or("this machine is missing")?;
    assert_eq!(here.name, "build server");
    assert_eq!(here.ports.iter().copied().collect::<PortSet>(), ports);
    assert!(inventory.is_complete);
    Ok(())
}
