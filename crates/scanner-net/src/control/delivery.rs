//! `Delivery`: how many attempts per second get through to a host, where something on the way passes only so many.
//!
//! A window cannot obey a firewall that passes N SYN/s: a short way brings any window to a higher rate than that, and what is silent
//! because it was dropped looks like a silent port. So, when listeners stop answering under load, the rate is measured: among the attempts
//! go *echoes*, attempts to ports that are known to listen, and the share of them that come back is the share of everything that gets
//! through. Times the rate at which all were sent it is the rate that passes (a bucket passes as much of a flood as of anything else),
//! and from then on the host is asked no faster. A measurement begins without echoes, which would meet what the bucket had saved up.
//!
//! A path that loses packets by chance loses the same share of them at any rate, so the rate that was found is proved before it is kept:
//! at it, more must get through. While a pace is kept one attempt in 32 is an echo, so that it follows the path.

mod measurement;
mod pace;

use std::time::Duration;

use self::measurement::{Measurement, Proof};
use self::pace::{Judgement, Pace};
use super::time::ScanTime;

/// One attempt in so many is an echo while a pace is kept.
const KEPT_SHARE: u32 = 32;
/// The most echoes per second where no limit is known of.
const SAMPLES_PER_SECOND: f64 = 200.0;
/// If a smaller share than this gets through too few echoes tell: at twice the rate that they point to, half of them will.
const TOO_LITTLE: f64 = 0.25;
/// A larger share than this is no limit at work: what brought the measurement about was the loss of two in five. It is far enough from
/// all of them that a path which loses some does not pass for one by luck.
const ALL_BUT_CHANCE: f64 = 0.75;
/// At a proof so much gets through at least where its rate is the right one; of less, what did get through is the better measure, as the
/// first was taken of a flood.
const NEARLY_ALL: f64 = 0.9;
/// A pace is kept this much below the measured rate: a queue that is never full loses nothing, and a silent port then needs two
/// attempts instead of four.
const BELOW: f64 = 0.97;
/// Slower than this no measurement asks: two minutes for its echoes.
const SLOWEST: f64 = 2.0;
/// A search begins no lower, where the host was asked that fast before: each step takes some hundred attempts, and goes down by eight,
/// but up only by two. When it begins, the host may have been asked little for a while, as it was in doubt.
const FIRST_RATE: f64 = 400.0;
/// Measurements per host, and how many of them void what was asked before: bounds the work.
const MEASUREMENTS: u32 = 6;
const VOIDING: u32 = 2;
/// So often must too little get through before all that gets through at half the rate shows a limit: once may be a path that stood still.
const FAILURES: u8 = 2;
/// How often a rate is tried before the loss is taken for chance.
const PROOFS: u8 = 2;
/// What is made up for when a timer was late: the driver's are exact to 1 ms. Also the largest burst of a pace that was not used.
const CREDIT: Duration = Duration::from_millis(4);

/// What came of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found {
    /// So many attempts per second get through, and no more are sent from now on. Whether silence before that is void.
    Rate { rate: f64, voids: bool },
    /// No limit up to so many attempts per second, at least.
    NoLimit { rate: f64 },
    /// Nothing came back at all.
    Nothing,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivery {
    sent: Meter,
    state: State,
    measurements: u32,
    is_chance: bool,
    /// When the next attempt is due at the pace that is kept.
    due: ScanTime,
    /// What was asked until then, and stayed silent, is asked anew.
    void_until: Option<ScanTime>,
    /// Attempts so far.
    attempts: u32,
    /// The most attempts per second at which no limit was known of.
    fastest: f64,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// No limit is known of.
    #[default]
    Free,
    Measuring(Measurement),
    Paced(Pace),
}

/// Counts per second, over the last quarter of one or so.
#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    since: ScanTime,
    count: u32,
    rate: f64,
}

impl Meter {
    const SPAN: Duration = Duration::from_millis(250);

    fn count(&mut self, now: ScanTime) {
        let span = now.since(self.since);
        if span >= Self::SPAN {
            self.rate = f64::from(self.count) / span.as_secs_f64();
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
    }

    fn rate(&self, now: ScanTime) -> f64 {
        let span = now.since(self.since).as_secs_f64();
        self.rate.max(f64::from(self.count) / span.max(Self::SPAN.as_secs_f64()))
    }
}

impl Delivery {
    /// Attempts per second that are kept to now.
    pub(crate) const fn rate(&self) -> Option<f64> {
        match &self.state {
            State::Free => None,
            State::Measuring(it) => Some(it.rate),
            State::Paced(pace) => Some(pace.rate),
        }
    }

    pub(crate) const fn is_measuring(&self) -> bool {
        matches!(self.state, State::Measuring(_))
    }

    /// Whether a measurement found that loss is the same at a lower rate.
    pub(crate) const fn found_no_limit(&self) -> bool {
        self.is_chance
    }

    /// Whether a measurement lacks echoes.
    pub(crate) const fn lacks_echoes(&self) -> bool {
        matches!(self.state, State::Measuring(Measurement { ended: None, .. }))
    }

    /// Whether the silence of an attempt that was made at `sent` says nothing, as more was sent then than gets through.
    pub(crate) fn is_void(&self, sent: ScanTime) -> bool {
        self.void_until.is_some_and(|until| sent <= until)
    }

    /// Whether the pace is what limits loss, so that no window must.
    pub(crate) const fn is_in_charge(&self) -> bool {
        !matches!(self.state, State::Free)
    }

    /// Until when the host is not to be asked anything; `None` is now.
    pub(crate) fn wait_until(&self, now: ScanTime) -> Option<ScanTime> {
        (self.is_in_charge() && self.due > now).then_some(self.due)
    }

    /// Whether the next attempt should be an echo; `idle` says that there is nothing else to ask.
    pub(crate) const fn echo_due(&self, now: ScanTime, idle: bool) -> bool {
        match &self.state {
            State::Free => false,
            State::Measuring(it) => {
                it.ended.is_none() && (idle || !it.is_spending(now) && self.is_one_in(it.share()))
            }
            State::Paced(_) => self.is_one_in(KEPT_SHARE),
        }
    }

    /// Whether the next attempt is one of the `1 / share` of them that are spread evenly, and out of step with everything: a limit
    /// that lets every fourth attempt through must not meet every fourth as an echo. Multiples of the golden ratio are.
    const fn is_one_in(&self, share: u32) -> bool {
        self.attempts.wrapping_mul(0x9e37_79b9) < u32::MAX / share
    }

    /// Whether the next attempt is one of the few in a thousand that are to tell how much gets lost where no limit is known of.
    pub(crate) fn sample_due(&self, now: ScanTime) -> bool {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate")]
        let share = (self.sent.rate(now) / SAMPLES_PER_SECOND) as u32;
        self.is_one_in(share.max(KEPT_SHARE))
    }

    /// An attempt is made.
    pub(crate) fn sent(&mut self, now: ScanTime, is_echo: bool) {
        self.sent.count(now);
        self.attempts = self.attempts.wrapping_add(1);
        let Some(rate) = self.rate() else {
            self.fastest = self.fastest.max(self.sent.rate);
            return;
        };
        let late = now.since(self.due);
        let from = self.due.max(now.before(CREDIT));
        self.due = from + Duration::from_secs_f64(1.0 / rate);
        if let State::Measuring(it) = &mut self.state
            && it.ended.is_none()
        {
            it.sent(now, late, is_echo);
        }
    }

    /// Something came of an attempt that was made at `sent`. What a measurement found, once its last attempt is back.
    pub(crate) fn came_back(
        &mut self,
        now: ScanTime,
        sent: ScanTime,
        is_echo: bool,
        answered: bool,
    ) -> Option<Found> {
        match &mut self.state {
            State::Free => None,
            State::Paced(pace) => {
                if is_echo && pace.echo(now, answered) == Judgement::Wrong {
                    self.measure(now, 0.0);
                }
                None
            }
            State::Measuring(it) => {
                if it.includes(sent) {
                    it.all.came_back(answered);
                    if is_echo {
                        it.echoes.came_back(answered);
                    }
                }
                if it.ended.is_some() && it.all.back >= it.all.sent { self.conclude(now) } else { None }
            }
        }
    }

    /// An attempt was not made after all, and tells nothing.
    pub(crate) fn taken_back(&mut self, sent: ScanTime, is_echo: bool) {
        if let State::Measuring(it) = &mut self.state
            && it.includes(sent)
        {
            it.made = it.made.saturating_sub(1);
            it.forget(is_echo);
        }
    }

    /// An attempt, or a copy of it, is given up as the other was answered.
    pub(crate) fn released(&mut self, sent: ScanTime) {
        if let State::Measuring(it) = &mut self.state
            && it.includes(sent)
        {
            it.forget(false);
        }
    }

    /// The next attempt is a copy.
    pub(crate) const fn copy_is_out(&mut self) {
        if let State::Measuring(it) = &mut self.state {
            it.hedged = true;
        }
    }

    /// Whether copies of attempts keep nothing else waiting.
    pub(crate) fn has_room_for_copies(&self) -> bool {
        match &self.state {
            State::Free => true,
            State::Measuring(it) => it.has_room_for_copies(),
            State::Paced(_) => false,
        }
    }

    /// Listeners stopped answering under load. `passing` is the share of them that still do; whether the rate is measured now.
    pub(crate) fn measure(&mut self, now: ScanTime, passing: f64) -> bool {
        if self.is_measuring() || self.measurements >= MEASUREMENTS {
            return false;
        }
        self.measurements += 1;
        let known = matches!(self.state, State::Paced(_));
        let sent = self.sent.rate(now).max(SLOWEST);
        // Loss that slowed the host down was seen at a higher rate than the one of now.
        let at_most = if known { sent } else { sent.max(self.fastest) };
        // Twice what seems to get through: then half of it does, which tells most.
        let rate = (2.0 * sent * passing.max(0.1)).max(FIRST_RATE).min(at_most);
        self.begin(now, rate, at_most, Proof::Search { known, failed: 0, least: f64::INFINITY });
        true
    }

    /// How many attempts may wait at once while the rate is measured, where silence is noticed after `timeout`: the pace is to be what
    /// limits them.
    pub(crate) fn window(&self, timeout: Duration) -> u32 {
        let State::Measuring(it) = &self.state else { return 0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number, cut at the largest"
        )]
        let window = (it.at_most * timeout.as_secs_f64()).ceil() as u32;
        window
    }

    fn begin(&mut self, now: ScanTime, rate: f64, at_most: f64, proof: Proof) {
        self.due = now;
        self.state = State::Measuring(Measurement::new(now, rate.max(SLOWEST), at_most, proof));
    }

    fn conclude(&mut self, now: ScanTime) -> Option<Found> {
        let State::Measuring(it) = self.state else { return None };
        if it.all.answered == 0 {
            // Not one: whether the host is there at all must be found out first.
            self.state = State::Free;
            return Some(Found::Nothing);
        }
        let share = it.share_that_passes();
        let measured = it.real_rate() * share;
        let lower = measured * BELOW;
        let passed = if share >= NEARLY_ALL { it.rate } else { lower };
        match it.proof {
            Proof::Of { before, .. } if share >= f64::midpoint(before, 1.0) => {
                return Some(self.keep(now, passed));
            }
            // What a bucket had saved up makes it look larger once.
            Proof::Of { nth, searched, .. } if nth < PROOFS => {
                self.begin(now, lower, it.at_most, Proof::Of { nth: nth + 1, before: share, searched });
            }
            // A path that loses packets by chance loses as many of them at the lower rate.
            Proof::Of { searched, .. } => return Some(self.unlimited(searched)),
            Proof::Search { known, .. } if share >= ALL_BUT_CHANCE && it.rate >= it.at_most => {
                // A pace that was kept was a little too fast, no more than that.
                return Some(if known { self.keep(now, lower) } else { self.unlimited(it.rate) });
            }
            Proof::Search { failed, least, .. } if share >= ALL_BUT_CHANCE => {
                let next = (it.rate * 2.0).min(it.at_most);
                if next >= least && failed >= FAILURES {
                    // A queue that fills for seconds lets all through at the one rate, and nothing in time at twice that.
                    return Some(self.keep(now, passed));
                }
                self.begin(now, next, it.at_most, it.proof);
            }
            Proof::Search { known, failed, least } if share < TOO_LITTLE && it.rate > SLOWEST => {
                let proof =
                    Proof::Search { known, failed: failed.saturating_add(1), least: it.rate.min(least) };
                self.begin(now, (measured * 2.0).max(it.rate / 8.0), it.at_most, proof);
            }
            Proof::Search { known: true, .. } => return Some(self.keep(now, lower)),
            Proof::Search { known: false, .. } => {
                self.begin(now, lower, it.at_most, Proof::Of { nth: 1, before: share, searched: it.rate });
            }
        }
        None
    }

    const fn unlimited(&mut self, rate: f64) -> Found {
        self.state = State::Free;
        self.is_chance = true;
        // It may be tried once more, in case the path has changed.
        if self.measurements < MEASUREMENTS - 1 {
            self.measurements = MEASUREMENTS - 1;
        }
        Found::NoLimit { rate }
    }

    fn keep(&mut self, now: ScanTime, rate: f64) -> Found {
        self.state = State::Paced(Pace::new(rate));
        self.due = now;
        self.is_chance = false;
        let voids = self.measurements <= VOIDING;
        if voids {
            self.void_until = Some(now);
        }
        Found::Rate { rate, voids }
    }
}

#[cfg(test)]
mod tests {
    use super::measurement::{ECHOES, Tally};
    use super::*;

    /// A bucket of the path.
    struct Limit {
        rate: f64,
        burst: f64,
        tokens: f64,
        filled: ScanTime,
    }

    impl Limit {
        fn new(rate: f64, burst: f64) -> Self {
            Self { rate, burst, tokens: 0.0, filled: ScanTime::ZERO }
        }

        fn passes(&mut self, now: ScanTime) -> bool {
            self.tokens = (self.tokens + now.since(self.filled).as_secs_f64() * self.rate).min(self.burst);
            self.filled = now;
            let passes = self.tokens >= 1.0;
            self.tokens -= f64::from(u8::from(passes));
            passes
        }
    }

    /// Asks a host whose ports all answer, `unpaced` attempts per second where nothing else is known, from `from` on for `span`; what
    /// comes back does so at once. Returns what measurements found, and the moment.
    fn ask(
        delivery: &mut Delivery,
        (from, span): (ScanTime, Duration),
        unpaced: f64,
        passes: &mut dyn FnMut(ScanTime) -> bool,
    ) -> Vec<Found> {
        let (mut now, mut found) = (from, Vec::new());
        while now < from + span {
            if let Some(due) = delivery.wait_until(now) {
                now = due;
                continue;
            }
            let is_echo = delivery.echo_due(now, false);
            delivery.sent(now, is_echo);
            found.extend(delivery.came_back(now, now, is_echo, passes(now)));
            if !delivery.is_in_charge() {
                now = now + Duration::from_secs_f64(1.0 / unpaced);
            }
        }
        found
    }

    const BEGINNING: (ScanTime, Duration) = (ScanTime::ZERO, Duration::from_secs(1));
    const THEN: (ScanTime, Duration) = (ScanTime::after(Duration::from_secs(1)), Duration::from_secs(20));

    const fn searching(known: bool) -> Proof {
        Proof::Search { known, failed: 0, least: f64::INFINITY }
    }

    /// The n-th proof of what was found at 250 attempts per second, of which half had got through.
    fn proof_of(nth: u8) -> Proof {
        Proof::Of { nth, before: 0.5, searched: 250.0 }
    }

    #[test]
    fn finds_what_gets_through_and_keeps_to_it() {
        for (limit, burst, unpaced) in [
            (100.0, 5.0, 2_000.0),
            (500.0, 20.0, 20_000.0),
            (1_000.0, 1_000.0, 20_000.0),
            (10_000.0, 100.0, 50_000.0),
        ] {
            let (mut delivery, mut bucket) = (Delivery::default(), Limit::new(limit, burst));
            assert_eq!(
                ask(&mut delivery, BEGINNING, unpaced, &mut |now| bucket.passes(now)),
                [],
                "not asked for"
            );
            assert!(delivery.measure(BEGINNING.0 + BEGINNING.1, 0.3));
            let found = ask(&mut delivery, THEN, unpaced, &mut |now| bucket.passes(now));
            let &[Found::Rate { rate, voids: true }] = found.as_slice() else {
                panic!("{found:?} of {limit}")
            };
            assert!((rate / limit - 0.97).abs() < 0.15, "{rate} of {limit}");
            let kept = delivery.rate().unwrap();
            assert!((0.88..=1.05).contains(&(kept / limit)), "{kept} of {limit} is kept to");
        }
    }

    #[test]
    fn loss_by_chance_is_no_limit() {
        let mut delivery = Delivery::default();
        let mut state = 1_u32;
        let mut chance = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state > u32::MAX / 5 * 2
        };
        ask(&mut delivery, BEGINNING, 5_000.0, &mut chance);
        assert!(delivery.measure(THEN.0, 0.6));
        assert_eq!(ask(&mut delivery, THEN, 5_000.0, &mut chance), [Found::NoLimit { rate: 5_000.0 }]);
        assert_eq!(delivery.rate(), None);
    }

    #[test]
    fn a_host_that_falls_silent_is_not_measured_on() {
        let mut delivery = Delivery::default();
        ask(&mut delivery, BEGINNING, 5_000.0, &mut |_| true);
        assert!(delivery.measure(THEN.0, 0.0));
        assert_eq!(ask(&mut delivery, THEN, 5_000.0, &mut |_| false), [Found::Nothing]);
    }

    #[test]
    fn a_limit_that_falls_is_followed() {
        let (mut delivery, mut bucket) = (Delivery::default(), Limit::new(1_000.0, 50.0));
        ask(&mut delivery, BEGINNING, 20_000.0, &mut |now| bucket.passes(now));
        delivery.measure(THEN.0, 0.3);
        ask(&mut delivery, THEN, 20_000.0, &mut |now| bucket.passes(now));
        bucket.rate = 250.0;
        ask(&mut delivery, (THEN.0 + THEN.1, THEN.1), 20_000.0, &mut |now| bucket.passes(now));
        let kept = delivery.rate().unwrap();
        assert!((200.0..=280.0).contains(&kept), "{kept}");
    }

    /// As behind a queue that holds what comes in seconds: at too high a rate every answer is late.
    #[test]
    fn a_search_between_all_and_nothing_comes_to_an_end() {
        let mut delivery = Delivery::default();
        ask(&mut delivery, BEGINNING, 400.0, &mut |_| true);
        assert!(delivery.measure(THEN.0, 0.3));
        let mut last = ScanTime::ZERO;
        let mut spacing = Duration::from_secs(1);
        let mut passes = |now: ScanTime| {
            spacing = (spacing * 7 + now.since(last)) / 8;
            last = now;
            spacing >= Duration::from_millis(40) || now.elapsed().as_millis().is_multiple_of(20)
        };
        let found = ask(&mut delivery, (THEN.0, Duration::from_mins(2)), 400.0, &mut passes);
        let &[Found::Rate { rate, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert!((8.0..=25.0).contains(&rate), "{rate}");
    }

    #[test]
    fn measurements_come_to_an_end() {
        let mut delivery = Delivery::default();
        let mut began = 0;
        for turn in 0..20 {
            began += u32::from(delivery.measure(ScanTime::after(Duration::from_secs(turn * 20)), 0.5));
            ask(
                &mut delivery,
                (ScanTime::after(Duration::from_secs(turn * 20)), Duration::from_secs(10)),
                100.0,
                &mut |_| true,
            );
        }
        assert_eq!(began, 2, "once more, in case the path has changed");
    }

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn the_meter_counts_per_second() {
        let mut meter = Meter::default();
        for ms in 0..250 {
            meter.count(at(ms));
        }
        assert!((meter.rate(at(125)) - 1_000.0).abs() < 1e-6, "over no less than its span");
        assert!((meter.rate(at(500)) - 500.0).abs() < 1e-6);
        meter.count(at(250));
        assert!((meter.rate - 1_000.0).abs() < 1e-6, "250 in a quarter of a second");
        assert_eq!((meter.since, meter.count), (at(250), 1));
        assert!((meter.rate(at(10_000)) - 1_000.0).abs() < 1e-6, "until the next are counted");
    }

    #[test]
    fn a_measurement_begins_at_twice_what_seems_to_get_through() {
        for (passing, rate) in
            [(1.0, 1_000.0), (0.5, 1_000.0), (0.3, 600.0), (0.1, FIRST_RATE), (0.0, FIRST_RATE)]
        {
            let mut delivery = Delivery::default();
            (0..250).for_each(|ms| delivery.sent(at(ms), false));
            assert!(delivery.measure(at(250), passing));
            let begun = delivery.rate().unwrap();
            assert!((begun - rate).abs() < 1e-6, "{begun}, not {rate}, where {passing} pass");
            assert!(!delivery.measure(at(250), passing), "one at a time");
            assert!(delivery.is_measuring() && delivery.is_in_charge() && delivery.lacks_echoes());
        }
        let mut idle = Delivery::default();
        idle.measure(at(0), 0.5);
        assert!((idle.rate().unwrap() - SLOWEST).abs() < 1e-6);
    }

    fn paced(rate: f64) -> Delivery {
        let mut delivery = Delivery::default();
        delivery.keep(ScanTime::ZERO, rate);
        delivery
    }

    #[test]
    fn a_pace_is_kept_to_the_millisecond_and_makes_up_for_late_timers() {
        let mut delivery = paced(1_000.0);
        delivery.sent(at(10), false);
        // 4 ms are made up for: five of them at once, the next a millisecond later.
        let mut sent = 1;
        while delivery.wait_until(at(10)).is_none() {
            delivery.sent(at(10), false);
            sent += 1;
        }
        assert_eq!((sent, delivery.wait_until(at(10))), (5, Some(at(11))));
        assert_eq!(delivery.wait_until(at(11)), None);
    }

    #[test]
    fn echoes_are_as_many_as_a_state_needs() {
        let share = |delivery: &mut Delivery, now, idle| {
            let echoes = (0..12_800).filter(|_| {
                delivery.attempts = delivery.attempts.wrapping_add(1);
                delivery.echo_due(now, idle)
            });
            echoes.count()
        };
        assert_eq!(share(&mut Delivery::default(), at(9), true), 0);
        assert!((398..=402).contains(&share(&mut paced(100.0), at(9), false)));
        let mut measuring = Delivery::default();
        measuring.begin(at(1_000), 500.0, 500.0, searching(false));
        assert_eq!(share(&mut measuring, at(1_133), false), 0, "the first third spends what was saved up");
        assert!((3_198..=3_202).contains(&share(&mut measuring, at(1_134), false)));
        assert_eq!(share(&mut measuring, at(1_000), true), 12_800, "nothing else to ask");
        measuring.begin(at(1_000), 4_800.0, 4_800.0, searching(false));
        // 1,280 attempts in the rest of it, 64 of them echoes.
        assert!((638..=642).contains(&share(&mut measuring, at(1_134), false)));
    }

    #[test]
    fn samples_are_two_hundred_per_second_at_most() {
        for (per_ms, samples) in [(1, 400), (6, 400), (20, 128)] {
            let mut delivery = Delivery::default();
            for ms in 0..=250 {
                (0..per_ms).for_each(|_| delivery.sent(at(ms), false));
            }
            let taken = (0..12_800).filter(|_| {
                delivery.attempts = delivery.attempts.wrapping_add(1);
                delivery.sample_due(at(250))
            });
            let taken = taken.count();
            assert!(taken.abs_diff(samples) <= 4, "{taken} at {per_ms} per ms");
        }
    }

    /// A host in doubt is asked little, and what it was asked before is what met the loss.
    #[test]
    fn a_search_does_not_begin_at_the_pace_of_a_host_in_doubt() {
        for (per_ms, first) in [(4, FIRST_RATE), (0, 2.0 * SLOWEST)] {
            let mut delivery = Delivery::default();
            (0..1_000 * per_ms).for_each(|n| delivery.sent(at(n / per_ms), false));
            for n in 0..10 {
                delivery.sent(at(2_000 + 500 * n), false);
            }
            assert!(delivery.measure(at(7_000), 0.5));
            assert_eq!(delivery.rate(), Some(first.min(delivery.fastest.max(SLOWEST))), "{per_ms}");
        }
    }

    #[test]
    fn only_what_was_sent_before_a_limit_was_found_is_void() {
        let mut delivery = Delivery { measurements: VOIDING, ..Delivery::default() };
        assert_eq!(delivery.keep(at(50), 100.0), Found::Rate { rate: 100.0, voids: true });
        assert!(delivery.is_void(at(50)) && !delivery.is_void(at(51)));
        delivery.measurements = VOIDING + 1;
        assert_eq!(delivery.keep(at(90), 100.0), Found::Rate { rate: 100.0, voids: false });
        assert!(!delivery.is_void(at(51)));
    }

    #[test]
    fn a_measurement_ends_with_enough_echoes_and_counts_what_is_of_it() {
        let mut delivery = Delivery::default();
        delivery.begin(at(1_000), 100.0, 200.0, searching(true));
        for n in 0..u64::from(ECHOES) {
            delivery.sent(at(1_000 + n * 10), true);
        }
        assert!(!delivery.lacks_echoes(), "64 of them");
        let State::Measuring(it) = delivery.state else { panic!("{:?}", delivery.state) };
        assert_eq!((it.ended, it.echoes.sent, it.all.sent), (Some(at(1_630)), 64, 64));
        assert!((it.real_rate() - 64.0 / 0.63).abs() < 1e-6);
        delivery.taken_back(at(999), true);
        delivery.taken_back(at(1_631), true);
        delivery.taken_back(at(1_000), true);
        delivery.taken_back(at(1_630), false);
        assert_eq!(delivery.came_back(at(1_700), at(999), true, true), None, "of before");
        assert_eq!(delivery.came_back(at(1_700), at(1_631), true, true), None, "of later");
        let State::Measuring(it) = delivery.state else { panic!("{:?}", delivery.state) };
        assert_eq!((it.all.sent, it.echoes.sent, it.all.back), (62, 63, 0));
        for n in 0..62 {
            let found = delivery.came_back(at(1_700), at(1_000), true, n % 2 == 0);
            assert_eq!(found.is_some(), n == 61, "{n}");
        }
        let expected = 62.0 / 0.63 * 0.5 * BELOW;
        assert!((delivery.rate().unwrap() - expected).abs() < 1e-6);
    }

    /// Whoever was slowed down by loss asks at a rate that gets through, mostly: the limit lies between that and the rate of before.
    #[test]
    fn a_limit_is_looked_for_up_to_the_fastest_rate_so_far() {
        let mut delivery = Delivery::default();
        (0..10_000_u64).for_each(|n| delivery.sent(ScanTime::after(Duration::from_micros(n * 100)), false));
        (0..100).for_each(|n| delivery.sent(at(1_000 + n * 10), false));
        assert!(delivery.measure(at(2_000), 0.9));
        let State::Measuring(it) = delivery.state else { panic!("no measurement") };
        assert!((it.at_most - 10_000.0).abs() < 100.0 && it.rate <= FIRST_RATE, "{it:?}");
        assert!((f64::from(delivery.window(Duration::from_millis(100))) - it.at_most / 10.0).abs() < 1.0);
        let mut limit = Limit::new(1_000.0, 50.0);
        let span = (at(2_000), Duration::from_secs(20));
        let found = ask(&mut delivery, span, 100.0, &mut |now| limit.passes(now));
        assert!(
            matches!(found[..], [Found::Rate { rate, .. }] if (850.0..1_100.0).contains(&rate)),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_given_up_for_a_copy_was_made() {
        let mut delivery = Delivery::default();
        delivery.begin(at(1_000), 100.0, 200.0, searching(false));
        delivery.sent(at(1_000), false);
        delivery.copy_is_out();
        delivery.sent(at(1_010), false);
        delivery.released(at(1_010));
        delivery.sent(at(1_020), false);
        delivery.taken_back(at(1_020), false);
        let State::Measuring(it) = delivery.state else { panic!("{:?}", delivery.state) };
        assert_eq!((it.made, it.all.sent, it.hedged), (2, 1, true));
    }

    /// A process that was stopped has not measured meanwhile; one that may have but one connection at a time measures at that rate.
    #[test]
    fn a_measurement_ends_though_each_attempt_is_kept_back() {
        for gaps in [1, 8, 1_000] {
            let mut delivery = Delivery::default();
            delivery.begin(at(0), 100.0, 100.0, searching(false));
            let mut now = at(0);
            for n in 0..ECHOES {
                assert!(delivery.lacks_echoes(), "{gaps}: {n}");
                delivery.sent(now, true);
                now = now + Duration::from_millis(if n < gaps { 1_000 } else { 10 });
            }
            let State::Measuring(it) = delivery.state else { panic!("{:?}", delivery.state) };
            assert!(it.ended.is_some(), "{gaps}");
            let rate = if gaps > 8 { 64.0 / 55.0 } else { 100.0 };
            assert!((it.real_rate() / rate - 1.0).abs() < 0.2, "{gaps}: {}", it.real_rate());
        }
    }

    /// What comes of a measurement in which `answered` of 100 attempts of one second were, and the rate after it.
    fn concluded(rate: f64, at_most: f64, proof: Proof, answered: u32) -> (Option<Found>, Delivery) {
        let all = Tally { sent: 100, back: 100, answered };
        let mut it = Measurement::new(at(0), rate, at_most, proof);
        (it.ended, it.all, it.echoes, it.made) = (Some(at(1_000)), all, all, 100);
        let mut delivery = Delivery { state: State::Measuring(it), measurements: 1, ..Delivery::default() };
        (delivery.conclude(at(1_100)), delivery)
    }

    #[test]
    fn a_measurement_leads_to_the_next_or_to_an_end() {
        let (search, known) = (searching(false), searching(true));
        let failed = |failed, least| Proof::Search { known: false, failed, least };
        for (rate, at_most, proof, answered, next) in [
            (100.0, 400.0, search, 75, 200.0),
            (100.0, 150.0, search, 75, 150.0),
            (100.0, 400.0, search, 74, 74.0 * BELOW),
            (100.0, 100.0, search, 20, 40.0),
            (100.0, 100.0, known, 5, 12.5),
            (100.0, 100.0, search, 25, 25.0 * BELOW),
            (100.0, 100.0, proof_of(1), 74, 74.0 * BELOW),
            (100.0, 400.0, failed(2, 201.0), 75, 200.0),
            (100.0, 400.0, failed(1, 200.0), 75, 200.0),
        ] {
            let (found, delivery) = concluded(rate, at_most, proof, answered);
            assert_eq!((found, delivery.is_measuring()), (None, true), "{rate} {proof:?} {answered}");
            let begun = delivery.rate().unwrap();
            assert!((begun - next).abs() < 1e-6, "{rate} {proof:?} {answered}: {begun}");
        }
        for (rate, at_most, proof, answered, kept) in [
            (100.0, 400.0, known, 25, 25.0 * BELOW),
            (100.0, 100.0, known, 85, 85.0 * BELOW),
            (SLOWEST, 400.0, known, 20, 20.0 * BELOW),
            (100.0, 400.0, proof_of(1), 75, 75.0 * BELOW),
            (100.0, 400.0, proof_of(2), 89, 89.0 * BELOW),
            (100.0, 400.0, proof_of(2), 90, 100.0),
            (100.0, 400.0, failed(2, 200.0), 75, 75.0 * BELOW),
            (100.0, 400.0, failed(2, 200.0), 90, 100.0),
        ] {
            let (found, delivery) = concluded(rate, at_most, proof, answered);
            assert!(matches!(found, Some(Found::Rate { voids: true, .. })), "{found:?}");
            let pace = delivery.rate().unwrap();
            assert!((pace - kept).abs() < 1e-6, "{rate} {proof:?} {answered}: {pace}");
            assert!(!delivery.is_measuring() && !delivery.found_no_limit());
        }
        for (proof, answered, rate) in [(search, 75, 100.0), (proof_of(2), 74, 250.0)] {
            let (found, delivery) = concluded(100.0, 100.0, proof, answered);
            assert_eq!(
                (found, delivery.rate()),
                (Some(Found::NoLimit { rate }), None),
                "{proof:?} {answered}"
            );
            assert!(delivery.found_no_limit());
        }
        let (found, delivery) = concluded(100.0, 100.0, search, 0);
        assert_eq!((found, delivery.rate(), delivery.found_no_limit()), (Some(Found::Nothing), None, false));
    }
}
