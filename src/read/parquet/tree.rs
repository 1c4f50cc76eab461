//! Columns put together to values: the levels of Parquet say where lists begin and what is null.

use std::ops::Range;

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::schema::types::Type;
use serde_json::{Map, Value};

use super::cells::Cursor;
use super::footer::DEEPEST;

/// A field of a schema, and the columns it is made of.
#[derive(Debug)]
pub(super) struct Node {
    /// Its columns, counted over the whole file; never empty.
    pub leaves: Range<usize>,
    /// The definition level from which on it is not null.
    present: i16,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Leaf,
    Struct(Vec<(String, Node)>),
    /// There is an element where the definition level is at least `within`; another one follows where the
    /// repetition level is at least `again`.
    List {
        within: i16,
        again: i16,
        element: Box<Node>,
    },
    /// As a list, of keys and values.
    Map {
        within: i16,
        again: i16,
        key: Box<Node>,
        value: Box<Node>,
    },
}

/// The levels at a place of a schema.
#[derive(Clone, Copy)]
struct Levels {
    definition: i16,
    repetition: i16,
    depth: usize,
}

impl Levels {
    fn repeated(self) -> Self {
        Levels { definition: self.definition + 1, repetition: self.repetition + 1, ..self }
    }

    fn below(self) -> Self {
        Levels { depth: self.depth + 1, ..self }
    }
}

impl Node {
    /// The node of a field at the top of a schema. `leaf` is the number of its first column, and then that
    /// of the next field's.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn of(field: &Type, leaf: &mut usize) -> Result<Node, String> {
        Node::at(field, Levels { definition: 0, repetition: 0, depth: 0 }, leaf)
    }

    fn at(field: &Type, levels: Levels, leaf: &mut usize) -> Result<Node, String> {
        let Levels { definition, .. } = levels;
        match repetition(field) {
            Repetition::REQUIRED => Node::content(field, levels, definition, leaf),
            Repetition::OPTIONAL => {
                let levels = Levels { definition: definition + 1, ..levels };
                Node::content(field, levels, levels.definition, leaf)
            }
            // Repeated without being called a list: it is one all the same.
            Repetition::REPEATED => {
                let inner = levels.repeated();
                let element = Box::new(Node::content(field, inner, inner.definition, leaf)?);
                let kind = Kind::List { within: inner.definition, again: inner.repetition, element };
                Ok(Node::new(kind, definition, *leaf))
            }
        }
    }

    /// What a field holds, whatever its own repetition is.
    fn content(field: &Type, levels: Levels, present: i16, leaf: &mut usize) -> Result<Node, String> {
        if levels.depth > DEEPEST {
            return Err(format!("«{}» is nested more than {DEEPEST} deep", field.name()));
        }
        if field.is_primitive() {
            *leaf += 1;
            return Ok(Node { leaves: *leaf - 1..*leaf, present, kind: Kind::Leaf });
        }
        let fields = field.get_fields();
        let inner = levels.repeated().below();
        let kind = match (nesting(field), fields) {
            (Some(Nesting::List), [repeated]) if repetition(repeated) == Repetition::REPEATED => {
                let element = if is_element(repeated, field.name()) {
                    Node::content(repeated, inner, inner.definition, leaf)?
                } else {
                    Node::at(&repeated.get_fields()[0], inner, leaf)?
                };
                Kind::List { within: inner.definition, again: inner.repetition, element: Box::new(element) }
            }
            (Some(Nesting::Map), [pairs])
                if repetition(pairs) == Repetition::REPEATED
                    && pairs.is_group()
                    && pairs.get_fields().len() == 2 =>
            {
                let key = Box::new(Node::at(&pairs.get_fields()[0], inner, leaf)?);
                let value = Box::new(Node::at(&pairs.get_fields()[1], inner, leaf)?);
                Kind::Map { within: inner.definition, again: inner.repetition, key, value }
            }
            (_, []) => return Err(format!("«{}» has no columns", field.name())),
            (_, fields) => {
                let of = |field: &std::sync::Arc<Type>| {
                    Ok((field.name().to_owned(), Node::at(field, levels.below(), leaf)?))
                };
                Kind::Struct(fields.iter().map(of).collect::<Result<_, String>>()?)
            }
        };
        Ok(Node::new(kind, present, *leaf))
    }

    /// A node whose last column is the one before `leaf`.
    fn new(kind: Kind, present: i16, leaf: usize) -> Node {
        let first = match &kind {
            Kind::Leaf => leaf,
            Kind::Struct(fields) => fields.first().map_or(leaf, |(_, node)| node.leaves.start),
            Kind::List { element: node, .. } | Kind::Map { key: node, .. } => node.leaves.start,
        };
        Node { leaves: first..leaf, present, kind }
    }

    /// The next value, taken from its columns. What a cell holds that cannot be read goes to `problem`,
    /// with null in its place.
    ///
    /// # Errors
    /// Levels that contradict each other: the file is damaged.
    pub fn value(
        &self,
        cursors: &mut [Option<Cursor>],
        problem: &mut Option<String>,
    ) -> Result<Value, String> {
        let definition = cursor(cursors, self.leaves.start)?.definition()?;
        if definition < self.present {
            self.pass_over(cursors)?;
            return Ok(Value::Null);
        }
        Ok(match &self.kind {
            Kind::Leaf => cursor(cursors, self.leaves.start)?.take(problem)?,
            Kind::Struct(fields) => {
                let mut object = Map::new();
                for (name, node) in fields {
                    let value = node.value(cursors, problem)?;
                    // The columns of a table are there for every row: null is its way to say «absent».
                    if !value.is_null() {
                        object.insert(name.clone(), value);
                    }
                }
                Value::Object(object)
            }
            Kind::List { within, .. } | Kind::Map { within, .. } if definition < *within => {
                self.pass_over(cursors)?;
                if matches!(self.kind, Kind::Map { .. }) {
                    Value::Object(Map::new())
                } else {
                    Value::Array(Vec::new())
                }
            }
            Kind::List { again, element, .. } => {
                let mut elements = vec![element.value(cursors, problem)?];
                while cursor(cursors, self.leaves.start)?.repetition() >= Some(*again) {
                    elements.push(element.value(cursors, problem)?);
                }
                Value::Array(elements)
            }
            Kind::Map { again, key, value, .. } => {
                let mut object = Map::new();
                loop {
                    let key = match key.value(cursors, problem)? {
                        Value::String(key) => key,
                        other => other.to_string(),
                    };
                    object.insert(key, value.value(cursors, problem)?);
                    if cursor(cursors, self.leaves.start)?.repetition() < Some(*again) {
                        break;
                    }
                }
                Value::Object(object)
            }
        })
    }

    /// Passes over the one entry that each column has where nothing is.
    fn pass_over(&self, cursors: &mut [Option<Cursor>]) -> Result<(), String> {
        self.leaves.clone().try_for_each(|leaf| cursor(cursors, leaf)?.pass_over())
    }
}

fn cursor(cursors: &mut [Option<Cursor>], leaf: usize) -> Result<&mut Cursor, String> {
    cursors.get_mut(leaf).and_then(Option::as_mut).ok_or_else(|| format!("column {leaf} is missing"))
}

/// A root has no repetition of its own, and nothing else is without in what the library accepts.
fn repetition(field: &Type) -> Repetition {
    let info = field.get_basic_info();
    if info.has_repetition() { info.repetition() } else { Repetition::REQUIRED }
}

enum Nesting {
    List,
    Map,
}

/// Whether a group is called a list or a map, in the newer or the older way.
fn nesting(field: &Type) -> Option<Nesting> {
    let info = field.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::List), _) | (None, ConvertedType::LIST) => Some(Nesting::List),
        (Some(LogicalType::Map), _) | (None, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            Some(Nesting::Map)
        }
        _ => None,
    }
}

/// Whether the repeated field of a list is its element, as older writers had it, rather than a wrapper
/// around it: the rules for backward compatibility of the format.
fn is_element(repeated: &Type, list: &str) -> bool {
    if repeated.is_primitive() {
        return true;
    }
    let [only] = repeated.get_fields() else { return true };
    repetition(only) == Repetition::REPEATED
        || repeated.name() == "array"
        || repeated.name() == format!("{list}_tuple")
}
