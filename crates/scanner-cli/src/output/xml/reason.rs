//! nmap's words for reasons, to be written and to be read.

use scanner_core::Reason;

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
}
