//! The seam to the system's resolver.

use std::io;
use std::pin::Pin;

use scanner_core::HostAddr;

/// The future of one look-up.
pub(crate) type LookupFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<HostAddr>>> + Send + 'a>>;

/// Looks one name up. Time-outs, limits and choices belong to the resolver above it.
pub(crate) trait Lookup: Send + Sync {
    /// Every address of `name`, in the order of preference of the system.
    fn lookup<'a>(&'a self, name: &'a str) -> LookupFuture<'a>;
}

/// The resolver of the operating system, on the blocking threads of the caller's runtime.
pub(crate) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> LookupFuture<'a> {
        Box::pin(async move {
            // The port is only there because the interface asks for one.
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(HostAddr::from).collect())
        })
    }
}
