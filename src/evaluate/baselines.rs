//! Judges that do not read what a model reads, to stand beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rayon::prelude::*;
use serde::Serialize;

use crate::corpus::Corpus;
use crate::document::Document;
use crate::features::manner::{fold, forms};
use crate::label::Axis;
use crate::learn::path::Sample;
use crate::text::Normalizer;

use super::splits::Split;

/// A judge that does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// The most frequent class of the training examples, for every article.
    Majority,
    /// The most frequent class of the outlet's training examples; of all, where the outlet has none.
    Outlet,
    /// Keywords of approval and of condemnation, counted: the side with more of them where at least
    /// [`HITS`] stand in the article, else the class of no side. Word lists such as media monitors keep,
    /// written for this program.
    Lexicon,
    /// The class whose training examples are of the article's length: normal distributions of the
    /// logarithm of the number of words, every class as likely beforehand (linear and quadratic
    /// discriminants in one dimension, Fisher 1936).
    Length,
    /// The sentiment given by hand, taken for the stance: positive for the first polar class, negative
    /// for the second, anything else for the rest. No sentiment classifier could do it better.
    Sentiment,
}

/// Keywords from which an article takes a side.
pub const HITS: u32 = 3;

const APPROVE: &str = "إنقاذ أنقذ أنقذت نجاح نجح نجحت ناجح ناجحة استقرار الاستقرار استعادة أعاد أعادت طمأنينة أمان سلام شرعي شرعية \
    مشروع مشروعة قانوني قانونية ضروري ضرورية حكيم حكيمة حماية حمى حمت دعم مساندة حليف حلفاء شكر امتنان تقدير صائب صائبة سريع حاسم مؤامرة \
    إرهابيين الإرهابيين إرهابيون تخريب فوضى الفوضى انقلاب";

const CONDEMN: &str = "احتلال الاحتلال محتل غزو الغزو اجتياح عدوان العدوان سافر قمع القمع سحق انتهاك سيادة السيادة وصاية هيمنة \
    إمبراطورية استبداد ديكتاتور الديكتاتور طاغية استعمار إمبريالية غطرسة ذريعة ثمن رهينة تبعية خطير خطيرة سابقة محتجين المحتجين \
    المتظاهرين متظاهرين ضحايا قتلى دماء رصاص";

impl Baseline {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::Majority => "majority",
            Baseline::Outlet => "outlet",
            Baseline::Lexicon => "lexicon",
            Baseline::Length => "length",
            Baseline::Sentiment => "sentiment",
        }
    }

    /// What it does, for tables.
    pub fn about(self) -> &'static str {
        match self {
            Baseline::Majority => "the most frequent class of the training part, always",
            Baseline::Outlet => "the most frequent class of the article's outlet",
            Baseline::Lexicon => "keywords of approval and condemnation, counted",
            Baseline::Length => "the number of words alone",
            Baseline::Sentiment => "the sentiment given by hand, taken for the stance",
        }
    }

    /// What it makes of the held-out places: a number for each class, summing to 1; `None` where it cannot
    /// judge. `lengths` are those of the corpus's examples in words.
    pub(crate) fn judge(
        self,
        corpus: &Corpus,
        axis: usize,
        sample: &Sample,
        lengths: &[u32],
        split: &Split,
    ) -> Vec<Option<Vec<f64>>> {
        let example = |place: usize| &corpus.examples[sample.rows[place]];
        let own: Vec<usize> = split.train.iter().copied().filter(|&place| !sample.foreign[place]).collect();
        let shares = |places: &[usize]| {
            let mut sizes = vec![0.0; sample.n_classes];
            places.iter().for_each(|&place| sizes[sample.classes[place]] += 1.0);
            sizes
        };
        let sure = |class: usize| {
            let mut share = vec![0.0; sample.n_classes];
            share[class] = 1.0;
            share
        };
        let most = |sizes: &[f64]| {
            (0..sizes.len()).rev().max_by(|&a, &b| sizes[a].total_cmp(&sizes[b])).unwrap_or(0)
        };
        let majority = most(&shares(&own));
        match self {
            Baseline::Majority => split.held.iter().map(|_| Some(sure(majority))).collect(),
            Baseline::Outlet => {
                let mut outlets: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                for &place in &own {
                    if let Some(outlet) = example(place).outlet.as_deref() {
                        outlets.entry(outlet).or_default().push(place);
                    }
                }
                let of = |place: usize| outlets.get(example(place).outlet.as_deref()?);
                let judge = |&place: &usize| sure(of(place).map_or(majority, |places| most(&shares(places))));
                split.held.iter().map(|place| Some(judge(place))).collect()
            }
            Baseline::Lexicon => {
                let of = &corpus.axes[axis];
                split.held.par_iter().map(|&place| by_keywords(&example(place).document, of)).collect()
            }
            Baseline::Length => {
                let length = |place: usize| (1.0 + f64::from(lengths[sample.rows[place]])).ln();
                let known: Vec<(usize, f64)> =
                    own.iter().map(|&place| (sample.classes[place], length(place))).collect();
                let classes: Vec<_> = (0..sample.n_classes).map(|class| normal(&known, class)).collect();
                split.held.iter().map(|&place| Some(by_length(&classes, length(place)))).collect()
            }
            Baseline::Sentiment => {
                let polar = corpus.axes[axis].polar_indices();
                let sentiment = corpus.axes.iter().position(|axis| axis.name == "sentiment");
                let judge = |place: usize| {
                    let sentiment = sentiment?;
                    let class = example(place).labels[sentiment]?;
                    stance_of_sentiment(&corpus.axes[sentiment], class, polar?, sample.n_classes)
                };
                split.held.iter().map(|&place| judge(place).map(sure)).collect()
            }
        }
    }
}

/// The stance that a sentiment would make one think of.
pub(crate) fn stance_of_sentiment(
    sentiment: &Axis,
    class: usize,
    polar: [usize; 2],
    n_classes: usize,
) -> Option<usize> {
    let [positive, negative] = sentiment.polar_indices()?;
    match class {
        _ if class == positive => Some(polar[0]),
        _ if class == negative => Some(polar[1]),
        _ => (0..n_classes).find(|class| !polar.contains(class)),
    }
}

/// Mean and variance of a class's values; `None` for fewer than two.
fn normal(known: &[(usize, f64)], class: usize) -> Option<(f64, f64)> {
    let values: Vec<f64> =
        known.iter().filter(|(other, _)| *other == class).map(|(_, value)| *value).collect();
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
    // A class whose articles are all of one length is still no point.
    Some((mean, variance.max(1e-3)))
}

fn by_length(classes: &[Option<(f64, f64)>], value: f64) -> Vec<f64> {
    let log =
        |&(mean, variance): &(f64, f64)| -(value - mean).powi(2) / (2.0 * variance) - 0.5 * variance.ln();
    let logs: Vec<Option<f64>> = classes.iter().map(|class| class.as_ref().map(log)).collect();
    let greatest = logs.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let likely: Vec<f64> = logs.iter().map(|log| log.map_or(0.0, |log| (log - greatest).exp())).collect();
    let all: f64 = likely.iter().sum();
    if all > 0.0 {
        likely.iter().map(|share| share / all).collect()
    } else {
        vec![1.0 / classes.len() as f64; classes.len()]
    }
}

fn by_keywords(document: &Document, axis: &Axis) -> Option<Vec<f64>> {
    let classes = axis.classes.len();
    let [a, b] = axis.polar_indices().filter(|_| classes > 2)?;
    let (approving, condemning, length) = count(document);
    let hits = approving + condemning;
    // The share of keywords ranks; whether there are enough of them decides.
    let density = f64::from(hits) / f64::from(length.max(1));
    let taken = if hits < HITS { 0.5 * density } else { 0.5 + 0.5 * density };
    let first = (f64::from(approving) + 0.5) / (f64::from(hits) + 1.0);
    let mut share = vec![(1.0 - taken) / (classes - 2) as f64; classes];
    share[a] = taken * first;
    share[b] = taken * (1.0 - first);
    Some(share)
}

static LISTS: LazyLock<[BTreeSet<String>; 2]> =
    LazyLock::new(|| [APPROVE, CONDEMN].map(|words| words.split_whitespace().map(fold).collect()));

/// Keywords of approval, of condemnation, and all words.
fn count(document: &Document) -> (u32, u32, u32) {
    let [approve, condemn] = &*LISTS;
    let mut counts = (0_u32, 0_u32, 0_u32);
    document.each_word(&Normalizer::default(), |word, count| {
        let word = fold(word);
        let of =
            |list: &BTreeSet<String>| if forms(&word).any(|form| list.contains(form)) { count } else { 0 };
        counts.0 = counts.0.saturating_add(of(approve));
        counts.1 = counts.1.saturating_add(of(condemn));
        counts.2 = counts.2.saturating_add(count);
    });
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Example;
    use crate::learn::Scheme;

    const NEUTRAL: &str = "وصلت الطائرة صباحا إلى المطار";

    /// Judges the last of some examples by the others: (text, stance, sentiment, outlet).
    fn last(baseline: Baseline, examples: &[(&str, usize, Option<usize>, Option<&str>)]) -> Option<Vec<f64>> {
        let made = examples.iter().map(|(text, stance, sentiment, outlet)| Example {
            outlet: outlet.map(str::to_owned),
            ..Example::new(Document::from_text("a", *text), vec![Some(*stance), *sentiment])
        });
        let axes = vec![Axis::stance(), Axis::sentiment()];
        let corpus = Corpus { axes, examples: made.collect(), ..Corpus::default() };
        let n = examples.len();
        let sample = Sample {
            rows: (0..n).collect(),
            classes: examples.iter().map(|example| example.1).collect(),
            weights: vec![1.0; n],
            foreign: vec![false; n],
            real: vec![true; n],
            n_classes: 3,
            scheme: Scheme::OneVsRest,
        };
        let lengths: Vec<u32> =
            corpus.examples.iter().map(|example| example.document.n_words() as u32).collect();
        let split = Split { train: (0..n - 1).collect(), held: vec![n - 1] };
        let found = baseline.judge(&corpus, 0, &sample, &lengths, &split);
        assert_eq!(found.len(), 1);
        if let Some(shares) = &found[0] {
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
        }
        found[0].clone()
    }

    #[test]
    fn the_majority_is_that_of_the_training_part() {
        let rows = [("أ", 2, None, None), ("ب", 2, None, None), ("ج", 0, None, None), ("د", 0, None, None)];
        assert_eq!(last(Baseline::Majority, &rows).unwrap(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn an_outlet_is_judged_by_its_own_articles_where_it_has_any() {
        let rows = |of: Option<&'static str>| {
            [("أ", 1, None, Some("x")), ("ب", 2, None, Some("y")), ("ج", 2, None, None), ("د", 0, None, of)]
        };
        assert_eq!(last(Baseline::Outlet, &rows(Some("x"))).unwrap(), [0.0, 1.0, 0.0]);
        assert_eq!(last(Baseline::Outlet, &rows(Some("z"))).unwrap(), [0.0, 0.0, 1.0]);
        assert_eq!(last(Baseline::Outlet, &rows(None)).unwrap(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn keywords_find_a_side() {
        let judged = |text| last(Baseline::Lexicon, &[("أ", 2, None, None), (text, 0, None, None)]).unwrap();
        let favor = judged("تدخل ناجح أنقذ البلاد وأعاد الاستقرار، خطوة ضرورية");
        assert!(favor[0] > favor[1] && favor[2] < 0.5, "{favor:?}");
        let against = judged("احتلال سافر وقمع وانتهاك للسيادة وغزو");
        assert!(against[1] > against[0] && against[2] < 0.5, "{against:?}");
        assert!(judged(NEUTRAL)[2] > 0.5);
    }

    #[test]
    fn length_tells_where_classes_differ_in_it() {
        let long = "كلمة ".repeat(100);
        let longer = "كلمة ".repeat(120);
        let rows = |text| {
            [
                ("كلمة", 0, None, None),
                ("كلمة كلمة", 0, None, None),
                (long.as_str(), 2, None, None),
                (longer.as_str(), 2, None, None),
                (text, 1, None, None),
            ]
        };
        let shares = last(Baseline::Length, &rows("كلمة كلمة")).unwrap();
        assert!(shares[0] > 0.9 && shares[1] == 0.0, "{shares:?}");
        let shares = last(Baseline::Length, &rows(long.as_str())).unwrap();
        assert!(shares[2] > 0.9, "{shares:?}");
        // One example of a class is no distribution: nothing can be said.
        let shares = last(Baseline::Length, &[("أ", 0, None, None), ("ب", 1, None, None)]).unwrap();
        assert_eq!(shares, [1.0 / 3.0; 3]);
    }

    #[test]
    fn sentiment_is_taken_for_stance_where_it_was_given() {
        let judged =
            |sentiment| last(Baseline::Sentiment, &[("أ", 2, None, None), (NEUTRAL, 0, sentiment, None)]);
        assert_eq!(judged(Some(0)).unwrap(), [1.0, 0.0, 0.0]);
        assert_eq!(judged(Some(1)).unwrap(), [0.0, 1.0, 0.0]);
        assert_eq!(judged(Some(2)).unwrap(), [0.0, 0.0, 1.0]);
        assert_eq!(judged(None), None);
    }
}
