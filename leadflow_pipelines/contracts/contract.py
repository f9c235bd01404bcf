"""What a table's contract is, and everything derived from it.

A contract is one pandera (polars) schema plus the table's key and sort order. It yields the Delta schema,
the blocking check, the dbt source and the data dictionary. The tables themselves are in the modules beside.
"""

from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

UTC_INSTANT = pl.Datetime("us", "UTC")
CENTS = pl.Decimal(14, 4)
"""Cost in cents with four decimals, because some vendors bill fractions of a cent per call."""


def column(dtype: Any, text: str, *checks: pa.Check, unit: str | None = None, required: bool = False) -> pa.Column:
    """A contract column. `required` forbids nulls; `unit` appears in the data dictionary."""
    return pa.Column(
        dtype,
        list(checks),
        nullable=not required,
        description=text,
        metadata={"unit": unit} if unit else None,
    )


@dataclass(frozen=True)
class Fault:
    """Rows of one ZIP that break one rule of a contract."""

    zip: str | None
    column: str
    rule: str
    rows: int
    example: str


@dataclass(frozen=True)
class Contract:
    """One table: its columns, key and storage order.

    `partition_by` and `sort_by` are Delta layout; `key` identifies a row; `is_versioned` says that rows
    carry valid_from and valid_to instead of a day.
    """

    name: str
    text: str
    columns: dict[str, pa.Column]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ("day",)
    sort_by: tuple[str, ...] = ("zip",)
    personal: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """Column name to polars dtype, in table order."""
        return {name: col.dtype.type for name, col in self.columns.items()}

    def empty(self) -> pl.DataFrame:
        """A frame of this shape without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly this contract's columns, in order and type; absent ones become null.

        Raises polars.exceptions.InvalidOperationError where a value does not fit its type.
        """
        if [*frame.schema.items()] == [*self.schema.items()]:
            return frame
        return frame.select(
            (pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype=dtype)).alias(name)
            for name, dtype in self.schema.items()
        )

    def faults(self, frame: pl.DataFrame) -> list[Fault]:
        """Every broken rule, by ZIP. An empty list means that the frame may be written.

        `frame` is collected: pandera passes a LazyFrame's bad values unseen.
        """
        schema = pa.DataFrameSchema(self.columns, strict=True, ordered=True, unique=list(self.key))
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            return self._by_zip(frame, error.failure_cases)
        return []

    def _by_zip(self, frame: pl.DataFrame, cases: pl.DataFrame) -> list[Fault]:
        zips = frame["zip"] if "zip" in frame.columns else pl.Series("zip", [None] * frame.height, pl.String)
        placed = (
            cases.with_columns(pl.col("index").cast(pl.Int64), pl.col("failure_case").cast(pl.String))
            .join(zips.to_frame("zip").with_row_index("index").cast({"index": pl.Int64}), on="index", how="left")
            .with_columns(pl.col("column").fill_null(", ".join(self.key)))
            .group_by("zip", "column", "check", maintain_order=True)
            .agg(pl.len().alias("rows"), pl.col("failure_case").first())
        )
        hidden = set(self.personal)
        return [
            Fault(
                row["zip"],
                row["column"],
                row["check"],
                row["rows"],
                "(personal data)" if hidden & set(row["column"].split(", ")) else str(row["failure_case"])[:80],
            )
            for row in placed.iter_rows(named=True)
        ]
