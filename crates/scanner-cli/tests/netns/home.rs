//! A home as its owner sees it: a router that knows the names, a box that shares files, a telephone that answers nobody.

use scanner_lab::{Family, Listeners};

use crate::command::Finished;
use crate::machine::Machine;
use crate::name_server::{Dnsmasq, REAL};
use crate::setup::or_skip;

const NAS: [u8; 4] = [10, 7, 0, 3];
const PHONE: &str =
    "table inet home { chain phone { type filter hook input priority 0; ip daddr 10.7.0.57 drop; }; }";
/// One that somebody made up: lists of makers differ from machine to machine.
const MAC: &str = "da:a1:19:00:00:02";

/// What is printed of each host and of the others together, in order, without times.
fn shown(found: &Finished) -> String {
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    let mut blocks: Vec<String> = Vec::new();
    for line in
        found.stdout.lines().filter(|line| !line.ends_with(" s.") && !line.contains("Names are guessed"))
    {
        let timeless = without_times(line);
        match blocks.last_mut() {
            Some(block) if line.starts_with("   ") => *block = format!("{block}\n  {timeless}"),
            _ if timeless.is_empty() => {}
            _ => blocks.push(timeless),
        }
    }
    blocks.sort_unstable();
    blocks.join("\n")
}

fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_time = |at: usize| words[at] == "ms" || words.get(at + 1) == Some(&"ms");
    let kept: Vec<&str> = (0..words.len()).filter(|at| !is_time(*at)).map(|at| words[at]).collect();
    kept.join(" ")
}

#[test]
fn a_home_as_its_owner_sees_it() {
    let Some(machine) = or_skip(Machine::new(REAL)) else { return };
    let (scanner, target) = (&machine.world.scanner, &machine.world.target);
    target.ip(&format!("link set wire address {MAC}")).unwrap();
    for address in ["10.7.0.3", "10.7.0.57"] {
        target.ip(&format!("address add {address}/24 dev wire")).unwrap();
    }
    target.nft(PHONE).unwrap();
    let Some(_names) = or_skip(Dnsmasq::start(target)) else { return };
    let _router = machine.world.listen(Family::V4, &[80, 443]).unwrap();
    let _nas = Listeners::new(target, NAS.into(), &[22, 445]).unwrap();
    scanner.ip("route add default via 10.7.0.2").unwrap();
    scanner.ip("neigh flush all").unwrap();

    insta::assert_snapshot!(shown(&machine.scan_named("--local --discover")), @"
    10.7.0.1 up, this machine
    10.7.0.2 router.lan up, gateway da:a1:19:00:00:02 private address
    10.7.0.3 nas.lan up, da:a1:19:00:00:02 private address
    10.7.0.57 up (answers ARP) da:a1:19:00:00:02 private address
    down 251 the network says that nobody is there
    ");
    insta::assert_snapshot!(shown(&machine.scan("10.7.0.0/24 -n -p 22,80,443,445 --open")), @"
    10.7.0.2 up, gateway
      80 http
      443 https
    10.7.0.3 up,
      22 ssh
      445 microsoft-ds
    ");
    insta::assert_snapshot!(shown(&machine.scan_named("nas -p 22,80,443,445 --open")), @"
    10.7.0.3 nas, its address nas.lan up,
      22 ssh
      445 microsoft-ds
    ");
    let found = machine.scan("-sn --local -n --format list");
    let mut there: Vec<_> = found.stdout.lines().collect();
    there.sort_unstable();
    assert_eq!(there, ["10.7.0.1", "10.7.0.2", "10.7.0.3", "10.7.0.57"]);
}
