//! `--local`: the networks that this machine is on.

use std::fmt;

use scanner_core::HostAddr;

use crate::failure::Failure;
use crate::networks::{Interface, Networks, last_of, network_of};
use crate::welcome::WIDEST;

use super::Notes;
use super::named::Named;

/// An IPv6 network with a longer prefix, or this one, can be searched address by address: 65,536 of them.
const WIDEST_V6: u8 = 112;

/// Adds the networks of all interfaces that can be searched, and says which those are and which cannot.
///
/// # Errors
/// There is no such network.
pub(super) fn add(wanted: &mut Named, networks: &Networks, notes: &mut Notes) -> Result<(), Failure> {
    let mut left_out = LeftOut::default();
    let mut searched = Links::default();
    for interface in networks.interfaces.iter().filter(|interface| !interface.ip.is_loopback()) {
        let Some((first, last)) = left_out.unless_searched(interface) else { continue };
        wanted.add_range(first, last, None);
        searched.add(format!("{first}/{}", interface.prefix), &interface.name);
    }
    if searched.0.is_empty() {
        let why = left_out.lines().join("; ");
        let failure = Failure::usage("--local: this machine is on no network that can be searched");
        return Err(if why.is_empty() { failure } else { failure.with_hint(why) });
    }
    notes.add(format!("--local: {searched}"));
    left_out.lines().into_iter().for_each(|line| notes.add(line));
    Ok(())
}

/// Networks, each with the interfaces that it is on.
#[derive(Default)]
struct Links(Vec<(String, Vec<String>)>);

impl Links {
    fn add(&mut self, network: String, interface: &str) {
        let at = self.0.iter().position(|(known, _)| *known == network).unwrap_or_else(|| {
            self.0.push((network, Vec::new()));
            self.0.len() - 1
        });
        if let Some((_, interfaces)) = self.0.get_mut(at)
            && !interfaces.iter().any(|known| known == interface)
        {
            interfaces.push(interface.to_owned());
        }
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (network, interfaces)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{network} ({})", interfaces.join(", "))?;
        }
        Ok(())
    }
}

/// Networks that are not searched, by the reason.
#[derive(Default)]
struct LeftOut {
    too_wide: Links,
    too_wide_v6: Links,
    point_to_point: Links,
    down: Links,
}

impl LeftOut {
    /// The first and the last address of an interface's network.
    fn unless_searched(&mut self, interface: &Interface) -> Option<(HostAddr, HostAddr)> {
        let Interface { name, ip, prefix, .. } = interface;
        let (first, last) = (network_of(*ip, *prefix), last_of(*ip, *prefix));
        let widest = if ip.is_ipv4() { WIDEST } else { WIDEST_V6 };
        let reason = if !interface.is_up {
            &mut self.down
        } else if interface.is_point_to_point || first == last {
            &mut self.point_to_point
        } else if *prefix >= widest {
            let scope = interface.scope();
            return Some((HostAddr::with_scope(first, scope), HostAddr::with_scope(last, scope)));
        } else if ip.is_ipv4() {
            &mut self.too_wide
        } else {
            &mut self.too_wide_v6
        };
        reason.add(format!("{first}/{prefix}"), name);
        None
    }

    fn lines(&self) -> Vec<String> {
        let line =
            |links: &Links, why: &str| (!links.0.is_empty()).then(|| format!("{links} skipped: {why}"));
        let wide = format!("wider than a /{WIDEST}; name the part that you mean");
        let lines = [
            line(&self.too_wide, &wide),
            line(&self.too_wide_v6, "too many addresses to search; name the hosts"),
            line(&self.point_to_point, "a link to one other host; name it"),
            line(&self.down, "not connected"),
        ];
        lines.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, ip: &str, prefix: u8) -> Interface {
        let ip = ip.parse().unwrap();
        Interface { name: name.into(), index: Some(7), ip, prefix, is_up: true, is_point_to_point: false }
    }

    fn local(interfaces: Vec<Interface>) -> String {
        let networks = Networks { interfaces, gateways: Vec::new() };
        let (mut wanted, mut notes) = (Named::default(), Notes::default());
        if let Err(failure) = add(&mut wanted, &networks, &mut notes) {
            return format!("{}\nhint: {}", failure.message, failure.hint.unwrap_or_default());
        }
        let ports = scanner_core::PortSet::all();
        let choice = super::super::PortChoice { default: &ports, excluded: &scanner_core::PortSet::EMPTY };
        let assigned = wanted.resolved(&scanner_core::TargetSet::new(), choice);
        format!("{}\n{}", assigned.targets, notes.into_lines().join("\n"))
    }

    #[test]
    fn the_networks_that_can_be_searched() {
        insta::assert_snapshot!(local(vec![
            interface("lo", "127.0.0.1", 8),
            interface("lo", "::1", 128),
            interface("eth0", "192.168.1.40", 24),
            interface("eth0", "2001:db8::40", 64),
            interface("eth0", "fe80::40", 64),
            interface("wlan0", "192.168.1.41", 24),
            interface("wlan0", "fe80::41", 64),
            interface("lab0", "2001:db8:1::7", 120),
            interface("lab0", "fe80::7", 120),
            interface("corp0", "10.1.2.3", 8),
            Interface { is_point_to_point: true, ..interface("tun0", "10.9.0.2", 24) },
            interface("wg0", "10.8.0.2", 32),
            Interface { is_up: false, ..interface("docker0", "172.17.0.1", 16) },
        ]), @"
        192.168.1.0/24,2001:db8:1::/120,fe80::%7/120
        --local: 192.168.1.0/24 (eth0, wlan0), 2001:db8:1::/120 (lab0), fe80::%7/120 (lab0)
        10.0.0.0/8 (corp0) skipped: wider than a /16; name the part that you mean
        2001:db8::/64 (eth0), fe80::/64 (eth0, wlan0) skipped: too many addresses to search; name the hosts
        10.9.0.0/24 (tun0), 10.8.0.2/32 (wg0) skipped: a link to one other host; name it
        172.17.0.0/16 (docker0) skipped: not connected
        ");
    }

    #[test]
    fn there_may_be_none() {
        insta::assert_snapshot!(local(vec![interface("lo", "127.0.0.1", 8)]), @"
        --local: this machine is on no network that can be searched
        hint:
        ");
        insta::assert_snapshot!(local(vec![interface("eth0", "fe80::40", 64), interface("wg0", "10.8.0.2", 32)]), @"
        --local: this machine is on no network that can be searched
        hint: fe80::/64 (eth0) skipped: too many addresses to search; name the hosts; 10.8.0.2/32 (wg0) skipped: a link to one other host; name it
        ");
    }
}
