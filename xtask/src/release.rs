//! `cargo xtask release`: a version, from the changelog to the tag.
//!
//! The commit of the release is made in a clone below `target/`, and everything is checked there: what gets the tag is what was
//! checked, to the byte. Without `--execute` it ends there. Nothing is pushed, and nothing is published.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use self::version::Version;
use crate::flags::ReleaseFlags;
use crate::shell;
use crate::summary::{Outcome, Row, conclude};

mod changelog;
mod crates;
mod order;
mod version;

/// A release in the making.
struct Release {
    version: Version,
    /// Where the commit is made.
    clone: PathBuf,
    execute: bool,
}

type Step = fn(&Release) -> Result<Outcome>;

const CHECKS: &[(&str, Step)] = &[
    ("commit", commit),
    ("publish order", crates::order),
    ("ci", |release| release.xtask(&["ci"])),
    ("deep", |release| release.xtask(&["test", "deep"])),
    ("package", crates::package),
    ("semver", crates::semver),
    ("dist", |release| release.xtask(&["dist"])),
];

/// Checks everything, and with `--execute` puts the commit and its tag on this branch if all went well.
pub(crate) fn run(flags: &ReleaseFlags) -> Result<()> {
    let release = Release::new(flags)?;
    println!("version {}{}", release.version, if release.execute { "" } else { ", a dry run" });
    let mut rows: Vec<Row> = Vec::new();
    for (name, step) in CHECKS {
        println!("\n== {name}");
        // Without the commit there is nothing to check; the other checks say all that they find.
        let row = if rows.first().is_some_and(Row::failed) {
            Row::not_run(name)
        } else if flags.skip.iter().any(|skipped| skipped == name) {
            Row::run(name, || Ok(Outcome::Skipped("as asked".to_owned())))
        } else {
            Row::run(name, || step(&release))
        };
        rows.push(row);
    }
    let stopped = rows.iter().any(Row::failed);
    rows.push(if stopped { Row::not_run("tag") } else { Row::run("tag", || tag(&release)) });
    conclude("step", &rows)?;
    next(&release)
}

impl Release {
    fn new(flags: &ReleaseFlags) -> Result<Self> {
        let current = current_version(&shell::root())?;
        let version = Version::parse(flags.version.as_deref().unwrap_or(&current))?;
        ensure!(
            version >= Version::parse(&current)?,
            "{version} is older than {current}, the version so far"
        );
        let known: Vec<_> = CHECKS.iter().map(|(name, _)| *name).collect();
        for name in &flags.skip {
            ensure!(known.contains(&name.as_str()), "no step {name:?}: there are {}", known.join(", "));
        }
        let tag = git(&shell::root(), &["tag", "--list", &format!("v{version}")])?;
        ensure!(tag.is_empty(), "{} is there already: give a later version", tag.trim());
        let changes = git(&shell::root(), &["status", "--porcelain"])?;
        let advice = "there are changes that are not committed";
        ensure!(!flags.execute || changes.is_empty(), "{advice}: commit or remove them");
        if !changes.is_empty() {
            println!("note: {advice}; this is about the last commit, without them");
        }
        Ok(Self { version, clone: shell::root().join("target/release-clone"), execute: flags.execute })
    }

    /// A task of the clone's own xtask.
    fn xtask(&self, words: &[&str]) -> Result<Outcome> {
        shell::outcome_of(self.cargo().arg("xtask").args(words))
    }

    /// cargo in the clone, with what it builds there.
    fn cargo(&self) -> Command {
        let mut command = shell::cargo();
        command.current_dir(&self.clone).env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_TARGET_DIR");
        command
    }
}

/// Makes the commit in the clone: version, lock files, changelog.
fn commit(release: &Release) -> Result<Outcome> {
    let (root, clone) = (shell::root(), &release.clone);
    let head = git(&root, &["rev-parse", "HEAD"])?;
    if !clone.exists() {
        let to = clone.to_string_lossy();
        git(&root, &["clone", "--quiet", "--no-checkout", &root.to_string_lossy(), &to])?;
    }
    // What an earlier run built there is of use again.
    git(clone, &["fetch", "--quiet", "--tags", &root.to_string_lossy(), "HEAD"])?;
    git(clone, &["checkout", "--quiet", "--force", "--detach", head.trim()])?;
    git(clone, &["clean", "--quiet", "-d", "--force"])?;

    let old = current_version(clone)?;
    edit(&clone.join("Cargo.toml"), |text| version::set(text, &old, release.version))?;
    let date = humantime::format_rfc3339_seconds(now()).to_string();
    let version = release.version.to_string();
    edit(&clone.join(changelog::PATH), |text| changelog::released(text, &version, &date[..10]))?;
    for lock in git(clone, &["ls-files", "*Cargo.lock"])?.lines() {
        let manifest = clone.join(lock).with_file_name("Cargo.toml");
        let mut refresh = release.cargo();
        refresh.args(["metadata", "--format-version", "1", "--manifest-path"]);
        shell::output_of(refresh.arg(manifest))?;
    }
    for key in ["user.name", "user.email"] {
        let value = git(&root, &["config", key]).with_context(|| format!("git knows no {key}"))?;
        git(clone, &["config", key, value.trim()])?;
    }
    git(clone, &["commit", "--quiet", "--all", "--message", &format!("Version {version}")])?;
    print!("{}", git(clone, &["show", "--stat", "--format=%h %s", "HEAD"])?);
    Ok(Outcome::Passed)
}

fn tag(release: &Release) -> Result<Outcome> {
    if !release.execute {
        return Ok(Outcome::Skipped(format!("a dry run: --execute would set v{}", release.version)));
    }
    adopt(&shell::root(), &release.clone, release.version)?;
    Ok(Outcome::Passed)
}

/// Puts the clone's commit on the branch here, and the tag on it.
///
/// # Errors
/// Something was committed here in the meantime: that was not checked.
fn adopt(root: &Path, clone: &Path, version: Version) -> Result<()> {
    let commit = git(clone, &["rev-parse", "HEAD"])?;
    git(root, &["fetch", "--quiet", &clone.to_string_lossy(), "HEAD"])?;
    git(root, &["merge", "--quiet", "--ff-only", commit.trim()])?;
    let message = format!("Version {version}");
    git(root, &["tag", "--annotate", "--message", &message, &format!("v{version}")])?;
    Ok(())
}

/// What is left to a person.
fn next(release: &Release) -> Result<()> {
    if !release.execute {
        println!(
            "\nNothing was changed here. The commit and its artifacts are in {}.",
            release.clone.display()
        );
        return Ok(());
    }
    println!("\nnext:\n  git push --follow-tags");
    for name in order::publish_order(&shell::metadata()?)? {
        println!("  cargo publish --package {name}");
    }
    Ok(())
}

/// `[workspace.package]` has it for all crates.
fn current_version(root: &Path) -> Result<String> {
    let text = std::fs::read_to_string(root.join("Cargo.toml")).context("read Cargo.toml")?;
    let manifest: toml::Table = text.parse().context("read Cargo.toml")?;
    let version = manifest.get("workspace").and_then(|it| it.get("package")?.get("version")?.as_str());
    Ok(version.context("find the version in Cargo.toml")?.to_owned())
}

fn edit(path: &Path, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    std::fs::write(path, change(&text)?).with_context(|| format!("write {}", path.display()))
}

fn git(folder: &Path, words: &[&str]) -> Result<String> {
    shell::output_of(Command::new("git").args(words).current_dir(folder))
}

#[expect(clippy::disallowed_methods, reason = "a release has a date")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit_file(folder: &Path, name: &str) {
        std::fs::write(folder.join(name), name).unwrap();
        git(folder, &["add", "."]).unwrap();
        git(folder, &["commit", "--quiet", "--message", name]).unwrap();
    }

    fn of_nobody(folder: &Path) {
        for (key, value) in [("user.name", "nobody"), ("user.email", "nobody@example.org")] {
            git(folder, &["config", key, value]).unwrap();
        }
    }

    #[test]
    fn the_commit_that_was_checked_gets_the_tag_or_nothing_does() {
        let folder = std::env::temp_dir().join(format!("xtask-release-{}", std::process::id()));
        let (root, clone) = (folder.join("root"), folder.join("clone"));
        std::fs::create_dir_all(&root).unwrap();
        git(&root, &["init", "--quiet"]).unwrap();
        of_nobody(&root);
        commit_file(&root, "first");
        git(&folder, &["clone", "--quiet", "root", "clone"]).unwrap();
        of_nobody(&clone);
        commit_file(&clone, "release");

        adopt(&root, &clone, Version::parse("0.1.0").unwrap()).unwrap();
        let checked = git(&clone, &["rev-parse", "HEAD"]).unwrap();
        assert_eq!(git(&root, &["rev-parse", "HEAD"]).unwrap(), checked);
        assert_eq!(git(&root, &["rev-parse", "v0.1.0^{commit}"]).unwrap(), checked);

        commit_file(&clone, "next release");
        commit_file(&root, "in the meantime");
        assert!(adopt(&root, &clone, Version::parse("0.2.0").unwrap()).is_err());
        assert_eq!(git(&root, &["tag", "--list", "v0.2.0"]).unwrap(), "");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
