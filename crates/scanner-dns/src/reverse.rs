//! `Reverse`: the names of an address, and whether they lead back.

use std::net::IpAddr;

use scanner_core::{ForwardCheck, HostAddr, ReverseName};

use crate::error::ResolveErrorKind;
use crate::name;

/// The names of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// The address that was asked for; an IPv4 address inside IPv6 as IPv4.
    pub ip: IpAddr,
    /// Every name, at least one, sorted: servers give them in changing order. Without the final dot and in printable ASCII;
    /// a byte that is no part of a host name is written as `\` and three digits.
    pub names: Vec<String>,
    /// Whether the first of them leads back to the address; unknown where that was not asked for.
    pub forward: ForwardCheck,
}

impl Reverse {
    /// The first name with what is known of it.
    pub fn into_name(self) -> Option<ReverseName> {
        let forward = self.forward;
        self.names.into_iter().next().map(|name| ReverseName { name, forward })
    }
}

/// Whether `name` can be looked up at all.
pub(crate) fn can_be_checked(name: &str) -> bool {
    !name::is_escaped(name)
}

/// Whether a name whose look-up `found` this leads back to `ip`.
pub(crate) fn judge(ip: IpAddr, found: &Result<Vec<HostAddr>, ResolveErrorKind>) -> ForwardCheck {
    let addrs = match found {
        Ok(addrs) => addrs.as_slice(),
        Err(error) if error.is_temporary() => return ForwardCheck::Unknown,
        Err(_) => &[],
    };
    let mut family =
        addrs.iter().map(|addr| addr.ip()).filter(|addr| addr.is_ipv4() == ip.is_ipv4()).peekable();
    if family.peek().is_none() {
        ForwardCheck::Missing
    } else if family.any(|addr| addr == ip) {
        ForwardCheck::Agrees
    } else {
        ForwardCheck::Differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_agrees_differs_or_leads_nowhere() {
        let ip: IpAddr = "192.0.2.7".parse().unwrap();
        let found = |addrs: &[&str]| Ok(addrs.iter().map(|addr| addr.parse().unwrap()).collect());
        for (found, check) in [
            (found(&["192.0.2.1", "192.0.2.7"]), ForwardCheck::Agrees),
            (found(&["192.0.2.1", "2001:db8::7"]), ForwardCheck::Differs),
            (found(&["2001:db8::7"]), ForwardCheck::Missing),
            (found(&[]), ForwardCheck::Missing),
            (Err(ResolveErrorKind::NoSuchName), ForwardCheck::Missing),
            (Err(ResolveErrorKind::NoAddress), ForwardCheck::Missing),
            (Err(ResolveErrorKind::ServerFailure), ForwardCheck::Unknown),
            (Err(ResolveErrorKind::Cancelled), ForwardCheck::Unknown),
        ] {
            assert_eq!(judge(ip, &found), check, "{found:?}");
        }
    }
}
