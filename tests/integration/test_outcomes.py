"""What became of leads: noted once, withdrawn, erased, read back with what replies and calls say."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from leadflow_pipelines.clearance.erasure import erase_person
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.members import add_member
from leadflow_pipelines.compliance.contact_hash import all_hashes
from leadflow_pipelines.contracts.outcomes import LEAD_OUTCOMES, OUTCOME_KINDS
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import open_lake
from leadflow_pipelines.outcomes.note_outcomes import Noted, Outcome, note_outcomes, withdraw_outcome
from leadflow_pipelines.outcomes.on_record import outcomes_on_record
from leadflow_pipelines.settings import Settings

NOW = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.date(2026, 11, 2)
ZONE = ZoneInfo("America/New_York")
PHONE = "+16155550123"
DEAL = Outcome("p_house", "deal", DAY, 18_200_000, None, "Sold by Pat, (615) 555-0123.")


def note(database: Database, org: Org, *outcomes: Outcome, now: dt.datetime = NOW, **options: Any) -> Noted:
    given = {"source": "member", "actor": "ada", **options}
    with database.as_org(org.org_id) as connection:
        return note_outcomes(connection, org.org_id, outcomes, now=now, **given)


def on_record(database: Database, org: Org, known_by: dt.datetime = NOW) -> list[tuple[Any, ...]]:
    with database.as_org(org.org_id) as connection:
        frame = outcomes_on_record(connection, org.org_id, known_by=known_by, zone=ZONE)
    assert LEAD_OUTCOMES.faults(frame) == []
    return frame.select("property_id", "kind", "happened_on", "amount_cents", "origin").rows()


def withdraw(database: Database, org: Org, outcome_id: UUID, now: dt.datetime = NOW) -> dict[str, Any]:
    with database.as_org(org.org_id) as connection:
        return withdraw_outcome(
            connection, org.org_id, str(outcome_id)[:8], because="A slip.", actor="ada", now=now
        )  # fmt: skip


def replied(org: Org, reply_class: str, at: dt.datetime, property_id: str | None = "p_house") -> dict[str, Any]:
    return {
        "inbound_id": uuid4(), "org_id": org.org_id, "provider_id": uuid4().hex, "channel": "sms",
        "contact_hash": "v1:0", "received_by": "+16155550106", "received_at": at, "reply_class": reply_class,
        "needs_person": False, "property_id": property_id,
    }  # fmt: skip


def test_the_same_outcome_stands_once_a_day(database: Database, org: Org) -> None:
    assert len(note(database, org, DEAL, DEAL).new) == 1
    assert note(database, org, DEAL).known == [0]
    other_amount = Outcome("p_house", "deal", DAY, 100)
    assert list(note(database, org, other_amount).clashes) == [0]
    assert on_record(database, org) == [("p_house", "deal", DAY, 18_200_000, "member")]


def test_what_was_withdrawn_counts_no_more_and_comes_back_only_by_hand(database: Database, org: Org) -> None:
    (first,) = note(database, org, DEAL).new
    withdraw(database, org, first, NOW + HOUR)
    assert on_record(database, org, NOW + 2 * HOUR) == []
    assert on_record(database, org, NOW) != [], "what the org knew then does not change"
    with pytest.raises(InvalidInput, match="ada withdrew it already"):
        withdraw(database, org, first)
    assert note(database, org, DEAL, source="file").withdrawn == [0]
    assert len(note(database, org, DEAL, withdrawn_too=True, now=NOW + HOUR).new) == 1


def test_what_was_noted_later_was_not_known(database: Database, org: Org) -> None:
    note(database, org, DEAL)
    assert on_record(database, org, NOW - HOUR) == []


def test_replies_and_calls_count_without_being_copied(database: Database, org: Org) -> None:
    late = dt.datetime(2026, 11, 3, 3, tzinfo=dt.UTC)  # the evening of the 2nd in New York
    message = {
        "message_id": uuid4(), "org_id": org.org_id, "campaign_id": uuid4(), "step": 1, "channel": "voice",
        "contact_point_id": "c1", "property_id": "p_called", "contact_hash": "v1:1", "state": "delivered",
        "due_at": late, "attempted_at": late,
    }  # fmt: skip
    calls = [
        {"org_id": org.org_id, "message_id": message["message_id"], "outcome": outcome, "called_by": "ada",
         "called_at": late}
        for outcome in ("no_answer", "appointment", "wrong_number")
    ]  # fmt: skip
    replies = [
        replied(org, "interested", late), replied(org, "interested", late + HOUR), replied(org, "revocation", late),
        replied(org, "wrong_number", late), replied(org, "interested", late, property_id=None),
    ]  # fmt: skip
    with database.as_org(org.org_id) as connection:
        connection.execute(insert(tables.messages), [message])
        connection.execute(insert(tables.call_results), calls)
        connection.execute(insert(tables.inbound_messages), replies)
    told = [
        ("p_called", "appointment", DAY, None, "call"),
        ("p_called", "not_the_owner", DAY, None, "call"),
        ("p_house", "interested", DAY, None, "reply"),
        ("p_house", "not_the_owner", DAY, None, "reply"),
    ]
    assert on_record(database, org) == told
    note(database, org, Outcome("p_house", "interested", DAY))
    told[2] = ("p_house", "interested", DAY, None, "member")
    assert on_record(database, org) == told, "a person's word stands before the rules'"
    with database.as_org(org.org_id) as connection:
        assert len(connection.execute(select(tables.lead_outcomes)).all()) == 1


def test_only_members_note_and_withdraw(database: Database, org: Org) -> None:
    (first,) = note(database, org, DEAL).new
    with database.as_org(org.org_id) as connection:
        add_member(connection, org.org_id, "grace", actor="grace", now=NOW)
    with pytest.raises(InvalidInput, match="ada is no member"):
        note(database, org, DEAL)
    with pytest.raises(InvalidInput, match="ada is no member"):
        withdraw(database, org, first)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cents": 1}, {"kind": "offer"}, {"property_id": "p_other"}, {"happened_on": NOW.date()},
        {"noted_by": "mallory"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_was_noted_cannot_be_changed(database: Database, org: Org, change: dict[str, Any]) -> None:
    note(database, org, DEAL)
    for statement in (update(tables.lead_outcomes).values(change), delete(tables.lead_outcomes)):
        with pytest.raises(ProgrammingError, match="permission denied"), database.as_org(org.org_id) as connection:
            connection.execute(statement)


def test_a_withdrawal_and_a_note_are_final(database: Database, org: Org) -> None:
    (first,) = note(database, org, DEAL).new
    withdraw(database, org, first)
    for change in ({"withdrawn_at": None, "withdrawn_by": None}, {"withdrawn_by": "grace"}, {"note": "Other words."}):
        with pytest.raises(IntegrityError, match=r"withdrawn|never changed"), database.as_org(org.org_id) as connection:
            connection.execute(update(tables.lead_outcomes).values(change))


def test_nobody_else_sees_outcomes(database: Database, org: Org) -> None:
    note(database, org, DEAL)
    other = create_org(database, f"t{uuid4().hex[:12]}")
    assert on_record(database, other) == []
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.for_dispatch().as_org(org.org_id) as connection,
    ):
        connection.execute(select(tables.lead_outcomes))


def test_forgetting_somebody_erases_the_words_about_their_house(
    database: Database, org: Org, settings: Settings
) -> None:
    keys = load_hash_keys(settings)
    noted = note(
        database, org, DEAL,
        Outcome("p_written", "offer", DAY, 100, None, "They want to move in spring."),
        Outcome("p_else", "offer", DAY, 100, None, "Somebody else's words."),
    )  # fmt: skip
    withdraw(database, org, noted.new[1])
    person = replied(org, "other", NOW, property_id="p_written") | {"contact_hash": all_hashes("phone", PHONE, keys)[0]}
    with database.as_org(org.org_id) as connection:
        connection.execute(insert(tables.inbound_messages), [person])
    erased = erase_person(
        database, open_lake(settings, org.slug), org, "phone", PHONE, keys, actor="ada", now=NOW
    )  # fmt: skip
    assert erased.outcome_notes == 2
    with database.as_org(org.org_id) as connection:
        table = tables.lead_outcomes.c
        chosen = select(table.property_id, table.note, table.withdrawn_because, table.amount_cents)
        rows = {row.property_id: tuple(row)[1:] for row in connection.execute(chosen)}
    assert rows["p_house"] == (None, None, 18_200_000), "its number stood in the note"
    assert rows["p_written"] == (None, None, 100)
    assert rows["p_else"] == ("Somebody else's words.", None, 100)


def test_the_tables_know_the_contracts_kinds(database: Database, org: Org) -> None:
    note(database, org, *(Outcome("p_house", kind, DAY) for kind in OUTCOME_KINDS))
    assert {row[1] for row in on_record(database, org)} == set(OUTCOME_KINDS)
    with pytest.raises(IntegrityError, match="amount"):
        note(database, org, Outcome("p_house", "interested", DAY - dt.timedelta(days=1), 100))
