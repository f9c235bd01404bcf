"""Fields of a vendor's JSON as columns, whatever the case of their keys.

DuckDB reads each document once for all fields: 50,000 properties and 60 fields in 0.5 s on two cores, where
parsing them one by one in Python took 2.4 s. Not here: what a field means (`attom_rows`).
"""

import re
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

OPTIONS: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
BATCH = 2_048
"""Documents in a batch of DuckDB's; each core takes one at a time, so that one large batch would keep one busy."""
SCALARS = ["VARCHAR", "BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"]
ROOT = "$"
INDEX = re.compile(r"\[\d+\]$")
KEYS = "select any_value(keys) from (select json_keys(document, $paths) as keys from {documents}) group by hash(keys)"
"""Grouped by a hash of 64 bits: telling lists of lists apart took twice as long."""
SAID = "select json_extract_string(document, $paths) as said from documents"
KIND = "select json_type(document, $paths) as kind from documents"
FLAGS = ["true", "false"]
OPENINGS = ["{", "["]
"""What true and false, and the first letters of objects and lists, look like as text. A text may look so too: then its
kind is asked for."""
SAMPLE = 512
"""Documents that are read first, to learn most spellings before all are read."""


def pick_fields(documents: pl.Series, paths: Collection[str], *, flags: Collection[str] = ()) -> pl.DataFrame:
    """A column of text for each path, a row for each document: null where no text and no number stands there.

    documents: JSON objects as text. paths: keys in lower case, joined by dots, `key[0]` for the first of a list;
    where a document spells a key in several ways, the first in alphabetical order that holds something wins.
    flags: those of the paths at which true and false count too.
    """
    with duckdb.connect(config=OPTIONS) as duck:
        duck.register("documents", _in_batches(documents))
        spelled = _spellings(duck, paths)
        wanted = [spelling for spellings in spelled.values() for spelling in spellings]
        if not wanted:
            return pl.DataFrame(schema=dict.fromkeys(paths, pl.String)).clear(documents.len())
        said = _read(duck, SAID, wanted)
        doubtful = said.select((pl.all().str.head(1).is_in(OPENINGS) | pl.all().is_in(FLAGS)).any())
        unsure = [name for name in wanted if doubtful[name].item()]
        kind = _read(duck, KIND, unsure) if unsure else pl.DataFrame()
    flagged = {spelling for path in flags for spelling in spelled.get(path, ())}
    scalars = said.with_columns(
        pl.when(kind[name].is_in([*SCALARS, "BOOLEAN"] if name in flagged else SCALARS)).then(pl.col(name)).alias(name)
        for name in unsure
    )
    return scalars.select(pl.coalesce(spelled.get(path) or pl.lit(None, pl.String)).alias(path) for path in paths)


def _read(duck: duckdb.DuckDBPyConnection, query: str, paths: list[str]) -> pl.DataFrame:
    """What stands at each of the paths, a column each."""
    found = pl.DataFrame(duck.sql(query, params={"paths": paths}).to_arrow_table())
    return found.to_series().list.to_struct(fields=paths).struct.unnest()


def _in_batches(documents: pl.Series) -> pa.Table:
    table = documents.alias("document").to_frame().to_arrow()
    return pa.Table.from_batches(table.combine_chunks().to_batches(max_chunksize=BATCH), schema=table.schema)


def _spellings(duck: duckdb.DuckDBPyConnection, paths: Collection[str]) -> dict[str, list[str]]:
    """The JSON paths at which the documents hold each path, objects on the way included.

    One look tells the keys of the objects known so far. A sample is looked through level by level; all documents
    then once, and again only where they hold an object that the sample does not.
    """
    on_the_way = {path[:end] for path in paths for end in range(len(path)) if path[end] == "."}
    named: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in on_the_way | set(paths):
        index = INDEX.search(path)
        named[INDEX.sub("", path)].append((path, index.group() if index else ""))
    known: dict[str, str] = {ROOT: ""}
    for documents in (f"(from documents limit {SAMPLE})", "documents"):
        while True:
            rows = duck.execute(KEYS.format(documents=documents), {"paths": [*known]}).fetchall()
            spelled = _named_keys(rows, known, named)
            objects = {spelling: path for path in sorted(on_the_way) for spelling in spelled.get(path, ())}
            if objects.keys() <= known.keys():
                break
            known |= objects
    return spelled


def _named_keys(
    rows: list[tuple[list[list[str] | None]]], objects: dict[str, str], named: dict[str, list[tuple[str, str]]]
) -> dict[str, list[str]]:
    """The spellings of each named path among the keys of these objects, given the keys that documents have there."""
    spelled: dict[str, list[str]] = {}
    for place, (spelling, path) in enumerate(objects.items()):
        for key in sorted({key for (keys,) in rows for key in keys[place] or ()}):
            if "." in key:
                continue
            for child, index in named.get(f"{path}.{key.lower()}".removeprefix("."), ()):
                spelled.setdefault(child, []).append(f'{spelling}."{key}"{index}')
    return spelled
