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

    fn passes_over(&self, host: &HostResult) -> bool {
        !self.collected.is_kept(host)
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

    /// The page without what makes it look and move.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a page is long when it is written out")]
    fn as_a_browser_reads_it() {
        let hosts = [
            HostBuilder::new("192.0.2.1").name("router.lan").open(53).open(443).refused("1-52").build(),
            HostBuilder::new("192.0.2.57").open(80).refused("1-79").lost("81-90", 4).build(),
            HostBuilder::new("192.0.2.12").refused("1-1000").build(),
        ];
        let mut page = page(&hosts);
        for part in ["style", "script"] {
            let (open, close) = (format!("<{part}>"), format!("</{part}>"));
            let (from, to) = (page.find(&open).unwrap() + open.len(), page.find(&close).unwrap());
            page.replace_range(from..to, "…");
        }
        insta::assert_snapshot!(page, @r##"
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
        <meta name="generator" content="scanner 0.1.0">
        <title>3 open ports on 2 of 3 hosts, 14 s.</title>
        <style>…</style>
        </head>
        <body>
        <a class="skip" href="#hosts">Skip to the hosts</a>
        <header>
        <h1>3 open ports on 2 of 3 hosts, 14 s.</h1>
        <p class="soft">2026-11-22 12:00:00 UTC &middot; <code>scanner 192.0.2.0/24</code></p>
        <dl class="cards">
        <div><dt>open ports</dt><dd>3</dd></div>
        <div><dt>hosts with an open port</dt><dd>2</dd></div>
        <div><dt>hosts up</dt><dd>3</dd></div>
        <div><dt>addresses scanned</dt><dd>254</dd></div>
        <div><dt>time it took</dt><dd>14 s</dd></div>
        <div class="alarm"><dt>ports not measured</dt><dd>10</dd></div>
        </dl>
        </header>
        <main>
        <section class="alert" aria-labelledby="missing">
        <h2 id="missing">What was not measured</h2>
        <ul>
        <li>INCOMPLETE: 10 ports of 192.0.2.57 not measured (host-lost: it stopped answering).</li>
        <li>INCOMPLETE: no address for gone.invalid.</li>
        <li class="soft">it may have restarted, or protects itself; try again later with --pace gentle</li>
        </ul>
        </section>
        <section aria-labelledby="matrix">
        <h2 id="matrix">Hosts and ports</h2>
        <div class="scroll" tabindex="0" role="region" aria-label="2 hosts by 3 open ports">
        <table class="matrix">
        <caption>2 hosts by 3 open ports</caption>
        <thead><tr><th scope="col">Host</th><th scope="col">53<small>domain</small></th><th scope="col">80<small>http</small></th><th scope="col">443<small>https</small></th></tr></thead>
        <tbody>
        <tr data-host="host-192-0-2-1"><th scope="row"><a href="#host-192-0-2-1">router.lan</a></th><td class=o>open</td><td>not asked</td><td class=o>open</td></tr>
        <tr data-host="host-192-0-2-57"><th scope="row"><a href="#host-192-0-2-57">192.0.2.57</a></th><td class=c>closed</td><td class=o>open</td><td>not asked</td></tr>
        </tbody>
        </table>
        </div>
        <ul class="legend" aria-hidden="true"><li><b class="o"></b> open</li><li><b class="c"></b> closed</li><li><b class="f"></b> filtered</li><li><b class="u"></b> not measured</li><li><b></b> not asked</li></ul>
        </section>
        <section aria-labelledby="hosts">
        <h2 id="hosts" tabindex="-1">Hosts</h2>
        <form class="tools" role="search" id="tools" hidden>
        <label class="grow">Find a host, name, port or service<input type="search" id="find" autocomplete="off" spellcheck="false"></label>
        <label>State<select id="state"><option value="">any</option><option>open</option><option>closed</option><option>filtered</option><option value="unknown">not measured</option></select></label>
        <button type="button" id="expand">Open all</button>
        <button type="button" id="collapse">Close all</button>
        <p class="count" id="count" role="status"></p>
        </form>
        <details class="host" id="host-192-0-2-1" data-text="192.0.2.1 router.lan" open>
        <summary><h3 class="mono">192.0.2.1</h3><span>router.lan</span><span class="soft">up, 0.6 ms</span><span class="badge end open">2 open</span></summary>
        <dl class="facts"><div><dt>is</dt><dd>its gateway</dd></div><div><dt>known by</dt><dd>refused</dd></div><div><dt>round trip</dt><dd>0.6 ms</dd></div></dl>
        <div class="wide"><table class="ports">
        <caption>Ports of 192.0.2.1</caption>
        <thead><tr><th scope="col" class="num" aria-sort="ascending"><button type="button">Port</button></th><th scope="col"><button type="button">State</button></th><th scope="col"><button type="button">Service</button></th><th scope="col" class="num"><button type="button">Round trip</button></th><th scope="col"><button type="button">Reason</button></th></tr></thead>
        <tbody>
        <tr data-state="open"><td class="num" data-v="53">53</td><td class="s-open">open</td><td>domain</td><td class="num" data-v="530">0.5 ms</td><td>handshake</td></tr>
        <tr data-state="open"><td class="num" data-v="443">443</td><td class="s-open">open</td><td>https</td><td class="num" data-v="4430">4.4 ms</td><td>handshake</td></tr>
        </tbody>
        </table></div>
        <ul class="rest">
        <li data-state="closed"><span class="s-closed">52 closed (refused)</span> <span class="mono">1-52</span></li>
        </ul>
        </details>
        <details class="host" id="host-192-0-2-57" data-text="192.0.2.57 " open>
        <summary><h3 class="mono">192.0.2.57</h3><span class="soft">up, 0.6 ms</span><span class="badge bad">STOPPED ANSWERING after 4 s</span><span class="badge end open">1 open</span></summary>
        <dl class="facts"><div><dt>known by</dt><dd>refused</dd></div><div><dt>round trip</dt><dd>0.6 ms</dd></div></dl>
        <div class="wide"><table class="ports">
        <caption>Ports of 192.0.2.57</caption>
        <thead><tr><th scope="col" class="num" aria-sort="ascending"><button type="button">Port</button></th><th scope="col"><button type="button">State</button></th><th scope="col"><button type="button">Service</button></th><th scope="col" class="num"><button type="button">Round trip</button></th><th scope="col"><button type="button">Reason</button></th></tr></thead>
        <tbody>
        <tr data-state="open"><td class="num" data-v="80">80</td><td class="s-open">open</td><td>http</td><td class="num" data-v="800">0.8 ms</td><td>handshake</td></tr>
        </tbody>
        </table></div>
        <ul class="rest">
        <li data-state="closed"><span class="s-closed">79 closed (refused)</span> <span class="mono">1-79</span></li>
        <li data-state="unknown"><span class="s-unknown">10 not measured (host-lost: it stopped answering)</span> <span class="mono">81-90</span></li>
        </ul>
        </details>
        </section>
        <section aria-labelledby="others">
        <h2 id="others">The other addresses</h2>
        <dl class="words">
        <dt>1 up, nothing open</dt><dd>192.0.2.12</dd>
        </dl>
        </section>
        <section aria-labelledby="words">
        <h2 id="words">What the words mean</h2>
        <dl class="words">
        <dt class="s-open">open</dt><dd>A connection was made. The service is named after the port number; nothing was asked of it.</dd>
        <dt class="s-closed">closed</dt><dd>The host refused the connection.</dd>
        <dt class="s-filtered">filtered</dt><dd>No answer on any attempt, or a firewall that says so; the reason is named.</dd>
        <dt class="s-unknown">not measured</dt><dd>The scanning machine could not find out. The port may be any of the others.</dd>
        </dl>
        </section>
        </main>
        <footer>
        <p>scanner 0.1.0 &middot; 2026-11-22 12:00:00 UTC to 2026-11-22 12:00:00 UTC &middot; 1,000 ports each &middot; order of probes by seed 9021 &middot; scan 7f3a</p>
        </footer>
        <script>…</script>
        </body>
        </html>
        "##);
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
