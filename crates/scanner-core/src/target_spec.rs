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
use crate::port_set::PortSet;
use crate::port_spec::parse_ports;
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
    /// The ports behind its `:`, never empty; `None` where it has none of its own.
    pub ports: Option<PortSet>,
    /// What was read otherwise than it was typed: lower-case fragments on one line each.
    pub notes: Vec<String>,
}

impl ParsedTarget {
    const fn new(item: TargetItem) -> Self {
        Self { item, ports: None, notes: Vec::new() }
    }

    fn range(first: impl Into<HostAddr>, last: impl Into<HostAddr>) -> Self {
        Self::new(TargetItem::Addresses(vec![(first.into(), last.into())]))
    }

    fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }
}

/// Reads one target. White space around it does not matter.
#[doc = include_str!("target_spec/grammar.md")]
pub fn parse_target(text: &str) -> Result<ParsedTarget, SpecError> {
    let Split { host, ports } = split(text)?;
    let mut target = parse_part(host)?;
    if let Some(ports) = ports {
        target.ports = Some(ports_of(ports, text)?);
    }
    Ok(target)
}

/// Reads a target of which no ports can be a part, as for an exclusion: as [`parse_target`], but ports are an error.
///
/// # Errors
/// As [`parse_target`], and ports.
///
/// ```
/// use scanner_core::parse_host;
/// assert!(parse_host("[2001:db8::/120]").is_ok());
/// let error = parse_host("nas.lan:80").unwrap_err();
/// assert_eq!(error.caret(), "nas.lan:80\n       ^^^");
/// ```
pub fn parse_host(text: &str) -> Result<ParsedTarget, SpecError> {
    let Split { host, ports } = split(text)?;
    let target = parse_part(host)?;
    match ports {
        None => Ok(target),
        Some(ports) => {
            let error = host.end().up_to(ports).error("ports do not go here");
            Err(error.with_hint(format!("give the host alone: {}", host.text())))
        }
    }
}

/// The two halves of a target.
struct Split<'a> {
    host: Part<'a>,
    ports: Option<Part<'a>>,
}

fn split(text: &str) -> Result<Split<'_>, SpecError> {
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
        return ipv6::split_brackets(target);
    }
    let Some((host, ports)) = target.split_once(|c| c == ':') else {
        return Ok(Split { host: target, ports: None });
    };
    let is_address = if ports.text().contains(':') || host.text().is_empty() && ports.text().is_empty() {
        host.text().bytes().all(|b| b.is_ascii_hexdigit())
    } else {
        // Both sides can only be groups of an IPv6 address.
        is_group(host) && is_group(ports) && ports.text().parse::<u16>().is_err()
    };
    if is_address {
        return Ok(Split { host: target, ports: None });
    }
    if host.text().is_empty() {
        let error = host.error("no host stands before the ports");
        return Err(error.with_hint("as in nas.lan:80; ports of all targets are given with -p"));
    }
    Ok(Split { host, ports: Some(ports) })
}

fn is_group(part: Part<'_>) -> bool {
    (1..=4).contains(&part.text().len()) && part.text().bytes().all(|b| b.is_ascii_hexdigit())
}

fn parse_part(host: Part<'_>) -> Result<ParsedTarget, SpecError> {
    if host.text().contains(':') {
        ipv6::parse(host)
    } else if ipv4::looks_like_one(host.text()) {
        ipv4::parse(host)
    } else {
        name::parse(host)
    }
}

/// The ports behind the `:` of a target that was typed as `text`.
fn ports_of(ports: Part<'_>, text: &str) -> Result<PortSet, SpecError> {
    if ports.text().is_empty() {
        return Err(ports
            .error("no port follows this `:`")
            .with_hint("as in nas.lan:80,443 or nas.lan:http*"));
    }
    // `1.2.3.4:80,5.6.7.8:443`; but `top:50` is an item of a list of ports.
    if let Some((items, _)) = ports.split_once(|c| c == ':')
        && let Some(comma) = items.text().rfind(',')
        && !items.text().get(comma + 1..).is_some_and(|word| word.trim().eq_ignore_ascii_case("top"))
    {
        let error = items.slice(comma..comma + 1).error("one target at a time");
        return Err(error.with_hint("separate targets by spaces"));
    }
    parse_ports(ports.text()).map_err(|error| error.within(text, ports.start()))
}

/// A URL at byte `at` of which the scheme ends; its host and port alone would be a target.
fn url_error(target: Part<'_>, at: usize) -> SpecError {
    let rest = target.text().get(at + 3..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let error = target.slice(0..at + 3).error("a URL is not a target");
    match host.rsplit(']').next() {
        _ if host.is_empty() => error.with_hint(GRAMMAR),
        Some(end) if end.contains(':') => error.with_hint(format!("give host and port alone: {host}")),
        _ => error.with_hint(format!("give the host alone: {host}")),
    }
}

/// Signs that look like the `-` of a range and come from word processors and web pages.
const fn is_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}')
}

#[cfg(test)]
#[expect(clippy::too_many_lines, reason = "long lists of what can be typed, each with its answer")]
mod tests;
