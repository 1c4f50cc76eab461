//! Learning curves: how figures grow with the examples; on press articles, with those of each origin.

use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::assemble::Judged;
use super::evaluation::{CurvePoint, OriginCurvePoint};
use super::figures::figures;
use super::origins::{Ground, judge_press};
use super::sample::RESAMPLES;
use super::splits::Split;
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::error::{Error, Result};

/// Draws of examples at each point, whose figures are averaged.
pub const DRAWS: u64 = 5;

/// Draws of half, a quarter, … of the examples of an origin, beside none or all of the others, judged
/// on the press articles. `done` is called after each fit.
///
/// # Errors
/// Whatever a fit can fail with, but for too few examples: such a point has no figures.
pub fn origin_curves(
    corpus: &Corpus,
    axis: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<OriginCurvePoint>> {
    let ground = Ground::new(corpus, corpus, axis, config)?;
    let mut points = Vec::new();
    for (name, drawn, beside) in curves() {
        for n in sizes(corpus, drawn) {
            let draws: Vec<u64> = if n == count(corpus, drawn) { vec![0] } else { (0..DRAWS).collect() };
            let found = draws
                .par_iter()
                .map(|&draw| {
                    let kept = draw_groups(&ground, corpus, drawn, n, config, draw);
                    let keep = |example: &Example| {
                        kept.contains(&example.document.id.as_str()) || (beside(example) && !drawn(example))
                    };
                    let judged = judge_press(&ground, &keep, config);
                    done();
                    match judged {
                        Err(Error::TooFew(_)) => Ok(None),
                        other => other.map(Some),
                    }
                })
                .collect::<Result<Vec<_>>>()?;
            let mean = |name: &str| {
                let defined: Vec<f64> =
                    found.iter().flatten().filter_map(|figures| figures.get(name)?.value).collect();
                (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
            };
            points.push(OriginCurvePoint {
                drawn: name.into(),
                n,
                auc_sided: mean("auc_sided"),
                auc_direction: mean("auc_direction"),
                semeval_f: mean("semeval_f"),
                macro_f1: mean("macro_f1"),
            });
        }
    }
    Ok(points)
}

/// Shares of the training groups that the curve has points at, beside the whole.
const SHARES: [f64; 3] = [0.125, 0.25, 0.5];

/// The same splits with less and less to train on, whole groups drawn at random, and at the end what
/// `judged` reached with all. `done` is called after each fit.
///
/// # Errors
/// Whatever a fit can fail with, but for too few examples: such a point is left out.
pub(crate) fn learning_curve(
    ground: &Ground<'_>,
    (splits, judged): (&[Split], &Judged),
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<CurvePoint>> {
    let mut points = Vec::new();
    for share in SHARES {
        let fewer: Vec<Split> = splits
            .iter()
            .enumerate()
            .map(|(fold, split)| fewer(ground, split, share, fold, config))
            .collect();
        match ground.judge_in(&fewer, &ground.examples.groups, config, 0, done) {
            Ok(judged) => points.push(point(ground, &fewer, &judged, share, config)),
            Err(Error::TooFew(_)) => {}
            Err(error) => return Err(error),
        }
    }
    points.push(point(ground, splits, judged, 1.0, config));
    Ok(points)
}

/// Number of fits that [`learning_curve`] reports for so many splits.
pub(crate) fn count_learning(splits: usize) -> usize {
    SHARES.len() * splits
}

fn fewer(ground: &Ground<'_>, split: &Split, share: f64, fold: usize, config: &TrainConfig) -> Split {
    let groups = &ground.examples.groups;
    let mut names: Vec<usize> = split.train.iter().map(|&place| groups[place]).collect();
    names.sort_unstable();
    names.dedup();
    // The groups of a smaller share are among those of a larger one.
    names.shuffle(&mut config.seed.stream(&format!("learning-curve/{fold}")));
    names.truncate((share * names.len() as f64).ceil() as usize);
    names.sort_unstable();
    let kept = split.train.iter().copied().filter(|&place| names.binary_search(&groups[place]).is_ok());
    Split { train: kept.collect(), held: split.held.clone() }
}

fn point(
    ground: &Ground<'_>,
    splits: &[Split],
    judged: &Judged,
    share: f64,
    config: &TrainConfig,
) -> CurvePoint {
    let examples = &ground.examples;
    let (_, rows) = judged.rows(examples, |place| !examples.sample.foreign[place]);
    let found = figures(&examples.corpus.axes[examples.axis], &rows, RESAMPLES, config.seed);
    let trained: usize = splits.iter().map(|split| split.train.len()).sum();
    CurvePoint {
        share,
        n: trained / splits.len().max(1),
        macro_f1: found.macro_f1,
        semeval_f: found.semeval_f,
    }
}

type Wanted = fn(&Example) -> bool;

/// Name, what is drawn, and what stands beside it.
fn curves() -> [(&'static str, Wanted, Wanted); 3] {
    let authored: Wanted = |example| example.origin == "authored";
    let real: Wanted = |example| example.origin != "authored" && example.origin != "press";
    [
        ("authored", authored, |_| false),
        ("real", real, |_| false),
        ("real, beside all authored", real, |example| example.origin == "authored"),
    ]
}

fn count(corpus: &Corpus, wanted: Wanted) -> usize {
    corpus.examples.iter().filter(|example| wanted(example)).count()
}

/// All, and by halves down to some thirty.
fn sizes(corpus: &Corpus, wanted: Wanted) -> Vec<usize> {
    let mut sizes: Vec<usize> = std::iter::successors(Some(count(corpus, wanted)), |n| Some(n / 2))
        .take_while(|&n| n >= 30)
        .collect();
    sizes.reverse();
    sizes
}

/// Number of fits that [`origin_curves`] reports, for a progress bar.
pub fn count_fits(corpus: &Corpus) -> usize {
    let of_curve = |(_, drawn, _): (&str, Wanted, Wanted)| {
        sizes(corpus, drawn).len().saturating_sub(1) * DRAWS as usize + 1
    };
    curves().into_iter().map(of_curve).sum()
}

/// The ids of about `n` of the wanted examples, whole groups in random order.
fn draw_groups<'c>(
    ground: &Ground<'_>,
    corpus: &'c Corpus,
    wanted: Wanted,
    n: usize,
    config: &TrainConfig,
    draw: u64,
) -> std::collections::BTreeSet<&'c str> {
    let mut groups: std::collections::BTreeMap<usize, Vec<&str>> = std::collections::BTreeMap::new();
    for (place, &row) in ground.examples.sample.rows.iter().enumerate() {
        if wanted(&corpus.examples[row]) {
            groups.entry(ground.examples.groups[place]).or_default().push(&corpus.examples[row].document.id);
        }
    }
    let mut groups: Vec<Vec<&str>> = groups.into_values().collect();
    groups.shuffle(&mut config.seed.stream(&format!("curve/{draw}")));
    let mut kept = std::collections::BTreeSet::new();
    for group in groups {
        if kept.len() >= n {
            break;
        }
        kept.extend(group);
    }
    kept
}
