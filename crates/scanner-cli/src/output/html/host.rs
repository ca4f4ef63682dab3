//! The section of one host.

use scanner_core::{HostResult, PortResult, PortSet, PortState, Verdict};

use crate::networks::Networks;
use crate::output::record::{Role, micros};
use crate::output::sanitize::clean;
use crate::output::words;

/// Where there would be more rows than this on the page, only open ports get one.
const MOST_ROWS: usize = 5_000;
/// However many ports of one host are open, this many get a row.
const MOST_ROWS_OF_HOST: usize = 1_000;
/// A longer set of ports is folded away.
const SHORT_SET: usize = 60;
/// A set of ports is cut to this many characters.
const SHOWN_SET: usize = 400;

/// What all sections have in common.
pub(super) struct Shape {
    unfolded: bool,
    every_port: bool,
}

impl Shape {
    pub(super) fn new(hosts: &[&HostResult], unfolded: bool) -> Self {
        Self { unfolded, every_port: hosts.iter().map(|host| host.results.len()).sum::<usize>() <= MOST_ROWS }
    }
}

pub(super) struct Host {
    pub(super) id: String,
    pub(super) search: String,
    pub(super) expanded: bool,
    pub(super) ip: String,
    pub(super) names: String,
    pub(super) status: String,
    pub(super) verdict: Option<String>,
    pub(super) has_open: bool,
    pub(super) open: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) ports: Vec<Port>,
    pub(super) rest: Vec<Rest>,
}

pub(super) struct Port {
    pub(super) number: u16,
    pub(super) state: &'static str,
    pub(super) state_word: &'static str,
    pub(super) service: String,
    pub(super) rtt: String,
    pub(super) rtt_us: String,
    pub(super) reason: &'static str,
}

/// Ports without a row each.
pub(super) struct Rest {
    pub(super) state: &'static str,
    pub(super) words: String,
    pub(super) ports: String,
    pub(super) is_long: bool,
}

/// The anchor of a host on the page.
pub(super) fn id(host: &HostResult) -> String {
    format!("host-{}", host.ip.to_string().replace(['.', ':', '%'], "-"))
}

impl Host {
    pub(super) fn new(host: &HostResult, networks: &Networks, shape: &Shape) -> Self {
        let everything = host.verdict == Some(Verdict::AcceptsEverything);
        let is_shown =
            |result: &&PortResult| !everything && (result.state == PortState::Open || shape.every_port);
        let shown: Vec<&PortResult> = host.results.iter().filter(is_shown).take(MOST_ROWS_OF_HOST).collect();
        let mut listed = PortSet::EMPTY;
        for result in &shown {
            listed.insert(result.port);
        }
        let names = clean(&words::host_names(host)).into_owned();
        let open = host.ports.count(PortState::Open);
        Self {
            id: id(host),
            search: format!("{} {}", host.ip, names.to_lowercase()),
            expanded: shape.unfolded,
            ip: host.ip.to_string(),
            names,
            status: words::host_status(host),
            verdict: words::host_verdict(host),
            has_open: open > 0 && !everything,
            open: if open == 0 {
                "nothing open".into()
            } else {
                format!("{} open", words::number(open as u128))
            },
            facts: facts(host, networks),
            ports: shown.into_iter().map(Port::new).collect(),
            rest: rest(host, &listed),
        }
    }
}

impl Port {
    fn new(result: &PortResult) -> Self {
        Self {
            number: result.port,
            state: result.state.as_str(),
            state_word: words::state(result.state),
            service: clean(result.service.as_deref().unwrap_or("")).into_owned(),
            rtt: result.rtt.map(words::rtt).unwrap_or_default(),
            rtt_us: result.rtt.map(|rtt| micros(rtt).to_string()).unwrap_or_default(),
            reason: words::reason(result.reason),
        }
    }
}

fn facts(host: &HostResult, networks: &Networks) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    match Role::of(host.ip, networks) {
        Some(Role::ThisMachine) => facts.push(("is", "the machine that scanned".to_owned())),
        Some(Role::Gateway) => facts.push(("is", "its gateway".to_owned())),
        None => {}
    }
    if let Some(evidence) = host.evidence {
        facts.push(("known by", words::evidence(evidence).to_owned()));
    }
    if let Some(hardware) = words::hardware(host) {
        facts.push(("hardware address", clean(&hardware).into_owned()));
    }
    if let Some(rtt) = host.rtt {
        facts.push(("round trip", words::rtt(rtt)));
    }
    if let Some(loss) = host.loss {
        facts.push(("packets lost", format!("{:.1} %", loss * 100.0)));
    }
    if let Some(bound) = host.miss_bound {
        facts.push(("chance of a missed port", format!("at most {:.2} %", bound * 100.0)));
    }
    if host.not_asked > 0 {
        facts.push(("not asked", words::counted(host.not_asked, "port", "ports")));
    }
    facts
}

fn rest(host: &HostResult, listed: &PortSet) -> Vec<Rest> {
    let left = host.ports.iter().map(|(reason, ports)| (reason, ports.difference(listed)));
    left.filter(|(_, ports)| !ports.is_empty())
        .map(|(reason, ports)| {
            let count = words::number(ports.len() as u128);
            let mut ranges = ports.to_string().replace(',', ", ");
            let is_long = ranges.len() > SHORT_SET;
            if ranges.len() > SHOWN_SET {
                ranges.truncate(SHOWN_SET);
                ranges.push_str(" …");
            }
            let state = reason.state();
            let words = format!("{count} {} ({})", words::state(state), words::reason(reason));
            Rest { state: state.as_str(), words, ports: ranges, is_long }
        })
        .collect()
}
