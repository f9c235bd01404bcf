"""Pairs of addresses that may be one property although their keys differ.

Here: exact clusters summed up as nodes, and the bounded blocks in which two nodes meet. Not here: how alike two
nodes are (`compare`), or what follows from it (`match_model`, `resolve`).
"""

import duckdb
import polars as pl

from leadflow_pipelines.properties.addresses import places
from leadflow_pipelines.properties.addresses.postal_tables import SUFFIX_WORDS

KEY_FIELDS = ("number", "pre", "name", "suffix", "post", "unit", "place")
"""The parts of an address key, in its order."""
FEATURES = ("city", "state", "county_fips", "owner_name", "lat", "lon")
"""What members may say besides their keys."""
BLOCK_LIMIT = 60
"""Nodes of one number, unit and street name in a region beyond which only those with the same ZIP meet."""
PARCEL_LIMIT = 30
"""Addresses of one parcel number beyond which it names a whole complex, and brings nobody together."""
SHORTEST_NAME, LONGEST_NAME = 4, 40
"""Street names of this length may hold a slip of the pen; a shorter one is another name, a longer one no name."""
COUNTY_SIGN = "~"
"""Before a county's code where it stands for the place of an address that says none."""
OWNER_NOISE = ["AND", "ET", "AL", "ETAL", "ETUX", "ETVIR", "UX", "VIR", "TR", "TRS", "TRUSTEE", "THE", "OF", "JT"]


def nodes_of(members: pl.DataFrame) -> pl.DataFrame:
    """One row per exact cluster whose address has a number and a street: node, cluster, KEY_FIELDS, zip.

    `members`: cluster, address_key, record_id. Of several spellings in a cluster the one with a ZIP, then the smallest,
    stands for it. Nodes are numbered by what they say, whatever the order of rows.
    """
    key = pl.col("address_key")
    placed = pl.when(key.str.contains(r"\|\d{5}$")).then(pl.concat_str(pl.lit("0"), key)).otherwise(
        pl.concat_str(pl.lit("1"), key)
    )  # fmt: skip
    best = (
        members.filter(key.is_not_null())
        .group_by("cluster")
        .agg(placed.min().str.slice(1).alias("key"), pl.col("record_id").min())
        .sort("key", "record_id")
    )
    fields = (
        best["key"].str.split_exact("|", len(KEY_FIELDS) - 1).struct.rename_fields(list(KEY_FIELDS)).struct.unnest()
    )
    nodes = best.select("cluster").hstack(fields.select(pl.all().replace("", None)))
    return (
        nodes.filter(pl.col("number").is_not_null() & pl.col("name").is_not_null())
        .with_columns(zip=pl.when(pl.col("place").str.contains(r"^\d{5}$")).then("place"))
        .with_row_index("node")
    )


def described(nodes: pl.DataFrame, members: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """The wanted nodes with city (that the records say), parcels, shared_parcels (those of them that several house
    numbers or units bear: they name a complex, not a home), listed_by (sources that number them), told_by (how many
    sources write the address), owner (its words), lat and lon.
    """
    some = nodes.filter(pl.col("node").is_in(wanted.unique().implode()))
    said = members.join(some, on="cluster", how="semi").group_by("cluster").agg(
        pl.col("city").min(),
        pl.concat_str(pl.col("owner_name").min(), pl.col("owner_name").max(), separator=" ").alias("owner_name"),
        pl.concat_list(pl.col("parcel_key").min(), pl.col("parcel_key").max()).alias("parcels"),
        pl.col("source").filter(pl.col("parcel_key").is_not_null()).unique().alias("listed_by"),
        pl.col("source").filter(pl.col("address_key").is_not_null()).drop_nulls().n_unique().alias("told_by"),
        pl.col("lat").mean(),
        pl.col("lon").mean(),
    )  # fmt: skip
    in_place = pl.when(pl.col("zip").is_null()).then(pl.col("place").str.extract(r"^(.*),"))
    words = pl.col("owner_name").str.to_uppercase().str.extract_all(r"[A-Z0-9]{2,}")
    shared = _shared_parcels(nodes, members, said["parcels"])
    parcels = pl.col("parcels").list.drop_nulls().list.unique().list.sort()
    return some.join(said, on="cluster", how="left", maintain_order="left").with_columns(
        pl.coalesce("city", in_place).alias("city"),
        parcels,
        parcels.list.eval(pl.element().filter(pl.element().is_in(shared.implode()))).alias("shared_parcels"),
        words.list.set_difference(OWNER_NOISE).list.unique().list.sort().alias("owner"),
    ).drop("owner_name")  # fmt: skip


def _shared_parcels(nodes: pl.DataFrame, members: pl.DataFrame, wanted: pl.Series) -> pl.Series:
    """Those of the wanted parcel numbers (lists of them) that stand at several house numbers or units."""
    asked = members.select("cluster", "parcel_key").filter(
        pl.col("parcel_key").is_in(wanted.explode().unique().implode())
    )
    homes = asked.join(nodes.select("cluster", "number", "unit"), on="cluster").unique(["parcel_key", "number", "unit"])
    return homes.group_by("parcel_key").len().filter(pl.col("len") > 1)["parcel_key"]


def candidate_pairs(nodes: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """left, right (node numbers, left < right): the pairs that meet in some block, each once."""
    blocks = _blocks(nodes, members)
    pairs = [_same_name(blocks), _similar_name(blocks), _same_parcel(nodes, members)]
    return pl.concat(pairs).unique().sort("left", "right")


def _blocks(nodes: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Each node in every region in which it may lie: node, region, number, unit, name, suffix, zip, home.

    A region is a three-digit ZIP area: the ZIP's own, else those of the city, else those of the county. `home` is a
    hash of region, number, unit and name.
    """
    area = pl.col("zip").str.head(3).alias("region")
    placed = nodes.filter(pl.col("zip").is_not_null()).with_columns(area)
    unplaced = nodes.filter(pl.col("zip").is_null())
    in_city = unplaced.join(regions_of(unplaced["place"]), on="place")
    lost = unplaced.join(in_city, on="node", how="anti")
    county = members.join(lost, on="cluster", how="semi").group_by("cluster").agg(pl.col("county_fips").min())
    named = (
        lost.drop("place")
        .join(county, on="cluster")
        .with_columns(place=pl.concat_str(pl.lit(COUNTY_SIGN), "county_fips"))
    )
    in_county = named.join(regions_of(named["place"]), on="place")
    columns = ["node", "region", "number", "unit", "name", "suffix", "zip"]
    blocks = pl.concat([some.select(columns) for some in (placed, in_city, in_county)])
    return blocks.with_columns(home=_home("name"))


def regions_of(named: pl.Series) -> pl.DataFrame:
    """place, region: the three-digit ZIP areas of each `CITY,ST` or `~county_fips`; three digits are their own."""
    distinct = named.alias("place").drop_nulls().unique().to_frame()
    by_city = places.city_zips().select(
        pl.concat_str("city", pl.lit(","), "state").alias("place"), pl.col("zip").str.head(3).alias("region")
    )
    by_county = places.zip_table().select(
        pl.concat_str(pl.lit(COUNTY_SIGN), "county_fips").alias("place"), pl.col("zip").str.head(3).alias("region")
    )
    digits = distinct.filter(pl.col("place").str.contains(r"^\d{3}$")).with_columns(region="place")
    named_areas = pl.concat([by_city, by_county]).drop_nulls().unique()
    return pl.concat([digits, distinct.join(named_areas, on="place")])


def _home(name: str) -> pl.Expr:
    parts = [pl.col("region"), pl.col("number"), pl.col("unit").fill_null(""), pl.col(name)]
    return pl.concat_str(parts, separator="|").hash()


def whole_name() -> pl.Expr:
    """Street name and suffix as one name: WILLIAMS VALLEY of `WILLIAMS|VLY`."""
    word = pl.col("suffix").replace_strict(SUFFIX_WORDS, default=pl.col("suffix"), return_dtype=pl.String)
    return pl.concat_str("name", pl.lit(" "), word)


def similar_names(names: pl.DataFrame, of: pl.DataFrame | None = None) -> pl.DataFrame:
    """region, name, other: street names of one region that one slip of the pen may part, in both directions.

    `names`: region, name, distinct; with `of` only those beside the names that it holds, as `name`. A slip is a letter
    lost, added, changed, or two exchanged: then some form with at most one letter less is the same. Names with digits
    are never alike: 12TH is not 13TH.
    """
    able = names.filter(
        pl.col("name").str.contains(r"^[A-Z' -]+$")
        & pl.col("name").str.len_bytes().is_between(SHORTEST_NAME, LONGEST_NAME)
    )
    names = able.select("name").unique().with_row_index("code")
    # A form in a region is a hash: what two of one hash cost is a look at a pair that is not alike.
    at_home = able.join(names, on="name", maintain_order="left").with_row_index("at").select(
        "at", "code", region_hash=pl.col("region").hash(1)
    )  # fmt: skip
    every = at_home.join(_forms_of(names), on="code").select("at", form=pl.col("form") ^ pl.col("region_hash"))
    if of is None:
        asked = every = every.filter(pl.col("form").is_duplicated())
    else:
        own = able.with_row_index("at").join(of, on=["region", "name"], how="semi").select("at")
        asked = every.join(own, on="at", how="semi")
        every = every.join(asked.select("form").unique(), on="form", how="semi")
    met = asked.join(every, on="form", suffix="_other").select("at", "at_other")
    met = met.filter(pl.col("at") != pl.col("at_other")).unique()
    one, other = (able[met[side]] for side in ("at", "at_other"))
    return one.select("region", "name").with_columns(other=other["name"])


def _forms_of(names: pl.DataFrame) -> pl.DataFrame:
    """code, form: the hash of each name (code, name) and of all that a lost letter makes of it."""
    name = pl.col("name")
    forms = [names.select("code", form=name.hash(2))]
    for at in range(LONGEST_NAME):
        names = names.filter(name.str.len_bytes() > at)
        shorter = pl.concat_str(name.str.slice(0, at), name.str.slice(at + 1))
        forms.append(names.select("code", form=shorter.hash(2)))
    return pl.concat(forms)


def name_distances(names: pl.DataFrame) -> pl.DataFrame:
    """name, other with `edits`: how many slips of the pen part them (Damerau and Levenshtein's distance)."""
    with duckdb.connect() as duck:
        duck.register("names", names.select("name", "other").to_arrow())
        edits = duck.sql("select damerau_levenshtein(name, other)::int as edits from names").to_arrow_table()
    return names.select("name", "other").hstack(pl.DataFrame(edits))


def _same_name(blocks: pl.DataFrame) -> pl.DataFrame:
    """Where a suffix was left out, what is a name and a suffix to one source is the name alone to another."""
    whole = (
        blocks.filter(pl.col("suffix").is_not_null()).with_columns(whole=whole_name()).with_columns(home=_home("whole"))
    )
    whole = whole.join(blocks.select("home").unique(), on="home", how="semi")
    side = pl.concat([blocks.select("node", "zip", "home"), whole.select("node", "zip", "home")])
    sizes = side.group_by("home").len().filter(pl.col("len") > 1)
    crowd = side.join(sizes, on="home")
    small, large = crowd.filter(pl.col("len") <= BLOCK_LIMIT), crowd.filter(pl.col("len") > BLOCK_LIMIT)
    keys = ["home", "zip"]
    return pl.concat([_meet(small, ["home"]), _meet(_bounded(large.drop_nulls("zip"), keys), keys)])


def _similar_name(blocks: pl.DataFrame) -> pl.DataFrame:
    names = blocks.group_by("region", "name").len()
    alike = similar_names(names.select("region", "name"))
    sizes = names.rename({"name": "other", "len": "others"})
    alike = alike.join(names, on=["region", "name"]).join(sizes, on=["region", "other"])
    # Each pair of names once, from the side of the rarer one: it has fewer addresses to look for.
    rarer = (pl.col("len") < pl.col("others")) | (
        (pl.col("len") == pl.col("others")) & (pl.col("name") < pl.col("other"))
    )
    seeking = blocks.join(alike.filter(rarer).select("region", "name", "other"), on=["region", "name"])
    seeking = seeking.select("node", home=_home("other"))
    met = seeking.join(blocks.select("home", found="node"), on="home")
    met = _bounded(met, ["node"])
    return met.select(left=pl.min_horizontal("node", "found"), right=pl.max_horizontal("node", "found"))


def _same_parcel(nodes: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    parcels = members.select("cluster", "parcel_key").drop_nulls().unique()
    sizes = parcels.group_by("parcel_key").len().filter(pl.col("len").is_between(2, PARCEL_LIMIT))
    parcels = parcels.join(sizes.select("parcel_key"), on="parcel_key", how="semi")
    return _meet(parcels.join(nodes.select("node", "cluster"), on="cluster"), ["parcel_key"])


def _bounded(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The blocks of at most BLOCK_LIMIT rows: a larger one would cost its square and decides nothing."""
    sizes = frame.group_by(keys).len().filter(pl.col("len") <= BLOCK_LIMIT)
    return frame.join(sizes.select(keys), on=keys, how="semi")


def _meet(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    side = frame.select("node", *keys)
    met = side.join(side, on=keys, suffix="_other").filter(pl.col("node") < pl.col("node_other"))
    return met.select(left="node", right="node_other")
