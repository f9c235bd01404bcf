"""Parcels invented beside real ones that must stay apart from them: the hard negatives.

Here: which differences make another property. Not here: how they are written (`dialects`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses.places import zip_table
from tests.accuracy.dialects import next_zips
from tests.accuracy.parcels import PARCEL_COLUMNS, identity

RATES = {"neighbour": 0.12, "other_suffix": 0.05, "other_unit": 0.12, "other_place": 0.05, "other_direction": 0.1}
"""Share of the real parcels (of those that can) that get such a lookalike."""
_OTHER_SUFFIX = {
    "STREET": "AVENUE", "AVENUE": "STREET", "DRIVE": "COURT", "COURT": "DRIVE", "ROAD": "LANE", "LANE": "ROAD",
    "PLACE": "STREET", "CIRCLE": "DRIVE", "BOULEVARD": "ROAD", "TRAIL": "LANE",
}  # fmt: skip
_SAME_OWNER = 0.25
"""Share of lookalikes that belong to the original's owner: the owner alone must not merge."""


def with_lookalikes(parcels: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """The parcels and lookalikes of some of them, under new parcel_ids and their kind as `kind`."""
    made = [_neighbours, _other_suffixes, _other_units, _other_places, _other_directions]
    invented = []
    for at, (make, kind) in enumerate(zip(made, RATES, strict=True)):
        lookalikes = make(parcels)
        drawn = lookalikes.sample(fraction=RATES[kind], seed=seed + at).with_columns(
            kind=pl.lit(kind), parcel_id=pl.format("{}-{}", "parcel_id", pl.lit(kind))
        )
        shares_parcel = kind == "other_unit"
        drawn = drawn.with_columns(
            _other_number(parcels, at, keep_shared=shares_parcel),
            owner_name=pl.when(pl.int_range(pl.len()).shuffle(seed=seed + at) < _SAME_OWNER * pl.len())
            .then("owner_name").otherwise(pl.col("owner_name").shuffle(seed=seed + at + 50)),
        )  # fmt: skip
        invented.append(drawn.select(PARCEL_COLUMNS))
    address = [*identity(), pl.col("city"), pl.col("zip")]
    both = pl.concat([parcels, *invented]).unique(address, keep="first", maintain_order=True)
    new = both.filter(pl.col("kind") != "real")
    taken = (
        pl.col("parcel_number").is_in(parcels["parcel_number"].drop_nulls().implode())
        | pl.col("parcel_number").is_duplicated()
    )
    own = pl.when(~taken | (pl.col("kind") == "other_unit")).then("parcel_number")
    return pl.concat([parcels, new.with_columns(parcel_number=own)])


def _other_number(parcels: pl.DataFrame, at: int, *, keep_shared: bool) -> pl.Expr:
    """Another parcel number: the last digit moved on. A co-operative's, over several units, stays the same."""
    number = pl.col("parcel_number")
    digit = (number.str.tail(1).str.to_integer(strict=False) + 2 * at + 1) % 10
    other = number.str.head(-1) + digit.cast(pl.String)
    shared = parcels.filter(pl.col("parcel_number").is_duplicated())["parcel_number"].unique()
    return pl.when(number.is_in(shared.implode()) & keep_shared).then(number).otherwise(other).alias("parcel_number")


def _neighbours(parcels: pl.DataFrame) -> pl.DataFrame:
    """The house across the garden fence: the number and two."""
    head, digits, tail = (pl.col("house_number").str.extract(r"^((?:\d+-)?)(\d+)([A-Z]?)$", part) for part in (1, 2, 3))
    width = digits.str.len_chars()
    number = (digits.str.to_integer(strict=False) + 2).cast(pl.String)
    return parcels.filter(head.is_not_null() & (number.str.len_chars() <= width)).with_columns(
        house_number=head
        + pl.lit("0").repeat_by(width - number.str.zfill(1).str.len_chars()).list.join("")
        + number
        + tail
    )


def _other_suffixes(parcels: pl.DataFrame) -> pl.DataFrame:
    """OAK AVENUE beside OAK STREET."""
    other = pl.col("suffix").replace_strict(_OTHER_SUFFIX, default=None)
    return parcels.with_columns(suffix=other).filter(pl.col("suffix").is_not_null())


def _other_units(parcels: pl.DataFrame) -> pl.DataFrame:
    """The next unit of the building: 4B beside 4A, 12 beside 11."""
    unit = pl.col("unit")
    digit = unit.str.extract(r"(\d)$", 1).str.to_integer(strict=False)
    letter = unit.str.extract(r"([A-Y])$", 1)
    follows = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXY", "BCDEFGHIJKLMNOPQRSTUVWXYZ", strict=True))
    last = pl.coalesce(((digit + 1) % 10).cast(pl.String), letter.replace_strict(follows, default=None))
    return parcels.with_columns(unit=unit.str.head(-1) + last).filter(pl.col("unit").is_not_null())


def _other_directions(parcels: pl.DataFrame) -> pl.DataFrame:
    """100 S MAIN ST beside 100 N MAIN ST."""
    opposite = {"N": "S", "S": "N", "E": "W", "W": "E", "NE": "SE", "SE": "NE", "NW": "SW", "SW": "NW"}
    turned = parcels.filter(pl.col("pre").is_not_null() | pl.col("post").is_not_null())
    return turned.with_columns(pl.col("pre", "post").replace(opposite))


def _other_places(parcels: pl.DataFrame) -> pl.DataFrame:
    """The same number and street in another city of the county, far enough that its ZIP is nobody's slip."""
    cities = (
        zip_table().filter(zip_type="STANDARD").sort("zip").unique(["city", "state"], keep="first", maintain_order=True)
        .filter(pl.col("county_fips").is_in(parcels["county_fips"].unique().implode()))
        .select("county_fips", other_city="city", other_zip="zip", other_lat="lat", other_lon="lon")
    )  # fmt: skip
    homes = zip_table().select("zip", "lat", "lon")
    at = parcels.join(homes, on="zip", how="left", maintain_order="left")
    far = (pl.col("lat") - pl.col("other_lat")).abs() + (pl.col("lon") - pl.col("other_lon")).abs()
    pairs = at.join(cities, on="county_fips", maintain_order="left_right").filter(
        pl.col("city") != pl.col("other_city")
    )
    near = next_zips(pl.concat([parcels["zip"], cities["other_zip"]]).drop_nulls().unique())
    pairs = pairs.join(near, on="zip", how="left", maintain_order="left").join(
        near.rename({"zip": "other_zip", "next_zips": "others"}), on="other_zip", how="left", maintain_order="left"
    )
    is_next = pl.col("other_zip").is_in("next_zips") | pl.col("zip").is_in("others")
    pairs = pairs.filter((far.fill_null(1.0) > 0.06) & ~is_next.fill_null(value=False))
    drawn = pairs.with_columns(rank=pl.int_range(pl.len()).shuffle(seed=3)).sort("rank")
    drawn = drawn.unique("parcel_id", keep="first", maintain_order=True)
    return drawn.with_columns(
        city="other_city", zip=pl.when(pl.col("zip").is_not_null()).then("other_zip")
    ).select(PARCEL_COLUMNS).sort("parcel_id")  # fmt: skip
