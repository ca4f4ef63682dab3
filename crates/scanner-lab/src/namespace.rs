//! `Namespace`: a network namespace, without a name unless one is wanted, so that nothing of it is left when the process ends,
//! however it ends.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, setns, unshare};

use crate::error::LabError;

/// A network namespace with loopback up. It lives as long as this value and whatever runs in it.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    name: Option<String>,
}

impl Namespace {
    /// A fresh namespace.
    ///
    /// # Errors
    /// [`LabError::Unavailable`] where this user, kernel or machine can have no namespace, device or firewall rule.
    pub fn new() -> Result<Self, LabError> {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.join().unwrap_or_else(|panic| resume_unwind(panic));
        let file = file.map_err(|error| LabError::unavailable("no network namespace", &error))?;
        Self { file, name: None }.prepared()
    }

    /// A fresh namespace that `ip netns exec NAME` finds. It is deleted when this value is dropped; after a crash it stays.
    ///
    /// # Errors
    /// As [`Namespace::new`], and where the name is taken.
    pub fn named(name: &str) -> Result<Self, LabError> {
        let added = tool(&mut Command::new("ip"), &["netns", "add", name], "");
        added.map_err(|error| LabError::unavailable("no named network namespace", &error))?;
        let path = format!("/run/netns/{name}");
        let file = File::open(&path).map_err(LabError::io(format!("open {path}")))?;
        Self { file, name: Some(name.to_owned()) }.prepared()
    }

    /// With loopback up, and nft able to do what the lab asks of it.
    fn prepared(self) -> Result<Self, LabError> {
        let unavailable = |error| LabError::unavailable("no network can be made here", &error);
        self.ip("link set lo up").map_err(unavailable)?;
        // A rule that every network could need: the kernel may lack the module.
        let rules = "table inet check { chain c { type filter hook input priority 0; tcp dport 1 reject with tcp reset; }; }";
        self.tool("nft", &["--check", "--file", "-"], rules).map_err(unavailable)?;
        Ok(self)
    }

    /// A path by which other programs can open this namespace while it lives.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Runs `task` inside, on a thread of its own. Sockets made there stay there.
    ///
    /// # Errors
    /// Where the namespace cannot be entered; the task has not run.
    pub fn run<T: Send>(&self, task: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let inside = || {
            setns(&self.file, CloneFlags::CLONE_NEWNET)?;
            Ok(task())
        };
        let ran = thread::scope(|scope| scope.spawn(inside).join());
        ran.unwrap_or_else(|panic| resume_unwind(panic)).map_err(LabError::io("enter a network namespace"))
    }

    /// The same without waiting: a thread that stays inside.
    pub(crate) fn start(&self, task: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LabError> {
        let file = self.file.try_clone().map_err(LabError::io("keep a network namespace"))?;
        Ok(thread::spawn(move || {
            let entered = setns(&file, CloneFlags::CLONE_NEWNET);
            assert!(entered.is_ok(), "enter a network namespace: {entered:?}");
            task();
        }))
    }

    /// Starts a program inside.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, LabError> {
        let program = command.get_program().to_string_lossy().into_owned();
        self.run(|| command.spawn())?.map_err(LabError::io(format!("start {program}")))
    }

    /// Configures the network with `ip`, the arguments separated by white space.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn ip(&self, arguments: &str) -> Result<(), LabError> {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        self.tool("ip", &arguments, "").map(drop)
    }

    /// Adds firewall rules.
    ///
    /// # Errors
    /// What `nft` says.
    pub fn nft(&self, rules: &str) -> Result<(), LabError> {
        self.tool("nft", &["--file", "-"], rules).map(drop)
    }

    /// Sets a kernel parameter below `net`; one that this kernel does not have is left alone. Only those that belong to a
    /// namespace stay inside it.
    ///
    /// # Errors
    /// Where the kernel refuses the value.
    pub fn sysctl(&self, name: &str, value: u32) -> Result<(), LabError> {
        let path = format!("/proc/sys/net/{name}");
        match self.run(|| fs::write(&path, value.to_string()))? {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LabError::io(path)(error)),
            _ => Ok(()),
        }
    }

    /// Runs a tool inside to its end; what it printed.
    pub(crate) fn tool(&self, program: &str, arguments: &[&str], input: &str) -> Result<String, LabError> {
        self.run(|| tool(&mut Command::new(program), arguments, input))?
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // What cannot be deleted has been deleted by hand.
            drop(tool(&mut Command::new("ip"), &["netns", "delete", name], ""));
        }
    }
}

fn tool(command: &mut Command, arguments: &[&str], input: &str) -> Result<String, LabError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| LabError::unavailable(&program, &error))?;
    // A program that reads no input may be gone already.
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(LabError::io(format!("wait for {program}")))?;
    if output.status.success() && (input.is_empty() || written.is_some_and(|written| written.is_ok())) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Tool { command: format!("{program} {}", arguments.join(" ")), why })
}
