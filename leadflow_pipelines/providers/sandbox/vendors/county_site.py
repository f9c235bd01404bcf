"""A county's web site without an API: search, pages of sales, a page a parcel, for any ZIP of the invented world.

It has what a crawler must respect: a robots.txt with closed paths and a crawl-delay, confidential parcels below such
a path, a members' area behind a login, a CAPTCHA, a page that forbids, one that is too busy and one that fails at
every other visit. The books count each path, so that a test can prove what was never asked for.
"""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from leadflow_pipelines.providers.sandbox.estates import estates_of
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendor import Reply, Request, Vendor
from leadflow_pipelines.providers.sandbox.world import World

NAME = "county_site"
PREFIX = "/county-site"
ROBOTS_PATH = "/robots.txt"
PAGE_SIZE = 10
CRAWL_DELAY_SECONDS = 0.2
CONFIDENTIAL_EVERY = 8
"""Every so many parcels' pages lie below a path that robots.txt closes."""
ROBOTS = f"""# A simulated county's site.
User-agent: BadBot
Disallow: /

User-agent: *
Crawl-delay: {CRAWL_DELAY_SECONDS}
Disallow: {PREFIX}/private/
Disallow: {PREFIX}/*?*print=
Allow: {PREFIX}/private/notice
"""
HTML = "text/html; charset=utf-8"
HEAD = {"Cache-Control": "no-store"}
_visits: Counter[str] = Counter()
_visits_lock = threading.Lock()


def _answer(world: World, request: Request) -> Reply:
    form = dict(parse_qsl(request.body.decode(errors="replace")))
    zip_code = request.query.get("zip") or form.get("zip")
    match request.path.strip("/").split("/"):
        case [""]:
            return ROBOTS_TXT if request.prefix == ROBOTS_PATH else NOT_FOUND
        case ["sales" | "results"]:
            return _sales(world, zip_code, request.query.get("page", "1"))
        case ["parcel" | "private", zip_of_parcel, apn]:
            return _parcel(world, zip_of_parcel, apn)
        case ["flaky"]:
            return _every_other_time(world, zip_code)
        case [name]:
            return FIXED.get(name, NOT_FOUND)
    return NOT_FOUND


def _sales(world: World, zip_code: str | None, page: str) -> Reply:
    place = find_place(zip_code or "")
    number = int(page) if page.isdigit() else 1
    last = min(number * PAGE_SIZE, world.records_per_zip) if place else 0
    first = (number - 1) * PAGE_SIZE
    if place is None or first >= last:
        return _page("Sales", "<p id='no-sales'>No sales found.</p>", zip_code=zip_code)
    estates = estates_of(place, count=last, today=world.today(), seed=world.seed)[first:]
    rows = "".join(_row(estate, first + index) for index, estate in enumerate(estates))
    table = f"<table id='sales'><thead><tr><th>Parcel<th>Address<th>Sold<th>Price</thead><tbody>{rows}</tbody></table>"
    here = f"{PREFIX}/sales?zip={place.zip}&amp;page={number}"
    links = f"<a class='print' href='{here}&amp;print=1'>Print</a>"
    if last < world.records_per_zip:
        links += f" <a class='next' href='{PREFIX}/sales?zip={place.zip}&amp;page={number + 1}'>Next</a>"
    return _page("Sales", f"{table}<p>{links}</p>", zip_code=place.zip)


def _row(estate: dict[str, Any], position: int) -> str:
    apn, zip_code = estate["identifier"]["apn"], estate["address"]["postal1"]
    folder = "private" if position % CONFIDENTIAL_EVERY == CONFIDENTIAL_EVERY - 1 else "parcel"
    sale = estate["sale"]
    price = sale["saleAmountData"]["saleAmt"]
    return (
        f"<tr><td class='parcel'><a href='{PREFIX}/{folder}/{zip_code}/{apn}'>{apn}</a></td>"
        f"<td class='address'>{escape(estate['address']['line1'])}</td>"
        f"<td class='sold'>{_us_date(sale['saleTransDate'])}</td><td class='price'>${price:,}</td></tr>"
    )


def _parcel(world: World, zip_code: str, apn: str) -> Reply:
    """The page of a parcel, whose number ends with the property's position."""
    place, digits = find_place(zip_code), apn[-6:].replace("-", "")
    number = int(digits[:2]) * 100 + int(digits[2:]) if len(digits) == 5 and digits.isdigit() else world.records_per_zip
    if place is None or number >= world.records_per_zip:
        return _page("Not found", "<p>No such parcel.</p>", status=404)
    estate = estates_of(place, count=number + 1, today=world.today(), seed=world.seed)[number]
    owner = estate["assessment"]["owner"]
    first = owner["owner1"]
    name = " ".join(filter(None, (first.get("lastName"), first.get("firstNameAndMi"))))
    building = estate.get("building", {})
    facts = {
        "Owner": name,
        "Mailing address": owner["mailingAddressOneLine"],
        "Location": f"{estate['address']['line1']}, {place.city}, {place.state} {place.zip}",
        "Land use": estate["summary"]["propLandUse"],
        "Year built": estate["summary"]["yearBuilt"] or "",
        "Living area": f"{building['size']['livingSize']:,} sq ft" if building else "",
        "Lot": f"{estate['lot']['lotSize2']:,} sq ft",
        "Assessed value": f"${estate['assessment']['assessed']['assdTtlValue']:,}",
    }
    lines = "".join(
        f"<dt>{label}</dt><dd class='{label.lower().replace(' ', '-')}'>{escape(str(value))}</dd>"
        for label, value in facts.items()
    )
    return _page(f"Parcel {apn}", f"<h1>Parcel <span id='apn'>{apn}</span></h1><dl>{lines}</dl>", zip_code=place.zip)


def _every_other_time(world: World, zip_code: str | None) -> Reply:
    with _visits_lock:
        _visits["flaky"] += 1
        is_down = _visits["flaky"] % 2 == 1
    if is_down:
        return _page("Service unavailable", "<p>Please come back.</p>", status=503)
    return _sales(world, zip_code, "1")


def _page(title: str, body: str, *, status: int = 200, zip_code: str | None = None) -> Reply:
    html = f"<!doctype html><html lang='en'><head><title>{escape(title)}</title></head><body>{body}</body></html>"
    return Reply(status, html.encode(), zip_code, headers=HEAD, content_type=HTML)


def _us_date(iso: str) -> str:
    return f"{dt.date.fromisoformat(iso):%m/%d/%Y}"


def _sent_to(path: str) -> Reply:
    return Reply(302, b"", headers={"Location": f"{PREFIX}/{path}"}, content_type=HTML)


SEARCH = f"""<h1>Search sales</h1>
<form action="{PREFIX}/results" method="post">
<input type="hidden" name="token" value="county"><label>ZIP <input id="zip" name="zip"></label>
<button type="submit" id="go">Search</button></form>"""
LOGIN = """<h1>Members</h1><form method="post"><input name="user"><input type="password" name="secret">
<button>Log in</button></form>"""
CAPTCHA = """<p>Checking your browser.</p>
<iframe src="https://www.google.com/recaptcha/api2/anchor?k=simulated" title="reCAPTCHA"></iframe>"""
NOT_FOUND = _page("Not found", "<p>No such page.</p>", status=404)
ROBOTS_TXT = Reply(200, ROBOTS.encode(), content_type="text/plain; charset=utf-8")
FIXED: Mapping[str, Reply] = {
    "search": _page("Search sales", SEARCH),
    "login": _page("Members", LOGIN),
    "members": _sent_to("login?next=members"),
    "account": _page("Your account", LOGIN),
    "elsewhere": _sent_to("private/list"),
    "checked": _page("One moment", CAPTCHA),
    "forbidden": _page("Forbidden", "<p>Not for programs.</p>", status=403),
    "busy": _page("Too many requests", "<p>Slow down.</p>", status=429),
    "blocked": _page("Access denied", "<p>Your request was blocked.</p>"),
    "redesigned": _page("Sales", "<main><section class='new-look'>All new!</section></main>"),
}

VENDOR = Vendor(
    name=NAME,
    prefixes=(PREFIX, ROBOTS_PATH),
    answer=_answer,
    settings=lambda url: {"crawl_contact": f"{url}{PREFIX}/about-the-crawler"},
    books_paths=True,
)
