//! Which tests of the workspace a suite is, as data, and the words for either runner: nextest where it is installed, else cargo's own.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::shell;
use crate::summary::{Outcome, Tally};

/// The tests of a suite.
pub(super) struct Selection {
    /// All of the workspace without any.
    pub(super) packages: &'static [&'static str],
    pub(super) binaries: Binaries,
    pub(super) names: Names,
    pub(super) effort: Effort,
}

#[derive(Clone, Copy)]
pub(super) enum Binaries {
    /// The tests inside the libraries.
    Libraries,
    /// These integration tests.
    Only(&'static [&'static str]),
    /// Everything but these integration tests.
    AllBut(&'static [&'static str]),
}

/// Tests by the beginnings of their names.
#[derive(Clone, Copy)]
pub(super) enum Names {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// As a developer builds.
    Usual,
    /// Optimised, and with this many cases of every property.
    Deep { cases: u32 },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    Nextest,
    Cargo,
}

impl Runner {
    pub(super) fn installed() -> Self {
        if shell::has_cargo_command("nextest") { Self::Nextest } else { Self::Cargo }
    }

    /// Runs the tests; `wrap` may put the command into another one.
    pub(super) fn run(
        self,
        selection: &Selection,
        args: &[OsString],
        wrap: impl FnOnce(Command) -> Command,
    ) -> Result<Tally> {
        let workspace = shell::metadata()?;
        let command = wrap(self.command(selection, args, &integration_tests(&workspace)));
        match self {
            Self::Nextest => counted_by_nextest(command, selection.effort),
            Self::Cargo => counted_by_cargo(command),
        }
    }

    fn command(self, selection: &Selection, args: &[OsString], integration_tests: &[String]) -> Command {
        let mut command = shell::cargo();
        match self {
            Self::Nextest => command.args(["nextest", "run"]),
            Self::Cargo => command.args(["test", "--no-fail-fast"]),
        };
        if selection.packages.is_empty() {
            command.arg("--workspace");
        }
        for package in selection.packages {
            command.args(["--package", package]);
        }
        match (self, selection.effort) {
            (_, Effort::Usual) => {}
            (Self::Nextest, Effort::Deep { .. }) => {
                command.args(["--cargo-profile", "release", "--profile", DEEP_PROFILE]);
            }
            (Self::Cargo, Effort::Deep { .. }) => {
                command.arg("--release");
            }
        }
        if let Effort::Deep { cases } = selection.effort {
            command.env("PROPTEST_CASES", cases.to_string());
        }
        match self {
            Self::Nextest => nextest_words(&mut command, selection, args),
            Self::Cargo => cargo_words(&mut command, selection, args, integration_tests),
        }
        command
    }
}

/// Of `.config/nextest.toml`: it lets a test take longer.
const DEEP_PROFILE: &str = "deep";

fn nextest_words(command: &mut Command, selection: &Selection, args: &[OsString]) {
    let mut filters = Vec::new();
    match selection.binaries {
        Binaries::Libraries => {
            command.arg("--lib");
        }
        Binaries::Only(names) => add(command, "--test", names),
        Binaries::AllBut(names) => {
            filters.extend(names.iter().map(|name| format!("not binary({name})")));
        }
    }
    match selection.names {
        Names::Only(names) => {
            let any: Vec<_> = names.iter().map(|name| format!("test(/^{name}/)")).collect();
            filters.push(format!("({})", any.join(" + ")));
        }
        Names::AllBut(names) => filters.extend(names.iter().map(|name| format!("not test(/^{name}/)"))),
    }
    if !filters.is_empty() {
        command.args(["-E", &filters.join(" & ")]);
    }
    if !args.is_empty() {
        // A filter may well choose nothing in one suite; a suite without any test is still an error.
        command.arg("--no-tests=pass");
    }
    command.args(args);
}

fn cargo_words(
    command: &mut Command,
    selection: &Selection,
    args: &[OsString],
    integration_tests: &[String],
) {
    match selection.binaries {
        Binaries::Libraries => {
            command.arg("--lib");
        }
        Binaries::Only(names) => add(command, "--test", names),
        Binaries::AllBut(names) => {
            let others = integration_tests.iter().map(String::as_str).filter(|name| !names.contains(name));
            command.args(["--lib", "--bins"]);
            add(command, "--test", &others.collect::<Vec<_>>());
        }
    }
    command.arg("--");
    match selection.names {
        // Two filters would be alternatives: whoever names a test means that one.
        Names::Only(names) if args.is_empty() => {
            command.args(names);
        }
        Names::Only(_) => {}
        Names::AllBut(names) => add(command, "--skip", names),
    }
    command.args(args);
}

fn add(command: &mut Command, flag: &str, names: &[&str]) {
    for name in names {
        command.args([flag, name]);
    }
}

/// nextest writes down how many tests it ran, so that its display stays as it is.
fn counted_by_nextest(mut command: Command, effort: Effort) -> Result<Tally> {
    let profile = if effort == Effort::Usual { "default" } else { DEEP_PROFILE };
    let report = shell::root().join("target/nextest").join(profile).join("junit.xml");
    // One of an earlier run would be counted if this one ends before it writes.
    let _ = std::fs::remove_file(&report);
    let outcome = shell::outcome_of(&mut command)?;
    let tests = std::fs::read_to_string(&report).ok().as_deref().and_then(tests_in_report);
    Ok(Tally { outcome, tests })
}

fn tests_in_report(report: &str) -> Option<u64> {
    let (_, whole) = report.split_once("<testsuites ")?;
    let (whole, _) = whole.split_once('>')?;
    let (_, count) = whole.split_once("tests=\"")?;
    count.split_once('"')?.0.parse().ok()
}

/// Runs `cargo test` and adds up what each of its binaries says at the end.
pub(super) fn counted_by_cargo(mut command: Command) -> Result<Tally> {
    let mut tests = 0;
    let outcome = shell::outcome_by_line(&mut command, |line| tests += tests_in_line(line))?;
    let is_known = outcome == Outcome::Passed || tests > 0;
    Ok(Tally { outcome, tests: is_known.then_some(tests) })
}

/// `test result: ok. 5 passed; 0 failed; 2 ignored; …`: what ran.
fn tests_in_line(line: &str) -> u64 {
    let Some((_, counts)) = line.split_once("test result: ").and_then(|(_, rest)| rest.split_once(". "))
    else {
        return 0;
    };
    let ran = counts.split("; ").filter_map(|part| part.split_once(' '));
    ran.filter(|(_, what)| ["passed", "failed"].contains(what))
        .filter_map(|(count, _)| count.parse::<u64>().ok())
        .sum()
}

/// The names of the integration tests of all crates.
fn integration_tests(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let mut names: Vec<_> = targets
        .filter(|target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"))
        })
        .filter_map(|target| target["name"].as_str())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Selection = Selection {
        packages: &[],
        binaries: Binaries::AllBut(&["netns", "it"]),
        names: Names::AllBut(&["control::sim::"]),
        effort: Effort::Usual,
    };
    const SIM: Selection = Selection {
        packages: &["net"],
        binaries: Binaries::Libraries,
        names: Names::Only(&["control::a::", "control::b::"]),
        effort: Effort::Deep { cases: 7 },
    };
    const NETNS: Selection = Selection {
        packages: &["cli"],
        binaries: Binaries::Only(&["netns"]),
        names: Names::AllBut(&[]),
        effort: Effort::Usual,
    };

    fn words(runner: Runner, selection: &Selection, args: &[&str]) -> String {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        let binaries = ["it", "netns", "wire"].map(str::to_owned);
        let command = runner.command(selection, &args, &binaries);
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_selection_in_the_words_of_either_runner() {
        let both = |selection| (words(Runner::Nextest, selection, &[]), words(Runner::Cargo, selection, &[]));
        let (nextest, cargo) = both(&REST);
        assert_eq!(
            nextest,
            "nextest run --workspace -E not binary(netns) & not binary(it) & not test(/^control::sim::/)"
        );
        assert_eq!(
            cargo,
            "test --no-fail-fast --workspace --lib --bins --test wire -- --skip control::sim::"
        );
        let (nextest, cargo) = both(&SIM);
        assert_eq!(
            nextest,
            "nextest run --package net --cargo-profile release --profile deep --lib \
             -E (test(/^control::a::/) + test(/^control::b::/))"
        );
        assert_eq!(cargo, "test --no-fail-fast --package net --release --lib -- control::a:: control::b::");
        let (nextest, cargo) = both(&NETNS);
        assert_eq!(nextest, "nextest run --package cli --test netns");
        assert_eq!(cargo, "test --no-fail-fast --package cli --test netns --");
    }

    #[test]
    fn a_filter_reaches_each_runner_in_its_own_way() {
        assert!(
            words(Runner::Nextest, &NETNS, &["port_set"]).ends_with("--test netns --no-tests=pass port_set")
        );
        assert!(words(Runner::Cargo, &NETNS, &["port_set"]).ends_with("--test netns -- port_set"));
        assert!(words(Runner::Cargo, &SIM, &["port_set"]).ends_with("--lib -- port_set"));
    }

    #[test]
    fn deep_tests_get_their_cases() {
        let command = Runner::Nextest.command(&SIM, &[], &[]);
        let cases =
            command.get_envs().find(|(name, _)| *name == "PROPTEST_CASES").and_then(|(_, value)| value);
        assert_eq!(cases, Some(std::ffi::OsStr::new("7")));
    }

    #[test]
    fn tests_are_counted() {
        let report = "<?xml version=\"1.0\"?>\n<testsuites name=\"nextest-run\" tests=\"31\" failures=\"1\">\n\
                      <testsuite name=\"a\" tests=\"9\">";
        assert_eq!(tests_in_report(report), Some(31));
        assert_eq!(tests_in_report("<testsuites>"), None);
        for (line, ran) in [
            ("test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 1 filtered out", 5),
            ("test result: FAILED. 5 passed; 1 failed; 0 ignored", 6),
            ("test a::b ... ok", 0),
        ] {
            assert_eq!(tests_in_line(line), ran, "{line}");
        }
    }

    #[test]
    fn integration_tests_are_found_once() {
        let metadata = serde_json::json!({ "packages": [
            { "targets": [{ "name": "scanner", "kind": ["bin"] }, { "name": "it", "kind": ["test"] }] },
            { "targets": [{ "name": "loopback", "kind": ["test"] }, { "name": "it", "kind": ["test"] }] },
        ] });
        assert_eq!(integration_tests(&metadata), ["it", "loopback"]);
    }
}
