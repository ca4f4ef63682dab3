//! Scanners in turns on one workload. What one run found is checked; a run that found something else is told of, and its
//! figures count for nothing.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::Setting;
use super::scanners::Scanner;
use super::stats::Spread;
use super::workload::{Stage, Workload, fault};
use crate::measure::{self, Run};

/// How long one run may take.
const LIMIT: Duration = Duration::from_mins(1);

/// One run that found what there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) round: u32,
    /// Microseconds per port.
    pub(super) wall: f64,
    pub(super) user: f64,
    pub(super) system: f64,
    /// Bytes.
    pub(super) peak_memory: Option<u64>,
}

impl Sample {
    fn of(run: &Run, round: u32, probes: f64) -> Self {
        let per_port = |time: Duration| time.as_secs_f64() * 1e6 / probes;
        Self {
            round,
            wall: per_port(run.wall),
            user: per_port(run.user),
            system: per_port(run.system),
            peak_memory: run.peak_memory,
        }
    }

    pub(super) fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// What one scanner made of a workload.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) scanner: &'static str,
    /// Those without fault.
    pub(super) samples: Vec<Sample>,
    /// What was wrong, and in which round.
    pub(super) faults: Vec<(u32, String)>,
    /// Per port.
    pub(super) system_calls: Option<f64>,
    /// Why it did not take part.
    pub(super) missing: Option<String>,
}

impl Row {
    /// How this one's figure relates to that of the same round of another.
    pub(super) fn ratio(&self, to: &Self, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        let pairs = self.samples.iter().filter_map(|own| {
            let other = to.samples.iter().find(|other| other.round == own.round)?;
            Some(figure(own) / figure(other))
        });
        Spread::of(pairs)
    }

    pub(super) fn spread(&self, figure: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.samples.iter().map(figure))
    }
}

/// Runs the scanners in turns, the first round to warm up only.
pub(super) fn compare(workload: &Workload, scanners: &[Scanner], setting: &Setting) -> Result<Vec<Row>> {
    let stage = workload.set_up()?;
    let bench = Bench { workload, stage, setting };
    let mut rows: Vec<Row> = scanners.iter().map(|scanner| Row::new(scanner, setting)).collect();
    for round in 0..=setting.runs {
        for (row, scanner) in rows.iter_mut().zip(scanners) {
            if row.missing.is_none() {
                bench.round(round, row, scanner)?;
            }
        }
    }
    for (row, scanner) in rows.iter_mut().zip(scanners) {
        if row.missing.is_none() {
            row.system_calls = bench.system_calls(scanner)?;
        }
    }
    Ok(rows)
}

impl Row {
    fn new(scanner: &Scanner, setting: &Setting) -> Self {
        Self {
            scanner: scanner.name,
            samples: Vec::new(),
            faults: Vec::new(),
            system_calls: None,
            missing: scanner.missing(&setting.built),
        }
    }
}

struct Bench<'a> {
    workload: &'a Workload,
    stage: Stage,
    setting: &'a Setting,
}

impl Bench<'_> {
    fn round(&self, round: u32, row: &mut Row, scanner: &Scanner) -> Result<()> {
        let errand = &self.workload.errand;
        let mut command =
            measure::behind(&self.setting.prefix, &scanner.command(errand, &self.setting.built));
        let run = measure::run(&mut command, &|command| self.stage.start(command), LIMIT)?;
        let fault = run.failure().or_else(|| self.fault(scanner, &run));
        match fault {
            // What takes too long once takes too long every time.
            Some(fault) if run.cut => row.missing = Some(fault),
            Some(fault) if round > 0 => row.faults.push((round, fault)),
            None if round > 0 => row.samples.push(Sample::of(&run, round, self.probes())),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn system_calls(&self, scanner: &Scanner) -> Result<Option<f64>> {
        let Some(counter) = self.setting.counter else { return Ok(None) };
        let command = scanner.command(&self.workload.errand, &self.setting.built);
        let command = measure::behind(&self.setting.prefix, &command);
        let (run, calls) = counter.count(&command, &|command| self.stage.start(command), LIMIT)?;
        let right = run.failure().or_else(|| self.fault(scanner, &run)).is_none();
        #[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
        let per_port = calls as f64 / self.probes();
        Ok(right.then_some(per_port))
    }

    fn fault(&self, scanner: &Scanner, run: &Run) -> Option<String> {
        fault(&scanner.found(&self.workload.errand, &run.stdout), &self.workload.truth())
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of ports is far below 2^52")]
    fn probes(&self) -> f64 {
        self.workload.errand.probes() as f64
    }
}

/// One run, as it is written to a file. Times are in microseconds per port.
#[derive(Clone, Default, Serialize)]
pub(super) struct Record {
    pub(super) workload: &'static str,
    pub(super) scanner: &'static str,
    pub(super) round: u32,
    pub(super) wall_us: Option<f64>,
    pub(super) user_us: Option<f64>,
    pub(super) system_us: Option<f64>,
    pub(super) peak_memory_bytes: Option<u64>,
    pub(super) system_calls: Option<f64>,
    /// Only where the start is what was measured.
    pub(super) first_connection_ms: Option<f64>,
    pub(super) fault: Option<String>,
}

/// Every run of a comparison; the count of system calls, made in a run of its own, stands with each.
pub(super) fn records(workload: &Workload, rows: &[Row]) -> Vec<Record> {
    let of_row = |row: &Row| {
        let blank = |round| Record {
            workload: workload.name,
            scanner: row.scanner,
            round,
            system_calls: row.system_calls,
            ..Record::default()
        };
        let right = row.samples.iter().map(|sample| Record {
            wall_us: Some(sample.wall),
            user_us: Some(sample.user),
            system_us: Some(sample.system),
            peak_memory_bytes: sample.peak_memory,
            ..blank(sample.round)
        });
        let wrong =
            row.faults.iter().map(|(round, fault)| Record { fault: Some(fault.clone()), ..blank(*round) });
        let missing = row.missing.iter().map(|why| Record { fault: Some(why.clone()), ..blank(0) });
        let mut all: Vec<_> = right.chain(wrong).chain(missing).collect();
        all.sort_by_key(|record| record.round);
        all
    };
    rows.iter().flat_map(of_row).collect()
}
