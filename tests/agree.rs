//! How far raters agree, measured with the real binary.

mod common;

use std::fmt::Write;
use std::path::Path;

use common::{folder, kzstance, put};
use serde_json::{Value, json};

/// Judgements of three articles by two annotators in two rounds; they disagree on the stance of one.
const SMALL: &str = "\
id,segment,annotator,round,stance,sentiment,on_target,confidence,note
a,,nour,1,favor,positive,true,3,clear
a,,sami,2,favour,positive,true,2,
b,,nour,1,against,negative,true,3,\"a title, and a comma\"
b,,sami,2,none,negative,true,1,
c,,rim,1,none,,false,3,
c,,sami,2,محايد,neutral,false,3,
";

const MANIFEST: &str = r#"version = 1
name = "own"
features = "../seeds"
judgements = ["own.csv"]

[[annotations]]
file = "rounds.csv"
axes = ["stance", "on_target"]

[[annotations]]
file = "tone.jsonl"
axes = ["tone"]

[[axes]]
name = "stance"
classes = ["favor", "against", "none"]
aliases = { "unclear" = "none" }

[[axes]]
name = "tone"
classes = ["calm", "tense"]
"#;

/// Standard output of a run that succeeds.
fn stdout(folder: &Path, args: &[&str]) -> String {
    let done = kzstance(folder).args(args).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn json_of(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&stdout(folder, &[&["agree", "--json"], args].concat())).unwrap()
}

/// A call that is refused: its exit code, its words on standard error, nothing on standard output.
fn refused(folder: &Path, args: &[&str], code: i32, words: &[&str]) {
    let done = kzstance(folder).arg("agree").args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
    for wanted in words {
        assert!(said.contains(wanted), "{args:?}: «{wanted}» is missing in: {said}");
    }
    assert!(!said.contains("panicked"), "{args:?}: {said}");
    assert!(done.stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&done.stdout));
}

/// A table that is refused with exit code 3.
fn refused_table(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) {
    let folder = folder();
    put(folder.path(), name, bytes);
    refused(folder.path(), &[name], 3, words);
    refused(folder.path(), &[name, "--json"], 3, words);
}

/// Judgements of 60 segments in 30 articles by two annotators who agree on four of five.
fn many() -> String {
    let mut table = "id,segment,annotator,stance\n".to_owned();
    let classes = ["favor", "against", "none"];
    for unit in 0..60 {
        let (id, segment, class) = (unit / 2, unit % 2, unit % 3);
        let other = (class + usize::from(unit % 5 == 0)) % 3;
        let _ = writeln!(table, "doc-{id:02},{segment},nour,{}", classes[class]);
        let _ = writeln!(table, "doc-{id:02},{segment},sami,{}", classes[other]);
    }
    table
}

fn labels_folder(folder: &Path) {
    put(folder, "labels/labels.toml", MANIFEST);
    put(folder, "labels/rounds.csv", SMALL.replace("c,,rim,1,none", "c,,rim,1,Unclear"));
    let row = |id: &str, rater: &str, tone: Value| json!({"id": id, "annotator": rater, "tone": tone});
    let rows = [
        row("a", "nour", json!("calm")),
        row("a", "sami", json!("TENSE ")),
        row("b", "nour", json!(null)),
        row("b", "sami", json!("calm")),
    ];
    let lines: String = rows.iter().map(|row| format!("{row}\n\n")).collect();
    put(folder, "labels/tone.jsonl", lines);
}

// What is measured

#[test]
fn a_file_of_judgements_is_measured_axis_by_axis() {
    let folder = folder();
    put(folder.path(), "own.csv", SMALL);
    let said = stdout(folder.path(), &["agree", "own.csv"]);
    for wanted in [
        "own.csv: 2 raters, by round: 1, 2\n",
        "stance: 3 of 3 units judged by two raters or more, in 3 articles\n",
        "agreement           0.667 (no interval)\n",
        "sentiment: 2 of 3 units judged by two raters or more, in 2 articles\n",
        "kappa               1.000 (no interval)\n",
        "round 1 and 2: n = 3\n",
        "lowest confidence",
    ] {
        assert!(said.contains(wanted), "«{wanted}» is missing in:\n{said}");
    }
    assert!(!said.contains("on_target") && !said.contains("disagreed on"), "{said}");
    let found = json_of(folder.path(), &["own.csv"]);
    let stance = &found["tables"][0]["axes"][0];
    // By hand: rows favor, against, none and columns favor, none, none; 2 of 3 the same, 3 of 9 by chance.
    assert_eq!(stance["pairs"][0]["confusion"], json!([[1, 0, 0], [0, 0, 1], [0, 0, 1]]));
    assert!((stance["pairs"][0]["kappa"]["value"].as_f64().unwrap() - 0.5).abs() < 1e-12);
    // Six values, favor twice, against once, none three times: (5 · 4 - 8) / (30 - 8).
    assert!((stance["alpha"]["value"].as_f64().unwrap() - 12.0 / 22.0).abs() < 1e-12);
    let levels: Vec<&Value> =
        (0..3).map(|level| &stance["by_confidence"][level]["agreement"]["value"]).collect();
    assert_eq!(levels, [&json!(0.0), &json!(1.0), &json!(1.0)]);
}

#[test]
fn a_labels_folder_is_measured_table_by_table() {
    let folder = folder();
    labels_folder(folder.path());
    let found = json_of(folder.path(), &["labels/"]);
    let tables = found["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 2);
    let names = |table: &Value| -> Vec<String> {
        table["axes"].as_array().unwrap().iter().map(|axis| axis["axis"]["name"].to_string()).collect()
    };
    assert_eq!(names(&tables[0]), ["\"stance\"", "\"on_target\""]);
    assert_eq!(tables[0]["axes"][1]["axis"]["classes"], json!(["false", "true"]));
    assert_eq!(names(&tables[1]), ["\"tone\""]);
    assert_eq!(tables[1]["raters"], json!(["nour", "sami"]));
    assert_eq!(tables[1]["axes"][0]["n_units"], 2);
    assert_eq!(tables[1]["axes"][0]["n_shared"], 1);
    let one = json_of(folder.path(), &["labels", "--axis", "tone"]);
    assert_eq!(one["tables"].as_array().unwrap().len(), 1);
    assert_eq!(one["tables"][0], tables[1]);
    assert!(stdout(folder.path(), &["agree", "labels"]).contains("tone: 1 of 2 units"));
}

#[test]
fn json_has_its_schema_and_the_seed() {
    let folder = folder();
    put(folder.path(), "own.tsv", many().replace(',', "\t"));
    let found = json_of(folder.path(), &["own.tsv", "--seed", "7"]);
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&found), ["schema", "seed", "tables"]);
    assert_eq!((&found["schema"], &found["seed"]), (&json!("kzstance-agreement/1"), &json!(7)));
    assert_eq!(keys(&found["tables"][0]), ["file", "rater_column", "raters", "axes"]);
    let axis = &found["tables"][0]["axes"][0];
    assert_eq!(
        keys(axis),
        [
            "axis",
            "n_units",
            "n_shared",
            "n_articles",
            "agreement",
            "alpha",
            "pairs",
            "by_confidence",
            "disagreements"
        ]
    );
    assert_eq!(keys(&axis["pairs"][0]), ["first", "second", "agreement", "kappa", "confusion"]);
    assert_eq!((&axis["n_shared"], &axis["n_articles"]), (&json!(60), &json!(30)));
    for estimate in [&axis["agreement"], &axis["alpha"], &axis["pairs"][0]["kappa"]] {
        let number = |value: &Value| value.as_f64().unwrap();
        let (low, high) = (number(&estimate["interval"]["low"]), number(&estimate["interval"]["high"]));
        assert!(low < number(&estimate["value"]) && number(&estimate["value"]) < high, "{estimate}");
        assert_eq!((&estimate["n"], &estimate["interval"]["clusters"]), (&json!(60), &json!(30)));
    }
    assert_eq!(axis["disagreements"].as_array().unwrap().len(), 12);
    assert_eq!(
        axis["disagreements"][0],
        json!({"id": "doc-00", "segment": "0", "labels": {"nour": "favor", "sami": "against"}})
    );
    assert_ne!(found, json_of(folder.path(), &["own.tsv"]), "another seed");
    let threads = json_of(folder.path(), &["own.tsv", "--seed", "7", "--threads", "1"]);
    assert_eq!(found, threads);
}

#[test]
fn disagreements_are_listed_where_that_is_asked() {
    let folder = folder();
    put(folder.path(), "own.csv", SMALL);
    let said = stdout(folder.path(), &["agree", "own.csv", "--list"]);
    let listed = said.lines().skip_while(|line| !line.contains("stance, disagreed on")).nth(2).unwrap();
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), ["b", "against", "none"], "{said}");
    assert!(said.contains("sentiment: no disagreement\n"), "{said}");
    put(folder.path(), "many.csv", many());
    let said = stdout(folder.path(), &["agree", "many.csv", "--list"]);
    let listed: Vec<&str> = said.lines().skip_while(|line| !line.contains("disagreed on")).collect();
    assert!(listed[0].contains("segment") && listed[0].contains("sami"), "{said}");
    assert_eq!(listed[2].split_whitespace().collect::<Vec<_>>(), ["doc-00", "0", "favor", "against"]);
}

#[test]
fn the_order_of_rows_and_unknown_columns_make_no_difference() {
    let folder = folder();
    put(folder.path(), "own.csv", many());
    let found = stdout(folder.path(), &["agree", "own.csv", "--list"]);
    let table = many();
    let mut rows: Vec<&str> = table.lines().skip(1).collect();
    rows.reverse();
    let rows: String = rows.iter().map(|row| format!("{row},x\n")).collect();
    put(folder.path(), "own.csv", format!("id,segment,annotator,stance,note\n{rows}"));
    assert_eq!(stdout(folder.path(), &["agree", "own.csv", "--list"]), found);
}

#[test]
fn annotators_of_one_round_are_one_reading_unless_annotators_are_asked_for() {
    let folder = folder();
    put(folder.path(), "own.csv", SMALL);
    let found = json_of(folder.path(), &["own.csv"]);
    assert_eq!(found["tables"][0]["raters"], json!(["1", "2"]));
    let found = json_of(folder.path(), &["own.csv", "--columns", "round=annotator"]);
    assert_eq!(found["tables"][0]["raters"], json!(["nour", "rim", "sami"]));
    assert_eq!(found["tables"][0]["axes"][0]["pairs"][0]["kappa"]["n"], 2);
}

#[test]
fn other_axes_and_their_classes_can_be_given() {
    let folder = folder();
    put(folder.path(), "own.csv", SMALL);
    let found = json_of(folder.path(), &["own.csv", "--axis", "on_target", "--axis", "stance"]);
    let axes = &found["tables"][0]["axes"];
    assert_eq!(axes[0]["axis"]["classes"], json!(["false", "true"]));
    assert_eq!(axes[0]["alpha"]["value"], 1.0);
    assert_eq!(axes[1]["axis"]["classes"], json!(["favor", "against", "none"]));
    let found = json_of(folder.path(), &["own.csv", "--axis", "on_target=true,false"]);
    assert_eq!(found["tables"][0]["axes"][0]["axis"]["classes"], json!(["true", "false"]));
    refused(folder.path(), &["own.csv", "--axis", "on_target=yes,no"], 3, &["own.csv:2: «true» is no class"]);
}

#[test]
fn what_is_undefined_is_said_to_be() {
    let folder = folder();
    put(folder.path(), "own.csv", "id,annotator,stance\na,nour,none\na,sami,none\nb,nour,none\nb,sami,\n");
    let said = stdout(folder.path(), &["agree", "own.csv"]);
    assert!(said.contains("alpha               undefined\n"), "{said}");
    assert!(said.contains("kappa               undefined\n"), "{said}");
    assert!(said.contains("stance: 1 of 2 units"), "{said}");
    let found = json_of(folder.path(), &["own.csv"]);
    assert!(found["tables"][0]["axes"][0]["alpha"]["value"].is_null());
    // Raters who share no unit.
    put(folder.path(), "own.csv", "id,annotator,stance\na,nour,none\nb,sami,none\n");
    let said = stdout(folder.path(), &["agree", "own.csv"]);
    assert!(
        said.contains("stance: 0 of 2 units") && said.contains("agreement           undefined"),
        "{said}"
    );
}

#[test]
fn another_scale_of_confidence_is_not_used() {
    let folder = folder();
    let table = "id,annotator,stance,confidence\na,nour,none,0.7\na,sami,favor,1.0\n";
    put(folder.path(), "own.csv", table);
    assert!(!stdout(folder.path(), &["agree", "own.csv"]).contains("confidence"));
}

// What is refused

#[test]
fn an_unknown_label_is_refused_with_its_line_and_the_classes() {
    let table = SMALL.replace("b,,sami,2,none", "b,,sami,2,maybe");
    refused_table("own.csv", &table, &["own.csv:5: «maybe» is no class of stance (favor, against, none)"]);
    let folder = folder();
    labels_folder(folder.path());
    put(folder.path(), "labels/tone.jsonl", "{\"id\": \"a\", \"annotator\": \"nour\", \"tone\": \"loud\"}");
    let wanted = "labels/tone.jsonl:1: «loud» is no class of tone (calm, tense)";
    refused(folder.path(), &["labels"], 3, &[wanted]);
}

#[test]
fn every_faulty_row_is_told() {
    let table = SMALL.replace("favour", "maybe").replace("b,,sami,2", "b,,sami,").replace("محايد", "perhaps");
    let words = ["own.csv:3: «maybe»", "own.csv:5: a judgement without round; say whose it is", "own.csv:7:"];
    refused_table("own.csv", table, &words);
}

#[test]
fn a_unit_judged_twice_by_one_rater_is_refused() {
    let table = format!("{SMALL}a,,rim,1,none,,,,\n");
    refused_table(
        "own.csv",
        table,
        &["own.csv:8: «a» is judged by round «1» already at own.csv:2; remove one"],
    );
    let table = format!("{}doc-01,0,nour,none\n", many());
    refused_table(
        "own.csv",
        table,
        &["own.csv:122: «doc-01», segment «0»", "annotator «nour»", "own.csv:6;"],
    );
}

#[test]
fn one_rater_has_nobody_to_agree_with() {
    let table = "id,annotator,stance\na,nour,none\nb,nour,favor\n";
    let words = ["own.csv: every judgement is by one rater, annotator «nour»", "two raters at least"];
    refused_table("own.csv", table, &words);
}

#[test]
fn a_table_without_what_is_needed_is_refused() {
    refused_table(
        "own.csv",
        "id,stance\na,none\n",
        &["own.csv:1: there is no column «annotator»", "--columns"],
    );
    refused_table("own.csv", "annotator,stance\nnour,none\n", &["own.csv:1: there is no column «id»"]);
    refused_table("own.csv", "id,annotator,tone\na,nour,calm\n", &["own.csv:1: neither a stance nor"]);
    refused_table("own.csv", "id,annotator,stance\n,nour,none\n", &["own.csv:2: a judgement without id"]);
    refused_table("own.csv", "id,annotator,stance\na,,none\n", &["own.csv:2: a judgement without annotator"]);
    refused_table("own.csv", "id,annotator,stance\n", &["own.csv: there is no judgement here"]);
    refused_table(
        "own.csv",
        "id,annotator,stance\na,nour\n",
        &["own.csv:2: 2 fields where the header has 3"],
    );
    refused_table("own.csv", "id,id,stance\n", &["own.csv:1: two columns are called «id»"]);
    refused_table("own.csv", "", &["own.csv: the file is empty"]);
    refused_table("own.jsonl", "{\"id\": 1,\n", &["own.jsonl:1: column", "not a JSON object"]);
    let list = r#"{"id": 1, "annotator": "nour", "stance": ["none"]}"#;
    refused_table("own.jsonl", list, &["own.jsonl:1: stance is a list or an object"]);
    refused_table("own.txt", SMALL, &["own.txt: unknown form", ".csv, .tsv, .jsonl or .parquet"]);
    let notes: String = (0..101).map(|row| format!("{row},nour,note {row}\n")).collect();
    let folder = folder();
    put(folder.path(), "own.csv", format!("id,annotator,note\n{notes}"));
    let wanted = "own.csv:1: «note» has 101 classes, and an axis 100 at most";
    refused(folder.path(), &["own.csv", "--axis", "note"], 3, &[wanted]);
}

#[test]
fn a_folder_without_tables_of_judgements_is_refused() {
    let folder = folder();
    refused(folder.path(), &["labels"], 3, &["labels: cannot be read"]);
    put(folder.path(), "labels/own.csv", SMALL);
    refused(folder.path(), &["labels"], 3, &["labels: there is no labels.toml here"]);
    let tables = MANIFEST.find("[[annotations]]").unwrap()..MANIFEST.find("[[axes]]").unwrap();
    let mut manifest = MANIFEST.to_owned();
    manifest.replace_range(tables, "");
    put(folder.path(), "labels/labels.toml", manifest);
    refused(folder.path(), &["labels"], 3, &["labels/labels.toml: no [[annotations]] are listed"]);
    put(folder.path(), "labels/labels.toml", MANIFEST.replace("axes = [\"tone\"]", "axes = []"));
    refused(folder.path(), &["labels"], 3, &["labels/labels.toml: tone.jsonl has no axes"]);
    put(folder.path(), "labels/labels.toml", MANIFEST);
    refused(folder.path(), &["labels"], 3, &["labels/rounds.csv: cannot be read"]);
    let wanted = "labels/labels.toml: no table of judgements has an axis «mood»";
    refused(folder.path(), &["labels", "--axis", "mood"], 2, &[wanted]);
}
