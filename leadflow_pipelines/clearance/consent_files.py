"""Consents from a CSV file: every row that can be used is, every other is named with what to do about it."""

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from leadflow_pipelines.clearance.consents import Consent, consent_fault, with_evidence_beside
from leadflow_pipelines.compliance.instants import instant_of
from leadflow_pipelines.errors import InvalidInput

NEEDED = ("contact", "channel", "purpose", "kind", "given_to", "wording", "source", "captured_at")
OPTIONAL = ("expires_at", "evidence_file")


@dataclass(frozen=True)
class ConsentFault:
    """One row that was left out. `row` counts the lines of data from 1."""

    file: str
    row: int
    column: str
    message: str
    remedy: str


def read_consents(path: Path, *, zone: ZoneInfo, now: dt.datetime) -> tuple[list[Consent], list[ConsentFault]]:
    """The usable consents of a CSV file, and the faults of the others.

    Columns NEEDED and OPTIONAL; others are ignored. An instant bears its offset; a day alone is its first moment in
    `zone`. Raises InvalidInput where the file cannot be read as CSV or lacks a column.
    """
    consents: list[Consent] = []
    faults: list[ConsentFault] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise InvalidInput(
                    f"{path.name} lacks the columns {', '.join(missing)}.",
                    remedy=f"A consent file has the columns {', '.join(NEEDED)}, and may have {', '.join(OPTIONAL)}.",
                )
            for number, row in enumerate(reader, start=1):
                found = _read(row, path, number, zone, now)
                if isinstance(found, Consent):
                    consents.append(found)
                else:
                    faults.append(found)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy="Give a CSV file in UTF-8.") from error
    return consents, faults


def _read(
    row: dict[str, str | None], path: Path, number: int, zone: ZoneInfo, now: dt.datetime
) -> Consent | ConsentFault:
    cells = {name: (row.get(name) or "").strip() for name in (*NEEDED, *OPTIONAL)}
    instants: dict[str, dt.datetime | None] = {}
    for name in ("captured_at", "expires_at"):
        try:
            instants[name] = instant_of(cells[name], zone) if cells[name] else None
        except ValueError as error:
            wrong, _, wanted = str(error).partition("; ")
            return ConsentFault(path.name, number, name, f"{wrong}.", f"{wanted[0].upper()}{wanted[1:]}.")
    captured_at = instants["captured_at"]
    if captured_at is None:
        return ConsentFault(path.name, number, "captured_at", "It is blank.", "Give the instant it was given.")
    named = cells["evidence_file"]
    consent = Consent(
        contact=cells["contact"], channel=cells["channel"].lower(), purpose=cells["purpose"], kind=cells["kind"],
        given_to=cells["given_to"], wording=cells["wording"], source=cells["source"],
        captured_at=captured_at, expires_at=instants["expires_at"], evidence_file=Path(named) if named else None,
    )  # fmt: skip
    consent = with_evidence_beside(consent, path.parent)
    if fault := consent_fault(consent, now):
        column, wrong, wanted = fault
        return ConsentFault(path.name, number, column, f"{wrong[0].upper()}{wrong[1:]}.", f"Give {wanted}.")
    return consent
