//! Commands run from the top of the repository.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::summary::Outcome;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    // cargo sets the variable for `cargo xtask`; the compiled-in value serves a binary that is started by hand.
    let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    let own = PathBuf::from(own);
    own.parent().map(Path::to_path_buf).unwrap_or(own)
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// Whether `cargo NAME` is installed.
pub(crate) fn has_cargo_command(name: &str) -> bool {
    cargo()
        .args([name, "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What cargo knows of this workspace's own packages.
pub(crate) fn metadata() -> anyhow::Result<serde_json::Value> {
    let answer = output_of(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&answer).context("read the answer of cargo metadata")
}

/// Builds the command and all examples with the features that the tests have, so that no dependency is built twice, and gives the place
/// where they are.
pub(crate) fn build_for_use() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--workspace", "--bin", "scanner", "--examples"]);
    ensure!(outcome_of(&mut build)? == Outcome::Passed, "the command and the examples could not be built");
    let directory = metadata()?["target_directory"].as_str().map(PathBuf::from);
    Ok(directory.context("cargo metadata names no target directory")?.join("debug"))
}

/// Runs the command with its output passed through, after saying what it is.
pub(crate) fn outcome_of(command: &mut Command) -> anyhow::Result<Outcome> {
    eprintln!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("start {}", shown(command)))?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed(status.to_string()) })
}

/// As [`outcome_of`]; every line of standard output is shown, and given to `each`.
pub(crate) fn outcome_by_line(command: &mut Command, mut each: impl FnMut(&str)) -> anyhow::Result<Outcome> {
    eprintln!("$ {}", shown(command));
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {}", shown(command)))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            each(&line);
        }
    }
    let status = child.wait()?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed(status.to_string()) })
}

/// Runs the command in silence; its standard output, or an error with what it said.
pub(crate) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("start {}", shown(command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}: {}", shown(command), output.status, said.trim());
    String::from_utf8(output.stdout).with_context(|| format!("read the output of {}", shown(command)))
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words: Vec<_> = [program]
        .into_iter()
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.contains([' ', '(', '"', '$']) { format!("'{word}'") } else { word.into_owned() }
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_holds_the_workspace() {
        let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("/opt/bin/cargo");
        command.args(["nextest", "run", "-E", "not binary(netns)"]);
        assert_eq!(shown(&command), "cargo nextest run -E 'not binary(netns)'");
    }

    #[test]
    fn a_status_other_than_zero_is_a_failure() {
        let outcome =
            |flag| outcome_of(cargo().arg(flag).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
        assert_eq!(outcome("--version"), Outcome::Passed);
        assert!(matches!(outcome("--no-such-flag"), Outcome::Failed(_)));
        assert!(outcome_of(&mut Command::new("no-such-command-anywhere")).is_err());
    }

    #[test]
    fn output_is_read_and_a_failure_says_what_was_said() {
        let version = output_of(cargo().arg("--version")).unwrap();
        assert!(version.starts_with("cargo "), "{version}");
        let error = output_of(cargo().arg("--no-such-flag")).unwrap_err().to_string();
        assert!(error.starts_with("cargo --no-such-flag: exit status: 1: error: "), "{error}");
    }

    #[test]
    fn lines_are_seen_and_the_status_kept() {
        let mut lines = Vec::new();
        let outcome = outcome_by_line(cargo().arg("--version"), |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((outcome, lines.len()), (Outcome::Passed, 1));
    }

    #[test]
    fn a_missing_cargo_command_is_noticed() {
        assert!(!has_cargo_command("no-such-command-anywhere"));
    }
}
