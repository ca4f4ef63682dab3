//! `grepable`: nmap's lines for grep, awk and cut; a host's lines come when it is finished.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::time::SystemTime;

use scanner_core::{HostResult, HostStatus, PortResult, PortSet, PortState, ScanEvent, Verdict};

use crate::clock;
use crate::output::record::About;
use crate::output::sanitize::{clean, grepable};
use crate::output::{Beginning, Ending, Output, ending, summary};
use crate::settings::OutputSettings;

/// The format, with what its first line needs.
#[derive(Debug)]
pub(crate) struct Grepable {
    about: About,
    open_only: bool,
}

impl Grepable {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        Self { about: beginning.about.clone(), open_only: settings.open_only }
    }

    fn host(&self, host: &HostResult, out: &mut dyn Write) -> io::Result<()> {
        if self.open_only && host.open().next().is_none() {
            return Ok(());
        }
        let name = host.names.first().or(host.ptr.as_ref().map(|ptr| &ptr.name));
        let name = name.map(|name| grepable(name)).unwrap_or_default();
        let head = format!("Host: {} ({name})", host.ip);
        let status = match host.status {
            HostStatus::Up => "Up",
            HostStatus::Down => "Down",
            HostStatus::Unknown => "Unknown",
        };
        writeln!(out, "{head}\tStatus: {status}")?;
        let mut listed = PortSet::EMPTY;
        let mut ports = Vec::new();
        // What answers on every port says nothing of single ports.
        let each = host.results.iter().filter(|_| host.verdict != Some(Verdict::AcceptsEverything));
        for result in each.filter(|result| result.state == PortState::Open || !self.open_only) {
            listed.insert(result.port);
            ports.push(port(result));
        }
        let mut fields = Vec::new();
        if !ports.is_empty() {
            fields.push(format!("Ports: {}", ports.join(", ")));
        }
        fields.extend(ignored(host, &listed));
        if fields.is_empty() { Ok(()) } else { writeln!(out, "{head}\t{}", fields.join("\t")) }
    }
}

fn port(result: &PortResult) -> String {
    let service = result.service.as_deref().map(grepable).unwrap_or_default();
    format!("{}/{}/tcp//{service}///", result.port, result.state)
}

/// The states of ports that are not listed, the most frequent one first: readers of nmap's files look at that.
fn ignored(host: &HostResult, listed: &PortSet) -> Option<String> {
    let count = |state: PortState| {
        let of_state = host.ports.iter().filter(|(reason, _)| reason.state() == state);
        (state, of_state.map(|(_, ports)| ports.difference(listed).len()).sum::<usize>())
    };
    let mut counts: Vec<_> = PortState::ALL.map(count).into_iter().filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{state} ({count})")).collect();
    (!counts.is_empty()).then(|| format!("Ignored State: {}", counts.join(", ")))
}

impl Output for Grepable {
    fn event(&mut self, event: &ScanEvent, at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        match event {
            ScanEvent::ScanStart(_) => {
                let About { version, args, port_ranges, .. } = &self.about;
                let (version, args) = (clean(version), clean(args));
                writeln!(out, "# scanner {version} scan initiated {} as: {args}", clock::ctime(at))?;
                writeln!(out, "# Ports scanned: TCP({};{port_ranges})", port_ranges.len())
            }
            ScanEvent::Host(finished) => self.host(&finished.host, out),
            ScanEvent::Port(_) | ScanEvent::Note(_) | ScanEvent::ScanEnd(_) | _ => Ok(()),
        }
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        for line in summary(end).missing {
            writeln!(out, "# {}", clean(&line))?;
        }
        let progress = &end.report.progress;
        writeln!(
            out,
            "# scanner done at {} -- {} IP addresses ({} hosts up) scanned in {:.2} seconds ({})",
            clock::ctime(end.finished),
            progress.targets,
            progress.targets_up,
            progress.elapsed.as_secs_f64(),
            ending(end)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples::{HostBuilder, beginning, render, settings};

    #[test]
    fn lines_as_nmap_writes_them() {
        let hosts = [
            HostBuilder::new("192.0.2.9").name("nas.lan").open(22).open(2_222).refused("1-21").build(),
            HostBuilder::new("192.0.2.57").open(80).lost("81-90", 4).refused("1-3").build(),
            HostBuilder::new("192.0.2.77").open(1).open(2).verdict(Verdict::AcceptsEverything).build(),
            HostBuilder::new("192.0.2.99").down().not_asked(1_000).build(),
        ];
        insta::assert_snapshot!(render(&mut Grepable::new(&settings(), &beginning()), &hosts, &[]), @"
        # scanner 0.1.0 scan initiated Sun Nov 22 12:00:00 2026 as: scanner 192.0.2.0/24
        # Ports scanned: TCP(1000;1-1000)
        Host: 192.0.2.9 (nas.lan)	Status: Up
        Host: 192.0.2.9 (nas.lan)	Ports: 22/open/tcp//ssh///, 2222/open/tcp//ethernet-ip-1///	Ignored State: closed (21)
        Host: 192.0.2.57 ()	Status: Up
        Host: 192.0.2.57 ()	Ports: 80/open/tcp//http///	Ignored State: unknown (10), closed (3)
        Host: 192.0.2.77 ()	Status: Up
        Host: 192.0.2.77 ()	Ignored State: open (2)
        Host: 192.0.2.99 ()	Status: Down
        # INCOMPLETE: 10 ports of 192.0.2.57 not measured (host-lost: it stopped answering).
        # scanner done at Sun Nov 22 12:00:00 2026 -- 254 IP addresses (3 hosts up) scanned in 14.00 seconds (incomplete)
        ");
    }
}
