//! The bytes of a file, which can be read more than once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::failure::Failure;

/// A file, or what came through a pipe.
#[derive(Debug, Clone)]
pub(super) struct Input {
    path: PathBuf,
    /// What cannot be read twice is kept.
    kept: Option<Arc<[u8]>>,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut input = Self { path: path.to_path_buf(), kept: None };
        let mut bytes = Vec::new();
        let is_regular = path.metadata().is_ok_and(|meta| meta.is_file());
        if path.as_os_str() == "-" {
            io::stdin().lock().read_to_end(&mut bytes).map_err(|error| input.unreadable(&error))?;
        } else if is_regular {
            return Ok(input);
        } else {
            let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
            read.map_err(|error| input.unreadable(&error))?;
        }
        input.kept = Some(bytes.into());
        Ok(input)
    }

    /// Bytes as if they were read from a file.
    #[cfg(test)]
    pub(super) fn kept(path: &Path, bytes: &[u8]) -> Self {
        Self { path: path.to_path_buf(), kept: Some(bytes.into()) }
    }

    pub(super) fn reader(&self) -> Result<Box<dyn BufRead>, Failure> {
        if let Some(bytes) = &self.kept {
            return Ok(Box::new(Cursor::new(Arc::clone(bytes))));
        }
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        Ok(Box::new(BufReader::new(file)))
    }

    pub(super) fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::usage(format!("cannot read {}: {error}", self.name()))
            .with_hint("give a file that scanner wrote as json or jsonl, or nmap's XML; - is standard input")
    }

    pub(super) fn wrong(&self, what: &str) -> Failure {
        Failure::usage(format!("{} {what}", self.name()))
            .with_hint("give a file that scanner wrote as json or jsonl, or nmap's XML")
    }

    /// Lines count from 1.
    pub(super) fn wrong_at(&self, line: usize, what: &str) -> Failure {
        Failure::usage(format!("{}:{line}: {what}", self.name()))
    }

    pub(super) fn name(&self) -> String {
        if self.path.as_os_str() == "-" { "standard input".into() } else { self.path.display().to_string() }
    }
}
