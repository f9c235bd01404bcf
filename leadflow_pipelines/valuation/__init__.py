"""What a home is worth, with an interval, its comparable sales, and what a deal on it would make. Pure."""

from leadflow_pipelines.valuation.after_repair import RenovatedResales, RepairCosts, Tier, after_repair_values
from leadflow_pipelines.valuation.deals import Deal, DealAssumptions, deal_scores, score_deal
from leadflow_pipelines.valuation.stored_model import read_value_model, write_value_model
from leadflow_pipelines.valuation.value_model import VALUES_SCHEMA, ValueModel, estimate_values, fit_value_model

__all__ = [
    "VALUES_SCHEMA",
    "Deal",
    "DealAssumptions",
    "RenovatedResales",
    "RepairCosts",
    "Tier",
    "ValueModel",
    "after_repair_values",
    "deal_scores",
    "estimate_values",
    "fit_value_model",
    "read_value_model",
    "score_deal",
    "write_value_model",
]
