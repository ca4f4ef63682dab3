//! Comparison of two scans: what appeared, went and changed, and what cannot be compared.
//!
//! One rule above all: what was not measured, or not asked, on either side is never a change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::addr_set::AddrSet;
use crate::host_addr::HostAddr;
use crate::outcome::{PortState, Reason, Verdict};
use crate::port_set::PortSet;
use crate::report::{HostResult, HostStatus, PortsByReason};

/// What one scan says about each address, as far as it can be compared with another scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    up: BTreeMap<HostAddr, Seen>,
    nothing_open: AddrSet,
    absent: AddrSet,
    /// The ports that every host of `nothing_open` was asked for.
    asked: PortSet,
}

/// A host that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    names: Vec<String>,
    verdict: Option<Verdict>,
    ports: PortsByReason,
}

impl Findings {
    /// Adds a host. One of which nothing is known adds nothing: it cannot be compared.
    pub fn add(&mut self, host: &HostResult) {
        match host.status {
            HostStatus::Up => {
                let (names, ports) = (host.names.clone(), host.ports.clone());
                self.up.insert(host.ip, Seen { names, verdict: host.verdict, ports });
            }
            HostStatus::Down => self.absent.insert(host.ip),
            // Silence is a finding where it was measured to its end.
            HostStatus::Unknown if host.ports.count(PortState::Filtered) > 0 && !host.has_unknown() => {
                self.absent.insert(host.ip);
            }
            HostStatus::Unknown => {}
        }
    }

    /// Adds addresses where nobody was found.
    pub fn add_absent(&mut self, addrs: &AddrSet) {
        add(addrs, &mut self.absent);
    }

    /// Adds hosts that answered and have none of `asked` open; which of these ports are closed and which filtered is not
    /// known. Hosts that [`add`](Self::add) was told more about are not touched.
    pub fn add_nothing_open(&mut self, addrs: &AddrSet, asked: &PortSet) {
        add(addrs, &mut self.nothing_open);
        self.asked = self.asked.union(asked);
    }

    fn of(&self, addr: HostAddr) -> Option<Finding<'_>> {
        if let Some(seen) = self.up.get(&addr) {
            return Some(Finding::Up(seen));
        }
        if self.nothing_open.contains(addr) {
            return Some(Finding::NothingOpen(&self.asked));
        }
        self.absent.contains(addr).then_some(Finding::Absent)
    }

    /// Every address with a finding.
    fn known(&self) -> AddrSet {
        let mut known = self.absent.clone();
        add(&self.nothing_open, &mut known);
        self.up.keys().for_each(|addr| known.insert(*addr));
        known
    }
}

fn add(addrs: &AddrSet, to: &mut AddrSet) {
    for (first, last) in addrs.ranges() {
        to.insert_range(first, last);
    }
}

/// What a scan says about one address.
#[derive(Debug, Clone, Copy)]
enum Finding<'a> {
    Up(&'a Seen),
    NothingOpen(&'a PortSet),
    Absent,
}

impl Finding<'_> {
    fn names(self) -> Vec<String> {
        match self {
            Self::Up(seen) => seen.names.clone(),
            Self::NothingOpen(_) | Self::Absent => Vec::new(),
        }
    }

    fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Up(seen) => seen.verdict,
            Self::NothingOpen(_) | Self::Absent => None,
        }
    }

    fn accepts_everything(self) -> bool {
        self.verdict() == Some(Verdict::AcceptsEverything)
    }

    fn open(self) -> PortSet {
        match self {
            Self::Up(seen) => seen.ports.get(Reason::Handshake).cloned().unwrap_or_default(),
            Self::NothingOpen(_) | Self::Absent => PortSet::EMPTY,
        }
    }

    /// Every port with what is known of it.
    fn facts(self) -> Vec<(Fact, PortSet)> {
        match self {
            Self::Up(seen) => {
                seen.ports.iter().map(|(reason, ports)| (Fact::Is(reason), ports.clone())).collect()
            }
            Self::NothingOpen(asked) => vec![(Fact::NotOpen, asked.clone())],
            Self::Absent => Vec::new(),
        }
    }
}

/// What is known of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Is(Reason),
    NotOpen,
}

impl Fact {
    const fn state(self) -> Option<PortState> {
        match self {
            Self::Is(reason) => Some(reason.state()),
            Self::NotOpen => None,
        }
    }

    /// Whether two facts contradict each other; `None` where they cannot be compared.
    fn differs(self, other: Self) -> Option<bool> {
        let limited = [self, other].contains(&Self::Is(Reason::NoReplyLimited));
        match (self.state(), other.state()) {
            (Some(PortState::Unknown), _) | (_, Some(PortState::Unknown)) => None,
            // A host that limits its refusals may be silent today where it refused yesterday.
            (Some(PortState::Closed), Some(PortState::Filtered))
            | (Some(PortState::Filtered), Some(PortState::Closed))
                if limited =>
            {
                None
            }
            (Some(before), Some(after)) => Some(before != after),
            (Some(state), None) | (None, Some(state)) => Some(state == PortState::Open),
            (None, None) => Some(false),
        }
    }
}

/// What two scans found differently.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// One entry per host that is not as it was, sorted by address.
    pub changes: Vec<HostChange>,
    /// Ports of hosts in both scans that one of them did not measure or not ask.
    pub ports_not_compared: u64,
    /// Hosts of which only one of the scans knows anything.
    pub hosts_not_compared: AddrSet,
}

impl Comparison {
    /// Whether nothing that can be compared differs.
    pub const fn is_same(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether something in one scan has no counterpart in the other.
    pub fn is_partial(&self) -> bool {
        self.ports_not_compared > 0 || !self.hosts_not_compared.is_empty()
    }
}

/// A host that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostChange {
    /// Its address.
    pub ip: HostAddr,
    /// Its names, those of the newer scan where it has any.
    pub names: Vec<String>,
    /// What is different.
    #[serde(flatten)]
    pub change: Change,
}

/// What is different about a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Change {
    /// Nobody was there, and now somebody is.
    Appeared {
        /// What is open now.
        open: PortSet,
        /// What the host does as a whole.
        verdict: Option<Verdict>,
    },
    /// Somebody was there, and now nobody is.
    Went {
        /// What was open.
        open: PortSet,
        /// What the host did as a whole.
        verdict: Option<Verdict>,
    },
    /// It began, or ceased, to answer on every port; its ports cannot be told apart.
    Verdict {
        /// What it did as a whole.
        before: Option<Verdict>,
        /// What it does as a whole.
        after: Option<Verdict>,
    },
    /// Ports have other states.
    Ports {
        /// Ports that changed in the same way, together.
        ports: Vec<PortsChange>,
    },
}

/// Ports that changed in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortsChange {
    /// What they were; `None` where it is only known that they were not open.
    pub before: Option<PortState>,
    /// What they are; `None` where it is only known that they are not open.
    pub after: Option<PortState>,
    /// Which ports.
    pub ports: PortSet,
}

/// Compares two scans. Turned round, it says the same the other way round.
///
/// ```
/// use scanner_core::{Findings, HostResult, HostStatus, PortSet, PortsByReason, Reason, Target, compare};
/// let host = |open: &str| {
///     let mut ports = PortsByReason::default();
///     ports.add(Reason::Handshake, &open.parse()?);
///     ports.add(Reason::Rst, &PortSet::from_range(1, 1024).difference(&open.parse()?));
///     let target = Target::new(std::net::IpAddr::from([192, 0, 2, 9]));
///     Ok::<_, scanner_core::SpecError>(HostResult { status: HostStatus::Up, ports, ..HostResult::unknown(&target) })
/// };
/// let (mut monday, mut tuesday) = (Findings::default(), Findings::default());
/// monday.add(&host("22,80")?);
/// tuesday.add(&host("22,443")?);
/// let comparison = compare(&monday, &tuesday);
/// assert_eq!(comparison.changes.len(), 1);
/// assert!(!comparison.is_same() && !comparison.is_partial());
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
pub fn compare(old: &Findings, new: &Findings) -> Comparison {
    let mut comparison = Comparison::default();
    // Sets are compared as such: of an IPv6 network nobody could go through the addresses.
    let (known_to_old, known_to_new) = (old.known(), new.known());
    add(&known_to_old.difference(&known_to_new), &mut comparison.hosts_not_compared);
    add(&known_to_new.difference(&known_to_old), &mut comparison.hosts_not_compared);
    let bare = bare_in_both(old, new);
    let mut not_compared = 0;
    let (before, after) = (Finding::NothingOpen(&old.asked), Finding::NothingOpen(&new.asked));
    // Where nothing was open, and nothing is, nothing changed.
    let _unchanged = compare_ports(before, after, &mut not_compared);
    let hosts = u64::try_from(bare.len()).unwrap_or(u64::MAX);
    comparison.ports_not_compared = not_compared.saturating_mul(hosts);

    let mut addrs: Vec<HostAddr> = old.up.keys().chain(new.up.keys()).copied().collect();
    for findings in [old, new] {
        let rest = findings.nothing_open.difference(&bare).difference(&comparison.hosts_not_compared);
        addrs.extend(rest.iter());
    }
    addrs.sort_unstable();
    addrs.dedup();
    for addr in addrs {
        let (Some(before), Some(after)) = (old.of(addr), new.of(addr)) else { continue };
        if let Some(change) = compare_host(before, after, &mut comparison.ports_not_compared) {
            let mut names = after.names();
            if names.is_empty() {
                names = before.names();
            }
            comparison.changes.push(HostChange { ip: addr, names, change });
        }
    }
    comparison
}

/// Addresses of which both scans know no more than that they have nothing open.
fn bare_in_both(old: &Findings, new: &Findings) -> AddrSet {
    let more: AddrSet = old.up.keys().chain(new.up.keys()).copied().collect();
    let bare = old.nothing_open.difference(&more);
    bare.difference(&bare.difference(&new.nothing_open))
}

fn compare_host(before: Finding<'_>, after: Finding<'_>, not_compared: &mut u64) -> Option<Change> {
    match (before, after) {
        (Finding::Absent, Finding::Absent) => None,
        (Finding::Absent, there) => Some(Change::Appeared { open: there.open(), verdict: there.verdict() }),
        (there, Finding::Absent) => Some(Change::Went { open: there.open(), verdict: there.verdict() }),
        _ => compare_ports(before, after, not_compared),
    }
}

fn compare_ports(before: Finding<'_>, after: Finding<'_>, not_compared: &mut u64) -> Option<Change> {
    let (old, new) = (before.facts(), after.facts());
    let mut asked = PortSet::EMPTY;
    for (_, ports) in old.iter().chain(&new) {
        asked = asked.union(ports);
    }
    let mut compared = PortSet::EMPTY;
    let mut changed: BTreeMap<(Option<PortState>, Option<PortState>), PortSet> = BTreeMap::new();
    for (was, old_ports) in &old {
        for (is, new_ports) in &new {
            let Some(differs) = was.differs(*is) else { continue };
            let both = old_ports.intersection(new_ports);
            compared = compared.union(&both);
            if differs && !both.is_empty() {
                let ports = changed.entry((was.state(), is.state())).or_default();
                *ports = ports.union(&both);
            }
        }
    }
    *not_compared += asked.difference(&compared).len() as u64;
    if changed.is_empty() {
        return None;
    }
    match (before.accepts_everything(), after.accepts_everything()) {
        (false, false) => {
            let ports =
                changed.into_iter().map(|((before, after), ports)| PortsChange { before, after, ports });
            Some(Change::Ports { ports: ports.collect() })
        }
        // What such a host says of single ports says nothing.
        (true, true) => None,
        _ => Some(Change::Verdict { before: before.verdict(), after: after.verdict() }),
    }
}

#[cfg(test)]
mod tests;
