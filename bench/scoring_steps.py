"""What `scoring` measures, each step a process of its own: `python -m bench.scoring_steps STEP '{"sales": ...}'`.

Here: one timed piece of work, which prints its seconds as JSON. Not here: sizes and goals (`scoring`), the invented
sales (`county_sales`).
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import polars as pl

from bench.county_sales import AS_OF, invent_county
from leadflow_pipelines.backtest.peer_model import fit_lightgbm
from leadflow_pipelines.backtest.plan import HORIZON_DAYS, SEED
from leadflow_pipelines.backtest.snapshots import SoldHomes, known_homes, read_record
from leadflow_pipelines.backtest.value_baselines import by_lightgbm
from leadflow_pipelines.scoring import fit_motivation_model
from leadflow_pipelines.valuation import fit_value_model

T = TypeVar("T")
Result = dict[str, Any]


def invent(sales: str, homes: str, properties: int) -> Result:
    """Write the county's sales, and its properties as their latest record tells them."""
    county = invent_county(properties)
    county.write_parquet(sales)
    county.unique("parcel_id", keep="last", maintain_order=True).write_parquet(homes)
    return {"sales": county.height}


def motivation(sales: str, homes: str, times: int) -> Result:
    """Fit, score every property with reasons, then `times` as many rows."""
    county, asked = pl.read_parquet(sales), pl.read_parquet(homes)
    fit_seconds, model = _timed(lambda: fit_motivation_model(county, AS_OF, HORIZON_DAYS))
    score_seconds, scored = _timed(lambda: model.score(asked, AS_OF))
    with_reasons = scored["reasons"].list.len().gt(0).mean()
    peak = _peak_gb()
    del scored
    many = pl.concat([asked] * times)
    many_seconds, again = _timed(lambda: model.score(many, AS_OF))
    return {
        "fit": fit_seconds, "score": score_seconds, "many": many_seconds, "rows": again.height,
        "with_reasons": with_reasons, "fit_and_score_peak_gb": peak,
    }  # fmt: skip


def motivation_peer(sales: str) -> Result:
    """LightGBM on the same record, and its reasons (SHAP) for the same homes."""
    record = read_record(pl.read_parquet(sales))
    homes = known_homes(record, AS_OF, horizon_days=HORIZON_DAYS)
    fit_seconds, model = _timed(lambda: fit_lightgbm(record, AS_OF, horizon_days=HORIZON_DAYS, seed=SEED))
    assert model is not None
    score_seconds, _ = _timed(lambda: model.score(record, homes, with_reasons=True))
    return {"fit": fit_seconds, "score": score_seconds}


def values(sales: str, homes: str) -> Result:
    """Fit the value model, then value every property with comparable sales and interval."""
    county, asked = pl.read_parquet(sales), pl.read_parquet(homes)
    fit_seconds, model = _timed(lambda: fit_value_model(county, AS_OF))
    value_seconds, estimates = _timed(lambda: model.estimate(asked))
    told = estimates.select(pl.col("value_cents").is_not_null().mean(), pl.col("comps").list.len().gt(0).mean()).row(0)
    return {"fit": fit_seconds, "value": value_seconds, "valued": told[0], "with_comps": told[1]}


def values_peer(sales: str, homes: str) -> Result:
    """LightGBM fitted to the same sales and asked for the same homes: no comparable sale, no interval."""
    county, asked = read_record(pl.read_parquet(sales)).before(AS_OF), pl.read_parquet(homes)
    rows = read_record(asked).before(AS_OF)
    nothing = rows["sale_date"]
    sold = SoldHomes(AS_OF, rows, nothing, nothing, rows["sale_price_cents"])
    seconds, _ = _timed(lambda: by_lightgbm(county, sold, seed=SEED))
    return {"seconds": seconds}


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    done = work()
    return time.monotonic() - began, done


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


STEPS = {step.__name__: step for step in (invent, motivation, motivation_peer, values, values_peer)}

if __name__ == "__main__":
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    result = STEPS[name](**arguments)
    json.dump({**result, "peak_gb": _peak_gb()}, sys.stdout)
