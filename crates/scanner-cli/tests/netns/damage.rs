//! A full disk, a directory that cannot be written, and a kill: one clear line, and nothing half-written under the final name.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use scanner_lab::{LabError, Listeners, Namespace};
use serde_json::Value;

use crate::command::{Running, scan, scanner};
use crate::setup::or_skip;

/// A scan whose result is larger than the disk, and takes long enough to be killed.
const SCAN: &str = "127.0.0.1-250 -p 1-60";
const KILLS: u64 = 12;

/// What the command did on a file system of its own.
struct Ended {
    status: String,
    stderr: String,
    /// The files that it left there.
    left: Vec<String>,
}

/// Runs the command with a file system mounted at `dir`, in a mount namespace of its own.
fn on_disk(namespace: &Namespace, dir: &Path, options: &str, arguments: &str) -> Option<Ended> {
    on_disk_with(namespace, dir, options, &scanner(arguments))
}

fn on_disk_with(namespace: &Namespace, dir: &Path, options: &str, inner: &Command) -> Option<Ended> {
    let script = "mount -t tmpfs -o \"$1\" disk \"$2\" || exit 77; keep=$2/.. ; dir=$2; shift 2; \
                  \"$@\" >\"$keep/stdout\" 2>\"$keep/stderr\"; echo \"status $?\"; ls -A \"$dir\"; \
                  cp -r \"$dir\" \"$keep/left\"";
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", script, "sh", options])
        .arg(dir)
        .arg(inner.get_program())
        .args(inner.get_args());
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = namespace.spawn(&mut command).unwrap().wait_with_output().unwrap();
    if output.status.code() == Some(77) {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return or_skip(Err(LabError::Unavailable { what: "a file system".into(), why }));
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let (status, left) = text.split_once('\n').unwrap();
    let stderr = fs::read_to_string(dir.join("../stderr")).unwrap();
    Some(Ended { status: status.to_owned(), stderr, left: left.lines().map(str::to_owned).collect() })
}

/// A command beside `scan`.
fn tool(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanner"));
    command.args(arguments.split_whitespace()).env_clear();
    command
}

fn disk() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    (dir, disk)
}

#[test]
fn a_full_disk_leaves_no_half_document() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    for format in ["json", "xml", "html"] {
        let (_dir, disk) = disk();
        // A page is small: every host has to be named to be on it.
        let size = if format == "html" { "size=4k" } else { "size=16k" };
        let arguments = format!("{SCAN} -q -o {}/scan.{format}", disk.display());
        let Some(ended) = on_disk(&namespace, &disk, size, &arguments) else { return };
        assert_eq!(ended.status, "status 3", "{format}");
        let wanted = format!(
            "error: cannot write the result to {}/scan.{format}: No space left on device (os error 28)\n",
            disk.display()
        );
        assert_eq!(ended.stderr, wanted);
        assert_eq!(ended.left, [""; 0], "{format}");
    }
}

#[test]
fn a_full_disk_leaves_whole_lines() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let _listeners: Vec<_> = (1..=250)
        .map(|last| Listeners::new(&namespace, Ipv4Addr::new(127, 0, 0, last).into(), &[22, 53]).unwrap())
        .collect();
    for format in ["txt", "list", "jsonl", "csv", "gnmap"] {
        let (dir, disk) = disk();
        let arguments = format!("{SCAN} -q -o {}/scan.{format}", disk.display());
        // A list is small.
        let size = if format == "list" { "size=4k" } else { "size=8k" };
        let Some(ended) = on_disk(&namespace, &disk, size, &arguments) else { return };
        assert_eq!(ended.status, "status 3", "{format}");
        assert!(
            ended.stderr.starts_with("error: cannot write the result to ")
                && ended.stderr.lines().count() == 1,
            "{}",
            ended.stderr
        );
        assert_eq!(ended.left, [format!("scan.{format}")]);
        let text = fs::read_to_string(dir.path().join("left").join(format!("scan.{format}"))).unwrap();
        assert!(text.len() > 3_500 && text.ends_with('\n'), "{format}: {} bytes", text.len());
        if format == "jsonl" {
            assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        }
    }
}

/// What was found is turned into another format: the same holds.
#[test]
fn a_full_disk_leaves_no_half_conversion() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let (dir, disk) = disk();
    let lines = dir.path().join("scan.jsonl");
    assert_eq!(scan(&namespace, &format!("{SCAN} -o {}", lines.display())).code(), Some(0));
    for (format, left) in [("json", None), ("xml", None), ("csv", Some("scan.csv"))] {
        let arguments = format!("convert {} -o {}/scan.{format}", lines.display(), disk.display());
        let Some(ended) = on_disk_with(&namespace, &disk, "size=8k", &tool(&arguments)) else { return };
        let wanted = format!(
            "error: cannot write the result to {}/scan.{format}: No space left on device (os error 28)\n",
            disk.display()
        );
        assert_eq!((ended.status.as_str(), ended.stderr), ("status 3", wanted));
        assert_eq!(ended.left, Vec::from_iter(left), "{format}");
        if let Some(left) = left {
            let text = fs::read_to_string(dir.path().join("left").join(left)).unwrap();
            assert!(text.len() > 3_500 && text.ends_with("\r\n"), "{} bytes", text.len());
        }
        fs::remove_dir_all(dir.path().join("left")).unwrap();
    }
}

#[test]
fn a_full_disk_leaves_no_half_configuration() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let (_dir, disk) = disk();
    let file = disk.join("config.toml");
    let init = tool(&format!("config init --config {}", file.display()));
    let Some(ended) = on_disk_with(&namespace, &disk, "size=4k", &init) else { return };
    let wanted = format!("error: cannot write {}: No space left on device (os error 28)\n", file.display());
    assert_eq!((ended.status.as_str(), ended.stderr, ended.left), ("status 3", wanted, Vec::new()));
}

/// Whatever writes to standard output says that it could not.
#[test]
fn a_full_disk_behind_standard_output() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let _listener = Listeners::new(&namespace, Ipv4Addr::LOCALHOST.into(), &[7]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let lines = dir.path().join("scan.jsonl");
    assert_eq!(scan(&namespace, &format!("127.0.0.1 -p 1-9 -o {}", lines.display())).code(), Some(0));
    let formats = ["text", "list", "json", "jsonl", "csv", "xml", "grepable", "html"];
    let scans = formats.map(|format| scanner(&format!("127.0.0.1 -p 1-9 --format {format}")));
    let tools = [
        "--help",
        "-h",
        "--version",
        "services",
        "explain",
        "doctor",
        "completions zsh",
        "schema json",
        "config show",
    ];
    let results = ["show FILE", "convert FILE --format csv", "diff FILE FILE"];
    let tools =
        tools.iter().chain(&results).map(|line| tool(&line.replace("FILE", &lines.display().to_string())));
    for mut command in scans.into_iter().chain(tools) {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());
        let ended = namespace.spawn(&mut command).unwrap().wait_with_output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        let line = words.lines().last().unwrap_or_default();
        assert_eq!(ended.status.code(), Some(3), "{command:?}: {words}");
        assert!(
            line.starts_with("error: cannot write ")
                && line.ends_with("to standard output: No space left on device (os error 28)"),
            "{command:?}: {words}"
        );
    }
}

/// One result on a full disk does not take the others with it, but the command says that it is lost.
#[test]
fn another_result_goes_on() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let (dir, disk) = disk();
    let good = dir.path().join("good.jsonl");
    let arguments = format!("{SCAN} -q -o {}/scan.jsonl -o {}", disk.display(), good.display());
    let Some(ended) = on_disk(&namespace, &disk, "size=8k", &arguments) else { return };
    assert_eq!(ended.status, "status 3");
    let text = fs::read_to_string(good).unwrap();
    let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((end["type"].as_str(), end["completion"].as_str()), (Some("scan_end"), Some("complete")));
}

#[test]
fn a_directory_that_cannot_be_written_costs_no_scan() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    for ending in ["json", "csv"] {
        let (dir, disk) = disk();
        let other = dir.path().join("other.csv");
        fs::write(&other, "of yesterday\n").unwrap();
        let arguments = format!("127.0.0.1 -o {} -o {}/scan.{ending}", other.display(), disk.display());
        let Some(ended) = on_disk(&namespace, &disk, "ro", &arguments) else { return };
        assert_eq!(ended.status, "status 2");
        let wanted = format!(
            "error: cannot write {}/scan.{ending}: Read-only file system (os error 30)\nhint: choose another place with --output\n",
            disk.display()
        );
        assert_eq!(ended.stderr, wanted);
        assert_eq!(
            fs::read_to_string(other).unwrap(),
            "of yesterday\n",
            "nothing is lost to a scan that did not begin"
        );
    }
}

#[test]
fn lines_are_valid_whenever_the_command_is_killed() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let _listeners: Vec<_> = (1..=60)
        .map(|last| Listeners::new(&namespace, Ipv4Addr::new(127, 0, 0, last).into(), &[22, 25, 53]).unwrap())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    for kill in 0..KILLS {
        let file = dir.path().join(format!("{kill}.jsonl"));
        let scan = Running::start(
            &namespace,
            &format!("{SCAN} --max-rate 9000 -o {} --format jsonl -o -", file.display()),
        );
        thread::sleep(Duration::from_millis(40 + kill * 70 + kill * kill % 7 * 13));
        scan.signal(Signal::SIGKILL);
        let found = scan.finish();
        let in_file = fs::read_to_string(&file).unwrap_or_default();
        for text in [&in_file, &found.stdout] {
            let complete = text.rfind('\n').map_or("", |end| &text[..=end]);
            for line in complete.lines() {
                let record: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert!(record["type"].is_string());
            }
        }
        if in_file.contains('\n') {
            let shown =
                Command::new(scanner("").get_program()).arg("show").arg(&file).env_clear().output().unwrap();
            assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        }
    }
}
