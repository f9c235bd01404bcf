"""Owners: one key for all ways to write one owner, and one id for all parcels of one owner."""

import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.properties.absentee import mail_comes_home
from leadflow_pipelines.properties.link_owners import LINK_COLUMNS, link_owners
from leadflow_pipelines.properties.owners.parse import OWNER_COLUMNS, OWNER_FORMS, parse_owners
from tests.examples import tried

SURNAMES = ["EXAMPLE", "SAMPLETON", "TESTERBY", "MOCKINGTON", "FICTIVE", "DE LA MUESTRA", "VAN SAMPLE"]
GIVEN = ["JOHN", "MARY", "PATRICIA", "ROBERT", "LINDA", "CARLOS", "DENISE"]


def parsed(*names: str | None) -> pl.DataFrame:
    return parse_owners(pl.Series("owner_name", names, dtype=pl.String))


def keys(*names: str | None) -> list[str | None]:
    return parsed(*names)["owner_key"].to_list()


@pytest.mark.parametrize(
    "spellings",
    [
        ("EXAMPLE, JOHN A & JANE B", "EXAMPLE JOHN A ETUX JANE B", "John A Example & Jane B Example",
         "Jane B. Example and John A. Example", "EXAMPLE, JANE B & EXAMPLE, JOHN A", "EXAMPLE JOHN A & EXAMPLE JANE B",
         "EXAMPLE JOHN A ET UX JANE B JT", "JOHN A & JANE B EXAMPLE", "EXAMPLE JOHN A / JANE B"),
        ("EXAMPLE, JOHN", "JOHN EXAMPLE", "EXAMPLE JOHN ET AL", "EXAMPLE, JOHN (LIFE ESTATE)", "EXAMPLE JOHN 50% INT",
         "EXAMPLE JOHN 1/2", "Mr. John Example", "EXAMPLE JOHN C/O MARY SAMPLETON", "EXAMPLE, JOHN TIC"),
        ("EXAMPLE, JOHN & JANE", "John & Jane Example", "JOHN EXAMPLE, JANE EXAMPLE", "EXAMPLE JOHN & JANE H/W"),
        ("EXAMPLE, JOHN JR", "John Example, Jr.", "EXAMPLE JR, JOHN", "EXAMPLE JOHN JR"),
        ("DE LA MUESTRA, JUAN", "Juan De La Muestra", "DELAMUESTRA JUAN", "DE LA MUESTRA JUAN"),
        ("EXAMPLE-SAMPLETON, MARY", "Mary Example-Sampleton"),
        ("EXAMPLE HOLDINGS LLC", "Example Holdings, L.L.C.", "EXAMPLE HOLDINGS L L C", "The Example Holdings LLC",
         "EXAMPLE HOLDINGS LIMITED LIABILITY COMPANY", "EXAMPLE HLDGS LLC C/O MARY SAMPLETON",
         "EXAMPLE HOLDINGS LLC A TENNESSEE LIMITED LIABILITY COMPANY"),
        ("SAMPLE & SONS INC", "Sample and Sons, Incorporated", "SAMPLE & SONS, INC."),
        ("EXAMPLE MILLS CO", "The Example Mills Company"),
        ("EXAMPLE FAMILY TRUST", "The Example Family Trust dated 3/4/2010", "EXAMPLE FAMILY TR",
         "EXAMPLE JOHN TRUSTEE OF THE EXAMPLE FAMILY TRUST", "EXAMPLE FAMILY TRUST, JOHN EXAMPLE TRUSTEE"),
        ("EXAMPLE JOHN LIVING TRUST", "John Example Liv Trust"),
        ("EXAMPLE JOHN A TR", "EXAMPLE, JOHN A TRUSTEE", "John A Example, Trustee"),
        ("ESTATE OF JOHN EXAMPLE", "EXAMPLE JOHN EST", "EXAMPLE, JOHN ESTATE", "EXAMPLE JOHN (ESTATE)",
         "EXAMPLE JOHN ESTATE OF", "HEIRS OF JOHN EXAMPLE"),
        ("SAMPLETON JOHN A & MARY", "John A & Mary Sampleton", "SAMPLETON JOHN A AND MARY H/W"),
        ("VAN DER QUILL PIETER", "Pieter Van Der Quill", "VAN DER QUILL, PIETER", "VANDERQUILL, PIETER"),
        ("EXAMPLE JOHN L/E", "John Example (Life Estate)", "EXAMPLE, JOHN ET AL % SAMPLETON TAX SERVICE"),
        ("MUESTRA-GARCIA JUAN CARLOS", "Juan Carlos Muestra-Garcia", "MUESTRA GARCIA, JUAN CARLOS"),
        ("MUÑOZ, JOSÉ", "Jose Munoz"),
        ("21/32 SAMPLE PROPERTIES GP", "21 32 Sample Properties, G.P."),
        ("CITY OF EXAMPLEVILLE", "EXAMPLEVILLE CITY OF", "Exampleville, City of"),
    ],
)  # fmt: skip
def test_one_owner_has_one_key_however_it_is_written(spellings: tuple[str, ...]) -> None:
    together = keys(*spellings)
    assert together[0] is not None
    assert {name: key for name, key in zip(spellings, together, strict=True) if key != together[0]} == {}
    assert [keys(name)[0] for name in spellings] == together


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EXAMPLE, JOHN A", "EXAMPLE, JOHN B"),
        ("EXAMPLE, JOHN A", "EXAMPLE, JOHN"),
        ("EXAMPLE, JOHN A", "EXAMPLE, JOHN ALLEN"),
        ("EXAMPLE, JOHN JR", "EXAMPLE, JOHN SR"),
        ("EXAMPLE, JOHN JR", "EXAMPLE, JOHN"),
        ("EXAMPLE, JOHN", "EXAMPLE, JOHN & JANE"),
        ("EXAMPLE, JOHN", "ESTATE OF JOHN EXAMPLE"),
        ("EXAMPLE, JOHN", "EXAMPLE JOHN TR"),
        ("EXAMPLE, JOHN & JANE", "EXAMPLE, JOHN & SAMPLETON, JANE"),
        ("EXAMPLE HOMES 2 LLC", "EXAMPLE HOMES 3 LLC"),
        ("EXAMPLE HOMES LLC", "EXAMPLE HOMES INC"),
        ("EXAMPLE TRUST NO 81", "EXAMPLE TRUST NO 82"),
        ("EXAMPLE FAMILY TRUST", "EXAMPLE FAMILY TRUST & SAMPLETON FAMILY TRUST"),
        ("JOHN A EXAMPLE TRUST", "JOHN B EXAMPLE TRUST"),
        ("CITY OF EXAMPLEVILLE", "COUNTY OF EXAMPLEVILLE"),
    ],
)
def test_different_owners_have_different_keys(one: str, other: str) -> None:
    first, second = keys(one, other)
    assert first is not None
    assert second is not None
    assert first != second


@pytest.mark.parametrize(
    ("name", "owner_type", "form"),
    [
        ("EXAMPLE, PAT", "person", "person"),
        ("PAT & SAM EXAMPLE", "person", "couple"),
        ("EXAMPLE PAT ETUX", "person", "couple"),
        ("EXAMPLE, PAT & SAMPLETON, SAM", "person", "co_owners"),
        ("HOMES, KATIE", "person", "person"),
        ("EXAMPLE, PAT (LIFE ESTATE)", "person", "person"),
        ("ESTATE OF PAT EXAMPLE", "person", "estate"),
        ("EXAMPLE HOLDINGS LLC", "company", "company"),
        ("Example Homes, Inc.", "company", "company"),
        ("EXAMPLE REAL ESTATE", "company", "company"),
        ("EXAMPLE TRUST COMPANY", "company", "company"),
        ("FIRST BAPTIST CHURCH OF EXAMPLEVILLE", "company", "company"),
        ("THE EXAMPLE FAMILY TRUST", "trust", "trust"),
        ("EXAMPLE BANK TRUSTEE", "trust", "trust"),
        ("EXAMPLE, PAT TR", "trust", "trust"),
        ("CITY OF EXAMPLEVILLE", "public", "public"),
        ("EXAMPLE COUNTY HOUSING AUTHORITY", "public", "public"),
        ("CURRENT OWNER", "unknown", "unknown"),
        ("N/A", "unknown", "unknown"),
        ("  ", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_kinds_of_owner(name: str | None, owner_type: str, form: str) -> None:
    row = parsed(name).row(0, named=True)
    assert (row["owner_type"], row["owner_form"]) == (owner_type, form)
    assert (row["owner_key"] is None) == (form == "unknown")


def test_the_parts_of_a_couple_and_of_a_company() -> None:
    couple, company = parsed("EXAMPLE, JOHN A JR & SAMPLETON-MOCK, JANE", "Example Hldgs, L.L.C.").rows(named=True)
    assert [couple[part] for part in ("last_name", "first_name", "middle_name", "generation")] == [
        "EXAMPLE", "JOHN", "A", "JR",
    ]  # fmt: skip
    assert (couple["last_name_2"], couple["first_name_2"], couple["middle_name_2"]) == ("SAMPLETON MOCK", "JANE", None)
    assert (company["entity_name"], company["legal_form"], company["last_name"]) == (
        "EXAMPLE HOLDINGS LLC",
        "LLC",
        None,
    )


def test_a_column_says_where_its_undecided_names_put_the_surname() -> None:
    """Neither of QUILLON BREVARD's words is a known given name; its neighbours in the file decide."""
    surnames_first = parsed("QUILLON BREVARD", *(f"{surname} MARY" for surname in SURNAMES))
    surnames_last = parsed("QUILLON BREVARD", *(f"MARY {surname}" for surname in SURNAMES))
    assert (surnames_first["last_name"][0], surnames_last["last_name"][0]) == ("QUILLON", "BREVARD")


@tried(10)
@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), max_size=12))
def test_any_text_gives_a_row(names: list[str | None]) -> None:
    frame = parsed(*names)
    assert frame.columns == list(OWNER_COLUMNS)
    assert frame.height == len(names)
    assert set(frame["owner_form"]) <= set(OWNER_FORMS)
    assert set(frame["owner_type"]) <= {"person", "company", "trust", "public", "unknown"}
    assert not any((frame[column] == "").any() for column in OWNER_COLUMNS)


@pytest.mark.parametrize(
    "name",
    ["A" * 10_000, "A " * 5_000, "EXAMPLE & " * 1_000, "EXAMPLE," * 1_250, "TRUST " * 1_600, "& & &", "(((", "\x00",
     "C/O", "ET AL", "&", "H/W", "LIFE ESTATE", "ESTATE OF", "TRUSTEE", "ＥＸＡＭＰＬＥ", "小 李", "😀"],
    ids=lambda name: name[:9].strip("\x00"),
)  # fmt: skip
def test_a_hostile_name_gives_a_row_and_changes_no_neighbour(name: str) -> None:
    alone, beside = keys("EXAMPLE, JOHN")[0], parsed("EXAMPLE, JOHN", name)
    assert beside["owner_key"][0] == alone
    assert beside["owner_form"][1] in OWNER_FORMS
    assert len(beside["owner_key"][1] or "") <= 2 * len(name) + 20


@st.composite
def written_names(draw: st.DrawFn) -> str:
    surname, other = draw(st.sampled_from(SURNAMES)), draw(st.sampled_from(SURNAMES))
    given_name, second = draw(st.sampled_from(GIVEN)), draw(st.sampled_from(GIVEN))
    return draw(
        st.sampled_from(
            [f"{surname}, {given_name} T", f"{given_name} T {surname}", f"{surname} {given_name} ETUX {second}",
             f"{given_name} & {second} {surname}", f"{surname}, {given_name} & {other}, {second}",
             f"{surname} {other} HOLDINGS LLC", f"THE {surname} FAMILY TRUST", f"ESTATE OF {given_name} {surname}"]
        )
    )  # fmt: skip


@tried(10)
@given(st.lists(written_names(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_case_points_and_spaces_do_not_count(names: list[str], chance: random.Random) -> None:
    def rewritten(name: str) -> str:
        name = chance.choice([str.lower, str.title, str.upper])(name)
        words = [word + chance.choice(["", "", "."]) for word in name.split(" ") if word]
        return chance.choice(["", "  "]) + chance.choice([" ", "  "]).join(words)

    assert keys(*(rewritten(name) for name in names)) == keys(*names)


@tried(10)
@given(st.lists(st.one_of(written_names(), st.text(max_size=30)), min_size=1, max_size=12), st.randoms())
def test_the_order_of_names_does_not_count(names: list[str], chance: random.Random) -> None:
    shuffled = chance.sample(names, len(names))
    assert dict(zip(shuffled, keys(*shuffled), strict=True)) == dict(zip(names, keys(*names), strict=True))


# One owner, several properties -------------------------------------------------------------------------------------

HOME = ("120 Sample Rd", "Austin", "TX", "78704")
AWAY = ("9 Example Ave", "Tulsa", "OK", "74103")
BOX = ("PO Box 12", "Austin", "TX", "78704")
NOWHERE = (None, None, None, None)


def linked(
    *rows: tuple[str | None, tuple[str | None, ...], str | None], sources: list[str] | None = None
) -> pl.DataFrame:
    """Rows of owner name, mailing address and the property's state; sources: of the names, else all of one."""
    frame = pl.DataFrame(
        [(f"p_{at}", name, (sources or ["roll"] * len(rows))[at], *mailing, state)
         for at, (name, mailing, state) in enumerate(rows)],
        schema=dict.fromkeys(LINK_COLUMNS, pl.String), orient="row",
    )  # fmt: skip
    return link_owners(frame)


def same(*rows: tuple[str | None, tuple[str | None, ...], str | None]) -> bool:
    return linked(*rows)["owner_id"].n_unique() == 1


def test_a_person_is_the_same_only_with_the_same_mailing_address() -> None:
    assert same(("EXAMPLE, JOHN A", AWAY, "TX"), ("John A Example", ("9 EXAMPLE AVENUE", "TULSA", "OK", "74103"), "TX"))
    assert same(("EXAMPLE, JOHN A", BOX, "TX"), ("John A Example", ("P.O. BOX 12", "AUSTIN", "TX", "78704"), "OK"))
    assert not same(("EXAMPLE, JOHN A", AWAY, "TX"), ("EXAMPLE, JOHN A", HOME, "TX"))
    assert not same(("EXAMPLE, JOHN A", NOWHERE, "TX"), ("EXAMPLE, JOHN A", NOWHERE, "TX"))
    assert not same(("EXAMPLE, JOHN A", AWAY, "TX"), ("EXAMPLE, JANE A", AWAY, "TX"))


def test_each_source_is_read_by_its_own_order_of_names() -> None:
    """Neither QUILLON nor BREVARD is a known given name: only its source's other names say which is the surname."""
    roll = [f"{surname} MARY" for surname in SURNAMES]
    vendor = [f"Mary {surname}".title() for surname in SURNAMES]
    names = ["QUILLON BREVARD", *roll, "Brevard Quillon", *vendor]
    sources = ["roll"] * (len(roll) + 1) + ["vendor"] * (len(vendor) + 1)
    found = linked(*((name, AWAY, "TX") for name in names), sources=sources)
    ids = found["owner_id"].to_list()
    assert ids[: len(roll) + 1] == ids[len(roll) + 1 :]
    assert found["owner_parcel_count"].to_list() == [2] * len(names)
    assert found["last_name"][0] == "QUILLON"
    as_one = linked(*((name, AWAY, "TX") for name in names))["owner_id"].to_list()
    assert as_one[0] != as_one[len(roll) + 1]


@pytest.mark.parametrize(
    ("names", "owners"),
    [
        (["EXAMPLE, JOHN A", "John Example", "EXAMPLE JOHN ALLEN"], 1),
        (["EXAMPLE, JOHN A & MARY", "John Example & Mary B Example", "EXAMPLE MARY BETH & JOHN"], 1),
        (["EXAMPLE, JOHN A", "EXAMPLE, JOHN", "EXAMPLE, JOHN B"], 3),
        (["EXAMPLE, JOHN ALLEN", "EXAMPLE, JOHN", "EXAMPLE, JOHN ARTHUR"], 3),
        (["EXAMPLE, JOHN", "EXAMPLE, JOHN JR", "EXAMPLE, JOHN SR"], 3),
        (["EXAMPLE, JOHN A", "EXAMPLE, JOHN A & MARY", "ESTATE OF JOHN A EXAMPLE"], 3),
        (["EXAMPLE, JOHN A", "EXAMPLE, JOHN A JR", "EXAMPLE, JOHN JR"], 2),
    ],
)
def test_a_middle_name_left_out_is_no_other_person_at_one_mailing_address(names: list[str], owners: int) -> None:
    for order in (names, names[::-1]):
        ids = linked(*((name, AWAY, "TX") for name in order))["owner_id"]
        assert ids.n_unique() == owners
    if owners == 1:
        assert [linked((name, AWAY, "TX"))["owner_id"].item() for name in names] == ids.to_list(), "alone as together"
    apart = [(name, (f"{at} Example Ave", *AWAY[1:]), "TX") for at, name in enumerate(names)]
    assert linked(*apart)["owner_id"].n_unique() == len(names)


def test_a_registered_company_is_the_same_within_a_state() -> None:
    assert same(("EXAMPLE HOMES LLC", AWAY, "TX"), ("Example Homes, L.L.C.", HOME, "TX"))
    assert same(("EXAMPLE HOMES LLC", NOWHERE, "TX"), ("EXAMPLE HOMES LLC", NOWHERE, "TX"))
    assert not same(("EXAMPLE HOMES LLC", AWAY, "TX"), ("EXAMPLE HOMES LLC", HOME, "OK"))
    assert not same(("EXAMPLE CHURCH", AWAY, "TX"), ("EXAMPLE CHURCH", HOME, "TX"))
    assert not same(("EXAMPLE FAMILY TRUST", AWAY, "TX"), ("EXAMPLE FAMILY TRUST", HOME, "TX"))


def test_a_mailing_address_ties_a_companys_states_together() -> None:
    assert same(
        ("EXAMPLE HOMES LLC", AWAY, "TX"), ("EXAMPLE HOMES LLC", AWAY, "OK"),
        ("EXAMPLE HOMES LLC", HOME, "OK"), ("EXAMPLE HOMES LLC", HOME, "AR"),
    )  # fmt: skip


def test_parcels_are_counted_and_nobody_owns_nothing() -> None:
    frame = linked(
        ("EXAMPLE, JOHN A", AWAY, "TX"), ("John A Example", AWAY, "TX"), ("SAMPLETON, MARY", AWAY, "TX"),
        ("CURRENT OWNER", AWAY, "TX"), (None, AWAY, "TX"),
    )  # fmt: skip
    assert frame["owner_parcel_count"].to_list() == [2, 2, 1, None, None]
    assert frame["owner_id"].is_null().to_list() == [False, False, False, True, True]


@tried(8)
@given(
    st.lists(
        st.tuples(written_names(), st.sampled_from([HOME, AWAY, BOX, NOWHERE]), st.sampled_from(["TX", "OK", None])),
        min_size=1, max_size=14,
    ),
    st.randoms(),
)  # fmt: skip
def test_the_order_of_properties_does_not_count(
    rows: list[tuple[str, tuple[str, ...], str]], chance: random.Random
) -> None:
    frame = pl.DataFrame(
        [(f"p_{at}", name, f"source_{at % 2}", *mailing, state) for at, (name, mailing, state) in enumerate(rows)],
        schema=dict.fromkeys(LINK_COLUMNS, pl.String), orient="row",
    )  # fmt: skip
    shuffled = frame[chance.sample(range(frame.height), frame.height)]
    found = link_owners(shuffled).with_columns(shuffled["property_id"]).sort("property_id")
    assert found.equals(link_owners(frame).with_columns(frame["property_id"]).sort("property_id"))


# Does the mail come to the property? -------------------------------------------------------------------------------

SITUS = {
    "house_number": "120", "pre_directional": None, "street_name": "SAMPLE", "suffix": "RD", "post_directional": None,
    "unit_type": None, "unit_number": None, "city": "AUSTIN", "state": "TX", "zip5": "78704",
}  # fmt: skip


def comes_home(mailing: tuple[str | None, ...], **situs: str | None) -> object:
    columns = ("mailing_street", "mailing_city", "mailing_state", "mailing_zip5")
    row = {**SITUS, **situs, **dict(zip(columns, mailing, strict=True))}
    return mail_comes_home(pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))).item()


@pytest.mark.parametrize(
    ("mailing", "situs", "expected"),
    [
        (HOME, {}, True),
        (("120 SAMPLE ROAD", None, None, "78704"), {}, True),
        (("120 SAMPLE RD", "AUSTIN", "TX", None), {}, True),
        (("120 SAMPLE RD # 4", "AUSTIN", "TX", "78704"), {"unit_type": "APT", "unit_number": "4"}, True),
        (("120 SAMPLE RD", "AUSTIN", "TX", "78704"), {"unit_type": "APT", "unit_number": "4"}, True),
        (("120 SAMPLE RD APT 5", "AUSTIN", "TX", "78704"), {"unit_type": "APT", "unit_number": "4"}, False),
        (("120 SAMPLE AVE", "AUSTIN", "TX", "78704"), {}, False),
        (("122 SAMPLE RD", "AUSTIN", "TX", "78704"), {}, False),
        (AWAY, {}, False),
        (("120 SAMPLE RD", "TULSA", "OK", "74103"), {}, False),
        (("120 SAMPLE RD", "AUSTIN", "TX", "78705"), {}, None),
        (("7304 193RD ST", None, None, "11366"),
         {"house_number": "73-04", "street_name": "193RD", "suffix": "ST", "city": "FRESH MEADOWS", "state": "NY",
          "zip5": "11366"}, True),
        (BOX, {}, None),
        (("PO BOX 12", "TULSA", "OK", "74103"), {}, False),
        (("PO BOX 12", "HOUSTON", "TX", "77002"), {}, False),
        (NOWHERE, {}, None),
        (HOME, {"street_name": None, "house_number": None, "suffix": None}, None),
    ],
)  # fmt: skip
def test_mail_comes_home(mailing: tuple[str | None, ...], situs: dict[str, str | None], expected: bool | None) -> None:
    assert comes_home(mailing, **situs) is expected
