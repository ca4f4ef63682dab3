//! The repository's own tasks: `cargo xtask --help` lists them.
//!
//! This crate depends on none of the scanner crates; it drives cargo and the built command, and reads the tree. One file per task, and
//! this one only dispatches.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool; printing is its job")]

mod api;
#[cfg(target_os = "linux")]
mod bench;
#[cfg(not(target_os = "linux"))]
#[path = "bench/elsewhere.rs"]
mod bench;
mod ci;
mod clients;
mod codegen;
mod deny;
mod dist;
mod embed;
mod flags;
#[cfg(target_os = "linux")]
mod lab;
#[cfg(not(target_os = "linux"))]
#[path = "lab/elsewhere.rs"]
mod lab;
#[cfg(target_os = "linux")]
mod measure;
mod netns;
mod python;
mod release;
mod shell;
mod summary;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

use crate::flags::{Flags, Task};

fn main() -> ExitCode {
    match dispatch(Flags::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Test { suites, runner_args } => test::run(&suites, &runner_args),
        Task::Ci { skip_tests } => ci::run(skip_tests),
        Task::Tidy => tidy::run(),
        Task::Codegen { check: true, .. } => codegen::run(codegen::Mode::Check),
        Task::Codegen { check: false, from_npm: None } => codegen::run(codegen::Mode::Write),
        Task::Codegen { check: false, from_npm: Some(package) } => {
            codegen::refresh(&package)?;
            codegen::run(codegen::Mode::Write)
        }
        Task::Lab { task, simulated } => lab::run(task, &simulated),
        Task::Api { check: true } => api::run(codegen::Mode::Check),
        Task::Api { check: false } => api::run(codegen::Mode::Write),
        Task::Bench(flags) => bench::run(&flags),
        #[cfg(target_os = "linux")]
        Task::Floor(flags) => bench::floor::run(&flags),
        Task::Dist => dist::run(),
        Task::Release(flags) => release::run(&flags),
        Task::EmbedTest => embed::desktop(),
        Task::Netns { command } => netns::run(&command),
    }
}
