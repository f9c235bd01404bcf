"""The same parcels as different providers write them: seeded, vectorised, with every change named.

Here: what a provider does to an address, a parcel number, an owner. Not here: the parcels (`parcels`), the lookalikes
beside them (`lookalikes`), the measuring (`test_identity_accuracy`).

EASY changes formatting only. HARD also damages ADDRESS_FAULTS_ONE of the records with one fault of FAULTS, and
ADDRESS_FAULTS_TWO with two, and writes owners and parcel numbers as differently as sources do.
"""

from typing import Literal

import polars as pl

from leadflow_pipelines.properties.addresses.places import zip_table
from tests.accuracy.parcels import DIRECTION_NAMES, SUFFIX_FORMS

Level = Literal["easy", "hard"]

ADDRESS_FAULTS_ONE, ADDRESS_FAULTS_TWO = 0.28, 0.08
"""Measured: scourgify's exact strings find 0.41 of the pairs that they find in easy dialects (0.60, 0.39, 0.63)."""
FAULTS = {
    "typo": 3.0, "moved_directional": 2.0, "dropped_directional": 1.5, "dropped_suffix": 2.0, "city_alias": 2.0,
    "missing_zip": 2.0, "neighbouring_zip": 1.5, "missing_city": 2.0, "unit_respelled": 1.0,
}  # fmt: skip
"""Address faults with their weight among those that an address can have."""
LAYOUTS = {
    "county_roll": "columns", "assessor_feed": "street_unit", "listing": "line", "vendor": "columns",
    "mailer": "plain_line", "tax_list": "street_unit",
}  # fmt: skip
"""Source to how it lays an address out: own columns, unit within the street, one line with or without commas."""
RECORD_COLUMNS = (
    "record_id", "source", "address", "street", "unit", "city", "state", "zip", "parcel_number", "county_fips",
    "owner_name", "truth", "kind", "changes",
)  # fmt: skip
_ORDINALS = [
    "FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH", "ELEVENTH",
    "TWELFTH", "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH", "SEVENTEENTH", "EIGHTEENTH", "NINETEENTH",
    "TWENTIETH",
]  # fmt: skip
_TENS = ["TWENTY", "THIRTY", "FORTY", "FIFTY", "SIXTY", "SEVENTY", "EIGHTY", "NINETY"]
_ORDINAL_WORDS = {str(number): word for number, word in enumerate(_ORDINALS, start=1)} | {
    str(tens * 10 + number): f"{word}-{_ORDINALS[number - 1]}"
    for tens, word in enumerate(_TENS, start=2)
    for number in range(1, 10)
}
_SHORT_WORDS = {
    "SAINT ": "ST ", "MOUNT ": "MT ", "FORT ": "FT ", "AVENUE ": "AVE ", "HIGHWAY ": "HWY ", "STATE ROUTE ": "SR ",
    "COUNTY ROAD ": "CO RD ",
}  # fmt: skip
_ROUTE = "^BEACH |HIGHWAY|ROUTE|COUNTY ROAD"
_TWO_PART_UNIT = r"^(?:(\d{1,3})([A-Z])|([A-Z])(\d{1,3}))$"
_COMPANY = r"\b(?:LLC|L L C|INC|CORP|LP|LTD|TRUST|COMPANY|CO|PARTNERS|REALTY|ASSOCIATES|BANK|CHURCH|OF)\b"


class _Draws:
    """Independent uniform columns in [0, 1): each one a seeded permutation of the rows, so that rates are exact."""

    def __init__(self, seed: int) -> None:
        self._next = seed * 1_000

    def uniform(self) -> pl.Expr:
        self._next += 1
        return pl.int_range(pl.len()).shuffle(seed=self._next) / pl.len()

    def chance(self, rate: float) -> pl.Expr:
        return self.uniform() < rate

    def one_of(self, count: int) -> pl.Expr:
        return (self.uniform() * count).floor().cast(pl.Int64)


def write_dialects(parcels: pl.DataFrame, level: Level, seed: int = 0) -> pl.DataFrame:
    """RECORD_COLUMNS: each parcel (PARCEL_COLUMNS) as two to five sources write it, in random order of rows.

    changes: the names of what was done to the record; truth: its parcel_id; kind: the parcel's.
    """
    draws = _Draws(seed + 1)
    records = _copies(parcels, draws)
    if level == "hard":
        records = _damage(records, draws)
    records = _format_street(records, draws)
    records = _format_unit_and_zip(records, draws)
    records = _format_parcel_numbers(records, draws, level)
    records = _format_owners(records, draws, level)
    records = _lay_out(records, draws)
    flags = [name for name in records.columns if name.startswith("did_")]
    changes = pl.concat_list(pl.when(flag).then(pl.lit(flag.removeprefix("did_"))) for flag in flags).list.drop_nulls()
    return (
        records.with_columns(changes=changes)
        .with_columns(record_id=pl.format("r{}", pl.int_range(pl.len())), truth="parcel_id")
        .select(RECORD_COLUMNS)
        .sample(fraction=1.0, shuffle=True, seed=seed)
    )


def _copies(parcels: pl.DataFrame, draws: _Draws) -> pl.DataFrame:
    """One row per parcel and each of two to five sources."""
    parcels = parcels.with_columns(wanted=2 + draws.one_of(4), is_grid=pl.col("suffix").is_null())
    sources = pl.DataFrame({"source": list(LAYOUTS), "layout": list(LAYOUTS.values())})
    rows = parcels.join(sources, how="cross").with_columns(drawn=draws.uniform())
    return rows.filter(pl.col("drawn").rank("ordinal").over("parcel_id") <= pl.col("wanted")).drop("drawn", "wanted")


def _damage(records: pl.DataFrame, draws: _Draws) -> pl.DataFrame:
    """Faults that no formatting explains, one or two in some of the records, chosen among those that can be."""
    places = zip_table()
    aliases = places.select("zip", aliases=pl.col("aliases").list.set_difference(pl.concat_list("city")))
    records = records.join(aliases, on="zip", how="left", maintain_order="left")
    records = records.join(next_zips(records["zip"].drop_nulls().unique()), on="zip", how="left", maintain_order="left")
    has_direction = pl.col("pre").is_not_null() | pl.col("post").is_not_null()
    has_zip = pl.col("zip").is_not_null()
    possible = {
        "typo": pl.col("name").str.contains(r"^\D*[A-Z]{5,}")
        & ~pl.col("name").str.contains("^BEACH |HIGHWAY|ROUTE|COUNTY ROAD"),
        "moved_directional": has_direction & (pl.col("pre").is_null() | pl.col("post").is_null()),
        "dropped_directional": has_direction,
        "dropped_suffix": pl.col("suffix").is_not_null(),
        "city_alias": pl.col("aliases").list.len() > 0,
        "missing_zip": has_zip,
        "neighbouring_zip": has_zip & (pl.col("next_zips").list.len() > 0),
        "missing_city": has_zip,
        "unit_respelled": pl.col("unit").str.contains(_TWO_PART_UNIT),
    }
    # The weighted draw of Efraimidis and Spirakis: least -ln(u)/weight first.
    keys = [
        pl.when(can).then(-(draws.uniform() + 1e-9).log() / FAULTS[name]).alias(f"key_{name}")
        for name, can in possible.items()
    ]
    count = draws.uniform()
    faults = (
        pl.when(count < ADDRESS_FAULTS_TWO).then(2)
        .when(count < ADDRESS_FAULTS_TWO + ADDRESS_FAULTS_ONE).then(1).otherwise(0)
    )  # fmt: skip
    records = records.with_columns(*keys, faults=faults)
    ordered = pl.concat_list(f"key_{name}" for name in possible).list.drop_nulls().list.sort()
    bound = ordered.list.get(pl.col("faults") - 1, null_on_oob=True)
    records = records.with_columns(bound=pl.when(pl.col("faults") > 0).then(pl.coalesce(bound, ordered.list.last())))
    records = records.with_columns(
        (pl.col(f"key_{name}") <= pl.col("bound")).fill_null(value=False).alias(f"did_{name}") for name in possible
    )
    # Something must say where the parcel lies; and a dropped directional cannot move.
    records = records.with_columns(
        did_missing_city=pl.col("did_missing_city") & ~pl.col("did_missing_zip") & ~pl.col("did_neighbouring_zip"),
        did_neighbouring_zip=pl.col("did_neighbouring_zip") & ~pl.col("did_missing_zip"),
        did_moved_directional=pl.col("did_moved_directional") & ~pl.col("did_dropped_directional"),
    ).with_columns(did_city_alias=pl.col("did_city_alias") & ~pl.col("did_missing_city"))
    gone, moved = pl.col("did_dropped_directional"), pl.col("did_moved_directional")
    any_of = draws.uniform()
    hyphened = pl.col("unit").str.replace(_TWO_PART_UNIT, "${1}${3}-${2}${4}")
    return records.with_columns(
        name=pl.when("did_typo").then(_typo(draws)).otherwise("name"),
        pre=pl.when(gone).then(None).when(moved).then("post").otherwise("pre"),
        post=pl.when(gone).then(None).when(moved).then("pre").otherwise("post"),
        suffix=pl.when(~pl.col("did_dropped_suffix")).then("suffix"),
        unit=pl.when("did_unit_respelled").then(hyphened).otherwise("unit"),
        city=pl.when("did_city_alias").then(_draw_from("aliases", any_of))
        .when(~pl.col("did_missing_city")).then("city"),
        zip=pl.when("did_neighbouring_zip").then(_draw_from("next_zips", any_of))
        .when(~pl.col("did_missing_zip")).then("zip"),
    ).drop("^key_.*$", "bound", "faults", "aliases", "next_zips")  # fmt: skip


def _draw_from(lists: str, drawn: pl.Expr) -> pl.Expr:
    return pl.col(lists).list.get((drawn * pl.col(lists).list.len()).floor().cast(pl.Int64), null_on_oob=True)


def next_zips(zips: pl.Series) -> pl.DataFrame:
    """zip, next_zips: the three nearest deliverable ZIPs of the same county."""
    near = zip_table().filter(zip_type="STANDARD").select("zip", "county_fips", "lat", "lon")
    pairs = near.filter(pl.col("zip").is_in(zips.implode())).join(near, on="county_fips", suffix="_next")
    away = (pl.col("lat") - pl.col("lat_next")) ** 2 + (0.75 * (pl.col("lon") - pl.col("lon_next"))) ** 2
    return (
        pairs.filter(pl.col("zip") != pl.col("zip_next")).sort(away, "zip_next")
        .group_by("zip").agg(next_zips=pl.col("zip_next").head(3))
    )  # fmt: skip


def _typo(draws: _Draws) -> pl.Expr:
    """The name with one letter missing, doubled, wrong, or exchanged with the next; never the first of the name."""
    name = pl.col("name")
    length = name.str.len_chars()
    at = (1 + draws.uniform() * (length - 2)).floor().cast(pl.Int64)
    head, letter, tail = name.str.slice(0, at), name.str.slice(at, 1), name.str.slice(at + 1)
    wrong = pl.lit(pl.Series(list("ETAOINSRHLDCUM"))).gather(draws.one_of(14))
    kind = draws.one_of(4)
    edited = (
        pl.when(kind == 0).then(head + tail)
        .when(kind == 1).then(head + letter + letter + tail)
        .when(kind == 2).then(head + wrong + tail)
        .otherwise(head + tail.str.slice(0, 1) + letter + tail.str.slice(1))
    )  # fmt: skip
    # Blanks and digits are no letters to mistype, and a wrong letter may be the right one.
    usable = letter.str.contains("[A-Z]") & tail.str.contains("^[A-Z]") & (edited != name)
    return pl.when(usable).then(edited).otherwise(name.str.replace(r"([A-Z])([A-Z])([A-Z]*)$", "${1}${3}"))


def _format_street(records: pl.DataFrame, draws: _Draws) -> pl.DataFrame:
    """written: house number to post-directional in one of the ways in which the same street is spelled."""
    name = pl.col("name")
    # 500 without a type is a grid's street (1234 S 500 E), which no one writes as 500TH.
    number = pl.when(~pl.col("is_grid")).then(name.str.extract(r"(?:^|^BEACH )(\d+)$", 1))
    how, words = draws.uniform(), number.replace_strict(_ORDINAL_WORDS, default=None)
    spells = (how < 0.25) & words.is_not_null()
    bare = (how > 0.8) & number.is_not_null() & (pl.col("county_fips") == "36081") & pl.col("suffix").is_not_null()
    tail = number.str.to_integer(strict=False)
    ending = (
        pl.when((tail % 100).is_between(11, 13)).then(pl.lit("TH"))
        .when(tail % 10 == 1).then(pl.lit("ST")).when(tail % 10 == 2).then(pl.lit("ND"))
        .when(tail % 10 == 3).then(pl.lit("RD")).otherwise(pl.lit("TH"))
    )  # fmt: skip
    beach = pl.when(name.str.starts_with("BEACH ")).then(pl.lit("BEACH ")).otherwise(pl.lit(""))
    shortens = name.str.contains(r"^(?:SAINT|MOUNT|FORT|AVENUE) \w|^(?:US |STATE )?HIGHWAY|ROUTE|COUNTY ROAD")
    shortens &= draws.chance(0.5)
    shortened = name.str.replace_many(_SHORT_WORDS)
    unhyphened = (
        pl.col("house_number").str.contains("-") & (pl.col("county_fips") == "36081") & draws.chance(0.35)
    )  # fmt: skip
    records = records.with_columns(
        did_ordinal_words=spells.fill_null(value=False),
        did_ordinal_bare=bare.fill_null(value=False) & ~spells.fill_null(value=False),
        did_short_word=shortens,
        did_unhyphenated_number=unhyphened,
        did_directional_words=draws.chance(0.4) & (pl.col("pre").is_not_null() | pl.col("post").is_not_null()),
        did_suffix_form=draws.chance(0.55) & pl.col("suffix").is_not_null(),
        did_periods=draws.chance(0.15),
    ).with_columns(
        name=pl.when("did_ordinal_words").then(beach + words).when("did_ordinal_bare").then("name")
        .when(number.is_not_null()).then(beach + number + ending)
        .when("did_short_word").then(shortened).otherwise("name"),
        house_number=pl.when("did_unhyphenated_number").then(pl.col("house_number").str.replace("-", ""))
        .otherwise("house_number"),
    )  # fmt: skip
    forms = pl.col("suffix").replace_strict({full: list(short) for full, short in SUFFIX_FORMS.items()}, default=None)
    short = forms.list.get((draws.uniform() ** 3 * forms.list.len()).floor().cast(pl.Int64), null_on_oob=True)
    stop = pl.when("did_periods").then(pl.lit(".")).otherwise(pl.lit(""))
    suffix = pl.when("did_suffix_form").then(pl.coalesce(short + stop, "suffix")).otherwise("suffix")
    direction = [
        pl.when("did_directional_words").then(pl.col(side).replace(DIRECTION_NAMES)).otherwise(pl.col(side) + stop)
        for side in ("pre", "post")
    ]
    parts = pl.concat_str("house_number", direction[0], "name", suffix, direction[1], separator=" ", ignore_nulls=True)
    return records.with_columns(written=parts)


def _format_unit_and_zip(records: pl.DataFrame, draws: _Draws) -> pl.DataFrame:
    """written_unit, with its comma or blank in front where it follows a street; zip with its four digits more."""
    mark = draws.one_of(6)
    # A bare unit in a line without commas could be anything: no formatting, but a loss.
    in_line = pl.col("layout") == "plain_line"
    marked = (
        pl.when(mark == 0).then(pl.lit("APT ")).when(mark == 1).then(pl.lit("APARTMENT "))
        .when(mark == 2).then(pl.lit("UNIT ")).when((mark == 3) | in_line).then(pl.lit("#"))
        .when(mark == 4).then(pl.lit("# ")).otherwise(pl.lit(""))
    )  # fmt: skip
    plus4 = (1000 + draws.one_of(8999)).cast(pl.String)
    return records.with_columns(
        written_unit=marked + pl.col("unit"),
        did_bare_unit=((marked == "") & pl.col("unit").is_not_null()),
        did_unit_comma=pl.col("unit").is_not_null() & draws.chance(0.5),
        did_zip4=pl.col("zip").is_not_null() & draws.chance(0.25),
    ).with_columns(zip=pl.when("did_zip4").then(pl.col("zip") + "-" + plus4).otherwise("zip"))


def _format_parcel_numbers(records: pl.DataFrame, draws: _Draws, level: Level) -> pl.DataFrame:
    number = pl.col("parcel_number")
    how = draws.uniform()
    borough = number.str.extract_groups(r"^(\d)(\d{5})(\d{4})$")
    cut = [borough.struct.field(str(part)) for part in (1, 2, 3)]
    dashed = pl.coalesce(pl.concat_str(cut, separator="-"), number.str.replace_all(" ", "-"))
    lost, unpadded, no_county = (0.3, 0.05, 0.15) if level == "hard" else (0.15, 0.0, 0.0)
    plain = pl.concat_str([cut[0], cut[1].str.strip_chars_start("0"), cut[2].str.strip_chars_start("0")], separator=" ")
    return records.with_columns(
        did_parcel_missing=how < lost,
        did_parcel_repunctuated=how.is_between(lost, lost + 0.35, closed="left"),
        did_parcel_unpadded=(how > 1 - unpadded) & plain.is_not_null(),
        did_county_missing=draws.chance(no_county),
    ).with_columns(
        parcel_number=pl.when("did_parcel_missing").then(None).when("did_parcel_unpadded").then(plain)
        .when("did_parcel_repunctuated").then(
            pl.when(draws.chance(0.5)).then(dashed).otherwise(number.str.replace_all(r"[^0-9A-Z]", ""))
        ).otherwise(number),
        county_fips=pl.when(~pl.col("did_county_missing")).then("county_fips"),
    )  # fmt: skip


def _format_owners(records: pl.DataFrame, draws: _Draws, level: Level) -> pl.DataFrame:
    """LAST, FIRST M & SPOUSE turned round, shortened, or another owner's name after a sale; companies respelled."""
    owner = pl.col("owner_name")
    if level == "easy":
        return records
    name = owner.str.extract_groups(r"^([^,&]+), *([^,&]+?)(?: *& *(.+))?$")
    last, first, spouse = (name.struct.field(str(part)) for part in (1, 2, 3))
    is_company = owner.str.contains(_COMPANY)
    is_person = ~is_company & last.is_not_null()
    and_spouse = (pl.lit(" & ") + spouse).fill_null("")
    how = draws.one_of(7)
    person = (
        pl.when(how == 0).then(first + and_spouse + " " + last)
        .when(how == 1).then(last + " " + first + and_spouse)
        .when(how == 2).then(last + " " + first)
        .when(how == 3).then(first.str.head(1) + " " + last)
        .when(how == 4).then(last + ", " + first.str.extract(r"^(\S+)", 1))
        .when(how == 5).then(first + " " + last + (pl.when(spouse.is_not_null()).then(pl.lit(" ET UX"))).fill_null(""))
        .otherwise(owner)
    )  # fmt: skip
    company = (
        pl.when(how < 2).then(owner.str.replace(r"\bLLC\b", "L.L.C."))
        .when(how == 2).then(owner.str.replace(r",? *\b(?:LLC|L L C|INC|CORP)\b\.?$", ""))
        .when(how == 3).then(owner.str.replace(r" \bLLC\b", ", LLC")).otherwise(owner)
    )  # fmt: skip
    lost = draws.uniform()
    return records.with_columns(
        did_owner_missing=lost < 0.2,
        did_owner_changed=lost.is_between(0.2, 0.25, closed="left"),
        did_owner_variant=(lost >= 0.25) & ((is_person & (how < 6)) | (is_company & (how < 4))).fill_null(value=False),
    ).with_columns(
        owner_name=pl.when("did_owner_missing").then(None)
        .when("did_owner_changed").then(owner.shuffle(seed=17))
        .when("did_owner_variant").then(pl.when(is_company).then(company).otherwise(person)).otherwise(owner)
    )  # fmt: skip


def _lay_out(records: pl.DataFrame, draws: _Draws) -> pl.DataFrame:
    """Columns or one line, then letter case and blanks, which touch every text alike."""
    layout = pl.col("layout")
    apart = pl.when("did_unit_comma").then(pl.lit(", ")).otherwise(pl.lit(" "))
    street_and_unit = pl.col("written") + pl.coalesce(apart + pl.col("written_unit"), pl.lit(""))
    state_zip = pl.concat_str("state", "zip", separator=" ", ignore_nulls=True)
    line = pl.concat_str(street_and_unit, "city", state_zip, separator=", ", ignore_nulls=True)
    plain = pl.concat_str(street_and_unit.str.replace_all(",", ""), "city", state_zip, separator=" ", ignore_nulls=True)
    in_columns = layout.is_in(["columns", "street_unit"])
    records = records.with_columns(
        address=pl.when(layout == "line").then(line).when(layout == "plain_line").then(plain),
        street=pl.when(layout == "columns").then("written").when(layout == "street_unit").then(street_and_unit),
        unit=pl.when(layout == "columns").then("written_unit"),
        city=pl.when(in_columns).then("city"),
        state=pl.when(in_columns).then("state"),
        zip=pl.when(in_columns).then("zip"),
        did_layout_line=layout == "line",
        did_layout_plain_line=layout == "plain_line",
        did_layout_street_unit=(layout == "street_unit") & pl.col("written_unit").is_not_null(),
        case=draws.one_of(4),
        did_double_blanks=draws.chance(0.15),
    )
    texts = ("address", "street", "unit", "city", "owner_name")
    cased = [
        pl.when(pl.col("case") == 0).then(pl.col(name).str.to_lowercase())
        .when(pl.col("case") == 1).then(pl.col(name).str.to_titlecase()).otherwise(name).alias(name)
        for name in texts
    ]  # fmt: skip
    blanks = [
        pl.when("did_double_blanks").then(pl.col(name).str.replace(" ", "  ", literal=True)).otherwise(name).alias(name)
        for name in ("address", "street")
    ]
    return records.with_columns(cased).with_columns(blanks).with_columns(did_letter_case=pl.col("case") < 2)
