"""Where a property's sources contradict each other, as `leadflow explain` tells it."""

from typing import TYPE_CHECKING, Any

from leadflow_pipelines.cli.console import print_table

if TYPE_CHECKING:
    import polars as pl

    from leadflow_pipelines.lake import Lake

WHY = {
    "agrees": "says the same",
    "source_rank": "{chosen_source} ranks before it",
    "agreement": "more sources say the value that stands",
    "age": "older",
    "completeness": "the address that stands has more to it",
    "owner_not_chosen": "mail of another owner",
    "tie": "as good and as old; the record with the later sale or the smaller id won",
}
"""The codes of property_conflicts in words."""


def conflicts_of(lake: "Lake", property_id: str) -> "pl.DataFrame":
    """PROPERTY_CONFLICTS of one property as it stands."""
    import polars as pl

    from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_LINKS, PROPERTY_RECORDS
    from leadflow_pipelines.properties.list_conflicts import list_conflicts

    this = pl.col("property_id") == property_id
    current = lake.read(PROPERTIES, where=this & pl.col("valid_to").is_null())
    links = lake.read(PROPERTY_LINKS, where=this, columns=["record_id", "property_id"])
    linked = pl.col("record_id").is_in(links["record_id"].to_list())
    return list_conflicts(current, lake.read(PROPERTY_RECORDS, where=linked).join(links, on="record_id"))


def print_conflicts(conflicts: "pl.DataFrame") -> None:
    """Each field's value that stands, then what every other source says and why that does not; nothing without any."""
    rows: list[tuple[Any, ...]] = []
    for (field,), said in conflicts.partition_by("field", as_dict=True, maintain_order=True).items():
        best = said.row(0, named=True)
        stands = (best["chosen_value"], best["chosen_source"], best["chosen_at"] and best["chosen_at"].date())
        rows.append((field, *stands, "stands" if best["chosen_source"] else "no source's value stands"))
        rows += [
            ("", other["other_value"], other["other_source"], other["other_at"].date(),
             WHY[other["why"]].format(**other))
            for other in said.iter_rows(named=True)
        ]  # fmt: skip
    if rows:
        print_table("Conflicts between sources", ["field", "value", "source", "as of", "why"], rows)
