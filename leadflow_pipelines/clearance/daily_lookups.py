"""The look-ups that a day's lists wait for, bought for the best leads first, within a limit a day and the budget.

Not here: which numbers wait (`needed_lookups`), buying (`number_lookups`), when it is done (`automation`).
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, select

from leadflow_pipelines.clearance.canaries import Unasked
from leadflow_pipelines.clearance.needed_lookups import Needed, needed_of_lists
from leadflow_pipelines.clearance.number_lookups import LookedUp, look_up_numbers
from leadflow_pipelines.compliance.evidence import PHONE_CHANNELS
from leadflow_pipelines.contracts import LEAD_SCORES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import number_lookups, outreach_list_entries
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.providers.guard.guard import Guard
from leadflow_pipelines.providers.sources.number_vendors import DNC, NUMBER_VENDORS, REASSIGNED
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.ledger import Origin


@dataclass(frozen=True)
class DayLookups:
    """What a day's buying came to. waiting: numbers that wait for an answer alone; over_limit: those of them that the
    policy leaves for another day; notes: why numbers were not asked about; zips: where numbers that were asked about
    stand on lists, which may clear them now. All that was not answered stays a hit.
    """

    waiting: int
    over_limit: int
    bought: Mapping[str, LookedUp]
    notes: tuple[str, ...]
    zips: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether numbers still wait, be it for the policy, the budget or the vendor."""
        return bool(self.over_limit or self.notes or any(one.unanswered for one in self.bought.values()))

    def plain(self) -> dict[str, Any]:
        """Counts and spend as JSON."""
        told = self.bought.values()
        counts = ("asked", "kept", "yes", "no", "unknown", "unanswered")
        return {
            "waiting": self.waiting,
            "over_limit": self.over_limit,
            **{name: sum(getattr(one, name) for one in told) for name in counts},
            "cost_cents": float(sum((one.cost_cents for one in told), Decimal(0))),
            "is_partial": self.is_partial,
            "notes": list(self.notes),
            "zips": list(self.zips),
        }


def configured_vendor(settings: Settings) -> str | None:
    """The first vendor of numbers that has a key here."""
    return next((name for name in NUMBER_VENDORS if getattr(settings, f"{name}_api_key") is not None), None)


def buy_day_lookups(
    database: Database, org: Org, lake: Lake, guard: Guard, *, provider: str, day: dt.date, now: dt.datetime,
    settings: Settings, origin: Origin,
) -> DayLookups:  # fmt: skip
    """Buys what the lists of `day` wait for, best leads first, up to settings.lookups_per_day on the day of `now`.

    Raises InvalidInput where the vendor is not configured or not to be believed (`canaries`).
    """
    with database.as_org(org.org_id) as connection:
        needed = needed_of_lists(connection, org, zips=(), day=day, now=now, settings=settings)
        left = settings.lookups_per_day - _bought_today(connection, now, settings)
        order = _best_first(connection, lake, needed, day)
    chosen = within(needed, order, left)
    bought: dict[str, LookedUp] = {}
    notes: dict[str, None] = {}
    since = dict(chosen.reassigned)
    for kind, phones in ((DNC, chosen.dnc), (REASSIGNED, tuple(since))):
        if not phones:
            continue
        try:
            bought[kind] = look_up_numbers(
                database, org, guard, lake, phones, provider=provider, kind=kind, now=now, settings=settings,
                since=tuple(since.values()) if kind == REASSIGNED else (), origin=origin,
            )  # fmt: skip
        except Unasked as error:
            notes[error.message] = None
        else:
            notes.update(dict.fromkeys(bought[kind].notes))
    asked = {*chosen.dnc, *since}
    with database.as_org(org.org_id) as connection:
        zips = _zips_of(connection, asked, day) if bought else ()
    return DayLookups(len(order), len(order) - len(asked), bought, tuple(notes), zips)


def within(needed: Needed, order: Sequence[str], most: int) -> Needed:
    """The first numbers of the order whose look-ups are no more than `most`; one answer of two would clear nothing."""
    listed, moved, kept = set(needed.dnc), dict(needed.reassigned), list[str]()
    for phone in order:
        most -= (phone in listed) + (phone in moved)
        if most < 0:
            break
        kept.append(phone)
    return Needed(
        tuple(phone for phone in kept if phone in listed),
        tuple((phone, moved[phone]) for phone in kept if phone in moved),
    )


def _zips_of(connection: Connection, phones: Collection[str], day: dt.date) -> tuple[str, ...]:
    """ZIPs on whose lists of `day` the numbers stand, sorted."""
    table = outreach_list_entries.c
    found = select(table.zip).where(table.day == day, table.contact_value.in_(phones)).distinct().order_by(table.zip)
    return tuple(connection.execute(found).scalars())


def _bought_today(connection: Connection, now: dt.datetime, settings: Settings) -> int:
    """Answers of this calendar day, those bought by hand among them."""
    midnight = dt.datetime.combine(now.astimezone(settings.zone).date(), dt.time(), settings.zone)
    bought = select(func.count()).where(number_lookups.c.answered_at >= midnight)
    return connection.execute(bought).scalar_one()


def _best_first(connection: Connection, lake: Lake, needed: Needed, day: dt.date) -> list[str]:
    """Every number that waits, by the points of the best lead that it reaches."""
    phones = sorted({*needed.dnc, *(phone for phone, _ in needed.reassigned)})
    table = outreach_list_entries.c
    reached = select(table.contact_value, table.property_id).where(
        table.day == day, table.channel.in_(PHONE_CHANNELS), table.contact_value.in_(phones)
    )
    schema = {"phone": pl.String, "property_id": pl.String}
    rows = pl.DataFrame([tuple(row) for row in connection.execute(reached)], schema=schema, orient="row")
    scores = lake.read(LEAD_SCORES, day=day, columns=["property_id", "points"])
    best = rows.join(scores, on="property_id", how="left").group_by("phone").agg(pl.col("points").max())
    return best.sort("points", "phone", descending=[True, False], nulls_last=True)["phone"].to_list()
