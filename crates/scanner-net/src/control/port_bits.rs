//! `PortBits`: ports collected in any order, in little memory: a list while they are few, then an 8 KB bitmap. `ByReason`: such
//! collections for the reasons that occur on one host.

use scanner_core::{PortSet, Reason};

#[derive(Debug, Clone)]
pub(crate) enum PortBits {
    Few(Vec<u16>),
    Many { words: Box<[u64; WORDS]>, len: usize, from: usize },
}

const WORDS: usize = 1 << 10;

/// Above this many ports the bitmap is the smaller of the two.
const FEW: usize = 4096;

impl Default for PortBits {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl PortBits {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many { len, .. } => *len,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a port that is not in the set.
    pub(crate) fn insert(&mut self, port: u16) {
        match self {
            Self::Few(list) if list.len() < FEW => list.push(port),
            Self::Few(list) => {
                let mut words = Box::new([0_u64; WORDS]);
                for &port in &*list {
                    let (word, bit) = place(port);
                    words[word] |= bit;
                }
                *self = Self::Many { words, len: list.len(), from: 0 };
                self.insert(port);
            }
            Self::Many { words, len, from } => {
                let (word, bit) = place(port);
                *len += usize::from(words[word] & bit == 0);
                words[word] |= bit;
                *from = (*from).min(word);
            }
        }
    }

    /// Removes a port; whether it was there.
    pub(crate) fn remove(&mut self, port: u16) -> bool {
        match self {
            Self::Few(list) => {
                list.iter().rposition(|&p| p == port).is_some_and(|at| list.swap_remove(at) == port)
            }
            Self::Many { words, len, .. } => {
                let (word, bit) = place(port);
                let there = words[word] & bit != 0;
                words[word] &= !bit;
                *len -= usize::from(there);
                there
            }
        }
    }

    /// Takes some port out of the set.
    pub(crate) fn pop(&mut self) -> Option<u16> {
        match self {
            Self::Few(list) => list.pop(),
            Self::Many { words, len, from } => {
                while *from < WORDS && words[*from] == 0 {
                    *from += 1;
                }
                let word = words.get_mut(*from)?;
                let port = *from * 64 + word.trailing_zeros() as usize;
                *word &= *word - 1;
                *len -= 1;
                u16::try_from(port).ok()
            }
        }
    }

    /// The ports as merged ranges.
    pub(crate) fn to_set(&self) -> PortSet {
        match self {
            Self::Few(list) => list.iter().copied().collect(),
            Self::Many { words, .. } => {
                let mut set = PortSet::default();
                let mut from = 0;
                while let Some(first) = next_bit(words, from, 0) {
                    let end = next_bit(words, first, u64::MAX).unwrap_or(PORTS);
                    set.insert_range(port_at(first), port_at(end - 1));
                    from = end;
                }
                set
            }
        }
    }
}

const PORTS: usize = WORDS * 64;

/// The first place from `from` on whose bit differs from those of `flipped`, a word of the same bit throughout.
fn next_bit(words: &[u64; WORDS], from: usize, flipped: u64) -> Option<usize> {
    let mut at = from / 64;
    let mut word = (words.get(at)? ^ flipped) & (u64::MAX << (from % 64));
    while word == 0 {
        at += 1;
        word = words.get(at)? ^ flipped;
    }
    Some(at * 64 + word.trailing_zeros() as usize)
}

fn port_at(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

/// Ports by what is known of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByReason {
    // In a row, as few reasons occur on one host, and nearly every port has the first of them.
    rows: Vec<(Reason, PortBits)>,
}

impl ByReason {
    /// Adds a port that has no reason yet.
    pub(crate) fn insert(&mut self, reason: Reason, port: u16) {
        if let Some((_, bits)) = self.rows.iter_mut().find(|(of, _)| *of == reason) {
            bits.insert(port);
        } else {
            let mut bits = PortBits::default();
            bits.insert(port);
            self.rows.push((reason, bits));
        }
    }

    /// Whether any port has this reason.
    pub(crate) fn contains(&self, reason: Reason) -> bool {
        self.iter().any(|(of, _)| of == reason)
    }

    /// The ports of each reason that occurs, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Reason, &PortBits)> {
        self.rows.iter().map(|(reason, bits)| (*reason, bits))
    }
}

const fn place(port: u16) -> (usize, u64) {
    (port as usize / 64, 1 << (port % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_port_ends_a_range() {
        let mut bits = PortBits::default();
        (1..=u16::MAX).for_each(|port| bits.insert(port));
        assert_eq!(bits.to_set(), PortSet::all());
        for port in [1, 63, 64, 128, u16::MAX] {
            bits.remove(port);
        }
        assert_eq!(bits.to_set().ranges(), [(2, 62), (65, 127), (129, u16::MAX - 1)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn behaves_like_a_set(ports in prop::collection::hash_set(1..=u16::MAX, 0..9000), gone in prop::collection::vec(1..=u16::MAX, 0..500)) {
            let mut bits = PortBits::default();
            let mut model = BTreeSet::new();
            for &port in ports.iter().collect::<BTreeSet<_>>() {
                bits.insert(port);
                model.insert(port);
            }
            for port in gone {
                prop_assert_eq!(bits.remove(port), model.remove(&port));
            }
            prop_assert_eq!(bits.len(), model.len());
            prop_assert_eq!(bits.to_set(), model.iter().copied().collect());
            while let Some(port) = bits.pop() {
                prop_assert!(model.remove(&port));
            }
            prop_assert!(model.is_empty() && bits.is_empty());
        }
    }

    #[test]
    fn a_reason_occurs_once_it_has_a_port() {
        let mut ports = ByReason::default();
        assert!(!ports.contains(Reason::Rst));
        ports.insert(Reason::Rst, 1);
        assert!(ports.contains(Reason::Rst) && !ports.contains(Reason::Handshake));
    }
}
