//! `FamilyPolicy` and the pure choice among the addresses of a name.

use std::net::IpAddr;

use scanner_core::HostAddr;

use crate::error::ResolveErrorKind;

/// Which addresses of a name are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FamilyPolicy {
    /// IPv4 and IPv6, in the order of the system.
    #[default]
    Any,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
}

impl FamilyPolicy {
    /// Whether an address is of a wanted family.
    pub const fn allows(self, addr: HostAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Ipv4 => matches!(addr.ip(), IpAddr::V4(_)),
            Self::Ipv6 => matches!(addr.ip(), IpAddr::V6(_)),
        }
    }
}

/// The addresses to scan out of those that the system `found`: of the wanted family, each once, the first one unless
/// `all` are wanted. The order of the system is kept, as it knows which family works here.
pub(crate) fn choose(
    found: &[HostAddr],
    family: FamilyPolicy,
    all: bool,
) -> Result<Vec<HostAddr>, ResolveErrorKind> {
    let mut chosen = Vec::new();
    for &addr in found {
        if family.allows(addr) && !chosen.contains(&addr) {
            chosen.push(addr);
        }
    }
    if !all {
        chosen.truncate(1);
    }
    match (chosen.is_empty(), family) {
        (false, _) => Ok(chosen),
        (true, FamilyPolicy::Ipv4) if !found.is_empty() => Err(ResolveErrorKind::OtherFamily("IPv4")),
        (true, FamilyPolicy::Ipv6) if !found.is_empty() => Err(ResolveErrorKind::OtherFamily("IPv6")),
        (true, _) => Err(ResolveErrorKind::NoAddress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs(texts: &[&str]) -> Vec<HostAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn chooses_by_family_and_number() {
        let both = ["2001:db8::1", "192.0.2.1", "2001:db8::1", "192.0.2.2"];
        for (found, family, all, chosen) in [
            (&both[..], FamilyPolicy::Any, false, &["2001:db8::1"][..]),
            (&both[..], FamilyPolicy::Any, true, &["2001:db8::1", "192.0.2.1", "192.0.2.2"]),
            (&both[..], FamilyPolicy::Ipv4, false, &["192.0.2.1"]),
            (&both[..], FamilyPolicy::Ipv4, true, &["192.0.2.1", "192.0.2.2"]),
            (&both[..], FamilyPolicy::Ipv6, true, &["2001:db8::1"]),
            (&["fe80::1%2", "fe80::1%3"], FamilyPolicy::Ipv6, true, &["fe80::1%2", "fe80::1%3"]),
        ] {
            assert_eq!(choose(&addrs(found), family, all), Ok(addrs(chosen)), "{found:?} {family:?} {all}");
        }
    }

    #[test]
    fn says_why_there_is_none() {
        let v4 = addrs(&["192.0.2.1"]);
        assert_eq!(choose(&v4, FamilyPolicy::Ipv6, true), Err(ResolveErrorKind::OtherFamily("IPv6")));
        assert_eq!(choose(&[], FamilyPolicy::Ipv6, true), Err(ResolveErrorKind::NoAddress));
        assert_eq!(choose(&[], FamilyPolicy::Any, false), Err(ResolveErrorKind::NoAddress));
    }
}
