"""Clearance decisions at size: a million contact points decided, and a million decisions replayed.

Here: invented contact points and the measurements. Not here: do-not-call lists (`number_lists`).
"""

import datetime as dt
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from bench.figures import Figure, at_least, at_most
from leadflow_pipelines.cli.console import progress
from leadflow_pipelines.compliance import SUPPRESSION_COLUMNS, decide_contacts, load_rules, replay_decisions
from leadflow_pipelines.settings import PROJECT_ROOT

NOW = dt.datetime(2026, 11, 24, 17, 0, tzinfo=dt.UTC)
POINTS = 1_000_000
PLACES = 200
"""ZIPs the properties lie in; a third of the owners live in another of them."""
SLICE = 100_000
ORG = "Example Homes"


def decision_figures(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the sizes."""
    scale = 10 if quick else 1
    points = POINTS // scale
    progress(f"{points:,} contact points decided, in a process of its own")
    told = _in_child("decide", points)
    yield at_most(f"{points:,} contact points decided", told["seconds"], 3 / scale, "s")
    yield at_most("its processor time", told["cpu_seconds"], 6 / scale, "s")
    yield at_most("its memory, the contact points included", told["peak_mb"], 1500, "MB")
    progress(f"{points:,} decisions replayed from their documents")
    told = _in_child("replay", points)
    yield at_least(f"{points:,} decisions replayed, identical", told["identical"], points, "decisions")
    yield at_most("decisions that differ", told["different"], 0, "decisions")


def _in_child(what: str, points: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.clearance_decisions", what, str(points)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def contact_points(number: int) -> pl.DataFrame:
    """Invented contact points: six phones, two e-mails and two addresses of ten."""
    rules, random = load_rules(), np.random.default_rng(1)
    straddling = [zip5 for zip5 in rules.zip_states if len(zip5) == 5]
    prefixes = [zip5 for zip5 in rules.zip_states if len(zip5) == 3]
    known = [
        z for z in [*straddling, *(f"{p}01" for p in prefixes)] if rules.states_of_zip(z)[0] in rules.calling_rules
    ]
    zips = pl.Series(random.choice(known, PLACES, replace=False).tolist())
    states = pl.Series([rules.states_of_zip(one)[0] for one in zips])
    codes = pl.Series([code.area_code for code in rules.area_codes.values() if code.kind == "geographic"])
    in_state = [[i for i, code in enumerate(codes) if s in rules.area_codes[code].states] for s in states]
    home = random.integers(0, PLACES, number)
    is_absent = random.random(number) < 1 / 3
    mail = np.where(is_absent, random.integers(0, PLACES, number), home)
    local = np.array([random.choice(in_state[place]) for place in range(PLACES)])[mail]
    code = np.where(random.random(number) < 0.85, local, random.integers(0, len(codes), number))
    kind = pl.Series(["phone"] * 6 + ["email"] * 2 + ["mailing"] * 2).gather(random.integers(0, 10, number))

    def some(values: list[Any], dtype: Any) -> pl.Series:
        return pl.Series(values, dtype=dtype).gather(random.integers(0, len(values), number))

    row, is_phone = pl.int_range(number, eager=True), pl.col("kind") == "phone"
    return pl.DataFrame(
        {"row": row, "kind": kind, "property_zip": zips.gather(home), "property_state": states.gather(home),
         "mailing_zip5": zips.gather(mail), "mailing_state": states.gather(mail), "code": codes.gather(code),
         "line_type": some(["mobile", "landline", "voip", None], pl.String),
         "is_on_dnc": some([True, False, False, None], pl.Boolean),
         "is_litigator": some([True, False, False, False, None], pl.Boolean),
         "is_owner_occupied": ~pl.Series(is_absent)}
    ).select(
        "kind", "property_zip", "property_state", "mailing_zip5", "mailing_state", "is_owner_occupied",
        pl.col("property_zip").alias("zip"), pl.lit(NOW.date()).alias("day"),
        pl.when(is_phone).then(pl.col("line_type", "is_on_dnc", "is_litigator")),
        pl.format("p_{}", pl.col("row") // 3).alias("property_id"), pl.format("c_{}", "row").alias("contact_point_id"),
        pl.when(is_phone).then(pl.format("+1{}555{}", "code", (pl.col("row") % 10_000).cast(pl.String).str.zfill(4)))
        .alias("phone_e164"),
        pl.when(pl.col("kind") == "email").then(pl.format("owner{}@mail.example", "row")).alias("email"),
        pl.format("{} Elm St", pl.col("row") % 9_999).alias("mailing_street"), mailing_city=pl.lit("Example City"),
        person_name=pl.lit("Pat Example"), is_reachable=pl.lit(True), source=pl.lit("simulated"),
        fetched_at=pl.lit(NOW - dt.timedelta(days=1), pl.Datetime("us", "UTC")),
    )  # fmt: skip


def asked_about(points: pl.DataFrame) -> dict[str, Any]:
    """Consents for a sixth of the phones, and suppressions for some."""
    phones = points["phone_e164"].drop_nulls().unique(maintain_order=True)
    consents = phones.head(len(phones) // 6).to_frame("contact_value").with_columns(
        channel=pl.lit("sms"), kind=pl.lit("express_written"), purpose=pl.lit("marketing"), given_to=pl.lit(ORG),
        captured_at=pl.lit(NOW - dt.timedelta(days=9)), expires_at=pl.lit(None), revoked_at=pl.lit(None),
    )  # fmt: skip
    suppressed = phones.tail(len(phones) // 50).to_frame("contact_value")
    suppressions = suppressed.with_columns(kind=pl.lit("phone"), contact_hash=pl.lit(None)).select(*SUPPRESSION_COLUMNS)
    return {"rules": load_rules(), "now": NOW, "consents": consents, "suppressions": suppressions, "org_name": ORG}


def _decide(number: int) -> dict[str, Any]:
    points = contact_points(number)
    asked = asked_about(points)
    began, cpu = time.monotonic(), time.process_time()
    decided = decide_contacts(points, **asked)
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak, "decisions": decided.height}


def _replay(number: int) -> dict[str, Any]:
    """Decides and replays slice by slice, as stored documents are read."""
    rules = load_rules()
    identical = different = 0
    seconds = 0.0
    for points in contact_points(number).iter_slices(SLICE):
        recorded = decide_contacts(points, with_evidence=True, **asked_about(points)).head(
            number - identical - different
        )
        began = time.monotonic()
        replayed = replay_decisions(recorded, {rules.rule_version: rules}.__getitem__)
        seconds += time.monotonic() - began
        identical += replayed.filter(pl.col("agrees")).height
        different += replayed.filter(~pl.col("agrees")).height
        if identical + different >= number:
            break
    return {"seconds": seconds, "identical": identical, "different": different}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"decide": _decide, "replay": _replay}[sys.argv[1]](int(sys.argv[2]))) + "\n")
