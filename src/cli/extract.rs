//! `kzstance extract`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use kzstance::Error;
use kzstance::Result;
use kzstance::extract::bag_record;
use kzstance::read::{files, read_file};
use kzstance::write::write_atomically;

use super::options::ReadArgs;
use super::talk::Talk;

#[derive(Debug, Args)]
pub struct Extract {
    /// Articles: .txt files, .jsonl, .csv, .tsv or .parquet rows, or folders of these
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// The folder to write to: for each input file NAME.jsonl, one bag record a line
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    #[command(flatten)]
    read: ReadArgs,
}

impl Extract {
    pub fn run(&self, talk: &Talk) -> Result<ExitCode> {
        let mut outputs: Vec<(PathBuf, String)> = Vec::new();
        let mut records = 0;
        for file in files(&self.inputs)? {
            let mut lines = String::new();
            for document in read_file(&file, &self.read.options(), &mut |note| talk.note(note))? {
                lines += &bag_record(&document?).to_string();
                lines.push('\n');
                records += 1;
            }
            let mut name = file.file_stem().unwrap_or_default().to_owned();
            name.push(".jsonl");
            let path = self.output.join(name);
            if outputs.iter().any(|(known, _)| *known == path) {
                return Err(Error::Usage(format!(
                    "two inputs would both be written to {}; rename one",
                    path.display()
                )));
            }
            outputs.push((path, lines));
        }
        // Everything was read: only now is anything written.
        for (path, lines) in &outputs {
            write_atomically(path, lines.as_bytes())?;
        }
        talk.note(format!("{records} records in {} files in {}", outputs.len(), self.output.display()));
        Ok(ExitCode::SUCCESS)
    }
}
