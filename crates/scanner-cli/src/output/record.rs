//! The shape of `jsonl`, our canonical format, and of `json`, which is made of the same parts.
//!
//! What is written here is read by other people's programs and by later versions: fields are added, never changed.
//! `scanner schema` prints what these types say; `cargo xtask codegen` keeps a copy beside the crate.

mod schema;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use scanner_core::{
    AddrSet, Change, Comparison, Completion, Evidence, HostAddr, HostResult, HostStatus, MacAddr, PortResult,
    PortSet, PortState, PortsByReason, Progress, Protocol, Reason, ReverseName, ServiceBasis, Target,
    Verdict,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::networks::Networks;
use crate::output::{Ending, ending};

pub(crate) use schema::{document_schema, record_schema};

/// The version of the shape. A reader refuses any other.
pub(crate) const SCHEMA: u32 = 1;

/// Refuses any other version: a reader that guesses at a shape it does not know would lie.
///
/// # Errors
/// Another version, or no number.
pub(crate) fn known_schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let schema = u32::deserialize(deserializer)?;
    if schema == SCHEMA {
        return Ok(schema);
    }
    let advice = "use the version that wrote it, or a later one";
    let what = format_args!("schema {schema} is not known; this scanner reads schema {SCHEMA}: {advice}");
    Err(de::Error::custom(what))
}

/// One line of `jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The first record.
    ScanStart(StartRecord),
    /// Something about the scan itself.
    Note(NoteRecord),
    /// A name without address: it was asked for and is not scanned.
    Unresolved(UnresolvedRecord),
    /// A port: an open one, or any where few were asked for.
    Port(PortRecord),
    /// A host that is finished, with every port by state and reason.
    Host(HostRecord),
    /// Something that is not as in the baseline.
    Change(ChangeRecord),
    /// The last record; without it the scan was killed.
    ScanEnd(EndRecord),
    /// A record of a later version.
    #[serde(other)]
    #[schemars(skip)]
    Other,
}

/// The scan began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StartRecord {
    /// The version of this shape.
    #[serde(deserialize_with = "known_schema")]
    #[schemars(schema_with = "schema::version")]
    pub(crate) schema: u32,
    /// Carried by every record of the scan.
    pub(crate) scan_id: String,
    /// When it began.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// What the scan was and how it was asked for.
    #[serde(flatten)]
    pub(crate) about: About,
    /// The seed of the order of probes.
    pub(crate) seed: String,
    /// How many addresses are scanned.
    pub(crate) targets: String,
    /// How many ports of each; null where that differs.
    pub(crate) ports: Option<u32>,
}

/// What a scan was and how it was asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "one question each")]
pub(crate) struct About {
    /// The version of the scanner.
    pub(crate) version: String,
    /// The command line.
    #[serde(default)]
    pub(crate) args: String,
    /// The ports that were asked for, of any host.
    #[serde(default)]
    #[schemars(schema_with = "schema::ports")]
    pub(crate) port_ranges: PortSet,
    /// Whether hosts were asked for different ports.
    #[serde(default)]
    pub(crate) own_ports: bool,
    /// Whether every port is reported, whatever its state.
    #[serde(default)]
    pub(crate) all_ports: bool,
    /// Whether hosts that answer nothing were to be asked for every port.
    #[serde(default)]
    pub(crate) skip_discovery: bool,
    /// Whether nothing but which hosts are there was to be found out.
    #[serde(default)]
    pub(crate) discover_only: bool,
}

/// Something about the scan itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NoteRecord {
    /// The scan.
    pub(crate) scan_id: String,
    /// When it was said.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// What was said.
    #[serde(flatten)]
    pub(crate) note: NoteFields,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NoteFields {
    /// A stable word for programs.
    pub(crate) code: String,
    /// One line for people.
    pub(crate) message: String,
}

/// A name without address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct UnresolvedRecord {
    /// The scan.
    pub(crate) scan_id: String,
    /// When it was written.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// Which name, and why.
    #[serde(flatten)]
    pub(crate) unresolved: UnresolvedFields,
}

/// A name without address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct UnresolvedFields {
    /// The name as it was given.
    pub(crate) name: String,
    /// Why it has none.
    pub(crate) message: String,
}

/// A port was settled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PortRecord {
    /// The scan.
    pub(crate) scan_id: String,
    /// When it was settled.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// Whose port it is.
    #[serde(flatten)]
    pub(crate) host: NameFields,
    /// What was found.
    #[serde(flatten)]
    pub(crate) port: PortFields,
}

/// Who a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NameFields {
    /// The first name that led to the address; absent where the user typed the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// Every name that led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) names: Vec<String>,
    /// The address.
    #[schemars(with = "String")]
    pub(crate) ip: HostAddr,
}

/// What was found out about a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PortFields {
    /// 1 to 65,535.
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
    /// Always `tcp`.
    #[schemars(schema_with = "schema::protocol")]
    pub(crate) protocol: Protocol,
    /// What the port is.
    #[schemars(schema_with = "schema::state")]
    pub(crate) state: PortState,
    /// Why it has this state.
    #[schemars(schema_with = "schema::reason")]
    pub(crate) reason: Reason,
    /// The name that the registry gives the port.
    pub(crate) service: Option<String>,
    /// Where the name comes from.
    #[schemars(schema_with = "schema::service_basis")]
    pub(crate) service_basis: Option<ServiceBasis>,
    /// The round-trip time of the attempt that was answered, in microseconds.
    pub(crate) rtt_us: Option<u64>,
    /// How often the port was asked: connection attempts made at the same moment count as one.
    pub(crate) attempts: u8,
}

/// A host is finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HostRecord {
    /// The scan.
    pub(crate) scan_id: String,
    /// When it was finished.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// What was found.
    #[serde(flatten)]
    pub(crate) host: HostFields,
}

/// What was found out about a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HostFields {
    /// Who it is.
    #[serde(flatten)]
    pub(crate) name: NameFields,
    /// The name that the DNS has for the address, and whether it leads back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::ptr")]
    pub(crate) ptr: Option<ReverseName>,
    /// What it is to the machine that scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
    /// Whether it is there.
    #[schemars(schema_with = "schema::status")]
    pub(crate) status: HostStatus,
    /// What showed that it is, or is not.
    #[schemars(schema_with = "schema::evidence")]
    pub(crate) evidence: Option<Evidence>,
    /// Its hardware address, where it is on the scanning machine's own network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) mac_address: Option<MacAddr>,
    /// Who made its network card, where the system has a list of makers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vendor: Option<String>,
    /// Its smoothed round-trip time in microseconds.
    pub(crate) rtt_us: Option<u64>,
    /// The share of attempts to answering ports that stayed without answer; null without any answer.
    pub(crate) loss: Option<f64>,
    /// Upper bound (95 %) of the chance that a port called `no-reply` would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) miss_bound: Option<f64>,
    /// What the host as a whole did, where it changes how the ports are to be read.
    #[schemars(schema_with = "schema::verdict")]
    pub(crate) verdict: Option<Verdict>,
    /// When the last answer of a host that was lost came, in milliseconds since the scan began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lost_since_ms: Option<u64>,
    /// Every settled port by state and reason.
    #[schemars(schema_with = "schema::ports_by_reason")]
    pub(crate) ports: PortsByReason,
    /// How many ports were never asked because the host was judged down or silent.
    pub(crate) not_asked: u32,
}

/// What a host is to the machine that scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// It is the same machine.
    ThisMachine,
    /// It is the next hop of a default route.
    Gateway,
}

/// Something is not as in the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ChangeRecord {
    /// The scan.
    pub(crate) scan_id: String,
    /// When it was written.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// Which host.
    #[schemars(with = "String")]
    pub(crate) ip: HostAddr,
    /// Its names.
    pub(crate) names: Vec<String>,
    /// What is different.
    #[serde(flatten)]
    #[schemars(schema_with = "schema::change")]
    pub(crate) change: Change,
}

/// The scan ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EndRecord {
    /// The scan.
    pub(crate) scan_id: String,
    /// When it ended.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) timestamp: SystemTime,
    /// How it ended.
    #[serde(flatten)]
    pub(crate) end: EndFields,
    /// The names without address.
    pub(crate) unresolved: Vec<String>,
}

/// How a scan ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EndFields {
    /// Whether everything was measured.
    #[schemars(schema_with = "schema::completion")]
    pub(crate) completion: Completion,
    /// What the shell saw.
    pub(crate) exit_status: u8,
    /// How long it took, in milliseconds.
    pub(crate) elapsed_ms: u64,
    /// The deadline, where one was set, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline_ms: Option<u64>,
    /// Ports that could not be measured, by reason.
    #[schemars(schema_with = "schema::not_measured")]
    pub(crate) not_measured: BTreeMap<Reason, u64>,
    /// The final counters.
    #[serde(default)]
    #[schemars(schema_with = "schema::counters")]
    pub(crate) counters: Progress,
}

/// The whole of `json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Document {
    /// The version of this shape.
    #[serde(deserialize_with = "known_schema")]
    #[schemars(schema_with = "schema::version")]
    pub(crate) schema: u32,
    /// Identifies the scan.
    pub(crate) scan_id: String,
    /// When it began.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) started: SystemTime,
    /// When it ended.
    #[serde(with = "crate::clock::wire")]
    #[schemars(schema_with = "schema::timestamp")]
    pub(crate) finished: SystemTime,
    /// What it was and how it was asked for.
    #[serde(flatten)]
    pub(crate) about: About,
    /// The seed of the order of probes.
    pub(crate) seed: String,
    /// How many addresses were scanned.
    pub(crate) targets: String,
    /// How many ports of each; null where that differs.
    pub(crate) ports: Option<usize>,
    /// How it ended.
    #[serde(flatten)]
    pub(crate) end: EndFields,
    /// Hosts that answered or have a name, sorted by address; beyond 4,096 targets only those with an open port or a verdict.
    pub(crate) hosts: Vec<DocumentHost>,
    /// Hosts that are up and have nothing open that is known; all that are up, with `discover_only`.
    #[schemars(schema_with = "schema::addrs")]
    pub(crate) up_nothing_open: AddrSet,
    /// Hosts that the network said are not there.
    #[schemars(schema_with = "schema::addrs")]
    pub(crate) down: AddrSet,
    /// Hosts that never answered.
    #[schemars(schema_with = "schema::addrs")]
    pub(crate) no_answer: AddrSet,
    /// Hosts of which nothing at all could be measured.
    #[schemars(schema_with = "schema::addrs")]
    pub(crate) not_measured_hosts: AddrSet,
    /// The names without address.
    pub(crate) unresolved: Vec<UnresolvedFields>,
    /// What there is to know about the scan itself.
    pub(crate) notes: Vec<NoteFields>,
    /// What is not as in the baseline, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::comparison")]
    pub(crate) comparison: Option<Comparison>,
}

/// A host of `json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DocumentHost {
    /// What was found out about it.
    #[serde(flatten)]
    pub(crate) host: HostFields,
    /// Its ports in full: the open ones, or all where few were asked for.
    pub(crate) results: Vec<PortFields>,
}

impl About {
    /// How many ports each host was asked for, where that is the same.
    pub(crate) fn ports_each(&self) -> Option<usize> {
        (!self.own_ports).then(|| self.port_ranges.len())
    }
}

impl NameFields {
    pub(crate) fn new(ip: HostAddr, names: &[String]) -> Self {
        Self { host: names.first().cloned(), names: names.to_vec(), ip }
    }
}

impl PortFields {
    pub(crate) fn new(result: &PortResult) -> Self {
        Self {
            port: result.port,
            protocol: result.protocol,
            state: result.state,
            reason: result.reason,
            service: result.service.clone(),
            service_basis: result.service_basis,
            rtt_us: result.rtt.map(micros),
            attempts: result.attempts,
        }
    }

    /// The same as the library has it. The state follows from the reason, whatever the file says.
    pub(crate) fn into_result(self) -> PortResult {
        let rtt = self.rtt_us.map(Duration::from_micros);
        PortResult {
            service: self.service,
            service_basis: self.service_basis,
            protocol: self.protocol,
            ..PortResult::new(self.port, self.reason, rtt, self.attempts)
        }
    }
}

impl HostFields {
    pub(crate) fn new(host: &HostResult, networks: &Networks) -> Self {
        Self {
            name: NameFields::new(host.ip, &host.names),
            ptr: host.ptr.clone(),
            role: Role::of(host.ip, networks),
            status: host.status,
            evidence: host.evidence,
            mac_address: host.mac,
            vendor: host.vendor.clone(),
            rtt_us: host.rtt.map(micros),
            loss: host.loss,
            miss_bound: host.miss_bound,
            verdict: host.verdict,
            lost_since_ms: host.lost_since.map(millis),
            ports: host.ports.clone(),
            not_asked: host.not_asked,
        }
    }

    /// The same as the library has it, with these ports in full.
    pub(crate) fn into_host(self, results: Vec<PortResult>) -> HostResult {
        HostResult {
            names: self.name.names,
            ptr: self.ptr,
            status: self.status,
            evidence: self.evidence,
            mac: self.mac_address,
            vendor: self.vendor,
            rtt: self.rtt_us.map(Duration::from_micros),
            loss: self.loss,
            miss_bound: self.miss_bound,
            verdict: self.verdict,
            lost_since: self.lost_since_ms.map(Duration::from_millis),
            results,
            ports: self.ports,
            not_asked: self.not_asked,
            ..HostResult::unknown(&Target::from(self.name.ip))
        }
    }
}

impl EndFields {
    pub(crate) fn new(end: &Ending<'_>) -> Self {
        Self {
            completion: ending(end),
            exit_status: end.status.code(),
            elapsed_ms: millis(end.report.progress.elapsed),
            deadline_ms: end.deadline.map(millis),
            not_measured: end.report.not_measured.clone(),
            counters: end.report.progress,
        }
    }
}

impl Role {
    /// What the host is to this machine, where it is anything.
    pub(crate) fn of(ip: HostAddr, networks: &Networks) -> Option<Self> {
        if networks.is_own(ip) {
            Some(Self::ThisMachine)
        } else {
            networks.is_gateway(ip).then_some(Self::Gateway)
        }
    }
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
