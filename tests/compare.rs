//! Two evaluations of the same articles, compared with the real binary.

mod common;
mod evaluations;

use std::path::Path;

use common::{folder, kzstance, put};
use evaluations::{axis_of, evaluation, origin, predictions, stance};
use kzstance::evaluate::evaluation::Evaluation;
use kzstance::label::Axis;
use serde_json::Value;

fn save(folder: &Path, name: &str, of: &Evaluation) {
    put(folder, name, serde_json::to_string_pretty(of).unwrap());
}

fn saved(a: &Evaluation, b: &Evaluation) -> tempfile::TempDir {
    let folder = folder();
    save(folder.path(), "a.json", a);
    save(folder.path(), "b.json", b);
    folder
}

/// Standard output of a run that succeeds.
fn stdout(folder: &Path, args: &[&str]) -> String {
    let done = kzstance(folder).args([&["compare", "a.json", "b.json"], args].concat()).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn json_of(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(folder, &[&["--json"], args].concat())).unwrap()
}

/// A call that is refused: its exit code, its words, and nothing on standard output.
fn refused(folder: &Path, args: &[&str], code: i32, words: &[&str]) {
    let done = kzstance(folder).args([&["compare", "a.json", "b.json"], args].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{said}");
    for wanted in words {
        assert!(said.contains(wanted), "«{wanted}» is missing in: {said}");
    }
    assert!(!said.contains("panicked") && done.stdout.is_empty(), "{said}");
}

fn figure<'v>(axis: &'v Value, name: &str) -> &'v Value {
    axis["figures"].as_array().unwrap().iter().find(|figure| figure["name"] == name).unwrap()
}

#[test]
fn a_model_that_errs_less_is_better_and_the_other_way_round_worse() {
    // A is wrong on every second group of two rows, B on every sixth.
    let (a, b) = (stance(120, |row| row / 2 % 2 == 0), stance(120, |row| row / 2 % 6 == 0));
    let folder = saved(&a, &b);
    let found = json_of(folder.path(), &[]);
    assert_eq!(found["schema"], "kzstance-comparison/1");
    let axis = &found["axes"][0];
    assert_eq!((axis["n"].as_u64(), axis["groups"].as_u64()), (Some(120), Some(60)));
    let names: Vec<&str> =
        axis["figures"].as_array().unwrap().iter().map(|figure| figure["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "accuracy",
            "macro_f1",
            "semeval_f",
            "mcc",
            "brier",
            "log_loss",
            "ece",
            "auc_sided",
            "auc_direction",
            "favor.f1",
            "against.f1",
            "none.f1"
        ]
    );
    let accuracy = figure(axis, "accuracy");
    let close = |value: &Value, golden: f64| (value.as_f64().unwrap() - golden).abs() < 1e-12;
    assert!(close(&accuracy["a"]["value"], 0.5) && close(&accuracy["b"]["value"], 5.0 / 6.0));
    assert!(close(&accuracy["difference"]["value"], 1.0 / 3.0), "{accuracy}");
    for name in ["accuracy", "macro_f1", "mcc", "brier", "log_loss", "favor.f1"] {
        assert_eq!(figure(axis, name)["verdict"], "better", "{name}");
    }
    assert!(figure(axis, "brier")["lower_is_better"].as_bool().unwrap());
    // 40 rows that B alone has right, none that A alone has: 2 / 2^40.
    assert_eq!(
        (axis["mcnemar"]["only_a_right"].as_u64(), axis["mcnemar"]["only_b_right"].as_u64()),
        (Some(0), Some(40))
    );
    assert!((axis["mcnemar"]["p"].as_f64().unwrap() / (2.0 / 2.0_f64.powi(40)) - 1.0).abs() < 1e-9);
    // Of as many as there are, the smallest p is multiplied by their number.
    let of = |figure: &Value, key: &str| figure[key].as_f64();
    let figures = axis["figures"].as_array().unwrap();
    let with_p: Vec<&Value> = figures.iter().filter(|figure| of(figure, "p").is_some()).collect();
    assert_eq!(found["compared"].as_u64(), Some(with_p.len() as u64));
    let least = with_p.iter().min_by(|a, b| of(a, "p").unwrap().total_cmp(&of(b, "p").unwrap())).unwrap();
    let (p, adjusted) = (of(least, "p").unwrap(), of(least, "p_holm").unwrap());
    assert!((adjusted / (p * with_p.len() as f64) - 1.0).abs() < 1e-9, "{p} {adjusted}");

    let turned = saved(&b, &a);
    let turned = json_of(turned.path(), &[]);
    for name in ["accuracy", "macro_f1", "brier", "log_loss"] {
        let figure = figure(&turned["axes"][0], name);
        assert_eq!(figure["verdict"], "worse", "{name}");
    }
    let said = stdout(folder.path(), &[]);
    for words in [
        "B better",
        "+0.333 (",
        "120 articles in both, in 60 groups",
        "exact p < 0.001",
        "(Holm)",
        "seed 2022",
    ] {
        assert!(said.contains(words), "«{words}» is missing in:\n{said}");
    }
}

#[test]
fn a_small_difference_cannot_be_told_and_says_how_many_labels_would() {
    // Each is wrong on rows of its own: A on 13, B on 12, of 120.
    let (a, b) = (stance(120, |row| row % 10 == 0 || row == 1), stance(120, |row| row % 10 == 5));
    let folder = saved(&a, &b);
    let found = json_of(folder.path(), &["--resamples", "1000"]);
    let accuracy = figure(&found["axes"][0], "accuracy");
    assert_eq!(accuracy["verdict"], "cannot_tell");
    let needed = accuracy["labels_needed"].as_f64().unwrap();
    let end = |name: &str| accuracy["difference"][name].as_f64().unwrap();
    let exact = 120.0 * (2.8 * (end("high") - end("low")) / 3.92 / end("value")).powi(2);
    assert!(exact <= needed && needed < 2.0 * exact && needed > 120.0, "{needed}, {exact}");
    // 13 rows that B alone has right, 12 that A alone has.
    assert!((found["axes"][0]["mcnemar"]["p"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    let said = stdout(folder.path(), &[]);
    assert!(said.contains("cannot tell at this n") && said.contains(&format!("about {needed}")), "{said}");
    assert!(said.contains("if further labels resemble these"), "{said}");
    assert!(said.contains(" figures were compared, each at the 95 % level"), "{said}");
}

#[test]
fn a_model_against_itself_is_no_difference() {
    let same = stance(60, |row| row % 4 == 0);
    let folder = saved(&same, &same);
    let found = json_of(folder.path(), &[]);
    for figure in found["axes"][0]["figures"].as_array().unwrap() {
        assert_eq!(figure["verdict"], "no_difference", "{figure}");
        assert!(figure["labels_needed"].is_null() && figure["p"].is_null(), "{figure}");
    }
    assert_eq!(found["axes"][0]["alike"].as_u64(), Some(60));
    // The same decisions with other probabilities differ in what is made of probabilities alone.
    let mut other = same.clone();
    other.axes[0]
        .predictions
        .iter_mut()
        .step_by(3)
        .for_each(|prediction| prediction.probabilities.rotate_left(1));
    let found = json_of(saved(&same, &other).path(), &[]);
    assert_eq!(figure(&found["axes"][0], "macro_f1")["verdict"], "no_difference");
    assert_ne!(figure(&found["axes"][0], "brier")["verdict"], "no_difference");
    let said = stdout(folder.path(), &[]);
    assert!(said.contains("no difference") && said.contains("nothing to tell"), "{said}");
    assert!(!said.contains("better  ") && said.contains("exact p = 1.000"), "{said}");
}

#[test]
fn under_twenty_articles_there_is_no_interval_and_no_test() {
    let folder = saved(&stance(19, |_| false), &stance(19, |row| row % 2 == 0));
    let found = json_of(folder.path(), &[]);
    assert_eq!(figure(&found["axes"][0], "accuracy")["verdict"], "too_few");
    assert!(found["axes"][0]["mcnemar"]["p"].is_null());
    let said = stdout(folder.path(), &[]);
    assert!(said.contains("too few") && said.contains("19 articles are too few"), "{said}");
    let enough = saved(&stance(20, |_| false), &stance(20, |row| row / 2 % 2 == 0));
    assert_eq!(figure(&json_of(enough.path(), &[])["axes"][0], "accuracy")["verdict"], "worse");
}

#[test]
fn what_one_side_alone_has_judged_is_counted_and_left_out() {
    let (mut a, mut b) = (stance(60, |_| false), stance(64, |row| row >= 60 || row == 3));
    a.axes[0].predictions.rotate_left(7);
    b.axes[0].predictions.retain(|prediction| prediction.id != "doc-000");
    let folder = saved(&a, &b);
    let found = json_of(folder.path(), &[]);
    let axis = &found["axes"][0];
    assert_eq!(
        [&axis["n"], &axis["only_a"], &axis["only_b"]].map(Value::as_u64),
        [Some(59), Some(1), Some(4)]
    );
    let accuracy = figure(axis, "accuracy")["b"]["value"].as_f64().unwrap();
    assert!((accuracy - 58.0 / 59.0).abs() < 1e-12, "{accuracy}");
    let said = stdout(folder.path(), &[]);
    assert!(said.contains("left out: 1 only in A, 4 only in B") && !said.contains("not the same"), "{said}");
    b.digest = "1".repeat(64);
    save(folder.path(), "b.json", &b);
    assert!(stdout(folder.path(), &[]).contains("The corpora are not the same."));
}

#[test]
fn articles_that_either_side_keeps_together_are_resampled_together() {
    let (mut a, mut b) = (stance(60, |_| false), stance(60, |row| row % 3 == 0));
    for (row, prediction) in a.axes[0].predictions.iter_mut().enumerate() {
        prediction.group = row / 3;
    }
    // Numbers of one document mean nothing in the other.
    for (row, prediction) in b.axes[0].predictions.iter_mut().enumerate() {
        prediction.group = 1000 - row / 6;
    }
    let folder = saved(&a, &b);
    assert_eq!(json_of(folder.path(), &[])["axes"][0]["groups"].as_u64(), Some(10));
}

#[test]
fn mismatches_are_bad_input_that_names_the_article() {
    let a = stance(30, |_| false);
    let mut b = a.clone();
    b.axes[0].predictions[7].truth = "none".into();
    b.axes[0].predictions[9].truth = "none".into();
    let words = ["b.json: stance: «doc-007» is labelled none, but against in a.json"];
    refused(saved(&a, &b).path(), &[], 3, &words);

    let mut b = a.clone();
    b.axes[0].axis.classes.swap(0, 1);
    refused(
        saved(&a, &b).path(),
        &[],
        3,
        &["the classes are against, favor, none, but favor, against, none"],
    );

    let mut b = a.clone();
    b.axes[0].predictions.iter_mut().for_each(|prediction| prediction.id.insert_str(0, "x-"));
    refused(saved(&a, &b).path(), &[], 3, &["no article is in both", "«x-doc-000»", "«doc-000»"]);

    let mut b = a.clone();
    b.axes[0].predictions[4].id = "doc-003".into();
    refused(saved(&a, &b).path(), &[], 3, &["b.json: stance: «doc-003» was judged twice"]);

    let mut b = a.clone();
    b.axes[0].predictions[4].predicted = "maybe".into();
    refused(saved(&a, &b).path(), &[], 3, &["«doc-004»: «maybe» is none of favor, against, none"]);

    let mut b = a.clone();
    b.axes[0].predictions[4].probabilities.pop();
    refused(saved(&a, &b).path(), &[], 3, &["«doc-004»: 2 probabilities for 3 classes"]);

    let mut b = a.clone();
    b.axes[0].axis.name = "mood".into();
    refused(saved(&a, &b).path(), &[], 3, &["stance is in a.json only", "mood is in b.json only"]);
}

#[test]
fn what_is_no_evaluation_is_bad_input_that_names_the_line() {
    let folder = saved(&stance(30, |_| false), &stance(30, |_| false));
    let whole = std::fs::read_to_string(folder.path().join("b.json")).unwrap();
    for (bytes, words) in [
        (String::new(), "b.json:1: this is no whole evaluation"),
        ("{\n\"schema\": 3}".into(), "it names no schema"),
        ("{}".into(), "b.json: this is JSON, but no evaluation"),
        (whole.replace("kzstance-evaluation/2", "kzstance-evaluation/1"), "«kzstance-evaluation/1» is older"),
        (whole.replace("\"corpus\"", "\"korpus\""), "missing field `corpus`"),
        (whole[..whole.len() / 2].to_owned(), "no whole evaluation (EOF"),
    ] {
        put(folder.path(), "b.json", &bytes);
        refused(folder.path(), &[], 3, &[words]);
    }
    std::fs::remove_file(folder.path().join("b.json")).unwrap();
    refused(folder.path(), &[], 3, &["b.json: cannot be read"]);
}

#[test]
fn axes_can_be_chosen_and_those_of_one_side_are_told() {
    let sentiment = || axis_of(Axis::sentiment(), predictions(&Axis::sentiment(), 30, |row| row == 2));
    let mut a = stance(30, |_| false);
    a.axes.push(sentiment());
    let mut b = a.clone();
    b.axes.push(axis_of(Axis::on_target(), predictions(&Axis::on_target(), 30, |_| false)));
    let folder = saved(&a, &b);
    let axes = |args: &[&str]| -> Vec<String> {
        let found = json_of(folder.path(), args);
        found["axes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|axis| axis["axis"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(axes(&[]), ["stance", "sentiment"]);
    assert_eq!(axes(&["--axis", "sentiment"]), ["sentiment"]);
    assert!(stdout(folder.path(), &[]).contains("on_target is in b.json only."));
    refused(folder.path(), &["--axis", "on_target"], 2, &["--axis on_target: a.json has sentiment, stance"]);
    refused(folder.path(), &["--resamples", "5"], 2, &["--resamples"]);
    refused(folder.path(), &["--json", "--markdown"], 2, &["cannot be used with"]);
}

#[test]
fn targets_are_compared_each_with_its_own() {
    let toward = |target: &str, wrong: usize| {
        let mut axis = stance(30, |row| row < wrong).axes.remove(0);
        axis.target = Some(target.into());
        axis
    };
    let a = evaluation(vec![toward("rail", 0), toward("road", 0)]);
    let b = evaluation(vec![toward("road", 9), toward("rail", 3)]);
    let found = json_of(saved(&a, &b).path(), &[]);
    let accuracy =
        |at: usize| figure(&found["axes"][at], "accuracy")["difference"]["value"].as_f64().unwrap();
    assert_eq!(found["axes"][0]["target"], "rail");
    assert!((accuracy(0) + 0.1).abs() < 1e-12 && (accuracy(1) + 0.3).abs() < 1e-12);
}

#[test]
fn origins_are_compared_each_by_itself() {
    let of = |wrong: fn(usize) -> bool| {
        let mut found = stance(80, wrong);
        found.axes[0].origins = vec![origin(&found.axes[0], "press"), origin(&found.axes[0], "authored")];
        found
    };
    let (a, mut b) = (of(|_| false), of(|row| row % 4 == 0));
    let folder = saved(&a, &b);
    let found = json_of(folder.path(), &[]);
    let verdicts: Vec<(&Value, &Value)> = found["axes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|axis| (&axis["origin"], &figure(axis, "accuracy")["verdict"]))
        .collect();
    assert_eq!(
        verdicts,
        [
            (&Value::Null, &"worse".into()),
            (&"press".into(), &"worse".into()),
            (&"authored".into(), &"no_difference".into())
        ]
    );
    // Which decisions are those of the figures is then unknown.
    b.axes[0].origins[0].figures.n -= 1;
    save(folder.path(), "b.json", &b);
    let said = stdout(folder.path(), &[]);
    assert!(said.contains("stance, press: some of its articles are off target"), "{said}");
}

#[test]
fn the_result_is_the_same_at_any_thread_count_and_follows_the_seed() {
    let folder = saved(&stance(60, |row| row % 7 == 0), &stance(60, |row| row % 5 == 0));
    let one = stdout(folder.path(), &["--json", "--threads", "1"]);
    assert_eq!(stdout(folder.path(), &["--json", "--threads", "3"]), one);
    assert_ne!(
        stdout(folder.path(), &["--json", "--seed", "1"]).replace("\"seed\": 1,", "\"seed\": 2022,"),
        one
    );
}

#[test]
fn markdown_shows_names_as_they_are() {
    let of = |wrong: fn(usize) -> bool| {
        let mut found = stance(30, wrong);
        found.axes[0].target = Some("<b>@all|قناة".into());
        found.corpus = "a|b".into();
        found
    };
    let folder = saved(&of(|_| false), &of(|row| row % 3 == 0));
    let said = stdout(folder.path(), &["--markdown"]);
    assert!(
        said.contains("&lt;b&gt;@\u{200b}all\\|قناة") && said.contains("(a\\|b, kzstance 0.1.0)"),
        "{said}"
    );
    assert!(!said.contains("<b>"), "{said}");
    let table: Vec<&str> = said.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 14, "{said}");
    for row in table {
        assert_eq!(row.matches('|').count() - row.matches("\\|").count(), 8, "{row}");
    }
    assert!(said.contains("| macro\\_f1 | 1.000 |"), "{said}");
}

#[test]
fn the_help_shows_a_call_that_works() {
    let folder = folder();
    let done = kzstance(folder.path()).args(["compare", "--help"]).assert().success();
    let said = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    assert!(said.contains("kzstance compare before/evaluation.json after/evaluation.json"), "{said}");
}
