//! One host of nmap's XML.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use quick_xml::events::BytesStart;
use scanner_core::{
    ForwardCheck, HostAddrError, HostResult, HostStatus, PortResult, PortSet, PortState, Reason, ReverseName,
    ServiceBasis, Target, parse_ports,
};

use super::tag::{attribute, is_tcp, number, number_if_any, text};
use super::{Done, time};
use crate::output::xml::reason;
use crate::stored::hosts::Seen;

/// The host that is being read.
#[derive(Debug)]
pub(in crate::stored) struct Host {
    pub(in crate::stored) result: HostResult,
    /// When it was finished.
    pub(super) ended: Option<SystemTime>,
    /// Whether it is the machine that scanned.
    pub(super) is_own: bool,
    /// Ports that were said to be something that a connect scan cannot find out, or not TCP.
    pub(super) left_out: u64,
    pub(super) has_addr: bool,
    /// Whether ports are not listed one by one.
    pub(super) folds: bool,
    /// The port that is open, where it is one of TCP.
    port: Option<u16>,
    /// TCP ports in a state that is none of ours.
    others: PortSet,
    /// The state of the `extraports` that are open, and how many of them were not yet said to be anything.
    extra: Option<(String, u64)>,
    /// Ports of which nmap does not say which they are: why they are what they are, and how many.
    unnamed: Vec<(Option<Reason>, u64)>,
}

impl Host {
    pub(super) fn new(tag: &BytesStart<'_>) -> Result<Self, String> {
        let nobody = Target::from(IpAddr::from(Ipv4Addr::UNSPECIFIED));
        Ok(Self {
            result: HostResult::unknown(&nobody),
            ended: time(tag, "endtime")?,
            is_own: false,
            left_out: 0,
            has_addr: false,
            folds: false,
            port: None,
            others: PortSet::EMPTY,
            extra: None,
            unnamed: Vec::new(),
        })
    }

    pub(super) fn begin(&mut self, name: &str, tag: &BytesStart<'_>) -> Done {
        match name {
            "status" => self.status(tag),
            "address" => self.address(tag),
            "hostname" => self.name(tag),
            "port" => {
                self.port = if is_tcp(tag, "protocol")? { Some(number(tag, "portid")?) } else { None };
                self.left_out += u64::from(self.port.is_none());
                Ok(())
            }
            "state" => self.state(tag),
            "service" => self.service(tag),
            "extraports" => {
                self.folds = true;
                self.extra = Some((state(tag)?, number(tag, "count")?));
                Ok(())
            }
            "extrareasons" => self.extra_reason(tag),
            "times" => {
                self.result.rtt = number_if_any(tag, "srtt")?.map(Duration::from_micros);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        match name {
            "port" => self.port = None,
            "extraports" => {
                let Some((state, left)) = self.extra.take().filter(|(_, left)| *left > 0) else { return };
                self.count(reason_of(&state, ""), left);
            }
            _ => {}
        }
    }

    fn status(&mut self, tag: &BytesStart<'_>) -> Done {
        let why = text(tag, "reason")?;
        self.result.status = match text(tag, "state")?.as_str() {
            "up" => HostStatus::Up,
            "down" => HostStatus::Down,
            _ => HostStatus::Unknown,
        };
        self.result.evidence = reason::evidence_of_word(&why);
        self.is_own = why == "localhost-response";
        Ok(())
    }

    fn address(&mut self, tag: &BytesStart<'_>) -> Done {
        let text = attribute(tag, "addr")?;
        match attribute(tag, "addrtype")?.as_deref() {
            None | Some("ipv4" | "ipv6") => {
                let text = text.ok_or("`address` has no `addr`")?;
                self.result.ip = text.parse().map_err(|error: HostAddrError| error.to_string())?;
                self.has_addr = true;
            }
            Some("mac") => {
                self.result.mac = text.and_then(|text| text.parse().ok());
                self.result.vendor = attribute(tag, "vendor")?.filter(|vendor| !vendor.is_empty());
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn name(&mut self, tag: &BytesStart<'_>) -> Done {
        match text(tag, "type")?.as_str() {
            "user" => self.result.names.extend(attribute(tag, "name")?),
            "PTR" => {
                // Whether it leads back is not in the file.
                let name = text(tag, "name")?;
                self.result.ptr = Some(ReverseName { name, forward: ForwardCheck::Unknown });
            }
            _ => {}
        }
        Ok(())
    }

    fn state(&mut self, tag: &BytesStart<'_>) -> Done {
        let Some(port) = self.port else { return Ok(()) };
        if let Some(why) = reason_of(&state(tag)?, &text(tag, "reason")?) {
            let result = PortResult::new(port, why, None, 1);
            self.result.results.push(PortResult { service: None, service_basis: None, ..result });
        } else {
            self.others.insert(port);
            self.left_out += 1;
        }
        Ok(())
    }

    fn service(&mut self, tag: &BytesStart<'_>) -> Done {
        let last = self.result.results.last_mut().filter(|result| Some(result.port) == self.port);
        let Some(result) = last else { return Ok(()) };
        result.service = attribute(tag, "name")?;
        result.service_basis = (text(tag, "method")? == "table").then_some(ServiceBasis::PortNumber);
        Ok(())
    }

    /// Ports that are not listed one by one. Versions of nmap before 7.93 only count them.
    fn extra_reason(&mut self, tag: &BytesStart<'_>) -> Done {
        let Some((state, left)) = &mut self.extra else { return Ok(()) };
        if !is_tcp(tag, "proto")? {
            return Ok(());
        }
        let why = reason_of(state, &text(tag, "reason")?);
        let Some(ports) = attribute(tag, "ports")?.filter(|ports| !ports.is_empty()) else {
            let count = number_if_any(tag, "count")?.unwrap_or(0).min(*left);
            *left -= count;
            self.count(why, count);
            return Ok(());
        };
        let ports = parse_ports(&ports).map_err(|error| format!("`ports`: {error}"))?;
        *left = left.saturating_sub(ports.len() as u64);
        if let Some(why) = why {
            self.result.ports.add(why, &ports);
        } else {
            self.others = self.others.union(&ports);
            self.left_out += ports.len() as u64;
        }
        Ok(())
    }

    fn count(&mut self, why: Option<Reason>, count: u64) {
        if count > 0 {
            self.unnamed.push((why, count));
        }
    }

    /// An old nmap only counts the ports that it does not show. Where all of them are alike, they are all the others. A port of which
    /// the file says several things has the state that it is listed with, the first if there are several.
    pub(super) fn settle(&mut self, asked: &PortSet) {
        let HostResult { ports, results, .. } = &mut self.result;
        results.sort_by_key(|result| result.port);
        results.dedup_by_key(|result| result.port);
        let mut known = results.iter().fold(self.others.clone(), |mut known, result| {
            known.insert(result.port);
            known
        });
        for (why, set) in std::mem::take(ports).iter() {
            ports.add(why, &set.difference(&known));
            known = known.union(set);
        }
        let mut listed: BTreeMap<Reason, Vec<u16>> = BTreeMap::new();
        for result in results {
            listed.entry(result.reason).or_default().push(result.port);
        }
        for (why, listed) in listed {
            ports.add(why, &listed.into_iter().collect());
        }
        if let [(Some(why), count)] = self.unnamed[..] {
            let named = ports.iter().fold(self.others.clone(), |all, (_, ports)| all.union(ports));
            let rest = asked.difference(&named);
            if rest.len() as u64 == count {
                ports.add(why, &rest);
                self.unnamed.clear();
            }
        }
        let others = self.unnamed.iter().filter(|(why, _)| why.is_none());
        self.left_out += others.map(|(_, count)| count).sum::<u64>();
    }

    /// Whether it was asked for ports and the file names every one of them, but not `asked`.
    pub(super) fn has_own_ports(&self, asked: &PortSet) -> bool {
        let named = self.result.ports.iter().map(|(_, ports)| ports.len()).sum::<usize>() + self.others.len();
        self.result.status == HostStatus::Up && self.unnamed.is_empty() && (1..asked.len()).contains(&named)
    }

    /// What another scan needs of it. What nmap could not tell is unknown.
    pub(in crate::stored) fn seen(self) -> Seen {
        let mut ports: BTreeMap<PortState, PortSet> = BTreeMap::new();
        let named = self.result.ports.iter().map(|(reason, ports)| (reason.state(), ports));
        for (state, more) in named.chain([(PortState::Unknown, &self.others)]) {
            let all = ports.entry(state).or_default();
            *all = all.union(more);
        }
        let state = |why: Option<Reason>| why.map_or(PortState::Unknown, Reason::state);
        let counted: Vec<_> = self.unnamed.iter().map(|(why, _)| state(*why)).collect();
        Seen { names: self.result.names, ports, is_whole: counted.is_empty(), counted }
    }
}

fn state(tag: &BytesStart<'_>) -> Result<String, String> {
    attribute(tag, "state")?.ok_or_else(|| "a state is missing".into())
}

/// What nmap's state and reason are to us; none where we have no such thing.
fn reason_of(state: &str, why: &str) -> Option<Reason> {
    let state = PortState::ALL.into_iter().find(|known| known.as_str() == state)?;
    let usual = match state {
        PortState::Open => Reason::Handshake,
        PortState::Closed => Reason::Refused,
        PortState::Filtered => Reason::NoReply,
        PortState::Unknown => Reason::Cancelled,
    };
    Some(reason::of_word(why).filter(|reason| reason.state() == state).unwrap_or(usual))
}
