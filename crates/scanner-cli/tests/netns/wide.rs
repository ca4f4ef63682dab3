//! Sixteen million addresses in little memory.

use std::fs;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use scanner_lab::Namespace;
use serde_json::Value;

use crate::command::Running;
use crate::setup::or_skip;

/// The promise for a /8, in KiB.
const MEMORY: u64 = 30 * 1024;

/// Long enough for some hundred thousand answers.
const A_WHILE: Duration = Duration::from_secs(5);

#[test]
fn all_of_127_in_little_memory() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scan.json");
    let arguments = format!("127.0.0.0/8 -p 80 --yes --format json -o {}", path.display());
    let mut running = Running::start(&namespace, &arguments);
    running.wait_until("connecting", |running| running.sockets() > 0);
    thread::sleep(A_WHILE);
    let peak = running.peak_memory().unwrap();
    running.signal(Signal::SIGINT);
    let found = running.finish();
    assert_eq!(found.code(), Some(130), "{}", found.stderr);
    assert!(peak < MEMORY, "{peak} KiB");

    let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(document["completion"], "cancelled");
    let up: u64 = document["up_nothing_open"]["count"].as_str().unwrap().parse().unwrap();
    let measured = document["counters"]["closed"].as_u64().unwrap();
    assert!(up > 1_000 && up == measured, "{up} hosts, {measured} ports");
}
