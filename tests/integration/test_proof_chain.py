"""The chain of proof: what is written stays as it was written, and whatever is not so is named."""

from datetime import UTC, datetime, timedelta
from threading import Thread
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import ProgrammingError

from leadflow_pipelines.clearance.proof import (
    ChainReport,
    ProofEntry,
    append_proof,
    digest,
    erase_evidence,
    verify_chain,
)
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org

NOW = datetime(2026, 3, 8, 14, 30, 0, 123456, tzinfo=UTC)


def entry(number: int, *, subject: str | None = "v1:ab", evidence: bool = True) -> ProofEntry:
    shown = {"phone_e164": "+12015550123", "number": number, "codes": ["no_consent"]} if evidence else None
    at = NOW + timedelta(seconds=number)
    return ProofEntry(uuid4(), "send_decision", subject, at, {"verdict": "blocked", "rule_version": "r1"}, shown)


def write(database: Database, org: Org, *entries: ProofEntry) -> None:
    with database.as_org(org.org_id) as connection:
        append_proof(connection, org.org_id, entries)


def verify(database: Database, org: Org, expected_head: str | None = None) -> ChainReport:
    with database.as_org(org.org_id) as connection:
        return verify_chain(connection, org.org_id, expected_head=expected_head)


def tamper(database: Database, org: Org, statement: str) -> None:
    """As somebody who owns the tables could."""
    with database.as_owner() as connection:
        connection.execute(text("set local role leadflow_owner"))
        connection.exec_driver_sql("select set_config('app.org_id', %s, true)", (str(org.org_id),))
        assert connection.execute(text(statement)).rowcount == 1


def test_a_chain_reads_as_it_was_written(database: Database, org: Org) -> None:
    assert verify(database, org) == ChainReport(0, 0, "0" * 64)
    write(database, org, *(entry(number) for number in range(3)))
    write(database, org, entry(3, evidence=False))
    report = verify(database, org)
    assert (report.entries, report.fault) == (4, None)
    assert verify(database, org, expected_head=report.head_hash).fault is None


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ('update leadflow.proof_entries set facts = facts || \'{"verdict": "cleared"}\' where seq = 2', "Entry 2"),
        ("update leadflow.proof_entries set happened_at = happened_at - interval '1 us' where seq = 3", "Entry 3"),
        ("update leadflow.proof_entries set subject_hash = null where seq = 1", "Entry 1"),
        ("delete from leadflow.proof_entries where seq = 2", "Entry 2 is missing"),
        ("delete from leadflow.proof_entries where seq = 4", "ends with entry 3"),
        (
            "update leadflow.proof_evidence set evidence = evidence || '{\"number\": 9}'"
            " where evidence ->> 'number' = '2'",
            "evidence of entry 3",
        ),
        ("delete from leadflow.proof_evidence where evidence ->> 'number' = '1'", "evidence of entry 2"),
    ],
)
def test_whatever_was_changed_is_named(database: Database, org: Org, statement: str, named: str) -> None:
    write(database, org, *(entry(number) for number in range(4)))
    tamper(database, org, statement)
    assert named in (verify(database, org).fault or "")


def test_a_chain_cut_short_and_mended_lacks_the_hash_noted_elsewhere(database: Database, org: Org) -> None:
    write(database, org, entry(0), entry(1))
    noted = verify(database, org).head_hash
    tamper(database, org, "delete from leadflow.proof_entries where seq = 2")
    tamper(
        database,
        org,
        "update leadflow.proof_heads set seq = 1, entry_hash = (select entry_hash from leadflow.proof_entries)",
    )
    assert verify(database, org).fault is None
    assert "No entry has the expected hash" in (verify(database, org, expected_head=noted).fault or "")


def test_erasing_evidence_leaves_the_chain_whole(database: Database, org: Org) -> None:
    write(database, org, entry(0, subject="v1:aa"), entry(1, subject="v1:bb"))
    with database.as_org(org.org_id) as connection:
        assert erase_evidence(connection, org.org_id, ["v1:aa"], now=NOW) == 1
        assert erase_evidence(connection, org.org_id, ["v1:aa"], now=NOW) == 0
    report = verify(database, org)
    assert (report.entries, report.erased, report.fault) == (2, 1, None)


def test_the_product_can_neither_change_nor_remove_entries(database: Database, org: Org) -> None:
    write(database, org, entry(0))
    with pytest.raises(ProgrammingError, match="permission denied"), database.as_org(org.org_id) as connection:
        connection.execute(update(tables.proof_entries).values(kind="hold"))


def test_writers_at_the_same_time_make_one_chain(database: Database, org: Org) -> None:
    def many() -> None:
        for number in range(10):
            write(database, org, entry(number), entry(number))

    threads = [Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = verify(database, org)
    assert (report.entries, report.fault) == (80, None)


def test_what_has_no_one_written_form_is_refused() -> None:
    with pytest.raises(ValueError, match="fraction"):
        digest({"share": [{"of": 0.5}]})
    naive = ProofEntry(UUID(int=1), "hold", None, datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="aware"):
        append_proof(FirstEntry(), UUID(int=1), [naive])  # type: ignore[arg-type]


class FirstEntry:
    """A connection on which the chain has no entry yet."""

    seq, entry_hash = 0, "0" * 64

    def execute(self, *_: object) -> "FirstEntry":
        return self

    def first(self) -> "FirstEntry":
        return self
