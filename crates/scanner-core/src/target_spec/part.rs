//! `Part`: a piece of the text that was typed, which knows where it stands.

use std::ops::Range;

use crate::spec_error::SpecError;

/// A piece of an input; errors made from it point at its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    input: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Part<'a> {
    pub(super) const fn whole(input: &'a str) -> Self {
        Self { input, start: 0, end: input.len() }
    }

    pub(super) fn text(self) -> &'a str {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    /// The byte of the input at which the part begins.
    pub(super) const fn start(self) -> usize {
        self.start
    }

    /// The part without the white space around it.
    pub(super) fn trimmed(self) -> Self {
        let text = self.text();
        let start = self.start + (text.len() - text.trim_start().len());
        Self { start, end: start + text.trim().len(), ..self }
    }

    /// A piece of this part, by its own bytes.
    pub(super) const fn slice(self, range: Range<usize>) -> Self {
        Self { input: self.input, start: self.start + range.start, end: self.start + range.end }
    }

    /// The place just behind the part, where something is missing.
    pub(super) const fn end(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// What stands between this part and a later one.
    pub(super) const fn gap_to(self, later: Self) -> Self {
        Self { input: self.input, start: self.end, end: later.start }
    }

    /// From the beginning of this part to the end of a later one.
    pub(super) const fn up_to(self, later: Self) -> Self {
        Self { end: later.end, ..self }
    }

    /// What is before and behind the first character that `is_separator` accepts.
    pub(super) fn split_once(self, is_separator: impl Fn(char) -> bool) -> Option<(Self, Self)> {
        let (at, separator) = self.text().char_indices().find(|&(_, c)| is_separator(c))?;
        Some(self.split_around(at, separator.len_utf8()))
    }

    /// What is before the separator at byte `at`, which is `len` bytes long, and what is behind it.
    pub(super) const fn split_around(self, at: usize, len: usize) -> (Self, Self) {
        (Self { end: self.start + at, ..self }, Self { start: self.start + at + len, ..self })
    }

    /// The pieces between ASCII separators.
    pub(super) fn split(self, separator: char) -> impl Iterator<Item = Self> {
        let mut start = self.start;
        self.text().split(separator).map(move |piece| {
            let part = Self { start, end: start + piece.len(), ..self };
            start = part.end + separator.len_utf8();
            part
        })
    }

    /// The first character that `is_wrong` accepts.
    pub(super) fn find(self, is_wrong: impl Fn(char) -> bool) -> Option<Self> {
        let (at, c) = self.text().char_indices().find(|&(_, c)| is_wrong(c))?;
        Some(self.slice(at..at + c.len_utf8()))
    }

    pub(super) fn error(self, message: impl Into<String>) -> SpecError {
        SpecError::new(self.input, self.start..self.end, message)
    }
}
