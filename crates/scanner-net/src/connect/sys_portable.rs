//! What any platform tells about a connecting socket: whether it is connected, and the pending error.

#![expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "what it offers has the shape that Linux gives it"
)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::classify::Observation;
use crate::control::{Reading, ScanTime};

/// A socket for one attempt that does not block.
pub(crate) fn socket(target: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// What the socket knows by now. There is no round-trip time to be had from the kernel.
///
/// # Errors
/// The system does not tell: nothing is known about the target then, not even that it is silent.
pub(crate) fn observe(socket: &Socket, _: SocketAddr) -> io::Result<(Observation, Option<Duration>)> {
    let error = socket.take_error()?.and_then(|error| error.raw_os_error());
    let peer = match socket.peer_addr() {
        Ok(peer) => Some(peer),
        // Not connected; macOS says of a connection that is over that it is invalid.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotConnected | io::ErrorKind::InvalidInput) => {
            None
        }
        Err(error) => return Err(error),
    };
    let to_itself = match &peer {
        Some(peer) => *peer == socket.local_addr()?,
        None => false,
    };
    let established = error.is_none() && peer.is_some();
    Ok((Observation { established, to_itself, segments: None, error, icmp: None }, None))
}

/// There is no neighbour table to read.
#[derive(Debug, Default)]
pub(crate) struct NeighbourTable(());

impl NeighbourTable {
    /// Nothing is known to be on link.
    pub(crate) fn read(&mut self, _: ScanTime) -> Reading {
        Reading::default()
    }
}

/// There is no neighbour table to ask.
#[derive(Debug, Default)]
pub(crate) struct Neighbours;

impl Neighbours {
    /// An unreachable neighbour is taken at its word.
    pub(crate) fn unresolved(&self, _: IpAddr, _: ScanTime) -> Option<bool> {
        Some(true)
    }

    /// Silence is silence.
    pub(crate) fn never_resolved(&self, _: IpAddr, _: ScanTime) -> bool {
        false
    }
}
