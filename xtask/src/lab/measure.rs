//! One scan, and what it took. Every command runs below a small process of its own (`lab measure`), so that the resources of
//! its children are this one command's.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::sys::time::TimeValLike as _;
use nix::unistd::Pid;
use scanner_lab::Namespace;
use serde::{Deserialize, Serialize};

use crate::flags::MeasureFlags;
use crate::measure::Counter;

/// Every scanner gets the same, where the limit of this user allows it; more than any asks for.
const DESCRIPTORS: u64 = 20_000;

/// How long a scan that was told to end may take to write what it found.
const GRACE: Duration = Duration::from_secs(2);

/// How often the memory of a running scan is looked at: the kernel keeps the peak, but forgets it with the process.
const FIRST_LOOKS: Duration = Duration::from_millis(1);
const LATER_LOOKS: Duration = Duration::from_millis(20);
const MANY_LOOKS: u32 = 200;

/// What a scan took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) wall_us: u64,
    pub(super) user_us: u64,
    pub(super) system_us: u64,
    /// Resident, as last seen; nothing where the scan was over before anybody looked.
    pub(super) peak_kib: Option<u64>,
    /// Nothing where a signal ended it.
    pub(super) exit_status: Option<i32>,
    /// It was ended because its time was up.
    pub(super) cut: bool,
}

/// How a scan is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) timeout: Duration,
    pub(super) priority: Priority,
    /// Who counts system calls, if they are to be counted, and where to.
    pub(super) system_calls: Option<(Counter, &'a Path)>,
}

/// How a scan is treated by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Like this program.
    Inherited,
    /// Like any program, though this one goes before others.
    Usual,
    /// Before all other work of the machine, but after this program, which is the network.
    Realtime,
}

impl Priority {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Inherited => &[],
            Self::Usual => &["chrt", "--other", "0"],
            Self::Realtime => &["chrt", "--fifo", "1"],
        }
    }
}

/// Runs a command in a namespace; its standard output goes to a file.
pub(super) fn scan(inside: &Namespace, words: &[String], stdout: &Path, way: Way<'_>) -> Result<Measured> {
    let result = stdout.with_extension("measured");
    let own = std::env::current_exe().context("find this program")?;
    let mut command = match way.system_calls {
        None => Command::new(own),
        Some((counter, counts)) => {
            let mut command = counter.command(counts);
            command.arg(own);
            command
        }
    };
    command.args(["lab", "measure", "--timeout", &way.timeout.as_secs().to_string(), "--stdout"]).arg(stdout);
    command.arg("--result").arg(&result).arg("--");
    command.args(way.priority.words());
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // Some scanners leave files where they are.
    command.current_dir(stdout.parent().unwrap_or(Path::new(".")));
    let output = inside.spawn(&mut command)?.wait_with_output().context("wait for a scan")?;
    ensure!(output.status.success(), "{}: {}", words[0], String::from_utf8_lossy(&output.stderr).trim());
    let text = fs::read_to_string(&result).context("read what a scan took")?;
    serde_json::from_str(&text).context("read what a scan took")
}

/// `lab measure`.
pub(super) fn run(flags: &MeasureFlags) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).context("read the descriptor limit")?;
    let limit = most.min(DESCRIPTORS);
    setrlimit(Resource::RLIMIT_NOFILE, limit, limit).context("set the descriptor limit")?;
    let stdout = File::create(&flags.stdout).with_context(|| format!("create {}", flags.stdout.display()))?;
    let mut command = Command::new(&flags.command[0]);
    command
        .args(&flags.command[1..])
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::null())
        .process_group(0);
    let started = now();
    let child = command.spawn().with_context(|| format!("start {}", flags.command[0].display()))?;
    let measured = watch(child, started, Duration::from_secs(flags.timeout))?;
    fs::write(&flags.result, serde_json::to_string(&measured)?)
        .with_context(|| format!("write {}", flags.result.display()))
}

fn watch(mut child: Child, started: Instant, timeout: Duration) -> Result<Measured> {
    let pid = child.id();
    let (tell, ended) = mpsc::channel();
    thread::spawn(move || drop(tell.send((child.wait(), started.elapsed()))));
    let (mut peak_kib, mut cut, mut looks) = (None, None, 0);
    let (status, wall) = loop {
        let pause = if looks < MANY_LOOKS { FIRST_LOOKS } else { LATER_LOOKS };
        match ended.recv_timeout(pause) {
            Ok(ended) => break ended,
            Err(RecvTimeoutError::Disconnected) => return Err(anyhow!("a scan was lost")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        looks += 1;
        peak_kib = peak_memory(pid).max(peak_kib);
        match cut {
            None if started.elapsed() > timeout => cut = Some(end(pid, Signal::SIGINT)),
            Some(at) if at.elapsed() > GRACE => cut = Some(end(pid, Signal::SIGKILL)),
            _ => {}
        }
    };
    let status: ExitStatus = status.context("wait for a scan")?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("read what a scan took")?;
    let micros = |time: i64| u64::try_from(time).unwrap_or_default();
    Ok(Measured {
        wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
        user_us: micros(usage.user_time().num_microseconds()),
        system_us: micros(usage.system_time().num_microseconds()),
        peak_kib,
        exit_status: status.code(),
        cut: cut.is_some(),
    })
}

/// The scan and all that it started.
fn end(group: u32, signal: Signal) -> Instant {
    // It fails where the scan has just ended.
    let _ = killpg(Pid::from_raw(group.cast_signed()), signal);
    now()
}

fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_measured_and_ended_in_time() {
        let sleep = |seconds: &str| {
            let child = Command::new("sleep").arg(seconds).process_group(0).spawn().unwrap();
            watch(child, now(), Duration::from_millis(200)).unwrap()
        };
        let short = sleep("0.01");
        assert_eq!((short.exit_status, short.cut), (Some(0), false));
        let long = sleep("20");
        assert_eq!((long.exit_status, long.cut), (None, true));
    }
}
