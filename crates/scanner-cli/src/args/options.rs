//! The options that the environment and the configuration file can also give.

use clap::ValueHint;

use crate::settings::Key;

/// Options that the environment and the configuration file can also give, by the name of the long flag.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag each")]
pub(crate) struct Options {
    /// Leave these out: addresses, networks, ranges, names, separated by commas
    #[arg(long, value_name = "TARGET,…", help_heading = "Targets")]
    pub(crate) exclude: Vec<String>,

    /// Leave out the targets in a file
    #[arg(long, alias = "excludefile", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Targets")]
    pub(crate) exclude_file: Vec<String>,

    /// Refuse to start if any address, also one found by name, is outside the addresses and networks in FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Targets")]
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

    /// End with status 1 if any port is open, or with --discover any host up (open), if a complete scan found none (none),
    /// hosts that answer on every port not counted, or if anything is not as in the --baseline (changed)
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
