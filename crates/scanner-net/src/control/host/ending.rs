//! The end of a host: what becomes of its ports, and all that was found out. Before the end, what is found out so far.

use scanner_core::{HostResult, PortSet, PortsByReason, Reason, Verdict};

use super::super::Job;
use super::Host;
use crate::config::defaults::ACCEPTS_EVERYTHING_PORTS;

/// A port that a finished host leaves, and why; without a reason it counts as not asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsettled {
    pub(crate) port: u16,
    pub(crate) attempts: u8,
    pub(crate) reason: Option<Reason>,
}

impl Host {
    /// Takes the ports that are not settled, with the attempts made and the reason each is left with: the silent ones are
    /// `no-reply` where they were asked often enough and somebody may be there, the rest gets `rest`. Ports never asked come
    /// last, with 0 attempts; `None` for them where the host was judged silent or down.
    pub(crate) fn take_unsettled(&mut self, job: &Job, rest: Option<Reason>) -> Vec<Unsettled> {
        let mut left = Vec::new();
        for silent in self.alive.take_unconfirmed() {
            if let Some(reason) = rest
                && self
                    .silent
                    .get_mut(usize::from(silent.attempts))
                    .is_some_and(|bits| bits.remove(silent.port))
            {
                left.push(Unsettled { port: silent.port, attempts: silent.attempts, reason: Some(reason) });
            }
        }
        let needed = usize::from(self.attempts.needed());
        let silence = if self.is_limited() { Reason::NoReplyLimited } else { Reason::NoReply };
        for (attempts, mut bits) in std::mem::take(&mut self.silent).into_iter().enumerate() {
            // Nobody was there to be silent.
            let enough = attempts >= needed && rest != Some(Reason::NoNeighbour);
            let attempts = u8::try_from(attempts).unwrap_or(u8::MAX);
            if enough && !bits.is_empty() {
                self.asked_at_least.get_or_insert(attempts);
            }
            while let Some(port) = bits.pop() {
                let said =
                    self.said.iter_mut().find_map(|(reason, ports)| ports.remove(port).then_some(*reason));
                let reason = if enough { said.or(Some(silence)) } else { rest };
                left.push(Unsettled { port, attempts, reason });
            }
        }
        for k in self.next_fresh..self.ports {
            let port = job.order(self.order).get_in(k, &self.permutation);
            left.push(Unsettled { port, attempts: 0, reason: rest });
        }
        self.next_fresh = self.ports;
        left
    }

    /// All that was found out, once every port is settled or counted as not asked.
    pub(crate) fn into_result(
        mut self,
        names: &[String],
        verdict: Option<Verdict>,
        not_asked: u32,
    ) -> HostResult {
        self.results.sort_unstable_by_key(|result| result.port);
        let ports = self.settled_ports();
        let open = ports.get(Reason::Handshake).map_or(0, PortSet::len);
        let asked: usize = ports.iter().map(|(_, set)| set.len()).sum();
        let everything = asked >= ACCEPTS_EVERYTHING_PORTS && open * 10 >= asked * 9;
        let loss = self.attempts.loss().of_path();
        let limited = self.is_limited().then_some(Verdict::ResponseLimited);
        HostResult {
            ip: self.addr,
            names: names.to_vec(),
            ptr: None,
            status: self.presence.status(),
            evidence: self.presence.evidence(),
            mac: self.presence.mac(),
            vendor: None,
            rtt: self.rtt.mean(),
            loss: loss.share(),
            miss_bound: self.asked_at_least.and_then(|attempts| loss.miss_bound(attempts)),
            verdict: verdict.or_else(|| everything.then_some(Verdict::AcceptsEverything)).or(limited),
            lost_since: (verdict == Some(Verdict::HostLost)).then_some(self.alive.last_answer().elapsed()),
            results: self.results,
            ports,
            not_asked,
        }
    }

    /// Whether a port of it was found open.
    pub(crate) fn has_open(&self) -> bool {
        self.settled.contains(Reason::Handshake)
    }

    /// What is found out so far. What is only known at the end, such as the verdict, is left out.
    pub(crate) fn so_far(&self, names: &[String]) -> HostResult {
        let mut results = self.results.clone();
        results.sort_unstable_by_key(|result| result.port);
        HostResult {
            names: names.to_vec(),
            status: self.presence.status(),
            evidence: self.presence.evidence(),
            mac: self.presence.mac(),
            rtt: self.rtt.mean(),
            results,
            ports: self.settled_ports(),
            ..HostResult::unknown(&self.addr.into())
        }
    }

    fn settled_ports(&self) -> PortsByReason {
        let mut ports = PortsByReason::default();
        for (reason, bits) in self.settled.iter() {
            ports.add(reason, &bits.to_set());
        }
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::steps::{Steps, at};

    #[test]
    fn nine_open_ports_in_ten_of_a_hundred_are_everything() {
        let everything = Some(Verdict::AcceptsEverything);
        for (open, closed, verdict) in [
            (90, 10, everything),
            (89, 11, None),
            (99, 0, None),
            (100, 0, everything),
            (900, 100, everything),
            (890, 110, None),
        ] {
            let mut steps = Steps::of("ports = '1-1000'");
            steps.probes(at(0));
            let host = steps.host().unwrap();
            (1..=open).for_each(|port| host.settle(port, Reason::Handshake));
            (1..=closed).for_each(|n| host.settle(open + n, Reason::Rst));
            assert_eq!(host.so_far(&["name".to_owned()]).names, ["name"]);
            let host = steps.controller.hosts.drain().next().unwrap();
            assert_eq!(host.into_result(&[], None, 0).verdict, verdict, "{open} open, {closed} closed");
        }
    }
}
