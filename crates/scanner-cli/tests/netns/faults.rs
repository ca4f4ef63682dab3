//! System calls that fail: every error that the kernel may give to a scan, in turns that a seed draws, on a network of which
//! everything is known. A port may be left unmeasured; it never gets a state that it does not have, and no scan hangs.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use scanner_core::{PortState, Reason};
use scanner_lab::{Family, LabError, Listeners, Wire, World, seeded_ports};

use crate::command::{Finished, Running, scanner};
use crate::setup::{or_skip, strace};

/// The ports that are scanned, and the most sockets at once.
const PORTS: u16 = 70;
const SOCKETS: usize = 20;

/// Ports that the target's firewall rejects with ICMP, and that it drops.
const REJECTED: std::ops::RangeInclusive<u16> = 41..=50;
const DROPPED: std::ops::RangeInclusive<u16> = 61..=62;

/// What the calls of an attempt can fail with, by their manual pages, and what security modules, sandboxes and programs attached to
/// a control group make of them. Not `ECONNRESET` of `connect()`: on a socket whose handshake is over that is an answer.
const FAULTS: [(&str, &[&str]); 8] = [
    (
        "socket",
        &[
            "EMFILE",
            "ENFILE",
            "ENOBUFS",
            "ENOMEM",
            "EAFNOSUPPORT",
            "EACCES",
            "EPERM",
            "EINVAL",
            "EPROTONOSUPPORT",
        ],
    ),
    (
        "connect",
        &[
            "EADDRNOTAVAIL",
            "EAGAIN",
            "ENOBUFS",
            "ENOMEM",
            "ENETDOWN",
            "ENETUNREACH",
            "EHOSTUNREACH",
            "EACCES",
            "EPERM",
            "EINVAL",
            "EAFNOSUPPORT",
            "ECONNREFUSED",
            "ETIMEDOUT",
            "EALREADY",
            "EISCONN",
            "EADDRINUSE",
            "EINTR",
            "ECONNABORTED",
        ],
    ),
    ("setsockopt", &["ENOBUFS", "ENOMEM", "ENOPROTOOPT", "EPERM", "EINVAL"]),
    ("getsockopt", &["ENOBUFS", "ENOMEM", "EACCES", "EPERM", "EINVAL"]),
    ("recvmsg", &["ENOMEM", "ENOBUFS", "EINTR", "EPERM"]),
    ("getsockname", &["ENOBUFS", "EACCES"]),
    ("getpeername", &["ENOBUFS", "EACCES"]),
    ("epoll_ctl", &["ENOSPC", "ENOMEM", "EPERM"]),
];

/// Failures of this machine that are waited for, so that nothing is left unmeasured for them.
const PASSING: [&str; 14] = [
    "EMFILE",
    "ENFILE",
    "ENOBUFS",
    "ENOMEM",
    "EADDRNOTAVAIL",
    "EAGAIN",
    "EINTR",
    "ENOSPC",
    "EALREADY",
    "EISCONN",
    "EADDRINUSE",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ETIMEDOUT",
];

/// The runtime's own readiness set must be made; what it is used for by the scan comes later.
const CALLS_OF_THE_RUNTIME: u32 = 12;

/// As many as the longest list of errors.
const ROUNDS: usize = 18;

#[test]
fn one_half_of_the_errors_with_the_fast_connector() {
    errors(Family::V4, "fast", 0..ROUNDS / 2);
}

#[test]
fn the_other_half_of_the_errors_with_the_fast_connector() {
    errors(Family::V4, "fast", ROUNDS / 2..ROUNDS);
}

#[test]
fn one_half_of_the_errors_with_the_portable_connector() {
    errors(Family::V4, "portable", 0..ROUNDS / 2);
}

#[test]
fn the_other_half_of_the_errors_with_the_portable_connector() {
    errors(Family::V4, "portable", ROUNDS / 2..ROUNDS);
}

#[test]
fn some_errors_with_the_fast_connector_in_ipv6() {
    errors(Family::V6, "fast", (0..ROUNDS).step_by(5));
}

#[test]
fn some_errors_with_the_portable_connector_in_ipv6() {
    errors(Family::V6, "portable", (0..ROUNDS).step_by(5));
}

/// In all rounds each error of each call has its turn; in each several calls fail in the same scan.
fn errors(family: Family, connector: &str, rounds: impl Iterator<Item = usize>) {
    let Some(network) = or_skip(Network::new(family)) else { return };
    for round in rounds {
        let draw = seeded_ports(round as u64 + 1, FAULTS.len());
        let faults = FAULTS.iter().zip(&draw).map(|((call, errors), draw)| {
            let skipped = if *call == "epoll_ctl" { CALLS_OF_THE_RUNTIME } else { 1 };
            Fault {
                call,
                error: errors[round % errors.len()],
                first: skipped + u32::from(draw % 7),
                every: 11 + u32::from(draw % 13),
            }
        });
        let faults: Vec<_> = faults.collect();
        let found = network.scan(connector, &faults);
        network.check(&found, &faults);
    }
}

#[test]
fn calls_that_always_fail() {
    always("connect", "EPERM", Reason::LocalPolicy);
    always("connect", "EACCES", Reason::NoRoute);
    always("connect", "ENETDOWN", Reason::NetworkDown);
}

#[test]
fn no_address_is_ever_left() {
    always("connect", "EADDRNOTAVAIL", Reason::LocalLimit);
}

#[test]
fn the_kernel_never_tells() {
    always("getsockopt", "ENOMEM", Reason::LocalLimit);
}

/// A call that never works: the scan ends all the same, and says that it could not measure anything.
fn always(call: &'static str, error: &'static str, reason: Reason) {
    let Some(network) = or_skip(Network::new(Family::V4)) else { return };
    let found = network.scan("fast", &[Fault { call, error, first: 1, every: 1 }]);
    let host = found.host(network.target());
    let expected = (1..=PORTS).map(|port| (port, reason)).collect();
    assert_eq!(host.reasons(), expected, "{call}, {error}: {}", host.record);
    assert_eq!(found.code(), Some(3), "{call}, {error}: {}", found.stderr);
}

/// What a system call fails with, and when.
#[derive(Debug, Clone, Copy)]
struct Fault {
    call: &'static str,
    error: &'static str,
    /// The first call of a thread that fails.
    first: u32,
    /// Of so many after it, one fails as well.
    every: u32,
}

/// A host with ports of every kind.
struct Network {
    family: Family,
    world: World,
    open: Vec<u16>,
    _listeners: Listeners,
    notes: tempfile::TempDir,
}

impl Network {
    fn new(family: Family) -> Result<Self, LabError> {
        strace()?;
        let world = World::new(Wire::Veth, family)?;
        let (first, last) = (REJECTED.start(), REJECTED.end());
        let (first_dropped, last_dropped) = (DROPPED.start(), DROPPED.end());
        world.target.nft(&format!(
            "table inet test {{ chain rules {{ type filter hook input priority 0; tcp dport {first}-{last} reject; \
             tcp dport {first_dropped}-{last_dropped} drop; }}; }}"
        ))?;
        let open = vec![7, 22, 53, 54, 69, PORTS];
        let listeners = world.listen(family, &open)?;
        Ok(Self { family, world, open, _listeners: listeners, notes: tempfile::tempdir().unwrap() })
    }

    fn target(&self) -> IpAddr {
        self.family.target()
    }

    fn truth(&self, port: u16) -> PortState {
        if self.open.contains(&port) {
            PortState::Open
        } else if REJECTED.contains(&port) || DROPPED.contains(&port) {
            PortState::Filtered
        } else {
            PortState::Closed
        }
    }

    /// Scans with faults. At no moment are there more sockets than the scan may have, so that none is lost by a failure.
    fn scan(&self, connector: &str, faults: &[Fault]) -> Finished {
        let notes = self.notes();
        let calls: Vec<_> = faults.iter().map(|fault| fault.call).collect();
        let mut command = strace().unwrap();
        command.args(["--seccomp-bpf", "-o"]).arg(&notes);
        command.args(["-e", &format!("trace={}", calls.join(","))]);
        for Fault { call, error, first, every } in faults {
            command.args(["-e", &format!("inject={call}:error={error}:when={first}+{every}")]);
        }
        let scan = scanner(&format!(
            "{} -p 1-{PORTS} --jsonl --connector {connector} --pace fixed --max-connections {SOCKETS} --timeout 500ms",
            self.target()
        ));
        command.arg(scan.get_program()).args(scan.get_args());
        let running = Running::spawn_by(&mut command, |command| self.world.scanner.spawn(command).unwrap());
        running.finish_watched(|running| {
            let sockets = running.sockets();
            assert!(sockets <= SOCKETS, "{sockets} sockets: {faults:?}");
        })
    }

    fn notes(&self) -> std::path::PathBuf {
        self.notes.path().join("calls")
    }

    /// Nothing that was found is wrong, and what was not found has a reason that is this machine's.
    fn check(&self, found: &Finished, faults: &[Fault]) {
        assert!(injected(&self.notes()) > 0, "nothing failed: {faults:?}");
        let host = found.host(self.target());
        let reasons = host.reasons();
        assert_eq!(reasons.len(), usize::from(PORTS), "{faults:?}: {}", host.record);
        let mut unknown = 0;
        for (port, reason) in reasons {
            if reason.state() == PortState::Unknown {
                unknown += 1;
                let own = [Reason::LocalLimit, Reason::LocalPolicy, Reason::NoRoute, Reason::NetworkDown];
                assert!(own.contains(&reason), "{port} is {reason}: {faults:?}");
            } else {
                assert_eq!(reason.state(), self.truth(port), "{port} is {reason}: {faults:?}");
            }
        }
        let code = if unknown > 0 { 3 } else { 0 };
        assert_eq!(found.code(), Some(code), "{faults:?}: {}", found.stderr);
        if faults.iter().all(|fault| PASSING.contains(&fault.error)) {
            assert_eq!(unknown, 0, "{faults:?}: {}", host.record);
        }
    }
}

/// How many calls were made to fail.
fn injected(notes: &Path) -> usize {
    fs::read_to_string(notes).unwrap().matches("(INJECTED)").count()
}
