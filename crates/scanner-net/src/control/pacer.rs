//! `Pacer`: a token bucket for an explicit rate limit, settable while a scan runs.

use std::num::NonZeroU32;
use std::time::Duration;

use super::time::ScanTime;

/// Lets at most `rate` probes go per second, and at most 10 ms worth of them (or one) at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pacer {
    rate: Option<NonZeroU32>,
    tokens: f64,
    filled: ScanTime,
}

/// The largest burst, as time: the driver's timers are exact to 1 ms, so shorter bursts could not keep a high rate.
const BURST: Duration = Duration::from_millis(10);

impl Pacer {
    pub(crate) fn new(rate: Option<NonZeroU32>) -> Self {
        Self { rate, tokens: 1.0, filled: ScanTime::ZERO }
    }

    /// Changes the rate, in probes per second; `None` lifts the limit.
    pub(crate) fn set_rate(&mut self, rate: Option<NonZeroU32>, now: ScanTime) {
        self.fill(now);
        self.rate = rate;
        self.tokens = self.tokens.min(1.0);
    }

    /// When the next probe may go: `None` is now.
    pub(crate) fn ready_at(&mut self, now: ScanTime) -> Option<ScanTime> {
        let rate = self.rate?;
        self.fill(now);
        (self.tokens < 1.0).then(|| {
            let wait = Duration::from_secs_f64((1.0 - self.tokens) / f64::from(rate.get()));
            now + wait.max(Duration::from_micros(1))
        })
    }

    /// Takes the token of one probe.
    pub(crate) fn take(&mut self) {
        if self.rate.is_some() {
            self.tokens -= 1.0;
        }
    }

    fn fill(&mut self, now: ScanTime) {
        if let Some(rate) = self.rate {
            let rate = f64::from(rate.get());
            let burst = (rate * BURST.as_secs_f64()).max(1.0);
            self.tokens = (self.tokens + now.since(self.filled).as_secs_f64() * rate).min(burst);
        }
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_in(pacer: &mut Pacer, from: ScanTime, span: Duration) -> u32 {
        let (mut now, mut sent) = (from, 0);
        while now < from + span {
            if let Some(later) = pacer.ready_at(now) {
                now = later;
            } else {
                pacer.take();
                sent += 1;
            }
        }
        sent
    }

    #[test]
    fn keeps_the_rate_and_changes_it() {
        let mut pacer = Pacer::new(NonZeroU32::new(1000));
        let first = sent_in(&mut pacer, ScanTime::ZERO, Duration::from_secs(2));
        assert!((1995..=2011).contains(&first), "{first}");
        let now = ScanTime::after(Duration::from_secs(2));
        pacer.set_rate(NonZeroU32::new(3), now);
        let second = sent_in(&mut pacer, now, Duration::from_secs(10));
        assert!((29..=31).contains(&second), "{second}");
    }

    #[test]
    fn idleness_does_not_save_up_a_burst() {
        let mut pacer = Pacer::new(NonZeroU32::new(1000));
        let late = ScanTime::after(Duration::from_mins(1));
        assert!(sent_in(&mut pacer, late, Duration::from_millis(1)) <= 12);
    }

    #[test]
    fn without_a_rate_everything_goes_at_once() {
        let mut pacer = Pacer::new(None);
        assert_eq!(pacer.ready_at(ScanTime::ZERO), None);
    }

    #[test]
    fn the_next_token_comes_to_the_microsecond() {
        let at = |micros| ScanTime::after(Duration::from_micros(micros));
        let mut pacer = Pacer::new(NonZeroU32::new(500));
        assert_eq!(pacer.ready_at(at(0)), None, "the first goes at once");
        pacer.take();
        assert_eq!(pacer.ready_at(at(0)), Some(at(2_000)));
        assert_eq!(pacer.ready_at(at(500)), Some(at(2_000)), "a quarter of a token is there");
        assert_eq!(pacer.ready_at(at(2_000)), None);
        pacer.take();
        pacer.take();
        assert_eq!(pacer.ready_at(at(2_000)), Some(at(6_000)), "one was taken in advance");
    }

    #[test]
    fn a_new_rate_begins_without_what_was_saved_up() {
        let mut pacer = Pacer::new(NonZeroU32::new(1000));
        let now = ScanTime::after(Duration::from_secs(1));
        pacer.set_rate(NonZeroU32::new(100), now);
        pacer.take();
        assert_eq!(pacer.ready_at(now), Some(now + Duration::from_millis(10)));
        pacer.set_rate(None, now);
        assert_eq!(pacer.ready_at(now), None);
    }
}
