"""A value for any home of a market, from the sales before a date: fit, apply, store.

The composition of the room: evidence → additive value → places and comps → price trees → calibrated interval.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.sales_history import SALE_DATE, History, cut_history, read_subjects
from leadflow_pipelines.valuation.after_repair import NO_RESALES, RenovatedResales, find_renovated_resales
from leadflow_pipelines.valuation.boosting import PriceTrees, fit_price_trees
from leadflow_pipelines.valuation.comparables import COMPS_TYPE, list_comps, no_comps
from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic, fit_hedonic
from leadflow_pipelines.valuation.homes import Floats, Homes, Ints, read_homes
from leadflow_pipelines.valuation.inputs import Inputs, earlier_sales, subject_inputs, training_inputs
from leadflow_pipelines.valuation.intervals import Calibration, calibrate
from leadflow_pipelines.valuation.neighbours import NeighbourSearch, build_search
from leadflow_pipelines.valuation.places import PlaceLevels, choose_area, fit_place_levels
from leadflow_pipelines.valuation.refusals import LEAST_SALES, refusals

# Fewer sales than this teach trees nothing that comps do not say.
LEAST_SALES_FOR_TREES: Final = 400
# Comps this few, or none on one side of the value, explain too little to be named as its source.
LEAST_COMPS: Final = 3
TREE_HALF_LIFE_DAYS: Final = 1095
# The newest sales calibrate: as short a window as holds enough of them.
CALIBRATION_DAYS: Final = (90, 120, 180, 270, 365)
ENOUGH_TO_CALIBRATE: Final = 200
VALUES_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "parcel_id": pl.String(),
    "value_cents": pl.Int64(),
    "low_cents": pl.Int64(),
    "high_cents": pl.Int64(),
    "comps": COMPS_TYPE,
    "method": pl.String(),
}


@dataclass(frozen=True)
class Machine:
    """One fit at one date, its interval not yet calibrated. `trees` is None in a market with few sales."""

    evidence: Evidence
    fitted: FittedHedonic
    places: PlaceLevels
    search: NeighbourSearch
    area: str
    trees: PriceTrees | None
    half_width: float
    renovated: RenovatedResales

    def inputs(self, homes: Homes, codes: dict[str, Ints], value: Floats) -> Inputs:
        return subject_inputs(self.evidence, self.fitted, self.places, self.search, homes, codes, value)

    def quantiles(self, inputs: Inputs) -> Floats:
        """Log low, middle and high today, one row a home."""
        if self.trees is not None:
            return self.trees.quantiles(inputs.matrix, inputs.start)
        return inputs.start[:, None] + self.half_width * np.array([-1.0, 0.0, 1.0])

    def areas_of(self, homes: Homes, codes: dict[str, Ints]) -> list[str]:
        if self.area in self.evidence.names:
            return homes.names[self.area].fill_null("").to_list()
        return codes[self.area].astype(str).tolist() if self.area else [""] * len(homes)


@dataclass(frozen=True)
class ValueModel:
    """What estimates of one market as of one date need. `machine` is None where sales are too few for any value."""

    as_of: date
    sales: int
    machine: Machine | None
    calibration: Calibration | None

    @property
    def renovated(self) -> RenovatedResales:
        """What renovated resales of this market fetched above typical homes: see `after_repair_values`."""
        return self.machine.renovated if self.machine else NO_RESALES

    def estimate(self, subjects: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
        """One row per subject, in order: parcel_id, value, low and high (80 %) in cents, comps, method.

        method: "comps+model", "model" where comps explain too little, "comps" in a market too small for a model, or
        "refused: why" with a null value.
        """
        frame = read_subjects(subjects)
        homes = read_homes(frame)
        if self.machine is None or self.calibration is None or frame.is_empty():
            why = f"refused: {self.sales} usable sales before {self.as_of}, fewer than {LEAST_SALES}"
            return _as_values(frame, None, no_comps(len(frame)), pl.Series([why] * len(frame), dtype=pl.String))
        machine = self.machine
        codes = machine.evidence.codes_of(homes)
        value = machine.fitted.hedonic.value(homes)
        inputs = machine.inputs(homes, codes, value)
        interval = self.calibration.apply(machine.quantiles(inputs), machine.areas_of(homes, codes))
        if inputs.comps is None:
            raise AssertionError
        comps, explaining = list_comps(machine.evidence, machine.fitted, inputs.comps, value, interval[:, 1])
        refused = refusals(machine.evidence, homes, interval)
        by_comps, alone = ("comps+model", "model") if machine.trees is not None else ("comps", "neighbourhood")
        methods = np.where(explaining >= LEAST_COMPS, by_comps, alone)
        method = pl.select(pl.coalesce(refused, pl.Series(methods))).to_series()
        return _as_values(frame, interval, comps, method)


def estimate_values(
    subjects: pl.DataFrame | pl.LazyFrame, sales: pl.DataFrame | pl.LazyFrame, as_of: date | datetime | str
) -> pl.DataFrame:
    """Values of `subjects` from the sales strictly before `as_of`: see `ValueModel.estimate`."""
    return fit_value_model(sales, as_of).estimate(subjects)


def fit_value_model(sales: pl.DataFrame | pl.LazyFrame, as_of: date | datetime | str) -> ValueModel:
    """A model of the market that `sales` records, from those strictly before `as_of`; their order makes no difference.

    The interval is calibrated on the newest sales, which an earlier fit of the same make values before they happen.
    """
    history = cut_history(sales, as_of)
    evidence = Evidence.of_market(history.sales, history.as_of)
    if len(evidence) < LEAST_SALES:
        return ValueModel(history.as_of, len(evidence), None, None)
    machine = _fit(evidence)
    return ValueModel(history.as_of, len(evidence), machine, _calibrate(history, machine))


def _fit(evidence: Evidence) -> Machine:
    area = choose_area(evidence)
    fitted = fit_hedonic(evidence, area)
    places = fit_place_levels(evidence, fitted)
    search = build_search(evidence, fitted.value, fitted.residual, area)
    inputs = training_inputs(evidence, fitted, places, search)
    target = evidence.log_price - fitted.time_shift
    trees = None
    if len(evidence) >= LEAST_SALES_FOR_TREES:
        weight = 0.5 ** ((evidence.today - evidence.day) / TREE_HALF_LIFE_DAYS)
        trees = fit_price_trees(inputs.matrix, inputs.names, inputs.start, target, weight)
    half_width = 1.2816 * max(1.4826 * float(np.median(np.abs(target - inputs.start))), 0.05)
    renovated = find_renovated_resales(evidence, fitted, earlier_sales(evidence), inputs.start)
    return Machine(evidence, fitted, places, search, area, trees, half_width, renovated)


def _calibrate(history: History, machine: Machine) -> Calibration:
    evidence = machine.evidence
    start = _calibration_start(evidence)
    earlier = Evidence.of_market(history.before(start).sales, start)
    if len(earlier) < max(LEAST_SALES, len(evidence) // 4):
        inputs = training_inputs(evidence, machine.fitted, machine.places, machine.search)
        quantiles = inputs.start[:, None] + machine.half_width * np.array([-1.0, 0.0, 1.0])
        target = evidence.log_price - machine.fitted.time_shift
        return calibrate(quantiles, target, machine.areas_of(evidence.homes, evidence.codes))
    past = _fit(earlier)
    newest = evidence.frame.filter(pl.col(SALE_DATE) >= start)
    homes = read_homes(newest)
    codes = past.evidence.codes_of(homes)
    quantiles = past.quantiles(past.inputs(homes, codes, past.fitted.hedonic.value(homes)))
    log_price = evidence.log_price[evidence.day >= float((start - date(1970, 1, 1)).days)]
    return calibrate(quantiles, log_price, past.areas_of(homes, codes))


def _calibration_start(evidence: Evidence) -> date:
    for days in CALIBRATION_DAYS:
        newest = int((evidence.day >= evidence.today - days).sum())
        if newest >= ENOUGH_TO_CALIBRATE and newest * 2 <= len(evidence):
            return evidence.as_of - timedelta(days=days)
    day = float(np.quantile(evidence.day, 0.7, method="lower"))
    return evidence.as_of - timedelta(days=int(evidence.today - day))


def _as_values(frame: pl.DataFrame, interval: Floats | None, comps: pl.Series, method: pl.Series) -> pl.DataFrame:
    refused = method.str.starts_with("refused")
    cents = {}
    for column, name in enumerate(("low_cents", "value_cents", "high_cents")):
        whole = np.zeros(len(frame)) if interval is None else np.round(np.exp(interval[:, column])) * 100
        cents[name] = pl.Series(name, whole.astype(np.int64))
    values = pl.DataFrame(
        {"parcel_id": frame["parcel_id"], **cents, "comps": comps, "method": method, "refused": refused}
    )
    blank = pl.when(~pl.col("refused"))
    return values.with_columns(blank.then(pl.col(name)).alias(name) for name in cents).select(*VALUES_SCHEMA)
