//! A record, whatever file it came from: named fields that make a document.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::document::{Body, Document, Segment};
use crate::error::{Error, Place, Result};

/// Which field plays which part, where its name is not one of the usual ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns(pub BTreeMap<String, String>);

impl FromStr for Columns {
    type Err = String;

    /// `text=tweet,outlet=source`
    fn from_str(given: &str) -> Result<Self, String> {
        let pairs = given.split(',').map(|pair| {
            let (part, name) =
                pair.split_once('=').ok_or_else(|| format!("«{pair}» is not of the form PART=NAME"))?;
            Ok((part.trim().to_owned(), name.trim().to_owned()))
        });
        pairs.collect::<Result<_, _>>().map(Columns)
    }
}

impl Columns {
    /// The name of the field among `names` that plays `part`: the one given, else the first usual
    /// one, without regard to case.
    pub fn find<'n>(&self, part: &str, mut names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
        if let Some(given) = self.0.get(part) {
            return names.find(|name| name == given);
        }
        let usual: &[&str] = match part {
            "text" => &["text", "tweet", "content", "body", "article", "النص"],
            "outlet" => &["outlet", "source", "publisher", "المصدر"],
            "date" => &["date", "datetime", "published", "التاريخ"],
            "id" => &["id"],
            "target" => &["target"],
            other => return names.find(|name| name.eq_ignore_ascii_case(other)),
        };
        usual.iter().find_map(|usual| names.clone().find(|name| name.eq_ignore_ascii_case(usual)))
    }

    /// A document from the fields of a record. `number` names it where it has no id.
    ///
    /// # Errors
    /// [`Error::Malformed`] where there are neither words nor a text.
    pub fn document(&self, mut fields: Map<String, Value>, place: Place, number: u64) -> Result<Document> {
        let name = |part| self.find(part, fields.keys().map(String::as_str)).map(str::to_owned);
        let (id, text) = (name("id"), name("text"));
        let id = match id.and_then(|name| fields.shift_remove(&name)) {
            Some(Value::String(id)) if !id.is_empty() => id,
            Some(Value::Number(id)) => id.to_string(),
            None | Some(Value::Null | Value::String(_)) => format!("row-{number}"),
            Some(other) => {
                return Err(Error::malformed(place, format!("id is {other}; give a text or a number")));
            }
        };
        let body = if let Some(segments) = fields.shift_remove("segments") {
            let segments: Vec<Segment> = serde_json::from_value(segments).map_err(|error| {
                let wanted = r#"[{"voice": "narration", "bag": {"كلمة": 1}}, …]"#;
                Error::malformed(place.clone(), format!("segments: {error}; they look like {wanted}"))
            })?;
            Body::Segments(segments)
        } else {
            match text.and_then(|name| fields.shift_remove(&name)) {
                Some(Value::String(text)) => Body::Text(text),
                Some(other) => {
                    return Err(Error::malformed(place, format!("the text is {other}; give a string")));
                }
                None => {
                    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                    let problem = format!(
                        "there is no text among: {}; name its field with --columns text=NAME",
                        names.join(", ")
                    );
                    return Err(Error::malformed(place, problem));
                }
            }
        };
        Ok(Document { id, body, fields, place })
    }
}
