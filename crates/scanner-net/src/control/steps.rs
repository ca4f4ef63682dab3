//! A controller that is taken step by step, for tests of what one outcome or one reading does.

use std::net::IpAddr;
use std::time::Duration;

use scanner_core::{HostAddr, HostResult, MacAddr, Reason, ScanEvent};

use super::host::Host;
use super::sim::Scenario;
use super::{
    Controller, Input, Job, Links, Neighbour, NeighbourState, Outcome, Output, Probe, Reading, Route, Rules,
    ScanTime,
};

pub(super) fn at(ms: u64) -> ScanTime {
    ScanTime::after(Duration::from_millis(ms))
}

pub(super) struct Steps {
    pub(super) controller: Controller,
    /// The hosts that are finished.
    finished: Vec<HostResult>,
    /// What this machine knows of its neighbours.
    table: Reading,
}

impl Steps {
    /// A scan of what a scenario file says is to be scanned; the network of it is left to the test.
    pub(super) fn of(scenario: &str) -> Self {
        let scenario: Scenario = toml::from_str(scenario).expect("a scenario");
        let plan = scenario.plan();
        let rules = Rules::new(&scenario.config, &plan, scenario.auto_cap);
        let controller = Controller::new(Job::new(plan, "test".into(), scenario.seed), rules);
        let ten = Route { network: IpAddr::from([10, 0, 0, 0]), prefix: 8, resolves: scenario.neighbours };
        let table = Reading { links: Links(vec![ten]), limit: 512, ..Reading::default() };
        Self { controller, finished: Vec::new(), table }
    }

    /// The probes that are wanted at this moment.
    pub(super) fn probes(&mut self, now: ScanTime) -> Vec<Probe> {
        let mut probes = Vec::new();
        for _ in 0..100_000 {
            match self.controller.poll_output(now) {
                Output::Connect(probe) => probes.push(probe),
                Output::Wait(_) | Output::Done => return probes,
                Output::ReadNeighbours => {
                    self.controller.handle_input(now, Input::Neighbours(self.table.clone()));
                }
                Output::Event(event) => {
                    if let ScanEvent::Host(finished) = *event {
                        self.finished.push(finished.host);
                    }
                }
                Output::Release(_) => {}
            }
        }
        panic!("wants ever more");
    }

    /// What comes of a probe.
    pub(super) fn comes(&mut self, now: ScanTime, probe: Probe, outcome: Outcome) {
        self.controller.handle_input(now, Input::Outcome(probe.id, outcome));
    }

    /// A probe is answered after 10 ms.
    pub(super) fn answer(&mut self, now: ScanTime, probe: Probe, reason: Reason) {
        self.comes(now, probe, Outcome::Answered { reason, rtt: Duration::from_millis(10) });
    }

    /// The tables are read, and say this of the first target.
    pub(super) fn reads(&mut self, now: ScanTime, state: Option<NeighbourState>) {
        let mac = Some(MacAddr::new([2, 0, 0, 0, 0, 1]));
        self.table.neighbours = state.map(|state| (first(), Neighbour { state, mac })).into_iter().collect();
        self.controller.handle_input(now, Input::Neighbours(self.table.clone()));
    }

    /// The only host.
    pub(super) fn host(&mut self) -> Option<&mut Host> {
        let mut hosts = self.controller.hosts.iter_mut();
        let host = hosts.next().map(|(_, host)| &mut **host);
        assert!(hosts.next().is_none(), "one host at most");
        host
    }

    /// The hosts of a scan that has nothing left to ask.
    pub(super) fn finished(&mut self, now: ScanTime) -> &[HostResult] {
        assert!(self.probes(now).is_empty(), "the scan goes on");
        &self.finished
    }
}

/// The address of the first target.
pub(super) fn first() -> HostAddr {
    HostAddr::from(IpAddr::from([10, 0, 0, 1]))
}
