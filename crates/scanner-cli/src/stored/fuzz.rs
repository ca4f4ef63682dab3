//! What must hold of any file that is read as a result.

#![expect(clippy::missing_panics_doc, reason = "that they panic is what they are for")]

use std::path::Path;

use scanner_core::{Findings, compare};

use super::input::Input;
use super::{Stored, each_host_of};
use crate::failure::Failure;
use crate::fuzz::says_what_is_wrong;
use crate::output::choose;
use crate::settings::{Destination, Format, OutputSettings};

/// The most hosts of a set that are gone through.
const MOST_HOSTS: u128 = 1 << 12;

/// Records and documents in JSON.
pub fn records(bytes: &[u8]) {
    let Some(stored) = read(bytes) else { return };
    // What has a line for each host, and what is compared host by host, takes as long as there are hosts.
    let report = &stored.report;
    let sets = [&report.up_nothing_open, &report.down, &report.no_answer, &report.not_measured_hosts];
    if sets.into_iter().any(|set| set.len() > MOST_HOSTS) {
        return;
    }
    let Some(found) = findings(&stored) else { return };
    for (word, format) in Format::WORDS {
        let Some(text) = rendered(&stored, format) else { return };
        if format == Format::Jsonl {
            let Ok(again) = from(text.as_bytes()) else { panic!("{word} cannot be read again: {text}") };
            let Some(found_again) = findings(&again) else { panic!("{word} is refused: {text}") };
            let difference = compare(&found, &found_again);
            assert!(difference.is_same(), "{difference:?}: {text}");
        }
        if matches!(format, Format::Json | Format::Xml) {
            assert!(from(text.as_bytes()).is_ok(), "{word} cannot be read again: {text}");
        }
    }
}

/// nmap's XML.
pub fn nmap(bytes: &[u8]) {
    // Everything else is JSON to the reader.
    if bytes.first() == Some(&b'<') {
        records(bytes);
    }
}

fn from(bytes: &[u8]) -> Result<Stored, Failure> {
    Stored::from_input(Input::kept(Path::new("scan"), bytes))
}

fn read(bytes: &[u8]) -> Option<Stored> {
    // For a scan of the same hosts less is needed than to show them.
    let targets = each_host_of(&Input::kept(Path::new("scan"), bytes), &mut |_, _| ());
    if let Err(failure) = &targets {
        says_what_is_wrong(failure);
    }
    match from(bytes) {
        Ok(stored) => {
            assert!(targets.is_ok(), "a result of which the hosts cannot be scanned again: {targets:?}");
            Some(stored)
        }
        Err(failure) => {
            says_what_is_wrong(&failure);
            None
        }
    }
}

/// Lines of which later ones contradict the first may be read and then refused.
fn findings(stored: &Stored) -> Option<Findings> {
    stored.findings().map_err(|failure| says_what_is_wrong(&failure)).ok()
}

fn rendered(stored: &Stored, format: Format) -> Option<String> {
    let destinations = vec![Destination { format, file: None }];
    let settings = OutputSettings { destinations, reason: true, open_only: false };
    let mut text = Vec::new();
    let mut output = choose(format, &settings, &stored.beginning(), false);
    match stored.replay(output.as_mut(), &mut text) {
        Ok(written) => assert!(written.is_ok(), "{written:?}"),
        Err(failure) => {
            says_what_is_wrong(&failure);
            return None;
        }
    }
    let Ok(text) = String::from_utf8(text) else { panic!("{format:?} is no text") };
    Some(text)
}
