//! Parquet: what is written is read, by this program and as any table; what is damaged is refused.

#![cfg(feature = "parquet")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{Article, articles, csv_of, folder, kzstance, put};
use kzstance::document::{Body, Document};
use kzstance::read::parquet::ParquetFile;
use kzstance::read::{Columns, ReadOptions, read_file};
use kzstance::write::parquet::{Column, Kind, TableWriter, Values, concatenate};
use kzstance::{Error, Result};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// One cell a kind of column, each of which may be null.
type Row = (String, Option<String>, Option<f64>, Option<i64>, Option<bool>, Option<u8>);

fn columns() -> Vec<Column> {
    vec![
        Column::required("id", Kind::Text),
        Column::optional("نص", Kind::Text),
        Column::optional("p", Kind::F64),
        Column::optional("n", Kind::I64),
        Column::optional("sure", Kind::Bool),
        Column::optional("more", Kind::Json),
    ]
}

fn more(row: &Row) -> Option<String> {
    row.5.map(|number| json!({"ن": [number, null]}).to_string())
}

/// Rows as a file, in batches of `batch` rows, a row group ending after every `group`.
fn written(rows: &[Row], batch: usize, group: usize, metadata: &[(String, String)]) -> Vec<u8> {
    let mut table = TableWriter::new(Vec::new(), Path::new("table"), columns(), metadata).unwrap();
    for part in rows.chunks(group) {
        for rows in part.chunks(batch) {
            let more: Vec<Option<String>> = rows.iter().map(more).collect();
            let batch = [
                Values::Text(rows.iter().map(|row| Some(row.0.as_str())).collect()),
                Values::Text(rows.iter().map(|row| row.1.as_deref()).collect()),
                Values::F64(rows.iter().map(|row| row.2).collect()),
                Values::I64(rows.iter().map(|row| row.3).collect()),
                Values::Bool(rows.iter().map(|row| row.4).collect()),
                Values::Text(more.iter().map(Option::as_deref).collect()),
            ];
            table.write(&batch).unwrap();
        }
        table.end_row_group().unwrap();
    }
    table.finish().unwrap()
}

fn expected(row: &Row) -> Map<String, Value> {
    let value = json!({
        "id": row.0, "نص": row.1, "p": row.2, "n": row.3, "sure": row.4,
        "more": row.5.map(|number| json!({"ن": [number, null]})),
    });
    value.as_object().unwrap().clone()
}

/// Every row of a file, with its number.
fn rows_of(path: &Path) -> Result<Vec<(u64, Map<String, Value>)>> {
    let file = ParquetFile::open(path)?;
    let mut all = Vec::new();
    for group in 0..file.row_groups() {
        for row in file.records(group, None)? {
            all.push(row?);
        }
    }
    Ok(all)
}

fn documents(path: &Path) -> Vec<Document> {
    let read = read_file(path, &ReadOptions::default(), &mut |_| {}).unwrap();
    read.into_iter().map(Result::unwrap).collect()
}

/// What is said of a file that cannot be read, or of its first bad row; its exit code is 3.
fn refusal(path: &Path) -> String {
    let read = read_file(path, &ReadOptions::default(), &mut |_| {});
    let error = read.and_then(|documents| documents.into_iter().collect::<Result<Vec<_>>>()).unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    error.to_string()
}

/// A labelled table of texts, as CSV would have it.
fn table_of(articles: &[Article]) -> Vec<u8> {
    let names = ["id", "text", "stance", "sentiment", "outlet"];
    let columns = names.map(|name| Column::optional(name, Kind::Text)).to_vec();
    let mut table = TableWriter::new(Vec::new(), Path::new("table"), columns, &[]).unwrap();
    for part in articles.chunks(10) {
        let cells = |of: fn(&Article) -> &str| Values::Text(part.iter().map(|each| Some(of(each))).collect());
        let batch = [
            cells(|a| &a.id),
            cells(|a| &a.text),
            cells(|a| a.stance),
            cells(|a| a.sentiment),
            cells(|a| &a.outlet),
        ];
        table.write(&batch).unwrap();
        table.end_row_group().unwrap();
    }
    table.finish().unwrap()
}

/// A file of one row group, written without this program's own writer.
fn foreign(path: &Path, schema: &str, write: impl FnOnce(&mut SerializedRowGroupWriter<'_, std::fs::File>)) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write(&mut group);
    group.close().unwrap();
    writer.close().unwrap();
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, std::fs::File>,
    values: &[T::T],
    definitions: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) {
    let mut writer = group.next_column().unwrap().unwrap();
    writer.typed::<T>().write_batch(values, definitions, repetitions).unwrap();
    writer.close().unwrap();
}

fn texts(texts: &[&str]) -> Vec<ByteArray> {
    texts.iter().map(|&text| ByteArray::from(text)).collect()
}

fn some_rows() -> impl Strategy<Value = Vec<Row>> {
    let text = "[ -~\u{0}\n،-ي😀]{0,30}";
    let cell = (
        text,
        proptest::option::of(text),
        proptest::option::of(proptest::num::f64::NORMAL | proptest::num::f64::ZERO),
        proptest::option::of(proptest::num::i64::ANY),
        proptest::option::of(proptest::bool::ANY),
        proptest::option::of(proptest::num::u8::ANY),
    );
    proptest::collection::vec(cell, 0..60)
}

fn n_rows(n: usize) -> Vec<Row> {
    let row = |i: usize| {
        let text = (!i.is_multiple_of(3)).then(|| format!("نص {}", i % 7));
        (
            format!("doc-{i}"),
            text,
            Some(i as f64 / 7.0),
            i.is_multiple_of(2).then_some(i as i64),
            Some(i.is_multiple_of(5)),
            i.is_multiple_of(4).then_some(i as u8),
        )
    };
    (0..n).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_table_comes_back_as_it_was_written(rows in some_rows(), batch in 1..20_usize, group in 1..40_usize) {
        let folder = folder();
        let bytes = written(&rows, batch, group, &[]);
        prop_assert!(bytes == written(&rows, 1000, group, &[]), "the bytes depend on the batches");
        let read = rows_of(&put(folder.path(), "table.parquet", bytes)).unwrap();
        prop_assert_eq!(read.len(), rows.len());
        for (index, ((number, read), row)) in read.iter().zip(&rows).enumerate() {
            prop_assert_eq!(*number, index as u64 + 1);
            prop_assert_eq!(read, &expected(row));
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), framed: bool) {
        let folder = folder();
        let bytes = if framed { [b"PAR1", bytes.as_slice(), &(bytes.len() as u32).to_le_bytes(), b"PAR1"].concat() } else { bytes };
        let path = put(folder.path(), "a.parquet", bytes);
        let error = rows_of(&path).unwrap_err();
        prop_assert_eq!(error.exit_code(), 3, "{}", error);
    }

    #[test]
    fn damage_is_an_error_or_other_rows_and_never_a_panic(
        flips in proptest::collection::vec((proptest::num::u32::ANY, 0..8_u32), 0..6),
        end in proptest::option::of(proptest::num::u32::ANY),
        nested: bool,
    ) {
        let folder = folder();
        let path = folder.path().join("a.parquet");
        if nested { bags(&path) } else { std::fs::write(&path, written(&n_rows(50), 50, 20, &[])).unwrap() }
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, bit) in flips {
            let at = at as usize % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        if let Some(end) = end {
            bytes.truncate(end as usize % bytes.len());
        }
        std::fs::write(&path, bytes).unwrap();
        match rows_of(&path) {
            Ok(_) => {}
            Err(error) => prop_assert_eq!(error.exit_code(), 3, "{}", error),
        }
        let _ = concatenate(std::slice::from_ref(&path), Vec::new(), Path::new("out"));
    }
}

#[test]
fn the_same_articles_are_the_same_documents_in_every_form() {
    let folder = folder();
    let articles = articles(25);
    let lines: Vec<String> = articles
        .iter()
        .map(|a| json!({"id": a.id, "text": a.text, "stance": a.stance, "sentiment": a.sentiment, "outlet": a.outlet}).to_string())
        .collect();
    let jsonl = documents(&put(folder.path(), "a.jsonl", lines.join("\n")));
    let path = put(folder.path(), "a.parquet", table_of(&articles));
    let parquet = documents(&path);
    assert_eq!(parquet.len(), 25);
    for (a, b) in jsonl.iter().zip(&parquet) {
        assert_eq!(Document { place: b.place.clone(), ..a.clone() }, *b);
        assert_eq!(a.place.line, b.place.line);
    }

    // Several threads, each with a row group of the same file, and no other columns than are wanted.
    let file = ParquetFile::open(&path).unwrap();
    assert_eq!((file.rows(), file.row_groups()), (25, 3));
    assert_eq!((file.group_rows(0), file.group_rows(2), file.group_rows(3)), (10, 5, 0));
    let names = file.names_of(&Columns::default(), &["id", "text", "date"]);
    assert_eq!(names, ["id", "text"]);
    let by_threads: Vec<Document> = std::thread::scope(|scope| {
        let (file, names) = (&file, &names);
        let read = move |group| {
            file.documents(group, &Columns::default(), Some(names))
                .unwrap()
                .collect::<Result<Vec<_>>>()
                .unwrap()
        };
        let threads: Vec<_> = (0..3).map(|group| scope.spawn(move || read(group))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    for (a, b) in parquet.iter().zip(&by_threads) {
        assert_eq!(Document { fields: Map::new(), ..a.clone() }, *b);
    }
    assert!(matches!(file.documents(3, &Columns::default(), None).err(), Some(Error::Usage(_))));
}

#[test]
fn a_model_does_not_depend_on_the_form_of_its_labels() {
    let folder = folder();
    let articles = articles(36);
    put(folder.path(), "csv/own.csv", csv_of(&articles));
    put(folder.path(), "parquet/own.parquet", table_of(&articles));
    for form in ["csv", "parquet"] {
        let table = format!("{form}/own.{form}");
        kzstance(folder.path()).args(["check", &table]).assert().success();
        kzstance(folder.path())
            .args(["train", &table, "-o", &format!("{form}.kzm"), "--quiet"])
            .assert()
            .success();
        let scored = kzstance(folder.path())
            .args([
                "score",
                form,
                "-m",
                "csv.kzm",
                "--format",
                "csv",
                "--quiet",
                "-o",
                &format!("{form}-scored.csv"),
            ])
            .output()
            .unwrap();
        assert!(scored.status.success(), "{}", String::from_utf8_lossy(&scored.stderr));
    }
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(bytes("csv.kzm") == bytes("parquet.kzm"), "the models differ");
    assert!(bytes("csv-scored.csv") == bytes("parquet-scored.csv"), "the scores differ");

    // Scores as a typed table tell of the same shares.
    let mut reader = csv::Reader::from_path(folder.path().join("csv-scored.csv")).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let is_number = |name: &str| name.contains("_p_") || name == "known_share";
    let columns =
        names.iter().map(|name| Column::optional(name, if is_number(name) { Kind::F64 } else { Kind::Text }));
    let mut table = TableWriter::new(Vec::new(), Path::new("scored"), columns.collect(), &[]).unwrap();
    let cells = |(place, name): (usize, &String)| {
        let texts = rows.iter().map(|row| Some(&row[place]).filter(|cell| !cell.is_empty()));
        if is_number(name) {
            Values::F64(texts.map(|cell| cell?.parse().ok()).collect())
        } else {
            Values::Text(texts.collect())
        }
    };
    let batch: Vec<Values<'_>> = names.iter().enumerate().map(cells).collect();
    table.write(&batch).unwrap();
    put(folder.path(), "shares/scored.parquet", table.finish().unwrap());
    put(folder.path(), "shares/scored.csv", bytes("csv-scored.csv"));
    let share = |form: &str| {
        let args = ["share", &format!("shares/scored.{form}"), "-m", "csv.kzm", "--quiet"].map(str::to_owned);
        let done = kzstance(folder.path()).args(args).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().replace(form, "")
    };
    assert_eq!(share("csv"), share("parquet"));
}

#[test]
fn none_is_a_class_and_null_is_nothing() {
    let folder = folder();
    let path = folder.path().join("a.parquet");
    let schema = "message m { required binary id (UTF8); optional binary text (UTF8); optional binary stance (UTF8); }";
    foreign(&path, schema, |group| {
        column::<ByteArrayType>(group, &texts(&["a", "b"]), None, None);
        column::<ByteArrayType>(group, &texts(&["نص أول", "نص ثان"]), Some(&[1, 1]), None);
        column::<ByteArrayType>(group, &texts(&["None"]), Some(&[1, 0]), None);
    });
    let read = documents(&path);
    assert_eq!(read[0].field("stance").as_deref(), Some("None"));
    assert_eq!(read[1].field("stance"), None);

    foreign(&path, schema, |group| {
        column::<ByteArrayType>(group, &texts(&["a", "b"]), None, None);
        column::<ByteArrayType>(group, &texts(&["نص"]), Some(&[1, 0]), None);
        column::<ByteArrayType>(group, &texts(&[]), Some(&[0, 0]), None);
    });
    let said = refusal(&path);
    assert!(said.contains("a.parquet:2: the text is null; give a string"), "{said}");
}

/// Two articles of bags, the first in two voices.
fn bags(path: &Path) {
    let schema = "message m {
        required binary id (UTF8);
        optional binary text (UTF8);
        optional group segments (LIST) { repeated group list { optional group element {
            required binary voice (UTF8);
            optional group bag (MAP) { repeated group key_value { required binary key (UTF8); required int32 value; } }
        } } }
    }";
    foreign(path, schema, |group| {
        column::<ByteArrayType>(group, &texts(&["a", "b", "c"]), None, None);
        column::<ByteArrayType>(group, &texts(&["نص عادي"]), Some(&[0, 0, 1]), None);
        column::<ByteArrayType>(
            group,
            &texts(&["narration", "quotation", "whole"]),
            Some(&[3, 3, 3, 0]),
            Some(&[0, 1, 0, 0]),
        );
        let levels: (&[i16], &[i16]) = (&[5, 5, 5, 4, 0], &[0, 2, 1, 0, 0]);
        column::<ByteArrayType>(group, &texts(&["كلمة", "أخرى", "نعم"]), Some(levels.0), Some(levels.1));
        column::<Int32Type>(group, &[2, 1, 3], Some(levels.0), Some(levels.1));
    });
}

#[test]
fn bags_of_words_come_as_nested_columns() {
    let folder = folder();
    let path = folder.path().join("bags.parquet");
    bags(&path);
    let lines = [
        r#"{"id": "a", "segments": [{"voice": "narration", "bag": {"كلمة": 2, "أخرى": 1}}, {"voice": "quotation", "bag": {"نعم": 3}}]}"#,
        r#"{"id": "b", "segments": [{"voice": "whole", "bag": {}}]}"#,
        r#"{"id": "c", "text": "نص عادي"}"#,
    ];
    let jsonl = documents(&put(folder.path(), "bags.jsonl", lines.join("\n")));
    let parquet = documents(&path);
    assert!(matches!(parquet[0].body, Body::Segments(_)));
    for (a, b) in jsonl.iter().zip(&parquet) {
        assert_eq!((&a.id, &a.body), (&b.id, &b.body));
    }
}

#[test]
fn dates_and_numbers_are_what_they_mean() {
    let folder = folder();
    let path = folder.path().join("a.parquet");
    let schema = "message m {
        required binary text (UTF8);
        required int32 date (DATE);
        required int64 millis (TIMESTAMP(MILLIS,true));
        required int64 nanos (TIMESTAMP(NANOS,false));
        required int32 price (DECIMAL(9,2));
        required int64 count (INTEGER(64,false));
        required int64 clock (TIME(MICROS,true));
        repeated int32 marks;
    }";
    foreign(&path, schema, |group| {
        column::<ByteArrayType>(group, &texts(&["نص"]), None, None);
        column::<Int32Type>(group, &[18_998], None, None);
        column::<Int64Type>(group, &[1_641_468_600_250], None, None);
        column::<Int64Type>(group, &[-1], None, None);
        column::<Int32Type>(group, &[-5], None, None);
        column::<Int64Type>(group, &[-1], None, None);
        column::<Int64Type>(group, &[3_600_000_001], None, None);
        column::<Int32Type>(group, &[7, 8], Some(&[1, 1]), Some(&[0, 1]));
    });
    let fields = Value::Object(rows_of(&path).unwrap().remove(0).1);
    let wanted = json!({
        "text": "نص", "date": "2022-01-06", "millis": "2022-01-06T11:30:00.25Z",
        "nanos": "1969-12-31T23:59:59.999999999", "price": "-0.05", "count": u64::MAX,
        "clock": "01:00:00.000001", "marks": [7, 8],
    });
    assert_eq!(fields, wanted);
    assert_eq!(documents(&path)[0].id, "row-1");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_by_what_it_is() {
    let folder = folder();
    let good = written(&n_rows(40), 10, 20, &[]);
    let half = good[..good.len() / 2].to_vec();
    let with_ends = |start: &[u8], end: &[u8]| [start, &good[4..good.len() - 4], end].concat();
    let mut long = good.clone();
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let rows: [(Vec<u8>, &str); 7] = [
        (Vec::new(), "this is no Parquet file"),
        (b"id,text\na,b\n".to_vec(), "this is no Parquet file; name it after what it is"),
        (half, "cut off: its end is missing"),
        (with_ends(b"PARE", b"PARE"), "is encrypted; decrypt it first"),
        (with_ends(b"PAR1", b"PARE"), "is encrypted; decrypt it first"),
        (long, "its footer reaches beyond the file"),
        (b"PAR1\xFF\xFF\x02\0\0\0PAR1".to_vec(), "is damaged (its footer cannot be read); take a fresh copy"),
    ];
    for (bytes, words) in rows {
        let path = put(folder.path(), "a.parquet", bytes);
        let said = refusal(&path);
        assert!(said.contains("a.parquet: ") && said.contains(words), "«{words}» is missing in: {said}");
        let done =
            kzstance(folder.path()).args(["score", "a.parquet", "--format", "jsonl"]).output().unwrap();
        assert_eq!(done.status.code(), Some(3));
        assert!(done.stdout.is_empty());
    }
    let path = folder.path().join("a.parquet");
    foreign(
        &path,
        "message m { required binary id (UTF8); required binary text; required binary picture; }",
        |group| {
            column::<ByteArrayType>(group, &texts(&["a", "b"]), None, None);
            column::<ByteArrayType>(
                group,
                &[ByteArray::from("نص"), ByteArray::from(vec![b'a', 0xFF])],
                None,
                None,
            );
            column::<ByteArrayType>(group, &[ByteArray::from(vec![0xFF]), ByteArray::from("b")], None, None);
        },
    );
    let said = refusal(&path);
    assert!(said.contains("a.parquet:2: column text: not UTF-8 from byte 2; decode the texts"), "{said}");
}

#[test]
fn what_the_library_panics_on_is_told_as_damage() {
    let folder = folder();
    let path = put(folder.path(), "good.parquet", table_of(&articles(10)));
    // A column whose pages point into a dictionary that the footer does not know of.
    let file = std::fs::File::open(&path).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
    let out = std::fs::File::create(folder.path().join("bad.parquet")).unwrap();
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in metadata.row_group(0).columns() {
        let dictionary = column.data_page_offset() - column.dictionary_page_offset().unwrap();
        let builder = column.clone().into_builder().set_dictionary_page_offset(None);
        let builder = builder.set_total_compressed_size(column.compressed_size() - dictionary);
        let closed = ColumnCloseResult {
            bytes_written: 0,
            rows_written: 10,
            metadata: builder.build().unwrap(),
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        group.append_column(&file, closed).unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    let done = kzstance(folder.path()).args(["score", "bad.parquet", "--format", "jsonl"]).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(said.contains("bad.parquet:1: from this row on, row group 1 of 1 is damaged"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_folder_lists_its_tables() {
    let folder = folder();
    put(folder.path(), "in/a.parquet", table_of(&articles(4)));
    put(folder.path(), "in/b.txt", "أعلن المجلس في المدينة أن العمل في الجسر سيبدأ اليوم");
    let done =
        kzstance(folder.path()).args(["score", "in", "--format", "jsonl", "--quiet"]).output().unwrap();
    let ids: Vec<Value> = String::from_utf8(done.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, ["doc-00", "doc-01", "doc-02", "doc-03", "b"]);
}

#[test]
fn parts_put_together_are_the_table_they_were_cut_from() {
    let folder = folder();
    let of = |version: &str| {
        vec![("model".to_owned(), "م".to_owned()), ("version".to_owned(), version.to_owned())]
    };
    let rows = n_rows(90);
    let whole = written(&rows, 7, 30, &of("1"));
    let parts: Vec<PathBuf> = rows
        .chunks(60)
        .enumerate()
        .map(|(number, rows)| {
            put(folder.path(), &format!("part-{number}.parquet"), written(rows, 9, 30, &of("1")))
        })
        .collect();
    let together = concatenate(&parts, Vec::new(), Path::new("out")).unwrap();
    assert!(together == whole, "{} bytes, {} wanted", together.len(), whole.len());
    let path = put(folder.path(), "out.parquet", together);
    let file = ParquetFile::open(&path).unwrap();
    assert_eq!((file.rows(), file.row_groups()), (90, 3));
    assert_eq!(file.metadata(), [("model", "م"), ("version", "1")]);

    let refused = |parts: &[PathBuf]| concatenate(parts, Vec::new(), Path::new("out")).unwrap_err();
    let other = put(folder.path(), "other.parquet", written(&rows, 9, 30, &of("2")));
    let said = refused(&[parts[0].clone(), other]).to_string();
    assert!(said.contains("other.parquet: it was written by another model or version than"), "{said}");
    let other = put(folder.path(), "other.parquet", table_of(&articles(3)));
    let said = refused(&[parts[0].clone(), other.clone()]).to_string();
    assert!(said.contains("its columns are not those of"), "{said}");
    let bytes = std::fs::read(&other).unwrap();
    std::fs::write(&other, &bytes[..bytes.len() - 9]).unwrap();
    let error = refused(&[other]);
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("this part is damaged"), "{error}");
    assert!(matches!(refused(&[]), Error::Usage(_)));
}

#[test]
fn a_long_table_has_several_row_groups_wherever_its_batches_end() {
    let columns = || vec![Column::required("n", Kind::I64)];
    let of = |batch: usize| {
        let mut table = TableWriter::new(Vec::new(), Path::new("table"), columns(), &[]).unwrap();
        let all: Vec<Option<i64>> = (0..250_000).map(Some).collect();
        all.chunks(batch).for_each(|batch| table.write(&[Values::I64(batch.to_vec())]).unwrap());
        table.finish().unwrap()
    };
    let bytes = of(250_000);
    assert!(bytes == of(33_333), "the bytes depend on the batches");
    let folder = folder();
    let path = put(folder.path(), "a.parquet", bytes);
    let file = ParquetFile::open(&path).unwrap();
    assert_eq!(
        (0..file.row_groups()).map(|group| file.group_rows(group)).collect::<Vec<_>>(),
        [100_000, 100_000, 50_000]
    );
}

#[test]
fn cells_that_do_not_fit_are_refused_and_add_nothing() {
    let columns = vec![Column::required("id", Kind::Text), Column::optional("p", Kind::F64)];
    let mut table = TableWriter::new(Vec::new(), Path::new("table"), columns, &[]).unwrap();
    for batch in [
        vec![Values::Text(vec![Some("a")])],
        vec![Values::Text(vec![Some("a")]), Values::F64(vec![])],
        vec![Values::Text(vec![Some("a")]), Values::I64(vec![Some(1)])],
        vec![Values::Text(vec![None]), Values::F64(vec![None])],
    ] {
        assert!(matches!(table.write(&batch), Err(Error::Usage(_))), "{batch:?}");
    }
    let folder = folder();
    let path = put(folder.path(), "a.parquet", table.finish().unwrap());
    assert_eq!(rows_of(&path).unwrap(), []);
    let twice = vec![Column::required("id", Kind::Text), Column::optional("id", Kind::F64)];
    assert!(matches!(TableWriter::new(Vec::new(), Path::new("table"), twice, &[]), Err(Error::Usage(_))));
}
