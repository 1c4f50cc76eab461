//! Marks of manner: how a text speaks, whatever it speaks of.
//!
//! A report names who said what, and when; an opinion speaks of peoples and powers in words that
//! judge. The share of such words in a text tells whether its author takes a side, and it does so in
//! texts about any target: of these marks the verbs of speech alone carry most. The lists were written
//! for this program from general knowledge of press Arabic; no labelled text was searched for them.
//!
//! Words are compared after folding (alef and hamza forms, final yeh, teh marbuta), whatever the
//! normaliser keeps, and a conjunction (و، ف) before the word is passed over.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Changes with every change of a list: a model's shares must be counted as in its training.
pub const MANNER_VERSION: u32 = 1;

/// Each mark with its words.
const LISTS: [(&str, &str); 6] = [
    // Verbs and participles that hand the word to somebody.
    (
        "<speech>",
        "قال قالت قالوا يقول تقول يقولون أضاف أضافت أضافوا يضيف تابع تابعت أردف أوضح أوضحت يوضح صرح صرحت ذكر ذكرت أفاد أفادت \
         أعلن أعلنت أعلنوا أكد أكدت يؤكد تؤكد شدد شددت يشدد أشار أشارت يشير تشير لفت لفتت اعتبر اعتبرت يعتبر تعتبر رأى رأت زعم زعمت \
         يزعم ادعى ادعت وصف وصفت اتهم اتهمت يتهم نفى نفت حذر حذرت يحذر طالب طالبت دعا دعت نقل نقلت كشف كشفت أبدى أعرب أعربت رد ردت \
         علق علقت نوه أبلغ أخبر كتب كتبت غرد ناشد توقع توقعت رجح رجحت استبعد تعهد تعهدت اقترح مضيفا مضيفة موضحا موضحة مشيرا مشيرة \
         مؤكدا مؤكدة لافتا لافتة معتبرا معتبرة محذرا محذرة مبينا داعيا داعية قائلا قائلة بقوله قوله قولها",
    ),
    // Where a report has it from.
    (
        "<source>",
        "بحسب حسب وفق وفقا وكالة وكالات لوكالة مصدر مصادر بيان البيان تصريح تصريحات المتحدث متحدث المتحدثة الناطق باسم مراسل مراسلنا \
         رويترز فرانس برس تاس سبوتنيك نوفوستي إنترفاكس الأناضول صحيفة موقع قناة تلفزيون مؤتمر صحفي صحافي تقرير التقرير للصحفيين للصحافيين \
         نشرت نشر نشره حسابه تويتر فيسبوك شهود عيان خبير محلل مراقبون",
    ),
    // Offices and those who hold them.
    (
        "<office>",
        "الرئيس رئيس وزير وزارة الوزراء وزيرة سفير السفير نائب مبعوث أمين عام القائد قائد الجنرال البرلمان النواب مجلس اللجنة المندوب \
         نظيره الخارجية الدفاع الداخلية الكرملين",
    ),
    // When it happened.
    (
        "<date>",
        "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر كانون شباط آذار نيسان أيار حزيران تموز آب أيلول \
         تشرين الأول الثاني السبت الأحد الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة أمس اليوم صباح مساء الماضي الجاري المقبل",
    ),
    // Peoples, powers and great words.
    (
        "<collective>",
        "شعب الشعب الشعوب الأمة الغرب الغربي الغربية أميركا أمريكا الأمريكي الأميركي واشنطن العالم الدنيا التاريخ القرن العرب العربي \
         العربية الإسلام المسلمين الله الحق الباطل النظام الأنظمة الحلف الناتو الثورة الثوار الحرية الكرامة العدالة",
    ),
    // Words that condemn.
    (
        "<charged>",
        "احتلال الاحتلال محتل المحتل غزو الغزو عدوان العدوان جريمة جرائم مجزرة مجازر قمع القمع استبداد الاستبداد طغيان الطغاة طاغية \
         ديكتاتور الديكتاتور نهب استعمار الاستعمار إمبريالية الإمبريالية مرتزقة وحشي وحشية همجي دمار خراب كارثة كارثي مؤامرة خيانة \
         عميل عملاء غطرسة أطماع وصاية هيمنة ابتزاز كذب أكاذيب ذريعة ذرائع مزعوم مزعومة فاشل فشل هزيمة عار ظلم دماء دم ضحايا قتل تدمير \
         تهجير إرهاب انتهاك انتهاكات سافر باطل",
    ),
];

static MARKS: LazyLock<Marks> = LazyLock::new(|| index(&LISTS));

/// Folded words with the marks that they bear.
pub(crate) type Marks = FxHashMap<String, Vec<&'static str>>;

/// An index of lists of words, each with its mark.
pub(super) fn index(lists: &[(&'static str, &str)]) -> Marks {
    let mut marks = Marks::default();
    for &(mark, words) in lists {
        for word in words.split_whitespace() {
            let of_word = marks.entry(fold(word)).or_default();
            if !of_word.contains(&mark) {
                of_word.push(mark);
            }
        }
    }
    marks
}

/// Every listed word, folded, with its marks.
pub(crate) fn listed() -> &'static Marks {
    &MARKS
}

/// The marks that a word bears, in the order of the lists; most words bear none.
pub fn marks(word: &str) -> &'static [&'static str] {
    look_up(&MARKS, word)
}

/// The marks of a word in an index.
pub(super) fn look_up<'m>(marks: &'m Marks, word: &str) -> &'m [&'static str] {
    forms(&fold(word)).find_map(|form| marks.get(form)).map_or(&[], Vec::as_slice)
}

/// A folded word, and what is left of it without a conjunction (و، ف) before it.
pub(crate) fn forms(folded: &str) -> impl Iterator<Item = &str> {
    let rest = folded.strip_prefix(['و', 'ف']).filter(|rest| rest.chars().nth(1).is_some());
    std::iter::once(folded).chain(rest)
}

/// One form for the letters that are written either way, without marks.
pub(crate) fn fold(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{640}'))
        .map(|c| match c {
            'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
            'ى' | 'ئ' => 'ي',
            'ؤ' => 'و',
            'ة' => 'ه',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Normalizer, tokens};

    #[test]
    fn a_word_bears_its_marks_however_it_is_spelt() {
        for word in ["قال", "وقال", "فقال", "قالَ"] {
            assert_eq!(marks(word), ["<speech>"], "{word}");
        }
        assert_eq!(marks("اكد"), marks("أكّد"));
        assert_eq!(marks("الاحتلال"), ["<charged>"]);
        assert!(marks("الوفد").is_empty());
        assert!(marks("").is_empty());
        assert!(marks("و").is_empty());
    }

    #[test]
    fn every_listed_word_is_found_after_normalising() {
        let normalizer = Normalizer::default();
        for (mark, words) in LISTS {
            for word in words.split_whitespace() {
                let mut normal = String::new();
                let token = tokens(word).next().expect("a word");
                normalizer.word(word, &token, &mut normal);
                assert!(marks(&normal).contains(&mark), "{word} -> {normal}");
            }
        }
    }
}
