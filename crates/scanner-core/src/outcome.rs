//! What a port turned out to be, and why: the two enums every layer speaks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of one TCP port, as far as this machine could measure it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortState {
    /// Something listens: the handshake completed.
    Open,
    /// The host is there and nothing listens on the port.
    Closed,
    /// Something on the way, or the host, withholds the answer.
    Filtered,
    /// This machine failed to measure it; it may be any of the others.
    Unknown,
}

impl PortState {
    /// All states, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Open, Self::Closed, Self::Filtered, Self::Unknown];

    /// The word used on the wire and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Filtered => "filtered",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PortState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a port has its state. Each reason belongs to exactly one state, see [`Reason::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The three-way handshake completed.
    Handshake,
    /// The kernel connected the socket to itself, which proves that nobody listened.
    SelfConnect,
    /// A segment with RST came back from the host.
    Rst,
    /// The connection was refused, on a platform that cannot tell RST from ICMP port-unreachable.
    Refused,
    /// ICMP port-unreachable: refused without a segment from the peer, as firewalls do.
    PortUnreachable,
    /// ICMP host-unreachable from the path.
    HostUnreachable,
    /// ICMP net-unreachable from the path.
    NetUnreachable,
    /// ICMP protocol-unreachable.
    ProtoUnreachable,
    /// ICMP administratively prohibited: a firewall that says so.
    Prohibited,
    /// The neighbour never answered ARP or neighbour discovery.
    NoNeighbour,
    /// Silence on every attempt.
    NoReply,
    /// Silence from a host that limits how often it refuses: it may have had no refusal left.
    NoReplyLimited,
    /// The host had answered, then fell silent altogether before this port was measured.
    HostLost,
    /// This machine ran out of descriptors, buffers, source ports or neighbour entries.
    LocalLimit,
    /// This machine has no route to the target; nothing was sent.
    NoRoute,
    /// A firewall on this machine refused to let the probe out.
    LocalPolicy,
    /// This machine's network went away and did not come back in time.
    NetworkDown,
    /// The scan was cancelled before the port settled.
    Cancelled,
    /// The deadline of the scan or of the host passed before the port settled.
    Deadline,
    /// The host was skipped on request before the port settled.
    Skipped,
}

impl Reason {
    /// All reasons, in the order in which they are shown.
    pub const ALL: [Self; 20] = [
        Self::Handshake,
        Self::SelfConnect,
        Self::Rst,
        Self::Refused,
        Self::PortUnreachable,
        Self::HostUnreachable,
        Self::NetUnreachable,
        Self::ProtoUnreachable,
        Self::Prohibited,
        Self::NoNeighbour,
        Self::NoReply,
        Self::NoReplyLimited,
        Self::HostLost,
        Self::LocalLimit,
        Self::NoRoute,
        Self::LocalPolicy,
        Self::NetworkDown,
        Self::Cancelled,
        Self::Deadline,
        Self::Skipped,
    ];

    /// The state that this reason gives a port.
    pub const fn state(self) -> PortState {
        match self {
            Self::Handshake => PortState::Open,
            Self::SelfConnect | Self::Rst | Self::Refused => PortState::Closed,
            Self::PortUnreachable
            | Self::HostUnreachable
            | Self::NetUnreachable
            | Self::ProtoUnreachable
            | Self::Prohibited
            | Self::NoNeighbour
            | Self::NoReply
            | Self::NoReplyLimited => PortState::Filtered,
            Self::HostLost
            | Self::LocalLimit
            | Self::NoRoute
            | Self::LocalPolicy
            | Self::NetworkDown
            | Self::Cancelled
            | Self::Deadline
            | Self::Skipped => PortState::Unknown,
        }
    }

    /// The word used on the wire and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::SelfConnect => "self-connect",
            Self::Rst => "rst",
            Self::Refused => "refused",
            Self::PortUnreachable => "port-unreachable",
            Self::HostUnreachable => "host-unreachable",
            Self::NetUnreachable => "net-unreachable",
            Self::ProtoUnreachable => "proto-unreachable",
            Self::Prohibited => "prohibited",
            Self::NoNeighbour => "no-neighbour",
            Self::NoReply => "no-reply",
            Self::NoReplyLimited => "no-reply-limited",
            Self::HostLost => "host-lost",
            Self::LocalLimit => "local-limit",
            Self::NoRoute => "no-route",
            Self::LocalPolicy => "local-policy",
            Self::NetworkDown => "network-down",
            Self::Cancelled => "cancelled",
            Self::Deadline => "deadline",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the target itself answered: a segment or an ICMP message that only a live host sends.
    pub const fn is_answer_of_host(self) -> bool {
        matches!(
            self,
            Self::Handshake | Self::SelfConnect | Self::Rst | Self::Refused | Self::PortUnreachable
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What showed that a host is there, or that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Evidence {
    /// It answered ARP or neighbour discovery: something is there, even if every port is silent.
    Neighbour,
    /// What came of asking its ports: an answer of its own, or word from the path that it cannot be reached.
    #[serde(untagged)]
    Port(Reason),
}

impl Evidence {
    /// The word used on the wire and on the screen: `neighbour`, or that of the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Neighbour => "neighbour",
            Self::Port(reason) => reason.as_str(),
        }
    }

    /// Whether only a host that is there leads to it.
    pub const fn is_of_host(self) -> bool {
        match self {
            Self::Neighbour => true,
            Self::Port(reason) => reason.is_answer_of_host(),
        }
    }
}

impl From<Reason> for Evidence {
    fn from(reason: Reason) -> Self {
        Self::Port(reason)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the host as a whole did, where that changes how its ports are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// Nearly every port completes a handshake: a proxy, a tarpit or a SYN proxy answers in the host's place.
    AcceptsEverything,
    /// The host limits how often it refuses, while its listeners answer always: its silence proves little.
    ResponseLimited,
    /// The host answered, then stopped answering on ports that had answered before.
    HostLost,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AcceptsEverything, Self::ResponseLimited, Self::HostLost];

    /// The word used on the wire and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcceptsEverything => "accepts-everything",
            Self::ResponseLimited => "response-limited",
            Self::HostLost => "host-lost",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_wire_are_words_on_the_screen() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
            assert_eq!(reason.to_string(), reason.as_str());
        }
        for state in PortState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.to_string(), state.as_str());
        }
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
            assert_eq!(verdict.to_string(), verdict.as_str());
        }
        for evidence in Reason::ALL.map(Evidence::Port).into_iter().chain([Evidence::Neighbour]) {
            assert_eq!(serde_json::to_value(evidence).unwrap(), evidence.as_str());
            assert_eq!(evidence.to_string(), evidence.as_str());
            assert_eq!(serde_json::from_value::<Evidence>(evidence.as_str().into()).unwrap(), evidence);
        }
    }

    #[test]
    fn what_this_machine_failed_to_measure_is_never_a_network_fact() {
        for local in [
            Reason::LocalLimit,
            Reason::NoRoute,
            Reason::LocalPolicy,
            Reason::NetworkDown,
            Reason::Cancelled,
            Reason::Deadline,
            Reason::Skipped,
            Reason::HostLost,
        ] {
            assert_eq!(local.state(), PortState::Unknown);
            assert!(!local.is_answer_of_host());
        }
    }

    #[test]
    fn only_a_host_that_is_there_answers_by_itself() {
        let answers =
            [Reason::Handshake, Reason::SelfConnect, Reason::Rst, Reason::Refused, Reason::PortUnreachable];
        for reason in Reason::ALL {
            assert_eq!(reason.is_answer_of_host(), answers.contains(&reason), "{reason}");
            assert_eq!(Evidence::from(reason).is_of_host(), answers.contains(&reason), "{reason}");
        }
        assert!(Evidence::Neighbour.is_of_host());
    }
}
