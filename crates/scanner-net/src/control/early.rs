//! `Early`: the probes that were sent before anything told how long an answer of the host takes.
//!
//! They were to wait for a second; once a first answer came, others would come as soon, and what is still silent after the time-out that
//! it implies is asked anew, as all that is sent from then on.

use std::time::Duration;

use super::time::ScanTime;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Early {
    /// When the first answer came.
    until: ScanTime,
    due: ScanTime,
    /// That time has come once.
    is_ripe: bool,
    /// How many of them still wait.
    left: u32,
}

/// A process that was stopped finds its timer due before it has read the answers that came meanwhile. It gets this long to do so, time
/// and again as long as it is late by as much.
const GRACE: Duration = Duration::from_millis(10);

impl Early {
    /// The first answer came `now`, while `waiting` others waited, and an answer takes no longer than `timeout`.
    pub(crate) fn new(now: ScanTime, timeout: Duration, waiting: u32) -> Self {
        Self { until: now, due: now + timeout, is_ripe: false, left: waiting }
    }

    /// Whether a probe that was sent then is one of them.
    pub(crate) fn includes(&self, sent: ScanTime) -> bool {
        sent < self.until
    }

    /// Something came of a probe that was sent at `sent`.
    pub(crate) fn landed(&mut self, sent: ScanTime) {
        self.left -= u32::from(self.left > 0 && self.includes(sent));
    }

    /// When those that are left are given up, if there are any.
    pub(crate) fn due(&self) -> Option<ScanTime> {
        (self.left > 0).then_some(self.due)
    }

    /// The time has come. When it comes again, so that answers are read first; `None` gives them up now.
    pub(crate) fn put_off(&mut self, now: ScanTime) -> Option<ScanTime> {
        if self.is_ripe && now.since(self.due) < GRACE {
            return None;
        }
        (self.is_ripe, self.due) = (true, now + GRACE);
        Some(self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn what_was_sent_before_the_first_answer_is_given_up_a_time_out_later() {
        let mut early = Early::new(at(20), Duration::from_millis(100), 3);
        assert_eq!(early.due(), Some(at(120)));
        for (sent, due) in [(0, true), (21, true), (20, true), (19, true), (10, false), (10, false)] {
            early.landed(at(sent));
            assert_eq!(early.due().is_some(), due, "after one of {sent}");
        }
        assert!(early.includes(at(19)) && !early.includes(at(20)));
    }

    #[test]
    fn whoever_is_late_reads_the_answers_first() {
        let mut early = Early::new(at(20), Duration::from_millis(100), 3);
        assert_eq!(early.put_off(at(120)), Some(at(130)), "stopped until then, maybe");
        assert_eq!(early.put_off(at(140)), Some(at(150)), "and again");
        assert_eq!(early.put_off(at(159)), None);
    }
}
