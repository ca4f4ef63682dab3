//! The resolver of the operating system, on blocking threads.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo, getnameinfo};
use scanner_core::HostAddr;
use tokio::sync::Semaphore;

use super::{Answer, Ask, sorted};
use crate::error::ResolveErrorKind;
use crate::name;

/// Threads at once. A call cannot be taken back: one that nobody waits for any more still counts, so that a dead name
/// server does not fill the runtime with threads.
const THREADS: usize = 32;

/// An address without name is an error instead of a name made of its digits.
#[cfg(unix)]
const NAME_REQUIRED: i32 = libc::NI_NAMEREQD;
/// The same in Winsock (ws2tcpip.h), which `libc` does not cover.
#[cfg(windows)]
const NAME_REQUIRED: i32 = 0x04;

/// getaddrinfo and getnameinfo.
pub(crate) struct System {
    threads: Arc<Semaphore>,
}

impl System {
    pub(crate) fn new() -> Self {
        Self { threads: Arc::new(Semaphore::new(THREADS)) }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, ResolveErrorKind> + Send + 'static,
    ) -> Result<T, ResolveErrorKind> {
        let thread =
            Arc::clone(&self.threads).acquire_owned().await.map_err(|_| ResolveErrorKind::Cancelled)?;
        let called = tokio::task::spawn_blocking(move || {
            let answer = call();
            drop(thread);
            answer
        });
        called.await.map_err(|_| ResolveErrorKind::Cancelled)?
    }
}

impl Ask for System {
    fn addresses<'a>(&'a self, name: &'a str) -> Answer<'a, HostAddr> {
        Box::pin(async move {
            let name = name::ascii(name)?;
            self.blocking(move || addresses_of(&name)).await
        })
    }

    fn names(&self, ip: IpAddr) -> Answer<'_, String> {
        Box::pin(async move {
            let name = self.blocking(move || name_of(ip)).await?;
            sorted(vec![name::clean(name.as_bytes())])
        })
    }
}

fn addresses_of(name: &str) -> Result<Vec<HostAddr>, ResolveErrorKind> {
    // One kind of socket: without it every address comes once for each.
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(name), None, Some(hints))
        .map_err(|error| kind_of(error, ResolveErrorKind::NoSuchName))?;
    let addr = |info: io::Result<dns_lookup::AddrInfo>| info.ok().map(|info| HostAddr::from(info.sockaddr));
    Ok(found.filter_map(addr).collect())
}

fn name_of(ip: IpAddr) -> Result<String, ResolveErrorKind> {
    let name = getnameinfo(&SocketAddr::new(ip, 0), NAME_REQUIRED);
    name.map(|(host, _)| host).map_err(|error| kind_of(error, ResolveErrorKind::NoName))
}

/// What an error of the system's resolver means; `missing` where what was asked for does not exist.
fn kind_of(error: LookupError, missing: ResolveErrorKind) -> ResolveErrorKind {
    match (error.kind(), missing) {
        (LookupErrorKind::NoName, missing) => missing,
        (LookupErrorKind::NoData, ResolveErrorKind::NoName) => ResolveErrorKind::NoName,
        (LookupErrorKind::NoData, _) => ResolveErrorKind::NoAddress,
        (LookupErrorKind::Again | LookupErrorKind::Fail, _) => ResolveErrorKind::ServerFailure,
        (
            LookupErrorKind::Badflags
            | LookupErrorKind::Family
            | LookupErrorKind::Socktype
            | LookupErrorKind::Service
            | LookupErrorKind::Memory
            | LookupErrorKind::System
            | LookupErrorKind::Unknown
            | LookupErrorKind::IO,
            _,
        ) => ResolveErrorKind::Lookup(words_of(&error.into())),
    }
}

/// The system's words as a lower-case fragment.
fn words_of(error: &io::Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let kind = |number, missing| kind_of(LookupError::new(number), missing);
        for (number, forward, reverse) in [
            (libc::EAI_NONAME, ResolveErrorKind::NoSuchName, ResolveErrorKind::NoName),
            (libc::EAI_NODATA, ResolveErrorKind::NoAddress, ResolveErrorKind::NoName),
            (libc::EAI_AGAIN, ResolveErrorKind::ServerFailure, ResolveErrorKind::ServerFailure),
            (libc::EAI_FAIL, ResolveErrorKind::ServerFailure, ResolveErrorKind::ServerFailure),
        ] {
            assert_eq!(kind(number, ResolveErrorKind::NoSuchName), forward);
            assert_eq!(kind(number, ResolveErrorKind::NoName), reverse);
        }
        let memory = kind(libc::EAI_MEMORY, ResolveErrorKind::NoName);
        assert!(matches!(memory, ResolveErrorKind::Lookup(words) if words.contains("emory")));
    }
}
