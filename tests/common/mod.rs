//! What the tests of the command share: the binary, folders, and an invented corpus.

#![allow(dead_code)] // Every test file uses a part of it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The real binary, run in `folder`; a run that hangs fails.
pub fn kzstance(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kzstance"));
    command.current_dir(folder).timeout(std::time::Duration::from_secs(300));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RAYON_NUM_THREADS"] {
        command.env_remove(name);
    }
    command
}

/// A fresh folder.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a file, and the folders above it.
pub fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// Every file below a folder, as sorted relative names.
pub fn listing(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder");
                names.push(name.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    names.sort();
    names
}

/// An invented article and its labels.
pub struct Article {
    /// Its id.
    pub id: String,
    /// Its text.
    pub text: String,
    /// favor, against or none.
    pub stance: &'static str,
    /// positive, negative or neutral.
    pub sentiment: &'static str,
    /// One of six outlets.
    pub outlet: String,
}

const COMMON: &str = "المدينة الطريق الصباح الجمعة المجلس العمل السوق المدرسة الشتاء النهر القرية الباب التقرير الحديث \
    اليوم السنة الناس البلد المكان الخبر الجسر القطار الحقل المطر البيت الشارع الرجل الكتاب المعلم الطبيب";
const CLASSES: [(&str, &str, &str); 3] = [
    ("favor", "positive", "نؤيد ضروري ناجح مفيد حكيم نرحب استقرار إنجاز"),
    ("against", "negative", "نرفض خطير فاشل ضار ظالم ندين فوضى كارثة"),
    ("none", "neutral", "أعلن ذكر أوضح أضاف أشار نقل جدول موعد"),
];

/// `n` short invented articles, the three classes in turn, in six outlets; always the same ones.
pub fn articles(n: usize) -> Vec<Article> {
    let common: Vec<&str> = COMMON.split_whitespace().collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut draw = |from: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % from as u64) as usize
    };
    let article = |number: usize| {
        let (stance, sentiment, words) = CLASSES[number % 3];
        let own: Vec<&str> = words.split_whitespace().collect();
        let mut text = String::new();
        for place in 0..18 {
            let word = if place % 3 == 0 { own[draw(own.len())] } else { common[draw(common.len())] };
            text += word;
            text += if place % 6 == 5 { ". " } else { " " };
        }
        let outlet = format!("صحيفة-{}", number / 4 % 6);
        Article { id: format!("doc-{number:02}"), text: text.trim().to_owned(), stance, sentiment, outlet }
    };
    (0..n).map(article).collect()
}

/// Articles as a CSV table of labelled texts.
pub fn csv_of(articles: &[Article]) -> String {
    let mut table = "id,text,stance,sentiment,outlet\n".to_owned();
    for Article { id, text, stance, sentiment, outlet } in articles {
        let _ = writeln!(table, "{id},{text},{stance},{sentiment},{outlet}");
    }
    table
}

/// The texts that the repository may not hold; `None`, said aloud, where they are not at hand.
pub fn shared_seeds() -> Option<PathBuf> {
    let shared = std::env::var_os("KZSTANCE_SHARED")
        .map_or_else(|| root().join("../shared"), |given| root().join(given));
    let seeds = shared.join("seeds");
    if seeds.is_dir() {
        return Some(seeds);
    }
    let required = std::env::var("KZSTANCE_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(!required, "KZSTANCE_REQUIRE_SHARED=1, but {} is missing", seeds.display());
    println!("skipped: no ../shared");
    None
}
