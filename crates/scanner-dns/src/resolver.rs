//! `Resolver`: names to addresses, with a limit, a time-out and cancellation.

use std::fmt;
use std::io;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use scanner_core::{HostAddr, TargetSet};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::DnsConfig;
use crate::error::{ResolveError, ResolveErrorKind};
use crate::family::choose;
use crate::lookup::{Lookup, SystemLookup};

/// What the standard library puts before the words of the system's resolver.
const STD_PREFIX: &str = "failed to lookup address information: ";

/// Resolves names through the system. Cheap to clone; clones share the limit on look-ups at once.
///
/// A look-up that timed out or was cancelled may keep a thread of the runtime's blocking pool until the system's
/// resolver gives up: end such a runtime with `shutdown_background`.
#[derive(Clone)]
pub struct Resolver {
    config: DnsConfig,
    lookup: Arc<dyn Lookup>,
    permits: Arc<Semaphore>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Resolver {
    /// A resolver that asks the operating system.
    pub fn new(config: DnsConfig) -> Self {
        Self::with_lookup(config, SystemLookup)
    }

    fn with_lookup(config: DnsConfig, lookup: impl Lookup + 'static) -> Self {
        let parallel = config.parallel.clamp(1, Semaphore::MAX_PERMITS);
        Self { config, lookup: Arc::new(lookup), permits: Arc::new(Semaphore::new(parallel)) }
    }

    /// The addresses of one name: at least one, exactly one without [`DnsConfig::all_addresses`].
    ///
    /// Needs a tokio runtime with its time driver. The time-out runs from when the look-up starts.
    ///
    /// # Errors
    /// Why the name has no address of the wanted family.
    pub async fn resolve(
        &self,
        name: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<HostAddr>, ResolveError> {
        let found = cancel.run_until_cancelled(self.look_up(name)).await;
        found
            .unwrap_or(Err(ResolveErrorKind::Cancelled))
            .and_then(|found| choose(&found, self.config.family, self.config.all_addresses))
            .map_err(|kind| ResolveError { name: name.to_owned(), kind })
    }

    /// Resolves many names. A name that fails does not stop the others.
    ///
    /// The set holds each address once, under every name that led to it, in the order of `names`; the errors are in
    /// that order too.
    pub async fn resolve_all(
        &self,
        names: &[String],
        cancel: &CancellationToken,
    ) -> (TargetSet, Vec<ResolveError>) {
        let mut targets = TargetSet::new();
        let mut errors = Vec::new();
        let answers = names.iter().map(|name| async move { (name, self.resolve(name, cancel).await) });
        let mut answers = std::pin::pin!(stream::iter(answers).buffered(self.config.parallel.max(1)));
        while let Some((name, answer)) = answers.next().await {
            match answer {
                Ok(addrs) => addrs.into_iter().for_each(|addr| targets.add_name(addr, name)),
                Err(error) => errors.push(error),
            }
        }
        (targets, errors)
    }

    async fn look_up(&self, name: &str) -> Result<Vec<HostAddr>, ResolveErrorKind> {
        let _permit = self.permits.acquire().await.map_err(|_| ResolveErrorKind::Cancelled)?;
        match tokio::time::timeout(self.config.timeout, self.lookup.lookup(name)).await {
            Ok(answer) => answer.map_err(|error| ResolveErrorKind::Lookup(words_of(&error))),
            Err(_) => Err(ResolveErrorKind::TimedOut(self.config.timeout)),
        }
    }
}

/// The system's words as a lower-case fragment.
fn words_of(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix(STD_PREFIX).unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
