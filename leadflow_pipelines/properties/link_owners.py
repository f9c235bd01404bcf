"""One owner across several properties. Not here: the reading of a name (`owners.parse`), absence (`absentee`)."""

import polars as pl

from leadflow_pipelines.properties.addresses import normalize_addresses
from leadflow_pipelines.properties.owners import legal_forms, parse_owners
from leadflow_pipelines.properties.stable_hash import stable_hash

LINK_COLUMNS = ("property_id", "owner_name", "mailing_street", "mailing_city", "mailing_state", "mailing_zip5", "state")
"""What `link_owners` reads."""


def link_owners(properties: pl.DataFrame) -> pl.DataFrame:
    """One row per property in order: OWNER_COLUMNS, owner_id (32 hex digits) and owner_parcel_count (Int32).

    `properties` holds LINK_COLUMNS, one row per property. Two properties have one owner where owner_key and mailing
    address are the same (for a box: the box), or where the key is a registered company's or a public body's and the
    state of the property is the same: a state registers a company's name once. A person, an estate, a trust or an
    unregistered body of the same name without the same mailing address is somebody else, and so is the owner of each
    property whose mailing address is unknown. owner_id and the count are null where no owner is named.

    Neither the order of rows nor other owners' rows change an owner_id. A registered company that owns in several
    states from one mailing address is one owner, named after its alphabetically first state.
    """
    owners = parse_owners(properties["owner_name"])
    frame = owners.select("owner_key", "owner_form", "legal_form").with_columns(
        properties["property_id"], properties["state"], _mailing_key(properties)
    )
    is_registered = (pl.col("owner_form") == "public") | (
        (pl.col("owner_form") == "company") & pl.col("legal_form").is_in(legal_forms())
    )
    frame = frame.with_columns(
        registered_in=pl.when(is_registered).then(pl.concat_str(pl.lit("state:"), "state")),
        mailed_to=pl.concat_str(pl.lit("mail:"), "mailing_key"),
        alone=pl.concat_str(pl.lit("property:"), "property_id"),
    )
    evidence = pl.coalesce(_first_state(frame).alias("first_state"), "mailed_to", "alone")
    owner_id = pl.when(pl.col("owner_key").is_not_null()).then(stable_hash([pl.col("owner_key"), evidence]))
    linked = frame.select(owner_id=owner_id).with_columns(
        owner_parcel_count=pl.when(pl.col("owner_id").is_not_null()).then(pl.len().over("owner_id")).cast(pl.Int32)
    )
    return owners.hstack(linked)


def _mailing_key(properties: pl.DataFrame) -> pl.Series:
    """The canonical mailing address as one string, boxes included; null where it does not identify a place."""
    mailing = normalize_addresses(mailing_inputs(properties))
    place = pl.coalesce("zip5", pl.concat_str("city", "state", separator=","))
    box = pl.when(pl.col("parse_status") == "po_box").then(pl.concat_str("street_name", place, separator="|"))
    has_place = place.is_not_null()
    return mailing.select(pl.when(has_place).then(pl.coalesce("address_key", box)).alias("mailing_key")).to_series()


def mailing_inputs(properties: pl.DataFrame) -> pl.DataFrame:
    """The mailing columns under the names that `normalize_addresses` reads."""
    return properties.select(street="mailing_street", city="mailing_city", state="mailing_state", zip="mailing_zip5")


def _first_state(frame: pl.DataFrame) -> pl.Series:
    """The first state of all that a registered owner's states and mailing addresses tie together; null for the others.

    The label spreads over (key, state) and (key, mailing address) in turn until nothing moves: states are few, so that
    two or three rounds do.
    """
    label = frame["registered_in"].alias("label")
    while True:
        spread = frame.with_columns(label).with_columns(
            pl.when(pl.col("mailed_to").is_null()).then("label")
            .otherwise(pl.col("label").min().over("owner_key", "mailed_to")).alias("label")
        ).select(
            pl.when(pl.col("registered_in").is_null()).then("label")
            .otherwise(pl.col("label").min().over("owner_key", "registered_in")).alias("label")
        ).to_series()  # fmt: skip
        if spread.equals(label, null_equal=True):
            return label
        label = spread
