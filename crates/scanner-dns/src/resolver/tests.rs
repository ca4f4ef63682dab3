use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::backend::Answer;
use crate::family::FamilyPolicy;

/// Answers from a table: `slow…` never answers, `err` fails, other unknown names do not exist.
#[derive(Default)]
struct Fake {
    table: BTreeMap<&'static str, Vec<&'static str>>,
    running: AtomicUsize,
    most: AtomicUsize,
    asked: AtomicUsize,
}

impl Fake {
    fn new(entries: &[(&'static str, &[&'static str])]) -> Arc<Self> {
        let table = entries.iter().map(|(name, addrs)| (*name, addrs.to_vec())).collect();
        Arc::new(Self { table, ..Self::default() })
    }
}

impl Fake {
    async fn find<T: std::str::FromStr<Err: fmt::Debug>>(
        &self,
        key: &str,
    ) -> Result<Vec<T>, ResolveErrorKind> {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(running, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
        if key.starts_with("slow") {
            std::future::pending::<()>().await;
        }
        self.running.fetch_sub(1, Ordering::Relaxed);
        match self.table.get(key) {
            Some(values) => Ok(values.iter().map(|value| value.parse().unwrap()).collect()),
            None => Err(ResolveErrorKind::NoSuchName),
        }
    }
}

impl Ask for Arc<Fake> {
    fn addresses<'a>(&'a self, name: &'a str) -> Answer<'a, HostAddr> {
        Box::pin(self.find(name.trim_end_matches('.')))
    }

    fn names(&self, ip: IpAddr) -> Answer<'_, String> {
        Box::pin(async move { self.find(&ip.to_string()).await.map_err(|_| ResolveErrorKind::NoName) })
    }
}

/// A resolver that asks `fake` in both directions.
fn asking(config: DnsConfig, fake: &Arc<Fake>) -> Resolver {
    let source = Source { kind: Backend::Hickory, ask: Some(Arc::new(Arc::clone(fake))) };
    Resolver::with_sources(config, source.clone(), source)
}

fn config() -> DnsConfig {
    DnsConfig { timeout: Duration::from_secs(2), parallel: 4, ..DnsConfig::default() }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

async fn show(fake: Arc<Fake>, config: DnsConfig, list: &[&str]) -> String {
    let resolver = asking(config, &fake);
    let (targets, errors) = resolver.resolve_all(&names(list), &CancellationToken::new()).await;
    let mut lines: Vec<String> =
        targets.iter().map(|addr| format!("{addr} {}", targets.names_of(addr).join(" "))).collect();
    lines.extend(errors.iter().map(ToString::to_string));
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn one_failure_does_not_stop_the_others() {
    let fake = Fake::new(&[("a", &["192.0.2.1"]), ("b", &["192.0.2.2"]), ("none", &[])]);
    let shown = show(fake, config(), &["a", "gone", "slow", "none", "b"]).await;
    insta::assert_snapshot!(shown, @r"
    192.0.2.1 a
    192.0.2.2 b
    cannot resolve `gone`: no such name
    cannot resolve `slow`: no answer within 2s
    cannot resolve `none`: it has no address
    ");
}

#[tokio::test(start_paused = true)]
async fn an_address_is_kept_once_under_all_its_names() {
    let fake = Fake::new(&[
        ("nas.lan", &["192.0.2.9", "2001:db8::9"]),
        ("backup.lan", &["192.0.2.9"]),
        ("six", &["2001:db8::9"]),
    ]);
    let all = DnsConfig { all_addresses: true, ..config() };
    let shown = show(fake, all, &["nas.lan", "backup.lan", "nas.lan", "six"]).await;
    insta::assert_snapshot!(shown, @r"
    192.0.2.9 nas.lan backup.lan
    2001:db8::9 nas.lan six
    ");
}

#[tokio::test(start_paused = true)]
async fn a_family_limits_the_choice() {
    let entries: &[(&str, &[&str])] = &[("both", &["2001:db8::1", "192.0.2.1"]), ("four", &["192.0.2.4"])];
    let six = DnsConfig { family: FamilyPolicy::Ipv6, ..config() };
    insta::assert_snapshot!(show(Fake::new(entries), six, &["both", "four"]).await, @r"
    2001:db8::1 both
    cannot resolve `four`: it has no IPv6 address
    ");
    let first = show(Fake::new(entries), config(), &["both", "four"]).await;
    insta::assert_snapshot!(first, @r"
    192.0.2.4 four
    2001:db8::1 both
    ");
}

#[tokio::test(start_paused = true)]
async fn look_ups_at_once_are_bounded_over_all_clones() {
    let fake = Fake::new(&[("a", &["192.0.2.1"])]);
    let resolver = asking(config(), &fake);
    let many: Vec<_> = (0..50).map(|number| format!("a{number}")).collect();
    let more: Vec<_> = (0..50).map(|number| format!("b{number}")).collect();
    let cancel = CancellationToken::new();
    let other = resolver.clone();
    tokio::join!(resolver.resolve_all(&many, &cancel), other.resolve_all(&more, &cancel));
    assert_eq!(fake.most.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_every_look_up() {
    let resolver = asking(config(), &Fake::new(&[("a", &["192.0.2.1"])]));
    let cancel = CancellationToken::new();
    let list = names(&["a", "slow1", "slow2", "slow3", "slow4", "slow5"]);
    let (answer, ()) = tokio::join!(resolver.resolve_all(&list, &cancel), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    let (targets, errors) = answer;
    assert_eq!(targets.len(), 1);
    assert_eq!(errors.len(), 5);
    assert!(errors.iter().all(|error| error.kind == ResolveErrorKind::Cancelled));
}

#[tokio::test]
async fn localhost_is_found_by_the_system() {
    let resolver = Resolver::new(DnsConfig::default()).unwrap();
    let (targets, errors) = resolver.resolve_all(&names(&["localhost"]), &CancellationToken::new()).await;
    assert_eq!(errors, []);
    let addr = targets.get(0).unwrap();
    assert!(addr.ip().is_loopback());
    assert_eq!(targets.names_of(addr), ["localhost"]);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_names_and_the_first_is_checked() {
    let fake = Fake::new(&[
        ("192.0.2.7", &["a.lan", "b.lan"]),
        ("a.lan", &["192.0.2.7"]),
        ("192.0.2.8", &["a.lan"]),
        ("192.0.2.9", &["gone.lan"]),
        ("192.0.2.10", &["slow.lan"]),
        ("192.0.2.11", &[r"a\010b"]),
    ]);
    let (resolver, cancel) = (asking(config(), &fake), CancellationToken::new());
    let ips = (7..=12).map(|host| IpAddr::from([192, 0, 2, host]));
    let mut answers: Vec<_> = resolver.reverse_many(stream::iter(ips), &cancel).collect().await;
    answers.sort_by_key(|(ip, _)| *ip);
    let lines: Vec<_> = answers
        .iter()
        .map(|(ip, answer)| match answer {
            Ok(found) => format!("{ip} {} {}", found.names.join(" "), found.forward),
            Err(error) => error.to_string(),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    192.0.2.7 a.lan b.lan agrees
    192.0.2.8 a.lan differs
    192.0.2.9 gone.lan missing
    192.0.2.10 slow.lan unknown
    192.0.2.11 a\010b unknown
    cannot resolve `192.0.2.12`: it has no name
    ");
}

#[tokio::test(start_paused = true)]
async fn a_name_is_not_checked_where_that_is_not_wanted() {
    let fake = Fake::new(&[("192.0.2.7", &["a.lan"]), ("a.lan", &["192.0.2.7"])]);
    let resolver = asking(DnsConfig { confirm: false, ..config() }, &fake);
    let found = resolver.reverse(IpAddr::from([192, 0, 2, 7]), &CancellationToken::new()).await.unwrap();
    assert_eq!((found.forward, fake.asked.load(Ordering::Relaxed)), (ForwardCheck::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn both_directions_share_the_answers_that_are_kept() {
    let fake = Fake::new(&[("192.0.2.7", &["a.lan"]), ("a.lan", &["192.0.2.7"])]);
    let (resolver, cancel) = (asking(config(), &fake), CancellationToken::new());
    let ip = IpAddr::from([192, 0, 2, 7]);
    for _ in 0..3 {
        resolver.reverse(ip, &cancel).await.unwrap();
        resolver.resolve("A.lan.", &cancel).await.unwrap();
        resolver.resolve("gone.lan", &cancel).await.unwrap_err();
    }
    assert_eq!(fake.asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_reverse_look_ups_too() {
    let fake = Fake::new(&[("192.0.2.7", &["slow.lan"])]);
    let (resolver, cancel) = (asking(config(), &fake), CancellationToken::new());
    let ips: Vec<_> = (0..100).map(|host| IpAddr::from([192, 0, 2, host])).collect();
    cancel.cancel();
    let answers: Vec<_> = resolver.reverse_many(stream::iter(ips), &cancel).collect().await;
    assert_eq!(answers.len(), 100);
    assert!(
        answers.iter().all(|(_, answer)| answer.as_ref().unwrap_err().kind == ResolveErrorKind::Cancelled)
    );
    assert_eq!(fake.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn nobody_is_asked_where_look_ups_are_off() {
    let config = DnsConfig { forward: Backend::Off, reverse: Backend::Off, ..DnsConfig::default() };
    let (resolver, cancel) = (Resolver::new(config).unwrap(), CancellationToken::new());
    let error = resolver.resolve("localhost", &cancel).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot resolve `localhost`: name look-ups are turned off");
    let error = resolver.reverse(IpAddr::from([127, 0, 0, 1]), &cancel).await.unwrap_err();
    assert_eq!(error.kind, ResolveErrorKind::Off);
    let addr = resolver.resolve("fe80::1%2", &cancel).await.unwrap();
    assert_eq!(addr, ["fe80::1%2".parse::<HostAddr>().unwrap()]);
}

#[test]
fn a_server_of_ones_own_is_not_for_the_system() {
    let servers = vec!["192.0.2.53:53".parse().unwrap()];
    let config = |forward| DnsConfig { forward, servers: servers.clone(), ..DnsConfig::default() };
    assert_eq!(Resolver::new(config(Backend::System)).err(), Some(SetupError::ServersUnused));
    let resolver = Resolver::new(config(Backend::Off)).unwrap();
    assert_eq!(resolver.reverse_backend(), Backend::Hickory);
}

#[test]
fn a_resolver_can_be_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Resolver>();
}
