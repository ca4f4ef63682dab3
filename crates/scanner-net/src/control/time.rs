//! `ScanTime`: a moment of a scan. It has no `now()`: only the driver reads a clock.

use std::ops::Add;
use std::time::Duration;

/// Time since the scan began.
// Nanoseconds in one number: every answer compares a dozen moments, and a `Duration` compares two numbers for each. Five centuries fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct ScanTime(u64);

impl ScanTime {
    pub(crate) const ZERO: Self = Self(0);

    /// The moment so long after the scan began.
    pub(crate) const fn after(time: Duration) -> Self {
        let nanos = time.as_nanos();
        #[expect(clippy::cast_possible_truncation, reason = "cut to what fits")]
        Self(if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 })
    }

    /// Time since the scan began.
    pub(crate) const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Time from `earlier` to this moment; zero where `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment so long before this one, but not before the scan began.
    pub(crate) const fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(Self::after(time).0))
    }
}

impl Add<Duration> for ScanTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::after(duration).0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_can_be_told_is_cut() {
        let longest = ScanTime::after(Duration::from_nanos(u64::MAX));
        for time in [Duration::from_nanos(u64::MAX) + Duration::from_nanos(2), Duration::MAX] {
            assert_eq!(ScanTime::after(time), longest, "{time:?}");
        }
        assert_eq!(longest + Duration::from_secs(1), longest);
        assert_eq!(ScanTime::ZERO.before(Duration::from_secs(1)), ScanTime::ZERO);
        assert_eq!(ScanTime::ZERO.since(longest), Duration::ZERO);
    }
}
