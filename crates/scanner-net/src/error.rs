//! `ScanError`: why a scan could not run. What a port answered is a value, never an error.

use serde::ser::{SerializeStruct, Serializer};

use crate::config::ConfigError;

/// The scan could not run.
///
/// Serialises as `{code, message, hint}`; the codes are stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// A value of the configuration is out of range.
    #[error("bad configuration")]
    Config(#[from] ConfigError),
    /// There is no target, or no port, to scan.
    #[error("nothing to scan: the plan has no {0}")]
    EmptyPlan(&'static str),
    /// More probes than a scan can count.
    #[error("the plan has {0} probes, more than a scan can count")]
    PlanTooLarge(u128),
    /// The operating system refused what every scan needs: a thread or a readiness set.
    #[error("cannot start the engine")]
    Start(#[source] std::io::Error),
    /// The engine's thread ended without a report.
    #[error("the engine stopped without a report")]
    Stopped,
}

impl ScanError {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "bad-config",
            Self::EmptyPlan(_) => "empty-plan",
            Self::PlanTooLarge(_) => "plan-too-large",
            Self::Start(_) => "cannot-start",
            Self::Stopped => "engine-stopped",
        }
    }

    /// What the caller can do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Config(_) => Some("correct the value named in the message"),
            Self::EmptyPlan(_) => Some("give at least one target and one port"),
            Self::PlanTooLarge(_) => Some("split the targets into smaller scans"),
            Self::Start(_) => Some("raise the limits on open files and threads of this process"),
            Self::Stopped => None,
        }
    }
}

impl serde::Serialize for ScanError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        let mut out = serializer.serialize_struct("ScanError", 3)?;
        out.serialize_field("code", self.code())?;
        out.serialize_field("message", &message)?;
        out.serialize_field("hint", &self.hint())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ScanConfig;

    #[test]
    fn serialises_with_its_cause() {
        let config = ScanConfig::default().with_retries(99).validate().unwrap_err();
        let error = serde_json::to_string(&ScanError::from(config)).unwrap();
        insta::assert_snapshot!(error, @r#"{"code":"bad-config","message":"bad configuration: retries is 99: it goes from 0 to 13","hint":"correct the value named in the message"}"#);
    }
}
