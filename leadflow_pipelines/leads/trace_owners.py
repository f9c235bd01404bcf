"""Skip tracing: whose contacts are worth buying, and which were bought already.

Here: the policy and the memory. Not here: buying (`providers`) and what may be done with a contact
(`compliance`).
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import polars as pl
from sqlalchemy import any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from leadflow_pipelines.clearance.attestations import has_attested
from leadflow_pipelines.contracts import LEAD_SCORES, PROPERTIES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.lake import Lake, holds_on
from leadflow_pipelines.properties import street_line
from leadflow_pipelines.providers.sources import batchdata
from leadflow_pipelines.spend.call import Call

ADDRESS = ("street", "city", "state", "zip5")
SCORED = ["property_id", "zip", "points", "rank_in_zip"]
ADDRESS_FIELDS = {"street": "street", "city": "city", "state": "state", "zip": "zip5"}


def traceable_leads(
    lake: Lake, database: Database, org: Org, *, zips: Collection[str], day: dt.date, fresh_days: int
) -> pl.DataFrame:
    """Leads with a whole address: request_id (property_id), zip, ADDRESS, points, rank_in_zip, traced_on.

    Best lead first over all ZIPs. traced_on is the latest day within `fresh_days` on which the vendor was asked
    about that address, null where it was not.
    """
    scores = lake.read(LEAD_SCORES, zips=zips, day=day, columns=SCORED)
    return _traceable(lake, database, org, scores, zips=zips, day=day, fresh_days=fresh_days)


def why_not_trace(database: Database, org: Org) -> str | None:
    """Why nobody may be looked up for this org, with the remedy; None where it may.

    A vendor's terms and 15 USC 1681b ask for a permissible purpose, so a member has to state one. A simulated org
    looks up nobody who exists, and is exempt.
    """
    if org.is_simulated:
        return None
    with database.as_org(org.org_id) as connection:
        if has_attested(connection):
            return None
    return (
        "Skip tracing is refused: nobody attested for what this org looks people up."
        f" Run `leadflow attest purpose property_acquisition --org {org.slug}`."
    )


def last_scored_days(lake: Lake, *, zips: Collection[str], day: dt.date) -> dict[str, dt.date]:
    """The latest day up to `day` on which each ZIP was scored; a ZIP that never was is absent."""
    days = lake.read(LEAD_SCORES, zips=zips, where=pl.col("day") <= day, columns=["zip", "day"])
    return dict(days.group_by("zip").agg(pl.col("day").max()).iter_rows())


def foreseen_leads(
    lake: Lake, database: Database, org: Org, *, scored_on: Mapping[str, dt.date], day: dt.date, fresh_days: int
) -> pl.DataFrame:
    """What `traceable_leads` will most likely be once the day is scored: the leads of each ZIP's last scored day."""
    zips = list(scored_on)
    wanted = pl.col("day").is_in(sorted(set(scored_on.values())))
    scores = lake.read(LEAD_SCORES, zips=zips, where=wanted, columns=[*SCORED, "day"])
    latest = pl.col("zip").replace_strict(dict(scored_on), return_dtype=pl.Date, default=None)
    scores = scores.filter(pl.col("day") == latest).drop("day")
    return _traceable(lake, database, org, scores, zips=zips, day=day, fresh_days=fresh_days)


def _traceable(
    lake: Lake,
    database: Database,
    org: Org,
    scores: pl.DataFrame,
    *,
    zips: Collection[str],
    day: dt.date,
    fresh_days: int,
) -> pl.DataFrame:
    where = lake.read(PROPERTIES, zips=zips, where=holds_on(day)).select(
        "property_id", street_line().alias("street"), "city", "state", "zip5", "house_number"
    )
    whole = pl.all_horizontal(pl.col(*ADDRESS, "house_number").is_not_null())
    leads = scores.join(where, on="property_id").filter(whole).drop("house_number")
    traced = _traced_addresses(database, org, zips=zips, day=day, fresh_days=fresh_days)
    return (
        leads.join(traced, on=ADDRESS, how="left")
        .rename({"property_id": "request_id"})
        .sort(["points", "rank_in_zip", "zip"], descending=[True, False, False])
    )


def calls_worth_making(leads: pl.DataFrame, *, day: dt.date, most_per_zip: int) -> list[Call]:
    """One call per lead that earned points and ranks within `most_per_zip`, best first.

    A lead traced before is asked for as of that day, so that the cache answers.
    """
    wanted = leads.filter((pl.col("points") > 0) & (pl.col("rank_in_zip") <= most_per_zip))
    return _calls(wanted, day)


def calls_answered(leads: pl.DataFrame, *, day: dt.date) -> list[Call]:
    """The calls of every lead that has been traced, whatever its rank today."""
    return _calls(leads.filter(pl.col("traced_on").is_not_null()), day)


def _calls(leads: pl.DataFrame, day: dt.date) -> list[Call]:
    calls = batchdata.skip_trace_calls(leads.select("request_id", "zip", *ADDRESS), day)
    asked_on: Sequence[dt.date] = leads["traced_on"].fill_null(day).to_list()
    return [replace(call, day=then) for call, then in zip(calls, asked_on, strict=True)]


def _traced_addresses(
    database: Database, org: Org, *, zips: Collection[str], day: dt.date, fresh_days: int
) -> pl.DataFrame:
    pulls = provider_pulls.c
    address = pulls.parameters["propertyAddress"]
    query = select(*(address[field].astext for field in ADDRESS_FIELDS), pulls.day).where(
        pulls.provider == batchdata.NAME,
        pulls.zip == any_(literal(list(zips), ARRAY(TEXT))),
        pulls.day.between(day - dt.timedelta(days=fresh_days), day),
    )
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(query).all()
    schema = dict.fromkeys(ADDRESS, pl.String) | {"traced_on": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").group_by(ADDRESS).agg(pl.col("traced_on").max())
