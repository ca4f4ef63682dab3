//! Figures that do not depend on how busy the machine is: instructions and system calls per refused port. Each is the
//! difference of two scans, so that starting and ending cancel.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use scanner_lab::Namespace;

use super::errand::Ports;
use crate::measure::{self, Counter, Run};

/// The two scans. All ports are below those that the kernel gives to sockets, so that none connects to itself.
const SMALL: Ports = Ports::range(1, 2_000);
const LARGE: Ports = Ports::range(1, 10_000);

/// Nothing that is left to chance or to the machine.
const FIXED: &[&str] = &[
    "--pace",
    "fixed",
    "--max-connections",
    "100",
    "--seed",
    "1",
    "--no-config",
    "--quiet",
    "--format",
    "text",
];

const LIMIT: Duration = Duration::from_mins(2);

/// Scans of each size; the median counts, since the kernel does not always deliver as many answers at once.
const REPEATS: usize = 3;

/// The two methods that are the pure half of the engine, as they are called in a profile.
const CONTROLLER: [&str; 2] =
    ["scanner_net::control::Controller::handle_input", "scanner_net::control::Controller::poll_output"];

/// The connectors that the command can be told to use.
const CONNECTORS: [&str; 2] = ["fast", "portable"];

/// Figures by name, per refused port.
pub(super) type Figures = BTreeMap<String, f64>;

/// What could be measured here, and why the rest could not.
pub(super) struct Measured {
    pub(super) figures: Figures,
    pub(super) skipped: Vec<String>,
}

/// Measures the command with each of its connectors.
pub(super) fn measure(scanner: &Path) -> Result<Measured> {
    let mut measured = Measured { figures: Figures::new(), skipped: Vec::new() };
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => {
            measured.skipped.push(format!("everything: {why}"));
            return Ok(measured);
        }
    };
    let callgrind = find_callgrind();
    if let Err(why) = &callgrind {
        measured.skipped.push(format!("instructions: {why:#}"));
    }
    let counter = Counter::find();
    if let Err(why) = &counter {
        measured.skipped.push(format!("system calls: {why:#}"));
    }
    for connector in CONNECTORS {
        let scan = Scan { scanner, connector, namespace: &namespace };
        let mut add = |what: &str, figure| measured.figures.insert(format!("{connector}-{what}"), figure);
        if callgrind.is_ok() {
            let [controller, all] = per_port(|ports| scan.instructions(ports))?;
            add("controller-instructions", controller);
            add("instructions", all);
        }
        if let Ok(counter) = counter {
            let [calls] = per_port(|ports| scan.system_calls(counter, ports))?;
            add("system-calls", calls);
        }
    }
    Ok(measured)
}

#[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
fn per_port<const N: usize>(count: impl Fn(Ports) -> Result<[u64; N]>) -> Result<[f64; N]> {
    let median = |ports: Ports| -> Result<[u64; N]> {
        let counts = (0..REPEATS).map(|_| count(ports)).collect::<Result<Vec<_>>>()?;
        Ok(std::array::from_fn(|figure| {
            let mut counts: Vec<u64> = counts.iter().map(|counts| counts[figure]).collect();
            counts.sort_unstable();
            counts[REPEATS / 2]
        }))
    };
    let (small, large) = (median(SMALL)?, median(LARGE)?);
    let more = (LARGE.count() - SMALL.count()) as f64;
    Ok(std::array::from_fn(|figure| (large[figure] as f64 - small[figure] as f64) / more))
}

struct Scan<'a> {
    scanner: &'a Path,
    connector: &'static str,
    namespace: &'a Namespace,
}

impl Scan<'_> {
    /// Those of the controller, and of everything in user space.
    fn instructions(&self, ports: Ports) -> Result<[u64; 2]> {
        let profile = tempfile::NamedTempFile::new()?;
        let path = profile.path().to_string_lossy();
        let file = format!("--callgrind-out-file={path}");
        let mut command = measure::behind(&["valgrind", "--tool=callgrind", &file], &self.command(ports));
        let run = measure::run(&mut command, &|command| self.start(command), LIMIT)?;
        ensure_refused(&run, ports)?;
        let report = Command::new("callgrind_annotate")
            .args(["--inclusive=yes", "--threshold=100", &path])
            .output()
            .context("start callgrind_annotate")?;
        let report = String::from_utf8_lossy(&report.stdout);
        let total = cost(&report, "PROGRAM TOTALS").context("callgrind_annotate shows no total")?;
        let controller = CONTROLLER.map(|name| {
            cost(&report, name).with_context(|| {
                format!(
                    "{name} is not in the profile: has it another name, or was it compiled into its caller?"
                )
            })
        });
        let [input, output] = controller;
        Ok([input? + output?, total])
    }

    fn system_calls(&self, counter: Counter, ports: Ports) -> Result<[u64; 1]> {
        let (run, calls) = counter.count(&self.command(ports), &|command| self.start(command), LIMIT)?;
        ensure_refused(&run, ports)?;
        Ok([calls])
    }

    fn command(&self, ports: Ports) -> Command {
        let mut command = Command::new(self.scanner);
        command.arg(Ipv4Addr::LOCALHOST.to_string()).args(["-p", &ports.to_string()]).args(FIXED);
        command.args(["--connector", self.connector]);
        command
    }

    fn start(&self, command: &mut Command) -> io::Result<Child> {
        self.namespace.spawn(command).map_err(io::Error::other)
    }
}

/// A scan to which not every port was refused did other work.
fn ensure_refused(run: &Run, ports: Ports) -> Result<()> {
    if let Some(why) = run.failure() {
        bail!("scan of {ports}: {why}");
    }
    let closed = closed_in_text(&run.stdout);
    ensure!(closed == Some(ports.count()), "scan of {ports}: not every port was refused\n{}", run.stdout);
    Ok(())
}

fn find_callgrind() -> Result<()> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "true"])
        .output();
    let output = output.context("valgrind")?;
    ensure!(output.status.success(), "valgrind cannot run callgrind");
    Command::new("callgrind_annotate").arg("--version").output().context("callgrind_annotate")?;
    Ok(())
}

/// The inclusive cost of a function in the report of `callgrind_annotate`: `2,608,147 (34.24%)  ???:NAME [OBJECT]`.
fn cost(report: &str, function: &str) -> Option<u64> {
    let names = |line: &&str| {
        let name = line.split_once(')').map_or("", |(_, rest)| rest.trim());
        let name = name.split_once(" [").map_or(name, |(name, _)| name);
        name == function
            || name
                .strip_suffix(function)
                .is_some_and(|before| before.ends_with("?:") || before.ends_with(".rs:"))
    };
    let line = report.lines().find(names)?;
    line.split_whitespace().next()?.replace(',', "").parse().ok()
}

/// How many ports this command's text calls refused: `10,000 closed (refused)`.
fn closed_in_text(stdout: &str) -> Option<u64> {
    let count = |line: &str| line.split_once(" closed (refused)")?.0.trim().replace(',', "").parse().ok();
    stdout.lines().find_map(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
Ir
--------------------------------------------------------------------------------
7,617,582 (100.0%)  PROGRAM TOTALS

Ir                  file:function
5,948,098 (78.08%)  ???:scanner_net::driver::Driver<C>::turn [/x/scanner]
2,608,147 (34.24%)  ???:scanner_net::control::Controller::handle_input [/x/scanner]
1,848,140 (24.26%)  control.rs:scanner_net::control::Controller::poll_output [/x/scanner]
  303,180 ( 3.98%)  ./elf/./elf/rtld.c:_dl_start [/x/ld-linux]
        9 ( 0.00%)  ???:not_scanner_net::control::Controller::handle_input [/x/scanner]
";

    #[test]
    fn costs_are_read_from_the_profile() {
        assert_eq!(cost(REPORT, "PROGRAM TOTALS"), Some(7_617_582));
        assert_eq!(CONTROLLER.map(|name| cost(REPORT, name)), [Some(2_608_147), Some(1_848_140)]);
        assert_eq!(cost(REPORT, "control::Controller::handle_input"), None);
        assert_eq!(cost("", "PROGRAM TOTALS"), None);
    }

    #[test]
    fn refused_ports_are_counted_in_the_text() {
        assert_eq!(closed_in_text("127.0.0.1  up\n 10,000 closed (refused)\n"), Some(10_000));
        assert_eq!(closed_in_text("127.0.0.1  down\n"), None);
    }
}
