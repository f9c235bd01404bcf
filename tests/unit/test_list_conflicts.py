"""What every source says where the sources of a property contradict each other, and why one value stands."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.contracts.evidence import PROPERTY_CONFLICTS, WHYS
from leadflow_pipelines.properties import best_values
from leadflow_pipelines.properties.list_conflicts import list_conflicts
from tests.unit.test_survivorship import EARLY, LATE, OAK, OAK_ZIP

NEWEST = datetime(2024, 1, 1, tzinfo=UTC)


def listed(*properties: list[dict[str, Any]], **options: Any) -> pl.DataFrame:
    """The conflicts of properties, each given by its records."""
    rows = [
        {**dict.fromkeys(PROPERTY_RECORDS.schema), "source": "county", "observed_at": EARLY, "zip": "37210",
         "record_id": f"p_{at}_{number}", **row}
        for at, records in enumerate(properties) for number, row in enumerate(records)
    ]  # fmt: skip
    records = pl.DataFrame(rows, schema=PROPERTY_RECORDS.schema)
    links = records.select("record_id", property_id=pl.col("record_id").str.head(3))
    best = best_values(records, links, valid_from=date(2026, 1, 1))
    return list_conflicts(best, records.join(links, on="record_id"), **options)


def why(*records: dict[str, Any]) -> dict[str, str]:
    return dict(listed(list(records)).select("other_source", "why").iter_rows())


def test_one_row_per_property_field_and_other_source() -> None:
    told = listed(
        [{"year_built": 1986, "beds": 3.0}, {"source": "attom", "year_built": 1990, "beds": 3.0, "observed_at": LATE}],
        [{"year_built": 1986}, {"source": "attom", "year_built": 1986}],
        [{"year_built": 1950, "beds": 2.0}, {"source": "zillow", "year_built": 1951, "beds": 4.0}],
    )
    assert told.select("property_id", "field", "chosen_value", "chosen_source", "other_value", "other_source",
                       "other_at", "why").rows() == [
        ("p_0", "year_built", "1986", "county", "1990", "attom", LATE, "source_rank"),
        ("p_2", "beds", "2.0", "county", "4.0", "zillow", EARLY, "source_rank"),
        ("p_2", "year_built", "1950", "county", "1951", "zillow", EARLY, "source_rank"),
    ]  # fmt: skip
    assert PROPERTY_CONFLICTS.faults(told) == []
    assert listed([{"beds": 3.0}]).equals(PROPERTY_CONFLICTS.empty())


def test_every_reason() -> None:
    mailed = {"mailing_street": "9 ELM ST", "mailing_zip5": "37206", "owner_name": "EXAMPLE, JOHN"}
    elsewhere = {**mailed, "mailing_street": "1 FIR ST"}
    elm = {**OAK, "street_name": "ELM", "address_key": "12||ELM|ST|||NASHVILLE,TN"}
    seen = [
        why({"beds": 3.0}, {"source": "attom", "beds": 4.0}),
        why({"beds": 3.0, "source": "a"}, {"beds": 3.0, "source": "b"},
            {"beds": 4.0, "source": "c", "observed_at": LATE}),
        why({"beds": 3.0, "observed_at": LATE}, {"source": "other_roll", "beds": 4.0}),
        why({"beds": 3.0}, {"source": "other_roll", "beds": 4.0}),
        why({**OAK_ZIP, "source": "attom"}, {**elm, "source": "county"}),
        why(mailed, {**elsewhere, "source": "attom"},
            {**elsewhere, "owner_name": "EXAMPLE, JOHN A", "source": "regrid", "mailing_street": "2 FIR ST"}),
    ]  # fmt: skip
    assert seen == [
        {"attom": "source_rank"},
        {"b": "agrees", "c": "agreement"},
        {"other_roll": "age"},
        {"other_roll": "tie"},
        {"county": "completeness"},
        {"attom": "source_rank", "regrid": "owner_not_chosen"},
    ]
    assert {code for reasons in seen for code in reasons.values()} == set(WHYS)


def test_a_sources_newest_word_is_told_and_neither_order_nor_repetition_of_records_counts() -> None:
    records = [{"beds": 3.0}, {"source": "attom", "beds": 5.0}, {"source": "attom", "beds": 4.0, "observed_at": NEWEST}]
    told = listed(records)
    assert told["other_value"].to_list() == ["4.0"]
    assert listed(records[::-1]).equals(told)
    assert listed([*records, *records]).equals(told)
