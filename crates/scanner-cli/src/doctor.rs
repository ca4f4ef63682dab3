//! `scanner doctor`: what of this machine limits a scan. It reads and judges; it changes nothing.

mod judge;
mod parse;
mod readings;

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::columns;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::Palette;
use crate::output::sanitize::{self, clean};
use crate::output::words::counted;

use readings::Readings;

/// How much something matters to a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    /// Nothing to do.
    Ok,
    /// Worth knowing when results are read.
    Note,
    /// It makes scans slower or incomplete.
    Limit,
    /// This system has no such thing, or does not tell.
    Skipped,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Limit => "limit",
            Self::Skipped => "skipped",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    topic: &'static str,
    level: Level,
    /// What was read.
    seen: String,
    /// What it means for a scan.
    means: String,
    /// The command that would mend it.
    mend: Option<String>,
}

impl Finding {
    fn new(topic: &'static str, level: Level, seen: impl Into<String>, means: impl Into<String>) -> Self {
        Self { topic, level, seen: seen.into(), means: means.into(), mend: None }
    }

    fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }
}

/// Looks at this machine and prints what was found.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn run(as_json: bool, palette: Palette) -> Result<ExitStatus, Failure> {
    let findings = judge::all(&Readings::read(Path::new("/")));
    crate::show(|out| {
        if as_json {
            sanitize::write_json_pretty(&findings, out)?;
            writeln!(out)
        } else {
            write_text(&findings, palette, columns::width(), out)
        }
    })
}

fn write_text(findings: &[Finding], palette: Palette, width: usize, out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        let mark = format!("{:<8}", finding.level.as_str());
        let mark = match finding.level {
            Level::Ok => palette.open(&mark),
            Level::Note => palette.head(&mark),
            Level::Limit => palette.alarm(&mark),
            Level::Skipped => palette.dim(&mark),
        };
        writeln!(out, "{mark} {}: {}", palette.head(finding.topic), clean(&finding.seen))?;
        write!(out, "{}", columns::labelled("", &clean(&finding.means), INDENT, width))?;
        if let Some(mend) = &finding.mend {
            // Not wrapped: it is to be pasted.
            writeln!(out, "{:INDENT$}$ {}", "", clean(mend))?;
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count() as u128;
    writeln!(
        out,
        "\n{}, {}, {} skipped. Nothing was changed.",
        counted(count(Level::Limit), "limit", "limits"),
        counted(count(Level::Note), "note", "notes"),
        count(Level::Skipped),
    )
}

/// Where the text of a finding begins.
const INDENT: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_read() {
        let findings = judge::all(&Readings::read(Path::new("/")));
        assert_eq!(findings.len(), judge::TOPICS);
        let mut out = Vec::new();
        write_text(&findings, Palette::new(false), 80, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("Nothing was changed.\n"));
    }

    #[test]
    fn a_system_that_tells_nothing_is_no_error() {
        let empty = tempfile::tempdir().unwrap();
        let findings = judge::all(&Readings::read(empty.path()));
        assert_eq!(findings.len(), judge::TOPICS);
        let skipped = findings.iter().filter(|finding| finding.level == Level::Skipped).count();
        assert!(skipped >= 6, "{findings:?}");
    }

    #[test]
    fn it_reads_well() {
        let findings = [
            Finding::new("descriptors", Level::Limit, "256", "At most 200 connections are open at once.")
                .mend("ulimit -Hn 65536"),
            Finding::new("resolver", Level::Ok, "192.0.2.53", "Names are looked up there."),
        ];
        let mut out = Vec::new();
        write_text(&findings, Palette::new(false), 80, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @"
        limit    descriptors: 256
                 At most 200 connections are open at once.
                 $ ulimit -Hn 65536
        ok       resolver: 192.0.2.53
                 Names are looked up there.

        1 limit, 0 notes, 0 skipped. Nothing was changed.
        ");
    }
}
