//! What a scan of two listeners and a closed port looks like in every format.

use crate::context::TestContext;

#[test]
fn text() {
    let context = TestContext::new(2);
    let _filters = context.filters();
    let ports = context.ports();
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", &ports]), @"
    exit status: 0
    ----- stdout
    127.0.0.1  up, [RTT]   this machine
      OPEN0  open [RTT]
      OPEN1  open [RTT]
      CLOSE  closed              refused

    2 open ports, [TIME]. Names are guessed from port numbers.
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["localhost", "-4", "-p", &ports, "--open", "--reason"]), @"
    exit status: 0
    ----- stdout
    127.0.0.1  localhost  up, [RTT]   this machine
      OPEN0 [RTT]  handshake
      OPEN1 [RTT]  handshake

    2 open ports, [TIME]. Names are guessed from port numbers.
    ----- stderr
    ");
}

#[test]
fn list() {
    let context = TestContext::new(2);
    let _filters = context.filters();
    let ports = context.ports();
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", &ports, "--format", "list"]), @"
    exit status: 0
    ----- stdout
    127.0.0.1:OPEN0
    127.0.0.1:OPEN1
    ----- stderr
    ");
    insta::assert_snapshot!(context.run(&["-4", "localhost", "-p", &ports, "--format", "list"]), @"
    exit status: 0
    ----- stdout
    localhost:OPEN0
    localhost:OPEN1
    ----- stderr
    ");
}

#[test]
fn jsonl() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    let port = context.port(0).to_string();
    insta::assert_snapshot!(context.run(&["127.0.0.1", "nonexistent.invalid", "-p", &port, "--jsonl"]), @r#"
    exit status: 3
    ----- stdout
    {"type":"scan_start","schema":1,"scan_id":"[RANDOM]","timestamp":"[TIMESTAMP]","version":"0.1.0","args":"scanner 127.0.0.1 nonexistent.invalid -p OPEN0 --jsonl","port_ranges":"OPEN0","own_ports":false,"all_ports":true,"skip_discovery":false,"discover_only":false,"seed":"[RANDOM]","targets":"1","ports":1}
    {"type":"unresolved","scan_id":"[RANDOM]","timestamp":"[TIMESTAMP]","name":"nonexistent.invalid","message":"[REASON]"}
    {"type":"port","scan_id":"[RANDOM]","timestamp":"[TIMESTAMP]","ip":"127.0.0.1","port":OPEN0,"protocol":"tcp","state":"open","reason":"handshake","service":null,"service_basis":null,"rtt_us":[RTT],"attempts":1}
    {"type":"host","scan_id":"[RANDOM]","timestamp":"[TIMESTAMP]","ip":"127.0.0.1","role":"this-machine","status":"up","evidence":"handshake","rtt_us":[RTT],"loss":0.0,"verdict":null,"ports":{"open":{"handshake":{"count":1,"ports":"OPEN0"}}},"not_asked":0}
    {"type":"scan_end","scan_id":"[RANDOM]","timestamp":"[TIMESTAMP]","completion":"incomplete","exit_status":3,"elapsed_ms":[TIME],"not_measured":{},"counters":[COUNTERS],"unresolved":["nonexistent.invalid"]}
    ----- stderr
    warning: cannot resolve `nonexistent.invalid`: [REASON]
    warning: INCOMPLETE: no address for nonexistent.invalid.
    "#);
}

#[test]
fn json_is_one_sorted_document() {
    let context = TestContext::new(2);
    let output = context.command(&["127.0.0.1", "-p", &context.ports(), "--json"]).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["completion"], "complete");
    assert_eq!(document["exit_status"], 0);
    let ports: Vec<u64> = document["hosts"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| result["state"] == "open")
        .map(|result| result["port"].as_u64().unwrap())
        .collect();
    assert_eq!(ports, [context.port(0), context.port(1)].map(u64::from));
}

#[test]
fn a_file_takes_the_result_in_the_format_of_its_ending() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    let port = context.port(0).to_string();
    insta::assert_snapshot!(context.run(&["127.0.0.1", "-p", &port, "-o", "scan.list"]), @"
    exit status: 0
    ----- stdout
    ----- stderr
    note: 1 open port, [TIME]. Names are guessed from port numbers. Written to scan.list.
    ");
    let list = std::fs::read_to_string(context.path("scan.list")).unwrap();
    assert_eq!(list, format!("127.0.0.1:{port}\n"));
    context.run(&["127.0.0.1", "-p", &port, "-o", "scan.json", "-q"]);
    let document = std::fs::read(context.path("scan.json")).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&document).unwrap()["schema"], 1);
}

#[test]
fn targets_come_from_files_and_standard_input() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    let port = context.port(0).to_string();
    let hosts = context.file("hosts", "127.0.0.1 # this one\n127.0.0.2\n");
    let args = ["-", "-iL", "hosts", "--exclude", "127.0.0.2", "-p", &port, "--format", "list"];
    let output = context.command(&args).stdin(std::fs::File::open(hosts).unwrap()).output().unwrap();
    insta::assert_snapshot!(context.show(&output), @"
    exit status: 0
    ----- stdout
    127.0.0.1:OPEN0
    ----- stderr
    ");
}

#[test]
fn plan() {
    let context = TestContext::new(0);
    let args = ["10.0.0.0/22", "-p", "22,80,8000-8100", "--plan", "--pace", "fixed", "--seed", "7"];
    insta::assert_snapshot!(context.run(&args), @"
    exit status: 0
    ----- stdout
    targets              1,024   10.0.0.0/22
    ports                  103   22,80,8000-8100
    probes             105,472   at most 100 connections at once
    if nobody answers  about 3 min 47 s: silent hosts are given up after 6 ports
    at most            about 1 h 45 min: 105,472 silent ports x 2 attempts x 3s / 100 connections; longer only where packets are lost
    first targets      10.0.2.240 10.0.0.163 10.0.3.227 10.0.2.119 10.0.2.40
    first ports        80 22 8080 8000 8081 8008 8085 8089 8086 8088

    Nothing was sent to the targets.
    ----- stderr
    ");
}

#[test]
fn plan_of_a_pace_that_is_measured_and_bounded() {
    let context = TestContext::new(0);
    let args = ["10.0.0.0/22", "-p", "22,80", "--plan", "--max-connections", "50", "--seed", "7"];
    insta::assert_snapshot!(context.run(&args), @"
    exit status: 0
    ----- stdout
    targets            1,024   10.0.0.0/22
    ports                  2   22,80
    probes             2,048   at most 50 connections at once
    if nobody answers  about 2 min 31 s: silent hosts are given up after 2 ports
    at most            about 4 min 5 s: 2,048 silent ports x 2 attempts x 3s / 50 connections; longer only where packets are lost
    first targets      10.0.2.240 10.0.0.163 10.0.3.227 10.0.2.119 10.0.2.40
    first ports        80 22

    Nothing was sent to the targets.
    ----- stderr
    ");
}

#[test]
fn print_config() {
    let context = TestContext::new(0);
    let config = context.file("c.toml", "pace = \"gentle\"\nmax-rate = 20\nexclude = [\"10.0.0.1\"]\n");
    let args =
        ["--print-config", "--config", config.to_str().unwrap(), "--pace", "fixed", "--exclude", "10.0.0.2"];
    let output = context.command(&args).env("SCANNER_MAX_RATE", "30").output().unwrap();
    insta::assert_snapshot!(context.show(&output), @r#"
    exit status: 0
    ----- stdout
    # input =                                # default, not set
    local = false                            # default
    # from =                                 # default, not set
    # state =                                # default, not set
    exclude = ["10.0.0.2", "10.0.0.1"]       # --exclude, [DIR]/c.toml:3
    # exclude-file =                         # default, not set
    # scope =                                # default, not set
    family = "any"                           # default
    all-addresses = false                    # default
    dns = "auto"                             # default
    # resolvers =                            # default, not set
    reverse = "up"                           # default
    ports = "standard"                       # default
    # exclude-ports =                        # default, not set
    open = false                             # default
    pace = "fixed"                           # --pace
    # max-connections =                      # default, not set
    max-rate = 30                            # SCANNER_MAX_RATE
    # max-per-host =                         # default, not set
    # threads =                              # default, not set
    timeout = "3s"                           # default
    # retries =                              # default, not set
    # host-timeout =                         # default, not set
    # deadline =                             # default, not set
    # seed =                                 # default, not set
    skip-discovery = false                   # default
    format = "text"                          # default
    reason = false                           # default
    # output =                               # default, not set
    # baseline =                             # default, not set
    # fail-if =                              # default, not set
    quiet = false                            # default
    color = "auto"                           # default
    progress = "auto"                        # default
    verbose = 0                              # default
    ----- stderr
    "#);
}

#[test]
fn habits_from_nmap() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    let port = context.port(0).to_string();
    let args = ["-sS", "-Pn", "-n", "-T4", "--open", "-p", &port, "127.0.0.1"];
    insta::assert_snapshot!(context.run(&args), @"
    exit status: 0
    ----- stdout
    127.0.0.1  up, [RTT]   this machine
      OPEN0 [RTT]

    1 open port, [TIME]. Names are guessed from port numbers.
    ----- stderr
    note: -sS: full connections are made instead; they need no privileges
    ");
}
