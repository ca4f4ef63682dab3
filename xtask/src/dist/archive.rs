//! The archives: the command with all that belongs to it, and its debug information.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::files::{Entry, PLAIN, tar_gz};
use super::{Dist, contents};
use crate::shell;
use crate::summary::Outcome;

pub(super) fn write(dist: &Dist) -> Result<Outcome> {
    let archive = tar_gz(&contents(dist)?, &dist.name(), dist.epoch)?;
    std::fs::write(path(dist), archive)?;
    if dist.debug_info().exists() {
        let entries = [Entry::new(dist.debug_info(), "scanner.debug", PLAIN)];
        let name = format!("{}-debug", dist.name());
        std::fs::write(dist.out.join(format!("{name}.tar.gz")), tar_gz(&entries, &name, dist.epoch)?)?;
    }
    Ok(Outcome::Passed)
}

/// Unpacks the archive and asks the command in it for its version.
pub(super) fn check(dist: &Dist) -> Result<Outcome> {
    let folder = dist.stage.join("unpacked");
    let file = std::fs::File::open(path(dist)).context("open the archive")?;
    tar::Archive::new(flate2::read::GzDecoder::new(file)).unpack(&folder)?;
    let top = folder.join(dist.name());
    for entry in contents(dist)? {
        ensure!(top.join(&entry.name).is_file(), "{} is missing from the archive", entry.name);
    }
    let said = shell::output_of(Command::new(top.join(Dist::command())).arg("--version"))?;
    ensure!(said.trim() == format!("scanner {}", dist.version), "the command in the archive says {said:?}");
    Ok(Outcome::Passed)
}

fn path(dist: &Dist) -> PathBuf {
    dist.out.join(format!("{}.tar.gz", dist.name()))
}
