//! `LabError`: why a network could not be made.

use std::io;

/// Why a network could not be made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// This machine cannot have it: a right, a tool or a part of the kernel is missing.
    #[error("{what}: {why}")]
    Unavailable {
        /// What is missing.
        what: String,
        /// What the system says, in one line or more.
        why: String,
    },
    /// `ip` or `nft` refused.
    #[error("{command}: {why}")]
    Tool {
        /// The command as typed.
        command: String,
        /// What it said.
        why: String,
    },
    /// The system refused.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// A scenario's text is wrong.
    #[error("scenario {name}: {why}")]
    Scenario {
        /// The scenario's.
        name: String,
        /// What is wrong, and where.
        why: String,
    },
    /// The devices are up, but no packet arrives.
    #[error("the wire carries nothing")]
    DeadWire,
}

impl LabError {
    pub(crate) fn unavailable(what: impl Into<String>, why: &impl ToString) -> Self {
        Self::Unavailable { what: what.into(), why: why.to_string() }
    }

    /// For `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
