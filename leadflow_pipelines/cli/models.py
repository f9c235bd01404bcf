"""`leadflow models`: train the org's models, list what was trained, read a model's card."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.console import DayOption, JsonOption, OrgOption, out, print_json, print_table
from leadflow_pipelines.cli.fairness import EXAMPLES as FAIRNESS_EXAMPLES
from leadflow_pipelines.cli.fairness import fairness
from leadflow_pipelines.cli.session import open_session, parse_day

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    no_args_is_help=True,
    help="Models learned from the org's own sales: train, list, card, fairness.",
    epilog="The chance of a sale and the value of a home appear with the leads once a model has been promoted; until "
    "then the scorecard stands. Nothing here asks a vendor or spends money.",
)
KindOption = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="motivation or value. Default: both, one after the other.")
]
OldSalesOption = Annotated[
    bool,
    typer.Option(
        "--accept-old-sales",
        help="Learn from sales that end long before the day, too. What the model then says is labelled with their day.",
    ),
]
ABOUT = ("kind", "version", "day", "verdict", "because", "sales", "markets", "window_start", "window_end", "sha256")
EXAMPLES = """Examples:

leadflow models train

leadflow models train --kind value --day 2026-11-01

leadflow models train --accept-old-sales
"""


@app.command("train", epilog=EXAMPLES)
def train(
    kind: KindOption = None,
    day: DayOption = None,
    accept_old_sales: OldSalesOption = False,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit on the lake's sales before --day, judge, promote what earns it.

    The judge is the newest window that the sales close: 365 days for
    motivation, 90 days for values. The same recipe is fitted as of the window's
    start and held against what happened in it. To be promoted it must beat the
    base rate and years owned (motivation) or the neighbourhood's median (values),
    be no worse than the model that serves, and answer the same whether or not
    later sales are in the file. Otherwise it is kept back, and the reason is
    said. With too few sales there is no model, and the scorecard stands; so it
    does where the sales end more than a year (values: half a year) before --day.
    Takes minutes for a county. Dagster's schedule `train` does the same weekly.
    """
    from leadflow_pipelines.training import KINDS, train_model

    workspace = open_session(org)
    chosen = parse_day(day, workspace.settings)
    rows = [
        train_model(
            workspace.lake, one, day=chosen, now=dt.datetime.now(dt.UTC), run_id=None, accept_old_sales=accept_old_sales
        )
        for one in ([kind] if kind else KINDS)
    ]
    if as_json:
        print_json({"models": [_document(row) for row in rows]})
        return
    for row in rows:
        out.print(f"[bold]{row['kind']}[/bold]: {row['verdict'].replace('_', ' ')}", soft_wrap=False)
        out.print(row["because"], markup=False)
        out.print(f"Its card: leadflow models card {row['kind']} {row['version']}\n", markup=False)


@app.command("list")
def list_models(kind: KindOption = None, org: OrgOption = None, as_json: JsonOption = False) -> None:
    """List what was trained, the newest first; * marks the models that serve."""
    from leadflow_pipelines.training import KINDS, model_versions
    from leadflow_pipelines.training.model_registry import current_version

    lake = open_session(org).lake
    rows = model_versions(lake, kind)
    serving = {row["version"] for one in KINDS if (row := current_version(lake, one)) is not None}
    if as_json:
        documents = [_document(row) for row in rows.iter_rows(named=True)]
        print_json({"models": [{**one, "serves": one["version"] in serving} for one in documents]})
    elif rows.is_empty():
        out.print("Nothing has been trained yet. Bring sales with `leadflow import`, then: leadflow models train")
    else:
        print_table("Models", ["", "version", "verdict", "sales", "judged on"], _lines(rows, serving))
        out.print("Why, and how each did: leadflow models card KIND VERSION")


@app.command("card")
def card(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="motivation or value.")],
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="[VERSION]",
            help="A version of `models list`, or its beginning. Default: the model that serves, else the newest.",
        ),
    ] = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a model's card: what it learned from, how it did, what it cannot say.

    With --json the card is its Markdown text.
    """
    from leadflow_pipelines.training.train_models import find_version

    row = find_version(open_session(org).lake, kind, version)
    if as_json:
        print_json({**_document(row), "card": row["card"]})
    else:
        from rich.markdown import Markdown

        out.print(Markdown(row["card"]))


def _document(row: dict[str, Any]) -> dict[str, Any]:
    import orjson

    return {**{name: row[name] for name in ABOUT}, "metrics": orjson.loads(row["metrics"])}


def _lines(rows: "pl.DataFrame", serving: set[str]) -> list[list[Any]]:
    return [
        [
            "*" if row["version"] in serving else "",
            row["version"],
            row["verdict"].replace("_", " "),
            row["sales"],
            f"{row['window_start']} on" if row["window_start"] else "-",
        ]
        for row in rows.iter_rows(named=True)
    ]


app.command("fairness", epilog=FAIRNESS_EXAMPLES)(fairness)
