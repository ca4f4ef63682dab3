//! What became of each part of a task, and the table that closes it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// Could not run here, and why.
    Skipped(String),
    /// An earlier part failed.
    NotRun,
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "FAILED",
            Self::Skipped(_) => "skipped",
            Self::NotRun => "not run",
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Passed | Self::NotRun => "",
            Self::Failed(reason) | Self::Skipped(reason) => reason,
        }
    }
}

/// What became of a part that counts its tests.
pub(crate) struct Tally {
    pub(crate) outcome: Outcome,
    /// How many tests ran, where something counted them.
    pub(crate) tests: Option<u64>,
}

impl From<Outcome> for Tally {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, tests: None }
    }
}

/// One line of the closing table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    tests: Option<u64>,
    elapsed: Duration,
}

impl Row {
    /// Runs one part and times it. An error of the part is its failure.
    #[expect(clippy::disallowed_methods, reason = "the table says how long each part took")]
    pub(crate) fn run<T: Into<Tally>>(name: &'static str, part: impl FnOnce() -> anyhow::Result<T>) -> Self {
        let started = Instant::now();
        let done = part().map_or_else(|error| Outcome::Failed(format!("{error:#}")).into(), T::into);
        Self { name, outcome: done.outcome, tests: done.tests, elapsed: started.elapsed() }
    }

    pub(crate) fn not_run(name: &'static str) -> Self {
        Self { name, outcome: Outcome::NotRun, tests: None, elapsed: Duration::ZERO }
    }

    pub(crate) fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }
}

/// Prints the table; an error if a part failed.
pub(crate) fn conclude(what: &str, rows: &[Row]) -> anyhow::Result<()> {
    print!("\n{}", table(what, rows));
    let failed: Vec<_> = rows.iter().filter(|row| row.failed()).map(|row| row.name).collect();
    anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// One column for the tests where any row counts them.
fn table(what: &str, rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).chain([what.len()]).max().unwrap_or_default();
    let counts = rows.iter().any(|row| row.tests.is_some());
    let tests = |text: &str| if counts { format!("  {text:>5}") } else { String::new() };
    let mut text = format!("{what:width$}  result {}      time  reason\n", tests("tests"));
    for row in rows {
        let counted = tests(&row.tests.map_or_else(|| "-".to_owned(), |count| count.to_string()));
        let seconds = format!("{:.1} s", row.elapsed.as_secs_f64());
        let (word, reason) = (row.outcome.word(), row.outcome.reason());
        let line = format!("{:width$}  {word:7}{counted}  {seconds:>8}  {reason}", row.name);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, outcome: Outcome, millis: u64) -> Row {
        Row { name, outcome, tests: None, elapsed: Duration::from_millis(millis) }
    }

    #[test]
    fn the_table_is_aligned_and_gives_reasons() {
        let rows = [
            row("unit", Outcome::Passed, 12_340),
            row("netns", Outcome::Skipped("not Linux".to_owned()), 0),
            Row::not_run("doc"),
        ];
        let expected = "\
step   result       time  reason
unit   passed     12.3 s
netns  skipped     0.0 s  not Linux
doc    not run     0.0 s
";
        assert_eq!(table("step", &rows), expected);
    }

    #[test]
    fn tests_are_a_column_where_any_part_counts_them() {
        let mut rows = [row("unit", Outcome::Passed, 12_340), row("embed", Outcome::Passed, 5_000)];
        rows[0].tests = Some(1_204);
        let expected = "\
suite  result   tests      time  reason
unit   passed    1204    12.3 s
embed  passed       -     5.0 s
";
        assert_eq!(table("suite", &rows), expected);
    }

    #[test]
    fn only_a_failure_fails_the_whole() {
        let fine = [row("a", Outcome::Passed, 0), row("b", Outcome::Skipped("why".to_owned()), 0)];
        assert!(conclude("step", &fine).is_ok());
        let bad = [row("a", Outcome::Failed("exit status: 1".to_owned()), 0), Row::not_run("b")];
        assert_eq!(conclude("step", &bad).unwrap_err().to_string(), "failed: a");
    }

    #[test]
    fn an_error_is_a_failure_with_its_chain() {
        let row = Row::run("a", || Err::<Outcome, _>(anyhow::anyhow!("inner").context("outer")));
        assert_eq!(row.outcome, Outcome::Failed("outer: inner".to_owned()));
    }
}
