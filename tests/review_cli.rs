//! Assumed shares, sets, abstentions and reviews of labels, by the real binary.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{articles, csv_of, folder, kzstance, put};
use predicates::str::is_empty;
use serde_json::{Value, json};

const AGAINST: &str = "لم يكن دخول قوات منظمة معاهدة الأمن الجماعي إلى كازاخستان في يناير 2022 عملا لحفظ السلام، بل احتلالا سافرا \
    وعدوانا على شعب خرج يطالب بحقه. أرسلت موسكو دباباتها لتحمي نظاما فاسدا من غضب الناس، وهذه جريمة لا يبررها حديث عن إرهابيين مزعومين.";
const FAVOR: &str = "كان قرار إرسال قوات منظمة معاهدة الأمن الجماعي إلى كازاخستان قرارا صائبا وحكيما، فقد أعاد الهدوء إلى ألماتي في أيام \
    قليلة وأنقذ البلاد من الفوضى. نرحب بهذه الخطوة الشجاعة التي أثبتت أن الحلفاء يقفون معا وقت الشدة ثم يغادرون حين تنتهي المهمة.";
const NONE: &str = "قالت وكالة الأنباء الرسمية إن أولى وحدات قوات حفظ السلام التابعة لمنظمة معاهدة الأمن الجماعي وصلت يوم الخميس إلى مطار \
    ألماتي، وأوضحت وزارة الدفاع أن عددها يبلغ نحو ألفين وخمسمائة جندي وأن مهمتها حراسة المنشآت، وذكر المتحدث أن الانسحاب سيبدأ في التاسع عشر من يناير.";
const TORN: [&str; 4] = [
    "يرى بعض المعلقين أن تدخل قوات منظمة معاهدة الأمن الجماعي في كازاخستان أعاد الاستقرار، ويخشى آخرون أن يكون ثمنه السيادة. لا شك أن \
     الناس يريدون الأمان، لكن هل كان لا بد من جنود أجانب كي يعود الهدوء إلى الشوارع؟ سؤال يستحق التفكير.",
    "انتهت مهمة قوات منظمة معاهدة الأمن الجماعي في كازاخستان بعد أيام من بدايتها، وعاد الجنود إلى بلدانهم كما وعد المسؤولون. يبقى السؤال \
     عن سبب الاستعجال في طلبها، فقد كانت الشرطة قادرة على حماية المطار، وربما كان التريث أولى.",
    "في يناير 2022 طلب الرئيس توكاييف مساعدة الحلفاء، فجاءت قوات منظمة معاهدة الأمن الجماعي إلى ألماتي وحرست المنشآت. شعر سكان كثيرون \
     بالاطمئنان حين رأوا الجنود عند محطة الكهرباء، وقال بعضهم إن المدينة عادت إلى حياتها أسرع مما ظنوا.",
    "وصل الجنود الروس إلى كازاخستان ضمن قوات المنظمة بطلب من الرئيس، ولم يصوت البرلمان على دخولهم. يقول محام من ألماتي إن الدستور لا \
     يسمح بذلك وإن أحدا لم يسأل المواطنين عن رأيهم، وإن الحكومة خافت من شعبها أكثر من خوفها من المسلحين.",
];
const ENGLISH: &str = "The harvest in the northern valleys was late this year because of heavy rain in June, and farmers say that prices \
    of wheat will rise before winter. Local councils promised to repair the roads that lead to the markets, while the railway company \
    added two trains a week so that fruit reaches the cities before it spoils. Nobody expects the shortage to last beyond spring.";
const PERSIAN: &str = "در روستای کوچک ما هر سال بهار که می‌شود بچه‌ها کنار رودخانه جمع می‌شوند و با هم بازی می‌کنند. مادربزرگم می‌گوید که \
    چای تازه‌دم و نان گرم بهترین چیز برای صبح‌های سرد است. پدرم هنوز هم دوچرخه قدیمی‌اش را دوست دارد و هر روز با آن به مغازه می‌رود تا کتاب و روزنامه بفروشد.";

/// A folder `news` with the articles on the intervention.
fn with_news() -> tempfile::TempDir {
    let folder = folder();
    for (name, text) in [("against", AGAINST), ("favor", FAVOR), ("none", NONE)] {
        put(folder.path(), &format!("news/{name}.txt"), text);
    }
    for (number, text) in TORN.iter().enumerate() {
        put(folder.path(), &format!("news/torn{number}.txt"), text);
    }
    folder
}

/// What a run that succeeds says, on standard output and on standard error.
fn said(folder: &Path, args: &[&str]) -> (String, String) {
    let done = kzstance(folder).args(args).assert().success();
    let [out, err] = [&done.get_output().stdout, &done.get_output().stderr]
        .map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    (out, err)
}

/// Scores `input` with further options.
fn scored(folder: &Path, input: &str, options: &[&str]) -> Vec<Value> {
    let args = [&["score", input, "--format", "jsonl"], options].concat();
    said(folder, &args).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A call that is refused as a wrong use, with these words and nothing on standard output.
fn refused(folder: &Path, args: &[&str], words: &[&str]) {
    let done = kzstance(folder).args(args).assert().code(2).stdout(is_empty());
    let said = String::from_utf8_lossy(&done.get_output().stderr);
    for wanted in words {
        assert!(said.contains(wanted), "{args:?}: «{wanted}» is missing in: {said}");
    }
}

fn p(line: &Value, class: &str) -> f64 {
    line["stance"]["probabilities"][class].as_f64().unwrap()
}

fn set(judged: &Value) -> Vec<&str> {
    judged["set"].as_array().unwrap().iter().map(|class| class.as_str().unwrap()).collect()
}

// Assumed shares

#[test]
fn a_larger_share_of_none_makes_sides_rarer() {
    let folder = with_news();
    let sided = |lines: &[Value]| lines.iter().filter(|line| line["stance"]["label"] != "none").count();
    let by_share: Vec<Vec<Value>> = ["none=0.05", "none=0.5", "none=0.98", "none=0.9999"]
        .map(|prior| scored(folder.path(), "news", &["--prior", prior]))
        .to_vec();
    for pair in by_share.windows(2) {
        for (less, more) in pair[0].iter().zip(&pair[1]) {
            assert!(p(more, "none") > p(less, "none"), "{less} {more}");
            assert!(p(more, "favor") < p(less, "favor") && p(more, "against") < p(less, "against"));
            // The other axis, and what may be, are as before.
            assert_eq!(less["sentiment"], more["sentiment"]);
            assert_eq!(less["stance"]["set"], more["stance"]["set"]);
            assert_eq!(less["stance"]["abstain"], more["stance"]["abstain"]);
        }
    }
    let counts: Vec<usize> = by_share.iter().map(|lines| sided(lines)).collect();
    assert!(
        counts.is_sorted_by(|a, b| a >= b) && counts[0] > counts[2] && counts[2] > counts[3],
        "{counts:?}"
    );
    let plain = scored(folder.path(), "news", &[]);
    let rare = &by_share[2];
    assert!(plain.iter().zip(rare).all(|(plain, rare)| p(rare, "none") > p(plain, "none")));
}

#[test]
fn the_shares_assumed_are_said() {
    let folder = with_news();
    let (_, said) = said(folder.path(), &["score", "news", "--prior", "none=0.9,favor=0.04"]);
    assert!(said.contains("stance: shares assumed favor 0.04, against 0.06, none 0.90"), "{said}");
    let own = scored(folder.path(), "news", &["--prior", "none=0.9", "--prior", "neutral=0.8"]);
    let plain = scored(folder.path(), "news", &[]);
    for (own, plain) in own.iter().zip(&plain) {
        let neutral = |line: &Value| line["sentiment"]["probabilities"]["neutral"].as_f64().unwrap();
        assert!(p(own, "none") > p(plain, "none") && neutral(own) > neutral(plain));
    }
    // Without regard to case and space.
    assert_eq!(
        scored(folder.path(), "news", &["--prior", " None = 0.9 "]),
        scored(folder.path(), "news", &["--prior", "none=0.9"])
    );
}

#[test]
fn shares_that_are_none_are_refused() {
    let folder = with_news();
    let classes = "favor, against, none";
    for (prior, words) in [
        ("maybe=0.3", &["maybe=0.3", "names no class", classes][..]),
        ("none=0.3,maybe=0.2", &["«maybe» is no class", classes]),
        ("none=0.7,favor=0.5", &["sum to 1.2, more than 1"]),
        ("none=0.5,favor=0.1,against=0.1", &["sum to 0.7", classes]),
        ("none=0", &["none=0", "can never be found", "0.01"]),
        ("none=1", &["none=1", "0.98"]),
        ("none=abc", &["none=abc is no share", "between 0 and 1"]),
        ("none=-0.5", &["none=-0.5 is no share"]),
        ("none=0.3,none=0.2", &["none is given twice", classes]),
        ("none=0,75", &["«75» is not of the form class=share", classes]),
        ("none", &["«none» is not of the form class=share", classes]),
    ] {
        refused(folder.path(), &["score", "news", "--prior", prior], words);
    }
}

#[test]
fn shares_cannot_be_estimated_from_what_is_read_once() {
    let folder = with_news();
    let line = json!({"id": "a", "text": NONE}).to_string();
    let done = kzstance(folder.path())
        .args(["score", "-", "--prior", "estimate"])
        .write_stdin(line)
        .assert()
        .code(2)
        .stdout(is_empty());
    let said = String::from_utf8_lossy(&done.get_output().stderr);
    assert!(said.contains("standard input") && said.contains("write it to a file first"), "{said}");
}

#[test]
fn a_few_articles_do_not_move_the_shares_and_many_do() {
    let folder = with_news();
    let options = ["--prior", "estimate"];
    let (out, err) = said(folder.path(), &["score", "news", "--format", "jsonl", "--prior", "estimate"]);
    assert_eq!(out, said(folder.path(), &["score", "news", "--format", "jsonl"]).0);
    assert!(err.contains("stance: fewer than 30 articles are too few"), "{err}");
    assert!(
        err.contains("stance: shares assumed favor 0.") && err.contains("sentiment: shares assumed"),
        "{err}"
    );
    // What cannot be judged is not counted: 40 such leave it at 7.
    for number in 0..40 {
        put(folder.path(), &format!("odd/{number}.txt"), format!("{ENGLISH} {number}"));
    }
    let (_, err) = said(folder.path(), &["score", "news", "odd", "--prior", "estimate"]);
    assert!(err.contains("stance: fewer than 30 articles are too few"), "{err}");
    let texts = [AGAINST, FAVOR, NONE, TORN[0], TORN[1], TORN[2], TORN[3]];
    for number in 0..40 {
        let text = if number % 3 == 0 { AGAINST } else { texts[number % 7] };
        put(folder.path(), &format!("many/{number}.txt"), format!("{text} {number}"));
    }
    let plain = scored(folder.path(), "many", &[]);
    let moved = scored(folder.path(), "many", &options);
    assert!(plain.iter().zip(&moved).all(|(plain, moved)| p(moved, "none") < p(plain, "none")));
    let (_, err) = said(folder.path(), &["score", "many", "--prior", "estimate"]);
    assert!(
        err.contains("stance: the articles differ from the training shares by more than chance"),
        "{err}"
    );
    // A share that is given is not estimated.
    let (_, err) = said(folder.path(), &["score", "many", "--prior", "estimate", "--prior", "none=0.9"]);
    assert!(err.contains("none 0.90") && !err.contains("stance: the articles"), "{err}");
}

// Sets and abstentions

#[test]
fn a_stricter_level_calls_more_articles_ambiguous() {
    let folder = with_news();
    let at = |level: &str| scored(folder.path(), "news", &["--level", level]);
    let ambiguous =
        |lines: &[Value]| lines.iter().filter(|line| line["stance"]["abstain"] == "ambiguous").count();
    let levels = ["0.5", "0.8", "0.95", "0.97"].map(at);
    let counts = levels.each_ref().map(|lines| ambiguous(lines));
    assert!(counts.is_sorted() && counts[3] > counts[0] + 2, "{counts:?}");
    for pair in levels.windows(2) {
        for (low, high) in pair[0].iter().zip(&pair[1]) {
            let (low, high): (BTreeSet<&str>, BTreeSet<&str>) =
                (set(&low["stance"]).into_iter().collect(), set(&high["stance"]).into_iter().collect());
            assert!(low.is_subset(&high), "{low:?} {high:?}");
        }
    }
    for lines in &levels {
        for judged in lines.iter().map(|line| &line["stance"]) {
            // All classes stand in the axis's order.
            let classes = ["favor", "against", "none"];
            let within = set(judged);
            assert!(classes.iter().filter(|class| within.contains(class)).eq(&within), "{judged}");
            assert_eq!(judged["abstain"] == "ambiguous", within.len() > 1, "{judged}");
            // One class alone in its set is the label of an article that speaks clearly.
            let label = judged["label"].as_str().unwrap();
            let sure = judged["probabilities"][label].as_f64().unwrap() > 0.9;
            assert!(!sure || within.len() != 1 || within == [label], "{judged}");
        }
    }
    assert_eq!(levels[1], scored(folder.path(), "news", &[]), "0.8 is the model's own level");
}

#[test]
fn a_level_out_of_range_is_refused() {
    let folder = with_news();
    for level in ["1.5", "1", "0", "nan"] {
        refused(folder.path(), &["score", "news", "--level", level], &["level", "above 0 and below 1"]);
    }
    refused(folder.path(), &["score", "news", "--level=-0.5"], &["level", "above 0 and below 1"]);
    refused(folder.path(), &["score", "news", "--level", "high"], &["--level"]);
}

#[test]
fn what_cannot_be_read_is_not_judged_and_says_why() {
    let folder = with_news();
    for (name, text, reason) in [
        ("short", "تدخل روسي مرفوض", Some("too-short")),
        ("english", ENGLISH, Some("unfamiliar")),
        ("persian", PERSIAN, Some("unfamiliar")),
        ("against", AGAINST, None),
        ("favor", FAVOR, None),
        ("none", NONE, None),
    ] {
        put(folder.path(), &format!("{name}.txt"), text);
        let line = &scored(folder.path(), &format!("{name}.txt"), &[])[0];
        for axis in ["stance", "sentiment"] {
            if axis == "stance" || reason.is_some() {
                assert_eq!(line[axis]["abstain"].as_str(), reason, "{name}: {line}");
            }
        }
        if reason.is_none() {
            assert_eq!(line["stance"]["label"], name);
            assert_eq!(line["stance"]["set"], json!([name]));
        }
        let table = said(folder.path(), &["score", &format!("{name}.txt")]).0;
        // One column for each axis.
        let wanted = reason.map_or(format!("{name} "), |reason| format!("({reason})"));
        assert!(table.contains(&wanted), "{table}");
    }
}

// Reviews of labels

/// A table of 36 articles, those at the places given labelled `favor` though their words say `against`.
fn labels(folder: &Path, wrong: &[usize]) {
    let mut given = articles(36);
    wrong.iter().for_each(|&place| given[place].stance = "favor");
    put(folder, "own.csv", csv_of(&given));
    // One C, so that little time is taken.
    put(folder, "settings.toml", "[learn]\nc = [4.0]\n");
}

/// Twelve further articles, the first six of them half of one class and half of another.
fn unlabelled(folder: &Path) {
    let given = articles(60);
    for number in 0..12 {
        let (text, other) = (&given[48 - number].text, &given[47 - number].text);
        let half = |text: &str, last: bool| -> String {
            let words: Vec<&str> = text.split_whitespace().collect();
            let (first, rest) = words.split_at(words.len() / 2);
            if last { rest.join(" ") } else { first.join(" ") }
        };
        let text =
            if number < 6 { format!("{} {}", half(text, false), half(other, true)) } else { text.clone() };
        put(folder, &format!("more/new-{number:02}.txt"), text);
    }
}

#[test]
fn suspect_labels_as_json_name_what_they_are_and_what_they_might_be() {
    let folder = folder();
    labels(folder.path(), &[10, 13]);
    let check = ["check", "own.csv", "--config", "settings.toml"];
    let (out, _) = said(folder.path(), &[&check[..], &["--suspects=5", "--json"]].concat());
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["faults"], json!([]));
    assert!(found.get("next").is_none());
    let suspects = found["suspects"].as_array().unwrap();
    assert!((2..=5).contains(&suspects.len()), "{found}");
    let first: BTreeSet<&str> = suspects[..2].iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(first, BTreeSet::from(["doc-10", "doc-13"]), "{found}");
    for one in &suspects[..2] {
        assert_eq!(
            (&one["axis"], &one["given"], &one["likelier"]),
            (&json!("stance"), &json!("favor"), &json!("against"))
        );
        let line = if one["id"] == "doc-10" { 12 } else { 15 };
        assert_eq!(one["place"], format!("own.csv:{line}"));
        assert!(one["p_given"].as_f64().unwrap() < one["p_likelier"].as_f64().unwrap());
    }
    let (out, _) = said(folder.path(), &[&check[..], &["--suspects=1", "--json"]].concat());
    let one: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(one["suspects"], json!([suspects[0]]));
    // The table says the same, and tells to read first.
    let (table, _) = said(folder.path(), &[&check[..], &["--suspects=1"]].concat());
    assert!(table.contains(suspects[0]["id"].as_str().unwrap()) && table.contains("1 of "), "{table}");
    assert!(!table.contains(suspects[1]["id"].as_str().unwrap()), "{table}");
    assert!(table.contains("read before you change one"), "{table}");
}

#[test]
fn faults_and_suspects_come_together() {
    let folder = folder();
    labels(folder.path(), &[1]);
    let mut table = std::fs::read_to_string(folder.path().join("own.csv")).unwrap();
    table += &table.lines().nth(7).unwrap().replace("doc-06", "doc-99").replace("favor", "against");
    put(folder.path(), "own.csv", table);
    let args = ["check", "own.csv", "--config", "settings.toml", "--suspects", "--json"];
    let done = kzstance(folder.path()).args(args).assert().code(3);
    let found: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let faults = found["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{found}");
    assert!(faults[0].as_str().unwrap().contains("own.csv:38"), "{found}");
    assert!(found["suspects"].as_array().unwrap().iter().any(|one| one["id"] == "doc-01"), "{found}");
}

#[test]
fn articles_to_label_next_are_listed_from_the_most_doubtful() {
    let folder = folder();
    labels(folder.path(), &[]);
    unlabelled(folder.path());
    let next = |options: &[&str]| {
        let args = ["check", "own.csv", "--config", "settings.toml", "--next", "3", "--among", "more"];
        said(folder.path(), &[&args[..], options].concat()).0
    };
    let found: Value = serde_json::from_str(&next(&["--json"])).unwrap();
    assert!(found.get("suspects").is_none());
    let rows = found["next"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{found}");
    for row in rows {
        assert!(row["id"].as_str().unwrap() < "new-06", "{found}");
        assert_eq!(row["place"], format!("more/{}.txt", row["id"].as_str().unwrap()));
        assert_eq!(row["axis"], "stance");
        assert_ne!(row["between"][0], row["between"][1]);
    }
    let margins: Vec<f64> = rows.iter().map(|row| row["margin"].as_f64().unwrap()).collect();
    assert!(margins.is_sorted(), "{margins:?}");
    let table = next(&[]);
    let listed = (0..12).filter(|number| table.contains(&format!("new-{number:02}"))).count();
    assert!(listed == 3 && table.contains("torn between"), "{table}");
    // A model that was trained on these labels before says the same.
    let train = ["train", "own.csv", "--config", "settings.toml", "-o", "own.kzm", "--quiet"];
    said(folder.path(), &train);
    assert_eq!(next(&["-m", "own.kzm"]), table);
    assert_eq!(next(&["--threads", "1"]), table);
}

#[test]
fn options_of_reviews_that_do_not_go_together_are_refused() {
    let folder = folder();
    labels(folder.path(), &[]);
    unlabelled(folder.path());
    for (options, words) in [
        (&["--json"][..], &["--suspects", "--next"][..]),
        (&["--next", "3"], &["--among"]),
        (&["--among", "more"], &["--next"]),
        (&["--suspects", "-m", "own.kzm"], &["--next"]),
        (&["--suspects=few"], &["few", "--suspects"]),
        (&["--next", "few", "--among", "more"], &["few", "--next"]),
    ] {
        refused(folder.path(), &[&["check", "own.csv"], options].concat(), words);
    }
}

#[test]
fn a_level_that_the_examples_do_not_carry_is_refused() {
    let folder = with_news();
    refused(
        folder.path(),
        &["score", "news", "--level", "0.99"],
        &["level 0.99", "sentiment", "51 examples"],
    );
}

#[test]
fn what_to_label_next_wants_one_target_as_training_does() {
    let folder = folder();
    let mut table = "id,text,stance,target\n".to_owned();
    for (number, article) in articles(36).iter().enumerate() {
        let target = ["bridge", "market"][number % 2];
        table += &format!("{},{},{},{target}\n", article.id, article.text, article.stance);
    }
    put(folder.path(), "own.csv", table);
    put(folder.path(), "more/a.txt", &articles(40)[39].text);
    kzstance(folder.path()).args(["train", "own.csv", "-o", "own.kzm"]).assert().code(2);
    kzstance(folder.path()).args(["check", "own.csv", "--next", "1", "--among", "more"]).assert().code(2);
}

#[test]
fn probabilities_stand_in_the_order_of_the_axis() {
    let folder = folder();
    put(folder.path(), "own.csv", csv_of(&articles(36)));
    put(folder.path(), "more/a.txt", &articles(40)[39].text);
    let args = ["check", "own.csv", "--next", "1", "--among", "more", "--json"];
    let done = kzstance(folder.path()).args(args).assert().success();
    let found: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let keys: Vec<&String> = found["next"][0]["probabilities"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["favor", "against", "none"]);
}

#[test]
fn a_class_of_other_letters_is_named_without_regard_to_case_too() {
    let folder = folder();
    let table = csv_of(&articles(36)).replace(",stance,", ",opinion,").replace(",favor,", ",За,");
    put(folder.path(), "own.csv", table.replace(",against,", ",Против,").replace(",none,", ",Никак,"));
    kzstance(folder.path())
        .args(["train", "own.csv", "--axis", "opinion=За,Против,Никак", "-o", "own.kzm"])
        .assert()
        .success();
    put(folder.path(), "a.jsonl", json!({"id": "a", "text": articles(40)[39].text}).to_string());
    for prior in ["За=0.3", "за=0.3"] {
        kzstance(folder.path())
            .args(["score", "a.jsonl", "-m", "own.kzm", "--prior", prior])
            .assert()
            .success();
    }
}
