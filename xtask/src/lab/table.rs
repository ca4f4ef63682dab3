//! The table of `lab run`: text that is also Markdown. Times are ratios to this project's own command in the same turn, as
//! seconds say more about the machine than about the scanner; the file of single scans has them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::peers::OURS;
use super::run::{Conditions, Scan, Section};
use crate::measure::Counter;

const HEADS: [&str; 13] = [
    "scanner",
    "found",
    "missed",
    "phantom",
    "closed → filtered",
    "filtered → closed",
    "limited",
    "unknown",
    "time",
    "CPU",
    "MB",
    "SYNs",
    "calls",
];

const LEGEND: &str = "\
- *found*: open ports found, of those that are there; *missed*: the others, with how many of them the scanner says it could not
  measure; *phantom*: open ports that are not. Of several scans the least and the most.
- *closed → filtered*, *filtered → closed*: refusing ports that were called filtered, silent or rejecting ones that were called
  closed; the most of all scans, and `-` for scanners that only say what is open. *limited*: called filtered with the remark that the
  host limits its answers, so that its silence proves nothing; *unknown*: said not to have been measured.
- *time*, *CPU*: ratios to `scanner` in the same turn, the median and, of several scans, the least and the most. *cut*: ended
  because its time was up; the ratio is then a lower bound.
- *MB*: peak resident memory; *SYNs*: on the wire, per port asked; *calls*: system calls per port asked, from a scan of their own.
";

/// One scenario's part.
pub(super) fn section(section: &Section) -> String {
    let mut rows = vec![HEADS.map(str::to_owned)];
    let mut seen = BTreeSet::new();
    for scan in &section.scans {
        if seen.insert(scan.scanner.as_str()) {
            rows.push(row(&scan.scanner, &section.scans));
        }
    }
    format!("## {}\n\n{}; {} ports.\n\n{}", section.name, section.about, section.ports, aligned(&rows))
}

/// The whole, with what a reader must know.
pub(super) fn document(conditions: &Conditions, sections: &[Section]) -> String {
    let mut text =
        "# Scanners in networks of known truth\n\nWritten by `cargo xtask lab run`; README.md says how.\n\n"
            .to_owned();
    let seeds: Vec<_> = conditions.seeds.iter().map(u64::to_string).collect();
    let priority =
        if conditions.realtime { "each scanner under `chrt -f 1`" } else { "without real-time priority" };
    let calls = match conditions.counter {
        Some(Counter::Perf) => "system calls counted by perf",
        Some(Counter::Strace) => "system calls counted by strace",
        None => "no perf and no strace to count system calls",
    };
    let _ = writeln!(
        text,
        "Seed {}, {} runs of each scanner per seed in turns, time-out {} s, {priority}, at most 20,000 descriptors; {} processors, \
         Linux {}; {calls}. A peer that was cut, or took more than {} s, was not run again in that scenario.\n",
        seeds.join(", "),
        conditions.runs,
        conditions.timeout,
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        kernel(),
        conditions.repeat_below,
    );
    let mut rows = vec![["name", "command", "version"].map(str::to_owned)];
    rows.extend(
        conditions
            .scanners
            .iter()
            .map(|[name, command, version]| [name.clone(), format!("`{command}`"), version.clone()]),
    );
    text.push_str(&aligned(&rows));
    text.push('\n');
    text.push_str(LEGEND);
    for one in sections {
        let _ = write!(text, "\n{}", section(one));
    }
    text
}

fn row(name: &str, scans: &[Scan]) -> [String; 13] {
    let own: Vec<_> = scans.iter().filter(|scan| scan.scanner == name).collect();
    let most = |value: fn(&Scan) -> u64| own.iter().map(|scan| value(scan)).max().unwrap_or_default();
    let spread = |value: fn(&Scan) -> u64| {
        let least = own.iter().map(|scan| value(scan)).min().unwrap_or_default();
        let most = most(value);
        if least == most { most.to_string() } else { format!("{least}–{most}") }
    };
    let of_states = |value: fn(&Scan) -> u64| {
        if own.iter().any(|scan| scan.tells_states) { most(value).to_string() } else { "-".to_owned() }
    };
    let is_cut = own.iter().any(|scan| scan.measured.cut);
    if own.iter().all(|scan| scan.failed()) {
        let cells = [name, "failed"];
        return std::array::from_fn(|column| cells.get(column).copied().unwrap_or("-").to_owned());
    }
    let time = ratios(&own, scans, |scan| scan.measured.wall_us);
    let cpu = ratios(&own, scans, |scan| scan.measured.user_us + scan.measured.system_us);
    let mut missed = spread(|scan| scan.score.missed());
    let open_unknown = spread(|scan| scan.score.open_unknown);
    if open_unknown != "0" {
        let _ = write!(missed, " ({open_unknown} unknown)");
    }
    let per_port = |scan: &Scan, count: u64| float(count) / float(scan.asked);
    let calls = own.iter().filter_map(|scan| Some(per_port(scan, scan.system_calls?))).collect();
    let memory = own.iter().filter_map(|scan| Some(float(scan.measured.peak_kib?) / 1_024.0)).collect();
    [
        name.to_owned(),
        format!("{}/{}", spread(|scan| scan.score.found), most(|scan| scan.score.open)),
        missed,
        spread(|scan| scan.score.phantom),
        of_states(|scan| scan.score.closed_as_filtered),
        of_states(|scan| scan.score.filtered_as_closed),
        of_states(|scan| scan.score.limited),
        of_states(|scan| scan.score.unknown),
        if is_cut { format!("cut (> {})", shown_median(time)) } else { shown_spread(time) },
        shown_spread(cpu),
        shown_median(memory),
        shown_median(own.iter().map(|scan| per_port(scan, scan.syns)).collect()),
        shown_median(calls),
    ]
}

/// Scan by scan, to our own scan of the same turn.
fn ratios(own: &[&Scan], all: &[Scan], value: fn(&Scan) -> u64) -> Vec<f64> {
    let ratio = |scan: &&Scan| {
        let ours = all.iter().find(|other| {
            other.scanner == OURS && (other.seed, other.run) == (scan.seed, scan.run) && value(other) > 0
        })?;
        Some(float(value(scan)) / float(value(ours)))
    };
    own.iter().filter_map(ratio).collect()
}

fn shown_spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (values.first().copied(), values.last().copied()) else {
        return "-".to_owned();
    };
    let (least, most) = (number(least), number(most));
    let middle = shown_median(values);
    if least == most { middle } else { format!("{middle} ({least}–{most})") }
}

fn shown_median(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    match values.get(values.len() / 2) {
        None => "-".to_owned(),
        Some(upper) if values.len() % 2 == 1 => number(*upper),
        Some(upper) => number(f64::midpoint(values[values.len() / 2 - 1], *upper)),
    }
}

/// Two or three digits that count.
fn number(value: f64) -> String {
    match value {
        value if value >= 9.95 => format!("{value:.0}"),
        value if value >= 0.095 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Counts and microseconds are far below the 2^52 from which a float would round them.
#[expect(clippy::cast_precision_loss, reason = "a count that large would take centuries")]
fn float(count: u64) -> f64 {
    count as f64
}

fn kernel() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = text.trim().split('-').next().unwrap_or_default();
    version.to_owned()
}

/// A table whose source is as legible as what is made of it.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if index == 0 {
            let rules: Vec<_> = widths.map(|width| "-".repeat(width)).to_vec();
            let _ = writeln!(text, "| {} |", rules.join(" | "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::measure::Measured;
    use crate::lab::score::Score;

    fn scan(scanner: &str, run: u32, wall_us: u64, found: u64, cut: bool) -> Scan {
        Scan {
            scenario: "clean".to_owned(),
            scanner: scanner.to_owned(),
            seed: 1,
            run,
            asked: 1_000,
            score: Score { open: 30, found, ..Score::default() },
            tells_states: scanner != "rustscan",
            measured: Measured {
                wall_us,
                user_us: wall_us / 2,
                system_us: 0,
                peak_kib: Some(5_120),
                exit_status: Some(0),
                cut,
            },
            syns: 1_500,
            system_calls: (scanner == OURS).then_some(6_000),
        }
    }

    #[test]
    fn a_section_compares_turn_by_turn() {
        let scans = vec![
            scan(OURS, 1, 1_000, 30, false),
            scan("rustscan", 1, 4_000, 28, false),
            scan("slow", 1, 90_000, 12, true),
            scan(OURS, 2, 2_000, 30, false),
            scan("rustscan", 2, 4_000, 30, false),
        ];
        let shown = section(&Section { name: "clean", about: "about it".to_owned(), ports: 1_000, scans });
        let expected = "\
## clean

about it; 1000 ports.

| scanner  | found    | missed | phantom | closed → filtered | filtered → closed | limited | unknown | time          | CPU           | MB  | SYNs | calls |
| -------- | -------- | ------ | ------- | ----------------- | ----------------- | ------- | ------- | ------------- | ------------- | --- | ---- | ----- |
| scanner  | 30/30    | 0      | 0       | 0                 | 0                 | 0       | 0       | 1.0           | 1.0           | 5.0 | 1.5  | 6.0   |
| rustscan | 28–30/30 | 0–2    | 0       | -                 | -                 | -       | -       | 3.0 (2.0–4.0) | 3.0 (2.0–4.0) | 5.0 | 1.5  | -     |
| slow     | 12/30    | 18     | 0       | 0                 | 0                 | 0       | 0       | cut (> 90)    | 90            | 5.0 | 1.5  | -     |
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn who_says_that_nothing_could_be_sent_has_not_failed() {
        let mut it = scan(OURS, 1, 1_000, 0, false);
        (it.measured.exit_status, it.syns, it.score.unknown) = (Some(3), 0, 0);
        assert!(it.failed());
        it.score.unknown = 100;
        assert!(!it.failed());
    }

    #[test]
    fn numbers_keep_the_digits_that_count() {
        let shown: Vec<_> = [0.012, 0.5, 9.94, 9.96, 1234.5].into_iter().map(number).collect();
        assert_eq!(shown, ["0.01", "0.5", "9.9", "10", "1234"]);
    }
}
