//! Text to value, one function per kind; an error says what would be right.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::failure::Failure;
use crate::settings::key::{Given, Origin};
use crate::suggest::nearest;

/// A value that cannot be understood: what is wrong, and what would be right.
pub(super) fn wrong(given: &Given, what: &str, hint: impl Into<String>) -> Failure {
    let text = given.text.escape_debug();
    Failure::usage(format!("{}: `{text}` {what}", given.origin)).with_hint(hint)
}

/// A duration with its unit. A bare number counts as milliseconds where that is usual, and is refused elsewhere.
pub(crate) fn duration(given: &Given, bare_is_millis: bool) -> Result<Duration, Failure> {
    let text = given.text.trim();
    match text.parse::<u64>() {
        Ok(millis) if bare_is_millis => Ok(Duration::from_millis(millis)),
        Ok(number) => {
            let hint = format!("write {number}s for seconds, {number}m for minutes");
            Err(wrong(given, "has no unit", hint))
        }
        Err(_) => humantime::parse_duration(text)
            .map_err(|_| wrong(given, "is not a duration", "write it like 500ms, 2s, 1m30s or 4h")),
    }
}

/// A whole number from 1 on.
pub(crate) fn count(given: &Given) -> Result<NonZeroU32, Failure> {
    let digits = given.text.trim().replace(['_', ','], "");
    digits
        .parse()
        .map_err(|_| wrong(given, "is not a whole number from 1 on", "write it in digits, like 500"))
}

/// A whole number of attempts.
pub(crate) fn retries(given: &Given) -> Result<u8, Failure> {
    given.text.trim().parse().map_err(|_| wrong(given, "is not a number of retries", "it goes from 0 to 13"))
}

/// How much is logged.
pub(crate) fn loudness(given: &Given) -> Result<u8, Failure> {
    let hint = "0 logs nothing, 1 as -v, 2 as -vv";
    given.text.trim().parse().map_err(|_| wrong(given, "is not a number", hint))
}

/// A seed.
pub(crate) fn seed(given: &Given) -> Result<u64, Failure> {
    let hint = format!("it goes from 0 to {}", u64::MAX);
    given.text.trim().parse().map_err(|_| wrong(given, "is not a seed", hint))
}

/// On or off.
pub(crate) fn switch(given: &Given) -> Result<bool, Failure> {
    match given.text.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(wrong(given, "is neither true nor false", "write true or false")),
    }
}

/// One of a few words, as the option of a command that no file configures.
pub(crate) fn of<T: Copy>(flag: &'static str, text: &str, words: &[(&'static str, T)]) -> Result<T, Failure> {
    word(&Given { text: text.to_owned(), origin: Origin::Flag(flag) }, words)
}

/// One of a few words.
pub(crate) fn word<T: Copy>(given: &Given, words: &[(&'static str, T)]) -> Result<T, Failure> {
    let text = given.text.trim().to_lowercase();
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let hint = match nearest(&text, all.iter().copied()) {
        Some(word) => format!("did you mean {word}? There are {}", all.join(", ")),
        None => format!("there are {}", all.join(", ")),
    };
    Err(wrong(given, "is not one of the values", hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::key::Origin;

    fn given(text: &str) -> Given {
        Given { text: text.to_owned(), origin: Origin::Flag("--flag") }
    }

    fn error(failure: &Failure) -> String {
        format!("{}\nhint: {}", failure.message, failure.hint.as_deref().unwrap_or("-"))
    }

    #[test]
    fn durations() {
        for (text, millis) in
            [("500ms", 500), ("2s", 2_000), ("1m30s", 90_000), ("750", 750), (" 1s ", 1_000)]
        {
            assert_eq!(duration(&given(text), true).unwrap(), Duration::from_millis(millis), "{text}");
        }
        insta::assert_snapshot!(error(&duration(&given("60"), false).unwrap_err()), @"
        --flag: `60` has no unit
        hint: write 60s for seconds, 60m for minutes
        ");
        insta::assert_snapshot!(error(&duration(&given("soon"), true).unwrap_err()), @"
        --flag: `soon` is not a duration
        hint: write it like 500ms, 2s, 1m30s or 4h
        ");
    }

    #[test]
    fn numbers() {
        assert_eq!(count(&given("1,000")).unwrap().get(), 1_000);
        assert_eq!(retries(&given("0")).unwrap(), 0);
        assert_eq!(seed(&given("18446744073709551615")).unwrap(), u64::MAX);
        assert!(seed(&given("-1")).is_err());
        insta::assert_snapshot!(error(&count(&given("0")).unwrap_err()), @"
        --flag: `0` is not a whole number from 1 on
        hint: write it in digits, like 500
        ");
        insta::assert_snapshot!(error(&retries(&given("many")).unwrap_err()), @"
        --flag: `many` is not a number of retries
        hint: it goes from 0 to 13
        ");
    }

    #[test]
    fn words() {
        let paces = [("auto", 1), ("fixed", 2), ("gentle", 3)];
        assert_eq!(word(&given("Gentle"), &paces).unwrap(), 3);
        insta::assert_snapshot!(error(&word(&given("gentel"), &paces).unwrap_err()), @"
        --flag: `gentel` is not one of the values
        hint: did you mean gentle? There are auto, fixed, gentle
        ");
        insta::assert_snapshot!(error(&word(&given("x\x1b[1m"), &paces).unwrap_err()), @r"
        --flag: `x\u{1b}[1m` is not one of the values
        hint: there are auto, fixed, gentle
        ");
        assert!(switch(&given("on")).unwrap());
        assert!(switch(&given("maybe")).is_err());
    }
}
