"""What the contracts say, written where people and dbt read it.

Here: the data dictionary, dbt's sources and the marts' columns, types and tests. `python -m
leadflow_pipelines.contracts` writes them; a test holds the written files to the contracts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandera.polars as pa
import yaml

from leadflow_pipelines.contracts import LAKE_TABLES, MARTS, RAW_PULLS
from leadflow_pipelines.contracts.contract import Contract
from leadflow_pipelines.contracts.evidence import EVIDENCE_TABLES
from leadflow_pipelines.contracts.ledger import LEDGER_TABLES
from leadflow_pipelines.contracts.outreach import OUTREACH_TABLES
from leadflow_pipelines.contracts.policy import POLICY_TABLES
from leadflow_pipelines.contracts.sql_types import duckdb_type

ROOT = Path(__file__).resolve().parents[2]
_WRITTEN_BY = "Written by `make docs` from leadflow_pipelines/contracts; do not edit by hand."


def documents() -> dict[Path, str]:
    """Every generated file with its text."""
    dbt = ROOT / "dbt_like_models" / "models"
    return {
        ROOT / "docs" / "data_dictionary.md": data_dictionary(),
        dbt / "sources.yml": dbt_sources(),
        dbt / "marts" / "marts.yml": dbt_marts(),
    }


def data_dictionary() -> str:
    """The data dictionary: each table with its key, layout and columns, as Markdown."""
    sections = [
        ("The lake", "One folder per org, Delta unless stated otherwise.", (RAW_PULLS, *LAKE_TABLES)),
        ("The spend ledger, as marts read it", "Postgres schema `leadflow`.", LEDGER_TABLES),
        ("Evidence, as marts read it", "Gathered from the lake's tables for each build.", EVIDENCE_TABLES),
        ("Campaigns, as marts read them", "Counted in Postgres.", OUTREACH_TABLES),
        ("Rules, as marts read them", "Data files in the code.", POLICY_TABLES),
        ("The marts", "Parquet under `marts/` of the org's lake, and Postgres schema `marts`.", MARTS),
    ]
    lines = ["# Data dictionary", "", f"<!-- {_WRITTEN_BY} -->", ""]
    lines += ["Types are written as DuckDB spells them. A key identifies a row; personal columns are never logged.", ""]
    for title, text, tables in sections:
        lines += [f"## {title}", "", text, ""]
        lines += [f"- [{table.name}](#{table.name}): {table.text}" for table in tables]
        lines.append("")
        for table in tables:
            lines += _table_section(table)
    return "\n".join(lines).rstrip() + "\n"


def dbt_sources() -> str:
    """dbt's sources: the lake's tables and what stands beside them in the DuckDB file."""
    described = (
        ("lake", "The org's lake.", LAKE_TABLES),
        ("ledger", "The org's spend ledger.", LEDGER_TABLES),
        ("evidence", "What is gathered from the lake's tables for each build.", EVIDENCE_TABLES),
        ("outreach", "What the org's campaigns did, counted in Postgres.", OUTREACH_TABLES),
        ("policy", "Rules that are data files in the code.", POLICY_TABLES),
    )
    sources = [
        {
            "name": name,
            "schema": name,
            "description": text,
            "tables": [_dbt_table(table, with_types=False) for table in tables],
        }
        for name, text, tables in described
    ]
    return _yaml({"version": 2, "sources": sources})


def dbt_marts() -> str:
    """dbt's marts: columns with enforced types and null rules, and tests of keys and enumerations."""
    return _yaml({"version": 2, "models": [_dbt_mart(mart) for mart in MARTS]})


def write_documents() -> list[Path]:
    """Write every generated file; returns those whose text changed."""
    changed = []
    for path, text in documents().items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(path)
    return changed


def column_text(table: Contract, name: str) -> str:
    """A column's text with its unit, as dbt and Postgres show it."""
    unit = _unit(table, name)
    return f"{table.columns[name].description}{f' Unit: {unit}.' if unit else ''}"


def _unit(table: Contract, name: str) -> str | None:
    return (table.columns[name].metadata or {}).get("unit")


def _table_section(table: Contract) -> list[str]:
    layout = f" Partitioned by {', '.join(f'`{name}`' for name in table.partition_by)}." if table.partition_by else ""
    lines = [
        f"### {table.name}", "", f"{table.text}", "",
        f"Key: {', '.join(f'`{name}`' for name in table.key)}.{layout if table in LAKE_TABLES else ''}", "",
        "| column | type | unit | null | rule | meaning |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, column in table.columns.items():
        meaning = column.description + (" *Personal.*" if name in table.personal else "")
        cells = (
            f"`{name}`",
            duckdb_type(table.schema[name]),
            _unit(table, name) or "",
            "yes" if column.nullable else "no",
            "; ".join(_rule(check) for check in column.checks),
            meaning,
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "isin": lambda given: "one of " + ", ".join(map(str, given["allowed_values"])),
    "in_range": lambda given: f"{given['min_value']} to {given['max_value']}",
    "greater_than_or_equal_to": lambda given: f"≥ {given['min_value']}",
    "greater_than": lambda given: f"> {given['min_value']}",
    "less_than_or_equal_to": lambda given: f"≤ {given['max_value']}",
    "str_matches": lambda given: f"matches `{getattr(given['pattern'], 'pattern', given['pattern'])}`",
}


def _rule(check: pa.Check) -> str:
    return _RULES[str(check.name)](check.statistics or {})


def _dbt_table(table: Contract, *, with_types: bool) -> dict[str, Any]:
    columns = []
    for name, column in table.columns.items():
        unit = (column.metadata or {}).get("unit")
        entry: dict[str, Any] = {
            "name": name,
            "description": f"{column.description}{f' Unit: {unit}.' if unit else ''}",
        }
        if with_types:
            entry["data_type"] = duckdb_type(table.schema[name])
            if not column.nullable:
                entry["constraints"] = [{"type": "not_null"}]
            allowed = [check.statistics["allowed_values"] for check in column.checks if check.name == "isin"]
            if allowed:
                entry["data_tests"] = [{"accepted_values": {"arguments": {"values": list(allowed[0])}}}]
        columns.append(entry)
    return {"name": table.name, "description": table.text, "columns": columns}


def _dbt_mart(mart: Contract) -> dict[str, Any]:
    entry = _dbt_table(mart, with_types=True)
    columns = entry.pop("columns")
    return {
        **entry,
        "config": {"contract": {"enforced": True}},
        "data_tests": [{"unique_key": {"arguments": {"columns": list(mart.key)}}}],
        "columns": columns,
    }


def _yaml(content: dict[str, Any]) -> str:
    return f"# {_WRITTEN_BY}\n" + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
