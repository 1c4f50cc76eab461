//! `kzstance evaluate`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::config::TrainConfig;
use kzstance::corpus::Corpus;
use kzstance::evaluate::cross::{count_fits, evaluate, evaluate_held_out, evaluate_model};
use kzstance::evaluate::gate::{Gate, GateResult, check, parse, read_gates, unanswered};
use kzstance::evaluate::{Evaluation, FoldPlan, Plan};
use kzstance::model::Scorer;
use kzstance::read::{Problems, read_labels};
use kzstance::report::{self, Json, Render, Report, read_evaluation};
use kzstance::write::write_atomically;
use kzstance::{Error, Result};

use super::annotate::annotate;
use super::evaluation::text;
use super::options::{FitArgs, LabelArgs, open_model};
use super::talk::{Talk, print};

#[allow(clippy::struct_excessive_bools, clippy::doc_markdown)] // Switches are bools, and help is no Markdown.
#[derive(Debug, Args)]
pub struct Evaluate {
    #[command(flatten)]
    labels: LabelArgs,

    /// Judge with this model instead of cross-validating; the labels must be new to it
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["folds", "test"])]
    model: Option<PathBuf>,

    /// Fit on all the labels and judge those of this file or folder instead of cross-validating
    #[arg(long, value_name = "LABELS", conflicts_with = "folds")]
    test: Option<PathBuf>,

    /// What is held out: a number of folds, loo (one article at a time), logo (one outlet at a time), time
    /// (each run of time judged by a fit on what is older), or origins (each origin judged by a model that
    /// was not trained on it)
    #[arg(long, value_name = "K", default_value = "5")]
    folds: FoldPlan,

    /// The folds alone: no random folds, folds by time and baselines beside them
    #[arg(long)]
    brief: bool,

    /// With --folds origins: probe the authored passages for give-aways (length, punctuation, …)
    #[arg(long, conflicts_with_all = ["model", "test"])]
    probes: bool,

    /// Learning curves: what more examples would bring
    #[arg(long, conflicts_with_all = ["model", "test"])]
    curve: bool,

    #[command(flatten)]
    fit: FitArgs,

    /// Print JSON (schema kzstance-evaluation/2) instead of tables
    #[arg(long)]
    json: bool,

    /// Also write evaluation.json, report.html, summary.md, comment.md and junit.xml into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// What must hold, as in 'stance.macro_f1.low >= 0.5' or 'stance.semeval_f not_worse_than baseline'; may
    /// be repeated; exit status 1 if any does not
    #[arg(long = "gate", value_name = "EXPR", value_parser = parse)]
    gate: Vec<Gate>,

    /// More gates, from a file such as labels/gates.toml
    #[arg(long, value_name = "FILE")]
    gates: Option<PathBuf>,

    /// An earlier evaluation.json that gates compare with
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

impl Evaluate {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        // Whatever can be wrong with the question is said before any work.
        let mut gates = self.gates.as_deref().map_or(Ok(Vec::new()), read_gates)?;
        gates.extend(self.gate.iter().cloned());
        let baseline = self.baseline.as_deref().map(read_evaluation).transpose()?;
        if baseline.is_none()
            && let Some(gate) = gates.iter().find(|gate| gate.wants_baseline())
        {
            return Err(Error::Usage(format!(
                "gate «{gate}»: name the baseline with --baseline FILE, an evaluation.json"
            )));
        }
        let mut config = self.fit.config()?;
        let mut corpus = self.labels.read(talk)?;
        self.fit.learn_vectors(&mut corpus, &mut config, &self.labels.read.options(), talk)?;
        let evaluation = self.found(&corpus, &config, talk)?;
        // A gate that cannot be answered ends in an error, but not before what was found is told.
        let mut fault = None;
        let answered = gates.iter().map(|gate| {
            check(gate, &evaluation, baseline.as_ref()).unwrap_or_else(|error| {
                let result = unanswered(gate, &error);
                fault.get_or_insert(error);
                result
            })
        });
        let report = Report { gates: answered.collect(), evaluation };
        if let Some(folder) = &self.report {
            for form in report::all() {
                write_atomically(&folder.join(form.name()), form.render(&report).as_bytes())?;
            }
        }
        let listed = self.folds == FoldPlan::LeaveOneOut && self.model.is_none() && self.test.is_none();
        let out = if self.json { Json.render(&report) } else { text(&report.evaluation, listed) };
        let done = print(out.as_bytes())?;
        let passed = told(&report.gates, talk);
        match fault {
            Some(error) => Err(error),
            None => Ok(if passed { done } else { ExitCode::from(1) }),
        }
    }

    fn found(&self, corpus: &Corpus, config: &TrainConfig, talk: &Talk) -> Result<Evaluation> {
        if self.model.is_some() {
            let scorer = Scorer::new(&open_model(self.model.as_ref())?)?;
            let found = evaluate_model(corpus, &scorer, config)?;
            if found.left_out > 0 {
                Talk::warn(format!(
                    "the model was trained on {} of these {} articles: they are left out",
                    found.left_out,
                    corpus.examples.len()
                ));
            }
            return Ok(found);
        }
        if let Some(test) = &self.test {
            let mut problems = Problems::default();
            let test = read_labels(
                test,
                &self.labels.axis,
                &self.labels.read.options(),
                &mut problems,
                &mut |note| talk.note(note),
            )?;
            problems.into_result()?;
            return evaluate_held_out(corpus, &test, config, &|| ());
        }
        let plan = Plan { folds: self.folds, beside: !self.brief, curve: self.curve, probes: self.probes };
        let bar = talk.progress(count_fits(corpus, plan) as u64, "cross-validating");
        let found = evaluate(corpus, config, plan, &|| bar.inc(1))?;
        bar.finish_and_clear();
        Ok(found)
    }
}

/// Says how the gates stand, and whether all were passed.
fn told(gates: &[GateResult], talk: &Talk) -> bool {
    for gate in gates {
        let line = format!("{}: {}", gate.expression, gate.message);
        if gate.passed {
            talk.note(format!("gate passed  {line}"));
        } else {
            Talk::warn(format!("gate failed  {line}"));
        }
    }
    annotate(gates);
    gates.iter().all(|gate| gate.passed)
}
