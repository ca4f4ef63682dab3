//! The texts of `scanner explain`: one table, held to the enums by a test.

use super::Kind;

/// One word of a result.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) kind: Kind,
    /// As results write it.
    pub(super) word: &'static str,
    /// What was observed.
    pub(super) seen: &'static str,
    /// What it can mean.
    pub(super) means: &'static str,
    /// What to do.
    pub(super) advice: &'static str,
}

const fn text(kind: Kind, word: &'static str, [seen, means, advice]: [&'static str; 3]) -> Text {
    Text { kind, word, seen, means, advice }
}

pub(super) const TEXTS: &[Text] = &[
    text(
        Kind::State,
        "open",
        [
            "A connection was made.",
            "Something listens on the port. Which program it is was not asked; the name beside it is a guess from the number.",
            "If it should not be there, find the program on the host itself: ss -ltnp (Linux), netstat -abn (Windows).",
        ],
    ),
    text(
        Kind::State,
        "closed",
        [
            "The host itself refused the connection.",
            "The host is there and no program listens on the port.",
            "Nothing. If a program should listen, see whether it runs, and on which address it listens.",
        ],
    ),
    text(
        Kind::State,
        "filtered",
        [
            "No answer of the host itself came back, on any attempt.",
            "A firewall on the way or on the host drops or rejects what is sent to the port. It says nothing about whether a program listens.",
            "Scan from inside the firewall, or read its rules. The reason says which kind of filter it is.",
        ],
    ),
    text(
        Kind::State,
        "unknown",
        [
            "This machine failed to measure the port.",
            "The port may be any of the others. The scan is incomplete, and says so in its exit status.",
            "Look at the reason, mend it, and scan these ports again. scanner doctor looks at this machine.",
        ],
    ),
    text(
        Kind::Reason,
        "handshake",
        [
            "The three-way handshake completed.",
            "A program listens, or something accepts connections in its place: a proxy, a load balancer, a container's port forwarding.",
            "Connect with the client of the service to see what it is.",
        ],
    ),
    text(
        Kind::Reason,
        "self-connect",
        [
            "The kernel connected the socket to itself.",
            "It happens on this machine's own addresses, where the port was chosen as the source port too. It proves that nobody listened.",
            "Nothing; the port is closed.",
        ],
    ),
    text(
        Kind::Reason,
        "rst",
        [
            "A segment with RST came back.",
            "The host is there and nothing listens. Some firewalls send RST in the host's place; from outside that looks the same.",
            "Nothing; the port is closed.",
        ],
    ),
    text(
        Kind::Reason,
        "refused",
        [
            "The connection was refused, on a platform that cannot tell RST from ICMP port-unreachable.",
            "Nothing listens, or a firewall rejects politely.",
            "Scan from Linux, where the two are told apart.",
        ],
    ),
    text(
        Kind::Reason,
        "port-unreachable",
        [
            "ICMP port-unreachable came back, and no segment of TCP.",
            "A firewall rejects the port, usually on the host itself: a closed port would have sent RST.",
            "Read the firewall's rules on the host (nft list ruleset, iptables -S).",
        ],
    ),
    text(
        Kind::Reason,
        "host-unreachable",
        [
            "ICMP host-unreachable came back from a router.",
            "The last router found no such host, or a firewall there rejects in its name.",
            "See whether the host is switched on; ask the router who answers for the address.",
        ],
    ),
    text(
        Kind::Reason,
        "net-unreachable",
        [
            "ICMP net-unreachable came back from a router.",
            "A router on the way knows no route to that network.",
            "Check the address, and the routes of the routers on the way (traceroute shows how far it gets).",
        ],
    ),
    text(
        Kind::Reason,
        "proto-unreachable",
        [
            "ICMP protocol-unreachable came back.",
            "The host speaks no TCP at all, or a firewall is set to say so.",
            "Nothing from here; it is a decision of the other side.",
        ],
    ),
    text(
        Kind::Reason,
        "prohibited",
        [
            "ICMP administratively-prohibited came back.",
            "A firewall or a router forbids the connection and says so.",
            "Ask whoever runs it. Its address is in the ICMP message: tcpdump icmp shows it.",
        ],
    ),
    text(
        Kind::Reason,
        "no-neighbour",
        [
            "Nobody on this network answered for the address (ARP, or neighbour discovery): two requests, a second apart, or three.",
            "No such host on the local network, or it is switched off or asleep.",
            "Wake it, or check the address. A host that never answers ARP cannot be reached by anybody on this network.",
        ],
    ),
    text(
        Kind::Reason,
        "no-reply",
        [
            "Silence on every attempt.",
            "A firewall drops what is sent to the port. Where the host lost packets, the port was asked more often first.",
            "Compare with a scan from inside the firewall. --retries asks more often still.",
        ],
    ),
    text(
        Kind::Reason,
        "no-reply-limited",
        [
            "Silence, from a host that limits how often it refuses.",
            "The port may well be closed: the host had no refusal left. Its listeners always answered, so the port is not open as long as a listener would have answered too.",
            "Scan slower to get every refusal: --max-rate 100, or --pace gentle.",
        ],
    ),
    text(
        Kind::Reason,
        "host-lost",
        [
            "The host had answered, then fell silent on ports that had answered before.",
            "It went to sleep, restarted, was unplugged, or something began to block this machine.",
            "Scan it again later; if it happens again, with --pace gentle.",
        ],
    ),
    text(
        Kind::Reason,
        "local-limit",
        [
            "This machine ran out of descriptors, buffers, source ports or neighbour entries.",
            "Other programs, other scans or a low limit left too little room. Nothing is known of the port.",
            "scanner doctor names the limit. Raise it, or use fewer --max-connections.",
        ],
    ),
    text(
        Kind::Reason,
        "no-route",
        [
            "This machine has no route to the address; nothing was sent.",
            "A VPN is not up, an interface is down, or the address family is missing here (IPv6).",
            "ip route get ADDRESS shows what the kernel thinks.",
        ],
    ),
    text(
        Kind::Reason,
        "local-policy",
        [
            "This machine itself refused to let the probe out.",
            "A firewall on this machine rejects outgoing connections; on macOS, the permission for the local network is missing.",
            "Allow it here (nft list ruleset; on macOS Privacy & Security, Local Network) and scan again.",
        ],
    ),
    text(
        Kind::Reason,
        "network-down",
        [
            "This machine's network went away and did not come back in time.",
            "The cable, the Wi-Fi or the VPN dropped during the scan.",
            "Bring it back and scan again.",
        ],
    ),
    text(
        Kind::Reason,
        "cancelled",
        [
            "The scan was stopped before the port was measured.",
            "Somebody pressed Ctrl-C or q, or a signal came.",
            "Scan again, or only these ports.",
        ],
    ),
    text(
        Kind::Reason,
        "deadline",
        [
            "Time ran out before the port was measured.",
            "--deadline for the whole scan, or --host-timeout for this host, was too short for the path.",
            "Give it more time, or ask fewer ports. scanner --plan says how long it may take.",
        ],
    ),
    text(
        Kind::Reason,
        "skipped",
        [
            "The host was skipped on request before the port was measured.",
            "Somebody pressed s, or a program skipped the host.",
            "Scan the host again on its own.",
        ],
    ),
    text(
        Kind::Verdict,
        "accepts-everything",
        [
            "Nearly every port of the host completes a handshake.",
            "A proxy, a tarpit, a load balancer or protection against SYN floods answers in the host's place. Its open ports are no services.",
            "Scan from another place, behind whatever answers. Such hosts are left out of lists and do not count for --fail-if.",
        ],
    ),
    text(
        Kind::Verdict,
        "response-limited",
        [
            "Listeners of the host always answer, but refusals come only at a limited rate.",
            "The host protects itself or its path. Silent ports are most likely closed.",
            "Scan slower to get every refusal: --max-rate 100, or --pace gentle.",
        ],
    ),
    text(
        Kind::Verdict,
        "host-lost",
        [
            "The host answered, then stopped answering on ports that had answered before.",
            "It went away, or something began to block this machine. What is missing is unknown, not closed.",
            "Scan it again later; if it happens again, with --pace gentle.",
        ],
    ),
    text(
        Kind::Host,
        "up",
        [
            "The host itself answered, on an open or a closed port, or as a neighbour.",
            "It is there.",
            "Nothing to do; its ports are measured.",
        ],
    ),
    text(
        Kind::Host,
        "down",
        [
            "The network said that nobody is there.",
            "No neighbour of that address, or a router reported it unreachable.",
            "Check the address, or wake the host. -Pn asks all its ports all the same.",
        ],
    ),
    text(
        Kind::Host,
        "unknown",
        [
            "No answer at all, or nothing could be sent.",
            "It is not there, asleep, or behind a firewall that drops everything; or this machine could not ask.",
            "-Pn asks all its ports. scanner doctor looks at this machine.",
        ],
    ),
    text(
        Kind::Evidence,
        "neighbour",
        [
            "The address answered ARP or neighbour discovery on a network of this machine.",
            "Something is there, even if every port is silent: a firewall drops what is sent to it. Some routers answer for addresses that nobody has.",
            "If very many addresses have the same hardware address, look at what a router does there (proxy ARP).",
        ],
    ),
    text(
        Kind::Completion,
        "complete",
        [
            "Every port was measured, or its host judged down.",
            "The result is as good as it gets from here.",
            "Nothing is missing; keep it as a --baseline for the next scan.",
        ],
    ),
    text(
        Kind::Completion,
        "incomplete",
        [
            "The scan ran to its end, but some ports could not be measured.",
            "These ports are unknown, each with its reason; the others are measured.",
            "scanner explain REASON says what to do about each reason.",
        ],
    ),
    text(
        Kind::Completion,
        "deadline",
        [
            "The time of --deadline was over first.",
            "What was found until then is kept; the rest is unknown.",
            "Give it more time. scanner --plan says how long it may take.",
        ],
    ),
    text(
        Kind::Completion,
        "cancelled",
        [
            "The scan was stopped by Ctrl-C, a signal, or q.",
            "What was found until then is kept; the rest is unknown.",
            "Scan again; the same --seed gives the same order.",
        ],
    ),
    text(
        Kind::Exit,
        "0",
        [
            "The scan is complete, whatever it found.",
            "Every port was measured, or its host judged down. The other commands: they did what was asked.",
            "Nothing; to be told by status of what was found, use --fail-if.",
        ],
    ),
    text(
        Kind::Exit,
        "1",
        [
            "What --fail-if names is the case; or scanner diff found a difference.",
            "A port is open, none is, or something is not as in the baseline. A violation is 1 even where the scan is incomplete.",
            "Read the result; it says which host and port.",
        ],
    ),
    text(
        Kind::Exit,
        "2",
        [
            "Wrong usage, configuration or target; or no usable target at all.",
            "Nothing was scanned.",
            "Read the error: it says what is wrong, where, and what would be right.",
        ],
    ),
    text(
        Kind::Exit,
        "3",
        [
            "The scan ran, but is incomplete.",
            "A deadline, q, ports that could not be measured, a name without address, or a result that could not be written.",
            "Read the last lines of the result, or the warnings on standard error.",
        ],
    ),
    text(
        Kind::Exit,
        "129",
        [
            "SIGHUP ended the scan: its terminal or its session is gone.",
            "What was found until then is written out.",
            "Start it with nohup, in tmux, or as a service.",
        ],
    ),
    text(
        Kind::Exit,
        "130",
        [
            "SIGINT ended the scan: Ctrl-C.",
            "What was found until then is written out. A second Ctrl-C ends at once and writes nothing more.",
            "Nothing; q stops too, and ends with 3.",
        ],
    ),
    text(
        Kind::Exit,
        "143",
        [
            "SIGTERM ended the scan: kill, timeout, or a service manager.",
            "What was found until then is written out.",
            "Give it more time, or use --deadline, which ends the scan in its own time.",
        ],
    ),
];
