//! Scores as a table for people.

use kzstance::model::{Header, Score as Scored};

use super::super::talk::{harmless, table};

/// The table, and below it the evidence where there is any; `isolate` keeps right-to-left words apart on a terminal.
pub fn table_of(scores: &[Scored], header: &Header, isolate: bool) -> String {
    let mut names = vec!["document".to_owned()];
    for head in &header.heads {
        if head.axis.is_on_target() {
            names.push("on target".into());
            continue;
        }
        names.push(head.axis.name.clone());
        names.extend(head.axis.classes.iter().cloned());
    }
    names.push("known words".into());
    let rows: Vec<Vec<String>> = scores.iter().map(|score| table_row(score, header)).collect();
    let mut text = table(&names, &rows, usize::MAX);
    for score in scores.iter().filter(|score| !score.evidence.is_empty()) {
        let class = &header.heads[0].axis.classes[score.heads[0].class];
        text += &format!("\n{}: words that weigh most for (+) or against (-) {class}\n", flat(&score.id));
        for found in &score.evidence {
            // Isolates keep a right-to-left word from rearranging its line on a terminal.
            let term = flat(&found.term);
            let term = if isolate { format!("\u{2068}{term}\u{2069}") } else { term };
            text += &format!("  {:+.3}  {term}\n", found.weight);
        }
    }
    text
}

/// A name that others gave, on one line and without what would steer a terminal.
fn flat(name: &str) -> String {
    harmless(&name.replace(['\n', '\r'], " "))
}

fn table_row(score: &Scored, header: &Header) -> Vec<String> {
    let mut row = vec![flat(&score.id)];
    for (head, found) in header.heads.iter().zip(&score.heads) {
        if head.axis.is_on_target() {
            row.push(format!("{:.0} %", 100.0 * found.probabilities[0]));
            continue;
        }
        let label = &head.axis.classes[found.class];
        row.push(found.abstain.map_or_else(|| label.clone(), |reason| format!("{label} ({reason})")));
        row.extend(found.probabilities.iter().map(|p| format!("{p:.3}")));
    }
    row.push(format!("{:.0} %", 100.0 * score.known_share));
    row
}
