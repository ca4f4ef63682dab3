//! The last words: what was found in all, and, loud, what was not measured.

use std::collections::BTreeSet;

use scanner_core::{
    AddrSet, Completion, HostAddr, HostResult, PortSet, PortState, Reason, ScanReport, Verdict,
};

use crate::output::{Ending, words};

/// How many addresses a line names before it only counts.
const NAMED_HOSTS: usize = 3;

/// How the whole command ended: a name without address is something that was asked and not measured.
pub(crate) fn ending(end: &Ending<'_>) -> Completion {
    match end.report.completion {
        Completion::Complete if !end.unresolved.is_empty() => Completion::Incomplete,
        Completion::Complete => Completion::Complete,
        Completion::Incomplete => Completion::Incomplete,
        Completion::Deadline => Completion::Deadline,
        Completion::Cancelled => Completion::Cancelled,
    }
}

/// The last words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// What was found in all.
    pub(crate) found: String,
    /// What was not measured, and why; empty where the scan is complete.
    pub(crate) missing: Vec<String>,
    /// Hosts that answer on every port, which are no services and stand in no list.
    pub(crate) left_out: Vec<String>,
    /// What can be done about it.
    pub(crate) hints: Vec<&'static str>,
}

/// Sums a scan up.
pub(crate) fn summary(end: &Ending<'_>) -> Summary {
    let report = end.report;
    let found = if end.discover_only { found_hosts(report) } else { found(report) };
    let mut summary = Summary { found, left_out: left_out(report), ..Summary::default() };
    let elapsed = words::duration(report.progress.elapsed);
    let early = match report.completion {
        Completion::Cancelled => Some((Reason::Cancelled, format!("INTERRUPTED after {elapsed}"))),
        Completion::Deadline => Some((Reason::Deadline, "OUT OF TIME: the deadline".to_owned())),
        Completion::Complete | Completion::Incomplete => None,
    };
    let mut left = report.not_measured.clone();
    if let Some((reason, what)) = early {
        let limit = end.deadline.filter(|_| reason == Reason::Deadline);
        let limit = limit.map_or_else(String::new, |limit| format!(" of {}", words::duration(limit)));
        let count = left.remove(&reason).unwrap_or(0);
        let what_is_left = left_of(end, reason, count);
        summary
            .missing
            .push(format!("{what}{limit}: {what_is_left} not measured; what was found until then is kept."));
        summary.hints.extend(advice(report, reason));
    }
    for (&reason, &count) in left.iter().filter(|(_, count)| **count > 0) {
        let what = left_of(end, reason, count);
        summary.missing.push(format!("INCOMPLETE: {what} not measured ({}).", words::reason(reason)));
        summary.hints.extend(advice(report, reason));
    }
    if !end.unresolved.is_empty() {
        let names: Vec<&str> =
            end.unresolved.iter().map(|error| error.name.as_str()).take(NAMED_HOSTS).collect();
        let more = end.unresolved.len().saturating_sub(NAMED_HOSTS);
        let more =
            if more == 0 { String::new() } else { format!(" and {} more", words::number(more as u128)) };
        summary.missing.push(format!("INCOMPLETE: no address for {}{more}.", names.join(", ")));
    }
    if report.completion == Completion::Complete
        && !end.skip_discovery
        && !end.discover_only
        && report.progress.targets_up == 0
        && report.progress.not_asked > 0
        && !report.no_answer.is_empty()
    {
        summary.hints.push("hosts that answer nothing are given up early; -Pn asks every port");
    }
    let mut seen = BTreeSet::new();
    summary.hints.retain(|hint| seen.insert(*hint));
    summary
}

/// What can be done about ports that could not be measured.
fn advice(report: &ScanReport, reason: Reason) -> Option<&'static str> {
    let table_was_full = report.notes.iter().any(|note| note.code == "neighbour-table");
    if reason == Reason::LocalLimit && table_was_full {
        return Some("the table of neighbours of this machine was full; scanner doctor says how large it is");
    }
    words::advice(reason)
}

/// What was not measured for a reason: ports, or hosts where nothing else was looked for.
fn left_of(end: &Ending<'_>, reason: Reason, count: u64) -> String {
    if !end.discover_only {
        return ports_of(end.report, reason, count);
    }
    let report = end.report;
    let judged = [&report.up_nothing_open, &report.down, &report.no_answer].map(AddrSet::len).iter().sum();
    words::counted(u128::from(report.progress.targets).saturating_sub(judged), "host", "hosts")
}

/// One line per host that answers on every port.
fn left_out(report: &ScanReport) -> Vec<String> {
    let everything = report.hosts.iter().filter(|host| host.verdict == Some(Verdict::AcceptsEverything));
    let line = |host: &HostResult| {
        let open = words::counted(host.ports.count(PortState::Open) as u128, "port", "ports");
        format!("{} answers on every port ({open}): left out, a proxy or a tarpit and not services", host.ip)
    };
    everything.map(line).collect()
}

/// The open ports of a report without those of hosts that answer on every port, which are no services: what the summary
/// counts, and what `--fail-if` means.
pub(crate) fn open_on_real_hosts(report: &ScanReport) -> usize {
    real_hosts(report).map(|host| host.ports.count(PortState::Open)).sum()
}

fn real_hosts(report: &ScanReport) -> impl Iterator<Item = &HostResult> {
    report.hosts.iter().filter(|host| host.verdict != Some(Verdict::AcceptsEverything))
}

/// What was found where only hosts were looked for.
fn found_hosts(report: &ScanReport) -> String {
    let elapsed = words::duration(report.progress.elapsed);
    let (up, targets) = (report.progress.targets_up, report.progress.targets);
    if report.progress.unknown > 0 && report.progress.unknown == report.progress.probes {
        return format!("Nothing could be measured, {elapsed}.");
    }
    match (up, targets) {
        (0, 1) => format!("Nobody is there, as far as can be seen, {elapsed}."),
        (1, 1) => format!("It is up, {elapsed}."),
        _ => format!("{} of {} up, {elapsed}.", words::number(up), words::counted(targets, "host", "hosts")),
    }
}

/// What was found in all, without hosts that answer on every port, which are only counted.
fn found(report: &ScanReport) -> String {
    let everything =
        report.hosts.iter().filter(|host| host.verdict == Some(Verdict::AcceptsEverything)).count();
    let found = found_on_real_hosts(report);
    let what = match everything {
        0 => return found,
        1 => "1 host answers on every port".to_owned(),
        n => format!("{} hosts answer on every port", words::number(n as u128)),
    };
    if report.progress.targets_up == everything as u64 {
        return format!("{what}, {}.", words::duration(report.progress.elapsed));
    }
    format!("{found} {what}: not counted.")
}

fn found_on_real_hosts(report: &ScanReport) -> String {
    let open = open_on_real_hosts(report);
    let with_open = real_hosts(report).filter(|host| host.ports.count(PortState::Open) > 0).count();
    let (up, targets) = (report.progress.targets_up, report.progress.targets);
    let elapsed = words::duration(report.progress.elapsed);
    let hosts = |count: u64| words::counted(count, "host", "hosts");
    if report.progress.unknown > 0 && report.progress.unknown == report.progress.probes {
        return format!("Nothing could be measured, {elapsed}.");
    }
    match (open, targets, up) {
        (0, 1, 0) => format!("No answer, {elapsed}."),
        (0, 1, _) => format!("No open port, {elapsed}."),
        (0, _, 0) => format!("No answer from any of {}, {elapsed}.", hosts(targets)),
        (0, ..) => format!("No open port on {}, {elapsed}.", hosts(up)),
        _ => {
            let place = if targets == 1 {
                String::new()
            } else {
                format!(" on {} of {}", words::number(with_open as u128), hosts(up))
            };
            let ports = words::counted(open as u128, "open port", "open ports");
            format!("{ports}{place}, {elapsed}. Names are guessed from port numbers.")
        }
    }
}

/// The ports that were not measured for a reason, with their hosts where these can be named.
fn ports_of(report: &ScanReport, reason: Reason, count: u64) -> String {
    let ports = words::counted(count, "port", "ports");
    let unmeasured = |host: &HostResult| host.ports.get(reason).map_or(0, PortSet::len) as u64;
    let hosts: Vec<HostAddr> = report
        .hosts
        .iter()
        .filter(|host| unmeasured(host) > 0)
        .map(|host| host.ip)
        .take(NAMED_HOSTS + 1)
        .collect();
    let named: u64 = report.hosts.iter().map(unmeasured).sum();
    let hosts = match (report.progress.targets, only_host(report)) {
        (1, Some(host)) => vec![host],
        _ if named == count && hosts.len() <= NAMED_HOSTS => hosts,
        _ => return ports,
    };
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    format!("{ports} of {}", hosts.join(", "))
}

/// The first host of the report, in whatever part of it.
fn only_host(report: &ScanReport) -> Option<HostAddr> {
    let sets = [&report.up_nothing_open, &report.down, &report.no_answer, &report.not_measured_hosts];
    let in_full = report.hosts.first().map(|host| host.ip);
    in_full.or_else(|| sets.into_iter().find_map(|set| set.iter().next()))
}

#[cfg(test)]
mod tests {
    use scanner_core::Note;

    use super::*;
    use crate::output::samples::{HostBuilder, ending, report};

    #[test]
    fn where_hosts_are_looked_for_hosts_are_what_is_missing() {
        let hosts = [
            HostBuilder::new("192.0.2.9").neighbour().not_asked(16).build(),
            HostBuilder::new("192.0.2.10").settled(Reason::LocalLimit, "1-16").build(),
        ];
        let mut found = report(&hosts, 2);
        found.notes.push(Note { code: "neighbour-table".into(), message: String::new() });
        let summary = summary(&Ending { discover_only: true, ..ending(&found, &[]) });
        assert_eq!(summary.found, "1 of 2 hosts up, 14 s.");
        let local = "local-limit: this machine ran out of sockets, ports or neighbours";
        assert_eq!(summary.missing, [format!("INCOMPLETE: 1 host not measured ({local}).")]);
        let hint = "the table of neighbours of this machine was full; scanner doctor says how large it is";
        assert_eq!(summary.hints, [hint]);
    }

    #[test]
    fn what_was_done_already_is_no_advice() {
        let hosts = [HostBuilder::new("192.0.2.9").settled(Reason::NoReply, "1-47").not_asked(32).build()];
        let found = report(&hosts, 1);
        let hints = |skip_discovery| summary(&Ending { skip_discovery, ..ending(&found, &[]) }).hints;
        assert_eq!(hints(false), ["hosts that answer nothing are given up early; -Pn asks every port"]);
        assert_eq!(hints(true), [""; 0]);
        let missing = report(&[HostBuilder::new("192.0.2.9").down().not_asked(32).build()], 1);
        assert_eq!(summary(&ending(&missing, &[])).hints, [""; 0], "nobody is there to be asked");
    }
}
