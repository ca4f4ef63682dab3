use std::io::Write;

use scanner_dns::DnsConfig;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::settings::{Given, Origin};

fn settings(words: &[&str]) -> TargetSettings {
    TargetSettings {
        words: words.iter().map(|&word| word.to_owned()).collect(),
        inputs: Vec::new(),
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
    let networks = Networks::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let requested = Requested::read(settings, &networks)?;
    let config =
        DnsConfig { family: settings.family, all_addresses: settings.all_addresses, ..DnsConfig::default() };
    let (resolver, cancel) = (Resolver::new(config).unwrap(), CancellationToken::new());
    let names = Names { resolver: &resolver, cancel: &cancel };
    runtime.block_on(requested.gather(settings, &networks, names))
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
    insta::assert_snapshot!(gathered.targets, @"127.0.0.1,192.0.2.1,192.0.2.76/31,198.51.100.0-198.51.100.2");
    insta::assert_snapshot!(gathered.notes.join("\n"), @"
    host bits of 192.0.2.77/31 ignored: 192.0.2.76/31
    224.0.0.1 skipped (multicast)
    ");
}

#[test]
fn a_family_leaves_the_other_out() {
    let four = TargetSettings {
        family: FamilyPolicy::Ipv4,
        ..settings(&["192.0.2.1", "2001:db8::1", "2001:db8::7"])
    };
    let gathered = gather(&four).unwrap();
    assert_eq!(gathered.targets.to_string(), "192.0.2.1");
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
    insta::assert_snapshot!(error(&settings(&["10.0.0.0/33"]), None), @"
    target: 33 is more than 32
    10.0.0.0/33
             ^^
    hint: a prefix length is a number from 0 to 32
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
