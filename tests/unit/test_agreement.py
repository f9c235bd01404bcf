"""Where several sources contradict each other, the value that most of them name, within the best rank."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.test_survivorship import EARLY, LATE, OAK_ZIP, merge

NEWEST = datetime(2024, 1, 1, tzinfo=UTC)
ELM_ZIP = {**OAK_ZIP, "street_name": "ELM", "address_key": "12||ELM|ST|||37210"}


def three(field: str, *values: Any, sources: tuple[str, ...] = ("a", "b", "c")) -> list[dict[str, Any]]:
    """Records of three sources, each newer than the one before."""
    days = (EARLY, LATE, NEWEST)
    return [
        {"source": source, "observed_at": day, field: value}
        for source, day, value in zip(sources, days, values, strict=True)
    ]


@pytest.mark.parametrize(
    ("rows", "field", "expected", "why"),
    [
        (three("beds", 3.0, 3.0, 4.0), "beds", 3.0, "two against the newest"),
        (three("beds", 3.0, 2.0, 4.0), "beds", 4.0, "none has more voices, the newest wins"),
        (three("beds", 3.0, 4.0, 4.0), "beds", 4.0, "most and newest"),
        (three("beds", 3.0, 3.0, 4.0, sources=("attom", "regrid", "county")), "beds", 4.0, "vendors outvote no county"),
        (three("beds", 3.0, 3.0, 4.0, sources=("attom", "a", "b")), "beds", 3.0, "a vendor's voice counts"),
        (three("beds", 3.0, 3.0, 4.0, sources=("a", "a", "b")), "beds", 4.0, "a source that repeats itself is one"),
        (three("owner_name", "John A Example", "EXAMPLE, JOHN A", "SAMPLETON, MARY"), "owner_name", "EXAMPLE, JOHN A",
         "the same words are the same owner, and the newer spelling stands"),
        ([{**row, "address": None, **(OAK_ZIP if row["source"] != "c" else ELM_ZIP)} for row in three("x", 1, 1, 1)],
         "street_name", "OAK", "an address whole"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_the_value_that_most_sources_name(rows: list[dict[str, Any]], field: str, expected: Any, why: str) -> None:
    rows = [{name: value for name, value in row.items() if name not in ("x", "address")} for row in rows]
    for order in (rows, rows[::-1]):
        assert merge(*order)[field] == expected, why


def test_provenance_follows_the_vote_and_mail_the_chosen_owner() -> None:
    rows = three("owner_name", "EXAMPLE, JOHN", "John Example", "SAMPLETON, MARY")
    rows[0] |= {"mailing_street": "9 ELM ST"}
    rows[2] |= {"mailing_street": "1 FIR ST"}
    best = merge(*rows)
    assert (best["owner_name"], best["owner_source"], best["mailing_street"]) == ("John Example", "b", "9 ELM ST")
    assert {"field": "owner_name", "source": "b", "observed_at": LATE} in best["provenance"]
    assert best["conflicts"] == ["owner_name"]
