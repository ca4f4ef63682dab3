//! `TargetSetBuilder`: addresses that come in any order, millions of them.

use crate::host_addr::HostAddr;
use crate::target_set::{Space, TargetSet};

/// Ranges are collected up to this many, or a quarter of what the set has, before they are sorted into it: few enough
/// to cost little memory (3 MB), enough that a list in random order costs a few passes over the set instead of a search
/// in it for each line.
const BATCH: usize = 1 << 16;

/// Makes a [`TargetSet`] of ranges in any order. Memory follows the ranges that are left when they are merged.
///
/// ```
/// use scanner_core::{HostAddr, TargetSetBuilder};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = TargetSetBuilder::default();
/// for addr in ["192.0.2.3", "192.0.2.1", "192.0.2.2", "192.0.2.1"] {
///     let addr: HostAddr = addr.parse()?;
///     builder.insert_range(addr, addr);
/// }
/// assert_eq!(builder.build().to_string(), "192.0.2.1-192.0.2.3");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct TargetSetBuilder {
    set: TargetSet,
    waiting: Vec<(Space, u128, u128)>,
}

impl TargetSetBuilder {
    /// Adds the addresses from `first` to `last`, both included; nothing where [`TargetSet::insert_range`] would not.
    pub fn insert_range(&mut self, first: HostAddr, last: HostAddr) {
        let ((space, first), (end_space, last)) = (Space::of(first), Space::of(last));
        if space != end_space || first > last {
            return;
        }
        if let Some(previous) = self.waiting.last_mut()
            && previous.0 == space
            && previous.2.checked_add(1) == Some(first)
        {
            previous.2 = last;
            return;
        }
        if self.waiting.len() >= BATCH.max(self.set.range_count() / 4) {
            self.sort_in();
        }
        self.waiting.push((space, first, last));
    }

    /// The set of all that was added.
    #[must_use]
    pub fn build(mut self) -> TargetSet {
        self.sort_in();
        self.set
    }

    fn sort_in(&mut self) {
        self.waiting.sort_unstable();
        for ranges in self.waiting.chunk_by(|a, b| a.0 == b.0) {
            let space = ranges.first().map_or(Space::V4, |range| range.0);
            let ranges: Vec<_> = ranges.iter().map(|&(_, first, last)| (first, last)).collect();
            self.set.extend_sorted(space, &ranges);
        }
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// More than one batch, of ranges that overlap and touch.
        #[test]
        fn is_the_same_set_in_whatever_order(seed: u64, spread in 1..5_u64) {
            let mut builder = TargetSetBuilder::default();
            let mut set = TargetSet::new();
            let mut state = seed;
            for _ in 0..BATCH + 1_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = u128::from((state >> 33) % (BATCH as u64 * spread));
                let space = if state.is_multiple_of(3) { Space::V6 { scope: 2 } } else { Space::V4 };
                let (first, last) = (space.addr(number), space.addr(number + u128::from(state >> 62)));
                builder.insert_range(first, last);
                set.insert_range(first, last);
            }
            prop_assert_eq!(builder.build(), set);
        }
    }

    #[test]
    fn nothing_lies_between_two_spaces_or_backwards() {
        let addr = |text: &str| text.parse::<HostAddr>().unwrap();
        let mut builder = TargetSetBuilder::default();
        builder.insert_range(addr("10.0.0.1"), addr("::1"));
        builder.insert_range(addr("10.0.0.2"), addr("10.0.0.1"));
        builder.insert_range(addr("ffff::"), addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
        builder.insert_range(addr("::"), addr("::1"));
        assert_eq!(builder.build().to_string(), "::/127,ffff::/16");
    }

    #[test]
    fn neighbours_in_number_only_stay_apart() {
        let addr = |text: &str| text.parse::<HostAddr>().unwrap();
        let mut builder = TargetSetBuilder::default();
        for text in ["255.255.255.255", "::1:0:0", "10.0.0.2", "::9", "10.0.0.1"] {
            builder.insert_range(addr(text), addr(text));
        }
        let set = builder.build().to_string();
        assert_eq!(set, "10.0.0.1-10.0.0.2,255.255.255.255,::9,::1:0:0");
    }
}
