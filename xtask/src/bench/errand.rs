//! What scanners are asked to do, in the few forms that all of them understand.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// One scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errand {
    pub(crate) hosts: Hosts,
    pub(crate) ports: Ports,
    /// How many connections at once at most, where the comparison is about that.
    pub(crate) limit: Option<u32>,
    /// Whether every port is open: this command then lists them in one line, and only as text.
    pub(crate) all_open: bool,
}

impl Errand {
    /// How many ports are asked, those of all hosts together.
    pub(crate) fn probes(&self) -> u64 {
        self.hosts.count() * self.ports.count()
    }
}

/// An address, or a network whose every address counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hosts {
    first: Ipv4Addr,
    prefix: u8,
}

impl Hosts {
    pub(crate) const fn one(host: Ipv4Addr) -> Self {
        Self { first: host, prefix: 32 }
    }

    /// `prefix` is the number of leading bits that all addresses have in common, at most 32.
    pub(crate) const fn network(first: Ipv4Addr, prefix: u8) -> Self {
        Self { first, prefix }
    }

    pub(crate) fn count(self) -> u64 {
        1 << (32 - u32::from(self.prefix))
    }

    /// Counted from zero.
    pub(crate) fn at(self, index: u64) -> Ipv4Addr {
        let index = u32::try_from(index).unwrap_or_default();
        Ipv4Addr::from(u32::from(self.first).wrapping_add(index))
    }
}

impl FromStr for Hosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let first: Ipv4Addr = first.parse().map_err(|_| format!("{first} is no IPv4 address"))?;
        let prefix: u8 = prefix.parse().map_err(|_| format!("{prefix} is no length of a prefix"))?;
        // Shorter ones are no benchmark.
        if !(8..=32).contains(&prefix) {
            return Err(format!("/{prefix}: from 8 to 32"));
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix {
            32 => write!(f, "{}", self.first),
            prefix => write!(f, "{}/{prefix}", self.first),
        }
    }
}

/// One port, or all from the first to the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// From `first` to `last`, which is not below it.
    pub(crate) const fn range(first: u16, last: u16) -> Self {
        Self { first, last }
    }

    pub(crate) fn count(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }

    /// Counted from zero.
    pub(crate) fn at(self, index: u64) -> u16 {
        self.first.wrapping_add(u16::try_from(index).unwrap_or_default())
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.parse::<u16>().map_err(|_| format!("{text} is no port"));
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err(format!("{first} is above {last}"));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_counted_from_the_first() {
        let hosts: Hosts = "10.1.0.0/16".parse().unwrap();
        assert_eq!((hosts.count(), hosts.at(257)), (65_536, Ipv4Addr::new(10, 1, 1, 1)));
        assert_eq!(hosts.to_string(), "10.1.0.0/16");
        let one: Hosts = "10.1.0.2".parse().unwrap();
        assert_eq!((one, one.count()), (Hosts::one(Ipv4Addr::new(10, 1, 0, 2)), 1));
        assert_eq!(one.to_string(), "10.1.0.2");
    }

    #[test]
    fn ports_are_counted_from_the_first() {
        let ports: Ports = "1-65535".parse().unwrap();
        assert_eq!((ports.count(), ports.at(65_534)), (65_535, 65_535));
        assert_eq!((ports.to_string(), Ports::range(7, 7).to_string()), ("1-65535".into(), "7".into()));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for hosts in ["ten", "10.0.0.0/x", "10.0.0.0/33", "0.0.0.0/0"] {
            assert!(hosts.parse::<Hosts>().is_err(), "{hosts}");
        }
        for ports in ["", "x", "1-", "2-1", "65536"] {
            assert!(ports.parse::<Ports>().is_err(), "{ports}");
        }
    }
}
