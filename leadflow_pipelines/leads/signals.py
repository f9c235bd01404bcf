"""Signals: what is known about an owner's situation, from the property as of a day.

A signal is true, false or null; null means that no source says. Absence from a list is null too, because no
list here claims to cover a county.
"""

import datetime as dt

import polars as pl

from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.leads.owner_type import owner_type
from leadflow_pipelines.properties import normalize_addresses

DAYS_PER_YEAR = 365.25
LIST_SIGNALS = {
    "tax_delinquent": "is_tax_delinquent",
    "pre_foreclosure": "is_pre_foreclosure",
    "vacant": "is_vacant",
    "code_violation": "has_code_violation",
}


def derive_signals(properties: pl.DataFrame, *, day: dt.date) -> pl.DataFrame:
    """ENRICHED_LEADS rows for the properties (PROPERTIES shape) that hold on `day`, one each."""
    leads = _with_mailing_match(properties).with_columns(
        pl.lit(day).alias("day"),
        owner_type(pl.col("owner_name")).alias("owner_type"),
        _is_absentee().alias("is_absentee"),
        (pl.col("mailing_state") != pl.col("state")).alias("is_out_of_state"),
        _tenure_years(day).alias("tenure_years"),
        _equity_share().alias("equity_share"),
        *(_on_list(code, name) for code, name in LIST_SIGNALS.items()),
    )
    leads = leads.with_columns(
        pl.when(pl.col("owner_type") != "unknown")
        .then(pl.col("owner_type").is_in(["company", "trust"]))
        .alias("is_entity_owned"),
        _stacked_list_count().alias("stacked_list_count"),
    )
    return ENRICHED_LEADS.conform(leads)


def _with_mailing_match(properties: pl.DataFrame) -> pl.DataFrame:
    """Adds `mailing_matches`: the canonical mailing address is the situs address (units aside); null if unknown."""
    mailing = normalize_addresses(
        properties.select(
            pl.col("mailing_street").alias("street"),
            pl.col("mailing_city").alias("city"),
            pl.col("mailing_state").alias("state"),
            pl.col("mailing_zip5").alias("zip"),
        )
    )
    situs_place = pl.coalesce("zip5", "city")
    mailing_place = pl.when(pl.col("zip5").is_null()).then("m_city").otherwise(pl.coalesce("m_zip5", "m_city"))
    same_street = (
        (pl.col("house_number").str.replace_all("-", "") == pl.col("m_house_number").str.replace_all("-", ""))
        & (pl.col("street_name") == pl.col("m_street_name"))
        & (situs_place == mailing_place)
    )
    return properties.hstack(
        mailing.select(
            pl.col("house_number", "street_name", "city", "zip5", "parse_status").name.prefix("m_"),
        )
    ).with_columns(
        pl.when(pl.col("m_parse_status") == "po_box")
        .then(pl.when(pl.col("mailing_state") != pl.col("state")).then(False))
        .when(pl.col("m_house_number").is_not_null() & pl.col("house_number").is_not_null())
        .then(same_street)
        .alias("mailing_matches")
    )


def _is_absentee() -> pl.Expr:
    return pl.coalesce(~pl.col("mailing_matches"), ~pl.col("is_owner_occupied"))


def _tenure_years(day: dt.date) -> pl.Expr:
    days = (pl.lit(day) - pl.col("sale_date")).dt.total_days()
    return pl.when(days >= 0).then((days / DAYS_PER_YEAR).round(2))


def _equity_share() -> pl.Expr:
    value = pl.col("market_value_cents")
    return pl.when(value > 0).then(((value - pl.col("mortgage_cents")) / value).round(4))


def _on_list(code: str, name: str) -> pl.Expr:
    listed = pl.when(pl.col("list_codes").list.contains(code)).then(True)
    return (pl.coalesce(listed, "is_vacant") if name == "is_vacant" else listed).alias(name)


def _stacked_list_count() -> pl.Expr:
    """Lists that hold the property, a reported vacancy counted as the vacancy list."""
    lists = pl.col("list_codes").fill_null([])
    vacant = (
        pl.when(pl.col("is_vacant").fill_null(False)).then(pl.lit(["vacant"])).otherwise(pl.lit([], pl.List(pl.String)))
    )
    return pl.concat_list(lists, vacant).list.unique().list.len().cast(pl.Int32)
