//! The routes of this machine, as far as they say which addresses are on link.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::net::if_::InterfaceFlags;

use crate::control::{Links, Route};

/// Devices that resolve nobody: point-to-point ones such as tunnels, and the one to this machine itself.
const WITHOUT_NEIGHBOURS: InterfaceFlags = InterfaceFlags::IFF_NOARP.union(InterfaceFlags::IFF_LOOPBACK);
/// The kernel's flags of a route that refuses, and of one to this machine itself (`linux/route.h`, `linux/ipv6_route.h`).
const RTF_REJECT: u32 = 0x0200;
const RTF_LOCAL: u32 = 0x8000_0000;

/// A route and its metric: of two for the same network the smaller one counts.
type Ranked = (Route, u32);

/// What the kernel lists, with this machine's own addresses on top: nobody resolves those.
pub(super) fn links() -> Links {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (mut routes, mut resolving) = (Vec::new(), BTreeSet::new());
    for interface in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        routes.extend(interface.address.and_then(own_address).map(|ip| (this_machine(ip), 0)));
        if !interface.flags.intersects(WITHOUT_NEIGHBOURS) {
            resolving.insert(interface.interface_name);
        }
    }
    routes.extend(parse_v4(&file("/proc/net/route"), |device| resolving.contains(device)));
    routes.extend(parse_v6(&file("/proc/net/ipv6_route"), |device| resolving.contains(device)));
    sorted(routes)
}

fn own_address(address: nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))
}

const fn this_machine(ip: IpAddr) -> Route {
    let prefix = if ip.is_ipv4() { 32 } else { 128 };
    Route { network: ip, prefix, resolves: false }
}

fn sorted(mut routes: Vec<Ranked>) -> Links {
    routes.sort_by_key(|(route, metric)| (Reverse(route.prefix), *metric));
    Links(routes.into_iter().map(|(route, _)| route).collect())
}

/// Lines of `/proc/net/route`: device, then destination and next hop as hexadecimal in the byte order of memory, flags, two
/// counters, metric, mask.
fn parse_v4(routes: &str, resolves: impl Fn(&str) -> bool) -> Vec<Ranked> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [device, destination, next_hop, flags, _, _, metric, mask, ..] = fields.as_slice() else {
            return None;
        };
        let hex = |text| u32::from_str_radix(text, 16).ok();
        let address = |text| hex(text).map(|raw| u32::from_be_bytes(raw.to_ne_bytes()));
        let direct = address(next_hop)? == 0 && hex(flags)? & RTF_REJECT == 0;
        let network = Ipv4Addr::from_bits(address(destination)?).into();
        let prefix = u8::try_from(address(mask)?.leading_ones()).ok()?;
        let resolves = direct && resolves(device);
        Some((Route { network, prefix, resolves }, metric.parse().ok()?))
    };
    routes.lines().skip(1).filter_map(route).collect()
}

/// Lines of `/proc/net/ipv6_route`, all in hexadecimal: destination, its prefix length, source, its prefix length, next hop,
/// metric, two counters, flags, and the device by name.
fn parse_v6(routes: &str, resolves: impl Fn(&str) -> bool) -> Vec<Ranked> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [destination, prefix, _, _, next_hop, metric, _, _, flags, device] = fields.as_slice() else {
            return None;
        };
        let address = |text| u128::from_str_radix(text, 16).ok();
        let number = |text| u32::from_str_radix(text, 16).ok();
        let network: IpAddr = Ipv6Addr::from_bits(address(destination)?).into();
        let prefix = number(prefix)?.try_into().ok()?;
        let direct = address(next_hop)? == 0 && number(flags)? & (RTF_REJECT | RTF_LOCAL) == 0;
        let resolves = direct && resolves(device);
        Some((Route { network, prefix, resolves }, number(metric)?))
    };
    routes.lines().filter_map(route).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_on_link(routes: Vec<Ranked>, addr: &str) -> bool {
        sorted(routes).is_on_link(addr.parse().unwrap())
    }

    #[test]
    fn neighbours_are_where_the_longest_prefix_has_no_next_hop_and_the_device_uses_arp() {
        let hex = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let route = |device: &str, to: [u8; 4], via: [u8; 4], (metric, mask): (u8, [u8; 4])| {
            format!("{device}\t{}\t{}\t0001\t0\t0\t{metric}\t{}\t0\t0\t0\n", hex(to), hex(via), hex(mask))
        };
        let routes = [
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n".to_owned(),
            route("v0", [0, 0, 0, 0], [10, 9, 0, 1], (0, [0, 0, 0, 0])),
            route("v0", [10, 9, 0, 0], [0, 0, 0, 0], (0, [255, 255, 255, 0])),
            route("v1", [10, 9, 0, 128], [10, 9, 0, 2], (0, [255, 255, 255, 128])),
            route("v1", [10, 7, 0, 0], [10, 9, 0, 2], (9, [255, 255, 255, 0])),
            route("v0", [10, 7, 0, 0], [0, 0, 0, 0], (2, [255, 255, 255, 0])),
            route("tun0", [10, 8, 0, 0], [0, 0, 0, 0], (0, [255, 255, 255, 0])),
        ]
        .concat();
        for (addr, on_link) in [
            ("10.9.0.7", true),
            ("10.9.0.200", false),
            ("10.7.0.1", true),
            ("10.8.0.1", false),
            ("192.0.2.1", false),
        ] {
            let routes = parse_v4(&routes, |device| device != "tun0");
            assert_eq!(is_on_link(routes, addr), on_link, "{addr}");
        }
        assert!(!is_on_link(Vec::new(), "127.0.0.1"));
    }

    #[test]
    fn on_link_is_what_has_no_next_hop_and_is_not_this_machine() {
        let zero = "00000000000000000000000000000000";
        let routes = format!(
            "fd070000000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001       v0\n\
             fd070000000000000000000000000001 80 {zero} 00 {zero} 00000000 00000001 00000000 80200001       v0\n\
             fd5b0000000000000000000000000000 40 {zero} 00 fd070000000000000000000000000077 00000400 00000001 00000000 00000003       v0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        );
        for (addr, on_link) in
            [("fd07::77", true), ("fd07::1", false), ("fd5b::1", false), ("2001:db8::1", false)]
        {
            assert_eq!(is_on_link(parse_v6(&routes, |device| device != "lo"), addr), on_link, "{addr}");
        }
        assert!(!is_on_link(parse_v6("", |_| true), "::1"));
    }
}
