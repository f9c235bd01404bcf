"""The statements of sql/queries, by name. They belong to the slices that run them; here they are only read."""

from functools import cache
from typing import Any

from sqlalchemy import TextClause, Uuid, bindparam, text
from sqlalchemy.types import TypeEngine

from leadflow_pipelines.database.tables import CENTS
from leadflow_pipelines.settings import PROJECT_ROOT

TYPED: dict[str, TypeEngine[Any]] = {
    "org_id": Uuid(),
    "reservation_id": Uuid(),
    "amount_cents": CENTS,
    "cost_cents": CENTS,
}


@cache
def named_query(name: str) -> TextClause:
    """The statement of sql/queries/{name}.sql; ids and money are bound by their types."""
    statement = text((PROJECT_ROOT / "sql" / "queries" / f"{name}.sql").read_text())
    return statement.bindparams(
        *(bindparam(key, type_=kind) for key, kind in TYPED.items() if f":{key}" in statement.text)
    )
