//! The command `scanner`, run inside a namespace, and what it had to say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::net::IpAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scanner_core::{PortState, PortsByReason, Reason};
use scanner_lab::Namespace;
use serde_json::Value;

/// How often, and at most how many times, a test looks whether something has happened: 100 s, far more than anything takes.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 10_000;

/// Runs the command to its end; the arguments are separated by white space.
pub(crate) fn scan(namespace: &Namespace, arguments: &str) -> Finished {
    Running::start(namespace, arguments).finish()
}

/// The command, running. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    /// Starts the command; the arguments are separated by white space.
    pub(crate) fn start(namespace: &Namespace, arguments: &str) -> Self {
        let mut command = scanner(arguments);
        Self::spawn(namespace, &mut command)
    }

    /// The same under a descriptor limit, soft and hard.
    pub(crate) fn start_limited(namespace: &Namespace, descriptors: u32, arguments: &str) -> Self {
        Self::spawn(namespace, &mut limited(&scanner(arguments), descriptors))
    }

    fn spawn(namespace: &Namespace, command: &mut Command) -> Self {
        Self::spawn_by(command, |command| namespace.spawn(command).unwrap())
    }

    /// The same by somebody else's means.
    pub(crate) fn spawn_by(command: &mut Command, spawn: impl FnOnce(&mut Command) -> Child) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command);
        let stdout = Collected::from(child.stdout.take().unwrap());
        let stderr = Collected::from(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Waits until `condition` holds of the running command.
    pub(crate) fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        for _ in 0..LOOKS {
            if condition(self) {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended ({ended:?}) before {what}: {}", self.stderr.text());
            thread::sleep(LOOK);
        }
        panic!("still not {what}: {}", self.stderr.text());
    }

    /// How many network sockets it holds now. Descriptors get the lowest free number, so that one that is closed and one that is
    /// opened while the list is read are not both counted.
    pub(crate) fn sockets(&self) -> usize {
        let pid = self.child.id();
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return 0 };
        let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        let sockets: BTreeSet<String> = links
            .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        // The runtime listens to signals through a pair of sockets that are no network's.
        let unix = fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap_or_default();
        let unix: BTreeSet<_> = unix.lines().filter_map(|line| line.split_whitespace().nth(6)).collect();
        sockets.iter().filter(|inode| !unix.contains(inode.as_str())).count()
    }

    /// The most memory it has ever had resident, in KiB; `None` where it has just ended.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn finish(self) -> Finished {
        self.finish_watched(|_| ())
    }

    /// Waits for its end and looks at it meanwhile.
    pub(crate) fn finish_watched(mut self, mut look: impl FnMut(&Self)) -> Finished {
        for _ in 0..LOOKS {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Finished { status, stdout: self.stdout.join(), stderr: self.stderr.join() };
            }
            look(&self);
            thread::sleep(LOOK);
        }
        panic!("does not end; so far: {}{}", self.stdout.text(), self.stderr.text());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails where the command has ended, as it has in a test that passes.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A command under a descriptor limit, soft and hard.
pub(crate) fn limited(inner: &Command, descriptors: u32) -> Command {
    let mut command = Command::new("sh");
    let limit = format!("ulimit -n {descriptors}; exec \"$@\"");
    command.args(["-c", &limit, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command
}

/// The command where nobody knows names.
pub(crate) fn scanner(arguments: &str) -> Command {
    let mut command = bare(arguments);
    command.arg("-n");
    command
}

/// The command itself, untouched by the configuration and the environment of whoever runs the tests.
pub(crate) fn bare(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanner"));
    command.arg("--no-config").args(arguments.split_whitespace()).env_clear();
    command
}

/// Everything that comes out of a pipe, collected while the program runs.
#[derive(Debug)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut chunk) {
                into.lock().unwrap().extend_from_slice(&chunk[..length]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn join(&mut self) -> String {
        self.reader.take().unwrap().join().unwrap();
        self.text()
    }
}

/// What the command left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One host's record of `--format jsonl`.
#[derive(Debug)]
pub(crate) struct Host {
    /// The record.
    pub(crate) record: Value,
    /// Every settled port.
    pub(crate) ports: PortsByReason,
}

impl Host {
    /// The ports in `state`.
    pub(crate) fn in_state(&self, state: PortState) -> Vec<u16> {
        let sets = self.ports.iter().filter(|(reason, _)| reason.state() == state);
        let ports: BTreeSet<_> = sets.flat_map(|(_, ports)| ports.iter()).collect();
        ports.into_iter().collect()
    }

    /// Every settled port with the reason for its state.
    pub(crate) fn reasons(&self) -> BTreeMap<u16, Reason> {
        self.ports.iter().flat_map(|(reason, ports)| ports.iter().map(move |port| (port, reason))).collect()
    }
}

impl Finished {
    /// The exit status; a program that a signal killed has none.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The records of `--format jsonl`, each of which must be valid.
    pub(crate) fn records(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The only record of a type.
    pub(crate) fn only(&self, kind: &str) -> Value {
        let mut records: Vec<_> =
            self.records().into_iter().filter(|record| record["type"] == kind).collect();
        assert_eq!(records.len(), 1, "records `{kind}` in {}{}", self.stdout, self.stderr);
        records.remove(0)
    }

    /// The record of a host.
    pub(crate) fn host(&self, ip: IpAddr) -> Host {
        let ip = ip.to_string();
        let found = self.records().into_iter().find(|record| record["type"] == "host" && record["ip"] == ip);
        let record = found.unwrap_or_else(|| panic!("no host {ip} in {}{}", self.stdout, self.stderr));
        let ports = serde_json::from_value(record["ports"].clone()).unwrap();
        Host { record, ports }
    }
}
