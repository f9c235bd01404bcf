"""One rule for every instant that comes in: it says its offset. A clock time without one names no moment, is refused.

A day alone is its first moment in the org's zone. Not here: days (calendar dates), instants that LeadFlow wrote itself.
"""

import re
from datetime import UTC, datetime, tzinfo

DAY_ALONE = re.compile(r"\d{4}-?(\d{2}-?\d{2}|W\d{2}(-?\d)?)")


def aware(instant: datetime) -> datetime:
    """The instant in UTC. Raises ValueError for a naive one."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError("a naive instant names no moment without its offset; write it like 2026-05-04T15:30-05:00")
    return instant.astimezone(UTC)


def instant_of(text: str, zone: tzinfo) -> datetime:
    """A written instant (ISO 8601 with its offset, or a day alone) in UTC. zone: where a day alone begins.

    Raises ValueError that says what is wrong and how to write it, with the offset that `zone` had then.
    """
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant; write it like 2026-05-04T15:30-05:00, or 2026-05-04") from None
    if DAY_ALONE.fullmatch(text):
        return written.replace(tzinfo=zone).astimezone(UTC)
    if written.tzinfo is None:
        meant = written.replace(tzinfo=zone).isoformat(timespec="minutes")
        raise ValueError(f"{text!r} names no moment without its offset; write it with its offset, such as {meant}")
    return aware(written)
