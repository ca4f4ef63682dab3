//! nmap's XML, of a connect or SYN scan. What nmap says of other protocols, or in other words than open, closed and filtered,
//! is left out with a remark.

use std::io::BufRead;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use scanner_core::{
    Completion, ForwardCheck, HostResult, HostStatus, PortResult, PortSet, PortState, Reason, ReverseName,
    ServiceBasis, Target,
};

use super::input::Input;
use super::tally::Tally;
use super::{Hosts, Stored};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::record::{About, Role};

pub(super) fn read(input: &Input, reader: Box<dyn BufRead>) -> Result<Stored, Failure> {
    let mut xml = Reader::from_reader(reader);
    let mut scan = Scan::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let wrong = |error: &dyn std::fmt::Display| input.wrong(&format!("is no XML of nmap: {error}"));
        match xml.read_event_into(&mut buffer) {
            // A scan that was killed leaves its elements open.
            Ok(Event::Eof) => break,
            Ok(Event::Start(element) | Event::Empty(element)) => {
                let attributes = Attributes::read(&element).map_err(|error| wrong(&error))?;
                scan.element(element.name().as_ref(), &attributes);
            }
            Ok(Event::End(element)) => scan.closed(element.name().as_ref()),
            Ok(_) => {}
            Err(_) if scan.run => break,
            Err(error) => return Err(wrong(&error)),
        }
    }
    if !scan.run {
        return Err(input.wrong("is no XML of nmap: it has no element nmaprun"));
    }
    Ok(scan.into_stored(input))
}

/// The attributes of an element.
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn read(element: &BytesStart<'_>) -> quick_xml::Result<Self> {
        let mut all = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned();
            all.push((attribute.key.as_ref().to_owned(), value));
        }
        Ok(Self(all))
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }

    fn time(&self, name: &str) -> Option<SystemTime> {
        self.number(name).map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

/// What was read so far.
#[derive(Default)]
struct Scan {
    run: bool,
    about: About,
    started: Option<SystemTime>,
    finished: Option<SystemTime>,
    elapsed: Duration,
    failed: bool,
    total: Option<u64>,
    up: Option<u64>,
    hosts: Vec<(Option<SystemTime>, Host)>,
    host: Option<Host>,
    ended: Option<SystemTime>,
    /// Ports that were said to be something that a connect scan cannot find out.
    other_states: u64,
}

/// The host that is being read.
struct Host {
    result: HostResult,
    is_own: bool,
    port: Option<u16>,
    /// The state of `extraports` and its count, where nmap does not say which ports these are.
    unnamed: Vec<(Reason, u64)>,
    extra: Option<(String, u64)>,
}

impl Scan {
    fn element(&mut self, name: &str, attributes: &Attributes) {
        match name {
            "nmaprun" => {
                self.run = true;
                attributes.get("version").clone_into(&mut self.about.version);
                attributes.get("args").clone_into(&mut self.about.args);
                self.started = attributes.time("start");
            }
            "scaninfo" if attributes.get("protocol") == "tcp" => {
                self.about.port_ranges = attributes.get("services").parse().unwrap_or_default();
            }
            "host" => {
                self.ended = attributes.time("endtime");
                self.host = Some(Host::new());
            }
            "finished" => {
                self.finished = attributes.time("time");
                self.failed = attributes.get("exit") == "error";
                let elapsed = attributes.get("elapsed").parse::<f64>().unwrap_or(0.0);
                self.elapsed = Duration::try_from_secs_f64(elapsed).unwrap_or_default();
            }
            "hosts" => {
                self.total = attributes.number("total");
                self.up = attributes.number("up");
            }
            _ => {
                if let Some(host) = &mut self.host {
                    self.other_states += host.element(name, attributes);
                }
            }
        }
    }

    fn closed(&mut self, name: &str) {
        match (name, &mut self.host) {
            ("host", host) => {
                if let Some(mut host) = host.take() {
                    host.settle(&self.about.port_ranges);
                    self.hosts.push((self.ended, host));
                }
            }
            ("extraports", Some(host)) => self.other_states += host.end_extra(),
            ("port", Some(host)) => host.port = None,
            _ => {}
        }
    }

    fn into_stored(self, input: &Input) -> Stored {
        let started = self.started.unwrap_or(UNIX_EPOCH);
        let finished = self.finished.unwrap_or(started);
        let mut tally = Tally::new(String::new(), 0);
        let mut hosts = Vec::new();
        for (at, host) in self.hosts {
            tally.add(&host.result, host.is_own.then_some(Role::ThisMachine));
            hosts.push((at.unwrap_or(finished), host.result));
        }
        hosts.sort_by_key(|(_, host)| host.ip);
        let listed = hosts.len() as u64;
        let targets = self.total.unwrap_or(listed);
        let report = &mut tally.report;
        report.hosts.sort_by_key(|host| host.ip);
        report.progress.targets = targets;
        report.progress.targets_done = targets;
        report.progress.elapsed = self.elapsed;
        report.progress.targets_up = self.up.unwrap_or(report.progress.targets_up);
        let mut remarks = Vec::new();
        report.completion = match self.finished {
            None => {
                remarks.push(format!("{} has no end: the scan still runs, or was killed", input.name()));
                Completion::Cancelled
            }
            Some(_) if self.failed || !report.not_measured.is_empty() => Completion::Incomplete,
            Some(_) => Completion::Complete,
        };
        if self.other_states > 0 {
            remarks.push(format!(
                "{}: {} ports are neither open, closed nor filtered there, or not TCP, and are left out",
                input.name(),
                self.other_states
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
            hosts: Hosts::Here(hosts),
        }
    }
}

impl Host {
    fn new() -> Self {
        let nobody = std::net::IpAddr::from([0, 0, 0, 0]);
        Self {
            result: HostResult::unknown(&Target::from(nobody)),
            is_own: false,
            port: None,
            unnamed: Vec::new(),
            extra: None,
        }
    }

    /// Returns how many ports had to be left out.
    fn element(&mut self, name: &str, attributes: &Attributes) -> u64 {
        let host = &mut self.result;
        match name {
            "status" => {
                let why = attributes.get("reason");
                host.status = match attributes.get("state") {
                    "up" => HostStatus::Up,
                    "down" => HostStatus::Down,
                    _ => HostStatus::Unknown,
                };
                host.evidence = reason(why);
                self.is_own = why == "localhost-response";
            }
            "address" if attributes.get("addrtype") != "mac" => {
                if let Ok(ip) = attributes.get("addr").parse() {
                    host.ip = ip;
                }
            }
            "hostname" if attributes.get("type") == "user" => {
                host.names.push(attributes.get("name").to_owned());
            }
            "hostname" if attributes.get("type") == "PTR" => {
                // Whether it leads back is not in the file.
                let name = attributes.get("name").to_owned();
                host.ptr = Some(ReverseName { name, forward: ForwardCheck::Unknown });
            }
            "port" if attributes.get("protocol") == "tcp" => {
                self.port = attributes.get("portid").parse().ok();
            }
            "port" => return 1,
            "state" => return self.state(attributes),
            "service" => self.service(attributes),
            "extraports" => {
                self.extra =
                    Some((attributes.get("state").to_owned(), attributes.number("count").unwrap_or(0)));
            }
            "extrareasons" => self.extra_reason(attributes),
            "times" => host.rtt = attributes.number("srtt").map(Duration::from_micros),
            _ => {}
        }
        0
    }

    fn state(&mut self, attributes: &Attributes) -> u64 {
        let Some(port) = self.port else { return 0 };
        let Some(why) = reason_of(attributes.get("state"), attributes.get("reason")) else { return 1 };
        let result = PortResult { service: None, service_basis: None, ..PortResult::new(port, why, None, 1) };
        self.result.ports.add(why, &PortSet::from_range(port, port));
        self.result.results.push(result);
        0
    }

    fn service(&mut self, attributes: &Attributes) {
        let Some(result) = self.result.results.last_mut().filter(|result| Some(result.port) == self.port)
        else {
            return;
        };
        result.service = Some(attributes.get("name").to_owned());
        result.service_basis = (attributes.get("method") == "table").then_some(ServiceBasis::PortNumber);
    }

    fn extra_reason(&mut self, attributes: &Attributes) {
        if !matches!(attributes.get("proto"), "" | "tcp") {
            return;
        }
        let Some((state, left)) = &mut self.extra else { return };
        let count = attributes.number("count").unwrap_or(0);
        let Some(why) = reason_of(state, attributes.get("reason")) else { return };
        *left = left.saturating_sub(count);
        match attributes.get("ports").parse::<PortSet>() {
            Ok(ports) if !ports.is_empty() => self.result.ports.add(why, &ports),
            _ => self.unnamed.push((why, count)),
        }
    }

    /// Returns how many ports had to be left out.
    fn end_extra(&mut self) -> u64 {
        let Some((state, left)) = self.extra.take().filter(|(_, left)| *left > 0) else { return 0 };
        match reason_of(&state, "") {
            Some(why) => {
                self.unnamed.push((why, left));
                0
            }
            None => left,
        }
    }

    /// An old nmap only counts the ports that it does not show. Where all of them are alike, they are all the others.
    fn settle(&mut self, asked: &PortSet) {
        let ports = &mut self.result.ports;
        if let [(why, count)] = self.unnamed[..] {
            let mut named = PortSet::EMPTY;
            ports.iter().for_each(|(_, ports)| named = named.union(ports));
            let rest = asked.difference(&named);
            if rest.len() as u64 == count {
                ports.add(why, &rest);
            }
        }
        self.result.results.sort_by_key(|result| result.port);
    }
}

/// What nmap's state and reason are to us; none where we have no such thing.
fn reason_of(state: &str, why: &str) -> Option<Reason> {
    let state = PortState::ALL.into_iter().find(|known| known.as_str() == state)?;
    let usual = match state {
        PortState::Open => Reason::Handshake,
        PortState::Closed => Reason::Refused,
        PortState::Filtered => Reason::NoReply,
        PortState::Unknown => Reason::Cancelled,
    };
    Some(reason(why).filter(|reason| reason.state() == state).unwrap_or(usual))
}

/// nmap's word for a reason, in the singular and the plural that it uses for many ports; or ours.
fn reason(word: &str) -> Option<Reason> {
    let ours = Reason::ALL.into_iter().find(|reason| reason.as_str() == word);
    ours.or(match word.trim_end_matches('s') {
        "syn-ack" => Some(Reason::Handshake),
        "conn-refused" => Some(Reason::Refused),
        "reset" => Some(Reason::Rst),
        "no-response" => Some(Reason::NoReply),
        "port-unreach" | "port-unreache" => Some(Reason::PortUnreachable),
        "host-unreach" | "host-unreache" => Some(Reason::HostUnreachable),
        "net-unreach" | "net-unreache" => Some(Reason::NetUnreachable),
        "proto-unreach" | "proto-unreache" => Some(Reason::ProtoUnreachable),
        "admin-prohibited" | "host-prohibited" | "net-prohibited" => Some(Reason::Prohibited),
        _ => None,
    })
}
