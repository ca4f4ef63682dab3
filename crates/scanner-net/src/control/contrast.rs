//! `Contrast`: do refusals get lost more often than the answers of listeners that were asked at the same moment?
//!
//! Loss changes while a host is scanned: with the rate, within a volley of probes that find a bucket full and leave it empty, and when
//! the scan slows down. Only what was asked together can be compared, whenever that was. So every *echo*, an attempt to a port that is
//! known to listen, has *witnesses*, the few attempts that are made next; of these, those count that turn out to be refused.

use std::collections::BTreeMap;

use super::retry::LossEstimate;

/// Witnesses of one echo: as many as still meet what it met. A volley that a policer cuts off somewhere is dozens of attempts long.
const WITNESSES: u32 = 16;

/// Fewer lost answers than this may be chance.
const TELLING: u32 = 8;
/// Refusals must get lost this many times as often as the answers of listeners.
const TELLING_RATIO: f64 = 4.0;

/// Echoes and those of their witnesses that were refused, each with how many stayed silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Contrast {
    pub(crate) echoes: LossEstimate,
    pub(crate) refusals: LossEstimate,
}

impl Contrast {
    /// Whether the host limits its refusals: they get lost while listeners, on the same path, keep answering. Loss on the path,
    /// or a firewall that limits what passes, hits both alike.
    pub(crate) fn is_limited(self) -> bool {
        if self.refusals.silent < TELLING || self.echoes.attempts < TELLING {
            return false;
        }
        // As if one more had been lost: none of eight may be luck.
        let echoes = f64::from(self.echoes.silent + 1) / f64::from(self.echoes.attempts + 1);
        self.refusals.share().is_some_and(|share| share > TELLING_RATIO * echoes)
    }
}

/// The witnesses that have not turned out to be anything yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witnesses {
    /// How many of the next attempts are some.
    wanted: u32,
    /// By port, which of its attempts are some: a bit for each.
    waiting: BTreeMap<u16, u16>,
}

impl Witnesses {
    /// An echo is sent.
    pub(crate) const fn echo(&mut self) {
        self.wanted = WITNESSES;
    }

    /// A port is asked for the `attempt`-th time.
    pub(crate) fn sent(&mut self, port: u16, attempt: u8) {
        if self.wanted > 0 {
            self.wanted -= 1;
            *self.waiting.entry(port).or_default() |= bit(attempt);
        }
    }

    /// Whether there are none, as nearly always: where nothing stays silent nobody is asked for an echo.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A port was answered at its `attempt`-th attempt: what the witnesses among its attempts tell.
    pub(crate) fn answered(&mut self, port: u16, attempt: u8) -> LossEstimate {
        let witnesses = self.waiting.remove(&port).unwrap_or(0);
        let silent = (witnesses & (bit(attempt) - 1)).count_ones();
        LossEstimate { attempts: silent + u32::from(witnesses & bit(attempt) != 0), silent }
    }

    /// The silence of a port says nothing: it is asked anew.
    pub(crate) fn forget(&mut self, port: u16) {
        self.waiting.remove(&port);
    }

    /// The same of all ports.
    pub(crate) fn forget_all(&mut self) {
        *self = Self::default();
    }
}

/// The bit of an attempt, of which a port gets fewer than sixteen; the last stands for all that may follow.
const fn bit(attempt: u8) -> u16 {
    1 << if attempt < 15 { attempt } else { 15 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(attempts: u32, silent: u32) -> LossEstimate {
        LossEstimate { attempts, silent }
    }

    #[test]
    fn a_limit_on_refusals_is_told_from_loss_by_the_echoes() {
        for (refusals, echoes, limited, why) in [
            (seen(200, 100), seen(40, 0), true, "listeners answer always"),
            (seen(200, 100), seen(40, 18), false, "they get lost as often: the path"),
            (seen(200, 100), seen(3, 0), false, "too few echoes to tell"),
            (seen(200, 5), seen(40, 0), false, "too little lost to tell"),
            (seen(10, 8), seen(8, 0), true, "just enough of both"),
            (seen(10, 7), seen(8, 0), false, "one refusal less"),
            (seen(10, 8), seen(7, 0), false, "one echo less"),
            // One of nine, as if one more had been lost: four times as often is 16 of 36.
            (seen(100, 45), seen(8, 0), true, "more than four times as often"),
            (seen(100, 44), seen(8, 0), false, "just four times as often"),
            (seen(0, 0), seen(8, 0), false, "nothing known"),
        ] {
            assert_eq!(Contrast { echoes, refusals }.is_limited(), limited, "{why}");
        }
    }

    #[test]
    fn the_next_attempts_are_the_witnesses() {
        let mut witnesses = Witnesses::default();
        witnesses.sent(1, 1);
        witnesses.echo();
        let last = 10 + u16::try_from(WITNESSES).unwrap();
        (10..=last).for_each(|port| witnesses.sent(port, 1));
        assert_eq!(witnesses.answered(1, 1), seen(0, 0), "asked before");
        assert_eq!(witnesses.answered(10, 1), seen(1, 0));
        assert_eq!(witnesses.answered(10, 2), seen(0, 0), "it was one once");
        assert_eq!(witnesses.answered(last - 1, 2), seen(1, 1), "it answered only later");
        assert_eq!(witnesses.answered(last, 2), seen(0, 0), "there are no more than that");
    }

    #[test]
    fn of_the_attempts_of_a_port_those_count_that_are_witnesses() {
        for (asked, answered, tells) in [
            (&[1][..], 1, seen(1, 0)),
            (&[1], 2, seen(1, 1)),
            (&[2], 2, seen(1, 0)),
            (&[1, 3], 3, seen(2, 1)),
            (&[1, 2, 3], 3, seen(3, 2)),
            (&[1, 3], 4, seen(2, 2)),
            (&[14], 14, seen(1, 0)),
            (&[14, 20, 22], 25, seen(2, 1)),
        ] {
            let mut witnesses = Witnesses::default();
            witnesses.echo();
            for &attempt in asked {
                witnesses.sent(1, attempt);
            }
            assert_eq!(witnesses.answered(1, answered), tells, "{asked:?}, answered at {answered}");
        }
    }

    #[test]
    fn silence_that_says_nothing_makes_no_witness() {
        let mut witnesses = Witnesses::default();
        witnesses.echo();
        (1..=3).for_each(|port| witnesses.sent(port, 1));
        witnesses.forget(1);
        assert_eq!(witnesses.answered(1, 2), seen(0, 0));
        assert_eq!(witnesses.answered(2, 2), seen(1, 1));
        witnesses.forget_all();
        assert_eq!(witnesses.answered(3, 2), seen(0, 0));
        witnesses.sent(4, 1);
        assert_eq!(witnesses.answered(4, 1), seen(0, 0), "nor is the next one a witness");
    }
}
