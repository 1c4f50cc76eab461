//! Options that several commands share.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use kzstance::config::TrainConfig;
use kzstance::corpus::Corpus;
use kzstance::document::Document;
use kzstance::features::vectors::{VectorConfig, learn};
use kzstance::features::{Block, Extractor};
use kzstance::model::Model;
use kzstance::read::{Columns, Problems, ReadOptions, files, read_file, read_labels};
use kzstance::rng::RngSeed;
use kzstance::text::Encoding;
use kzstance::{Error, Result};

use super::talk::Talk;

/// The model that is part of the program.
static SHIPPED: &[u8] = include_bytes!("../../models/kz-intervention.kzm");
const DEFAULT_MODEL: &str = "models/kz-intervention.kzm";

#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Encoding of text files: utf-8, utf-16le, utf-16be or windows-1256 [default: found by evidence, and told]
    #[arg(long, value_name = "NAME", value_parser = |name: &str| name.parse::<Encoding>())]
    encoding: Option<Encoding>,

    /// Names of columns or fields that are not the usual ones, as in text=tweet,outlet=source
    #[arg(long, value_name = "PART=NAME,...", default_value = "", hide_default_value = true, value_parser = columns)]
    columns: Columns,
}

fn columns(given: &str) -> Result<Columns, String> {
    if given.is_empty() { Ok(Columns::default()) } else { given.parse() }
}

impl ReadArgs {
    pub fn options(&self) -> ReadOptions {
        ReadOptions { encoding: self.encoding, columns: self.columns.clone() }
    }
}

/// An axis by name, and its classes where they are given.
pub type WantedAxis = (String, Vec<String>);

/// `stance`, or `mood=calm,tense`.
pub fn wanted_axis(given: &str) -> Result<WantedAxis, String> {
    let (name, classes) =
        given.split_once('=').map_or((given, None), |(name, classes)| (name, Some(classes)));
    if name.trim().is_empty() {
        return Err("an axis wants a name, as in stance or mood=calm,tense".into());
    }
    let classes = classes.map(|classes| classes.split(',').map(|class| class.trim().to_owned()).collect());
    Ok((name.trim().to_owned(), classes.unwrap_or_default()))
}

#[derive(Debug, Args)]
pub struct LabelArgs {
    /// Labels: a folder with labels.toml, a folder with one folder of texts a class, or a .csv,
    /// .tsv, .jsonl or .parquet file of labelled texts
    pub labels: PathBuf,

    /// An axis to use, with its classes where they are not the usual ones: stance, or
    /// mood=calm,tense; may be repeated [default: all there are labels of]
    #[arg(long, value_name = "NAME[=CLASS,...]", value_parser = wanted_axis)]
    pub axis: Vec<WantedAxis>,

    /// Only the examples with this target
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,

    #[command(flatten)]
    pub read: ReadArgs,
}

impl LabelArgs {
    /// Reads the labels and collects what is wrong with them.
    pub fn read_with(&self, talk: &Talk, problems: &mut Problems) -> Result<Corpus> {
        let options = self.read.options();
        let corpus = read_labels(&self.labels, &self.axis, &options, problems, &mut |note| talk.note(note))?;
        match &self.target {
            Some(target) => corpus.of_target(target),
            None => Ok(corpus),
        }
    }

    /// Reads the labels; the first fault is the error, and the others are counted.
    pub fn read(&self, talk: &Talk) -> Result<Corpus> {
        let mut problems = Problems::default();
        let mut corpus = self.read_with(talk, &mut problems)?;
        if problems.0.len() > 1 {
            Talk::warn(format!(
                "{} faults in the labels; the first follows, «kzstance check {}» lists them all",
                problems.0.len(),
                self.labels.display()
            ));
        }
        problems.into_result()?;
        // A column without a label is none of the axes that there are labels of.
        if self.axis.is_empty() {
            for name in corpus.drop_empty_axes() {
                talk.note(format!("{name}: the column has no label, and is left out"));
            }
        }
        Ok(corpus)
    }
}

#[derive(Debug, Args)]
pub struct FitArgs {
    /// Seed of folds and intervals [default: that of --config, else 2022]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Settings of features and learning (TOML); «kzstance inspect --config» prints a model's
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Unlabelled texts of the same kind, files or folders, tens of thousands where possible: stems that
    /// are used alike there share what is learned of one; may be repeated
    #[arg(long, value_name = "INPUT")]
    pub unlabelled: Vec<PathBuf>,
}

/// Length of a document's row of vectors where --unlabelled asks for them.
const VECTORS_WEIGHT: f64 = 0.5;

impl FitArgs {
    /// Learns vectors from the unlabelled texts, if any were named, for the corpus and its settings.
    pub fn learn_vectors(
        &self,
        corpus: &mut Corpus,
        config: &mut TrainConfig,
        options: &ReadOptions,
        talk: &Talk,
    ) -> Result<()> {
        let blocks = &mut config.features.blocks;
        let wanted = blocks.iter().find_map(|block| match block.extractor {
            Extractor::Vectors { dimensions } => Some(dimensions),
            _ => None,
        });
        if self.unlabelled.is_empty() {
            return match wanted {
                Some(_) => Err(Error::Usage(
                    "the settings ask for vectors of stems: name the texts to learn them from with --unlabelled".into(),
                )),
                None => Ok(()),
            };
        }
        let vectors = VectorConfig::default();
        let vectors = VectorConfig { dimensions: wanted.unwrap_or(vectors.dimensions), ..vectors };
        let mut documents = Vec::new();
        for file in files(&self.unlabelled)? {
            let read = |options: &ReadOptions| -> Result<Vec<Document>> {
                read_file(&file, options, &mut |note| talk.note(note))?.into_iter().collect()
            };
            // Its columns may have the names of the labels' columns, or the usual ones.
            let usual = ReadOptions { columns: Columns::default(), ..options.clone() };
            let found = read(options).or_else(|error| read(&usual).map_err(|_| error));
            documents.extend(found?);
        }
        let found = learn(&vectors, &config.features.normalizer, documents.iter(), config.seed)?;
        talk.note(format!(
            "{} stems have vectors of {} numbers, from {} unlabelled texts",
            found.len(),
            found.dimensions(),
            found.n_documents()
        ));
        if wanted.is_none() {
            let extractor = Extractor::Vectors { dimensions: found.dimensions() };
            blocks.push(Block { extractor, weight: VECTORS_WEIGHT });
        }
        corpus.vectors = Some(Arc::new(found));
        config.check()
    }

    pub fn config(&self) -> Result<TrainConfig> {
        let mut config = TrainConfig::default();
        if let Some(path) = &self.config {
            let text =
                std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.clone(), source })?;
            config = toml::from_str(&text)
                .map_err(|error| Error::Usage(format!("{}: {}", path.display(), error.to_string().trim())))?;
        }
        if let Some(seed) = self.seed {
            config.seed = RngSeed(seed);
        }
        config.check()?;
        Ok(config)
    }
}

/// Refuses stance toward several targets: a model has one.
pub fn one_target(corpus: &Corpus) -> Result<()> {
    let targets = corpus.targets();
    if targets.len() > 1 && corpus.axes.iter().any(|axis| axis.name == "stance") {
        return Err(Error::Usage(format!(
            "stance toward several targets; choose one with --target: {}",
            targets.join(", ")
        )));
    }
    Ok(())
}

/// The model to use: the one named, else `models/kz-intervention.kzm` here, else the one shipped
/// inside the program.
pub fn open_model(path: Option<&PathBuf>) -> Result<Model> {
    match path {
        Some(path) => Model::open(path),
        None if PathBuf::from(DEFAULT_MODEL).exists() => Model::open(DEFAULT_MODEL),
        None => Model::from_static(SHIPPED, "the shipped model"),
    }
}
