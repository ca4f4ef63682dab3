//! Scans that do not run to their end, and names that lead nowhere.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scanner_core::PortState;
use scanner_lab::{Family, LabError, Listeners, Namespace, Wire, World, seeded_ports};
use serde_json::Value;

use crate::command::{Running, scan, scanner};
use crate::setup::{only_answers_on, or_skip};

const OPEN: u16 = 80;
const FAMILY: Family = Family::V4;
const ALL_PORTS: u64 = 65_535;

/// More sockets than the search for a host uses: the scan is in the middle of its silent ports.
const IN_THE_MIDDLE: usize = 40;

/// Far longer than it takes to fill a pipe, or to obey a signal.
const A_WHILE: Duration = Duration::from_secs(1);

#[test]
fn ctrl_c_leaves_a_valid_document() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scan.json");
    let Some((world, _listeners)) = or_skip(silent_but_for_one()) else { return };
    let arguments = format!("{} -p full --format json -o {}", FAMILY.target(), path.display());
    let found = interrupt(&world, &arguments, Signal::SIGINT);
    assert_eq!((found.code(), found.stdout.as_str()), (Some(130), ""), "{}", found.stderr);

    let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        (document["completion"].as_str(), document["exit_status"].as_u64()),
        (Some("cancelled"), Some(130))
    );
    assert!(document["not_measured"]["cancelled"].as_u64().unwrap() > 0, "{document}");
    assert_eq!(document["hosts"][0]["results"][0]["port"], OPEN, "{document}");
    let counters = &document["counters"];
    let count = |name: &str| counters[name].as_u64().unwrap();
    let settled = ["open", "closed", "filtered", "unknown", "not_asked"].map(count).into_iter().sum::<u64>();
    assert_eq!(settled, ALL_PORTS, "{counters}");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["scan.json"], "nothing else is left behind");
}

#[test]
fn ctrl_c_leaves_valid_records() {
    ends_with_valid_records(Signal::SIGINT, 130);
}

#[test]
fn termination_leaves_valid_records() {
    ends_with_valid_records(Signal::SIGTERM, 143);
}

/// A host that answers nothing at all, asked every port on request.
#[test]
fn ctrl_c_while_nothing_has_answered() {
    let Some(world) = or_skip(World::new(Wire::Veth, FAMILY)) else { return };
    world
        .target
        .nft("table inet test { chain rules { type filter hook input priority 0; drop; }; }")
        .unwrap();
    let arguments = format!("{} -p full -Pn --format jsonl", FAMILY.target());
    let found = interrupt(&world, &arguments, Signal::SIGINT);
    assert_eq!(found.code(), Some(130), "{}", found.stderr);
    let host = found.host(FAMILY.target());
    assert!(host.in_state(PortState::Open).is_empty());
    let end = found.only("scan_end");
    assert_eq!((end["completion"].as_str(), end["exit_status"].as_u64()), (Some("cancelled"), Some(130)));
}

fn ends_with_valid_records(signal: Signal, status: i32) {
    let Some((world, _listeners)) = or_skip(silent_but_for_one()) else { return };
    let found = interrupt(&world, &format!("{} -p full --format jsonl", FAMILY.target()), signal);
    assert_eq!(found.code(), Some(status), "{}", found.stderr);
    let host = found.host(FAMILY.target());
    assert_eq!(host.in_state(PortState::Open), [OPEN], "{}", host.record);
    let records = found.records();
    let end = records.last().unwrap();
    assert_eq!((end["type"].as_str(), end["completion"].as_str()), (Some("scan_end"), Some("cancelled")));
    assert_eq!(end["exit_status"].as_i64(), Some(i64::from(status)));
    assert!(end["not_measured"]["cancelled"].as_u64().unwrap() > 0, "{end}");
}

/// As `scanner … | head -1` does.
#[test]
fn a_reader_that_has_seen_enough() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let _listeners = Listeners::new(&namespace, here, &seeded_ports(7, 200)).unwrap();
    for format in ["text", "list", "jsonl", "json", "csv", "xml", "grepable", "html"] {
        let mut command = scanner(&format!("127.0.0.1 -p full --format {format}"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = namespace.spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = String::new();
        child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{format}: {words}");
        assert!(
            !line.is_empty() && !words.contains("panic") && !words.contains("Broken pipe"),
            "{format}: {words}"
        );
    }
}

/// A reader that neither reads nor goes away: the first signal cannot be obeyed, as the result is not written yet; a second ends
/// the command all the same.
#[test]
fn a_second_signal_ends_a_command_whose_output_is_stuck() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let mut command = scanner("127.0.0.0/20 -p 1-20 --format jsonl --yes");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = namespace.spawn(&mut command).unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    // Some hundred records fill the pipe.
    thread::sleep(A_WHILE);
    kill(pid, Signal::SIGINT).unwrap();
    thread::sleep(A_WHILE);
    assert_eq!(child.try_wait().unwrap(), None, "the pipe should have been full");
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_name_that_leads_nowhere_beside_a_good_target() {
    let Some((world, _listeners)) = or_skip(silent_but_for_one()) else { return };
    let arguments = format!("no-such-name.invalid {} -p {OPEN} --format jsonl", FAMILY.target());
    let found = scan(&world.scanner, &arguments);
    assert_eq!(found.code(), Some(3), "{}", found.stderr);
    assert_eq!(found.host(FAMILY.target()).in_state(PortState::Open), [OPEN]);
    assert_eq!(found.only("unresolved")["name"], "no-such-name.invalid");
    assert_eq!(found.only("scan_end")["unresolved"][0], "no-such-name.invalid");
    assert!(found.stderr.contains("no-such-name.invalid"), "{}", found.stderr);
}

#[test]
fn only_names_that_lead_nowhere() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let found = scan(&namespace, "no-such-name.invalid nor-this.invalid -p 80 --format jsonl");
    assert_eq!((found.code(), found.stdout.as_str()), (Some(2), ""), "{}", found.stderr);
    assert!(found.stderr.contains("nor-this.invalid"), "{}", found.stderr);
}

/// A target with one open port that answers nothing else.
fn silent_but_for_one() -> Result<(World, Listeners), LabError> {
    let world = World::new(Wire::Veth, FAMILY)?;
    let listeners = world.listen(FAMILY, &[OPEN])?;
    world.target.nft(&only_answers_on(OPEN)).unwrap();
    Ok((world, listeners))
}

/// Sends a signal in the middle of a scan.
fn interrupt(world: &World, arguments: &str, signal: Signal) -> crate::command::Finished {
    let mut running = Running::start(&world.scanner, arguments);
    running.wait_until("in the middle", |running| running.sockets() >= IN_THE_MIDDLE);
    running.signal(signal);
    running.finish()
}
