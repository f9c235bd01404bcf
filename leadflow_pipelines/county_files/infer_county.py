"""Which county and state a file is about, when no column says so. Here: votes of ZIPs, cities and coordinates.

Not here: placing single records (`properties`). A constant is proposed only where nearly every vote agrees.
"""

from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.county_files import transforms
from leadflow_pipelines.properties.places import clean_city, city_zips, zip_table

_AGREEMENT = 0.9
_POINTS = 400
_STATE_AT_END = r"(?i),?\s+([A-Z]{2})\.?(?:\s+\d{5}(?:-\d{4})?)?\s*$"
_CITY_AT_END = r"(?i),\s*([A-Z][A-Z .'-]+?)\s*(?:,?\s+[A-Z]{2})?(?:\s+\d{5}(?:-\d{4})?)?\s*$"


@dataclass(frozen=True)
class InferredPlace:
    """State and county that nearly all rows agree on, and what said so."""

    state: str | None = None
    county_fips: str | None = None
    reason: str = ""


def infer_county(
    *,
    zips: pl.Series | None = None,
    cities: pl.Series | None = None,
    addresses: pl.Series | None = None,
    state_texts: pl.Series | None = None,
    lat: pl.Series | None = None,
    lon: pl.Series | None = None,
    state: str | None = None,
) -> InferredPlace:
    """State and county of a file by its ZIPs, else by its coordinates, else by its cities and the state.

    addresses: one-line property addresses. state_texts: other lines that name the property's state.
    """
    if zips is not None and (place := _by_zip(transforms.parse_zip(zips).str.head(5))):
        return place
    if lat is not None and lon is not None and (place := _by_point(lat, lon)):
        return place
    for texts in (addresses, state_texts):
        if state is None and texts is not None:
            state = _state_named(texts)
    if state is None:
        return InferredPlace()
    named = cities if cities is not None else (None if addresses is None else addresses.str.extract(_CITY_AT_END))
    if named is not None and (place := _by_city(named, state)):
        return place
    return InferredPlace(state, None, f"the addresses end in {state}")


def _by_zip(zips: pl.Series) -> InferredPlace | None:
    votes = zips.drop_nulls().to_frame("zip").join(zip_table(), on="zip")
    return _winner(votes.select("state", "county_fips"), "of the ZIPs lie in it") if votes.height >= 5 else None


def _by_point(lat: pl.Series, lon: pl.Series) -> InferredPlace | None:
    """The county of the nearest ZIP centroid, for up to _POINTS rows."""
    points = pl.DataFrame({"y": lat, "x": lon}).drop_nulls().filter((pl.col("y") != 0) & (pl.col("x") != 0))
    points = points.gather_every(max(1, points.height // _POINTS)).with_row_index("point")
    centroids = zip_table().filter(pl.col("lat").is_not_null()).select("state", "county_fips", "lat", "lon")
    if points.height < 5:
        return None
    box = centroids.filter(
        pl.col("lat").is_between(points["y"].min() - 0.5, points["y"].max() + 0.5)  # type: ignore[operator]
        & pl.col("lon").is_between(points["x"].min() - 0.5, points["x"].max() + 0.5)  # type: ignore[operator]
    )
    distance = (pl.col("lat") - pl.col("y")) ** 2 + ((pl.col("lon") - pl.col("x")) * 0.8) ** 2
    nearest = points.join(box, how="cross").sort(distance).group_by("point").first() if box.height < 5_000 else box.clear()
    return _winner(nearest.select("state", "county_fips"), "of the coordinates lie nearest to its ZIPs") if nearest.height else None


def _state_named(texts: pl.Series) -> str | None:
    ends = transforms.parse_state(texts.drop_nulls().str.extract(_STATE_AT_END))
    counts = ends.drop_nulls().value_counts(sort=True)
    if counts.is_empty() or counts["count"][0] < 0.9 * texts.drop_nulls().len():
        return None
    return str(counts.row(0)[0])


def _by_city(cities: pl.Series, state: str) -> InferredPlace | None:
    names = cities.to_frame("city").select(clean_city(pl.col("city")).alias("city")).drop_nulls()
    counts = names.group_by("city").len("rows")
    places = city_zips().filter((pl.col("state") == state) & (pl.col("zip_type") == "STANDARD") & pl.col("is_primary"))
    votes = (
        counts.join(places, on="city")
        .with_columns(weight=pl.col("rows") / pl.len().over("city"))
        .group_by("county_fips")
        .agg(pl.col("weight").sum())
        .sort("weight", descending=True)
    )
    if votes.is_empty() or votes["weight"][0] < 0.85 * votes["weight"].sum() or votes["weight"].sum() < 0.5 * names.height:
        return None
    share = votes["weight"][0] / votes["weight"].sum()
    return InferredPlace(state, votes["county_fips"][0], f"{share:.0%} of the cities named lie in it")


def _winner(votes: pl.DataFrame, what: str) -> InferredPlace | None:
    counted = votes.drop_nulls().group_by("state", "county_fips").len().sort("len", descending=True)
    if counted.is_empty():
        return None
    share = counted["len"][0] / counted["len"].sum()
    if share >= _AGREEMENT:
        return InferredPlace(counted["state"][0], counted["county_fips"][0], f"{share:.0%} {what}")
    states = votes.drop_nulls("state")["state"].value_counts(sort=True)
    if states["count"][0] >= 0.98 * states["count"].sum():
        return InferredPlace(states["state"][0], None, f"{share:.0%} {what}, too few for one county")
    return None
