"""Reading county files: every data row is either read or set aside with its reason, whatever the layout."""

import gzip
import json
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from leadflow_pipelines.county_files import CountyFile, read_county_file
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.settings import get_settings

HEADER = "parcel,address,owner,price"
ROWS = (
    "10-1,12 OAK DR,ADA EXAMPLE,100",
    '10-2,"14 OAK DR, UNIT 2","EXAMPLE, BO",200',
    "10-3,16 OAK DR,CY EXAMPLE,300",
)


def _write(folder: Path, text: str | bytes, name: str = "county.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _read(folder: Path, text: str | bytes, name: str = "county.csv") -> CountyFile:
    return read_county_file(_write(folder, text, name))


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def _reasons(file: CountyFile) -> list[tuple[int, int, str]]:
    return file.rejected.select("row_number", "file_line", "reason_code").rows()


def test_a_plain_csv_is_read_as_text_with_numbered_rows(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, *ROWS))
    assert file.columns == ("parcel", "address", "owner", "price")
    assert file.frame["row_number"].to_list() == [1, 2, 3]
    assert file.frame["file_line"].to_list() == [2, 3, 4]
    assert file.frame["address"][1] == "14 OAK DR, UNIT 2"
    assert set(file.frame.schema.values()) == {pl.Int64, pl.String}
    assert (file.header_row, file.rows_in, file.rejected.height) == (1, 3, 0)


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (("parcel", "address", "price"), ("1-1", "12 OAK DR, APT 1", "1,200"))]
    file = _read(tmp_path, _lines(*lines))
    assert file.frame.rows()[0][2:] == ("1-1", "12 OAK DR, APT 1", "1,200")


def test_a_gzipped_file_is_named_by_the_hash_of_its_own_bytes(tmp_path: Path) -> None:
    plain = _read(tmp_path, _lines(HEADER, *ROWS))
    packed = _read(tmp_path, gzip.compress(_lines(HEADER, *ROWS).encode()), "county.csv.gz")
    assert packed.frame.equals(plain.frame)
    assert packed.sha256 != plain.sha256


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_encodings_are_told_apart(tmp_path: Path, encoding: str) -> None:
    text = _lines(HEADER, "10-1,1 CAÑADA CT,ZOË EXAMPLE,100", *ROWS * 5)
    file = _read(tmp_path, text.encode(encoding))
    assert file.columns[0] == "parcel"
    assert file.frame.row(0)[2:] == ("10-1", "1 CAÑADA CT", "ZOË EXAMPLE", "100")
    assert file.rows_in == 16


def test_one_foreign_byte_does_not_garble_the_other_accents(tmp_path: Path) -> None:
    data = _lines(HEADER, "10-1,1 CAÑADA CT,A,1").encode() + b"10-2,2 PE\xd1A CT,B,2\n"
    file = _read(tmp_path, data)
    assert file.frame["address"].to_list() == ["1 CAÑADA CT", "2 PEÑA CT"]
    assert any("Windows-1252" in note for note in file.notes)


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(tmp_path: Path, line_end: str) -> None:
    file = _read(tmp_path, line_end.join((HEADER, *ROWS)) + line_end)
    assert file.frame["price"].to_list() == ["100", "200", "300"]


def test_preamble_blank_lines_and_footers_are_not_mistaken_for_rows(tmp_path: Path) -> None:
    text = _lines(
        "Example County Assessor",
        "Sales, all districts",
        "",
        HEADER,
        *ROWS,
        "",
        ",,,",
        "Total,,,600",
        "Source: example",
    )
    file = _read(tmp_path, text)
    assert file.header_row == 4
    assert file.frame["parcel"].to_list() == ["10-1", "10-2", "10-3"]
    assert [(row, code) for row, _, code in _reasons(file)] == [(4, "footer"), (5, "footer")]
    assert file.rows_in == 5


def test_a_last_row_with_only_a_parcel_number_is_a_row(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, *ROWS, "10-4,,,", "Prepared by the example office,,,"))
    assert file.frame["parcel"].to_list()[-1] == "10-4"
    assert [code for *_, code in _reasons(file)] == ["footer"]


def test_a_header_repeated_at_page_breaks_is_set_aside(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, ROWS[0], HEADER, ROWS[2]))
    assert file.frame["row_number"].to_list() == [1, 3]
    assert _reasons(file) == [(2, 3, "repeated_header")]


def test_header_cells_are_folded_and_told_apart(tmp_path: Path) -> None:
    text = 'parcel ,"SALE\nPRICE",Name,Name,,row_number\n1-1,5,A,B,x,7\n1-2,6,C,D,y,8\n'
    file = _read(tmp_path, text)
    assert file.columns == ("parcel", "SALE PRICE", "Name", "Name_2", "column_5", "row_number_2")
    assert file.frame["row_number"].to_list() == [1, 2]


def test_ragged_lines_are_set_aside_and_their_neighbours_survive(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, ROWS[0], "10-9,9 OAK DR,DI,EXAMPLE,JR,900", "10-8,8 OAK DR", ROWS[2]))
    assert file.frame["parcel"].to_list() == ["10-1", "10-3"]
    assert _reasons(file) == [(2, 3, "too_many_fields"), (3, 4, "too_few_fields")]
    assert json.loads(file.rejected["raw_row"][0])["line"] == "10-9,9 OAK DR,DI,EXAMPLE,JR,900"
    assert file.rows_in == 4


def test_quoted_cells_may_hold_line_breaks_quotes_and_delimiters(tmp_path: Path) -> None:
    text = _lines(HEADER, '10-1,"12 OAK DR\nREAR, LOT ""B""",A,1', '10-2,14 OAK DR,"B\n\nC",2', ROWS[2])
    file = _read(tmp_path, text)
    assert file.frame["address"].to_list()[0] == '12 OAK DR\nREAR, LOT "B"'
    assert file.frame["price"].to_list() == ["1", "2", "300"]
    assert file.frame["file_line"].to_list() == [2, 4, 7]


@pytest.mark.parametrize(
    ("opening", "between", "codes"),
    [
        ('21-1,"1 ELM ST,A,1', 0, []),
        ('21-1,"1 ELM ST,A,1', 15, []),
        ('21-1,"1 ELM ST, REAR,A,1', 15, ["stray_quote"]),
    ],
)
def test_stray_quotes_swallow_no_row_even_where_two_would_pair(
    tmp_path: Path, opening: str, between: int, codes: list[str]
) -> None:
    clean = [f"20-{i},{i} ELM ST,OWNER {i},{i}" for i in range(1, 40)]
    broken = [*clean[:5], opening, *clean[5 : 5 + between], '21-2,2 ELM ST",B,2', *clean[5 + between :]]
    file = _read(tmp_path, _lines(HEADER, *broken))
    assert set(file.frame["parcel"]) - {"21-1"} == {"21-2", *(line.split(",")[0] for line in clean)}
    assert [code for *_, code in _reasons(file)] == codes
    assert file.rows_in == 41


def test_an_open_quote_that_hides_a_delimiter_is_rejected_alone(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, ROWS[0], '10-5,"18 OAK DR, UNIT 3,EXAMPLE,500', ROWS[2]))
    assert _reasons(file) == [(2, 3, "stray_quote")]
    assert file.frame["parcel"].to_list() == ["10-1", "10-3"]


def test_inch_marks_and_blanks_before_quotes_are_read(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, '10-1,12 OAK DR,5" PIPE CO,1', '10-2, "14 OAK DR, REAR", B,2', ROWS[2]))
    assert file.frame["owner"].to_list()[0] == '5" PIPE CO'
    assert file.frame["address"].to_list()[1] == "14 OAK DR, REAR"


def test_a_delimiter_at_the_end_of_every_row_is_no_column(tmp_path: Path) -> None:
    file = _read(tmp_path, _lines(HEADER, *(f"{row}," for row in ROWS)))
    assert file.columns == ("parcel", "address", "owner", "price")
    assert file.frame.height == 3


def test_a_file_of_one_column(tmp_path: Path) -> None:
    assert _read(tmp_path, "Parcel Number\n10-1\n10-2\n").frame["Parcel Number"].to_list() == ["10-1", "10-2"]


def test_a_hundred_thousand_rows_with_broken_ones_are_all_accounted_for(tmp_path: Path) -> None:
    lines = [f'{i},"{i} OAK DR, EXAMPLE",OWNER {i},{i}' if i % 100 else f"{i},broken" for i in range(1, 100_001)]
    file = _read(tmp_path, _lines(HEADER, *lines))
    assert (file.frame.height, file.rejected.height) == (99_000, 1_000)
    assert file.rejected["row_number"].to_list() == list(range(100, 100_001, 100))
    assert file.frame.filter(pl.col("row_number") == 777)["parcel"].to_list() == ["777"]


def _workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_from_its_fullest_sheet_below_the_preamble(tmp_path: Path) -> None:
    table: list[list[object]] = [
        [],
        ["Example County"],
        ["PARCEL\n", "ADDRESS", "SALE DATE", "PRICE"],
        ["1-1", "12 OAK DR", date(2019, 4, 5), 1234.5],
        [None, None, None, None],
        [102, "14 OAK DR", None, 0],
        ["Total", None, None, 1234.5],
    ]
    path = _workbook(tmp_path / "county.xlsx", {"About": [["Read me"]], "Sales": table})
    file = read_county_file(path)
    assert file.header_row == 3
    assert file.columns == ("PARCEL", "ADDRESS", "SALE DATE", "PRICE")
    assert file.frame.rows() == [
        (1, 4, "1-1", "12 OAK DR", "2019-04-05 00:00:00", "1234.5"),
        (2, 6, "102", "14 OAK DR", None, "0"),
    ]
    assert _reasons(file) == [(3, 7, "footer")]
    assert any("'About'" in note for note in file.notes)


def test_a_parquet_file_is_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "county.parquet"
    pl.DataFrame(
        {"parcel": [1, 2, None], "sold": [date(2020, 1, 2), None, None], "shape": [b"x", b"y", None]}
    ).write_parquet(path)
    file = read_county_file(path)
    assert file.columns == ("parcel", "sold")
    assert file.frame.rows() == [(1, 1, "1", "2020-01-02"), (2, 2, "2", None)]
    assert any("shape" in note for note in file.notes)


def _truncated_workbook(folder: Path) -> bytes:
    path = _workbook(folder / "whole.xlsx", {"S": [["parcel", "address"], *[[str(i), "OAK"] for i in range(500)]]})
    return path.read_bytes()[:4000]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b" \n\n \n", "is empty"),
        ("header.csv", HEADER.encode(), "no rows below"),
        ("no_header.csv", b"1,2,3\n4,5,6\n7,8,9\n", "no header row"),
        ("rows_only.csv", ("\n".join(ROWS)).encode(), "no header row"),
        ("values_only.csv", b"12 OAK DR,3 beds,1A\n14 OAK DR,2 beds,1B\n", "no header row"),
        ("random.csv", bytes(range(256)) * 40, "not a text table"),
        ("page.xls", b"<!DOCTYPE html><html><table><tr><td>x</td></tr></table></html>", "web page"),
        ("scan.pdf", b"%PDF-1.7 ...", "a PDF"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" * 5000, mtime=0)[:40], "truncated gzip"),
        ("cut.parquet", b"PAR1" + b"\x00" * 50, "truncated Parquet"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_remedy(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        _read(tmp_path, content, name)
    assert name in str(caught.value)
    assert caught.value.remedy


def test_a_truncated_workbook_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="truncated"):
        _read(tmp_path, _truncated_workbook(tmp_path), "cut.xlsx")
    with pytest.raises(InvalidInput, match="no file"):
        read_county_file(tmp_path / "absent.csv")
    with pytest.raises(InvalidInput, match="folder"):
        read_county_file(tmp_path)


REAL_FILES = {
    "nashville/sales_2013_2016.csv": 56_477,
    "nashville/investor_parcels.csv.gz": 66_871,
    "nashville/tax_delinquent_2026-04-27.csv": 418,
    "queens/annual_2019.xlsx": 26_421,
    "queens/rolling_2019-11_2020-10.xlsx": 20_265,
}


@pytest.mark.accuracy
@pytest.mark.parametrize(("name", "rows"), REAL_FILES.items())
def test_every_row_of_the_real_files_is_read(name: str, rows: int) -> None:
    folder = get_settings().test_data
    if folder is None:
        pytest.skip("LEADFLOW_TEST_DATA is not set")
    file = read_county_file(folder / name)
    assert (file.rows_in, file.rejected.height) == (rows, 0)
