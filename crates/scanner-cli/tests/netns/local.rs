//! `--local` on a network of which everything is known, and what was found there once more.

use scanner_core::PortState;
use scanner_lab::{Family, Wire, World};

use crate::command::scan;
use crate::setup::or_skip;

const FAMILY: Family = Family::V4;

#[test]
fn the_networks_of_this_machine() {
    let Some(world) = or_skip(World::new(Wire::Veth, FAMILY)) else { return };
    let _listeners = world.listen(FAMILY, &[22, 443]).unwrap();
    world.scanner.ip("address add fd07::1/64 dev wire nodad").unwrap();
    world.scanner.ip("link add corp type veth peer name other").unwrap();
    world.scanner.ip("link set corp up").unwrap();
    world.scanner.ip("link set other up").unwrap();
    world.scanner.ip("address add 10.200.0.1/12 dev corp").unwrap();
    world.scanner.ip("link set lo up").unwrap();

    let path = tempfile::tempdir().unwrap();
    let first = path.path().join("first.jsonl");
    let arguments = format!("--local -p 22,80,443 -o {}", first.display());
    let found = scan(&world.scanner, &arguments);
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    let notes: Vec<&str> = found.stderr.lines().filter(|line| line.starts_with("note: ")).collect();
    for note in [
        "note: --local: 10.7.0.0/24 (wire)",
        "note: 10.192.0.0/12 (corp) skipped: wider than a /16; name the part that you mean",
        "note: 10.7.0.255 skipped (broadcast)",
    ] {
        assert!(notes.contains(&note), "{note}: {notes:?}");
    }
    assert!(
        notes.iter().any(|note| note.contains("fd07::/64 (wire)") && note.contains("too many addresses")),
        "{notes:?}"
    );
    assert!(!notes.iter().any(|note| note.contains("127.0.0")), "{notes:?}");

    let again = scan(&world.scanner, &format!("--from {} --state open --jsonl", first.display()));
    assert_eq!(again.code(), Some(0), "{}", again.stderr);
    let host = again.host(FAMILY.target());
    assert_eq!(host.in_state(PortState::Open), [22, 443]);
    assert_eq!(host.in_state(PortState::Closed), [] as [u16; 0]);
}
