"""From likely pairs to clusters in which nothing contradicts.

Here: which matches stand together, and which are refused because they would chain two properties. Not here: how
likely a match is (`match_model`).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from leadflow_pipelines.properties.matching.candidates import KEY_FIELDS, whole_name
from leadflow_pipelines.properties.matching.clustering import connected_components
from leadflow_pipelines.properties.matching.compare import agrees

LIKELY = 0.7
"""Probability from which two addresses are taken for one property."""
DOUBTFUL = 0.35
"""From here on a person may want to look."""
MARGIN = 1.0
"""Log odds by which one match must beat a match that contradicts it; else neither stands."""
UNLIKELY = 0.05
"""Below it two compared addresses are two properties, whoever resembles both."""
SLIPS = 2
"""Slips of the pen that may part two spellings of one street within a cluster."""
LARGEST = 12
"""Addresses in a cluster beyond which it is looked at match by match."""
CONSTRAINED = ("number", "unit", "suffix", "directional")
"""What a property has at most one of."""


@dataclass(frozen=True)
class Joined:
    """components: node, component (the smallest node of it), for nodes that joined others. verdicts: the pairs
    from DOUBTFUL on, each `joined`, `doubtful` or `refused`."""

    components: pl.DataFrame
    verdicts: pl.DataFrame


def join_alike(nodes: pl.DataFrame, pairs: pl.DataFrame) -> Joined:
    """Clusters of the likely pairs that obey the constraints. Deterministic, whatever the order of rows.

    `pairs`: left, right, probability, FIELDS, and whatever else is to be kept with a verdict. A component without any
    contradiction stands as a whole; in another the likeliest matches stand, as far as they contradict nothing,
    and of two that contradict each other and are about as likely neither does.
    """
    worth_a_look = pairs.filter((pl.col("probability") >= DOUBTFUL) & ~pl.col("told_apart"))
    likely = worth_a_look.filter((pl.col("probability") >= LIKELY) & agrees())
    if likely.is_empty():
        empty = pl.DataFrame(schema={"node": nodes.schema["node"], "component": nodes.schema["node"]})
        return Joined(empty, worth_a_look.with_columns(verdict=pl.lit("doubtful")))
    components = connected_components(likely)
    facts = _facts(nodes.join(components, on="node", how="semi")).join(components, on="node")
    torn = _torn(facts, pairs, components)
    whole = components.join(torn, on="component", how="anti")
    both_in = components.join(torn, on="component", how="semi")
    known = pairs.join(both_in, left_on="left", right_on="node", how="semi").join(
        both_in, left_on="right", right_on="node", how="semi"
    )
    mended = _one_by_one(facts.join(both_in, on="node", how="semi"), known)
    components = pl.concat([whole, mended.cast(whole.schema)])
    home = {"left": "left_home", "right": "right_home"}
    for side, name in home.items():
        worth_a_look = worth_a_look.join(
            components.rename({"node": side, "component": name}), on=side, how="left", maintain_order="left"
        )
    verdict = (
        pl.when((pl.col("left_home") == pl.col("right_home")).fill_null(value=False)).then(pl.lit("joined"))
        .when(pl.col("probability") >= LIKELY).then(pl.lit("refused"))
        .otherwise(pl.lit("doubtful"))
    )  # fmt: skip
    return Joined(components, worth_a_look.with_columns(verdict.alias("verdict")).drop(*home.values()))


def _torn(facts: pl.DataFrame, pairs: pl.DataFrame, components: pl.DataFrame) -> pl.DataFrame:
    """component: those in which some address or some compared pair contradicts, or which are suspiciously large."""
    said = facts.with_columns(key=pl.struct(KEY_FIELDS)).group_by("component").agg(
        pl.max_horizontal(pl.col(name).drop_nulls().n_unique() for name in CONSTRAINED).alias("most"),
        pl.col("name").n_unique().alias("names"),
        pl.min_horizontal(pl.col(name).drop_nulls().n_unique() for name in ("zip", "city")).alias("places"),
        pl.col("key").n_unique().alias("keys"),
        pl.len(),
    )  # fmt: skip
    contradicts = (
        (pl.col("most") > 1) | (pl.col("names") > 2) | (pl.col("places") > 1) | (pl.col("keys") < pl.col("len"))
        | (pl.col("len") > LARGEST)
    )  # fmt: skip
    apart = pairs.filter(~_fits())
    for side in ("left", "right"):
        apart = apart.join(components.rename({"node": side, "component": f"{side}_home"}), on=side)
    inside = apart.filter(pl.col("left_home") == pl.col("right_home")).select(component="left_home")
    return pl.concat([said.filter(contradicts).select("component"), inside]).unique()


def _fits() -> pl.Expr:
    """Whether a compared pair may stand in one cluster."""
    return agrees() & (pl.col("probability") >= UNLIKELY)


def _facts(nodes: pl.DataFrame) -> pl.DataFrame:
    directional = pl.concat_list("pre", "post").list.drop_nulls().list.sort().list.join(" ")
    return nodes.select(
        "node",
        *KEY_FIELDS,
        "zip",
        "city",
        directional=pl.when(directional != "").then(directional),
        whole=whole_name(),
    )


def _one_by_one(facts: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Node → component of the contradicting components, match by match, the likeliest first."""
    rows = {row["node"]: row for row in facts.iter_rows(named=True)}
    said = pairs.select("left", "right", "probability", _fits().alias("fits"))
    judged = {(left, right): bool(fits) for left, right, _, fits in said.iter_rows()}

    def contradict(one: int, two: int) -> bool:
        known = judged.get((min(one, two), max(one, two)))
        return _contradict(rows[one], rows[two]) if known is None else not known

    matches = [
        (-_log_odds(chance), left, right) for left, right, chance, fits in said.iter_rows() if fits and chance >= LIKELY
    ]
    ambiguous = _ambiguous(matches, contradict)
    members: dict[int, list[int]] = {node: [node] for node in rows}
    home = {node: node for node in rows}
    for _, left, right in sorted(matches):
        if home[left] == home[right] or (left, right) in ambiguous:
            continue
        if any(contradict(one, two) for one in members[home[left]] for two in members[home[right]]):
            continue
        keep, gone = sorted((home[left], home[right]))
        members[keep] += members.pop(gone)
        for node in members[keep]:
            home[node] = keep
    together = [(node, root) for root, nodes in members.items() if len(nodes) > 1 for node in nodes]
    return pl.DataFrame(together, schema=["node", "component"], orient="row")


def _ambiguous(
    matches: Iterable[tuple[float, int, int]], contradict: Callable[[int, int], bool]
) -> set[tuple[int, int]]:
    """Matches of a node with two others that contradict each other and are about as likely."""
    around: defaultdict[int, list[tuple[float, int, tuple[int, int]]]] = defaultdict(list)
    for weight, left, right in matches:
        around[left].append((weight, right, (left, right)))
        around[right].append((weight, left, (left, right)))
    found: set[tuple[int, int]] = set()
    for others in around.values():
        ranked = sorted(others)
        for at, (weight, one, match) in enumerate(ranked):
            for rival_weight, rival, rival_match in ranked[at + 1 :]:
                if rival_weight - weight > MARGIN:
                    break
                if contradict(one, rival):
                    found |= {match, rival_match}
    return found


def _contradict(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """Whether two addresses that were not compared as a pair cannot be one property. Two nodes of one address are two:
    exact keys have told them apart.
    """
    if all(one[name] == two[name] for name in KEY_FIELDS):
        return True
    if any(_differ(one, two, name) for name in ("number", "unit", "directional")):
        return True
    if _differ(one, two, "zip") and _differ(one, two, "city"):
        return True
    forms = [
        ((one["name"], one["suffix"]), (two["name"], two["suffix"])),
        ((one["whole"], None), (two["name"], two["suffix"])),
        ((one["name"], one["suffix"]), (two["whole"], None)),
    ]
    return not any(
        name and other and (suffix is None or behind is None or suffix == behind) and _edits(name, other) <= SLIPS
        for (name, suffix), (other, behind) in forms
    )


def _differ(one: dict[str, Any], two: dict[str, Any], name: str) -> bool:
    return one[name] is not None and two[name] is not None and one[name] != two[name]


@cache
def _edits(one: str, two: str) -> int:
    """Damerau and Levenshtein's distance; more than SLIPS is only said to be more."""
    if abs(len(one) - len(two)) > SLIPS:
        return SLIPS + 1
    before: list[int] = []
    row = list(range(len(two) + 1))
    for at, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [at]
        for place, other in enumerate(two, start=1):
            cost = min(row[-1] + 1, before[place] + 1, before[place - 1] + (letter != other))
            if at > 1 and place > 1 and letter == two[place - 2] and one[at - 2] == other:
                cost = min(cost, earlier[place - 2] + 1)
            row.append(cost)
    return row[-1]


def _log_odds(chance: float) -> float:
    bounded = min(max(chance, 1e-12), 1 - 1e-12)
    return math.log(bounded / (1 - bounded))
