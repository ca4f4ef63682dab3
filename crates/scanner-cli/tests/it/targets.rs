//! What can be scanned: ports of single targets, earlier results, exclusions.

use std::process::Stdio;

use serde_json::Value;

use crate::context::TestContext;

/// The records of one type in the standard output of a scan.
fn records(context: &TestContext, args: &[&str], kind: &str) -> Vec<Value> {
    let output = context.command(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["type"] == kind).collect()
}

#[test]
fn a_target_has_ports_of_its_own() {
    let context = TestContext::new(2);
    let _filters = context.filters();
    let (one, two) = (context.port(0), context.port(1));
    let (first, second) = (format!("127.0.0.1:{one}"), format!("127.0.0.2:{two}"));
    insta::assert_snapshot!(context.run(&[&first, &second, "--format", "list"]), @"
    exit status: 0
    ----- stdout
    127.0.0.1:OPEN0
    ----- stderr
    ");
    // The first also takes the port of the others.
    let second = two.to_string();
    let output = context.command(&[&first, "127.0.0.1-2", "-p", &second, "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let asked = |host: usize| {
        let results = document["hosts"][host]["results"].as_array().unwrap();
        let state =
            |result: &Value| (result["port"].as_u64().unwrap(), result["state"].as_str().unwrap().to_owned());
        results.iter().map(state).collect::<Vec<_>>()
    };
    assert_eq!(asked(0), [(u64::from(one), "open".to_owned()), (u64::from(two), "open".to_owned())]);
    assert_eq!(asked(1), [(u64::from(two), "closed".to_owned())]);
}

#[test]
fn the_start_says_how_many_ports_each_target_has_if_they_all_have_as_many() {
    let context = TestContext::new(2);
    let (one, two) = (context.port(0), context.port(1));
    let (first, second) = (format!("127.0.0.1:{one}"), format!("127.0.0.2:{two}"));
    let start = |args: &[&str]| records(&context, args, "scan_start").remove(0);
    let same = start(&[&first, &second, "--jsonl"]);
    assert_eq!((&same["targets"], &same["ports"]), (&"2".into(), &1.into()));
    let other = start(&[&first, "127.0.0.2", "-p", &context.ports(), "--jsonl"]);
    assert_eq!((&other["targets"], &other["ports"]), (&"2".into(), &Value::Null));
    let document =
        context.command(&[&first, "127.0.0.2", "-p", &context.ports(), "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    assert_eq!(document["ports"], Value::Null);
    assert_eq!(document["counters"]["probes"], 4);
    assert_eq!((&document["counters"]["open"], &document["counters"]["closed"]), (&1.into(), &3.into()));
}

#[test]
fn every_port_of_a_target_with_few_is_listed() {
    let context = TestContext::new(1);
    let args = [&format!("127.0.0.1:{}", context.closed()), "--json"];
    let document = context.command(&args).output().unwrap();
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    assert_eq!(document["hosts"][0]["results"][0]["state"], "closed", "{document}");
}

#[test]
fn lists_of_ports_come_from_standard_input() {
    let context = TestContext::new(2);
    let _filters = context.filters();
    let (one, two) = (context.port(0), context.port(1));
    let list =
        context.file("list", &format!("\u{feff}127.0.0.1:{one} # web\r\n\r\n127.0.0.1:{two},{one}\r\n"));
    let output = context
        .command(&["-", "--format", "list"])
        .stdin(std::fs::File::open(list).unwrap())
        .output()
        .unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 0
    ----- stdout
    127.0.0.1:OPEN0
    127.0.0.1:OPEN1
    ----- stderr
    ");
}

#[test]
fn what_was_open_is_scanned_again() {
    let context = TestContext::new(2);
    let _filters = context.filters();
    let ports = context.ports();
    context.run(&["localhost", "-4", "-p", &ports, "-o", "first.jsonl", "-q"]);
    context.run(&["localhost", "-4", "-p", &ports, "-o", "first.json", "-q"]);
    for file in ["first.jsonl", "first.json"] {
        let again =
            |state: &str, format: &str| context.run(&["--from", file, "--state", state, "--format", format]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(again("open", "list"), @"
            exit status: 0
            ----- stdout
            localhost:OPEN0
            localhost:OPEN1
            ----- stderr
            ");
            insta::assert_snapshot!(again("closed", "text"), @"
            exit status: 0
            ----- stdout
            127.0.0.1  localhost  up, [RTT]   this machine
              CLOSE  closed              refused

            No open port, [TIME].
            ----- stderr
            ");
            insta::assert_snapshot!(again("open,closed", "text"), @"
            exit status: 0
            ----- stdout
            127.0.0.1  localhost  up, [RTT]   this machine
              OPEN0  open [RTT]
              OPEN1  open [RTT]
              CLOSE  closed              refused

            2 open ports, [TIME]. Names are guessed from port numbers.
            ----- stderr
            ");
        }
        let asked = |args: &[&str]| {
            let hosts = records(&context, &[&["--from", file, "--jsonl"], args].concat(), "host");
            let counts = hosts.iter().flat_map(|host| host["ports"].as_object().unwrap().values());
            counts
                .flat_map(|state| state.as_object().unwrap().values())
                .map(|ports| ports["count"].as_u64().unwrap())
                .sum::<u64>()
        };
        assert_eq!(asked(&[]), 3, "as before");
        assert_eq!(asked(&["--exclude-ports", &context.port(0).to_string()]), 2);
        assert_eq!(asked(&["-p", &context.port(1).to_string()]), 1, "ports that are typed win");
        assert_eq!(asked(&["127.0.0.2", "-p", &context.port(1).to_string()]), 2);
    }
}

#[test]
fn nmaps_result_is_scanned_again() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    let port = context.port(0);
    let host = format!(
        "<address addr=\"127.0.0.1\" addrtype=\"ipv4\"/><hostnames><hostname name=\"nas.lan\" type=\"user\"/></hostnames>\
         <ports><port protocol=\"tcp\" portid=\"{port}\"><state state=\"open\"/></port></ports>"
    );
    let xml = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner=\"nmap\"><host>{host}</host></nmaprun>\n"
    );
    let xml = context.file("scan.xml", &xml);
    let args = ["--from", "-", "--state", "open", "--format", "list"];
    let output = context.command(&args).stdin(std::fs::File::open(xml).unwrap()).output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 0
    ----- stdout
    nas.lan:OPEN0
    ----- stderr
    ");
}

#[test]
fn exclusions_win_over_earlier_results() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    context.run(&["localhost", "127.0.0.2", "-4", "-p", &context.ports(), "-o", "first.jsonl", "-q"]);
    insta::assert_snapshot!(context.run(&["--from", "first.jsonl", "--exclude", "localhost", "--format", "text"]), @"
    exit status: 0
    ----- stdout
    127.0.0.2  up, [RTT]   this machine
      OPEN0  closed              refused
      CLOSE  closed              refused

    No open port, [TIME].
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["--from", "first.jsonl", "--exclude", "127.0.0.0/8"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: no target is left to scan
    hint: everything that was named is excluded
    ");
    context.file("scope", "127.0.0.2\n");
    insta::assert_snapshot!(context.run(&["--from", "first.jsonl", "--scope", "scope"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: 1 address is outside the scope: 127.0.0.1 (localhost)
    hint: nothing was scanned; take them out with --exclude, or widen the scope file if you may scan them
    ");
}

#[test]
fn results_that_are_none() {
    let context = TestContext::new(0);
    context.file("hosts", "127.0.0.1\n");
    insta::assert_snapshot!(context.run(&["--from", "hosts"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: hosts: not a result of a scan: neither JSON nor XML
    hint: --from reads what --json, --jsonl and nmap -oX write; lists of targets are read with --input
    ");
    context.file(
        "broken.jsonl",
        "{\"type\":\"scan_start\",\"schema\":1}\n{\"type\":\"host\",\"ip\":\"\u{1b}[2J\"}\n",
    );
    insta::assert_snapshot!(context.run(&["--from", "broken.jsonl"]), @r"
    exit status: 2
    ----- stdout
    ----- stderr
    error: broken.jsonl:2:21: control character (\u0000-\u001F) found while parsing a string
    hint: --from reads what --json, --jsonl and nmap -oX write; lists of targets are read with --input
    ");
    context.file("none.jsonl", "{\"type\":\"scan_start\",\"schema\":1}\n{\"type\":\"scan_end\"}\n");
    insta::assert_snapshot!(context.run(&["--from", "none.jsonl", "--state", "open"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: no target is left to scan
    hint: none.jsonl names no host with a port that is open
    ");
    insta::assert_snapshot!(context.run(&["--from", "none.jsonl", "--state", "opne"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: --state: `opne` is not one of the values
    hint: did you mean open? There are open, closed, filtered, unknown
    ");
    insta::assert_snapshot!(context.run(&["127.0.0.1", "--state", "open"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: the following required arguments were not provided:
      --from <FILE>

    Usage: scanner [OPTIONS] TARGET…
           scanner COMMAND …

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(context.run(&["--from", "missing.xml"]), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: cannot read missing.xml: No such file or directory (os error 2)
    hint: --from reads what --json, --jsonl and nmap -oX write; lists of targets are read with --input
    ");
}

#[test]
fn wrong_words_of_standard_input_are_named_by_their_place() {
    let context = TestContext::new(0);
    let list = context.file("list", "127.0.0.1\n127.0.0.1:80,htpp\n");
    let output = context.command(&["-"]).stdin(std::fs::File::open(list).unwrap()).output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: standard input:2:14: no service is called `htpp`
      127.0.0.1:80,htpp
                   ^^^^
    hint: did you mean `http`?
    ");
    let output = context.command(&["-"]).stdin(Stdio::null()).output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 2
    ----- stdout
    ----- stderr
    error: no target is left to scan
    hint: nothing was named
    ");
}

#[test]
fn the_plan_says_who_has_ports_of_their_own() {
    let context = TestContext::new(0);
    let args = [
        "203.0.113.0/24",
        "203.0.113.7:8080",
        "203.0.113.8:1-100",
        "-p",
        "22,80",
        "--plan",
        "--seed",
        "7",
        "--pace",
        "fixed",
    ];
    insta::assert_snapshot!(context.run(&args), @"
    exit status: 0
    ----- stdout
    targets            256   203.0.113.0/24
    ports                2   22,80
    own ports            3   22,80,8080 on 203.0.113.7
                       100   1-100 on 203.0.113.8
    probes             611   at most 100 connections at once
    if nobody answers  about 19 s: silent hosts are given up after 6 ports
    at most            about 36 s: 611 silent ports x 2 attempts x 3s / 100 connections; longer only where packets are lost
    first targets      203.0.113.152 203.0.113.221 203.0.113.64 203.0.113.246 203.0.113.154
    first ports        80 22

    Nothing was sent to the targets.
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["203.0.113.7:8080", "203.0.113.8:443", "--plan", "--seed", "7", "--json", "--pace", "fixed"]), @r#"
    exit status: 0
    ----- stdout
    {"targets":"2","target_ranges":"203.0.113.7-203.0.113.8","ports":1,"port_ranges":null,"own_ports":[{"targets":"203.0.113.7","ports":"8080"},{"targets":"203.0.113.8","ports":"443"}],"probes":"2","connections":2,"max_rate":null,"attempts":2,"timeout_ms":3000,"silent_ms":3700,"at_most_ms":6000,"seed":"7","first_targets":["203.0.113.7","203.0.113.8"],"first_ports":[]}
    ----- stderr
    "#);
}
