//! Two stages: whether a side is taken, and which; and what examples toward other targets may teach.

use kzstance::features::vectorizer::Frequencies;
use kzstance::features::{Design, FeatureConfig, Lexicon, Operator};
use kzstance::learn::logistic::{decide, probabilities};
use kzstance::learn::solver::fit;
use kzstance::learn::{ClassWeight, LearnConfig, Scheme, Solver, Task, Weights};
use kzstance::rng::RngSeed;
use kzstance::{Axis, Corpus, Document, Error, Example, Scorer, TrainConfig, train};
use ndarray::{Array2, Axis as Direction};
use rand::Rng;

const FEATURES: usize = 6;
/// The last of them are of manner.
const MANNER: std::ops::Range<usize> = 4..FEATURES;

struct Rows {
    x: Array2<f64>,
    classes: Vec<usize>,
    weights: Vec<f64>,
    foreign: Vec<bool>,
}

fn rows(n: usize, seed: u64) -> Rows {
    let mut rng = RngSeed(seed).stream("stages");
    let x = Array2::from_shape_fn((n, FEATURES), |_| rng.gen_range(-1.0..1.0));
    Rows {
        classes: (0..n).map(|row| row % 3).collect(),
        weights: (0..n).map(|_| f64::from(rng.gen_range(1_u8..=3))).collect(),
        foreign: (0..n).map(|row| row >= n / 2).collect(),
        x,
    }
}

fn task(rows: &Rows, class_weight: ClassWeight) -> Task<'_> {
    let config = LearnConfig { scheme: Scheme::TwoStage, class_weight, ..LearnConfig::default() };
    Task {
        weights: &rows.weights,
        foreign: &rows.foreign,
        manner: MANNER,
        ..config.task(&rows.classes, 3, 2.0, 1e-20)
    }
}

fn close(a: &[f64], b: &[f64], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let far = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far < 1e-8, "{what}: {far:e}");
}

fn column(weights: &Weights, column: usize) -> Vec<f64> {
    let coefficients = weights.coefficients.iter().skip(column).step_by(weights.columns).copied();
    coefficients.chain([weights.intercepts[column]]).collect()
}

#[test]
fn each_stage_is_the_binary_fit_of_the_rows_it_may_see() {
    for class_weight in [ClassWeight::None, ClassWeight::Balanced] {
        let rows = rows(60, 1);
        let found = fit(Solver::Newton, &rows.x.view(), &task(&rows, class_weight), None).unwrap().weights;
        assert_eq!(found.columns, 2);
        let config = LearnConfig { class_weight, ..LearnConfig::default() };

        let sided: Vec<usize> = rows.classes.iter().map(|&class| usize::from(class < 2)).collect();
        let first = Task { weights: &rows.weights, ..config.task(&sided, 2, 2.0, 1e-20) };
        let first = fit(Solver::Newton, &rows.x.view(), &first, None).unwrap().weights;
        close(&column(&found, 0), &column(&first, 0), "whether");

        let own: Vec<usize> = (0..60).filter(|&row| !rows.foreign[row] && rows.classes[row] < 2).collect();
        let mut x = rows.x.select(Direction(0), &own);
        x.slice_mut(ndarray::s![.., MANNER]).fill(0.0);
        let favor: Vec<usize> = own.iter().map(|&row| usize::from(rows.classes[row] == 0)).collect();
        let weights: Vec<f64> = own.iter().map(|&row| rows.weights[row]).collect();
        let second = Task { weights: &weights, ..config.task(&favor, 2, 2.0, 1e-20) };
        let second = fit(Solver::Newton, &x.view(), &second, None).unwrap().weights;
        close(&column(&found, 1), &column(&second, 0), "which");
        assert!(found.coefficients.iter().skip(1 + 2 * MANNER.start).step_by(2).all(|&weight| weight == 0.0));
    }
}

#[test]
fn which_side_others_take_toward_other_targets_changes_nothing() {
    let mut rows = rows(60, 2);
    let before = fit(Solver::Newton, &rows.x.view(), &task(&rows, ClassWeight::Balanced), None).unwrap();
    for row in 30..60 {
        rows.classes[row] = [1, 0, 2][rows.classes[row]];
    }
    let after = fit(Solver::Newton, &rows.x.view(), &task(&rows, ClassWeight::Balanced), None).unwrap();
    close(&before.weights.coefficients, &after.weights.coefficients, "flipped sides");
    // Whether they take one does.
    rows.classes[59] = 0;
    let other = fit(Solver::Newton, &rows.x.view(), &task(&rows, ClassWeight::Balanced), None).unwrap();
    assert!(column(&other.weights, 0) != column(&after.weights, 0));
}

#[test]
fn a_weight_of_two_is_a_row_that_stands_twice() {
    for scheme in [Scheme::OneVsRest, Scheme::Multinomial, Scheme::TwoStage] {
        for class_weight in [ClassWeight::None, ClassWeight::Balanced] {
            let config = LearnConfig { scheme, class_weight, ..LearnConfig::default() };
            let rows = rows(30, 3);
            let weights: Vec<f64> = (0..30).map(|row| if row < 7 { 2.0 } else { 1.0 }).collect();
            let weighted = Task { weights: &weights, ..config.task(&rows.classes, 3, 2.0, 1e-20) };
            let weighted = fit(Solver::Newton, &rows.x.view(), &weighted, None).unwrap().weights;
            let twice: Vec<usize> = (0..30).chain(0..7).collect();
            let x = rows.x.select(Direction(0), &twice);
            let classes: Vec<usize> = twice.iter().map(|&row| rows.classes[row]).collect();
            let repeated = config.task(&classes, 3, 2.0, 1e-20);
            let repeated = fit(Solver::Newton, &x.view(), &repeated, None).unwrap().weights;
            close(&weighted.coefficients, &repeated.coefficients, &format!("{scheme:?} {class_weight:?}"));
        }
    }
}

#[test]
fn a_stage_that_saw_one_side_only_says_that_side() {
    let rows = rows(30, 4);
    // No example of the first class toward the own target.
    let classes: Vec<usize> = rows.classes.iter().map(|&class| if class == 0 { 1 } else { class }).collect();
    let config = LearnConfig { scheme: Scheme::TwoStage, ..LearnConfig::default() };
    let found = fit(Solver::Newton, &rows.x.view(), &config.task(&classes, 3, 2.0, 1e-10), None).unwrap();
    for scores in found.weights.scores(&rows.x.view()).chunks_exact(2) {
        let p = probabilities(Scheme::TwoStage, scores);
        assert!(p[0] < 0.05 * p[1], "{p:?}");
    }
}

#[test]
fn doubt_about_the_side_does_not_count_for_none() {
    assert_eq!(decide(Scheme::TwoStage, &[0.28, 0.27, 0.45]), 0);
    assert_eq!(decide(Scheme::TwoStage, &[0.27, 0.28, 0.45]), 1);
    assert_eq!(decide(Scheme::TwoStage, &[0.2, 0.2, 0.6]), 2);
    assert_eq!(decide(Scheme::OneVsRest, &[0.28, 0.27, 0.45]), 2);
}

// Shares of words of manner

#[test]
fn a_share_is_brought_to_the_standard_deviation_of_its_block() {
    let config: FeatureConfig = toml::from_str(
        "min_df = 1\ntf = { kind = \"sublinear\" }\n\
         blocks = [{ weight = 0.5, extractor = { kind = \"manner\", version = 1 } }]",
    )
    .unwrap();
    // One verb of speech among four words, none among two, one among two.
    let texts = ["قال الولد هذا صباحا", "خرج الولد", "قالت البنت"];
    let documents: Vec<Document> = texts.iter().map(|&text| Document::from_text(text, text)).collect();
    let lexicon = Lexicon::new(&config, &documents);
    let frequencies = Frequencies::count(&lexicon, &[0, 1, 2]).unwrap();
    let x = Design::new(&lexicon, &frequencies, &[0, 1, 2]);
    // «صباح» is a listed word of date, «صباحا» is not: speech is the only mark.
    assert_eq!(x.manner(), 0..1);
    let mut out = vec![[0.0]; 3];
    x.forward(&[[1.0]], &mut out);
    let shares: [f64; 3] = [0.25, 0.0, 0.5];
    let mean = shares.iter().sum::<f64>() / 3.0;
    let deviation = (shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    close(&out.concat(), &shares.map(|share| 0.5 * share / deviation), "shares");
}

// From the corpus to the model

fn text(words: &[&str], rng: &mut impl Rng) -> String {
    (0..12).map(|_| words[rng.gen_range(0..words.len())]).collect::<Vec<_>>().join(" ")
}

/// Own examples of three classes; and examples toward another target, whose sides use each other's words.
fn corpus() -> Corpus {
    let mut rng = RngSeed(5).stream("corpus");
    let common = ["مدينة", "يوم", "ناس", "طريق", "بيت"];
    let sides = [["صواب", "خير", "فرج"], ["شر", "غلط", "ظلام"]];
    let examples = (0..90).map(|number| {
        let (class, foreign) = (number % 3, number >= 45);
        let mut words = common.to_vec();
        match (class, foreign) {
            (2, _) => words.extend(["جدول", "رقم", "قالت"]),
            (side, false) => words.extend(sides[side]),
            (side, true) => words.extend(sides[1 - side]),
        }
        let document = Document::from_text(format!("d{number:02}"), text(&words, &mut rng));
        Example { target: foreign.then(|| "another".to_owned()), ..Example::new(document, vec![Some(class)]) }
    });
    Corpus {
        name: "stages".into(),
        target: Some("own".into()),
        examples: examples.collect(),
        axes: vec![Axis::stance()],
        ..Corpus::default()
    }
}

fn quick() -> TrainConfig {
    let learn = LearnConfig { c: vec![4.0], folds: 3, ..LearnConfig::default() };
    TrainConfig { learn, ..TrainConfig::default() }
}

#[test]
fn direction_comes_from_the_own_target_alone() {
    let trained = train(&corpus(), &quick(), &|| ()).unwrap();
    let head = &trained.model.header().heads[0];
    assert_eq!(
        (head.scheme, &head.counts[..], &head.foreign_counts[..]),
        (Scheme::TwoStage, &[15; 3][..], &[15; 3][..])
    );
    // What is measured is measured on the own target.
    assert_eq!(trained.evaluations[0].predictions.len(), 45);
    let scorer = Scorer::new(&trained.model).unwrap();
    let class = |text: &str| scorer.score(&Document::from_text("x", text), 3).heads[0].class;
    assert_eq!(class("صواب خير فرج ناس"), 0);
    assert_eq!(class("شر غلط ظلام ناس"), 1);
    assert_eq!(class("جدول رقم قالت ناس"), 2);
    // The parts of a decision add up to its score for the decided side.
    let score = scorer.score(&Document::from_text("x", "صواب"), 3);
    assert!(score.evidence[0].weight > 0.0);
}

#[test]
fn other_targets_want_three_classes_with_the_polar_ones_first() {
    let mut corpus = corpus();
    corpus.axes[0].classes.swap(0, 2);
    let error = train(&corpus, &quick(), &|| ()).unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error}");
    assert!(error.to_string().contains("--target"), "{error}");
    // The own target alone is any corpus.
    let own = corpus.of_target("own").unwrap();
    assert_eq!(own.examples.len(), 45);
    assert_eq!(train(&own, &quick(), &|| ()).unwrap().model.header().heads[0].scheme, Scheme::OneVsRest);
}

#[test]
fn a_sure_label_counts_more_than_a_close_call_and_off_target_says_nothing_of_sides() {
    let plain = train(&corpus(), &quick(), &|| ()).unwrap();
    let with = |change: &dyn Fn(&mut Example)| {
        let mut corpus = corpus();
        corpus.examples[..3].iter_mut().for_each(change);
        train(&corpus, &quick(), &|| ()).unwrap()
    };
    let doubtful = with(&|example| example.confidence = Some(1));
    let sure = with(&|example| example.confidence = Some(3));
    assert!(doubtful.model.bytes() != plain.model.bytes());
    let weights = |trained: &kzstance::Trained| -> Vec<f64> {
        let scorer = Scorer::new(&trained.model).unwrap();
        scorer.score(&Document::from_text("x", "صواب غلط ناس"), 0).heads[0].probabilities.clone()
    };
    assert_eq!(weights(&sure), weights(&plain));
    // Off target the label of a side counts for nothing: any of them gives the same scores.
    let off = |class: usize| {
        weights(&with(&|example| {
            example.on_target = Some(false);
            example.labels = vec![Some(class)];
        }))
    };
    close(&off(0), &off(2), "off target");
}

// On target or off it

/// 25 articles on the own target, 25 on others or off it, told apart by their words.
fn about() -> Corpus {
    let mut rng = RngSeed(6).stream("about");
    let examples = (0..50).map(|number| {
        let off = number % 2 == 1;
        let mut words = vec!["مدينة", "يوم", "ناس", "طريق", "بيت", "باب", "سماء"];
        words.extend(if off {
            ["كرة", "ملعب", "هدف"]
        } else {
            ["قوات", "مطار", "حدود"]
        });
        let document = Document::from_text(format!("d{number:02}"), text(&words, &mut rng));
        Example {
            target: (off && number % 4 == 1).then(|| "another".to_owned()),
            on_target: Some(number % 4 != 3),
            ..Example::new(document, vec![Some(if off { 2 } else { number % 3 })])
        }
    });
    Corpus {
        name: "about".into(),
        target: Some("own".into()),
        examples: examples.collect(),
        axes: vec![Axis::stance()],
        ..Corpus::default()
    }
}

#[test]
fn an_article_about_something_else_is_said_to_be_off_target() {
    let mut corpus = about();
    corpus.add_on_target();
    corpus.add_on_target();
    assert_eq!(corpus.axes.len(), 2, "the axis is added once");
    assert_eq!(corpus.counts(1, false), [25, 25]);
    let trained = train(&corpus, &quick(), &|| ()).unwrap();
    let scorer = Scorer::new(&trained.model).unwrap();
    let stance = |text: &str| scorer.score(&Document::from_text("x", text), 0).heads[0].clone();
    assert_eq!(stance(&"كرة ملعب هدف ناس ".repeat(3)).abstain, Some("off-target"));
    assert_ne!(stance(&"قوات مطار حدود ناس ".repeat(3)).abstain, Some("off-target"));
    // The decision stands beside it, and other reasons come first.
    assert_eq!(stance("").abstain, Some("too-short"));
    let heads = scorer.score(&Document::from_text("x", "كرة ملعب هدف"), 0).heads;
    assert_eq!(heads[1].class, 1);
    assert_ne!(heads[1].abstain, Some("off-target"));
}

#[test]
fn what_an_article_is_about_is_learned_from_examples_enough_of_both_kinds() {
    let mut few = about();
    few.examples.truncate(30);
    few.add_on_target();
    assert_eq!(few.axes.len(), 1);
    let mut corpus = about();
    corpus.add_on_target();
    // Without the other targets too few are left off target.
    let own = corpus.of_target("own").unwrap();
    assert_eq!(own.axes, [Axis::stance()]);
    assert!(own.examples.iter().all(|example| example.labels.len() == 1));
}
