//! The scanner's own link goes down in the middle of a scan, and comes back.

use std::fs;
use std::io;
use std::process::Command;
use std::time::Duration;

use crate::error::LabError;
use crate::namespace::Namespace;
use crate::scenario::LinkDown;
use crate::worker::{Owner, Worker};

/// How often the device's counter is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// Takes the device down once it has sent so many more packets.
pub(crate) fn start(namespace: &Namespace, device: &'static str, plan: LinkDown) -> Result<Worker, LabError> {
    Worker::start(namespace, move |owner| {
        // Without its device the scan goes on undisturbed: better no run than a wrong one.
        let done = once(device, plan, owner);
        assert!(done.is_ok(), "take {device} down: {done:?}");
    })
}

fn once(device: &str, plan: LinkDown, owner: &Owner) -> io::Result<()> {
    let limit = packets_sent(device)? + plan.after_packets;
    while packets_sent(device)? < limit {
        if owner.gone_within(LOOK) {
            return Ok(());
        }
    }
    set(device, "down")?;
    let gone = owner.gone_within(Duration::from_millis(plan.for_ms));
    if gone { Ok(()) } else { set(device, "up") }
}

fn set(device: &str, state: &str) -> io::Result<()> {
    let status = Command::new("ip").args(["link", "set", device, state]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("ip link set {device} {state}"))) }
}

/// Of the namespace of this thread.
fn packets_sent(device: &str) -> io::Result<u64> {
    let table = fs::read_to_string("/proc/thread-self/net/dev")?;
    sent_by(device, &table).ok_or_else(|| io::Error::other(format!("no device {device}")))
}

/// The second column of the second half of a device's line.
fn sent_by(device: &str, table: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.trim_start().strip_prefix(device)?.strip_prefix(':'))?;
    line.split_whitespace().nth(9)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_of_sent_packets_is_found() {
        let table = "Inter-|   Receive |  Transmit\n face |bytes packets |bytes packets\n\
                     lo:  1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  wire: 1 2 0 0 0 0 0 0 900 17 0 0 0 0 0 0\n";
        assert_eq!((sent_by("wire", table), sent_by("eth0", table)), (Some(17), None));
    }
}
