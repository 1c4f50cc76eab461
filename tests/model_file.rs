//! Model files: the same bytes for the same examples, refused when damaged, scored as trained.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::LazyLock;

use kzstance::config::TrainConfig;
use kzstance::error::Place;
use kzstance::extract::bag_record;
use kzstance::features::vectorizer::Frequencies;
use kzstance::features::{Block, Design, Extractor, FeatureConfig, Lexicon};
use kzstance::label::Axis;
use kzstance::learn::logistic::probabilities;
use kzstance::learn::solver::fit;
use kzstance::learn::{LearnConfig, Scheme, Weights};
use kzstance::model::card::card;
use kzstance::model::terms::top_terms;
use kzstance::model::{FORMAT_VERSION, Model, Score, Scorer};
use kzstance::read::{Columns, Problems, ReadOptions, jsonl, read_labels};
use kzstance::rng::RngSeed;
use kzstance::text::{NORMALIZER_VERSION, Normalizer, tokens};
use kzstance::train::{Trained, train};
use kzstance::{Corpus, Document, Error, Example};
use proptest::prelude::*;
use rand::Rng;
use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

// ---------------------------------------------------------------------------------------------
// Invented examples.

/// An invented word.
fn word(number: usize) -> String {
    const PARTS: [&str; 10] = ["با", "تو", "دي", "رس", "فل", "قم", "كا", "لو", "مي", "نز"];
    format!("{}{}{}", PARTS[number % 10], PARTS[number / 10 % 10], PARTS[(number * 7 + 3) % 10])
}

/// Thirty short documents whose words lean on their class, three an outlet.
fn corpus(axis: Axis) -> Corpus {
    let mut rng = RngSeed(23).stream("documents");
    let n_classes = axis.classes.len();
    let examples = (0..30).map(|number| {
        let class = number % n_classes;
        let words: Vec<String> = (0..rng.gen_range(8..16_u32))
            .map(|_| {
                let leaning = rng.gen_bool(0.4);
                let common = rng.gen_range(0..40_u32) as usize;
                word(if leaning { 40 + 10 * class + common % 10 } else { common })
            })
            .collect();
        let document = Document::from_text(format!("d{number:02}"), words.join(" "));
        Example {
            origin: "authored".into(),
            outlet: Some(format!("outlet {}", number / 3)),
            ..Example::new(document, vec![Some(class)])
        }
    });
    Corpus {
        name: "invented".into(),
        target: None,
        examples: examples.collect(),
        axes: vec![axis],
        ..Corpus::default()
    }
}

fn two_classes() -> Axis {
    Axis::named("tone", &["low".to_owned(), "high".to_owned()])
}

fn quick() -> TrainConfig {
    let learn = LearnConfig { c: vec![0.5, 4.0], folds: 3, ..LearnConfig::default() };
    TrainConfig { learn, ..TrainConfig::default() }
}

fn trained(corpus: &Corpus, config: &TrainConfig) -> Trained {
    train(corpus, config, &|| {}).expect("examples enough")
}

/// The default features on three classes.
static DEFAULT: LazyLock<Trained> = LazyLock::new(|| trained(&corpus(Axis::stance()), &quick()));

/// A model of few terms, so that every byte of it can be tried.
static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let features = FeatureConfig {
        blocks: vec![
            Block { extractor: Extractor::Word, weight: 1.0 },
            Block { extractor: Extractor::Chars { min: 2, max: 2 }, weight: 0.5 },
        ],
        min_df: 8,
        ..FeatureConfig::default()
    };
    let config = TrainConfig { features, ..quick() };
    trained(&corpus(Axis::stance()), &config).model.bytes().to_vec()
});

fn scores(model: &Model, documents: &[Document]) -> Vec<Score> {
    let scorer = Scorer::new(model).unwrap();
    documents.iter().map(|document| scorer.score(document, usize::MAX)).collect()
}

fn documents(corpus: &Corpus) -> Vec<Document> {
    corpus.examples.iter().map(|example| example.document.clone()).collect()
}

// ---------------------------------------------------------------------------------------------
// The same bytes.

#[test]
fn a_saved_model_opens_with_the_same_bytes_and_scores() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below/model.kzm");
    let model = &DEFAULT.model;
    model.save(&path).unwrap();
    assert!(std::fs::read(&path).unwrap() == model.bytes());
    let opened = Model::open(&path).unwrap();
    assert!(opened.bytes() == model.bytes());
    assert_eq!((opened.header(), opened.sha256()), (model.header(), model.sha256()));
    let documents = documents(&corpus(Axis::stance()));
    let wanted = scores(model, &documents);
    assert_eq!(scores(&opened, &documents), wanted);
    // The bytes need not lie where numbers may: one byte further on nothing is aligned.
    let mut shifted = vec![0];
    shifted.extend(model.bytes());
    let shifted: &'static [u8] = shifted.leak();
    assert_eq!(scores(&Model::from_static(&shifted[1..], "shipped").unwrap(), &documents), wanted);
    assert_eq!(scores(&Model::from_bytes(model.bytes().to_vec()).unwrap(), &documents), wanted);
}

#[test]
fn a_model_does_not_depend_on_the_number_of_threads() {
    let corpus = corpus(Axis::stance());
    let bytes = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| trained(&corpus, &quick()).model.bytes().to_vec())
    };
    let one = bytes(1);
    assert_eq!(Model::from_bytes(one.clone()).unwrap().header().heads[0].quality.n, 30);
    assert!(one == bytes(2));
    assert!(one == bytes(4));
}

/// Rows of a JSONL file that hold the examples, in the given order.
fn write_rows(path: &Path, corpus: &Corpus, order: &[usize]) {
    let mut all = String::new();
    for &row in order {
        let example = &corpus.examples[row];
        let kzstance::document::Body::Text(text) = &example.document.body else { panic!("a text") };
        let class = example.labels[0].map(|class| corpus.axes[0].classes[class].clone());
        let outlet = &example.outlet;
        let row = json!({"id": example.document.id, "text": text, "stance": class, "outlet": outlet, "origin": "authored"});
        all += &row.to_string();
        all.push('\n');
    }
    std::fs::write(path, all).unwrap();
}

#[test]
fn a_model_does_not_depend_on_the_order_of_rows_in_a_file() {
    let wanted = corpus(Axis::stance());
    let n = wanted.examples.len();
    let orders: [Vec<usize>; 3] =
        [(0..n).collect(), (0..n).rev().collect(), (0..n).map(|row| (row * 7 + 4) % n).collect()];
    for order in &orders {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("invented.jsonl");
        write_rows(&path, &wanted, order);
        let mut problems = Problems::default();
        let read = read_labels(&path, &[], &ReadOptions::default(), &mut problems, &mut |_| {}).unwrap();
        problems.into_result().unwrap();
        assert_eq!(read.name, "invented");
        assert!(read.examples.is_sorted_by(|a, b| a.document.id < b.document.id));
        assert_eq!(read.digest(), wanted.digest());
        assert!(trained(&read, &quick()).model.bytes() == DEFAULT.model.bytes());
    }
}

#[test]
fn the_last_bytes_are_the_checksum_of_all_before() {
    for bytes in [DEFAULT.model.bytes(), &SMALL] {
        let (body, checksum) = bytes.split_at(bytes.len() - 32);
        assert_eq!(Sha256::digest(body)[..], *checksum);
    }
}

#[test]
fn a_model_is_a_safetensors_file() {
    let bytes = DEFAULT.model.bytes();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let mut found: Vec<(String, Dtype, Vec<usize>)> =
        file.tensors().into_iter().map(|(name, view)| (name, view.dtype(), view.shape().to_vec())).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let features = DEFAULT.model.header().block_sizes.iter().sum();
    let text = file.tensor("term_text").unwrap().data().len();
    let wanted = [
        ("coefficients.stance", Dtype::F32, vec![features, 3]),
        ("document_frequency", Dtype::U32, vec![features]),
        ("fingerprints", Dtype::U64, vec![DEFAULT.model.header().n_documents as usize]),
        ("intercepts.stance", Dtype::F64, vec![3]),
        ("term_ends", Dtype::U32, vec![features]),
        ("term_text", Dtype::U8, vec![text]),
        ("validation_decided.stance", Dtype::U32, vec![30]),
        ("validation_groups.stance", Dtype::U32, vec![30]),
        ("validation_probabilities.stance", Dtype::F32, vec![30, 3]),
        ("validation_truth.stance", Dtype::U32, vec![30]),
        ("~sha256", Dtype::U8, vec![32]),
    ];
    assert_eq!(found, wanted.map(|(name, dtype, shape)| (name.to_owned(), dtype, shape)));
    assert_eq!(file.tensor("~sha256").unwrap().data(), &bytes[bytes.len() - 32..]);
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let header: Value = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["kzstance"]).unwrap();
    assert_eq!(header["format"], json!(FORMAT_VERSION));
}

// ---------------------------------------------------------------------------------------------
// Damage.

/// The error of a file that is no sound model of this version.
fn refused(bytes: Vec<u8>) -> Error {
    let error = Model::from_bytes(bytes).map(|_| ()).expect_err("this must not pass for a model");
    assert_eq!(error.exit_code(), 4, "{error}");
    assert!(matches!(error, Error::ModelDamaged { .. } | Error::ModelIncompatible { .. }), "{error:?}");
    error
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    for length in 0..SMALL.len() {
        refused(SMALL[..length].to_vec());
    }
    let all = DEFAULT.model.bytes();
    for length in (0..all.len()).step_by(997).chain(all.len() - 40..all.len()) {
        refused(all[..length].to_vec());
    }
}

#[test]
fn a_file_with_more_at_its_end_is_refused() {
    for more in [1, 7, 8, 32, 1000] {
        let mut bytes = SMALL.clone();
        bytes.extend(vec![0; more]);
        refused(bytes);
    }
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    for at in 0..SMALL.len() {
        let mut bytes = SMALL.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(bytes);
    }
}

#[test]
fn files_that_are_no_models_are_refused_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| Model::open(path).map(|_| ()).expect_err("no model");
    for (name, content) in [("empty", &b""[..]), ("short", b"kz"), ("text", "نص لا نموذج".as_bytes())]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = open(&path);
        assert!(matches!(error, Error::ModelDamaged { .. }) && error.exit_code() == 4, "{name}: {error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = open(folder.path());
    assert!(matches!(error, Error::ModelDamaged { .. }), "{error:?}");
    let error = open(&folder.path().join("absent"));
    assert!(matches!(error, Error::Read { .. }) && error.exit_code() == 3, "{error:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_file_cut_short_is_never_a_model(cut in any::<prop::sample::Index>()) {
        let all = DEFAULT.model.bytes();
        refused(all[..cut.index(all.len())].to_vec());
    }

    #[test]
    fn a_flipped_byte_is_never_a_model(at in any::<prop::sample::Index>(), mask in 1..=255_u8, small in any::<bool>()) {
        let mut bytes = if small { SMALL.clone() } else { DEFAULT.model.bytes().to_vec() };
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        refused(bytes);
    }

    #[test]
    fn arbitrary_bytes_are_never_a_model(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        refused(bytes);
    }

    #[test]
    fn arbitrary_headers_are_never_a_model(
        header in "\\{(\"(__metadata__|kzstance|a|dtype|shape|data_offsets)\":|[\\[\\]{},0-9\"]|\"U8\"){0,40}\\}",
        data in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(data);
        refused(bytes);
    }

    /// The checksum keeps out accidents, not intent: whatever stands in the arrays, an accepted
    /// file must run.
    #[test]
    fn a_file_of_arbitrary_numbers_is_refused_or_runs(
        name in prop::sample::select(vec!["document_frequency", "fingerprints", "term_ends", "term_text", "coefficients.stance", "intercepts.stance", "validation_truth.stance", "validation_decided.stance", "validation_probabilities.stance", "validation_groups.stance"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut parts = Parts::of_small();
        let data = &mut parts.tensors.get_mut(name).unwrap().2;
        for (at, value) in changes {
            let at = at.index(data.len());
            data[at] = value;
        }
        runs_or_is_refused(parts.bytes());
    }
}

fn runs_or_is_refused(bytes: Vec<u8>) {
    match Model::from_bytes(bytes) {
        Ok(model) => {
            let text = Document::from_text("a", format!("{} {} غريب", word(3), word(45)));
            for score in scores(&model, &[text]) {
                for head in &score.heads {
                    let p = &head.probabilities;
                    assert!(
                        p.iter().all(|&p| p > 0.0) && (p.iter().sum::<f64>() - 1.0).abs() < 1e-9,
                        "{p:?}"
                    );
                }
            }
            top_terms(&model, usize::MAX);
            card(&model);
            if let Some(found) = model.validation(0) {
                assert_eq!(found.check(3), Ok(()));
            }
        }
        Err(error) => assert_eq!(error.exit_code(), 4, "{error}"),
    }
}

// ---------------------------------------------------------------------------------------------
// Files made by hand, with a correct checksum.

/// A model's parts, to be changed and put together again.
struct Parts {
    header: Value,
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl Parts {
    fn of_small() -> Self {
        let (_, metadata) = SafeTensors::read_metadata(&SMALL).unwrap();
        let header = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["kzstance"]).unwrap();
        let tensors = SafeTensors::deserialize(&SMALL).unwrap().tensors().into_iter();
        let tensors =
            tensors.map(|(name, view)| (name, (view.dtype(), view.shape().to_vec(), view.data().to_vec())));
        Parts { header, tensors: tensors.collect() }
    }

    fn bytes(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, (dtype, shape, data))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), data).expect("a shape of its data"))
        });
        let metadata = HashMap::from([("kzstance".to_owned(), self.header.to_string())]);
        let mut bytes = safetensors::serialize(views, Some(metadata)).unwrap();
        let body = bytes.len() - 32;
        let digest = Sha256::digest(&bytes[..body]);
        bytes[body..].copy_from_slice(&digest);
        bytes
    }

    fn refused(&self) -> Error {
        refused(self.bytes())
    }

    fn tensor(&mut self, name: &str) -> &mut (Dtype, Vec<usize>, Vec<u8>) {
        self.tensors.get_mut(name).expect("a tensor of this name")
    }

    fn features(&self) -> usize {
        self.tensors["term_ends"].1[0]
    }

    fn ends(&self) -> Vec<u32> {
        let data = &self.tensors["term_ends"].2;
        data.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    fn set_ends(&mut self, ends: &[u32]) {
        self.tensor("term_ends").2 = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
    }
}

/// What a damaged model's message says, without the file's name.
fn damage(parts: &Parts) -> String {
    match parts.refused() {
        Error::ModelDamaged { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

fn incompatibility(parts: &Parts) -> String {
    match parts.refused() {
        Error::ModelIncompatible { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_put_together_unchanged_are_the_model() {
    assert!(Parts::of_small().bytes() == *SMALL);
    Model::from_bytes(Parts::of_small().bytes()).unwrap();
}

#[test]
fn a_wrong_checksum_is_named() {
    let mut bytes = SMALL.clone();
    *bytes.last_mut().unwrap() ^= 1;
    assert!(refused(bytes).to_string().contains("checksum"));
}

#[test]
fn another_format_is_incompatible() {
    for format in [json!(FORMAT_VERSION + 1), json!(0), json!("1"), json!(null), json!(u64::MAX)] {
        let mut parts = Parts::of_small();
        parts.header["format"] = format.clone();
        assert!(incompatibility(&parts).contains("format"), "{format}");
    }
    // A newer header need not parse as ours.
    let mut parts = Parts::of_small();
    parts.header = json!({"format": FORMAT_VERSION + 1, "all": "else is new"});
    assert!(incompatibility(&parts).contains(&format!("format {}", FORMAT_VERSION + 1)));
}

#[test]
fn another_normaliser_is_incompatible() {
    for version in [json!(NORMALIZER_VERSION + 1), json!(0), json!(null)] {
        let mut parts = Parts::of_small();
        parts.header["features"]["normalizer"]["version"] = version.clone();
        assert!(incompatibility(&parts).contains("normaliser"), "{version}");
    }
    let mut parts = Parts::of_small();
    parts.header["features"].as_object_mut().unwrap().remove("normalizer");
    assert!(incompatibility(&parts).contains("normaliser"));
}

#[test]
fn a_safetensors_file_of_somebody_else_is_no_model() {
    let mut parts = Parts::of_small();
    for header in [json!([]), json!(7), json!({})] {
        parts.header = header;
        parts.refused();
    }
    let views = parts.tensors.iter().map(|(name, (dtype, shape, data))| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    let error = refused(safetensors::serialize(views, None).unwrap());
    assert!(error.to_string().contains("not a kzstance model"), "{error}");
}

#[test]
fn a_header_that_does_not_parse_is_damage() {
    for (field, value) in [
        ("n_documents", json!(-1)),
        ("heads", json!({})),
        ("block_sizes", json!(["a"])),
        ("learn", json!({"solver": "magic"})),
        ("mean_length", json!(null)),
    ] {
        let mut parts = Parts::of_small();
        parts.header[field] = value;
        assert!(damage(&parts).contains("header"), "{field}");
    }
    let mut parts = Parts::of_small();
    parts.header["features"]["blocks"][0]["weight"] = json!(-1.0);
    damage(&parts);
    parts.header["features"]["blocks"] = json!([]);
    damage(&parts);
}

#[test]
fn missing_tensors_and_wrong_types_are_damage() {
    let names: Vec<String> = Parts::of_small().tensors.keys().cloned().collect();
    assert_eq!(names.len(), 11);
    for name in names.iter().filter(|name| *name != "~sha256") {
        let mut parts = Parts::of_small();
        parts.tensors.remove(name);
        assert!(damage(&parts).contains(name), "{name}");
        let mut parts = Parts::of_small();
        let tensor = parts.tensor(name);
        match tensor.0 {
            Dtype::F32 => tensor.0 = Dtype::I32,
            Dtype::U32 => tensor.0 = Dtype::F32,
            Dtype::F64 | Dtype::U64 => tensor.0 = Dtype::I64,
            // The terms are bytes: others are no text.
            _ => tensor.2.fill(0xFF),
        }
        assert!(damage(&parts).contains(name), "{name}");
    }
}

#[test]
fn arrays_of_the_wrong_length_are_damage() {
    for (name, width) in [
        ("document_frequency", 4),
        ("fingerprints", 8),
        ("term_ends", 4),
        ("coefficients.stance", 12),
        ("intercepts.stance", 8),
        ("validation_truth.stance", 4),
        ("validation_decided.stance", 4),
        ("validation_probabilities.stance", 12),
        ("validation_groups.stance", 4),
    ] {
        let mut parts = Parts::of_small();
        let tensor = parts.tensor(name);
        tensor.1[0] -= 1;
        let length = tensor.2.len() - width;
        tensor.2.truncate(length);
        damage(&parts);
        let mut parts = Parts::of_small();
        let tensor = parts.tensor(name);
        tensor.1[0] += 1;
        tensor.2.extend(vec![0; width]);
        damage(&parts);
    }
    let mut parts = Parts::of_small();
    for tensor in parts.tensors.values_mut().filter(|tensor| tensor.0 != Dtype::U8) {
        *tensor = (tensor.0, vec![0], Vec::new());
    }
    damage(&parts);
}

#[test]
fn arrays_of_the_wrong_shape_are_damage() {
    let features = Parts::of_small().features();
    for shape in [vec![3, features], vec![3 * features], vec![features, 3, 1], vec![1, 3 * features]] {
        let mut parts = Parts::of_small();
        parts.tensor("coefficients.stance").1.clone_from(&shape);
        assert!(damage(&parts).contains("shape"), "{shape:?}");
    }
}

#[test]
fn block_sizes_that_do_not_fit_are_damage() {
    let features = Parts::of_small().features();
    for sizes in [json!([features]), json!([features, 0, 0]), json!([features, 1]), json!([0, 0])] {
        let mut parts = Parts::of_small();
        parts.header["block_sizes"] = sizes.clone();
        damage(&parts);
    }
}

#[test]
fn block_sizes_whose_sum_overflows_are_damage() {
    let mut parts = Parts::of_small();
    parts.header["block_sizes"] = json!([u64::MAX, parts.features() + 1]);
    damage(&parts);
}

#[test]
fn terms_that_do_not_fit_their_text_are_damage() {
    let sound = Parts::of_small().ends();
    let n = sound.len();
    assert!(sound.is_sorted() && n > 10);
    let with = |change: &dyn Fn(&mut Vec<u32>)| {
        let mut parts = Parts::of_small();
        let mut ends = sound.clone();
        change(&mut ends);
        parts.set_ends(&ends);
        damage(&parts)
    };
    with(&|ends| ends.swap(2, 7));
    with(&|ends| ends.reverse());
    with(&|ends| ends[n - 1] += 1);
    with(&|ends| ends[n - 1] -= 2);
    with(&|ends| ends[n - 1] = u32::MAX);
    with(&|ends| ends.fill(0));
    // Inside a letter of two bytes.
    with(&|ends| ends[0] -= 1);
}

/// Twice the same term in a block would be two features that no word can tell apart, and every
/// number after it would be another's.
#[test]
fn a_term_that_stands_twice_is_damage() {
    let sound = Parts::of_small().ends();
    let n = sound.len();
    let mut parts = Parts::of_small();
    let text = &parts.tensors["term_text"].2;
    let term = |number: usize| sound[number - 1] as usize..sound[number] as usize;
    let (a, b) = (1..n)
        .flat_map(|a| (a + 1..n).map(move |b| (a, b)))
        .find(|&(a, b)| term(a).len() == term(b).len() && text[term(a)] != text[term(b)])
        .unwrap();
    let first = text[term(a)].to_vec();
    parts.tensor("term_text").2[term(b)].copy_from_slice(&first);
    damage(&parts);
}

#[test]
fn terms_without_letters_are_damage() {
    let mut parts = Parts::of_small();
    let mut ends = parts.ends();
    // Two empty terms: the third takes their letters.
    let end = ends[2];
    (ends[0], ends[1], ends[2]) = (0, 0, end);
    parts.set_ends(&ends);
    damage(&parts);
}

#[test]
fn document_frequencies_above_the_number_of_documents_are_damage() {
    for df in [31_u32, 1000, u32::MAX] {
        let mut parts = Parts::of_small();
        parts.tensor("document_frequency").2[..4].copy_from_slice(&df.to_le_bytes());
        damage(&parts);
    }
}

#[test]
fn weights_that_are_no_numbers_are_damage() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut parts = Parts::of_small();
        parts.tensor("coefficients.stance").2[8..12].copy_from_slice(&(value as f32).to_le_bytes());
        assert!(damage(&parts).contains("stance"));
        let mut parts = Parts::of_small();
        parts.tensor("intercepts.stance").2[8..16].copy_from_slice(&value.to_le_bytes());
        assert!(damage(&parts).contains("stance"));
    }
}

/// The held-out judgements of every head are those that training made, to single precision.
#[test]
fn held_out_judgements_are_kept() {
    let found = DEFAULT.model.validation(0).unwrap();
    let evaluation = &DEFAULT.evaluations[0];
    assert_eq!(found.len(), 30);
    let class = |name: &String| evaluation.axis.index(name).unwrap();
    for (row, made) in evaluation.predictions.iter().enumerate() {
        assert_eq!((found.truth[row], found.decided[row]), (class(&made.truth), class(&made.predicted)));
        let near =
            found.probabilities[row].iter().zip(&made.probabilities).all(|(a, b)| (a - b).abs() < 1e-7);
        assert!(near, "row {row}");
    }
    // Three documents an outlet: those of one are of one group.
    assert!(found.groups.chunks(3).all(|group| group.iter().all(|number| *number == group[0])));
    let validated = &DEFAULT.model.header().heads[0].validated;
    assert_eq!((validated.len(), validated[0].n, validated[0].origin.as_str()), (1, 30, "authored"));
}

#[test]
fn a_model_from_before_held_out_judgements_were_kept_still_runs() {
    let mut parts = Parts::of_small();
    parts.tensors.retain(|name, _| !name.starts_with("validation_"));
    parts.header["heads"][0].as_object_mut().unwrap().remove("validated").unwrap();
    let model = Model::from_bytes(parts.bytes()).unwrap();
    assert_eq!(model.validation(0), None);
    runs_or_is_refused(parts.bytes());
    let documents = documents(&corpus(Axis::stance()));
    let whole = Model::from_bytes(SMALL.clone()).unwrap();
    assert_eq!(scores(&model, &documents), scores(&whole, &documents));
    assert!(whole.validation(0).is_some() && whole.validation(1).is_none());
}

#[test]
fn held_out_judgements_that_cannot_be_are_damage() {
    for (name, bytes) in [
        ("validation_truth.stance", 3_u32.to_le_bytes()),
        ("validation_decided.stance", u32::MAX.to_le_bytes()),
        ("validation_probabilities.stance", 1.5_f32.to_le_bytes()),
        ("validation_probabilities.stance", (-0.5_f32).to_le_bytes()),
        ("validation_probabilities.stance", f32::NAN.to_le_bytes()),
        ("validation_probabilities.stance", f32::INFINITY.to_le_bytes()),
    ] {
        let mut parts = Parts::of_small();
        parts.tensor(name).2[..4].copy_from_slice(&bytes);
        let said = damage(&parts);
        assert!(said.contains("held-out judgement") && said.contains("stance"), "{name}: {said}");
    }
    for shape in [vec![90], vec![3, 30], vec![30, 3, 1]] {
        let mut parts = Parts::of_small();
        parts.tensor("validation_probabilities.stance").1.clone_from(&shape);
        assert!(damage(&parts).contains("shape"), "{shape:?}");
    }
    // None at all are no rows.
    let mut parts = Parts::of_small();
    for (name, tensor) in parts.tensors.iter_mut().filter(|(name, _)| name.starts_with("validation_")) {
        let width = if name.contains("probabilities") { vec![0, 3] } else { vec![0] };
        *tensor = (tensor.0, width, Vec::new());
    }
    damage(&parts);
}

#[test]
fn heads_without_classes_or_weights_are_damage() {
    let mut parts = Parts::of_small();
    parts.header["heads"] = json!([]);
    damage(&parts);
    for classes in [json!([]), json!(["favor"]), json!(["favor", "against"]), json!(["a", "b", "c", "d"])] {
        let mut parts = Parts::of_small();
        parts.header["heads"][0]["axis"]["classes"] = classes.clone();
        assert!(damage(&parts).contains("shape"), "{classes}");
    }
    let mut parts = Parts::of_small();
    parts.header["heads"][0]["axis"]["name"] = json!("sentiment");
    damage(&parts);
}

// ---------------------------------------------------------------------------------------------
// Scores.

/// The document that its bag record gives when it is read back.
fn from_bag(document: &Document) -> Document {
    let line = bag_record(document).to_string();
    jsonl::document(&line, Place::default(), &Columns::default()).expect("a record reads back")
}

/// A score without what only a text can say.
fn without_spans(mut score: Score) -> Score {
    for evidence in &mut score.evidence {
        evidence.span = None;
    }
    score
}

/// Parts of texts: known words bare and dressed, unknown ones, and all that is not a word.
fn any_text() -> impl Strategy<Value = String> {
    let known = (0..70_usize).prop_map(word);
    let dressed = (0..70_usize, 0..6_usize).prop_map(|(number, how)| {
        let word = word(number);
        let mut letters: Vec<char> = word.chars().collect();
        match how {
            0 => letters.insert(1, '\u{64E}'),
            1 => letters.extend(['\u{64B}', '\u{200F}']),
            2 => letters.insert(2, 'ـ'),
            3 => letters.insert(1, '\u{200C}'),
            4 => letters.insert(0, '#'),
            _ => letters.insert(3, '_'),
        }
        letters.into_iter().collect()
    });
    let other = prop::sample::select(vec![
        "«",
        "»",
        "\"",
        "“",
        "”",
        ".",
        "!",
        "؟",
        "،",
        "\n",
        "(",
        ")",
        "#",
        "_",
        "@",
        "@user_1",
        "🕊",
        "👍🏽",
        "🇰🇿",
        "❤️",
        "https://a.b/c?d=1",
        "www.kz.example",
        "\u{64E}",
        "\u{200F}",
        "٢٠٢٢",
        "2022",
        "ظغضث",
        "qzx",
        "QZX",
        "ﻻ",
        "ؤ",
        "مو\u{654}",
        "ههههه",
        "...",
        "…",
        "a@b.c",
    ]);
    let part = prop_oneof![3 => known, 2 => dressed, 2 => other.prop_map(str::to_owned), 1 => "[ا-ي]{1,5}"];
    let space = prop_oneof![4 => Just(" "), 1 => Just("")];
    prop::collection::vec((part, space), 0..25)
        .prop_map(|parts| parts.into_iter().map(|(part, space)| part + space).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_document_scores_the_same_alone_among_others_and_from_its_bag(
        texts in prop::collection::vec(any_text(), 1..6),
    ) {
        let documents: Vec<Document> =
            texts.into_iter().enumerate().map(|(n, text)| Document::from_text(format!("t{n}"), text)).collect();
        let shared = Scorer::new(&DEFAULT.model).unwrap();
        let batch: Vec<Score> = documents.par_iter().map(|document| shared.score(document, usize::MAX)).collect();
        for (document, in_batch) in documents.iter().zip(batch) {
            let alone = Scorer::new(&DEFAULT.model).unwrap().score(document, usize::MAX);
            prop_assert_eq!(&alone, &in_batch);
            let bag = from_bag(document);
            let of_bag = Scorer::new(&DEFAULT.model).unwrap().score(&bag, usize::MAX);
            prop_assert!(of_bag.evidence.iter().all(|evidence| evidence.span.is_none()));
            prop_assert_eq!(&of_bag, &without_spans(alone));
            prop_assert_eq!(&of_bag, &shared.score(&bag, usize::MAX));
            // A bag of a bag is that bag.
            prop_assert_eq!(&from_bag(&bag).segments(), &document.segments());
        }
    }

    #[test]
    fn evidence_stands_where_its_term_first_stands(text in any_text()) {
        let document = Document::from_text("t", text.clone());
        let score = Scorer::new(&DEFAULT.model).unwrap().score(&document, usize::MAX);
        let normalizer = Normalizer::default();
        // The first place of each normalised word, in code points.
        let mut first: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut word = String::new();
        for token in tokens(&text) {
            normalizer.word(&text, &token, &mut word);
            let points = |byte: usize| text[..byte].chars().count();
            first.entry(word.clone()).or_insert_with(|| (points(token.bytes.start), points(token.bytes.end)));
        }
        first.remove("");
        prop_assert_eq!(score.evidence.len(), first.len());
        for evidence in &score.evidence {
            let span = evidence.span.expect("a text has places");
            prop_assert_eq!(Some(&span), first.get(&evidence.term));
            let quoted: String = text.chars().skip(span.0).take(span.1 - span.0).collect();
            let inside: Vec<_> = tokens(&quoted).collect();
            prop_assert_eq!(inside.len(), 1, "{:?}", quoted);
            normalizer.word(&quoted, &inside[0], &mut word);
            prop_assert_eq!(&word, &evidence.term);
        }
        let weights: Vec<f64> = score.evidence.iter().map(|evidence| evidence.weight.abs()).collect();
        prop_assert!(weights.is_sorted_by(|a, b| a >= b));
        // Asking for fewer words gives the first of all.
        let three = Scorer::new(&DEFAULT.model).unwrap().score(&document, 3);
        prop_assert_eq!(&three.evidence[..], &score.evidence[..score.evidence.len().min(3)]);
        prop_assert_eq!(three.heads, score.heads);
    }

    #[test]
    fn evidence_and_intercept_add_up_to_the_score_of_the_decided_class(text in any_text()) {
        static TWO: LazyLock<Model> = LazyLock::new(|| trained(&corpus(two_classes()), &quick()).model);
        let [intercept] = intercepts(&TWO, "tone")[..] else { panic!("one number for two classes") };
        let score = Scorer::new(&TWO).unwrap().score(&Document::from_text("t", text), usize::MAX);
        let head = &score.heads[0];
        let sign = if head.class == 1 { 1.0 } else { -1.0 };
        let sum = score.evidence.iter().map(|evidence| evidence.weight).sum::<f64>() + sign * intercept;
        let info = &TWO.header().heads[0];
        let wanted = info.rule.calibration.apply(&probabilities(info.scheme, &[sign * sum]));
        let (p, wanted) = (head.probabilities[head.class], wanted[head.class]);
        prop_assert!((p - wanted).abs() < 1e-9, "{} {}", p, wanted);
    }
}

fn intercepts(model: &Model, axis: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(model.bytes()).unwrap();
    let data = file.tensor(&format!("intercepts.{axis}")).unwrap().data();
    data.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// The weights in double precision as training finds them, and the training documents' matrix.
fn training_side(corpus: &Corpus, config: &TrainConfig, c: f64) -> (Design, Weights) {
    let documents = documents(corpus);
    let lexicon = Lexicon::new(&config.features, &documents);
    let rows: Vec<usize> = (0..documents.len()).collect();
    let frequencies = Frequencies::count(&lexicon, &rows).unwrap();
    let x = Design::new(&lexicon, &frequencies, &rows);
    let classes: Vec<usize> = corpus.examples.iter().filter_map(|example| example.labels[0]).collect();
    let task = config.learn.task(&classes, corpus.axes[0].classes.len(), c, config.learn.tolerance);
    let found = fit(config.learn.solver, &x, &task, None).unwrap();
    (x, found.weights)
}

#[test]
fn the_scorer_gives_the_probabilities_of_the_training_side() {
    for axis in [Axis::stance(), two_classes()] {
        let corpus = corpus(axis);
        for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
            let config = TrainConfig { learn: LearnConfig { scheme, ..quick().learn }, ..quick() };
            let trained = trained(&corpus, &config);
            let (x, weights) = training_side(&corpus, &config, trained.paths[0].chosen);
            assert_eq!(intercepts(&trained.model, &corpus.axes[0].name), weights.intercepts);
            let all = weights.scores(&x);
            let linear = all.chunks_exact(weights.columns);
            let mut decided = vec![0; corpus.axes[0].classes.len()];
            for (linear, score) in linear.zip(scores(&trained.model, &documents(&corpus))) {
                let calibration = &trained.model.header().heads[0].rule.calibration;
                let (head, wanted) = (&score.heads[0], calibration.apply(&probabilities(scheme, linear)));
                for (given, wanted) in head.probabilities.iter().zip(&wanted) {
                    assert!((given - wanted).abs() < 1e-6, "{scheme:?} {given} {wanted}");
                }
                assert!(score.known_share > 0.5 && head.abstain != Some("unfamiliar"));
                decided[head.class] += 1;
                // What the words weigh is the linear score of the decided class.
                let evidence: f64 = score.evidence.iter().map(|evidence| evidence.weight).sum();
                let (intercept, wanted) = match (linear, head.class) {
                    (&[one], 0) => (-weights.intercepts[0], -one),
                    (&[one], _) => (weights.intercepts[0], one),
                    (many, class) => (weights.intercepts[class], many[class]),
                };
                assert!((evidence + intercept - wanted).abs() < 1e-5, "{scheme:?} {evidence} {wanted}");
            }
            assert!(decided.iter().all(|&n| n > 0), "every class is decided for: {decided:?}");
        }
    }
}

#[test]
fn a_text_without_words_is_too_short() {
    let scorer = Scorer::new(&DEFAULT.model).unwrap();
    for text in ["", " \n\t", "!!! … ؟ «» ()", "# _ @", "\u{64E} \u{651}\u{640}", "\u{200F}\u{FEFF}"] {
        let document = Document::from_text("t", text);
        for document in [from_bag(&document), document] {
            let score = scorer.score(&document, 9);
            let head = &score.heads[0];
            assert_eq!(head.abstain, Some("too-short"), "{text:?}");
            assert_eq!((score.n_words, score.known_share), (0, 0.0), "{text:?}");
            assert_eq!(score.evidence, []);
            assert!(head.probabilities.iter().all(|&p| p > 0.0));
        }
    }
}

#[test]
fn a_text_of_unknown_words_alone_is_unfamiliar() {
    for blocks in [
        vec![Extractor::Stem, Extractor::Chars { min: 2, max: 5 }],
        vec![Extractor::Word],
        vec![Extractor::Chars { min: 2, max: 3 }],
    ] {
        let blocks = blocks.into_iter().map(|extractor| Block { extractor, weight: 1.0 }).collect();
        let config =
            TrainConfig { features: FeatureConfig { blocks, ..FeatureConfig::default() }, ..quick() };
        let scorer = Scorer::new(&trained(&corpus(Axis::stance()), &config).model).unwrap();
        let score = scorer.score(&Document::from_text("t", "ظغضث qzx xqzz ذشخ"), 9);
        assert_eq!((score.heads[0].abstain, score.n_words, score.known_share), (Some("unfamiliar"), 4, 0.0));
        let score = scorer.score(&Document::from_text("t", format!("ظغضث qzx {} ذشخ", word(7))), 9);
        assert_eq!(score.known_share, 0.25);
    }
}

#[test]
fn fingerprints_that_do_not_rise_are_damage() {
    let mut parts = Parts::of_small();
    let bytes = &mut parts.tensor("fingerprints").2;
    let (first, last) = (bytes[..8].to_vec(), bytes[bytes.len() - 8..].to_vec());
    assert_ne!(first, last);
    let end = bytes.len() - 8;
    bytes[..8].copy_from_slice(&last);
    bytes[end..].copy_from_slice(&first);
    assert!(damage(&parts).contains("fingerprints"));
}
