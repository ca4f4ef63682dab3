//! Words of the command line and of files, each with the place where it stands.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;

use scanner_core::{SpecError, parse_host};

use crate::failure::{Failure, shown};
use crate::settings::Origin;

/// A longer line is no list of hosts; it would only fill memory.
const LONGEST_LINE: u64 = 64 * 1024;

/// Long lists are read in pieces of this size.
const BUFFER: usize = 64 * 1024;

/// Where a word stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    CommandLine,
    Option(&'a Origin),
    File {
        path: &'a Path,
        line: usize,
        /// What stands before the word on its line.
        before: &'a str,
    },
}

impl Place<'_> {
    /// The error about a word here; in a file the column points at the character.
    pub(super) fn fail(self, error: &SpecError) -> Failure {
        let Self::File { path, line, before } = self else { return Failure::spec(self, error) };
        let within = error.input().get(..error.span().start).unwrap_or_default();
        let column = before.chars().count() + within.chars().count() + 1;
        Failure::spec(format_args!("{}:{line}:{column}", shown(path)), error)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("target"),
            Self::Option(origin) => origin.fmt(f),
            Self::File { path, line, before } => {
                write!(f, "{}:{line}:{}", shown(path), before.chars().count() + 1)
            }
        }
    }
}

/// A word and its place.
#[derive(Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place<'a>,
}

/// Hands every word of a comma-separated list to `f`. A list of octets (`10.0.0.1,5`) is one word.
pub(super) fn each_of_list(
    list: &str,
    place: Place<'_>,
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
        if read as u64 == LONGEST_LINE {
            let message = format!("{}:{number}: the line is longer than {LONGEST_LINE} bytes", shown(path));
            return Err(Failure::usage(message).with_hint("write one target on a line"));
        }
        // Editors on Windows begin files with a byte order mark.
        let bytes = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(path, number, bytes, error))?;
        for (before, text) in words_of(text) {
            f(Word { text, place: Place::File { path, line: number, before } })?;
        }
    }
    Ok(())
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn not_utf8(path: &Path, line: usize, bytes: &[u8], error: std::str::Utf8Error) -> Failure {
    let (before, _) = bytes.split_at(error.valid_up_to());
    let column = String::from_utf8_lossy(before).chars().count() + 1;
    Failure::usage(format!("{}:{line}:{column}: not UTF-8 text", shown(path)))
        .with_hint("save the file as UTF-8, with one target per word")
}

/// Opens a file, or standard input.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path != Path::new("-") {
        let file = File::open(path)?;
        return Ok(Box::new(BufReader::with_capacity(BUFFER, file)));
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

/// The words of a line without its comment, each with what stands before it.
fn words_of(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = line.split('#').next().unwrap_or_default();
    text.split_whitespace().map(move |word| {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        (text.get(..start).unwrap_or_default(), word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_words_and_a_comment() {
        let words: Vec<_> = words_of("  10.0.0.1\tnas.lan  # the # old one").collect();
        assert_eq!(words, [("  ", "10.0.0.1"), ("  10.0.0.1\t", "nas.lan")]);
        assert_eq!(words_of("# nothing").count(), 0);
        assert_eq!(words_of("é x").collect::<Vec<_>>(), [("", "é"), ("é ", "x")]);
    }

    #[test]
    fn a_list_is_split_unless_it_is_one_target() {
        let split = |list: &str| {
            let mut words = Vec::new();
            each_of_list(list, Place::CommandLine, |word| {
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
