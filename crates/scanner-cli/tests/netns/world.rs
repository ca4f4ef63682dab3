//! `World`: two namespaces joined by a wire, one for the scanner and one for what it scans.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::listeners::Listeners;
use crate::namespace::Namespace;
use crate::tun::DelayedWire;

/// How long a packet is on a delayed wire, each way.
pub(crate) const DELAY: Duration = Duration::from_millis(20);

const DEVICE: &str = "wire";

/// How the two namespaces are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A pair of virtual Ethernet devices: answers arrive inside the system call that asks.
    Veth,
    /// A pair of TUN devices with [`DELAY`] between them; there are no neighbours to resolve.
    Delayed,
}

/// Which version of the Internet Protocol a test speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// An address on the wire: 1 is the scanner, 2 the target, every other is nobody.
    pub(crate) fn on_wire(self, host: u8) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(10, 7, 0, host).into(),
            Self::V6 => Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, host.into()).into(),
        }
    }

    /// The target's address.
    pub(crate) fn target(self) -> IpAddr {
        self.on_wire(2)
    }

    /// A network that is not on the wire, by number, with its first host.
    pub(crate) fn elsewhere(self, network: u8) -> (String, IpAddr) {
        match self {
            Self::V4 => (format!("10.{network}.0.0/24"), Ipv4Addr::new(10, network, 0, 1).into()),
            Self::V6 => {
                let ip = Ipv6Addr::new(0xfd00 | u16::from(network), 0, 0, 0, 0, 0, 0, 1);
                (format!("fd{network:02x}::/64"), ip.into())
            }
        }
    }
}

/// Two namespaces and the wire between them.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) scanner: Namespace,
    pub(crate) target: Namespace,
    _wire: Option<DelayedWire>,
}

impl World {
    /// Both ends reach each other when this returns; or why this cannot be had here.
    pub(crate) fn new(wire: Wire, family: Family) -> Result<Self, String> {
        if family == Family::V6 && !std::path::Path::new("/proc/sys/net/ipv6").exists() {
            return Err("no IPv6".into());
        }
        let (scanner, target) = (Namespace::new()?, Namespace::new()?);
        for end in [&scanner, &target] {
            // Addresses are usable at once, and each of many errors is sent.
            end.sysctl("ipv6/conf/all/disable_ipv6", 0);
            end.sysctl("ipv6/conf/default/accept_dad", 0);
            end.sysctl("ipv4/icmp_ratelimit", 0);
            end.sysctl("ipv6/icmp/ratelimit", 0);
        }
        let joined = match wire {
            Wire::Veth => {
                scanner
                    .ip(&format!("link add {DEVICE} type veth peer name {DEVICE} netns {}", target.path()));
                None
            }
            Wire::Delayed => Some(DelayedWire::new([&scanner, &target], DEVICE, DELAY)?),
        };
        for (end, host) in [(&scanner, 1), (&target, 2)] {
            end.ip(&format!("link set {DEVICE} up"));
            let (ip, prefix) = match family {
                Family::V4 => (family.on_wire(host), "24"),
                Family::V6 => (family.on_wire(host), "64 nodad"),
            };
            end.ip(&format!("address add {ip}/{prefix} dev {DEVICE}"));
        }
        let world = Self { scanner, target, _wire: joined };
        world.await_wire(family);
        Ok(world)
    }

    /// Listeners on the target.
    pub(crate) fn listen(&self, family: Family, ports: &[u16]) -> Listeners {
        Listeners::new(&self.target, family.target(), ports)
    }

    /// A fresh device carries nothing until the kernel has noticed that it is up.
    fn await_wire(&self, family: Family) {
        let listener = self.listen(family, &[ANY_PORT]);
        let addr = SocketAddr::new(family.target(), ANY_PORT);
        let is_up = || TcpStream::connect_timeout(&addr, Duration::from_secs(1)).is_ok();
        let up = (0..100).any(|_| {
            let up = self.scanner.run(is_up);
            if !up {
                thread::sleep(Duration::from_millis(50));
            }
            up
        });
        drop(listener);
        assert!(up, "the wire carries nothing");
    }
}

/// Rules of a firewall that drops what is not for `port`.
pub(crate) fn only_answers_on(port: u16) -> String {
    format!(
        "table inet test {{ chain rules {{ type filter hook input priority 0; tcp dport != {port} drop; }}; }}"
    )
}

const ANY_PORT: u16 = 9;
