//! The workloads: what is scanned, in which network, and what is really there.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Child, Command};
use std::time::Duration;
use std::{io, iter};

use anyhow::{Context, Result};
use scanner_lab::{Draw, Family, Listeners, Namespace, Size, Wire, World};

use super::errand::{Errand, Hosts, Ports};
use super::scanners::Found;
use crate::flags::Workload as Named;

/// Ports that are open where nearly all are closed or silent: a run that finds others has not done its work.
const OPEN: [u16; 3] = [22, 443, 991];

/// The port of the workload that asks one port of many hosts.
const WIDE_PORT: u16 = 80;

/// Half a round trip of 80 ms.
const FAR: Duration = Duration::from_millis(40);

/// Sockets at once to a host 80 ms away, so that neither waiting nor a queue is what is measured.
const FAR_LIMIT: u32 = 4_000;

const ALL_PORTS: Ports = Ports::range(1, u16::MAX);

/// A network to set up, and what to do in it.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) errand: Errand,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Loopback,
    Veth,
    Far,
    /// Somebody listens on every port.
    Everywhere,
    /// A firewall drops what is not for an open port.
    Silent,
}

/// The workloads that a name stands for; none for what is measured in another way.
pub(crate) fn workloads(name: Named) -> Vec<Workload> {
    let neighbour = Hosts::one(TARGET);
    match name {
        Named::RefusedLoopback => vec![Workload::new(
            "refused-loopback",
            "65,535 ports of this machine, 3 open, the others refused",
            unlimited(Hosts::one(Ipv4Addr::LOCALHOST), ALL_PORTS),
            Place::Loopback,
        )],
        Named::RefusedVeth => vec![Workload::new(
            "refused-veth",
            "65,535 ports of a neighbour, 3 open, the others refused",
            unlimited(neighbour, ALL_PORTS),
            Place::Veth,
        )],
        Named::Open => vec![Workload::new(
            "open",
            "65,535 ports of a neighbour, all open",
            Errand { all_open: true, ..unlimited(neighbour, ALL_PORTS) },
            Place::Everywhere,
        )],
        Named::Far => vec![Workload::new(
            "far",
            "65,535 ports of a host 80 ms away, 3 open, the others refused; at most 4,000 connections",
            limited(neighbour, ALL_PORTS, FAR_LIMIT),
            Place::Far,
        )],
        Named::Silent => silent().into(),
        Named::Hosts => vec![Workload::new(
            "hosts",
            "1,000 ports of each of 256 hosts on loopback, 3 open on one, the others refused",
            unlimited(Hosts::network(Ipv4Addr::new(127, 1, 0, 0), 24), Ports::range(1, 1_000)),
            Place::Loopback,
        )],
        Named::Wide => vec![Workload::new(
            "wide",
            "one port of each of 65,536 hosts on loopback, open on 3, refused on the others",
            unlimited(Hosts::network(Ipv4Addr::new(127, 2, 0, 0), 16), Ports::range(WIDE_PORT, WIDE_PORT)),
            Place::Loopback,
        )],
        Named::StartUp => Vec::new(),
    }
}

/// So many ports that the limit is what decides how long it takes.
fn silent() -> [Workload; 3] {
    let of = |name, about, last, limit| {
        let errand = limited(Hosts::one(TARGET), Ports::range(1, last), limit);
        Workload::new(name, about, errand, Place::Silent)
    };
    [
        of("silent-100", "1,000 ports, 3 open, the others silent; at most 100 connections", 1_000, 100),
        of("silent-1k", "5,000 ports, 3 open, the others silent; at most 1,000 connections", 5_000, 1_000),
        of(
            "silent-10k",
            "20,000 ports, 3 open, the others silent; at most 10,000 connections",
            20_000,
            10_000,
        ),
    ]
}

/// The address of the other end of the wire.
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 2);

const fn unlimited(hosts: Hosts, ports: Ports) -> Errand {
    Errand { hosts, ports, limit: None, all_open: false }
}

const fn limited(hosts: Hosts, ports: Ports, limit: u32) -> Errand {
    Errand { hosts, ports, limit: Some(limit), all_open: false }
}

impl Workload {
    const fn new(name: &'static str, about: &'static str, errand: Errand, place: Place) -> Self {
        Self { name, about, errand, place }
    }

    /// What is open.
    pub(crate) fn truth(&self) -> BTreeSet<SocketAddrV4> {
        let Errand { hosts, ports, all_open, .. } = self.errand;
        if all_open {
            return (0..ports.count()).map(|index| SocketAddrV4::new(hosts.at(0), ports.at(index))).collect();
        }
        if ports.count() == 1 {
            // The first, the last and one between.
            let places = [0, hosts.count() / 3, hosts.count() - 1];
            return places.map(|index| SocketAddrV4::new(hosts.at(index), ports.at(0))).into();
        }
        OPEN.map(|port| SocketAddrV4::new(hosts.at(hosts.count() / 2), port)).into()
    }

    /// Makes the network and opens what is to be found.
    pub(crate) fn set_up(&self) -> Result<Stage> {
        let network = match self.place {
            Place::Loopback => Network::One(Namespace::new()?),
            Place::Veth | Place::Silent => Network::Two(World::new(Wire::Veth, Family::V4)?),
            Place::Far => Network::Two(World::new(Wire::Delayed(FAR), Family::V4)?),
            Place::Everywhere => return everywhere(),
        };
        let target = match &network {
            Network::Two(world) => &world.target,
            Network::One(_) | Network::Lab(_) => network.scanner(),
        };
        if self.place == Place::Silent {
            let [a, b, c] = OPEN;
            target.nft(&format!(
                "table inet bench {{ chain silent {{ type filter hook input priority 0; \
                 tcp dport {{ {a}, {b}, {c} }} accept; meta l4proto tcp drop; }}; }}"
            ))?;
        }
        let mut listeners = Vec::new();
        let truth = self.truth();
        let mut rest = truth.iter().peekable();
        while let Some(first) = rest.next() {
            let same_host = iter::from_fn(|| rest.next_if(|addr| addr.ip() == first.ip()));
            let ports: Vec<u16> = iter::once(first).chain(same_host).map(SocketAddrV4::port).collect();
            listeners.push(Listeners::new(target, (*first.ip()).into(), &ports)?);
        }
        Ok(Stage { network, _listeners: listeners })
    }
}

/// The lab knows how to listen on more ports than there are descriptors.
fn everywhere() -> Result<Stage> {
    let scenarios = scanner_lab::scenarios()?;
    let all_open = scenarios.iter().find(|(name, _)| *name == "all-open");
    let (_, scenario) = all_open.context("the lab has no scenario all-open")?;
    let stage = scanner_lab::Stage::set(scenario, Draw { seed: 1, run: 0, size: Size::Full })?;
    Ok(Stage { network: Network::Lab(Box::new(stage)), _listeners: Vec::new() })
}

/// What is wrong with what was found, unless nothing is.
pub(crate) fn fault(found: &Found, truth: &BTreeSet<SocketAddrV4>) -> Option<String> {
    let (right, wrong) = match found {
        Found::Ports(ports) => (ports.intersection(truth).count(), ports.difference(truth).count()),
        Found::Count(count) => (*count, 0),
    };
    let all = truth.len();
    match (right == all, wrong) {
        (true, 0) => None,
        (_, 0) => Some(format!("found {right} of {all} open ports")),
        (_, wrong) => Some(format!("found {right} of {all} open ports, and {wrong} that are not open")),
    }
}

/// A network that stands as long as this value.
pub(crate) struct Stage {
    network: Network,
    _listeners: Vec<Listeners>,
}

enum Network {
    One(Namespace),
    Two(World),
    Lab(Box<scanner_lab::Stage>),
}

impl Network {
    fn scanner(&self) -> &Namespace {
        match self {
            Self::One(namespace) => namespace,
            Self::Two(world) => &world.scanner,
            Self::Lab(stage) => stage.scanner(),
        }
    }
}

impl Stage {
    /// Starts a command where the scanner is.
    pub(crate) fn start(&self, command: &mut Command) -> io::Result<Child> {
        self.network.scanner().spawn(command).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use clap::ValueEnum as _;

    #[test]
    fn every_workload_has_something_to_find() {
        for name in Named::value_variants() {
            for workload in workloads(*name) {
                let truth = workload.truth();
                let Errand { hosts, ports, all_open, .. } = workload.errand;
                assert_eq!(truth.len(), if all_open { 65_535 } else { 3 }, "{}", workload.name);
                let asked = |addr: &SocketAddrV4| {
                    (0..hosts.count()).any(|index| hosts.at(index) == *addr.ip())
                        && (ports.at(0)..=ports.at(ports.count() - 1)).contains(&addr.port())
                };
                assert!(truth.iter().take(3).all(asked), "{}", workload.name);
            }
        }
    }

    #[test]
    fn a_run_that_found_something_else_is_at_fault() {
        let addr = |port| SocketAddrV4::new(TARGET, port);
        let truth: BTreeSet<_> = [addr(1), addr(2)].into();
        let of = |ports: &[u16]| fault(&Found::Ports(ports.iter().map(|&port| addr(port)).collect()), &truth);
        assert_eq!(of(&[1, 2]), None);
        assert_eq!(of(&[1]).unwrap(), "found 1 of 2 open ports");
        assert_eq!(of(&[1, 2, 3]).unwrap(), "found 2 of 2 open ports, and 1 that are not open");
        assert_eq!(fault(&Found::Count(2), &truth), None);
        assert_eq!(fault(&Found::Count(0), &truth).unwrap(), "found 0 of 2 open ports");
    }
}
