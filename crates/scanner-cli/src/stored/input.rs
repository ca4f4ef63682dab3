//! The bytes of a file, from the first that says what kind of result it is.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::console::Console;
use crate::failure::{Failure, shown};

/// The longest line that is read as a record: more than any host with every port in a range of its own takes.
const LONGEST_RECORD: u64 = 16 << 20;
/// The most characters of a message about a file: it may quote what stands there.
const LONGEST_MESSAGE: usize = 200;
/// Long files are read in pieces of this size.
const BUFFER: usize = 64 * 1024;

/// A file, or what came through a pipe.
#[derive(Debug, Clone)]
pub(super) struct Input {
    path: PathBuf,
    /// What cannot be read twice is kept.
    kept: Option<Arc<[u8]>>,
}

/// What kind of result a file is.
pub(super) enum Opened {
    /// nmap's XML.
    Xml(Box<dyn BufRead>),
    /// A record on each line.
    Lines(Lines),
    /// One JSON document.
    Document(Box<dyn Read>),
}

/// The lines of a file, of which the first is read.
pub(super) struct Lines {
    first: Vec<u8>,
    reader: Box<dyn BufRead>,
}

/// What every record has.
#[derive(Deserialize)]
pub(super) struct Kind {
    pub(super) r#type: String,
}

impl Input {
    /// A file that is to be read more than once.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut input = Self::once(path);
        if path.metadata().is_ok_and(|meta| meta.is_file()) && path.as_os_str() != "-" {
            return Ok(input);
        }
        let mut bytes = Vec::new();
        input.bytes()?.read_to_end(&mut bytes).map_err(|error| input.unreadable(&error))?;
        input.kept = Some(bytes.into());
        Ok(input)
    }

    /// A file that is to be read once.
    pub(super) fn once(path: &Path) -> Self {
        Self { path: path.to_path_buf(), kept: None }
    }

    /// Bytes as if they were read from a file.
    #[cfg(any(test, fuzzing))]
    pub(super) fn kept(path: &Path, bytes: &[u8]) -> Self {
        Self { path: path.to_path_buf(), kept: Some(bytes.into()) }
    }

    fn bytes(&self) -> Result<Box<dyn BufRead>, Failure> {
        if let Some(bytes) = &self.kept {
            return Ok(Box::new(Cursor::new(Arc::clone(bytes))));
        }
        if self.path.as_os_str() == "-" {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                Console::plain().note("reading a result from the terminal; Ctrl-D ends it");
            }
            return Ok(Box::new(stdin.lock()));
        }
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
    }

    /// Looks at the beginning, past white space and a byte order mark.
    pub(super) fn opened(&self) -> Result<Opened, Failure> {
        let mut reader = self.bytes()?;
        match first_byte(&mut *reader).map_err(|error| self.unreadable(&error))? {
            Some(b'<') => Ok(Opened::Xml(reader)),
            Some(b'{') => {
                let mut first = Vec::new();
                self.read_line(&mut *reader, &mut first)?;
                // A document stands on one line or on many: its first line is no record.
                if serde_json::from_slice::<Kind>(&first).is_ok() {
                    return Ok(Opened::Lines(Lines { first, reader }));
                }
                Ok(Opened::Document(Box::new(Cursor::new(first).chain(reader))))
            }
            _ => Err(self.no_result("neither JSON nor XML")),
        }
    }

    /// One JSON document.
    pub(super) fn document<T: DeserializeOwned>(&self, reader: impl Read) -> Result<T, Failure> {
        serde_json::from_reader(BufReader::new(reader)).map_err(|error| {
            if error.is_io() {
                return self.unreadable(&error.into());
            }
            let what = without_place(&error);
            self.wrong_at(error.line(), error.column(), format_args!("not a result of a scan: {what}"))
        })
    }

    /// Calls `take` with what `parse` makes of every line, and its number. False: the last line was cut off.
    pub(super) fn each_record<T>(
        &self,
        lines: Lines,
        parse: impl Fn(&[u8]) -> serde_json::Result<T>,
        mut take: impl FnMut(usize, T) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let Lines { first: mut line, mut reader } = lines;
        let mut number = 1;
        while !line.is_empty() {
            if line.len() as u64 == LONGEST_RECORD {
                let what = format_args!("a record longer than {LONGEST_RECORD} bytes");
                return Err(self.wrong_at(number, 0, what));
            }
            if !line.trim_ascii().is_empty() {
                match parse(&line) {
                    Ok(record) => take(number, record)?,
                    Err(error) if error.is_eof() && !line.ends_with(b"\n") => return Ok(false),
                    Err(error) => return Err(self.wrong_at(number, error.column(), without_place(&error))),
                }
            }
            self.read_line(&mut *reader, &mut line)?;
            number += 1;
        }
        Ok(true)
    }

    fn read_line(&self, reader: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<(), Failure> {
        line.clear();
        let read = reader.take(LONGEST_RECORD).read_until(b'\n', line);
        read.map(drop).map_err(|error| self.unreadable(&error))
    }

    pub(super) fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::usage(format!("cannot read {}: {error}", self.name()))
            .with_hint("give a file that scanner wrote as json or jsonl, or nmap's XML; - is standard input")
    }

    /// The file is something else.
    pub(super) fn no_result(&self, what: impl Display) -> Failure {
        Failure::usage(format!("{}: not a result of a scan: {what}", self.name()))
            .with_hint("give a file that scanner wrote as json or jsonl, or nmap's XML")
    }

    /// The file is wrong on a line, and at a column where that is not 0; both count from 1.
    pub(super) fn wrong_at(&self, line: usize, column: usize, what: impl Display) -> Failure {
        let column = if column == 0 { String::new() } else { format!(":{column}") };
        let what = what.to_string();
        let mut chars = what.chars();
        let mut text: String = chars.by_ref().take(LONGEST_MESSAGE).collect();
        if chars.next().is_some() {
            text.push('…');
        }
        Failure::usage(format!("{}:{line}{column}: {text}", self.name()))
    }

    /// The file as messages name it.
    pub(super) fn name(&self) -> String {
        shown(&self.path)
    }

    /// What the reader should know about a file that stops before its scan did.
    pub(super) fn no_end(&self, last_is_whole: bool) -> String {
        let cut = if last_is_whole { "" } else { " and its last line is cut off" };
        format!("{} has no end{cut}: the scan still runs, or was killed", self.name())
    }
}

/// The first byte that is neither white space nor a byte order mark, which stays in the reader.
fn first_byte(reader: &mut dyn BufRead) -> io::Result<Option<u8>> {
    const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    loop {
        let Some(&byte) = reader.fill_buf()?.first() else { return Ok(None) };
        if !byte.is_ascii_whitespace() && !MARK.contains(&byte) {
            return Ok(Some(byte));
        }
        reader.consume(1);
    }
}

/// The words of an error, which end in the place where it was found.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
