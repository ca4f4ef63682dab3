//! `Sink`: where the result goes. Whole lines only; a closed pipe is an end, not an error.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Lines are handed on when this many bytes are waiting, or when there is nothing to do.
const ENOUGH: usize = 64 * 1024;

/// No more than this is held back, even in the middle of a line.
const MOST: usize = 8 * ENOUGH;

/// So many names for a document on its way may be taken by what others left behind.
const MOST_TAKEN: u32 = 100;

/// Why nothing more can be written.
#[derive(Debug)]
pub(crate) enum SinkError {
    /// The reader went away: end quietly.
    Closed,
    /// The result is lost, which the user must know.
    Failed(io::Error),
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe { Self::Closed } else { Self::Failed(error) }
    }
}

impl From<SinkError> for io::Error {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Closed => ErrorKind::BrokenPipe.into(),
            SinkError::Failed(error) => error,
        }
    }
}

/// The destination of the result.
#[derive(Debug)]
pub(crate) struct Sink {
    target: Target,
    waiting: Vec<u8>,
}

#[derive(Debug)]
enum Target {
    Stdout,
    /// Written in place.
    File(InPlace),
    /// Written beside and renamed when complete, so that nobody reads half a document.
    Document(Document),
}

/// A file that grows line by line.
#[derive(Debug)]
struct InPlace {
    file: File,
    path: PathBuf,
    /// How many bytes are in it; it is emptied before the first, not before.
    written: u64,
    /// Whether it was not there before: where nothing is written, it is gone again.
    fresh: bool,
    /// Whether it was emptied.
    begun: bool,
}

impl InPlace {
    fn begin(&mut self) -> io::Result<()> {
        // A device or a pipe cannot be emptied and need not be.
        if !self.begun && self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.begun = true;
        Ok(())
    }

    /// Writes it all, or leaves the file with whole lines.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.begin()?;
        let mut left = bytes;
        while !left.is_empty() {
            match self.file.write(left) {
                Ok(0) => return self.cut(bytes, left, ErrorKind::WriteZero.into()),
                Ok(n) => left = &left[n..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.cut(bytes, left, error),
            }
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// The disk is full in the middle of a line: the line goes.
    fn cut(&mut self, bytes: &[u8], left: &[u8], error: io::Error) -> io::Result<()> {
        let there = &bytes[..bytes.len() - left.len()];
        let whole = there.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
        if self.file.metadata().is_ok_and(|meta| meta.is_file()) {
            // It fails where nothing can be mended; the first error is what the user needs.
            drop(self.file.set_len(self.written + whole));
        }
        Err(error)
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        if self.fresh && !self.begun {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// A document on its way: what is not finished leaves nothing behind.
#[derive(Debug)]
struct Document {
    file: File,
    part: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl Document {
    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.part, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

impl Sink {
    /// Standard output.
    pub(crate) const fn stdout() -> Self {
        Self { target: Target::Stdout, waiting: Vec::new() }
    }

    /// A file that grows line by line, or, for a `document`, that appears when it is complete.
    ///
    /// Opened before the scan: a directory that is missing must not cost an hour's result. What was in the file stays until
    /// there is something to write.
    pub(crate) fn file(path: &Path, document: bool) -> Result<Self, Failure> {
        let fail = |error: io::Error| {
            Failure::usage(format!("cannot write {}: {error}", path.display()))
                .with_hint("choose another place with --output")
        };
        if let Some(file) = led_to(path) {
            return Err(Failure::usage(format!(
                "cannot write {}: it is a link to {}",
                path.display(),
                file.display()
            ))
            .with_hint("name the file itself, or remove the link"));
        }
        // A device, a named pipe or a link (/dev/stdout is one) must not be replaced by a file.
        let special = path.symlink_metadata().is_ok_and(|meta| !meta.is_file());
        let target = if document && !special {
            let (file, part) = begin_beside(path).map_err(fail)?;
            Target::Document(Document { file, part, path: path.to_path_buf(), finished: false })
        } else {
            let fresh = path.symlink_metadata().is_err();
            let file = open(path, OpenOptions::new().create(true)).map_err(fail)?;
            Target::File(InPlace { file, path: path.to_path_buf(), written: 0, fresh, begun: false })
        };
        Ok(Self { target, waiting: Vec::new() })
    }

    /// Whether nothing is waiting.
    pub(crate) const fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands on what is waiting if there is enough of it.
    pub(crate) fn relieve(&mut self) -> Result<(), SinkError> {
        if self.waiting.len() >= ENOUGH { self.hand_on() } else { Ok(()) }
    }

    /// Hands on what is waiting.
    pub(crate) fn hand_on(&mut self) -> Result<(), SinkError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        match &mut self.target {
            Target::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&waiting)?;
                stdout.flush()?;
            }
            Target::File(file) => file.write(&waiting)?,
            Target::Document(Document { file, .. }) => file.write_all(&waiting)?,
        }
        Ok(())
    }

    /// Hands on the rest and gives a document its name.
    pub(crate) fn finish(mut self) -> Result<(), SinkError> {
        self.hand_on()?;
        match &mut self.target {
            Target::Document(document) => document.finish()?,
            Target::File(file) => file.begin()?,
            Target::Stdout => {}
        }
        Ok(())
    }

    /// Whether the reader of standard output went away, without writing to it.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.target, Target::Stdout) && stdout_is_closed()
    }
}

impl Write for Sink {
    /// A document of a million hosts is one line; it must not be held in memory as a whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= MOST {
            self.hand_on().map_err(io::Error::from)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file that a link leads to, or would make. It is not what was named: whoever put the link there chose what is overwritten.
/// The links of the system itself (`/dev/stdout`) say what they mean, and what is no file loses nothing.
fn led_to(path: &Path) -> Option<PathBuf> {
    let is_system = ["/dev", "/proc"].iter().any(|root| path.starts_with(root));
    let to = path.read_link().ok().filter(|_| !is_system)?;
    path.metadata().map_or(true, |meta| meta.is_file()).then_some(to)
}

/// Opens a new file in the same directory, so that renaming is one step. Its name is hidden and one that nobody has, be it as a
/// link or left over from a process that was killed.
fn begin_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let id = std::process::id();
    let mut taken = 0;
    loop {
        let part = path.with_file_name(format!(".{name}.{id}-{taken}.part"));
        match open(&part, OpenOptions::new().create_new(true)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && taken < MOST_TAKEN => taken += 1,
            opened => return opened.map(|file| (file, part)),
        }
    }
}

/// Opens a file for writing. What a scan found is nobody else's business: on unix a new file is readable by its owner only, and
/// a link that was put there a moment ago is not followed.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    options.write(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
        if !path.is_symlink() {
            options.custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits());
        }
    }
    options.open(path)
}

#[cfg(unix)]
fn stdout_is_closed() -> bool {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let stdout = io::stdout();
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    // A pipe without a reader reports an error condition that nobody has to ask for.
    poll(&mut fds, PollTimeout::ZERO).is_ok()
        && fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR))
}

#[cfg(not(unix))]
fn stdout_is_closed() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_appears_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scan.json");
        let mut sink = Sink::file(&path, true).unwrap();
        sink.write_all(b"{}\n").unwrap();
        sink.hand_on().unwrap();
        assert!(!path.exists());
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"{}\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_line_of_any_length_is_not_held_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = Sink::file(&dir.path().join("scan.json"), true).unwrap();
        for _ in 0..100 {
            sink.write_all(&vec![b' '; ENOUGH]).unwrap();
            assert!(sink.waiting.len() <= MOST);
        }
    }

    #[test]
    fn an_abandoned_document_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scan.json");
        std::fs::write(&path, "old").unwrap();
        let mut sink = Sink::file(&path, true).unwrap();
        sink.write_all(b"new").unwrap();
        sink.hand_on().unwrap();
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real"), dir.path().join("link"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for document in [true, false] {
            // It would make a file, or overwrite one.
            for old in [None, Some("old")] {
                if let Some(old) = old {
                    std::fs::write(&file, old).unwrap();
                }
                let failure = Sink::file(&link, document).unwrap_err();
                let wanted = format!("cannot write {}: it is a link to {}", link.display(), file.display());
                assert_eq!((failure.status.code(), failure.message), (2, wanted));
                assert!(link.is_symlink());
                assert_eq!(std::fs::read_to_string(&file).ok().as_deref(), old);
            }
            std::fs::remove_file(&file).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_what_is_no_file_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link.json");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        let mut sink = Sink::file(&link, true).unwrap();
        sink.write_all(b"new").unwrap();
        sink.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_lies_where_a_document_is_begun_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("scan.json"), dir.path().join("victim"));
        std::fs::write(&victim, "precious").unwrap();
        let part = |n: u32| dir.path().join(format!(".scan.json.{}-{n}.part", std::process::id()));
        std::os::unix::fs::symlink(&victim, part(0)).unwrap();
        std::fs::write(part(1), "left over from a process that was killed").unwrap();
        let mut sink = Sink::file(&path, true).unwrap();
        sink.write_all(b"new").unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        assert!(part(0).is_symlink() && part(1).exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        for (name, document) in [("scan.json", true), ("scan.jsonl", false)] {
            let path = dir.path().join(name);
            Sink::file(&path, document).unwrap().finish().unwrap();
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn lines_are_written_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scan.list");
        let mut sink = Sink::file(&path, false).unwrap();
        sink.write_all(b"192.0.2.1:22\n").unwrap();
        sink.relieve().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        sink.hand_on().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"192.0.2.1:22\n");
    }

    #[test]
    fn a_scan_that_does_not_begin_leaves_a_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.csv"), dir.path().join("new.csv"));
        std::fs::write(&old, "a longer text").unwrap();
        drop((Sink::file(&old, false).unwrap(), Sink::file(&new, false).unwrap()));
        assert_eq!(std::fs::read(&old).unwrap(), b"a longer text");
        assert!(!new.exists());
        Sink::file(&old, false).unwrap().finish().unwrap();
        assert_eq!(std::fs::read(&old).unwrap(), b"", "a result without a line is a result");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_of_usage() {
        let failure = Sink::file(Path::new("/nowhere/scan.json"), true).unwrap_err();
        assert_eq!(failure.status.code(), 2);
    }
}
