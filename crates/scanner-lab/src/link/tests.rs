use super::*;

const MILLI: Duration = Duration::from_millis(1);
const SEED: u64 = 7;

/// The fates of `count` packets, sent one per `pause`.
fn fates(link: Link, seed: u64, count: u32, pause: Duration) -> Vec<Fate> {
    let mut lane = Lane::new(link, seed, "there");
    (0..count).map(|packet| lane.send(pause * packet)).collect()
}

fn share(fates: &[Fate], of: Fate) -> f64 {
    let count = fates.iter().filter(|fate| **fate == of).count();
    f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(fates.len()).unwrap())
}

fn arrivals(fates: &[Fate]) -> Vec<Duration> {
    let arrival = |fate: &Fate| if let Fate::Arrives(at) = fate { Some(*at) } else { None };
    fates.iter().filter_map(arrival).collect()
}

#[test]
fn a_plain_wire_does_nothing() {
    let found = arrivals(&fates(Link::default(), SEED, 100, MILLI));
    assert_eq!(found, (0..100).map(|packet| MILLI * packet).collect::<Vec<_>>());
}

#[test]
fn loss_is_as_often_as_asked() {
    for loss in [0.0, 0.01, 0.05, 0.2, 1.0] {
        let fates = fates(Link { loss, ..Link::default() }, SEED, 100_000, MILLI);
        // Four standard deviations.
        let allowed = 4.0 * (loss * (1.0 - loss) / 100_000.0).sqrt();
        assert!((share(&fates, Fate::Lost) - loss).abs() <= allowed, "{loss}: {}", share(&fates, Fate::Lost));
    }
}

#[test]
fn losses_follow_the_seed_and_not_the_clock() {
    let link = Link { loss: 0.1, jitter: MILLI, delay: 5 * MILLI, ..Link::default() };
    let lost = |seed, pause| {
        fates(link, seed, 1_000, pause).iter().map(|fate| *fate == Fate::Lost).collect::<Vec<_>>()
    };
    assert_eq!(lost(1, MILLI), lost(1, 3 * MILLI));
    assert_ne!(lost(1, MILLI), lost(2, MILLI));
}

#[test]
fn directions_lose_different_packets() {
    let link = Link { loss: 0.1, ..Link::default() };
    let [mut there, mut back] = ["there", "back"].map(|name| Lane::new(link, SEED, name));
    assert!((0..1_000).any(|_| there.send(MILLI) != back.send(MILLI)));
}

#[test]
fn bursts_are_as_long_and_as_often_as_asked() {
    // Stretches of 10 packets on average, 1 packet in 20 within one.
    let bursts = Bursts { begin: 0.1 / 19.0, end: 0.1, loss: 1.0 };
    let fates = fates(Link { bursts: Some(bursts), ..Link::default() }, SEED, 400_000, MILLI);
    let lost = share(&fates, Fate::Lost);
    assert!((lost - 0.05).abs() < 0.004, "{lost}");
    let starts = fates.windows(2).filter(|pair| pair[0] != Fate::Lost && pair[1] == Fate::Lost).count();
    let length = lost * 400_000.0 / f64::from(u32::try_from(starts).unwrap());
    assert!((length - 10.0).abs() < 0.7, "{length}");
}

#[test]
fn within_a_stretch_some_packets_may_pass() {
    let bursts = Bursts { begin: 0.01, end: 0.01, loss: 0.5 };
    let fates = fates(Link { bursts: Some(bursts), ..Link::default() }, SEED, 400_000, MILLI);
    // Half of the time bad, half of which is lost.
    let lost = share(&fates, Fate::Lost);
    assert!((lost - 0.25).abs() < 0.02, "{lost}");
}

#[test]
fn a_queue_drains_at_its_rate_and_drops_the_rest() {
    let queue = Queue { packets_per_second: 1_000, length: 3 };
    let link = Link { queue: Some(queue), ..Link::default() };
    let mut lane = Lane::new(link, SEED, "there");
    let burst: Vec<_> = (0..5).map(|_| lane.send(Duration::ZERO)).collect();
    let arrives = |millis| Fate::Arrives(MILLI * millis);
    assert_eq!(burst, [arrives(1), arrives(2), arrives(3), Fate::Dropped, Fate::Dropped]);
    // One has left: there is room for one.
    assert_eq!([lane.send(MILLI), lane.send(MILLI)], [arrives(4), Fate::Dropped]);
    // All have left.
    assert_eq!(lane.send(100 * MILLI), arrives(101));
}

#[test]
fn a_queue_passes_no_more_than_its_rate() {
    let queue = Queue { packets_per_second: 1_000, length: 50 };
    let fates =
        fates(Link { queue: Some(queue), ..Link::default() }, SEED, 40_000, Duration::from_micros(250));
    // Four times the rate for ten seconds: the rate, and what the queue still holds at the end.
    assert_eq!(arrivals(&fates).len(), 10_000 + 50 - 1);
}

#[test]
fn packets_that_a_queue_dropped_do_not_lengthen_it() {
    let queue = Queue { packets_per_second: 10, length: 1 };
    let mut lane = Lane::new(Link { queue: Some(queue), ..Link::default() }, SEED, "there");
    for _ in 0..100 {
        lane.send(Duration::ZERO);
    }
    assert_eq!(lane.send(100 * MILLI), Fate::Arrives(200 * MILLI));
}

#[test]
fn delays_stay_in_their_band_and_fill_it() {
    for reorder in [false, true] {
        let link = Link { delay: 80 * MILLI, jitter: 20 * MILLI, reorder, ..Link::default() };
        let arrivals = arrivals(&fates(link, SEED, 100_000, MILLI));
        let delays: Vec<_> =
            arrivals.iter().zip(0..).map(|(at, packet)| at.abs_diff(MILLI * packet)).collect();
        let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!((60 * MILLI..62 * MILLI).contains(least), "{reorder} {least:?}");
        assert!((98 * MILLI..=100 * MILLI).contains(most), "{reorder} {most:?}");
        let mean = delays.iter().sum::<Duration>() / 100_000;
        assert!(mean.abs_diff(80 * MILLI) < MILLI, "{reorder} {mean:?}");
    }
}

#[test]
fn packets_overtake_each_other_only_where_asked() {
    for reorder in [false, true] {
        let link = Link { delay: 200 * MILLI, jitter: 50 * MILLI, reorder, ..Link::default() };
        let arrivals = arrivals(&fates(link, SEED, 10_000, Duration::from_micros(20)));
        assert_eq!(arrivals.is_sorted(), !reorder);
    }
}

#[test]
fn a_wandering_delay_does_not_hang_on_the_packets_before() {
    let link = Link { delay: 80 * MILLI, jitter: 20 * MILLI, ..Link::default() };
    let dense = arrivals(&fates(link, SEED, 20_000, MILLI / 10));
    let sparse = arrivals(&fates(link, SEED, 20, 100 * MILLI));
    for (packet, at) in sparse.iter().enumerate() {
        assert!(at.abs_diff(dense[packet * 1_000]) < Duration::from_micros(1), "{packet}");
    }
}
