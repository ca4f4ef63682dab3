//! Scans of simulated networks, one file each; what came of them is pinned by snapshots.

use super::sim::{Run, Scenario, run};

fn scan(text: &str) -> Run {
    let scenario: Scenario = toml::from_str(text).expect("a scenario file");
    run(&scenario, &mut |_| None)
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let text = include_str!(concat!("../../tests/scenarios/", stringify!($name), ".toml"));
                let run = scan(text);
                assert_eq!(run.phantom, 0, "nothing closed or silent may be called open");
                insta::with_settings!({ description => text, omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../../tests/scenarios" }, {
                    insta::assert_snapshot!(stringify!($name), run.summary());
                });
            }
        )*

        #[test]
        fn every_file_is_run() {
            let listed: std::collections::BTreeSet<_> = [$(concat!(stringify!($name), ".toml")),*].into();
            let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
            for entry in std::fs::read_dir(directory).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(!name.ends_with(".toml") || listed.contains(name.as_str()), "{name} is not listed");
            }
        }
    };
}

scenarios!(
    accepts_everything,
    clean,
    clean_auto,
    clean_far,
    dead_host,
    dead_neighbours,
    descriptors_64,
    drop_all_but_three,
    drop_far_jitter,
    gentle,
    host_comes_back,
    host_dies,
    icmp_limited,
    loss_10,
    loss_20,
    loss_5,
    loss_5_bursts,
    loss_5_drop,
    many_hosts,
    mixed,
    network_down_briefly,
    network_down_for_good,
    no_descriptors,
    no_route,
    path_gets_slower,
    policed,
    rate_limit,
    rejects,
    rst_limited,
    sequential_full,
    silent_skip_discovery,
    sparse,
);

/// The same scan, with and without one mechanism: what differs is what the mechanism does, and nothing else.
fn differ(base: &str, with: &str) -> (Run, Run) {
    (scan(base), scan(&format!("{with}\n{base}")))
}

#[test]
fn loss_costs_attempts_not_ports() {
    let (clean, lossy) = differ("", "loss = 0.05");
    assert_eq!((clean.missed, lossy.missed), (0, 0));
    assert!(lossy.report().progress.sent > clean.report().progress.sent);
}

#[test]
fn a_silent_firewall_is_told_from_a_dead_host() {
    let (closed, dropped) = differ("", "rest = 'drop'");
    assert_eq!(closed.report().progress.closed, 997);
    assert_eq!(dropped.report().progress.filtered, 997);
    assert_eq!((closed.report().progress.open, dropped.report().progress.open), (3, 3));
}

#[test]
fn a_limit_of_this_machine_changes_nothing_but_time() {
    let (free, short) = differ("", "descriptors = 3");
    assert_eq!(short.peak, 3);
    let same = |run: &Run| {
        let progress = run.report().progress;
        (progress.open, progress.closed, progress.filtered, progress.unknown)
    };
    assert_eq!(same(&free), same(&short));
    assert!(short.took > free.took);
}

#[test]
fn a_host_that_goes_away_is_unknown_not_filtered() {
    let (there, gone) = differ("rtt_ms = 50.0", "away = { from_ms = 400 }");
    assert_eq!(there.report().progress.unknown, 0);
    let progress = gone.report().progress;
    assert!(progress.unknown > 0);
    assert_eq!(progress.filtered, 0);
    assert_eq!(gone.missed, 0);
}
