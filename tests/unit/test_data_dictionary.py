"""The written documentation of the tables says what the contracts say."""

import pytest
import yaml

from leadflow_pipelines.contracts import LAKE_TABLES, MARTS, RAW_PULLS
from leadflow_pipelines.contracts.documentation import ROOT, documents
from leadflow_pipelines.contracts.ledger import LEDGER_TABLES
from leadflow_pipelines.database import tables

TABLES = (RAW_PULLS, *LAKE_TABLES, *LEDGER_TABLES, *MARTS)
DBT = ROOT / "dbt_like_models"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_written_files_are_current(path):
    assert path.read_text() == documents()[path], "run `make docs`"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_stands_in_the_dictionary_with_its_meaning(table):
    dictionary = (ROOT / "docs" / "data_dictionary.md").read_text()
    section = dictionary.split(f"### {table.name}\n")[1].split("\n### ")[0]
    for name, column in table.columns.items():
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert column.description in row
        assert ("*Personal.*" in row) == (name in table.personal)


def test_every_mart_has_a_model_and_every_model_a_contract():
    models = {path.stem for path in (DBT / "models" / "marts").glob("*.sql")}
    assert models == {mart.name for mart in MARTS}


def test_every_staging_model_is_described():
    described = yaml.safe_load((DBT / "models" / "staging" / "staging.yml").read_text())["models"]
    models = {path.stem for path in (DBT / "models" / "staging").glob("*.sql")}
    assert models == {model["name"] for model in described}
    assert all(model["description"] for model in described)


@pytest.mark.parametrize("contract", LEDGER_TABLES, ids=lambda contract: contract.name)
def test_ledger_contracts_name_columns_that_postgres_has(contract):
    table = tables.metadata.tables[f"{tables.SCHEMA}.{contract.name}"]
    assert set(contract.columns) <= set(table.columns.keys())
