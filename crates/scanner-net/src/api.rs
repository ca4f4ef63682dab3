//! The three functions for those who need no handle: one port, one host, many hosts. Their futures need no runtime of any kind.

use std::net::SocketAddr;

use scanner_core::{
    Completion, HostResult, PortResult, PortSet, PortsByReason, Reason, ScanEvent, ScanReport, Target,
};
use tokio_util::sync::CancellationToken;

use crate::config::{PortDetail, ScanConfig};
use crate::driver::ProgressCallback;
use crate::error::ScanError;
use crate::plan::ScanPlan;
use crate::scanner::Scanner;

/// Asks one port of one address, whether or not the address answers anything. The future needs no particular runtime.
///
/// Silence takes as long as the attempts to a port: two of [`ScanConfig::timeout`] at most, unless
/// [`retries`](ScanConfig::retries) says otherwise.
///
/// # Errors
/// The scan could not run: port 0 is [`ScanError::EmptyPlan`], a value out of its range [`ScanError::Config`], and the system may refuse
/// a thread ([`ScanError::Start`]). What the port answered, silence included, is a value.
pub async fn scan_single_port(addr: SocketAddr, config: &ScanConfig) -> Result<PortResult, ScanError> {
    let config = config.clone().with_detail(PortDetail::All).with_skip_discovery(true);
    let ports = PortSet::from_range(addr.port(), addr.port());
    let host = scan_host_ports(&Target::new(addr), &ports, &config, &CancellationToken::new(), None).await?;
    host.results.into_iter().next().ok_or(ScanError::Stopped)
}

/// Asks `ports` of one host. The future needs no particular runtime.
///
/// Cancelling `cancel` ends the scan, and what was found until then is the result: the rest is `unknown/cancelled`. Dropping the
/// future ends it too, and nobody gets a result. `progress` is called at most ten times a second, on a thread of its own.
///
/// # Errors
/// The scan could not run: no ports ([`ScanError::EmptyPlan`]), a value out of its range ([`ScanError::Config`]), no thread to be had
/// ([`ScanError::Start`]). What the host answered, or failed to, is a value.
pub async fn scan_host_ports(
    target: &Target,
    ports: &PortSet,
    config: &ScanConfig,
    cancel: &CancellationToken,
    progress: Option<ProgressCallback>,
) -> Result<HostResult, ScanError> {
    let plan = ScanPlan::for_host(target, ports);
    let mut scan = Scanner::new(config.clone())?.start_with(plan, cancel.clone(), progress)?;
    let mut found = None;
    while let Some(event) = scan.next_event().await {
        if let ScanEvent::Host(finished) = event {
            found = Some(finished.host);
        }
    }
    let report = scan.finish().await?;
    Ok(found.unwrap_or_else(|| never_begun(target, ports, config.detail, report.completion)))
}

/// Asks every port of every target of a plan. The future needs no particular runtime.
///
/// Cancelling `cancel` ends the scan, and the report says so ([`Completion::Cancelled`]) and has what was found until then. Dropping the
/// future ends it too, and nobody gets a report. `progress` is called at most ten times a second, on a thread of its own. To see
/// results as they are found, take [`Scanner::start`].
///
/// # Errors
/// The scan could not run: a plan without targets or ports ([`ScanError::EmptyPlan`]) or with 2^64 pairs or more
/// ([`ScanError::PlanTooLarge`]), a value out of its range ([`ScanError::Config`]), no thread to be had ([`ScanError::Start`]). What the hosts
/// answered, or failed to, is a value.
pub async fn scan_multiple_hosts(
    plan: ScanPlan,
    config: &ScanConfig,
    cancel: &CancellationToken,
    progress: Option<ProgressCallback>,
) -> Result<ScanReport, ScanError> {
    Scanner::new(config.clone())?.start_with(plan, cancel.clone(), progress)?.finish().await
}

/// The result of a host whose scan was cancelled, or out of time, before it began.
fn never_begun(target: &Target, ports: &PortSet, detail: PortDetail, completion: Completion) -> HostResult {
    let reason = if completion == Completion::Deadline { Reason::Deadline } else { Reason::Cancelled };
    let mut by_reason = PortsByReason::default();
    by_reason.add(reason, ports);
    let results = match detail {
        PortDetail::Open => Vec::new(),
        PortDetail::All => ports.iter().map(|port| PortResult::new(port, reason, None, 0)).collect(),
    };
    HostResult { results, ports: by_reason, ..HostResult::unknown(target) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_was_never_begun_has_a_state_for_every_port() {
        let target = Target::from(std::net::IpAddr::from([127, 0, 0, 1]));
        let ports = PortSet::from_range(1, 3);
        for (completion, reason) in
            [(Completion::Deadline, Reason::Deadline), (Completion::Cancelled, Reason::Cancelled)]
        {
            let host = never_begun(&target, &ports, PortDetail::All, completion);
            assert_eq!(host.results.len(), 3);
            assert!(host.results.iter().all(|result| result.reason == reason));
            assert_eq!(host.ports.get(reason), Some(&ports));
        }
    }
}
