//! The texts of `/proc` and their like, understood.

/// The kernel's table of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neighbours {
    /// Entries now.
    pub(super) entries: u64,
    /// How often an entry was refused since the machine was started.
    pub(super) table_fulls: u64,
}

/// The first whole number of a text.
pub(super) fn number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Two numbers, as in `ip_local_port_range`.
pub(super) fn pair(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `/proc/net/stat/arp_cache`: a line per processor, hexadecimal; the entries are the same in each.
pub(super) fn neighbours(text: &str) -> Option<Neighbours> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next()?.split_whitespace().collect();
    let column = |name| names.iter().position(|&column| column == name);
    let (entries, fulls) = (column("entries")?, column("table_fulls")?);
    let rows: Vec<Vec<u64>> = lines
        .map(|line| line.split_whitespace().filter_map(|field| u64::from_str_radix(field, 16).ok()).collect())
        .collect();
    Some(Neighbours {
        entries: *rows.first()?.get(entries)?,
        table_fulls: rows.iter().filter_map(|row| row.get(fulls)).sum(),
    })
}

/// The sockets in `TIME_WAIT`, from `/proc/net/sockstat`.
pub(super) fn time_wait(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace();
    words.find(|&word| word == "tw")?;
    words.next()?.parse().ok()
}

/// The interfaces of the default routes in `/proc/net/route`.
pub(super) fn default_routes_v4(text: &str) -> Vec<String> {
    /// `RTF_REJECT` of `linux/route.h`.
    const REJECT: u32 = 0x200;
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, _, flags, _, _, _, mask, ..] = fields.as_slice() else { continue };
        let rejects = u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & REJECT != 0);
        // A VPN may cover everything with two routes of half the addresses each.
        let all_or_half = (*destination == "00000000" && matches!(*mask, "00000000" | "00000080"))
            || (*destination == "00000080" && *mask == "00000080");
        if all_or_half && !rejects && !found.iter().any(|known| known == interface) {
            found.push((*interface).to_owned());
        }
    }
    found
}

/// The interfaces of the default routes in `/proc/net/ipv6_route`. A route through `lo` is the kernel's way to say that there is none.
pub(super) fn default_routes_v6(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(destination), Some(prefix), Some(interface)) =
            (fields.first(), fields.get(1), fields.last())
        else {
            continue;
        };
        let is_default = destination.bytes().all(|digit| digit == b'0') && *prefix == "00";
        if is_default && *interface != "lo" && !found.iter().any(|known| known == interface) {
            found.push((*interface).to_owned());
        }
    }
    found
}

/// The name servers of `/etc/resolv.conf`.
pub(super) fn name_servers(text: &str) -> Vec<String> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next().map(str::to_owned)).flatten()
    };
    text.lines().filter_map(server).collect()
}

/// The kind of container that the control groups of process 1 name.
pub(super) fn container(cgroups: &str) -> Option<&'static str> {
    [("kubepods", "Kubernetes"), ("docker", "Docker"), ("libpod", "Podman"), ("lxc", "LXC")]
        .into_iter()
        .find_map(|(mark, name)| cgroups.contains(mark).then_some(name))
}

/// How many rules of an nftables ruleset drop or reject something that leaves this machine; a policy counts as one.
pub(super) fn outgoing_refusals(ruleset: &str) -> usize {
    let mut outgoing = false;
    let mut refusals = 0;
    for line in ruleset.lines().map(str::trim) {
        if line.starts_with("chain ") || line == "}" {
            outgoing = false;
        } else if line.contains(" hook ") {
            outgoing = line.contains("hook output");
            refusals += usize::from(outgoing && line.contains("policy drop"));
        } else if outgoing {
            let refuses = line.split_whitespace().any(|word| matches!(word, "drop" | "reject"));
            refusals += usize::from(refuses);
        }
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_counted_over_all_processors() {
        let text = "entries  allocs table_fulls\n00000006 00002e57 000002da\n00000006 000040ac 00000206\n";
        assert_eq!(neighbours(text), Some(Neighbours { entries: 6, table_fulls: 0x2da + 0x206 }));
        for text in ["", "entries table_fulls\n", "entries\n00000001\n"] {
            assert_eq!(neighbours(text), None, "{text}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(number("1024\n"), Some(1_024));
        assert_eq!(number("x"), None);
        assert_eq!(pair("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(pair("32768"), None);
        assert_eq!(time_wait("sockets: used 39\nTCP: inuse 2 orphan 8 tw 17 alloc 75 mem 0\n"), Some(17));
        assert_eq!(time_wait("UDP: inuse 0\n"), None);
    }

    #[test]
    fn default_routes() {
        let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";
        let route = |interface: &str, destination: &str, flags: &str, mask: &str| {
            format!("{interface}\t{destination}\t00000000\t{flags}\t0\t0\t0\t{mask}\n")
        };
        let usual = route("eth0", "00000000", "0003", "00000000");
        let local = route("eth0", "000200C0", "0001", "00FFFFFF");
        let halves =
            route("tun0", "00000000", "0001", "00000080") + &route("tun0", "00000080", "0001", "00000080");
        let rejected = route("lo", "00000000", "0200", "00000000");
        for (rows, found) in [
            (usual.clone() + &local, vec!["eth0"]),
            (halves + &usual, vec!["tun0", "eth0"]),
            (local + &rejected, vec![]),
        ] {
            assert_eq!(default_routes_v4(&format!("{head}{rows}")), found);
        }
        let zeros = "0".repeat(32);
        let v6 = format!(
            "{zeros} 00 {zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
             {zeros} 00 {zeros} 00 {zeros} ffffffff 00000001 00000000 00200200       lo\n\
             fd000000000000000000000000000000 40 {zeros} 00 {zeros} 00000100 00000001 00000000 00000001     eth1\n"
        );
        assert_eq!(default_routes_v6(&v6), ["eth0"]);
    }

    #[test]
    fn the_resolver_and_the_container() {
        assert_eq!(
            name_servers("# by hand\nnameserver 192.0.2.53\nsearch lan\nnameserver 2001:db8::53\n"),
            ["192.0.2.53", "2001:db8::53"]
        );
        assert_eq!(container("0::/kubepods/besteffort/pod1"), Some("Kubernetes"));
        assert_eq!(container("1:name=systemd:/docker/abc"), Some("Docker"));
        assert_eq!(container("0::/init.scope"), None);
    }

    #[test]
    fn only_what_leaves_counts_as_a_refusal() {
        let ruleset = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\
                       \t\ttcp dport 22 accept\n\t\tdrop\n\t}\n\tchain output {\n\
                       \t\ttype filter hook output priority filter; policy accept;\n\
                       \t\ttcp dport 25 reject with tcp reset\n\t\tip daddr 192.0.2.0/24 counter packets 0 bytes 0 drop\n\t}\n}\n";
        assert_eq!(outgoing_refusals(ruleset), 2);
        let policy =
            "table ip f {\n\tchain o {\n\t\ttype filter hook output priority filter; policy drop;\n\t}\n}\n";
        assert_eq!(outgoing_refusals(policy), 1);
        assert_eq!(outgoing_refusals(""), 0);
    }
}
