"""XML-tagged lists. Their schema is not published; what is read is what public readers tell of it:

`<list type="full"><ac val="202"><ph val="5550100"/>…`, in change lists with an action (A or D) and a date among the
attributes of `ph`. A number may also stand as text, and be ten digits. Tags are split and read as columns.
"""

from collections.abc import Iterator

import polars as pl

from leadflow_pipelines.compliance.do_not_call.list_files import FEWEST, Chunk, ListFile, Reading
from leadflow_pipelines.errors import InvalidInput

TAG = r"^(/?[A-Za-z_][\w:.-]*)"
AREA_TAGS = ["ac", "areacode", "area_code", "npa"]
PHONE_TAGS = ["ph", "phone", "phonenumber", "phone_number", "number", "tn"]
VALUE = r"""(?i)\b(?:val|value|number|code|id)\s*=\s*["']([^"']*)["']"""
TEXT = r">\s*([^<>]*?)\s*$"
ACTION = r"""(?i)\b(?:type|action|change|op|status)\s*=\s*["']\s*([A-Za-z]+)\s*["']"""
DATE = r"""(?i)\b(?:date|dt|ts|timestamp|changed)\s*=\s*["']([^"']*)["']"""
COLUMNS: dict[str, type[pl.DataType]] = {"line": pl.Int64, "number": pl.Int64, "action": pl.String, "date": pl.String}


def tagged_numbers(file: ListFile, reading: Reading) -> Iterator[pl.DataFrame]:
    """Batches of line, number, action and date (null where a tag has none) of each number's tag.

    Raises InvalidInput where the file ends before its first tag is closed: a cut-off list would miss numbers.
    """
    area: str | None = None
    root: str | None = None
    last = ""
    for chunk in file.chunks(cut_at=b"<"):
        tags = _tags(chunk)
        if tags.is_empty():
            continue
        names: list[str] = tags["tag"].drop_nulls().to_list()
        root = root or next(iter(names), None)
        last = next(reversed(names), last)
        tags = tags.with_columns(
            pl.when(pl.col("tag").is_in(AREA_TAGS)).then("value").forward_fill().fill_null(pl.lit(area)).alias("area")
        )
        area = tags["area"].to_list()[-1]
        yield _numbers(tags.filter(pl.col("tag").is_in(PHONE_TAGS)), file.name, reading)
    if root is None or last != f"/{root}":
        raise InvalidInput(
            f"{file.name} ends before its first tag is closed.", remedy="It is cut off: download it again."
        )


def _tags(chunk: Chunk) -> pl.DataFrame:
    """Each tag with its line, name in lower case, and the value in an attribute or in the text behind it."""
    said = pl.Series("said", chunk.data.decode("latin-1").split("<"))
    tags = said.to_frame().with_columns(
        line=chunk.first_line
        + (pl.col("said").str.count_matches("\n", literal=True).cum_sum().shift(1, fill_value=0)).cast(pl.Int64),
        tag=pl.col("said").str.extract(TAG).str.to_lowercase(),
    )
    value = pl.coalesce(pl.col("said").str.extract(VALUE), pl.col("said").str.extract(TEXT))
    return tags.with_columns(value=value.str.replace_all(r"[\s().-]", ""))


def _numbers(tags: pl.DataFrame, file: str, reading: Reading) -> pl.DataFrame:
    digits = pl.col("value")
    whole = (
        pl.when(digits.str.contains(r"^\d{7}$") & pl.col("area").str.contains(r"^\d{3}$"))
        .then(pl.concat_str("area", "value"))
        .when(digits.str.contains(r"^\d{10}$"))
        .then(digits)
    )
    read = tags.select(
        "line",
        number=whole.cast(pl.Int64),
        action=pl.col("said").str.extract(ACTION).str.to_uppercase(),
        date=pl.col("said").str.extract(DATE),
    )
    is_good = (pl.col("number") >= FEWEST).fill_null(False)
    reading.rows += read.height
    lines = read.filter(~is_good)["line"].to_list()
    reading.reject(file, lines, "the tag does not hold an area code and the seven digits of a number")
    return read.filter(is_good)
