"""Charts as inline SVG: lines with bands, points with error bars, grouped bars. Strings in, strings out.

Here: scales, axes, marks. Colours are classes that a style sheet paints, so that a chart follows light and dark themes.
Not here: which figures are drawn (`report`).
"""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

CHART_STYLE = Path(__file__).with_name("charts.css")
"""Colours and marks; a page has them once, a picture carries them."""
WIDTH, HEIGHT = 400, 270
LEFT, RIGHT, TOP, BOTTOM = 54, 26, 14, 42
"""Drawn at the size of a phone: text keeps its size there, and the page shows several beside each other where wide."""

LEGEND_ROW, LEGEND_LETTER = 18, 6.0

Point = tuple[float, float]
Format = Callable[[float], str]


@dataclass(frozen=True)
class Axis:
    """One axis: its label, ends, ticks and how they are written."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]
    write: Format
    is_log: bool = False

    def share(self, value: float) -> float:
        """Where a value stands, 0 at the low end and 1 at the high one; beyond them, at the end."""
        if self.is_log:
            place = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(max(place, 0.0), 1.0)


@dataclass(frozen=True)
class Series:
    """A line or a set of points. kind: the class that paints it. band: low and high at each point."""

    name: str
    kind: str
    points: Sequence[Point]
    band: Sequence[Point] | None = None


def ticks_to(high: float, step: float) -> list[float]:
    """0, step, … up to the first that reaches `high`."""
    count = max(1, math.ceil(high / step - 1e-9))
    return [step * number for number in range(count + 1)]


def line_chart(label: str, x: Axis, y: Axis, series: Sequence[Series], *, level: float | None = None) -> str:
    """Lines over a common x; `level` draws a reference line."""
    marks = [_level(y, level)] if level is not None else []
    marks += [_band(x, y, one) for one in series if one.band]
    for one in series:
        path = " ".join(f"{_at_x(x, px):.1f},{_at_y(y, py):.1f}" for px, py in one.points)
        marks.append(f'<polyline class="line {one.kind}" points="{path}"/>')
        marks += [_dot(x, y, one, point, f"{x.write(point[0])}: {y.write(point[1])}") for point in one.points]
    return _frame(label, x, y, marks)


def point_chart(label: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Points with error bars and the diagonal on which x equals y."""
    diagonal = f'<line class="level" x1="{_at_x(x, x.low):.1f}" y1="{_at_y(y, x.low):.1f}" '
    marks = [diagonal + f'x2="{_at_x(x, x.high):.1f}" y2="{_at_y(y, x.high):.1f}"/>']
    for one in series:
        for place, point in enumerate(one.points):
            if one.band:
                low, high = one.band[place]
                at = f"{_at_x(x, point[0]):.1f}"
                ends = f'y1="{_at_y(y, low):.1f}" y2="{_at_y(y, high):.1f}"'
                marks.append(f'<line class="bar-end {one.kind}" x1="{at}" x2="{at}" {ends}/>')
            marks.append(_dot(x, y, one, point, f"said {x.write(point[0])}, sold {y.write(point[1])}", size=4))
    return _frame(label, x, y, marks)


def bar_chart(label: str, y: Axis, groups: Sequence[str], series: Sequence[Series], *, write: Format) -> str:
    """Groups of bars, one of each series; point x is the group's number. Each bar carries its figure."""
    slot = (WIDTH - LEFT - RIGHT) / len(groups)
    wide = slot * 0.8 / len(series)
    marks = []
    for place, one in enumerate(series):
        for number, value in one.points:
            left = LEFT + slot * (number + 0.1) + wide * place
            top = _at_y(y, value)
            told = f"{escape(one.name)}: {y.write(value)}"
            marks.append(
                f'<rect class="bar {one.kind}" x="{left:.1f}" y="{top:.1f}" width="{wide - 2:.1f}" '
                f'height="{max(HEIGHT - BOTTOM - top, 0):.1f}"><title>{told}</title></rect>'
                f'<text class="figure" x="{left + wide / 2 - 1:.1f}" y="{top - 3:.1f}">{write(value)}</text>'
            )
    names = [
        f'<text class="tick" x="{LEFT + slot * (number + 0.5):.1f}" y="{HEIGHT - BOTTOM + 16}">{escape(name)}</text>'
        for number, name in enumerate(groups)
    ]
    return _svg(label, [*_y_axis(y), *marks, *names])


def as_picture(svg: str, series: Sequence[Series]) -> str:
    """A chart with its legend and colours as one picture: a data URI, for where Markdown is read and no page."""
    marks, rows = _legend(series)
    top = LEGEND_ROW * rows
    box = f'viewBox="0 {-top} {WIDTH} {HEIGHT + top}" width="{WIDTH}" height="{HEIGHT + top}"'
    paper = f'<rect class="paper" x="0" y="{-top}" width="{WIDTH}" height="{HEIGHT + top}"/>'
    inner = svg[svg.index(">") + 1 :]
    style = CHART_STYLE.read_text(encoding="utf-8")
    whole = f'<svg xmlns="http://www.w3.org/2000/svg" {box}><style>{style}</style>{paper}{"".join(marks)}{inner}'
    return f"data:image/svg+xml;base64,{base64.b64encode(whole.encode()).decode()}"


def _legend(series: Sequence[Series]) -> tuple[list[str], int]:
    """Names beside their colours above the chart, and how many rows they take."""
    marks, left, row = [], 0.0, 1
    for one in series:
        wide = LEGEND_LETTER * len(one.name) + 28
        if left and left + wide > WIDTH:
            left, row = 0.0, row + 1
        at = LEGEND_ROW * (row - 1)
        marks.append((left, at, one))
        left += wide
    top = -LEGEND_ROW * row + 10
    drawn = [
        f'<rect class="bar {one.kind}" x="{x + 4:.1f}" y="{top + y:.1f}" width="12" height="4"/>'
        f'<text class="name" x="{x + 20:.1f}" y="{top + y + 6:.1f}">{escape(one.name)}</text>'
        for x, y, one in marks
    ]
    return drawn, row


def _frame(label: str, x: Axis, y: Axis, marks: Sequence[str]) -> str:
    ticks = []
    for tick in x.ticks:
        at = _at_x(x, tick)
        ticks.append(f'<text class="tick" x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}">{escape(x.write(tick))}</text>')
    name = f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{escape(x.label)}</text>'
    return _svg(label, [*_y_axis(y), *ticks, name, *marks])


def _y_axis(y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks:
        at = f"{_at_y(y, tick):.1f}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(
            f'<text class="tick y" x="{LEFT - 6}" y="{at}" dominant-baseline="middle">{escape(y.write(tick))}</text>'
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'<text class="axis" transform="translate(11 {middle}) rotate(-90)">{escape(y.label)}</text>'
    return [*parts, turned] if y.label else parts


def _svg(label: str, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label, quote=True)}"'
    return f"<svg {box}>{''.join(parts)}</svg>"


def _level(y: Axis, level: float) -> str:
    at = f"{_at_y(y, level):.1f}"
    return f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'


def _band(x: Axis, y: Axis, one: Series) -> str:
    assert one.band is not None
    there = [(px, low) for (px, _), (low, _) in zip(one.points, one.band, strict=True)]
    back = [(px, high) for (px, _), (_, high) in zip(one.points, one.band, strict=True)][::-1]
    path = " ".join(f"{_at_x(x, px):.1f},{_at_y(y, py):.1f}" for px, py in [*there, *back])
    return f'<polygon class="band {one.kind}" points="{path}"/>'


def _dot(x: Axis, y: Axis, one: Series, point: Point, told: str, size: float = 2.5) -> str:
    at = f'cx="{_at_x(x, point[0]):.1f}" cy="{_at_y(y, point[1]):.1f}" r="{size}"'
    return f'<circle class="dot {one.kind}" {at}><title>{escape(f"{one.name}, {told}")}</title></circle>'


def _at_x(x: Axis, value: float) -> float:
    return LEFT + x.share(value) * (WIDTH - LEFT - RIGHT)


def _at_y(y: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - y.share(value) * (HEIGHT - TOP - BOTTOM)
