"""The Census Bureau's batch geocoder as it answers: CSV without a head, out of order, ties and misses among it."""

import csv
import io
from email import message_from_bytes

from leadflow_pipelines.providers.sandbox.streets import find_home
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Vendor
from leadflow_pipelines.providers.sandbox.world import World

PREFIX = "/census/geocoder"
MOST = 10_000
NOT_VALID = Reply(400, b"<html><body>Specified benchmark or file is not valid</body></html>", content_type="text/html")
ONE_IN_TIES = 23


def _answer(world: World, request: Request) -> Reply:
    if request.path != "/geographies/addressbatch" or request.method != "POST":
        return NO_SUCH_PATH
    form = _form(request)
    asked = [*csv.reader(io.StringIO(form.get("addressFile", "")))]
    if "benchmark" not in form or "vintage" not in form or not 0 < len(asked) <= MOST or {*map(len, asked)} != {5}:
        return NOT_VALID
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(_row(world, *one) for one in reversed(asked))
    zips = {one[4] for one in asked}
    return Reply(200, out.getvalue().encode(), zips.pop() if len(zips) == 1 else "many", content_type="text/csv")


def _form(request: Request) -> dict[str, str]:
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    form = message_from_bytes(head + request.body)
    parts = [part for part in form.walk() if not part.is_multipart()]
    texts = [part.get_payload(decode=True) for part in parts]
    names = [part.get_param("name", header="content-disposition") for part in parts]
    return {str(name): text.decode() for name, text in zip(names, texts, strict=True) if isinstance(text, bytes)}


def _row(world: World, key: str, street: str, city: str, state: str, zip_code: str) -> list[str]:
    home = find_home(world, street, zip_code)
    asked = f"{street}, {city}, {state}, {zip_code}"
    if home is None:
        return [key, asked, "No_Match"]
    if home.number % ONE_IN_TIES == ONE_IN_TIES - 1:
        return [key, asked, "Tie"]
    place = home.place
    kind = "Exact" if city.upper() == place.city else "Non_Exact"
    matched = f"{home.street}, {place.city}, {place.state}, {place.zip}"
    county = place.county_fips or "00000"
    where = f"{home.lon:.12f},{home.lat:.12f}"
    return [key, asked, "Match", kind, matched, where, str(home.id), "LR"[home.number % 2], county[:2], county[2:],
            "010100", "1001"]  # fmt: skip


VENDOR = Vendor(
    name="census",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {"census_base_url": f"{url}{PREFIX}"},
    too_many=Reply(429, b"<html><body>Too many requests</body></html>", content_type="text/html"),
)
