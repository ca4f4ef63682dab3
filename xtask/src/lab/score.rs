//! What a scanner said, compared with what is true.

use scanner_lab::{Answer, Stage};
use serde::Serialize;

use super::answers::{Answers, Said};

/// How many (host, port) pairs; the last four stay zero where a scanner only says which ports are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Score {
    /// Open ports that are there, and of these the ones found.
    pub(crate) open: u64,
    pub(crate) found: u64,
    /// Open ports that the scanner says nothing wrong about: it says that it does not know.
    pub(crate) open_unknown: u64,
    /// Said to be open, and not.
    pub(crate) phantom: u64,
    /// Refusing ports said to be filtered.
    pub(crate) closed_as_filtered: u64,
    /// Silent or rejecting ports said to be closed.
    pub(crate) filtered_as_closed: u64,
    /// Ports said to be filtered with the remark that this proves nothing.
    pub(crate) limited: u64,
    /// Ports said not to have been measured.
    pub(crate) unknown: u64,
}

impl Score {
    pub(crate) fn of(answers: &Answers, stage: &Stage) -> Self {
        let open = stage.hosts().iter().map(|host| host.open(stage.ports()).len() as u64).sum();
        let mut score = Self { open, ..Self::default() };
        for ((ip, port), said) in &answers.ports {
            let host = stage.hosts().iter().find(|host| host.ip == *ip);
            let truth = match host {
                Some(host) => host.answer(*port),
                None if *ip == stage.own_address() => Answer::Refused,
                None => Answer::Silent,
            };
            score.count(truth, *said);
        }
        score
    }

    /// Open ports that were not found, whatever was said of them.
    pub(crate) fn missed(&self) -> u64 {
        self.open - self.found
    }

    fn count(&mut self, truth: Answer, said: Said) {
        match (truth, said) {
            (Answer::Open, Said::Open) => self.found += 1,
            (_, Said::Open) => self.phantom += 1,
            (Answer::Refused, Said::Filtered) => self.closed_as_filtered += 1,
            (Answer::Silent | Answer::PortUnreachable | Answer::Prohibited, Said::Closed) => {
                self.filtered_as_closed += 1;
            }
            (_, Said::FilteredLimited) => self.limited += 1,
            (Answer::Open, Said::Unknown) => {
                self.open_unknown += 1;
                self.unknown += 1;
            }
            (_, Said::Unknown) => self.unknown += 1,
            (_, Said::Closed | Said::Filtered) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_mistake_has_its_place() {
        let mut score = Score { open: 3, ..Score::default() };
        for (truth, said) in [
            (Answer::Open, Said::Open),
            (Answer::Open, Said::Filtered),
            (Answer::Open, Said::Unknown),
            (Answer::Silent, Said::Open),
            (Answer::Refused, Said::Closed),
            (Answer::Refused, Said::Filtered),
            (Answer::Refused, Said::FilteredLimited),
            (Answer::Prohibited, Said::Closed),
            (Answer::Prohibited, Said::Filtered),
            (Answer::Refused, Said::Unknown),
        ] {
            score.count(truth, said);
        }
        let expected = Score {
            open: 3,
            found: 1,
            open_unknown: 1,
            phantom: 1,
            closed_as_filtered: 1,
            filtered_as_closed: 1,
            limited: 1,
            unknown: 2,
        };
        assert_eq!((score, score.missed()), (expected, 2));
    }
}
