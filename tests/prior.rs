//! Shares of classes told from simulated scores, right and wrong ones: what the guards are worth.

use kzstance::RngSeed;
use kzstance::evaluate::metrics::Confusion;
use kzstance::learn::logistic::most_probable;
use kzstance::learn::prior::{FLOOR, estimate, shift};
use rand::RngCore;

/// Training: favor, against, none.
const FROM: [f64; 3] = [0.35, 0.35, 0.3];

/// How scores come to be: two Gaussian numbers an article, one telling whether a side is taken and one
/// which, `apart` standard deviations between the classes (0.95: AUC 0.75). The true log-probabilities are
/// multiplied by `sureness`, and `offset` is added to that of none.
#[derive(Clone, Copy)]
struct Scores {
    apart: f64,
    sureness: f64,
    offset: f64,
}

const WEAK: Scores = Scores { apart: 0.95, sureness: 1.0, offset: 0.0 };

fn uniform(rng: &mut impl RngCore) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Box and Muller.
fn normal(rng: &mut impl RngCore) -> f64 {
    let (a, b) = (uniform(rng), uniform(rng));
    libm::sqrt(-2.0 * libm::log(a)) * libm::cos(std::f64::consts::TAU * b)
}

/// `n` articles with the shares `truth`: the probabilities of each, and its class.
fn batch(rng: &mut impl RngCore, n: usize, truth: [f64; 3], scores: Scores) -> (Vec<Vec<f64>>, Vec<usize>) {
    let means = [[scores.apart, scores.apart / 2.0], [scores.apart, -scores.apart / 2.0], [0.0, 0.0]];
    (0..n)
        .map(|_| {
            let place = uniform(rng);
            let class = usize::from(place >= truth[0]) + usize::from(place >= truth[0] + truth[1]);
            let seen = means[class].map(|mean| mean + normal(rng));
            let weights: Vec<f64> = (0..3)
                .map(|class| {
                    let far: f64 = seen.iter().zip(means[class]).map(|(x, mean)| (x - mean).powi(2)).sum();
                    let log = scores.sureness * (libm::log(FROM[class]) - far / 2.0);
                    libm::exp(log + if class == 2 { scores.offset } else { 0.0 })
                })
                .collect();
            let sum: f64 = weights.iter().sum();
            (weights.iter().map(|weight| weight / sum).collect(), class)
        })
        .unzip()
}

/// Half the sum of differences: the part of articles that is put in a wrong class.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

fn macro_f1(rows: &[Vec<f64>], truth: &[usize], shares: &[f64]) -> f64 {
    let decided: Vec<usize> = rows.iter().map(|row| most_probable(&shift(row, &FROM, shares))).collect();
    Confusion::from_pairs(3, truth, &decided).macro_f1().unwrap().0
}

/// Means over draws.
#[derive(Debug, Default)]
struct Found {
    /// Of how many draws the shares were moved.
    moved: f64,
    /// In how many plain EM put a class below 0.01.
    collapsed: f64,
    /// Macro-F1 without correction, with plain EM, guarded.
    f1: [f64; 3],
    /// Distance from the true shares: without correction, by counting decisions, plain EM, guarded.
    distance: [f64; 4],
}

fn simulate(name: &str, draws: usize, n: usize, truth: [f64; 3], scores: Scores) -> Found {
    let mut rng = RngSeed::default().stream(name);
    let mut found = Found::default();
    let part = 1.0 / draws as f64;
    for _ in 0..draws {
        let (rows, classes) = batch(&mut rng, n, truth, scores);
        let estimate = estimate(&rows, &FROM);
        assert!(estimate.shares.iter().zip(FROM).all(|(share, from)| *share >= FLOOR * from - 1e-12));
        let mut counted = [0.0; 3];
        for row in &rows {
            counted[most_probable(row)] += 1.0 / n as f64;
        }
        found.moved += part * f64::from(u8::from(estimate.moved));
        found.collapsed += part * f64::from(u8::from(estimate.plain.iter().any(|&share| share < 0.01)));
        for (sum, shares) in found.f1.iter_mut().zip([&FROM[..], &estimate.plain, &estimate.shares]) {
            *sum += part * macro_f1(&rows, &classes, shares);
        }
        let shares = [&FROM[..], &counted, &estimate.plain, &estimate.shares];
        for (sum, shares) in found.distance.iter_mut().zip(shares) {
            *sum += part * distance(shares, &truth);
        }
    }
    println!("{name}, n = {n}: {found:.3?}");
    found
}

#[test]
fn right_scores_give_the_shares() {
    for (apart, n) in [(1.5, 100), (1.5, 300), (2.0, 100), (2.0, 300)] {
        let name = format!("right/{apart}");
        let found = simulate(&name, 60, n, [0.06, 0.14, 0.8], Scores { apart, ..WEAK });
        let [stayed, counted, _, guarded] = found.distance;
        assert!(guarded < 0.3 * stayed && guarded < 0.6 * counted, "{found:?}");
        assert!(found.moved > 0.9 && found.f1[2] > found.f1[0] + 0.04, "{found:?}");
    }
}

#[test]
fn the_same_shares_stay() {
    for (apart, sureness) in [(0.95, 1.0), (1.5, 1.0), (0.95, 2.0)] {
        let found = simulate("same", 200, 100, FROM, Scores { apart, sureness, offset: 0.0 });
        assert!(found.moved <= 0.1, "{found:?}");
    }
}

#[test]
fn where_plain_em_collapses_the_guards_keep_all_classes() {
    // Weak; weak, too sure and off; weak and off.
    for (sureness, offset) in [(1.0, 0.0), (2.0, 1.5), (1.0, 0.7)] {
        let name = format!("collapse/{sureness}/{offset}");
        let scores = Scores { sureness, offset, ..WEAK };
        let found = [48, 100, 300].map(|n| simulate(&name, 100, n, [0.05, 0.05, 0.9], scores));
        assert!(found.iter().all(|found| found.collapsed > 0.3), "{found:?}");
        let [plain, guarded] = [1, 2].map(|way| found.iter().map(|found| found.f1[way]).sum::<f64>() / 3.0);
        assert!(guarded > plain + 0.02, "{found:?}");
    }
}

#[test]
fn an_offset_alone_is_seen_and_not_taken_for_other_shares() {
    let found = simulate("offset", 100, 300, FROM, Scores { offset: 1.0, ..WEAK });
    assert!(found.collapsed > 0.9 && found.moved < 0.2, "{found:?}");
    assert!(found.f1[2] > found.f1[1] + 0.2, "{found:?}");
}

#[test]
fn what_the_guards_cost_where_plain_em_does_well() {
    // Scores that are too sure, but not off, do not make EM collapse.
    let scores = Scores { sureness: 2.0, ..WEAK };
    for n in [48, 100, 300] {
        let found = simulate("sure", 100, n, [0.05, 0.05, 0.9], scores);
        let [stayed, plain, guarded] = found.f1;
        assert!(guarded > stayed + 0.02 && guarded > plain - 0.04, "{found:?}");
    }
}
