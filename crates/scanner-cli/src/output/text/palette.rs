//! The few colours of the text.

use anstyle::{AnsiColor, Style};

/// Styles, or none of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    colored: bool,
}

impl Palette {
    pub(crate) const fn new(colored: bool) -> Self {
        Self { colored }
    }

    /// The head of a block.
    pub(crate) fn head(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Something open.
    pub(crate) fn open(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Something beside the point.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// Something that must not be overlooked.
    pub(crate) fn alarm(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colored && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
