//! Real sockets on 127.0.0.1 and `::1`. Only ports that these tests opened, or bound without listening, are asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up may panic")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scanner_core::{
    Completion, Evidence, HostStatus, PortSet, PortState, Progress, Reason, ScanEvent, Target,
};
use scanner_net::{
    CancellationToken, ConnectionLimit, PortDetail, ProgressCallback, ScanConfig, ScanError, ScanPlan,
    Scanner, scan_host_ports, scan_multiple_hosts, scan_single_port,
};
use socket2::{Domain, Socket, Type};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn listen(ip: IpAddr) -> (TcpListener, u16) {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Ports that refuse: bound, so that nobody else takes them, and not listening.
struct ClosedPorts {
    ports: PortSet,
    _bound: Vec<Socket>,
}

impl ClosedPorts {
    fn new(ip: IpAddr, count: usize) -> Self {
        let bound: Vec<_> = (0..count)
            .map(|_| {
                let socket = Socket::new(Domain::for_address((ip, 0).into()), Type::STREAM, None).unwrap();
                socket.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
                socket
            })
            .collect();
        let port = |socket: &Socket| socket.local_addr().unwrap().as_socket().unwrap().port();
        Self { ports: bound.iter().map(port).collect(), _bound: bound }
    }

    fn only(&self) -> u16 {
        self.ports.nth(0).unwrap()
    }
}

fn on_runtime<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn one_open_and_one_closed_port_in_both_families() {
    for ip in [LOOPBACK, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let (_listener, open) = listen(ip);
        let closed_ports = ClosedPorts::new(ip, 1);
        let closed = closed_ports.only();
        let config = ScanConfig::default();
        let found = on_runtime(scan_single_port(SocketAddr::new(ip, open), &config)).unwrap();
        assert_eq!((found.state, found.reason, found.attempts), (PortState::Open, Reason::Handshake, 1));
        assert!(found.rtt.is_some_and(|rtt| rtt > Duration::ZERO));
        let found = on_runtime(scan_single_port(SocketAddr::new(ip, closed), &config)).unwrap();
        assert_eq!(found.state, PortState::Closed);
        if cfg!(target_os = "linux") {
            assert_eq!(found.reason, Reason::Rst);
        }
    }
}

#[test]
fn a_host_is_reported_sorted_with_services_and_every_port_has_a_state() {
    let listeners: Vec<_> = (0..20).map(|_| listen(LOOPBACK)).collect();
    let closed_ports = ClosedPorts::new(LOOPBACK, 1);
    let closed = closed_ports.only();
    let open: PortSet = listeners.iter().map(|(_, port)| *port).collect();
    let ports = open.union(&PortSet::from_range(closed, closed));
    let target = Target::new(LOOPBACK).with_name("here");
    let config = ScanConfig::default();
    let host =
        on_runtime(scan_host_ports(&target, &ports, &config, &CancellationToken::new(), None)).unwrap();
    assert_eq!(host.names, ["here"]);
    assert_eq!(host.status, HostStatus::Up);
    assert_eq!(host.open().map(|port| port.port).collect::<Vec<_>>(), open.iter().collect::<Vec<_>>());
    assert_eq!(host.state_of(closed).map(|(state, _)| state), Some(PortState::Closed));
    assert_eq!(host.state_of(1), None);
    for result in host.open() {
        assert_eq!(result.service.as_deref(), scanner_core::get_service_name(result.port));
    }
}

#[test]
fn many_hosts_in_one_report() {
    let (_listener, port) = listen(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)));
    let mut targets = scanner_core::TargetSet::new();
    targets.insert_range(Ipv4Addr::new(127, 0, 0, 2).into(), Ipv4Addr::new(127, 0, 0, 9).into());
    let plan = ScanPlan::new(targets, PortSet::from_range(port, port));
    let report =
        on_runtime(scan_multiple_hosts(plan, &ScanConfig::default(), &CancellationToken::new(), None))
            .unwrap();
    assert_eq!(report.completion, Completion::Complete);
    assert_eq!(report.open_ports().map(|(host, _)| host.ip.to_string()).collect::<Vec<_>>(), ["127.0.0.3"]);
    assert_eq!(report.up_nothing_open.len(), 7);
    assert_eq!((report.progress.open, report.progress.closed), (1, 7));
}

#[test]
fn the_stream_tells_the_story_in_order() {
    let (_listener, port) = listen(LOOPBACK);
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &PortSet::from_range(port, port));
    let config = ScanConfig::default().with_seed(7);
    let mut scan = Scanner::new(config).unwrap().start(plan, CancellationToken::new()).unwrap();
    let events = on_runtime(async {
        let mut events = Vec::new();
        while let Some(event) = scan.next_event().await {
            events.push(event);
        }
        events
    });
    match events.as_slice() {
        [
            ScanEvent::ScanStart(start),
            ScanEvent::Port(settled),
            ScanEvent::Host(host),
            ScanEvent::ScanEnd(end),
        ] => {
            assert_eq!((start.seed, start.targets, start.ports), (7, 1, Some(1)));
            assert_eq!(settled.result.port, port);
            assert_eq!(host.host.results, std::slice::from_ref(&settled.result));
            assert_eq!(end.completion, Completion::Complete);
            assert!([&settled.scan_id, &host.scan_id, &end.scan_id].iter().all(|id| **id == start.scan_id));
        }
        other => panic!("{other:#?}"),
    }
    assert_eq!(scan.finish_blocking().unwrap().seed, 7);
}

#[test]
fn an_unread_stream_loses_nothing() {
    let listeners: Vec<_> = (0..40).map(|_| listen(LOOPBACK)).collect();
    let ports: PortSet = listeners.iter().map(|(_, port)| *port).collect();
    let mut targets = scanner_core::TargetSet::new();
    targets.insert_range(Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 100).into());
    let config = ScanConfig::default().with_detail(PortDetail::All);
    let scan =
        Scanner::new(config).unwrap().start(ScanPlan::new(targets, ports), CancellationToken::new()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let paused = *scan.progress().borrow();
    assert!(paused.pending() > 0, "the scan ran on although nobody made room: {paused:?}");
    let mut scan = scan;
    let mut seen = 0;
    on_runtime(async {
        while let Some(event) = scan.next_event().await {
            seen += usize::from(matches!(event, ScanEvent::Port(_)));
        }
    });
    assert_eq!(seen, 4000);
}

/// Answers that wait for room are as old as the reader is slow; the round-trip times must not be.
#[test]
fn a_reader_that_stops_for_a_second_distorts_no_round_trip_time() {
    let stop = Duration::from_secs(1);
    let listeners: Vec<_> = (0..20).map(|_| listen(LOOPBACK)).collect();
    let closed = ClosedPorts::new(LOOPBACK, 20);
    let open: PortSet = listeners.iter().map(|(_, port)| *port).collect();
    let mut targets = scanner_core::TargetSet::new();
    targets.insert_range(Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 200).into());
    let two = NonZeroU32::MIN.saturating_add(1);
    for limit in [ConnectionLimit::default(), ConnectionLimit::Auto] {
        let config = ScanConfig::default().with_detail(PortDetail::All).with_limit(limit).with_threads(two);
        let plan = ScanPlan::new(targets.clone(), open.union(&closed.ports));
        let mut scan = Scanner::new(config).unwrap().start(plan, CancellationToken::new()).unwrap();
        let (mut seen, mut slowest) = (0, Duration::ZERO);
        on_runtime(async {
            while let Some(event) = scan.next_event().await {
                let ScanEvent::Port(port) = event else { continue };
                seen += 1;
                slowest = slowest.max(port.result.rtt.unwrap());
                if seen % 3_000 == 1_000 {
                    std::thread::sleep(stop);
                }
            }
        });
        assert_eq!(seen, 200 * 40);
        assert!(slowest < stop, "{slowest:?} with {limit:?}");
    }
}

#[test]
fn progress_is_called_back_one_at_a_time_and_last_of_all_with_the_end() {
    let (_listener, port) = listen(LOOPBACK);
    let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let inside = Arc::new(AtomicUsize::new(0));
    let callback: ProgressCallback = {
        let (seen, inside) = (Arc::clone(&seen), Arc::clone(&inside));
        Arc::new(move |progress| {
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "one call at a time");
            seen.lock().unwrap().push(progress);
            inside.fetch_sub(1, Ordering::SeqCst);
        })
    };
    let ports = PortSet::from_range(port, port);
    let (config, cancel) = (ScanConfig::default(), CancellationToken::new());
    on_runtime(scan_host_ports(&Target::new(LOOPBACK), &ports, &config, &cancel, Some(callback))).unwrap();
    let last = *seen.lock().unwrap().last().expect("called at least once");
    assert_eq!((last.pending(), last.open, last.targets_done), (0, 1, 1));
}

#[test]
fn a_panic_in_a_callback_is_caught_and_reported() {
    let (_listener, port) = listen(LOOPBACK);
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &PortSet::from_range(port, port));
    // The default hook may take longer to print its backtrace than a scan waits for a callback.
    std::panic::set_hook(Box::new(|_| {}));
    let callback: ProgressCallback = Arc::new(|_| panic!("a bug of the caller"));
    let cancel = CancellationToken::new();
    let report =
        on_runtime(scan_multiple_hosts(plan, &ScanConfig::default(), &cancel, Some(callback))).unwrap();
    assert_eq!(report.progress.open, 1);
    assert!(report.notes.iter().any(|note| note.code == "callback-panicked"));
}

#[test]
fn a_rate_limit_is_set_and_lifted_while_the_scan_runs() {
    let closed = ClosedPorts::new(LOOPBACK, 60);
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &closed.ports);
    let config = ScanConfig::default().with_max_rate(NonZeroU32::MIN);
    let scan = Scanner::new(config).unwrap().start(plan, CancellationToken::new()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let so_far = *scan.progress().borrow();
    assert!(so_far.sent <= so_far.elapsed.as_secs() + 2, "one per second: {so_far:?}");
    scan.control().set_max_rate(None);
    assert_eq!(scan.finish_blocking().unwrap().progress.pending(), 0);
}

#[test]
fn a_snapshot_has_what_was_found_of_a_host_that_is_not_finished() {
    let listeners: Vec<_> = (0..20).map(|_| listen(LOOPBACK)).collect();
    let ports: PortSet = listeners.iter().map(|(_, port)| *port).collect();
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK).with_name("here"), &ports);
    let config = ScanConfig::default().with_max_rate(NonZeroU32::MIN);
    let mut scan = Scanner::new(config).unwrap().start(plan, CancellationToken::new()).unwrap();
    let control = scan.control();
    let (id, found) = loop {
        if let ScanEvent::Port(found) = scan.next_event_blocking().unwrap() {
            break (found.scan_id, found.result);
        }
    };
    let so_far = on_runtime(control.snapshot()).unwrap();
    assert_eq!((so_far.scan_id.as_str(), scan.id(), control.id()), (id.as_str(), id.as_str(), id.as_str()));
    assert_eq!(so_far.completion, Completion::Incomplete, "nineteen ports are still to come");
    let [host] = so_far.hosts.as_slice() else { panic!("{so_far:?}") };
    assert_eq!((host.ip, host.names.as_slice()), (LOOPBACK.into(), ["here".to_owned()].as_slice()));
    assert_eq!((host.status, host.evidence), (HostStatus::Up, Some(Evidence::Port(Reason::Handshake))));
    assert!(host.open().any(|open| *open == found), "{found:?} is not in {host:?}");
    assert_eq!(host.state_of(found.port), Some((PortState::Open, Reason::Handshake)));
    assert_eq!(host.open().count(), host.ports.count(PortState::Open));
    assert!(so_far.progress.pending() > 0 && so_far.progress.targets_done == 0);
    control.set_max_rate(None);
    let report = scan.finish_blocking().unwrap();
    assert_eq!((report.completion, report.open_ports().count()), (Completion::Complete, 20));
}

#[test]
fn pause_resume_skip_and_snapshot() {
    let closed = ClosedPorts::new(LOOPBACK, 60);
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &closed.ports);
    let config = ScanConfig::default().with_max_rate(NonZeroU32::new(20).unwrap());
    let scan = Scanner::new(config).unwrap().start(plan, CancellationToken::new()).unwrap();
    let control = scan.control();
    control.pause();
    let paused = on_runtime(control.snapshot()).unwrap().progress;
    std::thread::sleep(Duration::from_millis(300));
    let still = on_runtime(control.snapshot()).unwrap().progress;
    assert_eq!(paused.sent, still.sent, "nothing is sent while paused");
    control.resume();
    let slowest = on_runtime(control.slowest_host());
    assert_eq!(slowest, Some(LOOPBACK.into()));
    control.skip_host(LOOPBACK);
    let report = scan.finish_blocking().unwrap();
    assert_eq!(on_runtime(control.slowest_host()), None, "the scan is over");
    assert_eq!(report.completion, Completion::Incomplete);
    assert!(report.not_measured.get(&Reason::Skipped).is_some_and(|&n| n > 0));
    assert_eq!(report.progress.pending(), 0);
    assert_eq!(on_runtime(control.snapshot()), Some(report), "after the end the snapshot is the report");
}

#[test]
fn scans_of_one_scanner_share_its_budget() {
    let closed = ClosedPorts::new(LOOPBACK, 100);
    let config = ScanConfig::default().with_limit(ConnectionLimit::Fixed(NonZeroU32::MIN));
    let scanner = Scanner::new(config).unwrap();
    let start = || {
        let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &closed.ports);
        scanner.clone().start(plan, CancellationToken::new()).unwrap()
    };
    let scans: Vec<_> = (0..10).map(|_| start()).collect();
    for scan in scans {
        let report = scan.finish_blocking().unwrap();
        assert_eq!((report.progress.closed, report.progress.unknown), (100, 0));
    }
}

#[test]
fn scans_of_other_configurations_share_the_budget_too() {
    let closed = ClosedPorts::new(LOOPBACK, 40);
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &closed.ports);
    let only = ScanConfig::default().with_limit(ConnectionLimit::Fixed(NonZeroU32::MIN));
    let scanner = Scanner::new(only).unwrap();
    let every = scanner.with_config(ScanConfig::default().with_detail(PortDetail::All)).unwrap();
    assert!(scanner.with_config(ScanConfig::default().with_retries(14)).is_err());
    let mut scan = every.start(plan, CancellationToken::new()).unwrap();
    let progress = scan.progress();
    let mut ports = 0;
    while let Some(event) = scan.next_event_blocking() {
        ports += usize::from(matches!(event, ScanEvent::Port(_)));
        assert!(progress.borrow().window <= 1, "the budget is one socket, whatever the configuration allows");
    }
    assert_eq!(ports, 40);
}

#[test]
fn an_unread_scan_leaves_the_budget_to_others() {
    let closed = ClosedPorts::new(LOOPBACK, 40);
    let config = ScanConfig::default()
        .with_limit(ConnectionLimit::Fixed(NonZeroU32::MIN))
        .with_detail(PortDetail::All);
    let scanner = Scanner::new(config).unwrap();
    let mut targets = scanner_core::TargetSet::new();
    targets.insert_range(Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(127, 0, 0, 100).into());
    let unread =
        scanner.start(ScanPlan::new(targets, closed.ports.clone()), CancellationToken::new()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &closed.ports);
    let other = scanner.start(plan, CancellationToken::new()).unwrap().finish_blocking().unwrap();
    assert_eq!(other.progress.closed, 40);
    assert!(unread.progress().borrow().pending() > 0, "the other one should still wait for its reader");
}

#[test]
fn what_cannot_run_is_an_error() {
    let scanner = Scanner::new(ScanConfig::default()).unwrap();
    let start = |plan| scanner.start(plan, CancellationToken::new()).map(drop);
    let empty = start(ScanPlan::default());
    assert!(matches!(empty, Err(ScanError::EmptyPlan("target"))));
    let no_ports = start(ScanPlan::for_host(&Target::new(LOOPBACK), &PortSet::EMPTY));
    assert!(matches!(no_ports, Err(ScanError::EmptyPlan("port"))));
    assert!(matches!(Scanner::new(ScanConfig::default().with_retries(200)), Err(ScanError::Config(_))));
}

#[test]
fn the_deadline_keeps_what_was_found() {
    let (_listener, port) = listen(LOOPBACK);
    let closed = ClosedPorts::new(LOOPBACK, 50);
    let ports = closed.ports.union(&PortSet::from_range(port, port));
    let plan = ScanPlan::for_host(&Target::new(LOOPBACK), &ports);
    let config =
        ScanConfig::default().with_max_rate(NonZeroU32::MIN).with_deadline(Duration::from_millis(100));
    let report = Scanner::new(config).unwrap().start(plan, CancellationToken::new()).unwrap();
    let report = report.finish_blocking().unwrap();
    assert_eq!(report.completion, Completion::Deadline);
    let unknown = report.not_measured[&Reason::Deadline];
    assert_eq!(unknown + report.progress.settled() - report.progress.unknown, ports.len() as u64);
}

/// What a desktop program keeps in its state, and moves between threads, must be able to.
#[test]
fn handles_and_futures_can_be_sent() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>(_: &T) {}
    shared::<Scanner>();
    shared::<scanner_net::Scan>();
    shared::<scanner_net::ScanControl>();
    shared::<ScanError>();
    shared::<ScanEvent>();
    let (config, cancel) = (ScanConfig::default(), CancellationToken::new());
    let (target, ports) = (Target::new(LOOPBACK), PortSet::all());
    sent(&scan_single_port(SocketAddr::new(LOOPBACK, 1), &config));
    sent(&scan_host_ports(&target, &ports, &config, &cancel, None));
    sent(&scan_multiple_hosts(ScanPlan::default(), &config, &cancel, None));
}
