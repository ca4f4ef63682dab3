//! `cargo xtask api`: what each library offers, one item a line, in `api.txt` beside its manifest.
//!
//! rustdoc says what is public, as JSON. That output is not stable, so the pinned toolchain is told to give it all the same
//! (`RUSTC_BOOTSTRAP`), instead of asking for a nightly that changes every day; public-api reads the format of just that compiler.
//! Both are pinned, and go up together.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use public_api::Builder;

use crate::codegen::Mode;
use crate::embed::LIBRARIES;
use crate::shell;

/// Where rustdoc writes: its own directory, as a build with `RUSTC_BOOTSTRAP` would have every other build start anew.
const TARGET: &str = "target/api";

/// Lists every library, then writes or compares.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let mut stale = Vec::new();
    for name in LIBRARIES {
        let path = shell::root().join("crates").join(name).join("api.txt");
        let listed = listing(name)?;
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if committed == listed {
            continue;
        }
        println!("{}", difference(name, &committed, &listed));
        match mode {
            Mode::Write => {
                fs::write(&path, listed).with_context(|| format!("write {}", path.display()))?;
            }
            Mode::Check => stale.push(name),
        }
    }
    ensure!(
        stale.is_empty(),
        "the public surface of {} is not what its api.txt says; if that is meant, run `cargo xtask api`",
        stale.join(", ")
    );
    println!("api: the listings of {} are current", LIBRARIES.join(", "));
    Ok(())
}

/// Every public item of a library. Traits that it implements are among them, derived or not, as a type that is no longer `Clone`
/// breaks whoever clones it; those that any type has are not.
fn listing(name: &str) -> Result<String> {
    let api = Builder::from_rustdoc_json(rustdoc_json(name)?)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .with_context(|| format!("read what rustdoc says of {name}"))?;
    let mut lines = api.to_string();
    ensure!(!lines.is_empty(), "{name} has no public item");
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    Ok(lines)
}

/// Has rustdoc describe a library, and says where that stands.
fn rustdoc_json(name: &str) -> Result<PathBuf> {
    let target = shell::root().join(TARGET);
    let output = shell::cargo()
        .args(["rustdoc", "--quiet", "--lib", "--package", name, "--target-dir"])
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "allow"])
        .env("RUSTC_BOOTSTRAP", "1")
        .output()
        .context("start cargo rustdoc")?;
    ensure!(output.status.success(), "cargo rustdoc: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(target.join("doc").join(Path::new(&name.replace('-', "_")).with_extension("json")))
}

/// The items that went and those that came.
fn difference(name: &str, committed: &str, listed: &str) -> String {
    let missing = |from: &str, other: &str, sign: &str| -> Vec<String> {
        let others: std::collections::BTreeSet<_> = other.lines().collect();
        from.lines().filter(|line| !others.contains(line)).map(|line| format!("  {sign} {line}")).collect()
    };
    let mut lines = vec![format!("{name}:")];
    lines.extend(missing(committed, listed, "-"));
    lines.extend(missing(listed, committed, "+"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_went_and_what_came() {
        let expected = "a:\n  - pub fn a::old()\n  + pub fn a::new()";
        assert_eq!(difference("a", "pub mod a\npub fn a::old()\n", "pub mod a\npub fn a::new()\n"), expected);
    }
}
