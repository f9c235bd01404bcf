"""How promising a lead is, and why. Pure: frames in, frames out."""

from leadflow_pipelines.scoring.fit_motivation import fit_motivation_model
from leadflow_pipelines.scoring.motivation_model import METHODS, MotivationModel
from leadflow_pipelines.scoring.scorecard import SCORECARD_VERSION, reasons_text, score_leads, scorecard_table

__all__ = [
    "METHODS",
    "SCORECARD_VERSION",
    "MotivationModel",
    "fit_motivation_model",
    "reasons_text",
    "score_leads",
    "scorecard_table",
]
