//! Strings from elsewhere, made safe for what they are written into: a terminal, JSON, XML, a spreadsheet, nmap's lines.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

/// The text with every character replaced that acts on a terminal (control bytes, escape sequences) or reorders and
/// hides what is read (marks of direction, zero-width characters).
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    replaced(text, acts, |_, out| out.push('\u{fffd}'))
}

/// The text for XML, which has no way to write most control characters: `\x1B`, as nmap writes them. The writer escapes
/// the rest.
pub(crate) fn xml(text: &str) -> Cow<'_, str> {
    let bad = |c| acts(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
    replaced(text, bad, |c, out| {
        // Infallible: it is written into a string.
        let _ = if u32::from(c) < 0x100 {
            write!(out, "\\x{:02X}", u32::from(c))
        } else {
            write!(out, "\\u{:04X}", u32::from(c))
        };
    })
}

/// The text for a comment of XML, in which two hyphens must not stand.
pub(crate) fn xml_comment(text: &str) -> String {
    xml(text).replace("--", "-&#45;").replace("--", "-&#45;").trim_end_matches('-').to_owned()
}

/// The text for a spreadsheet, which takes what begins with one of these for a formula and may run it.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    if text.starts_with(['=', '+', '-', '@', '\u{fffd}', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{text}"))
    } else {
        text
    }
}

/// The text for nmap's grepable lines, whose parts are divided by these.
pub(crate) fn grepable(text: &str) -> String {
    let divides = |c| acts(c) || matches!(c, '/' | ',' | '(' | ')');
    replaced(text, divides, |_, out| out.push('|')).into_owned()
}

/// Writes JSON on one line, with what acts on a terminal escaped: a person may look at it there.
pub(crate) fn write_json(value: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Harmless(CompactFormatter)))?;
    Ok(())
}

/// The same over many lines.
pub(crate) fn write_json_pretty(value: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Harmless(PrettyFormatter::new())))?;
    Ok(())
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

fn replaced(text: &str, bad: impl Fn(char) -> bool, replace: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.chars().any(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if bad(c) { replace(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Another formatter that leaves no character unescaped which acts on a terminal. What JSON escapes itself does not come here.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| acts(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            write!(writer, "\\u{:04x}", u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
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

    #[test]
    fn xml_has_no_control_characters() {
        assert_eq!(xml("a\0\x1b[2J\u{202e}\u{fffe}é"), r"a\x00\x1B[2J\u202E\uFFFEé");
        assert_eq!(xml_comment("a -- b ---- c ----"), "a -&#45; b -&#45;-&#45; c -&#45;-&#45;");
        assert_eq!(xml_comment("x -"), "x ");
    }

    #[test]
    fn a_cell_is_no_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert!(cell(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(cell("nas=lan"), "nas=lan");
    }

    #[test]
    fn json_is_escaped_and_says_the_same() {
        type Write = fn(&String, &mut dyn io::Write) -> io::Result<()>;
        let text = "a\x1b\u{9b}31m\u{202e}\u{7f}\"é";
        let write: [Write; 2] = [|text, out| write_json(text, out), |text, out| write_json_pretty(text, out)];
        for write in write {
            let mut out = Vec::new();
            write(&text.to_owned(), &mut out).unwrap();
            assert_eq!(String::from_utf8(out.clone()).unwrap(), "\"a\\u001b\\u009b31m\\u202e\\u007f\\\"é\"");
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
