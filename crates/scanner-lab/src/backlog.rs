//! Ports whose queue of connections is full most of the time.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket, sockopt,
};

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::worker::{Owner, Worker};

/// How long they accept, and for how long they then do not.
const ACCEPTING: Duration = Duration::from_millis(300);
const FULL: Duration = Duration::from_secs(1);

/// How often they accept while they do.
const TURN: Duration = Duration::from_millis(5);

/// How long a connection of this host with itself may take; it takes microseconds.
const PATIENCE: Duration = Duration::from_millis(200);

/// Accepts everything for 300 ms, then nothing for a second while the queue of each port is full.
pub(crate) fn start(namespace: &Namespace, ip: IpAddr, ports: &[u16]) -> Result<Worker, LabError> {
    let addrs: Vec<_> = ports.iter().map(|port| SocketAddr::new(ip, *port)).collect();
    let listeners = namespace.run(|| addrs.iter().map(short_listener).collect::<io::Result<Vec<_>>>())?;
    let listeners = listeners.map_err(LabError::io(format!("listen on ports of {ip}")))?;
    Worker::start(namespace, move |owner| take_turns(&listeners, &addrs, owner))
}

fn take_turns(listeners: &[TcpListener], addrs: &[SocketAddr], owner: &Owner) {
    loop {
        // Connections of this host with itself take the only place in each queue; where a scanner was faster, it is taken too.
        let _fill: Vec<_> = addrs.iter().map(|addr| TcpStream::connect_timeout(addr, PATIENCE)).collect();
        if owner.gone_within(FULL) {
            return;
        }
        for _ in 0..ACCEPTING.as_millis() / TURN.as_millis() {
            for listener in listeners {
                while listener.accept().is_ok() {}
            }
            if owner.gone_within(TURN) {
                return;
            }
        }
    }
}

/// With the shortest queue that there is: one connection.
fn short_listener(addr: &SocketAddr) -> io::Result<TcpListener> {
    let family = if addr.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd: OwnedFd =
        socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    bind(std::os::fd::AsRawFd::as_raw_fd(&fd), &SockaddrStorage::from(*addr))?;
    listen(&fd, Backlog::new(0)?)?;
    Ok(TcpListener::from(fd))
}
