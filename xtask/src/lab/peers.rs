//! Which scanners can be measured, how each is started, and how its output is to be read.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use scanner_lab::{Family, Stage};

use super::answers::Format;

/// The name of this project's own command in the table.
pub(crate) const OURS: &str = "scanner";

/// One scanner with one set of options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanner {
    pub(crate) name: String,
    /// Words with `{targets}`, `{targets,}`, `{ports}` and `{file}` in them.
    template: Vec<String>,
    pub(crate) format: Format,
    /// Its answers stand in `{file}`, not on standard output.
    pub(crate) writes_file: bool,
}

/// A peer's name, its command, and how its output is read.
const PEERS: &[(&str, &str, Format)] = &[
    ("nmap-sT-T3", "nmap -sT -T3 -n -Pn -p {ports} -oX - {targets}", Format::NmapXml),
    ("nmap-sT-T4", "nmap -sT -T4 -n -Pn -p {ports} -oX - {targets}", Format::NmapXml),
    ("nmap-sT-T5", "nmap -sT -T5 -n -Pn -p {ports} -oX - {targets}", Format::NmapXml),
    ("nmap-sS-T4", "nmap -sS -T4 -n -Pn -p {ports} -oX - {targets}", Format::NmapXml),
    ("rustscan", "rustscan --no-config --no-banner --greppable -a {targets,} -r {ports}", Format::RustScan),
    (
        "rustscan-tuned",
        "rustscan --no-config --no-banner --greppable -b 1000 --tries 3 -t 3000 -a {targets,} -r {ports}",
        Format::RustScan,
    ),
    ("masscan-10k", "masscan --rate 10000 {masscan} -p {ports} -oL {file} {targets}", Format::MasscanList),
    ("masscan-1k", "masscan --rate 1000 {masscan} -p {ports} -oL {file} {targets}", Format::MasscanList),
];

impl Scanner {
    /// This project's own command.
    pub(crate) fn ours(program: &Path) -> Self {
        Self::ours_with(OURS, program, "")
    }

    /// The same without looking for hosts first, as all peers are told.
    pub(crate) fn ours_without_discovery(program: &Path) -> Self {
        Self::ours_with("scanner-Pn", program, "-Pn")
    }

    fn ours_with(name: &str, program: &Path, option: &str) -> Self {
        let words = format!("{option} {{targets}} -p {{ports}} --format jsonl --no-config --yes");
        let program = program.to_string_lossy().into_owned();
        let template = [program].into_iter().chain(words.split_whitespace().map(str::to_owned)).collect();
        Self { name: name.to_owned(), template, format: Format::Jsonl, writes_file: false }
    }

    /// `NAME=COMMAND`, where the command prints `ip:port` lines, or nmap's XML.
    pub(crate) fn adapter(text: &str) -> Result<Self> {
        let Some((name, command)) = text.split_once('=') else { bail!("--adapter {text}: no NAME=COMMAND") };
        let mut template: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        if let Some(program) = template.first_mut().filter(|program| program.contains('/')) {
            // It runs in another folder.
            let path = Path::new(program.as_str()).canonicalize();
            *program =
                path.with_context(|| format!("--adapter {name}: find {program}"))?.display().to_string();
        }
        ensure!(!name.is_empty() && !template.is_empty(), "--adapter {text}: no NAME=COMMAND");
        ensure!(
            command.contains("{targets}") || command.contains("{targets,}"),
            "--adapter {name}: the command names no {{targets}}"
        );
        let writes_file = command.contains("{file}");
        Ok(Self { name: name.to_owned(), template, format: Format::Adapter, writes_file })
    }

    /// It listens to the wire itself, and may not end on a silent one.
    pub(crate) fn has_own_stack(&self) -> bool {
        self.format == Format::MasscanList
    }

    /// The words of the command that scans the stage.
    pub(crate) fn command(&self, stage: &Stage, file: &str) -> Vec<String> {
        let ports = stage.ports();
        let asked = Asked {
            targets: stage.targets(),
            ports: &format!("{}-{}", ports.start(), ports.end()),
            file,
            family: stage.family(),
            mac: stage.target_mac(),
        };
        asked.fill(&self.template)
    }

    /// The command without what differs from scan to scan.
    pub(crate) fn shown(&self) -> String {
        let program = Path::new(&self.template[0]).file_name().unwrap_or_default().to_string_lossy();
        let mut words = vec![program.into_owned()];
        words.extend_from_slice(&self.template[1..]);
        words.join(" ")
    }
}

/// What takes the place of the names in braces.
struct Asked<'a> {
    targets: &'a str,
    ports: &'a str,
    file: &'a str,
    family: Family,
    mac: Option<&'a str>,
}

impl Asked<'_> {
    fn fill(&self, template: &[String]) -> Vec<String> {
        let mut words = Vec::new();
        for word in template {
            match word.as_str() {
                "{targets}" => words.extend(self.targets.split_whitespace().map(str::to_owned)),
                "{masscan}" => words.extend(self.masscan_options()),
                _ => words.push(
                    word.replace("{targets,}", &self.targets.replace(' ', ","))
                        .replace("{ports}", self.ports)
                        .replace("{file}", self.file),
                ),
            }
        }
        if self.family == Family::V6 && template.first().is_some_and(|program| program == "nmap") {
            words.insert(1, "-6".to_owned());
        }
        words
    }

    /// It has a network stack of its own, and has to be told what the kernel knows.
    fn masscan_options(&self) -> Vec<String> {
        let ip = self.family.on_wire(1);
        let mac = self.mac.unwrap_or("00:00:00:00:00:00");
        let options = format!("--wait 2 --interface wire --adapter-ip {ip} --router-mac {mac}");
        options.split(' ').map(str::to_owned).collect()
    }
}

/// The peers that are installed, with their versions.
pub(crate) fn installed() -> Vec<(Scanner, String)> {
    let scanner = |(name, command, format): &(&str, &str, Format)| {
        let template: Vec<_> = command.split(' ').map(str::to_owned).collect();
        let version = version(&template[0])?;
        let writes_file = command.contains("{file}");
        Some((Scanner { name: (*name).to_owned(), template, format: *format, writes_file }, version))
    };
    PEERS.iter().filter_map(scanner).collect()
}

/// The first line in which a program names its version; nothing where it is not installed.
pub(crate) fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.chars().any(|c| c.is_ascii_digit()))?;
    Some(line.split(" (").next().unwrap_or(line).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(command: &str, family: Family) -> String {
        let template: Vec<_> = command.split(' ').map(str::to_owned).collect();
        let asked = Asked { targets: "10.7.0.2 10.7.0.3", ports: "1-1000", file: "out", family, mac: None };
        asked.fill(&template).join(" ")
    }

    #[test]
    fn names_in_braces_are_filled_in() {
        assert_eq!(filled("x -p {ports} {targets}", Family::V4), "x -p 1-1000 10.7.0.2 10.7.0.3");
        assert_eq!(filled("x {targets,} --out={file}", Family::V4), "x 10.7.0.2,10.7.0.3 --out=out");
        assert_eq!(filled("nmap {ports}", Family::V6), "nmap -6 1-1000");
    }

    #[test]
    fn an_adapter_is_a_name_and_a_command() {
        let adapter = Scanner::adapter("mine=mine --all {targets} {ports}").unwrap();
        assert_eq!(
            (adapter.name.as_str(), adapter.shown().as_str()),
            ("mine", "mine --all {targets} {ports}")
        );
        for wrong in ["mine", "=x {targets}", "mine=", "mine=mine", "mine=./no-such-file {targets}"] {
            assert!(Scanner::adapter(wrong).is_err(), "{wrong}");
        }
    }
}
