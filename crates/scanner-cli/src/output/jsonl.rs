//! `jsonl`: one record per fact as it is found, valid at every end of a line. Every other format is a rendering of it.

use std::io::{self, Write};
use std::time::SystemTime;

use scanner_core::{HostResult, PortState, ScanEvent, ScanStart};

use crate::networks::Networks;
use crate::output::record::{
    About, ChangeRecord, EndFields, EndRecord, HostFields, HostRecord, NameFields, NoteFields, NoteRecord,
    PortFields, PortRecord, Record, SCHEMA, StartRecord, UnresolvedFields, UnresolvedRecord,
};
use crate::output::{Beginning, Ending, Output, sanitize, unresolved_fields};
use crate::settings::OutputSettings;

/// The format, with what the first and the last record need.
#[derive(Debug)]
pub(crate) struct Jsonl {
    open_only: bool,
    scan_id: String,
    about: About,
    networks: Networks,
    unresolved: Vec<UnresolvedFields>,
    notes: Vec<NoteFields>,
}

impl Jsonl {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        Self {
            open_only: settings.open_only,
            scan_id: String::new(),
            about: beginning.about.clone(),
            networks: beginning.networks.clone(),
            unresolved: unresolved_fields(beginning.unresolved),
            notes: beginning.notes.to_vec(),
        }
    }

    fn start(&mut self, start: &ScanStart, timestamp: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        self.scan_id.clone_from(&start.scan_id);
        let record = StartRecord {
            schema: SCHEMA,
            scan_id: start.scan_id.clone(),
            timestamp,
            about: self.about.clone(),
            seed: start.seed.to_string(),
            targets: start.targets.to_string(),
            ports: start.ports,
        };
        line(&Record::ScanStart(record), out)?;
        for note in std::mem::take(&mut self.notes) {
            line(&Record::Note(NoteRecord { scan_id: self.scan_id.clone(), timestamp, note }), out)?;
        }
        for unresolved in self.unresolved.clone() {
            let scan_id = self.scan_id.clone();
            line(&Record::Unresolved(UnresolvedRecord { scan_id, timestamp, unresolved }), out)?;
        }
        Ok(())
    }

    fn host(&self, host: &HostResult, timestamp: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        if self.open_only && host.open().next().is_none() {
            return Ok(());
        }
        let host = HostFields::new(host, &self.networks);
        line(&Record::Host(HostRecord { scan_id: self.scan_id.clone(), timestamp, host }), out)
    }
}

impl Output for Jsonl {
    #[expect(
        clippy::match_same_arms,
        reason = "the end is known and waits; an event of a later version is not known"
    )]
    fn event(&mut self, event: &ScanEvent, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        let scan_id = self.scan_id.clone();
        match event {
            ScanEvent::ScanStart(start) => self.start(start, at, out),
            ScanEvent::Port(port) if self.open_only && port.result.state != PortState::Open => Ok(()),
            ScanEvent::Port(settled) => {
                let host = NameFields::new(settled.ip, &settled.names);
                let port = PortFields::new(&settled.result);
                line(&Record::Port(PortRecord { scan_id, timestamp: at, host, port }), out)
            }
            ScanEvent::Host(finished) => self.host(&finished.host, at, out),
            ScanEvent::Note(note) => {
                let note = NoteFields { code: note.note.code.clone(), message: note.note.message.clone() };
                line(&Record::Note(NoteRecord { scan_id, timestamp: at, note }), out)
            }
            // The last record also says how the command ends, which is known in `finish`.
            ScanEvent::ScanEnd(_) => Ok(()),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        for host in end.comparison.iter().flat_map(|comparison| &comparison.changes) {
            let record = ChangeRecord {
                scan_id: self.scan_id.clone(),
                timestamp: end.finished,
                ip: host.ip,
                names: host.names.clone(),
                change: host.change.clone(),
            };
            line(&Record::Change(record), out)?;
        }
        let record = EndRecord {
            scan_id: self.scan_id.clone(),
            timestamp: end.finished,
            end: EndFields::new(end),
            unresolved: end.unresolved.iter().map(|error| error.name.clone()).collect(),
        };
        line(&Record::ScanEnd(record), out)
    }
}

fn line(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    sanitize::write_json(record, out)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use scanner_core::ForwardCheck;

    use super::*;
    use crate::output::samples::{HostBuilder, beginning, note, render, settings, unresolved};

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
        let notes = [note("192.0.2.255 skipped (broadcast)")];
        let beginning = Beginning { unresolved: &gone, notes: &notes, ..beginning() };
        let mut jsonl = Jsonl::new(&settings(), &beginning);
        insta::assert_snapshot!(render(&mut jsonl, &hosts, &gone), @r#"
        {"type":"scan_start","schema":1,"scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","version":"0.1.0","args":"scanner 192.0.2.0/24","port_ranges":"1-1000","own_ports":false,"all_ports":false,"skip_discovery":false,"discover_only":false,"seed":"9021","targets":"254","ports":1000}
        {"type":"note","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","code":"target","message":"192.0.2.255 skipped (broadcast)"}
        {"type":"unresolved","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","name":"gone.invalid","message":"name or service not known"}
        {"type":"port","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","host":"nas.lan","names":["nas.lan"],"ip":"192.0.2.9","port":443,"protocol":"tcp","state":"open","reason":"handshake","service":"https","service_basis":"port-number","rtt_us":4430,"attempts":1}
        {"type":"host","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","host":"nas.lan","names":["nas.lan"],"ip":"192.0.2.9","status":"up","evidence":"rst","rtt_us":640,"loss":null,"verdict":null,"ports":{"open":{"handshake":{"count":1,"ports":"443"}},"closed":{"rst":{"count":442,"ports":"1-442"}}},"not_asked":0}
        {"type":"port","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.57","port":80,"protocol":"tcp","state":"open","reason":"handshake","service":"http","service_basis":"port-number","rtt_us":800,"attempts":1}
        {"type":"host","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.57","ptr":{"name":"box.lan","forward":"differs"},"status":"up","evidence":"handshake","rtt_us":640,"loss":null,"verdict":"host-lost","lost_since_ms":4000,"ports":{"open":{"handshake":{"count":1,"ports":"80"}},"unknown":{"host-lost":{"count":10,"ports":"81-90"}}},"not_asked":0}
        {"type":"scan_end","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","completion":"incomplete","exit_status":3,"elapsed_ms":14000,"not_measured":{"host-lost":10},"counters":{"elapsed_ms":14000,"targets":254,"targets_done":0,"targets_up":2,"probes":454,"open":2,"closed":442,"filtered":0,"unknown":10,"not_asked":0,"sent":0,"in_flight":0,"window":0,"rate":0,"done_permille":0,"eta_ms":null},"unresolved":["gone.invalid"]}
        "#);
    }

    #[test]
    fn only_what_is_open_where_asked() {
        let hosts = [
            HostBuilder::new("192.0.2.1").open(22).refused("23").listing_all().build(),
            HostBuilder::new("192.0.2.2").refused("22-23").listing_all().build(),
        ];
        let settings = OutputSettings { open_only: true, ..settings() };
        let mut jsonl = Jsonl::new(&settings, &beginning());
        insta::assert_snapshot!(render(&mut jsonl, &hosts, &[]), @r#"
        {"type":"scan_start","schema":1,"scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","version":"0.1.0","args":"scanner 192.0.2.0/24","port_ranges":"1-1000","own_ports":false,"all_ports":false,"skip_discovery":false,"discover_only":false,"seed":"9021","targets":"254","ports":1000}
        {"type":"port","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.1","port":22,"protocol":"tcp","state":"open","reason":"handshake","service":"ssh","service_basis":"port-number","rtt_us":220,"attempts":1}
        {"type":"host","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","ip":"192.0.2.1","role":"gateway","status":"up","evidence":"rst","rtt_us":640,"loss":null,"verdict":null,"ports":{"open":{"handshake":{"count":1,"ports":"22"}},"closed":{"rst":{"count":1,"ports":"23"}}},"not_asked":0}
        {"type":"scan_end","scan_id":"7f3a","timestamp":"2026-11-22T12:00:00.000Z","completion":"complete","exit_status":0,"elapsed_ms":14000,"not_measured":{},"counters":{"elapsed_ms":14000,"targets":254,"targets_done":0,"targets_up":2,"probes":4,"open":1,"closed":3,"filtered":0,"unknown":0,"not_asked":0,"sent":0,"in_flight":0,"window":0,"rate":0,"done_permille":0,"eta_ms":null},"unresolved":[]}
        "#);
    }
}
