"""An org with people it may write to or call, and a running campaign of letters or calls."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.profile import set_profile
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.outreach.campaigns.audience import FIELD_COLUMNS
from tests.outreach_people import run_campaign

NOON = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
"""A Friday: 12:00 in Texas, 10:00 in California, 13:00 in New York."""
ADDRESS = "1 Example Sq, Austin, TX 78704"
LETTER = "Dear {full_name|neighbour},\n\nwe would like to buy {street}.\n\n{sender_name}, {postal_address}"
SCRIPT = "Hello {first_name|there}, this is {sender_name} about {street}. You reach us at {sender_phone}."


def addresses(count: int, *, names: Sequence[str] = ()) -> pl.DataFrame:
    """People with a mailing address, from ZIP 78700 on downwards, so that no order is theirs by chance."""
    frame = pl.DataFrame(
        {
            "contact_point_id": [f"m{n}" for n in range(count)],
            "property_id": [f"p{n}" for n in range(count)],
            "person_name": [names[n] if n < len(names) else f"Pat Example {n}" for n in range(count)],
            "mailing_street": [f"{n + 1} Example Ave" for n in range(count)],
            "mailing_zip5": [f"{78799 - n % 50}" for n in range(count)],
            "street": [f"{n + 1} Example St" for n in range(count)],
        }
    ).with_columns(kind=pl.lit("mailing"), mailing_city=pl.lit("Austin"), mailing_state=pl.lit("TX"))
    line = pl.concat_str("mailing_street", pl.lit(", Austin, TX "), "mailing_zip5")
    return _whole(frame.with_columns(contact_value=line, full_name="person_name"))


def phones(*numbers: str) -> pl.DataFrame:
    """Landlines, clean and checked the day before."""
    frame = pl.DataFrame(
        {
            "contact_point_id": [f"c{one}" for one in numbers],
            "property_id": [f"p{one}" for one in numbers],
            "phone_e164": list(numbers),
            "contact_value": list(numbers),
        }
    ).with_columns(
        kind=pl.lit("phone"), line_type=pl.lit("landline"), is_on_dnc=pl.lit(value=False),
        is_litigator=pl.lit(value=False), is_reachable=pl.lit(value=True), source=pl.lit("simulated"),
        full_name=pl.lit("Pat Example"), person_name=pl.lit("Pat Example"), first_name=pl.lit("Pat"),
        street=pl.lit("1 Example St"),
        fetched_at=pl.lit(NOON - dt.timedelta(days=1), pl.Datetime("us", "UTC")),
    )  # fmt: skip
    return _whole(frame)


def _whole(frame: pl.DataFrame) -> pl.DataFrame:
    wanted: dict[str, Any] = {**dict.fromkeys(FIELD_COLUMNS, pl.String), **EVIDENCE_REQUIRED}
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in wanted.items() if name not in frame)


def run(
    connection: Connection, org: Org, frame: pl.DataFrame, keys: HashKeys, *, channel: str, body: str,
    subject: str | None = None, steps: Sequence[int] = (0,), now: dt.datetime = NOON, **profile: Any,
) -> str:  # fmt: skip
    """A running campaign over these people; `steps`: hours before each."""
    known = {
        "sender_name": "Example Homes", "postal_address": ADDRESS, "callback_e164": "+15125550199",
        "needs_second_person": False, **profile,
    }  # fmt: skip
    set_profile(connection, org, known, actor="ada", now=now)
    return run_campaign(connection, org, frame, keys, now=now, channel=channel, body=body, subject=subject, steps=steps)


def fates(database: Database, org: Org) -> dict[str, tuple[str, str | None]]:
    """Contact point to state and code, of step 1."""
    table = tables.messages.c
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(
            select(table.contact_point_id, table.state, table.error_code).where(
                table.org_id == org.org_id, table.step == 1
            )
        )
        return {row.contact_point_id: (str(row.state), row.error_code) for row in rows}
