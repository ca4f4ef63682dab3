//! The hosts without a block of their own: one line for each kind.

use std::io::{self, Write};
use std::net::IpAddr;

use scanner_core::{AddrSet, HostAddr, ScanReport};

use crate::output::text::Shown;
use crate::output::words;

/// How many addresses or ranges a line names before it only counts.
const NAMED: usize = 12;

pub(super) fn write(report: &ScanReport, shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let left = |set: &AddrSet, shown: u128| set.len().saturating_sub(shown);
    let up = left(&report.up_nothing_open, shown.up_nothing_open);
    let up_names =
        if up == report.up_nothing_open.len() { compressed(&report.up_nothing_open) } else { String::new() };
    let lines = [
        ("up, nothing open", up, up_names.as_str()),
        (
            "no answer",
            left(&report.no_answer, shown.no_answer),
            "not there, asleep, or behind a firewall that drops",
        ),
        ("down", left(&report.down, shown.down), "the network says that nobody is there"),
        ("not measured", left(&report.not_measured_hosts, shown.not_measured), ""),
    ];
    let mut any = false;
    for (kind, count, text) in lines.into_iter().filter(|(_, count, _)| *count > 0) {
        let line = format!("{kind:<16} {:>7}   {text}", words::number(count));
        writeln!(out, "{}", line.trim_end())?;
        any = true;
    }
    if any { writeln!(out) } else { Ok(()) }
}

/// `192.168.1.12 .31 .40-42`: the network is written once.
fn compressed(set: &AddrSet) -> String {
    let mut parts = Vec::new();
    let mut written = 0_u128;
    let mut before = None;
    for (first, last) in set.ranges().take(NAMED) {
        let start = short(first, before);
        parts.push(if first == last { start } else { format!("{start}-{}", last_part(first, last)) });
        written += number_of(last) - number_of(first) + 1;
        before = Some(last);
    }
    match set.len().saturating_sub(written) {
        0 => {}
        more => parts.push(format!("and {} more", words::number(more))),
    }
    parts.join(" ")
}

fn short(addr: HostAddr, before: Option<HostAddr>) -> String {
    match (addr.ip(), before.map(HostAddr::ip)) {
        (IpAddr::V4(ip), Some(IpAddr::V4(before))) if ip.octets()[..3] == before.octets()[..3] => {
            format!(".{}", ip.octets()[3])
        }
        _ => addr.to_string(),
    }
}

fn last_part(first: HostAddr, last: HostAddr) -> String {
    short(last, Some(first)).trim_start_matches('.').to_owned()
}

const fn number_of(addr: HostAddr) -> u128 {
    match addr.ip() {
        IpAddr::V4(ip) => ip.to_bits() as u128,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(addrs: &[&str]) -> String {
        compressed(&addrs.iter().map(|addr| addr.parse::<HostAddr>().unwrap()).collect())
    }

    #[test]
    fn the_network_is_written_once() {
        assert_eq!(shown(&["192.168.1.12", "192.168.1.31"]), "192.168.1.12 .31");
        assert_eq!(
            shown(&["10.0.0.1", "10.0.0.2", "10.0.1.7", "2001:db8::1"]),
            "10.0.0.1-2 10.0.1.7 2001:db8::1"
        );
        assert_eq!(shown(&["10.0.0.255", "10.0.1.0"]), "10.0.0.255-10.0.1.0");
        let many: Vec<String> = (0..40).map(|i| format!("10.0.0.{}", i * 2)).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(shown(&many).ends_with(".22 and 28 more"));
    }
}
