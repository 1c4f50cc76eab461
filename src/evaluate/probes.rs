//! Give-aways: can the classes of the authored passages be told from what should not matter?
//!
//! Each probe sees one thing about a passage and nothing else, and is trained and judged as the real
//! model is. A probe that comes near the model says that the corpus gives its labels away.

use serde::Serialize;

use super::evaluation::OriginEvaluation;
use super::origins::evaluate_authored;
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::document::{Bag, Body, Document, Segment};
use crate::error::{Error, Result};
use crate::features::manner::fold;
use crate::features::{Block, Extractor, FeatureConfig};
use crate::text::{Normalizer, Voice};

/// What a probe sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Particles, pronouns, prepositions and conjunctions.
    FunctionWords,
    /// How long the passage is.
    Length,
    /// Its register.
    Register,
    /// Punctuation, digits and line breaks.
    Punctuation,
}

impl Probe {
    /// All probes, in the order of reports.
    pub const ALL: [Probe; 4] = [Probe::FunctionWords, Probe::Length, Probe::Register, Probe::Punctuation];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Probe::FunctionWords => "function words alone",
            Probe::Length => "length alone",
            Probe::Register => "register alone",
            Probe::Punctuation => "punctuation alone",
        }
    }

    /// The corpus as the probe sees it: the same examples, their words replaced.
    pub fn reduce(self, corpus: &Corpus) -> Corpus {
        let examples = corpus.examples.iter().map(|example| {
            let segments = vec![Segment { voice: Voice::Whole, bag: self.bag(example) }];
            let document = Document { body: Body::Segments(segments), ..example.document.clone() };
            Example { document, ..example.clone() }
        });
        Corpus { examples: examples.collect(), ..corpus.clone() }
    }

    fn bag(self, example: &Example) -> Bag {
        let mut bag = Bag::default();
        let mut add = |token: String, count: u32| {
            *bag.0.entry(token).or_insert(0) += count;
        };
        match self {
            Probe::FunctionWords => {
                let known: std::collections::BTreeSet<String> =
                    FUNCTION_WORDS.split_whitespace().map(fold).collect();
                example.document.each_word(&Normalizer::default(), |word, count| {
                    if known.contains(&fold(word)) {
                        add(word.to_owned(), count);
                    }
                });
            }
            Probe::Length => {
                let mut length = 0;
                example.document.each_word(&Normalizer::default(), |_, count| length += count);
                steps("words", f64::from(length) / 10.0, &mut add);
            }
            Probe::Register => add(format!("register{}", register_number(example)), 1),
            Probe::Punctuation => {
                if let Body::Text(text) = &example.document.body {
                    let length = text.split_whitespace().count().max(1) as f64;
                    for (name, marks) in MARKS {
                        let found = text.chars().filter(|&c| marks.contains(c)).count();
                        steps(name, found as f64, &mut add);
                        steps(&format!("{name}rate"), 100.0 * found as f64 / length, &mut add);
                    }
                }
            }
        }
        bag
    }
}

/// A number as the steps that it reaches: a linear model can then learn any curve of it.
fn steps(name: &str, value: f64, add: &mut impl FnMut(String, u32)) {
    for step in 1..=(value.clamp(0.0, 40.0) as u32) {
        add(format!("{name}{step}"), 1);
    }
}

/// Registers are named by people; a token wants letters and digits.
fn register_number(example: &Example) -> u64 {
    let name = example.register.as_deref().unwrap_or_default();
    name.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte)))
}

const MARKS: [(&str, &str); 10] = [
    ("comma", "،,"),
    ("stop", "."),
    ("colon", ":"),
    ("semicolon", "؛;"),
    ("quote", "«»\"“”"),
    ("question", "؟?"),
    ("exclamation", "!"),
    ("dash", "-–—"),
    ("digit", "0123456789٠١٢٣٤٥٦٧٨٩"),
    ("line", "\n"),
];

const FUNCTION_WORDS: &str = "في من إلى على عن مع منذ حتى بين عند لدى خلال بعد قبل حول ضد دون بدون غير سوى إلا نحو تحت فوق أمام خلف وراء \
    داخل خارج عبر رغم حسب وفق بحسب أن إن أنه إنه أنها إنها أنهم لأن لأنه لأنها لكن لكنه لكنها كأن لعل ليت ما لا لم لن ليس ليست ليسوا هل كيف \
    لماذا متى أين ماذا من الذي التي الذين اللذين اللتين اللواتي هذا هذه ذلك تلك هؤلاء أولئك هو هي هم هن أنا نحن أنت أنتم كان كانت كانوا يكون \
    تكون سيكون قد لقد سوف كل بعض أي جميع كلا كلتا نفس نفسه نفسها ذات أيضا فقط بل ثم أو أم إما إذا إذ إذن لو لولا كما كلما حين حيث بينما عندما \
    بعدما قبل مثل هنا هناك هكذا له لها لهم لنا لي به بها بهم فيه فيها فيهم منه منها منهم عليه عليها عليهم إليه إليها إليهم عنه عنها معه معها \
    وهو وهي وهم وقد ولا ولم ولن وما ومن وفي وعلى وإلى وعن ومع وأن وإن ولكن وكان وكانت وليس فلا فلم فإن فقد فهو فهي";

/// The model, trained on authored passages alone, and every probe that these show something, one register
/// left out at a time.
///
/// # Errors
/// As [`super::origins::evaluate_origins`].
pub fn evaluate_probes(
    corpus: &Corpus,
    axis: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<OriginEvaluation>> {
    let mut found = vec![evaluate_authored(corpus, corpus, axis, config, done)?];
    let words = FeatureConfig {
        blocks: vec![Block { extractor: Extractor::Word, weight: 1.0 }],
        ..FeatureConfig::default()
    };
    let config = TrainConfig { features: words, ..config.clone() };
    for probe in Probe::ALL {
        let reduced = probe.reduce(corpus);
        match evaluate_authored(&reduced, corpus, axis, &config, done) {
            Ok(judged) => {
                found.push(OriginEvaluation {
                    model: probe.name().into(),
                    predictions: Vec::new(),
                    ..judged
                });
            }
            Err(Error::TooFew(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
