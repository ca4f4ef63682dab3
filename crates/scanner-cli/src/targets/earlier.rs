//! `--from`: targets, their names and their ports from an earlier result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scanner_core::{
    AddrSet, HostAddr, PortSet, PortState, TargetItem, TargetSet, TargetSetBuilder, parse_host,
};

use crate::failure::{Failure, shown};
use crate::output::words::counted;
use crate::stored::{self, Rest, Seen};

use super::Notes;
use super::named::Named;

/// What to take from which results.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EarlierSettings {
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// Only ports in one of these states, and hosts that have one; all hosts where there is none.
    pub(crate) states: Vec<PortState>,
    /// Whether to take the ports of the scan instead of those in the files.
    pub(crate) without_ports: bool,
}

/// What was read out of one result.
#[derive(Debug)]
struct Found<'a> {
    path: &'a Path,
    states: &'a [PortState],
    hosts: BTreeMap<HostAddr, Facts>,
    /// Hosts that the result names without their ports.
    bare: TargetSet,
    /// How many hosts may have ports in a wanted state, which the result does not name.
    unlisted: u128,
}

/// One host of a result.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    names: Vec<String>,
    /// The ports in a wanted state.
    ports: PortSet,
    /// Whether the result names every port that the host was to be asked for.
    whole: bool,
}

/// Adds what an earlier result names.
///
/// # Errors
/// A file that cannot be read or is no result.
pub(super) fn add(
    wanted: &mut Named,
    path: &Path,
    settings: &EarlierSettings,
    notes: &mut Notes,
) -> Result<(), Failure> {
    let states = &settings.states;
    let mut found = Found { path, states, hosts: BTreeMap::new(), bare: TargetSet::new(), unlisted: 0 };
    let rest = stored::each_host(path, &mut |addr, seen| found.add(addr, seen));
    let rest = rest.map_err(|failure| failure.with_hint(HINT))?;
    found.add_rest(&rest);
    rest.remarks.into_iter().chain(found.notes()).for_each(|note| notes.add(note));
    found.hand_on(wanted, settings.without_ports);
    Ok(())
}

impl Found<'_> {
    /// Whether ports in `state` are wanted.
    fn wants(&self, state: PortState) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// Adds what is known of a host; what came before is kept.
    fn add(&mut self, addr: HostAddr, seen: Seen) {
        if !self.states.is_empty() && seen.counted.iter().any(|&state| self.wants(state)) {
            self.unlisted += 1;
        }
        let of_wanted = seen.ports.iter().filter(|(state, _)| self.wants(**state));
        let ports = of_wanted.fold(PortSet::EMPTY, |all, (_, ports)| all.union(ports));
        if !self.states.is_empty() && ports.is_empty() {
            return;
        }
        let known = self.hosts.entry(addr).or_default();
        known.ports = known.ports.union(&ports);
        known.whole |= seen.is_whole;
        for name in seen.names {
            // A result that somebody tampered with must not bring in what could never be typed.
            let is_name = parse_host(&name).is_ok_and(|parsed| matches!(parsed.item, TargetItem::Name(_)));
            if is_name && !known.names.contains(&name) {
                known.names.push(name);
            }
        }
    }

    /// Adds the hosts of which no ports are named.
    fn add_rest(&mut self, rest: &Rest) {
        let (up, silent, unmeasured) = (&rest.up_nothing_open, &rest.no_answer, &rest.not_measured_hosts);
        if self.states.is_empty() {
            self.bare = union([up, &rest.down, silent, unmeasured]);
            return;
        }
        if self.states.contains(&PortState::Unknown) {
            self.bare = union([unmeasured]);
        }
        if self.states.contains(&PortState::Filtered) {
            self.unlisted += union([up, silent]).len();
        } else if self.states.contains(&PortState::Closed) {
            self.unlisted += union([up]).len();
        }
    }

    fn notes(&self) -> Vec<String> {
        let path = shown(self.path);
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        let mut notes = Vec::new();
        if self.unlisted > 0 {
            let hosts = counted(self.unlisted, "host", "hosts");
            let states = states.join(" or ");
            notes
                .push(format!("{path} does not say which ports of {hosts} are {states}; they were left out"));
        } else if self.hosts.is_empty() && self.bare.is_empty() {
            let ports = if states.is_empty() {
                String::new()
            } else {
                format!(" with a port that is {}", states.join(" or "))
            };
            notes.push(format!("{path} names no host{ports}"));
        }
        notes
    }

    /// Hands the hosts on, with their ports where these are known.
    fn hand_on(self, wanted: &mut Named, without_ports: bool) {
        for (addr, facts) in &self.hosts {
            let known = facts.whole || !self.states.is_empty();
            let ports = (known && !without_ports && !facts.ports.is_empty()).then_some(&facts.ports);
            wanted.add_range(*addr, *addr, ports);
            for name in &facts.names {
                wanted.add_known_name(*addr, name);
            }
        }
        for (first, last) in self.bare.ranges() {
            wanted.add_range(first, last, None);
        }
    }
}

fn union<'a>(sets: impl IntoIterator<Item = &'a AddrSet>) -> TargetSet {
    let mut hosts = TargetSetBuilder::default();
    for (first, last) in sets.into_iter().flat_map(AddrSet::ranges) {
        hosts.insert_range(first, last);
    }
    hosts.build()
}

const HINT: &str =
    "--from reads what --json, --jsonl and nmap -oX write; lists of targets are read with --input";

#[cfg(test)]
mod tests;
