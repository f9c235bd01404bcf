"""Recomputing what an org decided, from the evidence it kept: sends from the chain, lists from the files of the lake.

In bounded memory: some ten thousand sends at a time, a list's file at a time. Not here: deciding (`compliance/replay`),
whether the chain itself is whole (`verify_proof`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl
from sqlalchemy import Connection, Text, cast, func, select

from leadflow_pipelines.clearance.list_proof import list_proofs, read_list_proof
from leadflow_pipelines.clearance.rule_store import org_rules, rules_of_version
from leadflow_pipelines.compliance.replay import RECORDED, replay_decisions
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import proof_entries, proof_evidence
from leadflow_pipelines.lake import Lake

SENDS_AT_ONCE = 20_000
EXAMPLES = 5


@dataclass(frozen=True)
class Difference:
    """One decision that is answered otherwise now: which, what was recorded and what is said."""

    what: str
    recorded: str
    recorded_reasons: tuple[str, ...]
    replayed: str | None
    replayed_reasons: tuple[str, ...]
    why: str


@dataclass
class Replayed:
    """What a replay found. `examples`: the first decisions that differ; `faults`: evidence that is not as written."""

    sends: int = 0
    lists: int = 0
    differ: int = 0
    erased: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def decisions(self) -> int:
        """All that were decided again, and those whose evidence was erased."""
        return self.sends + self.lists

    @property
    def agree(self) -> int:
        """Those that came out as they were recorded."""
        return self.decisions - self.differ - self.erased

    @property
    def is_same(self) -> bool:
        """Everything that was not erased agrees, and all evidence is there."""
        return not self.differ and not self.faults

    def plain(self) -> dict[str, object]:
        """As JSON, with the counts that follow from others."""
        told = {"decisions": self.decisions, "agree": self.agree, "is_same": self.is_same}
        return {**asdict(self), **told}


def rules_as_of(connection: Connection, org: Org, day: dt.date, *, now: dt.datetime) -> RuleBook:
    """The org's rules of `day`, holding whatever day a decision is of."""
    return org_rules(connection, org.org_id, day, now=now).as_of(day)


def replay_log(
    database: Database,
    lake: Lake,
    org: Org,
    *,
    first: dt.datetime,
    last: dt.datetime,
    instead: RuleBook | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Replayed:
    """Decides again what was decided from `first` up to before `last`, each under the rules it names, or `instead`.

    tell: gets a line of progress now and then. Raises InvalidInput for a rule version that is not known here.
    """
    found = Replayed()
    with database.as_org(org.org_id) as connection:
        versions: dict[str, RuleBook] = {}

        def rules_of(version: str) -> RuleBook:
            if version not in versions:
                versions[version] = rules_of_version(connection, version)
            return versions[version]

        for rows in _sends(connection, org, first, last):
            found.sends += rows.height
            _replay(found, rows, rules_of, instead)
            tell(f"{found.sends:,} sends")
        for proof in list_proofs(connection, first, last):
            rows, fault = read_list_proof(lake, proof["facts"])
            if fault:
                found.faults.append(f"Entry {proof['seq']} (list_clearance {proof['entry_id']}): {fault}")
            if rows.is_empty():
                continue
            what = pl.format(
                "list entry {}, zip {}, contact {} on {}",
                pl.lit(str(proof["seq"])),
                "zip",
                "contact_point_id",
                "channel",
            )
            found.lists += rows.height
            _replay(found, rows.select(*RECORDED, what=what), rules_of, instead)
            tell(f"{found.lists:,} rows of lists")
    return found


def _sends(connection: Connection, org: Org, first: dt.datetime, last: dt.datetime) -> Iterator[pl.DataFrame]:
    """Send decisions in order, as RECORDED, `what`, and is_gone: no evidence, and no erasure of it."""
    entries, kept = proof_entries.c, proof_evidence.c
    beside = (kept.org_id == entries.org_id) & (kept.entry_id == entries.entry_id)
    chosen = (
        select(
            cast(kept.evidence, Text),
            entries.evidence_hash,
            func.coalesce(entries.facts["decided"].astext, entries.facts["verdict"].astext),
            entries.facts["reason_codes"],
            func.concat("entry ", entries.seq, " (send_decision ", entries.entry_id, ")"),
            kept.erased_at.is_(None),
        )
        .select_from(proof_entries.outerjoin(proof_evidence, beside))
        .where(
            entries.org_id == org.org_id, entries.kind == "send_decision", entries.happened_at >= first,
            entries.happened_at < last,
        )
        .order_by(entries.seq)
    )  # fmt: skip
    schema: dict[str, Any] = {
        "evidence": pl.String, "evidence_hash": pl.String, "verdict": pl.String,
        "reason_codes": pl.List(pl.String), "what": pl.String, "is_unerased": pl.Boolean,
    }  # fmt: skip
    result = connection.execute(chosen, execution_options={"yield_per": SENDS_AT_ONCE})
    for part in result.partitions():
        yield pl.DataFrame([tuple(row) for row in part], schema=schema, orient="row")


def _replay(found: Replayed, rows: pl.DataFrame, rules_of: Callable[[str], RuleBook], instead: RuleBook | None) -> None:
    """Adds what replaying these rows says. In: RECORDED, what, and is_unerased where evidence may be missing."""
    answers = replay_decisions(rows.select(RECORDED), rules_of, instead=instead).with_columns(rows["what"])
    if "is_unerased" in rows.columns:
        gone = rows.filter(pl.col("evidence").is_null() & pl.col("is_unerased"))["what"].to_list()
        found.faults += [f"The evidence of {what} is gone, and no erasure is noted." for what in gone]
    found.erased += rows["evidence"].null_count()
    differing = answers.filter(~pl.col("agrees"))
    found.differ += differing.height
    if differing.is_empty():
        return
    verdicts = pl.format("{} → {}", "verdict", "replayed_verdict")
    found.changes.update(differing.select(verdicts).to_series().to_list())
    for sign, kept, other in (("+", "replayed_reasons", "reason_codes"), ("-", "reason_codes", "replayed_reasons")):
        codes = differing.select(pl.col(kept).list.set_difference(other).explode()).to_series().drop_nulls()
        found.reasons.update(f"{sign}{code}" for code in codes.to_list())
    for row in differing.head(EXAMPLES - len(found.examples)).iter_rows(named=True):
        found.examples.append(_difference(row, is_other_rules=instead is not None))


def _difference(row: dict[str, Any], *, is_other_rules: bool) -> Difference:
    if is_other_rules:
        why = "The other rules say otherwise."
    elif row["evidence_hash"] != row["replayed_hash"]:
        why = "Its evidence is not what was decided on: it has another hash."
    else:
        why = "Its evidence gives another answer than the one recorded."
    return Difference(
        row["what"],
        row["verdict"],
        tuple(row["reason_codes"]),
        row["replayed_verdict"],
        tuple(row["replayed_reasons"] or ()),
        why,
    )
