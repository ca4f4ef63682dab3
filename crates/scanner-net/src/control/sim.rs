//! A simulated network: pure and seeded, so that a scan of a lossy path is a test that takes milliseconds.

mod path;
mod scenario;
mod trace;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::IpAddr;
use std::time::Duration;

use scanner_core::{
    Evidence, HostAddr, HostResult, HostStatus, MacAddr, PortState, Progress, Reason, ScanEvent, ScanReport,
};

use self::path::{Bucket, Queue, Rng};
pub(crate) use self::scenario::{Answer, Bottleneck, Limit, OwnFirewall, Scenario, Span};
pub(crate) use self::trace::trace;
use super::{
    Controller, Input, Job, Links, Neighbour, NeighbourState, Outcome, Output, Probe, ProbeId, Reading,
    Route, Rules, ScanTime,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Packet {
    /// A SYN reaches the bottleneck, where there is one, or the far end. The kernel repeats it only while it is waited for.
    Syn { id: ProbeId, repeated: bool },
    /// A SYN leaves the bottleneck.
    Passed(ProbeId),
    /// An answer reaches the scanner.
    Answer(ProbeId, Reason),
    /// The time of a probe is over.
    TimedOut(ProbeId),
}

struct Network<'a> {
    scenario: &'a Scenario,
    rng: Rng,
    events: BinaryHeap<Reverse<(ScanTime, bool, u64, Packet)>>,
    serial: u64,
    waiting: BTreeMap<ProbeId, (Probe, ScanTime)>,
    queue: Option<Queue>,
    policer: Option<Bucket>,
    rst_limit: Option<Bucket>,
    icmp_limit: Option<Bucket>,
    own_messages: Option<Bucket>,
    /// When the machine began to look for a neighbour.
    resolutions: BTreeMap<IpAddr, ScanTime>,
    times_full: u64,
    /// The most neighbours that were looked for at once.
    most_unresolved: usize,
    bursts: Vec<(ScanTime, ScanTime)>,
    clear_until: ScanTime,
}

impl<'a> Network<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        Self {
            scenario,
            rng: Rng(scenario.seed),
            events: BinaryHeap::new(),
            serial: 0,
            waiting: BTreeMap::new(),
            queue: scenario.queue.map(Queue::new),
            policer: scenario.policer.map(Bucket::new),
            rst_limit: scenario.rst_limit.map(Bucket::new),
            icmp_limit: scenario.icmp_limit.map(Bucket::new),
            own_messages: scenario.own_firewall.as_ref().map(|it| Bucket::new(it.messages)),
            resolutions: BTreeMap::new(),
            times_full: 0,
            most_unresolved: 0,
            bursts: Vec::new(),
            clear_until: ScanTime::ZERO,
        }
    }

    /// Sends a SYN, and the kernel's own repetitions of it; an outcome where this machine refuses.
    fn connect(&mut self, now: ScanTime, probe: Probe) -> Option<Outcome> {
        let limit = self.scenario.descriptors.unwrap_or(u32::MAX) as usize;
        if self.waiting.len() >= limit {
            return Some(Outcome::LocalLimit);
        }
        if self.scenario.network_down.is_some_and(|span| span.contains(now)) {
            return Some(Outcome::NetworkDown);
        }
        if self.scenario.no_route.is_some_and(|span| span.contains(now)) {
            return Some(Outcome::NoRoute);
        }
        let firewall = self.scenario.own_firewall.as_ref();
        let rejected =
            firewall.is_some_and(|it| it.when.contains(now) && it.ports.contains(probe.addr.port()));
        if rejected && self.own_messages.as_mut().is_some_and(|bucket| bucket.passes(now)) {
            return Some(Outcome::Answered { reason: Reason::LocalPolicy, rtt: Duration::ZERO });
        }
        self.waiting.insert(probe.id, (probe, now));
        let expires = self.scenario.seen_at(now + probe.timeout);
        self.at(expires, Packet::TimedOut(probe.id));
        if rejected {
            return None;
        }
        let resolved = self.resolve(now, probe.addr.ip())?;
        for repetition in 0..4 {
            let sent = (now + Duration::from_secs(repetition)).max(resolved);
            if sent < expires && !self.is_lost(sent) {
                let way = self.one_way(sent);
                self.at(sent + way, Packet::Syn { id: probe.id, repeated: repetition > 0 });
            }
        }
        if self.scenario.neighbours && !self.scenario.is_live(probe.addr.ip()) {
            self.at(resolved, Packet::Answer(probe.id, Reason::NoNeighbour));
        }
        None
    }

    /// When a neighbour is found or given up, after 3 s; `None` where the table has no room for it. A neighbour that was given up
    /// is looked for anew.
    fn resolve(&mut self, now: ScanTime, ip: IpAddr) -> Option<ScanTime> {
        if !self.scenario.neighbours {
            return Some(now);
        }
        let live = self.scenario.is_live(ip);
        let takes = match (live, self.scenario.stale) {
            (true, true) => Duration::ZERO,
            (true, false) => Duration::from_secs_f64(self.scenario.arp_ms / 1_000.0),
            (false, true) => Duration::from_secs(8),
            (false, false) => Duration::from_secs(3),
        };
        let unresolved = self.unresolved(now);
        let begun = self.resolutions.get(&ip).copied().filter(|&begun| live || begun + takes > now);
        if begun.is_none() && self.scenario.table.is_some_and(|room| unresolved >= room as usize) {
            self.times_full += 1;
            return None;
        }
        let begun = begun.unwrap_or(now);
        self.resolutions.insert(ip, begun);
        self.most_unresolved = self.most_unresolved.max(self.unresolved(now));
        Some(begun + takes)
    }

    fn unresolved(&self, now: ScanTime) -> usize {
        self.resolutions
            .iter()
            .filter(|(ip, begun)| !self.scenario.is_live(**ip) && now.since(**begun) < Duration::from_secs(3))
            .count()
    }

    /// The tables of the machine.
    fn reading(&self, now: ScanTime) -> Reading {
        if !self.scenario.neighbours {
            return Reading::default();
        }
        let entry = |(&ip, &begun): (&IpAddr, &ScanTime)| {
            let (age, live) = (now.since(begun), self.scenario.is_live(ip));
            let state = match (self.scenario.stale, live) {
                (true, true) if age >= Duration::from_secs(5) => NeighbourState::Confirmed,
                (true, false) if age >= Duration::from_secs(8) => NeighbourState::Failed,
                (true, _) => NeighbourState::Stale,
                (false, true) if age.as_secs_f64() * 1_000.0 >= self.scenario.arp_ms => {
                    NeighbourState::Confirmed
                }
                (false, false) if age >= Duration::from_secs(3) => NeighbourState::Failed,
                (false, _) => NeighbourState::Asked,
            };
            let known = matches!(state, NeighbourState::Confirmed | NeighbourState::Stale);
            (HostAddr::from(ip), Neighbour { state, mac: known.then(|| mac_of(ip)) })
        };
        let ten = Route { network: IpAddr::from([10, 0, 0, 0]), prefix: 8, resolves: true };
        Reading {
            links: Links(vec![ten]),
            neighbours: self.resolutions.iter().map(entry).collect(),
            limit: 512,
            times_full: self.times_full,
        }
    }

    /// What this process is to see is seen when it runs. What it finds then counts before what has expired meanwhile.
    fn at(&mut self, time: ScanTime, packet: Packet) {
        self.serial += 1;
        let (seen, last) = match packet {
            Packet::Syn { .. } | Packet::Passed(_) => (time, false),
            Packet::Answer(..) => (self.scenario.seen_at(time), false),
            Packet::TimedOut(_) => {
                let seen = self.scenario.seen_at(time);
                (seen, self.scenario.is_wake(seen))
            }
        };
        self.events.push(Reverse((seen, last, self.serial, packet)));
    }

    fn one_way(&mut self, now: ScanTime) -> Duration {
        let jitter = (self.rng.share() * 2.0 - 1.0) * self.scenario.jitter_ms;
        let rtt = match self.scenario.slower {
            Some(slower) if now >= slower.from() => slower.rtt_ms,
            _ => self.scenario.rtt_ms,
        };
        Duration::from_secs_f64((rtt + jitter).max(0.01) / 2_000.0)
    }

    /// Independent loss, or loss in bursts of the given mean length with the same share of time.
    fn is_lost(&mut self, now: ScanTime) -> bool {
        let loss = self.scenario.loss;
        if loss == 0.0 {
            return false;
        }
        let Some(mean) = self.scenario.burst_ms else { return self.rng.share() < loss };
        while now >= self.clear_until {
            let exponential =
                |share: f64, mean: f64| Duration::from_secs_f64(-share.max(1e-9).ln() * mean / 1000.0);
            let began = self.clear_until;
            let ended = began + exponential(self.rng.share(), mean);
            self.bursts.push((began, ended));
            self.clear_until = ended + exponential(self.rng.share(), mean * (1.0 - loss) / loss);
        }
        // The kernel's later SYNs are drawn with the first, so that a moment may be asked for which is before the last burst.
        self.bursts.iter().rev().any(|&(began, ended)| (began..ended).contains(&now))
    }

    /// The next outcome by `until`, and when.
    fn next(&mut self, until: Option<ScanTime>) -> Option<(ScanTime, ProbeId, Outcome)> {
        while let Some(&Reverse((now, .., packet))) = self.events.peek() {
            if until.is_some_and(|until| now > until) {
                return None;
            }
            self.events.pop();
            if let Some((id, outcome)) = self.deliver(now, packet) {
                return Some((now, id, outcome));
            }
        }
        None
    }

    fn deliver(&mut self, now: ScanTime, packet: Packet) -> Option<(ProbeId, Outcome)> {
        match packet {
            Packet::Syn { id, repeated } => {
                if repeated && !self.waiting.contains_key(&id) {
                    return None;
                }
                match &mut self.queue {
                    None => self.arrive(now, id),
                    Some(queue) => {
                        let leaves = queue.enter(now)?;
                        self.at(leaves, Packet::Passed(id));
                    }
                }
                None
            }
            Packet::Passed(id) => {
                self.arrive(now, id);
                None
            }
            Packet::Answer(id, reason) => {
                let (_, sent) = self.waiting.remove(&id)?;
                Some((id, Outcome::Answered { reason, rtt: now.since(sent) }))
            }
            Packet::TimedOut(id) => self.waiting.remove(&id).map(|_| (id, Outcome::TimedOut)),
        }
    }

    /// A SYN reaches the far end.
    fn arrive(&mut self, now: ScanTime, id: ProbeId) {
        let Some(&(probe, _)) = self.waiting.get(&id) else { return };
        if let Some(reason) = self.answer(now, &probe)
            && !self.is_lost(now)
        {
            let way = self.one_way(now);
            self.at(now + way, Packet::Answer(id, reason));
        }
    }

    fn answer(&mut self, now: ScanTime, probe: &Probe) -> Option<Reason> {
        let scenario = self.scenario;
        let passes = |bucket: &mut Option<Bucket>| bucket.as_mut().is_none_or(|bucket| bucket.passes(now));
        let there =
            scenario.is_live(probe.addr.ip()) && !scenario.away.is_some_and(|span| span.contains(now));
        if !passes(&mut self.policer) {
            return None;
        }
        if !there {
            return (scenario.router_speaks && passes(&mut self.icmp_limit))
                .then_some(Reason::HostUnreachable);
        }
        match scenario.truth(probe.addr.port()) {
            Answer::Open => scenario.accepts(probe.addr.port(), now).then_some(Reason::Handshake),
            Answer::Closed => passes(&mut self.rst_limit).then_some(Reason::Rst),
            Answer::Reject => passes(&mut self.icmp_limit).then_some(Reason::PortUnreachable),
            Answer::Prohibit => passes(&mut self.icmp_limit).then_some(Reason::Prohibited),
            Answer::Drop => None,
        }
    }
}

/// The hardware address of a simulated host.
fn mac_of(ip: IpAddr) -> MacAddr {
    let last = match ip {
        IpAddr::V4(ip) => ip.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    MacAddr::new([0xb8, 0x27, last[0], last[1], last[2], last[3]])
}

/// What a simulated scan came to.
#[derive(Debug)]
pub(crate) struct Run {
    report: Option<ScanReport>,
    pub(crate) took: Duration,
    pub(crate) peak: u32,
    /// The most neighbours that were looked for at once.
    pub(crate) most_unresolved: usize,
    /// The hosts by their status, with the evidence and whether a hardware address is known.
    by_evidence: BTreeMap<(HostStatus, String, bool), u64>,
    /// The host of every probe, in order.
    pub(crate) asked: Vec<IpAddr>,
    /// Every output in order, for comparing two runs.
    pub(crate) trace: Vec<String>,
    settled: BTreeSet<(HostAddr, u16)>,
    by_reason: BTreeMap<Reason, u64>,
    pub(crate) missed: u64,
    pub(crate) phantom: u64,
    pub(crate) misclassified: u64,
}

/// What a test does to a scan while it runs.
pub(crate) type Meddle<'a> = &'a mut dyn FnMut(ScanTime) -> Option<Input>;

/// Looks at the controller between two steps.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(ScanTime, &mut Controller);

/// Scans a simulated network, and checks after every step what must always hold.
pub(crate) fn run(scenario: &Scenario, meddle: Meddle<'_>) -> Run {
    run_watched(scenario, meddle, &mut |_, _| {})
}

/// The same with somebody who looks on.
pub(crate) fn run_watched(scenario: &Scenario, meddle: Meddle<'_>, watch: Watch<'_>) -> Run {
    let plan = scenario.plan();
    let rules = Rules::new(&scenario.config, &plan, scenario.auto_cap);
    let cap = rules.window_cap;
    let mut controller = Controller::new(Job::new(plan, "sim".into(), scenario.seed), rules);
    let mut network = Network::new(scenario);
    let (mut now, mut run, mut stopped) = (ScanTime::ZERO, Run::new(), false);
    for _ in 0..STEPS {
        // Answers come in all the same.
        let unread = scenario.unread.and_then(|span| span.left_at(now));
        let until = loop {
            if unread.is_some() {
                break unread;
            }
            let output = controller.poll_output(now);
            run.trace.push(format!("{now:?} {output:?}"));
            match output {
                Output::Connect(probe) => {
                    assert!(!stopped, "a probe after the end");
                    assert!(controller.flights.len() <= controller.allowed(), "in flight within the window");
                    run.asked.push(probe.addr.ip());
                    if let Some(outcome) = network.connect(now, probe) {
                        controller.handle_input(now, Input::Outcome(probe.id, outcome));
                    }
                }
                Output::ReadNeighbours => {
                    let reading = network.reading(now);
                    controller.handle_input(now, Input::Neighbours(reading));
                }
                Output::Release(id) => {
                    let was_out = network.waiting.remove(&id).is_some();
                    assert!(was_out || scenario.unread.is_some(), "released what is not out");
                }
                Output::Event(event) => run.note(scenario, &event),
                Output::Wait(until) => break until,
                Output::Done => return run.end(&mut controller, now),
            }
        };
        let progress = controller.progress(now);
        run.peak = run.peak.max(progress.in_flight);
        run.most_unresolved = network.most_unresolved;
        assert!(progress.in_flight <= cap, "sockets within the budget");
        // What is to be released is not, as long as nobody reads.
        let is_even = progress.in_flight as usize == network.waiting.len();
        assert!(is_even || unread.is_some(), "every probe is accounted for");
        adds_up(&controller, progress);
        watch(now, &mut controller);
        if let Some(input) = meddle(now) {
            stopped |= matches!(input, Input::Stop(_));
            controller.handle_input(now, input);
            continue;
        }
        let until = until.map(|until| scenario.seen_at(until));
        if let Some((time, id, outcome)) = network.next(until) {
            now = time;
            controller.handle_input(now, Input::Outcome(id, outcome));
        } else {
            now =
                until.filter(|&until| until > now).expect("stalled: nothing under way, nothing to wait for");
        }
    }
    panic!("does not end");
}

/// What holds between any two steps, whatever the network does.
fn adds_up(controller: &Controller, progress: Progress) {
    let unheard = controller.hosts.iter().filter(|(_, host)| !host.is_heard()).count();
    assert_eq!(controller.unheard, unheard, "hosts without any answer are counted");
    assert!(progress.settled() + progress.not_asked <= progress.probes);
    let is_done = progress.done_permille == 1000;
    assert_eq!(is_done, progress.pending() == 0, "done when it is done, and not before");
}

const STEPS: usize = 4_000_000;

impl Run {
    const fn new() -> Self {
        Self {
            report: None,
            took: Duration::ZERO,
            peak: 0,
            most_unresolved: 0,
            by_evidence: BTreeMap::new(),
            asked: Vec::new(),
            trace: Vec::new(),
            settled: BTreeSet::new(),
            by_reason: BTreeMap::new(),
            missed: 0,
            phantom: 0,
            misclassified: 0,
        }
    }

    fn note(&mut self, scenario: &Scenario, event: &ScanEvent) {
        let ScanEvent::Host(finished) = event else { return };
        let host = &finished.host;
        let evidence = host.evidence.map_or("nothing", Evidence::as_str).to_owned();
        *self.by_evidence.entry((host.status, evidence, host.mac.is_some())).or_default() += 1;
        if let Some(mac) = host.mac {
            assert_eq!(mac, mac_of(host.ip.ip()));
        }
        let missing = host.evidence == Some(Evidence::Port(Reason::NoNeighbour));
        assert!(!(missing && scenario.is_live(host.ip.ip())), "{} is there", host.ip);
        let mut counted = u64::from(host.not_asked);
        for (reason, ports) in host.ports.iter() {
            *self.by_reason.entry(reason).or_default() += ports.len() as u64;
            counted += ports.len() as u64;
            for port in ports.iter() {
                assert!(self.settled.insert((host.ip, port)), "{} {port} settled twice", host.ip);
                assert!(scenario.ports_of(host.ip).contains(port), "{} {port} was not to be asked", host.ip);
                assert_eq!(host.state_of(port), Some((reason.state(), reason)));
                self.judge(scenario.truth_of(host.ip, port), reason);
            }
        }
        assert_eq!(
            counted,
            scenario.ports_of(host.ip).len() as u64,
            "every port is settled or counted as not asked"
        );
    }

    fn judge(&mut self, truth: Answer, reason: Reason) {
        let right = match truth {
            Answer::Open => PortState::Open,
            Answer::Closed => PortState::Closed,
            Answer::Reject | Answer::Prohibit | Answer::Drop => PortState::Filtered,
        };
        match (right, reason.state()) {
            (_, PortState::Unknown) => {}
            // It says of itself that the port may be closed.
            (PortState::Closed, PortState::Filtered) if reason == Reason::NoReplyLimited => {}
            (PortState::Open, state) if state != PortState::Open => self.missed += 1,
            (right, PortState::Open) if right != PortState::Open => self.phantom += 1,
            (right, state) if right != state => self.misclassified += 1,
            _ => {}
        }
    }

    fn end(mut self, controller: &mut Controller, now: ScanTime) -> Self {
        let report = controller.report(now);
        self.took = now.elapsed();
        let progress = report.progress;
        assert_eq!(progress.pending(), 0, "the counters add up: {progress:?}");
        assert_eq!(progress.in_flight, 0);
        let not_measured: u64 = report.not_measured.values().sum();
        assert_eq!(not_measured, progress.unknown, "every port that is unknown has a reason: {report:?}");
        self.report = Some(report);
        self
    }

    pub(crate) fn report(&self) -> &ScanReport {
        self.report.as_ref().expect("the run has ended")
    }

    /// What a person wants to see of it.
    pub(crate) fn summary(&self) -> String {
        use std::fmt::Write;
        let report = self.report();
        let progress = &report.progress;
        let mut text = format!(
            "{}: {} open, {} missed, {} phantom, {} misclassified\n{:.3} s, {} probes for {} ports, at most {} at once\n",
            report.completion,
            progress.open,
            self.missed,
            self.phantom,
            self.misclassified,
            self.took.as_secs_f64(),
            progress.sent,
            progress.probes,
            self.peak,
        );
        for (reason, count) in &self.by_reason {
            writeln!(text, "{count:>6} {}/{reason}", reason.state()).unwrap();
        }
        for (what, count) in [("not asked", progress.not_asked), ("hosts up", progress.targets_up)] {
            writeln!(text, "{count:>6} {what}").unwrap();
        }
        if self.most_unresolved > 0 || self.by_evidence.keys().any(|(.., mac)| *mac) {
            for ((status, evidence, mac), count) in &self.by_evidence {
                writeln!(
                    text,
                    "{count:>6} hosts {status}/{evidence}{}",
                    if *mac { ", MAC known" } else { "" }
                )
                .unwrap();
            }
            writeln!(text, "at most {} neighbours looked for at once", self.most_unresolved).unwrap();
        }
        for host in report.hosts.iter().filter(|host| host.verdict.is_some()).take(3) {
            writeln!(text, "{} {}", host.ip, host.verdict.unwrap()).unwrap();
        }
        let percent =
            |share: Option<f64>| share.map_or("?".into(), |share| format!("{:.1} %", share * 100.0));
        if let [_, _, ..] = report.hosts.as_slice() {
            let most =
                |of: fn(&HostResult) -> Option<f64>| report.hosts.iter().filter_map(of).reduce(f64::max);
            let (loss, bound) = (most(|host| host.loss), most(|host| host.miss_bound).unwrap_or(0.0));
            writeln!(text, "loss at most {}, a silent port is missed by at most {bound:.0e}", percent(loss))
                .unwrap();
        }
        if let [host] = report.hosts.as_slice() {
            writeln!(
                text,
                "loss {}, a silent port is missed by {:.0e}",
                percent(host.loss),
                host.miss_bound.unwrap_or(0.0)
            )
            .unwrap();
        }
        text
    }
}
