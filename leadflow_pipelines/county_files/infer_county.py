"""State and county of a file that names neither ZIPs nor a state. Here: votes of coordinates and of address ends.

Not here: what ZIPs and cities say, row by row or for the file; every source's records get that from `properties`.
A constant is proposed only where nearly every vote agrees.
"""

from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.properties.addresses.places import zip_table
from leadflow_pipelines.source_rows.transforms import parse_state

_AGREEMENT = 0.9
_POINTS = 400
_LEAST_VOTES = 5
_BOX_DEGREES = 0.5
_MOST_CENTROIDS = 5_000
_STATE_AT_END = r"(?i),?\s+([A-Z]{2})\.?(?:\s+\d{5}(?:-\d{4})?)?\s*$"


@dataclass(frozen=True)
class InferredPlace:
    """State and county that nearly all rows agree on, and what said so."""

    state: str | None = None
    county_fips: str | None = None
    reason: str = ""


def state_at_end_of(addresses: pl.Series) -> InferredPlace:
    """The state in which nearly all these one-line addresses end, such as `12 OAK DR, MADISON, TN`."""
    filled = addresses.drop_nulls()
    counts = parse_state(filled.str.extract(_STATE_AT_END)).drop_nulls().value_counts(sort=True)
    if counts.is_empty() or counts["count"][0] < _AGREEMENT * filled.len():
        return InferredPlace()
    state = str(counts.row(0)[0])
    return InferredPlace(state, None, f"{counts['count'][0] / filled.len():.0%} of {addresses.name!r} end in {state}")


def county_of_points(lat: pl.Series, lon: pl.Series) -> InferredPlace:
    """State and county of the ZIP centroids nearest to the points, voted on by up to _POINTS rows."""
    points = pl.DataFrame({"lat": lat, "lon": lon}).drop_nulls().filter((pl.col("lat") != 0) & (pl.col("lon") != 0))
    if points.height < _LEAST_VOTES:
        return InferredPlace()
    middle = points.select(pl.all().median())
    low, high = (points.select(pl.all().quantile(share)).row(0) for share in (0.01, 0.99))
    near = zip_table().filter(
        pl.col("lat").is_between(low[0] - _BOX_DEGREES, high[0] + _BOX_DEGREES),
        pl.col("lon").is_between(low[1] - _BOX_DEGREES, high[1] + _BOX_DEGREES),
    )
    if not 0 < near.height < _MOST_CENTROIDS:
        return InferredPlace()
    sample = points.gather_every(max(1, points.height // _POINTS)).with_row_index("point")
    # A degree of longitude is shorter than one of latitude by the cosine of the latitude.
    narrow = middle.select(pl.col("lat").radians().cos()).item()
    distance = (pl.col("lat_right") - pl.col("lat")) ** 2 + ((pl.col("lon_right") - pl.col("lon")) * narrow) ** 2
    pairs = sample.join(near.select("state", "county_fips", "lat", "lon"), how="cross")
    votes = pairs.sort(distance).group_by("point").first().group_by("state", "county_fips").len()
    state, county, count = votes.sort("len", "county_fips", descending=[True, False]).row(0)
    share = count / sample.height
    if share < _AGREEMENT:
        return InferredPlace()
    return InferredPlace(state, county, f"{share:.0%} of the coordinates lie nearest to a ZIP of it")
