//! The kernel's neighbour table, as far as it tells a dead neighbour from a firewall on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the table says about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbour {
    /// It never answered ARP or neighbour discovery.
    Unresolved,
    /// It is known.
    Resolved,
    /// It is not in the table: not on link, or never asked for.
    Absent,
}

/// Looks an address up that this machine called unreachable. IPv6 neighbours are not listed in a file: there a target on link
/// was the neighbour that discovery failed for, and any other has a next hop that it failed for.
pub(crate) fn look_up(target: IpAddr) -> Neighbour {
    match target {
        IpAddr::V4(ip) => {
            std::fs::read_to_string("/proc/net/arp").map_or(Neighbour::Absent, |table| find(&table, ip))
        }
        IpAddr::V6(ip) => {
            let routes = std::fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
            if is_on_link(&routes, ip) { Neighbour::Unresolved } else { Neighbour::Absent }
        }
    }
}

/// Whether the target is an IPv4 neighbour that never answered ARP: it is on link, by a device that uses ARP, and the table does
/// not list it as complete. The kernel drops failed entries from a crowded table, so that being absent means the same.
pub(crate) fn never_resolved(target: IpAddr) -> bool {
    let IpAddr::V4(ip) = target else { return false };
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    device_on_link(&routes, ip).is_some_and(uses_arp) && look_up(target) != Neighbour::Resolved
}

/// Lines of `/proc/net/route`: device, then destination and next hop as hexadecimal in the byte order of memory, flags, three
/// counters, mask. The device of the longest prefix that matches, if it has no next hop.
fn device_on_link(routes: &str, ip: Ipv4Addr) -> Option<&str> {
    let best = routes.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [device, destination, next_hop, _, _, _, _, mask, ..] = fields.as_slice() else { return None };
        let address =
            |text| u32::from_str_radix(text, 16).ok().map(|raw| u32::from_be_bytes(raw.to_ne_bytes()));
        let (mask, next_hop) = (address(mask)?, address(next_hop)?);
        let matches = (u32::from(ip) ^ address(destination)?) & mask == 0;
        matches.then_some((mask, next_hop == 0, *device))
    });
    best.max_by_key(|(mask, _, _)| *mask).filter(|(_, on_link, _)| *on_link).map(|(_, _, device)| device)
}

/// Point-to-point devices such as tunnels have no neighbours to resolve.
fn uses_arp(device: &str) -> bool {
    let flags = std::fs::read_to_string(format!("/sys/class/net/{device}/flags")).unwrap_or_default();
    let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16);
    flags.is_ok_and(|flags| flags & IFF_NOARP == 0)
}

/// The kernel's flag of a device without ARP (`linux/if.h`).
const IFF_NOARP: u32 = 0x80;

/// Lines of `/proc/net/arp`: address, hardware type, flags (0x2 is "complete"), hardware address, mask, device.
fn find(table: &str, ip: Ipv4Addr) -> Neighbour {
    let mut found = Neighbour::Absent;
    for line in table.lines().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let matches = fields.next().and_then(|field| field.parse().ok()) == Some(ip);
        let flags =
            fields.nth(1).and_then(|field| u32::from_str_radix(field.trim_start_matches("0x"), 16).ok());
        match flags {
            Some(0) if matches => found = Neighbour::Unresolved,
            Some(_) if matches => return Neighbour::Resolved,
            Some(_) | None => {}
        }
    }
    found
}

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
                     10.9.0.2         0x1         0x2         02:00:00:00:00:02     *        v0\n";
        for (ip, state) in [
            ([10, 9, 0, 9], Neighbour::Unresolved),
            ([10, 9, 0, 2], Neighbour::Resolved),
            ([10, 9, 0, 3], Neighbour::Absent),
        ] {
            assert_eq!(find(table, Ipv4Addr::from(ip)), state);
        }
        assert_eq!(find("", Ipv4Addr::LOCALHOST), Neighbour::Absent);
    }

    #[test]
    fn the_device_on_link_is_that_of_the_longest_prefix_without_a_next_hop() {
        // As on a little-endian machine: 10.9.0.0/24 on link, 10.9.0.128/25 behind 10.9.0.2, the rest behind 10.9.0.1.
        let hex = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let route = |device: &str, to: [u8; 4], via: [u8; 4], mask: [u8; 4]| {
            format!("{device}\t{}\t{}\t0001\t0\t0\t0\t{}\t0\t0\t0\n", hex(to), hex(via), hex(mask))
        };
        let routes = [
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n".to_owned(),
            route("v0", [0, 0, 0, 0], [10, 9, 0, 1], [0, 0, 0, 0]),
            route("v0", [10, 9, 0, 0], [0, 0, 0, 0], [255, 255, 255, 0]),
            route("v1", [10, 9, 0, 128], [10, 9, 0, 2], [255, 255, 255, 128]),
        ]
        .concat();
        for (ip, device) in [([10, 9, 0, 7], Some("v0")), ([10, 9, 0, 200], None), ([192, 0, 2, 1], None)] {
            assert_eq!(device_on_link(&routes, Ipv4Addr::from(ip)), device, "{ip:?}");
        }
        assert_eq!(device_on_link("", Ipv4Addr::LOCALHOST), None);
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
