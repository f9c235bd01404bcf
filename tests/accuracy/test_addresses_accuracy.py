"""How well real strings and files are read and resolved. Floors lie a little under what is reached."""

import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from leadflow_pipelines.properties import build_records, normalize_addresses, one_line, resolve_properties
from leadflow_pipelines.properties.addresses.postal_tables import (
    DIRECTIONAL_WORDS,
    DIRECTIONALS,
    ORDINAL_WORDS,
    SUFFIX_WORDS,
    SUFFIXES,
)
from leadflow_pipelines.properties.addresses.tokens import vocabulary

pytestmark = pytest.mark.accuracy
DAY = date(2020, 11, 1)


LABELS = {
    "AddressNumber": "number", "AddressNumberPrefix": "number", "AddressNumberSuffix": "number",
    "StreetNamePreDirectional": "pre", "StreetName": "name", "StreetNamePreType": "name",
    "StreetNamePreModifier": "name", "StreetNamePostType": "suffix", "StreetNamePostDirectional": "post",
    "PlaceName": "city", "StateName": "state", "ZipCode": "zip",
}  # fmt: skip
FOUND = {"number": "house_number", "pre": "pre_directional", "suffix": "suffix", "post": "post_directional",
         "city": "city", "state": "state", "zip": "zip5", "name": "street_name"}  # fmt: skip


def labelled(file: Path) -> pl.DataFrame:
    """address and the labelled parts, as written."""
    rows = []
    for string in ET.parse(file).getroot():
        row: dict[str, str] = {"address": "".join(string.itertext())}
        for part in string:
            if part.tag in LABELS and part.text:
                name = LABELS[part.tag]
                row[name] = f"{row[name]} {part.text}" if name in row else part.text
        rows.append(row)
    return pl.DataFrame(rows, schema=dict.fromkeys(["address", *FOUND], pl.String))


def in_house_form(truth: pl.DataFrame) -> pl.DataFrame:
    """Labelled text in the forms that the parser writes, word by word, without any grammar."""
    bare = pl.all().str.to_uppercase().str.replace_all(r"[^A-Z0-9 /\-]", "").str.strip_chars(" -")
    truth = truth.select(pl.exclude("address")).select(bare)
    words = truth["name"].str.split(" ").explode().unique().drop_nulls()
    lookup = vocabulary(words)
    names = dict(zip(words, lookup["word"], strict=True))
    last = {name: pl.col(name).str.split(" ").list.last() for name in ("suffix", "pre", "post")}
    return truth.with_columns(
        last["suffix"].replace_strict(SUFFIXES, default=None).alias("suffix"),
        *(last[name].replace_strict(DIRECTIONALS, default=None).alias(name) for name in ("pre", "post")),
        pl.col("name").str.split(" ").list.eval(pl.element().replace(names)).list.join(" "),
        pl.col("number").str.replace_all(" ", ""),
        pl.col("zip").str.head(5),
    )


@pytest.mark.parametrize(
    ("file", "floors"),
    [
        ("labeled.xml", {"number": 0.945, "pre": 0.925, "name": 0.71, "suffix": 0.87, "post": 0.755, "city": 0.84,
                         "state": 0.905, "zip": 0.97}),
        ("us50_tagged.xml", {"number": 1.0, "suffix": 1.0, "city": 0.97, "state": 1.0, "zip": 1.0}),
        ("us50_messiest.xml", {"number": 1.0, "suffix": 0.88, "city": 0.82, "state": 1.0, "zip": 1.0}),
    ],
)  # fmt: skip
def test_labelled_parts(data: Path, file: str, floors: dict[str, float]) -> None:
    truth = labelled(data / "addresses" / file)
    found = normalize_addresses(truth.select("address")).with_columns(pl.col("house_number").str.replace_all(" ", ""))
    truth = in_house_form(truth)
    right = {
        name: (found[FOUND[name]] == truth[name]).fill_null(value=False).filter(truth[name].is_not_null()).mean()
        for name in floors
    }
    assert {name: share for name, share in right.items() if share < floors[name]} == {}


def queens(data: Path, file: str) -> pl.DataFrame:
    """Source rows of a New York City sales file, as a mapping would hand them over."""
    raw = pl.read_excel(data / "queens" / file, has_header=False)
    names = [" ".join(str(name).split()) for name in raw.row(0)]
    raw = raw[1:].rename(dict(zip(raw.columns, names, strict=True)))
    return raw.select(
        row_number=pl.int_range(1, pl.len() + 1),
        street="ADDRESS",
        unit="APARTMENT NUMBER",
        zip="ZIP CODE",
        parcel_number=pl.concat_str("BOROUGH", pl.col("BLOCK").str.zfill(5), pl.col("LOT").str.zfill(4)),
        sale_date=pl.col("SALE DATE").str.head(10).str.to_date(),
        sale_price_cents=pl.col("SALE PRICE").cast(pl.Float64).cast(pl.Int64).replace(0, None) * 100,
    )


def nashville(data: Path) -> pl.DataFrame:
    raw = pl.read_csv(data / "nashville" / "sales_2013_2016.csv", infer_schema=False)
    return raw.select(
        row_number=pl.int_range(1, pl.len() + 1), address="PropertyAddress", parcel_number="ParcelID",
        sale_date=pl.col("SaleDate").str.to_date("%B %d, %Y"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def annual(data: Path) -> pl.DataFrame:
    return build_records(queens(data, "annual_2019.xlsx"), source="annual", pull_id="a", day=DAY)


@pytest.fixture(scope="module")
def sales(data: Path) -> pl.DataFrame:
    return build_records(nashville(data), source="sales", pull_id="s", day=DAY)


def test_the_overlap_of_the_two_queens_files_adds_no_property(data: Path, annual: pl.DataFrame) -> None:
    rolling = build_records(queens(data, "rolling_2019-11_2020-10.xlsx"), source="rolling", pull_id="r", day=DAY)
    before = resolve_properties(annual)
    previous = before.links.join(annual.select("record_id", "source", "address_key", "parcel_key"), on="record_id")
    after = resolve_properties(rolling, previous=previous.with_columns(linked_on=pl.lit(DAY)))
    assert after.merges.is_empty()
    said = ["address_raw", "parcel_key", "sale_date", "sale_price_cents"]
    repeats = rolling.filter(pl.col("sale_date") < date(2020, 1, 1)).join(annual, on=said, how="semi", nulls_equal=True)
    assert repeats.height > 4200
    new = repeats.join(after.links, on="record_id").filter(
        ~pl.col("property_id").is_in(before.links["property_id"].implode())
    )
    assert new.height == 0


def test_queens_strings_are_understood(annual: pl.DataFrame) -> None:
    shares = dict(annual["parse_status"].value_counts(normalize=True).iter_rows())
    assert shares["ok"] >= 0.985  # the rest has no number: N/A BEACH 46 STREET
    assert annual["county_fips"].unique().to_list() == ["36081"]
    hyphenated = annual.filter(pl.col("house_number").str.contains("-") & pl.col("zip5").is_not_null())
    assert not hyphenated["address_key"].str.extract(r"^([^|]*)").str.contains("-").any()


def test_nashville_loses_nothing_and_knows_its_place(data: Path, sales: pl.DataFrame) -> None:
    assert sales.height == nashville(data).height
    assert sales["state"].unique().to_list() == ["TN"]
    assert sales["county_fips"].unique().to_list() == ["47037"]
    assert sales["address_key"].is_not_null().mean() >= 0.985
    properties = resolve_properties(sales).links["property_id"].n_unique()
    parcels = sales["parcel_key"].n_unique()
    assert abs(properties - parcels) <= 0.005 * parcels  # condominiums share an address, not a parcel


def test_the_tax_list_meets_the_sales_file(data: Path, sales: pl.DataFrame) -> None:
    raw = pl.read_csv(data / "nashville" / "tax_delinquent_2026-04-27.csv", infer_schema=False)
    rows = raw.select(
        row_number=pl.int_range(1, pl.len() + 1), address="property_address", city="city", state="state",
        parcel_number="parcel_id", owner_name="owner_name",
    )  # fmt: skip
    tax = build_records(rows, source="tax", pull_id="t", day=DAY, known=sales)
    previous = resolve_properties(sales).links.join(
        sales.select("record_id", "source", "address_key", "parcel_key"), on="record_id"
    )
    joined = resolve_properties(tax, previous=previous).links
    on_parcel = tax.filter(pl.col("parcel_key").is_in(sales["parcel_key"].drop_nulls().implode()))
    assert on_parcel.height > 0
    stacked = joined.filter(pl.col("property_id").is_in(previous["property_id"].implode()))
    missed = on_parcel.join(stacked, on="record_id", how="anti")
    assert missed.height <= 1  # an owner's name glued to the street


LONG_SUFFIXES = {short: full for full, short in SUFFIXES.items() if SUFFIX_WORDS[full] == full}
LONG_UNITS = {"APT": "Apartment", "STE": "Suite", "BLDG": "Building", "FL": "Floor"}
ORDINAL_TEXT = {ordinal: word for word, ordinal in ORDINAL_WORDS.items() if "-" not in word}


def dialect(parts: pl.DataFrame) -> pl.Series:
    """The same addresses as another provider writes them: spelled out, mixed case, other unit marks."""
    spelled = parts.select(
        pl.concat_str(
            "house_number",
            pl.col("pre_directional").replace(DIRECTIONAL_WORDS),
            pl.col("street_name").replace(ORDINAL_TEXT),
            pl.col("suffix").replace(LONG_SUFFIXES),
            pl.col("post_directional").replace(DIRECTIONAL_WORDS),
            separator=" ", ignore_nulls=True,
        ).str.to_titlecase()
        + pl.when(pl.col("unit_number").is_null() & pl.col("unit_type").is_null()).then(pl.lit(""))
        .otherwise(pl.concat_str(
            pl.lit(", "), pl.col("unit_type").fill_null("Unit").replace(LONG_UNITS), pl.lit(" "),
            pl.col("unit_number").fill_null(""),
        ))
        + pl.concat_str(pl.lit(", "), pl.col("city").str.to_lowercase()).fill_null("")
        + pl.concat_str(pl.lit(", "), "state").fill_null("")
        + pl.concat_str(pl.lit(" "), "zip5", pl.lit("-0001")).fill_null("")
    )  # fmt: skip
    return spelled.to_series().alias("address")


@pytest.mark.parametrize("file", ["sales", "annual"])
def test_another_dialect_has_the_same_keys(file: str, request: pytest.FixtureRequest) -> None:
    records: pl.DataFrame = request.getfixturevalue(file)
    parts = records.filter(pl.col("address_key").is_not_null()).unique("address_key", maintain_order=True)
    # The annual file names no city; its ZIPs suffice.
    again = normalize_addresses(dialect(parts).to_frame())["address_key"]
    assert (again == parts["address_key"]).fill_null(value=False).mean() >= 0.998
    canonical = normalize_addresses(parts.select(one_line().alias("address")))["address_key"]
    assert (canonical == parts["address_key"]).fill_null(value=False).all()
