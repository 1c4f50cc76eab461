//! One JSON object a line: texts or bag records.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::record::Columns;
use crate::document::{Body, Document};
use crate::error::{Error, Place, Result};

/// The records of a text; empty lines are passed over.
pub fn documents(text: &str, path: &Path, columns: &Columns) -> Vec<Result<Document>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| document(line, Place::line(path, index as u64 + 1), columns)).collect()
}

/// The record of one line.
///
/// # Errors
/// [`Error::Malformed`].
pub fn document(line: &str, place: Place, columns: &Columns) -> Result<Document> {
    match plain(line, place, columns) {
        Ok(document) => Ok(document),
        Err(place) => by_fields(line, place, columns),
    }
}

/// Any record, with what is wrong with it.
fn by_fields(line: &str, place: Place, columns: &Columns) -> Result<Document> {
    let fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
        let column = error.column();
        Error::malformed(
            place.clone(),
            format!("column {column}: not a JSON object ({error}); each line must hold one"),
        )
    })?;
    let number = place.line.unwrap_or(0);
    columns.document(fields, place, number)
}

/// The usual record, a text with an id or without, copied once; [`by_fields`] would give the same. Gives the place back
/// where the record is of another kind, or faulty.
fn plain(line: &str, place: Place, columns: &Columns) -> Result<Document, Place> {
    let Ok(Fields(mut fields)) = serde_json::from_str::<Fields>(line) else { return Err(place) };
    let names = || fields.iter().map(|(name, _)| name.as_ref());
    let place_of = |part| {
        let found = columns.find(part, names())?;
        names().position(|name| name == found)
    };
    let (id_at, Some(text_at)) = (place_of("id"), place_of("text")) else { return Err(place) };
    let twice = (1..fields.len()).any(|index| {
        let (before, behind) = fields.split_at(index);
        before.iter().any(|(name, _)| *name == behind[0].0)
    });
    if twice || id_at == Some(text_at) || names().any(|name| name == "segments") {
        return Err(place);
    }
    let mut take = |index: usize| std::mem::replace(&mut fields[index].1, Field::Other(Value::Null));
    let id = match id_at.map(&mut take) {
        Some(Field::Text(id)) if !id.is_empty() => id.into_owned(),
        Some(Field::Other(Value::Number(id))) => id.to_string(),
        None | Some(Field::Text(_) | Field::Other(Value::Null)) => format!("row-{}", place.line.unwrap_or(0)),
        Some(Field::Other(_)) => return Err(place),
    };
    let Field::Text(body) = take(text_at) else { return Err(place) };
    let body = Body::Text(body.into_owned());
    let others = fields.into_iter().enumerate();
    let others = others.filter(|(index, _)| Some(*index) != id_at && *index != text_at);
    let fields = others
        .map(|(_, (name, value))| {
            let value = match value {
                Field::Text(text) => Value::String(text.into_owned()),
                Field::Other(value) => value,
            };
            (name.into_owned(), value)
        })
        .collect();
    Ok(Document { id, body, fields, place })
}

/// A record's fields as they stand, names that stand twice included.
struct Fields<'a>(Vec<(Cow<'a, str>, Field<'a>)>);

/// A value; a text without escapes is not copied.
enum Field<'a> {
    Text(Cow<'a, str>),
    Other(Value),
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(4);
                while let Some((name, value)) = map.next_entry::<Field, Field>()? {
                    // A name is never anything but a text.
                    let Field::Text(name) = name else { continue };
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Field<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any valid JSON value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Field::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Field::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Field::Other(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Field::Other(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Field::Other(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Field::Other(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Field::Other(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(seq)).map(Field::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(Field::Other)
            }
        }
        deserializer.deserialize_any(One)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            r#""كلمة""#,
            r#""""#,
            r#""a\n\"b\"""#,
            r#""\u0627\ud83d\ude00""#,
            r#""\ud800""#,
            "1",
            "-0.5e3",
            "1e999",
            "null",
            "true",
            r#"[1, "ب"]"#,
            r#"{"a": {"b": []}}"#,
            "nul",
            "\"\t\"",
            "[{\"voice\": \"whole\", \"bag\": {\"كلمة\": 2}}]",
        ])
        .prop_map(str::to_owned)
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_long_one_gives(
            fields in prop::collection::vec(
                (prop::sample::select(vec!["id", "ID", "text", "Text", "tweet", "date", "segments", "x", r"te\u0078t"]), value()),
                0..5,
            ),
            columns in prop::sample::select(vec!["", "text=x", "id=text", "id=x,text=tweet"]),
            tail in prop::sample::select(vec!["}", "} ", "}]", ""]),
        ) {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            let line = format!("{{{}{tail}", fields.join(", "));
            let columns = if columns.is_empty() { Columns::default() } else { columns.parse().unwrap() };
            let place = || Place::line("a.jsonl", 7);
            let (short, long) = (document(&line, place(), &columns), by_fields(&line, place(), &columns));
            match (short, long) {
                (Ok(short), Ok(long)) => {
                    prop_assert_eq!(&short, &long);
                    // The order of fields too.
                    prop_assert!(short.fields.keys().eq(long.fields.keys()));
                }
                (short, long) => {
                    prop_assert_eq!(short.unwrap_err().to_string(), long.unwrap_err().to_string());
                }
            }
        }
    }
}
