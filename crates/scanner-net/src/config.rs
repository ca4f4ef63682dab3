//! `ScanConfig`: every knob of a scan, with its default and its limits.

pub(crate) mod defaults;

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many connections a scanner may have open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionLimit {
    /// Never more than this many sockets. The window of a host still starts small and follows the evidence.
    ///
    /// More than 1,000 ports: hosts are scanned one after another; otherwise side by side.
    Fixed(NonZeroU32),
    /// Starts at 100 and grows on evidence that the path carries more, up to what the descriptor limit of the process
    /// leaves. Hosts are scanned side by side.
    Auto,
}

impl Default for ConnectionLimit {
    fn default() -> Self {
        Self::Fixed(defaults::CONNECTIONS)
    }
}

/// Which ports are reported one by one; the others are reported as sets by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortDetail {
    /// The open ones.
    #[default]
    Open,
    /// All, with round-trip time and attempts. Costs memory and an event for every port.
    All,
}

/// What makes the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[doc(hidden)]
pub enum Connector {
    /// The fastest that the platform has.
    #[default]
    Fast,
    /// The one of all platforms, for comparison.
    Portable,
}

/// How to scan. The default is what suits a library inside another program: at most 100 connections.
///
/// ```
/// use std::time::Duration;
/// use scanner_net::{ConnectionLimit, ScanConfig};
///
/// let config = ScanConfig::default().with_limit(ConnectionLimit::Auto).with_deadline(Duration::from_secs(600));
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ScanConfig {
    /// How many sockets at once. Default: `Fixed(100)`.
    pub limit: ConnectionLimit,
    /// The most sockets at once with [`ConnectionLimit::Auto`], 1 or more; [`ConnectionLimit::Fixed`] has its own number. Default
    /// `None`: what the descriptor limit leaves.
    pub max_connections: Option<NonZeroU32>,
    /// The longest wait for the answer to one attempt, 10 ms to 60 s. Default: 3 s. The wait in force is shorter: it
    /// follows the measured round-trip time.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// How often a silent port is asked again, 0 to 13. Default `None`: at least once, and as often as the measured loss
    /// calls for.
    pub retries: Option<u8>,
    /// The most connection attempts per second, 1 or more. Default `None`: as the path allows.
    pub max_rate: Option<NonZeroU32>,
    /// The most connections to one host at once, 1 or more. Default `None`: the limit of the scan.
    pub max_per_host: Option<NonZeroU32>,
    /// How long one host may take from its first probe; what is not measured by then is `unknown`. Default `None`.
    #[serde(rename = "host_timeout_ms", with = "millis_opt")]
    pub host_timeout: Option<Duration>,
    /// How long the whole scan may take; what is not measured by then is `unknown`. Default `None`.
    #[serde(rename = "deadline_ms", with = "millis_opt")]
    pub deadline: Option<Duration>,
    /// The seed of the order of probes. Default `None`: a new one for each scan, named in its report.
    pub seed: Option<u64>,
    /// Ask every port of every host, even of a host that answers nothing. Default: false.
    pub skip_discovery: bool,
    /// Only find out which hosts are there, by the likeliest ports of the plan and by the neighbour table: a host is finished with
    /// the first sign that it is there, and every port counts as not asked, whatever it answered. All hosts that are up are in
    /// [`ScanReport::up_nothing_open`](scanner_core::ScanReport::up_nothing_open); each comes as an event with its evidence.
    /// [`skip_discovery`](Self::skip_discovery) then means nothing. Default: false.
    pub discover_only: bool,
    /// Which ports are reported one by one. Default: the open ones.
    pub detail: PortDetail,
    /// How many threads make connections, 1 to 16 (Linux; elsewhere it is one). Further ones than the first are started only when
    /// that is busy. Default `None`: one with [`ConnectionLimit::Fixed`]; with [`ConnectionLimit::Auto`] two, where there are as many
    /// processors.
    pub threads: Option<NonZeroU32>,
    #[doc(hidden)]
    #[serde(skip)]
    pub connector: Connector,
}

impl Default for ScanConfig {
    fn default() -> Self {
        Self {
            limit: ConnectionLimit::default(),
            max_connections: None,
            timeout: defaults::MAX_TIMEOUT,
            retries: None,
            max_rate: None,
            max_per_host: None,
            host_timeout: None,
            deadline: None,
            seed: None,
            skip_discovery: false,
            discover_only: false,
            detail: PortDetail::Open,
            threads: None,
            connector: Connector::Fast,
        }
    }
}

/// A value of a [`ScanConfig`] outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}: it goes from {min} to {max}")]
pub struct ConfigError {
    /// The field of [`ScanConfig`].
    pub field: &'static str,
    /// The value given.
    pub value: String,
    /// The smallest value allowed.
    pub min: String,
    /// The largest value allowed.
    pub max: String,
}

impl ScanConfig {
    /// A pace for fragile devices: few connections to a host, a low rate.
    pub fn gentle() -> Self {
        Self {
            limit: ConnectionLimit::Fixed(defaults::GENTLE_CONNECTIONS),
            max_rate: Some(defaults::GENTLE_RATE),
            max_per_host: Some(defaults::GENTLE_PER_HOST),
            ..Self::default()
        }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (min, max) = (defaults::TIMEOUT_FLOOR, defaults::TIMEOUT_CEILING);
        check("timeout", self.timeout, min, max)?;
        if let Some(retries) = self.retries
            && retries > defaults::MAX_RETRIES
        {
            return Err(ConfigError {
                field: "retries",
                value: retries.to_string(),
                min: "0".into(),
                max: defaults::MAX_RETRIES.to_string(),
            });
        }
        if let Some(threads) = self.threads
            && threads > defaults::MAX_THREADS
        {
            return Err(ConfigError {
                field: "threads",
                value: threads.to_string(),
                min: "1".into(),
                max: defaults::MAX_THREADS.to_string(),
            });
        }
        let (shortest, longest) = (Duration::from_millis(1), defaults::LONGEST_SCAN);
        self.host_timeout.map_or(Ok(()), |value| check("host_timeout", value, shortest, longest))?;
        self.deadline.map_or(Ok(()), |value| check("deadline", value, shortest, longest))
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub const fn with_limit(mut self, limit: ConnectionLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Sets [`max_connections`](Self::max_connections).
    #[must_use]
    pub const fn with_max_connections(mut self, connections: NonZeroU32) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// Sets [`timeout`](Self::timeout).
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`retries`](Self::retries).
    #[must_use]
    pub const fn with_retries(mut self, retries: u8) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets [`max_rate`](Self::max_rate), in connection attempts per second.
    #[must_use]
    pub const fn with_max_rate(mut self, rate: NonZeroU32) -> Self {
        self.max_rate = Some(rate);
        self
    }

    /// Sets [`max_per_host`](Self::max_per_host).
    #[must_use]
    pub const fn with_max_per_host(mut self, connections: NonZeroU32) -> Self {
        self.max_per_host = Some(connections);
        self
    }

    /// Sets [`host_timeout`](Self::host_timeout).
    #[must_use]
    pub const fn with_host_timeout(mut self, timeout: Duration) -> Self {
        self.host_timeout = Some(timeout);
        self
    }

    /// Sets [`deadline`](Self::deadline).
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets [`skip_discovery`](Self::skip_discovery).
    #[must_use]
    pub const fn with_skip_discovery(mut self, skip: bool) -> Self {
        self.skip_discovery = skip;
        self
    }

    /// Sets [`discover_only`](Self::discover_only).
    #[must_use]
    pub const fn with_discover_only(mut self, only: bool) -> Self {
        self.discover_only = only;
        self
    }

    /// Sets [`threads`](Self::threads).
    #[must_use]
    pub const fn with_threads(mut self, threads: NonZeroU32) -> Self {
        self.threads = Some(threads);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_connector(mut self, connector: Connector) -> Self {
        self.connector = connector;
        self
    }

    /// Sets [`detail`](Self::detail).
    #[must_use]
    pub const fn with_detail(mut self, detail: PortDetail) -> Self {
        self.detail = detail;
        self
    }
}

fn check(field: &'static str, value: Duration, min: Duration, max: Duration) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let text = |duration: Duration| format!("{duration:?}");
    Err(ConfigError { field, value: text(value), min: text(min), max: text(max) })
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_millis)
    }
}

mod millis_opt {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        value.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(d)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_checked() {
        let ok = ScanConfig::default();
        assert!(ok.validate().is_ok());
        assert!(ScanConfig::gentle().validate().is_ok());
        for (bad, field) in [
            (ok.clone().with_timeout(Duration::from_millis(9)), "timeout"),
            (ok.clone().with_timeout(Duration::from_secs(61)), "timeout"),
            (ok.clone().with_retries(14), "retries"),
            (ok.clone().with_threads(NonZeroU32::new(17).unwrap()), "threads"),
            (ok.clone().with_host_timeout(Duration::ZERO), "host_timeout"),
            (ok.with_deadline(Duration::ZERO), "deadline"),
        ] {
            assert_eq!(bad.validate().unwrap_err().field, field);
        }
    }

    #[test]
    fn the_wire_shape_says_its_units() {
        insta::assert_json_snapshot!(ScanConfig::default(), @r#"
        {
          "limit": {
            "fixed": 100
          },
          "max_connections": null,
          "timeout_ms": 3000,
          "retries": null,
          "max_rate": null,
          "max_per_host": null,
          "host_timeout_ms": null,
          "deadline_ms": null,
          "seed": null,
          "skip_discovery": false,
          "discover_only": false,
          "detail": "open",
          "threads": null
        }
        "#);
        let partial: ScanConfig = serde_json::from_str(r#"{"limit":"auto","deadline_ms":1500}"#).unwrap();
        assert_eq!(
            partial,
            ScanConfig::default()
                .with_limit(ConnectionLimit::Auto)
                .with_deadline(Duration::from_millis(1500))
        );
        assert!(serde_json::from_str::<ScanConfig>(r#"{"rate":1}"#).is_err());
    }
}
