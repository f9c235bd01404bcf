"""A key once given is given again, or its change is a migration: the keys of invented addresses of every form.

`python -m tests.unit.test_address_keys` writes the keys anew, after ADDRESS_KEY_VERSION was raised.
"""

import sys
from pathlib import Path

import polars as pl

from leadflow_pipelines.properties.address_keys import ADDRESS_KEY_VERSION
from leadflow_pipelines.properties.addresses import normalize_addresses

KEYS = Path(__file__).resolve().parents[1] / "fixtures" / "address_keys.csv"
INPUTS = ("address", "street", "unit", "city", "state", "zip")


def written() -> pl.DataFrame:
    """INPUTS, the key that was last written for them, and by which version."""
    return pl.read_csv(KEYS, infer_schema=False)


def keys_now(addresses: pl.DataFrame) -> pl.DataFrame:
    given = normalize_addresses(addresses.select(INPUTS))["address_key"]
    return addresses.select(INPUTS).with_columns(given, key_version=pl.lit(str(ADDRESS_KEY_VERSION)))


def test_no_key_changes_without_a_version() -> None:
    before, now = written(), keys_now(written())
    assert before["key_version"].unique().to_list() == [str(ADDRESS_KEY_VERSION)], "Write the file anew, see above."
    changed = now.with_columns(before=before["address_key"]).filter(pl.col("address_key").ne_missing(pl.col("before")))
    assert changed.rows() == [], "Raise ADDRESS_KEY_VERSION and write the file anew, see above."


def test_every_form_is_there() -> None:
    forms = normalize_addresses(written().select(INPUTS))
    assert forms.height >= 300
    assert set(forms["parse_status"]) == {
        "ok", "partial", "po_box", "rural_route", "military", "intersection", "unparsed",
    }  # fmt: skip
    assert forms["address_key"].n_unique() >= 100


if __name__ == "__main__":
    last = written()
    new = keys_now(last)
    if "address_key" in last.columns and last["key_version"][0] == new["key_version"][0]:
        if last["address_key"].equals(new["address_key"]):
            sys.exit("No key has changed.")
        sys.exit("Keys have changed. Raise ADDRESS_KEY_VERSION, then write them anew.")
    new.write_csv(KEYS)
