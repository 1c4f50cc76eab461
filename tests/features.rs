//! Features: those of scikit-learn where it has such, those of the written formula everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use kzstance::config::TrainConfig;
use kzstance::evaluate::FoldPlan;
use kzstance::evaluate::cross::evaluate;
use kzstance::features::polarity::POLARITY_VERSION;
use kzstance::features::vectorizer::Frequencies;
use kzstance::features::{
    Block, Design, Extractor, FeatureConfig, InverseDocumentFrequency, Lexicon, Operator, TermFrequency,
    Vectorizer,
};
use kzstance::label::Axis;
use kzstance::learn::{ClassWeight, LearnConfig, Scheme, Solve, Solver};
use kzstance::model::Scorer;
use kzstance::rng::RngSeed;
use kzstance::text::Normalizer;
use kzstance::train::{Trained, train};
use kzstance::{Corpus, Document, Error, Example};
use ndarray::Array2;
use proptest::prelude::*;
use rand::Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    char_wb: CharWb,
    corpora: Vec<GoldenCorpus>,
}

#[derive(Deserialize)]
struct CharWb {
    min: usize,
    max: usize,
    words: Vec<GoldenWord>,
}

#[derive(Deserialize)]
struct GoldenWord {
    word: String,
    ngrams: Vec<String>,
    counts: Vec<usize>,
}

#[derive(Deserialize)]
struct GoldenCorpus {
    name: String,
    documents: Vec<String>,
    n: u32,
    terms: Vec<String>,
    df: Vec<u32>,
    idf_smooth: Vec<f64>,
    idf_bm25: Vec<f64>,
    tfidf_sublinear_l2: Vec<Vec<f64>>,
}

static GOLDEN: LazyLock<Golden> = LazyLock::new(|| {
    serde_json::from_str(include_str!("golden/tfidf.json")).expect("the golden file has its layout")
});

/// Words as they stand, one block of whole words, everything kept.
fn word_config(tf: TermFrequency, idf: InverseDocumentFrequency) -> FeatureConfig {
    FeatureConfig {
        normalizer: Normalizer::new(&[]),
        blocks: vec![Block { extractor: Extractor::Word, weight: 1.0 }],
        tf,
        idf,
        min_df: 1,
    }
}

fn documents_of<T: AsRef<str>>(texts: &[T]) -> Vec<Document> {
    let texts = texts.iter().enumerate();
    texts.map(|(number, text)| Document::from_text(format!("d{number:03}"), text.as_ref())).collect()
}

/// The matrix behind an operator, column by column.
fn dense(x: &impl Operator) -> Array2<f64> {
    let mut dense = Array2::zeros((x.n_rows(), x.n_features()));
    let (mut unit, mut column) = (vec![[0.0]; x.n_features()], vec![[0.0]; x.n_rows()]);
    for feature in 0..x.n_features() {
        unit[feature] = [1.0];
        x.forward(&unit, &mut column);
        unit[feature] = [0.0];
        for (row, [value]) in column.iter().enumerate() {
            dense[[row, feature]] = *value;
        }
    }
    dense
}

/// The vocabulary in its order: (block, term).
fn terms(vectorizer: &Vectorizer) -> Vec<(usize, String)> {
    (0..vectorizer.len() as u32)
        .map(|number| {
            let (block, term) = vectorizer.term(number);
            (block, term.to_owned())
        })
        .collect()
}

/// What some rows of a lexicon of `documents` teach.
fn fitted(
    config: &FeatureConfig,
    documents: &[Document],
    rows: &[usize],
) -> (Lexicon, Frequencies, Vec<(usize, String)>) {
    let lexicon = Lexicon::new(config, documents);
    let frequencies = Frequencies::count(&lexicon, rows).expect("a feature at least");
    let terms = terms(&Vectorizer::new(&lexicon, &frequencies));
    (lexicon, frequencies, terms)
}

fn all_rows(documents: &[Document]) -> Vec<usize> {
    (0..documents.len()).collect()
}

#[test]
fn ngrams_are_those_of_scikit_learn() {
    let CharWb { min, max, words } = &GOLDEN.char_wb;
    assert_eq!((*min, *max), (2, 5));
    assert!(words.len() > 20);
    for golden in words {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let extractor = Extractor::Chars { min: *min, max: *max };
        extractor.each(&golden.word, |ngram| *found.entry(ngram.to_owned()).or_insert(0) += 1);
        let wanted: BTreeMap<String, usize> =
            golden.ngrams.iter().cloned().zip(golden.counts.iter().copied()).collect();
        assert_eq!(found, wanted, "«{}»", golden.word);
    }
}

#[test]
fn stand_ins_have_no_ngrams() {
    for word in ["<url>", "<user>"] {
        Extractor::Chars { min: 1, max: 5 }.each(word, |ngram| panic!("{word} gave «{ngram}»"));
    }
}

/// A term's document frequency is the greatest `min_df` that keeps it.
#[test]
fn document_frequencies_are_those_of_scikit_learn() {
    for golden in &GOLDEN.corpora {
        let documents = documents_of(&golden.documents);
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        for min_df in 1..=golden.n + 1 {
            let smooth = word_config(TermFrequency::Sublinear, InverseDocumentFrequency::Smooth);
            let config = FeatureConfig { min_df, ..smooth };
            let lexicon = Lexicon::new(&config, &documents);
            match Frequencies::count(&lexicon, &all_rows(&documents)) {
                Ok(frequencies) => {
                    let vectorizer = Vectorizer::new(&lexicon, &frequencies);
                    assert_eq!(vectorizer.n_documents, golden.n);
                    for (_, term) in terms(&vectorizer) {
                        found.insert(term, min_df);
                    }
                }
                Err(error) => assert!(matches!(error, Error::TooFew(_)), "{error}"),
            }
        }
        let wanted: BTreeMap<String, u32> =
            golden.terms.iter().cloned().zip(golden.df.iter().copied()).collect();
        assert_eq!(found, wanted, "{}", golden.name);
    }
}

#[test]
fn idf_is_that_of_the_golden_corpora() {
    for golden in &GOLDEN.corpora {
        let formula = |idf: InverseDocumentFrequency, wanted: &[f64]| {
            for (&df, wanted) in golden.df.iter().zip(wanted) {
                let given = idf.weight(df, golden.n);
                assert!((given - wanted).abs() <= 1e-12, "{} {idf:?} df {df}: {given} {wanted}", golden.name);
            }
        };
        formula(InverseDocumentFrequency::Smooth, &golden.idf_smooth);
        formula(InverseDocumentFrequency::Bm25, &golden.idf_bm25);
        // A row of unit length shows weights up to one factor: that of a document in which every
        // term stands once has the direction of the idf itself.
        let mut documents = documents_of(&golden.documents);
        let counted = all_rows(&documents);
        documents.push(Document::from_text("all", golden.terms.join(" ")));
        for (idf, wanted) in [
            (InverseDocumentFrequency::Smooth, &golden.idf_smooth),
            (InverseDocumentFrequency::Bm25, &golden.idf_bm25),
        ] {
            let config = word_config(TermFrequency::Sublinear, idf);
            let (lexicon, frequencies, terms) = fitted(&config, &documents, &counted);
            let row = dense(&Design::new(&lexicon, &frequencies, &[counted.len()]));
            let length = wanted.iter().map(|idf| idf * idf).sum::<f64>().sqrt();
            assert_eq!(terms.len(), golden.terms.len());
            for (number, (_, term)) in terms.iter().enumerate() {
                let at = golden.terms.binary_search(term).expect("a golden term");
                let (given, wanted) = (row[[0, number]], wanted[at] / length);
                assert!(
                    (given - wanted).abs() <= 1e-12,
                    "{} {idf:?} «{term}»: {given} {wanted}",
                    golden.name
                );
            }
        }
    }
}

#[test]
fn rows_are_those_of_scikit_learn() {
    for golden in &GOLDEN.corpora {
        let config = word_config(TermFrequency::Sublinear, InverseDocumentFrequency::Smooth);
        let documents = documents_of(&golden.documents);
        let (lexicon, frequencies, terms) = fitted(&config, &documents, &all_rows(&documents));
        let x = dense(&Design::new(&lexicon, &frequencies, &all_rows(&documents)));
        assert_eq!(x.dim(), (golden.n as usize, golden.terms.len()));
        for (number, (_, term)) in terms.iter().enumerate() {
            let at = golden.terms.binary_search(term).expect("a golden term");
            for (row, wanted) in golden.tfidf_sublinear_l2.iter().enumerate() {
                let (given, wanted) = (x[[row, number]], wanted[at]);
                assert!((given - wanted).abs() <= 1e-12, "{} {row} «{term}»: {given} {wanted}", golden.name);
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------
// The formula of src/features/mod.rs, from strings and without any of its factors.

/// The features of a word, and how often it has each.
#[test]
fn shares_of_praise_and_blame_are_scaled_by_their_deviation() {
    let block = Block { extractor: Extractor::Polarity { version: POLARITY_VERSION }, weight: 1.0 };
    let config = FeatureConfig {
        blocks: vec![block],
        tf: TermFrequency::Sublinear,
        min_df: 1,
        ..FeatureConfig::default()
    };
    let documents = documents_of(&[
        "نجاح ورائع جسر طريق",
        "الفشل والخيانة جسر طريق",
        "رائع فاشل جسر هههه",
        "جسر طريق نهر باب",
        "جميلة جسر طريق نهر",
    ]);
    let (lexicon, frequencies, terms) = fitted(&config, &documents, &all_rows(&documents));
    let x = dense(&Design::new(&lexicon, &frequencies, &all_rows(&documents)));
    let column = |mark: &str| -> Vec<f64> {
        x.column(terms.iter().position(|(_, term)| term == mark).expect("a mark")).to_vec()
    };
    // Each share by the standard deviation of all.
    let [praise, blame] = ["<praise>", "<blame>"].map(column);
    let ratios =
        |column: &[f64]| column.iter().map(|share| (share / column[2] * 100.0).round()).collect::<Vec<_>>();
    assert_eq!(ratios(&praise), [200.0, 0.0, 100.0, 0.0, 100.0]);
    assert_eq!(ratios(&blame), [0.0, 200.0, 100.0, 0.0, 0.0]);
}

fn features_of(extractor: Extractor, word: &str) -> BTreeMap<String, f64> {
    let mut features = BTreeMap::new();
    extractor.each(word, |feature| *features.entry(feature.to_owned()).or_insert(0.0) += 1.0);
    features
}

fn naive_tf(tf: TermFrequency, count: f64, length: f64, mean: f64) -> f64 {
    match tf {
        TermFrequency::Sublinear => 1.0 + count.ln(),
        TermFrequency::Bm25 { k1, b } => {
            count * (k1 + 1.0) / (count + k1 * (1.0 - b + b * if mean > 0.0 { length / mean } else { 1.0 }))
        }
    }
}

fn naive_idf(idf: InverseDocumentFrequency, df: f64, n: f64) -> f64 {
    match idf {
        InverseDocumentFrequency::Smooth => ((1.0 + n) / (1.0 + df)).ln() + 1.0,
        InverseDocumentFrequency::Bm25 => (1.0 + (n - df + 0.5) / (df + 0.5)).ln(),
    }
}

/// A vocabulary (block and term) and its matrix.
type Naive = (Vec<(usize, String)>, Array2<f64>);

/// Vocabulary and matrix of the documents `rows`, fitted on the documents `counted`; documents are
/// lists of words.
fn naive(config: &FeatureConfig, documents: &[Vec<String>], counted: &[usize], rows: &[usize]) -> Naive {
    let n = counted.len() as f64;
    let mean = counted.iter().map(|&row| documents[row].len() as f64).sum::<f64>() / n.max(1.0);
    let (mut vocabulary, mut idf) = (Vec::new(), Vec::new());
    for (number, block) in config.blocks.iter().enumerate() {
        let mut df: BTreeMap<String, u32> = BTreeMap::new();
        for &row in counted {
            let of_document: BTreeSet<String> = documents[row]
                .iter()
                .flat_map(|word| features_of(block.extractor, word).into_keys())
                .collect();
            for feature in of_document {
                *df.entry(feature).or_insert(0) += 1;
            }
        }
        let mut kept: Vec<(String, u32)> =
            df.into_iter().filter(|&(_, df)| df >= config.min_df.max(1)).collect();
        kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (feature, df) in kept {
            idf.push(naive_idf(config.idf, f64::from(df), n));
            vocabulary.push((number, feature));
        }
    }
    let mut x = Array2::zeros((rows.len(), vocabulary.len()));
    for (place, &row) in rows.iter().enumerate() {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        for word in &documents[row] {
            *counts.entry(word).or_insert(0.0) += 1.0;
        }
        for (number, block) in config.blocks.iter().enumerate() {
            let mut sums = vec![0.0; vocabulary.len()];
            let mut square = 0.0;
            for (word, &count) in &counts {
                let tf = naive_tf(config.tf, count, documents[row].len() as f64, mean);
                let features = features_of(block.extractor, word);
                for (feature, (of_block, term)) in vocabulary.iter().enumerate() {
                    if let (Some(often), true) = (features.get(term), *of_block == number) {
                        sums[feature] += tf * often * idf[feature];
                        square += (tf * often * idf[feature]).powi(2);
                    }
                }
            }
            if square > 0.0 {
                for (feature, sum) in sums.into_iter().enumerate() {
                    x[[place, feature]] += block.weight * sum / square.sqrt();
                }
            }
        }
    }
    (vocabulary, x)
}

fn any_block() -> impl Strategy<Value = Block> {
    let extractor = prop_oneof![
        Just(Extractor::Word),
        Just(Extractor::Stem),
        (1..4_usize, 0..3_usize).prop_map(|(min, more)| Extractor::Chars { min, max: min + more }),
    ];
    (extractor, prop_oneof![Just(1.0), 0.1..3.0]).prop_map(|(extractor, weight)| Block { extractor, weight })
}

fn any_config() -> impl Strategy<Value = FeatureConfig> {
    let tf = prop_oneof![
        Just(TermFrequency::Sublinear),
        (0.1..3.0, 0.0..=1.0).prop_map(|(k1, b)| TermFrequency::Bm25 { k1, b }),
    ];
    let idf = prop_oneof![Just(InverseDocumentFrequency::Smooth), Just(InverseDocumentFrequency::Bm25)];
    (prop::collection::vec(any_block(), 1..4), tf, idf, 0..4_u32).prop_map(|(blocks, tf, idf, min_df)| {
        FeatureConfig { normalizer: Normalizer::new(&[]), blocks, tf, idf, min_df }
    })
}

/// Documents as lists of words of few letters, so that words and their parts repeat.
fn any_documents() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec("[ابتسلهdo7]{1,4}", 0..9), 1..9)
}

fn joined(documents: &[Vec<String>]) -> Vec<Document> {
    documents_of(&documents.iter().map(|words| words.join(" ")).collect::<Vec<_>>())
}

fn lists(documents: &[Document]) -> Vec<Vec<String>> {
    let words = |document: &Document| {
        let mut words = Vec::new();
        document.each_word(&Normalizer::new(&[]), |word, count| {
            words.extend(std::iter::repeat_n(word.to_owned(), count as usize));
        });
        words
    };
    documents.iter().map(words).collect()
}

fn any_numbers(rng: &mut impl Rng, n: usize) -> Vec<[f64; 2]> {
    (0..n).map(|_| [rng.gen_range(-1.0..1.0), rng.gen_range(-1.0..1.0)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_design_is_the_matrix_of_the_written_formula(
        config in any_config(), words in any_documents(), picks in prop::collection::vec(any::<bool>(), 9),
    ) {
        let documents = joined(&words);
        prop_assert_eq!(&lists(&documents), &words);
        let counted: Vec<usize> = (0..words.len()).filter(|&row| picks[row]).collect();
        let rows = all_rows(&documents);
        let (vocabulary, wanted) = naive(&config, &words, &counted, &rows);
        let lexicon = Lexicon::new(&config, &documents);
        let frequencies = match Frequencies::count(&lexicon, &counted) {
            Ok(frequencies) => frequencies,
            Err(error) => {
                prop_assert!(matches!(error, Error::TooFew(_)));
                prop_assert!(vocabulary.is_empty());
                return Ok(());
            }
        };
        let vectorizer = Vectorizer::new(&lexicon, &frequencies);
        prop_assert_eq!(&terms(&vectorizer), &vocabulary);
        prop_assert_eq!(vectorizer.n_documents as usize, counted.len());
        let x = Design::new(&lexicon, &frequencies, &rows);
        let found = dense(&x);
        prop_assert_eq!(found.dim(), wanted.dim());
        for ((at, found), wanted) in found.indexed_iter().zip(&wanted) {
            prop_assert!((found - wanted).abs() <= 1e-12, "{:?}: {} {}", at, found, wanted);
        }
        // A choice of rows is the rows of the whole.
        let some: Vec<usize> = rows.iter().rev().copied().step_by(2).collect();
        let chosen = dense(&Design::new(&lexicon, &frequencies, &some));
        for (place, &row) in some.iter().enumerate() {
            for (a, b) in chosen.row(place).iter().zip(&found.row(row)) {
                prop_assert!((a - b).abs() <= 1e-14);
            }
        }
    }

    #[test]
    fn forward_and_backward_are_adjoint(config in any_config(), words in any_documents(), seed in any::<u64>()) {
        let documents = joined(&words);
        let lexicon = Lexicon::new(&config, &documents);
        let Ok(frequencies) = Frequencies::count(&lexicon, &all_rows(&documents)) else { return Ok(()) };
        let x = Design::new(&lexicon, &frequencies, &all_rows(&documents));
        let mut rng = RngSeed(seed).stream("numbers");
        let (v, r) = (any_numbers(&mut rng, x.n_features()), any_numbers(&mut rng, x.n_rows()));
        // What stood in the outputs before must not matter.
        let (mut xv, mut xr) = (vec![[7.0; 2]; x.n_rows()], vec![[-7.0; 2]; x.n_features()]);
        x.forward(&v, &mut xv);
        x.backward(&r, &mut xr);
        let matrix = dense(&x);
        for k in 0..2 {
            let there: f64 = xv.iter().zip(&r).map(|(a, b)| a[k] * b[k]).sum();
            let back: f64 = v.iter().zip(&xr).map(|(a, b)| a[k] * b[k]).sum();
            prop_assert!((there - back).abs() <= 1e-11, "{} {}", there, back);
            for (row, xv) in xv.iter().enumerate() {
                let wanted: f64 = matrix.row(row).iter().zip(&v).map(|(x, v)| x * v[k]).sum();
                prop_assert!((xv[k] - wanted).abs() <= 1e-11);
            }
            for (feature, xr) in xr.iter().enumerate() {
                let wanted: f64 = matrix.column(feature).iter().zip(&r).map(|(x, r)| x * r[k]).sum();
                prop_assert!((xr[k] - wanted).abs() <= 1e-11);
            }
        }
    }

    #[test]
    fn every_row_of_every_block_has_the_length_of_its_weight(
        config in any_config(), numbers in prop::collection::vec(prop::collection::vec(0..7_usize, 1..9), 1..8),
    ) {
        // Words without a letter in common share no stem and no n-gram: they are orthogonal.
        const WORDS: [&str; 7] = ["ثخ", "شضض", "طظ", "غقغ", "dzd", "jxjx", "58"];
        let config = FeatureConfig { min_df: 1, ..config };
        let texts: Vec<String> = numbers
            .iter()
            .map(|row| row.iter().map(|&number| WORDS[number]).collect::<Vec<_>>().join(" "))
            .collect();
        // Single spaces are n-grams of every word.
        prop_assume!(config.blocks.iter().all(|b| !matches!(b.extractor, Extractor::Chars { min: 1, .. })));
        let documents = documents_of(&texts);
        let (lexicon, frequencies, terms) = fitted(&config, &documents, &all_rows(&documents));
        let x = dense(&Design::new(&lexicon, &frequencies, &all_rows(&documents)));
        for (number, block) in config.blocks.iter().enumerate() {
            for row in x.rows() {
                let square: f64 =
                    row.iter().zip(&terms).filter(|(_, (of, _))| *of == number).map(|(x, _)| x * x).sum();
                prop_assert!((square.sqrt() - block.weight).abs() <= 1e-12, "{} {:?}", square.sqrt(), block);
            }
        }
    }

    #[test]
    fn a_word_row_has_its_length_whatever_the_words_and_none_without_known_ones(words in any_documents()) {
        let config = FeatureConfig { min_df: 2, ..word_config(TermFrequency::Sublinear, InverseDocumentFrequency::Bm25) };
        let documents = joined(&words);
        let lexicon = Lexicon::new(&config, &documents);
        let Ok(frequencies) = Frequencies::count(&lexicon, &all_rows(&documents)) else { return Ok(()) };
        let known: BTreeSet<String> =
            terms(&Vectorizer::new(&lexicon, &frequencies)).into_iter().map(|(_, term)| term).collect();
        let x = dense(&Design::new(&lexicon, &frequencies, &all_rows(&documents)));
        for (row, words) in x.rows().into_iter().zip(&words) {
            let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            let wanted = if words.iter().any(|word| known.contains(word)) { 1.0 } else { 0.0 };
            prop_assert!((length - wanted).abs() <= 1e-12);
        }
    }

    #[test]
    fn the_vocabulary_does_not_depend_on_the_order_of_documents(
        config in any_config(), words in any_documents(), seed in any::<u64>(),
    ) {
        let mut order = all_rows(&joined(&words));
        let mut rng = RngSeed(seed).stream("order");
        for last in (1..order.len()).rev() {
            order.swap(last, rng.gen_range(0..=last));
        }
        let moved: Vec<Vec<String>> = order.iter().map(|&row| words[row].clone()).collect();
        let found = [&words, &moved].map(|words| {
            let documents = joined(words);
            let lexicon = Lexicon::new(&config, &documents);
            let frequencies = Frequencies::count(&lexicon, &all_rows(&documents)).ok()?;
            let vectorizer = Vectorizer::new(&lexicon, &frequencies);
            let x = dense(&Design::new(&lexicon, &frequencies, &all_rows(&documents)));
            Some((terms(&vectorizer), vectorizer.n_documents, vectorizer.mean_length.to_bits(), x))
        });
        match found {
            [None, None] => {}
            [Some((terms, n, mean, x)), Some((moved_terms, moved_n, moved_mean, moved_x))] => {
                prop_assert_eq!((&terms, n, mean), (&moved_terms, moved_n, moved_mean));
                for (place, &row) in order.iter().enumerate() {
                    for (a, b) in moved_x.row(place).iter().zip(&x.row(row)) {
                        prop_assert!((a - b).abs() <= 1e-14);
                    }
                }
            }
            _ => prop_assert!(false, "one order found features and the other none"),
        }
    }

    #[test]
    fn a_fold_learns_of_its_own_documents_alone(
        config in any_config(), inside in any_documents(), outside in any_documents(), seed in any::<u64>(),
    ) {
        // The fold's documents in order, with the others strewn between.
        let (mut words, mut rows) = (Vec::new(), Vec::new());
        let mut rng = RngSeed(seed).stream("strewn");
        let mut others = outside.iter();
        for document in &inside {
            while rng.gen_bool(0.5) {
                words.extend(others.next().cloned());
            }
            rows.push(words.len());
            words.push(document.clone());
        }
        words.extend(others.cloned());
        let (all, alone) = (joined(&words), joined(&inside));
        let (lexicon, scratch) = (Lexicon::new(&config, &all), Lexicon::new(&config, &alone));
        match (Frequencies::count(&lexicon, &rows), Frequencies::count(&scratch, &all_rows(&alone))) {
            (Ok(fold), Ok(own)) => {
                let (a, b) = (Vectorizer::new(&lexicon, &fold), Vectorizer::new(&scratch, &own));
                prop_assert_eq!(terms(&a), terms(&b));
                prop_assert_eq!((a.n_documents, a.mean_length.to_bits()), (b.n_documents, b.mean_length.to_bits()));
                let (a, b) = (Design::new(&lexicon, &fold, &rows), Design::new(&scratch, &own, &all_rows(&alone)));
                prop_assert_eq!(a.nnz(), b.nnz());
                for (a, b) in dense(&a).iter().zip(&dense(&b)) {
                    prop_assert!((a - b).abs() <= 1e-14);
                }
            }
            (Err(Error::TooFew(_)), Err(Error::TooFew(_))) => {}
            (fold, own) => prop_assert!(false, "{:?} {:?}", fold.is_ok(), own.is_ok()),
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Whole fits.

/// An invented word.
fn word(number: usize) -> String {
    const PARTS: [&str; 10] = ["با", "تو", "دي", "رس", "فل", "قم", "كا", "لو", "مي", "نز"];
    format!("{}{}{}", PARTS[number % 10], PARTS[number / 10 % 10], PARTS[(number * 7 + 3) % 10])
}

/// A corpus of invented words that lean on their class, four documents an outlet.
fn corpus(n: usize, target: &str, stream: &str) -> Corpus {
    let mut rng = RngSeed(5).stream(stream);
    let examples = (0..n).map(|number| {
        let class = number % 3;
        let words: Vec<String> = (0..rng.gen_range(8..16_u32))
            .map(|_| {
                let leaning = rng.gen_bool(0.4);
                let common = rng.gen_range(0..40_u32) as usize;
                word(if leaning { 40 + 10 * class + common % 10 } else { common })
            })
            .collect();
        let document = Document::from_text(format!("{stream}{number:03}"), words.join(" "));
        Example {
            origin: "authored".into(),
            outlet: Some(format!("{stream}-{}", number / 4)),
            target: Some(target.into()),
            ..Example::new(document, vec![Some(class)])
        }
    });
    Corpus {
        name: "invented".into(),
        target: Some(target.into()),
        axes: vec![Axis::stance()],
        examples: examples.collect(),
        ..Corpus::default()
    }
}

fn quick() -> TrainConfig {
    let learn = LearnConfig { c: vec![0.5, 4.0], folds: 3, ..LearnConfig::default() };
    TrainConfig { learn, ..TrainConfig::default() }
}

fn trained(corpus: &Corpus) -> Trained {
    train(corpus, &quick(), &|| {}).expect("examples enough")
}

#[test]
fn a_fold_fits_the_weights_of_a_fit_from_scratch() {
    let (own, others) = (corpus(18, "قم", "own"), corpus(15, "نز", "others"));
    let of = |corpus: &Corpus| -> Vec<Document> {
        corpus.examples.iter().map(|example| example.document.clone()).collect()
    };
    let (alone, mut all) = (of(&own), of(&others));
    let rows: Vec<usize> = (all.len()..all.len() + alone.len()).collect();
    all.extend(alone.clone());
    let classes: Vec<usize> = own.examples.iter().filter_map(|example| example.labels[0]).collect();
    let config = FeatureConfig::default();
    for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
        let learn = LearnConfig { scheme, class_weight: ClassWeight::Balanced, ..LearnConfig::default() };
        let task = learn.task(&classes, 3, 4.0, 1e-20);
        let [fold, scratch] = [(&all, rows.clone()), (&alone, all_rows(&alone))].map(|(documents, rows)| {
            let (lexicon, frequencies, _) = fitted(&config, documents, &rows);
            Solver::Newton.solve(&Design::new(&lexicon, &frequencies, &rows), &task, None).unwrap().weights
        });
        assert_eq!(fold.coefficients.len(), scratch.coefficients.len());
        let pairs = fold.coefficients.iter().zip(&scratch.coefficients);
        let far = pairs.chain(fold.intercepts.iter().zip(&scratch.intercepts)).map(|(a, b)| (a - b).abs());
        let far = far.fold(0.0, f64::max);
        assert!(far < 1e-9, "{scheme:?}: {far:e}");
    }
}

#[test]
fn a_part_of_a_corpus_trains_the_model_of_that_part_alone() {
    let own = corpus(18, "قم", "own");
    let alone = trained(&own);
    for others in [0, 6, 21] {
        let mut whole = own.clone();
        whole.target = None;
        whole.examples.extend(corpus(others, "نز", "others").examples);
        whole.examples.sort_by(|a, b| a.document.id.cmp(&b.document.id));
        let part = trained(&whole.of_target("قم").unwrap());
        assert!(part.model.bytes() == alone.model.bytes(), "{others} others");
    }
    // The words of others do matter where they are trained on.
    let mut both = own.clone();
    both.examples.extend(corpus(6, "قم", "others").examples);
    assert!(trained(&both).model.bytes() != alone.model.bytes());
}

/// Everything a fold decides, C included, must come out of the documents it trains on: a model
/// trained on those alone gives the held-out documents the same probabilities.
#[test]
fn held_out_documents_are_judged_as_by_a_model_that_never_had_them() {
    let whole = corpus(36, "قم", "whole");
    for plan in [FoldPlan::Grouped(3), FoldPlan::LeaveOneGroupOut] {
        let found = evaluate(&whole, &quick(), plan, &|| {}).unwrap();
        let axis = &found.axes[0];
        assert_eq!(axis.predictions.len(), whole.examples.len());
        for (fold, &c) in axis.c.iter().enumerate() {
            let held: BTreeMap<&str, &Vec<f64>> = axis
                .predictions
                .iter()
                .filter(|prediction| prediction.fold == fold)
                .map(|prediction| (prediction.id.as_str(), &prediction.probabilities))
                .collect();
            assert!(!held.is_empty());
            let mut rest = whole.clone();
            rest.examples.retain(|example| !held.contains_key(example.document.id.as_str()));
            assert_eq!(rest.examples.len() + held.len(), whole.examples.len());
            let trained = trained(&rest);
            assert_eq!(trained.paths[0].chosen, c, "{plan:?}, fold {fold}");
            let scorer = Scorer::new(&trained.model).unwrap();
            for example in &whole.examples {
                let Some(wanted) = held.get(example.document.id.as_str()) else { continue };
                let score = scorer.score(&example.document, 0);
                for (given, wanted) in score.heads[0].probabilities.iter().zip(*wanted) {
                    assert!((given - wanted).abs() < 1e-5, "{plan:?}, fold {fold}: {given} {wanted}");
                }
            }
        }
    }
}
