"""Whether the models that serve still hold, month by month, and who is told when one does not.

Here: what became of scores and values, drift, the table of it, alerts. Not here: training (`training`), labels
(`outcomes`), the figures themselves (`scoring.decay`).
"""

from leadflow_pipelines.model_watch.model_months import keep_months, months_of, months_table, standing_alerts
from leadflow_pipelines.model_watch.monthly_watch import ModelWatch, watch_models

__all__ = ["ModelWatch", "keep_months", "months_of", "months_table", "standing_alerts", "watch_models"]
