//! How wide the terminal is, and text that keeps to it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The variable that says how wide to write, whatever the terminal says.
const VARIABLE: &str = "COLUMNS";
/// How wide to write where nothing says it.
const USUAL: usize = 80;
/// Narrower than this no text can be laid out; such a value is a mistake of who set it.
const NARROWEST: usize = 20;
/// Lines longer than this are hard to read.
const WIDEST: usize = 110;

/// What `COLUMNS` says, where it says something usable.
pub(crate) fn asked() -> Option<usize> {
    std::env::var(VARIABLE).ok().and_then(|text| parse(&text))
}

/// How wide text is to be: as `COLUMNS` says, else as wide as the terminal.
pub(crate) fn width() -> usize {
    let terminal = || terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0));
    asked().or_else(terminal).unwrap_or(USUAL).clamp(NARROWEST, WIDEST)
}

fn parse(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|&columns| columns >= NARROWEST)
}

/// The words of `text` in lines of at most `width` columns; a longer word has a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The wrapped text behind a label of `indent` columns; the lines after the first stand under the text.
pub(crate) fn labelled(label: &str, text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(NARROWEST);
    let mut head = label;
    let lines =
        wrap(text, room).into_iter().map(|line| format!("{:<indent$}{line}\n", std::mem::take(&mut head)));
    lines.collect::<Vec<_>>().concat()
}

/// The beginning of a line that has to fit into `width` columns.
pub(crate) fn cut(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let fits = |c: &char| {
        let taken = c.width().unwrap_or(0);
        let fits = taken <= room;
        room = room.saturating_sub(taken);
        fits
    };
    let kept: String = line.chars().take_while(fits).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_words() {
        assert_eq!(wrap("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("incomprehensible x", 6), ["incomprehensible", "x"]);
        assert_eq!(wrap("  ", 6), [] as [&str; 0]);
        assert_eq!(
            labelled("Try", "one two three four five six", 5, 25),
            "Try  one two three four\n     five six\n"
        );
    }

    #[test]
    fn cuts_at_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("日本語", 5), "日本…");
    }

    #[test]
    fn a_useless_width_is_none() {
        assert_eq!(parse("100"), Some(100));
        for text in ["", "0", "x", "-5", "19"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
