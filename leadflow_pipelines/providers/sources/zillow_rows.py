"""Zillow's homes as source rows. Not here: fetching them (`zillow`).

The estimate is the market value; the asking price never is. A price is a sale's only where the home is sold. Lots are
in square feet or in acres, as `lotAreaUnit` says; without a unit the size is unknown. `isNonOwnerOccupied` is set on
nearly every listing and is not believed. Owners are not told.
"""

import polars as pl

from leadflow_pipelines.providers.sources.typed_rows import SQFT_PER_ACRE, first_day, read_fields, typed_rows

TEXTS = {
    "source_record_id": ["zpid"],
    "line": ["streetaddress"],
    "one_line": ["address"],
    "city": ["city"],
    "state": ["state"],
    "own_zip": ["zipcode"],
    "land_use": ["hometype", "propertytype"],
    "status": ["homestatus", "listingstatus"],
    "lot_unit": ["lotareaunit"],
    "sold_at": ["datesold"],
    "lat": ["latitude"],
    "lon": ["longitude"],
}
NUMBERS = {
    "year_built": ["yearbuilt"],
    "living_sqft": ["livingarea"],
    "lot": ["lotareavalue"],
    "beds": ["bedrooms"],
    "baths": ["bathrooms"],
    "price": ["price"],
    "market_value_cents": ["zestimate"],
    "assessed_cents": ["taxassessedvalue"],
}
FLAGS = {"is_auction": ["ispreforeclosureauction"]}
LISTS = {"PRE_FORECLOSURE": "pre_foreclosure", "FORECLOSED": "foreclosure", "FORECLOSURE": "foreclosure"}


def to_source_rows(raw: pl.DataFrame) -> pl.DataFrame:
    """The homes of raw pulls (RAW_PULLS shape) as rows of `attom_rows.SCHEMA`, in the same order."""
    status = pl.col("status").str.to_uppercase()
    is_sold = status.str.contains("SOLD").fill_null(False)
    lot_unit = pl.col("lot_unit").str.to_lowercase()
    acres = pl.when(lot_unit.str.starts_with("acre")).then((pl.col("lot") * SQFT_PER_ACRE).round(0))
    square_feet = pl.when(lot_unit.is_in(["sqft", "sq ft", "square feet"])).then("lot")
    sold_at = pl.from_epoch(pl.col("sold_at").cast(pl.Int64, strict=False), "ms").dt.date()
    listed = pl.when("is_auction").then(pl.lit("pre_foreclosure")).otherwise(status.replace_strict(LISTS, default=None))
    return typed_rows(
        read_fields(raw, texts=TEXTS, numbers=NUMBERS, flags=FLAGS),
        street=pl.col("line"),
        address=pl.when(pl.col("line").is_null()).then("one_line"),
        zip=pl.coalesce("own_zip", pl.col("one_line").str.extract(r"\b(\d{5}(?:-\d{4})?)$")),
        is_vacant=pl.when(pl.col("land_use").str.to_uppercase().is_in(["LOT", "LAND", "LOTS_LAND"])).then(True),
        lot_sqft=pl.coalesce(square_feet, acres),
        sale_date=pl.when(is_sold).then(pl.coalesce(sold_at, first_day(pl.col("sold_at")))),
        sale_price_cents=pl.when(is_sold).then("price"),
        list_codes=pl.when(listed.is_not_null()).then(pl.concat_list(listed)),
    )
