//! What the operating system allows this process.

#[cfg(target_os = "linux")]
use std::num::{NonZeroU32, NonZeroUsize};

#[cfg(target_os = "linux")]
use crate::config::defaults::AUTO_REACTORS;
use crate::config::defaults::{AUTO_CEILING, DESCRIPTOR_RESERVE};
use crate::config::{ConnectionLimit, ScanConfig};

/// How many sockets scans of this process may hold at once.
pub(crate) fn socket_budget(config: &ScanConfig) -> u32 {
    match config.limit {
        // More than any system has descriptors would only overflow what counts them.
        ConnectionLimit::Fixed(n) => n.get().min(FIXED_CEILING),
        ConnectionLimit::Auto => {
            let budget = auto_budget(descriptor_limit());
            config.max_connections.map_or(budget, |most| budget.min(most.get()))
        }
    }
}

/// How many threads make connections.
#[cfg(target_os = "linux")]
pub(crate) fn reactors(config: &ScanConfig) -> NonZeroU32 {
    config.threads.unwrap_or_else(|| match config.limit {
        ConnectionLimit::Fixed(_) => NonZeroU32::MIN,
        ConnectionLimit::Auto => {
            let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
            AUTO_REACTORS
                .min(u32::try_from(processors).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN))
        }
    })
}

/// The largest number of file descriptors that Linux can be configured to give a process (`fs.nr_open` beyond its default of 2^20).
const FIXED_CEILING: u32 = 1 << 24;

/// All descriptors but a reserve for the rest of the process; half of them where there are few.
fn auto_budget(descriptors: u64) -> u32 {
    let spare = descriptors.saturating_sub(DESCRIPTOR_RESERVE).max(descriptors / 2).max(1);
    u32::try_from(spare).unwrap_or(u32::MAX).min(AUTO_CEILING)
}

/// The soft limit on open files. Only reads it: to raise it is the business of the program, not of a library.
#[cfg(unix)]
fn descriptor_limit() -> u64 {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(soft, _)| soft)
}

/// Sockets are not bounded by a descriptor table; this is what other limits of the platform leave in practice.
#[cfg(not(unix))]
fn descriptor_limit() -> u64 {
    4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_a_reserve() {
        assert_eq!(auto_budget(20_000), 19_936);
        assert_eq!(auto_budget(1 << 20), AUTO_CEILING);
        assert_eq!(auto_budget(64), 32);
        assert_eq!(auto_budget(0), 1);
    }
}
