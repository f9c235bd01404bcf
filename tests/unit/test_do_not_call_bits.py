"""Numbers as bits: what was put in is found, nothing else; a version is whole, never changes, and knows its limits."""

import datetime as dt
import stat

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.compliance.do_not_call import (
    BitSets,
    ListVersion,
    RegistryLists,
    national_numbers,
    open_bit_sets,
    publish_bit_sets,
)
from leadflow_pipelines.errors import InvalidInput

DAY = dt.date(2026, 11, 20)
# Few area codes and a narrow range, so that neighbours in a byte and repetitions are drawn.
numbers = st.builds(
    lambda code, place: code * 10_000_000 + place,
    st.sampled_from([202, 312, 989]),
    st.one_of(st.integers(5_550_100, 5_550_140), st.integers(0, 9_999_999)),
)


def _array(values):
    return np.array(sorted(values), np.int64) if values else np.zeros(0, np.int64)


def _changes(pairs):
    return pl.DataFrame(
        {"number": [*pairs], "is_added": [*pairs.values()]}, {"number": pl.Int64, "is_added": pl.Boolean}
    )


def _version(sets, folder, as_of=DAY):
    publish_bit_sets(sets, folder)
    return ListVersion(folder.name, as_of, open_bit_sets(folder))


@given(batches=st.lists(st.lists(numbers, max_size=20), max_size=3), others=st.lists(numbers, max_size=20))
def test_a_list_holds_what_was_added_and_nothing_else(tmp_path_factory, batches, others):
    sets = BitSets()
    for batch in batches:
        sets.add(np.array(batch, np.int64))
    listed = {one for batch in batches for one in batch}
    folder = tmp_path_factory.mktemp("lists") / "v"
    mapped = _version(sets, folder).bits
    asked = np.array([*listed, *others], np.int64)
    assert mapped.contains(asked).tolist() == [one in listed for one in asked.tolist()]
    assert sets.contains(asked).tolist() == [one in listed for one in asked.tolist()]
    assert sets.count == mapped.numbers == len(listed)


@given(
    base=st.sets(numbers, max_size=20),
    changes=st.dictionaries(numbers, st.booleans(), max_size=20),
)
def test_a_changed_list_equals_the_full_list_of_that_day(tmp_path_factory, base, changes):
    covered = [202, 312, 989]
    before = BitSets()
    before.cover(covered)
    before.add(_array(base))
    mapped = _version(before, tmp_path_factory.mktemp("lists") / "v").bits
    after = mapped.changeable()
    applied = after.apply(_changes(changes))
    wanted = (base | {n for n, added in changes.items() if added}) - {n for n, added in changes.items() if not added}
    full = BitSets()
    full.cover(covered)
    full.add(_array(wanted))
    assert after.digest() == full.digest()
    assert applied.added == len({n for n, added in changes.items() if added} - base)
    assert applied.deleted == len({n for n, added in changes.items() if not added} & base)
    assert applied.already_there + applied.not_there == len(changes) - applied.added - applied.deleted
    assert mapped.contains(_array(base)).all()  # the version that was changed is as it was


def test_null_is_what_no_version_answers_for(tmp_path):
    sets = BitSets()
    sets.add(np.array([2025550100]))
    sets.cover([312])
    lists = RegistryLists([_version(sets, tmp_path / "v")])
    phones = pl.Series(["+12025550100", "+12025550101", "+13125550100", "+14155550100", None, "2025550100",
                        "+442079460100", "+1202555010x", "+1-02555010", "+11025550100"])  # fmt: skip
    assert lists.listed(phones).to_list() == [True, False, False, *[None] * 7]
    assert lists.as_of(phones).to_list() == [DAY, DAY, DAY, *[None] * 7]
    assert lists.version_of(phones).to_list() == ["v", "v", "v", *[None] * 7]
    assert RegistryLists([]).listed(phones).to_list() == [None] * 10


def test_the_newest_version_answers_for_an_area_code(tmp_path):
    old, new = BitSets(), BitSets()
    old.add(np.array([2025550100, 3125550100]))
    new.cover([202])
    lists = RegistryLists([
        _version(new, tmp_path / "new"), _version(old, tmp_path / "old", DAY - dt.timedelta(days=9))
    ])  # fmt: skip
    phones = pl.Series(["+12025550100", "+13125550100"])
    assert lists.listed(phones).to_list() == [False, True]
    assert lists.version_of(phones).to_list() == ["new", "old"]


def test_a_list_of_all_area_codes_answers_where_it_holds_no_number(tmp_path):
    sets = BitSets(answers_all=True)
    sets.add(np.array([2025550100]))
    lists = RegistryLists([_version(sets, tmp_path / "v")])
    assert lists.listed(pl.Series(["+12025550100", "+14155550100", "+11115550100"])).to_list() == [True, False, None]


def test_a_change_of_an_area_code_that_is_not_there_is_refused():
    sets = BitSets()
    sets.add(np.array([2025550100]))
    with pytest.raises(InvalidInput, match="415"):
        sets.apply(_changes({4155550100: True}))


def test_a_published_list_is_read_only_and_the_first_one_stays(tmp_path):
    sets = BitSets()
    sets.add(np.array([2025550100]))
    publish_bit_sets(sets, tmp_path / "v")
    publish_bit_sets(sets, tmp_path / "v")
    assert [one.name for one in tmp_path.iterdir()] == ["v"]
    assert all(stat.S_IMODE(one.stat().st_mode) == 0o444 for one in (tmp_path / "v").iterdir())
    mapped = open_bit_sets(tmp_path / "v")
    with pytest.raises(ValueError, match="read-only"):
        mapped.bits[0] = 1


def test_a_list_that_is_gone_or_damaged_is_no_empty_list(tmp_path):
    with pytest.raises(InvalidInput, match="not where it was put"):
        open_bit_sets(tmp_path / "v")
    sets = BitSets()
    sets.add(np.array([2025550100]))
    publish_bit_sets(sets, tmp_path / "v")
    bits = tmp_path / "v" / "numbers.bits"
    bits.chmod(0o600)
    bits.write_bytes(bits.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match="damaged"):
        open_bit_sets(tmp_path / "v")


@given(phone=st.one_of(st.text("+0123456789- ", max_size=14), numbers.map("+1{}".format), st.none()))
def test_a_number_is_ten_digits_behind_the_country_or_nothing(phone):
    told = int(national_numbers(pl.Series([phone], dtype=pl.String))[0])
    is_number = phone is not None and len(phone) == 12 and phone[:2] == "+1" and phone[2:].isdigit() and phone[2] > "1"
    assert told == (int(phone[2:]) if is_number else 0)
