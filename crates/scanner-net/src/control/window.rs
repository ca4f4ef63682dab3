//! `Window`: how many probes may wait for an answer.

use super::time::ScanTime;

/// A congestion window in probes: slow start to a threshold, then one more per window's worth of answers; halved on
/// evidence of loss, at most once per flight. Never below 2 (a retry and a canary must fit) and, as random loss says
/// nothing about the path's capacity, evidence of loss does not push it below half its first value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    size: f64,
    /// The same in whole probes: it is asked for time and again, and changes little.
    whole: u32,
    threshold: f64,
    cap: f64,
    /// Loss does not push it below this.
    floor: f64,
    /// The most probes that waited at once since the window last grew, and its size when the last of them was sent.
    used: u32,
    size_then: f64,
    /// It grew since then.
    has_grown: bool,
    reduced_at: Option<ScanTime>,
}

/// Beyond the size at which loss was heavy, and is no more, a window grows by one in so many of its answers, an eighth per flight:
/// TCP's one per flight would take a minute to fill a path of 80 ms again. Until loss is known to be light it is one per flight.
const CAREFUL: f64 = 8.0;

impl Window {
    /// A window that starts at `initial` and never exceeds `cap`.
    pub(crate) fn new(initial: f64, cap: u32) -> Self {
        let cap = f64::from(cap.max(1));
        let mut window = Self {
            size: 0.0,
            whole: 0,
            threshold: f64::INFINITY,
            cap,
            floor: (initial / 2.0).max(2.0),
            used: 0,
            size_then: 0.0,
            has_grown: false,
            reduced_at: None,
        };
        window.set(initial.clamp(1.0, cap));
        window
    }

    /// How many probes may wait at once; at least 1.
    pub(crate) const fn size(&self) -> u32 {
        self.whole
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 1 and the cap, a u32"
    )]
    const fn set(&mut self, size: f64) {
        self.size = size;
        self.whole = size as u32;
    }

    /// `in_flight` probes wait now, the one just sent among them.
    pub(crate) fn sent(&mut self, in_flight: u32) {
        let since_then = if std::mem::take(&mut self.has_grown) { 0 } else { self.used };
        self.used = since_then.max(in_flight);
        self.size_then = self.size;
    }

    /// Evidence that the path carries what it is given: `answers` more answers came. A window that was not in use since it
    /// last grew has shown nothing and stays (RFC 7661); what counts is how many waited at once, as probes that stay silent
    /// expire together before a canary confirms them, and of how many that could: answers are read together, too, and the last of
    /// them says as much as the first.
    pub(crate) fn grow(&mut self, answers: u32, light_loss: bool) {
        if f64::from(self.used) * 2.0 < self.size_then {
            return;
        }
        self.has_grown = true;
        if self.size >= self.cap {
            return;
        }
        let answers = f64::from(answers);
        let step = match () {
            () if self.size < self.threshold => answers,
            () if light_loss => answers / CAREFUL,
            () => answers / self.size,
        };
        self.set((self.size + step).min(self.cap));
    }

    /// Grows for want of evidence rather than on evidence: what protects the path is the `bound`, so the way there is short, four
    /// times the window for each of its lengths.
    pub(crate) fn grow_below(&mut self, bound: u32) {
        if self.size < f64::from(bound) {
            self.grow(3, true);
            self.set(self.size.min(f64::from(bound)));
        }
    }

    /// At least so many may wait, as something else has decided.
    pub(crate) fn raise(&mut self, least: u32) {
        self.set(self.size.max(f64::from(least).min(self.cap)));
    }

    /// Loss does not push it below `least` any more, as far as it is that large.
    pub(crate) const fn hold(&mut self, least: f64) {
        self.floor = self.floor.max(least);
    }

    /// What was taken for loss was none: the window grows as if nothing had reduced it.
    pub(crate) const fn absolve(&mut self) {
        self.threshold = f64::INFINITY;
    }

    /// Whether there ever was evidence of loss.
    pub(crate) const fn was_reduced(&self) -> bool {
        self.reduced_at.is_some()
    }

    /// Evidence that a probe sent at `sent` was lost. Losses of one flight count once; whether this one did.
    pub(crate) fn reduce(&mut self, sent: ScanTime, now: ScanTime) -> bool {
        if self.reduced_at.is_some_and(|last| sent <= last) {
            return false;
        }
        self.reduced_at = Some(now);
        self.set((self.size / 2.0).max(self.floor.min(self.size)));
        self.threshold = self.size;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    /// So many answers come while so many probes wait.
    fn grow(window: &mut Window, answers: u32, in_flight: u32, light_loss: bool) {
        window.sent(in_flight);
        window.grow(answers, light_loss);
    }

    #[test]
    fn doubles_per_flight_until_the_threshold() {
        let mut window = Window::new(10.0, 1000);
        for expected in [20, 40, 80] {
            let flight = window.size();
            for _ in 0..flight {
                grow(&mut window, 1, flight, false);
            }
            assert_eq!(window.size(), expected);
        }
        window.reduce(at(1), at(2));
        assert_eq!(window.size(), 40);
        for _ in 0..40 {
            grow(&mut window, 1, 40, false);
        }
        assert_eq!(window.size(), 40, "one per flight: 40.99…");
        grow(&mut window, 1, 40, false);
        assert_eq!(window.size(), 41);
    }

    #[test]
    fn losses_of_one_flight_count_once() {
        let mut window = Window::new(10.0, 1000);
        grow(&mut window, 90, 10, false);
        window.reduce(at(1), at(10));
        window.reduce(at(2), at(11));
        window.reduce(at(9), at(12));
        assert_eq!(window.size(), 50);
        window.reduce(at(11), at(20));
        assert_eq!(window.size(), 25);
    }

    #[test]
    fn what_was_no_loss_is_forgotten() {
        let mut window = Window::new(10.0, 1000);
        window.reduce(at(1), at(2));
        window.absolve();
        grow(&mut window, 5, 5, false);
        assert_eq!(window.size(), 10);
    }

    #[test]
    fn stays_within_its_bounds() {
        let mut window = Window::new(10.0, 12);
        grow(&mut window, 1000, 12, false);
        assert_eq!(window.size(), 12);
        for i in 0..20 {
            window.reduce(at(i * 10 + 1), at(i * 10 + 5));
        }
        assert_eq!(window.size(), 5);
        assert_eq!(Window::new(10.0, 0).size(), 1);
    }

    /// Ten silent probes expire in one batch, then a canary is answered at once.
    #[test]
    fn what_counts_is_how_many_waited_at_once() {
        let mut window = Window::new(10.0, 1000);
        for in_flight in 1..=10 {
            window.sent(in_flight);
        }
        window.sent(1);
        window.grow(11, false);
        assert_eq!(window.size(), 21);
        grow(&mut window, 11, 1, false);
        assert_eq!(window.size(), 21, "not in use since");
    }

    #[test]
    fn answers_that_are_read_together_say_as_much_as_one_by_one() {
        let mut window = Window::new(10.0, 1000);
        for flight in [10, 90, 810] {
            (1..=flight).for_each(|in_flight| window.sent(in_flight));
            (0..flight).for_each(|_| window.grow(8, false));
            assert_eq!(window.size(), (flight * 9).min(1000));
        }
    }

    #[test]
    fn what_loss_does_not_push_it_below_can_be_raised() {
        let mut window = Window::new(10.0, 1000);
        window.raise(100);
        window.hold(40.0);
        window.hold(20.0);
        for i in 0..9 {
            window.reduce(at(i * 10 + 1), at(i * 10 + 5));
        }
        assert_eq!(window.size(), 40);
    }

    #[test]
    fn loss_never_makes_a_window_larger() {
        let mut window = Window::new(2.0, 100);
        window.reduce(at(1), at(2));
        assert_eq!(window.size(), 2);
        let mut window = Window::new(1.0, 1);
        window.reduce(at(1), at(2));
        assert_eq!(window.size(), 1);
    }

    #[test]
    fn want_of_evidence_has_a_bound() {
        let mut window = Window::new(10.0, 1000);
        for _ in 0..100 {
            window.sent(window.size());
            window.grow_below(32);
        }
        assert_eq!(window.size(), 32);
    }

    #[test]
    fn an_unused_window_does_not_grow() {
        let mut window = Window::new(10.0, 100);
        grow(&mut window, 50, 4, false);
        assert_eq!(window.size(), 10);
    }

    #[test]
    fn half_of_it_in_use_is_in_use() {
        let mut window = Window::new(10.0, 100);
        grow(&mut window, 1, 5, false);
        assert_eq!(window.size(), 11);
    }

    #[test]
    fn where_loss_is_light_the_way_back_is_shorter() {
        let mut window = Window::new(80.0, 1000);
        window.reduce(at(1), at(2));
        for _ in 0..16 {
            grow(&mut window, 1, 40, true);
        }
        assert_eq!(window.size(), 42, "one more for eight answers");
        window.absolve();
        grow(&mut window, 8, 40, true);
        assert_eq!(window.size(), 50, "no threshold any more");
    }

    #[test]
    fn another_decision_raises_it_and_never_lowers_it() {
        let mut window = Window::new(10.0, 100);
        for (least, size) in [(5, 10), (40, 40), (20, 40), (1000, 100)] {
            window.raise(least);
            assert_eq!(window.size(), size, "at least {least}");
        }
    }

    #[test]
    fn growth_for_want_of_evidence_lowers_nothing() {
        let mut window = Window::new(40.0, 1000);
        window.sent(40);
        window.grow_below(32);
        assert_eq!(window.size(), 40);
        window.sent(40);
        window.grow_below(42);
        assert_eq!(window.size(), 42);
    }

    #[test]
    fn a_probe_sent_at_the_moment_of_the_reduction_is_of_the_same_flight() {
        let mut window = Window::new(80.0, 1000);
        assert!(window.reduce(at(1), at(10)));
        assert!(!window.reduce(at(10), at(11)));
        assert!(window.reduce(at(11), at(12)));
        assert_eq!(window.size(), 40, "never below half of its first value");
    }
}
