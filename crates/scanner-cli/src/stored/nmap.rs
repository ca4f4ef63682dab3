//! nmap's XML, of a connect or SYN scan, by nmap or by others who write it. What nmap says of other protocols, or in other
//! words than open, closed and filtered, is left out with a remark.
//!
//! The file may come from anywhere: no nesting grows without bound, and nothing outside of it is opened.

mod host;
mod tag;

use std::io::{self, BufRead};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use scanner_core::Completion;

use super::input::{Input, Opened};
use super::tally::Tally;
use super::{Hosts, Item, Stored, give};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::record::{About, Role};
use crate::output::words::counted;

pub(super) use host::Host;
use tag::{Pieces, is_tcp, number_if_any, text};

/// nmap's own files are about six deep.
const DEEPEST: usize = 32;

/// Nothing, or what is wrong.
type Done = Result<(), String>;

/// Reads a whole file.
pub(super) fn read_stored(input: Input, reader: impl BufRead) -> Result<Stored, Failure> {
    let mut tally = Tally::new(String::new(), 0);
    let scan = read(&input, reader, &mut |host| {
        tally.add(&host.result, host.is_own.then_some(Role::ThisMachine));
    })?;
    Ok(scan.into_stored(input, tally))
}

/// Hands every host of a file that was read before to `take`, after its ports.
pub(super) fn walk_hosts(
    input: &Input,
    finished: SystemTime,
    take: &mut dyn FnMut(Item<'_>),
) -> Result<(), Failure> {
    let Opened::Xml(reader) = input.opened()? else { return Err(input.no_result("it has changed")) };
    read(input, reader, &mut |host| give(host.result, host.ended.unwrap_or(finished), "", take)).map(drop)
}

/// Hands every host to `take` as it is read.
pub(super) fn read(input: &Input, reader: impl BufRead, take: &mut dyn FnMut(Host)) -> Result<Scan, Failure> {
    let mut xml = Reader::from_reader(Pieces::new(reader));
    let mut buffer = Vec::new();
    let mut scan = Scan::default();
    loop {
        buffer.clear();
        xml.get_mut().begin();
        let event = xml.read_event_into(&mut buffer);
        let line = xml.get_ref().line;
        let done = match event {
            Ok(Event::Start(tag)) => scan.begin(&tag),
            Ok(Event::Empty(tag)) => scan.begin(&tag).map(|()| scan.end(tag.local_name().as_ref(), take)),
            Ok(Event::End(tag)) => {
                scan.end(tag.local_name().as_ref(), take);
                Ok(())
            }
            Ok(Event::Eof) => break,
            Ok(_) => Ok(()),
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(error.to_string())
            }
            Err(quick_xml::Error::Io(error)) => return Err(input.unreadable(&error)),
            // The end of the file inside of a tag is an error of syntax, as others are.
            Err(quick_xml::Error::Syntax(_)) if xml.get_mut().is_at_end() => break,
            Err(error) => Err(error.to_string()),
        };
        done.map_err(|what| input.wrong_at(line, 0, what))?;
    }
    if !scan.has_begun {
        return Err(input.no_result("it has no element"));
    }
    Ok(scan)
}

/// What was read so far, beside the hosts.
#[derive(Default)]
pub(super) struct Scan {
    /// Whether the outermost element was closed: a scan that was killed leaves it open.
    pub(super) has_end: bool,
    has_begun: bool,
    /// How many elements are open.
    open: usize,
    about: About,
    started: Option<SystemTime>,
    finished: Option<SystemTime>,
    elapsed: Duration,
    failed: bool,
    total: Option<u64>,
    up: Option<u64>,
    host: Option<Host>,
    left_out: u64,
    /// How many ports are listed one by one, and of how many hosts some are not.
    listed: usize,
    folded: usize,
}

impl Scan {
    fn begin(&mut self, tag: &BytesStart<'_>) -> Done {
        self.open += 1;
        if self.open > DEEPEST {
            return Err(format!("elements nested more than {DEEPEST} deep"));
        }
        let name = tag.local_name();
        let name = name.as_ref();
        if self.open == 1 && name != "nmaprun" {
            return Err(format!("not a result of a scan: `{name}` stands where `nmaprun` should"));
        }
        self.has_begun = true;
        if name == "host" {
            self.host = Some(Host::new(tag)?);
        }
        match &mut self.host {
            Some(host) => host.begin(name, tag),
            None => self.about_all(name, tag),
        }
    }

    fn about_all(&mut self, name: &str, tag: &BytesStart<'_>) -> Done {
        match name {
            "nmaprun" => {
                self.about.version = text(tag, "version")?;
                self.about.args = text(tag, "args")?;
                self.started = time(tag, "start")?;
            }
            "scaninfo" if is_tcp(tag, "protocol")? => {
                self.about.port_ranges = text(tag, "services")?.parse().unwrap_or_default();
            }
            "finished" => {
                self.finished = time(tag, "time")?;
                self.failed = text(tag, "exit")? == "error";
                let elapsed = number_if_any(tag, "elapsed")?.unwrap_or(0.0);
                self.elapsed = Duration::try_from_secs_f64(elapsed).unwrap_or_default();
            }
            "hosts" => {
                self.total = number_if_any(tag, "total")?;
                self.up = number_if_any(tag, "up")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str, take: &mut dyn FnMut(Host)) {
        self.open = self.open.saturating_sub(1);
        self.has_end |= self.open == 0;
        if name != "host" {
            if let Some(host) = &mut self.host {
                host.end(name);
            }
        } else if let Some(mut host) = self.host.take().filter(|host| host.has_addr) {
            host.settle(&self.about.port_ranges);
            self.left_out += host.left_out;
            self.listed += host.result.results.len();
            self.folded += usize::from(host.folds);
            self.about.own_ports |= host.has_own_ports(&self.about.port_ranges);
            take(host);
        }
    }

    fn into_stored(mut self, input: Input, mut tally: Tally) -> Stored {
        let started = self.started.unwrap_or(UNIX_EPOCH);
        let finished = self.finished.unwrap_or(started);
        let report = &mut tally.report;
        let targets = self.total.unwrap_or(report.progress.targets_done);
        self.about.all_ports = self.listed > 0 && self.folded == 0;
        report.hosts.sort_by_key(|host| host.ip);
        report.progress.targets = targets;
        report.progress.targets_done = targets;
        report.progress.elapsed = self.elapsed;
        report.progress.targets_up = self.up.unwrap_or(report.progress.targets_up);
        let mut remarks = Vec::new();
        report.completion = if !self.has_end {
            remarks.push(input.no_end(true));
            Completion::Cancelled
        } else if self.failed || !report.not_measured.is_empty() {
            Completion::Incomplete
        } else {
            Completion::Complete
        };
        if self.left_out > 0 {
            let ports = counted(self.left_out, "port", "ports");
            remarks.push(format!(
                "{}: {ports} neither open, closed nor filtered there, or not TCP, left out",
                input.name()
            ));
        }
        let complete = report.completion == Completion::Complete;
        Stored {
            about: self.about,
            started,
            finished,
            networks: tally.networks,
            addr_width: tally.addr_width,
            targets: targets.into(),
            unresolved: Vec::new(),
            notes: Vec::new(),
            report: tally.report,
            status: if complete { ExitStatus::Complete } else { ExitStatus::Incomplete },
            deadline: None,
            comparison: None,
            remarks,
            hosts: Hosts::Xml(input),
        }
    }
}

/// A time in whole seconds since 1970.
fn time(tag: &BytesStart<'_>, name: &str) -> Result<Option<SystemTime>, String> {
    let seconds = number_if_any(tag, name)?.map(Duration::from_secs);
    Ok(seconds.and_then(|seconds| UNIX_EPOCH.checked_add(seconds)))
}
