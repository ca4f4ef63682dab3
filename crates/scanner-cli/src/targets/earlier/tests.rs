use std::io::Write as _;

use super::super::{PortChoice, named::Assigned};
use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// What is taken from a file: targets with their names and ports, and the notes.
fn taken(text: &str, states: &[PortState], without_ports: bool) -> Result<String, Failure> {
    let file = file(text);
    let settings = EarlierSettings { files: Vec::new(), states: states.to_vec(), without_ports };
    let (mut wanted, mut notes) = (Named::default(), Notes::default());
    add(&mut wanted, file.path(), &settings, &mut notes)?;
    let (default, excluded) = ("9".parse().unwrap(), PortSet::EMPTY);
    let choice = PortChoice { default: &default, excluded: &excluded };
    let Assigned { targets, own_ports, .. } = wanted.resolved(&TargetSet::new(), choice);
    let mut lines: Vec<String> = Vec::new();
    for (first, last) in targets.ranges() {
        let mut range = TargetSet::new();
        range.insert_range(first, last);
        if first == last || own_ports.get(first).is_some() {
            for addr in range.iter() {
                let names = targets.names_of(addr).join(" ");
                let ports = own_ports.get(addr).map_or("-p".into(), ToString::to_string);
                lines.push(format!("{addr} {ports} {names}").trim_end().into());
            }
        } else {
            lines.push(format!("{range} -p"));
        }
    }
    let path = file.path().display().to_string();
    lines.extend(notes.into_lines().iter().map(|note| format!("note: {}", note.replace(&path, "FILE"))));
    Ok(lines.join("\n"))
}

fn read(text: &str, states: &[PortState]) -> String {
    taken(text, states, false).unwrap_or_else(|failure| panic!("{}", failure.message))
}

/// What is said of a file that is no result.
fn error(text: &str) -> String {
    let message = taken(text, &[], false).unwrap_err().message;
    let at = message.find(": ").into_iter().chain(message.find(':')).min().unwrap();
    format!("FILE{}", &message[at..])
}

const JSONL: &str = concat!(
    r#"{"type":"scan_start","schema":1,"scan_id":"7f3a","timestamp":"…","version":"0.1.0","seed":"9","targets":"4","ports":1000}"#,
    "\n",
    r#"{"type":"note","scan_id":"7f3a","timestamp":"…","code":"target","message":"x"}"#,
    "\n",
    r#"{"type":"port","scan_id":"7f3a","timestamp":"…","host":"nas.lan","names":["nas.lan"],"ip":"192.0.2.9","port":443,"protocol":"tcp","state":"open","reason":"handshake","service":"https","service_basis":"port-number","rtt_us":4430,"attempts":1}"#,
    "\n",
    r#"{"type":"host","scan_id":"7f3a","timestamp":"…","host":"nas.lan","names":["nas.lan","backup.lan"],"ip":"192.0.2.9","status":"up","evidence":"rst","rtt_us":640,"loss":null,"verdict":null,"ports":{"open":{"handshake":{"count":1,"ports":"443"}},"closed":{"rst":{"count":3,"ports":"1-3"}},"filtered":{"no-reply":{"count":1,"ports":"7"},"a-later-reason":{"count":1,"ports":"9"}}},"not_asked":0}"#,
    "\n",
    r#"{"type":"host","scan_id":"7f3a","timestamp":"…","ip":"2001:db8::7","status":"up","ports":{"open":{"handshake":{"count":2,"ports":"22,80"}},"unknown":{"host-lost":{"count":1,"ports":"81"}}},"not_asked":0}"#,
    "\n",
    r#"{"type":"host","scan_id":"7f3a","timestamp":"…","ip":"192.0.2.77","status":"unknown","ports":{"filtered":{"no-reply":{"count":6,"ports":"1-6"}}},"not_asked":994}"#,
    "\n\n",
    r#"{"type":"port","scan_id":"7f3a","timestamp":"…","ip":"192.0.2.80","port":22,"state":"open"}"#,
    "\n",
    r#"{"type":"scan_end","scan_id":"7f3a","timestamp":"…"}"#,
    "\n",
);

#[test]
fn records_of_every_state() {
    insta::assert_snapshot!(read(JSONL, &[]), @"
    192.0.2.9 1-3,7,9,443 nas.lan backup.lan
    192.0.2.77 -p
    192.0.2.80 -p
    2001:db8::7 22,80-81
    ");
    insta::assert_snapshot!(read(JSONL, &[PortState::Open]), @"
    192.0.2.9 443 nas.lan backup.lan
    192.0.2.80 22
    2001:db8::7 22,80
    ");
    insta::assert_snapshot!(read(JSONL, &[PortState::Closed, PortState::Filtered]), @"
    192.0.2.9 1-3,7,9 nas.lan backup.lan
    192.0.2.77 1-6
    ");
    insta::assert_snapshot!(read(JSONL, &[PortState::Unknown]), @"2001:db8::7 81");
    insta::assert_snapshot!(taken(JSONL, &[PortState::Open], true).unwrap(), @"
    192.0.2.9 -p nas.lan backup.lan
    192.0.2.80 -p
    2001:db8::7 -p
    ");
}

#[test]
fn a_result_that_was_cut_off() {
    let last = JSONL.find("\"192.0.2.80\"").unwrap();
    insta::assert_snapshot!(read(&JSONL[..last], &[PortState::Open]), @"
    192.0.2.9 443 nas.lan backup.lan
    2001:db8::7 22,80
    note: FILE has no end and its last line is cut off: the scan still runs, or was killed
    ");
    let end = JSONL.find("{\"type\":\"scan_end\"").unwrap();
    insta::assert_snapshot!(read(&JSONL[..end], &[PortState::Open]), @"
    192.0.2.9 443 nas.lan backup.lan
    192.0.2.80 22
    2001:db8::7 22,80
    note: FILE has no end: the scan still runs, or was killed
    ");
    // Lines that somebody picked have neither beginning nor end.
    let picked = JSONL.lines().filter(|line| line.contains("\"host\":")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(read(&picked, &[PortState::Open]), @"192.0.2.9 443 nas.lan backup.lan");
    insta::assert_snapshot!(read(&XML[..XML.len() - 120], &[PortState::Open]), @"
    192.0.2.9 22 nas.lan
    2001:db8::7 443
    note: FILE has no end: the scan still runs, or was killed
    ");
    insta::assert_snapshot!(read(&XML[..XML.len() - 130], &[PortState::Open]), @"
    192.0.2.9 22 nas.lan
    2001:db8::7 443
    note: FILE has no end: the scan still runs, or was killed
    ");
}

const DOCUMENT: &str = r#"{
  "schema": 1,
  "version": "0.1.0",
  "hosts": [
    {
      "ip": "192.0.2.9",
      "names": ["nas.lan"],
      "status": "up",
      "results": [],
      "ports": { "open": { "handshake": { "count": 1, "ports": "443" } }, "closed": { "rst": { "count": 2, "ports": "1-2" } } },
      "not_asked": 0
    },
    {
      "ip": "192.0.2.10",
      "names": [],
      "status": "up",
      "ports": { "closed": { "rst": { "count": 3, "ports": "1-2,443" } } },
      "not_asked": 0
    }
  ],
  "up_nothing_open": { "count": "2", "ranges": "192.0.2.10-192.0.2.11" },
  "down": { "count": "2", "ranges": "192.0.2.20-192.0.2.21" },
  "no_answer": { "count": "1", "ranges": "192.0.2.30" },
  "not_measured_hosts": { "count": "1", "ranges": "192.0.2.40" }
}"#;

#[test]
fn a_document() {
    for document in [DOCUMENT.to_owned(), DOCUMENT.replace('\n', " "), format!("\u{feff}\r\n{DOCUMENT}\n")] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&document, &[]), @"
            192.0.2.9 1-2,443 nas.lan
            192.0.2.10 1-2,443
            192.0.2.11 -p
            192.0.2.20/31 -p
            192.0.2.30 -p
            192.0.2.40 -p
            ");
            insta::assert_snapshot!(read(&document, &[PortState::Open]), @"192.0.2.9 443 nas.lan");
            insta::assert_snapshot!(read(&document, &[PortState::Closed]), @"
            192.0.2.9 1-2 nas.lan
            192.0.2.10 1-2,443
            note: FILE does not say which ports of 1 host are closed; they were left out
            ");
            insta::assert_snapshot!(read(&document, &[PortState::Filtered]), @"note: FILE does not say which ports of 2 hosts are filtered; they were left out");
            insta::assert_snapshot!(read(&document, &[PortState::Unknown]), @"192.0.2.40 -p");
        }
    }
}

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<?xml-stylesheet href="nmap.xsl" type="text/xsl"?>
<!-- Nmap scan initiated as: nmap -oX - nas.lan -->
<nmaprun scanner="nmap" args="nmap -oX - nas.lan" start="1" version="7.93" xmloutputversion="1.05">
<scaninfo type="connect" protocol="tcp" numservices="5" services="1-3,22,53"/>
<host starttime="1" endtime="2"><status state="up" reason="conn-refused" reason_ttl="0"/>
<address addr="192.0.2.9" addrtype="ipv4"/>
<address addr="02:00:00:00:00:01" addrtype="mac" vendor="A &amp; B"/>
<hostnames>
<hostname name="nas.lan" type="user"/>
<hostname name="static-9.isp.example" type="PTR"/>
</hostnames>
<ports><extraports state="closed" count="2">
<extrareasons reason="conn-refused" count="2" proto="tcp" ports="1-2"/>
</extraports>
<port protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="0"/><service name="ssh" method="table" conf="3"/><script id="x" output="&#xa;y"><table><elem key="state">open</elem></table></script></port>
<port protocol="tcp" portid="3"><state state="filtered" reason="no-response" reason_ttl="0"/></port>
<port protocol="udp" portid="53"><state state="open" reason="udp-response" reason_ttl="0"/></port>
</ports>
</host>
<host><status state="up" reason="syn-ack" reason_ttl="0"/>
<address addr="2001:db8::7" addrtype="ipv6"/>
<hostnames/>
<ports><extraports state="filtered" count="997"><extrareasons reason="no-response" count="997"/></extraports>
<port protocol="tcp" portid="443"><state state="open" reason="syn-ack" reason_ttl="0"/></port>
</ports>
</host>
<host><status state="up" reason="syn-ack" reason_ttl="0"/><address addr="192.0.2.10" addrtype="ipv4"/></host>
<runstats><finished time="2" elapsed="1"/><hosts up="3" down="0" total="3"/></runstats>
</nmaprun>
"#;

#[test]
fn nmaps_xml() {
    insta::assert_snapshot!(read(XML, &[]), @"
    192.0.2.9 1-3,22 nas.lan
    192.0.2.10 -p
    2001:db8::7 -p
    ");
    insta::assert_snapshot!(read(XML, &[PortState::Open]), @"
    192.0.2.9 22 nas.lan
    2001:db8::7 443
    ");
    insta::assert_snapshot!(read(XML, &[PortState::Closed]), @"192.0.2.9 1-2 nas.lan");
    insta::assert_snapshot!(read(XML, &[PortState::Filtered]), @"
    192.0.2.9 3 nas.lan
    note: FILE does not say which ports of 1 host are filtered; they were left out
    ");
}

/// An old nmap does not say which ports it leaves out; where they are alike, they are all that it does not show.
#[test]
fn ports_that_nmap_only_counts() {
    let text = include_str!("../../stored/tests/nmap.xml");
    insta::assert_snapshot!(read(text, &[]), @"
    192.0.2.1 1-100 nas.lan
    192.0.2.2 1-100
    ");
    insta::assert_snapshot!(read(text, &[PortState::Filtered]), @"
    192.0.2.1 53 nas.lan
    192.0.2.2 1-100
    ");
    insta::assert_snapshot!(read(text, &[PortState::Unknown]), @"192.0.2.1 81 nas.lan");
}

#[test]
fn a_result_without_what_is_wanted() {
    insta::assert_snapshot!(read(r#"{"type":"scan_end"}"#, &[]), @"note: FILE names no host");
    insta::assert_snapshot!(read(r#"{"type":"scan_end"}"#, &[PortState::Open]), @"note: FILE names no host with a port that is open");
    insta::assert_snapshot!(read("<nmaprun></nmaprun>", &[PortState::Open, PortState::Closed]), @"note: FILE names no host with a port that is open or closed");
}

#[test]
fn what_is_no_result() {
    let host = |ports: &str| {
        format!(r#"<nmaprun><host><address addr="192.0.2.9"/><ports>{ports}</ports></host></nmaprun>"#)
    };
    let long = format!(r#"{{"type":"host","ip":"{}","ports":{{}}}}"#, "9".repeat(1000));
    let texts = [
        String::new(),
        "192.0.2.9\n".into(),
        "[]".into(),
        "{}".into(),
        "{\n  \"name\": \"x\"\n}".into(),
        r#"{"schema":2,"hosts":[]}"#.into(),
        r#"{"type":"scan_start","schema":2}"#.into(),
        "{\"type\":\"host\",\"ip\":\"192.0.2.9\",\"ports\":{}}\n{\"type\":\"host\",\"ip\":\"192.0.2.300\",\"ports\":{}}\n".into(),
        r#"{"type":"port","ip":"192.0.2.9","port":70000,"state":"open"}"#.into(),
        r#"{"type":"port","ip":"192.0.2.9","port":22,"state":"ajar"}"#.into(),
        "{\"type\":\"host\"}\n".into(),
        "{\"type\":\"port\"\n{\"type\":\"port\"}\n".into(),
        long,
        "<html><body/></html>".into(),
        "<nmaprun></host>".into(),
        "<nmaprun>\n<host>\n<address addr=\"192.0.2.300\"/></host></nmaprun>".into(),
        "<nmaprun>\n<host><address/></host></nmaprun>".into(),
        host(r#"<port portid="x"/>"#),
        host("<port/>"),
        host(r#"<port portid="22"><state/></port>"#),
        host(r#"<extraports state="closed" count="many"/>"#),
        host(r#"<extraports state="closed" count="1"><extrareasons ports="443-80"/></extraports>"#),
        host(r#"<port portid="&x;"/>"#),
        "<nmaprun>".to_owned() + &"<a>".repeat(40),
    ];
    insta::assert_snapshot!(texts.map(|text| error(&text)).join("\n"), @"
    FILE: not a result of a scan: neither JSON nor XML
    FILE: not a result of a scan: neither JSON nor XML
    FILE: not a result of a scan: neither JSON nor XML
    FILE:1:2: not a result of a scan: missing field `schema`
    FILE:3:1: not a result of a scan: missing field `schema`
    FILE:1:12: not a result of a scan: schema 2 is not known; this scanner reads schema 1: use the version that wrote it, or a later one
    FILE:1:32: schema 2 is not known; this scanner reads schema 1: use the version that wrote it, or a later one
    FILE:2:33: `192.0.2.300` is not an IP address
    FILE:1:44: invalid value: integer `70000`, expected u16
    FILE:1:56: unknown variant `ajar`, expected one of `open`, `closed`, `filtered`, `unknown`
    FILE:1:15: missing field `ip`
    FILE:2:1: not a result of a scan: expected `,` or `}`
    FILE:1:1022: `9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999…
    FILE:1: not a result of a scan: `html` stands where `nmaprun` should
    FILE:1: ill-formed document: expected `</nmaprun>`, but `</host>` was found
    FILE:3: `192.0.2.300` is not an IP address
    FILE:2: `address` has no `addr`
    FILE:1: `portid` is no number: x
    FILE:1: `portid` is missing
    FILE:1: a state is missing
    FILE:1: `count` is no number: many
    FILE:1: `ports`: the range from 443 to 80 runs backwards
    FILE:1: `&x;` is none of the entities of XML itself
    FILE:1: elements nested more than 32 deep
    ");
}

#[test]
fn no_entity_is_expanded() {
    let bomb = r#"<!DOCTYPE nmaprun [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>
<nmaprun><host><address addr="192.0.2.9"/><hostnames><hostname type="user" name="&f;"/></hostnames></host></nmaprun>"#;
    insta::assert_snapshot!(error(bomb), @"FILE:2: `&f;` is none of the entities of XML itself");
    let text = bomb.replace(r#"name="&f;""#, r#"name="x">&b;</hostname><hostname"#);
    insta::assert_snapshot!(read(&text, &[]), @"192.0.2.9 -p x");
}

#[test]
fn names_that_nobody_could_type_are_dropped() {
    let record = r#"{"type":"host","ip":"192.0.2.9","names":["nas.lan","x\u001b[2J","192.0.2.1","nas.lan"],"ports":{}}"#;
    insta::assert_snapshot!(read(record, &[]), @"192.0.2.9 -p nas.lan");
}
