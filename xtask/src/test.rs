//! `cargo xtask test`: the suites, and which runner each takes.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::flags::Suite;
use crate::netns::Ability;
use crate::summary::{Outcome, Row, conclude};
use crate::{clients, embed, lab, netns, shell};

/// The test binary of scanner-cli whose tests make namespaces of their own.
const NETNS_BINARY: &str = "netns";

/// Runs the suites (all of them if none is named), whatever the ones before gave, and closes with a table.
/// `runner_args` go to the runner of each suite.
pub(crate) fn run(suites: &[Suite], runner_args: &[OsString]) -> Result<()> {
    let suites = if suites.is_empty() { Suite::value_variants() } else { suites };
    let nextest = shell::has_cargo_command("nextest");
    let rows: Vec<_> = suites
        .iter()
        .map(|suite| match suite {
            Suite::Doc => Row::run("doc", || doc(runner_args)),
            Suite::Embed => Row::run("embed", embed::run),
            Suite::Unit => Row::run("unit", || unit(nextest, runner_args)),
            Suite::Netns => Row::run("netns", || namespaces(nextest, NetnsPart::Rest, runner_args)),
            Suite::Clients => Row::run("clients", || namespaces(nextest, NetnsPart::Clients, runner_args)),
            Suite::Lab => Row::run("lab", || lab::suite(runner_args)),
        })
        .collect();
    conclude("suite", &rows)
}

fn unit(nextest: bool, runner_args: &[OsString]) -> Result<Outcome> {
    let mut command = runner(nextest, runner_args);
    command.arg("--workspace");
    if nextest {
        command.args(["-E", &format!("not binary({NETNS_BINARY})")]);
    } else {
        command.args(["--lib", "--bins"]);
        for name in integration_tests(&metadata()?) {
            command.args(["--test", &name]);
        }
    }
    finish(command, nextest, runner_args)
}

/// The tests of one binary, in two suites: what reads our files has to be installed first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NetnsPart {
    Clients,
    Rest,
}

impl NetnsPart {
    /// Adds what chooses the tests of this part.
    fn choose(self, command: &mut Command, nextest: bool) {
        match (nextest, self) {
            (true, Self::Clients) => command.args(["-E", "test(/^clients::/)"]),
            (true, Self::Rest) => command.args(["-E", "not test(/^clients::/)"]),
            (false, Self::Clients) => command.args(["--", "clients::"]),
            (false, Self::Rest) => command.args(["--", "--skip", "clients::"]),
        };
    }
}

fn namespaces(nextest: bool, part: NetnsPart, runner_args: &[OsString]) -> Result<Outcome> {
    let ability = match netns::ability() {
        Ok(ability) => ability,
        Err(why) => return Ok(Outcome::Skipped(why.to_string())),
    };
    let mut command = runner(nextest, runner_args);
    command.args(["--package", "scanner-cli", "--test", NETNS_BINARY]);
    part.choose(&mut command, nextest);
    if part == NetnsPart::Clients {
        clients::install(&mut command);
    }
    match ability {
        Ability::Direct => shell::outcome_of(command.args(runner_args)),
        Ability::Within => {
            // Built out here, where cargo may still fetch what it lacks.
            let mut compile = shell::cargo();
            compile.args(["test", "--no-run", "--package", "scanner-cli", "--test", NETNS_BINARY]);
            let compiled = shell::outcome_of(&mut compile)?;
            if compiled != Outcome::Passed {
                return Ok(compiled);
            }
            shell::outcome_of(netns::within(&command).args(runner_args))
        }
    }
}

fn doc(runner_args: &[OsString]) -> Result<Outcome> {
    let mut command = shell::cargo();
    command.args(["test", "--doc", "--workspace"]);
    finish(command, false, runner_args)
}

fn runner(nextest: bool, runner_args: &[OsString]) -> Command {
    let mut command = shell::cargo();
    if nextest {
        command.args(["nextest", "run"]);
        if !runner_args.is_empty() {
            // A filter may well choose nothing in one suite; a suite without any test is still an error.
            command.arg("--no-tests=pass");
        }
    } else {
        command.args(["test", "--no-fail-fast"]);
    }
    command
}

fn finish(mut command: Command, nextest: bool, runner_args: &[OsString]) -> Result<Outcome> {
    if !nextest && !runner_args.is_empty() {
        command.arg("--");
    }
    shell::outcome_of(command.args(runner_args))
}

fn metadata() -> Result<Value> {
    let output = shell::cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("start cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).context("read the answer of cargo metadata")
}

/// The names of the integration tests of all crates, but for the one of the suite `netns`.
fn integration_tests(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let mut names: Vec<_> = targets
        .filter(|target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"))
        })
        .filter_map(|target| target["name"].as_str())
        .filter(|name| *name != NETNS_BINARY)
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integration_tests_are_found_once_and_without_netns() {
        let metadata = serde_json::json!({ "packages": [
            { "targets": [{ "name": "scanner", "kind": ["bin"] }, { "name": "it", "kind": ["test"] }] },
            { "targets": [
                { "name": "loopback", "kind": ["test"] },
                { "name": "it", "kind": ["test"] },
                { "name": "netns", "kind": ["test"] },
            ] },
        ] });
        assert_eq!(integration_tests(&metadata), ["it", "loopback"]);
    }

    #[test]
    fn the_readers_of_our_files_are_a_suite_of_their_own() {
        let words = |part: NetnsPart, nextest| {
            let mut command = Command::new("cargo");
            part.choose(&mut command, nextest);
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(NetnsPart::Clients, true), "-E test(/^clients::/)");
        assert_eq!(words(NetnsPart::Rest, true), "-E not test(/^clients::/)");
        assert_eq!(words(NetnsPart::Clients, false), "-- clients::");
        assert_eq!(words(NetnsPart::Rest, false), "-- --skip clients::");
    }

    #[test]
    fn a_filter_reaches_each_runner_in_its_own_way() {
        let filter = [OsString::from("port_set")];
        let words = |command: &Command| {
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&runner(true, &filter)), "nextest run --no-tests=pass");
        assert_eq!(words(&runner(true, &[])), "nextest run");
        assert_eq!(words(&runner(false, &filter)), "test --no-fail-fast");
    }
}
