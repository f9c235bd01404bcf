"""Training, judging and promoting the models of an org's lake, and what a promoted model adds to a day's leads.

Here: artefacts and their versions, promotion, the use in the daily run. Not here: the models (`scoring`, `valuation`).
"""

from leadflow_pipelines.training.model_registry import (
    KINDS,
    CurrentModel,
    current_model,
    model_versions,
    serving_model,
)
from leadflow_pipelines.training.train_models import TRAINERS, train_model

__all__ = ["KINDS", "TRAINERS", "CurrentModel", "current_model", "model_versions", "serving_model", "train_model"]
