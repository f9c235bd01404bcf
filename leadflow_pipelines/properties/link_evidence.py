"""Why a record belongs to its property, as a rule's name and a sentence.

Here: words for decisions already taken. Not here: the decisions (`resolve`).
"""

import polars as pl

LINK_COLUMNS = ("record_id", "property_id", "matched_by", "score", "evidence", "previous_property_id")
KEPT_COLUMNS = ("matched_by", "evidence", "previous_property_id")
_TOLD = ("at", "record_id", "property_id", "is_given", "is_moved", "old_id", "alike_score", "matched_by", "evidence",
         *(f"old_{name}" for name in KEPT_COLUMNS))  # fmt: skip
_FIRST = "The first record of this property."


def explain_links(members: pl.DataFrame, merges: pl.DataFrame) -> pl.DataFrame:
    """LINK_COLUMNS, at, is_given and is_moved of the members. A link that stands keeps what it said before.

    Needs at, record_id, is_given, cluster, property_id, founder, old_id, node, parcel, address_key, parcel_key and
    old_… of KEPT_COLUMNS. A cluster is a property. matched_by is `first`, `address`, `parcel`, `address+parcel` (what
    it shares with another record of the property), `similar` (its exact cluster is another than the first record's:
    the match that holds it, and how likely that is), `decision` (an operator's) or `merge`.
    """
    is_moved = (pl.col("old_id") != pl.col("property_id")).fill_null(value=False)
    members = members.with_columns(is_moved.alias("is_moved"))
    plain = (pl.col("record_id") == pl.col("founder")) & ~pl.col("is_moved")
    founders, others = members.filter(plain), members.filter(~plain)
    founders = founders.with_columns(matched_by=pl.lit("first"), evidence=pl.lit(_FIRST))
    others = _explain(others, members, merges)
    score = pl.when(pl.col("matched_by") == "similar").then("alike_score").otherwise(1.0)
    links = pl.concat([founders.select(_TOLD), others.select(_TOLD)]).with_columns(
        score.alias("score"), pl.when("is_moved").then("old_id").alias("previous_property_id")
    )
    stands = pl.col("old_id").is_not_null() & ~pl.col("is_moved") & pl.col("old_matched_by").is_not_null()
    # A likeness that holds nothing any more, because the other side has left, is not repeated.
    stands &= (pl.col("old_matched_by") != "similar") | (pl.col("matched_by") == "similar")
    return links.with_columns(pl.when(stands).then(f"old_{name}").otherwise(name).alias(name) for name in KEPT_COLUMNS)


def _explain(others: pl.DataFrame, members: pl.DataFrame, merges: pl.DataFrame) -> pl.DataFrame:
    """matched_by and evidence of records that joined, or moved to, a property."""
    # By cluster, because integers meet in a fraction of the time that ids take.
    around = members.select("cluster", "record_id", "founder", "exact", "node", "parcel").join(
        others.select("cluster").unique(), on="cluster", how="semi"
    )
    for name in ("node", "parcel"):
        shared = around.group_by("cluster", name).len().filter((pl.col("len") > 1) & pl.col(name).is_not_null())
        others = others.join(shared.rename({"len": f"{name}_shared"}), on=["cluster", name], how="left")
    first = around.filter(pl.col("record_id") == pl.col("founder")).select("cluster", first_exact="exact")
    others = others.join(first, on="cluster", how="left", maintain_order="left")
    elsewhere = pl.col("exact") != pl.col("first_exact")
    by_decision = elsewhere & pl.col("is_decided") & pl.col("alike_evidence").is_null()
    by_likeness = elsewhere & pl.col("alike_evidence").is_not_null()
    by_address, by_parcel = pl.col("node_shared").is_not_null(), pl.col("parcel_shared").is_not_null()
    is_merged = pl.col("is_moved") & pl.col("old_id").is_in(merges["previous_property_id"].implode())
    address = (
        pl.col("address_key").str.replace_all("|", " ", literal=True).str.replace_all(r" +", " ").str.strip_chars()
    )
    same_address = pl.concat_str(pl.lit("same address "), address)
    same_parcel = pl.concat_str(pl.lit("same parcel number "), "parcel_key")
    said = (
        pl.when(by_address & by_parcel).then(pl.concat_str(same_address, pl.lit(", "), same_parcel))
        .when(by_address).then(same_address)
        .when(by_parcel).then(same_parcel)
    )  # fmt: skip
    return others.with_columns(
        pl.when(by_decision).then(pl.lit("decision"))
        .when(is_merged).then(pl.lit("merge"))
        .when(by_likeness).then(pl.lit("similar"))
        .when(by_address & by_parcel).then(pl.lit("address+parcel"))
        .when(by_address).then(pl.lit("address"))
        .when(by_parcel).then(pl.lit("parcel"))
        .otherwise(pl.lit("first")).alias("matched_by"),
        pl.when(by_decision).then(pl.lit("An operator put it together with this property."))
        .when(is_merged & by_likeness)
        .then(pl.concat_str(pl.lit("Two properties turned out to be one. "), "alike_evidence"))
        .when(is_merged)
        .then(pl.concat_str(
            pl.lit("Two properties turned out to be one"), pl.concat_str(pl.lit(": "), said).fill_null(""), pl.lit(".")
        ))
        .when(by_likeness).then("alike_evidence")
        .otherwise(pl.concat_str(said.str.head(1).str.to_uppercase(), said.str.slice(1), pl.lit(".")).fill_null(_FIRST))
        .alias("evidence"),
    )  # fmt: skip
