"""The statements of sql/queries, by name. They belong to the slices that run them; here they are only read."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, TextClause, Uuid, bindparam, text
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeEngine

from leadflow_pipelines.database.tables import CENTS
from leadflow_pipelines.settings import PROJECT_ROOT

COMMENT = re.compile(r"--[^\n]*")
DRIVER = make_url("postgresql+psycopg://").get_dialect()
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


def for_driver(statement: ClauseElement, columns: Sequence[str] | None = None) -> str:
    """The statement as psycopg takes it, for those who send several together; `columns`: those an insert fills."""
    compiled = str(statement.compile(dialect=DRIVER(), column_keys=list(columns) if columns else None))
    return " ".join(COMMENT.sub("", compiled).split())  # psycopg reads anew, each time, what is over 4,096 characters
