//! `cargo xtask ci`: every check of the repository, in order.

use anyhow::Result;

use crate::summary::{Outcome, Row, conclude};
use crate::{api, codegen, deny, shell, test, tidy};

type Step = (&'static str, fn() -> Result<Outcome>);

const STEPS: &[Step] = &[
    ("fmt", || shell::outcome_of(shell::cargo().args(["fmt", "--all", "--check"]))),
    ("clippy", clippy),
    ("codegen", || codegen::run(codegen::Mode::Check).map(|()| Outcome::Passed)),
    ("api", || api::run(codegen::Mode::Check).map(|()| Outcome::Passed)),
    ("tidy", || tidy::run().map(|()| Outcome::Passed)),
    (TESTS, || test::run(&[], &[]).map(|()| Outcome::Passed)),
    ("doc", doc),
    ("deny", deny::run),
];

const TESTS: &str = "test";

/// Runs the steps up to the first that fails; the table names the others as not run.
pub(crate) fn run(skip_tests: bool) -> Result<()> {
    let chosen = STEPS.iter().filter(|(name, _)| !(skip_tests && *name == TESTS));
    conclude("step", &run_until_failure(chosen))
}

fn run_until_failure<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (name, part) in steps {
        let row = if rows.last().is_some_and(|last| last.failed() || last.outcome == Outcome::NotRun) {
            Row::not_run(name)
        } else {
            println!("\n== {name}");
            Row::run(name, part)
        };
        rows.push(row);
    }
    rows
}

fn clippy() -> Result<Outcome> {
    shell::outcome_of(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn doc() -> Result<Outcome> {
    shell::outcome_of(
        shell::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_after_a_failure_do_not_run() {
        let steps: &[Step] = &[
            ("first", || Ok(Outcome::Skipped("why".to_owned()))),
            ("second", || Ok(Outcome::Failed("exit status: 1".to_owned()))),
            ("third", || panic!("must not run")),
            ("fourth", || panic!("must not run")),
        ];
        let rows = run_until_failure(steps.iter());
        assert!(rows[1].failed());
        assert_eq!(rows[2].outcome, Outcome::NotRun);
        assert_eq!(rows[3].outcome, Outcome::NotRun);
    }
}
