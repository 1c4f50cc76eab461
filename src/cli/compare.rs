//! `kzstance compare`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::evaluate::compare::{AxisComparison, Comparison, Named, Options, compare};
use kzstance::report::read_evaluation;
use kzstance::{Result, RngSeed};

use super::talk::{harmless, print, table};

const EXAMPLE: &str = "\
Articles are matched by id; what one evaluation alone has judged is left out, and told. A verdict is on B: \
better or worse where the 95 % interval of the difference leaves 0 out, else what cannot be told, with about \
how many labels would tell.

Example:
  kzstance evaluate labels/ --report before/
  kzstance evaluate labels/ --config other.toml --report after/
  kzstance compare before/evaluation.json after/evaluation.json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Compare {
    /// The evaluation to compare with: the evaluation.json of «kzstance evaluate --report»
    #[arg(value_name = "A.json")]
    a: PathBuf,

    /// The evaluation that is better or worse
    #[arg(value_name = "B.json")]
    b: PathBuf,

    /// An axis to compare; may be repeated [default: all that are in both]
    #[arg(long, value_name = "NAME")]
    axis: Vec<String>,

    /// Seed of the intervals [default: 2022]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Resamples of an interval
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    resamples: u32,

    /// Print JSON (schema kzstance-comparison/1) instead of tables
    #[arg(long)]
    json: bool,

    /// Print Markdown instead of tables
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

impl Compare {
    pub fn run(&self) -> Result<ExitCode> {
        let (a, b) = (read_evaluation(&self.a)?, read_evaluation(&self.b)?);
        let options = Options {
            axes: self.axis.clone(),
            seed: self.seed.map(RngSeed).unwrap_or_default(),
            resamples: self.resamples as usize,
        };
        let named = |path, evaluation| Named { path, evaluation };
        let found = compare(named(&self.a, &a), named(&self.b, &b), &options)?;
        // Serialising plain data cannot fail.
        let json = || serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
        let out = match (self.json, self.markdown) {
            (true, _) => json(),
            (_, true) => found.markdown(),
            _ => harmless(&text(&found)),
        };
        print(out.as_bytes())
    }
}

fn text(found: &Comparison) -> String {
    let mut out = String::new();
    for (letter, source) in [("A", &found.a), ("B", &found.b)] {
        out += &format!("{letter}  {} ({}, {})\n", source.file, source.corpus, source.program);
    }
    for axis in &found.axes {
        out += &format!("\n{}\n", axis.heading());
        // The verdict, the last column, is words.
        out += &table(&AxisComparison::COLUMNS.map(str::to_owned), &axis.rows(), 1);
        out += &format!("{}\n", axis.mcnemar_said());
    }
    out += "\n";
    found.notes.iter().for_each(|note| out += &format!("{note}\n"));
    out + &found.intervals_said() + "\n"
}
