//! `kzstance evaluate` as a reviewer and a build server use it: reports, gates, baselines, exit status.

mod common;

use std::path::Path;

use common::{Article, articles, csv_of, folder, kzstance, listing, put};
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::Value;

/// Labels that words tell: `n` articles in `own.csv`.
fn with_labels(n: usize) -> tempfile::TempDir {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&in_many_outlets(n)));
    put(folder.path(), "quick.toml", "[learn]\nc = [4.0]\n");
    folder
}

/// With a handful of outlets there would be no intervals.
fn in_many_outlets(n: usize) -> Vec<Article> {
    let mut made = articles(n);
    for (number, article) in made.iter_mut().enumerate() {
        article.outlet = format!("صحيفة-{}", number / 4);
    }
    made
}

fn evaluate(folder: &Path, args: &[&str]) -> assert_cmd::Command {
    let mut command = kzstance(folder);
    command.args(["evaluate", "own.csv", "--axis", "stance", "--config", "quick.toml"]).args(args);
    command.env_remove("GITHUB_ACTIONS");
    command
}

fn report(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn a_report_has_every_form_and_all_say_the_same() {
    let folder = with_labels(60);
    evaluate(folder.path(), &["--report", "out"]).assert().success();
    assert_eq!(
        listing(&folder.path().join("out")),
        ["comment.md", "evaluation.json", "junit.xml", "report.html", "summary.md"]
    );
    let found = report(folder.path(), "out/evaluation.json");
    assert_eq!(found["schema"], "kzstance-evaluation/2");
    let macro_f1 = &found["axes"][0]["figures"]["macro_f1"];
    let said = format!("{:.3}", macro_f1["value"].as_f64().unwrap());
    for name in ["comment.md", "report.html", "summary.md"] {
        let text = std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
        assert!(text.contains(&said), "{name} does not say {said}");
    }
    let json = evaluate(folder.path(), &["--json"]).output().unwrap().stdout;
    assert!(json == std::fs::read(folder.path().join("out/evaluation.json")).unwrap());
    // Beside the folds stand random ones and what does not read.
    let beside: Vec<&str> = found["axes"][0]["beside"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(beside, ["random", "majority", "outlet", "lexicon", "length"]);
}

#[test]
fn a_gate_that_holds_is_0_and_one_that_does_not_is_1_with_the_report_written() {
    let folder = with_labels(60);
    let passes = "stance.accuracy > stance.baseline.majority.accuracy";
    evaluate(folder.path(), &["--brief", "--gate", "stance.n >= 60", "--gate", "stance.macro_f1 >= 0.0"])
        .assert()
        .success()
        .stderr(contains("gate passed  stance.n >= 60"));
    evaluate(folder.path(), &["--gate", passes, "--gate", "stance.macro_f1.low > 1", "--report", "out"])
        .assert()
        .code(1)
        .stdout(contains("macro-F1"))
        .stderr(
            contains(format!("gate passed  {passes}")).and(contains("gate failed  stance.macro_f1.low > 1")),
        );
    let junit = std::fs::read_to_string(folder.path().join("out/junit.xml")).unwrap();
    assert!(junit.contains("failures=\"1\"") && junit.contains("tests=\"2\""), "{junit}");
    let found = report(folder.path(), "out/evaluation.json");
    assert_eq!(found["gates"][1]["passed"], false);
    let summary = std::fs::read_to_string(folder.path().join("out/summary.md")).unwrap();
    assert!(summary.contains("1 of 2 gates failed"), "{summary}");
}

/// The whole point of a gate: the same labels, a worse learner.
#[test]
fn a_worsened_model_fails_its_gate_with_1_and_the_same_model_does_not() {
    let folder = with_labels(120);
    evaluate(folder.path(), &["--brief", "--report", "before"]).assert().success();
    put(
        folder.path(),
        "labels/gates.toml",
        "[[gate]]\ncheck = \"stance.macro_f1 not_worse_than baseline\"\nwhy = \"no step back\"\n",
    );
    let gates = ["--brief", "--gates", "labels/gates.toml", "--baseline", "before/evaluation.json"];
    evaluate(folder.path(), &gates).assert().success();
    // A model that is shown how often reporting verbs stand, and no words.
    put(
        folder.path(),
        "quick.toml",
        "[learn]\nc = [0.001]\n[[features.blocks]]\nextractor = { kind = \"manner\", version = 1 }\nweight = 1.0\n",
    );
    evaluate(folder.path(), &gates).assert().code(1).stderr(
        contains("gate failed  stance.macro_f1 not_worse_than baseline").and(contains("it is worse")),
    );
    evaluate(folder.path(), &[&gates[..], &["--report", "after"]].concat()).assert().code(1);
    kzstance(folder.path())
        .args(["compare", "before/evaluation.json", "after/evaluation.json"])
        .assert()
        .success()
        .stdout(contains("B worse"));
    // On a build server the failure stands at the gate's line.
    evaluate(folder.path(), &gates)
        .env("GITHUB_ACTIONS", "true")
        .assert()
        .code(1)
        .stderr(contains("::error file=labels/gates.toml,line="));
}

#[test]
fn input_that_is_broken_is_3_whatever_the_gates_say() {
    let folder = with_labels(60);
    let broken = csv_of(&articles(60)).replacen(",favor,", ",perhaps,", 1);
    put(folder.path(), "broken.csv", broken);
    kzstance(folder.path())
        .args(["evaluate", "broken.csv", "--gate", "stance.n >= 60", "--report", "out"])
        .assert()
        .code(3)
        .stderr(contains("«perhaps» is no class"));
    assert!(!folder.path().join("out").exists());
    for (name, text, said) in [
        ("gates.toml", "[[gate]]\ncheck = \"stance.macro_f1 >= \"\n", "gates.toml:"),
        ("gates.toml", "[[gates]]\n", "gates.toml"),
        ("old.json", "{\"schema\": \"kzstance-evaluation/1\"}", "kzstance-evaluation/1"),
        ("old.json", "{", "old.json"),
    ] {
        put(folder.path(), name, text);
        let option = if name == "old.json" { "--baseline" } else { "--gates" };
        evaluate(folder.path(), &["--brief", option, name])
            .assert()
            .code(3)
            .stdout(is_empty())
            .stderr(contains(said));
    }
}

#[test]
fn a_question_that_makes_no_sense_is_2_before_any_work() {
    let folder = with_labels(60);
    for (args, said) in [
        (&["--gate", "stance.macro_f1 not_worse_than baseline"][..], "--baseline"),
        (&["--gate", "stance.macro_f1 >="], "gate"),
        (&["--probes"], "--folds origins"),
        (&["--folds", "one"], "time"),
        (&["--test", "own.csv", "--folds", "3"], "cannot be used with"),
    ] {
        evaluate(folder.path(), args).assert().code(2).stdout(is_empty()).stderr(contains(said));
    }
    // A figure that no evaluation has is told with those that it has.
    evaluate(folder.path(), &["--brief", "--gate", "stance.macrof1 >= 0.5"])
        .assert()
        .code(2)
        .stderr(contains("did you mean macro_f1?"));
}

#[test]
fn a_held_out_file_is_judged_by_the_labels_and_nothing_of_it_is_learned() {
    let folder = with_labels(60);
    let test: Vec<Article> = in_many_outlets(90).into_iter().skip(60).collect();
    put(folder.path(), "test.csv", csv_of(&test));
    evaluate(folder.path(), &["--test", "test.csv", "--report", "out"]).assert().success();
    let found = report(folder.path(), "out/evaluation.json");
    let axis = &found["axes"][0];
    assert_eq!((axis["figures"]["n"].as_u64(), axis["folds"].as_str()), (Some(30), Some("a held-out file")));
    assert_eq!(axis["predictions"].as_array().unwrap().len(), 30);
    assert!(axis["beside"].as_array().unwrap().iter().any(|one| one["name"] == "majority"));
}

#[test]
fn hostile_names_in_labels_reach_no_report_as_code() {
    let folder = folder();
    let nasty = "<script>alert(1)</script> @here ](http://x) | `";
    let table = csv_of(&articles(60)).replacen("outlet", "paper", 1);
    // Every article of one outlet gets the name.
    let outlet = articles(60)[0].outlet.clone();
    put(
        folder.path(),
        "own.csv",
        table.replacen("paper", "outlet", 1).replace(&outlet, &format!("\"{nasty}\"")),
    );
    put(folder.path(), "quick.toml", "[learn]\nc = [4.0]\n");
    evaluate(folder.path(), &["--report", "out"]).assert().success();
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(page.contains("alert(1)") && !page.contains("<script>alert"));
    for name in ["summary.md", "comment.md"] {
        let text = std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
        assert!(!text.contains("<script>") && !text.contains("](http"), "{text}");
    }
}

/// Dates are found by their column's name, told where they cannot be read, and stand in the report.
#[test]
fn dates_give_folds_in_time_order() {
    let folder = with_labels(60);
    let dated = |written: &dyn Fn(usize) -> String| -> String {
        let table = csv_of(&in_many_outlets(60));
        let rows = table.lines().enumerate().map(|(row, line)| match row {
            0 => format!("{line},when\n"),
            row => format!("{line},{}\n", written(row)),
        });
        rows.collect()
    };
    put(folder.path(), "own.csv", dated(&|row| format!("2022-01-{:02}T08:00:00+03:00", row / 2 + 1)));
    evaluate(folder.path(), &["--columns", "date=when", "--report", "out"])
        .assert()
        .success()
        .stdout(contains("temporal folds"));
    let found = report(folder.path(), "out/evaluation.json");
    let beside = found["axes"][0]["beside"].as_array().unwrap();
    let temporal = beside.iter().find(|one| one["name"] == "temporal").unwrap();
    assert_eq!(temporal["kind"], "temporal");
    assert_eq!(temporal["figures"]["n"], 49);
    evaluate(folder.path(), &["--columns", "date=when", "--folds", "time"]).assert().success();
    put(folder.path(), "own.csv", dated(&|row| format!("{:02}/01/2022", row / 2 + 1)));
    evaluate(folder.path(), &["--columns", "date=when"])
        .assert()
        .success()
        .stdout(contains("60 dates cannot be read").and(contains("temporal").not()));
}

/// The report is to be seen even where a gate asks for what there is not.
#[test]
fn a_gate_that_cannot_be_answered_ends_in_its_error_after_the_report() {
    let folder = with_labels(60);
    let args = [
        "--brief",
        "--report",
        "out",
        "--gate",
        "stance.baseline.majority.accuracy >= 0",
        "--gate",
        "stance.n >= 60",
    ];
    evaluate(folder.path(), &args)
        .assert()
        .code(2)
        .stdout(contains("macro-F1"))
        .stderr(contains("gate passed  stance.n >= 60").and(contains("majority")));
    let found = report(folder.path(), "out/evaluation.json");
    assert_eq!((&found["gates"][0]["passed"], &found["gates"][1]["passed"]), (&false.into(), &true.into()));
}

#[test]
fn a_given_model_is_not_said_to_be_new_to_an_origin() {
    let folder = folder();
    let table = |from: usize, to: usize| -> String {
        let made: Vec<Article> = in_many_outlets(to).into_iter().skip(from).collect();
        let rows = csv_of(&made);
        let rows = rows.lines().enumerate().map(|(row, line)| match row {
            0 => format!("{line},origin\n"),
            row => format!("{line},{}\n", if row % 2 == 0 { "press" } else { "authored" }),
        });
        rows.collect()
    };
    put(folder.path(), "own.csv", table(0, 60));
    // One is labelled so that it must be judged wrong.
    put(folder.path(), "new.csv", table(60, 120).replacen(",favor,", ",against,", 1));
    put(folder.path(), "quick.toml", "[learn]\nc = [4.0]\n");
    kzstance(folder.path())
        .args(["train", "own.csv", "--axis", "stance", "--config", "quick.toml", "-o", "own.kzm"])
        .assert()
        .success();
    kzstance(folder.path())
        .args(["evaluate", "new.csv", "--axis", "stance", "-m", "own.kzm", "--report", "out"])
        .assert()
        .success()
        .stdout(contains("not trained on").not().and(contains("authored")));
    let summary = std::fs::read_to_string(folder.path().join("out/summary.md")).unwrap();
    assert!(!summary.contains("not trained on"), "{summary}");
    // The words are those that speak for what was decided, and against what was given.
    let found = report(folder.path(), "out/evaluation.json");
    let worst = &found["axes"][0]["worst"][0];
    assert_eq!((&worst["truth"], &worst["predicted"]), (&"against".into(), &"favor".into()));
    assert!(worst["evidence"][0][1].as_f64().unwrap() > 0.0, "{worst}");
}

#[test]
fn a_model_judges_one_target_and_a_test_file_names_its_own() {
    let folder = folder();
    let table = |targets: &[&str], from: usize, to: usize| -> String {
        let made: Vec<Article> = in_many_outlets(to).into_iter().skip(from).collect();
        let rows = csv_of(&made);
        let rows = rows.lines().enumerate().map(|(row, line)| match row {
            0 => format!("{line},target\n"),
            row => format!("{line},{}\n", targets[row % targets.len()]),
        });
        rows.collect()
    };
    put(folder.path(), "quick.toml", "[learn]\nc = [4.0]\n");
    put(folder.path(), "own.csv", table(&["one", "two"], 0, 90));
    put(folder.path(), "one.csv", table(&["one"], 150, 210));
    put(folder.path(), "none.csv", csv_of(&in_many_outlets(90)));
    let others: Vec<Article> = in_many_outlets(150).into_iter().skip(90).collect();
    put(folder.path(), "others.csv", csv_of(&others));
    kzstance(folder.path())
        .args(["train", "others.csv", "--axis", "stance", "--config", "quick.toml", "-o", "one.kzm"])
        .assert()
        .success();
    evaluate(folder.path(), &["-m", "one.kzm"]).assert().code(2).stderr(contains("--target"));
    // Labels of two targets teach a test file of one by those of its own alone.
    evaluate(folder.path(), &["--test", "one.csv", "--report", "out"]).assert().success();
    assert_eq!(report(folder.path(), "out/evaluation.json")["axes"][0]["target"], "one");
    evaluate(folder.path(), &["--test", "none.csv"])
        .assert()
        .code(2)
        .stderr(contains("choose one with --target"));
}

#[test]
fn a_column_without_labels_is_left_out_and_told() {
    let folder = with_labels(60);
    let rows = csv_of(&in_many_outlets(60));
    let emptied: String = rows
        .lines()
        .map(|line| {
            ["positive", "negative", "neutral"]
                .iter()
                .fold(line.to_owned(), |line, label| line.replace(&format!(",{label},"), ",,"))
                + "\n"
        })
        .collect();
    put(folder.path(), "own.csv", emptied);
    kzstance(folder.path())
        .args(["evaluate", "own.csv", "--brief", "--config", "quick.toml"])
        .assert()
        .success()
        .stdout(contains("stance: n = 60"))
        .stderr(contains("sentiment: the column has no label"));
}

/// Whoever writes labels must not speak to the build server through an error.
#[test]
fn what_labels_say_is_no_command_to_a_build_server() {
    let folder = with_labels(60);
    put(folder.path(), "own.csv", "id,text,stance\na,نص,\"fav\n::error::pwned\u{1b}[31m\"\n");
    let done = evaluate(folder.path(), &[]).assert().code(3);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains("pwned") && !said.contains('\u{1b}'), "{said}");
    assert!(said.lines().all(|line| !line.trim_start().starts_with("::")), "{said}");
}

#[test]
fn comparisons_do_not_steer_the_terminal() {
    let folder = with_labels(60);
    let table = csv_of(&in_many_outlets(60));
    let rows = table.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line},target\n"),
        _ => format!("{line},T\u{1b}[31m\u{202e}0\n"),
    });
    put(folder.path(), "own.csv", rows.collect::<String>());
    evaluate(folder.path(), &["--brief", "--report", "out"]).assert().success();
    for form in [&[][..], &["--markdown"]] {
        let done = kzstance(folder.path())
            .args(["compare", "out/evaluation.json", "out/evaluation.json"])
            .args(form)
            .assert()
            .success();
        let said = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
    }
}
