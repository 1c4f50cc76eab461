//! Groups left out of one fit: the margins are near those of fits without them, and exactly those of
//! the step that they are said to come from.

use kzstance::features::vectorizer::Frequencies;
use kzstance::features::{Design, FeatureConfig, Lexicon, Operator};
use kzstance::learn::leave_out::leave_groups_out;
use kzstance::learn::logistic::probabilities;
use kzstance::learn::solver::fit;
use kzstance::learn::{ClassWeight, Scheme, Solver, Task, Weights};
use kzstance::rng::RngSeed;
use kzstance::{Document, Error};
use ndarray::{Array2, Axis, array};
use proptest::prelude::*;
use rand::Rng;

/// Rows, what is known of them, and how they are to be fitted.
#[derive(Clone)]
struct Data {
    x: Array2<f64>,
    classes: Vec<usize>,
    weights: Vec<f64>,
    foreign: Vec<bool>,
    groups: Vec<usize>,
    manner: std::ops::Range<usize>,
    n_classes: usize,
}

impl Data {
    fn task(&self, scheme: Scheme, class_weight: ClassWeight, c: f64) -> Task<'_> {
        Task {
            classes: &self.classes,
            weights: &self.weights,
            foreign: &self.foreign,
            manner: self.manner.clone(),
            n_classes: self.n_classes,
            scheme,
            class_weight,
            c,
            tolerance: 1e-20,
            max_iterations: 200,
        }
    }

    fn singletons(self) -> Self {
        Data { groups: (0..self.classes.len()).collect(), ..self }
    }

    /// The rows at the given places.
    fn select(&self, rows: &[usize]) -> Self {
        Data {
            x: self.x.select(Axis(0), rows),
            classes: rows.iter().map(|&row| self.classes[row]).collect(),
            weights: rows.iter().map(|&row| self.weights[row]).collect(),
            foreign: rows.iter().map(|&row| self.foreign[row]).collect(),
            groups: rows.iter().map(|&row| self.groups[row]).collect(),
            ..self.clone()
        }
    }

    /// The weight of each row in a column with class weights, all as documented; without C.
    fn costs(&self, scheme: Scheme, class_weight: ClassWeight, column: usize) -> Vec<f64> {
        let task = self.task(scheme, class_weight, 1.0);
        let weights: Vec<f64> = (0..self.classes.len())
            .map(|row| match (task.has_stages(), column) {
                (true, 0) => self.weights[row],
                (true, _) if self.classes[row] == 2 => 0.0,
                _ if self.foreign[row] => 0.0,
                _ => self.weights[row],
            })
            .collect();
        if class_weight == ClassWeight::None {
            return weights;
        }
        let kind = |row: usize| {
            if task.is_binary() {
                usize::from(task.positive(self.classes[row], column))
            } else {
                self.classes[row]
            }
        };
        let kinds = if task.is_binary() { 2 } else { self.n_classes };
        let total: f64 = weights.iter().sum();
        let of_kind = |wanted| -> f64 {
            (0..weights.len()).filter(|&row| kind(row) == wanted).map(|row| weights[row]).sum()
        };
        (0..weights.len()).map(|row| weights[row] * total / (kinds as f64 * of_kind(kind(row)))).collect()
    }

    fn named(&self) -> Vec<Vec<usize>> {
        let mut names = self.groups.clone();
        names.sort_unstable();
        names.dedup();
        let rows = |name| (0..self.groups.len()).filter(|&row| self.groups[row] == name).collect();
        names.into_iter().map(rows).collect()
    }

    /// The margins of every row by fits without its group: rows and all are removed, the features and
    /// the weights of the classes held.
    fn refitted(&self, scheme: Scheme, class_weight: ClassWeight, c: f64) -> Vec<f64> {
        let columns = self.task(scheme, class_weight, c).columns();
        let multinomial = !self.task(scheme, class_weight, c).is_binary();
        let mut margins = vec![0.0; self.classes.len() * columns];
        for column in 0..columns {
            // Weights of classes as weights of rows: those of this column, of which it alone is taken.
            let costs = self.costs(scheme, class_weight, column);
            for group in self.named() {
                let rest: Vec<usize> = (0..self.classes.len()).filter(|row| !group.contains(row)).collect();
                let left = Data { weights: costs.clone(), ..self.clone() }.select(&rest);
                let task = left.task(scheme, ClassWeight::None, c);
                let found = fit(Solver::Newton, &left.x.view(), &task, None).unwrap();
                assert!(found.gap <= 1e-18, "gap {:e}", found.gap);
                let held = self.x.select(Axis(0), &group);
                for (&row, scores) in
                    group.iter().zip(found.weights.scores(&held.view()).chunks_exact(columns))
                {
                    if multinomial {
                        margins[row * columns..(row + 1) * columns].copy_from_slice(scores);
                    } else {
                        margins[row * columns + column] = scores[column];
                    }
                }
            }
            if multinomial {
                break;
            }
        }
        margins
    }

    fn fitted(&self, task: &Task<'_>) -> Weights {
        let found = fit(Solver::Newton, &self.x.view(), task, None).unwrap();
        assert!(found.gap <= 1e-18, "gap {:e}", found.gap);
        found.weights
    }
}

/// An invented word.
fn word(number: usize) -> String {
    const PARTS: [&str; 10] = ["با", "تو", "دي", "رس", "فل", "قم", "كا", "لو", "مي", "نز"];
    format!("{}{}{}", PARTS[number % 10], PARTS[number / 10 % 10], PARTS[(number * 7 + 3) % 10])
}

/// Documents of invented words that lean on their class and on their group, of 1 to 6 rows; every ninth
/// row counts nothing, the others from 0.4 to 1.
fn texts(n_classes: usize, n: usize) -> (Data, Design) {
    let mut rng = RngSeed(5).stream("leave out");
    let (mut documents, mut classes, mut groups, mut weights) = (Vec::new(), vec![], vec![], vec![]);
    let mut group = 0;
    while classes.len() < n {
        // Most of a group are of one class, as the articles of one origin are.
        let usual = rng.gen_range(0..n_classes as u32) as usize;
        for _ in 0..rng.gen_range(1..7_u32).min((n - classes.len()) as u32) {
            let class = if rng.gen_bool(0.7) { usual } else { rng.gen_range(0..n_classes as u32) as usize };
            let words: Vec<String> = (0..rng.gen_range(10..25_u32))
                .map(|_| {
                    let any = rng.gen_range(0..1000_u32) as usize;
                    match rng.gen_range(0..10_u32) {
                        0..2 => word(60 + 8 * class + any % 8),
                        2..4 => word(100 + group * 3 + any % 3),
                        _ => word(any % 60),
                    }
                })
                .collect();
            documents.push(Document::from_text(format!("d{:03}", classes.len()), words.join(" ")));
            weights.push(if classes.len() % 9 == 4 {
                0.0
            } else {
                0.4 + 0.1 * f64::from(rng.gen_range(0..7_u32))
            });
            classes.push(class);
            groups.push(1000 - 7 * group);
        }
        group += 1;
    }
    let lexicon = Lexicon::new(&FeatureConfig::default(), &documents);
    let rows: Vec<usize> = (0..n).collect();
    let frequencies = Frequencies::count(&lexicon, &rows).expect("enough documents");
    let design = Design::new(&lexicon, &frequencies, &rows);
    let (x, manner) = (dense(&design), design.manner());
    let foreign = (0..n).map(|row| row % 7 == 3).collect();
    (Data { x, classes, weights, foreign, groups, manner, n_classes }, design)
}

/// The matrix behind an operator, column by column.
fn dense(x: &impl Operator) -> Array2<f64> {
    let mut dense = Array2::zeros((x.n_rows(), x.n_features()));
    let (mut unit, mut column) = (vec![[0.0]; x.n_features()], vec![[0.0]; x.n_rows()]);
    for feature in 0..x.n_features() {
        unit[feature] = [1.0];
        x.forward(&unit, &mut column);
        unit[feature] = [0.0];
        for (row, [value]) in column.iter().enumerate() {
            dense[[row, feature]] = *value;
        }
    }
    dense
}

/// The number of classes and the scheme.
const SCHEMES: [(usize, Scheme); 4] =
    [(2, Scheme::OneVsRest), (3, Scheme::OneVsRest), (3, Scheme::TwoStage), (3, Scheme::Multinomial)];

/// The mean -ln p of the classes.
fn loss(data: &Data, scheme: Scheme, margins: &[f64]) -> f64 {
    let rows = margins.chunks_exact(margins.len() / data.classes.len()).zip(&data.classes);
    rows.map(|(z, &class)| -probabilities(scheme, z)[class].ln()).sum::<f64>() / data.classes.len() as f64
}

/// Sums of the distances, and the largest.
fn distance(a: &[f64], b: &[f64]) -> (f64, f64) {
    assert_eq!(a.len(), b.len());
    let distances = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    distances.fold((0.0, 0.0), |(sum, most), distance| (sum + distance, distance.max(most)))
}

#[test]
fn margins_are_near_those_of_fits_without_the_group() {
    for (n_classes, scheme) in SCHEMES {
        let (data, _) = texts(n_classes, 60);
        for (data, class_weight, most) in
            [(data.clone().singletons(), ClassWeight::None, 0.01), (data, ClassWeight::Balanced, 0.04)]
        {
            for c in [0.25, 4.0] {
                let name = format!("{n_classes} {scheme:?} {class_weight:?} C = {c}");
                let task = data.task(scheme, class_weight, c);
                let weights = data.fitted(&task);
                let seen = weights.scores(&data.x.view());
                let found = leave_groups_out(&data.x.view(), &task, &weights, &data.groups).unwrap();
                let exact = data.refitted(scheme, class_weight, c);
                let ((error, worst), (change, _)) = (distance(&found, &exact), distance(&seen, &exact));
                let turned = found.iter().zip(&exact).filter(|(a, b)| (**a > 0.0) != (**b > 0.0)).count();
                let of = |margins: &[f64]| loss(&data, scheme, margins);
                let (seen, found, exact) = (of(&seen), of(&found), of(&exact));
                assert!(error <= most * change, "{name}: error {error}, change {change}");
                assert!(worst <= 0.1, "{name}: {worst}");
                assert!(turned <= 1, "{name}: {turned} signs");
                assert!((found - exact).abs() <= 0.01 * exact, "{name}: loss {found}, {exact}");
                assert!(exact > 1.05 * seen, "{name}: what was seen must be easier");
            }
        }
    }
}

/// Solves a · x = b.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i][k].abs().total_cmp(&a[j][k].abs())).unwrap();
        a.swap(k, pivot);
        b.swap(k, pivot);
        for i in k + 1..n {
            let factor = a[i][k] / a[k][k];
            (k..n).for_each(|j| a[i][j] -= factor * a[k][j]);
            b[i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[k][j] * b[j]).sum();
        b[k] = (b[k] - known) / a[k][k];
    }
    b
}

/// The margins after the Newton step without each row's group, from its definition: derivatives by
/// every weight and intercept, summed over the rows left.
fn stepped(data: &Data, task: &Task<'_>, weights: &Weights) -> Vec<f64> {
    let (k, d) = (task.columns(), data.x.ncols());
    let margins = weights.scores(&data.x.view());
    let costs: Vec<Vec<f64>> =
        (0..k).map(|column| data.costs(task.scheme, task.class_weight, column)).collect();
    // The row as column `column` sees it, and the intercept's 1.
    let value = |row: usize, feature: usize, column: usize| match feature {
        _ if feature == d => 1.0,
        _ if task.has_stages() && column == 1 && data.manner.contains(&feature) => 0.0,
        _ => data.x[[row, feature]],
    };
    let mut out = margins.clone();
    for group in data.named() {
        let mut gradient = vec![0.0; (d + 1) * k];
        let mut hessian = vec![vec![0.0; (d + 1) * k]; (d + 1) * k];
        for place in 0..d * k {
            gradient[place] = weights.coefficients[place];
            hessian[place][place] = 1.0;
        }
        if !task.is_binary() {
            // A constant for all classes changes nothing: hold it.
            (0..k).for_each(|a| (0..k).for_each(|b| hessian[d * k + a][d * k + b] = 1.0));
        }
        for row in (0..data.classes.len()).filter(|row| !group.contains(row)) {
            let z = &margins[row * k..(row + 1) * k];
            let p: Vec<f64> = if task.is_binary() {
                z.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect()
            } else {
                let total: f64 = z.iter().map(|z| z.exp()).sum();
                z.iter().map(|z| z.exp() / total).collect()
            };
            for a in 0..k {
                let wanted = f64::from(u8::from(task.positive(data.classes[row], a)));
                for f in 0..=d {
                    let cost = task.c * costs[a][row];
                    gradient[f * k + a] += cost * (p[a] - wanted) * value(row, f, a);
                    for b in 0..k {
                        let bend = match (task.is_binary(), a == b) {
                            (_, true) => p[a] * (1.0 - p[a]),
                            (true, false) => 0.0,
                            (false, false) => -p[a] * p[b],
                        };
                        for g in 0..=d {
                            hessian[f * k + a][g * k + b] +=
                                cost * bend * value(row, f, a) * value(row, g, b);
                        }
                    }
                }
            }
        }
        let step = solve(hessian, gradient);
        for &row in &group {
            for a in 0..k {
                out[row * k + a] -= (0..=d).map(|f| value(row, f, a) * step[f * k + a]).sum::<f64>();
            }
        }
    }
    out
}

/// Rows of random numbers, classes and groups, every class in several groups.
fn numbers(n_classes: usize, n: usize, d: usize) -> Data {
    let mut rng = RngSeed(3).stream("numbers");
    let classes: Vec<usize> = (0..n).map(|row| row % n_classes).collect();
    let mut x = Array2::from_shape_fn((n, d), |_| rng.gen_range(-1.0..1.0));
    for (row, &class) in classes.iter().enumerate() {
        x[[row, class % d]] += 0.7;
    }
    // So far out that its probabilities are all but 0 and 1.
    x.row_mut(n - 1).fill(9.0);
    let weights = (0..n).map(|row| if row % 5 == 1 { 0.0 } else { rng.gen_range(0.3..2.0) }).collect();
    let groups = (0..n).map(|row| row * row % 11).collect();
    Data {
        x,
        classes,
        weights,
        foreign: (0..n).map(|row| row % 7 == 3).collect(),
        groups,
        manner: 1..3,
        n_classes,
    }
}

#[test]
fn margins_are_exactly_those_of_the_step_by_its_definition() {
    for (n_classes, scheme) in SCHEMES.into_iter().chain([(4, Scheme::Multinomial), (4, Scheme::OneVsRest)]) {
        let data = numbers(n_classes, 40, 5);
        for data in [data.clone().singletons(), data] {
            for class_weight in [ClassWeight::None, ClassWeight::Balanced] {
                for c in [0.01, 1.0, 100.0] {
                    let name = format!("{n_classes} {scheme:?} {class_weight:?} C = {c}");
                    let task = data.task(scheme, class_weight, c);
                    let weights = data.fitted(&task);
                    let found = leave_groups_out(&data.x.view(), &task, &weights, &data.groups).unwrap();
                    let (_, worst) = distance(&found, &stepped(&data, &task, &weights));
                    assert!(worst <= 1e-7, "{name}: {worst:e}");
                }
            }
        }
    }
}

/// Each group has the same row in every class, with all but the same weight. What a group holds is
/// then almost in balance: it bends the objective much and moves it little, so little that the loss
/// is a parabola on the way. (A small C does not do it: the intercept, being free, moves all the same.)
#[test]
fn the_step_is_exact_where_the_loss_is_a_parabola() {
    for (n_classes, scheme) in SCHEMES {
        let base = numbers(n_classes, 12 * n_classes, 5);
        let mut rng = RngSeed(4).stream("weights");
        let rows: Vec<usize> = (0..12 * n_classes).map(|row| row / n_classes).collect();
        let data = Data {
            x: base.x.select(Axis(0), &rows),
            weights: rows.iter().map(|_| 1.0 + rng.gen_range(-1e-4..1e-4)).collect(),
            foreign: vec![false; rows.len()],
            groups: rows,
            ..base
        };
        for c in [0.1, 10.0] {
            let task = data.task(scheme, ClassWeight::None, c);
            let weights = data.fitted(&task);
            let seen = weights.scores(&data.x.view());
            let found = leave_groups_out(&data.x.view(), &task, &weights, &data.groups).unwrap();
            let exact = data.refitted(scheme, ClassWeight::None, c);
            let ((_, worst), (_, change)) = (distance(&found, &exact), distance(&seen, &exact));
            assert!(
                worst <= 1e-8 && change >= 1e-5,
                "{n_classes} {scheme:?} C = {c}: {worst:e} of {change:e}"
            );
        }
    }
}

#[test]
fn the_factored_design_gives_the_margins_of_its_dense_matrix() {
    for (n_classes, scheme) in SCHEMES {
        let (data, design) = texts(n_classes, 60);
        let task = data.task(scheme, ClassWeight::Balanced, 1.0);
        let weights = data.fitted(&task);
        let dense = leave_groups_out(&data.x.view(), &task, &weights, &data.groups).unwrap();
        let factored = leave_groups_out(&design, &task, &weights, &data.groups).unwrap();
        assert!(distance(&dense, &factored).1 <= 1e-9, "{scheme:?}");
    }
}

#[test]
fn neither_threads_nor_names_of_groups_can_be_seen() {
    for (n_classes, scheme) in SCHEMES {
        let data = numbers(n_classes, 150, 6);
        let groups: Vec<usize> = (0..150).map(|row| row / 3 % 37).collect();
        let task = data.task(scheme, ClassWeight::Balanced, 2.0);
        let weights = data.fitted(&task);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| leave_groups_out(&data.x.view(), &task, &weights, &groups).unwrap())
        };
        let one = with(1);
        assert_eq!(one, with(2));
        assert_eq!(one, with(5));
        let renamed: Vec<usize> = groups.iter().map(|group| usize::MAX - group * 1000).collect();
        let renamed = leave_groups_out(&data.x.view(), &task, &weights, &renamed).unwrap();
        assert_eq!(one, renamed);
    }
}

#[test]
fn a_row_of_no_weight_alone_changes_nothing() {
    for (n_classes, scheme) in SCHEMES {
        let data = numbers(n_classes, 40, 5);
        let task = data.task(scheme, ClassWeight::None, 1.0);
        let weights = data.fitted(&task);
        let seen = weights.scores(&data.x.view());
        let alone: Vec<usize> = (0..40).collect();
        let alone = leave_groups_out(&data.x.view(), &task, &weights, &alone).unwrap();
        let paired: Vec<usize> = (0..40).map(|row| row / 2).collect();
        let paired = leave_groups_out(&data.x.view(), &task, &weights, &paired).unwrap();
        let of = |margins: &[f64], row: usize| margins[row * weights.columns];
        for row in (0..40).filter(|row| row % 5 == 1) {
            assert_eq!(of(&alone, row), of(&seen, row));
            // Its neighbour counts, and takes it along.
            let other = row ^ 1;
            let counts = data.weights[other] > 0.0 && (scheme == Scheme::TwoStage || !data.foreign[other]);
            assert_eq!(of(&paired, row) != of(&seen, row), counts, "{scheme:?} row {row}");
        }
    }
}

#[test]
fn where_nothing_is_left_the_margins_are_zero() {
    for (n_classes, scheme) in SCHEMES {
        let data = numbers(n_classes, 20, 5);
        let task = data.task(scheme, ClassWeight::Balanced, 1.0);
        let weights = data.fitted(&task);
        let found = leave_groups_out(&data.x.view(), &task, &weights, &[8; 20]).unwrap();
        assert_eq!(found, vec![0.0; 20 * task.columns()], "{scheme:?}");
        let none = Task { classes: &[], weights: &[], foreign: &[], ..task };
        let empty = Array2::zeros((0, 5));
        assert_eq!(leave_groups_out(&empty.view(), &none, &weights, &[]).unwrap(), Vec::<f64>::new());
    }
    // All that tells the sides apart is in one group.
    let data = numbers(3, 30, 5);
    let groups: Vec<usize> = data.classes.iter().map(|&class| usize::from(class == 2)).collect();
    let task = data.task(Scheme::TwoStage, ClassWeight::None, 1.0);
    let weights = data.fitted(&task);
    let found = leave_groups_out(&data.x.view(), &task, &weights, &groups).unwrap();
    for (z, &class) in found.chunks_exact(2).zip(&data.classes) {
        let sure = (2.0 * if class == 2 { 20.0 } else { 10.0 } + 1.0_f64).ln();
        assert!((z[0] - if class == 2 { sure } else { -sure }).abs() < 1e-12);
        assert!(z[1] == 0.0 || class == 2);
    }
}

#[test]
fn a_class_that_only_the_group_has_is_improbable_without_it() {
    for (n_classes, scheme) in SCHEMES {
        let data = numbers(n_classes, 42, 5);
        // All of class 0 and some others.
        let groups: Vec<usize> = data
            .classes
            .iter()
            .enumerate()
            .map(|(row, &class)| if class == 0 || row % 4 == 1 { 5 } else { row })
            .collect();
        let task = Task { foreign: &[], ..data.task(scheme, ClassWeight::None, 0.5) };
        let weights = data.fitted(&task);
        let found = leave_groups_out(&data.x.view(), &task, &weights, &groups).unwrap();
        let left = groups.iter().filter(|&&group| group != 5).count();
        for (row, z) in found.chunks_exact(task.columns()).enumerate().filter(|(row, _)| groups[*row] == 5) {
            let p = match scheme {
                // The second stage has but the other side left.
                Scheme::TwoStage => 1.0 / (1.0 + (-z[1]).exp()),
                Scheme::OneVsRest if n_classes == 3 => 1.0 / (1.0 + (-z[0]).exp()),
                _ => probabilities(scheme, z)[0],
            };
            assert!((p - 1.0 / (2.0 * left as f64 + 2.0)).abs() < 1e-12, "{scheme:?} row {row}: {z:?}");
        }
    }
}

#[test]
fn a_class_without_any_row_leaves_the_others_as_without_it() {
    for known in [2, 3] {
        let data = Data { foreign: vec![false; 40], ..numbers(known, 40, 5) };
        for absent in 0..=known {
            let classes = data.classes.iter().map(|&class| class + usize::from(class >= absent)).collect();
            let wide = Data { classes, n_classes: known + 1, ..data.clone() };
            for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
                let run = |data: &Data| {
                    let task = data.task(scheme, ClassWeight::Balanced, 1.0);
                    let weights = data.fitted(&task);
                    leave_groups_out(&data.x.view(), &task, &weights, &data.groups).unwrap()
                };
                let (few, many) = (run(&data), run(&wide));
                for (row, many) in many.chunks_exact(known + 1).enumerate() {
                    let few = probabilities(scheme, &few[row * few.len() / 40..(row + 1) * few.len() / 40]);
                    let many = probabilities(scheme, many);
                    assert!(many[absent] < 1.0 / 30.0, "{scheme:?} {known} {absent}: {many:?}");
                    for (class, few) in few.iter().enumerate() {
                        let share = many[class + usize::from(class >= absent)] / (1.0 - many[absent]);
                        assert!((share - few).abs() < 1e-8, "{scheme:?} {known} {absent}: {share} {few}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let x = array![[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.1]];
    let data = Data {
        x: x.clone(),
        classes: vec![0, 1, 0, 1],
        weights: vec![1.0; 4],
        foreign: vec![],
        groups: vec![0, 1, 2, 3],
        manner: 0..0,
        n_classes: 2,
    };
    let task = data.task(Scheme::OneVsRest, ClassWeight::None, 1.0);
    let weights = Weights::zero(2, 1);
    let refused = |x: &Array2<f64>, task: &Task<'_>, weights: &Weights, groups: &[usize]| {
        let refused = leave_groups_out(&x.view(), task, weights, groups);
        assert!(matches!(refused, Err(Error::Usage(_))), "{refused:?}");
    };
    assert!(leave_groups_out(&x.view(), &task, &weights, &data.groups).is_ok());
    refused(&x, &task, &weights, &[0, 1, 2]);
    refused(&x, &Task { classes: &[0, 1], ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { classes: &[0, 1, 2, 0], ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { n_classes: 0, ..task.clone() }, &Weights::zero(2, 0), &data.groups);
    refused(&x, &Task { n_classes: 1, classes: &[0; 4], ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { weights: &[1.0], ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { weights: &[1.0, f64::NAN, 1.0, 1.0], ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { weights: &[1.0, -1.0, 1.0, 1.0], ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { c: f64::INFINITY, ..task.clone() }, &weights, &data.groups);
    refused(&x, &Task { foreign: &[true], ..task.clone() }, &weights, &data.groups);
    refused(&x, &task, &Weights::zero(2, 3), &data.groups);
    refused(&x, &task, &Weights::zero(3, 1), &data.groups);
    let stages = Task { scheme: Scheme::TwoStage, n_classes: 3, manner: 1..3, ..task.clone() };
    refused(&x, &stages, &Weights::zero(2, 2), &data.groups);
    for value in [f64::NAN, f64::INFINITY, 1e200] {
        let mut holed = x.clone();
        holed[[2, 0]] = value;
        refused(&holed, &task, &weights, &data.groups);
    }
    // The bound is met before any work.
    for (n, n_classes, scheme) in [(6001, 2, Scheme::OneVsRest), (3001, 3, Scheme::Multinomial)] {
        let classes: Vec<usize> = (0..n).map(|row| row % n_classes).collect();
        let task = Task { classes: &classes, weights: &[], n_classes, scheme, ..task.clone() };
        let columns = task.columns();
        refused(&Array2::zeros((n, 1)), &task, &Weights::zero(1, columns), &classes);
    }
}

proptest! {
    /// Weights that are no fit of anything, numbers of any size: a finite answer or an error.
    #[test]
    fn nothing_panics(
        values in prop::collection::vec(-3.0..3.0_f64, 24),
        size in prop::sample::select(vec![1e-300, 1e-3, 1.0, 1e4, 1e100, 1e160]),
        classes in prop::collection::vec(0..3_usize, 8),
        costs in prop::collection::vec(prop::sample::select(vec![0.0, 1e-300, 1.0, 1e9]), 8),
        groups in prop::collection::vec(0..4_usize, 8),
        foreign in prop::collection::vec(any::<bool>(), 8),
        kind in 0..4_usize,
        balanced in any::<bool>(),
        c in prop::sample::select(vec![1e-9, 1.0, 1e12]),
    ) {
        let (n_classes, scheme) = SCHEMES[kind];
        let x = Array2::from_shape_fn((8, 3), |(row, feature)| size * values[3 * row + feature]);
        let classes: Vec<usize> = classes.iter().map(|class| class % n_classes).collect();
        let data = Data { x, classes, weights: costs, foreign, groups, manner: 2..3, n_classes };
        let class_weight = if balanced { ClassWeight::Balanced } else { ClassWeight::None };
        let task = data.task(scheme, class_weight, c);
        let mut weights = Weights::zero(3, task.columns());
        weights.coefficients.iter_mut().zip(&values).for_each(|(to, value)| *to = 9.0 * value);
        if let Ok(found) = leave_groups_out(&data.x.view(), &task, &weights, &data.groups) {
            prop_assert!(found.len() == 8 * task.columns() && found.iter().all(|z| z.is_finite()));
        }
    }
}
