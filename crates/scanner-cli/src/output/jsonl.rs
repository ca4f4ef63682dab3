//! `jsonl`: one record per fact as it is found, valid at every end of a line.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use scanner_core::{
    HostAddr, HostResult, HostStatus, PortResult, PortState, PortsByReason, Reason, ReverseName, ScanEvent,
    ScanStart, Verdict,
};
use serde::Serialize;

use crate::clock;
use crate::output::{Beginning, Ending, Output, SCHEMA, ending};
use crate::settings::OutputSettings;

/// The format, with what the first and the last record need.
#[derive(Debug)]
pub(crate) struct Jsonl {
    open_only: bool,
    scan_id: String,
    unresolved: Vec<(String, String)>,
    notes: Vec<String>,
    now: fn() -> String,
}

/// What every record begins with.
#[derive(Debug, Serialize)]
struct Head<'a> {
    r#type: &'static str,
    scan_id: &'a str,
    timestamp: String,
}

#[derive(Debug, Serialize)]
struct StartRecord<'a> {
    r#type: &'static str,
    schema: u32,
    scan_id: &'a str,
    timestamp: String,
    version: &'static str,
    seed: String,
    targets: String,
    ports: Option<u32>,
}

/// The names of a host, left out where the user typed an address.
#[derive(Debug, Serialize)]
struct Names<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    names: &'a [String],
}

impl<'a> Names<'a> {
    fn new(names: &'a [String]) -> Self {
        Self { host: names.first().map(String::as_str), names }
    }
}

#[derive(Debug, Serialize)]
struct PortRecord<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    names: Names<'a>,
    ip: HostAddr,
    #[serde(flatten)]
    result: &'a PortResult,
}

#[derive(Debug, Serialize)]
struct HostRecord<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(flatten)]
    names: Names<'a>,
    ip: HostAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    ptr: Option<&'a ReverseName>,
    status: HostStatus,
    evidence: Option<Reason>,
    rtt_us: Option<u64>,
    loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    miss_bound: Option<f64>,
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_since_ms: Option<u64>,
    ports: &'a PortsByReason,
    not_asked: u32,
}

#[derive(Debug, Serialize)]
struct NoteRecord<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    code: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct UnresolvedRecord<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    name: &'a str,
    message: &'a str,
}

#[derive(Debug, Serialize)]
struct EndRecord<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    completion: &'static str,
    exit_status: u8,
    elapsed_ms: u64,
    not_measured: &'a BTreeMap<Reason, u64>,
    unresolved: Vec<&'a str>,
}

impl Jsonl {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        let unresolved = beginning.unresolved.iter();
        Self {
            open_only: settings.open_only,
            scan_id: String::new(),
            unresolved: unresolved.map(|error| (error.name.clone(), error.kind.to_string())).collect(),
            notes: beginning.notes.to_vec(),
            now: clock::timestamp,
        }
    }

    /// The same with a clock that stands still.
    #[cfg(test)]
    fn at(mut self, now: fn() -> String) -> Self {
        self.now = now;
        self
    }

    fn head(&self, r#type: &'static str) -> Head<'_> {
        Head { r#type, scan_id: &self.scan_id, timestamp: (self.now)() }
    }

    fn start(&mut self, start: &ScanStart, out: &mut dyn Write) -> io::Result<()> {
        self.scan_id.clone_from(&start.scan_id);
        let record = StartRecord {
            r#type: "scan_start",
            schema: SCHEMA,
            scan_id: &start.scan_id,
            timestamp: (self.now)(),
            version: env!("CARGO_PKG_VERSION"),
            seed: start.seed.to_string(),
            targets: start.targets.to_string(),
            ports: start.ports,
        };
        line(&record, out)?;
        for message in &self.notes {
            line(&NoteRecord { head: self.head("note"), code: "target", message }, out)?;
        }
        for (name, message) in &self.unresolved {
            line(&UnresolvedRecord { head: self.head("unresolved"), name, message }, out)?;
        }
        Ok(())
    }

    fn host(&self, host: &HostResult, out: &mut dyn Write) -> io::Result<()> {
        if self.open_only && host.open().next().is_none() {
            return Ok(());
        }
        let record = HostRecord {
            head: self.head("host"),
            names: Names::new(&host.names),
            ip: host.ip,
            ptr: host.ptr.as_ref(),
            status: host.status,
            evidence: host.evidence,
            rtt_us: host.rtt.map(micros),
            loss: host.loss,
            miss_bound: host.miss_bound,
            verdict: host.verdict,
            lost_since_ms: host.lost_since.map(millis),
            ports: &host.ports,
            not_asked: host.not_asked,
        };
        line(&record, out)
    }
}

impl Output for Jsonl {
    #[expect(
        clippy::match_same_arms,
        reason = "the end is known and waits; an event of a later version is not known"
    )]
    fn event(&mut self, event: &ScanEvent, out: &mut dyn Write) -> io::Result<()> {
        match event {
            ScanEvent::ScanStart(start) => self.start(start, out),
            ScanEvent::Port(port) if self.open_only && port.result.state != PortState::Open => Ok(()),
            ScanEvent::Port(port) => {
                let (head, names) = (self.head("port"), Names::new(&port.names));
                line(&PortRecord { head, names, ip: port.ip, result: &port.result }, out)
            }
            ScanEvent::Host(finished) => self.host(&finished.host, out),
            ScanEvent::Note(note) => {
                let (code, message) = (&note.note.code, &note.note.message);
                line(&NoteRecord { head: self.head("note"), code, message }, out)
            }
            // The last record also says how the command ends, which is known in `finish`.
            ScanEvent::ScanEnd(_) => Ok(()),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        let record = EndRecord {
            head: self.head("scan_end"),
            completion: ending(end).as_str(),
            exit_status: end.status.code(),
            elapsed_ms: millis(end.report.progress.elapsed),
            not_measured: &end.report.not_measured,
            unresolved: end.unresolved.iter().map(|error| error.name.as_str()).collect(),
        };
        line(&record, out)
    }
}

fn line(record: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use scanner_core::ForwardCheck;

    use super::*;
    use crate::output::samples::{HostBuilder, beginning, render, settings, unresolved};

    fn noon() -> String {
        "2026-11-22T12:00:00.000Z".into()
    }

    #[test]
    fn a_record_per_fact() {
        let hosts = [
            HostBuilder::new("192.0.2.9").name("nas.lan").open(443).refused("1-442").build(),
            HostBuilder::new("192.0.2.57")
                .ptr("box.lan", ForwardCheck::Differs)
                .open(80)
                .lost("81-90", 4)
                .build(),
        ];
        let gone = unresolved();
        let notes = ["192.0.2.255 skipped (broadcast)".to_owned()];
        let beginning = Beginning { unresolved: &gone, notes: &notes, ..beginning() };
        let mut jsonl = Jsonl::new(&settings(), &beginning).at(noon);
        insta::assert_snapshot!(render(&mut jsonl, &hosts, &gone), @r#"
        {"type":"scan_start","schema":1,"scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","version":"0.1.0","seed":"9021","targets":"254","ports":1000}
        {"type":"note","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","code":"target","message":"192.0.2.255 skipped (broadcast)"}
        {"type":"unresolved","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","name":"gone.invalid","message":"name or service not known"}
        {"type":"port","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","host":"nas.lan","names":["nas.lan"],"ip":"192.0.2.9","port":443,"protocol":"tcp","state":"open","reason":"handshake","service":"https","service_basis":"port-number","rtt_us":4430,"attempts":1}
        {"type":"host","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","host":"nas.lan","names":["nas.lan"],"ip":"192.0.2.9","status":"up","evidence":"rst","rtt_us":640,"loss":null,"verdict":null,"ports":{"open":{"handshake":{"count":1,"ports":"443"}},"closed":{"rst":{"count":442,"ports":"1-442"}}},"not_asked":0}
        {"type":"port","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.57","port":80,"protocol":"tcp","state":"open","reason":"handshake","service":"http","service_basis":"port-number","rtt_us":800,"attempts":1}
        {"type":"host","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.57","ptr":{"name":"box.lan","forward":"differs"},"status":"up","evidence":"handshake","rtt_us":640,"loss":null,"verdict":"host-lost","lost_since_ms":4000,"ports":{"open":{"handshake":{"count":1,"ports":"80"}},"unknown":{"host-lost":{"count":10,"ports":"81-90"}}},"not_asked":0}
        {"type":"scan_end","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","completion":"incomplete","exit_status":3,"elapsed_ms":14000,"not_measured":{"host-lost":10},"unresolved":["gone.invalid"]}
        "#);
    }

    #[test]
    fn only_what_is_open_where_asked() {
        let hosts = [
            HostBuilder::new("192.0.2.1").open(22).refused("23").listing_all().build(),
            HostBuilder::new("192.0.2.2").refused("22-23").listing_all().build(),
        ];
        let settings = OutputSettings { open_only: true, ..settings() };
        let mut jsonl = Jsonl::new(&settings, &beginning()).at(noon);
        insta::assert_snapshot!(render(&mut jsonl, &hosts, &[]), @r#"
        {"type":"scan_start","schema":1,"scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","version":"0.1.0","seed":"9021","targets":"254","ports":1000}
        {"type":"port","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.1","port":22,"protocol":"tcp","state":"open","reason":"handshake","service":"ssh","service_basis":"port-number","rtt_us":220,"attempts":1}
        {"type":"host","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.1","status":"up","evidence":"rst","rtt_us":640,"loss":null,"verdict":null,"ports":{"open":{"handshake":{"count":1,"ports":"22"}},"closed":{"rst":{"count":1,"ports":"23"}}},"not_asked":0}
        {"type":"scan_end","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","completion":"complete","exit_status":0,"elapsed_ms":14000,"not_measured":{},"unresolved":[]}
        "#);
    }
}
