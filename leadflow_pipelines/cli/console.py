"""What a command prints: progress and errors on stderr, results on stdout, one JSON line with --json."""

import datetime as dt
import logging
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadflow_pipelines.errors import LeadflowError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

CENTS_PER_DOLLAR = 100

OrgOption = Annotated[str | None, typer.Option("--org", help="Org to work for. Default: LEADFLOW_ORG, else default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on one line of stdout.")]
DayOption = Annotated[
    str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="Partition day. Default: today in LEADFLOW_TIMEZONE.")
]
MaxSpendOption = Annotated[
    float | None,
    typer.Option("--max-spend", min=0, max=10_000_000, help="Dollars this run may spend, within the budgets' limits."),
]


def progress(text: str) -> None:
    """One line of progress, on stderr."""
    err.print(Text("· ", style="cyan") + Text(text))


def tell(document: Any, line: str, *, as_json: bool) -> None:
    """What one act came to: the document for a program, or a line for a person."""
    if as_json:
        print_json(document)
    else:
        out.print(line)


def print_json(result: Any) -> None:
    """One JSON object on one line of stdout."""
    sys.stdout.write(orjson.dumps(result, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")


def print_error(error: LeadflowError) -> None:
    """What was wrong and what to do about it, on stderr."""
    err.print(Text("Error: ", style="bold red") + Text(error.message))
    if error.remedy:
        err.print(Text("What to do: ", style="bold") + Text(error.remedy))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout that fits the terminal; numbers stand to the right."""
    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_edge=False)
    for place, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[place], int | float | Decimal) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(show(value)) for value in row))
    out.print(table)
    out.print()


def show(value: Any) -> str:
    """A value for a person: thousands separated, nulls as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)


def dollars(cents: Decimal | float | None) -> str:
    """Cents as dollars, e.g. $1,234.50."""
    return "-" if cents is None else f"${Decimal(str(cents)) / 100:,.2f}"


def about_dollars(cents: int) -> str:
    """An estimate to three figures, e.g. $193,000: more would feign a precision that no estimate has."""
    return f"${float(f'{cents / CENTS_PER_DOLLAR:.3g}'):,.0f}"


def as_cents(amount: float) -> Decimal:
    """Dollars as a person typed them, in cents."""
    return Decimal(str(amount)) * 100


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, set | tuple | frozenset):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    return str(value)


class ProgressHandler(logging.Handler):
    """Prints what the slices report as progress."""

    def emit(self, record: logging.LogRecord) -> None:
        progress(record.getMessage())
