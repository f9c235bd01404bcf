"""An invented county's recorded sales: homes with places, sizes and prices, flips among owners who stay.

Here: the rows of a given number of properties. Not here: what is measured on them (`scoring`). No place is real.
"""

import datetime as dt

import numpy as np
import polars as pl

FIRST_SALE = dt.date(2018, 1, 1)
AS_OF = dt.date(2026, 1, 1)
DAYS = (AS_OF - FIRST_SALE).days
FLIP_SHARE = 0.08
NEIGHBORHOODS, ZIPS, STREETS = 120, 30, 2_500
STYLES = ("RANCH", "COLONIAL", "CAPE COD", "DUPLEX", "BUNGALOW", "CONDO", "SPLIT LEVEL")
LAND_USES = ("SINGLE FAMILY", "SINGLE FAMILY", "SINGLE FAMILY", "CONDO", "DUPLEX")


def invent_county(properties: int, *, seed: int = 7) -> pl.DataFrame:
    """The fixed shape of sales, about 1.7 rows a property, from FIRST_SALE to the day before AS_OF.

    Every property has one sale at least. FLIP_SHARE of the purchases are at 62 % of the worth and sold again within a
    year; other owners stay 11 years on average. Prices follow size, age, place and the year, with 14 % of noise.
    """
    random = np.random.default_rng(seed)
    homes = _homes(properties, random)
    deeds = _deeds(properties, random)
    home = deeds["home"].to_numpy()
    grown = 1.06 ** (deeds["offset"].to_numpy() / 365)
    price = (
        homes["worth"].to_numpy()[home] * deeds["share"].to_numpy() * grown * np.exp(random.normal(0, 0.14, len(home)))
    )
    told = homes[deeds["home"]].drop("worth")
    return told.with_columns(
        (pl.lit(FIRST_SALE) + pl.duration(days=deeds["offset"])).cast(pl.Date).alias("sale_date"),
        pl.Series("sale_price_cents", np.round(price / 100) * 10_000).cast(pl.Int64),
    )


def _homes(count: int, random: np.random.Generator) -> pl.DataFrame:
    street = random.integers(0, STREETS, count)
    area = street % NEIGHBORHOODS
    sqft = np.round(np.exp(random.normal(7.4, 0.35, count)))
    built = random.integers(1900, 2018, count)
    style = random.integers(0, len(STYLES), count)
    level = np.exp(random.normal(0, 0.3, NEIGHBORHOODS))[area]
    worth = (40_000 + 130 * sqft) * level * (1 + (built - 1960) / 400) * (0.9 + 0.04 * style)
    return pl.DataFrame(
        {
            "parcel_id": [f"{number:07d}" for number in range(count)],
            "address": [f"{100 + number // 40} IMAGINARY {at} ST" for number, at in enumerate(street)],
            "zip5": [f"{10_000 + number}" for number in area % ZIPS],
            "neighborhood": [f"N{number:03d}" for number in area],
            "land_use": [LAND_USES[number] for number in random.integers(0, len(LAND_USES), count)],
            "style": [STYLES[number] for number in style],
            "year_built": built.astype(float),
            "living_sqft": sqft,
            "lot_sqft": np.round(np.exp(random.normal(8.8, 0.5, count))),
            "beds": np.clip(np.round(sqft / 600), 1, 7),
            "baths": np.clip(np.round(sqft / 800 * 2) / 2, 1, 5),
            "units": np.where(style == STYLES.index("DUPLEX"), 2.0, 1.0),
            "lat": 40 + (area // 12) * 0.02 + random.uniform(0, 0.02, count),
            "lon": -90 + (area % 12) * 0.02 + random.uniform(0, 0.02, count),
            "worth": worth,
        }
    ).with_columns((pl.col("worth") * 90).cast(pl.Int64).alias("assessed_cents"))


def _deeds(count: int, random: np.random.Generator) -> pl.DataFrame:
    """home, offset (days from FIRST_SALE), share of the worth that was paid. Each round is every home's next sale."""
    home, offset = np.arange(count), random.integers(0, DAYS, count)
    rounds = []
    is_resold = np.zeros(count, dtype=bool)
    while len(home):
        is_flip = (random.random(len(home)) < FLIP_SHARE) & ~is_resold
        rounds.append(pl.DataFrame({"home": home, "offset": offset, "share": np.where(is_flip, 0.62, 1.0)}))
        held = np.where(is_flip, random.integers(60, 330, len(home)), random.exponential(11 * 365, len(home)) + 30)
        later = offset + held.astype(np.int64)
        stays = later < DAYS
        home, offset, is_resold = home[stays], later[stays], is_flip[stays]
    return pl.concat(rounds).sort("offset", "home")
