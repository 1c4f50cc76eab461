//! Checks of labels beyond what reading finds by itself.

use std::collections::BTreeMap;

use crate::corpus::Corpus;
use crate::error::Error;
use crate::evaluate::sample::{NEAR_DUPLICATE, duplicate_clusters};
use crate::features::{FeatureConfig, Lexicon};
use crate::read::Problems;

/// Finds near-duplicates that were judged differently: one of the judgements is wrong, or the
/// difference hangs on a few words that no model can rely on. Minimal pairs are made so on purpose:
/// members of one pair may differ.
pub fn conflicting_duplicates(corpus: &Corpus, problems: &mut Problems) {
    // Only words matter here.
    let config = FeatureConfig { blocks: Vec::new(), ..FeatureConfig::default() };
    let lexicon = Lexicon::new(&config, corpus.examples.iter().map(|example| &example.document));
    let mut first: BTreeMap<(usize, usize, Option<&str>), usize> = BTreeMap::new();
    let clusters = duplicate_clusters(&lexicon);
    for (row, (example, cluster)) in corpus.examples.iter().zip(clusters).enumerate() {
        for (number, axis) in corpus.axes.iter().enumerate() {
            let Some(class) = example.labels[number] else { continue };
            let other = *first.entry((cluster, number, example.target.as_deref())).or_insert(row);
            let Some(known) = corpus.examples[other].labels[number].filter(|&known| known != class) else {
                continue;
            };
            if example.pair.is_some() && example.pair == corpus.examples[other].pair {
                continue;
            }
            let (this, that) = (&example.document, &corpus.examples[other].document);
            problems.0.push(Error::Labels {
                place: this.place.clone(),
                problem: format!(
                    "«{}» is a near-duplicate of «{}» ({}; {:.0} % of their words or more are the same), but its {} is {} and the other's {}; make them agree, or remove one",
                    this.id,
                    that.id,
                    that.place,
                    100.0 * NEAR_DUPLICATE,
                    axis.name,
                    axis.classes[class],
                    axis.classes[known]
                ),
            });
        }
    }
}

/// Compares texts at hand with the hashes that their features carry. Returns how many matched.
pub fn text_hashes(corpus: &Corpus, texts: &BTreeMap<String, String>, problems: &mut Problems) -> usize {
    let mut matched = 0;
    for example in &corpus.examples {
        let document = &example.document;
        let (Some(hash), Some(found)) = (document.field("sha256"), texts.get(&document.id)) else { continue };
        if hash == *found {
            matched += 1;
        } else {
            problems.0.push(Error::Labels {
                place: document.place.clone(),
                problem: format!("«{}» was extracted from a text with SHA-256 {hash}, but the text at hand has {found}; extract it again", document.id),
            });
        }
    }
    matched
}
