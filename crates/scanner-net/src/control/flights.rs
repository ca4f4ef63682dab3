//! The probes that wait for an answer.

use std::net::SocketAddr;
use std::time::Duration;

use slab::Slab;

use super::host::Ask;
use super::time::ScanTime;

/// One connection attempt, for the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) id: ProbeId,
    pub(crate) addr: SocketAddr,
    /// How long to wait for an answer, from the moment the attempt is really made.
    pub(crate) timeout: Duration,
    /// From when on silence may be the neighbour's: on expiry the neighbour table is to be read, as the kernel limits the errors
    /// by which it tells. `None` where the host was heard of.
    pub(crate) unresolved_from: Option<ScanTime>,
}

/// Names a probe until its outcome; never used twice in a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProbeId {
    slot: u32,
    serial: u32,
}

impl ProbeId {
    /// A name by its parts.
    #[cfg(test)]
    pub(crate) fn new(slot: usize, serial: u32) -> Self {
        Self { slot: u32::try_from(slot).unwrap(), serial }
    }

    /// What tells it from others with the same slot.
    #[cfg(test)]
    pub(crate) const fn serial(self) -> u32 {
        self.serial
    }

    /// A small number, which no other probe that is under way has.
    #[cfg_attr(
        not(any(test, target_os = "linux")),
        expect(dead_code, reason = "the connector of Linux keeps a table by it")
    )]
    pub(crate) const fn slot(self) -> usize {
        self.slot as usize
    }
}

/// What the controller remembers of a probe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flight {
    pub(crate) host: usize,
    pub(crate) ask: Ask,
    pub(crate) sent: ScanTime,
}

#[derive(Debug, Default)]
pub(crate) struct Flights {
    slots: Slab<(u32, Flight)>,
    serial: u32,
}

impl Flights {
    #[expect(clippy::cast_possible_truncation, reason = "at most the window's cap, a u32")]
    pub(crate) fn len(&self) -> u32 {
        self.slots.len() as u32
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most the window's cap, a u32")]
    pub(crate) fn insert(&mut self, flight: Flight) -> ProbeId {
        self.serial = self.serial.wrapping_add(1);
        let slot = self.slots.insert((self.serial, flight)) as u32;
        ProbeId { slot, serial: self.serial }
    }

    /// The probe's flight, unless it is over already.
    pub(crate) fn remove(&mut self, id: ProbeId) -> Option<Flight> {
        let slot = id.slot as usize;
        match self.slots.get(slot) {
            Some((serial, _)) if *serial == id.serial => Some(self.slots.remove(slot).1),
            _ => None,
        }
    }

    /// Takes out every probe whose flight is chosen, in one pass.
    #[expect(clippy::cast_possible_truncation, reason = "at most the window's cap, a u32")]
    pub(crate) fn take(&mut self, chosen: impl Fn(&Flight) -> bool) -> Vec<(ProbeId, Flight)> {
        let mut taken = Vec::new();
        self.slots.retain(|slot, (serial, flight)| {
            let keep = !chosen(flight);
            if !keep {
                taken.push((ProbeId { slot: slot as u32, serial: *serial }, *flight));
            }
            keep
        });
        taken
    }
}
