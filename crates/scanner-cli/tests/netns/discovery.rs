//! Which hosts are there, and how that is known: a wire with some addresses on it, and nobody at all others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use scanner_core::{PortSet, PortState, Reason};
use scanner_lab::{Family, Wire, World};
use serde_json::Value;

use crate::command::{Finished, scan};
use crate::setup::or_skip;

/// What the target's network card is called: one from a manufacturer, and one that somebody made up.
const MAC: &str = "b8:27:eb:00:00:02";
const PRIVATE_MAC: &str = "da:a1:19:00:00:02";

const SILENT: &str =
    "table inet test { chain rules { type filter hook input priority 0; meta l4proto tcp drop; }; }";

/// A wire whose far end has this hardware address, and more addresses.
fn world(family: Family, mac: &str, more: &[&str]) -> Option<World> {
    let world = or_skip(World::new(Wire::Veth, family))?;
    world.target.ip(&format!("link set wire address {mac}")).unwrap();
    let length = if family == Family::V4 { "/24" } else { "/64 nodad" };
    for address in more {
        world.target.ip(&format!("address add {address}{length} dev wire")).unwrap();
    }
    // The old hardware address was known from trying the wire.
    world.scanner.ip("neigh flush all").unwrap();
    Some(world)
}

/// The address, status and evidence of every host.
fn statuses(found: &Finished) -> BTreeMap<IpAddr, (String, Option<String>)> {
    let hosts = found.records().into_iter().filter(|record| record["type"] == "host");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let fact = |record: Value| {
        let ip = record["ip"].as_str().unwrap().parse().unwrap();
        (ip, (text(&record["status"]).unwrap(), text(&record["evidence"])))
    };
    hosts.map(fact).collect()
}

#[test]
fn a_neighbour_that_answers_on_no_port_is_up_in_ipv4() {
    silent_neighbour(Family::V4);
}

#[test]
fn a_neighbour_that_answers_on_no_port_is_up_in_ipv6() {
    silent_neighbour(Family::V6);
}

/// Its ports are all asked, as it is there; and its hardware address is known without privileges.
fn silent_neighbour(family: Family) {
    let Some(world) = world(family, MAC, &[]) else { return };
    world.target.nft(SILENT).unwrap();
    let found = scan(&world.scanner, &format!("{} -p 1-40 --jsonl", family.target()));
    let host = found.host(family.target());
    assert_eq!(host.record["status"], "up", "{}", host.record);
    assert_eq!(host.record["evidence"], "neighbour");
    assert_eq!(host.record["mac_address"], MAC);
    assert_eq!(host.ports.get(Reason::NoReply).map(PortSet::len), Some(40), "{}", host.record);
    assert_eq!(found.code(), Some(0), "{}", found.stderr);

    let found = scan(&world.scanner, &format!("{} --discover --jsonl", family.target()));
    let host = found.host(family.target());
    let up = (host.record["status"].as_str(), host.record["evidence"].as_str());
    assert_eq!(up, (Some("up"), Some("neighbour")), "{}", host.record);
    assert_eq!(host.reasons().len(), 0, "{}", host.record);
}

#[test]
fn hardware_addresses_are_shown() {
    for (mac, shown) in [(MAC, MAC.to_owned()), (PRIVATE_MAC, format!("{PRIVATE_MAC} private address"))] {
        let Some(world) = world(Family::V4, mac, &[]) else { return };
        let found = scan(&world.scanner, "10.7.0.2 --discover");
        let line = found.stdout.lines().next().unwrap_or_default();
        assert!(line.starts_with("10.7.0.2  up") && line.contains(&shown), "{}", found.stdout);
        let found = scan(&world.scanner, "10.7.0.2 -p 80 --jsonl");
        assert_eq!(found.host(Family::V4.target()).record["mac_address"], mac, "{}", found.stdout);
    }
}

#[test]
fn who_is_there_of_a_network() {
    let Some(world) = world(Family::V4, MAC, &["10.7.0.77", "10.7.0.200"]) else { return };
    let _listeners = world.listen(Family::V4, &[22, 443]).unwrap();
    let there = BTreeSet::from(["10.7.0.1", "10.7.0.2", "10.7.0.77", "10.7.0.200"]);

    let found = scan(&world.scanner, "-sn 10.7.0.0/24 --format list");
    assert_eq!(found.stdout.lines().collect::<BTreeSet<_>>(), there);
    assert_eq!(found.code(), Some(0), "{}", found.stderr);

    let found = scan(&world.scanner, "-sn 10.7.0.0/24");
    let up: BTreeSet<_> = found.stdout.lines().filter(|line| line.contains("  up")).collect();
    assert_eq!(up.len(), 4, "{}", found.stdout);
    assert!(up.iter().any(|line| line.contains("this machine")), "{}", found.stdout);
    assert!(found.stdout.contains("down                 251   "), "{}", found.stdout);
    assert!(found.stdout.contains("\n4 of 255 hosts up, "), "{}", found.stdout);

    let found = scan(&world.scanner, "-sn 10.7.0.0/24 --json");
    let document: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(document["up_nothing_open"]["ranges"], "10.7.0.1-10.7.0.2,10.7.0.77,10.7.0.200");
    assert_eq!(document["hosts"].as_array().unwrap().len(), 4, "{}", found.stdout);
    assert_eq!(document["discover_only"], true);
    assert_eq!((&document["down"]["count"], &document["no_answer"]["count"]), (&"251".into(), &"0".into()));
    assert_eq!(document["completion"], "complete");
}

#[test]
fn few_of_a_thousand() {
    let Some(world) = world(Family::V4, MAC, &[]) else { return };
    world.scanner.ip("address add 10.80.0.1/22 dev wire").unwrap();
    let there = ["10.80.0.9", "10.80.1.0", "10.80.1.255", "10.80.2.77", "10.80.3.254"];
    for address in there {
        world.target.ip(&format!("address add {address}/22 dev wire")).unwrap();
    }
    for mode in ["--discover", "-p 1-100"] {
        let found = scan(&world.scanner, &format!("10.80.0.0/22 {mode} --jsonl --exclude 10.80.0.1"));
        let statuses = statuses(&found);
        assert_eq!(statuses.len(), 1022, "{mode}");
        for (ip, (status, evidence)) in &statuses {
            let is_there = there.contains(&ip.to_string().as_str());
            let right = if is_there { "up" } else { "down" };
            assert_eq!(status, right, "{ip} {evidence:?} {mode}");
        }
        assert_eq!(found.code(), Some(0), "{}", found.stderr);
    }
}

#[test]
fn who_is_there_in_ipv6() {
    let Some(world) = world(Family::V6, MAC, &["fd07::9"]) else { return };
    let found = scan(&world.scanner, "fd07::/124 --discover --jsonl --exclude fd07::1");
    for (ip, (status, evidence)) in statuses(&found) {
        let is_there = ["fd07::2", "fd07::9"].contains(&ip.to_string().as_str());
        assert_eq!(status, if is_there { "up" } else { "down" }, "{ip} {evidence:?}");
    }
    assert_eq!(found.host(Family::V6.target()).record["mac_address"], MAC);
}

#[test]
fn a_network_behind_a_router_has_no_neighbours() {
    let Some(world) = world(Family::V4, MAC, &[]) else { return };
    world.scanner.ip("route add 10.91.0.0/24 via 10.7.0.2").unwrap();
    world.target.ip("address add 10.91.0.1/32 dev lo").unwrap();
    world.target.ip("route add blackhole 10.91.0.0/24").unwrap();
    let found = scan(&world.scanner, "10.91.0.0-3 --discover --jsonl");
    let statuses = statuses(&found);
    let there = IpAddr::from([10, 91, 0, 1]);
    for (ip, (status, _)) in &statuses {
        assert_eq!(status, if *ip == there { "up" } else { "unknown" }, "{ip}");
    }
    assert_eq!(statuses.len(), 4);
    assert_eq!(found.host(there).record["mac_address"], Value::Null);
    assert_eq!(found.code(), Some(0), "who is silent is silent: {}", found.stderr);
}

#[test]
fn without_discovery_every_port_is_accounted_for() {
    let Some(world) = world(Family::V4, MAC, &[]) else { return };
    world.target.nft(SILENT).unwrap();
    let found = scan(&world.scanner, "10.7.0.2 10.7.0.77 -p 1-40 -Pn --jsonl");
    for (ip, status, reason) in
        [("10.7.0.2", "up", Reason::NoReply), ("10.7.0.77", "down", Reason::NoNeighbour)]
    {
        let host = found.host(ip.parse().unwrap());
        assert_eq!(host.record["status"], status);
        assert_eq!(host.ports.get(reason).map(PortSet::len), Some(40), "{}", host.record);
        assert_eq!(host.record["not_asked"], 0);
        assert_eq!(host.in_state(PortState::Unknown), [] as [u16; 0]);
    }
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
}

#[test]
fn the_status_is_that_of_a_scan_for_hosts() {
    let Some(world) = world(Family::V4, MAC, &[]) else { return };
    for (arguments, code) in [
        ("10.7.0.2 --discover --fail-if open", 1),
        ("10.7.0.2 --discover --fail-if none", 0),
        ("10.7.0.77 --discover --fail-if none", 1),
        ("10.7.0.77 --discover", 0),
        ("10.91.0.1 --discover", 3),
    ] {
        let found = scan(&world.scanner, arguments);
        assert_eq!(found.code(), Some(code), "{arguments}: {}{}", found.stdout, found.stderr);
    }
}
