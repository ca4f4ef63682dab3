//! The command on a terminal of its own: keys, the progress line, and the terminal as it was afterwards. The terminal is made by
//! `script` of util-linux; where that is missing each test prints one line `skipped: …` and passes.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::context::TestContext;

/// How long anything may take that has to happen. Only a failing test waits for so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A shell command on a terminal.
struct Terminal {
    child: Child,
    stdin: ChildStdin,
    shown: Arc<(Mutex<String>, Condvar)>,
}

impl Terminal {
    /// Runs a line of shell in the directory of the test; `scanner` in it is the command.
    fn run(context: &TestContext, line: &str) -> Option<Self> {
        let mut script = Command::new("script");
        script.args(["-q", "-f", "-e", "-E", "always", "-c", line, "/dev/null"]);
        script.env_clear().env("HOME", context.path("")).env("TERM", "xterm").env("SHELL", "/bin/bash");
        let built =
            std::path::Path::new(env!("CARGO_BIN_EXE_scanner")).parent().unwrap().display().to_string();
        script.env("PATH", format!("{built}:/usr/bin:/bin")).current_dir(context.path(""));
        let spawned = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else {
            let mut out = std::io::stdout();
            writeln!(out, "skipped: there is no `script`").unwrap();
            return None;
        };
        let shown: Arc<(Mutex<String>, Condvar)> = Arc::default();
        let (mut stdout, out) = (child.stdout.take().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = stdout.read(&mut bytes)
                && count > 0
            {
                out.0.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
                out.1.notify_all();
            }
        });
        Some(Self { stdin: child.stdin.take().unwrap(), child, shown })
    }

    fn press(&mut self, keys: &str) {
        self.stdin.write_all(keys.as_bytes()).unwrap();
        self.stdin.flush().unwrap();
    }

    /// Waits until the terminal shows `text` after the first `from` bytes, and says where that ends.
    fn await_text(&self, from: usize, text: &str) -> usize {
        let (shown, changed) = &*self.shown;
        let is_missing = |shown: &mut String| !shown.get(from..).unwrap_or_default().contains(text);
        let (shown, waited) =
            changed.wait_timeout_while(shown.lock().unwrap(), PATIENCE, is_missing).unwrap();
        assert!(
            !waited.timed_out(),
            "{text:?} is not shown:\n{:?}",
            &shown[shown.len().saturating_sub(300)..]
        );
        from + shown[from..].find(text).unwrap() + text.len()
    }

    /// Presses keys until the terminal shows `text`: who has the terminal back takes a moment to listen to it.
    fn press_until(&mut self, keys: &str, from: usize, text: &str) -> usize {
        for _ in 0..PATIENCE.as_millis() / 250 {
            self.press(keys);
            let (shown, changed) = &*self.shown;
            let is_missing = |shown: &mut String| !shown.get(from..).unwrap_or_default().contains(text);
            let moment = Duration::from_millis(250);
            let waited = changed.wait_timeout_while(shown.lock().unwrap(), moment, is_missing).unwrap().1;
            if !waited.timed_out() {
                break;
            }
        }
        self.await_text(from, text)
    }

    /// Everything that was shown, once the shell has ended.
    fn end(mut self) -> String {
        self.child.wait().unwrap();
        let (shown, changed) = &*self.shown;
        // The reader ends with the program; what it read last may still be on its way.
        let ended = |shown: &mut String| !shown.contains("the end");
        changed.wait_timeout_while(shown.lock().unwrap(), PATIENCE, ended).unwrap().0.clone()
    }
}

/// A scan that lasts half a minute, between two looks at the terminal.
fn slow_scan(context: &TestContext, options: &str) -> String {
    let ports = context.ports();
    format!(
        "stty -a > before; scanner 127.0.0.1 -p {ports} --max-rate 1 {options}; echo status $?; stty -a > after; echo the end"
    )
}

fn assert_terminal_is_as_it_was(context: &TestContext) {
    let look = |name| std::fs::read_to_string(context.path(name)).unwrap();
    assert!(look("before").contains(" icanon "), "{}", look("before"));
    assert!(look("before").contains(" echo "), "{}", look("before"));
    assert_eq!(look("before"), look("after"));
}

#[test]
fn keys_steer_the_scan() {
    let context = TestContext::new(30);
    let Some(mut terminal) = Terminal::run(&context, &slow_scan(&context, "")) else { return };
    let at = terminal.await_text(0, "% · ");
    terminal.press("?");
    let at = terminal.await_text(at, "s: skip the slowest host");
    terminal.press("xyz\x1b[A ");
    let at = terminal.await_text(at, " · slowest: 127.0.0.1");
    terminal.press("p");
    let at = terminal.await_text(at, "paused; p goes on");
    let at = terminal.await_text(at, "paused · ");
    terminal.press("p");
    let at = terminal.await_text(at, "going on");
    terminal.press("s");
    terminal.await_text(at, "127.0.0.1 is skipped; s again skips the next");
    let shown = terminal.end();
    assert!(shown.contains("status 3"), "{shown}");
    assert!(shown.contains("skipped"), "{shown}");
    assert_terminal_is_as_it_was(&context);
}

#[test]
fn q_stops_and_keeps() {
    let context = TestContext::new(30);
    let line = slow_scan(&context, "-o scan.json");
    let Some(mut terminal) = Terminal::run(&context, &line) else { return };
    terminal.await_text(0, "% · ");
    terminal.press("q");
    let shown = terminal.end();
    assert!(shown.contains("status 3"), "{shown}");
    let text = std::fs::read_to_string(context.path("scan.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["completion"], "cancelled");
    assert_terminal_is_as_it_was(&context);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for (keys, status) in [("\x03", "status 130"), ("\x1c", "status 131")] {
        let context = TestContext::new(30);
        // The shell must survive the signal that the terminal sends to both.
        let line = format!("trap : INT QUIT; {}", slow_scan(&context, ""));
        let Some(mut terminal) = Terminal::run(&context, &line) else { return };
        let at = terminal.await_text(0, "% · ");
        terminal.press("?");
        terminal.await_text(at, "s: skip the slowest host");
        terminal.press(keys);
        let shown = terminal.end();
        assert!(shown.contains(status), "{shown}");
        assert_terminal_is_as_it_was(&context);
    }
}

#[test]
fn a_stopped_scan_goes_on_in_the_foreground() {
    let context = TestContext::new(30);
    let Some(mut terminal) = Terminal::run(&context, "PS1='$ ' exec bash --norc --noprofile -i") else {
        return;
    };
    let ports = context.ports();
    let at = terminal.await_text(0, "$ ");
    terminal.press(&format!("scanner 127.0.0.1 -p {ports} --max-rate 1\n"));
    let at = terminal.await_text(at, "% · ");
    terminal.press("\x1a");
    let at = terminal.await_text(at, "Stopped");
    terminal.press("bg\n");
    let at = terminal.await_text(at, "&");
    terminal.press("echo in the $((1+1))nd row; fg\n");
    let at = terminal.await_text(at, "in the 2nd row");
    let at = terminal.press_until(" ", at, " · slowest: 127.0.0.1");
    terminal.press("q");
    let at = terminal.await_text(at, "stopping; what was found is kept");
    terminal.await_text(at, "$ ");
    terminal.press("stty -a | grep -ow -e icanon -e echo; echo the end; exit\n");
    let shown = terminal.end();
    assert!(shown.contains("icanon") && shown.contains("\necho"), "{shown}");
}

/// As a shell does that brings a job to the foreground, a moment after that has the terminal again.
#[test]
fn a_terminal_whose_modes_are_set_by_another_gives_keys_again() {
    let context = TestContext::new(30);
    let line =
        format!("(sleep 1; stty icanon echo < /dev/tty; echo modes are set) & {}", slow_scan(&context, ""));
    let Some(mut terminal) = Terminal::run(&context, &line) else { return };
    let at = terminal.await_text(0, "modes are set");
    let at = terminal.press_until(" ", at, " · slowest: 127.0.0.1");
    terminal.press("q");
    terminal.await_text(at, "stopping; what was found is kept");
    terminal.end();
}

#[test]
fn who_may_not_have_the_terminal_leaves_it_alone() {
    let context = TestContext::new(2);
    let ports = context.ports();
    let scan = format!("scanner 127.0.0.1 -p {ports} --max-rate 5");
    // In the background, in front of a pager, and with another input.
    let line = format!(
        "stty -a > before; {scan} & {scan} | cat; {scan} < /dev/null; wait; stty -a > after; echo the end"
    );
    let Some(terminal) = Terminal::run(&context, &line) else { return };
    let shown = terminal.end();
    assert_eq!(shown.matches("2 open ports").count(), 3, "{shown}");
    assert_terminal_is_as_it_was(&context);
}

#[test]
fn the_log_never_tears_the_progress_line() {
    let context = TestContext::new(4);
    let ports = context.ports();
    let line = format!("SCANNER_LOG=trace scanner 127.0.0.1 -p {ports} --max-rate 5; echo the end");
    let Some(terminal) = Terminal::run(&context, &line) else { return };
    let shown = terminal.end();
    assert!(shown.contains("% · "), "{shown}");
    // What a terminal shows of a line is what comes after it was cleared last.
    let lines: Vec<&str> =
        shown.split('\n').map(|line| line.trim_end_matches('\r').rsplit("\x1b[2K").next().unwrap()).collect();
    let logged: Vec<&&str> = lines.iter().filter(|line| line.contains("scanner_net")).collect();
    assert!(!logged.is_empty(), "{shown}");
    for line in logged {
        assert!(line.starts_with(|c: char| c.is_ascii_digit()) && !line.contains("% · "), "{line:?}");
    }
}

#[test]
fn the_progress_line_keeps_to_the_columns_that_were_asked_for() {
    let context = TestContext::new(4);
    let ports = context.ports();
    let line = format!("COLUMNS=30 scanner 127.0.0.1 -p {ports} --max-rate 5 > out; echo the end");
    let Some(terminal) = Terminal::run(&context, &line) else { return };
    let shown = terminal.end();
    let drawn: Vec<&str> = shown.split(['\r', '\n']).filter(|line| line.contains("% · ")).collect();
    assert!(!drawn.is_empty(), "{shown}");
    for line in drawn {
        let text = line.rsplit("\x1b[2K").next().unwrap().trim_end();
        assert!(text.chars().count() <= 30 && text.ends_with('…'), "{text:?}");
    }
}

#[test]
fn colours_are_a_matter_of_each_stream() {
    let context = TestContext::new(0);
    // Standard output and standard error of a command that writes to both, each on the terminal or in a file.
    for (environment, piped, colored) in [
        ("", false, true),
        ("NO_COLOR=1", false, false),
        ("NO_COLOR=", false, true),
        ("CLICOLOR=0", false, false),
        ("TERM=dumb", false, false),
        ("CLICOLOR_FORCE=1", true, true),
        ("CLICOLOR_FORCE=1 NO_COLOR=1", true, false),
        ("", true, false),
    ] {
        let pipe = if piped { "| cat" } else { "" };
        let line = format!("export {environment}; scanner explain 3 {pipe}; echo the end");
        let Some(terminal) = Terminal::run(&context, &line) else { return };
        let shown = terminal.end();
        assert_eq!(shown.contains("\x1b[1m"), colored, "{environment} {pipe}: {shown:?}");
    }
    let line = "scanner explain xyz > out; scanner explain 3 2> err > out; echo the end";
    let Some(terminal) = Terminal::run(&context, line) else { return };
    let shown = terminal.end();
    assert!(shown.contains("\x1b[1m\x1b[31merror:"), "{shown:?}");
    assert!(!std::fs::read_to_string(context.path("out")).unwrap().contains('\x1b'));
}
