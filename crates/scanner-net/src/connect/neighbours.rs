//! The kernel's neighbour table, as far as it tells a dead neighbour from a firewall on this machine.

use std::net::{IpAddr, Ipv4Addr};

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

/// Looks an address up. IPv6 neighbours are not listed in a file; there the ICMPv6 code alone tells, and address-unreachable
/// from this machine is what failed neighbour discovery sends.
pub(crate) fn look_up(target: IpAddr) -> Neighbour {
    match target {
        IpAddr::V4(ip) => {
            std::fs::read_to_string("/proc/net/arp").map_or(Neighbour::Absent, |table| find(&table, ip))
        }
        IpAddr::V6(_) => Neighbour::Unresolved,
    }
}

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
}
