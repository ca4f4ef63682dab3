//! `Measurement`: a flight of attempts at a known rate, and what share of them comes back.

use std::time::Duration;

use crate::control::time::ScanTime;

/// Echoes of one measurement: with half of them lost the rate is known within an eighth (one standard deviation).
pub(super) const ECHOES: u32 = 64;
/// One attempt in so many is an echo while the rate is measured: the others do the work of the scan.
const SHARE: u32 = 4;
/// A measurement lasts at least so long; the first third of it spends what a bucket had saved up.
const LEAST: Duration = Duration::from_millis(400);
/// An attempt that is made so long after it was due was kept back by something else than the pace: this process was stopped, or its
/// results were not read. That is no time in which a measurement was made.
const KEPT_BACK: Duration = Duration::from_millis(250);
/// As long as that happens no more often in one measurement. What keeps each attempt back, as a budget of one connection does, is not over
/// before the measurement must be.
const MOST_KEPT_BACK: u8 = 8;

/// A flight of attempts at a known rate, echoes among them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurement {
    /// Attempts per second.
    pub(super) rate: f64,
    /// What the host was asked at when the loss was seen.
    pub(super) at_most: f64,
    pub(super) proof: Proof,
    pub(super) began: ScanTime,
    /// How long no attempt was made of those that were due, and how often that was so.
    stood_still: Duration,
    kept_back: u8,
    /// The last attempt of it.
    pub(super) ended: Option<ScanTime>,
    /// All attempts of which it is made up, and how many of these are back, and were answered.
    pub(super) all: Tally,
    pub(super) echoes: Tally,
    /// All attempts that were made, those among them that were given up for a copy's answer.
    pub(super) made: u32,
    /// There are copies among them, of which those that got lost do not count.
    pub(super) hedged: bool,
}

/// What a measurement is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof {
    /// To find a rate. `known` says that a limit was proved before; `failed` is how often too little got through, and `least` the lowest
    /// rate at which it did.
    Search { known: bool, failed: u8, least: f64 },
    /// To prove it, for the n-th time. The share that got through the time before, and the rate that suggested the limit.
    Of { nth: u8, before: f64, searched: f64 },
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) sent: u32,
    pub(super) back: u32,
    pub(super) answered: u32,
}

impl Tally {
    pub(super) const fn came_back(&mut self, answered: bool) {
        self.back += 1;
        self.answered += answered as u32;
    }

    pub(super) fn share(self) -> f64 {
        f64::from(self.answered) / f64::from(self.back.max(1))
    }
}

impl Measurement {
    pub(super) fn new(began: ScanTime, rate: f64, at_most: f64, proof: Proof) -> Self {
        Self {
            rate,
            at_most,
            proof,
            began,
            stood_still: Duration::ZERO,
            kept_back: 0,
            ended: None,
            all: Tally::default(),
            echoes: Tally::default(),
            made: 0,
            hedged: false,
        }
    }

    /// One attempt in so many is an echo, so that they are spread over the time that is left after the first third.
    pub(super) const fn share(&self) -> u32 {
        let attempts = self.rate * LEAST.as_secs_f64() * 2.0 / 3.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate")]
        let spread = attempts as u32 / ECHOES;
        if spread > SHARE { spread } else { SHARE }
    }

    /// Whether it spends what a bucket had saved up, which echoes are not to meet.
    pub(super) const fn is_spending(&self, now: ScanTime) -> bool {
        now.since(self.began).as_nanos() < LEAST.as_nanos() / 3
    }

    /// Whether it has its echoes by the time at which it may end, though copies go out, too.
    pub(super) fn has_room_for_copies(&self) -> bool {
        self.rate * LEAST.as_secs_f64() >= f64::from(ECHOES)
    }

    /// Whether an attempt that was made at `sent` is of it.
    pub(super) fn includes(&self, sent: ScanTime) -> bool {
        sent >= self.began && self.ended.is_none_or(|ended| sent <= ended)
    }

    pub(super) fn forget(&mut self, is_echo: bool) {
        // It may have been sent at the very moment at which the measurement began, just before.
        self.all.sent = self.all.sent.saturating_sub(1);
        self.echoes.sent = self.echoes.sent.saturating_sub(u32::from(is_echo));
    }

    /// An attempt is made, so late after it was due.
    pub(super) fn sent(&mut self, now: ScanTime, late: Duration, is_echo: bool) {
        if late >= KEPT_BACK && self.kept_back < MOST_KEPT_BACK {
            self.stood_still += late;
            self.kept_back += 1;
        }
        self.made += 1;
        self.all.sent += 1;
        self.echoes.sent += u32::from(is_echo);
        if self.echoes.sent >= ECHOES && now.since(self.began) >= LEAST + self.stood_still {
            self.ended = Some(now);
        }
    }

    /// Where nearly all ports answer every attempt tells, which is more exact; else only the echoes do.
    pub(super) fn share_that_passes(&self) -> f64 {
        let (all, echoes) = (self.all.share(), self.echoes.share());
        if all >= echoes * 0.75 && !self.hedged { all } else { echoes }
    }

    pub(super) fn real_rate(&self) -> f64 {
        let span = self.ended.map_or(Duration::ZERO, |ended| ended.since(self.began + self.stood_still));
        f64::from(self.made) / span.as_secs_f64().max(1e-3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_all_ports_answer_every_attempt_tells() {
        let tally = |answered, back| Tally { sent: back, back, answered };
        let measured = Measurement::new(
            ScanTime::ZERO,
            100.0,
            100.0,
            Proof::Search { known: false, failed: 0, least: f64::INFINITY },
        );
        let share = |all, echoes| Measurement { all, echoes, ..measured }.share_that_passes();
        assert!((share(tally(50, 100), tally(10, 20)) - 0.5).abs() < 1e-9);
        assert!((share(tally(45, 100), tally(12, 20)) - 0.45).abs() < 1e-9, "three quarters of the echoes");
        let hedged = Measurement { all: tally(69, 100), echoes: tally(10, 20), hedged: true, ..measured };
        assert!((hedged.share_that_passes() - 0.5).abs() < 1e-9, "of copies only the answered ones count");
        assert!((share(tally(44, 100), tally(12, 20)) - 0.6).abs() < 1e-9, "most ports are silent");
    }
}
