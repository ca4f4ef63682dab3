//! What a reading means for a scan: pure functions, one per topic.

use super::readings::{Conntrack, Firewall, NeighbourTable, Reading, Readings, Route, Surroundings, Syn};
use super::{Finding, Level};
use crate::output::words::{counted, number};

/// How many things are looked at.
#[cfg(test)]
pub(super) const TOPICS: usize = 11;

/// Every judgement, in the order in which a scan meets what is judged.
pub(super) fn all(readings: &Readings) -> Vec<Finding> {
    vec![
        judged("descriptors", &readings.descriptors, |&(now, most)| descriptors(now, most)),
        judged("source ports", &readings.source_ports, |&(first, last)| source_ports(first, last)),
        judged("time-wait", &readings.time_wait, |&count| {
            time_wait(count, readings.source_ports.as_ref().ok())
        }),
        judged("neighbour table", &readings.neighbours, |table| neighbours(table, "ipv4")),
        judged("neighbour table of IPv6", &readings.neighbours_v6, |table| neighbours(table, "ipv6")),
        judged("connection tracking", &readings.conntrack, conntrack),
        judged("syn retries", &readings.syn, syn),
        judged("default route", &readings.routes, |routes| default_route(routes)),
        judged("container", &readings.surroundings, |within| surroundings(*within)),
        judged("resolver", &readings.name_servers, |servers| resolver(servers)),
        judged("firewall", &readings.firewall, |rules| firewall(*rules)),
    ]
}

fn judged<T>(topic: &'static str, reading: &Reading<T>, judge: impl FnOnce(&T) -> Verdict) -> Finding {
    match reading {
        Ok(value) => {
            let Verdict { level, seen, means, mend } = judge(value);
            let finding = Finding::new(topic, level, seen, means);
            match mend {
                Some(mend) => finding.mend(mend),
                None => finding,
            }
        }
        Err(why) => {
            Finding::new(topic, Level::Skipped, why.clone(), "It could not be looked at, and is not judged.")
        }
    }
}

/// A finding without its topic.
struct Verdict {
    level: Level,
    seen: String,
    means: String,
    mend: Option<String>,
}

impl Verdict {
    fn new(level: Level, seen: impl Into<String>, means: impl Into<String>) -> Self {
        Self { level, seen: seen.into(), means: means.into(), mend: None }
    }

    fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }
}

/// With fewer descriptors than this, `--pace auto` cannot open as many connections as it may towards hosts that never answered.
const ENOUGH_DESCRIPTORS: u64 = 2_048;

fn descriptors(now: u64, most: u64) -> Verdict {
    let shown = |limit: u64| if limit >= u64::from(u32::MAX) { "no limit".to_owned() } else { number(limit) };
    let seen = format!("{}, at most {}", shown(now), shown(most));
    if most >= ENOUGH_DESCRIPTORS {
        let means = "Every connection takes one. The command raises its own limit to the second number.";
        return Verdict::new(Level::Ok, seen, means);
    }
    let means = format!(
        "Every connection takes one: fewer than {} can be open at once, which makes a scan of silent networks slow. It stays \
         correct.",
        number(most)
    );
    Verdict::new(Level::Limit, seen, means).mend("sudo prlimit --pid $$ --nofile=65536:65536")
}

/// Fewer source ports than this can run out towards one port of one host, or among many programs.
const ENOUGH_SOURCE_PORTS: u64 = 4_096;

fn source_ports(first: u64, last: u64) -> Verdict {
    let count = (last + 1).saturating_sub(first);
    let seen = format!("{first} to {last}, {}", number(count));
    if count >= ENOUGH_SOURCE_PORTS {
        let means = "Connections to different ports may share one, so that a scan does not run out of them.";
        return Verdict::new(Level::Ok, seen, means);
    }
    let means = "Other programs can use them up; then ports end as unknown (local-limit).";
    Verdict::new(Level::Limit, seen, means).mend("sudo sysctl -w net.ipv4.ip_local_port_range='32768 60999'")
}

fn time_wait(count: u64, source_ports: Option<&(u64, u64)>) -> Verdict {
    let seen = counted(count, "socket", "sockets");
    let room = source_ports.map_or(u64::MAX, |&(first, last)| (last + 1).saturating_sub(first));
    if count < room / 2 {
        let means = "A scan leaves none: it closes its connections with RST.";
        return Verdict::new(Level::Ok, seen, means);
    }
    let means = "Another program leaves so many closed connections behind that source ports are short. A scan leaves none.";
    Verdict::new(Level::Limit, seen, means).mend("sudo sysctl -w net.ipv4.tcp_tw_reuse=1")
}

fn neighbours(table: &NeighbourTable, family: &str) -> Verdict {
    let at_once = table.soft.min(table.hard / 2);
    let seen = format!(
        "{} of {}, refused {} since the start",
        number(table.now.entries),
        number(table.hard),
        counted(table.now.table_fulls, "time", "times")
    );
    let mend = format!(
        "sudo sysctl -w net.{family}.neigh.default.gc_thresh3=16384 net.{family}.neigh.default.gc_thresh2=8192"
    );
    if table.now.entries.saturating_mul(5) >= table.hard.saturating_mul(4) {
        let means = "The table of hosts on this network is nearly full: new ones cannot be reached by any program of this machine, \
                     and end as unknown (local-limit).";
        return Verdict::new(Level::Limit, seen, means).mend(mend);
    }
    let means = format!(
        "Hosts of this network are looked for {} at a time, so that other programs keep their network.",
        number(at_once)
    );
    if table.now.table_fulls > 0 {
        let means = format!(
            "{means} It was full before: something on this machine asks for many addresses that nobody has."
        );
        return Verdict::new(Level::Note, seen, means).mend(mend);
    }
    Verdict::new(Level::Ok, seen, means)
}

fn conntrack(list: &Conntrack) -> Verdict {
    let seen = format!("{} of {} connections", number(list.count), number(list.max));
    let mend = "sudo sysctl -w net.netfilter.nf_conntrack_max=262144";
    if list.count.saturating_mul(5) >= list.max.saturating_mul(4) {
        let means =
            "The list is nearly full: the kernel then drops what is new, and open ports look filtered.";
        return Verdict::new(Level::Limit, seen, means).mend(mend);
    }
    let Some(seconds) = list.silent_for.filter(|&seconds| seconds > 0) else {
        return Verdict::new(Level::Ok, seen, "Every connection of a scan is listed for a while.");
    };
    let rate = list.max.saturating_sub(list.count) / seconds;
    let means = format!(
        "A connection without answer is listed for {seconds} s: from about {} a second on, for that long, the list runs full and \
         open ports look filtered.",
        number(rate)
    );
    if rate >= ENOUGH_RATE {
        return Verdict::new(Level::Ok, seen, means);
    }
    Verdict::new(Level::Note, seen, format!("{means} --max-rate {} stays below.", rate.max(1))).mend(mend)
}

/// A scan of silent networks makes about as many connections in a second: 1,536 at most that wait for 3 s, twice each at best.
const ENOUGH_RATE: u64 = 1_000;

fn syn(syn: &Syn) -> Verdict {
    let seen = match syn.linear {
        Some(linear) => format!("{}, of which {linear} a second apart", syn.retries),
        None => syn.retries.to_string(),
    };
    if syn.retries == 0 {
        let means = "The kernel never repeats what opens a connection: a listener with a full queue is missed more easily. The scan's \
                     own retries make up for lost packets.";
        return Verdict::new(Level::Note, seen, means).mend("sudo sysctl -w net.ipv4.tcp_syn_retries=6");
    }
    let means = "While a port is waited for, the kernel asks again after a second or more. Retries of the scan come on top.";
    Verdict::new(Level::Ok, seen, means)
}

fn default_route(routes: &[Route]) -> Verdict {
    let names: Vec<&str> = routes.iter().map(|route| route.interface.as_str()).collect();
    let seen = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    if routes.is_empty() {
        let means = "Only the networks of this machine's own interfaces can be scanned; other targets end as unknown (no-route).";
        return Verdict::new(Level::Note, seen, means).mend("ip route show");
    }
    if let Some(tunnel) = routes.iter().find(|route| route.is_tunnel) {
        let means = format!(
            "{} is a tunnel, most likely a VPN: what is not local is seen from its far end, which may limit or filter connections.",
            tunnel.interface
        );
        return Verdict::new(Level::Note, seen, means).mend("ip route get TARGET");
    }
    Verdict::new(Level::Ok, seen, "Targets elsewhere are reached through it.")
}

fn surroundings(within: Option<Surroundings>) -> Verdict {
    match within {
        None => Verdict::new(Level::Ok, "none", "The network is this machine's own."),
        Some(Surroundings::Container(kind)) => {
            let means = "Unless it has the host's network, a scan goes through address translation: the local network is not seen as \
                         such, and limits of the host count too.";
            Verdict::new(Level::Note, kind, means).mend("docker run --network host …")
        }
        Some(Surroundings::Wsl) => {
            let means = "Unless its network is mirrored, a scan goes through Windows' address translation, which is slow with many \
                         connections and hides the local network.";
            Verdict::new(Level::Note, "WSL", means).mend(
                "networkingMode=mirrored below [wsl2] in %UserProfile%\\.wslconfig, then wsl --shutdown",
            )
        }
    }
}

fn resolver(servers: &[String]) -> Verdict {
    if servers.is_empty() {
        let means =
            "No name server is configured: targets can be given by address, or by a name in the hosts file.";
        return Verdict::new(Level::Note, "none", means).mend("cat /etc/resolv.conf");
    }
    let means = if servers.iter().any(|server| server == "127.0.0.53") {
        "Names are looked up by systemd-resolved on this machine; resolvectl status shows whom it asks."
    } else {
        "Names of targets are looked up there, unless the system is told otherwise (nsswitch.conf)."
    };
    Verdict::new(Level::Ok, servers.join(", "), means)
}

fn firewall(rules: Firewall) -> Verdict {
    if rules.refusals == 0 {
        let means = "No rule of nftables refuses what leaves this machine.";
        return Verdict::new(Level::Ok, "nothing refused", means);
    }
    let seen = counted(rules.refusals as u128, "rule", "rules");
    let means = "These drop or reject what leaves this machine. What they reject ends as unknown (local-policy); what they drop looks \
                 filtered, and nothing tells the two apart from here.";
    Verdict::new(Level::Note, seen, means).mend("sudo nft list ruleset")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::parse::Neighbours;

    fn shown(verdict: &Verdict) -> String {
        let mend = verdict.mend.as_ref().map_or(String::new(), |mend| format!("  $ {mend}"));
        format!("{}: {} | {}{mend}", verdict.level.as_str(), verdict.seen, verdict.means)
    }

    fn all_shown<T>(readings: impl IntoIterator<Item = T>, judge: impl Fn(T) -> Verdict) -> String {
        readings.into_iter().map(|reading| shown(&judge(reading))).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn limits_of_this_process() {
        let limits = [(1_024, 1_048_576), (256, 256), (1_024, u64::MAX)];
        insta::assert_snapshot!(all_shown(limits, |(now, most)| descriptors(now, most)), @"
        ok: 1,024, at most 1,048,576 | Every connection takes one. The command raises its own limit to the second number.
        limit: 256, at most 256 | Every connection takes one: fewer than 256 can be open at once, which makes a scan of silent networks slow. It stays correct.  $ sudo prlimit --pid $$ --nofile=65536:65536
        ok: 1,024, at most no limit | Every connection takes one. The command raises its own limit to the second number.
        ");
        insta::assert_snapshot!(all_shown([(32_768, 60_999), (60_000, 60_500)], |(first, last)| {
            source_ports(first, last)
        }), @"
        ok: 32768 to 60999, 28,232 | Connections to different ports may share one, so that a scan does not run out of them.
        limit: 60000 to 60500, 501 | Other programs can use them up; then ports end as unknown (local-limit).  $ sudo sysctl -w net.ipv4.ip_local_port_range='32768 60999'
        ");
        let ports = (32_768, 60_999);
        insta::assert_snapshot!(all_shown([0, 14_116], |count| time_wait(count, Some(&ports))), @"
        ok: 0 sockets | A scan leaves none: it closes its connections with RST.
        limit: 14,116 sockets | Another program leaves so many closed connections behind that source ports are short. A scan leaves none.  $ sudo sysctl -w net.ipv4.tcp_tw_reuse=1
        ");
    }

    #[test]
    fn tables_of_the_kernel() {
        let table = |entries, table_fulls, hard| NeighbourTable {
            now: Neighbours { entries, table_fulls },
            soft: hard / 2,
            hard,
        };
        let tables = [table(6, 0, 1_024), table(6, 1_248, 1_024), table(820, 0, 1_024)];
        insta::assert_snapshot!(all_shown(tables, |table| neighbours(&table, "ipv4")), @"
        ok: 6 of 1,024, refused 0 times since the start | Hosts of this network are looked for 512 at a time, so that other programs keep their network.
        note: 6 of 1,024, refused 1,248 times since the start | Hosts of this network are looked for 512 at a time, so that other programs keep their network. It was full before: something on this machine asks for many addresses that nobody has.  $ sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384 net.ipv4.neigh.default.gc_thresh2=8192
        limit: 820 of 1,024, refused 0 times since the start | The table of hosts on this network is nearly full: new ones cannot be reached by any program of this machine, and end as unknown (local-limit).  $ sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384 net.ipv4.neigh.default.gc_thresh2=8192
        ");
        insta::assert_snapshot!(shown(&neighbours(&table(1_000, 0, 1_024), "ipv6")), @"limit: 1,000 of 1,024, refused 0 times since the start | The table of hosts on this network is nearly full: new ones cannot be reached by any program of this machine, and end as unknown (local-limit).  $ sudo sysctl -w net.ipv6.neigh.default.gc_thresh3=16384 net.ipv6.neigh.default.gc_thresh2=8192");
        let list = |count, max, silent_for| Conntrack { count, max, silent_for };
        let lists = [
            list(10, 262_144, Some(120)),
            list(10, 65_536, Some(120)),
            list(60_000, 65_536, Some(120)),
            list(0, 100, None),
        ];
        insta::assert_snapshot!(all_shown(lists, |list| conntrack(&list)), @"
        ok: 10 of 262,144 connections | A connection without answer is listed for 120 s: from about 2,184 a second on, for that long, the list runs full and open ports look filtered.
        note: 10 of 65,536 connections | A connection without answer is listed for 120 s: from about 546 a second on, for that long, the list runs full and open ports look filtered. --max-rate 546 stays below.  $ sudo sysctl -w net.netfilter.nf_conntrack_max=262144
        limit: 60,000 of 65,536 connections | The list is nearly full: the kernel then drops what is new, and open ports look filtered.  $ sudo sysctl -w net.netfilter.nf_conntrack_max=262144
        ok: 0 of 100 connections | Every connection of a scan is listed for a while.
        ");
        let kernels = [Syn { retries: 6, linear: Some(4) }, Syn { retries: 0, linear: None }];
        insta::assert_snapshot!(all_shown(kernels, |kernel| syn(&kernel)), @"
        ok: 6, of which 4 a second apart | While a port is waited for, the kernel asks again after a second or more. Retries of the scan come on top.
        note: 0 | The kernel never repeats what opens a connection: a listener with a full queue is missed more easily. The scan's own retries make up for lost packets.  $ sudo sysctl -w net.ipv4.tcp_syn_retries=6
        ");
    }

    #[test]
    fn the_way_out() {
        let route = |interface: &str, is_tunnel| Route { interface: interface.into(), is_tunnel };
        let ways = [vec![], vec![route("eth0", false)], vec![route("wg0", true), route("eth0", false)]];
        insta::assert_snapshot!(all_shown(ways, |routes| default_route(&routes)), @"
        note: none | Only the networks of this machine's own interfaces can be scanned; other targets end as unknown (no-route).  $ ip route show
        ok: eth0 | Targets elsewhere are reached through it.
        note: wg0, eth0 | wg0 is a tunnel, most likely a VPN: what is not local is seen from its far end, which may limit or filter connections.  $ ip route get TARGET
        ");
        let within = [None, Some(Surroundings::Container("Docker")), Some(Surroundings::Wsl)];
        insta::assert_snapshot!(all_shown(within, surroundings), @r"
        ok: none | The network is this machine's own.
        note: Docker | Unless it has the host's network, a scan goes through address translation: the local network is not seen as such, and limits of the host count too.  $ docker run --network host …
        note: WSL | Unless its network is mirrored, a scan goes through Windows' address translation, which is slow with many connections and hides the local network.  $ networkingMode=mirrored below [wsl2] in %UserProfile%\.wslconfig, then wsl --shutdown
        ");
        let servers = [vec![], vec!["192.0.2.53".to_owned()], vec!["127.0.0.53".to_owned()]];
        insta::assert_snapshot!(all_shown(servers, |servers| resolver(&servers)), @"
        note: none | No name server is configured: targets can be given by address, or by a name in the hosts file.  $ cat /etc/resolv.conf
        ok: 192.0.2.53 | Names of targets are looked up there, unless the system is told otherwise (nsswitch.conf).
        ok: 127.0.0.53 | Names are looked up by systemd-resolved on this machine; resolvectl status shows whom it asks.
        ");
        insta::assert_snapshot!(all_shown([0, 2], |refusals| firewall(Firewall { refusals })), @"
        ok: nothing refused | No rule of nftables refuses what leaves this machine.
        note: 2 rules | These drop or reject what leaves this machine. What they reject ends as unknown (local-policy); what they drop looks filtered, and nothing tells the two apart from here.  $ sudo nft list ruleset
        ");
    }

    #[test]
    fn what_cannot_be_read_is_skipped_with_its_reason() {
        let finding =
            judged("resolver", &Err::<Vec<String>, _>("no such file".into()), |servers| resolver(servers));
        assert_eq!((finding.level, finding.seen.as_str()), (Level::Skipped, "no such file"));
    }
}
