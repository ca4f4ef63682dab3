//! `SpecError`: what is wrong in a text that the user typed, and where.

use std::ops::Range;

/// The widest line that [`SpecError::caret`] gives, in characters.
const CARET_COLUMNS: usize = 100;
/// How much of a long input is kept before the place of the error.
const CARET_LEAD: usize = 40;

/// A port or target specification that cannot be understood: what is wrong, at which bytes, and what would be right.
///
/// Its `Display` is a lower-case fragment on one line, free of control characters, whatever the input held.
///
/// ```
/// use scanner_core::parse_ports;
/// let error = parse_ports("22,8o").unwrap_err();
/// assert_eq!(error.span(), 3..5);
/// assert_eq!(error.caret(), "22,8o\n   ^^");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpecError {
    message: String,
    hint: Option<String>,
    input: String,
    span: Range<usize>,
}

impl SpecError {
    /// An error about the bytes `span` of `input`; a span that does not fit is moved to the nearest characters.
    pub(crate) fn new(input: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = input.floor_char_boundary(span.start);
        let end = input.ceil_char_boundary(span.end.max(start));
        Self { message: printable(&message.into()), hint: None, input: input.to_owned(), span: start..end }
    }

    /// Adds what would be right.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(printable(&hint.into()));
        self
    }

    /// The same error about a longer `input`, in which this one's begins at byte `at`.
    pub(crate) fn within(self, input: &str, at: usize) -> Self {
        Self { input: input.to_owned(), span: self.span.start + at..self.span.end + at, ..self }
    }

    /// What is wrong, as a lower-case fragment on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right, where that can be said.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The whole text that was given.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The bytes of [`input`](Self::input) that are wrong; empty where something is missing.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Two lines without a final newline: the input, and a line that marks the wrong part with `^`.
    ///
    /// Control characters are shown as `·`, and a long input is cut around the error to 100 characters with `…`.
    /// The marks stand under the text where every character is one column wide.
    pub fn caret(&self) -> String {
        let shown: Vec<char> = self.input.chars().map(printable_char).collect();
        let column = |byte: usize| self.input.get(..byte).map_or(0, |before| before.chars().count());
        let (start, end) = (column(self.span.start), column(self.span.end));
        let cut = visible(shown.len(), start);

        let mut line: String = shown.get(cut.clone()).unwrap_or_default().iter().collect();
        let mut indent = start - cut.start;
        if cut.start > 0 {
            line.insert(0, '…');
            indent += 1;
        }
        if cut.end < shown.len() {
            line.push('…');
        }
        let marks = end.min(cut.end).saturating_sub(start).max(1);
        format!("{line}\n{}{}", " ".repeat(indent), "^".repeat(marks))
    }
}

/// Which of `len` characters are shown when `start` has to be among them; two columns are left for the `…`.
fn visible(len: usize, start: usize) -> Range<usize> {
    if len <= CARET_COLUMNS {
        return 0..len;
    }
    let width = CARET_COLUMNS - 2;
    let from = start.saturating_sub(CARET_LEAD).min(len - width);
    from..from + width
}

fn printable(text: &str) -> String {
    text.chars().map(printable_char).collect()
}

/// Control characters act on a terminal, marks of direction and width reorder or hide text: neither is printed.
fn printable_char(c: char) -> char {
    let unseen = c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if unseen { '·' } else { c }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn caret(input: &str, span: Range<usize>) -> String {
        SpecError::new(input, span, "wrong").caret()
    }

    #[test]
    fn marks_the_span() {
        assert_eq!(caret("22,0,80", 3..4), "22,0,80\n   ^");
        assert_eq!(caret("22,99999", 3..8), "22,99999\n   ^^^^^");
        assert_eq!(caret("22,", 3..3), "22,\n   ^");
        assert_eq!(caret("", 0..0), "\n^");
        assert_eq!(caret("é,ü", 3..5), "é,ü\n  ^");
    }

    #[test]
    fn moves_a_span_to_characters() {
        assert_eq!(caret("é", 1..1), "é\n^");
        assert_eq!(caret("ab", 7..9), "ab\n  ^");
        #[expect(clippy::reversed_empty_ranges, reason = "a reversed span is what is tried")]
        let reversed = 2..1;
        assert_eq!(caret("ab", reversed), "ab\n  ^");
    }

    #[test]
    fn shows_no_control_character() {
        assert_eq!(caret("2\x1b[2J\t\u{202e}", 1..2), "2·[2J··\n ^");
        let error = SpecError::new("x", 0..1, "no\n\x07such name").with_hint("a\rb");
        assert_eq!(error.to_string(), "no··such name");
        assert_eq!(error.hint(), Some("a·b"));
    }

    #[test]
    fn cuts_a_long_input_around_the_span() {
        let input = format!("{},bad,{}", "1,".repeat(100), "2,".repeat(100));
        insta::assert_snapshot!(caret(&input, 201..204), @r"
        …,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,,bad,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,…
                                                 ^^^
        ");
        insta::assert_snapshot!(caret(&"9".repeat(150), 0..150), @r"
        99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999…
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        ");
        insta::assert_snapshot!(caret(&"1,".repeat(100), 200..200), @r"
        …1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,
                                                                                                           ^
        ");
    }

    proptest! {
        #[test]
        fn never_panics_and_fits(input in any::<String>(), start in 0..300_usize, end in 0..300_usize) {
            let input = input.repeat(4);
            let shown = caret(&input, start..end);
            prop_assert_eq!(shown.lines().count(), 2);
            prop_assert!(shown.lines().all(|line| line.chars().count() <= CARET_COLUMNS + 1));
        }
    }

    #[test]
    fn an_error_moves_into_the_longer_text() {
        let error = SpecError::new("8o", 1..2, "wrong").within("22,8o,9", 3);
        assert_eq!((error.input(), error.span()), ("22,8o,9", 4..5));
        assert_eq!(error.message(), "wrong");
    }
}
