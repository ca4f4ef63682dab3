//! `json`: one document, sorted by address, then port, written when the scan has ended.

use std::io::{self, Write};
use std::time::SystemTime;

use scanner_core::{HostResult, ScanEvent};

use crate::networks::Networks;
use crate::output::collected::Collected;
use crate::output::record::{
    About, Document, DocumentHost, EndFields, HostFields, NoteFields, PortFields, SCHEMA,
};
use crate::output::{Beginning, Ending, Output, sanitize, unresolved_fields};
use crate::settings::OutputSettings;

/// The format, with what is only known at the beginning.
#[derive(Debug)]
pub(crate) struct Json {
    about: About,
    networks: Networks,
    targets: u128,
    notes: Vec<NoteFields>,
    started: Option<SystemTime>,
    collected: Collected,
}

impl Json {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        Self {
            about: beginning.about.clone(),
            networks: beginning.networks.clone(),
            targets: beginning.targets,
            notes: beginning.notes.to_vec(),
            started: None,
            collected: Collected::new(settings.open_only, beginning.targets),
        }
    }
}

impl Output for Json {
    fn event(&mut self, event: &ScanEvent, at: SystemTime, _out: &mut dyn Write) -> io::Result<()> {
        if let ScanEvent::ScanStart(_) = event {
            self.started = Some(at);
        }
        self.collected.event(event, at);
        Ok(())
    }

    fn passes_over(&self, host: &HostResult) -> bool {
        !self.collected.is_kept(host)
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        let report = end.report;
        let hosts = self.collected.take(report, end.finished).into_iter().map(|(host, _)| DocumentHost {
            host: HostFields::new(&host, &self.networks),
            results: host.results.iter().map(PortFields::new).collect(),
        });
        let later = report
            .notes
            .iter()
            .map(|note| NoteFields { code: note.code.clone(), message: note.message.clone() });
        let document = Document {
            schema: SCHEMA,
            scan_id: report.scan_id.clone(),
            started: self.started.unwrap_or(end.finished),
            finished: end.finished,
            about: self.about.clone(),
            seed: report.seed.to_string(),
            targets: self.targets.to_string(),
            ports: self.about.ports_each(),
            end: EndFields::new(end),
            hosts: hosts.collect(),
            up_nothing_open: report.up_nothing_open.clone(),
            down: report.down.clone(),
            no_answer: report.no_answer.clone(),
            not_measured_hosts: report.not_measured_hosts.clone(),
            unresolved: unresolved_fields(end.unresolved),
            notes: std::mem::take(&mut self.notes).into_iter().chain(later).collect(),
            comparison: end.comparison.cloned(),
        };
        sanitize::write_json_pretty(&document, out)?;
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples::{HostBuilder, beginning, render, settings, unresolved};

    #[test]
    #[expect(clippy::too_many_lines, reason = "a document is long when it is written out")]
    fn one_document() {
        let hosts = [HostBuilder::new("192.0.2.9").name("nas.lan").open(443).refused("1-442").build()];
        let gone = unresolved();
        let mut json = Json::new(&settings(), &beginning());
        insta::assert_snapshot!(render(&mut json, &hosts, &gone), @r#"
        {
          "schema": 1,
          "scan_id": "7f3a",
          "started": "2026-11-22T12:00:00.000Z",
          "finished": "2026-11-22T12:00:00.000Z",
          "version": "0.1.0",
          "args": "scanner 192.0.2.0/24",
          "port_ranges": "1-1000",
          "own_ports": false,
          "all_ports": false,
          "skip_discovery": false,
          "discover_only": false,
          "seed": "9021",
          "targets": "254",
          "ports": 1000,
          "completion": "incomplete",
          "exit_status": 3,
          "elapsed_ms": 14000,
          "not_measured": {},
          "counters": {
            "elapsed_ms": 14000,
            "targets": 254,
            "targets_done": 0,
            "targets_up": 1,
            "probes": 443,
            "open": 1,
            "closed": 442,
            "filtered": 0,
            "unknown": 0,
            "not_asked": 0,
            "sent": 0,
            "in_flight": 0,
            "window": 0,
            "rate": 0,
            "done_permille": 0,
            "eta_ms": null
          },
          "hosts": [
            {
              "host": "nas.lan",
              "names": [
                "nas.lan"
              ],
              "ip": "192.0.2.9",
              "status": "up",
              "evidence": "rst",
              "rtt_us": 640,
              "loss": null,
              "verdict": null,
              "ports": {
                "open": {
                  "handshake": {
                    "count": 1,
                    "ports": "443"
                  }
                },
                "closed": {
                  "rst": {
                    "count": 442,
                    "ports": "1-442"
                  }
                }
              },
              "not_asked": 0,
              "results": [
                {
                  "port": 443,
                  "protocol": "tcp",
                  "state": "open",
                  "reason": "handshake",
                  "service": "https",
                  "service_basis": "port-number",
                  "rtt_us": 4430,
                  "attempts": 1
                }
              ]
            }
          ],
          "up_nothing_open": {
            "count": "0",
            "ranges": ""
          },
          "down": {
            "count": "0",
            "ranges": ""
          },
          "no_answer": {
            "count": "0",
            "ranges": ""
          },
          "not_measured_hosts": {
            "count": "0",
            "ranges": ""
          },
          "unresolved": [
            {
              "name": "gone.invalid",
              "message": "name or service not known"
            }
          ],
          "notes": []
        }
        "#);
    }
}
