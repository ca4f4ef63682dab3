//! What the tests of this suite share in setting up a network.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use scanner_lab::LabError;

/// How long a packet is on a delayed wire, each way.
pub(crate) const DELAY: Duration = Duration::from_millis(20);

/// The value, or the line that says why the test did not run.
pub(crate) fn or_skip<T>(made: Result<T, LabError>) -> Option<T> {
    match made {
        Ok(value) => Some(value),
        Err(LabError::Unavailable { what, why }) => {
            let mut out = io::stdout();
            writeln!(out, "skipped: {what}: {}", why.lines().next().unwrap_or_default()).unwrap();
            None
        }
        Err(error) => panic!("{error}: {error:?}"),
    }
}

/// `strace` of a program and all its threads, with the program as our own child.
pub(crate) fn strace() -> Result<Command, LabError> {
    let tried = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => {
            let mut command = Command::new("strace");
            command.args(["-D", "-f", "-qq", "-e", "signal=none"]);
            Ok(command)
        }
        tried => Err(LabError::Unavailable { what: "no strace".to_owned(), why: format!("{tried:?}") }),
    }
}

/// Rules of a firewall that drops what is not for `port`.
pub(crate) fn only_answers_on(port: u16) -> String {
    format!(
        "table inet test {{ chain rules {{ type filter hook input priority 0; tcp dport != {port} drop; }}; }}"
    )
}
