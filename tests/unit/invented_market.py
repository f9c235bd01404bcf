"""An invented county: homes whose prices follow a known rule, and their sales. For tests of values."""

from datetime import date, timedelta

import numpy as np
import polars as pl

START, END = date(2021, 1, 1), date(2023, 6, 30)


def invented_sales(parcels: int = 900, *, seed: int = 3) -> pl.DataFrame:
    """Sales from START to END in the fixed shape, about one per parcel; 10 % a year dearer, 0.15 of noise in logs."""
    random = np.random.default_rng(seed)
    homes = invented_homes(parcels, seed=seed)
    sold = random.integers(0, parcels, parcels)
    days = random.integers(0, (END - START).days, parcels)
    rule = np.array(homes["rule"].to_list())[sold] + 0.10 * days / 365 + random.normal(0, 0.15, parcels)
    return (
        homes[sold.astype(np.uint32)]
        .with_columns(
            pl.Series("sale_date", [START + timedelta(days=int(day)) for day in days]),
            pl.Series("sale_price_cents", (np.exp(rule).round() * 100).astype(np.int64)),
        )
        .drop("rule")
    )


def invented_homes(parcels: int = 900, *, seed: int = 3) -> pl.DataFrame:
    """Homes on a grid of streets in six areas; `rule` is the log price of each on START."""
    random = np.random.default_rng(seed)
    number = np.arange(parcels)
    street = number // 30
    area = street % 6
    sqft = random.integers(700, 3_200, parcels)
    year = random.integers(1900, 2020, parcels)
    rule = 11.6 + 0.12 * area + 0.7 * np.log(sqft / 1_500) + 0.002 * (year - 1960)
    return pl.DataFrame(
        {
            "parcel_id": [f"{s:03d}-{n % 30:04d}" for n, s in zip(number, street, strict=True)],
            "address": [f"{100 + 2 * (n % 30)} INVENTED {s} ST" for n, s in zip(number, street, strict=True)],
            "zip5": [f"0000{a % 3}" for a in area],
            "neighborhood": [f"AREA {a}" for a in area],
            "land_use": ["SINGLE FAMILY"] * parcels,
            "style": ["RANCH"] * parcels,
            "year_built": year,
            "living_sqft": sqft,
            "lot_sqft": random.integers(3_000, 12_000, parcels),
            "beds": random.integers(2, 5, parcels),
            "baths": random.integers(1, 4, parcels).astype(float),
            "units": np.ones(parcels, dtype=np.int64),
            "assessed_cents": (np.exp(rule) * 80).astype(np.int64),
            "lat": 40.0 + street * 0.002,
            "lon": -90.0 + (number % 30) * 0.0004,
            "rule": rule,
        }
    )
