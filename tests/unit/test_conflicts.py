"""What sources contradict each other on, and what they only write otherwise."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from leadflow_pipelines.properties.conflicts import CONFLICT_FIELDS
from tests.unit.test_survivorship import LATE, OAK, OAK_ZIP, merge, merge_all

NEWEST = datetime(2024, 1, 1, tzinfo=UTC)


def conflicts(county: dict[str, Any], vendor: dict[str, Any]) -> list[str]:
    """Of a county's record and a vendor's."""
    found: list[str] = merge(county, {"source": "attom", "observed_at": LATE, **vendor})["conflicts"]
    return found


@pytest.mark.parametrize(
    ("field", "county", "vendor"),
    [
        ("year_built", {"year_built": 1986}, {"year_built": 1990}),
        ("beds", {"beds": 3.0}, {"beds": 4.0}),
        ("is_vacant", {"is_vacant": False}, {"is_vacant": True}),
        ("owner_name", {"owner_name": "EXAMPLE, JOHN"}, {"owner_name": "SAMPLETON, MARY"}),
        ("owner_name", {"owner_name": "EXAMPLE, JOHN"}, {"owner_name": "ESTATE OF JOHN EXAMPLE"}),
        ("owner_name", {"owner_name": "EXAMPLE HOMES 2 LLC"}, {"owner_name": "EXAMPLE HOMES 3 LLC"}),
        ("address", OAK_ZIP, {**OAK_ZIP, "suffix": "AVE", "address_key": "12||OAK|AVE|||37210"}),
        ("address", {**OAK_ZIP, "unit_number": "1", "address_key": "12||OAK|ST||1|37210"},
         {**OAK_ZIP, "unit_number": "2", "address_key": "12||OAK|ST||2|37210"}),
        ("parcel_number", {"parcel_number": "1", "parcel_key": "47037:1"},
         {"parcel_number": "2", "parcel_key": "47037:2"}),
        ("mailing_street", {"mailing_street": "9 ELM ST", "mailing_zip5": "37206"},
         {"mailing_street": "9 ELM ST", "mailing_zip5": "37013"}),
        ("lat", {"lat": 36.0, "lon": -86.0}, {"lat": 36.0, "lon": -86.01}),
        ("mortgage_date", {"mortgage_date": date(2014, 3, 1)}, {"mortgage_date": date(2014, 5, 1)}),
    ],
)  # fmt: skip
def test_two_values_are_a_conflict(field: str, county: dict[str, Any], vendor: dict[str, Any]) -> None:
    assert conflicts(county, vendor) == [field]
    assert conflicts(vendor, county) == [field]
    assert conflicts(county, county) == []
    assert conflicts(county, {}) == []


@pytest.mark.parametrize(
    ("county", "vendor"),
    [
        ({"owner_name": "EXAMPLE, JOHN A"}, {"owner_name": "John A. Example"}),
        ({"owner_name": "EXAMPLE, JOHN A & JANE B"}, {"owner_name": "John Example"}),
        ({"owner_name": "EXAMPLE HOLDINGS LLC"}, {"owner_name": "Example Hldgs, L.L.C."}),
        ({"owner_name": "EXAMPLE, JOHN"}, {"owner_name": "CURRENT OWNER"}),
        (OAK_ZIP, {**OAK_ZIP, "suffix": None, "address_key": "12||OAK||||37210"}),
        (OAK_ZIP, OAK),
        (OAK_ZIP, {**OAK_ZIP, "unit_number": "2", "address_key": "12||OAK|ST||2|37210"}),
        ({"parcel_number": "1-2", "parcel_key": "47037:12"}, {"parcel_number": "12", "parcel_key": "47037:12"}),
        ({"lat": 36.0, "lon": -86.0}, {"lat": 36.0004, "lon": -86.0004}),
        ({"sale_date": LATE.date()}, {"sale_date": NEWEST.date()}),
        ({"mortgage_date": date(2014, 3, 1)}, {"mortgage_date": date(2014, 4, 8)}),
        ({"land_use": "SINGLE FAMILY"}, {"land_use": "R1"}),
    ],
)
def test_another_spelling_is_none(county: dict[str, Any], vendor: dict[str, Any]) -> None:
    assert conflicts(county, vendor) == []
    assert conflicts(vendor, county) == []


def test_a_source_that_has_changed_its_mind_does_not_contradict() -> None:
    assert merge({"year_built": 1980}, {"year_built": 1986, "observed_at": LATE})["conflicts"] == []
    later = {"year_built": 1986, "observed_at": NEWEST}
    assert conflicts({"year_built": 1986}, {"year_built": 1990}) == ["year_built"]
    assert merge({"year_built": 1986}, {"source": "attom", "year_built": 1990}, {"source": "attom", **later})[
        "conflicts"
    ] == []  # fmt: skip


def test_mail_to_another_owner_is_no_second_conflict() -> None:
    county = {"owner_name": "EXAMPLE, JOHN", "mailing_street": "9 ELM ST"}
    assert conflicts(county, {"owner_name": "SAMPLETON, MARY", "mailing_street": "1 FIR ST"}) == ["owner_name"]


def test_the_date_of_another_loan_is_no_second_conflict() -> None:
    county = {"mortgage_cents": 100, "mortgage_date": date(2009, 1, 1)}
    refinanced = {"mortgage_cents": 200, "mortgage_date": date(2021, 1, 1)}
    assert conflicts(county, refinanced) == ["mortgage_cents"]
    assert conflicts(county, {**refinanced, "mortgage_cents": 100}) == ["mortgage_date"]


def test_each_property_has_its_own_and_a_change_is_a_new_version() -> None:
    built, other = {"year_built": 1986}, {"source": "attom", "year_built": 1990, "beds": 2.0}
    one, two, three = merge_all({"p_1": [built], "p_2": [built, other, {"source": "b", "beds": 3.0}], "p_3": [built]})
    assert [one["conflicts"], two["conflicts"], three["conflicts"]] == [[], ["beds", "year_built"], []]
    assert sorted(CONFLICT_FIELDS) == list(CONFLICT_FIELDS)
    agreed = {**other, "year_built": 1986}
    assert merge(built, other)["content_hash"] != merge(built, agreed)["content_hash"]
