//! Labelled documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::document::{Document, features_digest, hex};
use crate::error::{Error, Result};
use crate::features::vectors::Vectors;
use crate::label::Axis;

/// Fewest examples on target, and off it, to learn the difference from.
pub const ON_TARGET_EXAMPLES: usize = 20;
/// Examples whose words are put into the digest together.
const EXAMPLES_AT_ONCE: usize = 1 << 12;

/// A document with what was judged of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The document.
    pub document: Document,
    /// For each axis of the corpus the class, where one was given.
    pub labels: Vec<Option<usize>>,
    /// Where it comes from: `seed`, `press`, `authored`, or empty.
    pub origin: String,
    /// The outlet, as named; documents of one outlet stay in one fold.
    pub outlet: Option<String>,
    /// When it appeared, as given; see [`crate::date::day`].
    pub date: Option<String>,
    /// What its stance is taken toward; `None` for the corpus's own target.
    pub target: Option<String>,
    /// Names the passages that are variants of one another (a minimal pair, a triple); they stay in one
    /// fold.
    pub pair: Option<String>,
    /// What kind of text it is (wire, editorial, …).
    pub register: Option<String>,
    /// Whether it mentions the target at all, where that was judged.
    pub on_target: Option<bool>,
    /// How sure its labels are, 1 (a close call) to 3 (sure), where that was said.
    pub confidence: Option<u8>,
}

impl Example {
    /// A document and its labels, one for each axis of the corpus, with nothing else known of it.
    pub fn new(document: Document, labels: Vec<Option<usize>>) -> Self {
        Example {
            document,
            labels,
            origin: String::new(),
            outlet: None,
            date: None,
            target: None,
            pair: None,
            register: None,
            on_target: None,
            confidence: None,
        }
    }
}

/// Labelled documents, sorted by id, with the axes they are judged on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Corpus {
    /// A short name; the default model's name.
    pub name: String,
    /// What stance is taken toward, in words, where the whole corpus has one target.
    pub target: Option<String>,
    /// The axes, in order.
    pub axes: Vec<Axis>,
    /// The documents.
    pub examples: Vec<Example>,
    /// Vectors of stems, learned from unlabelled text.
    pub vectors: Option<Arc<Vectors>>,
}

impl Corpus {
    /// The index of an axis.
    ///
    /// # Errors
    /// [`Error::Usage`] with the names there are.
    pub fn axis(&self, name: &str) -> Result<usize> {
        self.axes.iter().position(|axis| axis.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            Error::Usage(format!(
                "there are no labels of axis «{name}»; there are labels of: {}",
                names.join(", ")
            ))
        })
    }

    /// Leaves out the axes that no example has a label of, unless none has any; gives their names.
    pub fn drop_empty_axes(&mut self) -> Vec<String> {
        let used: Vec<bool> = (0..self.axes.len())
            .map(|axis| self.examples.iter().any(|example| example.labels[axis].is_some()))
            .collect();
        if !used.contains(&true) {
            return Vec::new();
        }
        let mut kept = used.iter();
        let (axes, dropped): (Vec<Axis>, Vec<Axis>) =
            self.axes.drain(..).partition(|_| kept.next().copied().unwrap_or(true));
        self.axes = axes;
        for example in &mut self.examples {
            let mut kept = used.iter();
            example.labels.retain(|_| kept.next().copied().unwrap_or(true));
        }
        dropped.into_iter().map(|axis| axis.name).collect()
    }

    /// Whether an example's stance was judged toward another target than the corpus's own. A corpus
    /// that states no target has no own one, and no foreign examples.
    pub fn is_foreign(&self, example: &Example) -> bool {
        match (&self.target, &example.target) {
            (Some(own), Some(other)) => own != other,
            _ => false,
        }
    }

    /// Adds the axis [`Axis::on_target`] where there are examples enough to learn it from: those that
    /// were judged off target, and those toward other targets, against the others.
    pub fn add_on_target(&mut self) {
        let off: Vec<bool> = self
            .examples
            .iter()
            .map(|example| self.is_foreign(example) || example.on_target == Some(false))
            .collect();
        let n_off = off.iter().filter(|&&off| off).count();
        let enough = n_off >= ON_TARGET_EXAMPLES && off.len() - n_off >= ON_TARGET_EXAMPLES;
        if !enough || self.axes.iter().any(|axis| axis.name == "on_target") {
            return;
        }
        self.axes.push(Axis::on_target());
        for (example, off) in self.examples.iter_mut().zip(off) {
            example.labels.push(Some(usize::from(off)));
        }
    }

    /// Number of examples of each class of an axis; on the stance axis of those judged toward the
    /// corpus's own target (`foreign` false) or another one.
    pub fn counts(&self, axis: usize, foreign: bool) -> Vec<usize> {
        let mut counts = vec![0; self.axes[axis].classes.len()];
        for example in &self.examples {
            let other = self.axes[axis].is_toward_target() && self.is_foreign(example);
            if let Some(class) = example.labels[axis].filter(|_| other == foreign) {
                counts[class] += 1;
            }
        }
        counts
    }

    /// The targets that its examples name, sorted. Where the corpus states a target, that one alone:
    /// the others are there to learn from.
    pub fn targets(&self) -> Vec<String> {
        if let Some(own) = &self.target {
            return vec![own.clone()];
        }
        let mut targets: Vec<String> =
            self.examples.iter().filter_map(|example| example.target.clone()).collect();
        targets.sort();
        targets.dedup();
        targets
    }

    /// The examples with the given target only.
    ///
    /// # Errors
    /// [`Error::Usage`] where no example has it.
    pub fn of_target(&self, target: &str) -> Result<Self> {
        let examples: Vec<Example> = self
            .examples
            .iter()
            .filter(|example| example.target.as_deref().or(self.target.as_deref()) == Some(target))
            .cloned()
            .collect();
        if examples.is_empty() {
            return Err(Error::Usage(format!(
                "no example has the target «{target}»; there are: {}",
                self.targets().join(", ")
            )));
        }
        let mut part = Corpus {
            examples,
            target: Some(target.to_owned()),
            name: self.name.clone(),
            axes: self.axes.clone(),
            vectors: self.vectors.clone(),
        };
        // What other targets taught of this one is gone with them.
        if let Some(place) = part.axes.iter().position(Axis::is_on_target) {
            part.axes.remove(place);
            for example in &mut part.examples {
                example.labels.remove(place);
            }
            part.add_on_target();
        }
        Ok(part)
    }

    /// Number of examples by origin, sorted.
    pub fn origins(&self) -> Vec<(String, usize)> {
        let mut origins = BTreeMap::new();
        for example in &self.examples {
            *origins.entry(example.origin.clone()).or_insert(0) += 1;
        }
        origins.into_iter().collect()
    }

    /// SHA-256 of everything that training sees: ids, labels and what is known of
    /// them, groups and words, in order.
    pub fn digest(&self) -> String {
        let line = |example: &Example| {
            let labels: Vec<Option<&String>> = example
                .labels
                .iter()
                .zip(&self.axes)
                .map(|(label, axis)| label.map(|class| &axis.classes[class]))
                .collect();
            let words = features_digest(&example.document.segments());
            let kept_together = (&example.outlet, &example.pair);
            let told = (&example.target, example.on_target, example.confidence);
            json!([example.document.id, labels, kept_together, told, words]).to_string() + "\n"
        };
        let mut digest = Sha256::new();
        digest.update(self.vectors.as_ref().map_or_else(String::new, |vectors| vectors.digest() + "\n"));
        for examples in self.examples.chunks(EXAMPLES_AT_ONCE) {
            let lines: Vec<String> = examples.par_iter().map(line).collect();
            lines.iter().for_each(|line| digest.update(line));
        }
        hex(&digest.finalize())
    }

    /// A group number for each example: examples that name the same in `field` share one, those
    /// that name nothing stand alone.
    pub fn groups_by(&self, field: impl Fn(&Example) -> Option<&str>) -> Vec<usize> {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut next = 0;
        let mut fresh = || {
            next += 1;
            next - 1
        };
        self.examples
            .iter()
            .map(|example| match field(example).filter(|name| !name.is_empty()) {
                Some(name) => *numbers.entry(name).or_insert_with(&mut fresh),
                None => fresh(),
            })
            .collect()
    }

    /// Groups by outlet; see [`Corpus::groups_by`].
    pub fn outlet_groups(&self) -> Vec<usize> {
        self.groups_by(|example| example.outlet.as_deref())
    }

    /// Groups by minimal pair; see [`Corpus::groups_by`].
    pub fn pair_groups(&self) -> Vec<usize> {
        self.groups_by(|example| example.pair.as_deref())
    }
}
