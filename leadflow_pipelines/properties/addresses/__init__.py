"""Addresses: any written address as USPS Publication 28 would write it, with the places that exist.

Here: words, lines, units and streets of an address, ZIPs, cities and counties. Not here: what two addresses have to do
with each other (`matching`).
"""

from leadflow_pipelines.properties.addresses.normalize import (
    ADDRESS_COLUMNS,
    address_key,
    normalize_addresses,
    one_line,
    street_line,
    unit_key,
)

__all__ = ["ADDRESS_COLUMNS", "address_key", "normalize_addresses", "one_line", "street_line", "unit_key"]
