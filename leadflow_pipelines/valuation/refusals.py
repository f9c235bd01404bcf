"""When no value is given, and why. A refusal is a sentence; every other subject gets a value.

Wide intervals are honest and stay; refused is what the sales of this market say nothing about.
"""

from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.homes import Floats, Homes

LEAST_SALES: Final = 5
# High over low: beyond this the interval holds a shed and a mansion.
WIDEST_RATIO: Final = 20.0
# Land, parking and trade are valued from sales of their own kind, where there are as many.
LEAST_OF_NO_HOME: Final = 20


def refusals(evidence: Evidence, homes: Homes, interval: Floats) -> pl.Series:
    """The reason by home as "refused: …", null where a value stands. `interval`: log low, middle, high."""
    kind = homes.names["land_use"]
    code = evidence.codes["land_use"]
    of_kind = np.bincount(code[code >= 0], minlength=len(evidence.names["land_use"]))
    has_own_sales = kind.is_in(evidence.names["land_use"].filter(pl.Series(of_kind >= LEAST_OF_NO_HOME)).implode())
    is_too_wide = np.exp(interval[:, 2] - interval[:, 0]) > WIDEST_RATIO
    return pl.select(
        pl.when(pl.Series(homes.is_blank))
        .then(pl.lit("refused: nothing is known of the home"))
        .when(pl.Series(homes.is_no_home) & ~has_own_sales.fill_null(False))
        .then(pl.lit(f"refused: not a home, and fewer than {LEAST_OF_NO_HOME} sales of its kind"))
        .when(pl.Series(is_too_wide))
        .then(pl.lit(f"refused: the interval spans more than a factor of {WIDEST_RATIO:.0f}"))
    ).to_series()
