//! The kernel's neighbour and routing tables: who is on link, who answers there, and how full the table is.

mod routes;
mod rtnetlink;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use scanner_core::HostAddr;

use crate::control::{Links, NeighbourState, Reading, ScanTime};

/// Reads the tables, the routes among them at most once per [`ROUTES_FRESH_FOR`]: there may be very many.
#[derive(Debug, Default)]
pub(crate) struct NeighbourTable {
    links: Option<(ScanTime, Links)>,
    limit: Option<u32>,
}

const ROUTES_FRESH_FOR: Duration = Duration::from_secs(5);

impl NeighbourTable {
    /// The tables as they are now. Where the kernel does not tell, nothing is on link.
    pub(crate) fn read(&mut self, now: ScanTime) -> Reading {
        let Ok(neighbours) = rtnetlink::neighbours() else { return Reading::default() };
        let fresh = self.links.take().filter(|(read, _)| now.since(*read) < ROUTES_FRESH_FOR);
        let (_, links) = self.links.insert(fresh.unwrap_or_else(|| (now, routes::links())));
        Reading {
            links: links.clone(),
            neighbours,
            limit: *self.limit.get_or_insert_with(most_unresolved),
            times_full: ["arp_cache", "ndisc_cache"].into_iter().map(times_full).sum(),
        }
    }
}

/// The same for connectors, read at most once per [`FRESH_FOR`] however many probes ask.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    table: Mutex<(NeighbourTable, Option<(ScanTime, Reading)>)>,
}

/// Resolution takes seconds, so that a quarter of one does not matter.
const FRESH_FOR: Duration = Duration::from_millis(250);

impl Neighbours {
    /// Whether a target that this machine called unreachable is a neighbour that was never resolved; `None` where it is no
    /// neighbour at all: its next hop did not answer.
    pub(crate) fn unresolved(&self, target: IpAddr, now: ScanTime) -> Option<bool> {
        self.with_reading(now, |reading| match state(reading, target) {
            Some(state) => Some(!is_known(state)),
            // The kernel drops failed entries from a crowded table.
            None => is_on_link(reading, target).then_some(true),
        })
    }

    /// Whether the target is a neighbour that never answered: it is on link, and the table does not list it as known. The kernel
    /// drops failed entries from a crowded table, so that being absent means the same.
    pub(crate) fn never_resolved(&self, target: IpAddr, now: ScanTime) -> bool {
        self.with_reading(now, |reading| {
            is_on_link(reading, target) && !state(reading, target).is_some_and(is_known)
        })
    }

    fn with_reading<T>(&self, now: ScanTime, ask: impl FnOnce(&Reading) -> T) -> T {
        // A panic of another holder leaves a table that is as good as any.
        let mut guard = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let (table, reading) = &mut *guard;
        let fresh = reading.take().filter(|(read, _)| now.since(*read) < FRESH_FOR);
        let (_, reading) = reading.insert(fresh.unwrap_or_else(|| (now, table.read(now))));
        ask(reading)
    }
}

/// Connectors know addresses without their scope.
fn state(reading: &Reading, target: IpAddr) -> Option<NeighbourState> {
    let neighbours = &reading.neighbours;
    let found = neighbours.get(&HostAddr::from(target));
    let found = found.or_else(|| {
        let mut scoped = neighbours.iter().filter(|_| is_link_local(target));
        scoped.find(|(addr, _)| addr.ip() == target).map(|(_, neighbour)| neighbour)
    });
    found.map(|neighbour| neighbour.state)
}

fn is_on_link(reading: &Reading, target: IpAddr) -> bool {
    is_link_local(target) || reading.links.is_on_link(target.into())
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

const fn is_known(state: NeighbourState) -> bool {
    match state {
        NeighbourState::Confirmed | NeighbourState::Stale | NeighbourState::Fixed => true,
        NeighbourState::Asked | NeighbourState::Failed => false,
    }
}

/// How many neighbours without an answer the table should hold at most: it is shared with all programs of the machine, and from
/// `gc_thresh2` entries on the kernel throws out what it can. Where the thresholds cannot be read, as in most containers, the
/// kernel's defaults hold, 512 and 1,024.
fn most_unresolved() -> u32 {
    let threshold = |family: &str, number: u8, default: u32| {
        let path = format!("/proc/sys/net/{family}/neigh/default/gc_thresh{number}");
        std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(default)
    };
    let most = |family| threshold(family, 2, 512).min(threshold(family, 3, 1_024) / 2);
    most("ipv4").min(most("ipv6")).max(1)
}

/// How often a table was full since the machine started. The counters are shown in the machine's own network namespace only.
fn times_full(table: &str) -> u64 {
    let files = [format!("/proc/net/stat/{table}"), format!("/proc/1/net/stat/{table}")];
    let text = files.iter().find_map(|path| std::fs::read_to_string(path).ok());
    text.map_or(0, |text| column_sum(&text, "table_fulls"))
}

/// The sum of a column over all processors, in hexadecimal below a line of names.
fn column_sum(text: &str, column: &str) -> u64 {
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default();
    let Some(at) = names.split_whitespace().position(|name| name == column) else { return 0 };
    let values = lines.filter_map(|line| u64::from_str_radix(line.split_whitespace().nth(at)?, 16).ok());
    values.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_its_name_and_summed_over_processors() {
        let text = "entries  allocs   unresolved_discards table_fulls\n\
                    00000007 00002e8a 00004ca5            000002da\n\
                    00000007 000040dc 00006d41            00000206\n";
        assert_eq!(column_sum(text, "table_fulls"), 0x2da + 0x206);
        assert_eq!(column_sum(text, "nothing"), 0);
        assert_eq!(column_sum("", "table_fulls"), 0);
    }

    #[test]
    fn the_kernel_tells() {
        let reading = NeighbourTable::default().read(ScanTime::ZERO);
        assert!(reading.limit > 0);
        assert!(!reading.links.is_on_link("127.0.0.1".parse().unwrap()));
    }
}
