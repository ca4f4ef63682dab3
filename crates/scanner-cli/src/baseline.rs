//! `Baseline`: the earlier scan that a scan, or another file, is compared with.

use std::path::Path;

use scanner_core::{Comparison, Findings, compare};

use crate::failure::Failure;
use crate::stored::Stored;

/// What an earlier scan found.
#[derive(Debug)]
pub(crate) struct Baseline {
    findings: Findings,
}

impl Baseline {
    /// Reads it before the scan: a baseline that cannot be read must not cost an hour.
    ///
    /// # Errors
    /// A file that is no result of a scan.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let stored = Stored::read(path)?;
        Ok(Self { findings: stored.findings()? })
    }

    /// What is not as it was.
    pub(crate) fn compare(&self, new: &Findings) -> Comparison {
        compare(&self.findings, new)
    }
}
