//! Origins apart: nothing of what is judged, and nothing that belongs together with it, was trained on.

use std::collections::BTreeMap;

use kzstance::evaluate::evaluation::OriginEvaluation;
use kzstance::evaluate::origins::evaluate_origins;
use kzstance::evaluate::probes::{Probe, evaluate_probes};
use kzstance::learn::LearnConfig;
use kzstance::rng::RngSeed;
use kzstance::{Axis, Corpus, Document, Example, TrainConfig};
use rand::Rng;

const REGISTERS: [&str; 4] = ["wire", "blog", "sermon", "editorial"];

/// Authored passages in pairs that reach over two registers, press articles, articles toward two other
/// targets, and two seeds.
fn corpus() -> Corpus {
    let mut rng = RngSeed(11).stream("origins");
    // Enough words that no two passages are near-duplicates; two of each passage tell its class.
    let letters: Vec<char> = "بتجدرسصطعقلمنهي".chars().collect();
    let mut words = |class: usize, length: usize| {
        let marked = [["صواب", "خير"], ["شر", "غلط"], ["جدول", "رقم"]][class];
        let mut word = || (0..4).map(|_| letters[rng.gen_range(0..letters.len())]).collect::<String>();
        let plain: Vec<String> = (0..length).map(|_| word()).collect();
        // Some passages end in a full stop, whatever their class.
        format!("{} {}{}", plain.join(" "), marked.join(" "), if plain[0] < plain[1] { "." } else { "" })
    };
    let mut examples = Vec::new();
    for number in 0..48 {
        // Every class has every length: only words tell them apart.
        let (class, length) = (number % 3, 12 + number / 12);
        examples.push(Example {
            origin: "authored".into(),
            pair: Some(format!("p{:02}", number / 2)),
            register: Some(REGISTERS[number % 4].into()),
            confidence: Some(2),
            on_target: Some(true),
            ..Example::new(
                Document::from_text(format!("t{number:02}"), words(class, length)),
                vec![Some(class)],
            )
        });
    }
    for number in 0..24 {
        let class = number % 3;
        examples.push(Example {
            origin: "press".into(),
            outlet: Some(format!("outlet {number}")),
            confidence: Some(if number < 4 { 1 } else { 3 }),
            on_target: Some(number != 23),
            ..Example::new(Document::from_text(format!("h{number:02}"), words(class, 14)), vec![Some(class)])
        });
    }
    for number in 0..24 {
        let class = number % 3;
        examples.push(Example {
            origin: "other-target".into(),
            target: Some(["one", "two"][number % 2].into()),
            ..Example::new(Document::from_text(format!("o{number:02}"), words(class, 14)), vec![Some(class)])
        });
    }
    for number in 0..2 {
        examples.push(Example {
            origin: "seed".into(),
            ..Example::new(Document::from_text(format!("s{number}"), words(2, 20)), vec![Some(2)])
        });
    }
    examples.sort_by(|a, b| a.document.id.cmp(&b.document.id));
    Corpus {
        name: "origins".into(),
        target: Some("own".into()),
        axes: vec![Axis::stance()],
        examples,
        ..Corpus::default()
    }
}

fn quick() -> TrainConfig {
    let learn = LearnConfig { c: vec![1.0, 8.0], folds: 3, ..LearnConfig::default() };
    TrainConfig { learn, ..TrainConfig::default() }
}

fn evaluated(corpus: &Corpus) -> Vec<OriginEvaluation> {
    evaluate_origins(corpus, 0, &quick(), &|| ()).unwrap()
}

/// What the model itself made of an origin, by id.
fn probabilities(found: &[OriginEvaluation], origin: &str) -> BTreeMap<String, Vec<f64>> {
    let of_origin = found.iter().find(|found| found.origin == origin && found.model == "the model").unwrap();
    of_origin.predictions.iter().map(|made| (made.id.clone(), made.probabilities.clone())).collect()
}

fn relabelled(corpus: &Corpus, wanted: impl Fn(&Example) -> bool) -> Corpus {
    let mut changed = corpus.clone();
    let mut count = 0;
    for example in changed.examples.iter_mut().filter(|example| wanted(example)) {
        example.labels[0] = example.labels[0].map(|class| (class + 1) % 3);
        count += 1;
    }
    assert!(count > 0);
    changed
}

#[test]
fn press_articles_are_judged_by_a_model_that_knows_nothing_of_any() {
    let corpus = corpus();
    let press = |example: &Example| example.origin == "press";
    let before = evaluated(&corpus);
    let after = evaluated(&relabelled(&corpus, press));
    assert_eq!(probabilities(&before, "press").len(), 24);
    assert_eq!(probabilities(&before, "press"), probabilities(&after, "press"));
    // They do teach what is judged of others.
    assert_ne!(probabilities(&before, "authored"), probabilities(&after, "authored"));
}

#[test]
fn a_register_is_judged_without_itself_and_without_the_pairs_that_reach_into_it() {
    let corpus = corpus();
    let before = probabilities(&evaluated(&corpus), "authored");
    let held = |example: &Example| example.register.as_deref() == Some("wire");
    let pairs: Vec<String> = corpus
        .examples
        .iter()
        .filter(|example| held(example))
        .filter_map(|example| example.pair.clone())
        .collect();
    // The siblings are of another register: relabelling them must not reach the wire passages.
    let sibling =
        |example: &Example| example.pair.as_ref().is_some_and(|pair| pairs.contains(pair)) || held(example);
    let after = probabilities(&evaluated(&relabelled(&corpus, sibling)), "authored");
    for example in corpus.examples.iter().filter(|example| held(example)) {
        assert_eq!(before[&example.document.id], after[&example.document.id], "{}", example.document.id);
    }
    assert_ne!(before, after);
}

#[test]
fn a_target_is_judged_without_its_own_articles_and_only_for_taking_a_side() {
    let corpus = corpus();
    let found = evaluated(&corpus);
    let others = found.iter().find(|found| found.origin == "other-target").unwrap();
    let of = |name: &str| others.figures.get(name).unwrap();
    assert!(of("macro_f1").value.is_none() && of("auc_direction").value.is_none());
    assert_eq!(of("macro_f1").note.as_deref(), Some("undefined"));
    assert!(of("auc_sided").value.is_some());
    assert_eq!(of("auc_sided").n, 24);
    let before = probabilities(&found, "other-target");
    let one = |example: &Example| example.target.as_deref() == Some("one");
    let after = probabilities(&evaluated(&relabelled(&corpus, one)), "other-target");
    for example in corpus.examples.iter().filter(|example| one(example)) {
        assert_eq!(before[&example.document.id], after[&example.document.id]);
    }
}

#[test]
fn every_article_is_judged_once_and_counted_where_it_belongs() {
    // With one that must be judged wrong: all right in every resample would have no interval.
    let corpus = relabelled(&corpus(), |example| example.document.id == "h05");
    let found = evaluated(&corpus);
    let own: Vec<&OriginEvaluation> = found.iter().filter(|found| found.model == "the model").collect();
    let origins: Vec<&str> = own.iter().map(|found| found.origin.as_str()).collect();
    assert_eq!(origins, ["press", "authored", "other-target", "seed"]);
    let judged: usize = own.iter().map(|found| found.predictions.len()).sum();
    assert_eq!(judged, corpus.examples.len());
    let press = own[0];
    // One is off target, four are close calls.
    assert_eq!((press.figures.n, press.sure.as_ref().unwrap().n), (23, 19));
    assert_eq!(press.off_target.unwrap().1, 1);
    // Under twenty there is no interval, from twenty there is.
    let sure = &press.sure.as_ref().unwrap().macro_f1;
    assert!(press.figures.macro_f1.low.is_some() && sure.low.is_none() && sure.value.is_some());
    assert_eq!(sure.note.as_deref(), Some("too few"));
    let compared: Vec<&str> =
        found.iter().filter(|found| found.model != "the model").map(|found| found.model.as_str()).collect();
    assert_eq!(compared.len(), 6, "{compared:?}");
    // One is off target.
    assert!(found.iter().filter(|found| found.origin == "press").all(|found| found.figures.n == 23));
}

/// Of three origins, two are not enough to train on without the third.
#[test]
fn an_origin_that_the_others_cannot_stand_in_for_is_said_in_evaluation_and_no_bar_to_training() {
    let mut corpus = corpus();
    corpus.examples.retain(|example| ["press", "seed"].contains(&example.origin.as_str()));
    let error = evaluate_origins(&corpus, 0, &quick(), &|| ()).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let said = error.to_string();
    assert!(said.contains("origin «press» held out") && said.contains("--folds 5"), "{said}");
    let trained = kzstance::train(&corpus, &quick(), &|| ()).unwrap();
    let press = &trained.model.header().heads[0].origins[0];
    assert_eq!((press.origin.as_str(), press.n), ("press", 23));
    assert!(press.held_out.contains("folds"), "{}", press.held_out);
}

/// An origin of a user's own: few articles one by one, many at once.
#[test]
fn a_large_origin_of_another_name_is_held_out_at_once() {
    let mut corpus = corpus();
    for example in corpus.examples.iter_mut().filter(|example| example.origin == "press") {
        example.origin = "forum".into();
    }
    let found = evaluated(&corpus);
    let of = |origin: &str| found.iter().find(|found| found.origin == origin).unwrap();
    assert_eq!(of("forum").held_out, "trained without any of it");
    assert_eq!(of("seed").held_out, "one article left out at a time");
    assert_eq!(
        kzstance::evaluate::origins::count_fits(&corpus, 0),
        // Forum at once, four registers, two targets, two seeds.
        1 + 4 + 2 + 2
    );
}

#[test]
fn a_probe_finds_what_gives_labels_away_and_nothing_else() {
    let honest = corpus();
    let auc = |corpus: &Corpus, probe: Option<Probe>| {
        let found = evaluate_probes(corpus, 0, &quick(), &|| ()).unwrap();
        let name = probe.map(Probe::name);
        let of_probe = found.iter().find(|probed| name.is_none_or(|name| probed.model == name)).unwrap();
        of_probe.figures.auc_sided.as_ref().unwrap().value.unwrap()
    };
    assert!(auc(&honest, None) > 0.9);
    for probe in [Probe::Length, Probe::Register, Probe::Punctuation] {
        let found = auc(&honest, Some(probe));
        assert!((0.2..0.8).contains(&found), "{probe:?}: {found}");
    }
    // Passages that take a side are made longer: now length tells.
    let mut betrayed = honest.clone();
    for example in betrayed.examples.iter_mut().filter(|example| example.labels[0] != Some(2)) {
        let kzstance::document::Body::Text(text) = &mut example.document.body else { unreachable!() };
        *text += &" مدينة يوم ناس".repeat(15);
    }
    assert!(auc(&betrayed, Some(Probe::Length)) > 0.95);
    let mut marked = honest.clone();
    for example in marked.examples.iter_mut().filter(|example| example.labels[0] != Some(2)) {
        let kzstance::document::Body::Text(text) = &mut example.document.body else { unreachable!() };
        *text += "!";
    }
    assert!(auc(&marked, Some(Probe::Punctuation)) > 0.95);
    // No passage has a function word: that probe sees nothing, and has no figures.
    let found = evaluate_probes(&honest, 0, &quick(), &|| ()).unwrap();
    let names: Vec<&str> = found.iter().map(|probed| probed.model.as_str()).collect();
    assert!(
        names.contains(&Probe::Length.name()) && !names.contains(&Probe::FunctionWords.name()),
        "{names:?}"
    );
    // Function words are all that it keeps of others.
    let reduced = Probe::FunctionWords.reduce(&Corpus {
        examples: vec![Example::new(
            Document::from_text("a", "قال إن المدينة لا تنام في الليل"),
            vec![Some(0)],
        )],
        ..honest
    });
    let kept: Vec<String> = reduced.examples[0].document.segments()[0].bag.0.keys().cloned().collect();
    assert_eq!(kept, ["ان", "في", "لا"]);
}
