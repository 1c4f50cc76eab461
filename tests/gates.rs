//! Gates: what is read, what it means, and what passes.

mod common;
mod evaluations;

use common::{folder, put};
use evaluations::{axis_of, bare, beside, evaluation, origin, predictions, slice, stance};
use kzstance::evaluate::evaluation::{BesideKind, Evaluation};
use kzstance::evaluate::gate::{
    End, FigureName, Gate, GateResult, Op, Part, Path, Test, Value, check, parse, read_gates,
};
use kzstance::label::Axis;
use kzstance::{Error, Result};
use proptest::prelude::*;

/// 60 articles, of which every tenth is decided wrongly, with everything beside them that a gate can name.
fn full() -> Evaluation {
    let mut found = stance(60, |row| row % 10 == 0);
    let axis = &found.axes[0];
    let besides = vec![
        beside(axis, "random", BesideKind::Random, |_| false),
        beside(axis, "temporal", BesideKind::Temporal, |row| row % 5 == 0),
        beside(axis, "majority", BesideKind::Baseline, |row| row % 2 == 0),
        beside(axis, "lexicon", BesideKind::Baseline, |row| row % 10 == 0),
    ];
    let slices = vec![
        slice(axis, "outlet", "قناة 1", |prediction| prediction.outlet.as_deref() == Some("قناة 1")),
        slice(axis, "length", "50-99 words", |prediction| prediction.group < 3),
        slice(axis, "origin", "press", |prediction| prediction.origin == "press"),
    ];
    let origins = vec![origin(axis, "press"), origin(axis, "authored")];
    let axis = &mut found.axes[0];
    (axis.beside, axis.slices, axis.origins) = (besides, slices, origins);
    found
}

fn checked(expression: &str, of: &Evaluation, baseline: Option<&Evaluation>) -> GateResult {
    check(&parse(expression).unwrap(), of, baseline).unwrap()
}

fn passes(expression: &str, of: &Evaluation) -> bool {
    checked(expression, of, None).passed
}

/// The exit code and the words of what is refused.
fn refused<T: std::fmt::Debug>(result: Result<T>) -> (u8, String) {
    let error = result.unwrap_err();
    (error.exit_code(), error.to_string())
}

// Reading

#[test]
fn a_gate_is_read_into_its_parts() {
    let gate = parse(r#" stance["the railway"].slice.outlet."قناة x".class.favor.recall.low>=0.5 "#).unwrap();
    let path = Path {
        axis: "stance".into(),
        target: Some("the railway".into()),
        part: Part::Slice("outlet".into(), "قناة x".into()),
        figure: FigureName::OfClass("favor".into(), "recall".into()),
        end: End::Low,
    };
    let test = Test::Compare(Op::AtLeast, Value::Number(0.5));
    assert_eq!(gate, Gate { path, test, why: None, place: None });
    assert_eq!(gate.to_string(), r#"stance["the railway"].slice.outlet."قناة x".favor.recall.low >= 0.5"#);
    for (written, shown) in [
        ("stance.n>=1e2", "stance.n >= 100"),
        ("stance.favor.n > 20", "stance.favor.n > 20"),
        ("stance.macro_f1.n <= 20", "stance.macro_f1.n <= 20"),
        ("stance.macro_f1.value < -0.5", "stance.macro_f1 < -0.5"),
        ("stance[the railway].mcc>0", "stance[\"the railway\"].mcc > 0"),
        ("stance.class.accuracy.f1 > .5", "stance.class.accuracy.f1 > 0.5"),
        ("stance.\"gap\".f1 > 0", "stance.class.gap.f1 > 0"),
        (
            "stance.macro_f1 > stance.baseline.majority.macro_f1.high",
            "stance.macro_f1 > stance.baseline.majority.macro_f1.high",
        ),
        ("stance.semeval_f\tnot_worse_than  baseline", "stance.semeval_f not_worse_than baseline"),
        (
            "stance.origin.other-target.auc_sided better_than baseline",
            "stance.origin.other-target.auc_sided better_than baseline",
        ),
        (r#"stance.slice.outlet."a\"b\\.c".accuracy>0"#, r#"stance.slice.outlet."a\"b\\.c".accuracy > 0"#),
    ] {
        let gate = parse(written).unwrap();
        assert_eq!(gate.to_string(), shown);
        assert_eq!(parse(shown).unwrap(), gate);
    }
}

#[test]
fn what_is_no_gate_is_a_usage_error_that_names_the_character() {
    for (written, words) in [
        ("", "character 1: expected an axis"),
        ("stance", "expected a figure: accuracy, macro_f1"),
        ("stance.macro_f1", "expected >=, >, <=, <, «not_worse_than baseline»"),
        ("stance.macro_f1 >=", "expected an axis"),
        ("stance.macro_f1 == 0.5", "character 17: expected >="),
        ("stance.macro_f1 >= 0,5", "«0,5» is no finite number"),
        ("stance.macro_f1 >= 1e999", "«1e999» is no finite number"),
        ("stance.macro_f1 >= 0.5 and more", "one gate is one comparison"),
        ("stance.macro_f1 not_worse_than 0.5", "expected the word baseline"),
        ("stance.macrof1 >= 0.5", "«macrof1»; did you mean macro_f1? There are: accuracy, macro_f1"),
        ("stance.zzz >= 0.5", "there is no figure «zzz»; there are: accuracy"),
        ("stance.favor.recal >= 0.5", "no figure of a class «recal»; did you mean recall?"),
        ("stance.class.favor >= 0.5", "expected a figure of favor"),
        ("stance.slices.outlet.x.accuracy > 0", "«slices» does not begin a figure"),
        ("stance.origin", "expected the name of one, as in stance.origin.NAME"),
        ("stance.slice.outlet", "what divides and a name"),
        ("stance[].n > 0", "expected a target"),
        ("stance[a.n > 0", "expected ] after the target"),
        ("stance.\"a.f1 > 0", "character 8: this quotation mark is not closed"),
        ("stance.\"\".f1 > 0", "a name in quotes is empty"),
        (r#"stance."a\n".f1 > 0"#, "before \" or \\, not before n"),
    ] {
        let (code, said) = refused(parse(written));
        assert_eq!(code, 2, "{written}");
        assert!(said.contains(words), "{written}: «{words}» is missing in: {said}");
    }
}

fn name() -> impl Strategy<Value = String> {
    let words =
        ["origin", "gap", "class", "n", "low", "value", "macro_f1", "baseline", "recall", "0", "قناة x"];
    prop_oneof![prop::sample::select(words.to_vec()).prop_map(str::to_owned), "\\PC{1,6}", "(?s).{1,4}"]
}

fn path() -> impl Strategy<Value = Path> {
    let part = prop_oneof![
        Just(Part::Whole),
        Just(Part::Random),
        Just(Part::Temporal),
        Just(Part::Gap),
        name().prop_map(Part::Origin),
        name().prop_map(Part::Baseline),
        (name(), name()).prop_map(|(by, name)| Part::Slice(by, name)),
    ];
    let overall = prop::sample::select(vec!["accuracy", "macro_f1", "ece", "auc_direction", "n", "groups"]);
    let of_class = prop::sample::select(vec!["precision", "f1", "auc", "n", "predicted"]);
    let figure = prop_oneof![
        overall.prop_map(|name| FigureName::Overall(name.into())),
        (name(), of_class).prop_map(|(class, name)| FigureName::OfClass(class, name.into())),
    ];
    let end = prop::sample::select(vec![End::Value, End::Low, End::High, End::N]);
    (name(), prop::option::of(name()), part, figure, end).prop_map(|(axis, target, part, figure, end)| Path {
        axis,
        target,
        part,
        figure,
        end,
    })
}

fn gate() -> impl Strategy<Value = Gate> {
    let op = prop::sample::select(vec![Op::AtLeast, Op::Above, Op::AtMost, Op::Below]);
    let number = any::<f64>().prop_filter("finite", |number| number.is_finite());
    let value = prop_oneof![number.prop_map(Value::Number), path().prop_map(Value::Path)];
    let test = prop_oneof![
        (op, value).prop_map(|(op, value)| Test::Compare(op, value)),
        Just(Test::NotWorse),
        Just(Test::Better),
    ];
    (path(), test).prop_map(|(path, test)| Gate { path, test, why: None, place: None })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_is_read_again(gate in gate()) {
        let written = gate.to_string();
        let read = parse(&written);
        prop_assert!(read.is_ok(), "{}: {:?}", written, read);
        prop_assert_eq!(read.unwrap(), gate);
    }

    #[test]
    fn no_string_is_too_odd(text in "(?s).{0,40}") {
        prop_assert!(parse(&text).is_ok_and(|gate| parse(&gate.to_string()).is_ok_and(|again| again == gate)) || parse(&text).is_err_and(|error| error.exit_code() == 2));
    }

    #[test]
    fn no_near_gate_is_too_odd(text in r#"(stance|\[|\]|"|\\|\.|gap|slice|origin|baseline|class|n|low|f1|macro_f1| |>=|<|0\.5|not_worse_than|ق){0,12}"#) {
        match parse(&text) {
            Ok(gate) => prop_assert_eq!(parse(&gate.to_string()).unwrap(), gate),
            Err(error) => prop_assert_eq!(error.exit_code(), 2),
        }
    }
}

// Checking

#[test]
fn a_path_leads_to_its_figure() {
    let of = full();
    let axis = &of.axes[0];
    let whole = axis.figures.macro_f1.value.unwrap();
    let low = axis.figures.macro_f1.low.unwrap();
    assert!(low < whole);
    for (path, value) in [
        ("stance.macro_f1", whole),
        ("stance[the railway].macro_f1", whole),
        ("stance.macro_f1.low", low),
        ("stance.macro_f1.n", 60.0),
        ("stance.n", 60.0),
        ("stance.groups", 30.0),
        ("stance.favor.n", 20.0),
        ("stance.favor.predicted", axis.figures.classes[0].predicted as f64),
        ("stance.class.favor.recall", axis.figures.classes[0].recall.value.unwrap()),
        ("stance.random.accuracy", 1.0),
        ("stance.temporal.accuracy", 0.8),
        ("stance.baseline.majority.accuracy", 0.5),
        ("stance.gap.accuracy", 0.1),
        ("stance.origin.press.accuracy", 0.8),
        ("stance.origin.authored.accuracy", 1.0),
        ("stance.slice.outlet.\"قناة 1\".n", 10.0),
        ("stance.slice.length.\"50-99 words\".n", 6.0),
        ("stance.slice.origin.press.accuracy", 0.8),
    ] {
        // Neither above nor below: the very value.
        for op in [">=", "<="] {
            let at = if op == ">=" { value - 1e-9 } else { value + 1e-9 };
            assert!(passes(&format!("{path} {op} {at}"), &of), "{path} {op} {at}");
            let beyond = if op == ">=" { value + 1e-6 } else { value - 1e-6 };
            assert!(!passes(&format!("{path} {op} {beyond}"), &of), "{path} {op} {beyond}");
        }
    }
    assert!(passes("stance.n >= 60", &of) && !passes("stance.n > 60", &of) && passes("stance.n <= 60", &of));
    assert!(!passes("stance.n < 60", &of) && passes("stance.n < 61", &of));
    assert!(passes("stance.macro_f1 > stance.baseline.majority.macro_f1", &of));
    assert!(!passes("stance.macro_f1 > stance.baseline.lexicon.macro_f1", &of));
    assert!(passes("stance.macro_f1 >= stance.baseline.lexicon.macro_f1", &of));
}

#[test]
fn a_result_says_what_was_found() {
    let of = full();
    let found = checked("stance.accuracy >= 0.95", &of, None);
    assert!(!found.passed);
    assert!(found.message.starts_with("0.9000 is not >= 0.95 (95 % interval 0."), "{}", found.message);
    assert!(found.message.ends_with("n = 60 in 30 groups)"), "{}", found.message);
    assert_eq!(checked("stance.n >= 100", &of, None).message, "60 is not >= 100");
    let found = checked("stance.accuracy > stance.baseline.majority.accuracy", &of, None).message;
    assert!(found.starts_with("0.9000 (95 % interval 0."), "{found}");
    assert!(found.ends_with(" is > stance.baseline.majority.accuracy = 0.5000"), "{found}");
    // What rounding would hide is shown.
    let found = checked("stance.accuracy >= 0.90000001", &of, None);
    assert!(!found.passed && found.message.starts_with("0.9 is not >= 0.90000001"), "{}", found.message);
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<GateResult>(&json).unwrap(), found);
}

#[test]
fn what_cannot_be_known_is_not_passed() {
    let mut of = full();
    of.axes[0].figures.mcc = bare(None, 60, "undefined");
    of.axes[0].figures.accuracy = bare(Some(0.9), 12, "too few");
    of.axes[0].figures.ece = bare(Some(0.1), 60, "no interval");
    for (gate, words) in [
        ("stance.mcc >= -1", "the figure is undefined (n = 60), so it cannot be >= -1"),
        ("stance.mcc <= 1", "the figure is undefined"),
        ("stance.mcc.low <= 1", "the figure is undefined"),
        ("stance.accuracy.low >= 0", "there is no interval: too few (n = 12, and 20 are needed)"),
        ("stance.accuracy.high <= 1", "too few"),
        ("stance.ece.high <= 1", "there is no interval (no interval, n = 60)"),
        (
            "stance.macro_f1 >= stance.mcc",
            "of stance.mcc, the figure is undefined (n = 60), so nothing can be >= it",
        ),
    ] {
        let found = checked(gate, &of, None);
        assert!(!found.passed, "{gate}");
        assert!(found.message.contains(words), "{gate}: {}", found.message);
    }
    // The figure itself is known.
    assert!(passes("stance.accuracy >= 0.9", &of));
}

#[test]
fn what_there_is_not_is_a_usage_error_that_names_what_there_is() {
    let of = full();
    let mut two = evaluation(vec![of.axes[0].clone(), of.axes[0].clone()]);
    for (axis, target) in two.axes.iter_mut().zip(["rail", "road"]) {
        axis.target = Some(target.into());
    }
    for (gate, of, words) in [
        ("stanse.n > 0", &of, "there is no axis «stanse»; did you mean stance? There are: stance"),
        (
            "stance.favour.recall > 0",
            &of,
            "no class «favour»; did you mean favor? There are: favor, against, none",
        ),
        ("stance.origin.pres.n > 0", &of, "no origin «pres»; did you mean press? There are: press, authored"),
        ("stance.baseline.random.n > 0", &of, "no baseline «random»; there are: majority, lexicon"),
        ("stance.slice.outlets.x.n > 0", &of, "no slice by «outlets»; did you mean outlet?"),
        ("stance.slice.outlet.x.n > 0", &of, "no slice by outlet «x»"),
        ("stance.gap.favor.auc > 0", &of, "no gap of «favor.auc»"),
        ("stance[x].n > 0", &of, "no target «x»; there are: the railway"),
        ("stance.n.low > 0", &of, "n is a count"),
        ("stance.favor.predicted.high > 0", &of, "favor.predicted is a count"),
        ("stance.n > 0", &two, "toward several targets; name one, as in stance[\"rail\"]: rail, road"),
        ("stance[raod].n > 0", &two, "no target «raod»; did you mean road?"),
        ("stance.n > sentiment.n", &of, "no axis «sentiment»"),
    ] {
        let (code, said) = refused(check(&parse(gate).unwrap(), of, None));
        assert_eq!(code, 2, "{gate}: {said}");
        assert!(said.contains(words) && said.starts_with("gate «stan"), "{gate}: {said}");
    }
    let plain = evaluation(vec![axis_of(
        Axis::named("tone", &["calm".into(), "tense".into()]),
        predictions(&Axis::named("tone", &["calm".into(), "tense".into()]), 30, |row| row == 1),
    )]);
    for (gate, words) in [
        ("tone.semeval_f > 0", "no figure «semeval_f»"),
        ("tone.gap.macro_f1 > 0", "was not judged in random folds"),
        ("tone.temporal.macro_f1 > 0", "was not judged in folds by date"),
        ("tone.baseline.majority.n > 0", "no baseline «majority», nor any other"),
    ] {
        let (code, said) = refused(check(&parse(gate).unwrap(), &plain, None));
        assert!(code == 2 && said.contains(words), "{gate}: {said}");
    }
    assert!(passes("tone[\"the railway\"].n >= 30", &plain));
}

// Against a baseline

#[test]
fn not_worse_passes_unless_worse_and_better_only_if_better() {
    let (good, middling, bad) = (
        stance(120, |row| row % 20 == 0),
        stance(120, |row| row % 20 == 10),
        stance(120, |row| row / 2 % 2 == 0),
    );
    for (of, baseline, not_worse, better, words) in [
        (&good, &bad, true, true, "it is better"),
        (&good, &middling, true, false, "cannot tell at this n"),
        (&good, &good, true, false, "no difference"),
        (&bad, &good, false, false, "it is worse"),
    ] {
        for name in ["accuracy", "macro_f1", "brier", "favor.f1"] {
            let found = checked(&format!("stance.{name} not_worse_than baseline"), of, Some(baseline));
            assert_eq!(found.passed, not_worse, "{name}: {}", found.message);
            let found = checked(&format!("stance.{name} better_than baseline"), of, Some(baseline));
            assert_eq!(found.passed, better, "{name}: {}", found.message);
        }
        let found = checked("stance.accuracy better_than baseline", of, Some(baseline));
        assert!(
            found.message.contains(words) && found.message.contains("120 articles in both"),
            "{}",
            found.message
        );
    }
    let found = checked("stance.accuracy not_worse_than baseline", &bad, Some(&good));
    assert!(
        found.message.starts_with("-0.4500 against the baseline (95 % interval -0."),
        "{}",
        found.message
    );
}

#[test]
fn a_part_is_compared_on_its_own_articles() {
    // Worse on the articles of the press, which are the even rows, and nowhere else.
    let (mut of, baseline) = (full(), full());
    of.axes[0].predictions = predictions(&Axis::stance(), 60, |row| row % 2 == 0);
    of.axes[0].origins = vec![origin(&of.axes[0], "press"), origin(&of.axes[0], "authored")];
    let not_worse =
        |path: &str| checked(&format!("{path}.accuracy not_worse_than baseline"), &of, Some(&baseline));
    for (path, passed, n) in [
        ("stance.origin.press", false, 30),
        ("stance.origin.authored", true, 30),
        ("stance.slice.origin.press", false, 30),
        ("stance", false, 60),
    ] {
        let found = not_worse(path);
        assert_eq!(found.passed, passed, "{path}: {}", found.message);
        assert!(found.message.contains(&format!("{n} articles")), "{path}: {}", found.message);
    }
    // Ten articles cannot be compared, and that is not passing.
    let few = not_worse("stance.slice.outlet.\"قناة 1\"");
    assert!(!few.passed && few.message.contains("too few: 10 articles"), "{}", few.message);
}

/// A label that is corrected later must not make the gate unanswerable, nor let hard articles be dropped.
#[test]
fn a_baseline_is_judged_by_todays_labels_and_on_most_of_its_articles() {
    let of = full();
    let gate = parse("stance.accuracy not_worse_than baseline").unwrap();
    let mut relabelled = of.clone();
    relabelled.axes[0].predictions[5].truth = "favor".into();
    let found = check(&gate, &of, Some(&relabelled)).unwrap();
    assert!(found.passed && found.message.contains("1 labelled otherwise since"), "{}", found.message);
    let mut fewer = of.clone();
    let all = fewer.axes[0].predictions.len();
    fewer.axes[0].predictions.truncate(all * 9 / 10);
    let found = check(&gate, &fewer, Some(&of)).unwrap();
    assert!(found.passed && found.message.contains("are not here"), "{}", found.message);
    fewer.axes[0].predictions.truncate(all / 2);
    let found = check(&gate, &fewer, Some(&of)).unwrap();
    assert!(!found.passed && found.message.contains("too many to compare"), "{}", found.message);
}

#[test]
fn a_class_named_like_a_figure_is_a_class_in_quotes() {
    let gate = parse("mood.\"accuracy\".n >= 100").unwrap();
    assert_eq!(gate.to_string(), parse(&gate.to_string()).unwrap().to_string());
    assert_ne!(gate, parse("mood.accuracy.n >= 100").unwrap());
}

#[test]
fn a_baseline_that_does_not_fit_is_bad_input_and_none_is_a_usage_error() {
    let of = full();
    let gate = parse("stance.accuracy not_worse_than baseline").unwrap();
    let (code, said) = refused(check(&gate, &of, None));
    assert!(code == 2 && said.contains("--baseline"), "{said}");
    let mut other = of.clone();
    other.axes[0].predictions.iter_mut().for_each(|prediction| prediction.id.insert(0, 'x'));
    let mut older = of.clone();
    older.schema = "kzstance-evaluation/1".into();
    let mut without = of.clone();
    without.axes.clear();
    for (baseline, words) in [
        (&other, "no article is in both"),
        (&older, "the baseline: it is of schema «kzstance-evaluation/1»"),
        (&without, "the baseline: stance.accuracy: there is no axis «stance»"),
    ] {
        let (code, said) = refused(check(&gate, &of, Some(baseline)));
        assert!(code == 3 && said.contains(words), "{said}");
    }
    for (gate, words) in [
        ("stance.random.accuracy not_worse_than baseline", "not what stands beside it"),
        (
            "stance.slice.length.\"50-99 words\".n not_worse_than baseline",
            "a slice by length cannot be compared",
        ),
        ("stance.accuracy.low not_worse_than baseline", "leave out .low"),
        ("stance.n not_worse_than baseline", "no paired difference of «n»"),
    ] {
        let (code, said) = refused(check(&parse(gate).unwrap(), &of, Some(&of)));
        assert!(code == 2 && said.contains(words), "{gate}: {said}");
    }
}

// Files of gates

#[test]
fn a_file_of_gates_gives_each_its_line() {
    let folder = folder();
    let text = "# What must hold.\n[[gate]]\ncheck = \"stance.accuracy >= 0.95\"\nwhy = \"else it is\\nno use\"\n\n[[gate]]\nwhy = \"\"\ncheck = '''stance.n >= 60'''\n";
    let path = put(folder.path(), "gates.toml", text);
    let gates = read_gates(&path).unwrap();
    let results: Vec<GateResult> = gates.iter().map(|gate| check(gate, &full(), None).unwrap()).collect();
    let file = path.display().to_string();
    assert_eq!(results.iter().map(|found| found.passed).collect::<Vec<_>>(), [false, true]);
    assert_eq!(results[0].place, Some((file.clone(), 3)));
    assert_eq!(results[0].why.as_deref(), Some("else it is\nno use"));
    assert_eq!(results[1].place, Some((file, 8)));
    // A path that leads nowhere is the file's fault, not the call's.
    let path = put(folder.path(), "gates.toml", "\n[[gate]]\ncheck = \"stanse.n > 0\"\n");
    let (code, said) = refused(check(&read_gates(&path).unwrap()[0], &full(), None));
    assert!(code == 3 && said.contains("gates.toml:3: ") && said.contains("did you mean stance?"), "{said}");
}

#[test]
fn a_file_that_is_no_file_of_gates_is_bad_input_with_its_line() {
    let folder = folder();
    for (text, words) in [
        ("", "gates.toml: no gate is in it"),
        ("[[gate]]\ncheck = \"stance.n > 0\"\nwhen = \"always\"\n", "gates.toml:3: unknown field `when`"),
        ("[[gate]]\nwhy = \"x\"\n", "gates.toml:1: missing field `check`"),
        ("[[gates]]\ncheck = \"stance.n > 0\"\n", "gates.toml:1: unknown field `gates`"),
        ("[[gate]]\ncheck = 5\n", "gates.toml:2: invalid type"),
        (
            "[[gate]]\ncheck = \"stance.n > 0\"\n\n[[gate]]\ncheck = \"stance.n = 0\"\n",
            "gates.toml:5: gate «stance.n = 0», character 10: expected >=",
        ),
        ("[[gate]]\ncheck = \"\n", "gates.toml:2: "),
    ] {
        let path = put(folder.path(), "gates.toml", text);
        let (code, said) = refused(read_gates(&path));
        assert!(code == 3 && said.contains(words), "{text:?}: {said}");
    }
    let missing = refused(read_gates(&folder.path().join("none.toml")));
    assert!(missing.0 == 3 && missing.1.contains("none.toml: cannot be read"), "{}", missing.1);
    assert!(matches!(read_gates(&put(folder.path(), "a.toml", [0xff, 0xfe])), Err(Error::Read { .. })));
}

#[test]
fn the_gates_of_this_repository_can_be_read() {
    let gates = read_gates(&common::root().join("labels/gates.toml")).unwrap();
    assert!(gates.iter().all(|gate| gate.why.is_some() && gate.place.is_some()));
}
