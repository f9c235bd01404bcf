"""Reading the CSV tables in `rules/` into typed rows, collecting every fault.

Here: parsing of one cell and one row. Not here: what the rows mean together (`rule_book`).
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from importlib.resources import files
from typing import TypeVar

Parsed = TypeVar("Parsed")
Row = dict[str, str]
Window = tuple[int, int]
"""Minutes after local midnight, end exclusive."""
Weekly = tuple[Window | None, ...]
"""Monday to Sunday; None is closed."""

TABLES = (
    "state_calling_rules", "state_zones", "area_code_zones", "zip_states", "holidays",
    "wireless_restricted_states", "state_registries", "consent_kinds", "parameters",
)  # fmt: skip
CONFIDENCES = ("low", "medium", "high")


@dataclass
class Faults:
    """Everything wrong with the tables, one line each."""

    found: list[str] = field(default_factory=list)

    def check(self, is_right: bool, message: str) -> None:
        """Note the message where the check does not hold."""
        if not is_right:
            self.found.append(message)


def read_tables() -> tuple[dict[str, str], str]:
    """The text of each packaged table by name, and a hash over all of them."""
    folder = files(__package__) / "rules"
    texts = {name: (folder / f"{name}.csv").read_text(encoding="utf-8") for name in TABLES}
    return texts, digest_of(texts)


def digest_of(texts: Mapping[str, str]) -> str:
    """A hash over all tables; with the day of publication it names a version of the rules."""
    content = "".join(f"{name}\n{text}" for name, text in sorted(texts.items()))
    return hashlib.sha256(content.encode()).hexdigest()


def parse_rows(name: str, text: str, parse: Callable[[Row], Parsed], faults: Faults) -> list[Parsed]:
    """Each row through `parse`; a row it refuses (ValueError, KeyError) becomes a fault with its line."""
    parsed = []
    for line, row in _rows(text):
        try:
            parsed.append(parse(row))
        except (ValueError, KeyError) as error:
            faults.found.append(f"{name}.csv line {line}: {error}")
    return parsed


def _rows(text: str) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(text.splitlines(), strict=True)
    for row in reader:
        yield reader.line_num, row


def optional_date(cell: str) -> date | None:
    """An ISO date; blank is open."""
    return date.fromisoformat(cell) if cell else None


def optional_int(cell: str) -> int | None:
    """A whole number; blank is none."""
    return int(cell) if cell else None


def flag(cell: str) -> bool:
    """yes or no, nothing else."""
    if cell not in ("yes", "no"):
        raise ValueError(f"expected yes or no, found {cell!r}")
    return cell == "yes"


def codes(cell: str) -> tuple[str, ...]:
    """Values separated by semicolons."""
    return tuple(part for part in cell.split(";") if part)


def one_of(cell: str, allowed: tuple[str, ...]) -> str:
    """The cell, if it is one of the allowed values."""
    if cell not in allowed:
        raise ValueError(f"{cell!r} is none of {', '.join(allowed)}")
    return cell


def some(cell: str) -> str:
    """The cell, if it holds something."""
    if not cell.strip():
        raise ValueError("a required cell is blank")
    return cell


def window(start: str, end: str) -> Window | None:
    """`08:00`, `21:00` into minutes; `closed` twice into None."""
    if start == end == "closed":
        return None
    minutes = _minutes(start), _minutes(end)
    if minutes[0] >= minutes[1]:
        raise ValueError(f"the window {start}-{end} ends before it begins")
    return minutes


def _minutes(cell: str) -> int:
    clock = time.fromisoformat(cell)
    return clock.hour * 60 + clock.minute
