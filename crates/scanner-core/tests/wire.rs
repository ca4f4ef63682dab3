//! The JSON of every public type, pinned: a change that breaks a program which reads it must show in a diff.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]
#![expect(clippy::too_many_lines, reason = "whole documents stand beside what they are made from")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use scanner_core::{
    AddrSet, Completion, ForwardCheck, HostAddr, HostFinished, HostResult, HostStatus, MacAddr, Note,
    PortMap, PortResult, PortSet, PortSettled, PortState, PortsByReason, Progress, Protocol, Reason,
    ReverseName, ScanEnd, ScanEvent, ScanNote, ScanReport, ScanStart, ServiceBasis, Target, TargetSet,
    Verdict,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn addr(text: &str) -> HostAddr {
    text.parse().unwrap()
}

fn addrs(texts: &[&str]) -> AddrSet {
    texts.iter().map(|text| addr(text)).collect()
}

/// What is read back is what was written, from text and from a parsed document.
#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
    let document = serde_json::to_value(value).unwrap();
    assert_eq!(serde_json::from_value::<T>(document).unwrap(), *value, "{text}");
}

fn open_port() -> PortResult {
    PortResult {
        port: 443,
        protocol: Protocol::Tcp,
        state: PortState::Open,
        reason: Reason::Handshake,
        service: Some("https".to_owned()),
        service_basis: Some(ServiceBasis::PortNumber),
        rtt: Some(Duration::from_micros(812)),
        attempts: 1,
    }
}

fn silent_port() -> PortResult {
    PortResult {
        port: 54_321,
        protocol: Protocol::Tcp,
        state: PortState::Filtered,
        reason: Reason::NoReply,
        service: None,
        service_basis: None,
        rtt: None,
        attempts: 4,
    }
}

fn lost_host() -> HostResult {
    let mut ports = PortsByReason::default();
    ports.add(Reason::Handshake, &PortSet::from_range(443, 443));
    ports.add(Reason::Rst, &PortSet::from_range(1, 212));
    ports.add(Reason::PortUnreachable, &PortSet::from_range(8000, 8001));
    ports.add(Reason::NoReply, &PortSet::from_range(8080, 8080));
    ports.add(Reason::HostLost, &[500, 502, 503].into_iter().collect());
    ports.add(Reason::LocalLimit, &PortSet::from_range(65_535, 65_535));
    HostResult {
        ip: addr("192.168.1.57"),
        names: vec!["nas.lan".to_owned(), "files.lan".to_owned()],
        ptr: Some(ReverseName { name: "box.lan".to_owned(), forward: ForwardCheck::Differs }),
        status: HostStatus::Up,
        evidence: Some(Reason::Handshake.into()),
        mac: Some(MacAddr::new([0xb8, 0x27, 0xeb, 0x12, 0x34, 0x56])),
        vendor: Some("Example Boards Ltd.".to_owned()),
        rtt: Some(Duration::from_millis(41)),
        loss: Some(0.25),
        miss_bound: Some(0.0001),
        verdict: Some(Verdict::HostLost),
        lost_since: Some(Duration::from_secs(4)),
        results: vec![open_port()],
        ports,
        not_asked: 7,
    }
}

fn silent_host() -> HostResult {
    HostResult {
        ip: addr("fe80::1%2"),
        names: Vec::new(),
        ptr: None,
        status: HostStatus::Unknown,
        evidence: None,
        mac: None,
        vendor: None,
        rtt: None,
        loss: None,
        miss_bound: None,
        verdict: None,
        lost_since: None,
        results: Vec::new(),
        ports: PortsByReason::default(),
        not_asked: 1_000,
    }
}

fn progress() -> Progress {
    Progress {
        elapsed: Duration::from_millis(4_884),
        targets: 256,
        targets_done: 250,
        targets_up: 5,
        probes: 256_000,
        open: 5,
        closed: 4_990,
        filtered: 1_000,
        unknown: 3,
        not_asked: 240_000,
        sent: 12_345,
        in_flight: 100,
        window: 120,
        rate: 2_500,
        done_permille: 961,
        eta: Some(Duration::from_millis(3_200)),
    }
}

fn note() -> Note {
    Note { code: "target-skipped".to_owned(), message: "192.168.1.255 skipped (broadcast)".to_owned() }
}

fn not_measured() -> BTreeMap<Reason, u64> {
    BTreeMap::from([(Reason::HostLost, 787), (Reason::Cancelled, 1 << 40)])
}

fn report() -> ScanReport {
    ScanReport {
        scan_id: "7f3a".to_owned(),
        seed: u64::MAX,
        completion: Completion::Incomplete,
        progress: progress(),
        hosts: vec![lost_host()],
        up_nothing_open: addrs(&["192.168.1.12", "192.168.1.31"]),
        down: AddrSet::new(),
        no_answer: addrs(&["192.168.1.2", "192.168.1.3", "2001:db8::1", "fe80::9%2"]),
        not_measured_hosts: addrs(&["192.168.1.99"]),
        not_measured: not_measured(),
        notes: vec![note()],
    }
}

#[test]
fn port_result() {
    insta::assert_json_snapshot!(open_port(), @r#"
    {
      "port": 443,
      "protocol": "tcp",
      "state": "open",
      "reason": "handshake",
      "service": "https",
      "service_basis": "port-number",
      "rtt_us": 812,
      "attempts": 1
    }
    "#);
    insta::assert_json_snapshot!(silent_port(), @r#"
    {
      "port": 54321,
      "protocol": "tcp",
      "state": "filtered",
      "reason": "no-reply",
      "service": null,
      "service_basis": null,
      "rtt_us": null,
      "attempts": 4
    }
    "#);
    round_trip(&open_port());
    round_trip(&silent_port());
}

#[test]
fn host_result() {
    insta::assert_json_snapshot!(lost_host(), @r#"
    {
      "ip": "192.168.1.57",
      "names": [
        "nas.lan",
        "files.lan"
      ],
      "ptr": {
        "name": "box.lan",
        "forward": "differs"
      },
      "status": "up",
      "evidence": "handshake",
      "mac_address": "b8:27:eb:12:34:56",
      "vendor": "Example Boards Ltd.",
      "rtt_us": 41000,
      "loss": 0.25,
      "miss_bound": 0.0001,
      "verdict": "host-lost",
      "lost_since_ms": 4000,
      "results": [
        {
          "port": 443,
          "protocol": "tcp",
          "state": "open",
          "reason": "handshake",
          "service": "https",
          "service_basis": "port-number",
          "rtt_us": 812,
          "attempts": 1
        }
      ],
      "ports": {
        "open": {
          "handshake": {
            "count": 1,
            "ports": "443"
          }
        },
        "closed": {
          "rst": {
            "count": 212,
            "ports": "1-212"
          }
        },
        "filtered": {
          "port-unreachable": {
            "count": 2,
            "ports": "8000-8001"
          },
          "no-reply": {
            "count": 1,
            "ports": "8080"
          }
        },
        "unknown": {
          "host-lost": {
            "count": 3,
            "ports": "500,502-503"
          },
          "local-limit": {
            "count": 1,
            "ports": "65535"
          }
        }
      },
      "not_asked": 7
    }
    "#);
    insta::assert_json_snapshot!(silent_host(), @r#"
    {
      "ip": "fe80::1%2",
      "names": [],
      "status": "unknown",
      "evidence": null,
      "rtt_us": null,
      "loss": null,
      "miss_bound": null,
      "verdict": null,
      "lost_since_ms": null,
      "results": [],
      "ports": {},
      "not_asked": 1000
    }
    "#);
    round_trip(&lost_host());
    round_trip(&silent_host());
}

#[test]
fn scan_report() {
    insta::assert_json_snapshot!(report(), @r#"
    {
      "scan_id": "7f3a",
      "seed": "18446744073709551615",
      "completion": "incomplete",
      "progress": {
        "elapsed_ms": 4884,
        "targets": 256,
        "targets_done": 250,
        "targets_up": 5,
        "probes": 256000,
        "open": 5,
        "closed": 4990,
        "filtered": 1000,
        "unknown": 3,
        "not_asked": 240000,
        "sent": 12345,
        "in_flight": 100,
        "window": 120,
        "rate": 2500,
        "done_permille": 961,
        "eta_ms": 3200
      },
      "hosts": [
        {
          "ip": "192.168.1.57",
          "names": [
            "nas.lan",
            "files.lan"
          ],
          "ptr": {
            "name": "box.lan",
            "forward": "differs"
          },
          "status": "up",
          "evidence": "handshake",
          "mac_address": "b8:27:eb:12:34:56",
          "vendor": "Example Boards Ltd.",
          "rtt_us": 41000,
          "loss": 0.25,
          "miss_bound": 0.0001,
          "verdict": "host-lost",
          "lost_since_ms": 4000,
          "results": [
            {
              "port": 443,
              "protocol": "tcp",
              "state": "open",
              "reason": "handshake",
              "service": "https",
              "service_basis": "port-number",
              "rtt_us": 812,
              "attempts": 1
            }
          ],
          "ports": {
            "open": {
              "handshake": {
                "count": 1,
                "ports": "443"
              }
            },
            "closed": {
              "rst": {
                "count": 212,
                "ports": "1-212"
              }
            },
            "filtered": {
              "port-unreachable": {
                "count": 2,
                "ports": "8000-8001"
              },
              "no-reply": {
                "count": 1,
                "ports": "8080"
              }
            },
            "unknown": {
              "host-lost": {
                "count": 3,
                "ports": "500,502-503"
              },
              "local-limit": {
                "count": 1,
                "ports": "65535"
              }
            }
          },
          "not_asked": 7
        }
      ],
      "up_nothing_open": {
        "count": "2",
        "ranges": "192.168.1.12,192.168.1.31"
      },
      "down": {
        "count": "0",
        "ranges": ""
      },
      "no_answer": {
        "count": "4",
        "ranges": "192.168.1.2-192.168.1.3,2001:db8::1,fe80::9%2"
      },
      "not_measured_hosts": {
        "count": "1",
        "ranges": "192.168.1.99"
      },
      "not_measured": {
        "host-lost": 787,
        "cancelled": 1099511627776
      },
      "notes": [
        {
          "code": "target-skipped",
          "message": "192.168.1.255 skipped (broadcast)"
        }
      ]
    }
    "#);
    round_trip(&report());
}

#[test]
fn progress_counters() {
    insta::assert_json_snapshot!(progress(), @r#"
    {
      "elapsed_ms": 4884,
      "targets": 256,
      "targets_done": 250,
      "targets_up": 5,
      "probes": 256000,
      "open": 5,
      "closed": 4990,
      "filtered": 1000,
      "unknown": 3,
      "not_asked": 240000,
      "sent": 12345,
      "in_flight": 100,
      "window": 120,
      "rate": 2500,
      "done_permille": 961,
      "eta_ms": 3200
    }
    "#);
    insta::assert_json_snapshot!(Progress::default(), @r#"
    {
      "elapsed_ms": 0,
      "targets": 0,
      "targets_done": 0,
      "targets_up": 0,
      "probes": 0,
      "open": 0,
      "closed": 0,
      "filtered": 0,
      "unknown": 0,
      "not_asked": 0,
      "sent": 0,
      "in_flight": 0,
      "window": 0,
      "rate": 0,
      "done_permille": 0,
      "eta_ms": null
    }
    "#);
    round_trip(&progress());
    round_trip(&Progress::default());
}

#[test]
fn event_scan_start() {
    let event = ScanEvent::ScanStart(ScanStart {
        scan_id: "7f3a".to_owned(),
        seed: u64::MAX,
        targets: u128::MAX,
        ports: Some(65_535),
    });
    insta::assert_json_snapshot!(event, @r#"
    {
      "type": "scan_start",
      "scan_id": "7f3a",
      "seed": "18446744073709551615",
      "targets": "340282366920938463463374607431768211455",
      "ports": 65535
    }
    "#);
    round_trip(&event);
    let start = ScanStart { scan_id: "7f3a".to_owned(), seed: 1, targets: 2, ports: None };
    insta::assert_json_snapshot!(start, @r#"
    {
      "scan_id": "7f3a",
      "seed": "1",
      "targets": "2",
      "ports": null
    }
    "#);
    round_trip(&start);
}

#[test]
fn event_port() {
    let event = ScanEvent::Port(PortSettled {
        scan_id: "7f3a".to_owned(),
        ip: addr("192.168.1.9"),
        names: vec!["nas.lan".to_owned()],
        result: open_port(),
    });
    insta::assert_json_snapshot!(event, @r#"
    {
      "type": "port",
      "scan_id": "7f3a",
      "ip": "192.168.1.9",
      "names": [
        "nas.lan"
      ],
      "port": 443,
      "protocol": "tcp",
      "state": "open",
      "reason": "handshake",
      "service": "https",
      "service_basis": "port-number",
      "rtt_us": 812,
      "attempts": 1
    }
    "#);
    round_trip(&event);
}

#[test]
fn event_host() {
    let event = ScanEvent::Host(HostFinished { scan_id: "7f3a".to_owned(), host: lost_host() });
    insta::assert_json_snapshot!(event, @r#"
    {
      "type": "host",
      "scan_id": "7f3a",
      "ip": "192.168.1.57",
      "names": [
        "nas.lan",
        "files.lan"
      ],
      "ptr": {
        "name": "box.lan",
        "forward": "differs"
      },
      "status": "up",
      "evidence": "handshake",
      "mac_address": "b8:27:eb:12:34:56",
      "vendor": "Example Boards Ltd.",
      "rtt_us": 41000,
      "loss": 0.25,
      "miss_bound": 0.0001,
      "verdict": "host-lost",
      "lost_since_ms": 4000,
      "results": [
        {
          "port": 443,
          "protocol": "tcp",
          "state": "open",
          "reason": "handshake",
          "service": "https",
          "service_basis": "port-number",
          "rtt_us": 812,
          "attempts": 1
        }
      ],
      "ports": {
        "open": {
          "handshake": {
            "count": 1,
            "ports": "443"
          }
        },
        "closed": {
          "rst": {
            "count": 212,
            "ports": "1-212"
          }
        },
        "filtered": {
          "port-unreachable": {
            "count": 2,
            "ports": "8000-8001"
          },
          "no-reply": {
            "count": 1,
            "ports": "8080"
          }
        },
        "unknown": {
          "host-lost": {
            "count": 3,
            "ports": "500,502-503"
          },
          "local-limit": {
            "count": 1,
            "ports": "65535"
          }
        }
      },
      "not_asked": 7
    }
    "#);
    round_trip(&event);
}

#[test]
fn event_note() {
    let event = ScanEvent::Note(ScanNote { scan_id: "7f3a".to_owned(), note: note() });
    insta::assert_json_snapshot!(event, @r#"
    {
      "type": "note",
      "scan_id": "7f3a",
      "code": "target-skipped",
      "message": "192.168.1.255 skipped (broadcast)"
    }
    "#);
    round_trip(&event);
}

#[test]
fn event_scan_end() {
    let event = ScanEvent::ScanEnd(ScanEnd {
        scan_id: "7f3a".to_owned(),
        completion: Completion::Cancelled,
        elapsed: Duration::from_millis(4_884),
        not_measured: not_measured(),
    });
    insta::assert_json_snapshot!(event, @r#"
    {
      "type": "scan_end",
      "scan_id": "7f3a",
      "completion": "cancelled",
      "elapsed_ms": 4884,
      "not_measured": {
        "host-lost": 787,
        "cancelled": 1099511627776
      }
    }
    "#);
    round_trip(&event);
}

#[test]
fn sets() {
    let found = addrs(&["10.0.0.1", "10.0.0.2", "10.0.0.9", "2001:db8::1", "fe80::1%2", "fe80::2%2"]);
    insta::assert_json_snapshot!(found, @r#"
    {
      "count": "6",
      "ranges": "10.0.0.1-10.0.0.2,10.0.0.9,2001:db8::1,fe80::1%2-fe80::2%2"
    }
    "#);
    insta::assert_json_snapshot!(AddrSet::new(), @r#"
    {
      "count": "0",
      "ranges": ""
    }
    "#);

    let mut targets: TargetSet = "10.0.0.0/24,10.0.1.7,192.0.2.1-192.0.2.9,2001:db8::/120".parse().unwrap();
    targets.add_name(addr("fe80::1%2"), "router.lan");
    targets.add_name(addr("fe80::1%2"), "gateway.lan");
    targets.add_name(addr("10.0.1.7"), "nas.lan");
    insta::assert_json_snapshot!(targets, @r#"
    {
      "ranges": "10.0.0.0/24,10.0.1.7,192.0.2.1-192.0.2.9,2001:db8::/120,fe80::1%2",
      "names": {
        "10.0.1.7": [
          "nas.lan"
        ],
        "fe80::1%2": [
          "router.lan",
          "gateway.lan"
        ]
      }
    }
    "#);
    insta::assert_json_snapshot!(TargetSet::new(), @r#"
    {
      "ranges": "",
      "names": {}
    }
    "#);

    let ports: PortSet = [22, 80, 81, 82, 65_535].into_iter().collect();
    insta::assert_json_snapshot!(ports, @r#""22,80-82,65535""#);
    insta::assert_json_snapshot!(PortSet::EMPTY, @r#""""#);

    round_trip(&found);
    round_trip(&AddrSet::new());
    round_trip(&targets);
    round_trip(&TargetSet::new());
    let group = |targets: &str, ports: &str| (targets.parse().unwrap(), ports.parse().unwrap());
    let map = PortMap::from_iter([group("10.0.0.7,10.0.0.9,2001:db8::1", "22,80"), group("10.0.0.8", "443")]);
    insta::assert_json_snapshot!(map, @r#"
    [
      {
        "targets": "10.0.0.7,10.0.0.9,2001:db8::1",
        "ports": "22,80"
      },
      {
        "targets": "10.0.0.8",
        "ports": "443"
      }
    ]
    "#);
    insta::assert_json_snapshot!(PortMap::new(), @"[]");
    round_trip(&map);
    round_trip(&PortMap::new());
    round_trip(&ports);
    round_trip(&PortSet::EMPTY);
}

#[test]
fn target() {
    let target = Target::new(addr("192.168.1.9")).with_name("nas.lan");
    insta::assert_json_snapshot!(target, @r#"
    {
      "addr": "192.168.1.9",
      "names": [
        "nas.lan"
      ]
    }
    "#);
    round_trip(&target);
}

#[test]
fn a_reason_under_a_foreign_state_is_refused() {
    let json = r#"{"open":{"rst":{"count":1,"ports":"22"}}}"#;
    let error = serde_json::from_str::<PortsByReason>(json).unwrap_err();
    insta::assert_snapshot!(error, @"reason `rst` does not belong to `open`");
}

#[test]
fn a_port_with_two_states_is_refused() {
    let json =
        r#"{"open":{"handshake":{"count":1,"ports":"22"}},"closed":{"rst":{"count":3,"ports":"21-23"}}}"#;
    let error = serde_json::from_str::<PortsByReason>(json).unwrap_err();
    insta::assert_snapshot!(error, @"more than one state or reason for 22");
}

#[test]
fn public_types_can_go_anywhere() {
    fn anywhere<T: Send + Sync + Unpin + 'static>() {}
    anywhere::<ScanReport>();
    anywhere::<ScanEvent>();
    anywhere::<Progress>();
    anywhere::<TargetSet>();
    anywhere::<AddrSet>();
    anywhere::<PortMap>();
    anywhere::<PortSet>();
}
