"""RealPhoneValidation as it answers: HTTP 200 with a code, 403 for haste; INVERTED is a key whose answers are the wrong
way round, as one published copy of its documentation has them.
"""

import datetime as dt
from typing import Any

from leadflow_pipelines.providers.sandbox.numbers import KnownNumber, known_number
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.vendors.dncscrub import CANARIES
from leadflow_pipelines.providers.sandbox.world import World

KEY = "sandbox-realphonevalidation-key"
INVERTED = f"{KEY}-inverted"
PREFIX = "/realphonevalidation"


def _said(code: str, **more: Any) -> dict[str, Any]:
    return {"RESPONSECODE": code, "RESPONSEMSG": "", **more, "id": "4"}


UNAUTHORIZED = Reply(200, _said("unauthorized"))


def _answer(world: World, request: Request) -> Reply:
    token = request.query.get("token")
    if token not in (KEY, INVERTED):
        return UNAUTHORIZED
    known = known_number(request.query.get("phone", ""))
    if known is None:
        return Reply(200, _said("-1"))
    if request.path == "/rpvWebService/DNCLookup.php":
        return Reply(200, _said("OK", **_lists(known, token == INVERTED)), billed=1)
    if request.path == "/rpvWebService/ReassignedNumberLookup.php":
        return _reassigned(known, request.query.get("contact_date", ""), token == INVERTED)
    return NO_SUCH_PATH


def _lists(known: KnownNumber, is_inverted: bool) -> dict[str, str]:
    def flag(is_on: bool) -> str:
        return "?" if known.is_unanswered else "Y" if is_on != is_inverted else "N"

    return {
        "national_dnc": flag(known.is_national), "state_dnc": flag(known.is_state), "dma": flag(False),
        "litigator": flag(known.is_litigator), "iscell": "N",
    }  # fmt: skip


def _reassigned(known: KnownNumber, contact_date: str, is_inverted: bool) -> Reply:
    try:
        since = dt.date.fromisoformat(contact_date)
    except ValueError:
        return Reply(200, _said("-1"))
    is_new = known.reassigned_on is not None and known.reassigned_on > since
    said = ("yes" if is_new != is_inverted else "no") if known.has_data and not known.is_unanswered else "no_data"
    return Reply(200, _said("OK", reassigned=said), billed=1)


VENDOR = Vendor(
    name="realphonevalidation",
    prefixes=(PREFIX,),
    answer=_answer,
    settings=lambda url: {
        "realphonevalidation_base_url": f"{url}{PREFIX}",
        "realphonevalidation_api_key": KEY,
        "lookup_canaries": str(CANARIES),
    },
    shape=Shape(),
    expired=UNAUTHORIZED,
    empty=UNAUTHORIZED,
    too_many=Reply(403, {"error": "too many requests"}),
)
