//! The commands that work on results instead of making them: `show`, `convert`, `diff`, `schema`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use scanner_core::compare;
use schemars::Schema;

use crate::console::{Console, use_color};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::sink::{Sink, SinkError};
use crate::output::{self, Palette, changes, record, sanitize};
use crate::settings::{Color, Destination, Format, OutputSettings, value};
use crate::stored::Stored;

/// The commands beside `scan`.
#[derive(Debug, Parser)]
#[command(name = "scanner", bin_name = "scanner", disable_help_subcommand = true, styles = crate::args::STYLES, max_term_width = 110)]
struct Tools {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Print the result of an earlier scan as the scan would
    Show {
        /// A file that scanner wrote as json or jsonl, or nmap's XML; - is standard input
        file: PathBuf,
        #[command(flatten)]
        look: Look,
    },
    /// Turn the result of an earlier scan into another format
    Convert {
        /// A file that scanner wrote as json or jsonl, or nmap's XML; - is standard input
        file: PathBuf,
        /// text, list, json, jsonl, csv, xml, grepable or html; without it the ending of --output decides
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
        /// Write to FILE instead of standard output, several times for several files
        #[arg(short, long, value_name = "FILE")]
        output: Vec<PathBuf>,
        #[command(flatten)]
        look: Look,
    },
    /// Compare two scans: what appeared, went and changed
    ///
    /// What one of the scans did not measure, or not ask, is never a change. Exit status: 0 nothing differs, 1 something does, 2
    /// a file that cannot be read.
    Diff {
        /// The earlier scan
        old: PathBuf,
        /// The later scan
        new: PathBuf,
        /// One JSON document instead of text
        #[arg(long)]
        json: bool,
        /// Colours: auto (the default), always or never
        #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
        color: String,
    },
    /// Print the JSON Schema of a format
    Schema {
        /// jsonl: one line of it; json: the whole document
        format: String,
    },
}

/// What text looks like.
#[derive(Debug, clap::Args)]
struct Look {
    /// Show open ports only, and only hosts that have one
    #[arg(long)]
    open: bool,
    /// Say of each port why it has its state
    #[arg(long)]
    reason: bool,
    /// Colours: auto (the default), always or never
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    color: String,
}

/// Whether the first word names one of these commands.
pub(crate) fn is_tool(word: &OsString) -> bool {
    ["show", "convert", "diff", "schema"].iter().any(|tool| word == tool)
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or a result that cannot be written.
pub(crate) fn run(argv: &[OsString]) -> Result<ExitStatus, Failure> {
    let tool = match Tools::try_parse_from(argv) {
        Ok(tools) => tools.tool,
        Err(error) => {
            return Ok(crate::show_clap_error(error, argv, |argv| Tools::try_parse_from(argv).err()));
        }
    };
    match tool {
        Tool::Show { file, look } => {
            let to = vec![Destination { format: Format::Text, file: None }];
            convert(&file, &look, to)
        }
        Tool::Convert { file, format, output, look } => {
            let to = destinations(format.as_deref(), &output)?;
            convert(&file, &look, to)
        }
        Tool::Diff { old, new, json, color } => {
            diff(&old, &new, json, value::of("--color", &color, &crate::settings::COLORS)?)
        }
        Tool::Schema { format } => schema(&format),
    }
}

fn destinations(format: Option<&str>, outputs: &[PathBuf]) -> Result<Vec<Destination>, Failure> {
    let typed = format.map(|text| value::of("--format", text, &Format::WORDS)).transpose()?;
    let unclear = |place: &str| {
        Failure::usage(format!("{place} does not say which format is wanted")).with_hint(
            "name it with --format, or end FILE in .txt .list .json .jsonl .csv .xml .gnmap or .html",
        )
    };
    if outputs.is_empty() {
        let format = typed.ok_or_else(|| unclear("standard output"))?;
        return Ok(vec![Destination { format, file: None }]);
    }
    let to = |path: &PathBuf| {
        let format = typed.or_else(|| Format::from_ending(path));
        let format = format.ok_or_else(|| unclear(&path.display().to_string()))?;
        Ok(Destination { format, file: (path.as_os_str() != "-").then(|| path.clone()) })
    };
    outputs.iter().map(to).collect()
}

fn convert(file: &Path, look: &Look, destinations: Vec<Destination>) -> Result<ExitStatus, Failure> {
    let color: Color = value::of("--color", &look.color, &crate::settings::COLORS)?;
    let stored = Stored::read(file)?;
    let console = Console::plain();
    stored.remarks.iter().for_each(|remark| console.note(remark));
    let settings = OutputSettings { destinations, reason: look.reason, open_only: look.open };
    let beginning = stored.beginning();
    for to in &settings.destinations {
        let (mut sink, colored) = match &to.file {
            Some(path) => (Sink::file(path, to.format.is_document())?, color == Color::Always),
            None => (Sink::stdout(), use_color(color, &io::stdout())),
        };
        let mut output = output::choose(to.format, &settings, &beginning, colored);
        let written = stored.replay(output.as_mut(), &mut sink)?;
        match written.map_err(SinkError::from).and_then(|()| sink.finish()) {
            Ok(()) | Err(SinkError::Closed) => {}
            Err(SinkError::Failed(error)) => {
                let place =
                    to.file.as_ref().map_or("standard output".into(), |path| path.display().to_string());
                return Err(Failure::incomplete(format!("cannot write the result to {place}: {error}")));
            }
        }
    }
    Ok(ExitStatus::Complete)
}

fn diff(old: &Path, new: &Path, as_json: bool, color: Color) -> Result<ExitStatus, Failure> {
    let console = Console::plain();
    let read = |path| {
        let stored = Stored::read(path)?;
        stored.remarks.iter().for_each(|remark| console.note(remark));
        stored.findings()
    };
    let comparison = compare(&read(old)?, &read(new)?);
    let palette = Palette::new(use_color(color, &io::stdout()));
    let status = if comparison.is_same() { ExitStatus::Complete } else { ExitStatus::Violation };
    crate::show(|out| {
        if as_json {
            sanitize::write_json_pretty(&comparison, out)?;
            writeln!(out)
        } else {
            changes::write(&comparison, palette, out)
        }
    })?;
    Ok(status)
}

fn schema(format: &str) -> Result<ExitStatus, Failure> {
    type MakeSchema = fn() -> Schema;
    let jsonl: MakeSchema = record::record_schema;
    let schema = value::of("schema", format, &[("jsonl", jsonl), ("json", record::document_schema)])?;
    crate::show(|out| {
        sanitize::write_json_pretty(&schema(), out)?;
        writeln!(out)
    })
}
