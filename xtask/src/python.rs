//! Tools from the Python index, in directories below `target/`: at hand in seconds where building them takes minutes, and nothing of
//! this machine changes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::shell;

/// The directory with exactly these packages, installed where they are not there yet.
///
/// # Errors
/// One line that says what could not be installed and why; what is in the directory may still be of use.
pub(crate) fn install(place: &Path, packages: &[&str]) -> Result<(), String> {
    let stamp = place.join("installed");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    let mut venv = Command::new(if cfg!(windows) { "python" } else { "python3" });
    venv.args(["-m", "venv"]).arg(place);
    let mut pip = Command::new(programs(place).join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    [&mut venv, &mut pip].into_iter().try_for_each(run)?;
    println!("installed {}", packages.join(", "));
    std::fs::write(&stamp, wanted).map_err(|error| error.to_string())
}

/// Where a directory of [`install`] lies.
pub(crate) fn place(name: &str) -> PathBuf {
    shell::root().join("target").join(name)
}

/// Lets the command find its programs before all others.
pub(crate) fn on_path(command: &mut Command, place: &Path) -> anyhow::Result<()> {
    let others = env::var_os("PATH").unwrap_or_default();
    let all = [programs(place)].into_iter().chain(env::split_paths(&others));
    command.env("PATH", env::join_paths(all).context("add to PATH")?);
    Ok(())
}

fn programs(place: &Path) -> PathBuf {
    place.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().unwrap_or_default();
    if output.status.success() { Ok(()) } else { Err(format!("{}: {last}", output.status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed_again() {
        let folder = env::temp_dir().join(format!("xtask-python-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("installed"), "a==1\nb==2").unwrap();
        assert_eq!(install(&folder, &["a==1", "b==2"]), Ok(()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
