//! Name servers, asked by ourselves.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{Hosts, Resolver, TokioResolver};
use scanner_core::HostAddr;

use super::{Answer, Ask, sorted};
use crate::error::{ResolveErrorKind, SetupError};
use crate::name;

/// How long one server may take to answer one question before the next one is asked: a resolver that has to ask others
/// takes up to a second now and then.
const ATTEMPT: Duration = Duration::from_millis(1_500);

/// Attempts at least, so that a lost datagram costs no name. With [`ATTEMPT`] they fit into the time for a look-up.
const ATTEMPTS: usize = 3;

/// One client per name server: which of them is asked next is decided here, in the order of the configuration, as the
/// system's resolver does. A client for all of them would ask two at once, also those of another network.
pub(crate) struct Hickory {
    servers: Vec<TokioResolver>,
    /// The server to ask first; moved on by one that does not answer.
    first: AtomicUsize,
}

impl Hickory {
    /// Asks the name servers of the system's configuration, after its hosts file and with its search list.
    pub(crate) fn of_system() -> Result<Self, SetupError> {
        let (config, options) = read_system_conf().map_err(|_| SetupError::NoServer)?;
        let (domain, search, servers) = config.into_parts();
        // A file that cannot be read is one without entries, as for the system's resolver.
        let hosts = Arc::new(Hosts::from_system().unwrap_or_default());
        let client = |server: NameServerConfig| {
            let config = ResolverConfig::from_parts(domain.clone(), search.clone(), vec![server]);
            let mut client = client(config, options.clone())?;
            client.set_hosts(Arc::clone(&hosts));
            Some(client)
        };
        Self::new(servers.into_iter().filter(|server| is_reachable(server.ip)).filter_map(client).collect())
    }

    /// Asks these name servers and nothing else.
    pub(crate) fn of(servers: &[SocketAddr]) -> Result<Self, SetupError> {
        let client = |server: &SocketAddr| {
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
            let server = NameServerConfig::new(server.ip(), true, connections.into());
            client(ResolverConfig::from_name_servers(vec![server]), ResolverOpts::default())
        };
        Self::new(servers.iter().filter_map(client).collect())
    }

    fn new(servers: Vec<TokioResolver>) -> Result<Self, SetupError> {
        if servers.is_empty() {
            return Err(SetupError::NoServer);
        }
        Ok(Self { servers, first: AtomicUsize::new(0) })
    }

    /// Puts one question to the servers in turn until one answers it. A server that does not answer is asked again after
    /// the others; one that fails or refuses has said what it has to say.
    async fn ask<T, F>(&self, question: impl Fn(TokioResolver) -> F) -> Result<T, ResolveErrorKind>
    where
        F: Future<Output = Result<T, ResolveErrorKind>>,
    {
        let count = self.servers.len();
        let begin = self.first.load(Ordering::Relaxed);
        let mut done = vec![false; count];
        let mut failure = ResolveErrorKind::TimedOut(ATTEMPT);
        for attempt in 0..ATTEMPTS.max(count) {
            let at = (begin + attempt) % count;
            if done[at] {
                continue;
            }
            let asked = question(self.servers[at].clone());
            let error = match tokio::time::timeout(ATTEMPT, asked).await {
                Ok(Err(error)) if error.is_temporary() => error,
                Ok(answer) => return answer,
                Err(_) => ResolveErrorKind::TimedOut(ATTEMPT),
            };
            if matches!(error, ResolveErrorKind::TimedOut(_)) {
                let next = (at + 1) % count;
                // Only from this one on: others may have moved it already.
                let _ = self.first.compare_exchange(at, next, Ordering::Relaxed, Ordering::Relaxed);
            } else {
                done[at] = true;
            }
            failure = error;
        }
        Err(failure)
    }
}

impl Ask for Hickory {
    fn addresses<'a>(&'a self, name: &'a str) -> Answer<'a, HostAddr> {
        Box::pin(async move {
            let name = name::encoded(name)?;
            self.ask(|client| addresses_of(client, name.clone())).await
        })
    }

    fn names(&self, ip: IpAddr) -> Answer<'_, String> {
        Box::pin(async move { self.ask(|client| names_of(client, ip)).await.and_then(sorted) })
    }
}

async fn addresses_of(client: TokioResolver, name: Name) -> Result<Vec<HostAddr>, ResolveErrorKind> {
    let asked = client.lookup_ip(name.clone()).await;
    let missing = asked.as_ref().is_err_and(NetError::is_nx_domain);
    let asked = if missing && !name.is_fqdn() {
        // The last name of the search list does not exist. The one that was given may, and have no address.
        let mut alone = name;
        alone.set_fqdn(true);
        client.lookup_ip(alone).await
    } else {
        asked
    };
    let found = asked.map_err(|error| kind_of(&error, true))?;
    Ok(found.iter().map(HostAddr::from).collect())
}

async fn names_of(client: TokioResolver, ip: IpAddr) -> Result<Vec<String>, ResolveErrorKind> {
    let found = client.reverse_lookup(ip).await.map_err(|error| kind_of(&error, false))?;
    // There may be aliases too, as where a network was delegated in parts (RFC 2317).
    let names = found.answers().iter().filter_map(|record| {
        let RData::PTR(name) = &record.data else { return None };
        Some(name::text(&name.0))
    });
    Ok(names.filter(|name| !name.is_empty()).collect())
}

fn client(config: ResolverConfig, options: ResolverOpts) -> Option<TokioResolver> {
    let mut builder =
        Resolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
    let options = builder.options_mut();
    options.timeout = ATTEMPT;
    // It counts what comes after the first, and that is decided here.
    options.attempts = 0;
    // The resolver above keeps answers, of all backends alike.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build().ok()
}

/// The configuration loses the interface of a link-local server; without it there is no way to it.
const fn is_reachable(server: IpAddr) -> bool {
    match server {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

/// What an error means, for the addresses of a name (`forward`) or for the names of an address.
fn kind_of(error: &NetError, forward: bool) -> ResolveErrorKind {
    let code = if let NetError::Dns(DnsError::NoRecordsFound(found)) = error {
        Some(found.response_code)
    } else if let NetError::Dns(DnsError::ResponseCode(code)) = error {
        Some(*code)
    } else {
        None
    };
    match (code, error) {
        (Some(ResponseCode::NoError), _) if forward => ResolveErrorKind::NoAddress,
        (Some(ResponseCode::NXDomain), _) if forward => ResolveErrorKind::NoSuchName,
        (Some(ResponseCode::NoError | ResponseCode::NXDomain), _) => ResolveErrorKind::NoName,
        (Some(ResponseCode::Refused), _) => ResolveErrorKind::Refused,
        (Some(_), _) => ResolveErrorKind::ServerFailure,
        (None, NetError::Timeout) => ResolveErrorKind::TimedOut(ATTEMPT),
        (None, NetError::Io(error)) => ResolveErrorKind::Unreachable(error.to_string().to_lowercase()),
        (None, NetError::NoConnections) => {
            ResolveErrorKind::Unreachable("no connection can be made".to_owned())
        }
        (None, error) => ResolveErrorKind::Lookup(error.to_string()),
    }
}
