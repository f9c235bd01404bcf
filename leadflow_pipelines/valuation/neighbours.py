"""Which sales are comparable to a home, and how alike they are: the search behind the comps.

Candidates come from three searches (next parcel numbers, nearest on the map, alike in the same area); likeness
weighs all of them by one rule. What the comps are worth is decided elsewhere.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.homes import Floats, Homes, Ints

ORDER_REACH: Final = 14
MAP_NEAREST: Final = 24
AREA_NEAREST: Final = 24
KM_OF_DEGREE: Final = 111.2
# One unit of unlikeness: 800 m, six parcels along the street, a quarter more floor, twenty years of age ...
KM_UNIT, PARCEL_UNIT = 0.8, 6.0
UNITS: Final = {
    "living_sqft": 0.25,
    "lot_sqft": 0.6,
    "assessed_cents": 0.25,
    "year_built": 20.0,
    "beds": 1.5,
    "baths": 1.5,
}
UNITS_UNIT: Final = 1.0
FAR: Final = 4.0
UNKNOWN: Final = 1.0
OTHER_LAND_USE, OTHER_STYLE, OTHER_STREET, OTHER_AREA = 4.0, 1.0, 0.5, 1.0
CHUNK_ROWS: Final = 16_384
# Searching the map and the parcel order helps only where homes next to one another cost alike.
LEAST_NEIGHBOUR_CORRELATION: Final = 0.15


@dataclass(frozen=True)
class Candidates:
    """`sale`: rows of the evidence, one line per home, -1 where none. `unlike`: squared unlikeness, inf where none."""

    sale: Ints
    unlike: Floats
    km: Floats


@dataclass(frozen=True)
class NeighbourSearch:
    """The indexes over the evidence. `residual` steers only which areas count as alike in price."""

    evidence: Evidence
    area: str
    area_rank: Ints
    by_order: Ints
    order_of_sale: Ints
    east_scale: float
    map_tree: cKDTree | None
    map_rows: Ints
    area_tree: cKDTree | None

    def near(self, homes: Homes, codes: dict[str, Ints], value: Floats, fold: Ints | None, rows: slice) -> Candidates:
        """Candidates of `homes[rows]`; never a home's own sales, nor (in training) those of its fold, nor land."""
        parts = []
        if len(self.by_order):
            parts.append(self._in_order(codes["parcel_order"][rows], codes["parcel_id"][rows]))
        if self.map_tree is not None:
            parts.append(self._on_map(homes, rows))
        if self.area_tree is not None:
            parts.append(self._in_area(homes, codes, value, rows))
        size = len(codes["parcel"][rows])
        sale = np.sort(np.hstack(parts), axis=1) if parts else np.full((size, 1), -1, dtype=np.int64)
        own = codes["parcel"][rows]
        is_none = sale < 0
        is_none[:, 1:] |= sale[:, 1:] == sale[:, :-1]
        if fold is None:
            is_none |= (self.evidence.codes["parcel"][sale] == own[:, None]) & (own[:, None] >= 0)
        else:
            is_none |= self.evidence.fold[sale] == fold[rows][:, None]
        is_none |= self.evidence.homes.is_no_home[sale] != homes.is_no_home[rows, None]
        unlike, km = self._unlikeness(homes, codes, rows, sale)
        return Candidates(np.where(is_none, -1, sale), np.where(is_none, np.inf, unlike), km)

    def _in_order(self, order: Ints, parcel: Ints) -> Ints:
        """The sales of the parcels next in number; for a home without a number, none."""
        middle = np.searchsorted(self.order_of_sale, order, side="left")
        reach = np.arange(-ORDER_REACH, ORDER_REACH + 1)
        place = middle[:, None] + reach[None, :]
        is_none = (place < 0) | (place >= len(self.by_order)) | (order < 0)[:, None]
        return np.where(is_none, -1, self.by_order[np.clip(place, 0, len(self.by_order) - 1)])

    def _on_map(self, homes: Homes, rows: slice) -> Ints:
        where = self._kilometres(homes, rows)
        found = np.full((len(where), MAP_NEAREST), -1, dtype=np.int64)
        is_known = np.isfinite(where).all(axis=1)
        if self.map_tree is not None and is_known.any():
            _, near = self.map_tree.query(where[is_known], k=min(MAP_NEAREST, len(self.map_rows)))
            near = np.asarray(near).reshape(int(is_known.sum()), -1)
            found[is_known, : near.shape[1]] = self.map_rows[near]
        return found

    def _in_area(self, homes: Homes, codes: dict[str, Ints], value: Floats, rows: slice) -> Ints:
        if self.area_tree is None:
            raise AssertionError
        rank = self._rank(codes)[rows]
        point = _area_point(homes, value, rank, np.full(len(homes), self.evidence.today), self.evidence.today, rows)
        _, near = self.area_tree.query(point, k=min(AREA_NEAREST, len(self.evidence)))
        return np.asarray(near).reshape(len(point), -1).astype(np.int64)

    def _kilometres(self, homes: Homes, rows: slice) -> Floats:
        return np.column_stack([homes.lat[rows] * KM_OF_DEGREE, homes.lon[rows] * KM_OF_DEGREE * self.east_scale])

    def _rank(self, codes: dict[str, Ints]) -> Floats:
        if not self.area:
            return np.zeros(len(codes["parcel"]))
        code = codes[self.area]
        middle = float(np.median(self.area_rank))
        return np.where(code >= 0, self.area_rank[np.maximum(code, 0)].astype(np.float64), middle)

    def _unlikeness(self, homes: Homes, codes: dict[str, Ints], rows: slice, sale: Ints) -> tuple[Floats, Floats]:
        theirs, total = self.evidence, np.zeros(sale.shape)
        for name, unit in UNITS.items():
            gap = np.abs(theirs.homes.numbers[name][sale] - homes.numbers[name][rows, None]) / unit
            total += np.where(np.isnan(gap), UNKNOWN, np.minimum(gap, FAR) ** 2)
        for name, other in (("land_use", OTHER_LAND_USE), ("style", OTHER_STYLE), ("street", OTHER_STREET)):
            total += other * (theirs.codes[name][sale] != codes[name][rows, None])
        if self.area:
            total += OTHER_AREA * (theirs.codes[self.area][sale] != codes[self.area][rows, None])
        if len(self.by_order):
            steps = np.abs(theirs.codes["parcel_order"][sale] - codes["parcel_order"][rows, None]) / PARCEL_UNIT
            total += np.minimum(steps, FAR) ** 2 / (1.0 if self.map_tree is None else 4.0)
        here = self._kilometres(homes, rows)
        there = self._kilometres(theirs.homes, slice(None))
        km = np.sqrt(((there[sale] - here[:, None, :]) ** 2).sum(axis=2))
        if self.map_tree is not None:
            total += np.where(np.isnan(km), UNKNOWN, np.minimum(km / KM_UNIT, FAR) ** 2)
        return total, km


def build_search(evidence: Evidence, value: Floats, residual: Floats, area: str) -> NeighbourSearch:
    """`value`, `residual`: log price today that the attributes explain, and what remains."""
    parcel = evidence.codes["parcel_order"]
    by_order = np.lexsort((np.arange(len(evidence)), evidence.day, parcel))
    by_order = by_order[parcel[by_order] >= 0]
    if _correlation_of_next(parcel[by_order], residual[by_order]) < LEAST_NEIGHBOUR_CORRELATION:
        by_order = by_order[:0]
    rank = _area_ranks(evidence, residual, area)
    lat = evidence.homes.lat[np.isfinite(evidence.homes.lat)]
    # One scale for the whole county: flat kilometres, right to a percent within it.
    east_scale = float(np.cos(np.radians(np.median(lat)))) if len(lat) else 1.0
    search = NeighbourSearch(
        evidence, area, rank, by_order, parcel[by_order], east_scale, None, lat[:0].astype(np.int64), None
    )
    where = search._kilometres(evidence.homes, slice(None))
    map_rows = np.flatnonzero(np.isfinite(where).all(axis=1))
    if len(map_rows) >= max(len(evidence) // 4, 1):
        search = replace(search, map_tree=cKDTree(where[map_rows]), map_rows=map_rows)
    point = _area_point(
        evidence.homes, value, search._rank(evidence.codes), evidence.day, evidence.today, slice(0, len(evidence))
    )
    return replace(search, area_tree=cKDTree(point))


def _correlation_of_next(parcel: Ints, residual: Floats) -> float:
    """How alike the residuals of different parcels next in number are; -1 where there are too few to tell."""
    bounded = np.clip(residual - np.median(residual), -1.0, 1.0) if len(residual) else residual
    is_other = parcel[1:] != parcel[:-1]
    one, other = bounded[1:][is_other], bounded[:-1][is_other]
    if len(one) < 30 or not one.std() or not other.std():
        return -1.0
    return float(np.corrcoef(one, other)[0, 1])


def _area_ranks(evidence: Evidence, residual: Floats, area: str) -> Ints:
    """Areas in the order of their price level, so that an area short of sales borrows from one as dear."""
    if not area:
        return np.zeros(1, dtype=np.int64)
    code = evidence.codes[area]
    known = code >= 0
    count = np.bincount(code[known]) + 5.0
    level = np.bincount(code[known], np.clip(residual[known], -2, 2)) / count
    return np.argsort(np.lexsort((np.arange(len(level)), level)), kind="stable").astype(np.int64)


def _area_point(homes: Homes, value: Floats, rank: Floats, day: Floats, today: float, rows: slice) -> Floats:
    """Areas far apart; within one: value of the attributes, size, age of house and of the sale."""
    columns = [rank * 100.0, value[rows] / 0.15, (today - day[rows]) / 365.0]
    for name in ("living_sqft", "year_built"):
        number = homes.numbers[name]
        middle = 7.3 if name == "living_sqft" else 1965.0
        columns.append(np.where(np.isnan(number), middle, number)[rows] / UNITS[name])
    return np.column_stack(columns)
