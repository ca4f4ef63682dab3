//! The terminal as it has to be for single keys, and as it was.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, getppid, getsid, tcgetpgrp};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc;

use super::Key;

/// How often it is looked whether the process is (still) in the foreground.
const LOOK: Duration = Duration::from_millis(100);

/// What this process did to the terminal.
#[derive(Debug)]
enum State {
    /// It is as it was.
    Untouched,
    /// It gives single keys; this is how it was.
    Keys(Termios),
    /// It was given back for good.
    Over,
}

/// One per process, as there is one terminal; what ends the process has to find it from anywhere.
static STATE: Mutex<State> = Mutex::new(State::Untouched);

/// Takes the terminal if this process may have it, and reads it on a thread of its own.
pub(super) fn listen() -> Option<mpsc::UnboundedReceiver<Key>> {
    // Who reads the result from a pipe may want the keys for itself, as a pager does.
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() || is_pipe(io::stdout()) || !in_foreground()
    {
        return None;
    }
    give_back_on_panic();
    // Before the terminal is touched: what nobody listens to ends or stops the process, with the terminal as it is.
    let mut listening = Listening::new().ok()?;
    tokio::spawn(async move { listening.mind().await });
    let (send, keys) = mpsc::unbounded_channel();
    let reader = thread::Builder::new().name("keys".into()).spawn(move || read(&send));
    reader.is_ok().then_some(keys)
}

/// Gives the terminal back for good.
pub(crate) fn give_back() {
    let mut state = state();
    restore(&state);
    *state = State::Over;
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever is in the background must not touch the terminal: it would be stopped. Then its shell has put it right.
fn restore(state: &State) {
    if let State::Keys(before) = state
        && in_foreground()
    {
        // Nothing can be done about a terminal that is gone.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
    }
}

/// Makes the terminal give single keys, unseen. Ctrl-C and Ctrl-Z still mean what they mean; whether it may be read.
///
/// To be called again and again: a shell that brings the process to the foreground gives it the terminal first and puts the modes
/// right only then, so that what was taken at once is lost.
fn take() -> bool {
    let mut state = state();
    if matches!(*state, State::Over) {
        return false;
    }
    let Ok(now) = tcgetattr(io::stdin()) else { return false };
    let lines = LocalFlags::ICANON | LocalFlags::ECHO;
    if matches!(*state, State::Keys(_)) && !now.local_flags.intersects(lines) {
        return true;
    }
    let mut single = now.clone();
    single.local_flags.remove(lines);
    single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    if tcsetattr(io::stdin(), SetArg::TCSANOW, &single).is_err() {
        return false;
    }
    if matches!(*state, State::Untouched) {
        *state = State::Keys(now);
    }
    true
}

/// Lets the terminal be as it was until it is taken again.
fn let_go() {
    let mut state = state();
    if matches!(*state, State::Keys(_)) {
        restore(&state);
        *state = State::Untouched;
    }
}

fn in_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

fn is_pipe(stream: impl AsFd) -> bool {
    let file = stream.as_fd().try_clone_to_owned().map(File::from);
    file.and_then(|file| file.metadata()).is_ok_and(|data| data.file_type().is_fifo())
}

fn read(keys: &mpsc::UnboundedSender<Key>) {
    let mut bytes = [0; 64];
    while !keys.is_closed() {
        if !in_foreground() {
            let_go();
            thread::sleep(LOOK);
            continue;
        }
        if !take() {
            return;
        }
        if !is_readable() || !in_foreground() {
            continue;
        }
        match io::stdin().read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => {
                let pressed = bytes.get(..count).unwrap_or_default();
                // Fails only when the scan is over.
                for key in Key::all(pressed) {
                    let _ = keys.send(key);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Waits for a key, not for ever.
fn is_readable() -> bool {
    let stdin = io::stdin();
    let mut waiting = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::ZERO);
    poll(&mut waiting, timeout).is_ok_and(|ready| ready > 0)
}

fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
    });
}

/// The signals of the keyboard that leave a process no time to give the terminal back.
struct Listening {
    stops: unix::Signal,
    quits: unix::Signal,
}

impl Listening {
    fn new() -> io::Result<Self> {
        let to = |which: Signal| unix::signal(SignalKind::from_raw(which as i32));
        Ok(Self { stops: to(Signal::SIGTSTP)?, quits: to(Signal::SIGQUIT)? })
    }

    /// Ctrl-Z gives the terminal back before the process stops; the reader takes it again once the process is in the
    /// foreground. Ctrl-\ ends the process at once, as it always does.
    async fn mind(&mut self) {
        loop {
            let stop = tokio::select! {
                stop = self.stops.recv() => stop,
                _ = self.quits.recv() => {
                    give_back();
                    crate::interrupt::end_now(Signal::SIGQUIT as u8);
                }
            };
            if stop.is_none() {
                return;
            }
            // A process that nobody could wake again must not stop.
            if getsid(Some(getppid())).is_ok_and(|parent| Ok(parent) == getsid(None)) {
                let_go();
                let _ = raise(Signal::SIGSTOP);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use super::*;

    /// Says to a copy of this test that it is on a terminal of its own.
    const INSIDE: &str = "SCANNER_TEST_ON_A_TERMINAL";
    /// Only a failing test waits for so long.
    const PATIENCE: Duration = Duration::from_mins(1);

    fn gives_lines() -> bool {
        tcgetattr(io::stdin()).unwrap().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// A terminal is one per process, and nobody wants a panic on the one from which the tests are run: a copy of this test runs
    /// on a terminal that `script` of util-linux makes.
    #[test]
    fn a_panic_gives_the_terminal_back() {
        if std::env::var_os(INSIDE).is_some() {
            return on_a_terminal();
        }
        let test = std::env::current_exe().unwrap();
        let line = format!(
            "{} --exact keys::terminal::tests::a_panic_gives_the_terminal_back --nocapture",
            test.display()
        );
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-c", &line, "/dev/null"]).env(INSIDE, "1").env("SHELL", "/bin/sh");
        let Ok(output) = script.output() else {
            writeln!(io::stdout(), "skipped: there is no `script`").unwrap();
            return;
        };
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && shown.contains("1 passed"), "{shown}");
        // The words of the panic begin at the left: the terminal adds the carriage return again.
        assert!(shown.contains("as a defect would\r\n"), "{shown:?}");
    }

    #[cfg(target_os = "linux")]
    fn catches(signal: Signal) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(caught, 16).unwrap() & (1 << (signal as u32 - 1)) != 0
    }

    fn on_a_terminal() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        assert!(gives_lines());
        let _keys = listen().unwrap();
        // The runtime has not run any task yet.
        #[cfg(target_os = "linux")]
        assert!(
            catches(Signal::SIGTSTP) && catches(Signal::SIGQUIT),
            "the terminal is taken by who may end as it is"
        );
        let mut waited = Duration::ZERO;
        while gives_lines() && waited < PATIENCE {
            thread::sleep(LOOK);
            waited += LOOK;
        }
        assert!(!gives_lines(), "the terminal was not taken");
        thread::spawn(|| panic!("as a defect would")).join().unwrap_err();
        assert!(gives_lines());
        // The reader looks again and again whether another has set the modes.
        thread::sleep(3 * LOOK);
        assert!(gives_lines(), "the terminal was taken again");
    }
}
