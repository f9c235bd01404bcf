"""What each provider's records come through: every fault of the dial at 30 %, provider by provider.

Prints the table and gives one figure per provider: how many promises were broken under all its faults.
"""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.fault_subjects import DAY, PAGE, RECORDS, small_pages, subjects
from bench.fault_table import FAULTS, SHARE, Cell, FaultTable
from bench.figures import Figure, at_most
from leadflow_pipelines.cli.console import err, progress
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import load_settings

HEAD = (
    "provider",
    "fault",
    "arrived",
    "struck",
    "cost ¢",
    "vendor's bill ¢",
    "missing, and why; fields without a value",
)
WIDTHS = (9, 16, 9, 6, 7, 15, 0)
QUICK_STRIDE = 4
"""`quick` takes every fourth cell: each fault, and each provider, is still among them."""


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """A figure for each provider; the table goes to stderr as it grows."""
    stride = QUICK_STRIDE if quick else 1
    logging.disable(logging.WARNING)  # what fails here fails on purpose
    with tempfile.TemporaryDirectory() as name, small_pages(Path(name)) as settings:
        folder = Path(name)
        database = open_database(load_settings(home=folder / "home"))
        try:
            with SandboxProcess(records_per_zip=RECORDS, page_cap=PAGE, today=DAY.isoformat()) as vendors:
                table = FaultTable(database, vendors, folder, home=folder / "home", **settings)
                progress(f"a share of {SHARE:.0%} of each provider's calls suffers; what arrives of what is there")
                _print(HEAD)
                for place, subject in enumerate(subjects()):
                    chosen = [fault for number, fault in enumerate(FAULTS) if (number + place) % stride == 0]
                    cells = [(fault, table.cell(subject, fault)) for fault in chosen]
                    for fault, cell in cells:
                        _print(_row(cell) if cell else (subject.vendor, fault, "-"))
                    broken = [words for _, cell in cells if cell for words in cell.broken]
                    yield at_most(f"{subject.vendor}: promises broken under {len(cells)} faults", len(broken), 0, "")
        finally:
            logging.disable(logging.NOTSET)
            database.dispose()
            if database.embedded is not None:
                database.embedded.stop()


def _row(cell: Cell) -> tuple[str, ...]:
    missing = [f"{count} {reason}" for reason, count in cell.missing.items() if count]
    said = [f"({cell.said[0]})"] if missing and cell.said else []
    lacking = [f"null in some: {', '.join(cell.null_fields)}"] if cell.null_fields else []
    told = [f"told: no {', '.join(cell.told_fields)}"] if cell.told_fields else []
    broken = [f"BROKEN: {'; '.join(cell.broken)}"] if cell.broken else []
    notes = "; ".join([*broken, " ".join([*missing, *said]), *lacking, *told]).strip("; ")
    shares = f"{cell.arrived}/{cell.expected}"
    return (cell.provider, cell.fault, shares, f"{cell.struck}/{cell.calls}", f"{cell.cost_cents.normalize():f}",
            f"{cell.billed_cents.normalize():f}", notes)  # fmt: skip


def _print(columns: tuple[str, ...]) -> None:
    cells = (text.ljust(width) for text, width in zip(columns, WIDTHS, strict=False))
    err.print("  ".join(cells).rstrip(), soft_wrap=True, markup=False)
