//! Scans of simulated networks, for people: what came of one, and what the controller thought meanwhile.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::flags::SimFlags;
use crate::shell;

/// Where the simulated networks are.
const SCENARIOS: &str = "crates/scanner-net/tests/scenarios";

/// Scans the network of this name, or of this file, and prints what came of it; with `trace` also how, and with `draws` what came of
/// many.
pub(crate) fn run(name: &str, flags: &SimFlags) -> Result<()> {
    let scenario = read(name)?;
    let out = shell::root().join("target/sim.txt");
    let mut command = shell::cargo();
    // The simulated network is no part of the library: its tests are what can run it.
    command
        .args(["test", "--quiet", "--package", "scanner-net", "--lib", "--"])
        .arg("--exact")
        .arg(if flags.draws.is_some() { "control::scenarios::drawn" } else { "control::scenarios::traced" })
        .env("SCANNER_SIM", scenario)
        .env("SCANNER_SIM_OUT", &out);
    if let Some(draws) = flags.draws {
        command.env("SCANNER_SIM_DRAWS", draws.to_string());
    }
    let done = command.output().context("start cargo test")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = fs::read_to_string(&out).with_context(|| format!("read {}", out.display()))?;
    let summary = text.split_once("\n\n").map_or(text.as_str(), |(_, summary)| summary);
    let text = if flags.trace || flags.draws.is_some() { &text } else { summary };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("print"),
        _ => Ok(()),
    }
}

fn read(name: &str) -> Result<String> {
    let directory = shell::root().join(SCENARIOS);
    let known = directory.join(format!("{name}.toml"));
    let is_file = Path::new(name).extension().is_some();
    if !is_file && !known.exists() {
        bail!("no simulated network is called {name:?}; there are: {}", names(&directory)?.join(", "));
    }
    let file = if is_file { PathBuf::from(name) } else { known };
    fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "toml") {
            names.extend(path.file_stem().map(|it| it.to_string_lossy().into_owned()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_network_is_answered_with_the_known_ones() {
        assert!(read("policed_near").unwrap().contains("policer"));
        let error = read("no-such").unwrap_err().to_string();
        assert!(error.contains("policed_near"), "{error}");
    }
}
