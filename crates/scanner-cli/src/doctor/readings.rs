//! What this machine says of itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::parse::{self, Neighbours};

/// What was read, or why there is nothing to read.
pub(super) type Reading<T> = Result<T, String>;

/// Everything that the judgements are made from.
#[derive(Debug, Clone)]
pub(super) struct Readings {
    /// How many files and sockets a process may hold: now, and at most.
    pub(super) descriptors: Reading<(u64, u64)>,
    pub(super) neighbours: Reading<NeighbourTable>,
    pub(super) neighbours_v6: Reading<NeighbourTable>,
    /// The first and the last source port.
    pub(super) source_ports: Reading<(u64, u64)>,
    pub(super) time_wait: Reading<u64>,
    pub(super) conntrack: Reading<Conntrack>,
    pub(super) syn: Reading<Syn>,
    pub(super) routes: Reading<Vec<Route>>,
    /// What this system runs in, if in anything.
    pub(super) surroundings: Reading<Option<Surroundings>>,
    pub(super) name_servers: Reading<Vec<String>>,
    pub(super) firewall: Reading<Firewall>,
}

/// The neighbour table and its thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeighbourTable {
    pub(super) now: Neighbours,
    /// From here on old entries go early.
    pub(super) soft: u64,
    /// No more than this.
    pub(super) hard: u64,
}

/// The kernel's list of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Conntrack {
    pub(super) count: u64,
    pub(super) max: u64,
    /// How long a connection without answer stays listed, in seconds.
    pub(super) silent_for: Option<u64>,
}

/// How the kernel repeats what opens a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syn {
    pub(super) retries: u64,
    /// How many of them come a second apart (Linux 6.5 and later).
    pub(super) linear: Option<u64>,
}

/// Where a default route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) interface: String,
    /// A tunnel, not a wire: most likely a VPN.
    pub(super) is_tunnel: bool,
}

/// What a system may run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surroundings {
    Container(&'static str),
    Wsl,
}

/// The firewall of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Firewall {
    /// Rules that drop or reject what leaves.
    pub(super) refusals: usize,
}

impl Readings {
    /// Reads below `root`, which is `/` but for tests.
    pub(super) fn read(root: &Path) -> Self {
        let files = Files { root: root.to_path_buf() };
        Self {
            descriptors: descriptors(),
            neighbours: files.neighbours("arp", "ipv4"),
            neighbours_v6: files.neighbours("ndisc", "ipv6"),
            source_ports: files.of("proc/sys/net/ipv4/ip_local_port_range", parse::pair),
            time_wait: files.of("proc/net/sockstat", parse::time_wait),
            conntrack: files.conntrack(),
            syn: files.syn(),
            routes: files.routes(),
            surroundings: files.surroundings(),
            name_servers: files.of("etc/resolv.conf", |text| Some(parse::name_servers(text))),
            firewall: firewall(),
        }
    }
}

/// The limits on open files, soft and hard.
fn descriptors() -> Reading<(u64, u64)> {
    #[cfg(unix)]
    let limits = rlimit::Resource::NOFILE.get().map_err(|error| error.to_string());
    #[cfg(not(unix))]
    let limits = Err("this system has no limit on sockets".to_owned());
    limits
}

struct Files {
    root: PathBuf,
}

impl Files {
    /// The value in a file, or a line that says why there is none.
    fn of<T>(&self, path: &str, parse: impl FnOnce(&str) -> Option<T>) -> Reading<T> {
        let text = fs::read_to_string(self.root.join(path)).map_err(|error| format!("/{path}: {error}"))?;
        parse(&text).ok_or_else(|| format!("/{path} cannot be understood"))
    }

    fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The table that a protocol fills and a family of addresses sets the thresholds of.
    fn neighbours(&self, protocol: &str, family: &str) -> Reading<NeighbourTable> {
        let threshold =
            |n| self.of(&format!("proc/sys/net/{family}/neigh/default/gc_thresh{n}"), parse::number);
        Ok(NeighbourTable {
            now: self.of(&format!("proc/net/stat/{protocol}_cache"), parse::neighbours)?,
            soft: threshold(2)?,
            hard: threshold(3)?,
        })
    }

    fn conntrack(&self) -> Reading<Conntrack> {
        let value =
            |name: &str| self.of(&format!("proc/sys/net/netfilter/nf_conntrack_{name}"), parse::number);
        if !self.has("proc/sys/net/netfilter/nf_conntrack_max") {
            return Err("connections are not tracked here".into());
        }
        Ok(Conntrack {
            count: value("count")?,
            max: value("max")?,
            silent_for: value("tcp_timeout_syn_sent").ok(),
        })
    }

    fn syn(&self) -> Reading<Syn> {
        let value = |name: &str| self.of(&format!("proc/sys/net/ipv4/tcp_{name}"), parse::number);
        Ok(Syn { retries: value("syn_retries")?, linear: value("syn_linear_timeouts").ok() })
    }

    fn routes(&self) -> Reading<Vec<Route>> {
        let v4 = self.of("proc/net/route", |text| Some(parse::default_routes_v4(text)))?;
        let v6 = self.of("proc/net/ipv6_route", |text| Some(parse::default_routes_v6(text)));
        let mut interfaces = v4;
        for interface in v6.unwrap_or_default() {
            if !interfaces.contains(&interface) {
                interfaces.push(interface);
            }
        }
        Ok(interfaces
            .into_iter()
            .map(|interface| Route { is_tunnel: self.is_tunnel(&interface), interface })
            .collect())
    }

    fn is_tunnel(&self, interface: &str) -> bool {
        /// `ARPHRD_PPP` and `ARPHRD_NONE` of `linux/if_arp.h`: a line, and a device without addresses of its own (TUN,
        /// `WireGuard`).
        const WITHOUT_NEIGHBOURS: [u64; 2] = [512, 65_534];
        let device = format!("sys/class/net/{interface}");
        let kind = self.of(&format!("{device}/type"), parse::number);
        kind.is_ok_and(|kind| WITHOUT_NEIGHBOURS.contains(&kind)) || self.has(&format!("{device}/tun_flags"))
    }

    fn surroundings(&self) -> Reading<Option<Surroundings>> {
        let release = self.of("proc/sys/kernel/osrelease", |text| Some(text.to_lowercase()))?;
        if release.contains("microsoft") {
            return Ok(Some(Surroundings::Wsl));
        }
        let marked = [(".dockerenv", "Docker"), ("run/.containerenv", "Podman")];
        let by_file = marked.into_iter().find_map(|(file, name)| self.has(file).then_some(name));
        let by_group = || self.of("proc/1/cgroup", parse::container).ok();
        Ok(by_file.or_else(by_group).map(Surroundings::Container))
    }
}

/// Asks nft, which only root may.
fn firewall() -> Reading<Firewall> {
    let listed = Command::new("nft").args(["list", "ruleset"]).stdin(Stdio::null()).output();
    let output = listed.map_err(|error| format!("nft could not be started: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.lines().next().unwrap_or("nft gave no reason");
        return Err(format!("the rules cannot be read: {why}"));
    }
    Ok(Firewall { refusals: parse::outgoing_refusals(&String::from_utf8_lossy(&output.stdout)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_made_of_files() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/net/stat/arp_cache", "entries table_fulls\n0000000a 00000001\n");
        write("proc/sys/net/ipv4/neigh/default/gc_thresh2", "512\n");
        write("proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
        write("proc/net/stat/ndisc_cache", "entries table_fulls\n00000300 00000000\n00000300 00000002\n");
        write("proc/sys/net/ipv6/neigh/default/gc_thresh2", "256\n");
        write("proc/sys/net/ipv6/neigh/default/gc_thresh3", "800\n");
        write("proc/sys/net/netfilter/nf_conntrack_count", "5\n");
        write("proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
        write("proc/sys/net/ipv4/tcp_syn_retries", "6\n");
        write(
            "proc/net/route",
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nwg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n",
        );
        write("sys/class/net/wg0/type", "65534\n");
        write("proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n");
        let read = Readings::read(root.path());
        let now = Neighbours { entries: 10, table_fulls: 1 };
        assert_eq!(read.neighbours, Ok(NeighbourTable { now, soft: 512, hard: 1_024 }));
        let now = Neighbours { entries: 768, table_fulls: 2 };
        assert_eq!(read.neighbours_v6, Ok(NeighbourTable { now, soft: 256, hard: 800 }));
        assert_eq!(read.conntrack, Ok(Conntrack { count: 5, max: 65_536, silent_for: None }));
        assert_eq!(read.syn, Ok(Syn { retries: 6, linear: None }));
        assert_eq!(read.routes, Ok(vec![Route { interface: "wg0".into(), is_tunnel: true }]));
        assert_eq!(read.surroundings, Ok(Some(Surroundings::Wsl)));
        assert!(read.source_ports.unwrap_err().starts_with("/proc/sys/net/ipv4/ip_local_port_range: "));
    }
}
