"""A fitted value model as bytes and back: Parquet for its sales, JSON for its numbers, LightGBM's text for its trees.

No pickle, so that a stored model can be read without being trusted. Tables and indexes are made again on reading.
"""

import io
import json
import zipfile
from dataclasses import asdict
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.valuation.after_repair import RenovatedResales
from leadflow_pipelines.valuation.boosting import PriceTrees
from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic, Hedonic
from leadflow_pipelines.valuation.intervals import Calibration
from leadflow_pipelines.valuation.neighbours import build_search
from leadflow_pipelines.valuation.places import fit_place_levels
from leadflow_pipelines.valuation.value_model import Machine, ValueModel

FORMAT: Final = "leadflow-value-model-2"
OF_SALES: Final = ("time_shift", "value", "residual", "trust")
# Entries carry no clock: the same model is the same bytes.
STAMP: Final = (1980, 1, 1, 0, 0, 0)


def write_value_model(model: ValueModel) -> bytes:
    """The whole model; `read_value_model` makes one of it that estimates the same cents."""
    entries: dict[str, bytes] = {}
    about: dict[str, Any] = {"format": FORMAT, "as_of": model.as_of.isoformat(), "sales": model.sales}
    if model.machine is not None and model.calibration is not None:
        machine = model.machine
        about |= {
            "area": machine.area,
            "half_width": machine.half_width,
            "renovated": asdict(machine.renovated),
            "hedonic": asdict(machine.fitted.hedonic),
            "calibration": asdict(model.calibration),
            "columns": machine.trees.names if machine.trees else None,
            "centre": machine.trees.centre if machine.trees else None,
        }
        sold = machine.evidence.frame.hstack(
            [pl.Series(f"model_{name}", getattr(machine.fitted, name)) for name in OF_SALES]
        )
        buffer = io.BytesIO()
        sold.write_parquet(buffer)
        entries["sales.parquet"] = buffer.getvalue()
        if machine.trees:
            entries |= {f"trees/{name}.txt": text.encode() for name, text in machine.trees.texts.items()}
    entries["model.json"] = json.dumps(about).encode()
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name, STAMP), entries[name], zipfile.ZIP_DEFLATED)
    return stored.getvalue()


def read_value_model(stored: bytes) -> ValueModel:
    """A model from `write_value_model`. Raises InvalidInput for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(stored)) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        about = json.loads(entries["model.json"])
        if about["format"] != FORMAT:
            raise InvalidInput(f"The value model has the form {about['format']!r}, not {FORMAT!r}.", remedy=REFIT)
        as_of = date.fromisoformat(about["as_of"])
        if "hedonic" not in about:
            return ValueModel(as_of, about["sales"], None, None)
        return ValueModel(as_of, about["sales"], _machine(about, entries, as_of), Calibration(**about["calibration"]))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"These bytes hold no value model: {error}", remedy=REFIT) from error


REFIT: Final = "Fit the model again from the sales."


def _machine(about: dict[str, Any], entries: dict[str, bytes], as_of: date) -> Machine:
    sold = pl.read_parquet(io.BytesIO(entries["sales.parquet"]))
    of_sales = {name: sold[f"model_{name}"].to_numpy().astype(np.float64) for name in OF_SALES}
    evidence = Evidence.of_sales(sold.select(pl.exclude([f"model_{name}" for name in OF_SALES])), as_of)
    fitted = FittedHedonic(Hedonic(**about["hedonic"]), **of_sales)
    trees = None
    if about["columns"] is not None:
        texts = {
            name.removeprefix("trees/").removesuffix(".txt"): text.decode()
            for name, text in entries.items()
            if name.startswith("trees/")
        }
        trees = PriceTrees(about["columns"], about["centre"], texts)
    return Machine(
        evidence=evidence,
        fitted=fitted,
        places=fit_place_levels(evidence, fitted),
        search=build_search(evidence, fitted.value, fitted.residual, about["area"]),
        area=about["area"],
        trees=trees,
        half_width=about["half_width"],
        renovated=RenovatedResales(about["renovated"]["sales"], tuple(about["renovated"]["premium"])),
    )
