//! One run of a command, measured: time, CPU, peak memory, and on request its system calls.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeVal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// How long a command that was asked to end may take to write what it has.
const GRACE: Duration = Duration::from_secs(2);

/// How a command is started: as it is, or inside a network namespace.
pub(crate) type Start<'a> = &'a dyn Fn(&mut Command) -> io::Result<Child>;

/// What one run of a command took, and what it wrote.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    /// Whether it took too long and was ended.
    pub(crate) cut: bool,
    pub(crate) wall: Duration,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// In bytes; nothing where this process may not look.
    pub(crate) peak_memory: Option<u64>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Why the run is of no use, unless it is.
    pub(crate) fn failure(&self) -> Option<String> {
        if self.cut {
            return Some(format!("took longer than {:.0} s", self.wall.as_secs_f64()));
        }
        if self.status.success() {
            return None;
        }
        let ended = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "ended".to_owned(),
        };
        let why = self.stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Some(format!("{ended} {}", why.trim()).trim_end().to_owned())
    }
}

/// Runs the command to its end, or for as long as `limit`. One at a time in this process: CPU time is the difference of
/// what all ended children took.
#[expect(clippy::disallowed_methods, reason = "the time a command takes is what is measured")]
pub(crate) fn run(command: &mut Command, start: Start, limit: Duration) -> Result<Run> {
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let name = command.get_program().to_owned();
    let before = children_cpu()?;
    let started = Instant::now();
    let mut child = start(command).with_context(|| format!("start {}", name.display()))?;
    let pid = Pid::from_raw(child.id().try_into()?);
    let (peak_memory, cut) = watch(pid, limit);
    let wall = started.elapsed();
    let status = child.wait()?;
    let after = children_cpu()?;
    Ok(Run {
        status,
        cut,
        wall,
        user: after.0.saturating_sub(before.0),
        system: after.1.saturating_sub(before.1),
        peak_memory,
        stdout: text_of(&mut stdout)?,
        stderr: text_of(&mut stderr)?,
    })
}

/// Waits for the end without taking the exit status, so that the process identifier stays its own while a signal may be
/// sent; its peak memory, and whether it had to be ended.
fn watch(pid: Pid, limit: Duration) -> (Option<u64>, bool) {
    let (ended, wait_ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let guard = scope.spawn(move || {
            if wait_ended.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            let _ = kill(pid, Signal::SIGTERM);
            if wait_ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
            true
        });
        let peak = peak_until_end(pid);
        drop(ended);
        (peak, guard.join().unwrap_or(true))
    })
}

/// The kernel keeps the peak of a process together with its memory, and both are gone when the process has ended; what
/// `wait4` returns begins with the memory of this process, which it shared before `exec`. So it is stopped on its way out.
/// It also ends when this process does.
fn peak_until_end(pid: Pid) -> Option<u64> {
    let options = ptrace::Options::PTRACE_O_TRACEEXIT | ptrace::Options::PTRACE_O_EXITKILL;
    // Refused where tracing is forbidden: then there is no figure, and no stop to go on from.
    let _ = ptrace::seize(pid, options);
    let mut peak = None;
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT;
    loop {
        match waitid(Id::Pid(pid), flags) {
            Ok(WaitStatus::PtraceEvent(_, _, event)) if event == ptrace::Event::PTRACE_EVENT_EXIT as i32 => {
                let status = fs::read_to_string(format!("/proc/{pid}/status")).ok();
                peak = status.as_deref().and_then(peak_in_status);
                let _ = ptrace::cont(pid, None);
            }
            // A stop that is no event of its own hands over a signal, to be passed on.
            Ok(WaitStatus::PtraceEvent(_, signal, 0)) => drop(ptrace::cont(pid, signal)),
            Ok(WaitStatus::PtraceEvent(..)) => drop(ptrace::cont(pid, None)),
            Ok(WaitStatus::Stopped(..) | WaitStatus::Continued(_) | WaitStatus::PtraceSyscall(_)) => {
                let _ = kill(pid, Signal::SIGKILL);
            }
            Err(Errno::EINTR) => {}
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..) | WaitStatus::StillAlive) | Err(_) => {
                return peak;
            }
        }
    }
}

fn peak_in_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn children_cpu() -> Result<(Duration, Duration)> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((duration(usage.user_time()), duration(usage.system_time())))
}

fn duration(time: TimeVal) -> Duration {
    let micros = time.tv_sec() * 1_000_000 + time.tv_usec();
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

fn text_of(file: &mut File) -> Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The command behind another one that takes it as its arguments, such as `chrt -f 1`.
pub(crate) fn behind<S: AsRef<OsStr>>(prefix: &[S], command: &Command) -> Command {
    let Some((program, rest)) = prefix.split_first() else {
        let mut same = Command::new(command.get_program());
        same.args(command.get_args());
        return same;
    };
    let mut wrapped = Command::new(program);
    wrapped.args(rest).arg(command.get_program()).args(command.get_args());
    wrapped
}

/// Puts this program before other work of the machine, with the networks that it carries, so that they are as fast as they say.
/// False where the kernel does not allow it.
pub(crate) fn go_before_others() -> bool {
    let own = std::process::id().to_string();
    let mut chrt = Command::new("chrt");
    chrt.args(["--fifo", "--all-tasks", "--pid", "2", &own]).stdout(Stdio::null()).stderr(Stdio::null());
    chrt.status().is_ok_and(|status| status.success())
}

/// How system calls are counted here. Counting costs time, so it takes a run of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counter {
    Perf,
    Strace,
}

impl Counter {
    /// The cheaper one of those that work here, or why none does.
    pub(crate) fn find() -> Result<Self> {
        let mut refusals = Vec::new();
        for counter in [Self::Perf, Self::Strace] {
            match counter.count(&Command::new("true"), &|command| command.spawn(), GRACE) {
                Ok((_, calls)) if calls > 0 => return Ok(counter),
                Ok(_) => refusals.push(format!("{counter:?} counts nothing")),
                Err(error) => refusals.push(format!("{error:#}")),
            }
        }
        Err(anyhow!("system calls cannot be counted ({})", refusals.join("; ")))
    }

    /// The tool, ready for the command that it is to count in; it writes its report to a file.
    pub(crate) fn command(self, report: &Path) -> Command {
        let (program, options): (_, &[_]) = match self {
            Self::Perf => ("perf", &["stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o"]),
            Self::Strace => ("strace", &["-f", "-c", "-o"]),
        };
        let mut command = Command::new(program);
        command.args(options).arg(report).arg("--");
        command
    }

    /// The count in the tool's report: the first column of the event's line, or the fourth of the line of sums.
    pub(crate) fn read(self, report: &str) -> Option<u64> {
        match self {
            Self::Perf => {
                let line = report.lines().find(|line| line.contains("raw_syscalls:sys_enter"))?;
                line.split(',').next()?.parse().ok()
            }
            Self::Strace => {
                let line = report.lines().rfind(|line| line.trim_end().ends_with(" total"))?;
                line.split_whitespace().nth(3)?.parse().ok()
            }
        }
    }

    /// Runs the command and counts the system calls of all its threads and children.
    pub(crate) fn count(self, command: &Command, start: Start, limit: Duration) -> Result<(Run, u64)> {
        let report = tempfile::NamedTempFile::new()?;
        let mut counted = self.command(report.path());
        counted.arg(command.get_program()).args(command.get_args());
        let run = run(&mut counted, start, limit)?;
        let text = fs::read_to_string(report.path())?;
        let calls = self.read(&text).with_context(|| {
            let why = run.stderr.lines().chain(text.lines()).find(|line| !line.trim().is_empty());
            format!("{self:?}: {}", why.unwrap_or("no count in its report").trim())
        })?;
        Ok((run, calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Run {
        run(Command::new("sh").args(["-c", script]), &|command| command.spawn(), limit).unwrap()
    }

    #[test]
    fn a_run_says_how_it_ended_and_what_it_wrote() {
        let long = Duration::from_mins(1);
        let fine = sh("echo out; echo err >&2", long);
        assert_eq!((fine.stdout.as_str(), fine.stderr.as_str(), fine.failure()), ("out\n", "err\n", None));
        let failed = sh("echo; echo ' why' >&2; exit 3", long);
        assert_eq!(failed.failure().unwrap(), "exit status 3 why");
        assert_eq!(sh("kill -9 $$", long).failure().unwrap(), "signal 9");
        assert!(run(&mut Command::new("no-such-command"), &|command| command.spawn(), long).is_err());
    }

    #[test]
    fn a_run_that_takes_too_long_is_ended() {
        let slow = sh("exec sleep 100", Duration::from_millis(50));
        assert!(slow.cut && slow.status.signal() == Some(libc_sigterm()));
    }

    fn libc_sigterm() -> i32 {
        Signal::SIGTERM as i32
    }

    #[test]
    fn the_peak_is_that_of_the_command_and_not_of_this_process() {
        let ballast = vec![1_u8; 64 << 20];
        let run = sh("exec sleep 0.2", Duration::from_mins(1));
        assert_eq!(ballast.iter().step_by(4096).map(|&byte| usize::from(byte)).sum::<usize>(), 16 << 10);
        // Nothing where tracing is forbidden.
        assert!(run.peak_memory.is_none_or(|bytes| bytes > 0 && bytes < 32 << 20), "{run:?}");
    }

    #[test]
    fn the_peak_is_read_from_the_status_of_a_process() {
        assert_eq!(peak_in_status("Name:\tx\nVmHWM:\t    5472 kB\nVmRSS:\t 1 kB\n"), Some(5472 * 1024));
        assert_eq!(peak_in_status("Name:\tx\n"), None);
    }

    #[test]
    fn counts_are_read_from_the_reports_of_the_tools() {
        let perf = "# started on Tue\n\n12347,,raw_syscalls:sys_enter,9000000,100.00,,\n";
        assert_eq!(Counter::Perf.read(perf), Some(12_347));
        assert_eq!(Counter::Perf.read("<not supported>,,raw_syscalls:sys_enter,0,100.00,,\n"), None);
        let strace = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ------------------
 38.48    0.028957         221       131           epoll_wait
  8.70    0.006544           3      2000      2000 connect
------ ----------- ----------- --------- --------- ------------------
100.00    0.075251           6     12334      2006 total
";
        assert_eq!(Counter::Strace.read(strace), Some(12_334));
        assert_eq!(Counter::Strace.read("strace: test_ptrace_get_syscall_info: no\n"), None);
    }

    #[test]
    fn a_command_is_put_behind_another() {
        let mut command = Command::new("scanner");
        command.args(["-p", "1 2"]);
        let words = |command: &Command| {
            let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
            words.join(OsStr::new("|")).to_string_lossy().into_owned()
        };
        assert_eq!(words(&behind(&["chrt", "-f", "1"], &command)), "chrt|-f|1|scanner|-p|1 2");
        assert_eq!(words(&behind::<&str>(&[], &command)), "scanner|-p|1 2");
    }
}
