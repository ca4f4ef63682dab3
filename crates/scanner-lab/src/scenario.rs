//! `Scenario`: one network as a file describes it. Unknown keys are refused.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;

use crate::error::LabError;
use crate::link::{Bursts, Link, Queue};
use crate::world::Family;

/// A network and what is true of it, but for what the seed draws.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line for people.
    pub about: String,
    #[serde(default)]
    family: FamilyWord,
    /// How many ports are asked where nobody says otherwise.
    #[serde(default)]
    pub size: Size,
    /// How many ports [`Size::Small`] means; 1 to 65,535.
    #[serde(default = "thousand")]
    small: u16,
    /// Hosts that live in the /22 of the wire, which is scanned as a whole; without it one host is scanned.
    pub(crate) live_hosts: Option<u16>,
    pub(crate) host: HostPlan,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Loss each way on a wire without delay; 0 to 100.
    #[serde(default)]
    pub(crate) loss_percent: f64,
    link: Option<LinkPlan>,
    #[serde(default)]
    pub(crate) outage: Outage,
    /// The neighbour table of the whole machine is full while the scenario stands.
    #[serde(default)]
    pub crowd: bool,
}

/// How many ports are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// 1,000, or what the scenario says.
    Small,
    /// All 65,535.
    #[default]
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FamilyWord {
    #[default]
    V4,
    V6,
}

/// What a port answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Somebody listens.
    Open,
    /// A RST.
    #[default]
    Refused,
    /// Nothing.
    Silent,
    /// ICMP port-unreachable.
    PortUnreachable,
    /// ICMP admin-prohibited.
    Prohibited,
}

/// Each host of the scenario is drawn by this plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostPlan {
    #[serde(default = "yes")]
    pub(crate) up: bool,
    /// How many of the asked ports are open.
    #[serde(default)]
    pub(crate) open: u16,
    /// How many of the open ones have a full queue most of the time.
    #[serde(default)]
    pub(crate) slow: u16,
    /// Shares of the asked ports.
    #[serde(default)]
    pub(crate) silent_percent: u8,
    #[serde(default)]
    pub(crate) port_unreachable_percent: u8,
    #[serde(default)]
    pub(crate) prohibited_percent: u8,
    /// What all other ports answer.
    #[serde(default)]
    pub(crate) rest: Answer,
    /// All open ports lead to one listener, as with a proxy.
    #[serde(default)]
    pub(crate) one_listener: bool,
}

/// Limits of the host or of a firewall before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// On connection attempts that come in; the others are dropped.
    pub(crate) syn: Option<Limit>,
    /// On RSTs that go out.
    pub(crate) rst: Option<Limit>,
    /// The kernel's own on ICMP errors is left as it is.
    #[serde(default)]
    pub(crate) kernel_icmp: bool,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outage {
    pub(crate) link_down: Option<LinkDown>,
    /// The host falls silent when this share of the ports could have been asked.
    pub(crate) silent_after_percent: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkDown {
    pub(crate) after_packets: u64,
    pub(crate) for_ms: u64,
}

/// The same for both directions.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkPlan {
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    jitter_ms: u64,
    #[serde(default)]
    reorder: bool,
    #[serde(default)]
    loss_percent: f64,
    bursts: Option<Bursts>,
    queue: Option<Queue>,
}

impl Scenario {
    /// Reads a scenario's text.
    ///
    /// # Errors
    /// What is wrong and where, `name` being the file's.
    pub fn parse(name: &str, text: &str) -> Result<Self, LabError> {
        let bad = |why: &dyn ToString| LabError::Scenario { name: name.to_owned(), why: why.to_string() };
        let scenario: Self = toml::from_str(text).map_err(|error| bad(&error))?;
        scenario.check().map_err(|why| bad(&why))?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), &'static str> {
        let HostPlan { open, slow, silent_percent, port_unreachable_percent, prohibited_percent, .. } =
            self.host;
        let parts = [silent_percent, port_unreachable_percent, prohibited_percent].map(u32::from);
        let drawn =
            u32::from(open) + parts.iter().map(|part| u32::from(self.small) * part / 100).sum::<u32>();
        let outage = self.outage.link_down.is_some();
        let rules = [
            (self.small > 0, "small: at least 1"),
            (drawn <= u32::from(self.small), "host: more ports than are asked"),
            (slow <= open, "host: more slow ports than open ones"),
            ((0.0..=100.0).contains(&self.loss_percent), "loss_percent: 0 to 100"),
            (self.link.is_none() || self.loss_percent == 0.0, "loss_percent: write it into [link]"),
            (self.link.is_none() || !outage, "outage: link_down needs a wire without [link]"),
            (self.live_hosts.is_none_or(|live| (1..=500).contains(&live)), "live_hosts: 1 to 500"),
            (self.live_hosts.is_none() || self.family() == Family::V4, "live_hosts: only with IPv4"),
            (
                !self.listens_everywhere() || self.family() == Family::V4,
                "rest: open only with IPv4, or one_listener",
            ),
            (!self.limits.kernel_icmp || self.family() == Family::V4, "kernel_icmp: only with IPv4"),
            (!self.crowd || self.family() == Family::V4, "crowd: only with IPv4"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, why)| Err(*why))
    }

    /// Every port is open, and not because of a proxy.
    pub(crate) fn listens_everywhere(&self) -> bool {
        self.host.up && self.host.rest == Answer::Open && !self.host.one_listener
    }

    /// Which version of the Internet Protocol its hosts speak.
    pub fn family(&self) -> Family {
        match self.family {
            FamilyWord::V4 => Family::V4,
            FamilyWord::V6 => Family::V6,
        }
    }

    /// The ports to ask.
    pub fn ports(&self, size: Size) -> RangeInclusive<u16> {
        match size {
            Size::Small => 1..=self.small,
            Size::Full => 1..=u16::MAX,
        }
    }

    /// Both directions of the wire, where it is more than a pair of devices.
    pub(crate) fn link(&self) -> Option<Link> {
        let plan = self.link?;
        Some(Link {
            delay: Duration::from_millis(plan.delay_ms),
            jitter: Duration::from_millis(plan.jitter_ms),
            reorder: plan.reorder,
            loss: plan.loss_percent / 100.0,
            bursts: plan.bursts,
            queue: plan.queue,
        })
    }
}

fn thousand() -> u16 {
    1_000
}

fn yes() -> bool {
    true
}

/// Every scenario that comes with this crate, by name.
///
/// # Errors
/// Where a file is no valid scenario.
pub fn scenarios() -> Result<Vec<(&'static str, Scenario)>, LabError> {
    FILES.iter().map(|(name, text)| Ok((*name, Scenario::parse(name, text)?))).collect()
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../scenarios/", $name, ".toml")))),*]
    };
}

/// In the order in which they are run: easy ones first.
const FILES: &[(&str, &str)] = files![
    "clean" "all-open" "drop" "reject-port" "reject-admin" "mixed" "v6" "tarpit" "dead" "backlog"
    "lossy-1" "lossy-5" "lossy-10" "lossy-20" "lossy-bursts"
    "far" "far-drop" "far-lossy" "narrow"
    "policed-1000" "policed-1000-bursty" "policed-500" "policed-500-bursty" "rst-limited" "icmp-limited"
    "sparse" "vanishing-link" "vanishing-host" "crowded"
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_listed_and_valid() {
        let listed: BTreeSet<_> = scenarios().unwrap().into_iter().map(|(name, _)| name.to_owned()).collect();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let files = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
        assert_eq!(listed, files.collect());
    }

    #[test]
    fn mistakes_are_refused() {
        let refused = |text: &str| Scenario::parse("test", text).unwrap_err().to_string();
        assert!(refused("about = \"\"\nhots = 1\n[host]\n").contains("hots"));
        assert!(refused("about = \"\"\n[host]\nrest = \"shut\"\n").contains("shut"));
        assert!(refused("about = \"\"\n[host]\nopen = 1001\n").contains("more ports than are asked"));
        assert!(refused("about = \"\"\nlive_hosts = 9\nfamily = \"v6\"\n[host]\n").contains("live_hosts"));
    }

    #[test]
    fn sizes_are_ranges_of_ports() {
        let scenario = Scenario::parse("test", "about = \"\"\nsmall = 10\n[host]\nopen = 3\n").unwrap();
        assert_eq!((scenario.ports(Size::Small), scenario.ports(Size::Full)), (1..=10, 1..=65_535));
        assert_eq!(scenario.link(), None);
    }
}
