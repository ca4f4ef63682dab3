//! How names are looked up, and whose.

use std::net::{IpAddr, SocketAddr};

use scanner_dns::{Backend, DnsConfig, FamilyPolicy, Resolver};

use super::{Given, Key, Layers, TargetSettings, value, words_or};
use crate::failure::Failure;

/// The port of name servers (RFC 1035, 4.2).
const PORT: u16 = 53;

/// One look-up at once for so many descriptors: an eighth of them at most is for names. From 1,024 on, the usual limit, that is
/// no bound any more.
const DESCRIPTORS_PER_LOOK_UP: u64 = 16;

/// How names are looked up, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameSettings {
    how: How,
    /// The name servers to ask in place of the system's.
    servers: Vec<SocketAddr>,
    /// Whose names are looked up from their addresses.
    pub(crate) reverse: WhoseNames,
}

/// Who looks names up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Auto,
    System,
    Hickory,
    Off,
}

/// Whose names are looked up from their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhoseNames {
    /// Of hosts that are up.
    Up,
    /// Of all that are scanned.
    All,
    /// Nobody's.
    Off,
}

const HOWS: [(&str, How); 4] =
    [("auto", How::Auto), ("system", How::System), ("hickory", How::Hickory), ("off", How::Off)];

const WHOSE: [(&str, WhoseNames); 3] =
    [("up", WhoseNames::Up), ("all", WhoseNames::All), ("off", WhoseNames::Off)];

impl NameSettings {
    pub(super) fn build(layers: &Layers) -> Result<Self, Failure> {
        let how = words_or(layers.value(Key::Dns), &HOWS, How::Auto)?;
        let given = layers.value(Key::Resolvers);
        let servers = given.as_ref().map(servers).transpose()?.unwrap_or_default();
        let idle = match how {
            How::System => Some("the system's resolver chooses its name servers itself"),
            How::Off => Some("names are not looked up at all"),
            How::Auto | How::Hickory => None,
        };
        if let (Some(given), Some(why)) = (given, idle) {
            let dns = layers.value(Key::Dns).map(|dns| dns.origin.to_string()).unwrap_or_default();
            return Err(Failure::usage(format!("{}: {why} ({dns})", given.origin))
                .with_hint("give one of the two, or --dns hickory"));
        }
        let wished = words_or(layers.value(Key::Reverse), &WHOSE, WhoseNames::Up)?;
        let reverse = if how == How::Off { WhoseNames::Off } else { wished };
        Ok(Self { how, servers, reverse })
    }

    /// Whether names may be looked up at all.
    pub(crate) fn are_off(&self) -> bool {
        self.how == How::Off
    }

    /// A resolver as it was asked for, in a process that may have this many `descriptors` open.
    ///
    /// # Errors
    /// The system names no usable name server, and the system's resolver was not to be asked.
    pub(crate) fn resolver(
        &self,
        targets: &TargetSettings,
        descriptors: Option<u64>,
    ) -> Result<Resolver, Failure> {
        let mut config = self.config(targets.family, targets.all_addresses);
        config.parallel = at_once(descriptors, config.parallel);
        Resolver::new(config).map_err(|error| {
            Failure::usage(format!("cannot look names up: {error}"))
                .with_hint("--resolvers IP names a server, --dns system asks the system")
        })
    }

    fn config(&self, family: FamilyPolicy, all_addresses: bool) -> DnsConfig {
        let (forward, reverse) = match self.how {
            How::Auto if self.servers.is_empty() => (Backend::System, Backend::Auto),
            How::Auto | How::Hickory => (Backend::Hickory, Backend::Hickory),
            How::System => (Backend::System, Backend::System),
            How::Off => (Backend::Off, Backend::Off),
        };
        let servers = self.servers.clone();
        DnsConfig { forward, reverse, servers, family, all_addresses, ..DnsConfig::default() }
    }
}

/// How many look-ups at once leave the scan its descriptors: each takes one or two.
fn at_once(descriptors: Option<u64>, most: usize) -> usize {
    let share = descriptors.and_then(|limit| usize::try_from(limit / DESCRIPTORS_PER_LOOK_UP).ok());
    share.map_or(most, |share| share.clamp(1, most))
}

/// Name servers, separated by commas.
fn servers(given: &Given) -> Result<Vec<SocketAddr>, Failure> {
    let words = given.text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let servers: Vec<_> =
        words.map(|word| server(word).ok_or(word)).collect::<Result<_, _>>().map_err(|word| {
            value::wrong(given, &format!("has no name server in `{}`", word.escape_debug()), EXAMPLE)
        })?;
    if servers.is_empty() { Err(value::wrong(given, "names no server", EXAMPLE)) } else { Ok(servers) }
}

const EXAMPLE: &str =
    "write IP addresses like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353, with commas";

fn server(word: &str) -> Option<SocketAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    let alone = bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT));
    let server = alone.or_else(|| word.parse().ok())?;
    (server.port() != 0 && !server.ip().is_unspecified() && !server.ip().is_multicast()).then_some(server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Origin;

    fn layers(given: &[(Key, &'static str, &str)]) -> Layers {
        let mut layers = Layers::default();
        layers.add_weaker(
            given.iter().map(|(key, flag, text)| {
                (*key, Given { text: (*text).to_owned(), origin: Origin::Flag(flag) })
            }),
        );
        layers
    }

    fn backends(given: &[(Key, &'static str, &str)]) -> (Backend, Backend) {
        let config = NameSettings::build(&layers(given)).unwrap().config(FamilyPolicy::Any, false);
        (config.forward, config.reverse)
    }

    fn error(given: &[(Key, &'static str, &str)]) -> String {
        let failure = NameSettings::build(&layers(given)).unwrap_err();
        format!("{}\nhint: {}", failure.message, failure.hint.unwrap_or_default())
    }

    #[test]
    fn who_is_asked() {
        let own = (Key::Resolvers, "--resolvers", "192.0.2.53");
        let dns = |text| (Key::Dns, "--dns", text);
        assert_eq!(backends(&[]), (Backend::System, Backend::Auto));
        assert_eq!(backends(&[own]), (Backend::Hickory, Backend::Hickory));
        assert_eq!(backends(&[dns("hickory"), own]), (Backend::Hickory, Backend::Hickory));
        assert_eq!(backends(&[dns("system")]), (Backend::System, Backend::System));
        assert_eq!(backends(&[dns("off")]), (Backend::Off, Backend::Off));
        let off = NameSettings::build(&layers(&[dns("off"), (Key::Reverse, "-R", "all")])).unwrap();
        assert_eq!(off.reverse, WhoseNames::Off);
        insta::assert_snapshot!(error(&[dns("system"), own]), @"
        --resolvers: the system's resolver chooses its name servers itself (--dns)
        hint: give one of the two, or --dns hickory
        ");
        insta::assert_snapshot!(error(&[dns("off"), own]), @"
        --resolvers: names are not looked up at all (--dns)
        hint: give one of the two, or --dns hickory
        ");
        insta::assert_snapshot!(error(&[dns("hickery")]), @"
        --dns: `hickery` is not one of the values
        hint: did you mean hickory? There are auto, system, hickory, off
        ");
    }

    #[test]
    fn few_descriptors_are_left_to_the_scan() {
        for (descriptors, parallel) in
            [(None, 64), (Some(0), 1), (Some(64), 4), (Some(1_024), 64), (Some(u64::MAX), 64)]
        {
            assert_eq!(at_once(descriptors, 64), parallel, "{descriptors:?}");
        }
    }

    #[test]
    fn servers_have_a_port_or_the_usual_one() {
        for (word, server) in [
            ("192.0.2.53", Some("192.0.2.53:53")),
            ("192.0.2.53:5353", Some("192.0.2.53:5353")),
            ("2001:db8::53", Some("[2001:db8::53]:53")),
            ("[2001:db8::53]", Some("[2001:db8::53]:53")),
            ("[2001:db8::53]:5353", Some("[2001:db8::53]:5353")),
            ("fe80::53%2", None),
            ("192.0.2.53:0", None),
            ("0.0.0.0", None),
            ("dns.example", None),
            ("192.0.2.53:dns", None),
        ] {
            assert_eq!(super::server(word), server.map(|text| text.parse().unwrap()), "{word}");
        }
        insta::assert_snapshot!(error(&[(Key::Resolvers, "--resolvers", "192.0.2.53, dns.lan")]), @"
        --resolvers: `192.0.2.53, dns.lan` has no name server in `dns.lan`
        hint: write IP addresses like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353, with commas
        ");
        insta::assert_snapshot!(error(&[(Key::Resolvers, "--resolvers", ",")]), @"
        --resolvers: `,` names no server
        hint: write IP addresses like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353, with commas
        ");
    }
}
