"""Signals: what is known about an owner's situation, from the property as of a day.

A signal is true, false or null; null means that no source says. Absence from a list is null too, because no
list here claims to cover a county. Probate is a list's word alone: an owner's name that speaks of an estate is none.
"""

import datetime as dt
from collections.abc import Collection

import polars as pl

from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.properties.absentee import mail_comes_home
from leadflow_pipelines.properties.link_owners import LINK_COLUMNS, link_owners

DAYS_PER_YEAR = 365.25
LIST_SIGNALS = {
    "tax_delinquent": "is_tax_delinquent",
    "pre_foreclosure": "is_pre_foreclosure",
    "probate": "is_probate",
    "vacant": "is_vacant",
    "code_violation": "has_code_violation",
}
PROBATE_LISTS = ("probate", "pre_probate")
PAID_OFF_AFTER_DAYS = 90
"""A sale so long after a loan was made pays it off; deeds and loans of one sale are recorded weeks apart."""


def derive_signals(
    properties: pl.DataFrame,
    *,
    day: dt.date,
    area: pl.DataFrame | None = None,
    probate_states: Collection[str] | None = None,
) -> pl.DataFrame:
    """ENRICHED_LEADS rows for the properties (PROPERTIES shape) that hold on `day`, one each.

    `area`: LINK_COLUMNS of every property of the org that holds on `day`, so that an owner's parcels are counted in
    ZIPs which are not derived just now, too; without it the given properties are all there are. `probate_states`:
    states in which probate lists count, None for all; elsewhere, and in an unknown state, leads do not show them.
    """
    if probate_states is not None:
        properties = properties.with_columns(_lists_without_probate(probate_states))
    owners = _owners(properties, properties.select(LINK_COLUMNS) if area is None else area)
    mail_is_away = ~mail_comes_home(properties)
    leads = properties.hstack(owners).with_columns(
        pl.lit(day).alias("day"),
        pl.coalesce(mail_is_away, ~pl.col("is_owner_occupied")).alias("is_absentee"),
        (pl.col("mailing_state") != pl.col("state")).alias("is_out_of_state"),
        _tenure_years(day).alias("tenure_years"),
        _equity_share().alias("equity_share"),
        _loan_age_years(day).alias("loan_age_years"),
        *(_on_list(code, name) for code, name in LIST_SIGNALS.items()),
    )
    leads = leads.with_columns(
        pl.when(pl.col("owner_type") != "unknown")
        .then(pl.col("owner_type").is_in(["company", "trust"]))
        .alias("is_entity_owned"),
        _stacked_list_count().alias("stacked_list_count"),
    )
    return ENRICHED_LEADS.conform(leads)


def _owners(properties: pl.DataFrame, area: pl.DataFrame) -> pl.DataFrame:
    """owner_type, owner_form, owner_id and owner_parcel_count of the properties, in their order."""
    linked = pl.concat(
        [area.select("property_id"),
         link_owners(area).select("owner_type", "owner_form", "owner_id", "owner_parcel_count")],
        how="horizontal",
    )  # fmt: skip
    return (
        properties.select("property_id")
        .join(linked, on="property_id", how="left", maintain_order="left")
        .drop("property_id")
    )


def _lists_without_probate(probate_states: Collection[str]) -> pl.Expr:
    """`list_codes`, in all but these states without the lists of probate; null where none is left."""
    others = pl.col("list_codes").list.set_difference(pl.lit([*PROBATE_LISTS])).list.sort()
    counts = pl.col("state").is_in([*probate_states]).fill_null(False)
    return pl.when(counts).then("list_codes").otherwise(pl.when(others.list.len() > 0).then(others)).alias("list_codes")


def _years_since(date: pl.Expr, day: dt.date) -> pl.Expr:
    """To two digits; null for a day to come."""
    days = (pl.lit(day) - date).dt.total_days()
    return pl.when(days >= 0).then((days / DAYS_PER_YEAR).round(2))


def _tenure_years(day: dt.date) -> pl.Expr:
    return _years_since(pl.col("sale_date"), day)


def _loan_age_years(day: dt.date) -> pl.Expr:
    """Null where the source says that no loan is open, or a later sale at a price has paid it off."""
    loan = pl.col("mortgage_date")
    outlived = (pl.col("sale_date") - loan).dt.total_days() > PAID_OFF_AFTER_DAYS
    is_paid_off = (outlived & pl.col("sale_price_cents").is_not_null()) | (pl.col("mortgage_cents") == 0)
    return pl.when(~is_paid_off.fill_null(False)).then(_years_since(loan, day))


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
