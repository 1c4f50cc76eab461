//! The same decisions, part by part: where a model does well, and where not.

use std::collections::BTreeMap;

use super::evaluation::Slice;
use super::figures::{Rows, figures};
use super::sample::{Prediction, RESAMPLES};
use crate::date::day;
use crate::label::Axis;
use crate::rng::RngSeed;

/// Fewest rows of a part that gets a line of its own; smaller ones are put together.
const LEAST: usize = 5;
/// Most parts of one division; the rest is put together.
const MOST: usize = 40;
/// So many parts are few.
const FEW: usize = 8;
/// Most months that are told apart; of more, years are.
const MONTHS: usize = 36;
/// Lengths in words at which a new part begins.
const LENGTHS: [u64; 6] = [0, 20, 50, 100, 200, 400];

/// Divisions by origin, outlet, register, date, length and the labels' confidence, where the rows differ
/// in it. `rows` are the predictions in their order.
pub(crate) fn slices(axis: &Axis, predictions: &[Prediction], rows: &Rows, seed: RngSeed) -> Vec<Slice> {
    let by_date = dates(predictions);
    let plain = |name: Option<&String>| name.filter(|name| !name.is_empty()).map(|name| (0, name.clone()));
    let divisions: [(&str, &Name<'_>); 6] = [
        ("origin", &|made| plain(Some(&made.origin))),
        ("outlet", &|made| plain(made.outlet.as_ref())),
        ("register", &|made| plain(made.register.as_ref())),
        ("date", &|made| Some((1, made.date.as_deref().and_then(&by_date)?))),
        ("length", &|made| Some(length(made.words))),
        ("confidence of the label", &|made| Some((1, made.confidence?.to_string()))),
    ];
    let mut found = Vec::new();
    for (by, name) in divisions {
        for (name, places) in parts(predictions, name) {
            found.push(Slice {
                by: by.to_owned(),
                name,
                figures: figures(axis, &rows.select(&places), RESAMPLES, seed),
            });
        }
    }
    found
}

/// What a row is named by: a number that orders the names, 0 where their sizes do, and the name.
type Name<'a> = dyn Fn(&Prediction) -> Option<(usize, String)> + 'a;

/// The parts with the places of their rows. Nothing for a division that does not divide.
fn parts(predictions: &[Prediction], name: &Name<'_>) -> Vec<(String, Vec<usize>)> {
    let mut named: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    let mut unnamed = Vec::new();
    for (place, made) in predictions.iter().enumerate() {
        match name(made) {
            Some(name) => named.entry(name).or_default().push(place),
            None => unnamed.push(place),
        }
    }
    if named.is_empty() || named.len() + usize::from(!unnamed.is_empty()) < 2 {
        return Vec::new();
    }
    let mut sizes: Vec<usize> = named.values().map(Vec::len).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    // Where there are few parts, a small one has its line all the same.
    let least = match sizes.get(MOST) {
        Some(&size) => size.max(LEAST - 1) + 1,
        None if sizes.len() <= FEW => 1,
        None => LEAST,
    };
    let (mut kept, small): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|(_, places)| places.len() >= least);
    kept.sort_by_key(|((order, _), places)| {
        (*order, if *order == 0 { usize::MAX - places.len() } else { 0 })
    });
    let mut parts: Vec<_> = kept.into_iter().map(|((_, name), places)| (name, places)).collect();
    if !small.is_empty() {
        let label = format!("{} others, each of fewer than {least}", small.len());
        let mut places: Vec<usize> = small.into_iter().flat_map(|(_, places)| places).collect();
        places.sort_unstable();
        parts.push((label, places));
    }
    if !unnamed.is_empty() {
        parts.push(("not stated".into(), unnamed));
    }
    parts
}

/// The length's part.
fn length(words: u64) -> (usize, String) {
    let place = LENGTHS.partition_point(|&start| start <= words).max(1);
    let name = match LENGTHS.get(place) {
        Some(end) => format!("{}–{} words", LENGTHS[place - 1], end - 1),
        None => format!("{} words and more", LENGTHS[place - 1]),
    };
    (place, name)
}

/// How a date is named: by its month, where there are not too many, else by its year.
fn dates(predictions: &[Prediction]) -> impl Fn(&str) -> Option<String> + use<> {
    let month = |date: &str| day(date).map(|day| format!("{:04}-{:02}", day.year(), day.month()));
    let mut months: Vec<String> =
        predictions.iter().filter_map(|made| made.date.as_deref().and_then(month)).collect();
    months.sort_unstable();
    months.dedup();
    let by_month = months.len() <= MONTHS;
    move |date| month(date).map(|month| if by_month { month } else { month[..4].to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(origin: &str, outlet: Option<&str>, words: u64) -> Prediction {
        Prediction {
            id: "a".into(),
            origin: origin.into(),
            outlet: outlet.map(str::to_owned),
            register: None,
            date: None,
            words,
            on_target: None,
            confidence: None,
            fold: 0,
            group: 0,
            truth: "favor".into(),
            predicted: "favor".into(),
            probabilities: vec![1.0, 0.0, 0.0],
            set: Vec::new(),
            abstain: None,
        }
    }

    #[test]
    fn lengths_are_named_and_in_order() {
        let named: Vec<(usize, String)> = [0, 19, 20, 399, 400, 9000].into_iter().map(length).collect();
        assert!(named.is_sorted_by_key(|(order, _)| *order));
        let names: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "0–19 words",
                "0–19 words",
                "20–49 words",
                "200–399 words",
                "400 words and more",
                "400 words and more"
            ]
        );
    }

    #[test]
    fn every_row_is_in_one_part_of_a_division() {
        let rows: Vec<Prediction> =
            (0..60).map(|row| made("press", Some(&format!("outlet {}", row % 13)), row)).collect();
        let parts = parts(&rows, &|made| Some((0, made.outlet.clone().filter(|name| name != "outlet 12")?)));
        let mut all: Vec<usize> = parts.iter().flat_map(|(_, places)| places.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
        assert_eq!(parts.last().unwrap().0, "not stated");
        assert!(parts[parts.len() - 2].0.ends_with("of fewer than 5"), "{parts:?}");
    }

    #[test]
    fn what_does_not_divide_is_no_division() {
        let rows: Vec<Prediction> = (0..30).map(|_| made("press", None, 30)).collect();
        assert!(parts(&rows, &|made| Some((0, made.outlet.clone()?))).is_empty());
        assert!(parts(&rows, &|made| Some((0, made.origin.clone()))).is_empty());
    }

    #[test]
    fn many_parts_are_put_together() {
        let rows: Vec<Prediction> =
            (0..1000).map(|row| made("press", Some(&format!("{}", row % 100)), row)).collect();
        assert!(parts(&rows, &|made| Some((0, made.outlet.clone()?))).len() <= MOST + 1);
    }

    #[test]
    fn dates_are_months_or_years() {
        let dated = |dates: Vec<String>| -> Vec<Prediction> {
            dates.into_iter().map(|date| Prediction { date: Some(date), ..made("", None, 1) }).collect()
        };
        let few = dated(vec!["2022-01-07".into(), "2022-02-01".into()]);
        let few = dates(&few);
        assert_eq!(few("2022-01-31").unwrap(), "2022-01");
        assert_eq!(few("yesterday"), None);
        let many: Vec<String> = (0..60).map(|n| format!("{}-{:02}-01", 2015 + n / 12, n % 12 + 1)).collect();
        let many = dated(many);
        assert_eq!(dates(&many)("2022-01-31").unwrap(), "2022");
    }
}
