"""A backtest as one HTML page that needs nothing else: charts, tables, and what they cannot say.

Here: which charts, in which order, in whose words. Not here: drawing (`charts`, coloured by `charts.css`), tables
(`summary`), the look of the page (`report.css`).
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import polars as pl

from leadflow_pipelines.backtest.charts import (
    CHART_STYLE,
    Axis,
    Point,
    Series,
    as_picture,
    bar_chart,
    line_chart,
    point_chart,
    ticks_to,
)
from leadflow_pipelines.backtest.judge_scores import EVERY, SEASONED
from leadflow_pipelines.backtest.judge_values import THIRDS
from leadflow_pipelines.backtest.models import OURS, PEER, SCORE_MODELS, VALUE_MODELS
from leadflow_pipelines.backtest.run_backtest import Backtest
from leadflow_pipelines.backtest.summary import (
    TextTable,
    facts,
    headline,
    month_table,
    months_of,
    scores_of,
    summary_tables,
    values_of,
)

STYLE = Path(__file__).with_name("report.css")
KINDS = {OURS: "ours", PEER: "peer"}
COVERED = 0.8
Figure = tuple[str, str, str, Sequence[Series]]
"""title, caption, SVG, the series that the legend names."""


def to_html(result: Backtest) -> str:
    """The whole page. It asks nothing of the network, and follows the reader's light or dark theme."""
    title = f"Backtest of {result.plan.market}"
    charts = "".join(_figure(*one) for one in _charts(result))
    tables = "".join(_table(one) for one in (*summary_tables(result), month_table(result)) if one.rows)
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(headline(result))}</p>',
        _alarm(result),
        _key_figures(result),
        f'<h2>Charts</h2><div class="charts">{charts}</div>',
        tables,
        "<h2>What this cannot say</h2>",
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in result.notes)}</ul>",
        "<h2>What it rests on</h2>",
        _facts(facts(result)),
    ]
    style = "".join(path.read_text(encoding="utf-8") for path in (CHART_STYLE, STYLE))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def to_pictures(result: Backtest) -> dict[str, str]:
    """Each chart as Markdown that needs nothing else, by its title: a picture and what it shows."""
    return {
        title: f"#### {title}\n\n![{title}]({as_picture(svg, series)})\n\n{caption}"
        for title, caption, svg, series in _charts(result)
    }


def _alarm(result: Backtest) -> str:
    if result.canary.same_scores and result.canary.same_values:
        return ""
    return '<p class="alarm">The models see the future: with later sales in the file their output changes.</p>'


def _key_figures(result: Backtest) -> str:
    """The figures that a reader takes away."""
    told = []
    for segment, name in ((EVERY, "all homes"), (SEASONED, "owned a year or more")):
        for row in scores_of(result, segment).filter(model=OURS).iter_rows(named=True):
            between = f"90 % interval {row['lift_5_low']:.2f} to {row['lift_5_high']:.2f}" if row["lift_5_low"] else ""
            if row["lift_5"] is not None:
                told.append((f"Best 5 %, {name}", f"{row['lift_5']:.2f} ×", f"the base rate. {between}"))
    (error,) = scores_of(result, EVERY).filter(model=OURS)["ece"]
    told.append(("A probability is off by", f"{100 * error:.1f} points", "on average over tenths of homes"))
    if ours := values_of(result, EVERY).get(OURS):
        told.append(("Median error of a value", f"{100 * ours['median_error']:.1f} %", f"{ours['sales']:,} sales"))
        if ours["coverage"] is not None:
            width = f"80 % were meant; width {100 * ours['width']:.0f} % of the value"
            told.append(("Prices in the interval", f"{100 * ours['coverage']:.0f} %", width))
    cells = (f"<div><dt>{escape(n)}</dt><dd>{escape(v)}<small>{escape(s)}</small></dd></div>" for n, v, s in told)
    return f'<dl class="figures">{"".join(cells)}</dl>'


def _charts(result: Backtest) -> Iterable[Figure]:
    yield _lift_chart(result)
    yield _calibration_chart(result)
    if len(result.dates) > 1:
        yield _date_chart(result)
    if values_of(result, EVERY):
        yield _error_chart(result)
        yield _coverage_chart(result)


def _lift_chart(result: Backtest) -> Figure:
    series = [_curve(result, EVERY, OURS, "LeadFlow", "ours")]
    series += [_curve(result, EVERY, PEER, "LightGBM", "peer", banded=False)]
    series += [_curve(result, EVERY, "tenure", "Years owned", "other")]
    series += [_curve(result, SEASONED, OURS, "LeadFlow, owned a year or more", "seasoned", banded=False)]
    series = [one for one in series if one.points]
    high = max(y for one in series for _, y in one.points)
    top = max([high, *(end for one in series for _, end in one.band or ())])
    step = 0.5 if top <= 3.5 else 1.0 if top <= 7 else 2.0
    y = Axis("times the base rate", 0, ticks_to(top, step)[-1], ticks_to(top, step), lambda v: f"{v:g}×")
    x = Axis("homes, best scores first", 0.01, 1, (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1), _share, is_log=True)
    svg = line_chart("Lift by share of homes", x, y, series, level=1)
    return "Lift", "How much oftener the best scored homes sold than all. 1× is chance.", svg, series


def _curve(result: Backtest, segment: str, model: str, name: str, kind: str, *, banded: bool = True) -> Series:
    rows = result.curves.filter(segment=segment, model=model, kind="lift").sort("x")
    band = rows.select("low", "high").rows() if banded and not rows["low"].has_nulls() else None
    return Series(name, kind, rows.select("x", "y").rows(), band)


def _calibration_chart(result: Backtest) -> Figure:
    series = []
    for model in (OURS, PEER):
        rows = result.curves.filter(segment=EVERY, model=model, kind="calibration")
        band = rows.select("low", "high").rows() if model == OURS else None
        series += [Series(SCORE_MODELS[model], KINDS[model], rows.select("x", "y").rows(), band)] if rows.height else []
    ends = [value for one in series for point in (*one.points, *(one.band or ())) for value in point]
    top = max([*ends, 0.01])
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 1.0) if top / step <= 7 or step == 1.0)
    ticks = ticks_to(top, step)
    axis = Axis("said", 0, ticks[-1], ticks, _share)
    svg = point_chart("Calibration", axis, Axis("sold", 0, ticks[-1], ticks, _share), series)
    caption = "A tenth of the homes each. On the line, what was said is what happened."
    return "Calibration", caption, svg, series


def _date_chart(result: Backtest) -> Figure:
    rows = result.scores.filter(pl.col("as_of").is_not_null(), segment=EVERY)
    places = {day: float(place) for place, day in enumerate(result.dates)}
    series = []
    for model, kind in ((OURS, "ours"), (PEER, "peer"), ("tenure", "other")):
        of_model = rows.filter(pl.col("auc").is_not_null(), model=model).sort("as_of")
        points: list[Point] = [(places[day], auc) for day, auc in of_model.select("as_of", "auc").rows()]
        band = of_model.select("auc_low", "auc_high").rows() if model == OURS else None
        series += [Series(SCORE_MODELS[model], kind, points, band)] if points else []
    values = [value for one in series for value in [y for _, y in one.points]]
    values += [end for one in series for pair in one.band or () for end in pair if end is not None]
    low, high = min([0.45, *values]), max([0.65, *values])
    low, high = int(low * 20) / 20, -(-int(high * 100) // 5) * 5 / 100
    ticks = [low + 0.05 * n for n in range(round((high - low) / 0.05) + 1)]
    shown = _few(list(places.values()))
    days = list(places)
    x = Axis("as of", 0, max(places.values()), shown, lambda place: f"{days[round(place)]:%Y-%m}")
    svg = line_chart("AUC by date", x, Axis("AUC", low, high, ticks, lambda v: f"{v:.2f}"), series, level=0.5)
    return "AUC by date", "The chance that a sold home stood above an unsold one. 0.5 is chance.", svg, series


def _error_chart(result: Backtest) -> Figure:
    groups = (EVERY, *THIRDS)
    found = [values_of(result, group) for group in groups]
    series = []
    for model, kind in zip(VALUE_MODELS, ("ours", "peer", "other"), strict=True):
        points = [
            (float(place), of_group[model]["median_error"]) for place, of_group in enumerate(found) if model in of_group
        ]
        series.append(Series(VALUE_MODELS[model], kind, points))
    top = min(max(y for one in series for _, y in one.points), 1.0)
    ticks = ticks_to(top * 1.08, 0.05 if top <= 0.4 else 0.2)
    y = Axis("median error", 0, ticks[-1], ticks, _share)
    names = [name.removesuffix(" third") for name in groups]
    svg = bar_chart("Median error of values by third of price", y, names, series, write=_bare)
    return "Error of values by price", "Thirds by the price paid; a refusal is an error of 100 %.", svg, series


def _coverage_chart(result: Backtest) -> Figure:
    months = months_of(result).filter(pl.col("coverage").is_not_null())
    names = [name.removeprefix("month ") for name in months["segment"]]
    places = [float(place) for place in range(len(names))]
    series = [
        Series("inside the interval", "ours", list(zip(places, months["coverage"], strict=True))),
        Series("median width ÷ value", "other", list(zip(places, months["width"], strict=True))),
    ]
    ticks = ticks_to(max([1.0, *months["width"]]), 0.2)
    x = Axis("month of sale", 0, max([*places, 1.0]), _few(places), lambda place: names[round(place)])
    svg = line_chart("Coverage by month", x, Axis("", 0, ticks[-1], ticks, _share), series, level=COVERED)
    return "80 % interval by month", "Prices inside it, on the dashed line where it keeps its word.", svg, series


def _few(places: Sequence[float], most: int = 5) -> list[float]:
    """So many of the places, evenly, that their names stand clear of each other."""
    step = max(1, -(-len(places) // most))
    return list(places[::step])


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if value * 100 >= 10 or (value * 100) % 1 < 1e-9 else f"{100 * value:.1f} %"


def _bare(value: float) -> str:
    """A percentage without its sign, for the narrow place above a bar."""
    return f"{100 * value:.1f}"


def _figure(title: str, caption: str, svg: str, series: Sequence[Series]) -> str:
    names = "".join(f'<span class="{one.kind}">{escape(one.name)}</span>' for one in series)
    return (
        f'<figure><h3>{escape(title)}</h3><div class="legend">{names}</div>{svg}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(table: TextTable) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(
        f'<tr class="{"ours" if row[0] == SCORE_MODELS[OURS] else "row"}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return f'<h2>{escape(table.title)}</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>{note}'


def _facts(lines: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in lines)
    return f'<table class="facts">{rows}</table>'
