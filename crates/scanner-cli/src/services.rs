//! `scanner services`: the service map, asked by port, by name, or by a word.

mod notes;

use std::collections::BTreeSet;
use std::io::{self, Write};

use scanner_core::{PortSet, get_service_name, parse_ports, ports_of_service, service_names, top_ports};
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::output::sanitize;

use notes::note;

/// How many are shown where nothing is asked.
const LIKELIEST: usize = 100;
/// As many ports have a rank.
const RANKED: usize = 1_000;

/// One port of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    port: u16,
    /// The name that the number stands for.
    name: Option<&'static str>,
    /// The place among the ports that are likely to be open, from 1.
    rank: Option<usize>,
    note: Option<&'static str>,
}

impl Row {
    fn new(port: u16) -> Self {
        let rank = top_ports(RANKED).iter().position(|&ranked| ranked == port).map(|place| place + 1);
        Self { port, name: get_service_name(port), rank, note: note(port) }
    }
}

/// Prints what the map knows about `asked`.
///
/// # Errors
/// A word that the map does not know.
pub(crate) fn run(asked: Option<&str>, as_json: bool) -> Result<ExitStatus, Failure> {
    let rows = find(asked)?;
    crate::show(|out| if as_json { write_json(&rows, out) } else { write_text(&rows, out) })
}

/// A port, a range, a preset or a pattern means itself; any other word is looked for in names and notes.
fn find(asked: Option<&str>) -> Result<Vec<Row>, Failure> {
    let Some(asked) = asked.map(str::trim) else {
        return Ok(top_ports(LIKELIEST).iter().copied().map(Row::new).collect());
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_+. ".contains(c);
    if asked.contains(|c: char| c.is_ascii_alphabetic()) && asked.chars().all(is_word) {
        let found = search(&asked.to_ascii_lowercase());
        if !found.is_empty() {
            return Ok(found);
        }
    }
    // A preset, a range; or an error that says what is wrong with the word, and what was probably meant.
    let ports = parse_ports(asked).map_err(|error| Failure::spec("services", &error))?;
    let few = ports.len() == 1;
    Ok(ports.iter().map(Row::new).filter(|row| few || row.name.is_some()).collect())
}

/// Ports that are called so come first; then those whose name or note has the word in it, the likeliest to be open first.
fn search(word: &str) -> Vec<Row> {
    let exact: PortSet = ports_of_service(word);
    let named = service_names().filter(|(_, name)| name.contains(word)).map(|(port, _)| port);
    let noted = notes::containing(word);
    let related: BTreeSet<u16> = named.chain(noted).filter(|&port| !exact.contains(port)).collect();
    let mut related: Vec<Row> = related.into_iter().map(Row::new).collect();
    related.sort_by_key(|row| (row.rank.unwrap_or(usize::MAX), row.port));
    exact.iter().map(Row::new).chain(related).collect()
}

fn write_text(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let width = rows.iter().filter_map(|row| row.name).map(str::len).max().unwrap_or_default().max(4);
    writeln!(out, " PORT  {:<width$}  RANK  NOTE", "NAME")?;
    for row in rows {
        let rank = row.rank.map_or("-".into(), |rank| rank.to_string());
        let name = row.name.unwrap_or("-");
        let line = format!("{:>5}  {name:<width$}  {rank:>4}  {}", row.port, row.note.unwrap_or_default());
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_json(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    sanitize::write_json_pretty(&rows, out)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(asked: &str) -> String {
        match find(Some(asked)) {
            Ok(rows) => {
                let mut out = Vec::new();
                write_text(&rows, &mut out).unwrap();
                String::from_utf8(out).unwrap()
            }
            Err(failure) => {
                let hint = failure.hint.map(|hint| format!("hint: {hint}"));
                [Some(failure.message), failure.caret, hint]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
    }

    #[test]
    fn a_port_has_a_name() {
        insta::assert_snapshot!(show("22"), @"
        PORT  NAME  RANK  NOTE
          22  ssh      3  SSH: remote shell, file copy, tunnels
        ");
        insta::assert_snapshot!(show("65000"), @"
         PORT  NAME  RANK  NOTE
        65000  -        -
        ");
        insta::assert_snapshot!(show("20-25,http*"), @"
        PORT  NAME            RANK  NOTE
          20  ftp-data         530  FTP data, when the server connects back
          21  ftp                4  FTP control; passwords travel in the clear
          22  ssh                3  SSH: remote shell, file copy, tunnels
          23  telnet             6  Telnet: remote shell in the clear
          25  smtp               5  Mail between servers
          80  http               1  Web in the clear
         280  http-mgmt        716
         443  https              2  Web over TLS
         591  http-alt         974
         593  http-rpc-epmap   976
        4180  httpx              -
        8008  http-alt          34  A second web server; Chromecast
        8080  http-alt          16  A second web server, proxies
        8085  http-alt          52
        8990  http-wmap          -
        8991  https-wmap         -
        ");
    }

    #[test]
    fn a_name_has_ports_and_a_word_is_looked_for() {
        insta::assert_snapshot!(show("RDP"), @"
         PORT  NAME           RANK  NOTE
         3389  ms-wbt-server    14  Windows remote desktop
         2179  vmrdp           153
         2155  brdptc            -
         3533  raven-rdp         -
         3942  srdp              -
         5313  rrdp              -
        17225  trdp-md           -
        ");
        insta::assert_snapshot!(show("postgres"), @"
        PORT  NAME        RANK  NOTE
        5432  postgresql    23  PostgreSQL
        ");
        insta::assert_snapshot!(show("message broker"), @"
        PORT  NAME          RANK  NOTE
        1883  mqtt            59  MQTT message broker, in the clear
        8883  secure-mqtt     60  MQTT message broker over TLS
        5672  amqp            61  AMQP message broker (RabbitMQ)
        9092  xmlipcregsvc    63  Kafka message broker
        ");
    }

    #[test]
    fn a_slip_is_named() {
        insta::assert_snapshot!(show("postgrse"), @"
        services: no service is called `postgrse`
        postgrse
        ^^^^^^^^
        hint: did you mean `postgres`?
        ");
        insta::assert_snapshot!(show("simpel"), @"
        services: no service is called `simpel`
        simpel
        ^^^^^^
        hint: did you mean `simple`?
        ");
        insta::assert_snapshot!(show("99999"), @"
        services: port 99999 does not exist
        99999
        ^^^^^
        hint: ports are 1 to 65535
        ");
        insta::assert_snapshot!(show(""), @"
        services: no ports are given

        ^
        hint: for example 22,80,8000-8100, http*, top:100 or full
        ");
    }

    #[test]
    fn nothing_asked_gives_the_likeliest() {
        let rows = find(None).unwrap();
        assert_eq!(rows.len(), LIKELIEST);
        assert_eq!(rows.first().map(|row| (row.port, row.rank)), Some((80, Some(1))));
    }

    #[test]
    fn programs_read_it() {
        let mut out = Vec::new();
        write_json(&find(Some("22")).unwrap(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        [
          {
            "port": 22,
            "name": "ssh",
            "rank": 3,
            "note": "SSH: remote shell, file copy, tunnels"
          }
        ]
        "#);
    }
}
