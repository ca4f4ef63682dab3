//! What one socket tells, and what it means: one table, by raw error codes. Many of them have no `ErrorKind` of their own.

use std::net::IpAddr;

use scanner_core::Reason;

/// What was seen of one connection attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The handshake completed, even if the peer closed since.
    pub(crate) established: bool,
    /// Both ends of the connection are this very socket.
    pub(crate) to_itself: bool,
    /// Segments that arrived from the peer; `None` where the platform does not tell.
    pub(crate) segments: Option<u32>,
    /// The error pending on the socket.
    pub(crate) error: Option<i32>,
    /// The ICMP message behind it.
    pub(crate) icmp: Option<Icmp>,
}

/// An ICMP error from the socket's error queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Icmp {
    pub(crate) v6: bool,
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) from: Sender,
}

/// Who sent an ICMP error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The target, or something on the way to it.
    Network,
    /// This machine, about a target that is not this machine.
    OwnAddress,
}

/// What it means for the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The port is settled.
    Settled(Reason),
    /// This machine reports the target, or the next hop to it, as unreachable: neighbour resolution failed, or a local
    /// firewall rejects. The neighbour table tells which.
    OwnUnreachable,
    /// No route.
    NoRoute,
    /// Out of something.
    LocalLimit,
    /// The network is down.
    NetworkDown,
    /// No answer yet.
    Nothing,
}

/// What a failure of `socket()` or `connect()` itself means: nothing was sent.
pub(crate) fn refused_by_kernel(code: Option<i32>) -> Meaning {
    let Some(code) = code else { return Meaning::LocalLimit };
    match code {
        os::ENETDOWN => Meaning::NetworkDown,
        os::ENETUNREACH | os::EHOSTUNREACH | os::EACCES | os::EINVAL | os::EAFNOSUPPORT => Meaning::NoRoute,
        os::EPERM => Meaning::Settled(Reason::LocalPolicy),
        // EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN, and whatever else this machine may come up with: nothing
        // was learnt about the target.
        _ => Meaning::LocalLimit,
    }
}

/// What an attempt that went out came to.
pub(crate) fn classify(seen: &Observation) -> Meaning {
    if seen.established {
        return Meaning::Settled(if seen.to_itself { Reason::SelfConnect } else { Reason::Handshake });
    }
    if let Some(icmp) = seen.icmp {
        return by_icmp(icmp);
    }
    let Some(code) = seen.error else { return Meaning::Nothing };
    match code {
        os::ECONNREFUSED => Meaning::Settled(match seen.segments {
            Some(0) => Reason::PortUnreachable,
            Some(_) => Reason::Rst,
            None => Reason::Refused,
        }),
        // Only an established connection can be reset or lose its reader: the handshake had completed.
        os::ECONNRESET | os::EPIPE => Meaning::Settled(Reason::Handshake),
        os::EHOSTUNREACH | os::EHOSTDOWN => Meaning::Settled(Reason::HostUnreachable),
        os::ENETUNREACH => Meaning::Settled(Reason::NetUnreachable),
        os::ENOPROTOOPT => Meaning::Settled(Reason::ProtoUnreachable),
        os::EACCES | os::EPERM => Meaning::Settled(Reason::Prohibited),
        os::ENETDOWN => Meaning::NetworkDown,
        os::ETIMEDOUT => Meaning::Nothing,
        _ => Meaning::LocalLimit,
    }
}

/// ICMP types and codes: RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1; ICMPv6: RFC 4443 section 3.1.
fn by_icmp(icmp: Icmp) -> Meaning {
    let reason = match (icmp.v6, icmp.kind, icmp.code) {
        (false, 3, 3) | (true, 1, 4) => Reason::PortUnreachable,
        (false, 3, 9 | 10 | 13 | 14 | 15) | (true, 1, 1 | 5 | 6) => Reason::Prohibited,
        (false, 3, 2) | (true, 4, 1) => Reason::ProtoUnreachable,
        (false, 3, 0 | 6 | 11) | (true, 1, 0 | 2) => Reason::NetUnreachable,
        // Host-unreachable in its variants, and what a routing loop sends instead.
        _ => Reason::HostUnreachable,
    };
    match icmp.from {
        Sender::Network => Meaning::Settled(reason),
        Sender::OwnAddress if reason == Reason::HostUnreachable => Meaning::OwnUnreachable,
        Sender::OwnAddress => Meaning::Settled(Reason::LocalPolicy),
    }
}

/// Whether an ICMP error comes from this machine and not from the target or the path: its sender is the address that the
/// socket is bound to, and the target is another.
pub(crate) fn sender(offender: Option<IpAddr>, local: Option<IpAddr>, target: IpAddr) -> Sender {
    match (offender, local) {
        (Some(offender), Some(local)) if offender == local && local != target => Sender::OwnAddress,
        _ => Sender::Network,
    }
}

/// Raw error codes of the platform.
#[cfg(unix)]
pub(crate) mod os {
    pub(crate) use libc::{
        EACCES, EAFNOSUPPORT, ECONNREFUSED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, EINVAL, ENETDOWN,
        ENETUNREACH, ENOPROTOOPT, EPERM, EPIPE, ETIMEDOUT,
    };
}

/// Raw error codes of Windows Sockets, from the Windows Sockets Error Codes reference.
#[cfg(windows)]
pub(crate) mod os {
    /// Windows has no EPERM; a code that never occurs.
    pub(crate) const EPERM: i32 = 1;
    pub(crate) const EACCES: i32 = 10013;
    pub(crate) const EINVAL: i32 = 10022;
    pub(crate) const EPIPE: i32 = 10058;
    pub(crate) const ENOPROTOOPT: i32 = 10042;
    pub(crate) const EAFNOSUPPORT: i32 = 10047;
    pub(crate) const ENETDOWN: i32 = 10050;
    pub(crate) const ENETUNREACH: i32 = 10051;
    pub(crate) const ECONNRESET: i32 = 10054;
    pub(crate) const ETIMEDOUT: i32 = 10060;
    pub(crate) const ECONNREFUSED: i32 = 10061;
    pub(crate) const EHOSTDOWN: i32 = 10064;
    pub(crate) const EHOSTUNREACH: i32 = 10065;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const SILENT: Observation =
        Observation { established: false, to_itself: false, segments: Some(0), error: None, icmp: None };

    fn settled(reason: Reason) -> Meaning {
        Meaning::Settled(reason)
    }

    #[test]
    fn segments_tell_rst_from_icmp() {
        let refused = Observation { error: Some(libc::ECONNREFUSED), ..SILENT };
        for (segments, reason) in
            [(Some(1), Reason::Rst), (Some(0), Reason::PortUnreachable), (None, Reason::Refused)]
        {
            assert_eq!(classify(&Observation { segments, ..refused }), settled(reason));
        }
    }

    #[test]
    fn a_handshake_is_open_unless_with_itself() {
        let open = Observation { established: true, ..SILENT };
        assert_eq!(classify(&open), settled(Reason::Handshake));
        assert_eq!(classify(&Observation { to_itself: true, ..open }), settled(Reason::SelfConnect));
        let reset_at_once = Observation { error: Some(libc::ECONNRESET), segments: Some(2), ..SILENT };
        assert_eq!(classify(&reset_at_once), settled(Reason::Handshake));
    }

    #[test]
    fn silence_means_nothing() {
        assert_eq!(classify(&SILENT), Meaning::Nothing);
        assert_eq!(classify(&Observation { error: Some(libc::ETIMEDOUT), ..SILENT }), Meaning::Nothing);
    }

    #[test]
    fn icmp_by_type_code_and_sender() {
        use Sender::{Network, OwnAddress};
        for (v6, kind, code, from, meaning) in [
            (false, 3, 0, Network, settled(Reason::NetUnreachable)),
            (false, 3, 1, Network, settled(Reason::HostUnreachable)),
            (false, 3, 2, Network, settled(Reason::ProtoUnreachable)),
            (false, 3, 3, Network, settled(Reason::PortUnreachable)),
            (false, 3, 9, Network, settled(Reason::Prohibited)),
            (false, 3, 10, Network, settled(Reason::Prohibited)),
            (false, 3, 13, Network, settled(Reason::Prohibited)),
            (false, 11, 0, Network, settled(Reason::HostUnreachable)),
            (true, 1, 0, Network, settled(Reason::NetUnreachable)),
            (true, 1, 1, Network, settled(Reason::Prohibited)),
            (true, 1, 3, Network, settled(Reason::HostUnreachable)),
            (true, 1, 4, Network, settled(Reason::PortUnreachable)),
            (true, 1, 5, Network, settled(Reason::Prohibited)),
            (true, 4, 1, Network, settled(Reason::ProtoUnreachable)),
            (false, 3, 1, OwnAddress, Meaning::OwnUnreachable),
            (true, 1, 3, OwnAddress, Meaning::OwnUnreachable),
            (false, 3, 3, OwnAddress, settled(Reason::LocalPolicy)),
            (false, 3, 13, OwnAddress, settled(Reason::LocalPolicy)),
            (true, 1, 4, OwnAddress, settled(Reason::LocalPolicy)),
        ] {
            let seen = Observation {
                error: Some(libc::EHOSTUNREACH),
                icmp: Some(Icmp { v6, kind, code, from }),
                ..SILENT
            };
            assert_eq!(classify(&seen), meaning, "{v6} {kind}/{code} {from:?}");
        }
    }

    #[test]
    fn errors_without_icmp_detail() {
        for (code, meaning) in [
            (libc::EHOSTUNREACH, settled(Reason::HostUnreachable)),
            (libc::ENETUNREACH, settled(Reason::NetUnreachable)),
            (libc::ENOPROTOOPT, settled(Reason::ProtoUnreachable)),
            (libc::EACCES, settled(Reason::Prohibited)),
            (libc::ENETDOWN, Meaning::NetworkDown),
            (libc::ENOBUFS, Meaning::LocalLimit),
        ] {
            assert_eq!(classify(&Observation { error: Some(code), ..SILENT }), meaning);
        }
    }

    #[test]
    fn what_the_kernel_refuses_is_no_fact_about_the_target() {
        for (code, meaning) in [
            (libc::EMFILE, Meaning::LocalLimit),
            (libc::ENFILE, Meaning::LocalLimit),
            (libc::ENOBUFS, Meaning::LocalLimit),
            (libc::ENOMEM, Meaning::LocalLimit),
            (libc::EADDRNOTAVAIL, Meaning::LocalLimit),
            (libc::EAGAIN, Meaning::LocalLimit),
            (libc::ENETUNREACH, Meaning::NoRoute),
            (libc::EHOSTUNREACH, Meaning::NoRoute),
            (libc::EACCES, Meaning::NoRoute),
            (libc::EINVAL, Meaning::NoRoute),
            (libc::EAFNOSUPPORT, Meaning::NoRoute),
            (libc::ENETDOWN, Meaning::NetworkDown),
            (libc::EPERM, settled(Reason::LocalPolicy)),
        ] {
            assert_eq!(refused_by_kernel(Some(code)), meaning, "{code}");
        }
        assert_eq!(refused_by_kernel(None), Meaning::LocalLimit);
    }

    #[test]
    fn a_rejection_by_this_machine_is_known_by_its_sender() {
        let ip = |text: &str| text.parse::<IpAddr>().ok();
        let target = ip("192.0.2.9").unwrap();
        assert_eq!(sender(ip("192.0.2.1"), ip("192.0.2.1"), target), Sender::OwnAddress);
        assert_eq!(sender(ip("192.0.2.254"), ip("192.0.2.1"), target), Sender::Network);
        assert_eq!(sender(Some(target), Some(target), target), Sender::Network, "scanning oneself");
        assert_eq!(sender(None, ip("192.0.2.1"), target), Sender::Network);
    }
}
