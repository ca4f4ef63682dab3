//! A file of records, one per line. A last line that was cut off by a kill or a full disk is left out.

use std::collections::BTreeMap;
use std::time::SystemTime;

use scanner_core::{
    Comparison, HostAddr, HostChange, HostResult, HostStatus, Note, PortResult, PortSet, PortSettled,
    PortState, Reason, Target,
};

use super::input::{Input, Lines, Opened};
use super::tally::{Tally, duration};
use super::{Hosts, Item, Stored, TARGET_NOTE, parsed, resolve_errors};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::record::{About, EndRecord, PortRecord, Record, Role, StartRecord};

pub(super) fn read(input: Input, lines: Lines) -> Result<Stored, Failure> {
    let mut reading = Reading::default();
    let whole = input.each_record(lines, parse, |line, record| reading.take(&input, line, record))?;
    reading.into_stored(input, whole)
}

fn parse(line: &[u8]) -> serde_json::Result<Record> {
    serde_json::from_slice(line)
}

/// Ports and hosts, as they were found; a host that was not finished comes last.
pub(super) fn walk_hosts(
    input: &Input,
    about: &About,
    take: &mut dyn FnMut(Item<'_>),
) -> Result<(), Failure> {
    let mut ports = Ports::default();
    let Opened::Lines(lines) = input.opened()? else { return Err(input.no_result("it has changed")) };
    input.each_record(lines, parse, |_, record| {
        match record {
            Record::Note(note) if note.note.code != TARGET_NOTE => {
                take(Item::Note(note.timestamp, &note.note));
            }
            Record::Port(port) => take(Item::Port(port.timestamp, ports.keep(port))),
            Record::Host(host) => {
                let results = ports.of(host.host.name.ip);
                take(Item::Host(host.timestamp, host.host.into_host(results)));
            }
            Record::ScanStart(_)
            | Record::Note(_)
            | Record::Unresolved(_)
            | Record::Change(_)
            | Record::ScanEnd(_)
            | Record::Other => {}
        }
        Ok(())
    })?;
    for (at, host) in ports.unfinished(about) {
        take(Item::Host(at, host));
    }
    Ok(())
}

/// What is known while the file is read for the first time.
#[derive(Default)]
struct Reading {
    start: Option<StartRecord>,
    tally: Option<Tally>,
    ports: Ports,
    notes: Vec<crate::output::record::NoteFields>,
    unresolved: Vec<crate::output::record::UnresolvedFields>,
    changes: Vec<HostChange>,
    end: Option<EndRecord>,
    last: Option<SystemTime>,
}

impl Reading {
    fn take(&mut self, input: &Input, line: usize, record: Record) -> Result<(), Failure> {
        let Some(tally) = &mut self.tally else { return self.begin(input, line, record) };
        match record {
            Record::ScanStart(_) => {
                return Err(input
                    .wrong_at(line, 0, "a second scan begins here")
                    .with_hint("give each scan a file of its own"));
            }
            Record::Note(note) if note.note.code == TARGET_NOTE => self.notes.push(note.note),
            Record::Note(note) => {
                tally.report.notes.push(Note { code: note.note.code, message: note.note.message });
            }
            Record::Unresolved(record) => self.unresolved.push(record.unresolved),
            Record::Port(port) => {
                self.last = Some(port.timestamp);
                self.ports.keep(port);
            }
            Record::Host(host) => {
                self.last = Some(host.timestamp);
                let role = host.host.role;
                let results = self.ports.of(host.host.name.ip);
                tally.add(&host.host.into_host(results), role);
            }
            Record::Change(record) => {
                self.changes.push(HostChange { ip: record.ip, names: record.names, change: record.change });
            }
            Record::ScanEnd(end) => self.end = Some(end),
            Record::Other => {}
        }
        Ok(())
    }

    fn begin(&mut self, input: &Input, line: usize, record: Record) -> Result<(), Failure> {
        let Record::ScanStart(start) = record else {
            return Err(input.wrong_at(
                line,
                0,
                "the first record is no scan_start: the beginning of the scan is missing",
            ));
        };
        self.tally = Some(Tally::new(start.scan_id.clone(), parsed(input, &start.seed)?));
        self.start = Some(start);
        Ok(())
    }

    fn into_stored(self, input: Input, whole: bool) -> Result<Stored, Failure> {
        let (Some(start), Some(mut tally)) = (self.start, self.tally) else {
            return Err(input.no_result("it is empty"));
        };
        let targets = parsed(&input, &start.targets)?;
        for (_, host) in self.ports.unfinished(&start.about) {
            tally.add(&host, None::<Role>);
        }
        let mut remarks = Vec::new();
        let last = self.last.unwrap_or(start.timestamp);
        if let Some(end) = &self.end {
            tally.end(&end.end, targets);
        } else {
            let elapsed = last.duration_since(start.timestamp).unwrap_or_default();
            tally.cut_off(targets, start.about.ports_each(), elapsed);
            remarks.push(input.no_end(whole));
        }
        let end = self.end.as_ref();
        let changes = self.changes;
        Ok(Stored {
            about: start.about,
            started: start.timestamp,
            finished: end.map_or(last, |end| end.timestamp),
            networks: tally.networks,
            addr_width: tally.addr_width,
            targets,
            unresolved: resolve_errors(self.unresolved),
            notes: self.notes,
            report: tally.report,
            status: end.map_or(ExitStatus::Incomplete, |end| ExitStatus::from_code(end.end.exit_status)),
            deadline: end.and_then(|end| end.end.deadline_ms).map(duration),
            comparison: (!changes.is_empty()).then(|| Comparison { changes, ..Comparison::default() }),
            remarks,
            hosts: Hosts::Lines(input),
        })
    }
}

/// Ports of hosts that are not finished.
#[derive(Default)]
struct Ports(BTreeMap<HostAddr, (SystemTime, Vec<String>, Vec<PortResult>)>);

impl Ports {
    fn keep(&mut self, record: PortRecord) -> PortSettled {
        let PortRecord { scan_id, timestamp, host, port } = record;
        let result = port.into_result();
        let entry = self.0.entry(host.ip).or_insert_with(|| (timestamp, host.names.clone(), Vec::new()));
        entry.0 = timestamp;
        entry.2.push(result.clone());
        PortSettled { scan_id, ip: host.ip, names: host.names, result }
    }

    /// The ports of a host that is finished now, in order.
    fn of(&mut self, ip: HostAddr) -> Vec<PortResult> {
        let mut results = self.0.remove(&ip).map(|(_, _, results)| results).unwrap_or_default();
        results.sort_by_key(|result| result.port);
        results
    }

    /// Hosts without a record of their own. What their ports say is known; the rest was not measured.
    fn unfinished(self, about: &About) -> impl Iterator<Item = (SystemTime, HostResult)> {
        self.0.into_iter().map(|(ip, (at, names, mut results))| {
            results.sort_by_key(|result| result.port);
            let mut host = HostResult::unknown(&Target { addr: ip, names });
            let mut known = PortSet::EMPTY;
            for result in &results {
                known.insert(result.port);
                host.ports.add(result.reason, &PortSet::from_range(result.port, result.port));
                if result.state == PortState::Open || result.reason.is_answer_of_host() {
                    host.status = HostStatus::Up;
                    host.evidence.get_or_insert(result.reason.into());
                }
            }
            // Which ports the others were is not in the file where hosts have their own.
            if !about.own_ports {
                host.ports.add(Reason::Cancelled, &about.port_ranges.difference(&known));
            }
            host.results = results;
            (at, host)
        })
    }
}
