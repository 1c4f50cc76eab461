//! Shares corrected for misclassification: the estimators on constructed and simulated errors, and the
//! command with the real binary. The choice of method was made by the ignored test:
//!
//! ```sh
//! cargo test --release --test share choice -- --ignored --nocapture
//! ```

mod common;

use std::collections::HashMap;
use std::path::Path;

use common::{articles, csv_of, folder, kzstance, put, root};
use kzstance::evaluate::prevalence::{
    Collection, Correction, MISFIT, Method, PSEUDO, Prevalence, Settings, doubts_of_slice,
    doubts_of_validation, on_simplex, separations,
};
use kzstance::learn::LearnConfig;
use kzstance::learn::Validation;
use kzstance::learn::logistic::most_probable;
use kzstance::read::{Problems, ReadOptions};
use kzstance::{Model, RngSeed, TrainConfig, read_labels, train};
use proptest::prelude::*;
use rand::RngCore;
use rayon::prelude::*;
use safetensors::tensor::{SafeTensors, TensorView};
use serde_json::{Value, json};

// ---------------------------------------------------------------------------------------------
// Golden numbers.

/// Recalls .80, .75 and .60: column by column what becomes of articles of favor, against and none.
fn thirds() -> Vec<Vec<f64>> {
    vec![vec![0.8, 0.05, 0.15], vec![0.1, 0.75, 0.15], vec![0.14375, 0.25625, 0.6]]
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn two_classes_are_corrected_by_hand() {
    // (0.48 - 0.3) / (0.9 - 0.3)
    let columns = [vec![0.9, 0.1], vec![0.3, 0.7]];
    assert!(close(&on_simplex(&columns, &[0.48, 0.52]), &[0.3, 0.7], 1e-9));
    // Fewer than mistakes alone would give, and more than all: the edges.
    assert_eq!(on_simplex(&columns, &[0.2, 0.8]), [0.0, 1.0]);
    assert_eq!(on_simplex(&columns, &[0.95, 0.05]), [1.0, 0.0]);
}

#[test]
fn three_classes_are_corrected_by_hand() {
    // 0.05 · 0.8 + 0.15 · 0.1 + 0.8 · 0.14375 = 0.17, and so on.
    let found = on_simplex(&thirds(), &[0.17, 0.32, 0.51]);
    assert!(close(&found, &[0.05, 0.15, 0.8], 1e-8), "{found:?}");
    // Without favor at all the best mixture of the two others: by hand (0.6 - 0.4) / (0.6 - 0.15).
    let two = [thirds()[1].clone(), thirds()[2].clone()];
    let at_edge = on_simplex(&thirds(), &[0.08, 0.52, 0.4]);
    let within = on_simplex(&two, &[0.08, 0.52, 0.4]);
    assert!(at_edge[0] == 0.0 && close(&at_edge[1..], &within, 1e-9), "{at_edge:?} {within:?}");
    assert_eq!(on_simplex(&[], &[]), Vec::<f64>::new());
    assert_eq!(on_simplex(&[vec![1.0]], &[1.0]), [1.0]);
}

#[test]
fn classes_that_look_the_same_share_evenly() {
    let columns = [vec![0.5, 0.5], vec![0.5, 0.5]];
    assert!(close(&on_simplex(&columns, &[0.5, 0.5]), &[0.5, 0.5], 1e-3));
}

fn misfit(columns: &[Vec<f64>], observed: &[f64], shares: &[f64]) -> f64 {
    (0..observed.len())
        .map(|row| {
            let mixed: f64 = columns.iter().zip(shares).map(|(column, share)| column[row] * share).sum();
            (mixed - observed[row]).powi(2)
        })
        .sum()
}

fn shares_of(weights: &[u32]) -> Vec<f64> {
    let sum: u32 = weights.iter().sum();
    weights
        .iter()
        .map(|&weight| (f64::from(weight) + 0.01) / (f64::from(sum) + 0.01 * weights.len() as f64))
        .collect()
}

proptest! {
    /// No shares on a fine grid fit better.
    #[test]
    fn no_other_shares_fit_better(
        columns in prop::collection::vec(prop::collection::vec(0u32..20, 3), 3),
        observed in prop::collection::vec(0u32..20, 3),
    ) {
        let columns: Vec<Vec<f64>> = columns.iter().map(|column| shares_of(column)).collect();
        let observed = shares_of(&observed);
        let found = on_simplex(&columns, &observed);
        prop_assert!(found.iter().all(|share| (0.0..=1.0).contains(share)));
        prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let best = misfit(&columns, &observed, &found);
        for a in 0..=40 {
            for b in 0..=40 - a {
                let shares = [f64::from(a) / 40.0, f64::from(b) / 40.0, f64::from(40 - a - b) / 40.0];
                prop_assert!(best <= misfit(&columns, &observed, &shares) + 1e-8, "{found:?} {shares:?}");
            }
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Simulated collections.

fn uniform(rng: &mut impl RngCore) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Box and Muller.
fn normal(rng: &mut impl RngCore) -> f64 {
    let (a, b) = (uniform(rng), uniform(rng));
    libm::sqrt(-2.0 * libm::log(a)) * libm::cos(std::f64::consts::TAU * b)
}

fn draw(rng: &mut impl RngCore, shares: &[f64]) -> usize {
    let mut place = uniform(rng);
    let found = shares.iter().position(|share| {
        place -= share;
        place < 0.0
    });
    found.unwrap_or(shares.len() - 1)
}

/// What a classifier makes of an article of some class: the class decided, and probabilities.
type Judge<'j> = &'j (dyn Fn(&mut dyn RngCore, usize) -> (usize, Vec<f64>) + Sync);

/// Errs at fixed rates, and is as sure of every decision.
fn at_rates(mut rng: &mut dyn RngCore, class: usize) -> (usize, Vec<f64>) {
    let decided = draw(&mut rng, &thirds()[class]);
    (decided, (0..3).map(|class| if class == decided { 0.7 } else { 0.15 }).collect())
}

struct Drawn {
    validation: Validation,
    decided: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
}

impl Drawn {
    fn new(mut rng: impl RngCore, judged: [usize; 3], n: usize, truth: &[f64], judge: Judge<'_>) -> Self {
        let mut validation = Validation::default();
        for (class, &count) in judged.iter().enumerate() {
            for _ in 0..count {
                let (decided, probabilities) = judge(&mut rng, class);
                let group = validation.len();
                validation.push(class, decided, probabilities, group);
            }
        }
        let rows = (0..n).map(|_| {
            let class = draw(&mut rng, truth);
            judge(&mut rng, class)
        });
        let (decided, probabilities) = rows.unzip();
        Drawn { validation, decided, probabilities }
    }

    fn collection(&self) -> Collection<'_> {
        Collection { decided: &self.decided, probabilities: &self.probabilities }
    }

    fn found(&self, settings: Settings<'_>) -> Prevalence {
        Correction::new(&self.validation, 3, settings).of(self.collection())
    }
}

fn settings(resamples: usize, seed: u64) -> Settings<'static> {
    Settings { resamples, seed: RngSeed(seed), ..Settings::default() }
}

fn distance(shares: &[f64], truth: &[f64]) -> f64 {
    shares.iter().zip(truth).map(|(a, b)| (a - b).abs()).sum::<f64>() / shares.len() as f64
}

/// Over repetitions: the mean error of the counted and the corrected shares, and for each class how often its
/// interval held the truth.
fn repeat(repeats: u64, judged: [usize; 3], n: usize, truth: &[f64], method: Method) -> (f64, f64, Vec<f64>) {
    let (mut naive, mut corrected, mut held) = (0.0, 0.0, vec![0.0; 3]);
    for number in 0..repeats {
        let rng = RngSeed(2022).stream(&format!("{judged:?}/{n}/{number}"));
        let found = Drawn::new(rng, judged, n, truth, &at_rates).found(settings(200, number));
        let chosen = found.by(method).unwrap();
        naive += distance(found.naive.as_ref().unwrap(), truth) / repeats as f64;
        corrected += distance(chosen.shares.as_ref().unwrap(), truth) / repeats as f64;
        // Where there is no interval, none held.
        for (class, [low, high]) in chosen.intervals.iter().flatten().enumerate() {
            held[class] +=
                f64::from(u8::from(*low <= truth[class] && truth[class] <= *high)) / repeats as f64;
        }
    }
    (naive, corrected, held)
}

#[test]
fn the_month_that_is_counted_wrong_is_corrected() {
    let truth = [0.05, 0.15, 0.8];
    for method in [Method::Adjusted, Method::Probabilistic] {
        let (naive, corrected, held) = repeat(150, [200, 200, 400], 1000, &truth, method);
        println!("{method:?}: {naive:.3} {corrected:.3} {held:.3?}");
        // Counted: 0.17, 0.32, 0.51.
        assert!((naive - (0.12 + 0.17 + 0.29) / 3.0).abs() < 0.01, "{naive}");
        assert!(corrected < 0.25 * naive, "{corrected} {naive}");
        // 150 draws of 0.95 are between 0.90 and 0.99 but for one time in a hundred.
        assert!(held.iter().all(|held| (0.9..=0.995).contains(held)), "{held:?}");
    }
}

#[test]
fn intervals_hold_with_six_judged_articles_of_a_class() {
    for truth in [[0.05, 0.15, 0.8], [0.3, 0.3, 0.4]] {
        let (_, _, held) = repeat(150, [6, 6, 36], 300, &truth, Method::Probabilistic);
        println!("{truth:?}: {held:.3?}");
        assert!(held.iter().all(|held| *held >= 0.9), "{held:?}");
    }
}

#[test]
fn more_judged_articles_make_narrower_intervals_and_better_shares() {
    let truth = [0.05, 0.15, 0.8];
    let errors: Vec<f64> = [[6, 6, 36], [60, 60, 360], [600, 600, 3600]]
        .map(|judged| repeat(40, judged, 1000, &truth, Method::Probabilistic).1)
        .to_vec();
    assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
}

#[test]
fn a_classifier_without_mistakes_needs_no_correction() {
    let certain = |_: &mut dyn RngCore, class: usize| {
        (class, (0..3).map(|other| if other == class { 1.0 } else { 0.0 }).collect::<Vec<f64>>())
    };
    let rng = RngSeed(3).stream("perfect");
    let drawn = Drawn::new(rng, [1500, 1500, 1500], 500, &[0.2, 0.3, 0.5], &certain);
    let found = drawn.found(settings(300, 1));
    let naive = found.naive.clone().unwrap();
    for method in [Method::Adjusted, Method::Probabilistic] {
        let says = found.by(method).unwrap();
        assert!(close(says.solution.as_ref().unwrap(), &naive, 1e-8), "{says:?}");
        assert!(close(says.shares.as_ref().unwrap(), &naive, 0.005), "{says:?}");
    }
    assert!(close(&separations(&drawn.validation, 3).unwrap(), &[1.0; 3], 1e-8));
}

#[test]
fn repeating_rows_inside_their_groups_buys_no_certainty() {
    let rng = RngSeed(4).stream("groups");
    let drawn = Drawn::new(rng, [30, 30, 60], 2000, &[0.2, 0.3, 0.5], &at_rates);
    let mut repeated = Validation::default();
    for row in 0..drawn.validation.len() {
        let v = &drawn.validation;
        for _ in 0..20 {
            repeated.push(v.truth[row], v.decided[row], v.probabilities[row].clone(), v.groups[row]);
        }
    }
    let mut apart = repeated.clone();
    apart.groups = (0..apart.len()).collect();
    let width = |validation: &Validation| {
        let found = Correction::new(validation, 3, Settings { pseudo: 0.0, ..settings(300, 1) })
            .of(drawn.collection());
        let ends = found.by(Method::Probabilistic).unwrap().intervals.clone().unwrap();
        ends.iter().map(|[low, high]| high - low).sum::<f64>()
    };
    let (single, grouped, naive) = (width(&drawn.validation), width(&repeated), width(&apart));
    assert!((single - grouped).abs() < 1e-9, "{single} {grouped}");
    assert!(naive < 0.7 * grouped, "{naive} {grouped}");
}

#[test]
fn neither_order_nor_threads_change_a_bit() {
    let rng = RngSeed(5).stream("order");
    let mut drawn = Drawn::new(rng, [36, 33, 60], 200, &[0.2, 0.3, 0.5], &at_rates);
    drawn.validation.groups.iter_mut().for_each(|group| *group /= 3);
    let on = |drawn: &Drawn, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| drawn.found(Settings { assumed: Some(&[0.2, 0.2, 0.6]), ..settings(150, 1) }))
    };
    let wanted = on(&drawn, 1);
    for threads in [2, 4] {
        assert_eq!(on(&drawn, threads), wanted);
    }
    let v = &drawn.validation;
    let mut turned = Validation::default();
    for row in (0..v.len()).rev() {
        // Other names of the same groups, too.
        turned.push(v.truth[row], v.decided[row], v.probabilities[row].clone(), 1000 - 7 * v.groups[row]);
    }
    drawn.validation = turned;
    drawn.decided.reverse();
    drawn.probabilities.reverse();
    assert_eq!(on(&drawn, 2), wanted);
}

#[test]
fn what_is_undefined_is_said_and_never_zero() {
    let rng = RngSeed(6).stream("undefined");
    let drawn = Drawn::new(rng, [10, 0, 10], 50, &[0.2, 0.3, 0.5], &at_rates);
    let found = drawn.found(settings(100, 1));
    assert!(found.naive.is_some());
    for method in Method::ALL {
        let says = found.by(method).unwrap();
        assert!(says.shares.is_none() && says.intervals.is_none() && says.reason.is_some(), "{says:?}");
    }
    assert_eq!(separations(&drawn.validation, 3), None);
    let empty = Collection { decided: &[], probabilities: &[] };
    let found = Correction::new(&Validation::default(), 3, settings(100, 1)).of(empty);
    assert_eq!((found.n, found.naive), (0, None));
    assert!(found.estimates.iter().all(|says| says.shares.is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_judgements_give_shares_or_say_why_not(
        judged in prop::collection::vec((0usize..4, 0usize..4, prop::collection::vec(0u32..9, 3), 0usize..5), 0..30),
        rows in prop::collection::vec((0usize..4, prop::collection::vec(0u32..9, 3)), 0..30),
    ) {
        let mut validation = Validation::default();
        for (truth, decided, weights, group) in &judged {
            validation.push(*truth, *decided, shares_of(weights), *group);
        }
        let (decided, probabilities): (Vec<usize>, Vec<Vec<f64>>) =
            rows.iter().map(|(decided, weights)| (*decided, shares_of(weights))).unzip();
        let collection = Collection { decided: &decided, probabilities: &probabilities };
        let found = Correction::new(&validation, 3, settings(20, 1)).of(collection);
        for says in &found.estimates {
            let Some(shares) = &says.shares else {
                prop_assert!(says.reason.is_some());
                continue;
            };
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            if says.method == Method::Em {
                continue;
            }
            prop_assert!(says.intervals.is_some() || says.reason == Some(MISFIT));
            for (share, [low, high]) in shares.iter().zip(says.intervals.iter().flatten()) {
                prop_assert!(0.0 <= *low && low <= share && share <= high && *high <= 1.0 + 1e-12);
            }
        }
        let names = ["favor", "against", "none"].map(str::to_owned);
        doubts_of_validation(&validation, &names);
        doubts_of_slice(&found, Method::Probabilistic, &names);
    }
}

#[test]
fn doubts_name_the_class_and_the_fault() {
    let names = ["favor", "against", "none"].map(str::to_owned);
    let few = Drawn::new(RngSeed(7).stream("few"), [6, 30, 30], 100, &[0.2, 0.3, 0.5], &at_rates);
    let said = doubts_of_validation(&few.validation, &names);
    assert!(said.len() == 1 && said[0].contains("6 favor") && !said[0].contains("30"), "{said:?}");
    // Favor and against are decided alike.
    let alike = |mut rng: &mut dyn RngCore, class: usize| {
        let decided = draw(&mut rng, if class == 2 { &[0.1, 0.1, 0.8] } else { &[0.45, 0.45, 0.1] });
        (decided, (0..3).map(|class| if class == decided { 0.7 } else { 0.15 }).collect::<Vec<f64>>())
    };
    let drawn = Drawn::new(RngSeed(8).stream("alike"), [900, 900, 900], 300, &[0.2, 0.3, 0.5], &alike);
    let said = doubts_of_validation(&drawn.validation, &names);
    assert!(
        said.len() == 2 && said[0].starts_with("favor can hardly") && said[1].starts_with("against can"),
        "{said:?}"
    );
    // The interval says the same: next to nothing is known of either.
    let found = drawn.found(settings(200, 1));
    let [low, high] = found.by(Method::Probabilistic).unwrap().intervals.as_ref().unwrap()[0];
    assert!(high - low > 0.3, "{low} {high}");
    // A sound collection has no doubts, a small one and one at the edge have.
    let judged = [300, 300, 300];
    let sound = Drawn::new(RngSeed(9).stream("sound"), judged, 500, &[0.3, 0.3, 0.4], &at_rates);
    assert!(doubts_of_validation(&sound.validation, &names).is_empty());
    let doubts = |n: usize, truth: [f64; 3]| {
        let drawn = Drawn::new(RngSeed(9).stream("sound"), judged, n, &truth, &at_rates);
        doubts_of_slice(&drawn.found(settings(200, 1)), Method::Probabilistic, &names)
    };
    assert_eq!(doubts(500, [0.3, 0.3, 0.4]), Vec::<String>::new());
    assert!(doubts(12, [0.3, 0.3, 0.4]).contains(&"fewer than 50 articles".to_owned()));
    let said = doubts(500, [0.0, 1.0, 0.0]).join("; ");
    assert!(said.contains("at the edge"), "{said}");
}

/// A collection that no shares explain: at the measured rates at most 80 in 100 are decided to be favor.
#[test]
fn where_no_shares_explain_the_decisions_there_is_no_interval() {
    let names = ["favor", "against", "none"].map(str::to_owned);
    let judged = Drawn::new(RngSeed(12).stream("judged"), [300, 300, 300], 10, &[0.3, 0.3, 0.4], &at_rates);
    let always = |_: &mut dyn RngCore, _: usize| (0, vec![0.9, 0.05, 0.05]);
    let odd = Drawn::new(RngSeed(12).stream("odd"), [1, 1, 1], 400, &[0.3, 0.3, 0.4], &always);
    let found = Correction::new(&judged.validation, 3, settings(200, 1)).of(odd.collection());
    for method in [Method::Adjusted, Method::Probabilistic] {
        let says = found.by(method).unwrap();
        assert!(says.intervals.is_none() && says.reason == Some(MISFIT) && says.shares.is_some(), "{says:?}");
        let said = doubts_of_slice(&found, method, &names).join("; ");
        assert!(said.contains("no interval: no shares of the classes explain"), "{said}");
    }
    // Chance near a corner is hardly ever taken for it.
    let held = repeat(100, [200, 200, 400], 500, &[0.01, 0.04, 0.95], Method::Probabilistic).2;
    assert!(held.iter().all(|held| *held >= 0.88), "{held:?}");
}

#[test]
fn few_outlets_are_not_resampled() {
    let names = ["favor", "against", "none"].map(str::to_owned);
    let mut drawn = Drawn::new(RngSeed(13).stream("outlets"), [40, 40, 80], 500, &[0.2, 0.3, 0.5], &at_rates);
    let wanted = drawn.found(settings(200, 1));
    drawn.validation.groups.iter_mut().for_each(|group| *group %= 2);
    assert_eq!(drawn.found(settings(200, 1)), wanted);
    let said = doubts_of_validation(&drawn.validation, &names).join("; ");
    assert!(said.contains("outlets could not be resampled") && said.contains("favor from 2"), "{said}");
    drawn.validation.groups = (0..160).map(|row| row % 12).collect();
    assert!(drawn.found(settings(200, 1)) != wanted);
    assert_eq!(doubts_of_validation(&drawn.validation, &names), Vec::<String>::new());
}

#[test]
fn a_method_that_says_otherwise_is_named() {
    // Decisions are as judged, but the probabilities are those of other shares: the two ways part.
    let judged = Drawn::new(RngSeed(10).stream("a"), [200, 200, 200], 10, &[0.3, 0.3, 0.4], &at_rates);
    let other = |mut rng: &mut dyn RngCore, class: usize| {
        let decided = draw(&mut rng, &thirds()[class]);
        (decided, vec![0.45, 0.25, 0.3])
    };
    let odd = Drawn::new(RngSeed(11).stream("b"), [1, 1, 1], 400, &[0.1, 0.1, 0.8], &other);
    let found = Correction::new(&judged.validation, 3, settings(200, 1)).of(odd.collection());
    let names = ["favor", "against", "none"].map(str::to_owned);
    let said = doubts_of_slice(&found, Method::Probabilistic, &names).join("; ");
    assert!(said.contains("adjusted says otherwise") && said.contains("none 0."), "{said}");
}

// ---------------------------------------------------------------------------------------------
// The choice of method: benches/quality/prevalence.md.

/// Gaussian scores as in tests/prior.rs: `apart` standard deviations tell a side from none, true
/// log-probabilities times `sureness`, `offset` added to that of none.
#[derive(Clone, Copy)]
struct Scores {
    apart: f64,
    sureness: f64,
    offset: f64,
}

/// The shares that the probabilities assume.
const ASSUMED: [f64; 3] = [0.125, 0.125, 0.75];

fn gaussian(rng: &mut dyn RngCore, class: usize, scores: Scores) -> (usize, Vec<f64>) {
    let mut rng = rng;
    let means = [[scores.apart, scores.apart / 2.0], [scores.apart, -scores.apart / 2.0], [0.0, 0.0]];
    let seen = means[class].map(|mean| mean + normal(&mut rng));
    let weights: Vec<f64> = (0..3)
        .map(|class| {
            let far: f64 = seen.iter().zip(means[class]).map(|(x, mean)| (x - mean).powi(2)).sum();
            let log = scores.sureness * (libm::log(ASSUMED[class]) - far / 2.0);
            libm::exp(log + if class == 2 { scores.offset } else { 0.0 })
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    let p: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
    // As the model decides: a class's rarity is made up for by half.
    let favoured: Vec<f64> = p.iter().zip(ASSUMED).map(|(p, share)| p / share.sqrt()).collect();
    (most_probable(&favoured), p)
}

/// Percentiles of least-squares solutions over resamples drawn with replacement, judged articles within
/// their class: the usual bootstrap, for comparison.
fn with_replacement(drawn: &Drawn, resamples: usize, number: u64) -> Vec<[f64; 2]> {
    let v = &drawn.validation;
    let of_class: Vec<Vec<usize>> =
        (0..3).map(|class| (0..v.len()).filter(|&row| v.truth[row] == class).collect()).collect();
    let mean = |rows: &[Vec<f64>], picked: Vec<usize>| -> Vec<f64> {
        (0..3)
            .map(|class| picked.iter().map(|&row| rows[row][class]).sum::<f64>() / picked.len() as f64)
            .collect()
    };
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); 3];
    let mut rng = RngSeed(number).stream("with replacement");
    for _ in 0..resamples {
        let mut pick = |from: usize| (rng.next_u64() % from as u64) as usize;
        let columns: Vec<Vec<f64>> = of_class
            .iter()
            .map(|rows| mean(&v.probabilities, rows.iter().map(|_| rows[pick(rows.len())]).collect()))
            .collect();
        let n = drawn.decided.len();
        let observed = mean(&drawn.probabilities, (0..n).map(|_| pick(n)).collect());
        all.iter_mut().zip(on_simplex(&columns, &observed)).for_each(|(all, share)| all.push(share));
    }
    all.iter_mut()
        .map(|values| {
            values.sort_unstable_by(f64::total_cmp);
            [values[resamples / 40], values[resamples - 1 - resamples / 40]]
        })
        .collect()
}

#[test]
#[ignore = "minutes; prints the table of benches/quality/prevalence.md"]
fn choice() {
    const REPEATS: u64 = 100;
    const DRAWS: usize = 200;
    let shifts = [ASSUMED, [0.05, 0.15, 0.8], [0.01, 0.04, 0.95], [0.3, 0.3, 0.4], [0.6, 0.2, 0.2]];
    println!(
        "| scores | judged | n | counted | adjusted, solved | prob., solved | adjusted | prob. | EM | adjusted | prob. | worst | replaced | width |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, apart, sureness, offset) in [
        ("right", 1.5, 1.0, 0.0),
        ("right, strong", 2.5, 1.0, 0.0),
        ("too sure", 1.5, 2.0, 0.0),
        ("off", 1.5, 1.0, 1.0),
    ] {
        let scores = Scores { apart, sureness, offset };
        for judged in [[6, 6, 36], [20, 20, 120], [60, 60, 380], [600, 600, 3800]] {
            for n in [50, 500] {
                let cases: Vec<(usize, u64)> = (0..shifts.len())
                    .flat_map(|shift| (0..REPEATS).map(move |number| (shift, number)))
                    .collect();
                // Errors of six estimates, then hits by class: two methods and the usual bootstrap; width.
                let found: Vec<(usize, Vec<f64>)> = cases
                    .into_par_iter()
                    .map(|(shift, number)| {
                        let truth = shifts[shift];
                        let rng = RngSeed(7).stream(&format!("{name}/{judged:?}/{n}/{shift}/{number}"));
                        let drawn =
                            Drawn::new(rng, judged, n, &truth, &|rng, class| gaussian(rng, class, scores));
                        let found =
                            drawn.found(Settings { assumed: Some(&ASSUMED), ..settings(DRAWS, number) });
                        let of = |shares: &Option<Vec<f64>>| distance(shares.as_ref().unwrap(), &truth);
                        let [adjusted, probabilistic, em] =
                            Method::ALL.map(|method| found.by(method).unwrap());
                        let mut row =
                            vec![of(&found.naive), of(&adjusted.solution), of(&probabilistic.solution)];
                        row.extend([of(&adjusted.shares), of(&probabilistic.shares)]);
                        // Where EM gives no shares, those assumed stay.
                        row.push(distance(em.shares.as_deref().unwrap_or(&ASSUMED), &truth));
                        let hit = |ends: &[[f64; 2]]| -> Vec<f64> {
                            // No interval holds nothing.
                            if ends.is_empty() {
                                return vec![0.0; 3];
                            }
                            let within =
                                ends.iter().zip(truth).map(|(e, truth)| e[0] <= truth && truth <= e[1]);
                            within.map(|within| f64::from(u8::from(within))).collect()
                        };
                        row.extend(hit(adjusted.intervals.as_deref().unwrap_or_default()));
                        let ends = probabilistic.intervals.as_deref().unwrap_or_default();
                        row.extend(hit(ends));
                        // Only where it makes a difference: it takes as long as all else.
                        let usual =
                            if judged[0] < 60 { with_replacement(&drawn, DRAWS, number) } else { Vec::new() };
                        row.extend(if usual.is_empty() { vec![f64::NAN; 3] } else { hit(&usual) });
                        row.push(ends.iter().map(|[low, high]| high - low).sum::<f64>() / 3.0);
                        (shift, row)
                    })
                    .collect();
                let mean = |column: usize, shift: Option<usize>| {
                    let rows = || found.iter().filter(|row| shift.is_none_or(|shift| shift == row.0));
                    rows().map(|row| row.1[column]).sum::<f64>() / rows().count() as f64
                };
                let all =
                    |columns: [usize; 3]| columns.iter().map(|&column| mean(column, None)).sum::<f64>() / 3.0;
                let worst = (0..shifts.len())
                    .flat_map(|shift| (9..12).map(move |column| (shift, column)))
                    .map(|(shift, column)| mean(column, Some(shift)))
                    .fold(1.0, f64::min);
                let errors: Vec<String> = (0..6).map(|column| format!("{:.3}", mean(column, None))).collect();
                let replaced = all([12, 13, 14]);
                println!(
                    "| {name} | {} | {n} | {} | {:.3} | {:.3} | {worst:.2} | {} | {:.2} |",
                    judged.map(|n| n.to_string()).join("+"),
                    errors.join(" | "),
                    all([6, 7, 8]),
                    all([9, 10, 11]),
                    if replaced.is_nan() { "—".into() } else { format!("{replaced:.3}") },
                    mean(15, None)
                );
            }
        }
    }
    assert_eq!(PSEUDO, 0.5);
}

/// Shares, and their intervals.
type Said = (Vec<f64>, Option<Vec<[f64; 2]>>);

/// Slices of 20 articles and the whole of 100 of them, by what a draw adds to a slice's articles: cases spread
/// evenly, or picked from the whole.
#[test]
#[ignore = "prints the second table of benches/quality/prevalence.md"]
fn small_slices() {
    let truth = [0.01, 0.04, 0.95];
    println!("| scores | | mean favor | against | none | error | coverage | no interval | width |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, apart) in [("right", 1.5), ("right, strong", 2.5)] {
        let scores = Scores { apart, sureness: 1.0, offset: 0.0 };
        let mut rows: Vec<(&str, Vec<Said>)> =
            ["whole (2000)", "20, as the whole", "20, solution", "20, as slices"]
                .map(|name| (name, Vec::new()))
                .to_vec();
        for number in 0..40 {
            let rng = RngSeed(8).stream(&format!("slices/{name}/{number}"));
            let judge = |rng: &mut dyn RngCore, class: usize| gaussian(rng, class, scores);
            let drawn = Drawn::new(rng, [60, 60, 180], 2000, &truth, &judge);
            let correction = Correction::new(&drawn.validation, 3, settings(200, number));
            let whole = correction.whole(drawn.collection());
            let mut add = |row: usize, found: &Prevalence, solution: bool| {
                let says = found.by(Method::Probabilistic).unwrap().clone();
                let shares = if solution { says.solution } else { says.shares };
                rows[row].1.push((shares.unwrap(), says.intervals));
            };
            add(0, &correction.of(drawn.collection()), false);
            for start in (0..2000).step_by(200) {
                let slice = Collection {
                    decided: &drawn.decided[start..start + 20],
                    probabilities: &drawn.probabilities[start..start + 20],
                };
                let (evenly, picked) = (correction.of(slice), correction.within(slice, &whole));
                add(1, &evenly, false);
                add(2, &picked, true);
                add(3, &picked, false);
            }
        }
        for (how, found) in rows.iter().filter(|(_, found)| !found.is_empty()) {
            let n = found.len() as f64;
            let mean = |class: usize| found.iter().map(|row| row.0[class]).sum::<f64>() / n;
            let error = found.iter().map(|row| distance(&row.0, &truth)).sum::<f64>() / n;
            let ends: Vec<&Vec<[f64; 2]>> = found.iter().filter_map(|row| row.1.as_ref()).collect();
            let each = |of: &dyn Fn(usize, &[f64; 2]) -> f64| {
                let all =
                    ends.iter().map(|ends| (0..3).map(|class| of(class, &ends[class])).sum::<f64>() / 3.0);
                all.sum::<f64>() / ends.len() as f64
            };
            let held = each(&|class, [low, high]| {
                f64::from(u8::from(*low <= truth[class] && truth[class] <= *high))
            });
            println!(
                "| {name} | {how} | {:.3} | {:.3} | {:.3} | {error:.3} | {held:.3} | {:.3} | {:.2} |",
                mean(0),
                mean(1),
                mean(2),
                1.0 - ends.len() as f64 / n,
                each(&|_, [low, high]| high - low)
            );
        }
    }
}

// ---------------------------------------------------------------------------------------------
// The command.

/// Standard output of a run that succeeds.
fn stdout(folder: &Path, args: &[&str]) -> String {
    let done = kzstance(folder).args(args).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn parsed(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(folder, args)).unwrap()
}

/// A run that must fail with this status, say these words, and print no data.
fn refused(folder: &Path, args: &[&str], code: i32, words: &[&str]) {
    let done = kzstance(folder).args(args).assert().code(code);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    for word in words {
        assert!(said.contains(word), "«{word}» is not in: {said}");
    }
    assert!(done.get_output().stdout.is_empty());
}

/// The press articles of the repository as the shipped model scores them, and dates for them.
fn with_press() -> tempfile::TempDir {
    let folder = folder();
    let press = root().join("seeds/press.jsonl");
    for (format, name) in [("jsonl", "press-scored.jsonl"), ("csv", "press-scored.csv")] {
        stdout(folder.path(), &["score", press.to_str().unwrap(), "--format", format, "-o", name]);
    }
    let mut facts = "id,date\n".to_owned();
    for (row, line) in std::fs::read_to_string(&press).unwrap().lines().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        // Three weeks in turn: Monday the 3rd is the first of the first.
        facts +=
            &format!("{},2022-01-{:02}T12:00:00+03:00\n", record["id"].as_str().unwrap(), 3 + 7 * (row % 3));
    }
    put(folder.path(), "facts.csv", facts);
    folder
}

/// Constructed scores: the class decided is `decided`, at rates of none.
fn scored(id: &str, decided: &str, more: Value) -> String {
    let probabilities: serde_json::Map<String, Value> = ["favor", "against", "none"]
        .iter()
        .map(|class| ((*class).to_owned(), json!(if *class == decided { 0.8 } else { 0.1 })))
        .collect();
    let mut line = json!({"id": id, "stance": {"label": decided, "probabilities": probabilities, "abstain": null, "set": [decided]}});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line.to_string() + "\n"
}

#[test]
fn the_shipped_bags_are_scored_and_their_shares_found_by_outlet_and_week() {
    let folder = with_press();
    let by_week = parsed(
        folder.path(),
        &["share", "press-scored.jsonl", "--meta", "facts.csv", "--by", "week", "--json"],
    );
    assert_eq!(by_week["schema"], "kzstance-share/1");
    assert_eq!(by_week["classes"], json!(["favor", "against", "none"]));
    let slices = by_week["slices"].as_array().unwrap();
    let weeks: Vec<&str> = slices.iter().map(|slice| slice["by"]["week"].as_str().unwrap()).collect();
    assert_eq!(weeks, ["2022-W01", "2022-W02", "2022-W03"]);
    let sum = |key: &str| slices.iter().map(|slice| slice[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(
        (by_week["whole"]["n"].as_u64(), by_week["left_out"].as_u64()),
        (Some(sum("n")), Some(sum("left_out")))
    );
    assert_eq!(sum("n") + sum("left_out"), 60);
    for slice in slices.iter().chain([&by_week["whole"]]) {
        let of = |key: &str| -> Vec<f64> {
            slice["shares"].as_array().unwrap().iter().map(|share| share[key].as_f64().unwrap()).collect()
        };
        for key in ["naive", "corrected"] {
            assert!((of(key).iter().sum::<f64>() - 1.0).abs() < 1e-9, "{slice}");
        }
        for ((low, share), high) in of("low").iter().zip(of("corrected")).zip(of("high")) {
            assert!(0.0 <= *low && *low <= share && share <= high && high <= 1.0, "{slice}");
        }
        assert_eq!(slice["methods"].as_array().unwrap().len(), 3);
    }
    // The judged articles are those that the card tells of.
    let model = Model::open(root().join("models/kz-intervention.kzm")).unwrap();
    let validation = model.validation(0).unwrap();
    assert_eq!(by_week["validation"]["n"], json!(validation.len()));
    assert_eq!(by_week["validation"]["counts"], json!(validation.counts(3)));
    let on = by_week["validation"]["on"].as_str().unwrap();
    for part in &model.header().heads[0].validated {
        let wanted = format!("{} {} articles ({})", part.n, part.origin, part.held_out);
        assert!(on.contains(&wanted) && wanted.contains("folds grouped"), "{wanted}: {on}");
    }
    let warned = by_week["warnings"].to_string();
    assert!(warned.contains("too few judged articles"), "{warned}");

    let by_outlet = parsed(folder.path(), &["share", "press-scored.csv", "--by", "outlet", "--json"]);
    assert_eq!(by_outlet["whole"], by_week["whole"], "CSV and JSONL scores differ");
    let none_left = |slice: &&Value| slice["n"] == 0;
    let empty = by_outlet["slices"].as_array().unwrap().iter().find(none_left).unwrap();
    assert!(empty["shares"][0]["naive"].is_null() && empty["shares"][0]["corrected"].is_null(), "{empty}");
    assert!(empty["warnings"].to_string().contains("undefined: no article is left"), "{empty}");

    let all = parsed(folder.path(), &["share", "press-scored.csv", "--with-off-target", "--json"]);
    assert_eq!((&all["whole"]["n"], &all["left_out"]), (&json!(60), &json!(0)));
    let sentiment = stdout(folder.path(), &["share", "press-scored.csv", "--axis", "sentiment"]);
    assert!(
        sentiment.starts_with("shares of sentiment") && sentiment.contains("neutral: counted"),
        "{sentiment}"
    );
    let table =
        stdout(folder.path(), &["share", "press-scored.csv", "--by", "outlet,week", "--meta", "facts.csv"]);
    for wanted in [
        "AFP",
        "2022-W02",
        "undefined",
        "press articles (5 folds grouped by outlet",
        "12 articles were set aside as off target",
    ] {
        assert!(table.contains(wanted), "«{wanted}» is not in:\n{table}");
    }
}

#[test]
fn shares_do_not_depend_on_order_or_threads() {
    let folder = with_press();
    let lines = std::fs::read_to_string(folder.path().join("press-scored.jsonl")).unwrap();
    let turned: String = lines.lines().rev().map(|line| line.to_owned() + "\n").collect();
    put(folder.path(), "turned.jsonl", turned);
    let wanted =
        stdout(folder.path(), &["share", "press-scored.jsonl", "--by", "outlet", "--json", "--threads", "1"]);
    for file in ["press-scored.jsonl", "turned.jsonl"] {
        assert!(
            stdout(folder.path(), &["share", file, "--by", "outlet", "--json", "--threads", "2"]) == wanted
        );
    }
    assert!(
        stdout(folder.path(), &["share", "turned.jsonl", "--by", "outlet", "--json", "--seed", "7"])
            != wanted
    );
    let done = kzstance(folder.path())
        .args(["share", "-", "--by", "outlet", "--json"])
        .write_stdin(lines)
        .assert()
        .success();
    assert!(done.get_output().stdout == wanted.as_bytes());
}

#[test]
fn a_sample_judged_by_hand_corrects_by_id() {
    let folder = folder();
    // 100 decisions each; of those judged, half of the decided favor are none.
    let (mut lines, mut sample) = (String::new(), "id,stance\n".to_owned());
    for (class, decided) in ["favor", "against", "none"].iter().enumerate() {
        for number in 0..100 {
            let id = format!("{decided}-{number}");
            lines += &scored(&id, decided, json!({"outlet": format!("o{number}")}));
            let truth = if class == 0 && number % 2 == 0 { "none" } else { decided };
            // Rows without a class are not judged.
            sample += &format!("{id},{}\n", if number < 60 { truth } else { "" });
        }
    }
    put(folder.path(), "s.jsonl", lines);
    put(folder.path(), "sample.csv", sample);
    let found = parsed(folder.path(), &["share", "s.jsonl", "--validation", "sample.csv", "--json"]);
    assert_eq!(found["validation"]["confusion"], json!([[30, 0, 0], [0, 60, 0], [30, 0, 60]]));
    // 60 outlets, each of them one group.
    assert_eq!((&found["validation"]["groups"], &found["validation"]["n"]), (&json!(60), &json!(180)));
    let favor = &found["whole"]["shares"][0];
    let of = |key: &str| favor[key].as_f64().unwrap();
    assert!((of("naive") - 1.0 / 3.0).abs() < 1e-12);
    assert!((of("corrected") - 1.0 / 6.0).abs() < 0.03 && of("high") < 0.3, "{favor}");
    // EM wants the shares that a model assumes.
    let em = &found["whole"]["methods"][2];
    assert!(em["shares"].is_null() && em["reason"].as_str().unwrap().contains("name the model"), "{em}");
    let adjusted = parsed(
        folder.path(),
        &["share", "s.jsonl", "--validation", "sample.csv", "--method", "adjusted", "--json"],
    );
    assert!((adjusted["whole"]["methods"][0]["solution"][0].as_f64().unwrap() - 1.0 / 6.0).abs() < 1e-8);
    // The same sample with its own scores, and the class under another name.
    let own: String = (0..20)
        .flat_map(|n| {
            ["favor", "against", "none"]
                .map(|class| scored(&format!("{class}{n}"), class, json!({"mine": class})))
        })
        .collect();
    put(folder.path(), "own.jsonl", own);
    let found = parsed(
        folder.path(),
        &["share", "s.jsonl", "--validation", "own.jsonl", "--truth", "mine", "--json"],
    );
    assert_eq!(found["validation"]["counts"], json!([20, 20, 20]));
    refused(
        folder.path(),
        &["share", "s.jsonl", "--validation", "own.jsonl"],
        3,
        &["own.jsonl:1", "no «truth»", "--truth"],
    );
    put(folder.path(), "bad.csv", "id,stance\nfavor-1,favor\nnobody,none\n");
    refused(folder.path(), &["share", "s.jsonl", "--validation", "bad.csv"], 3, &["bad.csv:3", "«nobody»"]);
    put(folder.path(), "bad.csv", "id,stance\nfavor-1,maybe\n");
    refused(
        folder.path(),
        &["share", "s.jsonl", "--validation", "bad.csv"],
        3,
        &["bad.csv:2", "«maybe» is no class"],
    );
    put(folder.path(), "bad.csv", "id,stance\nfavor-1,\n");
    refused(folder.path(), &["share", "s.jsonl", "--validation", "bad.csv"], 3, &["no judged article"]);
}

#[test]
fn a_picture_has_the_names_and_is_sound() {
    let folder = folder();
    let outlet = "صحيفة <الأهرام> & \"شركاه\"";
    let mut lines = String::new();
    for (number, date) in
        ["2022-01-03", "2022/01/09", "2022-01-10T08:00:00Z", "2022-01-25"].iter().enumerate()
    {
        for (copy, decided) in ["favor", "against", "none", "none"].iter().enumerate() {
            lines += &scored(&format!("a{number}{copy}"), decided, json!({"source": outlet, "date": date}));
        }
    }
    put(folder.path(), "s.jsonl", lines);
    let classes = ["favor", "against", "none"];
    let judged: String = (0..90)
        .map(|n| {
            let truth = classes[if n % 5 == 0 { n + 1 } else { n } % 3];
            scored(&format!("v{n}"), classes[n % 3], json!({"truth": truth}))
        })
        .collect();
    put(folder.path(), "v.jsonl", judged);
    let text = |by: &str| {
        stdout(
            folder.path(),
            &[
                "share",
                "s.jsonl",
                "--columns",
                "outlet=source",
                "--by",
                by,
                "--plot",
                "a.svg",
                "-o",
                "t.csv",
                "--validation",
                "v.jsonl",
            ],
        );
        std::fs::read_to_string(folder.path().join("a.svg")).unwrap()
    };
    for by in ["outlet", "outlet,week"] {
        let drawn = text(by);
        assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"), "{by}");
        // Escaped, and isolated from what stands beside it.
        assert!(
            drawn.contains("\u{2068}صحيفة &lt;الأهرام&gt; &amp; &quot;شركاه&quot;\u{2069}"),
            "{by}: {drawn}"
        );
        // Three classes are counted, corrected and have whiskers in each slice; the legend has five marks.
        let slices = if by == "outlet" { 1 } else { 3 };
        assert_eq!(drawn.matches("<circle").count(), 5 + 6 * slices, "{by}");
        assert_eq!(drawn.matches("stroke-width=\"2\"").count(), 3 * slices, "{by}");
    }
    let weeks = text("week");
    let at = |week: &str| {
        let end = weeks.find(week).unwrap();
        let tag = &weeks[weeks[..end].rfind("<text x=\"").unwrap() + 9..end];
        tag[..tag.find('"').unwrap()].parse::<f64>().unwrap()
    };
    // A week without articles is a gap.
    let (first, second, fourth) = (at("2022-W01"), at("2022-W02"), at("2022-W04"));
    assert!(((fourth - second) / (second - first) - 2.0).abs() < 0.02, "{first} {second} {fourth}");
    let table = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(names, ["week", "n", "class", "naive", "corrected", "low", "high", "method", "warnings"]);
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 12);
    assert_eq!((&rows[0][0], &rows[3][0], &rows[0][3], &rows[0][1]), ("", "2022-W01", "0.25", "16"));
}

#[test]
fn scores_carry_what_the_input_had_behind_everything_else() {
    let folder = folder();
    let input = json!({"id": "a", "text": "وصلت الطائرات إلى المطار صباح اليوم", "source": "صحيفة", "date": "2022-01-06", "section": 7, "url": null});
    put(folder.path(), "a.jsonl", input.to_string());
    let line = stdout(folder.path(), &["score", "a.jsonl", "--format", "jsonl", "--keep", "section"]);
    let found: Value = serde_json::from_str(&line).unwrap();
    let keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let own = ["id", "stance", "sentiment", "voices", "known_share", "evidence", "on_target"];
    assert_eq!(keys[..7], own);
    assert_eq!(keys[7..], ["outlet", "date", "url", "section"]);
    assert_eq!((&found["outlet"], &found["section"]), (&json!("صحيفة"), &json!(7)));
    let table = stdout(folder.path(), &["score", "a.jsonl", "--format", "csv", "--keep", "section"]);
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(names[names.len() - 5..], ["outlet", "date", "url", "target", "section"]);
    let row = rows.records().next().unwrap().unwrap();
    assert_eq!(row.iter().skip(names.len() - 5).collect::<Vec<_>>(), ["صحيفة", "2022-01-06", "", "", "7"]);
    refused(folder.path(), &["score", "a.jsonl", "--keep", "stance"], 2, &["--keep stance"]);
    let renamed =
        stdout(folder.path(), &["score", "a.jsonl", "--format", "jsonl", "--columns", "outlet=section"]);
    assert_eq!(serde_json::from_str::<Value>(&renamed).unwrap()["outlet"], 7);
}

#[test]
fn records_without_a_sound_date_are_refused_or_counted() {
    let folder = folder();
    let mut lines: String =
        (0..30).map(|n| scored(&format!("a{n}"), "none", json!({"date": "2022-01-06"}))).collect();
    lines += &scored("b", "favor", json!({"date": "last week"}));
    put(folder.path(), "s.jsonl", &lines);
    refused(
        folder.path(),
        &["share", "s.jsonl", "--by", "week"],
        3,
        &["s.jsonl:31", "«last week» is no date"],
    );
    lines += &scored("c", "favor", json!({"date": ""}));
    put(folder.path(), "s.jsonl", &lines);
    let done = kzstance(folder.path())
        .args(["share", "s.jsonl", "--by", "week", "--json", "--keep-going"])
        .assert()
        .success();
    let found: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!((&found["whole"]["n"], &found["set_aside"]), (&json!(30), &json!(2)));
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains("s.jsonl:32") && said.contains("2 records were set aside"), "{said}");
    refused(
        folder.path(),
        &["share", "s.jsonl", "--by", "outlet"],
        3,
        &["s.jsonl:1", "there is no outlet", "--meta"],
    );
    put(folder.path(), "facts.csv", "id,outlet\na1,x\na1,y\n");
    refused(
        folder.path(),
        &["share", "s.jsonl", "--meta", "facts.csv"],
        3,
        &["facts.csv:3", "facts.csv:2", "«a1»"],
    );
}

#[test]
fn input_that_was_not_scored_is_refused() {
    let folder = folder();
    put(folder.path(), "news.jsonl", json!({"id": "a", "text": "نص"}).to_string());
    put(folder.path(), "news.csv", "id,text,stance\na,نص,none\n");
    put(folder.path(), "empty.jsonl", "");
    put(folder.path(), "s.jsonl", scored("a", "none", json!({})));
    put(folder.path(), "sum.jsonl", scored("a", "none", json!({})).replace("0.8", "0.4"));
    put(folder.path(), "out.jsonl", scored("a", "none", json!({})).replace("0.8", "1.8"));
    put(folder.path(), "cut.jsonl", &scored("a", "none", json!({}))[..40]);
    let share = |name: &str, code: i32, words: &[&str]| refused(folder.path(), &["share", name], code, words);
    share("news.jsonl", 3, &["news.jsonl:1", "was not scored", "kzstance score"]);
    share("news.csv", 3, &["news.csv:2", "was not scored"]);
    share("empty.jsonl", 3, &["empty.jsonl", "empty"]);
    put(folder.path(), "header.csv", "id,stance,stance_p_favor,stance_p_none\n");
    share("header.csv", 3, &["header.csv", "no scored article"]);
    share("cut.jsonl", 3, &["cut.jsonl:1", "column 40", "not a JSON object"]);
    share("sum.jsonl", 3, &["sum.jsonl:1", "not to 1"]);
    share("out.jsonl", 3, &["out.jsonl:1", "from 0 to 1"]);
    share("absent.jsonl", 3, &["absent.jsonl"]);
    share("facts.txt", 3, &["facts.txt"]);
    refused(folder.path(), &["share", "s.jsonl", "--axis", "mood"], 2, &["no axis «mood»", "stance"]);
    refused(folder.path(), &["share", "s.jsonl", "--by", "outlet,"], 2, &["--by"]);
    refused(folder.path(), &["share", "s.jsonl", "--by", "outlet,outlet"], 2, &["--by", "twice"]);
    for name in ["n", "class", "method"] {
        refused(
            folder.path(),
            &["share", "s.jsonl", "--by", name],
            2,
            &["--by", name, "column of this name"],
        );
    }
    put(folder.path(), "semicolons.csv", "id;stance;stance_p_favor\na;none;0.1\n");
    share("semicolons.csv", 3, &["semicolons.csv:1", "';'", "commas"]);
    // Rounded by a spreadsheet.
    put(folder.path(), "rounded.jsonl", scored("a", "none", json!({})).replace("0.8", "0.79"));
    assert_eq!(parsed(folder.path(), &["share", "rounded.jsonl", "--json"])["whole"]["n"], 1);
    refused(folder.path(), &["share", "s.jsonl", "--resamples", "3"], 2, &["--resamples"]);
    put(folder.path(), "mood.jsonl", scored("a", "none", json!({})).replace("\"stance\"", "\"mood\""));
    refused(folder.path(), &["share", "mood.jsonl"], 2, &["mood (", "-m"]);
}

#[test]
fn what_would_count_twice_is_refused_with_both_lines() {
    let folder = folder();
    let lines: String = (0..60).map(|n| scored(&format!("a{n}"), "none", json!({}))).collect();
    let twice = lines.clone() + &scored("a7", "favor", json!({}));
    put(folder.path(), "s.jsonl", &lines);
    put(folder.path(), "twice.jsonl", &twice);
    refused(folder.path(), &["share", "twice.jsonl"], 3, &["twice.jsonl:61", "twice.jsonl:8", "«a7»"]);
    refused(folder.path(), &["share", "s.jsonl", "twice.jsonl"], 3, &["twice.jsonl:1", "s.jsonl:1"]);
    let found = parsed(folder.path(), &["share", "twice.jsonl", "--json", "--keep-going"]);
    assert_eq!((&found["whole"]["n"], &found["set_aside"]), (&json!(60), &json!(1)));
    // One article may be scored toward several targets.
    let other = lines + &scored("a7", "favor", json!({"target": "another"}));
    put(folder.path(), "other.jsonl", other);
    assert_eq!(parsed(folder.path(), &["share", "other.jsonl", "--json"])["whole"]["n"], 61);
    put(folder.path(), "v.csv", "id,truth\na1,none\na2,favor\na1,against\n");
    refused(
        folder.path(),
        &["share", "s.jsonl", "--validation", "v.csv"],
        3,
        &["v.csv:4", "v.csv:2", "«a1»"],
    );
}

#[test]
fn articles_off_target_are_told_whatever_else_is_said_of_them() {
    let folder = folder();
    let gate = |label: &str| json!({"label": label, "probabilities": {"true": 0.4, "false": 0.6}, "abstain": null, "set": [label]});
    let mut lines: String =
        (0..50).map(|n| scored(&format!("a{n}"), "none", json!({"on_target": gate("true")}))).collect();
    let short = |id: &str, label: &str| {
        scored(id, "favor", json!({"on_target": gate(label)}))
            .replacen("\"abstain\":null", "\"abstain\":\"too-short\"", 2)
            .replace("\"false\":0.6},\"abstain\":\"too-short\"", "\"false\":0.6},\"abstain\":null")
    };
    lines += &(short("b", "false") + &short("c", "true"));
    let stance_abstains = |id: &str| {
        let line: Value = serde_json::from_str(
            lines.lines().find(|line| line.contains(&format!("\"id\":\"{id}\""))).unwrap(),
        )
        .unwrap();
        line["stance"]["abstain"].clone()
    };
    assert_eq!((stance_abstains("b"), stance_abstains("c")), (json!("too-short"), json!("too-short")));
    put(folder.path(), "s.jsonl", &lines);
    let found = parsed(folder.path(), &["share", "s.jsonl", "--json"]);
    assert_eq!((&found["whole"]["n"], &found["left_out"]), (&json!(51), &json!(1)));
    assert_eq!(found["abstained"], json!({"too-short": 1}));
    assert!(found["assumptions"].to_string().contains("for other reasons: 1 too-short"), "{found}");
    // Which are off target is what is asked for.
    let gate = parsed(folder.path(), &["share", "s.jsonl", "--axis", "on_target", "--json"]);
    assert_eq!((&gate["whole"]["n"], &gate["left_out"]), (&json!(52), &json!(0)));
    let header = "id,stance,stance_p_none,stance_p_favor,stance_p_against,stance_abstain,on_target_p_true\n";
    let rows =
        "a,none,0.81,0.1,0.1,,0.9\nb,none,0.8,0.1,0.1,too-short,0.3\nc,favor,0.1,0.8,0.1,off-target,0.6\n";
    put(folder.path(), "s.csv", format!("{header}{rows}"));
    let found = parsed(folder.path(), &["share", "s.csv", "--json"]);
    assert_eq!((&found["whole"]["n"], &found["left_out"]), (&json!(1), &json!(2)));
    // The model's order, whatever that of the columns.
    assert_eq!(found["classes"], json!(["favor", "against", "none"]));
    assert_eq!(found["whole"]["shares"][2]["naive"], 1.0);
}

#[test]
fn scores_under_other_shares_are_refused() {
    let folder = with_press();
    let press = root().join("seeds/press.jsonl");
    let press = press.to_str().unwrap();
    let prior = ["score", press, "--prior", "none=0.9,favor=0.05", "--format"];
    let run = |more: &[&str]| stdout(folder.path(), &[&prior[..], more].concat());
    run(&["jsonl", "-o", "prior.jsonl"]);
    let line = std::fs::read_to_string(folder.path().join("prior.jsonl")).unwrap();
    let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    let keys: Vec<&str> = line["stance"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["label", "probabilities", "abstain", "set", "assumed"]);
    assert_eq!(line["stance"]["assumed"]["none"], 0.9);
    assert!(line["sentiment"].get("assumed").is_none());
    refused(
        folder.path(),
        &["share", "prior.jsonl"],
        3,
        &["prior.jsonl:1", "score it again without --prior"],
    );
    stdout(folder.path(), &["share", "prior.jsonl", "--axis", "sentiment"]);
}

#[test]
fn em_gives_no_shares_where_it_did_not_move() {
    let folder = with_press();
    let args = ["share", "press-scored.jsonl", "--method", "em"];
    let found = parsed(folder.path(), &[&args[..], &["--json"]].concat());
    let whole = &found["whole"];
    let em = &whole["methods"][2];
    assert!(em["shares"].is_null() && em["reason"].is_string(), "{em}");
    assert!(whole["shares"][0]["corrected"].is_null());
    assert!(whole["warnings"].to_string().contains(em["reason"].as_str().unwrap()), "{whole}");
    assert_eq!(found["warnings"], json!([]));
    assert!(!found["assumptions"].to_string().contains("most likely"), "{found}");
    assert!(stdout(folder.path(), &args).contains("undefined"));
    let rows = stdout(folder.path(), &[&args[..], &["--format", "csv"]].concat());
    let row = rows.lines().nth(1).unwrap();
    assert!(row.contains(",,,,em,") && row.contains("undefined: "), "{rows}");
}

#[test]
fn names_cannot_steer_a_terminal() {
    let folder = folder();
    let lines: String = (0..60)
        .map(|n| scored(&format!("a{n}"), "none", json!({"outlet": "\u{1b}[2Jcleared\nline\u{202e}"})))
        .collect();
    put(folder.path(), "s.jsonl", lines);
    let out = stdout(folder.path(), &["share", "s.jsonl", "--by", "outlet"]);
    assert!(out.contains("\u{fffd}[2Jcleared line\u{fffd}"), "{out}");
    assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'));
}

#[test]
fn the_judgements_kept_are_those_of_the_pooled_folds() {
    let mut problems = Problems::default();
    let labels = root().join("labels");
    let corpus = read_labels(&labels, &[], &ReadOptions::default(), &mut problems, &mut |_| {}).unwrap();
    let learn = LearnConfig { c: vec![1.0, 8.0], folds: 3, ..LearnConfig::default() };
    let trained = train(&corpus, &TrainConfig { learn, ..TrainConfig::default() }, &|| ()).unwrap();
    let example: HashMap<&str, _> =
        corpus.examples.iter().map(|example| (example.document.id.as_str(), example)).collect();
    let gate = trained.evaluations.iter().find(|found| found.axis.is_on_target()).unwrap();
    let off: Vec<&str> = gate
        .predictions
        .iter()
        .filter(|found| found.predicted == "false")
        .map(|found| found.id.as_str())
        .collect();
    for (head, evaluation) in trained.evaluations.iter().enumerate() {
        let axis = &evaluation.axis;
        let real = |id: &str| example[id].origin != "authored";
        let on_target = |id: &str| !corpus.is_foreign(example[id]) && example[id].on_target != Some(false);
        let all: Vec<_> = evaluation
            .predictions
            .iter()
            .filter(|found| real(&found.id) && (axis.is_on_target() || on_target(&found.id)))
            .collect();
        let kept: Vec<_> =
            all.iter().filter(|found| axis.is_on_target() || !off.contains(&found.id.as_str())).collect();
        let stored = trained.model.validation(head).unwrap();
        assert_eq!(stored.len(), kept.len(), "{}", axis.name);
        for (row, found) in kept.iter().enumerate() {
            assert_eq!(axis.index(&found.truth), Some(stored.truth[row]));
            assert_eq!(axis.index(&found.predicted), Some(stored.decided[row]));
            assert!(close(&stored.probabilities[row], &found.probabilities, 1e-6), "{}", found.id);
        }
        let validated = &trained.model.header().heads[head].validated;
        assert_eq!(validated.iter().map(|part| part.n).sum::<usize>(), kept.len());
        assert!(validated.iter().all(|part| part.held_out.starts_with(&evaluation.folds)), "{validated:?}");
        let dropped = all.len() - kept.len();
        let said = validated.iter().any(|part| part.held_out.contains("takes for off target"));
        assert_eq!(said, dropped > 0, "{validated:?}");
    }
}

/// A model without some of its tensors, with a correct checksum.
fn without(bytes: &[u8], drop: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let metadata: HashMap<String, String> = metadata.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let views: Vec<(String, TensorView<'_>)> =
        file.tensors().into_iter().filter(|(name, _)| !name.starts_with(drop)).collect();
    let mut bytes = safetensors::serialize(views, Some(metadata)).unwrap();
    let body = bytes.len() - 32;
    let digest = Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&digest);
    bytes
}

#[test]
fn a_model_without_held_out_judgements_scores_and_says_what_is_missing() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(30)));
    stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm"]);
    stdout(folder.path(), &["score", "own.csv", "-m", "own.kzm", "-o", "s.jsonl"]);
    // One origin: all judgements are kept.
    let found = parsed(folder.path(), &["share", "s.jsonl", "-m", "own.kzm", "--json"]);
    assert_eq!(found["validation"]["n"], 30);
    let bytes = without(&std::fs::read(folder.path().join("own.kzm")).unwrap(), "validation_");
    put(folder.path(), "old.kzm", bytes);
    stdout(folder.path(), &["score", "own.csv", "-m", "old.kzm", "-o", "old.jsonl"]);
    refused(
        folder.path(),
        &["share", "old.jsonl", "-m", "old.kzm"],
        4,
        &["old.kzm", "no held-out judgements", "--validation"],
    );
}
