//! `cargo xtask netns -- CMD…`: a command in a fresh network namespace, where nothing it sends can leave.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::bail;

/// How `unshare` is asked for a network namespace: with privileges, or through a user namespace of one's own.
const WAYS: [&[&str]; 2] = [&["-n"], &["-r", "-n"]];

/// Replaces this process by the command, in a namespace with loopback up: its exit status is the task's, and a
/// signal sent to the task reaches it. Returns only where that cannot be done.
pub(crate) fn run(command: &[OsString]) -> anyhow::Result<()> {
    let way = find_way()?;
    let error =
        replace(Command::new("unshare").args(way).args(["--", "sh", "-c", LOOPBACK_UP, "sh"]).args(command));
    bail!("start unshare: {error}")
}

/// Why no network namespace can be made here; `None` where one can.
pub(crate) fn why_not() -> Option<String> {
    find_way().err().map(|error| format!("{error:#}"))
}

const LOOPBACK_UP: &str = r#"ip link set lo up || exit 1; exec "$@""#;

fn find_way() -> anyhow::Result<&'static [&'static str]> {
    if !cfg!(target_os = "linux") {
        bail!("network namespaces exist only on Linux");
    }
    let mut refusals = Vec::new();
    for way in WAYS {
        match try_way(way) {
            Ok(()) => return Ok(way),
            Err(why) => refusals.push(format!("unshare {}: {why}", way.join(" "))),
        }
    }
    bail!("no network namespace can be made here ({})", refusals.join("; "))
}

/// Makes a namespace and brings its loopback up, to see whether that works.
fn try_way(way: &[&str]) -> Result<(), String> {
    let output = Command::new("unshare")
        .args(way)
        .args(["--", "sh", "-c", LOOPBACK_UP, "sh", "true"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().map(str::trim).unwrap_or_default();
    Err(if last.is_empty() { output.status.to_string() } else { last.to_owned() })
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
        let why = try_way(&["--no-such-option"]).unwrap_err();
        assert!(!why.is_empty() && !why.contains('\n'), "{why}");
    }
}
