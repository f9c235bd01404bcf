"""Registry files into numbers: every form that is described anywhere, and faults named by file and line."""

import datetime as dt
import re
import zipfile

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.compliance.do_not_call import Reading, list_files, read_changes, read_full
from leadflow_pipelines.errors import InvalidInput

A, B, C = 2025550100, 2025550101, 3125550102
DAY = dt.date(2026, 11, 20)
numbers = st.integers(2_000_000_000, 9_999_999_999)


def _full(path, content, encoding="latin-1"):
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    reading = Reading()
    return [int(one) for batch in read_full([path], reading) for one in batch], reading


def _changes(path, content):
    path.write_text(content)
    reading = Reading()
    return {row[0]: row[1:] for row in read_changes([path], reading).iter_rows()}, reading


@pytest.mark.parametrize(
    "content",
    [
        "2025550100\n2025550101\n3125550102\n",
        "202,5550100\n202,5550101\n312,5550102\n",
        "202,5550100\r\n202,5550101\r\n312,5550102\r\n",
        "\ufeff2025550100\n\n   \n202,5550101\r\n312,5550102",
        "AreaCode,Number\n202,5550100\n202,5550101\n312,5550102\n",
        "(202) 555-0100\n202-555-0101\n1 312 555 0102\n\x1a",
        '"202","5550100"\n"202","5550101"\n"312","5550102"\n',
        '<?xml version="1.0"?><list type="full"><ac val="202"><ph val="5550100"/><ph val="5550101"/></ac>'
        '<ac val="312"><ph val="5550102"/></ac></list>',
        "<numbers>\n<areacode>202</areacode>\n<phone>555-0100</phone>\n<phone>2025550101</phone>\n"
        "<areacode>312</areacode><phone>5550102</phone>\n</numbers>\n",
    ],
)
def test_every_form_of_a_full_list_gives_the_same_numbers(tmp_path, content):
    found, reading = _full(tmp_path / "list.txt", content, "utf-8")
    assert found == [A, B, C]
    assert (reading.rows, reading.rejected) == (3, 0)


@pytest.mark.parametrize("form", ["{}", "{0:.3},{1}"])
@given(wanted=st.lists(numbers, max_size=40), chunk=st.integers(15, 200), end=st.sampled_from(["\n", "\r\n"]))
def test_whatever_numbers_in_whatever_chunks_come_out_as_they_went_in(tmp_path_factory, form, wanted, chunk, end):
    lines = [form.format(str(one), str(one)[3:]) for one in wanted]
    path = tmp_path_factory.mktemp("list") / "list.txt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_files, "CHUNK_BYTES", chunk)
        found, reading = _full(path, end.join(lines))
    assert found == wanted
    assert (reading.rows, reading.rejected) == (len(wanted), 0)


@given(lines=st.lists(st.one_of(numbers.map(str), st.text("0123456789abc,- ", max_size=14)), max_size=30))
def test_good_rows_survive_and_every_other_row_is_counted(tmp_path_factory, lines):
    found, reading = _full(tmp_path_factory.mktemp("list") / "list.txt", "\n".join(["2025550100", *lines]))

    def digits(line):
        return re.sub(r"[,\- ]", "", line)

    good = [int(d[-10:]) for d in map(digits, lines) if re.fullmatch(r"1?[2-9]\d{9}", d)]
    rows = [d for d in map(digits, lines) if d]
    assert found == [A, *good]
    assert reading.rows == 1 + len(rows)
    assert reading.rejected == len(rows) - len(good)


def test_a_fault_names_file_and_line_and_never_the_number(tmp_path):
    found, reading = _full(tmp_path / "list.txt", "2025550100\n\n202555010\nBob 2025550101\n0125550101\n3125550102\n")
    assert found == [A, C]
    told = sorted(map(str, reading.faults))
    assert [one.split(": ")[0] for one in told] == [f"list.txt, line {line}" for line in (3, 4, 5)]
    assert "Bob" not in " ".join(told)
    assert "555" not in " ".join(told)


def test_members_of_a_zipped_file_are_lists_of_their_own(tmp_path):
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("202.txt", "2025550100\nnone\n")
        archive.writestr("312.xml", '<l><ac val="312"><ph val="5550102"/></ac></l>')
        archive.writestr("__MACOSX/202.txt", "rubbish")
    reading = Reading()
    found = np.concatenate(list(read_full([path], reading))).tolist()
    assert found == [A, C]
    assert [str(one).split(": ")[0] for one in reading.faults] == ["lists.zip/202.txt, line 2"]


def test_what_is_cut_off_or_no_list_is_refused(tmp_path):
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("202.txt", "\n".join(str(A + one) for one in range(5000)))
    whole = bytearray(path.read_bytes())
    whole[300] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(InvalidInput, match="damaged"):
        list(read_full([path], Reading()))
    with pytest.raises(InvalidInput, match="cut off"):
        _full(tmp_path / "list.xml", '<list><ac val="202"><ph val="5550100"/>')
    with pytest.raises(InvalidInput, match="no plain text"):
        _full(tmp_path / "wide.txt", "2025550100\n".encode("utf-16"))
    with pytest.raises(InvalidInput, match="no file"):
        list(read_full([tmp_path / "absent.txt"], Reading()))


@pytest.mark.parametrize(
    "row",
    [
        "202,5550100,2026-11-20,{}",
        "{},202,5550100,2026-11-20",
        "2026-11-20,{},5550100,202",
        "2025550100,{},11/20/2026",
        '"202","5550100","20261120","{}"',
        "202;5550100;2026-11-20 10:30:00;{}",
    ],
)
def test_the_order_of_a_change_lists_fields_does_not_matter(tmp_path, row):
    for action, is_added in (("A", True), ("D", False), ("add", True), ("Delete", False)):
        found, reading = _changes(tmp_path / "changes.txt", "AreaCode,Number,Date,Action\n" + row.format(action) + "\n")
        assert found == {A: (is_added, DAY)}
        assert (reading.rows, reading.rejected) == (1, 0)


def test_the_last_change_counts_and_a_doubt_is_an_addition(tmp_path):
    found, _ = _changes(
        tmp_path / "changes.txt",
        "202,5550100,2026-11-20,D\n202,5550100,2026-11-19,A\n"
        "202,5550101,2026-11-20,A\n202,5550101,2026-11-20,D\n"
        "312,5550102,D\n312,5550102,2026-11-18,A\n",
    )
    assert found == {A: (False, DAY), B: (True, DAY), C: (False, None)}


def test_changes_may_be_tagged(tmp_path):
    found, reading = _changes(
        tmp_path / "changes.xml",
        '<list type="change"><ac val="202">\n<ph val="5550100" type="A" date="2026-11-20"/>\n'
        '<ph val="5550101" type="D" date="2026-11-20"/>\n<ph val="5550102"/></ac></list>',
    )
    assert found == {A: (True, DAY), B: (False, DAY)}
    assert [str(one).split(": ")[0] for one in reading.faults] == ["changes.xml, line 4"]


def test_rows_that_are_no_change_are_told_by_line(tmp_path):
    found, reading = _changes(
        tmp_path / "changes.txt",
        "202,5550100,2026-11-20,A\n202,5550101,2026-13-40,A\n202,5550101\n202,55501,2026-11-20,D\n202,5550101,A,D\n",
    )
    assert [*found] == [A]
    assert (reading.rows, reading.rejected) == (5, 4)
    assert sorted(one.line for one in reading.faults) == [2, 3, 4, 5]


def test_a_full_list_is_no_change_list_and_the_other_way_round(tmp_path):
    with pytest.raises(InvalidInput, match="without --change"):
        _changes(tmp_path / "list.txt", "2025550100\n2025550101\n")
    found, reading = _full(tmp_path / "changes.txt", "202,5550100,2026-11-20,A\n202,5550101,2026-11-20,D\n")
    assert found == []
    assert reading.rejected == 2


@given(changes=st.lists(st.tuples(numbers, st.booleans(), st.dates(dt.date(2003, 1, 1), DAY)), min_size=1, max_size=30))
def test_changes_as_written_are_changes_as_read(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("changes") / "changes.txt"
    lines = [f"{str(n)[:3]},{str(n)[3:]},{day},{'A' if added else 'D'}" for n, added, day in changes]
    found, _ = _changes(path, "\n".join(lines))
    expected = {}
    for number, added, day in sorted(changes, key=lambda one: (one[0], one[2], one[1])):
        expected[number] = (added, day)
    assert found == expected
    assert pl.Series([*found]).is_sorted()
