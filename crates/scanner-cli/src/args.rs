//! The flags exactly as they are typed: no checks beyond their shape, no input or output.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Parser};

use crate::settings::Key;

pub(crate) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  scanner 192.168.1.1                   the 1,000 likeliest ports of one host
  scanner 192.168.1.0/24 -p ssh,http*   a few services on a whole network
  scanner nas.lan -p full               all 65,535 ports
  scanner nas.lan:8080 10.0.0.1,5:22,80 hosts with ports of their own
  scanner -iL hosts.txt --json -o s.json
                                        many hosts, into a document
  scanner --from s.json --state open    once more what was open
  scanner --local                       the networks that this machine is on
  scanner 10.0.0.0/16 --plan            what it would do, without doing it

";

const TARGET_HELP: &str = "\
Address, network, range or name: 192.0.2.7, 192.0.2.0/24, 192.0.2.10-20, 10.0.0-3.1-254, 2001:db8::1, fe80::1%eth0, \
nas.lan, each with ports of its own where it has some: nas.lan:80,443, [2001:db8::1]:22; - reads them from standard \
input";

const AFTER: &str = "\
Exit status:
  0      the scan is complete, whatever it found
  1      --fail-if: the scan found what it names
  2      wrong usage, configuration or target, or no usable target at all
  3      the scan ran, but is incomplete: a deadline, ports that could not be
         measured, a name without address, a result that was not written
  129, 130, 143
         ended by SIGHUP, SIGINT (Ctrl-C) or SIGTERM; what was found until
         then is written out

Configuration:
  A flag beats the environment, the environment beats the file, the file
  beats the default. The options from Targets to Display, but for --input,
  --local, --from, --state, --output and --baseline, have the key of their long name in
  $XDG_CONFIG_HOME/scanner/config.toml (-4 and -6 are family = 4 or 6), and
  SCANNER_ with that name in the environment:
    max-rate = 500    SCANNER_MAX_RATE=500    --max-rate 500
  Exclusions of all three add up. --no-reason turns off what the file turned
  on; so for every on/off option. --print-config shows every value and where
  it came from. SCANNER_LOG=scanner_net=debug filters the log.

From nmap:
  Understood where they mean the same: -p- -F -n -R -Pn -sT -iL --open
  --reason --top-ports, -T0 to -T2 (gentle), -T3 to -T5 (auto); -oN, -oX, -oG FILE and
  -oA BASE write files beside what standard output shows. Scans are always
  full connections: they need no privileges and see what a client would see.

Results:
  scanner show FILE                    print a result as the scan would
  scanner convert FILE -o OTHER        into any other format
  scanner diff OLD NEW                 what appeared, went and changed
  scanner schema jsonl                 the JSON Schema of a format
  They read json, jsonl and nmap's XML; each has a --help of its own. A host
  that is called like one of them is scanned by scanner scan NAME.";

const TEMPLATE: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}\n";

/// Finds the open TCP ports of hosts and networks.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "one flag each")]
#[command(
    name = "scanner",
    version,
    about = "Finds the open TCP ports of hosts and networks",
    before_long_help = EXAMPLES,
    before_help = "Example:  scanner 192.168.1.0/24 -p ssh,http*      more: scanner --help\n\n",
    after_long_help = AFTER,
    help_template = TEMPLATE,
    override_usage = "scanner [OPTIONS] TARGET…",
    styles = STYLES,
    max_term_width = 110,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub(crate) struct Args {
    #[arg(value_name = "TARGET", help_heading = "Targets", help = TARGET_HELP, display_order = 0)]
    pub(crate) targets: Vec<String>,

    /// Read targets from a file (-iL): separated by white space, `#` starts a comment; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "Targets", display_order = 1)]
    pub(crate) input: Vec<PathBuf>,

    /// The networks of this machine's interfaces, up to a /16 each
    #[arg(long, help_heading = "Targets", display_order = 1)]
    pub(crate) local: bool,

    /// Targets from an earlier result (JSON, JSON lines or nmap's XML): its hosts with their names and ports, or with
    /// other ports where -p is given
    #[arg(long, value_name = "FILE", help_heading = "Targets", display_order = 2)]
    pub(crate) from: Vec<PathBuf>,

    /// Of --from only the ports in these states, and only hosts that have one: open, closed, filtered, unknown
    #[arg(
        long,
        value_name = "STATE,…",
        value_delimiter = ',',
        requires = "from",
        help_heading = "Targets",
        display_order = 2
    )]
    pub(crate) state: Vec<String>,

    /// Options that the environment and the configuration file can also give.
    #[command(flatten)]
    pub(crate) options: Options,

    /// Write the result to FILE instead of standard output, several times for several files; the ending chooses the format
    /// (.txt .list .json .jsonl .csv .xml .gnmap .html) unless --format does
    #[arg(short, long, value_name = "FILE", help_heading = "Result")]
    pub(crate) output: Vec<PathBuf>,

    /// Compare with FILE, the result of an earlier scan (json, jsonl, nmap's XML), and say what appeared, went and changed
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub(crate) baseline: Option<PathBuf>,

    /// Files beside what standard output shows, as nmap writes them.
    #[command(flatten)]
    pub(crate) beside: Beside,

    /// Show what would be scanned, how long it may take and in which order, without sending anything
    #[arg(long, visible_alias = "dry-run", help_heading = "Other")]
    pub(crate) plan: bool,

    /// Do not ask before a very large scan or one of many public addresses
    #[arg(long, help_heading = "Other")]
    pub(crate) yes: bool,

    /// Read the configuration from FILE
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Other")]
    pub(crate) config: Option<PathBuf>,

    /// Read no configuration file
    #[arg(long, help_heading = "Other")]
    pub(crate) no_config: bool,

    /// Print every setting and where it came from, in the form of a configuration file
    #[arg(long, help_heading = "Other")]
    pub(crate) print_config: bool,

    /// Log what the engine decides to standard error; twice for more
    #[arg(short, long, action = ArgAction::Count, help_heading = "Other")]
    pub(crate) verbose: u8,

    /// What makes the connections: the fastest that the platform has, or the one of all platforms, for comparison
    #[arg(long, hide = true, value_enum, default_value_t)]
    pub(crate) connector: ConnectorChoice,

    /// Print help: -h in short, --help with examples, exit statuses and configuration
    #[arg(short, long, action = ArgAction::Help, help_heading = "Other")]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "Other")]
    version: Option<bool>,
}

/// What makes the connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ConnectorChoice {
    #[default]
    Fast,
    Portable,
}

/// Options that the environment and the configuration file can also give, by the name of the long flag.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag each")]
pub(crate) struct Options {
    /// Leave these out: addresses, networks, ranges, names, separated by commas
    #[arg(long, value_name = "TARGET,…", help_heading = "Targets")]
    pub(crate) exclude: Vec<String>,

    /// Leave out the targets in a file
    #[arg(long, alias = "excludefile", value_name = "FILE", help_heading = "Targets")]
    pub(crate) exclude_file: Vec<String>,

    /// Refuse to start if any address, also one found by name, is outside the addresses and networks in FILE
    #[arg(long, value_name = "FILE", help_heading = "Targets")]
    pub(crate) scope: Option<String>,

    /// IPv4 addresses only
    #[arg(short = '4', long, help_heading = "Targets", conflicts_with = "ipv6")]
    pub(crate) ipv4: bool,

    /// IPv6 addresses only
    #[arg(short = '6', long, help_heading = "Targets")]
    pub(crate) ipv6: bool,

    /// Scan every address of a name, not only the first that the system returns
    #[arg(long, help_heading = "Targets", overrides_with = "no_all_addresses")]
    pub(crate) all_addresses: bool,

    /// Who looks names up: system, as ping would; hickory, the name servers directly; off, nobody; auto, the system for
    /// the names given here and the name servers for those of addresses found (the default)
    #[arg(long, value_name = "HOW", help_heading = "Names")]
    pub(crate) dns: Option<String>,

    /// Ask these name servers and no others, in this order: 192.0.2.53 or with a port, 192.0.2.53:5353
    #[arg(long, alias = "dns-servers", value_name = "IP,…", help_heading = "Names")]
    pub(crate) resolvers: Option<String>,

    /// Find the names of addresses while the scan runs, which delays no result by more than a second: of hosts that are up
    /// (up, the default), of all, or off
    #[arg(long, value_name = "WHOSE", help_heading = "Names")]
    pub(crate) reverse: Option<String>,

    /// The same as --reverse off
    #[arg(short = 'n', help_heading = "Names", conflicts_with = "reverse")]
    pub(crate) no_names: bool,

    /// The same as --reverse all
    #[arg(short = 'R', help_heading = "Names", conflicts_with_all = ["reverse", "no_names"])]
    pub(crate) all_names: bool,

    /// Ports: 22,80,8000-8100, names and wildcards (ssh, http*), top:N, simple (100), standard (1,000, the default),
    /// full or - (all 65,535); !25 takes one out
    #[arg(short, long, value_name = "PORTS", help_heading = "Ports", allow_hyphen_values = true)]
    pub(crate) ports: Option<String>,

    /// The N likeliest ports, 1 to 1000
    #[arg(long, value_name = "N", help_heading = "Ports", conflicts_with = "ports")]
    pub(crate) top_ports: Option<String>,

    /// The 100 likeliest ports (the same as -p simple)
    #[arg(short = 'F', help_heading = "Ports", conflicts_with_all = ["ports", "top_ports"])]
    pub(crate) fast: bool,

    /// Leave these ports out
    #[arg(long, value_name = "PORTS", help_heading = "Ports", allow_hyphen_values = true)]
    pub(crate) exclude_ports: Option<String>,

    /// Show open ports only, and only hosts that have one
    #[arg(long, help_heading = "Ports", overrides_with = "no_open")]
    pub(crate) open: bool,

    /// auto: measures each path and opens as many connections as it carries (the default); fixed: 100 connections, or
    /// as many as --max-connections says; gentle: for fragile devices, few connections per host at a low rate
    #[arg(long, value_name = "PACE", help_heading = "Pace")]
    pub(crate) pace: Option<String>,

    /// Never more than N connections at once
    #[arg(long, alias = "max-parallelism", value_name = "N", help_heading = "Pace")]
    pub(crate) max_connections: Option<String>,

    /// Never more than N connection attempts per second
    #[arg(long, value_name = "N", help_heading = "Pace")]
    pub(crate) max_rate: Option<String>,

    /// Never more than N connections to one host at once
    #[arg(long, value_name = "N", help_heading = "Pace")]
    pub(crate) max_per_host: Option<String>,

    /// Threads that make connections, 1 to 16 (Linux); without it one with a fixed number of connections, else up to two
    #[arg(long, value_name = "N", help_heading = "Pace")]
    pub(crate) threads: Option<String>,

    /// The longest wait for one answer (500ms, 2s; a bare number is milliseconds); the wait in force follows the
    /// measured round-trip time
    #[arg(long, alias = "max-rtt-timeout", value_name = "TIME", help_heading = "Pace")]
    pub(crate) timeout: Option<String>,

    /// How often a silent port is asked again, 0 to 13; without it as often as the measured loss calls for
    #[arg(long, alias = "max-retries", value_name = "N", help_heading = "Pace")]
    pub(crate) retries: Option<String>,

    /// How long one host may take (30s, 5m); what is not measured by then is unknown
    #[arg(long, value_name = "TIME", help_heading = "Pace")]
    pub(crate) host_timeout: Option<String>,

    /// How long the whole scan may take; what is not measured by then is unknown
    #[arg(long, value_name = "TIME", help_heading = "Pace")]
    pub(crate) deadline: Option<String>,

    /// The seed of the order of probes: the same seed and plan give the same order
    #[arg(long, value_name = "N", help_heading = "Pace")]
    pub(crate) seed: Option<String>,

    /// Ask every port even of hosts that answer nothing (-Pn)
    #[arg(long, help_heading = "Pace", overrides_with = "no_skip_discovery")]
    pub(crate) skip_discovery: bool,

    /// text: for people (the default); list: host:port lines, hosts as they finish; jsonl: one record per fact as it is
    /// found; json: one sorted document; csv: a row per port; xml and grepable: as nmap writes them; html: a page for a
    /// browser
    #[arg(long, value_name = "FORMAT", help_heading = "Result")]
    pub(crate) format: Option<String>,

    /// The same as --format json
    #[arg(long, help_heading = "Result", conflicts_with = "format")]
    pub(crate) json: bool,

    /// The same as --format jsonl
    #[arg(long, help_heading = "Result", conflicts_with_all = ["format", "json"])]
    pub(crate) jsonl: bool,

    /// Say of each port why it has its state
    #[arg(long, help_heading = "Result", overrides_with = "no_reason")]
    pub(crate) reason: bool,

    /// End with status 1 if any port is open (open), if a complete scan found none (none), hosts that answer on every port
    /// not counted, or if anything is not as in the --baseline (changed)
    #[arg(long, value_name = "WHAT", help_heading = "Result")]
    pub(crate) fail_if: Option<String>,

    /// No notes and no progress on standard error, only errors
    #[arg(short, long, help_heading = "Display", overrides_with = "no_quiet")]
    pub(crate) quiet: bool,

    /// Colours: auto, always or never
    #[arg(long, value_name = "WHEN", help_heading = "Display")]
    pub(crate) color: Option<String>,

    /// Progress on standard error: bar, log (a line every 30 s), json (a record every second) or none; auto is bar on a
    /// terminal, log where CI is set
    #[arg(long, value_name = "HOW", help_heading = "Display")]
    pub(crate) progress: Option<String>,

    /// Turns the option off that the environment or the file turned on.
    #[command(flatten)]
    pub(crate) off: Off,
}

/// nmap's `-oN`, `-oX`, `-oG` and `-oA`, as `habits.rs` rewrites them.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_field_names, reason = "the names of the flags")]
pub(crate) struct Beside {
    #[arg(long, hide = true)]
    pub(crate) output_text: Vec<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) output_xml: Vec<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) output_grepable: Vec<PathBuf>,
    #[arg(long, hide = true)]
    pub(crate) output_all: Vec<PathBuf>,
}

/// Hidden opposites of the on/off options: the command line must be able to override the file.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag each")]
pub(crate) struct Off {
    #[arg(long, hide = true, overrides_with = "all_addresses")]
    no_all_addresses: bool,
    #[arg(long, hide = true, overrides_with = "open")]
    no_open: bool,
    #[arg(long, hide = true, overrides_with = "skip_discovery")]
    no_skip_discovery: bool,
    #[arg(long, hide = true, overrides_with = "reason")]
    no_reason: bool,
    #[arg(long, hide = true, overrides_with = "quiet")]
    no_quiet: bool,
}

impl Options {
    /// What was typed: the key, the flag by which it was given, and the text.
    pub(crate) fn given(&self) -> Vec<(Key, &'static str, String)> {
        let text = |key, flag, text: &Option<String>| text.clone().map(|text| (key, flag, text));
        let set = |key, flag, set: bool, text: &str| set.then(|| (key, flag, text.to_owned()));
        let list = |key, flag, list: &[String]| -> Vec<_> {
            list.iter().map(|text| (key, flag, text.clone())).collect()
        };
        let off = &self.off;
        let mut given = list(Key::Exclude, "--exclude", &self.exclude);
        given.extend(list(Key::ExcludeFile, "--exclude-file", &self.exclude_file));
        let single = [
            text(Key::Scope, "--scope", &self.scope),
            set(Key::Family, "-4", self.ipv4, "4"),
            set(Key::Family, "-6", self.ipv6, "6"),
            set(Key::AllAddresses, "--all-addresses", self.all_addresses, "true"),
            set(Key::AllAddresses, "--no-all-addresses", off.no_all_addresses, "false"),
            text(Key::Dns, "--dns", &self.dns),
            text(Key::Resolvers, "--resolvers", &self.resolvers),
            text(Key::Reverse, "--reverse", &self.reverse),
            set(Key::Reverse, "-n", self.no_names, "off"),
            set(Key::Reverse, "-R", self.all_names, "all"),
            text(Key::Ports, "--ports", &self.ports),
            self.top_ports.as_ref().map(|n| (Key::Ports, "--top-ports", format!("top:{n}"))),
            set(Key::Ports, "-F", self.fast, "simple"),
            text(Key::ExcludePorts, "--exclude-ports", &self.exclude_ports),
            set(Key::Open, "--open", self.open, "true"),
            set(Key::Open, "--no-open", off.no_open, "false"),
            text(Key::Pace, "--pace", &self.pace),
            text(Key::MaxConnections, "--max-connections", &self.max_connections),
            text(Key::MaxRate, "--max-rate", &self.max_rate),
            text(Key::MaxPerHost, "--max-per-host", &self.max_per_host),
            text(Key::Threads, "--threads", &self.threads),
            text(Key::Timeout, "--timeout", &self.timeout),
            text(Key::Retries, "--retries", &self.retries),
            text(Key::HostTimeout, "--host-timeout", &self.host_timeout),
            text(Key::Deadline, "--deadline", &self.deadline),
            text(Key::Seed, "--seed", &self.seed),
            set(Key::SkipDiscovery, "--skip-discovery", self.skip_discovery, "true"),
            set(Key::SkipDiscovery, "--no-skip-discovery", off.no_skip_discovery, "false"),
            text(Key::Format, "--format", &self.format),
            set(Key::Format, "--json", self.json, "json"),
            set(Key::Format, "--jsonl", self.jsonl, "jsonl"),
            set(Key::Reason, "--reason", self.reason, "true"),
            set(Key::Reason, "--no-reason", off.no_reason, "false"),
            text(Key::FailIf, "--fail-if", &self.fail_if),
            set(Key::Quiet, "--quiet", self.quiet, "true"),
            set(Key::Quiet, "--no-quiet", off.no_quiet, "false"),
            text(Key::Color, "--color", &self.color),
            text(Key::Progress, "--progress", &self.progress),
        ];
        given.extend(single.into_iter().flatten());
        given
    }
}
