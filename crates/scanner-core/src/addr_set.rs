//! `AddrSet`: addresses that turn up in any order, as those of a running scan do.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use roaring::RoaringBitmap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::host_addr::HostAddr;
use crate::interval_set::IntervalSet;
use crate::target_set::{Space, TargetSet};

/// A set of addresses that stays small in whatever order they come.
///
/// IPv4 addresses are kept as a compressed bitmap: a /8 in random order costs at most 2 MB, where ranges would cost
/// hundreds while it is half full. IPv6 addresses are kept as ranges per scope. Written on the wire as
/// `{"count": "3", "ranges": "10.0.0.1-10.0.0.2,10.0.0.9"}`.
///
/// ```
/// use scanner_core::{AddrSet, HostAddr};
/// let answered: AddrSet = ["10.0.0.9", "10.0.0.2", "10.0.0.1"].iter().filter_map(|ip| ip.parse::<HostAddr>().ok()).collect();
/// assert_eq!(answered.len(), 3);
/// assert_eq!(answered.to_string(), "10.0.0.1-10.0.0.2,10.0.0.9");
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct AddrSet {
    v4: RoaringBitmap,
    v6: BTreeMap<u32, IntervalSet>,
}

impl Eq for AddrSet {}

impl AddrSet {
    /// The set without addresses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one address.
    pub fn insert(&mut self, addr: HostAddr) {
        self.insert_range(addr, addr);
    }

    /// Adds the addresses from `first` to `last`, both included.
    ///
    /// Adds nothing where `first > last`, or where the two differ in family or scope.
    pub fn insert_range(&mut self, first: HostAddr, last: HostAddr) {
        let ((space, first), (end_space, last)) = (Space::of(first), Space::of(last));
        if space != end_space || first > last {
            return;
        }
        match space {
            Space::V4 if first == last => {
                self.v4.insert(low_bits(first));
            }
            Space::V4 => {
                self.v4.insert_range(low_bits(first)..=low_bits(last));
            }
            Space::V6 { scope } => self.v6.entry(scope).or_default().insert(first, last),
        }
    }

    /// Whether an address is in the set.
    pub fn contains(&self, addr: HostAddr) -> bool {
        match Space::of(addr) {
            (Space::V4, number) => self.v4.contains(low_bits(number)),
            (Space::V6 { scope }, number) => self.v6.get(&scope).is_some_and(|set| set.contains(number)),
        }
    }

    /// How many addresses there are; the largest `u128` where there are more.
    pub fn len(&self) -> u128 {
        self.v6.values().fold(u128::from(self.v4.len()), |sum, set| sum.saturating_add(set.len()))
    }

    /// The addresses of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut v6 = self.v6.clone();
        for (scope, set) in &mut v6 {
            if let Some(other) = other.v6.get(scope) {
                set.subtract(other);
            }
        }
        v6.retain(|_, set| !set.is_empty());
        Self { v4: &self.v4 - &other.v4, v6 }
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The addresses in ascending order, made one by one.
    pub fn iter(&self) -> impl Iterator<Item = HostAddr> + '_ {
        let v4 = self.v4.iter().map(|bits| HostAddr::from(Ipv4Addr::from_bits(bits)));
        let v6 = self
            .v6
            .iter()
            .flat_map(|(&scope, set)| set.iter().map(move |number| Space::V6 { scope }.addr(number)));
        v4.chain(v6)
    }

    /// The merged ranges in ascending order, both ends included.
    pub fn ranges(&self) -> impl Iterator<Item = (HostAddr, HostAddr)> + '_ {
        let mut bits = self.v4.iter();
        let v4 = std::iter::from_fn(move || bits.next_range()).map(|range| {
            (Ipv4Addr::from_bits(*range.start()).into(), Ipv4Addr::from_bits(*range.end()).into())
        });
        let v6 = self.v6.iter().flat_map(|(&scope, set)| {
            let space = Space::V6 { scope };
            set.ranges().map(move |(first, last)| (space.addr(first), space.addr(last)))
        });
        v4.chain(v6)
    }
}

/// The number of an IPv4 address as the bitmap holds it.
fn low_bits(number: u128) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl FromIterator<HostAddr> for AddrSet {
    fn from_iter<I: IntoIterator<Item = HostAddr>>(addrs: I) -> Self {
        let mut set = Self::new();
        for addr in addrs {
            set.insert(addr);
        }
        set
    }
}

impl fmt::Display for AddrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        Ok(())
    }
}

impl fmt::Debug for AddrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddrSet({self})")
    }
}

#[derive(Serialize)]
struct WireRef<'a> {
    #[serde(serialize_with = "crate::wire::text::serialize")]
    count: u128,
    #[serde(serialize_with = "crate::wire::text::serialize")]
    ranges: &'a AddrSet,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(with = "crate::wire::text")]
    count: u128,
    #[serde(with = "crate::wire::text")]
    ranges: TargetSet,
}

impl Serialize for AddrSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WireRef { count: self.len(), ranges: self }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AddrSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { count, ranges } = Wire::deserialize(deserializer)?;
        if count != ranges.len() {
            let there = ranges.len();
            return Err(de::Error::custom(format_args!(
                "count {count} does not fit the {there} addresses of the ranges"
            )));
        }
        let mut set = Self::new();
        for (first, last) in ranges.ranges() {
            set.insert_range(first, last);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn addr(text: &str) -> HostAddr {
        text.parse().unwrap()
    }

    fn addrs() -> impl Strategy<Value = Vec<HostAddr>> {
        let origins =
            ["0.0.0.0", "10.0.255.248", "255.255.255.240", "2001:db8::", "fe80::%2"].map(addr).to_vec();
        let one = (prop::sample::select(origins), 0..16_u128).prop_map(|(origin, offset)| {
            let (space, number) = Space::of(origin);
            space.addr(number + offset)
        });
        prop::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(addrs in addrs()) {
            let model: BTreeSet<HostAddr> = addrs.iter().copied().collect();
            let set = AddrSet::from_iter(addrs);
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), model.len() as u128);
            prop_assert_eq!(set.is_empty(), model.is_empty());
            prop_assert!(set.difference(&set).is_empty());
            prop_assert_eq!(&set.difference(&AddrSet::new()), &set);
            let (odd, even): (Vec<_>, Vec<_>) = model.iter().enumerate().partition(|(i, _)| i % 2 == 1);
            let [odd, even] = [odd, even].map(|half| half.into_iter().map(|(_, &addr)| addr).collect::<AddrSet>());
            prop_assert_eq!(&set.difference(&odd), &even);
            prop_assert!(model.iter().all(|&addr| set.contains(addr)));
            prop_assert!(!set.contains(addr("192.0.2.1")) && !set.contains(addr("fe80::%3")));
            let as_targets = TargetSet::from_iter(model);
            prop_assert_eq!(set.ranges().collect::<Vec<_>>(), as_targets.ranges().collect::<Vec<_>>());

            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<AddrSet>(&json).unwrap(), set);
        }
    }

    #[test]
    fn ranges_cross_the_chunks_of_the_bitmap() {
        let (first, last) = (addr("10.0.0.1"), addr("10.9.0.0"));
        let mut scattered = AddrSet::new();
        for bits in (0x0a00_0001..=0x0a09_0000_u32).rev() {
            scattered.insert(Ipv4Addr::from_bits(bits).into());
        }
        let mut whole = AddrSet::new();
        whole.insert_range(first, last);
        assert_eq!(scattered, whole);
        assert_eq!(scattered.ranges().collect::<Vec<_>>(), [(first, last)]);
    }

    #[test]
    fn what_is_no_range_adds_nothing() {
        let mut set = AddrSet::new();
        for (first, last) in [
            ("10.0.0.2", "10.0.0.1"),
            ("2001:db8::2", "2001:db8::1"),
            ("10.0.0.1", "2001:db8::1"),
            ("fe80::1%2", "fe80::2%3"),
        ] {
            set.insert_range(addr(first), addr(last));
        }
        assert!(set.is_empty(), "{set}");
    }

    #[test]
    fn holds_every_ipv4_address() {
        let mut set = AddrSet::new();
        set.insert_range(addr("0.0.0.0"), addr("255.255.255.255"));
        assert_eq!(set.len(), 1 << 32);
        assert_eq!(set.to_string(), "0.0.0.0-255.255.255.255");
        assert_eq!(format!("{set:?}"), "AddrSet(0.0.0.0-255.255.255.255)");
    }

    #[test]
    fn a_count_that_does_not_fit_is_refused() {
        let error = serde_json::from_str::<AddrSet>(r#"{"count":"3","ranges":"10.0.0.1"}"#).unwrap_err();
        insta::assert_snapshot!(error, @"count 3 does not fit the 1 addresses of the ranges");
    }
}
