//! What a scanner said, read from its output.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use serde_json::Value;

/// How an output is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// This command's records.
    Jsonl,
    NmapXml,
    /// `10.7.0.2 -> [22,80]`.
    RustScan,
    /// `open tcp 22 10.7.0.2 1700000000`.
    MasscanList,
    /// nmap's XML, or lines `ip:port`.
    Adapter,
}

/// What a scanner can say of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Open,
    Closed,
    Filtered,
    /// Silent, of a host that limits its answers: the scanner itself says that this proves nothing.
    FilteredLimited,
    /// Not measured.
    Unknown,
}

/// By host and port; what is missing was not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answers {
    pub(crate) ports: BTreeMap<(IpAddr, u16), Said>,
    /// It says more than which ports are open.
    pub(crate) tells_states: bool,
}

impl Answers {
    /// Reads an output. What cannot be understood was not said: an output may end in the middle of a line.
    pub(crate) fn read(format: Format, text: &str) -> Self {
        let mut answers = Self::default();
        match format {
            Format::Jsonl => answers.read_jsonl(text),
            Format::NmapXml => answers.read_nmap(text),
            Format::RustScan => answers.say_lines(text, rustscan_line),
            Format::MasscanList => answers.say_lines(text, masscan_line),
            Format::Adapter if text.contains("<nmaprun") => answers.read_nmap(text),
            Format::Adapter => answers.say_lines(text, adapter_line),
        }
        answers
    }

    fn say(&mut self, ip: IpAddr, port: u16, said: Said) {
        // An open port is said as soon as it is found, and again with its host.
        let before = self.ports.entry((ip, port)).or_insert(said);
        if *before != Said::Open {
            *before = said;
        }
    }

    fn say_all(&mut self, ip: IpAddr, ports: &str, said: Said) {
        for port in ports.split(',').filter_map(run).flatten() {
            self.say(ip, port, said);
        }
    }

    fn read_jsonl(&mut self, text: &str) {
        self.tells_states = true;
        for record in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let Some(ip) = record["ip"].as_str().and_then(|ip| ip.parse().ok()) else { continue };
            match record["type"].as_str() {
                Some("port") if record["state"] == "open" => {
                    let port = record["port"].as_u64().and_then(|port| u16::try_from(port).ok());
                    if let Some(port) = port {
                        self.say(ip, port, Said::Open);
                    }
                }
                Some("host") => self.read_host(ip, &record["ports"]),
                _ => {}
            }
        }
    }

    fn read_host(&mut self, ip: IpAddr, states: &Value) {
        for (state, reasons) in states.as_object().into_iter().flatten() {
            for (reason, set) in reasons.as_object().into_iter().flatten() {
                let said = match (state.as_str(), reason.as_str()) {
                    ("open", _) => Said::Open,
                    ("closed", _) => Said::Closed,
                    ("filtered", "no-reply-limited") => Said::FilteredLimited,
                    ("filtered", _) => Said::Filtered,
                    _ => Said::Unknown,
                };
                self.say_all(ip, set["ports"].as_str().unwrap_or_default(), said);
            }
        }
    }

    /// The elements that matter, wherever they stand: nmap writes them in this order and never nests hosts.
    fn read_nmap(&mut self, text: &str) {
        self.tells_states = true;
        let mut ip = None;
        let (mut port, mut extra) = (None, None);
        for element in text.split('<') {
            let value = |name| attribute(element, name);
            match element.split([' ', '>']).next().unwrap_or_default() {
                "address" if value("addrtype") != Some("mac") => {
                    ip = value("addr").and_then(|addr| addr.parse().ok());
                }
                "port" => port = value("portid").and_then(|port| port.parse().ok()),
                "state" => {
                    let said = value("state").and_then(nmap_state);
                    if let (Some(ip), Some(port), Some(said)) = (ip, port.take(), said) {
                        self.say(ip, port, said);
                    }
                }
                "extraports" => extra = value("state").and_then(nmap_state),
                "extrareasons" => {
                    if let (Some(ip), Some(said)) = (ip, extra) {
                        self.say_all(ip, value("ports").unwrap_or_default(), said);
                    }
                }
                _ => {}
            }
        }
    }

    /// Open ports, by lines.
    fn say_lines(&mut self, text: &str, read: fn(&str) -> Option<(IpAddr, String)>) {
        for (ip, ports) in text.lines().filter_map(read) {
            self.say_all(ip, &ports, Said::Open);
        }
    }
}

fn rustscan_line(line: &str) -> Option<(IpAddr, String)> {
    let (ip, ports) = line.split_once(" -> [")?;
    Some((ip.trim().parse().ok()?, ports.trim_end().strip_suffix(']')?.to_owned()))
}

fn masscan_line(line: &str) -> Option<(IpAddr, String)> {
    let mut words = line.strip_prefix("open tcp ")?.split_whitespace();
    let port = words.next()?.to_owned();
    Some((words.next()?.parse().ok()?, port))
}

fn adapter_line(line: &str) -> Option<(IpAddr, String)> {
    let addr: SocketAddr = line.trim().parse().ok()?;
    Some((addr.ip(), addr.port().to_string()))
}

fn nmap_state(word: &str) -> Option<Said> {
    match word {
        "open" => Some(Said::Open),
        "closed" => Some(Said::Closed),
        "filtered" => Some(Said::Filtered),
        _ => None,
    }
}

/// The value of an attribute of an XML element; nmap uses double quotes and escapes nothing that matters here.
fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = element.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// `22` or `20-25`.
fn run(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(format: Format, text: &str) -> Vec<(String, u16, Said)> {
        let answers = Answers::read(format, text);
        answers.ports.into_iter().map(|((ip, port), said)| (ip.to_string(), port, said)).collect()
    }

    fn here(port: u16, said: Said) -> (String, u16, Said) {
        ("10.7.0.2".to_owned(), port, said)
    }

    #[test]
    fn our_records_are_read() {
        let text = r#"{"type":"scan_start","schema":1}
{"type":"port","ip":"10.7.0.2","port":7,"state":"open"}
{"type":"host","ip":"10.7.0.2","ports":{"open":{"handshake":{"count":1,"ports":"7"}},"closed":{"rst":{"count":2,"ports":"1-2"}},"filtered":{"no-reply":{"count":1,"ports":"3"},"no-reply-limited":{"count":1,"ports":"4"}},"unknown":{"host-lost":{"count":1,"ports":"5"}}}}
{"type":"port","ip":"10.7.0.2","po"#;
        let expected = [
            here(1, Said::Closed),
            here(2, Said::Closed),
            here(3, Said::Filtered),
            here(4, Said::FilteredLimited),
            here(5, Said::Unknown),
            here(7, Said::Open),
        ];
        assert_eq!(said(Format::Jsonl, text), expected);
    }

    #[test]
    fn nmaps_document_is_read() {
        let text = r#"<?xml version="1.0"?><nmaprun scanner="nmap"><scaninfo type="connect" services="1-6"/>
<host><status state="up"/><address addr="10.7.0.2" addrtype="ipv4"/><address addr="02:00:00:00:00:01" addrtype="mac"/>
<ports><extraports state="closed" count="2">
<extrareasons reason="conn-refused" count="2" proto="tcp" ports="1-2"/>
</extraports>
<port protocol="tcp" portid="4"><state state="open" reason="syn-ack" reason_ttl="0"/><service name="x"/></port>
<port protocol="tcp" portid="5"><state state="filtered" reason="no-response"/></port></ports></host>"#;
        let expected =
            [here(1, Said::Closed), here(2, Said::Closed), here(4, Said::Open), here(5, Said::Filtered)];
        assert_eq!(said(Format::NmapXml, text), expected);
        assert_eq!(said(Format::Adapter, text), expected);
    }

    #[test]
    fn lists_are_read() {
        let open = [here(22, Said::Open), here(80, Said::Open)];
        assert_eq!(said(Format::RustScan, "noise\n10.7.0.2 -> [80,22]\n"), open);
        assert_eq!(said(Format::Adapter, "10.7.0.2:22\nnoise\n10.7.0.2:80\n"), open);
        assert_eq!(
            said(Format::MasscanList, "#masscan\nopen tcp 22 10.7.0.2 17\nopen tcp 80 10.7.0.2 17\n# end\n"),
            open
        );
        let v6 = said(Format::Adapter, "[fd07::2]:22\n");
        assert_eq!(v6, [("fd07::2".to_owned(), 22, Said::Open)]);
    }

    #[test]
    fn only_some_scanners_tell_closed_from_filtered() {
        assert!(Answers::read(Format::NmapXml, "<nmaprun>").tells_states);
        assert!(!Answers::read(Format::RustScan, "").tells_states);
    }
}
