//! Results that are read again: shown, converted, compared.

use crate::context::TestContext;

/// Every ending of a file and the format behind it.
const FORMATS: [(&str, &str); 8] = [
    ("txt", "text"),
    ("list", "list"),
    ("json", "json"),
    ("jsonl", "jsonl"),
    ("csv", "csv"),
    ("xml", "xml"),
    ("gnmap", "grepable"),
    ("html", "html"),
];

fn output(context: &TestContext, args: &[&str]) -> (Option<i32>, String) {
    let output = context.command(args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// One scan into every format at once; from the lines every other is made again, byte by byte.
#[test]
fn every_format_is_a_rendering_of_the_lines() {
    let context = TestContext::new(3);
    let ports = context.ports();
    let files = FORMATS.map(|(ending, _)| format!("scan.{ending}"));
    let mut args = vec!["localhost", "-4", "nonexistent.invalid", "-p", &ports];
    args.extend(files.iter().flat_map(|file| ["-o", file]));
    assert_eq!(output(&context, &args), (Some(3), String::new()));
    for (ending, format) in FORMATS {
        let written = std::fs::read_to_string(context.path(&format!("scan.{ending}"))).unwrap();
        assert!(!written.is_empty());
        assert_eq!(
            output(&context, &["convert", "scan.jsonl", "--format", format]),
            (Some(0), written),
            "{format}"
        );
    }
    let text = std::fs::read_to_string(context.path("scan.txt")).unwrap();
    assert_eq!(output(&context, &["show", "scan.jsonl"]), (Some(0), text));
    for file in ["scan.json", "scan.xml"] {
        let list = std::fs::read_to_string(context.path("scan.list")).unwrap();
        assert_eq!(output(&context, &["convert", file, "--format", "list"]), (Some(0), list), "{file}");
        assert_eq!(
            output(&context, &["diff", "scan.jsonl", file]),
            (Some(0), "No changes.\n".into()),
            "{file}"
        );
    }
}

/// nmap's XML has one place for the ports of all hosts; what each was asked for is read from its own.
#[test]
fn hosts_with_ports_of_their_own_keep_them_in_xml() {
    let context = TestContext::new(2);
    let targets = [
        format!("127.0.0.1:{}", context.port(0)),
        format!("127.0.0.2:{},{}", context.port(1), context.closed()),
    ];
    let args = [&targets[0], &targets[1], "-o", "own.xml", "-o", "own.jsonl"].map(|arg: &str| arg);
    assert_eq!(output(&context, &args).0, Some(0));
    let start = |file: &str| -> serde_json::Value {
        let (_, lines) = output(&context, &["convert", file, "--format", "jsonl"]);
        serde_json::from_str(lines.lines().next().unwrap()).unwrap()
    };
    for field in ["own_ports", "all_ports", "ports", "port_ranges"] {
        assert_eq!(start("own.xml")[field], start("own.jsonl")[field], "{field}");
    }
    assert_eq!(output(&context, &["diff", "own.xml", "own.jsonl"]), (Some(0), "No changes.\n".into()));
    let (_, shown) = output(&context, &["show", "own.xml"]);
    assert!(
        shown.lines().any(|line| line.trim_start().starts_with(&format!("{}  closed", context.closed()))),
        "{shown}"
    );
    // The command line says it to people; readers of XML alone get the union and the hosts.
    let xml = std::fs::read_to_string(context.path("own.xml")).unwrap();
    assert!(xml.contains("numservices=\"3\""), "{xml}");
}

/// A file of nmap's as large as a company: 30,000 hosts, which would take 45 MB as a list.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_a_file_of_nmap() {
    let context = TestContext::new(0);
    let host = |n: u32| {
        format!(
            "<host><status state=\"up\" reason=\"conn-refused\"/><address addr=\"{}\" addrtype=\"ipv4\"/>\
             <ports><extraports state=\"closed\" count=\"1000\"><extrareasons reason=\"conn-refused\" count=\"1000\" \
             ports=\"1-1000\"/></extraports></ports></host>\n",
            std::net::Ipv4Addr::from_bits(0x0a00_0000 + n)
        )
    };
    let hosts: String = (0..30_000).map(host).collect();
    let head = "<nmaprun scanner=\"nmap\" start=\"1\"><scaninfo type=\"connect\" protocol=\"tcp\" services=\"1-1000\"/>\n";
    context.file("big.xml", &format!("{head}{hosts}</nmaprun>\n"));
    for command in ["show big.xml", "convert big.xml --format csv", "convert big.xml --format jsonl"] {
        let scanner = context.command(&[]);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -d 24576; exec \"$0\" $1"]).arg(scanner.get_program()).arg(command);
        let ended = limited.current_dir(context.path("")).env_clear().output().unwrap();
        assert_eq!(
            (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
            (Some(0), ""),
            "{command}"
        );
        assert!(!ended.stdout.is_empty(), "{command}");
    }
}

#[test]
fn nmaps_flags_write_files_beside_what_is_shown() {
    let context = TestContext::new(1);
    let port = context.port(0).to_string();
    let (code, shown) = output(&context, &["127.0.0.1", "-p", &port, "-oA", "base", "-oX", "x.out"]);
    assert_eq!(code, Some(0));
    assert!(shown.starts_with("127.0.0.1"), "{shown}");
    assert_eq!(std::fs::read_to_string(context.path("base.nmap")).unwrap(), shown);
    for xml in ["base.xml", "x.out"] {
        assert!(std::fs::read_to_string(context.path(xml)).unwrap().ends_with("</nmaprun>\n"));
    }
    assert!(
        std::fs::read_to_string(context.path("base.gnmap"))
            .unwrap()
            .contains(&format!("Ports: {port}/open/tcp//"))
    );
    let (_, xml) = output(&context, &["127.0.0.1", "-p", &port, "-oX", "-"]);
    assert!(xml.starts_with("<?xml"), "{xml}");
}

#[test]
fn standard_input_is_read() {
    let context = TestContext::new(1);
    let port = context.port(0).to_string();
    output(&context, &["127.0.0.1", "-p", &port, "-o", "scan.jsonl"]);
    let mut command = context.command(&["convert", "-", "--format", "list"]);
    let read = command.stdin(std::fs::File::open(context.path("scan.jsonl")).unwrap()).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap(), format!("127.0.0.1:{port}\n"));
}

/// A month in small: the same command each night, against the result of the last night that was whole, as a crontab has it; and
/// what cron sees of it. A complaint of cron is what is printed, so a quiet night prints nothing.
#[test]
fn a_month_in_cron() {
    let context = TestContext::new(30);
    let ports = context.ports();
    let night = |name: &str, baseline: &str, more: &[&str]| {
        let file = format!("{name}.json");
        let fixed =
            ["127.0.0.1", "-p", &ports, "-q", "-o", &file, "--baseline", baseline, "--fail-if", "changed"];
        let ended = context.command(&[&fixed[..], more].concat()).output().unwrap();
        assert_eq!(ended.stdout, b"", "{name}");
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    let document = |name: &str| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(context.path(&format!("{name}.json"))).unwrap())
            .unwrap()
    };
    let quiet = |status| (Some(status), String::new());

    // The first night has nothing to compare with, and says so if it is told to: nothing is scanned, nothing written.
    let (status, words) = night("1st", "missing.json", &[]);
    assert_eq!(status, Some(2));
    assert!(words.starts_with("error: cannot read missing.json: ") && words.contains("\nhint: "), "{words}");
    assert!(!context.path("1st.json").exists());
    let first = context.command(&["127.0.0.1", "-p", &ports, "-q", "-o", "1st.json"]).output().unwrap();
    assert_eq!((first.status.code(), first.stderr), (Some(0), Vec::new()));

    assert_eq!(night("2nd", "1st.json", &[]), quiet(0));
    assert_eq!(document("2nd")["comparison"]["changes"], serde_json::json!([]));

    context.open_the_closed();
    assert_eq!(night("3rd", "2nd.json", &[]), quiet(1));
    let opened =
        serde_json::json!({ "before": "closed", "after": "open", "ports": context.closed().to_string() });
    let changes = &document("3rd")["comparison"]["changes"];
    assert_eq!(
        (&changes[0]["ports"], changes.as_array().map(Vec::len)),
        (&serde_json::json!([opened]), Some(1))
    );

    // Who is told of it once has the changed night as the next baseline.
    assert_eq!(night("4th", "3rd.json", &[]), quiet(0));

    // A night without enough time is incomplete; what it did not measure is no change, in neither direction.
    let (status, words) = night("5th", "4th.json", &["--deadline", "200ms", "--max-rate", "5"]);
    assert_eq!((status, words.as_str()), (Some(3), ""), "{:?}", document("5th"));
    let fifth = document("5th");
    assert_eq!(fifth["completion"], "deadline");
    assert!(fifth["not_measured"]["deadline"].as_u64().unwrap() > 0);
    assert_eq!(fifth["comparison"]["changes"], serde_json::json!([]), "{fifth}");
    assert_eq!(fifth["comparison"]["ports_not_compared"], fifth["not_measured"]["deadline"]);
    assert_eq!(night("6th", "5th.json", &[]), quiet(0));

    // The sixth night compared with the second: what happened in between is still a change.
    let diff = context.command(&["diff", "2nd.json", "6th.json"]).output().unwrap();
    assert_eq!(diff.status.code(), Some(1));
}

/// The same command each night, and what a person sees of it.
#[test]
#[expect(clippy::too_many_lines, reason = "a month is long when it is written out")]
fn what_changed_since_the_baseline() {
    let context = TestContext::new(2);
    let _filters = context.filters();
    let (kept, new, closed) =
        (context.port(0).to_string(), context.port(1).to_string(), context.closed().to_string());
    let asked = format!("{kept},{closed}");
    let all = context.ports();
    assert_eq!(output(&context, &["127.0.0.1", "-p", &all, "-o", "first.jsonl"]).0, Some(0));
    let nightly = |ports: &str, baseline: &str, more: &[&str]| {
        let fixed = ["127.0.0.1", "-p", ports, "--baseline", baseline, "--fail-if", "changed"];
        context.run(&[&fixed[..], more].concat())
    };
    // Nothing happened; a port that was not asked for is no change.
    insta::assert_snapshot!(nightly(&asked, "first.jsonl", &[]), @"
    exit status: 0
    ----- stdout
    127.0.0.1  up, [RTT]   this machine
      OPEN0  open [RTT]
      CLOSE  closed              refused

    1 open port, [TIME]. Names are guessed from port numbers.

    Compared with the baseline:
    No changes.
    Not compared: 1 port, which one of the scans did not measure or not ask.
    ----- stderr
    ");
    // The baseline says that it was closed: it is made by hand.
    let lines = std::fs::read_to_string(context.path("first.jsonl")).unwrap();
    let open = format!("\"port\":{new},\"protocol\":\"tcp\",\"state\":\"open\",\"reason\":\"handshake\"");
    let was_closed = lines
        .replace(&open, &open.replace("open", "closed").replace("handshake", "rst"))
        .replace(
            &format!("\"count\":2,\"ports\":\"{kept},{new}\""),
            &format!("\"count\":1,\"ports\":\"{kept}\""),
        )
        .replace(
            &format!("\"count\":2,\"ports\":\"{kept}-{new}\""),
            &format!("\"count\":1,\"ports\":\"{kept}\""),
        )
        .replace(
            &format!("\"count\":1,\"ports\":\"{closed}\""),
            &format!("\"count\":2,\"ports\":\"{new},{closed}\""),
        );
    context.file("before.jsonl", &was_closed);
    insta::assert_snapshot!(nightly(&all, "before.jsonl", &[]), @"
    exit status: 1
    ----- stdout
    127.0.0.1  up, [RTT]   this machine
      OPEN0  open [RTT]
      OPEN1  open [RTT]
      CLOSE  closed              refused

    2 open ports, [TIME]. Names are guessed from port numbers.

    Compared with the baseline:
    + 127.0.0.1  OPEN1: closed -> open
    1 host is not as before.
    ----- stderr
    ");
    insta::assert_snapshot!(nightly(&all, "before.jsonl", &["-o", "now.jsonl"]), @"
    exit status: 1
    ----- stdout
    ----- stderr
    note: + 127.0.0.1  OPEN1: closed -> open
    note: 1 host is not as before.
    note: 2 open ports, [TIME]. Names are guessed from port numbers. Written to now.jsonl.
    ");
    let now = std::fs::read_to_string(context.path("now.jsonl")).unwrap();
    assert_eq!(now.matches("\"type\":\"change\"").count(), 1, "{now}");
    // A change is one even when a name could not be looked up; without one the night was incomplete.
    let gone = ["nonexistent.invalid", "--format", "list"];
    insta::assert_snapshot!(nightly(&all, "before.jsonl", &gone), @"
    exit status: 1
    ----- stdout
    127.0.0.1:OPEN0
    127.0.0.1:OPEN1
    ----- stderr
    warning: cannot resolve `nonexistent.invalid`: [REASON]
    warning: INCOMPLETE: no address for nonexistent.invalid.
    note: + 127.0.0.1  OPEN1: closed -> open
    note: 1 host is not as before.
    ");
    insta::assert_snapshot!(nightly(&all, "first.jsonl", &gone), @"
    exit status: 3
    ----- stdout
    127.0.0.1:OPEN0
    127.0.0.1:OPEN1
    ----- stderr
    warning: cannot resolve `nonexistent.invalid`: [REASON]
    warning: INCOMPLETE: no address for nonexistent.invalid.
    note: No changes.
    ");
    insta::assert_snapshot!(context.run(&["diff", "before.jsonl", "now.jsonl"]), @"
    exit status: 1
    ----- stdout
    + 127.0.0.1  OPEN1: closed -> open
    1 host is not as before.
    ----- stderr
    ");
}

#[test]
fn what_cannot_be_read_is_said() {
    let context = TestContext::new(0);
    context.file("later.jsonl", "{\"type\":\"scan_start\",\"schema\":2,\"new\":true}\n");
    context.file("list.txt", "192.0.2.1:22\n");
    insta::assert_snapshot!(context.run(&["show", "missing"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: cannot read missing: No such file or directory (os error 2)
    hint: give a file that scanner wrote as json or jsonl, or nmap's XML; - is standard input
    ");
    insta::assert_snapshot!(context.run(&["show", "later.jsonl"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: later.jsonl:1: schema 2 is not known; this scanner reads schema 1: use the version that wrote it, or a later one
    ");
    insta::assert_snapshot!(context.run(&["diff", "list.txt", "list.txt"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: list.txt: not a result of a scan: neither JSON nor XML
    hint: give a file that scanner wrote as json or jsonl, or nmap's XML
    ");
    insta::assert_snapshot!(context.run(&["convert", "list.txt"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: standard output does not say which format is wanted
    hint: name it with --format, or end FILE in .txt .list .json .jsonl .csv .xml .gnmap or .html
    ");
    insta::assert_snapshot!(context.run(&["convert", "list.txt", "-o", "x.pdf"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: x.pdf does not say which format is wanted
    hint: name it with --format, or end FILE in .txt .list .json .jsonl .csv .xml .gnmap or .html
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "1", "--baseline", "list.txt"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: list.txt: not a result of a scan: neither JSON nor XML
    hint: give a file that scanner wrote as json or jsonl, or nmap's XML
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", "1", "--fail-if", "changed"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --fail-if: there is nothing that could have changed
    hint: name the result of an earlier scan with --baseline FILE
    ");
}

#[test]
fn help_of_the_tools() {
    let context = TestContext::new(0);
    insta::assert_snapshot!(context.run(&["convert", "--help"]), @"
    exit status: 0
    ----- stdout
    Turn the result of an earlier scan into another format

    Usage: scanner convert [OPTIONS] <FILE>

    Arguments:
      <FILE>  A file that scanner wrote as json or jsonl, or nmap's XML; - is standard input

    Options:
          --format <FORMAT>  text, list, json, jsonl, csv, xml, grepable or html; without it the ending
                             of --output decides
      -o, --output <FILE>    Write to FILE instead of standard output, several times for several files
          --open             Show open ports only, and only hosts that have one
          --reason           Say of each port why it has its state
          --color <WHEN>     Colours: auto (the default), always or never
      -h, --help             Print help
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["diff", "--help"]), @"
    exit status: 0
    ----- stdout
    Compare two scans: what appeared, went and changed

    What one of the scans did not measure, or not ask, is never a change. Exit status: 0 nothing
    differs, 1 something does, 2 a file that cannot be read.

    Usage: scanner diff [OPTIONS] <OLD> <NEW>

    Arguments:
      <OLD>
              The earlier scan

      <NEW>
              The later scan

    Options:
          --json
              One JSON document instead of text

          --color <WHEN>
              Colours: auto (the default), always or never

      -h, --help
              Print help (see a summary with '-h')
    ----- stderr
    ");
}

#[test]
fn the_schemas_are_those_that_are_checked_in() {
    let context = TestContext::new(0);
    for format in ["jsonl", "json"] {
        let committed = format!("{}/schema/{format}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let committed = std::fs::read_to_string(committed).unwrap();
        assert!(output(&context, &["schema", format]) == (Some(0), committed), "run cargo xtask codegen");
    }
}
