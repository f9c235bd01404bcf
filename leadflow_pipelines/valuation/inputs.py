"""One matrix for the price trees: attributes, place levels, comps and the home's own earlier sale, by name.

Training rows are read as a home was known without its own fold of parcels; subjects as of today.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from leadflow_pipelines.valuation.comparables import Shortlist, comp_levels, shared_places
from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic
from leadflow_pipelines.valuation.homes import ATTRIBUTES, KINDS, Floats, Homes, Ints
from leadflow_pipelines.valuation.neighbours import CHUNK_ROWS, NeighbourSearch
from leadflow_pipelines.valuation.places import PlaceLevels

COMPS_LEVEL: Final = "comps_alike"


@dataclass(frozen=True)
class Inputs:
    """`matrix`: one row a home, columns `names`. `start`: log value of attributes and comps; trees correct it.

    `comps`: what was found for each home, to be listed; None for training rows, which nobody lists.
    """

    matrix: NDArray[np.float32]
    names: list[str]
    start: Floats
    comps: Shortlist | None


def training_inputs(evidence: Evidence, fitted: FittedHedonic, places: PlaceLevels, search: NeighbourSearch) -> Inputs:
    codes = {**evidence.codes}
    own = earlier_sales(evidence)
    return _inputs(evidence, fitted, places, search, evidence.homes, codes, fitted.value, evidence.fold, own)


def subject_inputs(
    evidence: Evidence,
    fitted: FittedHedonic,
    places: PlaceLevels,
    search: NeighbourSearch,
    homes: Homes,
    codes: dict[str, Ints],
    value: Floats,
) -> Inputs:
    own = _latest_sale(evidence, codes["parcel_id"])
    return _inputs(evidence, fitted, places, search, homes, codes, value, None, own)


def _inputs(
    evidence: Evidence,
    fitted: FittedHedonic,
    places: PlaceLevels,
    search: NeighbourSearch,
    homes: Homes,
    codes: dict[str, Ints],
    value: Floats,
    fold: Ints | None,
    own: Ints,
) -> Inputs:
    rows = len(homes)
    day = np.full(rows, evidence.today) if fold is None else evidence.day
    columns = places.levels(codes, fold)
    narrowest = columns["level_building"]
    levels: dict[str, list[Floats]] = {}
    shortlists = []
    for start in range(0, rows, CHUNK_ROWS):
        part = slice(start, min(start + CHUNK_ROWS, rows))
        found = search.near(homes, codes, value, fold, part)
        by_look, weight = comp_levels(evidence, fitted, found, day[part], narrowest[part])
        if fold is None:
            shortlists.append(Shortlist.of(found, weight, shared_places(evidence, codes, found, part)))
        for name, level in by_look.items():
            levels.setdefault(name, []).append(level)
    columns.update({name: np.concatenate(parts) for name, parts in levels.items()})
    has_own = own >= 0
    # What the home fetched before, today and as it is described now, against its attributes' value.
    columns["own_level"] = np.where(has_own, (fitted.residual + fitted.value)[own] - value, np.nan)
    columns["own_age"] = np.where(has_own, day - evidence.day[own], np.nan)
    columns["value"] = value
    columns.update({name: homes.numbers[name] for name in ATTRIBUTES})
    columns.update({kind: codes[kind].astype(np.float64) for kind in KINDS})
    columns["parcel_order"] = codes["parcel_order"].astype(np.float64)
    columns["house_number"], columns["lat"], columns["lon"] = homes.house_number, homes.lat, homes.lon
    matrix = np.column_stack([column.astype(np.float32) for column in columns.values()])
    comps = Shortlist.joined(shortlists) if shortlists else None
    return Inputs(matrix, list(columns), value + columns[COMPS_LEVEL], comps)


def earlier_sales(evidence: Evidence) -> Ints:
    """Row of the same parcel's sale before each sale, -1 where there is none on an earlier day."""
    parcel = evidence.codes["parcel"]
    order = np.lexsort((np.arange(len(evidence)), evidence.day, parcel))
    earlier = np.full(len(evidence), -1, dtype=np.int64)
    follows = (parcel[order][1:] == parcel[order][:-1]) & (evidence.day[order][1:] > evidence.day[order][:-1])
    earlier[order[1:][follows]] = order[:-1][follows]
    return earlier


def _latest_sale(evidence: Evidence, parcel: Ints) -> Ints:
    latest = np.full(int(evidence.codes["parcel"].max(initial=0)) + 1, -1, dtype=np.int64)
    order = np.lexsort((np.arange(len(evidence)), evidence.day, evidence.codes["parcel"]))
    latest[evidence.codes["parcel"][order]] = order
    return np.where(parcel >= 0, latest[np.maximum(parcel, 0)], -1)
