"""Regrid as it answers: GeoJSON behind a cursor, texts as counties write them, what is null left out."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from leadflow_pipelines.providers.sandbox.homes import Home, homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-regrid-token"
PREFIX = "/regrid/api/v2"
DEFAULT_LIMIT, MOST = 20, 1000
PER_ZIP = 10_000
LOT_SIDE = 0.0002
USES = {"SFR": "SINGLE FAMILY RESIDENCE", "CONDOMINIUM": "CONDOMINIUM UNIT", "DUPLEX": "TWO FAMILY DWELLING",
        "VACANT LAND": "VACANT RESIDENTIAL LAND"}  # fmt: skip


def _error(status: int, message: str) -> Reply:
    return Reply(status, {"status": "error", "message": message})


NO_TOKEN = _error(401, "Invalid or missing token")
USED_UP = _error(403, "Parcel record limit reached for this account")


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/parcels/query":
        return NO_SUCH_PATH
    query = request.query
    if query.get("token") != KEY:
        return NO_TOKEN
    limit, behind = query.get("limit", str(DEFAULT_LIMIT)), query.get("offset_id", "")
    zip_code = query.get("fields[szip][eq]")
    if zip_code is None or not limit.isdecimal() or not 1 <= int(limit) <= MOST or (behind and not behind.isdecimal()):
        return _error(400, "fields, limit (1 to 1000) or offset_id is not valid")
    first = int(behind) % PER_ZIP + 1 if behind else 0
    homes = homes_of(world, find_place(zip_code), first, int(limit))
    features = [_feature(home, has_geometry=query.get("return_geometry") != "false") for home in homes]
    body = {"parcels": {"type": "FeatureCollection", "features": features}}
    return Reply(200, body, zip_code, billed=len(features))


def _feature(home: Home, *, has_geometry: bool) -> dict[str, Any]:
    fields = {name: value for name, value in _fields(home).items() if value is not None}
    path = f"/us/{home.place.state.lower()}/{home.place.county_name.lower().replace(' ', '-')}/{home.id}"
    return {
        "type": "Feature",
        "id": home.id,
        **({"geometry": _lot(home)} if has_geometry else {}),
        "properties": {"headline": home.street.title(), "path": path, "fields": fields},
    }


def _fields(home: Home) -> dict[str, Any]:
    place, (mail_street, mail_city, mail_state, mail_zip) = home.place, home.mailing
    tells_acres = home.number % 3 == 0
    return {
        "ogc_fid": home.id,
        "ll_uuid": str(uuid5(NAMESPACE_OID, f"parcel {home.id}")),
        "geoid": place.county_fips,
        "parcelnumb": home.parcel_number,
        "parcelnumb_no_formatting": home.parcel_number.replace("-", ""),
        "usedesc": USES[home.kind],
        "address": f"{home.street} UNIT {home.unit}" if home.unit else home.street,
        "sunit": home.unit,
        "scity": place.city,
        "state2": place.state,
        "szip": place.zip,
        "owner": " & ".join(_last_name_first(name, is_company=home.is_company) for name in home.owners) or None,
        "mailadd": mail_street,
        "mail_city": mail_city,
        "mail_state2": mail_state,
        "mail_zip": mail_zip,
        "yearbuilt": home.year_built,
        "area_building": home.living_sqft,
        "numunits": home.units,
        "parvaltype": "MARKET" if home.number % 2 else "ASSESSED",
        "parval": float(home.worth if home.number % 2 else home.assessed),
        "saleprice": float(home.sale_price or 0),
        "saledate": str(home.sold_on).replace("-", "/"),
        "homestead_exemption": None if home.is_owner_occupied is None else str(int(home.is_owner_occupied)),
        "ll_gissqft": None if tells_acres else home.lot_sqft,
        "ll_gisacre": home.lot_sqft and round(home.lot_sqft / 43_560, 5),
        "lat": home.lat and f"{home.lat:.6f}",
        "lon": home.lon and f"{home.lon:.6f}",
    }


def _last_name_first(name: str, *, is_company: bool) -> str:
    first, _, last = name.rpartition(" ")
    return name if is_company or not first else f"{last} {first}"


def _lot(home: Home) -> dict[str, Any] | None:
    if home.lat is None or home.lon is None:
        return None
    east, north = home.lon + LOT_SIDE, home.lat + LOT_SIDE
    ring = [[home.lon, home.lat], [east, home.lat], [east, north], [home.lon, north], [home.lon, home.lat]]
    return {"type": "Polygon", "coordinates": [ring]}


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    if "offset_id" not in query:
        return None
    earlier = {name: value for name, value in query.items() if name != "offset_id"}
    behind = int(query["offset_id"]) - int(query.get("limit", DEFAULT_LIMIT))
    return {**earlier, "offset_id": str(behind)} if behind // PER_ZIP == int(query["offset_id"]) // PER_ZIP else earlier


VENDOR = Vendor(
    name="regrid",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"regrid_base_url": f"{url}{PREFIX}", "regrid_api_key": KEY},
    shape=Shape(
        items=("parcels", "features"),
        fields=("properties", "fields"),
        optional=("owner",),
        renamed=("saledate",),
        page_before=_page_before,
    ),
    expired=NO_TOKEN,
    empty=USED_UP,
    too_many=_error(429, "Too many requests"),
)
