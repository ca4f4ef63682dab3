//! `Liveness`: is a host that answered still there? Canaries tell loss from silence, and a lost host from a silent port.

use std::collections::BTreeSet;
use std::time::Duration;

use scanner_core::Reason;

use super::time::ScanTime;
use crate::config::defaults::{
    CANARIES_THAT_TELL, CANARY_EVERY, CANARY_EVERY_SILENT, CANARY_STRIKES, HEAVY_LOSS_PERCENT, LISTENERS,
    LOST_FOR, LOST_PAUSE, LOST_PAUSE_MAX, LOST_TRIES,
};

/// Silence means something only while a port that is known to answer still does. Until then the silent ports since the last
/// answer are unconfirmed; if the host was away meanwhile they are asked anew.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    canary: Option<(u16, Reason)>,
    canary_in_flight: bool,
    canary_sent: ScanTime,
    /// Attempts that stayed silent since the canary was last asked, whatever answered meanwhile.
    silent_since_canary: u32,
    strikes: u32,
    /// How many strikes in a row, beyond the usual number, the loss of the path explains.
    explained: u32,
    /// The first few ports on which somebody listens.
    listeners: Vec<u16>,
    /// Echoes asked for so far.
    echoes: u32,
    /// Of the last canaries, the newest in the lowest bit: which stayed silent.
    recent: u16,
    /// How many of them there are.
    recent_len: u32,
    unconfirmed: Vec<SilentPort>,
    last_answer: ScanTime,
    lost: Option<Lost>,
    /// Ports to which this machine had no way, since the canary had none either.
    refused_here: BTreeSet<u16>,
}

/// A port and how often it had been asked when it stayed silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SilentPort {
    pub(crate) port: u16,
    pub(crate) attempts: u8,
}

#[derive(Debug, Clone, Copy)]
struct Lost {
    since: ScanTime,
    next: ScanTime,
    pause: Duration,
    /// How often it was asked in vain.
    tries: u32,
}

/// What it says that this machine has no way to a port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The host can be reached, and this port cannot: a rule of this machine for ports, or for programs.
    Port,
    /// The way to the host is gone, or may be.
    Host(Strike),
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

    /// A port on which somebody listens, of the first few found in turn: so that none is asked all the time.
    pub(crate) fn listener(&self) -> Option<u16> {
        let turn = self.echoes as usize % self.listeners.len().max(1);
        self.listeners.get(turn).copied()
    }

    pub(crate) const fn echo_is_out(&mut self) {
        self.echoes = self.echoes.wrapping_add(1);
    }

    /// How that port answered.
    pub(crate) fn canary_reason(&self) -> Option<Reason> {
        self.canary.map(|(_, reason)| reason)
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
        self.lost.is_some() || self.strikes >= 2 + self.explained
    }

    /// Whether no silence waits for an answer of the host that puts it right.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    /// Whether the canary should be asked now; `idle` says whether the host has nothing else left to ask.
    pub(crate) fn canary_due(&self, now: ScanTime, idle: impl FnOnce() -> bool) -> bool {
        let is_quiet = self.is_confirmed() && self.strikes == 0 && self.lost.is_none();
        if is_quiet || self.canary.is_none() || self.canary_in_flight {
            return false;
        }
        if let Some(lost) = self.lost {
            return now >= lost.next;
        }
        self.strikes > 0
            || self.unconfirmed.len() >= CANARY_EVERY_SILENT as usize
            || now.since(self.last_answer.max(self.canary_sent)) >= CANARY_EVERY
            || idle()
    }

    /// Takes the ports whose silence is not confirmed, when the host ends.
    pub(crate) fn take_unconfirmed(&mut self) -> Vec<SilentPort> {
        std::mem::take(&mut self.unconfirmed)
    }

    /// Whether the canary should be asked because many probes are silent at this very moment: what a listener does then tells a path
    /// that loses packets, or polices them, from ports that are silent.
    pub(crate) fn canary_would_tell(&self) -> bool {
        !self.canary_in_flight
            && self.canary_reason() == Some(Reason::Handshake)
            && self.silent_since_canary >= CANARY_EVERY_SILENT
    }

    pub(crate) const fn canary_is_out(&mut self, now: ScanTime) {
        self.canary_in_flight = true;
        self.canary_sent = now;
        self.silent_since_canary = 0;
    }

    /// The canary came to nothing that says anything: this machine failed to send it.
    pub(crate) fn canary_returned(&mut self) {
        self.canary_in_flight = false;
    }

    /// How long to wait for the canary, given the host's time-out: doubles with every strike that loss does not explain.
    pub(crate) fn canary_timeout(&self, timeout: Duration) -> Duration {
        timeout * 2_u32.pow(self.strikes.saturating_sub(self.explained).min(CANARY_STRIKES))
    }

    /// A port stayed silent after `attempts` attempts.
    pub(crate) fn silent(&mut self, port: u16, attempts: u8) {
        self.silent_since_canary = self.silent_since_canary.saturating_add(1);
        if self.canary.is_some() {
            self.unconfirmed.push(SilentPort { port, attempts });
        }
    }

    /// A port was answered, with `reason`; `was_canary` where it was asked as one.
    pub(crate) fn answered(
        &mut self,
        now: ScanTime,
        port: u16,
        reason: Reason,
        was_canary: bool,
    ) -> Confirmed {
        let worth = usefulness(reason);
        if worth > self.canary.map_or(0, |(_, old)| usefulness(old)) {
            self.canary = Some((port, reason));
        }
        if reason == Reason::Handshake && self.listeners.len() < LISTENERS && !self.listeners.contains(&port)
        {
            self.listeners.push(port);
        }
        if was_canary {
            self.remember_canary(false);
        }
        // The canary of before may have been replaced while it was out.
        self.canary_in_flight &= !was_canary;
        self.last_answer = now;
        self.strikes = 0;
        let silent = std::mem::take(&mut self.unconfirmed);
        match self.lost.take() {
            Some(_) => Confirmed::CameBack(silent),
            None => Confirmed::Silence(u32::try_from(silent.len()).unwrap_or(u32::MAX)),
        }
    }

    /// Whether the last canaries got lost more often than paths lose packets by chance: something limits what passes.
    pub(crate) const fn is_loss_heavy(&self) -> bool {
        self.recent_len >= CANARIES_THAT_TELL
            && self.recent.count_ones() * 100 >= self.recent_len * HEAVY_LOSS_PERCENT
    }

    /// Whether one of the very last was answered: else the host may be gone.
    pub(crate) const fn was_heard_lately(&self) -> bool {
        self.recent & 0b1111 != 0b1111
    }

    /// Whether enough of them are known, and no more got lost than that.
    pub(crate) const fn is_loss_light(&self) -> bool {
        self.recent_len >= 2 * CANARIES_THAT_TELL && !self.is_loss_heavy()
    }

    /// The share of the last canaries that were answered.
    pub(crate) fn passing(&self) -> f64 {
        let lost = f64::from(self.recent.count_ones()) / f64::from(self.recent_len.max(1));
        1.0 - lost
    }

    /// What the canaries that stayed silent met is known: it was no sign of the host's going.
    pub(crate) const fn absolve(&mut self) {
        self.strikes = 0;
        self.forget_loss();
    }

    /// Something was done about the loss: what was seen before says nothing any more.
    pub(crate) const fn forget_loss(&mut self) {
        (self.recent, self.recent_len) = (0, 0);
    }

    /// A port that is known to answer was asked, and stayed silent or not.
    pub(crate) fn remember_canary(&mut self, silent: bool) {
        self.recent = self.recent << 1 | u16::from(silent);
        self.recent_len = (self.recent_len + 1).min(u16::BITS);
    }

    /// The canary stayed silent, on a path that loses so many in a row (`by_chance`) as rarely as a port is missed.
    pub(crate) fn canary_silent(&mut self, now: ScanTime, by_chance: u32) -> Strike {
        self.canary_in_flight = false;
        self.explained = by_chance.saturating_sub(CANARY_STRIKES);
        self.remember_canary(true);
        if let Some(lost) = &mut self.lost {
            return lost.again(now);
        }
        self.strikes += 1;
        if self.strikes < CANARY_STRIKES + self.explained {
            return Strike::Loss;
        }
        Strike::Lost(self.lose(now))
    }

    /// The clock of the host stood still for this long.
    pub(crate) fn shift(&mut self, away: Duration) {
        self.canary_sent = self.canary_sent + away;
        if let Some(lost) = &mut self.lost {
            lost.since = lost.since + away;
            lost.next = lost.next + away;
        }
    }

    /// This machine has no way to the host any more. It is asked again like a lost one, if there is something to ask.
    pub(crate) fn cut_off(&mut self, now: ScanTime) -> Strike {
        self.refused_here.clear();
        match &mut self.lost {
            _ if self.canary.is_none() => Strike::GaveUp,
            Some(lost) if now < lost.next => Strike::Lost(lost.next),
            Some(lost) => lost.again(now),
            None => Strike::Lost(self.lose(now)),
        }
    }

    /// This machine has no way to a port of a host that answered. The canary is asked at once, whether that is so of the host; where
    /// it answers, the next refusal of the same port is about the port.
    pub(crate) fn refused_here(&mut self, now: ScanTime, port: u16) -> Refused {
        let known = !self.refused_here.insert(port);
        match &self.lost {
            Some(lost) => Refused::Host(Strike::Lost(lost.next)),
            None if known || self.canary.is_none() => Refused::Port,
            None => {
                self.lost = Some(Lost { since: now, next: now, pause: Duration::ZERO, tries: 0 });
                Refused::Host(Strike::Lost(now))
            }
        }
    }

    /// The same of a port of a host that has not answered yet; whether there is no way to the host, as far as can be seen.
    pub(crate) fn refused_unheard(&mut self, port: u16) -> bool {
        self.refused_here.insert(port);
        self.refused_here.len() >= REFUSED_PORTS_THAT_TELL
    }

    /// The canary cannot be asked any more, as this machine's firewall rejects it. Silence stays unconfirmed from here on.
    pub(crate) fn drop_canary(&mut self) {
        self.canary = None;
        self.listeners.clear();
        self.canary_in_flight = false;
        self.strikes = 0;
        self.lost = None;
        self.unconfirmed.clear();
    }

    fn lose(&mut self, now: ScanTime) -> ScanTime {
        let next = now + LOST_PAUSE;
        self.lost = Some(Lost { since: now, next, pause: LOST_PAUSE, tries: 0 });
        next
    }
}

impl Lost {
    /// Still nothing: when to ask again, or not at all.
    fn again(&mut self, now: ScanTime) -> Strike {
        self.tries += 1;
        if now.since(self.since) >= LOST_FOR && self.tries >= LOST_TRIES {
            return Strike::GaveUp;
        }
        self.pause = (self.pause * 2).clamp(LOST_PAUSE, LOST_PAUSE_MAX);
        self.next = now + self.pause;
        Strike::Lost(self.next)
    }
}

/// To so many ports of a host that never answered this machine must have no way, until it has none to the host.
const REFUSED_PORTS_THAT_TELL: usize = 3;

/// How good a canary a port with this answer makes: listeners answer even where refusals are limited in rate. ICMP makes none:
/// every host limits it (Linux to one message per second and destination by default), so its silence says nothing.
fn usefulness(reason: Reason) -> u8 {
    if reason == Reason::Handshake { 2 } else { u8::from(matches!(reason, Reason::Rst | Reason::Refused)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn a_listener_makes_the_better_canary() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 1, Reason::Rst, false);
        alive.answered(at(2), 80, Reason::Handshake, false);
        alive.answered(at(3), 2, Reason::Rst, false);
        assert_eq!(alive.canary(), Some(80));
    }

    #[test]
    fn a_canary_that_was_replaced_while_it_was_out_comes_back() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 1, Reason::Rst, false);
        alive.silent(81, 1);
        alive.canary_is_out(at(2));
        alive.answered(at(3), 80, Reason::Handshake, false);
        alive.silent(82, 1);
        assert!(!alive.canary_due(at(4), || true), "the old one is still out");
        alive.answered(at(5), 1, Reason::Rst, true);
        alive.silent(83, 1);
        assert!(alive.canary_due(at(6), || true), "the new one can be asked");
    }

    #[test]
    fn a_host_that_is_cut_off_is_asked_again_if_there_is_something_to_ask() {
        let mut alive = Liveness::default();
        assert_eq!(alive.cut_off(at(1)), Strike::GaveUp);
        alive.answered(at(1), 80, Reason::Handshake, false);
        let Strike::Lost(next) = alive.cut_off(at(100)) else { panic!("not lost") };
        assert_eq!(alive.cut_off(at(101)), Strike::Lost(next), "other probes of the same flight");
        assert!(matches!(alive.cut_off(next), Strike::Lost(later) if later > next));
        let Strike::Lost(last) = alive.cut_off(at(100) + LOST_FOR) else {
            panic!("whoever was stopped has not waited")
        };
        assert_eq!(alive.cut_off(last), Strike::GaveUp);
    }

    #[test]
    fn a_port_that_this_machine_refuses_is_none_of_a_host_that_is_gone() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake, false);
        assert_eq!(alive.refused_here(at(2), 81), Refused::Host(Strike::Lost(at(2))));
        assert!(alive.in_doubt() && alive.canary_due(at(2), || false), "the canary is asked at once");
        assert_eq!(alive.refused_here(at(2), 82), Refused::Host(Strike::Lost(at(2))));
        alive.canary_is_out(at(2));
        alive.answered(at(3), 80, Reason::Handshake, true);
        assert_eq!(alive.refused_here(at(4), 81), Refused::Port);
        assert_eq!(alive.refused_here(at(4), 82), Refused::Port);
        assert_eq!(
            alive.refused_here(at(4), 83),
            Refused::Host(Strike::Lost(at(4))),
            "nothing is known of it"
        );
    }

    #[test]
    fn refusals_while_the_host_cannot_be_reached_are_forgotten() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake, false);
        alive.refused_here(at(2), 81);
        let Strike::Lost(next) = alive.cut_off(at(2)) else { panic!("gave up") };
        assert_eq!(next, at(2) + LOST_PAUSE);
        alive.answered(at(9_000), 80, Reason::Handshake, true);
        assert_eq!(alive.refused_here(at(9_001), 81), Refused::Host(Strike::Lost(at(9_001))));
    }

    #[test]
    fn without_a_canary_only_the_port_is_known() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::PortUnreachable, false);
        assert_eq!(alive.refused_here(at(2), 81), Refused::Port);
    }

    #[test]
    fn a_pause_does_not_count_as_being_lost() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake, false);
        alive.cut_off(at(100));
        alive.shift(LOST_FOR);
        assert!(matches!(alive.cut_off(at(700) + LOST_FOR), Strike::Lost(_)));
    }

    #[test]
    fn a_listener_tells_while_others_are_silent() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Rst, false);
        (0..CANARY_EVERY_SILENT).for_each(|_| alive.silent(81, 1));
        assert!(!alive.canary_would_tell(), "a refusal tells nothing of refusals");
        alive.answered(at(2), 22, Reason::Handshake, false);
        assert!(alive.canary_would_tell());
        alive.canary_is_out(at(3));
        assert!(!alive.canary_would_tell());
    }

    #[test]
    fn icmp_makes_no_canary() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 1, Reason::PortUnreachable, false);
        assert_eq!(alive.canary(), None);
    }

    #[test]
    fn silence_is_confirmed_by_a_later_answer() {
        let mut alive = Liveness::default();
        assert!(!alive.canary_due(at(0), || true), "nothing known to answer");
        alive.answered(at(1), 80, Reason::Handshake, false);
        assert!(!alive.canary_due(at(2), || true), "nothing silent");
        alive.silent(81, 1);
        assert!(!alive.canary_due(at(2), || false));
        assert!(alive.canary_due(at(2), || true), "before the host ends");
        assert!(alive.canary_due(at(600), || false), "after a while");
        alive.canary_is_out(at(600));
        assert!(!alive.canary_due(at(600), || true), "one at a time");
        assert_eq!(alive.answered(at(601), 80, Reason::Handshake, true), Confirmed::Silence(1));
        assert!(alive.is_confirmed());
    }

    #[test]
    fn a_lost_host_is_asked_ever_more_rarely_and_given_up() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake, false);
        alive.silent(81, 2);
        for _ in 1..CANARY_STRIKES {
            assert_eq!(alive.canary_silent(at(100), 2), Strike::Loss);
        }
        assert!(alive.in_doubt());
        let Strike::Lost(mut next) = alive.canary_silent(at(200), 2) else { panic!("not lost") };
        assert!(alive.is_lost());
        loop {
            assert!(!alive.canary_due(next.before(Duration::from_millis(1)), || true));
            assert!(alive.canary_due(next, || false));
            match alive.canary_silent(next, 2) {
                Strike::Lost(later) => {
                    assert!(later.since(next) <= LOST_PAUSE_MAX);
                    next = later;
                }
                Strike::GaveUp => break,
                Strike::Loss => panic!("already lost"),
            }
        }
        assert!(next.since(at(1)) >= LOST_FOR);
        assert_eq!(alive.take_unconfirmed(), [SilentPort { port: 81, attempts: 2 }]);
    }

    #[test]
    fn what_was_silent_while_the_host_was_away_is_asked_anew() {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake, false);
        alive.silent(81, 2);
        for _ in 0..CANARY_STRIKES {
            alive.canary_silent(at(100), 2);
        }
        let back = alive.answered(at(900), 80, Reason::Handshake, false);
        assert_eq!(back, Confirmed::CameBack(vec![SilentPort { port: 81, attempts: 2 }]));
        assert!(!alive.in_doubt());
    }

    fn with_canary() -> Liveness {
        let mut alive = Liveness::default();
        alive.answered(at(1), 80, Reason::Handshake, false);
        alive
    }

    #[test]
    fn the_canary_is_due_after_many_silent_ports_or_half_a_second() {
        let mut alive = with_canary();
        (1..64).for_each(|port| alive.silent(port, 1));
        assert!(!alive.canary_due(at(2), || false));
        alive.silent(64, 1);
        assert!(alive.canary_due(at(2), || false), "the 64th");

        let mut alive = with_canary();
        alive.silent(81, 1);
        assert!(!alive.canary_due(at(500), || false));
        assert!(alive.canary_due(at(501), || false), "half a second after the answer");
        alive.canary_is_out(at(501));
        alive.canary_returned();
        assert!(!alive.canary_due(at(1_000), || false));
        assert!(alive.canary_due(at(1_001), || false), "half a second after it was asked");
    }

    #[test]
    fn the_canary_waits_twice_as_long_with_every_strike() {
        let mut alive = with_canary();
        let second = Duration::from_secs(1);
        for strikes in 0..CANARY_STRIKES {
            assert_eq!(alive.canary_timeout(second), second * (1 << strikes));
            assert_eq!((alive.in_doubt(), alive.is_lost()), (strikes >= 2, false), "{strikes}");
            assert_eq!(alive.canary_due(at(2), || false), strikes > 0, "asked again at once");
            alive.canary_silent(at(2), 2);
        }
        assert_eq!(alive.canary_timeout(second), 16 * second);
    }

    #[test]
    fn what_the_last_canaries_say_of_the_loss() {
        // Oldest first; `x` stayed silent.
        for (canaries, heavy, light, heard) in [
            ("", false, false, true),
            ("xxx", false, false, true),
            ("xx..", true, false, true),
            ("x...", false, false, true),
            ("xx...", true, false, true),
            ("xxx.....", false, true, true),
            (".......", false, false, true),
            ("........", false, true, true),
            ("....xxxx", true, false, false),
            ("...xxxx.", true, false, true),
            ("xxxxxxxxxxxxxxxx..........", false, true, true),
        ] {
            let mut alive = with_canary();
            canaries.chars().for_each(|canary| alive.remember_canary(canary == 'x'));
            let said = (alive.is_loss_heavy(), alive.is_loss_light(), alive.was_heard_lately());
            assert_eq!(said, (heavy, light, heard), "{canaries:?}");
        }
        let mut alive = with_canary();
        assert!((alive.passing() - 1.0).abs() < 1e-9);
        for silent in [true, false, false, false] {
            alive.remember_canary(silent);
        }
        assert!((alive.passing() - 0.75).abs() < 1e-9);
        alive.forget_loss();
        assert!((alive.passing() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_strike_that_was_explained_is_none() {
        let mut alive = with_canary();
        (1..CANARY_STRIKES).for_each(|_| assert_eq!(alive.canary_silent(at(2), 2), Strike::Loss));
        alive.absolve();
        assert!(!alive.in_doubt() && !alive.canary_due(at(3), || true));
        assert_eq!(alive.canary_silent(at(4), 2), Strike::Loss, "the first again");
    }

    #[test]
    fn echoes_take_turns_among_the_first_listeners() {
        let mut alive = Liveness::default();
        assert_eq!(alive.listener(), None);
        for port in [22, 22, 80, 81, 82, 83, 84, 85, 86, 87, 88] {
            alive.answered(at(1), port, Reason::Handshake, false);
        }
        alive.answered(at(1), 1, Reason::Rst, false);
        let mut asked = Vec::new();
        for _ in 0..10 {
            asked.extend(alive.listener());
            alive.echo_is_out();
        }
        assert_eq!(asked, [22, 80, 81, 82, 83, 84, 85, 86, 22, 80]);
        alive.drop_canary();
        assert_eq!((alive.listener(), alive.canary()), (None, None));
    }

    #[test]
    fn what_loss_explains_is_no_sign_of_the_hosts_going() {
        let second = Duration::from_secs(1);
        for (by_chance, lost_by) in [(2, 4), (4, 4), (9, 9), (14, 14)] {
            let mut alive = with_canary();
            for strike in 1..lost_by {
                assert_eq!(alive.canary_silent(at(strike), by_chance), Strike::Loss);
                let left = lost_by - strike;
                assert_eq!(alive.in_doubt(), left <= 2, "{by_chance}: {strike}");
                let doublings = u32::try_from(4_u64.saturating_sub(left)).unwrap();
                assert_eq!(
                    alive.canary_timeout(second),
                    second * 2_u32.pow(doublings),
                    "{by_chance}: {strike}"
                );
            }
            assert!(matches!(alive.canary_silent(at(100), by_chance), Strike::Lost(_)), "{by_chance}");
        }
    }

    #[test]
    fn refusals_of_three_ports_are_of_a_host_that_never_answered() {
        let mut alive = Liveness::default();
        let told = [80, 80, 22, 22, 443].map(|port| alive.refused_unheard(port));
        assert_eq!(told, [false, false, false, false, true]);
    }

    #[test]
    fn the_pauses_of_a_lost_host_double() {
        let mut alive = with_canary();
        let mut now = at(100);
        let Strike::Lost(mut next) = alive.cut_off(now) else { panic!("gave up") };
        for pause in [500, 1_000, 2_000, 4_000, 4_000] {
            assert_eq!(next, now + Duration::from_millis(pause));
            now = next;
            match alive.cut_off(now) {
                Strike::Lost(later) => next = later,
                strike @ (Strike::Loss | Strike::GaveUp) => {
                    assert_eq!((strike, pause), (Strike::GaveUp, 4_000));
                }
            }
        }
    }

    #[test]
    fn a_pause_moves_what_is_waited_for() {
        let mut alive = with_canary();
        alive.silent(81, 1);
        alive.canary_is_out(at(100));
        alive.canary_returned();
        alive.shift(Duration::from_secs(10));
        assert!(!alive.canary_due(at(10_599), || false) && alive.canary_due(at(10_600), || false));
        alive.cut_off(at(10_600));
        alive.shift(Duration::from_secs(10));
        assert!(!alive.canary_due(at(21_099), || false) && alive.canary_due(at(21_100), || false));
    }
}
