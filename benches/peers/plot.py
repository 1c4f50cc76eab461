"""The plot of what run.py measured: an SVG of four panels, written by hand.

Nothing behind it, and greys and colours that can be read on white as well as on near-black. No fonts but the reader's own.
"""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 880, 640
INK, LINE = "#6e7781", "#8c959f"
SYSTEMS = {
    "kzstance": "#2f7de1", "kzstance, warm": "#2f7de1", "kzstance, cold": "#2f7de1", "kzstance, shipped model": "#2f7de1",
    "fastText, words": "#8a63d2", "fastText, characters": "#8a63d2",
    "Vowpal Wabbit, words": "#2e8f6b", "Vowpal Wabbit, characters": "#2e8f6b",
    "scikit-learn": "#c9702b",
}
SHORT = {"Vowpal Wabbit": "VW"}
STYLE = """text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#6e7781}
.value{font-size:11px}.title{font-size:14px;font-weight:600}.ours{font-weight:600;fill:#2f7de1}"""


class Canvas:
    """SVG elements, one after another."""

    def __init__(self):
        self.parts = []

    def text(self, x, y, what, anchor="start", kind="", colour=""):
        style = (f' class="{kind}"' if kind else "") + (f' style="fill:{colour}"' if colour else "")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(what)}</text>')

    def line(self, x1, y1, x2, y2, opacity=0.35):
        self.parts.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{LINE}" stroke-opacity="{opacity}"/>')

    def bar(self, x, y, width, height, colour, opacity=1.0):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="1.5" '
                          f'fill="{colour}" fill-opacity="{opacity}"/>')

    def dot(self, x, y, colour, radius=4.5):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def curve(self, points, colour):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')


def colour(name):
    return SYSTEMS.get(name, INK)


def short(name):
    for long, brief in SHORT.items():
        name = name.replace(long, brief)
    return name


def plain(value):
    """A tick's number: 0.1 and 100, and powers of ten from 1,000 on."""
    if value >= 1000:
        return "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(round(math.log10(value))))
    return f"{value:,.0f}" if value >= 1 else f"{value:.10g}"


def brief(value):
    return f"{value:.0f}" if value >= 9.95 else f"{float(f'{value:.2g}'):.10g}"


def fit_slope(points):
    """Power of n that the seconds grow with over the last two sizes."""
    a, b = points[-2:]
    return math.log(b["wall"] / a["wall"]) / math.log(b["n"] / a["n"])


def log_scale(values, low, high):
    """From whole decades around the values to places between `low` and `high`; the decades too."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) - 1e-9)
    last = max(last, first + 1)
    return (lambda value: low + (math.log10(value) - first) / (last - first) * (high - low),
            [10.0**power for power in range(first, last + 1)])


def draw_scoring(canvas, found, left, top, width, height):
    """Bars: tweets full, articles pale."""
    systems, kinds = found["systems"], list(found["sizes"])
    canvas.text(left, top, "Scoring in process, MB/s on one core", kind="title")
    x = left
    for kind, opacity in zip(kinds, (1.0, 0.6)):
        canvas.bar(x, top + 14, 10, 8, INK, opacity)
        canvas.text(x + 15, top + 22, kind)
        x += 70
    start, most = left + 138, max(one[kind]["best"] for one in systems.values() for kind in kinds)
    names = sorted(systems, key=lambda name: -systems[name][kinds[0]]["best"])
    step = (height - 40) / len(names)
    for at, name in enumerate(names):
        y = top + 38 + at * step
        canvas.text(start - 8, y + 16, short(name), "end", "ours" if name.startswith("kzstance") else "")
        for row, (kind, opacity) in enumerate(zip(kinds, (1.0, 0.6))):
            value = systems[name][kind]["best"]
            length = max(1.5, value / most * (left + width - start - 34))
            canvas.bar(start, y + row * 13, length, 11, colour(name), opacity)
            canvas.text(start + length + 5, y + row * 13 + 9.5, brief(value), kind="value")


def draw_quality(canvas, found, left, top, width, height):
    """Points: CPU seconds of training against quality."""
    systems = found["systems"]
    canvas.text(left, top, "Quality and the cost of training", kind="title")
    canvas.text(left, top + 22, "mean F1 × 100, five folds")
    bottom, right, first = top + height - 34, left + width - 12, left + 30
    place, decades = log_scale([one["1"]["cpu"] for one in systems.values()], first, right)
    scores = [one["f1"] for one in systems.values()]
    step = next(step for step in (1, 2, 5, 10, 20) if max(scores) - min(scores) <= 6 * step)
    low, high = math.floor(min(scores) / step) * step, math.ceil(max(scores) / step + 0.2) * step
    for tick in range(low, high + 1, step):
        y = bottom - (tick - low) / (high - low) * (bottom - top - 40)
        canvas.line(first, y, right, y, 0.22)
        canvas.text(first - 7, y + 4, str(tick), "end")
    for tick in decades:
        canvas.line(place(tick), bottom, place(tick), bottom + 4)
        canvas.text(place(tick), bottom + 18, plain(tick), "middle")
    canvas.text(right, bottom + 33, "CPU s, one core", "end")
    for name, one in systems.items():
        x, y = place(one["1"]["cpu"]), bottom - (one["f1"] - low) / (high - low) * (bottom - top - 40)
        canvas.dot(x, y, colour(name), 6 if name == "kzstance" else 4.5)
        kind = "ours" if name == "kzstance" else ""
        ends = x > (first + right) / 2
        canvas.text(x + (-9 if ends else 9), y + 4, short(name), "end" if ends else "start", kind,
                    "" if kind else colour(name))


def draw_growth(canvas, found, what, title, left, top, width, height):
    """Lines on two logarithmic scales, with the power that each grows with."""
    lines = {name: each[what] for name, each in found.items() if each.get(what)}
    canvas.text(left, top, title, kind="title")
    canvas.text(left, top + 22, "seconds, whole process, one core")
    if not lines:
        return
    bottom, right, first = top + height - 34, left + width - 92, left + 40
    x_of, columns = log_scale([one["n"] for each in lines.values() for one in each], first, right)
    y_of, rows = log_scale([one["wall"] for each in lines.values() for one in each], bottom, top + 40)
    for tick in rows:
        canvas.line(first, y_of(tick), right, y_of(tick), 0.22)
        canvas.text(first - 7, y_of(tick) + 4, plain(tick), "end")
    for tick in columns:
        canvas.line(x_of(tick), bottom, x_of(tick), bottom + 4)
        canvas.text(x_of(tick), bottom + 18, plain(tick), "middle")
    canvas.text(right, bottom + 33, "texts", "end")
    for name, each in lines.items():
        points = [(x_of(one["n"]), y_of(one["wall"])) for one in each]
        canvas.curve(points, colour(name))
        for x, y in points:
            canvas.dot(x, y, colour(name), 3.5)
        x, y = points[-1]
        kind = "ours" if name == "kzstance" else ""
        canvas.text(x + 9, y + 1, name, kind=kind, colour="" if kind else colour(name))
        if len(each) > 1:
            canvas.text(x + 9, y + 15, f"slope {fit_slope(each):.2f}")


def draw(results):
    canvas = Canvas()
    if "scoring" in results:
        draw_scoring(canvas, results["scoring"], 12, 24, 410, 310)
    if "training" in results:
        draw_quality(canvas, results["training"], 470, 24, 400, 310)
    if "growth" in results:
        draw_growth(canvas, results["growth"], "score", "Growth of scoring", 12, 376, 410, 254)
        draw_growth(canvas, results["growth"], "train", "Growth of training", 470, 376, 400, 254)
    body = "\n".join(canvas.parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
            f'aria-label="Speed, quality and growth of kzstance and its peers">\n<style>{STYLE}</style>\n{body}\n</svg>\n')
