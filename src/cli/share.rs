//! `kzstance share`

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kzstance::date::Period;
use kzstance::error::Place;
use kzstance::evaluate::prevalence::{Method as Way, PSEUDO, Settings};
use kzstance::label::Axis;
use kzstance::learn::Validation;
use kzstance::model::{Model, Validated};
use kzstance::read::scored::{Record, Scored, axis_of, is_scored, read_records, records_of, scored};
use kzstance::read::{Columns, ReadOptions};
use kzstance::report::share::{Article, Request, Share as Found, Slice, share};
use kzstance::report::share_plot::svg;
use kzstance::write::cells::guarded;
use kzstance::write::write_atomically;
use kzstance::{Error, Result, RngSeed};

use super::options::{ReadArgs, open_model};
use super::talk::{Talk, harmless, print, table};

const ABOUT: &str = "\
Counting labels gives biased shares wherever the model errs more one way than the other. How it errs was measured \
on held-out articles when it was trained, and is kept in its file; that corrects shares if articles of each class \
are mistaken as often in your collection. They may not be, and the model's articles may be few.

What corrects best is a random sample of your own collection, judged by hand: 100 articles or more, 20 of each \
class at least. Draw it without looking at the scores, judge it, and give it as a table with id and the class:

  kzstance share scored.jsonl --by week --validation sample.csv --truth stance

For the whole collection the shares in such a sample are an estimate themselves, and often the narrower one; the \
correction is for slices that it is too small for.

Score with the model's own decisions: without --prior, since the errors were measured so. JSONL tells of --prior and is refused then; CSV cannot tell. Articles that the model was trained on are mistaken less often than others: leave them out.

Examples:
  kzstance score news.jsonl --format jsonl -o scored.jsonl
  kzstance share scored.jsonl --by outlet,week --plot shares.svg
  kzstance share scored.csv --by month --meta facts.csv --axis sentiment --json";

// Each is a switch of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
#[command(after_long_help = ABOUT, after_help = "«kzstance share --help» says what the correction assumes, and what does best.")]
pub struct Share {
    /// What «kzstance score» wrote as JSONL or CSV, or - for standard input
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// Fields to divide the articles by: outlet or any other that the lines carry, and day, week, month or
    /// year, which are made from the field date [default: none, the whole alone]
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    by: Vec<String>,

    /// The axis [default: the first that was scored]
    #[arg(long, value_name = "NAME")]
    axis: Option<String>,

    /// The model that scored the articles [default: as for «kzstance score»]
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,

    /// Judged articles that tell how the model errs, instead of those kept in the model: .csv, .tsv or
    /// .jsonl with the class in a column truth, and either the scores themselves or the id of a scored article;
    /// rows without a class are passed over
    #[arg(long, value_name = "FILE")]
    validation: Option<PathBuf>,

    /// The column of --validation that holds the class [default: truth, or the axis's name where the
    /// scores are not in the same table]
    #[arg(long, value_name = "NAME", requires = "validation")]
    truth: Option<String>,

    /// Facts of the articles (outlet, date, ...) to be joined by id: .csv, .tsv, .jsonl or .parquet
    #[arg(long, value_name = "FILE")]
    meta: Option<PathBuf>,

    /// Which shares are given as the corrected ones; JSON has all
    #[arg(long, value_enum, default_value = "probabilistic")]
    method: Method,

    /// Also count the articles that were set aside as off target
    #[arg(long)]
    with_off_target: bool,

    /// Report and count aside records that cannot be read, or lack a field of --by
    #[arg(long)]
    keep_going: bool,

    /// Form of the output [default: by the ending of -o, else table]; cells of CSV are written as they are, and a
    /// spreadsheet may take one that begins with = for a formula: see --excel
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// CSV for spreadsheets: a byte order mark, lines that end with CR LF, and an apostrophe before what a
    /// spreadsheet would take for a formula in a text cell; numbers stay as they are
    #[arg(long, conflicts_with = "json")]
    excel: bool,

    /// Print JSON (schema kzstance-share/1): as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Also draw the shares, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// Draws of an interval
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    resamples: u32,

    /// Seed of the intervals [default: 2022]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// From mean probabilities (probabilistic adjusted count)
    Probabilistic,
    /// From counts of decisions (adjusted count)
    Adjusted,
    /// From the likelihood of the probabilities (EM); no intervals, and no shares where they cannot be relied on
    Em,
}

impl Method {
    fn way(self) -> Way {
        match self {
            Method::Probabilistic => Way::Probabilistic,
            Method::Adjusted => Way::Adjusted,
            Method::Em => Way::Em,
        }
    }
}

/// How a model errs, and what was known of that.
struct Errors {
    validation: Validation,
    measured_on: String,
    assumed: Option<Vec<f64>>,
}

impl Share {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let options = self.read.options();
        let by: Vec<String> = self.by.iter().map(|field| field.trim().to_owned()).collect();
        if by.iter().any(String::is_empty) {
            return Err(Error::Usage("--by: a field wants a name, as in outlet,week".into()));
        }
        for (place, field) in by.iter().enumerate() {
            if by[..place].contains(field) {
                return Err(Error::Usage(format!("--by: {field} is named twice; name it once")));
            }
            if COLUMNS.contains(&field.as_str()) {
                return Err(Error::Usage(format!(
                    "--by {field}: the output has a column of this name itself; give the field another name in the scored lines or in --meta"
                )));
            }
        }
        let mut records = self.records(&options, talk)?;
        let broken = records.iter().position(Result::is_err).filter(|_| !self.keep_going);
        if let Some(Err(error)) = broken.map(|place| records.swap_remove(place)) {
            return Err(error);
        }
        let first = self.inputs.first().map_or_else(PathBuf::new, Clone::clone);
        let axis = axis_of(&records, self.axis.as_deref(), &first)?;
        // With --validation alone it may be another model than the one that scored.
        let model = if self.validation.is_none() || self.model.is_some() {
            let model = open_model(self.model.as_ref())?;
            let head = head_of(&model, &axis)?;
            Some((model, head))
        } else {
            None
        };
        // Columns may stand in another order than the model's classes.
        let axis = model.as_ref().map_or(axis, |(model, head)| model.header().heads[*head].axis.clone());
        let meta = self.meta(&options, talk)?;
        let mut set_aside = 0;
        let mut articles = Vec::new();
        let mut known: Vec<(Record, Scored)> = Vec::new();
        let mut seen: HashMap<(String, Option<String>), Place> = HashMap::new();
        for record in records {
            let found = record.and_then(|mut record| {
                only_once(&record, &mut seen)?;
                join(&mut record, &meta);
                let found = scored(&record, &axis)?;
                let key =
                    by.iter().map(|field| value(&record, field, &options.columns)).collect::<Result<_>>();
                Ok((record, found, key))
            });
            let found = found.and_then(|(record, found, key)| {
                known.push((record, found.clone()));
                Ok(Article { key: key?, scored: found })
            });
            match found {
                Ok(article) => articles.push(article),
                Err(error) if self.keep_going => {
                    Talk::error(&error);
                    set_aside += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let errors = self.errors(&axis, model.as_ref(), &known, &options, talk)?;
        let request = Request {
            axis: &axis,
            by: &by,
            validation: &errors.validation,
            measured_on: errors.measured_on,
            method: self.method.way(),
            settings: Settings {
                resamples: self.resamples as usize,
                seed: self.seed.map(RngSeed).unwrap_or_default(),
                pseudo: PSEUDO,
                assumed: errors.assumed.as_deref(),
            },
            with_off_target: self.with_off_target,
            set_aside,
        };
        let format = self.format();
        if self.excel && format != Format::Csv {
            return Err(Error::Usage(
                "--excel is about CSV: write to a .csv file, or give --format csv".into(),
            ));
        }
        let found = share(&request, &articles);
        if set_aside > 0 {
            Talk::warn(format!("{set_aside} records were set aside"));
        }
        if let Some(path) = &self.plot {
            let drawn = svg(&found).map_err(|problem| Error::Usage(format!("--plot: {problem}")))?;
            write_atomically(path, drawn.as_bytes())?;
        }
        let out = match format {
            // Serialising plain data cannot fail.
            Format::Json => serde_json::to_string_pretty(&found).unwrap_or_default() + "\n",
            Format::Csv => {
                found.warnings.iter().for_each(|line| Talk::warn(flat(line)));
                found.assumptions.iter().for_each(|line| talk.note(flat(line)));
                csv_of(&found, self.excel)
            }
            Format::Table => text(&found, self.output.is_none() && std::io::stdout().is_terminal()),
        };
        match &self.output {
            Some(path) => write_atomically(path, out.as_bytes()).map(|()| ExitCode::SUCCESS),
            None => print(out.as_bytes()),
        }
    }

    fn format(&self) -> Format {
        let ending =
            self.output.as_ref().and_then(|path| path.extension()).and_then(|ending| ending.to_str());
        let by_ending = match ending {
            Some("csv") => Format::Csv,
            Some("json") => Format::Json,
            _ => Format::Table,
        };
        if self.json { Format::Json } else { self.format.unwrap_or(by_ending) }
    }

    fn records(&self, options: &ReadOptions, talk: &Talk) -> Result<Vec<Result<Record>>> {
        if self.inputs.iter().filter(|input| input.as_os_str() == "-").count() > 1 {
            return Err(Error::Usage("standard input can be read once: give - once".into()));
        }
        let mut records = Vec::new();
        for input in &self.inputs {
            if input.as_os_str() == "-" {
                let name = Path::new("standard input");
                let mut bytes = Vec::new();
                let read = |source| Error::Read { path: name.to_owned(), source };
                std::io::stdin().lock().read_to_end(&mut bytes).map_err(read)?;
                let text = String::from_utf8(bytes).map_err(|_| Error::Encoding {
                    place: Place::file(name),
                    problem: "not UTF-8; standard input must be UTF-8".into(),
                })?;
                records.extend(records_of(&text, name)?);
            } else {
                records.extend(read_records(input, options, &mut |note| talk.note(note))?);
            }
        }
        Ok(records)
    }

    /// The records of --meta by id.
    fn meta(&self, options: &ReadOptions, talk: &Talk) -> Result<HashMap<String, Record>> {
        let mut by_id: HashMap<String, Record> = HashMap::new();
        let Some(path) = &self.meta else { return Ok(by_id) };
        for record in read_records(path, options, &mut |note| talk.note(note))? {
            let record = record?;
            let id = id_of(&record)?;
            if let Some(other) = by_id.get(&id) {
                let problem = format!("«{id}» stands here and in {}; leave one of them", other.place);
                return Err(Error::malformed(record.place, problem));
            }
            by_id.insert(id, record);
        }
        Ok(by_id)
    }

    fn errors(
        &self,
        axis: &Axis,
        model: Option<&(Model, usize)>,
        known: &[(Record, Scored)],
        options: &ReadOptions,
        talk: &Talk,
    ) -> Result<Errors> {
        let assumed = model.map(|(model, head)| model.header().heads[*head].rule.calibration.prior.clone());
        if let Some(path) = &self.validation {
            let (validation, left_out) = self.judged(path, axis, known, options, talk)?;
            let set_aside = if left_out > 0 {
                format!(", without {left_out} set aside as off target")
            } else {
                String::new()
            };
            let measured_on = format!(
                "{} judged articles of {}{set_aside} (best where they are a random sample of this collection)",
                validation.len(),
                path.display()
            );
            return Ok(Errors { validation, measured_on, assumed });
        }
        let held_out = model.and_then(|(model, head)| Some((model, *head, model.validation(*head)?)));
        let Some((model, head, validation)) = held_out else {
            let path = self.model.clone().unwrap_or_else(|| PathBuf::from("the default model"));
            let problem = format!(
                "it keeps no held-out judgements of {}, so that its errors are unknown: train it again on labels of real articles, or give judged articles with --validation",
                axis.name
            );
            return Err(Error::ModelIncompatible { path, problem });
        };
        let of = |part: &Validated| {
            let origin = if part.origin.is_empty() { "" } else { &format!("{} ", part.origin) };
            format!("{} {origin}articles ({})", part.n, part.held_out)
        };
        let parts: Vec<String> = model.header().heads[head].validated.iter().map(of).collect();
        let on_target = if axis.is_on_target() { "" } else { ", none of them off target" };
        Ok(Errors { validation, measured_on: parts.join(" and ") + on_target, assumed })
    }

    /// The articles of --validation, and how many were left out as off target.
    fn judged(
        &self,
        path: &Path,
        axis: &Axis,
        known: &[(Record, Scored)],
        options: &ReadOptions,
        talk: &Talk,
    ) -> Result<(Validation, usize)> {
        let mut by_id: HashMap<String, Vec<&(Record, Scored)>> = HashMap::new();
        for article in known {
            if let Some(id) = article.0.text("id") {
                by_id.entry(id).or_default().push(article);
            }
        }
        let mut validation = Validation::default();
        let mut groups: HashMap<String, usize> = HashMap::new();
        let mut seen: HashMap<(String, Option<String>), Place> = HashMap::new();
        let mut left_out = 0;
        for record in read_records(path, options, &mut |note| talk.note(note))? {
            let record = record?;
            let own = is_scored(&record, axis);
            let name = self.truth.as_deref().unwrap_or_else(|| {
                if own || record.fields.contains_key("truth") { "truth" } else { &axis.name }
            });
            if !record.fields.contains_key(name) {
                let names: Vec<&str> = record.fields.keys().map(String::as_str).collect();
                return Err(Error::malformed(
                    record.place,
                    format!(
                        "there is no «{name}» among: {}; name the column of the class with --truth",
                        names.join(", ")
                    ),
                ));
            }
            let Some(given) = record.text(name) else { continue };
            only_once(&record, &mut seen)?;
            let truth = axis.parse(&given, &record.place)?;
            let outlet = |record: &Record| value(record, "outlet", &options.columns).ok();
            let (found, outlet) = if own {
                (scored(&record, axis)?, outlet(&record))
            } else {
                let id = id_of(&record)?;
                match by_id.get(&id).map_or(&[][..], Vec::as_slice) {
                    [(article, found)] => (found.clone(), outlet(&record).or_else(|| outlet(article))),
                    several => {
                        let n = several.len();
                        let problem = format!(
                            "{n} scored articles have the id «{id}», and one must; judge articles of the collection, or score the judged ones"
                        );
                        return Err(Error::malformed(record.place, problem));
                    }
                }
            };
            if found.off_target && !self.with_off_target && !axis.is_on_target() {
                left_out += 1;
                continue;
            }
            let next = validation.len() + groups.len();
            let group = outlet.map_or(next, |outlet| *groups.entry(outlet).or_insert(next));
            validation.push(truth, found.decided, found.probabilities, group);
        }
        if validation.is_empty() {
            let problem = "no judged article is left in it; give a column truth with classes".into();
            return Err(Error::Empty { place: Place::file(path), problem });
        }
        Ok((validation, left_out))
    }
}

/// Adds what is known of an article elsewhere; what it carries itself counts first.
fn join(record: &mut Record, meta: &HashMap<String, Record>) {
    let Some(more) = record.text("id").and_then(|id| meta.get(&id)) else { return };
    for (name, value) in &more.fields {
        if record.text(name).is_none() {
            record.fields.insert(name.clone(), value.clone());
        }
    }
}

/// Refuses what would count twice: an id that was seen before, toward the same target.
fn only_once(record: &Record, seen: &mut HashMap<(String, Option<String>), Place>) -> Result<()> {
    let Some(id) = record.text("id") else { return Ok(()) };
    let key = (id, record.text("target"));
    if let Some(other) = seen.get(&key) {
        let problem = format!(
            "«{}» stands here and in {other}, and would count twice; leave one of them, or give different articles different ids",
            key.0
        );
        return Err(Error::malformed(record.place.clone(), problem));
    }
    seen.insert(key, record.place.clone());
    Ok(())
}

fn id_of(record: &Record) -> Result<String> {
    record.text("id").ok_or_else(|| {
        Error::malformed(record.place.clone(), "it has no id; give the id of the scored article")
    })
}

/// The value of a field, or the period of the date.
fn value(record: &Record, field: &str, columns: &Columns) -> Result<String> {
    let period = Period::named(field);
    let wanted = if period.is_some() { "date" } else { field };
    let name = columns.find(wanted, record.fields.keys().map(String::as_str));
    let Some(text) = name.and_then(|name| record.text(name)) else {
        let problem = format!(
            "there is no {wanted}, which --by {field} wants; let «kzstance score --keep {wanted}» carry it, name its field with --columns {wanted}=NAME, join it with --meta, or pass such records over with --keep-going"
        );
        return Err(Error::malformed(record.place.clone(), problem));
    };
    match period {
        None => Ok(text),
        Some(period) => period.of(&text).map_err(|problem| Error::malformed(record.place.clone(), problem)),
    }
}

/// The head of a model that judges an axis with these classes, in whatever order.
fn head_of(model: &Model, axis: &Axis) -> Result<usize> {
    let heads = &model.header().heads;
    let set = |axis: &Axis| axis.classes.iter().cloned().collect::<BTreeSet<String>>();
    let found = heads.iter().position(|head| head.axis.name == axis.name && set(&head.axis) == set(axis));
    found.ok_or_else(|| {
        let heads: Vec<String> =
            heads.iter().map(|head| format!("{} ({})", head.axis.name, head.axis.classes.join(", "))).collect();
        Error::Usage(format!(
            "the articles were scored for {} ({}), and the model judges {}; name the model that scored them with -m",
            axis.name,
            axis.classes.join(", "),
            heads.join("; ")
        ))
    })
}

/// Columns of the output beside the fields of --by.
const COLUMNS: [&str; 8] = ["n", "class", "naive", "corrected", "low", "high", "method", "warnings"];

/// A name or a sentence with names of others in it, on one line and without what would steer a terminal.
fn flat(text: &str) -> String {
    harmless(&text.replace(['\n', '\r'], " "))
}

/// A row for each slice and class.
fn csv_of(found: &Found, excel: bool) -> String {
    let terminator = if excel { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
    // Writing to memory cannot fail.
    let mut write = |row: Vec<String>| {
        let row = row.iter().map(|cell| if excel { guarded(cell) } else { cell.into() });
        let _ = writer.write_record(row.map(|cell| cell.into_owned().into_bytes()));
    };
    write(found.by.iter().cloned().chain(COLUMNS.map(str::to_owned)).collect());
    for slice in std::iter::once(&found.whole).chain(&found.slices) {
        for share in &slice.shares {
            let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let mut row: Vec<String> = found.by.iter().map(|field| field_of(slice, field)).collect();
            row.extend([slice.n.to_string(), share.class.clone()]);
            row.extend([share.naive, share.corrected, share.low, share.high].map(number));
            row.extend([found.method.name().to_owned(), slice.warnings.join("; ")]);
            write(row);
        }
    }
    let rows = String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default();
    if excel { format!("\u{FEFF}{rows}") } else { rows }
}

/// The value of a field in a slice; empty for all articles.
fn field_of(slice: &Slice, field: &str) -> String {
    slice.by.get(field).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

fn text(found: &Found, isolate: bool) -> String {
    // Isolates keep a right-to-left name from rearranging its line on a terminal.
    let name = |text: String| {
        let text = flat(&text);
        if isolate { format!("\u{2068}{text}\u{2069}") } else { text }
    };
    let mut header: Vec<String> = found.by.iter().map(|field| flat(field)).collect();
    if header.is_empty() {
        header.push("articles".into());
    }
    header.push("n".into());
    for class in &found.classes {
        header.extend([format!("{}: counted", flat(class)), "corrected".into()]);
    }
    let row = |slice: &Slice| {
        let mut row: Vec<String> = match slice.by.is_empty() {
            true => vec!["all".into(); 1],
            false => found.by.iter().map(|field| name(field_of(slice, field))).collect(),
        };
        row.resize(found.by.len().max(1), String::new());
        row.push(slice.n.to_string());
        for share in &slice.shares {
            row.push(share.naive.map_or("undefined".into(), |share| format!("{share:.2}")));
            row.push(match (share.corrected, share.low, share.high) {
                (Some(share), Some(low), Some(high)) => format!("{share:.2} ({low:.2}-{high:.2})"),
                (Some(share), ..) => format!("{share:.2}"),
                (None, ..) => "undefined".into(),
            });
        }
        row
    };
    let slices = || std::iter::once(&found.whole).chain(&found.slices);
    let mut out = format!("shares of {}\n", flat(&found.axis));
    out += &table(&header, &slices().map(row).collect::<Vec<_>>(), found.by.len().max(1));
    let mut warned: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for slice in slices() {
        slice.warnings.iter().for_each(|warning| warned.entry(warning).or_default().push(name(slice.name())));
    }
    out += "\n";
    found.warnings.iter().for_each(|warning| out += &format!("! {}\n", flat(warning)));
    for (warning, slices) in warned {
        let shown = slices.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join("; ");
        let others = slices.len().saturating_sub(MOST_NAMED);
        let more = if others > 0 { format!(" and {others} others") } else { String::new() };
        out += &format!("! {}: {shown}{more}\n", flat(warning));
    }
    found.assumptions.iter().for_each(|line| out += &format!("{}\n", flat(line)));
    out
}

/// Slices that a warning names.
const MOST_NAMED: usize = 6;
