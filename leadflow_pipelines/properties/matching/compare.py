"""How alike two addresses are, field by field, in words that a person can weigh.

Here: pairs of nodes to levels of agreement. Not here: which pairs are looked at (`candidates`), or what a level
weighs (`match_model`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.matching.candidates import KEY_FIELDS, name_distances, whole_name

FIELDS = ("street", "suffix", "directional", "unit", "place", "parcel", "owner", "distance")
"""The compared fields, in the order in which evidence names them."""
LONG_NAME = 7
"""A name of so many letters may hold two slips."""
NEAR_METRES, FAR_METRES = 60.0, 400.0
NEAR_ZIPS_METRES = 12_000.0
"""Between the centres of two ZIPs that a slip or a boundary may exchange."""
TOLD_BY, OTHERWISE_TOLD_BY = 2, 3
"""Sources that write a ZIP from which it is no slip, though so many write another: a slip is one writer's."""
ONE_SCHEME = 3
"""Characters by which two parcel numbers of one numbering scheme may differ in length: a suffix or leading zeros."""
_METRES_PER_DEGREE = 111_320.0


def compare_pairs(nodes: pl.DataFrame, pairs: pl.DataFrame, *, told_apart: pl.DataFrame | None = None) -> pl.DataFrame:
    """left, right, FIELDS (each a level's name) and told_apart, for the pairs that no constraint forbids.

    Forbidden are two known house numbers or two known units; those pairs are left out. told_apart: both have the same
    address, and exact keys have put them apart (a source lists several parcels there), or they are in `told_apart`
    (left, right). `nodes` as `described` gives them; `pairs`: left, right.
    """
    nodes = nodes.with_columns(whole=whole_name()).select(
        *KEY_FIELDS,
        "whole",
        "zip",
        "city",
        "parcels",
        "shared_parcels",
        "listed_by",
        "told_by",
        "owner",
        "lat",
        "lon",
        "node",
    )
    left, right = (
        pairs.select(node=side).join(nodes, on="node", how="left", maintain_order="left")
        .select(pl.all().name.suffix(f"_{side[0]}"))
        for side in ("left", "right")
    )  # fmt: skip
    both = pl.concat([pairs.select("left", "right"), left, right], how="horizontal").filter(
        (pl.col("number_l") == pl.col("number_r")) & (pl.col("unit_l") == pl.col("unit_r")).fill_null(value=True)
    )
    same_key = pl.all_horizontal(pl.col(f"{part}_l").eq_missing(pl.col(f"{part}_r")) for part in KEY_FIELDS)
    both = both.with_columns(told_apart=same_key)
    both = _with_city_names(_with_edits(_whole_names(both)))
    levels = both.select(
        "left",
        "right",
        _street().alias("street"),
        _level("suffix").alias("suffix"),
        _directional().alias("directional"),
        _level("unit").alias("unit"),
        _place().alias("place"),
        _parcel().alias("parcel"),
        _owner().alias("owner"),
        _distance().alias("distance"),
        "told_apart",
    )
    if told_apart is None or told_apart.is_empty():
        return levels
    decided = told_apart.with_columns(decided=pl.lit(value=True))
    levels = levels.join(decided, on=["left", "right"], how="left", maintain_order="left")
    return levels.with_columns(pl.col("told_apart") | pl.col("decided").fill_null(value=False)).drop("decided")


def _whole_names(both: pl.DataFrame) -> pl.DataFrame:
    """Where one side's name is the other's name and suffix (its own suffix left out), these are compared."""
    apart = (pl.col("name_l").str.len_chars().cast(pl.Int32) - pl.col("name_r").str.len_chars()).abs()
    for side, other in (("l", "r"), ("r", "l")):
        name, suffix, whole = f"name_{side}", f"suffix_{side}", f"whole_{side}"
        less = (pl.col(whole).str.len_chars().cast(pl.Int32) - pl.col(f"name_{other}").str.len_chars()).abs() < apart
        longer = pl.col(name).str.len_chars() < pl.col(f"name_{other}").str.len_chars()
        taken = (longer & less & (pl.col("name_l") != pl.col("name_r"))).fill_null(value=False)
        both = both.with_columns(
            pl.when(taken).then(whole).otherwise(name).alias(name),
            pl.when(~taken).then(suffix).alias(suffix),
        )
    return both


def agrees() -> pl.Expr:
    """Whether nothing in a pair's levels forbids that it is one property: a parcel number of its own outweighs how the
    street is written, but neither a distant ZIP nor a unit that only one side names. What one source numbers apart is
    apart.
    """
    written = (pl.col("street") != "other") & (pl.col("suffix") != "other") & (pl.col("directional") != "other")
    nearby = ~pl.col("place").is_in(
        ["near_zip_no_city", "near_zip_other_city", "far_zip_no_city", "far_zip_other_city", "both_zips_told"]
    )
    known = pl.col("parcel") == "same"
    alike = pl.col("owner").is_in(["same", "alike"]) & (pl.col("place") == "near_zip_no_city")
    moved = pl.col("place").str.contains("^(near|far|both)_zip") & (pl.col("parcel") == "other")
    distant = moved | (pl.col("parcel") == "listed_apart") | (pl.col("place") == "far_zip_other_city")
    forbidden = distant | (pl.col("unit") == "missing") | pl.col("told_apart")
    return ((written & (nearby | alike)) | known) & ~forbidden


def _with_edits(both: pl.DataFrame) -> pl.DataFrame:
    names = both.select(name="name_l", other="name_r").filter(pl.col("name") != pl.col("other")).unique()
    return both.join(
        name_distances(names), left_on=["name_l", "name_r"], right_on=["name", "other"], how="left",
        maintain_order="left",
    )  # fmt: skip


def _with_city_names(both: pl.DataFrame) -> pl.DataFrame:
    """city_fits: whether one side's city is a name of the other's ZIP, as ASTORIA is of a ZIP of Long Island City."""
    names = places.city_zips().select("city", "zip").unique()
    for side, other in (("l", "r"), ("r", "l")):
        known = names.select(pl.col("city").alias(f"city_{side}"), pl.col("zip").alias(f"zip_{other}"))
        both = both.join(
            known.with_columns(pl.lit(value=True).alias(f"fits_{side}")), on=known.columns, how="left",
            maintain_order="left",
        )  # fmt: skip
    for side in "lr":
        for axis in ("lat", "lon"):
            of_zip = places.lookup(both[f"zip_{side}"], places.centres(), axis)
            both = both.with_columns(of_zip.alias(f"zip_{axis}_{side}"))
    both = both.with_columns(_metres("zip_lat", "zip_lon").alias("zips_apart"))
    return both.with_columns(city_fits=pl.any_horizontal("fits_l", "fits_r").fill_null(value=False))


def _level(field: str) -> pl.Expr:
    left, right = pl.col(f"{field}_l"), pl.col(f"{field}_r")
    return (
        pl.when(left == right).then(pl.lit("same"))
        .when(left.is_null() & right.is_null()).then(pl.lit("none"))
        .when(left.is_null() | right.is_null()).then(pl.lit("missing"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def _street() -> pl.Expr:
    is_long = pl.min_horizontal(pl.col("name_l").str.len_bytes(), pl.col("name_r").str.len_bytes()) >= LONG_NAME
    return (
        pl.when(pl.col("edits").is_null()).then(pl.lit("same"))
        .when(pl.col("edits") == 1).then(pl.lit("one_slip"))
        .when((pl.col("edits") == 2) & is_long).then(pl.lit("two_slips"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def _directional() -> pl.Expr:
    """`N MAIN ST` and `MAIN ST N` say the same; so do N and NE … not."""
    words = {side: pl.concat_list(f"pre_{side}", f"post_{side}").list.drop_nulls().list.sort() for side in "lr"}
    left, right = words["l"], words["r"]
    stands = (pl.col("pre_l").eq_missing(pl.col("pre_r"))) & (pl.col("post_l").eq_missing(pl.col("post_r")))
    return (
        pl.when((left.list.len() == 0) & (right.list.len() == 0)).then(pl.lit("none"))
        .when(stands).then(pl.lit("same"))
        .when(left == right).then(pl.lit("moved"))
        .when((left.list.len() == 0) | (right.list.len() == 0)).then(pl.lit("missing"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def _place() -> pl.Expr:
    zips, cities = _level("zip"), _level("city")
    near = pl.col("zips_apart") <= NEAR_ZIPS_METRES
    fewer, more = pl.min_horizontal("told_by_l", "told_by_r"), pl.max_horizontal("told_by_l", "told_by_r")
    no_slip = (fewer >= TOLD_BY) & (more >= OTHERWISE_TOLD_BY)
    city = (
        pl.when((cities == "same") | pl.col("city_fits")).then(pl.lit("same_city"))
        .when(cities == "other").then(pl.lit("other_city"))
        .otherwise(pl.lit("no_city"))
    )  # fmt: skip
    return (
        pl.when(zips == "same").then(pl.lit("same_zip"))
        .when(zips != "other").then(pl.concat_str(pl.lit("no_zip_"), city))
        .when(near & no_slip & (city == "same_city")).then(pl.lit("both_zips_told"))
        .when(near).then(pl.concat_str(pl.lit("near_zip_"), city))
        .otherwise(pl.concat_str(pl.lit("far_zip_"), city))
    )  # fmt: skip


def _parcel() -> pl.Expr:
    """A source that gives two parcels two numbers means two; two sources may only number differently, and numbers of
    quite different lengths (an assessor's 11 digits, a vendor's 6) are of two schemes and say nothing."""
    ours, theirs = (pl.col(f"parcels_{side}").list.first().str.len_bytes().cast(pl.Int32) for side in "lr")
    common = pl.col("parcels_l").list.set_intersection("parcels_r")
    one_source = pl.col("listed_by_l").list.set_intersection("listed_by_r").list.len() > 0
    return (
        pl.when((pl.col("parcels_l").list.len() == 0) | (pl.col("parcels_r").list.len() == 0)).then(pl.lit("missing"))
        .when((common.list.len() == 0) & one_source).then(pl.lit("listed_apart"))
        .when((common.list.len() == 0) & ((ours - theirs).abs() > ONE_SCHEME)).then(pl.lit("missing"))
        .when(common.list.len() == 0).then(pl.lit("other"))
        .when(common.list.set_difference("shared_parcels_l").list.len() == 0).then(pl.lit("shared"))
        .otherwise(pl.lit("same"))
    )  # fmt: skip


def _owner() -> pl.Expr:
    ours, theirs = (pl.col(f"owner_{side}").list.len().fill_null(0) for side in "lr")
    common = pl.col("owner_l").list.set_intersection("owner_r").list.len()
    fewer, more = pl.min_horizontal(ours, theirs), pl.max_horizontal(ours, theirs)
    return (
        pl.when(fewer == 0).then(pl.lit("missing"))
        .when(common == more).then(pl.lit("same"))
        .when(common * 2 >= fewer).then(pl.lit("alike"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def _distance() -> pl.Expr:
    metres = _metres("lat", "lon")
    return (
        pl.when(metres.is_null()).then(pl.lit("missing"))
        .when(metres <= NEAR_METRES).then(pl.lit("near"))
        .when(metres <= FAR_METRES).then(pl.lit("around"))
        .otherwise(pl.lit("far"))
    )  # fmt: skip


def _metres(lat: str, lon: str) -> pl.Expr:
    """Metres on a plane around the pair: exact enough for neighbours."""
    north = (pl.col(f"{lat}_l") - pl.col(f"{lat}_r")) * _METRES_PER_DEGREE
    east = (pl.col(f"{lon}_l") - pl.col(f"{lon}_r")) * _METRES_PER_DEGREE * pl.col(f"{lat}_l").radians().cos()
    return (north**2 + east**2).sqrt()
