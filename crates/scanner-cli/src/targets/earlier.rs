//! `--from`: targets, their names and their ports from an earlier result.

mod json;
mod nmap;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use scanner_core::{HostAddr, PortSet, PortState, TargetItem, TargetSet, parse_host};

use crate::failure::Failure;
use crate::output::words::counted;

use super::Notes;
use super::named::Named;
use super::words::{open, shown};

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
    cut_off: bool,
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
    let mut reader = open(path).map_err(|error| unreadable(path, &error))?;
    let mut found = Found {
        path,
        states: &settings.states,
        hosts: BTreeMap::new(),
        bare: TargetSet::new(),
        unlisted: 0,
        cut_off: false,
    };
    match first_character(&mut *reader).map_err(|error| unreadable(path, &error))? {
        Some(b'<') => nmap::read(reader, &mut found)?,
        Some(b'{') => json::read(&mut *reader, &mut found)?,
        _ => return Err(found.no_result("neither JSON nor XML")),
    }
    found.notes().into_iter().for_each(|note| notes.add(note));
    found.hand_on(wanted, settings.without_ports);
    Ok(())
}

/// The first byte that is neither white space nor a byte order mark, which stays in the reader.
fn first_character(reader: &mut dyn BufRead) -> io::Result<Option<u8>> {
    loop {
        let Some(&byte) = reader.fill_buf()?.first() else { return Ok(None) };
        if !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf) {
            return Ok(Some(byte));
        }
        reader.consume(1);
    }
}

impl Found<'_> {
    /// Whether ports in `state` are wanted.
    fn wants(&self, state: PortState) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// Adds what is known of a host; what came before is kept.
    fn add(&mut self, addr: HostAddr, facts: Facts) {
        if !self.states.is_empty() && facts.ports.is_empty() {
            return;
        }
        let known = self.hosts.entry(addr).or_default();
        known.ports = known.ports.union(&facts.ports);
        known.whole |= facts.whole;
        for name in facts.names {
            // A result that somebody tampered with must not bring in what could never be typed.
            let is_name = parse_host(&name).is_ok_and(|parsed| matches!(parsed.item, TargetItem::Name(_)));
            if is_name && !known.names.contains(&name) {
                known.names.push(name);
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        let path = shown(self.path);
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        let mut notes = Vec::new();
        if self.cut_off {
            notes.push(format!("{path} ends in the middle of a record, which was left out"));
        }
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

    /// The file is something else.
    fn no_result(&self, what: &str) -> Failure {
        Failure::usage(format!("{}: not a result of a scan: {what}", shown(self.path))).with_hint(HINT)
    }

    /// The file is wrong on a line, and at a column where that is not 0.
    fn wrong(&self, line: usize, column: usize, what: impl Display) -> Failure {
        let column = if column == 0 { String::new() } else { format!(":{column}") };
        let what = what.to_string();
        let mut chars = what.chars();
        let mut text: String = chars.by_ref().take(LONGEST_MESSAGE).collect();
        if chars.next().is_some() {
            text.push('…');
        }
        Failure::usage(format!("{}:{line}{column}: {text}", shown(self.path))).with_hint(HINT)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", shown(path))).with_hint(HINT)
}

const HINT: &str =
    "--from reads what --json, --jsonl and nmap -oX write; lists of targets are read with --input";

/// The most characters of a message about a file: it may quote what stands there.
const LONGEST_MESSAGE: usize = 200;

#[cfg(test)]
mod tests;
