"""`leadflow bench`: measure the performance claims."""

import importlib
from dataclasses import asdict
from typing import Annotated

import typer

from leadflow_pipelines.cli.console import JsonOption, print_json, print_table, progress
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import PROJECT_ROOT

BENCHES = PROJECT_ROOT / "bench"


def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark: a module of bench/, e.g. pipeline.")] = "pipeline",
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the size, to try it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure a performance claim on this machine. Exits 1 where a goal does not hold."""
    names = sorted(path.stem for path in BENCHES.glob("*.py") if "def measure(" in path.read_text())
    if name not in names:
        raise InvalidInput(f"There is no benchmark {name!r}.", remedy=f"Choose from {', '.join(names)}.")
    figures = []
    for figure in importlib.import_module(f"bench.{name}").measure(quick=quick):
        progress(f"{figure.what}: {figure.value:g} {figure.unit} (goal {figure.goal})")
        figures.append(figure)
    if as_json:
        print_json({"name": name, "quick": quick, "figures": [asdict(figure) for figure in figures]})
    else:
        columns = ["what", "value", "unit", "peer", "ratio", "goal", "holds"]
        print_table(f"bench {name}", columns, [[asdict(figure)[column] for column in columns] for figure in figures])
    raise typer.Exit(0 if all(figure.holds for figure in figures) else 1)
