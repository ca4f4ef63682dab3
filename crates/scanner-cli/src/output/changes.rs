//! What two scans found differently, for people.

use std::io::{self, Write};

use scanner_core::{
    Change, Comparison, HostChange, PortSet, PortState, PortsChange, Verdict, get_service_name,
};

use crate::output::sanitize::clean;
use crate::output::text::Palette;
use crate::output::words;

/// Ports with their services are written out up to this many; beyond, as ranges.
const NAMED_PORTS: usize = 8;

/// One line per change, then what could not be compared.
pub(crate) fn write(comparison: &Comparison, palette: Palette, out: &mut dyn Write) -> io::Result<()> {
    let width = comparison.changes.iter().map(|host| host.ip.to_string().len()).max().unwrap_or_default();
    for host in &comparison.changes {
        for (sign, what) in lines(host) {
            let names = if host.names.is_empty() {
                String::new()
            } else {
                format!("  {}", clean(&host.names.join(", ")))
            };
            let line = format!("{sign} {:<width$}{names}  {what}", host.ip.to_string());
            let line = match sign {
                '+' => palette.open(&line),
                '-' => palette.alarm(&line),
                _ => line,
            };
            writeln!(out, "{line}")?;
        }
    }
    match comparison.changes.len() {
        0 => writeln!(out, "No changes.")?,
        hosts => writeln!(out, "{} not as before.", words::counted(hosts as u128, "host is", "hosts are"))?,
    }
    if let Some(partial) = partial(comparison) {
        writeln!(out, "{partial}")?;
    }
    Ok(())
}

/// What could not be compared, and that this is no change.
pub(crate) fn partial(comparison: &Comparison) -> Option<String> {
    let ports = comparison.ports_not_compared;
    let hosts = comparison.hosts_not_compared.len();
    let ports = (ports > 0).then(|| words::counted(ports, "port", "ports"));
    let hosts = (hosts > 0).then(|| words::counted(hosts, "host", "hosts"));
    let what: Vec<String> = ports.into_iter().chain(hosts).collect();
    (!what.is_empty()).then(|| {
        format!("Not compared: {}, which one of the scans did not measure or not ask.", what.join(" and "))
    })
}

/// What is different about a host: `+` for more than there was, `-` for less, `~` for other.
fn lines(host: &HostChange) -> Vec<(char, String)> {
    match &host.change {
        Change::Appeared { open, verdict } => vec![('+', format!("appeared{}", with(open, *verdict)))],
        Change::Went { open, verdict } => vec![('-', format!("went{}", with(open, *verdict)))],
        Change::Verdict { after: Some(Verdict::AcceptsEverything), .. } => {
            vec![('~', "answers on every port now: a proxy or a tarpit".into())]
        }
        Change::Verdict { .. } => vec![('~', "no longer answers on every port".into())],
        Change::Ports { ports } => ports.iter().map(port_line).collect(),
        _ => vec![('~', "changed".into())],
    }
}

fn with(open: &PortSet, verdict: Option<Verdict>) -> String {
    match (verdict, open.is_empty()) {
        (Some(Verdict::AcceptsEverything), _) => ", answers on every port".into(),
        (_, true) => ", nothing open".into(),
        (_, false) => format!(", open: {}", named(open)),
    }
}

fn port_line(change: &PortsChange) -> (char, String) {
    let word = |state: Option<PortState>| state.map_or("not open", PortState::as_str);
    let is_open = |state| state == Some(PortState::Open);
    let sign = match (is_open(change.before), is_open(change.after)) {
        (false, true) => '+',
        (true, false) => '-',
        _ => '~',
    };
    (sign, format!("{}: {} -> {}", named(&change.ports), word(change.before), word(change.after)))
}

fn named(ports: &PortSet) -> String {
    if ports.len() > NAMED_PORTS {
        return format!("{} ({})", words::counted(ports.len() as u128, "port", "ports"), ports);
    }
    let name = |port: u16| match get_service_name(port) {
        Some(service) => format!("{port} {service}"),
        None => port.to_string(),
    };
    ports.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use scanner_core::{Findings, HostResult, compare};

    use super::*;
    use crate::output::samples::HostBuilder;

    fn findings(hosts: &[HostResult]) -> Findings {
        let mut findings = Findings::default();
        for host in hosts {
            findings.add(host);
        }
        findings
    }

    fn written(old: &[HostResult], new: &[HostResult]) -> String {
        let mut out = Vec::new();
        write(&compare(&findings(old), &findings(new)), Palette::new(false), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_per_change() {
        let old = [
            HostBuilder::new("192.0.2.1").name("nas.lan").open(22).open(80).refused("1-21,23-79").build(),
            HostBuilder::new("192.0.2.7").down().build(),
            HostBuilder::new("192.0.2.40").open(22).build(),
            HostBuilder::new("192.0.2.57").open(80).refused("1-20").build(),
        ];
        let new = [
            HostBuilder::new("192.0.2.1").name("nas.lan").open(22).open(23).refused("1-21,80").build(),
            HostBuilder::new("192.0.2.7").open(9_100).build(),
            HostBuilder::new("192.0.2.40").down().build(),
            HostBuilder::new("192.0.2.57").open(80).lost("1-20", 3).build(),
        ];
        insta::assert_snapshot!(written(&old, &new), @"
        - 192.0.2.1   nas.lan  80 http: open -> closed
        + 192.0.2.1   nas.lan  23 telnet: closed -> open
        + 192.0.2.7   appeared, open: 9100 pdl-datastream
        - 192.0.2.40  went, open: 22 ssh
        3 hosts are not as before.
        Not compared: 76 ports, which one of the scans did not measure or not ask.
        ");
    }

    #[test]
    fn nothing_to_say() {
        let hosts = [HostBuilder::new("192.0.2.1").open(22).build()];
        assert_eq!(written(&hosts, &hosts), "No changes.\n");
    }
}
