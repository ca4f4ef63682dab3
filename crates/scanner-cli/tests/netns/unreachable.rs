//! Hosts that cannot be reached at all, and who says so.

use scanner_core::{PortState, Reason};
use scanner_lab::{Family, Wire, World};

use crate::command::{Finished, scan};
use crate::setup::or_skip;

const OPEN: u16 = 80;

#[test]
fn own_routes_in_ipv4() {
    own_routes(Family::V4);
}

#[test]
fn own_routes_in_ipv6() {
    own_routes(Family::V6);
}

#[test]
fn routes_of_a_router_in_ipv4() {
    routes_of_a_router(Family::V4);
}

#[test]
fn routes_of_a_router_in_ipv6() {
    routes_of_a_router(Family::V6);
}

#[test]
fn a_dead_gateway_in_ipv4() {
    a_dead_gateway(Family::V4);
}

#[test]
fn a_dead_gateway_in_ipv6() {
    a_dead_gateway(Family::V6);
}

#[test]
fn nobody_on_the_wire_in_ipv4() {
    nobody_on_the_wire(Family::V4);
}

#[test]
fn nobody_on_the_wire_in_ipv6() {
    nobody_on_the_wire(Family::V6);
}

#[test]
fn ports_that_this_machine_refuses_in_ipv4() {
    ports_that_this_machine_refuses(Family::V4);
}

#[test]
fn ports_that_this_machine_refuses_in_ipv6() {
    ports_that_this_machine_refuses(Family::V6);
}

/// A rule of this machine for some ports, as policy routing and security modules have them, is no word about the host.
fn ports_that_this_machine_refuses(family: Family) {
    let Some(world) = or_skip(World::new(Wire::Veth, family)) else { return };
    let _listeners = world.listen(family, &[OPEN]).unwrap();
    let version = if family == Family::V4 { "-4" } else { "-6" };
    for kind in ["prohibit", "unreachable", "blackhole"] {
        let rule = format!("ipproto tcp dport 81-82 pref 10 {kind}");
        world.scanner.ip(&format!("{version} rule add {rule}")).unwrap();
        for connector in ["fast", "portable"] {
            let arguments = format!("{} -p 71-90 --connector {connector} --jsonl", family.target());
            let found = scan(&world.scanner, &arguments);
            let host = found.host(family.target());
            let reasons = (71..=90).map(|port| match port {
                OPEN => (port, Reason::Handshake),
                81 | 82 => (port, Reason::NoRoute),
                _ => (port, Reason::Rst),
            });
            assert_eq!(host.reasons(), reasons.collect(), "{kind}, {connector}: {}", host.record);
            assert_eq!(found.code(), Some(3), "{}", found.stderr);
        }
        world.scanner.ip(&format!("{version} rule delete {rule}")).unwrap();
    }
}

/// Where this machine sends nothing nothing is known, and the host beside it is scanned all the same.
fn own_routes(family: Family) {
    let Some(world) = or_skip(World::new(Wire::Veth, family)) else { return };
    let _listeners = world.listen(family, &[OPEN]).unwrap();
    let mut targets = vec![family.elsewhere(90).1];
    for (network, kind) in [(91, "unreachable"), (92, "prohibit"), (93, "blackhole")] {
        let (prefix, host) = family.elsewhere(network);
        world.scanner.ip(&format!("route add {kind} {prefix}")).unwrap();
        targets.push(host);
    }
    let all = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");

    let found = scan(&world.scanner, &format!("{} {all} -p 80-81 --format jsonl", family.target()));
    for ip in targets {
        let host = found.host(ip);
        assert_eq!(host.record["status"], "unknown", "{}", host.record);
        assert_every_port_is(&found, ip, Reason::NoRoute);
    }
    assert_eq!(found.host(family.target()).in_state(PortState::Open), [OPEN], "{}", found.stdout);
    let end = found.only("scan_end");
    assert_eq!(
        (end["completion"].as_str(), end["not_measured"]["no-route"].as_u64()),
        (Some("incomplete"), Some(8))
    );
    assert_eq!(found.code(), Some(3), "{}", found.stderr);

    let alone = family.elsewhere(90).1;
    let found = scan(&world.scanner, &format!("{alone} -p 80-81 --format jsonl"));
    assert_every_port_is(&found, alone, Reason::NoRoute);
    assert_eq!(found.code(), Some(3), "{}", found.stderr);
}

/// What a router on the path says is a fact of the network.
fn routes_of_a_router(family: Family) {
    let Some(world) = or_skip(World::new(Wire::Veth, family)) else { return };
    let (forwarding, version) = match family {
        Family::V4 => ("ipv4/ip_forward", "-4"),
        Family::V6 => ("ipv6/conf/all/forwarding", "-6"),
    };
    world.target.sysctl(forwarding, 1).unwrap();
    world.scanner.ip(&format!("{version} route add default via {}", family.target())).unwrap();
    // Two ports of two hosts: a router sends five errors at once, then one per second.
    // The message for an unreachable route differs: ICMP says host-unreachable, ICMPv6 no route.
    let unreachable = if family == Family::V4 { Reason::HostUnreachable } else { Reason::NetUnreachable };
    for (network, kind, reason) in [(91, "unreachable", unreachable), (92, "prohibit", Reason::Prohibited)] {
        let (prefix, host) = family.elsewhere(network);
        world.target.ip(&format!("route add {kind} {prefix}")).unwrap();
        let found = scan(&world.scanner, &format!("{host} -p 80-81 --format jsonl"));
        assert_every_port_is(&found, host, reason);
        assert_eq!(found.code(), Some(0), "{}", found.stderr);
    }
}

/// A gateway that is not there says nothing about the hosts behind it: they are not down.
fn a_dead_gateway(family: Family) {
    let Some(world) = or_skip(World::new(Wire::Veth, family)) else { return };
    let (prefix, host) = family.elsewhere(91);
    world.scanner.ip(&format!("route add {prefix} via {}", family.on_wire(77))).unwrap();
    let found = scan(&world.scanner, &format!("{host} -p 80-81 --format jsonl"));
    assert_every_port_is(&found, host, Reason::NoRoute);
    assert_eq!(found.host(host).record["status"], "unknown");
    assert_eq!(found.code(), Some(3), "{}", found.stderr);
}

/// Nobody answers ARP or neighbour discovery: the host is down, and most of its ports are never asked.
fn nobody_on_the_wire(family: Family) {
    let Some(world) = or_skip(World::new(Wire::Veth, family)) else { return };
    let nobody = family.on_wire(77);
    let found = scan(&world.scanner, &format!("{nobody} -p 1-200 --format jsonl"));
    let host = found.host(nobody);
    assert_eq!(
        (host.record["status"].as_str(), host.record["evidence"].as_str()),
        (Some("down"), Some("no-neighbour"))
    );
    let asked = host.reasons();
    assert!(asked.values().all(|reason| *reason == Reason::NoNeighbour), "{}", host.record);
    assert_eq!(asked.len() as u64 + host.record["not_asked"].as_u64().unwrap(), 200);
    assert_eq!(found.only("scan_end")["completion"], "complete");
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
}

fn assert_every_port_is(found: &Finished, ip: std::net::IpAddr, reason: Reason) {
    let host = found.host(ip);
    let expected = (80..=81).map(|port| (port, reason)).collect();
    assert_eq!(host.reasons(), expected, "{}", host.record);
}
