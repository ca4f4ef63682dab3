//! Pairs of simulated networks that differ in one mechanism: what the controller makes of it, and that it is nothing else.

use scanner_core::{Progress, Verdict};

use super::scenarios::scan;
use super::sim::Run;

/// What a host behind one network is, in all of these: the base of the pairs.
const HOST: &str =
    "ports = '1-3000'\nopen = '22,80,443,2222'\ndrop = '500-530'\nrtt_ms = 10.0\nconfig = { limit = 'auto' }";

/// What the ports were called.
fn states(run: &Run) -> (u64, u64, u64, u64) {
    let Progress { open, closed, filtered, unknown, .. } = run.report().progress;
    (open, closed, filtered, unknown)
}

fn verdict(run: &Run) -> Option<Verdict> {
    run.report().hosts.first().and_then(|host| host.verdict)
}

fn has_note(run: &Run, code: &str) -> bool {
    run.report().notes.iter().any(|note| note.code == code)
}

fn sent(run: &Run) -> u64 {
    run.report().progress.sent
}

/// One test for each: the base, what is added to it, and what must hold of both.
macro_rules! pairs {
    ($($name:ident: $base:expr, $with:expr, $check:expr;)*) => {
        $(
            #[test]
            fn $name() {
                for seed in 1..=3 {
                    let base = format!("seed = {seed}\n{}", $base);
                    let (without, with) = (scan(&base), scan(&format!("{}\n{base}", $with)));
                    for run in [&without, &with] {
                        assert_eq!((run.missed, run.phantom), (0, 0), "seed {seed}: {}", run.summary());
                    }
                    let check: fn(&Run, &Run) = $check;
                    check(&without, &with);
                }
            }
        )*
    };
}

pairs! {
    jitter: HOST, "jitter_ms = 8.0", |without, with| {
        assert_eq!(states(without), states(with));
    };
    distance: HOST.replace("10.0", "0.05"), "", |_, with| {
        assert_eq!(states(with), (4, 2965, 31, 0));
    };
    loss: HOST, "loss = 0.05", |without, with| {
        assert_eq!(verdict(with), None);
        assert!(with.misclassified <= 1, "{}", with.summary());
        assert!(sent(with) > sent(without));
        assert!(!has_note(with, "paced"));
    };
    loss_in_bursts: HOST, "loss = 0.05\nburst_ms = 30.0", |_, with| {
        assert_eq!(verdict(with), None);
        assert!(with.misclassified <= 1, "{}", with.summary());
    };
    a_policer: HOST, "policer = { rate = 500.0, burst = 50.0 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert_eq!(verdict(with), None);
    };
    a_limit_on_refusals: HOST, "rst_limit = { rate = 200.0, burst = 50.0 }", |_, with| {
        assert_eq!(verdict(with), Some(Verdict::ResponseLimited));
        assert_eq!(with.misclassified, 0);
        assert!(!has_note(with, "paced"));
    };
    a_limit_on_refusals_against_a_policer:
        format!("rst_limit = {{ rate = 300.0, burst = 50.0 }}\n{HOST}").replace("rst_limit", "policer"), "", |without, _| {
        assert_eq!(verdict(without), None);
    };
    rejects: HOST, "reject = '600-900'", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered + 301, unknown));
    };
    rejects_that_are_limited: HOST, "reject = '600-900'\nicmp_limit = { rate = 10.0, burst = 6.0 }", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered + 301, unknown), "silent or rejected, filtered it is");
    };
    prohibitions: HOST, "prohibit = '600-900'", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered + 301, unknown));
    };
    silence_instead_of_refusals: HOST, "rest = 'drop'", |_, with| {
        assert_eq!(states(with), (4, 0, 2996, 0));
    };
    full_queues: HOST, "slow = '80,443'", |without, with| {
        assert_eq!(states(without), states(with));
    };
    a_host_that_dies: HOST.replace("10.0", "50.0"), "away = { from_ms = 400 }", |without, with| {
        assert_eq!(states(without).3, 0);
        assert_eq!(verdict(with), Some(Verdict::HostLost));
        assert_eq!(with.misclassified, 0, "{}", with.summary());
    };
    a_router_that_speaks_for_a_host_that_dies:
        HOST.replace("10.0", "50.0"), "away = { from_ms = 400 }\nrouter_speaks = true\nicmp_limit = { rate = 10.0, burst = 5.0 }", |_, with| {
        assert_eq!(verdict(with), Some(Verdict::HostLost));
        assert_eq!(with.misclassified, 0, "what a router says is no word about a port: {}", with.summary());
    };
    a_host_that_comes_back: HOST.replace("10.0", "50.0"), "away = { from_ms = 400, to_ms = 5000 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert_eq!(verdict(with), None);
    };
    a_path_that_gets_slower: HOST, "slower = { from_ms = 100, rtt_ms = 300.0 }", |without, with| {
        assert_eq!(states(without), states(with));
        assert!(with.took > without.took);
    };
    few_descriptors: HOST, "descriptors = 20", |without, with| {
        assert_eq!(states(without), states(with));
        assert!(has_note(with, "local-limit"));
    };
    a_network_that_goes_away: HOST.replace("10.0", "50.0"), "network_down = { from_ms = 300, to_ms = 10300 }", |without, with| {
        assert_eq!(states(without), states(with));
    };
    a_route_that_goes_away: HOST.replace("10.0", "50.0"), "no_route = { from_ms = 300 }", |_, with| {
        assert!(states(with).3 > 0);
        assert_eq!(with.misclassified, 0);
    };
    a_firewall_of_this_machine: HOST,
        "own_firewall = { ports = '600-900', when = { from_ms = 0 }, messages = { rate = 1e6, burst = 1e6 } }", |without, with| {
        let (open, closed, filtered, unknown) = states(without);
        assert_eq!(states(with), (open, closed - 301, filtered, unknown + 301));
    };
    dead_hosts_between: format!("hosts = 16\n{}", HOST.replace("3000", "1000")), "live_every = 4", |without, with| {
        assert_eq!(states(without).0, 16 * 3);
        assert_eq!(states(with).0, 4 * 3);
        assert_eq!(with.report().progress.targets_up, 4);
    };
}
