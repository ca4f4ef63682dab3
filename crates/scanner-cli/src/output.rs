//! The result: one renderer per format, without state of the scan's own, and the places it goes to.

pub(crate) mod changes;
mod collected;
mod csv;
mod grepable;
mod html;
mod json;
mod jsonl;
mod list;
pub(crate) mod record;
pub(crate) mod sanitize;
pub(crate) mod sink;
mod summary;
mod text;
pub(crate) mod words;
pub(crate) mod xml;

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use scanner_core::{Comparison, HostResult, ScanEvent, ScanReport};
use scanner_dns::ResolveError;

use crate::exit::ExitStatus;
use crate::networks::Networks;
use crate::settings::{Format, OutputSettings};

use record::{About, NoteFields, UnresolvedFields};

pub(crate) use summary::{ending, open_on_real_hosts, summary};
pub(crate) use text::Palette;

/// What is known before the first probe.
#[derive(Debug, Clone)]
pub(crate) struct Beginning<'a> {
    /// What the scan is and how it was asked for.
    pub(crate) about: &'a About,
    /// The networks of the machine that scans, to mark its own addresses and its gateway.
    pub(crate) networks: &'a Networks,
    /// How many addresses will be scanned.
    pub(crate) targets: u128,
    /// The width of the longest address, in columns.
    pub(crate) addr_width: usize,
    /// The names without address.
    pub(crate) unresolved: &'a [ResolveError],
    /// What was said about the targets.
    pub(crate) notes: &'a [NoteFields],
}

/// What is known when the scan has ended.
#[derive(Debug)]
pub(crate) struct Ending<'a> {
    /// The result.
    pub(crate) report: &'a ScanReport,
    /// When that was.
    pub(crate) finished: SystemTime,
    /// How the command will end.
    pub(crate) status: ExitStatus,
    /// The names without address.
    pub(crate) unresolved: &'a [ResolveError],
    /// The deadline, where one was set.
    pub(crate) deadline: Option<Duration>,
    /// Whether hosts that answer nothing were to be asked for every port.
    pub(crate) skip_discovery: bool,
    /// Whether nothing but which hosts are there was to be found out.
    pub(crate) discover_only: bool,
    /// What is not as in the baseline, where there was one.
    pub(crate) comparison: Option<&'a Comparison>,
}

/// One format.
pub(crate) trait Output {
    /// Writes what one event adds to the result: whole lines, or nothing.
    fn event(&mut self, event: &ScanEvent, at: SystemTime, out: &mut dyn Write) -> io::Result<()>;

    /// Whether the format has no place for such a host: then it need not be told of it, nor of any that differs in its address alone.
    fn passes_over(&self, _host: &HostResult) -> bool {
        false
    }

    /// Writes the rest.
    fn finish(&mut self, ending: &Ending<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// The renderer of a format.
pub(crate) fn choose(
    format: Format,
    settings: &OutputSettings,
    beginning: &Beginning<'_>,
    color: bool,
) -> Box<dyn Output + Send> {
    match format {
        Format::Text => Box::new(text::Text::new(settings, beginning, Palette::new(color))),
        Format::List => Box::new(list::List::new(beginning)),
        Format::Json => Box::new(json::Json::new(settings, beginning)),
        Format::Jsonl => Box::new(jsonl::Jsonl::new(settings, beginning)),
        Format::Csv => Box::new(csv::Csv::new(settings)),
        Format::Xml => Box::new(xml::Xml::new(settings, beginning)),
        Format::Grepable => Box::new(grepable::Grepable::new(settings, beginning)),
        Format::Html => Box::new(html::Html::new(settings, beginning)),
    }
}

fn unresolved_fields(unresolved: &[ResolveError]) -> Vec<UnresolvedFields> {
    let fields =
        |error: &ResolveError| UnresolvedFields { name: error.name.clone(), message: error.kind.to_string() };
    unresolved.iter().map(fields).collect()
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
pub(crate) mod samples;
