//! The texts around the options in the help.

use clap::builder::styling::{AnsiColor, Styles};

pub(crate) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

pub(super) const USAGE: &str = "scanner [OPTIONS] TARGET…\n       scanner COMMAND …";

pub(super) const EXAMPLES: &str = "\
Examples:
  scanner 192.168.1.1                   the 1,000 likeliest ports of one host
  scanner 192.168.1.0/24 -p ssh,http*   a few services on a whole network
  scanner nas.lan -p full               all 65,535 ports
  scanner nas.lan:8080 10.0.0.1,5:22,80 hosts with ports of their own
  scanner --local                       the networks that this machine is on
  scanner --local --discover            which hosts are there, and nothing else
  scanner plc.lan --pace gentle         a device that must not be hurt
  scanner 10.0.0.0/16 --plan            what it would do, without doing it
  scanner -iL hosts.txt --json -o s.json
                                        many hosts, into a document
  scanner --from s.json --state open    once more what was open
  scanner 10.0.0.0/24 -q --format list | httpx
                                        host:port lines for another program
  scanner 10.0.0.0/24 -o now.json --baseline then.json --fail-if changed
                                        every night: status 1 if anything changed

";

pub(super) const TARGET_HELP: &str = "\
Address, network, range or name: 192.0.2.7, 192.0.2.0/24, 192.0.2.10-20, 10.0.0-3.1-254, 2001:db8::1, fe80::1%eth0, \
nas.lan, each with ports of its own where it has some: nas.lan:80,443, [2001:db8::1]:22; - reads them from standard \
input";

pub(super) const AFTER: &str = "\
Commands:
  scanner show FILE                    print a result as the scan would
  scanner convert FILE -o OTHER        into any other format
  scanner diff OLD NEW                 what appeared, went and changed
  scanner schema jsonl                 the JSON Schema of a format
  scanner services [PORT|NAME|WORD]    which service a port stands for
  scanner explain [WORD]               what a reason, a verdict or a status
                                       means, and what to try
  scanner doctor                       what of this machine limits a scan
  scanner config init|show|path        the configuration file
  scanner completions SHELL            completions for bash, zsh, fish, …
  Each has a --help of its own. A host that is called like a command is
  scanned by scanner scan NAME, or scanner -- NAME.

Exit status:
  0      the scan is complete, whatever it found
  1      --fail-if: the scan found what it names
  2      wrong usage, configuration or target, or no usable target at all
  3      the scan ran, but is incomplete: a deadline, ports that could not be
         measured, a name without address, a result that was not written
  129, 130, 143
         ended by SIGHUP, SIGINT (Ctrl-C) or SIGTERM; what was found until
         then is written out

Keys, while a scan runs on a terminal:
  space  a line about how it stands       s  skip the slowest host
  p      pause, and go on again           q  stop, and keep what was found
  ?      these keys

Configuration:
  A flag beats the environment, the environment beats the file, the file
  beats the default. The options from Targets to Display have the key of
  their long name in $XDG_CONFIG_HOME/scanner/config.toml (-4 and -6 are
  family = 4 or 6), and SCANNER_ with that name in the environment:
    max-rate = 500    SCANNER_MAX_RATE=500    --max-rate 500
  A table [profile.office] holds the same keys; --profile office, or
  SCANNER_PROFILE=office, puts it over the rest of the file.
  Exclusions of all of them add up. --no-reason turns off what the file
  turned on; so for every on/off option. scanner config init writes a file
  to begin with, --print-config shows every value and where it came from.
  SCANNER_LOG=scanner_net=debug filters the log. NO_COLOR, CLICOLOR,
  CLICOLOR_FORCE, TERM=dumb and COLUMNS are respected.

From nmap:
  Understood where they mean the same: -p- -F -n -R -Pn -sn -sT -iL --open
  --reason --top-ports, -T0 to -T2 (gentle), -T3 to -T5 (auto); -oN, -oX, -oG FILE and
  -oA BASE write files beside what standard output shows. -sS, -sU, -sV, -A
  and -O get a line that says what is done instead. Scans are always full
  connections: they need no privileges and see what a client would see.";

pub(super) const TEMPLATE: &str =
    "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}\n";
