//! The kernel's neighbour and routing tables, as far as they tell a dead neighbour from a firewall on this machine.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::control::ScanTime;

/// What the ARP table says about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    /// It never answered ARP or neighbour discovery.
    Unresolved,
    /// It is known.
    Resolved,
    /// It is not in the table: not on link, or never asked for.
    Absent,
}

/// The tables, read at most once per [`FRESH_FOR`] however many probes ask.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    tables: Mutex<Option<(ScanTime, Tables)>>,
}

/// Resolution takes seconds, so that a quarter of one does not matter.
const FRESH_FOR: Duration = Duration::from_millis(250);

impl Neighbours {
    /// Whether a target that this machine called unreachable is a neighbour that was never resolved; `None` where it is no
    /// neighbour at all. IPv6 neighbours are not listed in a file: there a target on link was the neighbour that discovery failed
    /// for, and any other has a next hop that it failed for.
    pub(crate) fn unresolved(&self, target: IpAddr, now: ScanTime) -> Option<bool> {
        match target {
            IpAddr::V4(ip) => match self.with_tables(now, |tables| tables.arp(ip)) {
                Neighbour::Unresolved => Some(true),
                Neighbour::Resolved => Some(false),
                Neighbour::Absent => None,
            },
            IpAddr::V6(ip) => {
                let routes = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
                is_on_link(&routes, ip).then_some(true)
            }
        }
    }

    /// Whether the target is an IPv4 neighbour that never answered ARP: it is on link, by a device that uses ARP, and the table
    /// does not list it as complete. The kernel drops failed entries from a crowded table, so that being absent means the same.
    pub(crate) fn never_resolved(&self, target: IpAddr, now: ScanTime) -> bool {
        let IpAddr::V4(ip) = target else { return false };
        self.with_tables(now, |tables| tables.uses_arp(ip) && tables.arp(ip) != Neighbour::Resolved)
    }

    fn with_tables<T>(&self, now: ScanTime, ask: impl FnOnce(&Tables) -> T) -> T {
        // A panic of another holder leaves a table that is as good as any.
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = tables.take().filter(|(read, _)| now.since(*read) < FRESH_FOR);
        let (_, tables) = tables.insert(fresh.unwrap_or_else(|| (now, Tables::read())));
        ask(tables)
    }
}

/// The IPv4 tables at one moment.
#[derive(Debug, Default)]
struct Tables {
    /// Whether an entry is complete.
    arp: BTreeMap<Ipv4Addr, bool>,
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    destination: u32,
    mask: u32,
    /// Without a next hop, and by a device that resolves neighbours.
    resolves: bool,
}

impl Tables {
    fn read() -> Self {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            arp: parse_arp(&file("/proc/net/arp")),
            routes: parse_routes(&file("/proc/net/route"), device_uses_arp),
        }
    }

    fn arp(&self, ip: Ipv4Addr) -> Neighbour {
        match self.arp.get(&ip) {
            Some(true) => Neighbour::Resolved,
            Some(false) => Neighbour::Unresolved,
            None => Neighbour::Absent,
        }
    }

    /// Whether the longest prefix that matches leads to a neighbour by ARP.
    fn uses_arp(&self, ip: Ipv4Addr) -> bool {
        let matching =
            self.routes.iter().filter(|route| (u32::from(ip) ^ route.destination) & route.mask == 0);
        matching.max_by_key(|route| route.mask).is_some_and(|route| route.resolves)
    }
}

/// Lines of `/proc/net/arp`: address, hardware type, flags (0x2 is "complete"), hardware address, mask, device. An address may be
/// listed for several devices.
fn parse_arp(table: &str) -> BTreeMap<Ipv4Addr, bool> {
    let mut arp = BTreeMap::new();
    for line in table.lines().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let Some(ip) = fields.next().and_then(|field| field.parse::<Ipv4Addr>().ok()) else { continue };
        let flags =
            fields.nth(1).and_then(|field| u32::from_str_radix(field.trim_start_matches("0x"), 16).ok());
        *arp.entry(ip).or_default() |= flags.is_some_and(|flags| flags != 0);
    }
    arp
}

/// Lines of `/proc/net/route`: device, then destination and next hop as hexadecimal in the byte order of memory, flags, three
/// counters, mask.
fn parse_routes(routes: &str, uses_arp: impl Fn(&str) -> bool) -> Vec<Route> {
    let mut devices = BTreeMap::new();
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [device, destination, next_hop, _, _, _, _, mask, ..] = fields.as_slice() else { return None };
        let address =
            |text| u32::from_str_radix(text, 16).ok().map(|raw| u32::from_be_bytes(raw.to_ne_bytes()));
        let direct = address(next_hop)? == 0;
        let resolves = direct && *devices.entry((*device).to_owned()).or_insert_with(|| uses_arp(device));
        Some(Route { destination: address(destination)?, mask: address(mask)?, resolves })
    };
    routes.lines().skip(1).filter_map(route).collect()
}

/// Point-to-point devices such as tunnels have no neighbours to resolve.
fn device_uses_arp(device: &str) -> bool {
    let flags = std::fs::read_to_string(format!("/sys/class/net/{device}/flags")).unwrap_or_default();
    let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16);
    flags.is_ok_and(|flags| flags & IFF_NOARP == 0)
}

/// The kernel's flag of a device without ARP (`linux/if.h`).
const IFF_NOARP: u32 = 0x80;

/// Lines of `/proc/net/ipv6_route`, all in hexadecimal: destination, its prefix length, source, its prefix length, next hop,
/// metric, two counters, flags, and the device by name. The longest prefix counts, then the smallest metric.
fn is_on_link(routes: &str, ip: Ipv6Addr) -> bool {
    let best = routes.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [destination, prefix, _, _, next_hop, metric, _, _, flags, device] = fields.as_slice() else {
            return None;
        };
        let address = |text| u128::from_str_radix(text, 16).ok();
        let number = |text| u32::from_str_radix(text, 16).ok();
        let prefix = number(prefix)?;
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix)?).unwrap_or(0);
        let matches = (u128::from(ip) ^ address(destination)?) & mask == 0;
        let usable = number(flags)? & RTF_REJECT == 0 && *device != "lo";
        let rank = (prefix, std::cmp::Reverse(number(metric)?));
        (matches && usable).then_some((rank, address(next_hop)? == 0))
    });
    best.max_by_key(|(rank, _)| *rank).is_some_and(|(_, on_link)| on_link)
}

/// The kernel's flag of a route that refuses (`linux/route.h`).
const RTF_REJECT: u32 = 0x0200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_flags() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     10.9.0.9         0x1         0x0         00:00:00:00:00:00     *        v0\n\
                     10.9.0.2         0x1         0x2         02:00:00:00:00:02     *        v0\n\
                     10.9.0.2         0x1         0x0         00:00:00:00:00:00     *        v1\n";
        let tables = Tables { arp: parse_arp(table), routes: Vec::new() };
        for (ip, state) in [
            ([10, 9, 0, 9], Neighbour::Unresolved),
            ([10, 9, 0, 2], Neighbour::Resolved),
            ([10, 9, 0, 3], Neighbour::Absent),
        ] {
            assert_eq!(tables.arp(Ipv4Addr::from(ip)), state);
        }
    }

    #[test]
    fn neighbours_are_where_the_longest_prefix_has_no_next_hop_and_the_device_uses_arp() {
        let hex = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let route = |device: &str, to: [u8; 4], via: [u8; 4], mask: [u8; 4]| {
            format!("{device}\t{}\t{}\t0001\t0\t0\t0\t{}\t0\t0\t0\n", hex(to), hex(via), hex(mask))
        };
        let routes = [
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n".to_owned(),
            route("v0", [0, 0, 0, 0], [10, 9, 0, 1], [0, 0, 0, 0]),
            route("v0", [10, 9, 0, 0], [0, 0, 0, 0], [255, 255, 255, 0]),
            route("v1", [10, 9, 0, 128], [10, 9, 0, 2], [255, 255, 255, 128]),
            route("tun0", [10, 8, 0, 0], [0, 0, 0, 0], [255, 255, 255, 0]),
        ]
        .concat();
        let tables =
            Tables { arp: BTreeMap::new(), routes: parse_routes(&routes, |device| device != "tun0") };
        for (ip, uses_arp) in
            [([10, 9, 0, 7], true), ([10, 9, 0, 200], false), ([10, 8, 0, 1], false), ([192, 0, 2, 1], false)]
        {
            assert_eq!(tables.uses_arp(Ipv4Addr::from(ip)), uses_arp, "{ip:?}");
        }
        assert!(!Tables::default().uses_arp(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn on_link_is_what_has_no_next_hop() {
        let zero = "00000000000000000000000000000000";
        let routes = format!(
            "fd070000000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001       v0\n\
             fd5b0000000000000000000000000000 40 {zero} 00 fd070000000000000000000000000077 00000400 00000001 00000000 00000003       v0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        );
        for (ip, on_link) in [("fd07::77", true), ("fd5b::1", false), ("2001:db8::1", false)] {
            assert_eq!(is_on_link(&routes, ip.parse().unwrap()), on_link, "{ip}");
        }
        assert!(!is_on_link("", Ipv6Addr::LOCALHOST));
    }
}
