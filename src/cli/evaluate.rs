//! `kzstance evaluate`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::Error;
use kzstance::Result;
use kzstance::config::TrainConfig;
use kzstance::corpus::Corpus;
use kzstance::evaluate::cross::{
    Extras, FoldPlan, count_folds, evaluate, evaluate_by_origin, evaluate_model,
};
use kzstance::evaluate::probes::Probe;
use kzstance::evaluate::risk::{Part, at_coverage};
use kzstance::evaluate::{AxisEvaluation, Evaluation, Interval, Prediction};
use kzstance::evaluate::{curve, origins};
use kzstance::label::Axis;
use kzstance::model::Scorer;
use kzstance::model::card::figure;
use kzstance::write::write_atomically;

use super::options::{FitArgs, LabelArgs, open_model};
use super::origins::{by_origin_text, origins_text};
use super::talk::{Talk, print, table};

#[derive(Debug, Args)]
pub struct Evaluate {
    #[command(flatten)]
    labels: LabelArgs,

    /// Judge with this model instead of cross-validating; the labels must be new to it
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,

    /// What is held out: a number of folds, loo (one article at a time), logo (one outlet at a time), or
    /// origins (each origin judged by a model that was not trained on it) [default: origins where the
    /// labels have several, else 5]
    #[arg(long, value_name = "K", value_parser = plan)]
    folds: Option<Plan>,

    /// With origins: probe the authored passages for give-aways (length, punctuation, …)
    #[arg(long)]
    probes: bool,

    /// With origins: learning curves on the press articles
    #[arg(long)]
    curve: bool,

    #[command(flatten)]
    fit: FitArgs,

    /// Print JSON (schema kzstance-evaluation/1) instead of tables
    #[arg(long)]
    json: bool,

    /// Also write evaluation.json into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// How examples are held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Folds(FoldPlan),
    Origins,
}

fn plan(given: &str) -> Result<Plan, String> {
    match given {
        "origins" => Ok(Plan::Origins),
        other => other.parse().map(Plan::Folds).map_err(|problem: String| format!("{problem}, or origins")),
    }
}

impl Evaluate {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let mut config = self.fit.config()?;
        let mut corpus = self.labels.read(talk)?;
        self.fit.learn_vectors(&mut corpus, &mut config, &self.labels.read.options(), talk)?;
        let several = corpus.origins().len() > 1;
        let plan =
            self.folds.unwrap_or(if several { Plan::Origins } else { Plan::Folds(FoldPlan::Grouped(5)) });
        if (self.probes || self.curve) && (plan != Plan::Origins || self.model.is_some()) {
            return Err(Error::Usage("--probes and --curve go with --folds origins".into()));
        }
        let found = if self.model.is_some() {
            let scorer = Scorer::new(&open_model(self.model.as_ref())?)?;
            let found = evaluate_model(&corpus, &scorer, config.seed)?;
            if found.left_out > 0 {
                Talk::warn(format!(
                    "the model was trained on {} of these {} articles: they are left out",
                    found.left_out,
                    corpus.examples.len()
                ));
            }
            found
        } else {
            self.cross_validate(&corpus, &config, plan, talk)?
        };
        // Serialising plain data cannot fail.
        let json = serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
        if let Some(folder) = &self.report {
            write_atomically(&folder.join("evaluation.json"), json.as_bytes())?;
        }
        let listed = plan == Plan::Folds(FoldPlan::LeaveOneOut) && self.model.is_none();
        let out = if self.json { json } else { text(&found, listed) };
        print(out.as_bytes())
    }

    fn cross_validate(
        &self,
        corpus: &Corpus,
        config: &TrainConfig,
        plan: Plan,
        talk: &Talk,
    ) -> Result<Evaluation> {
        let fits = match plan {
            Plan::Folds(folds) => count_folds(corpus, folds),
            Plan::Origins => {
                let own = (0..corpus.axes.len()).map(|axis| origins::count_fits(corpus, axis)).sum::<usize>();
                let probed =
                    if self.probes { origins::count_registers(corpus) * (1 + Probe::ALL.len()) } else { 0 };
                own + probed + if self.curve { curve::count_fits(corpus) } else { 0 }
            }
        };
        let bar = talk.progress(fits as u64, "cross-validating");
        let done = || bar.inc(1);
        let found = match plan {
            Plan::Folds(folds) => evaluate(corpus, config, folds, &done)?,
            Plan::Origins => {
                let extras = Extras { probes: self.probes, curve: self.curve };
                evaluate_by_origin(corpus, config, extras, &done)?
            }
        };
        bar.finish_and_clear();
        Ok(found)
    }
}

fn text(found: &Evaluation, listed: bool) -> String {
    let mut out = String::new();
    for axis in &found.axes {
        out += &axis_text(axis);
        if !axis.origins.is_empty() {
            let origins: Vec<_> = axis.origins.iter().collect();
            out += &(by_origin_text(&axis.axis, &origins) + "\n");
        }
        if listed {
            out += &seeds_text(&axis.axis, &axis.predictions);
        }
    }
    for axis in &found.origins {
        out += &origins_text(axis);
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
    out += &sureness_text(found);
    let mut c = found.c.clone();
    c.sort_by(f64::total_cmp);
    c.dedup();
    let c: Vec<String> = c.iter().map(f64::to_string).collect();
    out += &format!("C chosen            {}\n\n", c.join(", "));
    out
}

/// What the probabilities are worth: a reliability table, the risk-coverage curve and the abstentions.
fn sureness_text(found: &AxisEvaluation) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let header = ["probability said", "came true", "n"].map(str::to_owned);
    let rows: Vec<Vec<String>> = found
        .reliability
        .iter()
        .map(|bin| vec![percent(bin.confidence), percent(bin.accuracy), bin.n.to_string()])
        .collect();
    let mut out = table(&header, &rows, 0);
    let error = |coverage: f64| {
        let point = at_coverage(&found.risk.points, coverage);
        point.map_or("undefined".into(), |point| format!("{:.3}", point.risk))
    };
    out += &format!(
        "error among the surest quarter {}, half {}, three quarters {}, all {}\n",
        error(0.25),
        error(0.5),
        error(0.75),
        error(1.0)
    );
    let part = |part: &Part| match part.accuracy {
        Some(accuracy) => format!("{} (accuracy {accuracy:.3})", part.n),
        None => part.n.to_string(),
    };
    let abstentions = &found.abstentions;
    let reasons: Vec<String> =
        abstentions.reasons.iter().map(|(reason, of)| format!("{reason} {}", part(of))).collect();
    out += &format!("kept {}", part(&abstentions.kept));
    if !reasons.is_empty() {
        out += &format!("; abstained: {}", reasons.join(", "));
    }
    out + "\n"
}

pub fn ends(interval: Option<Interval>) -> Option<[f64; 2]> {
    interval.map(|interval| [interval.low, interval.high])
}

/// The seed articles, each left out of training; empty where none was judged.
pub fn seeds_text(axis: &Axis, predictions: &[Prediction]) -> String {
    let seeds: Vec<_> = predictions.iter().filter(|prediction| prediction.origin == "seed").collect();
    if seeds.is_empty() {
        return String::new();
    }
    let header: Vec<String> = ["seed, left out", "by hand", "decided"]
        .map(str::to_owned)
        .into_iter()
        .chain(axis.classes.iter().cloned())
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
