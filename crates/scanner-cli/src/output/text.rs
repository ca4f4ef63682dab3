//! `text`: for people. A host is printed when it is finished; what was not measured comes last, and loud.

mod block;
mod palette;
mod rest;

use std::io::{self, Write};
use std::time::SystemTime;

use scanner_core::{HostResult, HostStatus, PortState, ScanEvent};

use crate::output::{Beginning, Ending, Output, changes, sanitize, summary, words};
use crate::settings::OutputSettings;

pub(crate) use palette::Palette;

use block::Block;

/// The format, with what it has to remember.
#[derive(Debug)]
pub(crate) struct Text {
    layout: Layout,
    open_only: bool,
    discover_only: bool,
    targets: u128,
    shown: Shown,
}

/// What every block of a host looks like.
#[derive(Debug)]
struct Layout {
    palette: Palette,
    networks: crate::networks::Networks,
    addr_width: usize,
    reason: bool,
    all_ports: bool,
    open_only: bool,
}

/// How many hosts of each kind had a block of their own, so that the lines at the end do not count them again.
#[derive(Debug, Default)]
struct Shown {
    up_nothing_open: u128,
    no_answer: u128,
    down: u128,
    not_measured: u128,
}

impl Shown {
    const fn any(&self) -> bool {
        self.up_nothing_open + self.no_answer + self.down + self.not_measured > 0
    }
}

impl Text {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>, palette: Palette) -> Self {
        let layout = Layout {
            palette,
            networks: beginning.networks.clone(),
            addr_width: beginning.addr_width,
            reason: settings.reason,
            all_ports: beginning.about.all_ports,
            open_only: settings.open_only,
        };
        Self {
            layout,
            open_only: settings.open_only,
            discover_only: beginning.about.discover_only,
            targets: beginning.targets,
            shown: Shown::default(),
        }
    }

    /// Whether a host gets a block of its own. One that the user asked for by name, or alone, always does: silence
    /// would be no answer to the question.
    fn deserves_block(&self, host: &HostResult) -> bool {
        let has_open = host.open().next().is_some();
        if self.discover_only {
            return host.status == HostStatus::Up || self.targets == 1 || !host.names.is_empty();
        }
        if self.open_only {
            return has_open;
        }
        let asked_for = self.targets == 1 || !host.names.is_empty();
        let listed = self.layout.all_ports && host.status == HostStatus::Up;
        has_open || asked_for || listed || host.verdict.is_some()
    }

    fn count(&mut self, host: &HostResult) {
        match host.status {
            HostStatus::Up if host.ports.count(PortState::Open) == 0 => self.shown.up_nothing_open += 1,
            HostStatus::Up => {}
            HostStatus::Down => self.shown.down += 1,
            HostStatus::Unknown if words::is_unmeasured(host) => self.shown.not_measured += 1,
            HostStatus::Unknown => self.shown.no_answer += 1,
        }
    }
}

impl Output for Text {
    fn event(&mut self, event: &ScanEvent, _at: SystemTime, out: &mut dyn Write) -> io::Result<()> {
        let ScanEvent::Host(finished) = event else { return Ok(()) };
        if self.deserves_block(&finished.host) {
            self.count(&finished.host);
            let block = Block::new(&finished.host, &self.layout);
            if self.discover_only { block.write_line(out)? } else { block.write(out)? }
        }
        Ok(())
    }

    fn passes_over(&self, host: &HostResult) -> bool {
        !self.deserves_block(host)
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.discover_only && self.shown.any() {
            writeln!(out)?;
        }
        if !self.open_only || self.discover_only {
            rest::write(end.report, &self.shown, out)?;
        }
        let summary = summary(end);
        let palette = &self.layout.palette;
        writeln!(out, "{}", summary.found)?;
        for line in &summary.missing {
            writeln!(out, "{}", palette.alarm(&sanitize::clean(line)))?;
        }
        for hint in &summary.hints {
            writeln!(out, "hint: {hint}")?;
        }
        if let Some(comparison) = end.comparison {
            writeln!(out, "\nCompared with the baseline:")?;
            changes::write(comparison, *palette, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
