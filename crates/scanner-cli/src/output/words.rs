//! Plain words for people: reasons, durations, numbers.

use std::time::Duration;

use scanner_core::{Evidence, ForwardCheck, HostResult, HostStatus, PortState, Reason, ReverseName, Verdict};

/// What a reason means.
pub(crate) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Handshake => "handshake",
        Reason::Rst | Reason::Refused => "refused",
        Reason::SelfConnect => "nobody listens",
        Reason::PortUnreachable => "rejected: ICMP port unreachable",
        Reason::HostUnreachable => "ICMP host unreachable",
        Reason::NetUnreachable => "ICMP net unreachable",
        Reason::ProtoUnreachable => "ICMP protocol unreachable",
        Reason::Prohibited => "rejected: ICMP prohibited",
        Reason::NoNeighbour => "no such neighbour",
        Reason::NoReply => "no reply",
        Reason::NoReplyLimited => "no reply from a host that limits its refusals",
        Reason::HostLost => "host-lost: it stopped answering",
        Reason::LocalLimit => "local-limit: this machine ran out of sockets, ports or neighbours",
        Reason::NoRoute => "no-route: this machine has no route there",
        Reason::LocalPolicy => "local-policy: a firewall on this machine",
        Reason::NetworkDown => "network-down: this machine's network went away",
        Reason::Cancelled => "cancelled",
        Reason::Deadline => "deadline: out of time",
        Reason::Skipped => "skipped on request",
        _ => "for another reason",
    }
}

/// What showed that a host is there, or is not.
pub(crate) const fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Neighbour => "answers ARP or neighbour discovery",
        Evidence::Port(why) => reason(why),
        _ => "something else",
    }
}

/// The longest name that is written in full: escaped bytes make it up to four times as long as the DNS allows.
const NAME_WIDTH: usize = 80;

/// The name that an address has, marked where it does not lead back.
pub(crate) fn reverse_name(ptr: &ReverseName) -> String {
    let mut name: String = ptr.name.chars().take(NAME_WIDTH).collect();
    if name.len() < ptr.name.len() {
        name.push('…');
    }
    if ptr.forward == ForwardCheck::Differs {
        name.push_str(" (leads elsewhere)");
    } else if ptr.forward == ForwardCheck::Missing {
        name.push_str(" (leads nowhere)");
    }
    name
}

/// The names that the user typed; the one of the address where it is another, or the only one.
pub(crate) fn host_names(host: &HostResult) -> String {
    let typed = &host.names;
    let Some(ptr) = &host.ptr else { return typed.join(", ") };
    let is_typed = |name: &String| name.trim_end_matches('.').eq_ignore_ascii_case(&ptr.name);
    let name = reverse_name(ptr);
    match typed.iter().any(is_typed) {
        true => typed.join(", "),
        false if typed.is_empty() => name,
        false => format!("{}, its address {name}", typed.join(", ")),
    }
}

/// What a state is called where there is room for two words.
pub(crate) const fn state(state: PortState) -> &'static str {
    match state {
        PortState::Unknown => "not measured",
        PortState::Open | PortState::Closed | PortState::Filtered => state.as_str(),
    }
}

/// Whether a host is there, and how it is known.
pub(crate) fn host_status(host: &HostResult) -> String {
    match (host.status, host.rtt, host.evidence) {
        (HostStatus::Up, Some(time), _) => format!("up, {}", rtt(time)),
        (HostStatus::Up, None, Some(Evidence::Neighbour)) if host.ip.ip().is_ipv4() => {
            "up (answers ARP)".into()
        }
        (HostStatus::Up, None, Some(Evidence::Neighbour)) => "up (answers neighbour discovery)".into(),
        (HostStatus::Up, None, _) => "up".into(),
        (HostStatus::Down, _, Some(why)) => format!("down ({})", evidence(why)),
        (HostStatus::Down, _, None) => "down".into(),
        (HostStatus::Unknown, ..) if is_unmeasured(host) => "not measured".into(),
        // A firewall in its place said something.
        (HostStatus::Unknown, _, Some(why)) => format!("no answer of its own ({})", evidence(why)),
        (HostStatus::Unknown, ..) => "no answer".into(),
    }
}

/// The hardware address of a host, and who made it.
pub(crate) fn hardware(host: &HostResult) -> Option<String> {
    let mac = host.mac?;
    Some(match &host.vendor {
        _ if mac.is_private() => format!("{mac} private address"),
        Some(vendor) => format!("{mac} {vendor}"),
        None => mac.to_string(),
    })
}

/// What a host does as a whole, where that changes how its ports are to be read.
pub(crate) fn host_verdict(host: &HostResult) -> Option<String> {
    Some(match host.verdict? {
        Verdict::AcceptsEverything => "ANSWERS ON EVERY PORT: a proxy or a tarpit, not services".into(),
        Verdict::ResponseLimited => "LIMITS ITS REFUSALS: silent ports may be closed".into(),
        Verdict::HostLost => match host.lost_since {
            Some(since) => format!("STOPPED ANSWERING after {}", duration(since)),
            None => "STOPPED ANSWERING".into(),
        },
        _ => "BEHAVES STRANGELY".into(),
    })
}

/// Whether nothing at all could be measured, which is not the same as no answer.
pub(crate) fn is_unmeasured(host: &HostResult) -> bool {
    let settled = host.ports.count(PortState::Closed) + host.ports.count(PortState::Filtered);
    host.has_unknown() && settled == 0 && host.not_asked == 0
}

/// What can be done about ports that could not be measured.
#[expect(
    clippy::match_same_arms,
    reason = "no advice for a known reason is a decision; for a later one it is ignorance"
)]
pub(crate) const fn advice(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::HostLost => {
            Some("it may have restarted, or protects itself; try again later with --pace gentle")
        }
        Reason::LocalLimit => Some("raise `ulimit -n`, or scan with fewer --max-connections"),
        Reason::NoRoute => Some("check the address and the routes of this machine (is a VPN missing?)"),
        Reason::LocalPolicy => {
            Some("a firewall on this machine rejects the connections; allow them and try again")
        }
        Reason::NetworkDown => Some("check this machine's network and try again"),
        Reason::Deadline => Some("give it more time with --deadline or --host-timeout, or ask fewer ports"),
        Reason::Handshake
        | Reason::SelfConnect
        | Reason::Rst
        | Reason::Refused
        | Reason::PortUnreachable
        | Reason::HostUnreachable
        | Reason::NetUnreachable
        | Reason::ProtoUnreachable
        | Reason::Prohibited
        | Reason::NoNeighbour
        | Reason::NoReply
        | Reason::NoReplyLimited
        | Reason::Cancelled
        | Reason::Skipped => None,
        _ => None,
    }
}

/// A round-trip time.
pub(crate) fn rtt(time: Duration) -> String {
    // Files keep microseconds; what is shown of a file must be what was shown of the scan.
    let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let millis = f64::from(micros) / 1_000.0;
    if micros < 10 {
        format!("{millis:.3} ms")
    } else if millis < 0.095 {
        format!("{millis:.2} ms")
    } else if millis < 9.95 {
        format!("{millis:.1} ms")
    } else if millis < 999.5 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.1} s", millis / 1_000.0)
    }
}

/// From two years on, days say nothing.
const SECONDS_OF_YEARS: u64 = 2 * 31_557_600;

/// How long something took or will take, to two units.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time < Duration::from_millis(100) => format!("{} ms", time.as_millis().max(1)),
        0..10 if time.subsec_millis() < 50 => format!("{seconds} s"),
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        SECONDS_OF_YEARS.. => format!("{} years", number(u128::from(seconds / 31_557_600))),
        _ => two(
            seconds / 86_400,
            if seconds < 172_800 { "day" } else { "days" },
            seconds % 86_400 / 3_600,
            "h",
        ),
    }
}

fn two(high: u64, high_unit: &str, low: u64, low_unit: &str) -> String {
    match low {
        0 => format!("{} {high_unit}", number(u128::from(high))),
        _ => format!("{} {high_unit} {low} {low_unit}", number(u128::from(high))),
    }
}

/// A number with its thousands apart.
pub(crate) fn number(value: impl Into<u128>) -> String {
    let digits = value.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun.
pub(crate) fn counted(value: impl Into<u128>, one: &str, many: &str) -> String {
    let value = value.into();
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (micros, text) in [
            (4, "0.004 ms"),
            (20, "0.02 ms"),
            (512, "0.5 ms"),
            (9_940, "9.9 ms"),
            (41_300, "41 ms"),
            (1_250_000, "1.2 s"),
        ] {
            assert_eq!(rtt(Duration::from_micros(micros)), text);
            assert_eq!(rtt(Duration::from_nanos(micros * 1_000 + 999)), text);
        }
        assert_eq!(rtt(Duration::from_nanos(250_600)), rtt(Duration::from_micros(250)));
        for (millis, text) in [
            (0, "1 ms"),
            (87, "87 ms"),
            (400, "0.4 s"),
            (4_020, "4 s"),
            (14_900, "14 s"),
            (64_000, "1 min 4 s"),
            (120_000, "2 min"),
            (5_400_000, "1 h 30 min"),
            (90_000_000, "1 day 1 h"),
            (172_800_000, "2 days"),
            (u64::MAX, "584,542,046 years"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (value, text) in [(0_u32, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!(counted(1_u32, "port", "ports"), "1 port");
    }
}
