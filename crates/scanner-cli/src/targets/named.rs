//! `Named`: what was named to be scanned, each with its ports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use scanner_core::{HostAddr, PortMap, PortSet, TargetItem, TargetSet, TargetSetBuilder, parse_target};

use crate::failure::Failure;
use crate::networks::Networks;

use super::words::Word;
use super::{Notes, index_of};

/// Addresses and names side by side, as they come.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Addresses that take the ports of the scan.
    plain: TargetSetBuilder,
    /// Addresses with ports of their own; an address may be in several.
    own: BTreeMap<PortSet, TargetSetBuilder>,
    /// Names to look up.
    names: Vec<(String, Option<PortSet>)>,
    /// Names whose address is known.
    known: TargetSet,
}

impl Named {
    /// Adds what a word stands for.
    ///
    /// # Errors
    /// A word that cannot be understood, an interface that this machine does not have.
    pub(super) fn add(
        &mut self,
        word: &Word<'_>,
        networks: &Networks,
        notes: &mut Notes,
    ) -> Result<(), Failure> {
        // Nearly every line of a long list, written as the standard library reads it.
        if let Ok(ip) = word.text.parse::<Ipv4Addr>() {
            self.add_range(ip.into(), ip.into(), None);
            return Ok(());
        }
        if let Ok(addr) = word.text.parse::<SocketAddrV4>()
            && addr.port() != 0
        {
            let ip = HostAddr::from(*addr.ip());
            self.add_range(ip, ip, Some(&PortSet::from_range(addr.port(), addr.port())));
            return Ok(());
        }
        let parsed = parse_target(word.text).map_err(|error| word.place.fail(&error))?;
        parsed.notes.into_iter().for_each(|note| notes.add(note));
        let ports = parsed.ports.as_ref();
        match parsed.item {
            TargetItem::Addresses(ranges) => {
                for (first, last) in ranges {
                    self.add_range(first, last, ports);
                }
            }
            TargetItem::Scoped { ip, interface } => {
                let addr = HostAddr::with_scope(ip.into(), index_of(&interface, word, networks)?);
                self.add_range(addr, addr, ports);
            }
            TargetItem::Name(name) => self.names.push((name, parsed.ports)),
        }
        Ok(())
    }

    /// Adds addresses, with ports of their own or without.
    pub(super) fn add_range(&mut self, first: HostAddr, last: HostAddr, ports: Option<&PortSet>) {
        let Some(ports) = ports else { return self.plain.insert_range(first, last) };
        if let Some(addrs) = self.own.get_mut(ports) {
            addrs.insert_range(first, last);
        } else {
            self.own.entry(ports.clone()).or_default().insert_range(first, last);
        }
    }

    /// Says under which name an address was scanned before.
    pub(super) fn add_known_name(&mut self, addr: HostAddr, name: &str) {
        self.known.add_name(addr, name);
    }

    /// Some name that would be looked up.
    pub(super) fn first_name(&self) -> Option<&str> {
        self.names.first().map(|(name, _)| name.as_str())
    }

    /// The names to look up, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut met = BTreeSet::new();
        let names = self.names.iter().map(|(name, _)| name);
        names.filter(|name| met.insert(name.to_ascii_lowercase())).cloned().collect()
    }

    /// Everything in one set, with the addresses that the names led to, and the ports of those that have their own.
    pub(super) fn resolved(mut self, resolved: &TargetSet, ports: PortChoice<'_>) -> Assigned {
        let mut wishes: BTreeMap<String, Vec<Option<PortSet>>> = BTreeMap::new();
        for (name, ports) in std::mem::take(&mut self.names) {
            wishes.entry(name.to_ascii_lowercase()).or_default().push(ports);
        }
        for (addr, names) in resolved.named() {
            for wish in names.iter().filter_map(|name| wishes.get(&name.to_ascii_lowercase())).flatten() {
                self.add_range(addr, addr, wish.as_ref());
            }
        }
        let mut targets = self.plain.build();
        let (groups, mut portless) = with_ports(self.own, ports.excluded);
        // Named with ports and without: both count.
        let both = groups.iter().map(|(addrs, _)| (targets.intersection(addrs), ports.default.clone()));
        let both: Vec<_> = both.filter(|(addrs, _)| !addrs.is_empty()).collect();
        for (addrs, _) in &groups {
            targets.union(addrs);
        }
        portless.subtract(&targets);
        for (addr, names) in self.known.named().chain(resolved.named()) {
            if targets.contains(addr) {
                for name in names {
                    targets.add_name(addr, name);
                }
            }
        }
        Assigned { targets, own_ports: groups.into_iter().chain(both).collect(), portless }
    }
}

/// The addresses by the ports that are left to them, and those to which none is left.
fn with_ports(
    own: BTreeMap<PortSet, TargetSetBuilder>,
    excluded: &PortSet,
) -> (Vec<(TargetSet, PortSet)>, TargetSet) {
    let mut groups = Vec::new();
    let mut portless = TargetSet::new();
    for (ports, addrs) in own {
        let (ports, addrs) = (ports.difference(excluded), addrs.build());
        if ports.is_empty() {
            portless.union(&addrs);
        } else {
            groups.push((addrs, ports));
        }
    }
    (groups, portless)
}

/// Which ports the scan is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortChoice<'a> {
    /// Of targets without their own.
    pub(crate) default: &'a PortSet,
    /// Of none.
    pub(crate) excluded: &'a PortSet,
}

/// Targets with their names and ports.
#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) targets: TargetSet,
    pub(super) own_ports: PortMap,
    /// Addresses of which every port is excluded.
    pub(super) portless: TargetSet,
}
