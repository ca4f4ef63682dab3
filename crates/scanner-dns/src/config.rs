//! `DnsConfig`: how names are looked up.

use std::net::SocketAddr;
use std::time::Duration;

use crate::family::FamilyPolicy;

/// How long one name may take: the system's resolver gives up after 5 s per server and attempt, twice, and a user who
/// mistyped a name should not wait for all of it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Look-ups at once. Each asks for up to two records (both families of a name), and dnsmasq, which most home routers run,
/// refuses what comes on top of 150. More is not faster with a name server that is near.
const PARALLEL: usize = 64;

/// How long an answer is kept: long enough for a scan that meets the same name again, shorter than a name moves.
const KEEP: Duration = Duration::from_mins(1);

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The resolver of the operating system (getaddrinfo, getnameinfo): hosts file, name service switch, multicast names,
    /// split DNS of a VPN. Each look-up occupies a thread.
    System,
    /// The name servers of [`DnsConfig::servers`]; without any, those of the system's configuration, with its hosts file
    /// and search list. Many look-ups at once cost little.
    Hickory,
    /// As [`Backend::Hickory`]; as [`Backend::System`] where the system's configuration names no usable server. Never a
    /// server that nobody named.
    Auto,
    /// Nobody: every look-up fails with [`crate::ResolveErrorKind::Off`].
    Off,
}

/// How names are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// Who is asked for the addresses of names. Default: the system, so that a scan finds what `ping` would.
    pub forward: Backend,
    /// Who is asked for the names of addresses, and whether those lead back. Default: [`Backend::Auto`].
    pub reverse: Backend,
    /// The name servers to ask in place of the system's, in this order: one that does not answer, fails or refuses passes
    /// the question on to the next. They are asked for names as they are given: no hosts file, no search list.
    /// [`Backend::System`] cannot use them. Default: none.
    pub servers: Vec<SocketAddr>,
    /// Whether the first name of an address is looked up to see if it leads back. Default: true.
    pub confirm: bool,
    /// How long one look-up may take, with all attempts. The check whether a name leads back is a look-up of its own.
    /// Default: 5 s.
    pub timeout: Duration,
    /// How many look-ups may run at once, over all clones of a resolver; 0 counts as 1. Default: 64.
    pub parallel: usize,
    /// How long an answer is kept and given again, also that there is none; failures are kept for a second at most.
    /// Default: 60 s.
    pub keep: Duration,
    /// Which addresses are wanted. Default: any.
    pub family: FamilyPolicy,
    /// Every address of a name instead of the first that is returned. Default: false.
    pub all_addresses: bool,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self {
            forward: Backend::System,
            reverse: Backend::Auto,
            servers: Vec::new(),
            confirm: true,
            timeout: TIMEOUT,
            parallel: PARALLEL,
            keep: KEEP,
            family: FamilyPolicy::Any,
            all_addresses: false,
        }
    }
}
