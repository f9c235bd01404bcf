"""Publishing under readers, kills, long reports and changed contracts. Marts of the tests' own names, so that no
other test's marts are locked."""

import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import polars as pl
import psycopg
import pytest

from leadflow_pipelines.contracts.contract import CENTS, Contract, column
from leadflow_pipelines.contracts.marts import ORG
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.marts.publish_marts import publish_marts
from leadflow_pipelines.settings import PROJECT_ROOT


def new_contract(letter, tag):
    return Contract(
        name=f"mart_{letter}_{tag}",
        text="A mart of a test; 80 % of nothing.",
        columns={
            "org": ORG,
            "number": column(pl.Int64, "Number of the row.", required=True),
            "version": column(pl.Int64, "Publication that wrote the row."),
            "note": column(pl.String, "Free text."),
        },
        key=("org", "number"),
    )


@pytest.fixture
def contracts():
    tag = uuid4().hex[:8]
    return [new_contract(letter, tag) for letter in "abcde"]


def content(contracts, org, version):
    """Every mart with 100 + version rows that all carry the version."""
    rows = pl.DataFrame({"number": range(100 + version)}).with_columns(
        org=pl.lit(org.slug), version=version, note=pl.lit("7")
    )
    return [(contract, contract.conform(rows)) for contract in contracts]


def publish(database, org, contracts, version, **options):
    publish_marts(database, org, content(contracts, org, version), note=f"run-{version}", **options)


def read_versions(connection, contracts):
    """(rows, least version, greatest version) of each mart, a query each."""
    with connection.transaction():
        return [connection.execute(version_query(contract)).fetchone() for contract in contracts]


def read_versions_at_once(connection, contracts):
    """The same in one query."""
    return connection.execute(" union all ".join(map(version_query, contracts))).fetchall()


def version_query(contract):
    return f"select count(*), min(version), max(version) from marts.{contract.name}"


def as_bi(database, org):
    return psycopg.connect(database.bi_url(org.slug), autocommit=True)


def test_readers_see_whole_marts_of_one_publication_during_20_publications(database, org, contracts):
    publish(database, org, contracts, 0)
    seen, faults, done = set(), [], threading.Event()

    def read(reading, isolation, wanted):
        try:
            with as_bi(database, org) as connection:
                connection.isolation_level = isolation
                while not done.is_set():
                    answers = set(reading(connection, wanted))
                    rows, least, greatest = next(iter(answers))
                    if len(answers) != 1 or least != greatest or rows != 100 + least:
                        faults.append(answers)
                    seen.add(least)
        except psycopg.Error as error:
            faults.append(error)

    # Some read the marts backwards: a publication that took the marts one after the other would wait for ever.
    ways = [
        (read_versions, psycopg.IsolationLevel.REPEATABLE_READ),
        (read_versions_at_once, psycopg.IsolationLevel.READ_COMMITTED),
    ]
    readers = [
        threading.Thread(target=read, args=(*way, order)) for way in ways for order in (contracts, contracts[::-1])
    ]
    for reader in readers:
        reader.start()
    for version in range(1, 21):
        publish(database, org, contracts, version)
    done.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(seen) > 1, "readers read while marts were replaced"
    with as_bi(database, org) as connection:
        assert set(read_versions(connection, contracts)) == {(120, 20, 20)}


KILLED_CHILD = """
    import sys, time
    from uuid import UUID
    from leadflow_pipelines.database.connections import Database
    from leadflow_pipelines.database.orgs import find_org
    from leadflow_pipelines.marts import mart_tables
    from leadflow_pipelines.settings import load_settings
    from tests.faults.test_marts_faults import new_contract, publish

    slug, tag, step = sys.argv[1:]
    database = Database(load_settings())
    reached, original = 0, getattr(mart_tables, step)

    def stop_midway(*arguments, **options):
        global reached
        reached += 1
        if reached == (1 if step == "lock_org" else 3):
            print("here", flush=True)
            time.sleep(600)
        return original(*arguments, **options)

    setattr(mart_tables, step, stop_midway)
    publish(database, find_org(database, slug), [new_contract(letter, tag) for letter in "abcde"], 2)
"""


@pytest.mark.parametrize("step", ["lock_org", "emptied", "finished"])
def test_killed_publication_leaves_the_old_marts_and_holds_up_nobody(database, org, contracts, step):
    publish(database, org, contracts, 1)
    tag = contracts[0].name.rsplit("_", 1)[1]
    command = [sys.executable, "-c", textwrap.dedent(KILLED_CHILD), org.slug, tag, step]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
    with child, as_bi(database, org) as reader:
        assert child.stdout.readline() == "here\n"
        assert set(read_versions(reader, contracts)) == {(101, 1, 1)}
        child.kill()
        child.wait()
        assert set(read_versions(reader, contracts)) == {(101, 1, 1)}
        publish(database, org, contracts, 3)
        assert set(read_versions(reader, contracts)) == {(103, 3, 3)}


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_long_report_neither_waits_nor_is_waited_for(database, org, contracts, isolation):
    publish(database, org, contracts, 1)
    with as_bi(database, org) as reader, reader.transaction():
        reader.execute(f"set transaction isolation level {isolation}")
        assert read_versions(reader, contracts[:1]) == [(101, 1, 1)]
        publish(database, org, contracts, 2, patience_seconds=0)
        seen = (101, 1, 1) if isolation == "repeatable read" else (102, 2, 2)
        assert set(read_versions(reader, contracts)) == {seen}


def test_long_report_delays_a_changed_contract_only(database, org, contracts):
    publish(database, org, contracts, 1)
    changed = [
        replace(contracts[0], columns={**contracts[0].columns, "added": column(pl.Date, "New.")}),
        *contracts[1:],
    ]
    with as_bi(database, org) as reader:
        with reader.transaction():
            reader.execute(f"select * from marts.{contracts[0].name}").fetchone()
            with pytest.raises(LeadflowError, match="Others hold"):
                publish(database, org, changed, 2, patience_seconds=0)
            assert set(read_versions(reader, contracts)) == {(101, 1, 1)}
        publish(database, org, changed, 2)
        assert set(read_versions(reader, contracts)) == {(102, 2, 2)}


def test_two_publishers_of_an_org_take_turns(database, org, contracts):
    publish(database, org, contracts, 0)
    errors = []

    def run(version):
        try:
            publish(database, org, contracts, version)
        except Exception as error:
            errors.append(error)

    publishers = [threading.Thread(target=run, args=(version,)) for version in range(1, 5)]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    assert errors == []
    with as_bi(database, org) as reader:
        assert len(set(read_versions(reader, contracts))) == 1


def test_changed_contract_reshapes_the_mart_and_keeps_other_orgs_rows(database, org, contracts):
    mart = contracts[0]
    other = create_org(database, f"t{uuid4().hex[:12]}")
    publish(database, org, [mart], 1)
    publish(database, other, [mart], 5)
    columns = {name: col for name, col in mart.columns.items() if name != "note"} | {
        "version": column(CENTS, "Publication, in cents.", unit="US cents"),
        "added": column(pl.Date, "A new column."),
    }
    changed = replace(mart, columns=columns, text="Changed.")
    publish(database, org, [changed], 2)
    with as_bi(database, org) as reader, as_bi(database, other) as other_reader:
        found = reader.execute(f"select * from marts.{mart.name} limit 1")
        assert {col.name for col in found.description} == {"org_id", "org", "number", "version", "added"}
        assert read_versions(reader, [mart]) == [(102, Decimal(2), Decimal(2))]
        assert read_versions(other_reader, [mart]) == [(105, Decimal(5), Decimal(5))]
        assert reader.execute(f"select obj_description('marts.{mart.name}'::regclass)").fetchone() == ("Changed.",)
        described = reader.execute(
            "select col_description(attrelid, attnum) from pg_attribute"
            f" where attrelid = 'marts.{mart.name}'::regclass and attname = 'version'"
        )
        assert described.fetchone() == ("Publication, in cents. Unit: US cents.",)


def test_value_of_another_org_that_does_not_fit_a_new_type_becomes_null(database, org, contracts):
    mart = contracts[0]
    other = create_org(database, f"t{uuid4().hex[:12]}")
    publish_marts(
        database, other, [(mart, content([mart], other, 0)[0][1].with_columns(note=pl.lit("seven")))],
        note="run-0",
    )  # fmt: skip
    changed = replace(mart, columns={**mart.columns, "note": column(pl.Int64, "Now a number.")})
    publish(database, org, [changed], 1)
    for login, notes in ((org, [(7, 101)]), (other, [(None, 100)])):
        with as_bi(database, login) as reader:
            query = f"select note, count(*) from marts.{mart.name} group by 1"
            assert reader.execute(query).fetchall() == notes


def test_changed_key_is_enforced_from_the_next_publication(database, org, contracts):
    mart = contracts[0]
    publish(database, org, [mart], 1)
    changed = replace(mart, key=("org", "number", "version"))
    rows = content([changed], org, 1)[0][1]
    doubled = pl.concat([rows, rows.with_columns(version=pl.lit(2, pl.Int64))])
    publish_marts(database, org, [(changed, doubled)], note="run-2")
    with as_bi(database, org) as reader:
        assert read_versions(reader, [mart]) == [(202, 1, 2)]
