//! `cargo xtask lab`: networks of known truth, and scanners measured in them.

use anyhow::{Context, Result, ensure};
use scanner_lab::{LabError, Scenario};

use crate::flags::{LabTask, SimFlags};

mod answers;
mod check;
mod measure;
mod peers;
mod run;
mod score;
mod sim;
mod stand;
mod table;

pub(crate) use self::check::suite;

/// Does a task; where this machine cannot, it says why and is content.
pub(crate) fn run(task: Option<LabTask>, simulated: &SimFlags) -> Result<()> {
    let Some(task) = task else {
        let name = simulated.sim.as_deref().context("which task? cargo xtask lab --help names them")?;
        return sim::run(name, simulated);
    };
    let done = match task {
        LabTask::List => list(),
        LabTask::Up { name, draw } => stand::up(&name, &draw),
        LabTask::Run(flags) => run::run(&flags),
        LabTask::Status => stand::status(),
        LabTask::Down { names } => stand::down(&names),
        LabTask::Check { scanner, names } => check::run(&scanner, &names),
        LabTask::Hold { name, draw } => return stand::hold(&name, &draw),
        LabTask::Measure(flags) => return measure::run(&flags),
    };
    match done {
        Err(error) if is_unavailable(&error) => {
            println!("skipped: {}", first_line(&error));
            Ok(())
        }
        done => done,
    }
}

fn list() -> Result<()> {
    for (name, scenario) in scanner_lab::scenarios()? {
        println!("{name:20} {}", scenario.about);
    }
    Ok(())
}

/// The scenarios whose names begin with one of these; an unknown name is an error.
fn chosen(names: &[String]) -> Result<Vec<(&'static str, Scenario)>> {
    let all = scanner_lab::scenarios()?;
    for name in names {
        let known = all.iter().any(|(known, _)| known.starts_with(name.as_str()));
        ensure!(known, "no scenario begins with {name:?}; cargo xtask lab list names them");
    }
    // A whole name means only that one, though others may begin with it.
    let is_meant = |known: &str, name: &String| {
        known == name || (known.starts_with(name.as_str()) && !all.iter().any(|(other, _)| other == name))
    };
    let is_chosen = |known: &str| names.iter().any(|name| is_meant(known, name));
    let chosen = all.iter().filter(|(known, scenario)| {
        // What concerns the whole machine must be asked for.
        if names.is_empty() { !scenario.crowd } else { is_chosen(known) }
    });
    Ok(chosen.cloned().collect())
}

fn is_unavailable(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<LabError>();
    matches!(cause, Some(LabError::Unavailable { .. }))
}

fn first_line(error: &anyhow::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<&'static str> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        chosen(&words).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_beginning_means_all_that_begin_with_it() {
        assert_eq!(names(&["lossy-1"]), ["lossy-1"]);
        assert_eq!(names(&["reject"]), ["reject-port", "reject-admin"]);
        assert_eq!(names(&["far"]), ["far"]);
        assert!(chosen(&["nothing".to_owned()]).is_err());
    }

    #[test]
    fn what_concerns_the_whole_machine_must_be_asked_for() {
        assert!(!names(&[]).contains(&"crowded"));
        assert_eq!(names(&["crowded"]), ["crowded"]);
    }
}
