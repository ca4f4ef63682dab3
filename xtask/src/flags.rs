//! The tasks and their flags, exactly as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// The repository's own tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Run the tests: every suite, or the ones named
    Test {
        /// Suites to run, in the order given; all of them without any
        #[arg(value_enum)]
        suites: Vec<Suite>,
        /// Passed to the runner of each suite, for example the name of a test
        #[arg(last = true, value_name = "ARGS")]
        runner_args: Vec<OsString>,
    },
    /// Run every check of the repository, in order, up to the first that fails
    Ci {
        /// Leave the tests out
        #[arg(long)]
        skip_tests: bool,
    },
    /// Check the architecture: what no compiler sees
    Tidy,
    /// Write the generated files
    Codegen {
        /// Compare with what is committed and write nothing
        #[arg(long, conflicts_with = "from_npm")]
        check: bool,
        /// First refresh the data from an unpacked npm package
        #[arg(long, value_name = "DIR")]
        from_npm: Option<PathBuf>,
    },
    /// Run a command in a fresh network namespace with loopback up (Linux)
    Netns {
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// Examples in the documentation
    Doc,
    /// A program outside the workspace that embeds the engine
    Embed,
    /// Unit and integration tests of all crates, but for those of `netns`
    Unit,
    /// Tests that make network namespaces of their own (Linux)
    Netns,
    /// Other people's programs that read our files; installs those in Python below target/ (Linux)
    Clients,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn flags_are_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn suites_come_before_the_dashes_and_runner_arguments_after() {
        let flags =
            Flags::try_parse_from(["xtask", "test", "unit", "doc", "--", "port_set", "--exact"]).unwrap();
        let Task::Test { suites, runner_args } = flags.task else { panic!("another task") };
        assert_eq!(suites, [Suite::Unit, Suite::Doc]);
        assert_eq!(runner_args, ["port_set", "--exact"]);
    }

    #[test]
    fn netns_wants_a_command() {
        assert!(Flags::try_parse_from(["xtask", "netns"]).is_err());
    }
}
