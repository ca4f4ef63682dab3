//! `World`: two namespaces joined by a wire, one for the scanner and one for what it scans.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::error::LabError;
use crate::link::Link;
use crate::listeners::Listeners;
use crate::namespace::Namespace;
use crate::wire::TunWire;

/// What the device is called at both ends.
pub(crate) const DEVICE: &str = "wire";

/// How the two namespaces are joined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wire {
    /// A pair of virtual Ethernet devices: answers arrive inside the system call that asks.
    Veth,
    /// A pair of TUN devices; each packet arrives this long after it was sent, and there are no neighbours to resolve.
    Delayed(Duration),
    /// A pair of TUN devices with more between them than a delay.
    Links {
        /// From the scanner to the target.
        there: Link,
        /// And back.
        back: Link,
        /// Decides what gets lost and when.
        seed: u64,
    },
}

/// Which version of the Internet Protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `10.7.0.0/24`.
    V4,
    /// `fd07::/64`.
    V6,
}

impl Family {
    /// An address on the wire: 1 is the scanner, 2 the target, every other is nobody.
    pub fn on_wire(self, host: u8) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(10, 7, 0, host).into(),
            Self::V6 => Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, host.into()).into(),
        }
    }

    /// The target's address.
    pub fn target(self) -> IpAddr {
        self.on_wire(2)
    }

    /// A network that is not on the wire, by number, with its first host.
    pub fn elsewhere(self, network: u8) -> (String, IpAddr) {
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
pub struct World {
    /// Where the scanner runs.
    pub scanner: Namespace,
    /// The host that is scanned.
    pub target: Namespace,
    _wire: Option<TunWire>,
}

impl World {
    /// Both ends reach each other when this returns. No limit of the kernel holds back ICMP errors.
    ///
    /// # Errors
    /// [`LabError::Unavailable`] where this machine cannot have it.
    pub fn new(wire: Wire, family: Family) -> Result<Self, LabError> {
        Self::join([Namespace::new()?, Namespace::new()?], wire, family)
    }

    /// The same with namespaces that exist: the scanner's and the target's.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn join(ends: [Namespace; 2], wire: Wire, family: Family) -> Result<Self, LabError> {
        if family == Family::V6 && !Path::new("/proc/sys/net/ipv6").exists() {
            return Err(LabError::unavailable("no IPv6", &"the kernel has none"));
        }
        let [scanner, target] = ends;
        for end in [&scanner, &target] {
            // Addresses are usable at once, and each of many errors is sent.
            end.sysctl("ipv6/conf/all/disable_ipv6", 0)?;
            end.sysctl("ipv6/conf/default/accept_dad", 0)?;
            // The masks name the kinds of errors that the limits are for, that of all peers together included; 127 is not sent.
            end.sysctl("ipv4/icmp_ratelimit", 0)?;
            end.sysctl("ipv4/icmp_ratemask", 0)?;
            end.sysctl("ipv6/icmp/ratelimit", 0)?;
            end.sysctl("ipv6/icmp/ratemask", 127)?;
        }
        let joined = match wire {
            Wire::Veth => {
                let peer = target.path();
                scanner.ip(&format!("link add {DEVICE} type veth peer name {DEVICE} netns {peer}"))?;
                None
            }
            Wire::Delayed(delay) => {
                let link = Link { delay, ..Link::default() };
                Some(TunWire::new([&scanner, &target], DEVICE, [link, link], 0)?)
            }
            Wire::Links { there, back, seed } => {
                Some(TunWire::new([&scanner, &target], DEVICE, [there, back], seed)?)
            }
        };
        for (end, host) in [(&scanner, 1), (&target, 2)] {
            end.ip(&format!("link set {DEVICE} up"))?;
            let (ip, prefix) = match family {
                Family::V4 => (family.on_wire(host), "24"),
                Family::V6 => (family.on_wire(host), "64 nodad"),
            };
            end.ip(&format!("address add {ip}/{prefix} dev {DEVICE}"))?;
        }
        let world = Self { scanner, target, _wire: joined };
        world.await_wire(family)?;
        Ok(world)
    }

    /// Listeners on the target.
    ///
    /// # Errors
    /// Where a port is taken, or descriptors are short.
    pub fn listen(&self, family: Family, ports: &[u16]) -> Result<Listeners, LabError> {
        Listeners::new(&self.target, family.target(), ports)
    }

    /// A fresh device carries nothing until the kernel has noticed that it is up.
    fn await_wire(&self, family: Family) -> Result<(), LabError> {
        let _listener = self.listen(family, &[ANY_PORT])?;
        let addr = SocketAddr::new(family.target(), ANY_PORT);
        for _ in 0..100 {
            let connect = || TcpStream::connect_timeout(&addr, Duration::from_secs(1));
            if self.scanner.run(connect)?.is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(LabError::DeadWire)
    }
}

/// Nothing listens there but while the wire is tried.
const ANY_PORT: u16 = 9;
