//! The shares of the classes in a collection and in its slices, beside what is assumed and what speaks
//! against relying on them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::evaluate::interval::LEVEL;
use crate::evaluate::prevalence::{
    Collection, Correction, Estimated, Method, Settings, Whole, doubts_of_slice, doubts_of_validation,
    drawn_singly, separations,
};
use crate::label::Axis;
use crate::learn::Validation;
use crate::read::scored::Scored;

/// Names the layout of [`Share`] in JSON.
pub const SCHEMA: &str = "kzstance-share/1";

/// An article with the values that say which slice it is in, one a field of [`Request::by`].
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    /// The values.
    pub key: Vec<String>,
    /// What was decided of it.
    pub scored: Scored,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The axis with its classes in order.
    pub axis: &'a Axis,
    /// The fields by which the collection is divided; none for the whole alone.
    pub by: &'a [String],
    /// The judged articles that tell how the classifier errs.
    pub validation: &'a Validation,
    /// What these are, a clause.
    pub measured_on: String,
    /// Which shares are given as the corrected ones.
    pub method: Method,
    /// Draws, seed, and the shares that the probabilities assume.
    pub settings: Settings<'a>,
    /// Whether articles that are off target count.
    pub with_off_target: bool,
    /// Records that could not be read.
    pub set_aside: usize,
}

/// The shares of a collection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The axis.
    pub axis: String,
    /// Its classes, in the order of every list of shares here.
    pub classes: Vec<String>,
    /// Which method's shares are the corrected ones.
    pub method: Method,
    /// What part of the draws is inside an interval.
    pub level: f64,
    /// Draws of an interval.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// The fields by which the collection is divided.
    pub by: Vec<String>,
    /// Articles off target that were left out.
    pub left_out: usize,
    /// Articles that are counted though the axis abstained from them, by reason.
    pub abstained: BTreeMap<String, usize>,
    /// Records that could not be read.
    pub set_aside: usize,
    /// The judged articles.
    pub validation: Measured,
    /// What has to hold for the corrected shares to be right, a sentence each.
    pub assumptions: Vec<String>,
    /// What speaks against relying on any of the shares, a sentence each.
    pub warnings: Vec<String>,
    /// All articles.
    pub whole: Slice,
    /// The slices, sorted by their values; empty where the collection is not divided.
    pub slices: Vec<Slice>,
}

/// How the classifier's errors were measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// On what, a clause.
    pub on: String,
    /// Judged articles.
    pub n: usize,
    /// Groups of them that are drawn as one; as many as articles where they are drawn singly.
    pub groups: usize,
    /// Judged articles of each class.
    pub counts: Vec<usize>,
    /// Rows: the class given by hand; columns: the class decided.
    pub confusion: Vec<Vec<usize>>,
    /// How well each class is told from the others, 0 to 1; see
    /// [`separations`]. `None` where a class has no judged article.
    pub separations: Option<Vec<f64>>,
}

/// The shares of some articles.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// Which they are: the value of each field; empty for all.
    pub by: Map<String, Value>,
    /// Articles counted.
    pub n: usize,
    /// Articles off target that were left out.
    pub left_out: usize,
    /// The shares, class by class.
    pub shares: Vec<ClassShare>,
    /// What every method says.
    pub methods: Vec<Estimated>,
    /// What speaks against relying on these shares, a sentence each.
    pub warnings: Vec<String>,
}

impl Slice {
    /// Its values, joined; «all» for all articles.
    pub fn name(&self) -> String {
        let values: Vec<&str> = self.by.values().filter_map(Value::as_str).collect();
        if values.is_empty() { "all".into() } else { values.join(", ") }
    }
}

/// The share of one class, 0 to 1. `None` is undefined, and never 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassShare {
    /// The class.
    pub class: String,
    /// Its share of the decisions.
    pub naive: Option<f64>,
    /// Its share corrected for misclassification.
    pub corrected: Option<f64>,
    /// The lower end of the corrected share's interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// The shares of the classes among all articles and in each slice. The order of the articles does not
/// matter. O(slices · resamples · classes⁴ + articles · (resamples + log articles)).
pub fn share(request: &Request<'_>, articles: &[Article]) -> Share {
    let k = request.axis.classes.len();
    let correction = Correction::new(request.validation, k, request.settings);
    let mut by_key: BTreeMap<&[String], Vec<&Article>> = BTreeMap::new();
    for article in articles {
        by_key.entry(&article.key).or_default().push(article);
    }
    let counted = Rows::of(&counted(request, articles));
    let all = correction.whole(counted.collection());
    let whole = slice(request, &correction, None, &[], &articles.iter().collect::<Vec<_>>());
    let slices: Vec<Slice> = if request.by.is_empty() {
        Vec::new()
    } else {
        let of = |(key, articles): (&[String], Vec<&Article>)| {
            slice(request, &correction, Some(&all), key, &articles)
        };
        by_key.into_iter().map(of).collect()
    };
    let classes = &request.axis.classes;
    let moved = std::iter::once(&whole)
        .chain(&slices)
        .any(|slice| slice.methods.iter().any(|found| found.method == Method::Em && found.shares.is_some()));
    let abstained = abstained(request, articles);
    Share {
        schema: SCHEMA,
        axis: request.axis.name.clone(),
        classes: classes.clone(),
        method: request.method,
        level: LEVEL,
        resamples: request.settings.resamples,
        seed: request.settings.seed.0,
        by: request.by.to_vec(),
        left_out: whole.left_out,
        assumptions: assumptions(request, whole.left_out, &abstained, moved),
        abstained,
        set_aside: request.set_aside,
        validation: measured(request, k),
        // EM asks no judged article.
        warnings: match request.method {
            Method::Em => Vec::new(),
            _ => doubts_of_validation(request.validation, classes),
        },
        whole,
        slices,
    }
}

/// Whether articles off target count: where it is asked which they are, they do.
fn with_off_target(request: &Request<'_>) -> bool {
    request.with_off_target || request.axis.is_on_target()
}

/// The articles that count.
fn counted<'a>(request: &Request<'_>, articles: impl IntoIterator<Item = &'a Article>) -> Vec<&'a Scored> {
    let scored = articles.into_iter().map(|article| &article.scored);
    scored.filter(|scored| with_off_target(request) || !scored.off_target).collect()
}

/// Of the articles that count, those that the axis abstained from, by reason.
fn abstained(request: &Request<'_>, articles: &[Article]) -> BTreeMap<String, usize> {
    let mut by_reason = BTreeMap::new();
    for reason in counted(request, articles).into_iter().filter_map(|scored| scored.abstain.as_ref()) {
        *by_reason.entry(reason.clone()).or_default() += 1;
    }
    by_reason
}

/// What was decided of some articles.
struct Rows {
    decided: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
}

impl Rows {
    fn of(scored: &[&Scored]) -> Self {
        Rows {
            decided: scored.iter().map(|scored| scored.decided).collect(),
            probabilities: scored.iter().map(|scored| scored.probabilities.clone()).collect(),
        }
    }

    fn collection(&self) -> Collection<'_> {
        Collection { decided: &self.decided, probabilities: &self.probabilities }
    }
}

/// The shares among some articles; `whole` is the collection that they are a slice of.
fn slice(
    request: &Request<'_>,
    correction: &Correction<'_>,
    whole: Option<&Whole<'_>>,
    key: &[String],
    articles: &[&Article],
) -> Slice {
    let counted = counted(request, articles.iter().copied());
    let rows = Rows::of(&counted);
    let found = match whole {
        Some(whole) => correction.within(rows.collection(), whole),
        None => correction.of(rows.collection()),
    };
    let chosen = found.by(request.method);
    let of_class = |(class, name): (usize, &String)| {
        let ends = chosen.and_then(|chosen| chosen.intervals.as_ref()).map(|ends| ends[class]);
        ClassShare {
            class: name.clone(),
            naive: found.naive.as_ref().map(|naive| naive[class]),
            corrected: chosen.and_then(|chosen| chosen.shares.as_ref()).map(|shares| shares[class]),
            low: ends.map(|ends| ends[0]),
            high: ends.map(|ends| ends[1]),
        }
    };
    let values = request.by.iter().zip(key);
    Slice {
        by: values.map(|(field, value)| (field.clone(), Value::from(value.as_str()))).collect(),
        n: found.n,
        left_out: articles.len() - counted.len(),
        shares: request.axis.classes.iter().enumerate().map(of_class).collect(),
        warnings: doubts_of_slice(&found, request.method, &request.axis.classes),
        methods: found.estimates,
    }
}

fn measured(request: &Request<'_>, n_classes: usize) -> Measured {
    let validation = request.validation;
    let mut confusion = vec![vec![0; n_classes]; n_classes];
    for (&truth, &decided) in validation.truth.iter().zip(&validation.decided) {
        confusion[truth][decided] += 1;
    }
    Measured {
        on: request.measured_on.clone(),
        n: validation.len(),
        groups: if drawn_singly(validation, n_classes) { validation.len() } else { validation.n_groups() },
        counts: validation.counts(n_classes),
        confusion,
        separations: separations(validation, n_classes),
    }
}

fn assumptions(
    request: &Request<'_>,
    left_out: usize,
    abstained: &BTreeMap<String, usize>,
    em_moved: bool,
) -> Vec<String> {
    let counts = request.validation.counts(request.axis.classes.len());
    let counts: Vec<String> =
        request.axis.classes.iter().zip(counts).map(|(class, n)| format!("{n} {class}")).collect();
    let way = match request.method {
        Method::Em if !em_moved => "EM found no shares that can be relied on, and gives none".into(),
        Method::Em => "corrected shares are those that make the probabilities most likely, if these are right for each class's articles (EM); they have no interval".into(),
        _ => format!(
            "corrected shares are right if articles of each class are mistaken as often here as among the judged ones: {}, measured on {}",
            counts.join(", "),
            request.measured_on
        ),
    };
    let mut all = vec![way];
    if request.method != Method::Em {
        all.push(format!(
            "{:.0} % intervals by a Bayesian bootstrap ({} draws) over {} and single articles here: of the shares in these outlets, not in others like them",
            100.0 * LEVEL,
            request.settings.resamples,
            if drawn_singly(request.validation, request.axis.classes.len()) {
                "single judged articles"
            } else {
                "groups of judged articles"
            }
        ));
    }
    if !with_off_target(request) {
        all.push(format!(
            "{left_out} articles were set aside as off target (abstain off-target, or on_target false) and are not counted"
        ));
    }
    if !abstained.is_empty() {
        let reasons: Vec<String> = abstained.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        all.push(format!(
            "counted though the model abstained from them for other reasons: {}",
            reasons.join(", ")
        ));
    }
    all
}
