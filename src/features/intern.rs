//! Strings numbered in the order in which they first came.

use std::hash::Hasher;

use hashbrown::HashTable;
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
    }
}
