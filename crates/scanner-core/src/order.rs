//! The order of probes: a seeded permutation with random access, and the order of the ports of one host.

use crate::port_set::PortSet;
use crate::ranking::top_ports;

/// How many ports of the ranking make the likely tier: few enough that a host is known to be there after one round
/// trip or two, enough that nearly every host with a service answers among them.
const LIKELY_TIER: usize = 100;

/// Rounds, each of which changes both halves: three of them are six of a plain Feistel network. Four plain ones make it
/// indistinguishable from random (Luby and Rackoff), but only where the halves are wide; a set of a few dozen needs
/// more to reach every arrangement about equally often, and it is the common case.
const ROUNDS: usize = 3;

/// 2^64 divided by the golden ratio, odd: steps of this size visit every `u64` and lie evenly spread.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A seeded permutation of the numbers below `len`, in constant memory and with random access.
///
/// A Feistel network permutes the smallest domain of 2^n numbers that holds `len`, in two halves of n / 2 bits (one
/// more on the left where n is odd); a result at or above `len` is permuted again until it falls below (cycle
/// walking), which takes fewer than two steps on average. Whatever the round function is, each round can be undone, so
/// that no number is met twice and none is left out. The round function is the finaliser of splitmix64, a bijection of
/// `u64` in which every input bit changes every output bit with a chance of about one half; the round keys are the
/// splitmix64 sequence of the seed, so that seeds that differ in one bit give unrelated orders. It spreads probes; it
/// is no cipher.
///
/// ```
/// use scanner_core::Permutation;
/// let order = Permutation::new(1_000, 42);
/// let mut seen: Vec<u128> = (0..1_000).map(|i| order.get(i)).collect();
/// assert_ne!(seen[..3], [0, 1, 2]);
/// assert_eq!(order.index_of(seen[7]), 7);
/// seen.sort_unstable();
/// assert!(seen.into_iter().eq(0..1_000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutation {
    len: u128,
    /// Bits in the right half of a number of the domain, 0 to 64.
    right_bits: u32,
    left_mask: u64,
    right_mask: u64,
    /// For each round, the keys for the left and for the right half.
    keys: [[u64; 2]; ROUNDS],
}

impl Permutation {
    /// The permutation of the numbers below `len` that belongs to `seed`.
    pub fn new(len: u128, seed: u64) -> Self {
        let bits = u128::BITS - len.saturating_sub(1).leading_zeros();
        let right_bits = bits / 2;
        let mut state = seed;
        let mut next_key = || {
            state = state.wrapping_add(GOLDEN_GAMMA);
            mix(state)
        };
        Self {
            len,
            right_bits,
            left_mask: low_bits(bits - right_bits),
            right_mask: low_bits(right_bits),
            keys: std::array::from_fn(|_| [next_key(), next_key()]),
        }
    }

    /// How many numbers are permuted.
    pub const fn len(&self) -> u128 {
        self.len
    }

    /// Whether there is nothing to permute.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number at position `i`. Positions from `len` on stay where they are.
    pub fn get(&self, i: u128) -> u128 {
        // All but the largest sets fit into a machine word, and every probe asks for a number.
        match (u64::try_from(self.len), u64::try_from(i)) {
            (Ok(len), Ok(i)) => self.get_within(len, i).into(),
            _ => self.walk(i, |number| self.encrypt(number)),
        }
    }

    fn get_within(&self, len: u64, i: u64) -> u64 {
        if i >= len {
            return i;
        }
        let mut number = i;
        loop {
            let (left, right) = self.rounds(number >> self.right_bits, number & self.right_mask);
            number = left << self.right_bits | right;
            if number < len {
                return number;
            }
        }
    }

    /// The position of `number`: the inverse of [`get`](Self::get).
    pub fn index_of(&self, number: u128) -> u128 {
        self.walk(number, |number| self.decrypt(number))
    }

    /// Follows a cycle of `step` from a number below `len` to the next one below `len`. It ends: at the latest, the
    /// cycle comes back to where it began.
    fn walk(&self, start: u128, step: impl Fn(u128) -> u128) -> u128 {
        if start >= self.len {
            return start;
        }
        let mut number = step(start);
        while number >= self.len {
            number = step(number);
        }
        number
    }

    fn encrypt(&self, number: u128) -> u128 {
        let (left, right) = self.split(number);
        let (left, right) = self.rounds(left, right);
        self.join(left, right)
    }

    fn rounds(&self, mut left: u64, mut right: u64) -> (u64, u64) {
        for [left_key, right_key] in self.keys {
            left ^= mix(right ^ left_key) & self.left_mask;
            right ^= mix(left ^ right_key) & self.right_mask;
        }
        (left, right)
    }

    fn decrypt(&self, number: u128) -> u128 {
        let (mut left, mut right) = self.split(number);
        for [left_key, right_key] in self.keys.into_iter().rev() {
            right ^= mix(left ^ right_key) & self.right_mask;
            left ^= mix(right ^ left_key) & self.left_mask;
        }
        self.join(left, right)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the halves are cut to their width")]
    const fn split(&self, number: u128) -> (u64, u64) {
        ((number >> self.right_bits) as u64 & self.left_mask, number as u64 & self.right_mask)
    }

    fn join(&self, left: u64, right: u64) -> u128 {
        u128::from(left) << self.right_bits | u128::from(right)
    }
}

/// A mask of the `count` lowest bits, 0 to 64.
fn low_bits(count: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS - count).unwrap_or(0)
}

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014, in Stafford's variant 13).
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The first ports of the likely tier: one per kind of host rather than the likeliest overall, as they have to find out whether
/// a host is there at all. Web servers and devices (80, 443), Unix hosts (22), Windows hosts (445, 3389), appliances and proxies
/// (8080), name servers and routers (53), mail servers (25).
const FIRST: [u16; 8] = [80, 443, 22, 445, 3389, 8080, 53, 25];

/// The order in which the ports of a host are probed: first those that are likely to be open, by the ranking, then the
/// rest in an order of its own for each host.
///
/// The likely ports tell early whether a host is there and how far away it is. One `PortOrder` serves every host with the
/// same ports: it costs memory for the ranges that these are made of, and a host's order is a salt.
///
/// ```
/// use scanner_core::{PortOrder, PortSet};
/// let ports = PortSet::from_range(1, 1024);
/// let order = PortOrder::new(&ports, 42);
/// assert_eq!(order.len(), 1024);
/// let one_host: PortSet = (0..order.len()).map(|k| order.get(k, 7)).collect();
/// assert_eq!(one_host, ports);
/// ```
#[derive(Debug, Clone)]
pub struct PortOrder {
    likely: Vec<u16>,
    /// The first port of each range of the others, and how many of them come before it.
    rest: Vec<(u16, u16)>,
    rest_len: usize,
    /// In which range each [`STRIDE`]-th of the others lies, where the ranges are many.
    landmarks: Vec<u16>,
    seed: u64,
}

impl PortOrder {
    /// The order of `ports` that belongs to `seed`.
    pub fn new(ports: &PortSet, seed: u64) -> Self {
        let tier = top_ports(LIKELY_TIER).iter().filter(|port| !FIRST.contains(port));
        let likely: Vec<u16> =
            FIRST.iter().chain(tier).copied().filter(|&port| ports.contains(port)).collect();
        let others = ports.difference(&likely.iter().copied().collect());
        let mut rest = Vec::with_capacity(others.ranges().len());
        let mut before = 0;
        for &(first, last) in others.ranges() {
            rest.push((first, before));
            before += last - first + 1;
        }
        let landmarks = if rest.len() > FEW_RANGES { landmarks(&rest, before) } else { Vec::new() };
        Self { likely, rest, rest_len: before.into(), landmarks, seed }
    }

    /// How many ports there are.
    pub const fn len(&self) -> usize {
        self.likely.len() + self.rest_len
    }

    /// Whether there is no port.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many ports are in the likely tier: the first ones, in the same order for every host.
    pub const fn likely_len(&self) -> usize {
        self.likely.len()
    }

    /// The port to probe at step `k` on the host with `host_salt`: each port once for `k` below [`len`](Self::len),
    /// and 0, which is no port, from there on.
    pub fn get(&self, k: usize, host_salt: u64) -> u16 {
        self.get_in(k, &self.permutation(host_salt))
    }

    /// What the salt of a host does to the ports beyond the likely tier: computed once for each host, it makes
    /// [`get_in`](Self::get_in) of each of its ports the cheaper.
    pub fn permutation(&self, host_salt: u64) -> Permutation {
        Permutation::new(self.rest_len as u128, self.seed ^ host_salt)
    }

    /// [`get`](Self::get), with the [`permutation`](Self::permutation) of the host.
    pub fn get_in(&self, k: usize, permutation: &Permutation) -> u16 {
        let Some(k) = k.checked_sub(self.likely.len()) else {
            return self.likely.get(k).copied().unwrap_or(0);
        };
        if k >= self.rest_len {
            return 0;
        }
        let at = u16::try_from(permutation.get(k as u128)).unwrap_or(u16::MAX);
        let landmark = usize::from(at / STRIDE);
        let from = self.landmarks.get(landmark).map_or(0, |&range| range.into());
        let to = self.landmarks.get(landmark + 1).map_or(self.rest.len(), |&range| usize::from(range) + 1);
        let ranges = self.rest.get(from..to).unwrap_or_default();
        let range = ranges.partition_point(|&(_, before)| before <= at);
        let range = range.checked_sub(1).and_then(|range| ranges.get(range));
        range.map_or(0, |&(first, before)| first + (at - before))
    }
}

/// More ranges than this are worth landmarks.
const FEW_RANGES: usize = 8;

/// Small enough that few ranges lie between two landmarks: the likely tier parts all other ports into a hundred.
const STRIDE: u16 = 256;

fn landmarks(rest: &[(u16, u16)], len: u16) -> Vec<u16> {
    let range_of = |at: u16| rest.partition_point(|&(_, before)| before <= at) - 1;
    (0..len).step_by(usize::from(STRIDE)).filter_map(|at| u16::try_from(range_of(at)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Lengths of every magnitude, and the edges of the domains.
    fn lens() -> impl Strategy<Value = u128> {
        let near_a_power =
            (0..128_u32, -1..=1_i128).prop_map(|(bits, delta)| (1_u128 << bits).wrapping_add_signed(delta));
        prop_oneof![1..100_u128, any::<u64>().prop_map(u128::from), any::<u128>(), near_a_power]
            .prop_filter("something to permute", |&len| len > 0)
    }

    proptest! {
        #[test]
        fn every_number_is_met_once(len in 0..600_u128, seed: u64) {
            let order = Permutation::new(len, seed);
            let met: BTreeSet<u128> = (0..len).map(|i| order.get(i)).collect();
            prop_assert!(met.into_iter().eq(0..len));
        }

        #[test]
        fn can_be_undone_at_any_size(len in lens(), at: u128, seed: u64) {
            let order = Permutation::new(len, seed);
            let at = at % len;
            prop_assert!(order.get(at) < len);
            prop_assert_eq!(order.index_of(order.get(at)), at);
            prop_assert!(order.index_of(at) < len);
            prop_assert_eq!(order.get(order.index_of(at)), at);
            prop_assert_eq!(order.get(at), order.walk(at, |number| order.encrypt(number)));
        }

        #[test]
        fn stays_where_it_is_beyond_the_end(len in lens(), beyond: u128, seed: u64) {
            let order = Permutation::new(len, seed);
            let beyond = len.saturating_add(beyond);
            prop_assert_eq!((order.get(beyond), order.index_of(beyond)), (beyond, beyond));
        }

        #[test]
        fn every_bit_of_the_seed_counts(seed: u64, bit in 0..64_u32) {
            let (a, b) = (Permutation::new(1 << 32, seed), Permutation::new(1 << 32, seed ^ (1 << bit)));
            let same = (0..64).filter(|&i| a.get(i) == b.get(i)).count();
            prop_assert!(same <= 1, "{same} of 64 positions agree");
        }

        #[test]
        fn every_host_gets_every_port_once(
            ranges in prop::collection::vec((1..9_000_u16, 0..400_u16), 0..6), seed: u64, salt: u64,
        ) {
            let mut ports = PortSet::EMPTY;
            for (first, len) in ranges {
                ports.insert_range(first, first + len);
            }
            let order = PortOrder::new(&ports, seed);
            let asked: Vec<u16> = (0..order.len()).map(|k| order.get(k, salt)).collect();
            prop_assert_eq!(asked.len(), ports.len());
            prop_assert_eq!(asked.iter().copied().collect::<PortSet>(), ports.clone());
            prop_assert_eq!(order.get(order.len(), salt), 0);

            let likely: PortSet = top_ports(LIKELY_TIER).iter().copied().filter(|&port| ports.contains(port)).collect();
            prop_assert_eq!(order.likely_len(), likely.len());
            prop_assert_eq!(asked[..likely.len()].iter().copied().collect::<PortSet>(), likely);
            let first: Vec<u16> = FIRST.into_iter().filter(|&port| ports.contains(port)).collect();
            prop_assert_eq!(&asked[..first.len()], &first[..]);
        }
    }

    /// Over many seeds, each number should come at each position about equally often.
    #[test]
    fn short_permutations_are_mixed() {
        const EACH: u64 = 400;
        for n in 2..=24_u64 {
            let mut counts = BTreeMap::new();
            for seed in 0..EACH * n {
                let order = Permutation::new(n.into(), seed);
                for i in 0..n.into() {
                    *counts.entry((i, order.get(i))).or_insert(0_u64) += 1;
                }
            }
            assert_eq!(counts.len() as u64, n * n, "every number comes everywhere");
            for ((at, number), count) in counts {
                assert!(
                    count.abs_diff(EACH) < EACH / 3,
                    "{number} of {n} is at {at} {count} times, not {EACH}"
                );
            }
        }
    }

    /// A permutation that keeps neighbours together would walk through one subnet at a time.
    #[test]
    fn neighbours_are_scattered() {
        for len in [256_u128, 1_000, 65_536, 1 << 24] {
            let order = Permutation::new(len, 7);
            let steps = 200.min(len - 1);
            let near = (0..steps).filter(|&i| order.get(i).abs_diff(order.get(i + 1)) <= len / 64).count();
            assert!(near < 25, "len {len}: {near} of {steps} steps stay near");
        }
    }

    #[test]
    fn the_order_is_pinned() {
        // A change would break resuming and sharding across versions: whoever makes it must know.
        let order = Permutation::new(1_000_003, 9_021);
        insta::assert_debug_snapshot!((0..6).map(|i| order.get(i)).collect::<Vec<_>>(), @r#"
        [
            437322,
            799259,
            8220,
            758015,
            104682,
            82031,
        ]
        "#);
    }

    #[test]
    fn hosts_differ_and_all_ports_are_met() {
        let order = PortOrder::new(&PortSet::all(), 1);
        let of = |salt| (0..order.len()).map(|k| order.get(k, salt)).collect::<Vec<u16>>();
        let (a, b) = (of(1), of(2));
        assert_ne!(a, b);
        assert_eq!(a.iter().copied().collect::<PortSet>(), PortSet::all());
        assert_eq!(b.iter().copied().collect::<PortSet>(), PortSet::all());
        assert_eq!(a[..order.likely_len()], b[..order.likely_len()]);
    }

    #[test]
    fn there_may_be_nothing_to_permute() {
        assert!(Permutation::new(0, 7).is_empty() && !Permutation::new(1, 7).is_empty());
        assert_eq!([0, 1, 1_000].map(|len| Permutation::new(len, 7).len()), [0, 1, 1_000]);
        assert!(PortOrder::new(&PortSet::EMPTY, 7).is_empty());
        assert!(!PortOrder::new(&PortSet::from_range(9, 9), 7).is_empty());
    }

    #[test]
    fn every_bit_of_the_salt_counts_whatever_the_seed() {
        for seed in [0, u64::MAX] {
            let order = PortOrder::new(&PortSet::all(), seed);
            for bit in 0..64 {
                assert_ne!(order.permutation(0), order.permutation(1 << bit), "bit {bit}, seed {seed}");
            }
        }
    }
}
