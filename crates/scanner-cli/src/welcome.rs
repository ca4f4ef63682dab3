//! `scanner` without anything, on a terminal: this machine's networks, each with a command to paste.

use std::io::{self, Write};
use std::net::IpAddr;

use crate::networks::{Interface, Networks, network_of};

/// A network wider than this is not offered: scanning it takes a decision, not a paste.
pub(crate) const WIDEST: u8 = 16;

/// Writes what can be scanned from here.
pub(crate) fn write(networks: &Networks, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Finds the open TCP ports of hosts and networks. Yours:\n")?;
    let mut rows = vec![("this machine".to_owned(), "localhost".to_owned(), "scanner localhost".to_owned())];
    rows.extend(
        networks.gateways.iter().map(|ip| ("gateway".into(), ip.to_string(), format!("scanner {ip}"))),
    );
    rows.extend(networks.interfaces.iter().filter_map(row));
    rows.dedup();
    for (name, place, command) in rows {
        writeln!(out, "  {name:<14} {place:<20} {command}")?;
    }
    writeln!(out, "\nMore: scanner --help")
}

/// The network of an interface. IPv6 networks are too wide to be searched address by address.
fn row(interface: &Interface) -> Option<(String, String, String)> {
    let IpAddr::V4(ip) = interface.ip else { return None };
    if ip.is_loopback() || interface.prefix < WIDEST || interface.prefix > 30 {
        return None;
    }
    let network = network_of(interface.ip, interface.prefix);
    let prefix = interface.prefix;
    Some((interface.name.clone(), format!("{ip}/{prefix}"), format!("scanner {network}/{prefix}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_can_be_pasted() {
        let interface = |name: &str, ip: &str, prefix| Interface {
            name: name.into(),
            index: None,
            ip: ip.parse().unwrap(),
            prefix,
            is_up: true,
            is_point_to_point: false,
        };
        let networks = Networks {
            interfaces: vec![
                interface("lo", "127.0.0.1", 8),
                interface("eth0", "192.168.1.40", 24),
                interface("eth0", "fe80::1", 64),
                interface("wide", "10.1.2.3", 8),
                interface("tun0", "10.9.0.2", 32),
            ],
            gateways: vec!["192.168.1.1".parse().unwrap()],
        };
        let mut out = Vec::new();
        write(&networks, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @"
        Finds the open TCP ports of hosts and networks. Yours:

          this machine   localhost            scanner localhost
          gateway        192.168.1.1          scanner 192.168.1.1
          eth0           192.168.1.40/24      scanner 192.168.1.0/24

        More: scanner --help
        ");
    }
}
