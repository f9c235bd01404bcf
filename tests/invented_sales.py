"""An invented market: sales of homes that nobody owns, with flips that sell soon and owners that stay.

Here: the rows. Not here: what tests make of them.
"""

import datetime as dt

import numpy as np
import polars as pl

FIRST_SALE = dt.date(2019, 1, 1)
DAYS = 4 * 365


def invent_sales(parcels: int = 1_200, *, seed: int = 3) -> pl.DataFrame:
    """The fixed shape of sales plus `market`, four years from FIRST_SALE.

    A fifth of the homes are bought at 60 % of their worth and sold within a year; the others sell at random. Prices
    follow the living area and the neighbourhood, with a tenth of noise.
    """
    random = np.random.default_rng(seed)
    area = random.integers(0, 5, parcels)
    sqft = random.integers(8, 30, parcels) * 100.0
    worth = (60_000 + 90 * sqft) * (1 + 0.25 * area)
    is_flip = random.random(parcels) < 0.2
    bought = random.integers(0, DAYS, parcels)
    sold = bought + np.where(is_flip, random.integers(90, 330, parcels), random.integers(200, 4_000, parcels))
    first = pl.DataFrame({"home": np.arange(parcels), "offset": bought, "share": np.where(is_flip, 0.6, 1.0)})
    again = pl.DataFrame({"home": np.arange(parcels), "offset": sold, "share": np.ones(parcels)})
    deeds = pl.concat([first, again]).filter(pl.col("offset") < DAYS)
    noise = np.exp(random.normal(0, 0.1, deeds.height))
    home = deeds["home"].to_numpy()
    return deeds.select(
        pl.format("P-{}", pl.col("home").cast(pl.String).str.zfill(5)).alias("parcel_id"),
        pl.format("{} INVENTED ST", pl.col("home") + 100).alias("address"),
        pl.Series("zip5", (37_200 + area[home]).astype(str)),
        pl.Series("neighborhood", [f"N{number}" for number in area[home]]),
        pl.lit("SINGLE FAMILY").alias("land_use"),
        pl.Series("living_sqft", sqft[home]),
        (pl.lit(FIRST_SALE) + pl.duration(days=pl.col("offset"))).cast(pl.Date).alias("sale_date"),
        pl.Series("sale_price_cents", np.round(worth[home] * deeds["share"].to_numpy() * noise * 100)).cast(pl.Int64),
        pl.Series("market", np.where(area[home] < 3, "47037", "47149")),
    )
