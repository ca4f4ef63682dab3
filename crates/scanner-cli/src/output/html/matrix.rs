//! The table of hosts by ports.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use scanner_core::{ForwardCheck, HostResult, PortState, Verdict, get_service_name};

use super::host::id;
use crate::output::sanitize::clean;
use crate::output::words;

/// A table of more cells than this is slow on a telephone.
const MOST_CELLS: usize = 20_000;
/// However many hosts there are, this many ports are shown, and never more than that.
const LEAST_COLUMNS: usize = 8;
const MOST_COLUMNS: usize = 40;

/// Hosts with an open port, by the ports that are open somewhere.
pub(super) struct Matrix {
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Column {
    pub(super) port: u16,
    pub(super) service: &'static str,
}

pub(super) struct Row {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) cells: Vec<&'static str>,
}

impl Matrix {
    /// None where no host has an open port.
    pub(super) fn new(hosts: &[&HostResult]) -> Option<Self> {
        let real = |host: &&&HostResult| host.verdict != Some(Verdict::AcceptsEverything);
        let hosts: Vec<_> = hosts.iter().filter(real).filter(|host| host.open().next().is_some()).collect();
        let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
        for result in hosts.iter().flat_map(|host| host.open()) {
            *counts.entry(result.port).or_default() += 1;
        }
        let most = (MOST_CELLS / hosts.len().max(1)).clamp(LEAST_COLUMNS, MOST_COLUMNS);
        let mut ports: Vec<(u16, usize)> = counts.into_iter().collect();
        let all = ports.len();
        // The sort is stable: of equally frequent ports the lower ones stay.
        ports.sort_by_key(|(_, count)| Reverse(*count));
        ports.truncate(most);
        ports.sort_unstable();
        let count = |n: usize| words::number(n as u128);
        let caption = if all > most {
            format!(
                "{} hosts by the {} most frequent of {} open ports",
                count(hosts.len()),
                count(most),
                count(all)
            )
        } else {
            let number = |n, one, many| words::counted(n as u128, one, many);
            format!("{} by {}", number(hosts.len(), "host", "hosts"), number(all, "open port", "open ports"))
        };
        let row = |host: &&&HostResult| Row {
            id: id(host),
            label: label(host),
            cells: ports.iter().map(|(port, _)| cell(host, *port)).collect(),
        };
        let columns =
            ports.iter().map(|&(port, _)| Column { port, service: get_service_name(port).unwrap_or("") });
        (!hosts.is_empty()).then(|| Self {
            caption,
            columns: columns.collect(),
            rows: hosts.iter().map(row).collect(),
        })
    }
}

/// The name that was typed, or the address's own where it leads back to it.
fn label(host: &HostResult) -> String {
    let own = host.ptr.as_ref().filter(|ptr| ptr.forward == ForwardCheck::Agrees).map(|ptr| &ptr.name);
    host.names.first().or(own).map_or_else(|| host.ip.to_string(), |name| clean(name).into_owned())
}

/// The whole cell: there may be thousands. The word is for those who hear the page; the others see a sign in its place.
fn cell(host: &HostResult, port: u16) -> &'static str {
    match host.state_of(port) {
        Some((PortState::Open, _)) => "<td class=o>open</td>",
        Some((PortState::Closed, _)) => "<td class=c>closed</td>",
        Some((PortState::Filtered, _)) => "<td class=f>filtered</td>",
        Some((PortState::Unknown, _)) => "<td class=u>not measured</td>",
        None => "<td>not asked</td>",
    }
}
