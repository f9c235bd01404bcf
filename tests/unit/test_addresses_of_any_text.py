"""What holds of every address text: it gives a row, its own output reads the same, case and periods say nothing."""

import re
from random import Random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.properties import ADDRESS_COLUMNS, normalize_addresses, one_line
from tests.examples import tried

ANY_TEXT = st.text(max_size=60) | st.text(alphabet="0123456789 ,#-/.&NSEWAPTUNIT", max_size=40)
ROWS = st.lists(st.tuples(ANY_TEXT, st.none() | ANY_TEXT, st.none() | ANY_TEXT), min_size=1, max_size=60)


@tried(12)
@given(ROWS)
def test_every_string_gives_a_row_and_nothing_is_blank(rows: list[tuple[str, str | None, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"address": pl.String, "unit": pl.String, "city": pl.String}, orient="row")
    out = normalize_addresses(frame)
    assert out.height == len(rows)
    assert out["parse_status"].null_count() == 0
    assert not out.select(pl.any_horizontal((pl.col(ADDRESS_COLUMNS) == "").any())).item()


def one_of(*options: str) -> st.SearchStrategy[str]:
    return st.sampled_from(options)


NUMBERS = one_of("12", "7304", "73-04", "120 1/2", "12A", "811 C", "W6543", "0012", "12-A", "N89 W16800", "12-14")
NAMES = one_of("MAIN", "FOX CHASE", "3RD", "THIRD", "81", "SAINT JAMES", "ST LOUIS", "MT VERNON", "NORTH", "LAKE SHORE",
               "BEACH 42", "J C NAPIER", "O'NEIL", "MARTIN LUTHER KING", "PARK", "AVENUE OF THE AMERICAS",
               "WILKES-BARRE", "PEACE & PLENTY", "WEST END",
               "LONG BR", "MC GREGOR", "TWENTY FIRST", "CLUB DR", "C AND N SMITH", "SEVEN OAKS")  # fmt: skip
STREETS_OF_ALL_KINDS = st.tuples(
    one_of("", "N", "SOUTH", "NE"), NAMES, one_of("ST", "STREET", "AVE", "BLVD.", "LN", "TERRACE", "WAY", "PKWY"),
    one_of("", "S", "WEST", "N.W."),
).map(" ".join) | one_of("US HIGHWAY 31", "COUNTY ROAD 12", "STATE ROUTE 9 W", "AVENUE B", "BROADWAY",
                                      "COUNTY ROAD MM", "NW LOOP 410", "OAK CITY HWY", "N WELLS", "CALLE SOL",
                                      "EAST-WEST HWY")  # fmt: skip
UNIT_TEXTS = one_of(
    "",
    " APT 4B",
    " # 5",
    ", 3",
    " UNIT 4-B",
    " REAR",
    " BLDG 2 APT 7",
    " 2ND FL",
    ", PH2",
    " STE 100",
    " # UPPER",
    " 2FL",
    " UNIT SP8",
    " APT UNITC",
    " PHA",
    " #L-F",
    " LOWER LEVEL",
    " NO. 4",
    " UNIT 1 & 2",
    " 1ST FLOOR FRONT",
    " CONDO",
    " 4 C",
)
PLACE_TEXTS = one_of(
    "",
    ", NASHVILLE, TN 37210",
    ", 11370",
    ", SAINT LOUIS, MO",
    " NASHVILLE TN 37210-1234",
    ", MIAMI, FL 33131",
    ", N LITTLE ROCK, AR",
    " SPRING VALLEY NY 10977",
    " ST LOUIS MO",
)
LINES = st.lists(
    st.tuples(NUMBERS, st.just(" "), STREETS_OF_ALL_KINDS, UNIT_TEXTS, PLACE_TEXTS).map("".join),
    min_size=1, max_size=60,
)  # fmt: skip


@tried(10)
@given(LINES)
def test_parsing_its_own_output_changes_nothing(lines: list[str]) -> None:
    first = normalize_addresses(pl.DataFrame({"address": lines}))
    again = normalize_addresses(first.select(one_line().alias("address")))
    changed = first.with_columns(again=again["address_key"]).filter(pl.col("again").ne_missing(pl.col("address_key")))
    assert changed.is_empty(), changed.select("address", "address_key", "again").rows()


@tried(8)
@given(LINES, st.integers(min_value=0, max_value=2**32))
def test_case_and_spacing_and_periods_say_nothing(lines: list[str], seed: int) -> None:
    random = Random(seed)

    def disguise(line: str) -> str:
        line = random.choice([line.lower(), line.title(), line])
        if random.random() < 0.5:
            line = re.sub(r"(?i)\b(st|ave|ln|apt|unit|ste|bldg|pkwy|ne|n|s)\b(?= |$|,)", r"\1.", line)
        line = line.replace(" ", "  ") if random.random() < 0.5 else line
        return random.choice([line, f" {line} ", f"{line}."])

    plain = normalize_addresses(pl.DataFrame({"address": lines}))
    disguised = normalize_addresses(pl.DataFrame({"address": [disguise(line) for line in lines]}))
    assert disguised["address_key"].to_list() == plain["address_key"].to_list()
