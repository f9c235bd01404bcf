"""What a model is called: its family, its day, and a hash of everything that a score depends on."""

import hashlib
import io
from typing import Final

import numpy as np

from leadflow_pipelines.scoring.motivation_model import MotivationModel

MODEL_FAMILY: Final = "motivation-2026.1"


def version_of(model: MotivationModel) -> str:
    """Two models of one name give the same scores to the same subjects."""
    digest = hashlib.sha256()
    digest.update(repr((model.as_of, model.horizon_days, model.method, model.base_rate, model.unseen_rate)).encode())
    digest.update(repr((model.terms.intercept, sorted(model.terms.binnings.items()))).encode())
    for term in model.terms.terms:
        digest.update(repr(term.features).encode() + np.ascontiguousarray(term.log_odds).tobytes())
    facts = io.StringIO()
    model.facts.write_csv(facts)
    digest.update(facts.getvalue().encode())
    return f"{MODEL_FAMILY}-{model.as_of:%Y%m%d}-{digest.hexdigest()[:12]}"
