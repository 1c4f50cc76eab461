//! The model card: Markdown written from what the model measured and holds, nothing else.

use std::fmt::Write;

use super::file::Model;
use super::header::{Figure, HeadInfo, Validated};
use crate::features::Extractor;

/// Stands in every card: a file with it may be written over by another card.
pub const CARD_MARK: &str = "Written by `kzstance train` from the model's own figures; not edited by hand.";

/// The card of a model (after Mitchell et al. 2019, *Model cards for model reporting*).
pub fn card(model: &Model) -> String {
    let header = model.header();
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_card(&mut out, model, header.target.as_deref().unwrap_or("not stated"));
    out
}

fn write_card(out: &mut String, model: &Model, target: &str) -> std::fmt::Result {
    let header = model.header();
    writeln!(out, "# {}\n", escape(&header.name))?;
    writeln!(out, "{CARD_MARK}\n")?;
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| target of stance | {} |", escape(target))?;
    let axes: Vec<String> = header
        .heads
        .iter()
        .map(|head| format!("{} ({})", escape(&head.axis.name), head.axis.classes.join(", ")))
        .collect();
    writeln!(out, "| judges | {} |", axes.join("; "))?;
    let origins: Vec<String> = header
        .origins
        .iter()
        .map(|(origin, n)| format!("{n} {}", if origin.is_empty() { "of no stated origin" } else { origin }))
        .collect();
    writeln!(out, "| trained on | {} documents: {} |", header.n_documents, origins.join(", "))?;
    writeln!(out, "| mean length | {:.0} words |", header.mean_length)?;
    let blocks: Vec<String> = header
        .features
        .blocks
        .iter()
        .zip(&header.block_sizes)
        .map(|(block, size)| match block.extractor {
            Extractor::Word => format!("{size} words"),
            Extractor::Stem => format!("{size} stems"),
            Extractor::Chars { min, max } => format!("{size} character n-grams ({min}-{max})"),
            Extractor::Manner { .. } => format!("{size} shares of words of manner"),
            Extractor::Polarity { .. } => format!("{size} shares of words of praise, blame and laughter"),
            Extractor::Vectors { dimensions } => {
                format!("{size} stems with vectors of {dimensions} numbers from unlabelled text")
            }
        })
        .collect();
    writeln!(
        out,
        "| features | {}; each in {} training documents at least |",
        blocks.join(", "),
        header.features.min_df
    )?;
    writeln!(out, "| training digest | `{}` |", header.training_digest)?;
    writeln!(out, "| file | {:.2} MB, SHA-256 `{}` |\n", model.bytes().len() as f64 / 1e6, model.sha256())?;
    writeln!(out, "## Examples and fit\n")?;
    writeln!(out, "| axis | class | examples | C | gap to the optimum, at most |\n|---|---|---|---|---|")?;
    for head in &header.heads {
        for (class, count) in head.axis.classes.iter().zip(&head.counts) {
            writeln!(
                out,
                "| {} | {} | {count} | {} | {:.0e} |",
                head.axis.name,
                escape(class),
                head.c,
                head.gap
            )?;
        }
    }
    for head in header.heads.iter().filter(|head| !head.foreign_counts.is_empty()) {
        let counts = head.axis.classes.iter().zip(&head.foreign_counts);
        let counts: Vec<String> = counts.map(|(class, n)| format!("{n} {}", escape(class))).collect();
        writeln!(
            out,
            "\n{}: beside these {} toward other targets, which teach whether a side is taken, not which.",
            head.axis.name,
            counts.join(", ")
        )?;
    }
    writeln!(out, "\n## Measured quality\n")?;
    write_quality(out, &header.heads)?;
    write_origins(out, &header.heads)?;
    writeln!(out, "\n## Limits\n")?;
    let shares = |head: &HeadInfo| {
        let shares = head.axis.classes.iter().zip(&head.rule.calibration.prior);
        let shares: Vec<String> =
            shares.map(|(class, share)| format!("{} {share:.2}", escape(class))).collect();
        format!("{}: {}", head.axis.name, shares.join(", "))
    };
    let assumed: Vec<String> = header.heads.iter().map(shares).collect();
    writeln!(
        out,
        "- Probabilities are calibrated, and assume these shares of the classes ({}). Where yours are others, say so with `--prior`.",
        assumed.join("; ")
    )?;
    writeln!(
        out,
        "- A text is `too-short` under {} words, and `unfamiliar` where less than about {:.0} % of its words are known; `ambiguous` is said at level {}.",
        header.heads.iter().map(|head| head.rule.words).max().unwrap_or(1),
        100.0 * header.heads.iter().map(|head| head.rule.known_share).fold(0.0, f64::max),
        header.learn.level
    )?;
    if header.origins.iter().any(|(origin, _)| origin == "authored") {
        writeln!(
            out,
            "- Most of its examples were written to train it. Figures on such passages say how well it learned them, not how well it reads the press."
        )?;
    }
    for head in &header.heads {
        let few: Vec<&str> = head
            .axis
            .classes
            .iter()
            .zip(&head.counts)
            .filter(|(_, n)| **n < 20)
            .map(|(class, _)| class.as_str())
            .collect();
        if !few.is_empty() {
            writeln!(
                out,
                "- {}: fewer than 20 examples of {}; its figures for them say little.",
                head.axis.name,
                few.join(", ")
            )?;
        }
    }
    for head in header.heads.iter().filter(|head| !head.validated.is_empty()) {
        let of = |part: &Validated| {
            let origin = if part.origin.is_empty() { "of no stated origin" } else { &part.origin };
            format!("{} {} ({})", part.n, escape(origin), escape(&part.held_out))
        };
        let parts: Vec<String> = head.validated.iter().map(of).collect();
        writeln!(
            out,
            "- {}: `kzstance share` corrects shares by the errors on held-out articles: {}.",
            head.axis.name,
            parts.join("; ")
        )?;
    }
    writeln!(
        out,
        "- Made for shares and trends over many articles. Not for judging persons, for moderation, or for a verdict on a single article."
    )?;
    writeln!(
        out,
        "- The file holds the vocabulary it was trained on: every stem and n-gram of {} documents or more.",
        header.features.min_df
    )
}

fn write_quality(out: &mut String, heads: &[HeadInfo]) -> std::fmt::Result {
    writeln!(
        out,
        "Cross-validation: vocabulary, frequencies and weights fitted inside each fold; 95 % intervals by a bootstrap over groups.\n"
    )?;
    writeln!(
        out,
        "| axis | n | macro-F1 | F of the two polar classes | accuracy | folds |\n|---|---|---|---|---|---|"
    )?;
    for head in heads {
        let quality = &head.quality;
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            head.axis.name,
            quality.n,
            figure(quality.macro_f1, quality.macro_f1_interval),
            if head.axis.polar.is_empty() {
                "—".into()
            } else {
                figure(quality.semeval_f, quality.semeval_f_interval)
            },
            quality.accuracy.map_or("undefined".into(), |accuracy| format!("{accuracy:.3}")),
            quality.folds
        )?;
    }
    Ok(())
}

/// The figures by origin: a pooled figure is mostly that of the origin with most examples.
fn write_origins(out: &mut String, heads: &[HeadInfo]) -> std::fmt::Result {
    let apart: Vec<&HeadInfo> = heads.iter().filter(|head| !head.origins.is_empty()).collect();
    if apart.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nBy origin of the articles, those on target. The pooled figures above are mostly those of the largest origin; what the model does in the field is nearest to the row `press`.\n"
    )?;
    writeln!(
        out,
        "| axis | origin | n | AUC, a side or none | AUC, which side | F of the two polar classes | macro-F1 | judged by |\n|---|---|---|---|---|---|---|---|"
    )?;
    let of =
        |figured: Figure| figured.value.map_or("—".into(), |_| figure(figured.value, figured.interval));
    for head in apart {
        for quality in &head.origins {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                head.axis.name,
                escape(if quality.origin.is_empty() { "not stated" } else { &quality.origin }),
                quality.n,
                of(quality.sided),
                of(quality.direction),
                of(quality.semeval_f),
                of(quality.macro_f1),
                quality.held_out
            )?;
        }
    }
    Ok(())
}

/// A figure with its interval: `0.512 (0.401-0.633)`; `undefined` where it is. There is no interval where
/// examples are too few, or where no resample differs from another.
pub fn figure(value: Option<f64>, interval: Option<[f64; 2]>) -> String {
    match (value, interval) {
        (None, _) => "undefined".into(),
        (Some(value), None) => format!("{value:.3} (no interval)"),
        // A dash would be read as the sign of what follows it.
        (Some(value), Some([low, high])) if low < 0.0 => format!("{value:.3} ({low:.3} to {high:.3})"),
        (Some(value), Some([low, high])) => format!("{value:.3} ({low:.3}-{high:.3})"),
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
