//! The command itself: names to addresses, manners, the scan, and its events into the result.

mod pump;

use std::io::{self, IsTerminal};

use scanner_core::{Completion, Findings, PortSet, ScanReport, TargetSet};
use scanner_net::{Estimate, PortDetail, ScanError, ScanPlan, Scanner};
use tokio_util::sync::CancellationToken;

use crate::baseline::Baseline;
use crate::clock;
use crate::console::{Console, use_color};
use crate::etiquette;
use crate::exit::ExitStatus;
use crate::failure::{Failure, chain};
use crate::interrupt::Interrupt;
use crate::networks::Networks;
use crate::output::record::{About, NoteFields};
use crate::output::sink::{Sink, SinkError};
use crate::output::{self, Beginning, Ending, Output, Palette};
use crate::plan_report::PlanReport;
use crate::progress_line::ProgressLine;
use crate::reverse::ReverseNames;
use crate::settings::{Color, Destination, FailIf, Format, Settings, WhoseNames};
use crate::targets::{Gathered, Names, Requested};
use crate::tools;

use pump::{Channel, Pump};

/// The widest set whose ranges are all measured for the width of the column of addresses.
const MEASURED_RANGES: usize = 1_000;

/// Everything the command was given.
#[derive(Debug)]
pub(crate) struct Job {
    /// The command line, as it goes into the result.
    pub(crate) command_line: String,
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
    let Job { command_line, mut settings, requested, networks, console, progress, descriptors } = job;
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
    let Gathered { plan, unresolved, notes } = tell(gathered?, &console)
        .map_err(|failure| tools::meant_instead(&settings.targets.words, failure))?;
    settings.config.detail = settings.detail(plan.most_ports());
    let estimate = plan.estimate(&settings.config);
    if settings.plan {
        return show_plan(&plan, &settings, &estimate);
    }
    if let Some(status) = mind_manners(&plan, &estimate, &settings, &console, &interrupt).await? {
        return Ok(status);
    }
    let baseline = settings.baseline.as_deref().map(Baseline::read).transpose()?;
    let about = about(command_line, &settings, &plan);
    let notes: Vec<NoteFields> =
        notes.into_iter().map(|message| NoteFields { code: "target".into(), message }).collect();
    let beginning = Beginning {
        about: &about,
        networks: &networks,
        targets: plan.targets.len(),
        addr_width: addr_width(&plan.targets),
        unresolved: &unresolved,
        notes: &notes,
    };
    let channels = open_channels(&settings, &beginning)?;
    let scan = Scanner::new(settings.config.clone())
        .and_then(|scanner| scanner.start(plan, cancel.clone()))
        .map_err(|error| cannot_scan(&error))?;

    let names = ReverseNames::new(resolver, whose_names(&settings), cancel);
    let findings = baseline.is_some().then(Findings::default);
    let mut pump = Pump::new(channels, findings, console.clone(), progress, names);
    let report = pump.run(scan).await;
    console.clear();
    let report = report.map_err(|error| cannot_scan(&error))?;
    let comparison = baseline.zip(pump.take_findings()).map(|(old, new)| old.compare(&new));
    let changed = comparison.as_ref().is_some_and(|comparison| !comparison.is_same());
    let found = Found { changed, ..Found::new(&report, &settings, !unresolved.is_empty()) };
    let ending = Ending {
        report: &report,
        finished: clock::now(),
        status: found.status(settings.fail_if, interrupt.status()),
        unresolved: &unresolved,
        deadline: settings.config.deadline,
        skip_discovery: settings.config.skip_discovery,
        discover_only: settings.config.discover_only,
        comparison: comparison.as_ref(),
    };
    end(pump, &ending, &settings, &console)
}

/// Lists have no place for names that nobody typed.
fn whose_names(settings: &Settings) -> WhoseNames {
    let only_lists = settings.output.destinations.iter().all(|to| to.format == Format::List);
    if only_lists { WhoseNames::Off } else { settings.names.reverse }
}

/// Says what became of the targets.
///
/// # Errors
/// Nothing is left of them.
fn tell(gathered: Gathered, console: &Console) -> Result<Gathered, Failure> {
    for note in &gathered.notes {
        console.note(note);
    }
    for error in &gathered.unresolved {
        console.warn(&error.to_string());
    }
    if gathered.plan.targets.is_empty() {
        return Err(Failure::usage("there is no target to scan: no name has an address")
            .with_hint("check the spelling, or give an address"));
    }
    Ok(gathered)
}

/// Writes the rest of the results, and to standard error what a result for programs does not say to people.
fn end(
    pump: Pump,
    ending: &Ending<'_>,
    settings: &Settings,
    console: &Console,
) -> Result<ExitStatus, Failure> {
    let written = pump.finish(ending);
    if let Some((place, error)) = written.failed.first() {
        let place = place.as_ref().map_or("standard output".into(), |path| path.display().to_string());
        return Err(Failure::incomplete(format!("cannot write the result to {place}: {error}")));
    }
    if written.complete == 0 {
        // Whoever read the result has seen enough, unless a signal ended the scan.
        let signal = matches!(ending.status, ExitStatus::Signal(_));
        return Ok(if signal { ending.status } else { ExitStatus::Complete });
    }
    let summary = output::summary(ending);
    let mut on_stdout = settings.output.destinations.iter().filter(|to| to.file.is_none());
    let says_all = |format| on_stdout.clone().any(|to| to.format == format);
    if !says_all(Format::Text) {
        summary.missing.iter().for_each(|line| console.warn(line));
        if let Some(comparison) = ending.comparison {
            let mut text = Vec::new();
            // Infallible: it is written into memory.
            let _ = output::changes::write(comparison, Palette::new(false), &mut text);
            String::from_utf8_lossy(&text).lines().for_each(|line| console.note(line));
        }
    }
    if on_stdout.any(|to| to.format == Format::List) {
        summary.left_out.iter().for_each(|line| console.note(line));
    }
    if !written.files.is_empty() {
        let files: Vec<_> = written.files.iter().map(|path| path.display().to_string()).collect();
        console.note(&format!("{} Written to {}.", summary.found, files.join(", ")));
    }
    Ok(ending.status)
}

/// What the status depends on.
struct Found<'a> {
    report: &'a ScanReport,
    /// Whether a name had no address.
    unresolved: bool,
    /// Whether hosts are what was looked for, and not ports.
    discover_only: bool,
    /// Whether anything is not as in the baseline.
    changed: bool,
}

impl<'a> Found<'a> {
    const fn new(report: &'a ScanReport, settings: &Settings, unresolved: bool) -> Self {
        Self { report, unresolved, discover_only: settings.config.discover_only, changed: false }
    }

    /// A signal says most; a violation is one even when the scan is incomplete; nothing found proves nothing then.
    fn status(&self, fail_if: Option<FailIf>, signal: Option<ExitStatus>) -> ExitStatus {
        let complete = self.report.completion == Completion::Complete && !self.unresolved;
        let hosts_found = self.discover_only && self.report.progress.targets_up > 0;
        let found = hosts_found || output::open_on_real_hosts(self.report) > 0;
        match (signal, fail_if) {
            (Some(signal), _) => signal,
            (None, Some(FailIf::Open)) if found => ExitStatus::Violation,
            (None, Some(FailIf::None)) if !found && complete => ExitStatus::Violation,
            (None, Some(FailIf::Changed)) if self.changed => ExitStatus::Violation,
            (None, _) if complete => ExitStatus::Complete,
            (None, _) => ExitStatus::Incomplete,
        }
    }
}

fn show_plan(plan: &ScanPlan, settings: &Settings, estimate: &Estimate) -> Result<ExitStatus, Failure> {
    // The plan is one text; the first place is as good as any.
    let Some(to) = settings.output.destinations.first() else { return Ok(ExitStatus::Complete) };
    let mut sink = open_sink(to)?;
    let written = PlanReport::new(plan, &settings.config, estimate)
        .write(to.format, &mut sink)
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

/// One channel per place. Every place is opened before anything is written to one of them.
fn open_channels(settings: &Settings, beginning: &Beginning<'_>) -> Result<Vec<Channel>, Failure> {
    let open = |to: &Destination| {
        let sink = open_sink(to)?;
        let color = colored(to, settings.display.color);
        let output = output::choose(to.format, &settings.output, beginning, color);
        Ok(Channel::new(output, sink, to.file.clone()))
    };
    settings.output.destinations.iter().map(open).collect()
}

fn open_sink(to: &Destination) -> Result<Sink, Failure> {
    match &to.file {
        Some(path) => Sink::file(path, to.format.is_document()),
        None => Ok(Sink::stdout()),
    }
}

fn colored(to: &Destination, color: Color) -> bool {
    match to.file {
        Some(_) => color == Color::Always,
        None => use_color(color, &io::stdout()),
    }
}

fn about(args: String, settings: &Settings, plan: &ScanPlan) -> About {
    About {
        version: env!("CARGO_PKG_VERSION").into(),
        args,
        port_ranges: plan.port_sets().fold(PortSet::EMPTY, |all, (ports, _)| all.union(ports)),
        own_ports: !plan.own_ports.is_empty(),
        all_ports: settings.config.detail == PortDetail::All,
        skip_discovery: settings.config.skip_discovery,
        discover_only: settings.config.discover_only,
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
        let ends = |hosts: &[_], fail_if| {
            Found { report: &report(hosts, 2), unresolved: false, discover_only: false, changed: false }
                .status(Some(fail_if), None)
        };
        let alone = [everything.clone()];
        assert_eq!(ends(&alone, FailIf::Open), ExitStatus::Complete);
        assert_eq!(ends(&alone, FailIf::None), ExitStatus::Violation);
        assert!(!output::summary(&ending(&report(&alone, 2), &[])).found.contains("open port"));
        let both = [everything, real];
        assert_eq!(ends(&both, FailIf::Open), ExitStatus::Violation);
        assert_eq!(ends(&both, FailIf::None), ExitStatus::Complete);
        assert_eq!(ends(&both, FailIf::Changed), ExitStatus::Complete);
        assert!(output::summary(&ending(&report(&both, 2), &[])).found.starts_with("1 open port "));
    }
}
