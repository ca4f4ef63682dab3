//! `Hedge`: the last few ports that are silent by chance, as far as is known, are asked several times at once.
//!
//! A scan ends when its unluckiest port is through: with a tenth of the packets lost, one in a thousand ports is silent three times, and
//! each time costs a time-out. Asked three times at once, hardly any of a hundred is silent once more. Other fields know this as hedged
//! requests (Dean and Barroso, "The Tail at Scale", 2013). Of a port the copies tell nothing but the answer that they bring: losses come in
//! bursts, so their silence together is no more than the silence of one. Of the path, a silence of both tells more than one answer of
//! the two, and counts for as much more where repetitions are judged.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// With more ports left than that, what they are asked in vain would be more than all the rest of a small scan.
const FEW: f64 = 128.0;
/// At least this share of them must be silent by chance, as far as the loss tells: more attempts do nothing for a silent port.
const BY_CHANCE: f64 = 0.25;
/// So many ports may still be silent afterwards, on average.
const LEFT_OVER: f64 = 0.1;
/// The most copies of an attempt.
const MOST: usize = 3;
/// Time-outs as long as that are worth copies before it is known why ports are silent.
const LONG: Duration = Duration::from_millis(150);
/// So many ports must have answered for each that is silent.
const ANSWERED_FOR_EACH: f64 = 4.0;

#[derive(Debug, Clone, Default)]
pub(crate) struct Hedge {
    /// Copies that are to be sent: ports, and which of their attempts.
    due: VecDeque<(u16, u8)>,
    /// Ports of which an answer to a copy is welcome.
    open: BTreeSet<u16>,
    /// Copies that wait for an answer.
    under_way: u32,
}

/// How many copies of a port's `attempt`-th attempt are worth while, with so many ports left to ask, and so many that have answered, where
/// this share of all attempts stays silent.
pub(crate) fn copies(attempt: u8, left: f64, answered: usize, loss: f64) -> usize {
    // Of as many ports as answered, so many would have been silent each time.
    let expected = number(answered) * loss.powi(i32::from(attempt) - 1);
    if left > FEW || expected < left * BY_CHANCE {
        return 0;
    }
    let mut silent = left * loss;
    let mut copies = 0;
    while silent > LEFT_OVER && copies < MOST {
        silent *= loss;
        copies += 1;
    }
    copies
}

/// The same where no repetition has told yet whether it is by chance that ports are silent. Of most scans of a far host all repetitions are
/// under way before the first is answered; one copy of each saves a time-out if it is, and costs a sixth of what was asked by then at most
/// if it is not.
pub(crate) fn copies_on_suspicion(attempt: u8, left: f64, answered: usize, timeout: Duration) -> usize {
    let may_be_by_chance = left <= FEW && left * ANSWERED_FOR_EACH <= number(answered);
    usize::from(attempt == 2 && timeout >= LONG && may_be_by_chance)
}

/// As a factor.
pub(crate) fn number(ports: usize) -> f64 {
    u32::try_from(ports).map_or(f64::INFINITY, f64::from)
}

impl Hedge {
    /// So many copies of an attempt are to be sent. An attempt that could not be made is made again, and its copies may still be due.
    pub(crate) fn add(&mut self, port: u16, attempt: u8, copies: usize) {
        if copies > 0 && self.due.iter().all(|(other, _)| *other != port) {
            self.open.insert(port);
            self.due.extend(std::iter::repeat_n((port, attempt), copies));
        }
    }

    /// The next of them.
    pub(crate) fn next(&mut self) -> Option<(u16, u8)> {
        self.due.pop_front()
    }

    /// A copy was sent.
    pub(crate) const fn sent(&mut self) {
        self.under_way += 1;
    }

    /// A copy that was sent is over.
    pub(crate) const fn landed(&mut self) {
        self.under_way -= 1;
    }

    /// How many copies wait for an answer.
    pub(crate) const fn under_way(&self) -> u32 {
        self.under_way
    }

    /// None that is not sent by now is to be sent any more.
    pub(crate) fn call_off(&mut self) {
        self.due.clear();
    }

    /// Whether none is left to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Whether an answer to a copy says something new.
    pub(crate) fn is_open(&self, port: u16) -> bool {
        self.open.contains(&port)
    }

    /// A port was settled; whether there may be copies under way.
    pub(crate) fn settled(&mut self, port: u16) -> bool {
        // Nearly always there are none.
        let was_open = !self.open.is_empty() && self.open.remove(&port);
        if was_open {
            self.due.retain(|(other, _)| *other != port);
        }
        was_open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ports_that_are_silent_by_chance_are_worth_copies() {
        for (attempt, left, answered, loss, expected, why) in [
            (2, 97.0, 900, 0.1, 2, "9.7 would be left, 0.97 with a copy, 0.097 with two"),
            (2, 10.0, 900, 0.1, 1, "1 would be left, 0.1 with one"),
            (3, 1.0, 990, 0.1, 0, "0.1 would be left"),
            (2, 128.0, 900, 0.3, 3, "no more than that"),
            (2, 129.0, 900, 0.3, 0, "too many"),
            (2, 100.0, 250, 0.1, 2, "a quarter of them may be silent by chance"),
            (2, 101.0, 250, 0.1, 0, "less than a quarter"),
            (3, 10.0, 900, 0.01, 0, "silent ports, no bad luck"),
            (2, 10.0, 0, 0.1, 0, "nobody answers"),
        ] {
            assert_eq!(copies(attempt, left, answered, loss), expected, "{why}");
        }
    }

    #[test]
    fn on_suspicion_there_is_one_copy_of_a_second_attempt_that_takes_long() {
        let ms = Duration::from_millis;
        for (attempt, left, answered, timeout, expected, why) in [
            (2, 97.0, 900, ms(300), 1, "a far host that answers"),
            (2, 97.0, 900, ms(149), 0, "near"),
            (2, 128.0, 512, ms(150), 1, "just so"),
            (2, 128.0, 511, ms(150), 0, "few answer"),
            (2, 129.0, 900, ms(150), 0, "too many"),
            (3, 97.0, 900, ms(300), 0, "silent again"),
        ] {
            assert_eq!(copies_on_suspicion(attempt, left, answered, timeout), expected, "{why}");
        }
    }

    #[test]
    fn copies_are_sent_until_their_port_is_settled() {
        let mut hedge = Hedge::default();
        hedge.add(1, 2, 2);
        hedge.add(2, 2, 1);
        hedge.add(3, 2, 0);
        hedge.add(2, 2, 3);
        assert!(hedge.is_open(1) && hedge.is_open(2) && !hedge.is_open(3));
        assert_eq!(hedge.next(), Some((1, 2)));
        assert!(hedge.settled(1), "one is under way");
        assert!(!hedge.settled(1) && !hedge.is_open(1), "once");
        assert!(!hedge.is_empty());
        assert_eq!((hedge.next(), hedge.next()), (Some((2, 2)), None));
        assert!(hedge.is_empty() && hedge.is_open(2), "its answer is still welcome");
        assert!(!hedge.settled(3), "it had none");
        hedge.add(4, 2, 2);
        hedge.call_off();
        assert!(hedge.is_empty() && hedge.is_open(4), "one may be under way");
    }
}
