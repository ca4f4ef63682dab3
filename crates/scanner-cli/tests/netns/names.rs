//! Names in the command: those that are typed, and those that addresses have.

use serde_json::Value;

use crate::command::Finished;
use crate::look_ups::hostile;
use crate::machine::Machine;
use crate::name_server::{Dnsmasq, REAL, Reply, SCRIPTED, Scripted};
use crate::setup::or_skip;

/// A network with five hosts, the first of which is the name server.
fn network() -> Option<(Machine, Dnsmasq)> {
    let machine = or_skip(Machine::new(REAL))?;
    let server = or_skip(Dnsmasq::start(&machine.world.target))?;
    with_hosts(&machine);
    Some((machine, server))
}

/// A network with hosts of which the scripted server tells.
fn odd_network(reply: impl Fn(&str) -> Reply + Send + 'static) -> Option<(Machine, Scripted)> {
    let machine = or_skip(Machine::new(&SCRIPTED.to_string()))?;
    let server = Scripted::start(&machine.world.target, reply);
    with_hosts(&machine);
    Some((machine, server))
}

fn with_hosts(machine: &Machine) {
    for host in 3..=8 {
        machine.world.target.ip(&format!("address add 10.7.0.{host}/24 dev wire")).unwrap();
    }
}

/// The lines about hosts, without the time that they took.
fn heads(found: &Finished) -> String {
    let heads = found.stdout.lines().filter(|line| line.starts_with("10."));
    let head = |line: &str| line.split("  up, ").next().unwrap_or_default().to_owned();
    let mut heads: Vec<_> = heads.map(head).collect();
    heads.sort();
    heads.join("\n")
}

/// The name of an address in the records of `--jsonl`.
fn ptr_of(found: &Finished, ip: &str) -> Value {
    found.host(ip.parse().unwrap()).record["ptr"].clone()
}

#[test]
fn hosts_are_shown_with_the_names_of_their_addresses() {
    let Some((machine, _server)) = network() else { return };
    let found = machine.scan_named("10.7.0.2-6 -p 80");
    assert_eq!((found.code(), found.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(heads(&found), @"
    10.7.0.2  router.lan
    10.7.0.3  nas.lan
    10.7.0.4  xn--bcher-kva.lan
    10.7.0.5  stranger.example (leads elsewhere)
    10.7.0.6  gone.lan (leads nowhere)
    ");
    let found = machine.scan_named("nas.lan 10.7.0.3 10.7.0.4 -p 80 --dns system");
    insta::assert_snapshot!(heads(&found), @"
    10.7.0.3  nas.lan
    10.7.0.4  xn--bcher-kva.lan
    ");
}

#[test]
fn records_and_documents_have_the_names_beside_those_that_were_typed() {
    let Some((machine, _server)) = network() else { return };
    let found = machine.scan_named("10.7.0.2 nas.lan 10.7.0.5 10.7.0.8 -p 80 --jsonl");
    assert_eq!(ptr_of(&found, "10.7.0.2"), serde_json::json!({ "name": "router.lan", "forward": "agrees" }));
    assert_eq!(ptr_of(&found, "10.7.0.3"), serde_json::json!({ "name": "nas.lan", "forward": "agrees" }));
    assert_eq!(
        ptr_of(&found, "10.7.0.5"),
        serde_json::json!({ "name": "stranger.example", "forward": "differs" })
    );
    assert_eq!(ptr_of(&found, "10.7.0.8"), Value::Null);
    assert_eq!(found.host("10.7.0.3".parse().unwrap()).record["names"], serde_json::json!(["nas.lan"]));
    let last = found.records().pop().unwrap();
    assert_eq!(last["type"], "scan_end");

    let found = machine.scan_named("10.7.0.6 -p 80 --json");
    let document: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(document["hosts"][0]["ptr"], serde_json::json!({ "name": "gone.lan", "forward": "missing" }));
}

#[test]
fn whose_names_are_looked_up() {
    let Some((machine, server)) = odd_network(|_| Reply::Ptr(vec![b"host".to_vec(), b"lan".to_vec()])) else {
        return;
    };
    let found = machine.scan_named("10.7.0.3 -p 80 -n --jsonl");
    assert_eq!((ptr_of(&found, "10.7.0.3"), server.asked()), (Value::Null, 0));
    let found = machine.scan_named("10.7.0.3 10.7.0.77 -p 80 --jsonl");
    assert_eq!(ptr_of(&found, "10.7.0.3")["name"], "host.lan");
    assert_eq!(ptr_of(&found, "10.7.0.77"), Value::Null);
    let found = machine.scan_named("10.7.0.3 10.7.0.77 -p 80 -R --jsonl");
    assert_eq!(ptr_of(&found, "10.7.0.77")["name"], "host.lan");
    let asked = server.asked();
    let found = machine.scan_named("10.7.0.3 -p 80 --dns off --jsonl");
    assert_eq!((found.code(), server.asked()), (Some(0), asked));
}

#[test]
fn servers_of_ones_own_are_asked_and_nobody_else() {
    let Some((machine, scripted)) = odd_network(|_| Reply::Code(3)) else { return };
    let Some(_server) = or_skip(Dnsmasq::start(&machine.world.target)) else { return };
    let found = machine.scan_named(&format!("nas.lan 10.7.0.2 -p 80 --resolvers {REAL}:53 --jsonl"));
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    assert_eq!(ptr_of(&found, "10.7.0.2")["name"], "router.lan");
    assert_eq!(ptr_of(&found, "10.7.0.3")["name"], "nas.lan");
    assert_eq!(scripted.asked(), 0);
}

#[test]
fn names_that_have_no_address_say_why() {
    let Some((machine, _server)) = network() else { return };
    let said = |arguments: &str| {
        let found = machine.scan(arguments);
        format!("{}status {}", found.stderr, found.code().unwrap())
    };
    insta::assert_snapshot!(said("gone.lan -p 80"), @"
    warning: cannot resolve `gone.lan`: no such name
    error: there is no target to scan: no name has an address
    hint: check the spelling, or give an address
    status 2
    ");
    insta::assert_snapshot!(said("six.lan -4 10.7.0.2 -p 80"), @"
    warning: cannot resolve `six.lan`: it has no IPv4 address
    status 3
    ");
    insta::assert_snapshot!(said("router.lan -6 -p 80"), @"
    warning: cannot resolve `router.lan`: it has no IPv6 address
    error: there is no target to scan: no name has an address
    hint: check the spelling, or give an address
    status 2
    ");
    insta::assert_snapshot!(said("nas.lan 10.7.0.2 -p 80 --dns off"), @"
    error: `nas.lan`: names are not looked up (--dns off)
    hint: give its address
    status 2
    ");
    insta::assert_snapshot!(said("10.7.0.2 --exclude nas.lan -p 80 --dns off"), @"
    error: `nas.lan`: names are not looked up (--dns off)
    hint: give its address
    status 2
    ");
    machine.write("resolv.conf", "");
    insta::assert_snapshot!(said("10.7.0.2 -p 80 --dns hickory"), @"
    error: cannot look names up: the system's configuration names no usable name server
    hint: --resolvers IP names a server, --dns system asks the system
    status 2
    ");
}

#[test]
fn a_dead_name_server_costs_the_names_and_nothing_else() {
    let Some((machine, server)) = odd_network(|_| Reply::Silence) else { return };
    let found = machine.scan("10.7.0.3-8 -p 80,443 --jsonl");
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    assert_eq!(
        found.stderr,
        "note: the name of 6 hosts could not be looked up (no answer within 1s); -n looks none up\n"
    );
    let hosts: Vec<_> = found.records().into_iter().filter(|record| record["type"] == "host").collect();
    assert_eq!(hosts.len(), 6);
    assert!(hosts.iter().all(|host| host["status"] == "up" && host["ptr"].is_null()), "{hosts:?}");
    assert_eq!(found.records().pop().unwrap()["type"], "scan_end");
    assert!(server.asked() > 0);
}

#[test]
fn few_descriptors_are_enough_for_names_too() {
    let Some((machine, _server)) = network() else { return };
    let found = machine.scan_named_limited(64, "10.7.0.2-6 -p 1-2000 --jsonl");
    assert_eq!((found.code(), found.stderr.as_str()), (Some(0), ""));
    for host in 2..=6 {
        assert!(ptr_of(&found, &format!("10.7.0.{host}"))["name"].is_string(), "{}", found.stdout);
    }
}

#[test]
fn hostile_names_reach_neither_the_terminal_nor_a_document() {
    let Some((machine, _server)) = odd_network(hostile) else { return };
    for format in ["text --color always", "jsonl", "json", "list"] {
        let found = machine.scan_named(&format!("10.7.0.3-8 -p 80 --format {format}"));
        assert_eq!(found.code(), Some(0), "{}", found.stderr);
        // The colours of the text itself.
        let mut said = found.stdout.clone() + &found.stderr;
        for sequence in ["\x1b[1m", "\x1b[2m", "\x1b[0m", "\x1b[32m", "\x1b[36m"] {
            said = said.replace(sequence, "");
        }
        let acts = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!said.contains(acts), "{format}: {said:?}");
        assert_eq!(
            said.contains(r"\027]0;pwned") || said.contains(r"\\027]0;pwned"),
            format != "list",
            "{said}"
        );
    }
}
