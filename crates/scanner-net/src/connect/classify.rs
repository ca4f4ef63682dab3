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
    match code.map(platform::failure) {
        Some(Failure::NetworkDown) => Meaning::NetworkDown,
        Some(
            Failure::NetUnreachable
            | Failure::HostUnreachable
            | Failure::Prohibited
            | Failure::Invalid
            | Failure::NoFamily,
        ) => Meaning::NoRoute,
        Some(Failure::Forbidden) => Meaning::Settled(Reason::LocalPolicy),
        // Nothing was learnt about the target.
        Some(
            Failure::Refused
            | Failure::Reset
            | Failure::ProtoUnreachable
            | Failure::TimedOut
            | Failure::Other,
        )
        | None => Meaning::LocalLimit,
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
    match platform::failure(code) {
        Failure::Refused => Meaning::Settled(match seen.segments {
            Some(0) => Reason::PortUnreachable,
            Some(_) => Reason::Rst,
            None => Reason::Refused,
        }),
        // Only an established connection can be reset: the handshake had completed.
        Failure::Reset => Meaning::Settled(Reason::Handshake),
        Failure::HostUnreachable => Meaning::Settled(Reason::HostUnreachable),
        Failure::NetUnreachable => Meaning::Settled(Reason::NetUnreachable),
        Failure::ProtoUnreachable => Meaning::Settled(Reason::ProtoUnreachable),
        Failure::Prohibited => Meaning::Settled(Reason::Prohibited),
        Failure::Forbidden => Meaning::Settled(Reason::LocalPolicy),
        Failure::NetworkDown => Meaning::NetworkDown,
        Failure::TimedOut => Meaning::Nothing,
        Failure::Invalid | Failure::NoFamily | Failure::Other => Meaning::LocalLimit,
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
#[cfg_attr(not(any(test, target_os = "linux")), expect(dead_code, reason = "only Linux tells"))]
pub(crate) fn sender(offender: Option<IpAddr>, local: Option<IpAddr>, target: IpAddr) -> Sender {
    match (offender, local) {
        (Some(offender), Some(local)) if offender == local && local != target => Sender::OwnAddress,
        _ => Sender::Network,
    }
}

/// What an error code says, whatever the platform calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(all(windows, not(test)), expect(dead_code, reason = "Windows does not tell of everything"))]
enum Failure {
    Refused,
    Reset,
    HostUnreachable,
    NetUnreachable,
    ProtoUnreachable,
    /// By the path where the attempt went out, else by a route of this machine.
    Prohibited,
    /// By a firewall of this machine.
    Forbidden,
    NetworkDown,
    TimedOut,
    Invalid,
    NoFamily,
    /// Out of descriptors, buffers or source ports, and whatever else this machine may come up with.
    Other,
}

#[cfg(unix)]
mod platform {
    use super::Failure;

    /// What a code of `errno` says.
    pub(super) fn failure(code: i32) -> Failure {
        match code {
            libc::ECONNREFUSED => Failure::Refused,
            libc::ECONNRESET | libc::EPIPE => Failure::Reset,
            libc::EHOSTUNREACH | libc::EHOSTDOWN => Failure::HostUnreachable,
            libc::ENETUNREACH => Failure::NetUnreachable,
            libc::ENOPROTOOPT => Failure::ProtoUnreachable,
            libc::EACCES => Failure::Prohibited,
            libc::EPERM => Failure::Forbidden,
            libc::ENETDOWN => Failure::NetworkDown,
            libc::ETIMEDOUT => Failure::TimedOut,
            libc::EINVAL => Failure::Invalid,
            libc::EAFNOSUPPORT => Failure::NoFamily,
            _ => Failure::Other,
        }
    }
}

#[cfg(windows)]
use winsock as platform;

#[cfg(any(windows, test))]
mod winsock {
    use super::Failure;

    /// What a code of Windows Sockets says. The numbers and their meanings are those of "Windows Sockets Error Codes (Winsock2.h)"
    /// in Microsoft's documentation.
    pub(super) fn failure(code: i32) -> Failure {
        match code {
            10061 => Failure::Refused,                 // WSAECONNREFUSED
            10054 => Failure::Reset,                   // WSAECONNRESET
            10064 | 10065 => Failure::HostUnreachable, // WSAEHOSTDOWN, WSAEHOSTUNREACH
            10051 => Failure::NetUnreachable,          // WSAENETUNREACH
            // WSAEACCES: Windows has no route that prohibits, and does not tell of ICMP; its firewall forbids a program to connect.
            10013 => Failure::Forbidden,
            10050 => Failure::NetworkDown, // WSAENETDOWN
            10060 => Failure::TimedOut,    // WSAETIMEDOUT
            10022 => Failure::Invalid,     // WSAEINVAL
            10047 => Failure::NoFamily,    // WSAEAFNOSUPPORT
            _ => Failure::Other,
        }
    }
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
            (libc::EPERM, settled(Reason::LocalPolicy)),
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
    fn codes_of_windows_sockets() {
        for (code, failure) in [
            (10013, Failure::Forbidden),
            (10022, Failure::Invalid),
            (10047, Failure::NoFamily),
            (10050, Failure::NetworkDown),
            (10051, Failure::NetUnreachable),
            (10054, Failure::Reset),
            (10060, Failure::TimedOut),
            (10061, Failure::Refused),
            (10064, Failure::HostUnreachable),
            (10065, Failure::HostUnreachable),
        ] {
            assert_eq!(winsock::failure(code), failure, "{code}");
        }
        // WSAEINTR, WSAEMFILE, WSAEWOULDBLOCK, WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAECONNABORTED, WSAENOBUFS, WSAEISCONN,
        // WSAESHUTDOWN, WSAEPROCLIM, WSASYSNOTREADY, WSANOTINITIALISED: this machine's own, and nothing about the target.
        for code in [10004, 10024, 10035, 10048, 10049, 10053, 10055, 10056, 10058, 10067, 10091, 10093] {
            assert_eq!(winsock::failure(code), Failure::Other, "{code}");
        }
        // A code of Unix is none of Windows.
        assert_eq!(winsock::failure(libc::ECONNREFUSED), Failure::Other);
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
