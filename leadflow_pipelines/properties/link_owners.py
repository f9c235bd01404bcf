"""One owner across several properties. Not here: the reading of a name (`owners.parse`), absence (`absentee`)."""

import polars as pl

from leadflow_pipelines.properties.addresses import normalize_addresses
from leadflow_pipelines.properties.owners import legal_forms, parse_owners_by_source
from leadflow_pipelines.properties.stable_hash import stable_hash

LINK_COLUMNS = (
    "property_id", "owner_name", "owner_source", "mailing_street", "mailing_city", "mailing_state", "mailing_zip5",
    "state",
)  # fmt: skip
"""What `link_owners` reads."""
_MIDDLE_NAMES = r"([:&][^,&]*,[^,&]*),([^,&]*)"
"""In a key of persons: surname and given name (group 1), middle name (group 2)."""
_BOTH_MIDDLE_NAMES = r":[^,&]*,[^,&]*,(?P<middle>[^,&]*)(?:,[^,&]*&[^,&]*,[^,&]*,(?P<middle_2>[^,&]*))?"
_IN_PEOPLE = ("person", "couple", "co_owners", "estate")
_MOST_PEOPLE = 2
"""Of an owner whose middle names may differ; more than two are compared as they are written."""


def link_owners(properties: pl.DataFrame) -> pl.DataFrame:
    """One row per property in order: OWNER_COLUMNS, owner_id (32 hex digits) and owner_parcel_count (Int32).

    `properties` holds LINK_COLUMNS, one row per property; names are read by the convention of the source that gave
    them. Two properties have one owner where owner_key and mailing address are the same (for a box: the box), or where
    the key is a registered company's or a public body's and the state of the property is the same: a state registers a
    company's name once. A person, an estate, a trust or an unregistered body of the same name without the same mailing
    address is somebody else, and so is the owner of each property whose mailing address is unknown. Persons who share
    mailing address, surname and given name are one where their middle names may be one: JOHN, JOHN A and JOHN ALLEN,
    but none of them where a JOHN B gets his mail there too. owner_id and the count are null where no owner is named.

    The order of rows changes no owner_id, and other owners' rows change none but in two cases: a second middle name at
    a mailing address parts those who share the rest, and a registered company that owns in several states from one
    mailing address is one owner, named after its alphabetically first state.
    """
    owners = parse_owners_by_source(properties["owner_name"], properties["owner_source"])
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
    frame = frame.with_columns(_one_key_a_household(frame).alias("named"))
    owner_id = pl.when(pl.col("owner_key").is_not_null()).then(stable_hash([pl.col("named"), evidence]))
    linked = frame.select(owner_id=owner_id).with_columns(
        owner_parcel_count=pl.when(pl.col("owner_id").is_not_null()).then(pl.len().over("owner_id")).cast(pl.Int32)
    )
    return owners.hstack(linked)


def _one_key_a_household(frame: pl.DataFrame) -> pl.Series:
    """owner_key, without the middle names where those that share the rest and the mailing address agree on them."""
    key = pl.col("owner_key")
    people = (
        frame.with_row_index("row")
        .filter(pl.col("owner_form").is_in(_IN_PEOPLE) & pl.col("mailed_to").is_not_null() & key.is_not_null())
        .filter(key.str.count_matches("&", literal=True) < _MOST_PEOPLE)
        .select("row", "owner_key", at=pl.concat_str("mailed_to", key.str.replace_all(_MIDDLE_NAMES, "${1},")).hash(),
                without=key.str.replace_all(_MIDDLE_NAMES, "${1},"))
    )  # fmt: skip
    several = people.filter(pl.col("at").is_duplicated())
    several = several.with_columns(key.str.extract_groups(_BOTH_MIDDLE_NAMES).alias("middles")).unnest("middles")
    agree = pl.all_horizontal(_may_be_one(middle).over("at") for middle in ("middle", "middle_2"))
    torn = several.filter(~agree)
    return frame["owner_key"].clone().scatter(people["row"], people["without"]).scatter(torn["row"], torn["owner_key"])


def _may_be_one(middle: str) -> pl.Expr:
    """Whether at most one initial and one middle name in full occur."""
    name = pl.col(middle).replace("", None)
    in_full = pl.when(name.str.len_chars() > 1).then(name)
    initial = name.str.head(1)
    return (initial.min().eq_missing(initial.max())) & (in_full.min().eq_missing(in_full.max()))


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
