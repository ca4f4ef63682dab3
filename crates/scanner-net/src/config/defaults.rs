//! One constant per default and per constant of the engine, each with its reason.

use std::num::NonZeroU32;
use std::time::Duration;

const fn non_zero(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// Sockets at once with a fixed limit: small enough for every descriptor limit in use (macOS starts at 256) and for
/// home routers' connection tables, large enough to fill most paths.
pub(crate) const CONNECTIONS: NonZeroU32 = non_zero(100);

/// The global window with an automatic limit before there is any evidence: the same as the fixed default.
pub(crate) const AUTO_START: u32 = 100;

/// Threads that make connections with an automatic limit, where there are as many processors: with two of them a refused port costs
/// about half the time, and from there on what decides is whether the path carries it.
#[cfg(target_os = "linux")]
pub(crate) const AUTO_REACTORS: NonZeroU32 = non_zero(2);
/// Range of the number of threads: beyond, the controller is what limits the speed.
pub(crate) const MAX_THREADS: NonZeroU32 = non_zero(16);

/// Descriptors that an automatic limit leaves to the rest of the process.
pub(crate) const DESCRIPTOR_RESERVE: u64 = 64;

/// The most sockets of an automatic limit. Each in `SYN_SENT` costs about 6 KB of kernel memory (measured), so this is 120 MB.
pub(crate) const AUTO_CEILING: u32 = 20_000;

/// The most sockets to one host unless configured. At a round trip of 80 ms this is 125,000 attempts per second, about what two threads
/// make; silent ports hold theirs for a time-out, so behind a firewall 150 ms away it is about 45,000. It protects nobody: on a path that
/// cannot carry it loss stops the window long before, and the connection tables of routers on the way count the ports that were asked, not
/// those that wait. 60 MB of kernel memory here (6 KB each, measured). Source ports are no limit: the ports asked differ, so one
/// serves them all.
pub(crate) const AUTO_PER_HOST: u32 = 10_000;

/// Gentle pace: a few connections per host, as embedded devices have listen queues of 1 to 5.
pub(crate) const GENTLE_PER_HOST: NonZeroU32 = non_zero(3);
/// Gentle pace: all hosts together.
pub(crate) const GENTLE_CONNECTIONS: NonZeroU32 = non_zero(30);
/// Gentle pace: attempts per second in all.
pub(crate) const GENTLE_RATE: NonZeroU32 = non_zero(50);

/// The wait for an answer before a host or its group gave a sample: RFC 6298 section 2.1 starts with 1 s, as does the
/// kernel's own SYN timer, so that one attempt holds exactly one SYN.
pub(crate) const INITIAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The wait for the second attempt to a host that never answered. Together with the first, half a second or more, it outlasts the 3 s after which
/// Linux gives up neighbour resolution, so that "nobody there" is heard as an error instead of guessed from silence.
pub(crate) const UNHEARD_RETRY_TIMEOUT: Duration = Duration::from_millis(2_700);

/// How long Linux asks for a neighbour before it gives up: 3 probes, 1 s apart (`mcast_solicit`, `retrans_time_ms`).
pub(crate) const RESOLUTION: Duration = Duration::from_secs(3);

/// How long the probe waits that makes the kernel look for a neighbour: the kernel's timers are late by some ticks.
pub(crate) const RESOLVING_TIMEOUT: Duration = Duration::from_millis(3_200);

/// After this long two requests, a second apart, went unanswered: nmap's ARP scan gives up after two as well.
pub(crate) const NEIGHBOUR_UNANSWERED: Duration = Duration::from_millis(1_250);
/// An answer so long after the first request is one to the second; the table is read a little later.
pub(crate) const NEIGHBOUR_LATE: Duration = Duration::from_millis(950);

/// How long an entry of the neighbour table may be out of date after a packet to it: Linux asks anew after 5 s
/// (`delay_first_probe_time`), three times a second apart (`ucast_solicit`).
pub(crate) const STALE_FOR: Duration = Duration::from_secs(9);

/// Neighbours that the kernel is made to look for per second: each is a broadcast that every device of the network hears.
pub(crate) const NEIGHBOURS_PER_SECOND: u32 = 400;
/// How many are looked for at once at least, after the table was full: other programs need new entries too.
pub(crate) const NEIGHBOURS_WHEN_FULL: u32 = 64;
/// How long no new neighbour is looked for after the table was full.
pub(crate) const TABLE_FULL_PAUSE: Duration = Duration::from_secs(1);
/// How long the number stays lower after that: Linux clears out unused entries every 5 s at most.
pub(crate) const TABLE_FULL_FOR: Duration = Duration::from_secs(5);
/// How often a neighbour is looked for whose silence may only mean that the table was full.
pub(crate) const NEIGHBOUR_TRIES: u8 = 3;

/// Time between two readings of the neighbour table while hosts wait for it; reading 1,000 entries takes about 1 ms.
pub(crate) const TABLE_PAUSE: Duration = Duration::from_millis(50);
/// The same where a host has nothing else to wait for.
pub(crate) const TABLE_SHORT_PAUSE: Duration = Duration::from_millis(10);

/// The shortest wait: below 100 ms, scheduling delays and delayed answers of small devices are taken for silence
/// (nmap's floor in its default timing is the same).
pub(crate) const MIN_TIMEOUT: Duration = Duration::from_millis(100);

/// The longest wait for one attempt unless configured: three kernel SYNs (0, 1, 2 s).
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(3);

/// Range of the configurable time-out.
pub(crate) const TIMEOUT_FLOOR: Duration = Duration::from_millis(10);
/// Range of the configurable time-out.
pub(crate) const TIMEOUT_CEILING: Duration = Duration::from_mins(1);
/// The longest deadline: 30 days.
pub(crate) const LONGEST_SCAN: Duration = Duration::from_hours(30 * 24);

/// Attempts to a silent port beyond the first: at 30 % loss each way 14 attempts bring a miss below 10^-4.
pub(crate) const MAX_RETRIES: u8 = 13;

/// The chance of a missed port that the number of attempts aims at.
pub(crate) const MISS_TARGET: f64 = 1e-4;

/// Rounds in which the last silent ports of a host that answers are asked once more …
pub(crate) const PATIENCE_ROUNDS: u8 = 12;
/// … this far apart: a program that accepts for 150 ms of every 1.6 s, then, meets one of them. Servers that fall behind do so for
/// fractions of a second; the kernel's own repetitions of the SYN come 1 s apart and would meet the same phase again and again.
pub(crate) const PATIENCE_EVERY: Duration = Duration::from_millis(125);
/// Where an answer takes longer the rounds are farther apart, and fewer of them last as long. At least so many there are: a process that
/// was stopped meanwhile has not asked.
pub(crate) const LEAST_PATIENCE_ROUNDS: u8 = 6;
/// The most silent ports for which that is done …
pub(crate) const PATIENCE_PORTS: usize = 64;
/// … and how many times as many others must have answered.
pub(crate) const PATIENCE_SHARE: usize = 4;

/// A host's first window (RFC 6928's initial window, and nmap's).
pub(crate) const INITIAL_WINDOW: f64 = 10.0;

/// Round trips as long as this are a window's measure: of a farther host an answer widens it by one for each of them that it took. With one
/// per answer, whatever the distance, a window of 10 takes 0.8 s to fill a path of 80 ms. TCP Hybla, made for satellites, has the same
/// measure, and grows by a power of it.
pub(crate) const STRIDE: Duration = Duration::from_millis(25);
/// The most by which one answer widens a window: what a path cannot carry is noticed a time-out later, and is to be a few times as much.
pub(crate) const LONGEST_STRIDE: u32 = 3;
/// The same while a window is small …
pub(crate) const FIRST_STRIDE: u32 = 8;
/// … which it is up to this many probes: they are 6,000 bytes, of which TCP sends more than twice as many before the first
/// acknowledgement (RFC 6928), whatever the distance.
pub(crate) const SMALL_WINDOW: u32 = 100;

/// How often the window of a host doubles of which no answer tells yet how long one takes: it is at its bound within a second, as long
/// as the first silence takes to be noticed.
pub(crate) const RAMP_EVERY: Duration = Duration::from_millis(100);

/// Likely ports that are asked to find out whether a host is there. Two attempts each are the 32 probes that a host may
/// be sent before its first answer.
pub(crate) const DISCOVERY_PORTS: usize = 16;
/// The same where there are more than [`WIDE_TARGETS`] targets, as most of them are then dead.
pub(crate) const WIDE_DISCOVERY_PORTS: usize = 6;
/// A host's first window there: breadth first, so that the hosts that are there are found with the first probes.
pub(crate) const WIDE_WINDOW: f64 = 2.0;
/// Up to this many targets each gets the full discovery tier: someone named them.
pub(crate) const WIDE_TARGETS: u128 = 16;

/// How many ports of silent hosts are asked, all together, where the targets are a few and the limit is automatic: whoever names a host
/// wants to know. Thirty open ports among all of one host are found with a probability of 99.9 %; where nobody is, a scan loses half a
/// minute by it, whatever the number of targets.
pub(crate) const SEARCHED_PORTS: usize = 16_384;

/// Hosts without any answer that an automatic limit asks at once: Linux starts to evict neighbour entries at 512 (`gc_thresh2`)
/// and refuses new ones at 1,024 (`gc_thresh3`), of which other programs need their share.
pub(crate) const UNHEARD_HOSTS: usize = 512;
/// How far silence of such hosts may widen an automatic global window: a /24 of them with all their discovery ports.
pub(crate) const UNHEARD_WINDOW: u32 = 1_536;
/// How far its own silence may widen the window of a host that never answered, where all its ports are asked on request.
pub(crate) const UNHEARD_PER_HOST: u32 = 1_024;

/// With a fixed limit, up to this many ports hosts are scanned side by side; above, one after another.
pub(crate) const PARALLEL_PORTS: usize = 1_000;

/// Hosts that may be in discovery while another host is being scanned in full.
pub(crate) const DISCOVERY_AHEAD: usize = 32;

/// The most hosts with state at once: bounds memory at about 1 KB each for short lists.
pub(crate) const ACTIVE_HOSTS: usize = 4_096;

/// A canary is sent after this many silent probes of a host that had answered …
pub(crate) const CANARY_EVERY_SILENT: u32 = 64;
/// … or this long after the last answer, while probes are silent.
pub(crate) const CANARY_EVERY: Duration = Duration::from_millis(500);

/// Listeners that echoes go to in turn: none of them is to see more than a few dozen.
pub(crate) const LISTENERS: usize = 8;
/// Loss is heavy, and slows a host down, from this share of its packets on. Random loss on a path of 20 % each way takes 36 % of the
/// answers, whatever the rate; a firewall that passes N SYN/s takes this share as soon as it is asked for 1.7 N.
pub(crate) const HEAVY_LOSS_PERCENT: u32 = 40;
/// The least number of canaries by which that is judged.
pub(crate) const CANARIES_THAT_TELL: u32 = 4;

/// So many times halved for heavy loss, the largest window is one of 40: something else than a lucky canary has to tell why.
pub(crate) const REDUCTIONS_THAT_TELL: u32 = 8;
/// With fewer ports left to ask, the rate that gets through is not measured: it takes 64 echoes and 0.4 s at least, and what little is sent
/// at the end of a scan is far from any limit.
pub(crate) const PORTS_WORTH_MEASURING: usize = 64;
/// The least number of repeated attempts by which the same is judged.
pub(crate) const REPETITIONS_THAT_TELL: u32 = 16;

/// Attempts of a canary in a row without answer before the host counts as lost.
pub(crate) const CANARY_STRIKES: u32 = 4;

/// First pause between canaries to a lost host; doubles to [`LOST_PAUSE_MAX`].
pub(crate) const LOST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause between canaries to a lost host.
pub(crate) const LOST_PAUSE_MAX: Duration = Duration::from_secs(4);
/// How long a lost host may stay away before its open questions are `unknown/host-lost`: a link flap or a device's watchdog
/// reboot of its network stack takes 5 to 10 s.
pub(crate) const LOST_FOR: Duration = Duration::from_secs(15);
/// The least number of canaries in that time: a process that was stopped meanwhile has not waited.
pub(crate) const LOST_TRIES: u32 = 3;

/// First pause after this machine refused a socket; doubles to [`LOCAL_PAUSE_MAX`].
pub(crate) const LOCAL_PAUSE: Duration = Duration::from_millis(20);
/// Longest pause after this machine refused a socket.
pub(crate) const LOCAL_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long this machine may refuse every socket before what is open is `unknown/local-limit`.
pub(crate) const LOCAL_PATIENCE: Duration = Duration::from_secs(15);
/// The least number of pauses in such a time, half of what it has room for: a process that was stopped meanwhile has not waited.
pub(crate) const PATIENT_TRIES: u32 = 8;

/// Pause between attempts while this machine's network is down.
pub(crate) const DOWN_PAUSE: Duration = Duration::from_millis(500);
/// How long the network may stay away before what is open is `unknown/network-down`.
pub(crate) const DOWN_PATIENCE: Duration = Duration::from_secs(15);

/// Events that may wait for the consumer before new probes pause.
pub(crate) const EVENT_CAPACITY: usize = 1_024;

/// Shortest time between two published values of the progress: ten per second.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How long the end of a scan waits for the last call of a progress callback.
pub(crate) const LAST_CALLBACK: Duration = Duration::from_millis(100);

/// From this many asked ports on, nine open ones in ten mean that something accepts everything: no host offers that many
/// services, proxies and tarpits do.
pub(crate) const ACCEPTS_EVERYTHING_PORTS: usize = 100;
