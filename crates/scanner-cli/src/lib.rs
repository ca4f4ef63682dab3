//! The command `scanner`, as a library without a surface: everything but `main` is here, so that it can be tested.

mod args;
mod baseline;
mod clock;
mod columns;
mod completions;
mod config_file;
mod config_tool;
mod console;
mod doctor;
mod etiquette;
mod exit;
mod explain;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod habits;
mod interrupt;
mod keys;
mod logging;
mod networks;
mod output;
mod plan_report;
mod progress_line;
mod reverse;
mod scan;
mod services;
mod settings;
mod stored;
mod suggest;
mod targets;
mod tools;
mod vendors;
mod welcome;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;

use args::Args;
use console::Console;
use exit::ExitStatus;
use failure::Failure;
use networks::Networks;
use output::sanitize::clean;
use progress_line::ProgressLine;
use scan::Job;
use settings::{Given, Layers, Origin, Settings};
use targets::Requested;

/// Runs the command with these arguments, the name of the program first, and says how it ended.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    match command(argv) {
        Ok(status) => status.into(),
        Err(failure) => {
            Console::plain().fail(&failure);
            failure.status.into()
        }
    }
}

pub(crate) fn command(argv: impl IntoIterator<Item = OsString>) -> Result<ExitStatus, Failure> {
    let argv: Vec<OsString> = argv.into_iter().collect();
    if argv.get(1).is_some_and(tools::is_tool) {
        return tools::run(&argv);
    }
    let command_line = line(&argv);
    let habits::Rewritten { argv, notes } = habits::rewrite(argv)?;
    let typed = match Args::read(&argv) {
        Ok(typed) => typed,
        Err(error) if error.kind() == ErrorKind::DisplayHelp && !argv.iter().any(|arg| arg == "--help") => {
            return show_clap_error(error, &argv, |argv| Args::short_help().try_get_matches_from(argv).err());
        }
        Err(error) => return show_clap_error(error, &argv, |argv| Args::read(argv).err()),
    };
    let layers = layers(&typed)?;
    let settings = Settings::build(&typed, &layers)?;
    let progress = ProgressLine::new(settings.display);
    let console = Console::new(settings.display, progress.bar());
    let variables = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for note in settings::unknown_variables(variables) {
        console.note(&note);
    }
    if typed.print_config {
        return show(|out| settings::print_config(&layers, out));
    }
    let networks = Networks::read();
    if !settings.has_targets() {
        return without_targets(&networks);
    }
    let requested = Requested::read(&settings.targets, &networks)
        .map_err(|failure| tools::meant_instead(&settings.targets.words, failure))?;
    if settings.names.are_off() {
        requested.without_names()?;
    }
    logging::start(settings.display.verbose, &console)?;
    for note in notes {
        console.note(note);
    }
    // Only the command may do this, and only before the engine looks at the limit. Where it fails the old limit stays.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).ok();
    block_on(scan::run(Job { command_line, settings, requested, networks, console, progress, descriptors }))
}

/// Shows help, the version or an error of usage, without what would act on a terminal: the words of an error quote what was
/// typed.
///
/// # Errors
/// The help cannot be written; a reader who has gone is no error.
pub(crate) fn show_clap_error(
    error: clap::Error,
    argv: &[OsString],
    again: impl Fn(Vec<String>) -> Option<clap::Error>,
) -> Result<ExitStatus, Failure> {
    let shown = argv.iter().map(|arg| clean(&arg.to_string_lossy()).into_owned());
    let same = |shown: &clap::Error| shown.kind() == error.kind();
    // Bytes that are no text are an error of their own, which quotes nothing.
    let error = again(shown.collect()).filter(same).unwrap_or(error);
    let printed = error.print();
    if error.use_stderr() {
        // There is no other place to say so.
        drop(printed);
        return Ok(ExitStatus::Usage);
    }
    wrote(printed)
}

/// The command line as it goes into a result: quoted where a shell would need it, the program by its name alone.
fn line(argv: &[OsString]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:,=@%+*".contains(c);
    let word = |word: &OsString| {
        let word = word.to_string_lossy().into_owned();
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let words = argv.iter().skip(1).map(word);
    ["scanner".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Flags, environment, profile and file, the strongest first.
fn layers(typed: &Args) -> Result<Layers, Failure> {
    let mut layers = Layers::default();
    layers.add_weaker(
        typed.given().into_iter().map(|(key, flag, text)| (key, Given { text, origin: Origin::Flag(flag) })),
    );
    layers.add_weaker(settings::from_environment(|name| std::env::var(name).ok()));
    if typed.no_config {
        return Ok(layers);
    }
    let mut file = config_file::read(typed.config.as_deref())?;
    let variable = || std::env::var(settings::PROFILE_VARIABLE).ok().filter(|name| !name.is_empty());
    if let Some(profile) = typed.profile.clone().or_else(variable) {
        layers.add_weaker(file.take_profile(&profile)?);
    }
    layers.add_weaker(file.base);
    Ok(layers)
}

/// Bare `scanner`: help for a person, an error for a script.
fn without_targets(networks: &Networks) -> Result<ExitStatus, Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return show(|out| welcome::write(networks, out));
    }
    Err(Failure::usage("there is no target")
        .with_hint("scanner 192.168.1.1 scans a host; scanner --help shows more"))
}

/// Writes to standard output; a reader who has gone is no error.
pub(crate) fn show(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<ExitStatus, Failure> {
    let mut text = Vec::new();
    let mut stdout = io::stdout().lock();
    wrote(write(&mut text).and_then(|()| stdout.write_all(&text)).and_then(|()| stdout.flush()))
}

/// How writing to standard output ended; a reader who has gone is no error.
fn wrote(written: io::Result<()>) -> Result<ExitStatus, Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::incomplete(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(ExitStatus::Complete),
    }
}

/// Runs on a runtime with one worker beside this thread, which listens to signals whatever this thread waits for.
fn block_on(work: impl Future<Output = Result<ExitStatus, Failure>>) -> Result<ExitStatus, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::incomplete(format!("cannot start the runtime: {error}")))?;
    let ended = runtime.block_on(work);
    // A look-up or a question that nobody waits for any more must not keep the command.
    runtime.shutdown_background();
    ended
}
