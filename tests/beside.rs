//! What stands beside a cross-validation: random folds, folds in time order, held-out files, baselines,
//! slices, errors with their words, learning curves. On corpora where the truth is known by construction.

use kzstance::evaluate::cross::{count_fits, evaluate, evaluate_held_out};
use kzstance::evaluate::evaluation::{AxisEvaluation, BesideKind};
use kzstance::evaluate::{Evaluation, FoldPlan, Plan};
use kzstance::learn::LearnConfig;
use kzstance::rng::RngSeed;
use kzstance::{Axis, Corpus, Document, Example, TrainConfig};
use rand::Rng;

const MARKS: [[&str; 3]; 3] = [["صواب", "خير", "نجاح"], ["شر", "غلط", "فشل"], ["جدول", "رقم", "موعد"]];

struct Words(rand_chacha::ChaCha8Rng);

impl Words {
    fn new(name: &str) -> Self {
        Words(RngSeed(5).stream(name))
    }

    /// Words that mean nothing, and that no other text has.
    fn plain(&mut self, count: usize) -> String {
        let letters: Vec<char> = "بتجدرسصطعقلمنهي".chars().collect();
        let mut word = || (0..6).map(|_| letters[self.0.gen_range(0..letters.len())]).collect::<String>();
        (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
    }
}

fn corpus(examples: Vec<Example>) -> Corpus {
    Corpus { name: "made".into(), axes: vec![Axis::stance()], examples, ..Corpus::default() }
}

fn quick() -> TrainConfig {
    let learn = LearnConfig { c: vec![1.0, 8.0], folds: 3, ..LearnConfig::default() };
    TrainConfig { learn, ..TrainConfig::default() }
}

const FULL: Plan = Plan { folds: FoldPlan::Grouped(4), beside: true, curve: false, probes: false };

fn found(corpus: &Corpus, plan: impl Into<Plan>) -> Evaluation {
    evaluate(corpus, &quick(), plan, &|| ()).unwrap()
}

/// 24 outlets of five articles; in each outlet all are of one class, and what tells them is the outlet's own
/// words, which no other outlet has.
fn outlets_that_give_themselves_away() -> Corpus {
    let mut words = Words::new("outlets");
    let mut examples = Vec::new();
    for outlet in 0..24 {
        let own = words.plain(4);
        for article in 0..5 {
            let text = format!("{own} {}", words.plain(10));
            let document = Document::from_text(format!("{outlet:02}-{article}"), text);
            examples.push(Example {
                outlet: Some(format!("outlet {outlet}")),
                ..Example::new(document, vec![Some(outlet % 3)])
            });
        }
    }
    corpus(examples)
}

/// Articles whose class their words tell, each by itself.
fn told_by_words(n: usize, name: &str) -> Corpus {
    let mut words = Words::new(name);
    let examples = (0..n).map(|number| {
        let class = number % 3;
        let marks = MARKS[class];
        let text = format!("{} {} {}", marks[number / 3 % 3], words.plain(12), marks[(number / 3 + 1) % 3]);
        Example::new(Document::from_text(format!("{name}{number:03}"), text), vec![Some(class)])
    });
    corpus(examples.collect())
}

#[test]
fn random_folds_flatter_where_outlets_give_themselves_away_and_the_gap_says_so() {
    let evaluation = found(&outlets_that_give_themselves_away(), FULL);
    let axis = &evaluation.axes[0];
    let random = axis.beside("random").unwrap();
    assert_eq!(random.kind, BesideKind::Random);
    assert!(axis.figures.accuracy.value.unwrap() < 0.6, "{:?}", axis.figures.accuracy);
    assert!(random.figures.accuracy.value.unwrap() > 0.95, "{:?}", random.figures.accuracy);
    let (_, gap) = random.differences.iter().find(|(name, _)| name == "accuracy").unwrap();
    let wanted = random.figures.accuracy.value.unwrap() - axis.figures.accuracy.value.unwrap();
    assert!((gap.value.unwrap() - wanted).abs() < 1e-12);
    assert!(gap.low.unwrap() > 0.0, "{gap:?}");
    // Who knows the outlet needs no words.
    let outlet = axis.beside("outlet").unwrap();
    assert!(outlet.figures.accuracy.value.unwrap() > 0.95);
    let majority = axis.beside("majority").unwrap();
    assert!(majority.figures.accuracy.value.unwrap() < 0.5);
    assert_eq!(axis.slices.iter().filter(|slice| slice.by == "outlet").count(), 24);
}

#[test]
fn without_groups_random_folds_are_not_repeated_and_the_reader_is_told() {
    let evaluation = found(&told_by_words(60, "a"), FULL);
    let axis = &evaluation.axes[0];
    assert!(axis.beside("random").is_none() && axis.beside("outlet").is_none());
    assert!(axis.beside("majority").is_some());
    assert!(evaluation.notes.iter().any(|note| note.contains("No outlets")), "{:?}", evaluation.notes);
}

#[test]
fn the_folds_alone_have_nothing_beside_them_and_the_same_figures() {
    let corpus = outlets_that_give_themselves_away();
    let (full, brief) = (found(&corpus, FULL), found(&corpus, FoldPlan::Grouped(4)));
    assert!(brief.axes[0].beside.is_empty());
    assert_eq!(brief.axes[0].figures, full.axes[0].figures);
    assert_eq!(brief.axes[0].predictions, full.axes[0].predictions);
}

/// What tells the classes changes every month: folds that mix the months know it, time order does not.
#[test]
fn time_order_shows_what_random_folds_hide() {
    let mut words = Words::new("time");
    let marks: Vec<String> = (0..18).map(|_| words.plain(2)).collect();
    let examples = (0..120).map(|number| {
        let (class, month) = (number % 3, number / 20);
        let text = format!("{} {}", marks[3 * month + class], words.plain(6));
        let document = Document::from_text(format!("{number:03}"), text);
        let day = format!("2022-{:02}-{:02}T10:00:00Z", month + 1, number % 20 + 1);
        Example { date: Some(day), ..Example::new(document, vec![Some(class)]) }
    });
    let corpus = corpus(examples.collect());
    let evaluation = found(&corpus, FULL);
    let axis = &evaluation.axes[0];
    let temporal = axis.beside("temporal").unwrap();
    assert_eq!(temporal.kind, BesideKind::Temporal);
    assert!(axis.figures.accuracy.value.unwrap() > temporal.figures.accuracy.value.unwrap() + 0.15);
    // The oldest run has nothing to learn from.
    assert_eq!(temporal.figures.n, 96);
    let dates: Vec<&str> =
        axis.slices.iter().filter(|slice| slice.by == "date").map(|slice| slice.name.as_str()).collect();
    assert_eq!(dates, ["2022-01", "2022-02", "2022-03", "2022-04", "2022-05", "2022-06"]);
    // The same as the plan of folds by time.
    let alone = found(&corpus, FoldPlan::Temporal);
    assert_eq!(alone.axes[0].figures, temporal.figures);
}

#[test]
fn a_split_by_time_without_dates_is_refused_with_the_remedy() {
    let error = evaluate(&told_by_words(60, "a"), &quick(), FoldPlan::Temporal, &|| ()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("--columns date="), "{error}");
}

#[test]
fn sentiment_taken_for_stance_is_judged_on_what_has_both() {
    let mut corpus = told_by_words(60, "a");
    corpus.axes.push(Axis::sentiment());
    for (number, example) in corpus.examples.iter_mut().enumerate() {
        // Of the first thirty: right for 18, wrong for 12.
        let stance = example.labels[0].unwrap();
        let given = if number % 5 < 3 { stance } else { (stance + 1) % 3 };
        example.labels.push((number < 30).then_some(given));
    }
    let evaluation = found(&corpus, FULL);
    let stance = &evaluation.axes[0];
    let baseline = stance.beside("sentiment").unwrap();
    assert_eq!((baseline.figures.n, baseline.figures.accuracy.value), (30, Some(0.6)));
    assert!(evaluation.axes[1].beside("sentiment").is_none());
    let table = evaluation.stance_by_sentiment.unwrap();
    assert_eq!(table.counts.iter().flatten().sum::<u64>(), 30);
    assert_eq!(table.counts[0][0] + table.counts[1][1] + table.counts[2][2], 18);
    assert_eq!(table.agreement.value, Some(0.6));
}

#[test]
fn an_error_comes_with_the_words_that_misled() {
    let mut corpus = told_by_words(60, "a");
    // An article in the words of another class.
    let document = &mut corpus.examples[0].document;
    *document = Document::from_text(document.id.clone(), "شر غلط فشل في المدينة");
    let evaluation = found(&corpus, FoldPlan::Grouped(4));
    let worst = &evaluation.axes[0].worst;
    assert!(worst.is_sorted_by(|a, b| a.probability >= b.probability));
    let wrong = worst.iter().find(|wrong| wrong.id == "a000").unwrap();
    assert_eq!((wrong.truth.as_str(), wrong.predicted.as_str()), ("favor", "against"));
    assert!(wrong.probability > wrong.truth_probability);
    let (word, weight) = &wrong.evidence[0];
    assert!(["شر", "غلط", "فشل"].contains(&word.as_str()) && *weight > 0.0, "{:?}", wrong.evidence);
    assert_eq!(wrong.text.as_deref(), Some("شر غلط فشل في المدينة"));
    // Where no text is kept, none is shown.
    let mut bags = corpus.clone();
    for example in &mut bags.examples {
        example.document.body = kzstance::document::Body::Segments(example.document.segments());
    }
    let of_bags = found(&bags, FoldPlan::Grouped(4));
    assert!(of_bags.axes[0].worst.iter().all(|wrong| wrong.text.is_none()));
    let words = |axis: &AxisEvaluation| -> Vec<(String, String)> {
        let evidence = axis.worst.iter().flat_map(|wrong| &wrong.evidence);
        evidence.map(|(word, weight)| (word.clone(), format!("{weight:.9}"))).collect()
    };
    assert_eq!(words(&of_bags.axes[0]), words(&evaluation.axes[0]));
}

#[test]
fn more_examples_help_and_the_curve_ends_at_the_whole() {
    // Each class has so many marks that few articles do not show them all.
    let mut words = Words::new("curve");
    let marks: Vec<String> = (0..90).map(|_| words.plain(1)).collect();
    let examples = (0..180).map(|number| {
        let class = number % 3;
        let text = format!("{} {}", marks[30 * class + number / 3 % 30], words.plain(8));
        Example::new(Document::from_text(format!("{number:03}"), text), vec![Some(class)])
    });
    let corpus = corpus(examples.collect());
    let plan = Plan { curve: true, ..FoldPlan::Grouped(4).into() };
    let evaluation = found(&corpus, plan);
    let axis = &evaluation.axes[0];
    let curve = &axis.learning_curve;
    assert_eq!(curve.iter().map(|point| point.share).collect::<Vec<_>>(), [0.125, 0.25, 0.5, 1.0]);
    assert!(curve.is_sorted_by(|a, b| a.n < b.n), "{curve:?}");
    assert_eq!(curve[3].macro_f1, axis.figures.macro_f1);
    assert!(curve[0].macro_f1.value < curve[3].macro_f1.value, "{curve:?}");
}

#[test]
fn a_held_out_file_is_judged_by_a_fit_on_the_labels_alone() {
    let (training, test) = (told_by_words(90, "a"), told_by_words(30, "b"));
    let evaluation = evaluate_held_out(&training, &test, &quick(), &|| ()).unwrap();
    let axis = &evaluation.axes[0];
    let ids: Vec<&str> = axis.predictions.iter().map(|made| made.id.as_str()).collect();
    assert_eq!(ids, test.examples.iter().map(|example| example.document.id.as_str()).collect::<Vec<_>>());
    assert_eq!(evaluation.digest, test.digest());
    let trained = kzstance::train(&training, &quick(), &|| ()).unwrap();
    let scorer = kzstance::Scorer::new(&trained.model).unwrap();
    for (made, example) in axis.predictions.iter().zip(&test.examples) {
        let score = scorer.score(&example.document, 0);
        for (a, b) in made.probabilities.iter().zip(&score.heads[0].probabilities) {
            assert!((a - b).abs() < 1e-5, "{}: {a} {b}", made.id);
        }
    }
    // The labels of the test file reach nothing but the figures.
    let mut other = test.clone();
    other.examples.iter_mut().for_each(|example| example.labels[0] = Some(0));
    let again = evaluate_held_out(&training, &other, &quick(), &|| ()).unwrap();
    for (a, b) in again.axes[0].predictions.iter().zip(&axis.predictions) {
        assert_eq!(a.probabilities, b.probabilities);
    }
}

#[test]
fn a_copy_of_a_test_article_in_the_labels_is_not_learned_from_and_told() {
    let (mut training, test) = (told_by_words(90, "a"), told_by_words(30, "b"));
    let clean = evaluate_held_out(&training, &test, &quick(), &|| ()).unwrap();
    for (number, example) in test.examples.iter().take(6).enumerate() {
        let mut copy = example.clone();
        copy.document.id = format!("z{number}");
        training.examples.push(copy);
    }
    let evaluation = evaluate_held_out(&training, &test, &quick(), &|| ()).unwrap();
    assert!(evaluation.notes.iter().any(|note| note.contains("6 of the 30")), "{:?}", evaluation.notes);
    assert_eq!(evaluation.axes[0].figures, clean.axes[0].figures);
}

#[test]
fn a_test_file_of_other_classes_or_another_target_is_refused() {
    let (training, mut test) = (told_by_words(90, "a"), told_by_words(30, "b"));
    test.axes[0].classes.swap(0, 1);
    let error = evaluate_held_out(&training, &test, &quick(), &|| ()).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("favor, against, none"), "{error}");
    test.axes = vec![Axis::named("mood", &["calm".into(), "tense".into()])];
    assert_eq!(evaluate_held_out(&training, &test, &quick(), &|| ()).unwrap_err().exit_code(), 2);
    let of = |corpus: Corpus, target: &str| Corpus { target: Some(target.into()), ..corpus };
    let (training, test) = (of(told_by_words(90, "a"), "one"), of(told_by_words(30, "b"), "two"));
    let error = evaluate_held_out(&training, &test, &quick(), &|| ()).unwrap_err();
    assert!(error.to_string().contains("«one»"), "{error}");
}

/// Stance toward each target is learned and judged by itself, in a held-out file too.
#[test]
fn targets_of_a_held_out_file_are_told_apart() {
    let toward = |corpus: Corpus, name: &str, turn: usize| -> Vec<Example> {
        let mut examples = corpus.examples;
        for example in &mut examples {
            example.target = Some(name.into());
            example.document.id = format!("{name}-{}", example.document.id);
            example.labels[0] = example.labels[0].map(|class| (class + turn) % 3);
        }
        examples
    };
    let both = |n: usize, name: &str| {
        let mut examples = toward(told_by_words(n, name), "one", 0);
        // The same words mean another class here: pooled, neither could be learned.
        examples.extend(toward(told_by_words(n, &format!("{name}x")), "two", 1));
        corpus(examples)
    };
    let evaluation = evaluate_held_out(&both(90, "a"), &both(30, "b"), &quick(), &|| ()).unwrap();
    let targets: Vec<&str> = evaluation.axes.iter().map(|axis| axis.target.as_deref().unwrap()).collect();
    assert_eq!(targets, ["one", "two"]);
    for axis in &evaluation.axes {
        assert_eq!(axis.figures.n, 30);
        assert!(axis.figures.accuracy.value.unwrap() > 0.8, "{:?}", axis.figures.accuracy);
    }
    assert_eq!(evaluation.mean_semeval_f.len(), 1);
}

#[test]
fn an_evaluation_is_the_same_on_any_number_of_threads() {
    let corpus = outlets_that_give_themselves_away();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let plan = Plan { curve: true, ..FULL };
        serde_json::to_string(&pool.install(|| found(&corpus, plan))).unwrap()
    };
    let one = on(1);
    assert_eq!(one, on(3));
    let read: Evaluation = serde_json::from_str(&one).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), one);
}

#[test]
fn the_progress_bar_reaches_its_end() {
    let corpus = outlets_that_give_themselves_away();
    for plan in [FULL, FoldPlan::LeaveOneGroupOut.into(), Plan { curve: true, ..FoldPlan::Grouped(3).into() }]
    {
        let done = std::sync::atomic::AtomicUsize::new(0);
        let count = || {
            done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        evaluate(&corpus, &quick(), plan, &count).unwrap();
        let (done, wanted) = (done.into_inner(), count_fits(&corpus, plan));
        assert!(done <= wanted && 2 * done > wanted, "{plan:?}: {done} of {wanted}");
    }
}
