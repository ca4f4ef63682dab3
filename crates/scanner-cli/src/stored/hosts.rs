//! The hosts of a result with their names and ports: what another scan needs of it, and no more is read. Fields that a later
//! version adds, and reasons that it knows, do not matter here.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use scanner_core::{AddrSet, HostAddr, PortSet, PortState};
use serde::Deserialize;

use super::input::{Input, Kind, Lines, Opened};
use super::nmap;
use crate::failure::Failure;
use crate::output::record::known_schema;

/// What a result says of one host, perhaps in several places.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The names that its user gave it.
    pub(crate) names: Vec<String>,
    /// The ports that are named.
    pub(crate) ports: BTreeMap<PortState, PortSet>,
    /// States in which there are more ports, which are only counted.
    pub(crate) counted: Vec<PortState>,
    /// Whether every port that the host was to be asked for is named.
    pub(crate) is_whole: bool,
}

/// What a result says beside its hosts.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// What the reader should know about the file.
    pub(crate) remarks: Vec<String>,
    /// Hosts of which only this is known.
    pub(crate) up_nothing_open: AddrSet,
    pub(crate) down: AddrSet,
    pub(crate) no_answer: AddrSet,
    pub(crate) not_measured_hosts: AddrSet,
}

/// Hands every host of a file to `take` as it is read; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, or is no result of a scan.
pub(crate) fn each_host(path: &Path, take: &mut dyn FnMut(HostAddr, Seen)) -> Result<Rest, Failure> {
    each_host_of(&Input::once(path), take)
}

pub(super) fn each_host_of(input: &Input, take: &mut dyn FnMut(HostAddr, Seen)) -> Result<Rest, Failure> {
    match input.opened()? {
        Opened::Xml(reader) => {
            let scan = nmap::read(input, reader, &mut |host| take(host.result.ip, host.seen()))?;
            let remarks = if scan.has_end { Vec::new() } else { vec![input.no_end(true)] };
            Ok(Rest { remarks, ..Rest::default() })
        }
        Opened::Lines(lines) => each_of_lines(input, lines, take),
        Opened::Document(reader) => each_of_document(input, reader, take),
    }
}

/// A record, of which scans without their beginning or end are made as well: lines that somebody picked are enough.
enum Entry {
    Start,
    Port(PortEntry),
    Host(HostEntry),
    End,
    Other,
}

#[derive(Deserialize)]
struct Start {
    #[serde(rename = "schema", deserialize_with = "known_schema")]
    _schema: u32,
}

#[derive(Deserialize)]
struct PortEntry {
    ip: HostAddr,
    #[serde(default)]
    names: Vec<String>,
    port: u16,
    state: PortState,
}

#[derive(Deserialize)]
struct HostEntry {
    ip: HostAddr,
    #[serde(default)]
    names: Vec<String>,
    /// By state, then reason.
    ports: BTreeMap<PortState, BTreeMap<String, Ports>>,
    #[serde(default)]
    not_asked: u64,
}

#[derive(Deserialize)]
struct Ports {
    ports: PortSet,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "schema", deserialize_with = "known_schema")]
    _schema: u32,
    hosts: Vec<HostEntry>,
    #[serde(default)]
    up_nothing_open: AddrSet,
    #[serde(default)]
    down: AddrSet,
    #[serde(default)]
    no_answer: AddrSet,
    #[serde(default)]
    not_measured_hosts: AddrSet,
}

fn each_of_lines(input: &Input, lines: Lines, take: &mut dyn FnMut(HostAddr, Seen)) -> Result<Rest, Failure> {
    let (mut begun, mut ended) = (false, false);
    let last_is_whole = input.each_record(lines, Entry::read, |_, entry| {
        match entry {
            Entry::Start => (begun, ended) = (true, false),
            Entry::Port(port) => take(port.ip, port.seen()),
            Entry::Host(host) => take(host.ip, host.seen()),
            Entry::End => ended = true,
            Entry::Other => {}
        }
        Ok(())
    })?;
    let stops_early = !last_is_whole || (begun && !ended);
    let remarks = if stops_early { vec![input.no_end(last_is_whole)] } else { Vec::new() };
    Ok(Rest { remarks, ..Rest::default() })
}

fn each_of_document(
    input: &Input,
    reader: impl Read,
    take: &mut dyn FnMut(HostAddr, Seen),
) -> Result<Rest, Failure> {
    let document: Document = input.document(reader)?;
    let listed: AddrSet = document.hosts.iter().map(|host| host.ip).collect();
    document.hosts.into_iter().for_each(|host| take(host.ip, host.seen()));
    Ok(Rest {
        remarks: Vec::new(),
        up_nothing_open: document.up_nothing_open.difference(&listed),
        down: document.down.difference(&listed),
        no_answer: document.no_answer.difference(&listed),
        not_measured_hosts: document.not_measured_hosts.difference(&listed),
    })
}

impl Entry {
    fn read(line: &[u8]) -> serde_json::Result<Self> {
        Ok(match serde_json::from_slice::<Kind>(line)?.r#type.as_str() {
            "scan_start" => {
                serde_json::from_slice::<Start>(line)?;
                Self::Start
            }
            "port" => Self::Port(serde_json::from_slice(line)?),
            "host" => Self::Host(serde_json::from_slice(line)?),
            "scan_end" => Self::End,
            _ => Self::Other,
        })
    }
}

impl PortEntry {
    fn seen(self) -> Seen {
        let ports = BTreeMap::from([(self.state, PortSet::from_range(self.port, self.port))]);
        Seen { names: self.names, ports, ..Seen::default() }
    }
}

impl HostEntry {
    fn seen(self) -> Seen {
        let of_state = |reasons: BTreeMap<String, Ports>| {
            reasons.into_values().fold(PortSet::EMPTY, |all, reason| all.union(&reason.ports))
        };
        let ports = self.ports.into_iter().map(|(state, reasons)| (state, of_state(reasons))).collect();
        Seen { names: self.names, ports, counted: Vec::new(), is_whole: self.not_asked == 0 }
    }
}
