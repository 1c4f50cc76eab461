//! Metrics, rankings and figures agree with scikit-learn: `golden/metrics.json`, made by
//! `golden/metrics.py`, which also says where the two differ on purpose.

use std::sync::LazyLock;

use kzstance::evaluate::figures::{HEADLINE, OF_CLASS, Rows, figures, point};
use kzstance::evaluate::metrics::{Confusion, auc, measure};
use kzstance::evaluate::ranking::{MOST_POINTS, Ranked};
use kzstance::evaluate::risk::risk_coverage;
use kzstance::{Axis, RngSeed};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    rankings: Vec<Ranking>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    k: usize,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    weights: Option<Vec<u32>>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    confusion: Vec<Vec<u64>>,
    accuracy: Option<f64>,
    precision: Vec<Option<f64>>,
    recall: Vec<Option<f64>>,
    f1: Vec<Option<f64>>,
    macro_f1: Option<f64>,
    mcc: Option<f64>,
    brier: Option<f64>,
    log_loss: Option<f64>,
    ece: Option<f64>,
    aurc: Option<f64>,
    auc_sided: Option<f64>,
    auc_direction: Option<f64>,
    classes: Vec<Curves>,
}

#[derive(Deserialize)]
struct Ranking {
    name: String,
    positive: Vec<bool>,
    scores: Vec<f64>,
    weights: Option<Vec<u32>>,
    expected: Curves,
}

#[derive(Deserialize)]
struct Curves {
    auc: Option<f64>,
    average_precision: Option<f64>,
    roc: Vec<[f64; 2]>,
    precision_recall: Vec<[f64; 2]>,
}

static GOLDEN: LazyLock<Golden> = LazyLock::new(|| {
    serde_json::from_str(include_str!("golden/metrics.json")).expect("the golden file has its layout")
});

fn assert_close(got: Option<f64>, golden: Option<f64>, what: &str) {
    let close = match (got, golden) {
        (Some(got), Some(golden)) => (got - golden).abs() <= 1e-12,
        (got, golden) => got == golden,
    };
    assert!(close, "{what}: got {got:?}, golden {golden:?}");
}

fn assert_same_curve(got: &[[f64; 2]], golden: &[[f64; 2]], what: &str) {
    assert!(golden.len() <= MOST_POINTS, "{what}: too long to be given whole");
    assert_eq!(got.len(), golden.len(), "{what}");
    for (place, (got, golden)) in got.iter().zip(golden).enumerate() {
        assert_close(Some(got[0]), Some(golden[0]), &format!("{what}, x of point {place}"));
        assert_close(Some(got[1]), Some(golden[1]), &format!("{what}, y of point {place}"));
    }
}

/// Each place as often as its weight says.
fn repeated(weights: Option<&Vec<u32>>, n: usize) -> Vec<usize> {
    let times = |place| weights.map_or(1, |weights| weights[place] as usize);
    (0..n).flat_map(|place| std::iter::repeat_n(place, times(place))).collect()
}

impl Case {
    /// Three classes are those of stance, the first two of them polar; others have no polar classes.
    fn axis(&self) -> Axis {
        let names: Vec<String> = (0..self.k).map(|class| format!("class {class}")).collect();
        if self.k == 3 { Axis::stance() } else { Axis::named("tone", &names) }
    }

    fn rows(&self) -> Rows {
        Rows {
            truth: self.truth.clone(),
            predicted: self.predicted.clone(),
            probabilities: self.probabilities.clone(),
            groups: (0..self.truth.len()).collect(),
        }
    }

    /// The rows with those repeated that weigh more than 1, and without those that weigh nothing.
    fn repeated(&self) -> Rows {
        self.rows().select(&repeated(self.weights.as_ref(), self.truth.len()))
    }
}

impl Expected {
    /// By the names of the figures.
    fn get(&self, name: &str) -> Option<f64> {
        match name {
            "accuracy" => self.accuracy,
            "macro_f1" => self.macro_f1,
            "mcc" => self.mcc,
            "brier" => self.brier,
            "log_loss" => self.log_loss,
            "ece" => self.ece,
            "aurc" => self.aurc,
            "auc_sided" => self.auc_sided,
            "auc_direction" => self.auc_direction,
            // f1_score(labels=[0, 1], average="macro") would call the F1 of one class the mean of two.
            "semeval_f" if self.f1.len() == 3 => Some(f64::midpoint(self.f1[0]?, self.f1[1]?)),
            _ => None,
        }
    }

    fn of_class(&self, class: usize, name: &str) -> Option<f64> {
        match name {
            "precision" => self.precision[class],
            "recall" => self.recall[class],
            "f1" => self.f1[class],
            "auc" => self.classes[class].auc,
            "average_precision" => self.classes[class].average_precision,
            other => panic!("{other}?"),
        }
    }
}

#[test]
fn metrics_of_repeated_rows_are_those_of_scikit_learn_with_weights() {
    for case in &GOLDEN.cases {
        let (rows, expected) = (case.repeated(), &case.expected);
        let confusion = Confusion::from_pairs(case.k, &rows.truth, &rows.predicted);
        assert_eq!(confusion.counts(), expected.confusion.concat(), "{}: confusion", case.name);
        let got = measure(&case.axis(), &rows.truth, &rows.predicted, Some(&rows.probabilities));
        let is = |got, name: &str| assert_close(got, expected.get(name), &format!("{}: {name}", case.name));
        is(got.accuracy, "accuracy");
        is(got.macro_f1, "macro_f1");
        is(got.semeval_f, "semeval_f");
        is(got.mcc, "mcc");
        is(got.brier, "brier");
        is(got.log_loss, "log_loss");
        is(got.ece, "ece");
        let each = || rows.truth.iter().zip(&rows.predicted).zip(&rows.probabilities);
        let right: Vec<bool> = each().map(|((truth, predicted), _)| truth == predicted).collect();
        let sureness: Vec<f64> = each().map(|((_, &predicted), p)| p[predicted]).collect();
        is(risk_coverage(&sureness, &right).aurc, "aurc");
        for (class, got) in got.classes.iter().enumerate() {
            let is = |got, name: &str| {
                assert_close(got, expected.of_class(class, name), &format!("{}: {class}.{name}", case.name));
            };
            is(got.precision, "precision");
            is(got.recall, "recall");
            is(got.f1, "f1");
            let positive: Vec<bool> = rows.truth.iter().map(|&truth| truth == class).collect();
            let scores: Vec<f64> = rows.probabilities.iter().map(|p| p[class]).collect();
            is(auc(&positive, &scores), "auc");
        }
    }
}

#[test]
fn figures_under_weights_are_those_of_scikit_learn() {
    for case in &GOLDEN.cases {
        let ones = vec![1; case.truth.len()];
        let got = point(&case.axis(), &case.rows(), case.weights.as_ref().unwrap_or(&ones));
        assert_eq!(got.len(), HEADLINE.len() + OF_CLASS.len() * case.k, "{}", case.name);
        let (headline, of_classes) = got.split_at(HEADLINE.len());
        for (name, &got) in HEADLINE.iter().zip(headline) {
            assert_close(got, case.expected.get(name), &format!("{}: {name}", case.name));
        }
        for (class, got) in of_classes.chunks(OF_CLASS.len()).enumerate() {
            for (name, &got) in OF_CLASS.iter().zip(got) {
                let what = format!("{}: {class}.{name}", case.name);
                assert_close(got, case.expected.of_class(class, name), &what);
            }
        }
    }
}

#[test]
fn figures_are_found_by_name() {
    for case in &GOLDEN.cases {
        let axis = case.axis();
        let got = figures(&axis, &case.repeated(), 0, RngSeed::default());
        let value = |name: &str| got.get(name).and_then(|figure| figure.value);
        for name in HEADLINE {
            assert_close(value(name), case.expected.get(name), &format!("{}: {name}", case.name));
        }
        for (class, of) in axis.classes.iter().enumerate() {
            for name in OF_CLASS {
                let golden = case.expected.of_class(class, name);
                assert_close(value(&format!("{of}.{name}")), golden, &format!("{}: {of}.{name}", case.name));
            }
        }
    }
}

#[test]
fn curves_and_their_areas_are_those_of_scikit_learn() {
    let of_classes = GOLDEN.cases.iter().flat_map(|case| {
        case.expected.classes.iter().enumerate().map(move |(class, expected)| {
            let positive = case.truth.iter().map(|&truth| truth == class).collect::<Vec<_>>();
            let scores = case.probabilities.iter().map(|p| p[class]).collect::<Vec<_>>();
            (format!("{}, class {class}", case.name), positive, scores, &case.weights, expected)
        })
    });
    let rankings = GOLDEN
        .rankings
        .iter()
        .map(|of| (of.name.clone(), of.positive.clone(), of.scores.clone(), &of.weights, &of.expected));
    for (name, positive, scores, weights, expected) in of_classes.chain(rankings) {
        let ranked = Ranked::new(&positive, &scores).expect("scores are numbers");
        let all = vec![1; positive.len()];
        let weights = weights.as_ref().unwrap_or(&all);
        assert_close(ranked.auc(weights), expected.auc, &format!("{name}: auc"));
        let got = ranked.average_precision(weights);
        assert_close(got, expected.average_precision, &format!("{name}: average precision"));
        assert_same_curve(&ranked.roc(), &expected.roc, &format!("{name}: roc"));
        let got = ranked.precision_recall();
        assert_same_curve(&got, &expected.precision_recall, &format!("{name}: precision and recall"));
    }
}

#[test]
fn the_golden_cases_reach_what_is_undefined() {
    // Each figure has a case in which it is defined and one in which it is not, as far as it can be.
    let cases = &GOLDEN.cases;
    for name in ["semeval_f", "mcc", "auc_sided", "auc_direction"] {
        let defined = cases.iter().filter(|case| case.k == 3 && case.expected.get(name).is_some()).count();
        let of_three = cases.iter().filter(|case| case.k == 3).count();
        assert!(defined > 0 && defined < of_three, "{name}: {defined} of {of_three}");
    }
    for name in OF_CLASS {
        let of =
            |case: &Case| (0..case.k).map(|class| case.expected.of_class(class, name)).collect::<Vec<_>>();
        let values: Vec<Option<f64>> = cases.iter().flat_map(of).collect();
        assert!(values.iter().any(Option::is_some) && values.iter().any(Option::is_none), "{name}");
    }
    assert!(cases.iter().any(|case| case.expected.log_loss > Some(30.0)), "a certain error");
}
