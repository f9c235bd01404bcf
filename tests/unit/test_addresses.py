"""The canonical address: parts, key and status of lines that are written out here. What holds of any line is in
`test_addresses_of_any_text`."""

from collections.abc import Iterable

import polars as pl

from leadflow_pipelines.properties import ADDRESS_COLUMNS, normalize_addresses
from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.places import PLACES_FILE, build_places


def parse(address: str | None, **columns: str | None) -> dict[str, str | None]:
    """The address columns of one line, with any own columns."""
    frame = pl.DataFrame({"address": [address], **{name: [value] for name, value in columns.items()}},
                         schema_overrides={"address": pl.String})  # fmt: skip
    return normalize_addresses(frame).select(ADDRESS_COLUMNS).row(0, named=True)


def parse_all(lines: Iterable[str | None]) -> dict[str | None, dict[str, str | None]]:
    """Line → its address columns, all parsed at once."""
    frame = pl.DataFrame({"address": list(lines)}, schema={"address": pl.String})
    return {row["address"]: row for row in normalize_addresses(frame).iter_rows(named=True)}


STREETS = [
    ("1808  FOX CHASE DR", "1808||FOX CHASE|DR||"),
    ("1808 Fox Chase Drive", "1808||FOX CHASE|DR||"),
    ("12 j.c. napier st.", "12||J C NAPIER|ST||"),
    ("404 North Main", "404|N|MAIN|||"),
    ("5 N.E. 5th St", "5|NE|5TH|ST||"),
    ("5 5th Street North East", "5||5TH|ST|NE|"),
    ("24-02 QUEENS PLAZA SOUTH", "24-02||QUEENS|PLZ|S|"),
    ("1962 81 STREET", "1962||81ST|ST||"),
    ("344 BEACH 42 STREET", "344||BEACH 42ND|ST||"),
    ("10 THIRD ST", "10||3RD|ST||"),
    ("10 TWENTY-FIRST ST", "10||21ST|ST||"),
    ("100 SAINT JAMES PLACE", "100||SAINT JAMES|PL||"),
    ("100 ST. JAMES PL", "100||SAINT JAMES|PL||"),
    ("100 MT VERNON AVE", "100||MOUNT VERNON|AVE||"),
    ("100 N AVE", "100||NORTH|AVE||"),
    ("100 NORTH AVENUE", "100||NORTH|AVE||"),
    ("12 AVENUE N", "12||AVENUE N|||"),
    ("123 AVE B", "123||AVENUE B|||"),
    ("9912 S. Avenue H", "9912|S|AVENUE H|||"),
    ("123 E ST NW", "123||E|ST|NW|"),
    ("1234 S 500 E", "1234|S|500||E|"),
    ("N6W23001 BLUEMOUND RD", "N6W23001||BLUEMOUND|RD||"),
    ("100 US HWY 31 W", "100||US HIGHWAY 31||W|"),
    ("5 COUNTY RD 12", "5||COUNTY ROAD 12|||"),
    ("5 CR 12", "5||COUNTY ROAD 12|||"),
    ("120 1/2 MAIN ST", "120 1/2||MAIN|ST||"),
    ("120½ Main St", "120 1/2||MAIN|ST||"),
    ("2705 B DICKERSON PIKE", "2705B||DICKERSON|PIKE||"),
    ("811C POWERS AVE", "811C||POWERS|AVE||"),
    ("1513 B14TH AVE N", "1513B||14TH|AVE|N|"),
    ("333 22ND AVE N .20", "333||22ND|AVE|N|"),
    ("1 SYCAMORE CT 0", "1||SYCAMORE|CT||"),
    ("311 OLD BRICK CHURCH .21", "311||OLD BRICK CHURCH|||"),
    ("100 LOWER RIVER RD", "100||LOWER RIVER|RD||"),
    ("12 FRONT ST", "12||FRONT|ST||"),
    ("100 Peña Blvd", "100||PENA|BLVD||"),
    ("402 A ST FRANCIS AVE", "402A||SAINT FRANCIS|AVE||"),
    ("1713 W U.S. Highway 50", "1713|W|US HIGHWAY 50|||"),
    # House numbers.
    ("0012 OAK ST", "12||OAK|ST||"),
    ("12-A OAK ST", "12A||OAK|ST||"),
    ("12-1/2 OAK ST", "12 1/2||OAK|ST||"),
    ("12 & 14 OAK ST", "12-14||OAK|ST||"),
    ("12, OAK ST", "12||OAK|ST||"),
    ("N89 W16800 APPLE AVE", "N89W16800||APPLE|AVE||"),
    ("W 6543 OAK RD", "W6543||OAK|RD||"),
    ("ONE S OAK ST", "1|S|OAK|ST||"),
    ("ONE OAK PLAZA", "1||OAK|PLZ||"),
    ("728 C AND N SMITH MILL RD", "728||C AND N SMITH MILL|RD||"),
    # What stands before the house number.
    ("C/O JANE ROE 12 OAK ST", "12||OAK|ST||"),
    ("ATTN TAX DEPT 12 OAK ST", "12||OAK|ST||"),
    ("Jane Roe 12 Oak Street", "12||OAK|ST||"),
    ("URB VILLA LUNA 12 CALLE SOL", "12||CALLE SOL|||"),
    ("CALLE SOL #12", "12||CALLE SOL|||"),
    # Routes, with periods, letters and without the word.
    ("12 STATE RT. 159", "12||STATE ROUTE 159|||"),
    ("12 S. Rte. 120", "12|S|ROUTE 120|||"),
    ("12 N. U.S. Hwy. 45", "12|N|US HIGHWAY 45|||"),
    ("12 S.R. 9", "12||STATE ROUTE 9|||"),
    ("12 COUNTY ROAD E", "12||COUNTY ROAD E|||"),
    ("W6543 COUNTY RD MM", "W6543||COUNTY ROAD MM|||"),
    ("12 CTH M", "12||COUNTY HIGHWAY M|||"),
    ("12 HIGHWAY A1A", "12||HIGHWAY A1A|||"),
    ("12 RM 620 N", "12||RANCH ROAD 620||N|"),
    ("12 FM-1960", "12||FM 1960|||"),
    ("12 N.W. LOOP 410", "12|NW|LOOP 410|||"),
    ("12 PRIVATE ROAD 7", "12||PRIVATE ROAD 7|||"),
    ("12 OLD HWY 70 S", "12||OLD HIGHWAY 70||S|"),
    # Directionals that are names, and names that are suffixes.
    ("1520 N WELLS", "1520|N|WELLS|||"),
    ("12 W. END AVE", "12||WEST END|AVE||"),
    ("12 E-W HIGHWAY", "12||EAST WEST|HWY||"),
    ("12 EAST-WEST HWY", "12||EAST WEST|HWY||"),
    ("12 AVON ST EXT", "12||AVON STREET|EXT||"),
    ("12 AVON STREET EXTENSION", "12||AVON STREET|EXT||"),
    ("12 LONG BR RD", "12||LONG BRANCH|RD||"),
    # The same name with other signs.
    ("12 PEACE & PLENTY LN", "12||PEACE AND PLENTY|LN||"),
    ("12 WILKES-BARRE BLVD", "12||WILKES BARRE|BLVD||"),
    ("12 O'NEIL CT", "12||ONEIL|CT||"),
    ("12 O NEIL CT", "12||ONEIL|CT||"),
    ("12 MC GREGOR BLVD", "12||MCGREGOR|BLVD||"),
    ("12 3D AVE", "12||3RD|AVE||"),
    ("12 TWENTYFIRST ST", "12||21ST|ST||"),
    ("12 MARTIN LUTHER KING, JR. BLVD", "12||MARTIN LUTHER KING|BLVD||"),
    ("12 69AVE", "12||69TH|AVE||"),
]  # fmt: skip
"""Line; number|pre|name|suffix|post|unit."""
UNITS = [
    ("635 7TH AVE S APT 603", "APT", "603"),
    ("635 7TH AVE S, Apartment 603", "APT", "603"),
    ("211 PRINTERS ALY # 402", None, "402"),
    ("211 PRINTERS ALY #402", None, "402"),
    ("211 PRINTERS ALY STE 4-B", "STE", "4B"),
    ("211 PRINTERS ALY UNIT 4 B", "UNIT", "4B"),
    ("211 PRINTERS ALY APT4B", "APT", "4B"),
    ("19-37 80TH STREET, 1", None, "1"),
    ("229-18 87TH AVENUE, 44-23", None, "44-23"),
    ("1382 RURAL HILL RD 341 0", None, "341"),
    ("100 BROADWAY 4B", None, "4B"),
    ("100 MAIN ST 2ND FL", "FL", "2"),
    ("100 MAIN ST SECOND FLOOR", "FL", "2"),
    ("100 MAIN ST REAR", "REAR", None),
    ("100 MAIN ST, PH2", "PH", "2"),
    ("100 MAIN ST BLDG 3 APT 12", "APT", "3-12"),
    ("100 MAIN ST, N/A", None, None),
    ("5 FRONT ST", None, None),
    ("5 HUNTER, PH", "PH", None),
    ("5 BROADWAY REAR", "REAR", None),
    ("47 S MERIDIAN ST 2 FLOOR", "FL", "2"),
    ("12 OAK ST # 2FL", "FL", "2"),
    ("12 OAK ST LOWER LEVEL", "LOWR", None),
    ("12 OAK ST GROUND FLOOR", "FL", "G"),
    ("12 OAK ST 1ST FLOOR FRONT", "FRNT", "1"),
    ("12 OAK ST, # UPPER", "UPPR", None),
    ("12 OAK ST UNIT SP8", "SPC", "8"),
    ("12 OAK ST APT UNITC", "APT", "C"),
    ("12 OAK ST 4 C", None, "4C"),
    ("12 OAK ST NO. 4", None, "4"),
    ("12 OAK ST STE A&B", "STE", "AB"),
    ("12 OAK ST UNIT 1 & 2", "UNIT", "1-2"),
    ("12 OAK ST PHA", None, "PHA"),
    ("12 OAK ST, #L-F", None, "LF"),
    ("12 OAK ST L-F", None, "LF"),
    ("12 OAK ST CONDO", None, "CONDO"),
    ("12APT4B OAK ST", "APT", "4B"),
    ("APT 4 12 OAK ST", "UNIT", "4"),
    ("#4, 12 OAK ST, NASHVILLE, TN 37210", None, "4"),
    ("3825 OAK CITY HWY # 6", None, "6"),
    ("12 PEACH ST, NE STE 5, ATLANTA, GA 30303", "STE", "5"),
]  # fmt: skip
"""Line; unit_type, unit_number."""
ONE_LINES = [
    ("1 OAK ST, GOODLETTSVILLE", "GOODLETTSVILLE", None, None, None),
    ("1 OAK ST, GOODLETTSVILLE, TN", "GOODLETTSVILLE", "TN", None, None),
    ("1 Oak St, Nashville, Tennessee 37210-1234", "NASHVILLE", "TN", "37210", "1234"),
    ("1 OAK ST NASHVILLE TN 37210", "NASHVILLE", "TN", "37210", None),
    ("1 OAK ST APT 4 NASHVILLE TN 37210 USA", "NASHVILLE", "TN", "37210", None),
    ("1 OAK ST, APT 4, ST. LOUIS, MO 63101", "SAINT LOUIS", "MO", "63101", None),
    ("1 OAK ST, 11370", None, None, "11370", None),
    ("1 OAK ST, NEW YORK, NY", "NEW YORK", "NY", None, None),
    ("1 OAK ST, NEW YORK", "NEW YORK", None, None, None),
    ("1 OAK ST SALT LAKE CITY UT", "SALT LAKE CITY", "UT", None, None),
    ("12 WOODSTOCK CT", None, None, None, None),
    ("12 OAK CT 37210", None, None, "37210", None),
    ("245 COUNTY ROAD 12045", None, None, None, None),
    ("1 OAK ST, NASHVILLE, TN 99999", "NASHVILLE", "TN", None, None),
    ("LINCOLN CENTER, 1 OAK ST, NEW YORK, NY 10023", "NEW YORK", "NY", "10023", None),
    ("1 OAK ST\n  APT 4\r\nNASHVILLE\tTN 37210", "NASHVILLE", "TN", "37210", None),
    ("1254 Centra Villa Dr, SW, Atlanta, GA 30310", "ATLANTA", "GA", "30310", None),
    ("1640 Oak Rd, Suite 100 Marietta, GA 30067", "MARIETTA", "GA", "30067", None),
    ("10 Flint Road, Amherst, New York, 14226", "AMHERST", "NY", "14226", None),
    ("12 ELM ST, HOBOKEN, NJ 7030", "HOBOKEN", "NJ", "07030", None),
    ("465 PECK LN CHESHIRE CT", "CHESHIRE", "CT", None, None),
    ("101-39 Lefferts Boulevard, NY 11419", None, "NY", "11419", None),
    ("12 ELM ST SUMMIT NJ 07901", "SUMMIT", "NJ", "07901", None),
    ("12 Peach St, NE Atlanta, GA 30303", "ATLANTA", "GA", "30303", None),
    ("12 OAK ST SE E GRAND RAPIDS, MI 49506", "EAST GRAND RAPIDS", "MI", "49506", None),
    ("12 OAK ST, N Little Rock, AR", "NORTH LITTLE ROCK", "AR", None, None),
    ("12 OAK ST, CLEVELAND HTS, OH 44118", "CLEVELAND HEIGHTS", "OH", "44118", None),
    ("12 OAK AVE. WHITES CREEK TN", "WHITES CREEK", "TN", None, None),
    ("12 BROADWAY LAKE FOREST IL 60045", "LAKE FOREST", "IL", "60045", None),
    ("12 AVENUE B # A SPRING VALLEY NY 10977", "SPRING VALLEY", "NY", "10977", None),
    ("12 OAK ST, PHOENIX, AZ 85003 US", "PHOENIX", "AZ", "85003", None),
    ("12 MELISSA CT 1754", None, None, None, None),
    ("2616 20th St S, St. Petersburg, FL 33712-3824", "SAINT PETERSBURG", "FL", "33712", "3824"),
]  # fmt: skip
"""Line; city, state, zip5, zip4."""
STATUSES = [
    ("1 OAK ST, NASHVILLE, TN", "ok", True),
    ("N/A ROCKAWAY BLVD, 11434", "partial", False),
    ("0 RED BUD TER", "partial", False),
    ("OLD HICKORY BLVD", "partial", False),
    ("81 STREET", "partial", False),
    ("PO BOX 123, NASHVILLE, TN 37202", "po_box", False),
    ("P.O. Box 5", "po_box", False),
    ("RR 2 BOX 18, NOLENSVILLE, TN 37135", "rural_route", True),
    ("RURAL ROUTE 2, BOX 18A", "rural_route", True),
    ("PSC 802 BOX 74, APO, AE 09499", "military", True),
    ("UNIT 2050 BOX 4190, APO AP 96278", "military", True),
    ("TWO NOTCH RD, COLUMBIA, SC", "partial", False),
    ("SUGAR CREEK PHASE 2 OAK RD", "partial", False),
    ("OLD STATE ROUTE 9 BYPASS", "partial", False),
    ("BEACH 42 STREET", "partial", False),
    ("MAIN ST & 1ST AVE, NASHVILLE, TN", "intersection", False),
    ("NWC MAIN ST & 1ST AVE", "intersection", False),
    ("MAIN ST / 1ST AVE", "intersection", False),
    ("Main St at 1st Ave", "intersection", False),
    ("UNKNOWN", "unparsed", False),
    ("*** ???", "unparsed", False),
    ("", "missing", False),
    (None, "missing", False),
]  # fmt: skip
"""Line; parse_status, whether it has a key."""


def test_streets() -> None:
    parsed = parse_all(line for line, _ in STREETS)
    assert {line: str(parsed[line]["address_key"]).rpartition("|")[0] for line, _ in STREETS} == dict(STREETS)


def test_units() -> None:
    parsed = parse_all(line for line, *_ in UNITS)
    found = {line: (parsed[line]["unit_type"], parsed[line]["unit_number"]) for line in parsed}
    assert found == {line: unit for line, *unit_ in UNITS for unit in [tuple(unit_)]}
    assert all(row["house_number"] and row["street_name"] for row in parsed.values())


def test_places_in_one_line() -> None:
    parsed = parse_all(line for line, *_ in ONE_LINES)
    found = {line: [row[name] for name in ("city", "state", "zip5", "zip4")] for line, row in parsed.items()}
    assert found == {line: list(place) for line, *place in ONE_LINES}
    assert all(row["house_number"] and row["street_name"] for row in parsed.values())


def test_what_does_not_identify_has_no_key() -> None:
    parsed = parse_all(line for line, *_ in STATUSES)
    found = {line: (row["parse_status"], row["address_key"] is not None) for line, row in parsed.items()}
    assert found == {line: (status, has_key) for line, status, has_key in STATUSES}


def test_queens_numbers_are_one_with_and_without_hyphen() -> None:
    keys = {parse(f"{number} 81ST STREET", zip="11370")["address_key"] for number in ("1962", "19-62")}
    assert keys == {"1962||81ST|ST|||11370"}
    assert parse("19-62 81ST ST", city="Ridgewood", state="NY")["address_key"].startswith("1962|")


def test_a_zip_of_its_own_makes_another_number_a_unit() -> None:
    assert parse("14-08 OAK LN, 26142", zip="11360")["address_key"] == "1408||OAK|LN||26142|11360"
    assert parse("14-08 OAK LN APARTMENT 15821", zip="11360")["unit_number"] == "15821"
    assert parse("30-02 39TH AVENUE, LA", zip="11101")["unit_number"] == "LA"


def test_elsewhere_a_hyphen_is_part_of_the_number() -> None:
    assert parse("10-12 MAIN ST", zip="37210")["address_key"] != parse("1012 MAIN ST", zip="37210")["address_key"]


DIFFERENT = [
    ("12 OAK ST APT 1", "12 OAK ST APT 2"),
    ("12 OAK ST", "12 OAK ST APT 2"),
    ("12 OAK ST", "12 OAK AVE"),
    ("12 OAK ST", "12A OAK ST"),
    ("12 OAK ST", "14 OAK ST"),
    ("12 OAK ST", "12 N OAK ST"),
    ("12 OAK ST REAR", "12 OAK ST"),
    ("12 OAK ST PH 2", "12 OAK ST APT 2"),
    ("12 OAK ST APT 44-23", "12 OAK ST APT 4423"),
    ("12 OAK ST, NASHVILLE, TN", "12 OAK ST, MEMPHIS, TN"),
]


def test_different_properties_have_different_keys() -> None:
    parsed = parse_all({line for pair in DIFFERENT for line in pair})
    same = [pair for pair in DIFFERENT if parsed[pair[0]]["address_key"] == parsed[pair[1]]["address_key"]]
    assert same == []


def test_own_columns_win_over_the_line() -> None:
    parts = parse("1 OAK ST APT 9, MEMPHIS, TN 38103", unit="Unit 7", city="nashville", zip="37210-0001")
    assert (parts["city"], parts["zip5"], parts["zip4"], parts["unit_number"]) == ("NASHVILLE", "37210", "0001", "7")
    parts = parse("1 OAK ST, MEMPHIS, TN 38103", street="2 ELM AVE")
    assert (parts["house_number"], parts["street_name"], parts["city"]) == ("2", "ELM", "MEMPHIS")


def test_split_columns_with_a_comma_in_the_street() -> None:
    frame = pl.DataFrame({"street": ["19-37 80TH STREET, 1"], "unit": ["1"], "zip": ["11370.0"]})
    row = normalize_addresses(frame).row(0, named=True)
    assert row["address_key"] == "1937||80TH|ST||1|11370"


def test_rows_keep_order_number_and_columns() -> None:
    frame = pl.DataFrame({"id": [3, 1, 2], "address": ["1 OAK ST", None, "1 OAK ST"], "suffix": ["x", "y", "z"]})
    out = normalize_addresses(frame)
    assert out["id"].to_list() == [3, 1, 2]
    assert out["suffix"].to_list() == ["ST", None, "ST"]
    assert set(out.columns) == {"id", "address", *ADDRESS_COLUMNS}
    assert normalize_addresses(frame.clear()).height == 0
    assert normalize_addresses(pl.DataFrame({"id": [1, 2]}))["parse_status"].to_list() == ["missing"] * 2
    assert normalize_addresses(frame.with_columns(address=pl.lit(None)))["address_key"].null_count() == 3


def test_long_names_and_many_words_pass() -> None:
    parts = parse("12 " + "X" * 10_000 + " ST")
    assert (parts["house_number"], parts["suffix"]) == ("12", "ST")
    assert parse("12 " + "A, " * 3000)["parse_status"] == "ok"


def test_chunks_and_repeats_do_not_matter() -> None:
    lines = [f"{number} OAK ST APT {number % 7}, NASHVILLE, TN 37210" for number in range(500)]
    whole = normalize_addresses(pl.DataFrame({"address": lines * 3}))["address_key"]
    alone = [parse(line)["address_key"] for line in lines[:3]]
    assert whole.to_list()[500:503] == alone
    assert whole.n_unique() == 500


def test_the_zip_table_is_the_packages() -> None:
    assert PLACES_FILE.exists()
    assert build_places().equals(places.zip_table())
