//! `kzstance evaluate`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::Error;
use kzstance::Result;
use kzstance::evaluate::cross::{FoldPlan, count_folds, evaluate, evaluate_model};
use kzstance::evaluate::{AxisEvaluation, Evaluation, Interval};
use kzstance::model::Scorer;
use kzstance::model::card::figure;
use kzstance::write::write_atomically;

use super::options::{FitArgs, LabelArgs, open_model};
use super::talk::{Talk, print, table};

#[derive(Debug, Args)]
pub struct Evaluate {
    #[command(flatten)]
    labels: LabelArgs,

    /// Judge with this model instead of cross-validating; the labels must be new to it
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,

    /// Folds of the cross-validation: a number, loo (leave one article out) or logo (leave one
    /// outlet out)
    #[arg(long, value_name = "K", default_value = "5")]
    folds: FoldPlan,

    #[command(flatten)]
    fit: FitArgs,

    /// Print JSON (schema kzstance-evaluation/1) instead of tables
    #[arg(long)]
    json: bool,

    /// Also write evaluation.json into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl Evaluate {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let config = self.fit.config()?;
        let corpus = self.labels.read(talk)?;
        let found = if self.model.is_some() {
            let scorer = Scorer::new(&open_model(self.model.as_ref())?)?;
            if scorer.header().documents_digest == corpus.documents_digest() {
                return Err(Error::Usage(
                    "the model was trained on these very articles: figures on them would say nothing; leave -m out to cross-validate".into(),
                ));
            }
            evaluate_model(&corpus, &scorer, config.seed)?
        } else {
            let bar = talk.progress(count_folds(&corpus, self.folds) as u64, "cross-validating");
            let found = evaluate(&corpus, &config, self.folds, &|| bar.inc(1))?;
            bar.finish_and_clear();
            found
        };
        // Serialising plain data cannot fail.
        let json = serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
        if let Some(folder) = &self.report {
            write_atomically(&folder.join("evaluation.json"), json.as_bytes())?;
        }
        let listed = self.folds == FoldPlan::LeaveOneOut && self.model.is_none();
        let out = if self.json { json } else { text(&found, listed) };
        print(out.as_bytes())
    }
}

fn text(found: &Evaluation, listed: bool) -> String {
    let mut out = String::new();
    for axis in &found.axes {
        out += &axis_text(axis);
        if listed {
            out += &seeds_text(axis);
        }
    }
    for (axis, mean) in &found.mean_semeval_f {
        out += &format!("{axis}: mean F of the polar classes over the targets {mean:.4}\n");
    }
    out
}

fn axis_text(found: &AxisEvaluation) -> String {
    let metrics = &found.metrics;
    let toward = found.target.as_ref().map(|target| format!(" toward {target}")).unwrap_or_default();
    let mut out = format!(
        "{}{toward}: n = {} in {} groups; {}\n",
        found.axis.name, metrics.n, found.n_groups, found.folds
    );
    let header: Vec<String> = ["class", "n", "decided", "precision", "recall", "F1"]
        .map(str::to_owned)
        .into_iter()
        .chain(found.axis.classes.iter().map(|class| format!("→ {class}")))
        .collect();
    let rate = |value: Option<f64>| value.map_or("undefined".into(), |value| format!("{value:.3}"));
    let rows: Vec<Vec<String>> = metrics
        .classes
        .iter()
        .zip(&found.confusion)
        .map(|(class, confusion)| {
            let mut row = vec![class.class.clone(), class.n.to_string(), class.predicted.to_string()];
            row.extend([rate(class.precision), rate(class.recall), rate(class.f1)]);
            row.extend(confusion.iter().map(u64::to_string));
            row
        })
        .collect();
    out += &table(&header, &rows, 1);
    out += &format!("macro-F1            {}\n", figure(metrics.macro_f1, ends(found.macro_f1_interval)));
    if !found.axis.polar.is_empty() {
        let polar = found.axis.polar.join(", ");
        out += &format!(
            "F of {:<14} {}\n",
            "polar classes",
            figure(metrics.semeval_f, ends(found.semeval_f_interval))
        );
        out += &format!("                    (mean F1 of {polar})\n");
    }
    out += &format!("accuracy            {}\n", figure(metrics.accuracy, ends(found.accuracy_interval)));
    out += &format!(
        "MCC {}, Brier {}, log-loss {}, ECE {}\n",
        rate(metrics.mcc),
        rate(metrics.brier),
        rate(metrics.log_loss),
        rate(metrics.ece)
    );
    let mut c = found.c.clone();
    c.sort_by(f64::total_cmp);
    c.dedup();
    let c: Vec<String> = c.iter().map(f64::to_string).collect();
    out += &format!("C chosen            {}\n\n", c.join(", "));
    out
}

fn ends(interval: Option<Interval>) -> Option<[f64; 2]> {
    interval.map(|interval| [interval.low, interval.high])
}

/// The seed articles, each left out of training.
fn seeds_text(found: &AxisEvaluation) -> String {
    let seeds: Vec<_> = found.predictions.iter().filter(|prediction| prediction.origin == "seed").collect();
    if seeds.is_empty() {
        return String::new();
    }
    let header: Vec<String> = ["seed, left out", "by hand", "decided"]
        .map(str::to_owned)
        .into_iter()
        .chain(found.axis.classes.iter().cloned())
        .collect();
    let rows: Vec<Vec<String>> = seeds
        .iter()
        .map(|seed| {
            let mut row = vec![seed.id.clone(), seed.truth.clone(), seed.predicted.clone()];
            row.extend(seed.probabilities.iter().map(|p| format!("{p:.3}")));
            row
        })
        .collect();
    table(&header, &rows, 3) + "\n"
}
