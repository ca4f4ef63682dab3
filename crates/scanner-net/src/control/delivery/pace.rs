//! `Pace`: the rate that is kept to, and how it follows what its echoes tell of the path.

use std::time::Duration;

use super::BELOW;
use super::measurement::Tally;
use crate::config::defaults::HEAVY_LOSS_PERCENT;
use crate::control::time::ScanTime;

/// Echoes by which a pace is judged.
const JUDGED_BY: u32 = 16;
/// What one lost echo, which may be chance, lowers a pace to.
const ALMOST: f64 = 0.98;
/// How much faster the pace becomes per judgement without loss.
const FASTER: f64 = 1.02;
/// After loss at some pace it is not exceeded again for so long.
const CEILING_FOR: Duration = Duration::from_secs(20);
/// How far a pace is lowered for loss, of what was measured, which is known within a fifth: what gets lost at this has nothing to do with
/// the rate.
const LEAST_OF_MEASURED: f64 = 0.8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) rate: f64,
    pub(super) measured: f64,
    /// Echoes since the pace was last changed.
    pub(super) echoes: Tally,
    /// Loss was seen at this pace, at that moment.
    pub(super) ceiling: Option<(f64, ScanTime)>,
}

/// What a pace was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Right,
    /// So much gets lost that the rate must be measured again.
    Wrong,
}

impl Pace {
    /// The rate that was measured.
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, measured: rate, echoes: Tally::default(), ceiling: None }
    }

    pub(super) fn echo(&mut self, now: ScanTime, answered: bool) -> Judgement {
        self.echoes.came_back(answered);
        if self.echoes.back < JUDGED_BY {
            return Judgement::Right;
        }
        let lost = self.echoes.back - self.echoes.answered;
        self.echoes = Tally::default();
        match lost {
            0 => {
                let most = match self.ceiling {
                    Some((rate, seen)) if now.since(seen) < CEILING_FOR => rate * BELOW,
                    _ => f64::INFINITY,
                };
                self.rate = (self.rate * FASTER).min(most.max(self.rate));
            }
            // May be chance.
            1 => self.lower(ALMOST),
            _ if lost * 100 >= JUDGED_BY * HEAVY_LOSS_PERCENT => return Judgement::Wrong,
            _ => {
                self.ceiling = Some((self.rate, now));
                self.lower(BELOW);
            }
        }
        Judgement::Right
    }

    fn lower(&mut self, factor: f64) {
        self.rate = (self.rate * factor).max(self.measured * LEAST_OF_MEASURED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    /// What a pace becomes after so many of sixteen echoes got lost.
    fn judged(pace: &mut Pace, now: ScanTime, lost: u32) -> Judgement {
        let mut judgement = Judgement::Right;
        for n in 0..JUDGED_BY {
            judgement = pace.echo(now, n >= lost);
            assert!(n + 1 == JUDGED_BY || judgement == Judgement::Right, "too early");
        }
        judgement
    }

    #[test]
    fn a_pace_follows_its_echoes() {
        for (lost, judgement, rate) in [
            (0, Judgement::Right, 1_020.0),
            (1, Judgement::Right, 980.0),
            (2, Judgement::Right, 970.0),
            (6, Judgement::Right, 970.0),
            (7, Judgement::Wrong, 1_000.0),
        ] {
            let mut pace = Pace::new(1_000.0);
            assert_eq!(judged(&mut pace, at(0), lost), judgement, "{lost} lost");
            assert!((pace.rate - rate).abs() < 1e-6, "{lost} lost: {}", pace.rate);
        }
    }

    #[test]
    fn loss_makes_a_ceiling_for_a_while_and_has_a_floor() {
        let mut pace = Pace::new(1_000.0);
        judged(&mut pace, at(0), 2);
        judged(&mut pace, at(1), 0);
        assert!((pace.rate - 970.0).abs() < 1e-6, "not above the ceiling: {}", pace.rate);
        judged(&mut pace, at(20_000), 0);
        assert!((pace.rate - 989.4).abs() < 1e-6, "it is over: {}", pace.rate);
        for _ in 0..20 {
            judged(&mut pace, at(20_000), 1);
        }
        assert!((pace.rate - 800.0).abs() < 1e-6, "{}", pace.rate);
    }
}
