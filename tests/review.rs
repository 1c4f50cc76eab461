//! Labels to look at once more, and articles to label next, in invented corpora.

use std::collections::BTreeSet;

use kzstance::learn::LearnConfig;
use kzstance::review::{Next, Suspect, next_to_label, suspects};
use kzstance::rng::RngSeed;
use kzstance::train::train;
use kzstance::{Axis, Corpus, Document, Example, Scorer, TrainConfig};
use rand::Rng;

const LETTERS: [char; 15] = ['ب', 'ت', 'ج', 'د', 'ر', 'س', 'ص', 'ط', 'ع', 'ق', 'ل', 'م', 'ن', 'ه', 'ي'];
/// Words of favor, against, none.
const MARKED: [[&str; 4]; 3] = [
    ["صوابه", "خيرات", "مكسبنا", "درعنا"],
    ["شرورهم", "غلطات", "خرابنا", "قيودنا"],
    ["جدولها", "أرقام", "محضرها", "قاعاته"],
];

/// Texts whose words tell their class; the other words are all different, so that none are near-duplicates.
struct Words(rand_chacha::ChaCha8Rng);

impl Words {
    fn new(stream: &str) -> Self {
        Words(RngSeed(3).stream(stream))
    }

    fn plain(&mut self, n: usize) -> Vec<String> {
        let mut word = || (0..4).map(|_| LETTERS[self.0.gen_range(0..15_u32) as usize]).collect::<String>();
        (0..n).map(|_| word()).collect()
    }

    fn text(&mut self, marks: &[(usize, usize)]) -> String {
        let mut words = self.plain(10);
        for &(class, n) in marks {
            words.extend((0..n).map(|place| MARKED[class][place % 4].to_owned()));
        }
        words.join(" ")
    }

    fn of(&mut self, class: usize) -> String {
        self.text(&[(class, 4)])
    }
}

fn example(id: String, text: String, class: usize) -> Example {
    Example { origin: "press".into(), ..Example::new(Document::from_text(id, text), vec![Some(class)]) }
}

fn corpus(n: usize, stream: &str) -> Corpus {
    let mut words = Words::new(stream);
    let examples = (0..n).map(|number| example(format!("d{number:03}"), words.of(number % 3), number % 3));
    Corpus {
        name: "invented".into(),
        axes: vec![Axis::stance()],
        examples: examples.collect(),
        ..Corpus::default()
    }
}

/// Every fifth label turned to the next class: the corpus and the ids.
fn flipped(mut corpus: Corpus, of: impl Fn(&Example) -> bool) -> (Corpus, BTreeSet<String>) {
    let mut ids = BTreeSet::new();
    for example in corpus.examples.iter_mut().filter(|example| of(example)).step_by(5) {
        example.labels[0] = example.labels[0].map(|class| (class + 1) % 3);
        ids.insert(example.document.id.clone());
    }
    (corpus, ids)
}

/// Articles toward the own target, and toward two others.
fn with_others(n: usize, others: usize) -> Corpus {
    let mut corpus = corpus(n, "own");
    corpus.target = Some("own".into());
    let mut words = Words::new("others");
    for number in 0..others {
        let found = example(format!("o{number:03}"), words.of(number % 3), number % 3);
        let target = Some(["one", "two"][number % 2].into());
        corpus.examples.push(Example { target, origin: "other-target".into(), ..found });
    }
    corpus
}

fn quick() -> TrainConfig {
    let learn = LearnConfig { c: vec![1.0, 8.0], folds: 3, ..LearnConfig::default() };
    TrainConfig { learn, ..TrainConfig::default() }
}

fn reviewed(corpus: &Corpus) -> Vec<Suspect> {
    suspects(corpus, &quick(), &|| ()).unwrap()
}

/// The same done with 1 and with 3 threads.
fn at_threads<T: Send>(job: impl Fn() -> T + Sync) -> [T; 2] {
    [1, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(&job))
}

// Suspects

#[test]
fn flipped_labels_are_found_at_the_top() {
    let (corpus, ids) = flipped(corpus(60, "flips"), |_| true);
    assert_eq!(ids.len(), 12);
    let found = reviewed(&corpus);
    let right = |found: &[Suspect]| found.iter().filter(|suspect| ids.contains(&suspect.id)).count();
    println!("{} of {} suspects, {} of the first 12", right(&found), found.len(), right(&found[..12]));
    // By chance it would be 2 of the first 12.
    assert!(right(&found[..12]) >= 10, "{found:#?}");
    assert!(right(&found) >= 11 && found.len() <= 24, "{found:#?}");
    for suspect in found.iter().take(12).filter(|suspect| ids.contains(&suspect.id)) {
        // What it was before the flip.
        let given = Axis::stance().classes.iter().position(|class| *class == suspect.given).unwrap();
        assert_eq!(suspect.likelier, Axis::stance().classes[(given + 2) % 3], "{suspect:?}");
    }
    let margins: Vec<f64> = found.iter().map(|suspect| suspect.p_likelier - suspect.p_given).collect();
    assert!(margins.is_sorted_by(|a, b| a >= b) && margins.iter().all(|margin| *margin > 0.0), "{margins:?}");
}

#[test]
fn flipped_labels_are_found_in_folds_too() {
    let (corpus, ids) = flipped(corpus(60, "flips"), |_| true);
    // More examples than may be left out one by one come in folds.
    let mut doubled = corpus.clone();
    let mut words = Words::new("many");
    let more = (0..1000).map(|number| example(format!("m{number:04}"), words.of(number % 3), number % 3));
    doubled.examples.extend(more);
    let config = TrainConfig {
        learn: LearnConfig { c: vec![1.0], folds: 2, ..LearnConfig::default() },
        ..TrainConfig::default()
    };
    let found = suspects(&doubled, &config, &|| ()).unwrap();
    let right = found.iter().filter(|suspect| ids.contains(&suspect.id)).count();
    assert!(right >= 9 && found.len() <= right + 2, "{right}: {found:#?}");
}

#[test]
fn right_labels_are_not_suspected() {
    assert_eq!(reviewed(&corpus(60, "clean")), []);
    assert_eq!(reviewed(&with_others(36, 24)), []);
}

#[test]
fn what_cannot_be_told_is_not_suspected() {
    // Nothing in these tells their class.
    let mut corpus = corpus(60, "blank");
    let mut words = Words::new("faint");
    for number in 0..15 {
        corpus.examples.push(example(format!("blank{number:02}"), words.text(&[]), number % 3));
    }
    let found = reviewed(&corpus);
    assert!(found.len() <= 1, "{found:#?}");
    // A class that cannot be told is improbable everywhere: no reason to take others for it.
    let mut rare = self::corpus(60, "rare");
    rare.axes = vec![Axis::named("kind", &["table".into(), "talk".into()])];
    for (number, example) in rare.examples.iter_mut().enumerate() {
        example.labels = vec![Some(usize::from(number % 10 != 0))];
    }
    let found = reviewed(&rare);
    assert!(
        found.iter().all(|suspect| suspect.given == "table" && suspect.p_given < suspect.p_likelier),
        "{found:#?}"
    );
}

#[test]
fn toward_another_target_it_cannot_be_known_which_side() {
    let (corpus, ids) = flipped(with_others(36, 40), |example| example.target.is_some());
    let found = reviewed(&corpus);
    // From favor to against changes nothing that can be known; the others do.
    let knowable: BTreeSet<&str> = corpus
        .examples
        .iter()
        .filter(|example| ids.contains(&example.document.id) && example.labels[0] != Some(1))
        .map(|example| example.document.id.as_str())
        .collect();
    assert!((4..8).contains(&knowable.len()), "{knowable:?}");
    let got: BTreeSet<&str> = found.iter().map(|suspect| suspect.id.as_str()).collect();
    println!("{knowable:?}\n{found:#?}");
    assert!(knowable.is_subset(&got) && got.len() <= knowable.len() + 2, "{knowable:?} {found:#?}");
    for suspect in found.iter().filter(|suspect| suspect.id.starts_with('o')) {
        match suspect.given.as_str() {
            "none" => assert_eq!(suspect.likelier, "a side"),
            given => {
                assert_eq!(suspect.likelier, "none");
                assert!(["favor", "against"].contains(&given));
            }
        }
    }
    for side in ["a side", "none"] {
        assert!(found.iter().any(|suspect| suspect.likelier == side), "{found:#?}");
    }
}

#[test]
fn every_target_is_reviewed_by_itself() {
    let (mut both, ids) = flipped(corpus(30, "one"), |_| true);
    let mut words = Words::new("two");
    // Toward the second target the same words mean the contrary, and are right.
    for number in 0..30 {
        both.examples.push(example(format!("t{number:03}"), words.of(number % 3), [1, 0, 2][number % 3]));
    }
    for (number, example) in both.examples.iter_mut().enumerate() {
        example.target = Some(if number < 30 { "one" } else { "two" }.into());
    }
    let found = reviewed(&both);
    let right = found.iter().take(ids.len()).filter(|suspect| ids.contains(&suspect.id)).count();
    assert!(right >= ids.len() - 1, "{found:#?}");
    assert!(found.iter().all(|suspect| !suspect.id.starts_with('t')), "{found:#?}");
}

#[test]
fn every_axis_is_reviewed() {
    let mut corpus = corpus(60, "axes");
    corpus.axes.push(Axis::named("kind", &["table".into(), "talk".into()]));
    for example in &mut corpus.examples {
        let table = example.labels[0] == Some(2);
        example.labels.push(Some(usize::from(!table)));
    }
    corpus.examples[5].labels[1] = Some(1);
    corpus.examples[6].labels[1] = None;
    let found = reviewed(&corpus);
    let of: Vec<[&str; 4]> = found
        .iter()
        .map(|suspect| [&suspect.axis, &suspect.id, &suspect.given, &suspect.likelier].map(String::as_str))
        .collect();
    assert_eq!(of, [["kind", "d005", "talk", "table"]]);
}

#[test]
fn suspects_do_not_depend_on_threads() {
    let (corpus, _) = flipped(with_others(36, 24), |_| true);
    let [one, three] = at_threads(|| reviewed(&corpus));
    assert!(!one.is_empty());
    assert_eq!(one, three);
}

// What to label next

fn chosen(corpus: &Corpus, documents: &[Document], most: usize) -> Vec<Next> {
    let scorer = Scorer::new(&train(corpus, &quick(), &|| ()).unwrap().model).unwrap();
    next_to_label(&scorer, 0, documents, most)
}

fn ids(found: &[Next]) -> Vec<&str> {
    found.iter().map(|next| next.score.id.as_str()).collect()
}

#[test]
fn articles_between_two_classes_come_first() {
    let corpus = corpus(45, "next");
    let mut words = Words::new("among");
    let mut documents: Vec<Document> =
        (0..9).map(|number| Document::from_text(format!("clear{number}"), words.of(number % 3))).collect();
    for (place, sides) in [(0, [0, 1]), (4, [1, 2]), (8, [2, 0])] {
        let text = words.text(&[(sides[0], 2), (sides[1], 2)]);
        documents.insert(place, Document::from_text(format!("torn{}{}", sides[0], sides[1]), text));
    }
    let found = chosen(&corpus, &documents, 5);
    assert_eq!(found.len(), 5);
    let first: BTreeSet<&str> = ids(&found)[..3].iter().copied().collect();
    assert_eq!(first, BTreeSet::from(["torn01", "torn12", "torn20"]), "{found:#?}");
    for next in &found {
        assert_eq!(documents[next.index].id, next.score.id);
        assert!((0.0..=1.0).contains(&next.margin) && next.between[0] != next.between[1]);
        if let Some(sides) = next.score.id.strip_prefix("torn") {
            let named: BTreeSet<String> = next.between.iter().map(ToString::to_string).collect();
            assert_eq!(named, sides.chars().map(String::from).collect(), "{next:#?}");
        }
    }
    assert!(found.is_sorted_by(|a, b| a.margin <= b.margin));
    assert!(found[3].margin > 2.0 * found[2].margin, "{found:#?}");
}

#[test]
fn what_would_teach_nothing_is_passed_over() {
    let corpus = corpus(45, "next");
    let mut words = Words::new("among");
    let torn = words.text(&[(0, 2), (1, 2)]);
    // The same words but one: a near-duplicate.
    let again = format!("{torn} {}", words.plain(1)[0]);
    let known = corpus.examples[7].document.clone();
    let documents = [
        Document::from_text("torn", torn),
        Document::from_text("torn-again", again),
        Document { id: "another-name".into(), ..known },
        Document::from_text("short", "صوابه شرورهم"),
        Document::from_text("clear", words.of(2)),
    ];
    let found = chosen(&corpus, &documents, 10);
    let got = ids(&found);
    assert_eq!(got.len(), 2, "{found:#?}");
    assert!(got[0].starts_with("torn") && got[1] == "clear", "{got:?}");
    assert!(chosen(&corpus, &documents, 0).is_empty());
    assert!(chosen(&corpus, &documents[2..4], 5).is_empty());
}

#[test]
fn what_is_off_the_target_comes_last() {
    let mut corpus = with_others(45, 30);
    // Only articles on the target speak of these.
    let about =
        |text: &str, own: bool| format!("{text} {}", if own { "القلعه الحصن" } else { "البحر الميناء" });
    for example in &mut corpus.examples {
        let kzstance::document::Body::Text(text) = &example.document.body else { unreachable!() };
        let text = about(text, example.target.is_none());
        example.document = Document::from_text(example.document.id.clone(), text);
    }
    corpus.add_on_target();
    assert_eq!(corpus.axes.len(), 2);
    let mut words = Words::new("among");
    let mut documents = Vec::new();
    for number in 0..3 {
        let torn = words.text(&[(0, 2), (2, 2)]);
        documents.push(Document::from_text(format!("off{number}"), about(&torn, false)));
        documents.push(Document::from_text(format!("on{number}"), about(&words.of(number), true)));
    }
    let found = chosen(&corpus, &documents, 6);
    let got = ids(&found);
    assert!(got.len() == 6 && got[..3].iter().all(|id| id.starts_with("on")), "{found:#?}");
    assert!(found[3].margin < found[2].margin, "else this shows nothing: {found:#?}");
    assert!(found[3..].iter().all(|next| next.score.heads[0].abstain == Some("off-target")));
}

#[test]
fn the_choice_does_not_depend_on_threads_nor_on_the_order_of_documents() {
    let corpus = corpus(45, "next");
    let mut words = Words::new("among");
    let documents: Vec<Document> = (0..30)
        .map(|number| {
            let text = words.text(&[(number % 3, 2), (number / 3 % 3, 1 + number % 2)]);
            Document::from_text(format!("d{number:02}"), text)
        })
        .collect();
    let [one, three] = at_threads(|| chosen(&corpus, &documents, 8));
    assert_eq!(one, three);
    let reversed: Vec<Document> = documents.iter().rev().cloned().collect();
    let found = chosen(&corpus, &reversed, 8);
    assert_eq!(ids(&found), ids(&one));
    assert!(found.iter().all(|next| reversed[next.index].id == next.score.id));
}
