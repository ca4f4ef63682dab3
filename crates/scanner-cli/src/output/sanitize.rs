//! Strings from elsewhere, made safe for a terminal.

use std::borrow::Cow;

/// The text with every character replaced that acts on a terminal (control bytes, escape sequences) or reorders and
/// hides what is read (marks of direction, zero-width characters).
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts) {
        Cow::Owned(text.chars().map(|c| if acts(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(clean("nas.lan"), "nas.lan");
        assert_eq!(
            clean("a\x1b[2Jb\r\n\u{9b}31m\u{202e}c"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}31m\u{fffd}c"
        );
        assert_eq!(clean("bücher.example"), "bücher.example");
    }
}
