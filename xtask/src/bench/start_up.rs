//! From the start of a process to its first connection. A listener takes the time: nothing watches the scanner meanwhile.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, PipeReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use scanner_lab::Namespace;

use super::Setting;
use super::compare::Record;
use super::errand::{Errand, Hosts, Ports};
use super::scanners::Scanner;
use super::stats::Spread;
use super::table::aligned;
use crate::measure;

/// What this command may take.
const BAR: Duration = Duration::from_millis(5);

/// A start takes milliseconds: more of them for the same patience.
const STARTS_PER_RUN: u32 = 4;

const LIMIT: Duration = Duration::from_mins(1);

const PORT: u16 = 80;

/// What one scanner took for one errand, in milliseconds.
pub(super) struct Row {
    scanner: &'static str,
    errand: &'static str,
    /// Whether the bar is for it.
    judged: bool,
    times: Vec<f64>,
    missing: Option<String>,
}

/// One port of one host, and of every host of a large network.
pub(super) fn measure(scanners: &[Scanner], setting: &Setting) -> Result<Vec<Row>> {
    eprintln!("start-up: {} rounds in turns", setting.runs * STARTS_PER_RUN);
    let errands = [
        ("start-up", Hosts::one(Ipv4Addr::LOCALHOST)),
        ("start-up-wide", Hosts::network(Ipv4Addr::new(127, 3, 0, 0), 20)),
    ];
    let namespace = Namespace::new()?;
    let mut rows = Vec::new();
    for (name, hosts) in errands {
        let errand = Errand { hosts, ports: Ports::range(PORT, PORT), limit: None, all_open: false };
        let new = |scanner: &Scanner| Row {
            scanner: scanner.name,
            errand: name,
            judged: scanner.is_ours(),
            times: Vec::new(),
            missing: scanner.missing(&setting.built),
        };
        let mut new_rows: Vec<Row> = scanners.iter().map(new).collect();
        for round in 0..=setting.runs * STARTS_PER_RUN {
            for (row, scanner) in new_rows.iter_mut().zip(scanners).filter(|(row, _)| row.missing.is_none()) {
                match once(&namespace, scanner, &errand, setting)? {
                    Ok(_) if round == 0 => {}
                    Ok(time) => row.times.push(time.as_secs_f64() * 1e3),
                    // A raw SYN, for one, is no connection.
                    Err(why) => row.missing = Some(why),
                }
            }
        }
        rows.append(&mut new_rows);
    }
    Ok(rows)
}

/// Or why there was no connection.
fn once(
    namespace: &Namespace,
    scanner: &Scanner,
    errand: &Errand,
    setting: &Setting,
) -> Result<Result<Duration, String>> {
    // On every address, so that the first connection is seen wherever it goes.
    let listener = namespace.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)))??;
    listener.set_nonblocking(true)?;
    let (stopped, stop) = io::pipe()?;
    let started = Cell::new(None);
    let start = |command: &mut Command| {
        let (moment, child) = namespace.run(|| (now(), command.spawn())).map_err(io::Error::other)?;
        started.set(Some(moment));
        child
    };
    let (first, run) = thread::scope(|scope| {
        let first = scope.spawn(|| first_connection(&listener, &stopped));
        let run = measure::run(&mut scanner.command(errand, &setting.built), &start, LIMIT);
        drop(stop);
        (first.join().unwrap_or_default(), run)
    });
    let run = run?;
    let took = first.zip(started.get()).map(|(first, started)| first.saturating_duration_since(started));
    Ok(took.ok_or_else(|| run.failure().unwrap_or_else(|| "it makes no full connection".to_owned())))
}

/// When the first connection came; accepts all of them until the other end of the pipe is closed.
fn first_connection(listener: &TcpListener, stopped: &PipeReader) -> Option<Instant> {
    let mut first = None;
    loop {
        let mut fds = [listener.as_fd(), stopped.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        poll(&mut fds, PollTimeout::NONE).ok()?;
        if !fds[0].any().unwrap_or(false) {
            return first;
        }
        first = first.or_else(|| Some(now()));
        while listener.accept().is_ok() {}
    }
}

#[expect(clippy::disallowed_methods, reason = "the time until the first connection is what is measured")]
fn now() -> Instant {
    Instant::now()
}

/// In milliseconds, with this command's bar.
pub(super) fn table(rows: &[Row]) -> String {
    let bar = BAR.as_secs_f64() * 1e3;
    let mut lines = vec![["scanner", "workload", "ms", "min", "max", ""].map(str::to_owned).to_vec()];
    let mut notes = String::new();
    for row in rows {
        if let Some(why) = &row.missing {
            let _ = writeln!(notes, "  {}: left out, {why}", row.scanner);
            continue;
        }
        let Some(Spread { min, median, max }) = Spread::of(row.times.iter().copied()) else { continue };
        let verdict = match (row.judged, median <= bar) {
            (false, _) => String::new(),
            (true, true) => format!("within {bar:.0} ms"),
            (true, false) => format!("ABOVE {bar:.0} ms"),
        };
        let figures = [min, max].map(|time| format!("{time:.1}"));
        let [min, max] = figures;
        lines.push(vec![row.scanner.into(), row.errand.into(), format!("{median:.1}"), min, max, verdict]);
    }
    format!(
        "start-up: from the start of the process to its first connection, to one port of one host and of a /20\n{}{notes}",
        aligned(&lines, 2)
    )
}

/// Every start.
pub(super) fn records(rows: &[Row]) -> Vec<Record> {
    let of_row = |row: &Row| {
        let blank = Record { scanner: row.scanner, workload: row.errand, ..Record::default() };
        let mut all: Vec<_> = (1..)
            .zip(&row.times)
            .map(|(round, time)| Record { round, first_connection_ms: Some(*time), ..blank.clone() })
            .collect();
        all.extend(row.missing.iter().map(|why| Record { fault: Some(why.clone()), ..blank.clone() }));
        all
    };
    rows.iter().flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_is_above_the_bar() {
        let row = |scanner, judged, times: &[f64]| Row {
            scanner,
            errand: "start-up",
            judged,
            times: times.to_vec(),
            missing: None,
        };
        let mut absent = row("rustscan", false, &[]);
        absent.missing = Some("rustscan: not found".to_owned());
        let rows = [
            row("floor-1", false, &[1.0, 1.5, 2.0]),
            row("ours", true, &[2.9, 3.0, 9.0]),
            row("slow", true, &[5.1]),
            absent,
        ];
        insta::assert_snapshot!(table(&rows), @"
        start-up: from the start of the process to its first connection, to one port of one host and of a /20
          scanner  workload   ms  min  max
          floor-1  start-up  1.5  1.0  2.0
          ours     start-up  3.0  2.9  9.0  within 5 ms
          slow     start-up  5.1  5.1  5.1   ABOVE 5 ms
          rustscan: left out, rustscan: not found
        ");
    }
}
