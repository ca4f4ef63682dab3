//! `TestContext`: the command in a clean environment, listeners of the test's own, and snapshots without what varies.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Output};

use insta::Settings;
use insta::internals::SettingsBindDropGuard;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// One test: listeners on ports of the system's choice, a directory, and the command.
pub(crate) struct TestContext {
    dir: TempDir,
    /// In ascending order of their ports; all but the last listen.
    sockets: Vec<Socket>,
}

impl TestContext {
    /// With this many listeners, and one port above theirs on which connections are refused.
    pub(crate) fn new(listeners: usize) -> Self {
        let mut sockets: Vec<Socket> = (0..=listeners).map(|_| bind()).collect();
        sockets.sort_by_key(port_of);
        sockets[..listeners].iter().for_each(|socket| socket.listen(16).unwrap());
        Self { dir: tempfile::tempdir().unwrap(), sockets }
    }

    /// The port of a listener.
    pub(crate) fn port(&self, index: usize) -> u16 {
        port_of(&self.sockets[index])
    }

    /// The ports of all listeners and the closed one, as `--ports` takes them.
    pub(crate) fn ports(&self) -> String {
        self.sockets.iter().map(|socket| port_of(socket).to_string()).collect::<Vec<_>>().join(",")
    }

    /// A port that is bound and not listening: nobody else gets it while the test runs, and connections are refused.
    pub(crate) fn closed(&self) -> u16 {
        self.sockets.last().map_or(0, port_of)
    }

    /// From now on the closed port is open.
    pub(crate) fn open_the_closed(&self) {
        self.sockets.last().unwrap().listen(16).unwrap();
    }

    /// A path in the directory of the test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file in the directory of the test.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with an empty environment, in the directory of the test.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanner"));
        command.args(args).env_clear().env("HOME", self.dir.path()).current_dir(self.dir.path());
        // Snapshots of the help must not depend on the width of somebody's terminal.
        command.env("COLUMNS", "100");
        command
    }

    /// Runs the command and shows everything about its end.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.show(&self.command(args).output().unwrap())
    }

    /// Exit status, standard output and standard error.
    pub(crate) fn show(&self, output: &Output) -> String {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let status = output.status.code().map_or("none".into(), |code| code.to_string());
        let shown = format!("exit status: {status}\n----- stdout\n{stdout}----- stderr\n{stderr}");
        shown.replace(&self.dir.path().display().to_string(), "[DIR]")
    }

    /// Takes out of the snapshots in scope what varies from run to run; ports get names of the same width.
    pub(crate) fn filters(&self) -> SettingsBindDropGuard {
        let mut settings = Settings::clone_current();
        for (pattern, replacement) in VARYING {
            settings.add_filter(pattern, replacement);
        }
        for (index, socket) in self.sockets.iter().enumerate() {
            let is_closed = index + 1 == self.sockets.len();
            let name = if is_closed { "CLOSE".to_owned() } else { format!("OPEN{index}") };
            settings.add_filter(&format!(r"\b{}\b", port_of(socket)), name);
        }
        settings.bind_to_scope()
    }
}

/// Patterns of what varies from run to run, and what stands for it.
const VARYING: [(&str, &str); 9] = [
    (r"\d+(\.\d+)? (ms|s)\.", "[TIME]."),
    (r" +\d+(\.\d+)? ms\b", " [RTT]"),
    (r#""rtt_us":(\d+|null)"#, r#""rtt_us":[RTT]"#),
    (r#""elapsed_ms":\d+"#, r#""elapsed_ms":[TIME]"#),
    (r#""counters":\{[^}]*\}"#, r#""counters":[COUNTERS]"#),
    (r#""timestamp":"[^"]+""#, r#""timestamp":"[TIMESTAMP]""#),
    (r#""(scan_id|seed)":"[^"]+""#, r#""$1":"[RANDOM]""#),
    (r"(cannot resolve `nonexistent\.invalid`): .*", "$1: [REASON]"),
    (r#"("name":"nonexistent\.invalid","message"):"[^"]*""#, r#"$1:"[REASON]""#),
];

/// Binds a port of the system's choice for which there is no service name, as the snapshots have none.
fn bind() -> Socket {
    loop {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        if scanner_core::get_service_name(port_of(&socket)).is_none() {
            return socket;
        }
    }
}

fn port_of(socket: &Socket) -> u16 {
    socket.local_addr().unwrap().as_socket().unwrap().port()
}
