"""Vendors asked about numbers: believed after their canaries, kept per org, whatever is no plain no is a hit."""

import datetime as dt
from dataclasses import replace
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import select

from leadflow_pipelines.clearance.canaries import ask_canaries, load_canaries
from leadflow_pipelines.clearance.number_lookups import look_up_numbers
from leadflow_pipelines.clearance.registries import reassigned_answers, registry_answers
from leadflow_pipelines.clearance.registry_imports import ListImport, import_list
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.tables import number_lookups
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.sandbox.vendors import dncscrub, realphonevalidation
from leadflow_pipelines.spend.ledger import Origin
from tests.shop import NOON, open_shop

VENDORS = ("dncscrub", "realphonevalidation")
INVERTED = {"dncscrub": dncscrub.INVERTED, "realphonevalidation": realphonevalidation.INVERTED}
CLEAN, LISTED, STATE, LITIGATOR, UNANSWERED = (f"+121255501{end}" for end in ("01", "12", "21", "26", "28"))
MOVED, NO_DATA = "+12125550131", "+12125550135"
CONSENT = dt.date(2023, 6, 1)
LATER = dt.date(2025, 6, 1)


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture
def org(database):
    return create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)


@pytest.fixture
def store(database, org, sandbox, home, tmp_path, vendor):
    opened = open_shop(database, org, sandbox, home, tmp_path, *VENDORS)
    opened.allow(100_000, provider=vendor)
    return opened


@pytest.fixture
def look_up(store, vendor):
    def look_up(*phones, since=(), now=NOON, **overrides):
        store.now = now
        settings = store.settings.model_copy(update=overrides)
        with store.guard(**overrides) as guard:
            return look_up_numbers(
                store.database, store.org, guard, store.lake, phones, provider=vendor, now=now, settings=settings,
                kind="reassigned" if since else "dnc", since=since,
            )  # fmt: skip

    return look_up


def _answers(store, *phones, now=NOON, org=None):
    of = org or store.org
    with store.database.as_org(of.org_id) as connection:
        return registry_answers(connection, of, pl.Series([*phones]), now=now, settings=store.settings)


def _moved(store, phone, since):
    with store.database.as_org(store.org.org_id) as connection:
        told = reassigned_answers(
            connection, store.org, pl.Series([phone]), pl.Series([since], dtype=pl.Date), settings=store.settings
        )
    return told["is_reassigned"].item()


def test_a_yes_a_no_and_everything_else(store, look_up, vendor):
    found = look_up(CLEAN, LISTED, STATE, LITIGATOR, UNANSWERED, "+1212555012", "+442079460100", CLEAN)
    assert (found.asked, found.yes, found.no, found.unknown, found.impossible) == (5, 3, 1, 1, 2)
    told = _answers(store, CLEAN, LISTED, STATE, LITIGATOR, UNANSWERED)
    assert told["is_registry_listed"].to_list() == [False, True, True, True, None]
    assert told["is_litigator"].to_list()[3] is True
    assert told["is_litigator"].to_list()[0] is False
    assert told["registry_as_of"].to_list()[0] == NOON.date()
    assert told["list_versions"].to_list()[0] == [f"{vendor}:{NOON.date()}"]


def test_what_was_answered_is_not_bought_again_until_it_is_old(store, look_up, vendor):
    look_up(CLEAN, LISTED)
    billed = store.billed(vendor)
    again = look_up(CLEAN, LISTED)
    assert (again.asked, again.kept, store.billed(vendor)) == (0, 2, billed)
    later = NOON + dt.timedelta(days=32)
    assert _answers(store, CLEAN, LISTED, now=later)["is_registry_listed"].to_list() == [None, None]
    store.allow(100_000, provider=vendor)
    assert store.billed(vendor) == billed


def test_an_answer_that_one_org_bought_serves_no_other(store, look_up):
    look_up(CLEAN, LISTED)
    other = create_org(store.database, f"{store.org.slug}b", is_simulated=True)
    assert _answers(store, CLEAN, LISTED, org=other)["is_registry_listed"].to_list() == [None, None]


def test_no_number_is_kept_in_the_clear(store, look_up):
    look_up(CLEAN)
    with store.database.as_org(store.org.org_id) as connection:
        rows = connection.execute(select(number_lookups)).all()
    assert len(rows) == 1
    assert CLEAN[2:] not in repr(rows)


def test_answers_the_wrong_way_round_are_caught_and_nothing_is_kept(store, look_up, vendor):
    with pytest.raises(InvalidInput, match="expected no, heard yes"):
        look_up(CLEAN, LISTED, **_inverted(store, vendor))
    with pytest.raises(InvalidInput, match=r"expected no, heard yes|expected yes, heard no"):
        look_up(CLEAN, since=[CONSENT], **_inverted(store, vendor))
    assert _answers(store, CLEAN)["is_registry_listed"].to_list() == [None]


def _inverted(store, vendor):
    key = type(getattr(store.settings, f"{vendor}_api_key"))(INVERTED[vendor])
    return {f"{vendor}_api_key": key}


def test_a_vendor_without_canaries_is_not_asked(store, look_up, vendor, tmp_path):
    with pytest.raises(InvalidInput, match="must answer yes and one for no"):
        look_up(CLEAN, lookup_canaries=None)
    own = tmp_path / "canaries.yaml"
    own.write_text(f'- {{provider: {vendor}, kind: dnc, phone: "+12025550110", answer: "yes"}}\n')
    with pytest.raises(InvalidInput, match="must answer no,"):
        look_up(CLEAN, lookup_canaries=own)
    assert store.billed(vendor) == 0


def test_simulated_and_real_never_meet(store, look_up, vendor):
    real = type(store.settings).model_fields[f"{vendor}_base_url"].default
    with pytest.raises(InvalidInput, match="is simulated, and"):
        look_up(CLEAN, **{f"{vendor}_base_url": real})
    store.org = create_org(store.database, f"{store.org.slug}r")
    with pytest.raises(InvalidInput, match="no simulated org"):
        look_up(CLEAN)
    assert store.billed(vendor) == 0


def test_a_canary_that_stays_silent_is_wrong(store, look_up, sandbox, vendor):
    sandbox.arm_fault(provider=vendor, kind="wrong_shape", times=20)
    with pytest.raises(InvalidInput, match="heard nothing"):
        look_up(CLEAN)


def test_every_fault_of_a_canary_file_is_named(store, tmp_path):
    path = tmp_path / "canaries.yaml"
    path.write_text(
        '- {provider: nobody, kind: dnc, phone: "+12025550110", answer: "yes"}\n'
        '- {provider: dncscrub, kind: dnc, phone: "202", answer: "yes"}\n'
        '- {provider: dncscrub, kind: reassigned, phone: "+12025550110", answer: "yes"}\n'
        '- {provider: dncscrub, kind: dnc, phone: "+12025550110", answer: yes}\n'
    )
    with pytest.raises(InvalidInput) as told:
        load_canaries(store.settings.model_copy(update={"lookup_canaries": path}))
    assert [line.split(":")[0] for line in told.value.message.splitlines()] == [
        f"canaries.yaml, row {row}" for row in (1, 2, 3, 4)
    ]


def test_the_shipped_canaries_are_right(store, vendor):
    asked = [one for one in load_canaries(store.settings) if one.provider == vendor]
    with store.guard() as guard:
        results = ask_canaries(guard, store.lake, asked, now=NOON, settings=store.settings, origin=Origin())
    assert len(results) == 4
    assert all(one.is_right for one in results)


def test_only_a_plain_no_about_that_day_or_before_says_that_a_number_is_in_the_same_hands(store, look_up):
    found = look_up(CLEAN, MOVED, NO_DATA, UNANSWERED, since=[CONSENT] * 4)
    assert (found.no, found.yes, found.unknown) == (1, 1, 2)
    assert [_moved(store, phone, CONSENT) for phone in (CLEAN, MOVED, NO_DATA, UNANSWERED)] == [False, True, None, None]
    assert _moved(store, CLEAN, LATER) is False
    assert _moved(store, CLEAN, CONSENT - dt.timedelta(days=1)) is None
    assert _moved(store, MOVED, LATER) is None  # it may have changed hands before the later consent
    assert look_up(MOVED, since=[LATER], now=NOON + dt.timedelta(days=1)).asked == 1
    assert _moved(store, MOVED, LATER) is False


def test_lost_answers_are_no_answers(store, look_up, sandbox, vendor):
    look_up(LISTED)  # the canaries are answered
    sandbox.arm_fault(provider=vendor, kind="status", status=503, times=20)
    found = look_up(CLEAN)
    assert (found.asked, found.unanswered) == (1, 1)
    assert found.notes
    assert _answers(store, CLEAN)["is_registry_listed"].to_list() == [None]


def test_the_budget_stops_buying(store, look_up, vendor):
    store.allow(2, provider=vendor)  # two canaries
    found = look_up(CLEAN, LISTED)
    assert (found.unanswered, found.yes, found.no) == (2, 0, 0)
    assert any("spend limit" in note for note in found.notes)


def test_a_vendors_unknown_beats_a_lists_no(store, look_up, vendor, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("2125550112\n")
    bare = replace(store, settings=store.settings.model_copy(update={"registries_dir": tmp_path / "registries"}))
    wanted = ListImport("litigators", [path], NOON.date(), "dana")
    import_list(bare.database, bare.org, wanted, now=NOON, settings=bare.settings)
    look_up(UNANSWERED, CLEAN)
    told = _answers(bare, UNANSWERED, CLEAN)
    assert told["is_registry_listed"].to_list() == [None, False]
    assert told["is_litigator"].to_list() == [False, False]
