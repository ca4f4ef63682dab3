//! `Stored`: the result of an earlier scan, read from a file: `jsonl`, `json`, or nmap's XML, ours included.
//!
//! Lines and XML are read twice, once for what is known only at their end and once for their hosts, so that memory does not grow
//! with the file; it grows with the hosts of which the report holds more than the address. A JSON document is held as a whole: it is
//! written by scans whose hosts are. `each_host` reads any file once, for its hosts alone.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod hosts;
mod input;
mod jsonl;
mod nmap;
mod tally;

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use scanner_core::{
    AddrSet, Comparison, Findings, HostFinished, HostResult, HostStatus, Note, PortSettled, ScanEvent,
    ScanNote, ScanReport, ScanStart, Target,
};
use scanner_dns::{ResolveError, ResolveErrorKind};

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::networks::Networks;
use crate::output::record::{About, Document, NoteFields, PortFields, UnresolvedFields};
use crate::output::{Beginning, Ending, Output};

#[cfg(any(test, fuzzing))]
use hosts::each_host_of;
pub(crate) use hosts::{Rest, Seen, each_host};
use input::{Input, Opened};
use tally::{Tally, duration};

/// The code of a note about the targets, which is known before the scan begins.
const TARGET_NOTE: &str = "target";

/// The result of an earlier scan.
#[derive(Debug)]
pub(crate) struct Stored {
    about: About,
    started: SystemTime,
    finished: SystemTime,
    networks: Networks,
    addr_width: usize,
    targets: u128,
    unresolved: Vec<ResolveError>,
    notes: Vec<NoteFields>,
    report: ScanReport,
    status: ExitStatus,
    deadline: Option<Duration>,
    comparison: Option<Comparison>,
    /// What the reader should know about the file.
    pub(crate) remarks: Vec<String>,
    hosts: Hosts,
}

/// Where the hosts are.
#[derive(Debug)]
enum Hosts {
    Lines(Input),
    Xml(Input),
    Here(Vec<(SystemTime, HostResult)>),
}

/// One thing that a file says.
#[derive(Debug)]
enum Item<'a> {
    Note(SystemTime, &'a NoteFields),
    Port(SystemTime, PortSettled),
    Host(SystemTime, HostResult),
    /// Hosts that are like this one in all but their address.
    Alike(SystemTime, HostResult, &'a AddrSet),
}

/// Where a scan is rendered again.
struct Rendering<'a> {
    output: &'a mut dyn Output,
    out: &'a mut dyn io::Write,
    scan_id: &'a str,
    written: io::Result<()>,
}

impl Stored {
    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    /// A file that cannot be read, or is no result of a scan: where it is wrong, and what would be right.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::from_input(Input::open(path)?)
    }

    fn from_input(input: Input) -> Result<Self, Failure> {
        match input.opened()? {
            Opened::Xml(reader) => nmap::read_stored(input, reader),
            Opened::Lines(lines) => jsonl::read(input, lines),
            Opened::Document(reader) => read_document(&input, reader),
        }
    }

    /// What was known before the first probe.
    pub(crate) fn beginning(&self) -> Beginning<'_> {
        Beginning {
            about: &self.about,
            networks: &self.networks,
            targets: self.targets,
            addr_width: self.addr_width,
            unresolved: &self.unresolved,
            notes: &self.notes,
        }
    }

    /// How the scan ended.
    pub(crate) fn ending(&self) -> Ending<'_> {
        Ending {
            report: &self.report,
            finished: self.finished,
            status: self.status,
            unresolved: &self.unresolved,
            deadline: self.deadline,
            skip_discovery: self.about.skip_discovery,
            discover_only: self.about.discover_only,
            comparison: self.comparison.as_ref(),
        }
    }

    /// Renders the scan as it was rendered when it ran.
    ///
    /// # Errors
    /// A file that changed since it was read (the outer one); a result that cannot be written (the inner one).
    pub(crate) fn replay(
        &self,
        output: &mut dyn Output,
        out: &mut dyn io::Write,
    ) -> Result<io::Result<()>, Failure> {
        let scan_id = &self.report.scan_id;
        let mut rendering = Rendering { output, out, scan_id, written: Ok(()) };
        let ports = self.about.ports_each().map(|ports| u32::try_from(ports).unwrap_or(u32::MAX));
        let start =
            ScanStart { scan_id: scan_id.clone(), seed: self.report.seed, targets: self.targets, ports };
        rendering.event(&ScanEvent::ScanStart(start), self.started);
        self.walk(&mut |item| rendering.item(item))?;
        let Rendering { output, out, written, .. } = rendering;
        Ok(written.and_then(|()| output.finish(&self.ending(), out)))
    }

    /// What the scan found, to be compared.
    ///
    /// # Errors
    /// A file that changed since it was read.
    pub(crate) fn findings(&self) -> Result<Findings, Failure> {
        let mut findings = Findings::default();
        match &self.hosts {
            Hosts::Lines(_) | Hosts::Xml(_) => self.walk(&mut |item| {
                if let Item::Host(_, host) = item {
                    findings.add(&host);
                }
            })?,
            Hosts::Here(hosts) => {
                for (_, host) in hosts {
                    findings.add(host);
                }
                let known: AddrSet = hosts.iter().map(|(_, host)| host.ip).collect();
                findings.add_absent(&self.report.down.difference(&known));
                // Of which of them a port was not measured is not in the document.
                if self.report.not_measured.is_empty() {
                    findings.add_absent(&self.report.no_answer.difference(&known));
                }
                if self.report.not_measured.is_empty() && !self.about.own_ports {
                    let bare = self.report.up_nothing_open.difference(&known);
                    findings.add_nothing_open(&bare, &self.about.port_ranges);
                }
            }
        }
        Ok(findings)
    }

    fn walk(&self, take: &mut dyn FnMut(Item<'_>)) -> Result<(), Failure> {
        match &self.hosts {
            Hosts::Lines(input) => jsonl::walk_hosts(input, &self.about, take),
            Hosts::Xml(input) => nmap::walk_hosts(input, self.finished, take),
            Hosts::Here(hosts) => {
                for note in &self.report.notes {
                    let note = NoteFields { code: note.code.clone(), message: note.message.clone() };
                    take(Item::Note(self.started, &note));
                }
                self.walk_here(hosts, take);
                Ok(())
            }
        }
    }

    fn walk_here(&self, hosts: &[(SystemTime, HostResult)], take: &mut dyn FnMut(Item<'_>)) {
        for (at, host) in hosts {
            give(host.clone(), *at, &self.report.scan_id, take);
        }
        // Addresses of which no more is known than in which set they are.
        let known: AddrSet = hosts.iter().map(|(_, host)| host.ip).collect();
        let report = &self.report;
        let unmeasured =
            report.not_measured.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| *reason);
        for (set, status, reason) in [
            (&report.up_nothing_open, HostStatus::Up, None),
            (&report.down, HostStatus::Down, None),
            (&report.no_answer, HostStatus::Unknown, None),
            (&report.not_measured_hosts, HostStatus::Unknown, unmeasured),
        ] {
            let addrs = set.difference(&known);
            let Some(first) = addrs.iter().next() else { continue };
            let mut host = HostResult { status, ..HostResult::unknown(&Target::from(first)) };
            if let Some(reason) = reason.filter(|_| !self.about.own_ports) {
                host.ports.add(reason, &self.about.port_ranges);
            } else if status == HostStatus::Unknown {
                host.not_asked = u32::try_from(self.about.port_ranges.len()).unwrap_or(u32::MAX);
            }
            take(Item::Alike(self.finished, host, &addrs));
        }
    }
}

impl Rendering<'_> {
    fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Note(at, note) => {
                let note = Note { code: note.code.clone(), message: note.message.clone() };
                self.event(&ScanEvent::Note(ScanNote { scan_id: self.scan_id.to_owned(), note }), at);
            }
            Item::Port(at, port) => self.event(&ScanEvent::Port(port), at),
            Item::Host(at, host) => self.host(host, at),
            // A document can name more of them than anything could go through.
            Item::Alike(_, host, _) if self.output.passes_over(&host) => {}
            Item::Alike(at, host, addrs) => {
                for ip in addrs.iter() {
                    if self.written.is_err() {
                        return;
                    }
                    self.host(HostResult { ip, ..host.clone() }, at);
                }
            }
        }
    }

    fn host(&mut self, host: HostResult, at: SystemTime) {
        self.event(&ScanEvent::Host(HostFinished { scan_id: self.scan_id.to_owned(), host }), at);
    }

    fn event(&mut self, event: &ScanEvent, at: SystemTime) {
        if self.written.is_ok() {
            self.written = self.output.event(event, at, self.out);
        }
    }
}

/// A host after its ports, as a scan has them.
fn give(host: HostResult, at: SystemTime, scan_id: &str, take: &mut dyn FnMut(Item<'_>)) {
    for result in &host.results {
        let (scan_id, names, result) = (scan_id.to_owned(), host.names.clone(), result.clone());
        take(Item::Port(at, PortSettled { scan_id, ip: host.ip, names, result }));
    }
    take(Item::Host(at, host));
}

fn read_document(input: &Input, reader: impl io::Read) -> Result<Stored, Failure> {
    let document: Document = input.document(reader)?;
    let mut tally = Tally::new(document.scan_id, parsed(input, &document.seed)?);
    let at = document.finished;
    let hosts: Vec<_> = document
        .hosts
        .into_iter()
        .map(|entry| {
            let role = entry.host.role;
            let results = entry.results.into_iter().map(PortFields::into_result).collect();
            let host = entry.host.into_host(results);
            tally.add(&host, role);
            (at, host)
        })
        .collect();
    let (first, later): (Vec<_>, Vec<_>) =
        document.notes.into_iter().partition(|note| note.code == TARGET_NOTE);
    tally.report.notes =
        later.into_iter().map(|note| Note { code: note.code, message: note.message }).collect();
    // The document has the addresses of every host; the hosts in it may be a part.
    tally.report.up_nothing_open = document.up_nothing_open;
    tally.report.down = document.down;
    tally.report.no_answer = document.no_answer;
    tally.report.not_measured_hosts = document.not_measured_hosts;
    let targets = parsed(input, &document.targets)?;
    tally.end(&document.end, targets);
    Ok(Stored {
        about: document.about,
        started: document.started,
        finished: document.finished,
        networks: tally.networks,
        addr_width: tally.addr_width,
        targets,
        unresolved: resolve_errors(document.unresolved),
        notes: first,
        report: tally.report,
        status: ExitStatus::from_code(document.end.exit_status),
        deadline: document.end.deadline_ms.map(duration),
        comparison: document.comparison,
        remarks: Vec::new(),
        hosts: Hosts::Here(hosts),
    })
}

fn parsed<T: std::str::FromStr>(input: &Input, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| input.wrong_at(1, 0, format_args!("`{}` is no number", text.escape_debug())))
}

fn resolve_errors(fields: Vec<UnresolvedFields>) -> Vec<ResolveError> {
    let error = |fields: UnresolvedFields| ResolveError {
        name: fields.name,
        kind: ResolveErrorKind::Lookup(fields.message),
    };
    fields.into_iter().map(error).collect()
}

#[cfg(test)]
mod tests;
