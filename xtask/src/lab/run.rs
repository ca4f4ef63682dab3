//! `lab run`: every scanner in every scenario, in turns.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use scanner_lab::{Draw, LabError, Scenario, Size, Stage};
use serde::Serialize;
use tempfile::TempDir;

use super::answers::Answers;
use super::measure::{Measured, Priority, Way, scan};
use super::peers::{OURS, Scanner, installed, version};
use super::score::Score;
use super::stand::size_of;
use super::{chosen, table};
use crate::flags::RunFlags;
use crate::measure::{Counter, go_before_others};
use crate::shell;

/// One scan and what came of it: one line of the file beside the table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Scan {
    pub(super) scenario: String,
    pub(super) scanner: String,
    pub(super) seed: u64,
    pub(super) run: u32,
    /// (address, port) pairs that were to be asked.
    pub(super) asked: u64,
    #[serde(flatten)]
    pub(super) score: Score,
    /// It says more than which ports are open.
    pub(super) tells_states: bool,
    #[serde(flatten)]
    pub(super) measured: Measured,
    /// On the wire, those that the kernel repeated included.
    pub(super) syns: u64,
    /// From a scan of its own, as counting them costs time.
    pub(super) system_calls: Option<u64>,
}

impl Scan {
    /// It did not run at all.
    pub(super) fn failed(&self) -> bool {
        // Where nothing could be sent, a scanner that says so of every port did its work.
        let said_nothing = self.syns == 0 && self.score.found == 0 && self.score.unknown == 0;
        self.measured.exit_status != Some(0) && !self.measured.cut && said_nothing
    }
}

/// A scenario and all scans of it.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) about: String,
    pub(super) ports: usize,
    pub(super) scans: Vec<Scan>,
}

/// Under which conditions all this was measured: the head of the table.
pub(super) struct Conditions {
    pub(super) seeds: Vec<u64>,
    pub(super) runs: u32,
    pub(super) timeout: u64,
    pub(super) repeat_below: u64,
    pub(super) realtime: bool,
    pub(super) counter: Option<Counter>,
    /// Names, commands and versions.
    pub(super) scanners: Vec<[String; 3]>,
}

/// What stays the same for all scans.
struct Lab {
    scanners: Vec<Scanner>,
    conditions: Conditions,
    folder: TempDir,
}

pub(super) fn run(flags: &RunFlags) -> Result<()> {
    need_root()?;
    let scenarios = chosen(&flags.names)?;
    let lab = Lab::new(flags)?;
    let mut sections = Vec::new();
    for (name, scenario) in &scenarios {
        let size = size_of(flags.ports, scenario);
        match lab.section(name, scenario, size) {
            Ok(section) => {
                println!("{}", table::section(&section));
                sections.push(section);
                if let Some(path) = &flags.out {
                    write(path, &lab.conditions, &sections)?;
                }
            }
            Err(error) if super::is_unavailable(&error) => {
                println!("{name} skipped: {}", super::first_line(&error));
            }
            Err(error) => return Err(error.context(format!("scenario {name}"))),
        }
    }
    Ok(())
}

/// The table, and beside it a line per scan; again after every scenario, so that a run that is ended leaves what it has.
fn write(path: &Path, conditions: &Conditions, sections: &[Section]) -> Result<()> {
    let text = table::document(conditions, sections);
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    let scans = sections.iter().flat_map(|section| &section.scans);
    let lines: Vec<_> = scans.map(serde_json::to_string).collect::<Result<_, _>>()?;
    let beside = path.with_extension("jsonl");
    fs::write(&beside, lines.join("\n") + "\n").with_context(|| format!("write {}", beside.display()))
}

/// Namespaces alone do not take it, but devices, firewalls and raw packets do.
pub(super) fn need_root() -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let (what, why) = ("the lab needs root".to_owned(), "devices, firewalls and raw packets".to_owned());
    Err(LabError::Unavailable { what, why }.into())
}

impl Lab {
    fn new(flags: &RunFlags) -> Result<Self> {
        let command = match &flags.command {
            Some(path) => path.clone(),
            None => build()?,
        };
        let ours = command.canonicalize().with_context(|| format!("find {}", command.display()))?;
        let own_version = version(&ours.to_string_lossy()).unwrap_or_default();
        let mut scanners = vec![
            (Scanner::ours(&ours), own_version.clone()),
            (Scanner::ours_without_discovery(&ours), own_version),
        ];
        scanners.extend(installed());
        for name in &flags.scanner {
            let known = scanners.iter().any(|(scanner, _)| scanner.name.starts_with(name.as_str()));
            ensure!(known, "no installed scanner's name begins with {name:?}");
        }
        // A whole name means only that one, though others may begin with it.
        let names: Vec<String> = scanners.iter().map(|(scanner, _)| scanner.name.clone()).collect();
        scanners.retain(|(scanner, _)| {
            let is_meant = |name: &String| {
                scanner.name == *name
                    || scanner.name.starts_with(name.as_str()) && !names.iter().any(|other| other == name)
            };
            let is_named = flags.scanner.iter().any(is_meant);
            scanner.name == OURS || flags.scanner.is_empty() || is_named
        });
        for text in &flags.adapter {
            scanners.push((Scanner::adapter(text)?, String::new()));
        }
        let folder = tempfile::tempdir().context("make a folder for the outputs")?;
        let conditions = Conditions {
            seeds: flags.seed.clone(),
            runs: flags.runs,
            timeout: flags.timeout,
            repeat_below: flags.repeat_below,
            realtime: go_before_others(),
            counter: Counter::find().ok(),
            scanners: scanners
                .iter()
                .map(|(scanner, version)| [scanner.name.clone(), scanner.shown(), version.clone()])
                .collect(),
        };
        Ok(Self { scanners: scanners.into_iter().map(|(scanner, _)| scanner).collect(), conditions, folder })
    }

    fn section(&self, name: &'static str, scenario: &Scenario, size: Size) -> Result<Section> {
        let mut scans: Vec<Scan> = Vec::new();
        let mut given_up = BTreeSet::new();
        for seed in &self.conditions.seeds {
            for run in 1..=self.conditions.runs {
                for scanner in &self.scanners {
                    if given_up.contains(&scanner.name) {
                        continue;
                    }
                    let scan = self.scan(name, scenario, Draw { seed: *seed, run, size }, scanner)?;
                    let is_slow =
                        scan.measured.wall_us > self.conditions.repeat_below.saturating_mul(1_000_000);
                    if (scan.measured.cut || is_slow || scan.failed()) && scanner.name != OURS {
                        // It would be the same again.
                        given_up.insert(scanner.name.clone());
                    }
                    tell(&scan);
                    scans.push(scan);
                }
            }
        }
        self.count_calls(scenario, size, &mut scans, &given_up)?;
        Ok(Section { name, about: scenario.about.clone(), ports: scenario.ports(size).len(), scans })
    }

    fn scan(&self, name: &str, scenario: &Scenario, draw: Draw, scanner: &Scanner) -> Result<Scan> {
        // A fresh stage for each: no bucket, queue or table remembers the scan before.
        let stage = Stage::set(scenario, draw)?;
        let (measured, output) = self.once(&stage, scanner, None)?;
        let answers = Answers::read(scanner.format, &output);
        Ok(Scan {
            scenario: name.to_owned(),
            scanner: scanner.name.clone(),
            seed: draw.seed,
            run: draw.run,
            asked: stage.probes(),
            score: Score::of(&answers, &stage),
            tells_states: answers.tells_states,
            measured,
            syns: stage.syns()?,
            system_calls: None,
        })
    }

    /// One more scan by each scanner that was not given up, in which only system calls are counted.
    fn count_calls(
        &self,
        scenario: &Scenario,
        size: Size,
        scans: &mut [Scan],
        given_up: &BTreeSet<String>,
    ) -> Result<()> {
        let Some(counter) = self.conditions.counter else { return Ok(()) };
        let seed = self.conditions.seeds.first().copied().unwrap_or(1);
        for scanner in self.scanners.iter().filter(|scanner| !given_up.contains(&scanner.name)) {
            let own = scans.iter_mut().filter(|scan| scan.scanner == scanner.name);
            let stage = Stage::set(scenario, Draw { seed, run: 1, size })?;
            let counts = self.folder.path().join("system-calls");
            let (measured, _) = self.once(&stage, scanner, Some((counter, &counts)))?;
            let text = fs::read_to_string(&counts).unwrap_or_default();
            let count = counter.read(&text).filter(|_| !measured.cut);
            for scan in own {
                scan.system_calls = count;
            }
        }
        Ok(())
    }

    fn once(
        &self,
        stage: &Stage,
        scanner: &Scanner,
        counts: Option<(Counter, &Path)>,
    ) -> Result<(Measured, String)> {
        let stdout = self.folder.path().join("stdout");
        let file = self.folder.path().join("file");
        // masscan appends to what it finds.
        drop(fs::remove_file(&file));
        let words = scanner.command(stage, &file.to_string_lossy());
        let way = Way {
            timeout: Duration::from_secs(self.conditions.timeout),
            priority: if self.conditions.realtime { Priority::Realtime } else { Priority::Inherited },
            system_calls: counts,
        };
        let chatter = scanner.has_own_stack().then(|| stage.chatter()).transpose()?;
        let measured = scan(stage.scanner(), &words, &stdout, way)?;
        drop(chatter);
        let mut output = fs::read(&stdout).unwrap_or_default();
        if scanner.writes_file {
            output.extend(fs::read(&file).unwrap_or_default());
        }
        Ok((measured, String::from_utf8_lossy(&output).into_owned()))
    }
}

/// A line on standard error as soon as a scan is over; the table comes when the scenario is through.
fn tell(scan: &Scan) {
    let Scan { scenario, scanner, seed, run, score, measured, .. } = scan;
    let (found, open, phantom) = (score.found, score.open, score.phantom);
    let cut = if measured.cut { ", cut" } else { "" };
    let seconds = Duration::from_micros(measured.wall_us).as_secs_f64();
    eprintln!(
        "{scenario} seed {seed} run {run} {scanner}: {found}/{open}, {phantom} phantom, {seconds:.3} s{cut}"
    );
}

fn build() -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--package", "scanner-cli"]);
    ensure!(cargo.status().context("start cargo")?.success(), "the command could not be built");
    Ok(shell::root().join("target/release/scanner"))
}
