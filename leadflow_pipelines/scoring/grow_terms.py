"""Growing additive terms: boosted trees held to the declared groups of features, then read out into tables.

Each leaf depends on the features of one group only, so the sum of the tables is the boosted model itself. That
is explainable boosting with groups of three features: interpret's grower stops at pairs (Nashville 2015-10-31: AUC
.571 by main effects, .605 with a pair).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import GROUPS, AdditiveModel, Numbers, Term
from leadflow_pipelines.scoring.allowed_features import ALLOWED, require_allowed
from leadflow_pipelines.scoring.binning import Binning, learn_binning

FOLDS: Final = 4
MOST_TREES: Final = 500
PATIENCE: Final = 25
ROWS_OF_LEAF_SHARE: Final = 400

_SETTINGS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 8,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 255,
    "min_data_in_bin": 1,
    "cat_smooth": 50.0,
    "min_data_per_group": 100,
    "use_missing": False,
    "feature_pre_filter": False,
    # The same rows give the same trees. One thread: two wait for each other on a busy machine, 119 s for 38.
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Grown:
    """`held_out`: each row's log-odds by the fold that had not seen its parcel."""

    model: AdditiveModel
    held_out: Numbers


def grow(
    rows: pl.DataFrame, names: tuple[str, ...], offset: Numbers, given: Mapping[str, Binning] | None = None
) -> Grown | None:
    """Terms for `rows` (features, `key`, `sold` 0/1) on top of `offset` log-odds; None where no feature varies.

    Folds hold whole parcels: snapshots of one parcel never stand on both sides of early stopping. given: bins to use
    instead of learning them, so that the terms can be added to those of another fit.
    """
    require_allowed(names)
    binnings = _binnings(rows, names) if given is None else given
    if not binnings:
        return None
    bins = np.column_stack([binning.bins_of(rows) for binning in binnings.values()])
    sold = rows["sold"].to_numpy().astype(np.float64)
    fold = rows["key"].hash(seed=11).to_numpy() % np.uint64(FOLDS)
    groups = _groups(tuple(binnings))
    tables = [np.zeros(tuple(binnings[name].size for name in group)) for group in groups]
    held_out = offset.copy()
    for number in range(FOLDS):
        trees = _boost(bins, sold, offset, fold == number, list(binnings.values()), groups, number)
        own = [np.zeros_like(table) for table in tables]
        for tree in trees:
            _add_tree(tree, groups, list(binnings.values()), own)
        model = _model_of(0.0, binnings, groups, own)
        aside = fold == number
        held_out[aside] += model.log_odds(rows.filter(pl.Series(aside)))
        tables = [table + part / FOLDS for table, part in zip(tables, own, strict=True)]
    return Grown(_model_of(0.0, binnings, groups, tables), held_out)


def _binnings(rows: pl.DataFrame, names: tuple[str, ...]) -> dict[str, Binning]:
    learned = {name: learn_binning(name, rows[name]) for name in names if name in rows.columns}
    return {name: binning for name, binning in learned.items() if binning is not None}


def _groups(names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Declared groups as far as their features are there, then every feature by itself."""
    declared = [tuple(name for name in group if name in names) for group in GROUPS]
    together = [group for group in dict.fromkeys(declared) if len(group) > 1]
    return (*together, *((name,) for name in names))


def _model_of(
    intercept: float, binnings: Mapping[str, Binning], groups: tuple[tuple[str, ...], ...], tables: list[Numbers]
) -> AdditiveModel:
    terms = tuple(Term(group, table) for group, table in zip(groups, tables, strict=True) if table.any())
    used = {name for term in terms for name in term.features}
    return AdditiveModel(intercept, {name: binning for name, binning in binnings.items() if name in used}, terms)


def _boost(
    bins: Any, sold: Numbers, offset: Numbers, aside: Any, binnings: list[Binning], groups: Any, seed: int
) -> list[dict[str, Any]]:
    import lightgbm  # noqa: PLC0415 - every start of a Dagster process would wait for it

    positions = {binning.feature: position for position, binning in enumerate(binnings)}
    words = [position for name, position in positions.items() if ALLOWED[name].kind == "category"]
    settings = {
        **_SETTINGS,
        "seed": seed + 1,
        "min_data_in_leaf": int(np.clip(len(sold) // ROWS_OF_LEAF_SHARE, 20, 200)),
        "interaction_constraints": [[positions[name] for name in group] for group in groups],
    }
    grown_on = lightgbm.Dataset(
        bins[~aside], sold[~aside], init_score=offset[~aside], categorical_feature=words, params=settings
    )
    stopped_by = lightgbm.Dataset(bins[aside], sold[aside], init_score=offset[aside], reference=grown_on)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    booster = lightgbm.train(settings, grown_on, MOST_TREES, valid_sets=[stopped_by], callbacks=[stop])
    trees: list[dict[str, Any]] = booster.dump_model(num_iteration=booster.best_iteration)["tree_info"]
    return [tree["tree_structure"] for tree in trees]


def _add_tree(
    node: dict[str, Any],
    groups: tuple[tuple[str, ...], ...],
    binnings: list[Binning],
    tables: list[Numbers],
    reached: dict[int, Any] | None = None,
) -> None:
    """Adds every leaf to the table of the smallest group that holds the features on the way to it.

    The constraint holds on each way from the root, not for a tree as a whole. Every split is on one feature, so what
    reaches a leaf is a box: the product of the bins left of each.
    """
    left = reached or {}
    if "split_feature" not in node:
        used = {binnings[position].feature for position in left}
        number = min((n for n, group in enumerate(groups) if used <= set(group)), key=lambda n: len(groups[n]))
        of_feature = {binnings[position].feature: bins for position, bins in left.items()}
        sides = zip(groups[number], tables[number].shape, strict=True)
        tables[number][np.ix_(*(of_feature.get(name, np.arange(size)) for name, size in sides))] += node["leaf_value"]
        return
    position = node["split_feature"]
    here = left.get(position, np.arange(binnings[position].size))
    if node["decision_type"] == "==":
        is_left = np.isin(here, [int(code) for code in node["threshold"].split("||")])
    else:
        is_left = here <= node["threshold"]
    _add_tree(node["left_child"], groups, binnings, tables, {**left, position: here[is_left]})
    _add_tree(node["right_child"], groups, binnings, tables, {**left, position: here[~is_left]})
