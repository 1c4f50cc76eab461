//! What a model goes by: its terms of most weight.

use super::file::Model;
use crate::learn::logistic::toward;

/// A term and what it weighs in a typical document: coefficient times inverse document frequency.
#[derive(Debug, Clone, PartialEq)]
pub struct TermWeight {
    /// The word, stem or n-gram.
    pub term: String,
    /// The weight.
    pub weight: f64,
}

/// The terms of most weight for each class of one head.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadTerms {
    /// The axis.
    pub axis: String,
    /// Class by class, by falling weight.
    pub classes: Vec<(String, Vec<TermWeight>)>,
}

/// For each head and class the `n` terms that speak most for it: whole words or stems where the
/// model has such, since n-grams repeat what words say.
pub fn top_terms(model: &Model, n: usize) -> Vec<HeadTerms> {
    let vectorizer = model.vectorizer();
    let config = &vectorizer.config;
    let is_word = |block: usize| config.blocks[block].extractor.is_word();
    let words_only = (0..config.blocks.len()).any(is_word);
    let is_listed =
        |block: usize| if words_only { is_word(block) } else { !config.blocks[block].extractor.is_share() };
    let mut heads = Vec::new();
    for (index, head) in model.header().heads.iter().enumerate() {
        let Ok((coefficients, intercepts)) = model.weights(index) else { continue };
        let columns = intercepts.len();
        let mut classes = Vec::new();
        for (class, name) in head.axis.classes.iter().enumerate() {
            let toward = toward(head.scheme, head.axis.classes.len(), class);
            let mut terms: Vec<(u32, f64)> = (0..vectorizer.len() as u32)
                .filter(|&feature| is_listed(vectorizer.term(feature).0))
                .map(|feature| {
                    let row = &coefficients[feature as usize * columns..][..columns];
                    let weight: f64 =
                        toward.iter().zip(row).map(|(factor, &weight)| factor * f64::from(weight)).sum();
                    (feature, weight * vectorizer.idf[feature as usize])
                })
                .collect();
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            terms.truncate(n);
            let terms = terms
                .into_iter()
                .map(|(feature, weight)| TermWeight { term: vectorizer.term(feature).1.to_owned(), weight });
            classes.push((name.clone(), terms.collect()));
        }
        heads.push(HeadTerms { axis: head.axis.name.clone(), classes });
    }
    heads
}
