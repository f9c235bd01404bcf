"""One county's published table: where it lies, what its columns are, how it is cut by ZIP, how often it changes.

Here: the model, its YAML form, every fault of a file at once. Not here: asking the table (`socrata`, `arcgis`,
`carto`), its rows (`county_rows`).
"""

from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.source_rows.mapping import ColumnRule, Mapping, did_you_mean, mapping_faults

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
COUNTIES = Path(__file__).with_name("counties")
GUIDE = "docs/open_data.md tells what a county's file holds; `leadflow source test` proves it."
NAME_PREFIX = "county_"
"""Begins every county source's name, so that the ledger tells them from vendors and one line prices them all."""

Platform = Literal["socrata", "arcgis", "carto"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Fips = Annotated[str, StringConstraints(pattern=r"^\d{5}$")]
State = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class ZipFilter(BaseModel):
    """How the rows of a ZIP are asked for.

    match: `exact` where the column holds five digits, `prefix` where it may hold ZIP+4, `city` where the table has no
    ZIP: then the rows of the ZIP's whole postal city are asked for, once for all its ZIPs. is_number: the platform
    holds the ZIP as a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: ColumnName
    match: Literal["exact", "prefix", "city"] = "exact"
    is_number: bool = False


class CountySource(BaseModel):
    """One table. `row_id` is the column that tells its rows apart and by which pages are ordered.

    columns: what of a source row is made of which columns, as in a county file's mapping. where: a condition in the
    platform's own SQL that holds for every wanted row, such as the year of the roll. confirmed_by: where endpoint and
    columns were seen; a source that nobody could ask yet says `confirmed: false`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=rf"^{NAME_PREFIX}[a-z0-9_]{{2,40}}$")]
    title: Text
    platform: Platform
    endpoint: AnyHttpUrl
    table: ColumnName | None = None
    county_fips: tuple[Fips, ...] = Field(min_length=1)
    state: State
    city: Text | None = None
    coverage: Text
    row_id: Annotated[str, StringConstraints(pattern=r"^(:id|[A-Za-z_][A-Za-z0-9_]*)$")]
    zip_filter: ZipFilter
    where: Text | None = None
    page_rows: int = Field(1000, ge=1, le=50_000)
    refresh_days: int = Field(ge=1, le=366)
    terms: Text
    terms_url: AnyHttpUrl
    attribution: Text
    confirmed: bool
    confirmed_by: Text
    columns: dict[str, ColumnRule]

    @field_validator("endpoint")
    @classmethod
    def _without_query(cls, value: AnyHttpUrl) -> AnyHttpUrl:
        if value.query:
            raise ValueError("must be the table's address without a query")
        return value

    @property
    def mapping(self) -> Mapping:
        """The columns as the mapping of a county file, with what holds for every row."""
        own_county = self.county_fips[0] if len(self.county_fips) == 1 else None
        return Mapping(county_fips=own_county, state=self.state, city=self.city, columns=self.columns)

    @property
    def mapped_columns(self) -> tuple[str, ...]:
        """The table's columns that source rows are made of, each once."""
        return tuple(dict.fromkeys(name for rule in self.columns.values() for name in rule.columns))

    @property
    def wanted_columns(self) -> tuple[str, ...]:
        """The columns to ask for: the mapped ones, the ZIP's and the row's own."""
        return tuple(dict.fromkeys((self.row_id, self.zip_filter.column, *self.mapped_columns)))


def load_county_source(path: Path) -> CountySource:
    """Reads one file. Raises InvalidInput naming the file and everything that is wrong in it, key by key."""
    source, faults = _read(path)
    if source is None or faults:
        raise InvalidInput("\n".join(faults), remedy=GUIDE)
    return source


@cache
def load_county_sources(own: Path | None = None) -> dict[str, CountySource]:
    """Every county there is, by name: those shipped, and those of the folder `own`, which win.

    Raises InvalidInput naming every fault of every file at once.
    """
    sources: dict[str, CountySource] = {}
    faults: list[str] = []
    for path in [*sorted(COUNTIES.glob("*.yaml")), *(sorted(own.glob("*.yaml")) if own else ())]:
        source, wrong = _read(path)
        faults += wrong
        if source is not None:
            sources[source.name] = source
    if faults:
        raise InvalidInput("\n".join(faults), remedy=GUIDE)
    return sources


def covering(sources: Iterable[CountySource], county_fips: str | None) -> list[CountySource]:
    """The sources whose table holds a county."""
    return [source for source in sources if county_fips in source.county_fips]


def _read(path: Path) -> tuple[CountySource | None, list[str]]:
    """The source, or every fault of its file, a line each that begins with the file's name."""
    try:
        # Only strings, lists and mappings: a FIPS code of 06037 stays text, NO is no boolean.
        body = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        return None, [f"{path.name}: cannot be read: {error}."]
    except yaml.YAMLError as error:
        return None, [f"{path.name}: is not YAML: {' '.join(str(error).split())}."]
    if not isinstance(body, dict):
        return None, [f"{path.name}: holds no keys."]
    faults = _key_faults(body)
    source = None
    try:
        source = CountySource.model_validate(body)
    except ValidationError as error:
        faults += [
            f"{_place(fault['loc'])}: {str(fault['msg']).removeprefix('Value error, ')}"
            for fault in error.errors()
            if fault["type"] != "extra_forbidden"
        ]
    faults += _mapping_faults(body.get("columns"))
    if source is not None and source.platform == "carto" and source.table is None:
        faults.append("table: CARTO needs the table's name.")
    return (None if faults else source), [f"{path.name}: {fault}" for fault in faults]


def _key_faults(body: dict[str, Any]) -> list[str]:
    known = {"": CountySource.model_fields, "zip_filter.": ZipFilter.model_fields}
    parts = {"": body, "zip_filter.": body.get("zip_filter")}
    return [
        f"{prefix}{key}: no such key.{did_you_mean(str(key), tuple(known[prefix]))}"
        for prefix, part in parts.items()
        if isinstance(part, dict)
        for key in part
        if key not in known[prefix]
    ]


def _mapping_faults(columns: Any) -> list[str]:
    try:
        mapping = Mapping.model_validate({"columns": columns})
    except ValidationError:
        return []  # the model of the whole file has said so already
    return [f"columns: {fault.removeprefix('columns: ')}" for fault in mapping_faults(mapping, None)]


def _place(location: Collection[int | str]) -> str:
    return ".".join(str(part) for part in location) or "the file"
