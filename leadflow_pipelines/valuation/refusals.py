"""When no value is given, and why. A refusal is a sentence; every other subject gets a value.

Wide intervals are honest and stay; refused is what the sales of this market say nothing about.
"""

from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.homes import Floats, Homes

LEAST_SALES: Final = 5
# High over low: beyond this the interval says nothing. Land spans a factor of ten or twenty and stays, wide as it is.
WIDEST_RATIO: Final = 60.0


def refusals(evidence: Evidence, homes: Homes, interval: Floats) -> pl.Series:
    """The reason by home as "refused: …", null where a value stands. `interval`: log low, middle, high."""
    kind = homes.names["land_use"]
    never_sold = ~kind.is_in(evidence.names["land_use"].implode())
    is_too_wide = np.exp(interval[:, 2] - interval[:, 0]) > WIDEST_RATIO
    return pl.select(
        pl.when(pl.Series(homes.is_blank))
        .then(pl.lit("refused: nothing is known of the home"))
        .when(pl.Series(homes.is_no_home) & never_sold)
        .then(pl.lit("refused: not a home, and no sale of its kind"))
        .when(pl.Series(is_too_wide))
        .then(pl.lit(f"refused: the interval spans more than a factor of {WIDEST_RATIO:.0f}"))
    ).to_series()
