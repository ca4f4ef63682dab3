//! The files of the repository as the rules see them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::rust_text::{blank_tests, code_only, test_modules};

/// All text files that git would commit.
pub(super) struct Tree {
    files: Vec<File>,
}

pub(super) struct File {
    /// From the top of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Of a Rust file: the text with comments and literals blanked out, line for line.
    code: String,
    /// Of a Rust file: `code` without its `#[cfg(test)]` items.
    shipped: String,
    /// Nothing of the file reaches a user: integration tests, benches, modules that exist only for tests.
    pub(super) is_test: bool,
}

/// A line of a file, numbered from 1, with its code apart.
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
    pub(super) code: &'a str,
    /// Inside a `#[cfg(test)]` item.
    pub(super) in_test: bool,
}

impl Tree {
    /// Reads what git tracks and what it would add; files that are no text are left out.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("start git ls-files")?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
        let paths = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
        let paths: BTreeSet<_> = paths.split_terminator('\0').collect();
        let mut files = Vec::new();
        for path in paths {
            // git still lists a file that was removed but not committed.
            let Ok(bytes) = fs::read(root.join(path)) else { continue };
            // The path alone counts for the rules about the layout.
            files.push((path.to_owned(), String::from_utf8(bytes).unwrap_or_default()));
        }
        Ok(Self::new(files))
    }

    pub(super) fn new(files: Vec<(String, String)>) -> Self {
        let mut files: Vec<_> = files.into_iter().map(|(path, text)| File::new(path, text)).collect();
        let roots: Vec<_> = files.iter().flat_map(|file| test_modules(&file.path, &file.code)).collect();
        for file in &mut files {
            file.is_test |= roots.iter().any(|root| {
                file.path
                    .strip_prefix(root.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
        }
        Self { files }
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self::new(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// The manifests of the crates, the workspace's own left out.
    pub(super) fn crate_manifests(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml");
            folder.is_some_and(|folder| folder == "xtask" || is_child_of(folder, "crates/"))
        })
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let is_rust = has_extension(&path, "rs");
        let code = if is_rust { code_only(&text) } else { String::new() };
        let shipped = blank_tests(&code);
        let is_test = ["tests/", "benches/"].iter().any(|folder| path.contains(&format!("/{folder}")));
        Self { path, text, code, shipped, is_test }
    }

    pub(super) fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }

    /// Written by `cargo xtask codegen`, as its head says.
    pub(super) fn is_generated(&self) -> bool {
        let head = self.text.lines().take(5).collect::<String>().to_lowercase();
        head.contains("@generated") || (head.contains("generated") && head.contains("not edit"))
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut code = self.code.split('\n');
        let mut shipped = self.shipped.split('\n');
        self.text.lines().enumerate().map(move |(index, text)| {
            let code = code.next().unwrap_or_default();
            let in_test = shipped.next().unwrap_or_default() != code;
            Line { number: index + 1, text, code, in_test }
        })
    }

    /// The lines that reach a user.
    pub(super) fn shipped_lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines().filter(|line| !self.is_test && !line.in_test)
    }

    /// The first line of a TOML file that sets the key, or 1.
    pub(super) fn line_of_key(&self, key: &str) -> usize {
        let sets = |line: &str| {
            let rest = line.trim_start().strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with([' ', '=', '.']))
        };
        self.text.lines().position(sets).map_or(1, |index| index + 1)
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

fn is_child_of(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_whether_they_are_tests() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n\n}\nfn c() {}\n";
        let tree = Tree::of(&[("crates/a/src/lib.rs", text)]);
        let shipped: Vec<_> = tree.files().flat_map(File::shipped_lines).map(|line| line.number).collect();
        // The empty line differs in nothing; no rule looks at it.
        assert_eq!(shipped, [1, 5, 7]);
    }

    #[test]
    fn modules_for_tests_are_tests_with_all_below() {
        let tree = Tree::of(&[
            ("crates/a/src/control.rs", "#[cfg(test)]\nmod sim;\nmod window;\n"),
            ("crates/a/src/control/sim.rs", ""),
            ("crates/a/src/control/sim/scenario.rs", ""),
            ("crates/a/src/control/window.rs", ""),
            ("crates/a/tests/it/main.rs", ""),
        ]);
        let tests: Vec<_> = tree.files().filter(|file| file.is_test).map(|file| file.path.as_str()).collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/control/sim.rs",
                "crates/a/src/control/sim/scenario.rs",
                "crates/a/tests/it/main.rs"
            ]
        );
    }

    #[test]
    fn only_members_are_crates() {
        let tree = Tree::of(&[
            ("Cargo.toml", ""),
            ("xtask/Cargo.toml", ""),
            ("crates/a/Cargo.toml", ""),
            ("crates/a/fuzz/Cargo.toml", ""),
        ]);
        let paths: Vec<_> = tree.crate_manifests().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["xtask/Cargo.toml", "crates/a/Cargo.toml"]);
    }

    #[test]
    fn generated_files_say_so_at_their_head() {
        let tree = Tree::of(&[
            ("a.rs", "// Generated by `cargo xtask codegen`. Do not edit.\n"),
            ("b.rs", "//! Writes the generated table.\n"),
        ]);
        assert_eq!(tree.files().map(File::is_generated).collect::<Vec<_>>(), [true, false]);
    }
}
