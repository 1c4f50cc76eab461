//! Which classes a document may well have: conformal prediction sets, class by class.
//!
//! # The promise
//!
//! A set at level 0.9 holds a document's true class with probability 0.9 at least, *whichever class
//! that is*. A class is left out where the document's probability of it is lower than nearly all
//! examples of that class were given for it, and each class is compared with its own examples only:
//! this is the class-conditional (Mondrian) form of Vovk, Gammerman and Shafer 2005, "Algorithmic
//! Learning in a Random World", and Vovk 2012, "Conditional validity of inductive conformal predictors",
//! ACML. Without it a rare class would pay for the ease of a common one. Comparing within a class
//! also means that the promise outlasts a change of how common the classes are, as long as the
//! documents of each class stay what they were.
//!
//! # The score
//!
//! The nonconformity of a class is 1 - p, with p the probability that the document was given for it.
//! Only the order counts, so -ln p or the class's log-odds would give the very same sets. Of all sets
//! that keep the promise for each class, those made by thresholds of the true p are the smallest on
//! average (Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued classifiers with bounded error
//! levels", JASA 114); the better p is calibrated, the nearer these come to that. The promise itself
//! wants no calibration. What is kept and compared is p itself: 1 - p would round small p together.
//!
//! # What it rests on
//!
//! The promise is exact where a document and the examples of its class come in random order
//! (exchangeable) and all were scored by one model that saw none of them. Out-of-fold probabilities
//! pooled over folds, with the new document scored by the model of all examples, come close to that
//! but without proof: it is a shortcut of cross-conformal prediction (Vovk 2015, "Cross-conformal
//! predictors", Annals of Mathematics and Artificial Intelligence 74), which would score the document
//! with each fold's model. Coverage tends to be a little above what is promised, since a fold's model
//! has seen fewer examples than the last one; but probabilities of another scale (a calibration that
//! was fitted on the very examples, say) can break the promise either way. Where examples come in groups
//! (outlets), the folds must hold whole groups out, and the coverage of one new outlet may still be far
//! from the mean.
//!
//! # Weights
//!
//! An example with a weight above 0 counts once, whatever its weight. A weighted form needs weights
//! that are ratios of how likely an example is here and in use, the new document's own among them
//! (Tibshirani, Barber, Candès and Ramdas 2019, "Conformal prediction under covariate shift", `NeurIPS`);
//! how sure an annotator was is no such ratio, and taking it for one would leave the promise without
//! ground.

use serde::{Deserialize, Serialize};

/// Most numbers kept of one class. Part of the file's format: see [`Conformal::check`].
pub const KEPT: usize = 200;

/// 1 - level is raised by this share, so that what is a tie on paper is one here: 1 - 0.9 is a little
/// less than 1 / 10 in binary, and 9 examples would otherwise not do for level 0.9.
const ROUNDING: f64 = 1e-9;

/// What the examples of one class were given for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassScores {
    /// Number of examples of the class.
    pub n: usize,
    /// Their probabilities of it, in `[0, 1]`, rising: all of them, or [`KEPT`] of more, the first and
    /// the last among them. Of 0, 1, … in `m` kept, the i-th has ⌈(n - 1) i² / (m - 1)²⌉ examples
    /// before it (and at least i): the lower, the denser, since that is where sets are decided.
    pub scores: Vec<f64>,
}

/// What prediction sets of any level are made from; one entry a class. See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conformal {
    /// The classes, in the axis's order.
    pub classes: Vec<ClassScores>,
}

impl ClassScores {
    /// Keeps what is needed of one class's probabilities, in any order. O(n log n).
    fn new(mut all: Vec<f64>) -> Self {
        all.sort_unstable_by(f64::total_cmp);
        let (n, kept) = (all.len(), all.len().min(KEPT));
        ClassScores { n, scores: (0..kept).map(|index| all[rank(index, kept, n)]).collect() }
    }

    /// How many examples have `p` or less; of a thinned class how many may have. O(log [`KEPT`]).
    fn at_most(&self, p: f64) -> usize {
        let kept = self.scores.len();
        let below = self.scores.partition_point(|&score| score <= p);
        // The next one kept is above p, so only the examples before it may not be.
        if below < kept { rank(below, kept, self.n) } else { self.n }
    }

    /// (1 + `at_most`) / (n + 1).
    fn share(&self, at_most: usize) -> f64 {
        (at_most as f64 + 1.0) / (self.n as f64 + 1.0)
    }

    fn check(&self) -> Result<(), String> {
        let wanted = self.n.min(KEPT);
        if self.scores.len() != wanted {
            return Err(format!("{} examples want {wanted} scores, not {}", self.n, self.scores.len()));
        }
        if !self.scores.iter().all(|score| (0.0..=1.0).contains(score)) {
            return Err("a score is not within 0 and 1".to_owned());
        }
        if !self.scores.is_sorted() {
            return Err("the scores are not sorted".to_owned());
        }
        Ok(())
    }
}

/// How many of `n` sorted examples come before the one that is kept as number `index` of `kept`.
///
/// With up to `n` kept it rises with `index`, from 0 to n - 1; with all of `n` kept it is `index`.
fn rank(index: usize, kept: usize, n: usize) -> usize {
    let square = |number: usize| (number as u128).saturating_mul(number as u128);
    let last = n.saturating_sub(1);
    let spread = (last as u128).saturating_mul(square(index)).div_ceil(square(kept.saturating_sub(1)).max(1));
    usize::try_from(spread).unwrap_or(last).max(index).min(last)
}

impl Conformal {
    /// Learns from probabilities that each example was given by a fit that had not seen it.
    ///
    /// `probabilities[row]` holds one probability a class, `classes[row]` is the true class, and
    /// `weights[row]` says whether the row counts (above 0) or not; no weights at all: all count. Left
    /// out are also rows beyond the shortest slice, those of a class outside `0..n_classes`, and those
    /// whose probability of their class is missing, NaN or outside `[0, 1]`: [`ClassScores::n`] says
    /// how many were counted. The order of rows does not matter. O(rows · log rows).
    pub fn fit(probabilities: &[Vec<f64>], classes: &[usize], weights: &[f64], n_classes: usize) -> Self {
        let mut of_class = vec![Vec::new(); n_classes];
        for (row, (given, &class)) in probabilities.iter().zip(classes).enumerate() {
            let counts = weights.is_empty() || weights.get(row).is_some_and(|&weight| weight > 0.0);
            let score = given.get(class).copied().filter(|p| counts && (0.0..=1.0).contains(p));
            if let (Some(scores), Some(p)) = (of_class.get_mut(class), score) {
                scores.push(p);
            }
        }
        Conformal { classes: of_class.into_iter().map(ClassScores::new).collect() }
    }

    /// Checks what was read from a file. What passes, and what does not, can be asked anything without
    /// panic; only what passes gives answers that mean something.
    ///
    /// # Errors
    /// Says what is wrong: the number of classes; or of a class, that the number of scores is not n or
    /// [`KEPT`], whichever is less, or that they are not rising numbers within 0 and 1.
    pub fn check(&self, n_classes: usize) -> Result<(), String> {
        if self.classes.len() != n_classes {
            return Err(format!("scores of {n_classes} classes are wanted, not of {}", self.classes.len()));
        }
        for (class, scores) in self.classes.iter().enumerate() {
            scores.check().map_err(|what| format!("class {class}: {what}"))?;
        }
        Ok(())
    }

    /// How well a document that was given the probability `p` for `class` goes with its examples, from
    /// 1 / (n + 1) to 1: (1 + examples that were given `p` or less) / (n + 1). Were it one of the class,
    /// this would be at most α with a probability of at most α, for any α.
    ///
    /// Ties count in full, which errs on the safe side, as thinning does: of more than [`KEPT`]
    /// examples the result may be too high by up to 0.0101 · √result (0.0032 around 0.1), and is
    /// never too low. 1 where nothing speaks against the class: where it has no examples or is none of
    /// the classes, and where `p` is NaN. O(log [`KEPT`]).
    pub fn p_value(&self, class: usize, p: f64) -> f64 {
        match self.classes.get(class) {
            Some(scores) if !p.is_nan() => scores.share(scores.at_most(p)),
            _ => 1.0,
        }
    }

    /// The prediction set: of each class whether it is in, that is, whether its p-value is above
    /// 1 - `level`. All may be out: then the document is odd for each class alike ("nothing
    /// conforms"). The most probable class, or the one decided on, need not be in.
    ///
    /// `probabilities` holds one a class, of the same making as those learned from; `level`, in
    /// `(0, 1)`, is the share of each class's documents whose set holds the class.
    ///
    /// `None` where a class has too few examples ever to be left out, n + 1 < 1 / (1 - `level`) (fewer
    /// than 9 for 0.9, 19 for 0.95): such a set would speak of the examples and not of the document.
    /// Also where `level` is not within `(0, 1)`, or `probabilities` are not one finite number a class.
    /// O(classes · log [`KEPT`]).
    pub fn set(&self, probabilities: &[f64], level: f64) -> Option<Vec<bool>> {
        let mut set = Vec::new();
        self.set_into(probabilities, level, &mut set).then_some(set)
    }

    /// As [`Conformal::set`], into `set`; `false` for `None`, which leaves it empty.
    pub(crate) fn set_into(&self, probabilities: &[f64], level: f64, set: &mut Vec<bool>) -> bool {
        set.clear();
        let fits = probabilities.len() == self.classes.len() && probabilities.iter().all(|p| p.is_finite());
        if !(fits && level > 0.0 && level < 1.0) {
            return false;
        }
        let least = (1.0 - level) * (1.0 + ROUNDING);
        if self.classes.iter().any(|scores| scores.share(0) > least) {
            return false;
        }
        set.extend((0..).zip(probabilities).map(|(class, &p)| self.p_value(class, p) > least));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::rng::RngSeed;

    /// One class with these scores, all others without examples.
    fn one(scores: &[f64]) -> Conformal {
        let rows: Vec<Vec<f64>> = scores.iter().map(|&p| vec![p]).collect();
        Conformal::fit(&rows, &vec![0; scores.len()], &[], 1)
    }

    /// How common the classes of the simulation are.
    const PRIORS: [f64; 3] = [0.8, 0.15, 0.05];

    /// What a document of `class` is given: the true probabilities, from one feature that is spread
    /// around 0, 2 or 4 (logistic distribution).
    fn draw(rng: &mut ChaCha8Rng, class: usize) -> Vec<f64> {
        let u: f64 = rng.gen_range(1e-9..1.0);
        let x = 2.0 * class as f64 + libm::log(u / (1.0 - u));
        let joint = |class: usize| {
            let e = libm::exp(-(x - 2.0 * class as f64).abs());
            PRIORS[class] * e / ((1.0 + e) * (1.0 + e))
        };
        let total: f64 = (0..3).map(joint).sum();
        (0..3).map(|class| joint(class) / total).collect()
    }

    #[test]
    fn every_class_is_covered_which_one_threshold_for_all_would_not_do() {
        const LEVEL: f64 = 0.9;
        const ROUNDS: usize = 300;
        const DRAWN: usize = 400; // new documents a class and round
        let mut rng = RngSeed::default().stream("conformal");
        let (mut expected, mut variance) = ([0.0; 3], [0.0; 3]);
        let (mut covered, mut covered_by_one) = ([0.0; 3], [0.0; 3]);
        for _ in 0..ROUNDS {
            let classes: Vec<usize> = (0..600)
                .map(|_| {
                    let u: f64 = rng.r#gen();
                    usize::from(u > PRIORS[0]) + usize::from(u > PRIORS[0] + PRIORS[1])
                })
                .collect();
            let rows: Vec<Vec<f64>> = classes.iter().map(|&class| draw(&mut rng, class)).collect();
            let by_class = Conformal::fit(&rows, &classes, &[], 3);
            let of_all: Vec<f64> = rows.iter().zip(&classes).map(|(row, &class)| row[class]).collect();
            let of_all = one(&of_all);
            for class in 0..3 {
                // The class is left out of one in its set where p is below the r-th of n sorted scores:
                // by symmetry, r of n + 1 times.
                let scores = &by_class.classes[class];
                let (n, kept) = (scores.n as f64, scores.scores.len());
                let ranks = (0..kept).map(|index| rank(index, kept, scores.n) as f64 + 1.0);
                let r = ranks.filter(|&r| r <= 0.1 * (n + 1.0)).fold(0.0, f64::max);
                expected[class] += (1.0 - r / (n + 1.0)) / ROUNDS as f64;
                variance[class] += 0.09 * (1.0 / n + 1.0 / DRAWN as f64) / (ROUNDS * ROUNDS) as f64;
                for _ in 0..DRAWN {
                    let row = draw(&mut rng, class);
                    let share = 1.0 / (ROUNDS * DRAWN) as f64;
                    covered[class] += if by_class.set(&row, LEVEL).unwrap()[class] { share } else { 0.0 };
                    let inside = of_all.set(&row[class..=class], LEVEL).unwrap()[0];
                    covered_by_one[class] += if inside { share } else { 0.0 };
                }
            }
        }
        let said = format!("expected {expected:?}, got {covered:?}, by one threshold {covered_by_one:?}");
        for class in 0..3 {
            let error = variance[class].sqrt();
            assert!((covered[class] - expected[class]).abs() < 4.0 * error, "{said}");
            assert!(covered[class] > LEVEL - 4.0 * error && expected[class] >= LEVEL, "{said}");
        }
        // One threshold for all keeps its promise on average only, at the cost of the rare classes.
        let mean: f64 = PRIORS.iter().zip(covered_by_one).map(|(prior, covered)| prior * covered).sum();
        assert!((mean - LEVEL).abs() < 0.01, "{said}");
        assert!(covered_by_one[0] > 0.95 && covered_by_one[2] < 0.7, "{said}");
    }

    #[test]
    fn p_values_and_sets_by_hand() {
        let rows = [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]].map(|row| row.to_vec());
        let conformal = Conformal::fit(&rows, &[0, 0, 0, 1, 1], &[], 2);
        assert_eq!(conformal.classes[0], ClassScores { n: 3, scores: vec![0.6, 0.6, 0.9] });
        assert_eq!(conformal.classes[1], ClassScores { n: 2, scores: vec![0.2, 0.7] });
        for (class, p, golden) in [
            (0, 0.5, 1.0 / 4.0),
            (0, 0.6, 3.0 / 4.0),
            (0, 0.89, 3.0 / 4.0),
            (0, 0.9, 1.0),
            (1, 0.19, 1.0 / 3.0),
            (1, 0.5, 2.0 / 3.0),
            (1, 1.0, 1.0),
        ] {
            assert_eq!(conformal.p_value(class, p), golden, "class {class}, p {p}");
        }
        // 1/4 and 1 against 0.4 (level 0.6), and so on.
        assert_eq!(conformal.set(&[0.3, 0.7], 0.6), Some(vec![false, true]));
        assert_eq!(conformal.set(&[0.6, 0.4], 0.6), Some(vec![true, true]));
        assert_eq!(conformal.set(&[0.5, 0.1], 0.6), Some(vec![false, false]));
        assert_eq!(conformal.set(&[0.6, 0.4], 0.3), Some(vec![true, false]));
        assert_eq!(conformal.set(&[0.6, 0.4], 0.6), Some(vec![true, true]));
        // The second class, 2 examples, is never below 1/3.
        assert_eq!(conformal.set(&[0.6, 0.4], 0.7), None);
    }

    #[test]
    fn the_fewest_examples_of_a_level() {
        for (level, fewest) in [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999)] {
            let scores: Vec<f64> = (1..=fewest).map(|i| f64::from(i) / 1000.0).collect();
            assert_eq!(one(&scores).set(&[0.0], level), Some(vec![false]), "level {level}");
            assert_eq!(one(&scores).set(&[0.001], level), Some(vec![true]), "level {level}");
            assert_eq!(one(&scores[1..]).set(&[0.0], level), None, "level {level}");
        }
    }

    #[test]
    fn rows_that_do_not_fit_or_have_no_weight_are_left_out() {
        let rows = [0.1, 0.2, f64::NAN, 1.5, -0.1, 0.6, 0.7, 0.8].map(|p| vec![p]);
        let classes = [0, 0, 0, 0, 0, 1, 0, 0];
        let weights = [0.3, 0.0, 1.0, 1.0, 1.0, 1.0, f64::NAN, 2.0];
        assert_eq!(Conformal::fit(&rows, &classes, &weights, 1), one(&[0.1, 0.8]));
        assert_eq!(Conformal::fit(&rows, &classes, &[], 1), one(&[0.1, 0.2, 0.7, 0.8]));
        assert_eq!(Conformal::fit(&rows, &classes, &weights[..1], 1), one(&[0.1]));
        assert_eq!(Conformal::fit(&rows, &classes[..1], &[], 1), one(&[0.1]));
        // A row without a probability of its class is not one of that class.
        assert_eq!(Conformal::fit(&rows, &classes, &[], 2).classes[1].n, 0);
    }

    #[test]
    fn where_nothing_is_known_nothing_is_excluded() {
        let conformal = one(&[0.5; 30]);
        assert_eq!(conformal.p_value(0, f64::NAN), 1.0);
        assert_eq!(conformal.p_value(1, 0.0), 1.0);
        assert_eq!(Conformal::fit(&[], &[], &[], 2).p_value(1, 0.0), 1.0);
        assert_eq!(Conformal::fit(&[], &[], &[], 2).set(&[0.5, 0.5], 0.9), None);
        for level in [f64::NAN, -1.0, 0.0, 1.0, 2.0, f64::INFINITY] {
            assert_eq!(conformal.set(&[0.5], level), None);
        }
        for given in [&[][..], &[0.5, 0.5], &[f64::NAN], &[f64::INFINITY]] {
            assert_eq!(conformal.set(given, 0.9), None);
        }
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused() {
        let good = one(&[0.2, 0.2, 0.9]);
        assert_eq!(good.check(1), Ok(()));
        assert_eq!(one(&[]).check(1), Ok(()));
        assert!(good.check(2).unwrap_err().contains("2 classes"));
        let with =
            |n, scores: &[f64]| Conformal { classes: vec![ClassScores { n, scores: scores.to_vec() }] };
        for (bad, what) in [
            (with(0, &[0.5]), "want 0 scores"),
            (with(3, &[0.5]), "want 3 scores"),
            (with(500, &[0.5; KEPT - 1]), "want 200 scores"),
            (with(500, &[0.5; KEPT + 1]), "want 200 scores"),
            (with(2, &[0.5, 0.4]), "sorted"),
            (with(2, &[0.5, 1.1]), "within"),
            (with(2, &[-0.1, 0.5]), "within"),
            (with(2, &[0.5, f64::NAN]), "within"),
            (with(2, &[0.5, f64::INFINITY]), "within"),
        ] {
            let said = bad.check(1).unwrap_err();
            assert!(said.contains(what) && said.starts_with("class 0"), "{said}");
        }
        for text in [
            r#"{"classes":[{"n":1,"scores":[0.5],"more":1}]}"#,
            r#"{"classes":[],"more":1}"#,
            r#"{"classes":[{"n":-1,"scores":[]}]}"#,
            r#"{"classes":[{"n":1}]}"#,
        ] {
            assert!(serde_json::from_str::<Conformal>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranks_rise_from_the_first_to_the_last() {
        for n in [1, 2, 3, 199, 200, 201, 399, 1000, 39601, 1_000_000] {
            let kept = KEPT.min(n);
            let ranks: Vec<usize> = (0..kept).map(|index| rank(index, kept, n)).collect();
            assert_eq!((ranks[0], ranks[kept - 1]), (0, n - 1));
            assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{n}");
            assert!(n > KEPT || ranks.into_iter().eq(0..n));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn thinning_never_makes_a_set_smaller(
            // Few different values make ties, many make none.
            (scale, all) in (1u32..2000).prop_flat_map(|scale| {
                (Just(scale), prop::collection::vec(0..=scale, 1..1500))
            }),
            asked in prop::collection::vec(0.0..1.0_f64, 20),
        ) {
            let all: Vec<f64> = all.iter().map(|&p| f64::from(p) / f64::from(scale)).collect();
            let conformal = one(&all);
            prop_assert_eq!(conformal.check(1), Ok(()));
            for &p in asked.iter().chain(&all[..all.len().min(50)]) {
                let at_most = all.iter().filter(|&&score| score <= p).count();
                let exact = (at_most as f64 + 1.0) / (all.len() as f64 + 1.0);
                let got = conformal.p_value(0, p);
                prop_assert!(got >= exact && got <= 1.0);
                prop_assert!(got - exact <= 0.0101 * got.sqrt());
                prop_assert!(all.len() > KEPT || got == exact);
            }
        }

        #[test]
        fn the_order_of_examples_does_not_matter(
            (rows, shuffled) in prop::collection::vec((0usize..3, 0.0..1.0_f64), 0..700)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            let fit = |rows: &[(usize, f64)]| {
                let given: Vec<Vec<f64>> = rows.iter().map(|row| vec![row.1; 3]).collect();
                Conformal::fit(&given, &rows.iter().map(|row| row.0).collect::<Vec<_>>(), &[], 3)
            };
            let conformal = fit(&rows);
            prop_assert_eq!(&conformal, &fit(&shuffled));
            let text = serde_json::to_string(&conformal).unwrap();
            prop_assert_eq!(conformal, serde_json::from_str::<Conformal>(&text).unwrap());
        }

        #[test]
        fn a_higher_level_and_a_higher_probability_only_add_classes(
            all in prop::collection::vec(0.0..1.0_f64, 1..400), p in 0.0..1.0_f64, more in 0.0..1.0_f64,
            level in 0.01..0.99_f64, higher in 0.01..0.99_f64,
        ) {
            let conformal = one(&all);
            prop_assert!(conformal.p_value(0, p) <= conformal.p_value(0, p.max(more)));
            let sets = (conformal.set(&[p], level), conformal.set(&[p], level.max(higher)));
            if let (Some(low), Some(high)) = sets {
                prop_assert!(low <= high);
            }
        }

        #[test]
        fn anything_is_taken(
            rows in prop::collection::vec(
                (prop::collection::vec(prop::num::f64::ANY, 0..4), any::<u8>()), 0..30,
            ),
            weights in prop::collection::vec(prop::num::f64::ANY, 0..40), n_classes in 0usize..5,
            n in any::<usize>(), scores in prop::collection::vec(prop::num::f64::ANY, 0..5),
            class in any::<usize>(), p in prop::num::f64::ANY, level in prop::num::f64::ANY,
        ) {
            let given: Vec<Vec<f64>> = rows.iter().map(|row| row.0.clone()).collect();
            let classes: Vec<usize> = rows.iter().map(|row| usize::from(row.1) % 6).collect();
            let fitted = Conformal::fit(&given, &classes, &weights, n_classes);
            prop_assert_eq!(fitted.check(n_classes), Ok(()));
            let unchecked = Conformal { classes: vec![ClassScores { n, scores: scores.clone() }] };
            let _ = unchecked.check(1);
            for conformal in [fitted, unchecked] {
                for class in [class, 0, 1] {
                    let value = conformal.p_value(class, p);
                    prop_assert!(value > 0.0 && value <= 1.0);
                }
                for given in given.iter().chain([&scores, &vec![p]]) {
                    for level in [level, 0.5, 0.9] {
                        let set = conformal.set(given, level);
                        prop_assert!(set.is_none_or(|set| set.len() == given.len()));
                    }
                }
            }
        }
    }
}
