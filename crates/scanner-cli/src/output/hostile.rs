//! The same hostile strings into every medium: nothing of them may act there.

use quick_xml::events::Event;
use scanner_core::HostResult;
use scanner_dns::{ResolveError, ResolveErrorKind};

use super::record::{About, Record};
use super::samples::{HostBuilder, beginning, note, render, settings};
use super::{Beginning, choose};
use crate::settings::Format;

/// Control bytes, a terminal's sequences, marks of direction, and what XML, HTML, spreadsheets and nmap's lines divide by.
const HOSTILE: [&str; 10] = [
    "\x1b[2J\x1b]0;title\x07",
    "\u{9b}31m\u{9d}0;x\u{9c}",
    "a\0b\x7fc\u{fffe}",
    "line\r\nHost: 10.0.0.1 ()\tPorts: 1/open/tcp//x///",
    "\u{202e}gnp.exe\u{200b}\u{2066}",
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" x='",
    "--><!-- ]]> & &amp; &#27;",
    "=cmd|' /C calc'!A0",
    "@SUM(1,2),\"x\";/y/",
];

fn host() -> HostResult {
    let host = HOSTILE.iter().fold(HostBuilder::new("192.0.2.9"), |host, name| host.name(name));
    let mut host = host.open(22).open(23).refused("1-21").build();
    for (result, service) in host.results.iter_mut().zip([HOSTILE.concat(), HOSTILE[8].to_owned()]) {
        result.service = Some(service);
    }
    host
}

/// Everything hostile at once, in a format.
fn rendered(format: Format) -> String {
    let about = About { version: HOSTILE[5].into(), args: HOSTILE.concat(), ..beginning().about.clone() };
    let unresolved =
        HOSTILE.map(|text| ResolveError { name: text.into(), kind: ResolveErrorKind::Lookup(text.into()) });
    let notes = HOSTILE.map(note);
    let beginning = Beginning { about: &about, unresolved: &unresolved, notes: &notes, ..beginning() };
    // A host of each name: some formats show only the first name.
    let mut hosts = vec![host()];
    for (last, name) in (10..).zip(HOSTILE) {
        hosts.push(HostBuilder::new(&format!("192.0.2.{last}")).name(name).open(80).build());
    }
    render(choose(format, &settings(), &beginning, false).as_mut(), &hosts, &unresolved)
}

/// Nothing that a terminal obeys, whoever prints the file.
fn assert_harmless(text: &str) {
    let hides = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    assert_eq!(text.chars().find(|c| acts(*c) || hides(*c)), None);
}

#[test]
fn terminal() {
    let text = rendered(Format::Text);
    assert_harmless(&text);
    assert!(!text.contains(['\r', '\t']));
    assert!(!text.lines().any(|line| line.starts_with("Host: ")));
}

#[test]
fn list() {
    let text = rendered(Format::List);
    assert_harmless(&text);
    assert_eq!(text.lines().count(), HOSTILE.len() * 2 + HOSTILE.len());
}

#[test]
fn json_and_lines_of_it_keep_every_string() {
    let text = rendered(Format::Json);
    assert_harmless(&text);
    let document: super::record::Document = serde_json::from_str(&text).unwrap();
    assert_eq!(document.hosts[0].host.name.names, HOSTILE);
    let text = rendered(Format::Jsonl);
    assert_harmless(&text);
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        records.iter().any(|record| matches!(record, Record::Host(host) if host.host.name.names == HOSTILE))
    );
}

#[test]
fn spreadsheet() {
    let text = rendered(Format::Csv);
    assert_harmless(&text);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
    assert!(rows.len() > HOSTILE.len());
    for row in &rows {
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
    }
    assert!(rows.iter().any(|row| &row[6] == "'=cmd|' /C calc'!A0"), "{text}");
}

#[test]
fn xml() {
    let text = rendered(Format::Xml);
    assert_harmless(&text);
    let comment = text.split_once("<!--").unwrap().1.split_once("-->").unwrap().0;
    assert!(!comment.contains("--"), "{comment}");
    let mut reader = quick_xml::Reader::from_str(&text);
    reader.config_mut().check_comments = true;
    let mut names = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        if event == Event::Eof {
            break;
        }
        if let Event::Start(element) | Event::Empty(element) = event {
            assert!(!matches!(element.name().as_ref(), "img" | "script"));
            if element.name().as_ref() == "hostname" {
                let name = element.try_get_attribute("name").unwrap().unwrap();
                names.push(name.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned());
            }
        }
    }
    assert_eq!(names.len(), HOSTILE.len() * 2);
    assert_eq!(names[5], HOSTILE[5]);
    assert_eq!(names[0], r"\x1B[2J\x1B]0;title\x07");
}

#[test]
fn nmaps_lines() {
    let text = rendered(Format::Grepable);
    assert_harmless(&text);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (head, rest) = line.split_once('\t').unwrap();
        assert!(head.starts_with("Host: 192.0.2.") && head.matches(['(', ')']).count() == 2, "{line}");
        assert!(rest.starts_with("Status: Up") || rest.starts_with("Ports: "), "{line}");
        assert!(!rest.contains("1/open"), "{line}");
    }
}

#[test]
fn page() {
    let text = rendered(Format::Html);
    assert_harmless(&text);
    // One script of ours, and no element or attribute that was in a string.
    assert_eq!(text.matches("<script").count(), 1);
    assert!(!text.contains("<img") && !text.contains("onmouseover=\""));
}
