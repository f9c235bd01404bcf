"""One org's lake: Delta tables that obey their contracts.

Layout: a table is partitioned by day (or by ZIP prefix, where rows are versions), and each partition is one
file sorted by ZIP. On 11 M rows over 90 days that is 90 files; by ZIP and day it is 45,000 and 3 to 8 times
slower throughout. A write replaces whole partitions in one commit and is refused if another writer got there
first; then it starts again from what that writer left.
"""

import datetime as dt
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.errors import InvalidInput, LakeConflict
from leadflow_pipelines.lake.commit_partitions import commit_partitions
from leadflow_pipelines.lake.proof_files import ProofFiles
from leadflow_pipelines.lake.raw_pulls import RawPulls
from leadflow_pipelines.settings import Settings

ZIP_PREFIX = "zip_prefix"
COMMITS_PER_CHECKPOINT = 20
WRITER_HOURS = 1
"""No writer takes so long: files this old that no commit names were left by one that died."""
LOG_KEPT = "delta.logRetentionDuration"
WRITE_ATTEMPTS = 12


def open_lake(settings: Settings, org_slug: str) -> "Lake":
    """The lake of one org, under its own prefix."""
    options = {
        "AWS_ENDPOINT_URL": str(settings.s3_endpoint_url) if settings.s3_endpoint_url else None,
        "AWS_ALLOW_HTTP": "true" if str(settings.s3_endpoint_url or "").startswith("http://") else None,
        "AWS_REGION": settings.s3_region,
        "AWS_ACCESS_KEY_ID": settings.s3_access_key_id and settings.s3_access_key_id.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_access_key and settings.s3_secret_access_key.get_secret_value(),
    }
    return Lake(f"{settings.lake_root.rstrip('/')}/{org_slug}", {k: v for k, v in options.items() if v})


class Lake:
    """Delta tables and raw pulls below one root, a folder or an s3:// prefix."""

    def __init__(self, root: str, storage_options: dict[str, str] | None = None) -> None:
        self.root = root
        self.storage_options = storage_options or None
        self.raw = RawPulls(root, self.storage_options)
        self.proof = ProofFiles(root, self.storage_options)

    @property
    def is_local(self) -> bool:
        """Whether files can be opened by path."""
        return "://" not in self.root

    def path(self, name: str) -> str:
        """Where the table of that name lies."""
        return f"{self.root}/{name}"

    def exists(self, contract: Contract) -> bool:
        """Whether the table has been written at least once."""
        return DeltaTable.is_deltatable(self.path(contract.name), storage_options=self.storage_options)

    def version(self, contract: Contract) -> int | None:
        """Number of the table's last commit; None where it has none."""
        table = self._table(contract)
        return None if table is None else table.version()

    def days(self, contract: Contract) -> list[dt.date]:
        """The days that a table partitioned by day has rows of, in order."""
        table = self._table(contract)
        return [] if table is None else sorted({dt.date.fromisoformat(str(one["day"])) for one in table.partitions()})

    def file_list(self, contract: Contract) -> list[str]:
        """The current Parquet files of a table; partition columns stand in the paths, not in the files.

        Raises InvalidInput for a table with deletion vectors: its files still hold rows that are deleted.
        """
        table = self._table(contract)
        if table is None:
            return []
        if "deletionVectors" in (table.protocol().reader_features or []):
            raise InvalidInput(
                f"{self.path(contract.name)} was written with deletion vectors.",
                remedy="Turn delta.enableDeletionVectors off for it and rewrite it (OPTIMIZE or REORG ... PURGE).",
            )
        return list(table.file_uris())

    def read(
        self,
        contract: Contract,
        *,
        zips: Iterable[str] | None = None,
        day: dt.date | None = None,
        where: pl.Expr | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows in the contract's shape, limited to ZIPs, a day and a condition. No table yet: no rows."""
        table = self._table(contract)
        wanted = list(columns or contract.schema)
        if table is None:
            return contract.empty().select(wanted)
        scan = pl.scan_delta(table)
        if day is not None:
            scan = scan.filter(pl.col("day") == day)
        if zips is not None:
            zips = list(zips)
            if ZIP_PREFIX in contract.partition_by:
                scan = scan.filter(pl.col(ZIP_PREFIX).is_in(sorted({z[:3] for z in zips})))
            scan = scan.filter(pl.col("zip").is_in(zips))
        if where is not None:
            scan = scan.filter(where)
        present = scan.collect_schema().names()
        absent = [pl.lit(None, contract.schema[name]).alias(name) for name in wanted if name not in present]
        return scan.with_columns(absent).select(wanted).collect()

    def replace(self, contract: Contract, frame: pl.DataFrame, *, day: dt.date, where: pl.Expr | None = None) -> int:
        """Put `frame` in the place of the day's rows that satisfy `where` (all, without one). Returns rows written.

        One commit: a reader sees the old rows or the new. Raises LakeConflict when other writers keep winning.
        """
        stray = frame.filter(pl.col("day") != day)
        if stray.height:
            raise InvalidInput(f"{contract.name}: {stray.height} rows are not of {day}.")

        def change(present: pl.DataFrame) -> pl.DataFrame:
            kept = present.clear() if where is None else present.filter(~where.fill_null(False))
            return pl.concat([kept, contract.conform(frame)])

        self.update(contract, {"day": [day]}, change)
        return frame.height

    def update(
        self,
        contract: Contract,
        partitions: Mapping[str, Sequence[dt.date | str]],
        change: Callable[[pl.DataFrame], pl.DataFrame | None],
    ) -> None:
        """Rewrite whole partitions: `change` gets their rows and returns what shall stand there (None: leave it).

        `change` may run more than once, each time on what the last writer left, so it must be pure.
        """
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(CommitFailedError),
                stop=stop_after_attempt(WRITE_ATTEMPTS),
                wait=wait_random_exponential(multiplier=0.05, max=2),
            ):
                with attempt:
                    self._rewrite(contract, partitions, change)
        except RetryError as error:
            raise LakeConflict(
                f"{contract.name}: other writers committed first {WRITE_ATTEMPTS} times.",
                remedy="Run it again.",
            ) from error

    def digest(self, contract: Contract) -> str:
        """SHA-256 of a table's content; run ids, timestamps and row order leave it unchanged."""
        frame = self.read(contract).drop(contract.volatile).sort(contract.key)
        lines = io.BytesIO()
        frame.with_columns(pl.col(pl.Decimal).cast(pl.String)).write_ndjson(lines)
        return hashlib.sha256(lines.getvalue()).hexdigest()

    def compact(self, contract: Contract) -> int:
        """Merge a table's small files and checkpoint its log; returns how many files went into larger ones."""
        table = self._table(contract)
        if table is None:
            return 0
        removed = int(table.optimize.compact()["numFilesRemoved"])
        table.create_checkpoint()
        return removed

    def vacuum(self, contract: Contract, *, keep_hours: int) -> int:
        """Delete files that no version younger than `keep_hours` needs; returns how many."""
        table = self._table(contract)
        return 0 if table is None else len(table.vacuum(retention_hours=keep_hours, dry_run=False))

    def change_rows(self, contract: Contract, where: pl.Expr, change: Mapping[str, pl.Expr] | None = None) -> int:
        """Delete the rows that satisfy `where` from every partition, or give their columns the values in `change`.

        Returns how many rows there were. Earlier versions still hold them: see `forget_versions`.
        """
        is_hit = where.fill_null(False)
        columns = ["zip", *(name for name in contract.partition_by if name != ZIP_PREFIX)]
        found = self.read(contract, where=is_hit, columns=list(dict.fromkeys(columns)))
        if found.is_empty():
            return 0

        def changed(present: pl.DataFrame) -> pl.DataFrame:
            if change is None:
                return present.filter(~is_hit)
            hit = present.select(is_hit.alias("hit")).to_series()
            return present.with_columns(
                pl.when(hit).then(value).otherwise(name).alias(name) for name, value in change.items()
            )

        (column,) = contract.partition_by
        values = found["zip"].str.head(3) if column == ZIP_PREFIX else found[column]
        self.update(contract, {column: values.unique().to_list()}, changed)
        return found.height

    def forget_versions(self, contract: Contract) -> int:
        """Delete all that only earlier versions of a table need, files and log; returns how many data files.

        Whoever reads an earlier version at this moment fails, and finds the present one when it starts again.
        """
        table = self._table(contract)
        if table is None:
            return 0
        gone = table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        gone += table.vacuum(retention_hours=WRITER_HOURS, dry_run=False, enforce_retention_duration=False, full=True)
        table.alter.set_table_properties({LOG_KEPT: "interval 0 seconds"})
        table.update_incremental()
        table.create_checkpoint()
        table.cleanup_metadata()
        table.alter.set_table_properties({LOG_KEPT: "interval 30 days"})
        return len(gone)

    def _rewrite(
        self,
        contract: Contract,
        partitions: Mapping[str, Sequence[dt.date | str]],
        change: Callable[[pl.DataFrame], pl.DataFrame | None],
    ) -> None:
        table = self._table(contract) or self._create(contract)
        scan = pl.scan_delta(table)
        for name, values in partitions.items():
            scan = scan.filter(pl.col(name).is_in(list(values)))
        present = contract.conform(scan.collect())
        stored = change(present)
        if stored is None or (stored.height == 0 and present.height == 0):
            return
        if ZIP_PREFIX in contract.partition_by:
            stored = stored.with_columns(pl.col("zip").str.head(3).alias(ZIP_PREFIX))
        commit_partitions(
            table,
            self.path(contract.name),
            stored,
            partitions,
            sort_by=(*contract.sort_by, *contract.key),
            shape=self._shape(contract),
            storage_options=self.storage_options,
        )
        if (table.version() + 1) % COMMITS_PER_CHECKPOINT == 0:
            table.update_incremental()
            table.create_checkpoint()

    def _table(self, contract: Contract) -> DeltaTable | None:
        try:
            return DeltaTable(self.path(contract.name), storage_options=self.storage_options)
        except TableNotFoundError:
            return None

    def _create(self, contract: Contract) -> DeltaTable:
        return DeltaTable.create(
            self.path(contract.name),
            schema=pl.DataFrame(schema=self._shape(contract)).to_arrow().schema,
            partition_by=list(contract.partition_by),
            mode="ignore",
            storage_options=self.storage_options,
            description=contract.text,
        )

    @staticmethod
    def _shape(contract: Contract) -> dict[str, Any]:
        derived = {ZIP_PREFIX: pl.String} if ZIP_PREFIX in contract.partition_by else {}
        return {**contract.schema, **derived}
