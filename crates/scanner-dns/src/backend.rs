//! The seam behind which names are looked up.

mod hickory;
mod system;

use std::net::IpAddr;
use std::pin::Pin;

use scanner_core::HostAddr;

use crate::error::ResolveErrorKind;

pub(crate) use hickory::Hickory;
pub(crate) use system::System;

/// The future of one look-up.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, ResolveErrorKind>> + Send + 'a>>;

/// Looks up one name or address. The time for a look-up, how many run at once, cancellation and choice belong to the
/// resolver above.
pub(crate) trait Ask: Send + Sync {
    /// Every address of `name`, the preferred ones first.
    fn addresses<'a>(&'a self, name: &'a str) -> Answer<'a, HostAddr>;

    /// Every name of `ip`, as [`crate::name`] writes them, sorted.
    fn names(&self, ip: IpAddr) -> Answer<'_, String>;
}

/// The order in which servers and files give several names changes from one time to the next.
fn sorted(mut names: Vec<String>) -> Result<Vec<String>, ResolveErrorKind> {
    names.sort();
    names.dedup();
    if names.is_empty() { Err(ResolveErrorKind::NoName) } else { Ok(names) }
}
