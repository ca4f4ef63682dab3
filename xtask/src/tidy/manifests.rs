//! Rules about manifests: who depends on whom, and one place for what all crates share.

use toml::{Table, Value};

use super::tree::{File, Tree};
use super::{Allowed, Finding};

const WORKSPACE: &str = "Cargo.toml";

/// The only registry, as Cargo.lock names it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates of this workspace that exist for the tests of the others.
const FOR_TESTS: [&str; 1] = ["scanner-lab"];

/// Each crate depends on what its row allows; a crate without a row is an error too.
pub(super) fn dependencies(tree: &Tree, rows: &[(&str, Allowed)]) -> Vec<Finding> {
    let shared = workspace_dependencies(tree);
    let mut findings = Vec::new();
    for file in tree.crate_manifests() {
        let manifest = match parse(file) {
            Ok(manifest) => manifest,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.unwrap_or_default();
        let Some((_, allowed)) = rows.iter().find(|(row, _)| *row == name) else {
            let advice =
                format!("{name} has no row in DEPENDENCIES of xtask/src/tidy.rs: say there what it may use");
            findings.push(Finding::new(&file.path, file.line_of_key("name"), advice));
            continue;
        };
        for dependency in dependencies_of(&manifest, &shared) {
            let package = dependency.package.as_str();
            let is_free = FOR_TESTS.contains(&package) || !rows.iter().any(|(row, _)| *row == package);
            if (dependency.for_tests && is_free) || allowed.has(package) {
                continue;
            }
            let advice = format!(
                "{name} must not depend on {package}: the architecture forbids it (DEPENDENCIES of xtask/src/tidy.rs)"
            );
            findings.push(Finding::new(&file.path, file.line_of_key(&dependency.key), advice));
        }
    }
    findings
}

impl Allowed {
    fn has(&self, package: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(&package),
            Self::AnyBut(names) => !names.contains(&package),
        }
    }
}

struct Dependency {
    /// As the manifest calls it.
    key: String,
    /// As the registry calls it.
    package: String,
    for_tests: bool,
}

/// The dependencies of one crate on every platform, renamed ones under their own names.
fn dependencies_of(manifest: &Table, shared: &Table) -> Vec<Dependency> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let scopes = [manifest].into_iter().chain(platforms.filter_map(Value::as_table));
    let mut found = Vec::new();
    for scope in scopes {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (key, value) in scope.get(section).and_then(Value::as_table).into_iter().flatten() {
                let own =
                    value.get("package").or_else(|| shared.get(key).and_then(|shared| shared.get("package")));
                let package = own.and_then(Value::as_str).unwrap_or(key).to_owned();
                found.push(Dependency {
                    key: key.clone(),
                    package,
                    for_tests: section == "dev-dependencies",
                });
            }
        }
    }
    found
}

/// Every crate takes version, edition, MSRV, licence and lints from the workspace.
pub(super) fn inheritance(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.crate_manifests() {
        // A manifest that cannot be read is reported by `dependencies`.
        let Ok(manifest) = parse(file) else { continue };
        for key in ["version", "edition", "rust-version", "license"] {
            let inherited =
                manifest.get("package").and_then(|package| package.get(key)).is_some_and(is_inherited);
            if !inherited {
                let advice = format!("write {key}.workspace = true: it has one value for all crates");
                findings.push(Finding::new(&file.path, file.line_of_key(key), advice));
            }
        }
        if !manifest.get("lints").is_some_and(is_inherited) {
            let advice = "write [lints] workspace = true: the same lints hold everywhere";
            findings.push(Finding::new(&file.path, file.line_of_key("[lints]"), advice));
        }
    }
    findings
}

/// The workspace, the toolchain and the texts name the same Rust.
pub(super) fn one_msrv(tree: &Tree) -> Vec<Finding> {
    let Some(workspace) = tree.get(WORKSPACE) else { return Vec::new() };
    let value = parse(workspace).ok().and_then(|manifest| {
        let package = manifest.get("workspace")?.get("package")?;
        Some(package.get("rust-version")?.as_str()?.to_owned())
    });
    let Some(msrv) = value else {
        return vec![Finding::new(WORKSPACE, 1, "write rust-version in [workspace.package]")];
    };
    let mut findings = Vec::new();
    if let Some(toolchain) = tree.get("rust-toolchain.toml") {
        let channel = parse(toolchain)
            .ok()
            .and_then(|table| Some(table.get("toolchain")?.get("channel")?.as_str()?.to_owned()));
        if channel.as_deref().map(major_minor) != Some(major_minor(&msrv)) {
            let advice = format!("the channel must be Rust {msrv}, the rust-version of {WORKSPACE}");
            findings.push(Finding::new(&toolchain.path, toolchain.line_of_key("channel"), advice));
        }
    }
    for file in tree.files().filter(|file| file.path.ends_with("README.md")) {
        for (index, line) in file.text.lines().enumerate() {
            for stated in
                stated_rust_versions(line).filter(|stated| major_minor(stated) != major_minor(&msrv))
            {
                let advice = format!("says Rust {stated}, but {WORKSPACE} says {msrv}");
                findings.push(Finding::new(&file.path, index + 1, advice));
            }
        }
    }
    findings
}

/// Versions that a text gives for Rust: `Rust 1.95`, `rustc 1.95.0`, `MSRV 1.95`, `MSRV is 1.95`.
fn stated_rust_versions(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, '`' | '*' | '(' | ')'));
    let words: Vec<_> = words.filter(|word| !word.is_empty() && *word != "is").collect();
    let pairs: Vec<_> = words.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter(|(name, _)| is_rust(name)).filter_map(|(_, word)| {
        let number = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        let is_version =
            number.starts_with("1.") && number.split('.').all(|part| part.parse::<u32>().is_ok());
        is_version.then_some(number)
    })
}

fn is_rust(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric()).trim_end_matches(':');
    ["rust", "rustc", "msrv", "rust-version"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn major_minor(version: &str) -> (Option<&str>, Option<&str>) {
    let mut parts = version.split('.');
    (parts.next(), parts.next())
}

/// Nothing comes from anywhere but crates.io and this workspace.
pub(super) fn registries(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let foreign: fn(&str) -> bool = match name {
            "Cargo.lock" => is_foreign_source,
            "Cargo.toml" => is_address,
            _ if file.path.starts_with(".cargo/") => is_address,
            _ => continue,
        };
        for (index, _) in file.text.lines().enumerate().filter(|(_, line)| foreign(line)) {
            let advice =
                "only crates.io, and no other address, in Cargo's files: a clone must build anywhere";
            findings.push(Finding::new(&file.path, index + 1, advice));
        }
    }
    findings
}

fn is_foreign_source(line: &str) -> bool {
    line.strip_prefix("source = ").is_some_and(|source| source.trim_matches('"') != CRATES_IO)
}

fn is_address(line: &str) -> bool {
    let key = line.split('=').next().unwrap_or_default().trim();
    line.contains("://") && !["repository", "homepage", "documentation"].contains(&key)
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn workspace_dependencies(tree: &Tree) -> Table {
    let table = tree
        .get(WORKSPACE)
        .and_then(|file| parse(file).ok())
        .and_then(|manifest| manifest.get("workspace")?.get("dependencies")?.as_table().cloned());
    table.unwrap_or_default()
}

fn parse(file: &File) -> Result<Table, Finding> {
    file.text.parse().map_err(|error: toml::de::Error| {
        Finding::new(&file.path, 1, format!("no valid TOML: {}", error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[(&str, Allowed)] = &[
        ("core", Allowed::Only(&["serde"])),
        ("net", Allowed::Only(&["core", "tokio"])),
        ("scanner-lab", Allowed::Only(&["libc"])),
        ("xtask", Allowed::AnyBut(&["core", "net"])),
    ];

    /// What `dependencies` says of one crate's manifest, as `line: package`.
    fn forbidden(manifest: &str) -> Vec<(usize, String)> {
        let workspace = "[workspace.dependencies]\nalias = { package = \"rand\", version = \"1\" }\n";
        let tree = Tree::of(&[("Cargo.toml", workspace), ("crates/a/Cargo.toml", manifest)]);
        let findings = dependencies(&tree, ROWS);
        findings.into_iter().map(|finding| (finding.line, finding.advice)).collect()
    }

    #[test]
    fn allowed_dependencies_pass() {
        assert_eq!(forbidden("[package]\nname = \"core\"\n[dependencies]\nserde.workspace = true\n"), []);
        assert_eq!(
            forbidden("[package]\nname = \"net\"\n[dependencies]\ncore.workspace = true\ntokio = \"1\"\n"),
            []
        );
        assert_eq!(forbidden("[package]\nname = \"xtask\"\n[dependencies]\nclap = \"4\"\n"), []);
        assert_eq!(forbidden("[package]\nname = \"core\"\n[dev-dependencies]\ninsta = \"1\"\n"), []);
        let lab = "scanner-lab.workspace = true";
        assert_eq!(forbidden(&format!("[package]\nname = \"core\"\n[dev-dependencies]\n{lab}\n")), []);
        assert_eq!(forbidden(&format!("[package]\nname = \"xtask\"\n[dependencies]\n{lab}\n")), []);
    }

    #[test]
    fn other_dependencies_are_found_wherever_they_hide() {
        for (manifest, line) in [
            ("[package]\nname = \"core\"\n[dependencies]\ntokio.workspace = true\n", 4),
            ("[package]\nname = \"core\"\n[build-dependencies]\ncc = \"1\"\n", 4),
            ("[package]\nname = \"core\"\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n", 4),
            (
                "[package]\nname = \"core\"\n[dependencies]\nserde = { package = \"tokio\", version = \"1\" }\n",
                4,
            ),
            ("[package]\nname = \"net\"\n[dependencies]\ncore = \"1\"\nalias.workspace = true\n", 5),
            ("[package]\nname = \"core\"\n[dev-dependencies]\nnet = { path = \"../net\" }\n", 4),
            ("[package]\nname = \"xtask\"\n[dependencies]\nnet = { path = \"../net\" }\n", 4),
            ("[package]\nname = \"net\"\n[dependencies]\nscanner-lab.workspace = true\n", 4),
        ] {
            let found = forbidden(manifest);
            assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [line], "{manifest}");
        }
    }

    #[test]
    fn a_renamed_dependency_goes_by_its_own_name() {
        let found = forbidden("[package]\nname = \"net\"\n[dependencies]\nalias.workspace = true\n");
        assert!(found[0].1.contains("net must not depend on rand"), "{found:?}");
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        let found = forbidden("[package]\nname = \"extra\"\n");
        assert!(found[0].1.contains("extra has no row"), "{found:?}");
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_found() {
        assert!(forbidden("[package\n")[0].1.starts_with("no valid TOML"));
    }

    #[test]
    fn shared_values_are_inherited() {
        let good = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                    license = { workspace = true }\n[lints]\nworkspace = true\n";
        assert_eq!(inheritance(&Tree::of(&[("crates/a/Cargo.toml", good)])), []);
        let bad = good
            .replace("edition.workspace = true", "edition = \"2021\"")
            .replace("[lints]\nworkspace = true", "");
        let findings = inheritance(&Tree::of(&[("crates/a/Cargo.toml", &bad)]));
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [3, 1]);
        assert!(findings[0].advice.contains("edition") && findings[1].advice.contains("[lints]"));
    }

    fn msrv_findings(toolchain: &str, readme: &str) -> Vec<(String, usize)> {
        let tree = Tree::of(&[
            ("Cargo.toml", "[workspace.package]\nrust-version = \"1.95\"\n"),
            ("rust-toolchain.toml", &format!("[toolchain]\nchannel = \"{toolchain}\"\n")),
            ("README.md", readme),
        ]);
        one_msrv(&tree).into_iter().map(|finding| (finding.path, finding.line)).collect()
    }

    #[test]
    fn one_msrv_everywhere() {
        assert_eq!(msrv_findings("1.95.0", "Needs Rust 1.95.\n"), []);
        assert_eq!(msrv_findings("1.95.0", "scanner 1.2 in Rust, 1.5 s\n"), []);
        assert_eq!(msrv_findings("1.96.0", ""), [("rust-toolchain.toml".to_owned(), 2)]);
        assert_eq!(msrv_findings("stable", ""), [("rust-toolchain.toml".to_owned(), 2)]);
        for stated in
            ["Rust 1.94 or later", "**Rust 1.94**", "(rustc 1.94.1)", "the MSRV is 1.94.", "MSRV: `1.94`"]
        {
            assert_eq!(
                msrv_findings("1.95.0", &format!("\n{stated}\n")),
                [("README.md".to_owned(), 2)],
                "{stated}"
            );
        }
        let without = Tree::of(&[("Cargo.toml", "[workspace]\n")]);
        assert_eq!(one_msrv(&without).len(), 1);
    }

    #[test]
    fn everything_comes_from_crates_io() {
        let lock = format!("source = \"{CRATES_IO}\"\nsource = \"registry+https://example.org/index\"\n");
        let tree = Tree::of(&[
            ("Cargo.lock", &lock),
            (
                "crates/a/Cargo.toml",
                "repository = \"https://example.org/a\"\na = { git = \"https://example.org/a\" }\n",
            ),
            (".cargo/config.toml", "[source.mirror]\nregistry = \"sparse+https://example.org/\"\n"),
            ("README.md", "https://example.org\n"),
        ]);
        let places: Vec<_> =
            registries(&tree).into_iter().map(|finding| (finding.path, finding.line)).collect();
        let expected = [("Cargo.lock", 2), ("crates/a/Cargo.toml", 2), (".cargo/config.toml", 2)];
        assert_eq!(places, expected.map(|(path, line)| (path.to_owned(), line)));
    }
}
