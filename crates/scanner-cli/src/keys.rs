//! Keys while a scan runs on a terminal: a line about how it stands, skip, pause, stop.
//!
//! The terminal is touched only if standard input and standard error are terminals and this process is in the foreground, and is
//! given back on every way out: the end of the scan, a second signal, a panic, Ctrl-Z.

#[cfg(unix)]
mod terminal;

#[cfg(unix)]
pub(crate) use terminal::give_back;

use tokio::sync::mpsc;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(any(unix, test)), expect(dead_code, reason = "other systems give no keys"))]
pub(crate) enum Key {
    /// A line about how the scan stands.
    Status,
    /// Skip the slowest host.
    Skip,
    /// Pause, or go on.
    Pause,
    /// Stop, and keep what was found.
    Quit,
    /// Which keys there are.
    Help,
}

/// What `?` shows.
pub(crate) const HELP: &str =
    "space: how it stands · s: skip the slowest host · p: pause and go on · q: stop and keep · ?: this";

#[cfg(any(unix, test))]
impl Key {
    /// The key that sends this byte. Any other key is left without effect: a cat on the keyboard must not stop a scan.
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            b' ' | b'\n' | b'\r' => Some(Self::Status),
            b's' | b'S' => Some(Self::Skip),
            b'p' | b'P' => Some(Self::Pause),
            b'q' | b'Q' => Some(Self::Quit),
            b'?' | b'h' => Some(Self::Help),
            _ => None,
        }
    }

    /// The keys in what a terminal sent at once. What follows an escape is an arrow or its like, and none of these.
    fn all(bytes: &[u8]) -> Vec<Self> {
        let mut keys = Vec::new();
        let mut rest = bytes.iter().copied();
        while let Some(byte) = rest.next() {
            match (byte == ESCAPE).then(|| rest.next()).flatten() {
                // A sequence with parameters ends with the first byte that cannot be one.
                Some(b'[') => drop(rest.find(|byte| matches!(byte, b'@'..=b'~'))),
                Some(b'O') => drop(rest.next()),
                Some(_) => {}
                None => keys.extend(Self::of(byte)),
            }
        }
        keys
    }
}

#[cfg(any(unix, test))]
const ESCAPE: u8 = 0x1b;

/// The keys that are pressed; none ever where there is no terminal to press them on.
#[derive(Debug)]
pub(crate) struct Keys(Option<mpsc::UnboundedReceiver<Key>>);

impl Keys {
    /// Starts listening, where that is allowed.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        Self(terminal::listen())
    }

    /// This platform's terminals are left alone.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Self(None)
    }

    /// A key that was pressed meanwhile.
    pub(crate) fn pressed(&mut self) -> Option<Key> {
        self.0.as_mut()?.try_recv().ok()
    }

    /// The next key.
    pub(crate) async fn next(&mut self) -> Key {
        match &mut self.0 {
            Some(keys) => match keys.recv().await {
                Some(key) => key,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        #[cfg(unix)]
        give_back();
    }
}

/// Gives the terminal back, where it was taken.
#[cfg(not(unix))]
pub(crate) const fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_byte_and_an_arrow_is_none() {
        assert_eq!(
            Key::all(b" \rspq?"),
            [Key::Status, Key::Status, Key::Skip, Key::Pause, Key::Quit, Key::Help]
        );
        assert_eq!(Key::all(b"Q"), [Key::Quit]);
        assert_eq!(Key::all(b"xyz\x04"), []);
        // Arrow up ends in A, the key F4 in S.
        assert_eq!(Key::all(b"\x1b[1;5Aq\x1bOSp\x1b"), [Key::Quit, Key::Pause]);
    }
}
