//! `list`: one `name:port` line for each name that the user typed, the address where there is none. Where only hosts are
//! looked for, the line has no port: it can be scanned as it is.
//!
//! A host's lines come when it is finished: only then is it known whether it accepts everything, and a line that was
//! written cannot be taken back.

use std::io::{self, Write};
use std::net::IpAddr;
use std::time::SystemTime;

use scanner_core::{HostAddr, HostResult, HostStatus, ScanEvent, Verdict};

use crate::output::sanitize::clean;
use crate::output::{Beginning, Ending, Output};

/// The format.
#[derive(Debug, Default)]
pub(crate) struct List {
    discover_only: bool,
}

impl List {
    pub(crate) fn new(beginning: &Beginning<'_>) -> Self {
        Self { discover_only: beginning.about.discover_only }
    }
}

impl Output for List {
    fn event(&mut self, event: &ScanEvent, _at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        let ScanEvent::Host(finished) = event else { return Ok(()) };
        if self.discover_only {
            return write_address(&finished.host, out);
        }
        if finished.host.verdict == Some(Verdict::AcceptsEverything) {
            return Ok(());
        }
        write_host(&finished.host, out)
    }

    fn passes_over(&self, host: &HostResult) -> bool {
        if self.discover_only { host.status != HostStatus::Up } else { host.open().next().is_none() }
    }

    fn finish(&mut self, _ending: &Ending<'_>, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// Who is up, without a port.
fn write_address(host: &HostResult, out: &mut dyn Write) -> io::Result<()> {
    if host.status != HostStatus::Up {
        return Ok(());
    }
    if host.names.is_empty() {
        writeln!(out, "{}", host.ip)?;
    }
    host.names.iter().try_for_each(|name| writeln!(out, "{}", clean(name)))
}

fn write_host(host: &HostResult, out: &mut dyn Write) -> io::Result<()> {
    for result in host.open() {
        if host.names.is_empty() {
            writeln!(out, "{}:{}", bracketed(host.ip), result.port)?;
        }
        for name in &host.names {
            writeln!(out, "{}:{}", clean(name), result.port)?;
        }
    }
    Ok(())
}

/// The address as it stands before a port.
fn bracketed(addr: HostAddr) -> String {
    match addr.ip() {
        IpAddr::V4(_) => addr.to_string(),
        IpAddr::V6(_) => format!("[{addr}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples::{HostBuilder, render};

    #[test]
    fn a_line_per_name_and_open_port() {
        let hosts = [
            HostBuilder::new("192.0.2.1").open(22).open(443).refused("1-21,23-442").build(),
            HostBuilder::new("192.0.2.9").name("nas.lan").name("backup.lan").open(80).build(),
            HostBuilder::new("2001:db8::1").open(22).build(),
            HostBuilder::new("fe80::1%2").open(22).build(),
            HostBuilder::new("192.0.2.77").open(1).open(2).verdict(Verdict::AcceptsEverything).build(),
        ];
        insta::assert_snapshot!(render(&mut List::default(), &hosts, &[]), @"
        192.0.2.1:22
        192.0.2.1:443
        nas.lan:80
        backup.lan:80
        [2001:db8::1]:22
        [fe80::1%2]:22
        ");
    }

    #[test]
    fn a_line_per_name_of_who_is_up() {
        let hosts = [
            HostBuilder::new("192.0.2.1").neighbour().not_asked(16).build(),
            HostBuilder::new("192.0.2.2").down().not_asked(16).build(),
            HostBuilder::new("192.0.2.3").not_asked(16).build(),
            HostBuilder::new("192.0.2.9").name("nas.lan").neighbour().build(),
            HostBuilder::new("fe80::1%2").neighbour().build(),
        ];
        insta::assert_snapshot!(render(&mut List { discover_only: true }, &hosts, &[]), @"
        192.0.2.1
        nas.lan
        fe80::1%2
        ");
    }
}
