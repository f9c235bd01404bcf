"""Sources that list a ZIP's properties, through the guard against the simulated vendors, whatever these do.

Under each fault the run ends, each record is there exactly once, and what is missing is named with its reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any
from uuid import uuid4

import polars as pl
import pytest

from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sources import (
    datatree,
    datatree_rows,
    regrid,
    regrid_rows,
    rentcast,
    rentcast_rows,
    zillow,
    zillow_rows,
)
from leadflow_pipelines.providers.sources.pages import distinct_items
from leadflow_pipelines.spend.price_book import load_price_book
from tests.shop import DAY, ORIGIN, open_shop

ZIPS = ("19103", "80212", "78701")
RECORDS = 12
PAGE = 5
MONEY = 1_000_000
LOST_IN_TRANSIT = ("slow", "slow_drip", "timeout", "reset", "cut_off", "truncated_json", "malformed_json")
REFUSED = ("expired_key", "empty_wallet")
SPOILED = ("missing_field", "renamed_field", "key_casing", "wrong_total", "duplicate_page")
BOOKKEEPING = ("pull_id", "row_number", "cost_cents", "observed_at")


@dataclass(frozen=True)
class Listed:
    """A source under test: its module, its rows, the setting of its page size, where it has one."""

    module: ModuleType
    to_source_rows: Callable[[pl.DataFrame], pl.DataFrame]

    @property
    def name(self) -> str:
        return self.module.NAME


SOURCES = (
    Listed(rentcast, rentcast_rows.to_source_rows),
    Listed(regrid, regrid_rows.to_source_rows),
    Listed(zillow, zillow_rows.to_source_rows),
    Listed(datatree, datatree_rows.to_source_rows),
)


@pytest.fixture(scope="module")
def vendors() -> Iterator[SandboxProcess]:
    with SandboxProcess(records_per_zip=RECORDS, page_cap=PAGE, today=DAY.isoformat()) as sandbox:
        yield sandbox


@pytest.fixture(params=SOURCES, ids=lambda one: one.name)
def source(request, monkeypatch) -> Listed:
    monkeypatch.setattr(request.param.module, "MOST_PER_PAGE", PAGE, raising=False)
    return request.param


def _open(database, org, sandbox, home, tmp_path, source):
    opened = open_shop(database, org, sandbox, home, tmp_path, source.name)
    small_pages = tmp_path / "datatree.yaml"
    small_pages.write_text(datatree.DEFAULT_MAP.read_text().replace("most_per_page: 100", f"most_per_page: {PAGE}"))
    opened.settings = opened.settings.model_copy(update={"datatree_field_map": small_pages})
    opened.allow(MONEY, provider=source.name)
    return opened


@pytest.fixture
def shop(database, org, sandbox, home, tmp_path, source):
    return _open(database, org, sandbox, home, tmp_path, source)


def _pull(shop, source, **overrides):
    with shop.guard(**overrides) as guard:
        return guard.pull_many(source.module.property_calls(ZIPS, DAY, settings=shop.settings), origin=ORIGIN)


def _rows(shop, source, pulls):
    """What arrived, by vendor id, without what differs from one pull to the next."""
    rows = source.to_source_rows(distinct_items(pulls.read(shop.lake.raw))).drop(BOOKKEEPING).to_dicts()
    by_id = {row["source_record_id"]: row for row in rows}
    assert len(by_id) == len(rows), "a record arrived twice"
    return by_id


@pytest.fixture(scope="module")
def truths() -> dict[str, dict[str, Any]]:
    """What each source gave where nothing went wrong, as soon as a test has asked."""
    return {}


@pytest.fixture
def truth(database, sandbox, home, tmp_path, source, truths):
    """What arrives where nothing goes wrong."""
    if source.name not in truths:
        shop = _open(database, create_org(database, f"truth{uuid4().hex[:12]}"), sandbox, home, tmp_path, source)
        pulls = _pull(shop, source)
        assert not pulls.is_partial
        rows = _rows(shop, source, pulls)
        assert len(rows) == len(ZIPS) * RECORDS
        truths[source.name] = rows
        sandbox.clear_ledger()
    return truths[source.name]


def _cents(source, billed):
    price = load_price_book().price(source.name, source.module.ENDPOINT, DAY)
    return price.cents * billed


def test_every_record_arrives_once_and_costs_what_the_vendor_bills(shop, source):
    pulls = _pull(shop, source)
    assert not pulls.is_partial
    assert len(_rows(shop, source, pulls)) == len(ZIPS) * RECORDS
    assert pulls.cost_cents == shop.budget(source.name).spent_cents == _cents(source, shop.billed(source.name))
    again = _pull(shop, source)
    assert (again.provider_calls, again.cost_cents) == (0, Decimal(0))
    assert len(_rows(shop, source, again)) == len(ZIPS) * RECORDS


def test_a_zip_that_does_not_exist_has_no_records(shop, source):
    with shop.guard() as guard:
        pulls = guard.pull_many(source.module.property_calls(["00000"], DAY, settings=shop.settings), origin=ORIGIN)
    assert (pulls.items, pulls.is_partial) == (0, False)


@pytest.mark.parametrize("kind", [*LOST_IN_TRANSIT, *SPOILED, *REFUSED, "wrong_shape", "status"])
def test_under_each_fault_records_arrive_once_and_the_missing_are_named(shop, source, truth, kind):
    shop.sandbox.arm_fault(source.name, kind, share=0.3, seconds=0.3, status=503)
    pulls = _pull(shop, source, http_timeout_seconds=0.25 if kind == "timeout" else 30)
    rows = _rows(shop, source, pulls)
    missing = {truth[one]["zip"] for one in truth.keys() - rows.keys()}
    assert rows.keys() <= truth.keys()
    assert missing == {one.call.zip for one in pulls.unmade}
    assert {one.reason for one in pulls.unmade} <= {"terminal" if kind in (*REFUSED, "wrong_shape") else "transient"}
    assert shop.ledger(), "the ledger tells of every attempt"
    assert shop.budget(source.name).spent_cents >= _cents(source, shop.billed(source.name))
    if kind in ("key_casing", "wrong_total", "duplicate_page", *LOST_IN_TRANSIT):
        assert all(rows[one] == truth[one] for one in rows)
    if kind in ("missing_field", "renamed_field"):
        told = [(rows[one][name], truth[one][name]) for one in rows for name in rows[one]]
        assert all(now in (None, before) for now, before in told), "a lost field is null, never another value"
    shop.sandbox.disarm_faults()
    assert _rows(shop, source, _pull(shop, source)).keys() == truth.keys(), "the next run goes on where this stopped"


def test_a_vendor_that_repeats_its_page_for_good_ends_the_run(shop, source):
    shop.sandbox.arm_fault(source.name, "duplicate_page", share=1.0)
    pulls = _pull(shop, source)
    assert {one.reason for one in pulls.unmade} == {"transient"}
    assert all("came again" in one.message for one in pulls.unmade)
    assert len(_rows(shop, source, pulls)) == len(ZIPS) * PAGE


def test_the_budget_ends_paging_with_a_partial_result(shop, source):
    enough_for_two = int(_cents(source, 2))
    shop.allow(enough_for_two, provider=source.name)
    pulls = _pull(shop, source)
    assert {one.reason for one in pulls.unmade} == {"budget"}
    assert shop.budget(source.name).spent_cents <= enough_for_two
    assert _cents(source, shop.billed(source.name)) <= enough_for_two
