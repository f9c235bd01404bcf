"""What a county file is called when nobody says: its source, and the mapping that lies beside it."""

import re
from pathlib import Path

_ARCHIVE_AND_KIND = re.compile(r"\.(?:csv|tsv|txt|xlsx?|xlsb|ods|parquet|gz)$", re.IGNORECASE)
_DATES = re.compile(r"\d+")


def source_name(path: str | Path) -> str:
    """The file's name without kind and dates, in snake case: `rolling_2019-11_2020-10.xlsx` is `rolling`.

    Without dates, so that next month's file of the same county continues the same source.
    """
    stem = Path(path).name
    while (shorter := _ARCHIVE_AND_KIND.sub("", stem)) != stem:
        stem = shorter
    words = re.sub(r"[^a-z]+", "_", _DATES.sub(" ", stem.lower())).strip("_")
    return words or "county_file"


def find_mapping(path: str | Path) -> Path | None:
    """The mapping for a file: `<file name without kind>.yaml` beside it, else `mapping.yaml` in its folder."""
    path = Path(path)
    stem = path.name
    while (shorter := _ARCHIVE_AND_KIND.sub("", stem)) != stem:
        stem = shorter
    beside = (path.with_name(f"{stem}.yaml"), path.with_name("mapping.yaml"))
    return next((candidate for candidate in beside if candidate.is_file()), None)
