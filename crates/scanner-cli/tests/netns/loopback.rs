//! 200 listeners on 127.0.0.1, where every port can be checked and where a socket can connect to itself.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use nix::sys::signal::Signal;
use scanner_core::{PortState, Reason};
use scanner_lab::{Family, LabError, Listeners, Namespace, Wire, World, seeded_ports};

use crate::command::{Finished, Running, scan};
use crate::setup::{only_answers_on, or_skip};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SEED: u64 = 7;
const LISTENERS: usize = 200;
const ALL_PORTS: usize = 65_535;

/// The cap of `--pace fixed`.
const FIXED: usize = 100;

#[test]
fn a_full_scan_finds_exactly_the_listeners() {
    let Some((namespace, open, _listeners)) = or_skip(machine(SEED)) else { return };
    assert_finds(&scan(&namespace, "127.0.0.1 -p full --format jsonl"), &open, ALL_PORTS);
}

#[test]
fn few_descriptors_change_nothing() {
    let Some((namespace, open, _listeners)) = or_skip(machine(SEED)) else { return };
    let scan = Running::start_limited(&namespace, 64, "127.0.0.1 -p full --format jsonl");
    assert_finds(&scan.finish(), &open, ALL_PORTS);
}

#[test]
fn the_ephemeral_range_has_no_phantoms() {
    no_phantoms(SEED);
}

#[test]
fn the_ephemeral_range_of_another_machine_has_no_phantoms() {
    no_phantoms(SEED + 1);
}

#[test]
fn a_fixed_pace_holds_to_its_hundred_sockets_on_loopback() {
    let Some((namespace, open, _listeners)) = or_skip(machine(SEED)) else { return };
    let running = Running::start(&namespace, "127.0.0.1 -p full --pace fixed --format jsonl");
    let mut peak = 0;
    let found = running.finish_watched(|running| {
        for _ in 0..20 {
            peak = peak.max(running.sockets());
        }
    });
    assert_finds(&found, &open, ALL_PORTS);
    assert!(peak <= FIXED, "{peak} sockets");
}

/// Silence keeps sockets open for as long as the time-out allows, so that the cap is reached.
#[test]
fn a_fixed_pace_holds_to_its_hundred_sockets_against_silence() {
    let family = Family::V4;
    let Some(world) = or_skip(World::new(Wire::Veth, family)) else { return };
    let _listeners = world.listen(family, &[80]).unwrap();
    world.target.nft(&only_answers_on(80)).unwrap();
    let mut running = Running::start(&world.scanner, &format!("{} -p full --pace fixed", family.target()));
    let mut samples = Vec::new();
    running.wait_until("sampled at its peak", |running| {
        samples.push(running.sockets());
        samples.iter().filter(|sockets| **sockets >= FIXED - 10).count() >= 200
    });
    running.signal(Signal::SIGINT);
    assert_eq!(running.finish().code(), Some(130));
    assert!(samples.iter().all(|sockets| *sockets <= FIXED), "{samples:?}");
}

/// A socket that the kernel connected to itself looks open: every few scans here.
fn no_phantoms(seed: u64) {
    const FIRST: u16 = 32_768;
    const LAST: u16 = 60_999;
    let Some((namespace, open, _listeners)) = or_skip(machine(seed)) else { return };
    let open: Vec<_> = open.into_iter().filter(|port| (FIRST..=LAST).contains(port)).collect();
    for _ in 0..25 {
        let found = scan(&namespace, &format!("127.0.0.1 -p {FIRST}-{LAST} --format jsonl"));
        assert_finds(&found, &open, usize::from(LAST - FIRST) + 1);
    }
}

/// A namespace with listeners on 127.0.0.1, and their ports.
fn machine(seed: u64) -> Result<(Namespace, Vec<u16>, Listeners), LabError> {
    let namespace = Namespace::new()?;
    let ports = seeded_ports(seed, LISTENERS);
    let listeners = Listeners::new(&namespace, HERE, &ports)?;
    Ok((namespace, ports, listeners))
}

/// Exactly these ports are open and all others closed, in the record of the host and port by port.
fn assert_finds(found: &Finished, open: &[u16], asked: usize) {
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    let host = found.host(HERE);
    assert_eq!(host.in_state(PortState::Open), open);
    assert_eq!(host.in_state(PortState::Closed).len(), asked - open.len());
    for reason in host.reasons().values() {
        assert!(matches!(reason, Reason::Handshake | Reason::Rst | Reason::SelfConnect), "{reason}");
    }
    let ports = found.records().into_iter().filter(|record| record["type"] == "port");
    let said: BTreeSet<_> = ports.map(|record| record["port"].as_u64().unwrap()).collect();
    assert_eq!(said, open.iter().map(|port| u64::from(*port)).collect());
}
