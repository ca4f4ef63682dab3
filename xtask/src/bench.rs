//! `cargo xtask bench`: what a scan costs, against a bare connect loop and other scanners, in network namespaces and in turns.

mod check;
mod compare;
mod errand;
mod figures;
pub(crate) mod floor;
mod scanners;
mod start_up;
mod stats;
mod table;
mod workload;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use nix::sys::resource::{Resource, getrlimit};
use scanner_lab::Namespace;
use serde_json::Value;

use self::scanners::{Built, SCANNERS, Scanner};
use crate::flags::{BenchFlags, Workload};
use crate::measure::{Counter, go_before_others};
use crate::shell;

/// What all comparisons have in common.
struct Setting {
    built: Built,
    /// Stands before every measured command: the limit of descriptors, and the scheduler where that is allowed.
    prefix: Vec<String>,
    counter: Option<Counter>,
    runs: u32,
}

pub(crate) fn run(flags: &BenchFlags) -> Result<()> {
    if flags.check {
        return check::check(&build("scanner-cli", "scanner")?);
    }
    if flags.record {
        return check::record(&build("scanner-cli", "scanner")?);
    }
    let scanners = chosen(&flags.scanner)?;
    if let Err(why) = Namespace::new() {
        println!("skipped: {}", why.to_string().lines().next().unwrap_or_default());
        return Ok(());
    }
    let setting = prepare(flags.runs)?;
    let names = if flags.names.is_empty() { Workload::value_variants() } else { &flags.names[..] };
    let mut records = Vec::new();
    for name in names {
        for workload in workload::workloads(*name) {
            eprintln!("{}: {} rounds in turns", workload.name, setting.runs);
            let rows = compare::compare(&workload, &scanners, &setting)?;
            println!("\n{}", table::comparison(&workload, &rows));
            records.extend(compare::records(&workload, &rows));
        }
        if *name == Workload::StartUp {
            let rows = start_up::measure(&scanners, &setting)?;
            println!("\n{}", start_up::table(&rows));
            records.extend(start_up::records(&rows));
        }
    }
    if let Some(file) = &flags.json {
        let text = serde_json::to_string_pretty(&records)?;
        fs::write(file, text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<Scanner>> {
    if names.is_empty() {
        return Ok(SCANNERS.to_vec());
    }
    let of_name = |name: &String| {
        let all = || SCANNERS.iter().map(|scanner| scanner.name).collect::<Vec<_>>().join(", ");
        let found = SCANNERS.iter().find(|scanner| scanner.name == name);
        found.copied().with_context(|| format!("no scanner is called {name}: {}", all()))
    };
    names.iter().map(of_name).collect()
}

fn prepare(runs: u32) -> Result<Setting> {
    let built = Built { scanner: build("scanner-cli", "scanner")?, xtask: build("xtask", "xtask")? };
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let mut prefix = vec!["prlimit".to_owned(), format!("--nofile={hard}:{hard}")];
    if go_before_others() {
        prefix.extend(["chrt", "-f", "1"].map(str::to_owned));
        println!("under chrt -f 1, with up to {hard} descriptors");
    } else {
        println!("with up to {hard} descriptors; chrt -f 1 is not allowed here, so other programs disturb");
    }
    let counter = Counter::find();
    if let Err(why) = &counter {
        println!("{why:#}");
    }
    Ok(Setting { built, prefix, counter: counter.ok(), runs })
}

/// Builds one program as users get it, and says where it is. One package at a time: together they would share features.
fn build(package: &str, program: &str) -> Result<PathBuf> {
    let mut command = shell::cargo();
    command.args(["build", "--release", "--package", package, "--bin", program]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().context("start cargo build")?;
    ensure!(output.status.success(), "cargo build --release --package {package} failed");
    let messages = String::from_utf8_lossy(&output.stdout);
    match messages.lines().filter_map(executable).next_back() {
        Some(path) => Ok(path),
        None => bail!("cargo does not say where it put {program}"),
    }
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanners_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), SCANNERS.len());
        let two = chosen(&["ours".to_owned(), "floor-1".to_owned()]).unwrap();
        assert_eq!(two.iter().map(|scanner| scanner.name).collect::<Vec<_>>(), ["ours", "floor-1"]);
        let error = chosen(&["mine".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("no scanner is called mine: floor-1, floor-2, ours"), "{error}");
    }

    #[test]
    fn cargo_says_where_the_program_is() {
        assert_eq!(
            executable(r#"{"reason":"compiler-artifact","executable":"/x/scanner"}"#),
            Some("/x/scanner".into())
        );
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable("a note"), None);
    }
}
