//! The networks of this machine: its addresses, its directed broadcasts, its gateway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use if_addrs::IfAddr;
use scanner_core::HostAddr;

/// Where Linux lists its IPv4 routes.
const ROUTES: &str = "/proc/net/route";
/// `RTF_GATEWAY` of `linux/route.h`: the route leads through a gateway.
const ROUTE_HAS_GATEWAY: u32 = 0x2;

/// One address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    /// Its name.
    pub(crate) name: String,
    /// Its index, which is the scope of link-local addresses.
    pub(crate) index: Option<u32>,
    /// The address.
    pub(crate) ip: IpAddr,
    /// How many bits of it are the network's.
    pub(crate) prefix: u8,
    /// Whether the link is there.
    pub(crate) is_up: bool,
    /// Whether there is one other host at the end of the link.
    pub(crate) is_point_to_point: bool,
}

impl Interface {
    /// The scope of addresses in its network: that of link-local ones, which are the same on every interface.
    pub(crate) fn scope(&self) -> u32 {
        match self.ip {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => self.index.unwrap_or_default(),
            IpAddr::V4(_) | IpAddr::V6(_) => 0,
        }
    }
}

/// What this machine knows about its own networks; empty where the system does not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Networks {
    /// Every address of every interface.
    pub(crate) interfaces: Vec<Interface>,
    /// The next hops of the default routes.
    pub(crate) gateways: Vec<IpAddr>,
}

impl Networks {
    /// Asks the system.
    pub(crate) fn read() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let routes = std::fs::read_to_string(ROUTES).unwrap_or_default();
        Self {
            interfaces: interfaces.into_iter().map(Interface::from).collect(),
            gateways: default_gateways(&routes),
        }
    }

    /// Whether the address is one of this machine's own.
    pub(crate) fn is_own(&self, addr: HostAddr) -> bool {
        addr.ip().is_loopback() || self.interfaces.iter().any(|own| own.ip == addr.ip())
    }

    /// Whether the address is the next hop of a default route.
    pub(crate) fn is_gateway(&self, addr: HostAddr) -> bool {
        self.gateways.contains(&addr.ip())
    }

    /// The index of the interface called `name`.
    pub(crate) fn index_of(&self, name: &str) -> Option<u32> {
        self.interfaces.iter().find(|interface| interface.name == name)?.index
    }

    /// The IPv4 networks with a directed broadcast address.
    pub(crate) fn with_broadcast(&self) -> Vec<(Ipv4Addr, u8)> {
        self.interfaces
            .iter()
            .filter(|interface| interface.prefix <= 30)
            .filter_map(|interface| match interface.ip {
                IpAddr::V4(ip) => Some((ip, interface.prefix)),
                IpAddr::V6(_) => None,
            })
            .collect()
    }
}

impl From<if_addrs::Interface> for Interface {
    fn from(from: if_addrs::Interface) -> Self {
        let prefix = match &from.addr {
            IfAddr::V4(v4) => v4.prefixlen,
            IfAddr::V6(v6) => v6.prefixlen,
        };
        Self {
            ip: from.ip(),
            is_up: from.is_oper_up(),
            is_point_to_point: from.is_p2p,
            name: from.name,
            index: from.index,
            prefix,
        }
    }
}

/// The first address of the network with `ip` in it.
pub(crate) fn network_of(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & !host_bits_v4(prefix)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !host_bits_v6(prefix)).into(),
    }
}

/// The last address of the network with `ip` in it.
pub(crate) fn last_of(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() | host_bits_v4(prefix)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() | host_bits_v6(prefix)).into(),
    }
}

fn host_bits_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

fn host_bits_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

/// The next hops of the default routes in the text of `/proc/net/route`: hexadecimal, in the byte order of the machine.
fn default_gateways(routes: &str) -> Vec<IpAddr> {
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let mut gateways: Vec<IpAddr> = Vec::new();
    for line in routes.lines().skip(1) {
        let mut fields = line.split_whitespace().skip(1).map(hex);
        if let (Some(Some(0)), Some(Some(hop)), Some(Some(flags))) =
            (fields.next(), fields.next(), fields.next())
            && flags & ROUTE_HAS_GATEWAY != 0
        {
            let hop = IpAddr::from(hop.to_ne_bytes());
            if !gateways.contains(&hop) {
                gateways.push(hop);
            }
        }
    }
    gateways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn gateways_are_read_from_the_routes() {
        let routes = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                      eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\n\
                      eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\n\
                      tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\n";
        assert_eq!(default_gateways(routes), ["192.168.1.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(default_gateways(""), [] as [IpAddr; 0]);
    }

    #[test]
    fn networks_have_a_first_and_a_last_address() {
        for (ip, prefix, first, last) in [
            ("192.0.2.77", 24, "192.0.2.0", "192.0.2.255"),
            ("10.1.2.3", 8, "10.0.0.0", "10.255.255.255"),
            ("10.1.2.3", 32, "10.1.2.3", "10.1.2.3"),
            ("1.2.3.4", 0, "0.0.0.0", "255.255.255.255"),
            ("2001:db8::77", 120, "2001:db8::", "2001:db8::ff"),
            ("::7", 128, "::7", "::7"),
        ] {
            let ip = ip.parse().unwrap();
            let network = (network_of(ip, prefix), last_of(ip, prefix));
            assert_eq!(network, (first.parse().unwrap(), last.parse().unwrap()));
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        let networks = Networks::default();
        assert!(networks.is_own("127.4.5.6".parse().unwrap()));
        assert!(networks.is_own("::1".parse().unwrap()));
        assert!(!networks.is_own("192.0.2.1".parse().unwrap()));
    }
}
