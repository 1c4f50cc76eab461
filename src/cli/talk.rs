//! What is said, and where: progress and notes on standard error, data on standard output.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kzstance::{Error, Result};

/// Text without what would steer a terminal or turn the direction of a line: names are written by others.
pub fn harmless(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// The same, with no line that a build server would take for a command to it.
fn no_command(text: &str) -> String {
    let text = harmless(text);
    let command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    let lines = text.split('\n').map(|line| {
        if command(line) { format!("| {line}").replace("##[", "##\u{fffd}[") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How loud to be.
#[derive(Debug)]
pub struct Talk {
    quiet: bool,
}

impl Talk {
    pub fn new(quiet: bool) -> Self {
        Talk { quiet }
    }

    /// Something to know.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            anstream::eprintln!("{}", no_command(text.as_ref()));
        }
    }

    /// Something to look at, whatever the loudness.
    pub fn warn(text: impl AsRef<str>) {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
        anstream::eprintln!("{style}warning:{style:#} {}", no_command(text.as_ref()));
    }

    pub fn error(error: &Error) {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        anstream::eprintln!("{style}error:{style:#} {}", no_command(&error.to_string()));
    }

    /// A progress bar on a terminal, nothing elsewhere.
    pub fn progress(&self, steps: u64, what: &'static str) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:30.cyan/dim} {pos}/{len}  {elapsed} elapsed, {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Progress by bytes, of `total` where that is known: on a terminal, and nothing elsewhere.
    pub fn bytes(&self, total: Option<u64>, what: &'static str) -> Progress {
        let hidden = self.quiet || !std::io::stderr().is_terminal();
        if hidden {
            return Progress { bar: ProgressBar::hidden(), what, begun: None };
        }
        let template = if total.is_some() {
            "{msg} {bar:30.cyan/dim} {bytes}/{total_bytes}  {decimal_bytes_per_sec}, {eta} left"
        } else {
            "{msg} {spinner} {bytes}  {decimal_bytes_per_sec}, {elapsed} elapsed"
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, what, begun: None }
    }
}

/// How far a run is, in bytes of its input and in records.
pub struct Progress {
    bar: ProgressBar,
    what: &'static str,
    begun: Option<(Instant, u64)>,
}

impl Progress {
    /// So many bytes are read of the whole, and so many records done. Their speed is that of this run: what an earlier
    /// one did is done at once.
    pub fn at(&mut self, bytes: u64, records: u64) {
        if self.bar.is_hidden() {
            return;
        }
        let Some((since, before)) = self.begun else {
            // Bytes that were passed over say nothing of what is left.
            self.bar.set_position(bytes);
            self.bar.reset_eta();
            self.begun = Some((Instant::now(), records));
            return;
        };
        let seconds = since.elapsed().as_secs_f64().max(1e-3);
        self.bar.set_position(bytes);
        self.bar.set_message(format!("{} {:.0} records/s", self.what, (records - before) as f64 / seconds));
    }

    /// Says something without a part of the bar beside it.
    pub fn suspend(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Writes data to standard output.
pub fn print(bytes: &[u8]) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_error)?;
    Ok(ExitCode::SUCCESS)
}

pub fn stdout_error(source: std::io::Error) -> Error {
    Error::Write { path: PathBuf::from("standard output"), source }
}

/// A table for people: a header, rows, columns of numbers to the right.
pub fn table(header: &[String], rows: &[Vec<String>], numeric_from: usize) -> String {
    use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
    const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    let cell = |(index, text): (usize, &String)| {
        let alignment = if index >= numeric_from { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(alignment)
    };
    table.set_header(header.iter().enumerate().map(cell));
    for row in rows {
        table.add_row(row.iter().enumerate().map(cell));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A size for people.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..100_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}
