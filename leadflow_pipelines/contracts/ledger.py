"""Contracts of the spend ledger as the marts read it: two Postgres tables of the schema `leadflow`.

Only the columns that marts need. The tables themselves, with the rest of their columns, are in `database`.
"""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts.contract import CENTS, Contract, column

_PROVIDER = column(pl.String, "Provider called.", required=True)
_BUDGET_DAY = column(pl.Date, "Budget day, a calendar day in LEADFLOW_TIMEZONE.", required=True)

PROVIDER_CALLS = Contract(
    name="provider_calls",
    text="Every attempt to call a provider, answers from the cache included.",
    columns={
        "call_id": column(pl.String, "Identity of the attempt.", required=True),
        "reservation_id": column(pl.String, "Reservation that covered it; null where nothing was reserved."),
        "provider": _PROVIDER,
        "zip": column(pl.String, "ZIP asked for; null where the call is not about one."),
        "day": _BUDGET_DAY,
        "outcome": column(
            pl.String, "ok, cache_hit, transient, terminal, unknown (sent, the answer was lost) or budget (not sent).",
            pa.Check.isin(["ok", "cache_hit", "transient", "terminal", "unknown", "budget"]), required=True,
        ),
        "items": column(pl.Int64, "Records in the answer.", pa.Check.ge(0), required=True),
        "latency_ms": column(pl.Int64, "From request to answer.", pa.Check.ge(0), unit="milliseconds"),
    },
    key=("call_id",),
    partition_by=(),
    sort_by=("day",),
)  # fmt: skip

RESERVATIONS = Contract(
    name="reservations",
    text="Money set aside before a call, and what became of it.",
    columns={
        "reservation_id": column(pl.String, "Identity of the reservation.", required=True),
        "provider": _PROVIDER,
        "day": _BUDGET_DAY,
        "state": column(
            pl.String, "reserved, settled, released, or unknown: the answer was lost, so the amount counts as spent.",
            pa.Check.isin(["reserved", "settled", "released", "unknown"]), required=True,
        ),
        "amount_cents": column(CENTS, "Worst-case price.", pa.Check.ge(0), unit="US cents", required=True),
        "settled_cents": column(CENTS, "What the call did cost; null until closed.", pa.Check.ge(0), unit="US cents"),
    },
    key=("reservation_id",),
    partition_by=(),
    sort_by=("day",),
)  # fmt: skip

LEDGER_TABLES = (PROVIDER_CALLS, RESERVATIONS)
