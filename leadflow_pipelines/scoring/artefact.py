"""A fitted model as one file and back: JSON and Parquet in a zip, nothing that could run.

The same model gives the same bytes. Reading checks the format's version and the model's own.
"""

import io
import json
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Term
from leadflow_pipelines.scoring.allowed_features import require_allowed
from leadflow_pipelines.scoring.binning import Binning
from leadflow_pipelines.scoring.model_version import version_of
from leadflow_pipelines.scoring.motivation_model import MotivationModel

FORMAT: Final = "leadflow-motivation/1"
_MODEL, _FACTS, _HELD_OUT = "model.json", "facts.parquet", "held_out.parquet"
# Zip entries carry a time; a fixed one keeps the bytes the same.
_ENTRY_TIME: Final = (2000, 1, 1, 0, 0, 0)


def to_bytes(model: MotivationModel) -> bytes:
    """The model as one zip."""
    parts = {
        _MODEL: json.dumps(_described(model), sort_keys=True, allow_nan=False).encode(),
        _FACTS: _parquet(model.facts),
        _HELD_OUT: _parquet(model.held_out),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _ENTRY_TIME), content)
    return buffer.getvalue()


def from_bytes(content: bytes) -> MotivationModel:
    """The model that `to_bytes` wrote. Raises InvalidInput for another format or a file that was changed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            described = json.loads(archive.read(_MODEL))
            facts = pl.read_parquet(io.BytesIO(archive.read(_FACTS)))
            held_out = pl.read_parquet(io.BytesIO(archive.read(_HELD_OUT)))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InvalidInput(f"This is no motivation model: {error}.") from error
    if described.get("format") != FORMAT:
        raise InvalidInput(f"The model's format is {described.get('format')!r}; this version reads {FORMAT}.")
    model = _read(described, facts, held_out)
    if version_of(replace(model, model_version="")) != model.model_version:
        raise InvalidInput(
            f"The model calls itself {model.model_version}, but its contents differ: the file was changed.",
            remedy="Take the artefact from the lake again, or fit anew.",
        )
    return model


def save_model(model: MotivationModel, path: Path) -> None:
    """Writes the artefact to `path`."""
    path.write_bytes(to_bytes(model))


def load_model(path: Path) -> MotivationModel:
    """Reads the artefact at `path`; see from_bytes."""
    return from_bytes(path.read_bytes())


def _described(model: MotivationModel) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model_version": model.model_version,
        "as_of": model.as_of.isoformat(),
        "horizon_days": model.horizon_days,
        "method": model.method,
        "base_rate": model.base_rate,
        "unseen_rate": model.unseen_rate,
        "window": model.window,
        "intercept": model.terms.intercept,
        "binnings": [
            {"feature": name, "edges": binning.edges, "categories": binning.categories}
            for name, binning in sorted(model.terms.binnings.items())
        ],
        "terms": [
            {
                "features": term.features,
                "origin": term.origin,
                "shape": term.log_odds.shape,
                "log_odds": term.log_odds.ravel().tolist(),
            }
            for term in model.terms.terms
        ],
    }


def _read(described: dict[str, Any], facts: pl.DataFrame, held_out: pl.DataFrame) -> MotivationModel:
    binnings = {
        row["feature"]: Binning(row["feature"], tuple(row["edges"]), tuple(row["categories"]))
        for row in described["binnings"]
    }
    require_allowed(binnings)
    terms = tuple(
        Term(tuple(row["features"]), np.asarray(row["log_odds"]).reshape(row["shape"]), row["origin"])
        for row in described["terms"]
    )
    return MotivationModel(
        as_of=date.fromisoformat(described["as_of"]),
        horizon_days=described["horizon_days"],
        method=described["method"],
        terms=AdditiveModel(described["intercept"], binnings, terms),
        facts=facts,
        base_rate=described["base_rate"],
        unseen_rate=described["unseen_rate"],
        held_out=held_out,
        window=described["window"],
        model_version=described["model_version"],
    )


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
