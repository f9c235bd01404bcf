"""One rule for instants wherever they come in: with their offset, or refused with how to write them."""

import datetime as dt
from email.message import Message
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from leadflow_pipelines.compliance import CONSENT_COLUMNS, SUPPRESSION_COLUMNS, decide_contact, load_rules
from leadflow_pipelines.compliance.evidence import conformed
from leadflow_pipelines.compliance.instants import aware, instant_of
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.replies.import_mail import written_at
from resources.clock import ClockResource

CHICAGO = ZoneInfo("America/Chicago")
NOW = dt.datetime(2026, 11, 24, 17, tzinfo=dt.UTC)
NAIVE = NOW.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "offset"),
    [("2026-05-04T15:30", "2026-05-04T15:30-05:00"), ("2026-12-04 15:30:20", "2026-12-04T15:30-06:00"),
     ("20260504T1530", "2026-05-04T15:30-05:00")],
)  # fmt: skip
def test_a_clock_time_is_refused_with_the_offset_it_may_have_meant(text: str, offset: str) -> None:
    with pytest.raises(ValueError, match=offset):
        instant_of(text, CHICAGO)


@pytest.mark.parametrize(
    ("text", "utc"),
    [("2026-05-04T15:30-05:00", "2026-05-04T20:30"), ("2026-05-04T20:30Z", "2026-05-04T20:30"),
     ("2026-05-04", "2026-05-04T05:00"), ("20261204", "2026-12-04T06:00")],
)  # fmt: skip
def test_an_instant_with_its_offset_and_a_day_alone_are_read(text: str, utc: str) -> None:
    assert instant_of(text, CHICAGO) == dt.datetime.fromisoformat(f"{utc}+00:00")


def test_no_instant_is_told_how_to_write_one() -> None:
    with pytest.raises(ValueError, match="2026-05-04T15:30-05:00"):
        instant_of("yesterday", CHICAGO)


def test_code_that_hands_over_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        aware(NAIVE)
    with pytest.raises(ValueError, match="offset"):
        ClockResource(fixed_at=NAIVE.isoformat()).now()
    asked = {"consents": pl.DataFrame(schema=CONSENT_COLUMNS), "suppressions": pl.DataFrame(schema=SUPPRESSION_COLUMNS)}
    with pytest.raises(ValueError, match="offset"):
        decide_contact({"fetched_at": NAIVE}, rules=load_rules(), now=NOW, **asked)


@pytest.mark.parametrize("given", [NAIVE, NAIVE.isoformat()])
def test_a_frame_of_clock_times_is_refused(given: object) -> None:
    schema = {"captured_at": CONSENT_COLUMNS["captured_at"]}
    with pytest.raises(InvalidInput, match="captured_at has no zone"):
        conformed(pl.DataFrame({"captured_at": [given]}), schema, "consents")
    assert conformed(pl.DataFrame({"captured_at": [NOW]}), schema, "consents").item() == NOW
    assert conformed(pl.DataFrame({"captured_at": [None]}), schema, "consents").item() is None


@pytest.mark.parametrize(
    ("date", "expected"),
    [("Tue, 24 Nov 2026 10:00:00 -0600", NOW - dt.timedelta(hours=1)),
     ("Tue, 24 Nov 2026 10:00:00 -0000", NOW - dt.timedelta(hours=7)),
     ("Tue, 24 Nov 2026 10:00:00", NOW), ("Tue, 24 Nov 2026 10:00:00 XYZ", NOW), ("tomorrow", NOW),
     ("Wed, 25 Nov 2026 10:00:00 +0000", NOW)],
)  # fmt: skip
def test_a_mail_without_an_offset_was_written_now(date: str, expected: dt.datetime) -> None:
    """Half a day earlier, and a consent given in between would outlive the withdrawal."""
    mail = Message()
    mail["Date"] = date
    assert written_at(mail, NOW) == expected
