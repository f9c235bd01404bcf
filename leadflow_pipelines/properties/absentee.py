"""Whether an owner's mail comes to the property: canonical situs against canonical mailing address."""

import polars as pl

from leadflow_pipelines.properties.addresses import ADDRESS_COLUMNS, normalize_addresses, places, unit_key
from leadflow_pipelines.properties.link_owners import mailing_inputs

_STREET_PARTS = ("pre_directional", "suffix", "post_directional")
_COMPARED = ("house_number", *_STREET_PARTS, "street_name", "unit", "city", "state", "zip5", "parse_status")


def mail_comes_home(properties: pl.DataFrame) -> pl.Series:
    """Per property, in order: true, false, or null where the two addresses do not decide.

    `properties` holds the canonical situs parts and mailing_street, _city, _state and _zip5. Home: the same number,
    street and ZIP (or city, where one has no ZIP); how the unit is written does not count, nor a directional, suffix or
    unit that only one of the two has. Away: another street address, or any address in another state. A post box or a
    rural box says nothing unless it stands in another city. Null: either address missing or not understood; the same
    number and street under two ZIPs of one city, because one of the two is then more likely wrong than the owner away.
    """
    mailing = normalize_addresses(mailing_inputs(properties))
    situs = properties.select(name for name in ADDRESS_COLUMNS if name in properties.columns)
    both = pl.concat([_compared(situs, ""), _compared(mailing, "m_")], how="horizontal")
    same_number = _digits("house_number") == _digits("m_house_number")
    same_name = pl.col("street_name") == pl.col("m_street_name")
    same_parts = [(pl.col(name) == pl.col(f"m_{name}")).fill_null(value=True) for name in (*_STREET_PARTS, "unit")]
    same_street = pl.all_horizontal(same_number, same_name, *same_parts)
    same_zip, same_city = pl.col("zip5") == pl.col("m_zip5"), _same_city()
    other_state = (pl.col("state") != pl.col("m_state")).fill_null(value=False)
    has_situs, has_mailing = pl.col("street_name").is_not_null(), pl.col("m_street_name").is_not_null()
    is_box = pl.col("m_parse_status").is_in(["po_box", "rural_route"])
    numbered = pl.col("house_number").is_not_null() & pl.col("m_house_number").is_not_null()
    return both.select(
        pl.when(~has_situs | ~has_mailing).then(None)
        .when(other_state).then(False)
        .when(is_box).then(pl.when(~same_city & ~same_zip.fill_null(value=False)).then(False))
        .when(~numbered).then(None)
        .when(~same_street).then(False)
        .when(same_zip).then(True)
        .when(same_zip.is_null()).then(same_city)
        .when(~same_city).then(False)
        .alias("mail_comes_home")
    ).to_series()  # fmt: skip


def _compared(address: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """The parts that are compared, absent ones null, and the city that the post office gives the ZIP."""
    address = address.with_columns(
        pl.lit(None, pl.String).alias(name) for name in ADDRESS_COLUMNS if name not in address.columns
    )
    postal = places.lookup(address["zip5"], places.zips(), "city").alias("postal_city")
    return address.with_columns(unit_key().alias("unit"), postal).select(
        pl.col(*_COMPARED, "postal_city").name.prefix(prefix)
    )


def _digits(column: str) -> pl.Expr:
    """A house number without hyphens: 73-04 and 7304 are one number."""
    return pl.col(column).str.replace_all("-", "", literal=True)


def _same_city() -> pl.Expr:
    """Whether the cities agree as written or as the ZIPs' postal cities; null where one is unknown."""
    written = pl.col("city") == pl.col("m_city")
    postal = pl.coalesce("postal_city", "city") == pl.coalesce("m_postal_city", "m_city")
    return pl.when(written | postal).then(True).otherwise(pl.coalesce(written, postal))
