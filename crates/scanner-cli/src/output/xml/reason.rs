//! nmap's words for reasons, to be written and to be read.

use std::net::IpAddr;

use scanner_core::{Evidence, HostAddr, Reason};

/// How nmap says that a host is there because it answered as a neighbour: by ARP, by neighbour discovery.
const NEIGHBOUR: [&str; 2] = ["arp-response", "nd-response"];

/// nmap's word for what shows whether the host at `addr` is there.
pub(super) const fn word_of_evidence(evidence: Evidence, addr: HostAddr) -> &'static str {
    match (evidence, addr.ip()) {
        (Evidence::Port(reason), _) => word(reason),
        (Evidence::Neighbour, IpAddr::V4(_)) => NEIGHBOUR[0],
        (Evidence::Neighbour, IpAddr::V6(_)) => NEIGHBOUR[1],
        _ => evidence.as_str(),
    }
}

/// What a word says of a host; nothing where we have no such evidence.
pub(crate) fn evidence_of_word(text: &str) -> Option<Evidence> {
    if NEIGHBOUR.contains(&text) { Some(Evidence::Neighbour) } else { of_word(text).map(Evidence::Port) }
}

/// nmap's word for a reason; ours where it has none.
pub(super) const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Handshake => "syn-ack",
        Reason::SelfConnect | Reason::Rst | Reason::Refused => "conn-refused",
        Reason::PortUnreachable => "port-unreach",
        Reason::HostUnreachable => "host-unreach",
        Reason::NetUnreachable => "net-unreach",
        Reason::ProtoUnreachable => "proto-unreach",
        Reason::Prohibited => "admin-prohibited",
        Reason::NoReply => "no-response",
        Reason::NoNeighbour
        | Reason::NoReplyLimited
        | Reason::HostLost
        | Reason::LocalLimit
        | Reason::NoRoute
        | Reason::LocalPolicy
        | Reason::NetworkDown
        | Reason::Cancelled
        | Reason::Deadline
        | Reason::Skipped
        | _ => reason.as_str(),
    }
}

/// What a word means, in the singular or the plural that nmap uses for many ports; none where we have no such thing.
pub(crate) fn of_word(text: &str) -> Option<Reason> {
    let ours = Reason::ALL.into_iter().find(|reason| reason.as_str() == text);
    ours.or_else(|| match text.trim_end_matches('s') {
        // One word of nmap for several of our reasons: the one that says no more than nmap does.
        "conn-refused" => Some(Reason::Refused),
        // Words that only nmap's own probes need.
        "reset" => Some(Reason::Rst),
        "host-prohibited" | "net-prohibited" => Some(Reason::Prohibited),
        singular => {
            let is_word = |word: &str| singular == word || singular.strip_suffix('e') == Some(word);
            Reason::ALL.into_iter().find(|reason| is_word(word(*reason)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_written_is_read_again() {
        for reason in Reason::ALL {
            let again = of_word(word(reason)).unwrap();
            assert_eq!((word(again), again.state()), (word(reason), reason.state()));
        }
    }

    #[test]
    fn words_that_only_nmap_writes() {
        for (text, reason) in [
            ("syn-acks", Some(Reason::Handshake)),
            ("resets", Some(Reason::Rst)),
            ("no-responses", Some(Reason::NoReply)),
            ("port-unreaches", Some(Reason::PortUnreachable)),
            ("net-unreaches", Some(Reason::NetUnreachable)),
            ("host-prohibiteds", Some(Reason::Prohibited)),
            ("localhost-response", None),
            ("", None),
        ] {
            assert_eq!(of_word(text), reason, "{text}");
        }
    }

    #[test]
    fn a_neighbour_answers_by_the_protocol_of_its_family() {
        for (addr, word) in [("192.0.2.1", "arp-response"), ("2001:db8::1", "nd-response")] {
            assert_eq!(word_of_evidence(Evidence::Neighbour, addr.parse().unwrap()), word);
            assert_eq!(evidence_of_word(word), Some(Evidence::Neighbour));
        }
        assert_eq!(evidence_of_word("syn-ack"), Some(Evidence::Port(Reason::Handshake)));
        assert_eq!(evidence_of_word("localhost-response"), None);
    }
}
