//! The scanners that are compared: how each is told what to do, and how what it found is read.

use std::collections::BTreeSet;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::errand::Errand;

/// Where the commands are that were built for the comparison.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// This repository's command.
    pub(crate) scanner: PathBuf,
    /// This program, optimised: it holds the floor.
    pub(crate) xtask: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Family {
    Ours,
    /// With as many sockets and threads as the floor.
    OursFixed,
    Floor,
    Nmap,
    RustScan,
}

/// One way to scan: a program with the options that make it what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scanner {
    /// Short, for a table.
    pub(crate) name: &'static str,
    family: Family,
    options: &'static [&'static str],
}

/// Every row of a table, in its order.
pub(crate) const SCANNERS: &[Scanner] = &[
    Scanner::new("floor-1", Family::Floor, &["--threads", "1"]),
    Scanner::new("floor-2", Family::Floor, &["--threads", "2"]),
    Scanner::new("ours", Family::Ours, &[]),
    Scanner::new("ours-1", Family::OursFixed, &["--pace", "fixed"]),
    Scanner::new("portable", Family::Ours, &["--connector", "portable"]),
    Scanner::new("nmap-sT5", Family::Nmap, &["-sT", "-T5"]),
    Scanner::new("nmap-sT4", Family::Nmap, &["-sT", "-T4"]),
    Scanner::new("nmap-sS4", Family::Nmap, &["-sS", "-T4"]),
    Scanner::new("rustscan", Family::RustScan, &[]),
];

impl Scanner {
    const fn new(name: &'static str, family: Family, options: &'static [&'static str]) -> Self {
        Self { name, family, options }
    }

    /// Whether it is this repository's command, in whatever form.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self.family, Family::Ours | Family::OursFixed)
    }

    /// The command that does the errand.
    pub(crate) fn command(&self, errand: &Errand, built: &Built) -> Command {
        let (hosts, ports) = (errand.hosts.to_string(), errand.ports.to_string());
        let limit = errand.limit.map(|limit| limit.to_string());
        let mut command = Command::new(self.program(built));
        match self.family {
            Family::Ours | Family::OursFixed => {
                let fixed = (self.family == Family::OursFixed).then(|| super::floor::WINDOW.to_string());
                let limit = limit.or(fixed);
                let format = if errand.all_open { "text" } else { "list" };
                command.args([&hosts, "-p", &ports, "--format", format, "--quiet", "--no-config", "--yes"]);
                command.args(limit.iter().flat_map(|limit| ["--max-connections", limit]));
            }
            Family::Floor => {
                command.args(["floor", &hosts, &ports]);
                command.args(limit.iter().flat_map(|limit| ["--window", limit]));
            }
            Family::Nmap => {
                command.args(["-n", "-Pn", "-oG", "-", "-p", &ports]);
                command.args(limit.iter().flat_map(|limit| ["--max-parallelism", limit]));
                command.arg(&hosts);
            }
            Family::RustScan => {
                let (first, last) = (errand.ports.at(0), errand.ports.at(errand.ports.count() - 1));
                command.args([
                    "-a",
                    &hosts,
                    "-r",
                    &format!("{first}-{last}"),
                    "-g",
                    "--no-banner",
                    "-n",
                    "--scripts",
                    "none",
                ]);
                command.args(limit.iter().flat_map(|limit| ["-b", limit]));
            }
        }
        command.args(self.options);
        command
    }

    /// The open ports in what the command wrote to its standard output, and how many there are if it names more than it
    /// lists one by one.
    pub(crate) fn found(&self, errand: &Errand, stdout: &str) -> Found {
        match self.family {
            Family::Ours | Family::OursFixed if errand.all_open => Found::Count(in_text(stdout)),
            Family::Ours | Family::OursFixed | Family::Floor => Found::Ports(in_list(stdout)),
            Family::Nmap => Found::Ports(in_greppable(stdout)),
            Family::RustScan => Found::Ports(in_arrows(stdout)),
        }
    }

    /// Why it cannot take part here, unless it can.
    pub(crate) fn missing(&self, built: &Built) -> Option<String> {
        let program = self.program(built);
        let mut asked = Command::new(&program);
        asked.args(self.options).arg("--version");
        if self.family == Family::Floor {
            asked = Command::new(&program);
            asked.args(["floor", "--help"]);
        }
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        match asked.output() {
            Ok(output) if output.status.success() => None,
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr);
                Some(format!("{name}: {}", why.lines().next().unwrap_or("does not work")))
            }
            Err(error) => Some(format!("{name}: {error}")),
        }
    }

    fn program(&self, built: &Built) -> PathBuf {
        match self.family {
            Family::Ours | Family::OursFixed => built.scanner.clone(),
            Family::Floor => built.xtask.clone(),
            Family::Nmap => Path::new("nmap").to_owned(),
            Family::RustScan => Path::new("rustscan").to_owned(),
        }
    }
}

/// What a scanner found open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    Ports(BTreeSet<SocketAddrV4>),
    /// Without saying which.
    Count(usize),
}

/// `ADDRESS:PORT`, one a line.
fn in_list(stdout: &str) -> BTreeSet<SocketAddrV4> {
    stdout.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// This command's text about a host that answers on every port: `65,535 open (handshake)  1-65535`.
fn in_text(stdout: &str) -> usize {
    let count = |line: &str| {
        let (count, _) = line.split_once(" open (handshake)")?;
        count.trim().replace(',', "").parse::<usize>().ok()
    };
    stdout.lines().filter_map(count).sum()
}

/// nmap's `-oG`: `Host: 10.7.0.2 ()⇥Ports: 22/open/tcp//ssh///, 80/open/tcp//http///`.
fn in_greppable(stdout: &str) -> BTreeSet<SocketAddrV4> {
    let of_host = |line: &str| {
        let (host, rest) = line.strip_prefix("Host: ")?.split_once(' ')?;
        let host = host.parse().ok()?;
        let ports = rest.split('\t').find_map(|field| field.trim().strip_prefix("Ports: "))?;
        let open = ports.split(", ").filter_map(|port| port.split_once("/open/")?.0.parse().ok());
        Some(open.map(|port| SocketAddrV4::new(host, port)).collect::<Vec<_>>())
    };
    stdout.lines().filter_map(of_host).flatten().collect()
}

/// RustScan's `-g`: `10.7.0.2 -> [22,80]`.
fn in_arrows(stdout: &str) -> BTreeSet<SocketAddrV4> {
    let of_host = |line: &str| {
        let (host, ports) = line.split_once(" -> ")?;
        let host = host.trim().parse().ok()?;
        let ports = ports.trim().strip_prefix('[')?.strip_suffix(']')?.split(',');
        let open = ports.filter_map(|port| port.trim().parse().ok());
        Some(open.map(|port| SocketAddrV4::new(host, port)).collect::<Vec<_>>())
    };
    stdout.lines().filter_map(of_host).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::bench::errand::{Hosts, Ports};

    fn ports(ports: &[u16]) -> BTreeSet<SocketAddrV4> {
        ports.iter().map(|&port| SocketAddrV4::new(Ipv4Addr::new(10, 7, 0, 2), port)).collect()
    }

    #[test]
    fn open_ports_are_read_from_every_output() {
        assert_eq!(in_list("10.7.0.2:22\n10.7.0.2:80\nnote: x\n"), ports(&[22, 80]));
        let nmap = "\
# Nmap 7.93 scan initiated Tue Nov 24 as: nmap -oG -
Host: 10.7.0.2 ()\tStatus: Up
Host: 10.7.0.2 ()\tPorts: 22/open/tcp//ssh///, 81/filtered/tcp//x///, 80/open/tcp//http///\tIgnored State: closed (997)
# Nmap done
";
        assert_eq!(in_greppable(nmap), ports(&[22, 80]));
        assert_eq!(in_arrows("10.7.0.2 -> [22,80]\n"), ports(&[22, 80]));
        assert_eq!(in_arrows("nothing -> of -> this\n"), ports(&[]));
        let text = "10.7.0.2  up, 0.00 ms   ANSWERS ON EVERY PORT\n  3,000 open (handshake)  1-3000\n";
        assert_eq!(in_text(text), 3_000);
    }

    #[test]
    fn every_scanner_is_told_the_same() {
        let built = Built { scanner: "scanner".into(), xtask: "xtask".into() };
        let errand = Errand {
            hosts: Hosts::one(Ipv4Addr::new(10, 7, 0, 2)),
            ports: Ports::range(1, 99),
            limit: Some(50),
            all_open: false,
        };
        let shown = |scanner: &Scanner| {
            let command = scanner.command(&errand, &built);
            let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
            format!("{:9} {}", scanner.name, words.join(std::ffi::OsStr::new(" ")).to_string_lossy())
        };
        let all: Vec<_> = SCANNERS.iter().map(shown).collect();
        insta::assert_snapshot!(all.join("\n"), @"
        floor-1   xtask floor 10.7.0.2 1-99 --window 50 --threads 1
        floor-2   xtask floor 10.7.0.2 1-99 --window 50 --threads 2
        ours      scanner 10.7.0.2 -p 1-99 --format list --quiet --no-config --yes --max-connections 50
        ours-1    scanner 10.7.0.2 -p 1-99 --format list --quiet --no-config --yes --max-connections 50 --pace fixed
        portable  scanner 10.7.0.2 -p 1-99 --format list --quiet --no-config --yes --max-connections 50 --connector portable
        nmap-sT5  nmap -n -Pn -oG - -p 1-99 --max-parallelism 50 10.7.0.2 -sT -T5
        nmap-sT4  nmap -n -Pn -oG - -p 1-99 --max-parallelism 50 10.7.0.2 -sT -T4
        nmap-sS4  nmap -n -Pn -oG - -p 1-99 --max-parallelism 50 10.7.0.2 -sS -T4
        rustscan  rustscan -a 10.7.0.2 -r 1-99 -g --no-banner -n --scripts none -b 50
        ");
    }
}
