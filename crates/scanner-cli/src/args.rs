//! The flags exactly as they are typed: no checks beyond their shape, no input or output.

mod options;
mod short;
mod texts;

use std::path::PathBuf;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};

use crate::columns;
use crate::settings::Key;

pub(crate) use options::Options;
pub(crate) use texts::STYLES;
use texts::{AFTER, EXAMPLES, TARGET_HELP, TEMPLATE, USAGE};

/// No line of help is longer.
pub(crate) const WIDEST_HELP: usize = 110;

/// Finds the open TCP ports of hosts and networks.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "one flag each")]
#[command(
    name = "scanner",
    version,
    about = "Finds the open TCP ports of hosts and networks",
    before_long_help = EXAMPLES,
    after_long_help = AFTER,
    help_template = TEMPLATE,
    override_usage = USAGE,
    styles = STYLES,
    max_term_width = WIDEST_HELP,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub(crate) struct Args {
    #[arg(value_name = "TARGET", help_heading = "Targets", help = TARGET_HELP, display_order = 0)]
    pub(crate) targets: Vec<String>,

    /// Read targets from a file (-iL): separated by white space, `#` starts a comment; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "Targets", display_order = 1)]
    pub(crate) input: Vec<PathBuf>,

    /// The networks of this machine's interfaces, up to a /16 each
    #[arg(long, help_heading = "Targets", display_order = 1)]
    pub(crate) local: bool,

    /// Targets from an earlier result (JSON, JSON lines or nmap's XML): its hosts with their names and ports, or with
    /// other ports where -p is given
    #[arg(long, value_name = "FILE", help_heading = "Targets", display_order = 2)]
    pub(crate) from: Vec<PathBuf>,

    /// Of --from only the ports in these states, and only hosts that have one: open, closed, filtered, unknown
    #[arg(
        long,
        value_name = "STATE,…",
        value_delimiter = ',',
        requires = "from",
        help_heading = "Targets",
        display_order = 2
    )]
    pub(crate) state: Vec<String>,

    /// Options that the environment and the configuration file can also give.
    #[command(flatten)]
    pub(crate) options: Options,

    /// Write the result to FILE instead of standard output, several times for several files; the ending chooses the format
    /// (.txt .list .json .jsonl .csv .xml .gnmap .html) unless --format does
    #[arg(short, long, value_name = "FILE", help_heading = "Result")]
    pub(crate) output: Vec<PathBuf>,

    /// Compare with FILE, the result of an earlier scan (json, jsonl, nmap's XML), and say what appeared, went and changed
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub(crate) baseline: Option<PathBuf>,

    /// Files beside what standard output shows, as nmap writes them.
    #[command(flatten)]
    pub(crate) beside: Beside,

    /// Only find out which hosts are there (-sn): by ARP or neighbour discovery on this machine's own networks, else by a few
    /// likely ports, or those of -p
    #[arg(long, help_heading = "Targets", conflicts_with = "skip_discovery", display_order = 3)]
    pub(crate) discover: bool,

    /// Show what would be scanned, how long it may take and in which order, without sending anything
    #[arg(long, visible_alias = "dry-run", help_heading = "Other")]
    pub(crate) plan: bool,

    /// Do not ask before a very large scan or one of many public addresses
    #[arg(long, help_heading = "Other")]
    pub(crate) yes: bool,

    /// Read the configuration from FILE
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Other")]
    pub(crate) config: Option<PathBuf>,

    /// Put the table [profile.NAME] of the configuration file over the rest of it
    #[arg(long, value_name = "NAME", conflicts_with = "no_config", help_heading = "Other")]
    pub(crate) profile: Option<String>,

    /// Read no configuration file
    #[arg(long, help_heading = "Other")]
    pub(crate) no_config: bool,

    /// Print every setting and where it came from, in the form of a configuration file
    #[arg(long, help_heading = "Other")]
    pub(crate) print_config: bool,

    /// Log what the engine decides to standard error; twice for more
    #[arg(short, long, action = ArgAction::Count, help_heading = "Other")]
    pub(crate) verbose: u8,

    /// What makes the connections: the fastest that the platform has, or the one of all platforms, for comparison
    #[arg(long, hide = true, value_enum, default_value_t)]
    pub(crate) connector: ConnectorChoice,

    /// Print help: -h in short, --help with examples, exit statuses and configuration
    #[arg(short, long, action = ArgAction::Help, help_heading = "Other")]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Other")]
    version: Option<bool>,
}

/// What makes the connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ConnectorChoice {
    #[default]
    Fast,
    Portable,
}

impl Args {
    /// Reads the command line.
    ///
    /// # Errors
    /// Help, the version, or what is wrong.
    pub(crate) fn read<S: Into<std::ffi::OsString> + Clone>(
        argv: impl IntoIterator<Item = S>,
    ) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&as_wide_as_asked(Self::command()).try_get_matches_from(argv)?)
    }

    /// What was typed of the options that the environment and the file can also give: the key, the flag, and the text.
    pub(crate) fn given(&self) -> Vec<(Key, &'static str, String)> {
        let places = [
            (Key::Input, "--input", self.input.as_slice()),
            (Key::From, "--from", self.from.as_slice()),
            (Key::Output, "--output", self.output.as_slice()),
            (Key::Baseline, "--baseline", self.baseline.as_slice()),
        ];
        let mut given = self.options.given();
        for (key, flag, paths) in places {
            given.extend(paths.iter().map(|path| (key, flag, path.to_string_lossy().into_owned())));
        }
        given.extend(self.state.iter().map(|state| (Key::State, "--state", state.clone())));
        given.extend(self.local.then(|| (Key::Local, "--local", true.to_string())));
        given.extend((self.verbose > 0).then(|| (Key::Verbose, "--verbose", self.verbose.to_string())));
        given
    }

    /// The help of `-h`, which fits a screen.
    pub(crate) fn short_help() -> clap::Command {
        short::shortened(as_wide_as_asked(Self::command()))
    }
}

/// clap knows how wide the terminal is; `COLUMNS` says how wide it is to be.
pub(crate) fn as_wide_as_asked(command: clap::Command) -> clap::Command {
    match columns::asked() {
        Some(columns) => command.term_width(columns.min(WIDEST_HELP)),
        None => command,
    }
}

/// nmap's `-oN`, `-oX`, `-oG` and `-oA`, as `habits.rs` rewrites them.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_field_names, reason = "the names of the flags")]
pub(crate) struct Beside {
    #[arg(long, hide = true)]
    pub(crate) output_text: Vec<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) output_xml: Vec<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) output_grepable: Vec<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) output_all: Vec<PathBuf>,
}
