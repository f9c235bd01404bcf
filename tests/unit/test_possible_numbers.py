"""Which numbers a subscriber can have: what the reader refuses, and what it must not refuse."""

import csv
import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.clearance.written_contacts import written_as
from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.outreach.campaigns.own_people import read_own_people

KEYS = HashKeys(1, {1: bytes(range(32))})
NOW = dt.datetime(2026, 11, 24, 17, tzinfo=dt.UTC)
IMPOSSIBLE = (
    "+12154110123", "+12159110123", "+12152110123", "+12155110123", "+12158110123",  # exchange N11
    "+12151550123", "+12150550123",  # exchange begins with 0 or 1
    "+12115550123", "+14115550123", "+19115550123",  # area code N11
    "+12995550123", "+13905550123", "+15915550123", "+19995550123",  # N9X: kept for longer numbers
    "+13705550123", "+13795550123", "+19605550123", "+19695550123",  # 37X and 96X: kept in blocks
    "+11155550123", "+10155550123",
)  # fmt: skip


@pytest.mark.parametrize("number", IMPOSSIBLE)
def test_what_nobody_can_have_is_no_number(number: str) -> None:
    assert not re.search(US_PHONE, number)
    assert not pl.Series([number]).str.contains(US_PHONE).item()


def test_every_area_code_of_the_rules_can_be_had() -> None:
    codes = [f"+1{code}5550123" for code in load_rules().area_codes]
    assert len(codes) > 350
    assert pl.Series(codes).str.contains(US_PHONE).all()


def test_exactly_the_service_codes_are_no_exchanges() -> None:
    refused = {f"{code}" for code in range(200, 1000) if not re.search(US_PHONE, f"+1215{code}0123")}
    assert refused == {f"{first}11" for first in range(2, 10)}


@pytest.mark.parametrize("number", ["(215) 411-0123", "215-911-0123", "370-555-0123"])
def test_a_file_of_own_people_is_told_of_a_number_nobody_has(number: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    with file.open("w", newline="") as written:
        csv.writer(written).writerows([["kind", "phone"], ["phone", number], ["phone", "(215) 555-0123"]])
    people, faults = read_own_people(file, KEYS, day=NOW.date(), now=NOW)
    assert people["phone_e164"].to_list() == ["+12155550123"]
    assert [(fault.row, fault.column) for fault in faults] == [(1, "phone")]


def test_what_nobody_can_have_is_found_all_the_same_where_it_is_to_be_forgotten() -> None:
    """A vendor may have answered with it."""
    assert re.search(written_as("phone", "+12154110123") or "", "call 215-411-0123 now")
