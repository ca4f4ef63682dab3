//! What other people's programs read in our files: the suite `clients` of `cargo xtask test`, which installs them where it can.
//! A test without its client says so in one line and passes; with `XTASK_SCREENSHOTS` the page is kept there as the browser drew it.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use scanner_lab::{Family, LabError, Listeners, Namespace, Wire, World};
use tempfile::TempDir;

use crate::command::{Finished, Running, scan};
use crate::setup::{only_answers_on, or_skip};

/// Where the suite puts the Python packages.
const PACKAGES: &str = "XTASK_CLIENTS";
const DTD: &str = "/usr/share/nmap/nmap.dtd";
const XSL: &str = "/usr/share/nmap/nmap.xsl";
const CHROMIUM: &str = "/usr/bin/chromium";

/// Ports for which nmap and we have the same name.
const PORTS: [u16; 4] = [22, 53, 80, 443];

/// An open port as the clients print it.
type Open = BTreeSet<(String, u16)>;

/// A network of many hosts in one namespace, and a directory.
struct Network {
    namespace: Namespace,
    dir: TempDir,
    open: Open,
    _listeners: Vec<Listeners>,
}

impl Network {
    fn new(hosts: impl Iterator<Item = IpAddr>) -> Result<Self, LabError> {
        let namespace = Namespace::new()?;
        let mut open = Open::new();
        let mut listeners = Vec::new();
        for (index, ip) in hosts.enumerate() {
            if ip.is_ipv6() {
                namespace.ip(&format!("address add {ip}/128 dev lo nodad"))?;
            }
            let ports = &PORTS[..index % (PORTS.len() + 1)];
            listeners.push(Listeners::new(&namespace, ip, ports)?);
            open.extend(ports.iter().map(|port| (ip.to_string(), *port)));
        }
        Ok(Self { namespace, dir: tempfile::tempdir().unwrap(), open, _listeners: listeners })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Scans the targets into every format at once.
    fn scan(&self, targets: &str) -> Finished {
        let base = self.path("base").display().to_string();
        let outputs = ["json", "jsonl", "csv", "html"].map(|ending| format!("-o {base}.{ending}")).join(" ");
        let found = scan(&self.namespace, &format!("{targets} -p 1-1000 -oA {base} {outputs}"));
        assert_eq!(found.code(), Some(0), "{}", found.stderr);
        found
    }

    /// nmap's own file of the same targets.
    fn nmap(&self, targets: &str) -> Option<PathBuf> {
        let path = self.path("nmap.xml");
        let mut command = Command::new("nmap");
        command.args("-n -sT -p 1-1000 -oX".split(' ')).arg(&path).args(targets.split(' '));
        command.stdout(std::process::Stdio::null());
        let mut nmap = or_absent("nmap", self.namespace.spawn(&mut command))?;
        assert!(nmap.wait().unwrap().success());
        Some(path)
    }
}

fn many() -> Result<Network, LabError> {
    Network::new((1..=40).map(|last| Ipv4Addr::new(127, 0, 0, last).into()))
}

const MANY: &str = "127.0.0.1-40";

/// The value, or the line that says which client is not here.
fn or_absent<T>(what: &str, there: Result<T, impl std::fmt::Display>) -> Option<T> {
    let say = |why: &dyn std::fmt::Display| {
        or_skip::<()>(Err(LabError::Unavailable { what: what.into(), why: why.to_string() }))
    };
    there.map_err(|why| say(&why)).ok()
}

/// Runs a client to its end. None: it is not here.
fn client(
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[&dyn AsRef<std::ffi::OsStr>],
) -> Option<(Option<i32>, String)> {
    let program = program.as_ref();
    let output = Command::new(program).args(arguments.iter().map(AsRef::as_ref)).output();
    let output = or_absent(&program.display().to_string(), output)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some((output.status.code(), text + &String::from_utf8_lossy(&output.stderr)))
}

/// A program of the Python packages.
fn packaged(name: &str) -> Option<PathBuf> {
    let packages = std::env::var_os(PACKAGES).ok_or("not set: run cargo xtask test clients");
    or_absent(PACKAGES, packages).map(|packages| Path::new(&packages).join("bin").join(name))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/netns/clients").join(name)
}

/// What a library sees in a file.
fn read(library: &str, file: &Path) -> Option<Open> {
    let (code, text) = client(packaged("python")?, &[&script("read.py"), &library, &file])?;
    assert_eq!(code, Some(0), "{library} {}: {text}", file.display());
    let line = |line: &str| {
        let (ip, port) = line.split_once(' ').unwrap();
        (ip.to_owned(), port.parse().unwrap())
    };
    Some(text.lines().filter(|text| !text.is_empty()).map(line).collect())
}

fn assert_valid(xml: &Path) {
    let Some((code, text)) = client("xmllint", &[&"--noout", &"--dtdvalid", &DTD, &xml]) else { return };
    assert_eq!((code, text.as_str()), (Some(0), ""));
}

/// Everything that reads nmap's XML sees these open ports in it.
fn assert_read(xml: &Path, open: &Open) {
    assert_valid(xml);
    for library in ["libnmap", "nmap"] {
        if let Some(seen) = read(library, xml) {
            assert_eq!(seen, *open, "{library}");
        }
    }
    // nmaptocsv knows IPv4 alone: it ends with a Python error on nmap's own files of IPv6.
    if !open.iter().any(|(ip, _)| ip.contains(':')) {
        assert_read_by_nmaptocsv(xml, open);
    }
    if let Some((code, page)) = client("xsltproc", &[&XSL, &xml]) {
        assert_eq!(code, Some(0), "{page}");
        assert!(open.iter().all(|(ip, _)| page.contains(ip)) && page.contains("scanner done at"), "{page}");
    }
}

fn assert_read_by_nmaptocsv(xml: &Path, open: &Open) {
    let Some(program) = packaged("nmaptocsv") else { return };
    let Some((code, text)) = client(program, &[&"-x", &xml, &"-f", &"ip-port", &"-s", &"-n"]) else { return };
    assert_eq!(code, Some(0), "{text}");
    let cells = |line: &str| {
        let (ip, port) = line.trim().split_once(';')?;
        // A host without an open port has a line as well.
        Some((ip.trim_matches('"').to_owned(), port.trim_matches('"').parse().ok()?))
    };
    assert_eq!(text.lines().filter_map(cells).collect::<Open>(), *open, "nmaptocsv");
}

#[test]
fn nmaps_readers_see_many_hosts_as_in_nmaps_own_file() {
    let Some(network) = or_skip(many()) else { return };
    network.scan(MANY);
    let ours = network.path("base.xml");
    assert_read(&ours, &network.open);
    let Some(nmaps) = network.nmap(MANY) else { return };
    assert_read_same(&ours, &nmaps, &network);
}

#[test]
fn nmaps_readers_see_ipv6() {
    let hosts = (1..=6).map(|last| Ipv6Addr::new(0xfd07, 0, 0, 0, 0, 0, 0, last).into());
    let Some(network) = or_skip(Network::new(hosts)) else { return };
    let targets = (1..=6).map(|last| format!("fd07::{last}")).collect::<Vec<_>>().join(" ");
    network.scan(&targets);
    let ours = network.path("base.xml");
    assert_read(&ours, &network.open);
    let Some(nmaps) = network.nmap(&format!("-6 {targets}")) else { return };
    assert_read_same(&ours, &nmaps, &network);
}

/// A scan in which every host has ports of its own: the readers see of each what was found there.
#[test]
fn nmaps_readers_see_hosts_with_ports_of_their_own() {
    let Some(network) = or_skip(many()) else { return };
    let xml = network.path("own.xml");
    let targets = "127.0.0.3:22 127.0.0.4:53,80,81 127.0.0.9:22,23,443";
    let found = scan(&network.namespace, &format!("{targets} -o {}", xml.display()));
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    let asked =
        [("127.0.0.3", 22), ("127.0.0.4", 53), ("127.0.0.4", 80), ("127.0.0.9", 22), ("127.0.0.9", 443)];
    let asked: Open = asked.into_iter().map(|(ip, port)| (ip.to_owned(), port)).collect();
    assert_read(&xml, &asked.intersection(&network.open).cloned().collect());
}

/// ndiff finds no difference but in the heading; our own diff neither.
fn assert_read_same(ours: &Path, nmaps: &Path, network: &Network) {
    assert_valid(nmaps);
    if let Some(seen) = read("libnmap", nmaps) {
        assert_eq!(seen, network.open, "nmap itself");
    }
    if let Some((code, text)) = client("ndiff", &[&nmaps, &ours]) {
        assert!(matches!(code, Some(0 | 1)), "{text}");
        let is_heading = |line: &str| line.starts_with("-Nmap ") || line.starts_with("+Nmap ");
        let differs: Vec<_> =
            text.lines().filter(|line| line.starts_with(['-', '+']) && !is_heading(line)).collect();
        assert_eq!(differs, [""; 0], "{text}");
    }
    if let Some((code, text)) = client("ndiff", &[&ours, &ours]) {
        assert_eq!((code, text.as_str()), (Some(0), ""));
    }
    let (code, text) = client(env!("CARGO_BIN_EXE_scanner"), &[&"diff", &ours, &nmaps]).unwrap();
    assert_eq!((code, text.as_str()), (Some(0), "No changes.\n"));
}

#[test]
fn nmaps_readers_see_an_interrupted_scan() {
    let Some(world) = or_skip(World::new(Wire::Veth, Family::V4)) else { return };
    let _listeners = world.listen(Family::V4, &[80]).unwrap();
    world.target.nft(&only_answers_on(80)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    let arguments =
        format!("{} -p full -oA {} -o {}.html", Family::V4.target(), base.display(), base.display());
    let mut running = Running::start(&world.scanner, &arguments);
    running.wait_until("in the middle", |running| running.sockets() >= 40);
    running.signal(Signal::SIGINT);
    let found = running.finish();
    assert_eq!(found.code(), Some(130), "{}", found.stderr);
    let xml = dir.path().join("base.xml");
    let text = fs::read_to_string(&xml).unwrap();
    assert!(text.contains("exit=\"error\" errormsg=\"INTERRUPTED"), "{text}");
    assert_read(&xml, &Open::from([(Family::V4.target().to_string(), 80)]));
    let page = fs::read_to_string(dir.path().join("base.html")).unwrap();
    assert!(page.contains("What was not measured") && page.ends_with("</html>\n"));
    let grepable = fs::read_to_string(dir.path().join("base.gnmap")).unwrap();
    assert!(grepable.contains("\tPorts: 80/open/tcp//http///\tIgnored State: unknown ("), "{grepable}");
    assert!(grepable.lines().last().unwrap().starts_with("# scanner done at "), "{grepable}");
    let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["base.gnmap", "base.html", "base.nmap", "base.xml"]);
}

#[test]
fn jq_and_python_read_their_formats() {
    let Some(network) = or_skip(many()) else { return };
    network.scan(MANY);
    let (lines, document, table) =
        (network.path("base.jsonl"), network.path("base.json"), network.path("base.csv"));
    for (filter, file) in [
        ("select(.type == \"port\" and .state == \"open\") | \"\\(.ip) \\(.port)\"", &lines),
        (".hosts[] | .ip as $ip | .results[] | \"\\($ip) \\(.port)\"", &document),
    ] {
        let Some((code, text)) = client("jq", &[&"-r", &filter, file]) else { continue };
        assert_eq!(code, Some(0), "{text}");
        let seen: BTreeSet<_> = text.lines().map(str::to_owned).collect();
        assert_eq!(seen, network.open.iter().map(|(ip, port)| format!("{ip} {port}")).collect(), "{filter}");
    }
    if let Some(seen) = read("csv", &table) {
        assert_eq!(seen, network.open, "csv");
    }
    for (format, kind, file) in [("jsonl", "lines", &lines), ("json", "document", &document)] {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{format}.schema.json"));
        let Some(python) = packaged("python") else { continue };
        let Some((code, text)) = client(python, &[&script("read.py"), &"schema", &schema, &kind, file])
        else {
            continue;
        };
        assert!(code == Some(0) && text.ends_with("valid\n"), "{text}");
    }
}

#[test]
fn a_browser_sorts_and_filters_the_page() {
    let Some(network) = or_skip(many()) else { return };
    if or_absent(CHROMIUM, fs::metadata(CHROMIUM)).is_none() {
        return;
    }
    let _one = Listeners::new(&network.namespace, Ipv4Addr::new(127, 0, 0, 9).into(), &[873]).unwrap();
    network.scan(MANY);
    let shots = std::env::var_os("XTASK_SCREENSHOTS").map_or_else(|| network.path("shots"), PathBuf::from);
    let Some(python) = packaged("python") else { return };
    let page = network.path("base.html");
    let seen =
        client(python, &[&script("page.py"), &CHROMIUM, &page, &shots, &"127.0.0.5", &"127.0.0.9", &"873"]);
    let Some((code, text)) = seen else { return };
    // The suite installs Playwright only where there is a Chromium.
    if text.contains("No module named 'playwright'") {
        or_absent::<()>("playwright", Err("not installed"));
        return;
    }
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("no request but the page"), "{text}");
}
