"""People of the org's own file: a CSV of contacts who agreed to be written to, into the audience's shape.

Here: reading and checking rows. Not here: whether a person may be contacted (`compliance`), which is decided from the
consents on record and not from this file.
"""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import phonenumbers
import polars as pl

from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.compliance.conditions.place import EMAIL_SYNTAX
from leadflow_pipelines.compliance.contact_hash import HashKeys, with_contact_hash
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.outreach.campaigns.audience import FIELD_COLUMNS
from leadflow_pipelines.source_rows.checked_rows import RowFault, Wrong, read_checked_csv

KINDS = ("phone", "email", "mailing")
MAILING = ("mailing_street", "mailing_city", "mailing_state", "mailing_zip")
COLUMNS = (
    "kind", "phone", "line_type", "email", *MAILING, "full_name", "first_name", "street", "city", "state", "zip",
    "property_id",
)  # fmt: skip
LINE_TYPES = ("mobile", "landline", "voip")
STATE_SYNTAX, ZIP_SYNTAX = r"^[A-Z]{2}$", r"^\d{5}(-\d{4})?$"


def read_own_people(
    path: Path, keys: HashKeys, *, day: dt.date, now: dt.datetime
) -> tuple[pl.DataFrame, list[RowFault]]:
    """EVIDENCE_REQUIRED columns, contact_value and FIELD_COLUMNS of every row that can be used, and faults of the rest.

    `kind` says what a row is (phone, email, mailing); phone, email or the four mailing columns hold the contact. Other
    columns are optional, unknown ones are ignored. Raises InvalidInput where the file is no CSV or lacks `kind`.
    """
    people, faults = read_checked_csv(
        path,
        _read,
        needed=("kind",),
        optional=tuple(name for name in COLUMNS if name != "kind"),
        layout=f"Columns: {', '.join(COLUMNS)}; kind is phone, email or mailing.",
    )
    return _identified(list(people.values()), keys, day=day, now=now, source=path.name), faults


def phone_e164(text: str) -> str | None:
    """A US number however written as E.164, whether or not anybody can have it; None for what has other digits."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 1 or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _read(row: Mapping[str, str]) -> dict[str, Any] | Wrong:
    cells = {name: row[name] or None for name in COLUMNS}
    return _fault(cells) or _person(cells)


def _fault(cells: dict[str, str | None]) -> Wrong | None:
    """The first thing wrong with a row."""
    kind = cells["kind"]
    state, mail_state, mail_zip = cells["state"] or "", cells["mailing_state"] or "", cells["mailing_zip"] or ""
    blank = next((name for name in MAILING if kind == "mailing" and cells[name] is None), None)
    checks = (
        (kind in KINDS, "kind", f"{kind!r} is no kind.", f"Write one of {', '.join(KINDS)}."),
        (kind != "phone" or re.search(US_PHONE, phone_e164(cells["phone"] or "") or "") is not None, "phone",
         "It is no US number.",
         "Write it like (512) 555-0123 or +15125550123."),
        (cells["line_type"] in (None, *LINE_TYPES), "line_type", f"{cells['line_type']!r} is no line type.",
         f"Leave it blank, or write one of {', '.join(LINE_TYPES)}."),
        (kind != "email" or re.search(EMAIL_SYNTAX, cells["email"] or "") is not None, "email",
         "It is no e-mail address.", "Write it like sam@mail.example."),
        (blank is None, blank or "mailing_street", "It is blank.", "A letter needs street, city, state and ZIP."),
        (not mail_state or re.search(STATE_SYNTAX, mail_state.upper()) is not None, "mailing_state",
         f"{mail_state!r} is no state.", "Write two letters, e.g. TX."),
        (not mail_zip or re.search(ZIP_SYNTAX, mail_zip) is not None, "mailing_zip", f"{mail_zip!r} is no ZIP.",
         "Write five digits, e.g. 78704."),
        (not state or re.search(STATE_SYNTAX, state.upper()) is not None, "state", f"{state!r} is no state.",
         "Write two letters, e.g. TX."),
        (not cells["zip"] or re.search(ZIP_SYNTAX, cells["zip"]) is not None, "zip", f"{cells['zip']!r} is no ZIP.",
         "Write five digits, e.g. 78704."),
    )  # fmt: skip
    for is_right, column, message, remedy in checks:
        if not is_right:
            return column, message, remedy
    return None


def _person(cells: dict[str, str | None]) -> dict[str, Any]:
    """One row in the audience's columns; what the file does not say is null, unknown."""
    phone = phone_e164(cells["phone"] or "") if cells["kind"] == "phone" else None
    email = cells["email"].lower() if cells["kind"] == "email" and cells["email"] else None
    mailing_zip5 = cells["mailing_zip"][:5] if cells["mailing_zip"] else None
    mailing_state = cells["mailing_state"].upper() if cells["mailing_state"] else None
    line = f"{cells['mailing_street']}, {cells['mailing_city']}, {mailing_state} {mailing_zip5}"
    name = cells["full_name"]
    return {
        "property_id": cells["property_id"],
        "kind": cells["kind"],
        "contact_value": phone or email or line,
        "person_name": name,
        "phone_e164": phone,
        "line_type": cells["line_type"] if phone else None,
        "email": email,
        "mailing_street": cells["mailing_street"],
        "mailing_city": cells["mailing_city"],
        "mailing_state": mailing_state,
        "mailing_zip5": mailing_zip5,
        "property_state": cells["state"].upper() if cells["state"] else None,
        "property_zip": cells["zip"][:5] if cells["zip"] else None,
        "full_name": name,
        "first_name": cells["first_name"] or (name.split()[0] if name else None),
        "street": cells["street"],
        "city": cells["city"],
        "state": cells["state"].upper() if cells["state"] else None,
        "zip": cells["zip"][:5] if cells["zip"] else None,
    }


def _identified(
    people: list[dict[str, Any]], keys: HashKeys, *, day: dt.date, now: dt.datetime, source: str
) -> pl.DataFrame:
    """With ids that tell nothing of the contact: the keyed hash stands for it."""
    wanted = {**EVIDENCE_REQUIRED, "contact_value": pl.String, **dict.fromkeys(FIELD_COLUMNS, pl.String)}
    frame = pl.DataFrame(people, schema_overrides=wanted, infer_schema_length=None) if people else pl.DataFrame()
    absent = [pl.lit(None, kind).alias(name) for name, kind in wanted.items() if name not in frame.columns]
    frame = frame.with_columns(absent) if people else pl.DataFrame(schema=wanted)
    known = with_contact_hash(frame, keys).with_columns(
        contact_point_id=pl.lit("own_") + pl.col("contact_hash").str.split(":").list.last().str.head(20)
    )
    return known.with_columns(
        pl.col("property_id").fill_null(pl.col("contact_point_id")),
        pl.lit(day).alias("day"),
        pl.lit(source).alias("source"),
        pl.lit(now, pl.Datetime("us", "UTC")).alias("fetched_at"),
    ).select(list(wanted))
