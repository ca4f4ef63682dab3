//! `Machine`: a network in which the scanner has its own `/etc/resolv.conf`, `hosts` and `nsswitch.conf`.

use std::fs;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use scanner_lab::{Family, LabError, Wire, World};
use tempfile::TempDir;

use crate::command::{Finished, Running, bare, limited};

/// The files that say how names are looked up.
const FILES: [&str; 3] = ["resolv.conf", "hosts", "nsswitch.conf"];

/// Two namespaces and the files that the scanner's end sees; nobody else sees them.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) world: World,
    files: TempDir,
}

impl Machine {
    /// A machine that asks the name server at `server`, with a search list, after a hosts file with a printer.
    pub(crate) fn new(server: &str) -> Result<Self, LabError> {
        let world = World::new(Wire::Veth, Family::V4)?;
        let machine = Self { world, files: TempDir::new().unwrap() };
        machine.write("resolv.conf", &format!("search lan\nnameserver {server}\n"));
        machine.write("hosts", "127.0.0.1 localhost\n10.7.0.9 printer\n");
        machine.write("nsswitch.conf", "hosts: files dns\n");
        for file in FILES {
            // A file cannot be mounted over nothing.
            fs::metadata(format!("/etc/{file}"))
                .map_err(|error| unavailable(&format!("no /etc/{file}"), &error))?;
        }
        machine.inside(|| ()).map_err(|error| unavailable("no files of one's own", &error))?;
        Ok(machine)
    }

    /// Replaces one of the files.
    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.files.path().join(file), text).unwrap();
    }

    /// Runs `task` at the scanner's end, on a thread of its own.
    pub(crate) fn run<T: Send>(&self, task: impl FnOnce() -> T + Send) -> T {
        self.inside(task).unwrap()
    }

    /// Runs the command to its end; the arguments are separated by white space.
    pub(crate) fn scan(&self, arguments: &str) -> Finished {
        self.finish(&mut bare(arguments))
    }

    /// The same until no name came too late for its host, which on a busy machine may happen.
    pub(crate) fn scan_named(&self, arguments: &str) -> Finished {
        self.until_named(|| bare(arguments))
    }

    /// The same under a descriptor limit, soft and hard.
    pub(crate) fn scan_named_limited(&self, descriptors: u32, arguments: &str) -> Finished {
        self.until_named(|| limited(&bare(arguments), descriptors))
    }

    fn until_named(&self, command: impl Fn() -> Command) -> Finished {
        let mut scans = (0..10).map(|_| self.finish(&mut command()));
        let in_time = scans.find(|found| !found.stderr.contains("could not be looked up (no answer within"));
        in_time.unwrap_or_else(|| panic!("every time a name came too late"))
    }

    fn finish(&self, command: &mut Command) -> Finished {
        Running::spawn_by(command, |command| self.run(|| command.spawn().unwrap())).finish()
    }

    fn inside<T: Send>(&self, task: impl FnOnce() -> T + Send) -> nix::Result<T> {
        let mounted = || {
            unshare(CloneFlags::CLONE_NEWNS)?;
            let nothing = None::<&str>;
            mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
            for file in FILES {
                let (own, usual) = (self.files.path().join(file), format!("/etc/{file}"));
                mount(Some(&own), usual.as_str(), nothing, MsFlags::MS_BIND, nothing)?;
            }
            Ok(task())
        };
        self.world.scanner.run(mounted).unwrap()
    }
}

fn unavailable(what: &str, why: &dyn std::error::Error) -> LabError {
    LabError::Unavailable { what: what.to_owned(), why: why.to_string() }
}
