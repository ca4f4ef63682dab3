//! `ResolveError`: why a name has no address.

use std::time::Duration;

/// A name that has no address to scan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot resolve `{}`: {kind}", .name.escape_debug())]
pub struct ResolveError {
    /// The name as it was given.
    pub name: String,
    /// Why it has no address.
    pub kind: ResolveErrorKind,
}

/// Why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveErrorKind {
    /// The system's resolver said no; its own words, in lower case.
    #[error("{0}")]
    Lookup(String),
    /// The name exists, and has no address at all.
    #[error("it has no address")]
    NoAddress,
    /// The name has addresses, none of the family that is wanted.
    #[error("it has no {0} address")]
    OtherFamily(&'static str),
    /// No answer within the time for one name.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The look-up was cancelled.
    #[error("cancelled")]
    Cancelled,
}
