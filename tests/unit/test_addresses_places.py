"""Cities in one line that read like units, that follow the street without comma, and forms that one place has."""

from functools import cache

import polars as pl
import pytest

from leadflow_pipelines.properties import normalize_addresses, one_line


@cache
def read_all() -> pl.DataFrame:
    """Every line of this module with its address columns, and `again`: the key of the line written out."""
    lines = [line for line, *_ in [*UNITS, *RUN_ON, *LOCAL, *HARD]]
    lines += [
        form.format(city=city, state=state, zip5=zip5) for form, _ in CITY_FORMS for city, state, zip5 in LIKE_UNITS
    ]
    frame = normalize_addresses(pl.DataFrame({"address": lines}))
    again = normalize_addresses(frame.select(one_line().alias("address")))["address_key"]
    return frame.with_columns(again=again)


@cache
def readings() -> dict[str, tuple[str, str, str]]:
    """Line to street as `number|pre|name|suffix|post`, unit as `type number`, place as `city,state,zip`."""
    return {row["address"]: as_read(row) for row in read_all().iter_rows(named=True)}


def as_read(row: dict[str, str | None]) -> tuple[str, str, str]:
    def joined(separator: str, *names: str) -> str:
        return separator.join(row[name] or "" for name in names)

    return (
        joined("|", "house_number", "pre_directional", "street_name", "suffix", "post_directional"),
        joined(" ", "unit_type", "unit_number").strip(),
        joined(",", "city", "state", "zip5"),
    )


def read_alone(line: str, **columns: str) -> tuple[str, str, str]:
    return as_read(normalize_addresses(pl.DataFrame({"address": [line], **columns})).row(0, named=True))


LIKE_UNITS = [
    ("UPPER MARLBORO", "MD", "20772"), ("VILLA RIDGE", "MO", "63089"), ("VILLA RICA", "GA", "30180"),
    ("VILLA PARK", "IL", "60181"), ("FRONT ROYAL", "VA", "22630"), ("LOWER BURRELL", "PA", "15068"),
    ("LOWER LAKE", "CA", "95457"), ("UPPER DARBY", "PA", "19082"), ("UPPER SANDUSKY", "OH", "43351"),
    ("UPPER MONTCLAIR", "NJ", "07043"), ("KEY WEST", "FL", "33040"), ("KEY LARGO", "FL", "33037"),
    ("KEY BISCAYNE", "FL", "33149"), ("BOX ELDER", "SD", "57719"), ("BOX SPRINGS", "GA", "31801"),
    ("SIDE LAKE", "MN", "55781"), ("COTTAGE GROVE", "OR", "97424"), ("COTTAGE HILLS", "IL", "62018"),
    ("LOTHIAN", "MD", "20711"), ("SLIPPERY ROCK", "PA", "16057"), ("PIERPONT", "OH", "44082"),
    ("FLAT ROCK", "MI", "48134"), ("TOWER CITY", "PA", "17980"),
]  # fmt: skip


CITY_FORMS = [
    ("123 MAIN ST, {city}, {state} {zip5}", "csz"),
    ("123 MAIN ST {city} {state} {zip5}", "csz"),
    ("123 MAIN ST, {city}, {state}", "cs"),
    ("123 MAIN ST {city} {state}", "cs"),
    ("123 MAIN ST, {city} {zip5}", "cz"),
    ("123 MAIN ST, {city}", "c"),
    ("123 MAIN ST, APT 4, {city}, {state} {zip5}", "ucsz"),
    ("123 MAIN ST APT 4 {city} {state} {zip5}", "ucsz"),
    ("123 MAIN ST # 4, {city}, {state}", "#cs"),
]  # fmt: skip


@pytest.mark.parametrize(("city", "state", "zip5"), LIKE_UNITS)
@pytest.mark.parametrize(("form", "says"), CITY_FORMS)
def test_a_city_that_begins_like_a_unit_is_a_city(form: str, says: str, city: str, state: str, zip5: str) -> None:
    unit = "APT 4" if "u" in says else "4" if "#" in says else ""
    place = ",".join(part if mark in says else "" for mark, part in (("c", city), ("s", state), ("z", zip5)))
    assert readings()[form.format(city=city, state=state, zip5=zip5)] == ("123||MAIN|ST|", unit, place)


UNITS = [
    ("123 MAIN ST BASEMENT, NASHVILLE, TN", "BSMT", "NASHVILLE,TN,"),
    ("123 MAIN ST, BASEMENT, NASHVILLE, TN", "BSMT", "NASHVILLE,TN,"),
    ("123 MAIN ST BSMT NASHVILLE TN 37210", "BSMT", "NASHVILLE,TN,37210"),
    ("123 MAIN ST, UPPER, MILWAUKEE, WI 53202", "UPPR", "MILWAUKEE,WI,53202"),
    ("123 MAIN ST LOWER MILWAUKEE WI 53202", "LOWR", "MILWAUKEE,WI,53202"),
    ("123 MAIN ST FRONT CHICAGO IL 60614", "FRNT", "CHICAGO,IL,60614"),
    ("123 MAIN ST, KEY 4, MIAMI, FL", "KEY 4", "MIAMI,FL,"),
    ("123 MAIN ST, SUITE, NASHVILLE, TN", "", "NASHVILLE,TN,"),
    ("123 MAIN ST, VILLA ROSA, ORLANDO, FL 32801", "UNIT ROSA", "ORLANDO,FL,32801"),
    ("123 MAIN ST VILLA 5 ORLANDO FL 32801", "UNIT 5", "ORLANDO,FL,32801"),
    ("123 MAIN ST, TOWER B, MIAMI, FL", "BLDG B", "MIAMI,FL,"),
    ("123 MAIN ST, TOWER, MN 55790", "", "TOWER,MN,55790"),
    ("123 MAIN ST, DEPT 4, WASHINGTON, DC", "DEPT 4", "WASHINGTON,DC,"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "unit", "place"), UNITS)
def test_a_unit_stays_a_unit(line: str, unit: str, place: str) -> None:
    assert readings()[line] == ("123||MAIN|ST|", unit, place)


def test_a_caller_who_says_another_city_makes_it_a_unit() -> None:
    assert read_alone("123 MAIN ST, VILLA ROSA", city="ORLANDO")[1:] == ("UNIT ROSA", "ORLANDO,,")
    assert read_alone("123 MAIN ST, VILLA RIDGE", city="VILLA RIDGE")[1:] == ("", "VILLA RIDGE,,")


RUN_ON = [
    ("123 MAIN ST, NASHVILLE", "123||MAIN|ST|", "", "NASHVILLE"),
    ("123 Main St Nashville", "123||MAIN|ST|", "", "NASHVILLE"),
    ("123 Main St Apt 4 Nashville", "123||MAIN|ST|", "APT 4", "NASHVILLE"),
    ("123 Main St #4 Nashville", "123||MAIN|ST|", "4", "NASHVILLE"),
    ("123 MAIN ST SALT LAKE CITY", "123||MAIN|ST|", "", "SALT LAKE CITY"),
    ("123 BROADWAY NEW YORK", "123||BROADWAY||", "", "NEW YORK"),
    ("260 5th av new york", "260||5TH|AVE|", "", "NEW YORK"),
    ("123 N MAIN ST N LITTLE ROCK", "123|N|MAIN|ST|", "", "NORTH LITTLE ROCK"),
    ("123 MAIN ST NW FORT WORTH", "123||MAIN|ST|NW", "", "FORT WORTH"),
    ("123 MAIN ST ST LOUIS", "123||MAIN|ST|", "", "SAINT LOUIS"),
    ("123 OAK AVE FOREST PARK", "123||OAK|AVE|", "", "FOREST PARK"),
    # Names, extensions and units are no cities.
    ("123 OLD ST LOUIS", "123||OLD SAINT LOUIS||", "", ""),
    ("123 OLD ST CHARLES", "123||OLD SAINT CHARLES||", "", ""),
    ("123 MAIN ST EXTENSION", "123||MAIN STREET|EXT|", "", ""),
    ("123 MAIN ST PARK", "123||MAIN STREET|PARK|", "", ""),
    ("123 AVE OF THE OAKS", "123||AVENUE OF THE OAKS||", "", ""),
    ("123 MAIN ST FRONT", "123||MAIN|ST|", "FRNT", ""),
    ("123 MAIN ST GARAGE", "123||MAIN|ST|", "GARAGE", ""),
    ("123 MAIN ST XYZZYVILLE", "123||MAIN SAINT XYZZYVILLE||", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "street", "unit", "city"), RUN_ON)
def test_a_city_may_follow_a_whole_street_without_anything_else(line: str, street: str, unit: str, city: str) -> None:
    assert readings()[line] == (street, unit, f"{city},,")


@pytest.mark.parametrize(
    ("columns", "street"),
    [
        ({"state": "TN"}, "123||MAIN|ST|"), ({"zip": "37210"}, "123||MAIN|ST|"),
        ({"city": "Nashville"}, "123||MAIN|ST|"),
        ({"state": "AK"}, "123||MAIN SAINT NASHVILLE||"), ({"zip": "99501"}, "123||MAIN SAINT NASHVILLE||"),
    ],
)  # fmt: skip
def test_what_the_caller_says_decides_whether_it_is_a_city(columns: dict[str, str], street: str) -> None:
    frame = normalize_addresses(pl.DataFrame({"address": ["123 Main St Nashville"], **columns}))
    row = frame.select(pl.concat_str(
        ["house_number", *(pl.col(name).fill_null("") for name in ("pre_directional", "street_name", "suffix",
         "post_directional"))], separator="|",
    ))  # fmt: skip
    assert row.item() == street


URB_A = ("150||CALLE A URB LAS GLADIOLAS||", "", "SAN JUAN,PR,00926")
URB_3 = ("A15||CALLE 3 URB VILLA FONTANA||", "", "CAROLINA,PR,00983")
LEON = ("1511||AVENIDA PONCE DE LEON||", "", "SAN JUAN,PR,00909")
AT_MARK = ("KM 4.5||CARR 123||", "", "ADJUNTAS,PR,00601")


LOCAL = [
    ("URB LAS GLADIOLAS, 150 CALLE A, SAN JUAN PR 00926", URB_A),
    ("URB LAS GLADIOLAS 150 CALLE A, SAN JUAN, PR 00926", URB_A),
    ("URB LAS GLADIOLAS 150 CALLE A SAN JUAN PR 00926", URB_A),
    ("150 CALLE A URB LAS GLADIOLAS SAN JUAN PR 00926", URB_A),
    ("150 CALLE A, URB LAS GLADIOLAS, SAN JUAN, PR 00926", URB_A),
    ("URB. LAS GLADIOLAS CALLE A #150, SAN JUAN PR 00926", URB_A),
    ("URB LAS GLADIOLAS, CALLE A 150, SAN JUAN, PR 00926", URB_A),
    ("URBANIZACION LAS GLADIOLAS, 150 CALLE A, SAN JUAN, PR 00926", URB_A),
    ("URB VILLA FONTANA A15 CALLE 3, CAROLINA, PR 00983", URB_3),
    ("URB VILLA FONTANA, A-15 CALLE 3, CAROLINA, PR 00983", URB_3),
    ("A15 CALLE 3 URB VILLA FONTANA, CAROLINA, PR 00983", URB_3),
    ("CALLE 3 A-15 URB VILLA FONTANA, CAROLINA, PR 00983", URB_3),
    ("URB VILLA FONTANA, CALLE 3 #A-15, CAROLINA, PR 00983", URB_3),
    ("URB VILLA FONTANA A15, CAROLINA, PR 00983", ("A15||URB VILLA FONTANA||", "", "CAROLINA,PR,00983")),
    # A name of its own needs no urbanization.
    ("URB VILLA LUNA, 12 CALLE DEL SOL, PONCE, PR 00716", ("12||CALLE DEL SOL||", "", "PONCE,PR,00716")),
    ("COND MIRAFLORES 150 CALLE LUNA APT 301, SAN JUAN, PR 00907",
     ("150||CALLE LUNA||", "APT 301", "SAN JUAN,PR,00907")),
    ("150 CALLE LUNA COND MIRAFLORES APT 301, SAN JUAN, PR 00907",
     ("150||CALLE LUNA||", "APT 301", "SAN JUAN,PR,00907")),
    ("COND MIRAFLORES APT 301, SAN JUAN, PR 00907", ("||COND MIRAFLORES||", "APT 301", "SAN JUAN,PR,00907")),
    ("CALLE AURORA 1234 APT 3, MAYAGUEZ, PR 00680", ("1234||CALLE AURORA||", "APT 3", "MAYAGUEZ,PR,00680")),
    ("712 CALLE 12 APT 4, SAN JUAN, PR 00915", ("712||CALLE 12||", "APT 4", "SAN JUAN,PR,00915")),
    ("1511 AVE PONCE DE LEON, SAN JUAN, PR 00909", LEON),
    ("1511 AVENIDA PONCE DE LEON, SAN JUAN, PR 00909", LEON),
    ("AVE PONCE DE LEON 1511, SAN JUAN, PR 00909", LEON),
    ("CARR 123 KM 4.5, ADJUNTAS, PR 00601", AT_MARK),
    ("CARR. 123, KM. 4.5, ADJUNTAS, PR 00601", AT_MARK),
    ("CARR. 123 KM. 4.5 BO. PORTUGUES, ADJUNTAS, PR 00601", AT_MARK),
    ("CARR 123 KM 4 HM 5, ADJUNTAS, PR 00601", AT_MARK),
    ("PR 123 KM 4.5, ADJUNTAS, PR 00601", AT_MARK),
    ("CARRETERA PR-123 KM 4.5 ADJUNTAS PR 00601", AT_MARK),
    ("HC 01 BOX 4567, ADJUNTAS, PR 00601", ("||HC 1||", "BOX 4567", "ADJUNTAS,PR,00601")),
    ("344 B 42ND ST, FAR ROCKAWAY, NY 11691", ("344||BEACH 42ND|ST|", "", "FAR ROCKAWAY,NY,11691")),
    ("344 BEACH 42ND ST, FAR ROCKAWAY, NY 11691", ("344||BEACH 42ND|ST|", "", "FAR ROCKAWAY,NY,11691")),
    ("344 B 42ND ST, BROOKLYN, NY 11201", ("344B||42ND|ST|", "", "BROOKLYN,NY,11201")),
]  # fmt: skip


@pytest.mark.parametrize(("line", "found"), LOCAL)
def test_forms_of_one_place(line: str, found: tuple[str, str, str]) -> None:
    assert readings()[line] == found


def test_two_urbanizations_of_one_zip_are_two_addresses() -> None:
    lines = [f"URB {name}, 150 CALLE A, SAN JUAN, PR 00926" for name in ("LAS GLADIOLAS", "LOS OLMOS")]
    assert normalize_addresses(pl.DataFrame({"address": lines}))["address_key"].n_unique() == 2


SPELLINGS = [
    ("100 TO 104 MAIN ST", "100-104 MAIN ST"),
    ("100 AND 104 MAIN ST", "100 & 104 MAIN ST"),
    ("1234 KY HIGHWAY 80", "1234 KENTUCKY HWY 80"),
    ("1234 IL RTE 25 N", "1234 ILLINOIS ROUTE 25 NORTH"),
    ("1234 OH-28", "1234 OH 28"),
    ("12345 FM 1960 RD W", "12345 FM 1960 WEST"),
    ("1234 RR 620 S", "1234 RANCH ROAD 620 S"),
    ("1234 I 35 N", "1234 INTERSTATE 35 N"),
    ("1234 HIGHWAY 6 AND 50", "1234 HWY 6 & 50"),
    ("RR 02 BOX 18", "RR 2 BOX 18"),
    ("12 OAK ST BLDG 3, APT 12", "12 OAK ST BLDG 3 APT 12"),
    ("12 OAK ST APT 4, 2ND FLOOR", "12 OAK ST APT 4 FL 2"),
    ("12 OAK ST # 5, 5", "12 OAK ST # 5"),
    ("12 OAK ST APT 1ST FL", "12 OAK ST 1ST FLOOR"),
    ("12 OAK ST BASEMENT APARTMENT", "12 OAK ST BSMT"),
    ("12 OAK ST UPSTAIRS", "12 OAK ST UPPER"),
    ("12 OAK ST TOWER 2 APT 5", "12 OAK ST BLDG 2 APT 5"),
    ("12 OAK ST #PMB 123", "12 OAK ST PMB 123"),
    ("12 OAK ST SUITE C, D", "12 OAK ST STE C D"),
]  # fmt: skip


@cache
def spelled_keys() -> dict[str, str | None]:
    lines = [line for pair in SPELLINGS for line in pair]
    return dict(zip(lines, normalize_addresses(pl.DataFrame({"address": lines}))["address_key"], strict=True))


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_one_address_in_two_spellings_has_one_key(one: str, other: str) -> None:
    keys = spelled_keys()
    assert keys[one] is not None
    assert keys[one] == keys[other]


HARD = [
    ("12 HIGHLAND VILLA APT 101", "12||HIGHLAND VILLA||", "APT 101"),
    ("1234 NC 55 # 5", "1234||NC 55||", "5"),
    ("8584 E WASHINGTON HWY # 202", "8584|E|WASHINGTON|HWY|", "202"),
    ("1 MEDICAL PARK TOWER 5 SUITE 704", "1||MEDICAL|PARK|", "STE 5-704"),
    ("6189 US Highway 18 And 15", "6189||US HIGHWAY 18 AND 15||", ""),
    ("1234 I ST NW", "1234||I|ST|NW", ""),
    ("1221 AVE OF THE AMERICAS FL 20", "1221||AVENUE OF THE AMERICAS||", "FL 20"),
    ("842 EAST 1700 SOUTH", "842|E|1700||S", ""),
    ("1234 43 1/2 ST S", "1234||43RD 1/2|ST|S", ""),
    ("100 N CAPITOL ST NW", "100|N|CAPITOL|ST|NW", ""),
    ("10400 S AVE M", "10400|S|AVENUE M||", ""),
    ("94-1234 KA UKA BLVD", "94-1234||KA UKA|BLVD|", ""),
    ("4401 N MESA STE 201", "4401|N|MESA||", "STE 201"),
    ("1234 NW 7 ST 5", "1234|NW|7TH|ST|", "5"),
    ("1234 NW 7TH ST RD", "1234|NW|7TH STREET|RD|", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "street", "unit"), HARD)
def test_hard_streets(line: str, street: str, unit: str) -> None:
    assert readings()[line][:2] == (street, unit)


def test_every_line_written_out_is_the_same_address() -> None:
    changed = read_all().filter(pl.col("again").ne_missing(pl.col("address_key")))
    assert changed.select("address", "address_key", "again").rows() == []
