//! `kzstance check`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use kzstance::check::{conflicting_duplicates, text_hashes};
use kzstance::corpus::Corpus;
use kzstance::document::{Body, Document, sha256_hex};
use kzstance::model::{HeadInfo, Scorer};
use kzstance::read::{Problems, files, read_file};

use kzstance::Result;
use kzstance::review::{Next, Suspect, next_to_label, suspects};
use kzstance::train::train;
use serde_json::{Map, Value, json};

use super::options::{FitArgs, LabelArgs, one_target, open_model};
use super::talk::{Talk, print, table};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("reviews").args(["suspects", "next"]).multiple(true)))]
pub struct Check {
    #[command(flatten)]
    labels: LabelArgs,

    /// Texts at hand, to be compared with the hashes that the features carry
    #[arg(long, value_name = "DIR")]
    texts: Option<PathBuf>,

    /// List labels that the others speak against, the likeliest errors first: at most N of them
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20")]
    suspects: Option<usize>,

    /// List the N articles of --among whose labels would teach most
    #[arg(long, value_name = "N", requires = "among")]
    next: Option<usize>,

    /// Unlabelled articles: files or folders
    #[arg(long, value_name = "INPUT", requires = "next")]
    among: Vec<PathBuf>,

    /// With --next: a model trained on these labels [default: train one now]
    #[arg(short, long, value_name = "FILE", requires = "next")]
    model: Option<PathBuf>,

    #[command(flatten)]
    fit: FitArgs,

    /// With --suspects or --next: print JSON instead of tables
    #[arg(long, requires = "reviews")]
    json: bool,
}

impl Check {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let mut problems = Problems::default();
        let mut corpus = self.labels.read_with(talk, &mut problems)?;
        conflicting_duplicates(&corpus, &mut problems);
        let mut out = String::new();
        if let Some(folder) = &self.texts {
            let mut hashes = BTreeMap::new();
            for file in files(std::slice::from_ref(folder))? {
                for document in read_file(&file, &self.labels.read.options(), &mut |note| talk.note(note))? {
                    let document = document?;
                    if let Body::Text(text) = &document.body {
                        hashes.insert(document.id.clone(), sha256_hex(text.as_bytes()));
                    }
                }
            }
            let matched = text_hashes(&corpus, &hashes, &mut problems);
            if !self.json {
                out += &format!("{matched} texts have the hash that their features carry\n");
            }
        }
        let faults: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
        faults.iter().filter(|_| !self.json).for_each(|fault| out += &format!("{fault}\n"));
        out += &if self.suspects.is_some() || self.next.is_some() {
            self.review(&mut corpus, &faults, talk)?
        } else {
            counts_text(&corpus)
        };
        print(out.as_bytes())?;
        match problems.0.len() {
            0 => {
                talk.note(format!("{} documents, no faults", corpus.examples.len()));
                Ok(ExitCode::SUCCESS)
            }
            faults => {
                Talk::warn(if faults == 1 { "1 fault".into() } else { format!("{faults} faults") });
                Ok(ExitCode::from(3))
            }
        }
    }
}

impl Check {
    /// Suspect labels, and what to label next.
    fn review(&self, corpus: &mut Corpus, faults: &[String], talk: &Talk) -> Result<String> {
        let mut config = self.fit.config()?;
        self.fit.learn_vectors(corpus, &mut config, &self.labels.read.options(), talk)?;
        let mut json = Map::from_iter([("faults".to_owned(), json!(faults))]);
        let mut out = String::new();
        if let Some(most) = self.suspects {
            let bar = talk.progress((corpus.axes.len() * config.learn.c.len()) as u64, "cross-validating");
            let mut found = suspects(corpus, &config, &|| bar.inc(1))?;
            bar.finish_and_clear();
            out += &suspects_text(&found, most);
            found.truncate(most);
            json.insert("suspects".into(), json!(found));
        }
        if let Some(most) = self.next {
            let model = if self.model.is_some() {
                open_model(self.model.as_ref())?
            } else {
                one_target(corpus)?;
                train(corpus, &config, &|| ())?.model
            };
            let scorer = Scorer::new(&model)?;
            let mut documents = Vec::new();
            for file in files(&self.among)? {
                let read = read_file(&file, &self.labels.read.options(), &mut |note| talk.note(note))?;
                documents.extend(read.into_iter().collect::<Result<Vec<_>>>()?);
            }
            let found = next_to_label(&scorer, 0, &documents, most);
            let info = &scorer.header().heads[0];
            out += &next_text(&found, &documents, info);
            let rows = found.iter().map(|next| next_json(next, &documents, info));
            json.insert("next".into(), Value::Array(rows.collect()));
        }
        // Plain data, which cannot fail to be written.
        Ok(if self.json { serde_json::to_string_pretty(&json).unwrap_or_default() + "\n" } else { out })
    }
}

fn suspects_text(found: &[Suspect], most: usize) -> String {
    let header = ["axis", "document", "stands at", "given", "p", "likelier", "p"].map(str::to_owned);
    let rows: Vec<Vec<String>> = found
        .iter()
        .take(most)
        .map(|suspect| {
            let p = |p: f64| format!("{p:.3}");
            vec![
                suspect.axis.clone(),
                suspect.id.clone(),
                suspect.place.clone(),
                suspect.given.clone(),
                p(suspect.p_given),
                suspect.likelier.clone(),
                p(suspect.p_likelier),
            ]
        })
        .collect();
    let shown = rows.len();
    let all = if found.len() > shown { format!(" of {}", found.len()) } else { String::new() };
    table(&header, &rows, 7)
        + &format!("{shown}{all} suspect labels; hard cases are among them: read before you change one\n")
}

fn next_text(found: &[Next], documents: &[Document], info: &HeadInfo) -> String {
    let class = |class: usize| info.axis.classes[class].clone();
    let header: Vec<String> =
        ["label next", "stands at", "torn between", "and", "margin", "abstains"].map(str::to_owned).into();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|next| {
            vec![
                next.score.id.clone(),
                documents[next.index].place.to_string(),
                class(next.between[0]),
                class(next.between[1]),
                format!("{:.3}", next.margin),
                next.score.heads[0].abstain.unwrap_or("no").to_owned(),
            ]
        })
        .collect();
    table(&header, &rows, 6)
}

fn next_json(next: &Next, documents: &[Document], info: &HeadInfo) -> Value {
    let classes = &info.axis.classes;
    json!({
        "id": next.score.id,
        "place": documents[next.index].place.to_string(),
        "axis": info.axis.name,
        "between": next.between.map(|class| &classes[class]),
        "margin": next.margin,
        "probabilities": classes.iter().cloned().zip(next.score.heads[0].probabilities.iter().copied()).map(|(class, p)| (class, json!(p))).collect::<Map<String, Value>>(),
        "abstain": next.score.heads[0].abstain,
    })
}

/// How many examples each class has, by origin.
fn counts_text(corpus: &Corpus) -> String {
    let mut out = String::new();
    for (number, axis) in corpus.axes.iter().enumerate() {
        let header: Vec<String> = std::iter::once(axis.name.clone())
            .chain(axis.classes.iter().cloned())
            .chain(["no label".into()])
            .collect();
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (origin, _) in corpus.origins() {
            let of_origin = corpus.examples.iter().filter(|example| example.origin == origin);
            let mut row = vec![0_usize; axis.classes.len() + 1];
            of_origin.for_each(|example| row[example.labels[number].unwrap_or(axis.classes.len())] += 1);
            let name = if origin.is_empty() { "no origin stated" } else { &origin };
            rows.push(std::iter::once(name.to_owned()).chain(row.iter().map(usize::to_string)).collect());
        }
        let mut all = vec![0_usize; axis.classes.len() + 1];
        corpus
            .examples
            .iter()
            .for_each(|example| all[example.labels[number].unwrap_or(axis.classes.len())] += 1);
        rows.push(std::iter::once("all".to_owned()).chain(all.iter().map(usize::to_string)).collect());
        out += &table(&header, &rows, 1);
    }
    out
}
