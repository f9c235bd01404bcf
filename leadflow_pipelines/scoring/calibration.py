"""Recalibration on the newest closed window: a straight line in log-odds, pulled to "as it is" where sales are few."""

from typing import Final

import numpy as np

from leadflow_pipelines.scoring.additive_terms import Numbers, probability

# Pulls in units of information: about this many sales outweigh the pull.
SLOPE_PULL: Final = 20.0
SHIFT_PULL: Final = 5.0
STEPS: Final = 50
FADES: Final = 0.9
LEAST_SLOPE: Final = 0.2


def fit_line(log_odds: Numbers, sold: Numbers) -> tuple[float, float]:
    """(slope, shift) of shift + slope × log-odds, by penalised likelihood; (1, 0) without rows.

    The slope stays within 0.2 and 0.9: a window's luck must not turn the ranking round, and what was learned of
    the past fades. Best slopes on the next window, on top of the fitted: Nashville 1.12, .71, .55, Queens 1.01 to 1.10.
    """
    if log_odds.size == 0:
        return 1.0, 0.0
    middle = float(np.average(log_odds))
    design = np.column_stack([log_odds - middle, np.ones_like(log_odds)])
    spread = float(log_odds.var()) or 1.0
    pull = np.asarray([SLOPE_PULL * spread, SHIFT_PULL * 0.05])
    start = np.asarray([1.0, middle])
    line = start.copy()
    for _ in range(STEPS):
        expected = probability(design @ line)
        gradient = design.T @ (sold - expected) - pull * (line - start)
        weights = expected * (1 - expected)
        curvature = (design * weights[:, None]).T @ design + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        line = line + np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-10:
            break
    slope = float(np.clip(line[0] * FADES, LEAST_SLOPE, FADES))
    return slope, float(line[1]) - slope * middle
