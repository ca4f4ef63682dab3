//! What the controller thinks while it scans a simulated network, a line per moment: for people who tune it.

use std::fmt::Write;
use std::time::Duration;

use super::super::{Controller, ScanTime};
use super::{Scenario, run_watched};

/// About so many lines per scan.
const LINES: u32 = 60;

const HEAD: &str =
    "    time   sent/s  answ/s  flight  window   all    rate    rtt  t-out   loss  tries  state";

/// The lines of one scan, and what it came to.
pub(crate) fn trace(scenario: &Scenario) -> String {
    // The same scan twice: the first says how long it takes, and so how far apart the lines are.
    let took = run_watched(scenario, &mut |_| None, &mut |_, _| {}).took;
    let mut lines = Lines { text: format!("{HEAD}\n"), every: took / LINES, ..Lines::default() };
    let run = run_watched(scenario, &mut |_| None, &mut |now, controller| lines.look(now, controller));
    format!("{}\n{}", lines.text, run.summary())
}

#[derive(Default)]
struct Lines {
    text: String,
    every: Duration,
    last: ScanTime,
    sent: u64,
    answered: u64,
}

impl Lines {
    fn look(&mut self, now: ScanTime, controller: &mut Controller) {
        let span = now.since(self.last);
        if span < self.every || span.is_zero() {
            return;
        }
        let progress = controller.progress(now);
        let answered = progress.open + progress.closed;
        #[expect(clippy::cast_precision_loss, reason = "counts of a simulation")]
        let per_second = |count: u64| count as f64 / span.as_secs_f64();
        let (sent, heard) =
            (per_second(progress.sent - self.sent), per_second(answered.saturating_sub(self.answered)));
        (self.last, self.sent, self.answered) = (now, progress.sent, answered);
        write!(
            self.text,
            "{:>8.3} {sent:>8.0} {heard:>7.0} {:>7}",
            now.elapsed().as_secs_f64(),
            progress.in_flight
        )
        .unwrap();
        // Of several hosts the one that has been asked for longest; the others are in the global window.
        let Some((_, host)) = controller.hosts.iter().min_by_key(|(_, host)| host.started) else {
            writeln!(self.text, "{:>14}", controller.window.size()).unwrap();
            return;
        };
        let ms =
            |time: Option<Duration>| time.map_or("-".into(), |it| format!("{:.1}", it.as_secs_f64() * 1e3));
        let loss = host.loss().of_path().share().map_or("-".into(), |share| format!("{:.1}%", share * 100.0));
        let flags = [
            (host.is_limited(), "limited"),
            (host.is_loss_light(), "light"),
            (host.alive.is_loss_heavy(), "heavy"),
            (host.is_paced(), "paced"),
            (host.alive.in_doubt(), "in-doubt"),
            (host.alive.is_lost(), "lost"),
        ];
        let flags: Vec<&str> = flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        writeln!(
            self.text,
            " {:>7} {:>5} {:>7} {:>6} {:>6} {loss:>6} {:>6}  {:?} {}",
            host.window.size(),
            controller.window.size(),
            host.pace().map_or("-".into(), |rate| format!("{rate:.0}")),
            ms(host.rtt.mean()),
            ms(host.rtt.timeout()),
            host.attempts_needed(),
            host.phase,
            flags.join(" "),
        )
        .unwrap();
    }
}
