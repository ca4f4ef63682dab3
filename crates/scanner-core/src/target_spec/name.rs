//! Host names: kept as typed, checked only so far that no mistyped address passes for one.

use super::part::Part;
use super::{GRAMMAR, ParsedTarget, TargetItem, is_dash};
use crate::spec_error::SpecError;

/// The most characters between two dots (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;
/// The most characters of a name without its final dot: 255 bytes on the wire.
const MAX_NAME: usize = 253;

/// Reads a text that does not look like an address.
pub(super) fn parse(target: Part<'_>) -> Result<ParsedTarget, SpecError> {
    if let Some(wrong) = target.find(|c| !belongs_in_name(c) && c != '.') {
        return Err(character_error(target, wrong));
    }
    let text = target.text();
    let name = target.slice(0..text.strip_suffix('.').unwrap_or(text).len());
    for label in name.split('.') {
        check_label(label)?;
    }
    if name.text().chars().count() > MAX_NAME {
        return Err(name.error(format!("a host name has at most {MAX_NAME} characters")));
    }
    Ok(ParsedTarget::new(TargetItem::Name(text.to_owned())))
}

/// Letters of other scripts are left to the resolver, which knows the rules of international names; characters that
/// nobody sees, or that only look like ASCII ones, are not.
fn belongs_in_name(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '-' || c == '_';
    }
    let unseen =
        matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}');
    let ascii_like =
        is_dash(c) || matches!(c, '\u{2010}'..='\u{2027}' | '\u{3002}' | '\u{ff01}'..='\u{ff5e}');
    !c.is_control() && !c.is_whitespace() && !unseen && !ascii_like
}

fn character_error(target: Part<'_>, wrong: Part<'_>) -> SpecError {
    let character = wrong.text();
    let error = wrong.error(format!("`{character}` cannot stand in a host name"));
    match character {
        "/" => error.with_hint("a prefix length goes with an address, as in 10.0.0.0/24"),
        "*" => error.with_hint("`*` stands for an octet of an IPv4 address, as in 10.0.0.*"),
        "," | ";" => error.with_hint("separate targets by spaces"),
        "%" => error.with_hint("an interface goes with an IPv6 address, as in fe80::1%eth0"),
        "@" => match target.text().rsplit('@').next() {
            Some(host) if !host.is_empty() => error.with_hint(format!("give the host alone: {host}")),
            _ => error.with_hint(GRAMMAR),
        },
        dash if dash.contains(is_dash) => error.with_hint("a range is written with `-`"),
        _ => error.with_hint(GRAMMAR),
    }
}

fn check_label(label: Part<'_>) -> Result<(), SpecError> {
    let text = label.text();
    if text.is_empty() {
        return Err(label
            .error("a part of the name is missing")
            .with_hint("single dots separate the parts of a name"));
    }
    if text.chars().count() > MAX_LABEL {
        return Err(label.error(format!("a part of a name has at most {MAX_LABEL} characters")));
    }
    if text.starts_with('-') {
        return Err(label.slice(0..1).error("a part of a name cannot begin with `-`").with_hint(GRAMMAR));
    }
    Ok(())
}
