//! `kzstance check`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::Result;
use kzstance::check::{conflicting_duplicates, text_hashes};
use kzstance::document::{Body, sha256_hex};
use kzstance::read::{Problems, files, read_file};

use super::options::LabelArgs;
use super::talk::{Talk, print, table};

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    labels: LabelArgs,

    /// Texts at hand, to be compared with the hashes that the features carry
    #[arg(long, value_name = "DIR")]
    texts: Option<PathBuf>,
}

impl Check {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let mut problems = Problems::default();
        let corpus = self.labels.read_with(talk, &mut problems)?;
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
            out += &format!("{matched} texts have the hash that their features carry\n");
        }
        for problem in &problems.0 {
            out += &format!("{problem}\n");
        }
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
