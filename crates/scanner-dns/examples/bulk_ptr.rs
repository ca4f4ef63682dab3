//! How fast the names of 5,000 addresses are found: by this crate (alone, and with the check whether each name leads back, which
//! is two more questions each), and by 512 threads that call getnameinfo. All ask the name server of `/etc/resolv.conf`. To have one that knows all
//! of them, in a namespace of which nothing is left (as root, with Debian's dnsmasq-base):
//!
//! ```sh
//! cargo build --release -p scanner-dns --example bulk_ptr
//! unshare --net --mount sh -c '
//!   ip link set lo up
//!   echo "nameserver 127.0.0.1" >/run/resolv.bulk && mount --bind /run/resolv.bulk /etc/resolv.conf
//!   dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces \
//!     --synth-domain=bulk.lan,10.20.0.0/16 2>/dev/null & server=$!
//!   sleep 1; target/release/examples/bulk_ptr; kill $server; rm /run/resolv.bulk'
//! ```

#![expect(clippy::print_stdout, reason = "the figures are its result")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use scanner_dns::{Backend, CancellationToken, DnsConfig, Resolver, SetupError};

const ADDRESSES: u32 = 5_000;
const THREADS: usize = 512;
/// Odd, so that there is a run in the middle.
const RUNS: usize = 9;
/// What [`DnsConfig`] has by default.
const PARALLEL: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let by_hickory = |parallel, confirm| timed(|| runtime.block_on(hickory(parallel, confirm)));
    getnameinfo(1); // reads the system's configuration
    let mut times: [Vec<Duration>; 3] = Default::default();
    for run in 1..=RUNS {
        let measured = [
            by_hickory(PARALLEL, false)?,
            by_hickory(PARALLEL, true)?,
            timed(|| Ok(getnameinfo(ADDRESSES)))?,
        ];
        let [alone, checked, threads] = measured.map(|(time, found)| format!("{time:>8.2?} ({found} names)"));
        println!("run {run}: Hickory {alone}, with check {checked}; getnameinfo {threads}");
        times.iter_mut().zip(measured).for_each(|(times, (time, _))| times.push(time));
    }
    let [alone, checked, threads] = times.map(|mut times| {
        times.sort();
        times[RUNS / 2]
    });
    let ratio = |time: Duration| threads.as_secs_f64() / time.as_secs_f64();
    println!("median: Hickory {alone:.2?}, with check {checked:.2?}; getnameinfo {threads:.2?}");
    println!("Hickory is {:.1} times as fast, with check {:.1} times", ratio(alone), ratio(checked));
    for parallel in [16, 32, 64, 128, 256, 512] {
        let (time, found) = by_hickory(parallel, true)?;
        println!("{parallel:>4} at once, with check: {time:.2?} ({found} names)");
    }
    Ok(())
}

async fn hickory(parallel: usize, confirm: bool) -> Result<usize, SetupError> {
    let config = DnsConfig { reverse: Backend::Hickory, parallel, confirm, ..DnsConfig::default() };
    let (resolver, cancel) = (Resolver::new(config)?, CancellationToken::new());
    let addrs = stream::iter(0..ADDRESSES).map(address);
    let named =
        resolver.reverse_many(addrs, &cancel).filter(|(_, answer)| std::future::ready(answer.is_ok()));
    Ok(named.count().await)
}

fn getnameinfo(addresses: u32) -> usize {
    let next = AtomicU32::new(0);
    let work = || {
        let mut found = 0;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= addresses {
                return found;
            }
            // Without a name it gives back the digits.
            let ip = address(number);
            let name = dns_lookup::getnameinfo(&SocketAddr::new(ip, 0), 0);
            found += usize::from(name.is_ok_and(|(host, _)| host != ip.to_string()));
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
    })
}

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a14_0000 + number).into()
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
fn timed<T>(work: impl FnOnce() -> Result<T, SetupError>) -> Result<(Duration, T), SetupError> {
    let begin = Instant::now();
    let result = work()?;
    Ok((begin.elapsed(), result))
}
