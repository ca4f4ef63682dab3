//! `TargetSet`: the addresses of a plan as ranges, and the names that led to them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::host_addr::HostAddr;
use crate::interval_set::IntervalSet;
use crate::spec_error::SpecError;
use crate::target_spec::{TargetItem, parse_host};

/// One space of addresses with its own numbering; ordered as [`HostAddr`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    V4,
    V6 { scope: u32 },
}

impl Space {
    /// The space an address belongs to, and its number there.
    pub(crate) fn of(addr: HostAddr) -> (Self, u128) {
        match addr.ip() {
            IpAddr::V4(ip) => (Self::V4, u128::from(ip.to_bits())),
            IpAddr::V6(ip) => (Self::V6 { scope: addr.scope_id() }, ip.to_bits()),
        }
    }

    /// The address with `number`.
    pub(crate) fn addr(self, number: u128) -> HostAddr {
        match self {
            Self::V4 => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
            Self::V6 { scope } => HostAddr::with_scope(IpAddr::V6(Ipv6Addr::from_bits(number)), scope),
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::V4 => Ipv4Addr::BITS,
            Self::V6 { .. } => Ipv6Addr::BITS,
        }
    }
}

/// Addresses to scan, each once, as merged ranges per family and scope, with every name that was given for them.
///
/// A /8 costs as much as one address. The order is that of [`HostAddr`], and every address has a position in it, by
/// which a seeded order can ask for it. In text, and on the wire, it is a list of ranges, written with a prefix length
/// where a range is exactly one network.
///
/// ```
/// use scanner_core::{HostAddr, TargetSet};
/// let mut targets: TargetSet = "10.0.0.0/8,192.0.2.7".parse()?;
/// assert_eq!(targets.len(), 16_777_217);
/// assert_eq!(targets.get(256), "10.0.1.0".parse().ok());
///
/// let net = TargetSet::from_iter(["10.0.0.255", "10.0.0.254"].map(|ip| ip.parse::<HostAddr>().unwrap()));
/// targets.subtract(&net);
/// assert_eq!(targets.to_string(), "10.0.0.0-10.0.0.253,10.0.1.0-10.255.255.255,192.0.2.7");
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TargetSet {
    /// No empty set is kept, so that equal targets compare equal.
    spaces: BTreeMap<Space, IntervalSet>,
    names: BTreeMap<HostAddr, Vec<String>>,
}

impl TargetSet {
    /// The set without addresses.
    pub const fn new() -> Self {
        Self { spaces: BTreeMap::new(), names: BTreeMap::new() }
    }

    /// Adds one address.
    pub fn insert(&mut self, addr: HostAddr) {
        self.insert_range(addr, addr);
    }

    /// Adds the addresses from `first` to `last`, both included.
    ///
    /// Adds nothing where `first > last`, or where the two differ in family or scope: there is nothing between them.
    pub fn insert_range(&mut self, first: HostAddr, last: HostAddr) {
        let ((space, first), (end_space, last)) = (Space::of(first), Space::of(last));
        if space == end_space && first <= last {
            self.spaces.entry(space).or_default().insert(first, last);
        }
    }

    /// Adds `addr` under a name. Names keep the order in which they came; one that is known already, in whatever
    /// case, is not added again.
    pub fn add_name(&mut self, addr: HostAddr, name: &str) {
        self.insert(addr);
        let names = self.names.entry(addr).or_default();
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }

    /// The names that were given for an address, in the order in which they came.
    pub fn names_of(&self, addr: HostAddr) -> &[String] {
        self.names.get(&addr).map_or(&[], Vec::as_slice)
    }

    /// Whether an address is in the set.
    pub fn contains(&self, addr: HostAddr) -> bool {
        let (space, number) = Space::of(addr);
        self.spaces.get(&space).is_some_and(|set| set.contains(number))
    }

    /// How many addresses there are; the largest `u128` where there are more.
    pub fn len(&self) -> u128 {
        self.spaces.values().fold(0, |sum, set| sum.saturating_add(set.len()))
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.spaces.is_empty()
    }

    /// How many ranges the set is made of: what it costs in memory.
    pub fn range_count(&self) -> usize {
        self.spaces.values().map(|set| set.ranges().len()).sum()
    }

    /// The address at position `index` in ascending order: O(log n) in the number of ranges.
    pub fn get(&self, mut index: u128) -> Option<HostAddr> {
        for (space, set) in &self.spaces {
            if let Some(number) = set.nth(index) {
                return Some(space.addr(number));
            }
            index = index.checked_sub(set.len())?;
        }
        None
    }

    /// The position of an address in ascending order, where it is in the set: O(log n) in the number of ranges.
    pub fn index_of(&self, addr: HostAddr) -> Option<u128> {
        let (wanted, number) = Space::of(addr);
        let before = self.spaces.range(..wanted).fold(0_u128, |sum, (_, set)| sum.saturating_add(set.len()));
        self.spaces.get(&wanted)?.rank(number)?.checked_add(before)
    }

    /// The addresses in ascending order, made one by one.
    pub fn iter(&self) -> impl Iterator<Item = HostAddr> + '_ {
        self.spaces.iter().flat_map(|(&space, set)| set.iter().map(move |number| space.addr(number)))
    }

    /// The merged ranges in ascending order, both ends included.
    pub fn ranges(&self) -> impl Iterator<Item = (HostAddr, HostAddr)> + '_ {
        self.spaces.iter().flat_map(|(&space, set)| {
            set.ranges().map(move |(first, last)| (space.addr(first), space.addr(last)))
        })
    }

    /// Adds the addresses and names of `other`.
    pub fn union(&mut self, other: &Self) {
        for (&space, set) in &other.spaces {
            self.extend_sorted(space, &set.ranges().collect::<Vec<_>>());
        }
        for (&addr, names) in &other.names {
            for name in names {
                self.add_name(addr, name);
            }
        }
    }

    /// The addresses that are in both sets, without names: O(m log n) for the ranges of `other`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::new();
        for (&space, set) in &other.spaces {
            let Some(own) = self.spaces.get(&space) else { continue };
            let ranges: Vec<_> =
                set.ranges().flat_map(|(first, last)| own.ranges_within(first, last)).collect();
            both.extend_sorted(space, &ranges);
        }
        both
    }

    /// The addresses that have names, in ascending order.
    pub fn named(&self) -> impl Iterator<Item = (HostAddr, &[String])> {
        self.names.iter().map(|(&addr, names)| (addr, names.as_slice()))
    }

    /// Adds ranges of one space, in ascending order of their beginnings.
    pub(crate) fn extend_sorted(&mut self, space: Space, ranges: &[(u128, u128)]) {
        if !ranges.is_empty() {
            self.spaces.entry(space).or_default().extend_sorted(ranges);
        }
    }

    /// Takes out the addresses of `other`, and their names.
    pub fn subtract(&mut self, other: &Self) {
        for (space, set) in &other.spaces {
            if let Some(own) = self.spaces.get_mut(space) {
                own.subtract(set);
            }
        }
        self.spaces.retain(|_, set| !set.is_empty());
        self.names.retain(|&addr, _| !other.contains(addr));
    }

    /// The numbers that are in the set, by space.
    pub(crate) fn spaces(&self) -> impl Iterator<Item = (Space, &IntervalSet)> {
        self.spaces.iter().map(|(&space, set)| (space, set))
    }
}

impl FromIterator<HostAddr> for TargetSet {
    fn from_iter<I: IntoIterator<Item = HostAddr>>(addrs: I) -> Self {
        let mut set = Self::new();
        for addr in addrs {
            set.insert(addr);
        }
        set
    }
}

impl fmt::Display for TargetSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match prefix_len(first, last) {
                _ if first == last => write!(f, "{first}")?,
                Some(len) => write!(f, "{first}/{len}")?,
                None => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// The length of the prefix that all addresses from `first` to `last`, and no others, share.
fn prefix_len(first: HostAddr, last: HostAddr) -> Option<u32> {
    let ((space, first), (_, last)) = (Space::of(first), Space::of(last));
    let host_bits = first ^ last;
    let is_network = host_bits & host_bits.wrapping_add(1) == 0 && first & host_bits == 0;
    is_network.then(|| space.bits() - host_bits.count_ones())
}

impl fmt::Debug for TargetSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetSet({self}, names {:?})", self.names)
    }
}

/// Reads what `Display` writes: addresses, networks and ranges separated by commas; nothing for the empty set. Names
/// are refused, for a set holds addresses.
impl FromStr for TargetSet {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut set = Self::new();
        let mut start = 0;
        for item in text.split(',').filter(|_| !text.is_empty()) {
            let wrong = |span: std::ops::Range<usize>, message: &str| {
                SpecError::new(text, start + span.start..start + span.end, message)
            };
            match parse_host(item).map_err(|error| error.within(text, start))?.item {
                TargetItem::Addresses(ranges) => {
                    for (first, last) in ranges {
                        set.insert_range(first, last);
                    }
                }
                TargetItem::Scoped { .. } => {
                    return Err(wrong(0..item.len(), "an interface name stands where its number is needed"));
                }
                TargetItem::Name(_) => {
                    return Err(wrong(0..item.len(), "a name stands where an address is needed"));
                }
            }
            start += item.len() + 1;
        }
        Ok(set)
    }
}

#[derive(Serialize)]
struct WireRef<'a> {
    #[serde(serialize_with = "crate::wire::text::serialize")]
    ranges: &'a TargetSet,
    names: &'a BTreeMap<HostAddr, Vec<String>>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(with = "crate::wire::text")]
    ranges: TargetSet,
    #[serde(default)]
    names: BTreeMap<HostAddr, Vec<String>>,
}

impl Serialize for TargetSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WireRef { ranges: self, names: &self.names }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TargetSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { ranges: mut set, names } = Wire::deserialize(deserializer)?;
        for (addr, names) in names {
            if !set.contains(addr) {
                return Err(de::Error::custom(format_args!("`{addr}` has names but is in no range")));
            }
            for name in names {
                set.add_name(addr, &name);
            }
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

    fn targets(text: &str) -> TargetSet {
        text.parse().unwrap()
    }

    /// Addresses close to each other in four spaces, at their edges too.
    fn addrs() -> impl Strategy<Value = Vec<HostAddr>> {
        let origin = prop::sample::select(vec![
            addr("0.0.0.0"),
            addr("10.0.0.0"),
            addr("255.255.255.240"),
            addr("::"),
            addr("fe80::%2"),
            addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0%7"),
        ]);
        let one = (origin, 0..16_u128).prop_map(|(origin, offset)| {
            let (space, number) = Space::of(origin);
            space.addr(number + offset)
        });
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(a in addrs(), b in addrs()) {
            let model: BTreeSet<HostAddr> = a.iter().copied().collect();
            let other: BTreeSet<HostAddr> = b.iter().copied().collect();
            let set = TargetSet::from_iter(a);
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), model.len() as u128);
            prop_assert_eq!(set.is_empty(), model.is_empty());
            prop_assert_eq!(set.ranges().count(), set.range_count());
            for (index, &addr) in (0_u128..).zip(&model) {
                prop_assert_eq!(set.get(index), Some(addr));
                prop_assert_eq!(set.index_of(addr), Some(index));
            }
            prop_assert_eq!(set.get(set.len()), None);
            for &addr in &other {
                prop_assert_eq!(set.contains(addr), model.contains(&addr));
                prop_assert_eq!(set.index_of(addr).is_some(), model.contains(&addr));
            }

            let other_set = TargetSet::from_iter(b);
            let (mut union, mut difference) = (set.clone(), set.clone());
            union.union(&other_set);
            difference.subtract(&other_set);
            prop_assert_eq!(set.intersection(&other_set), TargetSet::from_iter(&model & &other));
            prop_assert_eq!(union, TargetSet::from_iter(&model | &other));
            prop_assert_eq!(difference, TargetSet::from_iter(&model - &other));
        }

        #[test]
        fn prints_what_it_parses(a in addrs()) {
            let mut set = TargetSet::from_iter(a);
            prop_assert_eq!(&set.to_string().parse::<TargetSet>().unwrap(), &set);
            if let Some(first) = set.get(0) {
                set.add_name(first, "nas.lan");
            }
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<TargetSet>(&json).unwrap(), set);
        }
    }

    #[test]
    fn prints_networks_where_ranges_are_networks() {
        let cases = [
            ("10.0.0.0/24", "10.0.0.0/24"),
            ("10.0.0.0/25,10.0.0.128/25", "10.0.0.0/24"),
            ("10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2"),
            ("10.0.0.4-10.0.0.5", "10.0.0.4/31"),
            ("10.0.0.2-10.0.0.5", "10.0.0.2-10.0.0.5"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:db8::/64,192.0.2.1", "192.0.2.1,2001:db8::/64"),
            ("fe80::%2/120", "fe80::%2/120"),
            ("fe80::1%2-fe80::2%2,fe80::2%1", "fe80::2%1,fe80::1%2-fe80::2%2"),
            ("", ""),
        ];
        for (given, printed) in cases {
            let set = targets(given);
            assert_eq!(set.to_string(), printed);
            assert_eq!(targets(printed), set);
        }
    }

    #[test]
    fn a_wrong_list_is_marked_where_it_is_wrong() {
        let error = "10.0.0.1,10.0.0.256".parse::<TargetSet>().unwrap_err();
        insta::assert_snapshot!(error.caret(), @r#"
        10.0.0.1,10.0.0.256
                        ^^^
        "#);
        for text in ["nas.lan", "10.0.0.1,fe80::1%eth0", "10.0.0.1,", ","] {
            assert!(text.parse::<TargetSet>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_stay_with_their_addresses() {
        let mut set = TargetSet::new();
        let nas = addr("192.0.2.9");
        set.add_name(nas, "nas.lan");
        set.add_name(nas, "backup.lan");
        set.add_name(nas, "NAS.lan");
        assert!(set.contains(nas));
        assert_eq!(set.names_of(nas), ["nas.lan", "backup.lan"]);
        assert!(set.names_of(addr("192.0.2.8")).is_empty());

        let mut all = targets("192.0.2.0/24");
        all.add_name(nas, "files.lan");
        all.union(&set);
        assert_eq!(all.names_of(nas), ["files.lan", "nas.lan", "backup.lan"]);
        assert_eq!(all.named().collect::<Vec<_>>(), [(nas, all.names_of(nas))]);
        assert_eq!(all.len(), 256);

        all.subtract(&targets("192.0.2.8/30"));
        assert!(all.names_of(nas).is_empty());
        assert_eq!(all.len(), 252);
        assert_eq!(format!("{:?}", targets("::1")), "TargetSet(::1, names {})");
    }

    #[test]
    fn counts_to_the_edge_of_the_numbers() {
        let mut set = targets("::/0");
        assert_eq!(set.len(), u128::MAX);
        set.insert(addr("192.0.2.1"));
        assert_eq!(set.len(), u128::MAX);
        assert_eq!(set.get(0), Some(addr("192.0.2.1")));
        assert_eq!(set.get(1), Some(addr("::")));
        assert_eq!(set.get(u128::MAX), Some(addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")));
    }

    #[test]
    fn a_range_lies_in_one_space() {
        let mut set = TargetSet::new();
        set.insert_range(addr("10.0.0.1"), addr("::1"));
        set.insert_range(addr("fe80::1%1"), addr("fe80::1%2"));
        set.insert_range(addr("10.0.0.2"), addr("10.0.0.1"));
        assert_eq!(set, TargetSet::new());
    }

    #[test]
    fn names_on_the_wire_need_their_address() {
        let json = r#"{"ranges":"192.0.2.1","names":{"192.0.2.2":["nas.lan"]}}"#;
        let error = serde_json::from_str::<TargetSet>(json).unwrap_err();
        insta::assert_snapshot!(error, @"`192.0.2.2` has names but is in no range");
    }

    #[test]
    fn the_span_is_the_item_that_is_wrong() {
        for (text, wrong) in
            [("nas", 0..3), ("10.0.0.1,nas,10.0.0.2", 9..12), ("::1,fe80::1%eth0", 4..16), ("::1,,::2", 4..4)]
        {
            assert_eq!(text.parse::<TargetSet>().unwrap_err().span(), wrong, "{text}");
        }
    }
}
