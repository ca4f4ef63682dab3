//! Limits on the way and in the host, which look alike: probes stay silent that others answer.

use scanner_core::PortState;
use scanner_lab::{Family, LabError, Listeners, Wire, World};

use crate::command::{Host, scan};
use crate::setup::or_skip;

const FAMILY: Family = Family::V4;
const OPEN: [u16; 4] = [22, 80, 443, 2500];
const PORTS: usize = 3000;

#[test]
fn a_host_that_limits_its_refusals() {
    let Some((world, _listeners)) = or_skip(world()) else { return };
    world
        .target
        .nft(
            "table inet test { chain rules { type filter hook output priority 0; \
         tcp flags & rst == rst limit rate over 200/second burst 50 packets drop; }; }",
        )
        .unwrap();
    let host = found(&world);
    assert_eq!(host.record["verdict"], "response-limited", "{}", host.record);
    let reasons = &host.record["ports"]["filtered"];
    assert!(reasons["no-reply"].is_null(), "its silence proves nothing: {reasons}");
    assert!(reasons["no-reply-limited"]["count"].as_u64().unwrap() > 500, "{reasons}");
}

#[test]
fn a_firewall_that_limits_what_passes() {
    let Some((world, _listeners)) = or_skip(world()) else { return };
    world
        .target
        .nft(
            "table inet test { chain rules { type filter hook input priority 0; \
         tcp flags & (syn|ack) == syn limit rate over 1000/second burst 200 packets drop; }; }",
        )
        .unwrap();
    let host = found(&world);
    assert!(host.record["verdict"].is_null(), "{}", host.record);
    // By the loss that the firewall causes a port in ten thousand may be missed; five of 3,000 are far beyond that.
    let closed = host.in_state(PortState::Closed).len();
    assert!(closed + 5 >= PORTS - OPEN.len(), "{closed} closed: {}", host.record);
}

fn world() -> Result<(World, Listeners), LabError> {
    let world = World::new(Wire::Veth, FAMILY)?;
    let listeners = world.listen(FAMILY, &OPEN)?;
    Ok((world, listeners))
}

/// Whatever is limited, every listener is found.
fn found(world: &World) -> Host {
    let found = scan(&world.scanner, &format!("{} -p 1-{PORTS} --format jsonl", FAMILY.target()));
    assert_eq!(found.code(), Some(0), "{}", found.stderr);
    let host = found.host(FAMILY.target());
    assert_eq!(host.in_state(PortState::Open), OPEN);
    host
}
