//! The command line: what was typed, checked and carried out. Data goes to standard output, talk
//! and progress to standard error.

mod agree;
mod annotate;
mod check;
mod compare;
mod evaluate;
mod evaluation;
mod extract;
mod inspect;
mod options;
mod score;
mod share;
mod talk;
mod train;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use kzstance::Error;

use talk::Talk;

/// Stance and sentiment of Arabic news.
///
/// Train on a folder of labels, score articles, evaluate with honest intervals. No network, ever.
#[derive(Debug, Parser)]
#[command(name = "kzstance", version = version(), max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Say nothing but errors
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Threads to use; results do not depend on it [default: one a core]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
}

const EXAMPLES: &str = "\
Examples:
  kzstance train labels/                      train on a folder of labels, write model and card
  kzstance score article.txt                  stance and sentiment of an article
  kzstance score news.jsonl --format jsonl    one line a document, in input order
  kzstance share scored.jsonl --by week       shares of the classes, corrected for errors
  kzstance evaluate labels/ --folds loo       leave one article out
  kzstance compare before.json after.json     whether one evaluation is better than another
  kzstance agree judgements.csv               how far those who judged the same articles agree
  kzstance inspect models/kz-intervention.kzm

Exit status: 0 done, 1 a gate failed, 2 usage or unwritable output, 3 bad input,
4 damaged or incompatible model, 70 internal.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit on labels, cross-validate, and write the model and its card
    Train(train::Train),
    /// Judge articles with a model
    Score(score::Score),
    /// Shares of the classes in scored articles, corrected for misclassification, with intervals
    Share(share::Share),
    /// Cross-validate on labels, or judge labelled articles with a given model
    Evaluate(evaluate::Evaluate),
    /// Compare two evaluations of the same articles: better, worse, or not to be told
    Compare(compare::Compare),
    /// Look for faults in labels
    Check(check::Check),
    /// Measure how far raters agree who judged the same articles
    Agree(agree::Agree),
    /// Write the features of articles without their text
    Extract(extract::Extract),
    /// Print what a model says of itself, and verify its checksum
    Inspect(inspect::Inspect),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn version() -> String {
    format!(
        "{} (model format {}, normaliser {})",
        env!("CARGO_PKG_VERSION"),
        kzstance::model::FORMAT_VERSION,
        kzstance::text::NORMALIZER_VERSION
    )
}

/// Runs the command that was typed.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Some(threads) = cli.threads {
        // Fails only where a pool exists already; there is none yet.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let talk = Talk::new(cli.quiet);
    let result = match cli.command {
        Command::Train(command) => command.run(&talk),
        Command::Score(command) => command.run(&talk),
        Command::Share(command) => command.run(&talk),
        Command::Evaluate(command) => command.run(&talk),
        Command::Compare(command) => command.run(),
        Command::Check(command) => command.run(&talk),
        Command::Agree(command) => command.run(&talk),
        Command::Extract(command) => command.run(&talk),
        Command::Inspect(command) => command.run(&talk),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kzstance", &mut script);
            talk::print(&script)
        }
    };
    match result {
        Ok(code) => code,
        // Whoever reads our output has seen enough.
        Err(Error::Write { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            Talk::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
