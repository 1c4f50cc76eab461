//! Calibration and decisions on simulated scores whose truth is known.

use kzstance::RngSeed;
use kzstance::evaluate::metrics::{ece, log_loss};
use kzstance::learn::calibrate::{Calibration, RARE};
use kzstance::learn::logistic::most_probable;
use kzstance::learn::prior::shift;
use kzstance::learn::{ClassWeight, Judgement, Rule, Sample, Scheme, Seen};
use proptest::prelude::*;
use rand::RngCore;
use serde_json::{Value, json};

/// Favor, against, none in the field.
const FIELD: [f64; 3] = [0.1, 0.2, 0.7];
/// Distance of each class from the origin, in standard deviations.
const APART: f64 = 1.8;

fn uniform(rng: &mut impl RngCore) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Box and Muller.
fn normal(rng: &mut impl RngCore) -> f64 {
    let (a, b) = (uniform(rng), uniform(rng));
    libm::sqrt(-2.0 * libm::log(a)) * libm::cos(std::f64::consts::TAU * b)
}

fn softmax(u: &[f64]) -> Vec<f64> {
    let most = u.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = u.iter().map(|u| libm::exp(u - most)).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// How a fit distorts what is true: log-odds times `sharpness`; balanced, as if classes (in two stages a side
/// and none, and the sides) were equally frequent.
#[derive(Debug, Clone, Copy)]
struct Fit {
    scheme: Scheme,
    class_weight: ClassWeight,
    sharpness: f64,
}

const BALANCED: Fit = Fit { scheme: Scheme::OneVsRest, class_weight: ClassWeight::Balanced, sharpness: 1.0 };
const STAGED: Fit = Fit { scheme: Scheme::TwoStage, ..BALANCED };

/// Documents with the true probabilities of their classes, and those that a fit gave them.
#[derive(Debug, Clone, Default)]
struct Drawn {
    classes: Vec<usize>,
    truth: Vec<Vec<f64>>,
    raw: Vec<Vec<f64>>,
}

impl Fit {
    fn raw(self, truth: &[f64], shares: &[f64]) -> Vec<f64> {
        let sharp = |odds: f64, share: f64| {
            let balanced = self.class_weight == ClassWeight::Balanced;
            self.sharpness * (libm::log(odds) - if balanced { libm::log(share) } else { 0.0 })
        };
        if self.scheme == Scheme::TwoStage {
            let (side, none) = (truth[0] + truth[1], truth[2]);
            let taken = sigmoid(sharp(side / none, (shares[0] + shares[1]) / shares[2]));
            let first = sigmoid(sharp(truth[0] / truth[1], shares[0] / shares[1]));
            return vec![taken * first, taken * (1.0 - first), 1.0 - taken];
        }
        softmax(&truth.iter().zip(shares).map(|(p, share)| sharp(*p, *share)).collect::<Vec<_>>())
    }

    fn draw(self, rng: &mut impl RngCore, n: usize, shares: &[f64]) -> Drawn {
        let mut drawn = Drawn::default();
        for _ in 0..n {
            let place = uniform(rng);
            let mut class = 0;
            let mut below = shares[0];
            while place > below && class + 1 < shares.len() {
                class += 1;
                below += shares[class];
            }
            self.add(rng, &mut drawn, class, shares);
        }
        drawn
    }

    fn add(self, rng: &mut impl RngCore, drawn: &mut Drawn, class: usize, shares: &[f64]) {
        let logs: Vec<f64> = (0..shares.len())
            .map(|k| libm::log(shares[k]) + APART * (normal(rng) + if k == class { APART } else { 0.0 }))
            .collect();
        let truth = softmax(&logs);
        drawn.raw.push(self.raw(&truth, shares));
        drawn.truth.push(truth);
        drawn.classes.push(class);
    }

    fn calibrate(self, drawn: &Drawn) -> Calibration {
        let sample = sample(self.scheme, drawn);
        self.calibrate_sample(&sample, drawn)
    }

    fn calibrate_sample(self, sample: &Sample, drawn: &Drawn) -> Calibration {
        let places: Vec<usize> = (0..sample.rows.len()).collect();
        let found = Calibration::fit(sample, &places, |place| drawn.raw[place].as_slice(), self.class_weight);
        assert_eq!(found.check(self.scheme, sample.n_classes), Ok(()));
        found
    }
}

fn sample(scheme: Scheme, drawn: &Drawn) -> Sample {
    let n = drawn.classes.len();
    Sample {
        rows: (0..n).collect(),
        classes: drawn.classes.clone(),
        weights: vec![1.0; n],
        foreign: vec![false; n],
        real: vec![true; n],
        n_classes: drawn.raw[0].len(),
        scheme,
    }
}

fn applied(calibration: &Calibration, drawn: &Drawn) -> Vec<Vec<f64>> {
    drawn.raw.iter().map(|raw| calibration.apply(raw)).collect()
}

fn joined(a: &Drawn, b: &Drawn) -> Drawn {
    let mut both = a.clone();
    both.classes.extend(&b.classes);
    both.truth.extend(b.truth.clone());
    both.raw.extend(b.raw.clone());
    both
}

/// The farthest that two lists of probabilities are apart.
fn distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

fn assert_probabilities(p: &[f64]) {
    assert!(p.iter().all(|p| p.is_finite() && *p > 0.0), "{p:?}");
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{p:?}");
}

/// What a calibration multiplies log-odds by, in each of its stages.
fn slopes(calibration: &Calibration) -> Vec<f64> {
    let found = serde_json::to_value(calibration).unwrap();
    found["scalings"].as_array().unwrap().iter().map(|scaling| scaling["slope"].as_f64().unwrap()).collect()
}

#[test]
fn distorted_scores_are_brought_back() {
    let shares: [&[f64]; 3] = [&[0.15, 0.85], &FIELD, &[0.05, 0.15, 0.3, 0.5]];
    let [two, three, four] = shares;
    let cases = [
        (Scheme::OneVsRest, two),
        (Scheme::OneVsRest, four),
        (Scheme::Multinomial, three),
        (Scheme::TwoStage, three),
    ];
    for (scheme, shares) in cases {
        for class_weight in [ClassWeight::Balanced, ClassWeight::None] {
            for sharpness in [0.5, 1.0, 2.0] {
                let fit = Fit { scheme, class_weight, sharpness };
                let mut rng = RngSeed(1).stream("distorted");
                let calibration = fit.calibrate(&fit.draw(&mut rng, 2000, shares));
                let fresh = fit.draw(&mut rng, 20_000, shares);
                let given = applied(&calibration, &fresh);
                given.iter().for_each(|p| assert_probabilities(p));
                let [truth, raw, loss] =
                    [&fresh.truth, &fresh.raw, &given].map(|p| log_loss(&fresh.classes, p).unwrap());
                let error = [&fresh.raw, &given].map(|p| ece(&fresh.classes, p).unwrap());
                let said = format!("{fit:?}: loss {truth:.4} {raw:.4} {loss:.4}, ECE {error:.4?}");
                println!("{said}");
                assert!(loss < truth + 0.01 && error[1] < 0.03, "{said}");
                // Without calibration it would be much worse.
                let distorted = sharpness != 1.0 || class_weight == ClassWeight::Balanced;
                assert!(!distorted || raw > truth + 0.02, "{said}");
                assert!(sharpness == 1.0 || error[0] > 0.03, "{said}");
                for class in 0..shares.len() {
                    let mean = given.iter().map(|p| p[class]).sum::<f64>() / given.len() as f64;
                    assert!((mean - shares[class]).abs() < 0.03, "{said}: class {class}, {mean:.3}");
                }
                for slope in slopes(&calibration) {
                    assert!((slope * sharpness - 1.0).abs() < 0.25, "{said}: slope {slope:.3}");
                }
            }
        }
    }
}

#[test]
fn two_examples_of_a_class_do_no_harm() {
    for fit in [BALANCED, STAGED, Fit { class_weight: ClassWeight::None, ..BALANCED }] {
        let mut rng = RngSeed(2).stream("few");
        let shares = [0.1, 0.3, 0.6];
        let fresh = fit.draw(&mut rng, 4000, &shares);
        let (mut loss, mut expected) = (0.0, 0.0);
        let mut found = Vec::new();
        for _ in 0..40 {
            let mut few = Drawn::default();
            for (class, n) in [2, 6, 12].into_iter().enumerate() {
                (0..n).for_each(|_| fit.add(&mut rng, &mut few, class, &shares));
            }
            let calibration = fit.calibrate(&few);
            let given = applied(&calibration, &fresh);
            given.iter().for_each(|p| assert_probabilities(p));
            found.extend(slopes(&calibration));
            loss += log_loss(&fresh.classes, &given).unwrap() / 40.0;
            // What one would do without fitting: shift the balanced probabilities to the shares.
            let even = if fit.scheme == Scheme::TwoStage { [0.25, 0.25, 0.5] } else { [1.0 / 3.0; 3] };
            let balanced = fit.class_weight == ClassWeight::Balanced;
            let from = if balanced { &even[..] } else { &calibration.prior };
            let plain: Vec<Vec<f64>> =
                fresh.raw.iter().map(|raw| shift(raw, from, &calibration.prior)).collect();
            expected += log_loss(&fresh.classes, &plain).unwrap() / 40.0;
        }
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        println!("{fit:?}: {loss:.4}, without fitting {expected:.4}; mean slope {mean:.3}");
        assert!((0.8..1.25).contains(&mean) && found.iter().all(|s| (0.4..2.5).contains(s)), "{found:.3?}");
        assert!(loss < expected + 0.03, "{fit:?}: {loss:.4}, without fitting {expected:.4}");
    }
}

#[test]
fn a_class_without_examples_stays_possible() {
    for scheme in [Scheme::OneVsRest, Scheme::TwoStage] {
        for missing in 0..3 {
            let fit = Fit { scheme, ..BALANCED };
            let mut rng = RngSeed(3).stream("missing");
            let mut some = Drawn::default();
            for class in (0..3).filter(|&class| class != missing) {
                (0..30).for_each(|_| fit.add(&mut rng, &mut some, class, &FIELD));
            }
            let calibration = fit.calibrate(&some);
            let shown = calibration.apply(&[0, 1, 2].map(|k| if k == missing { 0.98 } else { 0.01 }));
            let hidden = calibration.apply(&[0, 1, 2].map(|k| if k == missing { 0.02 } else { 0.49 }));
            assert_probabilities(&shown);
            assert_probabilities(&hidden);
            assert!(shown[missing] > 5.0 * hidden[missing] && shown[missing] < 0.95, "{shown:?} {hidden:?}");
        }
    }
}

#[test]
fn nothing_is_ever_impossible() {
    // Sure and right about everything: no reason to doubt, yet no 0 and no NaN.
    for scheme in [Scheme::OneVsRest, Scheme::TwoStage] {
        let mut sure = Drawn::default();
        for number in 0..300 {
            let class = number % 3;
            sure.classes.push(class);
            sure.raw.push((0..3).map(|k| if k == class { 1.0 } else { 0.0 }).collect());
        }
        let calibration = Fit { scheme, ..BALANCED }.calibrate(&sure);
        for raw in [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1.0 - 1e-12, 5e-13, 5e-13]] {
            assert_probabilities(&calibration.apply(&raw));
        }
        let p = calibration.apply(&[0.0, 1.0, 0.0]);
        assert_eq!(most_probable(&p), 1);
    }
    // Timid and always right: what is said is taken to mean much more.
    for scheme in [Scheme::OneVsRest, Scheme::TwoStage] {
        let mut timid = Drawn::default();
        for number in 0..900 {
            let class = number % 3;
            timid.classes.push(class);
            timid.raw.push((0..3).map(|k| if k == class { 0.4 } else { 0.3 }).collect());
        }
        let calibration = Fit { scheme, ..BALANCED }.calibrate(&timid);
        assert!(slopes(&calibration).iter().all(|slope| *slope > 2.0), "{calibration:?}");
        for raw in [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]] {
            assert_probabilities(&calibration.apply(&raw));
        }
    }
}

#[test]
fn scores_are_never_taken_to_say_the_contrary() {
    for (scheme, classes) in [(Scheme::OneVsRest, 2), (Scheme::OneVsRest, 3), (Scheme::TwoStage, 3)] {
        let fit = Fit { scheme, ..BALANCED };
        let mut rng = RngSeed(4).stream("contrary");
        let mut wrong = fit.draw(&mut rng, 400, &vec![1.0 / classes as f64; classes]);
        for class in &mut wrong.classes {
            *class = (*class + 1) % classes;
        }
        let calibration = fit.calibrate(&wrong);
        assert!(slopes(&calibration).iter().all(|slope| *slope > 0.0), "{calibration:?}");
        for class in 0..classes {
            let of = |p: f64| -> f64 {
                let rest = (1.0 - p) / (classes - 1) as f64;
                calibration
                    .apply(&(0..classes).map(|k| if k == class { p } else { rest }).collect::<Vec<_>>())
                    [class]
            };
            assert!(of(0.1) < of(0.5) && of(0.5) < of(0.9), "class {class}");
        }
    }
}

#[test]
fn the_order_of_examples_does_not_matter() {
    for fit in [Fit { sharpness: 2.0, ..BALANCED }, Fit { sharpness: 0.5, ..STAGED }] {
        let mut rng = RngSeed(5).stream("order");
        let drawn = fit.draw(&mut rng, 300, &FIELD);
        let mut of_all = sample(fit.scheme, &drawn);
        for (place, weight) in of_all.weights.iter_mut().enumerate() {
            *weight = [0.3, 0.7, 1.0][place % 3];
        }
        let given = applied(&fit.calibrate_sample(&of_all, &drawn), &drawn);
        let mut order: Vec<usize> = (0..300).collect();
        order.sort_by_key(|place| place * 97 % 300);
        let raw = |place: usize| drawn.raw[order[place]].as_slice();
        let places: Vec<usize> = (0..300).collect();
        let shuffled = Calibration::fit(&of_all.select(&order), &places, raw, fit.class_weight);
        assert!(distance(&given, &applied(&shuffled, &drawn)) < 1e-9);
        // The same sample, its places named in another order.
        let named = Calibration::fit(&of_all, &order, |place| drawn.raw[place].as_slice(), fit.class_weight);
        assert!(distance(&given, &applied(&named, &drawn)) < 1e-9);
    }
}

#[test]
fn half_a_weight_counts_half_and_none_not_at_all() {
    let fit = Fit { sharpness: 2.0, ..STAGED };
    let mut rng = RngSeed(6).stream("weights");
    let (once, other) = (fit.draw(&mut rng, 100, &FIELD), fit.draw(&mut rng, 100, &[0.4, 0.4, 0.2]));
    let halves = joined(&once, &once);
    let mut of_halves = sample(fit.scheme, &halves);
    of_halves.weights.fill(0.5);
    let wanted = applied(&fit.calibrate(&once), &other);
    assert!(distance(&wanted, &applied(&fit.calibrate_sample(&of_halves, &halves), &other)) < 1e-9);
    let both = joined(&once, &other);
    let mut of_both = sample(fit.scheme, &both);
    of_both.weights[100..].fill(0.0);
    assert!(distance(&wanted, &applied(&fit.calibrate_sample(&of_both, &both), &other)) < 1e-9);
}

#[test]
fn real_examples_are_believed_where_there_are_enough() {
    let even = [1.0 / 3.0; 3];
    for scheme in [Scheme::OneVsRest, Scheme::TwoStage] {
        let mut rng = RngSeed(7).stream("real");
        // Easy passages make a fit look surer than it is of articles.
        let authored = Fit { scheme, sharpness: 0.5, ..BALANCED }.draw(&mut rng, 600, &even);
        let real = Fit { scheme, sharpness: 2.0, ..BALANCED };
        let few_of_each = |each: usize, rng: &mut _| {
            let mut few = Drawn::default();
            for class in 0..3 {
                (0..[each, 40, 80][class]).for_each(|_| real.add(rng, &mut few, class, &FIELD));
            }
            few
        };
        let probe = real.draw(&mut rng, 200, &FIELD);
        for (each, enough) in [(12, true), (4, false)] {
            let articles = few_of_each(each, &mut rng);
            let alone = real.calibrate(&articles);
            let both = joined(&articles, &authored);
            let mut of_both = sample(scheme, &both);
            of_both.real[articles.classes.len()..].fill(false);
            let found = real.calibrate_sample(&of_both, &both);
            let far = distance(&applied(&alone, &probe), &applied(&found, &probe));
            assert_eq!(far < 1e-9, enough, "{scheme:?}, {each} real ones: {far}");
            // Whatever the scaling was fitted to, the shares are those of the articles.
            let n = articles.classes.len() as f64;
            for (class, count) in [each as f64, 40.0, 80.0].into_iter().enumerate() {
                assert!((found.prior[class] - count / n).abs() < 0.02, "{:?}", found.prior);
            }
        }
        // A handful of articles says nothing of the field.
        let both = joined(&real.draw(&mut rng, 8, &[0.02, 0.02, 0.96]), &authored);
        let mut of_both = sample(scheme, &both);
        of_both.real[8..].fill(false);
        let prior = real.calibrate_sample(&of_both, &both).prior;
        assert!(prior.iter().all(|share| (0.25..0.42).contains(share)), "{prior:?}");
    }
}

#[test]
fn probabilities_assume_the_shares_of_the_field_whatever_they_were_fitted_to() {
    for fit in [Fit { sharpness: 2.0, ..BALANCED }, Fit { sharpness: 2.0, ..STAGED }] {
        let mut rng = RngSeed(18).stream("field");
        let mut articles = Drawn::default();
        for (class, n) in [7, 14, 49].into_iter().enumerate() {
            (0..n).for_each(|_| fit.add(&mut rng, &mut articles, class, &FIELD));
        }
        let both = joined(&articles, &fit.draw(&mut rng, 1500, &[1.0 / 3.0; 3]));
        let mut of_both = sample(fit.scheme, &both);
        of_both.real[70..].fill(false);
        let calibration = fit.calibrate_sample(&of_both, &both);
        let fresh = fit.draw(&mut rng, 20_000, &FIELD);
        let given = applied(&calibration, &fresh);
        let [truth, loss] = [&fresh.truth, &given].map(|p| log_loss(&fresh.classes, p).unwrap());
        let error = ece(&fresh.classes, &given).unwrap();
        assert!(loss < truth + 0.02 && error < 0.03, "{fit:?}: {truth:.4} {loss:.4} {error:.4}");
    }
}

#[test]
fn articles_toward_other_targets_teach_whether_a_side_is_taken_but_no_shares() {
    let fit = Fit { sharpness: 2.0, ..STAGED };
    let mut rng = RngSeed(8).stream("foreign");
    let own = fit.draw(&mut rng, 200, &FIELD);
    let others = Fit { sharpness: 0.5, ..fit }.draw(&mut rng, 600, &[0.45, 0.45, 0.1]);
    let both = joined(&own, &others);
    let mut of_both = sample(Scheme::TwoStage, &both);
    of_both.foreign[200..].fill(true);
    let (alone, with) = (fit.calibrate(&own), fit.calibrate_sample(&of_both, &both));
    assert_eq!(alone.prior, with.prior);
    let probe = fit.draw(&mut rng, 200, &FIELD);
    let (alone, with) = (applied(&alone, &probe), applied(&with, &probe));
    let side = |p: &[Vec<f64>]| -> Vec<Vec<f64>> { p.iter().map(|p| vec![p[0] / (p[0] + p[1])]).collect() };
    assert!(distance(&side(&alone), &side(&with)) < 1e-9);
    assert!(distance(&alone, &with) > 0.05);
}

// Decisions

fn rule(fit: Fit, drawn: &Drawn, seen: impl Fn(usize) -> Seen) -> Rule {
    let sample = sample(fit.scheme, drawn);
    let places: Vec<usize> = (0..sample.rows.len()).collect();
    Rule::fit(&sample, &places, |place| drawn.raw[place].as_slice(), seen, fit.class_weight)
}

const PLAIN: Seen = Seen { known_share: 0.9, n_words: 200 };

/// Judgements at the default shares.
fn judged(rule: &Rule, scheme: Scheme, drawn: &Drawn) -> Vec<Judgement> {
    drawn.raw.iter().map(|raw| rule.judge(scheme, raw, PLAIN, 0.8)).collect()
}

#[test]
fn rare_classes_are_found_more_often_than_by_the_highest_probability() {
    for (fit, shares) in [(BALANCED, [0.05, 0.15, 0.8]), (STAGED, [0.05, 0.15, 0.8])] {
        let mut rng = RngSeed(9).stream("rare");
        let rule = rule(fit, &fit.draw(&mut rng, 2000, &shares), |_| PLAIN);
        let fresh = fit.draw(&mut rng, 10_000, &shares);
        let judged = judged(&rule, fit.scheme, &fresh);
        let decided: Vec<usize> = judged.iter().map(|judged| judged.class).collect();
        let probable: Vec<usize> = judged.iter().map(|judged| most_probable(&judged.probabilities)).collect();
        let recall = |decided: &[usize], class: usize| {
            let of = fresh.classes.iter().zip(decided).filter(|(truth, _)| **truth == class);
            let (n, right) = of.fold((0.0, 0.0), |(n, right), (_, got)| {
                (n + 1.0, right + if *got == class { 1.0 } else { 0.0 })
            });
            right / n
        };
        let of = |decided: &[usize]| [0, 1, 2].map(|class| recall(decided, class));
        let (decided, probable) = (of(&decided), of(&probable));
        let mean = |recalls: [f64; 3]| recalls.iter().sum::<f64>() / 3.0;
        let said = format!("{fit:?}: {decided:.3?}, by the highest probability {probable:.3?}");
        assert!(decided[0] > probable[0] + 0.05 && decided[2] < probable[2], "{said}");
        assert!(mean(decided) > mean(probable) + 0.02, "{said}");
    }
}

#[test]
fn the_sides_are_weighed_as_if_equally_frequent() {
    let mut rng = RngSeed(10).stream("stages");
    let rule = rule(STAGED, &STAGED.draw(&mut rng, 1000, &[0.04, 0.16, 0.8]), |_| PLAIN);
    let prior = &rule.calibration.prior;
    let decide = |p: &[f64]| rule.calibration.decide(Scheme::TwoStage, p);
    // As evidence: how much more likely the document is if it is of a class than at large.
    let of = |evidence: [f64; 3]| {
        let p: Vec<f64> = evidence.iter().zip(prior).map(|(e, share)| e * share).collect();
        let sum: f64 = p.iter().sum();
        decide(&p.iter().map(|p| p / sum).collect::<Vec<_>>())
    };
    assert_eq!([[1.1, 1.0, 1.0], [1.0, 1.1, 1.0], [1.0, 1.0, 1.1]].map(of), [0, 1, 2]);
    // A side is taken where the two, half the weight each, speak for it; which side comes after that.
    assert_eq!([[1.9, 0.2, 1.0], [1.9, 0.0, 1.0], [0.2, 1.9, 1.0], [0.0, 1.9, 1.0]].map(of), [0, 2, 1, 2]);
    assert_eq!(of([1.2, 0.9, 1.0]), 0);
}

#[test]
fn a_document_that_can_hardly_be_told_is_not_judged() {
    let mut rng = RngSeed(11).stream("abstain");
    let drawn = STAGED.draw(&mut rng, 600, &FIELD);
    // The shortest has 4 words, the least known 0.5: 1 % of the documents may be below the floors.
    let seen = |place: usize| Seen {
        n_words: if place < 12 { 4 + place as u64 / 4 } else { 100 },
        known_share: if place < 12 { 0.5 + 0.01 * (place / 4) as f64 } else { 0.9 },
    };
    let rule = rule(STAGED, &drawn, seen);
    assert!(rule.words == 5 && (rule.known_share - 0.51).abs() < 1e-9, "{rule:?}");
    let clear = [0.98, 0.01, 0.01];
    let torn = [0.26, 0.26, 0.48];
    let reason = |raw: &[f64], n_words: u64, known_share: f64, level: f64| {
        rule.judge(Scheme::TwoStage, raw, Seen { n_words, known_share }, level).abstain
    };
    assert_eq!(reason(&clear, 100, 0.9, 0.8), None);
    assert_eq!(reason(&torn, 100, 0.9, 0.98), Some("ambiguous"));
    assert_eq!(reason(&torn, 100, 0.9, 0.05), None);
    // The first reason that holds.
    assert_eq!(reason(&torn, 100, 0.4, 0.98), Some("unfamiliar"));
    assert_eq!(reason(&torn, 4, 0.4, 0.98), Some("too-short"));
    assert_eq!(reason(&clear, 5, 0.51, 0.8), None);
    assert_eq!(reason(&clear, 0, 0.0, 0.8), Some("too-short"));
    // Whatever the training documents were: no word at all, no known word.
    let bare = self::rule(STAGED, &drawn, |_| Seen { n_words: 0, known_share: 0.0 });
    let none = Seen { n_words: 0, known_share: 0.0 };
    assert_eq!(bare.judge(Scheme::TwoStage, &clear, none, 0.8).abstain, Some("too-short"));
    let unknown = Seen { n_words: 50, known_share: 0.0 };
    assert_eq!(bare.judge(Scheme::TwoStage, &clear, unknown, 0.8).abstain, Some("unfamiliar"));
    // Long documents do not make ten words too short.
    let long = self::rule(STAGED, &drawn, |_| Seen { n_words: 3000, known_share: 0.9 });
    let ten = Seen { n_words: 10, known_share: 0.9 };
    assert_eq!(long.judge(Scheme::TwoStage, &clear, ten, 0.8).abstain, None);
}

#[test]
fn of_each_class_as_many_keep_it_in_their_set_as_promised() {
    for fit in [BALANCED, STAGED] {
        let mut rng = RngSeed(12).stream("sets");
        let rule = rule(fit, &fit.draw(&mut rng, 3000, &FIELD), |_| PLAIN);
        let fresh = fit.draw(&mut rng, 6000, &FIELD);
        for level in [0.5, 0.8, 0.95] {
            let mut kept = [(0.0, 0.0); 3];
            for (raw, &class) in fresh.raw.iter().zip(&fresh.classes) {
                let judged = rule.judge(fit.scheme, raw, PLAIN, level);
                kept[class].0 += f64::from(u8::from(judged.set[class]));
                kept[class].1 += 1.0;
                assert_eq!(
                    judged.abstain == Some("ambiguous"),
                    judged.set.iter().filter(|within| **within).count() > 1
                );
            }
            for (kept, n) in kept {
                assert!((kept / n - level).abs() < 0.06, "{fit:?} {level}: {}", kept / n);
            }
        }
    }
}

/// Three classes, no matter which are the shares.
fn any_shares() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.02..1.0_f64, 3).prop_map(|shares| {
        let sum: f64 = shares.iter().sum();
        shares.iter().map(|share| share / sum).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_decision_is_that_of_the_largest_probability_by_a_power_of_the_share(
        shares in any_shares(), p in any_shares(),
    ) {
        let fit = Fit { class_weight: ClassWeight::None, ..BALANCED };
        let mut drawn = Drawn::default();
        let mut rng = RngSeed(13).stream("power");
        for class in 0..3 {
            for _ in 0..(30.0 * shares[class]) as usize {
                fit.add(&mut rng, &mut drawn, class, &FIELD);
            }
        }
        let calibration = fit.calibrate(&drawn);
        let weighed: Vec<f64> =
            p.iter().zip(&calibration.prior).map(|(p, share)| p / libm::pow(*share, RARE)).collect();
        prop_assert_eq!(calibration.decide(fit.scheme, &p), most_probable(&weighed));
    }

    #[test]
    fn a_larger_share_never_costs_a_class_a_decision(
        raw in any_shares(), trained in any_shares(), from in any_shares(), class in 0usize..3,
        staged in any::<bool>(),
    ) {
        let fit = if staged { STAGED } else { BALANCED };
        let mut drawn = Drawn::default();
        let mut rng = RngSeed(14).stream("monotonic");
        for class in 0..3 {
            for _ in 0..3 + (60.0 * trained[class]) as usize {
                fit.add(&mut rng, &mut drawn, class, &FIELD);
            }
        }
        let rule = rule(fit, &drawn, |_| PLAIN);
        let plain = rule.judge(fit.scheme, &raw, PLAIN, 0.8);
        let (mut had, mut last) = (false, 0.0);
        for step in 1..40 {
            let share = f64::from(step) / 40.0;
            // The others keep their proportion.
            let prior: Vec<f64> = (0..3)
                .map(|k| if k == class { share } else { from[k] / (1.0 - from[class]) * (1.0 - share) })
                .collect();
            let mut judged = plain.clone();
            rule.assume(fit.scheme, &mut judged, &prior);
            assert_probabilities(&judged.probabilities);
            prop_assert!(judged.probabilities[class] > last);
            prop_assert!(!had || judged.class == class);
            prop_assert_eq!(judged.class, rule.calibration.decide(fit.scheme, &judged.probabilities));
            (had, last) = (judged.class == class, judged.probabilities[class]);
            // What is ambiguous does not depend on shares.
            prop_assert_eq!((&judged.set, judged.abstain), (&plain.set, plain.abstain));
        }
        let mut same = plain.clone();
        rule.assume(fit.scheme, &mut same, &rule.calibration.prior);
        prop_assert_eq!(same, plain);
    }
}

// Files

fn with(calibration: &Calibration, change: impl Fn(&mut Value)) -> Calibration {
    let mut value = serde_json::to_value(calibration).unwrap();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    for fit in [BALANCED, STAGED] {
        let mut rng = RngSeed(15).stream("file");
        let drawn = fit.draw(&mut rng, 300, &FIELD);
        let rule = rule(fit, &drawn, |_| PLAIN);
        let text = serde_json::to_string(&rule).unwrap();
        let read: Rule = serde_json::from_str(&text).unwrap();
        assert_eq!(read, rule);
        assert_eq!(judged(&read, fit.scheme, &drawn), judged(&rule, fit.scheme, &drawn));
        assert_eq!(read.check(fit.scheme, 3), Ok(()));
        let odd = text.replacen('{', "{\"more\":1,", 1);
        assert!(serde_json::from_str::<Rule>(&odd).is_err());
    }
}

#[test]
fn a_calibration_of_another_shape_is_refused() {
    let mut rng = RngSeed(16).stream("shapes");
    let shares: [&[f64]; 3] = [&[0.5, 0.5], &FIELD, &[0.25; 4]];
    let [two, three, four] = shares.map(|shares| BALANCED.calibrate(&BALANCED.draw(&mut rng, 90, shares)));
    let staged = STAGED.calibrate(&STAGED.draw(&mut rng, 90, &FIELD));
    for (found, scheme, n) in [
        (&two, Scheme::OneVsRest, 3),
        (&three, Scheme::OneVsRest, 2),
        (&three, Scheme::Multinomial, 4),
        (&four, Scheme::OneVsRest, 3),
        (&three, Scheme::TwoStage, 3),
        (&staged, Scheme::OneVsRest, 3),
        (&staged, Scheme::TwoStage, 2),
    ] {
        let said = found.check(scheme, n).unwrap_err();
        assert!(said.contains("does not fit the classes"), "{scheme:?} {n}: {said}");
    }
    let short = with(&three, |value| value["prior"] = json!([0.5, 0.5]));
    assert!(short.check(Scheme::OneVsRest, 3).is_err());
    let none = with(&three, |value| value["scalings"] = json!([]));
    assert!(none.check(Scheme::OneVsRest, 3).is_err());
}

#[test]
fn numbers_out_of_range_are_refused() {
    let mut rng = RngSeed(17).stream("range");
    let sound = BALANCED.calibrate(&BALANCED.draw(&mut rng, 90, &FIELD));
    for number in [1e7, -1e7, 1e300] {
        let slope = with(&sound, |value| value["scalings"][0]["slope"] = json!(number));
        let offset = with(&sound, |value| value["scalings"][0]["offsets"][2] = json!(number));
        for odd in [slope, offset] {
            let said = odd.check(Scheme::OneVsRest, 3).unwrap_err();
            assert!(said.contains("out of range"), "{number}: {said}");
        }
    }
    for share in [f64::NAN, 0.0, -0.1, 1.1, f64::INFINITY] {
        let mut odd = sound.clone();
        odd.prior[1] = share;
        assert!(odd.check(Scheme::OneVsRest, 3).unwrap_err().contains("out of range"), "{share}");
    }
    let drawn = BALANCED.draw(&mut rng, 90, &FIELD);
    let sound = rule(BALANCED, &drawn, |_| PLAIN);
    for known_share in [f64::NAN, -0.1, 1.1] {
        assert!(Rule { known_share, ..sound.clone() }.check(Scheme::OneVsRest, 3).is_err());
    }
    let mut odd = sound.clone();
    odd.conformal.classes[0].scores[0] = f64::NAN;
    assert!(odd.check(Scheme::OneVsRest, 3).is_err());
    odd.conformal.classes.pop();
    assert!(odd.check(Scheme::OneVsRest, 3).is_err());
}

#[test]
fn shares_that_do_not_sum_to_one_are_refused() {
    use kzstance::learn::Scheme;
    use kzstance::learn::calibrate::Calibration;
    let text = r#"{"scalings":[{"slope":1.0,"offsets":[0.0,0.0,0.0]}],"prior":[1.0,1.0,1.0]}"#;
    let read: Calibration = serde_json::from_str(text).unwrap();
    assert!(read.check(Scheme::OneVsRest, 3).is_err());
    // Held-out scores may never say the contrary of what they say.
    let text = r#"{"scalings":[{"slope":-1.0,"offsets":[0.0,0.0,0.0]}],"prior":[0.2,0.3,0.5]}"#;
    let read: Calibration = serde_json::from_str(text).unwrap();
    assert!(read.check(Scheme::OneVsRest, 3).is_err());
}
