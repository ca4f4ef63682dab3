//! The command itself: names to addresses, manners, the scan, and its events into the result.

mod pump;

use std::io::{self, IsTerminal};

use scanner_core::{Completion, ScanReport, TargetSet};
use scanner_net::{Estimate, PortDetail, ScanError, ScanPlan, Scanner};
use tokio_util::sync::CancellationToken;

use crate::console::{Console, use_color};
use crate::etiquette;
use crate::exit::ExitStatus;
use crate::failure::{Failure, chain};
use crate::interrupt::Interrupt;
use crate::networks::Networks;
use crate::output::sink::{Sink, SinkError};
use crate::output::{self, Beginning, Ending, Output};
use crate::plan_report::PlanReport;
use crate::progress_line::ProgressLine;
use crate::reverse::ReverseNames;
use crate::settings::{Color, FailIf, Format, Settings, WhoseNames};
use crate::targets::{Gathered, Names, Requested};

use pump::Pump;

/// The widest set whose ranges are all measured for the width of the column of addresses.
const MEASURED_RANGES: usize = 1_000;

/// Everything the command was given.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) settings: Settings,
    pub(crate) requested: Requested,
    pub(crate) networks: Networks,
    pub(crate) console: Console,
    pub(crate) progress: ProgressLine,
    /// How many files and sockets this process may hold, where that is known.
    pub(crate) descriptors: Option<u64>,
}

/// Carries the command out and says how it ended.
///
/// # Errors
/// Why there was no scan, or no result of it.
pub(crate) async fn run(job: Job) -> Result<ExitStatus, Failure> {
    let Job { mut settings, requested, networks, console, progress, descriptors } = job;
    let cancel = CancellationToken::new();
    let interrupt = Interrupt::listen(&cancel, &console)
        .map_err(|error| Failure::incomplete(format!("cannot listen to signals: {error}")))?;

    let resolver = settings.names.resolver(&settings.targets, descriptors)?;
    let looked_up = Names { resolver: &resolver, cancel: &cancel };
    let gathered = requested.gather(&settings.targets, settings.port_choice(), &networks, looked_up).await;
    if let Some(status) = interrupt.status() {
        console.warn("interrupted before the scan began");
        return Ok(status);
    }
    let Gathered { plan, unresolved, notes } = gathered?;
    for note in &notes {
        console.note(note);
    }
    for error in &unresolved {
        console.warn(&error.to_string());
    }
    if plan.targets.is_empty() {
        return Err(Failure::usage("there is no target to scan: no name has an address")
            .with_hint("check the spelling, or give an address"));
    }
    settings.config.detail = settings.detail(plan.most_ports());
    let estimate = plan.estimate(&settings.config);
    if settings.plan {
        return show_plan(&plan, &settings, &estimate);
    }
    if let Some(status) = mind_manners(&plan, &estimate, &settings, &console, &interrupt).await? {
        return Ok(status);
    }
    let sink = open_sink(&settings)?;
    let beginning = Beginning {
        addr_width: addr_width(&plan.targets),
        targets: plan.targets.len(),
        ports: plan.ports_each(),
        all_ports: settings.config.detail == PortDetail::All,
        networks,
        unresolved: &unresolved,
        notes: &notes,
    };
    let output = output::choose(&settings.output, beginning, colored(&settings));
    let scan = Scanner::new(settings.config.clone())
        .and_then(|scanner| scanner.start(plan, cancel.clone()))
        .map_err(|error| cannot_scan(&error))?;

    let names = ReverseNames::new(resolver, whose_names(&settings), cancel);
    let mut pump = Pump::new(output, sink, console.clone(), progress, names);
    let report = pump.run(scan).await;
    console.clear();
    let report = report.map_err(|error| cannot_scan(&error))?;
    let status = status(&report, !unresolved.is_empty(), settings.fail_if, interrupt.status());
    let ending = Ending {
        report: &report,
        status,
        unresolved: &unresolved,
        deadline: settings.config.deadline,
        skip_discovery: settings.config.skip_discovery,
    };
    end(pump, &ending, &settings, &console)
}

/// A list has no place for names that nobody typed.
fn whose_names(settings: &Settings) -> WhoseNames {
    if settings.output.format == Format::List { WhoseNames::Off } else { settings.names.reverse }
}

/// Writes the rest of the result, and to standard error what a result for programs does not say to people.
fn end(
    pump: Pump,
    ending: &Ending<'_>,
    settings: &Settings,
    console: &Console,
) -> Result<ExitStatus, Failure> {
    match pump.finish(ending) {
        Ok(()) => {}
        // Whoever read the result has seen enough, unless a signal ended the scan.
        Err(SinkError::Closed) if matches!(ending.status, ExitStatus::Signal(_)) => return Ok(ending.status),
        Err(SinkError::Closed) => return Ok(ExitStatus::Complete),
        Err(SinkError::Failed(error)) => {
            let place = settings
                .output
                .file
                .as_ref()
                .map_or("standard output".into(), |path| path.display().to_string());
            return Err(Failure::incomplete(format!("cannot write the result to {place}: {error}")));
        }
    }
    let summary = output::summary(ending);
    if settings.output.format != Format::Text || settings.output.file.is_some() {
        summary.missing.iter().for_each(|line| console.warn(line));
    }
    if settings.output.format == Format::List {
        summary.left_out.iter().for_each(|line| console.note(line));
    }
    if let Some(path) = &settings.output.file {
        console.note(&format!("{} Written to {}.", summary.found, path.display()));
    }
    Ok(ending.status)
}

/// A signal says most; a violation is one even when the scan is incomplete; nothing found proves nothing then.
fn status(
    report: &ScanReport,
    unresolved: bool,
    fail_if: Option<FailIf>,
    signal: Option<ExitStatus>,
) -> ExitStatus {
    let complete = report.completion == Completion::Complete && !unresolved;
    let open = output::open_on_real_hosts(report);
    match (signal, fail_if) {
        (Some(signal), _) => signal,
        (None, Some(FailIf::Open)) if open > 0 => ExitStatus::Violation,
        (None, Some(FailIf::None)) if open == 0 && complete => ExitStatus::Violation,
        (None, _) if complete => ExitStatus::Complete,
        (None, _) => ExitStatus::Incomplete,
    }
}

fn show_plan(plan: &ScanPlan, settings: &Settings, estimate: &Estimate) -> Result<ExitStatus, Failure> {
    let mut sink = open_sink(settings)?;
    let written = PlanReport::new(plan, &settings.config, estimate)
        .write(settings.output.format, &mut sink)
        .map_err(SinkError::from)
        .and_then(|()| sink.finish());
    match written {
        Ok(()) | Err(SinkError::Closed) => Ok(ExitStatus::Complete),
        Err(SinkError::Failed(error)) => Err(Failure::incomplete(format!("cannot write the plan: {error}"))),
    }
}

/// Reminds of other people's networks, and asks before what they would notice. Some status: the scan is not to be.
async fn mind_manners(
    plan: &ScanPlan,
    estimate: &Estimate,
    settings: &Settings,
    console: &Console,
    interrupt: &Interrupt,
) -> Result<Option<ExitStatus>, Failure> {
    if let Some(reminder) = etiquette::reminder(&plan.targets) {
        console.note(&reminder);
    }
    let concerns = etiquette::concerns(plan, estimate.silent);
    if concerns.is_empty() || settings.targets.yes {
        return Ok(None);
    }
    let what = concerns.join(", ");
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(format!("this is a very large scan: {what}"))
            .with_hint("--yes scans without asking; --plan shows what it would do"));
    }
    let asked = console.clone();
    let answer =
        tokio::task::spawn_blocking(move || asked.ask(&format!("This is a very large scan: {what}. Go on?")));
    tokio::select! {
        answer = answer => Ok((!answer.unwrap_or(false)).then_some(ExitStatus::Usage)),
        status = interrupt.came() => Ok(Some(status)),
    }
}

fn open_sink(settings: &Settings) -> Result<Sink, Failure> {
    match &settings.output.file {
        Some(path) => Sink::file(path, settings.output.format == Format::Json),
        None => Ok(Sink::stdout()),
    }
}

fn colored(settings: &Settings) -> bool {
    match settings.output.file {
        Some(_) => settings.display.color == Color::Always,
        None => use_color(settings.display.color, &io::stdout()),
    }
}

fn cannot_scan(error: &ScanError) -> Failure {
    let is_usage =
        matches!(error, ScanError::Config(_) | ScanError::EmptyPlan(_) | ScanError::PlanTooLarge(_));
    let failure = if is_usage { Failure::usage(chain(error)) } else { Failure::incomplete(chain(error)) };
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// The columns that the longest address takes.
fn addr_width(targets: &TargetSet) -> usize {
    let ends = targets.ranges().take(MEASURED_RANGES).flat_map(|(first, last)| [first, last]);
    ends.map(|addr| addr.to_string().len()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use scanner_core::Verdict;

    use super::*;
    use crate::output::samples::{HostBuilder, ending, report};

    #[test]
    fn the_status_counts_what_the_summary_counts() {
        let everything =
            HostBuilder::new("192.0.2.5").open(1).open(2).verdict(Verdict::AcceptsEverything).build();
        let real = HostBuilder::new("192.0.2.6").open(22).build();
        let ends = |hosts: &[_], fail_if| status(&report(hosts, 2), false, Some(fail_if), None);
        let alone = [everything.clone()];
        assert_eq!(ends(&alone, FailIf::Open), ExitStatus::Complete);
        assert_eq!(ends(&alone, FailIf::None), ExitStatus::Violation);
        assert!(!output::summary(&ending(&report(&alone, 2), &[])).found.contains("open port"));
        let both = [everything, real];
        assert_eq!(ends(&both, FailIf::Open), ExitStatus::Violation);
        assert_eq!(ends(&both, FailIf::None), ExitStatus::Complete);
        assert!(output::summary(&ending(&report(&both, 2), &[])).found.starts_with("1 open port "));
    }
}
