//! The only reader of the clock in the engine.

use std::time::Instant;

use crate::control::ScanTime;

/// Measures time since the scan began, by the monotonic clock: a step of the system's time does not matter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "here is where the clock is read")]
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(self) -> ScanTime {
        ScanTime::after(self.start.elapsed())
    }
}
