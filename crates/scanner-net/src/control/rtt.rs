//! Round-trip time: a smoothed mean and deviation, and the time-out they imply.

use std::time::Duration;

use crate::config::defaults::{INITIAL_TIMEOUT, MIN_TIMEOUT, STRIDE};

/// The estimator of RFC 6298 section 2: `srtt += (r - srtt) / 8`, `rttvar += (|r - srtt| - rttvar) / 4`, time-out
/// `srtt + max(4 rttvar, srtt / 2)`: on a steady path the deviation shrinks to nothing, and the first answer that is a little late
/// would be taken for silence. Every attempt has a socket of its own, so Karn's ambiguity arises only from the kernel's own SYN
/// retransmission, 1 s after the first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rtt {
    estimate: Option<Estimate>,
}

/// In nanoseconds: every answer is a sample, and arithmetic with seconds apart costs several times as much.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    mean: u64,
    deviation: u64,
    /// The shortest so far.
    least: u64,
}

/// The kernel sends its second SYN 1 s after the first; an answer after that may belong to either.
const KERNEL_SYN_RETRY: Duration = Duration::from_millis(990);

#[expect(clippy::cast_possible_truncation, reason = "milliseconds")]
const STRIDE_NANOS: u64 = STRIDE.as_nanos() as u64;

/// Of a duration that some answer took: the longest time-out is a minute.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 16)
}

impl Rtt {
    /// Takes the round-trip time of one answer into account.
    pub(crate) fn sample(&mut self, rtt: Duration) {
        let is_late = rtt >= KERNEL_SYN_RETRY;
        let rtt = nanos(rtt);
        match &mut self.estimate {
            None if is_late => {}
            None => self.estimate = Some(Estimate { mean: rtt, deviation: rtt / 2, least: rtt }),
            Some(old) => {
                if is_late && old.mean + 4 * old.deviation < nanos(KERNEL_SYN_RETRY) / 2 {
                    return;
                }
                let error = rtt.abs_diff(old.mean);
                old.deviation = (old.deviation * 3 + error) / 4;
                old.mean = (old.mean * 7 + rtt) / 8;
                old.least = old.least.min(rtt);
            }
        }
    }

    /// Whether there is a sample.
    pub(crate) const fn is_known(&self) -> bool {
        self.estimate.is_some()
    }

    /// The smoothed round-trip time, once there is a sample.
    pub(crate) fn mean(&self) -> Option<Duration> {
        self.estimate.map(|estimate| Duration::from_nanos(estimate.mean))
    }

    /// By how much an answer may widen a window, `longest` at most: on a far path by more than one, so that it grows per second as that
    /// of a near one. By one while answers take half as long again as they did: something fills a queue.
    pub(crate) fn stride(&self, longest: u32) -> u32 {
        let Some(Estimate { mean, least, .. }) = self.estimate.filter(|it| it.mean >= 2 * STRIDE_NANOS)
        else {
            return 1;
        };
        if mean > least + least / 2 {
            return 1;
        }
        u32::try_from(mean / STRIDE_NANOS).map_or(longest, |stride| stride.min(longest))
    }

    /// How long to wait for an answer, once there is a sample; at least [`MIN_TIMEOUT`].
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.estimate.map(|estimate| {
            let timeout = estimate.mean + (4 * estimate.deviation).max(estimate.mean / 2);
            Duration::from_nanos(timeout).max(MIN_TIMEOUT)
        })
    }

    /// How long to wait for a host without samples of its own, given the group's estimate: twice the group's time-out, as
    /// the host may be farther, but no more than [`INITIAL_TIMEOUT`] and no less than half of it.
    pub(crate) fn borrowed_timeout(group: &Self) -> Duration {
        group
            .timeout()
            .map_or(INITIAL_TIMEOUT, |timeout| (timeout * 2).clamp(INITIAL_TIMEOUT / 2, INITIAL_TIMEOUT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn settles_on_a_steady_path() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.timeout(), None);
        for _ in 0..50 {
            rtt.sample(80 * MS);
        }
        let mean = rtt.mean().unwrap();
        assert!(mean.abs_diff(80 * MS) < MS, "{mean:?}");
        let timeout = rtt.timeout().unwrap();
        assert!(timeout > 110 * MS && timeout < 130 * MS, "half as long again: {timeout:?}");
    }

    #[test]
    fn waits_longer_on_a_path_that_jitters() {
        let mut rtt = Rtt::default();
        for i in 0..100 {
            rtt.sample(if i % 2 == 0 { 150 * MS } else { 250 * MS });
        }
        let timeout = rtt.timeout().unwrap();
        assert!(timeout > 350 * MS && timeout < 650 * MS, "{timeout:?}");
    }

    #[test]
    fn an_answer_to_the_kernels_second_syn_is_no_sample() {
        let mut rtt = Rtt::default();
        rtt.sample(1001 * MS);
        assert_eq!(rtt.mean(), None);
        rtt.sample(MS);
        rtt.sample(1001 * MS);
        assert_eq!(rtt.mean(), Some(MS));
    }

    #[test]
    fn a_far_path_is_measured_all_the_same() {
        let mut rtt = Rtt::default();
        for _ in 0..20 {
            rtt.sample(600 * MS);
        }
        for _ in 0..40 {
            rtt.sample(1200 * MS);
        }
        assert!(rtt.mean().unwrap() > 1100 * MS);
    }

    #[test]
    fn a_far_path_has_a_longer_stride_until_a_queue_fills() {
        let stride = |samples: &[u32]| {
            let mut rtt = Rtt::default();
            for &ms in samples {
                rtt.sample(ms * MS);
            }
            rtt.stride(5)
        };
        assert_eq!(stride(&[]), 1);
        assert_eq!(stride(&[20; 9]), 1);
        assert_eq!(stride(&[60; 9]), 2);
        assert_eq!(stride(&[80, 100, 65, 90, 80]), 3, "it only jitters");
        assert_eq!(stride(&[400; 9]), 5, "the longest");
        assert_eq!(stride(&[[80; 9], [160; 9]].concat()), 1);
    }

    #[test]
    fn borrows_with_reserve() {
        let mut group = Rtt::default();
        assert_eq!(Rtt::borrowed_timeout(&group), INITIAL_TIMEOUT);
        group.sample(MS);
        assert_eq!(Rtt::borrowed_timeout(&group), INITIAL_TIMEOUT / 2);
    }

    /// What RFC 6298 makes of three answers, by hand.
    #[test]
    fn the_estimate_has_the_gains_of_the_rfc() {
        let mut rtt = Rtt::default();
        for (sample, mean, timeout) in [(80, 80, 240), (160, 90, 290), (50, 85, 275)] {
            rtt.sample(sample * MS);
            assert_eq!((rtt.mean(), rtt.timeout()), (Some(mean * MS), Some(timeout * MS)), "{sample}");
        }
    }

    #[test]
    fn a_late_answer_is_a_sample_where_others_come_late_too() {
        for (first, taken) in [(164, false), (165, true), (989, true)] {
            let mut rtt = Rtt::default();
            rtt.sample(first * MS);
            assert_eq!(rtt.mean(), Some(first * MS));
            rtt.sample(990 * MS);
            assert_eq!(rtt.mean() != Some(first * MS), taken, "{first} ms at first");
        }
        let mut rtt = Rtt::default();
        rtt.sample(990 * MS);
        assert!(!rtt.is_known());
    }

    #[test]
    fn borrows_twice_the_time_of_the_group() {
        let mut group = Rtt::default();
        group.sample(150 * MS);
        assert_eq!(Rtt::borrowed_timeout(&group), 900 * MS);
        group.sample(400 * MS);
        assert_eq!(Rtt::borrowed_timeout(&group), INITIAL_TIMEOUT);
    }

    #[test]
    fn half_as_long_again_is_no_queue_yet() {
        for (late, stride) in [(399, 4), (400, 4), (401, 1)] {
            let mut rtt = Rtt::default();
            rtt.sample(80 * MS);
            rtt.sample(late * MS);
            assert_eq!(rtt.stride(5), stride, "{late} ms make {:?} of 80 ms", rtt.mean());
        }
    }
}
