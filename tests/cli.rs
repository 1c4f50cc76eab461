//! The road from labels to scored articles, walked with the real binary.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{Article, articles, csv_of, folder, kzstance, listing, put, root, shared_seeds};
use predicates::prelude::*;
use predicates::str::{contains, is_empty, is_match};
use serde_json::{Value, json};

const MODEL: &str = "models/kz-intervention.kzm";
const TEXT: &str =
    "يرى الوزير أن «القرار سليم» وأن السوق ستعود قريبا 👍.\nنقل التقرير عن الرئيس: \"لن نقبل\".";

/// A folder with the repository's labels and features.
fn with_labels() -> tempfile::TempDir {
    let folder = folder();
    for part in ["labels", "seeds"] {
        for name in listing(&root().join(part)) {
            let bytes = std::fs::read(root().join(part).join(&name)).unwrap();
            put(folder.path(), &format!("{part}/{name}"), bytes);
        }
    }
    folder
}

/// The same, with the judgements of the seeds and the press articles alone.
fn with_real_labels() -> tempfile::TempDir {
    let folder = with_labels();
    let manifest = std::fs::read_to_string(root().join("labels/labels.toml")).unwrap();
    let judgements = manifest.lines().find(|line| line.starts_with("judgements")).unwrap();
    put(folder.path(), "labels/labels.toml", manifest.replace(judgements, "judgements = [\"articles.csv\"]"));
    folder
}

/// Standard output of a run that succeeds.
fn stdout(folder: &Path, args: &[&str]) -> String {
    let done = kzstance(folder).args(args).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn records(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn jsonl_of(articles: &[Article]) -> String {
    articles
        .iter()
        .map(|article| json!({"id": article.id, "text": article.text}).to_string() + "\n")
        .collect()
}

// Training

#[test]
fn training_on_the_labels_gives_the_committed_model_at_any_thread_count() {
    let committed = std::fs::read(root().join(MODEL)).unwrap();
    let card = std::fs::read_to_string(root().join(MODEL).with_extension("md")).unwrap();
    for threads in ["1", "2"] {
        let folder = with_labels();
        let said = stdout(folder.path(), &["train", "labels/", "--threads", threads]);
        assert!(said.contains(" authored, 306 other-target, 60 press, 5 seed"), "{said}");
        assert!(said.contains("and toward other targets 71 favor, 84 against, 151 none"), "{said}");
        assert!(said.contains(" C ") && said.contains("macro-F1"), "{said}");
        assert!(is_match("sha256 +[0-9a-f]{64}\n").unwrap().eval(&said), "{said}");
        let made = std::fs::read(folder.path().join(MODEL)).unwrap();
        assert!(made == committed, "{threads} threads: not the committed {MODEL}; train again and commit it");
        assert_eq!(std::fs::read_to_string(folder.path().join("models/kz-intervention.md")).unwrap(), card);
        assert!(!listing(folder.path()).iter().any(|name| name.contains(".kzstance-")));
    }
}

#[test]
fn the_sha256_that_training_prints_is_that_of_the_file() {
    use sha2::{Digest, Sha256};
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    let said = stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm"]);
    let bytes = std::fs::read(folder.path().join("own.kzm")).unwrap();
    let mut digest = String::new();
    for byte in Sha256::digest(&bytes) {
        let _ = write!(digest, "{byte:02x}");
    }
    assert!(said.contains(&digest), "{said}");
    assert!(std::fs::read_to_string(folder.path().join("own.md")).unwrap().contains(&digest));
}

#[test]
fn the_order_of_rows_and_the_folder_make_no_difference_to_a_model() {
    let (one, other) = (folder(), folder());
    let mut given = articles(24);
    put(one.path(), "own.csv", csv_of(&given));
    given.reverse();
    put(other.path(), "below/own.csv", csv_of(&given));
    stdout(one.path(), &["train", "own.csv", "-o", "a.kzm"]);
    stdout(other.path(), &["train", "below/own.csv", "-o", "b.kzm"]);
    let read = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(read(one.path(), "a.kzm") == read(other.path(), "b.kzm"));
}

#[test]
fn the_settings_that_inspect_prints_make_the_same_model_again() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    stdout(folder.path(), &["train", "own.csv", "-o", "a.kzm", "--seed", "7"]);
    let settings = stdout(folder.path(), &["inspect", "a.kzm", "--config"]);
    assert!(settings.contains("seed = 7"), "{settings}");
    put(folder.path(), "settings.toml", settings);
    stdout(folder.path(), &["train", "own.csv", "-o", "b.kzm", "--config", "settings.toml"]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("a.kzm") == read("b.kzm"), "the seed in --config was not used");
}

#[test]
fn a_model_is_replaced_by_a_later_one() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm"]);
    let first = std::fs::read(folder.path().join("own.kzm")).unwrap();
    put(folder.path(), "own.csv", csv_of(&articles(27)));
    stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm"]);
    assert!(first != std::fs::read(folder.path().join("own.kzm")).unwrap());
}

// Scoring

#[test]
fn scores_as_jsonl_keep_the_contract() {
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    let found = records(&stdout(folder.path(), &["score", "a.txt", "--format", "jsonl"]));
    assert_eq!(found.len(), 1);
    let line = &found[0];
    // What was added to the contract comes behind it.
    assert_eq!(keys(line), ["id", "stance", "sentiment", "voices", "known_share", "evidence", "on_target"]);
    assert_eq!(keys(&line["on_target"]["probabilities"]), ["true", "false"]);
    assert_eq!(line["id"], "a");
    let axes = [("stance", ["favor", "against", "none"]), ("sentiment", ["positive", "negative", "neutral"])];
    for (axis, classes) in axes {
        assert_eq!(keys(&line[axis]), ["label", "probabilities", "abstain", "set"]);
        assert_eq!(keys(&line[axis]["probabilities"]), classes);
        let each: Vec<f64> =
            classes.map(|class| line[axis]["probabilities"][class].as_f64().unwrap()).to_vec();
        assert!(
            each.iter().all(|p| (0.0..=1.0).contains(p)) && (each.iter().sum::<f64>() - 1.0).abs() < 1e-12
        );
        assert!(classes.contains(&line[axis]["label"].as_str().unwrap()));
        assert!(line[axis]["abstain"].is_null() || line[axis]["abstain"].is_string());
    }
    let voices = line["voices"].as_object().unwrap();
    assert!(
        voices
            .keys()
            .all(|voice| ["narration", "quotation", "attribution", "whole"].contains(&voice.as_str()))
    );
    assert!(voices.contains_key("quotation"), "{line}");
    assert!((voices.values().map(|share| share.as_f64().unwrap()).sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((0.0..=1.0).contains(&line["known_share"].as_f64().unwrap()));
    assert_eq!(line["evidence"], json!([]));
}

#[test]
fn scores_as_a_table_and_as_csv_name_documents_and_classes() {
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    let table = stdout(folder.path(), &["score", "a.txt"]);
    for wanted in ["document", "stance", "favor", "against", "none", "sentiment", "known words", " a ", " %"]
    {
        assert!(table.contains(wanted), "«{wanted}» is missing:\n{table}");
    }
    put(folder.path(), "b.jsonl", json!({"id": "has, a comma", "text": TEXT}).to_string());
    let text = stdout(folder.path(), &["score", "a.txt", "b.jsonl", "--format", "csv"]);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(
        names[..6],
        ["id", "stance", "stance_p_favor", "stance_p_against", "stance_p_none", "stance_abstain"]
    );
    assert_eq!(
        names[names.len() - 6..],
        ["known_share", "on_target_p_true", "outlet", "date", "url", "target"]
    );
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!((&rows[0][0], &rows[1][0]), ("a", "has, a comma"));
    let line = &records(&stdout(folder.path(), &["score", "a.txt", "--format", "jsonl"]))[0];
    assert_eq!(&rows[0][1], line["stance"]["label"].as_str().unwrap());
    assert_eq!(
        rows[0][2].parse::<f64>().unwrap(),
        line["stance"]["probabilities"]["favor"].as_f64().unwrap()
    );
}

#[test]
fn a_document_scores_the_same_alone_in_a_batch_from_a_file_and_from_standard_input() {
    let folder = folder();
    let given = articles(24);
    put(folder.path(), "all.jsonl", jsonl_of(&given));
    let batch = stdout(folder.path(), &["score", "all.jsonl", "--format", "jsonl"]);
    let one_thread = stdout(folder.path(), &["score", "all.jsonl", "--format", "jsonl", "--threads", "1"]);
    assert_eq!(batch, one_thread);
    let lines: Vec<&str> = batch.lines().collect();
    assert_eq!(lines.len(), given.len());
    for number in [0, 11, 23] {
        put(folder.path(), "one.jsonl", jsonl_of(&given[number..=number]));
        assert_eq!(
            stdout(folder.path(), &["score", "one.jsonl", "--format", "jsonl"]).trim_end(),
            lines[number]
        );
    }
    kzstance(folder.path())
        .args(["score", "-", "--format", "jsonl"])
        .write_stdin(jsonl_of(&given))
        .assert()
        .success()
        .stdout(batch.clone());
}

#[test]
fn documents_come_out_in_the_order_in_which_they_went_in() {
    let folder = folder();
    let mut given = articles(24);
    given.reverse();
    put(folder.path(), "z.jsonl", jsonl_of(&given[..12]));
    put(folder.path(), "a.jsonl", jsonl_of(&given[12..]));
    let ids = |text: &str| -> Vec<String> {
        records(text).iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let wanted: Vec<String> = given.iter().map(|article| article.id.clone()).collect();
    assert_eq!(ids(&stdout(folder.path(), &["score", "z.jsonl", "a.jsonl", "--format", "jsonl"])), wanted);
    let done = kzstance(folder.path())
        .args(["score", "-", "a.jsonl", "--format", "jsonl"])
        .write_stdin(jsonl_of(&given[..12]))
        .assert()
        .success();
    assert_eq!(
        ids(std::str::from_utf8(&done.get_output().stdout).unwrap()),
        wanted,
        "standard input came first"
    );
}

#[test]
fn a_byte_order_mark_on_standard_input_is_passed_over_as_in_a_file() {
    let folder = folder();
    let marked = format!("\u{FEFF}{}", jsonl_of(&articles(3)));
    put(folder.path(), "all.jsonl", &marked);
    let from_file = stdout(folder.path(), &["score", "all.jsonl", "--format", "jsonl"]);
    kzstance(folder.path())
        .args(["score", "-", "--format", "jsonl"])
        .write_stdin(marked)
        .assert()
        .success()
        .stdout(from_file);
}

#[test]
fn a_text_and_its_extracted_record_score_the_same() {
    let folder = folder();
    put(folder.path(), "texts/a.txt", TEXT);
    put(folder.path(), "texts/more.jsonl", jsonl_of(&articles(6)));
    kzstance(folder.path()).args(["extract", "texts", "-o", "bags"]).assert().success().stdout(is_empty());
    assert_eq!(listing(&folder.path().join("bags")), ["a.jsonl", "more.jsonl"]);
    let bags = std::fs::read_to_string(folder.path().join("bags/a.jsonl")).unwrap();
    assert!(!bags.contains("القرار سليم"), "a record must not hold running text");
    let score = |name: &str| stdout(folder.path(), &["score", name, "--format", "jsonl"]);
    assert_eq!(score("texts"), score("bags"));
}

#[test]
fn evidence_quotes_the_text_in_code_points() {
    let folder = folder();
    // Before the words stand a character of four bytes, vowel signs and a stretched word.
    put(folder.path(), "a.txt", "👍 قَرار الـــوزير سليم، والسوق ستعود قريبا بعد التقرير.");
    let text = std::fs::read_to_string(folder.path().join("a.txt")).unwrap();
    let points: Vec<char> = text.chars().collect();
    let line = &records(&stdout(folder.path(), &["score", "a.txt", "--format", "jsonl", "--explain"]))[0];
    let evidence = line["evidence"].as_array().unwrap();
    assert!((6..=10).contains(&evidence.len()), "{line}");
    for found in evidence {
        assert_eq!(keys(found), ["term", "start", "end", "weight"]);
        let place = |end: &str| usize::try_from(found[end].as_u64().unwrap()).unwrap();
        let quoted: String = points[place("start")..place("end")]
            .iter()
            .filter(|&&c| !('\u{64B}'..='\u{652}').contains(&c) && c != 'ـ')
            .collect();
        assert_eq!(quoted, found["term"].as_str().unwrap());
    }
    let weights: Vec<f64> = evidence.iter().map(|found| found["weight"].as_f64().unwrap().abs()).collect();
    assert!(weights.is_sorted_by(|a, b| a >= b), "{weights:?}");
    let table = stdout(folder.path(), &["score", "a.txt", "--explain"]);
    assert!(table.contains("words that weigh most"), "{table}");
}

#[test]
fn a_file_named_with_o_holds_what_standard_output_would() {
    let folder = folder();
    put(folder.path(), "all.jsonl", jsonl_of(&articles(9)));
    for (format, ending) in [("jsonl", "jsonl"), ("csv", "csv"), ("table", "txt")] {
        let wanted = stdout(folder.path(), &["score", "all.jsonl", "--format", format]);
        let name = format!("made/{format}.{ending}");
        // The ending says the form.
        assert_eq!(stdout(folder.path(), &["score", "all.jsonl", "-o", &name]), "");
        assert_eq!(std::fs::read_to_string(folder.path().join(&name)).unwrap(), wanted);
    }
    assert_eq!(listing(&folder.path().join("made")), ["csv.csv", "jsonl.jsonl", "table.txt"]);
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = folder();
    let lines = jsonl_of(&articles(24)).repeat(400);
    put(folder.path(), "many.jsonl", lines);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_kzstance"))
        .args(["score", "many.jsonl", "--format", "jsonl"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    {
        let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
    }
    let done = child.wait_with_output().unwrap();
    assert!(first.starts_with(r#"{"id":"doc-00""#), "{first}");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

#[test]
fn off_a_terminal_there_is_no_progress_and_no_escape_code() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    put(folder.path(), "a.txt", TEXT);
    put(folder.path(), "old.txt", encoding_rs::WINDOWS_1256.encode(&articles(1)[0].text).0);
    let quiet_calls: [&[&str]; 4] = [
        &["train", "own.csv", "-o", "own.kzm", "--quiet"],
        &["evaluate", "own.csv", "--quiet"],
        &["score", "a.txt", "old.txt", "--quiet"],
        &["extract", "a.txt", "-o", "bags", "--quiet"],
    ];
    for args in quiet_calls {
        kzstance(folder.path())
            .args(args)
            .assert()
            .success()
            .stderr(is_empty())
            .stdout(contains('\u{1b}').not());
    }
    for args in
        [["score", "missing.txt"], ["evaluate", "own.csv"], ["score", "old.txt"], ["check", "own.csv"]]
    {
        let plain = || contains('\u{1b}').not().and(contains('\r').not());
        kzstance(folder.path()).args(args).assert().stderr(plain()).stdout(plain());
    }
}

// The five seeds

#[test]
fn extraction_reproduces_the_seed_records_byte_for_byte_and_both_score_the_same() {
    let Some(seeds) = shared_seeds() else { return };
    let folder = folder();
    let texts = listing(&seeds);
    assert_eq!(texts.len(), 5, "{texts:?}");
    let paths: Vec<PathBuf> = texts.iter().map(|name| seeds.join(name)).collect();
    kzstance(folder.path()).arg("extract").args(&paths).args(["-o", "bags"]).assert().success();
    let mut from_records = kzstance(folder.path());
    let mut from_texts = kzstance(folder.path());
    from_records.arg("score");
    from_texts.arg("score");
    for (name, path) in texts.iter().zip(&paths) {
        let record = name.replace(".txt", ".jsonl");
        let made = std::fs::read(folder.path().join("bags").join(&record)).unwrap();
        let kept = root().join("seeds").join(&record);
        assert!(made == std::fs::read(&kept).unwrap(), "{record} differs from seeds/");
        from_records.arg(kept);
        from_texts.arg(path);
    }
    let lines = from_texts.args(["--format", "jsonl"]).assert().success().get_output().stdout.clone();
    assert_eq!(String::from_utf8_lossy(&lines).lines().count(), 5);
    from_records.args(["--format", "jsonl"]).assert().success().stdout(lines);
}

// Evaluation

#[test]
fn evaluation_states_every_n_and_its_intervals() {
    let folder = with_real_labels();
    let said = stdout(folder.path(), &["evaluate", "labels/", "--folds", "5"]);
    for axis in ["stance: n = 65 in ", "sentiment: n = 65 in "] {
        assert!(said.contains(axis), "{said}");
    }
    // In each of several outlets there are right decisions and wrong ones.
    let pattern = r"accuracy +\d\.\d{3} \(\d\.\d{3}-\d\.\d{3}\)";
    assert!(is_match(pattern).unwrap().count(2).eval(&said), "{said}");
    // No stance was decided: an F of 0 in every resample, which is no certainty. And too few outlets have a
    // positive article for an interval of sentiment.
    for pattern in [
        r"macro-F1 +0\.\d{3} \(\d\.\d{3}-\d\.\d{3}\)",
        r"F of polar classes +0\.000 \(no interval\)",
        r"macro-F1 +0\.\d{3} \(too few for an interval\)",
        r"F of polar classes +0\.\d{3} \(too few for an interval\)",
    ] {
        assert!(is_match(pattern).unwrap().count(1).eval(&said), "«{pattern}» in {said}");
    }
}

#[test]
fn evaluation_as_json_judges_every_labelled_document_once_and_divides_no_outlet() {
    let folder = with_real_labels();
    let said = stdout(folder.path(), &["evaluate", "labels/", "--folds", "5", "--json"]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found["schema"], "kzstance-evaluation/2");
    let mut table = csv::Reader::from_path(root().join("labels/articles.csv")).unwrap();
    let names = table.headers().unwrap().clone();
    let column = |name: &str| names.iter().position(|known| known == name).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let outlets: BTreeMap<&str, &str> =
        rows.iter().map(|row| (&row[column("id")], &row[column("outlet")])).collect();
    for axis in found["axes"].as_array().unwrap() {
        let name = axis["axis"]["name"].as_str().unwrap();
        let truth: BTreeMap<&str, &str> = rows
            .iter()
            .filter(|row| !row[column(name)].is_empty())
            .map(|row| (&row[column("id")], &row[column(name)]))
            .collect();
        let predictions = axis["predictions"].as_array().unwrap();
        assert_eq!(predictions.len(), truth.len());
        let mut folds: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for prediction in predictions {
            let id = prediction["id"].as_str().unwrap();
            assert!(seen.insert(id), "{id} stands twice");
            assert_eq!(prediction["truth"], truth[id], "{id}");
            let p: f64 =
                prediction["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).sum();
            assert!((p - 1.0).abs() < 1e-12);
            if !outlets[id].is_empty() {
                folds.entry(outlets[id]).or_default().insert(prediction["fold"].as_u64().unwrap());
            }
        }
        let divided: Vec<_> = folds.iter().filter(|(_, folds)| folds.len() > 1).collect();
        assert!(divided.is_empty(), "{name}: {divided:?}");
        let all: BTreeSet<u64> = folds.values().flatten().copied().collect();
        assert_eq!(all, (0..5).collect());
    }
}

/// The headline of the README: press articles by a model without them; here with one C, to take little time.
#[test]
fn origins_are_told_apart_where_labels_have_several() {
    let folder = with_labels();
    put(folder.path(), "settings.toml", "[learn]\nc = [4.0]\n");
    let args = [
        "evaluate",
        "labels/",
        "--axis",
        "stance",
        "--folds",
        "origins",
        "--config",
        "settings.toml",
        "--report",
        "out",
    ];
    let said = stdout(folder.path(), &args);
    for wanted in [
        "press: trained without any press article",
        "one register left out at a time",
        "one target left out at a time",
        "baseline: majority",
        "authored passages only",
        "seed, left out",
        "off target, press",
    ] {
        assert!(said.contains(wanted), "«{wanted}» is missing:\n{said}");
    }
    let found: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/evaluation.json")).unwrap()).unwrap();
    let press = &found["axes"][0]["origins"][0];
    assert_eq!((&press["origin"], &press["figures"]["n"]), (&json!("press"), &json!(48)));
    // What the corpus is for: to tell articles that take a side from those that do not, better than chance.
    let interval = &press["figures"]["auc_sided"];
    assert!(interval["low"].as_f64().unwrap() > 0.5, "{interval}");
    kzstance(folder.path())
        .args(["evaluate", "labels/", "--folds", "3", "--probes"])
        .assert()
        .code(2)
        .stderr(contains("--folds origins"));
}

#[test]
fn labels_of_one_origin_cannot_be_told_apart() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    kzstance(folder.path())
        .args(["evaluate", "own.csv", "--folds", "origins"])
        .assert()
        .code(2)
        .stderr(contains("two or more").and(contains("--folds 5")));
}

#[test]
fn an_axis_counts_the_labels_of_the_origins_that_its_manifest_lists() {
    let folder = with_labels();
    let rows = |folder: &Path| -> Vec<String> {
        let said = stdout(folder, &["check", "labels/", "--axis", "sentiment"]);
        said.lines().filter(|line| line.starts_with(" authored")).map(str::to_owned).collect()
    };
    let of = |rows: &[String]| -> Vec<u64> {
        rows[0].split_whitespace().skip(1).map(|count| count.parse().unwrap()).collect()
    };
    let left_out = of(&rows(folder.path()));
    assert_eq!(left_out[..3], [0, 0, 0]);
    let manifest = std::fs::read_to_string(folder.path().join("labels/labels.toml")).unwrap();
    let all: String = manifest
        .lines()
        .filter(|line| !line.starts_with("origins"))
        .map(|line| format!("{line}\n"))
        .collect();
    put(folder.path(), "labels/labels.toml", all);
    let counted = of(&rows(folder.path()));
    assert!(counted[..3].iter().all(|&count| count > 0), "{counted:?}");
    assert_eq!(counted[3], 0);
    assert_eq!(counted.iter().sum::<u64>(), left_out.iter().sum::<u64>());
}

#[test]
fn a_text_about_something_else_is_told_apart_beside_its_decision() {
    let folder = folder();
    put(
        folder.path(),
        "sport.txt",
        "فاز المنتخب المصري على نظيره المغربي بهدفين في مباراة ودية أقيمت مساء أمس",
    );
    let line = stdout(folder.path(), &["score", "sport.txt", "--format", "jsonl"]);
    let found: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(found["stance"]["abstain"], "off-target");
    assert_eq!(found["on_target"]["label"], "false");
    assert_ne!(found["sentiment"]["abstain"], "off-target");
    assert!(stdout(folder.path(), &["score", "sport.txt"]).contains("(off-target)"));
}

#[test]
fn leave_one_out_lists_the_seeds() {
    let folder = with_real_labels();
    // One C, so that the many folds take little time.
    put(folder.path(), "settings.toml", "[learn]\nc = [0.25]\n");
    let evaluate = |folds: &str| {
        let args = ["evaluate", "labels/", "--axis", "stance", "--config", "settings.toml", "--folds", folds];
        stdout(folder.path(), &args)
    };
    let said = evaluate("loo");
    assert!(said.contains("leave one article out") && said.contains("seed, left out"), "{said}");
    for name in listing(&root().join("seeds")).iter().filter(|name| name.starts_with("00")) {
        assert!(said.contains(name.trim_end_matches(".jsonl")), "{name} is missing:\n{said}");
    }
    let by_outlet = evaluate("logo");
    assert!(by_outlet.contains("leave one outlet out"), "{by_outlet}");
}

#[test]
fn a_model_is_not_judged_on_the_labels_it_was_trained_on() {
    let folder = folder();
    let given = articles(30);
    put(folder.path(), "own.csv", csv_of(&given[..24]));
    stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm"]);
    let refused = || contains("trained on these very articles").and(contains("leave -m out"));
    kzstance(folder.path())
        .args(["evaluate", "own.csv", "-m", "own.kzm"])
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(refused());
    put(folder.path(), "new.csv", csv_of(&given[24..]));
    let said = stdout(folder.path(), &["evaluate", "new.csv", "-m", "own.kzm"]);
    assert!(said.contains("a given model, nothing fitted") && said.contains("n = 6"), "{said}");
    // Of a file that holds both, the new ones are judged, whatever the known ones are called there.
    let mut renamed = articles(30);
    for (number, article) in renamed.iter_mut().enumerate() {
        article.id = format!("other{number}");
    }
    put(folder.path(), "both.csv", csv_of(&renamed));
    let both = kzstance(folder.path()).args(["evaluate", "both.csv", "-m", "own.kzm"]).assert().success();
    let both = both.stderr(contains("trained on 24 of these 30 articles"));
    assert!(String::from_utf8_lossy(&both.get_output().stdout).contains("n = 6"));
    // The same articles with one axis less are still the same articles.
    kzstance(folder.path())
        .args(["evaluate", "own.csv", "-m", "own.kzm", "--axis", "stance"])
        .assert()
        .code(2)
        .stderr(refused());
}

#[test]
fn a_report_folder_gets_the_json_that_is_printed() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    let json = stdout(folder.path(), &["evaluate", "own.csv", "--json", "--report", "report"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("report/evaluation.json")).unwrap(), json);
}

#[test]
fn under_twenty_examples_no_interval_is_given() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(18)));
    let said = stdout(folder.path(), &["evaluate", "own.csv", "--folds", "3"]);
    assert!(said.contains("n = 18") && said.contains("too few for an interval"), "{said}");
}

// Labels in other forms

#[test]
fn all_forms_of_labels_give_the_same_counts() {
    let folder = folder();
    let given = articles(24);
    put(folder.path(), "marked.csv", format!("\u{FEFF}{}", csv_of(&given)));
    put(folder.path(), "own.tsv", csv_of(&given).replace(',', "\t"));
    let mut lines = String::new();
    for Article { id, text, stance, sentiment, outlet } in &given {
        lines += &json!({"id": id, "text": text, "stance": stance, "sentiment": sentiment, "outlet": outlet})
            .to_string();
        lines.push('\n');
        put(folder.path(), &format!("classes/{stance}/{id}.txt"), text);
    }
    put(folder.path(), "own.jsonl", lines);
    let mut digests = BTreeSet::new();
    for (labels, both) in [("marked.csv", true), ("own.tsv", true), ("own.jsonl", true), ("classes", false)] {
        let said = stdout(folder.path(), &["train", labels, "-o", "own.kzm"]);
        assert!(said.contains("24 documents"), "{labels}:\n{said}");
        for class in ["8 favor", "8 against", "8 none"] {
            assert!(said.contains(class), "{labels}:\n{said}");
        }
        assert_eq!(said.contains("8 neutral"), both, "{labels}:\n{said}");
        if both {
            let header: Value =
                serde_json::from_str(&stdout(folder.path(), &["inspect", "own.kzm", "--json"])).unwrap();
            digests.insert(header["training_digest"].as_str().unwrap().to_owned());
        }
        // Training says what it needs: a score with the new model works.
        put(folder.path(), "a.txt", &given[0].text);
        stdout(folder.path(), &["score", "a.txt", "-m", "own.kzm"]);
    }
    assert_eq!(digests.len(), 1, "the form of the labels changed what was learned from");
}

#[test]
fn none_is_a_class_and_never_a_missing_label() {
    let folder = folder();
    let mut table = "\u{FEFF}id,text,stance,sentiment,outlet,target,date\r\n".to_owned();
    for Article { id, text, stance, outlet, .. } in articles(24) {
        let stance = if stance == "none" { "None" } else { stance };
        let sentiment = if id == "doc-23" { "" } else { "neutral" };
        let sentiment = if stance == "favor" { "positive" } else { sentiment };
        let _ = write!(table, "{id},\"{text}\",{stance},{sentiment},{outlet},الجسر,2022-01-05\r\n");
    }
    put(folder.path(), "own.csv", table);
    let said = stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm"]);
    assert!(said.contains("8 favor, 8 against, 8 none"), "{said}");
    assert!(said.contains("8 positive, 0 negative, 15 neutral"), "{said}");
    let checked = stdout(folder.path(), &["check", "own.csv"]);
    assert!(checked.contains("no label"), "{checked}");
    // «None» is no class of sentiment, and is not taken for missing either.
    let odd = csv_of(&articles(24)).replacen("positive", "None", 1);
    put(folder.path(), "odd.csv", odd);
    kzstance(folder.path())
        .args(["check", "odd.csv"])
        .assert()
        .code(3)
        .stdout(contains("odd.csv:2: «None» is no class"));
}

#[test]
fn columns_with_other_names_are_told() {
    let folder = folder();
    let table =
        csv_of(&articles(24)).replacen("id,text,stance,sentiment,outlet", "key,words,view,mood,paper", 1);
    put(folder.path(), "own.csv", table);
    let named = "id=key,text=words,stance=view,sentiment=mood,outlet=paper";
    let said = stdout(folder.path(), &["evaluate", "own.csv", "--columns", named, "--json"]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found["axes"][0]["predictions"][0]["id"], "doc-00");
    assert_eq!(found["axes"].as_array().unwrap().len(), 2);
    assert_eq!(found["axes"][0]["figures"]["groups"], 6);
}

#[test]
fn stance_toward_several_targets_wants_one_to_be_chosen() {
    let folder = folder();
    let mut table = "id,text,stance,outlet,target\n".to_owned();
    for (number, Article { id, text, stance, outlet, .. }) in articles(48).into_iter().enumerate() {
        let _ =
            writeln!(table, "{id},{text},{stance},{outlet},{}", if number < 24 { "الجسر" } else { "القطار" });
    }
    put(folder.path(), "own.csv", table);
    kzstance(folder.path())
        .args(["train", "own.csv", "-o", "own.kzm"])
        .assert()
        .code(2)
        .stdout(is_empty())
        .stderr(contains("--target").and(contains("الجسر")).and(contains("القطار")));
    assert_eq!(listing(folder.path()), ["own.csv"]);
    let said = stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm", "--target", "الجسر"]);
    assert!(said.contains("24 documents"), "{said}");
    let inspected = stdout(folder.path(), &["inspect", "own.kzm"]);
    assert!(inspected.contains("| target of stance | الجسر |"), "{inspected}");
    kzstance(folder.path())
        .args(["train", "own.csv", "--target", "السوق"])
        .assert()
        .code(2)
        .stderr(contains("no example has the target «السوق»").and(contains("الجسر, القطار")));
    let each = stdout(folder.path(), &["evaluate", "own.csv"]);
    assert!(each.contains("toward الجسر: n = 24") && each.contains("toward القطار: n = 24"), "{each}");
}

#[test]
fn an_axis_of_the_users_own_works_like_the_known_ones() {
    let folder = folder();
    let mut table = "id,text,mood,outlet\n".to_owned();
    for Article { id, text, stance, outlet, .. } in articles(24) {
        let _ =
            writeln!(table, "{id},{text},{},{outlet}", if stance == "against" { "Tense" } else { "calm" });
    }
    put(folder.path(), "own.csv", table);
    let said = stdout(folder.path(), &["train", "own.csv", "-o", "own.kzm", "--axis", "mood=calm,tense"]);
    assert!(said.contains("16 calm, 8 tense"), "{said}");
    put(folder.path(), "a.txt", &articles(2)[1].text);
    let line = &records(&stdout(folder.path(), &["score", "a.txt", "-m", "own.kzm", "--format", "jsonl"]))[0];
    assert_eq!(keys(line), ["id", "mood", "voices", "known_share", "evidence"]);
    assert_eq!(line["mood"]["label"], "tense");
    // Two classes have probabilities that sum to 1 as well.
    let p = &line["mood"]["probabilities"];
    assert!((p["calm"].as_f64().unwrap() + p["tense"].as_f64().unwrap() - 1.0).abs() < 1e-12);
}

// Inspection, help, completions

#[test]
fn a_model_says_what_it_is() {
    let folder = folder();
    let model = root().join(MODEL);
    let inspect = |args: &[&str]| {
        let done = kzstance(folder.path())
            .arg("inspect")
            .arg(&model)
            .args(args)
            .assert()
            .success()
            .stderr(is_empty());
        String::from_utf8(done.get_output().stdout.clone()).unwrap()
    };
    let said = inspect(&[]);
    for wanted in
        ["CSTO", "training digest", "The checksum matches", "Terms that weigh most", "stance against:"]
    {
        assert!(said.contains(wanted), "«{wanted}» is missing:\n{said}");
    }
    let header: Value = serde_json::from_str(&inspect(&["--json"])).unwrap();
    assert_eq!(header["format"], 3);
    let documents = header["origins"].as_array().unwrap().iter().map(|origin| origin[1].as_u64().unwrap());
    assert_eq!(header["n_documents"].as_u64().unwrap(), documents.sum::<u64>());
    assert_eq!(header["heads"][0]["scheme"], "two_stage");
    assert!(inspect(&["--config"]).contains("[learn]"));
    kzstance(folder.path()).args(["inspect", "m.kzm", "--json", "--config"]).assert().code(2);
}

#[test]
fn every_shell_has_completions() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        kzstance(folder.path())
            .args(["completions", shell])
            .assert()
            .success()
            .stdout(contains("kzstance").and(contains("evaluate")));
    }
    kzstance(folder.path()).args(["completions", "abacus"]).assert().code(2);
}

#[test]
fn help_and_version_are_data() {
    let folder = folder();
    kzstance(folder.path())
        .arg("--help")
        .assert()
        .success()
        .stderr(is_empty())
        .stdout(contains("Exit status"));
    kzstance(folder.path())
        .arg("--version")
        .assert()
        .success()
        .stdout(contains("model format 3, normaliser"));
    for command in ["train", "score", "evaluate", "check", "agree", "extract", "inspect", "completions"] {
        kzstance(folder.path()).args([command, "--help"]).assert().success().stdout(contains("Usage"));
    }
}
