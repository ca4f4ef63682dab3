//! `cargo xtask netns -- CMD…`: a command in a fresh network namespace, where nothing it sends can leave.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail, ensure};

/// How `unshare` is asked for a network namespace: by who may, or in a user namespace of one's own.
const PRIVILEGED: &[&str] = &["-n"];
const UNPRIVILEGED: &[&str] = &["-r", "-n"];

const LOOPBACK_UP: &str = r#"ip link set lo up || exit 1; exec "$@""#;

/// A rule that the tests could need: the kernel may lack the module.
const RULE: &str =
    "table inet check { chain c { type filter hook input priority 0; tcp dport 1 reject with tcp reset; }; }";

/// Replaces this process by the command, in a namespace with loopback up: its exit status is the task's, and a
/// signal sent to the task reaches it. Returns only where that cannot be done.
pub(crate) fn run(command: &[OsString]) -> Result<()> {
    let way = find_way()?;
    let error =
        replace(Command::new("unshare").args(way).args(["--", "sh", "-c", LOOPBACK_UP, "sh"]).args(command));
    bail!("start unshare: {error}")
}

/// Who can make namespaces and firewall rules here.
pub(crate) enum Ability {
    /// This user.
    Direct,
    /// This user once inside [`within`].
    Within,
}

/// How tests that make namespaces and firewall rules of their own can run, or why they cannot.
pub(crate) fn ability() -> Result<Ability> {
    let way = find_way()?;
    try_inside(way, &["nft", "--check", RULE])
        .map_err(|why| anyhow!("no firewall rules can be made here ({why})"))?;
    Ok(if way == PRIVILEGED { Ability::Direct } else { Ability::Within })
}

/// The command as root of a user namespace, without a network.
pub(crate) fn within(command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped.args(UNPRIVILEGED).arg("--").arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}

fn find_way() -> Result<&'static [&'static str]> {
    ensure!(cfg!(target_os = "linux"), "network namespaces exist only on Linux");
    let mut refusals = Vec::new();
    for way in [PRIVILEGED, UNPRIVILEGED] {
        match try_inside(way, &["true"]) {
            Ok(()) => return Ok(way),
            Err(why) => refusals.push(format!("unshare {}: {why}", way.join(" "))),
        }
    }
    bail!("no network namespace can be made here ({})", refusals.join("; "))
}

/// Runs a command in a namespace with loopback up, to see whether that works; or one line that says why it does not.
fn try_inside(way: &[&str], command: &[&str]) -> Result<(), String> {
    let output = Command::new("unshare")
        .args(way)
        .args(["--", "sh", "-c", LOOPBACK_UP, "sh"])
        .args(command)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let first = words.lines().next().map(str::trim).unwrap_or_default();
    Err(if first.is_empty() { output.status.to_string() } else { first.to_owned() })
}

#[cfg(unix)]
fn replace(command: &mut Command) -> std::io::Error {
    use std::os::unix::process::CommandExt;

    command.exec()
}

#[cfg(not(unix))]
fn replace(_command: &mut Command) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_way_says_why() {
        let why = try_inside(&["--no-such-option"], &["true"]).unwrap_err();
        assert!(!why.is_empty() && !why.contains('\n'), "{why}");
    }

    #[test]
    fn a_command_keeps_its_words_and_folder_within() {
        let mut command = Command::new("cargo");
        let wrapped = within(command.args(["test", "a b"]).current_dir("/"));
        let words: Vec<_> = wrapped.get_args().collect();
        assert_eq!(words, ["-r", "-n", "--", "cargo", "test", "a b"]);
        assert_eq!(wrapped.get_current_dir(), command.get_current_dir());
    }
}
