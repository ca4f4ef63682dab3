//! What every connector must do, shown with real sockets against networks of known truth: whatever an attempt met, and whatever the
//! sockets served before, the answer is that of a fresh socket.
//!
//! The networks are namespaces of this process's own. Where none can be made each test prints one line `skipped: …` and passes.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use scanner_core::Reason;
use scanner_lab::{Family, LabError, Wire, World};
use tokio::sync::Semaphore;

use super::{Connect, FastConnect, Permits, PortableConnect};
use crate::control::{Outcome, Probe, ProbeId};
use crate::driver::Clock;

/// What an attempt meets. The ports of each are a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Meets {
    Listener,
    Rst,
    Silence,
    PortUnreachable,
    HostUnreachable,
    Prohibited,
    /// A reject by a firewall of the scanner's own machine.
    OwnReject,
}

const ALL: [Meets; 7] = [
    Meets::Listener,
    Meets::Rst,
    Meets::Silence,
    Meets::PortUnreachable,
    Meets::HostUnreachable,
    Meets::Prohibited,
    Meets::OwnReject,
];

impl Meets {
    /// One of its ports. Listeners are few.
    fn port(self, n: u16) -> u16 {
        let ports = if self == Self::Listener { LISTENERS } else { 1_000 };
        let thousand = ALL.iter().zip(1..).find_map(|(meets, n)| (*meets == self).then_some(n));
        1_000 * thousand.unwrap() + n % ports
    }

    fn expected(self) -> Option<Reason> {
        match self {
            Self::Listener => Some(Reason::Handshake),
            Self::Rst => Some(Reason::Rst),
            Self::Silence => None,
            Self::PortUnreachable => Some(Reason::PortUnreachable),
            Self::HostUnreachable => Some(Reason::HostUnreachable),
            Self::Prohibited => Some(Reason::Prohibited),
            Self::OwnReject => Some(Reason::LocalPolicy),
        }
    }
}

const LISTENERS: u16 = 8;

fn rules(family: Family) -> [String; 2] {
    let (host, prohibited) = match family {
        Family::V4 => ("icmp type host-unreachable", "icmp type admin-prohibited"),
        Family::V6 => ("icmpv6 type addr-unreachable", "icmpv6 type admin-prohibited"),
    };
    let of = |meets: Meets, what: &str| {
        let first = meets.port(0);
        format!("tcp dport {first}-{} {what}\n", first + 999)
    };
    let chain = |hook: &str, rules: String| {
        format!("table inet test {{ chain rules {{\ntype filter hook {hook} priority 0;\n{rules}}}\n}}\n")
    };
    let there = of(Meets::Silence, "drop")
        + &of(Meets::PortUnreachable, "reject")
        + &of(Meets::HostUnreachable, &format!("reject with {host}"))
        + &of(Meets::Prohibited, &format!("reject with {prohibited}"));
    [chain("input", there), chain("output", of(Meets::OwnReject, "reject"))]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fast,
    Portable,
}

/// A connector with a number of sockets, on a runtime of its own.
struct Bench {
    runtime: tokio::runtime::Runtime,
    connect: Box<dyn Connect>,
    clock: Clock,
    permits: Permits,
    budget: Arc<Semaphore>,
    sockets: usize,
    serial: u32,
}

impl Bench {
    fn new(kind: Kind, sockets: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = Clock::start();
        let inside = runtime.enter();
        let connect: Box<dyn Connect> = match kind {
            Kind::Fast => Box::new(FastConnect::new(clock, NonZeroU32::MIN).unwrap()),
            Kind::Portable => Box::new(PortableConnect::new(clock)),
        };
        drop(inside);
        let budget = Arc::new(Semaphore::new(sockets));
        let permits = Permits::new(Arc::clone(&budget));
        Self { runtime, connect, clock, permits, budget, sockets, serial: 0 }
    }

    /// What comes of attempts to these addresses, begun one after the other, as many at once as there are sockets.
    fn ask(&mut self, targets: &[(SocketAddr, Duration)]) -> Vec<Outcome> {
        let mut found = HashMap::new();
        let mut waiting = 0;
        for (n, &(addr, timeout)) in targets.iter().enumerate() {
            while waiting == self.sockets {
                waiting -= self.wait(&mut found);
            }
            self.serial += 1;
            let id = ProbeId::new(n, self.serial);
            let probe = Probe { id, addr, timeout, unresolved_from: None };
            let now = self.clock.now();
            match self.connect.start(probe, now, &mut self.permits).outcome {
                Some(outcome) => drop(found.insert(id, outcome)),
                None => waiting += 1,
            }
            self.connect.end_turn(self.clock.now());
        }
        while waiting > 0 {
            waiting -= self.wait(&mut found);
        }
        let first = self.serial - u32::try_from(targets.len()).unwrap();
        let by_serial: BTreeMap<_, _> =
            found.into_iter().map(|(id, outcome)| (id.serial(), outcome)).collect();
        assert_eq!(by_serial.len(), targets.len(), "every attempt comes to something, once");
        assert!(by_serial.keys().all(|serial| *serial > first));
        by_serial.into_values().collect()
    }

    fn wait(&mut self, found: &mut HashMap<ProbeId, Outcome>) -> usize {
        let (connect, clock) = (&mut self.connect, self.clock);
        let mut outcomes = Vec::new();
        self.runtime.block_on(async {
            while outcomes.is_empty() {
                let expiry = connect.next_expiry();
                let wait = expiry.map_or(Duration::from_secs(5), |expiry| expiry.since(clock.now()));
                let polled = poll_fn(|cx| connect.poll_outcomes(cx, &mut outcomes));
                drop(tokio::time::timeout(wait, polled).await);
            }
        });
        let count = outcomes.len();
        for (id, outcome) in outcomes {
            assert!(found.insert(id, outcome).is_none(), "one outcome for each attempt");
        }
        count
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.connect.close_all();
        self.permits.put_back();
        if !std::thread::panicking() {
            assert_eq!(self.budget.available_permits(), self.sockets, "every permit is back");
        }
    }
}

fn reason_of(outcome: Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Answered { reason, .. } => Some(reason),
        Outcome::TimedOut => None,
        other @ (Outcome::NoRoute | Outcome::LocalLimit | Outcome::NetworkDown | Outcome::NoPermit) => {
            panic!("{other:?}")
        }
    }
}

/// A network with all of [`Meets`], and what keeps its listeners; `None` where there can be none.
fn network(wire: Wire, family: Family) -> Option<(World, impl Sized)> {
    let made = World::new(wire, family).and_then(|world| {
        let [there, here] = rules(family);
        // Each reject is told, however many there are.
        world.target.sysctl("ipv4/icmp_msgs_per_sec", 1_000_000)?;
        world.target.sysctl("ipv4/icmp_msgs_burst", 1_000_000)?;
        world.target.nft(&there)?;
        world.scanner.nft(&here)?;
        let ports: Vec<u16> = (0..LISTENERS).map(|n| Meets::Listener.port(n)).collect();
        let listeners = world.listen(family, &ports)?;
        Ok((world, listeners))
    });
    match made {
        Ok(made) => Some(made),
        Err(LabError::Unavailable { what, why }) => {
            let why = why.lines().next().unwrap_or_default();
            let mut out = std::io::stdout();
            writeln!(out, "skipped: {what}: {why}").unwrap();
            None
        }
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// The answers of one connector to a sequence of attempts.
fn answers(
    kind: Kind,
    family: Family,
    sockets: usize,
    steps: &[(Meets, u16)],
    wait: Duration,
) -> Vec<Option<Reason>> {
    // Whoever answers may take all the time that a busy machine needs.
    let wait = |meets| if meets == Meets::Silence { wait } else { Duration::from_secs(30) };
    let target = |(meets, n): &(Meets, u16)| (SocketAddr::new(family.target(), meets.port(*n)), wait(*meets));
    let targets: Vec<_> = steps.iter().map(target).collect();
    Bench::new(kind, sockets).ask(&targets).into_iter().map(reason_of).collect()
}

fn conforms(kind: Kind, wire: Wire, family: Family) {
    let Some((world, _listeners)) = network(wire, family) else { return };
    let wait = if wire == Wire::Veth { Duration::from_millis(40) } else { Duration::from_millis(150) };
    let step = (prop::sample::select(&ALL[..]), any::<u16>());
    let sequences = (1_usize..=4, prop::collection::vec(step, 1..24));
    // Each case takes real time; PROPTEST_CASES asks for more of them.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let sequence = |(sockets, steps): (usize, Vec<(Meets, u16)>)| {
        let answers = answers(kind, family, sockets, &steps, wait);
        let expected: Vec<_> = steps.iter().map(|(meets, _)| meets.expected()).collect();
        prop_assert_eq!(answers, expected, "{} sockets, {:?}", sockets, steps);
        Ok(())
    };
    let inside = || {
        // A fresh socket for each tells what the network does.
        for meets in ALL {
            assert_eq!(answers(kind, family, 1, &[(meets, 0)], wait), [meets.expected()], "{meets:?}");
        }
        TestRunner::new(config.clone()).run(&sequences, sequence)
    };
    world.scanner.run(inside).unwrap().unwrap();
}

/// A segment of a connection may still be on its way to the socket when that connects elsewhere, and is counted there. This sequence
/// met it once in twelve times, when sockets of listeners served again.
#[test]
fn what_a_listener_sends_late_is_not_taken_for_a_refusal() {
    use Meets::{HostUnreachable, Listener, OwnReject, PortUnreachable, Prohibited, Rst, Silence};

    let family = Family::V6;
    let Some((world, _listeners)) = network(Wire::Veth, family) else { return };
    let rejects = [OwnReject, HostUnreachable, HostUnreachable, PortUnreachable, HostUnreachable, Prohibited];
    let mut steps = vec![Rst, Prohibited, Prohibited, Listener, Listener, Prohibited, Prohibited];
    steps.extend([PortUnreachable, PortUnreachable, Prohibited]);
    steps.extend(rejects);
    steps.extend([OwnReject, Listener, Rst, Silence, PortUnreachable, Prohibited]);
    let expected: Vec<_> = steps.iter().map(|meets| meets.expected()).collect();
    let steps: Vec<_> = steps.into_iter().zip(0..).collect();
    for _ in 0..100 {
        let found = world.scanner.run(|| answers(Kind::Fast, family, 4, &steps, Duration::from_millis(40)));
        assert_eq!(found.unwrap(), expected);
    }
}

const DELAYED: Wire = Wire::Delayed(Duration::from_millis(20));

macro_rules! conformance {
    ($($name:ident: $kind:ident, $wire:expr, $family:ident;)*) => {
        $(#[test]
        fn $name() {
            conforms(Kind::$kind, $wire, Family::$family);
        })*
    };
}

conformance! {
    the_fast_one_over_veth_in_ipv4: Fast, Wire::Veth, V4;
    the_fast_one_over_veth_in_ipv6: Fast, Wire::Veth, V6;
    the_fast_one_over_a_delayed_wire_in_ipv4: Fast, DELAYED, V4;
    the_fast_one_over_a_delayed_wire_in_ipv6: Fast, DELAYED, V6;
    the_portable_one_over_veth_in_ipv4: Portable, Wire::Veth, V4;
    the_portable_one_over_veth_in_ipv6: Portable, Wire::Veth, V6;
    the_portable_one_over_a_delayed_wire_in_ipv4: Portable, DELAYED, V4;
    the_portable_one_over_a_delayed_wire_in_ipv6: Portable, DELAYED, V6;
}
