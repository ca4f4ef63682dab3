//! Choices that a seed repeats.

use std::collections::BTreeSet;

/// `count` different ports in rising order, the same for the same seed. `count` is at most 65,535.
pub fn seeded_ports(seed: u64, count: usize) -> Vec<u16> {
    let mut state = seed;
    let mut ports = BTreeSet::new();
    while ports.len() < count.min(usize::from(u16::MAX)) {
        // Knuth's MMIX generator; its high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ports.extend(u16::try_from(state >> 48).ok().filter(|port| *port > 0));
    }
    ports.into_iter().collect()
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
}
