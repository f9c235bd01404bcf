"""An invented market with flips in progress, for tests of the motivation model. Everything in it is made up."""

from datetime import date, timedelta

import numpy as np
import polars as pl

FIRST_DAY = date(2015, 1, 1)
DAYS = 1_460
AREAS = ("ALDER", "BIRCH", "CEDAR", "DOGWOOD")
FLIP_SHARE = 0.12


def market(homes: int = 4_000, *, seed: int = 1, quiet: bool = False) -> pl.DataFrame:
    """Sales of four years: most homes sell now and then; a share is bought far below its area and resold in months.

    `quiet`: no home is ever sold twice.
    """
    random = np.random.default_rng(seed)
    number = np.arange(homes)
    area = random.integers(0, len(AREAS), homes)
    first = random.integers(0, DAYS, homes)
    is_flip = random.random(homes) < FLIP_SHARE
    worth = 11.5 + 0.35 * area + random.normal(0, 0.2, homes)
    paid = worth - np.where(is_flip, 0.5 + 0.2 * random.random(homes), 0.0) + random.normal(0, 0.08, homes)
    wait = np.where(is_flip, random.integers(60, 300, homes), random.exponential(365 * 14, homes)).astype(int)
    again = (first + wait < DAYS) & (not quiet)
    bought = _rows(number, area, first, paid, random)
    resold = _rows(number[again], area[again], (first + wait)[again], worth[again] + 0.05, random)
    return pl.concat([bought, resold]).sort("sale_date", "parcel_id")


def _rows(
    number: np.ndarray, area: np.ndarray, day: np.ndarray, paid: np.ndarray, random: np.random.Generator
) -> pl.DataFrame:
    cents = (np.exp(paid) * 100).round(-2).astype(np.int64) + random.integers(0, 100, len(number)) * 100
    return pl.DataFrame(
        {
            "parcel_id": [f"{AREAS[a][0]}-{n:05d}" for a, n in zip(area, number, strict=True)],
            "address": [f"{n % 97 + 1} {AREAS[a].title()} {n // 97} St" for a, n in zip(area, number, strict=True)],
            "neighborhood": [AREAS[a] for a in area],
            "land_use": np.where(number % 5 == 0, "CONDO", "SINGLE FAMILY"),
            "sale_date": [FIRST_DAY + timedelta(days=int(d)) for d in day],
            "sale_price_cents": cents,
        }
    )


def homes_of(sales: pl.DataFrame, before: date) -> pl.DataFrame:
    """One row per parcel sold before `before`, in the order of parcel numbers, without what was paid."""
    known = sales.filter(pl.col("sale_date") < before).unique("parcel_id", keep="first").sort("parcel_id")
    return known.drop("sale_date", "sale_price_cents")
