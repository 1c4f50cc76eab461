//! Randomness that can be repeated: one seed, and from it one independent stream per use.
//!
//! Each use of chance (the shuffle before folds, every single bootstrap resample, ...) has a name,
//! and draws from the `ChaCha8` stream of that name. A new use, or a use that draws more numbers
//! than it did, therefore changes nothing for the others, and neither the order in which uses run
//! nor the number of threads can be seen in a result.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The one number that all randomness of a run derives from. The default is 2022.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RngSeed(pub u64);

impl Default for RngSeed {
    fn default() -> Self {
        RngSeed(2022)
    }
}

impl RngSeed {
    /// The random stream of the use called `name`, at its beginning.
    ///
    /// The key is expanded from the seed (`SeedableRng::seed_from_u64`), and the 64-bit stream
    /// number of `ChaCha` is the FNV-1a hash of the name's UTF-8 bytes; streams of one key with
    /// different numbers do not overlap. Both steps are fixed by their definitions, so a seed and
    /// a name give the same numbers on every platform and in every version. Draw `u32` or `u64`,
    /// never `usize`, where that must hold for what is drawn too.
    ///
    /// O(length of the name).
    pub fn stream(self, name: &str) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.0);
        rng.set_stream(fnv1a(name.as_bytes()));
        rng
    }
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use rand::RngCore;

    use super::*;

    fn first(seed: u64, name: &str) -> [u64; 2] {
        let mut rng = RngSeed(seed).stream(name);
        [rng.next_u64(), rng.next_u64()]
    }

    #[test]
    fn the_hash_is_fnv1a() {
        // Test vectors of the FNV reference code (http://www.isthe.com/chongo/tech/comp/fnv/).
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn streams_are_the_same_forever() {
        // Checked against an independent implementation of the seeding, FNV-1a and ChaCha8.
        assert_eq!(first(2022, "folds"), [10432585794175898074, 17439873553743859771]);
        assert_eq!(first(2022, "bootstrap/0"), [7046924798684613217, 2868795263443637161]);
        assert_eq!(first(7, ""), [307512369649745385, 4552774511005284608]);
    }

    #[test]
    fn every_name_and_every_seed_has_its_own_stream() {
        let mut seen: Vec<[u64; 2]> = (0..1000).map(|i| first(2022, &format!("bootstrap/{i}"))).collect();
        seen.extend((0..1000).map(|seed| first(seed, "folds")));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 2000);
    }

    #[test]
    fn a_stream_is_untouched_by_what_others_draw() {
        let mut other = RngSeed::default().stream("other");
        let before = first(2022, "folds");
        other.next_u64();
        assert_eq!(first(2022, "folds"), before);
    }

    #[test]
    fn the_seed_is_written_as_a_plain_number() {
        assert_eq!(serde_json::to_string(&RngSeed::default()).unwrap(), "2022");
        assert_eq!(serde_json::from_str::<RngSeed>("7").unwrap(), RngSeed(7));
    }
}
