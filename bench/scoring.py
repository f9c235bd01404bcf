"""Scores and values of a county: fitted, scored with reasons, valued with comparable sales; LightGBM beside.

Here: sizes and goals. Not here: the timed work (`scoring_steps`), the invented sales (`county_sales`). Every step is a
process of its own, so that each figure of memory is one step's. How good the scores are is `leadflow backtest`'s.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import Figure, at_least, at_most, time_module
from leadflow_pipelines.cli.console import progress

PROPERTIES = 100_000
TIMES = 10
MOST_GB = 2.0


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the properties, to try the benchmark itself."""
    properties = PROPERTIES // (10 if quick else 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {"sales": str(folder / "sales.parquet"), "homes": str(folder / "homes.parquet")}
        made = _step(folder, "invent", **files, properties=properties)
        progress(f"{made['sales']:,} sales of {properties:,} properties")
        yield from _motivation(folder, files, properties)
        yield from _values(folder, files, properties)


def _motivation(folder: Path, files: dict[str, str], properties: int) -> Iterator[Figure]:
    ours = _step(folder, "motivation", **files, times=TIMES)
    peer = _step(folder, "motivation_peer", sales=files["sales"])
    what = f"{properties:,} properties"
    fit = at_most(f"motivation fitted, {what}", ours["fit"], 45, "s")
    yield fit.beside(f"lightgbm: {peer['fit']:.2f} s", ours["fit"] / peer["fit"])
    score = at_most(f"scored with reasons, {what}", ours["score"], 3, "s")
    yield score.beside(f"lightgbm with SHAP: {peer['score']:.2f} s", ours["score"] / peer["score"])
    yield at_least("of them with a reason", ours["with_reasons"], 0.99, "of them")
    yield at_most("peak memory, fitted and scored", ours["fit_and_score_peak_gb"], MOST_GB, "GB")
    yield at_most(f"scored with reasons, {ours['rows']:,} rows", ours["many"], 30, "s")


def _values(folder: Path, files: dict[str, str], properties: int) -> Iterator[Figure]:
    ours = _step(folder, "values", **files)
    peer = _step(folder, "values_peer", **files)
    what = f"{properties:,} properties"
    told = f"lightgbm, fitted and asked, no interval: {peer['seconds']:.2f} s"
    yield at_most(f"values fitted, {what}", ours["fit"], 60, "s").beside(told, ours["fit"] / peer["seconds"])
    yield at_most(f"valued with comparable sales and interval, {what}", ours["value"], 15, "s")
    yield at_least("of them valued", ours["valued"], 0.95, "of them")
    yield at_least("of them with comparable sales", ours["with_comps"], 0.95, "of them")
    yield at_most("peak memory, fitted and valued", ours["peak_gb"], MOST_GB, "GB")


def _step(folder: Path, name: str, **arguments: Any) -> dict[str, Any]:
    progress(name.replace("_", " "))
    return time_module("bench.scoring_steps", name, json.dumps(arguments), folder=folder).result
