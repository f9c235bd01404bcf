"""Contract of where addresses lie, as a geocoder said."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

QUALITIES = ("rooftop", "interpolated", "approximate", "none")

GEOCODES = Contract(
    name="geocodes",
    text="Where an address lies, asked of a geocoder because no source said it. One row per ZIP and canonical address, "
    "those that were not found included.",
    columns={
        "zip": shared.ZIP,
        "address_key": column(pl.String, "Canonical address that was asked about.", required=True),
        "provider": column(pl.String, "Geocoder that answered.", pa.Check.isin(["census", "google"]), required=True),
        **shared.PLACE,
        "quality": column(
            pl.String,
            "rooftop; interpolated along the street's numbers; approximate: a street, or an address that had to be "
            "changed; none: not found, with neither coordinates nor a matched address.",
            pa.Check.isin(QUALITIES),
            required=True,
        ),
        "matched_address": column(pl.String, "The address that the geocoder took it for, as it writes it."),
        "geocoded_at": column(UTC_INSTANT, "Instant of the answer.", required=True),
        "holds_until": column(
            UTC_INSTANT,
            "Instant at which the answer no longer counts: what was not found is then asked again, and coordinates "
            "that the geocoder's terms let nobody keep longer are dropped. Null: it holds for good.",
        ),
        "cost_cents": shared.COST_CENTS,
    },
    key=("zip", "address_key"),
    partition_by=("zip_prefix",),
    personal=("matched_address",),
    volatile=("geocoded_at", "holds_until"),
)
