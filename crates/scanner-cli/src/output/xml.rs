//! `xml`: nmap's XML, for everything that reads nmap's files. Valid by nmap.dtd; what nmap has no word for is said in ours, in
//! places where its readers pass text on (reasons of ports that are not shown, scripts of a host, the summary).
//!
//! `scaninfo` names the ports of all hosts together: nmap has no other place for them, and its readers take it for what was asked
//! at all, never for what was asked of one host. That is what stands in the host's own `ports`, where every port that it was
//! asked for is named; one that is not there was not asked.

mod host;
pub(crate) mod reason;

use std::io::{self, Write};
use std::time::SystemTime;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use scanner_core::{Completion, HostResult, ScanEvent};

use crate::clock;
use crate::networks::Networks;
use crate::output::collected::Collected;
use crate::output::record::About;
use crate::output::sanitize;
use crate::output::{Beginning, Ending, Output, ending, summary};
use crate::settings::OutputSettings;

/// The version of nmap's format that is written, as its own files state it.
const FORMAT_VERSION: &str = "1.05";

/// The format, with what is only known at the beginning.
#[derive(Debug)]
pub(crate) struct Xml {
    about: About,
    networks: Networks,
    started: Option<SystemTime>,
    collected: Collected,
}

impl Xml {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        Self {
            about: beginning.about.clone(),
            networks: beginning.networks.clone(),
            started: None,
            collected: Collected::new(settings.open_only, beginning.targets),
        }
    }

    fn write_head(&self, started: SystemTime, xml: &mut Elements<'_>) -> io::Result<()> {
        let About { version, args, port_ranges, .. } = &self.about;
        let start = clock::ctime(started);
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.event(Event::DocType(BytesText::from_escaped("nmaprun")))?;
        let comment = format!("scanner {version} scan initiated {start} as: {args}");
        let comment = format!(" {} ", sanitize::xml_comment(&comment));
        xml.event(Event::Comment(BytesText::from_escaped(comment)))?;
        xml.open(
            "nmaprun",
            &[
                // The DTD allows no other word; `args` and the comment say who it was.
                ("scanner", "nmap"),
                ("args", args),
                ("start", &clock::unix_seconds(started).to_string()),
                ("startstr", &start),
                ("version", version),
                ("xmloutputversion", FORMAT_VERSION),
            ],
        )?;
        xml.empty(
            "scaninfo",
            &[
                ("type", "connect"),
                ("protocol", "tcp"),
                ("numservices", &port_ranges.len().to_string()),
                ("services", &port_ranges.to_string()),
            ],
        )?;
        xml.empty("verbose", &[("level", "0")])?;
        xml.empty("debugging", &[("level", "0")])
    }
}

impl Output for Xml {
    fn event(&mut self, event: &ScanEvent, at: SystemTime, _out: &mut dyn Write) -> io::Result<()> {
        if let ScanEvent::ScanStart(_) = event {
            self.started = Some(at);
        }
        self.collected.event(event, at);
        Ok(())
    }

    fn passes_over(&self, host: &HostResult) -> bool {
        !self.collected.is_kept(host)
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Elements(Writer::new(out));
        self.write_head(self.started.unwrap_or(end.finished), &mut xml)?;
        for (host, at) in self.collected.take(end.report, end.finished) {
            host::write(&host, at, &self.networks, &mut xml)?;
        }
        write_end(end, &mut xml)
    }
}

fn write_end(end: &Ending<'_>, xml: &mut Elements<'_>) -> io::Result<()> {
    let progress = &end.report.progress;
    let finish = clock::ctime(end.finished);
    let elapsed = format!("{:.2}", progress.elapsed.as_secs_f64());
    let (targets, up) = (progress.targets, progress.targets_up);
    let sentence = format!(
        "scanner done at {finish}; {targets} IP addresses ({up} hosts up) scanned in {elapsed} seconds"
    );
    let missing = summary(end).missing.join(" ");
    let time = clock::unix_seconds(end.finished).to_string();
    let complete = ending(end) == Completion::Complete;
    let mut attributes = vec![
        ("time", time.as_str()),
        ("timestr", &finish),
        ("summary", &sentence),
        ("elapsed", &elapsed),
        ("exit", if complete { "success" } else { "error" }),
    ];
    if !complete {
        attributes.push(("errormsg", &missing));
    }
    xml.open("runstats", &[])?;
    xml.empty("finished", &attributes)?;
    let (total, down) = (targets.to_string(), targets.saturating_sub(up).to_string());
    xml.empty("hosts", &[("up", &up.to_string()), ("down", &down), ("total", &total)])?;
    xml.close("runstats")?;
    xml.close("nmaprun")
}

/// A writer that knows of no text that XML cannot hold. Each element stands on a line of its own.
struct Elements<'a>(Writer<&'a mut dyn Write>);

impl Elements<'_> {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.event(Event::Start(element(name, attributes)))
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.event(Event::Empty(element(name, attributes)))
    }

    fn close(&mut self, name: &str) -> io::Result<()> {
        self.event(Event::End(BytesEnd::new(name)))
    }

    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        self.0.write_event(event)?;
        self.0.get_mut().write_all(b"\n")
    }
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (name, value) in attributes {
        element.push_attribute((*name, sanitize::xml(value).as_ref()));
    }
    element
}

#[cfg(test)]
mod tests {
    use scanner_core::{Reason, Verdict};

    use super::*;
    use crate::output::samples::{HostBuilder, beginning, render, settings, unresolved};

    #[test]
    #[expect(clippy::too_many_lines, reason = "a document is long when it is written out")]
    fn as_nmap_would_write_it() {
        let hosts = [
            HostBuilder::new("192.0.2.9")
                .name("nas.lan")
                .open(22)
                .open(2_222)
                .refused("1-21")
                .settled(Reason::NoReply, "80")
                .build(),
            HostBuilder::new("2001:db8::57").open(80).lost("81-90", 4).build(),
            HostBuilder::new("192.0.2.77").open(1).open(2).verdict(Verdict::AcceptsEverything).build(),
            HostBuilder::new("192.0.2.99").name("old.lan").down().not_asked(1_000).build(),
        ];
        insta::assert_snapshot!(render(&mut Xml::new(&settings(), &beginning()), &hosts, &unresolved()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE nmaprun>
        <!-- scanner 0.1.0 scan initiated Sun Nov 22 12:00:00 2026 as: scanner 192.0.2.0/24 -->
        <nmaprun scanner="nmap" args="scanner 192.0.2.0/24" start="1795348800" startstr="Sun Nov 22 12:00:00 2026" version="0.1.0" xmloutputversion="1.05">
        <scaninfo type="connect" protocol="tcp" numservices="1000" services="1-1000"/>
        <verbose level="0"/>
        <debugging level="0"/>
        <host endtime="1795348800">
        <status state="up" reason="conn-refused" reason_ttl="0"/>
        <address addr="192.0.2.9" addrtype="ipv4"/>
        <hostnames>
        <hostname name="nas.lan" type="user"/>
        </hostnames>
        <ports>
        <extraports state="closed" count="21">
        <extrareasons reason="conn-refused" count="21" proto="tcp" ports="1-21"/>
        </extraports>
        <extraports state="filtered" count="1">
        <extrareasons reason="no-response" count="1" proto="tcp" ports="80"/>
        </extraports>
        <port protocol="tcp" portid="22">
        <state state="open" reason="syn-ack" reason_ttl="0"/>
        <service name="ssh" method="table" conf="3"/>
        </port>
        <port protocol="tcp" portid="2222">
        <state state="open" reason="syn-ack" reason_ttl="0"/>
        <service name="ethernet-ip-1" method="table" conf="3"/>
        </port>
        </ports>
        <times srtt="640" rttvar="-1" to="-1"/>
        </host>
        <host endtime="1795348800">
        <status state="up" reason="syn-ack" reason_ttl="0"/>
        <address addr="192.0.2.77" addrtype="ipv4"/>
        <hostnames>
        </hostnames>
        <ports>
        <extraports state="open" count="2">
        <extrareasons reason="syn-ack" count="2" proto="tcp" ports="1-2"/>
        </extraports>
        </ports>
        <hostscript>
        <script id="scanner" output="verdict: accepts-everything"/>
        </hostscript>
        <times srtt="640" rttvar="-1" to="-1"/>
        </host>
        <host endtime="1795348800" comment="not asked: 1,000 ports">
        <status state="down" reason="no-neighbour" reason_ttl="0"/>
        <address addr="192.0.2.99" addrtype="ipv4"/>
        <hostnames>
        <hostname name="old.lan" type="user"/>
        </hostnames>
        <ports>
        </ports>
        </host>
        <host endtime="1795348800" comment="last answer after 4 s">
        <status state="up" reason="syn-ack" reason_ttl="0"/>
        <address addr="2001:db8::57" addrtype="ipv6"/>
        <hostnames>
        </hostnames>
        <ports>
        <extraports state="unknown" count="10">
        <extrareasons reason="host-lost" count="10" proto="tcp" ports="81-90"/>
        </extraports>
        <port protocol="tcp" portid="80">
        <state state="open" reason="syn-ack" reason_ttl="0"/>
        <service name="http" method="table" conf="3"/>
        </port>
        </ports>
        <hostscript>
        <script id="scanner" output="verdict: host-lost"/>
        </hostscript>
        <times srtt="640" rttvar="-1" to="-1"/>
        </host>
        <runstats>
        <finished time="1795348800" timestr="Sun Nov 22 12:00:00 2026" summary="scanner done at Sun Nov 22 12:00:00 2026; 254 IP addresses (3 hosts up) scanned in 14.00 seconds" elapsed="14.00" exit="error" errormsg="INCOMPLETE: 10 ports of 2001:db8::57 not measured (host-lost: it stopped answering). INCOMPLETE: no address for gone.invalid."/>
        <hosts up="3" down="251" total="254"/>
        </runstats>
        </nmaprun>
        "#);
    }
}
