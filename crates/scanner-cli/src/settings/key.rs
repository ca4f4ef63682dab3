//! The options that a flag, the environment and the configuration file can give.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::logging;
use crate::suggest::nearest;

/// What the name of every variable begins with.
const PREFIX: &str = "SCANNER_";

/// The variable that names a profile of the file.
pub(crate) const PROFILE_VARIABLE: &str = "SCANNER_PROFILE";

/// One option. Its name is the long flag, the key of the file, and the end of the variable's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Input,
    Local,
    From,
    State,
    Exclude,
    ExcludeFile,
    Scope,
    Family,
    AllAddresses,
    Dns,
    Resolvers,
    Reverse,
    Ports,
    ExcludePorts,
    Open,
    Pace,
    MaxConnections,
    MaxRate,
    MaxPerHost,
    Threads,
    Timeout,
    Retries,
    HostTimeout,
    Deadline,
    Seed,
    SkipDiscovery,
    Format,
    Reason,
    Output,
    Baseline,
    FailIf,
    Quiet,
    Color,
    Progress,
    Verbose,
}

impl Key {
    /// Every option, in the order in which they are printed.
    pub(crate) const ALL: [Self; 35] = [
        Self::Input,
        Self::Local,
        Self::From,
        Self::State,
        Self::Exclude,
        Self::ExcludeFile,
        Self::Scope,
        Self::Family,
        Self::AllAddresses,
        Self::Dns,
        Self::Resolvers,
        Self::Reverse,
        Self::Ports,
        Self::ExcludePorts,
        Self::Open,
        Self::Pace,
        Self::MaxConnections,
        Self::MaxRate,
        Self::MaxPerHost,
        Self::Threads,
        Self::Timeout,
        Self::Retries,
        Self::HostTimeout,
        Self::Deadline,
        Self::Seed,
        Self::SkipDiscovery,
        Self::Format,
        Self::Reason,
        Self::Output,
        Self::Baseline,
        Self::FailIf,
        Self::Quiet,
        Self::Color,
        Self::Progress,
        Self::Verbose,
    ];

    /// The name in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Local => "local",
            Self::From => "from",
            Self::State => "state",
            Self::Exclude => "exclude",
            Self::ExcludeFile => "exclude-file",
            Self::Scope => "scope",
            Self::Family => "family",
            Self::AllAddresses => "all-addresses",
            Self::Dns => "dns",
            Self::Resolvers => "resolvers",
            Self::Reverse => "reverse",
            Self::Ports => "ports",
            Self::ExcludePorts => "exclude-ports",
            Self::Open => "open",
            Self::Pace => "pace",
            Self::MaxConnections => "max-connections",
            Self::MaxRate => "max-rate",
            Self::MaxPerHost => "max-per-host",
            Self::Threads => "threads",
            Self::Timeout => "timeout",
            Self::Retries => "retries",
            Self::HostTimeout => "host-timeout",
            Self::Deadline => "deadline",
            Self::Seed => "seed",
            Self::SkipDiscovery => "skip-discovery",
            Self::Format => "format",
            Self::Reason => "reason",
            Self::Output => "output",
            Self::Baseline => "baseline",
            Self::FailIf => "fail-if",
            Self::Quiet => "quiet",
            Self::Color => "color",
            Self::Progress => "progress",
            Self::Verbose => "verbose",
        }
    }

    /// The name in the environment.
    pub(crate) fn variable(self) -> String {
        format!("{PREFIX}{}", self.name().replace('-', "_").to_uppercase())
    }

    /// The option with this name in the file.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// What holds where nothing is given; `None` where that means "not limited" or "not used".
    pub(crate) const fn default_text(self) -> Option<&'static str> {
        match self {
            Self::Family => Some("any"),
            Self::Ports => Some("standard"),
            Self::Reverse => Some("up"),
            Self::Dns | Self::Pace | Self::Color | Self::Progress => Some("auto"),
            Self::Timeout => Some("3s"),
            Self::Format => Some("text"),
            Self::Local
            | Self::AllAddresses
            | Self::Open
            | Self::SkipDiscovery
            | Self::Reason
            | Self::Quiet => Some("false"),
            Self::Verbose => Some("0"),
            Self::Input
            | Self::From
            | Self::State
            | Self::Exclude
            | Self::ExcludeFile
            | Self::Scope
            | Self::Resolvers
            | Self::ExcludePorts
            | Self::MaxConnections
            | Self::MaxRate
            | Self::MaxPerHost
            | Self::Threads
            | Self::Retries
            | Self::HostTimeout
            | Self::Deadline
            | Self::Seed
            | Self::Output
            | Self::Baseline
            | Self::FailIf => None,
        }
    }

    /// Whether what several places give adds up: an exclusion written into the file must hold beside one on the
    /// command line.
    pub(crate) const fn adds_up(self) -> bool {
        matches!(self, Self::Exclude | Self::ExcludeFile)
    }

    /// Whether one place may give several values, which the file writes as an array.
    pub(crate) const fn is_many(self) -> bool {
        self.adds_up() || matches!(self, Self::Input | Self::From | Self::State | Self::Output)
    }

    /// Whether the value is a comma-separated list, which the file may write as an array.
    pub(crate) const fn takes_list(self) -> bool {
        matches!(self, Self::Resolvers | Self::Ports | Self::ExcludePorts)
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag, as it is written.
    Flag(&'static str),
    /// An environment variable.
    Variable(String),
    /// A line of the configuration file.
    File { path: PathBuf, line: usize },
    /// Nothing was given.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value as it was given, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// The text.
    pub(crate) text: String,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// What all places together give, the strongest for each option.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layers(BTreeMap<Key, Vec<Given>>);

impl Layers {
    /// Adds one place, weaker than all that were added before.
    pub(crate) fn add_weaker(&mut self, place: impl IntoIterator<Item = (Key, Given)>) {
        let mut layer: BTreeMap<Key, Vec<Given>> = BTreeMap::new();
        for (key, given) in place {
            layer.entry(key).or_default().push(given);
        }
        for (key, given) in layer {
            let values = self.0.entry(key).or_default();
            if values.is_empty() || key.adds_up() {
                values.extend(given);
            }
        }
    }

    /// Everything that was given for `key`.
    pub(crate) fn all(&self, key: Key) -> &[Given] {
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The value that holds for `key`, the default where nothing was given.
    pub(crate) fn value(&self, key: Key) -> Option<Given> {
        let default =
            || key.default_text().map(|text| Given { text: text.to_owned(), origin: Origin::Default });
        self.all(key).last().cloned().or_else(default)
    }
}

/// What the environment gives.
pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Vec<(Key, Given)> {
    Key::ALL
        .into_iter()
        .filter_map(|key| {
            let name = key.variable();
            let text = variable(&name).filter(|text| !text.is_empty())?;
            Some((key, Given { text, origin: Origin::Variable(name) }))
        })
        .collect()
}

/// A note for each variable that looks like an option and is none: a slip there must not stay without a word.
pub(crate) fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let is_known = |name: &String| {
        [logging::VARIABLE, PROFILE_VARIABLE].contains(&name.as_str())
            || Key::ALL.iter().any(|key| key.variable() == *name)
    };
    let mut unknown: Vec<String> =
        names.into_iter().filter(|name| name.starts_with(PREFIX) && !is_known(name)).collect();
    unknown.sort();
    let note = |name: &String| {
        let key = name.trim_start_matches(PREFIX).to_lowercase().replace('_', "-");
        match nearest(&key, Key::ALL.map(Key::name)).and_then(Key::from_name) {
            Some(key) => format!("{name} in the environment is no option; did you mean {}?", key.variable()),
            None => format!("{name} in the environment is no option; --print-config shows the options"),
        }
    };
    unknown.iter().map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str, origin: Origin) -> Given {
        Given { text: text.to_owned(), origin }
    }

    #[test]
    fn names_are_unique_and_found() {
        for key in Key::ALL {
            assert_eq!(Key::from_name(key.name()), Some(key));
        }
        assert_eq!(Key::MaxPerHost.variable(), "SCANNER_MAX_PER_HOST");
    }

    #[test]
    fn slips_in_the_environment_are_named() {
        let names = [
            "SCANNER_TIMEUOT",
            "HOME",
            "SCANNER_LOG",
            "SCANNER_HOME_DIR",
            "SCANNER_PACE",
            "SCANNER_max_rate",
        ];
        assert_eq!(
            unknown_variables(names.map(str::to_owned)),
            [
                "SCANNER_HOME_DIR in the environment is no option; --print-config shows the options",
                "SCANNER_TIMEUOT in the environment is no option; did you mean SCANNER_TIMEOUT?",
                "SCANNER_max_rate in the environment is no option; did you mean SCANNER_MAX_RATE?",
            ]
        );
    }

    #[test]
    fn the_stronger_place_wins_and_exclusions_add_up() {
        let mut layers = Layers::default();
        layers.add_weaker([
            (Key::Pace, given("fixed", Origin::Flag("--pace"))),
            (Key::Exclude, given("192.0.2.1", Origin::Flag("--exclude"))),
        ]);
        layers.add_weaker(from_environment(|name| match name {
            "SCANNER_PACE" => Some("gentle".into()),
            "SCANNER_RETRIES" => Some("3".into()),
            _ => None,
        }));
        let file = |line| Origin::File { path: "c.toml".into(), line };
        layers.add_weaker([
            (Key::Retries, given("5", file(1))),
            (Key::Exclude, given("192.0.2.2", file(2))),
            (Key::Seed, given("7", file(3))),
        ]);
        assert_eq!(layers.value(Key::Pace).unwrap().text, "fixed");
        assert_eq!(layers.value(Key::Retries).unwrap().origin, Origin::Variable("SCANNER_RETRIES".into()));
        assert_eq!(layers.value(Key::Seed).unwrap().origin.to_string(), "c.toml:3");
        assert_eq!(layers.value(Key::Format).unwrap().origin, Origin::Default);
        assert_eq!(layers.value(Key::Deadline), None);
        let excluded: Vec<_> = layers.all(Key::Exclude).iter().map(|given| given.text.as_str()).collect();
        assert_eq!(excluded, ["192.0.2.1", "192.0.2.2"]);
    }
}
