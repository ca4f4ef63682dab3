//! Results in JSON: a record on each line, or one document.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};

use scanner_core::{AddrSet, HostAddr, PortSet, PortState, TargetSet, TargetSetBuilder};
use serde::Deserialize;

use crate::failure::Failure;
use crate::output::SCHEMA;

use super::{Facts, Found, unreadable};

/// The longest line that is read as a record: more than any host with every port in a range of its own takes.
const LONGEST_RECORD: u64 = 16 << 20;

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

#[derive(Deserialize)]
struct Start {
    schema: u32,
}

#[derive(Deserialize)]
struct PortRecord {
    ip: HostAddr,
    #[serde(default)]
    names: Vec<String>,
    port: u16,
    state: PortState,
}

#[derive(Deserialize)]
struct HostRecord {
    ip: HostAddr,
    #[serde(default)]
    names: Vec<String>,
    /// By state, then reason, of which later versions may know more.
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
    schema: u32,
    hosts: Vec<HostRecord>,
    #[serde(default)]
    up_nothing_open: AddrSet,
    #[serde(default)]
    down: AddrSet,
    #[serde(default)]
    no_answer: AddrSet,
    #[serde(default)]
    not_measured_hosts: AddrSet,
}

/// Reads a result that begins with `{`.
pub(super) fn read(reader: &mut dyn BufRead, found: &mut Found<'_>) -> Result<(), Failure> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.take(LONGEST_RECORD).read_until(b'\n', &mut line);
        let read = read.map_err(|error| unreadable(found.path, &error))?;
        if read == 0 {
            break;
        }
        // One document on a line of its own or on many: its first line is no record.
        if number == 1 && serde_json::from_slice::<Kind>(&line).is_err() {
            return document(line.as_slice().chain(reader), found);
        }
        if read as u64 == LONGEST_RECORD {
            return Err(found.wrong(number, 0, format_args!("a record longer than {LONGEST_RECORD} bytes")));
        }
        match record(&line, found) {
            Ok(()) => {}
            Err(error) if error.is_eof() && !line.ends_with(b"\n") => found.cut_off = true,
            Err(error) => return Err(found.wrong(number, error.column(), without_place(&error))),
        }
    }
    Ok(())
}

fn record(line: &[u8], found: &mut Found<'_>) -> Result<(), serde_json::Error> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<Kind>(line)?.r#type.as_str() {
        "scan_start" => check_schema(serde_json::from_slice::<Start>(line)?.schema),
        "port" => {
            let PortRecord { ip, names, port, state } = serde_json::from_slice(line)?;
            let ports = if found.wants(state) { PortSet::from_range(port, port) } else { PortSet::EMPTY };
            found.add(ip, Facts { names, ports, whole: false });
            Ok(())
        }
        "host" => {
            host(serde_json::from_slice(line)?, found);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn document(reader: impl Read, found: &mut Found<'_>) -> Result<(), Failure> {
    let document: Document = serde_json::from_reader(std::io::BufReader::new(reader)).map_err(|error| {
        if error.is_io() {
            return unreadable(found.path, &error.into());
        }
        let what = without_place(&error);
        found.wrong(error.line(), error.column(), format_args!("not a result of a scan: {what}"))
    })?;
    check_schema(document.schema).map_err(|error| found.no_result(&error.to_string()))?;
    let listed: TargetSet = document.hosts.iter().map(|host| host.ip).collect();
    for record in document.hosts {
        host(record, found);
    }
    let unlisted = |sets: &[&AddrSet]| {
        let mut hosts = TargetSetBuilder::default();
        for (first, last) in sets.iter().flat_map(|set| set.ranges()) {
            hosts.insert_range(first, last);
        }
        let mut hosts = hosts.build();
        hosts.subtract(&listed);
        hosts
    };
    let (up, silent) = (&document.up_nothing_open, &document.no_answer);
    let (down, unmeasured) = (&document.down, &document.not_measured_hosts);
    if found.states.is_empty() {
        found.bare = unlisted(&[up, silent, down, unmeasured]);
        return Ok(());
    }
    if found.states.contains(&PortState::Unknown) {
        found.bare = unlisted(&[unmeasured]);
    }
    found.unlisted = if found.states.contains(&PortState::Filtered) {
        unlisted(&[up, silent]).len()
    } else if found.states.contains(&PortState::Closed) {
        unlisted(&[up]).len()
    } else {
        0
    };
    Ok(())
}

fn host(record: HostRecord, found: &mut Found<'_>) {
    let mut ports = PortSet::EMPTY;
    for (state, reasons) in record.ports {
        if found.wants(state) {
            ports = reasons.values().fold(ports, |all, reason| all.union(&reason.ports));
        }
    }
    found.add(record.ip, Facts { names: record.names, ports, whole: record.not_asked == 0 });
}

fn check_schema(schema: u32) -> Result<(), serde_json::Error> {
    if schema == SCHEMA {
        return Ok(());
    }
    Err(serde::de::Error::custom(format_args!("schema {schema}, and this version reads schema {SCHEMA}")))
}

/// The words of an error, which end in the place where it was found.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
