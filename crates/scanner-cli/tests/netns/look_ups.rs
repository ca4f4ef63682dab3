//! Both backends of scanner-dns, against a real name server and against one that says what no real one would.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use scanner_dns::{
    Backend, CancellationToken, DnsConfig, FamilyPolicy, ResolveErrorKind, Resolver, SetupError,
};

use crate::machine::Machine;
use crate::name_server::{Dnsmasq, MANY, REAL, Reply, SCRIPTED, Scripted};
use crate::setup::or_skip;

const BACKENDS: [Backend; 2] = [Backend::System, Backend::Hickory];

fn by(backend: Backend) -> DnsConfig {
    DnsConfig { forward: backend, reverse: backend, all_addresses: true, ..DnsConfig::default() }
}

fn asking(servers: &[&str]) -> DnsConfig {
    let server = |ip: &&str| SocketAddr::new(ip.parse().unwrap(), 53);
    DnsConfig { servers: servers.iter().map(server).collect(), ..by(Backend::Hickory) }
}

/// What becomes of names and addresses at the scanner's end, a line each.
fn look_up(machine: &Machine, config: DnsConfig, questions: &[&str]) -> String {
    machine.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lines = runtime.block_on(async {
            let (resolver, cancel) = (Resolver::new(config).unwrap(), CancellationToken::new());
            let mut lines = Vec::new();
            for question in questions {
                lines.push(match question.parse::<IpAddr>() {
                    Ok(ip) => resolver.reverse(ip, &cancel).await.map_or_else(
                        |error| error.to_string(),
                        |found| format!("{ip} is {} ({})", found.names.join(", "), found.forward),
                    ),
                    Err(_) => resolver.resolve(question, &cancel).await.map_or_else(
                        |error| error.to_string(),
                        |mut addrs| {
                            // Which family comes first is the system's choice.
                            addrs.sort();
                            let addrs: Vec<_> = addrs.iter().map(ToString::to_string).collect();
                            format!("{question} has {}", addrs.join(", "))
                        },
                    ),
                });
            }
            lines
        });
        // A call of the system that nobody waits for any more must not keep the test.
        runtime.shutdown_background();
        lines.join("\n")
    })
}

/// A machine whose name server is the real one.
fn usual() -> Option<(Machine, Dnsmasq)> {
    or_skip(Machine::new(REAL).and_then(|machine| {
        let server = Dnsmasq::start(&machine.world.target)?;
        Ok((machine, server))
    }))
}

/// A machine whose name server is the scripted one.
fn odd(reply: impl Fn(&str) -> Reply + Send + 'static) -> Option<(Machine, Scripted)> {
    let machine = or_skip(Machine::new(&SCRIPTED.to_string()))?;
    let server = Scripted::start(&machine.world.target, reply);
    Some((machine, server))
}

#[test]
fn names_have_addresses_by_both_backends() {
    let Some((machine, _server)) = usual() else { return };
    let names = ["nas.lan", "NAS.LAN.", "nas", "a.lan", "bücher.lan", "printer", "gone.lan", "text.lan"];
    for backend in BACKENDS {
        insta::allow_duplicates! {
            insta::assert_snapshot!(look_up(&machine, by(backend), &names), @"
            nas.lan has 10.7.0.3, fd07::3
            NAS.LAN. has 10.7.0.3, fd07::3
            nas has 10.7.0.3, fd07::3
            a.lan has 10.7.0.3, fd07::3
            bücher.lan has 10.7.0.4
            printer has 10.7.0.9
            cannot resolve `gone.lan`: no such name
            cannot resolve `text.lan`: it has no address
            ");
        }
    }
}

#[test]
fn a_family_is_wanted_or_missing() {
    let Some((machine, _server)) = usual() else { return };
    for backend in BACKENDS {
        let four = DnsConfig { family: FamilyPolicy::Ipv4, ..by(backend) };
        let six = DnsConfig { family: FamilyPolicy::Ipv6, ..by(backend) };
        let found =
            [four, six].map(|config| look_up(&machine, config, &["nas.lan", "six.lan", "router.lan"]));
        insta::allow_duplicates! {
            insta::assert_snapshot!(found.join("\n"), @"
            nas.lan has 10.7.0.3
            cannot resolve `six.lan`: it has no IPv4 address
            router.lan has 10.7.0.2
            nas.lan has fd07::3
            six.lan has fd07::6
            cannot resolve `router.lan`: it has no IPv6 address
            ");
        }
    }
}

#[test]
fn an_answer_that_does_not_fit_into_a_datagram_comes_whole() {
    let Some((machine, _server)) = usual() else { return };
    for backend in BACKENDS {
        let found = look_up(&machine, by(backend), &["many.lan"]);
        assert_eq!(found.matches("10.8.0.").count(), MANY, "{backend:?}: {found}");
    }
}

#[test]
fn addresses_have_names_by_both_backends() {
    let Some((machine, _server)) = usual() else { return };
    let addrs =
        ["10.7.0.2", "10.7.0.3", "fd07::3", "10.7.0.5", "10.7.0.6", "10.7.0.9", "10.7.0.77", "fd07::77"];
    for backend in BACKENDS {
        insta::allow_duplicates! {
            insta::assert_snapshot!(look_up(&machine, by(backend), &addrs), @"
            10.7.0.2 is router.lan (agrees)
            10.7.0.3 is nas.lan (agrees)
            fd07::3 is nas.lan (agrees)
            10.7.0.5 is stranger.example (differs)
            10.7.0.6 is gone.lan (missing)
            10.7.0.9 is printer (agrees)
            cannot resolve `10.7.0.77`: it has no name
            cannot resolve `fd07::77`: it has no name
            ");
        }
    }
}

#[test]
fn the_system_obeys_the_name_service_switch() {
    let Some((machine, _server)) = usual() else { return };
    machine.write("nsswitch.conf", "hosts: files\n");
    let found = look_up(&machine, by(Backend::System), &["printer", "nas.lan"]);
    assert!(found.starts_with("printer has 10.7.0.9\ncannot resolve `nas.lan`"), "{found}");
}

#[test]
fn servers_of_ones_own_are_asked_and_nobody_else() {
    let Some((machine, scripted)) = odd(|_| Reply::Code(3)) else { return };
    let Some(_server) = or_skip(Dnsmasq::start(&machine.world.target)) else { return };
    let found = look_up(&machine, asking(&[REAL]), &["nas.lan", "10.7.0.3", "nas", "printer"]);
    insta::assert_snapshot!(found, @"
    nas.lan has 10.7.0.3, fd07::3
    10.7.0.3 is nas.lan (agrees)
    cannot resolve `nas`: the name server refused to answer
    cannot resolve `printer`: the name server refused to answer
    ");
    assert_eq!(scripted.asked(), 0);
    let found = look_up(&machine, by(Backend::Hickory), &["nas.lan"]);
    assert_eq!((found.as_str(), scripted.asked() > 0), ("cannot resolve `nas.lan`: no such name", true));
}

#[test]
fn failures_are_told_apart() {
    let Some((machine, _server)) = odd(|label| match label {
        "servfail" => Reply::Code(2),
        "refused" => Reply::Code(5),
        "gone" => Reply::Code(3),
        "empty" => Reply::Code(0),
        _ => Reply::Silence,
    }) else {
        return;
    };
    let names = ["servfail.test", "refused.test", "gone.test", "empty.test"];
    insta::assert_snapshot!(look_up(&machine, by(Backend::Hickory), &names), @"
    cannot resolve `servfail.test`: the name server failed
    cannot resolve `refused.test`: the name server refused to answer
    cannot resolve `gone.test`: no such name
    cannot resolve `empty.test`: it has no address
    ");
    // The system does not say which failure it was, but that it was one.
    insta::assert_snapshot!(look_up(&machine, by(Backend::System), &names), @"
    cannot resolve `servfail.test`: the name server failed
    cannot resolve `refused.test`: the name server failed
    cannot resolve `gone.test`: no such name
    cannot resolve `empty.test`: it has no address
    ");
    for backend in BACKENDS {
        let short = DnsConfig { timeout: Duration::from_millis(300), ..by(backend) };
        let found = look_up(&machine, short, &["silent.test", "10.7.0.3"]);
        assert_eq!(found.matches("no answer within 300ms").count(), 2, "{found}");
    }
    let unreachable = look_up(&machine, asking(&["192.0.2.53"]), &["nas.lan"]);
    assert!(
        unreachable.starts_with("cannot resolve `nas.lan`: no name server can be reached: "),
        "{unreachable}"
    );
}

#[test]
fn the_next_server_is_asked_where_the_first_has_no_answer() {
    for reply in [Reply::Silence, Reply::Code(2), Reply::Code(5)] {
        let Some((machine, scripted)) = odd(move |_| reply.clone()) else { return };
        let Some(_server) = or_skip(Dnsmasq::start(&machine.world.target)) else { return };
        let servers = asking(&[&SCRIPTED.to_string(), REAL]);
        assert_eq!(look_up(&machine, servers, &["router.lan"]), "router.lan has 10.7.0.2");
        assert!(scripted.asked() > 0);
        let options = "options timeout:1 attempts:2";
        machine.write("resolv.conf", &format!("nameserver {SCRIPTED}\nnameserver {REAL}\n{options}\n"));
        for backend in BACKENDS {
            let found = look_up(&machine, by(backend), &["router.lan"]);
            assert_eq!(found, "router.lan has 10.7.0.2", "{backend:?}");
        }
    }
}

#[test]
fn no_answer_of_the_first_server_is_an_answer() {
    let Some((machine, _scripted)) = odd(|_| Reply::Code(3)) else { return };
    let Some(_server) = or_skip(Dnsmasq::start(&machine.world.target)) else { return };
    let servers = asking(&[&SCRIPTED.to_string(), REAL]);
    assert_eq!(look_up(&machine, servers, &["router.lan"]), "cannot resolve `router.lan`: no such name");
}

#[test]
fn a_dead_server_is_not_waited_for_by_each_look_up() {
    let Some((machine, scripted)) = odd(|_| Reply::Silence) else { return };
    let Some(_server) = or_skip(Dnsmasq::start(&machine.world.target)) else { return };
    let addrs: Vec<_> = (0..20).map(|host| format!("10.7.0.{}", 100 + host)).collect();
    let questions: Vec<_> = addrs.iter().map(String::as_str).collect();
    let found = look_up(&machine, asking(&[&SCRIPTED.to_string(), REAL]), &questions);
    assert_eq!(found.matches("it has no name").count(), 20, "{found}");
    // The first look-up, which the client may repeat within its time; the others go to the server that lives.
    assert!((1..20).contains(&scripted.asked()), "{}", scripted.asked());
}

#[test]
fn without_a_usable_server_the_system_is_asked_and_nobody_else() {
    let Some(machine) = or_skip(Machine::new(REAL)) else { return };
    for text in ["", "# nothing\nsearch lan\n", "nameserver fe80::1%wire\n", "nameserver nonsense\n"] {
        machine.write("resolv.conf", text);
        let made = machine.run(|| {
            let auto = Resolver::new(DnsConfig::default()).unwrap().reverse_backend();
            (auto, Resolver::new(by(Backend::Hickory)).err())
        });
        assert_eq!(made, (Backend::System, Some(SetupError::NoServer)), "{text:?}");
    }
    machine.write("resolv.conf", &format!("nameserver fe80::1%wire\nnameserver {REAL}\n"));
    let auto = machine.run(|| Resolver::new(DnsConfig::default()).unwrap().reverse_backend());
    assert_eq!(auto, Backend::Hickory);
}

/// The names that a hostile owner of an address gives it.
pub(crate) fn hostile(label: &str) -> Reply {
    let labels: &[&[u8]] = match label {
        "3" => &[b"\x1b]0;pwned\x07\x1b[2J\x1b[31m", b"evil"],
        "4" => &[b"line\r\nGET / HTTP/1.0", b"\0\x7f\x9b"],
        "5" => &[b"\xff\xfe\xe2\x80\xae", b"b\xc3\xbccher"],
        "6" => &[&[b'a'; 63], &[b'b'; 63], &[b'c'; 63], &[b'\x1b'; 61]],
        "7" => &[b"_under_score", b"a.dot", b"back\\slash", b"sp ace"],
        "8" => &[],
        _ => return Reply::Code(3),
    };
    Reply::Ptr(labels.iter().map(|label| label.to_vec()).collect())
}

#[test]
fn hostile_names_come_out_as_printable_text() {
    let Some((machine, _server)) = odd(hostile) else { return };
    let addrs = ["10.7.0.3", "10.7.0.4", "10.7.0.5", "10.7.0.6", "10.7.0.7", "10.7.0.8"];
    insta::assert_snapshot!(look_up(&machine, by(Backend::Hickory), &addrs), @r"
    10.7.0.3 is \027]0;pwned\007\027[2J\027[31m.evil (unknown)
    10.7.0.4 is line\013\010GET\032/\032HTTP/1\0460.\000\127\155 (unknown)
    10.7.0.5 is \255\254\226\128\174.b\195\188cher (unknown)
    10.7.0.6 is aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027\027 (unknown)
    10.7.0.7 is _under_score.a\046dot.back\092slash.sp\032ace (unknown)
    cannot resolve `10.7.0.8`: it has no name
    ");
    let by_system = look_up(&machine, by(Backend::System), &addrs);
    assert!(by_system.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{by_system:?}");
}

#[test]
fn many_addresses_are_looked_up_at_once_and_all_of_them() {
    let Some((machine, _server)) = usual() else { return };
    let found = machine.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (resolver, cancel) = (Resolver::new(DnsConfig::default()).unwrap(), CancellationToken::new());
            let addrs = (0..1_000).map(|host| IpAddr::from(Ipv4Addr::from_bits(0x0a09_0000 + host)));
            let addrs = futures_util::stream::iter(addrs.chain(["10.7.0.2".parse().unwrap()]));
            let answers = resolver.reverse_many(addrs, &cancel).collect::<Vec<_>>().await;
            let none = |kind: &ResolveErrorKind| *kind == ResolveErrorKind::NoName;
            let nameless =
                answers.iter().filter(|(_, answer)| answer.as_ref().is_err_and(|error| none(&error.kind)));
            (answers.len(), nameless.count())
        })
    });
    assert_eq!(found, (1_001, 1_000));
}
