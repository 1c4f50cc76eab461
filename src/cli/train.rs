//! `kzstance train`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::model::card::{CARD_MARK, card, figure};
use kzstance::model::{Figure, HeadInfo, Model};
use kzstance::train::{Trained, train};
use kzstance::write::write_atomically;
use kzstance::{Error, Result};

use super::options::{FitArgs, LabelArgs, one_target};
use super::talk::{Talk, print, size, table};

#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    labels: LabelArgs,

    /// Where to write the model; its card goes beside it as .md [default: models/NAME.kzm]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write over a file that is no model
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    fit: FitArgs,
}

impl Train {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let mut config = self.fit.config()?;
        let mut corpus = self.labels.read(talk)?;
        self.fit.learn_vectors(&mut corpus, &mut config, &self.labels.read.options(), talk)?;
        one_target(&corpus)?;
        let output = self
            .output
            .clone()
            .unwrap_or_else(|| PathBuf::from("models").join(format!("{}.kzm", corpus.name)));
        // Better said before the work than after it.
        if !self.force
            && output.exists()
            && Model::open(&output).is_err_and(|error| !matches!(error, Error::ModelIncompatible { .. }))
        {
            return Err(Error::Usage(format!(
                "{}: this file is no model; name another with -o, or write over it with --force",
                output.display()
            )));
        }
        let card_path = output.with_extension("md");
        if card_path == output {
            return Err(Error::Usage(format!(
                "{}: the card takes the ending .md; give the model another",
                output.display()
            )));
        }
        let foreign = |text: String| !text.contains(CARD_MARK);
        if !self.force && std::fs::read_to_string(&card_path).is_ok_and(foreign) {
            return Err(Error::Usage(format!(
                "{}: the model's card would be written over this file; name another model with -o, or use --force",
                card_path.display()
            )));
        }
        let bar = talk.progress((corpus.axes.len() * config.learn.c.len()) as u64, "choosing C");
        let trained = train(&corpus, &config, &|| bar.inc(1))?;
        bar.finish_and_clear();
        trained.model.save(&output)?;
        write_atomically(&card_path, card(&trained.model).as_bytes())?;
        let mut out = report(&trained);
        out += &format!("model    {} ({})\n", output.display(), size(trained.model.bytes().len()));
        out += &format!("card     {}\n", card_path.display());
        out += &format!("sha256   {}\n", trained.model.sha256());
        print(out.as_bytes())
    }
}

fn report(trained: &Trained) -> String {
    let header = trained.model.header();
    let origins: Vec<String> = header
        .origins
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    let mut out = format!("{} documents", header.n_documents);
    if !origins.is_empty() {
        out += &format!(": {}", origins.join(", "));
    }
    out += "\n\n";
    let wanted =
        ["axis", "examples", "C", "cross-validated on", "macro-F1", "F of polar classes"].map(str::to_owned);
    let rows: Vec<Vec<String>> = header.heads.iter().map(row).collect();
    out += &table(&wanted, &rows, 4);
    if let Some(head) = header.heads.first() {
        out += &format!("{}; 95 % intervals by a bootstrap over groups\n", head.quality.folds);
    }
    out.push('\n');
    let press: Vec<Vec<String>> = header.heads.iter().filter_map(press).collect();
    if !press.is_empty() {
        let wanted = ["press articles", "n", "macro-F1", "F of polar classes", "AUC of taking a side"]
            .map(str::to_owned);
        out += &table(&wanted, &press, 1);
        out += "judged by a model that saw no press article; stance of those on target\n\n";
    }
    out
}

/// What a model without the press articles makes of those.
fn press(head: &HeadInfo) -> Option<Vec<String>> {
    let press = head.origins.iter().find(|quality| quality.origin == "press")?;
    let of = |figured: Figure| figure(figured.value, figured.interval);
    let polar = |figured: Figure| if head.axis.polar.is_empty() { "—".into() } else { of(figured) };
    Some(vec![
        head.axis.name.clone(),
        press.n.to_string(),
        of(press.macro_f1),
        polar(press.semeval_f),
        polar(press.sided),
    ])
}

fn row(head: &HeadInfo) -> Vec<String> {
    let list = |counts: &[usize]| -> String {
        let counts: Vec<String> =
            head.axis.classes.iter().zip(counts).map(|(class, n)| format!("{n} {class}")).collect();
        counts.join(", ")
    };
    let mut counts = list(&head.counts);
    if !head.foreign_counts.is_empty() {
        counts += &format!("\nand toward other targets {}", list(&head.foreign_counts));
    }
    let quality = &head.quality;
    vec![
        head.axis.name.clone(),
        counts,
        head.c.to_string(),
        format!("n = {}", quality.n),
        figure(quality.macro_f1, quality.macro_f1_interval),
        // An axis without polar classes has no such figure, which is not the same as an undefined one.
        if head.axis.polar.is_empty() {
            "—".into()
        } else {
            figure(quality.semeval_f, quality.semeval_f_interval)
        },
    ]
}
