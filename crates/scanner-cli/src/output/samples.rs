//! Hand-made hosts and reports for the tests of the renderers.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scanner_core::{
    AddrSet, Completion, Evidence, ForwardCheck, HostAddr, HostFinished, HostResult, HostStatus, PortResult,
    PortSettled, PortState, Progress, Reason, ReverseName, ScanEvent, ScanReport, ScanStart, Target, Verdict,
};
use scanner_dns::{ResolveError, ResolveErrorKind};

use super::record::{About, NoteFields};
use super::{Beginning, Ending, Output};
use crate::exit::ExitStatus;
use crate::networks::{Interface, Networks};
use crate::settings::{Destination, Format, OutputSettings};

const SCAN_ID: &str = "7f3a";

/// A host, built fact by fact.
pub(crate) struct HostBuilder(HostResult, bool);

impl HostBuilder {
    pub(crate) fn new(ip: &str) -> Self {
        Self(HostResult::unknown(&Target::new(ip.parse::<HostAddr>().unwrap())), false)
    }

    pub(crate) fn name(mut self, name: &str) -> Self {
        self.0.names.push(name.into());
        self
    }

    pub(crate) fn ptr(mut self, name: &str, forward: ForwardCheck) -> Self {
        self.0.ptr = Some(ReverseName { name: name.into(), forward });
        self
    }

    pub(crate) fn open(mut self, port: u16) -> Self {
        let rtt = Some(Duration::from_micros(u64::from(port) * 10));
        self.0.results.push(PortResult::new(port, Reason::Handshake, rtt, 1));
        self.0.ports.add(Reason::Handshake, &port.to_string().parse().unwrap());
        self.up(Reason::Handshake)
    }

    pub(crate) fn refused(self, ports: &str) -> Self {
        self.settled(Reason::Rst, ports).up(Reason::Rst)
    }

    pub(crate) fn settled(mut self, reason: Reason, ports: &str) -> Self {
        self.0.ports.add(reason, &ports.parse().unwrap());
        self
    }

    pub(crate) fn lost(mut self, ports: &str, since_secs: u64) -> Self {
        self.0.lost_since = Some(Duration::from_secs(since_secs));
        self.settled(Reason::HostLost, ports).verdict(Verdict::HostLost)
    }

    pub(crate) fn verdict(mut self, verdict: Verdict) -> Self {
        self.0.verdict = Some(verdict);
        self
    }

    pub(crate) fn down(mut self) -> Self {
        self.0.status = HostStatus::Down;
        self.0.evidence = Some(Reason::NoNeighbour.into());
        self
    }

    /// Known only from the neighbour table.
    pub(crate) fn neighbour(mut self) -> Self {
        self.0.status = HostStatus::Up;
        self.0.evidence = Some(Evidence::Neighbour);
        self
    }

    pub(crate) fn mac(mut self, mac: &str, vendor: Option<&str>) -> Self {
        self.0.mac = Some(mac.parse().unwrap());
        self.0.vendor = vendor.map(str::to_owned);
        self
    }

    pub(crate) fn not_asked(mut self, ports: u32) -> Self {
        self.0.not_asked = ports;
        self
    }

    pub(crate) fn lossy(mut self, miss_bound: f64) -> Self {
        self.0.miss_bound = Some(miss_bound);
        self.0.loss = Some(0.1);
        self
    }

    pub(crate) fn listing_all(mut self) -> Self {
        self.1 = true;
        self
    }

    pub(crate) fn build(mut self) -> HostResult {
        if self.1 {
            for (reason, ports) in self.0.ports.iter().filter(|(reason, _)| reason.state() != PortState::Open)
            {
                self.0.results.extend(ports.iter().map(|port| PortResult::new(port, reason, None, 1)));
            }
            self.0.results.sort_by_key(|result| result.port);
        }
        self.0
    }

    fn up(mut self, evidence: Reason) -> Self {
        self.0.status = HostStatus::Up;
        self.0.evidence = Some(evidence.into());
        self.0.rtt = Some(Duration::from_micros(640));
        self
    }
}

pub(crate) fn settings() -> OutputSettings {
    let destinations = vec![Destination { format: Format::Text, file: None }];
    OutputSettings { destinations, reason: false, open_only: false }
}

static ABOUT: LazyLock<About> = LazyLock::new(|| About {
    version: "0.1.0".into(),
    args: "scanner 192.0.2.0/24".into(),
    port_ranges: "1-1000".parse().unwrap(),
    ..About::default()
});

static FEW: LazyLock<About> =
    LazyLock::new(|| About { port_ranges: "22-24".parse().unwrap(), all_ports: true, ..ABOUT.clone() });

static NETWORKS: LazyLock<Networks> = LazyLock::new(|| {
    let own = Interface {
        name: "eth0".into(),
        index: Some(2),
        ip: "192.0.2.40".parse().unwrap(),
        prefix: 24,
        is_up: true,
        is_point_to_point: false,
    };
    Networks { interfaces: vec![own], gateways: vec!["192.0.2.1".parse().unwrap()] }
});

pub(crate) fn beginning() -> Beginning<'static> {
    Beginning {
        about: &ABOUT,
        networks: &NETWORKS,
        targets: 254,
        addr_width: 11,
        unresolved: &[],
        notes: &[],
    }
}

/// The beginning of a scan of few ports, each of which is listed.
pub(crate) fn few_ports() -> Beginning<'static> {
    Beginning { about: &FEW, ..beginning() }
}

pub(crate) fn note(message: &str) -> NoteFields {
    NoteFields { code: "target".into(), message: message.into() }
}

/// When every sample was found.
pub(crate) fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_708)
}

pub(crate) fn unresolved() -> [ResolveError; 1] {
    let kind = ResolveErrorKind::Lookup("name or service not known".into());
    [ResolveError { name: "gone.invalid".into(), kind }]
}

/// A report of these hosts, as the engine would make it.
pub(crate) fn report(hosts: &[HostResult], targets: u64) -> ScanReport {
    let set = |wanted: &dyn Fn(&HostResult) -> bool| -> AddrSet {
        hosts.iter().filter(|host| wanted(host)).map(|host| host.ip).collect()
    };
    let is_full = |host: &HostResult| host.open().next().is_some() || host.verdict.is_some();
    let mut progress = Progress { elapsed: Duration::from_secs(14), targets, ..Progress::default() };
    let mut report = ScanReport {
        scan_id: SCAN_ID.into(),
        seed: 9_021,
        completion: Completion::Complete,
        progress,
        hosts: hosts.iter().filter(|host| is_full(host)).cloned().collect(),
        up_nothing_open: set(&|host| host.status == HostStatus::Up && !is_full(host)),
        down: set(&|host| host.status == HostStatus::Down),
        no_answer: set(&|host| host.status == HostStatus::Unknown && !host.has_unknown()),
        not_measured_hosts: set(&|host| host.status == HostStatus::Unknown && host.has_unknown()),
        not_measured: std::collections::BTreeMap::new(),
        notes: Vec::new(),
    };
    for host in hosts {
        progress.targets_up += u64::from(host.status == HostStatus::Up);
        progress.not_asked += u64::from(host.not_asked);
        progress.probes += u64::from(host.not_asked);
        for (reason, ports) in host.ports.iter() {
            progress.count(reason.state(), ports.len() as u64);
            progress.probes += ports.len() as u64;
            if reason.state() == PortState::Unknown {
                *report.not_measured.entry(reason).or_default() += ports.len() as u64;
                report.completion = Completion::Incomplete;
            }
        }
    }
    report.progress = progress;
    report
}

/// Everything that a format writes about these hosts.
pub(crate) fn render(output: &mut dyn Output, hosts: &[HostResult], unresolved: &[ResolveError]) -> String {
    render_report(output, hosts, &report(hosts, 254), unresolved)
}

/// The same with a report of one's own.
pub(crate) fn render_report(
    output: &mut dyn Output,
    hosts: &[HostResult],
    report: &ScanReport,
    unresolved: &[ResolveError],
) -> String {
    render_ending(output, hosts, &ending(report, unresolved))
}

/// The same with an end of one's own.
pub(crate) fn render_ending(output: &mut dyn Output, hosts: &[HostResult], ending: &Ending<'_>) -> String {
    let mut out = Vec::new();
    let scan_id = || SCAN_ID.to_owned();
    let start = ScanStart { scan_id: scan_id(), seed: 9_021, targets: 254, ports: Some(1_000) };
    output.event(&ScanEvent::ScanStart(start), noon(), &mut out).unwrap();
    for host in hosts {
        for result in &host.results {
            let (ip, names, result) = (host.ip, host.names.clone(), result.clone());
            output
                .event(
                    &ScanEvent::Port(PortSettled { scan_id: scan_id(), ip, names, result }),
                    noon(),
                    &mut out,
                )
                .unwrap();
        }
        let finished = HostFinished { scan_id: scan_id(), host: host.clone() };
        output.event(&ScanEvent::Host(finished), noon(), &mut out).unwrap();
    }
    output.finish(ending, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The end of a scan without a deadline.
pub(crate) fn ending<'a>(report: &'a ScanReport, unresolved: &'a [ResolveError]) -> Ending<'a> {
    let complete = report.completion == Completion::Complete && unresolved.is_empty();
    let status = if complete { ExitStatus::Complete } else { ExitStatus::Incomplete };
    Ending {
        report,
        finished: noon(),
        status,
        unresolved,
        deadline: None,
        skip_discovery: false,
        discover_only: false,
        comparison: None,
    }
}
