//! `kzstance score`: inputs are cut into blocks, which threads read, score and write as text, and the blocks' texts
//! are put together in order.

mod journal;
mod lines;
mod parquet;
mod sink;
mod table;

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kzstance::learn::prior::{estimate, parse};
use kzstance::model::{HeadInfo, Header, Model, Score as Scored, Scorer};
use kzstance::pipeline::ordered;
use kzstance::read::{Block, Blocks, Found, Input, Position, files};
use kzstance::write::Compression;
use kzstance::{Error, Result};

use super::options::{ReadArgs, open_model};
use super::talk::Talk;
use journal::Journal;
use lines::{Kept, Lines, csv_names};
use sink::Sink;
use table::table_of;

/// Articles from which shares are estimated at most; of more, every second is taken, every fourth and so on.
const FOR_SHARES: usize = 1 << 18;

// Each is a switch of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kzstance score article.txt
  kzstance score news/ --format csv --excel -o news-scored.csv
  kzstance score tweets.jsonl.gz -o scored.jsonl.zst --resume
  cat news.jsonl | kzstance score - --format jsonl --explain")]
pub struct Score {
    /// Articles: .txt files, .jsonl, .csv or .tsv rows, each also with .gz or .zst behind, .parquet tables, folders
    /// of these, or - for JSONL on standard input, which may be compressed too
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// The model [default: models/kz-intervention.kzm, else the one inside the program]
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,

    /// Form of the output [default: by the ending of -o, else table]; cells of CSV are written as they are, and a
    /// spreadsheet may take one that begins with = for a formula: see --excel
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Where to write; compressed where the name ends in .gz or .zst [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// CSV for spreadsheets: a byte order mark, lines that end with CR LF, and an apostrophe before what a
    /// spreadsheet would take for a formula in a text cell; numbers stay as they are
    #[arg(long)]
    excel: bool,

    /// Keep a journal beside the output (FILE.partial and FILE.partial.json), and go on where it ends if there is one
    /// already: a run that was stopped loses a few seconds of work, and the output is the same. Wants -o
    #[arg(long)]
    resume: bool,

    /// Write to the journal after so many records, not by time
    #[arg(long, value_name = "N", hide = true, requires = "resume")]
    checkpoint_records: Option<u64>,

    /// Add the words that weigh most, with their places in the text
    #[arg(long)]
    explain: bool,

    /// Report and skip records that cannot be read
    #[arg(long)]
    keep_going: bool,

    /// The shares of the classes among these articles, as in none=0.9,favor=0.05,against=0.05 (classes
    /// left out share the rest), or estimate, which finds them from the scores; may be repeated for another
    /// axis [default: those the model was calibrated to, see «kzstance inspect»]
    #[arg(long, value_name = "CLASS=SHARE,...")]
    prior: Vec<String>,

    /// Call an article ambiguous where it may be of several classes, each class's own articles kept with
    /// this probability; between 0 and 1, higher is stricter [default: that of the model, as a rule 0.8]
    #[arg(long, value_name = "P")]
    level: Option<f64>,

    /// Fields of the input that JSONL and CSV shall carry, beside outlet, date, url and target
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    keep: Vec<String>,

    #[command(flatten)]
    read: ReadArgs,
}

/// Fields that are carried where the input has them.
const KEPT: [&str; 4] = ["outlet", "date", "url", "target"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Jsonl,
    Csv,
    Parquet,
}

/// What came of a block.
#[derive(Default)]
struct Scores {
    /// Its part of the output, compressed where the output is.
    text: Vec<u8>,
    /// The scores, where a form wants them as they are.
    rows: Vec<Scored>,
    /// With them the fields that are carried, for Parquet.
    kept: Vec<Vec<Option<String>>>,
    said: Vec<Said>,
    documents: u64,
    position: Position,
    bytes_read: u64,
    pass_on: bool,
}

/// To be told in the order of the input.
enum Said {
    Note(String),
    Fault(Error),
}

impl Score {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let model = open_model(self.model.as_ref())?;
        let mut scorer = Scorer::new(&model)?;
        if let Some(level) = self.level {
            scorer.set_level(level)?;
        }
        let estimate = self.assume(&mut scorer)?;
        let format = self.format()?;
        // What cannot be found is said before anything is read.
        let inputs = self.inputs()?;
        let kept = self.kept(scorer.header())?;
        let mut sink = self.sink(&model, &inputs, format)?;
        if sink.is_complete() {
            sink.finish()?;
            talk.note("the run before had come to its end");
            return Ok(ExitCode::SUCCESS);
        }
        if estimate {
            self.estimate(&mut scorer, &inputs, talk)?;
        }
        for (head, of) in scorer.header().heads.iter().enumerate().filter(|_| !self.prior.is_empty()) {
            if !of.axis.is_on_target() {
                talk.note(format!(
                    "{}: shares assumed {}",
                    of.axis.name,
                    shares_text(of, scorer.prior(head))
                ));
            }
        }
        let compression = self.output.as_deref().and_then(Compression::of);
        let lines = Lines::new(&scorer, kept, self.excel);
        if sink.position() == Position::default() && format == Format::Csv {
            // The same for every input: its last article may be the first to have a date.
            sink.write(&self.packed(lines.csv_header(), compression)?)?;
        }
        let skipped = self.pass(&scorer, &lines, (format, compression), inputs, &mut sink, talk)?;
        sink.finish()?;
        if skipped > 0 {
            Talk::warn(format!("{skipped} records were skipped"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Scores everything behind the position of `sink` into it; the number of records skipped, those before included.
    fn pass(
        &self,
        scorer: &Scorer,
        lines: &Lines,
        (format, compression): (Format, Option<Compression>),
        inputs: Vec<Input>,
        sink: &mut Sink,
        talk: &Talk,
    ) -> Result<u64> {
        let mut rows = Vec::new();
        let mut table = match (format, &self.output) {
            (Format::Parquet, Some(path)) => Some(parquet::Table::create(path, scorer, &lines.kept().names)?),
            _ => None,
        };
        let (mut documents, mut skipped) = sink.counts();
        let mut bar = talk.bytes(total(&inputs), "scoring");
        let blocks = Blocks::new(inputs, self.read.options(), sink.position());
        let worker = || {
            let mut session = scorer.session();
            move |block| self.score(&mut session, lines, block, (format, compression))
        };
        ordered(threads(), blocks, worker, |scores: Result<Scores>| {
            let scores = scores?;
            for said in scores.said {
                match said {
                    Said::Note(note) => bar.suspend(|| talk.note(note)),
                    Said::Fault(error) if !self.keep_going => return Err(error),
                    Said::Fault(error) => {
                        bar.suspend(|| Talk::error(&error));
                        skipped += 1;
                    }
                }
            }
            documents += scores.documents;
            match &mut table {
                Some(table) => table.write(&scores.rows, &scores.kept)?,
                None => rows.extend(scores.rows),
            }
            sink.write(&scores.text)?;
            if scores.pass_on {
                sink.pass_on()?;
            }
            sink.checkpoint(scores.position, documents, skipped)?;
            bar.at(scores.bytes_read, documents);
            Ok(())
        })?;
        bar.finish();
        if let Some(table) = table {
            table.finish()?;
        }
        if format == Format::Table {
            let isolate = self.output.is_none() && std::io::stdout().is_terminal();
            let text = table_of(&rows, scorer.header(), isolate);
            sink.write(&self.packed(text.into_bytes(), compression)?)?;
        }
        Ok(skipped)
    }

    /// Reads a block and scores what is in it; without --keep-going up to the first fault.
    fn score(
        &self,
        session: &mut kzstance::model::Session<'_>,
        lines: &Lines,
        block: Block,
        (format, compression): (Format, Option<Compression>),
    ) -> Result<Scores> {
        let most = if self.explain { 10 } else { 0 };
        let mut scores = Scores {
            position: block.position(),
            bytes_read: block.bytes_read(),
            // A stream is passed on as it comes; a table is complete at the end alone.
            pass_on: block.is_from_standard_input() && format != Format::Table,
            ..Scores::default()
        };
        let mut part = lines.part();
        block.read(&self.read.options(), |found| {
            match found {
                Found::Document(document) => {
                    let score = session.score(&document, most);
                    scores.documents += 1;
                    match format {
                        Format::Jsonl => part.json(&score, &document),
                        Format::Csv => part.csv(&score, &document),
                        Format::Table => scores.rows.push(score),
                        Format::Parquet => {
                            scores.rows.push(score);
                            scores.kept.push(lines.kept().of(&document).map(cell).collect());
                        }
                    }
                }
                Found::Note(note) => scores.said.push(Said::Note(note)),
                Found::Fault(error) => {
                    scores.said.push(Said::Fault(error));
                    if !self.keep_going {
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        });
        scores.text = self.packed(part.finish(), compression)?;
        Ok(scores)
    }

    /// Bytes as they stand in the output.
    fn packed(&self, bytes: Vec<u8>, compression: Option<Compression>) -> Result<Vec<u8>> {
        match (compression, &self.output) {
            (Some(compression), Some(path)) if !bytes.is_empty() => compression.compress(&bytes, path),
            _ => Ok(bytes),
        }
    }

    fn inputs(&self) -> Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for input in &self.inputs {
            if input.as_os_str() == "-" {
                inputs.push(Input::Standard);
            } else {
                inputs.extend(files(std::slice::from_ref(input))?.into_iter().map(Input::File));
            }
        }
        if inputs.iter().filter(|input| **input == Input::Standard).count() > 1 {
            return Err(Error::Usage("standard input can be read once: give - once".into()));
        }
        Ok(inputs)
    }

    fn sink(&self, model: &Model, inputs: &[Input], format: Format) -> Result<Sink> {
        if !self.resume {
            return match &self.output {
                // A table in Parquet is written by a writer of its own.
                Some(_) if format == Format::Parquet => Ok(Sink::standard()),
                Some(path) => Sink::file(path),
                None => Ok(Sink::standard()),
            };
        }
        let refuse = |why: &str| Err(Error::Usage(format!("--resume {why}")));
        let Some(output) = &self.output else {
            return refuse("goes on with a file that was begun: name it with -o");
        };
        if inputs.contains(&Input::Standard) {
            return refuse(
                "wants input that can be read again, and standard input cannot be; write it to a file",
            );
        }
        if matches!(format, Format::Table | Format::Parquet) {
            return refuse(
                "wants rows that can be added to, and a table is laid out at its end; write .jsonl or .csv",
            );
        }
        let options = [
            ("--format", format!("{format:?}")),
            ("--excel", self.excel.to_string()),
            ("--explain", self.explain.to_string()),
            ("--prior", self.prior.join(" ")),
            ("--level", self.level.map_or_else(String::new, |level| level.to_string())),
            ("--keep", self.keep.join(",")),
            ("--encoding and --columns", format!("{:?}", self.read.options())),
        ];
        let options = options.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let journal = Journal::of(model.sha256(), options, inputs)?;
        Sink::resumed(output, journal, self.checkpoint_records, self.keep_going)
    }

    /// The fields to carry. One that would have the name of what is written anyway cannot be told from it.
    fn kept(&self, header: &Header) -> Result<Kept> {
        let own = |name: &str| {
            ["voices", "known_share", "evidence"].contains(&name)
                || header.heads.iter().any(|head| head.axis.name == name)
                || csv_names(header).iter().any(|own| own == name)
        };
        let mut names: Vec<String> =
            KEPT.iter().filter(|name| !own(name)).map(|name| (*name).to_owned()).collect();
        for name in self.keep.iter().map(|name| name.trim()) {
            if name.is_empty() || own(name) {
                return Err(Error::Usage(format!(
                    "--keep {name}: a score has a field of this name itself; give it another with --columns"
                )));
            }
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Ok(Kept { names, columns: self.read.options().columns })
    }

    /// Takes over the shares that were given; whether others are to be estimated.
    fn assume(&self, scorer: &mut Scorer) -> Result<bool> {
        let mut estimate = false;
        for given in &self.prior {
            if given.trim() == "estimate" {
                estimate = true;
                continue;
            }
            let named = |class: &String| {
                given.split(',').any(|part| {
                    let name = part.split('=').next().unwrap_or_default();
                    name.trim().to_lowercase() == class.to_lowercase()
                })
            };
            let heads = &scorer.header().heads;
            let head = heads.iter().position(|head| head.axis.classes.iter().any(named));
            let head = head.ok_or_else(|| {
                let classes: Vec<String> = heads.iter().map(|head| head.axis.classes.join(", ")).collect();
                Error::Usage(format!(
                    "--prior {given}: it names no class of this model ({})",
                    classes.join("; ")
                ))
            })?;
            let prior = parse(given, &heads[head].axis.classes, scorer.prior(head))
                .map_err(|problem| Error::Usage(format!("--prior {given}: {problem}")))?;
            scorer.assume(head, Some(prior))?;
        }
        Ok(estimate)
    }

    /// Estimates the shares of the classes in all inputs, which are therefore read twice: for each axis
    /// that was given none, from the articles that can be judged at all.
    fn estimate(&self, scorer: &mut Scorer, inputs: &[Input], talk: &Talk) -> Result<()> {
        if inputs.contains(&Input::Standard) {
            return Err(Error::Usage(
                "--prior estimate reads its input twice, and standard input cannot be; write it to a file first".into(),
            ));
        }
        let heads = scorer.header().heads.len();
        let mut found: Vec<Thinned> = (0..heads).map(|_| Thinned::default()).collect();
        let mut bar = talk.bytes(total(inputs), "estimating shares");
        let blocks = Blocks::new(inputs.to_vec(), self.read.options(), Position::default());
        let by: &Scorer = scorer;
        let worker = || {
            let mut session = by.session();
            move |block: Block| {
                let read = block.bytes_read();
                let mut scores = Vec::new();
                block.read(&self.read.options(), |found| {
                    // What cannot be read is told of in the pass that scores.
                    if let Found::Document(document) = found {
                        scores.push(session.score(&document, 0).heads);
                    }
                    ControlFlow::Continue(())
                });
                (scores, read)
            }
        };
        let mut documents = 0;
        ordered(threads(), blocks, worker, |(scores, read)| {
            documents += scores.len() as u64;
            for heads in scores {
                let judged = heads.into_iter().zip(&mut found);
                judged
                    .filter(|(judged, _)| judged.abstain.is_none_or(|reason| reason == "ambiguous"))
                    .for_each(|(judged, of_head)| of_head.push(judged.probabilities));
            }
            bar.at(read, documents);
            Ok::<(), Error>(())
        })?;
        bar.finish();
        for (head, found) in found.iter().enumerate() {
            let of = &scorer.header().heads[head];
            let calibrated = &of.rule.calibration.prior;
            if of.axis.is_on_target() || scorer.prior(head) != calibrated.as_slice() {
                continue;
            }
            let found = estimate(&found.rows, calibrated);
            talk.note(format!("{}: {}", of.axis.name, found.reason));
            scorer.assume(head, Some(found.shares))?;
        }
        Ok(())
    }

    fn format(&self) -> Result<Format> {
        let bare = |path: &PathBuf| match Compression::of(path) {
            Some(_) => path.with_extension(""),
            None => path.clone(),
        };
        let output = self.output.as_ref().map(bare);
        let ending = output.as_ref().and_then(|path| path.extension()).and_then(|ending| ending.to_str());
        let format = self.format.unwrap_or(match ending {
            Some("jsonl" | "ndjson") => Format::Jsonl,
            Some("csv") => Format::Csv,
            Some("parquet") => Format::Parquet,
            _ => Format::Table,
        });
        if format == Format::Parquet && output.is_none() {
            return Err(Error::Usage("Parquet goes to a file: name it with -o".into()));
        }
        if format == Format::Parquet
            && self.output.as_deref().is_some_and(|path| Compression::of(path).is_some())
        {
            return Err(Error::Usage(
                "Parquet is compressed within: write to a file that ends in .parquet".into(),
            ));
        }
        if self.excel && format != Format::Csv {
            return Err(Error::Usage(
                "--excel is about CSV: write to a .csv file, or give --format csv".into(),
            ));
        }
        Ok(format)
    }
}

/// Probabilities in bounded memory: of many rows every second, fourth, and so on, from the first one.
#[derive(Default)]
struct Thinned {
    rows: Vec<Vec<f64>>,
    seen: u64,
    /// One row in two to this power is taken.
    halved: u32,
}

impl Thinned {
    fn push(&mut self, row: Vec<f64>) {
        if self.seen.is_multiple_of(1 << self.halved) {
            if self.rows.len() == FOR_SHARES {
                let mut index = 0;
                self.rows.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.halved += 1;
            }
            // What is still on the coarser grid.
            if self.seen.is_multiple_of(1 << self.halved) {
                self.rows.push(row);
            }
        }
        self.seen += 1;
    }
}

fn threads() -> NonZeroUsize {
    NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN)
}

/// Bytes of all files; `None` where there is standard input.
fn total(inputs: &[Input]) -> Option<u64> {
    inputs
        .iter()
        .map(|input| match input {
            Input::File(path) => std::fs::metadata(path).ok().map(|file| file.len()),
            Input::Standard => None,
        })
        .sum()
}

/// A field as the text of a cell.
fn cell(value: Option<&serde_json::Value>) -> Option<String> {
    match value? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// `favor 0.05, against 0.05, none 0.90`.
fn shares_text(head: &HeadInfo, shares: &[f64]) -> String {
    let shares = head.axis.classes.iter().zip(shares).map(|(class, share)| format!("{class} {share:.2}"));
    shares.collect::<Vec<_>>().join(", ")
}

/// What stands behind a path's name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
