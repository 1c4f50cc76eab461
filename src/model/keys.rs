//! Hash tables from keys that are numbers to numbers: one cache line a look-up.

/// A key of a [`KeyTable`]; 0 is none.
pub(super) trait Key: Copy + Eq {
    /// No key.
    const NONE: Self;
    /// A number with well mixed high bits, another one for every `seed`.
    fn hash(self, seed: u64) -> u64;
}

impl Key for u64 {
    const NONE: u64 = 0;

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        fold(self ^ seed, 0x9E37_79B9_7F4A_7C15)
    }
}

impl Key for u128 {
    const NONE: u128 = 0;

    #[inline]
    fn hash(self, seed: u64) -> u64 {
        fold(self as u64 ^ seed, (self >> 64) as u64 ^ 0x9E37_79B9_7F4A_7C15)
    }
}

/// Both halves of a product of 128 bits, as in wyhash (Wang Yi 2019).
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// A table with open addressing, at most three quarters full. A slot with a key of 16 bytes takes 32, half a cache line.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyTable<K> {
    slots: Vec<Slot<K>>,
    seed: u64,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot<K> {
    key: K,
    id: u32,
}

impl<K: Key> KeyTable<K> {
    /// A table with room for some keys before it has to grow.
    pub(super) fn with_capacity(keys: usize, seed: u64) -> Self {
        let slots = (keys.max(8) * 4).div_ceil(3).next_power_of_two();
        KeyTable { slots: vec![Slot { key: K::NONE, id: 0 }; slots], seed, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number of a key.
    #[inline]
    pub(super) fn get(&self, key: K) -> Option<u32> {
        let slot = self.slots[self.place(key)];
        if slot.key == key { Some(slot.id) } else { None }
    }

    /// Calls `found` with the numbers of those keys that have one, in order. The slots of all are fetched
    /// before the first is looked at, so that memory is waited for once and not for each.
    pub(super) fn get_all(&self, keys: &[K], mut found: impl FnMut(u32)) {
        let mask = self.slots.len() - 1;
        let fetched = keys.iter().fold(0, |sum, key| sum ^ self.slots[self.start(*key) & mask].id);
        std::hint::black_box(fetched);
        keys.iter().filter_map(|&key| self.get(key)).for_each(&mut found);
    }

    #[inline]
    fn start(&self, key: K) -> usize {
        (key.hash(self.seed) >> 20) as usize
    }

    /// The slot of a key, or the empty one where it would go.
    #[inline]
    fn place(&self, key: K) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = self.start(key) & mask;
        loop {
            let found = self.slots[place].key;
            if found == key || found == K::NONE {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    /// Gives a key a number, unless it has one: whether it had none.
    pub(super) fn insert(&mut self, key: K, id: u32) -> bool {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            let mut larger = Self::with_capacity(self.slots.len(), self.seed);
            for slot in self.slots.iter().copied().filter(|slot| slot.key != K::NONE) {
                let place = larger.place(slot.key);
                larger.slots[place] = slot;
            }
            self.slots = larger.slots;
        }
        let place = self.place(key);
        if self.slots[place].key == key {
            return false;
        }
        self.slots[place] = Slot { key, id };
        self.len += 1;
        true
    }

    /// Keeps the keys for which `keep` gives a number, with that number.
    pub(super) fn renumber(&mut self, keep: impl Fn(u32) -> Option<u32>) {
        let mut kept = Self::with_capacity(self.slots.len() / 4, self.seed);
        for slot in self.slots.iter().filter(|slot| slot.key != K::NONE) {
            if let Some(id) = keep(slot.id) {
                kept.insert(slot.key, id);
            }
        }
        *self = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn a_table_does_what_a_map_does(keys in prop::collection::vec(1_u64..400, 0..600), seed: u64) {
            let (mut table, mut map) = (KeyTable::<u64>::with_capacity(0, seed), HashMap::new());
            for (id, key) in (0..).zip(keys) {
                let is_new = !map.contains_key(&key);
                map.entry(key).or_insert(id);
                prop_assert_eq!(table.insert(key, id), is_new);
            }
            prop_assert_eq!(table.len(), map.len());
            for key in 1..400 {
                prop_assert_eq!(table.get(key), map.get(&key).copied());
            }
            table.renumber(|id| (id % 2 == 0).then_some(id / 2));
            for key in 1..400 {
                let kept = map.get(&key).filter(|id| **id % 2 == 0).map(|id| id / 2);
                prop_assert_eq!(table.get(key), kept);
            }
        }
    }
}
