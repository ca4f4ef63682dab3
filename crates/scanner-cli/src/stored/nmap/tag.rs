//! The tags of a file that may come from anywhere: nothing is expanded but the five entities of XML itself, and no piece of the
//! file grows without bound.

use std::io::{self, BufRead, Read};
use std::str::FromStr;

use quick_xml::XmlVersion;
use quick_xml::escape::EscapeError;
use quick_xml::events::BytesStart;

/// The longest piece (a tag, a comment, a text) that is read: more than any list of ports or output of a script takes.
const LONGEST_PIECE: u64 = 8 << 20;

/// Counts lines, and ends with an error where one piece of a file does not end.
pub(super) struct Pieces<R> {
    reader: R,
    left: u64,
    /// From 1.
    pub(super) line: usize,
}

impl<R: BufRead> Pieces<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, left: LONGEST_PIECE, line: 1 }
    }

    /// A new piece begins.
    pub(super) const fn begin(&mut self) {
        self.left = LONGEST_PIECE;
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.reader.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let what = format!("a tag or text longer than {LONGEST_PIECE} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.reader.fill_buf()
    }

    #[expect(clippy::naive_bytecount, reason = "not worth a dependency: the parser takes longer")]
    fn consume(&mut self, bytes: usize) {
        if let Ok(buffer) = self.reader.fill_buf() {
            let consumed = buffer.get(..bytes).unwrap_or_default();
            self.line += consumed.iter().filter(|&&byte| byte == b'\n').count();
        }
        self.left = self.left.saturating_sub(bytes as u64);
        self.reader.consume(bytes);
    }
}

/// An attribute, with XML's own entities replaced. Looking for one that is given twice would take too long.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| {
                if let quick_xml::Error::Escape(EscapeError::UnrecognizedEntity(_, entity)) = error {
                    return format!("`&{entity};` is none of the entities of XML itself");
                }
                error.to_string()
            })?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// An attribute that may be missing.
pub(super) fn text(tag: &BytesStart<'_>, name: &str) -> Result<String, String> {
    Ok(attribute(tag, name)?.unwrap_or_default())
}

/// A number that the scan can be understood without.
pub(super) fn number_if_any<T: FromStr>(tag: &BytesStart<'_>, name: &str) -> Result<Option<T>, String> {
    Ok(attribute(tag, name)?.and_then(|text| text.parse().ok()))
}

/// A number that has to be there.
pub(super) fn number<T: FromStr>(tag: &BytesStart<'_>, name: &str) -> Result<T, String> {
    let text = attribute(tag, name)?.ok_or_else(|| format!("`{name}` is missing"))?;
    text.parse().map_err(|_| format!("`{name}` is no number: {text}"))
}

/// Whether what the tag says is about TCP; nothing else is where it does not say.
pub(super) fn is_tcp(tag: &BytesStart<'_>, name: &str) -> Result<bool, String> {
    Ok(attribute(tag, name)?.is_none_or(|protocol| matches!(protocol.as_str(), "" | "tcp")))
}
