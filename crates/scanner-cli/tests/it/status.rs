//! Exit statuses, signals and closed pipes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::context::TestContext;

fn code(context: &TestContext, args: &[&str]) -> Option<i32> {
    context.command(args).output().unwrap().status.code()
}

#[test]
fn complete_whatever_was_found() {
    let context = TestContext::new(1);
    assert_eq!(code(&context, &["127.0.0.1", "-p", &context.ports()]), Some(0));
    assert_eq!(code(&context, &["127.0.0.1", "-p", &context.closed().to_string()]), Some(0));
}

#[test]
fn a_violation_only_where_asked_for() {
    let context = TestContext::new(1);
    let (ports, closed) = (context.ports(), context.closed().to_string());
    assert_eq!(code(&context, &["127.0.0.1", "-p", &ports, "--fail-if", "open"]), Some(1));
    assert_eq!(code(&context, &["127.0.0.1", "-p", &closed, "--fail-if", "open"]), Some(0));
    assert_eq!(code(&context, &["127.0.0.1", "-p", &ports, "--fail-if", "none"]), Some(0));
    assert_eq!(code(&context, &["127.0.0.1", "-p", &closed, "--fail-if", "none"]), Some(1));
    let gone = ["127.0.0.1", "nonexistent.invalid", "-p", &ports, "--fail-if", "open"];
    assert_eq!(code(&context, &gone), Some(1));
}

#[test]
fn a_name_without_address_beside_a_good_target() {
    let context = TestContext::new(1);
    let _filters = context.filters();
    let port = context.port(0).to_string();
    insta::assert_snapshot!(context.run(&["127.0.0.1", "nonexistent.invalid", "-p", &port]), @"
    exit status: 3
    ----- stdout
    127.0.0.1  up, [RTT]   this machine
      OPEN0  open [RTT]

    1 open port, [TIME]. Names are guessed from port numbers.
    INCOMPLETE: no address for nonexistent.invalid.
    ----- stderr
    warning: cannot resolve `nonexistent.invalid`: [REASON]
    ");
}

/// A scan that cannot end by itself while the test runs: one attempt per second, to listeners of the test's own.
struct SlowScan {
    context: TestContext,
    ports: String,
}

impl SlowScan {
    fn new() -> Self {
        let context = TestContext::new(30);
        Self { ports: context.ports(), context }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.context.command(&["127.0.0.1", "--max-rate", "1", "-p", &self.ports]);
        command.args(args).stdout(Stdio::piped());
        command
    }
}

#[test]
fn a_deadline_is_said() {
    let output = SlowScan::new().command(&["--deadline", "300ms"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text.contains("OUT OF TIME: the deadline of 0.3 s: "), "{text}");
}

#[test]
fn a_closed_pipe_ends_the_scan_quietly() {
    let scan = SlowScan::new();
    let mut child = scan.command(&["--jsonl"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert!(first.contains("scan_start"), "{first}");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stderr, "");
}

#[test]
fn a_closed_pipe_does_not_end_the_other_results() {
    let context = TestContext::new(2);
    let args = ["127.0.0.1", "-p", &context.ports(), "--format", "jsonl", "-o", "-", "-o", "scan.jsonl"];
    let mut child = context.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let text = std::fs::read_to_string(context.path("scan.jsonl")).unwrap();
    let end: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((end["type"].as_str(), end["completion"].as_str()), (Some("scan_end"), Some("complete")));
}

#[cfg(unix)]
#[test]
fn a_signal_keeps_what_was_found() {
    use nix::sys::signal::Signal;
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let scan = SlowScan::new();
        let mut child = scan.command(&["--jsonl"]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        stdout.read_line(&mut text).unwrap();
        let id = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
        stdout.read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(status));
        let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["type"], "scan_end");
        assert_eq!(last["completion"], "cancelled");
        assert_eq!(last["exit_status"], status);
    }
}
