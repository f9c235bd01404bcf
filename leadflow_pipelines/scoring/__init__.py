"""How promising a lead is, and why. Pure: frames in, frames out."""

from leadflow_pipelines.scoring.scorecard import SCORECARD_VERSION, reasons_text, score_leads, scorecard_table

__all__ = ["SCORECARD_VERSION", "reasons_text", "score_leads", "scorecard_table"]
