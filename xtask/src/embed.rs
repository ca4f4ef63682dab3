//! The suite `embed`: every example of the libraries, and a program outside the workspace that builds on scanner-core and
//! scanner-net alone.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::shell;
use crate::summary::{Outcome, Row, conclude};

const MANIFEST: &str = "crates/scanner-net/examples/embed/Cargo.toml";

/// The program with a window.
const DESKTOP: &str = "crates/scanner-net/examples/desktop/Cargo.toml";

/// What it needs of the system on Linux, as pkg-config and as Debian call it.
const WEBKIT: (&str, &str) = ("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev");

/// What an embedding program must not have to build: the command line and its output.
const UNWANTED: &[&str] =
    &["anstream", "clap", "csv", "indicatif", "scanner-cli", "scanner-dns", "tracing-subscriber"];

/// What other programs are built upon.
pub(crate) const LIBRARIES: [&str; 3] = ["scanner-core", "scanner-net", "scanner-dns"];

/// Examples that measure: they take long and ask the name server of this machine.
const MEASUREMENTS: &[&str] = &["bulk_ptr"];

/// Runs the examples, each of which fails where it did not find what it opened; then the program, and looks at what that was built
/// from.
pub(crate) fn run() -> Result<Outcome> {
    let examples = examples(&shell::metadata()?);
    ensure!(!examples.is_empty(), "the libraries have no example");
    let directory = shell::build_for_use()?.join("examples");
    for name in &examples {
        let ran = shell::outcome_of(Command::new(directory.join(name)).current_dir(shell::root()))?;
        if ran != Outcome::Passed {
            return Ok(ran);
        }
    }
    program()
}

/// `cargo xtask embed-test`: the commands of the desktop example in tauri's mock of a window, and the types of its page. Some four
/// hundred crates: a task of its own, which no other runs.
pub(crate) fn desktop() -> Result<()> {
    conclude("program", &[Row::run("desktop", test_desktop)])
}

fn test_desktop() -> Result<Outcome> {
    if cfg!(target_os = "linux") && !has_library(WEBKIT.0) {
        let (library, package) = WEBKIT;
        return Ok(Outcome::Skipped(format!("{library} is not installed (Debian: {package})")));
    }
    let target = shell::root().join("target/desktop");
    shell::outcome_of(
        shell::cargo().args(["test", "--locked", "--manifest-path", DESKTOP]).env("CARGO_TARGET_DIR", target),
    )
}

fn has_library(name: &str) -> bool {
    let asked = Command::new("pkg-config").args(["--exists", name]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// The names of the libraries' examples.
fn examples(metadata: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut examples: Vec<_> = packages
        .filter(|package| LIBRARIES.contains(&text(&package["name"]).as_str()))
        .flat_map(|package| {
            let targets = package["targets"].as_array().into_iter().flatten();
            targets.filter(|target| target["kind"][0] == "example").map(|target| text(&target["name"]))
        })
        .filter(|name| !MEASUREMENTS.contains(&name.as_str()))
        .collect();
    examples.sort();
    examples
}

fn program() -> Result<Outcome> {
    let target = shell::root().join("target/embed");
    let ran = shell::outcome_of(
        shell::cargo().args(["run", "--quiet", "--manifest-path", MANIFEST]).env("CARGO_TARGET_DIR", target),
    )?;
    if ran != Outcome::Passed {
        return Ok(ran);
    }
    let tree = shell::cargo()
        .args(["tree", "--manifest-path", MANIFEST, "--edges", "normal", "--prefix", "none"])
        .output()
        .context("start cargo tree")?;
    ensure!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr).trim());
    check(&String::from_utf8_lossy(&tree.stdout))?;
    Ok(Outcome::Passed)
}

fn check(tree: &str) -> Result<()> {
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    ensure!(crates.contains("scanner-net"), "the tree does not hold scanner-net: is it the right one?");
    let unwanted: Vec<_> = UNWANTED.iter().copied().filter(|name| crates.contains(name)).collect();
    if !unwanted.is_empty() {
        bail!("an embedding program must build {}: keep it out of the libraries", unwanted.join(", "));
    }
    println!("embed: built from {} crates, none of them for a command line", crates.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_those_of_the_libraries_that_do_not_measure() {
        let example = |name: &str| serde_json::json!({ "name": name, "kind": ["example"] });
        let metadata = serde_json::json!({ "packages": [
            { "name": "scanner-net", "targets": [{ "name": "scanner_net", "kind": ["lib"] }, example("one_host")] },
            { "name": "scanner-dns", "targets": [example("look_up"), example("bulk_ptr")] },
            { "name": "scanner-lab", "targets": [example("lab")] },
        ] });
        assert_eq!(examples(&metadata), ["look_up", "one_host"]);
    }

    #[test]
    fn a_crate_for_the_command_line_is_found() {
        let clean = "embed v0.1.0 (x)\nscanner-net v0.1.0 (x)\ntokio v1.54.1\n";
        assert!(check(clean).is_ok());
        let error = check(&format!("{clean}clap v4.6.9 (*)\n")).unwrap_err();
        assert!(error.to_string().contains("clap"));
        assert!(check("embed v0.1.0\n").is_err());
    }
}
