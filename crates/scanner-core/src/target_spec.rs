//! The grammar of targets: what a user types to say which hosts to scan.
//!
//! A text is sorted by its looks first: what looks like an address and is none is an error, never a host name. (A
//! resolver would turn `10.0.256` into 10.0.1.0 and scan a stranger.)

mod ipv4;
mod ipv6;
mod name;
mod part;

use std::net::Ipv6Addr;

use self::part::Part;
use crate::host_addr::HostAddr;
use crate::spec_error::SpecError;

/// What can be given, for a text that is nothing of it.
const GRAMMAR: &str =
    "a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name";

/// What a target stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetItem {
    /// Ranges of addresses in ascending order, first and last included.
    Addresses(Vec<(HostAddr, HostAddr)>),
    /// An IPv6 address and the name of the interface it is reached through, which only this machine can turn into an
    /// interface index.
    Scoped {
        /// The address.
        ip: Ipv6Addr,
        /// The interface, as typed.
        interface: String,
    },
    /// A host name, as typed; to be looked up.
    Name(String),
}

/// A target that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedTarget {
    /// What it stands for.
    pub item: TargetItem,
    /// What was read otherwise than it was typed: lower-case fragments on one line each.
    pub notes: Vec<String>,
}

impl ParsedTarget {
    const fn new(item: TargetItem) -> Self {
        Self { item, notes: Vec::new() }
    }

    fn range(first: impl Into<HostAddr>, last: impl Into<HostAddr>) -> Self {
        Self::new(TargetItem::Addresses(vec![(first.into(), last.into())]))
    }

    fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }
}

/// Reads one target.
///
/// | typed | stands for |
/// |---|---|
/// | `192.0.2.7` | one address |
/// | `192.0.2.0/24` | a network; host bits are ignored with a note |
/// | `192.0.2.1-20` | a range in an octet |
/// | `10.0.0.9-10.0.1.3` | a range of addresses |
/// | `10.0.0-3.1-254` | ranges in several octets |
/// | `10.0.*.1,5,9` | `*` for all of an octet, and lists |
/// | `2001:db8::1`, `[2001:db8::1]` | one IPv6 address |
/// | `2001:db8::/120`, `2001:db8::1-2001:db8::ff` | an IPv6 network, a range |
/// | `fe80::1%3`, `fe80::%3/120` | the same on the interface with index 3 |
/// | `fe80::1%eth0` | an address on the interface with that name |
/// | `::ffff:192.0.2.7` | the IPv4 address in it, with a note |
/// | `nas.lan`, `bücher.example`, `example.com.` | a host name, kept as typed |
///
/// White space around it does not matter. Ports are not part of a target.
///
/// # Errors
/// Whatever is none of these, with the place and what would be right: texts that look like an address and are none
/// (`10.0.0.256`, `1.2.3`), networks and ranges that cannot be, URLs, `host:port`, and octets whose combinations make
/// more than 65,536 separate ranges.
///
/// ```
/// use scanner_core::{TargetItem, parse_target};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// for (typed, ranges) in [
///     ("192.0.2.7", "192.0.2.7-192.0.2.7"),
///     ("192.0.2.0/24", "192.0.2.0-192.0.2.255"),
///     ("192.0.2.1-20", "192.0.2.1-192.0.2.20"),
///     ("10.0.0.9-10.0.1.3", "10.0.0.9-10.0.1.3"),
///     ("10.0.0-1.1-254", "10.0.0.1-10.0.0.254 10.0.1.1-10.0.1.254"),
///     ("10.0-1.*.*", "10.0.0.0-10.1.255.255"),
///     ("10.0.0.1,5,9", "10.0.0.1-10.0.0.1 10.0.0.5-10.0.0.5 10.0.0.9-10.0.0.9"),
///     ("[2001:db8::1]", "2001:db8::1-2001:db8::1"),
///     ("2001:db8::/120", "2001:db8::-2001:db8::ff"),
///     ("2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff"),
///     ("fe80::1%3", "fe80::1%3-fe80::1%3"),
///     ("::ffff:192.0.2.7", "192.0.2.7-192.0.2.7"),
/// ] {
///     let TargetItem::Addresses(found) = parse_target(typed)?.item else { panic!("{typed}") };
///     let found: Vec<String> = found.iter().map(|(first, last)| format!("{first}-{last}")).collect();
///     assert_eq!(found.join(" "), ranges);
/// }
/// for name in ["nas.lan", "bücher.example", "example.com."] {
///     assert_eq!(parse_target(name)?.item, TargetItem::Name(name.to_owned()));
/// }
/// let scoped = TargetItem::Scoped { ip: "fe80::1".parse()?, interface: "eth0".to_owned() };
/// assert_eq!(parse_target("fe80::1%eth0")?.item, scoped);
/// assert_eq!(parse_target("10.0.0.5/24")?.notes, ["host bits of 10.0.0.5/24 ignored: 10.0.0.0/24"]);
///
/// let error = parse_target("10.0.0.256").unwrap_err();
/// assert_eq!(error.to_string(), "256 is more than 255");
/// assert_eq!(error.caret(), "10.0.0.256\n       ^^^");
/// # Ok(())
/// # }
/// ```
pub fn parse_target(text: &str) -> Result<ParsedTarget, SpecError> {
    let target = Part::whole(text).trimmed();
    if target.text().is_empty() {
        return Err(target.error("no target").with_hint(GRAMMAR));
    }
    if let Some((before, rest)) = target.split_once(char::is_whitespace) {
        let error = before.gap_to(rest).error("one target at a time");
        let is_range = before.text().ends_with('-') || rest.text().trim_start().starts_with('-');
        let hint = if is_range {
            "a range is written without spaces"
        } else {
            "give each as an argument of its own"
        };
        return Err(error.with_hint(hint));
    }
    if let Some(at) = target.text().find("://") {
        return Err(url_error(target, at));
    }
    if target.text().starts_with('[') {
        return ipv6::parse_bracketed(target);
    }
    match target.text().matches(':').count() {
        0 if ipv4::looks_like_one(target.text()) => ipv4::parse(target),
        0 => name::parse(target),
        1 if !target.text().contains("::") => Err(single_colon_error(target)),
        _ => ipv6::parse(target),
    }
}

/// A URL at byte `at` of which the scheme ends; its host alone would be a target.
fn url_error(target: Part<'_>, at: usize) -> SpecError {
    let rest = target.text().get(at + 3..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    let error = target.slice(0..at + 3).error("a URL is not a target");
    if host.is_empty() {
        error.with_hint(GRAMMAR)
    } else {
        error.with_hint(format!("give the host alone: {host}"))
    }
}

/// One colon is a port behind a name or an IPv4 address, unless both sides can only be groups of an IPv6 address.
fn single_colon_error(target: Part<'_>) -> SpecError {
    let Some((host, port)) = target.split_once(|c| c == ':') else {
        return target.error("no target");
    };
    let colon = host.gap_to(port);
    let is_group = |part: Part<'_>| {
        (1..=4).contains(&part.text().len()) && part.text().bytes().all(|b| b.is_ascii_hexdigit())
    };
    let is_port = port.text().parse::<u16>().is_ok();
    if is_group(host) && is_group(port) && !is_port {
        return target
            .end()
            .error("an IPv6 address has eight groups")
            .with_hint("`::` stands for the missing ones");
    }
    port_error(colon, host.text(), port.text())
}

/// Ports are the same for all targets and have an option of their own.
fn port_error(colon: Part<'_>, host: &str, port: &str) -> SpecError {
    let error = colon.error("a target holds no port");
    let is_port =
        port.starts_with(|c: char| c.is_ascii_alphanumeric()) && !port.contains(|c: char| " /".contains(c));
    if is_port && !host.is_empty() {
        error.with_hint(format!("give it with -p: {host} -p {port}"))
    } else {
        error.with_hint("give ports with -p, as in -p 80,443")
    }
}

/// Signs that look like the `-` of a range and come from word processors and web pages.
const fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}')
}

#[cfg(test)]
#[expect(clippy::too_many_lines, reason = "long lists of what can be typed, each with its answer")]
mod tests;
