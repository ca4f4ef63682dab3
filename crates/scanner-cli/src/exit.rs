//! The exit statuses of the command.

use std::process::ExitCode;

/// How the command ended, as the caller of the process sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: the scan is complete, whatever it found.
    Complete,
    /// 1: the scan found what `--fail-if` names.
    Violation,
    /// 2: wrong usage, configuration or target; or no usable target at all.
    Usage,
    /// 3: the scan ran and is incomplete.
    Incomplete,
    /// 128 + signal: ended by a signal, with everything found so far written out.
    Signal(u8),
}

impl ExitStatus {
    /// Every status that the command documents.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::Complete,
        Self::Violation,
        Self::Usage,
        Self::Incomplete,
        Self::Signal(1),
        Self::Signal(2),
        Self::Signal(15),
    ];

    /// The status that a file says its scan ended with.
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Complete,
            1 => Self::Violation,
            2 => Self::Usage,
            129.. => Self::Signal(code - 128),
            _ => Self::Incomplete,
        }
    }

    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Violation => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Signal(number) => 128 + number,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
