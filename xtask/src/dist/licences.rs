//! The licences of everything that is linked into the command, gathered from the packages themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Dist;
use crate::shell;
use crate::summary::Outcome;

/// How files that hold a licence begin.
const BEGINNINGS: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

const RULE: &str = "================================================================================";

/// A package that is linked in.
struct Package {
    /// With its version.
    name: String,
    expression: String,
    from: String,
    texts: Vec<String>,
}

pub(super) fn write(dist: &Dist) -> Result<Outcome> {
    let answer = shell::output_of(shell::cargo().args([
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        &dist.triple,
    ]))?;
    let packages = linked(&serde_json::from_str(&answer)?, "scanner-cli")?;
    let standard = std::fs::read_to_string(shell::root().join("crates/LICENSE-APACHE"))?;
    std::fs::write(dist.licences(), text(&packages, &standard)?)?;
    println!("licences: of {} packages", packages.len());
    Ok(Outcome::Passed)
}

/// What a package is built from at last, tests and build scripts apart; macros, which leave code behind, are among it.
fn linked(metadata: &Value, top: &str) -> Result<Vec<Package>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<_, _> =
        list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let edges: BTreeMap<_, _> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let deps = list(&node["deps"])
                .into_iter()
                .filter(|dep| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
            (text(&node["id"]), deps.map(|dep| text(&dep["pkg"])).collect::<Vec<_>>())
        })
        .collect();
    let first = packages.iter().find(|(_, package)| package["name"] == top).map(|(id, _)| id.clone());
    let mut waiting = vec![first.with_context(|| format!("find {top} in the answer of cargo metadata"))?];
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id.clone()) {
            waiting.extend(edges.get(&id).into_iter().flatten().cloned());
        }
    }
    // What has no source is of this workspace.
    let others = seen.iter().filter_map(|id| packages.get(id)).filter(|package| !package["source"].is_null());
    others.map(package).collect()
}

fn package(metadata: &Value) -> Result<Package> {
    let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
    let name = format!("{} {}", text("name"), text("version"));
    let expression = text("license");
    ensure!(!expression.is_empty(), "{name} names no licence");
    let manifest = text("manifest_path");
    let folder = Path::new(&manifest).parent().context("find the folder of a package")?;
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("read the package of {name}"))? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_uppercase();
        if path.is_file() && BEGINNINGS.iter().any(|beginning| file.starts_with(beginning)) {
            let words = String::from_utf8_lossy(&std::fs::read(&path)?).replace("\r\n", "\n");
            texts.push(words.trim_matches('\n').to_owned());
        }
    }
    texts.sort();
    Ok(Package { name, expression, from: text("repository"), texts })
}

/// One list of packages, then every text once with the packages that it comes with.
fn text(packages: &[Package], standard: &str) -> Result<String> {
    let mut out = String::from(
        "scanner contains the packages below, each under its licence, and the standard library of Rust\n\
         (MIT OR Apache-2.0, https://github.com/rust-lang/rust). Their texts follow.\n\n",
    );
    for package in packages {
        let _ = writeln!(out, "{} ({}) {}", package.name, package.expression, package.from);
    }
    let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let standard = standard.trim_matches('\n');
    for package in packages {
        for words in &package.texts {
            by_text.entry(words).or_default().push(&package.name);
        }
        if package.texts.is_empty() {
            let known = package.expression.contains("Apache-2.0");
            ensure!(known, "{} ({}) holds no text of its licence", package.name, package.expression);
            by_text.entry(standard).or_default().push(&package.name);
        }
    }
    let mut in_order: Vec<_> = by_text.into_iter().collect();
    in_order.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (words, names) in in_order {
        let _ = write!(out, "\n{RULE}\n{}\n{RULE}\n\n{words}\n", names.join(", "));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, expression: &str, texts: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            expression: expression.to_owned(),
            from: String::new(),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_text_stands_once_for_all_packages_that_it_comes_with() {
        let packages =
            [one("a 1.0.0", "MIT", &["m"]), one("b 2.0.0", "MIT", &["m"]), one("c 1.0.0", "Apache-2.0", &[])];
        let text = text(&packages, "apache\n").unwrap();
        assert!(text.contains(&format!("{RULE}\na 1.0.0, b 2.0.0\n{RULE}\n\nm\n")), "{text}");
        assert!(text.contains(&format!("{RULE}\nc 1.0.0\n{RULE}\n\napache\n")), "{text}");
    }

    #[test]
    fn a_licence_without_any_text_is_an_error() {
        let error = text(&[one("a 1.0.0", "MIT", &[])], "apache").unwrap_err().to_string();
        assert_eq!(error, "a 1.0.0 (MIT) holds no text of its licence");
    }

    #[test]
    fn what_tests_and_build_scripts_need_is_left_out() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let package = |name: &str| {
            serde_json::json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT",
                "source": if name == "top" { None } else { Some("registry") }, "manifest_path": manifest })
        };
        let dep = |name: &str, kind: Option<&str>| serde_json::json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = serde_json::json!({
            "packages": [package("top"), package("a"), package("b"), package("dev"), package("build")],
            "resolve": { "nodes": [
                { "id": "top", "deps": [dep("a", None), dep("dev", Some("dev"))] },
                { "id": "a", "deps": [dep("b", None), dep("build", Some("build"))] },
            ] },
        });
        let names: Vec<_> =
            linked(&metadata, "top").unwrap().into_iter().map(|package| package.name).collect();
        assert_eq!(names, ["a 1.0.0", "b 1.0.0"]);
    }
}
