use std::num::NonZeroU32;
use std::time::Duration;

use clap::Parser;

use super::*;

fn layers(line: &str) -> (Args, Layers) {
    let args = Args::try_parse_from(line.split(' ')).unwrap();
    let mut layers = Layers::default();
    let given = args.given();
    layers.add_weaker(
        given.into_iter().map(|(key, flag, text)| (key, Given { text, origin: Origin::Flag(flag) })),
    );
    (args, layers)
}

fn settings(line: &str) -> Result<Settings, Failure> {
    let (args, layers) = layers(line);
    Settings::build(&args, &layers)
}

fn error(line: &str) -> String {
    let failure = settings(line).unwrap_err();
    let mut lines = vec![failure.message];
    lines.extend(failure.caret);
    lines.extend(failure.hint.map(|hint| format!("hint: {hint}")));
    lines.join("\n")
}

#[test]
fn the_command_scans_a_thousand_ports_at_its_own_pace() {
    let settings = settings("scanner 192.0.2.1").unwrap();
    assert_eq!(settings.ports.len(), 1_000);
    assert_eq!(settings.config, ScanConfig::default().with_limit(ConnectionLimit::Auto));
    assert_eq!(settings.output.destinations, [Destination { format: Format::Text, file: None }]);
}

#[test]
fn a_pace_is_overridden_value_by_value() {
    let config = |line: &str| settings(line).unwrap().config;
    assert_eq!(config("scanner x --pace fixed"), ScanConfig::default());
    let gentle = config("scanner x --pace gentle --max-rate 7");
    assert_eq!(gentle, ScanConfig::gentle().with_max_rate(NonZeroU32::new(7).unwrap()));
    let fifty = config("scanner x --max-connections 50 --timeout 750 --deadline 1m --retries 0");
    assert_eq!(fifty.timeout, Duration::from_millis(750));
    assert_eq!(fifty.deadline, Some(Duration::from_mins(1)));
    assert_eq!(fifty.retries, Some(0));
}

#[test]
fn a_bound_on_connections_is_no_other_pace() {
    let config = |line: &str| settings(line).unwrap().config;
    let many = |n| NonZeroU32::new(n).unwrap();
    let auto = ScanConfig::default().with_limit(ConnectionLimit::Auto).with_max_connections(many(5_000));
    assert_eq!(config("scanner x --max-connections 5000"), auto);
    let fixed = ScanConfig::default().with_limit(ConnectionLimit::Fixed(many(5_000)));
    assert_eq!(config("scanner x --max-connections 5000 --pace fixed"), fixed);
    assert_eq!(config("scanner x --max-connections 5000 --pace gentle"), ScanConfig::gentle());
    let gentler = ScanConfig::gentle().with_limit(ConnectionLimit::Fixed(many(7)));
    assert_eq!(config("scanner x --max-connections 7 --pace gentle"), gentler);
}

#[test]
fn few_ports_are_reported_one_by_one() {
    let detail = |line: &str| {
        let settings = settings(line).unwrap();
        settings.detail(settings.ports.len())
    };
    assert_eq!(detail("scanner x -p 1-25"), PortDetail::All);
    assert_eq!(detail("scanner x -p 1-26"), PortDetail::Open);
    assert_eq!(detail("scanner x -p 1-25 --open"), PortDetail::Open);
    assert_eq!(detail("scanner x -p 1-25 --format list"), PortDetail::Open);
}

#[test]
fn a_typed_format_beats_the_ending() {
    let format = |line: &str| settings(line).unwrap().output.destinations[0].format;
    assert_eq!(format("scanner x -o a.json"), Format::Json);
    assert_eq!(format("scanner x -o a.json --jsonl"), Format::Jsonl);
    assert_eq!(format("scanner x -o a.ndjson"), Format::Jsonl);
    assert_eq!(format("scanner x -o result"), Format::Text);
    assert_eq!(settings("scanner x -o -").unwrap().output.destinations[0].file, None);
}

#[test]
fn the_result_goes_to_several_places() {
    let places = |line: &str| {
        let shown = |to: &Destination| {
            format!(
                "{:?} {}",
                to.format,
                to.file.as_ref().map_or("-".into(), |path| path.display().to_string())
            )
        };
        settings(line).unwrap().output.destinations.iter().map(shown).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(places("scanner x -o a.xml -o b.html -o -"), "Xml a.xml, Html b.html, Text -");
    assert_eq!(places("scanner x --output-xml a --output-grepable b"), "Text -, Xml a, Grepable b");
    assert_eq!(places("scanner x --output-xml -"), "Xml -");
    assert_eq!(
        places("scanner x --output-all base -o b.csv"),
        "Csv b.csv, Text base.nmap, Xml base.xml, Grepable base.gnmap"
    );
    insta::assert_snapshot!(error("scanner x -o a.xml --output-xml a.xml"), @"
    a.xml is to take the result twice
    hint: give each format a file of its own
    ");
}

#[test]
fn a_change_needs_something_to_compare_with() {
    assert!(settings("scanner x --fail-if changed --baseline old.jsonl").is_ok());
    insta::assert_snapshot!(error("scanner x --fail-if changed"), @"
    --fail-if: there is nothing that could have changed
    hint: name the result of an earlier scan with --baseline FILE
    ");
}

#[test]
fn switches_can_be_turned_off_again() {
    assert!(settings("scanner x --reason").unwrap().output.reason);
    assert!(!settings("scanner x --reason --no-reason").unwrap().output.reason);
}

#[test]
fn errors_say_where_and_what_would_be_right() {
    insta::assert_snapshot!(error("scanner x -p 100-22"), @"
    --ports: the range from 100 to 22 runs backwards
    100-22
    ^^^^^^
    hint: write 22-100
    ");
    insta::assert_snapshot!(error("scanner x -p 22 --exclude-ports 22"), @"
    no port is left to scan: all are excluded
    hint: ask for more with --ports, or exclude less with --exclude-ports
    ");
    insta::assert_snapshot!(error("scanner x --retries 14"), @"
    --retries: 14 is out of range
    hint: it goes from 0 to 13
    ");
    insta::assert_snapshot!(error("scanner x --timeout 5ms"), @"
    --timeout: 5ms is out of range
    hint: it goes from 10ms to 60s
    ");
    insta::assert_snapshot!(error("scanner x --top-ports 5000"), @"
    --top-ports: only 1000 ports are ranked
    top:5000
        ^^^^
    hint: top:1 to top:1000; `full` is all ports
    ");
    insta::assert_snapshot!(error("scanner x --pace fast"), @"
    --pace: `fast` is not one of the values
    hint: there are auto, fixed, gentle
    ");
    insta::assert_snapshot!(error("scanner x --format yaml"), @"
    --format: `yaml` is not one of the values
    hint: there are text, list, json, jsonl, csv, xml, grepable, html
    ");
}

#[test]
fn print_config_is_a_configuration_file() {
    let (_, mut layers) = layers("scanner x -4 -F --exclude 192.0.2.1 --exclude nas.lan");
    let file = Origin::File { path: "/etc/c.toml".into(), line: 4 };
    layers.add_weaker([
        (Key::MaxRate, Given { text: "500".into(), origin: file.clone() }),
        (Key::Exclude, Given { text: "192.0.2.9".into(), origin: file }),
    ]);
    let mut out = Vec::new();
    print_config(&layers, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    insta::assert_snapshot!(text, @r#"
    # input =                                # default, not set
    local = false                            # default
    # from =                                 # default, not set
    # state =                                # default, not set
    exclude = ["192.0.2.1", "nas.lan", "192.0.2.9"] # --exclude, /etc/c.toml:4
    # exclude-file =                         # default, not set
    # scope =                                # default, not set
    family = 4                               # -4
    all-addresses = false                    # default
    dns = "auto"                             # default
    # resolvers =                            # default, not set
    reverse = "up"                           # default
    ports = "simple"                         # -F
    # exclude-ports =                        # default, not set
    open = false                             # default
    pace = "auto"                            # default
    # max-connections =                      # default, not set
    max-rate = 500                           # /etc/c.toml:4
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
    "#);
    let read = crate::config_file::parse(Path::new("c.toml"), &text).unwrap();
    assert_eq!(read.base.iter().find(|(key, _)| *key == Key::MaxRate).unwrap().1.text, "500");
}

#[test]
fn what_print_config_writes_is_read_back() {
    let texts =
        [(Key::Ports, "0080"), (Key::Retries, "+5"), (Key::Deadline, "a\nb\"'\x1b"), (Key::MaxRate, "30")];
    let origin = Origin::File { path: "a\nb\x1b[2J".into(), line: 1 };
    let mut layers = Layers::default();
    layers
        .add_weaker(texts.map(|(key, text)| (key, Given { text: text.to_owned(), origin: origin.clone() })));
    let mut out = Vec::new();
    print_config(&layers, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\x1b'), "{text}");
    let read = crate::config_file::parse(Path::new("c.toml"), &text).unwrap();
    for (key, text) in texts {
        assert_eq!(read.base.iter().find(|(read, _)| *read == key).unwrap().1.text, text);
    }
}
