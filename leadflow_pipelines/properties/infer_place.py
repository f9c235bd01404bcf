"""State and county of rows that do not say them, from what the rest of their file says.

Here: evidence of one file or pull. Not here: the ZIP of a single record (`locate`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses import places

STATE_SHARE = 0.90
"""Share of the rows whose city the state must have."""
STATE_LEAD = 0.05
"""How far the state must lie before the next one."""
COUNTY_SHARE = 0.80
"""Share of the evidence that makes a county the file's own."""
COVERAGE = 0.10
"""Share of the rows that must say something, before the rest is believed to lie in the same place."""
NEAR_DEGREES = 0.25
"""How far the nearest ZIP's centre may lie (some 25 km) for coordinates to say anything: beyond are slips and seas."""
MOST_CELLS = 400
"""Cells of a hundredth of a degree, those with most rows first, of which the county is looked up."""
SOLE_COUNTY_SHARE = 0.95
"""From here on the file is one county's. Its parcels keep that county even where their ZIP mostly lies in the next."""


def infer_place(parts: pl.DataFrame) -> pl.DataFrame:
    """The frame with `state` and `county_fips` filled where evidence allows.

    Needs city, state, zip5 (as `normalize_addresses` gives them); county_fips, mailing_state, lat and lon are used if
    present. State: the row's own, its ZIP's, else the one in which the file's cities lie, else the county's. County:
    the row's own, the file's where nearly all evidence names one, the ZIP's, the city's, else the file's dominant one.
    """
    optional = {"county_fips": pl.String, "mailing_state": pl.String, "lat": pl.Float64, "lon": pl.Float64}
    parts = parts.with_columns(
        (pl.col(name) if name in parts.columns else pl.lit(None, dtype=dtype)).alias(name)
        for name, dtype in optional.items()
    )
    parts = parts.with_columns(
        places.lookup(parts["zip5"], places.zips(), "state").alias("zip_state"),
        places.lookup(parts["zip5"], places.zips(), "county_fips").alias("zip_county"),
    ).with_columns(pl.coalesce("state", "zip_state").alias("state"))
    state = _state_of_file(parts)
    if state:
        parts = parts.with_columns(pl.col("state").fill_null(state))
    name = parts.select(pl.concat_str("city", pl.lit(","), "state")).to_series()
    parts = parts.with_columns(places.lookup(name, places.city_places(), "county_fips").alias("city_county"))
    main, share = _county_of_file(parts)
    own = pl.col("county_fips").str.strip_chars().str.extract(r"^(\d{4,5})$", 1).str.zfill(5)
    county = pl.coalesce(
        own,
        pl.lit(main if share >= SOLE_COUNTY_SHARE else None, dtype=pl.String),
        "zip_county",
        "city_county",
        pl.lit(main if share >= COUNTY_SHARE else None, dtype=pl.String),
    )
    by_county = places.lookup(parts.select(county).to_series(), places.county_states(), "state")
    return parts.with_columns(county.alias("county_fips"), pl.coalesce("state", by_county).alias("state")).drop(
        "zip_state", "zip_county", "city_county"
    )


def _state_of_file(parts: pl.DataFrame) -> str | None:
    """The state of rows without one; null where several fit or none does."""
    stated = parts["state"].drop_nulls()
    silent = parts.filter(pl.col("state").is_null())
    if len(stated) > silent.height:
        state, rows = stated.value_counts(sort=True).row(0)
        return str(state) if rows >= STATE_SHARE * len(stated) else None
    return _state_of_cities(silent, parts["mailing_state"])


def _state_of_cities(silent: pl.DataFrame, mailing_state: pl.Series) -> str | None:
    """The state that has the rows' cities; where several have, the one to which most of the owners' mail goes."""
    cities = silent.group_by("city").len().drop_nulls()
    named = cities.join(places.city_states(), left_on="city", right_on="key")
    rows = named.unique("city")["len"].sum()
    if rows < COVERAGE * silent.height:
        return None
    shares = (
        named.group_by("state")
        .agg((pl.col("len").sum() / rows).alias("share"))
        .sort("share", "state", descending=[True, False])
    )
    fitting = shares.filter(pl.col("share") >= STATE_SHARE)
    best = fitting.head(1).rows()
    if best and (shares.height == 1 or best[0][1] - shares.row(1)[1] >= STATE_LEAD):
        return str(best[0][0])
    mailing = mailing_state.drop_nulls().value_counts(sort=True)
    if mailing.height and mailing.row(0)[0] in fitting["state"] and 2 * mailing.row(0)[1] > mailing["count"].sum():
        return str(mailing.row(0)[0])
    return None


def _county_of_file(parts: pl.DataFrame) -> tuple[str | None, float]:
    """The county that most evidence names, and its share: a row's ZIP, else its city spread over its ZIPs' counties,
    and of rows with neither the county at their coordinates."""
    by_zip = (
        parts.filter(pl.col("zip_county").is_not_null())
        .group_by(county=pl.col("zip_county"))
        .agg(weight=pl.len().cast(pl.Float64))
    )
    by_city = (
        parts.filter(pl.col("zip_county").is_null())
        .group_by("city", "state").agg(rows=pl.len())
        .join(places.city_counties(), on=["city", "state"])
        .group_by(county=pl.col("county_fips")).agg(weight=(pl.col("rows") * pl.col("part")).sum())
    )  # fmt: skip
    evidence = (
        pl.concat([by_zip, by_city, _counties_at(parts)]).group_by("county").agg(pl.col("weight").sum())
        .sort("weight", "county", descending=[True, False])
    )  # fmt: skip
    if evidence["weight"].sum() < max(COVERAGE * parts.height, 1e-9):
        return None, 0.0
    county, weight = evidence.row(0)
    return str(county), float(weight / evidence["weight"].sum())


def _counties_at(parts: pl.DataFrame) -> pl.DataFrame:
    """county, weight: rows by the county of the ZIP whose centre is nearest. At a border that is wrong for some, so it
    is evidence on the file and never on a row."""
    silent = pl.col("zip_county").is_null() & pl.col("city").is_null()
    at = [pl.col(axis).round(2).alias(axis) for axis in ("lat", "lon")]
    cells = parts.filter(silent & pl.all_horizontal(pl.col("lat", "lon").is_finite())).group_by(at).len()
    cells = cells.sort("len", "lat", "lon", descending=[True, False, False]).head(MOST_CELLS).with_row_index("cell")
    centres = places.zip_table().select("county_fips", zip_lat="lat", zip_lon="lon").drop_nulls()
    # A degree of longitude is shorter than one of latitude by the cosine of the latitude.
    apart = (pl.col("zip_lat") - pl.col("lat")) ** 2 + (
        (pl.col("zip_lon") - pl.col("lon")) * pl.col("lat").radians().cos()
    ) ** 2
    near = cells.join_where(
        centres, pl.col("zip_lat") <= pl.col("lat") + NEAR_DEGREES, pl.col("zip_lat") >= pl.col("lat") - NEAR_DEGREES
    )
    nearest = (
        near.with_columns(apart.alias("apart")).filter(pl.col("apart") <= NEAR_DEGREES**2)
        .sort("apart", "county_fips").unique("cell", keep="first", maintain_order=True)
    )  # fmt: skip
    return nearest.group_by(county=pl.col("county_fips")).agg(weight=pl.col("len").sum().cast(pl.Float64))
