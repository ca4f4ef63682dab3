use proptest::prelude::*;

use super::*;
use crate::target::Target;

fn host(ip: &str) -> HostResult {
    HostResult::unknown(&Target::new(ip.parse::<HostAddr>().unwrap()))
}

fn up(ip: &str, ports: &[(Reason, &str)]) -> HostResult {
    let mut host = HostResult { status: HostStatus::Up, ..host(ip) };
    for (reason, ports) in ports {
        host.ports.add(*reason, &ports.parse().unwrap());
    }
    host
}

fn findings(hosts: &[HostResult]) -> Findings {
    let mut findings = Findings::default();
    for host in hosts {
        findings.add(host);
    }
    findings
}

fn compared(old: &[HostResult], new: &[HostResult]) -> String {
    let comparison = compare(&findings(old), &findings(new));
    let text = serde_json::to_string_pretty(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
    serde_json::to_string(&comparison).unwrap()
}

#[test]
fn ports_that_changed_in_the_same_way_are_together() {
    let old = up("192.0.2.1", &[(Reason::Handshake, "22,80"), (Reason::Rst, "1-21,23-79,81-100")]);
    let new = up(
        "192.0.2.1",
        &[(Reason::Handshake, "22,443"), (Reason::Rst, "1-10"), (Reason::NoReply, "11-21,23-100")],
    );
    insta::assert_snapshot!(compared(&[old], &[new]), @r#"{"changes":[{"ip":"192.0.2.1","names":[],"change":"ports","ports":[{"before":"open","after":"filtered","ports":"80"},{"before":"closed","after":"filtered","ports":"11-21,23-79,81-100"}]}],"ports_not_compared":1,"hosts_not_compared":{"count":"0","ranges":""}}"#);
}

#[test]
fn unmeasured_is_no_change() {
    let old = up("192.0.2.1", &[(Reason::Handshake, "22,80"), (Reason::Rst, "23-25")]);
    let lost =
        up("192.0.2.1", &[(Reason::Handshake, "22"), (Reason::HostLost, "80"), (Reason::Rst, "23-24")]);
    insta::assert_snapshot!(compared(&[old], &[lost]), @r#"{"changes":[],"ports_not_compared":2,"hosts_not_compared":{"count":"0","ranges":""}}"#);
}

#[test]
fn hosts_appear_and_go() {
    let mut named = up("192.0.2.7", &[(Reason::Handshake, "22")]);
    named.names.push("nas.lan".into());
    let down = |ip| HostResult { status: HostStatus::Down, ..host(ip) };
    let mut silent = host("192.0.2.8");
    silent.ports.add(Reason::NoReply, &"1-20".parse().unwrap());
    let old = [down("192.0.2.7"), up("192.0.2.8", &[(Reason::Rst, "1-20")]), down("192.0.2.9")];
    let new = [named, silent, down("192.0.2.9"), down("192.0.2.10")];
    insta::assert_snapshot!(compared(&old, &new), @r#"{"changes":[{"ip":"192.0.2.7","names":["nas.lan"],"change":"appeared","open":"22","verdict":null},{"ip":"192.0.2.8","names":[],"change":"went","open":"","verdict":null}],"ports_not_compared":0,"hosts_not_compared":{"count":"1","ranges":"192.0.2.10"}}"#);
}

#[test]
fn a_host_that_could_not_be_measured_neither_appears_nor_goes() {
    let there = up("192.0.2.7", &[(Reason::Handshake, "22")]);
    let mut unmeasured = host("192.0.2.7");
    unmeasured.ports.add(Reason::NoRoute, &"22".parse().unwrap());
    for (old, new) in [(&there, &unmeasured), (&unmeasured, &there)] {
        let comparison = compare(&findings(std::slice::from_ref(old)), &findings(std::slice::from_ref(new)));
        assert!(comparison.is_same() && comparison.is_partial());
    }
}

#[test]
fn only_silence_that_was_measured_to_its_end_is_absence() {
    let with =
        |ports: &[(Reason, &str)]| HostResult { status: HostStatus::Unknown, ..up("192.0.2.1", ports) };
    let answers = [up("192.0.2.1", &[(Reason::Handshake, "22")])];
    let went = |later| compare(&findings(&answers), &findings(&[later])).changes.len();
    assert_eq!(went(with(&[(Reason::NoReply, "1-20")])), 1);
    assert_eq!(went(with(&[(Reason::NoReply, "1-20"), (Reason::Cancelled, "21-100")])), 0, "in part");
    assert_eq!(went(with(&[])), 0, "not at all");

    let mut nobody = Findings::default();
    nobody.add_absent(&AddrSet::from_iter(["192.0.2.1".parse::<HostAddr>().unwrap()]));
    assert_eq!(compare(&findings(&answers), &nobody).changes.len(), 1, "known by its address alone");
}

#[test]
fn a_host_that_limits_its_refusals_is_not_reported_each_night() {
    let old = up("192.0.2.1", &[(Reason::Rst, "1-50"), (Reason::NoReplyLimited, "51-100")]);
    let new = up(
        "192.0.2.1",
        &[(Reason::Rst, "51-100"), (Reason::NoReplyLimited, "1-49"), (Reason::Handshake, "50")],
    );
    insta::assert_snapshot!(compared(&[old], &[new]), @r#"{"changes":[{"ip":"192.0.2.1","names":[],"change":"ports","ports":[{"before":"closed","after":"open","ports":"50"}]}],"ports_not_compared":99,"hosts_not_compared":{"count":"0","ranges":""}}"#);
}

#[test]
fn a_host_that_accepts_everything_is_one_change() {
    let old = up("192.0.2.1", &[(Reason::Handshake, "22"), (Reason::Rst, "1-21,23-100")]);
    let mut new = up("192.0.2.1", &[(Reason::Handshake, "1-100")]);
    new.verdict = Some(Verdict::AcceptsEverything);
    insta::assert_snapshot!(compared(&[old], &[new.clone()]), @r#"{"changes":[{"ip":"192.0.2.1","names":[],"change":"verdict","before":null,"after":"accepts-everything"}],"ports_not_compared":0,"hosts_not_compared":{"count":"0","ranges":""}}"#);
    let alone = up("192.0.2.1", &[(Reason::Handshake, "22")]);
    assert!(
        compare(&findings(&[alone]), &findings(&[new.clone()])).is_same(),
        "one open port contradicts nothing"
    );
    let mut later = up("192.0.2.1", &[(Reason::Handshake, "1-90"), (Reason::Rst, "91-100")]);
    later.verdict = new.verdict;
    assert!(compare(&findings(&[new]), &findings(&[later])).is_same(), "its ports say nothing");
}

#[test]
fn without_details_it_is_known_that_nothing_was_open() {
    let mut old = Findings::default();
    old.add_nothing_open(
        &["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap()).into_iter().collect(),
        &"1-100".parse().unwrap(),
    );
    let new = findings(&[
        up("192.0.2.1", &[(Reason::Handshake, "22,443"), (Reason::Rst, "1-21")]),
        up("192.0.2.2", &[(Reason::Rst, "1-100")]),
    ]);
    let comparison = compare(&old, &new);
    let ports =
        vec![PortsChange { before: None, after: Some(PortState::Open), ports: "22".parse().unwrap() }];
    assert_eq!(comparison.changes.len(), 1);
    assert_eq!(comparison.changes[0].change, Change::Ports { ports });
    assert_eq!(comparison.ports_not_compared, 79);
}

#[test]
fn it_is_partial_where_something_has_no_counterpart() {
    let scanned = |hosts: &[(&str, &str)]| {
        let hosts =
            hosts.iter().map(|(ip, closed)| up(ip, &[(Reason::Handshake, "22"), (Reason::Rst, closed)]));
        findings(&hosts.collect::<Vec<_>>())
    };
    let old = scanned(&[("192.0.2.1", "80")]);
    for (new, is_same, is_partial) in [
        (scanned(&[("192.0.2.1", "80")]), true, false),
        (scanned(&[("192.0.2.1", "80-81")]), true, true),
        (scanned(&[("192.0.2.1", "80"), ("192.0.2.2", "80")]), true, true),
        (findings(&[up("192.0.2.1", &[(Reason::Rst, "22,80")])]), false, false),
    ] {
        let comparison = compare(&old, &new);
        assert_eq!((comparison.is_same(), comparison.is_partial()), (is_same, is_partial), "{comparison:?}");
    }
}

/// What the same comparison is when it is made the other way round.
/// More addresses than could be gone through one by one.
#[test]
fn networks_without_anything_open_are_compared_as_such() {
    let network = |last: &str| {
        let mut addrs = AddrSet::new();
        addrs.insert_range("2001:db8::1".parse().unwrap(), last.parse().unwrap());
        addrs
    };
    let (mut old, mut new) =
        (Findings::default(), findings(&[up("2001:db8::9", &[(Reason::Handshake, "22")])]));
    old.add_nothing_open(&network("2001:db8::ffff:ffff"), &"22,80".parse().unwrap());
    new.add_nothing_open(&network("2001:db8::ffff:ffff:ffff:ffff"), &"22".parse().unwrap());
    let comparison = compare(&old, &new);
    assert_eq!(comparison.changes.len(), 1);
    assert_eq!(comparison.ports_not_compared, u64::from(u32::MAX), "80 of every host of the old scan");
    assert_eq!(comparison.hosts_not_compared.len(), u128::from(u64::MAX - u64::from(u32::MAX)));
    old.add_absent(&network("2001:db8::ffff:ffff:ffff:ffff"));
    assert!(compare(&Findings::default(), &old).is_same());
}

fn reversed(comparison: Comparison) -> Comparison {
    let turn = |change| match change {
        Change::Appeared { open, verdict } => Change::Went { open, verdict },
        Change::Went { open, verdict } => Change::Appeared { open, verdict },
        Change::Verdict { before, after } => Change::Verdict { before: after, after: before },
        Change::Ports { ports } => {
            let turn = |ports: PortsChange| PortsChange { before: ports.after, after: ports.before, ..ports };
            let mut ports: Vec<_> = ports.into_iter().map(turn).collect();
            ports.sort_by_key(|ports| (ports.before, ports.after));
            Change::Ports { ports }
        }
    };
    let changes = comparison.changes.into_iter();
    let changes = changes.map(|host| HostChange { change: turn(host.change), ..host }).collect();
    Comparison { changes, ..comparison }
}

prop_compose! {
    fn a_host()(last in 0..6_u8, status in 0..3_u8, reasons in prop::collection::vec(prop::option::weighted(0.8, 0..Reason::ALL.len()), 8), everything in prop::bool::weighted(0.2)) -> HostResult {
        let mut host = host(&format!("192.0.2.{last}"));
        host.status = [HostStatus::Up, HostStatus::Down, HostStatus::Unknown][usize::from(status)];
        for (port, reason) in (1..).zip(reasons) {
            if let Some(reason) = reason {
                host.ports.add(Reason::ALL[reason], &PortSet::from_range(port, port));
            }
        }
        host.verdict = everything.then_some(Verdict::AcceptsEverything);
        host
    }
}

prop_compose! {
    fn some_findings()(hosts in prop::collection::vec(a_host(), 0..6), bare in prop::collection::vec(6..9_u8, 0..3), gone in prop::collection::vec(6..9_u8, 0..3)) -> Findings {
        let set = |lasts: &[u8]| -> AddrSet { lasts.iter().map(|last| HostAddr::from(std::net::Ipv4Addr::new(192, 0, 2, *last))).collect() };
        let mut findings = findings(&hosts);
        findings.add_nothing_open(&set(&bare), &PortSet::from_range(1, 5));
        findings.add_absent(&set(&gone));
        findings
    }
}

proptest! {
    #[test]
    fn nothing_differs_from_itself(findings in some_findings()) {
        let comparison = compare(&findings, &findings);
        prop_assert!(comparison.is_same());
        prop_assert!(comparison.hosts_not_compared.is_empty());
    }

    #[test]
    fn both_ways_say_the_same(old in some_findings(), new in some_findings()) {
        let there = compare(&old, &new);
        let back = compare(&new, &old);
        let without_names = |mut comparison: Comparison| {
            comparison.changes.iter_mut().for_each(|change| change.names.clear());
            comparison
        };
        prop_assert_eq!(without_names(reversed(back)), without_names(there));
    }

    #[test]
    fn what_was_not_measured_never_changes(old in some_findings(), new in some_findings()) {
        for host in compare(&old, &new).changes {
            let (Some(was), Some(is)) = (old.of(host.ip), new.of(host.ip)) else {
                return Err(TestCaseError::fail("a change without two findings"));
            };
            let Change::Ports { ports } = host.change else { continue };
            for change in ports {
                prop_assert!(change.before != change.after);
                prop_assert!(change.before != Some(PortState::Unknown) && change.after != Some(PortState::Unknown));
                for port in change.ports.iter() {
                    let state = |finding: Finding<'_>| {
                        finding.facts().into_iter().find(|(_, ports)| ports.contains(port)).map(|(fact, _)| fact.state())
                    };
                    prop_assert_eq!(state(was), Some(change.before));
                    prop_assert_eq!(state(is), Some(change.after));
                }
            }
        }
    }
}
