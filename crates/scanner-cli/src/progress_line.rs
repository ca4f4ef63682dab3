//! Progress on standard error: one line on a terminal, a plain line now and then in a log, or records.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scanner_core::Progress;

use crate::columns;
use crate::console::Console;
use crate::output::words::{counted, duration, number};
use crate::settings::{DisplaySettings, ProgressMode};

/// How often the line on a terminal is drawn, in Hz.
const DRAWS: u8 = 10;
const LOG_EVERY: Duration = Duration::from_secs(30);
const RECORD_EVERY: Duration = Duration::from_secs(1);

/// How progress is shown, once the streams are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Bar,
    Log,
    Json,
    Nothing,
}

/// What shows the progress.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    shown: Shown,
    bar: ProgressBar,
    paused: bool,
    /// When the next line is due, for those that come now and then.
    due: Duration,
}

impl ProgressLine {
    /// The line that the settings and the streams allow. On a pipe a bar would only be noise.
    pub(crate) fn new(display: DisplaySettings) -> Self {
        let terminal = stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        let shown = choose(display, terminal, in_ci);
        // Hidden until there is something to show, so that questions and notes before it stand on lines of their own.
        let style =
            ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::hidden().with_style(style);
        let due = if shown == Shown::Log { LOG_EVERY } else { Duration::ZERO };
        Self { shown, bar, paused: false, due }
    }

    /// The bar that gives way to everything else on the terminal.
    pub(crate) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Shows new values.
    pub(crate) fn update(&mut self, progress: &Progress, console: &Console) {
        match self.shown {
            Shown::Bar => {
                if self.bar.is_hidden() {
                    self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS));
                }
                let line = self.line(progress);
                self.bar
                    .set_message(columns::asked().map_or(line.clone(), |width| columns::cut(&line, width)));
            }
            Shown::Log => self.now_and_then(progress, LOG_EVERY, line, console),
            Shown::Json => self.now_and_then(progress, RECORD_EVERY, record, console),
            Shown::Nothing => {}
        }
    }

    /// Whether the scan is paused, from now on.
    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// What a person wants to know now.
    pub(crate) fn line(&self, progress: &Progress) -> String {
        if self.paused { format!("paused · {}", line(progress).trim_start()) } else { line(progress) }
    }

    fn now_and_then(
        &mut self,
        now: &Progress,
        every: Duration,
        text: fn(&Progress) -> String,
        console: &Console,
    ) {
        if now.elapsed >= self.due {
            self.due = now.elapsed + every;
            console.plain_line(&text(now));
        }
    }
}

fn choose(display: DisplaySettings, terminal: bool, in_ci: bool) -> Shown {
    match display.progress {
        _ if display.quiet => Shown::Nothing,
        ProgressMode::Auto | ProgressMode::Bar if terminal => Shown::Bar,
        ProgressMode::Auto if in_ci => Shown::Log,
        ProgressMode::Log => Shown::Log,
        ProgressMode::Json => Shown::Json,
        ProgressMode::Auto | ProgressMode::Bar | ProgressMode::None => Shown::Nothing,
    }
}

/// The line for people. Without an estimate of the engine nothing is guessed.
fn line(progress: &Progress) -> String {
    let done = progress.probes.saturating_sub(progress.pending());
    let mut parts = vec![format!("{:>3}%", progress.done_permille / 10)];
    if progress.targets > 1 {
        parts.push(format!("{} of {} hosts", number(progress.targets_done), number(progress.targets)));
    } else {
        parts.push(format!("{} of {} ports", number(done), number(progress.probes)));
    }
    parts.push(format!("{} open", number(progress.open)));
    if progress.unknown > 0 {
        parts.push(format!("{} not measured", counted(progress.unknown, "port", "ports")));
    }
    parts.push(format!("{}/s", number(progress.rate)));
    parts.push(format!("{} of {} waiting", number(progress.in_flight), number(progress.window)));
    if let Some(eta) = progress.eta {
        let seconds = Duration::from_secs(eta.as_secs().max(1));
        parts.push(format!("about {} left", duration(seconds)));
    }
    parts.join(" · ")
}

/// The record for programs.
fn record(progress: &Progress) -> String {
    let mut value = serde_json::to_value(progress).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("type".into(), "progress".into());
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Color;

    fn sample() -> Progress {
        Progress {
            elapsed: Duration::from_secs(12),
            targets: 254,
            targets_done: 30,
            targets_up: 12,
            probes: 254_000,
            open: 5,
            closed: 40_000,
            filtered: 1_000,
            sent: 45_000,
            in_flight: 256,
            window: 300,
            rate: 1_240,
            done_permille: 165,
            eta: Some(Duration::from_secs(185)),
            ..Progress::default()
        }
    }

    #[test]
    fn one_line_says_it_all() {
        insta::assert_snapshot!(line(&sample()), @" 16% · 30 of 254 hosts · 5 open · 1,240/s · 256 of 300 waiting · about 3 min 5 s left");
        let single = Progress {
            targets: 1,
            probes: 1_000,
            closed: 990,
            filtered: 0,
            unknown: 3,
            eta: None,
            ..sample()
        };
        insta::assert_snapshot!(line(&single), @" 16% · 998 of 1,000 ports · 5 open · 3 ports not measured · 1,240/s · 256 of 300 waiting");
        insta::assert_snapshot!(record(&sample()), @r#"{"closed":40000,"done_permille":165,"elapsed_ms":12000,"eta_ms":185000,"filtered":1000,"in_flight":256,"not_asked":0,"open":5,"probes":254000,"rate":1240,"sent":45000,"targets":254,"targets_done":30,"targets_up":12,"type":"progress","unknown":0,"window":300}"#);
    }

    #[test]
    fn nothing_decorates_a_pipe() {
        let display = |progress, quiet| DisplaySettings { quiet, verbose: 0, color: Color::Auto, progress };
        for (progress, quiet, terminal, in_ci, shown) in [
            (ProgressMode::Auto, false, true, false, Shown::Bar),
            (ProgressMode::Auto, false, true, true, Shown::Bar),
            (ProgressMode::Auto, false, false, true, Shown::Log),
            (ProgressMode::Auto, false, false, false, Shown::Nothing),
            (ProgressMode::Bar, false, false, true, Shown::Nothing),
            (ProgressMode::Json, false, false, false, Shown::Json),
            (ProgressMode::Log, false, true, false, Shown::Log),
            (ProgressMode::Json, true, true, false, Shown::Nothing),
            (ProgressMode::None, false, true, false, Shown::Nothing),
        ] {
            assert_eq!(
                choose(display(progress, quiet), terminal, in_ci),
                shown,
                "{progress:?} {quiet} {terminal} {in_ci}"
            );
        }
    }
}
