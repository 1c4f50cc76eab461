//! Strings numbered in the order in which they first came.

use std::hash::Hasher;

use hashbrown::HashTable;
use rayon::prelude::*;
use rustc_hash::FxHasher;

/// A set of strings, each with a number. Look-up and insertion take constant time; the strings lie
/// in one allocation.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    text: String,
    ends: Vec<usize>,
    table: HashTable<u32>,
}

/// Equal where the same strings have the same numbers.
impl PartialEq for Interner {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ends == other.ends
    }
}

fn hash(string: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(string.as_bytes());
    hasher.finish()
}

impl Interner {
    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no strings.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string numbered `id`.
    pub fn resolve(&self, id: u32) -> &str {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.text[start..self.ends[id]]
    }

    /// The number of a string, if it has one.
    pub fn get(&self, string: &str) -> Option<u32> {
        self.table.find(hash(string), |&id| self.resolve(id) == string).copied()
    }

    /// The number of a string, and whether it is new.
    pub fn intern(&mut self, string: &str) -> (u32, bool) {
        if let Some(id) = self.get(string) {
            return (id, false);
        }
        let id = u32::try_from(self.ends.len()).expect("fewer than 2^32 strings");
        self.text.push_str(string);
        self.ends.push(self.text.len());
        let Interner { text, ends, table } = self;
        table.insert_unique(hash(string), id, |&id| {
            let id = id as usize;
            let start = if id == 0 { 0 } else { ends[id - 1] };
            hash(&text[start..ends[id]])
        });
        (id, true)
    }

    /// The numbers in the order of the strings' bytes.
    pub(crate) fn by_bytes(&self) -> Vec<u32> {
        // Most differ in their first bytes, which need no look at the text.
        let first = |id: u32| {
            let bytes = self.resolve(id).as_bytes();
            let mut first = [0; 8];
            let length = bytes.len().min(8);
            first[..length].copy_from_slice(&bytes[..length]);
            (u64::from_be_bytes(first), id)
        };
        let mut order: Vec<(u64, u32)> = (0..self.len() as u32).map(first).collect();
        order.par_sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.resolve(a.1).cmp(self.resolve(b.1)))
        });
        order.into_iter().map(|(_, id)| id).collect()
    }

    /// Adds the strings of another set, in their order. Gives the number here of each of them, and those of
    /// the other set that were new.
    pub(crate) fn absorb(&mut self, other: Interner) -> (Vec<u32>, Vec<u32>) {
        if self.is_empty() {
            *self = other;
            let all: Vec<u32> = (0..self.len() as u32).collect();
            return (all.clone(), all);
        }
        let mut added = Vec::new();
        let numbers = (0..other.len() as u32).map(|id| {
            let (number, new) = self.intern(other.resolve(id));
            added.extend(new.then_some(id));
            number
        });
        (numbers.collect(), added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_keeps_its_number(strings in prop::collection::vec("[ا-د]{0,3}", 0..200)) {
            let mut interner = Interner::default();
            let ids: Vec<u32> = strings.iter().map(|string| interner.intern(string).0).collect();
            for (string, &id) in strings.iter().zip(&ids) {
                prop_assert_eq!(interner.resolve(id), string);
                prop_assert_eq!(interner.get(string), Some(id));
            }
            prop_assert_eq!(interner.get("غائب"), None);
        }

        #[test]
        fn strings_are_sorted_by_their_bytes_and_taken_over_in_order(
            strings in prop::collection::vec("[\u{0}a-cا-د]{0,7}", 0..60), others in prop::collection::vec("[a-cا-د]{0,2}", 0..60),
        ) {
            let set = |strings: &[String]| {
                let mut set = Interner::default();
                for string in strings {
                    set.intern(string);
                }
                set
            };
            let mut sorted = strings.clone();
            sorted.sort_unstable();
            sorted.dedup();
            let found = set(&strings);
            prop_assert_eq!(found.by_bytes().iter().map(|&id| found.resolve(id)).collect::<Vec<_>>(), sorted);
            let (mut both, other) = (set(&strings), set(&others));
            let (numbers, new) = both.absorb(other.clone());
            for (id, &number) in (0..).zip(&numbers) {
                prop_assert_eq!(both.resolve(number), other.resolve(id));
                prop_assert_eq!(new.contains(&id), found.get(other.resolve(id)).is_none());
            }
            prop_assert_eq!(both, set(&[strings, others].concat()));
        }
    }
}
