"""The US Census Bureau's batch geocoder: where addresses lie, free, without a key. The default geocoder.

Source of truth: the Bureau's description of `POST /geocoder/geographies/addressbatch`: a multipart form with
`addressFile` (CSV without a head: id, street, city, state, ZIP; at most 10,000 rows), `benchmark` and `vintage`. The
answer is CSV in any order: id, the address asked, Match, No_Match or Tie, and for a match Exact or Non_Exact, the
matched address, "longitude,latitude", the street segment, its side, and state, county, tract and block. Places are
interpolated along a street's numbers: an exact match is of the address, not of the roof. Our id on the wire is the
fingerprint. Billing: free. Large files take minutes, so fewer rows are sent together (`census_batch_size`).
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import orjson
import polars as pl

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.providers.sources.coordinates import addresses_to_ask, coordinates_of
from leadflow_pipelines.providers.sources.pages import shape_changed
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "census"
ENDPOINT = "geographies/addressbatch"
KEEP_DAYS = None
"""What the Bureau tells is in the public domain."""
COLUMNS = ("id", "asked", "match", "match_type", "matched_address", "coordinates", "segment", "side", "state", "county",
           "tract", "block")  # fmt: skip
SHORTEST_MATCH = 8
"""Columns of a match without its geographies; a shorter one is cut off."""
ANSWERS = {"match", "no_match", "tie"}


def geocode_calls(frame: pl.DataFrame, day: dt.date) -> list[Call]:
    """One call for each address of `frame` (see `coordinates.addresses_to_ask`); the guard sends many together."""
    return [_call(day, address) for address in addresses_to_ask(frame)]


def to_coordinates(raw: pl.DataFrame) -> pl.DataFrame:
    """COORDINATES of raw pulls (RAW_PULLS shape). A tie is nothing found: nobody says which of them it is."""
    told = pick_fields(raw["payload"], ["match", "match_type", "matched_address", "coordinates"])
    is_match = pl.col("match").str.to_lowercase() == "match"
    place = pl.when(is_match).then("coordinates").str.split_exact(",", 1).struct.rename_fields(["lon", "lat"])
    is_exact = pl.col("match_type").str.to_lowercase() == "exact"
    quality = pl.when(is_exact).then(pl.lit("interpolated")).otherwise(pl.lit("approximate")).alias("quality")
    return coordinates_of(raw, told.select(place.alias("place"), "matched_address", quality).unnest("place"))


class Census:
    """The client."""

    name = NAME
    remedies: Mapping[int, str] = {
        400: "The file of addresses is not valid; see providers/sources/census.py.",
        404: "Check LEADFLOW_CENSUS_BASE_URL.",
    }

    def __init__(self, *, base_url: str, batch_size: int, benchmark: str, vintage: str) -> None:
        self._base_url = base_url.rstrip("/")
        self.batch_size = batch_size
        self._form = {"benchmark": benchmark, "vintage": vintage}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Census":
        """The client these settings describe; it needs no key."""
        return cls(
            base_url=str(settings.census_base_url),
            batch_size=settings.census_batch_size,
            benchmark=settings.census_benchmark,
            vintage=settings.census_vintage,
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """POST of a file of addresses."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        for call in calls:
            parts = (call.parameters.get(name) or "" for name in ("street", "city", "state", "zip"))
            writer.writerow([_row_id(call), *(" ".join(part.replace(",", " ").split()) for part in parts)])
        form = {"addressFile": ("addresses.csv", file.getvalue().encode(), "text/csv")}
        return httpx.Request("POST", f"{self._base_url}/{calls[0].endpoint}", data=self._form, files=form)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries places."""
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """One item for each address, found or not."""
        rows = _rows(answer)
        known = {_row_id(call) for call in calls}
        if strangers := rows.keys() - known:
            raise Terminal(
                f"{len(strangers)} rows answer what was not asked", provider=NAME, remedy=shape_changed(calls[0])
            )
        if missing := len(known - rows.keys()):
            raise Transient(f"{missing} of {len(known)} addresses were not answered", provider=NAME)
        return [
            Reply([Item(call.item_key, rows[_row_id(call)])], billed=0, parameters=call.parameters) for call in calls
        ]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """None: an address is answered whole."""
        return None


def _call(day: dt.date, address: Mapping[str, str | None]) -> Call:
    asked = {"street": address["street"], "city": address["city"], "state": address["state"], "zip": address["zip5"]}
    return Call(NAME, ENDPOINT, asked, address["zip"], day, item_key=address["keys"])


def _row_id(call: Call) -> str:
    return call.fingerprint[:32]


def _rows(answer: HttpAnswer) -> dict[str, str]:
    """The rows of an answer by their id, each as JSON. Raises Transient where they are cut off or a page of HTML."""
    text = answer.body.decode(errors="replace")
    if text.lstrip().startswith("<"):
        raise Transient("a web page came instead of the addresses", provider=NAME)
    rows: dict[str, str] = {}
    for row in csv.reader(io.StringIO(text)):
        if not row:
            continue
        told = dict(zip(COLUMNS, row, strict=False))
        match = told.get("match", "").lower()
        if match not in ANSWERS or (match == "match" and len(row) < SHORTEST_MATCH):
            continue
        rows.setdefault(told["id"], orjson.dumps(told).decode())
    if not rows:
        raise Terminal("no row tells of a match", provider=NAME, remedy="The API changed; see sources/census.py.")
    return rows
