//! Gates: what an evaluation must reach, said in one line, so that a change that makes it worse is stopped.
//!
//! ```text
//! gate    = PATH OP VALUE | PATH "not_worse_than" "baseline" | PATH "better_than" "baseline"
//! OP      = ">=" | ">" | "<=" | "<"
//! VALUE   = a number | PATH
//! PATH    = AXIS [ "[" TARGET "]" ] [ "." PART ] "." FIGURE [ "." END ]
//! PART    = "origin" "." NAME | "baseline" "." NAME | "slice" "." BY "." NAME
//!         | "random" | "temporal" | "gap"
//! FIGURE  = accuracy, macro_f1, … | [ "class" "." ] CLASS "." ( precision, recall, f1, … )
//! END     = "value" | "low" | "high" | "n"
//! ```
//!
//! `stance.macro_f1.low >= 0.5` asks it of the interval's lower end, which a lucky draw of few articles does
//! not reach. `stance.gap.macro_f1 <= 0.1` bounds how far random folds flatter: `gap` is random folds minus
//! grouped ones. `n` and `groups` are figures too: `stance.n >= 100`, `stance.favor.n >= 20`. A name with
//! dots, spaces or brackets in it is quoted: `stance.slice.outlet."قناة x".accuracy`; in quotes, `\"` and
//! `\\` stand for a quotation mark and a backslash, and no name is a word of the grammar.
//!
//! `not_worse_than baseline` and `better_than baseline` compare with an earlier evaluation, article by
//! article; see [`super::compare`]. The former fails where the difference is *worse*, the latter passes only
//! where it is *better*.
//!
//! What cannot be known is not passed: a gate on an undefined figure, on the end of an interval that is
//! missing, or on a difference without an interval, fails and says why.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path as FilePath;

use serde::{Deserialize, Serialize};

use super::compare::{Verdict, on_target, pair};
use super::evaluation::{AxisEvaluation, BesideKind, Evaluation, SCHEMA};
use super::figures::{ClassFigures, Figure, Figures, HEADLINE};
use super::sample::{ENOUGH, Prediction};
use crate::error::{Error, Place, Result};

/// What is counted over all classes, beside the figures.
const COUNTS: [&str; 3] = ["n", "groups", "macro_f1_classes"];

/// Figures and counts over all classes.
fn overall() -> Vec<&'static str> {
    HEADLINE.into_iter().chain(COUNTS).collect()
}

/// Figures of one class; the last two are counts.
const OF_CLASS: [&str; 7] = ["precision", "recall", "f1", "auc", "average_precision", "n", "predicted"];

/// Words that a class, unless it is quoted, is not called after an axis.
const WORDS: [&str; 7] = ["origin", "baseline", "slice", "random", "temporal", "gap", "class"];

/// Share of the baseline's articles that must still be there.
const ENOUGH_OF_BASELINE: f64 = 0.8;
/// What the baseline is called in messages.
const BASELINE: &str = "the baseline";

/// A requirement. Written ([`fmt::Display`]), it is what [`parse`] reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What is required of.
    pub path: Path,
    /// What is required.
    pub test: Test,
    /// Why, as the gates' file says.
    pub why: Option<String>,
    /// Where it stands, if in a file.
    pub place: Option<Place>,
}

/// What is required of a figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// How it stands to a value.
    Compare(Op, Value),
    /// That it is not worse than in the baseline, as far as can be told.
    NotWorse,
    /// That it is better than in the baseline, and can be told to be.
    Better,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// Another figure.
    Path(Path),
}

/// The way to a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The axis's name.
    pub axis: String,
    /// The target, where there are several.
    pub target: Option<String>,
    /// Which of the axis's figures.
    pub part: Part,
    /// Which figure.
    pub figure: FigureName,
    /// What of it.
    pub end: End,
}

/// A set of figures of an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Those over all held-out decisions.
    Whole,
    /// Those on the articles of an origin.
    Origin(String),
    /// Those of a baseline.
    Baseline(String),
    /// Those in random folds.
    Random,
    /// Those in folds by date.
    Temporal,
    /// Those of a part of the articles: what divides, and the part's name.
    Slice(String, String),
    /// Random folds minus grouped ones.
    Gap,
}

/// The name of a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FigureName {
    /// Over all classes.
    Overall(String),
    /// The class, and the figure of it.
    OfClass(String, String),
}

/// What of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The figure itself.
    Value,
    /// The lower end of its interval.
    Low,
    /// The upper end.
    High,
    /// The articles that it rests on.
    N,
}

/// What became of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// The gate, as it was written.
    pub expression: String,
    /// Why it is there, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether it was passed.
    pub passed: bool,
    /// What was found, in words.
    pub message: String,
    /// The file and line where it stands, if it stands in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(String, u64)>,
}

// Reading

/// Reads a gate.
///
/// # Errors
/// [`Error::Usage`], with the character where it is not of the grammar, or the figures that there are. What
/// an evaluation holds (axes, classes, slices) is only known to [`check`].
pub fn parse(text: &str) -> Result<Gate> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.gate().map_err(|problem| {
        let character = text[..cursor.at].chars().count() + 1;
        Error::Usage(format!("gate «{}», character {character}: {problem}", one_line(text)))
    })
}

/// Reads a file of gates:
///
/// ```toml
/// [[gate]]
/// check = "stance.macro_f1.low >= 0.5"
/// why = "below it, a guess by outlet does as well"
/// ```
///
/// # Errors
/// [`Error::Read`]; [`Error::Malformed`] with the line for what is no TOML, an unknown key or a `check` that
/// [`parse`] refuses; [`Error::Empty`] for a file without any gate, which would pass whatever comes.
pub fn read_gates(path: &FilePath) -> Result<Vec<Gate>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        gate: Vec<Entry>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        check: toml::Spanned<String>,
        why: Option<String>,
    }
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let text = text.trim_start_matches('\u{feff}');
    let place = |at: usize| {
        let before = text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count();
        Place::line(path, before as u64 + 1)
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(Place::file(path), |span| place(span.start));
        let problem = format!(
            "{}; a gate is a table [[gate]] with check = \"…\" and, if you like, why = \"…\"",
            error.message()
        );
        Error::malformed(place, problem)
    })?;
    if file.gate.is_empty() {
        let problem = "no gate is in it; add a table [[gate]] with check = \"stance.macro_f1.low >= 0.5\"";
        return Err(Error::Empty { place: Place::file(path), problem: problem.into() });
    }
    file.gate
        .into_iter()
        .map(|entry| {
            let place = place(entry.check.span().start);
            match parse(entry.check.get_ref()) {
                Ok(gate) => Ok(Gate { why: entry.why, place: Some(place), ..gate }),
                Err(error) => Err(Error::malformed(place, error.to_string())),
            }
        })
        .collect()
}

/// A reader of one gate.
struct Cursor<'t> {
    text: &'t str,
    /// Where it is, in bytes.
    at: usize,
}

/// A name between dots.
struct Segment {
    text: String,
    quoted: bool,
}

impl Segment {
    fn is(&self, word: &str) -> bool {
        !self.quoted && self.text == word
    }
}

/// Whether a name may hold it without quotes.
fn is_bare(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || ".[]\"<>=".contains(c))
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// What of the rest is all of the kind.
    fn take_while(&mut self, of_kind: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let found = rest[..rest.find(|c| !of_kind(c)).unwrap_or(rest.len())].to_owned();
        self.at += found.len();
        found
    }

    fn space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn gate(&mut self) -> Result<Gate, String> {
        self.space();
        let path = self.path()?;
        self.space();
        let ops = [(">=", Op::AtLeast), (">", Op::Above), ("<=", Op::AtMost), ("<", Op::Below)];
        let test = match ops.into_iter().find(|(sign, _)| self.take(sign)) {
            Some((_, op)) => {
                self.space();
                Test::Compare(op, self.value()?)
            }
            None => self.against_baseline()?,
        };
        self.space();
        match self.peek() {
            None => Ok(Gate { path, test, why: None, place: None }),
            Some(_) => Err("the gate should end here; one gate is one comparison".into()),
        }
    }

    fn against_baseline(&mut self) -> Result<Test, String> {
        let start = self.at;
        let test = match self.take_while(is_bare).as_str() {
            "not_worse_than" => Test::NotWorse,
            "better_than" => Test::Better,
            _ => {
                self.at = start;
                return Err(
                    "expected >=, >, <=, <, «not_worse_than baseline» or «better_than baseline»".into()
                );
            }
        };
        self.space();
        let start = self.at;
        if self.take_while(is_bare) == "baseline" {
            return Ok(test);
        }
        self.at = start;
        Err("expected the word baseline; with another figure, compare by >= or >".into())
    }

    fn value(&mut self) -> Result<Value, String> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit() || "+-.".contains(c)) {
            return self.path().map(Value::Path);
        }
        let start = self.at;
        let written = self.take_while(|c| !c.is_whitespace());
        match written.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Value::Number(number)),
            _ => {
                self.at = start;
                Err(format!("«{written}» is no finite number"))
            }
        }
    }

    fn path(&mut self) -> Result<Path, String> {
        let axis = self.segment("an axis, as in stance.macro_f1")?.text;
        let target = if self.take("[") { Some(self.target()?) } else { None };
        let mut segments = Vec::new();
        let start = self.at;
        while self.take(".") {
            segments.push(self.segment("a name")?);
        }
        let found = path_of(axis, target, segments);
        if found.is_err() {
            self.at = start;
        }
        found
    }

    fn target(&mut self) -> Result<String, String> {
        self.space();
        let name = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.take_while(|c| !"[]\"".contains(c) && !c.is_control()).trim_end().to_owned()
        };
        self.space();
        match (name.is_empty(), self.take("]")) {
            (false, true) => Ok(name),
            (true, _) => Err("expected a target, as in stance[\"the railway\"].macro_f1".into()),
            (_, false) => Err("expected ] after the target".into()),
        }
    }

    fn segment(&mut self, wanted: &str) -> Result<Segment, String> {
        if self.peek() == Some('"') {
            return Ok(Segment { text: self.quoted()?, quoted: true });
        }
        let text = self.take_while(is_bare);
        if text.is_empty() { Err(format!("expected {wanted}")) } else { Ok(Segment { text, quoted: false }) }
    }

    /// A name in quotes, at which the cursor stands.
    fn quoted(&mut self) -> Result<String, String> {
        let mut name = String::new();
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match (escaped, c) {
                (false, '\\') => escaped = true,
                (false, '"') if name.is_empty() => return Err("a name in quotes is empty".into()),
                (false, '"') => {
                    self.at += at + 1;
                    return Ok(name);
                }
                (true, c) if c != '"' && c != '\\' => {
                    return Err(format!("in quotes, a backslash stands before \" or \\, not before {c}"));
                }
                (_, c) => {
                    name.push(c);
                    escaped = false;
                }
            }
        }
        Err("this quotation mark is not closed".into())
    }
}

/// What the names after the axis mean.
fn path_of(axis: String, target: Option<String>, segments: Vec<Segment>) -> Result<Path, String> {
    let mut names = segments.into_iter().peekable();
    let word = names.peek().filter(|name| !name.quoted).map(|name| name.text.clone()).unwrap_or_default();
    let mut next =
        |wanted: &str| names.next().map(|name| name.text).ok_or_else(|| format!("expected {wanted}"));
    let part = match word.as_str() {
        "origin" | "baseline" => {
            next(&word)?;
            let name = next(&format!("the name of one, as in {axis}.{word}.NAME.macro_f1"))?;
            if word == "origin" { Part::Origin(name) } else { Part::Baseline(name) }
        }
        "slice" => {
            next(&word)?;
            let wanted = format!("what divides and a name, as in {axis}.slice.outlet.NAME.accuracy");
            Part::Slice(next(&wanted)?, next(&wanted)?)
        }
        "random" | "temporal" | "gap" => {
            next(&word)?;
            match word.as_str() {
                "random" => Part::Random,
                "temporal" => Part::Temporal,
                _ => Part::Gap,
            }
        }
        _ => Part::Whole,
    };
    let mut names: Vec<Segment> = names.collect();
    let ends = [("value", End::Value), ("low", End::Low), ("high", End::High), ("n", End::N)];
    let last = names.last();
    let end = ends.into_iter().find(|(word, _)| names.len() > 1 && last.is_some_and(|last| last.is(word)));
    let mut end = end.map_or(End::Value, |(_, end)| {
        names.pop();
        end
    });
    let of_class = names.len() > 1 && names[0].is("class");
    if of_class {
        names.remove(0);
    }
    let figure = match names.as_slice() {
        [] => Err(format!("expected a figure: {}", overall().join(", "))),
        [name] if !of_class && !name.quoted && overall().contains(&name.text.as_str()) => {
            Ok(FigureName::Overall(name.text.clone()))
        }
        // Not the articles that a figure rests on, but those of a class.
        [class] if end == End::N => {
            end = End::Value;
            Ok(FigureName::OfClass(class.text.clone(), "n".into()))
        }
        [name] if !of_class => Err(unknown("figure", &name.text, &overall())),
        [class] => Err(format!("expected a figure of {}: {}", class.text, OF_CLASS.join(", "))),
        [class, name] if OF_CLASS.contains(&name.text.as_str()) => {
            Ok(FigureName::OfClass(class.text.clone(), name.text.clone()))
        }
        [_, name] => Err(unknown("figure of a class", &name.text, &OF_CLASS)),
        [first, ..] => Err(format!(
            "«{}» does not begin a figure; after the axis stands origin, baseline, slice, random, temporal or gap, if anything, and then a figure, or a class and a figure",
            first.text
        )),
    };
    Ok(Path { axis, target, part, figure: figure?, end })
}

/// That there is nothing of a name, what there is, and what may have been meant.
fn unknown(what: &str, name: &str, known: &[impl AsRef<str>]) -> String {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    if known.is_empty() {
        return format!("there is no {what} «{name}», nor any other");
    }
    let distance = |known: &&&str| strsim::damerau_levenshtein(known, name);
    let near =
        known.iter().min_by_key(distance).filter(|near| distance(near) <= 1 + name.chars().count() / 3);
    let meant = near.map_or("; there".to_owned(), |near| format!("; did you mean {near}? There"));
    format!("there is no {what} «{name}»{meant} are: {}", known.join(", "))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

// Writing

impl Gate {
    /// Whether it compares with a baseline.
    pub fn wants_baseline(&self) -> bool {
        matches!(self.test, Test::NotWorse | Test::Better)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            Test::Compare(op, Value::Number(number)) => write!(f, "{} {op} {number}", self.path),
            Test::Compare(op, Value::Path(path)) => write!(f, "{} {op} {path}", self.path),
            Test::NotWorse => write!(f, "{} not_worse_than baseline", self.path),
            Test::Better => write!(f, "{} better_than baseline", self.path),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::AtLeast => ">=",
            Op::Above => ">",
            Op::AtMost => "<=",
            Op::Below => "<",
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Name(&self.axis))?;
        if let Some(target) = &self.target {
            write!(f, "[{}]", Quoted(target))?;
        }
        match &self.part {
            Part::Whole => {}
            Part::Origin(name) => write!(f, ".origin.{}", Name(name))?,
            Part::Baseline(name) => write!(f, ".baseline.{}", Name(name))?,
            Part::Random => f.write_str(".random")?,
            Part::Temporal => f.write_str(".temporal")?,
            Part::Slice(by, name) => write!(f, ".slice.{}.{}", Name(by), Name(name))?,
            Part::Gap => f.write_str(".gap")?,
        }
        match &self.figure {
            FigureName::Overall(name) => write!(f, ".{name}")?,
            FigureName::OfClass(class, name) if WORDS.contains(&class.as_str()) => {
                write!(f, ".class.{}.{name}", Name(class))?;
            }
            FigureName::OfClass(class, name) if overall().contains(&class.as_str()) => {
                write!(f, ".class.{}.{name}", Name(class))?;
            }
            FigureName::OfClass(class, name) => write!(f, ".{}.{name}", Name(class))?,
        }
        match self.end {
            End::Value => Ok(()),
            End::Low => f.write_str(".low"),
            End::High => f.write_str(".high"),
            End::N => f.write_str(".n"),
        }
    }
}

/// A name as it is written: in quotes only where it must be.
struct Name<'n>(&'n str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let begins = self.0.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if begins && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", Quoted(self.0))
        }
    }
}

struct Quoted<'n>(&'n str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

// Checking

/// A figure, or an end of it, that was found.
struct Found {
    /// `None`: `missing` says why.
    value: Option<f64>,
    missing: String,
    /// The rest of the figure, in words; empty for a count.
    beside: String,
    count: bool,
}

/// Whether an evaluation passes a gate.
///
/// O(1), except against a baseline: what [`super::compare`] takes for one axis.
///
/// # Errors
/// [`Error::Usage`] for a path that the evaluation does not have, and for a comparison with a baseline where
/// none is given or the path's articles are not known; the former is [`Error::Malformed`] with the line if
/// the gate stands in a file. [`Error::Labels`] and [`Error::Malformed`] for a baseline of other articles,
/// labels, axes or schema.
pub fn check(gate: &Gate, evaluation: &Evaluation, baseline: Option<&Evaluation>) -> Result<GateResult> {
    let wrong = |problem: String| match &gate.place {
        Some(place) => Error::malformed(place.clone(), format!("gate «{gate}»: {problem}")),
        None => Error::Usage(format!("gate «{gate}»: {problem}")),
    };
    let (passed, message) = match &gate.test {
        Test::Compare(op, value) => {
            let left = find(&gate.path, evaluation).map_err(wrong)?;
            let right = match value {
                Value::Number(number) => Found {
                    value: Some(*number),
                    missing: String::new(),
                    beside: String::new(),
                    count: left.count,
                },
                Value::Path(path) => find(path, evaluation).map_err(wrong)?,
            };
            compared(*op, &left, &right, value)
        }
        test => {
            let Some(baseline) = baseline else {
                return Err(Error::Usage(format!(
                    "gate «{gate}»: there is no baseline; name an earlier evaluation.json with --baseline"
                )));
            };
            // Whether there is such a figure is the gate's fault, not the baseline's.
            find(&gate.path, evaluation).map_err(wrong)?;
            let articles = articles(&gate.path, evaluation).map_err(wrong)?;
            against_baseline(&gate.path, test, evaluation, &articles, baseline)?
        }
    };
    Ok(result(gate, passed, message))
}

fn result(gate: &Gate, passed: bool, message: String) -> GateResult {
    let place = gate.place.as_ref().map(|place| (place.path.display().to_string(), place.line.unwrap_or(1)));
    GateResult { expression: gate.to_string(), why: gate.why.clone(), passed, message, place }
}

/// What became of a gate that [`check`] could not answer: it is not passed, and the report can say why.
pub fn unanswered(gate: &Gate, error: &Error) -> GateResult {
    result(gate, false, error.to_string())
}

fn compared(op: Op, left: &Found, right: &Found, value: &Value) -> (bool, String) {
    let limit = |b: Option<f64>| match value {
        Value::Number(limit) => limit.to_string(),
        Value::Path(path) => match b.zip(left.value) {
            Some((b, a)) => format!("{path} = {}", number(b, a, right.count)),
            None => path.to_string(),
        },
    };
    let (Some(a), Some(b)) = (left.value, right.value) else {
        let why = match left.value {
            None => format!("{}, so it cannot be {op} {}", left.missing, limit(right.value)),
            Some(_) => format!("of {}, {}, so nothing can be {op} it", limit(None), right.missing),
        };
        return (false, why);
    };
    let passed = match op {
        Op::AtLeast => a >= b,
        Op::Above => a > b,
        Op::AtMost => a <= b,
        Op::Below => a < b,
    };
    let is = if passed { "is" } else { "is not" };
    let (found, limit) = (number(a, b, left.count), limit(Some(b)));
    // What stands last is read as being of the figure beside it.
    let message = match value {
        Value::Number(_) => format!("{found} {is} {op} {limit}{}", left.beside),
        Value::Path(_) => format!("{found}{} {is} {op} {limit}", left.beside),
    };
    (passed, message)
}

/// A number to four places, or to all of them where it would look like the one that it is compared with.
fn number(value: f64, other: f64, count: bool) -> String {
    let short = |value: f64| format!("{value:.4}");
    if count || (value != other && short(value) == short(other)) { value.to_string() } else { short(value) }
}

/// The axis of a path; what is wrong with it in words.
fn axis_of<'e>(path: &Path, evaluation: &'e Evaluation) -> Result<&'e AxisEvaluation, String> {
    let named: Vec<&AxisEvaluation> =
        evaluation.axes.iter().filter(|axis| axis.axis.name == path.axis).collect();
    if named.is_empty() {
        let mut known: Vec<&str> = evaluation.axes.iter().map(|axis| axis.axis.name.as_str()).collect();
        known.dedup();
        return Err(unknown("axis", &path.axis, &known));
    }
    let targets = || named.iter().filter_map(|axis| axis.target.as_deref()).collect::<Vec<_>>();
    match (&path.target, named.as_slice()) {
        (None, [one]) => Ok(one),
        (None, _) => Err(format!(
            "{} is toward several targets; name one, as in {}[{}]: {}",
            path.axis,
            path.axis,
            Quoted(targets().first().unwrap_or(&"")),
            targets().join(", ")
        )),
        (Some(target), [one]) if one.target.is_none() && evaluation.target.as_ref() == Some(target) => {
            Ok(one)
        }
        (Some(target), _) => {
            let found = named.iter().find(|axis| axis.target.as_ref() == Some(target));
            found.copied().ok_or_else(|| {
                let own = evaluation.target.as_deref();
                let known = if targets().is_empty() { own.into_iter().collect() } else { targets() };
                unknown("target", target, &known)
            })
        }
    }
}

/// The figures that a path names one of; `None` for the gap, which has differences only.
fn figures_of<'e>(path: &Path, axis: &'e AxisEvaluation) -> Result<Option<&'e Figures>, String> {
    let beside = |kind: BesideKind, what: &str, name: Option<&str>| {
        let of_kind = || axis.beside.iter().filter(move |beside| beside.kind == kind);
        match of_kind().find(|beside| name.is_none_or(|name| beside.name == name)) {
            Some(beside) => Ok(Some(&beside.figures)),
            None => match name {
                Some(name) => {
                    let known: Vec<&str> = of_kind().map(|beside| beside.name.as_str()).collect();
                    Err(unknown(what, name, &known))
                }
                None => Err(format!("{} was not judged in {what}", axis.axis.name)),
            },
        }
    };
    match &path.part {
        Part::Whole => Ok(Some(&axis.figures)),
        Part::Origin(name) => {
            let found = axis.origins.iter().find(|origin| origin.origin == *name);
            found.map(|origin| Some(&origin.figures)).ok_or_else(|| {
                let mut known: Vec<&str> = axis.origins.iter().map(|origin| origin.origin.as_str()).collect();
                known.dedup();
                unknown("origin", name, &known)
            })
        }
        Part::Baseline(name) => beside(BesideKind::Baseline, "baseline", Some(name)),
        Part::Random => beside(BesideKind::Random, "random folds", None),
        Part::Temporal => beside(BesideKind::Temporal, "folds by date", None),
        Part::Gap => beside(BesideKind::Random, "random folds, so there is no gap", None).map(|_| None),
        Part::Slice(by, name) => {
            let slices = || axis.slices.iter().filter(|slice| slice.by == *by);
            if slices().next().is_none() {
                let mut known: Vec<&str> = axis.slices.iter().map(|slice| slice.by.as_str()).collect();
                known.dedup();
                return Err(unknown("slice by", by, &known));
            }
            let found = slices().find(|slice| slice.name == *name);
            let known = || slices().map(|slice| slice.name.as_str()).collect::<Vec<_>>();
            found
                .map(|slice| Some(&slice.figures))
                .ok_or_else(|| unknown(&format!("slice by {by}"), name, &known()))
        }
    }
}

/// The figure, or the end of it, that a path names.
fn find(path: &Path, evaluation: &Evaluation) -> Result<Found, String> {
    let axis = axis_of(path, evaluation)?;
    let Some(figures) = figures_of(path, axis)? else { return gap(path, axis) };
    match &path.figure {
        FigureName::Overall(name) => match name.as_str() {
            "n" => count(path, figures.n as u64),
            "groups" => count(path, figures.groups as u64),
            "macro_f1_classes" => count(path, figures.macro_f1_classes as u64),
            // An axis without polar classes lacks some.
            name => figures.get(name).map(|figure| end_of(path, figure, figures.groups)).ok_or_else(|| {
                let known: Vec<&str> =
                    overall().into_iter().filter(|known| figures.get(known).is_some()).collect();
                unknown("figure", name, &known)
            }),
        },
        FigureName::OfClass(class, name) => {
            let Some(of_class) = figures.classes.iter().find(|known| known.class == *class) else {
                return Err(unknown("class", class, &axis.axis.classes));
            };
            match name.as_str() {
                "n" => count(path, of_class.n),
                "predicted" => count(path, of_class.predicted),
                name => figure_of_class(of_class, name)
                    .map(|figure| end_of(path, figure, figures.groups))
                    .ok_or_else(|| unknown("figure of a class", name, &OF_CLASS)),
            }
        }
    }
}

fn figure_of_class<'f>(class: &'f ClassFigures, name: &str) -> Option<&'f Figure> {
    match name {
        "precision" => Some(&class.precision),
        "recall" => Some(&class.recall),
        "f1" => Some(&class.f1),
        "auc" => Some(&class.auc),
        "average_precision" => Some(&class.average_precision),
        _ => None,
    }
}

/// The name that figures and differences are listed under.
fn listed(figure: &FigureName) -> String {
    match figure {
        FigureName::Overall(name) => name.clone(),
        FigureName::OfClass(class, name) => format!("{class}.{name}"),
    }
}

fn gap(path: &Path, axis: &AxisEvaluation) -> Result<Found, String> {
    let random = axis.beside.iter().find(|beside| beside.kind == BesideKind::Random);
    let differences = random.map(|random| random.differences.as_slice()).unwrap_or_default();
    let wanted = listed(&path.figure);
    let found = differences.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, figure)| end_of(path, figure, axis.figures.groups)).ok_or_else(|| {
        let known: Vec<&str> = differences.iter().map(|(name, _)| name.as_str()).collect();
        unknown("gap of", &wanted, &known)
    })
}

fn count(path: &Path, value: u64) -> Result<Found, String> {
    if path.end != End::Value {
        return Err(format!(
            "{} is a count: it has no interval and nothing it rests on",
            listed(&path.figure)
        ));
    }
    Ok(Found { value: Some(value as f64), missing: String::new(), beside: String::new(), count: true })
}

fn end_of(path: &Path, figure: &Figure, groups: usize) -> Found {
    let n = figure.n;
    let value = match path.end {
        End::Value => figure.value,
        End::Low => figure.low,
        End::High => figure.high,
        End::N => Some(n as f64),
    };
    let missing = match (figure.value, figure.note.as_deref()) {
        (None, Some(note)) if note != "undefined" => format!("the figure is undefined ({note}, n = {n})"),
        (None, _) => format!("the figure is undefined (n = {n})"),
        (Some(_), _) if n < ENOUGH => {
            format!("there is no interval: too few (n = {n}, and {ENOUGH} are needed)")
        }
        (Some(_), note) => format!("there is no interval ({}, n = {n})", note.unwrap_or("no interval")),
    };
    let beside = match (path.end, figure.value, figure.low, figure.high) {
        (End::N, ..) | (_, None, ..) => String::new(),
        (End::Value, _, Some(low), Some(high)) => {
            format!(" (95 % interval {low:.4} to {high:.4}, n = {n} in {groups} groups)")
        }
        (End::Value, ..) => format!(" (n = {n} in {groups} groups)"),
        (_, Some(value), ..) => format!(" (the figure is {value:.4}, n = {n} in {groups} groups)"),
    };
    Found { value, missing, beside, count: path.end == End::N }
}

// Against a baseline

/// The decisions that a path's figures rest on, where they are known.
fn articles<'e>(path: &Path, evaluation: &'e Evaluation) -> Result<Vec<&'e Prediction>, String> {
    let axis = axis_of(path, evaluation)?;
    let of_slice = |field: fn(&Prediction) -> Option<&str>, name: &str| {
        axis.predictions.iter().filter(|prediction| field(prediction) == Some(name)).collect()
    };
    let found: Vec<&Prediction> = match &path.part {
        Part::Whole => axis.predictions.iter().collect(),
        Part::Origin(name) => {
            let origin = axis.origins.iter().find(|origin| origin.origin == *name);
            origin
                .and_then(on_target)
                .ok_or_else(|| format!("which articles the figures of {name} rest on is not known"))?
        }
        Part::Slice(by, name) => match by.as_str() {
            "origin" => of_slice(|prediction| Some(&prediction.origin), name),
            "outlet" => of_slice(|prediction| prediction.outlet.as_deref(), name),
            "register" => of_slice(|prediction| prediction.register.as_deref(), name),
            _ => {
                return Err(format!(
                    "a slice by {by} cannot be compared with a baseline; one by origin, outlet or register can"
                ));
            }
        },
        _ => {
            return Err(
                "only the evaluated model can be compared with a baseline, not what stands beside it".into(),
            );
        }
    };
    if found.is_empty() {
        return Err(
            "no single decisions are kept for this, so it cannot be compared article by article".into()
        );
    }
    match path.end {
        End::Value => Ok(found),
        _ => Err("the whole figure is compared with a baseline: leave out .low, .high or .n".into()),
    }
}

/// Whether the test is passed, and what was found.
fn against_baseline(
    path: &Path,
    test: &Test,
    evaluation: &Evaluation,
    articles: &[&Prediction],
    baseline: &Evaluation,
) -> Result<(bool, String)> {
    let files = [FilePath::new(BASELINE), FilePath::new("this evaluation")];
    let unfit = |problem: String| Error::Labels {
        place: Place::file(BASELINE),
        problem: format!("{path}: {problem}; evaluate the baseline again on these labels"),
    };
    if baseline.schema != SCHEMA {
        return Err(Error::malformed(
            Place::file(BASELINE),
            format!("it is of schema «{}», and {SCHEMA} is wanted; evaluate it again", baseline.schema),
        ));
    }
    // The same part, of whatever figure: the baseline may have decided nothing of the class.
    let axis = axis_of(path, evaluation).map_err(&unfit)?;
    let earlier = axis_of(path, baseline).map_err(&unfit)?;
    let earlier_articles = self::articles(path, baseline).map_err(&unfit)?;
    // Labels are corrected in the course of time: both are judged by those of today.
    let labels: BTreeMap<&str, &str> =
        articles.iter().map(|made| (made.id.as_str(), made.truth.as_str())).collect();
    let mut corrected = 0;
    let earlier_articles: Vec<Prediction> = earlier_articles
        .into_iter()
        .map(|made| match labels.get(made.id.as_str()) {
            Some(today) if *today != made.truth => {
                corrected += 1;
                Prediction { truth: (*today).to_owned(), ..made.clone() }
            }
            _ => made.clone(),
        })
        .collect();
    let all = earlier_articles.len();
    let pair =
        pair(files, [&earlier.axis, &axis.axis], &[earlier_articles.iter().collect(), articles.to_vec()])?;
    // Whoever drops the hard articles must not look better by it.
    let missing = pair.only_a;
    if ((all - missing) as f64) < ENOUGH_OF_BASELINE * all as f64 {
        let message = format!(
            "{missing} of the baseline's {all} articles are not here: too many to compare; evaluate the baseline again on these labels"
        );
        return Ok((false, message));
    }
    let mut aside = String::new();
    if missing > 0 {
        aside += &format!("; {missing} of the baseline's {all} are not here");
    }
    if corrected > 0 {
        aside += &format!("; {corrected} labelled otherwise since, and judged by today's label");
    }
    let name = listed(&path.figure);
    let mut differences = pair.differences(&axis.axis, evaluation.resamples, evaluation.seed);
    let Some(difference) = differences.remove(&name) else {
        let known: Vec<String> = differences.into_keys().collect();
        return Err(Error::Usage(format!(
            "{path} against a baseline: {}",
            unknown("paired difference of", &name, &known)
        )));
    };
    let found = pair.verdict(&name, &difference);
    let known = difference.low.is_some() || found == Verdict::NoDifference;
    let passed = match test {
        Test::Better => found == Verdict::Better,
        _ => known && found != Verdict::Worse,
    };
    let n = pair.a.truth.len();
    let message = match (difference.value, difference.low, difference.high) {
        _ if found == Verdict::NoDifference => {
            format!("as in the baseline, on each of {n} articles in both: no difference")
        }
        (Some(value), Some(low), Some(high)) => format!(
            "{value:+.4} against the baseline (95 % interval {low:+.4} to {high:+.4}, {n} articles in both): {}",
            found.said("it is")
        ),
        (Some(_), ..) if n < ENOUGH => {
            format!("too few: {n} articles are in both, and {ENOUGH} are needed to compare")
        }
        (Some(value), ..) => {
            format!("{value:+.4} against the baseline, without an interval, on {n} articles")
        }
        (None, ..) => format!("undefined here or in the baseline, on the {n} articles in both"),
    };
    Ok((passed, message + &aside))
}
