//! `PortSet`: ports as merged, ascending ranges.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::port_spec::parse_ports;
use crate::spec_error::SpecError;

/// A set of TCP ports, 1 to 65,535, kept as merged ranges. Port 0 is never in it.
///
/// Its text form, on the wire too, is the shortest list of ranges: `22,80,8000-8100`.
///
/// ```
/// use scanner_core::PortSet;
/// let ports: PortSet = "22,80,8000-8100,!8050".parse()?;
/// assert_eq!(ports.len(), 102);
/// assert_eq!(ports.to_string(), "22,80,8000-8049,8051-8100");
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct PortSet {
    ranges: Vec<(u16, u16)>,
}

impl PortSet {
    /// The set without ports.
    pub const EMPTY: Self = Self { ranges: Vec::new() };

    /// All ports, 1 to 65,535.
    pub fn all() -> Self {
        Self::from_range(1, u16::MAX)
    }

    /// The ports from `first` to `last`, both included; empty where `first > last`.
    pub fn from_range(first: u16, last: u16) -> Self {
        let mut set = Self::EMPTY;
        set.insert_range(first, last);
        set
    }

    /// Adds one port.
    pub fn insert(&mut self, port: u16) {
        self.insert_range(port, port);
    }

    /// Adds the ports from `first` to `last`, both included.
    pub fn insert_range(&mut self, first: u16, last: u16) {
        let first = first.max(1);
        if first > last {
            return;
        }
        let start = self.ranges.partition_point(|&(_, end)| end < first - 1);
        let end = self.ranges.partition_point(|&(begin, _)| u32::from(begin) <= u32::from(last) + 1);
        let merged = match self.ranges.get(start..end) {
            Some([only]) => (first.min(only.0), last.max(only.1)),
            Some([left, .., right]) => (first.min(left.0), last.max(right.1)),
            _ => (first, last),
        };
        self.ranges.splice(start..end, [merged]);
    }

    /// Whether `port` is in the set.
    pub fn contains(&self, port: u16) -> bool {
        let at = self.ranges.partition_point(|&(_, end)| end < port);
        self.ranges.get(at).is_some_and(|&(begin, _)| begin <= port)
    }

    /// How many ports are in the set.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|&(first, last)| usize::from(last - first) + 1).sum()
    }

    /// Whether the set has no port.
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ports in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// The merged ranges in ascending order, both ends included.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.ranges
    }

    /// The port at position `k` in ascending order.
    pub fn nth(&self, mut k: usize) -> Option<u16> {
        for &(first, last) in &self.ranges {
            let len = usize::from(last - first) + 1;
            if k < len {
                return u16::try_from(usize::from(first) + k).ok();
            }
            k -= len;
        }
        None
    }

    /// The ports that are in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        Self::union_of([self, other])
    }

    /// The ports that are in any of the sets.
    pub(crate) fn union_of<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all: Vec<_> = sets.into_iter().flat_map(|set| &set.ranges).copied().collect();
        all.sort_unstable();
        let mut ranges: Vec<(u16, u16)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match ranges.last_mut() {
                Some(previous) if u32::from(first) <= u32::from(previous.1) + 1 => {
                    previous.1 = previous.1.max(last);
                }
                _ => ranges.push((first, last)),
            }
        }
        Self { ranges }
    }

    /// The ports of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    /// The ports that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut i, mut j) = (0, 0);
        while let (Some(&a), Some(&b)) = (self.ranges.get(i), other.ranges.get(j)) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                ranges.push((first, last));
            }
            if a.1 < b.1 {
                i += 1;
            } else {
                j += 1;
            }
        }
        Self { ranges }
    }

    fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 1_u32;
        for &(first, last) in &self.ranges {
            push_wide(&mut ranges, next, u32::from(first).saturating_sub(1));
            next = u32::from(last) + 1;
        }
        push_wide(&mut ranges, next, u32::from(u16::MAX));
        Self { ranges }
    }
}

fn push_wide(ranges: &mut Vec<(u16, u16)>, first: u32, last: u32) {
    if first <= last
        && let (Ok(first), Ok(last)) = (u16::try_from(first), u16::try_from(last))
    {
        ranges.push((first, last));
    }
}

impl FromIterator<u16> for PortSet {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        let mut ports: Vec<u16> = ports.into_iter().filter(|&port| port != 0).collect();
        ports.sort_unstable();
        ports.dedup();
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for port in ports {
            match ranges.last_mut() {
                Some(previous) if previous.1 == port - 1 => previous.1 = port,
                _ => ranges.push((port, port)),
            }
        }
        Self { ranges }
    }
}

impl FromStr for PortSet {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_ports(text)
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        Ok(())
    }
}

impl fmt::Debug for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PortSet({self})")
    }
}

impl Serialize for PortSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::EMPTY);
        }
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<(u16, u16)>> {
        prop::collection::vec((0..300_u16, 0..20_u16).prop_map(|(first, len)| (first, first + len)), 0..20)
    }

    fn both(ranges: &[(u16, u16)]) -> (PortSet, BTreeSet<u16>) {
        let mut set = PortSet::EMPTY;
        let mut model = BTreeSet::new();
        for &(first, last) in ranges {
            set.insert_range(first, last);
            model.extend((first..=last).filter(|&port| port != 0));
        }
        (set, model)
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(a in ranges(), b in ranges()) {
            let ((set_a, model_a), (set_b, model_b)) = (both(&a), both(&b));
            prop_assert_eq!(set_a.iter().collect::<BTreeSet<_>>(), model_a.clone());
            prop_assert_eq!(set_a.len(), model_a.len());
            prop_assert_eq!(set_a.union(&set_b), model_a.union(&model_b).copied().collect());
            prop_assert_eq!(set_a.intersection(&set_b), model_a.intersection(&model_b).copied().collect());
            prop_assert_eq!(set_a.difference(&set_b), model_a.difference(&model_b).copied().collect());
            for (k, port) in model_a.iter().enumerate() {
                prop_assert_eq!(set_a.nth(k), Some(*port));
                prop_assert!(set_a.contains(*port));
            }
            prop_assert_eq!(set_a.nth(model_a.len()), None);
            prop_assert!(set_a.ranges().windows(2).all(|w| w[0].1 + 1 < w[1].0), "merged and ascending");
        }

        #[test]
        fn prints_what_it_parses(a in ranges()) {
            let (set, _) = both(&a);
            prop_assume!(!set.is_empty());
            prop_assert_eq!(set.to_string().parse::<PortSet>().unwrap(), set);
        }
    }

    #[test]
    fn reaches_both_ends() {
        let mut all = PortSet::from_range(2, u16::MAX);
        all.insert(1);
        all.insert_range(u16::MAX, u16::MAX);
        assert_eq!(all, PortSet::all());
        assert_eq!(all.len(), 65_535);
        assert!(!all.contains(0));
        assert_eq!(PortSet::all().difference(&all), PortSet::EMPTY);
        assert_eq!(format!("{all:?}"), "PortSet(1-65535)");
    }
}
