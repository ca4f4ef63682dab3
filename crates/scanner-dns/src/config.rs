//! `DnsConfig`: how names are looked up.

use std::time::Duration;

use crate::family::FamilyPolicy;

/// How long one name may take: the system's resolver gives up after 5 s per server and attempt, twice, and a user who
/// mistyped a name should not wait for all of it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Look-ups at once: each occupies a thread of the runtime's blocking pool, and a home router answers a few dozen at a
/// time without losing any.
const PARALLEL: usize = 32;

/// How names are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// How long one name may take. Default: 5 s.
    pub timeout: Duration,
    /// How many look-ups may run at once, over all clones of a resolver; 0 counts as 1. Default: 32.
    pub parallel: usize,
    /// Which addresses are wanted. Default: any.
    pub family: FamilyPolicy,
    /// Every address of a name instead of the first that the system returns. Default: false.
    pub all_addresses: bool,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self { timeout: TIMEOUT, parallel: PARALLEL, family: FamilyPolicy::Any, all_addresses: false }
    }
}
