//! `Liveness`: is a host that answered still there? Canaries tell loss from silence, and a lost host from a silent port.

use std::time::Duration;

use scanner_core::Reason;

use super::time::ScanTime;
use crate::config::defaults::{
    CANARY_EVERY, CANARY_EVERY_SILENT, CANARY_STRIKES, LOST_FOR, LOST_PAUSE, LOST_PAUSE_MAX,
};

/// Silence means something only while a port that is known to answer still does. Until then the silent ports since the last
/// answer are unconfirmed; if the host was away meanwhile they are asked anew.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    canary: Option<(u16, Reason)>,
    canary_in_flight: bool,
    canary_sent: ScanTime,
    strikes: u32,
    unconfirmed: Vec<SilentPort>,
    last_answer: ScanTime,
    lost: Option<Lost>,
}

/// A port and how often it had been asked when it stayed silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SilentPort {
    pub(crate) port: u16,
    pub(crate) attempts: u8,
}

#[derive(Debug, Clone, Copy)]
struct Lost {
    next: ScanTime,
    pause: Duration,
}

/// What an answer says about the silence before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The host was there: this many silent ports are silent indeed.
    Silence(u32),
    /// The host had been away: these ports were silent meanwhile and must be asked anew.
    CameBack(Vec<SilentPort>),
}

/// What a silent canary says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// One lost packet, or more: slow down and ask again.
    Loss,
    /// The host stopped answering; ask again at the time given.
    Lost(ScanTime),
    /// It stayed away for too long.
    GaveUp,
}

impl Liveness {
    /// The port to ask in order to know whether the host is still there.
    pub(crate) fn canary(&self) -> Option<u16> {
        self.canary.map(|(port, _)| port)
    }

    /// When the last answer came.
    pub(crate) const fn last_answer(&self) -> ScanTime {
        self.last_answer
    }

    /// Whether the host has stopped answering.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Whether the host is in doubt, so that new questions would be wasted.
    pub(crate) const fn in_doubt(&self) -> bool {
        self.lost.is_some() || self.strikes >= 2
    }

    /// Ports whose silence is not confirmed by a later answer.
    pub(crate) fn unconfirmed(&self) -> &[SilentPort] {
        &self.unconfirmed
    }

    /// Whether the canary should be asked now; `idle` says that the host has nothing else left to ask.
    pub(crate) fn canary_due(&self, now: ScanTime, idle: bool) -> bool {
        if self.canary.is_none() || self.canary_in_flight {
            return false;
        }
        if let Some(lost) = self.lost {
            return now >= lost.next;
        }
        let many = self.unconfirmed.len() >= CANARY_EVERY_SILENT as usize;
        let long = now.since(self.last_answer.max(self.canary_sent)) >= CANARY_EVERY;
        self.strikes > 0 || !self.unconfirmed.is_empty() && (many || long || idle)
    }

    /// Takes the ports whose silence is not confirmed, when the host ends.
    pub(crate) fn take_unconfirmed(&mut self) -> Vec<SilentPort> {
        std::mem::take(&mut self.unconfirmed)
    }

    /// How often in a row the canary stayed silent.
    pub(crate) const fn strikes(&self) -> u32 {
        self.strikes
    }

    pub(crate) fn canary_is_out(&mut self, now: ScanTime) {
        self.canary_in_flight = true;
        self.canary_sent = now;
    }

    /// The canary came to nothing that says anything: this machine failed to send it.
    pub(crate) fn canary_returned(&mut self) {
        self.canary_in_flight = false;
    }

    /// How long to wait for the canary, given the host's time-out: doubles with every strike.
    pub(crate) fn canary_timeout(&self, timeout: Duration) -> Duration {
        timeout * 2_u32.pow(self.strikes.min(CANARY_STRIKES))
    }

    /// A port stayed silent after `attempts` attempts.
    pub(crate) fn silent(&mut self, port: u16, attempts: u8) {
        if self.canary.is_some() {
            self.unconfirmed.push(SilentPort { port, attempts });
        }
    }

    /// A port was answered, with `reason`.
    pub(crate) fn answered(&mut self, now: ScanTime, port: u16, reason: Reason) -> Confirmed {
        let worth = usefulness(reason);
        if worth > self.canary.map_or(0, |(_, old)| usefulness(old)) {
            self.canary = Some((port, reason));
        }
        if self.canary() == Some(port) {
            self.canary_in_flight = false;
        }
        self.last_answer = now;
        self.strikes = 0;
        let silent = std::mem::take(&mut self.unconfirmed);
        match self.lost.take() {
            Some(_) => Confirmed::CameBack(silent),
            None => Confirmed::Silence(u32::try_from(silent.len()).unwrap_or(u32::MAX)),
        }
    }

    /// The canary stayed silent.
    pub(crate) fn canary_silent(&mut self, now: ScanTime) -> Strike {
        self.canary_in_flight = false;
        if let Some(lost) = &mut self.lost {
            if now.since(self.last_answer) >= LOST_FOR {
                return Strike::GaveUp;
            }
            lost.pause = (lost.pause * 2).min(LOST_PAUSE_MAX);
            lost.next = now + lost.pause;
            return Strike::Lost(lost.next);
        }
        self.strikes += 1;
        if self.strikes < CANARY_STRIKES {
            return Strike::Loss;
        }
        Strike::Lost(self.lose(now))
    }

    /// The host cannot be reached any more; returns when to ask again.
    pub(crate) fn lose(&mut self, now: ScanTime) -> ScanTime {
        let lost = self.lost.get_or_insert(Lost { next: now + LOST_PAUSE, pause: LOST_PAUSE });
        lost.next
    }
}

/// How good a canary a port with this answer makes: listeners answer even where refusals are limited in rate. ICMP makes none:
/// every host limits it (Linux to one message per second and destination by default), so its silence says nothing.
fn usefulness(reason: Reason) -> u8 {
    if reason == Reason::Handshake { 2 } else { u8::from(matches!(reason, Reason::Rst | Reason::Refused)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime(Duration::from_millis(ms))
    }

    #[test]
    fn a_listener_makes_the_better_canary() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 1, Reason::Rst);
        alive.answered(at(2), 80, Reason::Handshake);
        alive.answered(at(3), 2, Reason::Rst);
        assert_eq!(alive.canary(), Some(80));
    }

    #[test]
    fn icmp_makes_no_canary() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 1, Reason::PortUnreachable);
        assert_eq!(alive.canary(), None);
    }

    #[test]
    fn silence_is_confirmed_by_a_later_answer() {
        let mut alive = Liveness::default();
        assert!(!alive.canary_due(at(0), true), "nothing known to answer");
        alive.answered(at(1), 80, Reason::Handshake);
        assert!(!alive.canary_due(at(2), true), "nothing silent");
        alive.silent(81, 1);
        assert!(!alive.canary_due(at(2), false));
        assert!(alive.canary_due(at(2), true), "before the host ends");
        assert!(alive.canary_due(at(600), false), "after a while");
        alive.canary_is_out(at(600));
        assert!(!alive.canary_due(at(600), true), "one at a time");
        assert_eq!(alive.answered(at(601), 80, Reason::Handshake), Confirmed::Silence(1));
        assert!(alive.unconfirmed().is_empty());
    }

    #[test]
    fn a_lost_host_is_asked_ever_more_rarely_and_given_up() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake);
        alive.silent(81, 2);
        for _ in 1..CANARY_STRIKES {
            assert_eq!(alive.canary_silent(at(100)), Strike::Loss);
        }
        assert!(alive.in_doubt());
        let Strike::Lost(mut next) = alive.canary_silent(at(200)) else { panic!("not lost") };
        assert!(alive.is_lost());
        loop {
            assert!(!alive.canary_due(ScanTime(next.0.saturating_sub(Duration::from_millis(1))), true));
            assert!(alive.canary_due(next, false));
            match alive.canary_silent(next) {
                Strike::Lost(later) => {
                    assert!(later.since(next) <= LOST_PAUSE_MAX);
                    next = later;
                }
                Strike::GaveUp => break,
                Strike::Loss => panic!("already lost"),
            }
        }
        assert!(next.since(at(1)) >= LOST_FOR);
        assert_eq!(alive.unconfirmed(), [SilentPort { port: 81, attempts: 2 }]);
    }

    #[test]
    fn what_was_silent_while_the_host_was_away_is_asked_anew() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake);
        alive.silent(81, 2);
        for _ in 0..CANARY_STRIKES {
            alive.canary_silent(at(100));
        }
        let back = alive.answered(at(900), 80, Reason::Handshake);
        assert_eq!(back, Confirmed::CameBack(vec![SilentPort { port: 81, attempts: 2 }]));
        assert!(!alive.in_doubt());
    }
}
