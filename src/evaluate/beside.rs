//! What stands beside a figure, so that a reader can weigh it: the same model in random folds and in time
//! order, and judges that do not read.

use super::assemble::Judged;
use super::baselines::Baseline;
use super::evaluation::{Beside, BesideKind};
use super::figures::{HEADLINE, differences, figures};
use super::folds::{join_groups, stratified_group_folds};
use super::origins::Ground;
use super::sample::{ENOUGH, RESAMPLES, duplicate_clusters};
use super::splits::{Split, of_folds, temporal};
use crate::config::TrainConfig;
use crate::date::{day, number};
use crate::error::{Error, Result};
use crate::learn::Judgement;
use crate::rng::RngSeed;

/// Runs of time, the first of which is trained on alone.
const RUNS: usize = 5;

/// Everything that can stand beside an evaluation in `k` grouped folds, whose splits and judgements are
/// given. `done` is called after each fit.
pub(crate) fn beside(
    ground: &Ground<'_>,
    (splits, judged): (&[Split], &Judged),
    k: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Beside>> {
    let examples = &ground.examples;
    let mut found = Vec::new();
    let random = random_splits(ground, k, config.seed)?;
    // Where every example is a group of its own, random folds are grouped ones.
    if has_groups(&examples.groups) {
        let alone: Vec<usize> = (0..examples.groups.len()).collect();
        let judged_so = ground.judge_in(&random, &alone, config, 0, done)?;
        let about = format!(
            "the same model in {k} folds drawn at random, outlets and near-duplicates divided between training and test"
        );
        found.push(compare(ground, judged, &judged_so, "random", BesideKind::Random, about, config.seed));
    }
    if let Some(beside) = in_time(ground, judged, config, done)? {
        found.push(beside);
    }
    found.extend(baselines(ground, (splits, judged), Some(&random), config.seed));
    Ok(found)
}

/// The judges that do not read. In grouped folds no outlet is known: there `random` ones are given.
pub(crate) fn baselines(
    ground: &Ground<'_>,
    (splits, judged): (&[Split], &Judged),
    random: Option<&[Split]>,
    seed: RngSeed,
) -> Vec<Beside> {
    let corpus = ground.examples.corpus;
    let toward = corpus.axes[ground.examples.axis].is_toward_target();
    let known = corpus.examples.iter().any(|example| example.outlet.is_some());
    let wanted = [
        (Baseline::Majority, true),
        (Baseline::Outlet, known),
        (Baseline::Lexicon, toward),
        (Baseline::Length, true),
        (Baseline::Sentiment, toward),
    ];
    let mut found = Vec::new();
    for (baseline, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
        let splits = random.filter(|_| baseline == Baseline::Outlet).unwrap_or(splits);
        let judged_so = by_baseline(ground, splits, baseline);
        if !judged_so.judgements.is_empty() {
            let name = baseline.name();
            let mut about = baseline.about().to_owned();
            if baseline == Baseline::Outlet && random.is_some() {
                about += ", in random folds: in the grouped ones no outlet is known";
            }
            found.push(compare(ground, judged, &judged_so, name, BesideKind::Baseline, about, seed));
        }
    }
    found
}

/// Number of fits that [`beside`] reports, at most.
pub(crate) fn count_fits(k: usize) -> usize {
    k + RUNS - 1
}

fn has_groups(groups: &[usize]) -> bool {
    let mut distinct = groups.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < groups.len()
}

fn random_splits(ground: &Ground<'_>, k: usize, seed: RngSeed) -> Result<Vec<Split>> {
    let sample = &ground.examples.sample;
    let alone: Vec<usize> = (0..sample.rows.len()).collect();
    Ok(of_folds(&stratified_group_folds(&alone, &sample.classes, sample.n_classes, k, seed)?))
}

/// The model in time order; `None` where too few examples have a date, or all have one.
fn in_time(
    ground: &Ground<'_>,
    judged: &Judged,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Option<Beside>> {
    let (examples, splits) = (&ground.examples, time_splits(ground));
    if splits.is_empty() {
        return Ok(None);
    }
    let judged_so = match ground.judge_in(&splits, &examples.groups, config, 0, done) {
        // The oldest part alone may well be of one class.
        Err(Error::TooFew(_)) => return Ok(None),
        other => other?,
    };
    let about = format!(
        "the same model, each of {} runs of time judged by a fit on all that is older; near-duplicates apart, outlets not",
        splits.len()
    );
    Ok(Some(compare(ground, judged, &judged_so, "temporal", BesideKind::Temporal, about, config.seed)))
}

/// Runs of time, if dates suffice for any.
pub(crate) fn time_splits(ground: &Ground<'_>) -> Vec<Split> {
    let examples = &ground.examples;
    let days: Vec<Option<i64>> = (0..examples.sample.rows.len())
        .map(|place| day(examples.example(place).date.as_deref()?).map(number))
        .collect();
    if days.iter().flatten().count() < 2 * ENOUGH {
        return Vec::new();
    }
    let alike = join_groups(&examples.corpus.pair_groups(), &duplicate_clusters(&ground.lexicon));
    let alike: Vec<usize> = examples.sample.rows.iter().map(|&row| alike[row]).collect();
    temporal(&days, &alike, RUNS)
}

pub(crate) fn by_baseline(ground: &Ground<'_>, splits: &[Split], baseline: Baseline) -> Judged {
    let examples = &ground.examples;
    let mut judged = Judged::default();
    for (fold, split) in splits.iter().enumerate() {
        let found =
            baseline.judge(examples.corpus, examples.axis, &examples.sample, &ground.lexicon.lengths, split);
        for (&place, shares) in split.held.iter().zip(found) {
            let Some(shares) = shares else { continue };
            judged.judgements.insert(place, (fold, Judgement::plain(examples.sample.scheme, &shares)));
        }
    }
    judged
}

/// Figures of another judge, and their differences from those of `judged` on the examples that both
/// judged.
fn compare(
    ground: &Ground<'_>,
    judged: &Judged,
    other: &Judged,
    name: &str,
    kind: BesideKind,
    about: String,
    seed: RngSeed,
) -> Beside {
    let examples = &ground.examples;
    let axis = &examples.corpus.axes[examples.axis];
    let own = |place: usize| !examples.sample.foreign[place];
    let (_, all) = other.rows(examples, own);
    let both =
        |place| own(place) && judged.judgements.contains_key(&place) && other.judgements.contains_key(&place);
    let (_, theirs) = other.rows(examples, both);
    let (_, ours) = judged.rows(examples, both);
    Beside {
        name: name.to_owned(),
        kind,
        about,
        figures: figures(axis, &all, RESAMPLES, seed),
        differences: differences(axis, &theirs, &ours, RESAMPLES, seed)
            .into_iter()
            .filter(|(name, _)| HEADLINE.contains(&name.as_str()) || name.rsplit('.').next() == Some("f1"))
            .collect(),
    }
}
