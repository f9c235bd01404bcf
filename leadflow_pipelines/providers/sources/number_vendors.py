"""The vendors that know numbers, by name: how each is asked, and how its answers read, in one form for all.

An answer is phone, answer (yes: a hit; no; unknown), is_litigator (null where not told) and told, the vendor's own
word. Not here: what is kept of it, and for how long (`clearance`).
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.sources import dncscrub, realphonevalidation
from leadflow_pipelines.spend.call import Call

DNC, REASSIGNED = "dnc", "reassigned"
KINDS = (DNC, REASSIGNED)
Read = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class NumberVendor:
    """One vendor: calls that ask about numbers, and readers of its raw pulls (RAW_PULLS shape), by kind."""

    name: str
    dnc_calls: Callable[[Iterable[str], dt.date], list[Call]]
    reassigned_calls: Callable[[Iterable[tuple[str, dt.date]], dt.date], list[Call]]
    readers: Mapping[str, Read]


NUMBER_VENDORS: Mapping[str, NumberVendor] = {
    source.NAME: NumberVendor(
        source.NAME,
        source.dnc_calls,
        source.reassigned_calls,
        {DNC: source.dnc_answers, REASSIGNED: source.reassigned_answers},
    )
    for source in (dncscrub, realphonevalidation)
}


def number_vendor(name: str) -> NumberVendor:
    """The vendor of that name. Raises InvalidInput where there is none."""
    if name not in NUMBER_VENDORS:
        raise InvalidInput(f"No vendor {name!r} knows numbers.", remedy=f"Choose from {', '.join(NUMBER_VENDORS)}.")
    return NUMBER_VENDORS[name]
