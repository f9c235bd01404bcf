"""How promising a lead is, and why. Pure: frames in, frames out."""

from leadflow_pipelines.scoring.artefact import from_bytes, load_model, save_model, to_bytes
from leadflow_pipelines.scoring.decay import Alert, DecayReport, watch_decay
from leadflow_pipelines.scoring.fairness import fairness_report
from leadflow_pipelines.scoring.fit_markets import fit_market_models
from leadflow_pipelines.scoring.fit_motivation import fit_motivation_model
from leadflow_pipelines.scoring.market_models import MarketModels
from leadflow_pipelines.scoring.model_card import ModelCard, model_card
from leadflow_pipelines.scoring.motivation_model import METHODS, MotivationModel
from leadflow_pipelines.scoring.scorecard import SCORECARD_VERSION, reasons_text, score_leads, scorecard_table

__all__ = [
    "METHODS",
    "SCORECARD_VERSION",
    "Alert",
    "DecayReport",
    "MarketModels",
    "ModelCard",
    "MotivationModel",
    "fairness_report",
    "fit_market_models",
    "fit_motivation_model",
    "from_bytes",
    "load_model",
    "model_card",
    "reasons_text",
    "save_model",
    "score_leads",
    "scorecard_table",
    "to_bytes",
    "watch_decay",
]
