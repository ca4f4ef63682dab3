//! `Failure`: an error as a person reads it: one line, the place, and what to do.

use std::fmt::Display;
use std::path::Path;

use scanner_core::SpecError;

use crate::exit::ExitStatus;

/// Why the command ends without a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What the shell sees.
    pub(crate) status: ExitStatus,
    /// One line: where and what.
    pub(crate) message: String,
    /// The text that is wrong and marks under the wrong part.
    pub(crate) caret: Option<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Wrong usage, configuration or target: status 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: ExitStatus::Usage, message: message.into(), caret: None, hint: None }
    }

    /// The scan could not be carried out or written: status 3.
    pub(crate) fn incomplete(message: impl Into<String>) -> Self {
        Self { status: ExitStatus::Incomplete, ..Self::usage(message) }
    }

    /// A specification that cannot be understood, found at `place`.
    pub(crate) fn spec(place: impl Display, error: &SpecError) -> Self {
        Self {
            caret: Some(error.caret()),
            hint: error.hint().map(str::to_owned),
            ..Self::usage(format!("{place}: {error}"))
        }
    }

    /// Adds what to do.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A file as messages name it.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

/// An error with its chain of causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
