//! Large, compressed and interrupted inputs, scored with the real binary.

mod common;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{folder, kzstance, listing, put};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

const WORDS: [&str; 12] =
    ["الوزير", "يرفض", "القرار", "الناس", "في", "الساحة", "احتلال", "سافر", "خطوة", "ضرورية", "هدوء", "أمس"];

/// Short invented articles.
fn articles(n: usize) -> impl Iterator<Item = (String, String)> {
    (0..n).map(|i| {
        let word = |k: usize| WORDS[(i * 31 + k * k * 7 + i / 5 * k) % WORDS.len()];
        (format!("ع{i}"), (0..16 + i % 9).map(word).collect::<Vec<_>>().join(" "))
    })
}

fn jsonl(n: usize) -> String {
    articles(n).fold(String::new(), |mut all, (id, text)| {
        let _ = writeln!(all, r#"{{"id":"{id}","text":"{text}","outlet":"o{}"}}"#, id.len());
        all
    })
}

/// Cells of two lines, and marks within.
fn csv(n: usize) -> String {
    articles(n).fold("id,text,date\n".to_owned(), |mut all, (id, text)| {
        let _ = writeln!(all, "{id},\"{text}\n\"\"نعم\"\", {text}\",5\" أو 6");
        all
    })
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut text = Vec::new();
    match path.extension().unwrap().to_str().unwrap() {
        "gz" => flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap(),
        "zst" => zstd::Decoder::new(&bytes[..]).unwrap().read_to_end(&mut text).unwrap(),
        _ => return bytes,
    };
    text
}

fn scored(folder: &Path, args: &[&str]) -> Vec<u8> {
    kzstance(folder).arg("score").args(args).assert().success().get_output().stdout.clone()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn compressed_files_score_as_plain_ones_do() {
    let folder = folder();
    let (rows, table, text) = (jsonl(300), csv(300), "يرفض الناس القرار السافر");
    for (name, content) in [("a.jsonl", rows.as_str()), ("b.csv", table.as_str()), ("c.txt", text)] {
        put(folder.path(), &format!("plain/{name}"), content);
        put(folder.path(), &format!("gz/{name}.gz"), gz(content.as_bytes()));
        put(folder.path(), &format!("zst/{name}.ZST"), zst(content.as_bytes()));
    }
    let wanted = scored(folder.path(), &["plain", "--format", "jsonl"]);
    assert_eq!(lines(&wanted).len(), 601);
    assert_eq!(lines(&wanted)[600]["id"], "c");
    assert_eq!(scored(folder.path(), &["gz", "--format", "jsonl"]), wanted);
    assert_eq!(scored(folder.path(), &["zst", "--format", "jsonl"]), wanted);
    for bytes in [gz(rows.as_bytes()), zst(rows.as_bytes()), rows.clone().into_bytes()] {
        let from_pipe = kzstance(folder.path())
            .args(["score", "-", "--format", "jsonl"])
            .write_stdin(bytes)
            .assert()
            .success()
            .get_output()
            .stdout
            .clone();
        assert_eq!(from_pipe, scored(folder.path(), &["plain/a.jsonl", "--format", "jsonl"]));
    }
}

#[test]
fn a_compressed_file_that_was_cut_off_is_bad_input() {
    let folder = folder();
    let bytes = gz(jsonl(2000).as_bytes());
    put(folder.path(), "cut.jsonl.gz", &bytes[..bytes.len() / 2]);
    put(folder.path(), "broken.jsonl.zst", "no zstd at all, whatever its name says");
    for (name, words) in [("cut.jsonl.gz", "end too early"), ("broken.jsonl.zst", "are damaged")] {
        kzstance(folder.path())
            .args(["score", name, "--format", "jsonl"])
            .assert()
            .code(3)
            .stdout("")
            .stderr(contains(name).and(contains(words)));
    }
}

#[test]
fn labels_may_be_compressed() {
    let folder = folder();
    let mut table = "text,stance\n".to_owned();
    for (index, (_, text)) in articles(30).enumerate() {
        let _ = writeln!(table, "{text} {index},{}", ["favor", "against", "none"][index % 3]);
    }
    put(folder.path(), "own.csv", &table);
    put(folder.path(), "own.csv.gz", gz(table.as_bytes()));
    let counts = |name: &str| {
        let done = kzstance(folder.path()).args(["check", name]).assert();
        String::from_utf8_lossy(&done.get_output().stdout).replace("own.csv.gz", "own.csv")
    };
    assert!(counts("own.csv").contains("favor"));
    assert_eq!(counts("own.csv.gz"), counts("own.csv"));
}

#[test]
fn a_large_file_scores_in_order_and_line_by_line_as_a_small_one() {
    let folder = folder();
    // Beyond what is decoded as a whole.
    let n = 30_000;
    let rows = jsonl(n);
    assert!(rows.len() > 5 << 20);
    put(folder.path(), "large.jsonl", &rows);
    put(folder.path(), "large.jsonl.gz", gz(rows.as_bytes()));
    put(folder.path(), "large.csv", csv(n));
    let some = [0, 1, 777, 20_000, n - 1];
    let picked: String = some.iter().map(|&at| rows.lines().nth(at).unwrap().to_owned() + "\n").collect();
    put(folder.path(), "some.jsonl", picked);
    let wanted = scored(folder.path(), &["some.jsonl", "--format", "jsonl"]);
    let wanted: Vec<&str> = std::str::from_utf8(&wanted).unwrap().lines().collect();
    let one = scored(folder.path(), &["large.jsonl", "--format", "jsonl", "--threads", "1"]);
    let found: Vec<&str> = std::str::from_utf8(&one).unwrap().lines().collect();
    assert_eq!(found.len(), n);
    assert_eq!(some.map(|at| found[at]), wanted[..]);
    assert!(scored(folder.path(), &["large.jsonl", "--format", "jsonl", "--threads", "5"]) == one);
    assert!(scored(folder.path(), &["large.jsonl.gz", "--format", "jsonl"]) == one);
    let table = scored(folder.path(), &["large.csv", "--format", "jsonl"]);
    let table = lines(&table);
    assert_eq!(table.len(), n);
    assert!(table.iter().enumerate().all(|(index, line)| line["id"] == format!("ع{index}")));
    assert_eq!(table[0]["date"], "5\" أو 6");
}

#[test]
fn a_fault_far_behind_is_named_with_its_line_and_leaves_nothing() {
    let folder = folder();
    let mut rows: Vec<String> = jsonl(30_000).lines().map(str::to_owned).collect();
    rows[28_123] = "{\"text\": ".into();
    put(folder.path(), "large.jsonl", rows.join("\n"));
    let mut table = csv(30_000);
    table.push_str("x\n");
    put(folder.path(), "large.csv", table);
    for (name, place) in
        [("large.jsonl", "large.jsonl:28124: column"), ("large.csv", "large.csv:60002: 1 fields")]
    {
        for output in [&["--format", "jsonl"][..], &["-o", "out.jsonl"]] {
            kzstance(folder.path())
                .args(["score", name])
                .args(output)
                .assert()
                .code(3)
                .stdout("")
                .stderr(contains(place));
        }
        assert_eq!(listing(folder.path()), ["large.csv", "large.jsonl"]);
        let going = kzstance(folder.path())
            .args(["score", name, "--format", "jsonl", "--keep-going"])
            .assert()
            .success()
            .stderr(contains(place).and(contains("1 records were skipped")));
        let expected = if name == "large.csv" { 30_000 } else { 29_999 };
        assert_eq!(lines(&going.get_output().stdout).len(), expected);
    }
}

#[test]
fn a_file_in_another_encoding_may_be_large_too() {
    let folder = folder();
    let rows = jsonl(30_000);
    put(folder.path(), "utf8.jsonl", &rows);
    let wide: Vec<u8> = rows.encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(folder.path(), "wide.jsonl", wide);
    let wanted = scored(folder.path(), &["utf8.jsonl", "--format", "jsonl"]);
    let found = kzstance(folder.path())
        .args(["score", "wide.jsonl", "--format", "jsonl"])
        .assert()
        .success()
        .stderr(contains("wide.jsonl: read as utf-16le"));
    assert!(found.get_output().stdout == wanted);
}

/// The binary with pipes, which its caller holds.
fn piped(folder: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kzstance"))
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_line_on_standard_input_is_answered_before_the_next_one_comes() {
    let folder = folder();
    let mut child = piped(folder.path(), &["score", "-", "--format", "jsonl"]);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for line in jsonl(3).lines() {
        writeln!(input, "{line}").unwrap();
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        let (asked, answered): (Value, Value) =
            (serde_json::from_str(line).unwrap(), serde_json::from_str(&answer).unwrap());
        assert_eq!(asked["id"], answered["id"]);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_bad_line_ends_the_run_though_the_pipe_stays_open() {
    let folder = folder();
    let mut child = piped(folder.path(), &["score", "-", "--format", "jsonl"]);
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "no JSON").unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("standard input:1: column 2"), "{said}");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    drop(input);
}

#[test]
fn outputs_are_compressed_by_their_ending() {
    let folder = folder();
    put(folder.path(), "a.jsonl", jsonl(3000));
    for form in ["jsonl", "csv"] {
        let wanted = scored(folder.path(), &["a.jsonl", "--format", form]);
        for ending in ["gz", "zst"] {
            let name = format!("out.{form}.{ending}");
            assert!(scored(folder.path(), &["a.jsonl", "-o", &name]).is_empty());
            assert!(unpacked(&folder.path().join(&name)) == wanted, "{name}");
            assert!(std::fs::metadata(folder.path().join(&name)).unwrap().len() < wanted.len() as u64 / 3);
        }
    }
    // What was written is read again.
    scored(folder.path(), &["a.jsonl", "-o", "out.jsonl"]);
    let of = |name: &str| {
        let done =
            kzstance(folder.path()).args(["share", name, "--format", "csv", "--resamples", "100"]).assert();
        done.success().get_output().stdout.clone()
    };
    assert_eq!(of("out.jsonl.gz"), of("out.jsonl"));
    assert_eq!(of("out.csv.zst"), of("out.csv.gz"));
}

#[test]
fn csv_for_spreadsheets_has_a_mark_its_line_ends_and_no_formulas() {
    let folder = folder();
    put(
        folder.path(),
        "a.jsonl",
        "{\"id\":\"=1+2\",\"text\":\"خبر\",\"outlet\":\"a;=b\",\"n\":-5,\"m\":\"-5\",\"f\":\"@x\"}\n",
    );
    let args = ["a.jsonl", "--format", "csv", "--keep", "n,m,f"];
    let plain = String::from_utf8(scored(folder.path(), &args)).unwrap();
    let excel = scored(folder.path(), &[&args[..], &["--excel"]].concat());
    let excel = String::from_utf8(excel).unwrap();
    assert!(excel.starts_with("\u{FEFF}id,") && excel.ends_with("\r\n") && excel.matches('\n').count() == 2);
    let row = excel.lines().nth(1).unwrap();
    assert!(row.starts_with("'=1+2,") && row.ends_with(",a;'=b,,,,-5,-5,'@x"), "{row}");
    assert!(plain.lines().nth(1).unwrap().ends_with(",a;=b,,,,-5,-5,@x"), "{plain}");
    kzstance(folder.path())
        .args(["score", "a.jsonl", "--format", "jsonl", "--excel"])
        .assert()
        .code(2)
        .stderr(contains("--excel is about CSV"));
}

/// Starts a run, and kills it when its journal has moved on; whether it was killed before its end.
fn killed(folder: &Path, args: &[&str], journal: &str) -> bool {
    let journal = folder.join(journal);
    let before = std::fs::read(&journal).ok();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kzstance"))
        .current_dir(folder)
        .args(args)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(60) {
        let now = std::fs::read_to_string(&journal).unwrap_or_default();
        let moved =
            !now.is_empty() && !now.contains("\"documents\": 0") && Some(now.as_bytes()) != before.as_deref();
        if moved || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    let done = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    !done && journal.exists()
}

const JOURNALED: [&str; 3] = ["--resume", "--checkpoint-records", "1"];

#[test]
fn a_run_that_was_killed_again_and_again_ends_with_the_same_bytes() {
    let folder = folder();
    put(folder.path(), "in/0.txt", "يرفض الناس القرار");
    put(folder.path(), "in/a.jsonl", jsonl(25_000));
    put(folder.path(), "in/b.csv.gz", gz(csv(9_000).as_bytes()));
    put(folder.path(), "in/c.jsonl", format!("{}no JSON\n", jsonl(10)));
    put(folder.path(), "in/d.txt", "خطوة ضرورية");
    let mut kills = 0;
    for output in ["out.jsonl", "out.csv", "out.jsonl.gz", "out.csv.zst"] {
        let (whole, journal) = (format!("whole-{output}"), format!("{output}.partial.json"));
        let _ = scored(folder.path(), &["in", "-o", &whole, "--keep-going"]);
        let args = [&["score", "in", "--keep-going", "-o", output][..], &JOURNALED].concat();
        for _ in 0..4 {
            kills += u32::from(killed(folder.path(), &args, &journal));
            // As if more had been written than the journal knows.
            if let Ok(mut partial) =
                std::fs::OpenOptions::new().append(true).open(folder.path().join(format!("{output}.partial")))
            {
                partial.write_all(b"half a li").unwrap();
            }
        }
        kzstance(folder.path()).args(&args).assert().success();
        let [found, wanted] = [output, &whole].map(|name| std::fs::read(folder.path().join(name)).unwrap());
        assert!(found == wanted, "{output} differs");
        let left: Vec<String> =
            listing(folder.path()).into_iter().filter(|name| name.contains("partial")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(kills >= 4, "only {kills} runs were killed in time");
}

/// A folder with a run that was killed.
fn interrupted() -> tempfile::TempDir {
    for _ in 0..20 {
        let folder = folder();
        put(folder.path(), "a.jsonl", jsonl(30_000));
        let args = [&["score", "a.jsonl", "-o", "out.jsonl"][..], &JOURNALED].concat();
        if killed(folder.path(), &args, "out.jsonl.partial.json") {
            return folder;
        }
    }
    panic!("no run was killed in time");
}

fn resumed(folder: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    kzstance(folder).args(["score", "a.jsonl", "-o", "out.jsonl", "--resume"]).args(more).assert()
}

#[test]
fn a_run_is_not_gone_on_with_under_other_conditions() {
    let folder = interrupted();
    let mut labels = "text,stance\n".to_owned();
    for (index, (_, text)) in articles(30).enumerate() {
        let _ = writeln!(labels, "{text} {index},{}", ["favor", "against", "none"][index % 3]);
    }
    put(folder.path(), "own.csv", labels);
    kzstance(folder.path()).args(["train", "own.csv", "-o", "own.kzm"]).assert().success();
    let before = std::fs::read(folder.path().join("out.jsonl.partial")).unwrap();
    let remedy = || contains("delete it and out.jsonl.partial.json to begin anew");
    for (more, what) in [
        (&["-m", "own.kzm"][..], "begun with another model"),
        (&["--explain"], "begun with --explain false"),
        (&["--prior", "none=0.9"], "begun with no --prior"),
        (&["own.csv"], "begun with other inputs"),
    ] {
        resumed(folder.path(), more).code(2).stderr(contains(what).and(remedy()));
    }
    let rows = jsonl(30_000);
    put(folder.path(), "a.jsonl", rows.replace("ع29999", "غ29999"));
    resumed(folder.path(), &[])
        .code(2)
        .stderr(contains("begun with another content of a.jsonl").and(remedy()));
    put(folder.path(), "a.jsonl", &rows);
    assert!(std::fs::read(folder.path().join("out.jsonl.partial")).unwrap() == before);
    assert!(!folder.path().join("out.jsonl").exists());
    resumed(folder.path(), &[]).success();
    let wanted = scored(folder.path(), &["a.jsonl", "--format", "jsonl"]);
    assert!(std::fs::read(folder.path().join("out.jsonl")).unwrap() == wanted);
}

#[test]
fn what_cannot_be_gone_on_with_is_said() {
    let folder = folder();
    put(folder.path(), "a.jsonl", jsonl(10));
    for (args, words) in [
        (&["a.jsonl", "--resume"][..], "name it with -o"),
        (&["-", "-o", "out.jsonl", "--resume"], "standard input cannot be"),
        (&["a.jsonl", "-o", "out.txt", "--resume"], "a table is laid out at its end"),
    ] {
        kzstance(folder.path())
            .arg("score")
            .args(args)
            .write_stdin("")
            .assert()
            .code(2)
            .stderr(contains(words));
    }
    // Without a journal a run begins, and leaves nothing beside its output.
    resumed(folder.path(), &[]).success();
    assert_eq!(listing(folder.path()), ["a.jsonl", "out.jsonl"]);
    put(folder.path(), "out.jsonl.partial.json", "{}");
    resumed(folder.path(), &[]).code(2).stderr(contains("not a journal"));
}

#[test]
fn two_runs_do_not_write_to_one_file() {
    let folder = folder();
    put(folder.path(), "a.jsonl", jsonl(30_000));
    let args = [&["score", "a.jsonl", "-o", "out.jsonl"][..], &JOURNALED].concat();
    let mut first = Command::new(env!("CARGO_BIN_EXE_kzstance"))
        .current_dir(folder.path())
        .args(&args)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !folder.path().join("out.jsonl.partial.json").exists() && first.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let second = kzstance(folder.path()).args(&args).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    // It came too late where the first was through.
    assert!(second.status.success() || said.contains("another run is writing to it"), "{said}");
    assert!(first.wait().unwrap().success());
    let wanted = scored(folder.path(), &["a.jsonl", "--format", "jsonl"]);
    assert!(std::fs::read(folder.path().join("out.jsonl")).unwrap() == wanted);
}

#[cfg(feature = "parquet")]
use kzstance::write::parquet::{Column, Kind, TableWriter, Values};

#[cfg(feature = "parquet")]
#[test]
fn a_table_in_parquet_is_scored_and_written_as_the_same_records_elsewhere() {
    let folder = folder();
    put(folder.path(), "a.jsonl", jsonl(3000));
    let score =
        |args: &[&str], code: i32| kzstance(folder.path()).arg("score").args(args).assert().code(code);
    score(&["a.jsonl", "-o", "scored.parquet"], 0);
    score(&["a.jsonl", "-o", "scored.csv"], 0);
    let columns = kzstance::read::Columns::default();
    let rows = |name: &str| {
        kzstance::read::scored::read_records(
            &folder.path().join(name),
            &kzstance::read::ReadOptions { columns: columns.clone(), ..Default::default() },
            &mut |_| {},
        )
        .unwrap()
        .into_iter()
        .map(|row| row.unwrap().fields)
        .collect::<Vec<_>>()
    };
    let (table, csv) = (rows("scored.parquet"), rows("scored.csv"));
    assert_eq!((table.len(), csv.len()), (3000, 3000));
    for (table, csv) in table.iter().zip(&csv) {
        for (name, cell) in csv {
            let written = match &table[name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.as_f64().unwrap().to_string(),
            };
            assert_eq!(cell.as_str(), Some(written.as_str()), "{name}");
        }
    }

    // The texts as a table: what comes of them is the same, whatever the number of threads.
    let file = std::fs::File::create(folder.path().join("texts.parquet")).unwrap();
    let records: Vec<serde_json::Value> =
        jsonl(3000).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names = ["id", "text"].map(|name| Column::required(name, Kind::Text)).to_vec();
    let mut texts = TableWriter::new(file, "texts.parquet".as_ref(), names, &[]).unwrap();
    for records in records.chunks(700) {
        let cells = |name: &str| Values::Text(records.iter().map(|record| record[name].as_str()).collect());
        texts.write(&[cells("id"), cells("text")]).unwrap();
        texts.end_row_group().unwrap();
    }
    texts.finish().unwrap();
    score(&["a.jsonl", "-o", "a-scored.jsonl"], 0);
    score(&["texts.parquet", "-o", "b-scored.jsonl"], 0);
    score(&["texts.parquet", "-o", "c-scored.jsonl", "--resume"], 0);
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let only_scores = |name: &str| {
        String::from_utf8(bytes(name))
            .unwrap()
            .lines()
            .map(|line| line.split(",\"outlet\"").next().unwrap().trim_end_matches('}').to_owned())
            .collect::<Vec<_>>()
    };
    assert!(only_scores("a-scored.jsonl") == only_scores("b-scored.jsonl"));
    assert!(bytes("b-scored.jsonl") == bytes("c-scored.jsonl"));

    score(&["a.jsonl", "--format", "parquet"], 2).stderr(contains("name it with -o"));
    score(&["a.jsonl", "-o", "out.parquet", "--resume"], 2).stderr(contains("--resume wants rows"));
    put(folder.path(), "broken.parquet", "PAR1");
    score(&["broken.parquet"], 3).stderr(contains("broken.parquet"));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_that_was_not_built_in_is_said() {
    let folder = folder();
    put(folder.path(), "a.jsonl", jsonl(2));
    put(folder.path(), "a.parquet", "PAR1");
    for args in [&["a.jsonl", "-o", "out.parquet"][..], &["a.jsonl", "--format", "parquet"], &["a.parquet"]] {
        kzstance(folder.path())
            .arg("score")
            .args(args)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("built without Parquet"));
    }
}
