//! `kzstance inspect`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::Result;
use kzstance::config::TrainConfig;
use kzstance::model::{Model, card, terms};

use super::talk::{Talk, print};
use kzstance::rng::RngSeed;

#[derive(Debug, Args)]
pub struct Inspect {
    /// The model
    model: PathBuf,

    /// Terms to list for each class
    #[arg(long, value_name = "N", default_value_t = 12)]
    top: usize,

    /// Print the header as JSON
    #[arg(long, conflicts_with = "config")]
    json: bool,

    /// Print the settings that made it, for --config
    #[arg(long)]
    config: bool,
}

impl Inspect {
    pub fn run(&self, _talk: &Talk) -> Result<ExitCode> {
        let model = Model::open(&self.model)?;
        let header = model.header();
        // Serialising plain data cannot fail.
        if self.json {
            return print((serde_json::to_string_pretty(header).unwrap_or_default() + "\n").as_bytes());
        }
        if self.config {
            let config = TrainConfig {
                features: header.features.clone(),
                learn: header.learn.clone(),
                seed: RngSeed(header.seed),
            };
            return print(toml::to_string(&config).unwrap_or_default().as_bytes());
        }
        let mut out = card::card(&model);
        let steps: Vec<String> = header.features.normalizer.steps().map(|step| format!("{step:?}")).collect();
        out += &format!(
            "\n## Format\n\nModel format {}, normaliser {} ({}). The checksum matches.\n",
            header.format,
            header.features.normalizer.version(),
            steps.join(", ")
        );
        out += "\n## Terms that weigh most\n";
        for head in terms::top_terms(&model, self.top) {
            for (class, terms) in head.classes {
                out += &format!("\n{} {class}: ", head.axis);
                out += &terms
                    .iter()
                    .map(|term| format!("{} {:+.2}", term.term.replace(' ', "_"), term.weight))
                    .collect::<Vec<_>>()
                    .join(", ");
                out.push('\n');
            }
        }
        print(out.as_bytes())
    }
}
