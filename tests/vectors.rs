//! Vectors of stems from unlabelled text: a block of features like any other, for fits, models and scores.

use kzstance::config::TrainConfig;
use kzstance::corpus::{Corpus, Example};
use kzstance::document::Document;
use kzstance::features::vectorizer::Frequencies;
use kzstance::features::vectors::{VectorConfig, Vectors, learn};
use kzstance::features::{Block, Design, Extractor, FeatureConfig, Lexicon, Operator};
use kzstance::label::Axis;
use kzstance::rng::RngSeed;
use kzstance::text::Normalizer;
use kzstance::{Scorer, train};
use ndarray::Array2;
use std::sync::Arc;

/// Words that praise, words that blame, and words of neither, made up.
const KIND: [&str; 8] = ["بهيج", "رقراق", "مشمس", "عطر", "نضر", "وديع", "سلس", "مورق"];
const GRIM: [&str; 8] = ["قاتم", "خشن", "عكر", "مر", "جاف", "وعر", "كدر", "صلد"];
const PLAIN: [&str; 8] = ["باب", "حجر", "طريق", "كتاب", "نافذة", "جدار", "سقف", "كرسي"];

/// Texts in which words of one kind stand together.
fn unlabelled() -> Vec<Document> {
    let text = |number: usize| {
        let list = if number.is_multiple_of(2) { KIND } else { GRIM };
        let word = |place: usize| match place % 3 {
            0 => PLAIN[(number * 7 + place) % 8],
            _ => list[(number * 3 + place * 5 + number / 9) % 8],
        };
        (0..9).map(word).collect::<Vec<_>>().join(" ")
    };
    (0..400).map(|number| Document::from_text(format!("u{number}"), text(number))).collect()
}

fn vectors() -> Vectors {
    let config = VectorConfig { dimensions: 4, ..VectorConfig::default() };
    learn(&config, &Normalizer::default(), unlabelled().iter(), RngSeed(1)).expect("enough text")
}

fn with_vectors(dimensions: usize) -> FeatureConfig {
    let mut config = FeatureConfig { min_df: 1, ..FeatureConfig::default() };
    config.blocks.push(Block { extractor: Extractor::Vectors { dimensions }, weight: 0.5 });
    config
}

/// Labelled texts that use the first three words of each kind only.
fn corpus() -> Corpus {
    let example = |number: usize| {
        let class = number % 2;
        let list = if class == 0 { KIND } else { GRIM };
        let words =
            [list[number / 2 % 3], PLAIN[number % 5], PLAIN[(number / 3) % 7], list[number.div_ceil(2) % 3]];
        Example::new(Document::from_text(format!("d{number:02}"), words.join(" ")), vec![Some(class)])
    };
    Corpus {
        name: "made".into(),
        axes: vec![Axis::named("mood", &["kind".to_owned(), "grim".to_owned()])],
        examples: (0..40).map(example).collect(),
        ..Corpus::default()
    }
}

fn settings(features: FeatureConfig) -> TrainConfig {
    let mut config = TrainConfig { features, ..TrainConfig::default() };
    config.learn.c = vec![1.0, 4.0];
    config
}

#[test]
fn products_are_those_of_the_matrix_with_a_column_for_each_dimension() {
    let vectors = Arc::new(vectors());
    let corpus = corpus();
    let config = with_vectors(vectors.dimensions());
    let documents = || corpus.examples.iter().map(|example| &example.document);
    let lexicon = Lexicon::with_vectors(&config, Some(&vectors), documents());
    let rows: Vec<usize> = (0..lexicon.len()).collect();
    let frequencies = Frequencies::count(&lexicon, &rows).unwrap();
    let x = Design::new(&lexicon, &frequencies, &rows);
    assert_eq!(x.n_features(), frequencies.len() - vectors.len() + vectors.dimensions());
    // The matrix, column by column of the identity.
    let dense = Array2::from_shape_fn((x.n_rows(), x.n_features()), |(row, column)| {
        let mut unit = vec![[0.0]; x.n_features()];
        unit[column] = [1.0];
        let mut out = vec![[0.0]; x.n_rows()];
        x.forward(&unit, &mut out);
        out[row][0]
    });
    let r: Vec<[f64; 1]> = (0..x.n_rows()).map(|row| [(row as f64 * 0.7).sin()]).collect();
    let mut back = vec![[0.0]; x.n_features()];
    x.backward(&r, &mut back);
    for (column, [found]) in back.iter().enumerate() {
        let wanted: f64 = (0..x.n_rows()).map(|row| dense[[row, column]] * r[row][0]).sum();
        assert!((found - wanted).abs() < 1e-12, "{column}: {found} {wanted}");
    }
    // A document of one word with a vector has that vector, at the block's length.
    let (word, stem) =
        KIND.iter().find_map(|word| Some((*word, vectors.get(word)?))).expect("a word is its own stem");
    let alone = [Document::from_text("one", word)];
    let lexicon = Lexicon::with_vectors(&config, Some(&vectors), &alone);
    let one = Design::new(&lexicon, &Frequencies::count(&lexicon, &[0]).unwrap(), &[0]);
    let first = one.n_features() - vectors.dimensions();
    for (dimension, value) in vectors.row(stem).iter().enumerate() {
        let mut unit = vec![[0.0]; one.n_features()];
        unit[first + dimension] = [1.0];
        let mut out = [[0.0]];
        one.forward(&unit, &mut out);
        assert!((out[0][0] - 0.5 * f64::from(*value)).abs() < 1e-6);
    }
}

#[test]
fn what_is_learned_of_one_word_is_known_of_words_used_alike() {
    let mut corpus = corpus();
    let judge = |corpus: &Corpus, features: FeatureConfig| {
        let trained = train(corpus, &settings(features), &|| ()).unwrap();
        let scorer = Scorer::new(&trained.model).unwrap();
        // None of these words was in training.
        let p = |words: &[&str]| {
            scorer.score(&Document::from_text("x", words[3..].join(" ")), 0).heads[0].probabilities[0]
        };
        (p(&KIND), p(&GRIM))
    };
    let plain = FeatureConfig {
        blocks: FeatureConfig::default().blocks[..1].to_vec(),
        min_df: 1,
        ..FeatureConfig::default()
    };
    let (kind, grim) = judge(&corpus, plain.clone());
    assert!((kind - grim).abs() < 1e-9, "without vectors nothing is known of them: {kind} {grim}");
    corpus.vectors = Some(Arc::new(vectors()));
    let mut tied = plain;
    tied.blocks.push(Block { extractor: Extractor::Vectors { dimensions: 4 }, weight: 0.5 });
    let (kind, grim) = judge(&corpus, tied);
    assert!(kind > 0.7 && grim < 0.3, "{kind} {grim}");
}

#[test]
fn a_model_with_vectors_is_the_same_file_each_time_and_scores_texts_as_bags() {
    let mut corpus = corpus();
    let without = corpus.digest();
    corpus.vectors = Some(Arc::new(vectors()));
    assert_ne!(corpus.digest(), without, "vectors are part of what a model was made of");
    let make = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| train(&corpus, &settings(with_vectors(4)), &|| ()).unwrap().model.bytes().to_vec())
    };
    let bytes = make(1);
    assert_eq!(bytes, make(3));
    let scorer = Scorer::new(&kzstance::Model::from_bytes(bytes).unwrap()).unwrap();
    let text = Document::from_text("x", [KIND[1], PLAIN[2], GRIM[6], KIND[7]].join(" "));
    let mut bag = text.clone();
    bag.body = kzstance::document::Body::Segments(text.segments());
    assert_eq!(scorer.score(&text, 0).heads, scorer.score(&bag, 0).heads);
}
