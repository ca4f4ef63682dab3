//! `Wheel`: the one timer structure of a reactor, a hashed timing wheel (Varghese and Lauck 1987, scheme 6).
//!
//! Setting and clearing a timer takes constant time, and memory follows the largest number of timers set at once: each is a node of
//! a doubly linked list in the slot of its millisecond. A timer further ahead than the wheel is long stays in its slot for as many
//! turns as it takes.

use std::time::Duration;

use crate::control::ScanTime;

/// Slots, one per millisecond: longer than the longest time-out unless configured (3 s), so that a slot is rarely visited in vain.
const SLOTS: usize = 1 << 12;
const WORDS: usize = SLOTS / 64;
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Wheel {
    heads: Box<[u32; SLOTS]>,
    /// A bit for each slot that is not empty.
    occupied: [u64; WORDS],
    nodes: Vec<Node>,
    set: u32,
    /// The tick up to which every slot was visited.
    tick: u64,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    due: u64,
    before: u32,
    after: u32,
}

const UNSET: Node = Node { due: u64::MAX, before: NONE, after: NONE };

impl Wheel {
    pub(super) fn new() -> Self {
        Self { heads: Box::new([NONE; SLOTS]), occupied: [0; WORDS], nodes: Vec::new(), set: 0, tick: 0 }
    }

    /// How many timers are set.
    pub(super) const fn len(&self) -> u32 {
        self.set
    }

    /// Sets the timer of `key`, which has none: never early, and late by less than 1 ms. Keys are small numbers.
    pub(super) fn set(&mut self, key: u32, due: ScanTime) {
        let index = key as usize;
        if self.nodes.len() <= index {
            self.nodes.resize(index + 1, UNSET);
        }
        // What is due already is found in the next slot to be visited.
        let due = ticks_up(due).max(self.tick + 1);
        let slot = slot_of(due);
        let first = std::mem::replace(&mut self.heads[slot], key);
        self.nodes[index] = Node { due, before: NONE, after: first };
        if first == NONE {
            self.occupied[slot / 64] |= 1 << (slot % 64);
        } else {
            self.nodes[first as usize].before = key;
        }
        self.set += 1;
    }

    /// Clears the timer of `key`; does nothing where none is set.
    pub(super) fn clear(&mut self, key: u32) {
        let Some(node) = self.nodes.get_mut(key as usize) else { return };
        let Node { due, before, after } = std::mem::replace(node, UNSET);
        if due == u64::MAX {
            return;
        }
        if after != NONE {
            self.nodes[after as usize].before = before;
        }
        if before == NONE {
            let slot = slot_of(due);
            self.heads[slot] = after;
            if after == NONE {
                self.occupied[slot / 64] &= !(1 << (slot % 64));
            }
        } else {
            self.nodes[before as usize].after = after;
        }
        self.set -= 1;
    }

    /// Takes one timer that is due.
    pub(super) fn pop(&mut self, now: ScanTime) -> Option<u32> {
        let now = ticks(now);
        if self.set == 0 {
            self.tick = self.tick.max(now);
            return None;
        }
        // After a long sleep one turn of the wheel meets every slot.
        self.tick = self.tick.max(now.saturating_sub(SLOTS as u64));
        while self.tick < now {
            let next = self.tick + 1;
            let empty = self.empty_from(slot_of(next));
            if empty > 0 {
                self.tick = (self.tick + empty).min(now);
                continue;
            }
            if let Some(key) = self.due_in(slot_of(next), now) {
                self.clear(key);
                return Some(key);
            }
            self.tick = next;
        }
        None
    }

    /// When to look again: no timer is due before.
    pub(super) fn next(&self) -> Option<ScanTime> {
        if self.set == 0 {
            return None;
        }
        let mut tick = self.tick + 1;
        tick += self.empty_from(slot_of(tick));
        Some(ScanTime::after(Duration::from_millis(tick)))
    }

    /// A timer in the slot that is due by `now`.
    fn due_in(&self, slot: usize, now: u64) -> Option<u32> {
        let mut key = self.heads[slot];
        while key != NONE {
            let node = self.nodes[key as usize];
            if node.due <= now {
                return Some(key);
            }
            key = node.after;
        }
        None
    }

    /// How many slots are empty from `slot` on, around the wheel at most.
    fn empty_from(&self, slot: usize) -> u64 {
        let first = self.occupied[slot / 64] >> (slot % 64);
        if first != 0 {
            return u64::from(first.trailing_zeros());
        }
        let mut empty = 64 - slot % 64;
        for word in 1..=WORDS {
            let bits = self.occupied[(slot / 64 + word) % WORDS];
            if bits != 0 {
                return (empty + bits.trailing_zeros() as usize) as u64;
            }
            empty += 64;
        }
        SLOTS as u64
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a scan of 2^64 ms outlasts everything")]
const fn ticks(time: ScanTime) -> u64 {
    time.elapsed().as_millis() as u64
}

#[expect(clippy::cast_possible_truncation, reason = "a scan of 2^64 ms outlasts everything")]
const fn ticks_up(time: ScanTime) -> u64 {
    time.elapsed().as_micros().div_ceil(1_000) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "cut to the wheel")]
const fn slot_of(tick: u64) -> usize {
    tick as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> ScanTime {
        ScanTime::after(Duration::from_millis(ms))
    }

    #[test]
    fn never_early_and_never_forgotten_beyond_one_turn() {
        let mut wheel = Wheel::new();
        wheel.set(0, at(5));
        wheel.set(1, at(5 + SLOTS as u64));
        wheel.set(2, ScanTime::after(Duration::from_micros(5_001)));
        assert_eq!(wheel.next(), Some(at(5)));
        assert_eq!(wheel.pop(at(4)), None);
        assert_eq!(wheel.pop(at(5)), Some(0));
        assert_eq!(wheel.pop(at(5)), None, "5.001 ms are not over");
        assert_eq!(wheel.pop(at(6)), Some(2));
        assert_eq!(wheel.pop(at(SLOTS as u64)), None);
        assert_eq!(wheel.pop(at(5 + SLOTS as u64)), Some(1));
        assert_eq!((wheel.len(), wheel.next()), (0, None));
    }

    #[test]
    fn what_is_due_already_comes_with_the_next_tick() {
        let mut wheel = Wheel::new();
        wheel.set(7, at(100));
        assert_eq!(wheel.pop(at(1_000)), Some(7));
        assert_eq!(wheel.pop(at(1_000)), None);
        wheel.set(7, at(900));
        assert_eq!(wheel.next(), Some(at(1_001)));
        assert_eq!(wheel.pop(at(1_001)), Some(7));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(u32, u64),
        Clear(u32),
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u32..40, 0_u64..9_000).prop_map(|(key, wait)| Step::Set(key, wait)),
            (0_u32..40).prop_map(Step::Clear),
            (0_u64..3_000).prop_map(Step::Pass),
            Just(Step::Pass(20_000)),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_a_map_of_deadlines(steps in prop::collection::vec(step(), 0..200)) {
            let (mut wheel, mut model, mut now) = (Wheel::new(), BTreeMap::new(), 0);
            for step in steps {
                match step {
                    Step::Set(key, wait) => {
                        wheel.clear(key);
                        wheel.set(key, at(now + wait));
                        model.insert(key, now + wait);
                    }
                    Step::Clear(key) => {
                        wheel.clear(key);
                        model.remove(&key);
                    }
                    Step::Pass(time) => {
                        now += time;
                        while let Some(key) = wheel.pop(at(now)) {
                            prop_assert!(model.remove(&key).is_some_and(|due| due <= now), "{key} is early");
                        }
                        // What was set when it was due already may wait for one more tick.
                        prop_assert!(model.values().all(|&due| due >= now), "{model:?} at {now}");
                    }
                }
                prop_assert_eq!(wheel.len() as usize, model.len());
                let next = wheel.next().map(|next| next.elapsed().as_millis());
                let first = model.values().min().map(|&due| u128::from(due.max(now + 1)));
                prop_assert!(next <= first, "{next:?} after {first:?}");
            }
        }
    }
}
