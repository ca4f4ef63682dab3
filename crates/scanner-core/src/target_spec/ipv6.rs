//! IPv6: an address, a network or a range, each with a scope or without.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ipv4::{parse_len, reversed};
use super::part::Part;
use super::{ParsedTarget, Split, TargetItem};
use crate::host_addr::HostAddr;
use crate::spec_error::SpecError;

/// The interface behind a `%`.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Index(u32),
    Named(&'a str),
}

/// Takes off brackets, which make plain where the address ends and the ports begin.
pub(super) fn split_brackets(target: Part<'_>) -> Result<Split<'_>, SpecError> {
    let open = target.slice(0..1);
    let Some((head, rest)) = target.split_once(|c| c == ']') else {
        return Err(target.end().error("`]` is missing").with_hint(format!("{}]", target.text())));
    };
    let host = open.end().up_to(head);
    let ports = rest.text().starts_with(':').then(|| rest.slice(1..rest.text().len()));
    if ports.is_none() && !rest.text().is_empty() {
        let error = rest.error("only ports can follow `]`");
        return Err(error.with_hint("as in [2001:db8::1]:80; a prefix length stands inside the brackets"));
    }
    if let Some(wrong) = host.find(|c| c == '[') {
        return Err(wrong
            .error("a second `[`")
            .with_hint("brackets go around one address, network or range"));
    }
    if !host.text().contains(':') {
        return Err(host.error("brackets hold an IPv6 address").with_hint("leave out the brackets"));
    }
    Ok(Split { host, ports })
}

/// Reads a text with colons.
pub(super) fn parse(target: Part<'_>) -> Result<ParsedTarget, SpecError> {
    if let Some((addr, len)) = target.split_once(|c| c == '/') {
        return parse_network(addr, len);
    }
    if let Some((first, last)) = split_range(target) {
        return parse_range(first, last);
    }
    let (ip, scope) = parse_scoped(target)?;
    finish(ip, ip, scope, target)
}

fn parse_network(addr: Part<'_>, len: Part<'_>) -> Result<ParsedTarget, SpecError> {
    let (ip, scope) = parse_scoped(addr)?;
    if let Some((bits, ports)) = len.split_once(|c| c == ':') {
        let error = bits.gap_to(ports).error("ports stand behind brackets");
        return Err(error.with_hint(format!("[{}]:{}", addr.up_to(bits).text(), ports.text())));
    }
    let bits = parse_len(len, Ipv6Addr::BITS)?;
    let host_bits = u128::MAX.checked_shr(bits).unwrap_or(0);
    let first = Ipv6Addr::from_bits(ip.to_bits() & !host_bits);
    let last = Ipv6Addr::from_bits(ip.to_bits() | host_bits);
    let network = finish(first, last, scope, addr.up_to(len))?;
    if first == ip {
        return Ok(network);
    }
    Ok(network.with_note(format!("host bits of {ip}/{bits} ignored: {first}/{bits}")))
}

/// The two ends of a range. Interfaces may have a `-` in their names, so that the sign counts only between colons.
fn split_range(target: Part<'_>) -> Option<(Part<'_>, Part<'_>)> {
    let text = target.text();
    let before_colon = text.get(..text.rfind(':')?)?;
    let at = before_colon.rfind('-')?;
    before_colon.get(..at)?.contains(':').then(|| target.split_around(at, 1))
}

fn parse_range(first: Part<'_>, last: Part<'_>) -> Result<ParsedTarget, SpecError> {
    let ((low, low_scope), (high, high_scope)) = (parse_scoped(first)?, parse_scoped(last)?);
    let scope = match (low_scope, high_scope) {
        (Some(Scope::Index(a)), Some(Scope::Index(b))) if a != b => {
            let error = last.error("both ends of a range are on one interface");
            return Err(error.with_hint(format!("{low}%{a}-{high}%{a}")));
        }
        (Some(scope), None) | (_, Some(scope)) => Some(scope),
        (None, None) => None,
    };
    if low > high {
        return Err(reversed(first, last));
    }
    finish(low, high, scope, first.up_to(last))
}

/// The target from `first` to `last`, which was typed as `typed`.
fn finish(
    first: Ipv6Addr,
    last: Ipv6Addr,
    scope: Option<Scope<'_>>,
    typed: Part<'_>,
) -> Result<ParsedTarget, SpecError> {
    if let (Some(v4_first), Some(v4_last)) = (first.to_ipv4_mapped(), last.to_ipv4_mapped()) {
        return mapped(v4_first, v4_last, scope, typed);
    }
    let scope = match scope {
        None => 0,
        Some(Scope::Index(index)) => index,
        Some(Scope::Named(interface)) if first == last => {
            return Ok(ParsedTarget::new(TargetItem::Scoped { ip: first, interface: interface.to_owned() }));
        }
        Some(Scope::Named(interface)) => {
            let error = typed.error(format!("a range on `{interface}` needs the number of the interface"));
            return Err(error.with_hint("as in fe80::%2/120"));
        }
    };
    let addr = |ip| HostAddr::with_scope(IpAddr::V6(ip), scope);
    let target = ParsedTarget::range(addr(first), addr(last));
    if scope == 0 && first.is_unicast_link_local() {
        return Ok(
            target.with_note(format!("{first} is link-local and needs its interface, as in {first}%eth0"))
        );
    }
    Ok(target)
}

/// Connecting to an IPv4-mapped address (RFC 4291, 2.5.5.2) speaks IPv4: it is scanned, excluded and counted as such.
fn mapped(
    first: Ipv4Addr,
    last: Ipv4Addr,
    scope: Option<Scope<'_>>,
    typed: Part<'_>,
) -> Result<ParsedTarget, SpecError> {
    if scope.is_some() {
        let error = typed.error("an IPv4 address has no interface");
        return Err(error.with_hint(format!("write {first}")));
    }
    let what = if first == last { first.to_string() } else { format!("{first}-{last}") };
    let note = format!("{} is IPv4: {what}", typed.text());
    Ok(ParsedTarget::range(first, last).with_note(note))
}

/// An address and, behind `%`, the interface it is reached through.
fn parse_scoped(addr: Part<'_>) -> Result<(Ipv6Addr, Option<Scope<'_>>), SpecError> {
    let Some((ip, scope)) = addr.split_once(|c| c == '%') else {
        return Ok((parse_addr(addr)?, None));
    };
    let ip = parse_addr(ip)?;
    let text = scope.text();
    if text.is_empty() {
        let error = scope.error("the interface is missing");
        return Err(error.with_hint(format!("its name or its number, as in {ip}%eth0 or {ip}%2")));
    }
    if let Some(wrong) = scope.find(|c| c == '%' || c.is_control()) {
        return Err(wrong
            .error("an interface name has no such character")
            .with_hint(format!("as in {ip}%eth0")));
    }
    if text.bytes().any(|b| !b.is_ascii_digit()) {
        return Ok((ip, Some(Scope::Named(text))));
    }
    match text.parse() {
        Ok(index) => Ok((ip, Some(Scope::Index(index)))),
        Err(_) => Err(scope.error("no interface has so large a number").with_hint(format!("as in {ip}%2"))),
    }
}

fn parse_addr(addr: Part<'_>) -> Result<Ipv6Addr, SpecError> {
    addr.text().parse().map_err(|_| fault(addr))
}

/// What is wrong with a text that is no IPv6 address. The standard library only says that something is.
fn fault(addr: Part<'_>) -> SpecError {
    if let Some(dash) = addr.find(|c| c == '-') {
        let error = dash.error("the end of an IPv6 range is a whole address");
        return error.with_hint("as in 2001:db8::1-2001:db8::ff");
    }
    if let Some(wrong) = addr.find(|c| !c.is_ascii_hexdigit() && c != ':' && c != '.') {
        let error = wrong.error(format!("`{}` is no hexadecimal digit", wrong.text()));
        return error.with_hint("an IPv6 address is made of the digits 0-9 and a-f and of colons");
    }
    let text = addr.text();
    if let Some(at) = text.find(":::") {
        return addr
            .slice(at..at + 3)
            .error("too many colons")
            .with_hint("`::` stands for the groups that are zero");
    }
    if let (Some(first), Some(second)) = (text.find("::"), text.rfind("::"))
        && first != second
    {
        let error = addr.slice(second..second + 2).error("a second `::`");
        return error.with_hint("`::` stands once, for the groups that are zero");
    }
    group_fault(addr)
}

/// What is wrong in an address whose characters and colons could be right.
fn group_fault(addr: Part<'_>) -> SpecError {
    let text = addr.text();
    let groups: Vec<Part<'_>> = addr.split(':').collect();
    let is_compressed = text.contains("::");
    for (i, group) in groups.iter().enumerate() {
        let is_last = i + 1 == groups.len();
        if group.text().contains('.') {
            if !is_last || group.text().parse::<Ipv4Addr>().is_err() {
                let error = group.error("an IPv6 address can only end in a whole IPv4 address");
                return error.with_hint("as in 64:ff9b::192.0.2.7");
            }
        } else if group.text().len() > 4 {
            return group.error("a group has at most four digits").with_hint("colons separate the groups");
        } else if group.text().is_empty() && !is_compressed {
            return group.error("a group is missing").with_hint("`::` stands for the groups that are zero");
        }
    }
    // A single colon at either end, with `::` elsewhere.
    if text.starts_with(':') && !text.starts_with("::") {
        return addr
            .slice(0..1)
            .error("a colon too many")
            .with_hint("`::` stands once, for the groups that are zero");
    }
    if text.ends_with(':') && !text.ends_with("::") {
        return addr
            .slice(text.len() - 1..text.len())
            .error("a colon too many")
            .with_hint("an address ends in a group");
    }
    count_fault(addr, &groups, is_compressed)
}

fn count_fault(addr: Part<'_>, groups: &[Part<'_>], is_compressed: bool) -> SpecError {
    let width =
        |group: &Part<'_>| if group.text().contains('.') { 2 } else { usize::from(!group.text().is_empty()) };
    let most = if is_compressed { 7 } else { 8 };
    let mut count = 0;
    for group in groups {
        count += width(group);
        if count > most {
            let hint = if is_compressed {
                "`::` stands for at least one group"
            } else {
                "of up to four digits each"
            };
            return group.up_to(addr).error("an IPv6 address has eight groups").with_hint(hint);
        }
    }
    addr.end().error("an IPv6 address has eight groups").with_hint("`::` stands for the groups that are zero")
}
