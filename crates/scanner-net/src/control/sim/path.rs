//! What stands on the way of a simulated network: chance, limits and a queue.

use std::time::Duration;

use super::super::ScanTime;
use super::scenario::{Bottleneck, Limit};

/// A small generator (SplitMix64): the simulation must not depend on a library's choice of algorithm.
#[derive(Debug, Clone)]
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A token bucket of the network: lets `rate` packets per second through, `burst` at once.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    limit: Limit,
    tokens: f64,
    filled: ScanTime,
}

impl Bucket {
    pub(super) fn new(limit: Limit) -> Self {
        Self { limit, tokens: limit.burst, filled: ScanTime::ZERO }
    }

    pub(super) fn passes(&mut self, now: ScanTime) -> bool {
        let filled = now.since(self.filled).as_secs_f64() * self.limit.rate;
        self.tokens = (self.tokens + filled).min(self.limit.burst);
        self.filled = now;
        let passes = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(passes));
        passes
    }
}

/// A bottleneck: packets leave it one after the other, and what finds it full is dropped.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    limit: Bottleneck,
    /// When the last packet in it will have left.
    empty: ScanTime,
}

impl Queue {
    pub(super) const fn new(limit: Bottleneck) -> Self {
        Self { limit, empty: ScanTime::ZERO }
    }

    /// When a packet that comes now leaves it, if there is room.
    pub(super) fn enter(&mut self, now: ScanTime) -> Option<ScanTime> {
        let Bottleneck { packets_per_second, length } = self.limit;
        let waiting = self.empty.since(now).as_secs_f64() * packets_per_second;
        if waiting > length - 0.5 {
            return None;
        }
        self.empty = self.empty.max(now) + Duration::from_secs_f64(1.0 / packets_per_second);
        Some(self.empty)
    }
}
