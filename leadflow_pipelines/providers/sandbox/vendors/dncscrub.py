"""DNCScrub as it answers: all numbers of a request or none; INVERTED is a key whose answers are the wrong way round."""

import datetime as dt
from pathlib import Path
from typing import Any

from leadflow_pipelines.providers.sandbox.numbers import KnownNumber, known_number
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-dncscrub-key"
INVERTED = f"{KEY}-inverted"
PREFIX = "/dncscrub"
MOST_SCRUBBED, MOST_CHECKED = 10_000, 1_000
CANARIES = Path(__file__).parents[1] / "lookup_canaries.yaml"
UNAUTHORIZED = Reply(401, {"Message": "Invalid or missing API key"})


def _answer(world: World, request: Request) -> Reply:
    key = request.headers.get("loginid")
    if key not in (KEY, INVERTED):
        return UNAUTHORIZED
    if request.method != "POST":
        return NO_SUCH_PATH
    if request.path == "/app/main/rpc/scrub":
        return _scrub(request, is_inverted=key == INVERTED)
    if request.path == "/v1.5/Data/RNDBasic":
        return _reassigned(request, is_inverted=key == INVERTED)
    return NO_SUCH_PATH


def _scrub(request: Request, *, is_inverted: bool) -> Reply:
    body = request.json() or {}
    phones = str(body.get("phoneList") or "").split(",")
    known = [(phone, known_number(phone)) for phone in phones]
    if len(phones) > MOST_SCRUBBED or body.get("output") != "json":
        return Reply(400, {"Message": "At most 10,000 numbers, output json"})
    if bad := [phone for phone, one in known if one is None]:
        return Reply(400, {"Message": f"Invalid phone number: {bad[0]}"})
    entries = [_scrubbed(phone, one, is_inverted) for phone, one in known if one is not None]
    return Reply(200, entries, billed=len(entries))


def _scrubbed(phone: str, known: KnownNumber, is_inverted: bool) -> dict[str, Any]:
    is_hit = known.is_national or known.is_state or known.is_litigator
    reason = "Litigator" if known.is_litigator else "National (USA) 2003-06-01;;;" if known.is_national else ";;;"
    code = "?" if known.is_unanswered else "D" if is_hit != is_inverted else "C"
    return {
        "Phone": phone, "ResultCode": code, "Reserved": "", "Reason": reason if code == "D" else ";;;",
        "RegionAbbrev": "DC", "Country": "US", "Locale": "Washington", "CarrierInfo": "", "NewReassignedAreaCode": "",
        "TZCode": "4", "CallingWindow": "8:00-21:00;8:00-21:00;8:00-21:00", "UTCOffset": "-300", "DoNotCallToday": "0",
        "CallingTimeRestrictions": "4", "EBRType": "", "IsWirelessOrVoIP": "0", "LineType": "AllOther",
    }  # fmt: skip


def _reassigned(request: Request, *, is_inverted: bool) -> Reply:
    wanted = (request.json() or {}).get("Data") or []
    if not 0 < len(wanted) <= MOST_CHECKED:
        return Reply(400, {"Message": "1 to 1,000 numbers, please"})
    entries = []
    for one in wanted:
        known = known_number(str(one.get("phoneNumber")))
        try:
            since = dt.date.fromisoformat(str(one.get("date")))
        except ValueError:
            known = None
        if known is None:
            return Reply(400, {"Message": "Invalid phone number or date"})
        is_new = known.reassigned_on is not None and known.reassigned_on > since
        said = (is_new != is_inverted) if known.has_data and not known.is_unanswered else None
        entries.append(
            {
                "PhoneNumber": one["phoneNumber"],
                "IsReassigned": said,
                "HasSafeHarbor": said is False,
                "IsSandBox": False,
            }
        )
    return Reply(200, entries, billed=len(entries))


VENDOR = Vendor(
    name="dncscrub",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {
        "dncscrub_base_url": f"{url}{PREFIX}",
        "dncscrub_data_base_url": f"{url}{PREFIX}",
        "dncscrub_api_key": KEY,
        "lookup_canaries": str(CANARIES),
    },
    shape=Shape(items=(), optional=("CarrierInfo",), renamed=("ResultCode",)),
    expired=UNAUTHORIZED,
    empty=Reply(403, {"Message": "The account has no credit"}),
)
