"""What a person wants to know of a bulk pull: what came, from where, what is missing and why."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from leadflow_pipelines.contracts import RAW_PULLS
from leadflow_pipelines.lake import Stored
from leadflow_pipelines.providers.pulls import Pulls, RawStore

MESSAGES_SHOWN = 3


def pulled(pulls: Pulls, raw: RawStore, zips: Sequence[str]) -> Stored:
    """Items per ZIP, 0 where nothing came, and the faults of the rows that stand stored for them."""
    counts = Counter[str]()
    for pull in pulls.pulls:
        counts[pull.call.zip or ""] += pull.items
    return Stored({zip_code: counts[zip_code] for zip_code in zips}, tuple(RAW_PULLS.faults(pulls.read(raw))))


def pull_notes(pulls: Pulls) -> dict[str, Any]:
    """Metadata of the run: calls, cache hits, what was not pulled by reason, the ZIPs of that, fields gone absent."""
    reasons = Counter(call.reason for call in pulls.unmade)
    messages = list(dict.fromkeys(call.message for call in pulls.unmade))[:MESSAGES_SHOWN]
    return {
        "provider_calls": pulls.provider_calls,
        "cache_hits": pulls.cache_hits,
        "is_partial": pulls.is_partial,
        "not_pulled": len(pulls.unmade),
        **{f"not_pulled_{reason}": count for reason, count in sorted(reasons.items())},
        **({"fields_absent": list(pulls.absent_fields)} if pulls.absent_fields else {}),
        **({"not_pulled_because": " ".join(messages), "not_pulled_zips": list(_zips(pulls))} if pulls.unmade else {}),
    }


def _zips(pulls: Pulls) -> dict[str, None]:
    """The ZIPs of calls without an answer, each once, in the order of asking."""
    return dict.fromkeys(one.call.zip for one in pulls.unmade if one.call.zip)
