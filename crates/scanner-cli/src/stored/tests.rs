use scanner_core::{Reason, Verdict};

use super::*;
use crate::output::choose;
use crate::output::samples::{HostBuilder, beginning, note, render, settings, unresolved};
use crate::settings::{Format, OutputSettings};

/// A network with something of everything.
fn hosts() -> Vec<HostResult> {
    vec![
        HostBuilder::new("192.0.2.1").name("router.lan").open(53).open(443).refused("1-52").build(),
        HostBuilder::new("192.0.2.12").refused("1-1000").build(),
        HostBuilder::new("192.0.2.40").open(22).settled(Reason::NoReply, "23-90").lossy(0.01).build(),
        HostBuilder::new("192.0.2.57").open(80).refused("1-79").lost("81-90", 4).build(),
        HostBuilder::new("192.0.2.77").open(1).open(2).verdict(Verdict::AcceptsEverything).build(),
        HostBuilder::new("192.0.2.99").settled(Reason::NoReply, "1-10").not_asked(990).build(),
        HostBuilder::new("192.0.2.100").down().settled(Reason::NoNeighbour, "1").not_asked(999).build(),
        HostBuilder::new("2001:db8::7").open(22).build(),
    ]
}

fn rendered(format: Format) -> String {
    let gone = unresolved();
    let notes = [note("192.0.2.255 skipped (broadcast)")];
    let beginning = Beginning { unresolved: &gone, notes: &notes, ..beginning() };
    render(choose(format, &settings(), &beginning, false).as_mut(), &hosts(), &gone)
}

fn stored(text: &str) -> Stored {
    Stored::from_input(Input::kept(Path::new("scan"), text.as_bytes())).unwrap()
}

fn failure(text: &str) -> String {
    let failure = Stored::from_input(Input::kept(Path::new("scan"), text.as_bytes())).unwrap_err();
    assert_eq!(failure.status.code(), 2);
    failure.message
}

fn again(stored: &Stored, format: Format) -> String {
    let mut out = Vec::new();
    let mut output = choose(format, &settings(), &stored.beginning(), false);
    stored.replay(output.as_mut(), &mut out).unwrap().unwrap();
    String::from_utf8(out).unwrap()
}

/// Every format is a rendering of the lines: from them it is what the scan itself wrote.
#[test]
fn lines_become_what_the_scan_would_have_written() {
    let lines = stored(&rendered(Format::Jsonl));
    for (word, format) in Format::WORDS {
        assert_eq!(again(&lines, format), rendered(format), "{word}");
    }
    assert!(lines.remarks.is_empty());
}

#[test]
fn a_document_becomes_the_same_document() {
    let document = stored(&rendered(Format::Json));
    for format in [Format::Json, Format::Xml, Format::Html, Format::List] {
        assert_eq!(again(&document, format), rendered(format));
    }
    // Of hosts in its sets alone it does not know the ports; everything else is in the lines made of it.
    let lines = again(&document, Format::Jsonl);
    let again_document = again(&stored(&lines), Format::Json);
    assert_eq!(again_document, rendered(Format::Json));
}

/// A document names ranges: a file may hold more addresses than could ever be gone through one by one.
#[test]
fn addresses_that_a_format_has_no_place_for_are_not_gone_through() {
    let mut document: serde_json::Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
    document["targets"] = "18446744073709551616".into();
    for set in ["up_nothing_open", "down", "no_answer", "not_measured_hosts"] {
        document[set] = serde_json::json!({
            "count": "18446744073709551616", "ranges": "2001:db8:1::-2001:db8:1::ffff:ffff:ffff:ffff",
        });
        let huge = stored(&document.to_string());
        for format in [Format::Text, Format::List, Format::Json, Format::Xml, Format::Html] {
            assert!(again(&huge, format).contains("router.lan"), "{set}");
        }
        // Where each has a line, the lines end with their reader.
        let mut output = choose(Format::Jsonl, &settings(), &huge.beginning(), false);
        let mut room = [0_u8; 10_000];
        assert!(huge.replay(output.as_mut(), &mut &mut room[..]).unwrap().is_err(), "{set}");
    }
}

#[test]
fn what_a_format_passes_over_would_change_nothing() {
    let scan = stored(&rendered(Format::Json));
    let mut passed = 0;
    for ((word, format), targets) in
        Format::WORDS.into_iter().flat_map(|it| [(it, 1), (it, 254), (it, 5_000)])
    {
        for (open_only, discover_only, all_ports) in
            [(false, false, false), (true, false, false), (false, true, false), (false, false, true)]
        {
            let about = About { all_ports, discover_only, ..scan.about.clone() };
            let beginning = Beginning { about: &about, targets, ..scan.beginning() };
            let settings = OutputSettings { open_only, ..settings() };
            for status in [HostStatus::Up, HostStatus::Down, HostStatus::Unknown] {
                let target = Target::from("192.0.2.200".parse::<scanner_core::HostAddr>().unwrap());
                let host = HostResult { status, ..HostResult::unknown(&target) };
                let written = |is_told: bool| {
                    let mut output = choose(format, &settings, &beginning, false);
                    let mut out = Vec::new();
                    if is_told {
                        let finished = HostFinished { scan_id: "7f3a".into(), host: host.clone() };
                        output.event(&ScanEvent::Host(finished), scan.finished, &mut out).unwrap();
                    }
                    output.finish(&scan.ending(), &mut out).unwrap();
                    (output.passes_over(&host), out)
                };
                let ((passes_over, with), (_, without)) = (written(true), written(false));
                passed += usize::from(passes_over);
                assert!(!passes_over || with == without, "{word}, {targets} targets, {status:?}: {about:?}");
            }
        }
    }
    assert!(passed > 0);
}

#[test]
fn nmaps_own_words_are_understood() {
    let xml = stored(&rendered(Format::Xml));
    assert_eq!(xml.findings().unwrap(), {
        let mut findings = Findings::default();
        // Hosts that are neither up nor named are not in nmap's files, and it has one word for every refusal.
        let seen = hosts().into_iter().filter(|host| host.status == HostStatus::Up);
        for mut host in seen {
            let refused = host.ports.get(Reason::Rst).cloned().unwrap_or_default();
            let mut ports = scanner_core::PortsByReason::default();
            host.ports
                .iter()
                .filter(|(reason, _)| *reason != Reason::Rst)
                .for_each(|(reason, set)| ports.add(reason, set));
            ports.add(Reason::Refused, &refused);
            host.ports = ports;
            if host.verdict.is_some() {
                host.verdict = None;
            }
            findings.add(&host);
        }
        findings
    });
}

#[test]
fn a_scan_of_nmap() {
    let text = include_str!("tests/nmap.xml");
    let nmap = stored(text);
    insta::assert_snapshot!(again(&nmap, Format::Text), @"
    192.0.2.1  nas.lan, its address nas.example  up, 0.4 ms   this machine   Example
         22  ssh
         80  http
         96 closed (refused)
          1 filtered (rejected: ICMP prohibited)  53

    up, nothing open       1   192.0.2.2

    2 open ports on 1 of 2 hosts, 5 s. Names are guessed from port numbers.
    ");
    insta::assert_debug_snapshot!(nmap.remarks, @r#"
    [
        "scan: 2 ports neither open, closed nor filtered there, or not TCP, left out",
    ]
    "#);
}

#[test]
fn a_file_that_is_cut_off_anywhere_keeps_its_whole_lines() {
    let text = rendered(Format::Jsonl);
    let first = text.find('\n').unwrap() + 1;
    for end in (first..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let part = stored(&text[..end]);
        let whole = text[..end].matches("\"type\":\"port\"").count();
        let kept = again(&part, Format::Jsonl).matches("\"type\":\"port\"").count();
        // A line that lacks only its end is a whole record.
        assert!(kept == whole || kept + 1 == whole, "{end}");
        if end + 1 < text.len() {
            assert!(part.remarks[0].contains("has no end"), "{end}");
        }
    }
}

/// Killed while a host was scanned: what was found stays, and the rest of it is not called closed.
#[test]
fn ports_of_a_host_that_was_not_finished() {
    let text = rendered(Format::Jsonl);
    let end = text.find("{\"type\":\"host\"").unwrap();
    insta::assert_snapshot!(again(&stored(&text[..end]), Format::Text), @"
    192.0.2.1  router.lan  up
         53  domain     0.5 ms
        443  https      4.4 ms
        998 not measured (cancelled)  1-52,54-442,444-1000

    2 open ports on 1 of 1 host, 1 ms. Names are guessed from port numbers.
    INTERRUPTED after 1 ms: 253,998 ports not measured; what was found until then is kept.
    INCOMPLETE: no address for gone.invalid.
    ");
}

#[test]
fn what_is_no_result_is_refused_with_its_place() {
    assert_eq!(failure(""), "scan: not a result of a scan: neither JSON nor XML");
    assert_eq!(failure("<?xml version=\"1.0\"?>"), "scan: not a result of a scan: it has no element");
    let unknown =
        "schema 9 is not known; this scanner reads schema 1: use the version that wrote it, or a later one";
    let text = rendered(Format::Jsonl);
    let later = text.replace("\"schema\":1", "\"schema\":9");
    assert_eq!(failure(&later), format!("scan:1: {unknown}"));
    let later = rendered(Format::Json).replace("\"schema\": 1", "\"schema\": 9");
    assert_eq!(failure(&later), format!("scan:2:14: not a result of a scan: {unknown}"));
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(failure(rest).contains("scan:1: the first record is no scan_start"), "{}", failure(rest));
    assert_eq!(
        failure(&format!("{first}\n{{\"type\":\"port\",\n{rest}")),
        "scan:2: EOF while parsing a value"
    );
    assert!(failure(&format!("{text}{first}\n")).ends_with("a second scan begins here"));
}

#[test]
fn records_of_a_later_version_are_passed_over() {
    let text = rendered(Format::Jsonl);
    let (first, rest) = text.split_once('\n').unwrap();
    let later = format!("{first}\n{{\"type\":\"weather\",\"sky\":\"blue\"}}\n{rest}");
    assert_eq!(again(&stored(&later), Format::Jsonl), text);
}

#[test]
fn a_mark_and_white_space_may_stand_before_a_result() {
    for format in [Format::Jsonl, Format::Json, Format::Xml] {
        let text = rendered(format);
        let list = again(&stored(&format!("\u{feff}\r\n {text}")), Format::List);
        assert_eq!(list, again(&stored(&text), Format::List));
    }
}

#[test]
fn a_later_version_may_have_more_fields() {
    let text = rendered(Format::Json);
    let more = text.replacen("\"version\"", "\"later\": [{}, \"x\"],\n  \"version\"", 1);
    assert_eq!(again(&stored(&more), Format::Json), text);
}

#[test]
fn nothing_in_a_file_grows_without_bound() {
    let long = "x".repeat(9 << 20);
    assert_eq!(
        failure(&format!("<nmaprun>\n<host {long}")),
        "scan:2: a tag or text longer than 8388608 bytes"
    );
    let deep = "[".repeat(1_000);
    let start = rendered(Format::Jsonl).lines().next().unwrap().to_owned();
    let message = failure(&format!("{start}\n{{\"type\":\"note\",\"x\":{deep}\n"));
    assert_eq!(message, "scan:2:146: recursion limit exceeded");
    let line = format!("{start}\n{{\"type\":\"note\",\"x\":\"{long}{long}\"}}\n");
    assert_eq!(failure(&line), "scan:2: a record longer than 16777216 bytes");
}

/// What of many attributes is not asked for is passed over, not compared with each other.
#[test]
fn a_tag_may_have_many_attributes() {
    let many = " a=\"&x;\"".repeat(600_000);
    let host = format!("<host{many}><address addr=\"192.0.2.9\"{many}/></host>");
    let xml = stored(&format!("<nmaprun>{host}</nmaprun>"));
    assert_eq!(xml.report.progress.targets_done, 1);
}

#[test]
fn a_host_of_nmap_without_address_is_none() {
    let xml = stored("<nmaprun><host><status state=\"up\"/></host></nmaprun>");
    assert_eq!(xml.report.progress.targets_done, 0);
    assert!(xml.remarks.is_empty());
}

/// Found by a fuzzer: compared with itself such a host had changed.
#[test]
fn a_port_of_nmap_with_several_states_has_the_one_that_it_is_listed_with() {
    let port =
        |state: &str| format!("<port protocol=\"tcp\" portid=\"22\"><state state=\"{state}\"/></port>");
    let many = "<extraports state=\"closed\" count=\"3\"><extrareasons reason=\"resets\" count=\"3\" ports=\"21-23\"/></extraports>";
    let host = format!(
        "<host><status state=\"up\"/><address addr=\"192.0.2.9\"/><ports>{many}{}{}</ports></host>",
        port("open"),
        port("filtered")
    );
    let xml = stored(&format!("<nmaprun>{host}</nmaprun>"));
    let mut ports = Vec::new();
    xml.walk(&mut |item| {
        if let Item::Host(_, host) = item {
            ports.push(serde_json::to_string(&host.ports).unwrap());
        }
    })
    .unwrap();
    insta::assert_snapshot!(ports.concat(), @r#"{"open":{"handshake":{"count":1,"ports":"22"}},"closed":{"rst":{"count":2,"ports":"21,23"}}}"#);
}
