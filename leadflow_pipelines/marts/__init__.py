"""The marts: dbt builds them from the lake and the ledger; BI reads them as Parquet and in Postgres.

Here: running dbt, exporting and publishing. Not here: the models (`dbt_like_models/`), the columns (`contracts`).
Nothing is imported here, so that dbt's process starts at once: take `build_marts` from the module of its name.
"""
