//! One host: which of these ports are open, and why are the others not?
//!
//! Asks three ports of 127.0.0.1 that it opens itself, and one that it holds without listening.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};

use scanner_core::{PortSet, PortState, Target};
use scanner_net::{CancellationToken, ScanConfig, scan_host_ports};
use tokio::net::{TcpListener, TcpSocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
    }
    let silent = TcpSocket::new_v4()?;
    silent.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let closed = silent.local_addr()?.port();

    // As a user would write them: "22,80,8000-8100".parse()?
    let mut ports: PortSet = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|addr| addr.port()))
        .collect::<Result<_, _>>()?;
    ports.insert(closed);
    let target = Target::from(IpAddr::V4(Ipv4Addr::LOCALHOST)).with_name("this machine");

    let cancel = CancellationToken::new();
    let host = scan_host_ports(&target, &ports, &ScanConfig::default(), &cancel, None).await?;

    println!("{} is {}", host.names.join(", "), host.status);
    for open in host.open() {
        println!("{:>5}  {}  {:?}", open.port, open.service.as_deref().unwrap_or("-"), open.rtt);
    }
    // Open ports come one by one; the others are sets, by the reason for their state.
    for (reason, ports) in host.ports.iter().filter(|(reason, _)| reason.state() != PortState::Open) {
        println!("{}: {ports} ({reason})", reason.state());
    }

    assert_eq!(host.open().count(), listeners.len());
    assert_eq!(host.state_of(closed).map(|(state, _)| state), Some(PortState::Closed));
    Ok(())
}
