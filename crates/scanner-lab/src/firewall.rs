//! The rules of `nft` that make a scenario's limits and answers true. Pure text.

use std::fmt::Write as _;

use crate::scenario::{Answer, Limit, Scenario, Size};
use crate::truth::HostTruth;

/// Where the one listener listens that stands for all ports.
pub(crate) const ONE_LISTENER: u16 = 7;

/// Bytes of a SYN with the options of Linux.
const SYN_BYTES: u64 = 60;

const IS_SYN: &str = "tcp flags & (syn|ack) == syn";
const IS_RST: &str = "tcp flags & rst == rst";

/// Everything the target's firewall has to do, or nothing.
pub(crate) fn rules(scenario: &Scenario, hosts: &[HostTruth], size: Size) -> String {
    let mut input = String::new();
    let mut output = String::new();
    if scenario.loss_percent > 0.0 {
        // numgen draws whole numbers.
        let rule = format!("numgen random mod 10000 < {:.0} drop\n", scenario.loss_percent * 100.0);
        input.push_str(&rule);
        output.push_str(&rule);
    }
    if let Some(percent) = scenario.outage.silent_after_percent {
        let bytes = scenario.ports(size).len() as u64 * u64::from(percent) * SYN_BYTES / 100;
        let _ = writeln!(input, "quota over {bytes} bytes drop");
    }
    if let Some(limit) = scenario.limits.syn {
        input.push_str(&over(IS_SYN, limit));
    }
    if let Some(limit) = scenario.limits.rst {
        output.push_str(&over(IS_RST, limit));
    }
    for host in hosts.iter().filter(|host| host.up) {
        for (answer, verdict) in [
            (Answer::Silent, "drop"),
            (Answer::PortUnreachable, "reject with icmpx type port-unreachable"),
            (Answer::Prohibited, "reject with icmpx type admin-prohibited"),
        ] {
            input.push_str(&ports_rule(host, answer, verdict));
        }
    }
    let mut text = String::new();
    for (hook, rules) in [("input", input), ("output", output)] {
        if !rules.is_empty() {
            let _ = writeln!(
                text,
                "table inet lab {{\nchain {hook} {{\ntype filter hook {hook} priority 0;\n{rules}}}\n}}"
            );
        }
    }
    if scenario.listens_everywhere() {
        let _ = writeln!(
            text,
            "table inet everywhere {{\nchain ports {{\ntype filter hook prerouting priority -150;\n\
             meta nfproto ipv4 tcp dport 1-65535 tproxy ip to :{ONE_LISTENER} accept\n}}\n}}"
        );
    }
    if scenario.host.one_listener {
        let family = if hosts.iter().any(|host| host.ip.is_ipv6()) { "ip6" } else { "ip" };
        let _ = writeln!(
            text,
            "table {family} proxy {{\nchain ports {{\ntype nat hook prerouting priority -100;\n\
             tcp dport 1-65535 redirect to :{ONE_LISTENER}\n}}\n}}"
        );
    }
    text
}

/// Counts what the scanner sends, raw packets included: it stands behind everything else on the way out.
pub(crate) fn syn_counter(device: &str) -> String {
    format!(
        "table netdev lab {{\ncounter syn {{ }}\nchain out {{\ntype filter hook egress device \"{device}\" priority 0;\n\
         tcp flags & (syn|ack|rst) == syn counter name syn\n}}\n}}\n"
    )
}

fn over(what: &str, Limit { per_second, burst }: Limit) -> String {
    format!("{what} limit rate over {per_second}/second burst {burst} packets drop\n")
}

fn ports_rule(host: &HostTruth, answer: Answer, verdict: &str) -> String {
    let runs = host.runs(answer).into_iter().map(|run| {
        let (first, last) = run.into_inner();
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    });
    let runs: Vec<_> = runs.collect();
    if runs.is_empty() {
        return String::new();
    }
    let family = if host.ip.is_ipv6() { "ip6" } else { "ip" };
    format!("{family} daddr {} tcp dport {{ {} }} {verdict}\n", host.ip, runs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::draw;

    fn rules_of(text: &str) -> String {
        let scenario = Scenario::parse("test", text).unwrap();
        rules(&scenario, &draw(&scenario, Size::Small, 1), Size::Small)
    }

    #[test]
    fn a_plain_host_needs_no_rules() {
        assert_eq!(rules_of("about = \"\"\n[host]\nopen = 30\n"), "");
    }

    #[test]
    fn loss_and_limits_come_before_answers() {
        let text = "about = \"\"\nloss_percent = 5\nsmall = 4\n[host]\nrest = \"silent\"\n[limits]\n\
                    syn = { per_second = 500, burst = 50 }\nrst = { per_second = 200, burst = 20 }\n[outage]\n\
                    silent_after_percent = 50\n";
        let expected = "\
table inet lab {
chain input {
type filter hook input priority 0;
numgen random mod 10000 < 500 drop
quota over 120 bytes drop
tcp flags & (syn|ack) == syn limit rate over 500/second burst 50 packets drop
ip daddr 10.7.0.2 tcp dport { 1-65535 } drop
}
}
table inet lab {
chain output {
type filter hook output priority 0;
numgen random mod 10000 < 500 drop
tcp flags & rst == rst limit rate over 200/second burst 20 packets drop
}
}
";
        assert_eq!(rules_of(text), expected);
    }

    #[test]
    fn a_proxy_redirects_every_port() {
        let text = "about = \"\"\nfamily = \"v6\"\n[host]\nrest = \"open\"\none_listener = true\n";
        assert!(rules_of(text).contains("table ip6 proxy"), "{}", rules_of(text));
    }
}
