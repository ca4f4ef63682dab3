use std::time::Duration;

use scanner_core::{Completion, ForwardCheck, Reason, Verdict};

use super::*;
use crate::output::record::About;
use crate::output::samples::{
    HostBuilder, beginning, ending, few_ports, render, render_ending, render_report, report, settings,
    unresolved,
};

fn text(settings: &OutputSettings, beginning: &Beginning<'_>) -> Text {
    Text::new(settings, beginning, Palette::new(false))
}

#[test]
fn a_network() {
    let hosts = [
        HostBuilder::new("192.0.2.1")
            .name("router.lan")
            .open(53)
            .open(80)
            .open(443)
            .refused("1-52,54-79,81-442,444-1000")
            .build(),
        HostBuilder::new("192.0.2.40").open(22).refused("1-21,23-1000").build(),
        HostBuilder::new("192.0.2.57").open(80).refused("1-79,81-212").lost("213-1000", 4).build(),
        HostBuilder::new("192.0.2.12").refused("1-1000").build(),
        HostBuilder::new("192.0.2.31").refused("1-1000").build(),
        HostBuilder::new("192.0.2.99").not_asked(1_000).build(),
        HostBuilder::new("192.0.2.100").down().not_asked(1_000).build(),
    ];
    insta::assert_snapshot!(render(&mut text(&settings(), &beginning()), &hosts, &[]), @"
    192.0.2.1    router.lan  up, 0.6 ms   gateway
         53  domain     0.5 ms
         80  http       0.8 ms
        443  https      4.4 ms
        997 closed (refused)

    192.0.2.40   up, 0.6 ms   this machine
         22  ssh        0.2 ms
        999 closed (refused)

    192.0.2.57   up, 0.6 ms   STOPPED ANSWERING after 4 s
         80  http       0.8 ms
        211 closed (refused)
        788 not measured (host-lost: it stopped answering)  213-1000

    up, nothing open       2   192.0.2.12 .31
    no answer              1   not there, asleep, or behind a firewall that drops
    down                   1   the network says that nobody is there

    5 open ports on 3 of 5 hosts, 14 s. Names are guessed from port numbers.
    INCOMPLETE: 788 ports of 192.0.2.57 not measured (host-lost: it stopped answering).
    hint: it may have restarted, or protects itself; try again later with --pace gentle
    ");
}

#[test]
fn names_of_addresses_are_marked_where_they_do_not_lead_back() {
    use ForwardCheck::{Agrees, Differs, Missing, Unknown};
    let host = |last: u8| HostBuilder::new(&format!("192.0.2.{last}")).open(22);
    let hosts = [
        host(1).ptr("router.lan", Agrees).build(),
        host(2).ptr("mail.example", Differs).build(),
        host(3).ptr("host-3.isp.example", Missing).build(),
        host(4).ptr("slow.lan", Unknown).build(),
        host(5).name("NAS.lan.").ptr("nas.lan", Agrees).build(),
        host(6).name("nas.lan").ptr("box.lan", Agrees).build(),
        host(7).ptr(&"x".repeat(250), Missing).build(),
    ];
    let shown = render(&mut text(&settings(), &beginning()), &hosts, &[]);
    let heads: Vec<_> = shown.lines().filter(|line| line.starts_with("192.")).collect();
    insta::assert_snapshot!(heads.join("\n"), @"
    192.0.2.1    router.lan  up, 0.6 ms   gateway
    192.0.2.2    mail.example (leads elsewhere)  up, 0.6 ms
    192.0.2.3    host-3.isp.example (leads nowhere)  up, 0.6 ms
    192.0.2.4    slow.lan  up, 0.6 ms
    192.0.2.5    NAS.lan.  up, 0.6 ms
    192.0.2.6    nas.lan, its address box.lan  up, 0.6 ms
    192.0.2.7    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (leads nowhere)  up, 0.6 ms
    ");
}

#[test]
fn few_ports_are_listed_whatever_their_state() {
    let hosts = [
        HostBuilder::new("192.0.2.7")
            .open(22)
            .refused("80")
            .settled(Reason::NoReply, "443")
            .listing_all()
            .build(),
        HostBuilder::new("192.0.2.8").refused("22,80,443").listing_all().build(),
    ];
    let few = few_ports();
    insta::assert_snapshot!(render(&mut text(&settings(), &few), &hosts, &[]), @"
    192.0.2.7    up, 0.6 ms
         22  open      ssh        0.2 ms
         80  closed    http      refused
        443  filtered  https     no reply

    192.0.2.8    up, 0.6 ms
         22  closed    ssh       refused
         80  closed    http      refused
        443  closed    https     refused

    1 open port on 1 of 2 hosts, 14 s. Names are guessed from port numbers.
    ");
    let few = few_ports();
    let with_reason = OutputSettings { reason: true, ..settings() };
    insta::assert_snapshot!(render(&mut text(&with_reason, &few), &hosts, &[]), @"
    192.0.2.7    up, 0.6 ms
         22  open      ssh        0.2 ms  handshake
         80  closed    http      refused
        443  filtered  https     no reply

    192.0.2.8    up, 0.6 ms
         22  closed    ssh       refused
         80  closed    http      refused
        443  closed    https     refused

    1 open port on 1 of 2 hosts, 14 s. Names are guessed from port numbers.
    ");
}

#[test]
fn open_ports_only_where_asked() {
    let hosts = [
        HostBuilder::new("192.0.2.7").open(22).refused("80").settled(Reason::NoReply, "443").build(),
        HostBuilder::new("192.0.2.8").refused("22,80,443").build(),
    ];
    let open_only = OutputSettings { open_only: true, ..settings() };
    insta::assert_snapshot!(render(&mut text(&open_only, &beginning()), &hosts, &[]), @"
    192.0.2.7    up, 0.6 ms
         22  ssh        0.2 ms

    1 open port on 1 of 2 hosts, 14 s. Names are guessed from port numbers.
    ");
}

#[test]
fn a_host_that_was_asked_for_is_always_answered() {
    let hosts = [HostBuilder::new("192.0.2.99").not_asked(1_000).build()];
    let single = Beginning { targets: 1, ..beginning() };
    let report = report(&hosts, 1);
    insta::assert_snapshot!(render_report(&mut text(&settings(), &single), &hosts, &report, &[]), @"
    192.0.2.99   no answer
      1,000 not asked

    No answer, 14 s.
    hint: hosts that answer nothing are given up early; -Pn asks every port
    ");
}

#[test]
fn what_is_strange_is_loud() {
    let hosts = [
        HostBuilder::new("192.0.2.5").open(1).open(2).open(3).verdict(Verdict::AcceptsEverything).build(),
        HostBuilder::new("192.0.2.6").open(22).settled(Reason::NoReply, "23-1000").lossy(0.023).build(),
        HostBuilder::new("192.0.2.61")
            .open(22)
            .settled(Reason::NoReplyLimited, "23-1000")
            .verdict(Verdict::ResponseLimited)
            .build(),
        HostBuilder::new("192.0.2.7").name("evil\x1b[2Jname").open(22).build(),
        HostBuilder::new("192.0.2.8").open(22).settled(Reason::LocalLimit, "23-25").build(),
    ];
    insta::assert_snapshot!(render(&mut text(&settings(), &beginning()), &hosts, &unresolved()), @"
    192.0.2.5    up, 0.6 ms   ANSWERS ON EVERY PORT: a proxy or a tarpit, not services
          3 open (handshake)  1-3

    192.0.2.6    up, 0.6 ms
         22  ssh        0.2 ms
        978 filtered (no reply; packets are lost here: a listener is missed with a chance of up to 2.3 %)  23-1000

    192.0.2.61   up, 0.6 ms   LIMITS ITS REFUSALS: silent ports may be closed
         22  ssh        0.2 ms
        978 filtered (no reply from a host that limits its refusals)  23-1000

    192.0.2.7    evil�[2Jname  up, 0.6 ms
         22  ssh        0.2 ms

    192.0.2.8    up, 0.6 ms
         22  ssh        0.2 ms
          3 not measured (local-limit: this machine ran out of sockets, ports or neighbours)  23-25

    4 open ports on 4 of 5 hosts, 14 s. Names are guessed from port numbers. 1 host answers on every port: not counted.
    INCOMPLETE: 3 ports of 192.0.2.8 not measured (local-limit: this machine ran out of sockets, ports or neighbours).
    INCOMPLETE: no address for gone.invalid.
    hint: raise `ulimit -n`, or scan with fewer --max-connections
    ");
}

#[test]
fn an_early_end_is_said_first_among_the_last_words() {
    let hosts = [HostBuilder::new("192.0.2.7").open(22).settled(Reason::Cancelled, "23-1000").build()];
    let mut ended = report(&hosts, 1);
    ended.completion = Completion::Cancelled;
    let single = || Beginning { targets: 1, ..beginning() };
    insta::assert_snapshot!(render_report(&mut text(&settings(), &single()), &hosts, &ended, &[]), @"
    192.0.2.7    up, 0.6 ms
         22  ssh        0.2 ms
        978 not measured (cancelled)  23-1000

    1 open port, 14 s. Names are guessed from port numbers.
    INTERRUPTED after 14 s: 978 ports of 192.0.2.7 not measured; what was found until then is kept.
    ");
    ended.completion = Completion::Deadline;
    ended.not_measured = [(Reason::Deadline, 978)].into();
    ended.progress.elapsed = Duration::from_millis(10_020);
    insta::assert_snapshot!(render_report(&mut text(&settings(), &single()), &hosts, &ended, &[]), @"
    192.0.2.7    up, 0.6 ms
         22  ssh        0.2 ms
        978 not measured (cancelled)  23-1000

    1 open port, 10 s. Names are guessed from port numbers.
    OUT OF TIME: the deadline: 978 ports of 192.0.2.7 not measured; what was found until then is kept.
    hint: give it more time with --deadline or --host-timeout, or ask fewer ports
    ");
}

#[test]
fn colour_never_changes_the_words() {
    let hosts = [HostBuilder::new("192.0.2.7").open(22).refused("80").build()];
    let colored = render(&mut Text::new(&settings(), &beginning(), Palette::new(true)), &hosts, &[]);
    let plain = render(&mut text(&settings(), &beginning()), &hosts, &[]);
    assert!(colored.contains('\x1b'));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

#[test]
fn where_only_hosts_are_looked_for_each_has_a_line() {
    let about = About { discover_only: true, ..beginning().about.clone() };
    let beginning = Beginning { about: &about, ..beginning() };
    let hosts = [
        HostBuilder::new("192.0.2.1")
            .neighbour()
            .mac("b8:27:eb:00:00:01", Some("Example Boards\x1b[31m"))
            .build(),
        HostBuilder::new("192.0.2.40").neighbour().not_asked(16).build(),
        HostBuilder::new("192.0.2.57")
            .ptr("phone.lan", ForwardCheck::Agrees)
            .neighbour()
            .mac("da:a1:19:00:00:02", None)
            .build(),
        HostBuilder::new("192.0.2.58").down().not_asked(16).build(),
        HostBuilder::new("192.0.2.59").not_asked(16).build(),
    ];
    let report = report(&hosts, 254);
    let ended = Ending { discover_only: true, ..ending(&report, &[]) };
    let mut text = text(&settings(), &beginning);
    insta::assert_snapshot!(render_ending(&mut text, &hosts, &ended), @"
    192.0.2.1    up (answers ARP)   gateway   b8:27:eb:00:00:01 Example Boards�[31m
    192.0.2.40   up (answers ARP)   this machine
    192.0.2.57   phone.lan  up (answers ARP)   da:a1:19:00:00:02 private address

    no answer              1   not there, asleep, or behind a firewall that drops
    down                   1   the network says that nobody is there

    3 of 254 hosts up, 14 s.
    ");
}
