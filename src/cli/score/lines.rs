//! Scores as lines of JSONL and CSV.

use std::io::Write;

use csv::Terminator;
use kzstance::document::Document;
use kzstance::model::{Header, Score as Scored, Scorer};
use kzstance::read::Columns;
use kzstance::read::scored::ASSUMED;
use kzstance::write::cells::guarded;
use serde::Serialize;
use serde_json::Value;

/// Fields of the input that are carried.
pub struct Kept {
    pub names: Vec<String>,
    pub columns: Columns,
}

impl Kept {
    /// The value of each field that a document has.
    pub fn of<'d>(&self, document: &'d Document) -> impl Iterator<Item = Option<&'d Value>> {
        let names = || document.fields.keys().map(String::as_str);
        self.names.iter().map(move |part| {
            if document.fields.is_empty() {
                return None;
            }
            document.fields.get(self.columns.find(part, names())?)
        })
    }
}

/// How scores of a model are written; what is the same in every line is put together once.
pub struct Lines {
    header: Header,
    kept: Kept,
    excel: bool,
    heads: Vec<HeadText>,
    /// `,"outlet":`, one a kept field.
    kept_keys: Vec<Vec<u8>>,
}

/// The parts of a head's JSON.
struct HeadText {
    on_target: bool,
    /// `,"stance":{"label":`
    key: Vec<u8>,
    /// `"favor"`, one a class.
    classes: Vec<Vec<u8>>,
    /// `,"assumed":{…}` where other shares than the model's own were given: behind everything else.
    assumed: Vec<u8>,
}

impl Lines {
    pub fn new(scorer: &Scorer, kept: Kept, excel: bool) -> Self {
        let header = scorer.header().clone();
        let of_head = |(index, head): (usize, &kzstance::model::HeadInfo)| {
            let classes: Vec<Vec<u8>> = head.axis.classes.iter().map(|class| quoted(class)).collect();
            let shares = scorer.prior(index);
            let mut assumed = Vec::new();
            if shares != head.rule.calibration.prior.as_slice() {
                assumed.push(b',');
                json(&mut assumed, ASSUMED);
                assumed.push(b':');
                object(&mut assumed, classes.iter().zip(shares));
            }
            let key = [b",", &quoted(&head.axis.name)[..], b":{\"label\":"].concat();
            HeadText { on_target: head.axis.is_on_target(), key, classes, assumed }
        };
        let heads = header.heads.iter().enumerate().map(of_head).collect();
        let kept_keys = kept.names.iter().map(|name| [b",", &quoted(name)[..], b":"].concat()).collect();
        Lines { header, kept, excel, heads, kept_keys }
    }

    /// The fields that are carried.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// A part of the output.
    pub fn part(&self) -> Part<'_> {
        let terminator = if self.excel { Terminator::CRLF } else { Terminator::Any(b'\n') };
        let table = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
        Part { lines: self, text: Vec::new(), table, number: String::new() }
    }

    /// The names of the columns.
    pub fn csv_header(&self) -> Vec<u8> {
        let mut part = self.part();
        for name in csv_names(&self.header).iter().chain(&self.kept.names) {
            part.cell(name);
        }
        part.end_row();
        let line = part.finish();
        if self.excel { ["\u{FEFF}".as_bytes(), &line].concat() } else { line }
    }
}

/// Lines that are being written; memory cannot fail to take them.
pub struct Part<'l> {
    lines: &'l Lines,
    text: Vec<u8>,
    table: csv::Writer<Vec<u8>>,
    number: String,
}

impl Part<'_> {
    pub fn finish(self) -> Vec<u8> {
        let Part { mut text, table, .. } = self;
        let rows = table.into_inner().unwrap_or_default();
        if text.is_empty() {
            return rows;
        }
        text.extend_from_slice(&rows);
        text
    }

    /// A line of JSONL.
    pub fn json(&mut self, score: &Scored, document: &Document) {
        let out = &mut self.text;
        out.extend_from_slice(b"{\"id\":");
        json(out, &score.id);
        heads(out, &self.lines.heads, score, false);
        out.extend_from_slice(b",\"voices\":{");
        for (index, (voice, share)) in score.voices.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json(out, voice);
            out.push(b':');
            json(out, share);
        }
        out.extend_from_slice(b"},\"known_share\":");
        json(out, &score.known_share);
        out.extend_from_slice(b",\"evidence\":[");
        for (index, found) in score.evidence.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",{\"term\":" } else { b"{\"term\":" });
            json(out, &found.term);
            out.extend_from_slice(b",\"start\":");
            json(out, &found.span.map(|span| span.0));
            out.extend_from_slice(b",\"end\":");
            json(out, &found.span.map(|span| span.1));
            out.extend_from_slice(b",\"weight\":");
            json(out, &found.weight);
            out.push(b'}');
        }
        out.push(b']');
        heads(out, &self.lines.heads, score, true);
        for (key, value) in self.lines.kept_keys.iter().zip(self.lines.kept.of(document)) {
            if let Some(value) = value {
                out.extend_from_slice(key);
                json(out, value);
            }
        }
        out.extend_from_slice(b"}\n");
    }

    /// A row of CSV.
    pub fn csv(&mut self, score: &Scored, document: &Document) {
        let lines = self.lines;
        self.cell(&score.id);
        let heads = || lines.header.heads.iter().zip(&score.heads);
        for (head, found) in heads().filter(|(head, _)| !head.axis.is_on_target()) {
            self.cell(&head.axis.classes[found.class]);
            found.probabilities.iter().for_each(|p| self.number(*p));
            self.cell(found.abstain.unwrap_or_default());
        }
        self.number(score.known_share);
        for (_, found) in heads().filter(|(head, _)| head.axis.is_on_target()) {
            self.number(found.probabilities[0]);
        }
        for value in lines.kept.of(document) {
            match value {
                None | Some(Value::Null) => self.raw(""),
                Some(Value::String(text)) => self.cell(text),
                Some(Value::Number(number)) => self.raw(&number.to_string()),
                Some(other) => self.cell(&other.to_string()),
            }
        }
        self.end_row();
    }

    fn cell(&mut self, text: &str) {
        if self.lines.excel { self.raw(&guarded(text)) } else { self.raw(text) }
    }

    fn number(&mut self, number: f64) {
        use std::fmt::Write;
        self.number.clear();
        let _ = write!(self.number, "{number}");
        let _ = self.table.write_field(&self.number);
    }

    fn raw(&mut self, text: &str) {
        let _ = self.table.write_field(text);
    }

    fn end_row(&mut self) {
        let _ = self.table.write_record(None::<&[u8]>);
    }
}

fn heads(out: &mut Vec<u8>, heads: &[HeadText], score: &Scored, on_target: bool) {
    for (head, found) in heads.iter().zip(&score.heads).filter(|(head, _)| head.on_target == on_target) {
        out.extend_from_slice(&head.key);
        out.extend_from_slice(&head.classes[found.class]);
        out.extend_from_slice(b",\"probabilities\":");
        object(out, head.classes.iter().zip(&found.probabilities));
        out.extend_from_slice(b",\"abstain\":");
        json(out, &found.abstain);
        out.extend_from_slice(b",\"set\":[");
        let mut first = true;
        for (class, _) in head.classes.iter().zip(&found.set).filter(|(_, within)| **within) {
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(class);
        }
        out.push(b']');
        out.extend_from_slice(&head.assumed);
        out.push(b'}');
    }
}

/// `{"favor":0.1,…}`
fn object<'v>(out: &mut Vec<u8>, fields: impl Iterator<Item = (&'v Vec<u8>, &'v f64)>) {
    out.push(b'{');
    for (index, (name, value)) in fields.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.push(b':');
        json(out, value);
    }
    out.push(b'}');
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Neither memory nor what is written here can fail.
    let _ = serde_json::to_writer(out.by_ref(), value);
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    json(&mut out, text);
    out
}

pub fn csv_names(header: &Header) -> Vec<String> {
    let mut names = vec!["id".to_owned()];
    for head in header.heads.iter().filter(|head| !head.axis.is_on_target()) {
        let axis = &head.axis.name;
        names.push(axis.clone());
        names.extend(head.axis.classes.iter().map(|class| format!("{axis}_p_{class}")));
        names.push(format!("{axis}_abstain"));
    }
    names.push("known_share".into());
    if header.heads.iter().any(|head| head.axis.is_on_target()) {
        names.push("on_target_p_true".into());
    }
    names
}
