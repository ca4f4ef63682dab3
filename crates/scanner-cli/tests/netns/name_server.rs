//! Name servers at the target's end: a real one, and one that says what no real one would.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use scanner_lab::{LabError, Namespace};
use tempfile::NamedTempFile;

/// Where [`Dnsmasq`] listens.
pub(crate) const REAL: &str = "10.7.0.2";
/// Where [`Scripted`] listens.
pub(crate) const SCRIPTED: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 53);

/// How many addresses `many.lan` has: far more than fit into a datagram.
pub(crate) const MANY: usize = 200;

/// What the real name server knows. It refuses what is outside these zones.
const RECORDS: &str = "
    --host-record=router.lan,10.7.0.2
    --host-record=nas.lan,10.7.0.3,fd07::3
    --host-record=six.lan,fd07::6
    --host-record=xn--bcher-kva.lan,10.7.0.4
    --cname=a.lan,b.lan --cname=b.lan,c.lan --cname=c.lan,nas.lan
    --host-record=stranger.example,192.0.2.5
    --ptr-record=5.0.7.10.in-addr.arpa,stranger.example
    --ptr-record=6.0.7.10.in-addr.arpa,gone.lan
    --txt-record=text.lan,nothing
    --local=/lan/ --local=/example/ --local=/in-addr.arpa/ --local=/ip6.arpa/
";

/// Debian's dnsmasq, until dropped.
#[derive(Debug)]
pub(crate) struct Dnsmasq {
    child: Child,
    _many: NamedTempFile,
}

impl Dnsmasq {
    /// It answers when this returns.
    pub(crate) fn start(namespace: &Namespace) -> Result<Self, LabError> {
        let many = NamedTempFile::new().unwrap();
        let lines = (1..=MANY).fold(String::new(), |mut lines, host| {
            writeln!(lines, "10.8.0.{host} many.lan").unwrap();
            lines
        });
        std::fs::write(&many, lines).unwrap();
        let mut command = Command::new("dnsmasq");
        command
            .args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll"])
            .args(["--bind-interfaces", "--except-interface=lo"])
            .arg(format!("--listen-address={REAL}"))
            .arg(format!("--addn-hosts={}", many.path().display()))
            .args(RECORDS.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = namespace.spawn(&mut command).map_err(|error| LabError::Unavailable {
            what: "no dnsmasq (Debian: dnsmasq-base)".into(),
            why: error.to_string(),
        })?;
        let server = Self { child, _many: many };
        let answers = namespace.run(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let question = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x06router\x03lan\0\0\x01\0\x01";
            let server = SocketAddr::new(REAL.parse().unwrap(), 53);
            // At first nobody may be there, which the socket is told.
            (0..200).any(|_| {
                let asked = socket.send_to(question, server).and_then(|_| socket.recv(&mut [0; 512]));
                if asked.is_err() {
                    thread::sleep(Duration::from_millis(10));
                }
                asked.is_ok()
            })
        });
        assert!(answers.unwrap(), "dnsmasq does not answer");
        Ok(server)
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the scripted server does with a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Nothing.
    Silence,
    /// An empty answer with this code (RFC 1035, 4.1.1).
    Code(u8),
    /// A PTR record whose name has these labels.
    Ptr(Vec<Vec<u8>>),
}

/// Answers by a function of the question's first label, until dropped.
#[derive(Debug)]
pub(crate) struct Scripted {
    asked: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scripted {
    pub(crate) fn start(namespace: &Namespace, reply: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        namespace.ip(&format!("address add {SCRIPTED}/24 dev wire")).unwrap();
        let socket = namespace.run(|| UdpSocket::bind((SCRIPTED, 53)).unwrap()).unwrap();
        // Only how long dropping it takes.
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (asked, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stop) = (Arc::clone(&asked), Arc::clone(&stopped));
        let thread = thread::spawn(move || {
            let mut question = [0; 512];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut question) else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                if let Some(answer) = answer(&question[..length], &reply) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        Self { asked, stopped, thread: Some(thread) }
    }

    /// How many questions have come.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // A panic of the thread has been printed.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn answer(question: &[u8], reply: &impl Fn(&str) -> Reply) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let first = usize::from(question[HEADER]);
    let label = String::from_utf8_lossy(&question[HEADER + 1..=HEADER + first]).to_lowercase();
    let name = question[HEADER..].iter().position(|byte| *byte == 0)? + 1;
    let (code, labels) = match reply(&label) {
        Reply::Silence => return None,
        Reply::Code(code) => (code, None),
        Reply::Ptr(labels) => (0, Some(labels)),
    };
    let records = u8::from(labels.is_some());
    let mut answer = question[..2].to_vec();
    answer.extend([0x85, 0x80 | code, 0, 1, 0, records, 0, 0, 0, 0]);
    answer.extend(&question[HEADER..HEADER + name + 4]);
    if let Some(labels) = labels {
        let mut name: Vec<u8> = Vec::new();
        for label in labels {
            name.push(u8::try_from(label.len()).unwrap());
            name.extend(label);
        }
        name.push(0);
        answer.extend([0xc0, 0x0c, 0, 12, 0, 1, 0, 0, 0, 60, 0, u8::try_from(name.len()).unwrap()]);
        answer.extend(name);
    }
    Some(answer)
}
