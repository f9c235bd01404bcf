"""Consents from a CSV file: every row that can be used is, every other is named with what to do about it."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from leadflow_pipelines.clearance.consents import Consent, consent_fault, with_evidence_beside
from leadflow_pipelines.compliance.instants import instant_of
from leadflow_pipelines.source_rows.checked_rows import RowFault, Wrong, read_checked_csv

NEEDED = ("contact", "channel", "purpose", "kind", "given_to", "wording", "source", "captured_at")
OPTIONAL = ("expires_at", "evidence_file")


def read_consents(path: Path, *, zone: ZoneInfo, now: dt.datetime) -> tuple[list[Consent], list[RowFault]]:
    """The usable consents of a CSV file, and the faults of the others.

    Columns NEEDED and OPTIONAL; others are ignored. An instant bears its offset; a day alone is its first moment in
    `zone`. Raises InvalidInput where the file cannot be read as CSV or lacks a column.
    """
    consents, faults = read_checked_csv(
        path,
        lambda cells: _read(cells, path.parent, zone, now),
        needed=NEEDED,
        optional=OPTIONAL,
        layout=f"A consent file has the columns {', '.join(NEEDED)}, and may have {', '.join(OPTIONAL)}.",
    )
    return list(consents.values()), faults


def _read(cells: Mapping[str, str], folder: Path, zone: ZoneInfo, now: dt.datetime) -> Consent | Wrong:
    instants: dict[str, dt.datetime | None] = {}
    for name in ("captured_at", "expires_at"):
        try:
            instants[name] = instant_of(cells[name], zone) if cells[name] else None
        except ValueError as error:
            wrong, _, wanted = str(error).partition("; ")
            return name, f"{wrong}.", f"{wanted[0].upper()}{wanted[1:]}."
    captured_at = instants["captured_at"]
    if captured_at is None:
        return "captured_at", "It is blank.", "Give the instant it was given."
    named = cells["evidence_file"]
    consent = Consent(
        contact=cells["contact"], channel=cells["channel"].lower(), purpose=cells["purpose"], kind=cells["kind"],
        given_to=cells["given_to"], wording=cells["wording"], source=cells["source"],
        captured_at=captured_at, expires_at=instants["expires_at"], evidence_file=Path(named) if named else None,
    )  # fmt: skip
    consent = with_evidence_beside(consent, folder)
    if fault := consent_fault(consent, now):
        column, wrong, wanted = fault
        return column, f"{wrong[0].upper()}{wrong[1:]}.", f"Give {wanted}."
    return consent
