//! IPv4: an address, a network, a range of addresses, or octets with ranges, lists and `*`.

use std::net::Ipv4Addr;

use super::part::Part;
use super::{ParsedTarget, TargetItem, is_dash};
use crate::host_addr::HostAddr;
use crate::spec_error::SpecError;

/// The most ranges one target may stand for: `10.*.*.1` is just allowed.
const MAX_RANGES: usize = 65_536;

const OCTET_HINT: &str = "an octet is a number from 0 to 255, a range like 1-254, or `*`";

/// What an octet, or several, stand for: ranges in ascending order that do not overlap.
type Ranges = Vec<(u32, u32)>;

/// Whether a text without colons is meant as an IPv4 address, whether or not it is one.
///
/// It is where it holds nothing but digits and the signs of this grammar; where it ends in a number, as no top-level
/// domain does (resolvers read `1.2.3` and `0x7f.1` as addresses); and where only the last octet is spoilt.
pub(super) fn looks_like_one(text: &str) -> bool {
    let is_sign = |c: char| matches!(c, '.' | '*' | ',' | '-' | '/');
    if text.chars().all(|c| is_number_char(c) || is_sign(c)) {
        return text.chars().any(|c| is_number_char(c) || c == '*');
    }
    let labels: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
    labels.last().is_some_and(|last| is_number(last)) || is_spoilt_octet(&labels) || begins_with_address(text)
}

/// A digit of any script: `１０.０.０.１` is no name either.
fn is_number_char(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric())
}

fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    is_hex || (!label.is_empty() && label.chars().all(is_number_char))
}

/// Three octets and something that no top-level domain can be, as in `10.0.0.x` or `10.0.0.1O`.
fn is_spoilt_octet(labels: &[&str]) -> bool {
    let [octets @ .., last] = labels else { return false };
    let is_octet = |label: &&str| label.chars().all(|c| is_number_char(c) || matches!(c, '*' | ',' | '-'));
    let is_domain = last.starts_with("xn--") || (last.len() > 1 && !last.contains(is_number_char));
    octets.len() == 3 && octets.iter().all(is_octet) && !is_domain
}

/// An address and then what only an address is followed by: a prefix length, a list, or the end of a range.
fn begins_with_address(text: &str) -> bool {
    let Some((first, rest)) = text.find(['/', ',', '-']).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let end_of_range = |rest: &str| rest.starts_with(is_number_char) && rest.split('.').count() == 4;
    first.parse::<Ipv4Addr>().is_ok() && rest.strip_prefix('-').is_none_or(end_of_range)
}

/// Reads a text that looks like an IPv4 address.
pub(super) fn parse(target: Part<'_>) -> Result<ParsedTarget, SpecError> {
    if let Some(semicolon) = target.find(|c| c == ';') {
        return Err(semicolon.error("one target at a time").with_hint("separate targets by spaces"));
    }
    if let Some((first, rest)) = target.split_once(|c| c == ',')
        && first.text().matches('.').count() == 3
        && rest.text().contains('.')
    {
        return Err(first.gap_to(rest).error("one target at a time").with_hint("separate targets by spaces"));
    }
    if let Some((addr, len)) = target.split_once(|c| c == '/') {
        return parse_network(addr, len);
    }
    if let Some((first, last)) = target.split_once(|c| c == '-')
        && first.text().matches('.').count() == 3
        && last.text().contains('.')
    {
        return parse_range(first, last);
    }
    parse_octets(target)
}

fn parse_network(addr: Part<'_>, len: Part<'_>) -> Result<ParsedTarget, SpecError> {
    let ip = parse_addr(addr)?;
    let bits = parse_len(len, Ipv4Addr::BITS)?;
    let host_bits = u32::MAX.checked_shr(bits).unwrap_or(0);
    let first = Ipv4Addr::from_bits(ip.to_bits() & !host_bits);
    let network = ParsedTarget::range(first, Ipv4Addr::from_bits(ip.to_bits() | host_bits));
    if first == ip {
        return Ok(network);
    }
    Ok(network.with_note(format!("host bits of {ip}/{bits} ignored: {first}/{bits}")))
}

/// The number behind a `/`, from 0 to `max`.
pub(super) fn parse_len(len: Part<'_>, max: u32) -> Result<u32, SpecError> {
    let hint = format!("a prefix length is a number from 0 to {max}");
    if let Some(slash) = len.find(|c| c == '/') {
        return Err(slash.error("a second prefix length").with_hint("one address, one `/`, one number"));
    }
    if len.text().is_empty() {
        return Err(len.error("the prefix length is missing").with_hint(hint));
    }
    if let Ok(mask) = len.text().parse::<Ipv4Addr>() {
        let ones = mask.to_bits().leading_ones();
        let hint = if ones == mask.to_bits().count_ones() { format!("this mask is /{ones}") } else { hint };
        return Err(len.error("a mask stands where a prefix length is needed").with_hint(hint));
    }
    if let Some(wrong) = len.find(|c| !c.is_ascii_digit()) {
        return Err(wrong.error(format!("`{}` is no digit", wrong.text())).with_hint(hint));
    }
    match len.text().parse() {
        Ok(bits) if bits <= max => Ok(bits),
        _ => Err(len.error(format!("{} is more than {max}", len.text())).with_hint(hint)),
    }
}

fn parse_range(first: Part<'_>, last: Part<'_>) -> Result<ParsedTarget, SpecError> {
    let (low, high) = (parse_addr(first)?, parse_addr(last)?);
    if low > high {
        return Err(reversed(first, last));
    }
    Ok(ParsedTarget::range(low, high))
}

/// A range whose end comes before its beginning.
pub(super) fn reversed(first: Part<'_>, last: Part<'_>) -> SpecError {
    let hint = format!("{}-{}", last.text(), first.text());
    first.up_to(last).error("a range runs from low to high").with_hint(hint)
}

/// An address without ranges, where a network or a range of addresses needs one.
fn parse_addr(addr: Part<'_>) -> Result<Ipv4Addr, SpecError> {
    if let Some(wrong) = addr.find(|c| matches!(c, '-' | '*' | ',')) {
        let error = wrong.error("a plain address is needed here");
        return Err(error.with_hint("`/` and a range of addresses do not go with ranges of octets"));
    }
    let [a, b, c, d] = split_octets(addr)?;
    Ok(Ipv4Addr::new(parse_number(a)?, parse_number(b)?, parse_number(c)?, parse_number(d)?))
}

fn parse_octets(target: Part<'_>) -> Result<ParsedTarget, SpecError> {
    let [a, b, c, d] = split_octets(target)?;
    let octets = [parse_octet(a)?, parse_octet(b)?, parse_octet(c)?, parse_octet(d)?];
    let mut ranges = vec![(0, 0)];
    for (octet, shift) in octets.iter().rev().zip([0, 8, 16, 24]) {
        ranges = combine(octet, &ranges, shift).ok_or_else(|| {
            let error = target.error(format!("more than {MAX_RANGES} separate ranges"));
            error.with_hint("give it as several targets")
        })?;
    }
    let addr = |bits| HostAddr::from(Ipv4Addr::from_bits(bits));
    let ranges = ranges.into_iter().map(|(first, last)| (addr(first), addr(last)));
    Ok(ParsedTarget::new(TargetItem::Addresses(ranges.collect())))
}

/// Puts an octet before the `shift` bits that `below` stands for; `None` where that makes too many ranges.
fn combine(octet: &Ranges, below: &Ranges, shift: u32) -> Option<Ranges> {
    let all_below = (1 << shift) - 1;
    if below[..] == [(0, all_below)] {
        return Some(
            octet.iter().map(|&(first, last)| (first << shift, last << shift | all_below)).collect(),
        );
    }
    let values = || octet.iter().flat_map(|&(first, last)| first..=last);
    if values().count() * below.len() > MAX_RANGES {
        return None;
    }
    let with =
        |value: u32| below.iter().map(move |&(first, last)| (value << shift | first, value << shift | last));
    Some(values().flat_map(with).collect())
}

fn split_octets(addr: Part<'_>) -> Result<[Part<'_>; 4], SpecError> {
    let octets: Vec<Part<'_>> = addr.split('.').collect();
    let text = addr.text();
    match octets[..] {
        [a, b, c, d] => Ok([a, b, c, d]),
        [_, _, _, fourth, ..] => {
            let surplus = fourth.end().up_to(addr);
            let address = text.strip_suffix(surplus.text()).unwrap_or(text);
            let hint = if text.contains('-') {
                "a range goes from one plain address to another, as in 10.0.0.1-10.0.1.9".to_owned()
            } else {
                format!("{address} is an address")
            };
            Err(surplus.error("an IPv4 address has four parts").with_hint(hint))
        }
        [_, _, third] if !third.text().is_empty() => {
            let error = addr.end().error("the fourth part of the address is missing");
            Err(error.with_hint(format!("as in {text}.1, or {text}.0/24 for all of them")))
        }
        [_] => {
            let error = addr.end().error("an IPv4 address has four parts");
            Err(error.with_hint("like 192.0.2.7; ports are given with -p"))
        }
        _ => Err(addr.end().error("an IPv4 address has four parts").with_hint("like 192.0.2.7")),
    }
}

/// One octet: a list of numbers and ranges, or `*`.
fn parse_octet(octet: Part<'_>) -> Result<Ranges, SpecError> {
    let mut ranges: Ranges = octet.split(',').map(parse_octet_item).collect::<Result<_, _>>()?;
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joins = next.0 <= kept.1 + 1;
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
    Ok(ranges)
}

fn parse_octet_item(item: Part<'_>) -> Result<(u32, u32), SpecError> {
    if item.text() == "*" {
        return Ok((0, 255));
    }
    let Some((first, last)) = item.split_once(|c| c == '-') else {
        let number = u32::from(parse_number(item)?);
        return Ok((number, number));
    };
    let (low, high) = (parse_number(first)?, parse_number(last)?);
    if low > high {
        return Err(reversed(first, last));
    }
    Ok((u32::from(low), u32::from(high)))
}

fn parse_number(number: Part<'_>) -> Result<u8, SpecError> {
    let text = number.text();
    if text.is_empty() {
        return Err(number.error("a number is missing").with_hint(OCTET_HINT));
    }
    if let Some(wrong) = number.find(|c| !c.is_ascii_digit()) {
        let hint = match wrong.text() {
            "%" => "an interface goes with an IPv6 address, as in fe80::1%eth0",
            dash if dash.contains(is_dash) => "a range is written with `-`",
            _ => OCTET_HINT,
        };
        return Err(wrong.error(format!("`{}` is no digit", wrong.text())).with_hint(hint));
    }
    if text.len() > 1 && text.starts_with('0') {
        let plain = text.trim_start_matches('0');
        let plain = if plain.is_empty() { "0" } else { plain };
        let error = number.error("a leading zero: some programs read such a number as octal");
        return Err(error.with_hint(format!("{plain} where it is decimal")));
    }
    text.parse().map_err(|_| number.error(format!("{text} is more than 255")).with_hint(OCTET_HINT))
}
