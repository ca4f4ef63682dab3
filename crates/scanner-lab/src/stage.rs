//! `Stage`: a scenario that stands, ready to be scanned.

use std::net::{IpAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::backlog;
use crate::crowd::Crowd;
use crate::error::LabError;
use crate::firewall::{ONE_LISTENER, rules, syn_counter};
use crate::listeners::Listeners;
use crate::namespace::Namespace;
use crate::outage;
use crate::scenario::{Scenario, Size};
use crate::truth::{HostTruth, draw};
use crate::worker::Worker;
use crate::world::{DEVICE, Family, Wire, World};

/// What decides the particulars of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Decides what is true: which ports are open, which hosts are there.
    pub seed: u64,
    /// Decides, with the seed, which packets get lost: the runs of one seed meet the same truth with different luck.
    pub run: u32,
    /// How many ports are asked.
    pub size: Size,
}

/// A scenario that stands until this value is dropped.
#[derive(Debug)]
pub struct Stage {
    world: World,
    hosts: Vec<HostTruth>,
    targets: String,
    ports: RangeInclusive<u16>,
    family: Family,
    target_mac: Option<String>,
    unknown_allowed: bool,
    _listeners: Vec<Listeners>,
    _slow: Vec<Worker>,
    _outage: Option<Worker>,
    _crowd: Option<Crowd>,
}

impl Stage {
    /// Sets the scenario up in namespaces without names.
    ///
    /// # Errors
    /// [`LabError::Unavailable`] where this machine cannot have it.
    pub fn set(scenario: &Scenario, draw: Draw) -> Result<Self, LabError> {
        Self::set_in([Namespace::new()?, Namespace::new()?], scenario, draw)
    }

    /// The same in these namespaces: the scanner's and the target's.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub fn set_in(ends: [Namespace; 2], scenario: &Scenario, chosen: Draw) -> Result<Self, LabError> {
        let Draw { seed, run, size } = chosen;
        let luck = seed.wrapping_mul(1_000).wrapping_add(run.into());
        let wire =
            scenario.link().map_or(Wire::Veth, |link| Wire::Links { there: link, back: link, seed: luck });
        let world = World::join(ends, wire, scenario.family())?;
        let hosts = draw(scenario, size, seed);
        let ports = scenario.ports(size);
        if scenario.live_hosts.is_some() {
            widen(&world, &hosts)?;
        }
        let (listeners, slow) = listen(&world, scenario, &hosts, &ports)?;
        if scenario.limits.kernel_icmp {
            // The values with which Linux starts.
            world.target.sysctl("ipv4/icmp_ratelimit", 1_000)?;
            world.target.sysctl("ipv4/icmp_ratemask", 6_168)?;
        }
        let rules = rules(scenario, &hosts, size);
        if !rules.is_empty() {
            world.target.nft(&rules)?;
        }
        if scenario.crowd {
            // What has a place in the table keeps it.
            for end in [&world.scanner, &world.target] {
                end.ip(&format!("neigh flush dev {DEVICE}"))?;
            }
        }
        let crowd = scenario.crowd.then(Crowd::new).transpose()?;
        world.scanner.nft(&syn_counter(DEVICE))?;
        let outage =
            scenario.outage.link_down.map(|plan| outage::start(&world.scanner, DEVICE, plan)).transpose()?;
        let targets = match scenario.live_hosts {
            Some(_) => "10.7.0.0/22".to_owned(),
            None => hosts.iter().map(|host| host.ip.to_string()).collect::<Vec<_>>().join(" "),
        };
        let unknown_allowed =
            scenario.crowd || scenario.outage.silent_after_percent.is_some() || outage.is_some();
        let target_mac = mac(&world.target)?;
        Ok(Self {
            world,
            hosts,
            targets,
            ports,
            family: scenario.family(),
            target_mac,
            unknown_allowed,
            _listeners: listeners,
            _slow: slow,
            _outage: outage,
            _crowd: crowd,
        })
    }

    /// Where the scanner runs.
    pub fn scanner(&self) -> &Namespace {
        &self.world.scanner
    }

    /// What to scan: addresses or networks, separated by blanks.
    pub fn targets(&self) -> &str {
        &self.targets
    }

    /// The ports to ask of each.
    pub fn ports(&self) -> RangeInclusive<u16> {
        self.ports.clone()
    }

    /// The hosts and what is true of them. Every other address of [`Stage::targets`] is nobody's.
    pub fn hosts(&self) -> &[HostTruth] {
        &self.hosts
    }

    /// How many (address, port) pairs that is.
    pub fn probes(&self) -> u64 {
        // Every address of the /22 but its first and last.
        let addresses = if self.hosts.len() > 1 { 1_022 } else { 1 };
        addresses * self.ports.len() as u64
    }

    /// Which version of the Internet Protocol the hosts speak.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The target's hardware address, where the wire has such; scanners with a network stack of their own must be told it.
    pub fn target_mac(&self) -> Option<&str> {
        self.target_mac.as_deref()
    }

    /// The network may keep a scanner from finding out: `unknown` is then a right answer for any port.
    pub fn unknown_allowed(&self) -> bool {
        self.unknown_allowed
    }

    /// The scanner's own address, which a network to scan may contain. None of its ports is open.
    pub fn own_address(&self) -> IpAddr {
        self.family.on_wire(1)
    }

    /// Has the target send a packet to the scanner now and then, as on any network that is alive, until the value is dropped: a
    /// scanner that listens to the wire itself may wait for one more packet before it ends.
    ///
    /// # Errors
    /// Where the target's namespace cannot be entered.
    pub fn chatter(&self) -> Result<Chatter, LabError> {
        let to = (self.own_address(), CHATTER_PORT);
        let from = self.family.target();
        let worker = Worker::start(&self.world.target, move |owner| {
            let socket = UdpSocket::bind((from, 0));
            while !owner.gone_within(CHATTER_PAUSE) {
                // Where nobody listens, the answer to the last one may be an error.
                drop(socket.as_ref().map(|socket| socket.send_to(&[0], to)));
            }
        })?;
        Ok(Chatter(worker))
    }

    /// How many SYNs have left the scanner's namespace since the stage was set, those that the kernel repeated included.
    ///
    /// # Errors
    /// What `nft` says.
    pub fn syns(&self) -> Result<u64, LabError> {
        let text = self.world.scanner.tool("nft", &["list", "counter", "netdev", "lab", "syn"], "")?;
        let mut words = text.split_whitespace().skip_while(|word| *word != "packets");
        let count = words.nth(1).and_then(|count| count.parse().ok());
        count.ok_or_else(|| LabError::Tool { command: "nft list counter".to_owned(), why: text })
    }
}

/// Makes the wire a /22 in which the target has the addresses of all hosts.
fn widen(world: &World, hosts: &[HostTruth]) -> Result<(), LabError> {
    for (end, host) in [(&world.scanner, 1), (&world.target, 2)] {
        let ip = Family::V4.on_wire(host);
        end.ip(&format!("address delete {ip}/24 dev {DEVICE}"))?;
        end.ip(&format!("address add {ip}/22 dev {DEVICE}"))?;
    }
    for host in hosts.iter().filter(|host| host.ip != Family::V4.target()) {
        world.target.ip(&format!("address add {}/22 dev {DEVICE}", host.ip))?;
    }
    Ok(())
}

/// TUN devices have none.
fn mac(namespace: &Namespace) -> Result<Option<String>, LabError> {
    let text = namespace.tool("ip", &["-oneline", "link", "show", "dev", DEVICE], "")?;
    let mut words = text.split_whitespace().skip_while(|word| *word != "link/ether");
    Ok(words.nth(1).map(str::to_owned))
}

/// Packets on an otherwise silent network; see [`Stage::chatter`].
#[derive(Debug)]
pub struct Chatter(#[expect(dead_code, reason = "its end is the end of the chatter")] Worker);

/// `discard` (RFC 863).
const CHATTER_PORT: u16 = 9;
const CHATTER_PAUSE: Duration = Duration::from_millis(500);

type OpenPorts = (Vec<Listeners>, Vec<Worker>);

fn listen(
    world: &World,
    scenario: &Scenario,
    hosts: &[HostTruth],
    ports: &RangeInclusive<u16>,
) -> Result<OpenPorts, LabError> {
    let (mut listeners, mut slow) = (Vec::new(), Vec::new());
    if scenario.listens_everywhere() {
        listeners.push(Listeners::everywhere(&world.target, ONE_LISTENER)?);
        return Ok((listeners, slow));
    }
    for host in hosts.iter().filter(|host| host.up) {
        let open = if scenario.host.one_listener { vec![ONE_LISTENER] } else { host.open(ports.clone()) };
        let (late, soon): (Vec<_>, Vec<_>) = open.into_iter().partition(|port| host.slow().contains(port));
        if !soon.is_empty() {
            listeners.push(Listeners::new(&world.target, host.ip, &soon)?);
        }
        if !late.is_empty() {
            slow.push(backlog::start(&world.target, host.ip, &late)?);
        }
    }
    Ok((listeners, slow))
}
