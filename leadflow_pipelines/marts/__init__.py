"""The marts: dbt builds them from the lake and the ledger; BI reads them as Parquet and in Postgres.

Here: running dbt, exporting and publishing. Not here: the models (`dbt_like_models/`), the columns (`contracts`).
"""

from leadflow_pipelines.marts.build_marts import MartsResult, build_marts, warm_up_marts

__all__ = ["MartsResult", "build_marts", "warm_up_marts"]
