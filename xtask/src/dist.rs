//! `cargo xtask dist`: what is given to users who do not build, in `target/artifacts`.
//!
//! The same commit, compiler and system give the same bytes, wherever the clone is: paths are taken out of the binary, files are sorted,
//! and every time stamp is that of the commit, or `SOURCE_DATE_EPOCH`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::files::{EXECUTABLE, Entry, PLAIN};
use crate::shell;
use crate::summary::{Outcome, Row, conclude};

mod archive;
mod checksums;
mod deb;
mod files;
mod licences;

/// Of `Cargo.toml`: optimised over crates, with what a backtrace needs.
const PROFILE: &str = "dist";

/// What `scanner completions` is asked for, and how each shell calls the file.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "scanner.bash"),
    ("elvish", "scanner.elv"),
    ("fish", "scanner.fish"),
    ("powershell", "_scanner.ps1"),
    ("zsh", "_scanner"),
];

/// What is made, and of what.
struct Dist {
    version: String,
    /// The platform, as rustc calls it.
    triple: String,
    /// Seconds since 1970; the time stamp of every file.
    epoch: u64,
    /// Where the results go.
    out: PathBuf,
    /// Where files lie as they are packed.
    stage: PathBuf,
}

type Step = (&'static str, fn(&Dist) -> Result<Outcome>);

const STEPS: &[Step] = &[
    ("build", build),
    ("debug info", split),
    ("generated", generated),
    ("licences", licences::write),
    ("tar.gz", archive::write),
    ("deb", deb::write),
    ("checksums", checksums::write),
    ("try tar.gz", archive::check),
    ("try deb", deb::check),
    ("lintian", deb::lint),
];

/// Makes and tries everything, up to the first step that fails.
pub(crate) fn run() -> Result<()> {
    let dist = Dist::new()?;
    for folder in [&dist.out, &dist.stage] {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(folder)?;
    }
    let mut rows: Vec<Row> = Vec::new();
    for (name, step) in STEPS {
        let stopped = rows.iter().any(Row::failed);
        rows.push(if stopped { Row::not_run(name) } else { Row::run(name, || step(&dist)) });
    }
    conclude("step", &rows)?;
    println!("\n{}:", dist.out.display());
    for entry in files::list(&dist.out)? {
        println!("{:>12}  {}", std::fs::metadata(&entry.from)?.len(), entry.name);
    }
    Ok(())
}

impl Dist {
    fn new() -> Result<Self> {
        let metadata = shell::metadata()?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let mut versions = packages.filter(|package| package["name"] == "scanner-cli");
        let version = versions.next().and_then(|package| package["version"].as_str());
        let about = shell::output_of(Command::new("rustc").arg("-vV").current_dir(shell::root()))?;
        let triple = about.lines().find_map(|line| line.strip_prefix("host: "));
        let target = shell::root().join("target");
        Ok(Self {
            version: version.context("find the version of scanner-cli")?.to_owned(),
            triple: triple.context("find the host in rustc -vV")?.to_owned(),
            epoch: epoch()?,
            out: target.join("artifacts"),
            stage: target.join("artifacts-stage"),
        })
    }

    /// `scanner-0.1.0-x86_64-unknown-linux-gnu`.
    fn name(&self) -> String {
        format!("scanner-{}-{}", self.version, self.triple)
    }

    /// The file name of the command on this platform.
    fn command() -> String {
        format!("scanner{}", env::consts::EXE_SUFFIX)
    }

    fn binary(&self) -> PathBuf {
        self.stage.join(Self::command())
    }

    fn debug_info(&self) -> PathBuf {
        self.stage.join("scanner.debug")
    }

    fn licences(&self) -> PathBuf {
        self.stage.join("THIRD-PARTY.txt")
    }

    fn config(&self) -> PathBuf {
        self.stage.join("config.toml")
    }

    fn man_pages(&self) -> Result<Vec<Entry>> {
        files::list(&self.stage.join("man"))
    }

    fn completions(&self, name: &str) -> PathBuf {
        self.stage.join("completions").join(name)
    }

    /// What stands in every package beside the command: texts that a person reads.
    fn texts(&self) -> Vec<Entry> {
        let crates = shell::root().join("crates");
        vec![
            Entry::new(shell::root().join("README.md"), "README.md", PLAIN),
            Entry::new(crates.join("scanner-cli/CHANGELOG.md"), "CHANGELOG.md", PLAIN),
            Entry::new(crates.join("LICENSE-MIT"), "LICENSE-MIT", PLAIN),
            Entry::new(crates.join("LICENSE-APACHE"), "LICENSE-APACHE", PLAIN),
            Entry::new(self.licences(), "THIRD-PARTY.txt", PLAIN),
        ]
    }
}

/// `SOURCE_DATE_EPOCH`, or when the commit was made.
fn epoch() -> Result<u64> {
    let given = match env::var("SOURCE_DATE_EPOCH") {
        Ok(given) => given,
        Err(_) => shell::output_of(
            Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(shell::root()),
        )?,
    };
    given.trim().parse().with_context(|| format!("read {:?} as seconds since 1970", given.trim()))
}

fn build(dist: &Dist) -> Result<Outcome> {
    let mut command = shell::cargo();
    command.args(["build", "--locked", "--package", "scanner-cli", "--profile", PROFILE]);
    command.env("CARGO_ENCODED_RUSTFLAGS", anonymous_paths()?.join("\u{1f}"));
    let built = shell::outcome_of(&mut command)?;
    if built == Outcome::Passed {
        let made =
            shell::root().join("target").join(PROFILE).join(dist.binary().file_name().unwrap_or_default());
        std::fs::copy(&made, dist.binary()).with_context(|| format!("copy {}", made.display()))?;
    }
    Ok(built)
}

/// Flags of rustc that replace the paths of this machine in messages and debug information.
fn anonymous_paths() -> Result<Vec<String>> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => env::home_dir().context("find the home directory")?.join(".cargo"),
    };
    let mut pairs = vec![(shell::root(), "/scanner".to_owned()), (home.clone(), "/cargo".to_owned())];
    // The folder of a registry is called differently where a mirror stands in for it.
    for registry in std::fs::read_dir(home.join("registry/src")).into_iter().flatten() {
        pairs.push((registry?.path(), "/cargo/registry".to_owned()));
    }
    // The last one that fits counts.
    Ok(pairs.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect())
}

/// Debug information into a file of its own, to which the binary points by name and checksum.
fn split(dist: &Dist) -> Result<Outcome> {
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("the linker of this platform keeps it apart".to_owned()));
    }
    let (binary, debug) = (dist.binary(), dist.debug_info());
    // objcopy writes the name as it is given.
    let objcopy = || {
        let mut command = Command::new("objcopy");
        command.current_dir(&dist.stage);
        command
    };
    let name = |path: &Path| path.file_name().map(PathBuf::from).unwrap_or_default();
    shell::output_of(
        objcopy()
            .args(["--only-keep-debug", "--compress-debug-sections"])
            .args([name(&binary), name(&debug)]),
    )?;
    shell::output_of(objcopy().arg("--strip-all").arg(name(&binary)))?;
    shell::output_of(
        objcopy().arg(format!("--add-gnu-debuglink={}", name(&debug).display())).arg(name(&binary)),
    )?;
    let sections = shell::output_of(Command::new("objdump").arg("-h").arg(&binary))?;
    ensure!(sections.contains(".gnu_debuglink"), "the binary does not point to its debug information");
    ensure!(!sections.contains(".debug_info"), "the binary still holds debug information");
    let bytes = std::fs::read(&binary)?;
    let root = shell::root();
    let path = root.to_string_lossy();
    ensure!(!contains(&bytes, path.as_bytes()), "the binary holds the path {path}");
    Ok(Outcome::Passed)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What the command writes itself: man pages, completions, the configuration with everything explained.
fn generated(dist: &Dist) -> Result<Outcome> {
    let man = dist.stage.join("man");
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(dist.stage.join("completions"))?;
    shell::output_of(Command::new(dist.binary()).arg("man").arg(&man))?;
    ensure!(dist.man_pages()?.len() > 1, "scanner man wrote no pages");
    for (shell, name) in SHELLS {
        let text = shell::output_of(Command::new(dist.binary()).args(["completions", shell]))?;
        std::fs::write(dist.completions(name), text)?;
    }
    let config = dist.config();
    shell::output_of(Command::new(dist.binary()).args(["config", "init", "--config"]).arg(&config))?;
    // As a user would have it: everything in it has to be a comment or valid.
    shell::output_of(Command::new(dist.binary()).arg("--print-config").arg("--config").arg(&config))?;
    Ok(Outcome::Passed)
}

/// The whole tree of the archive.
fn contents(dist: &Dist) -> Result<Vec<Entry>> {
    let mut entries = dist.texts();
    entries.push(Entry::new(dist.binary(), &Dist::command(), EXECUTABLE));
    entries.push(Entry::new(dist.config(), "config.toml", PLAIN));
    for page in dist.man_pages()? {
        entries.push(Entry { name: format!("man/man1/{}", page.name), ..page });
    }
    for (_, name) in SHELLS {
        entries.push(Entry::new(dist.completions(name), &format!("completions/{name}"), PLAIN));
    }
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_in_bytes() {
        assert!(contains(b"abcdef", b"cde"));
        assert!(!contains(b"abcdef", b"ce"));
        assert!(!contains(b"ab", b"abc"));
    }

    #[test]
    fn the_narrower_path_comes_last() {
        let flags = anonymous_paths().unwrap();
        let position = |end: &str| flags.iter().position(|flag| flag.ends_with(end));
        assert!(position("=/scanner").is_some());
        let (home, registry) = (position("=/cargo"), position("=/cargo/registry"));
        assert!(home.is_some() && registry.is_none_or(|registry| Some(registry) > home), "{flags:?}");
    }
}
