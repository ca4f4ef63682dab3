//! One host: a line about it, its ports, and a line for each reason among the rest.

use std::fmt::Write as _;
use std::io::{self, Write};

use scanner_core::{HostResult, PortResult, PortSet, PortState, Reason, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::output::sanitize::clean;
use crate::output::text::Layout;
use crate::output::words;

/// The least columns for the names of services; a host with a longer one gets more.
const SERVICE_WIDTH: usize = 8;
/// Ports that are not closed are written out beside their count when the set is this short.
const SHORT_SET: usize = 40;
/// A bound on missed ports below this is not worth a word.
const NOTABLE_MISS: f64 = 0.001;

/// One host on its way to the terminal.
#[derive(Debug)]
pub(super) struct Block<'a> {
    host: &'a HostResult,
    layout: &'a Layout,
}

impl<'a> Block<'a> {
    pub(super) const fn new(host: &'a HostResult, layout: &'a Layout) -> Self {
        Self { host, layout }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_head(out)?;
        let listed = self.write_ports(out)?;
        if !self.layout.open_only {
            self.write_rest(&listed, out)?;
        }
        writeln!(out)
    }

    /// The host in one line, with its hardware address: where only hosts are looked for.
    pub(super) fn write_line(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_host(out)?;
        if let Some(hardware) = words::hardware(self.host) {
            write!(out, "   {}", self.layout.palette.dim(&clean(&hardware)))?;
        }
        writeln!(out)
    }

    fn write_head(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_host(out)?;
        if let Some(vendor) = &self.host.vendor {
            write!(out, "   {}", self.layout.palette.dim(&clean(vendor)))?;
        }
        if let Some(verdict) = words::host_verdict(self.host) {
            write!(out, "   {}", self.layout.palette.alarm(&verdict))?;
        }
        writeln!(out)
    }

    /// Who it is, and whether it is there.
    fn write_host(&self, out: &mut dyn Write) -> io::Result<()> {
        let host = self.host;
        let palette = self.layout.palette;
        let addr = host.ip.to_string();
        let pad = " ".repeat(self.layout.addr_width.saturating_sub(addr.width()));
        write!(out, "{}{pad}", palette.head(&addr))?;
        let names = words::host_names(host);
        if !names.is_empty() {
            write!(out, "  {}", palette.head(&clean(&names)))?;
        }
        write!(out, "  {}", words::host_status(host))?;
        if self.layout.networks.is_own(host.ip) {
            write!(out, "   this machine")?;
        } else if self.layout.networks.is_gateway(host.ip) {
            write!(out, "   gateway")?;
        }
        Ok(())
    }

    /// Writes the ports one by one and returns those that it wrote.
    fn write_ports(&self, out: &mut dyn Write) -> io::Result<PortSet> {
        let mut listed = PortSet::EMPTY;
        if self.host.verdict == Some(Verdict::AcceptsEverything) {
            return Ok(listed);
        }
        let all_ports = self.layout.all_ports;
        let shown = || self.host.results.iter().filter(|result| result.state == PortState::Open || all_ports);
        let widest = shown().filter_map(|result| result.service.as_deref()).map(UnicodeWidthStr::width).max();
        let width = widest.unwrap_or_default().max(SERVICE_WIDTH);
        for result in shown() {
            listed.insert(result.port);
            writeln!(out, "{}", self.port_line(result, width))?;
        }
        Ok(listed)
    }

    fn port_line(&self, result: &PortResult, width: usize) -> String {
        let layout = self.layout;
        let is_open = result.state == PortState::Open;
        let service = clean(result.service.as_deref().unwrap_or(""));
        let mut line = format!("{:>7}", result.port);
        if layout.all_ports {
            let state = format!("  {:<8}", words::state(result.state));
            line.push_str(&if is_open { layout.palette.open(&state) } else { state });
        }
        let service = format!("  {service:<width$}");
        line.push_str(&if is_open { layout.palette.open(&service) } else { service });
        if let Some(rtt) = result.rtt.filter(|_| is_open) {
            let rtt = words::rtt(rtt);
            let _ = write!(line, "  {rtt:>7}");
        }
        if layout.reason || !is_open {
            line.push_str(&layout.palette.dim(&format!("  {}", words::reason(result.reason))));
        }
        line.trim_end().to_owned()
    }

    /// A line for each state and reason among the ports that were not listed.
    fn write_rest(&self, listed: &PortSet, out: &mut dyn Write) -> io::Result<()> {
        for (reason, ports) in self.host.ports.iter() {
            let rest = ports.difference(listed);
            if rest.is_empty() {
                continue;
            }
            let count = words::number(rest.len() as u128);
            let state = words::state(reason.state());
            let line = format!("{count:>7} {state} ({}{})", words::reason(reason), self.doubt(reason));
            let set = rest.to_string();
            let telling = reason.state() != PortState::Closed && set.len() <= SHORT_SET;
            let set = if telling { format!("  {set}") } else { String::new() };
            let line =
                if reason.state() == PortState::Unknown { self.layout.palette.alarm(&line) } else { line };
            writeln!(out, "{line}{}", self.layout.palette.dim(&set))?;
        }
        if self.host.not_asked > 0 {
            writeln!(out, "{:>7} not asked", words::number(self.host.not_asked))?;
        }
        Ok(())
    }

    /// Silence over a path that loses packets proves less.
    fn doubt(&self, reason: Reason) -> String {
        let lossy = self.host.loss.is_some_and(|share| share > 0.0);
        match self.host.miss_bound {
            Some(bound) if reason == Reason::NoReply && lossy && bound > NOTABLE_MISS => {
                let percent = bound * 100.0;
                format!("; packets are lost here: a listener is missed with a chance of up to {percent:.1} %")
            }
            _ => String::new(),
        }
    }
}
