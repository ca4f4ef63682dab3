//! How often a silent port is asked: as often as the measured loss calls for, and never only once.

use scanner_core::Reason;

use super::contrast::{Contrast, Witnesses};
use crate::config::defaults::{MAX_RETRIES, MISS_TARGET};

/// What a host's answers say about loss: attempts to ports that answer, and how many of those stayed silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LossEstimate {
    pub(crate) attempts: u32,
    pub(crate) silent: u32,
}

impl LossEstimate {
    /// A port answered after `silent` attempts without answer.
    pub(crate) fn answered_after(&mut self, silent: u32) {
        self.attempts += silent + 1;
        self.silent += silent;
    }

    /// A port that had answered stayed silent once.
    pub(crate) fn known_port_silent(&mut self) {
        self.attempts += 1;
        self.silent += 1;
    }

    /// Both together.
    const fn and(self, other: Self) -> Self {
        Self { attempts: self.attempts + other.attempts, silent: self.silent + other.silent }
    }

    /// Whether any loss was seen.
    pub(crate) const fn seen(self) -> bool {
        self.silent > 0
    }

    /// The share of attempts to answering ports that stayed silent; `None` without any.
    pub(crate) fn share(self) -> Option<f64> {
        (self.attempts > 0).then(|| f64::from(self.silent) / f64::from(self.attempts))
    }

    /// The 95 % upper bound of the chance that one attempt to an answering port stays silent (Clopper-Pearson, one-sided):
    /// the `q` for which `silent` or fewer of `attempts` has a probability of 5 %. 1 without any attempt.
    pub(crate) fn upper_bound(self) -> f64 {
        if self.silent >= self.attempts {
            return 1.0;
        }
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if at_most(self.silent, self.attempts, middle) > 0.05 {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// How many attempts a silent port gets. `configured` retries win; otherwise two while no loss was seen, and
    /// `ceil(ln 1e-4 / ln q95)` within 2 to 14 once it was.
    pub(crate) fn attempts_needed(self, configured: Option<u8>) -> u8 {
        if let Some(retries) = configured {
            return retries.min(MAX_RETRIES) + 1;
        }
        if !self.seen() {
            return 2;
        }
        let needed = (MISS_TARGET.ln() / self.upper_bound().ln()).ceil();
        (2..=MAX_RETRIES).find(|&k| f64::from(k) >= needed).unwrap_or(MAX_RETRIES + 1)
    }

    /// The bound on a missed port after `attempts` silent ones; `None` without any answer to judge by.
    pub(crate) fn miss_bound(self, attempts: u8) -> Option<f64> {
        (self.attempts > 0).then(|| self.upper_bound().powi(i32::from(attempts)))
    }
}

/// Who answered, as far as it matters for what lost answers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// A listener. Hosts do not limit how many connections they accept per second.
    Listener,
    /// A port that refused with a RST, which some hosts limit.
    Closed,
    /// ICMP, which every host and firewall limits: it counts for the limit, and never as loss.
    Icmp,
}

impl Answerer {
    /// Who gives this answer; `None` for what is no answer of the host or of a firewall in its place.
    pub(crate) const fn of(reason: Reason) -> Option<Self> {
        if matches!(reason, Reason::Handshake | Reason::SelfConnect) {
            Some(Self::Listener)
        } else if matches!(reason, Reason::Rst | Reason::Refused) {
            Some(Self::Closed)
        } else if matches!(reason, Reason::PortUnreachable | Reason::Prohibited) {
            Some(Self::Icmp)
        } else {
            None
        }
    }

    /// Whether the attempts it took to get such an answer say something about loss on the path.
    pub(crate) const fn tells_loss(self) -> bool {
        !matches!(self, Self::Icmp)
    }
}

/// The loss that each kind of answer of a host suffered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HostLoss {
    listeners: LossEstimate,
    closed: LossEstimate,
    contrast: Contrast,
}

/// With so many attempts to ports that answer, none of them lost, two attempts to a silent one bring a miss below 10^-4: the 95 % bound of
/// the loss is then 1 %. Twice as many where some were lost, as the bound is then farther from the truth.
const CERTAIN: u32 = 299;

/// More loss than that of a path that is not at its best has a cause that must be found: a limit on refusals, or on what passes.
const HEAVY: f64 = 0.2;

impl HostLoss {
    /// Whether the host limits its refusals.
    pub(crate) fn is_limited(self) -> bool {
        self.contrast.is_limited()
    }

    /// How many attempts there were to ports that answer, as far as they are known.
    pub(crate) const fn known(&self) -> u32 {
        self.listeners.attempts + self.closed.attempts
    }

    /// The loss of the path: by its listeners alone where the host limits its refusals.
    pub(crate) fn of_path(self) -> LossEstimate {
        if self.is_limited() { self.listeners } else { self.listeners.and(self.closed) }
    }

    /// The loss that such answers tell of; `None` for ICMP, which is always limited.
    fn of(&mut self, answerer: Answerer) -> Option<&mut LossEstimate> {
        match answerer {
            Answerer::Listener => Some(&mut self.listeners),
            Answerer::Closed => Some(&mut self.closed),
            Answerer::Icmp => None,
        }
    }
}

/// How many attempts a silent port of one host gets.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    configured: Option<u8>,
    loss: HostLoss,
    witnesses: Witnesses,
    needed: u8,
    computed_for: LossEstimate,
}

impl Attempts {
    pub(crate) fn new(configured: Option<u8>) -> Self {
        let none = LossEstimate::default();
        Self {
            configured,
            loss: HostLoss::default(),
            witnesses: Witnesses::default(),
            needed: none.attempts_needed(configured),
            computed_for: none,
        }
    }

    pub(crate) const fn loss(&self) -> HostLoss {
        self.loss
    }

    /// Whether more attempts to ports that answer would make the number of attempts that a silent port needs more certain.
    pub(crate) fn is_vague(&self) -> bool {
        let loss = self.loss.of_path();
        let enough = if loss.seen() { 2 * CERTAIN } else { CERTAIN };
        // Where many refusals get lost, only listeners tell why.
        let is_heavy = self.loss.closed.share().is_some_and(|share| share > HEAVY);
        self.configured.is_none()
            && (loss.attempts < enough || is_heavy && self.loss.contrast.echoes.attempts < enough)
    }

    /// How many attempts a silent port gets, by the evidence so far.
    pub(crate) const fn needed(&self) -> u8 {
        self.needed
    }

    /// A port is asked for the `attempt`-th time.
    pub(crate) fn sent(&mut self, port: u16, attempt: u8) {
        self.witnesses.sent(port, attempt);
    }

    /// A port answered at its `attempt`-th attempt.
    pub(crate) fn answered(&mut self, answerer: Answerer, port: u16, attempt: u8) {
        if !self.witnesses.is_empty() {
            let tells = self.witnesses.answered(port, attempt);
            if answerer != Answerer::Listener {
                self.loss.contrast.refusals = self.loss.contrast.refusals.and(tells);
            }
        }
        if let Some(loss) = self.loss.of(answerer) {
            loss.answered_after(u32::from(attempt.saturating_sub(1)));
        }
        self.refresh();
    }

    /// A port that had answered stayed silent once.
    pub(crate) fn known_port_silent(&mut self, answerer: Answerer) {
        if let Some(loss) = self.loss.of(answerer) {
            loss.known_port_silent();
        }
        self.refresh();
    }

    /// An echo is sent.
    pub(crate) const fn echo_is_out(&mut self) {
        self.witnesses.echo();
    }

    /// An echo was answered, or was not.
    pub(crate) fn echo(&mut self, answered: bool) {
        let estimate = &mut self.loss.contrast.echoes;
        if answered {
            estimate.answered_after(0);
        } else {
            estimate.known_port_silent();
        }
    }

    /// The silence of a port says nothing: it is asked anew.
    pub(crate) fn forget(&mut self, port: u16) {
        self.witnesses.forget(port);
    }

    /// Nothing that was seen so far says anything.
    pub(crate) fn forget_all(&mut self) {
        self.witnesses.forget_all();
        self.restore(HostLoss::default());
    }

    /// Goes back to an earlier estimate.
    pub(crate) fn restore(&mut self, loss: HostLoss) {
        self.loss = loss;
        self.compute();
    }

    /// Computes the attempts anew once the evidence changed by an eighth, as the computation sums many terms.
    fn refresh(&mut self) {
        // As long as nothing got lost, it does not matter how much did not: so it is for nearly every answer.
        if !self.computed_for.seen() && !self.loss.listeners.seen() && !self.loss.closed.seen() {
            return;
        }
        let (now, then) = (self.loss.of_path(), self.computed_for);
        let changed = |now: u32, then: u32| now.abs_diff(then) > then / 8;
        if changed(now.attempts, then.attempts) || changed(now.silent, then.silent) {
            self.compute();
        }
    }

    fn compute(&mut self) {
        self.computed_for = self.loss.of_path();
        self.needed = self.computed_for.attempts_needed(self.configured);
    }
}

/// The probability that at most `k` of `n` trials succeed, each with chance `p`: summed in logarithms, so that many trials
/// do not underflow.
fn at_most(k: u32, n: u32, p: f64) -> f64 {
    let (n_f, odds) = (f64::from(n), (p / (1.0 - p)).ln());
    let mut log_term = n_f * (1.0 - p).ln();
    let mut sum = log_term.exp();
    for i in 1..=k {
        let i_f = f64::from(i);
        log_term += ((n_f - i_f + 1.0) / i_f).ln() + odds;
        sum += log_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(attempts: u32, silent: u32) -> LossEstimate {
        LossEstimate { attempts, silent }
    }

    #[test]
    fn the_bound_is_clopper_pearsons() {
        // Reference values: the 0.95 quantile of Beta(silent + 1, attempts - silent).
        for (attempts, silent, bound) in [
            (299, 0, 0.009_97),
            (30, 0, 0.095),
            (12, 0, 0.221),
            (1, 0, 0.95),
            (100, 5, 0.1023),
            (1000, 100, 0.1171),
        ] {
            let got = seen(attempts, silent).upper_bound();
            assert!((got - bound).abs() < 0.001, "{silent} of {attempts}: {got}, not {bound}");
        }
        assert!((seen(0, 0).upper_bound() - 1.0).abs() < 1e-9);
        assert!((seen(3, 3).upper_bound() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn more_loss_means_more_attempts() {
        for (estimate, attempts) in [
            (seen(0, 0), 2),
            (seen(500, 0), 2),
            (seen(1000, 50), 4),
            (seen(1000, 190), 6),
            (seen(1000, 360), 10),
            (seen(10, 9), 14),
        ] {
            assert_eq!(estimate.attempts_needed(None), attempts, "{estimate:?}");
        }
        assert_eq!(seen(10, 9).attempts_needed(Some(0)), 1, "what is configured wins");
        assert_eq!(seen(500, 0).attempts_needed(Some(5)), 6);
    }

    #[test]
    fn the_bound_of_a_missed_port_is_stated() {
        assert_eq!(seen(0, 0).miss_bound(2), None);
        assert!(seen(299, 0).miss_bound(2).unwrap() < 1.01e-4);
    }

    /// Most losses show only when the silent ports are asked again, at the end.
    #[test]
    fn losses_that_show_late_count() {
        let mut attempts = Attempts::new(None);
        for n in 0..1_000 {
            attempts.answered(Answerer::Closed, n, if n < 980 { 1 } else { 2 });
        }
        assert_eq!(attempts.needed(), attempts.loss().of_path().attempts_needed(None));
        assert_eq!(attempts.needed(), 3);
    }

    #[test]
    fn who_answered_is_told_by_the_reason() {
        let known = [
            (Reason::Handshake, Answerer::Listener),
            (Reason::SelfConnect, Answerer::Listener),
            (Reason::Rst, Answerer::Closed),
            (Reason::Refused, Answerer::Closed),
            (Reason::PortUnreachable, Answerer::Icmp),
            (Reason::Prohibited, Answerer::Icmp),
        ];
        for reason in Reason::ALL {
            let answerer = known.iter().find(|(of, _)| *of == reason).map(|(_, answerer)| *answerer);
            assert_eq!(Answerer::of(reason), answerer, "{reason}");
        }
        let tell = [Answerer::Listener, Answerer::Closed, Answerer::Icmp].map(Answerer::tells_loss);
        assert_eq!(tell, [true, true, false]);
    }

    #[test]
    fn loss_is_counted_per_attempt() {
        let mut loss = LossEstimate::default();
        assert_eq!((loss.share(), loss.seen()), (None, false));
        loss.answered_after(0);
        assert_eq!((loss.share(), loss.seen()), (Some(0.0), false));
        loss.answered_after(2);
        assert_eq!(loss, seen(4, 2));
        loss.known_port_silent();
        assert_eq!(loss, seen(5, 3));
        assert!(loss.seen());
        assert_eq!(loss.and(seen(10, 1)), seen(15, 4));
    }

    #[test]
    fn more_answers_are_wanted_until_the_bound_is_close() {
        let vague = |configured, closed, listeners, echoes| {
            let mut attempts = Attempts::new(configured);
            let contrast = Contrast { echoes, refusals: closed };
            attempts.restore(HostLoss { listeners, closed, contrast });
            attempts.is_vague()
        };
        let none = seen(0, 0);
        for (closed, listeners, echoes, is_vague) in [
            (seen(298, 0), none, none, true),
            (seen(299, 0), none, none, false),
            (seen(597, 1), none, none, true),
            (seen(598, 1), none, none, false),
            (seen(500, 1), seen(98, 0), none, false),
            (seen(1000, 200), none, none, false),
            (seen(1000, 201), seen(400, 0), seen(298, 0), true),
            (seen(1000, 201), seen(400, 0), seen(299, 0), false),
        ] {
            assert_eq!(
                vague(None, closed, listeners, echoes),
                is_vague,
                "{closed:?} {listeners:?} {echoes:?}"
            );
            assert!(!vague(Some(3), closed, listeners, echoes), "what is configured needs no evidence");
        }
    }

    #[test]
    fn each_kind_of_evidence_goes_where_it_belongs() {
        let mut attempts = Attempts::new(None);
        attempts.echo_is_out();
        (1..=4).for_each(|port| attempts.sent(port, 1));
        attempts.answered(Answerer::Listener, 1, 2);
        attempts.answered(Answerer::Closed, 2, 2);
        attempts.answered(Answerer::Icmp, 3, 4);
        attempts.answered(Answerer::Closed, 4, 1);
        attempts.known_port_silent(Answerer::Closed);
        for answered in [true, false, true] {
            attempts.echo(answered);
        }
        let contrast = Contrast { echoes: seen(3, 1), refusals: seen(3, 2) };
        let loss = HostLoss { listeners: seen(2, 1), closed: seen(4, 2), contrast };
        assert_eq!(attempts.loss(), loss);
        assert_eq!(attempts.needed(), seen(6, 3).attempts_needed(None));
        attempts.forget_all();
        assert_eq!(attempts.loss(), HostLoss::default());
    }

    #[test]
    fn the_loss_of_the_path_is_that_of_its_listeners_where_refusals_are_limited() {
        for (echoes, of_path, attempts_needed) in
            [(seen(40, 0), seen(50, 1), 4), (seen(40, 30), seen(60, 9), 7)]
        {
            let contrast = Contrast { echoes, refusals: seen(10, 8) };
            let loss = HostLoss { listeners: seen(50, 1), closed: seen(10, 8), contrast };
            assert_eq!(loss.of_path(), of_path);
            let mut attempts = Attempts::new(None);
            attempts.restore(loss);
            assert_eq!(attempts.needed(), attempts_needed);
        }
    }

    #[test]
    fn the_attempts_are_computed_anew_after_an_eighth_more() {
        let mut attempts = Attempts::new(None);
        attempts.answered(Answerer::Closed, 1, 1);
        assert_eq!(attempts.computed_for, seen(0, 0), "nothing was lost yet");
        attempts.answered(Answerer::Closed, 1, 2);
        let mut computed = vec![attempts.computed_for.attempts];
        for _ in 0..19 {
            attempts.answered(Answerer::Closed, 1, 1);
            computed.push(attempts.computed_for.attempts);
        }
        assert_eq!(computed[..6], [3, 4, 5, 6, 7, 8]);
        assert_eq!(computed[6..], [8, 10, 10, 12, 12, 14, 14, 16, 16, 16, 19, 19, 19, 22]);
    }

    #[test]
    fn the_binomial_distribution_is_summed() {
        for (k, n, p, expected) in [
            (0, 10, 0.1, 0.348_678),
            (1, 10, 0.1, 0.736_099),
            (3, 10, 0.5, 0.171_875),
            (2, 4, 0.25, 0.949_219),
        ] {
            let got = at_most(k, n, p);
            assert!((got - expected).abs() < 1e-6, "{k} of {n} at {p}: {got}");
        }
    }
}
