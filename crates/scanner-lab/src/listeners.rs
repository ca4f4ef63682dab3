//! `Listeners`: ports that are open for as long as this value lives.

use std::io::{self, PipeReader, PipeWriter};
use std::net::{IpAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, setsockopt, socket, sockopt,
};

use crate::error::LabError;
use crate::namespace::Namespace;

/// Descriptors that the rest of the process may need beside the listeners: where all tests share one process, several sets of
/// listeners stand at once.
const OTHER_DESCRIPTORS: u64 = 16_384;

/// How many listeners with something to accept are told of at once.
const BATCH: usize = 256;

/// Accepts every connection and drops it, so that no queue of connections ever fills.
#[derive(Debug)]
pub struct Listeners {
    running: Option<(PipeWriter, JoinHandle<()>)>,
}

impl Listeners {
    /// Listens on each of `ports` of `ip`. Raises this process's limit of descriptors where it is too low.
    ///
    /// # Errors
    /// Where a port is taken, or the limit cannot be raised far enough.
    pub fn new(namespace: &Namespace, ip: IpAddr, ports: &[u16]) -> Result<Self, LabError> {
        raise_descriptor_limit(OTHER_DESCRIPTORS + ports.len() as u64)?;
        let listen = |port: &u16| {
            let listener = TcpListener::bind((ip, *port))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let listeners = namespace.run(|| ports.iter().map(listen).collect::<io::Result<Vec<_>>>())?;
        Self::accepting(listeners.map_err(LabError::io(format!("listen on ports of {ip}")))?)
    }

    /// One listener that stands for every port of every IPv4 address of the namespace, where a rule of the firewall leads them
    /// to it (`tproxy`): 65,535 of them would need more descriptors than most limits allow. It has no queue to overflow.
    pub(crate) fn everywhere(namespace: &Namespace, port: u16) -> Result<Self, LabError> {
        namespace.sysctl("core/somaxconn", u16::MAX.into())?;
        let listener = namespace.run(|| transparent_listener(port))?;
        let listener = listener.map_err(|error| LabError::unavailable("no transparent listener", &error))?;
        Self::accepting(vec![listener])
    }

    fn accepting(listeners: Vec<TcpListener>) -> Result<Self, LabError> {
        let (stopped, stop) = io::pipe().map_err(LabError::io("make a pipe"))?;
        let epoll =
            watch(&listeners, &stopped).map_err(|error| LabError::io("watch listeners")(error.into()))?;
        let thread = thread::spawn(move || {
            accept(&epoll, &listeners);
            drop(stopped);
        });
        Ok(Self { running: Some((stop, thread)) })
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of the thread has been printed.
            drop(thread.join());
        }
    }
}

/// Each listener is known by its index, the end of all by the number of listeners.
fn watch(listeners: &[TcpListener], stopped: &PipeReader) -> Result<Epoll, Errno> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let interest = |index: usize| EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
    for (index, listener) in listeners.iter().enumerate() {
        epoll.add(listener, interest(index))?;
    }
    epoll.add(stopped, interest(listeners.len()))?;
    Ok(epoll)
}

fn accept(epoll: &Epoll, listeners: &[TcpListener]) {
    let mut events = [EpollEvent::empty(); BATCH];
    loop {
        let ready = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(ready) => ready,
            Err(Errno::EINTR) => 0,
            Err(error) => panic!("wait for connections: {error}"),
        };
        for event in &events[..ready] {
            let listener = usize::try_from(event.data()).ok().and_then(|index| listeners.get(index));
            let Some(listener) = listener else { return };
            while listener.accept().is_ok() {}
        }
    }
}

fn transparent_listener(port: u16) -> io::Result<TcpListener> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    setsockopt(&fd, sockopt::IpTransparent, &true)?;
    bind(fd.as_raw_fd(), &SockaddrIn::new(0, 0, 0, 0, port))?;
    listen(&fd, Backlog::MAXALLOWABLE)?;
    Ok(TcpListener::from(fd))
}

/// As far as this user may; children inherit the limit.
fn raise_descriptor_limit(wanted: u64) -> Result<(), LabError> {
    let failed = |error: Errno| LabError::io("raise the descriptor limit")(error.into());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    if soft >= wanted || setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok() {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_err(failed)
}
