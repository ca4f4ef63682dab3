use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use scanner_core::{ForwardCheck, HostResult, PortSettled, Reason};

use super::*;
use crate::output::samples::{HostBuilder, report};

/// Names by the last part of the address: up to 9 at once, up to 99 after 300 ms, up to 199 there is none, then nobody
/// ever answers; above 250 the name server fails.
fn names(whose: WhoseNames) -> (ReverseNames, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let look_up: LookUp = Arc::new(move |ip| {
        count.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let IpAddr::V4(v4) = ip else { panic!("{ip}") };
            let fail = |kind| Err(ResolveError { name: ip.to_string(), kind });
            match v4.octets()[3] {
                0..10 => {}
                10..100 => tokio::time::sleep(Duration::from_millis(300)).await,
                100..200 => return fail(ResolveErrorKind::NoName),
                200..250 => std::future::pending().await,
                _ => return fail(ResolveErrorKind::ServerFailure),
            }
            Ok(Reverse { ip, names: vec![format!("h{}.lan", v4.octets()[3])], forward: ForwardCheck::Agrees })
        })
    });
    (ReverseNames::with(look_up, whose, CancellationToken::new()), asked)
}

fn finished(host: HostResult) -> ScanEvent {
    ScanEvent::Host(HostFinished { scan_id: "7f3a".into(), host })
}

fn up(last: u8) -> ScanEvent {
    finished(HostBuilder::new(&format!("192.0.2.{last}")).open(80).build())
}

fn open(last: u8) -> ScanEvent {
    let host = HostBuilder::new(&format!("192.0.2.{last}")).open(80).build();
    let result = host.results[0].clone();
    ScanEvent::Port(PortSettled { scan_id: "7f3a".into(), ip: host.ip, names: Vec::new(), result })
}

/// The address of a finished host with its name.
fn shown(event: &ScanEvent) -> String {
    let ScanEvent::Host(finished) = event else { panic!("{event:?}") };
    format!("{} {}", finished.host.ip, finished.host.ptr.as_ref().map_or("-", |ptr| ptr.name.as_str()))
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_known_when_the_host_is_finished_delays_nothing() {
    let (mut names, asked) = names(WhoseNames::Up);
    assert!(matches!(names.pass(open(20)), Some(ScanEvent::Port(_))));
    assert!(names.pass(open(20)).is_some());
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(shown(&names.pass(up(20)).unwrap()), "192.0.2.20 h20.lan");
    assert!(!names.is_holding());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_finished_host_waits_for_its_name_and_lets_others_pass() {
    let (mut names, _) = names(WhoseNames::Up);
    assert_eq!(names.pass(up(200)), None);
    assert_eq!(names.pass(up(20)), None);
    assert!(names.next().now_or_never().is_none());
    assert!(names.pass(open(5)).is_some());
    assert_eq!(shown(&names.next().await), "192.0.2.20 h20.lan");
    assert!(names.is_holding());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_bound() {
    let (mut names, _) = names(WhoseNames::Up);
    for last in 200..250 {
        assert_eq!(names.pass(up(last)), None);
    }
    let all = async {
        for last in 200..250 {
            assert_eq!(shown(&names.next().await), format!("192.0.2.{last} -"));
        }
    };
    // The timer counts in milliseconds.
    tokio::time::timeout(WAIT + Duration::from_millis(2), all).await.unwrap();
    assert!(!names.is_holding());
    assert_eq!(
        names.note().unwrap(),
        "the name of 50 hosts could not be looked up (no answer within 1s); -n looks none up"
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_without_name_is_no_failure() {
    let (mut names, _) = names(WhoseNames::Up);
    for last in 100..150 {
        assert_eq!(names.pass(up(last)), None);
        assert_eq!(shown(&names.next().await), format!("192.0.2.{last} -"));
    }
    assert_eq!(names.note(), None);
}

#[tokio::test(start_paused = true)]
async fn cancelling_lets_everybody_go() {
    let (mut names, _) = names(WhoseNames::Up);
    for last in [201, 21, 202] {
        assert_eq!(names.pass(up(last)), None);
    }
    names.cancel.cancel();
    for last in [201, 21, 202] {
        let freed = names.next().now_or_never().unwrap();
        assert_eq!(shown(&freed), format!("192.0.2.{last} -"));
    }
    assert_eq!(names.note(), None);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_knows_names_nobody_is_asked_for_long() {
    let (mut names, asked) = names(WhoseNames::Up);
    assert_eq!(names.pass(up(200)), None);
    for network in 1..=16 {
        let host = HostBuilder::new(&format!("198.51.{network}.255")).open(80).build();
        assert_eq!(names.pass(finished(host)), None);
        assert_eq!(shown(&names.next().await), format!("198.51.{network}.255 -"));
    }
    assert_eq!(shown(&names.next().await), "192.0.2.200 -");
    assert_eq!(shown(&names.pass(up(3)).unwrap()), "192.0.2.3 -");
    assert_eq!(asked.load(Ordering::Relaxed), 17);
    assert!(names.note().unwrap().contains("the name server failed"), "{:?}", names.note());
}

#[tokio::test(start_paused = true)]
async fn whose_names_are_looked_up() {
    let silent = || finished(HostBuilder::new("192.0.2.1").not_asked(5).build());
    let (mut of_up, asked) = names(WhoseNames::Up);
    assert_eq!(shown(&of_up.pass(silent()).unwrap()), "192.0.2.1 -");
    assert_eq!(
        shown(&of_up.pass(finished(HostBuilder::new("127.0.0.1").open(80).build())).unwrap()),
        "127.0.0.1 -"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let nothing_open = finished(HostBuilder::new("192.0.2.2").refused("80").build());
    assert_eq!(of_up.pass(nothing_open), None);
    assert_eq!(shown(&of_up.next().await), "192.0.2.2 h2.lan");

    let (mut of_all, _) = names(WhoseNames::All);
    assert_eq!(of_all.pass(silent()), None);
    assert_eq!(shown(&of_all.next().await), "192.0.2.1 h1.lan");

    let (mut off, asked) = names(WhoseNames::Off);
    assert!(off.pass(open(1)).is_some());
    assert_eq!(shown(&off.pass(up(1)).unwrap()), "192.0.2.1 -");
    assert_eq!((asked.load(Ordering::Relaxed), off.note()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_a_host_is_enough_to_ask_for_its_name() {
    let (mut names, asked) = names(WhoseNames::Up);
    for (reason, expected) in [(Reason::NoReply, 0), (Reason::HostUnreachable, 0), (Reason::Rst, 1)] {
        let result = scanner_core::PortResult::new(80, reason, None, 1);
        let ip = "192.0.2.1".parse().unwrap();
        let port = PortSettled { scan_id: "7f3a".into(), ip, names: Vec::new(), result };
        assert!(names.pass(ScanEvent::Port(port)).is_some());
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_report_gets_the_names_too() {
    let (mut names, _) = names(WhoseNames::Up);
    let hosts: Vec<_> =
        [1, 2].map(|last| HostBuilder::new(&format!("192.0.2.{last}")).open(80).build()).into();
    for host in &hosts {
        assert_eq!(names.pass(finished(host.clone())), None);
        names.next().await;
    }
    let mut report = report(&hosts, 2);
    names.complete(&mut report);
    let of_report: Vec<_> =
        report.hosts.iter().map(|host| host.ptr.as_ref().unwrap().name.as_str()).collect();
    assert_eq!(of_report, ["h1.lan", "h2.lan"]);
}
