//! Vectors of stems, learned from running text that nobody has labelled: stems that stand in the same
//! surroundings have vectors that point the same way.
//!
//! The recipe is that of Levy & Goldberg (2014), *Neural word embedding as implicit matrix factorization*,
//! with what Levy, Goldberg & Dagan (2015), *Improving distributional similarity with lessons learned from
//! word embeddings*, found to help: windows that weigh by distance, context frequencies to the power of
//! 0.75, singular values to the power of 0.5, rows of unit length. With i and j terms, that is stems seen
//! `min_count` times or more:
//!
//! ```text
//! M_ij  =  sum of 1 / distance       over all places of i and of j that are `window` places or less
//!                                    apart in one text; both orders, so M is symmetric
//! r_i   =  sum over j of M_ij
//! p_j   =  r_j^0.75 / sum over k of r_k^0.75
//! P_ij  =  max(0, ln(M_ij / (r_i · p_j)))           positive pointwise mutual information, in nats
//! P     ~  U · S · Vᵀ                               the `dimensions` largest singular values
//! row i =  U_i · S^½, divided by its length
//! ```
//!
//! Words are those that the [lexicon](super::Lexicon) sees, in the order in which they stand, stand-ins
//! such as `<url>` among them; each is replaced by its stem ([`super::Extractor::Stem`]). A stem below
//! `min_count` keeps its place, so that others do not move nearer to each other, but counts for nothing.
//! A text whose words all come as in a text before it is left out: what is sent round a thousand times
//! is one text. Nothing is centred. The singular vectors are found by random projection (Halko,
//! Martinsson & Tropp 2011), from the random stream `vectors`; the sign of each is such that its
//! largest component is above 0.
//!
//! M is counted in whole numbers, of the least common multiple of 1, 2, … `window` a unit. So no order of
//! texts or threads can be seen in it, and with terms in an order of their own the vectors are the same to
//! the last bit however the texts come.

use std::hash::Hasher;

use hashbrown::HashTable;
use rayon::prelude::*;
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};

use super::extract::stem;
use super::intern::Interner;
use super::svd::{Cells, OVERSAMPLING, truncated};
use crate::document::{Body, Document, sha256_hex};
use crate::error::{Error, Result};
use crate::rng::RngSeed;
use crate::sparse::Rows;
use crate::text::Normalizer;

/// Widest window: the least common multiple of 1 to 16 is 720,720, which leaves the sums of any text
/// in 64 bits.
const MOST_WINDOW: usize = 16;
/// Most dimensions: time grows with their square, and in part with their cube.
const MOST_DIMENSIONS: usize = 1000;
/// Vectors are not made shorter than this for want of terms.
const LEAST_DIMENSIONS: usize = 10;
/// Power of the frequencies of contexts.
const SMOOTHING: f64 = 0.75;
/// A row below this share of the longest is what is left of 0 after a few iterations, as where two stems
/// stand near each other only and near nothing else: its term has no vector.
const LEAST_LENGTH: f64 = 1e-6;

/// The mark between texts.
const END: u32 = u32::MAX;
/// A stem that is no term.
const RARE: u32 = u32::MAX - 1;

/// How vectors are learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VectorConfig {
    /// Numbers in a vector, 1 to 1000. Fewer are made where there are fewer than `dimensions` + 20 terms.
    pub dimensions: usize,
    /// How many places apart, on either side, stems are taken to stand together, 1 to 16.
    pub window: usize,
    /// Stems seen fewer times have no vector; 1 at least.
    pub min_count: u32,
}

impl Default for VectorConfig {
    fn default() -> Self {
        VectorConfig { dimensions: 100, window: 5, min_count: 4 }
    }
}

impl VectorConfig {
    /// Checks every value, before any work.
    ///
    /// # Errors
    /// [`Error::Usage`] with the option's name and its range.
    pub fn check(&self) -> Result<()> {
        let fail = |what: String| Err(Error::Usage(format!("vectors.{what}")));
        if !(1..=MOST_DIMENSIONS).contains(&self.dimensions) {
            return fail(format!("dimensions: {}; it wants 1 to {MOST_DIMENSIONS}", self.dimensions));
        }
        if !(1..=MOST_WINDOW).contains(&self.window) {
            return fail(format!("window: {}; it wants 1 to {MOST_WINDOW}", self.window));
        }
        if self.min_count == 0 {
            return fail("min_count: 0; it wants 1 at least".into());
        }
        Ok(())
    }
}

/// Stems, and a vector of unit length for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// Stems, by falling number of occurrences and then by their bytes.
    pub(crate) terms: Interner,
    /// For each term, in how many texts it occurs.
    pub(crate) df: Vec<u32>,
    /// Number of texts it was learned from: different from each other, and with a word at least.
    pub(crate) n_documents: u32,
    /// Numbers in a vector.
    pub(crate) dimensions: usize,
    /// The vectors (terms x dimensions), row by row.
    pub(crate) values: Vec<f32>,
}

impl Vectors {
    /// The document frequency of each term as it would be among `n_documents` texts, 1 at least.
    pub(crate) fn frequencies(&self, n_documents: u32) -> impl Iterator<Item = u32> + '_ {
        let scale = f64::from(n_documents) / f64::from(self.n_documents.max(1));
        self.df
            .iter()
            .map(move |&df| (f64::from(df) * scale).round().clamp(1.0, f64::from(n_documents.max(1))) as u32)
    }

    /// Number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there are no terms; [`learn`] never leaves it so.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Numbers in a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Number of texts it was learned from.
    pub fn n_documents(&self) -> u32 {
        self.n_documents
    }

    /// The number of a stem, if it has a vector. Constant time.
    pub fn get(&self, stem: &str) -> Option<u32> {
        self.terms.get(stem)
    }

    /// The stem numbered `term`. Panics where there is none.
    pub fn term(&self, term: u32) -> &str {
        self.terms.resolve(term)
    }

    /// In how many of the texts the stem numbered `term` occurs. Panics where there is none.
    pub fn df(&self, term: u32) -> u32 {
        self.df[term as usize]
    }

    /// The vector of the stem numbered `term`, of unit length up to the rounding of single precision; the
    /// product of two is the cosine between them. Panics where there is none.
    pub fn row(&self, term: u32) -> &[f32] {
        &self.values[term as usize * self.dimensions..][..self.dimensions]
    }

    /// SHA-256 of everything, in lower-case hexadecimal: of the number of terms, of documents, and of
    /// dimensions (8 bytes each), then of each term its length in bytes (8 bytes), its bytes and its
    /// document frequency (4 bytes), then of all values (4 bytes each); little-endian throughout.
    pub fn digest(&self) -> String {
        let mut bytes = Vec::with_capacity(self.values.len() * 4 + self.len() * 32);
        let sizes = [self.len() as u64, u64::from(self.n_documents), self.dimensions as u64];
        sizes.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
        for (term, df) in self.df.iter().enumerate() {
            let term = self.term(term as u32);
            bytes.extend((term.len() as u64).to_le_bytes());
            bytes.extend(term.as_bytes());
            bytes.extend(df.to_le_bytes());
        }
        self.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        sha256_hex(&bytes)
    }
}

/// Learns vectors of stems from texts. Documents without running text ([`Body::Segments`]) are passed
/// over: a bag does not tell what stood next to what. Labels are not looked at.
///
/// Where there are fewer than `dimensions` + 20 terms, vectors have as many numbers as there are terms
/// less 20, but 10 at least (or `dimensions`, where that is less); [`Vectors::dimensions`] tells. A term
/// that never stands near another more often than chance, or of which the kept singular vectors know
/// nothing, has no vector and is left out.
///
/// The result is the same to the last bit at any number of threads and in any order of the documents.
/// With T words of text, W = `window`, c cells of P above 0, n terms and s = `dimensions` + 20, it takes
/// O(T·W + (c + n·s)·s + s³) time, and memory for some 20 bytes a word, 24 bytes a cell and 24 bytes for
/// each of n·s numbers. For 112,000 short messages, 83,000 of them different, with 21,000 terms and 3.8
/// million cells, that is 2.4 seconds on two cores, and 230 MB with the messages.
///
/// # Errors
/// [`Error::Usage`] where a setting is out of range. [`Error::TooFew`] where no document has running
/// text, where too few terms remain, and where no term stands near another.
pub fn learn<'d>(
    config: &VectorConfig,
    normalizer: &Normalizer,
    documents: impl IntoIterator<Item = &'d Document>,
    seed: RngSeed,
) -> Result<Vectors> {
    config.check()?;
    let (texts, stems) = read(normalizer, documents)?;
    let kept = terms(&texts, &stems, config.min_count);
    let least = config.dimensions.min(LEAST_DIMENSIONS) + OVERSAMPLING;
    if kept.len() < least {
        return Err(Error::TooFew(format!(
            "only {} stems occur {} times or more in the {} different texts, and vectors want {least} at least; give more running \
             texts, some hundreds for a start and tens of thousands for good vectors, or lower vectors.min_count",
            kept.len(),
            config.min_count,
            texts.len(),
        )));
    }
    let near = Near::new(&texts, &kept, stems.len(), config.window);
    let cells = near.information();
    if cells.nnz() == 0 {
        return Err(Error::TooFew(
            "no stem stands near another in any text; give texts of several words, in their order".into(),
        ));
    }
    let dimensions = config.dimensions.min(kept.len() - OVERSAMPLING);
    let svd = truncated(&cells, kept.len(), dimensions, &mut seed.stream("vectors"));
    drop(cells);
    let roots: Vec<f64> = svd.values.iter().map(|value| value.sqrt()).collect();
    let rows: Vec<Vec<f64>> = svd
        .left
        .chunks_exact(dimensions)
        .map(|row| row.iter().zip(&roots).map(|(u, root)| u * root).collect())
        .collect();
    let df = near.document_frequencies();
    let mut vectors = Vectors {
        terms: Interner::default(),
        df: Vec::new(),
        n_documents: texts.len() as u32,
        dimensions,
        values: Vec::with_capacity(rows.len() * dimensions),
    };
    let lengths: Vec<f64> = rows.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
    let least = lengths.iter().fold(0.0_f64, |longest, &length| longest.max(length)) * LEAST_LENGTH;
    for (term, (row, &length)) in
        rows.iter().zip(&lengths).enumerate().filter(|(_, (_, length))| **length > least)
    {
        vectors.terms.intern(stems.resolve(kept[term]));
        vectors.df.push(df[term]);
        vectors.values.extend(row.iter().map(|x| (x / length) as f32));
    }
    Ok(vectors)
}

/// The different texts among some documents, each a run of stems, and the stems. Texts without a word do
/// not count.
fn read<'d>(
    normalizer: &Normalizer,
    documents: impl IntoIterator<Item = &'d Document>,
) -> Result<(Rows<u32>, Interner)> {
    let (mut words, mut stems) = (Interner::default(), Interner::default());
    let mut stem_of: Vec<u32> = Vec::new();
    let mut texts: Rows<u32> = Rows::new();
    let mut seen: HashTable<u32> = HashTable::new();
    let (mut bags, mut run) = (0, Vec::new());
    for document in documents {
        if !matches!(document.body, Body::Text(_)) {
            bags += 1;
            continue;
        }
        run.clear();
        document.each_word(normalizer, |word, _| {
            let (number, new) = words.intern(word);
            if new {
                stem_of.push(stems.intern(&stem(word)).0);
            }
            run.push(number);
        });
        let hash = hash(&run);
        if !run.is_empty() && seen.find(hash, |&text| texts.row(text as usize) == run).is_none() {
            let number = u32::try_from(texts.len()).expect("fewer than 2^32 texts");
            texts.push(run.iter().copied());
            seen.insert_unique(hash, number, |&text| self::hash(texts.row(text as usize)));
        }
    }
    if texts.is_empty() {
        return Err(Error::TooFew(match bags {
            0 => "there is no text to learn vectors from; give running texts".into(),
            _ => format!(
                "vectors are learned from running text, and none of the documents has any ({bags} hold bags of words only, without \
                 their order); give the texts themselves, labelled or not"
            ),
        }));
    }
    let mut runs = Rows::new();
    texts.iter().for_each(|text| runs.push(text.iter().map(|&word| stem_of[word as usize])));
    Ok((runs, stems))
}

fn hash(words: &[u32]) -> u64 {
    let mut hasher = FxHasher::default();
    words.iter().for_each(|&word| hasher.write_u32(word));
    hasher.finish()
}

/// The stems seen `min_count` times or more, by falling number of occurrences and then by their bytes.
fn terms(texts: &Rows<u32>, stems: &Interner, min_count: u32) -> Vec<u32> {
    let mut counts = vec![0_u64; stems.len()];
    texts.iter().flatten().for_each(|&stem| counts[stem as usize] += 1);
    let count = |stem: u32| counts[stem as usize];
    let mut kept: Vec<u32> =
        (0..stems.len() as u32).filter(|&stem| count(stem) >= u64::from(min_count)).collect();
    kept.sort_unstable_by(|&a, &b| {
        count(b).cmp(&count(a)).then_with(|| stems.resolve(a).cmp(stems.resolve(b)))
    });
    kept
}

/// What stands near what: the matrix M, a row at a time.
struct Near {
    /// All texts as numbers of terms, [`RARE`] for other stems, with [`END`] before, between and after.
    line: Vec<u32>,
    /// For each term where it stands in the line.
    places: Vec<Vec<usize>>,
    /// The unit divided by each distance from 1 on.
    weights: Vec<u64>,
}

impl Near {
    /// `kept` are the terms among `n_stems` stems.
    fn new(texts: &Rows<u32>, kept: &[u32], n_stems: usize, window: usize) -> Self {
        let mut numbers = vec![RARE; n_stems];
        for (number, &stem) in kept.iter().enumerate() {
            numbers[stem as usize] = number as u32;
        }
        let mut line = Vec::with_capacity(texts.nnz() + texts.len() + 1);
        line.push(END);
        for text in texts.iter() {
            line.extend(text.iter().map(|&stem| numbers[stem as usize]));
            line.push(END);
        }
        let mut places = vec![Vec::new(); kept.len()];
        for (place, &term) in line.iter().enumerate().filter(|(_, term)| **term < RARE) {
            places[term as usize].push(place);
        }
        let unit = unit(window);
        Near { line, places, weights: (1..=window as u64).map(|distance| unit / distance).collect() }
    }

    /// Calls `sink` with each term near `place` and the weight of its distance.
    fn each_near(&self, place: usize, mut sink: impl FnMut(u32, u64)) {
        let (before, after) = (self.line[..place].iter().rev(), self.line[place + 1..].iter());
        for (&term, &weight) in after.zip(&self.weights).take_while(|(term, _)| **term != END) {
            if term != RARE {
                sink(term, weight);
            }
        }
        for (&term, &weight) in before.zip(&self.weights).take_while(|(term, _)| **term != END) {
            if term != RARE {
                sink(term, weight);
            }
        }
    }

    /// Row `term` of M in units, by rising column; `sums` holds a 0 for each term, before and after.
    fn row(&self, term: usize, sums: &mut [u64]) -> Vec<(u32, u64)> {
        let mut found = Vec::new();
        for &place in &self.places[term] {
            self.each_near(place, |other, weight| {
                let sum = &mut sums[other as usize];
                if *sum == 0 {
                    found.push(other);
                }
                *sum += weight;
            });
        }
        found.sort_unstable();
        found.into_iter().map(|other| (other, std::mem::take(&mut sums[other as usize]))).collect()
    }

    /// The sum of each row of M, in units.
    fn sums(&self) -> Vec<u64> {
        let sum = |places: &Vec<usize>| {
            let mut sum = 0;
            places.iter().for_each(|&place| self.each_near(place, |_, weight| sum += weight));
            sum
        };
        self.places.par_iter().map(sum).collect()
    }

    /// P: the cells above 0.
    fn information(&self) -> Cells {
        let sums = self.sums();
        let mut shares: Vec<f64> = sums.iter().map(|&sum| libm::pow(sum as f64, SMOOTHING)).collect();
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        let row = |scratch: &mut Vec<u64>, term: usize| -> Vec<(u32, f32)> {
            let cells = self.row(term, scratch).into_iter().map(|(other, weight)| {
                let expected = sums[term] as f64 * shares[other as usize];
                (other, libm::log(weight as f64 / expected) as f32)
            });
            cells.filter(|(_, information)| *information > 0.0).collect()
        };
        let rows = (0..self.places.len()).into_par_iter().map_init(|| vec![0; self.places.len()], row);
        let rows: Vec<Vec<(u32, f32)>> = rows.collect();
        let mut cells = Rows::new();
        rows.into_iter().for_each(|row| cells.push(row));
        cells
    }

    /// For each term in how many texts it stands.
    fn document_frequencies(&self) -> Vec<u32> {
        let mut df = vec![0; self.places.len()];
        let mut last = vec![0; self.places.len()];
        for (number, text) in self.line[1..].split(|&term| term == END).enumerate() {
            for &term in text.iter().filter(|term| **term < RARE) {
                if last[term as usize] <= number {
                    last[term as usize] = number + 1;
                    df[term as usize] += 1;
                }
            }
        }
        df
    }
}

/// The least common multiple of 1 to `window`: what a weight of 1 is counted as.
fn unit(window: usize) -> u64 {
    fn common(a: u64, b: u64) -> u64 {
        if b == 0 { a } else { common(b, a % b) }
    }
    (1..=window as u64).fold(1, |unit, distance| unit / common(unit, distance) * distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::RngCore;

    fn documents<T: AsRef<str>>(texts: &[T]) -> Vec<Document> {
        let texts = texts.iter().enumerate();
        texts.map(|(number, text)| Document::from_text(format!("d{number}"), text.as_ref())).collect()
    }

    fn bag(text: &str) -> Document {
        let document = Document::from_text("bag", text);
        Document { body: Body::Segments(document.segments()), ..document }
    }

    fn config(dimensions: usize, window: usize, min_count: u32) -> VectorConfig {
        VectorConfig { dimensions, window, min_count }
    }

    fn learned(config: &VectorConfig, documents: &[Document]) -> Result<Vectors> {
        learn(config, &Normalizer::default(), documents, RngSeed::default())
    }

    const SEA: &str = "سفينة شراع مرساة قبطان موج مرفأ شاطئ ريح بحار ملاح جزيرة صدف سمك شبكة خليج منارة غواص لؤلؤ زورق مجداف";
    const KITCHEN: &str =
        "قدر ملعقة موقد طباخ رغيف فرن ملح فلفل بصل زيت صحن خبز عجين سكر ثوم مقلاة شوربة حساء بهار كمون";

    /// Sentences of ten words of one topic or the other, in turn, with a few words that belong to both.
    fn two_topics(n: usize) -> Vec<Document> {
        let mut rng = RngSeed(5).stream("two topics");
        let topics: Vec<Vec<&str>> = [SEA, KITCHEN].map(|words| words.split(' ').collect()).to_vec();
        let both = ["ثم", "كان", "هنا", "عند"];
        let texts: Vec<String> = (0..n)
            .map(|number| {
                let topic = &topics[number % 2];
                let mut pick = |from: &[&'static str]| from[rng.next_u64() as usize % from.len()];
                let words = (0..10).map(|at| if at % 4 == 3 { pick(&both) } else { pick(topic) });
                words.collect::<Vec<&str>>().join(" ")
            })
            .collect();
        documents(&texts)
    }

    fn stem_of(word: &str) -> String {
        stem(&Normalizer::default().normalize(word)).into_owned()
    }

    fn cosine(vectors: &Vectors, a: &str, b: &str) -> f64 {
        let row = |word: &str| vectors.row(vectors.get(&stem_of(word)).expect("it has a vector"));
        row(a).iter().zip(row(b)).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    /// M and P of some texts, dense, in the order of terms.
    fn matrices(
        texts: &[&str],
        window: usize,
        min_count: u32,
    ) -> (Vec<String>, Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let (texts, stems) = read(&Normalizer::default(), &documents(texts)).unwrap();
        let kept = terms(&texts, &stems, min_count);
        let near = Near::new(&texts, &kept, stems.len(), window);
        let (mut m, mut p) =
            (vec![vec![0.0; kept.len()]; kept.len()], vec![vec![0.0; kept.len()]; kept.len()]);
        let cells = near.information();
        let mut scratch = vec![0; kept.len()];
        for term in 0..kept.len() {
            for (other, weight) in near.row(term, &mut scratch) {
                m[term][other as usize] = weight as f64 / unit(window) as f64;
            }
            for &(other, information) in cells.row(term) {
                p[term][other as usize] = f64::from(information);
            }
            let sum: f64 = m[term].iter().sum();
            assert!((sum - near.sums()[term] as f64 / unit(window) as f64).abs() < 1e-12);
        }
        (kept.iter().map(|&stem| stems.resolve(stem).to_owned()).collect(), m, p)
    }

    fn assert_close(found: &[Vec<f64>], wanted: &[&[f64]], tolerance: f64) {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert_eq!(found.len(), wanted.len());
            assert!(
                found.iter().zip(*wanted).all(|(x, y)| (x - y).abs() < tolerance),
                "{found:?} {wanted:?}"
            );
        }
    }

    #[test]
    fn what_stands_near_is_counted_by_distance() {
        // By hand. «x» stands once and keeps its place; texts do not touch; the second text comes twice.
        let texts = ["aa x bb aa", "bb cc", "BB  cc", "cc"];
        let (terms, m, _) = matrices(&texts, 3, 2);
        assert_eq!(terms, ["aa", "bb", "cc"]);
        // aa-aa at 3, from both sides; aa-bb at 2 and 1; bb-cc at 1.
        assert_close(&m, &[&[2.0 / 3.0, 1.5, 0.0], &[1.5, 0.0, 1.0], &[0.0, 1.0, 0.0]], 1e-12);
        let (_, m, _) = matrices(&texts, 1, 2);
        assert_close(&m, &[&[0.0, 1.0, 0.0], &[1.0, 0.0, 1.0], &[0.0, 1.0, 0.0]], 1e-12);
    }

    #[test]
    fn information_is_that_of_the_formula() {
        // M = [0 1 1/2; 1 0 1; 1/2 1 0], r = (3/2, 2, 3/2), r^0.75 = (1.355403, 1.681793, 1.355403),
        // p = (0.308565, 0.382870, 0.308565).
        let (_, _, p) = matrices(&["aa bb cc"], 2, 1);
        let wanted: [&[f64]; 3] = [
            &[0.0, 0.554_595_55, 0.077_209_923],
            &[0.482_675_031, 0.0, 0.482_675_031],
            &[0.077_209_923, 0.554_595_55, 0.0],
        ];
        assert_close(&p, &wanted, 1e-7);
        // M as in the test above: the one cell aa-aa is rarer than chance.
        let (_, _, p) = matrices(&["aa x bb aa", "bb cc", "cc"], 3, 2);
        let wanted: [&[f64]; 3] =
            [&[0.0, 0.508_246_541, 0.0], &[0.472_471_33, 0.0, 0.646_898_638], &[0.0, 0.875_971_321, 0.0]];
        assert_close(&p, &wanted, 1e-7);
    }

    #[test]
    fn stems_of_one_topic_point_the_same_way() {
        let vectors = learned(&config(20, 5, 4), &two_topics(600)).unwrap();
        assert_eq!((vectors.dimensions(), vectors.n_documents()), (20, 600));
        for term in 0..vectors.len() as u32 {
            let square: f64 = vectors.row(term).iter().map(|x| f64::from(*x).powi(2)).sum();
            assert!((square - 1.0).abs() < 1e-6, "{}: {square}", vectors.term(term));
            assert_eq!(vectors.get(vectors.term(term)), Some(term));
        }
        let mean = |left: &str, right: &str| {
            let pairs = left.split(' ').flat_map(|a| right.split(' ').map(move |b| (a, b)));
            let cosines: Vec<f64> =
                pairs.filter(|(a, b)| a != b).map(|(a, b)| cosine(&vectors, a, b)).collect();
            cosines.iter().sum::<f64>() / cosines.len() as f64
        };
        let (sea, kitchen, across) = (mean(SEA, SEA), mean(KITCHEN, KITCHEN), mean(SEA, KITCHEN));
        assert!(sea > across + 0.2 && kitchen > across + 0.2, "{sea} {kitchen} {across}");
        for word in SEA.split(' ') {
            let mean = |words: &str| words.split(' ').map(|other| cosine(&vectors, word, other)).sum::<f64>();
            assert!(mean(SEA) > mean(KITCHEN), "{word}");
        }
    }

    #[test]
    fn neither_threads_nor_the_order_of_texts_change_a_bit() {
        let mut texts = two_topics(300);
        let work = |texts: &[Document]| learned(&config(15, 4, 3), texts).unwrap();
        let wanted = work(&texts).digest();
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| work(&texts)).digest(), wanted, "{threads} threads");
        }
        texts.rotate_left(101);
        texts[..150].reverse();
        assert_eq!(work(&texts).digest(), wanted);
        let other = learn(&config(15, 4, 3), &Normalizer::default(), &texts, RngSeed(1)).unwrap();
        assert_ne!(other.digest(), wanted);
        // The digest sees every part.
        let mut changed = work(&texts);
        changed.df[3] += 1;
        assert_ne!(changed.digest(), wanted);
        let mut changed = work(&texts);
        changed.values[7] = -changed.values[7];
        assert_ne!(changed.digest(), wanted);
        let mut changed = work(&texts);
        changed.n_documents += 1;
        assert_ne!(changed.digest(), wanted);
    }

    #[test]
    fn repeated_texts_bags_and_texts_without_words_change_nothing() {
        let mut texts = two_topics(200);
        let wanted = learned(&VectorConfig::default(), &texts).unwrap();
        let again: Vec<Document> = texts[..120].to_vec();
        texts.extend(again);
        // Other spacing, marks and spelling, but the same words once they are normalised.
        let Body::Text(first) = &texts[0].body else { panic!("a text") };
        let spelt = format!("«{}»!", first.replace(' ', " ـ - "));
        texts.push(Document::from_text("spelt", spelt));
        texts.push(bag("كتاب ورق قلم حبر كتاب ورق قلم حبر كتاب ورق قلم حبر"));
        texts.insert(0, Document::from_text("none", " ... "));
        let found = learned(&VectorConfig::default(), &texts).unwrap();
        assert_eq!((found.digest(), found.n_documents()), (wanted.digest(), 200));
    }

    #[test]
    fn frequencies_of_documents_and_the_order_of_terms_are_kept() {
        let texts: Vec<String> = (0..40)
            .map(|at| {
                let rest: Vec<String> = (0..=at).map(|other| format!("w{other:02}")).collect();
                format!("often often {}", rest.join(" "))
            })
            .collect();
        let vectors = learned(&config(100, 5, 2), &documents(&texts)).unwrap();
        assert_eq!(vectors.dimensions(), vectors.len() - OVERSAMPLING);
        assert_eq!((vectors.term(0), vectors.df(0)), ("often", 40));
        assert_eq!((vectors.term(1), vectors.df(1)), ("w00", 40));
        assert_eq!((vectors.term(39), vectors.df(39)), ("w38", 2));
        assert_eq!((vectors.len(), vectors.get("w39"), vectors.is_empty()), (40, None, false));
    }

    #[test]
    fn a_stem_that_stands_alone_has_no_vector_and_stand_ins_have_one() {
        let mut texts = two_topics(200);
        texts.extend(documents(&["وحيد", "وحيد!", "منفرد", "وحيد x1", "وحيد x2", "وحيد x3"]));
        texts.extend(
            (0..9).map(|at| Document::from_text("u", format!("https://a.b/{at} @somebody سفينة x{at}"))),
        );
        let vectors = learned(&VectorConfig::default(), &texts).unwrap();
        assert_eq!(vectors.get(&stem_of("وحيد")), None);
        assert!(
            ["<url>", "<user>"]
                .iter()
                .all(|word| vectors.get(word).is_some_and(|term| vectors.df(term) == 9))
        );
    }

    #[test]
    fn faults_are_named_with_their_remedy() {
        let fault = |texts: &[Document], config: &VectorConfig| match learned(config, texts) {
            Err(Error::TooFew(fault)) => fault,
            other => panic!("{other:?}"),
        };
        let default = VectorConfig::default();
        assert!(fault(&[], &default).contains("give running texts"));
        assert!(fault(&documents(&[" . ", ""]), &default).contains("give running texts"));
        assert!(fault(&[bag("سفينة"), bag("شراع")], &default).contains("2 hold bags of words only"));
        let few = fault(&documents(&["سفينة شراع", "سفينة", "شراع سفينة"]), &config(100, 5, 2));
        assert!(few.contains("only 2 stems occur 2 times or more in the 3 different texts"), "{few}");
        assert!(few.contains("30 at least") && few.contains("vectors.min_count"), "{few}");
        let lonely: Vec<String> = (0..50).map(|at| format!("w{at}")).collect();
        assert!(fault(&documents(&lonely), &config(10, 5, 1)).contains("no stem stands near another"));
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for (config, name) in [
            (config(0, 5, 4), "vectors.dimensions: 0"),
            (config(1001, 5, 4), "vectors.dimensions: 1001"),
            (config(100, 0, 4), "vectors.window: 0"),
            (config(100, 17, 4), "vectors.window: 17"),
            (config(100, 5, 0), "vectors.min_count: 0"),
        ] {
            let fault = learned(&config, &two_topics(50)).unwrap_err();
            assert!(matches!(&fault, Error::Usage(text) if text.starts_with(name)), "{fault}");
        }
        assert_eq!(VectorConfig::default(), config(100, 5, 4));
        assert!(VectorConfig::default().check().is_ok() && config(1000, 16, 1).check().is_ok());
        assert_eq!(toml::from_str::<VectorConfig>("window = 3").unwrap(), config(100, 3, 4));
        assert!(toml::from_str::<VectorConfig>("windows = 3").is_err());
    }

    #[test]
    fn a_unit_is_divided_by_every_distance() {
        assert_eq!([1, 2, 5, 10, 16].map(unit), [1, 2, 60, 2520, 720_720]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_panics_and_order_is_nothing(
            texts in prop::collection::vec((any::<bool>(), "([a-h]{1,2}[ .]){0,12}"), 0..40),
            dimensions in 1_usize..30, window in 1_usize..17, min_count in 1_u32..4,
        ) {
            let mut documents: Vec<Document> = texts
                .iter()
                .map(|(whole, text)| if *whole { Document::from_text("x", text.clone()) } else { bag(text) })
                .collect();
            let config = config(dimensions, window, min_count);
            let found = learned(&config, &documents).map(|vectors| {
                assert_eq!(vectors.values.len(), vectors.len() * vectors.dimensions());
                assert_eq!(vectors.df.len(), vectors.len());
                assert!(vectors.values.iter().all(|value| value.is_finite()));
                assert!(!vectors.is_empty());
                vectors.digest()
            });
            documents.reverse();
            let other = learned(&config, &documents).map(|vectors| vectors.digest());
            prop_assert_eq!(found.map_err(|error| error.to_string()), other.map_err(|error| error.to_string()));
        }

        #[test]
        fn nearness_is_symmetric_and_without_rest(texts in prop::collection::vec("([a-f] ){1,9}", 1..20), window in 1_usize..6) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let (_, m, p) = matrices(&texts, window, 2);
            for i in 0..m.len() {
                for j in 0..m.len() {
                    prop_assert_eq!(m[i][j], m[j][i]);
                    prop_assert!(p[i][j] >= 0.0 && (m[i][j] > 0.0 || p[i][j] == 0.0));
                }
            }
        }
    }
}
