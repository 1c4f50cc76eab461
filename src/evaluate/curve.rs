//! Learning curves: how the figures on press articles grow with the examples of each origin.

use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;

use super::origins::{Ground, judge_press};
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::error::{Error, Result};

/// Draws of examples at each point, whose figures are averaged.
pub const DRAWS: u64 = 5;

/// A point of a learning curve: means over the draws for which a figure was defined.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Which examples were drawn: `authored`, `real`, or `real, beside all authored`.
    pub drawn: String,
    /// How many, whole pairs and outlets together, so about.
    pub n: usize,
    /// Area under the curve of the polar classes against the rest.
    pub opinionated: Option<f64>,
    /// Area under the curve of one polar class against the other.
    pub direction: Option<f64>,
    /// Mean F1 of the polar classes.
    pub semeval_f: Option<f64>,
    /// Mean F1 of all classes.
    pub macro_f1: Option<f64>,
}

/// Draws of half, a quarter, … of the examples of an origin, beside none or all of the others, judged
/// on the press articles. `done` is called after each fit.
///
/// # Errors
/// Whatever a fit can fail with, but for too few examples: such a point has no figures.
pub fn learning_curves(
    corpus: &Corpus,
    axis: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Point>> {
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
            let mean = |figure: &dyn Fn(&super::origins::Figures) -> Option<f64>| {
                let defined: Vec<f64> =
                    found.iter().flatten().filter_map(|found| figure(&found.all)).collect();
                (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
            };
            points.push(Point {
                drawn: name.into(),
                n,
                opinionated: mean(&|figures| figures.opinionated.and_then(|ranking| ranking.auc)),
                direction: mean(&|figures| figures.direction.and_then(|ranking| ranking.auc)),
                semeval_f: mean(&|figures| figures.metrics.as_ref()?.semeval_f),
                macro_f1: mean(&|figures| figures.metrics.as_ref()?.macro_f1),
            });
        }
    }
    Ok(points)
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

/// Number of fits that [`learning_curves`] reports, for a progress bar.
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
