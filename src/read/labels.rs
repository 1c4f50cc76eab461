//! Labels: a folder with `labels.toml`, a folder of one folder a class, or one file of labelled rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Columns, ReadOptions, csv, files, form, read_file, read_text};
use crate::corpus::{Corpus, Example};
use crate::document::{Body, Document, features_digest};
use crate::error::{Error, Place, Result};
use crate::label::Axis;

/// What is wrong with labels: every fault that was found, in the order of the files.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Error>);

impl Problems {
    /// The first fault, if there is any.
    ///
    /// # Errors
    /// That fault.
    pub fn into_result(self) -> Result<()> {
        self.0.into_iter().next().map_or(Ok(()), Err)
    }

    fn note(&mut self, place: &Place, problem: impl Into<String>) {
        self.0.push(Error::Labels { place: place.clone(), problem: problem.into() });
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }
}

/// `labels.toml`: what the labels of a folder are about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u32,
    name: String,
    target: Option<String>,
    /// Folder of the articles' features, relative to the labels.
    features: PathBuf,
    /// Tables of judgements, relative to the labels: one row an article, the label that counts.
    judgements: Vec<PathBuf>,
    /// Tables of every single judgement, by whom and in which round; see [`super::annotations`].
    #[serde(default)]
    annotations: Vec<AnnotationTable>,
    axes: Vec<ManifestAxis>,
}

/// A table of single judgements that `labels.toml` names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationTable {
    /// The table, relative to the labels.
    pub file: PathBuf,
    /// Its columns of judgement: axes of the labels, or others, whose classes are what the column holds.
    pub axes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestAxis {
    name: String,
    #[serde(default)]
    classes: Vec<String>,
    #[serde(default)]
    polar: Vec<String>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    /// The origins whose labels of this axis count; all where none is listed.
    #[serde(default)]
    origins: Vec<String>,
}

impl ManifestAxis {
    fn axis(self) -> Axis {
        let mut axis = Axis::named(&self.name, &self.classes);
        if !self.polar.is_empty() {
            axis.polar = self.polar;
        }
        axis.aliases.extend(self.aliases);
        axis
    }
}

/// Reads labels in any of their forms. `axes` says which axes are wanted, and may give their
/// classes; without it those of the manifest, or every known axis that the rows have.
///
/// Faults of single rows go to `problems` and the row is left out; see [`Problems::into_result`].
///
/// # Errors
/// What makes the whole unreadable.
pub fn read_labels(
    path: &Path,
    axes: &[(String, Vec<String>)],
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<Corpus> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let is_folder = std::fs::metadata(path).map_err(read)?.is_dir();
    let mut corpus = if is_folder && path.join("labels.toml").exists() {
        manifest_folder(path, axes, options, problems, told)?
    } else if is_folder {
        class_folders(path, axes, options, problems, told)?
    } else {
        let documents = read_file(path, options, told)?;
        let documents: Vec<Document> =
            documents.into_iter().filter_map(|document| problems.keep(document)).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if documents.is_empty() {
            // No row, or none without a fault: that says more than which columns are missing.
            Corpus { name, ..Corpus::default() }
        } else {
            labelled_rows(name, documents, axes, options, problems, path)?
        }
    };
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    corpus.examples.retain(|example| {
        let document = &example.document;
        if let Some(first) = seen.get(&document.id) {
            problems.note(
                &document.place,
                format!("id «{}» stands already at {first}; remove or rename one", document.id),
            );
            false
        } else {
            seen.insert(document.id.clone(), document.place.clone());
            true
        }
    });
    if corpus.examples.is_empty() && problems.0.is_empty() {
        return Err(Error::Empty {
            place: Place::file(path),
            problem: "there is no labelled document here".into(),
        });
    }
    // Training must not depend on the order in which a file happens to list its rows.
    corpus.examples.sort_by(|a, b| a.document.id.cmp(&b.document.id));
    Ok(corpus)
}

/// Reads `labels.toml` of a folder.
fn read_manifest(folder: &Path, told: &mut dyn FnMut(String)) -> Result<Manifest> {
    let path = folder.join("labels.toml");
    let text = read_text(&path, &ReadOptions::default(), told)?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count() as u64);
        Error::malformed(Place { path: path.clone(), line }, error.message().to_owned())
    })?;
    if manifest.version != 1 {
        let problem = format!("labels version {}; this program reads version 1", manifest.version);
        return Err(Error::malformed(Place::file(&path), problem));
    }
    Ok(manifest)
}

/// The axes of a labels folder, and its tables of single judgements.
///
/// # Errors
/// What makes `labels.toml` unreadable.
pub fn annotation_tables(
    folder: &Path,
    told: &mut dyn FnMut(String),
) -> Result<(Vec<Axis>, Vec<AnnotationTable>)> {
    let manifest = read_manifest(folder, told)?;
    Ok((manifest.axes.into_iter().map(ManifestAxis::axis).collect(), manifest.annotations))
}

fn manifest_folder(
    folder: &Path,
    wanted: &[(String, Vec<String>)],
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<Corpus> {
    let manifest = read_manifest(folder, told)?;
    let origins: BTreeMap<String, Vec<String>> =
        manifest.axes.iter().map(|axis| (axis.name.clone(), axis.origins.clone())).collect();
    let mut axes: Vec<Axis> = manifest.axes.into_iter().map(ManifestAxis::axis).collect();
    if !wanted.is_empty() {
        axes.retain(|axis| wanted.iter().any(|(name, _)| *name == axis.name));
        let is_there = |name: &str| name == "on_target" || axes.iter().any(|axis| axis.name == name);
        if let Some((name, _)) = wanted.iter().find(|(name, _)| !is_there(name)) {
            return Err(Error::Usage(format!(
                "{}: there is no axis «{name}»",
                folder.join("labels.toml").display()
            )));
        }
    }
    let articles = read_articles(&folder.join(&manifest.features), options, problems, told)?;
    let mut corpus = Corpus { name: manifest.name, target: manifest.target, axes, ..Corpus::default() };
    for table in &manifest.judgements {
        let path = folder.join(table);
        let text = read_text(&path, &ReadOptions::default(), told)?;
        for row in csv::rows(&text, &path, b',')? {
            let Some((line, fields)) = problems.keep(row) else { continue };
            let place = Place::line(&path, line);
            if let Some(example) = judged(&corpus.axes, &articles, fields, place, problems) {
                corpus.examples.push(example);
            }
        }
    }
    for (number, axis) in corpus.axes.iter().enumerate() {
        let counted = &origins[&axis.name];
        let others = corpus.examples.iter_mut().filter(|example| !counted.contains(&example.origin));
        others.filter(|_| !counted.is_empty()).for_each(|example| example.labels[number] = None);
    }
    if wanted.is_empty() || wanted.iter().any(|(name, _)| name == "on_target") {
        corpus.add_on_target();
    }
    Ok(corpus)
}

/// The articles of a features folder by id.
fn read_articles(
    folder: &Path,
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<BTreeMap<String, Document>> {
    let mut articles: BTreeMap<String, Document> = BTreeMap::new();
    for file in files(&[folder.to_owned()])? {
        for document in read_file(&file, options, told)? {
            let Some(document) = problems.keep(document) else { continue };
            if let Some(digest) = document.field("features_sha256") {
                let found = features_digest(&document.segments());
                if digest != found {
                    let problem = format!(
                        "article «{}» says its features have SHA-256 {digest}, but they have {found}; extract it again",
                        document.id
                    );
                    problems.note(&document.place, problem);
                }
            }
            if let Some(first) = articles.get(&document.id) {
                let problem =
                    format!("article «{}» stands already at {}; remove one", document.id, first.place);
                problems.note(&document.place, problem);
                continue;
            }
            articles.insert(document.id.clone(), document);
        }
    }
    Ok(articles)
}

/// An example from a row of a table of judgements.
fn judged(
    axes: &[Axis],
    articles: &BTreeMap<String, Document>,
    row: Map<String, Value>,
    place: Place,
    problems: &mut Problems,
) -> Option<Example> {
    let text =
        |name: &str| row.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let Some(id) = text("id") else {
        problems.note(&place, "a judgement without id; name the article it is about");
        return None;
    };
    let Some(article) = articles.get(id) else {
        problems.note(
            &place,
            format!("there is no article «{id}» among the features; extract it, or correct the id"),
        );
        return None;
    };
    if let Some(digest) = text("features_sha256") {
        let found = features_digest(&article.segments());
        if digest != found {
            let problem = format!(
                "«{id}» was judged on features with SHA-256 {digest}, but {} has {found}; look at the article again and correct the hash",
                article.place
            );
            problems.note(&place, problem);
        }
    }
    let labels = parse_labels(axes, |name| text(name), &place, problems)?;
    // What is judged later stands beside what came with the article, and wins.
    let mut document = Document { place, ..article.clone() };
    for (name, value) in &row {
        if value.as_str().is_some_and(|text| !text.trim().is_empty()) {
            document.fields.insert(name.clone(), value.clone());
        }
    }
    example(document, labels, &Columns::default(), problems)
}

fn parse_labels<'t>(
    axes: &[Axis],
    text: impl Fn(&str) -> Option<&'t str>,
    place: &Place,
    problems: &mut Problems,
) -> Option<Vec<Option<usize>>> {
    let mut labels = Vec::new();
    for axis in axes {
        labels.push(match text(&axis.name) {
            Some(label) => Some(problems.keep(axis.parse(label, place))?),
            None => None,
        });
    }
    Some(labels)
}

/// An example from a document and its fields. A field that says nothing sensible is a fault.
fn example(
    document: Document,
    labels: Vec<Option<usize>>,
    columns: &Columns,
    problems: &mut Problems,
) -> Option<Example> {
    let field = |part: &str| {
        let name = columns.find(part, document.fields.keys().map(String::as_str))?;
        document.field(name).filter(|value| !value.trim().is_empty())
    };
    let on_target = match field("on_target").as_deref().map(str::trim) {
        None => None,
        Some(word) if ["true", "1", "yes"].iter().any(|yes| word.eq_ignore_ascii_case(yes)) => Some(true),
        Some(word) if ["false", "0", "no"].iter().any(|no| word.eq_ignore_ascii_case(no)) => Some(false),
        Some(other) => {
            problems.note(&document.place, format!("on_target is «{other}»; write true or false"));
            return None;
        }
    };
    let example = Example {
        labels,
        origin: field("origin").unwrap_or_default(),
        outlet: field("outlet"),
        date: field("date"),
        target: field("target"),
        pair: field("pair"),
        register: field("register"),
        on_target,
        // Other scales than ours (a share of raters, say) are kept with the document, and not used.
        confidence: field("confidence")
            .and_then(|sure| sure.trim().parse().ok())
            .filter(|sure| (1..=3).contains(sure)),
        document,
    };
    Some(example)
}

/// One folder a class, texts inside.
fn class_folders(
    folder: &Path,
    wanted: &[(String, Vec<String>)],
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<Corpus> {
    let read = |source| Error::Read { path: folder.to_owned(), source };
    let mut folders: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        let problem = "neither labels.toml nor a folder for each class; see README, «Your own labels»".into();
        return Err(Error::Empty { place: Place::file(folder), problem });
    }
    let (name, classes) = wanted.first().cloned().unwrap_or_else(|| ("stance".to_owned(), Vec::new()));
    let names: Vec<String> = folders
        .iter()
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let mut axis = Axis::named(&name, &classes);
    if axis.classes.is_empty() {
        axis.classes.clone_from(&names);
    }
    let mut corpus = Corpus {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        axes: vec![axis],
        ..Corpus::default()
    };
    for (path, label) in folders.iter().zip(&names) {
        let Some(class) = problems.keep(corpus.axes[0].parse(label, &Place::file(path))) else { continue };
        for file in files(std::slice::from_ref(path))? {
            for document in read_file(&file, options, told)? {
                let Some(mut document) = problems.keep(document) else { continue };
                document.id = format!("{label}/{}", document.id);
                corpus.examples.extend(example(document, vec![Some(class)], &options.columns, problems));
            }
        }
    }
    Ok(corpus)
}

/// Rows that bring their labels with them.
fn labelled_rows(
    name: String,
    documents: Vec<Document>,
    wanted: &[(String, Vec<String>)],
    options: &ReadOptions,
    problems: &mut Problems,
    path: &Path,
) -> Result<Corpus> {
    let has = |axis: &str| {
        let column = |document: &Document| {
            options.columns.find(axis, document.fields.keys().map(String::as_str)).is_some()
        };
        documents.iter().any(column)
    };
    let axes: Vec<Axis> = if wanted.is_empty() {
        [Axis::stance(), Axis::sentiment()].into_iter().filter(|axis| has(&axis.name)).collect()
    } else {
        wanted.iter().map(|(name, classes)| Axis::named(name, classes)).collect()
    };
    if let Some(missing) = axes.iter().find(|axis| !has(&axis.name)) {
        let problem =
            format!("there is no column «{}»; name it with --columns {}=NAME", missing.name, missing.name);
        return Err(Error::malformed(Place::line(path, 1), problem));
    }
    if axes.is_empty() {
        let problem = "neither a stance nor a sentiment column; name one with --columns stance=NAME, or another axis with --axis";
        return Err(Error::malformed(Place::line(path, 1), problem));
    }
    let mut corpus = Corpus { name, axes, ..Corpus::default() };
    for axis in corpus.axes.iter_mut().filter(|axis| axis.classes.is_empty()) {
        let label = |document: &Document| label_of(document, &axis.name, &options.columns);
        let mut classes: Vec<String> = documents.iter().filter_map(label).collect();
        classes.sort();
        classes.dedup();
        axis.classes = classes;
    }
    for document in documents {
        if matches!(&document.body, Body::Text(text) if text.trim().is_empty()) {
            problems.note(&document.place, "the text is empty; remove the row");
            continue;
        }
        let given: Vec<Option<String>> =
            corpus.axes.iter().map(|axis| label_of(&document, &axis.name, &options.columns)).collect();
        let place = document.place.clone();
        let text = |name: &str| {
            let axis = corpus.axes.iter().position(|axis| axis.name == name)?;
            given[axis].as_deref()
        };
        if let Some(labels) = parse_labels(&corpus.axes, text, &place, problems) {
            corpus.examples.extend(example(document, labels, &options.columns, problems));
        }
    }
    Ok(corpus)
}

/// A label as it is written; an empty field is no label, anything else is one.
fn label_of(document: &Document, axis: &str, columns: &Columns) -> Option<String> {
    let name = columns.find(axis, document.fields.keys().map(String::as_str))?;
    document.field(name).map(|label| label.trim().to_owned()).filter(|label| !label.is_empty())
}

/// Whether a path has one of the forms that hold labelled rows.
pub fn is_table(path: &Path) -> bool {
    form(path).is_some()
}
