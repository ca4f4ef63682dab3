//! The suite `embed`: a program outside the workspace that builds on scanner-core and scanner-net alone.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;
use crate::summary::Outcome;

const MANIFEST: &str = "crates/scanner-net/examples/embed/Cargo.toml";

/// What an embedding program must not have to build: the command line and its output.
const UNWANTED: &[&str] =
    &["anstream", "clap", "csv", "indicatif", "scanner-cli", "scanner-dns", "tracing-subscriber"];

/// Builds and runs the example, then looks at what it was built from.
pub(crate) fn run() -> Result<Outcome> {
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
    fn a_crate_for_the_command_line_is_found() {
        let clean = "embed v0.1.0 (x)\nscanner-net v0.1.0 (x)\ntokio v1.54.1\n";
        assert!(check(clean).is_ok());
        let error = check(&format!("{clean}clap v4.6.9 (*)\n")).unwrap_err();
        assert!(error.to_string().contains("clap"));
        assert!(check("embed v0.1.0\n").is_err());
    }
}
