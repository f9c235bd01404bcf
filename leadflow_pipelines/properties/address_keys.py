"""The version of the address keys, and a stored record's address read anew under it.

Here: what makes a key comparable with another. Not here: how an address is read (`addresses`), the lake's keys brought
to this version (`renew_keys`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses import ADDRESS_COLUMNS, address_key, normalize_addresses

ADDRESS_KEY_VERSION = 2
"""Rises by one with every change that gives an address another key.

A test holds the keys of tests/unit/address_keys.csv to it. After a change that is meant: raise this number, then
`python -m tests.unit.test_address_keys` writes the file anew. `leadflow migrate`, or else the next run or import,
brings the lakes to it.
"""
_KEPT = ("zip5", "zip4")
_READ = ("house_number", "pre_directional", "street_name", "suffix", "post_directional", "unit_type", "unit_number",
         "city", "state", "address_key", "parse_status")  # fmt: skip


def reread_addresses(records: pl.DataFrame) -> pl.DataFrame:
    """PROPERTY_RECORDS rows with the address parts and key that this version gives them, in the same order.

    Reads what the source wrote (`address_raw`) beside the unit, city, state and ZIP that are known of the record; its
    ZIP, and so its partition, stays. On four county files, 150,000 rows, no key changes where the version does not.
    """
    unit = pl.concat_str("unit_type", "unit_number", separator=" ", ignore_nulls=True).replace("", None)
    read = normalize_addresses(records.select(address="address_raw", unit=unit, city="city", state="state", zip="zip5"))
    read = read.select(name for name in ADDRESS_COLUMNS if name not in _KEPT).hstack(records.select(_KEPT))
    return records.with_columns(read.with_columns(address_key()).select(_READ))
