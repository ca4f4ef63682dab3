//! `Settings`: what the flags, the environment and the file mean together, validated. Every error of usage is here.

mod destination;
pub(crate) mod key;
mod names;
mod print;
mod targets;
pub(crate) mod value;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use scanner_core::{PortSet, parse_ports};
use scanner_dns::FamilyPolicy;
use scanner_net::{ConnectionLimit, Connector, PortDetail, ScanConfig};

use crate::args::{Args, ConnectorChoice};
use crate::failure::Failure;
use crate::targets::{EarlierSettings, PortChoice};

pub(crate) use key::{Given, Key, Layers, Origin, PROFILE_VARIABLE, from_environment, unknown_variables};
pub(crate) use names::{NameSettings, WhoseNames};
pub(crate) use print::{print_config, toml_text};

/// With at most this many ports asked, every port is listed whatever its state.
const LISTED_PORTS: usize = 25;
/// The ports by which hosts are found: as many as a scan asks a host before its first answer.
const DISCOVERY_PORTS: &str = "top:16";

/// What the command is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// What to scan.
    pub(crate) targets: TargetSettings,
    /// How names are looked up, and whose.
    pub(crate) names: NameSettings,
    /// Which ports, of targets without their own.
    pub(crate) ports: PortSet,
    /// Ports of no target.
    pub(crate) excluded_ports: PortSet,
    /// How.
    pub(crate) config: ScanConfig,
    /// What the result looks like and where it goes.
    pub(crate) output: OutputSettings,
    /// What standard error shows.
    pub(crate) display: DisplaySettings,
    /// What counts as a violation.
    pub(crate) fail_if: Option<FailIf>,
    /// The result of an earlier scan, to compare with.
    pub(crate) baseline: Option<PathBuf>,
    /// Only say what would be done.
    pub(crate) plan: bool,
}

/// What to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetSettings {
    /// The words of the command line.
    pub(crate) words: Vec<String>,
    /// Files with more.
    pub(crate) inputs: Vec<PathBuf>,
    /// The networks of this machine.
    pub(crate) local: bool,
    /// Earlier results.
    pub(crate) earlier: EarlierSettings,
    /// What to leave out.
    pub(crate) exclude: Vec<Given>,
    /// Files with more to leave out.
    pub(crate) exclude_files: Vec<PathBuf>,
    /// The file of what may be scanned.
    pub(crate) scope: Option<PathBuf>,
    /// Which addresses of names.
    pub(crate) family: FamilyPolicy,
    /// Every address of a name.
    pub(crate) all_addresses: bool,
    /// Do not ask before a large scan.
    pub(crate) yes: bool,
}

/// What the result looks like and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputSettings {
    /// Where it goes: one place or several, standard output at most once.
    pub(crate) destinations: Vec<Destination>,
    /// Say why each port has its state.
    pub(crate) reason: bool,
    /// Open ports only.
    pub(crate) open_only: bool,
}

/// One place for the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The format.
    pub(crate) format: Format,
    /// The file; standard output where there is none.
    pub(crate) file: Option<PathBuf>,
}

/// What standard error shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DisplaySettings {
    /// Errors only.
    pub(crate) quiet: bool,
    /// How often `-v` was given.
    pub(crate) verbose: u8,
    /// When to colour.
    pub(crate) color: Color,
    /// How to show progress.
    pub(crate) progress: ProgressMode,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// `host:port` lines.
    List,
    /// One sorted document.
    Json,
    /// One record per fact.
    Jsonl,
    /// A row per port.
    Csv,
    /// nmap's XML.
    Xml,
    /// nmap's lines for grep.
    Grepable,
    /// A page for a browser.
    Html,
}

impl Format {
    pub(crate) const WORDS: [(&'static str, Self); 8] = [
        ("text", Self::Text),
        ("list", Self::List),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("csv", Self::Csv),
        ("xml", Self::Xml),
        ("grepable", Self::Grepable),
        ("html", Self::Html),
    ];

    /// Whether half of it is worth nothing: such a file appears when it is complete.
    pub(crate) const fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Xml | Self::Html)
    }

    /// The format that the ending of a file stands for.
    pub(crate) fn from_ending(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "txt" | "text" | "nmap" => Some(Self::Text),
            "list" | "lst" => Some(Self::List),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "xml" => Some(Self::Xml),
            "gnmap" => Some(Self::Grepable),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// How fast, before single values are overridden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Auto,
    Fixed,
    Gentle,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgressMode {
    Auto,
    Bar,
    Log,
    Json,
    None,
}

/// What makes the command end with status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailIf {
    /// Any open port; any host that is up, where only hosts are looked for.
    Open,
    /// A complete scan without one.
    None,
    /// Something that is not as in the baseline.
    Changed,
}

impl Settings {
    /// Validates what was given.
    ///
    /// # Errors
    /// The first value that is wrong, with where it was given.
    pub(crate) fn build(args: &Args, layers: &Layers) -> Result<Self, Failure> {
        let given = |key| layers.value(key);
        let switch = |key| given(key).map_or(Ok(false), |given| value::switch(&given));
        let Ports { asked, excluded } = ports(args, layers)?;
        let destinations = destination::all(args, layers)?;
        let connector = match args.connector {
            ConnectorChoice::Fast => Connector::Fast,
            ConnectorChoice::Portable => Connector::Portable,
        };
        Ok(Self {
            targets: targets::all(args, layers)?,
            names: NameSettings::build(layers)?,
            ports: asked,
            excluded_ports: excluded,
            config: config(args, layers)?.with_connector(connector),
            output: OutputSettings {
                destinations,
                reason: switch(Key::Reason)?,
                open_only: switch(Key::Open)?,
            },
            display: DisplaySettings {
                quiet: switch(Key::Quiet)?,
                verbose: layers.value(Key::Verbose).map_or(Ok(0), |given| value::loudness(&given))?,
                color: words_or(given(Key::Color), &COLORS, Color::Auto)?,
                progress: words_or(given(Key::Progress), &PROGRESS, ProgressMode::Auto)?,
            },
            fail_if: fail_if(layers)?,
            baseline: targets::paths(args.baseline.as_slice(), layers, Key::Baseline).pop(),
            plan: args.plan,
        })
    }

    /// Whether anything to scan was named.
    pub(crate) fn has_targets(&self) -> bool {
        let TargetSettings { words, inputs, local, earlier, .. } = &self.targets;
        !words.is_empty() || !inputs.is_empty() || *local || !earlier.files.is_empty()
    }

    /// The ports of targets without their own, and those of none.
    pub(crate) const fn port_choice(&self) -> PortChoice<'_> {
        PortChoice { default: &self.ports, excluded: &self.excluded_ports }
    }

    /// What is reported of targets with at most so many ports. With few of them asked every one is; a list is about open
    /// ports whatever was asked.
    pub(crate) fn detail(&self, most_ports: usize) -> PortDetail {
        let OutputSettings { open_only, destinations, .. } = &self.output;
        let only_lists = destinations.iter().all(|destination| destination.format == Format::List);
        if most_ports <= LISTED_PORTS && !self.config.discover_only && !open_only && !only_lists {
            PortDetail::All
        } else {
            PortDetail::Open
        }
    }
}

pub(crate) const COLORS: [(&str, Color); 3] =
    [("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];

const PROGRESS: [(&str, ProgressMode); 5] = [
    ("auto", ProgressMode::Auto),
    ("bar", ProgressMode::Bar),
    ("log", ProgressMode::Log),
    ("json", ProgressMode::Json),
    ("none", ProgressMode::None),
];

fn words_or<T: Copy>(given: Option<Given>, words: &[(&'static str, T)], default: T) -> Result<T, Failure> {
    given.map_or(Ok(default), |given| value::word(&given, words))
}

/// The ports to ask for, and those to leave out in any case.
struct Ports {
    asked: PortSet,
    excluded: PortSet,
}

fn ports(args: &Args, layers: &Layers) -> Result<Ports, Failure> {
    let parse = |given: Given| parse_ports(&given.text).map_err(|error| Failure::spec(given.origin, &error));
    // The ports that the file or the environment has for scans are not those that show best who is there.
    let given = layers.value(Key::Ports);
    let given = given.filter(|given| !args.discover || matches!(given.origin, Origin::Flag(_)));
    let default =
        if args.discover { DISCOVERY_PORTS.parse().unwrap_or(PortSet::EMPTY) } else { PortSet::EMPTY };
    let asked = given.map_or(Ok(default), parse)?;
    let excluded = layers.value(Key::ExcludePorts).map_or(Ok(PortSet::EMPTY), parse)?;
    let left = asked.difference(&excluded);
    if left.is_empty() && !excluded.is_empty() {
        let hint = "ask for more with --ports, or exclude less with --exclude-ports";
        return Err(Failure::usage("no port is left to scan: all are excluded").with_hint(hint));
    }
    Ok(Ports { asked: left, excluded })
}

fn fail_if(layers: &Layers) -> Result<Option<FailIf>, Failure> {
    let words = [("open", FailIf::Open), ("none", FailIf::None), ("changed", FailIf::Changed)];
    let Some(given) = layers.value(Key::FailIf) else { return Ok(None) };
    let what = value::word(&given, &words)?;
    if what == FailIf::Changed && layers.value(Key::Baseline).is_none() {
        return Err(Failure::usage(format!("{}: there is nothing that could have changed", given.origin))
            .with_hint("name the result of an earlier scan with --baseline FILE"));
    }
    Ok(Some(what))
}

fn config(args: &Args, layers: &Layers) -> Result<ScanConfig, Failure> {
    let paces = [("auto", Pace::Auto), ("fixed", Pace::Fixed), ("gentle", Pace::Gentle)];
    let given = |key| layers.value(key);
    let count = |key| given(key).map(|given| value::count(&given)).transpose();
    let long = |key| given(key).map(|given| value::duration(&given, false)).transpose();
    let pace = words_or(given(Key::Pace), &paces, Pace::Auto)?;
    let mut config = paced(pace, count(Key::MaxConnections)?);
    config.max_rate = count(Key::MaxRate)?.or(config.max_rate);
    config.max_per_host = count(Key::MaxPerHost)?.or(config.max_per_host);
    config.threads = count(Key::Threads)?;
    if let Some(timeout) = given(Key::Timeout) {
        config.timeout = value::duration(&timeout, true)?;
    }
    config.retries = given(Key::Retries).map(|given| value::retries(&given)).transpose()?;
    config.host_timeout = long(Key::HostTimeout)?;
    config.deadline = long(Key::Deadline)?;
    config.seed = given(Key::Seed).map(|given| value::seed(&given)).transpose()?;
    config.skip_discovery = given(Key::SkipDiscovery).map_or(Ok(false), |given| value::switch(&given))?;
    config.discover_only = args.discover;
    check_ranges(&config, layers)?;
    Ok(config)
}

/// A pace, never with more than `most` connections. Only a fixed pace goes to its bound at once; the others keep to what
/// they are for.
fn paced(pace: Pace, most: Option<NonZeroU32>) -> ScanConfig {
    let mut config = match pace {
        Pace::Auto => ScanConfig::default().with_limit(ConnectionLimit::Auto),
        Pace::Fixed => ScanConfig::default(),
        Pace::Gentle => ScanConfig::gentle(),
    };
    let Some(most) = most else { return config };
    match (pace, config.limit) {
        (Pace::Gentle, ConnectionLimit::Fixed(own)) => config.limit = ConnectionLimit::Fixed(own.min(most)),
        (Pace::Fixed, _) => config.limit = ConnectionLimit::Fixed(most),
        (Pace::Auto | Pace::Gentle, _) => config.max_connections = Some(most),
    }
    config
}

/// The engine knows the ranges of its values; the place where the wrong one was given is known here.
fn check_ranges(config: &ScanConfig, layers: &Layers) -> Result<(), Failure> {
    config.validate().map_err(|error| {
        let key = Key::from_name(&error.field.replace('_', "-"));
        let origin = key.and_then(|key| layers.value(key)).map_or(Origin::Default, |given| given.origin);
        Failure::usage(format!("{origin}: {} is out of range", error.value))
            .with_hint(format!("it goes from {} to {}", error.min, error.max))
    })
}

#[cfg(test)]
mod tests;
