//! One benchmark for each stage of the road, on text made up from a seeded generator: `cargo bench --bench stages`.

use divan::{Bencher, counter::BytesCount};
use kzstance::document::Document;
use kzstance::features::vectorizer::Frequencies;
use kzstance::features::{Design, FeatureConfig, Lexicon, Operator};
use kzstance::learn::{LearnConfig, Solver, solver};
use kzstance::text::{Normalizer, decode, segments, tokens};
use kzstance::{Axis, Corpus, Example, RngSeed, Scorer, TrainConfig};
use rand::Rng;

fn main() {
    divan::main();
}

/// Documents of 15 words from 5,000 types, the frequent ones frequent as in natural text.
fn texts(n: usize) -> Vec<String> {
    let mut rng = RngSeed(7).stream("benchmark texts");
    let letters: Vec<char> = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي".chars().collect();
    let types: Vec<String> = (0..5000)
        .map(|_| (0..rng.gen_range(2..8)).map(|_| letters[rng.gen_range(0..letters.len())]).collect())
        .collect();
    let word = |rng: &mut rand_chacha::ChaCha8Rng| {
        types[(5000.0_f64.powf(rng.r#gen::<f64>()) as usize) % 5000].clone()
    };
    (0..n).map(|_| (0..15).map(|_| word(&mut rng)).collect::<Vec<_>>().join(" ") + ".").collect()
}

fn documents(n: usize) -> Vec<Document> {
    texts(n).into_iter().enumerate().map(|(i, text)| Document::from_text(format!("{i:06}"), text)).collect()
}

#[divan::bench]
fn decode_utf8(bencher: Bencher<'_, '_>) {
    let text = texts(2000).join("\n");
    bencher.counter(BytesCount::of_str(&text)).bench(|| decode(text.as_bytes(), None, "bench".as_ref()));
}

/// Here Latin letters, quotation marks and emoji have to be told from misread text.
#[divan::bench]
fn decode_mixed_jsonl(bencher: Bencher<'_, '_>) {
    let text: String = (texts(2000).into_iter())
        .map(|text| format!("{{\"outlet\": \"Télé Øst\", \"text\": \"«{text}» “خبر…” 😀\"}}\n"))
        .collect();
    bencher.counter(BytesCount::of_str(&text)).bench(|| decode(text.as_bytes(), None, "bench".as_ref()));
}

#[divan::bench]
fn tokenise_and_normalise(bencher: Bencher<'_, '_>) {
    let text = texts(2000).join("\n");
    let normalizer = Normalizer::default();
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut word = String::new();
        tokens(&text)
            .map(|token| {
                normalizer.word(&text, &token, &mut word);
                word.len()
            })
            .sum::<usize>()
    });
}

#[divan::bench]
fn segment(bencher: Bencher<'_, '_>) {
    let text = texts(2000).join("\n");
    let found: Vec<_> = tokens(&text).collect();
    bencher.counter(BytesCount::of_str(&text)).bench(|| segments(&text, &found));
}

#[divan::bench(sample_count = 10)]
fn extract_features(bencher: Bencher<'_, '_>) {
    let documents = documents(2000);
    bencher.bench(|| Lexicon::new(&FeatureConfig::default(), &documents));
}

#[divan::bench(sample_count = 20)]
fn count_frequencies_and_build_design(bencher: Bencher<'_, '_>) {
    let lexicon = Lexicon::new(&FeatureConfig::default(), &documents(2000));
    let rows: Vec<usize> = (0..2000).collect();
    bencher.bench(|| {
        let frequencies = Frequencies::count(&lexicon, &rows).expect("features occur");
        Design::new(&lexicon, &frequencies, &rows)
    });
}

#[divan::bench]
fn multiply_forward_and_backward(bencher: Bencher<'_, '_>) {
    let x = design(2000);
    let (v, mut out, mut back) =
        (vec![[0.5; 3]; x.n_features()], vec![[0.0; 3]; 2000], vec![[0.0; 3]; x.n_features()]);
    bencher.bench_local(|| {
        x.forward(&v, &mut out);
        x.backward(&out, &mut back);
    });
}

#[divan::bench(sample_count = 10)]
fn fit_newton(bencher: Bencher<'_, '_>) {
    let x = design(2000);
    let classes: Vec<usize> = (0..2000).map(|i| i % 3).collect();
    let config = LearnConfig::default();
    bencher.bench(|| solver::fit(Solver::Newton, &x, &config.task(&classes, 3, 1.0, 1e-10), None));
}

fn design(n: usize) -> Design {
    let lexicon = Lexicon::new(&FeatureConfig::default(), &documents(n));
    let rows: Vec<usize> = (0..n).collect();
    Design::new(&lexicon, &Frequencies::count(&lexicon, &rows).expect("features occur"), &rows)
}

fn corpus(n: usize) -> Corpus {
    let example = |(i, document)| Example::new(document, vec![Some(i % 3)]);
    Corpus {
        name: "bench".into(),
        axes: vec![Axis::stance()],
        examples: documents(n).into_iter().enumerate().map(example).collect(),
        ..Corpus::default()
    }
}

#[divan::bench(sample_count = 3)]
fn train_everything(bencher: Bencher<'_, '_>) {
    let corpus = corpus(500);
    bencher.bench(|| kzstance::train(&corpus, &TrainConfig::default(), &|| ()));
}

#[divan::bench]
fn score(bencher: Bencher<'_, '_>) {
    let trained =
        kzstance::train(&corpus(500), &TrainConfig::default(), &|| ()).expect("the corpus is sound");
    let scorer = Scorer::new(&trained.model).expect("the model is sound");
    let documents = documents(2000);
    let bytes: usize = texts(2000).iter().map(String::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| documents.iter().map(|document| scorer.score(document, 0).heads[0].class).sum::<usize>());
}

#[divan::bench(sample_count = 20)]
fn open_model(bencher: Bencher<'_, '_>) {
    let trained =
        kzstance::train(&corpus(500), &TrainConfig::default(), &|| ()).expect("the corpus is sound");
    let bytes = trained.model.bytes().to_vec();
    bencher.with_inputs(|| bytes.clone()).bench_values(|bytes| {
        kzstance::Model::from_bytes(bytes).and_then(|model| Scorer::new(&model)).is_ok()
    });
}
