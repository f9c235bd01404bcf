"""Do-not-call lists of an org: imported under its own licence, answering for 31 days, for nobody else."""

import datetime as dt
import os

import polars as pl
import pytest
from sqlalchemy import select, update

from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.clearance.registries import registry_answers
from leadflow_pipelines.clearance.registry_imports import CHANGE, ListImport, import_list, registries_folder
from leadflow_pipelines.clearance.registry_licences import Licence, find_licences, save_licence
from leadflow_pipelines.clearance.registry_status import registry_status
from leadflow_pipelines.clearance.rule_store import org_rules, tighten
from leadflow_pipelines.compliance.stricter_rules import Change
from leadflow_pipelines.database.orgs import create_org
from leadflow_pipelines.database.tables import proof_entries, registry_versions
from leadflow_pipelines.errors import InvalidInput

NOW = dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 21)
WRITTEN = dt.date(2026, 11, 20)
# 202 is in the District of Columbia, which has no list of its own; 512 in Texas, which has one.
LISTED, FREE, TEXAN, ELSEWHERE = "+12025550110", "+12025550111", "+15125550110", "+14155550100"


@pytest.fixture
def settings(settings, tmp_path):
    return settings.model_copy(update={"registries_dir": tmp_path / "registries"})


@pytest.fixture
def files(tmp_path):
    def write(*numbers, name="list.txt"):
        path = tmp_path / name
        path.write_text("".join(f"{number}\n" for number in numbers))
        return [path]

    return write


@pytest.fixture
def bring(database, org, settings, files):
    """Imports numbers into a registry of the org, or of another."""

    def bring(registry, *numbers, as_of=WRITTEN, now=NOW, to=org, paths=None, **more):
        wanted = ListImport(registry, paths or files(*numbers), as_of, "dana", **more)
        return import_list(database, to, wanted, now=now, settings=settings)

    return bring


@pytest.fixture
def ask(database, org, settings):
    """What an org's lists say of phones: is_registry_listed for each."""

    def ask(*phones, now=NOW, of=org, column="is_registry_listed", **more):
        with database.as_org(of.org_id) as connection:
            told = registry_answers(connection, of, pl.Series([*phones]), now=now, settings=settings, **more)
        assert told["phone"].to_list() == [*phones]
        return told[column].to_list()

    return ask


def _license(database, org, registry="ftc", area_codes=(), valid_to=dt.date(2027, 5, 31)):
    stated = Licence(registry, "10000001", area_codes, dt.date(2026, 6, 1), valid_to, "dana", NOW)
    with database.as_org(org.org_id) as connection:
        save_licence(connection, org, stated)
        assert stated in find_licences(connection, org)


def test_without_a_licence_of_its_own_an_org_imports_nothing(database, org, bring, ask):
    with pytest.raises(InvalidInput, match=rf"may not be shared.*leadflow dnc licence ftc .*--org {org.slug}"):
        bring("ftc", "2025550110")
    _license(database, org, valid_to=dt.date(2026, 11, 20))
    with pytest.raises(InvalidInput, match="not on 2026-11-21"):
        bring("ftc", "2025550110")
    _license(database, org, area_codes=("202",))
    with pytest.raises(InvalidInput, match="does not cover: 512"):
        bring("ftc", "2025550110", "5125550110")
    assert ask(LISTED) == [None]
    assert bring("ftc", "2025550110").numbers == 1


def test_lists_answer_yes_no_or_nothing(database, org, bring, ask):
    _license(database, org)
    made = bring("ftc", "2025550110", "202,5550112", "5125550199")
    assert made.is_new
    assert made.area_codes == ("202", "512")
    assert ask(LISTED, FREE, ELSEWHERE) == [True, False, None]
    assert ask(LISTED, ELSEWHERE, column="registry_as_of") == [WRITTEN, None]
    assert ask(LISTED, ELSEWHERE, column="list_versions") == [[made.version_id], []]


def test_a_state_list_that_the_org_added_must_be_asked_too(database, org, bring, ask, settings):
    _license(database, org)
    bring("ftc", "2025550110")
    assert ask(FREE) == [False]
    with database.as_org(org.org_id) as connection:
        added = Change("state_registries", "DC", {})
        tighten(connection, org.org_id, added, effective_from=DAY, reason="counsel", actor="dana", now=NOW)
        own = org_rules(connection, org.org_id, DAY, now=NOW)
        assert "DC" in registry_status(connection, org, now=NOW, settings=settings).missing_states
    assert ask(LISTED, FREE, rules=own) == [True, None]


def test_the_same_files_again_are_no_new_version(database, org, bring):
    _license(database, org)
    first, second = bring("ftc", "2025550110"), bring("ftc", "2025550110")
    assert (first.is_new, second.is_new) == (True, False)
    assert first.version_id == second.version_id


def test_after_31_days_a_no_is_no_answer_and_a_yes_stays_one(database, org, bring, ask):
    _license(database, org)
    bring("ftc", "2025550110")
    last, after = (NOW + dt.timedelta(days=WRITTEN.day + days - 21) for days in (31, 32))
    assert ask(LISTED, FREE, now=last) == [True, False]
    assert ask(LISTED, FREE, now=after) == [True, None]
    assert ask(FREE, now=after, column="registry_as_of") == [WRITTEN]


def test_a_state_with_a_list_of_its_own_must_be_asked_too(database, org, bring, ask):
    _license(database, org)
    bring("ftc", "2025550110", "5125550199")
    assert ask(TEXAN) == [None]
    assert ask(FREE, states=pl.Series([["DC", "TX"]])) == [None]
    with pytest.raises(InvalidInput, match="no licence of its own for state:TX"):
        bring("state:TX", "2145550100")
    _license(database, org, "state:TX")
    bring("state:tx", "2145550100", "2025550111")
    assert ask(TEXAN, "+15125550199") == [False, True]
    assert ask(FREE) == [True]  # on the Texan list, wherever its area code lies


def test_a_list_of_litigators_needs_no_licence_and_tells_of_nobody_else(database, org, bring, ask):
    assert ask(LISTED, column="is_litigator") == [None]
    bring("litigators", "2025550110")
    assert ask(LISTED, FREE, ELSEWHERE, column="is_litigator") == [True, False, False]
    assert ask(FREE, now=NOW + dt.timedelta(days=40), column="is_litigator") == [None]
    assert ask(LISTED, FREE) == [None, None]


def test_a_change_list_makes_another_version(database, org, bring, ask, settings):
    _license(database, org)
    first = bring("ftc", "2025550110", "2025550112")
    with pytest.raises(InvalidInput, match="is no news"):
        bring("ftc", "202,5550110,2026-11-20,D", file_kind=CHANGE)
    second = bring(
        "ftc", "202,5550110,2026-11-21,D", "202,5550111,2026-11-21,A", "202,5550119,2026-11-21,D",
        file_kind=CHANGE, as_of=DAY,
    )  # fmt: skip
    assert second.base_version_id == first.version_id
    assert second.applied is not None
    assert (second.applied.added, second.applied.deleted, second.applied.not_there) == (1, 1, 1)
    assert ask(LISTED, FREE, "+12025550112") == [False, True, True]
    assert ask(LISTED, column="list_versions") == [[second.version_id]]
    kept = {one.name for one in (registries_folder(settings, org) / "ftc").iterdir()}
    assert kept == {first.version_id, second.version_id}


def test_a_change_list_without_a_base_is_refused(database, org, bring):
    _license(database, org)
    with pytest.raises(InvalidInput, match="full list first"):
        bring("ftc", "202,5550110,2026-11-21,D", file_kind=CHANGE)


def test_lines_that_cannot_be_read_stop_an_import_unless_they_were_looked_at(database, org, bring, ask):
    _license(database, org)
    lines = ("2025550110", "555-0110", "end of list")
    with pytest.raises(InvalidInput, match=r"list\.txt, line \d.*--allow-rejected 2") as told:
        bring("ftc", *lines)
    assert "5550110" not in str(told.value)
    assert ask(LISTED) == [None]
    made = bring("ftc", *lines, allow_rejected=2)
    assert (made.numbers, made.reading.rejected) == (1, 2)


def test_an_empty_list_answers_only_for_area_codes_that_were_named(database, org, bring, ask):
    _license(database, org)
    with pytest.raises(InvalidInput, match="hold no number"):
        bring("ftc")
    bring("ftc", area_codes=("202",))
    assert ask(FREE, ELSEWHERE) == [False, None]
    with pytest.raises(InvalidInput, match="were not named: 512"):
        bring("ftc", "5125550199", area_codes=("202",))


def test_a_newer_list_of_some_area_codes_leaves_the_others_to_the_older_one(database, org, bring, ask):
    _license(database, org)
    bring("ftc", "2025550110", "4155550199")
    newer = bring("ftc", "2025550112", as_of=DAY)
    assert ask(LISTED, ELSEWHERE, "+14155550199") == [False, False, True]
    assert ask(LISTED, ELSEWHERE, column="registry_as_of") == [DAY, WRITTEN]
    assert ask(LISTED, column="list_versions") == [[newer.version_id]]


def test_an_orgs_list_never_answers_for_another(database, org, bring, ask):
    other = create_org(database, f"{org.slug}b")
    _license(database, org)
    bring("ftc", "2025550110")
    assert ask(LISTED, FREE, of=other) == [None, None]
    with pytest.raises(InvalidInput, match="no licence of its own"):
        bring("ftc", "2025550110", to=other)


def test_a_version_is_never_changed_and_every_import_is_proven(database, org, bring):
    _license(database, org)
    made = bring("ftc", "2025550110")
    with database.as_org(org.org_id) as connection:
        entries = connection.execute(select(proof_entries.c.kind, proof_entries.c.facts).order_by("seq")).all()
        assert verify_chain(connection, org.org_id).fault is None
    assert [(kind, facts["act"]) for kind, facts in entries] == [
        ("registry_version", "licence"), ("registry_version", "import"),
    ]  # fmt: skip
    assert entries[1].facts["version_id"] == made.version_id
    assert entries[1].facts["account"] == "10000001"
    with pytest.raises(Exception, match="permission denied"), database.as_org(org.org_id) as connection:
        connection.execute(update(registry_versions).values(numbers=0))


def test_a_list_that_is_gone_stops_decisions_instead_of_clearing(database, org, bring, ask, settings):
    _license(database, org)
    made = bring("ftc", "2025550110")
    folder = registries_folder(settings, org) / "ftc" / made.version_id
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(InvalidInput, match="not where it was put"):
        ask(FREE)


def test_what_a_killed_import_left_is_removed_a_day_later(database, org, bring, settings):
    _license(database, org)
    left = registries_folder(settings, org) / "ftc" / ".ftc-2026-11-19-half.0"
    left.mkdir(parents=True)
    os.utime(left, (NOW.timestamp(), NOW.timestamp()))
    bring("ftc", "2025550110")
    assert left.exists()
    bring("ftc", "2025550111", now=NOW + dt.timedelta(days=2))
    assert not left.exists()


def test_the_status_tells_what_is_old_and_what_is_missing(database, org, bring, settings):
    _license(database, org)
    bring("ftc", "2025550110")
    with database.as_org(org.org_id) as connection:
        told = registry_status(connection, org, now=NOW + dt.timedelta(days=31), settings=settings)
    assert [(one.registry, one.is_stale, one.fresh_until) for one in told.lists] == [
        ("ftc", True, dt.date(2026, 12, 21))
    ]
    assert "TX" in told.missing_states
    assert any("older than the rules allow" in note for note in told.notes)


def test_many_phones_at_once_are_answered_as_each_alone(database, org, bring, ask):
    for registry in ("ftc", "state:TX"):
        _license(database, org, registry)
    bring("ftc", "2025550110", "4155550199", "5125550199", as_of=WRITTEN - dt.timedelta(days=31))
    bring("ftc", "2025550112", "5125550110", as_of=WRITTEN)
    bring("state:TX", "2025550111", "2145550100", as_of=WRITTEN)
    bring("litigators", "2025550113", as_of=WRITTEN)
    phones = [LISTED, FREE, TEXAN, ELSEWHERE, "+14155550199", "+15125550199", "+12145550100", "+12025550112",
              "+12025550113", "+12125550100", "+13035550100", "nobody"]  # fmt: skip
    for column in ("is_registry_listed", "registry_as_of", "is_litigator", "list_versions"):
        together = ask(*phones, column=column)
        assert together == [ask(phone, column=column)[0] for phone in phones]
        assert len(set(map(str, together))) > 1


@pytest.mark.parametrize("name", ["state:ZZ", "state:", "national", "../ftc"])
def test_registries_are_known_by_name(database, org, bring, name):
    with pytest.raises(InvalidInput, match="no do-not-call registry"):
        bring(name, "2025550110")
