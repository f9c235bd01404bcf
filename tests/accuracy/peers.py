"""How the libraries in common use tell which records are one property: by the text that they make of an address.

Here: their keys of the dialects' records, for `test_identity_accuracy`. They are no dependencies of the product:
`make bench` installs them. Each is given the whole address on one line, which it is made for.
"""

import logging
from collections.abc import Callable

import polars as pl

Keys = Callable[[list[str]], list[str | None]]


def whole_lines(records: pl.DataFrame) -> list[str]:
    """Each record's address on one line: `12 OAK ST APT 4, NASHVILLE, TN 37210`."""
    street = pl.concat_str(pl.coalesce("address", "street"), "unit", separator=" ", ignore_nulls=True)
    state = pl.concat_str("state", "zip", separator=" ", ignore_nulls=True).replace("", None)
    return records.select(pl.concat_str(street, "city", state, separator=", ", ignore_nulls=True)).to_series().to_list()


def scourgify(lines: list[str]) -> list[str | None]:
    """usaddress-scourgify's normalised lines and place; null for what it refuses."""
    from scourgify import normalize_address_record  # noqa: PLC0415 - a peer
    from scourgify.exceptions import AddressNormalizationError  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    keys: list[str | None] = []
    for line in lines:
        try:
            said = normalize_address_record(line)
        except AddressNormalizationError:
            keys.append(None)
            continue
        place = said["postal_code"] or f"{said['city']},{said['state']}"
        keys.append(f"{said['address_line_1']}|{said['address_line_2']}|{place}")
    return keys


def fastaddress(lines: list[str]) -> list[str | None]:
    """usaddress's labelled parts by fastaddress, in upper case; null for what it cannot tell."""
    import fastaddress as peer  # noqa: PLC0415 - a peer

    keys: list[str | None] = []
    for line in lines:
        try:
            parts = dict(peer.tag(line.upper())[0])
        except peer.RepeatedLabelError:
            keys.append(None)
            continue
        if parts.get("ZipCode"):
            parts.pop("PlaceName", None)
            parts.pop("StateName", None)
        keys.append("|".join(f"{name}={text}" for name, text in sorted(parts.items())))
    return keys


def doorplate(lines: list[str]) -> list[str | None]:
    """doorplate's match key, unit included."""
    import doorplate as peer  # noqa: PLC0415 - a peer

    return [parsed.key(unit=True) if parsed else None for parsed in peer.parse_many(lines)]


PEERS: dict[str, Keys] = {"scourgify": scourgify, "fastaddress": fastaddress, "doorplate": doorplate}
