"""Recomputing decisions from their documents, under the rules of their day or under others.

Here: documents back into contact points, decided again. Not here: where documents and old rules are kept
(`clearance`). What a document does not hold did not count: agreement is bit for bit.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.clear_contacts import identified
from leadflow_pipelines.compliance.consents import CONSENT_COLUMNS, INSTANT
from leadflow_pipelines.compliance.decide_points import decide_points
from leadflow_pipelines.compliance.evidence import (
    EVIDENCE,
    HOLD_COLUMNS,
    POINT_TYPES,
    WRITTEN,
    Limits,
    Question,
    read_documents,
    read_instant,
)
from leadflow_pipelines.compliance.rule_book import RuleBook

RECORDED = ("evidence", "evidence_hash", "verdict", "reason_codes")
SLICE_ROWS = 100_000
ASKED_ALIKE = ("holds", "most_per_24h", "most_per_7d", "org_name", "purpose", "rule_version", "widen_to")


def replay_decisions(
    recorded: pl.DataFrame,
    rules_of: Callable[[str], RuleBook],
    *,
    instead: RuleBook | None = None,
) -> pl.DataFrame:
    """Decides each document again. In: RECORDED. Out: the same rows in the same order, and the columns
    replayed_verdict, replayed_reasons, replayed_hash, and agrees: all three equal what was recorded.

    rules_of: the rule book of a version, as the documents name it. instead: decide under this rule book, whatever
    the documents name; then the hash is another, and agrees compares verdict and reasons alone.
    An erased document (null) has null for an answer, and agrees is null.
    """
    parts = [_replay_slice(rows, rules_of, instead) for rows in recorded.select(RECORDED).iter_slices(SLICE_ROWS)]
    return pl.concat(parts) if parts else _compared(recorded.select(RECORDED), _nothing(0), instead is None)


def _replay_slice(
    recorded: pl.DataFrame, rules_of: Callable[[str], RuleBook], instead: RuleBook | None
) -> pl.DataFrame:
    """Decides documents that ask the same but for the instant together: sends have one each."""
    there = recorded.select("evidence").with_row_index("row").filter(pl.col("evidence").is_not_null())
    read = pl.concat([there.select("row"), read_documents(there["evidence"])], how="horizontal").unnest("asked")
    answers = [_nothing(0)]
    for asked, rows in read.with_columns(now=read_instant("now")).group_by(ASKED_ALIKE):
        question = _question(dict(zip(ASKED_ALIKE, asked, strict=True)), rules_of, instead)
        decided = decide_points(_points(rows, question), _consents(rows), question, with_evidence=False)
        answers.append(
            pl.concat(
                [rows.select("row"), decided.select("verdict", "reason_codes", "evidence_hash")], how="horizontal"
            )
        )
    return _compared(recorded, pl.concat(answers), instead is None)


def _nothing(rows: int) -> pl.DataFrame:
    schema: dict[str, Any] = {
        "row": pl.UInt32,
        "verdict": pl.String,
        "reason_codes": pl.List(pl.String),
        "evidence_hash": pl.String,
    }
    return pl.DataFrame(schema=schema).clear(rows)


def _compared(recorded: pl.DataFrame, answers: pl.DataFrame, has_same_rules: bool) -> pl.DataFrame:
    named = answers.rename(
        {"verdict": "replayed_verdict", "reason_codes": "replayed_reasons", "evidence_hash": "replayed_hash"}
    )
    rows = recorded.with_row_index("row").join(named, on="row", how="left", maintain_order="left").drop("row")
    same_reasons = pl.col("reason_codes").list.join(",") == pl.col("replayed_reasons").list.join(",")
    agrees = (pl.col("verdict") == pl.col("replayed_verdict")) & same_reasons
    if has_same_rules:
        agrees &= pl.col("evidence_hash") == pl.col("replayed_hash")
    return rows.with_columns(agrees=pl.when(pl.col("evidence").is_not_null()).then(agrees))


def _question(asked: dict[str, Any], rules_of: Callable[[str], RuleBook], instead: RuleBook | None) -> Question:
    holds = pl.DataFrame(asked["holds"] or [], schema=HOLD_COLUMNS, orient="row")
    limits = None if asked["most_per_24h"] is None else Limits(asked["most_per_24h"], asked["most_per_7d"])
    rules = instead or rules_of(asked["rule_version"])
    return Question(rules, None, asked["purpose"], asked["org_name"], asked["widen_to"], holds, limits)


def _points(rows: pl.DataFrame, question: Question) -> pl.DataFrame:
    """The documents' contact points; each row is its own contact, whatever its value."""
    typed = []
    for name in WRITTEN:
        dtype = POINT_TYPES[name]
        value = pl.col(name)
        if dtype == pl.Date:
            value = value.str.to_date("%Y-%m-%d")
        elif isinstance(dtype, pl.Datetime):
            value = read_instant(name)
        typed.append(value.alias(name))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in EVIDENCE.items() if name not in WRITTEN]
    points = identified(rows["point"].struct.unnest().select(*typed, *missing))
    facts = [rows["now"], rows["channel"], rows["row"].cast(pl.String).alias("contact_key")]
    if question.limits:
        moments = pl.element().str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC")
        attempts = pl.col("attempts").list.eval(moments).fill_null(pl.lit([], dtype=pl.List(INSTANT)))
        facts += [rows.select(attempts).to_series(), rows["is_registered"]]
    return points.with_columns(facts)


def _consents(rows: pl.DataFrame) -> pl.DataFrame:
    """The documents' consents, each known by the row of its document."""
    listed = rows.select("now", contact_key=pl.col("row").cast(pl.String), consent="consents").explode("consent")
    fields = listed.filter(pl.col("consent").is_not_null()).unnest("consent")
    return fields.select(
        "contact_key",
        "now",
        *(
            pl.lit(None, pl.String).alias(name) if name == "contact_value"
            else read_instant(name) if isinstance(dtype, pl.Datetime) else pl.col(name)
            for name, dtype in CONSENT_COLUMNS.items()
        ),
    )  # fmt: skip
