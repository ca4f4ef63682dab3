//! Names by themselves, without any scan: to addresses and back, in bulk, with errors that can be told apart.
//!
//! Asks the system about this machine, and a name server that the example opens itself and that never answers.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use scanner_dns::{Backend, CancellationToken, DnsConfig, ResolveErrorKind, Resolver};
use tokio::net::UdpSocket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cancel = CancellationToken::new(); // cancel it from anywhere: every look-up ends at once

    // What `ping localhost` would find, and what the address is called.
    let system = Resolver::new(DnsConfig { reverse: Backend::System, ..DnsConfig::default() })?;
    let addresses = system.resolve("localhost", &cancel).await?;
    println!("localhost is {}", addresses[0]);
    assert!(addresses[0].ip().is_loopback());
    match system.reverse(addresses[0].ip(), &cancel).await {
        Ok(found) => println!("{} is {}, which {}", found.ip, found.names[0], found.forward),
        Err(error) => println!("{error}"),
    }

    // Name servers of one's own choice. A name that fails does not stop the others.
    let deaf = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let config = DnsConfig {
        forward: Backend::Hickory,
        reverse: Backend::Off,
        servers: vec![deaf.local_addr()?],
        timeout: Duration::from_millis(200),
        ..DnsConfig::default()
    };
    let names = ["192.0.2.1", "printer.example", "192.0.2.2"].map(str::to_owned);
    let (targets, errors) = Resolver::new(config)?.resolve_all(&names, &cancel).await;
    println!("{targets}");
    for error in &errors {
        println!("{error}");
    }
    assert_eq!(targets.len(), 2);
    assert!(errors.len() == 1 && matches!(errors[0].kind, ResolveErrorKind::TimedOut(_)));
    Ok(())
}
