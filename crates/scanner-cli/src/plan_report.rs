//! `--plan`: what would be scanned, how long it may take and in which order, without sending anything.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};
use std::num::NonZeroU32;

use scanner_core::{Permutation, PortMap, PortOrder, PortSet, TargetSet};
use scanner_net::{Estimate, ScanConfig, ScanPlan};
use serde::Serialize;

use crate::output::words::{counted, duration, number};
use crate::settings::Format;

/// How much of the order is shown.
const SAMPLE: usize = 5;
/// A set of targets or ports is cut to this many characters.
const SHOWN_SET: usize = 60;

/// What `--plan` says, for people and for programs.
#[derive(Debug, Serialize)]
pub(crate) struct PlanReport<'a> {
    targets: String,
    #[serde(serialize_with = "as_text")]
    target_ranges: &'a TargetSet,
    /// How many ports each target has; `None` where that differs.
    ports: Option<usize>,
    /// The ports of targets without their own; `None` where there is no such target.
    port_ranges: Option<&'a PortSet>,
    #[serde(skip_serializing_if = "PortMap::is_empty")]
    own_ports: &'a PortMap,
    probes: String,
    connections: u32,
    max_rate: Option<NonZeroU32>,
    attempts: u32,
    timeout_ms: u64,
    silent_ms: u64,
    at_most_ms: u64,
    seed: Option<String>,
    first_targets: Vec<String>,
    first_ports: Vec<u16>,
    #[serde(skip)]
    lines: Vec<(&'static str, String)>,
}

impl<'a> PlanReport<'a> {
    pub(crate) fn new(plan: &'a ScanPlan, config: &ScanConfig, estimate: &Estimate) -> Self {
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let ports = (plan.own_ports.len() < plan.targets.len()).then_some(&plan.ports);
        let mut report = Self {
            targets: plan.targets.len().to_string(),
            target_ranges: &plan.targets,
            ports: plan.ports_each(),
            port_ranges: ports,
            own_ports: &plan.own_ports,
            probes: plan.probes().to_string(),
            connections: estimate.connections,
            max_rate: estimate.rate,
            attempts: estimate.attempts,
            timeout_ms: millis(estimate.timeout),
            silent_ms: millis(estimate.silent),
            at_most_ms: millis(estimate.at_most),
            seed: config.seed.map(|seed| seed.to_string()),
            first_targets: config.seed.map_or_else(Vec::new, |seed| first_targets(plan, seed)),
            first_ports: ports.map_or_else(Vec::new, first_ports),
            lines: Vec::new(),
        };
        report.lines = report.lines(plan, config, estimate);
        report
    }

    /// Writes the plan: one JSON object for both formats of programs, else text.
    pub(crate) fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Json | Format::Jsonl => {
                serde_json::to_writer(&mut *out, self)?;
                writeln!(out)
            }
            Format::Text | Format::List | Format::Csv | Format::Xml | Format::Grepable | Format::Html => {
                for (label, text) in &self.lines {
                    writeln!(out, "{label:<18} {text}")?;
                }
                writeln!(out, "\nNothing was sent to the targets.")
            }
        }
    }

    fn lines(
        &self,
        plan: &ScanPlan,
        config: &ScanConfig,
        estimate: &Estimate,
    ) -> Vec<(&'static str, String)> {
        let ports: Vec<String> = self.first_ports.iter().map(ToString::to_string).collect();
        let probes = number(plan.probes());
        let width = probes.len();
        let row = |count: u128, what: &str| format!("{:>width$}   {what}", number(count));
        let mut lines = vec![("targets", row(plan.targets.len(), &cut(self.target_ranges)))];
        if let Some(ports) = self.port_ranges {
            lines.push(("ports", row(ports.len() as u128, &cut(ports))));
        }
        for (i, (targets, ports)) in plan.own_ports.groups().take(SAMPLE).enumerate() {
            let label = if i == 0 { "own ports" } else { "" };
            lines.push((label, row(ports.len() as u128, &format!("{} on {}", cut(ports), cut(&targets)))));
        }
        let more = plan.own_ports.sets().len().saturating_sub(SAMPLE);
        if more > 0 {
            let more = counted(more as u128, "more set of ports", "more sets of ports");
            lines.push(("", format!("{:>width$}   and {more}", "")));
        }
        lines.push(("probes", format!("{probes}   {}", pace(estimate))));
        if !config.skip_discovery && !config.discover_only {
            let silent = duration(estimate.silent);
            let after = counted(estimate.silent_ports as u128, "port", "ports");
            lines.push((
                "if nobody answers",
                format!("about {silent}: silent hosts are given up after {after}"),
            ));
        }
        lines.push((
            "at most",
            format!("about {}: {}", duration(estimate.at_most), formula(plan, config, estimate)),
        ));
        if self.first_targets.is_empty() {
            lines.push(("order of targets", "shuffled anew each time; --seed N fixes it".into()));
        } else {
            lines.push(("first targets", self.first_targets.join(" ")));
        }
        if !ports.is_empty() {
            lines.push(("first ports", ports.join(" ")));
        }
        lines
    }
}

fn pace(estimate: &Estimate) -> String {
    let connections = counted(estimate.connections, "connection", "connections");
    let rate = estimate
        .rate
        .map_or_else(String::new, |rate| format!(", at most {} attempts per second", number(rate.get())));
    format!("at most {connections} at once{rate}")
}

/// How the upper bound comes about.
fn formula(plan: &ScanPlan, config: &ScanConfig, estimate: &Estimate) -> String {
    if config.deadline == Some(estimate.at_most) {
        return "the deadline".into();
    }
    let attempts = counted(estimate.attempts, "attempt", "attempts");
    let silent = counted(plan.probes(), "silent port", "silent ports");
    let longer = if config.retries.is_none() { "; longer only where packets are lost" } else { "" };
    let by_rate = estimate.rate.filter(|&rate| {
        // The slower of the two bounds holds: connections free up at `connections / timeout` per second.
        u128::from(rate.get()) * estimate.timeout.as_millis() < u128::from(estimate.connections) * 1_000
    });
    match by_rate {
        Some(rate) => format!("{silent} x {attempts} / {} per second{longer}", number(rate.get())),
        None => format!(
            "{silent} x {attempts} x {} / {}{longer}",
            humantime::format_duration(estimate.timeout),
            counted(estimate.connections, "connection", "connections")
        ),
    }
}

fn first_targets(plan: &ScanPlan, seed: u64) -> Vec<String> {
    let order = Permutation::new(plan.targets.len(), seed);
    let sample = plan.targets.len().min(SAMPLE as u128);
    (0..sample).filter_map(|index| plan.targets.get(order.get(index))).map(|addr| addr.to_string()).collect()
}

/// The likely ports come first, in the same order for every host; behind them each host has an order of its own.
fn first_ports(ports: &PortSet) -> Vec<u16> {
    let order = PortOrder::new(ports, 0);
    (0..order.likely_len().min(2 * SAMPLE)).map(|index| order.get(index, 0)).collect()
}

/// The beginning of a text, which is not written further than it is shown: a list may have a million ranges.
fn cut(text: impl Display) -> String {
    let mut shown = Shown(String::new());
    if write!(shown, "{text}").is_ok() {
        return shown.0;
    }
    format!("{}…", &shown.0[..shown.0.floor_char_boundary(SHOWN_SET)])
}

/// Ends with an error once more was written than is shown.
struct Shown(String);

impl fmt::Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() > SHOWN_SET { Err(fmt::Error) } else { Ok(()) }
    }
}

fn as_text<S: serde::Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(targets: &str, ports: &str, config: &ScanConfig, format: Format) -> String {
        let plan = ScanPlan::new(targets.parse().unwrap(), ports.parse().unwrap());
        let estimate = Estimate::within(&plan, config, 1_024);
        let mut out = Vec::new();
        PlanReport::new(&plan, config, &estimate).write(format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn says_which_targets_have_their_own_ports() {
        let own = |targets: &str, ports: &str| (targets.parse().unwrap(), ports.parse().unwrap());
        let shown = |targets: &str, groups: Vec<_>, format| {
            let plan = ScanPlan::new(targets.parse().unwrap(), "22,80".parse().unwrap())
                .with_own_ports(groups.into_iter().collect());
            let config = ScanConfig::default();
            let estimate = Estimate::within(&plan, &config, 1_024);
            let mut out = Vec::new();
            PlanReport::new(&plan, &config, &estimate).write(format, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let some = vec![own("192.0.2.7", "8080"), own("192.0.2.1-192.0.2.3", "1-1000")];
        insta::assert_snapshot!(shown("192.0.2.0/28", some.clone(), Format::Text), @"
        targets               16   192.0.2.0/28
        ports                  2   22,80
        own ports          1,000   1-1000 on 192.0.2.1-192.0.2.3
                               1   8080 on 192.0.2.7
        probes             3,025   at most 100 connections at once
        if nobody answers  about 2.7 s: silent hosts are given up after 16 ports
        at most            about 3 min 1 s: 3,025 silent ports x 2 attempts x 3s / 100 connections; longer only where packets are lost
        order of targets   shuffled anew each time; --seed N fixes it
        first ports        80 22

        Nothing was sent to the targets.
        ");
        insta::assert_snapshot!(shown("192.0.2.0/28", some, Format::Json), @r#"{"targets":"16","target_ranges":"192.0.2.0/28","ports":null,"port_ranges":"22,80","own_ports":[{"targets":"192.0.2.1-192.0.2.3","ports":"1-1000"},{"targets":"192.0.2.7","ports":"8080"}],"probes":"3025","connections":100,"max_rate":null,"attempts":2,"timeout_ms":3000,"silent_ms":2701,"at_most_ms":181500,"seed":null,"first_targets":[],"first_ports":[80,22]}"#);
        let host = |n: u8| own(&format!("192.0.2.{n}"), &n.to_string());
        insta::assert_snapshot!(shown("192.0.2.1-192.0.2.7", (1..=7).map(host).collect(), Format::Text), @"
        targets            7   192.0.2.1-192.0.2.7
        own ports          1   1 on 192.0.2.1
                           1   2 on 192.0.2.2
                           1   3 on 192.0.2.3
                           1   4 on 192.0.2.4
                           1   5 on 192.0.2.5
                               and 2 more sets of ports
        probes             7   at most 7 connections at once
        if nobody answers  about 3.7 s: silent hosts are given up after 1 port
        at most            about 6 s: 7 silent ports x 2 attempts x 3s / 7 connections; longer only where packets are lost
        order of targets   shuffled anew each time; --seed N fixes it

        Nothing was sent to the targets.
        ");
    }

    #[test]
    fn says_what_would_be_done() {
        let config = ScanConfig::default().with_seed(7);
        insta::assert_snapshot!(report("192.168.1.0/24", "ssh,80,443,8000-8003", &config, Format::Text), @"
        targets              256   192.168.1.0/24
        ports                  7   22,80,443,8000-8003
        probes             1,792   at most 100 connections at once
        if nobody answers  about 56 s: silent hosts are given up after 6 ports
        at most            about 1 min 47 s: 1,792 silent ports x 2 attempts x 3s / 100 connections; longer only where packets are lost
        first targets      192.168.1.152 192.168.1.221 192.168.1.64 192.168.1.246 192.168.1.154
        first ports        80 443 22 8000

        Nothing was sent to the targets.
        ");
        insta::assert_snapshot!(report("192.168.1.0/30", "22", &config, Format::Json), @r#"{"targets":"4","target_ranges":"192.168.1.0/30","ports":1,"port_ranges":"22","probes":"4","connections":4,"max_rate":null,"attempts":2,"timeout_ms":3000,"silent_ms":3700,"at_most_ms":6000,"seed":"7","first_targets":["192.168.1.0","192.168.1.1","192.168.1.2","192.168.1.3"],"first_ports":[22]}"#);
        insta::assert_snapshot!(report("10.0.0.0/8", "full", &ScanConfig::gentle(), Format::Text), @"
        targets                   16,777,216   10.0.0.0/8
        ports                         65,535   1-65535
        probes             1,099,494,850,560   at most 30 connections at once, at most 50 attempts per second
        if nobody answers  about 143 days 16 h: silent hosts are given up after 6 ports
        at most            about 6,968 years: 1,099,494,850,560 silent ports x 2 attempts x 3s / 30 connections; longer only where packets are lost
        order of targets   shuffled anew each time; --seed N fixes it
        first ports        80 443 22 445 3389 8080 53 25 21 23

        Nothing was sent to the targets.
        ");
    }
}
