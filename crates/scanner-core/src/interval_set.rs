//! `IntervalSet`: numbers up to 2^128 - 1 as merged ranges, with random access.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

/// With this many times more ranges in a set than are to be added, adding them one by one is the faster way.
const MANY_FEWER: usize = 16;

/// A set of numbers, kept as ascending inclusive ranges that neither overlap nor touch.
///
/// Changes cost O(log n) in the number of ranges, in whatever order they come: a list of a million addresses is read
/// into a set one by one. The table that [`nth`](Self::nth) and [`rank`](Self::rank) search is made at their first
/// call after a change, in O(n).
#[derive(Clone, Default)]
pub(crate) struct IntervalSet {
    /// First number of a range → its last one.
    ranges: BTreeMap<u128, u128>,
    /// How many numbers there are, modulo 2^128: zero with ranges stands for all of them.
    count: u128,
    table: OnceLock<Vec<Row>>,
}

/// One range, with what [`IntervalSet::nth`] and [`IntervalSet::rank`] need of it.
#[derive(Clone, Copy)]
struct Row {
    first: u128,
    last: u128,
    /// How many numbers come before `first`.
    before: u128,
}

impl IntervalSet {
    /// Adds the numbers from `first` to `last`, both included; none where `first > last`.
    pub(crate) fn insert(&mut self, mut first: u128, mut last: u128) {
        if first > last {
            return;
        }
        if let Some((&begin, &end)) = self.ranges.range(..=first).next_back()
            && end >= first.saturating_sub(1)
        {
            if end >= last {
                return;
            }
            first = begin;
        }
        while let Some((&begin, &end)) = self.ranges.range(first..).next()
            && begin <= last.saturating_add(1)
        {
            self.take_range(begin, end);
            last = last.max(end);
        }
        self.put_range(first, last);
    }

    /// Takes out the numbers from `first` to `last`, both included.
    pub(crate) fn remove(&mut self, first: u128, last: u128) {
        if first > last {
            return;
        }
        if let Some((&begin, &end)) = self.ranges.range(..first).next_back()
            && end >= first
        {
            self.take_range(begin, end);
            self.put_range(begin, first - 1);
            if end > last {
                self.put_range(last + 1, end);
            }
        }
        while let Some((&begin, &end)) = self.ranges.range(first..=last).next() {
            self.take_range(begin, end);
            if end > last {
                self.put_range(last + 1, end);
            }
        }
    }

    /// Adds many ranges at once, which are in ascending order of their beginnings and may overlap: O(n + m), where
    /// single insertions cost O(m log n).
    pub(crate) fn extend_sorted(&mut self, ranges: &[(u128, u128)]) {
        if ranges.len() < self.ranges.len() / MANY_FEWER {
            for &(first, last) in ranges {
                self.insert(first, last);
            }
            return;
        }
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(self.ranges.len() + ranges.len());
        let mut add = |(first, last): (u128, u128)| match merged.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
            _ => merged.push((first, last)),
        };
        // Frees the old ranges as it goes: there may be millions of them.
        let mut old = std::mem::take(&mut self.ranges).into_iter().peekable();
        for &range in ranges {
            while let Some(earlier) = old.next_if(|old| old.0 <= range.0) {
                add(earlier);
            }
            add(range);
        }
        old.for_each(&mut add);
        let length = |&(first, last): &(u128, u128)| (last - first).wrapping_add(1);
        self.count = merged.iter().map(length).fold(0, u128::wrapping_add);
        self.ranges = merged.into_iter().collect();
        self.table.take();
    }

    /// Takes out everything that is in `other`.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (first, last) in other.ranges() {
            self.remove(first, last);
        }
    }

    pub(crate) fn contains(&self, number: u128) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, &end)| end >= number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many numbers there are; one too few for the set of all 2^128.
    pub(crate) fn len(&self) -> u128 {
        if self.count == 0 && !self.is_empty() { u128::MAX } else { self.count }
    }

    /// The number at position `index` in ascending order.
    pub(crate) fn nth(&self, index: u128) -> Option<u128> {
        let table = self.table();
        let row = table.get(table.partition_point(|row| row.before <= index).checked_sub(1)?)?;
        let offset = index - row.before;
        (offset <= row.last - row.first).then(|| row.first + offset)
    }

    /// The position of `number` in ascending order, where it is in the set.
    pub(crate) fn rank(&self, number: u128) -> Option<u128> {
        let table = self.table();
        let row = table.get(table.partition_point(|row| row.first <= number).checked_sub(1)?)?;
        (number <= row.last).then(|| row.before + (number - row.first))
    }

    /// The numbers in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u128> + '_ {
        self.ranges().flat_map(|(first, last)| first..=last)
    }

    /// The ranges in ascending order, both ends included.
    pub(crate) fn ranges(&self) -> impl ExactSizeIterator<Item = (u128, u128)> + '_ {
        self.ranges.iter().map(|(&first, &last)| (first, last))
    }

    /// The parts of the set that lie between `first` and `last`, in ascending order.
    pub(crate) fn ranges_within(&self, first: u128, last: u128) -> impl Iterator<Item = (u128, u128)> + '_ {
        let start = match self.ranges.range(..=first).next_back() {
            Some((&begin, &end)) if end >= first => begin,
            _ => first,
        };
        // A reversed range of keys would panic.
        let keys = start..=last.max(start);
        self.ranges
            .range(keys)
            .map(move |(&begin, &end)| (begin.max(first), end.min(last)))
            .filter(|(begin, end)| begin <= end)
    }

    fn put_range(&mut self, first: u128, last: u128) {
        self.count = self.count.wrapping_add((last - first).wrapping_add(1));
        self.ranges.insert(first, last);
        self.table.take();
    }

    fn take_range(&mut self, first: u128, last: u128) {
        self.count = self.count.wrapping_sub((last - first).wrapping_add(1));
        self.ranges.remove(&first);
        self.table.take();
    }

    fn table(&self) -> &[Row] {
        self.table.get_or_init(|| {
            let mut before = 0_u128;
            let rows = self.ranges().map(|(first, last)| {
                let row = Row { first, last, before };
                // Wraps only after a range that holds every number, which is the last one.
                before = before.wrapping_add((last - first).wrapping_add(1));
                row
            });
            rows.collect()
        })
    }
}

impl PartialEq for IntervalSet {
    fn eq(&self, other: &Self) -> bool {
        self.ranges == other.ranges
    }
}

impl Eq for IntervalSet {}

impl fmt::Debug for IntervalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ranges()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Small domains where every case of touching and overlapping is met, at both ends of the numbers.
    const ORIGINS: [u128; 2] = [0, u128::MAX - 63];

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Insert(u128, u128),
        Remove(u128, u128),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = (any::<bool>(), 0..64_u128, 0..12_u128).prop_map(|(insert, first, len)| {
            let last = (first + len).min(63);
            if insert { Step::Insert(first, last) } else { Step::Remove(first, last) }
        });
        prop::collection::vec(step, 0..24)
    }

    fn both(origin: u128, steps: &[Step]) -> (IntervalSet, BTreeSet<u128>) {
        let (mut set, mut model) = (IntervalSet::default(), BTreeSet::new());
        for &step in steps {
            match step {
                Step::Insert(first, last) => {
                    set.insert(origin + first, origin + last);
                    model.extend(origin + first..=origin + last);
                }
                Step::Remove(first, last) => {
                    set.remove(origin + first, origin + last);
                    model.retain(|number| !(origin + first..=origin + last).contains(number));
                }
            }
        }
        (set, model)
    }

    fn merged(set: &IntervalSet) -> bool {
        let ranges: Vec<_> = set.ranges().collect();
        ranges.iter().all(|(first, last)| first <= last) && ranges.windows(2).all(|w| w[1].0 - w[0].1 > 1)
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(steps in steps(), origin in prop::sample::select(&ORIGINS)) {
            let (set, model) = both(origin, &steps);
            prop_assert!(merged(&set));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), model.len() as u128);
            prop_assert_eq!(set.is_empty(), model.is_empty());
            for (index, &number) in (0_u128..).zip(&model) {
                prop_assert_eq!(set.nth(index), Some(number));
                prop_assert_eq!(set.rank(number), Some(index));
            }
            prop_assert_eq!(set.nth(set.len()), None);
            for number in origin..=origin + 63 {
                prop_assert_eq!(set.contains(number), model.contains(&number));
                prop_assert_eq!(set.rank(number).is_some(), model.contains(&number));
            }
        }

        #[test]
        fn joins_and_subtracts(a in steps(), b in steps(), origin in prop::sample::select(&ORIGINS)) {
            let ((set_a, model_a), (set_b, model_b)) = (both(origin, &a), both(origin, &b));
            let (mut union, mut difference) = (set_a.clone(), set_a.clone());
            union.extend_sorted(&set_b.ranges().collect::<Vec<_>>());
            difference.subtract(&set_b);
            prop_assert!(merged(&union) && merged(&difference));
            prop_assert_eq!(union.iter().collect::<BTreeSet<_>>(), &model_a | &model_b);
            prop_assert_eq!(difference.iter().collect::<BTreeSet<_>>(), &model_a - &model_b);
        }

        #[test]
        fn many_at_once_are_as_one_by_one(steps in steps(), more in prop::collection::vec((0..64_u128, 0..12_u128), 0..40), origin in prop::sample::select(&ORIGINS)) {
            let (mut set, mut model) = both(origin, &steps);
            let mut more: Vec<_> = more.iter().map(|&(first, len)| (origin + first, origin + (first + len).min(63))).collect();
            more.sort_unstable();
            set.extend_sorted(&more);
            model.extend(more.iter().flat_map(|&(first, last)| first..=last));
            prop_assert!(merged(&set));
            prop_assert_eq!(set.len(), model.len() as u128);
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), model);
        }

        #[test]
        fn cuts_out_a_window(steps in steps(), a in 0..64_u128, b in 0..64_u128, origin in prop::sample::select(&ORIGINS)) {
            let (set, model) = both(origin, &steps);
            let (first, last) = (origin + a.min(b), origin + a.max(b));
            let window: Vec<u128> = set.ranges_within(first, last).flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(window, model.range(first..=last).copied().collect::<Vec<_>>());
        }

        #[test]
        fn equality_is_that_of_the_numbers(a in steps(), b in steps()) {
            let ((set_a, model_a), (set_b, model_b)) = (both(0, &a), both(0, &b));
            // A table that was made on one side only must not matter.
            let _ = set_a.nth(0);
            prop_assert_eq!(set_a == set_b, model_a == model_b);
        }
    }

    #[test]
    fn holds_all_numbers() {
        let mut all = IntervalSet::default();
        all.insert(0, u128::MAX);
        assert_eq!(all.len(), u128::MAX);
        assert_eq!(all.nth(u128::MAX), Some(u128::MAX));
        assert_eq!(all.rank(u128::MAX), Some(u128::MAX));
        all.remove(7, 7);
        assert_eq!(all.len(), u128::MAX);
        assert_eq!(all.ranges().collect::<Vec<_>>(), [(0, 6), (8, u128::MAX)]);
        assert_eq!(all.nth(7), Some(8));
        all.remove(0, u128::MAX);
        assert!(all.is_empty());
        assert_eq!(all.len(), 0);
        assert_eq!(all.nth(0), None);
    }

    #[test]
    fn a_million_scattered_ranges_go_in_one_by_one() {
        let mut set = IntervalSet::default();
        let n = 1_000_000_u128;
        for i in 0..n {
            // An odd multiplier visits every residue once, far from ascending.
            let at = (i * 380_951_u128) % n;
            set.insert(at * 2, at * 2);
        }
        assert_eq!(set.ranges().len(), 1_000_000);
        assert_eq!(set.nth(n - 1), Some(2 * (n - 1)));
    }

    #[test]
    fn a_reversed_range_is_empty() {
        let mut set = IntervalSet::default();
        set.insert(5, 4);
        assert!(set.is_empty());
        set.insert(0, 9);
        set.remove(5, 4);
        assert_eq!(set.len(), 10);
        assert_eq!(set.ranges_within(5, 4).count(), 0);
    }

    #[test]
    fn shows_its_ranges() {
        let mut set = IntervalSet::default();
        set.insert(1, 2);
        set.insert(7, 7);
        assert_eq!(format!("{set:?}"), "{(1, 2), (7, 7)}");
    }
}
