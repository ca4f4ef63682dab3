//! Rules about where things are.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

/// What may stand at the top, besides dot-files.
const TOP_LEVEL: [&str; 6] =
    ["crates", "xtask", "Cargo.toml", "Cargo.lock", "README.md", "rust-toolchain.toml"];

/// Beginnings of paths that exist on one machine only. In two parts, so that this file does not hold them.
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

/// Fine in a test that makes its own files, a defect in what a user gets.
const SCRATCH_PATH: &str = concat!("/tm", "p/");

pub(super) fn top_level(tree: &Tree) -> Vec<Finding> {
    let names: BTreeSet<_> = tree.files().filter_map(|file| file.path.split('/').next()).collect();
    let strange = names.into_iter().filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(name));
    strange
        .map(|name| {
            Finding::new(name, 1, format!("not one of {}: move it into a crate", TOP_LEVEL.join(", ")))
        })
        .collect()
}

pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    // Data from elsewhere is kept as it came.
    let ours = tree.files().filter(|file| !file.is_generated() && !file.path.starts_with("xtask/data/"));
    ours.flat_map(machine_paths_of).collect()
}

fn machine_paths_of(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in file.lines() {
        let test = file.is_test || line.in_test;
        let banned = MACHINE_PATHS.iter().chain((!test).then_some(&SCRATCH_PATH));
        for path in banned.filter(|path| has_path(line.text, path)) {
            let advice =
                format!("{path} is a path of one machine: take it from the environment or an argument");
            findings.push(Finding::new(&file.path, line.number, advice));
        }
    }
    findings
}

/// Whether the path begins here and is not the middle of a longer one, or of an address on the web.
fn has_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '}' | ')'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_holds_only_what_is_listed() {
        let tree = Tree::of(&[
            ("crates/a/Cargo.toml", ""),
            ("README.md", ""),
            (".ci/run", ""),
            (".deny.toml", ""),
            ("ARCHITECTURE.md", ""),
            ("docs/a.md", ""),
            ("docs/b.md", ""),
        ]);
        let names: Vec<_> = top_level(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(names, ["ARCHITECTURE.md", "docs"]);
    }

    #[test]
    fn paths_of_one_machine_are_found_in_any_file() {
        let [work, home, root] = MACHINE_PATHS;
        let readme = format!("fine\nsee {work}main\n`{home}me/x`\nhttps://example.org{root}x\n/usr{home}x\n");
        let test = format!("let a = \"{root}x\";\nlet b = \"{SCRATCH_PATH}x\";\n");
        let tree = Tree::of(&[
            ("README.md", &readme),
            ("crates/a/tests/a.rs", &test),
            ("crates/a/src/a.rs", &test),
            ("xtask/data/names.csv", &readme),
        ]);
        let found: Vec<_> =
            machine_paths(&tree).iter().map(|found| (found.path.clone(), found.line)).collect();
        let expected = [
            ("README.md", 2),
            ("README.md", 3),
            ("crates/a/tests/a.rs", 1),
            ("crates/a/src/a.rs", 1),
            ("crates/a/src/a.rs", 2),
        ];
        assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
    }
}
