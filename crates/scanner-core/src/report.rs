//! What a scan found: per port, per host, and as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::addr_set::AddrSet;
use crate::host_addr::HostAddr;
use crate::mac_addr::MacAddr;
use crate::outcome::{Evidence, PortState, Reason, Verdict};
use crate::port_set::PortSet;
use crate::progress::Progress;
use crate::reverse_name::ReverseName;
use crate::service::get_service_name;
use crate::target::Target;

/// The answer about one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortResult {
    /// The port, 1 to 65,535.
    pub port: u16,
    /// Always `tcp`.
    pub protocol: Protocol,
    /// What the port is.
    pub state: PortState,
    /// Why the port has this state.
    pub reason: Reason,
    /// The name that the registry gives the port, where it has one.
    pub service: Option<String>,
    /// Where `service` comes from; a port number proves nothing about what listens there.
    pub service_basis: Option<ServiceBasis>,
    /// Round-trip time of the attempt that was answered, in microseconds on the wire; from the kernel's own measurement for open
    /// ports. `None` where nothing came back.
    #[serde(rename = "rtt_us", with = "crate::wire::micros")]
    pub rtt: Option<Duration>,
    /// How often the port was asked: connection attempts made at the same moment count as one. 0 where it never was.
    pub attempts: u8,
}

impl PortResult {
    /// A result with the service name that belongs to the port number.
    pub fn new(port: u16, reason: Reason, rtt: Option<Duration>, attempts: u8) -> Self {
        let service = get_service_name(port).map(str::to_owned);
        Self {
            port,
            protocol: Protocol::Tcp,
            state: reason.state(),
            reason,
            service_basis: service.is_some().then_some(ServiceBasis::PortNumber),
            service,
            rtt,
            attempts,
        }
    }
}

/// The transport protocol of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// The Transmission Control Protocol.
    Tcp,
}

/// How a service name was arrived at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ServiceBasis {
    /// The registry's name for the port number; nothing was asked of the service itself.
    PortNumber,
}

/// Whether a host is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostStatus {
    /// The host answered: on a port, or as a neighbour.
    Up,
    /// The network, or the lack of a neighbour with this address, said that it is not there.
    Down,
    /// No answer at all, or nothing could be sent.
    #[default]
    Unknown,
}

impl HostStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Up, Self::Down, Self::Unknown];

    /// The word used on the wire and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for HostStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Ports by state and reason, as merged ranges. Whoever adds to it gives no port a second reason; where one is read, that is an
/// error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortsByReason(BTreeMap<(PortState, Reason), PortSet>);

impl PortsByReason {
    /// Adds ports under a reason.
    pub fn add(&mut self, reason: Reason, ports: &PortSet) {
        if !ports.is_empty() {
            let set = self.0.entry((reason.state(), reason)).or_default();
            *set = set.union(ports);
        }
    }

    /// The ports that have `reason`.
    pub fn get(&self, reason: Reason) -> Option<&PortSet> {
        self.0.get(&(reason.state(), reason))
    }

    /// Every reason with its ports, by state, then reason.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, &PortSet)> {
        self.0.iter().map(|((_, reason), ports)| (*reason, ports))
    }

    /// How many ports are in `state`.
    pub fn count(&self, state: PortState) -> usize {
        self.iter().filter(|(reason, _)| reason.state() == state).map(|(_, ports)| ports.len()).sum()
    }

    /// The state of `port` and why, where it was settled.
    pub fn state_of(&self, port: u16) -> Option<(PortState, Reason)> {
        self.0.iter().find(|(_, ports)| ports.contains(port)).map(|(key, _)| *key)
    }
}

#[derive(Serialize, Deserialize)]
struct CountedPorts {
    count: usize,
    ports: PortSet,
}

impl Serialize for PortsByReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut by_state: BTreeMap<PortState, BTreeMap<Reason, CountedPorts>> = BTreeMap::new();
        for (reason, ports) in self.iter() {
            let counted = CountedPorts { count: ports.len(), ports: ports.clone() };
            by_state.entry(reason.state()).or_default().insert(reason, counted);
        }
        let mut map = serializer.serialize_map(Some(by_state.len()))?;
        for (state, reasons) in &by_state {
            map.serialize_entry(state, reasons)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for PortsByReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_state = BTreeMap::<PortState, BTreeMap<Reason, CountedPorts>>::deserialize(deserializer)?;
        let (mut all, mut known) = (Self::default(), PortSet::EMPTY);
        for (state, reasons) in by_state {
            for (reason, counted) in reasons {
                if reason.state() != state {
                    return Err(de::Error::custom(format_args!(
                        "reason `{reason}` does not belong to `{state}`"
                    )));
                }
                let twice = known.intersection(&counted.ports);
                if !twice.is_empty() {
                    return Err(de::Error::custom(format_args!("more than one state or reason for {twice}")));
                }
                known = known.union(&counted.ports);
                all.add(reason, &counted.ports);
            }
        }
        Ok(all)
    }
}

/// What was found out about one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostResult {
    /// The address that was scanned.
    pub ip: HostAddr,
    /// Every name that led to it, in the order in which they were given.
    pub names: Vec<String>,
    /// The name that the DNS has for the address, where it was looked up and found. The engine knows no names: whoever
    /// looks them up fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ptr: Option<ReverseName>,
    /// Whether the host is there.
    pub status: HostStatus,
    /// What showed that it is, or is not; `None` where nothing did.
    pub evidence: Option<Evidence>,
    /// The hardware address, where the host is on this machine's own network and the kernel knows it.
    #[serde(rename = "mac_address", default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Who made its network card, where the hardware address tells. The engine knows no makers: whoever does fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The host's smoothed round-trip time, in microseconds on the wire; `None` before its first answer.
    #[serde(rename = "rtt_us", with = "crate::wire::micros")]
    pub rtt: Option<Duration>,
    /// The share of attempts to answering ports that stayed without answer, 0 to 1; `None` without any answer.
    pub loss: Option<f64>,
    /// Upper bound (95 %) of the chance, 0 to 1, that a port called `no-reply` would have answered; `None` where no port is
    /// called so, or where the host never answered.
    pub miss_bound: Option<f64>,
    /// What the host as a whole did, where it changes how the ports are to be read.
    pub verdict: Option<Verdict>,
    /// When the last answer came, since the scan began, for a host that was lost.
    #[serde(rename = "lost_since_ms", with = "crate::wire::millis_opt", default)]
    pub lost_since: Option<Duration>,
    /// Ports in full, sorted by port: the open ones, or all where the configuration asks for all.
    pub results: Vec<PortResult>,
    /// Every settled port, by state and reason.
    pub ports: PortsByReason,
    /// How many ports were never asked because the host was judged down or silent.
    pub not_asked: u32,
}

impl HostResult {
    /// A host of which nothing is known.
    pub fn unknown(target: &Target) -> Self {
        Self {
            ip: target.addr,
            names: target.names.clone(),
            ptr: None,
            status: HostStatus::Unknown,
            evidence: None,
            mac: None,
            vendor: None,
            rtt: None,
            loss: None,
            miss_bound: None,
            verdict: None,
            lost_since: None,
            results: Vec::new(),
            ports: PortsByReason::default(),
            not_asked: 0,
        }
    }

    /// The state of `port` and why; `None` where it was not asked.
    pub fn state_of(&self, port: u16) -> Option<(PortState, Reason)> {
        self.ports.state_of(port)
    }

    /// The open ports, in ascending order.
    pub fn open(&self) -> impl Iterator<Item = &PortResult> {
        self.results.iter().filter(|result| result.state == PortState::Open)
    }

    /// Whether some port could not be measured.
    pub fn has_unknown(&self) -> bool {
        self.ports.count(PortState::Unknown) > 0
    }
}

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// Every port was measured, or its host judged down.
    #[default]
    Complete,
    /// The scan ran to its end, but some ports could not be measured.
    Incomplete,
    /// The deadline came first; what was found until then is kept.
    Deadline,
    /// The scan was cancelled; what was found until then is kept.
    Cancelled,
}

impl Completion {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Incomplete, Self::Deadline, Self::Cancelled];

    /// The word used on the wire and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something about the scan itself that its reader should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A stable word for programs.
    pub code: String,
    /// One line for people.
    pub message: String,
}

/// The result of a whole scan.
///
/// Hosts with an open port or a verdict are kept in full; the others only as sets of addresses, so that the report of
/// a /8 costs no more memory than that of a /24.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanReport {
    /// The identifier that every event of the scan carried.
    pub scan_id: String,
    /// The seed of the order of probes, a string on the wire; the same seed and plan give the same order.
    #[serde(with = "crate::wire::text")]
    pub seed: u64,
    /// How the scan ended.
    pub completion: Completion,
    /// The final counters.
    pub progress: Progress,
    /// Hosts with an open port or a verdict, sorted by address.
    pub hosts: Vec<HostResult>,
    /// Hosts that are up and have nothing open that is known; all that are up, where nothing else was to be found out.
    pub up_nothing_open: AddrSet,
    /// Hosts that the network said are not there.
    pub down: AddrSet,
    /// Hosts that never answered.
    pub no_answer: AddrSet,
    /// Hosts of which nothing at all could be measured.
    pub not_measured_hosts: AddrSet,
    /// Ports that could not be measured, by reason; addresses that were never reached count in full.
    pub not_measured: BTreeMap<Reason, u64>,
    /// What the reader should know about the scan itself.
    pub notes: Vec<Note>,
}

impl ScanReport {
    /// The open ports of all hosts, by address, then port.
    pub fn open_ports(&self) -> impl Iterator<Item = (&HostResult, &PortResult)> {
        self.hosts.iter().flat_map(|host| host.open().map(move |port| (host, port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_by_reason_by_state_and_by_number() {
        let mut ports = PortsByReason::default();
        for (reason, set) in [
            (Reason::Rst, "1-20"),
            (Reason::Handshake, "22,80"),
            (Reason::NoReply, ""),
            (Reason::Refused, "25"),
            (Reason::Rst, "23-24"),
        ] {
            ports.add(reason, &serde_json::from_value(set.into()).unwrap());
        }
        let all: Vec<_> = ports.iter().map(|(reason, set)| (reason, set.to_string())).collect();
        let all: Vec<_> = all.iter().map(|(reason, set)| (*reason, &**set)).collect();
        assert_eq!(all, [(Reason::Handshake, "22,80"), (Reason::Rst, "1-20,23-24"), (Reason::Refused, "25")]);
        assert_eq!(ports.get(Reason::Rst).map(PortSet::len), Some(22));
        assert_eq!(ports.get(Reason::NoReply), None, "no reason without ports");
        let counts = PortState::ALL.map(|state| ports.count(state));
        assert_eq!(PortState::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).count(), 2);
        assert_eq!((ports.count(PortState::Open), ports.count(PortState::Closed)), (2, 23));

        let mut host =
            HostResult { ports, ..HostResult::unknown(&Target::new(std::net::IpAddr::from([192, 0, 2, 1]))) };
        assert_eq!(host.state_of(80), Some((PortState::Open, Reason::Handshake)));
        assert_eq!(host.state_of(25), Some((PortState::Closed, Reason::Refused)));
        assert_eq!(host.state_of(81), None);
        assert!(!host.has_unknown());
        for (port, reason) in [(22, Reason::Handshake), (25, Reason::Refused), (80, Reason::Handshake)] {
            host.results.push(PortResult::new(port, reason, None, 1));
        }
        assert_eq!(host.open().map(|result| result.port).collect::<Vec<_>>(), [22, 80]);
        host.ports.add(Reason::LocalLimit, &PortSet::from_range(81, 81));
        assert!(host.has_unknown());
    }

    #[test]
    fn the_open_ports_of_a_report_are_those_of_its_hosts() {
        let host = |last: u8, ports: &[u16]| {
            let mut host = HostResult::unknown(&Target::new(std::net::IpAddr::from([192, 0, 2, last])));
            host.results = ports.iter().map(|&p| PortResult::new(p, Reason::Handshake, None, 1)).collect();
            host.results.push(PortResult::new(9, Reason::Rst, None, 1));
            host
        };
        let report = ScanReport {
            scan_id: String::new(),
            seed: 1,
            completion: Completion::Complete,
            progress: Progress::default(),
            hosts: vec![host(1, &[22, 80]), host(2, &[]), host(3, &[443])],
            up_nothing_open: AddrSet::default(),
            down: AddrSet::default(),
            no_answer: AddrSet::default(),
            not_measured_hosts: AddrSet::default(),
            not_measured: BTreeMap::new(),
            notes: Vec::new(),
        };
        let open: Vec<_> = report.open_ports().map(|(host, port)| (host.ip.to_string(), port.port)).collect();
        let expected = [("192.0.2.1", 22), ("192.0.2.1", 80), ("192.0.2.3", 443)];
        assert_eq!(open, expected.map(|(ip, port)| (ip.to_owned(), port)));
    }

    #[test]
    fn words_on_the_wire_are_words_on_the_screen() {
        for completion in Completion::ALL {
            assert_eq!(serde_json::to_value(completion).unwrap(), completion.as_str());
            assert_eq!(format!("{completion:>10}").trim_start(), completion.as_str());
        }
        for status in [HostStatus::Up, HostStatus::Down, HostStatus::Unknown] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.to_string(), status.as_str());
        }
    }
}
