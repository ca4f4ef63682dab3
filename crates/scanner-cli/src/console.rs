//! `Console`: everything that goes to standard error, so that notes, the log and the progress line never tear.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;

use crate::failure::Failure;
use crate::output::sanitize::clean;
use crate::settings::{Color, DisplaySettings};

/// Standard error. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    quiet: bool,
    colored: bool,
    bar: ProgressBar,
}

impl Console {
    /// The console before the settings are known.
    pub(crate) fn plain() -> Self {
        Self { quiet: false, colored: use_color(Color::Auto, &io::stderr()), bar: ProgressBar::hidden() }
    }

    /// The console that the settings ask for; `bar` is the line that gives way to everything else.
    pub(crate) fn new(display: DisplaySettings, bar: ProgressBar) -> Self {
        Self { quiet: display.quiet, colored: use_color(display.color, &io::stderr()), bar }
    }

    /// Something worth knowing.
    pub(crate) fn note(&self, text: &str) {
        self.line_unless_quiet("note:", AnsiColor::Cyan.on_default(), text);
    }

    /// Something that is wrong and does not end the scan.
    pub(crate) fn warn(&self, text: &str) {
        self.line_unless_quiet("warning:", AnsiColor::Yellow.on_default().bold(), text);
    }

    /// Why the command ends. Shown even with `-q`: a failure without a word helps nobody.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.line("error:", AnsiColor::Red.on_default().bold(), &failure.message);
        for line in failure.caret.iter().flat_map(|caret| caret.lines()) {
            self.raw(&format!("  {}\n", clean(line)));
        }
        if let Some(hint) = &failure.hint {
            self.line("hint:", AnsiColor::Green.on_default().bold(), hint);
        }
    }

    /// A line without a label.
    pub(crate) fn plain_line(&self, text: &str) {
        self.raw(&format!("{text}\n"));
    }

    /// Runs `f` while the progress line is out of the way.
    pub(crate) fn suspend<T>(&self, f: impl FnOnce() -> T) -> T {
        self.bar.suspend(f)
    }

    /// Takes the progress line away for good.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Asks a question; only `y` and `yes` mean yes.
    pub(crate) fn ask(&self, question: &str) -> bool {
        self.raw(&format!("{} [y/N] ", clean(question)));
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    fn line_unless_quiet(&self, label: &str, style: Style, text: &str) {
        if !self.quiet {
            self.line(label, style, text);
        }
    }

    fn line(&self, label: &str, style: Style, text: &str) {
        let style = if self.colored { style } else { Style::new() };
        self.raw(&format!("{style}{label}{style:#} {}\n", clean(text)));
    }

    /// A closed standard error is no reason to end.
    fn raw(&self, text: &str) {
        self.suspend(|| {
            let mut stderr = io::stderr().lock();
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        });
    }
}

/// The log gives way to the progress line like everything else.
impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Whether to colour a stream: as asked, else only on a terminal that understands it and without `NO_COLOR`.
pub(crate) fn use_color<S: anstream::stream::RawStream + IsTerminal>(color: Color, stream: &S) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}
