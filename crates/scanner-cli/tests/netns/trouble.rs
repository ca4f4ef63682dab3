//! Trouble with this machine and its network while a scan runs, and peers that mean harm: what is found is right, and what could
//! not be measured is said to be so.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scanner_core::PortState;
use scanner_lab::{Family, LabError, Listeners, Namespace, Wire, World};
use socket2::{Domain, Protocol, Socket, Type};

use crate::command::{Finished, Running, scanner};
use crate::setup::or_skip;

const FAMILY: Family = Family::V4;
const OPEN: [u16; 6] = [22, 80, 443, 1_001, 1_500, 1_999];
const PORTS: u16 = 2_000;
/// Ports that stay silent.
const DROPPED: std::ops::RangeInclusive<u16> = 901..=940;

/// The scan takes a few seconds, so that what happens after one of them happens in its middle.
const RATE: u32 = 500;
const MIDDLE: Duration = Duration::from_secs(1);

/// More than this no scan of one host takes, in KiB.
const MEMORY: u64 = 128 * 1024;

#[test]
fn stopped_for_five_seconds() {
    let Some((world, _listeners)) = or_skip(host()) else { return };
    let running = start(&world);
    thread::sleep(MIDDLE);
    running.signal(Signal::SIGSTOP);
    thread::sleep(Duration::from_secs(5));
    running.signal(Signal::SIGCONT);
    everything_is_known(&running.finish());
}

/// Both ways; the time of the calendar is written into results and decides nothing.
#[test]
fn the_clock_of_the_machine_is_set() {
    const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

    let there = fs::metadata(LIBRARY).map_err(|error| LabError::Unavailable {
        what: "libfaketime, which sets the clock of one process".to_owned(),
        why: error.to_string(),
    });
    let Some(_) = or_skip(there) else { return };
    let Some((world, _listeners)) = or_skip(host()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let clock = dir.path().join("clock");
    for step in ["+1h", "-1h"] {
        fs::write(&clock, "+0").unwrap();
        let mut command = scanner(&arguments());
        command.env("LD_PRELOAD", LIBRARY).env("FAKETIME_TIMESTAMP_FILE", &clock);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let running = Running::spawn_by(&mut command, |command| world.scanner.spawn(command).unwrap());
        thread::sleep(MIDDLE);
        fs::write(&clock, step).unwrap();
        let found = running.finish();
        everything_is_known(&found);
        let elapsed = found.only("scan_end")["elapsed_ms"].as_u64().unwrap();
        assert!(elapsed < 1_000_000, "{step}: {elapsed} ms");
        let (start, end) = (found.only("scan_start"), found.only("scan_end"));
        let hour = |record: &serde_json::Value| record["timestamp"].as_str().unwrap()[..13].to_owned();
        assert_ne!(hour(&start), hour(&end), "{step}: the clock was not set");
    }
}

/// This machine's own link: without it there is no route.
#[test]
fn the_link_goes_down_and_comes_up() {
    let Some((world, _listeners)) = or_skip(host()) else { return };
    let running = start(&world);
    thread::sleep(MIDDLE);
    world.scanner.ip("link set wire down").unwrap();
    thread::sleep(MIDDLE * 2);
    world.scanner.ip("link set wire up").unwrap();
    nothing_is_wrong(&running.finish());
}

/// The other end of the wire: packets go nowhere, and nobody says so.
#[test]
fn the_peer_goes_away_and_comes_back() {
    let Some((world, _listeners)) = or_skip(host()) else { return };
    let running = start(&world);
    thread::sleep(MIDDLE);
    world.target.ip("link set wire down").unwrap();
    thread::sleep(MIDDLE * 2);
    world.target.ip("link set wire up").unwrap();
    nothing_is_wrong(&running.finish());
}

/// Others take nine tenths of the processors.
#[test]
fn a_machine_that_is_busy_with_something_else() {
    let Some((world, _listeners)) = or_skip(host()) else { return };
    let processors = thread::available_parallelism().unwrap().get();
    // By the weights of the scheduler the scan is left with about a tenth.
    let _busy: Vec<_> = (0..processors).map(|_| Busy::start()).collect();
    let mut command = Command::new("nice");
    let scan = scanner(&arguments());
    command.args(["-n", "19"]).arg(scan.get_program()).args(scan.get_args());
    let running = Running::spawn_by(&mut command, |command| world.scanner.spawn(command).unwrap());
    everything_is_known(&running.finish());
}

/// A peer that accepts and never says or closes anything.
#[test]
fn a_peer_that_accepts_and_holds() {
    is_found_open(Peer::Holds, "");
}

/// A peer that resets every connection that it has accepted.
#[test]
fn a_peer_that_accepts_and_resets() {
    is_found_open(Peer::Resets, "");
}

/// A peer that lets one byte through at a time.
#[test]
fn a_peer_with_a_window_of_one_byte() {
    is_found_open(
        Peer::Holds,
        "table inet tiny { chain rules { type filter hook output priority 0; \
         tcp flags & (syn | ack) == syn | ack tcp window set 1; }; }",
    );
}

/// ICMP errors about connections that the scanner has, and others, as fast as they can be sent.
#[test]
fn a_flood_of_icmp_errors() {
    let Some((world, _listeners)) = or_skip(host()) else { return };
    let flood = Flood::start(&world.target);
    let mut most = 0;
    let found =
        start(&world).finish_watched(|running| most = most.max(running.peak_memory().unwrap_or_default()));
    assert!(flood.stop() > 10_000, "that was no flood");
    assert!(most < MEMORY, "{most} KiB");
    everything_is_known(&found);
}

fn host() -> Result<(World, Listeners), LabError> {
    let world = World::new(Wire::Veth, FAMILY)?;
    let (first, last) = (DROPPED.start(), DROPPED.end());
    world.target.nft(&format!(
        "table inet test {{ chain rules {{ type filter hook input priority 0; tcp dport {first}-{last} drop; }}; }}"
    ))?;
    let listeners = world.listen(FAMILY, &OPEN)?;
    Ok((world, listeners))
}

fn arguments() -> String {
    format!("{} -p 1-{PORTS} --max-rate {RATE} --jsonl", FAMILY.target())
}

fn start(world: &World) -> Running {
    Running::start(&world.scanner, &arguments())
}

/// No port has a state that it does not have; how many are unknown.
fn nothing_is_wrong(found: &Finished) -> usize {
    let host = found.host(FAMILY.target());
    let mut unknown = 0;
    for (port, reason) in host.reasons() {
        let truth = match port {
            _ if OPEN.contains(&port) => PortState::Open,
            _ if DROPPED.contains(&port) => PortState::Filtered,
            _ => PortState::Closed,
        };
        if reason.state() == PortState::Unknown {
            unknown += 1;
        } else {
            assert_eq!(reason.state(), truth, "{port} is {reason}: {}", host.record);
        }
    }
    assert_eq!(host.reasons().len(), usize::from(PORTS), "{}", host.record);
    let (code, completion) = if unknown > 0 { (3, "incomplete") } else { (0, "complete") };
    assert_eq!(found.code(), Some(code), "{}", found.stderr);
    assert_eq!(found.only("scan_end")["completion"], completion);
    unknown
}

fn everything_is_known(found: &Finished) {
    assert_eq!(nothing_is_wrong(found), 0, "{}", found.stderr);
}

/// What a listener does with its connections.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Peer {
    Holds,
    Resets,
}

/// A host of which very many ports are such peers, behind a firewall with `rules`.
fn is_found_open(peer: Peer, rules: &str) {
    const MANY: u16 = 300;
    let Some(world) = or_skip(World::new(Wire::Veth, FAMILY)) else { return };
    world.target.nft(rules).unwrap();
    let _peers = Peers::start(&world.target, peer, 1..=MANY);
    for connector in ["fast", "portable"] {
        let arguments = format!("{} -p 1-{} --connector {connector} --jsonl", FAMILY.target(), MANY + 20);
        let mut most = 0;
        let running = Running::start(&world.scanner, &arguments);
        let found =
            running.finish_watched(|running| most = most.max(running.peak_memory().unwrap_or_default()));
        let host = found.host(FAMILY.target());
        assert_eq!(host.in_state(PortState::Open), (1..=MANY).collect::<Vec<_>>(), "{}", host.record);
        assert_eq!(host.in_state(PortState::Closed).len(), 20, "{}", host.record);
        assert_eq!(found.code(), Some(0), "{}", found.stderr);
        assert!(most < MEMORY, "{most} KiB");
    }
}

/// Peers on many ports, until this is dropped.
struct Peers {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Peers {
    fn start(namespace: &Namespace, peer: Peer, ports: impl Iterator<Item = u16>) -> Self {
        let listen = |port| {
            let listener = TcpListener::bind(SocketAddr::new(FAMILY.target(), port)).unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        };
        let ports: Vec<_> = ports.collect();
        let listeners = namespace.run(|| ports.into_iter().map(listen).collect::<Vec<_>>()).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut held = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for listener in &listeners {
                    while let Ok((connection, _)) = listener.accept() {
                        let connection = Socket::from(connection);
                        match peer {
                            Peer::Holds => held.push(connection),
                            Peer::Resets => connection.set_linger(Some(Duration::ZERO)).unwrap(),
                        }
                    }
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// A process that does nothing but take time, until this is dropped.
struct Busy(Child);

impl Busy {
    fn start() -> Self {
        // Ends by itself, whatever becomes of the test.
        let mut command = Command::new("timeout");
        command.args(["60", "nice", "-n", "9", "sh", "-c", "while :; do :; done"]);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // Not a kill, which would leave the child of `timeout` alone.
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        drop(self.0.wait());
    }
}

/// ICMP errors to the scanner, until this is stopped.
struct Flood {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Flood {
    fn start(namespace: &Namespace) -> Self {
        let open = || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
        let socket = namespace.run(open).unwrap().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let to = SocketAddr::new(FAMILY.on_wire(1), 0).into();
            let mut sent = 0_u64;
            while !stopped.load(Ordering::Relaxed) {
                // What cannot be sent now is no loss for a flood.
                sent += u64::from(socket.send_to(&icmp_error(sent), &to).is_ok());
            }
            sent
        });
        Self { stop, thread }
    }

    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A message that a port or host is unreachable, about a segment that the scanner may have sent: the number decides about which.
fn icmp_error(number: u64) -> [u8; 36] {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let ports = [0x80 | mixed[0], mixed[1], 0, mixed[2]];
    let (IpAddr::V4(scanner), IpAddr::V4(target)) = (FAMILY.on_wire(1), FAMILY.target()) else {
        panic!("the flood is of IPv4")
    };
    let mut message = [0; 36];
    // Type 3 with one of its codes; then the header of IP and the beginning of that of TCP.
    message[..2].copy_from_slice(&[3, mixed[3] % 4]);
    message[8..28].copy_from_slice(&quoted(scanner, target));
    message[28..32].copy_from_slice(&ports);
    message[32..36].copy_from_slice(&mixed[4..]);
    let checksum = checksum(&message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    message
}

fn quoted(from: Ipv4Addr, to: Ipv4Addr) -> [u8; 20] {
    let mut header = [0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    header[12..16].copy_from_slice(&from.octets());
    header[16..20].copy_from_slice(&to.octets());
    let checksum = checksum(&header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap()
}
