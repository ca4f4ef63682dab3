//! `Crowd`: entries that fill the kernel's neighbour table. The table is one for the whole machine, whatever the namespace, so
//! that nobody on this machine finds new neighbours while a crowd stands. No kernel parameter is changed, and when the
//! namespace goes its entries go with it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::worker::Worker;

/// How many entries the kernel allows.
const LIMIT: &str = "/proc/sys/net/ipv4/neigh/default/gc_thresh3";

/// More than that nobody should fill for a test.
const MOST: u32 = 16_384;

/// The kernel throws out what is older than five seconds when the table is full.
const REFRESH: Duration = Duration::from_secs(2);

const DEVICE: &str = "crowd";

#[derive(Debug)]
pub(crate) struct Crowd {
    _worker: Worker,
    _namespace: Namespace,
}

impl Crowd {
    pub(crate) fn new() -> Result<Self, LabError> {
        let unavailable =
            |why: &dyn ToString| LabError::unavailable("no full neighbour table", &why.to_string());
        let limit = fs::read_to_string(LIMIT).map_err(|error| unavailable(&error))?;
        let limit = limit.trim().parse().ok().filter(|limit| *limit <= MOST);
        let limit: u32 =
            limit.ok_or_else(|| unavailable(&format!("more than {MOST} entries are allowed")))?;
        let namespace = Namespace::new()?;
        namespace.ip(&format!("link add {DEVICE} type veth peer name other"))?;
        namespace.ip(&format!("link set {DEVICE} up"))?;
        let entries = entries(limit);
        let fill = move || fill(&entries);
        // The first entries that do not fit are the sign that the table is full.
        namespace.run(&fill)?;
        let worker = Worker::start(&namespace, move |owner| {
            while !owner.gone_within(REFRESH) {
                fill();
            }
        })?;
        Ok(Self { _worker: worker, _namespace: namespace })
    }
}

fn fill(entries: &str) {
    let ip = Command::new("ip")
        .args(["-force", "-batch", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut ip) = ip else { return };
    if let Some(mut stdin) = ip.stdin.take() {
        // It reads to the end, whatever the kernel refuses.
        drop(io::Write::write_all(&mut stdin, entries.as_bytes()));
    }
    drop(ip.wait());
}

/// Somewhat more than fit.
fn entries(limit: u32) -> String {
    let mut text = String::new();
    for number in 1..=limit + 64 {
        let [_, _, third, fourth] = number.to_be_bytes();
        let _ = writeln!(
            text,
            "neigh replace 10.64.{third}.{fourth} lladdr 02:00:00:00:00:01 dev {DEVICE} nud reachable"
        );
    }
    text
}
