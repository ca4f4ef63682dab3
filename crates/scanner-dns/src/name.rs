//! Names between the wire and the reader. Whatever a name server puts into a name, its text is printable ASCII.

use std::fmt::Write as _;

use hickory_resolver::proto::rr::Name;

use crate::error::ResolveErrorKind;

/// The text of a name without its final dot: in ASCII, a byte that is not printable or would be read as something else
/// as `\` and three digits (RFC 4343, 2.1). International names stay in their ASCII form, in which no two look alike.
pub(crate) fn text(name: &Name) -> String {
    let mut text = String::new();
    for label in name {
        if !text.is_empty() {
            text.push('.');
        }
        for &byte in label {
            push(byte, byte == b'.' || byte == b'\\', &mut text);
        }
    }
    text
}

/// The same of a name that the system gives, whose dots separate and whose backslashes escape.
pub(crate) fn clean(name: &[u8]) -> String {
    let mut text = String::new();
    for &byte in name.strip_suffix(b".").unwrap_or(name) {
        push(byte, false, &mut text);
    }
    text
}

/// Whether a name has bytes that had to be escaped: no host has such a name.
pub(crate) fn is_escaped(text: &str) -> bool {
    text.contains('\\')
}

/// The ASCII form of a name that a user gave: with letters of other scripts encoded (RFC 5890).
pub(crate) fn ascii(name: &str) -> Result<String, ResolveErrorKind> {
    if name.contains('\0') {
        return Err(ResolveErrorKind::Invalid);
    }
    Ok(if name.is_ascii() { name.to_owned() } else { encoded(name)?.to_ascii() })
}

/// The name to ask a name server for.
pub(crate) fn encoded(name: &str) -> Result<Name, ResolveErrorKind> {
    let encoded = if name.is_ascii() { Name::from_ascii(name) } else { Name::from_utf8(name) };
    encoded.map_err(|_| ResolveErrorKind::Invalid)
}

fn push(byte: u8, special: bool, text: &mut String) {
    if byte.is_ascii_graphic() && !special {
        text.push(char::from(byte));
    } else {
        // Writing to a string cannot fail.
        let _ = write!(text, "\\{byte:03}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(labels: &[&[u8]]) -> Name {
        Name::from_labels(labels.iter().copied()).unwrap()
    }

    #[test]
    fn names_are_written_in_printable_ascii() {
        for (labels, written) in [
            (&[&b"router"[..], b"lan"][..], "router.lan"),
            (&[b"_http._x", b"a b"], r"_http\046_x.a\032b"),
            (&[b"\x1b[2J\r\n\x00", b"lan"], r"\027[2J\013\010\000.lan"),
            (&[b"b\xfccher", b"back\\slash"], r"b\252cher.back\092slash"),
            (&[b"xn--bcher-kva"], "xn--bcher-kva"),
            (&[], ""),
        ] {
            assert_eq!(text(&name(labels)), written);
        }
        assert_eq!(clean(b"router.lan."), "router.lan");
        assert_eq!(clean(b"a\\032b.\x1b\xff"), r"a\032b.\027\255");
    }

    #[test]
    fn international_names_are_encoded() {
        assert_eq!(ascii("bücher.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(ascii("My_host.lan.").unwrap(), "My_host.lan.");
        assert_eq!(ascii(&"ü".repeat(80)), Err(ResolveErrorKind::Invalid));
        assert_eq!(ascii("a\0b"), Err(ResolveErrorKind::Invalid));
        assert_eq!(encoded(&"a".repeat(64)).err(), Some(ResolveErrorKind::Invalid));
    }

    proptest! {
        #[test]
        fn whatever_the_labels_hold(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..63), 0..4)) {
            let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
            let text = text(&name(&labels));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
            prop_assert!(text.len() <= 4 * 255);
        }

        #[test]
        fn whatever_the_system_says(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(clean(&bytes).bytes().all(|byte| byte.is_ascii_graphic()));
        }

        #[test]
        fn whatever_the_user_types(typed in any::<String>()) {
            drop(ascii(&typed));
            drop(encoded(&typed));
        }
    }
}
