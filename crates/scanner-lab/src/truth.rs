//! `HostTruth`: what is true of a host, port by port, drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use crate::scenario::{Answer, Scenario, Size};
use crate::seed::Choices;
use crate::world::Family;

/// A host and what its ports answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostTruth {
    /// Its address.
    pub ip: IpAddr,
    /// Whether it is there at all. Where it is not, no port answers.
    pub up: bool,
    drawn: BTreeMap<u16, Answer>,
    rest: Answer,
    slow: BTreeSet<u16>,
}

impl HostTruth {
    /// What this port answers to whoever asks often enough.
    pub fn answer(&self, port: u16) -> Answer {
        if self.up { self.drawn.get(&port).copied().unwrap_or(self.rest) } else { Answer::Silent }
    }

    /// The ports of `asked` that are open.
    pub fn open(&self, asked: RangeInclusive<u16>) -> Vec<u16> {
        asked.filter(|port| self.answer(*port) == Answer::Open).collect()
    }

    /// The open ports whose queue is full most of the time.
    pub(crate) fn slow(&self) -> &BTreeSet<u16> {
        &self.slow
    }

    /// All ports with this answer, in runs.
    pub(crate) fn runs(&self, answer: Answer) -> Vec<RangeInclusive<u16>> {
        let mut runs: Vec<RangeInclusive<u16>> = Vec::new();
        for port in (1..=u16::MAX).filter(|port| self.answer(*port) == answer) {
            match runs.last_mut() {
                Some(run) if run.end().checked_add(1) == Some(port) => *run = *run.start()..=port,
                _ => runs.push(port..=port),
            }
        }
        runs
    }
}

/// The live or dead hosts of a scenario; a /22 has many more that are not there and are not listed.
pub(crate) fn draw(scenario: &Scenario, size: Size, seed: u64) -> Vec<HostTruth> {
    let ports = scenario.ports(size);
    addresses(scenario, seed)
        .into_iter()
        .zip(0..)
        .map(|(ip, index)| draw_host(scenario, &ports, ip, Choices::new(seed, &format!("host {index}"))))
        .collect()
}

fn draw_host(scenario: &Scenario, ports: &RangeInclusive<u16>, ip: IpAddr, choices: Choices) -> HostTruth {
    let plan = &scenario.host;
    let share = |percent: u8| ports.len() * usize::from(percent) / 100;
    let mut shuffled = choices.shuffled(ports.clone()).into_iter();
    let mut drawn = BTreeMap::new();
    let open: Vec<_> = shuffled.by_ref().take(usize::from(plan.open)).collect();
    drawn.extend(open.iter().map(|port| (*port, Answer::Open)));
    for (answer, percent) in [
        (Answer::Silent, plan.silent_percent),
        (Answer::PortUnreachable, plan.port_unreachable_percent),
        (Answer::Prohibited, plan.prohibited_percent),
    ] {
        drawn.extend(shuffled.by_ref().take(share(percent)).map(|port| (port, answer)));
    }
    let slow = open.into_iter().take(usize::from(plan.slow)).collect();
    HostTruth { ip, up: plan.up, drawn, rest: plan.rest, slow }
}

fn addresses(scenario: &Scenario, seed: u64) -> Vec<IpAddr> {
    let family = scenario.family();
    let Some(live) = scenario.live_hosts else {
        return vec![if scenario.host.up { family.target() } else { family.on_wire(NOBODY) }];
    };
    // The wire's own target lives anyway; the others are drawn from the /22, whose first is the scanner.
    let others = Choices::new(seed, "addresses").shuffled(3..=1_022_u16);
    let others = others.into_iter().take(usize::from(live) - 1).map(|host| {
        let [_, _, third, fourth] = (0x0a07_0000 + u32::from(host)).to_be_bytes();
        IpAddr::from(Ipv4Addr::new(10, 7, third, fourth))
    });
    [Family::V4.target()].into_iter().chain(others).collect()
}

/// An address of the wire that no host has.
const NOBODY: u8 = 77;

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(text: &str) -> Scenario {
        Scenario::parse("test", text).unwrap()
    }

    #[test]
    fn ports_are_drawn_by_seed() {
        let mixed =
            scenario("about = \"\"\n[host]\nopen = 30\nsilent_percent = 25\nprohibited_percent = 10\n");
        let [one, same, other] = [1, 1, 2].map(|seed| draw(&mixed, Size::Small, seed).remove(0));
        assert_eq!(one, same);
        assert_ne!(one.open(1..=1_000), other.open(1..=1_000));
        let count = |answer| (1..=1_000).filter(|port| one.answer(*port) == answer).count();
        let counts = [Answer::Open, Answer::Silent, Answer::Prohibited, Answer::Refused].map(count);
        assert_eq!(counts, [30, 250, 100, 620]);
        assert_eq!(one.answer(2_000), Answer::Refused);
    }

    #[test]
    fn runs_cover_exactly_the_ports_of_an_answer() {
        let text = "about = \"\"\nsmall = 10\n[host]\nopen = 3\nrest = \"silent\"\n";
        let host = draw(&scenario(text), Size::Small, 4).remove(0);
        let silent: Vec<_> = host.runs(Answer::Silent).into_iter().flatten().collect();
        let open = host.open(1..=u16::MAX);
        assert_eq!(silent.len() + open.len(), 65_535);
        assert!(open.iter().all(|port| !silent.contains(port)));
    }

    #[test]
    fn live_hosts_are_different_and_in_the_network() {
        let sparse = scenario("about = \"\"\nlive_hosts = 9\n[host]\nopen = 5\n");
        let hosts = draw(&sparse, Size::Small, 11);
        let ips: BTreeSet<_> = hosts.iter().map(|host| host.ip).collect();
        assert_eq!((hosts.len(), ips.len()), (9, 9));
        assert!(ips.iter().all(|ip| ip.to_string().starts_with("10.7.")), "{ips:?}");
        assert_ne!(hosts[0].open(1..=1_000), hosts[1].open(1..=1_000));
    }

    #[test]
    fn nobody_answers_for_a_dead_host() {
        let host = draw(&scenario("about = \"\"\n[host]\nup = false\n"), Size::Small, 1).remove(0);
        assert_eq!((host.up, host.answer(80)), (false, Answer::Silent));
    }
}
