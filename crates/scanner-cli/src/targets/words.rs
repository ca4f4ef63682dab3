//! Words of the command line and of files, each with the place where it stands.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use scanner_core::{SpecError, parse_host};

use crate::failure::Failure;
use crate::settings::Origin;

/// A longer line is no list of hosts; it would only fill memory.
const LONGEST_LINE: u64 = 64 * 1024;

/// Where a word stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    CommandLine,
    Option(Origin),
    File { path: PathBuf, line: usize, column: usize },
}

impl Place {
    /// The error about a word here; in a file the column points at the character.
    pub(super) fn fail(&self, error: &SpecError) -> Failure {
        match self {
            Self::CommandLine | Self::Option(_) => Failure::spec(self, error),
            Self::File { path, line, column } => {
                let before =
                    error.input().get(..error.span().start).map_or(0, |before| before.chars().count());
                Failure::spec(Self::File { path: path.clone(), line: *line, column: column + before }, error)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("target"),
            Self::Option(origin) => origin.fmt(f),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", shown(path)),
        }
    }
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

/// A word and its place.
#[derive(Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) place: &'a Place,
}

/// Hands every word of a comma-separated list to `f`. A list of octets (`10.0.0.1,5`) is one word.
pub(super) fn each_of_list(
    list: &str,
    place: &Place,
    mut f: impl FnMut(Word<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if parse_host(list).is_ok() || !list.contains(',') {
        return f(Word { text: list, place });
    }
    list.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .try_for_each(|text| f(Word { text, place }))
}

/// Hands every word of a file to `f`, line by line: white space separates, `#` begins a comment, `-` is standard input.
pub(super) fn each_of_file(
    path: &Path,
    mut f: impl FnMut(Word<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut reader = open(path).map_err(|error| unreadable(path, &error))?;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut limited = io::Read::take(&mut reader, LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut line).map_err(|error| unreadable(path, &error))?;
        if read == 0 {
            break;
        }
        let wrong = |what: &str| Failure::usage(format!("{}:{number}: {what}", shown(path)));
        if read as u64 == LONGEST_LINE {
            return Err(wrong("the line is too long").with_hint("write one target on a line"));
        }
        let text = std::str::from_utf8(&line).map_err(|_| wrong("not UTF-8 text"))?;
        // Editors on Windows begin files with a byte order mark.
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        for (column, word) in words_of(text) {
            let place = Place::File { path: path.to_path_buf(), line: number, column };
            f(Word { text: word, place: &place })?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path != Path::new("-") {
        return Ok(Box::new(BufReader::new(File::open(path)?)));
    }
    let stdin = io::stdin();
    if stdin.is_terminal() {
        crate::console::Console::plain().note("reading targets from the terminal; Ctrl-D ends the list");
    }
    Ok(Box::new(stdin.lock()))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", shown(path)))
        .with_hint("give a file with one target per word, or - for standard input")
}

/// The words of a line without its comment, each with its column in characters, from 1.
fn words_of(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = line.split('#').next().unwrap_or_default();
    text.split_whitespace().map(move |word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        (text.get(..start).map_or(0, |before| before.chars().count()) + 1, word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_words_and_a_comment() {
        let words: Vec<_> = words_of("  10.0.0.1\tnas.lan  # the # old one").collect();
        assert_eq!(words, [(3, "10.0.0.1"), (12, "nas.lan")]);
        assert_eq!(words_of("# nothing").count(), 0);
        assert_eq!(words_of("é x").collect::<Vec<_>>(), [(1, "é"), (3, "x")]);
    }

    #[test]
    fn a_list_is_split_unless_it_is_one_target() {
        let split = |list: &str| {
            let mut words = Vec::new();
            each_of_list(list, &Place::CommandLine, |word| {
                words.push(word.text.to_owned());
                Ok(())
            })
            .unwrap();
            words
        };
        assert_eq!(split("192.0.2.1, nas.lan,"), ["192.0.2.1", "nas.lan"]);
        assert_eq!(split("192.0.2.1,5"), ["192.0.2.1,5"]);
        assert_eq!(split("10.0.0.0/8"), ["10.0.0.0/8"]);
    }
}
