//! What needs no learning: judges to stand beside a model.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::document::Document;
use crate::features::manner::{fold, forms};
use crate::label::Axis;
use crate::text::Normalizer;

/// A judge that learns nothing but how frequent the classes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// The most frequent class of the training examples, for every article.
    Majority,
    /// Keywords of approval and of condemnation, counted: the side with more of them where at least
    /// [`HITS`] stand in the article, else the class of no side. Word lists such as media monitors keep,
    /// written for this program.
    Lexicon,
}

/// Keywords from which an article takes a side.
pub const HITS: u32 = 3;

const APPROVE: &str = "إنقاذ أنقذ أنقذت نجاح نجح نجحت ناجح ناجحة استقرار الاستقرار استعادة أعاد أعادت طمأنينة أمان سلام شرعي شرعية \
    مشروع مشروعة قانوني قانونية ضروري ضرورية حكيم حكيمة حماية حمى حمت دعم مساندة حليف حلفاء شكر امتنان تقدير صائب صائبة سريع حاسم مؤامرة \
    إرهابيين الإرهابيين إرهابيون تخريب فوضى الفوضى انقلاب";

const CONDEMN: &str = "احتلال الاحتلال محتل غزو الغزو اجتياح عدوان العدوان سافر قمع القمع سحق انتهاك سيادة السيادة وصاية هيمنة \
    إمبراطورية استبداد ديكتاتور الديكتاتور طاغية استعمار إمبريالية غطرسة ذريعة ثمن رهينة تبعية خطير خطيرة سابقة محتجين المحتجين \
    المتظاهرين متظاهرين ضحايا قتلى دماء رصاص";

impl Baseline {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::Majority => "majority",
            Baseline::Lexicon => "keyword lexicon",
        }
    }

    /// What it makes of a document: a number for each class, summing to 1. `training` are the classes
    /// of the training examples.
    pub fn judge(self, document: &Document, axis: &Axis, training: &[usize]) -> Vec<f64> {
        let classes = axis.classes.len();
        let mut share = vec![0.0; classes];
        match (self, axis.polar_indices()) {
            (Baseline::Lexicon, Some([a, b])) if classes > 2 => {
                let (approving, condemning, length) = count(document);
                let hits = approving + condemning;
                // The share of keywords ranks; whether there are enough of them decides.
                let density = f64::from(hits) / f64::from(length.max(1));
                let taken = if hits < HITS { 0.5 * density } else { 0.5 + 0.5 * density };
                let first = (f64::from(approving) + 0.5) / (f64::from(hits) + 1.0);
                share.fill((1.0 - taken) / (classes - 2) as f64);
                share[a] = taken * first;
                share[b] = taken * (1.0 - first);
            }
            _ => {
                let mut sizes = vec![0_usize; classes];
                training.iter().for_each(|&class| sizes[class] += 1);
                let most = (0..classes).rev().max_by_key(|&class| sizes[class]).unwrap_or(0);
                share[most] = 1.0;
            }
        }
        share
    }
}

/// Keywords of approval, of condemnation, and all words.
fn count(document: &Document) -> (u32, u32, u32) {
    let list = |words: &str| words.split_whitespace().map(fold).collect::<BTreeSet<_>>();
    let (approve, condemn) = (list(APPROVE), list(CONDEMN));
    let mut counts = (0_u32, 0_u32, 0_u32);
    document.each_word(&Normalizer::default(), |word, count| {
        let word = fold(word);
        let of =
            |list: &BTreeSet<String>| if forms(&word).any(|form| list.contains(form)) { count } else { 0 };
        counts.0 = counts.0.saturating_add(of(&approve));
        counts.1 = counts.1.saturating_add(of(&condemn));
        counts.2 = counts.2.saturating_add(count);
    });
    counts
}
