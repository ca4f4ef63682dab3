//! `csv`: a row per port as it is found, as RFC 4180 has it, safe to open in a spreadsheet.
//!
//! Ports that are not listed one by one have a row together, with their number in `count` and no `port`: a table without them would read as if
//! everything else were closed.

use std::io::{self, Write};
use std::time::SystemTime;

use ::csv::{Terminator, WriterBuilder};
use scanner_core::{HostAddr, HostResult, PortResult, PortSet, PortState, Reason, ScanEvent};

use crate::clock;
use crate::output::record::micros;
use crate::output::sanitize::cell;
use crate::output::{Ending, Output};
use crate::settings::OutputSettings;

const COLUMNS: [&str; 13] = [
    "host",
    "ip",
    "port",
    "protocol",
    "state",
    "reason",
    "service",
    "rtt_us",
    "attempts",
    "count",
    "ports",
    "names",
    "timestamp",
];

/// The format, with what it has to remember.
#[derive(Debug)]
pub(crate) struct Csv {
    open_only: bool,
}

impl Csv {
    pub(crate) const fn new(settings: &OutputSettings) -> Self {
        Self { open_only: settings.open_only }
    }

    fn host(&self, host: &HostResult, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        if self.open_only {
            return Ok(());
        }
        let mut listed = PortSet::EMPTY;
        host.results.iter().for_each(|result| listed.insert(result.port));
        for (reason, ports) in host.ports.iter() {
            let rest = ports.difference(&listed);
            if !rest.is_empty() {
                row(&Row::of_rest(host, reason, &rest, at), out)?;
            }
        }
        if host.not_asked > 0 {
            row(&Row::of_not_asked(host, at), out)?;
        }
        Ok(())
    }
}

impl Output for Csv {
    fn event(&mut self, event: &ScanEvent, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        match event {
            ScanEvent::ScanStart(_) => row(&Row(COLUMNS.map(str::to_owned)), out),
            ScanEvent::Port(port) if self.open_only && port.result.state != PortState::Open => Ok(()),
            ScanEvent::Port(port) => row(&Row::of_port(port.ip, &port.names, &port.result, at), out),
            ScanEvent::Host(finished) => self.host(&finished.host, at, out),
            ScanEvent::Note(_) | ScanEvent::ScanEnd(_) | _ => Ok(()),
        }
    }

    fn finish(&mut self, _ending: &Ending<'_>, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

struct Row([String; COLUMNS.len()]);

impl Row {
    fn of_port(ip: HostAddr, names: &[String], result: &PortResult, at: SystemTime) -> Self {
        Self([
            names.first().cloned().unwrap_or_default(),
            ip.to_string(),
            result.port.to_string(),
            "tcp".into(),
            result.state.to_string(),
            result.reason.to_string(),
            result.service.clone().unwrap_or_default(),
            result.rtt.map(|rtt| micros(rtt).to_string()).unwrap_or_default(),
            result.attempts.to_string(),
            "1".into(),
            result.port.to_string(),
            names.join(" "),
            clock::rfc3339(at),
        ])
    }

    /// Ports that are not worth a row each.
    fn of_rest(host: &HostResult, reason: Reason, ports: &PortSet, at: SystemTime) -> Self {
        let (state, count) = (reason.state().to_string(), ports.len());
        Self::of_many(host, ports.to_string(), [state, reason.to_string(), count.to_string()], at)
    }

    fn of_not_asked(host: &HostResult, at: SystemTime) -> Self {
        Self::of_many(
            host,
            String::new(),
            ["not-asked".into(), String::new(), host.not_asked.to_string()],
            at,
        )
    }

    fn of_many(
        host: &HostResult,
        ports: String,
        [state, reason, count]: [String; 3],
        at: SystemTime,
    ) -> Self {
        let none = String::new;
        Self([
            host.names.first().cloned().unwrap_or_default(),
            host.ip.to_string(),
            none(),
            "tcp".into(),
            state,
            reason,
            none(),
            none(),
            none(),
            count,
            ports,
            host.names.join(" "),
            clock::rfc3339(at),
        ])
    }
}

fn row(row: &Row, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(row.0.iter().map(|text| cell(text).into_owned())).map_err(io::Error::other)?;
    out.write_all(&writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples::{HostBuilder, render, settings};

    #[test]
    fn a_row_per_port_and_one_for_the_rest() {
        let hosts = [
            HostBuilder::new("192.0.2.9")
                .name("nas.lan")
                .name("backup, \"old\"")
                .open(443)
                .refused("1-442")
                .build(),
            HostBuilder::new("192.0.2.57").open(80).lost("81-90", 4).build(),
            HostBuilder::new("192.0.2.99").down().not_asked(1_000).build(),
        ];
        let rendered = render(&mut Csv::new(&settings()), &hosts, &[]);
        assert!(rendered.lines().count() == rendered.matches("\r\n").count());
        insta::assert_snapshot!(rendered.replace("\r\n", "\n"), @r#"
        host,ip,port,protocol,state,reason,service,rtt_us,attempts,count,ports,names,timestamp
        nas.lan,192.0.2.9,443,tcp,open,handshake,https,4430,1,1,443,"nas.lan backup, ""old""",2026-11-22T12:00:00.000Z
        nas.lan,192.0.2.9,,tcp,closed,rst,,,,442,1-442,"nas.lan backup, ""old""",2026-11-22T12:00:00.000Z
        ,192.0.2.57,80,tcp,open,handshake,http,800,1,1,80,,2026-11-22T12:00:00.000Z
        ,192.0.2.57,,tcp,unknown,host-lost,,,,10,81-90,,2026-11-22T12:00:00.000Z
        ,192.0.2.99,,tcp,not-asked,,,,,1000,,,2026-11-22T12:00:00.000Z
        "#);
        let open_only = OutputSettings { open_only: true, ..settings() };
        let rendered = render(&mut Csv::new(&open_only), &hosts, &[]);
        assert_eq!(rendered.lines().count(), 3, "{rendered}");
    }
}
