//! Fits: they reach the optimum that scikit-learn found, or say that they did not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kzstance::features::vectorizer::Frequencies;
use kzstance::features::{Design, FeatureConfig, Lexicon, Operator};
use kzstance::learn::logistic::probabilities;
use kzstance::learn::solver::fit;
use kzstance::learn::{
    ClassWeight, LearnConfig, Logistic, Sample, Scheme, Solution, Solve, Solver, Task, Weights,
};
use kzstance::rng::RngSeed;
use kzstance::{Document, Error};
use linfa::Dataset;
use linfa::traits::{Fit, Predict};
use ndarray::{Array1, Array2, Axis, array};
use rand::Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    designs: BTreeMap<String, GoldenDesign>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct GoldenDesign {
    classes: usize,
    x: Vec<Vec<f64>>,
    y: Vec<usize>,
}

#[derive(Deserialize)]
struct Case {
    design: String,
    kind: String,
    class_weight: ClassWeight,
    #[serde(rename = "C")]
    c: f64,
    coef: Vec<Vec<f64>>,
    intercept: Vec<f64>,
    objective: Vec<f64>,
    predict_proba: Vec<Vec<f64>>,
}

static GOLDEN: LazyLock<Golden> = LazyLock::new(|| {
    serde_json::from_str(include_str!("golden/logistic.json")).expect("the golden file has its layout")
});

impl GoldenDesign {
    fn dense(&self) -> Array2<f64> {
        let columns = self.x[0].len();
        Array2::from_shape_vec((self.x.len(), columns), self.x.concat()).expect("rows of one length")
    }
}

impl Case {
    fn name(&self) -> String {
        format!("{} {} {:?} C = {}", self.design, self.kind, self.class_weight, self.c)
    }

    fn design(&self) -> &'static GoldenDesign {
        &GOLDEN.designs[&self.design]
    }

    /// With two classes the scheme changes nothing: both must do.
    fn schemes(&self) -> Vec<Scheme> {
        match self.kind.as_str() {
            "binary" => vec![Scheme::OneVsRest, Scheme::Multinomial],
            "multinomial" => vec![Scheme::Multinomial],
            "one_vs_rest" => vec![Scheme::OneVsRest],
            other => panic!("{other} is no kind of case"),
        }
    }

    fn optimum(&self) -> f64 {
        self.objective.iter().sum()
    }

    fn task(&self, scheme: Scheme, tolerance: f64) -> Task<'static> {
        Task {
            classes: &self.design().y,
            weights: &[],
            foreign: &[],
            manner: 0..0,
            n_classes: self.design().classes,
            scheme,
            class_weight: self.class_weight,
            c: self.c,
            tolerance,
            max_iterations: 100,
        }
    }

    /// The largest differences of the weights (relative to the largest coefficient), of the
    /// objective (relative) and of the probabilities.
    fn distance(&self, found: &Solution, scheme: Scheme) -> (f64, f64, f64) {
        let k = self.coef.len();
        assert_eq!(found.weights.columns, k);
        assert_eq!(found.weights.coefficients.len(), k * self.coef[0].len());
        let largest = self.coef.iter().flatten().fold(0.0_f64, |most, w| most.max(w.abs()));
        let mut weights = 0.0_f64;
        for (column, coef) in self.coef.iter().enumerate() {
            for (feature, wanted) in coef.iter().enumerate() {
                weights = weights.max((found.weights.coefficients[feature * k + column] - wanted).abs());
            }
            weights = weights.max((found.weights.intercepts[column] - self.intercept[column]).abs());
        }
        let mut p = 0.0_f64;
        let scores = found.weights.scores(&self.design().dense().view());
        for (scores, wanted) in scores.chunks_exact(k).zip(&self.predict_proba) {
            let given = probabilities(scheme, scores);
            assert_eq!(given.len(), wanted.len());
            p = given.iter().zip(wanted).fold(p, |most, (given, wanted)| most.max((given - wanted).abs()));
        }
        (weights / largest, (found.objective - self.optimum()).abs() / self.optimum(), p)
    }
}

/// The cases that linfa is offered for, in every scheme that fits.
fn unweighted() -> impl Iterator<Item = (&'static Case, Scheme)> {
    let cases = GOLDEN.cases.iter().filter(|case| case.class_weight == ClassWeight::None);
    cases.flat_map(|case| case.schemes().into_iter().map(move |scheme| (case, scheme)))
}

fn largest_difference(a: &Weights, b: &Weights) -> f64 {
    assert_eq!((a.columns, a.coefficients.len()), (b.columns, b.coefficients.len()));
    let pairs = a.coefficients.iter().zip(&b.coefficients).chain(a.intercepts.iter().zip(&b.intercepts));
    let most = pairs.fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
    most / a.coefficients.iter().fold(0.0_f64, |most, w| most.max(w.abs()))
}

/// An invented word.
fn word(number: usize) -> String {
    const PARTS: [&str; 10] = ["با", "تو", "دي", "رس", "فل", "قم", "كا", "لو", "مي", "نز"];
    format!("{}{}{}", PARTS[number % 10], PARTS[number / 10 % 10], PARTS[(number * 7 + 3) % 10])
}

/// Documents of invented words that lean on their class, and the classes.
fn documents(n_classes: usize, each: usize) -> (Vec<Document>, Vec<usize>) {
    let mut rng = RngSeed(11).stream("documents");
    let (mut documents, mut classes) = (Vec::new(), Vec::new());
    for number in 0..n_classes * each {
        let class = number % n_classes;
        let words: Vec<String> = (0..rng.gen_range(6..15_u32))
            .map(|_| {
                let leaning = rng.gen_bool(0.5);
                let common = rng.gen_range(0..30_u32) as usize;
                word(if leaning { 30 + 10 * class + common % 10 } else { common })
            })
            .collect();
        documents.push(Document::from_text(format!("d{number:03}"), words.join(" ")));
        classes.push(class);
    }
    (documents, classes)
}

fn design_of(documents: &[Document]) -> Design {
    let lexicon = Lexicon::new(&FeatureConfig::default(), documents);
    let rows: Vec<usize> = (0..documents.len()).collect();
    let frequencies = Frequencies::count(&lexicon, &rows).expect("enough documents");
    Design::new(&lexicon, &frequencies, &rows)
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

/// The class probabilities of every row.
fn all_probabilities(x: &impl Operator, weights: &Weights, scheme: Scheme) -> Vec<Vec<f64>> {
    weights.scores(x).chunks_exact(weights.columns).map(|scores| probabilities(scheme, scores)).collect()
}

#[test]
fn newton_reaches_every_golden_optimum() {
    assert_eq!(GOLDEN.cases.len(), 30);
    for case in &GOLDEN.cases {
        let x = case.design().dense();
        for scheme in case.schemes() {
            let task = case.task(scheme, 1e-14);
            let found = Solver::Newton.solve(&x.view(), &task, None).unwrap();
            let (weights, objective, p) = case.distance(&found, scheme);
            assert!(weights <= 1e-6, "{}: weights differ by {weights:e}", case.name());
            assert!(objective <= 1e-8, "{}: objective differs by {objective:e}", case.name());
            assert!(p <= 1e-6, "{}: probabilities differ by {p:e}", case.name());
            found.require_converged(1e-14, "the fit").unwrap();
        }
    }
}

#[test]
fn linfa_reaches_the_same_optimum_without_class_weights() {
    for (case, scheme) in unweighted() {
        let x = case.design().dense();
        let found = Solver::Linfa.solve(&x.view(), &case.task(scheme, 1e-10), None).unwrap();
        let (weights, objective, p) = case.distance(&found, scheme);
        let gap = found.gap;
        assert!(weights <= 1e-6, "{}: weights differ by {weights:e}, gap {gap:e}", case.name());
        assert!(objective <= 1e-8, "{}: objective differs by {objective:e}, gap {gap:e}", case.name());
        assert!(p <= 1e-6, "{}: probabilities differ by {p:e}, gap {gap:e}", case.name());
        found.require_converged(1e-10, "the fit").unwrap();
    }
}

#[test]
fn linfa_reaches_newtons_optimum_on_the_factored_design() {
    let (documents, classes) = documents(3, 12);
    let x = design_of(&documents);
    for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
        let config = LearnConfig { class_weight: ClassWeight::None, scheme, ..LearnConfig::default() };
        let task = config.task(&classes, 3, 2.0, 1e-14);
        let newton = Solver::Newton.solve(&x, &task, None).unwrap();
        let linfa = Solver::Linfa.solve(&x, &task, None).unwrap();
        let far = largest_difference(&newton.weights, &linfa.weights);
        assert!(far <= 1e-6, "{scheme:?}: weights differ by {far:e}, gap {:e}", linfa.gap);
    }
}

#[test]
fn linfa_refuses_class_weights() {
    for case in GOLDEN.cases.iter().filter(|case| case.class_weight == ClassWeight::Balanced) {
        let x = case.design().dense();
        for scheme in case.schemes() {
            let refused = Solver::Linfa.solve(&x.view(), &case.task(scheme, 1e-10), None);
            let error = refused.expect_err("no silent fit without the weights");
            assert!(matches!(error, Error::Usage(_)) && error.exit_code() == 2, "{error}");
        }
    }
    let config =
        LearnConfig { solver: Solver::Linfa, class_weight: ClassWeight::Balanced, ..LearnConfig::default() };
    assert!(matches!(config.check(), Err(Error::Usage(_))));
}

#[test]
fn the_factored_design_gives_the_fit_of_its_dense_matrix() {
    for (n_classes, scheme) in [(2, Scheme::OneVsRest), (3, Scheme::OneVsRest), (3, Scheme::Multinomial)] {
        let (documents, classes) = documents(n_classes, 8);
        let x = design_of(&documents);
        let dense = dense(&x);
        assert!(dense.ncols() > 100);
        for class_weight in [ClassWeight::None, ClassWeight::Balanced] {
            for c in [0.5, 16.0] {
                let config = LearnConfig { class_weight, scheme, ..LearnConfig::default() };
                // Both stop at their optimum, not at the same rounding.
                let task = config.task(&classes, n_classes, c, 1e-20);
                let factored = Solver::Newton.solve(&x, &task, None).unwrap();
                let plain = Solver::Newton.solve(&dense.view(), &task, None).unwrap();
                let far = largest_difference(&plain.weights, &factored.weights);
                assert!(far <= 1e-8, "{n_classes} {scheme:?} {class_weight:?} C = {c}: {far:e}");
                let objective = (factored.objective - plain.objective).abs() / plain.objective;
                assert!(objective <= 1e-12, "{n_classes} {scheme:?} {class_weight:?} C = {c}: {objective:e}");
            }
        }
    }
}

#[test]
fn a_fit_that_is_cut_short_says_so() {
    for case in &GOLDEN.cases {
        let x = case.design().dense();
        for scheme in case.schemes() {
            let task = Task { max_iterations: 1, ..case.task(scheme, 1e-10) };
            let found = fit(Solver::Newton, &x.view(), &task, None).unwrap();
            let (gap, name) = (found.gap, case.name());
            assert!(gap > 1e-10, "{name}: gap {gap:e} after one iteration");
            assert_eq!(found.iterations, 1);
            let error = found.require_converged(1e-10, "a cut fit").expect_err("never silent");
            assert_eq!(error.exit_code(), 70);
            assert!(error.to_string().contains("a cut fit"), "{error}");
            assert!(
                matches!(error, Error::NotConverged { gap: told, wanted, iterations: 1, .. } if told == gap && wanted == 1e-10)
            );
        }
    }
}

/// Rows 0, 1, … of three classes; those in `foreign` are judged toward another target.
fn sample(classes: &[usize], foreign: &[usize], scheme: Scheme) -> Sample {
    Sample {
        rows: (0..classes.len()).collect(),
        classes: classes.to_vec(),
        weights: vec![1.0; classes.len()],
        foreign: (0..classes.len()).map(|row| foreign.contains(&row)).collect(),
        real: vec![true; classes.len()],
        n_classes: 3,
        scheme,
    }
}

#[test]
fn a_cut_fit_is_an_error_for_every_caller() {
    let cut = LearnConfig { max_iterations: 1, ..LearnConfig::default() };
    let (documents, classes) = documents(3, 8);
    let x = design_of(&documents);
    let sample = sample(&classes, &[], Scheme::OneVsRest);
    assert!(matches!(cut.fit(&x, &sample, 4.0, "a head"), Err(Error::NotConverged { .. })));
    let data = Dataset::new(dense(&x), Array1::from_vec(classes));
    let logistic = Logistic { c: 4.0, config: cut };
    assert!(matches!(logistic.fit(&data), Err(Error::NotConverged { .. })));
}

#[test]
fn the_gap_is_never_below_the_true_distance_on_the_way() {
    for case in &GOLDEN.cases {
        let x = case.design().dense();
        for scheme in case.schemes() {
            for max_iterations in 0..12 {
                let task = Task { max_iterations, ..case.task(scheme, 1e-14) };
                let found = Solver::Newton.solve(&x.view(), &task, None).unwrap();
                let distance = (found.objective - case.optimum()) / found.objective;
                let (gap, name) = (found.gap, case.name());
                assert!(distance <= gap + 1e-13, "{name}, {max_iterations}: {distance:e} > {gap:e}");
            }
        }
    }
}

/// Every row is the same, so only the intercept should tell the classes apart. Here the coefficient
/// does it instead, as well as it can: its gradient is 0, and only the intercept's is not.
#[test]
fn the_gap_bounds_the_distance_where_the_coefficient_does_the_intercepts_work() {
    let (n, positive, c) = (40, 30, 10.0);
    let x = Array2::from_elem((n, 1), 1.0);
    let classes: Vec<usize> = (0..n).map(|row| usize::from(row < positive)).collect();
    let config = LearnConfig { class_weight: ClassWeight::None, ..LearnConfig::default() };
    let slope = |w: f64| c * (n as f64 / (1.0 + (-w).exp()) - positive as f64) + w;
    let (mut low, mut high) = (0.0_f64, 2.0);
    while high - low > 1e-15 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    let start = Weights { columns: 1, coefficients: vec![low], intercepts: vec![0.0] };
    let task = config.task(&classes, 2, c, 1e-18);
    let optimum = Solver::Newton.solve(&x.view(), &task, None).unwrap().objective;
    let there = Task { max_iterations: 0, ..task };
    let found = Solver::Newton.solve(&x.view(), &there, Some(&start)).unwrap();
    let distance = (found.objective - optimum) / found.objective;
    assert!(distance <= found.gap, "distance {distance:e}, gap {:e}", found.gap);
}

#[test]
fn a_class_without_examples_is_improbable_but_possible() {
    let (documents, three) = documents(3, 10);
    let x = design_of(&documents);
    let n = documents.len();
    for absent in 0..4 {
        // The three classes there are, under numbers that leave out `absent`.
        let classes: Vec<usize> = three.iter().map(|&class| class + usize::from(class >= absent)).collect();
        for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
            for class_weight in [ClassWeight::None, ClassWeight::Balanced] {
                let config = LearnConfig { scheme, class_weight, ..LearnConfig::default() };
                let task = config.task(&classes, 4, 4.0, 1e-10);
                let found = fit(Solver::Newton, &x, &task, None).unwrap();
                let found = found.require_converged(1e-10, "four classes, three seen").unwrap();
                assert_eq!(found.weights.columns, 4);
                let reduced = fit(Solver::Newton, &x, &config.task(&three, 3, 4.0, 1e-10), None).unwrap();
                let known = all_probabilities(&x, &reduced.weights, scheme);
                for (p, known) in all_probabilities(&x, &found.weights, scheme).iter().zip(&known) {
                    assert!(p[absent] > 0.0 && p[absent] < 1.0 / n as f64, "{scheme:?}: {p:?}");
                    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                    for class in 0..3 {
                        // The others share what is left as they would without it.
                        let share = p[class + usize::from(class >= absent)] / (1.0 - p[absent]);
                        assert!((share - known[class]).abs() < 1e-12, "{scheme:?}: {p:?} {known:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn two_classes_of_three_are_told_apart_as_by_the_binary_model() {
    let (documents, two) = documents(2, 12);
    let x = design_of(&documents);
    for absent in 0..3 {
        let classes: Vec<usize> = two.iter().map(|&class| class + usize::from(class >= absent)).collect();
        for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
            let config = LearnConfig { scheme, ..LearnConfig::default() };
            let binary = fit(Solver::Newton, &x, &config.task(&two, 2, 4.0, 1e-10), None).unwrap();
            let found = fit(Solver::Newton, &x, &config.task(&classes, 3, 4.0, 1e-10), None).unwrap();
            assert_eq!((found.weights.columns, found.gap <= 1e-10), (3, true));
            let known = all_probabilities(&x, &binary.weights, scheme);
            for (p, known) in all_probabilities(&x, &found.weights, scheme).iter().zip(&known) {
                assert!(p[absent] > 0.0 && p[absent] < 1.0 / documents.len() as f64, "{scheme:?}: {p:?}");
                let second = p[1 + usize::from(1 >= absent)] / (1.0 - p[absent]);
                assert!((second - known[1]).abs() < 1e-12, "{scheme:?}: {p:?} {known:?}");
            }
        }
    }
}

#[test]
fn a_start_of_other_columns_does_not_break_a_fit_with_an_absent_class() {
    let (documents, two) = documents(2, 12);
    let x = design_of(&documents);
    let config = LearnConfig::default();
    let task = config.task(&two, 3, 4.0, 1e-10);
    let start = Weights::zero(x.n_features(), 3);
    let warm = fit(Solver::Newton, &x, &task, Some(&start)).unwrap();
    let cold = fit(Solver::Newton, &x, &task, None).unwrap();
    assert_eq!(warm.weights, cold.weights);
}

#[test]
fn examples_of_one_class_alone_are_too_few() {
    let x = array![[1.0, 0.0], [0.0, 1.0]];
    for solver in [Solver::Newton, Solver::Linfa] {
        let config = LearnConfig { class_weight: ClassWeight::None, solver, ..LearnConfig::default() };
        for n_classes in [2, 3] {
            let found = fit(solver, &x.view(), &config.task(&[1, 1], n_classes, 1.0, 1e-10), None);
            assert!(matches!(found, Err(Error::TooFew(_))));
        }
    }
    let data = Dataset::new(x, array![5, 5]);
    assert!(matches!(Logistic::default().fit(&data), Err(Error::TooFew(_))));
}

#[test]
fn a_warm_start_reaches_the_optimum_of_a_cold_one() {
    for case in &GOLDEN.cases {
        let x = case.design().dense();
        for scheme in case.schemes() {
            let task = case.task(scheme, 1e-20);
            let cold = Solver::Newton.solve(&x.view(), &task, None).unwrap();
            for c in [0.01, 0.5 * case.c, 8.0 * case.c] {
                let elsewhere = Solver::Newton.solve(&x.view(), &Task { c, ..task.clone() }, None).unwrap();
                let warm = Solver::Newton.solve(&x.view(), &task, Some(&elsewhere.weights)).unwrap();
                let far = largest_difference(&cold.weights, &warm.weights);
                assert!(far <= 1e-8, "{} from C = {c}: {far:e}", case.name());
            }
            // At the optimum there is nothing left to do.
            let again = Task { tolerance: 1e-14, ..task };
            let again = Solver::Newton.solve(&x.view(), &again, Some(&cold.weights)).unwrap();
            assert_eq!(again.iterations, 0, "{}", case.name());
        }
    }
}

/// Rows of the three golden classes, named by other numbers.
fn named_rows() -> (Array2<f64>, Array1<usize>) {
    let design = &GOLDEN.designs["three"];
    let names = [3, 7, 40];
    (design.dense(), design.y.iter().map(|&class| names[class]).collect())
}

#[test]
fn linfas_traits_fit_predict_and_give_the_labels_back() {
    let (rows, targets) = named_rows();
    for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
        let logistic = Logistic { c: 100.0, config: LearnConfig { scheme, ..LearnConfig::default() } };
        let data = Dataset::new(rows.clone(), targets.clone());
        let classifier = logistic.fit(&data).unwrap();
        assert_eq!(classifier.classes, [3, 7, 40]);
        let predicted: Array1<usize> = classifier.predict(&rows);
        let right = predicted.iter().zip(&targets).filter(|(a, b)| a == b).count();
        assert!(right >= 38, "{scheme:?}: {right} of 40");
        let kind = if scheme == Scheme::OneVsRest { "one_vs_rest" } else { "multinomial" };
        let golden = GOLDEN.cases.iter().find(|case| {
            (case.design.as_str(), case.kind.as_str(), case.c) == ("three", kind, 100.0)
                && case.class_weight == ClassWeight::Balanced
        });
        let p = classifier.predict_proba(rows.view());
        for (p, wanted) in p.rows().into_iter().zip(&golden.unwrap().predict_proba) {
            assert!(p.iter().zip(wanted).all(|(p, wanted)| (p - wanted).abs() < 1e-4));
        }
    }
    let two = Dataset::new(array![[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.2]], array![7, 7, 3, 3]);
    let classifier = Logistic { c: 10.0, ..Logistic::default() }.fit(&two).unwrap();
    assert_eq!(classifier.predict(&two), array![7, 7, 3, 3]);
}

#[test]
fn predictions_do_not_depend_on_the_order_of_rows() {
    let (rows, targets) = named_rows();
    let order: Vec<usize> = (0..rows.nrows()).map(|row| (row * 17 + 5) % rows.nrows()).collect();
    let (moved, moved_targets) = (rows.select(Axis(0), &order), targets.select(Axis(0), &order));
    let logistic = Logistic { c: 10.0, ..Logistic::default() };
    let classifier = logistic.fit(&Dataset::new(rows.clone(), targets)).unwrap();
    let other = logistic.fit(&Dataset::new(moved.clone(), moved_targets)).unwrap();
    let plain: Array1<usize> = classifier.predict(&rows);
    // The same classifier on moved rows, to the bit; a classifier of moved rows, to the tolerance.
    assert_eq!(plain.select(Axis(0), &order), classifier.predict(&moved));
    assert_eq!(plain, other.predict(&rows));
    let p = classifier.predict_proba(rows.view());
    assert_eq!(p.select(Axis(0), &order), classifier.predict_proba(moved.view()));
    let p_other = other.predict_proba(rows.view());
    assert!(p.iter().zip(&p_other).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn linfas_traits_refuse_what_cannot_be_fitted() {
    let (rows, targets) = named_rows();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut holed = rows.clone();
        holed[[12, 4]] = value;
        let refused = Logistic::default().fit(&Dataset::new(holed, targets.clone()));
        assert!(matches!(refused, Err(Error::Usage(_))), "{value}");
    }
    let weighted = Dataset::new(rows.clone(), targets.clone()).with_weights(Array1::ones(rows.nrows()));
    assert!(matches!(Logistic::default().fit(&weighted), Err(Error::Usage(_))));
    let short = Dataset::new(rows.clone(), targets.slice(ndarray::s![..30]).to_owned());
    assert!(matches!(Logistic::default().fit(&short), Err(Error::Usage(_))));
    for c in [0.0, -1.0, f64::NAN] {
        let refused = Logistic { c, ..Logistic::default() }.fit(&Dataset::new(rows.clone(), targets.clone()));
        assert!(matches!(refused, Err(Error::Usage(_))), "C = {c}");
    }
}

#[test]
#[should_panic(expected = "features")]
fn rows_of_another_width_are_not_predicted_silently() {
    let (rows, targets) = named_rows();
    let classifier = Logistic::default().fit(&Dataset::new(rows, targets)).unwrap();
    let _: Array1<usize> = classifier.predict(&array![[1.0, 0.0]]);
}
