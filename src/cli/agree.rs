//! `kzstance agree`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::evaluate::agreement::{
    Agreement, AxisAgreement, Estimate, PairAgreement, TableAgreement, agree,
};
use kzstance::model::card::figure;
use kzstance::read::Problems;
use kzstance::read::annotations::{Annotations, read_annotations};
use kzstance::{Result, RngSeed};

use super::options::{ReadArgs, WantedAxis, wanted_axis};
use super::talk::{Talk, print, table};

const TABLES: &str = "\
A table of judgements has one row for each: id (and segment, where parts of an article are judged), \
annotator, and a column for each axis; an empty cell is no judgement, «none» is a class. Where there is \
a column round, rounds are compared, and all who shared one count as one reading; --columns \
round=annotator compares annotators all the same. Units whose raters were sure are told from close calls \
by a column confidence (1, 2, 3). A figure is undefined where one class alone was given.";

#[derive(Debug, Args)]
#[command(after_help = TABLES)]
pub struct Agree {
    /// Judgements: a labels folder whose labels.toml lists [[annotations]], or a .csv, .tsv, .jsonl or .parquet
    /// file
    labels: PathBuf,

    /// An axis to compare, with its classes where they are not the usual ones: stance, or
    /// mood=calm,tense; may be repeated [default: those that labels.toml lists, or stance and
    /// sentiment]
    #[arg(long, value_name = "NAME[=CLASS,...]", value_parser = wanted_axis)]
    axis: Vec<WantedAxis>,

    #[command(flatten)]
    read: ReadArgs,

    /// Seed of the intervals [default: 2022]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Also list the units that raters disagree on
    #[arg(long)]
    list: bool,

    /// Print JSON (schema kzstance-agreement/1) instead of tables
    #[arg(long)]
    json: bool,
}

impl Agree {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let tables = self.read(talk)?;
        let found = agree(&tables, self.seed.map(RngSeed).unwrap_or_default())?;
        // Serialising plain data cannot fail.
        let json = || serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
        let out = if self.json { json() } else { text(&found, self.list) };
        print(out.as_bytes())
    }

    /// Reads the judgements; every fault is told, and the last is the error.
    fn read(&self, talk: &Talk) -> Result<Vec<Annotations>> {
        let mut problems = Problems::default();
        let options = self.read.options();
        let tables =
            read_annotations(&self.labels, &self.axis, &options, &mut problems, &mut |note| talk.note(note))?;
        match problems.0.pop() {
            Some(last) => {
                problems.0.iter().for_each(Talk::error);
                Err(last)
            }
            None => Ok(tables),
        }
    }
}

fn text(found: &Agreement, listed: bool) -> String {
    let mut out = String::new();
    for table in &found.tables {
        out += &format!("{}: {} raters, by {}: ", table.file, table.raters.len(), table.rater_column);
        out += &format!("{}\n\n", table.raters.join(", "));
        for axis in &table.axes {
            out += &axis_text(axis, &table.rater_column);
            if listed {
                out += &disagreements_text(table, axis);
            }
        }
    }
    out
}

fn axis_text(found: &AxisAgreement, rater_column: &str) -> String {
    let mut out = format!(
        "{}: {} of {} units judged by two raters or more, in {} articles\n",
        found.axis.name, found.n_shared, found.n_units, found.n_articles
    );
    out += &format!("agreement           {}\n", said(&found.agreement));
    out += &format!("alpha               {}\n", said(&found.alpha));
    out += "                    (Krippendorff's, nominal, over all raters)\n\n";
    for pair in &found.pairs {
        out += &pair_text(pair, rater_column, &found.axis.classes);
    }
    if !found.by_confidence.is_empty() {
        let header = ["lowest confidence", "n", "agreement", "alpha"].map(str::to_owned);
        let rows: Vec<Vec<String>> = found
            .by_confidence
            .iter()
            .map(|level| {
                let n = level.agreement.n.to_string();
                vec![level.lowest.to_string(), n, said(&level.agreement), said(&level.alpha)]
            })
            .collect();
        out += &table(&header, &rows, 1);
        out += "\n";
    }
    out
}

fn pair_text(pair: &PairAgreement, rater_column: &str, classes: &[String]) -> String {
    let mut out = format!("{rater_column} {} and {}: n = {}\n", pair.first, pair.second, pair.kappa.n);
    let header: Vec<String> = std::iter::once(format!("{} ↓  {} →", pair.first, pair.second))
        .chain(classes.iter().cloned())
        .chain(["all".to_owned()])
        .collect();
    let row = |name: &str, counts: &[u64]| -> Vec<String> {
        let all = counts.iter().sum();
        let counts = counts.iter().chain([&all]).map(u64::to_string);
        std::iter::once(name.to_owned()).chain(counts).collect()
    };
    let mut rows: Vec<Vec<String>> =
        classes.iter().zip(&pair.confusion).map(|(class, counts)| row(class, counts)).collect();
    let sums: Vec<u64> =
        (0..classes.len()).map(|class| pair.confusion.iter().map(|counts| counts[class]).sum()).collect();
    rows.push(row("all", &sums));
    out += &table(&header, &rows, 1);
    out += &format!("agreement           {}\n", said(&pair.agreement));
    out += &format!("kappa               {}\n\n", said(&pair.kappa));
    out
}

fn said(estimate: &Estimate) -> String {
    figure(estimate.value, estimate.interval.map(|interval| [interval.low, interval.high]))
}

/// The units that raters disagree on, a column for each rater.
fn disagreements_text(found: &TableAgreement, axis: &AxisAgreement) -> String {
    if axis.disagreements.is_empty() {
        return format!("{}: no disagreement\n\n", axis.axis.name);
    }
    let segments = axis.disagreements.iter().any(|unit| unit.segment.is_some());
    let header: Vec<String> = std::iter::once(format!("{}, disagreed on", axis.axis.name))
        .chain(segments.then(|| "segment".to_owned()))
        .chain(found.raters.iter().cloned())
        .collect();
    let rows: Vec<Vec<String>> = axis
        .disagreements
        .iter()
        .map(|unit| {
            let label = |rater: &String| unit.labels.get(rater).cloned().unwrap_or_default();
            std::iter::once(unit.id.clone())
                .chain(segments.then(|| unit.segment.clone().unwrap_or_default()))
                .chain(found.raters.iter().map(label))
                .collect()
        })
        .collect();
    table(&header, &rows, header.len()) + "\n"
}
