"""A small lake and ledger whose every number can be counted by hand: five properties, two ZIPs, two days."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import polars as pl
from sqlalchemy import insert

from leadflow_pipelines.contracts import (
    ENRICHED_LEADS,
    LEAD_CONTACTS,
    LEAD_SCORES,
    MODEL_MONTHS,
    OUTREACH_LISTS,
    PROPERTIES,
    PROPERTY_LINKS,
    PROPERTY_RECORDS,
)
from leadflow_pipelines.database import tables
from tests.small_backtest import fill_backtests

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
D1, D2 = dt.date(2026, 11, 20), dt.date(2026, 11, 21)
MONTH = dt.date(2026, 11, 1)
HOME_ZIP, OTHER_ZIP = "37203", "37211"
REASONS = [
    {"signal": "tax_delinquent", "points": 30, "text": "Taxes are late"},
    {"signal": "absentee", "points": 20, "text": "Owner lives elsewhere"},
]
# property, ZIP, days as a lead, points, cost of the record, channels cleared on the last day
LEADS = [
    ("a", HOME_ZIP, (D1, D2), 50, "2.5", ("mail", "voice")),
    ("b", HOME_ZIP, (D1, D2), 0, None, ("mail",)),
    ("c", HOME_ZIP, (D1,), 20, "2.5", ()),  # gone from the second day
    ("d", OTHER_ZIP, (D1,), 10, "1.25", ()),  # a ZIP not worked on the second day
    ("e", "unlocated", (D1,), 5, None, ()),  # located on the second day
    ("e", HOME_ZIP, (D2,), 30, None, ()),
]
COMPS = [
    {"parcel_id": "b", "sale_date": dt.date(2026, 5, 1), "sale_price_cents": 200_000_00, "distance_m": 120.0,
     "age_days": 204, "living_sqft": 1000.0, "adjustment": 1.1, "adjusted_price_cents": 220_000_00,
     "nearness": "same street"},
    {"parcel_id": "gone", "sale_date": dt.date(2025, 5, 1), "sale_price_cents": 100_000_00, "distance_m": None,
     "age_days": 569, "living_sqft": None, "adjustment": 2.0, "adjusted_price_cents": 200_000_00,
     "nearness": "same ZIP"},
]  # fmt: skip
"""Behind the value of `a` on the second day; on the first it had none."""
VALUED = {
    "estimated_value_cents": 210_000_00, "value_low_cents": 180_000_00, "value_high_cents": 240_000_00,
    "value_method": "comps+model", "value_comps": COMPS, "is_probate": True, "loan_age_years": 16.5,
}  # fmt: skip
OWNERS = dict.fromkeys("abcd", "doe")
PROVENANCE = [
    {"field": "address", "source": "attom", "observed_at": NOW - dt.timedelta(days=3)},
    {"field": "owner_name", "source": "attom", "observed_at": NOW - dt.timedelta(days=300)},
    {"field": "owner_name", "source": "old_county", "observed_at": NOW - dt.timedelta(days=100)},
    {"field": "year_built", "source": "old_county", "observed_at": NOW - dt.timedelta(days=100)},
]


def fill(lake):
    """Every table that the marts read, for both days."""
    records = pl.DataFrame(
        [
            {"record_id": f"{pid}-{source}", "zip": zip_code, "day": day, "source": source}
            for pid, zip_code, day in (("a", HOME_ZIP, D1), ("b", HOME_ZIP, D1), ("c", HOME_ZIP, D1),
                                       ("d", OTHER_ZIP, D1), ("e", "unlocated", D1), ("e", HOME_ZIP, D2))
            for source in (("attom", "county") if day == D1 else ("located",))
        ]
    ).with_columns(pull_id=pl.lit("pull"), observed_at=NOW, located_by=pl.lit("record"))  # fmt: skip
    built = {"a-attom": 1990, "a-county": 1986}
    records = records.with_columns(year_built=pl.col("record_id").replace_strict(built, default=None))
    links = records.select(
        "record_id", "zip", property_id=pl.col("record_id").str.head(1), matched_by=pl.lit("address"), score=1.0,
        linked_on=pl.lit(D1),
    )  # fmt: skip
    for day in (D1, D2):
        # The second day repeats the first day's rows, as vendors do.
        known = records.filter(pl.col("day") <= day).with_columns(day=pl.lit(day))
        lake.replace(PROPERTY_RECORDS, PROPERTY_RECORDS.conform(known), day=day)
    versions = pl.DataFrame(
        [("a", HOME_ZIP, D1, D2), ("a", HOME_ZIP, D2, None), ("b", HOME_ZIP, D1, None), ("c", HOME_ZIP, D1, D2),
         ("d", OTHER_ZIP, D1, None), ("e", "unlocated", D1, D2), ("e", HOME_ZIP, D2, None)],
        schema={"property_id": str, "zip": str, "valid_from": dt.date, "valid_to": dt.date}, orient="row",
    ).with_columns(
        sources=pl.lit(["attom"]), record_count=1, content_hash=pl.lit("h"),
        provenance=pl.lit(pl.Series([PROVENANCE], dtype=PROPERTIES.schema["provenance"])).first(),
    )  # fmt: skip
    is_disputed = pl.col("property_id") == "a"
    versions = versions.with_columns(
        conflicts=pl.when(is_disputed).then(pl.lit(["year_built"])).otherwise(pl.lit([], pl.List(pl.String))),
        year_built=pl.when(is_disputed).then(1986),
        address=pl.when(pl.col("property_id") == "b").then(pl.lit("12 OAK ST NASHVILLE TN 37203")),
    )
    prefixes = sorted({zip_code[:3] for zip_code in versions["zip"]})
    lake.update(PROPERTIES, {"zip_prefix": prefixes}, lambda _: PROPERTIES.conform(versions))
    lake.update(PROPERTY_LINKS, {"zip_prefix": prefixes}, lambda _: PROPERTY_LINKS.conform(links))
    for day in (D1, D2):
        leads = [lead for lead in LEADS if day in lead[2]]
        lake.replace(ENRICHED_LEADS, enriched(leads, day), day=day)
        lake.replace(LEAD_SCORES, scores(leads, day), day=day)
        lake.replace(LEAD_CONTACTS, contacts(leads, day), day=day)
        lake.replace(OUTREACH_LISTS, decisions(leads, day), day=day)
    fill_backtests(lake, D1, D2)
    lake.replace(MODEL_MONTHS, model_months(), day=MONTH)


def model_months():
    return MODEL_MONTHS.conform(
        pl.DataFrame(
            [
                {"zip": "unlocated", "day": MONTH, "kind": kind, "version": f"{kind}-1", "homes": 40, "alerts": alerts,
                 "alert_codes": ["drift"] * len(alerts), "told_codes": [], "watched_at": NOW}
                for kind, alerts in (("motivation", ["land_use has moved."]), ("value", []))
            ]
        )
    )  # fmt: skip


def enriched(leads, day):
    return ENRICHED_LEADS.conform(
        pl.DataFrame(
            [
                {
                    "zip": zip_code, "day": day, "property_id": pid, "owner_name": "DOE, JANE",
                    "owner_type": "person", "owner_id": None if pid == "e" else OWNERS[pid], "owner_parcel_count": 2,
                    "owner_form": "person", "is_absentee": {"a": True, "b": False}.get(pid),
                    "is_tax_delinquent": pid == "a" or None, "stacked_list_count": 2 if pid == "a" else 0,
                    "market_value_cents": {"a": 100, "b": 301}.get(pid), "sources": ["attom"],
                    "cost_cents": cost and Decimal(cost),
                    **(VALUED if (pid, day) == ("a", D2) else {}),
                }
                for pid, zip_code, _, _, cost, _ in leads
            ],
            infer_schema_length=None,
        )
    )  # fmt: skip


def scores(leads, day):
    frame = pl.DataFrame(
        [
            {
                "zip": zip_code,
                "property_id": pid,
                "points": points,
                "reasons": REASONS if points else [],
                "probability": 0.08 if pid == "a" else None,
                "deal_score": 71.5 if pid == "a" else None,
            }
            for pid, zip_code, _, points, _, _ in leads
        ]
    )
    rank = pl.col("points").rank("ordinal", descending=True).over("zip")
    return LEAD_SCORES.conform(
        frame.with_columns(day=day, rank_in_zip=rank, model_version=pl.lit("scorecard-1"), run_id=pl.lit("run-1"))
    )


def contacts(leads, day):
    """Each lead but `e` has a mailing address and a phone bought for 10 cents."""
    return LEAD_CONTACTS.conform(
        pl.DataFrame(
            [
                {
                    "zip": zip_code, "day": day, "property_id": pid, "contact_point_id": f"{kind}-{pid}",
                    "kind": kind, "phone_e164": "+16155550100" if kind == "phone" else None, "source": "batchdata",
                    "fetched_at": NOW, "cost_cents": Decimal(10) if kind == "phone" else None,
                }
                for pid, zip_code, *_ in leads
                if pid != "e"
                for kind in ("mailing", "phone")
            ],
            infer_schema_length=None,
        )
    )  # fmt: skip


def decisions(leads, day):
    return OUTREACH_LISTS.conform(
        pl.DataFrame(
            [
                {
                    "zip": zip_code, "day": day, "property_id": pid, "contact_point_id": f"{kind}-{pid}",
                    "channel": channel, "verdict": "cleared" if day == days[-1] and channel in cleared else "blocked",
                    "reason_codes": [] if day == days[-1] and channel in cleared else ["no_consent", "dnc", "dnc"],
                    "contact_value": "+16155550100", "valid_until": NOW, "rule_version": "2026-11",
                    "evidence_hash": "h",
                }
                for pid, zip_code, days, _, _, cleared in leads
                if pid != "e"
                for kind, channel in (("mailing", "mail"), ("phone", "voice"), ("phone", "sms"))
            ]
        )
    )  # fmt: skip


def write_ledger(database, org):
    """attom: a settled call, one of its attempts failed. batchdata: an answer lost, a call under way, one refused."""
    settled, unknown, open_, released = (uuid4() for _ in range(4))

    def reservation(id_, provider, state, amount, cost):
        return {
            "reservation_id": id_, "org_id": org.org_id, "provider": provider, "day": D1, "amount_cents": amount,
            "settled_cents": cost, "state": state, "fingerprint": "f",
        }  # fmt: skip

    def call(id_, provider, zip_code, outcome, *, items=0, latency=None, attempt=1):
        return {
            "call_id": uuid4(), "org_id": org.org_id, "provider": provider, "endpoint": "/x", "fingerprint": "f",
            "reservation_id": id_, "zip": zip_code, "day": D1, "attempt": attempt, "outcome": outcome,
            "items": items, "latency_ms": latency,
        }  # fmt: skip

    with database.as_org(org.org_id) as connection:
        connection.execute(
            insert(tables.reservations),
            [
                reservation(settled, "attom", "settled", 700, Decimal("625.25")),
                reservation(unknown, "batchdata", "unknown", 50, 50),
                reservation(open_, "batchdata", "reserved", 30, None),
                reservation(released, "batchdata", "released", 20, 0),
            ],
        )
        connection.execute(
            insert(tables.provider_calls),
            [
                call(settled, "attom", HOME_ZIP, "transient", latency=30_000),
                call(settled, "attom", HOME_ZIP, "ok", items=250, latency=100, attempt=2),
                call(None, "attom", HOME_ZIP, "cache_hit", items=250),
                call(unknown, "batchdata", None, "unknown"),
                call(None, "batchdata", None, "budget"),
            ],
        )
