//! A picture of shares: time from left to right where the slices are periods, else a row a slice. Counted
//! shares are hollow marks, corrected ones are filled and have whiskers. SVG.

use std::collections::BTreeMap;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::share::{ClassShare, Share, Slice};
use crate::date::Period;

/// Width of the picture in pixels.
const WIDTH: i32 = 960;
/// Room at the left for names.
const LEFT: i32 = 270;
/// Room at the right.
const RIGHT: i32 = 30;
/// Room at the top for title and legend.
const TOP: i32 = 76;
/// Height of a class in a row, of the gap between rows, of a panel, and of what stands below it.
const LINE: i32 = 13;
const GAP: i32 = 10;
const PANEL: i32 = 200;
const BELOW: i32 = 56;
/// Most rows, and most panels: the slices of most articles.
const MOST_ROWS: usize = 150;
const MOST_PANELS: usize = 12;
/// Most letters of a name.
const MOST_LETTERS: usize = 36;
/// Least distance of two labels of an axis of time.
const LABEL: i32 = 70;
/// Distance of two classes' marks, where there is room.
const BESIDE: i32 = 9;

/// Told apart by most who do not see all colours (Okabe and Ito 2008, *Color universal design*).
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(110, 110, 110),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(150, 115, 0),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const RULE: RGBColor = RGBColor(215, 215, 215);

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), String>;

/// The picture as SVG, always the same for the same shares.
///
/// # Errors
/// What the drawing library refuses, in words.
pub fn svg(share: &Share) -> Result<String, String> {
    let whole = [&share.whole];
    let all: Vec<&Slice> = share.slices.iter().collect();
    let slices: &[&Slice] = if all.is_empty() { &whole } else { &all };
    let time = share.by.iter().find_map(|field| Period::named(field).map(|period| (field, period)));
    let mut out = String::new();
    match time {
        Some((field, period)) => draw_panels(&mut out, share, panels(slices, field, period))?,
        None => draw_rows(&mut out, share, slices.to_vec())?,
    }
    Ok(out)
}

fn draw_panels(out: &mut String, share: &Share, mut panels: Vec<Panel<'_>>) -> Drawn {
    let all = panels.len();
    largest(&mut panels, MOST_PANELS, |panel| panel.1.iter().map(|(_, _, slice)| slice.n).sum());
    let area = begin(out, TOP + (PANEL + BELOW) * panels.len() as i32)?;
    title(&area, share, (panels.len(), all))?;
    for (place, (name, points)) in panels.iter().enumerate() {
        panel(&area, share, TOP + (PANEL + BELOW) * place as i32, name, points)?;
    }
    area.present().map_err(|error| error.to_string())
}

/// Keeps the `most` items of greatest size, in their order.
fn largest<T>(items: &mut Vec<T>, most: usize, size: impl Fn(&T) -> usize) {
    if items.len() <= most {
        return;
    }
    let mut sizes: Vec<(usize, usize)> =
        items.iter().enumerate().map(|(place, item)| (size(item), place)).collect();
    sizes.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut kept: Vec<bool> = vec![false; items.len()];
    sizes.iter().take(most).for_each(|(_, place)| kept[*place] = true);
    let mut kept = kept.into_iter();
    items.retain(|_| kept.next() == Some(true));
}

/// A slice in time: its first day, its period's name, and itself.
type Point<'s> = (i64, String, &'s Slice);

/// A name, and the slices under it.
type Panel<'s> = (String, Vec<Point<'s>>);

/// The slices by what they have beside the period, each in the order of time.
fn panels<'s>(slices: &[&'s Slice], field: &str, period: Period) -> Vec<Panel<'s>> {
    let mut panels: BTreeMap<String, Vec<Point<'s>>> = BTreeMap::new();
    for &slice in slices {
        let value = |name: &str| slice.by.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let others: Vec<&str> =
            slice.by.keys().filter(|name| *name != field).map(|name| value(name)).collect();
        let Some(day) = period.start(value(field)) else { continue };
        panels.entry(others.join(", ")).or_default().push((day, value(field).to_owned(), slice));
    }
    panels.values_mut().for_each(|points| points.sort_by_key(|(day, _, _)| *day));
    panels.into_iter().collect()
}

fn begin(out: &mut String, height: i32) -> Result<Area<'_>, String> {
    let area = SVGBackend::with_string(out, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).map_err(|error| error.to_string())?;
    Ok(area)
}

fn title(area: &Area<'_>, share: &Share, (shown, all): (usize, usize)) -> Drawn {
    let n = share.whole.n;
    let part = if shown < all { format!("; the {shown} largest of {all} are shown") } else { String::new() };
    text(area, &format!("Shares of {}, {n} articles{part}", share.axis), (20, 22), HPos::Left, 17)?;
    let mut x = 20;
    for (place, class) in share.classes.iter().enumerate() {
        let color = color(place);
        circle(area, (x + 5, 50), color.filled())?;
        text(area, &isolated(class), (x + 16, 50), HPos::Left, 13)?;
        x += 46 + 8 * class.chars().count().min(MOST_LETTERS) as i32;
    }
    circle(area, (x + 20, 50), INK)?;
    text(area, "counted", (x + 31, 50), HPos::Left, 13)?;
    circle(area, (x + 105, 50), INK.filled())?;
    let way = format!("corrected ({}), with its 95 % interval", share.method.name());
    text(area, &way, (x + 116, 50), HPos::Left, 13)
}

fn draw_rows(out: &mut String, share: &Share, mut rows: Vec<&Slice>) -> Drawn {
    let all = rows.len();
    largest(&mut rows, MOST_ROWS, |slice| slice.n);
    let bottom = TOP + (LINE * share.classes.len() as i32 + GAP) * rows.len() as i32;
    let area = &begin(out, bottom + BELOW)?;
    title(area, share, (rows.len(), all))?;
    let x = |value: f64| LEFT + (value.clamp(0.0, 1.0) * f64::from(WIDTH - LEFT - RIGHT)).round() as i32;
    for tenth in (0..=10).step_by(2) {
        let value = f64::from(tenth) / 10.0;
        line(area, [(x(value), TOP - 6), (x(value), bottom)], RULE)?;
        text(area, &percent(value), (x(value), bottom + 16), HPos::Center, 12)?;
    }
    let height = LINE * share.classes.len() as i32;
    for (place, slice) in rows.iter().enumerate() {
        let top = TOP + (height + GAP) * place as i32;
        let label = format!("{}  ({})", isolated(&slice.name()), slice.n);
        text(area, &label, (LEFT - 12, top + height / 2), HPos::Right, 13)?;
        for (class, found) in slice.shares.iter().enumerate() {
            let y = top + LINE * class as i32 + LINE / 2;
            let ends = |value: f64| (x(value), y);
            mark(area, found, color(class), &ends)?;
        }
    }
    area.present().map_err(|error| error.to_string())
}

fn panel(area: &Area<'_>, share: &Share, top: i32, name: &str, points: &[Point<'_>]) -> Drawn {
    let (left, bottom) = (70, top + PANEL);
    let y = |value: f64| bottom - 10 - (value.clamp(0.0, 1.0) * f64::from(PANEL - 40)).round() as i32;
    for quarter in 0..=4 {
        let value = f64::from(quarter) / 4.0;
        line(area, [(left, y(value)), (WIDTH - RIGHT, y(value))], RULE)?;
        text(area, &percent(value), (left - 8, y(value)), HPos::Right, 12)?;
    }
    if !name.is_empty() {
        text(area, &isolated(name), (left, top + 8), HPos::Left, 13)?;
    }
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
    let days = (last.0 - first.0).max(1) as f64;
    let wide = f64::from(WIDTH - RIGHT - left - 100);
    let x = |day: i64| left + 50 + (wide * (day - first.0) as f64 / days).round() as i32;
    // Marks of one period keep within half of the way to the next.
    let between = points.windows(2).map(|pair| x(pair[1].0) - x(pair[0].0)).min().unwrap_or(WIDTH);
    let step = f64::from(BESIDE).min(f64::from(between) / (2.0 * share.classes.len().max(1) as f64));
    let mut labelled: Option<i32> = None;
    for (day, period, slice) in points {
        if labelled.is_none_or(|last| x(*day) - last >= LABEL) {
            labelled = Some(x(*day));
            text(area, period, (x(*day), bottom + 6), HPos::Center, 12)?;
            text(area, &format!("n = {}", slice.n), (x(*day), bottom + 21), HPos::Center, 11)?;
        }
        for (class, found) in slice.shares.iter().enumerate() {
            let beside = 2 * class as i32 - share.classes.len() as i32 + 1;
            let middle = (step * f64::from(beside) / 2.0).round() as i32;
            let ends = |value: f64| (x(*day) + middle, y(value));
            mark(area, found, color(class), &ends)?;
        }
    }
    Ok(())
}

/// A whisker, a filled mark on it, and a hollow one; what is undefined is not there.
fn mark(area: &Area<'_>, found: &ClassShare, color: RGBColor, place: &dyn Fn(f64) -> (i32, i32)) -> Drawn {
    if let (Some(low), Some(high)) = (found.low, found.high) {
        line(area, [place(low), place(high)], color.stroke_width(2))?;
    }
    if let Some(corrected) = found.corrected {
        circle(area, place(corrected), color.filled())?;
    }
    if let Some(naive) = found.naive {
        circle(area, place(naive), color)?;
    }
    Ok(())
}

fn circle(area: &Area<'_>, place: (i32, i32), style: impl Into<ShapeStyle>) -> Drawn {
    area.draw(&Circle::new(place, 4, style)).map_err(|error| error.to_string())
}

fn line(area: &Area<'_>, ends: [(i32, i32); 2], style: impl Into<ShapeStyle>) -> Drawn {
    area.draw(&PathElement::new(ends, style)).map_err(|error| error.to_string())
}

fn text(area: &Area<'_>, words: &str, place: (i32, i32), side: HPos, size: i32) -> Drawn {
    // The library takes a size for the height of a whole line, and writes 0.81 of it.
    let size = 1.24 * f64::from(size);
    let style =
        TextStyle::from(("sans-serif", size).into_font()).color(&INK).pos(Pos::new(side, VPos::Center));
    area.draw_text(words, &style, place).map_err(|error| error.to_string())
}

fn color(class: usize) -> RGBColor {
    COLORS[class % COLORS.len()]
}

fn percent(value: f64) -> String {
    format!("{:.0} %", 100.0 * value)
}

/// A name that cannot rearrange what stands beside it, whichever way it is written, and that XML allows.
fn isolated(name: &str) -> String {
    let bidi = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let sound: Vec<char> = name
        .chars()
        .filter(|&c| !c.is_control() && !bidi(c) && !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
        .collect();
    let short: String = sound.iter().take(MOST_LETTERS).collect();
    let more = if sound.len() > MOST_LETTERS { "…" } else { "" };
    format!("\u{2068}{short}{more}\u{2069}")
}
