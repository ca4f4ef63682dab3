//! `csv`: a row per port, as RFC 4180 has it, safe to open in a spreadsheet.
//!
//! A port has its row as soon as it is found. What is known of the host only at its end (whether it is there, its reverse name, its
//! hardware address, its verdict) stands in a row of the host, without port and state. Ports that are not listed one by one have a row
//! together, with their number in `count` and no `port`: a table without them would read as if everything else were closed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::SystemTime;

use ::csv::{Terminator, WriterBuilder};
use scanner_core::{HostAddr, HostResult, PortResult, PortSet, PortState, Reason, ScanEvent};

use crate::clock;
use crate::output::record::micros;
use crate::output::sanitize::cell;
use crate::output::{Ending, Output};
use crate::settings::OutputSettings;

const COLUMNS: [&str; 19] = [
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
    "status",
    "ptr",
    "ptr_forward",
    "mac_address",
    "vendor",
    "verdict",
];

/// The format, with what it has to remember.
#[derive(Debug)]
pub(crate) struct Csv {
    open_only: bool,
    /// The ports of hosts that are not finished that have their rows.
    listed: BTreeMap<HostAddr, PortSet>,
}

impl Csv {
    pub(crate) const fn new(settings: &OutputSettings) -> Self {
        Self { open_only: settings.open_only, listed: BTreeMap::new() }
    }

    fn wants(&self, result: &PortResult) -> bool {
        !self.open_only || result.state == PortState::Open
    }

    fn port(
        &self,
        (ip, names): (HostAddr, &[String]),
        result: &PortResult,
        at: SystemTime,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if !self.wants(result) {
            return Ok(());
        }
        row(&Cells::of_port(result).beside(ip, names, at, Default::default()), out)
    }

    fn host(&mut self, host: &HostResult, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        let mut listed = self.listed.remove(&host.ip).unwrap_or(PortSet::EMPTY);
        for result in &host.results {
            if !listed.contains(result.port) {
                self.port((host.ip, &host.names), result, at, out)?;
            }
            listed.insert(result.port);
        }
        if host.results.iter().any(|result| self.wants(result)) {
            row(&Cells::default().row(host, at), out)?;
        }
        if self.open_only {
            return Ok(());
        }
        for (reason, ports) in host.ports.iter() {
            let rest = ports.difference(&listed);
            if !rest.is_empty() {
                row(&Cells::of_rest(reason, &rest).row(host, at), out)?;
            }
        }
        if host.not_asked > 0 {
            row(&Cells::of_not_asked(host.not_asked).row(host, at), out)?;
        }
        Ok(())
    }
}

impl Output for Csv {
    fn event(&mut self, event: &ScanEvent, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        match event {
            ScanEvent::ScanStart(_) => row(&COLUMNS.map(str::to_owned), out),
            ScanEvent::Port(port) => {
                self.listed.entry(port.ip).or_insert(PortSet::EMPTY).insert(port.result.port);
                self.port((port.ip, &port.names), &port.result, at, out)
            }
            ScanEvent::Host(finished) => self.host(&finished.host, at, out),
            ScanEvent::Note(_) | ScanEvent::ScanEnd(_) | _ => Ok(()),
        }
    }

    fn finish(&mut self, _ending: &Ending<'_>, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// What a row says of ports.
#[derive(Default)]
struct Cells {
    port: String,
    state: String,
    reason: String,
    service: String,
    rtt: String,
    attempts: String,
    count: String,
    ports: String,
}

impl Cells {
    fn of_port(result: &PortResult) -> Self {
        Self {
            port: result.port.to_string(),
            state: result.state.to_string(),
            reason: result.reason.to_string(),
            service: result.service.clone().unwrap_or_default(),
            rtt: result.rtt.map(|rtt| micros(rtt).to_string()).unwrap_or_default(),
            attempts: result.attempts.to_string(),
            count: "1".into(),
            ports: result.port.to_string(),
        }
    }

    /// Ports that are not worth a row each.
    fn of_rest(reason: Reason, ports: &PortSet) -> Self {
        Self {
            state: reason.state().to_string(),
            reason: reason.to_string(),
            count: ports.len().to_string(),
            ports: ports.to_string(),
            ..Self::default()
        }
    }

    fn of_not_asked(count: u32) -> Self {
        Self { state: "not-asked".into(), count: count.to_string(), ..Self::default() }
    }

    /// The row, with what is known of a host that is finished.
    fn row(self, host: &HostResult, at: SystemTime) -> Row {
        let ptr = host.ptr.as_ref();
        let known = [
            host.status.to_string(),
            ptr.map(|ptr| ptr.name.clone()).unwrap_or_default(),
            ptr.map(|ptr| ptr.forward.to_string()).unwrap_or_default(),
            host.mac.map(|mac| mac.to_string()).unwrap_or_default(),
            host.vendor.clone().unwrap_or_default(),
            host.verdict.map(|verdict| verdict.to_string()).unwrap_or_default(),
        ];
        self.beside(host.ip, &host.names, at, known)
    }

    fn beside(self, ip: HostAddr, names: &[String], at: SystemTime, known: [String; 6]) -> Row {
        let [status, ptr, ptr_forward, mac, vendor, verdict] = known;
        let protocol = if self.state.is_empty() { "" } else { "tcp" };
        [
            names.first().cloned().unwrap_or_default(),
            ip.to_string(),
            self.port,
            protocol.into(),
            self.state,
            self.reason,
            self.service,
            self.rtt,
            self.attempts,
            self.count,
            self.ports,
            names.join(" "),
            clock::rfc3339(at),
            status,
            ptr,
            ptr_forward,
            mac,
            vendor,
            verdict,
        ]
    }
}

type Row = [String; COLUMNS.len()];

fn row(cells: &Row, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells.iter().map(|text| cell(text).into_owned())).map_err(io::Error::other)?;
    out.write_all(&writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?)
}

#[cfg(test)]
mod tests {
    use scanner_core::ForwardCheck;

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
            HostBuilder::new("192.0.2.57")
                .ptr("box.example", ForwardCheck::Differs)
                .mac("02:00:00:12:34:56", Some("Example, Inc."))
                .open(80)
                .lost("81-90", 4)
                .build(),
            HostBuilder::new("192.0.2.99").down().not_asked(1_000).build(),
        ];
        let rendered = render(&mut Csv::new(&settings()), &hosts, &[]);
        assert!(rendered.lines().count() == rendered.matches("\r\n").count());
        insta::assert_snapshot!(rendered.replace("\r\n", "\n"), @r#"
        host,ip,port,protocol,state,reason,service,rtt_us,attempts,count,ports,names,timestamp,status,ptr,ptr_forward,mac_address,vendor,verdict
        nas.lan,192.0.2.9,443,tcp,open,handshake,https,4430,1,1,443,"nas.lan backup, ""old""",2026-11-22T12:00:00.000Z,,,,,,
        nas.lan,192.0.2.9,,,,,,,,,,"nas.lan backup, ""old""",2026-11-22T12:00:00.000Z,up,,,,,
        nas.lan,192.0.2.9,,tcp,closed,rst,,,,442,1-442,"nas.lan backup, ""old""",2026-11-22T12:00:00.000Z,up,,,,,
        ,192.0.2.57,80,tcp,open,handshake,http,800,1,1,80,,2026-11-22T12:00:00.000Z,,,,,,
        ,192.0.2.57,,,,,,,,,,,2026-11-22T12:00:00.000Z,up,box.example,differs,02:00:00:12:34:56,"Example, Inc.",host-lost
        ,192.0.2.57,,tcp,unknown,host-lost,,,,10,81-90,,2026-11-22T12:00:00.000Z,up,box.example,differs,02:00:00:12:34:56,"Example, Inc.",host-lost
        ,192.0.2.99,,tcp,not-asked,,,,,1000,,,2026-11-22T12:00:00.000Z,down,,,,,
        "#);
        let open_only = OutputSettings { open_only: true, ..settings() };
        let rendered = render(&mut Csv::new(&open_only), &hosts, &[]);
        assert_eq!(rendered.lines().count(), 5, "{rendered}");
    }
}
