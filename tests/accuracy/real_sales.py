"""Real sales in the fixed shape of sales frames, read where they lie (LEADFLOW_TEST_DATA). Loading only."""

from functools import cache
from pathlib import Path

import fastexcel
import polars as pl

QUEENS_FILES = ("annual_2019.xlsx", "rolling_2019-11_2020-10.xlsx")
NASHVILLE_HOMES = ("SINGLE FAMILY", "RESIDENTIAL CONDO", "CONDO", "DUPLEX", "ZERO LOT LINE", "TRIPLEX", "QUADPLEX")
QUEENS_HOUSES = ("01 ONE FAMILY", "02 TWO FAMILY", "03 THREE FAMILY")
SQFT_OF_ACRE = 43_560


@cache
def nashville_sales(data: Path, *, assessments: bool = True) -> pl.DataFrame:
    """Nashville's deeds. Market area: the assessor's map, the first three figures of the parcel number.

    House and assessment columns date from late 2016, after most of the sales: `assessments=False` leaves them null.
    """
    raw = pl.read_csv(data / "nashville" / "sales_2013_2016.csv", infer_schema_length=0)
    number = {name: pl.col(name).cast(pl.Float64, strict=False) for name in raw.columns}
    late = {
        "year_built": number["YearBuilt"],
        "lot_sqft": number["Acreage"] * SQFT_OF_ACRE,
        "beds": number["Bedrooms"],
        "baths": number["FullBath"] + number["HalfBath"] / 2,
        "assessed_cents": (number["TotalValue"] * 100).round().cast(pl.Int64),
    }
    price = pl.col("SalePrice").str.replace_all(r"[$,\s]", "").cast(pl.Float64)
    nothing = pl.lit(None, pl.Float64)
    return raw.select(
        pl.col("ParcelID").alias("parcel_id"),
        pl.col("PropertyAddress").str.replace_all(r"\s+", " ").alias("address"),
        pl.lit(None, pl.String).alias("zip5"),
        pl.col("ParcelID").str.slice(0, 3).alias("neighborhood"),
        pl.col("LandUse").alias("land_use"),
        pl.lit(None, pl.String).alias("style"),
        *((value if assessments else pl.lit(None, pl.Float64)).alias(name) for name, value in late.items()),
        nothing.alias("living_sqft"),
        nothing.alias("units"),
        pl.col("SaleDate").str.to_date("%B %d, %Y").alias("sale_date"),
        (price * 100).round().cast(pl.Int64).alias("sale_price_cents"),
        nothing.alias("lat"),
        nothing.alias("lon"),
    ).unique(maintain_order=True)


def nashville_homes(data: Path, *, assessments: bool = True) -> pl.DataFrame:
    """Nashville's houses and flats, without land, churches and offices."""
    return nashville_sales(data, assessments=assessments).filter(pl.col("land_use").is_in(NASHVILLE_HOMES))


@cache
def queens_sales(data: Path) -> pl.DataFrame:
    """Queens, 2019-01 to 2020-10, all building classes; rows that both files hold stand once."""
    files = pl.concat([_queens_file(data / "queens" / name) for name in QUEENS_FILES])
    number = {name: pl.col(name).cast(pl.Float64, strict=False) for name in files.columns}
    return files.select(
        pl.format("4-{}-{}", pl.col("BLOCK").str.zfill(5), pl.col("LOT").str.zfill(4)).alias("parcel_id"),
        pl.col("ADDRESS").str.replace_all(r"\s+", " ").str.strip_chars().alias("address"),
        pl.when(pl.col("ZIP CODE") != "0").then("ZIP CODE").alias("zip5"),
        pl.col("NEIGHBORHOOD").str.strip_chars().alias("neighborhood"),
        pl.col("BUILDING CLASS CATEGORY").str.replace_all(r"\s+", " ").str.strip_chars().alias("land_use"),
        pl.col("BUILDING CLASS AT TIME OF SALE").alias("style"),
        number["YEAR BUILT"].alias("year_built"),
        number["GROSS SQUARE FEET"].alias("living_sqft"),
        number["LAND SQUARE FEET"].alias("lot_sqft"),
        pl.lit(None, pl.Float64).alias("beds"),
        pl.lit(None, pl.Float64).alias("baths"),
        number["TOTAL UNITS"].alias("units"),
        pl.lit(None, pl.Int64).alias("assessed_cents"),
        pl.col("SALE DATE").str.slice(0, 10).str.to_date("%Y-%m-%d").alias("sale_date"),
        (number["SALE PRICE"] * 100).round().cast(pl.Int64).alias("sale_price_cents"),
        pl.lit(None, pl.Float64).alias("lat"),
        pl.lit(None, pl.Float64).alias("lon"),
    ).unique(maintain_order=True)


def queens_houses(data: Path) -> pl.DataFrame:
    """Queens' one- to three-family houses."""
    return queens_sales(data).filter(pl.col("land_use").str.slice(0, 13).str.strip_chars().is_in(_HOUSE_FRONTS))


_HOUSE_FRONTS = [front[:13].strip() for front in QUEENS_HOUSES]


def _queens_file(path: Path) -> pl.DataFrame:
    sheet = fastexcel.read_excel(path).load_sheet(0, header_row=0, dtypes="string").to_polars()
    wanted = ("BLOCK", "LOT", "ADDRESS", "ZIP CODE", "NEIGHBORHOOD", "BUILDING CLASS CATEGORY", "YEAR BUILT")
    more = ("GROSS SQUARE FEET", "LAND SQUARE FEET", "TOTAL UNITS", "BUILDING CLASS AT TIME OF SALE")
    named = sheet.rename({name: name.strip() for name in sheet.columns})
    return named.select(*wanted, *more, "SALE PRICE", "SALE DATE").filter(pl.col("SALE DATE").is_not_null())
