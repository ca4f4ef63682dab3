//! `Resolver`: names to addresses and back, with a limit, a time-out, cancellation, and answers that are kept.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_core::Stream;
use futures_util::stream::{self, StreamExt};
use scanner_core::{ForwardCheck, HostAddr, TargetSet};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::backend::{Ask, Hickory, System};
use crate::cache::Cache;
use crate::config::{Backend, DnsConfig};
use crate::error::{ResolveError, ResolveErrorKind, SetupError};
use crate::family::{FamilyPolicy, choose};
use crate::reverse::{Reverse, can_be_checked, judge};

/// Looks up names and addresses. Cheap to clone; clones share the limit on look-ups at once and the answers that are kept.
///
/// Its futures need a tokio runtime with its time and network drivers, all of them the same one. A look-up through the
/// system that timed out or was cancelled may keep a thread of the runtime's blocking pool until the system's resolver
/// gives up: end such a runtime with `shutdown_background`.
#[derive(Clone)]
pub struct Resolver {
    family: FamilyPolicy,
    all_addresses: bool,
    shared: Arc<Shared>,
}

struct Shared {
    config: DnsConfig,
    forward: Source,
    reverse: Source,
    permits: Semaphore,
    addresses: Cache<(Backend, String), Vec<HostAddr>>,
    names: Cache<IpAddr, Vec<String>>,
}

/// Who is asked, and under which name its answers are kept.
#[derive(Clone)]
struct Source {
    kind: Backend,
    /// None: nobody.
    ask: Option<Arc<dyn Ask>>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Resolver {
    /// A resolver that asks whom the configuration names. Reads the system's configuration where that is asked for; sends
    /// nothing.
    ///
    /// # Errors
    /// A backend that cannot be had, or that cannot do what the configuration asks.
    pub fn new(config: DnsConfig) -> Result<Self, SetupError> {
        let forward = Source::new(config.forward, &config)?;
        let reverse = match Source::shared(&forward, config.reverse) {
            Some(shared) => shared,
            None => Source::new(config.reverse, &config)?,
        };
        Ok(Self::with_sources(config, forward, reverse))
    }

    fn with_sources(config: DnsConfig, forward: Source, reverse: Source) -> Self {
        let permits = Semaphore::new(config.parallel.clamp(1, Semaphore::MAX_PERMITS));
        let (addresses, names) = (Cache::new(config.keep), Cache::new(config.keep));
        let (family, all_addresses) = (config.family, config.all_addresses);
        let shared = Shared { config, forward, reverse, permits, addresses, names };
        Self { family, all_addresses, shared: Arc::new(shared) }
    }

    /// The same resolver, its limit and its answers shared, that chooses otherwise among the addresses of a name.
    #[must_use]
    pub fn choosing(&self, family: FamilyPolicy, all_addresses: bool) -> Self {
        Self { family, all_addresses, shared: Arc::clone(&self.shared) }
    }

    /// Who is asked for the names of addresses: what [`Backend::Auto`] came to.
    pub fn reverse_backend(&self) -> Backend {
        self.shared.reverse.kind
    }

    /// The addresses of one name: at least one, exactly one without [`DnsConfig::all_addresses`]. An address in place of a
    /// name stands for itself, whoever would be asked.
    ///
    /// The time-out runs from when the look-up starts.
    ///
    /// # Errors
    /// Why the name has no address of the wanted family.
    pub async fn resolve(
        &self,
        name: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<HostAddr>, ResolveError> {
        let found = cancel.run_until_cancelled(self.shared.addresses_of(name, &self.shared.forward)).await;
        found
            .unwrap_or(Err(ResolveErrorKind::Cancelled))
            .and_then(|found| choose(&found, self.family, self.all_addresses))
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
        let mut answers = std::pin::pin!(stream::iter(answers).buffered(self.at_once()));
        while let Some((name, answer)) = answers.next().await {
            match answer {
                Ok(addrs) => addrs.into_iter().for_each(|addr| targets.add_name(addr, name)),
                Err(error) => errors.push(error),
            }
        }
        (targets, errors)
    }

    /// The names of one address, and whether the first of them leads back to it. That check never fails the look-up: what
    /// it cannot find out is [`ForwardCheck::Unknown`].
    ///
    /// Each of the two look-ups has a time-out of its own.
    ///
    /// # Errors
    /// Why the address has no name.
    pub async fn reverse(&self, ip: IpAddr, cancel: &CancellationToken) -> Result<Reverse, ResolveError> {
        let found = cancel.run_until_cancelled(self.shared.named(ip)).await;
        found
            .unwrap_or(Err(ResolveErrorKind::Cancelled))
            .map_err(|kind| ResolveError { name: ip.to_string(), kind })
    }

    /// The names of many addresses, each answer as soon as it is there. At most [`DnsConfig::parallel`] addresses are taken
    /// from `ips` ahead of the answers; once cancelled, what is left is answered so.
    pub fn reverse_many(
        &self,
        ips: impl Stream<Item = IpAddr> + Send,
        cancel: &CancellationToken,
    ) -> impl Stream<Item = (IpAddr, Result<Reverse, ResolveError>)> + Send {
        ips.map(move |ip| async move { (ip, self.reverse(ip, cancel).await) })
            .buffer_unordered(self.at_once())
    }

    fn at_once(&self) -> usize {
        self.shared.config.parallel.max(1)
    }
}

impl Source {
    fn new(kind: Backend, config: &DnsConfig) -> Result<Self, SetupError> {
        let hickory = || {
            let servers = &config.servers;
            let hickory = if servers.is_empty() { Hickory::of_system() } else { Hickory::of(servers) };
            hickory.map(|ask| Self { kind: Backend::Hickory, ask: Some(Arc::new(ask)) })
        };
        let system = || Self { kind: Backend::System, ask: Some(Arc::new(System::new())) };
        match kind {
            Backend::System if !config.servers.is_empty() => Err(SetupError::ServersUnused),
            Backend::System => Ok(system()),
            Backend::Hickory => hickory(),
            Backend::Auto => Ok(hickory().unwrap_or_else(|_| system())),
            Backend::Off => Ok(Self { kind, ask: None }),
        }
    }

    /// The same source again where the same is asked for, so that both directions share connections and answers.
    fn shared(made: &Self, kind: Backend) -> Option<Self> {
        let same = made.kind == kind || (made.kind == Backend::Hickory && kind == Backend::Auto);
        same.then(|| made.clone())
    }
}

impl Shared {
    /// Every address of a name.
    async fn addresses_of(&self, name: &str, source: &Source) -> Result<Vec<HostAddr>, ResolveErrorKind> {
        if let Ok(addr) = name.parse() {
            return Ok(vec![addr]);
        }
        let Some(ask) = &source.ask else { return Err(ResolveErrorKind::Off) };
        let question = (source.kind, name.to_lowercase());
        self.addresses.get_or(question, self.in_time(ask.addresses(name))).await
    }

    async fn named(&self, ip: IpAddr) -> Result<Reverse, ResolveErrorKind> {
        let source = &self.reverse;
        let Some(ask) = &source.ask else { return Err(ResolveErrorKind::Off) };
        let ip = ip.to_canonical();
        let names = self.names.get_or(ip, self.in_time(ask.names(ip))).await?;
        let forward = match names.first().filter(|name| self.config.confirm && can_be_checked(name)) {
            // The final dot keeps the search list out of it. The system's hosts file knows no names that end so.
            Some(name) if source.kind == Backend::System => judge(ip, &self.addresses_of(name, source).await),
            Some(name) => judge(ip, &self.addresses_of(&format!("{name}."), source).await),
            None => ForwardCheck::Unknown,
        };
        Ok(Reverse { ip, names, forward })
    }

    /// One look-up: waits for its turn, and no longer than its time from then on.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, ResolveErrorKind>>,
    ) -> Result<T, ResolveErrorKind> {
        let _permit = self.permits.acquire().await.map_err(|_| ResolveErrorKind::Cancelled)?;
        let timeout = self.config.timeout;
        match tokio::time::timeout(timeout, answer).await {
            // The time of one attempt says nothing to whoever waited for all of them.
            Ok(Err(ResolveErrorKind::TimedOut(_))) | Err(_) => Err(ResolveErrorKind::TimedOut(timeout)),
            Ok(answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests;
