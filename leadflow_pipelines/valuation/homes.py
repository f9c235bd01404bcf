"""What the value model reads of a home: its attributes as numbers, its places as names, its parcel number as an order.

Frames of the fixed shape → arrays, row for row. Nothing here knows a price or a date.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from leadflow_pipelines.sales_history import holds_no_home

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Sizes and assessments act by ratio, years and counts by difference.
LOGGED: Final = ("living_sqft", "lot_sqft", "assessed_cents")
PLAIN: Final = ("year_built", "beds", "baths", "units")
ATTRIBUTES: Final = (*LOGGED, *PLAIN)
KINDS: Final = ("land_use", "style")
# From the widest place to the narrowest; the parcel blocks are cut from the order of parcel numbers by the evidence.
NAMED_PLACES: Final = ("city", "zip5", "neighborhood", "street", "street_block", "building")
# A house number, perhaps hyphenated (73-04) or followed by a lone letter (6107 A CALIFORNIA AVE).
HOUSE_NUMBER: Final = r"^(\d[\d-]*)\s*(?:[A-Z]\b)?\s*"
UNIT: Final = r"\s+(?:APT|UNIT|STE|SUITE|#).*$"
# Long enough for any one run of figures in a parcel number.
ORDER_WIDTH: Final = 12


@dataclass(frozen=True)
class Homes:
    """Rows of a frame as arrays: `numbers` NaN where unknown, `names` null where unknown.

    `is_no_home`: land, parking, trade; such a property and a home say nothing of one another's price.
    """

    numbers: dict[str, Floats]
    names: pl.DataFrame
    house_number: Floats
    lat: Floats
    lon: Floats
    is_blank: Bools
    is_no_home: Bools

    def __len__(self) -> int:
        return len(self.house_number)


def read_homes(frame: pl.DataFrame) -> Homes:
    """`frame` in the fixed shape → arrays of its rows in their order.

    `names` holds parcel_id, address, land_use, style, the named places, `parcel_order` (parcel numbers spelled so that
    text order is map order: assessors number neighbours in sequence, whatever their punctuation) and `parcel_text`
    (their letters and figures, whose front names the map).
    """
    first, rest = pl.col("address").str.to_uppercase().str.split_exact(",", 1), pl.col("neighborhood")
    parsed = frame.with_columns(
        first.struct.field("field_0").str.replace_all(r"\s+", " ").str.strip_chars().alias("line"),
        first.struct.field("field_1").str.strip_chars().alias("city"),
    )
    place = pl.coalesce(pl.col("zip5").str.slice(0, 5), "city", rest.str.to_uppercase(), pl.lit(""))
    parsed = parsed.with_columns(
        place.alias("place"),
        pl.col("line").str.extract(HOUSE_NUMBER).str.replace_all("-", "").cast(pl.Float64, strict=False).alias("no"),
        pl.col("line").str.replace(HOUSE_NUMBER, "").str.replace(UNIT, "").str.strip_chars().alias("way"),
    ).with_columns(pl.when(pl.col("way") != "").then("way").alias("way"))
    number = pl.col("no").cast(pl.Int64)
    parcel_text = pl.col("parcel_number").str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    runs = pl.col("parcel_number").str.to_uppercase().str.extract_all(r"\d+|[A-Z]+")
    names = parsed.select(
        "parcel_id",
        "address",
        *(pl.col(kind).str.to_uppercase().str.strip_chars() for kind in KINDS),
        pl.col("city"),
        pl.col("zip5").str.slice(0, 5),
        pl.col("neighborhood").str.to_uppercase().str.strip_chars(),
        pl.concat_str("way", "place", separator="|").alias("street"),
        pl.concat_str(number // 100, "way", "place", separator="|").alias("street_block"),
        pl.concat_str(number, "way", "place", separator="|").alias("building"),
        runs.list.eval(pl.element().str.pad_start(ORDER_WIDTH, "0")).list.join(" ").alias("parcel_order"),
        parcel_text.alias("parcel_text"),
    ).with_columns(pl.when(pl.col("parcel_order") != "").then("parcel_order").alias("parcel_order"))
    numbers = {name: _number(frame, name) for name in ATTRIBUTES}
    for name in LOGGED:
        numbers[name] = np.log(numbers[name])
    known = [
        pl.col(name).is_not_null() for name in (*ATTRIBUTES, "parcel_id", "address", "zip5", "neighborhood", "lat")
    ]
    return Homes(
        numbers=numbers,
        names=names,
        house_number=_floats(parsed["no"]),
        lat=_floats(frame["lat"]),
        lon=_floats(frame["lon"]),
        is_blank=~frame.select(pl.any_horizontal(known)).to_series().to_numpy(),
        is_no_home=frame.select(holds_no_home(pl.col("land_use"))).to_series().to_numpy(),
    )


def _number(frame: pl.DataFrame, name: str) -> Floats:
    """An attribute; what must be positive and is not, and a year no house standing was built in, is not known."""
    value = _floats(frame[name])
    least = {"year_built": 1600.0, "beds": 0.0, "baths": 0.0, "units": 1.0}.get(name, 1.0)
    return np.where(value >= least, value, np.nan)


def _floats(column: pl.Series) -> Floats:
    values: Floats = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)
