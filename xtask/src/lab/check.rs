//! The suite `lab`: a few minutes of scenarios in which the command's accuracy is checked, and never its speed.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use scanner_lab::{Draw, Scenario, Size, Stage};

use super::answers::Answers;
use super::measure::{Priority, Way, scan};
use super::peers::Scanner;
use super::score::Score;
use super::{chosen, first_line, is_unavailable};
use crate::measure::go_before_others;
use crate::netns::{self, Ability};
use crate::summary::{Outcome, Tally};
use crate::{shell, test};

/// One scenario of the suite.
struct Case {
    scenario: &'static str,
    size: Size,
    /// How many refusing ports may be called filtered. A port whose probes all get lost looks filtered; the scanner asks until
    /// that is the case of one port in ten thousand at most.
    few: u64,
    /// Every port is asked, whether or not a host was seen first.
    without_discovery: bool,
}

const CASES: &[Case] = &[
    Case { size: Size::Full, ..case("clean") },
    // Its open ports are not among the likely ones, and the rest is silent: it is there because it answers as a neighbour …
    case("drop"),
    Case { without_discovery: true, ..case("drop") },
    // … and this one, which has no neighbours, because it is searched.
    case("far-drop"),
    // Ten listeners with full queues answer a quarter of the time.
    case("backlog"),
    Case { size: Size::Full, ..case("reject-port") },
    case("reject-admin"),
    case("mixed"),
    case("v6"),
    case("tarpit"),
    case("dead"),
    Case { few: FEW, ..case("lossy-5") },
    Case { few: FEW, ..case("lossy-10") },
    Case { few: FEW, ..case("far") },
    Case { few: FEW, ..case("policed-1000") },
    case("rst-limited"),
];

const fn case(scenario: &'static str) -> Case {
    Case { scenario, size: Size::Small, few: 0, without_discovery: false }
}

/// Of 1,000 ports; by the bound above this many are met once in thousands of scans.
const FEW: u64 = 3;

/// The draw that every run checks; a second one is different each time.
const SEED: u64 = 2_026;

/// A scan that takes longer hangs.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The suite, in this process or in a user namespace in which this user may make networks.
pub(crate) fn suite(names: &[OsString]) -> Result<Tally> {
    let ability = match netns::ability() {
        Ok(ability) => ability,
        Err(why) => return Ok(Outcome::Skipped(why.to_string()).into()),
    };
    // What is built for the suite netns serves here too.
    let built = test::build_netns()?;
    if built != Outcome::Passed {
        return Ok(built.into());
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["lab", "check"]).arg(shell::root().join("target/debug/scanner")).args(names);
    command.current_dir(shell::root());
    let mut command = match ability {
        Ability::Direct => command,
        Ability::Within => netns::within(&command),
    };
    let mut scans = 0;
    let outcome = shell::outcome_by_line(&mut command, |line| scans += u64::from(is_scan(line)))?;
    Ok(Tally { outcome, tests: Some(scans) })
}

/// Whether a line of [`run`] tells of a scan that was judged.
fn is_scan(line: &str) -> bool {
    matches!(line.split_whitespace().nth(1), Some("ok" | "WRONG"))
}

/// `lab check`.
pub(super) fn run(scanner: &Path, names: &[String]) -> Result<()> {
    let scanner = &scanner.canonicalize().with_context(|| format!("find {}", scanner.display()))?;
    let priority = if go_before_others() { Priority::Usual } else { Priority::Inherited };
    let mut wrong = Vec::new();
    for (name, scenario) in chosen(names)? {
        let Some(case) = CASES.iter().find(|case| case.scenario == name) else { continue };
        let scanner = if case.without_discovery {
            Scanner::ours_without_discovery(scanner)
        } else {
            Scanner::ours(scanner)
        };
        for seed in [SEED, random_seed()] {
            let draw = Draw { seed, run: 1, size: case.size };
            match once(&scanner, &scenario, draw, priority).and_then(|score| verdict(score, case.few)) {
                Ok(Score { open, closed_as_filtered: few, .. }) => {
                    println!("{name:14} ok       {open} open ports found, {few} closed ones called filtered");
                }
                Err(error) if is_unavailable(&error) => println!("{name:14} skipped  {}", first_line(&error)),
                Err(error) => {
                    println!("{name:14} WRONG    seed {seed}: {error:#}");
                    wrong.push(format!("{name} with seed {seed}"));
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "wrong results in {}", wrong.join(", "));
    Ok(())
}

fn once(scanner: &Scanner, scenario: &Scenario, draw: Draw, priority: Priority) -> Result<Score> {
    let stage = Stage::set(scenario, draw)?;
    let folder = tempfile::tempdir().context("make a folder for the output")?;
    let stdout = folder.path().join("stdout");
    let words = scanner.command(&stage, "");
    let way = Way { timeout: TIMEOUT, priority, system_calls: None };
    let measured = scan(stage.scanner(), &words, &stdout, way)?;
    let text = std::fs::read_to_string(&stdout)?;
    let answers = Answers::read(scanner.format, &text);
    let score = Score::of(&answers, &stage);
    ensure!(!measured.cut, "no end after {} s", TIMEOUT.as_secs());
    ensure!(measured.exit_status == Some(0), "exit status {:?}", measured.exit_status);
    for host in stage.hosts().iter().filter(|host| host.up) {
        let unsaid = stage.ports().filter(|port| !answers.ports.contains_key(&(host.ip, *port))).count();
        ensure!(unsaid == 0, "nothing said of {unsaid} ports of {}", host.ip);
    }
    Ok(score)
}

fn verdict(score: Score, few: u64) -> Result<Score> {
    ensure!(score.missed() == 0, "open ports were missed: {score:?}");
    ensure!(score.phantom == 0, "open ports that are none: {score:?}");
    ensure!(score.filtered_as_closed == 0, "filtered ports called closed: {score:?}");
    ensure!(score.closed_as_filtered <= few, "closed ports called filtered, at most {few}: {score:?}");
    ensure!(score.unknown == 0, "ports not measured: {score:?}");
    Ok(score)
}

/// Another one each time; it stands in the message of whatever goes wrong.
#[expect(clippy::disallowed_methods, reason = "the only thing here that differs from run to run")]
fn random_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_checked_scenario_exists() {
        let names: Vec<_> = scanner_lab::scenarios().unwrap().into_iter().map(|(name, _)| name).collect();
        for Case { scenario, .. } in CASES {
            assert!(names.contains(scenario), "{scenario}");
        }
    }

    #[test]
    fn judged_scans_are_counted() {
        assert!(is_scan("clean          ok       30 open ports found, 0 closed ones called filtered"));
        assert!(is_scan("far            WRONG    seed 1: open ports were missed"));
        assert!(!is_scan("v6             skipped  no IPv6 here"));
        assert!(!is_scan(""));
    }

    #[test]
    fn each_kind_of_mistake_is_wrong() {
        let right = Score { open: 30, found: 30, closed_as_filtered: 3, limited: 5, ..Score::default() };
        assert!(verdict(right, 3).is_ok());
        for wrong in [
            Score { found: 29, ..right },
            Score { phantom: 1, ..right },
            Score { filtered_as_closed: 1, ..right },
            Score { closed_as_filtered: 4, ..right },
            Score { unknown: 1, ..right },
        ] {
            assert!(verdict(wrong, 3).is_err(), "{wrong:?}");
        }
    }
}
