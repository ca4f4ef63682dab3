//! What the command leaves on the disk: what it was asked for, and nothing else.

use std::collections::BTreeSet;
use std::fs;

use scanner_lab::Namespace;

use crate::command::{Running, scanner};
use crate::setup::{or_skip, strace};

/// The calls that make, change, move or remove a file.
const CALLS: &str = "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,\
                     symlinkat,unlink,unlinkat,rmdir,truncate,chmod,fchmodat,chown,fchownat";

#[test]
fn nothing_is_written_but_what_was_asked_for() {
    let Some(namespace) = or_skip(Namespace::new()) else { return };
    let Some(mut command) = or_skip(strace()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (home, results) = (dir.path().join("home"), dir.path().join("results"));
    fs::create_dir(&home).unwrap();
    fs::create_dir(&results).unwrap();
    let calls = dir.path().join("calls");
    let asked = ["a.json", "b.jsonl", "c.html", "d.xml", "e.txt"];
    let outputs: Vec<_> = asked.iter().map(|name| format!("-o {}", results.join(name).display())).collect();
    let scan = scanner(&format!("127.0.0.1 -p 1-50 {}", outputs.join(" ")));
    command.args(["-e", &format!("trace={CALLS}"), "-s", "4096", "-o"]).arg(&calls);
    command.arg(scan.get_program()).args(scan.get_args()).env_clear().env("HOME", &home);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let found = Running::spawn_by(&mut command, |command| namespace.spawn(command).unwrap()).finish();
    assert_eq!(found.code(), Some(0), "{}", found.stderr);

    let calls = fs::read_to_string(calls).unwrap();
    let changes: Vec<_> = calls.lines().filter(|line| changes_a_file(line)).collect();
    assert!(changes.len() >= asked.len(), "nothing was seen: {calls}");
    let results_path = results.display().to_string();
    for change in changes {
        assert!(change.contains(&results_path), "{change}");
    }
    let left: BTreeSet<_> = fs::read_dir(&results)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, asked.map(str::to_owned).into());
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
}

/// Whether a line of `strace` shows a change of the disk. A descriptor of a directory stands for its path, so that none is used.
fn changes_a_file(line: &str) -> bool {
    let call = line.split_whitespace().nth(1).unwrap_or_default();
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| line.contains(flag));
    let opens = call.starts_with("open");
    (!opens || writes) && !line.contains("\"/dev/") && !line.contains("+++")
}
