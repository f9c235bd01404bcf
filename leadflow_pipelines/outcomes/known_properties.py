"""Which properties the lake knows by the ids that people give.

Not here: what is known of a property (`explain`).
"""

from collections.abc import Collection
from itertools import takewhile

import polars as pl

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_LINKS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake

LEAST_BEGINNING = 6
"""Letters of an id that a beginning must have, `p_` counted."""
MOST_HINTS = 3
LIST_IDS = "List ids: leadflow leads --format csv"


def find_properties(lake: Lake, asked: Collection[str]) -> dict[str, str]:
    """Asked id → id it has now, for those known: as they stand, or merged into one other property since."""
    wanted = sorted(set(asked))
    stands = lake.read(
        PROPERTIES, where=pl.col("property_id").is_in(wanted) & pl.col("valid_to").is_null(), columns=["property_id"]
    )
    known = {str(name): str(name) for name in stands["property_id"]}
    gone = [name for name in wanted if name not in known]
    if not gone:
        return known
    moved = lake.read(
        PROPERTY_LINKS,
        where=pl.col("previous_property_id").is_in(gone),
        columns=["previous_property_id", "property_id"],
    )
    heirs = moved.group_by("previous_property_id").agg(pl.col("property_id").unique())
    return known | {str(old): str(new[0]) for old, new in heirs.iter_rows() if len(new) == 1}


def ids_in_zips(lake: Lake, zips: Collection[str]) -> list[str]:
    """The ids of the properties in these ZIPs, those included that were merged into them."""
    here = lake.read(PROPERTIES, zips=zips, where=pl.col("valid_to").is_null(), columns=["property_id"])
    links = lake.read(
        PROPERTY_LINKS,
        zips=zips,
        where=pl.col("previous_property_id").is_not_null(),
        columns=["previous_property_id", "property_id"],
    )
    merged = links.join(here, on="property_id", how="semi")["previous_property_id"]
    return sorted({*here["property_id"], *merged})


def find_property(lake: Lake, asked: str) -> str:
    """The id of the one property that is meant: its id, one it had before a merge, or a beginning that names it alone.

    Raises InvalidInput with the nearest id for none, and with some of them for several.
    """
    text = asked.strip()
    if found := find_properties(lake, [text]):
        return found[text]
    begun = _beginning_with(lake, [text]) if len(text) >= LEAST_BEGINNING else []
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise InvalidInput(
            f"{len(begun):,} properties have ids that begin with {text}.",
            remedy=f"Give more of it, as of {', '.join(begun[:MOST_HINTS])}.",
        )
    nearest = nearest_ids(lake, [text]).get(text)
    raise InvalidInput(
        f"No property has the id {text!r}.", remedy=f"Did you mean {nearest}? {LIST_IDS}" if nearest else LIST_IDS
    )


def nearest_ids(lake: Lake, unknown: Collection[str]) -> dict[str, str]:
    """Unknown id → the known one with the longest beginning in common, where that is long enough to say anything."""
    beginnings = {name[:LEAST_BEGINNING] for name in unknown if len(name) >= LEAST_BEGINNING}
    candidates = _beginning_with(lake, beginnings) if beginnings else []
    near: dict[str, str] = {}
    for name in unknown:
        alike = [one for one in candidates if one.startswith(name[:LEAST_BEGINNING])]
        if alike and len(name) >= LEAST_BEGINNING:
            near[name] = max(alike, key=lambda one: _in_common(one, name))
    return near


def _in_common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _beginning_with(lake: Lake, beginnings: Collection[str]) -> list[str]:
    """The ids of properties that begin so, sorted."""
    name = pl.col("property_id")
    begins = pl.any_horizontal(name.str.starts_with(beginning) for beginning in sorted(beginnings))
    found = lake.read(PROPERTIES, where=begins & pl.col("valid_to").is_null(), columns=["property_id"])
    return sorted(found["property_id"].unique().to_list())
