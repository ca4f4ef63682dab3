//! `json`: one document, sorted by address, then port, written when the scan has ended.

use std::collections::BTreeMap;
use std::io::{self, Write};

use scanner_core::{AddrSet, HostResult, HostStatus, PortState, Progress, Reason, ScanEvent, ScanReport};
use serde::Serialize;

use crate::clock;
use crate::output::{Beginning, Ending, Output, SCHEMA, ending};
use crate::settings::OutputSettings;

/// Up to this many targets every host that answered, or has a name, is in the document; beyond, only those with an open port
/// or a verdict, so that memory stays bounded.
const EVERY_HOST: u128 = 4_096;

/// The format, with what is only known at the beginning.
#[derive(Debug)]
pub(crate) struct Json {
    open_only: bool,
    targets: u128,
    ports: Option<usize>,
    notes: Vec<String>,
    started: Option<String>,
    hosts: Vec<HostResult>,
    now: fn() -> String,
}

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: u32,
    version: &'static str,
    scan_id: &'a str,
    started: &'a str,
    finished: String,
    elapsed_ms: u64,
    seed: String,
    targets: String,
    ports: Option<usize>,
    completion: &'static str,
    exit_status: u8,
    hosts: Vec<HostResult>,
    up_nothing_open: &'a AddrSet,
    down: &'a AddrSet,
    no_answer: &'a AddrSet,
    not_measured_hosts: &'a AddrSet,
    not_measured: &'a BTreeMap<Reason, u64>,
    unresolved: Vec<Unresolved<'a>>,
    notes: Vec<NoteEntry<'a>>,
    counters: &'a Progress,
}

#[derive(Debug, Serialize)]
struct Unresolved<'a> {
    name: &'a str,
    message: String,
}

#[derive(Debug, Serialize)]
struct NoteEntry<'a> {
    code: &'a str,
    message: &'a str,
}

impl Json {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        Self {
            open_only: settings.open_only,
            targets: beginning.targets,
            ports: beginning.ports,
            notes: beginning.notes.to_vec(),
            started: None,
            hosts: Vec::new(),
            now: clock::timestamp,
        }
    }

    /// The same with a clock that stands still.
    #[cfg(test)]
    fn at(mut self, now: fn() -> String) -> Self {
        self.now = now;
        self
    }

    fn is_kept(&self, host: &HostResult) -> bool {
        self.targets <= EVERY_HOST && (host.status == HostStatus::Up || !host.names.is_empty())
    }

    fn take_hosts(&mut self, report: &ScanReport) -> Vec<HostResult> {
        let mut hosts = std::mem::take(&mut self.hosts);
        hosts.extend(report.hosts.iter().filter(|host| !self.is_kept(host)).cloned());
        hosts.sort_by_key(|host| host.ip);
        if self.open_only {
            hosts.retain(|host| host.open().next().is_some());
            for host in &mut hosts {
                host.results.retain(|result| result.state == PortState::Open);
            }
        }
        hosts
    }
}

impl Output for Json {
    fn event(&mut self, event: &ScanEvent, _out: &mut dyn Write) -> io::Result<()> {
        if let ScanEvent::ScanStart(_) = event {
            self.started = Some((self.now)());
        }
        if let ScanEvent::Host(finished) = event
            && self.is_kept(&finished.host)
        {
            self.hosts.push(finished.host.clone());
        }
        Ok(())
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        let report = end.report;
        let finished = (self.now)();
        let hosts = self.take_hosts(report);
        let earlier = self.notes.iter().map(|message| NoteEntry { code: "target", message });
        let later = report.notes.iter().map(|note| NoteEntry { code: &note.code, message: &note.message });
        let document = Document {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            scan_id: &report.scan_id,
            started: self.started.as_deref().unwrap_or(&finished),
            finished: finished.clone(),
            elapsed_ms: u64::try_from(report.progress.elapsed.as_millis()).unwrap_or(u64::MAX),
            seed: report.seed.to_string(),
            targets: self.targets.to_string(),
            ports: self.ports,
            completion: ending(end).as_str(),
            exit_status: end.status.code(),
            hosts,
            up_nothing_open: &report.up_nothing_open,
            down: &report.down,
            no_answer: &report.no_answer,
            not_measured_hosts: &report.not_measured_hosts,
            not_measured: &report.not_measured,
            unresolved: end
                .unresolved
                .iter()
                .map(|error| Unresolved { name: &error.name, message: error.kind.to_string() })
                .collect(),
            notes: earlier.chain(later).collect(),
            counters: &report.progress,
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
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
        let mut json = Json::new(&settings(), &beginning()).at(|| "2026-11-22T12:00:00.000Z".into());
        insta::assert_snapshot!(render(&mut json, &hosts, &gone), @r#"
        {
          "schema": 1,
          "version": "0.1.0",
          "scan_id": "7f3a",
          "started": "2026-11-22T12:00:00.000Z",
          "finished": "2026-11-22T12:00:00.000Z",
          "elapsed_ms": 14000,
          "seed": "9021",
          "targets": "254",
          "ports": 1000,
          "completion": "incomplete",
          "exit_status": 3,
          "hosts": [
            {
              "ip": "192.0.2.9",
              "names": [
                "nas.lan"
              ],
              "status": "up",
              "evidence": "rst",
              "rtt_us": 640,
              "loss": null,
              "miss_bound": null,
              "verdict": null,
              "lost_since_ms": null,
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
              ],
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
              "not_asked": 0
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
          "not_measured": {},
          "unresolved": [
            {
              "name": "gone.invalid",
              "message": "name or service not known"
            }
          ],
          "notes": [],
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
          }
        }
        "#);
    }
}
