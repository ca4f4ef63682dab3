//! `scanner explain`: what a word of a result means, and what can be done about it.

mod texts;

use std::io::{self, Write};

use scanner_core::Reason;

use crate::columns;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::Palette;
use crate::suggest::nearest;

use texts::{TEXTS, Text};

/// What kind of word it is: one word may be two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Reason,
    Verdict,
    Host,
    Evidence,
    Completion,
    Exit,
}

impl Kind {
    /// With the heading over its list.
    const ALL: [(Self, &'static str); 7] = [
        (Self::State, "States of a port"),
        (Self::Reason, "Reasons of a state"),
        (Self::Verdict, "Verdicts on a host"),
        (Self::Host, "Whether a host is there"),
        (Self::Evidence, "What showed it, besides the reasons"),
        (Self::Completion, "How a scan ended"),
        (Self::Exit, "Exit statuses"),
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state of a port",
            Self::Reason => "reason",
            Self::Verdict => "verdict on a host",
            Self::Host => "status of a host",
            Self::Evidence => "evidence that a host is there",
            Self::Completion => "end of a scan",
            Self::Exit => "exit status",
        }
    }
}

/// Explains `asked`, or lists all words.
///
/// # Errors
/// A word that no result has.
pub(crate) fn run(asked: Option<&str>, palette: Palette) -> Result<ExitStatus, Failure> {
    let width = columns::width();
    let Some(asked) = asked else { return crate::show(|out| list(palette, width, out)) };
    let texts = find(asked)?;
    crate::show(|out| {
        for (n, text) in texts.iter().enumerate() {
            if n > 0 {
                writeln!(out)?;
            }
            explain(text, palette, width, out)?;
        }
        Ok(())
    })
}

fn find(asked: &str) -> Result<Vec<&'static Text>, Failure> {
    let word = asked.trim().to_lowercase().replace([' ', '_'], "-");
    let found: Vec<_> = TEXTS.iter().filter(|text| text.word == word).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let failure = Failure::usage(format!("no result has the word `{}`", asked.escape_debug()));
    Err(match nearest(&word, TEXTS.iter().map(|text| text.word)) {
        Some(meant) => failure.with_hint(format!("did you mean {meant}?")),
        None => failure.with_hint("scanner explain lists the words that there are"),
    })
}

fn list(palette: Palette, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let indent = TEXTS.iter().map(|text| text.word.len()).max().unwrap_or_default() + 4;
    for (kind, heading) in Kind::ALL {
        writeln!(out, "{}", palette.head(heading))?;
        for text in TEXTS.iter().filter(|text| text.kind == kind) {
            let label = format!("  {}", text.word);
            write!(out, "{}", columns::labelled(&label, text.seen, indent, width))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "scanner explain WORD says more of each.")
}

fn explain(text: &Text, palette: Palette, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let state =
        Reason::ALL.into_iter().find(|reason| text.kind == Kind::Reason && reason.as_str() == text.word);
    let of = state.map_or(String::new(), |reason| format!(" for {}", reason.state()));
    writeln!(out, "{}   {}{of}", palette.head(text.word), text.kind.as_str())?;
    for (label, part) in [("Seen", text.seen), ("Means", text.means), ("Try", text.advice)] {
        write!(out, "{}", columns::labelled(&format!("  {label}"), part, 9, width))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use scanner_core::{Completion, Evidence, HostStatus, PortState, Verdict};

    use super::*;

    fn words(kind: Kind) -> BTreeSet<String> {
        TEXTS.iter().filter(|text| text.kind == kind).map(|text| text.word.to_owned()).collect()
    }

    fn all(words: impl IntoIterator<Item = &'static str>) -> BTreeSet<String> {
        words.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn every_word_of_a_result_is_explained_and_no_other() {
        assert_eq!(words(Kind::State), all(PortState::ALL.map(PortState::as_str)));
        assert_eq!(words(Kind::Reason), all(Reason::ALL.map(Reason::as_str)));
        assert_eq!(words(Kind::Verdict), all(Verdict::ALL.map(Verdict::as_str)));
        assert_eq!(words(Kind::Host), all(HostStatus::ALL.map(HostStatus::as_str)));
        assert_eq!(words(Kind::Evidence), all([Evidence::Neighbour.as_str()]));
        assert_eq!(words(Kind::Completion), all(Completion::ALL.map(Completion::as_str)));
        assert_eq!(words(Kind::Exit), ExitStatus::ALL.map(|status| status.code().to_string()).into());
    }

    #[test]
    fn every_text_is_whole() {
        for text in TEXTS {
            for part in [text.seen, text.means, text.advice] {
                assert!(part.ends_with('.') && part.len() > 10, "{}: {part}", text.word);
            }
        }
        let different: BTreeSet<_> = TEXTS.iter().map(|text| (text.kind.as_str(), text.word)).collect();
        assert_eq!(different.len(), TEXTS.len());
    }

    #[test]
    fn a_word_that_is_two_things_is_explained_twice() {
        let kinds = |word| find(word).unwrap().iter().map(|text| text.kind).collect::<Vec<_>>();
        assert_eq!(kinds("host-lost"), [Kind::Reason, Kind::Verdict]);
        assert_eq!(kinds("Host Lost"), [Kind::Reason, Kind::Verdict]);
        assert_eq!(kinds("unknown"), [Kind::State, Kind::Host]);
        assert_eq!(kinds("3"), [Kind::Exit]);
    }

    #[test]
    fn a_slip_is_named() {
        let hint = |word: &str| find(word).unwrap_err().hint.unwrap();
        assert_eq!(hint("filterd"), "did you mean filtered?");
        assert_eq!(hint("no-replay"), "did you mean no-reply?");
        assert_eq!(hint("xyz"), "scanner explain lists the words that there are");
    }

    #[test]
    fn it_reads_well() {
        let mut out = Vec::new();
        explain(find("no-reply").unwrap()[0], Palette::new(false), 80, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @"
        no-reply   reason for filtered
          Seen   Silence on every attempt.
          Means  A firewall drops what is sent to the port. Where the host lost packets,
                 the port was asked more often first.
          Try    Compare with a scan from inside the firewall. --retries asks more often
                 still.
        ");
    }
}
