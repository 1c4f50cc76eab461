//! The words that a thread has met, each with what it adds to a document's scores.
//!
//! What bounds scoring is not arithmetic but waiting for memory: most words of a text are met for the
//! hundredth time, and lie where the processor's caches no longer reach. So a look-up takes one half of a
//! cache line for the word and one line or two for its row, and a document's words are looked up side by
//! side, all before anything is done with them.

use rustc_hash::FxHashMap;

use super::index::{Resolved, Resolver};
use super::keys::{Key as _, KeyTable};
use crate::text::scan::{surface_key, word_key, write_word};
use crate::text::{Normalizer, Token};

/// Words kept at most; beyond that those go that were not met for longest.
pub(super) const MOST_WORDS: usize = 1 << 18;
/// Bytes of words kept at most; only words that are none are so long.
const MOST_TEXT: usize = 64 << 20;
/// Surfaces kept at most that were read the long way.
const MOST_SURFACES: usize = 1 << 16;
/// A token of which normalisation leaves nothing.
const NOTHING: u32 = u32::MAX;
/// Marks the key of a word that is too long to be its own: its number.
const NUMBERED: u128 = 0x0D << 120;
/// Keys that are looked up side by side.
const SIDE_BY_SIDE: usize = 256;

/// A cache line of a row.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [f64; 8]);

/// A store of words. The default one has no room for any: it stands for one that was taken away.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Open addressing, at most three quarters full.
    slots: Vec<Slot>,
    seed: u64,
    /// For each word its slot.
    homes: Vec<u32>,
    /// For each word its row: the squared lengths and sums of [`super::index::Layout`], filled up with zeros.
    rows: Vec<Line>,
    lines: usize,
    columns: usize,
    /// The sums of those words that have shares, one after the other; the first is of none.
    shares: Vec<f64>,
    by_surface: KeyTable<u128>,
    /// The numbers of words that are too long for a key.
    long: FxHashMap<Box<str>, u32>,
    /// The words one after the other, and where each ends.
    text: String,
    ends: Vec<usize>,
    document: u32,
    /// Words of the document that is being read.
    touched: Vec<Touched>,
    /// Keys that were met and not yet looked up.
    keys: Vec<u128>,
    places: Vec<u32>,
    resolved: Resolved,
    word: String,
}

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct Slot {
    /// 0 for an empty slot.
    key: u128,
    word: u32,
    /// The last document that it was met in.
    document: u32,
    /// Its place among that document's words.
    place: u32,
    /// Whether it is known (1), and twice the place of its shares.
    marks: u32,
}

/// A word of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touched {
    /// By which the words of a document are put in order: a hash of the word, the same in every run.
    order: u64,
    pub(super) word: u32,
    pub(super) count: u32,
    marks: u32,
}

impl Touched {
    pub(super) fn is_known(self) -> bool {
        self.marks & 1 == 1
    }

    pub(super) fn has_shares(self) -> bool {
        self.marks > 1
    }
}

impl Words {
    pub(super) fn new(resolver: &Resolver) -> Self {
        // Nobody can prepare texts whose words all meet in one place of a table.
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0_u64);
        Words {
            slots: vec![Slot::default(); 1 << 10],
            seed,
            lines: resolver.layout.width().div_ceil(8),
            columns: resolver.layout.columns,
            shares: vec![0.0; resolver.layout.columns],
            by_surface: KeyTable::with_capacity(1 << 6, seed),
            ..Words::default()
        }
    }

    /// Number of words.
    pub(super) fn len(&self) -> usize {
        self.homes.len()
    }

    /// Lines of a row.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// Begins a document.
    pub(super) fn begin(&mut self) {
        if self.len() > MOST_WORDS || self.text.len() > MOST_TEXT || self.document == u32::MAX {
            self.forget();
        }
        if self.by_surface.len() > MOST_SURFACES {
            self.by_surface.renumber(|_| None);
        }
        self.touched.clear();
        self.keys.clear();
        self.document += 1;
    }

    /// Ends it: its words stand in an order that depends on nothing but them.
    pub(super) fn end(&mut self) {
        self.touched.sort_unstable_by_key(|touched| touched.order);
    }

    /// The document's words, each once.
    pub(super) fn touched(&self) -> &[Touched] {
        &self.touched
    }

    #[inline]
    pub(super) fn row(&self, word: u32) -> &[Line] {
        &self.rows[word as usize * self.lines..][..self.lines]
    }

    /// The sums of a word's shares, each times its block's weight; of words that have any.
    pub(super) fn shares(&self, touched: Touched) -> &[f64] {
        &self.shares[touched.marks as usize / 2 * self.columns..][..self.columns]
    }

    /// Fetches the rows of the document's words side by side.
    pub(super) fn fetch(&self) {
        let fetched = self.touched.iter().fold(0, |sum, touched| {
            sum ^ self.row(touched.word).iter().fold(0, |sum, line| sum ^ line.0[0].to_bits())
        });
        std::hint::black_box(fetched);
    }

    pub(super) fn name(&self, word: u32) -> &str {
        let word = word as usize;
        let start = if word == 0 { 0 } else { self.ends[word - 1] };
        &self.text[start..self.ends[word]]
    }

    /// A word of the document by its key, once; it counts when [`Words::look_up`] is called.
    #[inline]
    pub(super) fn meet(&mut self, resolver: &Resolver, key: u128) {
        self.keys.push(key);
        if self.keys.len() == SIDE_BY_SIDE {
            self.look_up(resolver, 1);
        }
    }

    /// Looks up the words that were met, each of which stands `count` times.
    pub(super) fn look_up(&mut self, resolver: &Resolver, count: u32) {
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        // The slots of all are fetched before the first is looked at: memory is waited for once.
        let mask = self.slots.len() - 1;
        let fetched = self.keys.iter().fold(0, |sum, key| sum ^ self.slots[self.start(*key) & mask].word);
        std::hint::black_box(fetched);
        places.extend(self.keys.iter().map(|&key| self.place(key) as u32));
        let keys = std::mem::take(&mut self.keys);
        let size = self.slots.len();
        for (&key, &place) in keys.iter().zip(&places) {
            let mut place = place as usize;
            // The word may be new, or the table another one since.
            if self.slots[place].key != key || self.slots.len() != size {
                place = self.place(key);
                if self.slots[place].key == 0 {
                    place = self.add_key(resolver, key);
                }
            }
            self.meet_at(place, count);
        }
        self.keys = keys;
        self.keys.clear();
        self.places = places;
    }

    /// A token read the long way; whether it is a word.
    pub(super) fn meet_token(
        &mut self,
        resolver: &Resolver,
        normalizer: &Normalizer,
        text: &str,
        (token, key): (&Token, Option<u128>),
        count: u32,
    ) -> bool {
        let key = key.or_else(|| surface_key(token.surface(text)));
        let known = key.and_then(|key| self.by_surface.get(key));
        let word = known.unwrap_or_else(|| {
            let mut word = std::mem::take(&mut self.word);
            normalizer.word(text, token, &mut word);
            let found = if word.is_empty() { NOTHING } else { self.find(resolver, &word) };
            self.word = word;
            if let Some(key) = key {
                self.by_surface.insert(key, found);
            }
            found
        });
        if word != NOTHING {
            self.meet_at(self.homes[word as usize] as usize, count);
        }
        word != NOTHING
    }

    #[inline]
    fn start(&self, key: u128) -> usize {
        (key.hash(self.seed) >> 20) as usize
    }

    /// The slot of a key, or the empty one where it would go.
    #[inline]
    fn place(&self, key: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = self.start(key) & mask;
        loop {
            let found = self.slots[place].key;
            if found == key || found == 0 {
                return place;
            }
            place = (place + 1) & mask;
        }
    }

    #[inline]
    fn meet_at(&mut self, place: usize, count: u32) {
        let slot = &mut self.slots[place];
        if slot.document == self.document {
            let touched = &mut self.touched[slot.place as usize];
            touched.count = touched.count.saturating_add(count);
        } else {
            slot.document = self.document;
            slot.place = self.touched.len() as u32;
            let order = self.order(place);
            let Slot { word, marks, .. } = self.slots[place];
            self.touched.push(Touched { order, word, count, marks });
        }
    }

    /// Of words that have a key of their own, a hash of it; of others one of all of their bytes.
    #[inline]
    fn order(&self, place: usize) -> u64 {
        let Slot { key, word, .. } = self.slots[place];
        if key >> 120 == NUMBERED >> 120 {
            let bytes = self.name(word).bytes();
            return bytes.fold(0, |order, byte| (order ^ u64::from(byte)).hash(0));
        }
        key.hash(0)
    }

    fn find(&mut self, resolver: &Resolver, word: &str) -> u32 {
        let key = word_key(word);
        if key.is_none()
            && let Some(&found) = self.long.get(word)
        {
            return found;
        }
        let number = self.len() as u32;
        let key = key.unwrap_or(NUMBERED | u128::from(number));
        let mut place = self.place(key);
        if self.slots[place].key == 0 {
            self.text.push_str(word);
            place = self.add(resolver, key);
            if key == NUMBERED | u128::from(number) {
                self.long.insert(word.into(), number);
            }
        }
        self.slots[place].word
    }

    #[cold]
    fn add_key(&mut self, resolver: &Resolver, key: u128) -> usize {
        write_word(key, &mut self.text);
        self.add(resolver, key)
    }

    /// Adds the word at the end of the text; gives its slot.
    fn add(&mut self, resolver: &Resolver, key: u128) -> usize {
        let word = self.len() as u32;
        let start = self.ends.last().copied().unwrap_or(0);
        resolver.resolve(key, &self.text[start..], &mut self.resolved);
        self.ends.push(self.text.len());
        self.rows.extend_from_slice(&self.resolved.row);
        let mut marks = u32::from(self.resolved.known);
        if self.resolved.shares.iter().any(|&share| share != 0.0) {
            marks |= (self.shares.len() / self.columns.max(1)) as u32 * 2;
            self.shares.extend_from_slice(&self.resolved.shares);
        }
        if (self.len() + 1) * 4 > self.slots.len() * 3 {
            let larger = vec![Slot::default(); self.slots.len() * 2];
            let old = std::mem::replace(&mut self.slots, larger);
            old.into_iter().filter(|slot| slot.key != 0).for_each(|slot| self.settle(slot));
        }
        let place = self.place(key);
        self.slots[place] = Slot { key, word, document: 0, place: 0, marks };
        self.homes.push(place as u32);
        place
    }

    /// Puts a word that is in no slot into one.
    fn settle(&mut self, slot: Slot) {
        let place = self.place(slot.key);
        self.slots[place] = slot;
        self.homes[slot.word as usize] = place as u32;
    }

    /// Drops the half of the words that was not met for longest.
    fn forget(&mut self) {
        let mut last: Vec<u32> = self.homes.iter().map(|&home| self.slots[home as usize].document).collect();
        let middle = last.len() / 2;
        let least = if last.is_empty() || self.text.len() > MOST_TEXT {
            u32::MAX
        } else {
            *last.select_nth_unstable(middle).1
        };
        let old = std::mem::take(self);
        let mut numbers = vec![NOTHING; old.len()];
        self.seed = old.seed;
        (self.lines, self.columns) = (old.lines, old.columns);
        self.shares = vec![0.0; self.columns];
        let mut slots = Vec::new();
        for (word, &home) in old.homes.iter().enumerate() {
            let mut slot = old.slots[home as usize];
            // Those of the middle document go too: they may be nearly all.
            if slot.document <= least {
                continue;
            }
            let number = slots.len() as u32;
            numbers[word] = number;
            self.text.push_str(old.name(word as u32));
            self.ends.push(self.text.len());
            self.rows.extend_from_slice(old.row(word as u32));
            let share = slot.marks as usize / 2;
            if share > 0 {
                slot.marks = (slot.marks & 1) | ((self.shares.len() / self.columns.max(1)) as u32 * 2);
                self.shares.extend_from_slice(&old.shares[share * self.columns..][..self.columns]);
            }
            if slot.key >> 120 == NUMBERED >> 120 {
                slot.key = NUMBERED | u128::from(number);
                self.long.insert(old.name(word as u32).into(), number);
            }
            slots.push(Slot { word: number, document: 0, ..slot });
        }
        self.homes = vec![0; slots.len()];
        self.slots = vec![Slot::default(); (slots.len() * 2).next_power_of_two().max(1 << 10)];
        slots.into_iter().for_each(|slot| self.settle(slot));
        self.by_surface = old.by_surface;
        self.by_surface.renumber(|word| match word {
            NOTHING => Some(NOTHING),
            word => Some(numbers[word as usize]).filter(|&number| number != NOTHING),
        });
    }
}
