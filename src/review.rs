//! Which labels to look at once more, and which articles to label next.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::config::TrainConfig;
use crate::corpus::Corpus;
use crate::document::Document;
use crate::error::Result;
use crate::evaluate::sample::{duplicate_clusters, inner_folds, kept_together, lexicon_of, sample_of};
use crate::features::{FeatureConfig, Lexicon};
use crate::learn::path::{Sample, walk};
use crate::learn::{Judgement, LearnConfig, Scheme};
use crate::model::{Score, Scorer};

/// Up to so many examples are left out one group at a time, instead of in folds.
const FEW: usize = 1000;

/// A label that the other examples speak against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// The axis.
    pub axis: String,
    /// The example.
    pub id: String,
    /// Where it stands, `file:line`.
    pub place: String,
    /// The class it was given.
    pub given: String,
    /// The class that fits it better; toward another target `a side`, where which one cannot be known.
    pub likelier: String,
    /// Probability of the given class by a fit that had not seen the example, 0 to 1.
    pub p_given: f64,
    /// The same of the likelier class.
    pub p_likelier: f64,
}

/// Finds likely label errors by confident learning (Northcutt, Jiang & Chuang 2021, *Confident learning:
/// estimating uncertainty in dataset labels*, JAIR 70): each example is judged by a fit that had not seen
/// it, nor its group, and is suspect where another class is at least as probable as it is on average among
/// examples that bear its label, while its own is not. Sorted by p(likelier) - p(given), falling. A
/// suspect is no error yet: the hardest of the right labels are among them.
///
/// Cost: the cross-validation of one training run for each axis (and target). `done` is called after each
/// step of a path.
///
/// # Errors
/// [`crate::Error::TooFew`], and whatever a fit can fail with.
pub fn suspects(corpus: &Corpus, config: &TrainConfig, done: &(dyn Fn() + Sync)) -> Result<Vec<Suspect>> {
    config.check()?;
    let mut found = Vec::new();
    let targets = corpus.targets();
    for number in 0..corpus.axes.len() {
        let axis = &corpus.axes[number];
        if axis.is_on_target() {
            continue;
        }
        if !axis.is_toward_target() || targets.len() < 2 {
            found.extend(of_axis(corpus, number, config, done)?);
            continue;
        }
        for target in &targets {
            let part = corpus.of_target(target)?;
            if let Some(place) = part.axes.iter().position(|other| other.name == axis.name) {
                found.extend(of_axis(&part, place, config, done)?);
            }
        }
    }
    let margin = |suspect: &Suspect| suspect.p_likelier - suspect.p_given;
    found.sort_by(|a, b| margin(b).total_cmp(&margin(a)).then_with(|| a.id.cmp(&b.id)));
    Ok(found)
}

fn of_axis(
    corpus: &Corpus,
    number: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Suspect>> {
    // Of few examples each is judged by all others: more errors come out than with folds.
    let learn = LearnConfig { leave_out: config.learn.leave_out.max(FEW), ..config.learn.clone() };
    let config = &TrainConfig { learn, ..config.clone() };
    let lexicon = lexicon_of(corpus, config);
    let (sample, groups) = sample_of(corpus, &kept_together(corpus, &lexicon), number, &config.learn)?;
    let folds = inner_folds(&sample, &groups, &config.learn, config.seed)?;
    let walked = walk(&config.learn, &lexicon, &sample, &folds, done)?;
    let (_, judged) = walked.judge(&config.learn, &sample, &folds);
    let axis = &corpus.axes[number];
    let kinds: Vec<(usize, Vec<f64>)> =
        (0..judged.len()).map(|place| kind_of(&sample, place, &judged[place])).collect();
    // Those toward other targets have averages of their own, and come after the classes.
    let size = sample.n_classes + 2;
    let (mut sums, mut counts) = (vec![0.0; size], vec![0.0; size]);
    for ((kind, p), _) in kinds.iter().zip(&sample.weights).filter(|(_, weight)| **weight > 0.0) {
        sums[*kind] += p[*kind];
        counts[*kind] += 1.0;
    }
    let usual: Vec<f64> =
        sums.iter().zip(&counts).map(|(sum, n)| if *n > 0.0 { sum / n } else { f64::INFINITY }).collect();
    let name = |kind: usize| axis.classes.get(kind).map_or("a side", String::as_str);
    let mut found = Vec::new();
    for (place, (given, p)) in kinds.iter().enumerate() {
        let foreign = *given >= sample.n_classes;
        let rivals = (0..size).filter(|kind| kind != given && (*kind >= sample.n_classes) == foreign);
        let likelier = rivals.max_by(|&a, &b| p[a].total_cmp(&p[b]).then(b.cmp(&a)));
        let Some(likelier) = likelier.filter(|&kind| p[kind] >= usual[kind]) else { continue };
        if sample.weights[place] > 0.0 && p[*given] < usual[*given] && p[*given] < p[likelier] {
            let document = &corpus.examples[sample.rows[place]].document;
            let label = if foreign { sample.classes[place] } else { *given };
            found.push(Suspect {
                axis: axis.name.clone(),
                id: document.id.clone(),
                place: document.place.to_string(),
                given: name(label).to_owned(),
                likelier: name(if likelier == sample.n_classes + 1 { 2 } else { likelier }).to_owned(),
                p_given: p[*given],
                p_likelier: p[likelier],
            });
        }
    }
    Ok(found)
}

/// What an example was judged to be, and the probability of everything that it might have been: the
/// classes, and toward other targets taking a side and taking none.
fn kind_of(sample: &Sample, place: usize, judged: &Judgement) -> (usize, Vec<f64>) {
    let mut p = judged.probabilities.clone();
    p.extend([0.0, 0.0]);
    let n = sample.n_classes;
    if sample.scheme == Scheme::TwoStage && n == 3 {
        (p[n], p[n + 1]) = (p[0] + p[1], p[2]);
    }
    let class = sample.classes[place];
    let kind = match (sample.foreign[place], class) {
        (false, class) => class,
        (true, 0 | 1) => n,
        (true, _) => n + 1,
    };
    (kind, p)
}

/// An article that is worth a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// Its place among the documents given.
    pub index: usize,
    /// What the model makes of it.
    pub score: Score,
    /// The two classes that the model is torn between, the likelier first.
    pub between: [usize; 2],
    /// How far the first is ahead of the second, as the decision weighs them: 0 (torn) to 1 (sure).
    pub margin: f64,
}

/// The class decided on, its closest rival, and how far ahead it is, from probabilities as the decision
/// weighs them. In two stages the rival is that of the closer stage: none, or the other side.
fn torn(scheme: Scheme, weighed: &[f64]) -> ([usize; 2], f64) {
    let mut order: Vec<usize> = (0..weighed.len()).collect();
    order.sort_by(|&a, &b| weighed[b].total_cmp(&weighed[a]));
    if let (Scheme::TwoStage, [first, second, none]) = (scheme, weighed) {
        let side = usize::from(second > first);
        let taken = first + second;
        if taken <= *none {
            return ([2, side], none - taken);
        }
        let which = (first - second).abs() / taken;
        return if which < taken - none { ([side, 1 - side], which) } else { ([side, 2], taken - none) };
    }
    ([order[0], order[1]], weighed[order[0]] - weighed[order[1]])
}

/// Chooses up to `most` articles to label for the model's head `head`: those whose decision is closest
/// (margin sampling: Scheffer, Decomain & Wrobel 2001), no two of which are near-duplicates. Left out is
/// what the model was trained on, what is too short and, while others remain, what is off the target:
/// the answer would teach little. Sorted by margin, rising.
///
/// Cost: scoring each document once, and the comparison of word sets.
pub fn next_to_label(scorer: &Scorer, head: usize, documents: &[Document], most: usize) -> Vec<Next> {
    let info = &scorer.header().heads[head];
    let mut candidates: Vec<Next> = documents
        .iter()
        .enumerate()
        .filter(|(_, document)| !scorer.was_trained_on(document))
        .map(|(index, document)| {
            let score = scorer.score(document, 0);
            let weighed = info.rule.calibration.weighed(info.scheme, &score.heads[head].probabilities);
            let (between, margin) = torn(info.scheme, &weighed);
            Next { index, score, between, margin }
        })
        .filter(|next| next.score.heads[head].abstain != Some("too-short"))
        .collect();
    let off = |next: &Next| next.score.heads[head].abstain == Some("off-target");
    candidates.sort_by(|a, b| {
        off(a).cmp(&off(b)).then(a.margin.total_cmp(&b.margin)).then(a.score.id.cmp(&b.score.id))
    });
    let config = FeatureConfig { blocks: Vec::new(), ..scorer.header().features.clone() };
    let lexicon = Lexicon::new(&config, candidates.iter().map(|next| &documents[next.index]));
    let mut taken = BTreeSet::new();
    let fresh = candidates
        .into_iter()
        .zip(duplicate_clusters(&lexicon))
        .filter(|(_, cluster)| taken.insert(*cluster));
    fresh.map(|(next, _)| next).take(most).collect()
}
