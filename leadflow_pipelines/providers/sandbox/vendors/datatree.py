"""DataTree as our unconfirmed field map has it: reports in sections, lots in acres, dates in the American way."""

from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.providers.sandbox.homes import Home, homes_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-datatree-token"
PREFIX = "/datatree/api"
MOST = 100
KINDS = {"SFR": "SFR", "CONDOMINIUM": "CONDO", "DUPLEX": "DUPLEX", "VACANT LAND": "RESIDENTIAL-VACANT LAND"}


def _error(status: int, message: str) -> Reply:
    return Reply(status, {"status": {"code": status, "message": message}})


NO_TOKEN = _error(401, "The token is missing or expired")
USED_UP = _error(403, "The contract's reports are used up")


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/properties/search":
        return NO_SUCH_PATH
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return NO_TOKEN
    zip_code, page, size = (request.query.get(name, "") for name in ("zipCode", "page", "pageSize"))
    if not page.isdecimal() or not size.isdecimal() or not 1 <= int(size) <= MOST or page == "0":
        return _error(400, "page from 1, pageSize 1 to 100")
    place = find_place(zip_code)
    homes = homes_of(world, place, (int(page) - 1) * int(size), int(size))
    total = world.records_per_zip if place else 0
    body = {"totalCount": total, "reports": [_report(home) for home in homes]}
    return Reply(200, body, zip_code, billed=len(homes))


def _report(home: Home) -> dict[str, Any]:
    place, (mail_street, mail_city, mail_state, mail_zip) = home.place, home.mailing
    occupied = home.is_owner_occupied
    return {
        "PropertyId": home.id,
        "SubjectProperty": {
            "SitusAddress": {
                "StreetAddress": home.street,
                "UnitNumber": home.unit,
                "City": place.city,
                "State": place.state,
                "Zip9": f"{place.zip}-{1000 + home.number % 9000}",
            },
            "Fips": place.county_fips,
            "Apn": home.parcel_number,
            "Latitude": home.lat,
            "Longitude": home.lon,
        },
        "OwnerInformation": {
            **{f"OwnerName{number}": name for number, name in enumerate(home.owners, start=1)},
            "MailingAddress": {
                "StreetAddress": mail_street, "City": mail_city, "State": mail_state, "Zip9": mail_zip,
            },
            "OwnerOccupied": None if occupied is None else "Y" if occupied else "N",
        },
        "PropertyCharacteristics": {
            "LandUse": KINDS[home.kind],
            "YearBuilt": home.year_built,
            "LivingArea": home.living_sqft and f"{home.living_sqft:,}",
            "LotAcres": home.lot_sqft and round(home.lot_sqft / 43_560, 4),
            "Bedrooms": home.beds,
            "Bathrooms": home.baths,
            "NumberOfUnits": home.units,
        },
        "TaxInformation": {"AssessedValue": home.assessed, "MarketValue": f"${home.worth:,}"},
        "MortgageInformation": {
            "LoanAmount": home.loan,
            "RecordingDate": home.loan_on and f"{home.loan_on:%m/%d/%Y}",
        },
        "LastMarketSale": {"RecordingDate": f"{home.sold_on:%m/%d/%Y}", "SalePrice": home.sale_price},
    }  # fmt: skip


def _page_before(query: Mapping[str, str]) -> Mapping[str, str] | None:
    page = int(query.get("page", "1"))
    return {**query, "page": str(page - 1)} if page > 1 else None


VENDOR = Vendor(
    name="datatree",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"datatree_base_url": f"{url}{PREFIX}", "datatree_api_key": KEY},
    shape=Shape(
        items=("reports",),
        total=("totalCount",),
        optional=("TaxInformation",),
        renamed=("LastMarketSale",),
        page_before=_page_before,
    ),
    expired=NO_TOKEN,
    empty=USED_UP,
    too_many=_error(429, "Too many requests"),
)
