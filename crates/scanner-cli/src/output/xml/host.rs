//! One host of nmap's XML.

use std::io;
use std::net::IpAddr;
use std::time::SystemTime;

use scanner_core::{HostResult, HostStatus, PortResult, PortSet, PortState, Reason, Verdict};

use super::{Elements, reason};
use crate::clock;
use crate::networks::Networks;
use crate::output::record::micros;
use crate::output::words;

/// nmap's confidence, of 10, in a name that it read from a table.
const CONFIDENCE_OF_TABLE: &str = "3";

pub(super) fn write(
    host: &HostResult,
    at: SystemTime,
    networks: &Networks,
    xml: &mut Elements<'_>,
) -> io::Result<()> {
    let (end, comment) = (clock::unix_seconds(at).to_string(), comment(host));
    let attributes = [("endtime", end.as_str()), ("comment", comment.as_str())];
    xml.open("host", if comment.is_empty() { &attributes[..1] } else { &attributes })?;
    let status =
        [("state", host.status.as_str()), ("reason", status_reason(host, networks)), ("reason_ttl", "0")];
    xml.empty("status", &status)?;
    let family = match host.ip.ip() {
        IpAddr::V4(_) => "ipv4",
        IpAddr::V6(_) => "ipv6",
    };
    xml.empty("address", &[("addr", &host.ip.to_string()), ("addrtype", family)])?;
    if let Some(mac) = host.mac {
        let mac = mac.to_string().to_uppercase();
        let vendor = host.vendor.as_deref().unwrap_or_default();
        let attributes = [("addr", mac.as_str()), ("addrtype", "mac"), ("vendor", vendor)];
        xml.empty("address", if vendor.is_empty() { &attributes[..2] } else { &attributes })?;
    }
    xml.open("hostnames", &[])?;
    for name in &host.names {
        xml.empty("hostname", &[("name", name), ("type", "user")])?;
    }
    if let Some(ptr) = &host.ptr {
        xml.empty("hostname", &[("name", &ptr.name), ("type", "PTR")])?;
    }
    xml.close("hostnames")?;
    write_ports(host, xml)?;
    write_verdict(host, xml)?;
    if let Some(rtt) = host.rtt {
        // The format asks for all three; we measure the first.
        xml.empty("times", &[("srtt", &micros(rtt).to_string()), ("rttvar", "-1"), ("to", "-1")])?;
    }
    xml.close("host")
}

fn write_ports(host: &HostResult, xml: &mut Elements<'_>) -> io::Result<()> {
    // What answers on every port has no services to list.
    let listed = |result: &&PortResult| {
        !(host.verdict == Some(Verdict::AcceptsEverything) && result.state == PortState::Open)
    };
    let results: Vec<&PortResult> = host.results.iter().filter(listed).collect();
    let mut shown = PortSet::EMPTY;
    for result in &results {
        shown.insert(result.port);
    }
    xml.open("ports", &[])?;
    for state in PortState::ALL {
        write_rest(host, state, &shown, xml)?;
    }
    for result in results {
        xml.open("port", &[("protocol", "tcp"), ("portid", &result.port.to_string())])?;
        let state =
            [("state", result.state.as_str()), ("reason", reason::word(result.reason)), ("reason_ttl", "0")];
        xml.empty("state", &state)?;
        if let Some(service) = &result.service {
            xml.empty("service", &[("name", service), ("method", "table"), ("conf", CONFIDENCE_OF_TABLE)])?;
        }
        xml.close("port")?;
    }
    xml.close("ports")
}

/// The ports of a state that are not shown one by one.
fn write_rest(
    host: &HostResult,
    state: PortState,
    shown: &PortSet,
    xml: &mut Elements<'_>,
) -> io::Result<()> {
    let of_state = host.ports.iter().filter(|(reason, _)| reason.state() == state);
    let rest: Vec<(Reason, PortSet)> = of_state
        .map(|(reason, ports)| (reason, ports.difference(shown)))
        .filter(|(_, ports)| !ports.is_empty())
        .collect();
    if rest.is_empty() {
        return Ok(());
    }
    let count: usize = rest.iter().map(|(_, ports)| ports.len()).sum();
    xml.open("extraports", &[("state", state.as_str()), ("count", &count.to_string())])?;
    for (why, ports) in rest {
        let (count, ranges) = (ports.len().to_string(), ports.to_string());
        xml.empty(
            "extrareasons",
            &[("reason", reason::word(why)), ("count", &count), ("proto", "tcp"), ("ports", &ranges)],
        )?;
    }
    xml.close("extraports")
}

/// What a host does as a whole is worth a difference to those who compare files; numbers that are never twice the same are not.
fn write_verdict(host: &HostResult, xml: &mut Elements<'_>) -> io::Result<()> {
    let Some(verdict) = host.verdict else { return Ok(()) };
    xml.open("hostscript", &[])?;
    xml.empty("script", &[("id", "scanner"), ("output", &format!("verdict: {verdict}"))])?;
    xml.close("hostscript")
}

/// What nmap's format has no place for, for who reads the file itself.
fn comment(host: &HostResult) -> String {
    let mut parts = Vec::new();
    if let Some(since) = host.lost_since {
        parts.push(format!("last answer after {}", words::duration(since)));
    }
    if let Some(loss) = host.loss {
        parts.push(format!("packets lost: {:.1} %", loss * 100.0));
    }
    if let Some(bound) = host.miss_bound {
        parts.push(format!("chance of a missed port: at most {:.2} %", bound * 100.0));
    }
    if host.not_asked > 0 {
        parts.push(format!("not asked: {}", words::counted(host.not_asked, "port", "ports")));
    }
    parts.join("; ")
}

fn status_reason(host: &HostResult, networks: &Networks) -> &'static str {
    match (host.status, host.evidence) {
        (HostStatus::Up, _) if networks.is_own(host.ip) => "localhost-response",
        (_, Some(evidence)) => reason::word_of_evidence(evidence, host.ip),
        (_, None) => "no-response",
    }
}
