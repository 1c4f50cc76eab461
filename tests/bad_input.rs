//! Every wrong input is refused with its place and a remedy, and leaves nothing half-written.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{articles, csv_of, folder, kzstance, listing, put, root};
use predicates::prelude::*;
use predicates::str::{contains, is_empty};
use serde_json::json;

const MODEL: &str = "models/kz-intervention.kzm";
const TEXT: &str =
    "أعلن المجلس في المدينة أن العمل في الجسر والطريق سيبدأ اليوم، وقال الناس إنهم ينتظرون المطر.";

/// Every file of a folder with its bytes.
fn state(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    listing(folder)
        .into_iter()
        .map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

/// A call that is refused: its exit code, its words on standard error, nothing on standard output,
/// and the folder as it was.
fn refused(folder: &Path, args: &[&str], code: i32, words: &[&str]) {
    let before = state(folder);
    let done = kzstance(folder).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
    for wanted in words {
        assert!(said.contains(wanted), "{args:?}: «{wanted}» is missing in: {said}");
    }
    assert!(!said.contains("panicked"), "{args:?}: {said}");
    let data = String::from_utf8_lossy(&done.stdout);
    assert!(data.is_empty(), "{args:?}: standard output must stay empty, has: {data}");
    assert!(state(folder) == before, "{args:?}: left behind {:?}", listing(folder));
}

/// A file that cannot be scored: neither to standard output, in any form, nor to a file that
/// already exists or does not.
fn refused_score(name: &str, bytes: &[u8], words: &[&str]) {
    let folder = folder();
    put(folder.path(), name, bytes);
    put(folder.path(), "old.jsonl.kept", "kept");
    put(folder.path(), "out/old.csv", "kept");
    refused(folder.path(), &["score", name], 3, words);
    refused(folder.path(), &["score", name, "--format", "jsonl"], 3, words);
    refused(folder.path(), &["score", name, "-o", "out/new.jsonl"], 3, words);
    refused(folder.path(), &["score", name, "-o", "out/old.csv"], 3, words);
    refused(folder.path(), &["extract", name, "-o", "out"], 3, words);
}

/// A table of labels that cannot be trained on, and that `check` finds fault with.
fn refused_labels(name: &str, table: &str, words: &[&str]) {
    let folder = folder();
    put(folder.path(), name, table);
    refused(folder.path(), &["train", name, "-o", "own.kzm"], 3, words);
    refused(folder.path(), &["evaluate", name, "--report", "report"], 3, words);
    let done = kzstance(folder.path()).args(["check", name]).assert().code(3);
    let said = [done.get_output().stdout.clone(), done.get_output().stderr.clone()].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    for wanted in words {
        assert!(said.contains(wanted), "check: «{wanted}» is missing in: {said}");
    }
}

/// A labels folder of its own: two articles' features and a table of judgements.
fn labels_folder(folder: &Path, manifest: &str, judgements: &str) {
    put(
        folder,
        "texts/own.jsonl",
        ["a", "b"].map(|id| json!({"id": id, "text": format!("{TEXT} {id}")}).to_string()).join("\n"),
    );
    kzstance(folder).args(["extract", "texts", "-o", "seeds", "--quiet"]).assert().success();
    put(folder, "labels/labels.toml", manifest);
    put(folder, "labels/own.csv", judgements);
}

const MANIFEST: &str = r#"version = 1
name = "own"
target = "الجسر"
features = "../seeds"
judgements = ["own.csv"]

[[axes]]
name = "stance"
classes = ["favor", "against", "none"]
"#;

/// A small model, its table beside it.
fn trained(folder: &Path) {
    put(folder, "own.csv", csv_of(&articles(24)));
    kzstance(folder).args(["train", "own.csv", "-o", "own.kzm", "--quiet"]).assert().success();
}

// Texts

#[test]
fn a_file_without_words_is_refused() {
    let remedy = "check the program that wrote it, or leave the file out";
    let rows: [(&[u8], &str); 3] = [
        (b"", "empty.txt: the file is empty"),
        (b" \n\t\r\n ", "white space"),
        (b"\xEF\xBB\xBF", "byte order mark"),
    ];
    for (bytes, words) in rows {
        refused_score("empty.txt", bytes, &[words, remedy]);
    }
}

#[test]
fn a_binary_file_is_refused_by_what_it_is() {
    let mut with_nul = TEXT.as_bytes().to_vec();
    with_nul.extend(b"\nline two \0\0 and more");
    let rows: [(&[u8], &[&str]); 4] = [
        (b"%PDF-1.7\n1 0 obj\n", &["a.txt: this is a PDF", "extract the text first (pdftotext)"]),
        (b"PK\x03\x04\x14\0\x06\0word/document.xml", &["a.txt: this is a zip archive (docx)", "plain text"]),
        (&with_nul, &["a.txt:2: there are NUL bytes", "extract the text first"]),
        (
            b"\x01\x02\x03\x04\x05\x06\x07\x08",
            &["a.txt: this looks like binary data", "extract the text first"],
        ),
    ];
    for (bytes, words) in rows {
        refused_score("a.txt", bytes, words);
    }
}

#[test]
fn half_a_character_at_the_end_is_refused_with_its_line() {
    let mut bytes = format!("{TEXT}\n{TEXT}").into_bytes();
    bytes.push(0xD9);
    refused_score("cut.txt", &bytes, &["cut.txt:2: damaged UTF-8", "ends in the middle", "--encoding NAME"]);
}

#[test]
fn text_that_was_misread_and_saved_is_refused_with_the_way_back() {
    // ف has no character of its own in windows-1252, so a text with it has no way back by iconv.
    let rows = [
        (TEXT.replace("في ", ""), "mend it: iconv -f utf-8 -t windows-1252"),
        (TEXT.to_owned(), "export again"),
    ];
    for (text, remedy) in rows {
        let misread = encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned();
        refused_score("twice.txt", misread.as_bytes(), &["twice.txt:1: ", "double-encoded", remedy]);
    }
}

#[test]
fn windows_1256_is_read_and_said() {
    let folder = folder();
    let bytes = encoding_rs::WINDOWS_1256.encode(TEXT).0.into_owned();
    put(folder.path(), "old/a.txt", &bytes);
    put(folder.path(), "new/a.txt", TEXT);
    let score =
        |args: &[&str]| kzstance(folder.path()).args(["score", "--format", "jsonl"]).args(args).assert();
    let wanted = score(&["new/a.txt"]).success().stderr(is_empty()).get_output().stdout.clone();
    score(&["old/a.txt"])
        .success()
        .stdout(wanted.clone())
        .stderr(contains("a.txt: read as windows-1256 (Arabic letters)"));
    score(&["old/a.txt", "--encoding", "windows-1256"]).success().stdout(wanted).stderr(contains("(given)"));
    refused(
        folder.path(),
        &["score", "old/a.txt", "--encoding", "utf-8"],
        3,
        &["a.txt:1: not utf-8, as --encoding says"],
    );
    refused(
        folder.path(),
        &["score", "old/a.txt", "--encoding", "koi8"],
        2,
        &["unknown encoding", "windows-1256"],
    );
}

// Records

#[test]
fn a_malformed_record_is_refused_with_its_line() {
    let good = json!({"id": "a", "text": TEXT}).to_string();
    let rows: [(&str, &[&str]); 6] = [
        (r#"{"id": "b", "text": "#, &["column ", "not a JSON object", "each line must hold one"]),
        (r#"["b"]"#, &["not a JSON object"]),
        (r#"{"id": "b", "body_of_it": "x"}"#, &["there is no text among: body_of_it", "--columns text=NAME"]),
        (r#"{"id": "b", "text": null}"#, &["the text is null", "give a string"]),
        (r#"{"id": ["b"], "text": "x"}"#, &["id is [\"b\"]", "give a text or a number"]),
        (r#"{"id": "b", "segments": [{"voice": "song", "bag": {}}]}"#, &["segments: ", "they look like"]),
    ];
    for (line, words) in rows {
        let mut words = words.to_vec();
        words.push("in.jsonl:3: ");
        refused_score("in.jsonl", format!("{good}\n\n{line}\n").as_bytes(), &words);
        let folder = folder();
        kzstance(folder.path())
            .args(["score", "-", "--format", "jsonl"])
            .write_stdin(format!("{good}\n{line}\n"))
            .assert()
            .code(3)
            .stdout(is_empty())
            .stderr(contains("standard input:2: "));
    }
}

#[test]
fn a_table_that_does_not_fit_its_header_is_refused() {
    let rows: [(&str, &[&str]); 4] = [
        ("id,text\na,كلمة\nb\n", &["in.csv:3: 1 fields where the header has 2", "quote fields"]),
        ("id,text\na,كلمة, أخرى\n", &["in.csv:2: 3 fields where the header has 2", "quote fields"]),
        ("id,text,text\na,كلمة,كلمة\n", &["in.csv:1: two columns are called «text»; rename one"]),
        ("id,words\na,كلمة\n", &["in.csv:2: there is no text among: words", "--columns text=NAME"]),
    ];
    for (table, words) in rows {
        refused_score("in.csv", table.as_bytes(), words);
        refused_score(
            "in.tsv",
            table.replace(',', "\t").as_bytes(),
            &[words[0].replace("csv", "tsv").as_str()],
        );
    }
}

#[test]
fn a_fault_in_a_later_file_leaves_nothing_of_the_earlier_ones() {
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    put(folder.path(), "b.jsonl", format!("{}\n{{", json!({"id": "b", "text": TEXT})));
    put(folder.path(), "old.jsonl", "kept");
    for format in ["table", "jsonl", "csv"] {
        refused(folder.path(), &["score", "a.txt", "b.jsonl", "--format", format], 3, &["b.jsonl:2: "]);
    }
    refused(folder.path(), &["score", "a.txt", "b.jsonl", "-o", "old.jsonl"], 3, &["b.jsonl:2: "]);
    refused(folder.path(), &["score", "a.txt", "b.jsonl", "-o", "new.jsonl"], 3, &["b.jsonl:2: "]);
    refused(folder.path(), &["extract", "a.txt", "b.jsonl", "-o", "bags"], 3, &["b.jsonl:2: "]);
}

#[test]
fn keep_going_skips_bad_records_says_so_and_scores_the_others() {
    let folder = folder();
    let good = |id: &str| json!({"id": id, "text": TEXT}).to_string();
    put(folder.path(), "in.jsonl", format!("{}\n{{\n{}\n{{\"id\": 1}}\n", good("a"), good("b")));
    put(folder.path(), "empty.txt", "");
    put(folder.path(), "last.txt", TEXT);
    let done = kzstance(folder.path())
        .args(["score", "in.jsonl", "empty.txt", "last.txt", "--format", "csv", "--keep-going"])
        .assert()
        .success()
        .stderr(contains("in.jsonl:2: ").and(contains("in.jsonl:4: ")).and(contains("empty.txt: ")))
        .stderr(contains("3 records were skipped"));
    let text = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    let ids: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(ids, ["a", "b", "last"]);
    refused(folder.path(), &["score", "in.jsonl", "--format", "csv"], 3, &["in.jsonl:2: "]);
}

#[test]
fn an_input_that_is_not_there_or_of_no_known_form_is_refused() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("bare")).unwrap();
    put(folder.path(), "a.docx", "PK");
    put(folder.path(), "noted/a.md", "# a");
    let nowhere = ["missing.txt: cannot be read"];
    refused(folder.path(), &["score", "missing.txt"], 3, &nowhere);
    refused(folder.path(), &["train", "missing.txt"], 3, &nowhere);
    refused(folder.path(), &["extract", "missing.txt", "-o", "bags"], 3, &nowhere);
    for bare in ["bare", "noted"] {
        let words = format!("{bare}: no .txt, .jsonl, .csv, .tsv or .parquet file in this folder");
        refused(folder.path(), &["score", bare], 3, &[&words]);
    }
    let unknown = ["a.docx: unknown form; give .txt, .jsonl, .csv, .tsv, .parquet or a folder of these"];
    refused(folder.path(), &["score", "a.docx"], 2, &unknown);
    refused(folder.path(), &["extract", "a.docx", "-o", "bags"], 2, &unknown);
}

#[test]
fn two_inputs_that_would_become_one_file_are_refused() {
    let folder = folder();
    put(folder.path(), "a/same.txt", TEXT);
    put(folder.path(), "b/same.txt", TEXT);
    refused(
        folder.path(),
        &["extract", "a", "b", "-o", "bags"],
        2,
        &["two inputs", "same.jsonl", "rename one"],
    );
}

// Labels

#[test]
fn a_label_that_is_no_class_is_refused_with_its_line_and_the_classes() {
    let table = csv_of(&articles(24)).replacen("against", "maybe", 1);
    refused_labels(
        "own.csv",
        &table,
        &["own.csv:3: «maybe» is no class of stance", "favor, against, none", "alias"],
    );
    let folder = folder();
    put(folder.path(), "classes/favor/a.txt", TEXT);
    put(folder.path(), "classes/maybe/b.txt", TEXT);
    let words = ["classes/maybe: «maybe» is no class of stance", "favor, against, none"];
    refused(folder.path(), &["train", "classes"], 3, &words);
}

#[test]
fn labels_of_one_class_only_are_too_few() {
    let mut given = articles(24);
    for article in &mut given {
        article.stance = "favor";
    }
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&given));
    put(folder.path(), "classes/favor/a.txt", TEXT);
    put(folder.path(), "classes/favor/b.txt", format!("{TEXT} {TEXT}"));
    for labels in ["own.csv", "classes"] {
        let words = ["stance: the ", "not of two classes; label examples of another"];
        refused(folder.path(), &["train", labels, "-o", "own.kzm"], 3, &words);
    }
    refused(folder.path(), &["evaluate", "own.csv", "--axis", "stance"], 3, &["stance", "one class"]);
}

#[test]
fn an_id_that_stands_twice_is_refused_with_both_places() {
    let table = csv_of(&articles(24)).replacen("doc-05", "doc-01", 1);
    refused_labels(
        "own.csv",
        &table,
        &["own.csv:7: id «doc-01» stands already at own.csv:3; remove or rename one"],
    );
}

#[test]
fn labels_without_text_or_classes_or_rows_say_what_is_missing() {
    let no_text = csv_of(&articles(6)).replacen("text", "words", 1);
    refused_labels("own.csv", &no_text, &["own.csv:2: there is no text", "--columns text=NAME"]);
    let no_class = csv_of(&articles(6)).replacen("stance,sentiment", "view,mood", 1);
    let words = ["own.csv:1: neither a stance nor a sentiment column", "--columns stance=NAME"];
    refused_labels("own.csv", &no_class, &words);
    refused_labels("own.csv", "id,text,stance\n", &["own.csv", "no labelled document"]);
    let no_words = csv_of(&articles(24)) + "doc-99,,favor,positive,x\n";
    refused_labels("own.csv", &no_words, &["own.csv:26: the text is empty; remove the row"]);
}

#[test]
fn a_folder_without_a_manifest_and_without_classes_is_refused() {
    let folder = folder();
    put(folder.path(), "labels/a.txt", TEXT);
    for command in ["train", "check", "evaluate"] {
        let words = ["labels: neither labels.toml nor a folder for each class", "README"];
        refused(folder.path(), &[command, "labels"], 3, &words);
    }
}

#[test]
fn a_manifest_with_an_unknown_key_or_version_is_refused_with_its_line() {
    let rows: [(String, &[&str]); 4] = [
        (MANIFEST.replacen("target", "aim", 1), &["labels.toml:3: ", "aim"]),
        (format!("{MANIFEST}colour = \"red\"\n"), &["labels.toml:10: ", "colour"]),
        (
            MANIFEST.replacen("version = 1", "version = 2", 1),
            &["labels.toml: labels version 2", "reads version 1"],
        ),
        (MANIFEST.replacen("name = \"own\"", "name = own", 1), &["labels.toml:2: "]),
    ];
    for (manifest, words) in rows {
        let folder = folder();
        labels_folder(folder.path(), &manifest, "id,stance\na,favor\nb,against\n");
        refused(folder.path(), &["train", "labels"], 3, words);
        refused(folder.path(), &["check", "labels"], 3, words);
    }
}

#[test]
fn a_judgement_of_an_unknown_or_changed_article_is_refused() {
    let folder = folder();
    let hash = "0".repeat(64);
    let table = format!("id,features_sha256,stance\na,{hash},favor\nb,,against\nc,,none\n");
    labels_folder(folder.path(), MANIFEST, &table);
    let words = [
        "2 faults in the labels",
        "own.csv:2: «a» was judged on features with SHA-256 0000",
        "correct the hash",
    ];
    refused(folder.path(), &["train", "labels"], 3, &words);
    kzstance(folder.path()).args(["check", "labels"]).assert().code(3).stdout(
        contains("own.csv:2: «a» was judged on features").and(contains(
            "own.csv:4: there is no article «c» among the features; extract it, or correct the id",
        )),
    );
    // A record that was changed by hand.
    put(folder.path(), "labels/own.csv", "id,stance\na,favor\nb,against\n");
    let path = folder.path().join("seeds/own.jsonl");
    let record = std::fs::read_to_string(&path).unwrap().replacen("\"المجلس\":1", "\"المجلس\":2", 1);
    std::fs::write(path, record).unwrap();
    let words = ["seeds/own.jsonl:1: article «a» says its features have SHA-256", "extract it again"];
    refused(folder.path(), &["train", "labels"], 3, &words);
}

#[test]
fn near_duplicates_with_different_labels_are_found() {
    let given = articles(24);
    let mut table = csv_of(&given);
    table = format!("{table}doc-99,{} اليوم,against,negative,x\n", given[0].text);
    let folder = folder();
    put(folder.path(), "own.csv", table);
    kzstance(folder.path()).args(["check", "own.csv"]).assert().code(3).stdout(
        contains("own.csv:26: «doc-99» is a near-duplicate of «doc-00» (own.csv:2; ")
            .and(contains("its stance is against and the other's favor"))
            .and(contains("its sentiment is negative and the other's positive"))
            .and(contains("make them agree, or remove one")),
    );
}

#[test]
fn check_lists_every_fault_and_counts_them() {
    let mut table = csv_of(&articles(24)).replacen("against", "maybe", 1);
    table += "short,row\nدoc,,favor,positive,x\ndoc-04,كلمات أخرى تماما هنا,none,neutral,x\nlast,نص جديد,none,sad,x\n";
    let folder = folder();
    put(folder.path(), "own.csv", &table);
    let done =
        kzstance(folder.path()).args(["check", "own.csv"]).assert().code(3).stderr(contains("5 faults"));
    let said = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    for fault in [
        "own.csv:3: «maybe»",
        "own.csv:26: 2 fields where the header has 5",
        "own.csv:27: the text is empty",
        "own.csv:28: id «doc-04» stands already at own.csv:6",
        "own.csv:29: «sad» is no class of sentiment",
    ] {
        assert!(said.contains(fault), "«{fault}» is missing in:\n{said}");
    }
    assert_eq!(said.lines().filter(|line| line.starts_with("own.csv:")).count(), 5, "{said}");
    // Training stops at the first and says how many there are.
    let words = ["5 faults in the labels", "kzstance check own.csv", "own.csv:26: 2 fields"];
    refused(folder.path(), &["train", "own.csv"], 3, &words);
}

#[test]
fn check_compares_texts_with_the_hashes_that_the_features_carry() {
    let folder = folder();
    labels_folder(folder.path(), MANIFEST, "id,stance\na,favor\nb,against\n");
    let check = || kzstance(folder.path()).args(["check", "labels", "--texts", "texts"]).assert();
    check().stdout(contains("2 texts have the hash that their features carry"));
    put(folder.path(), "texts/own.jsonl", json!({"id": "a", "text": "نص آخر"}).to_string());
    check()
        .code(3)
        .stdout(contains("«a» was extracted from a text with SHA-256").and(contains("extract it again")));
}

// Models

#[test]
fn a_damaged_model_is_refused() {
    let folder = folder();
    trained(folder.path());
    put(folder.path(), "a.txt", TEXT);
    let sound = std::fs::read(folder.path().join("own.kzm")).unwrap();
    let remedy = "take a fresh copy of the model or train it again";
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let length = u64::from_le_bytes(sound[..8].try_into().unwrap()) as usize;
    let half = sound.len() / 2;
    let files: [(&str, Vec<u8>); 8] = [
        ("no bytes", Vec::new()),
        ("five bytes", sound[..5].to_vec()),
        ("half the header", sound[..8 + length / 2].to_vec()),
        ("half", sound[..half].to_vec()),
        ("without the last byte", sound[..sound.len() - 1].to_vec()),
        ("one byte more", [&sound[..], b"x"].concat()),
        ("noise", noise),
        ("a text", TEXT.as_bytes().to_vec()),
    ];
    for (what, bytes) in files {
        println!("{what}");
        put(folder.path(), "bad.kzm", bytes);
        for args in [["score", "a.txt", "-m", "bad.kzm"], ["evaluate", "own.csv", "-m", "bad.kzm"]] {
            refused(folder.path(), &args, 4, &["bad.kzm: ", remedy]);
        }
        refused(folder.path(), &["inspect", "bad.kzm"], 4, &["bad.kzm: ", remedy]);
    }
    // A flipped bit anywhere: in the length, the header, the numbers, the checksum.
    let places =
        (0..12).chain((12..sound.len()).step_by(sound.len() / 40)).chain(sound.len() - 3..sound.len());
    for place in places {
        println!("byte {place}");
        let mut bytes = sound.clone();
        bytes[place] ^= 1 << (place % 7);
        put(folder.path(), "bad.kzm", bytes);
        refused(folder.path(), &["score", "a.txt", "-m", "bad.kzm"], 4, &["bad.kzm: "]);
    }
}

#[test]
fn a_damaged_default_model_is_not_passed_over() {
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    put(folder.path(), MODEL, "noise");
    refused(folder.path(), &["score", "a.txt"], 4, &["kz-intervention.kzm: "]);
}

#[test]
fn a_model_that_is_not_there_is_refused() {
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    for args in [&["score", "a.txt", "-m", "gone.kzm"][..], &["inspect", "gone.kzm"]] {
        refused(folder.path(), args, 3, &["gone.kzm: cannot be read"]);
    }
}

#[test]
fn a_model_with_other_classes_is_not_judged_on_these_labels() {
    let folder = folder();
    trained(folder.path());
    put(folder.path(), "other.csv", "id,text,stance\na,نص أول,up\nb,نص ثان,down\n");
    let words = ["stance: the model has the classes favor, against, none, the labels have up, down"];
    refused(
        folder.path(),
        &["evaluate", "other.csv", "-m", "own.kzm", "--axis", "stance=up,down"],
        2,
        &words,
    );
}

// Outputs

#[test]
fn an_output_that_cannot_be_written_is_a_usage_error() {
    let folder = folder();
    trained(folder.path());
    put(folder.path(), "a.txt", TEXT);
    put(folder.path(), "below/keep.txt", "kept");
    put(folder.path(), "plain", "a regular file");
    for output in ["below", "plain/under.jsonl", "plain/deep/er.jsonl"] {
        let words = [output, "cannot be written", "name another place"];
        refused(folder.path(), &["score", "a.txt", "--format", "jsonl", "-o", output], 2, &words);
    }
    refused(folder.path(), &["extract", "a.txt", "-o", "plain"], 2, &["plain", "cannot be written"]);
    refused(folder.path(), &["train", "own.csv", "-o", "below"], 2, &["below", "-o"]);
    refused(
        folder.path(),
        &["train", "own.csv", "-o", "plain/own.kzm"],
        2,
        &["plain/own.kzm", "cannot be written"],
    );
    refused(folder.path(), &["evaluate", "own.csv", "--report", "plain"], 2, &["plain", "cannot be written"]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_a_usage_error() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: no /dev/full");
        return;
    }
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_kzstance"))
        .args(["score", "a.txt"])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("standard output: cannot be written"));
}

#[test]
fn training_does_not_write_over_what_is_no_model() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    put(folder.path(), "notes", "three weeks of work");
    let words = ["notes: this file is no model", "-o", "--force"];
    refused(folder.path(), &["train", "own.csv", "-o", "notes"], 2, &words);
    refused(folder.path(), &["train", "own.csv", "-o", "own.csv"], 2, &["own.csv: this file is no model"]);
    kzstance(folder.path()).args(["train", "own.csv", "-o", "notes", "--force"]).assert().success();
    kzstance(folder.path()).args(["inspect", "notes"]).assert().success();
}

#[test]
fn the_card_does_not_write_over_the_model_or_a_page_of_the_users() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    put(folder.path(), "README.md", "# Our newsroom");
    refused(folder.path(), &["train", "own.csv", "-o", "README"], 2, &["README.md"]);
    refused(folder.path(), &["train", "own.csv", "-o", "model.md"], 2, &["model.md"]);
}

// Usage

#[test]
fn a_call_that_does_not_exist_is_a_usage_error() {
    let folder = folder();
    put(folder.path(), "a.txt", TEXT);
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    let rows: [(&[&str], &str); 12] = [
        (&["praise"], "praise"),
        (&[], "Usage"),
        (&["score"], "INPUTS"),
        (&["score", "a.txt", "--louder"], "--louder"),
        (&["score", "a.txt", "--format", "xml"], "xml"),
        (&["score", "a.txt", "--columns", "text"], "PART=NAME"),
        (&["score", "a.txt", "--threads", "many"], "many"),
        (&["extract", "a.txt"], "--output"),
        (&["evaluate", "own.csv", "--folds", "1"], "folds from 2"),
        (&["evaluate", "own.csv", "--folds", "half"], "loo"),
        (&["train", "own.csv", "--seed", "-3"], "-3"),
        (&["evaluate", "own.csv", "--target", "الجسر"], "no example has the target"),
    ];
    for (args, words) in rows {
        refused(folder.path(), args, 2, &[words]);
    }
}

#[test]
fn an_axis_that_nobody_judged_is_refused() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    let words = ["own.csv:1: there is no column «mood»", "--columns mood=NAME"];
    refused(folder.path(), &["train", "own.csv", "--axis", "mood=calm,tense"], 3, &words);
    labels_folder(folder.path(), MANIFEST, "id,stance\na,favor\nb,against\n");
    refused(
        folder.path(),
        &["train", "labels", "--axis", "mood"],
        2,
        &["labels.toml: there is no axis «mood»"],
    );
}

#[test]
fn settings_that_are_unknown_or_out_of_range_are_a_usage_error() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(24)));
    let rows: [(&str, &[&str]); 10] = [
        ("[learn]\nspeed = 3\n", &["settings.toml", "line 2", "speed"]),
        ("colour = \"red\"\n", &["settings.toml", "line 1", "colour"]),
        ("[learn\n", &["settings.toml", "line 1"]),
        ("[learn]\nsolver = \"magic\"\n", &["settings.toml", "line 2", "magic"]),
        ("[learn]\nc = []\n", &["learn.c", "above 0"]),
        ("[learn]\nc = [1.0, -1.0]\n", &["learn.c", "above 0"]),
        ("[learn]\nfolds = 1\n", &["learn.folds", "2"]),
        ("[learn]\ntolerance = 0.0\n", &["learn.tolerance", "above 0"]),
        ("[features]\nblocks = []\n", &["features.blocks"]),
        ("[features]\ntf = { kind = \"bm25\", k1 = 1.2, b = 3.0 }\n", &["features.tf", "0 <= b <= 1"]),
    ];
    for (settings, words) in rows {
        put(folder.path(), "settings.toml", settings);
        for command in [["train", "own.csv"], ["evaluate", "own.csv"]] {
            refused(folder.path(), &[&command[..], &["--config", "settings.toml"]].concat(), 2, words);
        }
    }
}

#[test]
fn the_repository_has_no_faults_in_its_labels() {
    let done = kzstance(&root()).args(["check", "labels/"]).assert().success();
    done.stderr(contains("documents, no faults"));
}
