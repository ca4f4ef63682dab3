//! Wrong inputs: one line, a caret where it hurts, and what would be right. Always status 2, and nothing on standard output.

use std::process::Stdio;

use crate::context::TestContext;

#[test]
fn ports() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "22,443-80"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --ports: the range from 443 to 80 runs backwards
      22,443-80
         ^^^^^^
    hint: write 80-443
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "0"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --ports: port 0 cannot be scanned
      0
      ^
    hint: ports are 1 to 65535
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "22,sssh"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --ports: no service is called `sssh`
      22,sssh
         ^^^^
    hint: did you mean `ssh`?
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "22,"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --ports: no port follows this comma
      22,
        ^
    hint: remove the comma
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "standart"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --ports: no service is called `standart`
      standart
      ^^^^^^^^
    hint: did you mean `standard`?
    ");
}

#[test]
fn targets() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["192.168.1.0/33"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: target: 33 is more than 32
      192.168.1.0/33
                  ^^
    hint: a prefix length is a number from 0 to 32
    ");
    insta::assert_snapshot!(context.run(&["192.168.1.256"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: target: 256 is more than 255
      192.168.1.256
                ^^^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`
    ");
    insta::assert_snapshot!(context.run(&["http://nas.lan/"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: target: a URL is not a target
      http://nas.lan/
      ^^^^^^^
    hint: give the host alone: nas.lan
    ");
    context.file("hosts", "127.0.0.1\n127.0.0.1 10.0.0.0/x\n");
    insta::assert_snapshot!(context.run(&["-iL", "hosts"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: hosts:2:20: `x` is no digit
      10.0.0.0/x
               ^
    hint: a prefix length is a number from 0 to 32
    ");
    insta::assert_snapshot!(context.run(&["-iL", "missing"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: cannot read missing: No such file or directory (os error 2)
    hint: give a file with one target per word, or - for standard input
    ");
}

#[test]
fn flags() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--port", "22"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: unexpected argument '--port' found

      tip: a similar argument exists: '--ports'

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--pace", "gentel"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --pace: `gentel` is not one of the values
    hint: did you mean gentle? There are auto, fixed, gentle
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--deadline", "60"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --deadline: `60` has no unit
    hint: write 60s for seconds, 60m for minutes
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-F", "-p", "22"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: the argument '-F' cannot be used with '--ports <PORTS>'

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    For more information, try '--help'.
    ");
}

#[cfg(unix)]
#[test]
fn nothing_that_was_typed_acts_on_the_terminal() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--\x1b[2J\u{202e}foo\nerror: fine"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: unexpected argument '--�[2J�foo�error: fine' found

      tip: to pass '--�[2J�foo�error: fine' as a value, use '-- --�[2J�foo�error: fine'

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(context.run(&["--pace=\x1b[2J", "--json", "--jsonl=\x1b[2J"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: unexpected value '�[2J' for '--jsonl' found; no more were expected

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    For more information, try '--help'.
    ");
    let output = context.command(&["--pace"]).arg(OsStr::from_bytes(b"\xff\x1b[2J")).output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: invalid UTF-8 was detected in one or more arguments

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    For more information, try '--help'.
    ");
}

#[test]
fn a_slip_in_the_environment() {
    let context = TestContext::new(0);
    let mut command = context.command(&["127.0.0.1/33"]);
    command.env("SCANNER_MAX_CONECTIONS", "5").env("SCANNER_LOG", "off");
    insta::assert_snapshot!(context.show(&command.output().unwrap()), @"
    exit status: 2
    ----- stdout
    ----- stderr
    note: SCANNER_MAX_CONECTIONS in the environment is no option; did you mean SCANNER_MAX_CONNECTIONS?
    error: target: 33 is more than 32
      127.0.0.1/33
                ^^
    hint: a prefix length is a number from 0 to 32
    ");
}

#[test]
fn configuration() {
    let context = TestContext::new(0);
    let config = context.file("c.toml", "pace = \"auto\"\nretris = 3\n");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--config", config.to_str().unwrap()]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: [DIR]/c.toml:2:1: unknown key `retris`
      retris = 3
      ^^^^^^
    hint: did you mean retries?
    ");
    let config = context.file("d.toml", "\ntimeout = \"soon\"\n");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--config", config.to_str().unwrap()]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: [DIR]/d.toml:2: `soon` is not a duration
    hint: write it like 500ms, 2s, 1m30s or 4h
    ");
    let output = context.command(&["127.0.0.1"]).env("SCANNER_RETRIES", "99").output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: SCANNER_RETRIES: 99 is out of range
    hint: it goes from 0 to 13
    ");
}

#[test]
fn no_target() {
    let context = TestContext::new(0);
    let output = context.command(&[]).stdin(Stdio::null()).output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: there is no target
    hint: scanner 192.168.1.1 scans a host; scanner --help shows more
    ");
}

#[test]
fn only_a_name_without_address() {
    let context = TestContext::new(0);
    let _filters = context.filters();
    insta::assert_snapshot!(context.run(&["nonexistent.invalid"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    warning: cannot resolve `nonexistent.invalid`: [REASON]
    error: there is no target to scan: no name has an address
    hint: check the spelling, or give an address
    ");
}

#[test]
fn outside_the_scope() {
    let context = TestContext::new(0);
    context.file("scope", "127.0.0.0/30\n");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "127.0.0.9", "--scope", "scope"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: 1 address is outside the scope: 127.0.0.9
    hint: nothing was scanned; take them out with --exclude, or widen the scope file if you may scan them
    ");
}

#[test]
fn a_large_scan_is_not_started_unasked() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["8.0.0.0/16"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    note: 65,536 targets can be reached from the Internet; scan only what you own or have permission for
    error: this is a very large scan: 65,536 public addresses
    hint: --yes scans without asking; --plan shows what it would do
    ");
    insta::assert_snapshot!(context.run(&["2001:db8::/64", "-p", "22"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: this is a very large scan: the IPv6 range 2001:db8::/64, wider than a /112, about 175,925,575 years
    hint: --yes scans without asking; --plan shows what it would do
    ");
}

#[test]
fn a_result_that_has_no_place() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-o", "missing/scan.json"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: cannot write missing/scan.json: No such file or directory (os error 2)
    hint: choose another place with --output
    ");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("real.json", context.path("link.json")).unwrap();
        insta::assert_snapshot!(context.run(&["127.0.0.1", "-o", "link.json"]), @"
        exit status: 2
        ----- stdout
        ----- stderr
        error: cannot write link.json: it is a link to real.json
        hint: name the file itself, or remove the link
        ");
        assert!(!context.path("real.json").exists());
    }
}
