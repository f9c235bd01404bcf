"""What the org's own do-not-call lists and its vendors' look-ups say of numbers: the answers a decision rests on.

Unknown stays null, and counts as a hit where it is decided. Not here: importing lists (`registry_imports`), buying
look-ups (`number_lookups`), deciding (`compliance`).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.lookup_store import stored_lookups
from leadflow_pipelines.clearance.registry_imports import registries_folder
from leadflow_pipelines.clearance.registry_licences import FTC, LITIGATORS, STATE_PREFIX
from leadflow_pipelines.compliance import RuleBook, load_rules
from leadflow_pipelines.compliance.do_not_call import ListVersion, RegistryLists, national_numbers, open_bit_sets
from leadflow_pipelines.compliance.do_not_call.bit_sets import MappedBits
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import registry_versions
from leadflow_pipelines.settings import Settings

ANSWERS: dict[str, Any] = {
    "phone": pl.String, "is_registry_listed": pl.Boolean, "registry_as_of": pl.Date,
    "is_litigator": pl.Boolean, "list_versions": pl.List(pl.String),
}  # fmt: skip
Flags = npt.NDArray[np.bool_]
EPOCH = dt.date(1970, 1, 1)
NO_DAY = np.iinfo(np.int32).max
YES, NO, UNKNOWN = "yes", "no", "unknown"


def registry_answers(
    connection: Connection,
    org: Org,
    phones: pl.Series,
    *,
    now: dt.datetime,
    settings: Settings,
    states: pl.Series | None = None,
    rules: RuleBook | None = None,
) -> pl.DataFrame:
    """A row (ANSWERS) for each E.164 phone, in order.

    is_registry_listed: true where any list of the org, or a fresh `dnc` look-up of a vendor, says so. False where the
    national list and each list that a plausible state needs say no, or a fresh look-up does, and no vendor answered
    `unknown`. Null otherwise. A "no" of a list older than the rules allow (31 days) is none; registry_as_of, the
    oldest day relied on, tells of it. is_litigator: true where any source says so, else false where one does.
    `states`: each phone's plausible states (lists of codes); without it those of its area code.
    """
    book, day = rules or load_rules(), now.astimezone(settings.zone).date()
    asked = pl.DataFrame({"phone": phones.cast(pl.String)}).with_columns(
        states=states if states is not None else _states_of(phones, book)
    )
    lists = current_lists(connection, org, settings)
    lookups = stored_lookups(
        connection, org, asked["phone"], "dnc", settings=settings, answered_since=now - book.dnc_max_age
    )
    told = _with_lists(asked, lists, oldest=day - book.dnc_max_age, needed=book.states_with_lists(day))
    return _combined(told, _of_vendors(asked["phone"], lookups, settings)).select(
        pl.col(name).cast(kind) for name, kind in ANSWERS.items()
    )


def reassigned_answers(
    connection: Connection, org: Org, phones: pl.Series, since: pl.Series, *, settings: Settings
) -> pl.DataFrame:
    """phone, is_reassigned and reassigned_checked_at for each phone, in order, given the day of its consent or last
    contact.

    Only a "no" that was asked about that day or an earlier one is false; a "yes" about that day or a later one is true,
    and an earlier "yes" is unknown: the number may have changed hands before the consent. The newest answer counts.
    """
    asked = pl.DataFrame({"phone": phones.cast(pl.String), "since": since.cast(pl.Date)}).with_row_index("place")
    lookups = stored_lookups(connection, org, asked["phone"].unique(), "reassigned", settings=settings)
    said, about, day = pl.col("answer"), pl.col("asked_about"), pl.col("since")
    usable = (
        asked.join(lookups, on="phone", how="inner")
        .filter(((said == NO) & (about <= day)) | ((said == YES) & (about >= day)) | (said == UNKNOWN))
        .sort("answered_at", said == YES)
        .unique("place", keep="last")
        .select("place", is_reassigned=_as_flag(said), reassigned_checked_at="answered_at")
    )
    return asked.join(usable, on="place", how="left", maintain_order="left").select(
        "phone", "is_reassigned", "reassigned_checked_at"
    )


def current_lists(connection: Connection, org: Org, settings: Settings) -> dict[str, RegistryLists]:
    """By registry the versions that answer today: for each area code the newest. A list that is not where it was put
    raises InvalidInput: nothing is decided without it.
    """
    columns = registry_versions.c
    rows = connection.execute(
        select(columns.registry, columns.version_id, columns.as_of, columns.area_codes, columns.path)
        .where(columns.org_id == org.org_id)
        .order_by(columns.as_of.desc(), columns.imported_at.desc())
    ).mappings()
    versions: defaultdict[str, list[ListVersion]] = defaultdict(list)
    answered: defaultdict[str, set[str]] = defaultdict(set)
    whole: set[str] = set()
    folder = registries_folder(settings, org)
    for row in rows:
        registry, codes = row["registry"], set(row["area_codes"])
        if registry in whole or (codes and codes <= answered[registry]):
            continue
        versions[registry].append(ListVersion(row["version_id"], row["as_of"], _opened(folder / row["path"])))
        answered[registry] |= codes
        if not codes:
            whole.add(registry)
    return {registry: RegistryLists(tuple(found)) for registry, found in versions.items()}


@lru_cache(maxsize=64)
def _opened(folder: Path) -> MappedBits:
    """A version never changes, so it is mapped once in a process."""
    return open_bit_sets(folder)


def _states_of(phones: pl.Series, rules: RuleBook) -> pl.Series:
    """The states that each phone's area code rings in; none where the code has no place."""
    states = {code: list(row.states) for code, row in rules.area_codes.items() if row.states}
    lists = pl.Series([*states.values(), []], dtype=pl.List(pl.String))
    place = phones.cast(pl.String).str.slice(2, 3).replace_strict(
        pl.Series([*states]), pl.Series(range(len(states)), dtype=pl.Int64), default=len(states), return_dtype=pl.Int64
    )  # fmt: skip
    return lists.gather(place)


def _with_lists(
    asked: pl.DataFrame, lists: Mapping[str, RegistryLists], *, oldest: dt.date, needed: frozenset[str]
) -> pl.DataFrame:
    """phone, listed, as_of, list_litigator and versions. A hit in any list counts; an old or missing "no" leaves open
    only where the list is needed. One million phones against three lists: 0.9 s of a core; with a
    column for each answer it was 4.7 s.
    """
    numbers = national_numbers(asked["phone"])
    states = {name.removeprefix(STATE_PREFIX): name for name in lists if name.startswith(STATE_PREFIX)}
    needs = _needs(asked["states"])
    relied = _Relied(numbers.size)
    is_hit = np.zeros(numbers.size, np.bool_)
    is_open = needs(needed - states.keys())
    asks: list[tuple[str, Flags]] = [(FTC, np.ones(numbers.size, np.bool_))]
    asks += [(name, needs({state} & needed)) for state, name in states.items()]
    for registry, is_needed in asks:
        if registry not in lists:
            is_open |= is_needed
            continue
        said = _Said.of(lists[registry], numbers, oldest)
        is_hit |= said.is_yes
        is_open |= is_needed & ~said.is_yes & ~said.is_no
        relied.on(lists[registry], said.place, is_needed | said.is_yes)
    as_of = relied.as_of()
    litigator = pl.Series([None], dtype=pl.Boolean).new_from_index(0, numbers.size)
    if LITIGATORS in lists:
        said = _Said.of(lists[LITIGATORS], numbers, oldest)
        litigator = pl.select(pl.when(pl.Series(said.is_yes | said.is_no)).then(pl.Series(said.is_yes))).to_series()
        relied.on(lists[LITIGATORS], said.place, said.place >= 0)
    return asked.select(
        "phone",
        listed=pl.when(pl.Series(is_hit)).then(True).when(~pl.Series(is_open)).then(False),
        as_of=as_of,
        list_litigator=litigator,
        versions=relied.versions(),
    )


@dataclass(frozen=True)
class _Said:
    """What one registry says of numbers: yes, an answer still fresh that is no, and the place of the version."""

    is_yes: Flags
    is_no: Flags
    place: npt.NDArray[np.int32]

    @staticmethod
    def of(lists: RegistryLists, numbers: npt.NDArray[np.int64], oldest: dt.date) -> "_Said":
        """A hit stays one; a "no" of an old list is no answer."""
        found, place = lists.look_up(numbers)
        is_fresh = np.array([*(version.as_of >= oldest for version in lists.versions), False])
        return _Said(found, ~found & is_fresh[place], place)


class _Relied:
    """Which versions the answers about numbers rest on: the oldest of their days, and their names."""

    def __init__(self, size: int) -> None:
        self._day = np.full(size, NO_DAY, np.int32)
        self._code = np.zeros(size, np.int64)
        self._sets: list[tuple[str, ...]] = [()]

    def on(self, lists: RegistryLists, place: npt.NDArray[np.int32], counts: Flags) -> None:
        """Adds the answering version of each number for which it counts. -1 in `place`: none answers."""
        answered = np.where(counts, place, -1)
        days = np.array([*((version.as_of - EPOCH).days for version in lists.versions), NO_DAY], np.int32)
        np.minimum(self._day, days[answered], out=self._day)
        names = [(), *((version.version_id,) for version in lists.versions)]
        combined = self._code * len(names) + answered + 1
        distinct, self._code = np.unique(combined, return_inverse=True)
        self._sets = [self._sets[code // len(names)] + names[code % len(names)] for code in distinct.tolist()]

    def as_of(self) -> pl.Series:
        """The oldest day for each number; null where nothing answered."""
        days = pl.Series(self._day)
        return days.set(days == NO_DAY, None).cast(pl.Date)

    def versions(self) -> pl.Series:
        """The names for each number, in order."""
        sets = pl.Series([sorted(one) for one in self._sets], dtype=pl.List(pl.String))
        return sets.gather(pl.Series(self._code))


def _needs(states: pl.Series) -> Callable[[Set[str]], Flags]:
    """Tells for some states which rows name one of them. Rows name few distinct sets of states."""
    key = states.list.join(",").fill_null("")
    distinct = key.unique()
    place = key.replace_strict(distinct, pl.Series(range(distinct.len()), dtype=pl.Int64), return_dtype=pl.Int64)
    named = [set(one.split(",")) for one in distinct.to_list()]

    def rows_naming(some: Set[str]) -> Flags:
        of_set: Flags = np.array([not some.isdisjoint(one) for one in named], np.bool_)
        return of_set.take(place.to_numpy())

    return rows_naming


def _of_vendors(phones: pl.Series, lookups: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """By phone what fresh look-ups say: vendor_said (yes beats unknown, unknown beats no), vendor_as_of,
    vendor_litigator, vendor_versions.
    """
    said, litigator = pl.col("answer"), pl.col("is_litigator")
    newest = lookups.sort("answered_at").unique(["phone", "provider"], keep="last", maintain_order=True)
    return newest.group_by("phone").agg(
        vendor_said=pl.when((said == YES).any())
        .then(pl.lit(YES))
        .when((said == UNKNOWN).any())
        .then(pl.lit(UNKNOWN))
        .otherwise(pl.lit(NO)),
        vendor_as_of=pl.col("answered_at").dt.convert_time_zone(settings.timezone).dt.date().min(),
        vendor_litigator=pl.when(litigator.any()).then(True).when((~litigator).any()).then(False),
        vendor_versions=pl.col("list_version").unique().sort(),
    )


def _combined(told: pl.DataFrame, vendors: pl.DataFrame) -> pl.DataFrame:
    listed, vendor = pl.col("listed"), pl.col("vendor_said")
    is_hit = listed.fill_null(False) | (vendor == YES).fill_null(False)
    is_clean = ((listed == False).fill_null(False) | (vendor == NO).fill_null(False)) & (  # noqa: E712
        (vendor != UNKNOWN).fill_null(True)
    )
    rests_on_vendor = vendor.is_in([YES, NO]) & listed.is_null()
    either = pl.any_horizontal(pl.col("list_litigator").fill_null(False), pl.col("vendor_litigator").fill_null(False))
    is_told = pl.col("list_litigator").is_not_null() | pl.col("vendor_litigator").is_not_null()
    if vendors.is_empty():
        return told.select(
            "phone", is_registry_listed="listed", registry_as_of="as_of", is_litigator="list_litigator",
            list_versions="versions",
        )  # fmt: skip
    return told.join(vendors, on="phone", how="left", maintain_order="left").select(
        "phone",
        is_registry_listed=pl.when(is_hit).then(True).when(is_clean).then(False),
        registry_as_of=pl.when(rests_on_vendor).then("vendor_as_of").otherwise(pl.coalesce("as_of", "vendor_as_of")),
        is_litigator=pl.when(is_told).then(either),
        list_versions=pl.concat_list(
            "versions", pl.col("vendor_versions").fill_null(pl.lit([], pl.List(pl.String)))
        ).list.sort(),
    )


def _as_flag(said: pl.Expr) -> pl.Expr:
    return pl.when(said == YES).then(True).when(said == NO).then(False)
