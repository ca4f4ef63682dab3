//! `Namespace`: a network namespace without a name, so that nothing of it is left when the process ends, however it ends.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace with loopback up. It lives as long as this value and whatever runs in it.
#[derive(Debug)]
pub(crate) struct Namespace {
    file: File,
}

impl Namespace {
    /// A fresh namespace, or why none can be made here.
    pub(crate) fn new() -> Result<Self, String> {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.join().unwrap().map_err(|error| format!("no network namespace: {error}"))?;
        let namespace = Self { file };
        namespace.try_ip("link set lo up")?;
        // A rule that every test could need: the kernel may lack the module.
        let rules = "table inet check { chain c { type filter hook input priority 0; tcp dport 1 reject with tcp reset; }; }";
        namespace.try_tool("nft", &["--check", "--file", "-"], rules)?;
        Ok(namespace)
    }

    /// A path by which other programs can open this namespace while it lives.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Runs `task` inside, on a thread of its own. Sockets made there stay there.
    pub(crate) fn run<T: Send>(&self, task: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(&self.file, CloneFlags::CLONE_NEWNET).unwrap();
            task()
        };
        thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Starts a program inside.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        self.run(|| command.spawn())
    }

    /// Configures the network with `ip`, the arguments separated by white space.
    pub(crate) fn ip(&self, arguments: &str) {
        self.try_ip(arguments).unwrap();
    }

    /// The same where the kernel may lack what it takes.
    pub(crate) fn try_ip(&self, arguments: &str) -> Result<(), String> {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        self.try_tool("ip", &arguments, "")
    }

    /// Adds firewall rules.
    pub(crate) fn nft(&self, rules: &str) {
        self.try_tool("nft", &["--file", "-"], rules).unwrap();
    }

    /// Sets a kernel parameter below `net`; one that this kernel does not have is left alone.
    pub(crate) fn sysctl(&self, name: &str, value: u32) {
        let path = format!("/proc/sys/net/{name}");
        match self.run(|| std::fs::write(&path, value.to_string())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{path}: {error}"),
            _ => {}
        }
    }

    fn try_tool(&self, program: &str, arguments: &[&str], input: &str) -> Result<(), String> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.spawn(&mut command).map_err(|error| format!("{program}: {error}"))?;
        let mut stdin = child.stdin.take().unwrap();
        // A program that reads no input may be gone already.
        let written = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        if output.status.success() && (written.is_ok() || input.is_empty()) {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("{program} {}: {}", arguments.join(" "), why.trim()))
    }
}

/// The value, or the line that says why the test did not run.
pub(crate) fn or_skip<T>(made: Result<T, String>) -> Option<T> {
    match made {
        Ok(value) => Some(value),
        Err(why) => {
            let mut out = io::stdout();
            writeln!(out, "skipped: {}", why.lines().next().unwrap_or_default()).unwrap();
            None
        }
    }
}
