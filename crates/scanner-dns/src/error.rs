//! Why a look-up has no result.

use std::time::Duration;

/// A name without address, or an address without name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot resolve `{}`: {kind}", .name.escape_debug())]
pub struct ResolveError {
    /// The name or address as it was given.
    pub name: String,
    /// Why it has no answer.
    pub kind: ResolveErrorKind,
}

/// Why there is no answer. The texts are stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveErrorKind {
    /// The name does not exist.
    #[error("no such name")]
    NoSuchName,
    /// The name exists, and has no address at all.
    #[error("it has no address")]
    NoAddress,
    /// The name has addresses, none of the family that is wanted.
    #[error("it has no {0} address")]
    OtherFamily(&'static str),
    /// The address has no name.
    #[error("it has no name")]
    NoName,
    /// The text cannot be a name: a part of it, or the whole, is too long or not encodable.
    #[error("it is no valid name")]
    Invalid,
    /// No answer within the time for one look-up.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The name server answered that it failed (SERVFAIL), or the system's resolver that it may work later.
    #[error("the name server failed")]
    ServerFailure,
    /// The name server refused to answer.
    #[error("the name server refused to answer")]
    Refused,
    /// No name server could be reached; why, in the system's words.
    #[error("no name server can be reached: {0}")]
    Unreachable(String),
    /// Something else, in the words of whoever was asked, in lower case.
    #[error("{0}")]
    Lookup(String),
    /// Look-ups are turned off ([`crate::Backend::Off`]).
    #[error("name look-ups are turned off")]
    Off,
    /// The look-up was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl ResolveErrorKind {
    /// Whether this says nothing about the name, so that asking later may help.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::NoSuchName
            | Self::NoAddress
            | Self::OtherFamily(_)
            | Self::NoName
            | Self::Invalid
            | Self::Off => false,
            Self::TimedOut(_)
            | Self::ServerFailure
            | Self::Refused
            | Self::Unreachable(_)
            | Self::Lookup(_)
            | Self::Cancelled => true,
        }
    }
}

/// Why a resolver cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// [`crate::Backend::Hickory`] without servers, and the system's configuration names none that can be used.
    #[error("the system's configuration names no usable name server")]
    NoServer,
    /// [`crate::Backend::System`] together with servers, of which the system's resolver cannot be told.
    #[error("the system's resolver chooses its name servers itself")]
    ServersUnused,
}
