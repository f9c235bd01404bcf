"""How good the scores and values of a market were: walked forward over its own past, told with baselines beside.

Pure apart from writing through the lake. Not here: the models (`scoring`, `valuation`), printing (`cli`).
"""

from leadflow_pipelines.backtest.models import Models, product_models
from leadflow_pipelines.backtest.plan import BacktestPlan
from leadflow_pipelines.backtest.run_backtest import Backtest, run_backtest

__all__ = ["Backtest", "BacktestPlan", "Models", "product_models", "run_backtest"]
