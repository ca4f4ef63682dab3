//! `ScanTime`: a moment of a scan. It has no `now()`: only the driver reads a clock.

use std::ops::Add;
use std::time::Duration;

/// Time since the scan began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct ScanTime(pub(crate) Duration);

impl ScanTime {
    pub(crate) const ZERO: Self = Self(Duration::ZERO);

    /// Time from `earlier` to this moment; zero where `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for ScanTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}
