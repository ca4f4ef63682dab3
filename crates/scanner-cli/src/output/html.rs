//! `html`: one file for people, with nothing from elsewhere. The template is `templates/report.html`; here is what it shows.

mod host;
mod matrix;

use std::io::{self, Write};
use std::time::SystemTime;

use askama::Template;
use scanner_core::{AddrSet, HostResult, HostStatus, PortState, Progress, ScanEvent, ScanReport, Verdict};

use crate::clock;
use crate::networks::Networks;
use crate::output::collected::Collected;
use crate::output::record::{About, NoteFields};
use crate::output::sanitize::clean;
use crate::output::text::Palette;
use crate::output::{Beginning, Ending, Output, changes, open_on_real_hosts, summary, words};
use crate::settings::OutputSettings;

use host::{Host, Shape};
use matrix::Matrix;

/// Up to this many hosts are unfolded at first.
const UNFOLDED: usize = 12;
/// With more hosts than this the browser draws only those in sight.
const MANY: usize = 200;
/// What the page says further down.
const GUESSED: &str = " Names are guessed from port numbers.";
/// A set of addresses is cut to this many characters.
const SHOWN_SET: usize = 2_000;

/// The format, with what is only known at the beginning.
#[derive(Debug)]
pub(crate) struct Html {
    about: About,
    networks: Networks,
    notes: Vec<NoteFields>,
    started: Option<SystemTime>,
    collected: Collected,
    open_only: bool,
}

impl Html {
    pub(crate) fn new(settings: &OutputSettings, beginning: &Beginning<'_>) -> Self {
        Self {
            about: beginning.about.clone(),
            networks: beginning.networks.clone(),
            notes: beginning.notes.to_vec(),
            started: None,
            collected: Collected::new(settings.open_only, beginning.targets),
            open_only: settings.open_only,
        }
    }
}

impl Output for Html {
    fn event(&mut self, event: &ScanEvent, at: SystemTime, _out: &mut dyn Write) -> io::Result<()> {
        if let ScanEvent::ScanStart(_) = event {
            self.started = Some(at);
        }
        self.collected.event(event, at);
        Ok(())
    }

    fn finish(&mut self, end: &Ending<'_>, out: &mut dyn Write) -> io::Result<()> {
        let hosts: Vec<HostResult> =
            self.collected.take(end.report, end.finished).into_iter().map(|(host, _)| host).collect();
        let page = Page::new(self, &hosts, end);
        page.write_into(&mut *out)?;
        out.write_all(b"\n")
    }
}

/// What the template shows.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    found: String,
    version: String,
    args: String,
    started: String,
    finished: String,
    scan_id: String,
    seed: u64,
    ports_asked: String,
    cards: Vec<Card>,
    missing: Vec<String>,
    hints: Vec<&'static str>,
    changes: Vec<String>,
    matrix: Option<Matrix>,
    /// Whether there are so many hosts that the browser should draw only those in sight.
    many: bool,
    hosts: Vec<Host>,
    others: Vec<(String, String)>,
    notes: Vec<String>,
}

/// A number that matters.
struct Card {
    label: &'static str,
    value: String,
    alarm: bool,
}

impl Page {
    fn new(html: &Html, hosts: &[HostResult], end: &Ending<'_>) -> Self {
        let report = end.report;
        let summary = summary(end);
        let single = report.progress.targets == 1;
        let shown: Vec<&HostResult> = hosts.iter().filter(|host| single || has_much_to_say(host)).collect();
        let shape = Shape::new(&shown, shown.len() <= UNFOLDED);
        let text = |text: &str| clean(text).into_owned();
        let later = report.notes.iter().map(|note| text(&note.message));
        Self {
            found: summary.found.replace(GUESSED, ""),
            many: shown.len() > MANY,
            version: text(&html.about.version),
            args: text(&html.about.args),
            started: clock::for_people(html.started.unwrap_or(end.finished)),
            finished: clock::for_people(end.finished),
            scan_id: text(&report.scan_id),
            seed: report.seed,
            ports_asked: ports_asked(&html.about),
            cards: cards(report),
            missing: summary.missing.iter().map(|line| text(line)).collect(),
            hints: summary.hints,
            changes: changed_lines(end),
            matrix: Matrix::new(&shown),
            hosts: shown.iter().map(|host| Host::new(host, &html.networks, &shape)).collect(),
            others: if html.open_only { Vec::new() } else { others(report, &shown) },
            notes: html.notes.iter().map(|note| text(&note.message)).chain(later).collect(),
        }
    }
}

fn ports_asked(about: &About) -> String {
    let ports = words::counted(about.port_ranges.len() as u128, "port", "ports");
    format!("{ports} {}", if about.own_ports { "in all" } else { "each" })
}

/// Whether a host is more than one address among those that are up with nothing open, down, or silent.
fn has_much_to_say(host: &HostResult) -> bool {
    let has_open = host.ports.count(PortState::Open) > 0;
    has_open
        || host.verdict.is_some()
        || !host.names.is_empty()
        || (host.status == HostStatus::Up && host.has_unknown())
}

fn cards(report: &ScanReport) -> Vec<Card> {
    let Progress { targets, targets_up, unknown, elapsed, .. } = report.progress;
    let real = |host: &&HostResult| host.verdict != Some(Verdict::AcceptsEverything);
    let with_open = report.hosts.iter().filter(real).filter(|host| host.open().next().is_some()).count();
    let number = |value: u128| words::number(value);
    let mut cards = vec![
        Card { label: "open ports", value: number(open_on_real_hosts(report) as u128), alarm: false },
        Card { label: "hosts with an open port", value: number(with_open as u128), alarm: false },
        Card { label: "hosts up", value: number(targets_up.into()), alarm: false },
        Card { label: "addresses scanned", value: number(targets.into()), alarm: false },
        Card { label: "time it took", value: words::duration(elapsed), alarm: false },
    ];
    if unknown > 0 {
        cards.push(Card { label: "ports not measured", value: number(unknown.into()), alarm: true });
    }
    cards
}

fn changed_lines(end: &Ending<'_>) -> Vec<String> {
    let Some(comparison) = end.comparison else { return Vec::new() };
    let mut text = Vec::new();
    // Infallible: it is written into memory.
    let _ = changes::write(comparison, Palette::new(false), &mut text);
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

/// The addresses without a section of their own.
fn others(report: &ScanReport, shown: &[&HostResult]) -> Vec<(String, String)> {
    let shown: AddrSet = shown.iter().map(|host| host.ip).collect();
    let sets = [
        ("up, nothing open", &report.up_nothing_open, ""),
        ("no answer", &report.no_answer, "not there, asleep, or behind a firewall that drops: "),
        ("down", &report.down, "the network says that nobody is there: "),
        ("not measured", &report.not_measured_hosts, ""),
    ];
    let left = sets.into_iter().map(|(kind, set, what)| (kind, set.difference(&shown), what));
    left.filter(|(_, set, _)| !set.is_empty())
        .map(|(kind, set, what)| {
            let mut ranges = set.to_string().replace(',', ", ");
            if ranges.len() > SHOWN_SET {
                ranges.truncate(SHOWN_SET);
                ranges.push_str(" …");
            }
            (format!("{} {kind}", words::number(set.len())), format!("{what}{ranges}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples::{HostBuilder, beginning, note, render, settings, unresolved};

    fn page(hosts: &[HostResult]) -> String {
        render(&mut Html::new(&settings(), &beginning()), hosts, &unresolved())
    }

    #[test]
    fn everything_is_on_the_page() {
        let hosts = [
            HostBuilder::new("192.0.2.1").name("router.lan").open(53).open(443).refused("1-52").build(),
            HostBuilder::new("192.0.2.57").open(80).refused("1-79").lost("81-90", 4).build(),
            HostBuilder::new("192.0.2.12").refused("1-1000").build(),
            HostBuilder::new("192.0.2.77").open(1).open(2).verdict(Verdict::AcceptsEverything).build(),
            HostBuilder::new("192.0.2.99").not_asked(1_000).build(),
        ];
        let notes = [note("192.0.2.255 skipped (broadcast)")];
        let beginning = Beginning { notes: &notes, ..beginning() };
        let page = render(&mut Html::new(&settings(), &beginning), &hosts, &unresolved());
        for wanted in [
            "3 open ports on 2 of 4 hosts",
            "INCOMPLETE: 10 ports",
            "no address for gone.invalid",
            "<title>3 open ports on 2 of 4 hosts, 14 s. 1 host answers on every port: not counted.</title>",
            "<h3 class=\"mono\">192.0.2.57</h3>",
            "STOPPED ANSWERING after 4 s",
            "<td class=\"num\" data-v=\"4430\">4.4 ms</td>",
            "<dt>1 up, nothing open</dt><dd>192.0.2.12</dd>",
            "192.0.2.255 skipped (broadcast)",
            "aria-sort=\"ascending\"",
            "<caption>Ports of 192.0.2.1</caption>",
            "ANSWERS ON EVERY PORT",
        ] {
            assert!(page.contains(wanted), "{wanted} in {page}");
        }
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        let page = page(&[HostBuilder::new("192.0.2.1").open(80).build()]);
        for foreign in ["http:", "https:", "src=", "@import", "url(", "<link", "fetch(", "XMLHttpRequest"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_thousand_hosts_stay_light() {
        let open = |host: HostBuilder| (0..12).fold(host, |host, port| host.open(20 + port * 7));
        let ip = |n: usize| format!("10.0.{}.{}", n / 250, n % 250 + 1);
        let hosts: Vec<_> = (0..1_000)
            .map(|n| open(HostBuilder::new(&ip(n)).name(&format!("host-{n}.lan"))).refused("200-999").build())
            .collect();
        let page = page(&hosts);
        assert!(page.len() < 5_000_000, "{} bytes", page.len());
        assert!(page.matches('<').count() < 300_000);
    }
}
