//! The commands beside `scan`: those that work on results, and those that explain.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use scanner_core::compare;
use schemars::Schema;

use crate::args;
use crate::config_tool::{self, ConfigTool};
use crate::console::{Console, use_color};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::sink::{Sink, SinkError};
use crate::output::{self, Palette, changes, record, sanitize};
use crate::settings::{Color, Destination, Format, OutputSettings, value};
use crate::stored::Stored;
use crate::suggest::nearest;
use crate::{completions, doctor, explain, services};

/// The commands beside `scan`.
#[derive(Debug, Parser)]
#[command(name = "scanner", bin_name = "scanner", disable_help_subcommand = true, styles = args::STYLES, max_term_width = args::WIDEST_HELP)]
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
    /// Say which service a port stands for, which ports a name has, or where a word occurs
    ///
    /// A name is a guess from the number. RANK is the place among the 1,000 ports that are likeliest to be open. Without a word the
    /// 100 likeliest are shown. Examples: scanner services 8443, scanner services postgres, scanner services http*, scanner services
    /// 8000-8100, scanner services message broker
    Services {
        /// A port, a range, a name, a wildcard, a preset; any other word is looked for in names and notes
        #[arg(value_name = "PORT|NAME|WORD")]
        asked: Vec<String>,
        /// One JSON document instead of text
        #[arg(long)]
        json: bool,
    },
    /// Explain a word of a result: what was seen, what it can mean, what to try
    ///
    /// Reasons (no-reply), states (filtered), verdicts (accepts-everything) and exit statuses (3). Without a word all are listed.
    Explain {
        /// A word of a result, or the number of an exit status
        #[arg(value_name = "WORD")]
        word: Vec<String>,
        /// Colours: auto (the default), always or never
        #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
        color: String,
    },
    /// Look at what limits a scan from this machine, and how to mend it; changes nothing
    ///
    /// Descriptors, source ports, the neighbour tables, connection tracking, retries of the kernel, VPN, container, resolver and
    /// firewall. It only reads. Exit status: 0, whatever it found.
    Doctor {
        /// One JSON document instead of text
        #[arg(long)]
        json: bool,
        /// Colours: auto (the default), always or never
        #[arg(long, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
        color: String,
    },
    /// Write, show or find the configuration file
    Config {
        #[command(subcommand)]
        tool: ConfigTool,
    },
    /// Print completions for a shell
    ///
    /// bash: scanner completions bash > ~/.local/share/bash-completion/completions/scanner
    ///
    /// zsh: scanner completions zsh > a directory of $fpath, as _scanner
    ///
    /// fish: scanner completions fish > ~/.config/fish/completions/scanner.fish
    ///
    /// powershell: scanner completions powershell | Out-String | Invoke-Expression
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a directory
    #[command(hide = true)]
    Man {
        /// A directory that is there
        directory: PathBuf,
    },
    /// Print the help of a command
    Help {
        /// The command; without it the long help of all
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
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

/// The commands, as clap knows them.
pub(crate) fn commands() -> Vec<Command> {
    Tools::command().get_subcommands().cloned().collect()
}

/// Whether the first word names one of these commands.
pub(crate) fn is_tool(word: &OsString) -> bool {
    Tools::command().get_subcommands().any(|tool| word == tool.get_name())
}

/// The command that was meant where the first of these targets is none.
pub(crate) fn meant(words: &[String]) -> Option<String> {
    let tools = Tools::command();
    let names = tools.get_subcommands().filter(|tool| !tool.is_hide_set()).map(Command::get_name);
    let meant = words.first().and_then(|word| nearest(word, names))?;
    Some(format!("did you mean scanner {meant}? scanner {meant} --help"))
}

/// The failure with the command that was meant, where it seems that one was.
pub(crate) fn meant_instead(words: &[String], failure: Failure) -> Failure {
    match meant(words) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Runs the command.
///
/// # Errors
/// What the command could not do.
pub(crate) fn run(argv: &[OsString]) -> Result<ExitStatus, Failure> {
    let parse = |argv: &[OsString]| {
        let matches = args::as_wide_as_asked(Tools::command()).try_get_matches_from(argv)?;
        Tools::from_arg_matches(&matches)
    };
    let tool = match parse(argv) {
        Ok(tools) => tools.tool,
        Err(error) => {
            return crate::show_clap_error(error, argv, |argv| {
                parse(&argv.into_iter().map(OsString::from).collect::<Vec<_>>()).err()
            });
        }
    };
    dispatch(tool)
}

fn dispatch(tool: Tool) -> Result<ExitStatus, Failure> {
    let palette = |color: &str| {
        let color = value::of("--color", color, &crate::settings::COLORS)?;
        Ok(Palette::new(use_color(color, &io::stdout())))
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
        Tool::Services { asked, json } => services::run(joined(&asked).as_deref(), json),
        Tool::Explain { word, color } => explain::run(joined(&word).as_deref(), palette(&color)?),
        Tool::Doctor { json, color } => doctor::run(json, palette(&color)?),
        Tool::Config { tool } => config_tool::run(tool),
        Tool::Completions { shell } => completions::print(shell),
        Tool::Man { directory } => completions::write_man_pages(&directory),
        Tool::Help { command } => help(command.as_deref()),
    }
}

/// Several words are one thing to look for.
fn joined(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

fn help(command: Option<&str>) -> Result<ExitStatus, Failure> {
    let line = |words: &[&str]| crate::command(words.iter().copied().map(OsString::from));
    match command {
        None | Some("scan") => line(&["scanner", "--help"]),
        Some(command) if is_tool(&command.into()) => line(&["scanner", command, "--help"]),
        Some(command) => {
            let failure = Failure::usage(format!("there is no command `{}`", command.escape_debug()));
            Err(match meant(&[command.to_owned()]) {
                Some(hint) => failure.with_hint(hint),
                None => failure.with_hint("scanner --help lists the commands"),
            })
        }
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
