//! The result: one renderer per format, without state of the scan's own, and the place it goes to.

mod json;
mod jsonl;
mod list;
pub(crate) mod sanitize;
pub(crate) mod sink;
mod summary;
mod text;
pub(crate) mod words;

use std::io::{self, Write};
use std::time::Duration;

use scanner_core::{ScanEvent, ScanReport};
use scanner_dns::ResolveError;

use crate::exit::ExitStatus;
use crate::networks::Networks;
use crate::settings::{Format, OutputSettings};

pub(crate) use summary::{ending, open_on_real_hosts, summary};
pub(crate) use text::Palette;

/// The version of the shape of `json` and `jsonl`.
pub(crate) const SCHEMA: u32 = 1;

/// What is known before the first probe.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    /// This machine's networks, to mark its own addresses and its gateway.
    pub(crate) networks: Networks,
    /// How many addresses will be scanned.
    pub(crate) targets: u128,
    /// The width of the longest address, in columns.
    pub(crate) addr_width: usize,
    /// How many ports of each; `None` where that differs.
    pub(crate) ports: Option<usize>,
    /// Whether every port is reported, whatever its state.
    pub(crate) all_ports: bool,
    /// The names without address.
    pub(crate) unresolved: &'a [ResolveError],
    /// What was said about the targets.
    pub(crate) notes: &'a [String],
}

/// What is known when the scan has ended.
#[derive(Debug)]
pub(crate) struct Ending<'a> {
    /// The result.
    pub(crate) report: &'a ScanReport,
    /// How the command will end.
    pub(crate) status: ExitStatus,
    /// The names without address.
    pub(crate) unresolved: &'a [ResolveError],
    /// The deadline, where one was set.
    pub(crate) deadline: Option<Duration>,
    /// Whether hosts that answer nothing were to be asked for every port.
    pub(crate) skip_discovery: bool,
}

/// One format.
pub(crate) trait Output {
    /// Writes what one event adds to the result: whole lines, or nothing.
    fn event(&mut self, event: &ScanEvent, out: &mut dyn Write) -> io::Result<()>;

    /// Writes the rest.
    fn finish(&mut self, ending: &Ending<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// The renderer that the settings ask for.
pub(crate) fn choose(
    settings: &OutputSettings,
    beginning: Beginning<'_>,
    color: bool,
) -> Box<dyn Output + Send> {
    match settings.format {
        Format::Text => Box::new(text::Text::new(settings, beginning, Palette::new(color))),
        Format::List => Box::new(list::List),
        Format::Json => Box::new(json::Json::new(settings, &beginning)),
        Format::Jsonl => Box::new(jsonl::Jsonl::new(settings, &beginning)),
    }
}

#[cfg(test)]
pub(crate) mod samples;
