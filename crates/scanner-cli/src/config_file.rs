//! The configuration file: one key per option, and tables of the same keys as profiles; unknown keys are errors with a
//! suggestion.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::failure::Failure;
use crate::settings::{Given, Key, Origin};
use crate::suggest::nearest;

/// Where the file is unless `--config` says otherwise; `None` where the system gives no home.
pub(crate) fn default_path() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("scanner").join("config.toml"))
}

/// What a file gives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfigFile {
    /// For every scan.
    pub(crate) base: Vec<(Key, Given)>,
    /// By name, for the scans that ask for it.
    profiles: BTreeMap<String, Vec<(Key, Given)>>,
    /// Where it is; `None` where none was read.
    path: Option<PathBuf>,
}

impl ConfigFile {
    /// Takes out a profile.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn take_profile(&mut self, name: &str) -> Result<Vec<(Key, Given)>, Failure> {
        if let Some(profile) = self.profiles.remove(name) {
            return Ok(profile);
        }
        let shown = name.escape_debug();
        let Some(path) = &self.path else {
            return Err(Failure::usage(format!(
                "there is no profile `{shown}`: no configuration file was read"
            ))
            .with_hint("scanner config path says where the file is looked for"));
        };
        let failure = Failure::usage(format!("{}: there is no profile `{shown}`", path.display()));
        let names: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
        Err(match nearest(name, names.iter().copied()) {
            Some(meant) => failure.with_hint(format!("did you mean {meant}?")),
            None if names.is_empty() => failure.with_hint(format!("a table [profile.{shown}] would be one")),
            None => failure.with_hint(format!("there are {}", names.join(", "))),
        })
    }
}

/// Reads the file that was named, or the default one where it exists.
pub(crate) fn read(named: Option<&Path>) -> Result<ConfigFile, Failure> {
    let Some(path) = named.map(Path::to_path_buf).or_else(default_path) else {
        return Ok(ConfigFile::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text),
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(ConfigFile::default()),
        Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", path.display()))
            .with_hint("--no-config scans without a configuration file")),
    }
}

/// Understands the text of the file at `path`, the profiles that nobody asked for too: a slip there is found at once.
pub(crate) fn parse(path: &Path, text: &str) -> Result<ConfigFile, Failure> {
    let source = Source { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        source.wrong(error.span().unwrap_or(0..0), &message)
    })?;
    let mut file = ConfigFile { path: Some(path.to_path_buf()), ..ConfigFile::default() };
    for (name, value) in table.get_ref() {
        if name.get_ref() == PROFILES {
            file.profiles = source.profiles(value)?;
        } else {
            file.base.extend(source.entry(name, value)?);
        }
    }
    Ok(file)
}

/// The table whose tables are profiles.
const PROFILES: &str = "profile";

fn unknown_key(source: &Source<'_>, name: &Spanned<impl AsRef<str>>) -> Failure {
    let typed = name.get_ref().as_ref();
    let failure = source.wrong(name.span(), &format!("unknown key `{}`", typed.escape_debug()));
    let normal = typed.replace('_', "-");
    match nearest(&normal, Key::ALL.map(Key::name).into_iter().chain([PROFILES])) {
        Some(key) => failure.with_hint(format!("did you mean {key}?")),
        None => failure.with_hint("--print-config shows the keys that there are"),
    }
}

/// The file while it is being read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn entry(
        &self,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<(Key, Given)>, Failure> {
        let key = Key::from_name(name.get_ref().as_ref()).ok_or_else(|| unknown_key(self, name))?;
        self.values(key, value)
    }

    fn profiles(&self, value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<String, Vec<(Key, Given)>>, Failure> {
        let not_a_table = |value: &Spanned<DeValue<'_>>| {
            self.wrong(value.span(), "a profile is a table of options")
                .with_hint("write [profile.NAME], and its options below")
        };
        let DeValue::Table(tables) = value.get_ref() else { return Err(not_a_table(value)) };
        let mut profiles = BTreeMap::new();
        for (name, value) in tables {
            let DeValue::Table(options) = value.get_ref() else { return Err(not_a_table(value)) };
            let mut given = Vec::new();
            for (key, value) in options {
                given.extend(self.entry(key, value)?);
            }
            profiles.insert(name.get_ref().to_string(), given);
        }
        Ok(profiles)
    }

    fn values(&self, key: Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<(Key, Given)>, Failure> {
        let one = |text: String, span: Range<usize>| (key, Given { text, origin: self.origin(span.start) });
        match value.get_ref() {
            DeValue::String(text) => Ok(vec![one(text.to_string(), value.span())]),
            DeValue::Integer(number) => Ok(vec![one(self.decimal(number, value.span())?, value.span())]),
            DeValue::Boolean(flag) => Ok(vec![one(flag.to_string(), value.span())]),
            DeValue::Array(items) if key.is_many() || key.takes_list() => {
                let texts = items.iter().map(|item| self.values(key, item)).collect::<Result<Vec<_>, _>>()?;
                let texts: Vec<_> = texts.into_iter().flatten().collect();
                if key.is_many() {
                    return Ok(texts);
                }
                let joined: Vec<String> = texts.into_iter().map(|(_, given)| given.text).collect();
                Ok(vec![one(joined.join(","), value.span())])
            }
            DeValue::Array(_) | DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                let kind = value.get_ref().type_str();
                let message = format!("`{}` cannot be a value of the type {kind}", key.name());
                Err(self
                    .wrong(value.span(), &message)
                    .with_hint("write it as a string, as on the command line"))
            }
        }
    }

    /// A number as the command line would give it; TOML can also write it with the base 2, 8 or 16.
    fn decimal(&self, number: &DeInteger<'_>, span: Range<usize>) -> Result<String, Failure> {
        if number.radix() == 10 {
            return Ok(number.as_str().to_owned());
        }
        u64::from_str_radix(number.as_str(), number.radix())
            .map(|number| number.to_string())
            .map_err(|_| self.wrong(span, &format!("the number is larger than {}", u64::MAX)))
    }

    fn origin(&self, byte: usize) -> Origin {
        Origin::File { path: self.path.to_path_buf(), line: self.line(byte).0 }
    }

    /// The number of the line that holds a byte, from 1, and where that line begins.
    fn line(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, start)
    }

    fn wrong(&self, span: Range<usize>, message: &str) -> Failure {
        let (number, start) = self.line(span.start);
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let column = self.text.get(start..span.start).map_or(0, |before| before.chars().count());
        let width =
            self.text.get(span).map_or(0, |wrong| wrong.lines().next().unwrap_or_default().chars().count());
        let shown: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let marks = "^".repeat(width.clamp(1, 100));
        let mut failure =
            Failure::usage(format!("{}:{number}:{}: {message}", self.path.display(), column + 1));
        failure.caret = Some(format!("{shown}\n{}{marks}", " ".repeat(column)));
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(Path::new("c.toml"), text) {
            Ok(file) => {
                let line = |profile: &str, (key, given): &(Key, Given)| {
                    format!("{profile}{} = {} from {}", key.name(), given.text, given.origin)
                };
                let base = file.base.iter().map(|entry| line("", entry));
                let profiles = file.profiles.iter().flat_map(|(name, given)| {
                    given.iter().map(move |entry| line(&format!("{name}: "), entry))
                });
                let mut lines: Vec<_> = base.chain(profiles).collect();
                lines.sort();
                lines.join("\n")
            }
            Err(failure) => shown(failure),
        }
    }

    fn shown(failure: Failure) -> String {
        [Some(failure.message), failure.caret, failure.hint.map(|hint| format!("hint: {hint}"))]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_profile_has_the_same_keys() {
        let text = "pace = \"auto\"\n\n[profile.office]\npace = \"gentle\"\noutput = [\"a.json\", \"b.csv\"]\n\n\
                    [profile.\"the lab\"]\nports = \"full\"\n";
        insta::assert_snapshot!(read(text), @"
        office: output = a.json from c.toml:5
        office: output = b.csv from c.toml:5
        office: pace = gentle from c.toml:4
        pace = auto from c.toml:1
        the lab: ports = full from c.toml:8
        ");
        insta::assert_snapshot!(read("[profile.office]\npase = \"auto\"\n"), @r#"
        c.toml:2:1: unknown key `pase`
        pase = "auto"
        ^^^^
        hint: did you mean pace?
        "#);
        insta::assert_snapshot!(read("profile = \"office\"\n"), @r#"
        c.toml:1:11: a profile is a table of options
        profile = "office"
                  ^^^^^^^^
        hint: write [profile.NAME], and its options below
        "#);
        insta::assert_snapshot!(read("[profile]\noffice = 3\n"), @"
        c.toml:2:10: a profile is a table of options
        office = 3
                 ^
        hint: write [profile.NAME], and its options below
        ");
        insta::assert_snapshot!(read("[profiles.office]\npace = \"auto\"\n"), @"
        c.toml:1:2: unknown key `profiles`
        [profiles.office]
         ^^^^^^^^
        hint: did you mean profile?
        ");
    }

    #[test]
    fn a_profile_that_is_not_there() {
        let file = |text| parse(Path::new("c.toml"), text).unwrap();
        let missing = |text, name| shown(file(text).take_profile(name).unwrap_err());
        insta::assert_snapshot!(missing("[profile.office]\n[profile.lab]\n", "ofice"), @"
        c.toml: there is no profile `ofice`
        hint: did you mean office?
        ");
        insta::assert_snapshot!(missing("[profile.office]\n[profile.lab]\n", "home"), @"
        c.toml: there is no profile `home`
        hint: there are lab, office
        ");
        insta::assert_snapshot!(missing("pace = \"auto\"\n", "home"), @"
        c.toml: there is no profile `home`
        hint: a table [profile.home] would be one
        ");
        insta::assert_snapshot!(shown(ConfigFile::default().take_profile("home").unwrap_err()), @"
        there is no profile `home`: no configuration file was read
        hint: scanner config path says where the file is looked for
        ");
        assert_eq!(file("[profile.lab]\nseed = 7\n").take_profile("lab").unwrap().len(), 1);
    }

    #[test]
    fn reads_every_kind_of_value() {
        let text = "pace = \"gentle\"\nmax-rate = 500\nreason = true\nports = [22, \"http*\"]\n\
                    exclude = [\n  \"192.0.2.1\",\n  \"192.0.2.2\",\n]\n";
        insta::assert_snapshot!(read(text), @"
        exclude = 192.0.2.1 from c.toml:6
        exclude = 192.0.2.2 from c.toml:7
        max-rate = 500 from c.toml:2
        pace = gentle from c.toml:1
        ports = 22,http* from c.toml:4
        reason = true from c.toml:3
        ");
    }

    #[test]
    fn numbers_keep_their_base() {
        insta::assert_snapshot!(read("max-rate = 0x10\nretries = 0b11\nports = [0o20, 2_2]\n"), @"
        max-rate = 16 from c.toml:1
        ports = 16,22 from c.toml:3
        retries = 3 from c.toml:2
        ");
        insta::assert_snapshot!(read("seed = 0x1_0000_0000_0000_0000\n"), @"
        c.toml:1:8: the number is larger than 18446744073709551615
        seed = 0x1_0000_0000_0000_0000
               ^^^^^^^^^^^^^^^^^^^^^^^
        ");
    }

    #[test]
    fn errors_show_the_line() {
        insta::assert_snapshot!(read("pace = \"auto\"\ntimeuot = \"2s\"\n"), @r#"
        c.toml:2:1: unknown key `timeuot`
        timeuot = "2s"
        ^^^^^^^
        hint: did you mean timeout?
        "#);
        insta::assert_snapshot!(read("max_rate = 5\n"), @"
        c.toml:1:1: unknown key `max_rate`
        max_rate = 5
        ^^^^^^^^
        hint: did you mean max-rate?
        ");
        insta::assert_snapshot!(read("zzz = 5\n"), @"
        c.toml:1:1: unknown key `zzz`
        zzz = 5
        ^^^
        hint: --print-config shows the keys that there are
        ");
        insta::assert_snapshot!(read("pace = \n"), @"
        c.toml:1:8: string values must be quoted, expected literal string
        pace = 
               ^
        ");
        insta::assert_snapshot!(read("timeout = 1.5\n"), @"
        c.toml:1:11: `timeout` cannot be a value of the type float
        timeout = 1.5
                  ^^^
        hint: write it as a string, as on the command line
        ");
        insta::assert_snapshot!(read("[scan]\npace = \"auto\"\n"), @"
        c.toml:1:2: unknown key `scan`
        [scan]
         ^^^^
        hint: --print-config shows the keys that there are
        ");
    }
}
