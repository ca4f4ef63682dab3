//! The neighbour table by rtnetlink, which needs no privileges: one request, and a dump of entries. The files of `/proc` list
//! IPv4 only, and do not tell a neighbour that answered just now from one that was there an hour ago.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::time::Duration;

use scanner_core::{HostAddr, MacAddr};
use socket2::{Domain, Protocol, Socket, Type};

use crate::control::{Neighbour, NeighbourState};

/// The kernel answers at once; this is only so that nothing ever hangs.
const PATIENCE: Duration = Duration::from_millis(500);
/// The kernel fills at most this much with entries at once (`NLMSG_GOODSIZE`, 32 KB on newer ones).
const BUFFER: usize = 64 * 1024;

/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// `struct ndmsg`: family, padding, interface, state, flags, type.
const NDMSG: usize = 12;

/// Every entry of the table, IPv4 and IPv6.
pub(super) fn neighbours() -> io::Result<BTreeMap<HostAddr, Neighbour>> {
    let kind = Type::RAW.cloexec();
    let socket =
        Socket::new_raw(Domain::from(libc::AF_NETLINK), kind, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    (&socket).write_all(&request())?;
    let mut found = BTreeMap::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = (&socket).read(&mut buffer)?;
        if len == 0 || take(&buffer[..len], &mut found)? {
            return Ok(found);
        }
    }
}

/// `RTM_GETNEIGH` for all families.
#[expect(clippy::cast_possible_truncation, reason = "small constants of the kernel")]
fn request() -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let mut request = Vec::with_capacity(HEADER + NDMSG);
    request.extend(((HEADER + NDMSG) as u32).to_ne_bytes());
    request.extend(libc::RTM_GETNEIGH.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    request.extend([0; HEADER - 8 + NDMSG]);
    request
}

/// Takes the entries out of one datagram; whether it was the last.
fn take(mut messages: &[u8], found: &mut BTreeMap<HostAddr, Neighbour>) -> io::Result<bool> {
    while let Some((message, rest)) = next(messages, 0, 4) {
        let kind = message.get(4..6).map_or(0, |kind| u16::from_ne_bytes([kind[0], kind[1]]));
        match i32::from(kind) {
            libc::NLMSG_DONE => return Ok(true),
            libc::NLMSG_ERROR => return Err(io::ErrorKind::Unsupported.into()),
            _ if kind == libc::RTM_NEWNEIGH => found.extend(message.get(HEADER..).and_then(entry)),
            _ => {}
        }
        messages = rest;
    }
    Ok(false)
}

/// One entry: the fixed part, then attributes.
fn entry(message: &[u8]) -> Option<(HostAddr, Neighbour)> {
    let (fixed, mut attributes) = message.split_at_checked(NDMSG)?;
    let interface = u32::from_ne_bytes(fixed[4..8].try_into().ok()?);
    let state = state(u16::from_ne_bytes([fixed[8], fixed[9]]))?;
    let (mut ip, mut mac) = (None, None);
    while let Some((attribute, rest)) = next(attributes, 0, 2) {
        let (kind, value) = (u16::from_ne_bytes([attribute[2], attribute[3]]), &attribute[4..]);
        if kind == libc::NDA_DST {
            ip = address(value);
        } else if kind == libc::NDA_LLADDR {
            mac = <[u8; 6]>::try_from(value).ok().map(MacAddr::new);
        }
        attributes = rest;
    }
    let ip = ip?;
    let scope = if super::is_link_local(ip) { interface } else { 0 };
    Some((HostAddr::with_scope(ip, scope), Neighbour { state, mac }))
}

fn address(value: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(value).ok().map(IpAddr::from))
}

/// `NUD_…` of `linux/neighbour.h`; `None` for what never is a neighbour, as on a device without ARP.
fn state(flags: u16) -> Option<NeighbourState> {
    match flags {
        libc::NUD_INCOMPLETE => Some(NeighbourState::Asked),
        libc::NUD_REACHABLE => Some(NeighbourState::Confirmed),
        libc::NUD_STALE | libc::NUD_DELAY | libc::NUD_PROBE => Some(NeighbourState::Stale),
        libc::NUD_FAILED => Some(NeighbourState::Failed),
        libc::NUD_PERMANENT => Some(NeighbourState::Fixed),
        _ => None,
    }
}

/// The first part of a sequence of parts that each say their length in `bytes` bytes at `at`, and the parts behind it, which begin
/// at a multiple of four.
fn next(parts: &[u8], at: usize, bytes: usize) -> Option<(&[u8], &[u8])> {
    let field = parts.get(at..at + bytes)?;
    let len = match *field {
        [a, b] => usize::from(u16::from_ne_bytes([a, b])),
        [a, b, c, d] => usize::try_from(u32::from_ne_bytes([a, b, c, d])).ok()?,
        _ => return None,
    };
    let part = parts.get(..len).filter(|_| len >= 4)?;
    Some((part, parts.get(len.next_multiple_of(4)..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let len = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [len.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(HEADER + body.len()).unwrap();
        [len.to_ne_bytes().as_slice(), &kind.to_ne_bytes(), &[0; 10], body].concat()
    }

    fn neighbour(interface: u32, state: u16, ip: &[u8], mac: Option<&[u8]>) -> Vec<u8> {
        let fixed = [[2, 0, 0, 0], interface.to_ne_bytes()].concat();
        let mut body =
            [fixed, state.to_ne_bytes().to_vec(), vec![0, 1], attribute(libc::NDA_DST, ip)].concat();
        body.extend(mac.map(|mac| attribute(libc::NDA_LLADDR, mac)).unwrap_or_default());
        message(libc::RTM_NEWNEIGH, &body)
    }

    #[test]
    fn reads_a_dump() {
        let link_local: Vec<u8> = "fe80::9".parse::<std::net::Ipv6Addr>().unwrap().octets().into();
        let dump = [
            neighbour(2, libc::NUD_REACHABLE, &[10, 9, 0, 2], Some(&[2, 0, 0, 0, 0, 2])),
            neighbour(2, libc::NUD_INCOMPLETE, &[10, 9, 0, 3], None),
            neighbour(2, libc::NUD_NOARP, &[224, 0, 0, 22], Some(&[1, 0, 94, 0, 0, 22])),
            neighbour(3, libc::NUD_DELAY, &link_local, Some(&[0xb8, 0x27, 0xeb, 1, 2, 3])),
            neighbour(3, libc::NUD_FAILED, &[10, 9, 0, 4], Some(&[1, 2, 3])),
        ]
        .concat();
        let mut found = BTreeMap::new();
        assert!(!take(&dump, &mut found).unwrap());
        let found: Vec<_> = found
            .into_iter()
            .map(|(addr, it)| {
                format!("{addr} {:?} {}", it.state, it.mac.map_or("-".into(), |mac| mac.to_string()))
            })
            .collect();
        assert_eq!(
            found,
            [
                "10.9.0.2 Confirmed 02:00:00:00:00:02",
                "10.9.0.3 Asked -",
                "10.9.0.4 Failed -",
                "fe80::9%3 Stale b8:27:eb:01:02:03",
            ]
        );
    }

    #[test]
    fn an_end_is_an_end_and_an_error_an_error() {
        let done = u16::try_from(libc::NLMSG_DONE).unwrap();
        let error = u16::try_from(libc::NLMSG_ERROR).unwrap();
        assert!(take(&message(done, &[0; 4]), &mut BTreeMap::new()).unwrap());
        assert!(take(&message(error, &[0; 20]), &mut BTreeMap::new()).is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..80_usize) {
            let mut found = BTreeMap::new();
            let _ = take(&bytes, &mut found);
            let whole = neighbour(2, libc::NUD_REACHABLE, &[10, 9, 0, 2], Some(&[2, 0, 0, 0, 0, 2]));
            let _ = take(&whole[..cut.min(whole.len())], &mut found);
        }
    }
}
