//! The crates as others will get them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::order::publish_order;
use super::{Release, git};
use crate::shell;
use crate::summary::Outcome;

/// What every package has to hold.
const NEEDED: [&str; 3] = ["Cargo.toml", "LICENSE-MIT", "LICENSE-APACHE"];

fn published(release: &Release) -> Result<Vec<String>> {
    let answer = shell::output_of(release.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    publish_order(&serde_json::from_str::<Value>(&answer)?)
}

pub(super) fn order(release: &Release) -> Result<Outcome> {
    println!("{}", published(release)?.join(", "));
    Ok(Outcome::Passed)
}

/// Packs every crate and builds it from its own package; those that it needs are taken from their packages too, because cargo puts
/// them into a registry of its own for that. Then builds the command once more from all packages unpacked, and runs it.
pub(super) fn package(release: &Release) -> Result<Outcome> {
    let names = published(release)?;
    let mut pack = release.cargo();
    pack.args(["package", "--locked"]);
    for name in &names {
        pack.args(["--package", name]);
    }
    let packed = shell::outcome_of(&mut pack)?;
    if packed != Outcome::Passed {
        return Ok(packed);
    }
    let folder = release.clone.join("target/unpacked");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    for name in &names {
        let file = release.clone.join(format!("target/package/{name}-{}.crate", release.version));
        let packed = std::fs::File::open(&file).with_context(|| format!("open {}", file.display()))?;
        tar::Archive::new(flate2::read::GzDecoder::new(packed)).unpack(&folder)?;
        let unpacked = folder.join(format!("{name}-{}", release.version));
        for needed in NEEDED {
            ensure!(unpacked.join(needed).is_file(), "the package of {name} lacks {needed}");
        }
    }
    built(release, &names, &folder)
}

/// Builds the command with the unpacked packages in the place of a registry, and runs it.
fn built(release: &Release, names: &[String], folder: &Path) -> Result<Outcome> {
    let target = release.clone.join("target/unpacked-build");
    let mut build = shell::cargo();
    // The lock file of the package is used for all but these.
    build.current_dir(folder.join(format!("scanner-cli-{}", release.version))).args(["build", "--quiet"]);
    // A package cannot stand in for itself.
    for name in names.iter().filter(|name| *name != "scanner-cli") {
        let path = folder.join(format!("{name}-{}", release.version));
        build.arg("--config").arg(format!("patch.crates-io.{name}.path={:?}", path.display().to_string()));
    }
    let done = shell::outcome_of(build.env("CARGO_TARGET_DIR", &target))?;
    if done != Outcome::Passed {
        return Ok(done);
    }
    let said = shell::output_of(
        Command::new(target.join("debug").join(format!("scanner{}", std::env::consts::EXE_SUFFIX)))
            .arg("--version"),
    )?;
    ensure!(
        said.trim() == format!("scanner {}", release.version),
        "the command built from packages says {said:?}"
    );
    Ok(Outcome::Passed)
}

/// Whether the public interfaces keep what the last version promised.
pub(super) fn semver(release: &Release) -> Result<Outcome> {
    let tags = git(&release.clone, &["tag", "--merged", "HEAD", "--list", "v*", "--sort=-version:refname"])?;
    let Some(last) = tags.lines().next() else {
        return Ok(Outcome::Skipped("no version was released before".to_owned()));
    };
    if !shell::has_cargo_command("semver-checks") {
        return Ok(Outcome::Skipped("cargo-semver-checks is not installed".to_owned()));
    }
    let mut command = release.cargo();
    command.args(["semver-checks", "--baseline-rev", last]);
    for name in published(release)?.iter().filter(|name| *name != "scanner-cli") {
        command.args(["--package", name]);
    }
    shell::outcome_of(&mut command)
}
