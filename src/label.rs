//! Axes of judgement (stance, sentiment, or any other) and their classes in a fixed order.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Place, Result};

/// One axis of judgement with its classes in the order every table, vector and model uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The name, which is also the column's name: `stance`, `sentiment`, ...
    pub name: String,
    /// The classes, in order. A class index is an index into this list.
    pub classes: Vec<String>,
    /// The two opinionated classes that the SemEval F averages, where the axis has such
    /// (`SemEval`-2016 Task 6: F of favor and of against).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub polar: Vec<String>,
    /// Other spellings of a class: (spelling, class). Compared without case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<(String, String)>,
}

impl Axis {
    /// Stance: favor, against, none. `None` is a class name here, never a missing value.
    pub fn stance() -> Self {
        Axis::known(
            "stance",
            ["favor", "against", "none"],
            &[
                ("favour", "favor"),
                ("pro", "favor"),
                ("support", "favor"),
                ("مؤيد", "favor"),
                ("مع", "favor"),
                ("anti", "against"),
                ("oppose", "against"),
                ("معارض", "against"),
                ("ضد", "against"),
                ("neutral", "none"),
                ("neither", "none"),
                ("محايد", "none"),
            ],
        )
    }

    /// Sentiment: positive, negative, neutral.
    pub fn sentiment() -> Self {
        Axis::known(
            "sentiment",
            ["positive", "negative", "neutral"],
            &[
                ("pos", "positive"),
                ("إيجابي", "positive"),
                ("neg", "negative"),
                ("سلبي", "negative"),
                ("neu", "neutral"),
                ("محايد", "neutral"),
            ],
        )
    }

    /// Whether an article is about the target at all: true, false. Not read from labels of its own, see
    /// [`crate::Corpus::add_on_target`].
    pub fn on_target() -> Self {
        Axis {
            name: "on_target".into(),
            classes: vec!["true".into(), "false".into()],
            polar: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Whether this is the axis of [`Axis::on_target`].
    pub fn is_on_target(&self) -> bool {
        self.name == "on_target" && self.classes == ["true", "false"]
    }

    fn known(name: &str, classes: [&str; 3], aliases: &[(&str, &str)]) -> Self {
        Axis {
            name: name.to_owned(),
            classes: classes.map(str::to_owned).to_vec(),
            polar: classes[..2].iter().map(|&class| class.to_owned()).collect(),
            aliases: aliases
                .iter()
                .map(|&(spelling, class)| (spelling.to_owned(), class.to_owned()))
                .collect(),
        }
    }

    /// An axis with the given classes; the axis's own defaults where `name` is a known one and
    /// `classes` is empty.
    pub fn named(name: &str, classes: &[String]) -> Self {
        let known = match name {
            "stance" => Some(Axis::stance()),
            "sentiment" => Some(Axis::sentiment()),
            _ => None,
        };
        match known {
            Some(axis) if classes.is_empty() || axis.classes == classes => axis,
            _ => Axis {
                name: name.to_owned(),
                classes: classes.to_vec(),
                polar: Vec::new(),
                aliases: Vec::new(),
            },
        }
    }

    /// The index of the class that `label` names, by its name or an alias, without regard to case
    /// or surrounding space.
    pub fn index(&self, label: &str) -> Option<usize> {
        let wanted = label.trim().to_lowercase();
        let of = |name: &str| self.classes.iter().position(|class| class.to_lowercase() == name);
        of(&wanted).or_else(|| {
            let alias = self.aliases.iter().find(|(spelling, _)| spelling.to_lowercase() == wanted);
            alias.and_then(|(_, class)| of(&class.to_lowercase()))
        })
    }

    /// As [`Axis::index`], with the error that names the place and the classes.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`].
    pub fn parse(&self, label: &str, place: &Place) -> Result<usize> {
        self.index(label).ok_or_else(|| Error::UnknownLabel {
            place: place.clone(),
            label: label.to_owned(),
            axis: self.name.clone(),
            classes: self.classes.clone(),
        })
    }

    /// Whether a judgement on this axis is one toward a target, and says nothing of another.
    pub fn is_toward_target(&self) -> bool {
        self.name == "stance"
    }

    /// Indices of the two polar classes, if the axis has them.
    pub fn polar_indices(&self) -> Option<[usize; 2]> {
        match self.polar.as_slice() {
            [a, b] => Some([self.index(a)?, self.index(b)?]),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_a_class_whatever_its_case() {
        let stance = Axis::stance();
        assert_eq!(stance.index("None"), Some(2));
        assert_eq!(stance.index(" NONE "), Some(2));
        assert_eq!(stance.index("محايد"), Some(2));
        assert_eq!(stance.index(""), None);
        assert_eq!(stance.index("nan"), None);
    }

    #[test]
    fn an_unknown_label_names_its_line_and_the_classes() {
        let error = Axis::stance().parse("maybe", &Place::line("a.csv", 7)).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with("a.csv:7: «maybe»"), "{said}");
        assert!(said.contains("favor, against, none"), "{said}");
    }
}
