//! `cargo xtask tidy`: the architecture, tested. What no compiler and no linter sees is a rule here; `crates/README.md`
//! says why each of them holds.

mod code;
mod layout;
mod manifests;
mod rust_text;
mod tree;

use std::fmt;

use anyhow::Result;

use self::tree::Tree;
use crate::shell;

/// What a crate may depend on (dev-dependencies are free, but for the crates of this workspace; scanner-lab is one).
enum Allowed {
    Only(&'static [&'static str]),
    AnyBut(&'static [&'static str]),
}

/// One row per crate of the workspace. A new dependency of a library is a decision about the architecture: its row
/// changes in the same commit.
const DEPENDENCIES: &[(&str, Allowed)] = &[
    ("scanner-core", Allowed::Only(&["roaring", "serde", "thiserror"])),
    (
        "scanner-net",
        Allowed::Only(&[
            "scanner-core",
            "futures-core",
            "futures-util",
            "libc",
            "nix",
            "rustix",
            "serde",
            "slab",
            "socket2",
            "thiserror",
            "tokio",
            "tokio-util",
            "tracing",
        ]),
    ),
    (
        "scanner-dns",
        Allowed::Only(&[
            "scanner-core",
            "dns-lookup",
            "futures-core",
            "futures-util",
            "hickory-resolver",
            "libc",
            "thiserror",
            "tokio",
            "tokio-util",
        ]),
    ),
    ("scanner-cli", Allowed::AnyBut(&["scanner-lab", "xtask"])),
    ("scanner-lab", Allowed::Only(&["libc", "nix", "serde", "thiserror", "toml"])),
    ("xtask", Allowed::AnyBut(&["scanner-core", "scanner-net", "scanner-dns", "scanner-cli"])),
];

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("top level", layout::top_level),
    ("dependencies", |tree| manifests::dependencies(tree, DEPENDENCIES)),
    ("one manifest for all", manifests::inheritance),
    ("one MSRV", manifests::one_msrv),
    ("crates.io only", manifests::registries),
    ("file size", code::file_size),
    ("clock", code::clock),
    ("printing", code::printing),
    ("suppressions", code::suppressions),
    ("unfinished code", code::unfinished),
    ("machine paths", layout::machine_paths),
];

/// A rule that does not hold somewhere, and what to do about it.
#[derive(PartialEq, Eq, Debug)]
struct Finding {
    path: String,
    /// From 1.
    line: usize,
    advice: String,
}

impl Finding {
    fn new(path: &str, line: usize, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, advice: advice.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

/// Checks every rule over all files of the repository, those not committed yet included.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read(&shell::root())?;
    let mut total = 0;
    for (name, rule) in RULES {
        for finding in rule(&tree) {
            println!("{finding} [{name}]");
            total += 1;
        }
    }
    anyhow::ensure!(total == 0, "tidy: {total} finding(s)");
    println!("tidy: {} rules hold in {} files", RULES.len(), tree.len());
    Ok(())
}
