//! From held-out judgements to everything that is said of them.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::baselines::stance_of_sentiment;
use super::evaluation::{AxisEvaluation, ClassCurves, CrossTable, WorstError};
use super::figures::{Figure, Figures, Rows, TOO_FEW, figures};
use super::interval::cluster_bootstrap;
use super::metrics::{Confusion, reliability};
use super::origins::Examples;
use super::ranking::Ranked;
use super::risk::{abstentions, risk_coverage};
use super::sample::{Prediction, RESAMPLES, bootstrap_metrics};
use super::slices::slices;
use crate::corpus::{Corpus, Example};
use crate::document::Body;
use crate::learn::Judgement;
use crate::rng::RngSeed;

/// Most errors that are listed.
const WORST: usize = 20;
/// Characters of a text that an error shows.
const EXCERPT: usize = 240;

/// What fits that had not seen them made of some examples.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// By place in the sample: the fold it was held out in, and the judgement.
    pub(crate) judgements: BTreeMap<usize, (usize, Judgement)>,
    /// By place, of errors: the words that weigh most.
    pub(crate) evidence: BTreeMap<usize, Vec<(String, f64)>>,
    /// The C chosen in each fold.
    pub(crate) c: Vec<f64>,
    /// How examples were held out, in words.
    pub(crate) plan: String,
}

impl Judged {
    /// The judgements alone, of places that `wanted` admits.
    pub(crate) fn rows(&self, examples: &Examples<'_>, wanted: impl Fn(usize) -> bool) -> (Vec<usize>, Rows) {
        let places: Vec<usize> = self.judgements.keys().copied().filter(|&place| wanted(place)).collect();
        let judged = |place: &usize| &self.judgements[place].1;
        let rows = Rows {
            truth: places.iter().map(|&place| examples.sample.classes[place]).collect(),
            predicted: places.iter().map(|place| judged(place).class).collect(),
            probabilities: places.iter().map(|place| judged(place).probabilities.clone()).collect(),
            groups: places.iter().map(|&place| examples.groups[place]).collect(),
        };
        (places, rows)
    }
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Values, and intervals of macro-F1, accuracy and the SemEval F alone: what training prints.
    Headline,
    /// Everything.
    Full,
}

/// What is known of some decisions, those on examples of the corpus's own target.
pub(crate) fn assemble(
    examples: &Examples<'_>,
    judged: &Judged,
    detail: Detail,
    seed: RngSeed,
) -> AxisEvaluation {
    let (corpus, sample) = (examples.corpus, &examples.sample);
    let axis = &corpus.axes[examples.axis];
    let (places, rows) = judged.rows(examples, |place| !sample.foreign[place]);
    let judgements: Vec<&Judgement> = places.iter().map(|place| &judged.judgements[place].1).collect();
    let right: Vec<bool> =
        rows.predicted.iter().zip(&rows.truth).map(|(made, truth)| made == truth).collect();
    let sureness: Vec<f64> = judgements.iter().map(|judged| judged.probabilities[judged.class]).collect();
    let reasons: Vec<Option<&'static str>> = judgements.iter().map(|judged| judged.abstain).collect();
    let predictions: Vec<Prediction> = places
        .par_iter()
        .map(|&place| {
            let (fold, judgement) = &judged.judgements[&place];
            examples.prediction(place, *fold, judgement)
        })
        .collect();
    let found = match detail {
        Detail::Headline => headline(examples, &rows, seed),
        Detail::Full => figures(axis, &rows, RESAMPLES, seed),
    };
    let confusion = Confusion::from_pairs(sample.n_classes, &rows.truth, &rows.predicted);
    let full = detail == Detail::Full;
    AxisEvaluation {
        axis: axis.clone(),
        target: None,
        folds: judged.plan.clone(),
        figures: found,
        confusion: confusion.counts().chunks(sample.n_classes).map(<[u64]>::to_vec).collect(),
        reliability: reliability(&rows.truth, &rows.probabilities).unwrap_or_default(),
        risk: risk_coverage(&sureness, &right),
        abstentions: abstentions(axis, &reasons, &rows.truth, &rows.predicted),
        curves: if full { curves(&axis.classes, &rows) } else { Vec::new() },
        c: judged.c.clone(),
        beside: Vec::new(),
        slices: if full { slices(axis, &predictions, &rows, seed) } else { Vec::new() },
        worst: if full { worst(examples, judged, &places) } else { Vec::new() },
        learning_curve: Vec::new(),
        origins: Vec::new(),
        probes: Vec::new(),
        origin_curves: Vec::new(),
        predictions,
    }
}

/// All values, and the intervals that rest on the confusion alone: cheap however many rows there are, and
/// the same as those of the full figures.
fn headline(examples: &Examples<'_>, rows: &Rows, seed: RngSeed) -> Figures {
    let axis = &examples.corpus.axes[examples.axis];
    let mut found = figures(axis, rows, 0, seed);
    let (k, polar) = (axis.classes.len(), axis.polar_indices());
    let [accuracy, macro_f1, semeval_f] =
        bootstrap_metrics(&rows.groups, k, &rows.truth, &rows.predicted, seed, |confusion| {
            [
                confusion.accuracy(),
                confusion.macro_f1().map(|(f1, _)| f1),
                polar.and_then(|polar| confusion.semeval_f(polar)),
            ]
        });
    let with = |figure: Figure, interval| {
        if figure.note.as_deref() == Some(TOO_FEW) { figure } else { figure.with(interval) }
    };
    found.accuracy = with(found.accuracy, accuracy);
    found.macro_f1 = with(found.macro_f1, macro_f1);
    found.semeval_f = found.semeval_f.map(|figure| with(figure, semeval_f));
    found
}

fn curves(classes: &[String], rows: &Rows) -> Vec<ClassCurves> {
    let of = |class: usize| {
        let positive: Vec<bool> = rows.truth.iter().map(|&truth| truth == class).collect();
        if positive.iter().all(|&is| is) || !positive.contains(&true) {
            return None;
        }
        let scores: Vec<f64> = rows.probabilities.iter().map(|row| row[class]).collect();
        let ranked = Ranked::new(&positive, &scores)?;
        Some(ClassCurves {
            class: classes[class].clone(),
            roc: ranked.roc(),
            precision_recall: ranked.precision_recall(),
        })
    };
    (0..classes.len()).filter_map(of).collect()
}

/// The errors whose probability was highest, those of sure labels first among equals.
fn worst(examples: &Examples<'_>, judged: &Judged, places: &[usize]) -> Vec<WorstError> {
    let classes = &examples.corpus.axes[examples.axis].classes;
    let truth = |place: usize| examples.sample.classes[place];
    let judgement = |place: usize| &judged.judgements[&place].1;
    let sure = |place: usize| judgement(place).probabilities[judgement(place).class];
    let mut wrong: Vec<usize> =
        places.iter().copied().filter(|&place| judgement(place).class != truth(place)).collect();
    wrong.sort_by(|&a, &b| sure(b).total_cmp(&sure(a)).then(a.cmp(&b)));
    wrong.truncate(WORST);
    wrong
        .into_iter()
        .map(|place| {
            let example = examples.example(place);
            WorstError {
                id: example.document.id.clone(),
                outlet: example.outlet.clone(),
                truth: classes[truth(place)].clone(),
                predicted: classes[judgement(place).class].clone(),
                probability: sure(place),
                truth_probability: judgement(place).probabilities[truth(place)],
                confidence: example.confidence,
                evidence: judged.evidence.get(&place).cloned().unwrap_or_default(),
                text: excerpt(example),
            }
        })
        .collect()
}

fn excerpt(example: &Example) -> Option<String> {
    let Body::Text(text) = &example.document.body else { return None };
    Some(shortened(text, EXCERPT))
}

/// The first words, as many as fit into `most` characters; of a single longer word its beginning.
fn shortened(text: &str, most: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = words.char_indices().nth(most) else { return words };
    let cut = &words[..end];
    // A word that ends just there is whole.
    let whole = words[end..].starts_with(' ');
    let cut = if whole { cut } else { cut.rsplit_once(' ').map_or(cut, |(before, _)| before) };
    format!("{cut} …")
}

/// Stance against sentiment, as labelled by hand, over the examples of the corpus's own target that have
/// both; `None` where there are none.
pub(crate) fn stance_by_sentiment(corpus: &Corpus, groups: &[usize], seed: RngSeed) -> Option<CrossTable> {
    let place = |name: &str| corpus.axes.iter().position(|axis| axis.name == name);
    let (stance, sentiment) = (place("stance")?, place("sentiment")?);
    let (rows, columns) = (&corpus.axes[stance], &corpus.axes[sentiment]);
    let polar = rows.polar_indices()?;
    let mut counts = vec![vec![0; columns.classes.len()]; rows.classes.len()];
    let (mut agree, mut of) = (Vec::new(), Vec::new());
    for (example, &group) in corpus.examples.iter().zip(groups) {
        let (Some(row), Some(column)) = (example.labels[stance], example.labels[sentiment]) else { continue };
        if corpus.is_foreign(example) {
            continue;
        }
        counts[row][column] += 1;
        agree.push(stance_of_sentiment(columns, column, polar, rows.classes.len()) == Some(row));
        of.push(group);
    }
    let share = |picked: &mut dyn Iterator<Item = usize>| {
        let (n, hits) = picked.fold((0_u64, 0_u64), |(n, hits), row| (n + 1, hits + u64::from(agree[row])));
        (n > 0).then(|| hits as f64 / n as f64)
    };
    let value = share(&mut (0..agree.len()))?;
    let interval = cluster_bootstrap(&of, RESAMPLES, seed, |rows| share(&mut rows.iter().copied()));
    let agreement = Figure::new(Some(value), interval, agree.len());
    Some(CrossTable { rows: rows.clone(), columns: columns.clone(), counts, agreement })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_words() {
        assert_eq!(shortened("قال  الوزير\nأمس", 40), "قال الوزير أمس");
        assert_eq!(shortened("قال الوزير أمس", 12), "قال الوزير …");
        assert_eq!(shortened("قال الوزير أمس", 10), "قال الوزير …");
        assert_eq!(shortened("قال الوزير أمس", 9), "قال …");
        assert_eq!(shortened("مستشفياتهم", 4), "مستش …");
        assert_eq!(shortened("", 4), "");
    }
}
