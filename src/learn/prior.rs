//! Shares of the classes: moving probabilities to other shares, and telling shares from the scores of
//! unlabelled articles.
//!
//! A model's probabilities hold for the shares of the classes that it was trained on (or calibrated to:
//! equal shares under balanced weights). Where a batch has others, and each class looks as it did in
//! training, Bayes' rule gives the probabilities that hold there ([`shift`]), and EM the shares that make
//! the scores most likely ([`estimate`]): Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs
//! of a classifier to new a priori probabilities: a simple procedure", Neural Computation 14.
//!
//! # Why the estimate is guarded
//!
//! EM believes the probabilities to the letter. Where they are weak, or the articles are of another kind
//! than the training's, it puts a class at 0, and [`shift`] then never finds that class again. So
//! [`estimate`] moves only with reason, and never all the way:
//!
//! 1. at least [`MIN_ARTICLES`] articles;
//! 2. a likelihood-ratio test against the training shares, at [`SIGNIFICANCE`];
//! 3. the scores must fit: see [`MISFIT`];
//! 4. the estimate is the mode under a Dirichlet prior about the training shares, of [`PULL`] and at
//!    least [`MIN_PULL`] articles: strong scores outweigh it, weak ones (which say less an article) do not;
//! 5. no class falls below [`FLOOR`] of its training share.
//!
//! The constants were chosen by simulation, over 26 cases (Gaussian scores of AUC 0.75 to 0.96, calibrated
//! or too sure or too unsure by a factor of 2, with and without an offset, with and without other shares)
//! with 48 to 300 articles. Mean macro-F1 of the decisions: 0.449 without any correction, 0.485 with plain
//! EM, 0.481 guarded; but in the worst case plain EM loses 0.32 to no correction, guarded 0.13. Without the
//! third guard the mean is 0.471 and the worst loss 0.30.
//!
//! What no guard can see: an offset of scores that are also too sure looks like other shares. The worst
//! case above is of that kind. Labels of some articles of the batch are better than any of this.

use std::cmp::Ordering;

use serde::Serialize;

/// Fewer articles say nothing. In the simulations guarded and uncorrected decisions are equally good from
/// 10 to 20 articles, and guarded ones are better from 30.
pub const MIN_ARTICLES: usize = 30;

/// The level of the likelihood-ratio test. 0.01 in its place changed no mean by more than 0.003.
pub const SIGNIFICANCE: f64 = 0.05;

/// By how many standard errors the scores must miss for the estimate to be given up.
///
/// If class k is as in training, p(x | k) / p(x) has mean 1 over the batch, whatever the shares. Its sample
/// mean is useless, since rare articles carry it; but logits are sums of many features, hence near normal,
/// and the mean of exp L is then exp(mean L + ½ var L), with Cox's standard error (Zhou and Gao 1997,
/// "Confidence intervals for the log-normal mean", Statistics in Medicine 16). Only classes that plain EM
/// lets vanish are tested: of others the mean is 1 by construction. With 2 it gave up in 0 to 3 % of
/// calibrated draws (7 % where a class is truly absent) and in 65 to 96 % of those with an offset alone.
pub const MISFIT: f64 = 2.0;

/// Below this share of plain EM a class counts as vanished.
const VANISHED: f64 = 1e-3;

/// Strength of the prior, in articles for each article of the batch. 0.2 gave 0.003 more macro-F1, but
/// shares that are half as far again from the truth where scores are strong.
pub const PULL: f64 = 0.1;

/// Strength of the prior at least, in articles.
pub const MIN_PULL: f64 = 10.0;

/// The part of its training share that a class always keeps.
pub const FLOOR: f64 = 0.25;

/// Rounds of EM at most, each of O(rows · classes).
const MAX_ITERATIONS: usize = 5000;

/// EM has converged when the log-likelihood is this close to its maximum, per article; the shares are then
/// good to about 1e-4.
const GAP: f64 = 1e-9;

/// The least probability, as in [`super::logistic::probabilities`].
const LEAST: f64 = 1e-12;

/// How far from 1 the sum of given probabilities or shares may be.
const SUM_TOLERANCE: f64 = 1e-3;

/// How far from 1 shares named on the command line may sum.
const NAMED_TOLERANCE: f64 = 1e-6;

/// The reason that an [`Estimate`] gives where it moved.
pub const MOVED: &str =
    "the articles differ from the training shares by more than chance; moved toward what they show";

/// The shares of the classes in a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The shares to assume, one a class, summing to 1: those of training unless `moved`.
    pub shares: Vec<f64>,
    /// What EM without guards says, for the record; those of training where it was not run.
    pub plain: Vec<f64>,
    /// Whether the shares are others than those of training.
    pub moved: bool,
    /// Why they stayed, or what was done: a clause for the user.
    pub reason: &'static str,
    /// Number of articles.
    pub n: usize,
    /// Rounds of EM, with and without guards together.
    pub iterations: usize,
    /// Whether EM came to its end each time that it was run.
    pub converged: bool,
}

/// The probabilities of one article, one a class, moved from the shares `from` to the shares `to`:
/// p'ₖ ∝ pₖ · toₖ / fromₖ (Saerens et al. 2002, formula 2.4). Each is above 0, and they sum to 1.
///
/// Where `from` and `to` are the same, nothing is changed at all. What does not fit (lengths that differ,
/// shares that are not above 0, probabilities that are negative or NaN) is given back as it is. O(classes).
pub fn shift(probabilities: &[f64], from: &[f64], to: &[f64]) -> Vec<f64> {
    let mut moved = Vec::new();
    shift_to(probabilities, from, to, &mut moved);
    moved
}

/// As [`shift`], into `moved`.
pub(crate) fn shift_to(probabilities: &[f64], from: &[f64], to: &[f64], moved: &mut Vec<f64>) {
    moved.clear();
    moved.extend_from_slice(probabilities);
    let k = probabilities.len();
    let usable = k == from.len() && k == to.len() && from.iter().chain(to).all(|&share| is_positive(share));
    if !usable || !probabilities.iter().all(|&p| p >= 0.0 && p.is_finite()) {
        return;
    }
    if from == to && probabilities.iter().all(|&p| p >= LEAST) {
        return;
    }
    let factors = from.iter().zip(to).map(|(from, to)| to / from);
    moved.iter_mut().zip(factors).for_each(|(p, factor)| *p *= factor);
    let sum: f64 = moved.iter().sum();
    if !is_positive(sum) {
        moved.copy_from_slice(probabilities);
        return;
    }
    moved.iter_mut().for_each(|p| *p = (*p / sum).max(LEAST));
    let sum: f64 = moved.iter().sum();
    moved.iter_mut().for_each(|p| *p /= sum);
}

/// Shares as they are given on the command line: `none=0.75,favor=0.1,against=0.15`.
///
/// Classes are named without regard to case or surrounding space. Those left out share what is left, in
/// proportion to `from` (equally where `from` has no such shares). Gives one share a class, in the order of
/// `classes`, each in (0, 1), summing to 1. O(classes · parts).
///
/// # Errors
///
/// A text of another form; a class that is unknown or named twice; a share outside (0, 1), 0 and 1 too;
/// shares that sum to more than 1, to less although all classes are named, or that leave nothing for a
/// class that is not named. Each message names the fault and the remedy.
pub fn parse(given: &str, classes: &[String], from: &[f64]) -> Result<Vec<f64>, String> {
    let known = classes.join(", ");
    let mut named: Vec<Option<f64>> = vec![None; classes.len()];
    // The form of all parts first: of «none=0,75» the comma is at fault, not the 0.
    let mut pairs = Vec::new();
    for part in given.split(',') {
        let Some((name, share)) = part.rsplit_once('=') else {
            return Err(format!(
                "«{}» is not of the form class=share; write for example none=0.75, and a comma between classes only ({known})",
                part.trim()
            ));
        };
        pairs.push((name.trim(), share.trim()));
    }
    for (name, share) in pairs {
        let wanted = name.to_lowercase();
        let Some(class) = classes.iter().position(|class| class.to_lowercase() == wanted) else {
            return Err(format!("«{name}» is no class of this model; its classes are {known}"));
        };
        if named[class].is_some() {
            return Err(format!("{name} is given twice; give each class one share ({known})"));
        }
        named[class] = Some(parse_share(name, share)?);
    }
    let sum: f64 = named.iter().flatten().sum();
    let left = 1.0 - sum;
    let unnamed: Vec<usize> = (0..classes.len()).filter(|&class| named[class].is_none()).collect();
    if left < -NAMED_TOLERANCE {
        return Err(format!("the shares sum to {}, more than 1; lower some of them ({given})", short(sum)));
    }
    if unnamed.is_empty() {
        if left > NAMED_TOLERANCE {
            return Err(format!(
                "all classes are named, but their shares sum to {}; make it 1, or leave out the class that shall have the rest ({known})",
                short(sum)
            ));
        }
        return Ok(normalized(&named.into_iter().flatten().collect::<Vec<f64>>()));
    }
    if left <= NAMED_TOLERANCE {
        let missing: Vec<&str> = unnamed.iter().map(|&class| classes[class].as_str()).collect();
        return Err(format!(
            "nothing is left for {}; lower the other shares, since a class without a share can never be found",
            missing.join(", ")
        ));
    }
    let weight = |class: usize| from.get(class).copied().filter(|&share| is_positive(share));
    let weights: Vec<f64> = unnamed.iter().filter_map(|&class| weight(class)).collect();
    let parts = if weights.len() == unnamed.len() { weights } else { vec![1.0; unnamed.len()] };
    for (&class, part) in unnamed.iter().zip(normalized(&parts)) {
        named[class] = Some(left * part);
    }
    Ok(named.into_iter().flatten().collect())
}

/// One share of [`parse`].
fn parse_share(name: &str, share: &str) -> Result<f64, String> {
    match share.parse::<f64>() {
        Ok(0.0) => Err(format!(
            "{name}=0: a class that is assumed impossible can never be found; give it a small share, as 0.01"
        )),
        Ok(1.0) => Err(format!(
            "{name}=1 assumes all other classes impossible, and they could never be found; leave them a small share, as {name}=0.98"
        )),
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err(format!("{name}={share} is no share; write a number between 0 and 1, as 0.75 for 75 %")),
    }
}

/// A number without the noise of its last digits.
fn short(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// The shares of the classes in an unlabelled batch, from its calibrated probabilities (a row an article,
/// a number a class, in the order of `from`) and the shares `from` they are calibrated to: EM under the
/// guards that the module lists.
///
/// The order of the rows does not change a bit. With fewer than two classes, or where rows and `from` do
/// not fit (other lengths, NaN, negative, a sum that is not 1 within 0.001), the shares stay `from` as
/// given. O(rows · (log rows + classes · rounds of EM)), and at most 10000 rounds.
///
/// No standard error is given: the curvature of the likelihood knows chance alone, and the doubt here is
/// whether the classes look as in training.
pub fn estimate(probabilities: &[Vec<f64>], from: &[f64]) -> Estimate {
    let n = probabilities.len();
    let stay = |reason| Estimate {
        shares: from.to_vec(),
        plain: from.to_vec(),
        moved: false,
        reason,
        n,
        iterations: 0,
        converged: true,
    };
    if !fits(probabilities, from) {
        return stay("the probabilities and the training shares do not fit together");
    }
    if from.len() < 2 {
        return stay("there is one class only");
    }
    if n < MIN_ARTICLES {
        return stay("fewer than 30 articles are too few to tell their shares");
    }
    let given = from;
    let from = normalized(from);
    let ratios = ratios(probabilities, &from);
    let plain = climb(&ratios, &from, 0.0, 0.0);
    let fit: f64 = mixed(&ratios, &plain.shares).map(libm::log).sum();
    let kept = |reason| Estimate {
        shares: given.to_vec(),
        plain: plain.shares.clone(),
        moved: false,
        reason,
        n,
        iterations: plain.iterations,
        converged: plain.converged,
    };
    // At the training shares each row is 1, and its logarithm 0.
    if chi_square_tail(2.0 * fit, from.len() - 1) > SIGNIFICANCE {
        return kept("the articles differ from the training shares by no more than chance");
    }
    if (0..from.len()).any(|class| is_misfit(&ratios, &plain.shares, class)) {
        return kept("no shares of the classes explain the scores: the articles are not like the training's");
    }
    let guarded = climb(&ratios, &from, (PULL * n as f64).max(MIN_PULL), FLOOR);
    Estimate {
        shares: guarded.shares,
        plain: plain.shares.clone(),
        moved: true,
        reason: MOVED,
        n,
        iterations: plain.iterations + guarded.iterations,
        converged: plain.converged && guarded.converged,
    }
}

/// Whether `from` are shares, and every row probabilities of as many classes.
fn fits(probabilities: &[Vec<f64>], from: &[f64]) -> bool {
    let sums_to_one = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE; // false for NaN
    sums_to_one(from)
        && from.iter().all(|&share| share >= LEAST)
        && (probabilities.iter())
            .all(|row| row.len() == from.len() && row.iter().all(|&p| p >= 0.0) && sums_to_one(row))
}

/// p(x | class) / p(x) in training, which is all that EM sees of an article x: one number a class, article
/// by article, in an order that does not depend on the given one.
fn ratios(probabilities: &[Vec<f64>], from: &[f64]) -> Vec<f64> {
    let mut rows: Vec<&Vec<f64>> = probabilities.iter().collect();
    // Sums depend on their order in the last bits.
    rows.sort_unstable_by(|a, b| {
        let orders = a.iter().zip(b.iter()).map(|(a, b)| a.total_cmp(b));
        orders.fold(Ordering::Equal, Ordering::then)
    });
    let ratio = |row: &[f64]| -> Vec<f64> {
        let p = normalized(&row.iter().map(|p| p.max(LEAST)).collect::<Vec<f64>>());
        p.iter().zip(from).map(|(p, share)| p / share).collect()
    };
    rows.into_iter().flat_map(|row| ratio(row)).collect()
}

/// p(x) under `shares` / p(x) in training, article by article.
fn mixed(ratios: &[f64], shares: &[f64]) -> impl Iterator<Item = f64> {
    ratios
        .chunks_exact(shares.len())
        .map(move |row| row.iter().zip(shares).map(|(ratio, share)| ratio * share).sum())
}

/// Where EM came to.
struct Climb {
    shares: Vec<f64>,
    iterations: usize,
    converged: bool,
}

/// EM from the training shares to the greatest log-likelihood plus `strength` · Σ fromₖ ln shareₖ, no
/// share below `floor` of its training share. Both are concave, so there is one maximum.
fn climb(ratios: &[f64], from: &[f64], strength: f64, floor: f64) -> Climb {
    let lows: Vec<f64> = from.iter().map(|share| (floor * share).max(LEAST)).collect();
    let total = (ratios.len() / from.len()) as f64 + strength;
    let mut shares = from.to_vec();
    for iterations in 0..MAX_ITERATIONS {
        let mut slopes: Vec<f64> =
            from.iter().zip(&shares).map(|(from, share)| strength * from / share).collect();
        for (row, mixed) in ratios.chunks_exact(from.len()).zip(mixed(ratios, &shares)) {
            for (slope, ratio) in slopes.iter_mut().zip(row) {
                *slope += ratio / mixed;
            }
        }
        // A concave function lies below its tangent: no shares allowed gain more than `gap`.
        let steepest = slopes.iter().copied().fold(0.0, f64::max);
        let lowest: f64 = lows.iter().sum();
        let pinned: f64 = lows.iter().zip(&slopes).map(|(low, slope)| low * slope).sum();
        let here: f64 = shares.iter().zip(&slopes).map(|(share, slope)| share * slope).sum();
        let gap = pinned + (1.0 - lowest) * steepest - here;
        if gap <= GAP * total {
            return Climb { shares, iterations, converged: true };
        }
        // Share times slope is the number of articles expected of a class, the prior's with them.
        let expected: Vec<f64> = shares.iter().zip(&slopes).map(|(share, slope)| share * slope).collect();
        shares = fill(&expected, &lows);
    }
    Climb { shares, iterations: MAX_ITERATIONS, converged: false }
}

/// Shares in proportion to `wanted` (above 0), but none below its `lows` (which sum to less than 1): those
/// that would be are put there, and the others have what is left.
fn fill(wanted: &[f64], lows: &[f64]) -> Vec<f64> {
    let mut held = vec![false; wanted.len()];
    loop {
        let sum_where = |numbers: &[f64], is_held: bool| -> f64 {
            numbers.iter().zip(&held).filter(|(_, held)| **held == is_held).map(|(number, _)| number).sum()
        };
        let scale = (1.0 - sum_where(lows, true)) / sum_where(wanted, false);
        let shares: Vec<f64> = (0..wanted.len())
            .map(|class| if held[class] { lows[class] } else { wanted[class] * scale })
            .collect();
        let low: Vec<usize> = (0..wanted.len()).filter(|&class| shares[class] < lows[class]).collect();
        if low.is_empty() {
            return shares;
        }
        for class in low {
            held[class] = true;
        }
    }
}

/// Whether a class that vanished under `shares` did so although the scores do not allow it; see
/// [`MISFIT`].
fn is_misfit(ratios: &[f64], shares: &[f64], class: usize) -> bool {
    if shares[class] >= VANISHED {
        return false;
    }
    let rows = ratios.chunks_exact(shares.len());
    let logs: Vec<f64> =
        rows.zip(mixed(ratios, shares)).map(|(row, mixed)| libm::log(row[class] / mixed)).collect();
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>() / (n - 1.0);
    let error = libm::sqrt(variance / n + variance * variance / (2.0 * (n - 1.0)));
    mean + variance / 2.0 < -MISFIT * error
}

/// The probability that a chi-square variable of `freedom` degrees, at least 1, is above `x`.
///
/// Q(a, y) with a = freedom / 2 and y = x / 2, from Q(½, y) = erfc √y or Q(1, y) = exp(-y) by
/// Q(a + 1, y) = Q(a, y) + yᵃ exp(-y) / Γ(a + 1): Abramowitz and Stegun, 6.5.21. O(freedom).
fn chi_square_tail(x: f64, freedom: usize) -> f64 {
    let y = x.max(0.0) / 2.0;
    let (mut a, mut tail, mut term) = if freedom.is_multiple_of(2) {
        (1.0, libm::exp(-y), y * libm::exp(-y))
    } else {
        let root = libm::sqrt(y);
        (0.5, libm::erfc(root), root * libm::exp(-y) * std::f64::consts::FRAC_2_SQRT_PI)
    };
    for _ in 1..freedom.div_ceil(2) {
        tail += term;
        a += 1.0;
        term *= y / a;
    }
    tail
}

/// Scaled to sum to 1.
fn normalized(numbers: &[f64]) -> Vec<f64> {
    let sum: f64 = numbers.iter().sum();
    numbers.iter().map(|number| number / sum).collect()
}

/// Above 0, and a number.
fn is_positive(number: f64) -> bool {
    number > 0.0 && number.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn classes() -> Vec<String> {
        ["favor", "against", "none"].map(str::to_owned).to_vec()
    }

    fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
    }

    #[test]
    fn tails_of_chi_square_are_those_of_tables() {
        for (x, freedom, tail) in [
            (3.841458820694124, 1, 0.05),
            (5.991464547107979, 2, 0.05),
            (7.814727903251179, 3, 0.05),
            (9.487729036781154, 4, 0.05),
            (18.307038053275146, 10, 0.05),
            (6.634896601021213, 1, 0.01),
            (13.276704135987622, 4, 0.01),
            (4.351460191095526, 5, 0.5),
        ] {
            assert!((chi_square_tail(x, freedom) - tail).abs() < 1e-12, "{x} {freedom}");
        }
        assert_eq!(
            [chi_square_tail(0.0, 3), chi_square_tail(-1.0, 2), chi_square_tail(1e9, 5)],
            [1.0, 1.0, 0.0]
        );
    }

    #[test]
    fn shares_below_the_floor_are_put_there_and_the_others_have_the_rest() {
        assert!(close(&fill(&[1.0, 2.0, 7.0], &[0.05; 3]), &[0.1, 0.2, 0.7], 1e-15));
        assert!(close(
            &fill(&[1.0, 2.0, 7.0], &[0.2, 0.05, 0.05]),
            &[0.2, 0.8 * 2.0 / 9.0, 0.8 * 7.0 / 9.0],
            1e-15
        ));
        // Room made for the first pushes the second down to its own.
        assert!(close(&fill(&[1.0, 2.1, 7.0], &[0.2, 0.2, 0.1]), &[0.2, 0.2, 0.6], 1e-15));
    }

    #[test]
    fn probabilities_follow_the_shares() {
        let moved = shift(&[0.5, 0.5], &[0.5, 0.5], &[0.9, 0.1]);
        assert!(close(&moved, &[0.9, 0.1], 1e-15));
        // 0.6 · 0.1 / 0.4, 0.4 · 0.9 / 0.6
        assert!(close(&shift(&[0.6, 0.4], &[0.4, 0.6], &[0.1, 0.9]), &[0.2, 0.8], 1e-15));
        assert!(shift(&[0.0, 1.0], &[0.5, 0.5], &[0.1, 0.9])[0] > 0.0);
    }

    #[test]
    fn what_does_not_fit_is_given_back() {
        let p = [0.3, 0.7];
        for (from, to) in [
            (&[0.5][..], &[0.5, 0.5][..]),
            (&[0.5, 0.5], &[1.0]),
            (&[0.0, 1.0], &[0.5, 0.5]),
            (&[0.5, 0.5], &[f64::NAN, 0.5]),
            (&[1e-320, 1.0], &[1.0, 1e-320]),
        ] {
            assert_eq!(shift(&p, from, to), p);
        }
        assert!(shift(&[f64::NAN, 1.0], &[0.5, 0.5], &[0.1, 0.9])[0].is_nan());
        assert!(shift(&[], &[], &[]).is_empty());
    }

    #[test]
    fn named_shares_are_read() {
        let from = [0.3, 0.1, 0.6];
        let read = |given: &str| parse(given, &classes(), &from).unwrap();
        assert!(close(&read("none=0.75,favor=0.1,against=0.15"), &[0.1, 0.15, 0.75], 1e-15));
        assert!(close(&read(" None = 0.8 "), &[0.15, 0.05, 0.8], 1e-15));
        let thirds = read("none=0.3333333,favor=0.3333333,against=0.3333333");
        assert!(close(&thirds, &[1.0 / 3.0; 3], 1e-15));
        // Without shares of training the rest is shared equally.
        assert!(close(&parse("none=0.8", &classes(), &[]).unwrap(), &[0.1, 0.1, 0.8], 1e-15));
    }

    #[test]
    fn faults_of_named_shares_are_named_with_the_remedy() {
        let from = [0.3, 0.1, 0.6];
        for (given, fault, remedy) in [
            ("", "«» is not of the form", "none=0.75"),
            ("0.75", "«0.75» is not of the form", "favor, against, none"),
            ("none=0,75", "«75» is not of the form", "none=0.75"),
            ("neutral=0.7", "«neutral» is no class", "favor, against, none"),
            ("none=0.7,NONE=0.1", "NONE is given twice", "one share"),
            ("none=0", "can never be found", "small share"),
            ("none=1", "all other classes impossible", "none=0.98"),
            ("none=75", "none=75 is no share", "0.75"),
            ("none=75%", "none=75% is no share", "0.75"),
            ("none=-0.1", "none=-0.1 is no share", "between 0 and 1"),
            ("none=NaN", "none=NaN is no share", "between 0 and 1"),
            ("none=0.8,favor=0.3", "sum to 1.1, more than 1", "lower"),
            ("none=0.8,favor=0.2", "nothing is left for against", "lower the other shares"),
            ("none=0.5,favor=0.2,against=0.2", "sum to 0.9", "favor, against, none"),
        ] {
            let error = parse(given, &classes(), &from).unwrap_err();
            assert!(error.contains(fault) && error.contains(remedy), "{given}: {error}");
        }
    }

    #[test]
    fn what_cannot_be_estimated_stays() {
        let rows = vec![vec![0.2, 0.8]; 40];
        let from = [0.5, 0.5];
        let with = |row: Vec<f64>| [rows.clone(), vec![row]].concat();
        for (rows, from) in [
            (vec![], &from[..]),
            (rows[..29].to_vec(), &from),
            (with(vec![f64::NAN, 1.0]), &from),
            (with(vec![1.0]), &from),
            (with(vec![0.2, 0.9]), &from),
            (with(vec![-0.2, 1.2]), &from),
            (rows.clone(), &[]),
            (rows.clone(), &[1.0]),
            (rows.clone(), &[0.5, 0.9]),
            (rows.clone(), &[0.0, 1.0]),
            (vec![vec![1.0]; 40], &[1.0]),
        ] {
            let found = estimate(&rows, from);
            assert_eq!((found.moved, found.n, found.shares.as_slice()), (false, rows.len(), from));
        }
        assert!(!estimate(&rows, &[f64::NAN, 0.5]).moved);
    }

    #[test]
    fn the_reason_names_the_least_number_of_articles() {
        let found = estimate(&vec![vec![0.2, 0.8]; MIN_ARTICLES - 1], &[0.5, 0.5]);
        assert!(found.reason.contains(&MIN_ARTICLES.to_string()));
    }

    #[test]
    fn scores_that_say_nothing_move_nothing() {
        let found = estimate(&vec![vec![0.2, 0.3, 0.5]; 100], &[0.2, 0.3, 0.5]);
        assert!(!found.moved && found.converged && found.reason.contains("chance"));
    }

    #[test]
    fn scores_that_no_shares_explain_move_nothing() {
        // Were these two classes as in training, some article would look more like the first.
        let found = estimate(&vec![vec![0.2, 0.8]; 100], &[0.5, 0.5]);
        assert!(!found.moved && found.reason.contains("explain"));
        assert!(close(&found.plain, &[0.0, 1.0], 1e-6));
    }

    #[test]
    fn certain_scores_give_their_count_drawn_by_the_prior() {
        let mut rows = vec![vec![1.0, 0.0]; 20];
        rows.extend(vec![vec![0.0, 1.0]; 180]);
        let found = estimate(&rows, &[0.5, 0.5]);
        assert!(found.moved && found.converged);
        assert!(close(&found.plain, &[0.1, 0.9], 1e-6));
        // (20 + 20 · ½) / (200 + 20) = 0.136
        assert!(close(&found.shares, &[30.0 / 220.0, 190.0 / 220.0], 1e-6));
    }

    /// Rows of probabilities with `k` classes, and shares.
    fn batches() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<f64>)> {
        (2_usize..5, 0_usize..80, 0.1..4.0_f64).prop_flat_map(|(k, n, spread)| {
            let row = prop::collection::vec(-spread..spread, k).prop_map(|logits| {
                normalized(&logits.iter().map(|&logit| libm::exp(logit)).collect::<Vec<_>>())
            });
            let from = prop::collection::vec(0.05..1.0_f64, k).prop_map(|shares| normalized(&shares));
            (prop::collection::vec(row, n), from)
        })
    }

    proptest! {
        #[test]
        fn shares_sum_to_one_and_keep_the_floor((rows, from) in batches()) {
            let found = estimate(&rows, &from);
            for shares in [&found.shares, &found.plain] {
                prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            prop_assert!(found.shares.iter().zip(&from).all(|(share, from)| *share >= FLOOR * from - 1e-15));
            prop_assert!(found.plain.iter().all(|&share| share > 0.0));
            prop_assert!(found.moved || found.shares == from);
        }

        #[test]
        fn the_order_of_articles_changes_nothing((rows, from) in batches(), by in 0_usize..80) {
            let mut other = rows.clone();
            other.rotate_left(by % rows.len().max(1));
            other.reverse();
            prop_assert_eq!(estimate(&rows, &from), estimate(&other, &from));
        }

        #[test]
        fn no_shares_near_are_more_likely((rows, from) in batches(), toward in prop::collection::vec(0.01..1.0_f64, 5)) {
            prop_assume!(!rows.is_empty());
            let ratios = ratios(&rows, &from);
            let strength = 10.0;
            let worth = |shares: &[f64]| -> f64 {
                let prior: f64 = from.iter().zip(shares).map(|(from, &share)| strength * from * libm::log(share)).sum();
                mixed(&ratios, shares).map(libm::log).sum::<f64>() + prior
            };
            let best = climb(&ratios, &from, strength, FLOOR);
            prop_assert!(best.converged);
            // Any shares that keep the floor.
            let other = normalized(&toward[..from.len()]);
            let other: Vec<f64> = other.iter().zip(&from).map(|(o, f)| FLOOR * f + (1.0 - FLOOR) * o).collect();
            prop_assert!(worth(&other) <= worth(&best.shares) + 1e-9);
        }

        #[test]
        fn shifted_probabilities_sum_to_one_and_come_back(
            (rows, from) in batches(), to in prop::collection::vec(0.05..1.0_f64, 5),
        ) {
            let to = normalized(&to[..from.len()]);
            for row in &rows {
                let moved = shift(row, &from, &to);
                prop_assert!((moved.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                prop_assert!(moved.iter().all(|&p| p > 0.0));
                prop_assert!(close(&shift(&moved, &to, &from), row, 1e-9));
                prop_assert_eq!(&shift(row, &from, &from), row);
            }
        }

        #[test]
        fn nothing_panics(
            rows in prop::collection::vec(prop::collection::vec(prop::num::f64::ANY, 0..4), 0..40),
            from in prop::collection::vec(prop::num::f64::ANY, 0..4), given in "[a-z=,0-9. ]{0,20}",
        ) {
            estimate(&rows, &from);
            for row in &rows {
                shift(row, &from, &from);
                shift(row, &from, row);
            }
            let _ = parse(&given, &classes(), &from);
            let _ = parse(&given, &[], &from);
        }

        #[test]
        fn named_shares_sum_to_one(favor in 0.01..0.5_f64, none in 0.01..0.49_f64) {
            let shares = parse(&format!("favor={favor},none={none}"), &classes(), &[0.3, 0.3, 0.4]).unwrap();
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(shares.iter().all(|&share| share > 0.0 && share < 1.0));
        }
    }
}
