"""A mapping: which column of a table is what. Here: the model, its YAML form and its faults.

Not here: guessing one (`propose_mapping`), using one (`map_columns`).
"""

import difflib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.source_rows.targets import TARGETS, TRANSFORMS
from leadflow_pipelines.source_rows.transforms import STATE_CODES

_GUIDE = "docs/county_files.md tells how to write a mapping."


class ColumnRule(BaseModel):
    """How one target is made: which columns, joined by what, through which transform.

    pad: digits to which each column is zero-filled before joining. day_first: how to read 4/5/2019; left out, the
    column's own values decide.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...]
    transform: str | None = None
    join: str = " "
    pad: tuple[int, ...] | None = None
    day_first: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"columns": (value,)}
        if isinstance(value, list | tuple):
            return {"columns": tuple(value)}
        if isinstance(value, dict) and "column" in value and "columns" not in value:
            rest = {key: item for key, item in value.items() if key != "column"}
            return {"columns": (value["column"],), **rest}
        return value

    @field_validator("columns", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("columns")
    @classmethod
    def _folded(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(name.strip() for name in value):
            raise ValueError("names no column")
        return tuple(" ".join(name.split()) for name in value)

    def short(self) -> Any:
        """The rule in its shortest YAML form."""
        given = self.model_dump(exclude_defaults=True)
        if set(given) == {"columns"} and len(self.columns) == 1:
            return self.columns[0]
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
        if len(self.columns) == 1:
            return {"column": self.columns[0], **{k: v for k, v in plain.items() if k != "columns"}}
        return plain["columns"] if set(plain) == {"columns"} else plain


class Mapping(BaseModel):
    """What the columns of one source's files mean, and what holds for each of its rows.

    county_fips, state, city and observed_at fill rows that say nothing themselves; list_code puts every row on
    that list.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    county_fips: str | None = None
    state: str | None = None
    city: str | None = None
    list_code: str | None = None
    observed_at: date | None = None
    columns: dict[str, ColumnRule]

    @field_validator("county_fips")
    @classmethod
    def _five_digits(cls, value: str | None) -> str | None:
        if value is not None and not (len(value) == 5 and value.isdigit()):
            raise ValueError("must be the five digits of a county, e.g. 47037")
        return value

    @field_validator("state")
    @classmethod
    def _known_state(cls, value: str | None) -> str | None:
        if value is not None and value.upper() not in STATE_CODES:
            raise ValueError("must be a two-letter state code, e.g. TN")
        return value.upper() if value else None

    def to_yaml(self) -> str:
        """The mapping as YAML that `parse_mapping` reads back equal."""
        constants = self.model_dump(mode="json", exclude_none=True, exclude={"columns"})
        body = {**constants, "columns": {target: rule.short() for target, rule in self.columns.items()}}
        return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=110)


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping file. Raises InvalidInput naming the file and everything that is wrong in it."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The mapping {path} cannot be read: {error}.", remedy="Check the path.") from error
    return parse_mapping(text, path.name)


def parse_mapping(text: str, name: str = "The mapping") -> Mapping:
    """Read a mapping from YAML text. Raises InvalidInput listing every fault of form."""
    try:
        # BaseLoader builds only strings, lists and dicts: FIPS 01001 stays text, NO is no boolean.
        body = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise InvalidInput(f"{name} is not YAML: {error}.", remedy=_GUIDE) from error
    if not isinstance(body, dict):
        raise InvalidInput(f"{name} holds no `columns:`.", remedy=_GUIDE)
    try:
        return Mapping.model_validate({key: value for key, value in body.items() if value not in ("", "null")})
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'])}: {str(fault['msg']).removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise InvalidInput(_listing(f"{name} is not valid", faults), remedy=_GUIDE) from error


def check_mapping(mapping: Mapping, columns: Sequence[str], file_name: str) -> None:
    """Raise one InvalidInput with every fault: unknown targets and transforms, absent columns, wrong options."""
    if faults := mapping_faults(mapping, columns):
        raise InvalidInput(_listing(f"The mapping does not fit {file_name}", faults), remedy=_GUIDE)


def mapping_faults(mapping: Mapping, columns: Sequence[str] | None) -> list[str]:
    """Every fault of a mapping, a line each; without `columns` those of the mapping itself."""
    faults = [fault for target, rule in mapping.columns.items() for fault in _rule_faults(target, rule, columns)]
    if not mapping.columns:
        faults.append("columns: maps nothing.")
    elif not {"address", "street", "parcel_number"} & set(mapping.columns):
        faults.append("columns: an address, street or parcel_number is needed, or no row has an identity.")
    return faults


def _rule_faults(target: str, rule: ColumnRule, columns: Sequence[str] | None) -> list[str]:
    faults = []
    known = TARGETS.get(target)
    if known is None:
        faults.append(f"{target}: no such target.{did_you_mean(target, tuple(TARGETS))}")
    elif rule.transform is not None and rule.transform not in TRANSFORMS:
        faults.append(f"{target}: no transform {rule.transform!r}.{did_you_mean(rule.transform, TRANSFORMS)}")
    elif rule.transform is not None and rule.transform not in known.transforms:
        faults.append(f"{target}: takes {' or '.join(known.transforms)}, not {rule.transform!r}.")
    faults += [
        f"{target}: {column!r} is not a column of the file.{did_you_mean(column, columns)}"
        for column in rule.columns
        if columns is not None and column not in columns
    ]
    if rule.pad is not None and len(rule.pad) != len(rule.columns):
        faults.append(f"{target}: pad has {len(rule.pad)} numbers for {len(rule.columns)} columns.")
    single = ("number", "acres", "money", "cents", "flag", "inverted_flag", "list_code")
    if known and (rule.transform or known.transforms[0]) in single and len(rule.columns) > 1:
        faults.append(f"{target}: takes one column, not {len(rule.columns)}.")
    if rule.transform == "full_half" and len(rule.columns) != 2:
        faults.append(f"{target}: full_half takes two columns, full baths and half baths.")
    return faults


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The known names nearest to one that is not known, as the end of a sentence; "" where none is near."""
    by_folded = {item.lower(): item for item in known}
    close = difflib.get_close_matches(name.lower(), list(by_folded), n=2, cutoff=0.5)
    return f" Did you mean {' or '.join(repr(by_folded[item]) for item in close)}?" if close else ""


def _listing(title: str, faults: Sequence[str]) -> str:
    return f"{title}:\n" + "\n".join(f"  - {fault}" for fault in faults) + "\n"
