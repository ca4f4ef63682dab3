//! The configuration file: flat TOML, one key per option; unknown keys are errors with a suggestion.

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

/// Reads the file that was named, or the default one where it exists.
pub(crate) fn read(named: Option<&Path>) -> Result<Vec<(Key, Given)>, Failure> {
    let Some(path) = named.map(Path::to_path_buf).or_else(default_path) else { return Ok(Vec::new()) };
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text),
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", path.display()))
            .with_hint("--no-config scans without a configuration file")),
    }
}

/// Understands the text of the file at `path`.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Vec<(Key, Given)>, Failure> {
    let source = Source { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        source.wrong(error.span().unwrap_or(0..0), &message)
    })?;
    let mut given = Vec::new();
    for (name, value) in table.get_ref() {
        let key = Key::from_name(name.get_ref()).ok_or_else(|| unknown_key(&source, name))?;
        given.extend(source.values(key, value)?);
    }
    Ok(given)
}

fn unknown_key(source: &Source<'_>, name: &Spanned<impl AsRef<str>>) -> Failure {
    let typed = name.get_ref().as_ref();
    let failure = source.wrong(name.span(), &format!("unknown key `{}`", typed.escape_debug()));
    let normal = typed.replace('_', "-");
    match nearest(&normal, Key::ALL.map(Key::name)) {
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
    fn values(&self, key: Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<(Key, Given)>, Failure> {
        let one = |text: String, span: Range<usize>| (key, Given { text, origin: self.origin(span.start) });
        match value.get_ref() {
            DeValue::String(text) => Ok(vec![one(text.to_string(), value.span())]),
            DeValue::Integer(number) => Ok(vec![one(self.decimal(number, value.span())?, value.span())]),
            DeValue::Boolean(flag) => Ok(vec![one(flag.to_string(), value.span())]),
            DeValue::Array(items) if key.adds_up() || key.takes_list() => {
                let texts = items.iter().map(|item| self.values(key, item)).collect::<Result<Vec<_>, _>>()?;
                let texts: Vec<_> = texts.into_iter().flatten().collect();
                if key.adds_up() {
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
            Ok(given) => {
                let mut lines: Vec<_> = given
                    .iter()
                    .map(|(key, given)| format!("{} = {} from {}", key.name(), given.text, given.origin))
                    .collect();
                lines.sort();
                lines.join("\n")
            }
            Err(failure) => {
                [Some(failure.message), failure.caret, failure.hint.map(|hint| format!("hint: {hint}"))]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
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
