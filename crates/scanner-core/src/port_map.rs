//! `PortMap`: ports of single addresses, where these are not the same for all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::host_addr::HostAddr;
use crate::interval_set::IntervalSet;
use crate::port_set::PortSet;
use crate::target_set::{Space, TargetSet};

/// Which ports each of some addresses has. Costs memory for its ranges and for the sets of ports that differ, and an
/// address is found in O(log n) ranges.
///
/// On the wire a list of groups, each address in one: `[{"targets":"192.0.2.7,192.0.2.9","ports":"22,80"}]`. Groups that
/// overlap are read as their union.
///
/// ```
/// use scanner_core::{PortMap, PortSet, TargetSet};
/// let group = |targets: &str, ports: &str| Ok::<(TargetSet, PortSet), scanner_core::SpecError>((targets.parse()?, ports.parse()?));
/// let map = PortMap::from_iter([group("192.0.2.0/24", "22")?, group("192.0.2.7", "80,443")?]);
/// assert_eq!(map.get("192.0.2.7".parse().unwrap()).map(ToString::to_string).as_deref(), Some("22,80,443"));
/// assert_eq!(map.len(), 256);
/// assert_eq!(map.pairs(), 258);
/// # Ok::<(), scanner_core::SpecError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PortMap {
    /// Ascending, and no two that touch have the same ports.
    rows: Vec<Row>,
    /// Each once, with the number of its addresses, in the order in which the rows name them first.
    sets: Vec<(PortSet, u128)>,
}

/// Addresses with the same ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    space: Space,
    first: u128,
    last: u128,
    /// Where the ports stand in `sets`.
    set: usize,
}

impl PortMap {
    /// The map without addresses.
    pub const fn new() -> Self {
        Self { rows: Vec::new(), sets: Vec::new() }
    }

    /// Whether there is no address.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many addresses there are; the largest `u128` where there are more.
    pub fn len(&self) -> u128 {
        self.sets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many pairs of address and port there are; saturates at the largest `u128`.
    pub fn pairs(&self) -> u128 {
        let pairs = |(ports, count): &(PortSet, u128)| count.saturating_mul(ports.len() as u128);
        self.sets.iter().map(pairs).fold(0, u128::saturating_add)
    }

    /// The ports of an address, where it has any here.
    pub fn get(&self, addr: HostAddr) -> Option<&PortSet> {
        self.sets.get(self.position(addr)?).map(|(ports, _)| ports)
    }

    /// Where among [`sets`](Self::sets) the ports of an address stand.
    pub fn position(&self, addr: HostAddr) -> Option<usize> {
        let (space, number) = Space::of(addr);
        let behind = self.rows.partition_point(|row| (row.space, row.first) <= (space, number));
        let row = self.rows.get(behind.checked_sub(1)?)?;
        (row.space == space && number <= row.last).then_some(row.set)
    }

    /// The sets of ports that occur, each once and never empty, with the number of addresses that have it.
    pub fn sets(&self) -> impl ExactSizeIterator<Item = (&PortSet, u128)> {
        self.sets.iter().map(|(ports, count)| (ports, *count))
    }

    /// The addresses of each of [`sets`](Self::sets), in the same order.
    pub fn groups(&self) -> impl Iterator<Item = (TargetSet, &PortSet)> {
        let mut ranges: Vec<BTreeMap<Space, Vec<(u128, u128)>>> = vec![BTreeMap::new(); self.sets.len()];
        for row in &self.rows {
            if let Some(ranges) = ranges.get_mut(row.set) {
                ranges.entry(row.space).or_default().push((row.first, row.last));
            }
        }
        ranges.into_iter().zip(&self.sets).map(|(ranges, (ports, _))| (target_set(ranges), ports))
    }

    /// The addresses by how many ports they have.
    pub fn by_count(&self) -> BTreeMap<usize, TargetSet> {
        let mut ranges: BTreeMap<usize, BTreeMap<Space, Vec<(u128, u128)>>> = BTreeMap::new();
        for row in &self.rows {
            let count = self.sets.get(row.set).map_or(0, |(ports, _)| ports.len());
            let of_count = ranges.entry(count).or_default();
            of_count.entry(row.space).or_default().push((row.first, row.last));
        }
        ranges.into_iter().map(|(count, ranges)| (count, target_set(ranges))).collect()
    }

    /// Takes out the addresses that are not in `targets`.
    pub fn retain(&mut self, targets: &TargetSet) {
        let spaces: BTreeMap<Space, &IntervalSet> = targets.spaces().collect();
        let mut builder = Builder::default();
        for row in &self.rows {
            let (Some(numbers), Some((ports, _))) = (spaces.get(&row.space), self.sets.get(row.set)) else {
                continue;
            };
            for (first, last) in numbers.ranges_within(row.first, row.last) {
                builder.push(row.space, first, last, ports);
            }
        }
        *self = builder.map;
    }
}

fn target_set(ranges: BTreeMap<Space, Vec<(u128, u128)>>) -> TargetSet {
    let mut targets = TargetSet::new();
    for (space, ranges) in ranges {
        targets.extend_sorted(space, &ranges);
    }
    targets
}

/// Puts rows together that come in ascending order.
#[derive(Default)]
struct Builder {
    map: PortMap,
    known: BTreeMap<PortSet, usize>,
}

impl Builder {
    fn push(&mut self, space: Space, first: u128, last: u128, ports: &PortSet) {
        let sets = &mut self.map.sets;
        let set = self.known.get(ports).copied().unwrap_or_else(|| {
            sets.push((ports.clone(), 0));
            self.known.insert(ports.clone(), sets.len() - 1);
            sets.len() - 1
        });
        if let Some((_, count)) = sets.get_mut(set) {
            *count = count.saturating_add((last - first).saturating_add(1));
        }
        match self.map.rows.last_mut() {
            Some(row) if (row.space, row.set) == (space, set) && row.last.checked_add(1) == Some(first) => {
                row.last = last;
            }
            _ => self.map.rows.push(Row { space, first, last, set }),
        }
    }
}

/// An address in several groups gets the ports of all of them; groups without ports add nothing.
impl FromIterator<(TargetSet, PortSet)> for PortMap {
    fn from_iter<I: IntoIterator<Item = (TargetSet, PortSet)>>(groups: I) -> Self {
        let groups: Vec<_> = groups.into_iter().filter(|(_, ports)| !ports.is_empty()).collect();
        let mut ranges = Vec::new();
        for (group, (targets, _)) in groups.iter().enumerate() {
            for (space, numbers) in targets.spaces() {
                ranges.extend(numbers.ranges().map(|(first, last)| (space, first, last, group)));
            }
        }
        ranges.sort_unstable();
        let mut sweep = Sweep { groups: &groups, active: BTreeSet::new() };
        let mut builder = Builder::default();
        for ranges in ranges.chunk_by(|a, b| a.0 == b.0) {
            sweep.space(ranges, &mut builder);
        }
        builder.map
    }
}

/// Walks over the ranges of several groups and cuts them where any of them begins or ends.
struct Sweep<'a> {
    groups: &'a [(TargetSet, PortSet)],
    /// The last number of each range that the walk is in, and its group.
    active: BTreeSet<(u128, usize)>,
}

impl Sweep<'_> {
    /// The ranges of one space, in ascending order of their beginnings.
    fn space(&mut self, ranges: &[(Space, u128, u128, usize)], builder: &mut Builder) {
        let mut at = 0;
        for (i, &(space, first, last, group)) in ranges.iter().enumerate() {
            if self.active.is_empty() {
                at = first;
            }
            self.active.insert((last, group));
            let next = ranges.get(i + 1).map(|next| next.1);
            while let Some(&(end, _)) = self.active.first()
                && next.is_none_or(|next| at < next)
            {
                let until = next.map_or(end, |next| end.min(next - 1));
                builder.push(space, at, until, &self.ports());
                while self.active.first().is_some_and(|&(end, _)| end <= until) {
                    self.active.pop_first();
                }
                // Nothing is active any more at the end of the numbers.
                at = until.saturating_add(1);
            }
        }
    }

    /// The ports of all groups that the walk is in.
    fn ports(&self) -> Cow<'_, PortSet> {
        let mut active =
            self.active.iter().filter_map(|&(_, group)| self.groups.get(group)).map(|(_, ports)| ports);
        match (active.next(), active.next()) {
            (None, _) => Cow::Owned(PortSet::EMPTY),
            (Some(only), None) => Cow::Borrowed(only),
            (Some(one), Some(two)) => Cow::Owned(PortSet::union_of([one, two].into_iter().chain(active))),
        }
    }
}

impl fmt::Debug for PortMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.groups()).finish()
    }
}

#[derive(Serialize, Deserialize)]
struct Group {
    #[serde(with = "crate::wire::text")]
    targets: TargetSet,
    ports: PortSet,
}

impl Serialize for PortMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.groups().map(|(targets, ports)| Group { targets, ports: ports.clone() }))
    }
}

impl<'de> Deserialize<'de> for PortMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let groups = Vec::<Group>::deserialize(deserializer)?;
        Ok(groups.into_iter().map(|group| (group.targets, group.ports)).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ranges of addresses close to each other in three spaces, at the ends of their numbers too, with some ports.
    fn groups() -> impl Strategy<Value = Vec<(TargetSet, PortSet)>> {
        let origins = ["10.0.0.0", "255.255.255.224", "::%3", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffe0"];
        let range = (prop::sample::select(origins.to_vec()), 0..32_u128, 0..12_u128).prop_map(
            |(origin, first, len)| {
                let (space, number) = Space::of(origin.parse().unwrap());
                (space.addr(number + first), space.addr(number + (first + len).min(31)))
            },
        );
        let ports = (0..4_u16, 0..3_u16).prop_map(|(first, len)| PortSet::from_range(first, first + len));
        let group = (prop::collection::vec(range, 0..6), ports).prop_map(|(ranges, ports)| {
            let mut targets = TargetSet::new();
            for (first, last) in ranges {
                targets.insert_range(first, last);
            }
            (targets, ports)
        });
        prop::collection::vec(group, 0..6)
    }

    /// The ports of each address, by hand.
    fn model(groups: &[(TargetSet, PortSet)]) -> BTreeMap<HostAddr, PortSet> {
        let mut model = BTreeMap::new();
        for (targets, ports) in groups.iter().filter(|(_, ports)| !ports.is_empty()) {
            for addr in targets.iter() {
                let known: &mut PortSet = model.entry(addr).or_default();
                *known = known.union(ports);
            }
        }
        model
    }

    fn check(map: &PortMap, model: &BTreeMap<HostAddr, PortSet>) {
        assert_eq!(map.len(), model.len() as u128);
        assert_eq!(map.is_empty(), model.is_empty());
        assert_eq!(map.pairs(), model.values().map(|ports| ports.len() as u128).sum());
        for (&addr, ports) in model {
            assert_eq!(map.get(addr), Some(ports), "{addr}");
        }
        assert_eq!(map.get("192.0.2.1".parse().unwrap()), None);
        let sets: Vec<_> = map.sets().collect();
        assert_eq!(
            sets.len(),
            sets.iter().map(|(ports, _)| *ports).collect::<BTreeSet<_>>().len(),
            "each once"
        );
        let mut grouped = BTreeMap::new();
        for ((targets, ports), (same, count)) in map.groups().zip(sets) {
            assert_eq!((ports, targets.len()), (same, count));
            grouped.extend(targets.iter().map(|addr| (addr, ports.clone())));
        }
        assert_eq!(&grouped, model);
        let by_count = map.by_count();
        assert_eq!(by_count.values().map(TargetSet::len).sum::<u128>(), map.len());
        for (count, targets) in by_count {
            assert!(targets.iter().all(|addr| map.get(addr).is_some_and(|ports| ports.len() == count)));
        }
    }

    proptest! {
        #[test]
        fn an_address_has_the_ports_of_all_its_groups(groups in groups()) {
            let map: PortMap = groups.iter().cloned().collect();
            check(&map, &model(&groups));
            let again: PortMap = groups.iter().rev().cloned().collect();
            prop_assert_eq!(&again, &map, "the order of the groups does not matter");
            let json = serde_json::to_string(&map).unwrap();
            prop_assert_eq!(serde_json::from_str::<PortMap>(&json).unwrap(), map);
        }

        #[test]
        fn only_what_is_wanted_is_kept(groups in groups(), wanted in groups()) {
            let mut map: PortMap = groups.iter().cloned().collect();
            let mut targets = TargetSet::new();
            for (wanted, _) in &wanted {
                targets.union(wanted);
            }
            map.retain(&targets);
            let mut model = model(&groups);
            model.retain(|&addr, _| targets.contains(addr));
            check(&map, &model);
        }
    }

    #[test]
    fn a_whole_space_can_have_ports() {
        let all = |ports: &str| ("0.0.0.0/0,::/0".parse().unwrap(), ports.parse().unwrap());
        let map = PortMap::from_iter([all("22"), ("::1".parse().unwrap(), "80".parse().unwrap())]);
        assert_eq!(map.len(), u128::MAX);
        assert_eq!(map.pairs(), u128::MAX);
        assert_eq!(map.get("::2".parse().unwrap()).unwrap().len(), 1);
        assert_eq!(map.get("::1".parse().unwrap()).unwrap().len(), 2);
        assert_eq!(map.get("::1%4".parse().unwrap()), None);
    }

    #[test]
    fn a_port_of_each_of_many_hosts_is_quickly_read() {
        let hosts: TargetSet = "10.0.0.0/16".parse().unwrap();
        let map: PortMap = (1..=4_000).map(|port| (hosts.clone(), PortSet::from_range(port, port))).collect();
        assert_eq!(map.sets().collect::<Vec<_>>(), [(&PortSet::from_range(1, 4_000), 65_536)]);
    }

    #[test]
    fn shows_its_groups() {
        let group = ("192.0.2.7".parse().unwrap(), PortSet::from_range(22, 25));
        assert_eq!(
            format!("{:?}", PortMap::from_iter([group])),
            "{TargetSet(192.0.2.7, names {}): PortSet(22-25)}"
        );
    }
}
