//! The commands beside `scan` as their users meet them.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::context::TestContext;

#[test]
fn services() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["services", "22"]), @"
    exit status: 0
    ----- stdout
     PORT  NAME  RANK  NOTE
       22  ssh      3  SSH: remote shell, file copy, tunnels
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["services", "postgres", "--json"]), @r#"
    exit status: 0
    ----- stdout
    [
      {
        "port": 5432,
        "name": "postgresql",
        "rank": 23,
        "note": "PostgreSQL"
      }
    ]
    ----- stderr
    "#);
    insta::assert_snapshot!(context.run(&["services", "sssh"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: services: no service is called `sssh`
      sssh
      ^^^^
    hint: did you mean `ssh`?
    ");
}

#[test]
fn explain() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["explain", "no-reply"]), @"
    exit status: 0
    ----- stdout
    no-reply   reason for filtered
      Seen   Silence on every attempt.
      Means  A firewall drops what is sent to the port. Where the host lost packets, the port was asked
             more often first.
      Try    Compare with a scan from inside the firewall. --retries asks more often still.
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["explain", "host", "lost"]), @"
    exit status: 0
    ----- stdout
    host-lost   reason for unknown
      Seen   The host had answered, then fell silent on ports that had answered before.
      Means  It went to sleep, restarted, was unplugged, or something began to block this machine.
      Try    Scan it again later; if it happens again, with --pace gentle.

    host-lost   verdict on a host
      Seen   The host answered, then stopped answering on ports that had answered before.
      Means  It went away, or something began to block this machine. What is missing is unknown, not
             closed.
      Try    Scan it again later; if it happens again, with --pace gentle.
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["explain", "3"]), @"
    exit status: 0
    ----- stdout
    3   exit status
      Seen   The scan ran, but is incomplete.
      Means  A deadline, q, ports that could not be measured, a name without address, or a result that
             could not be written.
      Try    Read the last lines of the result, or the warnings on standard error.
    ----- stderr
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "the list is long when it is written out")]
fn explain_lists_the_words() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["explain", "no-replay"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: no result has the word `no-replay`
    hint: did you mean no-reply?
    ");
    insta::assert_snapshot!(context.run(&["explain"]), @"
    exit status: 0
    ----- stdout
    States of a port
      open                A connection was made.
      closed              The host itself refused the connection.
      filtered            No answer of the host itself came back, on any attempt.
      unknown             This machine failed to measure the port.

    Reasons of a state
      handshake           The three-way handshake completed.
      self-connect        The kernel connected the socket to itself.
      rst                 A segment with RST came back.
      refused             The connection was refused, on a platform that cannot tell RST from ICMP
                          port-unreachable.
      port-unreachable    ICMP port-unreachable came back, and no segment of TCP.
      host-unreachable    ICMP host-unreachable came back from a router.
      net-unreachable     ICMP net-unreachable came back from a router.
      proto-unreachable   ICMP protocol-unreachable came back.
      prohibited          ICMP administratively-prohibited came back.
      no-neighbour        Nobody on this network answered for the address (ARP, or neighbour discovery):
                          two requests, a second apart, or three.
      no-reply            Silence on every attempt.
      no-reply-limited    Silence, from a host that limits how often it refuses.
      host-lost           The host had answered, then fell silent on ports that had answered before.
      local-limit         This machine ran out of descriptors, buffers, source ports or neighbour
                          entries.
      no-route            This machine has no route to the address; nothing was sent.
      local-policy        This machine itself refused to let the probe out.
      network-down        This machine's network went away and did not come back in time.
      cancelled           The scan was stopped before the port was measured.
      deadline            Time ran out before the port was measured.
      skipped             The host was skipped on request before the port was measured.

    Verdicts on a host
      accepts-everything  Nearly every port of the host completes a handshake.
      response-limited    Listeners of the host always answer, but refusals come only at a limited rate.
      host-lost           The host answered, then stopped answering on ports that had answered before.

    Whether a host is there
      up                  The host itself answered, on an open or a closed port, or as a neighbour.
      down                The network said that nobody is there.
      unknown             No answer at all, or nothing could be sent.

    What showed it, besides the reasons
      neighbour           The address answered ARP or neighbour discovery on a network of this machine.

    How a scan ended
      complete            Every port was measured, or its host judged down.
      incomplete          The scan ran to its end, but some ports could not be measured.
      deadline            The time of --deadline was over first.
      cancelled           The scan was stopped by Ctrl-C, a signal, or q.

    Exit statuses
      0                   The scan is complete, whatever it found.
      1                   What --fail-if names is the case; or scanner diff found a difference.
      2                   Wrong usage, configuration or target; or no usable target at all.
      3                   The scan ran, but is incomplete.
      129                 SIGHUP ended the scan: its terminal or its session is gone.
      130                 SIGINT ended the scan: Ctrl-C.
      143                 SIGTERM ended the scan: kill, timeout, or a service manager.

    scanner explain WORD says more of each.
    ----- stderr
    ");
}

#[test]
fn doctor_reads_this_machine_and_changes_nothing() {
    let context = TestContext::new(0);
    let output = context.command(&["doctor", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    for topic in ["descriptors", "source ports", "neighbour table", "firewall", "resolver"] {
        assert!(findings.iter().any(|finding| finding["topic"] == topic), "{topic}");
    }
}

#[test]
fn a_slip_in_the_name_of_a_command() {
    let context = TestContext::new(0);
    let _filters = context.filters();
    insta::assert_snapshot!(context.run(&["help", "servces"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: there is no command `servces`
    hint: did you mean scanner services? scanner services --help
    ");
    insta::assert_snapshot!(context.run(&["explian", "99999"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: target: an IPv4 address has four parts
      99999
           ^
    hint: did you mean scanner explain? scanner explain --help
    ");
}

#[test]
fn a_host_that_is_called_like_a_command() {
    let context = TestContext::new(0);
    for args in [["scan", "services"], ["--", "services"]] {
        let output = context.command(&args).arg("--plan").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.is_empty() && stderr.contains("services"), "{stderr}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn the_configuration_file() {
    let context = TestContext::new(0);
    let config = context.path("new/config.toml");
    let config = config.to_str().unwrap();
    insta::assert_snapshot!(context.run(&["config", "init", "--config", config]), @"
    exit status: 0
    ----- stdout
    ----- stderr
    note: written: [DIR]/new/config.toml
    ");
    insta::assert_snapshot!(context.run(&["config", "init", "--config", config]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: [DIR]/new/config.toml is there already, and is left as it is
    hint: scanner config init --config FILE writes another one
    ");
    insta::assert_snapshot!(context.run(&["config", "path"]), @"
    exit status: 0
    ----- stdout
    [DIR]/.config/scanner/config.toml
    ----- stderr
    ");
    context.file("c.toml", "pace = \"fixed\"\nmax-rate = 5\n\n[profile.office]\nmax-rate = 50\n");
    let show = ["config", "show", "--config", "c.toml", "--profile", "office", "--retries", "1"];
    let output = context.command(&show).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let set: Vec<&str> = text.lines().filter(|line| !line.contains("default")).collect();
    insta::assert_snapshot!(set.join("\n"), @r#"
    pace = "fixed"                           # c.toml:1
    max-rate = 50                            # c.toml:5
    retries = 1                              # --retries
    "#);
    insta::assert_snapshot!(context.run(&["config", "show", "--config", "c.toml", "--profile", "offise"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: c.toml: there is no profile `offise`
    hint: did you mean office?
    ");
    let mut command = context.command(&["--print-config", "--config", "c.toml"]);
    let output = command.env("SCANNER_PROFILE", "office").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("max-rate = 50 "));
    assert!(output.stderr.is_empty());
}

#[cfg(unix)]
#[test]
fn the_configuration_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let context = TestContext::new(0);
    context.run(&["config", "init"]);
    let mode = context.path(".config/scanner/config.toml").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Runs a shell with the completions of the command, where the shell is installed.
fn in_shell(context: &TestContext, shell: &str, args: &[&str], script: &str) -> Option<String> {
    let completions = context.command(&["completions", shell]).output().unwrap();
    assert!(completions.status.success(), "{completions:?}");
    std::fs::write(context.path("completions"), completions.stdout).unwrap();
    let mut command = Command::new(shell);
    let built = std::path::Path::new(env!("CARGO_BIN_EXE_scanner")).parent().unwrap().display().to_string();
    command.args(args).arg(script).current_dir(context.path("")).env("HOME", context.path(""));
    command.env("PATH", format!("{built}:/usr/local/bin:/usr/bin:/bin")).stdin(Stdio::null());
    let Ok(output) = command.output() else {
        let mut out = std::io::stdout();
        writeln!(out, "skipped: {shell} is not installed").unwrap();
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn bash_completes() {
    let context = TestContext::new(0);
    context.file("office.jsonl", "");
    let script = r#"
        source ./completions
        complete -p scanner
        try() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _scanner scanner "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "$*: ${COMPREPLY[*]}"
        }
        try scanner --max-
        try scanner --format x
        try scanner --pace ''
        try scanner expl
        try scanner completions ''
        try scanner config ''
        try scanner diff --j
        try scanner scan --skip
        try scanner show off
    "#;
    let Some(shown) = in_shell(&context, "bash", &["--norc", "-c"], script) else { return };
    insta::assert_snapshot!(shown, @"
    complete -o bashdefault -o default -o nosort -F _scanner scanner
    scanner --max-: --max-connections --max-rate --max-per-host
    scanner --format x: xml
    scanner --pace : auto fixed gentle
    scanner expl: explain
    scanner completions : bash elvish fish powershell zsh
    scanner config : init show path
    scanner diff --j: --json
    scanner scan --skip: --skip-discovery
    scanner show off:
    ");
}

#[test]
fn zsh_and_fish_understand_their_completions() {
    let context = TestContext::new(0);
    if let Some(shown) =
        in_shell(&context, "fish", &["-c"], "source ./completions; complete -C 'scanner --max-'")
    {
        assert!(shown.contains("--max-rate"), "{shown}");
    }
    let script = "fpath=($PWD $fpath); cp completions _scanner; autoload -U compinit; compinit -u -D; print $_comps[scanner]; zsh -n completions";
    if let Some(shown) = in_shell(&context, "zsh", &["-f", "-c"], script) {
        assert!(shown.contains("_scanner"), "{shown}");
    }
    let powershell = context.command(&["completions", "powershell"]).output().unwrap();
    assert!(String::from_utf8(powershell.stdout).unwrap().contains("Register-ArgumentCompleter"));
}

#[test]
fn man_pages_are_sound() {
    let context = TestContext::new(0);
    std::fs::create_dir(context.path("man")).unwrap();
    let output = context.command(&["man", "man"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = context.path("man/scanner.1");
    let text = std::fs::read_to_string(&page).unwrap();
    for part in ["max\\-rate", "Exit status", "scanner\\-doctor"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(context.path("man/scanner-config-init.1").exists());
    // groff warns of what it does not understand.
    let formatted = Command::new("groff").args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"]).arg(&page).output();
    // Where there is no groff the pages are only looked into.
    if let Ok(output) = formatted {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
    insta::assert_snapshot!(context.run(&["man", "missing"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: cannot write man pages to missing: No such file or directory (os error 2)
    hint: name a directory that is there
    ");
}
