//! What a host and its firewall answer, and what the command makes of it: with and without a delay, as the order in which
//! the kernel learns of answers differs.

use std::collections::BTreeMap;

use scanner_core::Reason;
use scanner_lab::{Family, Wire, World};

use crate::command::scan;
use crate::setup::{DELAY, or_skip};

const OPEN: u16 = 80;
const CLOSED: u16 = 81;

/// Rules of the target's firewall for IPv4, for IPv6, and the reason that each must give.
const RULES: [(u16, &str, &str, Reason); 11] = [
    (101, "drop", "drop", Reason::NoReply),
    (102, "reject with tcp reset", "reject with tcp reset", Reason::Rst),
    (103, "reject", "reject", Reason::PortUnreachable),
    (
        104,
        "reject with icmp type port-unreachable",
        "reject with icmpv6 type port-unreachable",
        Reason::PortUnreachable,
    ),
    (
        105,
        "reject with icmp type host-unreachable",
        "reject with icmpv6 type addr-unreachable",
        Reason::HostUnreachable,
    ),
    (
        106,
        "reject with icmp type net-unreachable",
        "reject with icmpv6 type no-route",
        Reason::NetUnreachable,
    ),
    (
        107,
        "reject with icmp type admin-prohibited",
        "reject with icmpv6 type admin-prohibited",
        Reason::Prohibited,
    ),
    (108, "reject with icmp type host-prohibited", "reject with icmpv6 type policy-fail", Reason::Prohibited),
    (109, "reject with icmp type net-prohibited", "reject with icmpv6 type reject-route", Reason::Prohibited),
    (110, "drop", "drop", Reason::NoReply),
    (111, "reject with tcp reset", "reject with tcp reset", Reason::Rst),
];

/// The same on the scanner's own side.
const OWN_RULES: [(u16, &str, &str); 4] = [
    (121, "reject", "reject"),
    (122, "reject with icmp type port-unreachable", "reject with icmpv6 type port-unreachable"),
    (123, "reject with icmp type admin-prohibited", "reject with icmpv6 type admin-prohibited"),
    (124, "reject with icmp type host-unreachable", "reject with icmpv6 type addr-unreachable"),
];

#[test]
fn answers_over_veth_in_ipv4() {
    answers(Wire::Veth, Family::V4);
}

#[test]
fn answers_over_veth_in_ipv6() {
    answers(Wire::Veth, Family::V6);
}

#[test]
fn answers_over_a_delayed_wire_in_ipv4() {
    answers(Wire::Delayed(DELAY), Family::V4);
}

#[test]
fn answers_over_a_delayed_wire_in_ipv6() {
    answers(Wire::Delayed(DELAY), Family::V6);
}

#[test]
fn own_firewall_over_veth_in_ipv4() {
    own_firewall(Wire::Veth, Family::V4);
}

#[test]
fn own_firewall_over_veth_in_ipv6() {
    own_firewall(Wire::Veth, Family::V6);
}

#[test]
fn own_firewall_over_a_delayed_wire_in_ipv4() {
    own_firewall(Wire::Delayed(DELAY), Family::V4);
}

#[test]
fn own_firewall_over_a_delayed_wire_in_ipv6() {
    own_firewall(Wire::Delayed(DELAY), Family::V6);
}

fn answers(wire: Wire, family: Family) {
    let Some(world) = or_skip(World::new(wire, family)) else { return };
    let _listeners = world.listen(family, &[OPEN]).unwrap();
    let rules = RULES.map(|(port, v4, v6, _)| (port, choose(family, v4, v6)));
    world.target.nft(&firewall("input", &rules)).unwrap();
    let mut expected: BTreeMap<_, _> = RULES.iter().map(|(port, _, _, reason)| (*port, *reason)).collect();
    expected.extend([(OPEN, Reason::Handshake), (CLOSED, Reason::Rst)]);
    if family == Family::V4 {
        // ICMPv6 has no such message for a firewall to send.
        world
            .target
            .nft("add rule inet test rules tcp dport 112 reject with icmp type prot-unreachable")
            .unwrap();
        expected.insert(112, Reason::ProtoUnreachable);
    }

    let found =
        scan(&world.scanner, &format!("{} -p {} --format jsonl", family.target(), list(expected.keys())));
    let host = found.host(family.target());
    assert_eq!(host.reasons(), expected, "{}", found.stdout);
    assert_eq!((host.record["status"].as_str(), host.record["not_asked"].as_u64()), (Some("up"), Some(0)));
    assert_eq!(found.only("scan_end")["completion"], "complete");
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    if wire == Wire::Delayed(DELAY) {
        let open = found.records().into_iter().find(|record| record["port"] == OPEN).unwrap();
        assert!(u128::from(open["rtt_us"].as_u64().unwrap()) >= 2 * DELAY.as_micros(), "{open}");
    }
}

fn own_firewall(wire: Wire, family: Family) {
    let Some(world) = or_skip(World::new(wire, family)) else { return };
    let _listeners = world.listen(family, &[OPEN]).unwrap();
    let rules = OWN_RULES.map(|(port, v4, v6)| (port, choose(family, v4, v6)));
    world.scanner.nft(&firewall("output", &rules)).unwrap();
    let mut expected: BTreeMap<_, _> =
        OWN_RULES.iter().map(|(port, ..)| (*port, Reason::LocalPolicy)).collect();
    expected.extend([(OPEN, Reason::Handshake), (CLOSED, Reason::Rst)]);

    let found =
        scan(&world.scanner, &format!("{} -p {} --format jsonl", family.target(), list(expected.keys())));
    let host = found.host(family.target());
    assert_eq!(host.reasons(), expected, "{}", found.stdout);
    let end = found.only("scan_end");
    assert_eq!(
        (end["completion"].as_str(), end["not_measured"]["local-policy"].as_u64()),
        (Some("incomplete"), Some(4))
    );
    assert_eq!(found.code(), Some(3), "{}", found.stderr);
}

fn choose<T>(family: Family, v4: T, v6: T) -> T {
    if family == Family::V4 { v4 } else { v6 }
}

fn firewall(hook: &str, rules: &[(u16, &str)]) -> String {
    let rules: Vec<_> = rules.iter().map(|(port, rule)| format!("tcp dport {port} {rule}")).collect();
    let rules = rules.join("\n");
    format!("table inet test {{ chain rules {{\ntype filter hook {hook} priority 0;\n{rules}\n}}\n}}\n")
}

fn list<'a>(ports: impl Iterator<Item = &'a u16>) -> String {
    ports.map(u16::to_string).collect::<Vec<_>>().join(",")
}
