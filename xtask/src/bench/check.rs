//! `cargo xtask bench --check`: instructions and system calls per port against the committed figures, so that a change
//! that makes scanning dearer is seen on any machine, however busy.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::figures::{self, Figures, Measured};
use super::table::aligned;
use crate::shell;

/// How much more a figure may be. Another version of the compiler or the C library may cost a few per cent.
const TOLERANCE: f64 = 0.10;

/// The file with the committed figures.
const FILE: &str = "xtask/data/bench.toml";

const HEADER: &str = "\
# What one refused port costs. Written by `cargo xtask bench --record`; `cargo xtask bench --check` measures again and
# fails where more than a tenth was added. A change that is worth what it costs records the new figures in its commit.
";

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Committed {
    /// The compiler that the figures were recorded with.
    rustc: String,
    per_refused_port: Figures,
}

/// Measures and compares with the committed figures. What cannot be measured here is skipped with the reason.
pub(super) fn check(scanner: &Path) -> Result<()> {
    let path = shell::root().join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("read {FILE}"))?;
    let committed: Committed = toml::from_str(&text).with_context(|| format!("read {FILE}"))?;
    let measured = figures::measure(scanner)?;
    let comparison = compare(&committed.per_refused_port, &measured);
    print!("{}", comparison.table);
    let rustc = rustc()?;
    if rustc != committed.rustc {
        println!("  recorded with {}, measured with {rustc}", committed.rustc);
    }
    let above = &comparison.above;
    ensure!(
        above.is_empty(),
        "dearer by more than {:.0} %: {}; make it cheaper, or say in the commit why it is worth it and run \
         `cargo xtask bench --record`",
        TOLERANCE * 100.0,
        above.join(", ")
    );
    Ok(())
}

/// Measures and writes the figures down.
pub(super) fn record(scanner: &Path) -> Result<()> {
    let measured = figures::measure(scanner)?;
    ensure!(
        measured.skipped.is_empty(),
        "not everything can be measured here: {}",
        measured.skipped.join("; ")
    );
    let rounded = measured.figures.into_iter().map(|(name, figure)| (name, (figure * 100.0).round() / 100.0));
    let committed = Committed { rustc: rustc()?, per_refused_port: rounded.collect() };
    let path: PathBuf = shell::root().join(FILE);
    let text = format!("{HEADER}{}", toml::to_string(&committed)?);
    fs::write(&path, &text).with_context(|| format!("write {FILE}"))?;
    print!("{text}");
    Ok(())
}

struct Comparison {
    table: String,
    /// The names of those that are too high.
    above: Vec<String>,
}

fn compare(committed: &Figures, measured: &Measured) -> Comparison {
    let mut above = Vec::new();
    let mut lines =
        vec![["per refused port", "committed", "measured", "change", ""].map(str::to_owned).to_vec()];
    for (name, &was) in committed {
        let Some(&is) = measured.figures.get(name) else { continue };
        let change = is / was - 1.0;
        let too_high = change > TOLERANCE;
        if too_high {
            above.push(name.clone());
        }
        let verdict = if too_high { "TOO HIGH" } else { "" };
        let figures = [was, is].map(|figure| format!("{figure:.2}"));
        let [was, is] = figures;
        lines.push(vec![name.clone(), was, is, format!("{:+.1} %", change * 100.0), verdict.to_owned()]);
    }
    let mut table = aligned(&lines, 1);
    let new = measured.figures.keys().filter(|name| !committed.contains_key(*name));
    table.extend(new.map(|name| format!("  {name}: not recorded yet; run `cargo xtask bench --record`\n")));
    table.extend(measured.skipped.iter().map(|why| format!("  skipped {why}\n")));
    Comparison { table, above }
}

fn rustc() -> Result<String> {
    let output = std::process::Command::new("rustc").arg("--version").current_dir(shell::root()).output();
    let output = output.context("start rustc")?;
    let words = String::from_utf8_lossy(&output.stdout);
    Ok(words.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(figures: &[(&str, f64)]) -> Figures {
        figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect()
    }

    #[test]
    fn a_tenth_more_is_the_most_that_passes() {
        let committed = figures(&[("calls", 3.0), ("controller", 2_000.0), ("user", 4_000.0)]);
        let measured = Measured {
            figures: figures(&[("calls", 3.31), ("controller", 2_199.0), ("new", 7.0)]),
            skipped: vec!["user: no valgrind".to_owned()],
        };
        let comparison = compare(&committed, &measured);
        assert_eq!(comparison.above, ["calls"]);
        insta::assert_snapshot!(comparison.table, @"
        per refused port  committed  measured   change
        calls                  3.00      3.31  +10.3 %  TOO HIGH
        controller          2000.00   2199.00   +9.9 %
        new: not recorded yet; run `cargo xtask bench --record`
        skipped user: no valgrind
        ");
    }

    #[test]
    fn less_is_never_too_much() {
        let measured = Measured { figures: figures(&[("calls", 0.5)]), skipped: Vec::new() };
        assert!(compare(&figures(&[("calls", 3.0)]), &measured).above.is_empty());
    }

    #[test]
    fn what_is_committed_can_be_read() {
        let text = fs::read_to_string(shell::root().join(FILE)).unwrap();
        let committed: Committed = toml::from_str(&text).unwrap();
        assert!(text.starts_with(HEADER) && committed.per_refused_port.values().all(|figure| *figure > 0.0));
        assert!(toml::from_str::<Committed>(&format!("{text}\n[more]\n")).is_err());
    }
}
