//! What Linux tells about a connecting socket: `TCP_INFO`, the error queue, and the pending error.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::classify::{Icmp, Observation, Sender, sender};
pub(crate) use super::neighbours::{NeighbourTable, Neighbours};

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
///
/// # Errors
/// The kernel does not tell: nothing is known about the target then, not even that it is silent.
pub(crate) fn observe(socket: &Socket, target: SocketAddr) -> io::Result<(Observation, Option<Duration>)> {
    observe_after(tcp_info(socket)?, socket, target)
}

/// The same, where `TCP_INFO` was read already: reading the error or the queue, and any second `connect()`, resets what it tells.
///
/// # Errors
/// As [`observe`].
pub(crate) fn observe_after(
    info: TcpInfo,
    socket: &Socket,
    target: SocketAddr,
) -> io::Result<(Observation, Option<Duration>)> {
    let (established, segments) = (info.is_established(), Some(info.segments));
    let mut seen = Observation { established, to_itself: false, segments, error: None, icmp: None };
    if established {
        seen.to_itself = is_to_itself(socket, target)?;
        return Ok((seen, info.rtt()));
    }
    seen.icmp = icmp_error(socket, target.ip())?;
    seen.error = socket.take_error()?.and_then(|error| error.raw_os_error());
    if info.is_closed() && seen.icmp.is_none() && seen.error.is_none() {
        // Nothing was sent, or something took the error: no answer will come any more, and that is no silence.
        return Err(Errno::ENOTCONN.into());
    }
    Ok((seen, None))
}

/// Whether both ends of the connection are this very socket.
fn is_to_itself(socket: &Socket, target: SocketAddr) -> io::Result<bool> {
    let local = socket.local_addr()?;
    // Its own port is another one nearly always, and then there is no need to ask for the other end.
    if local.as_socket().is_some_and(|local| local.port() != target.port()) {
        return Ok(false);
    }
    match socket.peer_addr() {
        Ok(peer) => Ok(local == peer),
        // The peer has closed it since.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// An ICMP error from the socket's error queue.
fn icmp_error(socket: &Socket, target: IpAddr) -> io::Result<Option<Icmp>> {
    let Some(queued) = queued_error(socket)? else { return Ok(None) };
    let local = socket.local_addr()?.as_socket().map(|addr| addr.ip());
    Ok(Some(Icmp { from: sender(queued.offender, local, target), ..queued.icmp }))
}

/// Whether the socket's error queue is known to be empty; takes the first error out.
pub(crate) fn error_queue_is_empty(socket: &Socket) -> bool {
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    recvmsg::<()>(socket.as_raw_fd(), &mut [], None, flags) == Err(Errno::EAGAIN)
}

/// The part of `TCP_INFO` that tells answers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TcpInfo {
    state: u8,
    /// Segments that arrived from the peer.
    pub(crate) segments: u32,
    rtt_us: u32,
}

impl TcpInfo {
    /// The handshake completed, even if the peer closed since.
    pub(crate) const fn is_established(self) -> bool {
        !matches!(self.state, SYN_SENT | CLOSE)
    }

    /// The attempt is over.
    pub(crate) const fn is_closed(self) -> bool {
        self.state == CLOSE
    }

    /// The kernel's round-trip time of the handshake.
    pub(crate) fn rtt(self) -> Option<Duration> {
        (self.rtt_us > 0).then(|| Duration::from_micros(self.rtt_us.into()))
    }
}

const SYN_SENT: u8 = 2;
const CLOSE: u8 = 7;

struct QueuedError {
    icmp: Icmp,
    offender: Option<IpAddr>,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an open list of messages of which two matter")]
fn queued_error(socket: &Socket) -> io::Result<Option<QueuedError>> {
    let mut space = nix::cmsg_space!(libc::sock_extended_err, SockaddrStorage);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = match recvmsg::<()>(socket.as_raw_fd(), &mut [], Some(&mut space), flags) {
        Ok(message) => message,
        Err(Errno::EAGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for control in message.cmsgs()? {
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
            let v6 = error.ee_origin == libc::SO_EE_ORIGIN_ICMP6;
            let icmp = Icmp { v6, kind: error.ee_type, code: error.ee_code, from: Sender::Network };
            return Ok(Some(QueuedError { icmp, offender }));
        }
    }
    Ok(None)
}

/// Reads `TCP_INFO`.
///
/// # Errors
/// The kernel does not tell, or does not count segments, as before Linux 4.2.
#[expect(
    unsafe_code,
    reason = "no safe wrapper reads TCP_INFO on every kernel: its size grows with the version"
)]
pub(crate) fn tcp_info(socket: &Socket) -> io::Result<TcpInfo> {
    // tcpi_segs_in came with Linux 4.2; what follows it is of no interest.
    const NEEDED: usize = std::mem::offset_of!(libc::tcp_info, tcpi_segs_in) + size_of::<u32>();
    let mut info = std::mem::MaybeUninit::<libc::tcp_info>::uninit();
    let mut len = libc::socklen_t::try_from(NEEDED).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes into the structure, which is
    // larger; the fields are read only where it has written all of them, and are plain integers.
    unsafe {
        let fd = socket.as_raw_fd();
        let result =
            libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut len);
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        if (len as usize) < NEEDED {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let info = info.as_ptr();
        Ok(TcpInfo { state: (*info).tcpi_state, segments: (*info).tcpi_segs_in, rtt_us: (*info).tcpi_rtt })
    }
}
