//! What Linux tells about a connecting socket: `TCP_INFO`, the error queue, and the pending error.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::classify::{Icmp, Observation, sender};
pub(crate) use super::neighbours::Neighbours;

/// A socket for one attempt, made without blocking in one call, and asked for ICMP errors in full: without that an ICMPv6 error
/// that arrives inside `connect()` stays silent until the kernel sends its SYN again.
pub(crate) fn socket(target: SocketAddr) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new_raw(Domain::for_address(target), kind, Some(Protocol::TCP))?;
    match target {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?,
    }
    Ok(socket)
}

/// What the socket knows by now, with the kernel's round-trip time for an established connection.
pub(crate) fn observe(socket: &Socket, target: SocketAddr) -> (Observation, Option<Duration>) {
    // The order matters: reading the error or the queue, and any second connect(), resets what TCP_INFO has to tell.
    let info = tcp_info(socket);
    let established = info.as_ref().is_some_and(|info| !matches!(info.tcpi_state, SYN_SENT | CLOSE));
    let mut seen = Observation {
        established,
        to_itself: false,
        segments: info.as_ref().map(|info| info.tcpi_segs_in),
        error: None,
        icmp: None,
    };
    if established {
        let ends = (socket.local_addr().ok(), socket.peer_addr().ok());
        seen.to_itself = matches!(ends, (Some(local), Some(peer)) if local == peer);
        let rtt = info.map(|info| Duration::from_micros(info.tcpi_rtt.into()));
        return (seen, rtt.filter(|rtt| !rtt.is_zero()));
    }
    if seen.segments == Some(0) {
        let local = socket.local_addr().ok().and_then(|addr| addr.as_socket()).map(|addr| addr.ip());
        seen.icmp = icmp_error(socket, local, target.ip());
    }
    seen.error = socket.take_error().ok().flatten().and_then(|error| error.raw_os_error());
    (seen, None)
}

const SYN_SENT: u8 = 2;
const CLOSE: u8 = 7;

#[expect(clippy::wildcard_enum_match_arm, reason = "an open list of messages of which two matter")]
fn icmp_error(socket: &Socket, local: Option<IpAddr>, target: IpAddr) -> Option<Icmp> {
    let mut space = nix::cmsg_space!(libc::sock_extended_err, SockaddrStorage);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut [], Some(&mut space), flags).ok()?;
    for control in message.cmsgs().ok()? {
        let (error, offender) = match control {
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                (error, from.map(|from| IpAddr::V4(SockaddrIn::from(from).ip())))
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                (error, from.map(|from| IpAddr::V6(SockaddrIn6::from(from).ip())))
            }
            // Timestamps and the like, which nobody asked for.
            _ => continue,
        };
        if matches!(error.ee_origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6) {
            return Some(Icmp {
                v6: error.ee_origin == libc::SO_EE_ORIGIN_ICMP6,
                kind: error.ee_type,
                code: error.ee_code,
                from: sender(offender, local, target),
            });
        }
    }
    None
}

#[expect(
    unsafe_code,
    reason = "no safe wrapper reads TCP_INFO on every kernel: its size grows with the version"
)]
fn tcp_info(socket: &Socket) -> Option<libc::tcp_info> {
    let mut info = std::mem::MaybeUninit::<libc::tcp_info>::zeroed();
    let size = size_of::<libc::tcp_info>();
    let mut len = libc::socklen_t::try_from(size).ok()?;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes, the size of the
    // structure; the structure is plain integers, for which the zeroes beneath a shorter answer are valid.
    let info = unsafe {
        let fd = socket.as_raw_fd();
        let result =
            libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut len);
        (result == 0).then(|| info.assume_init())?
    };
    // tcpi_segs_in came with Linux 4.2; a kernel that ends before it cannot tell.
    let needed = std::mem::offset_of!(libc::tcp_info, tcpi_segs_in) + size_of::<u32>();
    (usize::try_from(len).ok()? >= needed).then_some(info)
}
