//! `Index`: what belongs to an attempt, by its name.

use crate::control::ProbeId;

/// The slots of [`ProbeId`]s are small numbers, given again as soon as they are free: a list serves as the map.
#[derive(Debug, Default)]
pub(super) struct Index {
    values: Vec<Option<(ProbeId, u32)>>,
}

impl Index {
    pub(super) fn insert(&mut self, id: ProbeId, value: u32) {
        let slot = id.slot();
        if self.values.len() <= slot {
            self.values.resize(slot + 1, None);
        }
        self.values[slot] = Some((id, value));
    }

    /// Takes out what belongs to the attempt; `None` where it is not known, or not any more.
    pub(super) fn take(&mut self, id: ProbeId) -> Option<u32> {
        let entry = self.values.get_mut(id.slot())?;
        match *entry {
            Some((known, value)) if known == id => {
                *entry = None;
                Some(value)
            }
            _ => None,
        }
    }
}
