//! Scenarios that stand: `up`, `status`, `down`. Each is held by a background process of this program, whose id is written
//! down with the time at which it started, so that no other process is ever ended.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scanner_lab::{Draw, Namespace, Scenario, Size, Stage};
use serde::{Deserialize, Serialize};

use crate::flags::{DrawFlags, Ports};
use crate::shell;

/// How often, and at most how many times, is looked whether something has happened: a minute.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 1_200;

/// What is written down of a scenario that stands.
#[derive(Debug, Serialize, Deserialize)]
struct Standing {
    name: String,
    seed: u64,
    pid: i32,
    /// As /proc tells it: no two processes share both.
    started: String,
    namespaces: [String; 2],
    targets: String,
    ports: String,
    /// Host by host.
    open: Vec<String>,
}

/// Builds a scenario that stays.
pub(super) fn up(name: &str, flags: &DrawFlags) -> Result<()> {
    super::run::need_root()?;
    find(name)?;
    if let Some(standing) = read(name) {
        ensure!(!standing.is_running(), "{name} stands already: cargo xtask lab down {name}");
        standing.clear()?;
    }
    // What a holder that was killed has left behind.
    delete(&namespaces(name));
    fs::create_dir_all(folder()).with_context(|| format!("create {}", folder().display()))?;
    let log = folder().join(format!("{name}.log"));
    let words = File::create(&log).with_context(|| format!("create {}", log.display()))?;
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    command.args(["lab", "hold", name, "--seed", &flags.seed.to_string()]);
    if let Some(ports) = flags.ports {
        command.args(["--ports", if ports == Ports::Small { "small" } else { "full" }]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words).process_group(0);
    let mut holder = command.spawn().context("start the holder of the scenario")?;
    for _ in 0..LOOKS {
        if let Some(standing) = read(name) {
            standing.show();
            return Ok(());
        }
        if holder.try_wait().context("wait for the holder of the scenario")?.is_some() {
            bail!("{}", fs::read_to_string(&log).unwrap_or_default().trim().trim_start_matches("error: "));
        }
        thread::sleep(LOOK);
    }
    drop(holder.kill());
    bail!("{name} does not come up; see {}", log.display())
}

/// Builds the scenario, writes down that it stands, and stays until it is ended.
pub(super) fn hold(name: &str, flags: &DrawFlags) -> Result<()> {
    let scenario = find(name)?;
    let size = size_of(flags.ports, &scenario);
    let namespaces = namespaces(name);
    let ends = [Namespace::named(&namespaces[0])?, Namespace::named(&namespaces[1])?];
    let stage = Stage::set_in(ends, &scenario, Draw { seed: flags.seed, run: 1, size })?;
    let ports = stage.ports();
    let open = stage.hosts().iter().map(|host| {
        let open = host.open(ports.clone());
        let shown: Vec<_> = open.iter().take(50).map(u16::to_string).collect();
        format!(
            "{}: {} open: {}{}",
            host.ip,
            open.len(),
            shown.join(","),
            if open.len() > 50 { ",…" } else { "" }
        )
    });
    let pid = std::process::id().cast_signed();
    let standing = Standing {
        name: name.to_owned(),
        seed: flags.seed,
        pid,
        started: started(pid).context("find out when this process started")?,
        namespaces,
        targets: stage.targets().to_owned(),
        ports: format!("{}-{}", ports.start(), ports.end()),
        open: open.collect(),
    };
    let path = path(name);
    let text = serde_json::to_string_pretty(&standing)?;
    // Whoever waits for the file must not find half of it.
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, &path))
        .with_context(|| format!("write {}", path.display()))?;
    loop {
        thread::park();
    }
}

/// Shows what stands.
pub(super) fn status() -> Result<()> {
    let standing = all()?;
    if standing.is_empty() {
        println!("no scenario stands");
    }
    for one in standing {
        if one.is_running() {
            one.show();
        } else {
            println!("{}: its process is gone; cargo xtask lab down {}", one.name, one.name);
        }
    }
    Ok(())
}

/// Takes down what is named, or all that stands.
pub(super) fn down(names: &[String]) -> Result<()> {
    let standing = all()?;
    for name in names {
        ensure!(standing.iter().any(|one| one.name == *name), "{name} does not stand");
    }
    for one in standing.into_iter().filter(|one| names.is_empty() || names.contains(&one.name)) {
        one.clear()?;
        println!("{} is down", one.name);
    }
    Ok(())
}

impl Standing {
    fn is_running(&self) -> bool {
        started(self.pid).is_some_and(|started| started == self.started)
    }

    /// Ends its process, and removes what that leaves behind.
    fn clear(&self) -> Result<()> {
        if self.is_running() {
            kill(Pid::from_raw(self.pid), Signal::SIGTERM)
                .with_context(|| format!("end process {}", self.pid))?;
            for _ in 0..LOOKS {
                if !self.is_running() {
                    break;
                }
                thread::sleep(LOOK);
            }
            ensure!(!self.is_running(), "process {} of {} does not end", self.pid, self.name);
        }
        delete(&self.namespaces);
        let path = path(&self.name);
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))
    }

    fn show(&self) {
        let Self { name, seed, pid, namespaces, targets, ports, open, .. } = self;
        println!("{name}: seed {seed}, process {pid}, namespaces {} and {}", namespaces[0], namespaces[1]);
        for host in open {
            println!("  {host}");
        }
        println!("  ip netns exec {} target/release/scanner -p {ports} {targets}", namespaces[0]);
    }
}

/// The scanner's and the target's.
fn namespaces(name: &str) -> [String; 2] {
    [format!("lab-{name}-scanner"), format!("lab-{name}-target")]
}

fn delete(namespaces: &[String; 2]) {
    for namespace in namespaces {
        // One that is gone already is as good.
        drop(Command::new("ip").args(["netns", "delete", namespace]).stderr(Stdio::null()).status());
    }
}

pub(super) fn size_of(ports: Option<Ports>, scenario: &Scenario) -> Size {
    match ports {
        Some(Ports::Small) => Size::Small,
        Some(Ports::Full) => Size::Full,
        None => scenario.size,
    }
}

fn find(name: &str) -> Result<Scenario> {
    let found = scanner_lab::scenarios()?.into_iter().find(|(known, _)| *known == name);
    let (_, scenario) =
        found.with_context(|| format!("no scenario {name:?}; cargo xtask lab list names them"))?;
    Ok(scenario)
}

fn folder() -> PathBuf {
    shell::root().join("target/lab")
}

fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.json"))
}

fn read(name: &str) -> Option<Standing> {
    serde_json::from_str(&fs::read_to_string(path(name)).ok()?).ok()
}

fn all() -> Result<Vec<Standing>> {
    let scenarios = scanner_lab::scenarios()?;
    Ok(scenarios.iter().filter_map(|(name, _)| read(name)).collect())
}

/// When a process started, in the kernel's ticks.
fn started(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    // A process that has ended and that nobody has waited for is as good as gone.
    let is_gone = fields.next()? == "Z";
    (!is_gone).then(|| fields.nth(18).map(str::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_when_it_started() {
        let own = std::process::id().cast_signed();
        assert_eq!(started(own), started(own));
        assert!(started(own).is_some_and(|ticks| ticks.parse::<u64>().is_ok()));
        assert_eq!(started(i32::MAX), None);
    }
}
