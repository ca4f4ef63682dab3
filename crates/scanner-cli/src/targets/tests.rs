use std::io::Write;

use proptest::prelude::*;
use scanner_core::PortState;
use scanner_dns::DnsConfig;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::settings::{Given, Origin};

fn settings(words: &[&str]) -> TargetSettings {
    TargetSettings {
        words: words.iter().map(|&word| word.to_owned()).collect(),
        inputs: Vec::new(),
        local: false,
        earlier: EarlierSettings::default(),
        exclude: Vec::new(),
        exclude_files: Vec::new(),
        scope: None,
        family: FamilyPolicy::Any,
        all_addresses: false,
        yes: false,
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn gather(settings: &TargetSettings) -> Result<Gathered, Failure> {
    gather_without(settings, "9")
}

/// With `--ports 22` and `--exclude-ports`.
fn gather_without(settings: &TargetSettings, excluded: &str) -> Result<Gathered, Failure> {
    let (default, excluded) = ("22".parse().unwrap(), excluded.parse().unwrap());
    let ports = PortChoice { default: &default, excluded: &excluded };
    let networks = Networks::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let requested = Requested::read(settings, &networks)?;
    let config =
        DnsConfig { family: settings.family, all_addresses: settings.all_addresses, ..DnsConfig::default() };
    let (resolver, cancel) = (Resolver::new(config).unwrap(), CancellationToken::new());
    let names = Names { resolver: &resolver, cancel: &cancel };
    runtime.block_on(requested.gather(settings, ports, &networks, names))
}

/// Without the name of the temporary file.
fn error(settings: &TargetSettings, file: Option<&tempfile::NamedTempFile>) -> String {
    let failure = gather(settings).unwrap_err();
    let mut lines = vec![failure.message];
    lines.extend(failure.caret);
    lines.extend(failure.hint.map(|hint| format!("hint: {hint}")));
    let text = lines.join("\n");
    file.map_or(text.clone(), |file| text.replace(&file.path().display().to_string(), "FILE"))
}

#[test]
fn everything_named_is_one_set() {
    let hosts = file("192.0.2.1 192.0.2.2 # two\n\n198.51.100.0/30\n");
    let gathered = gather(&TargetSettings {
        inputs: vec![hosts.path().into()],
        exclude: vec![Given { text: "192.0.2.2,198.51.100.3".into(), origin: Origin::Flag("--exclude") }],
        ..settings(&["192.0.2.1", "localhost", "127.0.0.1", "192.0.2.77/31", "224.0.0.1"])
    })
    .unwrap();
    insta::assert_snapshot!(gathered.plan.targets, @"127.0.0.1,192.0.2.1,192.0.2.76/31,198.51.100.0-198.51.100.2");
    insta::assert_snapshot!(gathered.notes.join("\n"), @"
    host bits of 192.0.2.77/31 ignored: 192.0.2.76/31
    224.0.0.1 skipped (multicast)
    ");
}

/// The ports of each target, where they are not those of `--ports`.
fn own_ports(gathered: &Gathered) -> String {
    let groups = gathered.plan.own_ports.groups();
    groups.map(|(targets, ports)| format!("{targets} {ports}")).collect::<Vec<_>>().join("\n")
}

fn exclude(text: &str) -> Vec<Given> {
    vec![Given { text: text.into(), origin: Origin::Flag("--exclude") }]
}

#[test]
fn a_file_is_read_however_it_was_written() {
    for text in [
        "192.0.2.1\n192.0.2.2:80\n2001:db8::1\n192.0.2.7:80\n",
        "\u{feff}192.0.2.1\r\n192.0.2.2:80\r\n\r\n2001:db8::1\r\n192.0.2.7:80",
        "# hosts\n192.0.2.1 192.0.2.2:80\t2001:db8::1#the last one\n   \n  192.0.2.7:http\n#",
        "192.0.2.1,2 192.0.2.2,7:80 2001:db8::1 # more\n192.0.2.2:80",
    ] {
        let hosts = file(text);
        let gathered =
            gather(&TargetSettings { inputs: vec![hosts.path().into()], ..settings(&[]) }).unwrap();
        assert_eq!(gathered.plan.targets.to_string(), "192.0.2.1-192.0.2.2,192.0.2.7,2001:db8::1", "{text}");
        let with_default =
            if text.contains("1,2") { "192.0.2.2 22,80\n192.0.2.7 80" } else { "192.0.2.2,192.0.2.7 80" };
        assert_eq!(own_ports(&gathered), with_default, "{text}");
    }
}

#[test]
fn ports_of_a_target_add_up() {
    let words = [
        "192.0.2.1:80",
        "192.0.2.0/30:443",
        "192.0.2.1:8000-8001",
        "192.0.2.2",
        "192.0.2.9",
        "[::ffff:192.0.2.9]:1",
    ];
    let gathered = gather(&settings(&words)).unwrap();
    insta::assert_snapshot!(own_ports(&gathered), @"
    192.0.2.0,192.0.2.3 443
    192.0.2.1 80,443,8000-8001
    192.0.2.2 22,443
    192.0.2.9 1,22
    ");
    assert_eq!(gathered.plan.probes(), 1 + 4 + 2 + 1 + 2);
}

#[test]
fn a_name_has_the_ports_of_every_mention() {
    let words = ["localhost:80", "LOCALHOST:443", "127.0.0.1:8080", "127.0.0.2"];
    let four = TargetSettings { family: FamilyPolicy::Ipv4, ..settings(&words) };
    let gathered = gather(&four).unwrap();
    insta::assert_snapshot!(own_ports(&gathered), @"127.0.0.1 80,443,8080");
    assert_eq!(gathered.plan.targets.names_of("127.0.0.1".parse().unwrap()), ["localhost"]);
    let plain = TargetSettings { family: FamilyPolicy::Ipv4, ..settings(&["localhost:80", "localhost"]) };
    assert_eq!(own_ports(&gather(&plain).unwrap()), "127.0.0.1 22,80");
}

#[test]
fn exclusions_win_over_everything() {
    let result = file(
        "{\"type\":\"host\",\"ip\":\"192.0.2.66\",\"names\":[\"NAS.lan\"],\"ports\":{\"open\":{\"handshake\":{\"ports\":\"22\"}}}}\n\
         {\"type\":\"host\",\"ip\":\"127.0.0.1\",\"names\":[\"nas.lan\"],\"ports\":{\"open\":{\"handshake\":{\"ports\":\"22\"}}}}\n\
         {\"type\":\"host\",\"ip\":\"192.0.2.67\",\"names\":[\"db.lan\"],\"ports\":{\"open\":{\"handshake\":{\"ports\":\"22,443\"}}}}\n",
    );
    let list = file("192.0.2.8/31 # printers\r\n");
    let all = TargetSettings {
        earlier: EarlierSettings { files: vec![result.path().into()], ..EarlierSettings::default() },
        exclude: exclude("localhost,192.0.2.66"),
        exclude_files: vec![list.path().into()],
        ..settings(&[
            "192.0.2.1:80",
            "192.0.2.8:80",
            "192.0.2.9",
            "localhost:80",
            "127.0.0.1:22",
            "192.0.2.2:443,8443",
            "192.0.2.3:443",
        ])
    };
    let gathered = gather_without(&all, "443").unwrap();
    insta::assert_snapshot!(gathered.plan.targets, @"192.0.2.1-192.0.2.2,192.0.2.67");
    insta::assert_snapshot!(own_ports(&gathered), @"
    192.0.2.1 80
    192.0.2.2 8443
    192.0.2.67 22
    ");
    insta::assert_snapshot!(gathered.notes.join("\n"), @"192.0.2.3 skipped (all its ports are excluded)");
    assert_eq!(gathered.plan.targets.names_of("192.0.2.67".parse().unwrap()), ["db.lan"]);
}

#[test]
fn an_excluded_name_is_left_out_where_it_led_before() {
    let result = file("{\"type\":\"host\",\"ip\":\"192.0.2.66\",\"names\":[\"LocalHost\"],\"ports\":{}}\n");
    let earlier = EarlierSettings { files: vec![result.path().into()], ..EarlierSettings::default() };
    let all = TargetSettings { earlier, exclude: exclude("localhost"), ..settings(&["192.0.2.1"]) };
    assert_eq!(gather(&all).unwrap().plan.targets.to_string(), "192.0.2.1");
}

#[test]
fn ports_of_an_earlier_result_add_to_those_that_are_typed() {
    let result = file(
        "{\"type\":\"host\",\"ip\":\"192.0.2.1\",\"ports\":{\"open\":{\"handshake\":{\"ports\":\"443\"}},\"closed\":{\"rst\":{\"ports\":\"1-9\"}}}}",
    );
    let earlier = EarlierSettings {
        files: vec![result.path().into()],
        states: vec![PortState::Open],
        ..EarlierSettings::default()
    };
    let all = TargetSettings { earlier, ..settings(&["192.0.2.0/31", "192.0.2.1:80"]) };
    assert_eq!(own_ports(&gather(&all).unwrap()), "192.0.2.1 22,80,443");
}

#[test]
fn notes_do_not_fill_the_screen() {
    let lines: Vec<String> =
        (1..=300).map(|n| format!("10.{}.{}.7/24 10.0.1.7/24", n / 256, n % 256)).collect();
    let hosts = file(&lines.join("\n"));
    let gathered = gather(&TargetSettings { inputs: vec![hosts.path().into()], ..settings(&[]) }).unwrap();
    assert_eq!(gathered.notes.len(), 11);
    assert_eq!(gathered.notes[10], "290 more notes like these");
}

#[test]
fn a_family_leaves_the_other_out() {
    let four = TargetSettings {
        family: FamilyPolicy::Ipv4,
        ..settings(&["192.0.2.1", "2001:db8::1", "2001:db8::7"])
    };
    let gathered = gather(&four).unwrap();
    assert_eq!(gathered.plan.targets.to_string(), "192.0.2.1");
    insta::assert_snapshot!(gathered.notes.join("\n"), @"2001:db8::1,2001:db8::7 skipped (-4)");
}

#[test]
fn errors_point_at_the_place() {
    let hosts = file("192.0.2.1\n  ok.lan 192.0.2.300\n");
    let from_file = TargetSettings { inputs: vec![hosts.path().into()], ..settings(&[]) };
    insta::assert_snapshot!(error(&from_file, Some(&hosts)), @"
    FILE:2:18: 300 is more than 255
    192.0.2.300
            ^^^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`
    ");
    insta::assert_snapshot!(error(&settings(&["fe80::1%nope0"]), None), @"target: this machine has no interface `nope0` with an address");
    insta::assert_snapshot!(error(&settings(&["224.0.0.1"]), None), @"
    no target is left to scan
    hint: 224.0.0.1 skipped (multicast)
    ");
    let missing = TargetSettings { inputs: vec!["/nowhere/hosts".into()], ..settings(&[]) };
    insta::assert_snapshot!(error(&missing, None), @"
    cannot read /nowhere/hosts: No such file or directory (os error 2)
    hint: give a file with one target per word, or - for standard input
    ");
    let all = TargetSettings { exclude: exclude("192.0.2.0/24"), ..settings(&["192.0.2.1:80"]) };
    insta::assert_snapshot!(error(&all, None), @"
    no target is left to scan
    hint: everything that was named is excluded
    ");
    let empty = file("# nothing yet\n");
    insta::assert_snapshot!(error(&TargetSettings { inputs: vec![empty.path().into()], ..settings(&[]) }, None), @"
    no target is left to scan
    hint: nothing was named
    ");
    let ports = gather_without(&settings(&["192.0.2.1:80", "192.0.2.2:81"]), "80-90").unwrap_err();
    insta::assert_snapshot!(ports.hint.unwrap(), @"192.0.2.1-192.0.2.2 skipped (all its ports are excluded)");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a long list of what can be typed, each with its answer")]
fn wrong_arguments() {
    let words = [
        "10.0.0.0/33",
        "10.0.0.300",
        "10.0.0",
        "010.0.0.1",
        "10.0.0.9-1",
        "10.0.0.0/255.0.0.0",
        "10.0.0.1-",
        "*.*.*.1",
        "2001:db8::/129",
        "2001:db8:::1",
        "fe80::1%",
        "[::1",
        "::1:80:http",
        "nas..lan",
        "nas,lan",
        "-nas",
        "nas.lan:",
        ":80",
        "nas.lan:0",
        "nas.lan:80-70",
        "10.0.0.1:htpp",
        "10.0.0.1:80,10.0.0.2:80",
        "2001:db8::/120:22",
        "http://nas.lan:80/",
        "",
        "nas lan",
    ];
    let shown = words.map(|word| error(&settings(&[word]), None));
    insta::assert_snapshot!(shown.join("\n\n"), @"
    target: 33 is more than 32
    10.0.0.0/33
             ^^
    hint: a prefix length is a number from 0 to 32

    target: 300 is more than 255
    10.0.0.300
           ^^^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    target: the fourth part of the address is missing
    10.0.0
          ^
    hint: as in 10.0.0.1, or 10.0.0.0/24 for all of them

    target: a leading zero: some programs read such a number as octal
    010.0.0.1
    ^^^
    hint: 10 where it is decimal

    target: a range runs from low to high
    10.0.0.9-1
           ^^^
    hint: 1-9

    target: a mask stands where a prefix length is needed
    10.0.0.0/255.0.0.0
             ^^^^^^^^^
    hint: this mask is /8

    target: a number is missing
    10.0.0.1-
             ^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    target: more than 65536 separate ranges
    *.*.*.1
    ^^^^^^^
    hint: give it as several targets

    target: 129 is more than 128
    2001:db8::/129
               ^^^
    hint: a prefix length is a number from 0 to 128

    target: too many colons
    2001:db8:::1
            ^^^
    hint: `::` stands for the groups that are zero

    target: the interface is missing
    fe80::1%
            ^
    hint: its name or its number, as in fe80::1%eth0 or fe80::1%2

    target: `]` is missing
    [::1
        ^
    hint: [::1]

    target: `h` is no hexadecimal digit
    ::1:80:http
           ^
    hint: an IPv6 address is made of the digits 0-9 and a-f and of colons

    target: a part of the name is missing
    nas..lan
        ^
    hint: single dots separate the parts of a name

    target: `,` cannot stand in a host name
    nas,lan
       ^
    hint: separate targets by spaces

    target: a part of a name cannot begin with `-`
    -nas
    ^
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    target: no port follows this `:`
    nas.lan:
            ^
    hint: as in nas.lan:80,443 or nas.lan:http*

    target: no host stands before the ports
    :80
    ^
    hint: as in nas.lan:80; ports of all targets are given with -p

    target: port 0 cannot be scanned
    nas.lan:0
            ^
    hint: ports are 1 to 65535

    target: the range from 80 to 70 runs backwards
    nas.lan:80-70
            ^^^^^
    hint: write 70-80

    target: no service is called `htpp`
    10.0.0.1:htpp
             ^^^^
    hint: did you mean `http`?

    target: one target at a time
    10.0.0.1:80,10.0.0.2:80
               ^
    hint: separate targets by spaces

    target: ports stand behind brackets
    2001:db8::/120:22
                  ^
    hint: [2001:db8::/120]:22

    target: a URL is not a target
    http://nas.lan:80/
    ^^^^^^^
    hint: give host and port alone: nas.lan:80

    target: no target

    ^
    hint: a target is an address, a network like 10.0.0.0/24, a range like 10.0.0.1-20, or a host name

    target: one target at a time
    nas lan
       ^
    hint: give each as an argument of its own
    ");
}

#[test]
fn wrong_files() {
    let texts: [&[u8]; 9] = [
        b"192.0.2.1\r\n192.0.2.1 192.0.2.2/x\r\n",
        b"\xef\xbb\xbf192.0.2.1 192.0.2.x",
        b"nas.lan:80 # web\nnas.lan:htpp\n",
        "b\u{fc}cher.example\n\u{fc}.example 10.0.0.1-\n".as_bytes(),
        b"192.0.2.1\n192.0.2.2 b\xfccher.example\n",
        b"\xff\xfe1\x009\x002\x00",
        b"192.0.2.1\0\n",
        b"192.0.2.1,192.0.2.2\n",
        b"192.0.2.1;192.0.2.2\n",
    ];
    let shown = texts.map(|text| {
        let mut hosts = tempfile::NamedTempFile::new().unwrap();
        hosts.write_all(text).unwrap();
        error(&TargetSettings { inputs: vec![hosts.path().into()], ..settings(&[]) }, Some(&hosts))
    });
    insta::assert_snapshot!(shown.join("\n\n"), @"
    FILE:2:21: `x` is no digit
    192.0.2.2/x
              ^
    hint: a prefix length is a number from 0 to 32

    FILE:1:19: `x` is no digit
    192.0.2.x
            ^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    FILE:2:9: no service is called `htpp`
    nas.lan:htpp
            ^^^^
    hint: did you mean `http`?

    FILE:2:20: a number is missing
    10.0.0.1-
             ^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    FILE:2:12: not UTF-8 text
    hint: save the file as UTF-8, with one target per word

    FILE:1:1: not UTF-8 text
    hint: save the file as UTF-8, with one target per word

    FILE:1:10: `·` is no digit
    192.0.2.1·
             ^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    FILE:1:10: one target at a time
    192.0.2.1,192.0.2.2
             ^
    hint: separate targets by spaces

    FILE:1:10: one target at a time
    192.0.2.1;192.0.2.2
             ^
    hint: separate targets by spaces
    ");
    let long = file(&"192.0.2.1 ".repeat(7_000));
    let long_line = TargetSettings { inputs: vec![long.path().into()], ..settings(&[]) };
    insta::assert_snapshot!(error(&long_line, Some(&long)), @"
    FILE:1: the line is longer than 65536 bytes
    hint: write one target on a line
    ");
}

#[test]
fn wrong_exclusions() {
    let shown = ["10.0.0.0/33", "nas.lan,10.0.0.300", "nas.lan:80", "10.0.0.1:80,443", "[::1]:22"]
        .map(|text| error(&TargetSettings { exclude: exclude(text), ..settings(&["192.0.2.1"]) }, None));
    insta::assert_snapshot!(shown.join("\n\n"), @"
    --exclude: 33 is more than 32
    10.0.0.0/33
             ^^
    hint: a prefix length is a number from 0 to 32

    --exclude: 300 is more than 255
    10.0.0.300
           ^^^
    hint: an octet is a number from 0 to 255, a range like 1-254, or `*`

    --exclude: ports do not go here
    nas.lan:80
           ^^^
    hint: give the host alone: nas.lan

    --exclude: ports do not go here
    10.0.0.1:80
            ^^^
    hint: give the host alone: 10.0.0.1

    --exclude: ports do not go here
    [::1]:22
        ^^^^
    hint: give the host alone: ::1
    ");
    let list = file("192.0.2.1\n 192.0.2.1:80\n");
    let from_file = TargetSettings { exclude_files: vec![list.path().into()], ..settings(&["192.0.2.1"]) };
    insta::assert_snapshot!(error(&from_file, Some(&list)), @"
    FILE:2:11: ports do not go here
    192.0.2.1:80
             ^^^
    hint: give the host alone: 192.0.2.1
    ");
}

proptest! {
    /// Whatever bytes a file holds, as a list or as an earlier result: an error or targets, and no panic.
    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200), begin in 0..5_usize) {
        let begin: &[u8] = [&b""[..], b"{\"type\":\"host\",", b"{\"schema\":1,\"hosts\":[", b"<nmaprun><host>", b"192.0.2."][begin];
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[begin, &bytes].concat()).unwrap();
        let path = vec![file.path().to_owned()];
        let list = TargetSettings { inputs: path.clone(), ..settings(&[]) };
        let result = TargetSettings { earlier: EarlierSettings { files: path, ..EarlierSettings::default() }, ..settings(&[]) };
        for given in [list, result] {
            if let Err(failure) = Requested::read(&given, &Networks::default()) {
                prop_assert!(failure.hint.is_some() || failure.message.contains("interface"), "{}", failure.message);
            }
        }
    }
}

#[test]
fn nothing_outside_the_scope() {
    let scope = file("192.0.2.0/24\n");
    let inside = TargetSettings { scope: Some(scope.path().into()), ..settings(&["192.0.2.7"]) };
    assert!(gather(&inside).is_ok());
    let outside = TargetSettings {
        scope: Some(scope.path().into()),
        ..settings(&["192.0.2.7", "192.0.3.0/30", "198.51.100.1"])
    };
    insta::assert_snapshot!(error(&outside, None), @"
    5 addresses are outside the scope: 192.0.3.0-192.0.3.3, 198.51.100.1
    hint: nothing was scanned; take them out with --exclude, or widen the scope file if you may scan them
    ");
    let named = file("nas.lan\n");
    let wrong = TargetSettings { scope: Some(named.path().into()), ..settings(&["192.0.2.7"]) };
    insta::assert_snapshot!(error(&wrong, Some(&named)), @"
    FILE:1:1: `nas.lan` is not an address or a network
    hint: a scope is made of addresses and networks, so that no name server can widen it
    ");
}
