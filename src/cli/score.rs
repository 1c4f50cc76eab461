//! `kzstance score`

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kzstance::document::Document;
use kzstance::error::Place;
use kzstance::learn::prior::{estimate, parse};
use kzstance::model::{HeadInfo, Header, Judgement, Score as Scored, Scorer};
use kzstance::read::scored::ASSUMED;
use kzstance::read::{Columns, files, jsonl, read_file};
use kzstance::write::AtomicFile;
use kzstance::{Error, Result};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::options::{ReadArgs, open_model};
use super::talk::{Talk, harmless, stdout_error, table};

/// Documents scored at a time.
const BATCH: usize = 4096;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kzstance score article.txt
  kzstance score news/ --format csv -o news-scored.csv
  cat news.jsonl | kzstance score - --format jsonl --explain")]
pub struct Score {
    /// Articles: .txt files, .jsonl, .csv or .tsv rows, folders of these, or - for JSONL on
    /// standard input
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// The model [default: models/kz-intervention.kzm, else the one inside the program]
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,

    /// Form of the output [default: by the ending of -o, else table]; cells of CSV are written as they are, and a
    /// spreadsheet may take one that begins with = for a formula
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

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
}

impl Score {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let mut scorer = Scorer::new(&open_model(self.model.as_ref())?)?;
        if let Some(level) = self.level {
            scorer.set_level(level)?;
        }
        let estimate = self.assume(&mut scorer)?;
        let format = self.format();
        // What cannot be found is said before anything is read.
        let inputs: Vec<Option<Vec<PathBuf>>> = self
            .inputs
            .iter()
            .map(
                |input| {
                    if is_stream(input) { Ok(None) } else { files(std::slice::from_ref(input)).map(Some) }
                },
            )
            .collect::<Result<_>>()?;
        if inputs.iter().filter(|input| input.is_none()).count() > 1 {
            return Err(Error::Usage("standard input can be read once: give - once".into()));
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
        let kept = self.kept(scorer.header())?;
        let mut output = Output::new(self.output.as_deref(), format, scorer.header(), kept)?;
        output.assumed = (0..scorer.header().heads.len()).map(|head| assumed(&scorer, head)).collect();
        let bar = talk.progress(inputs.iter().flatten().map(|files| files.len() as u64).sum(), "scoring");
        let mut skipped = 0;
        for input in inputs {
            let Some(files) = input else {
                self.pass_stream(&scorer, &mut output, &mut skipped)?;
                continue;
            };
            for file in files {
                match read_file(&file, &self.read.options(), &mut |note| talk.note(note)) {
                    Ok(documents) => self.pass(&scorer, documents, &mut output, &mut skipped)?,
                    Err(error) => self.skip(error, &mut skipped)?,
                }
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        output.finish()?;
        if skipped > 0 {
            Talk::warn(format!("{skipped} records were skipped"));
        }
        Ok(ExitCode::SUCCESS)
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
    fn estimate(&self, scorer: &mut Scorer, inputs: &[Option<Vec<PathBuf>>], talk: &Talk) -> Result<()> {
        if inputs.iter().any(Option::is_none) {
            return Err(Error::Usage(
                "--prior estimate reads its input twice, and standard input cannot be; write it to a file first".into(),
            ));
        }
        let heads = scorer.header().heads.len();
        let mut probabilities: Vec<Vec<Vec<f64>>> = vec![Vec::new(); heads];
        for file in inputs.iter().flatten().flatten() {
            // What cannot be read is told of in the pass that scores.
            let Ok(documents) = read_file(file, &self.read.options(), &mut |_| {}) else { continue };
            let sound: Vec<Document> = documents.into_iter().filter_map(Result::ok).collect();
            for batch in sound.chunks(BATCH) {
                let scores: Vec<Scored> =
                    batch.par_iter().map(|document| scorer.score(document, 0)).collect();
                for score in scores {
                    let judged = score.heads.into_iter().zip(&mut probabilities);
                    judged
                        .filter(|(judged, _)| judged.abstain.is_none_or(|reason| reason == "ambiguous"))
                        .for_each(|(judged, of_head)| of_head.push(judged.probabilities));
                }
            }
        }
        for (head, probabilities) in probabilities.iter().enumerate() {
            let of = &scorer.header().heads[head];
            let calibrated = &of.rule.calibration.prior;
            if of.axis.is_on_target() || scorer.prior(head) != calibrated.as_slice() {
                continue;
            }
            let found = estimate(probabilities, calibrated);
            talk.note(format!("{}: {}", of.axis.name, found.reason));
            scorer.assume(head, Some(found.shares))?;
        }
        Ok(())
    }

    fn format(&self) -> Format {
        let ending =
            self.output.as_ref().and_then(|path| path.extension()).and_then(|ending| ending.to_str());
        self.format.unwrap_or(match ending {
            Some("jsonl" | "ndjson") => Format::Jsonl,
            Some("csv") => Format::Csv,
            _ => Format::Table,
        })
    }

    fn skip(&self, error: Error, skipped: &mut usize) -> Result<()> {
        if !self.keep_going {
            return Err(error);
        }
        Talk::error(&error);
        *skipped += 1;
        Ok(())
    }

    fn pass(
        &self,
        scorer: &Scorer,
        documents: Vec<Result<Document>>,
        output: &mut Output,
        skipped: &mut usize,
    ) -> Result<()> {
        let mut sound = Vec::with_capacity(documents.len());
        for document in documents {
            match document {
                Ok(document) => sound.push(document),
                Err(error) => self.skip(error, skipped)?,
            }
        }
        let most = if self.explain { 10 } else { 0 };
        for batch in sound.chunks(BATCH) {
            let scores: Vec<Scored> = batch.par_iter().map(|document| scorer.score(document, most)).collect();
            batch.iter().zip(scores).try_for_each(|(document, score)| output.write(score, document))?;
        }
        Ok(())
    }

    /// JSONL from standard input, a batch of lines at a time.
    fn pass_stream(&self, scorer: &Scorer, output: &mut Output, skipped: &mut usize) -> Result<()> {
        let name = PathBuf::from("standard input");
        let columns = self.read.options().columns;
        let mut lines = std::io::stdin().lock().lines().enumerate().peekable();
        while lines.peek().is_some() {
            let mut batch = Vec::new();
            for (index, line) in lines.by_ref().take(BATCH) {
                let place = Place::line(&name, index as u64 + 1);
                match line {
                    Ok(line) if line.trim().is_empty() => {}
                    Ok(line) => {
                        let line = if index == 0 { line.trim_start_matches('\u{FEFF}') } else { &line };
                        batch.push(jsonl::document(line, place, &columns));
                    }
                    Err(source) if source.kind() == std::io::ErrorKind::InvalidData => {
                        batch.push(Err(Error::Encoding {
                            place,
                            problem: "not UTF-8; standard input must be UTF-8".into(),
                        }));
                    }
                    Err(source) => return Err(Error::Read { path: name, source }),
                }
            }
            self.pass(scorer, batch, output, skipped)?;
            output.flush()?;
        }
        Ok(())
    }
}

/// Where scores go, in their form. A file comes into being when it is complete.
struct Output<'h> {
    header: &'h Header,
    kept: Kept,
    /// For each head: other shares than the model's own, where they were given.
    assumed: Vec<Option<Vec<f64>>>,
    sink: Sink,
    form: Form,
}

/// Fields of the input that are carried.
struct Kept {
    names: Vec<String>,
    columns: Columns,
}

impl Kept {
    /// The value of each field that a document has.
    fn of<'d>(&self, document: &'d Document) -> Vec<Option<&'d Value>> {
        let names = || document.fields.keys().map(String::as_str);
        let find = |part: &String| document.fields.get(self.columns.find(part, names())?);
        self.names.iter().map(find).collect()
    }
}

enum Sink {
    /// Held back until all is well: a failure leaves standard output empty. A stream is passed on
    /// as it comes.
    Standard(Vec<u8>),
    File(std::io::BufWriter<AtomicFile>, PathBuf),
}

enum Form {
    Table(Vec<Scored>),
    Jsonl,
    Csv,
}

impl<'h> Output<'h> {
    fn new(path: Option<&std::path::Path>, format: Format, header: &'h Header, kept: Kept) -> Result<Self> {
        let sink = match path {
            Some(path) => Sink::File(std::io::BufWriter::new(AtomicFile::create(path)?), path.to_owned()),
            None => Sink::Standard(Vec::new()),
        };
        let form = match format {
            Format::Table => Form::Table(Vec::new()),
            Format::Jsonl => Form::Jsonl,
            Format::Csv => Form::Csv,
        };
        let mut output = Output { header, kept, assumed: Vec::new(), sink, form };
        if format == Format::Csv {
            // The same for every input: its last article may be the first to have a date.
            let names = [csv_names(header), output.kept.names.clone()].concat();
            output.line(&csv_line(&names))?;
        }
        Ok(output)
    }

    fn write(&mut self, score: Scored, document: &Document) -> Result<()> {
        match &mut self.form {
            Form::Table(scores) => {
                scores.push(score);
                Ok(())
            }
            Form::Jsonl => {
                let mut line = json_of(&score, self.header, &self.assumed);
                for (name, value) in self.kept.names.iter().zip(self.kept.of(document)) {
                    if let Some(value) = value {
                        line.insert(name.clone(), value.clone());
                    }
                }
                let mut line = Value::Object(line).to_string();
                line.push('\n');
                self.line(&line)
            }
            Form::Csv => {
                let text = |value: Option<&Value>| match value {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                };
                let mut values = csv_values(&score, self.header);
                values.extend(self.kept.of(document).into_iter().map(text));
                self.line(&csv_line(&values))
            }
        }
    }

    fn line(&mut self, line: &str) -> Result<()> {
        match &mut self.sink {
            Sink::Standard(out) => {
                out.extend_from_slice(line.as_bytes());
                Ok(())
            }
            Sink::File(out, path) => {
                out.write_all(line.as_bytes()).map_err(|source| Error::Write { path: path.clone(), source })
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.sink {
            Sink::Standard(out) => pass_on(out),
            Sink::File(..) => Ok(()),
        }
    }

    fn finish(mut self) -> Result<()> {
        if let Form::Table(scores) = &self.form {
            let isolate = matches!(self.sink, Sink::Standard(_)) && std::io::stdout().is_terminal();
            let text = table_of(scores, self.header, isolate);
            self.line(&text)?;
        }
        match self.sink {
            Sink::Standard(mut out) => pass_on(&mut out),
            Sink::File(out, path) => {
                out.into_inner().map_err(|error| Error::Write { path, source: error.into_error() })?.commit()
            }
        }
    }
}

/// The shares that a head assumes, where they are others than those it was calibrated to.
fn assumed(scorer: &Scorer, head: usize) -> Option<Vec<f64>> {
    let shares = scorer.prior(head);
    (shares != scorer.header().heads[head].rule.calibration.prior.as_slice()).then(|| shares.to_vec())
}

/// `favor 0.05, against 0.05, none 0.90`.
fn shares_text(head: &HeadInfo, shares: &[f64]) -> String {
    let shares = head.axis.classes.iter().zip(shares).map(|(class, share)| format!("{class} {share:.2}"));
    shares.collect::<Vec<_>>().join(", ")
}

fn is_stream(input: &std::path::Path) -> bool {
    input.as_os_str() == "-"
}

fn pass_on(held: &mut Vec<u8>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(held).and_then(|()| out.flush()).map_err(stdout_error)?;
    held.clear();
    Ok(())
}

fn json_of(score: &Scored, header: &Header, assumed: &[Option<Vec<f64>>]) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("id".into(), json!(score.id));
    let judged = |wanted: bool| -> Vec<(String, Value)> {
        let heads = header.heads.iter().zip(&score.heads).zip(assumed);
        let heads = heads.filter(|((head, _), _)| head.axis.is_on_target() == wanted);
        heads
            .map(|((head, found), assumed)| {
                (head.axis.name.clone(), head_json(head, found, assumed.as_deref()))
            })
            .collect()
    };
    line.extend(judged(false));
    let voices: Map<String, Value> = score
        .voices
        .iter()
        .filter_map(|(voice, share)| {
            Some((serde_json::to_value(voice).ok()?.as_str()?.to_owned(), json!(share)))
        })
        .collect();
    line.insert("voices".into(), Value::Object(voices));
    line.insert("known_share".into(), json!(score.known_share));
    let evidence: Vec<Value> = score
        .evidence
        .iter()
        .map(|found| {
            json!({"term": found.term, "start": found.span.map(|span| span.0), "end": found.span.map(|span| span.1), "weight": found.weight})
        })
        .collect();
    line.insert("evidence".into(), Value::Array(evidence));
    line.extend(judged(true));
    line
}

/// Where other shares than the model's own were given, they stand behind everything else.
fn head_json(head: &HeadInfo, found: &Judgement, assumed: Option<&[f64]>) -> Value {
    let probabilities: Map<String, Value> =
        head.axis.classes.iter().cloned().zip(found.probabilities.iter().map(|p| json!(p))).collect();
    let set = head.axis.classes.iter().zip(&found.set).filter(|(_, within)| **within);
    let set: Vec<&String> = set.map(|(class, _)| class).collect();
    let mut judged = json!({"label": head.axis.classes[found.class], "probabilities": probabilities, "abstain": found.abstain, "set": set});
    if let (Some(assumed), Some(judged)) = (assumed, judged.as_object_mut()) {
        let shares: Map<String, Value> =
            head.axis.classes.iter().cloned().zip(assumed.iter().map(|share| json!(share))).collect();
        judged.insert(ASSUMED.into(), Value::Object(shares));
    }
    judged
}

fn csv_names(header: &Header) -> Vec<String> {
    let mut names = vec!["id".to_owned()];
    for head in header.heads.iter().filter(|head| !head.axis.is_on_target()) {
        let axis = &head.axis.name;
        names.push(axis.clone());
        names.extend(head.axis.classes.iter().map(|class| format!("{axis}_p_{class}")));
        names.push(format!("{axis}_abstain"));
    }
    names.push("known_share".into());
    if header.heads.iter().any(|head| head.axis.is_on_target()) {
        names.push("on_target_p_true".into());
    }
    names
}

fn csv_values(score: &Scored, header: &Header) -> Vec<String> {
    let mut values = vec![score.id.clone()];
    let heads = || header.heads.iter().zip(&score.heads);
    for (head, found) in heads().filter(|(head, _)| !head.axis.is_on_target()) {
        values.push(head.axis.classes[found.class].clone());
        values.extend(found.probabilities.iter().map(f64::to_string));
        values.push(found.abstain.unwrap_or_default().to_owned());
    }
    values.push(score.known_share.to_string());
    let on_target = heads().filter(|(head, _)| head.axis.is_on_target());
    values.extend(on_target.map(|(_, found)| found.probabilities[0].to_string()));
    values
}

fn csv_line(values: &[String]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(values);
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn table_of(scores: &[Scored], header: &Header, isolate: bool) -> String {
    let mut names = vec!["document".to_owned()];
    for head in &header.heads {
        if head.axis.is_on_target() {
            names.push("on target".into());
            continue;
        }
        names.push(head.axis.name.clone());
        names.extend(head.axis.classes.iter().cloned());
    }
    names.push("known words".into());
    let rows: Vec<Vec<String>> = scores.iter().map(|score| table_row(score, header)).collect();
    let mut text = table(&names, &rows, usize::MAX);
    for score in scores.iter().filter(|score| !score.evidence.is_empty()) {
        let class = &header.heads[0].axis.classes[score.heads[0].class];
        text += &format!("\n{}: words that weigh most for (+) or against (-) {class}\n", flat(&score.id));
        for found in &score.evidence {
            // Isolates keep a right-to-left word from rearranging its line on a terminal.
            let term = flat(&found.term);
            let term = if isolate { format!("\u{2068}{term}\u{2069}") } else { term };
            text += &format!("  {:+.3}  {term}\n", found.weight);
        }
    }
    text
}

/// A name that others gave, on one line and without what would steer a terminal.
fn flat(name: &str) -> String {
    harmless(&name.replace(['\n', '\r'], " "))
}

fn table_row(score: &Scored, header: &Header) -> Vec<String> {
    let mut row = vec![flat(&score.id)];
    for (head, found) in header.heads.iter().zip(&score.heads) {
        if head.axis.is_on_target() {
            row.push(format!("{:.0} %", 100.0 * found.probabilities[0]));
            continue;
        }
        let label = &head.axis.classes[found.class];
        row.push(found.abstain.map_or_else(|| label.clone(), |reason| format!("{label} ({reason})")));
        row.extend(found.probabilities.iter().map(|p| format!("{p:.3}")));
    }
    row.push(format!("{:.0} %", 100.0 * score.known_share));
    row
}
