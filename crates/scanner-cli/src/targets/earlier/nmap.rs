//! Results in nmap's XML, by nmap or by others who write it.
//!
//! The file may come from anywhere: nothing is expanded but the five entities of XML itself, no nesting or piece of the
//! file grows without bound, and nothing outside of it is opened.

use std::io::{self, BufRead, Read};

use quick_xml::escape::EscapeError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use scanner_core::{HostAddr, PortSet, PortState, parse_ports};

use crate::failure::Failure;

use super::{Facts, Found, unreadable};

/// nmap's own files are about six deep.
const DEEPEST: usize = 32;
/// The longest piece (a tag, a comment, a text) that is read: more than any list of ports or output of a script takes.
const LONGEST_PIECE: u64 = 8 << 20;

/// Reads a result that begins with `<`.
pub(super) fn read(reader: impl BufRead, found: &mut Found<'_>) -> Result<(), Failure> {
    let mut reader = Reader::from_reader(Pieces { reader, left: LONGEST_PIECE, line: 1 });
    let mut buffer = Vec::new();
    let mut document = Document { found, open: 0, host: None, port: None, state: None };
    loop {
        buffer.clear();
        reader.get_mut().left = LONGEST_PIECE;
        let event = reader.read_event_into(&mut buffer);
        let line = reader.get_ref().line;
        let done = match event {
            Ok(Event::Start(tag)) => document.begin(&tag),
            Ok(Event::Empty(tag)) => document.begin(&tag).map(|()| document.end(tag.local_name().as_ref())),
            Ok(Event::End(tag)) => {
                document.end(tag.local_name().as_ref());
                Ok(())
            }
            Ok(Event::Eof) => break,
            Ok(_) => Ok(()),
            Err(quick_xml::Error::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(error.to_string())
            }
            Err(quick_xml::Error::Io(error)) => return Err(unreadable(document.found.path, &error)),
            // The end of the file inside of a tag is an error of syntax, as others are.
            Err(quick_xml::Error::Syntax(_)) if reader.get_mut().is_at_end() => break,
            Err(error) => Err(error.to_string()),
        };
        done.map_err(|what| document.found.wrong(line, 0, what))?;
    }
    document.found.cut_off = document.open > 0;
    Ok(())
}

/// Counts lines, and ends with an error where one piece of a file does not end.
struct Pieces<R> {
    reader: R,
    left: u64,
    line: usize,
}

impl<R: BufRead> Pieces<R> {
    fn is_at_end(&mut self) -> bool {
        self.reader.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Pieces<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            let what = format!("a tag or text longer than {LONGEST_PIECE} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.reader.fill_buf()
    }

    #[expect(clippy::naive_bytecount, reason = "not worth a dependency: the parser takes longer")]
    fn consume(&mut self, bytes: usize) {
        if let Ok(buffer) = self.reader.fill_buf() {
            let consumed = buffer.get(..bytes).unwrap_or_default();
            self.line += consumed.iter().filter(|&&byte| byte == b'\n').count();
        }
        self.left = self.left.saturating_sub(bytes as u64);
        self.reader.consume(bytes);
    }
}

/// Where in the document the reader is.
struct Document<'a, 'f> {
    found: &'a mut Found<'f>,
    /// How many elements are open.
    open: usize,
    host: Option<Host>,
    /// The port that is open, where it is one of TCP.
    port: Option<u16>,
    /// The state of the `extraports` that are open.
    state: Option<PortState>,
}

/// What was read of a host so far.
#[derive(Default)]
struct Host {
    addr: Option<HostAddr>,
    facts: Facts,
    /// How many of the ports that are not listed one by one are not named at all.
    counted: usize,
    /// Whether there are such ports, and whether in a wanted state.
    unlisted: bool,
    unlisted_wanted: bool,
}

type Done = Result<(), String>;

impl Document<'_, '_> {
    fn begin(&mut self, tag: &BytesStart<'_>) -> Done {
        self.open += 1;
        if self.open > DEEPEST {
            return Err(format!("elements nested more than {DEEPEST} deep"));
        }
        let name = tag.local_name();
        if self.open == 1 && name.as_ref() != "nmaprun" {
            return Err(format!("not a result of a scan: `{}` stands where `nmaprun` should", name.as_ref()));
        }
        if name.as_ref() == "host" {
            self.host = Some(Host::default());
        }
        let Some(host) = &mut self.host else { return Ok(()) };
        match name.as_ref() {
            "address" => host.address(tag),
            // The others were found by nmap, not given by its user.
            "hostname" if attribute(tag, "type")?.as_deref() == Some("user") => {
                host.facts.names.extend(attribute(tag, "name")?);
                Ok(())
            }
            "port" => {
                let is_tcp = attribute(tag, "protocol")?.is_none_or(|protocol| protocol == "tcp");
                self.port = if is_tcp { Some(number(tag, "portid")?) } else { None };
                Ok(())
            }
            "state" => {
                if let Some(port) = self.port
                    && self.found.wants(state(tag)?)
                {
                    host.facts.ports.insert(port);
                }
                Ok(())
            }
            "extraports" => {
                let wanted = Some(state(tag)?).filter(|&state| self.found.wants(state));
                host.counted = usize::from(number::<u16>(tag, "count")?);
                self.state = wanted;
                Ok(())
            }
            "extrareasons" => host.extra(tag, self.state),
            _ => Ok(()),
        }
    }

    fn end(&mut self, name: &str) {
        self.open = self.open.saturating_sub(1);
        match name {
            "port" => self.port = None,
            "extraports" => {
                if let Some(host) = &mut self.host {
                    host.unlisted |= host.counted > 0;
                    host.unlisted_wanted |= host.counted > 0 && self.state.is_some();
                    host.counted = 0;
                }
                self.state = None;
            }
            "host" => self.take_host(),
            _ => {}
        }
    }

    fn take_host(&mut self) {
        let Some(Host { addr: Some(addr), mut facts, unlisted, unlisted_wanted, .. }) = self.host.take()
        else {
            return;
        };
        facts.whole = !unlisted;
        self.found.unlisted += u128::from(unlisted_wanted && !self.found.states.is_empty());
        self.found.add(addr, facts);
    }
}

impl Host {
    fn address(&mut self, tag: &BytesStart<'_>) -> Done {
        // The other kind is a MAC address.
        if attribute(tag, "addrtype")?.is_none_or(|kind| kind == "ipv4" || kind == "ipv6") {
            let text = attribute(tag, "addr")?.ok_or("`address` has no `addr`")?;
            self.addr = Some(text.parse().map_err(|error: scanner_core::HostAddrError| error.to_string())?);
        }
        Ok(())
    }

    /// Ports that are not listed one by one. Versions of nmap before 7.93 only count them.
    fn extra(&mut self, tag: &BytesStart<'_>, wanted: Option<PortState>) -> Done {
        let Some(ports) = attribute(tag, "ports")? else { return Ok(()) };
        if attribute(tag, "proto")?.is_some_and(|protocol| protocol != "tcp") {
            return Ok(());
        }
        let ports: PortSet = parse_ports(&ports).map_err(|error| format!("`ports`: {error}"))?;
        self.counted = self.counted.saturating_sub(ports.len());
        if wanted.is_some() {
            self.facts.ports = self.facts.ports.union(&ports);
        }
        Ok(())
    }
}

fn state(tag: &BytesStart<'_>) -> Result<PortState, String> {
    Ok(match attribute(tag, "state")?.ok_or("a state is missing")?.as_str() {
        "open" => PortState::Open,
        "closed" => PortState::Closed,
        "filtered" => PortState::Filtered,
        // `open|filtered`, `unfiltered`: nmap could not tell.
        _ => PortState::Unknown,
    })
}

fn number<T: std::str::FromStr>(tag: &BytesStart<'_>, name: &str) -> Result<T, String> {
    let text = attribute(tag, name)?.ok_or_else(|| format!("`{name}` is missing"))?;
    text.parse().map_err(|_| format!("`{name}` is no number: {text}"))
}

/// An attribute, with XML's own entities replaced. Looking for one that is given twice would take too long.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| {
                if let quick_xml::Error::Escape(EscapeError::UnrecognizedEntity(_, entity)) = error {
                    return format!("`&{entity};` is none of the entities of XML itself");
                }
                error.to_string()
            })?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}
