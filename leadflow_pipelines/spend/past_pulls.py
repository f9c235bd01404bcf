"""What past pulls tell: when a ZIP was last asked for, and what the same question did cost.

Here: reading the rows of `provider_pulls`. Not here: prices to come (`plan`), the answers themselves
(`providers.pulls`).
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Date, Row, Text, any_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from leadflow_pipelines.database.tables import provider_pulls
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.price_book import PriceBook

LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
PULLS = provider_pulls.c


def least_recently_pulled_first(connection: Connection, org_id: uuid.UUID, calls: Sequence[Call]) -> list[Call]:
    """Calls of one endpoint, those of ZIPs never pulled first, then by their ZIP's newest pull.

    In this order a budget that did not suffice for every ZIP goes on where it stopped.
    """
    if not calls:
        return []
    newest = (
        select(PULLS.zip, func.max(PULLS.fetched_at).label("fetched_at"))
        .where(*_of(org_id, calls[0]), _in_zips(calls))
        .group_by(PULLS.zip)
    )
    pulled_at = {row.zip: row.fetched_at for row in connection.execute(newest)}
    return sorted(calls, key=lambda call: pulled_at.get(call.zip, LONG_AGO))


def zips_in_turn(connection: Connection, org_id: uuid.UUID, zips: Iterable[str]) -> list[str]:
    """The ZIPs in the same order: those nobody was ever asked about first."""
    wanted = sorted(zips)
    newest = select(PULLS.zip, func.max(PULLS.fetched_at).label("fetched_at")).where(
        PULLS.org_id == org_id, PULLS.zip == any_(literal(wanted, ARRAY(Text)))
    )
    pulled_at = {row.zip: row.fetched_at for row in connection.execute(newest.group_by(PULLS.zip))}
    return sorted(wanted, key=lambda zip_code: pulled_at.get(zip_code, LONG_AGO))


def cached_answers(
    connection: Connection, org_id: uuid.UUID, calls: Iterable[Call]
) -> dict[str, tuple[Mapping[str, Any], int]]:
    """The calls that were answered already, by fingerprint: parameters as the vendor took them, number of items."""
    wanted = literal([call.fingerprint for call in calls], ARRAY(Text))
    known = select(PULLS.fingerprint, PULLS.parameters, PULLS["items"].label("item_count")).where(
        PULLS.org_id == org_id, PULLS.fingerprint == any_(wanted)
    )
    rows = connection.execute(known).all()
    return {row.fingerprint: (row.parameters, row.item_count) for row in rows}


def past_costs(
    connection: Connection,
    org_id: uuid.UUID,
    price_book: PriceBook,
    calls: Sequence[Call],
    *,
    about_things: bool,
    budget_day: dt.date,
) -> dict[str, Decimal]:
    """What calls of one endpoint did cost when their question was asked last, at today's price, by fingerprint.

    Where calls are `about_things`, the same parameters are the same question. Otherwise they ask for whole ZIPs: all
    that was asked of a ZIP on its newest day, further pages included, counts together. A ZIP that is asked for more
    records than last time (LEADFLOW_ATTOM_MAX_RECORDS_PER_ZIP was raised) may cost more than its past tells.
    """
    if not calls:
        return {}
    rows = [
        (row, price_book.at_price_of(row.cost_cents, calls[0], paid_on=row.paid_on, day=budget_day))
        for row in (_things if about_things else _zips)(connection, org_id, calls)
    ]
    newest = {_question(row.zip, row.parameters): cents for row, cents in rows}
    asked = {call.fingerprint: _question(call.zip, call.parameters if about_things else None) for call in calls}
    return {fingerprint: newest[question] for fingerprint, question in asked.items() if question in newest}


def mean_cost(
    connection: Connection,
    org_id: uuid.UUID,
    price_book: PriceBook,
    like: Call,
    *,
    about_things: bool,
    budget_day: dt.date,
) -> Decimal | None:
    """What a question to the endpoint of `like` did cost on average, at today's price; null without a past."""
    paid_on = cast(PULLS.fetched_at, Date).label("paid_on")
    asked = func.count() if about_things else func.count(func.distinct(PULLS.zip, PULLS.day))
    query = (
        select(paid_on, func.sum(PULLS.cost_cents).label("cost_cents"), asked.label("questions"))
        .where(*_of(org_id, like))
        .group_by(paid_on)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    total: Decimal = sum(
        (price_book.at_price_of(row.cost_cents, like, paid_on=row.paid_on, day=budget_day) for row in rows), Decimal(0)
    )
    questions: int = sum(row.questions for row in rows)
    return total / questions


def _zips(connection: Connection, org_id: uuid.UUID, calls: Sequence[Call]) -> Sequence[Row[Any]]:
    """Each ZIP's newest day: zip, parameters (null), cost_cents, paid_on."""
    query = (
        select(
            PULLS.zip,
            literal(None).label("parameters"),
            func.sum(PULLS.cost_cents).label("cost_cents"),
            cast(func.max(PULLS.fetched_at), Date).label("paid_on"),
        )
        .ext(distinct_on(PULLS.zip))
        .where(*_of(org_id, calls[0]), _in_zips(calls))
        .group_by(PULLS.zip, PULLS.day)
        .order_by(PULLS.zip, PULLS.day.desc())
    )
    return connection.execute(query).all()


def _things(connection: Connection, org_id: uuid.UUID, calls: Sequence[Call]) -> Sequence[Row[Any]]:
    """Every answer about a thing in these ZIPs, the newest last: zip, parameters, cost_cents, paid_on."""
    query = (
        select(PULLS.zip, PULLS.parameters, PULLS.cost_cents, cast(PULLS.fetched_at, Date).label("paid_on"))
        .where(*_of(org_id, calls[0]), _in_zips(calls))
        .order_by(PULLS.day)
    )
    return connection.execute(query).all()


def _of(org_id: uuid.UUID, like: Call) -> tuple[ColumnElement[bool], ...]:
    return PULLS.org_id == org_id, PULLS.provider == like.provider, PULLS.endpoint == like.endpoint


def _in_zips(calls: Iterable[Call]) -> ColumnElement[bool]:
    return PULLS.zip == any_(literal(sorted({call.zip or "" for call in calls}), ARRAY(Text)))


def _question(zip_code: str | None, parameters: Mapping[str, Any] | None) -> tuple[str | None, bytes | None]:
    """What tells a question from another, whichever day it was asked on."""
    return zip_code, orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS) if parameters is not None else None
