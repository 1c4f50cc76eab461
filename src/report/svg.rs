//! Plots as SVG, for a page that has light and dark colours, or for a file of their own.
//!
//! The plots are drawn in colours that stand for roles and are mapped by a style sheet
//! ([`COLOUR_RULES`]): the page decides what ink is. Without one they are near-black on nothing, which
//! can be read too.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::series::DashedLineSeries;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::words::{self, clipped};
use crate::evaluate::evaluation::{ClassCurves, CurvePoint};
use crate::evaluate::figures::Figure;
use crate::evaluate::metrics::Bin;
use crate::evaluate::risk::RiskCoverage;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

const INK: RGBColor = RGBColor(1, 1, 1);
const MUTED: RGBColor = RGBColor(2, 2, 2);
const RULE: RGBColor = RGBColor(3, 3, 3);
const ACCENT: RGBColor = RGBColor(4, 4, 4);
const PAPER: RGBColor = RGBColor(5, 5, 5);
/// One a class, in the axis's order, then again from the first.
const CLASSES: [RGBColor; 6] = [
    RGBColor(17, 1, 1),
    RGBColor(18, 1, 1),
    RGBColor(19, 1, 1),
    RGBColor(20, 1, 1),
    RGBColor(21, 1, 1),
    RGBColor(22, 1, 1),
];

/// Maps the colours that plots are drawn in to the variables of [`LIGHT`] and [`DARK`].
pub const COLOUR_RULES: &str = include_str!("colours.css");
/// The variables' values on light ground. Those of classes are told apart without seeing red or green
/// (after Okabe and Ito).
pub const LIGHT: &str = "--paper:#fdfdfc;--ink:#1b1d20;--muted:#5a6067;--rule:#d8dadc;--wash:#f3f4f4;--accent:#0a5a8c;--good:#0b6b4b;--bad:#a8370a;--c1:#0072b2;--c2:#d55e00;--c3:#00855f;--c4:#b0528a;--c5:#9a6b00;--c6:#3a8fc0;";
/// The variables' values on dark ground.
pub const DARK: &str = "--paper:#141619;--ink:#e3e5e8;--muted:#a2a8af;--rule:#353a40;--wash:#1d2024;--accent:#74bcea;--good:#62c79f;--bad:#f2956e;--c1:#56b4e9;--c2:#f0863c;--c3:#35c79d;--c4:#e09cc3;--c5:#e8b54a;--c6:#a9d3ee;";

/// Fonts that systems have, for Latin and Arabic.
const FONTS: &str = "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Noto Sans Arabic\",\"Geeza Pro\",Tahoma,sans-serif";

/// Coordinates are whole numbers, so plots are drawn larger than shown for lines to be smooth.
const SCALE: i32 = 4;
/// The width of every plot, in units in which small type is 12: what a phone shows in full size nearly.
const WIDTH: i32 = 420;
/// A letter's width at size 12, about.
const LETTER: i32 = 7;

/// A row of [`intervals`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IntervalRow {
    /// What it is of.
    pub label: String,
    /// The value; `None` where it is undefined, which is said.
    pub value: Option<f64>,
    /// The interval's lower end.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
    /// Whether it is the one that the others are compared with.
    pub emphasis: bool,
    /// What would be said by a naive measurement; a hollow mark.
    pub naive: Option<f64>,
}

impl IntervalRow {
    /// The row of a figure.
    pub fn of(label: impl Into<String>, figure: &Figure) -> Self {
        IntervalRow {
            label: label.into(),
            value: figure.value,
            low: figure.low,
            high: figure.high,
            ..IntervalRow::default()
        }
    }
}

/// A plot as a file of its own: with its title above it, its colours for light and dark, and a ground.
pub fn standalone(svg: &str) -> String {
    let Some(end) = svg.find('>') else { return String::new() };
    let inside = &svg[end + 1..];
    let title =
        inside.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    let height = svg
        .split("viewBox=\"0 0 ")
        .nth(1)
        .and_then(|rest| rest.split(['"', ' ']).nth(1)?.parse::<i32>().ok());
    let (edge, above) = (unit(16), unit(34));
    let (width, height) = (unit(WIDTH) + 2 * edge, height.unwrap_or_default() + above + 2 * edge);
    let style = format!(
        ":root{{{LIGHT}}}@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}svg{{background:var(--paper)}}text{{font-family:{FONTS}}}{COLOUR_RULES}"
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{} {} {width} {height}\" role=\"img\"><style>{style}</style><text x=\"0\" y=\"{}\" font-size=\"{}\" font-weight=\"600\" fill=\"#010101\">{title}</text>{inside}\n",
        -edge,
        -edge - above,
        unit(12) - above,
        unit(13)
    )
}

/// Values with their intervals, a row each, as dots with whiskers. A thin line marks the row of emphasis.
pub fn intervals(title: &str, rows: &[IntervalRow]) -> String {
    let told: Vec<String> = rows.iter().map(row_words).collect();
    let height = 22 * rows.len() as i32 + 34;
    plot(title, &told.join("; "), height, &|area| draw_intervals(area, rows))
}

fn row_words(row: &IntervalRow) -> String {
    let figure = Figure { value: row.value, low: row.low, high: row.high, n: usize::MAX, note: None };
    let naive = row.naive.map(|naive| format!(", naively {}", words::number(naive)));
    format!("{}: {}{}", clipped(&row.label, 80), words::whole(&figure), naive.unwrap_or_default())
}

fn draw_intervals(area: &Area, rows: &[IntervalRow]) -> Drawn {
    let values = rows.iter().flat_map(|row| [row.value, row.low, row.high, row.naive]).flatten();
    let scale = Scale::over(values);
    let (left, right) = (150, WIDTH - 44);
    let x = |value: f64| unit(left) + (f64::from(unit(right - left)) * scale.share(value)) as i32;
    let bottom = 22 * rows.len() as i32 + 8;
    for tick in scale.ticks() {
        area.draw(&line([(x(tick), unit(4)), (x(tick), unit(bottom))], RULE, 1))?;
        text(area, &scale.label(tick), (x(tick), unit(bottom + 12)), MUTED, HPos::Center)?;
    }
    if let Some(value) = rows.iter().find(|row| row.emphasis).and_then(|row| row.value) {
        for step in (4..bottom).step_by(6) {
            area.draw(&line([(x(value), unit(step)), (x(value), unit(step + 3))], ACCENT, 1))?;
        }
    }
    for (place, row) in rows.iter().enumerate() {
        let y = unit(22 * place as i32 + 17);
        let colour = if row.emphasis { ACCENT } else { INK };
        text(area, &clipped(&row.label, 20), (unit(left - 12), y), colour, HPos::Right)?;
        let Some(value) = row.value.filter(|value| value.is_finite()) else {
            text(area, "undefined", (unit(left + 6), y), MUTED, HPos::Left)?;
            continue;
        };
        if let (Some(low), Some(high)) = (row.low, row.high) {
            area.draw(&line([(x(low), y), (x(high), y)], colour, if row.emphasis { 3 } else { 2 }))?;
            for end in [low, high] {
                area.draw(&line([(x(end), y - unit(3)), (x(end), y + unit(3))], colour, 1))?;
            }
        }
        if let Some(naive) = row.naive {
            hollow(area, (x(naive), y))?;
        }
        area.draw(&Circle::new((x(value), y), unit(4), colour.filled()))?;
        text(area, &words::number(value), (unit(WIDTH - 2), y), colour, HPos::Right)?;
    }
    Ok(())
}

fn hollow(area: &Area, at: (i32, i32)) -> Drawn {
    area.draw(&Circle::new(at, unit(4), PAPER.filled()))?;
    area.draw(&Circle::new(at, unit(4), INK.stroke_width(unit(1) as u32)))?;
    Ok(())
}

/// Probabilities against what came true; the area of a dot is the number of examples.
pub fn calibration(title: &str, bins: &[Bin]) -> String {
    let told: Vec<String> = bins
        .iter()
        .map(|bin| {
            let (said, came) = (words::percent(bin.confidence), words::percent(bin.accuracy));
            format!("of {} said {said}, true {came}", words::count(bin.n))
        })
        .collect();
    plot(title, &told.join("; "), 300, &|area| {
        let mut chart = chart(area, &SHARE, &SHARE, "probability said", "share that came true")?;
        chart.draw_series(dashed(vec![(0.0, 0.0), (1.0, 1.0)], MUTED, (5, 4)))?;
        let place = |bin: &Bin| (inside(bin.confidence), inside(bin.accuracy));
        chart.draw_series(LineSeries::new(bins.iter().map(place), stroke(ACCENT, 2)))?;
        let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1).max(1) as f64;
        let dots = bins.iter().map(|bin| {
            let radius = 2.5 + 7.0 * (bin.n as f64 / most).sqrt();
            Circle::new(place(bin), (radius * f64::from(SCALE)) as i32, ACCENT.mix(0.55).filled())
        });
        chart.draw_series(dots)?;
        Ok(())
    })
}

/// The error among the decisions that are surest.
pub fn risk_coverage(title: &str, risk: &RiskCoverage) -> String {
    let of_share = |share: f64| {
        let point = crate::evaluate::risk::at_coverage(&risk.points, share)?;
        Some(format!("error {} among the surest {}", words::number(point.risk), words::percent(share)))
    };
    let told: Vec<String> = [0.25, 0.5, 0.75, 1.0].into_iter().filter_map(of_share).collect();
    plot(title, &told.join("; "), 300, &|area| {
        let risks = risk.points.iter().map(|point| point.risk);
        let y = Scale::over(risks.chain([0.0])).with_zero();
        let mut chart = chart(area, &SHARE, &y, "share kept, surest first", "error among them")?;
        let all = risk.points.last().map_or(0.0, |point| y.inside(point.risk));
        chart.draw_series(dashed(vec![(0.0, all), (1.0, all)], MUTED, (5, 4)))?;
        let points = risk.points.iter().map(|point| (inside(point.coverage), y.inside(point.risk)));
        chart.draw_series(LineSeries::new(points, stroke(ACCENT, 2)))?;
        Ok(())
    })
}

/// ROC curves, each class against the rest.
pub fn roc(title: &str, curves: &[ClassCurves]) -> String {
    plot(title, &class_words(curves), 300 + legend_height(curves.len()), &|area| {
        let area = legend(area, curves.iter().map(|curve| curve.class.as_str()))?;
        let mut chart = chart(&area, &SHARE, &SHARE, "false-positive rate", "recall")?;
        chart.draw_series(dashed(vec![(0.0, 0.0), (1.0, 1.0)], MUTED, (5, 4)))?;
        for (place, curve) in curves.iter().enumerate() {
            class_line(&mut chart, place, &shares(&curve.roc))?;
        }
        Ok(())
    })
}

/// Precision-recall curves, each class against the rest.
pub fn precision_recall(title: &str, curves: &[ClassCurves]) -> String {
    plot(title, &class_words(curves), 300 + legend_height(curves.len()), &|area| {
        let area = legend(area, curves.iter().map(|curve| curve.class.as_str()))?;
        let mut chart = chart(&area, &SHARE, &SHARE, "recall", "precision")?;
        for (place, curve) in curves.iter().enumerate() {
            class_line(&mut chart, place, &shares(&curve.precision_recall))?;
        }
        Ok(())
    })
}

fn class_words(curves: &[ClassCurves]) -> String {
    let classes: Vec<String> = curves.iter().map(|curve| clipped(&curve.class, 80)).collect();
    format!("One curve a class: {}; the areas are in the table of classes", classes.join(", "))
}

/// Figures by the number of training examples.
pub fn learning_curve(title: &str, points: &[CurvePoint]) -> String {
    let told: Vec<String> = points
        .iter()
        .map(|point| format!("{} on {} examples", words::whole(&point.macro_f1), words::count(point.n)))
        .collect();
    let series: [(&str, Vec<(f64, &Figure)>); 2] = [
        ("macro-F1", points.iter().map(|point| (point.n as f64, &point.macro_f1)).collect()),
        (
            "F of polar classes",
            points.iter().filter_map(|point| Some((point.n as f64, point.semeval_f.as_ref()?))).collect(),
        ),
    ];
    let series: Vec<_> = series.into_iter().filter(|(_, points)| !points.is_empty()).collect();
    plot(title, &told.join("; "), 300 + legend_height(series.len()), &|area| {
        let area = legend(area, series.iter().map(|(name, _)| *name))?;
        let x = Scale::over(points.iter().map(|point| point.n as f64).chain([0.0])).with_zero();
        let figures = series.iter().flat_map(|(_, points)| points.iter());
        let y = Scale::over(figures.flat_map(|(_, of)| [of.value, of.low, of.high]).flatten());
        let mut chart = chart(&area, &x, &y, "training examples of a fold", "on held-out examples")?;
        for (place, (_, points)) in series.iter().enumerate() {
            let colour = CLASSES[place % CLASSES.len()];
            // Side by side, so that none hides another.
            let aside = 0.008 * place as f64 * x.high;
            for (n, figure) in points {
                if let (Some(low), Some(high)) = (figure.low, figure.high) {
                    let at = x.inside(*n + aside);
                    let ends = [(at, y.inside(low)), (at, y.inside(high))];
                    chart.draw_series(LineSeries::new(ends, stroke(colour, 1)))?;
                }
            }
            let valued: Vec<(f64, f64)> = points
                .iter()
                .filter_map(|(n, figure)| Some((x.inside(*n + aside), y.inside(figure.value?))))
                .collect();
            chart.draw_series(valued.iter().map(|&at| Circle::new(at, unit(3), colour.filled())))?;
            class_line(&mut chart, place, &valued)?;
        }
        Ok(())
    })
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// Axes with a grid that is hardly seen.
fn chart<'a, 'b>(
    area: &'a Area<'b>,
    x: &Scale,
    y: &Scale,
    x_name: &str,
    y_name: &str,
) -> Result<Chart<'a, 'b>, Box<dyn Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(unit(8))
        .margin_right(unit(14))
        .x_label_area_size(unit(40))
        .y_label_area_size(unit(48))
        .build_cartesian_2d(x.low..x.high, y.low..y.high)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(stroke(RULE, 1))
        .axis_style(stroke(RULE, 1))
        .set_all_tick_mark_size(unit(5))
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|tick| x.label(*tick))
        .y_label_formatter(&|tick| y.label(*tick))
        .label_style(type_of(MUTED))
        .axis_desc_style(type_of(INK))
        .x_desc(x_name)
        .y_desc(y_name)
        .draw()?;
    Ok(chart)
}

/// One class's line; the second and third of three are dashed, as colours alone do not print.
fn class_line(chart: &mut Chart, place: usize, points: &[(f64, f64)]) -> Drawn {
    let colour = CLASSES[place % CLASSES.len()];
    match dash(place) {
        None => chart.draw_series(LineSeries::new(points.iter().copied(), stroke(colour, 2)))?,
        Some(dash) => chart.draw_series(dashed(points.to_vec(), colour, dash))?,
    };
    Ok(())
}

fn dash(place: usize) -> Option<(i32, i32)> {
    [None, Some((9, 4)), Some((3, 3))][place % 3]
}

fn dashed(
    points: Vec<(f64, f64)>,
    colour: RGBColor,
    (on, off): (i32, i32),
) -> DashedLineSeries<std::vec::IntoIter<(f64, f64)>, u32> {
    let width = if colour == MUTED { 1 } else { 2 };
    DashedLineSeries::new(points, unit(on) as u32, unit(off) as u32, stroke(colour, width))
}

fn legend_height(n: usize) -> i32 {
    if n < 2 { 0 } else { 20 * n.div_ceil(3) as i32 + 4 }
}

/// Names with their lines above a plot, and what is left below them.
fn legend<'a, 'b>(
    area: &Area<'b>,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<Area<'b>, Box<dyn Error>> {
    let height = legend_height(names.len());
    let (top, rest) = area.split_vertically(unit(height));
    if height == 0 {
        return Ok(rest);
    }
    // A line of three at most, each in a column of its own.
    let column = (WIDTH - 48) / names.len().min(3) as i32;
    for (place, name) in names.enumerate() {
        let (left, row) = (48 + column * (place as i32 % 3), place as i32 / 3);
        let (y, colour) = (unit(20 * row + 11), CLASSES[place % CLASSES.len()]);
        let (on, off) = dash(place).unwrap_or((22, 1));
        for start in (0..22).step_by((on + off) as usize) {
            let end = (start + on).min(22);
            top.draw(&line([(unit(left + start), y), (unit(left + end), y)], colour, 2))?;
        }
        let name = clipped(name, ((column - 34) / LETTER) as usize);
        text(&top, &name, (unit(left + 28), y), INK, HPos::Left)?;
    }
    Ok(rest)
}

/// What an axis reaches from and to, in steps that read well.
#[derive(Debug, Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

const SHARE: Scale = Scale { low: 0.0, high: 1.0, step: 0.2 };

impl Scale {
    /// Reaches over values; over 0 to 1 where there are none.
    fn over(values: impl Iterator<Item = f64>) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        // Beyond this it is no measurement, and the arithmetic below would not hold.
        for value in values.filter(|value| value.abs() < 1e12) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return SHARE;
        }
        let room = (high - low).max(0.02 * low.abs().max(high.abs()).max(1.0));
        let power = 10_f64.powf((room / 5.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|of| of * power).find(|step| room / step <= 5.0);
        let step = step.unwrap_or(room);
        let (low, high) = ((low / step - 0.01).floor() * step, (high / step + 0.01).ceil() * step);
        Scale { low, high, step }
    }

    fn with_zero(self) -> Scale {
        Scale { low: 0.0, ..self }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let n = ((self.high - self.low) / self.step).round().clamp(0.0, 12.0) as i32;
        (0..=n).map(|tick| self.low + f64::from(tick) * self.step)
    }

    fn label(&self, tick: f64) -> String {
        let places = (-self.step.log10().floor()).clamp(0.0, 4.0) as usize;
        if places == 0 && tick >= 0.0 {
            return words::count(tick.round() as u64);
        }
        let text = format!("{tick:.places$}");
        if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) {
            text.trim_start_matches('-').to_owned()
        } else {
            text.replace('-', "\u{2212}")
        }
    }

    fn inside(&self, value: f64) -> f64 {
        if value.is_nan() { self.low } else { value.clamp(self.low, self.high) }
    }

    fn share(&self, value: f64) -> f64 {
        (self.inside(value) - self.low) / (self.high - self.low)
    }
}

fn inside(share: f64) -> f64 {
    SHARE.inside(share)
}

/// Points whose coordinates are shares.
fn shares(points: &[[f64; 2]]) -> Vec<(f64, f64)> {
    points.iter().map(|at| (inside(at[0]), inside(at[1]))).collect()
}

fn unit(of: i32) -> i32 {
    of * SCALE
}

fn stroke(colour: RGBColor, width: i32) -> ShapeStyle {
    // Whole units would be heavy: a line of 2 is 1.5 wide.
    colour.stroke_width((width * SCALE * 3 / 4) as u32)
}

fn line(ends: [(i32, i32); 2], colour: RGBColor, width: i32) -> PathElement<(i32, i32)> {
    PathElement::new(ends, stroke(colour, width))
}

fn type_of(colour: RGBColor) -> TextStyle<'static> {
    // The backend divides sizes by 1.24.
    let style = TextStyle::from(("sans-serif", f64::from(unit(12)) * 1.24).into_font());
    TextStyle { color: colour.to_backend_color(), ..style }
}

fn text(area: &Area, said: &str, at: (i32, i32), colour: RGBColor, to: HPos) -> Drawn {
    // Isolated where it may run from right to left, so that it stays where it is anchored.
    let said = if said.is_ascii() { said.to_owned() } else { format!("\u{2068}{said}\u{2069}") };
    let style = type_of(colour).pos(Pos::new(to, VPos::Center));
    area.draw(&Text::new(said, at, style))?;
    Ok(())
}

/// An SVG of a height, with a title and a description for those who do not see it.
fn plot(title: &str, description: &str, height: i32, draw: &dyn Fn(&Area) -> Drawn) -> String {
    let mut svg = String::new();
    let area =
        SVGBackend::with_string(&mut svg, (unit(WIDTH) as u32, unit(height) as u32)).into_drawing_area();
    let drawn = draw(&area).and_then(|()| Ok(area.present()?));
    drop(area);
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let body = if drawn.is_ok() { body } else { "</svg>" };
    let (title, description) = (escape(&words::clean(title)), escape(&words::clean(description)));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{title}</title><desc>{description}</desc>{body}",
        unit(WIDTH),
        unit(height)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
