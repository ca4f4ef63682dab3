use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::family::FamilyPolicy;
use crate::lookup::LookupFuture;

/// Answers from a table: `slow…` never answers, `err` fails, other unknown names do not exist.
#[derive(Default)]
struct Fake {
    table: BTreeMap<&'static str, Vec<&'static str>>,
    running: AtomicUsize,
    most: Arc<AtomicUsize>,
}

impl Fake {
    fn new(entries: &[(&'static str, &[&'static str])]) -> Self {
        let table = entries.iter().map(|(name, addrs)| (*name, addrs.to_vec())).collect();
        Self { table, ..Self::default() }
    }
}

impl Lookup for Fake {
    fn lookup<'a>(&'a self, name: &'a str) -> LookupFuture<'a> {
        Box::pin(async move {
            let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(running, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            if name.starts_with("slow") {
                std::future::pending::<()>().await;
            }
            self.running.fetch_sub(1, Ordering::Relaxed);
            match self.table.get(name) {
                Some(addrs) => Ok(addrs.iter().map(|addr| addr.parse().unwrap()).collect()),
                None => Err(io::Error::other(format!("{STD_PREFIX}Name or service not known"))),
            }
        })
    }
}

fn config() -> DnsConfig {
    DnsConfig { timeout: Duration::from_secs(2), parallel: 4, ..DnsConfig::default() }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

async fn show(fake: Fake, config: DnsConfig, list: &[&str]) -> String {
    let resolver = Resolver::with_lookup(config, fake);
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
    cannot resolve `gone`: name or service not known
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
    let most = Arc::clone(&fake.most);
    let resolver = Resolver::with_lookup(config(), fake);
    let many = names(&["a"; 50]);
    let cancel = CancellationToken::new();
    let other = resolver.clone();
    tokio::join!(resolver.resolve_all(&many, &cancel), other.resolve_all(&many, &cancel));
    assert_eq!(most.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_every_look_up() {
    let resolver = Resolver::with_lookup(config(), Fake::new(&[("a", &["192.0.2.1"])]));
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
    let resolver = Resolver::new(DnsConfig::default());
    let (targets, errors) = resolver.resolve_all(&names(&["localhost"]), &CancellationToken::new()).await;
    assert_eq!(errors, []);
    let addr = targets.get(0).unwrap();
    assert!(addr.ip().is_loopback());
    assert_eq!(targets.names_of(addr), ["localhost"]);
}

#[test]
fn a_resolver_can_be_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Resolver>();
}
