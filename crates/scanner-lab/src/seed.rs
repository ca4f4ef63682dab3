//! Choices that a seed repeats.

use std::collections::BTreeSet;

/// A stream of choices: number `index` of one stream is the same whenever it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choices(u64);

impl Choices {
    /// The stream called `what` of a seed; streams of different names have nothing to do with each other.
    pub(crate) fn new(seed: u64, what: &str) -> Self {
        Self(what.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte))))
    }

    /// Evenly distributed.
    pub(crate) fn at(self, index: u64) -> u64 {
        mix(self.0 ^ mix(index))
    }

    /// Evenly distributed from 0 up to, but not including, 1.
    pub(crate) fn fraction(self, index: u64) -> f64 {
        // 32 bits are exact in a float, and fine enough for a chance.
        f64::from(u32::try_from(self.at(index) >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
    }

    /// `items` in an order of chance.
    pub(crate) fn shuffled<T>(self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut keyed: Vec<_> =
            items.into_iter().zip(0..).map(|(item, index)| (self.at(index), index, item)).collect();
        keyed.sort_by_key(|(key, index, _)| (*key, *index));
        keyed.into_iter().map(|(.., item)| item).collect()
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the result depends on every bit of `state`.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// `count` different ports in rising order, the same for the same seed. `count` is at most 65,535.
pub fn seeded_ports(seed: u64, count: usize) -> Vec<u16> {
    let ports = Choices::new(seed, "ports").shuffled(1..=u16::MAX);
    let chosen: BTreeSet<_> = ports.into_iter().take(count).collect();
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_follow_the_seed() {
        assert_eq!(seeded_ports(7, 200), seeded_ports(7, 200));
        assert_ne!(seeded_ports(7, 200), seeded_ports(8, 200));
        let ports = seeded_ports(9, 65_535);
        assert_eq!((ports.len(), ports.first(), ports.last()), (65_535, Some(&1), Some(&65_535)));
    }

    #[test]
    fn streams_of_one_seed_differ() {
        let [a, b] = ["there", "back"].map(|what| Choices::new(7, what));
        let same = (0..1_000).filter(|index| a.at(*index) == b.at(*index)).count();
        assert_eq!(same, 0);
    }

    #[test]
    fn fractions_are_even() {
        let choices = Choices::new(1, "even");
        let mut tenths = [0_u32; 10];
        for index in 0..100_000 {
            let tenth = (0..10).find(|tenth| choices.fraction(index) < f64::from(tenth + 1) / 10.0).unwrap();
            tenths[usize::try_from(tenth).unwrap()] += 1;
        }
        // Three standard deviations of 100,000 draws with a chance of one in ten.
        assert!(tenths.iter().all(|count| count.abs_diff(10_000) < 300), "{tenths:?}");
    }
}
