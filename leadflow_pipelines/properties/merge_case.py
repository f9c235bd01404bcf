"""Why some records are one property, and why others beside it are not.

Here: the evidence of one property, gathered from records, links, matches and decisions. Not here: the judging
(`resolve`), or how a case is printed (`cli`).
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_LINKS, PROPERTY_MATCHES
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.record_lookup import describe_records, find_record

_LINK_COLUMNS = ["record_id", "matched_by", "score", "evidence", "linked_on", "previous_property_id"]


@dataclass(frozen=True)
class MergeCase:
    """The case of one property.

    address: its best address, or its parcel number; null before the first version. asked_for: the id given, where
    it was a record's or one that was given up. records: its records with their link (matched_by, score, evidence,
    linked_on, previous_property_id), the first one first. given_up_ids: ids of properties that were merged into it.
    parted_from: properties, still there, from which records of it came away.
    compared: pairs with a side in it: record_id, other_record_id, other_property_id, other_address, is_inside,
    probability, verdict, evidence. decisions: what operators said of its records, with is_heeded.
    """

    property_id: str
    address: str | None
    asked_for: str | None
    records: pl.DataFrame
    given_up_ids: list[str]
    parted_from: list[str]
    compared: pl.DataFrame
    decisions: pl.DataFrame

    def as_json(self) -> dict[str, Any]:
        """The case as plain values."""
        return {
            "property_id": self.property_id,
            "address": self.address,
            "asked_for": self.asked_for,
            "records": self.records.to_dicts(),
            "given_up_ids": self.given_up_ids,
            "parted_from": self.parted_from,
            "compared": self.compared.to_dicts(),
            "decisions": self.decisions.to_dicts(),
        }


def merge_case(lake: Lake, asked_for: str, decisions: pl.DataFrame) -> MergeCase:
    """The case of a property_id, a record_id or the beginning of one. `decisions`: DECISION_SCHEMA, all of the org.

    Raises InvalidInput where nothing has the id, and where a given-up id's records went to several properties.
    """
    property_id = _property_of(lake, asked_for.strip())
    links = lake.read(PROPERTY_LINKS, where=pl.col("property_id") == property_id)
    records = describe_records(lake, links["record_id"].to_list()).join(links.select(_LINK_COLUMNS), on="record_id")
    records = records.sort(pl.col("matched_by") != "first", "linked_on", "record_id")
    current = lake.read(
        PROPERTIES,
        where=(pl.col("property_id") == property_id) & pl.col("valid_to").is_null(),
        columns=["address", "parcel_number"],
    )
    inside = records["record_id"].to_list()
    earlier = set(records["previous_property_id"].drop_nulls()) - {property_id}
    still = lake.read(PROPERTY_LINKS, where=pl.col("property_id").is_in(sorted(earlier)), columns=["property_id"])
    said = decisions.filter(pl.col("left_record_id").is_in(inside) | pl.col("right_record_id").is_in(inside))
    return MergeCase(
        property_id=property_id,
        address=(current["address"][0] or current["parcel_number"][0]) if current.height else None,
        asked_for=asked_for if asked_for != property_id else None,
        records=records,
        given_up_ids=sorted(earlier - set(still["property_id"])),
        parted_from=sorted(set(still["property_id"])),
        compared=_compared(lake, inside),
        decisions=_with_heed(lake, said),
    )


def _property_of(lake: Lake, text: str) -> str:
    if text.startswith("p_"):
        now = lake.read(PROPERTY_LINKS, where=pl.col("property_id") == text, columns=["property_id"])
        if now.height:
            return text
        moved = lake.read(PROPERTY_LINKS, where=pl.col("previous_property_id") == text, columns=["property_id"])
        heirs = sorted(moved["property_id"].unique())
        if len(heirs) == 1:
            return str(heirs[0])
        if heirs:
            raise InvalidInput(
                f"{text} was given up; its records went to {len(heirs)} properties: {', '.join(heirs)}.",
                remedy="Explain one of them.",
            )
        raise InvalidInput(f"No property has the id {text!r}.", remedy="List ids: leadflow leads --format csv")
    record_id = find_record(lake, text)
    home = lake.read(PROPERTY_LINKS, where=pl.col("record_id") == record_id, columns=["property_id"])
    if home.is_empty():
        raise InvalidInput(
            f"The record {record_id} is not resolved into a property yet.", remedy="Run `leadflow run` for its ZIP."
        )
    return str(home["property_id"][0])


def _compared(lake: Lake, inside: list[str]) -> pl.DataFrame:
    """Judged pairs with a side among these records, each seen from that side; what was not joined comes first."""
    left, right = pl.col("left_record_id").is_in(inside), pl.col("right_record_id").is_in(inside)
    pairs = lake.read(PROPERTY_MATCHES, where=left | right)
    own = pl.when(left).then("left_record_id").otherwise("right_record_id")
    other = pl.when(left).then("right_record_id").otherwise("left_record_id")
    pairs = pairs.select(own.alias("record_id"), other.alias("other_record_id"), "probability", "verdict", "evidence")
    others = pairs["other_record_id"].unique().to_list()
    said = describe_records(lake, others).select(other_record_id="record_id", other_address="address")
    links = lake.read(PROPERTY_LINKS, where=pl.col("record_id").is_in(others), columns=["record_id", "property_id"])
    homes = links.select(other_record_id="record_id", other_property_id="property_id")
    return (
        pairs.join(said, on="other_record_id")
        .join(homes, on="other_record_id", how="left")
        .with_columns(is_inside=pl.col("other_record_id").is_in(inside))
        .sort("is_inside", "probability", "record_id", "other_record_id", descending=[False, True, False, False])
    )


def _with_heed(lake: Lake, decisions: pl.DataFrame) -> pl.DataFrame:
    """The decisions with is_heeded: whether the links already say so; null where a record is gone."""
    names = {*decisions["left_record_id"], *decisions["right_record_id"]}
    links = lake.read(
        PROPERTY_LINKS, where=pl.col("record_id").is_in(sorted(names)), columns=["record_id", "property_id"]
    )
    for side in ("left", "right"):
        home = links.rename({"record_id": f"{side}_record_id", "property_id": f"{side}_property_id"})
        decisions = decisions.join(home, on=f"{side}_record_id", how="left", maintain_order="left")
    is_one = pl.col("left_property_id") == pl.col("right_property_id")
    return decisions.with_columns(is_heeded=is_one == (pl.col("decision") == "together")).drop(
        "left_property_id", "right_property_id"
    )
