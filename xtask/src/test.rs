//! `cargo xtask test`: the suites, and what runs each of them.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use self::runner::{Binaries, Effort, Names, Runner, Selection};
use crate::flags::Suite;
use crate::netns::Ability;
use crate::summary::{Outcome, Row, Tally, conclude};
use crate::{clients, embed, lab, netns, shell};

mod fuzz;
mod runner;

/// What a suite is run with.
struct Way<'a> {
    runner: Runner,
    /// For the runner of each suite.
    args: &'a [OsString],
}

/// The integration tests that connect to ports of this machine.
const LOOPBACK: &[&str] = &["cancel", "it", "loopback"];

/// The integration tests that make namespaces of their own.
const NETNS: &[&str] = &["netns"];

/// Whole scans of networks that exist in memory only.
const SIMULATED: &[&str] = &["control::pairs::", "control::properties::", "control::scenarios::"];

/// Of the binary `netns`: what reads our files has to be installed first, so they are a suite of their own.
const CLIENTS: &[&str] = &["clients::"];

/// Of the binary `netns`: every error that the kernel can give, at random, with both connectors. It takes minutes; the others of `faults`
/// have a part of them.
const FAULTS: &[&str] = &["faults::one_half_", "faults::the_other_half_"];

/// Of all packages, as every suite but `deep`: with fewer, dependencies have fewer features, and are built anew.
const UNIT: Selection = Selection {
    packages: &[],
    binaries: Binaries::AllBut(&["netns", "cancel", "it", "loopback"]),
    names: Names::AllBut(SIMULATED),
    effort: Effort::Usual,
};

const SIM: Selection = Selection { binaries: Binaries::Libraries, names: Names::Only(SIMULATED), ..UNIT };

const LOOPBACK_TESTS: Selection =
    Selection { binaries: Binaries::Only(LOOPBACK), names: Names::AllBut(&[]), ..UNIT };

const NETNS_TESTS: Selection = Selection {
    binaries: Binaries::Only(NETNS),
    names: Names::AllBut(&[CLIENTS[0], FAULTS[0], FAULTS[1]]),
    ..UNIT
};

const CLIENTS_TESTS: Selection = Selection { names: Names::Only(CLIENTS), ..NETNS_TESTS };

const FAULTS_TESTS: Selection = Selection { names: Names::Only(FAULTS), ..NETNS_TESTS };

/// What is pure; more cases tell nothing new of tests whose answers come from the kernel.
const DEEP: Selection = Selection {
    packages: &["scanner-core", "scanner-net"],
    binaries: Binaries::Libraries,
    names: Names::AllBut(&["connect::", "driver::", LONGEST]),
    effort: Effort::Deep { cases: 10_000 },
};

/// A case of it builds a set of more than 65,000 ranges from a number: ten thousand of them take more than a quarter of an hour. `unit` has sixteen.
const LONGEST: &str = "target_set_builder::tests::is_the_same_set_in_whatever_order";

/// Runs the suites (the usual ones if none is named), whatever the ones before gave, and closes with a table.
/// `runner_args` go to the runner of each suite.
pub(crate) fn run(suites: &[Suite], runner_args: &[OsString]) -> Result<()> {
    let usual: Vec<_> = Suite::value_variants().iter().copied().filter(|suite| suite.is_usual()).collect();
    let suites = if suites.is_empty() { &usual } else { suites };
    let way = Way { runner: Runner::installed(), args: runner_args };
    let rows: Vec<_> =
        suites.iter().map(|suite| Row::run(suite.name(), || run_suite(*suite, &way))).collect();
    conclude("suite", &rows)
}

fn run_suite(suite: Suite, way: &Way<'_>) -> Result<Tally> {
    match suite {
        Suite::Doc => doc(way),
        Suite::Embed => embed::run().map(Tally::from),
        Suite::Unit => here(&UNIT, way),
        Suite::Sim => here(&SIM, way),
        Suite::Loopback => here(&LOOPBACK_TESTS, way),
        Suite::Netns => namespaces(&NETNS_TESTS, way, |_| {}),
        Suite::Clients => namespaces(&CLIENTS_TESTS, way, clients::install),
        Suite::Lab => lab::suite(way.args),
        Suite::Deep => here(&DEEP, way),
        Suite::Faults => namespaces(&FAULTS_TESTS, way, |_| {}),
        Suite::Fuzz => fuzz::run(way),
    }
}

impl Suite {
    /// Run without being named.
    fn is_usual(self) -> bool {
        !matches!(self, Self::Deep | Self::Faults | Self::Fuzz)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Doc => "doc",
            Self::Embed => "embed",
            Self::Unit => "unit",
            Self::Sim => "sim",
            Self::Loopback => "loopback",
            Self::Netns => "netns",
            Self::Clients => "clients",
            Self::Lab => "lab",
            Self::Deep => "deep",
            Self::Faults => "faults",
            Self::Fuzz => "fuzz",
        }
    }
}

fn here(selection: &Selection, way: &Way<'_>) -> Result<Tally> {
    way.runner.run(selection, way.args, |command| command)
}

fn namespaces(selection: &Selection, way: &Way<'_>, prepare: fn(&mut Command)) -> Result<Tally> {
    let ability = match netns::ability() {
        Ok(ability) => ability,
        Err(why) => return Ok(Outcome::Skipped(why.to_string()).into()),
    };
    if matches!(ability, Ability::Within) {
        // Built out here, where cargo may still fetch what it lacks.
        let compiled = build_netns()?;
        if compiled != Outcome::Passed {
            return Ok(compiled.into());
        }
    }
    way.runner.run(selection, way.args, |mut command| {
        prepare(&mut command);
        match ability {
            Ability::Direct => command,
            Ability::Within => netns::within(&command),
        }
    })
}

/// Builds the suites of namespaces, and the command that they scan with.
pub(crate) fn build_netns() -> Result<Outcome> {
    shell::outcome_of(shell::cargo().args(["test", "--no-run", "--workspace", "--test", NETNS[0]]))
}

fn doc(way: &Way<'_>) -> Result<Tally> {
    let mut command = shell::cargo();
    command.args(["test", "--doc", "--workspace"]);
    if !way.args.is_empty() {
        command.arg("--").args(way.args);
    }
    runner::counted_by_cargo(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_goes_by_the_name_that_is_typed() {
        for suite in Suite::value_variants() {
            let typed = suite.to_possible_value().unwrap();
            assert_eq!(suite.name(), typed.get_name());
        }
    }

    #[test]
    fn every_test_of_the_workspace_is_in_a_usual_suite() {
        let Binaries::AllBut(elsewhere) = UNIT.binaries else { panic!("unit is the rest") };
        let named: Vec<_> = NETNS.iter().chain(LOOPBACK).copied().collect();
        assert_eq!(elsewhere, named, "what unit leaves out is in another suite");
    }
}
