//! The table that a person reads.

use std::fmt::Write as _;

use super::compare::{Row, Sample};
use super::stats::Spread;
use super::workload::Workload;

/// The scanner that others are compared with, where it takes part.
const REFERENCE: &str = "floor-1";

const COLUMNS: [&str; 8] = ["scanner", "µs/port", "time", "user", "sys", "CPU", "calls/port", "memory"];

/// One workload.
pub(super) fn comparison(workload: &Workload, rows: &[Row]) -> String {
    let mut text = format!("{}: {}\n", workload.name, workload.about);
    text.push_str(&body(rows));
    text
}

fn body(rows: &[Row]) -> String {
    let with_figures = || rows.iter().filter(|row| !row.samples.is_empty());
    let reference = with_figures().find(|row| row.scanner == REFERENCE).or_else(|| with_figures().next());
    let mut lines = vec![COLUMNS.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().filter(|row| row.missing.is_none()).map(|row| cells(row, reference)));
    let mut text = aligned(&lines, 1);
    if let Some(reference) = reference {
        let _ = writeln!(
            text,
            "  time and CPU: so many times {}'s of the same round, median (min–max)",
            reference.scanner
        );
    }
    for row in rows {
        if let Some(why) = &row.missing {
            let _ = writeln!(text, "  {}: left out, {why}", row.scanner);
        } else if let Some((_, fault)) = row.faults.first() {
            let (wrong, all) = (row.faults.len(), row.faults.len() + row.samples.len());
            let _ = writeln!(
                text,
                "! {}: {wrong} of {all} runs count for nothing, the first {fault}",
                row.scanner
            );
        }
    }
    text
}

fn cells(row: &Row, reference: Option<&Row>) -> Vec<String> {
    let median = |figure: fn(&Sample) -> f64| {
        shown(row.spread(figure).map(|spread| spread.median), |it| format!("{it:.2}"))
    };
    let ratio = |figure: fn(&Sample) -> f64| {
        shown(reference.and_then(|reference| row.ratio(reference, figure)), |Spread { min, median, max }| {
            format!("{median:.2} ({min:.2}–{max:.2})")
        })
    };
    let mark = if row.faults.is_empty() { "" } else { " !" };
    let memory = row.samples.iter().filter_map(|sample| sample.peak_memory).max();
    vec![
        format!("{}{mark}", row.scanner),
        median(|sample| sample.wall),
        ratio(|sample| sample.wall),
        median(|sample| sample.user),
        median(|sample| sample.system),
        ratio(Sample::cpu),
        shown(row.system_calls, |calls| format!("{calls:.2}")),
        shown(memory, megabytes),
    ]
}

fn shown<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(|| "-".to_owned(), show)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Columns to the right, but for so many of words at the left.
pub(super) fn aligned(lines: &[Vec<String>], words: usize) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ =
                if column < words { write!(row, "  {cell:width$}") } else { write!(row, "  {cell:>width$}") };
        }
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scanner: &'static str, walls: &[f64]) -> Row {
        let sample = |(round, wall): (u32, &f64)| Sample {
            round,
            wall: *wall,
            user: 1.0,
            system: *wall - 1.0,
            peak_memory: Some(5_472_000),
        };
        Row {
            scanner,
            samples: (1..).zip(walls).map(sample).collect(),
            faults: Vec::new(),
            system_calls: Some(2.004),
            missing: None,
        }
    }

    #[test]
    fn a_table_tells_ratios_and_what_went_wrong() {
        let mut ours = row("ours", &[11.0, 12.0]);
        ours.faults.push((3, "found 2 of 3 open ports".to_owned()));
        let mut none = row("nmap-sT4", &[]);
        none.faults.push((1, "exit status 1".to_owned()));
        none.system_calls = None;
        let mut absent = row("rustscan", &[]);
        absent.missing = Some("rustscan: not found".to_owned());
        insta::assert_snapshot!(body(&[row("floor-1", &[10.0, 10.0, 12.5]), ours, none, absent]), @"
          scanner     µs/port              time  user    sys               CPU  calls/port  memory
          floor-1       10.00  1.00 (1.00–1.00)  1.00   9.00  1.00 (1.00–1.00)        2.00  5.5 MB
          ours !        11.50  1.15 (1.10–1.20)  1.00  10.50  1.15 (1.10–1.20)        2.00  5.5 MB
          nmap-sT4 !        -                 -     -      -                 -           -       -
          time and CPU: so many times floor-1's of the same round, median (min–max)
        ! ours: 1 of 3 runs count for nothing, the first found 2 of 3 open ports
        ! nmap-sT4: 1 of 1 runs count for nothing, the first exit status 1
          rustscan: left out, rustscan: not found
        ");
    }

    #[test]
    fn without_the_floor_the_first_is_what_others_are_compared_with() {
        insta::assert_snapshot!(body(&[row("ours", &[10.0]), row("nmap-sT4", &[30.0])]), @"
        scanner   µs/port              time  user    sys               CPU  calls/port  memory
        ours        10.00  1.00 (1.00–1.00)  1.00   9.00  1.00 (1.00–1.00)        2.00  5.5 MB
        nmap-sT4    30.00  3.00 (3.00–3.00)  1.00  29.00  3.00 (3.00–3.00)        2.00  5.5 MB
        time and CPU: so many times ours's of the same round, median (min–max)
        ");
    }

    #[test]
    fn a_table_of_nothing_is_no_failure() {
        insta::assert_snapshot!(body(&[]), @"  scanner  µs/port  time  user  sys  CPU  calls/port  memory");
    }
}
