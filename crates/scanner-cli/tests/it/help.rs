//! The words that teach.

use crate::context::TestContext;

#[test]
fn short_help() {
    insta::assert_snapshot!(TestContext::new(0).run(&["-h"]), @"
    exit status: 0
    ----- stdout
    Finds the open TCP ports of hosts and networks

    Usage: scanner [OPTIONS] TARGET…      scanner 192.168.1.0/24 -p ssh,http*

    Options:
      -p, --ports <PORTS>       22,80,8000-8100, ssh, http*, simple, standard, full
          --exclude <TARGET,…>  Leave these targets out
          --input <FILE>        Read targets from a file; - is standard input
          --open                Show open ports only
          --pace <PACE>         auto (the default), fixed, gentle (fragile devices)
          --max-rate <N>        Never more than N connection attempts per second
          --deadline <TIME>     How long the scan may take: 30s, 5m
          --reason              Say of each port why it has its state
          --format <FORMAT>     text, list, json, jsonl, csv, xml, grepable, html
      -o, --output <FILE>       Write to FILE; its ending chooses the format
          --baseline <FILE>     Say what changed since an earlier result
      -q, --quiet               Only errors on standard error
          --plan                Only show what it would do [alias: --dry-run]
      -h, --help                This help; --help: everything, with examples
      -V, --version             Print the version

    Commands: show convert diff schema services explain doctor config completions
    More:     scanner --help, scanner COMMAND --help
    ----- stderr
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "the help is long when it is written out")]
fn long_help() {
    insta::assert_snapshot!(TestContext::new(0).run(&["--help"]), @"
    exit status: 0
    ----- stdout
    Finds the open TCP ports of hosts and networks

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

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    Targets:
      [TARGET]...
              Address, network, range or name: 192.0.2.7, 192.0.2.0/24, 192.0.2.10-20, 10.0.0-3.1-254,
              2001:db8::1, fe80::1%eth0, nas.lan, each with ports of its own where it has some:
              nas.lan:80,443, [2001:db8::1]:22; - reads them from standard input

          --input <FILE>
              Read targets from a file (-iL): separated by white space, `#` starts a comment; `-` is
              standard input

          --local
              The networks of this machine's interfaces, up to a /16 each

          --from <FILE>
              Targets from an earlier result (JSON, JSON lines or nmap's XML): its hosts with their
              names and ports, or with other ports where -p is given

          --state <STATE,…>
              Of --from only the ports in these states, and only hosts that have one: open, closed,
              filtered, unknown

          --discover
              Only find out which hosts are there (-sn): by ARP or neighbour discovery on this machine's
              own networks, else by a few likely ports, or those of -p

          --exclude <TARGET,…>
              Leave these out: addresses, networks, ranges, names, separated by commas

          --exclude-file <FILE>
              Leave out the targets in a file

          --scope <FILE>
              Refuse to start if any address, also one found by name, is outside the addresses and
              networks in FILE

      -4, --ipv4
              IPv4 addresses only

      -6, --ipv6
              IPv6 addresses only

          --all-addresses
              Scan every address of a name, not only the first that the system returns

    Names:
          --dns <HOW>
              Who looks names up: system, as ping would; hickory, the name servers directly; off,
              nobody; auto, the system for the names given here and the name servers for those of
              addresses found (the default)

          --resolvers <IP,…>
              Ask these name servers and no others, in this order: 192.0.2.53 or with a port,
              192.0.2.53:5353

          --reverse <WHOSE>
              Find the names of addresses while the scan runs, which delays no result by more than a
              second: of hosts that are up (up, the default), of all, or off

      -n
              The same as --reverse off

      -R
              The same as --reverse all

    Ports:
      -p, --ports <PORTS>
              Ports: 22,80,8000-8100, names and wildcards (ssh, http*), top:N, simple (100), standard
              (1,000, the default), full or - (all 65,535); !25 takes one out

          --top-ports <N>
              The N likeliest ports, 1 to 1000

      -F
              The 100 likeliest ports (the same as -p simple)

          --exclude-ports <PORTS>
              Leave these ports out

          --open
              Show open ports only, and only hosts that have one

    Pace:
          --pace <PACE>
              auto: measures each path and opens as many connections as it carries (the default); fixed:
              100 connections, or as many as --max-connections says; gentle: for fragile devices, few
              connections per host at a low rate

          --max-connections <N>
              Never more than N connections at once

          --max-rate <N>
              Never more than N connection attempts per second

          --max-per-host <N>
              Never more than N connections to one host at once

          --threads <N>
              Threads that make connections, 1 to 16 (Linux); without it one with a fixed number of
              connections, else up to two

          --timeout <TIME>
              The longest wait for one answer (500ms, 2s; a bare number is milliseconds); the wait in
              force follows the measured round-trip time

          --retries <N>
              How often a silent port is asked again, 0 to 13; without it as often as the measured loss
              calls for

          --host-timeout <TIME>
              How long one host may take (30s, 5m); what is not measured by then is unknown

          --deadline <TIME>
              How long the whole scan may take; what is not measured by then is unknown

          --seed <N>
              The seed of the order of probes: the same seed and plan give the same order

          --skip-discovery
              Ask every port even of hosts that answer nothing (-Pn)

    Result:
          --format <FORMAT>
              text: for people (the default); list: host:port lines, hosts as they finish; jsonl: one
              record per fact as it is found; json: one sorted document; csv: a row per port; xml and
              grepable: as nmap writes them; html: a page for a browser

          --json
              The same as --format json

          --jsonl
              The same as --format jsonl

          --reason
              Say of each port why it has its state

          --fail-if <WHAT>
              End with status 1 if any port is open, or with --discover any host up (open), if a
              complete scan found none (none), hosts that answer on every port not counted, or if
              anything is not as in the --baseline (changed)

      -o, --output <FILE>
              Write the result to FILE instead of standard output, several times for several files; the
              ending chooses the format (.txt .list .json .jsonl .csv .xml .gnmap .html) unless --format
              does

          --baseline <FILE>
              Compare with FILE, the result of an earlier scan (json, jsonl, nmap's XML), and say what
              appeared, went and changed

    Display:
      -q, --quiet
              No notes and no progress on standard error, only errors

          --color <WHEN>
              Colours: auto, always or never

          --progress <HOW>
              Progress on standard error: bar, log (a line every 30 s), json (a record every second) or
              none; auto is bar on a terminal, log where CI is set

    Other:
          --plan
              Show what would be scanned, how long it may take and in which order, without sending
              anything
              
              [alias: --dry-run]

          --yes
              Do not ask before a very large scan or one of many public addresses

          --config <FILE>
              Read the configuration from FILE

          --profile <NAME>
              Put the table [profile.NAME] of the configuration file over the rest of it

          --no-config
              Read no configuration file

          --print-config
              Print every setting and where it came from, in the form of a configuration file

      -v, --verbose...
              Log what the engine decides to standard error; twice for more

      -h, --help
              Print help: -h in short, --help with examples, exit statuses and configuration

      -V, --version
              Print the version

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
      connections: they need no privileges and see what a client would see.
    ----- stderr
    ");
}

#[test]
fn version() {
    insta::assert_snapshot!(TestContext::new(0).run(&["--version"]), @"
    exit status: 0
    ----- stdout
    scanner 0.1.0
    ----- stderr
    ");
}

/// Of the commands beside `scan`; the help of convert and diff stands with the tests of results.
#[test]
#[expect(clippy::too_many_lines, reason = "help is long when it is written out")]
fn help_of_every_command() {
    let context = TestContext::new(0);
    let commands: [&[&str]; 10] = [
        &["show"],
        &["schema"],
        &["services"],
        &["explain"],
        &["doctor"],
        &["config"],
        &["config", "init"],
        &["config", "path"],
        &["completions"],
        &["man"],
    ];
    let help = commands.map(|command| {
        let shown = context.run(&[command, &["--help"]].concat());
        let text = shown.strip_prefix("exit status: 0\n----- stdout\n").unwrap();
        format!("$ scanner {} --help\n{}", command.join(" "), text.strip_suffix("----- stderr\n").unwrap())
    });
    insta::assert_snapshot!(help.join("\n"), @"
    $ scanner show --help
    Print the result of an earlier scan as the scan would

    Usage: scanner show [OPTIONS] <FILE>

    Arguments:
      <FILE>  A file that scanner wrote as json or jsonl, or nmap's XML; - is standard input

    Options:
          --open          Show open ports only, and only hosts that have one
          --reason        Say of each port why it has its state
          --color <WHEN>  Colours: auto (the default), always or never
      -h, --help          Print help

    $ scanner schema --help
    Print the JSON Schema of a format

    Usage: scanner schema <FORMAT>

    Arguments:
      <FORMAT>  jsonl: one line of it; json: the whole document

    Options:
      -h, --help  Print help

    $ scanner services --help
    Say which service a port stands for, which ports a name has, or where a word occurs

    A name is a guess from the number. RANK is the place among the 1,000 ports that are likeliest to be
    open. Without a word the 100 likeliest are shown. Examples: scanner services 8443, scanner services
    postgres, scanner services http*, scanner services 8000-8100, scanner services message broker

    Usage: scanner services [OPTIONS] [PORT|NAME|WORD]...

    Arguments:
      [PORT|NAME|WORD]...
              A port, a range, a name, a wildcard, a preset; any other word is looked for in names and
              notes

    Options:
          --json
              One JSON document instead of text

      -h, --help
              Print help (see a summary with '-h')

    $ scanner explain --help
    Explain a word of a result: what was seen, what it can mean, what to try

    Reasons (no-reply), states (filtered), verdicts (accepts-everything) and exit statuses (3). Without
    a word all are listed.

    Usage: scanner explain [OPTIONS] [WORD]...

    Arguments:
      [WORD]...
              A word of a result, or the number of an exit status

    Options:
          --color <WHEN>
              Colours: auto (the default), always or never

      -h, --help
              Print help (see a summary with '-h')

    $ scanner doctor --help
    Look at what limits a scan from this machine, and how to mend it; changes nothing

    Descriptors, source ports, the neighbour tables, connection tracking, retries of the kernel, VPN,
    container, resolver and firewall. It only reads. Exit status: 0, whatever it found.

    Usage: scanner doctor [OPTIONS]

    Options:
          --json
              One JSON document instead of text

          --color <WHEN>
              Colours: auto (the default), always or never

      -h, --help
              Print help (see a summary with '-h')

    $ scanner config --help
    Write, show or find the configuration file

    Usage: scanner config <COMMAND>

    Commands:
      init  Write a file in which every option is explained and commented out; a file that is there
            stays as it is
      show  Print every setting and where it came from (the same as scanner --print-config)
      path  Print where the file is looked for

    Options:
      -h, --help  Print help

    $ scanner config init --help
    Write a file in which every option is explained and commented out; a file that is there stays as it
    is

    Usage: scanner config init [OPTIONS]

    Options:
          --config <FILE>  Write FILE instead of the one that scans read
      -h, --help           Print help

    $ scanner config path --help
    Print where the file is looked for

    Usage: scanner config path

    Options:
      -h, --help  Print help

    $ scanner completions --help
    Print completions for a shell

    bash: scanner completions bash > ~/.local/share/bash-completion/completions/scanner

    zsh: scanner completions zsh > a directory of $fpath, as _scanner

    fish: scanner completions fish > ~/.config/fish/completions/scanner.fish

    powershell: scanner completions powershell | Out-String | Invoke-Expression

    Usage: scanner completions <SHELL>

    Arguments:
      <SHELL>
              The shell
              
              [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help
              Print help (see a summary with '-h')

    $ scanner man --help
    Write the man pages into a directory

    Usage: scanner man <DIRECTORY>

    Arguments:
      <DIRECTORY>  A directory that is there

    Options:
      -h, --help  Print help
    ");
}
