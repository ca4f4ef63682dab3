//! `HostAddr`: an IP address and the interface it is reached through.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

/// An address to scan: an IP address and, for a link-local IPv6 address, the index of the interface (its scope).
///
/// Orders IPv4 before IPv6, then by scope, then by address. Written as `192.0.2.1`, `2001:db8::1` or `fe80::1%2`,
/// in text and on the wire.
///
/// ```
/// use scanner_core::HostAddr;
/// let addr: HostAddr = "fe80::1%2".parse()?;
/// assert_eq!(addr.scope_id(), 2);
/// assert_eq!(addr.socket_addr(22).to_string(), "[fe80::1%2]:22");
/// # Ok::<(), scanner_core::HostAddrError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostAddr {
    key: Key,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    V4(Ipv4Addr),
    V6 { scope: u32, ip: Ipv6Addr },
}

/// The text is neither an IP address nor an IPv6 address with a numeric scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address")]
pub struct HostAddrError(String);

impl HostAddr {
    /// An IPv6 address reached through the interface with index `scope` (0: any). IPv4 addresses have no scope.
    pub const fn with_scope(ip: IpAddr, scope: u32) -> Self {
        match ip {
            IpAddr::V4(ip) => Self { key: Key::V4(ip) },
            IpAddr::V6(ip) => Self { key: Key::V6 { scope, ip } },
        }
    }

    /// The IP address without its scope.
    pub const fn ip(self) -> IpAddr {
        match self.key {
            Key::V4(ip) => IpAddr::V4(ip),
            Key::V6 { ip, .. } => IpAddr::V6(ip),
        }
    }

    /// The interface index, 0 where there is none.
    pub const fn scope_id(self) -> u32 {
        match self.key {
            Key::V4(_) => 0,
            Key::V6 { scope, .. } => scope,
        }
    }

    /// The address to connect to.
    pub fn socket_addr(self, port: u16) -> SocketAddr {
        match self.key {
            Key::V4(ip) => SocketAddr::new(IpAddr::V4(ip), port),
            Key::V6 { scope, ip } => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)),
        }
    }
}

impl From<IpAddr> for HostAddr {
    fn from(ip: IpAddr) -> Self {
        Self::with_scope(ip, 0)
    }
}

impl From<Ipv4Addr> for HostAddr {
    fn from(ip: Ipv4Addr) -> Self {
        Self::from(IpAddr::V4(ip))
    }
}

impl From<Ipv6Addr> for HostAddr {
    fn from(ip: Ipv6Addr) -> Self {
        Self::from(IpAddr::V6(ip))
    }
}

impl From<SocketAddr> for HostAddr {
    fn from(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(v4) => Self::from(*v4.ip()),
            SocketAddr::V6(v6) => Self::with_scope(IpAddr::V6(*v6.ip()), v6.scope_id()),
        }
    }
}

impl FromStr for HostAddr {
    type Err = HostAddrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || HostAddrError(text.to_owned());
        match text.split_once('%') {
            None => text.parse::<IpAddr>().map(Self::from).map_err(|_| wrong()),
            Some((ip, scope)) => {
                let ip: Ipv6Addr = ip.parse().map_err(|_| wrong())?;
                let scope: u32 = scope.parse().map_err(|_| wrong())?;
                Ok(Self::with_scope(IpAddr::V6(ip), scope))
            }
        }
    }
}

impl fmt::Display for HostAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            Key::V4(ip) => ip.fmt(f),
            Key::V6 { scope: 0, ip } => ip.fmt(f),
            Key::V6 { scope, ip } => f.pad(&format!("{ip}%{scope}")),
        }
    }
}

impl fmt::Debug for HostAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

crate::wire::as_text!(HostAddr);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for text in ["192.0.2.1", "2001:db8::1", "fe80::1%2", "::1"] {
            let addr: HostAddr = text.parse().unwrap();
            assert_eq!(addr.to_string(), text);
            assert_eq!(format!("{addr:?}"), text);
            assert_eq!(addr.scope_id(), u32::from(text.ends_with("%2")) * 2);
            assert_eq!(serde_json::to_value(addr).unwrap(), text);
            assert_eq!(serde_json::from_value::<HostAddr>(text.into()).unwrap(), addr);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in ["", "localhost", "192.0.2.1%2", "fe80::1%eth0", "fe80::1%"] {
            assert!(text.parse::<HostAddr>().is_err(), "{text}");
        }
    }
}
