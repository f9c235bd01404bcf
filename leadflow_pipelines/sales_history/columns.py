"""The fixed shape of sales and subjects: one row per recorded sale, or per property asked about.

What the columns are called and which values mean "not known". No reading, no arithmetic.
"""

from typing import Final

import polars as pl

SALE_DATE: Final = "sale_date"
PRICE_CENTS: Final = "sale_price_cents"

TEXT_COLUMNS: Final = ("parcel_id", "address", "zip5", "neighborhood", "land_use", "style")
# Sizes and years of which a zero only ever means that nobody wrote the number down.
POSITIVE_COLUMNS: Final = ("year_built", "living_sqft", "lot_sqft")
COUNT_COLUMNS: Final = ("beds", "baths", "units")
POSITION_COLUMNS: Final = ("lat", "lon")
CENTS_COLUMNS: Final = ("assessed_cents", PRICE_CENTS)
# Beyond the fixed shape. The assessor's own number, whose order and front tell places, where parcel_id is another
# identity; and where a county gives them, what makes one deed known for certain.
PARCEL_NUMBER: Final = "parcel_number"
MORE_COLUMNS: Final = (PARCEL_NUMBER, "deed_id", "deed_type")

SALES_SCHEMA: Final[dict[str, pl.DataType]] = {
    **{name: pl.String() for name in TEXT_COLUMNS},
    **{name: pl.Float64() for name in (*POSITIVE_COLUMNS, *COUNT_COLUMNS)},
    "assessed_cents": pl.Int64(),
    SALE_DATE: pl.Date(),
    PRICE_CENTS: pl.Int64(),
    **{name: pl.Float64() for name in POSITION_COLUMNS},
    **{name: pl.String() for name in MORE_COLUMNS},
}

UNKNOWN_WORDS: Final = ("", "-", "--", "n/a", "na", "nan", "none", "null", "unknown", "nat", "<na>")
FAULTY_ROWS_NAMED: Final = 3
