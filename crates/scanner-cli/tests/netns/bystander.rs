//! Another program of this machine, which talks to its neighbours while a network full of nobody is scanned: it must not notice. The
//! kernel's neighbour table is one for all, and full of unanswered entries it has no room for anybody's.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use scanner_lab::{Family, Wire, World};

use crate::command::scan;
use crate::setup::or_skip;

const PORT: u16 = 7;
const EVERY: Duration = Duration::from_millis(100);
/// How long the last answers are waited for: the kernel asks for a neighbour three times, a second apart.
const STRAGGLERS: Duration = Duration::from_secs(3);

/// Live hosts of the network that is scanned.
const LIVE: [Ipv4Addr; 3] =
    [Ipv4Addr::new(10, 80, 0, 9), Ipv4Addr::new(10, 80, 1, 255), Ipv4Addr::new(10, 80, 2, 77)];

/// The neighbours beside it, each to be found anew.
fn beside(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 80, 4, 0)) + 1 + n % BESIDE)
}

const BESIDE: u32 = 200;

#[test]
fn who_talks_to_neighbours_during_a_scan_loses_nothing() {
    let Some(world) = or_skip(World::new(Wire::Veth, Family::V4)) else { return };
    world.scanner.ip("address add 10.80.0.1/21 dev wire").unwrap();
    for address in LIVE.into_iter().chain((0..BESIDE).map(beside)) {
        world.target.ip(&format!("address add {address}/21 dev wire")).unwrap();
    }
    let _echo = Echo::start(&world);

    let talk = Talk::start(&world);
    let sparse = scan(&world.scanner, "10.80.0.0/22 -p 1-100 --jsonl --exclude 10.80.0.1");
    let dead = scan(&world.scanner, "10.80.3.200 -p 1-2000 -Pn --jsonl");
    let said = talk.end();
    assert!(said.sent > 20, "hardly anything was said meanwhile: {said:?}");
    assert_eq!((said.refused, said.answered.len()), (0, said.sent as usize), "{said:?}");

    let up = sparse.records().into_iter().filter(|host| host["type"] == "host" && host["status"] == "up");
    assert_eq!(up.count(), LIVE.len(), "{}", sparse.stderr);
    assert_eq!((sparse.code(), dead.code()), (Some(0), Some(0)), "{}{}", sparse.stderr, dead.stderr);
}

/// A thread that works until it is told to stop.
struct Helper<T> {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Helper<T> {
    fn start(work: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&over);
        Self { over, thread: Some(thread::spawn(move || work(&shared))) }
    }
}

impl<T> Helper<T> {
    fn end(&mut self) -> Option<T> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().map(|thread| thread.join().unwrap())
    }
}

/// Every neighbour sends back what comes to [`PORT`].
struct Echo(Helper<()>);

impl Echo {
    fn start(world: &World) -> Self {
        let socket = world.target.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))).unwrap().unwrap();
        socket.set_read_timeout(Some(EVERY)).unwrap();
        Self(Helper::start(move |over| {
            let mut buffer = [0; 8];
            while !over.load(Ordering::Relaxed) {
                if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    socket.send_to(&buffer[..len], from).unwrap();
                }
            }
        }))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ended = self.0.end();
    }
}

#[derive(Debug, Default)]
struct Said {
    sent: u32,
    /// What the kernel did not take.
    refused: u32,
    answered: BTreeSet<u32>,
}

impl Said {
    fn hear(&mut self, socket: &UdpSocket) {
        let mut buffer = [0; 4];
        while let Ok((4, _)) = socket.recv_from(&mut buffer) {
            self.answered.insert(u32::from_be_bytes(buffer));
        }
    }
}

/// Says something to a neighbour every [`EVERY`]: by turns to one that is scanned meanwhile and to one that is not known yet.
struct Talk(Helper<Said>);

impl Talk {
    fn start(world: &World) -> Self {
        let socket = world.scanner.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))).unwrap().unwrap();
        socket.set_nonblocking(true).unwrap();
        Self(Helper::start(move |over| {
            let mut said = Said::default();
            while !over.load(Ordering::Relaxed) {
                let n = said.sent;
                let to = if n.is_multiple_of(2) { LIVE[n as usize / 2 % LIVE.len()] } else { beside(n / 2) };
                let sent: io::Result<usize> = socket.send_to(&n.to_be_bytes(), SocketAddr::from((to, PORT)));
                said.refused += u32::from(sent.is_err());
                said.sent += 1;
                thread::sleep(EVERY);
                said.hear(&socket);
            }
            thread::sleep(STRAGGLERS);
            said.hear(&socket);
            said
        }))
    }

    fn end(mut self) -> Said {
        self.0.end().unwrap()
    }
}
