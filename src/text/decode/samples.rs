//! Texts, encoders and assertions that the tests of this folder share.

use std::fmt;
use std::path::Path;

use encoding_rs::WINDOWS_1256;
use proptest::prelude::*;

use super::{Decoded, Encoding, decode};
use crate::error::{Error, Result};

/// Sentences that windows-1256 can write.
pub(super) const SENTENCES: [&str; 12] = [
    "افتتح الوزير صباح اليوم مستشفى جديدا في ضواحي المدينة، وقال إن العمل فيه يبدأ الشهر المقبل.",
    "ضغط المحتجون على البلدية وسط الساحة، فهل تلغي القرار الخاطئ؟ لا أحد يعرف حتى الآن!",
    "هبط سعر النفط؛ وربط الخبراء ذلك بحفظ الإنتاج عند مستوى ثابت: «لا نلاحظ نقصا»، كما قالوا.",
    "ظل الفلاحون ينتظرون المطر طوال الخريف، ثم هطل بغزارة فغطت المياه الطرق.",
    "رفضت النقابة عرض الشركة، ووصفته بأنه \"غير كاف\" لتعويض العمال عن غلاء المعيشة.",
    "فاز فريق القرية بثلاثة أهداف مقابل هدفين (3-2) أمام جمهور ملأ المدرجات.",
    "كَتَبَ المُعَلِّمُ دَرْسًا عَنِ النَّحْوِ، ثُمَّ سَأَلَ: مَنْ يَقْرَأُ؟",
    "وسط، شرط، خط؛ حظ، لفظ؟ ضبط! هذه كلمات في قائمة الإملاء.",
    "أعلنت شركة Nile Foods أن مصنعها في أسوان سيوظف مئتي عامل قبل نهاية العام 2031.",
    "لم تقنع الخطة أحدا ... فالميزانية – بحسب التقرير – لا تكفي لإصلاح نصف الجسور.",
    "قال الطبيب إن اللقاح آمن وفعال، ودعا الأهالي إلى عدم تأجيل موعد الجرعة الثانية.",
    "\u{200F}في المساء هدأت الريح وعادت القوارب الصغيرة إلى الميناء محملة بالسمك.",
];

pub(super) fn article() -> String {
    SENTENCES.join("\n")
}

pub(super) fn run(bytes: &[u8]) -> Result<Decoded> {
    decode(bytes, None, Path::new("news.txt"))
}

pub(super) fn run_as(bytes: &[u8], given: Encoding) -> Result<Decoded> {
    decode(bytes, Some(given), Path::new("news.txt"))
}

pub(super) fn accepted(bytes: &[u8], encoding: Encoding) -> String {
    match run(bytes) {
        Ok(decoded) => {
            assert_eq!(decoded.encoding, encoding, "{}", decoded.text);
            decoded.text
        }
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn refused<T: fmt::Debug>(result: Result<T>) -> (Option<u64>, String) {
    match result {
        Err(Error::Encoding { place, problem }) => {
            assert_eq!(place.path, Path::new("news.txt"));
            (place.line, problem)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_says(problem: &str, parts: &[&str]) {
    for part in parts {
        assert!(problem.contains(part), "{part:?} is not in {problem:?}");
    }
}

pub(super) fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

pub(super) fn page(text: &str, page: &'static encoding_rs::Encoding) -> Vec<u8> {
    let (bytes, _, unmappable) = page.encode(text);
    assert!(!unmappable, "{text}");
    bytes.into_owned()
}

pub(super) fn cp1256(text: &str) -> Vec<u8> {
    page(text, WINDOWS_1256)
}

pub(super) fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8Bom => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        Encoding::Utf16Le => utf16(text, false),
        Encoding::Utf16Be => utf16(text, true),
        Encoding::Windows1256 => cp1256(text),
    }
}

/// Reads bytes as a code page, as a program does that got its encoding wrong.
pub(super) fn misread(bytes: &[u8], page: &'static encoding_rs::Encoding) -> String {
    page.decode_without_bom_handling(bytes).0.into_owned()
}

pub(super) const ALL: [Encoding; 5] =
    [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1256];

pub(super) fn authored() -> impl Strategy<Value = String> {
    prop::collection::vec(
        (prop::sample::select(&SENTENCES[..]), prop::sample::select(&[" ", "\n", "\r\n"][..])),
        1..9,
    )
    .prop_map(|parts| parts.into_iter().flat_map(|(sentence, end)| [sentence, end]).collect())
}
