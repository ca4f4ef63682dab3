//! Cancelling and dropping, from any moment: what was found is kept, and no socket stays behind.
//!
//! The silent ports are made without a packet leaving the machine: a listener whose queue is full never answers a SYN. One test
//! counts the descriptors of the whole process, so all of this file is one test.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up may panic")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use scanner_core::{Completion, PortSet, Reason, Target};
use scanner_net::{CancellationToken, ScanConfig, ScanPlan, Scanner, scan_host_ports, scan_multiple_hosts};
use socket2::{Domain, Socket, Type};
use tokio::time::{sleep, timeout};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A port that does not answer: its accept queue of one is filled by the connections kept here.
struct SilentPort {
    port: u16,
    _sockets: Vec<Socket>,
}

impl SilentPort {
    fn new() -> Self {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listener = socket();
        listener.bind(&SocketAddr::new(LOOPBACK, 0).into()).unwrap();
        listener.listen(0).unwrap();
        let addr = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let client = socket();
            client.set_nonblocking(true).unwrap();
            drop(client.connect(&addr));
            sockets.push(client);
        }
        Self { port: addr.as_socket().unwrap().port(), _sockets: sockets }
    }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn descriptors_return_to(before: usize) {
    for _ in 0..50 {
        if open_descriptors() <= before {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{} descriptors, {before} before", open_descriptors());
}

#[tokio::test]
async fn cancelled_and_dropped_scans_leave_nothing_behind() {
    let silent: Vec<_> = (0..30).map(|_| SilentPort::new()).collect();
    let ports: PortSet = silent.iter().map(|silent| silent.port).collect();
    let target = Target::new(LOOPBACK);
    let config = ScanConfig::default().with_skip_discovery(true);
    let before = open_descriptors();

    // Dropped at many moments: before the first poll, while probes go out, while all wait.
    for millis in [0, 1, 2, 5, 20, 100] {
        let cancel = CancellationToken::new();
        let scan = scan_host_ports(&target, &ports, &config, &cancel, None);
        let ended = timeout(Duration::from_millis(millis), scan).await;
        assert!(ended.is_err(), "silent ports take longer");
        descriptors_return_to(before).await;
    }

    // Cancelled: the report comes, and says so.
    for millis in [0, 1, 5, 50] {
        let cancel = CancellationToken::new();
        let plan = ScanPlan::for_host(&target, &ports);
        let later = cancel.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(millis)).await;
            later.cancel();
        });
        let report = scan_multiple_hosts(plan, &config, &cancel, None).await.unwrap();
        assert_eq!(report.completion, Completion::Cancelled);
        assert_eq!(report.progress.pending(), 0);
        assert_eq!(report.not_measured[&Reason::Cancelled], 30);
        descriptors_return_to(before).await;
    }

    // Cancelled before it began.
    let cancel = CancellationToken::new();
    cancel.cancel();
    let host = scan_host_ports(&target, &ports, &config, &cancel, None).await.unwrap();
    assert_eq!(host.ports.get(Reason::Cancelled), Some(&ports));

    // A handle that is cancelled and not read: its sockets go all the same.
    let scan = Scanner::new(config.clone()).unwrap();
    let scan = scan.start(ScanPlan::for_host(&target, &ports), CancellationToken::new()).unwrap();
    sleep(Duration::from_millis(50)).await;
    assert!(open_descriptors() > before + 5);
    scan.control().cancel();
    descriptors_return_to(before).await;
    let report = scan.finish().await.unwrap();
    assert_eq!(report.completion, Completion::Cancelled);
}
